/* Which user a login name means. Callers: auth.c. */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include "base/macros.h"
#include "base/str.h"

struct arena;
struct err;
struct store;
struct user;

/* 1 found, 0 not (or not one alone), negative: the store failed. Values live in arena. */
int login_find_user(struct store *store, struct str name, struct arena *arena, struct user *user_r,
                    struct err *err_r) WARN_UNUSED;

#endif
