#include "db/wrap-private.h"

#include "base/mem.h"

#include <stdlib.h>

struct wrap_stmt {
    struct db_stmt stmt;
    struct db_stmt *inner;
};

static struct db *inner_of(struct db *db)
{
    return ((struct wrap *)db)->inner;
}

static struct db_stmt *inner_stmt(struct db_stmt *stmt)
{
    return ((struct wrap_stmt *)stmt)->inner;
}

static int before(struct db *db, enum db_call call, struct err *err_r)
{
    struct wrap *w = (struct wrap *)db;

    return w->before != NULL ? w->before(w, call, err_r) : 0;
}

static int after(struct db *db, enum db_call call, const char *sql, int rc, struct err *err_r)
{
    struct wrap *w = (struct wrap *)db;

    return w->after != NULL ? w->after(w, call, sql, rc, err_r) : rc;
}

static void wrap_close(struct db *db)
{
    struct db *inner = inner_of(db);

    inner->ops->close(inner);
    (void)after(db, DB_CALL_CLOSE, NULL, 0, NULL);
    free(db);
}

static int wrap_begin(struct db *db, enum db_tx_mode mode, struct err *err_r)
{
    struct db *inner = inner_of(db);
    int rc = before(db, DB_CALL_BEGIN, err_r);
    bool begun = false;

    if (rc == 0) {
        rc = inner->ops->begin(inner, mode, err_r);
        begun = rc == 0;
    }
    rc = after(db, DB_CALL_BEGIN, NULL, rc, err_r);
    if (rc < 0 && begun) {
        inner->ops->rollback(inner);
    }
    return rc;
}

static int wrap_commit(struct db *db, enum db_tx_mode mode, struct err *err_r)
{
    struct db *inner = inner_of(db);
    int rc = before(db, DB_CALL_COMMIT, err_r);

    if (rc == 0) {
        rc = inner->ops->commit(inner, mode, err_r);
    } else {
        inner->ops->rollback(inner);
    }
    return after(db, DB_CALL_COMMIT, NULL, rc, err_r);
}

static void wrap_rollback(struct db *db)
{
    struct db *inner = inner_of(db);

    inner->ops->rollback(inner);
    (void)after(db, DB_CALL_ROLLBACK, NULL, 0, NULL);
}

static bool wrap_tx_alive(struct db *db)
{
    struct db *inner = inner_of(db);

    return inner->ops->tx_alive(inner);
}

static int wrap_savepoint(struct db *db, enum db_savepoint_verb verb, struct err *err_r)
{
    static const enum db_call calls[] = {
        [DB_SAVEPOINT_BEGIN] = DB_CALL_SAVEPOINT,
        [DB_SAVEPOINT_RELEASE] = DB_CALL_SAVEPOINT_RELEASE,
        [DB_SAVEPOINT_ROLLBACK] = DB_CALL_SAVEPOINT_ROLLBACK,
    };
    struct db *inner = inner_of(db);
    int rc = before(db, calls[verb], err_r);

    if (rc == 0) {
        rc = inner->ops->savepoint(inner, verb, err_r);
    }
    return after(db, calls[verb], NULL, rc, err_r);
}

static int wrap_prepare(struct db *db, const char *sql, struct db_stmt **stmt_r, struct err *err_r)
{
    struct db *inner = inner_of(db);
    struct db_stmt *inner_one = NULL;
    struct wrap_stmt *stmt;
    int rc = before(db, DB_CALL_PREPARE, err_r);

    if (rc == 0) {
        rc = inner->ops->prepare(inner, sql, &inner_one, err_r);
    }
    rc = after(db, DB_CALL_PREPARE, sql, rc, err_r);
    if (rc < 0) {
        if (inner_one != NULL) {
            inner->ops->finalize(inner_one);
        }
        return rc;
    }
    inner_one->db = inner;
    inner_one->ops = inner->ops;
    stmt = mem_alloc_zero(1, sizeof(*stmt));
    stmt->stmt = *inner_one;
    stmt->inner = inner_one;
    *stmt_r = &stmt->stmt;
    return 0;
}

static void wrap_finalize(struct db_stmt *stmt)
{
    struct db_stmt *inner = inner_stmt(stmt);

    inner->ops->finalize(inner);
    free(stmt);
}

static void wrap_reset(struct db_stmt *stmt)
{
    struct db_stmt *inner = inner_stmt(stmt);

    inner->ops->reset(inner);
}

static void wrap_bind_i64(struct db_stmt *stmt, int n, int64_t v)
{
    struct db_stmt *inner = inner_stmt(stmt);

    inner->ops->bind_i64(inner, n, v);
}

static void wrap_bind_text(struct db_stmt *stmt, int n, struct str v)
{
    struct db_stmt *inner = inner_stmt(stmt);

    inner->ops->bind_text(inner, n, v);
}

static void wrap_bind_bytes(struct db_stmt *stmt, int n, struct str v)
{
    struct db_stmt *inner = inner_stmt(stmt);

    inner->ops->bind_bytes(inner, n, v);
}

static void wrap_bind_null(struct db_stmt *stmt, int n)
{
    struct db_stmt *inner = inner_stmt(stmt);

    inner->ops->bind_null(inner, n);
}

static int wrap_step(struct db_stmt *stmt, struct err *err_r)
{
    struct db_stmt *inner = inner_stmt(stmt);
    int rc = before(stmt->db, DB_CALL_STEP, err_r);

    if (rc == 0) {
        rc = inner->ops->step(inner, err_r);
    }
    rc = after(stmt->db, DB_CALL_STEP, stmt->sql, rc, err_r);
    if (rc < 0) {
        inner->ops->reset(inner);
    }
    return rc;
}

static int64_t wrap_col_i64(struct db_stmt *stmt, int column)
{
    struct db_stmt *inner = inner_stmt(stmt);

    return inner->ops->col_i64(inner, column);
}

static struct str wrap_col_bytes(struct db_stmt *stmt, int column)
{
    struct db_stmt *inner = inner_stmt(stmt);

    return inner->ops->col_bytes(inner, column);
}

static bool wrap_col_null(struct db_stmt *stmt, int column)
{
    struct db_stmt *inner = inner_stmt(stmt);

    return inner->ops->col_null(inner, column);
}

static int64_t wrap_changes(struct db *db)
{
    struct db *inner = inner_of(db);

    return inner->ops->changes(inner);
}

static int wrap_version(struct db *db, unsigned *version_r, struct err *err_r)
{
    struct db *inner = inner_of(db);

    return inner->ops->version(inner, version_r, err_r);
}

static int wrap_migrate(struct db *db, const char *script, unsigned version, struct err *err_r)
{
    struct db *inner = inner_of(db);
    int rc = before(db, DB_CALL_MIGRATE, err_r);

    if (rc == 0) {
        rc = inner->ops->migrate(inner, script, version, err_r);
    }
    return after(db, DB_CALL_MIGRATE, script, rc, err_r);
}

static const struct db_ops wrap_ops = {
    .name = "wrap",
    .close = wrap_close,
    .begin = wrap_begin,
    .commit = wrap_commit,
    .rollback = wrap_rollback,
    .tx_alive = wrap_tx_alive,
    .savepoint = wrap_savepoint,
    .prepare = wrap_prepare,
    .finalize = wrap_finalize,
    .reset = wrap_reset,
    .bind_i64 = wrap_bind_i64,
    .bind_text = wrap_bind_text,
    .bind_bytes = wrap_bind_bytes,
    .bind_null = wrap_bind_null,
    .step = wrap_step,
    .col_i64 = wrap_col_i64,
    .col_bytes = wrap_col_bytes,
    .col_null = wrap_col_null,
    .changes = wrap_changes,
    .version = wrap_version,
    .migrate = wrap_migrate,
};

struct wrap *wrap_new(struct db *inner, void *ctx)
{
    struct wrap *w = mem_alloc_zero(1, sizeof(*w));

    w->db.ops = &wrap_ops;
    w->inner = inner;
    w->ctx = ctx;
    return w;
}
