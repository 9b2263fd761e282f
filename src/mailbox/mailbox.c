#include "mailbox/mailbox.h"

#include "base/clock.h"
#include "base/mem.h"
#include "mailbox/folder_write.h"
#include "mailbox/limits.h"
#include "mailbox/mailbox-private.h"
#include "mailbox/schema.h"

#include <assert.h>
#include <stdlib.h>

SQL(sql_row) = "SELECT number, seq, event_floor, bytes_used FROM mailbox WHERE one = 1";
SQL(sql_row_new) = "INSERT INTO mailbox (one, number, seq, event_floor) VALUES (1, $1, 0, 0)";
SQL(sql_row_set) = "UPDATE mailbox SET seq = $1, event_floor = $2, bytes_used = $3 WHERE one = 1";

/* ---- opening ---- */

/* 1: the row is there and names this mailbox; 0: a new database. */
static int read_row(struct mailbox *mailbox, struct mailbox_row *row_r, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(db_prepare(mailbox->db, sql_row, &stmt, err_r));
    rc = db_step(stmt, err_r);
    if (rc <= 0) {
        return rc;
    }
    if ((uint64_t)db_col_i64(stmt, 0) != mailbox->no.v) {
        return err_set(err_r, ERR_CORRUPT, "the file of mailbox %llu holds mailbox %lld",
                       (unsigned long long)mailbox->no.v, (long long)db_col_i64(stmt, 0));
    }
    row_r->seq = (uint64_t)db_col_i64(stmt, 1);
    row_r->event_floor = (uint64_t)db_col_i64(stmt, 2);
    row_r->bytes_used = (uint64_t)db_col_i64(stmt, 3);
    return 1;
}

static int write_row(struct mailbox_tx *tx, struct err *err_r)
{
    return TX_RUN(tx, err_r, sql_row_set, (int64_t)tx->row.seq, (int64_t)tx->row.event_floor,
                  (int64_t)tx->row.bytes_used);
}

static bool row_changed(const struct mailbox_tx *tx)
{
    const struct mailbox_row *now = &tx->row, *then = &tx->row_stored;

    return now->seq != then->seq || now->event_floor != then->event_floor ||
           now->bytes_used != then->bytes_used;
}

/* The row and the folders come in one transaction: a mailbox is whole or new. */
static int fill_new(struct mailbox *mailbox, struct err *err_r)
{
    struct mailbox_tx *tx = &mailbox->tx;

    *tx = (struct mailbox_tx){.mailbox = mailbox,
                              .db = mailbox->db,
                              .mode = MAILBOX_TX_WRITE,
                              .now_ms = clock_unix_ms(mailbox->clock)};
    TRY(TX_RUN(tx, err_r, sql_row_new, (int64_t)mailbox->no.v));
    TRY(folders_create_distinguished(tx, err_r));
    return write_row(tx, err_r);
}

/* Another opener may have been faster: the row is looked for again under the write lock. */
static int make_new(struct mailbox *mailbox, struct err *err_r)
{
    struct mailbox_row row;
    int rc;

    TRY(db_begin(mailbox->db, DB_WRITE, err_r));
    rc = read_row(mailbox, &row, err_r);
    if (rc == 0) {
        rc = fill_new(mailbox, err_r);
    }
    if (rc < 0) {
        db_rollback(mailbox->db);
        return rc;
    }
    return db_commit(mailbox->db, err_r);
}

int mailbox_open(const char *path, bool create, struct mailbox_no no, struct clock *clock,
                 struct mailbox **mailbox_r, struct err *err_r)
{
    const struct db_options options = {.path = path,
                                       .create = create,
                                       .busy_timeout_ms = MAILBOX_BUSY_TIMEOUT_MS,
                                       .migrations = mailbox_migrations,
                                       .migration_count = mailbox_migration_count};
    AUTO(mailbox) mailbox = mem_alloc_zero(1, sizeof(*mailbox));
    struct mailbox_row row;
    int rc;

    mailbox->no = no;
    mailbox->clock = clock;
    TRY(db_open(&options, &mailbox->db, err_r));
    rc = read_row(mailbox, &row, err_r);
    if (rc == 0) {
        if (!create) {
            return err_set(err_r, ERR_CORRUPT, "%s holds no mailbox", path);
        }
        rc = make_new(mailbox, err_r);
    }
    TRY(rc);
    *mailbox_r = take(&mailbox);
    return 0;
}

void mailbox_close(struct mailbox **mailbox)
{
    struct mailbox *m = *mailbox;

    if (m == NULL) {
        return;
    }
    assert(!m->in_tx);
    *mailbox = NULL;
    db_close(&m->db);
    free(m);
}

struct mailbox_no mailbox_number(const struct mailbox *mailbox)
{
    return mailbox->no;
}

/* ---- transactions ---- */

int mailbox_tx_begin(struct mailbox *mailbox, enum mailbox_tx_mode mode, struct mailbox_tx **tx_r,
                     struct err *err_r)
{
    struct mailbox_tx *tx = &mailbox->tx;
    bool write = mode == MAILBOX_TX_WRITE;
    int rc;

    assert(!mailbox->in_tx);
    TRY(db_begin(mailbox->db, write ? DB_WRITE : DB_READ, err_r));
    *tx = (struct mailbox_tx){.mailbox = mailbox,
                              .db = mailbox->db,
                              .mode = mode,
                              .now_ms = write ? clock_unix_ms(mailbox->clock) : 0};
    rc = read_row(mailbox, &tx->row, err_r);
    if (rc == 0) {
        rc = err_set(err_r, ERR_CORRUPT, "the mailbox's row is gone");
    }
    if (rc < 0) {
        db_rollback(mailbox->db);
        return rc;
    }
    tx->row_stored = tx->row;
    mailbox->in_tx = true;
    *tx_r = tx;
    return 0;
}

int mailbox_tx_commit(struct mailbox_tx **tx, struct err *err_r)
{
    struct mailbox_tx *t = take(tx);
    int rc;

    assert(t->mailbox->in_tx);
    t->mailbox->in_tx = false;
    if (row_changed(t)) {
        rc = write_row(t, err_r);
        if (rc < 0) {
            db_rollback(t->db);
            return rc;
        }
    }
    rc = db_commit(t->db, err_r);
    t->mailbox->doubtful = t->mailbox->doubtful || rc == -ERR_OUTCOME_UNKNOWN;
    return rc;
}

bool mailbox_is_doubtful(const struct mailbox *mailbox)
{
    return mailbox->doubtful;
}

void mailbox_tx_rollback(struct mailbox_tx **tx)
{
    struct mailbox_tx *t = take(tx);

    if (t != NULL) {
        assert(t->mailbox->in_tx);
        t->mailbox->in_tx = false;
        db_rollback(t->db);
    }
}

int mailbox_tx_part_begin(struct mailbox_tx *tx, struct err *err_r)
{
    assert(tx->parts < DB_SAVEPOINT_DEPTH);
    TRY(db_savepoint(tx->db, err_r));
    tx->row_at_part[tx->parts++] = tx->row;
    return 0;
}

int mailbox_tx_part_keep(struct mailbox_tx *tx, struct err *err_r)
{
    assert(tx->parts > 0);
    tx->parts--;
    return db_savepoint_release(tx->db, err_r);
}

int mailbox_tx_part_undo(struct mailbox_tx *tx, struct err *err_r)
{
    assert(tx->parts > 0);
    tx->parts--;
    TRY(db_savepoint_rollback(tx->db, err_r));
    tx->row = tx->row_at_part[tx->parts];
    return 0;
}

/* ---- how much there is ---- */

uint64_t mailbox_bytes_used(const struct mailbox_tx *tx)
{
    return tx->row.bytes_used;
}

void mailbox_set_quota(struct mailbox *mailbox, uint64_t bytes)
{
    mailbox->quota_bytes = bytes;
}

int tx_check_quota(const struct mailbox_tx *tx, uint64_t more, struct err *err_r)
{
    uint64_t quota = tx->mailbox->quota_bytes, used = tx->row.bytes_used;

    if (quota == 0 || (used <= quota && more <= quota - used)) {
        return 0;
    }
    return err_set(err_r, ERR_QUOTA, "%llu bytes of %llu are used, %llu more are wanted",
                   (unsigned long long)used, (unsigned long long)quota, (unsigned long long)more);
}

/* ---- numbers of the log ---- */

struct seq mailbox_tx_seq(const struct mailbox_tx *tx)
{
    return (struct seq){tx->row.seq};
}

bool mailbox_tx_has_events(const struct mailbox_tx *tx)
{
    return tx->events != 0;
}

int64_t tx_now_ms(const struct mailbox_tx *tx)
{
    return tx->mode == MAILBOX_TX_WRITE ? tx->now_ms : clock_unix_ms(tx->mailbox->clock);
}

uint64_t tx_next_seq(struct mailbox_tx *tx)
{
    assert(tx->mode == MAILBOX_TX_WRITE);
    return ++tx->row.seq;
}

/* ---- statements over integers ---- */

int tx_prepare(struct mailbox_tx *tx, const char *sql, const int64_t *args, int n,
               struct db_stmt **stmt_r, struct err *err_r)
{
    struct db_stmt *stmt;
    int i;

    TRY(db_prepare(tx->db, sql, &stmt, err_r));
    for (i = 0; i < n; i++) {
        db_bind_i64(stmt, i + 1, args[i]);
    }
    *stmt_r = stmt;
    return 0;
}

int tx_run(struct mailbox_tx *tx, const char *sql, const int64_t *args, int n, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(tx_prepare(tx, sql, args, n, &stmt, err_r));
    return db_exec(stmt, err_r);
}

int tx_query(struct mailbox_tx *tx, const char *sql, const int64_t *args, int n, int64_t *v_r,
             struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;
    int rc;

    TRY(tx_prepare(tx, sql, args, n, &stmt, err_r));
    rc = db_step(stmt, err_r);
    if (rc == 1) {
        *v_r = db_col_i64(stmt, 0);
    }
    return rc;
}
