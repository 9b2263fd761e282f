/*
 * Decorators: databases that pass every call on to another one and do something besides. Callers: tests, and whoever hunts a defect.
 * They stand in for mocks: the rules above run unchanged on a store that tells or fails.
 *
 * A wrapped database belongs to its decorator and is closed with it; the caller keeps only the outer one.
 */
#ifndef DB_DECORATE_H
#define DB_DECORATE_H

#include "base/err.h"
#include "base/macros.h"

#include <stdbool.h>

struct db;

/* The calls that are told and can fail. Binding and reading columns pass silently: they run for every cell. */
enum db_call {
    DB_CALL_BEGIN,
    DB_CALL_COMMIT,
    DB_CALL_ROLLBACK,
    DB_CALL_SAVEPOINT,
    DB_CALL_SAVEPOINT_RELEASE,
    DB_CALL_SAVEPOINT_ROLLBACK,
    DB_CALL_PREPARE,
    DB_CALL_STEP,
    DB_CALL_MIGRATE,
    DB_CALL_CLOSE,
    DB_CALL_COUNT
};
const char *db_call_name(enum db_call call);

/* After each call, on the thread that made it. sql is NULL where none belongs to it; rc is what the caller gets. */
struct db_trace {
    void (*called)(struct db_trace *trace, enum db_call call, const char *sql, int rc);
};
struct db *db_trace_new(struct db *inner, struct db_trace *trace);

/*
 * Fails one call. The struct belongs to the caller, outlives the database and may be shared by several of them on one thread; calls counts on.
 * ROLLBACK and CLOSE cannot fail and are not counted.
 */
struct db_fault {
    unsigned nth;       /* 1: the next call that counts; 0: none */
    enum err_kind kind; /* what the caller gets */
    bool
        after; /* the call is made all the same, and only its result is lost: a COMMIT that happened */
    bool
        ends_tx; /* the engine rolls the transaction back besides, as SQLite does when the disk is full */
    bool only_one_call; /* count calls of the kind `call` alone */
    enum db_call call;
    unsigned calls; /* so many were counted */
    bool fired;
};
struct db *db_fault_new(struct db *inner, struct db_fault *fault);

/* Every db_open wraps what it opened, before it migrates, until wrap is NULL again. Set while no other thread opens databases. */
typedef struct db *db_wrap_fn(struct db *inner, void *ctx);
void db_decorate_all(db_wrap_fn *wrap, void *ctx);

#endif
