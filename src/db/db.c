#include "db/db.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db-private.h"
#include "db/decorate.h"
#include "db/limits.h"

#include <assert.h>
#include <stdlib.h>

static db_wrap_fn *wrap_fn;
static void *wrap_ctx;

void db_decorate_all(db_wrap_fn *wrap, void *ctx)
{
    wrap_fn = wrap;
    wrap_ctx = ctx;
}

/* ---- opening ---- */

static int run_migrations(struct db *db, const struct db_options *options, unsigned from,
                          struct err *err_r)
{
    unsigned v;

    TRY(db_begin(db, DB_WRITE, err_r));
    /* Another process may have been faster: only what is seen under the write lock counts. */
    TRY(db->ops->version(db, &from, err_r));
    for (v = from; v < options->migration_count; v++) {
        TRY(db->ops->migrate(db, options->migrations[v], v + 1, err_r));
    }
    return db_commit(db, err_r);
}

static int migrate(struct db *db, const struct db_options *options, struct err *err_r)
{
    unsigned version;

    TRY(db->ops->version(db, &version, err_r));
    if (version > options->migration_count) {
        return err_set(err_r, ERR_STORE_NEWER, "%s has schema version %u, this program knows %u",
                       options->path, version, options->migration_count);
    }
    if (version == options->migration_count) {
        return 0;
    }
    if (options->read_only) {
        return err_set(err_r, ERR_NOT_SUPPORTED,
                       "%s has schema version %u and must be opened for writing once to reach %u",
                       options->path, version, options->migration_count);
    }
    return run_migrations(db, options, version, err_r);
}

int db_open(const struct db_options *options, struct db **db_r, struct err *err_r)
{
    AUTO(db) db = NULL;

    assert(options->path != NULL);
    assert(!(options->create && options->read_only));
    TRY(sqlite_open(options, &db, err_r));
    if (wrap_fn != NULL) {
        db = wrap_fn(db, wrap_ctx);
    }
    TRY(migrate(db, options, err_r));
    *db_r = take(&db);
    return 0;
}

void db_close(struct db **db)
{
    struct db *d = *db;
    size_t i;

    if (d == NULL) {
        return;
    }
    *db = NULL;
    for (i = 0; i < d->cache_slots; i++) {
        if (d->cache[i] != NULL) {
            assert(d->cache[i]->state == DB_STMT_IDLE);
            d->ops->finalize(d->cache[i]);
        }
    }
    free(d->cache);
    d->ops->close(d);
}

/* ---- transactions ---- */

/* After a failure: an engine that rolled back by itself must not go on in autocommit, statement by statement. */
static int note_failure(struct db *db, int rc)
{
    if (db->tx != DB_TX_NONE && db->broken == ERR_NONE && !db->ops->tx_alive(db)) {
        db->broken = (enum err_kind) - rc;
    }
    return rc;
}

static int broken_error(const struct db *db, struct err *err_r)
{
    return err_set(err_r, db->broken, "the transaction was rolled back by an earlier %s",
                   err_kind_name(db->broken));
}

int db_begin(struct db *db, enum db_tx_mode mode, struct err *err_r)
{
    assert(db->tx == DB_TX_NONE);
    TRY(db->ops->begin(db, mode, err_r));
    db->tx = mode == DB_WRITE ? DB_TX_WRITE : DB_TX_READ;
    db->savepoints = 0;
    db->broken = ERR_NONE;
    return 0;
}

int db_commit(struct db *db, struct err *err_r)
{
    enum db_tx_mode mode = db->tx == DB_TX_WRITE ? DB_WRITE : DB_READ;

    assert(db->tx != DB_TX_NONE);
    assert(db->rows_open == 0);
    assert(db->savepoints == 0);
    if (db->broken != ERR_NONE) {
        int rc = broken_error(db, err_r);

        db_rollback(db);
        return rc;
    }
    db->tx = DB_TX_NONE;
    return db->ops->commit(db, mode, err_r);
}

void db_rollback(struct db *db)
{
    if (db->tx != DB_TX_NONE) {
        db->ops->rollback(db);
        db->tx = DB_TX_NONE;
        db->savepoints = 0;
        db->broken = ERR_NONE;
    }
}

bool db_in_tx(const struct db *db)
{
    return db->tx != DB_TX_NONE;
}

/* An innermost part that is to end has ended, whatever comes of it: what is left after a failure is to undo a part around it, or all. */
static int savepoint_verb(struct db *db, enum db_savepoint_verb verb, struct err *err_r)
{
    bool begin = verb == DB_SAVEPOINT_BEGIN;
    int rc;

    assert(db->tx == DB_TX_WRITE);
    assert(begin ? db->savepoints < DB_SAVEPOINT_DEPTH : db->savepoints > 0);
    db->savepoints -= begin ? 0 : 1;
    if (db->broken != ERR_NONE) {
        return broken_error(db, err_r);
    }
    rc = db->ops->savepoint(db, verb, err_r);
    if (rc < 0) {
        return note_failure(db, rc);
    }
    db->savepoints += begin ? 1 : 0;
    return 0;
}

int db_savepoint(struct db *db, struct err *err_r)
{
    return savepoint_verb(db, DB_SAVEPOINT_BEGIN, err_r);
}

int db_savepoint_release(struct db *db, struct err *err_r)
{
    return savepoint_verb(db, DB_SAVEPOINT_RELEASE, err_r);
}

int db_savepoint_rollback(struct db *db, struct err *err_r)
{
    return savepoint_verb(db, DB_SAVEPOINT_ROLLBACK, err_r);
}

/* ---- the cache of statements ---- */

static size_t slot_of(const struct db *db, const char *sql)
{
    uint64_t h = (uint64_t)(uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15);
    size_t slot = (size_t)(h >> 32) & (db->cache_slots - 1);

    while (db->cache[slot] != NULL && db->cache[slot]->sql != sql) {
        slot = (slot + 1) & (db->cache_slots - 1);
    }
    return slot;
}

static void cache_grow(struct db *db)
{
    struct db_stmt **old = db->cache;
    size_t old_slots = db->cache_slots, i;

    db->cache_slots = old_slots == 0 ? DB_CACHE_FIRST_SLOTS : old_slots * 2;
    db->cache = mem_alloc_zero(db->cache_slots, sizeof(struct db_stmt *));
    for (i = 0; i < old_slots; i++) {
        if (old[i] != NULL) {
            db->cache[slot_of(db, old[i]->sql)] = old[i];
        }
    }
    free(old);
}

static int cache_add(struct db *db, const char *sql, struct db_stmt **stmt_r, struct err *err_r)
{
    struct db_stmt *stmt = NULL;
    int rc = db->ops->prepare(db, sql, &stmt, err_r);

    if (rc < 0) {
        return note_failure(db, rc);
    }
    if ((db->cache_used + 1) * 2 > db->cache_slots) {
        cache_grow(db);
    }
    assert(stmt != NULL && stmt->sql == sql);
    stmt->db = db;
    stmt->ops = db->ops;
    stmt->state = DB_STMT_IDLE;
    db->cache[slot_of(db, sql)] = stmt;
    db->cache_used++;
    *stmt_r = stmt;
    return 0;
}

int db_prepare(struct db *db, const char *sql, struct db_stmt **stmt_r, struct err *err_r)
{
    struct db_stmt *stmt = db->cache_slots != 0 ? db->cache[slot_of(db, sql)] : NULL;

    if (stmt == NULL) {
        TRY(cache_add(db, sql, &stmt, err_r));
    }
    assert(stmt != NULL && stmt->state == DB_STMT_IDLE);
    stmt->state = DB_STMT_READY;
    *stmt_r = stmt;
    return 0;
}

/* ---- statements ---- */

static void assert_bindable(const struct db_stmt *stmt, int n)
{
    assert(stmt->state == DB_STMT_READY);
    assert(n >= 1 && n <= stmt->params);
}

void db_bind_i64(struct db_stmt *stmt, int n, int64_t v)
{
    assert_bindable(stmt, n);
    stmt->ops->bind_i64(stmt, n, v);
}

void db_bind_text(struct db_stmt *stmt, int n, struct str v)
{
    assert_bindable(stmt, n);
    stmt->ops->bind_text(stmt, n, v);
}

void db_bind_bytes(struct db_stmt *stmt, int n, struct str v)
{
    assert_bindable(stmt, n);
    stmt->ops->bind_bytes(stmt, n, v);
}

void db_bind_null(struct db_stmt *stmt, int n)
{
    assert_bindable(stmt, n);
    stmt->ops->bind_null(stmt, n);
}

static int first_step(struct db_stmt *stmt, struct err *err_r)
{
    struct db *db = stmt->db;

    assert(stmt->state == DB_STMT_READY);
    assert(!stmt->writes || db->tx == DB_TX_WRITE);
    if (db->broken != ERR_NONE) {
        stmt->state = DB_STMT_END;
        return broken_error(db, err_r);
    }
    return 0;
}

static int last_step(struct db_stmt *stmt, int rc)
{
    if (stmt->state == DB_STMT_ROW) {
        stmt->db->rows_open--;
    }
    stmt->state = DB_STMT_END;
    return rc < 0 ? note_failure(stmt->db, rc) : 0;
}

int db_step(struct db_stmt *stmt, struct err *err_r)
{
    int rc;

    if (stmt->state != DB_STMT_ROW) {
        TRY(first_step(stmt, err_r));
    }
    rc = stmt->ops->step(stmt, err_r);
    if (rc != 1) {
        return last_step(stmt, rc);
    }
    if (stmt->state != DB_STMT_ROW) {
        stmt->state = DB_STMT_ROW;
        stmt->db->rows_open++;
    }
    return 1;
}

int db_exec(struct db_stmt *stmt, struct err *err_r)
{
    int rc = db_step(stmt, err_r);

    assert(rc != 1);
    stmt->ops->reset(stmt);
    stmt->state = DB_STMT_READY;
    return rc;
}

int64_t db_col_i64(struct db_stmt *stmt, int column)
{
    assert(stmt->state == DB_STMT_ROW && column >= 0 && column < stmt->columns);
    return stmt->ops->col_i64(stmt, column);
}

struct str db_col_bytes(struct db_stmt *stmt, int column)
{
    assert(stmt->state == DB_STMT_ROW && column >= 0 && column < stmt->columns);
    return stmt->ops->col_bytes(stmt, column);
}

bool db_col_null(struct db_stmt *stmt, int column)
{
    assert(stmt->state == DB_STMT_ROW && column >= 0 && column < stmt->columns);
    return stmt->ops->col_null(stmt, column);
}

int64_t db_changes(struct db *db)
{
    return db->ops->changes(db);
}

void db_stmt_done(struct db_stmt **stmt)
{
    struct db_stmt *s = *stmt;

    if (s == NULL) {
        return;
    }
    *stmt = NULL;
    assert(s->state != DB_STMT_IDLE);
    if (s->state == DB_STMT_ROW) {
        s->db->rows_open--;
    }
    s->ops->reset(s);
    s->state = DB_STMT_IDLE;
}
