/* The decorators, and what db.c makes of failures that no real engine shows on request. */
#include "base/err.h"
#include "db/db.h"
#include "db/decorate.h"
#include "support/tmpdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const migrations[] = {"CREATE TABLE t (id BIGINT PRIMARY KEY)",
                                         "CREATE TABLE u (id BIGINT PRIMARY KEY)"};
static const char insert_sql[] = "INSERT INTO t (id) VALUES ($1)";
static const char count_sql[] = "SELECT count(*) FROM t";

struct fixture {
    struct tmpdir dir;
    char path[80];
    struct db *db;
    struct db_fault fault;
    struct db_trace trace;
    enum db_call calls[64];
    int results[64];
    size_t call_count;
};

static struct db *wrap_in_fault(struct db *inner, void *ctx)
{
    return db_fault_new(inner, ctx);
}

static void note(struct db_trace *trace, enum db_call call, const char *sql, int rc)
{
    struct fixture *f = (struct fixture *)((char *)trace - offsetof(struct fixture, trace));

    (void)sql;
    assert_true(f->call_count < ARRAY_LEN(f->calls));
    f->calls[f->call_count] = call;
    f->results[f->call_count++] = rc;
}

static struct db *wrap_in_trace(struct db *inner, void *ctx)
{
    return db_trace_new(inner, ctx);
}

static int open_db(struct fixture *f, unsigned versions)
{
    struct db_options options = {
        .path = f->path, .create = true, .migrations = migrations, .migration_count = versions};

    return db_open(&options, &f->db, NULL);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    tmpdir_make(&f->dir);
    snprintf(f->path, sizeof(f->path), "%s/t.db", f->dir.path);
    db_decorate_all(wrap_in_fault, &f->fault);
    assert_int_equal(open_db(f, 1), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    db_decorate_all(NULL, NULL);
    db_close(&f->db);
    tmpdir_remove(&f->dir);
    free(f);
    return 0;
}

static int insert(struct fixture *f, int64_t id)
{
    AUTO(db_stmt) stmt = NULL;

    TRY(db_prepare(f->db, insert_sql, &stmt, NULL));
    db_bind_i64(stmt, 1, id);
    return db_exec(stmt, NULL);
}

static int64_t count(struct fixture *f)
{
    AUTO(db_stmt) stmt = NULL;

    assert_int_equal(db_prepare(f->db, count_sql, &stmt, NULL), 0);
    assert_int_equal(db_step(stmt, NULL), 1);
    return db_col_i64(stmt, 0);
}

static void next_fails(struct fixture *f, enum db_call call, enum err_kind kind)
{
    f->fault = (struct db_fault){.nth = 1, .kind = kind, .only_one_call = true, .call = call};
}

static void test_a_failed_begin_leaves_no_transaction(void **state)
{
    struct fixture *f = *state;

    next_fails(f, DB_CALL_BEGIN, ERR_STORE_BUSY);
    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), -ERR_STORE_BUSY);
    assert_false(db_in_tx(f->db));
    next_fails(f, DB_CALL_BEGIN, ERR_STORE_BUSY);
    f->fault.after = true;
    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), -ERR_STORE_BUSY);
    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    db_rollback(f->db);
}

static void test_a_failed_commit_is_rolled_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    assert_int_equal(insert(f, 1), 0);
    next_fails(f, DB_CALL_COMMIT, ERR_STORE_FULL);
    assert_int_equal(db_commit(f->db, NULL), -ERR_STORE_FULL);
    assert_false(db_in_tx(f->db));
    assert_int_equal(count(f), 0);
}

static void test_a_lost_answer_to_commit_may_have_committed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    assert_int_equal(insert(f, 1), 0);
    next_fails(f, DB_CALL_COMMIT, ERR_OUTCOME_UNKNOWN);
    f->fault.after = true;
    assert_int_equal(db_commit(f->db, NULL), -ERR_OUTCOME_UNKNOWN);
    assert_false(db_in_tx(f->db));
    assert_int_equal(count(f), 1);
}

/* SQLite does that when the disk is full; what follows must not be committed statement by statement. */
static void test_a_transaction_that_the_engine_ended_refuses_all_that_follows(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    assert_int_equal(insert(f, 1), 0);
    next_fails(f, DB_CALL_STEP, ERR_STORE_FULL);
    f->fault.ends_tx = true;
    assert_int_equal(insert(f, 2), -ERR_STORE_FULL);
    assert_true(db_in_tx(f->db));
    assert_int_equal(insert(f, 3), -ERR_STORE_FULL);
    assert_int_equal(db_savepoint(f->db, NULL), -ERR_STORE_FULL);
    assert_int_equal(db_commit(f->db, NULL), -ERR_STORE_FULL);
    assert_false(db_in_tx(f->db));
    assert_int_equal(count(f), 0);
    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    assert_int_equal(insert(f, 4), 0);
    assert_int_equal(db_commit(f->db, NULL), 0);
    assert_int_equal(count(f), 1);
}

static void test_a_failed_step_leaves_the_rest_of_the_transaction(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    assert_int_equal(insert(f, 1), 0);
    next_fails(f, DB_CALL_STEP, ERR_IO);
    assert_int_equal(insert(f, 2), -ERR_IO);
    assert_int_equal(insert(f, 3), 0);
    assert_int_equal(db_commit(f->db, NULL), 0);
    assert_int_equal(count(f), 2);
}

static void test_a_failed_prepare_is_tried_again_next_time(void **state)
{
    struct fixture *f = *state;
    bool after;

    for (after = false;; after = true) {
        next_fails(f, DB_CALL_PREPARE, ERR_IO);
        f->fault.after = after;
        assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
        assert_int_equal(insert(f, 1), -ERR_IO);
        db_rollback(f->db);
        if (after) {
            break;
        }
    }
    assert_int_equal(count(f), 0);
}

static void test_a_failed_savepoint_can_be_rolled_back_whole(void **state)
{
    static const enum db_call calls[] = {DB_CALL_SAVEPOINT, DB_CALL_SAVEPOINT_RELEASE,
                                         DB_CALL_SAVEPOINT_ROLLBACK};
    struct fixture *f = *state;
    size_t i;

    for (i = 0; i < ARRAY_LEN(calls); i++) {
        int rc;

        assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
        next_fails(f, calls[i], ERR_IO);
        rc = db_savepoint(f->db, NULL);
        if (rc == 0) {
            assert_int_equal(insert(f, 1), 0);
            rc = i == 1 ? db_savepoint_release(f->db, NULL) : db_savepoint_rollback(f->db, NULL);
        }
        assert_int_equal(rc, -ERR_IO);
        db_rollback(f->db);
        assert_int_equal(count(f), 0);
    }
}

/* Stopped at each step of a migration, the old version is there and the next opening does the rest. */
static void test_a_migration_may_stop_anywhere(void **state)
{
    static const char probe_sql[] = "SELECT count(*) FROM u";
    struct fixture *f = *state;
    struct db_stmt *stmt = NULL;
    unsigned nth;
    int rc;

    for (nth = 1;; nth++) {
        db_close(&f->db);
        f->fault = (struct db_fault){.nth = nth, .kind = ERR_IO};
        rc = open_db(f, 2);
        if (!f->fault.fired) {
            break;
        }
        assert_int_equal(rc, -ERR_IO);
        f->fault = (struct db_fault){0};
        assert_int_equal(open_db(f, 1), 0);
        assert_true(db_prepare(f->db, probe_sql, &stmt, NULL) < 0);
    }
    assert_int_equal(nth, 4); /* begin, migrate, commit */
    assert_int_equal(rc, 0);
    f->fault = (struct db_fault){0};
    assert_int_equal(db_prepare(f->db, probe_sql, &stmt, NULL), 0);
    db_stmt_done(&stmt);
}

static void test_trace_tells_each_call_and_its_result(void **state)
{
    static const enum db_call expected[] = {DB_CALL_BEGIN,    DB_CALL_PREPARE,
                                            DB_CALL_STEP,     DB_CALL_SAVEPOINT,
                                            DB_CALL_STEP,     DB_CALL_SAVEPOINT_ROLLBACK,
                                            DB_CALL_COMMIT,   DB_CALL_BEGIN,
                                            DB_CALL_ROLLBACK, DB_CALL_CLOSE};
    struct fixture *f = *state;
    size_t i;

    db_close(&f->db);
    f->trace.called = note;
    db_decorate_all(wrap_in_trace, &f->trace);
    assert_int_equal(open_db(f, 1), 0);
    assert_int_equal(db_begin(f->db, DB_WRITE, NULL), 0);
    assert_int_equal(insert(f, 1), 0);
    assert_int_equal(db_savepoint(f->db, NULL), 0);
    assert_int_equal(insert(f, 1), -ERR_CONSTRAINT);
    assert_int_equal(db_savepoint_rollback(f->db, NULL), 0);
    assert_int_equal(db_commit(f->db, NULL), 0);
    assert_int_equal(db_begin(f->db, DB_READ, NULL), 0);
    db_rollback(f->db);
    db_close(&f->db);
    assert_int_equal(f->call_count, ARRAY_LEN(expected));
    for (i = 0; i < ARRAY_LEN(expected); i++) {
        assert_string_equal(db_call_name(f->calls[i]), db_call_name(expected[i]));
        assert_int_equal(f->results[i], i == 4 ? -ERR_CONSTRAINT : 0);
    }
}

#define DECORATE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DECORATE_TEST(test_a_failed_begin_leaves_no_transaction),
        DECORATE_TEST(test_a_failed_commit_is_rolled_back),
        DECORATE_TEST(test_a_lost_answer_to_commit_may_have_committed),
        DECORATE_TEST(test_a_transaction_that_the_engine_ended_refuses_all_that_follows),
        DECORATE_TEST(test_a_failed_step_leaves_the_rest_of_the_transaction),
        DECORATE_TEST(test_a_failed_prepare_is_tried_again_next_time),
        DECORATE_TEST(test_a_failed_savepoint_can_be_rolled_back_whole),
        DECORATE_TEST(test_a_migration_may_stop_anywhere),
        DECORATE_TEST(test_trace_tells_each_call_and_its_result),
    };

    return cmocka_run_group_tests_name("decorate", tests, NULL, NULL);
}
