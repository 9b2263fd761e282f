/*
 * The embedded engine: SQLite in WAL mode. One file, one connection, one thread at a time.
 *
 * Every setting and its reason: docs/design/db.md.
 */
#include "db/db-private.h"
#include "db/limits.h"
#include "db/wal_file.h"

#include "base/buf.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

/* The engine's own statements, prepared once a connection. */
#define SQLITE_VERBS(X)                                                                            \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(SAVEPOINT, "SAVEPOINT part")                                                                 \
    X(RELEASE, "RELEASE part")                                                                     \
    X(ROLLBACK_TO, "ROLLBACK TO part")

enum sqlite_verb {
#define X(name, sql) VERB_##name,
    SQLITE_VERBS(X)
#undef X
        VERB_COUNT
};

static const char *const verb_sql[VERB_COUNT] = {
#define X(name, sql) [VERB_##name] = (sql),
    SQLITE_VERBS(X)
#undef X
};

struct sqlite {
    struct db db;
    sqlite3 *handle;
    sqlite3_stmt *verbs[VERB_COUNT];
    bool
        sync_failed; /* an fsync failed: what the disk holds is unknown, so no more writes on this handle */
};

struct sqlite_stmt {
    struct db_stmt stmt;
    sqlite3_stmt *handle;
    int bind_rc; /* first failure of a bind */
};

/* ---- errors ---- */

static enum err_kind kind_of(int rc, int system_errno)
{
    switch (rc & 0xff) {
    case SQLITE_FULL: return ERR_STORE_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_STORE_BUSY;
    case SQLITE_CONSTRAINT: return ERR_CONSTRAINT;
    case SQLITE_TOOBIG: return ERR_TOO_LARGE;
    case SQLITE_IOERR:
        return system_errno == ENOSPC || system_errno == EDQUOT ? ERR_STORE_FULL : ERR_IO;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL: return ERR_IO;
    default: return ERR_INTERNAL;
    }
}

static int sqlite_error(sqlite3 *handle, int rc, const char *what, struct err *err_r)
{
    int system_errno = handle != NULL ? sqlite3_system_errno(handle) : 0;

    if ((rc & 0xff) == SQLITE_NOMEM) {
        mem_die();
    }
    return err_set(err_r, kind_of(rc, system_errno), "SQLite %d (%s) errno %d in: %s", rc,
                   handle != NULL ? sqlite3_errmsg(handle) : sqlite3_errstr(rc), system_errno,
                   what);
}

/* ---- opening ---- */

static const char *vfs_name;

static void configure_once(void)
{
    /* Statistics take a global mutex at every allocation of every thread. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
    vfs_name = wal_file_register();
}

static int run_script(struct sqlite *s, const char *script, struct err *err_r)
{
    int rc = sqlite3_exec(s->handle, script, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : sqlite_error(s->handle, rc, script, err_r);
}

#define TEXT_OF(n) #n
#define TEXT_OF_VALUE(n) TEXT_OF(n)

static int apply_settings(struct sqlite *s, const struct db_options *options, struct err *err_r)
{
    sqlite3_busy_timeout(s->handle, options->busy_timeout_ms);
    sqlite3_extended_result_codes(s->handle, 1);
    sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    TRY(run_script(s,
                   "PRAGMA foreign_keys=ON;"
                   "PRAGMA synchronous=FULL;"
                   "PRAGMA temp_store=MEMORY;"
                   "PRAGMA mmap_size=0;"
                   "PRAGMA secure_delete=FAST;"
                   "PRAGMA cache_size=-" TEXT_OF_VALUE(SQLITE_CACHE_KIB) ";",
                   err_r));
    if (options->read_only) {
        return 0;
    }
    return run_script(s,
                      "PRAGMA journal_mode=WAL;"
                      "PRAGMA journal_size_limit=" TEXT_OF_VALUE(SQLITE_WAL_KEEP_BYTES) ";",
                      err_r);
}

static int prepare_verbs(struct sqlite *s, struct err *err_r)
{
    int v;

    for (v = 0; v < VERB_COUNT; v++) {
        int rc = sqlite3_prepare_v3(s->handle, verb_sql[v], -1, SQLITE_PREPARE_PERSISTENT,
                                    &s->verbs[v], NULL);

        if (rc != SQLITE_OK) {
            return sqlite_error(s->handle, rc, verb_sql[v], err_r);
        }
    }
    return 0;
}

static const struct db_ops sqlite_ops;

int sqlite_open(const struct db_options *options, struct db **db_r, struct err *err_r)
{
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    int flags = SQLITE_OPEN_NOMUTEX;
    AUTO(db) db = NULL;
    struct sqlite *s;
    int rc;

    pthread_once(&configured, configure_once);
    flags |= options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= options->create ? SQLITE_OPEN_CREATE : 0;
    s = mem_alloc_zero(1, sizeof(*s));
    s->db.ops = &sqlite_ops;
    db = &s->db;
    rc = sqlite3_open_v2(options->path, &s->handle, flags, vfs_name);
    if (rc != SQLITE_OK) {
        return sqlite_error(s->handle, rc, options->path, err_r);
    }
    TRY(apply_settings(s, options, err_r));
    TRY(prepare_verbs(s, err_r));
    *db_r = take(&db);
    return 0;
}

static void sqlite_close(struct db *db)
{
    struct sqlite *s = (struct sqlite *)db;
    int v, rc;

    for (v = 0; v < VERB_COUNT; v++) {
        sqlite3_finalize(s->verbs[v]);
    }
    rc = sqlite3_close(s->handle);
    assert(rc == SQLITE_OK);
    free(s);
}

/* ---- transactions ---- */

static int run_verb(struct sqlite *s, enum sqlite_verb verb)
{
    int rc = sqlite3_step(s->verbs[verb]);

    sqlite3_reset(s->verbs[verb]);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int sqlite_begin(struct db *db, enum db_tx_mode mode, struct err *err_r)
{
    struct sqlite *s = (struct sqlite *)db;
    enum sqlite_verb verb = mode == DB_WRITE ? VERB_BEGIN_WRITE : VERB_BEGIN_READ;
    int rc;

    if (mode == DB_WRITE && s->sync_failed) {
        return err_set(err_r, ERR_IO, "no writes after a failed fsync until the file is reopened");
    }
    rc = run_verb(s, verb);
    return rc == SQLITE_OK ? 0 : sqlite_error(s->handle, rc, verb_sql[verb], err_r);
}

static bool sqlite_tx_alive(struct db *db)
{
    return sqlite3_get_autocommit(((struct sqlite *)db)->handle) == 0;
}

static void sqlite_rollback(struct db *db)
{
    if (sqlite_tx_alive(db)) {
        run_verb((struct sqlite *)db, VERB_ROLLBACK);
    }
}

static int sqlite_commit(struct db *db, enum db_tx_mode mode, struct err *err_r)
{
    struct sqlite *s = (struct sqlite *)db;
    int rc = run_verb(s, VERB_COMMIT);
    int result = 0;

    if (rc != SQLITE_OK) {
        result = sqlite_error(s->handle, rc, verb_sql[VERB_COMMIT], err_r);
    }
    if (rc == SQLITE_IOERR_FSYNC && mode == DB_WRITE) {
        /* The commit record is written, but nobody knows whether it will be there after a power loss. */
        s->sync_failed = true;
        result = err_set(err_r, ERR_OUTCOME_UNKNOWN, "fsync failed at COMMIT, errno %d",
                         sqlite3_system_errno(s->handle));
    }
    sqlite_rollback(db);
    return result;
}

/* All have one name: RELEASE and ROLLBACK TO mean the latest of that name. */
static int sqlite_savepoint(struct db *db, enum db_savepoint_verb verb, struct err *err_r)
{
    struct sqlite *s = (struct sqlite *)db;
    int rc;

    switch (verb) {
    case DB_SAVEPOINT_BEGIN: rc = run_verb(s, VERB_SAVEPOINT); break;
    case DB_SAVEPOINT_ROLLBACK:
        rc = run_verb(s, VERB_ROLLBACK_TO);
        if (rc != SQLITE_OK) {
            break;
        }
        /* ROLLBACK TO leaves the savepoint open. */
        /* fallthrough */
    case DB_SAVEPOINT_RELEASE:
    default: rc = run_verb(s, VERB_RELEASE); break;
    }
    return rc == SQLITE_OK ? 0 : sqlite_error(s->handle, rc, "SAVEPOINT", err_r);
}

/* ---- statements ---- */

/*
 * SQLite numbers $N by first appearance, PostgreSQL by N: alike only when the first appearances run 1, 2, 3 …. Returns how many there are.
 */
static int count_params(const char *sql)
{
    int seen = 0;
    bool quoted = false;

    for (; *sql != '\0'; sql++) {
        quoted ^= *sql == '\'';
        if (*sql == '$' && !quoted) {
            int n = 0;

            while (sql[1] >= '0' && sql[1] <= '9') {
                n = n * 10 + (*++sql - '0');
                assert(n <= DB_MAX_PARAMS);
            }
            assert(n >= 1 && n <= seen + 1);
            seen = n > seen ? n : seen;
        }
    }
    return seen;
}

static int sqlite_prepare(struct db *db, const char *sql, struct db_stmt **stmt_r,
                          struct err *err_r)
{
    struct sqlite *s = (struct sqlite *)db;
    struct sqlite_stmt *stmt;
    sqlite3_stmt *handle = NULL;
    int params = count_params(sql);
    int rc = sqlite3_prepare_v3(s->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);

    if (rc != SQLITE_OK) {
        return sqlite_error(s->handle, rc, sql, err_r);
    }
    assert(sqlite3_bind_parameter_count(handle) == params);
    stmt = mem_alloc_zero(1, sizeof(*stmt));
    stmt->handle = handle;
    stmt->stmt.sql = sql;
    stmt->stmt.params = params;
    stmt->stmt.columns = sqlite3_column_count(handle);
    stmt->stmt.writes = !sqlite3_stmt_readonly(handle);
    *stmt_r = &stmt->stmt;
    return 0;
}

static void sqlite_finalize(struct db_stmt *stmt)
{
    sqlite3_finalize(((struct sqlite_stmt *)stmt)->handle);
    free(stmt);
}

static void sqlite_reset(struct db_stmt *stmt)
{
    struct sqlite_stmt *q = (struct sqlite_stmt *)stmt;

    sqlite3_reset(q->handle);
    if (stmt->params != 0) {
        sqlite3_clear_bindings(q->handle);
    }
    q->bind_rc = SQLITE_OK;
}

static void note_bind(struct sqlite_stmt *q, int rc)
{
    if (rc != SQLITE_OK && q->bind_rc == SQLITE_OK) {
        q->bind_rc = rc;
    }
}

static void sqlite_bind_i64(struct db_stmt *stmt, int n, int64_t v)
{
    struct sqlite_stmt *q = (struct sqlite_stmt *)stmt;

    note_bind(q, sqlite3_bind_int64(q->handle, n, v));
}

static void sqlite_bind_text(struct db_stmt *stmt, int n, struct str v)
{
    struct sqlite_stmt *q = (struct sqlite_stmt *)stmt;
    const char *p = v.p != NULL ? v.p : "";

    note_bind(q, sqlite3_bind_text64(q->handle, n, p, v.n, SQLITE_STATIC, SQLITE_UTF8));
}

static void sqlite_bind_bytes(struct db_stmt *stmt, int n, struct str v)
{
    struct sqlite_stmt *q = (struct sqlite_stmt *)stmt;
    const char *p = v.p != NULL ? v.p : "";

    note_bind(q, sqlite3_bind_blob64(q->handle, n, p, v.n, SQLITE_STATIC));
}

static void sqlite_bind_null(struct db_stmt *stmt, int n)
{
    struct sqlite_stmt *q = (struct sqlite_stmt *)stmt;

    note_bind(q, sqlite3_bind_null(q->handle, n));
}

static int step_failed(struct sqlite_stmt *q, int rc, struct err *err_r)
{
    int result = sqlite_error(sqlite3_db_handle(q->handle), rc, q->stmt.sql, err_r);

    sqlite3_reset(q->handle);
    return result;
}

static int sqlite_step(struct db_stmt *stmt, struct err *err_r)
{
    struct sqlite_stmt *q = (struct sqlite_stmt *)stmt;
    int rc = q->bind_rc;

    if (__builtin_expect(rc == SQLITE_OK, 1)) {
        rc = sqlite3_step(q->handle);
    }
    if (rc == SQLITE_ROW) {
        return 1;
    }
    if (rc == SQLITE_DONE) {
        sqlite3_reset(q->handle);
        return 0;
    }
    return step_failed(q, rc, err_r);
}

static int64_t sqlite_col_i64(struct db_stmt *stmt, int column)
{
    return sqlite3_column_int64(((struct sqlite_stmt *)stmt)->handle, column);
}

static struct str sqlite_col_bytes(struct db_stmt *stmt, int column)
{
    sqlite3_stmt *handle = ((struct sqlite_stmt *)stmt)->handle;
    const void *p = sqlite3_column_blob(handle, column);

    if (p != NULL) {
        return str_of(p, (size_t)sqlite3_column_bytes(handle, column));
    }
    /* Bytes of length 0 read as a null pointer too. */
    return sqlite3_column_type(handle, column) == SQLITE_NULL ? STR_NULL : STR("");
}

static bool sqlite_col_null(struct db_stmt *stmt, int column)
{
    return sqlite3_column_type(((struct sqlite_stmt *)stmt)->handle, column) == SQLITE_NULL;
}

static int64_t sqlite_changes(struct db *db)
{
    return sqlite3_changes64(((struct sqlite *)db)->handle);
}

/* ---- the schema ---- */

static int sqlite_version(struct db *db, unsigned *version_r, struct err *err_r)
{
    static const char sql[] = "PRAGMA user_version";
    struct sqlite *s = (struct sqlite *)db;
    sqlite3_stmt *handle = NULL;
    int rc = sqlite3_prepare_v3(s->handle, sql, -1, 0, &handle, NULL);
    unsigned version;

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(handle);
    }
    version = rc == SQLITE_ROW ? (unsigned)sqlite3_column_int(handle, 0) : 0;
    if (rc != SQLITE_ROW) {
        rc = sqlite_error(s->handle, rc, sql, err_r);
        sqlite3_finalize(handle);
        return rc;
    }
    sqlite3_finalize(handle);
    *version_r = version;
    return 0;
}

/* Words of the house dialect and what SQLite calls them. */
static const struct {
    struct str house, sqlite;
} words[] = {
    {STR_INIT("BIGINT PRIMARY KEY"), STR_INIT("INTEGER PRIMARY KEY")}, /* the row id itself */
    {STR_INIT("BYTES"), STR_INIT("BLOB")},
};

static bool is_word_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The index of the word that stands at p, or the number of words. */
static size_t word_at(const char *p)
{
    size_t w;

    for (w = 0; w < ARRAY_LEN(words); w++) {
        if (strncmp(p, words[w].house.p, words[w].house.n) == 0 &&
            !is_word_char(p[words[w].house.n])) {
            break;
        }
    }
    return w;
}

static void translate(struct buf *out, const char *script)
{
    bool quoted = false;
    char before = '\0';

    while (*script != '\0') {
        size_t w = quoted || is_word_char(before) ? ARRAY_LEN(words) : word_at(script);

        if (w < ARRAY_LEN(words)) {
            buf_add_str(out, words[w].sqlite);
            script += words[w].house.n;
            before = 'x';
            continue;
        }
        quoted ^= *script == '\'';
        before = *script;
        buf_add_char(out, *script++);
    }
}

static int sqlite_migrate(struct db *db, const char *script, unsigned version, struct err *err_r)
{
    struct buf sql = BUF_INIT;
    int rc;

    translate(&sql, script);
    buf_printf(&sql, "\n;PRAGMA user_version=%u;", version);
    buf_add_char(&sql, '\0');
    rc = run_script((struct sqlite *)db, sql.p, err_r);
    buf_fini(&sql);
    return rc;
}

static const struct db_ops sqlite_ops = {
    .name = "sqlite",
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .tx_alive = sqlite_tx_alive,
    .savepoint = sqlite_savepoint,
    .prepare = sqlite_prepare,
    .finalize = sqlite_finalize,
    .reset = sqlite_reset,
    .bind_i64 = sqlite_bind_i64,
    .bind_text = sqlite_bind_text,
    .bind_bytes = sqlite_bind_bytes,
    .bind_null = sqlite_bind_null,
    .step = sqlite_step,
    .col_i64 = sqlite_col_i64,
    .col_bytes = sqlite_col_bytes,
    .col_null = sqlite_col_null,
    .changes = sqlite_changes,
    .version = sqlite_version,
    .migrate = sqlite_migrate,
};
