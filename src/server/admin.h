/*
 * What an administrator does to a store: users, import, delivery, check. One implementation, used
 * by ewerctl directly when no server runs and by the server's control socket when one does.
 *
 * Calls block and may come from several threads at once; never from a worker or an event loop.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct hub;
struct store;
struct workers;

struct admin {
    struct store *store;
    struct workers *workers;
    struct hub *hub; /* of the running server; NULL: none */
};

struct admin_message {
    struct str bytes;
    struct str folder; /* empty: the call's */
    int64_t received_ms;
    bool read;
    bool delivered; /* deliver: as LMTP would; import: not new mail */
    bool draft;
};

/* password empty: a user who cannot log in. ERR_EXISTS, ERR_USAGE for a malformed address. */
int admin_user_add(struct admin *admin, struct str address, struct str display_name,
                   struct str password, struct err *err_r) WARN_UNUSED;
/* One line a user, in order of address: the address, and a tab and the display name if there is
 * one. */
int admin_user_list(struct admin *admin, struct arena *arena, struct str *lines_r,
                    struct err *err_r) WARN_UNUSED;
/* ERR_NO_SUCH_MAILBOX, as all that follow. */
int admin_user_passwd(struct admin *admin, struct str address, struct str password,
                      struct err *err_r) WARN_UNUSED;
int admin_user_delete(struct admin *admin, struct str address, struct err *err_r) WARN_UNUSED;
/*
 * Stores the messages in their order, in one durable transaction: all or none. folder: a path below
 * msgfolderroot, "/" between names ("Inbox", "A/B"); a distinguished folder's wire name serves as
 * the first of them. Made when absent. ERR_NAME_INVALID for a folder that cannot be.
 */
int admin_import(struct admin *admin, struct str address, struct str folder,
                 const struct admin_message *messages, size_t n, struct err *err_r) WARN_UNUSED;
/* Verifies the invariants of a mailbox: ERR_CORRUPT names the first violation. */
int admin_check(struct admin *admin, struct str address, struct err *err_r) WARN_UNUSED;

/*
 * Subscriptions, as ewerctl shows them. With a running server what is told comes from its hub, else from the store. address empty: of all users. One line each: SubscriptionId, address, kind,
 * "open" or "-", events behind (or "-": the client knows), seconds since the last sign, folders ("all" or their number), event types.
 */
int admin_subscription_list(struct admin *admin, struct str address, struct arena *arena,
                            struct str *lines_r, struct err *err_r) WARN_UNUSED;
/* All of one, "name: value" a line; the URL included, CallerData not. ERR_SUBSCRIPTION_NOT_FOUND. */
int admin_subscription_show(struct admin *admin, struct str id, struct arena *arena,
                            struct str *lines_r, struct err *err_r) WARN_UNUSED;
int admin_subscription_delete(struct admin *admin, struct str id, struct err *err_r) WARN_UNUSED;

/*
 * The live log: what happened in a mailbox, or in all (address empty), since `places`, one line an event; waits for something for at most ADMIN_WATCH_WAIT_MS. places is opaque; empty: from
 * now on. *places_r is for the next call.
 */
struct admin_watch {
    struct str lines, places;
};
int admin_watch(struct admin *admin, struct str address, struct str places, struct arena *arena,
                struct admin_watch *watch_r, struct err *err_r) WARN_UNUSED;

#endif
