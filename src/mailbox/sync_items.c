/*
 * Item sync: up to eight descending index scans, merged by key. Rules and proof sketch: docs/design/sync.md.
 *
 * A scan of creates carries its rows; the others carry (key, item id) from an index or the tombstones, and the row of the few that are told is
 * looked up. So what is passed over costs one step of an index, and a page costs what it covers.
 */
#include "mailbox/sync.h"

#include "base/mem.h"
#include "mailbox/limits.h"
#include "mailbox/mailbox-private.h"

#include <assert.h>
#include <stdlib.h>

enum scan { SCAN_CREATE, SCAN_CREATE_WIDE, SCAN_UPDATE, SCAN_READ_FLAG, SCAN_DELETE, SCAN_COUNT };

#define SCAN_SQL(columns, table, key, associated)                                                  \
    "SELECT " columns " FROM " table " WHERE folder_id = $1 AND associated = " associated          \
    " AND " key " > $2 AND " key " < $3 ORDER BY " key " DESC"
#define SCAN_ROW(columns, table, key)                                                              \
    {                                                                                              \
        SCAN_SQL(columns, table, key, "0"), SCAN_SQL(columns, table, key, "1")                     \
    }

/* The key is column 0; in scans without rows the item's id is column 1. */
static const char *const scan_sql[SCAN_COUNT][2] = {
    [SCAN_CREATE] = SCAN_ROW(ITEM_COLUMNS_NARROW, "item", "id"),
    [SCAN_CREATE_WIDE] = SCAN_ROW(ITEM_COLUMNS, "item", "id"),
    [SCAN_UPDATE] = SCAN_ROW("change_seq, id", "item", "change_seq"),
    [SCAN_READ_FLAG] = SCAN_ROW("read_seq, id", "item", "read_seq"),
    [SCAN_DELETE] = SCAN_ROW("delete_seq, item_id", "tombstone", "delete_seq"),
};
SQL(sql_lookup) = "SELECT " ITEM_COLUMNS_NARROW " FROM item WHERE id = $1";
SQL(sql_lookup_wide) = "SELECT " ITEM_COLUMNS " FROM item WHERE id = $1";

#define MAX_STREAMS 8

/* Stands on a row, always: a scan at its end is dropped. */
struct stream {
    struct db_stmt *stmt;
    uint64_t key;
    enum change_kind kind;
};

enum sync_state {
    SYNC_RUNNING,
    SYNC_MORE, /* the page is full, or stepped over enough; something may be left in the window */
    SYNC_DONE  /* the window is told */
};

struct item_sync {
    struct mailbox_tx *tx;
    struct item_sync_options options;
    struct sync_position pos; /* cursor: everything at or above is told */
    uint64_t item_seq;
    enum sync_state state;
    unsigned told;
    unsigned passed; /* rows that were nothing to this client */
    unsigned streams_n;
    struct stream streams[MAX_STREAMS];
    struct stream *last;    /* whose row the caller looks at; moved on by the next call */
    struct db_stmt *lookup; /* likewise */
    struct err err;
    int rc;
};

/* ---- one stream ---- */

static void drop_stream(struct item_sync *sync, struct stream *s)
{
    db_stmt_done(&s->stmt);
    *s = sync->streams[--sync->streams_n];
}

static void advance(struct item_sync *sync, struct stream *s)
{
    int rc = db_step(s->stmt, &sync->err);

    if (__builtin_expect(rc == 1, 1)) {
        s->key = (uint64_t)db_col_i64(s->stmt, 0);
        return;
    }
    if (rc < 0) {
        sync->rc = rc;
    }
    drop_stream(sync, s);
}

/* Keys in (above, below). */
static int open_stream(struct item_sync *sync, enum scan scan, bool associated, uint64_t above,
                       uint64_t below)
{
    static const enum change_kind kinds[SCAN_COUNT] = {[SCAN_CREATE] = CHANGE_CREATE,
                                                       [SCAN_CREATE_WIDE] = CHANGE_CREATE,
                                                       [SCAN_UPDATE] = CHANGE_UPDATE,
                                                       [SCAN_READ_FLAG] = CHANGE_READ_FLAG,
                                                       [SCAN_DELETE] = CHANGE_DELETE};
    struct stream *s = &sync->streams[sync->streams_n];

    assert(sync->streams_n < MAX_STREAMS);
    s->kind = kinds[scan];
    TRY(TX_PREPARE(sync->tx, &sync->err, &s->stmt, scan_sql[scan][associated],
                   (int64_t)sync->options.folder.v, (int64_t)above, (int64_t)below));
    sync->streams_n++;
    advance(sync, s);
    return sync->rc;
}

/* ---- the window ---- */

/* What base covers is told already, but for associated items when the scope was widened. */
static int open_scope(struct item_sync *sync, bool associated)
{
    bool all = associated && sync->pos.associated_all;
    uint64_t above = all ? 0 : sync->pos.base.v;
    uint64_t below = sync->pos.cursor.v;

    if (below <= above + 1) {
        return 0;
    }
    TRY(open_stream(sync, sync->options.with_props ? SCAN_CREATE_WIDE : SCAN_CREATE, associated,
                    above, below));
    if (sync->pos.base.v == 0) {
        return 0;
    }
    if (!all) {
        TRY(open_stream(sync, SCAN_UPDATE, associated, above, below));
        TRY(open_stream(sync, SCAN_READ_FLAG, associated, above, below));
    }
    return open_stream(sync, SCAN_DELETE, associated, above, below);
}

static void open_window(struct item_sync *sync, const struct sync_position *from)
{
    bool associated = sync->options.associated;

    sync->pos = *from;
    if (from->cursor.v == 0) {
        sync->pos.top.v = sync->item_seq;
        sync->pos.cursor.v = sync->item_seq + 1;
        sync->pos.associated = associated;
        sync->pos.associated_all = associated && !from->associated && from->base.v != 0;
    } else {
        sync->pos.associated = associated && from->associated;
        sync->pos.associated_all = associated && from->associated_all;
    }
}

static int check_position(const struct sync_position *from, uint64_t item_seq, struct err *err_r)
{
    uint64_t newest = from->cursor.v != 0 ? from->top.v : from->base.v;

    if (newest > item_seq) {
        return err_set(err_r, ERR_SYNC_STATE, "position %llu is after the folder's %llu",
                       (unsigned long long)newest, (unsigned long long)item_seq);
    }
    if (from->cursor.v != 0 && (from->base.v > from->top.v || from->cursor.v > from->top.v + 1)) {
        return err_set(err_r, ERR_SYNC_STATE, "the position's window is inside out");
    }
    return 0;
}

static int open_streams(struct item_sync *sync)
{
    TRY(open_scope(sync, false));
    return sync->pos.associated ? open_scope(sync, true) : 0;
}

static void sync_free(struct item_sync *sync)
{
    db_stmt_done(&sync->lookup);
    while (sync->streams_n != 0) {
        drop_stream(sync, &sync->streams[0]);
    }
    free(sync);
}

int item_sync_begin(struct mailbox_tx *tx, const struct item_sync_options *options,
                    const struct sync_position *from, struct item_sync **sync_r, struct err *err_r)
{
    struct folder_brief folder;
    struct item_sync *sync;
    int rc = folder_brief(tx, options->folder.v, &folder, err_r);

    assert(options->max_changes >= 1 && options->max_changes <= ITEM_SYNC_MAX_CHANGES);
    TRY(rc);
    if (rc == 0) {
        return err_set(err_r, ERR_SYNC_FOLDER_NOT_FOUND, "no folder %llu",
                       (unsigned long long)options->folder.v);
    }
    TRY(check_position(from, folder.item_seq, err_r));
    sync = mem_alloc_zero(1, sizeof(*sync));
    sync->tx = tx;
    sync->options = *options;
    sync->item_seq = folder.item_seq;
    open_window(sync, from);
    rc = open_streams(sync);
    if (rc < 0) {
        if (err_r != NULL) {
            *err_r = sync->err;
        }
        sync_free(sync);
        return rc;
    }
    *sync_r = sync;
    return 0;
}

/* ---- telling ---- */

static bool is_ignored(const struct item_sync_options *options, uint64_t id)
{
    size_t low = 0, high = options->ignore_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (options->ignore[middle].v == id) {
            return true;
        }
        if (options->ignore[middle].v < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* The row of an item that a scan named; it is there, since the scan and the lookup see one snapshot. */
static bool look_up(struct item_sync *sync, bool wide, uint64_t id, struct item *item)
{
    int rc;

    db_stmt_done(&sync->lookup);
    rc = TX_PREPARE(sync->tx, &sync->err, &sync->lookup, wide ? sql_lookup_wide : sql_lookup,
                    (int64_t)id);
    if (rc == 0) {
        rc = db_step(sync->lookup, &sync->err);
    }
    if (rc != 1) {
        sync->rc = rc < 0 ? rc
                          : err_set(&sync->err, ERR_CORRUPT, "an index names item %llu",
                                    (unsigned long long)id);
        return false;
    }
    if (wide) {
        item_read(sync->lookup, item);
    } else {
        item_read_narrow(sync->lookup, item);
    }
    return true;
}

/* What the head of a stream is to this client: false when nothing. */
static bool judge(struct item_sync *sync, const struct stream *s, struct item_change *change)
{
    bool wide = sync->options.with_props;
    uint64_t id = s->key;

    change->kind = s->kind;
    change->item = (struct item){.folder = sync->options.folder};
    if (s->kind != CHANGE_CREATE) {
        id = (uint64_t)db_col_i64(s->stmt, 1);
        if (id > sync->pos.base.v) {
            return false; /* created in this window, and told so; or never told */
        }
    }
    if (sync->options.ignore_count != 0 && is_ignored(&sync->options, id)) {
        return false;
    }
    switch (s->kind) {
    case CHANGE_CREATE:
        if (wide) {
            item_read(s->stmt, &change->item);
        } else {
            item_read_narrow(s->stmt, &change->item);
        }
        return true;
    case CHANGE_UPDATE: return look_up(sync, wide, id, &change->item);
    case CHANGE_READ_FLAG:
        return look_up(sync, wide, id, &change->item) &&
               change->item.change_seq.v <= sync->pos.base.v;
    case CHANGE_DELETE: break;
    }
    change->item.id.v = id;
    return true;
}

static struct stream *newest_stream(struct item_sync *sync)
{
    struct stream *newest = &sync->streams[0];
    unsigned i;

    for (i = 1; i < sync->streams_n; i++) {
        if (sync->streams[i].key > newest->key) {
            newest = &sync->streams[i];
        }
    }
    return newest;
}

bool item_sync_next(struct item_sync *sync, struct item_change *change_r)
{
    if (sync->state != SYNC_RUNNING) {
        return false;
    }
    if (sync->last != NULL) {
        advance(sync, take(&sync->last));
    }
    while (sync->streams_n != 0 && sync->rc == 0) {
        struct stream *s = newest_stream(sync);
        bool told = judge(sync, s, change_r);

        if (told && sync->told == sync->options.max_changes) {
            sync->state = SYNC_MORE;
            return false;
        }
        sync->pos.cursor.v = s->key;
        if (told) {
            sync->told++;
            sync->last = s;
            return true;
        }
        if (++sync->passed == ITEM_SYNC_MAX_PASSED) {
            sync->state = SYNC_MORE;
            return false;
        }
        advance(sync, s);
    }
    sync->state = SYNC_DONE;
    return false;
}

/* The position after this page. A window in a narrower scope than the client now asks for is not the end. */
static void conclude(struct item_sync *sync, struct sync_position *to_r, bool *up_to_date_r)
{
    bool scope_told = sync->pos.associated || !sync->options.associated;

    *up_to_date_r = sync->state == SYNC_DONE && sync->item_seq <= sync->pos.top.v && scope_told;
    *to_r = sync->pos;
    if (sync->state == SYNC_DONE) {
        to_r->base = sync->pos.top;
        to_r->cursor.v = 0;
        to_r->associated_all = false;
    }
}

int item_sync_end(struct item_sync **sync, struct sync_position *to_r, bool *up_to_date_r,
                  struct err *err_r)
{
    struct item_sync *s = take(sync);
    struct item_change ignored;
    int rc;

    /* A caller may stop after any change: what is left then decides as if the page were full. */
    if (s->state == SYNC_RUNNING) {
        s->options.max_changes = s->told;
        (void)item_sync_next(s, &ignored);
    }
    rc = s->rc;
    if (rc == 0) {
        conclude(s, to_r, up_to_date_r);
    } else if (err_r != NULL) {
        *err_r = s->err;
    }
    sync_free(s);
    return rc;
}
