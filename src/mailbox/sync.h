/*
 * Sync without memory of the client: from a token's numbers to the changes since. Cost grows with the changes returned, never with the
 * folder. The algorithm, its proof sketch and its cases are in docs/design/sync.md.
 */
#ifndef MAILBOX_SYNC_H
#define MAILBOX_SYNC_H

#include "mailbox/ids.h"
#include "mailbox/mailbox.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

enum change_kind { CHANGE_CREATE, CHANGE_UPDATE, CHANGE_DELETE, CHANGE_READ_FLAG };

/* ---- items of one folder ---- */

/*
 * Where an item sync stands: everything up to base is told; while paging (cursor != 0), the changes of the window (base, top] with
 * key >= cursor are told too. All zero: initial.
 */
struct sync_position {
    struct seq base, top, cursor;
    bool associated;     /* scope told so far includes associated items */
    bool associated_all; /* this window also tells associated items older than base */
};

struct item_change {
    enum change_kind kind;
    struct item
        item; /* DELETE: only id. Without with_props only id, folder, kind, flags and change_seq. Valid until the next call of _next or _end */
};

struct item_sync_options {
    struct folder_id folder;
    bool associated;      /* SyncScope NormalAndAssociatedItems */
    unsigned max_changes; /* 1..512 */
    const struct item_id
        *ignore; /* sorted ascending; changes of these are passed over and count as told */
    size_t ignore_count;
    bool with_props; /* IdOnly answers need none */
};

struct item_sync;
/*
 * Begins one page from `from`. ERR_SYNC_FOLDER_NOT_FOUND; ERR_SYNC_STATE when `from` names a future (a restored store).
 * One page at a time in a transaction; options->ignore stays until _end. Then _next until false: newest first, one merged list in descending order of key. Then _end, which yields the position for the next call and whether the
 * client is up to date as of this transaction.
 */
int item_sync_begin(struct mailbox_tx *tx, const struct item_sync_options *options,
                    const struct sync_position *from, struct item_sync **sync_r, struct err *err_r)
    WARN_UNUSED;
bool item_sync_next(struct item_sync *sync, struct item_change *change_r);
int item_sync_end(struct item_sync **sync, struct sync_position *to_r, bool *up_to_date_r,
                  struct err *err_r) WARN_UNUSED;

/* ---- the hierarchy below an anchor ---- */

struct folder_change {
    enum change_kind kind; /* never READ_FLAG */
    struct folder folder;  /* DELETE: only id */
};
/*
 * Changes below anchor between seq since and the transaction's seq (to_r): creates and updates newest first, but a folder never before its parent; then
 * deletes, a folder never before what was below it. since 0 and initial=true gives all as CREATE. Exact for folders that moved into or out of the anchor's tree, with all that is below them.
 * ERR_SYNC_FOLDER_NOT_FOUND when the anchor is gone, ERR_SYNC_STATE when since lies in the future.
 */
int hierarchy_sync(struct mailbox_tx *tx, struct folder_id anchor, bool initial, struct seq since,
                   struct arena *arena, struct folder_change **changes_r, size_t *n_r,
                   struct seq *to_r, struct err *err_r) WARN_UNUSED;

#endif
