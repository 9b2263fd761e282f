/*
 * A store: a directory with one directory database (users) and one database a mailbox. Opened by one process at a time for writing
 * (a lock file says so). Thread-safe but where noted; open mailboxes are kept in a bounded LRU.
 *
 *   DIR/lock              flock(2)ed by the serving process, or by ewerctl while it works alone
 *   DIR/directory.db      users, the store's token key
 *   DIR/mailboxes/NN/N.db one a mailbox (NN: last two digits)
 */
#ifndef MAILBOX_STORE_H
#define MAILBOX_STORE_H

#include "base/macros.h"
#include "base/str.h"
#include "mailbox/ids.h"
#include "mailbox/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct err;
struct mailbox;
struct store;

struct store_options {
    const char *dir;
    bool create;                 /* make the directory and its database when absent */
    unsigned max_open_mailboxes; /* kept open beside those that are taken, LRU; 0: default */
    struct clock *clock;
    uint64_t quota_bytes; /* of each mailbox (folder_write.h); 0: no bound */
};

/* ERR_STORE_BUSY when another process holds the lock. */
int store_open(const struct store_options *options, struct store **store_r, struct err *err_r)
    WARN_UNUSED;
void store_close(struct store **store);

const struct token_key *store_token_key(const struct store *store);
struct clock *store_clock(const struct store *store);

struct user {
    struct mailbox_no mailbox;
    struct str address;       /* as added; compared ASCII-case-insensitively */
    struct str display_name;  /* may be empty */
    struct str password_hash; /* libsodium's $argon2id$ text; empty: no login */
};

/* The mailbox with its distinguished folders is made, durably, before the user appears. ERR_EXISTS, ERR_USAGE for a malformed address. */
int store_user_add(struct store *store, const struct user *user, struct mailbox_no *mailbox_r,
                   struct err *err_r) WARN_UNUSED;
/* 1 found, 0 not. Values live in arena. A trailing "+detail" in the local part is tried when the plain address is unknown. */
int store_user_find(struct store *store, struct str address, struct arena *arena,
                    struct user *user_r, struct err *err_r) WARN_UNUSED;
int store_user_by_mailbox(struct store *store, struct mailbox_no no, struct arena *arena,
                          struct user *user_r, struct err *err_r) WARN_UNUSED;
/* In order of address. */
int store_user_list(struct store *store, struct arena *arena, struct user **users_r, size_t *n_r,
                    struct err *err_r) WARN_UNUSED;
int store_user_set_password(struct store *store, struct str address, struct str password_hash,
                            struct err *err_r) WARN_UNUSED; /* ERR_NO_SUCH_MAILBOX */
int store_user_rename(struct store *store, struct str address, struct str new_address,
                      struct err *err_r) WARN_UNUSED;
/* The user goes at once; the mailbox file as soon as nobody has it open. */
int store_user_delete(struct store *store, struct str address, struct err *err_r) WARN_UNUSED;
/* Changes whenever a user is added, renamed, deleted or gets a password: caches compare it. */
unsigned store_user_generation(const struct store *store);

/*
 * Opens (or finds open) the mailbox for this thread alone, until released: the caller is the one worker on it. Waits for nobody: calling it for a
 * mailbox that is taken is a programmer error (workers.h guarantees it). ERR_NO_SUCH_MAILBOX.
 */
int store_mailbox_take(struct store *store, struct mailbox_no no, struct mailbox **mailbox_r,
                       struct err *err_r) WARN_UNUSED;
void store_mailbox_release(struct store *store, struct mailbox **mailbox);

DEFINE_AUTO(store, store_close)

#endif
