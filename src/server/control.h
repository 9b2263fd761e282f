/*
 * The control socket DIR/control.sock of a running server (mode 0600): ewerctl's commands as
 * length-framed requests, executed by admin.h.
 *
 * The bytes are described in control-private.h. They are this program's own affair: client and
 * server are of one version, and say so.
 */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>

struct admin;
struct admin_message;
struct admin_watch;
struct arena;
struct control;
struct err;

/* The caller holds the store: a socket left behind by a server that was killed is replaced. dir is
 * copied. ERR_IO. */
int control_start(const char *dir, struct admin *admin, struct control **control_r,
                  struct err *err_r) WARN_UNUSED;
/* Finishes the requests under way. The workers must still run. */
void control_stop(struct control **control);

/* The client's side: 1 connected, 0 no server runs. Blocking; one thread. */
struct control_client;
int control_connect(const char *dir, struct control_client **client_r, struct err *err_r)
    WARN_UNUSED;
void control_disconnect(struct control_client **client);

/* As their namesakes of admin.h; further ERR_IO when the server is gone (a request under way may
 * have been done, or not). */
int control_user_add(struct control_client *client, struct str address, struct str display_name,
                     struct str password, struct err *err_r) WARN_UNUSED;
int control_user_list(struct control_client *client, struct arena *arena, struct str *lines_r,
                      struct err *err_r) WARN_UNUSED;
int control_user_passwd(struct control_client *client, struct str address, struct str password,
                        struct err *err_r) WARN_UNUSED;
int control_user_delete(struct control_client *client, struct str address, struct err *err_r)
    WARN_UNUSED;
int control_import(struct control_client *client, struct str address, struct str folder,
                   const struct admin_message *messages, size_t n, struct err *err_r) WARN_UNUSED;
int control_subscription_list(struct control_client *client, struct str address,
                              struct arena *arena, struct str *lines_r, struct err *err_r)
    WARN_UNUSED;
int control_subscription_show(struct control_client *client, struct str id, struct arena *arena,
                              struct str *lines_r, struct err *err_r) WARN_UNUSED;
int control_subscription_delete(struct control_client *client, struct str id, struct err *err_r)
    WARN_UNUSED;
int control_watch(struct control_client *client, struct str address, struct str places,
                  struct arena *arena, struct admin_watch *watch_r, struct err *err_r) WARN_UNUSED;
int control_check(struct control_client *client, struct str address, struct err *err_r) WARN_UNUSED;

DEFINE_AUTO(control, control_stop)
DEFINE_AUTO(control_client, control_disconnect)

#endif
