/* What db.h promises, asked of every engine. A new engine joins by one line in `engines`. */
#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "db/decorate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void ignore_call(struct db_trace *trace, enum db_call call, const char *sql, int rc)
{
    (void)trace;
    (void)call;
    (void)sql;
    (void)rc;
}

static struct db_trace silent = {ignore_call};

static struct db *wrap_in_trace(struct db *inner, void *ctx)
{
    return db_trace_new(inner, ctx);
}

/* Each engine: a name, and what is wrapped around it. */
static const struct engine {
    const char *name;
    db_wrap_fn *wrap;
} engines[] = {
    {"sqlite", NULL},
    {"sqlite through trace", wrap_in_trace},
};

static const char schema_1[] =
    "CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BYTES, n BIGINT);\n"
    "CREATE TABLE note (text TEXT DEFAULT 'BYTES; BIGINT PRIMARY KEY');";
static const char schema_2[] = "ALTER TABLE item ADD COLUMN extra BIGINT;";
static const char schema_bad[] = "CREATE TABLE other (id BIGINT); INSERT INTO nowhere VALUES (1);";
static const char *const migrations[] = {schema_1, schema_2};
static const char *const bad_migrations[] = {schema_1, schema_bad};

struct fixture {
    char dir[64], path[96];
};

static int setup(void **state)
{
    const struct engine *engine = *state;
    struct fixture *f = calloc(1, sizeof(*f));

    db_decorate_all(engine->wrap, &silent);
    strncpy(f->dir, "/tmp/ewer-db-XXXXXX", sizeof(f->dir) - 1);
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/t.db", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    struct fixture *f = *state;
    char path[128];
    size_t i;

    for (i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(path, sizeof(path), "%s%s", f->path, suffixes[i]);
        unlink(path);
    }
    rmdir(f->dir);
    free(f);
    db_decorate_all(NULL, NULL);
    return 0;
}

static struct db_options options_of(const struct fixture *f)
{
    return (struct db_options){.path = f->path,
                               .create = true,
                               .migrations = migrations,
                               .migration_count = ARRAY_LEN(migrations)};
}

static struct db *given_db(const struct fixture *f)
{
    struct db_options options = options_of(f);
    struct db *db = NULL;

    assert_int_equal(db_open(&options, &db, NULL), 0);
    return db;
}

static void begin(struct db *db, enum db_tx_mode mode)
{
    assert_int_equal(db_begin(db, mode, NULL), 0);
}

static void commit(struct db *db)
{
    assert_int_equal(db_commit(db, NULL), 0);
    assert_false(db_in_tx(db));
}

static const char insert_sql[] = "INSERT INTO item (id, name, body, n) VALUES ($1, $2, $3, $4)";
static const char count_sql[] = "SELECT count(*) FROM item";
static const char all_sql[] = "SELECT id, name, body, n FROM item ORDER BY id";

static int insert(struct db *db, int64_t id, const char *name, struct err *err_r)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(db_prepare(db, insert_sql, &stmt, err_r));
    db_bind_i64(stmt, 1, id);
    db_bind_text(stmt, 2, str_from(name));
    db_bind_bytes(stmt, 3, STR("a\0b"));
    db_bind_null(stmt, 4);
    return db_exec(stmt, err_r);
}

static void must_insert(struct db *db, int64_t id, const char *name)
{
    assert_int_equal(insert(db, id, name, NULL), 0);
}

static int64_t count(struct db *db)
{
    AUTO(db_stmt) stmt = NULL;

    assert_int_equal(db_prepare(db, count_sql, &stmt, NULL), 0);
    assert_int_equal(db_step(stmt, NULL), 1);
    return db_col_i64(stmt, 0);
}

/* ---- opening ---- */

static void test_absent_file_is_an_error_unless_create(void **state)
{
    struct db_options options = options_of(*state);
    struct db *db = NULL;
    struct err err = ERR_INIT;

    options.create = false;
    assert_int_equal(db_open(&options, &db, &err), -ERR_IO);
    assert_null(db);
    assert_int_equal(err.kind, ERR_IO);
}

static void test_what_was_committed_is_there_after_reopening(void **state)
{
    struct db_options options = options_of(*state);
    struct db *db = given_db(*state);

    begin(db, DB_WRITE);
    must_insert(db, 1, "one");
    commit(db);
    db_close(&db);
    assert_null(db);
    options.create = false;
    assert_int_equal(db_open(&options, &db, NULL), 0);
    assert_int_equal(count(db), 1);
    db_close(&db);
}

static void test_newer_schema_is_refused_and_untouched(void **state)
{
    struct db_options options = options_of(*state);
    struct db *db = given_db(*state);

    db_close(&db);
    options.migration_count = 1;
    assert_int_equal(db_open(&options, &db, NULL), -ERR_STORE_NEWER);
    options.migration_count = 2;
    assert_int_equal(db_open(&options, &db, NULL), 0);
    db_close(&db);
}

static void test_failed_migration_leaves_the_old_version(void **state)
{
    static const char probe[] = "SELECT count(*) FROM other";
    struct db_options options = options_of(*state);
    struct db *db = NULL;
    struct db_stmt *stmt = NULL;

    options.migration_count = 1;
    assert_int_equal(db_open(&options, &db, NULL), 0);
    begin(db, DB_WRITE);
    must_insert(db, 1, "kept");
    commit(db);
    db_close(&db);

    options.migrations = bad_migrations;
    options.migration_count = 2;
    assert_true(db_open(&options, &db, NULL) < 0);
    options.migration_count = 1;
    assert_int_equal(db_open(&options, &db, NULL), 0);
    assert_int_equal(count(db), 1);
    assert_true(db_prepare(db, probe, &stmt, NULL) < 0);
    db_close(&db);
}

static void test_old_database_is_brought_up(void **state)
{
    static const char probe[] = "SELECT count(extra) FROM item";
    struct db_options options = options_of(*state);
    struct db *db = NULL;

    options.migration_count = 1;
    assert_int_equal(db_open(&options, &db, NULL), 0);
    begin(db, DB_WRITE);
    must_insert(db, 1, "kept");
    commit(db);
    db_close(&db);
    db = given_db(*state);
    {
        AUTO(db_stmt) stmt = NULL;

        assert_int_equal(db_prepare(db, probe, &stmt, NULL), 0);
        assert_int_equal(count(db), 1);
    }
    db_close(&db);
}

static void test_read_only_refuses_writes_and_migrations(void **state)
{
    struct db_options options = options_of(*state);
    struct db *db = NULL;

    options.migration_count = 1;
    assert_int_equal(db_open(&options, &db, NULL), 0);
    db_close(&db);
    options.create = false;
    options.read_only = true;
    assert_int_equal(db_open(&options, &db, NULL), 0);
    assert_int_equal(count(db), 0);
    assert_true(db_begin(db, DB_WRITE, NULL) < 0 || insert(db, 1, "x", NULL) < 0);
    db_rollback(db);
    db_close(&db);
    options.migration_count = 2;
    assert_int_equal(db_open(&options, &db, NULL), -ERR_NOT_SUPPORTED);
}

static void test_a_file_that_is_no_database_is_corrupt(void **state)
{
    struct fixture *f = *state;
    struct db_options options = options_of(f);
    struct db *db = NULL;
    FILE *file = fopen(f->path, "w");
    int i;

    for (i = 0; i < 1000; i++) {
        fputs("not a database ", file);
    }
    fclose(file);
    assert_int_equal(db_open(&options, &db, NULL), -ERR_CORRUPT);
}

/* ---- values ---- */

static void test_values_come_back_as_bound(void **state)
{
    struct db *db = given_db(*state);
    struct db_stmt *stmt = NULL;

    begin(db, DB_WRITE);
    assert_int_equal(db_prepare(db, insert_sql, &stmt, NULL), 0);
    db_bind_i64(stmt, 1, INT64_MIN);
    db_bind_text(stmt, 2, STR("na\xc3\xafve"));
    db_bind_bytes(stmt, 3, STR("a\0b\xff"));
    db_bind_i64(stmt, 4, INT64_MAX);
    assert_int_equal(db_exec(stmt, NULL), 0);
    db_stmt_done(&stmt);
    commit(db);

    assert_int_equal(db_prepare(db, all_sql, &stmt, NULL), 0);
    assert_int_equal(db_step(stmt, NULL), 1);
    assert_true(db_col_i64(stmt, 0) == INT64_MIN);
    assert_true(str_eq(db_col_bytes(stmt, 1), STR("na\xc3\xafve")));
    assert_true(str_eq(db_col_bytes(stmt, 2), STR("a\0b\xff")));
    assert_true(db_col_i64(stmt, 3) == INT64_MAX);
    assert_false(db_col_null(stmt, 3));
    assert_int_equal(db_step(stmt, NULL), 0);
    db_stmt_done(&stmt);
    db_close(&db);
}

static void test_null_and_empty_differ(void **state)
{
    struct db *db = given_db(*state);
    struct db_stmt *stmt = NULL;

    begin(db, DB_WRITE);
    assert_int_equal(db_prepare(db, insert_sql, &stmt, NULL), 0);
    db_bind_i64(stmt, 1, 1);
    db_bind_text(stmt, 2, STR_NULL); /* no null: only db_bind_null binds one */
    db_bind_bytes(stmt, 3, STR_NULL);
    db_bind_null(stmt, 4);
    assert_int_equal(db_exec(stmt, NULL), 0);
    db_stmt_done(&stmt);
    commit(db);

    assert_int_equal(db_prepare(db, all_sql, &stmt, NULL), 0);
    assert_int_equal(db_step(stmt, NULL), 1);
    assert_false(db_col_null(stmt, 1));
    assert_non_null(db_col_bytes(stmt, 1).p);
    assert_false(db_col_null(stmt, 2));
    assert_non_null(db_col_bytes(stmt, 2).p);
    assert_int_equal(db_col_bytes(stmt, 2).n, 0);
    assert_true(db_col_null(stmt, 3));
    assert_null(db_col_bytes(stmt, 3).p);
    assert_int_equal(db_col_i64(stmt, 3), 0);
    db_stmt_done(&stmt);
    db_close(&db);
}

/* ---- statements ---- */

static void test_a_statement_is_prepared_once_and_comes_back_clean(void **state)
{
    struct db *db = given_db(*state);
    struct db_stmt *stmt = NULL, *first;

    begin(db, DB_WRITE);
    assert_int_equal(db_prepare(db, insert_sql, &stmt, NULL), 0);
    first = stmt;
    db_bind_i64(stmt, 1, 1);
    db_bind_text(stmt, 2, STR("kept?"));
    db_stmt_done(&stmt);
    db_stmt_done(&stmt); /* safe on NULL */
    assert_int_equal(db_prepare(db, insert_sql, &stmt, NULL), 0);
    assert_ptr_equal(stmt, first);
    db_bind_i64(stmt, 1, 1);
    assert_int_equal(db_exec(stmt, NULL), -ERR_CONSTRAINT); /* the name is NULL again */
    db_stmt_done(&stmt);
    db_rollback(db);
    db_close(&db);
}

static void test_many_statements_are_all_kept(void **state)
{
    static char sql[300][48];
    struct db *db = given_db(*state);
    struct db_stmt *seen[300];
    size_t round, i;

    for (round = 0; round < 2; round++) {
        for (i = 0; i < ARRAY_LEN(sql); i++) {
            AUTO(db_stmt) stmt = NULL;

            snprintf(sql[i], sizeof(sql[i]), "SELECT %zu", i);
            assert_int_equal(db_prepare(db, sql[i], &stmt, NULL), 0);
            assert_true(round == 0 || seen[i] == stmt);
            seen[i] = stmt;
            assert_int_equal(db_step(stmt, NULL), 1);
            assert_int_equal(db_col_i64(stmt, 0), i);
        }
    }
    db_close(&db);
}

static void test_changes_counts_rows(void **state)
{
    static const char sql[] = "DELETE FROM item WHERE id > $1";
    struct db *db = given_db(*state);
    struct db_stmt *stmt = NULL;

    begin(db, DB_WRITE);
    must_insert(db, 1, "one");
    must_insert(db, 2, "two");
    must_insert(db, 3, "three");
    assert_int_equal(db_prepare(db, sql, &stmt, NULL), 0);
    db_bind_i64(stmt, 1, 1);
    assert_int_equal(db_exec(stmt, NULL), 0);
    assert_int_equal(db_changes(db), 2);
    db_stmt_done(&stmt);
    commit(db);
    db_close(&db);
}

static void test_constraint_fails_the_statement_and_not_the_transaction(void **state)
{
    struct db *db = given_db(*state);

    begin(db, DB_WRITE);
    must_insert(db, 1, "one");
    assert_int_equal(insert(db, 2, "one", NULL), -ERR_CONSTRAINT);
    assert_int_equal(insert(db, 1, "two", NULL), -ERR_CONSTRAINT);
    must_insert(db, 3, "three");
    commit(db);
    assert_int_equal(count(db), 2);
    db_close(&db);
}

static void test_an_iteration_may_be_left_early(void **state)
{
    struct db *db = given_db(*state);
    struct db_stmt *stmt = NULL;

    begin(db, DB_WRITE);
    must_insert(db, 1, "one");
    must_insert(db, 2, "two");
    assert_int_equal(db_prepare(db, all_sql, &stmt, NULL), 0);
    assert_int_equal(db_step(stmt, NULL), 1);
    db_stmt_done(&stmt);
    commit(db);
    db_close(&db);
}

static void test_wrong_sql_is_an_internal_error(void **state)
{
    static const char sql[] = "SELECT nothing FROM nowhere";
    struct db *db = given_db(*state);
    struct db_stmt *stmt = NULL;

    assert_int_equal(db_prepare(db, sql, &stmt, NULL), -ERR_INTERNAL);
    assert_null(stmt);
    db_close(&db);
}

/* ---- transactions ---- */

static void test_rollback_undoes_and_is_always_allowed(void **state)
{
    struct db *db = given_db(*state);

    db_rollback(db);
    begin(db, DB_WRITE);
    assert_true(db_in_tx(db));
    must_insert(db, 1, "one");
    db_rollback(db);
    assert_false(db_in_tx(db));
    db_rollback(db);
    assert_int_equal(count(db), 0);
    db_close(&db);
}

static void test_rollback_in_the_middle_of_rows(void **state)
{
    struct db *db = given_db(*state);
    struct db_stmt *stmt = NULL;

    begin(db, DB_WRITE);
    must_insert(db, 1, "one");
    must_insert(db, 2, "two");
    assert_int_equal(db_prepare(db, all_sql, &stmt, NULL), 0);
    assert_int_equal(db_step(stmt, NULL), 1);
    db_rollback(db);
    db_stmt_done(&stmt);
    assert_int_equal(count(db), 0);
    begin(db, DB_WRITE);
    must_insert(db, 1, "one");
    commit(db);
    db_close(&db);
}

static void test_savepoint_undoes_its_part_alone(void **state)
{
    struct db *db = given_db(*state);

    begin(db, DB_WRITE);
    must_insert(db, 1, "before");
    assert_int_equal(db_savepoint(db, NULL), 0);
    must_insert(db, 2, "undone");
    assert_int_equal(db_savepoint_rollback(db, NULL), 0);
    assert_int_equal(db_savepoint(db, NULL), 0);
    must_insert(db, 3, "kept");
    assert_int_equal(db_savepoint_release(db, NULL), 0);
    commit(db);
    assert_int_equal(count(db), 2);
    db_close(&db);
}

static void test_savepoints_lie_within_each_other(void **state)
{
    static const char *const names[DB_SAVEPOINT_DEPTH] = {"first", "second", "third", "fourth"};
    struct db *db = given_db(*state);
    unsigned level;

    begin(db, DB_WRITE);
    for (level = 0; level < DB_SAVEPOINT_DEPTH; level++) {
        assert_int_equal(db_savepoint(db, NULL), 0);
        must_insert(db, level + 1, names[level]);
    }
    assert_int_equal(db_savepoint_rollback(db, NULL), 0); /* 4 goes */
    assert_int_equal(db_savepoint_release(db, NULL), 0);  /* 3 stays with 2 */
    assert_int_equal(count(db), DB_SAVEPOINT_DEPTH - 1);
    assert_int_equal(db_savepoint(db, NULL), 0);
    must_insert(db, 9, "kept within an undone part");
    assert_int_equal(db_savepoint_release(db, NULL), 0);
    assert_int_equal(db_savepoint_rollback(db, NULL), 0); /* 2, and all that it had kept */
    assert_int_equal(count(db), 1);
    assert_int_equal(db_savepoint_release(db, NULL), 0);
    commit(db);
    assert_int_equal(count(db), 1);
    db_close(&db);
}

static void test_rollback_with_open_savepoints_within_each_other(void **state)
{
    struct db *db = given_db(*state);

    begin(db, DB_WRITE);
    assert_int_equal(db_savepoint(db, NULL), 0);
    assert_int_equal(db_savepoint(db, NULL), 0);
    must_insert(db, 1, "one");
    db_rollback(db);
    begin(db, DB_WRITE);
    assert_int_equal(count(db), 0);
    commit(db);
    db_close(&db);
}

static void test_rollback_with_an_open_savepoint(void **state)
{
    struct db *db = given_db(*state);

    begin(db, DB_WRITE);
    assert_int_equal(db_savepoint(db, NULL), 0);
    must_insert(db, 1, "one");
    db_rollback(db);
    begin(db, DB_WRITE);
    must_insert(db, 1, "one");
    commit(db);
    assert_int_equal(count(db), 1);
    db_close(&db);
}

static void test_close_in_a_transaction_rolls_back(void **state)
{
    struct db *db = given_db(*state);

    begin(db, DB_WRITE);
    must_insert(db, 1, "one");
    db_close(&db);
    db = given_db(*state);
    assert_int_equal(count(db), 0);
    db_close(&db);
}

static void test_a_reader_sees_one_snapshot(void **state)
{
    struct db *reader = given_db(*state), *writer = given_db(*state);

    begin(reader, DB_READ);
    assert_int_equal(count(reader), 0);
    begin(writer, DB_WRITE);
    must_insert(writer, 1, "one");
    commit(writer);
    assert_int_equal(count(reader), 0);
    commit(reader);
    begin(reader, DB_READ);
    assert_int_equal(count(reader), 1);
    db_rollback(reader);
    db_close(&reader);
    db_close(&writer);
}

static void test_a_second_writer_is_told_busy(void **state)
{
    struct db *a = given_db(*state), *b = given_db(*state);

    begin(a, DB_WRITE);
    assert_int_equal(db_begin(b, DB_WRITE, NULL), -ERR_STORE_BUSY);
    assert_false(db_in_tx(b));
    commit(a);
    begin(b, DB_WRITE);
    commit(b);
    db_close(&a);
    db_close(&b);
}

#define CONTRACT(fn)                                                                               \
    {                                                                                              \
#fn, fn, setup, teardown, NULL                                                             \
    }

static struct CMUnitTest contract[] = {
    CONTRACT(test_absent_file_is_an_error_unless_create),
    CONTRACT(test_what_was_committed_is_there_after_reopening),
    CONTRACT(test_newer_schema_is_refused_and_untouched),
    CONTRACT(test_failed_migration_leaves_the_old_version),
    CONTRACT(test_old_database_is_brought_up),
    CONTRACT(test_read_only_refuses_writes_and_migrations),
    CONTRACT(test_a_file_that_is_no_database_is_corrupt),
    CONTRACT(test_values_come_back_as_bound),
    CONTRACT(test_null_and_empty_differ),
    CONTRACT(test_a_statement_is_prepared_once_and_comes_back_clean),
    CONTRACT(test_many_statements_are_all_kept),
    CONTRACT(test_changes_counts_rows),
    CONTRACT(test_constraint_fails_the_statement_and_not_the_transaction),
    CONTRACT(test_an_iteration_may_be_left_early),
    CONTRACT(test_wrong_sql_is_an_internal_error),
    CONTRACT(test_rollback_undoes_and_is_always_allowed),
    CONTRACT(test_rollback_in_the_middle_of_rows),
    CONTRACT(test_savepoint_undoes_its_part_alone),
    CONTRACT(test_savepoints_lie_within_each_other),
    CONTRACT(test_rollback_with_an_open_savepoint),
    CONTRACT(test_rollback_with_open_savepoints_within_each_other),
    CONTRACT(test_close_in_a_transaction_rolls_back),
    CONTRACT(test_a_reader_sees_one_snapshot),
    CONTRACT(test_a_second_writer_is_told_busy),
};

/* The contract once for each engine, under names that tell which. */
int main(void)
{
    static struct CMUnitTest tests[ARRAY_LEN(engines) * ARRAY_LEN(contract)];
    static char names[ARRAY_LEN(tests)][128];
    size_t e, i, n = 0;

    for (e = 0; e < ARRAY_LEN(engines); e++) {
        for (i = 0; i < ARRAY_LEN(contract); i++, n++) {
            tests[n] = contract[i];
            tests[n].initial_state = (void *)(uintptr_t)&engines[e];
            snprintf(names[n], sizeof(names[n]), "%s: %s", engines[e].name, contract[i].name);
            tests[n].name = names[n];
        }
    }
    return cmocka_run_group_tests_name("db contract", tests, NULL, NULL);
}
