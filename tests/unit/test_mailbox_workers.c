#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/db.h"
#include "db/decorate.h"
#include "mailbox/limits.h"
#include "mailbox/mailbox.h"
#include "mailbox/store.h"
#include "mailbox/workers.h"
#include "support/tmpdir.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the fixture: a store of a few mailboxes, and a count of the commits of all its databases ---- */

#define MAILBOXES 4

struct fixture {
    struct tmpdir dir;
    struct store *store;
    struct workers *workers;
    struct mailbox_no no[MAILBOXES];
    /* The gate: a job that waits here holds its worker until the test opens it. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned at_gate, done;
    bool open;
};

static atomic_uint commits, savepoints;

static void count_call(struct db_trace *trace, enum db_call call, const char *sql, int rc)
{
    (void)trace;
    (void)sql;
    if (call == DB_CALL_COMMIT && rc == 0) {
        atomic_fetch_add(&commits, 1);
    }
    if (call == DB_CALL_SAVEPOINT) {
        atomic_fetch_add(&savepoints, 1);
    }
}

static struct db_trace counting = {count_call};

static struct db *wrap_in_count(struct db *inner, void *ctx)
{
    return db_trace_new(inner, ctx);
}

static void given_workers(struct fixture *f, unsigned threads, unsigned max_queued)
{
    struct workers_options options = {
        .store = f->store, .threads = threads, .max_queued_jobs = max_queued};

    assert_int_equal(workers_new(&options, &f->workers, NULL), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct store_options options = {.dir = f->dir.path, .create = true, .clock = clock_system()};
    size_t i;

    tmpdir_make(&f->dir);
    db_decorate_all(wrap_in_count, &counting);
    assert_int_equal(store_open(&options, &f->store, NULL), 0);
    for (i = 0; i < MAILBOXES; i++) {
        char address[16];
        struct user user = {0};

        snprintf(address, sizeof(address), "u%zu@x", i);
        user.address = str_from(address);
        assert_int_equal(store_user_add(f->store, &user, &f->no[i], NULL), 0);
    }
    pthread_mutex_init(&f->mutex, NULL);
    pthread_cond_init(&f->changed, NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    workers_free(&f->workers);
    store_close(&f->store);
    db_decorate_all(NULL, NULL);
    tmpdir_remove(&f->dir);
    pthread_mutex_destroy(&f->mutex);
    pthread_cond_destroy(&f->changed);
    free(f);
    return 0;
}

/* ---- jobs ---- */

struct test_job {
    struct mailbox_job job;
    struct fixture *fixture;
    const char *folder; /* created by a write, when set */
    bool fails;         /* after it created the folder */
    bool waits;         /* at the gate */
    unsigned done_count;
    int rc;
    enum err_kind kind;
    unsigned order; /* position among all that are done */
};

static void wait_at_gate(struct fixture *f)
{
    pthread_mutex_lock(&f->mutex);
    f->at_gate++;
    pthread_cond_broadcast(&f->changed);
    while (!f->open) {
        pthread_cond_wait(&f->changed, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
}

static int create_folder(struct mailbox_tx *tx, const char *name, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "job");
    struct folder root;
    struct folder_draft draft = {.name = str_from(name), .folder_class = STR("IPF.Note")};
    struct folder_id id;

    TRY(mailbox_folder_by_distinguished(tx, DF_MSGFOLDERROOT, arena, &root, err_r));
    draft.parent = root.id;
    return mailbox_folder_create(tx, &draft, &id, err_r);
}

static int job_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct test_job *t = (struct test_job *)job;

    if (t->waits) {
        wait_at_gate(t->fixture);
    }
    if (t->folder != NULL) {
        TRY(create_folder(tx, t->folder, err_r));
    }
    return t->fails ? err_set(err_r, ERR_QUOTA, "as asked") : 0;
}

static void job_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct test_job *t = (struct test_job *)job;
    struct fixture *f = t->fixture;

    pthread_mutex_lock(&f->mutex);
    t->done_count++;
    t->rc = rc;
    t->kind = err->kind;
    t->order = f->done++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static struct test_job job_of(struct fixture *f, size_t mailbox, bool write)
{
    return (struct test_job){
        .job = {.mailbox = f->no[mailbox], .write = write, .run = job_run, .done = job_done},
        .fixture = f};
}

static struct test_job writer(struct fixture *f, size_t mailbox, const char *folder)
{
    struct test_job t = job_of(f, mailbox, true);

    t.folder = folder;
    return t;
}

static struct test_job waiter(struct fixture *f, size_t mailbox)
{
    struct test_job t = job_of(f, mailbox, false);

    t.waits = true;
    return t;
}

static void submit(struct test_job *t)
{
    workers_submit(t->fixture->workers, &t->job);
}

static void wait_until(struct fixture *f, const unsigned *counter, unsigned n)
{
    pthread_mutex_lock(&f->mutex);
    while (*counter < n) {
        pthread_cond_wait(&f->changed, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
}

/* Everything submitted to the mailbox while it is held ends up in one batch. */
static void hold(struct fixture *f, struct test_job *gate)
{
    submit(gate);
    wait_until(f, &f->at_gate, 1);
}

static void open_gate(struct fixture *f)
{
    pthread_mutex_lock(&f->mutex);
    f->open = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static void finish(struct fixture *f)
{
    workers_free(&f->workers);
}

static bool has_folder(struct fixture *f, size_t mailbox, const char *name)
{
    AUTO(arena) arena = arena_new(NULL, "test");
    struct mailbox *m;
    struct folder root, found;
    int rc;

    assert_int_equal(store_mailbox_take(f->store, f->no[mailbox], &m, NULL), 0);
    {
        AUTO(mailbox_tx) tx = NULL;

        assert_int_equal(mailbox_tx_begin(m, MAILBOX_TX_READ, &tx, NULL), 0);
        assert_int_equal(mailbox_folder_by_distinguished(tx, DF_MSGFOLDERROOT, arena, &root, NULL),
                         1);
        rc = mailbox_folder_by_name(tx, root.id, str_from(name), arena, &found, NULL);
        assert_true(rc >= 0);
        assert_int_equal(mailbox_check(tx, NULL), 0);
    }
    store_mailbox_release(f->store, &m);
    return rc == 1;
}

/* ---- tests ---- */

static void test_a_write_is_kept_and_answered_once(void **state)
{
    struct fixture *f = *state;
    struct test_job t = writer(f, 0, "new");

    given_workers(f, 0, 0);
    submit(&t);
    finish(f);
    assert_int_equal(t.done_count, 1);
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.kind, ERR_NONE);
    assert_true(has_folder(f, 0, "new"));
}

static void test_a_failed_write_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct test_job t = writer(f, 0, "new");

    given_workers(f, 0, 0);
    t.fails = true;
    submit(&t);
    finish(f);
    assert_int_equal(t.done_count, 1);
    assert_int_equal(t.rc, -ERR_QUOTA);
    assert_int_equal(t.kind, ERR_QUOTA);
    assert_false(has_folder(f, 0, "new"));
}

static void test_a_job_alone_takes_no_savepoint(void **state)
{
    struct fixture *f = *state;
    struct test_job t = writer(f, 0, "new");

    given_workers(f, 0, 0);
    atomic_store(&savepoints, 0);
    submit(&t);
    finish(f);
    assert_int_equal(t.rc, 0);
    assert_int_equal(atomic_load(&savepoints), 0);
}

static void test_consecutive_writes_share_one_commit(void **state)
{
    static char names[10][8];
    struct fixture *f = *state;
    struct test_job gate = waiter(f, 0), jobs[ARRAY_LEN(names)];
    size_t i;

    given_workers(f, 0, 0);
    hold(f, &gate);
    for (i = 0; i < ARRAY_LEN(jobs); i++) {
        snprintf(names[i], sizeof(names[i]), "f%zu", i);
        jobs[i] = writer(f, 0, names[i]);
        submit(&jobs[i]);
    }
    atomic_store(&commits, 0);
    open_gate(f);
    finish(f);
    assert_int_equal(atomic_load(&commits), 2); /* the gate's read transaction, and one for all */
    for (i = 0; i < ARRAY_LEN(jobs); i++) {
        assert_int_equal(jobs[i].done_count, 1);
        assert_int_equal(jobs[i].rc, 0);
        assert_true(has_folder(f, 0, names[i]));
    }
}

static void test_a_failed_part_undoes_itself_alone(void **state)
{
    struct fixture *f = *state;
    struct test_job gate = waiter(f, 0), a = writer(f, 0, "a"), b = writer(f, 0, "b"),
                    c = writer(f, 0, "c");

    given_workers(f, 0, 0);
    hold(f, &gate);
    b.fails = true;
    submit(&a);
    submit(&b);
    submit(&c);
    open_gate(f);
    finish(f);
    assert_int_equal(a.rc, 0);
    assert_int_equal(b.rc, -ERR_QUOTA);
    assert_int_equal(c.rc, 0);
    assert_true(has_folder(f, 0, "a"));
    assert_false(has_folder(f, 0, "b"));
    assert_true(has_folder(f, 0, "c"));
}

static struct db_fault fault;

static struct db *wrap_in_fault(struct db *inner, void *ctx)
{
    return db_fault_new(inner, ctx);
}

/* The mailboxes are opened anew, under the fault. */
static void given_fault(struct fixture *f, enum db_call call, enum err_kind kind)
{
    struct store_options options = {.dir = f->dir.path, .clock = clock_system()};

    store_close(&f->store);
    fault = (struct db_fault){.kind = kind, .only_one_call = true, .call = call};
    db_decorate_all(wrap_in_fault, &fault);
    assert_int_equal(store_open(&options, &f->store, NULL), 0);
}

static void run_three_with_fault(struct fixture *f, struct test_job *jobs, unsigned nth)
{
    struct test_job gate = waiter(f, 0);
    size_t i;

    given_workers(f, 1, 0);
    hold(f, &gate);
    for (i = 0; i < 3; i++) {
        submit(&jobs[i]);
    }
    fault.nth = fault.calls + nth;
    open_gate(f);
    finish(f);
    assert_true(fault.fired);
    assert_int_equal(gate.rc, 0);
}

static void test_a_failed_commit_fails_all_who_shared_it(void **state)
{
    struct fixture *f = *state;
    struct test_job jobs[] = {writer(f, 0, "a"), writer(f, 0, "b"), writer(f, 0, "c")};

    jobs[1].fails = true;
    given_fault(f, DB_CALL_COMMIT, ERR_STORE_FULL);
    run_three_with_fault(f, jobs, 2);
    assert_int_equal(jobs[0].rc, -ERR_STORE_FULL);
    assert_int_equal(jobs[0].kind, ERR_STORE_FULL);
    assert_int_equal(jobs[1].rc, -ERR_QUOTA); /* its own reason */
    assert_int_equal(jobs[2].rc, -ERR_STORE_FULL);
    assert_false(has_folder(f, 0, "a"));
    assert_false(has_folder(f, 0, "c"));
}

static void test_a_part_that_cannot_be_undone_fails_all(void **state)
{
    struct fixture *f = *state;
    struct test_job jobs[] = {writer(f, 0, "a"), writer(f, 0, "b"), writer(f, 0, "c")};

    jobs[1].fails = true;
    given_fault(f, DB_CALL_SAVEPOINT_ROLLBACK, ERR_IO);
    run_three_with_fault(f, jobs, 1);
    assert_int_equal(jobs[0].rc, -ERR_IO);
    assert_int_equal(jobs[1].rc, -ERR_QUOTA);
    assert_int_equal(jobs[2].rc, -ERR_IO);
    assert_int_equal(jobs[2].done_count, 1);
    assert_false(has_folder(f, 0, "a"));
}

static void test_reads_see_the_writes_before_them(void **state)
{
    struct fixture *f = *state;
    struct test_job gate = waiter(f, 0), w1 = writer(f, 0, "a"), r = job_of(f, 0, false),
                    w2 = writer(f, 0, "a");

    given_workers(f, 0, 0);
    hold(f, &gate);
    submit(&w1);
    submit(&r);
    submit(&w2); /* the name is taken: the first write stands before */
    open_gate(f);
    finish(f);
    assert_int_equal(w1.rc, 0);
    assert_int_equal(r.rc, 0);
    assert_int_equal(w2.rc, -ERR_FOLDER_EXISTS);
    assert_true(gate.order < w1.order && w1.order < r.order && r.order < w2.order);
}

static void test_a_full_queue_answers_busy_and_not_from_submit(void **state)
{
    struct fixture *f = *state;
    struct test_job gate = waiter(f, 0), jobs[3], other = job_of(f, 1, false);
    size_t i;

    given_workers(f, 2, 2);
    hold(f, &gate);
    pthread_mutex_lock(&f->mutex); /* a done from inside submit would stand still here */
    for (i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i] = job_of(f, 0, false);
        submit(&jobs[i]);
    }
    pthread_mutex_unlock(&f->mutex);
    wait_until(f, &f->done, 1);
    assert_int_equal(jobs[2].rc, -ERR_BUSY);
    assert_int_equal(jobs[2].kind, ERR_BUSY);
    submit(&other); /* the other mailboxes have room */
    wait_until(f, &f->done, 2);
    assert_int_equal(other.rc, 0);
    open_gate(f);
    finish(f);
    assert_int_equal(jobs[0].rc, 0);
    assert_int_equal(jobs[1].rc, 0);
}

static void test_an_unknown_mailbox_is_told(void **state)
{
    struct fixture *f = *state;
    struct test_job jobs[2] = {job_of(f, 0, false), writer(f, 0, "a")};
    size_t i;

    given_workers(f, 0, 0);
    for (i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i].job.mailbox.v = 4711;
        submit(&jobs[i]);
    }
    finish(f);
    assert_int_equal(jobs[0].rc, -ERR_NO_SUCH_MAILBOX);
    assert_int_equal(jobs[1].rc, -ERR_NO_SUCH_MAILBOX);
}

static void test_one_held_mailbox_holds_no_other(void **state)
{
    struct fixture *f = *state;
    struct test_job gate = waiter(f, 0), other = writer(f, 1, "a");

    given_workers(f, 2, 0);
    hold(f, &gate);
    submit(&other);
    wait_until(f, &f->done, 1);
    assert_int_equal(other.done_count, 1);
    open_gate(f);
    finish(f);
}

static void test_a_long_queue_lets_others_in_between(void **state)
{
    struct fixture *f = *state;
    struct test_job gate = waiter(f, 0), jobs[WORKERS_BATCH_JOBS * 3], other = job_of(f, 1, false);
    size_t i;

    given_workers(f, 1, 0);
    hold(f, &gate);
    for (i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i] = job_of(f, 0, false);
        submit(&jobs[i]);
    }
    submit(&other);
    open_gate(f);
    finish(f);
    assert_true(other.order <= 1 + WORKERS_BATCH_JOBS);
    assert_true(jobs[ARRAY_LEN(jobs) - 1].order > other.order);
}

static void test_stopping_finishes_what_was_submitted(void **state)
{
    struct fixture *f = *state;
    struct test_job jobs[100];
    size_t i;

    given_workers(f, 2, 0);
    for (i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i] = job_of(f, i % MAILBOXES, i % 3 == 0);
        submit(&jobs[i]);
    }
    finish(f);
    for (i = 0; i < ARRAY_LEN(jobs); i++) {
        assert_int_equal(jobs[i].done_count, 1);
        assert_int_equal(jobs[i].rc, 0);
    }
}

/* Submits itself again until it is refused. */
static void again_done(struct mailbox_job *job, int rc, const struct err *err)
{
    if (rc == 0) {
        workers_submit(((struct test_job *)job)->fixture->workers, job);
    } else {
        job_done(job, rc, err);
    }
}

static void test_a_job_submitted_while_stopping_is_refused(void **state)
{
    struct fixture *f = *state;
    struct test_job t = job_of(f, 0, false);
    struct workers *workers;

    given_workers(f, 2, 0);
    t.job.done = again_done;
    submit(&t);
    workers = f->workers;
    workers_free(&workers);
    f->workers = NULL;
    assert_int_equal(t.done_count, 1);
    assert_int_equal(t.rc, -ERR_SHUTTING_DOWN);
    assert_int_equal(t.kind, ERR_SHUTTING_DOWN);
}

/* ---- many threads ---- */

#define SUBMITTERS 4
#define JOBS_EACH 200

struct submitter {
    struct fixture *fixture;
    struct test_job jobs[JOBS_EACH];
};

static void *submit_many(void *arg)
{
    struct submitter *s = arg;
    size_t i;

    for (i = 0; i < JOBS_EACH; i++) {
        s->jobs[i] = job_of(s->fixture, i % MAILBOXES, i % 5 == 0);
        submit(&s->jobs[i]);
    }
    return NULL;
}

static void test_many_threads_keep_the_order_of_each_mailbox(void **state)
{
    struct fixture *f = *state;
    struct submitter *s = calloc(SUBMITTERS, sizeof(*s));
    pthread_t threads[SUBMITTERS];
    size_t t, i;

    given_workers(f, 4, 100000);
    for (t = 0; t < SUBMITTERS; t++) {
        s[t].fixture = f;
        assert_int_equal(pthread_create(&threads[t], NULL, submit_many, &s[t]), 0);
    }
    for (t = 0; t < SUBMITTERS; t++) {
        pthread_join(threads[t], NULL);
    }
    finish(f);
    assert_int_equal(f->done, SUBMITTERS * JOBS_EACH);
    for (t = 0; t < SUBMITTERS; t++) {
        for (i = 0; i < JOBS_EACH; i++) {
            assert_int_equal(s[t].jobs[i].done_count, 1);
            assert_int_equal(s[t].jobs[i].rc, 0);
            assert_true(i < MAILBOXES || s[t].jobs[i].order > s[t].jobs[i - MAILBOXES].order);
        }
    }
    free(s);
}

/* ---- reads on the caller's thread ---- */

static void test_a_read_runs_here_when_the_mailbox_is_free(void **state)
{
    struct fixture *f = *state;
    struct test_job t = job_of(f, 0, false);

    given_workers(f, 1, 0);
    assert_true(workers_run_here(f->workers, &t.job));
    assert_int_equal(t.done_count, 1);
    assert_int_equal(t.rc, 0);
    finish(f);
}

static void test_a_read_does_not_run_here_beside_a_worker(void **state)
{
    struct fixture *f = *state;
    struct test_job gate = waiter(f, 0), t = job_of(f, 0, false);

    given_workers(f, 1, 0);
    hold(f, &gate);
    assert_false(workers_run_here(f->workers, &t.job));
    assert_int_equal(t.done_count, 0);
    open_gate(f);
    finish(f);
}

/* A read whose run submits a write to its own mailbox: it must wait until the read is over. */
struct reader {
    struct mailbox_job job;
    struct test_job *behind;
    bool too_early;
};

static int read_and_submit(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct reader *r = (struct reader *)job;

    (void)tx;
    (void)err_r;
    submit(r->behind);
    return 0;
}

static void read_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct reader *r = (struct reader *)job;

    (void)rc;
    (void)err;
    r->too_early = r->behind->done_count != 0;
}

static void test_what_comes_during_a_read_here_follows_it(void **state)
{
    struct fixture *f = *state;
    struct test_job behind = writer(f, 0, "after");
    struct reader r = {.job = {.mailbox = f->no[0], .run = read_and_submit, .done = read_done},
                       .behind = &behind};

    given_workers(f, 1, 0);
    assert_true(workers_run_here(f->workers, &r.job));
    assert_false(r.too_early);
    wait_until(f, &f->done, 1);
    finish(f);
    assert_int_equal(behind.rc, 0);
    assert_true(has_folder(f, 0, "after"));
}

static void test_a_read_here_of_an_unknown_mailbox_is_told(void **state)
{
    struct fixture *f = *state;
    struct test_job t = job_of(f, 0, false);

    t.job.mailbox.v = 999;
    given_workers(f, 1, 0);
    assert_true(workers_run_here(f->workers, &t.job));
    assert_int_equal(t.kind, ERR_NO_SUCH_MAILBOX);
    finish(f);
}

#define WORKERS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

struct woken {
    pthread_mutex_t *mutex;
    unsigned n;
    struct mailbox_no last;
};

static void note_wake(void *context, struct mailbox_no no)
{
    struct woken *woken = context;

    pthread_mutex_lock(woken->mutex);
    woken->n++;
    woken->last = no;
    pthread_mutex_unlock(woken->mutex);
}

static void test_a_commit_that_changed_something_wakes_once(void **state)
{
    struct fixture *f = *state;
    struct woken woken = {.mutex = &f->mutex};
    const struct workers_hook hook = {&woken, note_wake};
    struct test_job gate = waiter(f, 1), a = writer(f, 1, "a"), b = writer(f, 1, "b"),
                    nothing = job_of(f, 2, true), failed = writer(f, 3, "c"),
                    read = job_of(f, 0, false);

    failed.fails = true;
    given_workers(f, 0, 0);
    workers_set_hook(f->workers, &hook);
    hold(f, &gate);
    submit(&a);
    submit(&b);
    submit(&nothing);
    submit(&failed);
    submit(&read);
    open_gate(f);
    finish(f);
    assert_int_equal(woken.n, 1);
    assert_int_equal(woken.last.v, f->no[1].v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKERS_TEST(test_a_write_is_kept_and_answered_once),
        WORKERS_TEST(test_a_failed_write_leaves_nothing),
        WORKERS_TEST(test_a_job_alone_takes_no_savepoint),
        WORKERS_TEST(test_consecutive_writes_share_one_commit),
        WORKERS_TEST(test_a_failed_part_undoes_itself_alone),
        WORKERS_TEST(test_a_failed_commit_fails_all_who_shared_it),
        WORKERS_TEST(test_a_part_that_cannot_be_undone_fails_all),
        WORKERS_TEST(test_reads_see_the_writes_before_them),
        WORKERS_TEST(test_a_full_queue_answers_busy_and_not_from_submit),
        WORKERS_TEST(test_an_unknown_mailbox_is_told),
        WORKERS_TEST(test_one_held_mailbox_holds_no_other),
        WORKERS_TEST(test_a_long_queue_lets_others_in_between),
        WORKERS_TEST(test_stopping_finishes_what_was_submitted),
        WORKERS_TEST(test_a_job_submitted_while_stopping_is_refused),
        WORKERS_TEST(test_many_threads_keep_the_order_of_each_mailbox),
        WORKERS_TEST(test_a_read_runs_here_when_the_mailbox_is_free),
        WORKERS_TEST(test_a_read_does_not_run_here_beside_a_worker),
        WORKERS_TEST(test_what_comes_during_a_read_here_follows_it),
        WORKERS_TEST(test_a_read_here_of_an_unknown_mailbox_is_told),
        WORKERS_TEST(test_a_commit_that_changed_something_wakes_once),
    };

    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
