/* The event log: what happened, in order, for those who are to be told. Sync does not read it. */
#include "mailbox/mailbox.h"

#include "base/mem.h"
#include "mailbox/mailbox-private.h"

#include <stdlib.h>

SQL(sql_append) =
    "INSERT INTO event (seq, kind, at_ms, object_id, parent_id, old_object_id, old_parent_id, "
    "flags) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
SQL(sql_after) =
    "SELECT seq, kind, at_ms, object_id, parent_id, old_object_id, old_parent_id, flags "
    "FROM event WHERE seq > $1 ORDER BY seq";
SQL(sql_oldest) = "SELECT seq, at_ms FROM event ORDER BY seq";
SQL(sql_prune) = "DELETE FROM event WHERE seq <= $1";

int log_append(struct mailbox_tx *tx, const struct event *event, struct err *err_r)
{
    tx->events++;
    return TX_RUN(tx, err_r, sql_append, (int64_t)event->seq.v, (int64_t)event->kind, tx->now_ms,
                  (int64_t)event->object, (int64_t)event->parent, (int64_t)event->old_object,
                  (int64_t)event->old_parent, (int64_t)(event->flags | tx->event_flags));
}

struct event_iter {
    struct db_stmt *stmt;
    struct err err;
    int rc; /* of the last step */
};

int mailbox_event_iter_begin(struct mailbox_tx *tx, struct seq after, struct event_iter **iter_r,
                             struct err *err_r)
{
    struct db_stmt *stmt;
    struct event_iter *iter;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_after, (int64_t)after.v));
    iter = mem_alloc_zero(1, sizeof(*iter));
    iter->stmt = stmt;
    iter->rc = 1;
    *iter_r = iter;
    return 0;
}

bool mailbox_event_iter_next(struct event_iter *iter, struct event *event_r)
{
    if (iter->rc == 1) {
        iter->rc = db_step(iter->stmt, &iter->err);
    }
    if (iter->rc != 1) {
        return false;
    }
    *event_r = (struct event){
        .seq = {(uint64_t)db_col_i64(iter->stmt, 0)},
        .kind = (enum event_kind)db_col_i64(iter->stmt, 1),
        .at_ms = db_col_i64(iter->stmt, 2),
        .object = (uint64_t)db_col_i64(iter->stmt, 3),
        .parent = (uint64_t)db_col_i64(iter->stmt, 4),
        .old_object = (uint64_t)db_col_i64(iter->stmt, 5),
        .old_parent = (uint64_t)db_col_i64(iter->stmt, 6),
        .flags = (uint32_t)db_col_i64(iter->stmt, 7),
    };
    return true;
}

int mailbox_event_iter_end(struct event_iter **iter, struct err *err_r)
{
    struct event_iter *it = take(iter);
    int rc = it->rc < 0 ? it->rc : 0;

    if (rc < 0 && err_r != NULL) {
        *err_r = it->err;
    }
    db_stmt_done(&it->stmt);
    free(it);
    return rc;
}

/* The newest event of the old ones at the log's beginning. Times may step back when a clock is set; then some are kept longer. */
static int find_prunable(struct mailbox_tx *tx, int64_t before_ms, uint64_t *seq_r,
                         struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(db_prepare(tx->db, sql_oldest, &stmt, err_r));
    while ((rc = db_step(stmt, err_r)) == 1 && db_col_i64(stmt, 1) < before_ms) {
        *seq_r = (uint64_t)db_col_i64(stmt, 0);
    }
    return rc < 0 ? rc : 0;
}

int mailbox_event_prune(struct mailbox_tx *tx, int64_t keep_ms, struct err *err_r)
{
    uint64_t seq = 0;

    TRY(find_prunable(tx, tx->now_ms - keep_ms, &seq, err_r));
    if (seq == 0) {
        return 0;
    }
    tx->row.event_floor = seq;
    return TX_RUN(tx, err_r, sql_prune, (int64_t)seq);
}

struct seq mailbox_event_floor(const struct mailbox_tx *tx)
{
    return (struct seq){tx->row.event_floor};
}
