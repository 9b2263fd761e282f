/* What the SQLite engine makes of its disk: a VFS of the test stands between SQLite and the system and fails on request. */
#include "base/err.h"
#include "db/db.h"
#include "support/tmpdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <sys/stat.h>

/* ---- the failing VFS: files are the real ones, with two methods replaced ---- */

struct failing_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static sqlite3_vfs failing_vfs;
static sqlite3_io_methods failing_methods;
static int write_rc, sync_rc; /* SQLITE_OK: as the system does */
static unsigned syncs;

/* The real file stands right behind ours, so its own methods find their own struct. */
static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct failing_file *)file)->real;
}

#define PASS_ON(name, params, args)                                                                \
    static int failing_##name params                                                               \
    {                                                                                              \
        return real_of(f)->pMethods->name args;                                                    \
    }
PASS_ON(xRead, (sqlite3_file * f, void *p, int n, sqlite3_int64 o), (real_of(f), p, n, o))
PASS_ON(xTruncate, (sqlite3_file * f, sqlite3_int64 n), (real_of(f), n))
PASS_ON(xFileSize, (sqlite3_file * f, sqlite3_int64 *n), (real_of(f), n))
PASS_ON(xLock, (sqlite3_file * f, int l), (real_of(f), l))
PASS_ON(xUnlock, (sqlite3_file * f, int l), (real_of(f), l))
PASS_ON(xCheckReservedLock, (sqlite3_file * f, int *r), (real_of(f), r))
PASS_ON(xFileControl, (sqlite3_file * f, int op, void *p), (real_of(f), op, p))
PASS_ON(xSectorSize, (sqlite3_file * f), (real_of(f)))
PASS_ON(xDeviceCharacteristics, (sqlite3_file * f), (real_of(f)))
PASS_ON(xShmMap, (sqlite3_file * f, int r, int n, int e, void volatile **p),
        (real_of(f), r, n, e, p))
PASS_ON(xShmLock, (sqlite3_file * f, int o, int n, int fl), (real_of(f), o, n, fl))
PASS_ON(xShmUnmap, (sqlite3_file * f, int d), (real_of(f), d))
PASS_ON(xClose, (sqlite3_file * f), (real_of(f)))

static void failing_xShmBarrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int failing_xWrite(sqlite3_file *f, const void *p, int n, sqlite3_int64 o)
{
    return write_rc != SQLITE_OK ? write_rc : real_of(f)->pMethods->xWrite(real_of(f), p, n, o);
}

static int failing_xSync(sqlite3_file *f, int flags)
{
    syncs++;
    return sync_rc != SQLITE_OK ? sync_rc : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int failing_xOpen(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                         int *flags_r)
{
    struct failing_file *f = (struct failing_file *)file;
    sqlite3_vfs *real = vfs->pAppData;
    int rc;

    f->base.pMethods = NULL;
    f->real = (sqlite3_file *)(void *)(f + 1);
    rc = real->xOpen(real, name, f->real, flags, flags_r);
    if (f->real->pMethods != NULL) {
        f->base.pMethods = &failing_methods;
    }
    return rc;
}

/* Under the name that the engine opens its files with. */
static void install_failing_vfs(void)
{
    sqlite3_vfs *real = sqlite3_vfs_find("ewer");

    failing_vfs = *real;
    failing_vfs.pNext = NULL;
    failing_vfs.pAppData = real;
    failing_vfs.szOsFile = (int)sizeof(struct failing_file) + real->szOsFile;
    failing_vfs.xOpen = failing_xOpen;
    failing_methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = failing_xClose,
        .xRead = failing_xRead,
        .xWrite = failing_xWrite,
        .xTruncate = failing_xTruncate,
        .xSync = failing_xSync,
        .xFileSize = failing_xFileSize,
        .xLock = failing_xLock,
        .xUnlock = failing_xUnlock,
        .xCheckReservedLock = failing_xCheckReservedLock,
        .xFileControl = failing_xFileControl,
        .xSectorSize = failing_xSectorSize,
        .xDeviceCharacteristics = failing_xDeviceCharacteristics,
        .xShmMap = failing_xShmMap,
        .xShmLock = failing_xShmLock,
        .xShmBarrier = failing_xShmBarrier,
        .xShmUnmap = failing_xShmUnmap,
    };
    sqlite3_vfs_unregister(real);
    sqlite3_vfs_register(&failing_vfs, 0);
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    char bytes[4096];
    size_t n;

    assert_non_null(in);
    assert_non_null(out);
    while ((n = fread(bytes, 1, sizeof(bytes), in)) != 0) {
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    }
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}

static int64_t file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

/* ---- fixture ---- */

static const char *const migrations[] = {
    "CREATE TABLE t (id BIGINT PRIMARY KEY, body BYTES, MYBYTES BYTES DEFAULT 'BYTES');"
    "CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES t (id));"};
static const char insert_sql[] = "INSERT INTO t (id, body) VALUES ($1, $2)";
static const char count_sql[] = "SELECT count(*) FROM t";

struct fixture {
    struct tmpdir dir;
    char path[80];
    struct db *db;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct db_options options = {
        .path = f->path, .create = true, .migrations = migrations, .migration_count = 1};

    tmpdir_make(&f->dir);
    snprintf(f->path, sizeof(f->path), "%s/t.db", f->dir.path);
    write_rc = sync_rc = SQLITE_OK;
    assert_int_equal(db_open(&options, &f->db, NULL), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    write_rc = sync_rc = SQLITE_OK;
    db_close(&f->db);
    tmpdir_remove(&f->dir);
    free(f);
    return 0;
}

static int insert(struct fixture *f, int64_t id, size_t bytes)
{
    AUTO(db_stmt) stmt = NULL;
    char *body = calloc(1, bytes + 1);
    int rc;

    assert_int_equal(db_prepare(f->db, insert_sql, &stmt, NULL), 0);
    db_bind_i64(stmt, 1, id);
    db_bind_bytes(stmt, 2, str_of(body, bytes));
    rc = db_exec(stmt, NULL);
    db_stmt_done(&stmt);
    free(body);
    return rc;
}

static int64_t query(struct fixture *f, const char *sql)
{
    AUTO(db_stmt) stmt = NULL;

    assert_int_equal(db_prepare(f->db, sql, &stmt, NULL), 0);
    assert_int_equal(db_step(stmt, NULL), 1);
    return db_col_i64(stmt, 0);
}

/* Begins, inserts, and commits under the failures that are set; what the commit says. */
static int commit_one(struct fixture *f, int64_t id, int write_result, int sync_result)
{
    int rc;

    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    assert_int_equal(insert(f, id, 100), 0);
    write_rc = write_result;
    sync_rc = sync_result;
    rc = db_commit(f->db, NULL);
    write_rc = sync_rc = SQLITE_OK;
    assert_false(db_in_tx(f->db));
    return rc;
}

/* ---- tests ---- */

static void test_a_commit_is_synced_before_it_is_answered(void **state)
{
    struct fixture *f = *state;

    syncs = 0;
    assert_int_equal(commit_one(f, 1, SQLITE_OK, SQLITE_OK), 0);
    assert_true(syncs >= 1);
}

/* Then syncing a commit need not write the file's new length. */
static void test_the_log_has_room_before_it_is_needed(void **state)
{
    struct fixture *f = *state;
    char wal[96];
    int64_t size, grown = 0;

    (void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
    size = file_size(wal);
    assert_true(size > 0);
    for (int64_t id = 1; id <= 64; id++) {
        assert_int_equal(commit_one(f, id, SQLITE_OK, SQLITE_OK), 0);
        grown += file_size(wal) != size;
        size = file_size(wal);
    }
    assert_true(grown <= 5);
    assert_int_equal(query(f, count_sql), 64);
}

/* What was committed is there when nobody closed the database, and its log ends in zeros. */
static void test_a_log_with_room_is_recovered(void **state)
{
    struct fixture *f = *state;
    char from[96], to[96];
    struct db_options options = {.path = to, .migrations = migrations, .migration_count = 1};
    struct db *copy;
    struct db_stmt *stmt;
    static const char *const endings[] = {"", "-wal"};

    for (int64_t id = 1; id <= 3; id++) {
        assert_int_equal(commit_one(f, id, SQLITE_OK, SQLITE_OK), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(from, sizeof(from), "%s%s", f->path, endings[i]);
        (void)snprintf(to, sizeof(to), "%s/copy.db%s", f->dir.path, endings[i]);
        copy_file(from, to);
    }
    (void)snprintf(to, sizeof(to), "%s/copy.db", f->dir.path);
    assert_int_equal(db_open(&options, &copy, NULL), 0);
    assert_int_equal(db_prepare(copy, count_sql, &stmt, NULL), 0);
    assert_int_equal(db_step(stmt, NULL), 1);
    assert_int_equal(db_col_i64(stmt, 0), 3);
    db_stmt_done(&stmt);
    db_close(&copy);
}

static void test_a_full_disk_at_commit_rolls_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(commit_one(f, 1, SQLITE_FULL, SQLITE_OK), -ERR_STORE_FULL);
    assert_int_equal(query(f, count_sql), 0);
    assert_int_equal(commit_one(f, 2, SQLITE_OK, SQLITE_OK), 0);
    assert_int_equal(query(f, count_sql), 1);
}

static void test_a_full_disk_in_a_large_transaction_rolls_back(void **state)
{
    struct fixture *f = *state;
    int64_t id;
    int rc = 0;

    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    assert_int_equal(insert(f, 1, 100), 0);
    write_rc = SQLITE_FULL;
    for (id = 2; rc == 0 && id < 200; id++) { /* until the page cache spills */
        rc = insert(f, id, 100000);
    }
    assert_int_equal(rc, -ERR_STORE_FULL);
    rc = insert(f, 1000, 10);
    write_rc = SQLITE_OK;
    assert_int_equal(rc, -ERR_STORE_FULL);
    assert_int_equal(db_commit(f->db, NULL), -ERR_STORE_FULL);
    assert_int_equal(query(f, count_sql), 0);
}

static void test_a_failed_write_at_commit_is_an_io_error(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(commit_one(f, 1, SQLITE_IOERR_WRITE, SQLITE_OK), -ERR_IO);
    assert_int_equal(query(f, count_sql), 0);
}

/* After a failed fsync nobody knows what the disk holds; a later fsync that succeeds would prove nothing. */
static void test_a_failed_fsync_leaves_the_outcome_unknown_and_ends_writing(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;

    assert_int_equal(commit_one(f, 1, SQLITE_OK, SQLITE_IOERR_FSYNC), -ERR_OUTCOME_UNKNOWN);
    assert_int_equal(db_begin(f->db, DB_WRITE, &err), -ERR_IO);
    assert_int_equal(db_begin(f->db, DB_READ, NULL), 0);
    db_rollback(f->db);
}

static void test_words_of_the_house_dialect_are_translated_in_schemas(void **state)
{
    static const char types_sql[] =
        "SELECT count(*) FROM pragma_table_info('t') WHERE (name, type) IN "
        "(VALUES ('id', 'INTEGER'), ('body', 'BLOB'), ('MYBYTES', 'BLOB'))";
    static const char default_sql[] = "SELECT MYBYTES = 'BYTES' FROM t";
    struct fixture *f = *state;

    assert_int_equal(query(f, types_sql), 3);
    assert_int_equal(commit_one(f, 1, SQLITE_OK, SQLITE_OK), 0);
    assert_int_equal(query(f, default_sql), 1);
}

static void test_the_settings_hold(void **state)
{
    static const char journal_sql[] = "SELECT journal_mode = 'wal' FROM pragma_journal_mode";
    static const char sync_sql[] = "SELECT synchronous FROM pragma_synchronous";
    static const char keys_sql[] = "SELECT foreign_keys FROM pragma_foreign_keys";
    struct fixture *f = *state;

    assert_int_equal(query(f, journal_sql), 1);
    assert_int_equal(query(f, sync_sql), 2);
    assert_int_equal(query(f, keys_sql), 1);
}

static void test_foreign_keys_are_checked(void **state)
{
    static const char sql[] = "INSERT INTO child (id, parent) VALUES (1, 4711)";
    struct fixture *f = *state;
    struct db_stmt *stmt;

    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    assert_int_equal(db_prepare(f->db, sql, &stmt, NULL), 0);
    assert_int_equal(db_exec(stmt, NULL), -ERR_CONSTRAINT);
    db_stmt_done(&stmt);
    db_rollback(f->db);
}

#define SQLITE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(test_a_commit_is_synced_before_it_is_answered),
        SQLITE_TEST(test_the_log_has_room_before_it_is_needed),
        SQLITE_TEST(test_a_log_with_room_is_recovered),
        SQLITE_TEST(test_a_full_disk_at_commit_rolls_back),
        SQLITE_TEST(test_a_full_disk_in_a_large_transaction_rolls_back),
        SQLITE_TEST(test_a_failed_write_at_commit_is_an_io_error),
        SQLITE_TEST(test_a_failed_fsync_leaves_the_outcome_unknown_and_ends_writing),
        SQLITE_TEST(test_words_of_the_house_dialect_are_translated_in_schemas),
        SQLITE_TEST(test_the_settings_hold),
        SQLITE_TEST(test_foreign_keys_are_checked),
    };
    struct db_options options = {.path = "/nonexistent/x.db"};
    struct db *db = NULL;

    /* The first open configures SQLite, which must come before the VFS is registered. */
    if (db_open(&options, &db, NULL) == 0) {
        return 1;
    }
    install_failing_vfs();
    return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
