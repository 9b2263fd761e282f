#include "mailbox/mailbox.h"

#include "base/utf8.h"
#include "mailbox/limits.h"
#include "mailbox/mailbox-private.h"

#include <assert.h>
#include <stdlib.h>

#define FOLDER_COLUMNS                                                                             \
    "id, parent_id, change_seq, item_seq, distinguished, hidden, total, unread, children, "        \
    "created_ms, modified_ms, name, folder_class, props"

SQL(sql_get) = "SELECT " FOLDER_COLUMNS " FROM folder WHERE id = $1";
SQL(sql_by_distinguished) = "SELECT " FOLDER_COLUMNS
                            " FROM folder WHERE distinguished = $1 AND distinguished > 0";
SQL(sql_by_name) = "SELECT " FOLDER_COLUMNS " FROM folder WHERE parent_id = $1 AND name_key = $2";
SQL(sql_children) = "SELECT " FOLDER_COLUMNS " FROM folder WHERE parent_id = $1 ORDER BY name_key";
SQL(sql_brief) = "SELECT parent_id, item_seq, change_seq, distinguished FROM folder WHERE id = $1";
SQL(sql_insert) =
    "INSERT INTO folder (id, parent_id, distinguished, hidden, name, name_key, folder_class, "
    "change_seq, item_seq, total, unread, children, created_ms, modified_ms, props) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $1, 0, 0, 0, 0, $8, $8, $9)";
SQL(sql_add_children) = "UPDATE folder SET children = children + $1 WHERE id = $2";
SQL(sql_move) =
    "UPDATE folder SET parent_id = $1, change_seq = $2, modified_ms = $3, name = $4, name_key = $5 "
    "WHERE id = $6";
SQL(sql_move_note) = "INSERT INTO folder_move (seq, folder_id, old_parent_id) VALUES ($1, $2, $3)";
SQL(sql_delete) = "DELETE FROM folder WHERE id = $1";
SQL(sql_tombstone) =
    "INSERT INTO folder_tombstone (folder_id, parent_id, delete_seq) VALUES ($1, $2, $3)";
SQL(sql_deleted_parent) = "SELECT parent_id FROM folder_tombstone WHERE folder_id = $1";
SQL(sql_note_items) =
    "UPDATE folder SET item_seq = $1, total = total + $2, unread = unread + $3 WHERE id = $4";

/* ---- reading ---- */

static void read_folder(struct db_stmt *stmt, struct arena *arena, struct folder *folder)
{
    *folder = (struct folder){
        .id = {(uint64_t)db_col_i64(stmt, 0)},
        .parent = {(uint64_t)db_col_i64(stmt, 1)},
        .change_seq = {(uint64_t)db_col_i64(stmt, 2)},
        .item_seq = {(uint64_t)db_col_i64(stmt, 3)},
        .distinguished = (enum distinguished)db_col_i64(stmt, 4),
        .hidden = db_col_i64(stmt, 5) != 0,
        .total = (uint32_t)db_col_i64(stmt, 6),
        .unread = (uint32_t)db_col_i64(stmt, 7),
        .children = (uint32_t)db_col_i64(stmt, 8),
        .created_ms = db_col_i64(stmt, 9),
        .modified_ms = db_col_i64(stmt, 10),
        .name = str_dup(arena, db_col_bytes(stmt, 11)),
        .folder_class = str_dup(arena, db_col_bytes(stmt, 12)),
        .props = str_dup(arena, db_col_bytes(stmt, 13)),
    };
}

/* One folder from a bound statement: 1 found, 0 not. */
static int step_folder(struct db_stmt *stmt, struct arena *arena, struct folder *folder_r,
                       struct err *err_r)
{
    int rc = db_step(stmt, err_r);

    if (rc == 1) {
        read_folder(stmt, arena, folder_r);
    }
    return rc;
}

int mailbox_folder_get(struct mailbox_tx *tx, struct folder_id id, struct arena *arena,
                       struct folder *folder_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_get, (int64_t)id.v));
    return step_folder(stmt, arena, folder_r, err_r);
}

int mailbox_folder_by_distinguished(struct mailbox_tx *tx, enum distinguished d,
                                    struct arena *arena, struct folder *folder_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    assert(d > DF_NONE && d < DF_COUNT);
    TRY(TX_PREPARE(tx, err_r, &stmt, sql_by_distinguished, (int64_t)d));
    return step_folder(stmt, arena, folder_r, err_r);
}

int mailbox_folder_by_name(struct mailbox_tx *tx, struct folder_id parent, struct str name,
                           struct arena *arena, struct folder *folder_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_by_name, (int64_t)parent.v));
    db_bind_text(stmt, 2, utf8_fold(arena, name));
    return step_folder(stmt, arena, folder_r, err_r);
}

int mailbox_folder_deleted_parent(struct mailbox_tx *tx, struct folder_id id,
                                  struct folder_id *parent_r, struct err *err_r)
{
    int64_t parent = 0;
    int rc = TX_QUERY(tx, err_r, &parent, sql_deleted_parent, (int64_t)id.v);

    if (rc == 1) {
        parent_r->v = (uint64_t)parent;
    }
    return rc;
}

int folder_brief(struct mailbox_tx *tx, uint64_t id, struct folder_brief *brief_r,
                 struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_brief, (int64_t)id));
    rc = db_step(stmt, err_r);
    if (rc == 1) {
        *brief_r = (struct folder_brief){.parent = (uint64_t)db_col_i64(stmt, 0),
                                         .item_seq = (uint64_t)db_col_i64(stmt, 1),
                                         .change_seq = (uint64_t)db_col_i64(stmt, 2),
                                         .distinguished = (enum distinguished)db_col_i64(stmt, 3)};
    }
    return rc;
}

struct folder_array {
    struct folder *v;
    size_t n, cap;
};

static struct folder *array_push(struct folder_array *a, struct arena *arena)
{
    if (a->n == a->cap) {
        size_t cap = a->cap == 0 ? 16 : a->cap * 2;

        a->v = arena_grow(arena, a->v, a->cap * sizeof(*a->v), cap * sizeof(*a->v));
        a->cap = cap;
    }
    return &a->v[a->n++];
}

static int list_children(struct mailbox_tx *tx, uint64_t parent, struct arena *arena,
                         struct folder_array *a, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_children, (int64_t)parent));
    while ((rc = db_step(stmt, err_r)) == 1) {
        read_folder(stmt, arena, array_push(a, arena));
    }
    return rc;
}

/* Level by level: the list itself is the queue of folders whose children are yet to come. */
int mailbox_folder_list(struct mailbox_tx *tx, struct folder_id parent, bool deep,
                        struct arena *arena, struct folder **folders_r, size_t *n_r,
                        struct err *err_r)
{
    struct folder_array a = {NULL, 0, 0};
    size_t i;

    TRY(list_children(tx, parent.v, arena, &a, err_r));
    for (i = 0; deep && i < a.n; i++) {
        if (a.v[i].children != 0) {
            TRY(list_children(tx, a.v[i].id.v, arena, &a, err_r));
        }
    }
    *folders_r = a.v;
    *n_r = a.n;
    return 0;
}

/* Steps from id up to ancestor: > 0 when it is below, 0 when it is the same, -1 when neither. ancestor 0: up to and over the root. */
static int levels_up(struct mailbox_tx *tx, uint64_t id, uint64_t ancestor, int *levels_r,
                     struct err *err_r)
{
    struct folder_brief brief;
    int levels;

    for (levels = 0; id != ancestor; levels++) {
        int rc = id == 0 ? 0 : folder_brief(tx, id, &brief, err_r);

        TRY(rc);
        if (rc == 0) {
            levels = -1;
            break;
        }
        if (levels > FOLDER_MAX_DEPTH) {
            return err_set(err_r, ERR_CORRUPT, "the parents of folder %llu have no end",
                           (unsigned long long)id);
        }
        id = brief.parent;
    }
    *levels_r = levels;
    return 0;
}

int mailbox_folder_is_below(struct mailbox_tx *tx, struct folder_id id, struct folder_id ancestor,
                            struct err *err_r)
{
    int levels;

    TRY(levels_up(tx, id.v, ancestor.v, &levels, err_r));
    return levels > 0;
}

/* ---- names ---- */

static bool is_forbidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfffe || c == 0xffff;
}

/* Text that XML can carry, of a bounded length. */
int folder_check_text(struct str text, struct err *err_r)
{
    size_t chars;

    if (!utf8_valid(text)) {
        return err_set(err_r, ERR_NAME_INVALID, "not UTF-8");
    }
    for (chars = 0; text.n != 0; chars++) {
        if (chars == FOLDER_NAME_MAX_CHARS || is_forbidden(utf8_take(&text))) {
            return err_set(err_r, ERR_NAME_INVALID, "too long or with control characters");
        }
    }
    return 0;
}

int folder_check_name(struct str name, struct err *err_r)
{
    if (str_trim(name).n == 0) {
        return err_set(err_r, ERR_NAME_INVALID, "the name is blank");
    }
    return folder_check_text(name, err_r);
}

/* ---- creating ---- */

int folder_refuse_sibling(struct mailbox_tx *tx, uint64_t parent, struct str name, uint64_t self,
                          struct arena *tmp, struct err *err_r)
{
    struct folder other;
    int rc = mailbox_folder_by_name(tx, (struct folder_id){parent}, name, tmp, &other, err_r);

    if (rc == 1 && other.id.v != self) {
        return err_set(err_r, ERR_FOLDER_EXISTS, "folder %llu has that name",
                       (unsigned long long)other.id.v);
    }
    return rc < 0 ? rc : 0;
}

int folder_log(struct mailbox_tx *tx, enum event_kind kind, uint64_t seq, uint64_t id,
               uint64_t parent, struct err *err_r)
{
    const struct event event = {.seq = {seq}, .kind = kind, .object = id, .parent = parent};

    return log_append(tx, &event, err_r);
}

static int log_new(struct mailbox_tx *tx, const struct new_folder *f, uint64_t id,
                   struct err *err_r)
{
    const struct event event = {.seq = {id},
                                .kind =
                                    f->copy_of != 0 ? EVENT_FOLDER_COPIED : EVENT_FOLDER_CREATED,
                                .object = id,
                                .parent = f->parent,
                                .old_object = f->copy_of,
                                .old_parent = f->copy_of_parent};

    return log_append(tx, &event, err_r);
}

static struct str or_empty(struct str s)
{
    return s.p != NULL ? s : STR("");
}

int folder_insert(struct mailbox_tx *tx, const struct new_folder *f, uint64_t *id_r,
                  struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    AUTO(db_stmt) stmt = NULL;
    uint64_t id = tx_next_seq(tx);

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_insert, (int64_t)id, (int64_t)f->parent,
                   (int64_t)f->distinguished, f->hidden));
    db_bind_text(stmt, 5, f->name);
    db_bind_text(stmt, 6, utf8_fold(tmp, f->name));
    db_bind_text(stmt, 7, or_empty(f->folder_class));
    db_bind_i64(stmt, 8, tx->now_ms);
    db_bind_bytes(stmt, 9, or_empty(f->props));
    TRY(db_exec(stmt, err_r));
    TRY(TX_RUN(tx, err_r, sql_add_children, 1, (int64_t)f->parent));
    TRY(log_new(tx, f, id, err_r));
    *id_r = id;
    return 0;
}

int mailbox_folder_create(struct mailbox_tx *tx, const struct folder_draft *draft,
                          struct folder_id *id_r, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    const struct new_folder f = {.parent = draft->parent.v,
                                 .hidden = draft->hidden,
                                 .name = draft->name,
                                 .folder_class = draft->folder_class,
                                 .props = draft->props};
    int depth;

    TRY(folder_check_name(draft->name, err_r));
    TRY(folder_check_text(draft->folder_class, err_r));
    TRY(levels_up(tx, draft->parent.v, 0, &depth, err_r));
    if (depth <= 0) {
        return err_set(err_r, ERR_PARENT_FOLDER_NOT_FOUND, "no folder %llu",
                       (unsigned long long)draft->parent.v);
    }
    if (depth > FOLDER_MAX_DEPTH) {
        return err_set(err_r, ERR_NAME_INVALID, "the folder would be too deep");
    }
    TRY(folder_refuse_sibling(tx, f.parent, f.name, 0, tmp, err_r));
    return folder_insert(tx, &f, &id_r->v, err_r);
}

struct distinguished_row {
    enum distinguished d, parent;
    bool created;
    struct str folder_class, name;
};

static const struct distinguished_row distinguished_rows[] = {
#define X(name, wire, parent, class, display, created)                                             \
    {DF_##name, DF_##parent, created, STR_INIT(class), STR_INIT(display)},
    DISTINGUISHED_FOLDERS(X)
#undef X
};

int folders_create_distinguished(struct mailbox_tx *tx, struct err *err_r)
{
    uint64_t ids[DF_COUNT] = {0};
    size_t i;

    for (i = 0; i < ARRAY_LEN(distinguished_rows); i++) {
        const struct distinguished_row *row = &distinguished_rows[i];
        const struct new_folder f = {.parent = ids[row->parent],
                                     .distinguished = row->d,
                                     .name = row->name,
                                     .folder_class = row->folder_class};

        if (row->created) {
            assert(row->d == DF_ROOT || f.parent != 0);
            TRY(folder_insert(tx, &f, &ids[row->d], err_r));
        }
    }
    return 0;
}

/* ---- changing ---- */

int folder_get_or_fail(struct mailbox_tx *tx, struct folder_id id, struct arena *arena,
                       struct folder *folder_r, struct err *err_r)
{
    int rc = mailbox_folder_get(tx, id, arena, folder_r, err_r);

    if (rc == 0) {
        return err_set(err_r, ERR_FOLDER_NOT_FOUND, "no folder %llu", (unsigned long long)id.v);
    }
    return rc < 0 ? rc : 0;
}

/* Levels below a folder. */
static int height_below(struct mailbox_tx *tx, uint64_t id, struct arena *tmp, int *height_r,
                        struct err *err_r)
{
    struct folder *below;
    size_t n;

    *height_r = 0;
    TRY(mailbox_folder_list(tx, (struct folder_id){id}, true, tmp, &below, &n, err_r));
    /* The last one listed is one of the deepest. */
    return n == 0 ? 0 : levels_up(tx, below[n - 1].id.v, id, height_r, err_r);
}

int folder_check_target(struct mailbox_tx *tx, uint64_t id, uint64_t to, struct arena *tmp,
                        struct err *err_r)
{
    int depth, below_self, height;

    TRY(levels_up(tx, to, 0, &depth, err_r));
    if (depth <= 0) {
        return err_set(err_r, ERR_TO_FOLDER_NOT_FOUND, "no folder %llu", (unsigned long long)to);
    }
    TRY(levels_up(tx, to, id, &below_self, err_r));
    TRY(height_below(tx, id, tmp, &height, err_r));
    if (below_self >= 0 || depth + height > FOLDER_MAX_DEPTH) {
        return err_set(err_r, ERR_MOVE_COPY_FAILED, "into itself or too deep");
    }
    return 0;
}

static int check_move(struct mailbox_tx *tx, const struct folder *f, uint64_t to, struct arena *tmp,
                      struct err *err_r)
{
    struct folder_brief target;
    int rc = folder_brief(tx, to, &target, err_r);

    TRY(rc);
    if (rc == 1 && f->distinguished != DF_NONE) {
        return err_set(err_r, ERR_MOVE_DISTINGUISHED, "folder %llu", (unsigned long long)f->id.v);
    }
    TRY(folder_check_target(tx, f->id.v, to, tmp, err_r));
    rc = folder_refuse_sibling(tx, to, f->name, f->id.v, tmp, NULL);
    if (rc == -ERR_FOLDER_EXISTS) {
        return err_set(err_r, ERR_MOVE_COPY_FAILED, "the target has a folder of that name");
    }
    return rc;
}

int folder_relocate(struct mailbox_tx *tx, const struct folder *f, uint64_t to, struct str name,
                    struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    AUTO(db_stmt) stmt = NULL;
    const struct event event = {.seq = {tx_next_seq(tx)},
                                .kind = EVENT_FOLDER_MOVED,
                                .object = f->id.v,
                                .parent = to,
                                .old_object = f->id.v,
                                .old_parent = f->parent.v};

    assert(f->parent.v != to);
    TRY(TX_PREPARE(tx, err_r, &stmt, sql_move, (int64_t)to, (int64_t)event.seq.v, tx->now_ms));
    db_bind_text(stmt, 4, name);
    db_bind_text(stmt, 5, utf8_fold(tmp, name));
    db_bind_i64(stmt, 6, (int64_t)f->id.v);
    TRY(db_exec(stmt, err_r));
    TRY(TX_RUN(tx, err_r, sql_move_note, (int64_t)event.seq.v, (int64_t)f->id.v,
               (int64_t)f->parent.v));
    TRY(TX_RUN(tx, err_r, sql_add_children, -1, (int64_t)f->parent.v));
    TRY(TX_RUN(tx, err_r, sql_add_children, 1, (int64_t)to));
    return log_append(tx, &event, err_r);
}

int mailbox_folder_move(struct mailbox_tx *tx, struct folder_id id, struct folder_id new_parent,
                        struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct folder f;

    TRY(folder_get_or_fail(tx, id, tmp, &f, err_r));
    TRY(check_move(tx, &f, new_parent.v, tmp, err_r));
    return f.parent.v == new_parent.v ? 0 : folder_relocate(tx, &f, new_parent.v, f.name, err_r);
}

/* ---- deleting ---- */

static int drop_folder(struct mailbox_tx *tx, uint64_t id, uint64_t parent, struct err *err_r)
{
    uint64_t seq = tx_next_seq(tx);

    TRY(items_drop_folder(tx, id, err_r));
    TRY(permissions_drop_folder(tx, id, err_r));
    TRY(TX_RUN(tx, err_r, sql_delete, (int64_t)id));
    TRY(TX_RUN(tx, err_r, sql_tombstone, (int64_t)id, (int64_t)parent, (int64_t)seq));
    return folder_log(tx, EVENT_FOLDER_DELETED, seq, id, parent, err_r);
}

/* Parents take the lower numbers: newest first, a folder then goes after all that was in it. */
int mailbox_folder_delete(struct mailbox_tx *tx, struct folder_id id, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct folder *below;
    struct folder top;
    size_t n, i;

    TRY(folder_get_or_fail(tx, id, tmp, &top, err_r));
    if (top.distinguished != DF_NONE) {
        return err_set(err_r, ERR_DELETE_DISTINGUISHED, "folder %llu", (unsigned long long)id.v);
    }
    TRY(mailbox_folder_list(tx, id, true, tmp, &below, &n, err_r));
    TRY(TX_RUN(tx, err_r, sql_add_children, -1, (int64_t)top.parent.v));
    TRY(drop_folder(tx, id.v, top.parent.v, err_r));
    for (i = 0; i < n; i++) {
        TRY(drop_folder(tx, below[i].id.v, below[i].parent.v, err_r));
    }
    return 0;
}

/* ---- what items tell their folder ---- */

int folder_note_items(struct mailbox_tx *tx, uint64_t folder, const struct folder_delta *delta,
                      struct err *err_r)
{
    TRY(TX_RUN(tx, err_r, sql_note_items, (int64_t)delta->item_seq, delta->total, delta->unread,
               (int64_t)folder));
    return db_changes(tx->db) == 1;
}
