#include "mailbox/subscriptions.h"

#include "base/rand.h"
#include "mailbox/limits.h"
#include "mailbox/mailbox-private.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define FOLDER_BYTES 8

#define COLUMNS                                                                                    \
    "id, secret, owner, kind, types, folders, cursor_seq, cursor_taken, created_ms, used_ms, "     \
    "life_ms, failing_ms, url, caller_data"
SQL(sql_add) =
    "INSERT INTO subscription (id, owner, kind, types, cursor_seq, cursor_taken, created_ms, "
    "used_ms, life_ms, failing_ms, secret, folders, url, caller_data) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, 0, $9, $10, $11, $12)";
SQL(sql_get) = "SELECT " COLUMNS " FROM subscription WHERE id = $1";
SQL(sql_list) = "SELECT " COLUMNS " FROM subscription ORDER BY id";
SQL(sql_delete) = "DELETE FROM subscription WHERE id = $1";
SQL(sql_note) = "UPDATE subscription SET cursor_seq = $1, cursor_taken = $2, failing_ms = $3, "
                "used_ms = $4 WHERE id = $5";
SQL(sql_touch) = "UPDATE subscription SET used_ms = $1 WHERE id = $2";
/* Push subscriptions end by their own rules. */
SQL(sql_expire) = "DELETE FROM subscription WHERE kind <> 3 AND used_ms + life_ms + $1 < $2";
SQL(sql_count) = "SELECT coalesce(sum(kind = 1), 0), coalesce(sum(kind = 2), 0), "
                 "coalesce(sum(kind = 3), 0) FROM subscription";

_Static_assert(SUBSCRIPTION_STREAMING == 1 && SUBSCRIPTION_PULL == 2 && SUBSCRIPTION_PUSH == 3,
               "in the SQL");

const char *subscription_kind_name(enum subscription_kind kind)
{
    static const char *const names[] = {[SUBSCRIPTION_STREAMING] = "streaming",
                                        [SUBSCRIPTION_PULL] = "pull",
                                        [SUBSCRIPTION_PUSH] = "push"};

    return names[kind];
}

/* ---- rows ---- */

static struct str pack_folders(struct arena *arena, const struct subscription *s)
{
    unsigned char *p = arena_alloc(arena, s->folder_n * FOLDER_BYTES + 1);

    for (size_t i = 0; i < s->folder_n; i++) {
        for (unsigned b = 0; b < FOLDER_BYTES; b++) {
            p[i * FOLDER_BYTES + b] = (unsigned char)(s->folders[i].v >> (56 - 8 * b));
        }
    }
    return str_of(p, s->folder_n * FOLDER_BYTES);
}

static void unpack_folders(struct str packed, struct arena *arena, struct subscription *s)
{
    struct folder_id *folders;

    s->folder_n = packed.n / FOLDER_BYTES;
    folders = ARENA_ARRAY(arena, struct folder_id, s->folder_n);
    for (size_t i = 0; i < s->folder_n * FOLDER_BYTES; i++) {
        folders[i / FOLDER_BYTES].v = folders[i / FOLDER_BYTES].v << 8 | (unsigned char)packed.p[i];
    }
    s->folders = folders;
}

/* The statement stands on a row of COLUMNS. */
static int read_row(struct db_stmt *stmt, struct arena *arena, struct subscription *s,
                    struct err *err_r)
{
    struct str secret = db_col_bytes(stmt, 1);

    *s = (struct subscription){
        .id = {(uint64_t)db_col_i64(stmt, 0)},
        .owner = {(uint64_t)db_col_i64(stmt, 2)},
        .kind = (enum subscription_kind)db_col_i64(stmt, 3),
        .types = (uint32_t)db_col_i64(stmt, 4),
        .cursor = {{(uint64_t)db_col_i64(stmt, 6)}, (uint32_t)db_col_i64(stmt, 7)},
        .created_ms = db_col_i64(stmt, 8),
        .used_ms = db_col_i64(stmt, 9),
        .life_ms = db_col_i64(stmt, 10),
        .failing_ms = db_col_i64(stmt, 11),
    };
    if (secret.n != SUBSCRIPTION_SECRET_BYTES) {
        return err_set(err_r, ERR_CORRUPT, "secret of subscription %llu",
                       (unsigned long long)s->id.v);
    }
    memcpy(s->secret, secret.p, SUBSCRIPTION_SECRET_BYTES);
    unpack_folders(db_col_bytes(stmt, 5), arena, s);
    s->url = str_dup(arena, db_col_bytes(stmt, 12));
    s->caller_data = str_dup(arena, db_col_bytes(stmt, 13));
    return 0;
}

/* ---- lives ---- */

int64_t subscription_expires_ms(const struct subscription *s)
{
    return s->kind == SUBSCRIPTION_PUSH ? INT64_MAX
                                        : s->used_ms + s->life_ms + SUBSCRIPTION_SLACK_MS;
}

int subscription_expire(struct mailbox_tx *tx, struct err *err_r)
{
    return TX_RUN(tx, err_r, sql_expire, SUBSCRIPTION_SLACK_MS, tx_now_ms(tx));
}

/* ---- the room's verbs ---- */

int subscription_count(struct mailbox_tx *tx, struct subscription_counts *counts_r,
                       struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(db_prepare(tx->db, sql_count, &stmt, err_r));
    TRY(db_step(stmt, err_r));
    *counts_r = (struct subscription_counts){{0}};
    for (int kind = SUBSCRIPTION_STREAMING; kind <= SUBSCRIPTION_PUSH; kind++) {
        counts_r->n[kind] = (uint64_t)db_col_i64(stmt, kind - SUBSCRIPTION_STREAMING);
    }
    return 0;
}

static int count_all(struct mailbox_tx *tx, uint64_t *n_r, struct err *err_r)
{
    struct subscription_counts c;

    TRY(subscription_count(tx, &c, err_r));
    *n_r = c.n[SUBSCRIPTION_STREAMING] + c.n[SUBSCRIPTION_PULL] + c.n[SUBSCRIPTION_PUSH];
    return 0;
}

/* Dead ones are in nobody's way until their places are needed. */
static int check_count(struct mailbox_tx *tx, unsigned max, struct err *err_r)
{
    uint64_t n = 0;

    TRY(count_all(tx, &n, err_r));
    if (n >= max) {
        TRY(subscription_expire(tx, err_r));
        TRY(count_all(tx, &n, err_r));
    }
    if (n >= max) {
        return err_set(err_r, ERR_SUBSCRIPTION_COUNT, "the mailbox has %llu subscriptions",
                       (unsigned long long)n);
    }
    return 0;
}

/* Not a number of the log: whoever subscribes changes nothing that anybody else has to look at. */
static uint64_t new_id(void)
{
    return (rand_u64() & (SEQ_MAX >> 1)) + 1;
}

int subscription_add(struct mailbox_tx *tx, struct subscription *s, unsigned max, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    AUTO(db_stmt) stmt = NULL;

    TRY(check_count(tx, max, err_r));
    s->id.v = new_id();
    s->created_ms = s->used_ms = tx->now_ms;
    s->failing_ms = 0;
    rand_bytes(s->secret, sizeof(s->secret));
    TRY(TX_PREPARE(tx, err_r, &stmt, sql_add, (int64_t)s->id.v, (int64_t)s->owner.v,
                   (int64_t)s->kind, s->types, (int64_t)s->cursor.seq.v, s->cursor.taken,
                   tx->now_ms, s->life_ms));
    db_bind_bytes(stmt, 9, str_of(s->secret, sizeof(s->secret)));
    db_bind_bytes(stmt, 10, pack_folders(tmp, s));
    db_bind_text(stmt, 11, s->url.p != NULL ? s->url : STR(""));
    db_bind_text(stmt, 12, s->caller_data.p != NULL ? s->caller_data : STR(""));
    return db_exec(stmt, err_r);
}

int subscription_get(struct mailbox_tx *tx, struct subscription_id id,
                     const unsigned char secret[static SUBSCRIPTION_SECRET_BYTES],
                     struct arena *arena, struct subscription *subscription_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    struct subscription s;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_get, (int64_t)id.v));
    rc = db_step(stmt, err_r);
    if (rc <= 0) {
        return rc;
    }
    TRY(read_row(stmt, arena, &s, err_r));
    if (sodium_memcmp(s.secret, secret, SUBSCRIPTION_SECRET_BYTES) != 0 ||
        subscription_expires_ms(&s) < tx_now_ms(tx)) {
        return 0;
    }
    *subscription_r = s;
    return 1;
}

int subscription_list(struct mailbox_tx *tx, enum subscription_kind kind, struct arena *arena,
                      struct subscription **subscriptions_r, size_t *n_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    struct subscription *all = NULL;
    size_t n = 0, room = 0;
    int rc;

    TRY(db_prepare(tx->db, sql_list, &stmt, err_r));
    while ((rc = db_step(stmt, err_r)) == 1) {
        struct subscription s;

        TRY(read_row(stmt, arena, &s, err_r));
        if ((kind != 0 && s.kind != kind) || subscription_expires_ms(&s) < tx_now_ms(tx)) {
            continue;
        }
        if (n == room) {
            size_t more = room == 0 ? 8 : room * 2;

            all = arena_grow(arena, all, room * sizeof(*all), more * sizeof(*all));
            room = more;
        }
        all[n++] = s;
    }
    TRY(rc);
    *subscriptions_r = all;
    *n_r = n;
    return 0;
}

int subscription_delete(struct mailbox_tx *tx, struct subscription_id id, struct err *err_r)
{
    TRY(TX_RUN(tx, err_r, sql_delete, (int64_t)id.v));
    return db_changes(tx->db) == 1;
}

int subscription_note(struct mailbox_tx *tx, struct subscription_id id, struct log_position cursor,
                      int64_t failing_ms, struct err *err_r)
{
    TRY(TX_RUN(tx, err_r, sql_note, (int64_t)cursor.seq.v, cursor.taken, failing_ms, tx->now_ms,
               (int64_t)id.v));
    return db_changes(tx->db) == 1;
}

int subscription_touch(struct mailbox_tx *tx, struct subscription_id id, struct err *err_r)
{
    TRY(TX_RUN(tx, err_r, sql_touch, tx->now_ms, (int64_t)id.v));
    return db_changes(tx->db) == 1;
}

/* ---- positions ---- */

struct log_position log_position_now(const struct mailbox_tx *tx)
{
    return (struct log_position){.seq = {tx->row.seq + 1}};
}

/* Events up to the floor are forgotten: the first that is still there is the one behind it. */
int log_position_check(const struct mailbox_tx *tx, struct log_position at, struct err *err_r)
{
    if (at.seq.v <= tx->row.event_floor || at.seq.v > tx->row.seq + 1) {
        return err_set(err_r, ERR_WATERMARK, "position %llu; the log is from %llu to %llu",
                       (unsigned long long)at.seq.v, (unsigned long long)tx->row.event_floor + 1,
                       (unsigned long long)tx->row.seq);
    }
    return 0;
}
