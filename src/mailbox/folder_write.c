#include "mailbox/folder_write.h"

#include "base/map.h"
#include "base/utf8.h"
#include "mailbox/limits.h"
#include "mailbox/mailbox-private.h"

#include <assert.h>

SQL(sql_update) =
    "UPDATE folder SET name = $1, name_key = $2, folder_class = $3, hidden = $4, props = $5, "
    "change_seq = $6, modified_ms = $7 WHERE id = $8";
SQL(sql_purgeable) = "SELECT id FROM item WHERE folder_id = $1 AND id <= $2 ORDER BY id LIMIT $3";
SQL(sql_ids) = "SELECT id, flags FROM item WHERE folder_id = $1 AND associated = $2 AND id > $3 "
               "ORDER BY id LIMIT $4";

/* ---- own properties ---- */

static int write_folder(struct mailbox_tx *tx, const struct folder *f, struct arena *tmp,
                        struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    uint64_t seq = tx_next_seq(tx);

    TRY(db_prepare(tx->db, sql_update, &stmt, err_r));
    db_bind_text(stmt, 1, f->name);
    db_bind_text(stmt, 2, utf8_fold(tmp, f->name));
    db_bind_text(stmt, 3, f->folder_class);
    db_bind_i64(stmt, 4, f->hidden);
    db_bind_bytes(stmt, 5, f->props);
    db_bind_i64(stmt, 6, (int64_t)seq);
    db_bind_i64(stmt, 7, tx->now_ms);
    db_bind_i64(stmt, 8, (int64_t)f->id.v);
    TRY(db_exec(stmt, err_r));
    return folder_log(tx, EVENT_FOLDER_MODIFIED, seq, f->id.v, f->parent.v, err_r);
}

static bool folder_same(const struct folder *a, const struct folder *b)
{
    return str_eq(a->name, b->name) && str_eq(a->folder_class, b->folder_class) &&
           str_eq(a->props, b->props) && a->hidden == b->hidden;
}

int mailbox_folder_update(struct mailbox_tx *tx, struct folder_id id,
                          const struct folder_update *update, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct folder now, then;

    TRY(folder_get_or_fail(tx, id, tmp, &then, err_r));
    now = then;
    if (update->name.p != NULL) {
        TRY(folder_check_name(update->name, err_r));
        TRY(folder_refuse_sibling(tx, then.parent.v, update->name, id.v, tmp, err_r));
        now.name = update->name;
    }
    if (update->folder_class.p != NULL) {
        TRY(folder_check_text(update->folder_class, err_r));
        now.folder_class = update->folder_class;
    }
    if (update->props.p != NULL) {
        now.props = update->props;
    }
    if (update->has_hidden) {
        now.hidden = update->hidden;
    }
    return folder_same(&now, &then) ? 0 : write_folder(tx, &now, tmp, err_r);
}

int mailbox_folder_rename(struct mailbox_tx *tx, struct folder_id id, struct str name,
                          struct err *err_r)
{
    const struct folder_update update = {.name = name.p != NULL ? name : STR("")};

    return mailbox_folder_update(tx, id, &update, err_r);
}

/* ---- every item of a folder ---- */

struct item_ref {
    struct item_id id;
    uint32_t flags;
};

/* What happens to each item; `to` is the folder it goes to, where it goes. */
struct each_item {
    int (*act)(struct mailbox_tx *tx, const struct item_ref *item, const struct each_item *each,
               struct err *err_r);
    struct folder_id to;
    bool copies; /* the folder itself stays as it is */
    bool read;
};

static int list_items(struct mailbox_tx *tx, struct folder_id folder, bool associated,
                      struct item_id after, struct item_ref items[static FOLDER_BATCH_ITEMS],
                      size_t *n_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    size_t n = 0;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_ids, (int64_t)folder.v, associated, (int64_t)after.v,
                   FOLDER_BATCH_ITEMS));
    while ((rc = db_step(stmt, err_r)) == 1) {
        assert(n < FOLDER_BATCH_ITEMS);
        items[n++] = (struct item_ref){.id = {(uint64_t)db_col_i64(stmt, 0)},
                                       .flags = (uint32_t)db_col_i64(stmt, 1)};
    }
    TRY(rc);
    *n_r = n;
    return 0;
}

static int visit_items(struct mailbox_tx *tx, struct folder_id folder, bool associated,
                       const struct each_item *each, struct err *err_r)
{
    struct item_ref items[FOLDER_BATCH_ITEMS];
    struct item_id after = {0};
    size_t n, i;

    do {
        TRY(list_items(tx, folder, associated, after, items, &n, err_r));
        for (i = 0; i < n; i++) {
            TRY(each->act(tx, &items[i], each, err_r));
            after = items[i].id;
        }
    } while (n == FOLDER_BATCH_ITEMS);
    return 0;
}

static int log_contents(struct mailbox_tx *tx, struct folder_id folder, struct err *err_r)
{
    struct folder_brief brief;

    TRY(folder_brief(tx, folder.v, &brief, err_r));
    return folder_log(tx, EVENT_FOLDER_CONTENTS, tx_next_seq(tx), folder.v, brief.parent, err_r);
}

/* Oldest first, so that newest by number stays newest by age. In batches: an item may be changed only while no statement stands on its row, and memory is bounded. Each item's
 * event is quiet about the folders, which are told once at the end. */
static int for_each_item(struct mailbox_tx *tx, struct folder_id folder, bool associated,
                         const struct each_item *each, struct err *err_r)
{
    uint64_t before = tx->row.seq;
    int rc;

    tx->event_flags = EVENT_QUIET;
    rc = visit_items(tx, folder, associated, each, err_r);
    tx->event_flags = 0;
    if (rc < 0 || tx->row.seq == before || associated) {
        return rc;
    }
    if (!each->copies) {
        TRY(log_contents(tx, folder, err_r));
    }
    return each->to.v != 0 ? log_contents(tx, each->to, err_r) : 0;
}

static int act_mark(struct mailbox_tx *tx, const struct item_ref *item,
                    const struct each_item *each, struct err *err_r)
{
    bool is_read = (item->flags & ITEM_READ) != 0;

    return is_read == each->read ? 0 : mailbox_item_set_read(tx, item->id, each->read, err_r);
}

static int act_copy(struct mailbox_tx *tx, const struct item_ref *item,
                    const struct each_item *each, struct err *err_r)
{
    struct item_id id;

    return mailbox_item_copy(tx, item->id, each->to, &id, err_r);
}

static int act_move(struct mailbox_tx *tx, const struct item_ref *item,
                    const struct each_item *each, struct err *err_r)
{
    struct item_id id;

    return mailbox_item_discard(tx, item->id, each->to, &id, err_r);
}

static int act_delete(struct mailbox_tx *tx, const struct item_ref *item,
                      const struct each_item *each, struct err *err_r)
{
    (void)each;
    return mailbox_item_delete(tx, item->id, err_r);
}

static int require_folder(struct mailbox_tx *tx, struct folder_id id, struct err *err_r)
{
    struct folder_brief brief;
    int rc = folder_brief(tx, id.v, &brief, err_r);

    if (rc == 0) {
        return err_set(err_r, ERR_FOLDER_NOT_FOUND, "no folder %llu", (unsigned long long)id.v);
    }
    return rc < 0 ? rc : 0;
}

int mailbox_folder_mark_all(struct mailbox_tx *tx, struct folder_id id, bool read,
                            struct err *err_r)
{
    const struct each_item mark = {.act = act_mark, .read = read};

    TRY(require_folder(tx, id, err_r));
    return for_each_item(tx, id, false, &mark, err_r);
}

/* ---- copying ---- */

static int copy_one(struct mailbox_tx *tx, const struct folder *f, struct folder_id parent,
                    struct folder_id *id_r, struct err *err_r)
{
    const struct new_folder copy = {.parent = parent.v,
                                    .hidden = f->hidden,
                                    .name = f->name,
                                    .folder_class = f->folder_class,
                                    .props = f->props,
                                    .copy_of = f->id.v,
                                    .copy_of_parent = f->parent.v};
    struct each_item each = {.act = act_copy, .copies = true};

    TRY(folder_insert(tx, &copy, &each.to.v, err_r));
    TRY(for_each_item(tx, f->id, false, &each, err_r));
    TRY(for_each_item(tx, f->id, true, &each, err_r));
    *id_r = each.to;
    return 0;
}

/* Parents come before their children, in the list and so among the copies. */
static int copy_below(struct mailbox_tx *tx, const struct folder *top, struct folder_id copy,
                      struct arena *tmp, struct err *err_r)
{
    AUTO(u64map) copies = u64map_new();
    struct folder *below;
    struct folder_id *ids;
    size_t n, i;

    TRY(mailbox_folder_list(tx, top->id, true, tmp, &below, &n, err_r));
    ids = ARENA_ARRAY(tmp, struct folder_id, n);
    u64map_put(copies, top->id.v, &copy);
    for (i = 0; i < n; i++) {
        const struct folder_id *parent = u64map_get(copies, below[i].parent.v);

        assert(parent != NULL);
        TRY(copy_one(tx, &below[i], *parent, &ids[i], err_r));
        u64map_put(copies, below[i].id.v, &ids[i]);
    }
    return 0;
}

int mailbox_folder_copy(struct mailbox_tx *tx, struct folder_id id, struct folder_id to,
                        struct folder_id *id_r, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct folder_id copy;
    struct folder f;
    int rc;

    TRY(folder_get_or_fail(tx, id, tmp, &f, err_r));
    TRY(folder_check_target(tx, id.v, to.v, tmp, err_r));
    rc = folder_refuse_sibling(tx, to.v, f.name, 0, tmp, err_r);
    if (rc == -ERR_FOLDER_EXISTS) {
        return err_set(err_r, ERR_MOVE_COPY_FAILED, "the target has a folder of that name");
    }
    TRY(rc);
    TRY(tx_check_quota(tx, 0, err_r));
    TRY(copy_one(tx, &f, to, &copy, err_r));
    TRY(copy_below(tx, &f, copy, tmp, err_r));
    *id_r = copy;
    return 0;
}

/* ---- the bin ---- */

static struct str numbered_name(struct arena *tmp, struct str name, uint64_t number)
{
    struct str suffix = str_printf(tmp, " (%llu)", (unsigned long long)number);
    struct str rest = name;
    size_t chars = 0;

    while (rest.n != 0 && chars + suffix.n < FOLDER_NAME_MAX_CHARS) {
        (void)utf8_take(&rest);
        chars++;
    }
    return str_printf(tmp, "%.*s%.*s", (int)(name.n - rest.n), name.p, STR_ARG(suffix));
}

/* The name, else the first numbered one that is free. A bin with very many of one name goes on with numbers of the log, which are hardly ever taken. */
static int free_name(struct mailbox_tx *tx, uint64_t parent, struct str name, struct arena *tmp,
                     struct str *name_r, struct err *err_r)
{
    struct str wanted = name;
    uint64_t number = 0;
    int rc;

    while ((rc = folder_refuse_sibling(tx, parent, wanted, 0, tmp, err_r)) == -ERR_FOLDER_EXISTS) {
        number = number == FOLDER_BIN_NAMES ? tx->row.seq : number + 1;
        wanted = numbered_name(tmp, name, number);
    }
    TRY(rc);
    *name_r = wanted;
    return 0;
}

static int find_distinguished(struct mailbox_tx *tx, enum distinguished d, struct arena *tmp,
                              struct folder_id *id_r, struct err *err_r)
{
    struct folder f;
    int rc = mailbox_folder_by_distinguished(tx, d, tmp, &f, err_r);

    if (rc == 0) {
        return err_set(err_r, ERR_CORRUPT, "distinguished folder %d is missing", (int)d);
    }
    TRY(rc);
    *id_r = f.id;
    return 0;
}

int mailbox_folder_trash(struct mailbox_tx *tx, struct folder_id id, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct folder_id bin;
    struct folder f;
    struct str name;

    TRY(folder_get_or_fail(tx, id, tmp, &f, err_r));
    if (f.distinguished != DF_NONE) {
        return err_set(err_r, ERR_DELETE_DISTINGUISHED, "folder %llu", (unsigned long long)id.v);
    }
    TRY(find_distinguished(tx, DF_DELETEDITEMS, tmp, &bin, err_r));
    if (f.parent.v == bin.v) {
        return 0;
    }
    TRY(folder_check_target(tx, id.v, bin.v, tmp, err_r));
    TRY(free_name(tx, bin.v, f.name, tmp, &name, err_r));
    return folder_relocate(tx, &f, bin.v, name, err_r);
}

/* ---- emptying ---- */

/* Where what is taken out goes; 0: nowhere. */
static int target_of(struct mailbox_tx *tx, enum empty_how how, struct arena *tmp,
                     struct folder_id *to_r, struct err *err_r)
{
    static const enum distinguished targets[] = {
        [EMPTY_HARD] = DF_NONE,
        [EMPTY_TO_RECOVERABLE] = DF_RECOVERABLEITEMSDELETIONS,
        [EMPTY_TO_DELETED_ITEMS] = DF_DELETEDITEMS,
    };

    *to_r = (struct folder_id){0};
    return targets[how] == DF_NONE ? 0 : find_distinguished(tx, targets[how], tmp, to_r, err_r);
}

static int empty_one(struct mailbox_tx *tx, struct folder_id id, struct folder_id to,
                     struct err *err_r)
{
    const struct each_item each = {.act = to.v != 0 ? act_move : act_delete, .to = to};

    return id.v == to.v ? 0 : for_each_item(tx, id, false, &each, err_r);
}

static int refuse_distinguished(const struct folder *below, size_t n, struct err *err_r)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (below[i].distinguished != DF_NONE) {
            return err_set(err_r, ERR_DELETE_DISTINGUISHED, "folder %llu",
                           (unsigned long long)below[i].id.v);
        }
    }
    return 0;
}

/* The folders below, as they are listed: those right below it first, so that what they take along is not asked for again. */
static int remove_below(struct mailbox_tx *tx, struct folder_id id, enum empty_how how,
                        struct folder_id to, struct arena *tmp, struct err *err_r)
{
    struct folder *below;
    size_t n, i;

    TRY(mailbox_folder_list(tx, id, true, tmp, &below, &n, err_r));
    TRY(refuse_distinguished(below, n, err_r));
    for (i = 0; how == EMPTY_TO_RECOVERABLE && i < n; i++) {
        TRY(empty_one(tx, below[i].id, to, err_r));
    }
    for (i = 0; i < n && below[i].parent.v == id.v; i++) {
        TRY(how == EMPTY_TO_DELETED_ITEMS ? mailbox_folder_trash(tx, below[i].id, err_r)
                                          : mailbox_folder_delete(tx, below[i].id, err_r));
    }
    return 0;
}

int mailbox_folder_empty(struct mailbox_tx *tx, struct folder_id id, enum empty_how how,
                         bool with_subfolders, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct folder_id to;

    TRY(require_folder(tx, id, err_r));
    TRY(target_of(tx, how, tmp, &to, err_r));
    if (with_subfolders) {
        TRY(remove_below(tx, id, how, to, tmp, err_r));
    }
    return empty_one(tx, id, to, err_r);
}

/* ---- purging ---- */

static int list_purgeable(struct mailbox_tx *tx, struct folder_id purges,
                          struct item_id items[static FOLDER_BATCH_ITEMS], size_t *n_r,
                          struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    size_t n = 0;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_purgeable, (int64_t)purges.v, (int64_t)tx->row.event_floor,
                   FOLDER_BATCH_ITEMS));
    while ((rc = db_step(stmt, err_r)) == 1) {
        items[n++].v = (uint64_t)db_col_i64(stmt, 0);
    }
    TRY(rc);
    *n_r = n;
    return 0;
}

int mailbox_purge(struct mailbox_tx *tx, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct item_id items[FOLDER_BATCH_ITEMS];
    struct folder_id purges;
    size_t n, i;

    TRY(find_distinguished(tx, DF_RECOVERABLEITEMSPURGES, tmp, &purges, err_r));
    TRY(list_purgeable(tx, purges, items, &n, err_r));
    for (i = 0; i < n; i++) {
        TRY(mailbox_item_delete(tx, items[i], err_r));
    }
    return 0;
}
