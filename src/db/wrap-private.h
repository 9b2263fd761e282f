/*
 * What the decorators share: a database that passes every call on to another one, with a look before and after. Callers: trace.c, fault.c.
 */
#ifndef DB_WRAP_PRIVATE_H
#define DB_WRAP_PRIVATE_H

#include "db/db-private.h"
#include "db/decorate.h"

struct wrap {
    struct db db;
    struct db *inner;
    void *ctx;
    /* Either may be NULL. before: negative, and the call is not made. */
    int (*before)(struct wrap *wrap, enum db_call call, struct err *err_r);
    /* Sees the result and returns the one for the caller. */
    int (*after)(struct wrap *wrap, enum db_call call, const char *sql, int rc, struct err *err_r);
};

/* Owns inner from here on. */
struct wrap *wrap_new(struct db *inner, void *ctx);

#endif
