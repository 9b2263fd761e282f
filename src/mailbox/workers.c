#include "mailbox/workers.h"

#include "base/map.h"
#include "base/mem.h"
#include "mailbox/limits.h"
#include "mailbox/mailbox.h"
#include "mailbox/store.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct job_list {
    struct mailbox_job *head, *tail;
    unsigned count;
};

/* A mailbox with jobs. It is in the map while it has jobs or a worker is on it, and in the run queue while it has jobs and no worker. */
struct queue {
    struct mailbox_no no;
    struct job_list jobs;
    bool worked_on;
    struct queue *next; /* in the run queue */
};

struct outcome {
    int rc;
    struct err err;
};

struct worker {
    struct workers *pool;
    pthread_t thread;
    pthread_cond_t wake;
    bool woken; /* under the pool's mutex; taken off the idle stack by whoever sets it */
    struct worker *idle_next;
    struct outcome
        outcomes[WORKERS_BATCH_JOBS]; /* of the jobs that share the current transaction */
};

/*
 * All but the fields of a worker's own batch is guarded by mutex.
 * I1  A mailbox is in the run queue at most once, and never while a worker is on it.
 * I2  While a worker is idle and unwoken, the run queue holds no more mailboxes than workers that are woken or about to look.
 */
struct workers {
    struct store *store;
    unsigned max_queued_jobs;
    struct workers_hook hook; /* set before the first job */
    pthread_mutex_t mutex;
    struct u64map *queues;
    struct queue *run_head, *run_tail;
    struct job_list refused_busy, refused_stopping; /* their done() is called by a worker */
    struct worker *idle; /* a stack: the worker that slept last has the warmest cache */
    bool stopping;
    unsigned thread_count;
    struct worker *threads;
};

/* ---- lists ---- */

static void list_push(struct job_list *list, struct mailbox_job *job)
{
    job->next = NULL;
    if (list->tail != NULL) {
        list->tail->next = job;
    } else {
        list->head = job;
    }
    list->tail = job;
    list->count++;
}

static struct mailbox_job *list_pop(struct job_list *list)
{
    struct mailbox_job *job = list->head;

    list->head = job->next;
    if (list->head == NULL) {
        list->tail = NULL;
    }
    list->count--;
    job->next = NULL;
    return job;
}

static void run_queue_push(struct workers *pool, struct queue *queue)
{
    queue->next = NULL;
    if (pool->run_tail != NULL) {
        pool->run_tail->next = queue;
    } else {
        pool->run_head = queue;
    }
    pool->run_tail = queue;
}

static struct queue *run_queue_pop(struct workers *pool)
{
    struct queue *queue = pool->run_head;

    pool->run_head = queue->next;
    if (pool->run_head == NULL) {
        pool->run_tail = NULL;
    }
    return queue;
}

/* ---- one batch, outside of the mutex ---- */

static void job_done(struct mailbox_job *job, int rc, struct err *err)
{
    if (rc < 0 && err->kind == ERR_NONE) {
        (void)err_set(err, (enum err_kind) - rc, "a job failed without saying why");
    }
    job->done(job, rc, err);
}

static void fail_all(struct job_list *jobs, struct err *err)
{
    while (jobs->head != NULL) {
        job_done(list_pop(jobs), -(int)err->kind, err);
    }
}

static int run_job(struct mailbox_job *job, struct mailbox_tx *tx, struct outcome *o)
{
    o->err = ERR_INIT;
    o->rc = job->run(job, tx, &o->err);
    return o->rc;
}

/* A job that shares its transaction. A negative result concerns all who share it. */
static int run_part(struct mailbox_job *job, struct mailbox_tx *tx, struct outcome *o,
                    struct err *err_r)
{
    TRY(mailbox_tx_part_begin(tx, err_r));
    if (run_job(job, tx, o) < 0) {
        return mailbox_tx_part_undo(tx, err_r);
    }
    return mailbox_tx_part_keep(tx, err_r);
}

/* Runs the jobs in one transaction and ends it. Negative: the transaction failed; outcomes are those of the first *ran_r jobs. */
static int run_transaction(const struct workers_hook *hook, struct job_list *jobs,
                           struct mailbox *mailbox, struct outcome *outcomes, unsigned *ran_r,
                           struct err *err_r)
{
    bool write = jobs->head->write;
    AUTO(mailbox_tx) tx = NULL;
    struct mailbox_job *job;
    bool events;

    TRY(mailbox_tx_begin(mailbox, write ? MAILBOX_TX_WRITE : MAILBOX_TX_READ, &tx, err_r));
    for (job = jobs->head; job != NULL; job = job->next) {
        struct outcome *o = &outcomes[*ran_r];

        o->rc = 0;
        ++*ran_r;
        if (write && jobs->count > 1) {
            TRY(run_part(job, tx, o, err_r));
        } else if (run_job(job, tx, o) < 0 && write) {
            return 0; /* alone in its transaction: no part was begun, all is rolled back */
        }
    }
    events = mailbox_tx_has_events(tx);
    TRY(mailbox_tx_commit(&tx, err_r));
    if (events && hook->committed != NULL) {
        hook->committed(hook->context, mailbox_number(mailbox));
    }
    return 0;
}

/* Jobs of one mode: one transaction, then all the answers. A job that failed by itself keeps its own error. */
static void run_group(const struct workers_hook *hook, struct outcome *outcomes,
                      struct job_list *jobs, struct mailbox *mailbox)
{
    struct err err = ERR_INIT;
    unsigned ran = 0, i;
    int rc = run_transaction(hook, jobs, mailbox, outcomes, &ran, &err);

    for (i = 0; jobs->head != NULL; i++) {
        struct outcome *o = &outcomes[i];

        if (i < ran && (rc == 0 || o->rc < 0)) {
            job_done(list_pop(jobs), o->rc, &o->err);
        } else {
            job_done(list_pop(jobs), rc, &err);
        }
    }
}

/* outcomes: room for as many as there are jobs. */
static void run_batch(const struct workers *pool, struct outcome *outcomes, struct mailbox_no no,
                      struct job_list *jobs)
{
    struct mailbox *mailbox = NULL;
    struct err err = ERR_INIT;

    if (store_mailbox_take(pool->store, no, &mailbox, &err) < 0) {
        fail_all(jobs, &err);
        return;
    }
    while (jobs->head != NULL) {
        struct job_list group = {0};

        do {
            list_push(&group, list_pop(jobs));
        } while (jobs->head != NULL && jobs->head->write == group.head->write);
        run_group(&pool->hook, outcomes, &group, mailbox);
    }
    store_mailbox_release(pool->store, &mailbox);
}

/* ---- workers; all with the mutex held, unless they say otherwise ---- */

static void wake_one(struct workers *pool)
{
    struct worker *worker = pool->idle;

    if (worker != NULL) {
        pool->idle = worker->idle_next;
        worker->woken = true;
        pthread_cond_signal(&worker->wake);
    }
}

/* Takes jobs, gives the mutex away while they run, and puts the mailbox back in line if it has more. */
static void work_on_next_mailbox(struct worker *worker)
{
    struct workers *pool = worker->pool;
    struct queue *queue = run_queue_pop(pool);
    struct job_list batch = {0};

    queue->worked_on = true;
    while (queue->jobs.head != NULL && batch.count < WORKERS_BATCH_JOBS) {
        list_push(&batch, list_pop(&queue->jobs));
    }
    if (pool->run_head != NULL) {
        wake_one(pool);
    }
    pthread_mutex_unlock(&pool->mutex);
    run_batch(pool, worker->outcomes, queue->no, &batch);
    pthread_mutex_lock(&pool->mutex);
    queue->worked_on = false;
    if (queue->jobs.head != NULL) {
        run_queue_push(pool, queue);
    } else {
        u64map_remove(pool->queues, queue->no.v);
        free(queue);
    }
}

static void answer_refused(struct workers *pool)
{
    struct job_list busy = pool->refused_busy, stopping = pool->refused_stopping;
    struct err err = ERR_INIT;

    pool->refused_busy = (struct job_list){0};
    pool->refused_stopping = (struct job_list){0};
    pthread_mutex_unlock(&pool->mutex);
    (void)err_set(&err, ERR_BUSY, "the mailbox has %u jobs waiting", pool->max_queued_jobs);
    fail_all(&busy, &err);
    err = ERR_INIT;
    (void)err_set(&err, ERR_SHUTTING_DOWN, "the workers are stopping");
    fail_all(&stopping, &err);
    pthread_mutex_lock(&pool->mutex);
}

static void wait_for_work(struct worker *worker)
{
    struct workers *pool = worker->pool;

    worker->woken = false;
    worker->idle_next = pool->idle;
    pool->idle = worker;
    while (!worker->woken) {
        pthread_cond_wait(&worker->wake, &pool->mutex);
    }
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct workers *pool = worker->pool;

    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        if (pool->refused_busy.head != NULL || pool->refused_stopping.head != NULL) {
            answer_refused(pool);
        } else if (pool->run_head != NULL) {
            work_on_next_mailbox(worker);
        } else if (pool->stopping) {
            break;
        } else {
            wait_for_work(worker);
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* ---- the pool ---- */

/* True when a worker has to look: not for a mailbox that is in line already or worked on. */
static bool enqueue(struct workers *pool, struct mailbox_job *job)
{
    struct queue *queue;

    if (pool->stopping) {
        list_push(&pool->refused_stopping, job);
        return true;
    }
    queue = u64map_get(pool->queues, job->mailbox.v);
    if (queue == NULL) {
        queue = mem_alloc_zero(1, sizeof(*queue));
        queue->no = job->mailbox;
        u64map_put(pool->queues, queue->no.v, queue);
    }
    if (queue->jobs.count >= pool->max_queued_jobs) {
        list_push(&pool->refused_busy, job);
        return true;
    }
    list_push(&queue->jobs, job);
    if (queue->jobs.count > 1 || queue->worked_on) {
        return false;
    }
    run_queue_push(pool, queue);
    return true;
}

void workers_submit(struct workers *pool, struct mailbox_job *job)
{
    assert(job->run != NULL && job->done != NULL && job->mailbox.v != 0);
    pthread_mutex_lock(&pool->mutex);
    if (enqueue(pool, job)) {
        wake_one(pool);
    }
    pthread_mutex_unlock(&pool->mutex);
}

/* The mailbox is the caller's while nobody else has anything to do with it: as if a worker had taken it from the run queue. */
static struct queue *claim(struct workers *pool, struct mailbox_no no)
{
    struct queue *queue = NULL;

    pthread_mutex_lock(&pool->mutex);
    if (!pool->stopping && u64map_get(pool->queues, no.v) == NULL) {
        queue = mem_alloc_zero(1, sizeof(*queue));
        queue->no = no;
        queue->worked_on = true;
        u64map_put(pool->queues, no.v, queue);
    }
    pthread_mutex_unlock(&pool->mutex);
    return queue;
}

/* What came meanwhile goes to the workers. */
static void unclaim(struct workers *pool, struct queue *queue)
{
    pthread_mutex_lock(&pool->mutex);
    queue->worked_on = false;
    if (queue->jobs.head != NULL) {
        run_queue_push(pool, queue);
        wake_one(pool);
    } else {
        u64map_remove(pool->queues, queue->no.v);
        free(queue);
    }
    pthread_mutex_unlock(&pool->mutex);
}

bool workers_run_here(struct workers *pool, struct mailbox_job *job)
{
    struct queue *queue;
    struct job_list jobs = {0};
    struct outcome outcome;

    assert(!job->write);
    queue = claim(pool, job->mailbox);
    if (queue == NULL) {
        return false;
    }
    list_push(&jobs, job);
    run_batch(pool, &outcome, job->mailbox, &jobs);
    unclaim(pool, queue);
    return true;
}

static unsigned default_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = cores > 0 && cores < WORKERS_MAX_THREADS ? (unsigned)cores * 2 : 0;

    if (wanted < WORKERS_MIN_THREADS) {
        wanted = WORKERS_MIN_THREADS;
    }
    return wanted < WORKERS_MAX_THREADS ? wanted : WORKERS_MAX_THREADS;
}

/* Signals belong to the thread that made the pool. */
static int start_threads(struct workers *pool, unsigned count, struct err *err_r)
{
    sigset_t all, before;
    int rc = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (rc == 0 && pool->thread_count < count) {
        struct worker *worker = &pool->threads[pool->thread_count];

        worker->pool = pool;
        pthread_cond_init(&worker->wake, NULL);
        rc = pthread_create(&worker->thread, NULL, worker_main, worker);
        pool->thread_count += rc == 0 ? 1 : 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0 : err_set(err_r, ERR_IO, "pthread_create: error %d", rc);
}

int workers_new(const struct workers_options *options, struct workers **workers_r,
                struct err *err_r)
{
    unsigned threads = options->threads != 0 ? options->threads : default_threads();
    AUTO(workers) pool = mem_alloc_zero(1, sizeof(*pool));

    pool->store = options->store;
    pool->max_queued_jobs =
        options->max_queued_jobs != 0 ? options->max_queued_jobs : WORKERS_MAX_QUEUED_JOBS;
    pool->queues = u64map_new();
    pool->threads = mem_alloc_zero(threads, sizeof(*pool->threads));
    pthread_mutex_init(&pool->mutex, NULL);
    TRY(start_threads(pool, threads, err_r));
    *workers_r = take(&pool);
    return 0;
}

void workers_set_hook(struct workers *workers, const struct workers_hook *hook)
{
    workers->hook = *hook;
}

void workers_free(struct workers **workers)
{
    struct workers *pool = *workers;
    unsigned i;

    if (pool == NULL) {
        return;
    }
    *workers = NULL;
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    while (pool->idle != NULL) {
        wake_one(pool);
    }
    pthread_mutex_unlock(&pool->mutex);
    for (i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i].thread, NULL);
        pthread_cond_destroy(&pool->threads[i].wake);
    }
    assert(pool->run_head == NULL && u64map_count(pool->queues) == 0);
    u64map_free(&pool->queues);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->threads);
    free(pool);
}
