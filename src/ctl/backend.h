/*
 * The store as ewerctl reaches it: through a running server's control socket, or directly when none
 * runs. Functions are those of server/admin.h. Callers: the commands.
 */
#ifndef CTL_BACKEND_H
#define CTL_BACKEND_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct admin_message;
struct admin_watch;
struct arena;
struct backend;
struct err;

/* create: make the store when there is none. A store that is held by a server about to start or
 * stop is waited for. ERR_STORE_BUSY, ERR_IO. */
int backend_open(const char *dir, bool create, struct backend **backend_r, struct err *err_r)
    WARN_UNUSED;
void backend_close(struct backend **backend);

int backend_user_add(struct backend *b, struct str address, struct str display_name,
                     struct str password, struct err *err_r) WARN_UNUSED;
int backend_user_list(struct backend *b, struct arena *arena, struct str *lines_r,
                      struct err *err_r) WARN_UNUSED;
int backend_user_passwd(struct backend *b, struct str address, struct str password,
                        struct err *err_r) WARN_UNUSED;
int backend_user_delete(struct backend *b, struct str address, struct err *err_r) WARN_UNUSED;
int backend_import(struct backend *b, struct str address, struct str folder,
                   const struct admin_message *messages, size_t n, struct err *err_r) WARN_UNUSED;
int backend_check(struct backend *b, struct str address, struct err *err_r) WARN_UNUSED;

int backend_subscription_list(struct backend *b, struct str address, struct arena *arena,
                              struct str *lines_r, struct err *err_r) WARN_UNUSED;
int backend_subscription_show(struct backend *b, struct str id, struct arena *arena,
                              struct str *lines_r, struct err *err_r) WARN_UNUSED;
int backend_subscription_delete(struct backend *b, struct str id, struct err *err_r) WARN_UNUSED;
int backend_watch(struct backend *b, struct str address, struct str places, struct arena *arena,
                  struct admin_watch *watch_r, struct err *err_r) WARN_UNUSED;

DEFINE_AUTO(backend, backend_close)

#endif
