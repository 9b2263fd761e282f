#include "mailbox/outbox.h"

#include "mailbox/limits.h"
#include "mailbox/mailbox-private.h"

#include <assert.h>

SQL(sql_add) = "INSERT INTO outbox (id, queued_ms, sender, mime) VALUES ($1, $2, $3, $4)";
SQL(sql_add_recipient) =
    "INSERT INTO outbox_recipient (outbox_id, nth, next_ms, address, state, attempts, reply) "
    "VALUES ($1, $2, $3, $4, 1, 0, '')";
/* The index outbox_due gives them in this order, and the caller stops reading early. */
SQL(sql_due) =
    "SELECT outbox_id, next_ms FROM outbox_recipient WHERE state = 1 ORDER BY next_ms, outbox_id";
SQL(sql_get) = "SELECT queued_ms, sender, mime FROM outbox WHERE id = $1";
SQL(sql_recipients) = "SELECT address, state, attempts, next_ms, reply FROM outbox_recipient "
                      "WHERE outbox_id = $1 ORDER BY nth";
SQL(sql_note) = "UPDATE outbox_recipient SET state = $1, attempts = $2, next_ms = $3, reply = $4 "
                "WHERE outbox_id = $5 AND nth = $6";
SQL(sql_remove) = "DELETE FROM outbox WHERE id = $1";
SQL(sql_remove_recipients) = "DELETE FROM outbox_recipient WHERE outbox_id = $1";
SQL(sql_any) = "SELECT id FROM outbox LIMIT 1";

SQL(sql_delivered_add) =
    "INSERT INTO delivered (from_mailbox, outbox_id, queued_ms, at_ms) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT DO NOTHING";
SQL(sql_delivered_item) =
    "SELECT item_id FROM delivered WHERE from_mailbox = $1 AND outbox_id = $2 "
    "AND queued_ms = $3 AND item_id > 0";
SQL(sql_delivered_set_item) =
    "INSERT INTO delivered (from_mailbox, outbox_id, queued_ms, at_ms, item_id) "
    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (from_mailbox, outbox_id, queued_ms) "
    "DO UPDATE SET at_ms = excluded.at_ms, item_id = excluded.item_id";
SQL(sql_delivered_prune) = "DELETE FROM delivered WHERE at_ms < $1";

/* ---- queueing ---- */

static int add_recipient(struct mailbox_tx *tx, uint64_t id, size_t nth, struct str address,
                         struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_add_recipient, (int64_t)id, (int64_t)nth, tx->now_ms));
    db_bind_text(stmt, 4, address);
    return db_exec(stmt, err_r);
}

int outbox_add(struct mailbox_tx *tx, struct str sender, struct str mime,
               const struct str *recipients, size_t n, struct seq *id_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    uint64_t id = tx_next_seq(tx);
    size_t i;

    assert(n > 0);
    TRY(TX_PREPARE(tx, err_r, &stmt, sql_add, (int64_t)id, tx->now_ms));
    db_bind_text(stmt, 3, sender);
    db_bind_bytes(stmt, 4, mime);
    TRY(db_exec(stmt, err_r));
    for (i = 0; i < n; i++) {
        TRY(add_recipient(tx, id, i, recipients[i], err_r));
    }
    id_r->v = id;
    return 0;
}

/* ---- what is due ---- */

static bool has_id(const struct seq *ids, size_t n, uint64_t id)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (ids[i].v == id) {
            return true;
        }
    }
    return false;
}

int outbox_due(struct mailbox_tx *tx, int64_t now_ms, size_t max, struct arena *arena,
               struct seq **ids_r, size_t *n_r, int64_t *next_ms_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    struct seq *ids = ARENA_ARRAY(arena, struct seq, max);
    int64_t next_ms = INT64_MAX;
    size_t n = 0;
    int rc;

    TRY(db_prepare(tx->db, sql_due, &stmt, err_r));
    while ((rc = db_step(stmt, err_r)) == 1) {
        uint64_t id = (uint64_t)db_col_i64(stmt, 0);
        int64_t due_ms = db_col_i64(stmt, 1);

        if (due_ms > now_ms || (n == max && !has_id(ids, n, id))) {
            next_ms = due_ms;
            break;
        }
        if (!has_id(ids, n, id)) {
            ids[n++].v = id;
        }
    }
    TRY(rc);
    *ids_r = ids;
    *n_r = n;
    *next_ms_r = next_ms;
    return 0;
}

int outbox_is_empty(struct mailbox_tx *tx, struct err *err_r)
{
    int64_t id;
    int rc = tx_query(tx, sql_any, NULL, 0, &id, err_r);

    return rc < 0 ? rc : rc == 0;
}

/* ---- one message ---- */

static int read_recipients(struct mailbox_tx *tx, struct seq id, struct arena *arena,
                           struct outbox_message *m, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    size_t room = 0;
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_recipients, (int64_t)id.v));
    while ((rc = db_step(stmt, err_r)) == 1) {
        if (m->recipient_count == room) {
            size_t more = room == 0 ? 8 : room * 2;

            m->recipients = arena_grow(arena, m->recipients, room * sizeof(*m->recipients),
                                       more * sizeof(*m->recipients));
            room = more;
        }
        m->recipients[m->recipient_count++] =
            (struct outbox_recipient){.address = str_dup(arena, db_col_bytes(stmt, 0)),
                                      .state = (enum outbox_state)db_col_i64(stmt, 1),
                                      .attempts = (unsigned)db_col_i64(stmt, 2),
                                      .next_ms = db_col_i64(stmt, 3),
                                      .reply = str_dup(arena, db_col_bytes(stmt, 4))};
    }
    return rc;
}

int outbox_get(struct mailbox_tx *tx, struct seq id, struct arena *arena,
               struct outbox_message *message_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    struct outbox_message m = {.id = id};
    int rc;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_get, (int64_t)id.v));
    rc = db_step(stmt, err_r);
    if (rc <= 0) {
        return rc;
    }
    m.queued_ms = db_col_i64(stmt, 0);
    m.sender = str_dup(arena, db_col_bytes(stmt, 1));
    m.mime = str_dup(arena, db_col_bytes(stmt, 2));
    TRY(read_recipients(tx, id, arena, &m, err_r));
    *message_r = m;
    return 1;
}

int outbox_note(struct mailbox_tx *tx, struct seq id, size_t i, const struct outbox_recipient *now,
                struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(TX_PREPARE(tx, err_r, &stmt, sql_note, (int64_t)now->state, now->attempts, now->next_ms));
    db_bind_text(stmt, 4, str_sub(now->reply, 0, OUTBOX_REPLY_BYTES));
    db_bind_i64(stmt, 5, (int64_t)id.v);
    db_bind_i64(stmt, 6, (int64_t)i);
    TRY(db_exec(stmt, err_r));
    if (db_changes(tx->db) != 1) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "no recipient %zu of message %llu", i,
                       (unsigned long long)id.v);
    }
    return 0;
}

int outbox_remove(struct mailbox_tx *tx, struct seq id, struct err *err_r)
{
    TRY(TX_RUN(tx, err_r, sql_remove_recipients, (int64_t)id.v));
    return TX_RUN(tx, err_r, sql_remove, (int64_t)id.v);
}

/* ---- in the receiving mailbox ---- */

int delivery_note_once(struct mailbox_tx *tx, const struct delivery_origin *origin,
                       struct err *err_r)
{
    TRY(TX_RUN(tx, err_r, sql_delivered_prune, tx->now_ms - DELIVERED_KEEP_MS));
    TRY(TX_RUN(tx, err_r, sql_delivered_add, (int64_t)origin->mailbox.v, (int64_t)origin->id.v,
               origin->queued_ms, tx->now_ms));
    return db_changes(tx->db) == 1;
}

int delivery_noted_item(struct mailbox_tx *tx, const struct delivery_origin *origin,
                        struct item_id *id_r, struct err *err_r)
{
    int64_t id = 0;
    int rc = TX_QUERY(tx, err_r, &id, sql_delivered_item, (int64_t)origin->mailbox.v,
                      (int64_t)origin->id.v, origin->queued_ms);

    id_r->v = (uint64_t)id;
    return rc;
}

int delivery_note_item(struct mailbox_tx *tx, const struct delivery_origin *origin,
                       struct item_id id, struct err *err_r)
{
    TRY(TX_RUN(tx, err_r, sql_delivered_prune, tx->now_ms - DELIVERED_KEEP_MS));
    return TX_RUN(tx, err_r, sql_delivered_set_item, (int64_t)origin->mailbox.v,
                  (int64_t)origin->id.v, origin->queued_ms, tx->now_ms, (int64_t)id.v);
}
