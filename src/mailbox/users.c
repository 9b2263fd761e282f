/* The directory database: the store's row and its users. Every function here holds directory_mutex while it uses the connection. */
#include "mailbox/store.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "mailbox/address.h"
#include "mailbox/limits.h"
#include "mailbox/outbox.h"
#include "mailbox/store-private.h"
#include "mailbox/subscriptions.h"

#include <assert.h>

/* ---- holding the connection ---- */

struct directory {
    pthread_mutex_t *mutex;
    struct db *db;
};

static struct directory directory_hold(struct store *store)
{
    pthread_mutex_lock(&store->directory_mutex);
    return (struct directory){&store->directory_mutex, store->directory};
}

/* A transaction that was not committed is rolled back. */
static void directory_release(struct directory *d)
{
    db_rollback(d->db);
    pthread_mutex_unlock(d->mutex);
}
#define HOLD_DIRECTORY(name, store)                                                                \
    __attribute__((cleanup(directory_release))) struct directory name = directory_hold(store)

/* Runs a statement of one number and no rows. */
static int exec_number(struct db *db, const char *sql, uint64_t v, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(db_prepare(db, sql, &stmt, err_r));
    db_bind_i64(stmt, 1, (int64_t)v);
    return db_exec(stmt, err_r);
}

/* ---- the store's row ---- */

static const char sql_store_get[] = "SELECT token_key, epoch FROM store WHERE id = 1";
static const char sql_store_make[] =
    "INSERT INTO store (id, token_key, epoch, next_mailbox) VALUES (1, $1, $2, 1)";

static int make_key(struct db *db, struct err *err_r)
{
    struct token_key key;
    AUTO(db_stmt) stmt = NULL;

    rand_bytes(&key, sizeof(key));
    TRY(db_begin(db, DB_WRITE, err_r));
    TRY(db_prepare(db, sql_store_make, &stmt, err_r));
    db_bind_bytes(stmt, 1, str_of(key.key, sizeof(key.key)));
    db_bind_i64(stmt, 2, key.epoch);
    TRY(db_exec(stmt, err_r));
    return db_commit(db, err_r);
}

/* 1 there, 0 not. */
static int read_key(struct db *db, struct token_key *key_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    struct str key;
    int rc;

    TRY(db_prepare(db, sql_store_get, &stmt, err_r));
    rc = db_step(stmt, err_r);
    if (rc <= 0) {
        return rc;
    }
    key = db_col_bytes(stmt, 0);
    if (key.n != sizeof(key_r->key)) {
        return err_set(err_r, ERR_CORRUPT, "the store's token key has %zu bytes", key.n);
    }
    memcpy(key_r->key, key.p, key.n);
    key_r->epoch = (uint32_t)db_col_i64(stmt, 1);
    return 1;
}

int directory_load_key(struct store *store, struct err *err_r)
{
    HOLD_DIRECTORY(d, store);
    int found = read_key(d.db, &store->key, err_r);

    if (found == 0) {
        TRY(make_key(d.db, err_r));
        found = read_key(d.db, &store->key, err_r);
        assert(found != 0);
    }
    return found < 0 ? found : 0;
}

/* ---- mailboxes without a user ---- */

static const char sql_doomed_next[] =
    "SELECT mailbox FROM doomed WHERE mailbox > $1 ORDER BY mailbox LIMIT 1";
static const char sql_doomed_add[] = "INSERT INTO doomed (mailbox) VALUES ($1)";
static const char sql_doomed_forget[] = "DELETE FROM doomed WHERE mailbox = $1";
static const char sql_number_next[] = "SELECT next_mailbox FROM store WHERE id = 1";
static const char sql_number_spend[] =
    "UPDATE store SET next_mailbox = next_mailbox + 1 WHERE id = 1";
static const char sql_has_mailbox[] = "SELECT 1 FROM users WHERE mailbox = $1";

int directory_has_mailbox(struct store *store, struct mailbox_no no, struct err *err_r)
{
    HOLD_DIRECTORY(d, store);
    AUTO(db_stmt) stmt = NULL;

    TRY(db_prepare(d.db, sql_has_mailbox, &stmt, err_r));
    db_bind_i64(stmt, 1, (int64_t)no.v);
    return db_step(stmt, err_r);
}

int directory_next_doomed(struct store *store, struct mailbox_no after, struct mailbox_no *no_r,
                          struct err *err_r)
{
    HOLD_DIRECTORY(d, store);
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(db_prepare(d.db, sql_doomed_next, &stmt, err_r));
    db_bind_i64(stmt, 1, (int64_t)after.v);
    rc = db_step(stmt, err_r);
    if (rc == 1) {
        no_r->v = (uint64_t)db_col_i64(stmt, 0);
    }
    return rc;
}

int directory_forget_doomed(struct store *store, struct mailbox_no no, struct err *err_r)
{
    HOLD_DIRECTORY(d, store);

    TRY(db_begin(d.db, DB_WRITE, err_r));
    TRY(exec_number(d.db, sql_doomed_forget, no.v, err_r));
    return db_commit(d.db, err_r);
}

static int read_next_number(struct db *db, struct mailbox_no *no_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(db_prepare(db, sql_number_next, &stmt, err_r));
    TRY(db_step(stmt, err_r));
    no_r->v = (uint64_t)db_col_i64(stmt, 0);
    if (no_r->v > MAILBOX_NO_MAX) {
        return err_set(err_r, ERR_NOT_SUPPORTED, "the store has no more mailbox numbers");
    }
    return 0;
}

/* The number is spent, and its file noted as nobody's, before there is a file. */
static int spend_number(struct db *db, struct mailbox_no *no_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    struct mailbox_no no = {0};

    TRY(db_begin(db, DB_WRITE, err_r));
    TRY(read_next_number(db, &no, err_r));
    TRY(db_prepare(db, sql_number_spend, &stmt, err_r));
    TRY(db_exec(stmt, err_r));
    TRY(exec_number(db, sql_doomed_add, no.v, err_r));
    TRY(db_commit(db, err_r));
    *no_r = no;
    return 0;
}

/* ---- finding users ---- */

#define USER_COLUMNS "mailbox, address, display_name, password_hash"
static const char sql_user_find[] = "SELECT " USER_COLUMNS " FROM users WHERE address_key = $1";
static const char sql_user_by_mailbox[] = "SELECT " USER_COLUMNS " FROM users WHERE mailbox = $1";
static const char sql_user_list[] = "SELECT " USER_COLUMNS " FROM users ORDER BY address_key";

static void user_read(struct db_stmt *stmt, struct arena *arena, struct user *user_r)
{
    user_r->mailbox.v = (uint64_t)db_col_i64(stmt, 0);
    user_r->address = str_dup(arena, db_col_bytes(stmt, 1));
    user_r->display_name = str_dup(arena, db_col_bytes(stmt, 2));
    user_r->password_hash = str_dup(arena, db_col_bytes(stmt, 3));
}

static int find_exactly(struct db *db, struct str address, struct arena *arena, struct user *user_r,
                        struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    struct str key = address_key(arena, address);
    int rc;

    TRY(db_prepare(db, sql_user_find, &stmt, err_r));
    db_bind_text(stmt, 1, key);
    rc = db_step(stmt, err_r);
    if (rc == 1) {
        user_read(stmt, arena, user_r);
    }
    return rc;
}

int store_user_find(struct store *store, struct str address, struct arena *arena,
                    struct user *user_r, struct err *err_r)
{
    HOLD_DIRECTORY(d, store);
    struct str plain;
    int rc;

    if (!address_valid(address)) {
        return 0;
    }
    rc = find_exactly(d.db, address, arena, user_r, err_r);
    if (rc == 0 && address_without_detail(arena, address, &plain)) {
        rc = find_exactly(d.db, plain, arena, user_r, err_r);
    }
    return rc;
}

int store_user_by_mailbox(struct store *store, struct mailbox_no no, struct arena *arena,
                          struct user *user_r, struct err *err_r)
{
    HOLD_DIRECTORY(d, store);
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(db_prepare(d.db, sql_user_by_mailbox, &stmt, err_r));
    db_bind_i64(stmt, 1, (int64_t)no.v);
    rc = db_step(stmt, err_r);
    if (rc == 1) {
        user_read(stmt, arena, user_r);
    }
    return rc;
}

int store_user_list(struct store *store, struct arena *arena, struct user **users_r, size_t *n_r,
                    struct err *err_r)
{
    HOLD_DIRECTORY(d, store);
    AUTO(db_stmt) stmt = NULL;
    struct user *users = NULL;
    size_t n = 0, room = 0;
    int rc;

    TRY(db_prepare(d.db, sql_user_list, &stmt, err_r));
    while ((rc = db_step(stmt, err_r)) == 1) {
        if (n == room) {
            size_t more = room == 0 ? 16 : room * 2;

            users = arena_grow(arena, users, room * sizeof(*users), more * sizeof(*users));
            room = more;
        }
        user_read(stmt, arena, &users[n++]);
    }
    TRY(rc);
    *users_r = users;
    *n_r = n;
    return 0;
}

unsigned store_user_generation(const struct store *store)
{
    return atomic_load_explicit(&store->user_generation, memory_order_acquire);
}

/* ---- changing users ---- */

static const char sql_user_add[] =
    "INSERT INTO users (mailbox, address_key, address, display_name, password_hash) VALUES ($1, $2, $3, $4, $5)";
static const char sql_user_passwd[] = "UPDATE users SET password_hash = $1 WHERE address_key = $2";
static const char sql_user_rename[] =
    "UPDATE users SET address_key = $1, address = $2 WHERE address_key = $3";
static const char sql_user_delete[] = "DELETE FROM users WHERE mailbox = $1";
static const char sql_outbox_drop[] = "DELETE FROM outbox_hint WHERE mailbox = $1";
static const char sql_push_drop[] = "DELETE FROM push_hint WHERE mailbox = $1";

static void note_change(struct store *store)
{
    atomic_fetch_add_explicit(&store->user_generation, 1, memory_order_release);
}

static int exists_error(struct str address, struct err *err_r)
{
    return err_tell(err_r, ERR_EXISTS, "the user %.*s exists already", STR_ARG(address));
}

static int unknown_error(struct str address, struct err *err_r)
{
    return err_set(err_r, ERR_NO_SUCH_MAILBOX, "there is no user %.*s", STR_ARG(address));
}

static int check_address(struct str address, struct err *err_r)
{
    if (!address_valid(address)) {
        return err_tell(err_r, ERR_USAGE, "%.*s is not an address", STR_ARG(address));
    }
    return 0;
}

static int insert_user(struct db *db, const struct user *user, struct mailbox_no no,
                       struct arena *arena, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(db_begin(db, DB_WRITE, err_r));
    TRY(exec_number(db, sql_doomed_forget, no.v, err_r));
    TRY(db_prepare(db, sql_user_add, &stmt, err_r));
    db_bind_i64(stmt, 1, (int64_t)no.v);
    db_bind_text(stmt, 2, address_key(arena, user->address));
    db_bind_text(stmt, 3, user->address);
    db_bind_text(stmt, 4, user->display_name);
    db_bind_text(stmt, 5, user->password_hash);
    TRY(db_exec(stmt, err_r));
    return db_commit(db, err_r);
}

/* The connection is held throughout: of two who add one address, the second finds it. */
int store_user_add(struct store *store, const struct user *user, struct mailbox_no *mailbox_r,
                   struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "user");
    HOLD_DIRECTORY(d, store);
    struct mailbox_no no = {0};
    struct user other;
    int found;

    TRY(check_address(user->address, err_r));
    found = find_exactly(d.db, user->address, arena, &other, err_r);
    TRY(found);
    if (found == 1) {
        return exists_error(user->address, err_r);
    }
    TRY(spend_number(d.db, &no, err_r));
    TRY(store_mailbox_make(store, no, err_r));
    TRY(insert_user(d.db, user, no, arena, err_r));
    note_change(store);
    *mailbox_r = no;
    return 0;
}

/* One row changes, or the address is unknown. */
static int change_one(struct db *db, struct db_stmt *stmt, struct str address, struct err *err_r)
{
    TRY(db_exec(stmt, err_r));
    return db_changes(db) == 1 ? db_commit(db, err_r) : unknown_error(address, err_r);
}

int store_user_set_password(struct store *store, struct str address, struct str password_hash,
                            struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "user");
    HOLD_DIRECTORY(d, store);
    AUTO(db_stmt) stmt = NULL;

    TRY(db_begin(d.db, DB_WRITE, err_r));
    TRY(db_prepare(d.db, sql_user_passwd, &stmt, err_r));
    db_bind_text(stmt, 1, password_hash);
    db_bind_text(stmt, 2, address_key(arena, address));
    TRY(change_one(d.db, stmt, address, err_r));
    note_change(store);
    return 0;
}

int store_user_rename(struct store *store, struct str address, struct str new_address,
                      struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "user");
    HOLD_DIRECTORY(d, store);
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(check_address(new_address, err_r));
    TRY(db_begin(d.db, DB_WRITE, err_r));
    TRY(db_prepare(d.db, sql_user_rename, &stmt, err_r));
    db_bind_text(stmt, 1, address_key(arena, new_address));
    db_bind_text(stmt, 2, new_address);
    db_bind_text(stmt, 3, address_key(arena, address));
    rc = change_one(d.db, stmt, address, err_r);
    if (rc == -ERR_CONSTRAINT) {
        return exists_error(new_address, err_r);
    }
    TRY(rc);
    note_change(store);
    return 0;
}

/* From here on the mailbox is nobody's, and noted so. */
static int delete_row(struct store *store, struct str address, struct mailbox_no *no_r,
                      struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "user");
    HOLD_DIRECTORY(d, store);
    struct user user;
    int found;

    TRY(db_begin(d.db, DB_WRITE, err_r));
    found = find_exactly(d.db, address, arena, &user, err_r);
    TRY(found);
    if (found == 0) {
        return unknown_error(address, err_r);
    }
    TRY(exec_number(d.db, sql_user_delete, user.mailbox.v, err_r));
    TRY(exec_number(d.db, sql_outbox_drop, user.mailbox.v, err_r));
    TRY(exec_number(d.db, sql_push_drop, user.mailbox.v, err_r));
    TRY(exec_number(d.db, sql_doomed_add, user.mailbox.v, err_r));
    TRY(db_commit(d.db, err_r));
    *no_r = user.mailbox;
    return 0;
}

int store_user_delete(struct store *store, struct str address, struct err *err_r)
{
    struct mailbox_no no;

    TRY(delete_row(store, address, &no, err_r));
    note_change(store);
    return store_mailbox_doom(store, no, err_r);
}

/* ---- mailboxes that may have something that a start must find: messages in the outbox, push subscriptions ---- */

struct hint {
    const char *get, *set, *drop, *list;
};
static const char sql_outbox_get[] = "SELECT 1 FROM outbox_hint WHERE mailbox = $1";
static const char sql_outbox_set[] = "INSERT INTO outbox_hint (mailbox) VALUES ($1)";
static const char sql_outbox_list[] = "SELECT mailbox FROM outbox_hint ORDER BY mailbox";
static const char sql_push_get[] = "SELECT 1 FROM push_hint WHERE mailbox = $1";
static const char sql_push_set[] = "INSERT INTO push_hint (mailbox) VALUES ($1)";
static const char sql_push_list[] = "SELECT mailbox FROM push_hint ORDER BY mailbox";

static const struct hint outbox_hint = {sql_outbox_get, sql_outbox_set, sql_outbox_drop,
                                        sql_outbox_list};
static const struct hint push_hint = {sql_push_get, sql_push_set, sql_push_drop, sql_push_list};

static int hint_get(struct db *db, const struct hint *hint, struct mailbox_no no, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(db_prepare(db, hint->get, &stmt, err_r));
    db_bind_i64(stmt, 1, (int64_t)no.v);
    return db_step(stmt, err_r);
}

/* Brings the hint to what it shall be; a transaction only when it is not. */
static int hint_change(struct store *store, const struct hint *hint, struct mailbox_no no,
                       bool wanted, struct err *err_r)
{
    HOLD_DIRECTORY(d, store);
    int is = hint_get(d.db, hint, no, err_r);

    TRY(is);
    if ((is == 1) == wanted) {
        return 0;
    }
    TRY(db_begin(d.db, DB_WRITE, err_r));
    TRY(exec_number(d.db, wanted ? hint->set : hint->drop, no.v, err_r));
    return db_commit(d.db, err_r);
}

static int hint_list(struct store *store, const struct hint *hint, struct arena *arena,
                     struct mailbox_no **nos_r, size_t *n_r, struct err *err_r)
{
    HOLD_DIRECTORY(d, store);
    AUTO(db_stmt) stmt = NULL;
    struct mailbox_no *nos = NULL;
    size_t n = 0, room = 0;
    int rc;

    TRY(db_prepare(d.db, hint->list, &stmt, err_r));
    while ((rc = db_step(stmt, err_r)) == 1) {
        if (n == room) {
            size_t more = room == 0 ? 16 : room * 2;

            nos = arena_grow(arena, nos, room * sizeof(*nos), more * sizeof(*nos));
            room = more;
        }
        nos[n++].v = (uint64_t)db_col_i64(stmt, 0);
    }
    TRY(rc);
    *nos_r = nos;
    *n_r = n;
    return 0;
}

int store_outbox_hint_set(struct store *store, struct mailbox_no no, struct err *err_r)
{
    return hint_change(store, &outbox_hint, no, true, err_r);
}

int store_outbox_hint_clear(struct store *store, struct mailbox_no no, struct err *err_r)
{
    return hint_change(store, &outbox_hint, no, false, err_r);
}

int store_outbox_hint_list(struct store *store, struct arena *arena, struct mailbox_no **nos_r,
                           size_t *n_r, struct err *err_r)
{
    return hint_list(store, &outbox_hint, arena, nos_r, n_r, err_r);
}

int store_push_hint_set(struct store *store, struct mailbox_no no, struct err *err_r)
{
    return hint_change(store, &push_hint, no, true, err_r);
}

int store_push_hint_clear(struct store *store, struct mailbox_no no, struct err *err_r)
{
    return hint_change(store, &push_hint, no, false, err_r);
}

int store_push_hint_list(struct store *store, struct arena *arena, struct mailbox_no **nos_r,
                         size_t *n_r, struct err *err_r)
{
    return hint_list(store, &push_hint, arena, nos_r, n_r, err_r);
}
