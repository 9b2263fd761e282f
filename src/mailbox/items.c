#include "mailbox/mailbox.h"

#include "base/mem.h"
#include "mailbox/mailbox-private.h"
#include "mailbox/props.h"

#include <assert.h>
#include <stdlib.h>

SQL(sql_insert) =
    "INSERT INTO item (id, folder_id, associated, kind, flags, body_id, received_ms, size, props) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
SQL(sql_get) = "SELECT " ITEM_COLUMNS ", folder_id FROM item WHERE id = $1";
SQL(sql_brief) = "SELECT folder_id, flags, body_id, size, kind FROM item WHERE id = $1";
SQL(sql_props) = "SELECT props FROM item WHERE id = $1";
SQL(sql_set_flags) = "UPDATE item SET flags = $1, read_seq = $2 WHERE id = $3";
SQL(sql_update) =
    "UPDATE item SET props = $1, flags = $2, body_id = $3, size = $4, change_seq = $5 "
    "WHERE id = $6";
SQL(sql_set_received) = "UPDATE item SET received_ms = $1 WHERE id = $2";
SQL(sql_delete) = "DELETE FROM item WHERE id = $1";
SQL(sql_tombstone) =
    "INSERT INTO tombstone (folder_id, associated, delete_seq, item_id) VALUES ($1, $2, $3, $4)";
SQL(sql_move) =
    "UPDATE item SET id = $1, folder_id = $2, change_seq = NULL, read_seq = NULL WHERE id = $3";
SQL(sql_copy) =
    "INSERT INTO item (id, folder_id, associated, kind, flags, body_id, received_ms, size, props) "
    "SELECT $1, $2, associated, kind, flags, body_id, received_ms, size, props FROM item "
    "WHERE id = $3";

SQL(sql_body_insert) = "INSERT INTO body (id, mime) VALUES ($1, $2)";
SQL(sql_body_get) = "SELECT mime FROM body WHERE id = $1";
SQL(sql_body_bytes) = "SELECT length(mime) FROM body WHERE id = $1";
SQL(sql_body_delete) = "DELETE FROM body WHERE id = $1";
SQL(sql_share_get) = "SELECT refs FROM body_share WHERE body_id = $1";
SQL(sql_share_insert) = "INSERT INTO body_share (body_id, refs) VALUES ($1, 2)";
SQL(sql_share_add) = "UPDATE body_share SET refs = refs + $1 WHERE body_id = $2";
SQL(sql_share_delete) = "DELETE FROM body_share WHERE body_id = $1";

SQL(sql_own_bytes) =
    "SELECT coalesce(sum(length(mime)), 0) FROM body WHERE id IN (SELECT body_id FROM item WHERE "
    "folder_id = $1 AND body_id NOT IN (SELECT body_id FROM body_share))";
SQL(sql_drop_own_bodies) =
    "DELETE FROM body WHERE id IN (SELECT body_id FROM item WHERE folder_id = $1 AND body_id NOT "
    "IN (SELECT body_id FROM body_share))";
SQL(sql_drop_shared) =
    "SELECT body_id FROM item WHERE folder_id = $1 AND body_id IN (SELECT body_id FROM body_share)";
SQL(sql_drop_items) = "DELETE FROM item WHERE folder_id = $1";
SQL(sql_drop_tombstones) = "DELETE FROM tombstone WHERE folder_id = $1";

/* ---- bodies ---- */

static int body_add(struct mailbox_tx *tx, uint64_t id, struct str mime, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_body_insert, (int64_t)id));
    db_bind_bytes(stmt, 2, mime);
    TRY(db_exec(stmt, err_r));
    tx->row.bytes_used += mime.n;
    return 0;
}

/* One more item has it. The count stands apart, since changing it beside the bytes would write all of them again. */
static int body_share(struct mailbox_tx *tx, uint64_t id, struct err *err_r)
{
    if (id == 0) {
        return 0;
    }
    TRY(TX_RUN(tx, err_r, sql_share_add, 1, (int64_t)id));
    if (db_changes(tx->db) == 1) {
        return 0;
    }
    return TX_RUN(tx, err_r, sql_share_insert, (int64_t)id);
}

/* The engine reads the length from the row's first page. Deleting walks all of them. */
static int body_delete(struct mailbox_tx *tx, uint64_t id, struct err *err_r)
{
    int64_t bytes = 0;

    TRY(TX_QUERY(tx, err_r, &bytes, sql_body_bytes, (int64_t)id));
    if ((uint64_t)bytes > tx->row.bytes_used) {
        return err_set(err_r, ERR_CORRUPT, "body %llu is larger than all bodies",
                       (unsigned long long)id);
    }
    tx->row.bytes_used -= (uint64_t)bytes;
    return TX_RUN(tx, err_r, sql_body_delete, (int64_t)id);
}

/* One item less has it; goes with the last. */
static int body_release(struct mailbox_tx *tx, uint64_t id, struct err *err_r)
{
    int64_t refs = 1;

    if (id == 0) {
        return 0;
    }
    TRY(TX_QUERY(tx, err_r, &refs, sql_share_get, (int64_t)id));
    if (refs > 2) {
        return TX_RUN(tx, err_r, sql_share_add, -1, (int64_t)id);
    }
    if (refs == 2) {
        return TX_RUN(tx, err_r, sql_share_delete, (int64_t)id);
    }
    return body_delete(tx, id, err_r);
}

int mailbox_body_read(struct mailbox_tx *tx, struct body_id id, struct arena *arena,
                      struct str *mime_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_body_get, (int64_t)id.v));
    rc = db_step(stmt, err_r);
    if (rc == 0) {
        return err_set(err_r, ERR_CORRUPT, "body %llu is missing", (unsigned long long)id.v);
    }
    if (rc == 1) {
        *mime_r = str_dup(arena, db_col_bytes(stmt, 0));
        rc = 0;
    }
    return rc;
}

/* ---- what every change of an item does ---- */

struct item_brief {
    uint64_t folder, body, size;
    uint32_t flags;
    enum item_kind kind;
};

static int brief_or_fail(struct mailbox_tx *tx, struct item_id id, struct item_brief *brief_r,
                         struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_brief, (int64_t)id.v));
    rc = db_step(stmt, err_r);
    if (rc == 0) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "no item %llu", (unsigned long long)id.v);
    }
    if (rc == 1) {
        *brief_r = (struct item_brief){.folder = (uint64_t)db_col_i64(stmt, 0),
                                       .flags = (uint32_t)db_col_i64(stmt, 1),
                                       .body = (uint64_t)db_col_i64(stmt, 2),
                                       .size = (uint64_t)db_col_i64(stmt, 3),
                                       .kind = (enum item_kind)db_col_i64(stmt, 4)};
        rc = 0;
    }
    return rc;
}

/* How the counts change when an item with these flags comes (sign 1) or goes (-1). Associated items are not counted. */
static struct folder_delta delta_of(uint64_t seq, uint32_t flags, int sign)
{
    bool counted = (flags & ITEM_ASSOCIATED) == 0;
    bool unread = counted && (flags & ITEM_READ) == 0;

    return (struct folder_delta){
        .item_seq = seq, .total = counted ? sign : 0, .unread = unread ? sign : 0};
}

/* missing: what it means that the folder is not there; ERR_CORRUPT where an item is in it. */
static int note_items(struct mailbox_tx *tx, uint64_t folder, const struct folder_delta *delta,
                      enum err_kind missing, struct err *err_r)
{
    int rc = folder_note_items(tx, folder, delta, err_r);

    if (rc == 0) {
        return err_set(err_r, missing, "no folder %llu", (unsigned long long)folder);
    }
    return rc < 0 ? rc : 0;
}

/* What comes, goes or moves with a calendar item is time that is free or busy. */
static uint32_t event_flags_of(const struct item_brief *brief)
{
    return ((brief->flags & ITEM_ASSOCIATED) != 0 ? EVENT_ASSOCIATED : 0u) |
           (brief->kind == ITEM_KIND_CALENDAR_ITEM ? EVENT_FREE_BUSY : 0u);
}

static int log_item(struct mailbox_tx *tx, enum event_kind kind, uint64_t seq, uint64_t id,
                    const struct item_brief *brief, struct err *err_r)
{
    const struct event event = {.seq = {seq},
                                .kind = kind,
                                .object = id,
                                .parent = brief->folder,
                                .flags = event_flags_of(brief)};

    return log_append(tx, &event, err_r);
}

/* ---- adding and reading ---- */

static int insert_item(struct mailbox_tx *tx, uint64_t id, uint64_t folder,
                       const struct item_draft *draft, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    uint64_t body = draft->mime.p != NULL ? id : 0;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_insert, (int64_t)id, (int64_t)folder,
                   (draft->flags & ITEM_ASSOCIATED) != 0, (int64_t)draft->kind, draft->flags,
                   (int64_t)body, draft->received_ms, (int64_t)draft->size));
    db_bind_bytes(stmt, 9, draft->props.p != NULL ? draft->props : STR(""));
    TRY(db_exec(stmt, err_r));
    return body != 0 ? body_add(tx, body, draft->mime, err_r) : 0;
}

int mailbox_item_add(struct mailbox_tx *tx, struct folder_id folder, const struct item_draft *draft,
                     struct item_id *id_r, struct err *err_r)
{
    const struct item_brief brief = {
        .folder = folder.v, .flags = draft->flags, .kind = draft->kind};
    struct folder_delta delta;
    uint64_t id;

    assert(draft->kind > 0 && draft->kind < ITEM_KIND_COUNT);
    if (!draft->beyond_quota) {
        TRY(tx_check_quota(tx, draft->mime.n, err_r));
    }
    id = tx_next_seq(tx);
    delta = delta_of(id, draft->flags, 1);
    TRY(note_items(tx, folder.v, &delta, ERR_FOLDER_NOT_FOUND, err_r));
    TRY(insert_item(tx, id, folder.v, draft, err_r));
    TRY(log_item(tx, draft->delivered ? EVENT_ITEM_NEW_MAIL : EVENT_ITEM_CREATED, id, id, &brief,
                 err_r));
    id_r->v = id;
    return 0;
}

int mailbox_item_get(struct mailbox_tx *tx, struct item_id id, struct arena *arena,
                     struct item *item_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_get, (int64_t)id.v));
    rc = db_step(stmt, err_r);
    if (rc == 1) {
        item_read(stmt, item_r);
        item_r->folder.v = (uint64_t)db_col_i64(stmt, 9);
        item_r->props = str_dup(arena, item_r->props);
    }
    return rc;
}

/* ---- changing ---- */

int mailbox_item_set_read(struct mailbox_tx *tx, struct item_id id, bool read, struct err *err_r)
{
    struct item_brief brief;
    struct folder_delta delta;
    uint64_t seq;

    TRY(brief_or_fail(tx, id, &brief, err_r));
    if (((brief.flags & ITEM_READ) != 0) == read) {
        return 0;
    }
    brief.kind = ITEM_KIND_ITEM; /* the flag is nobody's time */
    seq = tx_next_seq(tx);
    delta = (struct folder_delta){.item_seq = seq};
    if ((brief.flags & ITEM_ASSOCIATED) == 0) {
        delta.unread = read ? -1 : 1;
    }
    TRY(TX_RUN(tx, err_r, sql_set_flags, brief.flags ^ ITEM_READ, (int64_t)seq, (int64_t)id.v));
    TRY(note_items(tx, brief.folder, &delta, ERR_CORRUPT, err_r));
    return log_item(tx, EVENT_ITEM_READ_FLAG, seq, id.v, &brief, err_r);
}

static int write_update(struct mailbox_tx *tx, struct item_id id, uint64_t seq,
                        const struct item_brief *brief, const struct item_update *update,
                        struct err *err_r)
{
    const uint32_t kept = ITEM_READ | ITEM_ASSOCIATED;
    AUTO(db_stmt) stmt = NULL;
    bool new_body = update->mime.p != NULL;

    TRY(db_prepare(tx->db, sql_update, &stmt, err_r));
    db_bind_bytes(stmt, 1, update->props.p != NULL ? update->props : STR(""));
    db_bind_i64(stmt, 2, (brief->flags & kept) | (update->flags & ~kept));
    db_bind_i64(stmt, 3, (int64_t)(new_body ? seq : brief->body));
    db_bind_i64(stmt, 4, (int64_t)(new_body ? update->size : brief->size));
    db_bind_i64(stmt, 5, (int64_t)seq);
    db_bind_i64(stmt, 6, (int64_t)id.v);
    return db_exec(stmt, err_r);
}

/* The old body goes, unless others share it, and the new one comes. What gets no larger is stored even in a mailbox that is too full. */
static int replace_body(struct mailbox_tx *tx, uint64_t old, uint64_t new, struct str mime,
                        struct err *err_r)
{
    uint64_t before = tx->row.bytes_used;
    uint64_t freed;

    TRY(body_release(tx, old, err_r));
    freed = before - tx->row.bytes_used;
    if (mime.n > freed) {
        TRY(tx_check_quota(tx, mime.n, err_r));
    }
    return body_add(tx, new, mime, err_r);
}

/* Whether an update of a calendar item changes when somebody is free; of a recurring one, whatever changes its text may. */
static bool changes_free_busy(struct str before, const struct item_update *update)
{
    static const enum item_prop times[] = {IPROP_MEETING_START,     IPROP_MEETING_END,
                                           IPROP_MEETING_ALL_DAY,   IPROP_MEETING_BUSY_STATUS,
                                           IPROP_MEETING_RECURRING, IPROP_CALENDAR_LAST,
                                           IPROP_CALENDAR_CANCELLED};
    struct props old, new;

    (void)props_open(&old, before);
    (void)props_open(&new, update->props);
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        if (!str_eq(old.v[times[i]], new.v[times[i]])) {
            return true;
        }
    }
    return props_int(&new, IPROP_MEETING_RECURRING, 0) != 0 && update->mime.p != NULL;
}

/* An update that leaves the times of a calendar item alone is told as that of any item. */
static int note_free_busy(struct mailbox_tx *tx, struct item_id id,
                          const struct item_update *update, struct item_brief *brief,
                          struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    if (brief->kind != ITEM_KIND_CALENDAR_ITEM) {
        return 0;
    }
    TRY(TX_PREPARE(tx, err_r, &stmt, sql_props, (int64_t)id.v));
    TRY(db_step(stmt, err_r));
    if (!changes_free_busy(db_col_bytes(stmt, 0), update)) {
        brief->kind = ITEM_KIND_ITEM;
    }
    return 0;
}

int mailbox_item_update(struct mailbox_tx *tx, struct item_id id, const struct item_update *update,
                        struct err *err_r)
{
    struct item_brief brief;
    struct folder_delta delta;
    uint64_t seq;

    TRY(brief_or_fail(tx, id, &brief, err_r));
    TRY(note_free_busy(tx, id, update, &brief, err_r));
    seq = tx_next_seq(tx);
    delta = (struct folder_delta){.item_seq = seq};
    TRY(write_update(tx, id, seq, &brief, update, err_r));
    if (update->received) {
        TRY(TX_RUN(tx, err_r, sql_set_received, update->received_ms, (int64_t)id.v));
    }
    if (update->mime.p != NULL) {
        TRY(replace_body(tx, brief.body, seq, update->mime, err_r));
    }
    TRY(note_items(tx, brief.folder, &delta, ERR_CORRUPT, err_r));
    return log_item(tx, EVENT_ITEM_MODIFIED, seq, id.v, &brief, err_r);
}

/* ---- leaving, moving, copying ---- */

/* The item's trace in the folder it leaves. */
static int leave_folder(struct mailbox_tx *tx, struct item_id id, uint64_t seq,
                        const struct item_brief *brief, struct err *err_r)
{
    struct folder_delta delta = delta_of(seq, brief->flags, -1);

    TRY(TX_RUN(tx, err_r, sql_tombstone, (int64_t)brief->folder,
               (brief->flags & ITEM_ASSOCIATED) != 0, (int64_t)seq, (int64_t)id.v));
    return note_items(tx, brief->folder, &delta, ERR_CORRUPT, err_r);
}

int mailbox_item_delete(struct mailbox_tx *tx, struct item_id id, struct err *err_r)
{
    struct item_brief brief;
    uint64_t seq;

    TRY(brief_or_fail(tx, id, &brief, err_r));
    seq = tx_next_seq(tx);
    TRY(TX_RUN(tx, err_r, sql_delete, (int64_t)id.v));
    TRY(body_release(tx, brief.body, err_r));
    TRY(leave_folder(tx, id, seq, &brief, err_r));
    return log_item(tx, EVENT_ITEM_DELETED, seq, id.v, &brief, err_r);
}

/* The item's arrival in the target under a new id. */
static int enter_folder(struct mailbox_tx *tx, enum event_kind kind, const struct item_brief *from,
                        uint32_t event_flags, struct item_id old_id, struct folder_id to,
                        struct item_id *id_r, struct err *err_r)
{
    const struct event event = {.seq = {tx_next_seq(tx)},
                                .kind = kind,
                                .object = tx->row.seq,
                                .parent = to.v,
                                .old_object = old_id.v,
                                .old_parent = from->folder,
                                .flags = event_flags_of(from) | event_flags};
    struct folder_delta delta = delta_of(event.object, from->flags, 1);

    TRY(note_items(tx, to.v, &delta, ERR_TO_FOLDER_NOT_FOUND, err_r));
    TRY(TX_RUN(tx, err_r, kind == EVENT_ITEM_MOVED ? sql_move : sql_copy, (int64_t)event.object,
               (int64_t)to.v, (int64_t)old_id.v));
    TRY(log_append(tx, &event, err_r));
    id_r->v = event.object;
    return 0;
}

static int require_target(struct mailbox_tx *tx, struct folder_id to, struct err *err_r)
{
    struct folder_brief target;
    int rc = folder_brief(tx, to.v, &target, err_r);

    if (rc == 0) {
        return err_set(err_r, ERR_TO_FOLDER_NOT_FOUND, "no folder %llu", (unsigned long long)to.v);
    }
    return rc < 0 ? rc : 0;
}

static int move_item(struct mailbox_tx *tx, struct item_id id, uint32_t event_flags,
                     struct folder_id to, struct item_id *id_r, struct err *err_r)
{
    struct item_brief brief;

    TRY(brief_or_fail(tx, id, &brief, err_r));
    TRY(require_target(tx, to, err_r));
    TRY(leave_folder(tx, id, tx_next_seq(tx), &brief, err_r));
    return enter_folder(tx, EVENT_ITEM_MOVED, &brief, event_flags, id, to, id_r, err_r);
}

int mailbox_item_move(struct mailbox_tx *tx, struct item_id id, struct folder_id to,
                      struct item_id *id_r, struct err *err_r)
{
    return move_item(tx, id, 0, to, id_r, err_r);
}

int mailbox_item_discard(struct mailbox_tx *tx, struct item_id id, struct folder_id to,
                         struct item_id *id_r, struct err *err_r)
{
    return move_item(tx, id, EVENT_DISCARDED, to, id_r, err_r);
}

int mailbox_item_copy(struct mailbox_tx *tx, struct item_id id, struct folder_id to,
                      struct item_id *id_r, struct err *err_r)
{
    struct item_brief brief;

    TRY(brief_or_fail(tx, id, &brief, err_r));
    TRY(require_target(tx, to, err_r));
    TRY(tx_check_quota(tx, 0, err_r));
    TRY(body_share(tx, brief.body, err_r));
    return enter_folder(tx, EVENT_ITEM_COPIED, &brief, 0, id, to, id_r, err_r);
}

/* ---- a folder's items at once ---- */

struct id_array {
    uint64_t *v;
    size_t n, cap;
};

static int list_shared_bodies(struct mailbox_tx *tx, uint64_t folder, struct arena *arena,
                              struct id_array *a, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_drop_shared, (int64_t)folder));
    while ((rc = db_step(stmt, err_r)) == 1) {
        if (a->n == a->cap) {
            size_t cap = a->cap == 0 ? 64 : a->cap * 2;

            a->v = arena_grow(arena, a->v, a->cap * sizeof(*a->v), cap * sizeof(*a->v));
            a->cap = cap;
        }
        a->v[a->n++] = (uint64_t)db_col_i64(stmt, 0);
    }
    return rc;
}

int items_drop_folder(struct mailbox_tx *tx, uint64_t folder, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct id_array shared = {NULL, 0, 0};
    int64_t bytes = 0;
    size_t i;

    TRY(list_shared_bodies(tx, folder, tmp, &shared, err_r));
    TRY(TX_QUERY(tx, err_r, &bytes, sql_own_bytes, (int64_t)folder));
    tx->row.bytes_used -= (uint64_t)bytes;
    TRY(TX_RUN(tx, err_r, sql_drop_own_bodies, (int64_t)folder));
    for (i = 0; i < shared.n; i++) {
        TRY(body_release(tx, shared.v[i], err_r));
    }
    TRY(TX_RUN(tx, err_r, sql_drop_items, (int64_t)folder));
    return TX_RUN(tx, err_r, sql_drop_tombstones, (int64_t)folder);
}

/* ---- iterating ---- */

#define ITER_ORDERS(X)                                                                             \
    X(NEWEST_FIRST, "id DESC")                                                                     \
    X(OLDEST_FIRST, "id")                                                                          \
    X(RECEIVED_DESC, "received_ms DESC, id DESC")                                                  \
    X(RECEIVED_ASC, "received_ms, id")

/* The limit means none: an offset needs one in the common dialect. */
#define ITER_SQL(columns, where, order, skip)                                                      \
    "SELECT " columns " FROM item WHERE folder_id = $1 AND associated = $2" where                  \
    " ORDER BY " order " LIMIT 9223372036854775807 OFFSET " skip
#define ITER_ALL(columns, order) ITER_SQL(columns, "", order, "$3")
#define ITER_WITHIN(columns, order)                                                                \
    ITER_SQL(columns, " AND received_ms >= $3 AND received_ms < $4", order, "$5")

/* By order, columns, and whether the time is bounded. */
static const char *const sql_iter[][2][2] = {
#define X(name, order)                                                                             \
    [ITEM_ORDER_##name] = {                                                                        \
        {ITER_ALL(ITEM_COLUMNS_NARROW, order), ITER_WITHIN(ITEM_COLUMNS_NARROW, order)},           \
        {ITER_ALL(ITEM_COLUMNS, order), ITER_WITHIN(ITEM_COLUMNS, order)},                         \
    },
    ITER_ORDERS(X)
#undef X
};

struct item_iter {
    struct db_stmt *stmt;
    struct folder_id folder;
    bool with_props;
    struct err err;
    int rc; /* of the last step */
};

static int iter_prepare(struct mailbox_tx *tx, const struct item_iter_options *o,
                        struct db_stmt **stmt_r, struct err *err_r)
{
    const char *sql = sql_iter[o->order][o->with_props][o->within_received];
    int64_t folder = (int64_t)o->folder.v, skip = (int64_t)o->skip;

    if (!o->within_received) {
        return TX_PREPARE(tx, err_r, stmt_r, sql, folder, o->associated, skip);
    }
    return TX_PREPARE(tx, err_r, stmt_r, sql, folder, o->associated, o->received_from_ms,
                      o->received_to_ms, skip);
}

int mailbox_item_iter_begin(struct mailbox_tx *tx, const struct item_iter_options *options,
                            struct item_iter **iter_r, struct err *err_r)
{
    struct db_stmt *stmt;
    struct item_iter *iter;

    TRY(iter_prepare(tx, options, &stmt, err_r));
    iter = mem_alloc_zero(1, sizeof(*iter));
    iter->stmt = stmt;
    iter->folder = options->folder;
    iter->with_props = options->with_props;
    iter->rc = 1;
    *iter_r = iter;
    return 0;
}

bool mailbox_item_iter_next(struct item_iter *iter, struct item *item_r)
{
    if (iter->rc == 1) {
        iter->rc = db_step(iter->stmt, &iter->err);
    }
    if (iter->rc != 1) {
        return false;
    }
    *item_r = (struct item){.folder = iter->folder};
    if (iter->with_props) {
        item_read(iter->stmt, item_r);
    } else {
        item_read_narrow(iter->stmt, item_r);
    }
    return true;
}

int mailbox_item_iter_end(struct item_iter **iter, struct err *err_r)
{
    struct item_iter *it = take(iter);
    int rc = it->rc < 0 ? it->rc : 0;

    if (rc < 0 && err_r != NULL) {
        *err_r = it->err;
    }
    db_stmt_done(&it->stmt);
    free(it);
    return rc;
}
