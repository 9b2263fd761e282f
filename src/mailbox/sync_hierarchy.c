/* Hierarchy sync: who was below the anchor then, who is now. Rules: docs/design/sync.md. */
#include "mailbox/sync.h"

#include "base/map.h"
#include "mailbox/limits.h"
#include "mailbox/mailbox-private.h"

#include <stdlib.h>

SQL(sql_newest) = "SELECT max(v) FROM (SELECT max(change_seq) AS v FROM folder UNION ALL "
                  "SELECT max(delete_seq) FROM folder_tombstone) AS stamps";
SQL(sql_changed) = "SELECT id FROM folder WHERE change_seq > $1";
SQL(sql_gone) =
    "SELECT folder_id, delete_seq FROM folder_tombstone WHERE delete_seq > $1 AND folder_id <= $1";
SQL(sql_left_parent) =
    "SELECT old_parent_id FROM folder_move WHERE folder_id = $1 AND seq > $2 ORDER BY seq LIMIT 1";
SQL(sql_parent) = "SELECT parent_id FROM folder WHERE id = $1";
SQL(sql_last_parent) = "SELECT parent_id FROM folder_tombstone WHERE folder_id = $1";

/* A change before it is put in order. */
struct candidate {
    struct folder_change change;
    uint64_t key;   /* stamp it is ordered by */
    int depth_then; /* levels below the anchor at since; 0: was not */
    bool placed;
};

struct hierarchy_sync {
    struct mailbox_tx *tx;
    struct arena *arena;
    uint64_t anchor, since;
    struct u64map *seen; /* folder id -> non-NULL: no need to look again */
    uint64_t *queue;     /* present folders to look at */
    size_t queue_n, queue_cap;
    struct candidate *found;
    size_t found_n, found_cap;
};

static void push_present(struct hierarchy_sync *h, uint64_t id)
{
    if (u64map_get(h->seen, id) != NULL) {
        return;
    }
    u64map_put(h->seen, id, h);
    if (h->queue_n == h->queue_cap) {
        size_t cap = h->queue_cap == 0 ? 32 : h->queue_cap * 2;

        h->queue = arena_grow(h->arena, h->queue, h->queue_cap * sizeof(*h->queue),
                              cap * sizeof(*h->queue));
        h->queue_cap = cap;
    }
    h->queue[h->queue_n++] = id;
}

static struct candidate *push_found(struct hierarchy_sync *h, enum change_kind kind, uint64_t key)
{
    struct candidate *c;

    if (h->found_n == h->found_cap) {
        size_t cap = h->found_cap == 0 ? 32 : h->found_cap * 2;

        h->found = arena_grow(h->arena, h->found, h->found_cap * sizeof(*h->found),
                              cap * sizeof(*h->found));
        h->found_cap = cap;
    }
    c = &h->found[h->found_n++];
    c->change.kind = kind;
    c->key = key;
    return c;
}

/* ---- then and now ---- */

/* The parent that a folder, present or gone, had at since; 0 above the root. */
static int parent_then(struct hierarchy_sync *h, uint64_t id, uint64_t *parent_r, struct err *err_r)
{
    int64_t parent;
    int rc = TX_QUERY(h->tx, err_r, &parent, sql_left_parent, (int64_t)id, (int64_t)h->since);

    if (rc == 0) {
        rc = TX_QUERY(h->tx, err_r, &parent, sql_parent, (int64_t)id);
    }
    if (rc == 0) {
        rc = TX_QUERY(h->tx, err_r, &parent, sql_last_parent, (int64_t)id);
    }
    if (rc == 0) {
        return err_set(err_r, ERR_CORRUPT, "folder %llu left no trace", (unsigned long long)id);
    }
    if (rc == 1) {
        *parent_r = (uint64_t)parent;
    }
    return rc < 0 ? rc : 0;
}

/* Levels below the anchor at since; 0 when it was not below, or not yet there. */
static int depth_then(struct hierarchy_sync *h, uint64_t id, int *depth_r, struct err *err_r)
{
    uint64_t first = id;
    int depth;

    *depth_r = 0;
    if (id > h->since) {
        return 0;
    }
    for (depth = 0; id != 0; depth++) {
        if (id == h->anchor) {
            *depth_r = depth;
            return 0;
        }
        if (depth > FOLDER_MAX_DEPTH) {
            return err_set(err_r, ERR_CORRUPT, "the former parents of folder %llu have no end",
                           (unsigned long long)first);
        }
        TRY(parent_then(h, id, &id, err_r));
    }
    return 0;
}

/* ---- looking at candidates ---- */

static int push_all_below(struct hierarchy_sync *h, uint64_t id, struct err *err_r)
{
    struct folder *below;
    size_t n, i;

    TRY(mailbox_folder_list(h->tx, (struct folder_id){id}, true, h->arena, &below, &n, err_r));
    for (i = 0; i < n; i++) {
        push_present(h, below[i].id.v);
    }
    return 0;
}

static int look_at_present(struct hierarchy_sync *h, uint64_t id, struct err *err_r)
{
    struct folder folder = {0};
    struct candidate *c;
    int then, now;

    TRY(mailbox_folder_get(h->tx, (struct folder_id){id}, h->arena, &folder, err_r));
    TRY(depth_then(h, id, &then, err_r));
    now = mailbox_folder_is_below(h->tx, folder.id, (struct folder_id){h->anchor}, err_r);
    TRY(now);
    /* Crossed the border: with all that is in it. A new folder brings nobody who has no stamp of his own. */
    if (now != (then > 0) && id <= h->since) {
        TRY(push_all_below(h, id, err_r));
    }
    if (now == 0 && then == 0) {
        return 0;
    }
    if (now == 1 && then > 0 && folder.change_seq.v <= h->since) {
        return 0;
    }
    c = push_found(h,
                   now == 0   ? CHANGE_DELETE
                   : then > 0 ? CHANGE_UPDATE
                              : CHANGE_CREATE,
                   folder.change_seq.v);
    c->depth_then = then;
    c->change.folder = now == 0 ? (struct folder){.id = folder.id} : folder;
    return 0;
}

static int collect_changed(struct hierarchy_sync *h, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(TX_PREPARE(h->tx, err_r, &stmt, sql_changed, (int64_t)h->since));
    while ((rc = db_step(stmt, err_r)) == 1) {
        push_present(h, (uint64_t)db_col_i64(stmt, 0));
    }
    return rc;
}

static int look_at_gone(struct hierarchy_sync *h, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc, then;

    TRY(TX_PREPARE(h->tx, err_r, &stmt, sql_gone, (int64_t)h->since));
    while ((rc = db_step(stmt, err_r)) == 1) {
        uint64_t id = (uint64_t)db_col_i64(stmt, 0);

        TRY(depth_then(h, id, &then, err_r));
        if (then > 0) {
            struct candidate *c = push_found(h, CHANGE_DELETE, (uint64_t)db_col_i64(stmt, 1));

            c->depth_then = then;
            c->change.folder.id.v = id;
        }
    }
    return rc;
}

static int collect_since(struct hierarchy_sync *h, struct err *err_r)
{
    size_t i;

    TRY(collect_changed(h, err_r));
    for (i = 0; i < h->queue_n; i++) {
        TRY(look_at_present(h, h->queue[i], err_r));
    }
    return look_at_gone(h, err_r);
}

static int collect_all(struct hierarchy_sync *h, struct err *err_r)
{
    struct folder *below;
    size_t n, i;

    TRY(mailbox_folder_list(h->tx, (struct folder_id){h->anchor}, true, h->arena, &below, &n,
                            err_r));
    for (i = 0; i < n; i++) {
        push_found(h, CHANGE_CREATE, below[i].change_seq.v)->change.folder = below[i];
    }
    return 0;
}

/* ---- order ---- */

/* Deletes last, the deeper first; else the newest first. */
static int compare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    bool x_gone = x->change.kind == CHANGE_DELETE, y_gone = y->change.kind == CHANGE_DELETE;

    if (x_gone != y_gone) {
        return x_gone ? 1 : -1;
    }
    if (x_gone && x->depth_then != y->depth_then) {
        return x->depth_then > y->depth_then ? -1 : 1;
    }
    return x->key > y->key ? -1 : x->key < y->key;
}

/* Places a folder after its parent, if that is to be told too. As deep as the tree at most. */
static void place(struct u64map *by_id, struct candidate *c, struct folder_change *out, size_t *n)
{
    struct candidate *parent;

    if (c->placed) {
        return;
    }
    c->placed = true;
    parent = c->change.kind == CHANGE_DELETE ? NULL : u64map_get(by_id, c->change.folder.parent.v);
    if (parent != NULL) {
        place(by_id, parent, out, n);
    }
    out[(*n)++] = c->change;
}

static void put_in_order(struct hierarchy_sync *h, struct folder_change *out)
{
    AUTO(u64map) by_id = u64map_new();
    size_t n = 0, i;

    if (h->found_n == 0) {
        return;
    }
    qsort(h->found, h->found_n, sizeof(*h->found), compare);
    for (i = 0; i < h->found_n; i++) {
        if (h->found[i].change.kind != CHANGE_DELETE) {
            u64map_put(by_id, h->found[i].change.folder.id.v, &h->found[i]);
        }
    }
    for (i = 0; i < h->found_n; i++) {
        place(by_id, &h->found[i], out, &n);
    }
}

/* ---- the call ---- */

/* The newest stamp of any folder: like the items' top it tells a lost future, and keeps a quiet tree's token as it is. */
static int check_since(struct mailbox_tx *tx, uint64_t anchor, uint64_t since, uint64_t *newest_r,
                       struct err *err_r)
{
    struct folder_brief brief;
    int64_t newest = 0;
    int rc = folder_brief(tx, anchor, &brief, err_r);

    TRY(rc);
    if (rc == 0) {
        return err_set(err_r, ERR_SYNC_FOLDER_NOT_FOUND, "no folder %llu",
                       (unsigned long long)anchor);
    }
    TRY(tx_query(tx, sql_newest, NULL, 0, &newest, err_r));
    if (since > (uint64_t)newest) {
        return err_set(err_r, ERR_SYNC_STATE, "position %llu is after the tree's %lld",
                       (unsigned long long)since, (long long)newest);
    }
    *newest_r = (uint64_t)newest;
    return 0;
}

int hierarchy_sync(struct mailbox_tx *tx, struct folder_id anchor, bool initial, struct seq since,
                   struct arena *arena, struct folder_change **changes_r, size_t *n_r,
                   struct seq *to_r, struct err *err_r)
{
    AUTO(u64map) seen = u64map_new();
    struct hierarchy_sync h = {
        .tx = tx, .arena = arena, .anchor = anchor.v, .since = initial ? 0 : since.v, .seen = seen};
    uint64_t newest = 0;

    TRY(check_since(tx, anchor.v, h.since, &newest, err_r));
    if (initial) {
        TRY(collect_all(&h, err_r));
    } else if (h.since < newest) {
        TRY(collect_since(&h, err_r));
    }
    *changes_r = ARENA_ARRAY(arena, struct folder_change, h.found_n != 0 ? h.found_n : 1);
    put_in_order(&h, *changes_r);
    *n_r = h.found_n;
    to_r->v = newest;
    return 0;
}
