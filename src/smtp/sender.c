/* The thread: looks into outboxes and hands messages to carry.c. See docs/design/sending.md. */
#include "smtp/smtp.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "smtp/sender-private.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

int64_t sender_now_ms(const struct sender *sender)
{
    return clock_unix_ms(sender->clock);
}

/* ---- tasks: out to the workers and back ---- */

/* On a worker. The signal within the lock: the thread may end as soon as it has seen the last completion. */
static void task_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct task *task = container_of(job, struct task, job);
    struct sender *sender = task->sender;

    task->rc = rc;
    task->err = *err;
    pthread_mutex_lock(&sender->mutex);
    task->next = sender->completed;
    sender->completed = task;
    pthread_cond_signal(&sender->wake);
    pthread_mutex_unlock(&sender->mutex);
}

void sender_submit(struct sender *sender, struct task *task)
{
    task->sender = sender;
    task->job.done = task_done;
    sender->tasks_out++;
    workers_submit(sender->workers, &task->job);
}

static void finish_tasks(struct sender *sender)
{
    struct task *task;

    pthread_mutex_lock(&sender->mutex);
    task = take(&sender->completed);
    pthread_mutex_unlock(&sender->mutex);
    while (task != NULL) {
        struct task *next = task->next;

        sender->tasks_out--;
        task->then(task);
        task = next;
    }
}

/* ---- looking into an outbox ---- */

static bool has(const struct seq *ids, size_t n, struct seq id)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i].v == id.v) {
            return true;
        }
    }
    return false;
}

/* On a worker: the first message that is due and not passed over. */
static int find_message(struct queue *q, struct mailbox_tx *tx, struct err *err_r)
{
    struct seq *ids;
    size_t n, i;

    TRY(outbox_due(tx, q->now_ms, q->skip_n + 1, q->arena, &ids, &n, &q->found_next_ms, err_r));
    for (i = 0; i < n; i++) {
        if (!has(q->skip, q->skip_n, ids[i])) {
            int rc = outbox_get(tx, ids[i], q->arena, &q->message, err_r);

            q->found = rc == 1;
            return rc < 0 ? rc : 0;
        }
    }
    return 0;
}

/* On a worker. The hint is cleared here, where nobody can queue a message between the look and the deed. */
static int look_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct queue *q = container_of(job, struct queue, look.job);
    int rc = outbox_is_empty(tx, err_r);

    TRY(rc);
    q->empty = rc == 1;
    if (q->empty) {
        return store_outbox_hint_clear(q->sender->store, q->no, err_r);
    }
    return find_message(q, tx, err_r);
}

static void look_then(struct task *task);

/* A clock that was set back does not make it longer. */
static bool in_trouble(const struct queue *q)
{
    int64_t left_ms = q->trouble_ms - sender_now_ms(q->sender);

    return left_ms > 0 && left_ms <= SMTP_TROUBLE_MS;
}

static void queue_look(struct queue *q)
{
    struct sender *s = q->sender;

    if (in_trouble(q)) {
        q->look_again = false;
        q->next_ms = q->trouble_ms;
        return;
    }
    if (q->looking || s->ending || s->carries == SMTP_MAX_CARRIES ||
        q->busy_n + q->held_n == SMTP_QUEUE_MESSAGES) {
        q->look_again = true;
        return;
    }
    q->looking = true;
    q->look_again = false;
    q->found = q->empty = false;
    q->next_ms = q->found_next_ms = INT64_MAX;
    q->now_ms = sender_now_ms(s);
    q->arena = arena_new(NULL, "carry");
    q->skip_n = 0;
    for (size_t i = 0; i < q->busy_n; i++) {
        q->skip[q->skip_n++] = q->busy[i];
    }
    for (size_t i = 0; i < q->held_n; i++) {
        q->skip[q->skip_n++] = q->held[i];
    }
    s->carries++; /* a place for what may be found */
    q->look = (struct task){.job = {.mailbox = q->no, .run = look_run}, .then = look_then};
    sender_submit(s, &q->look);
}

/* Queues that could not look have their turn when there is a place again. */
static void look_again(struct sender *s)
{
    size_t it = 0;
    uint64_t no;
    void *value;

    while (u64map_next(s->queues, &it, &no, &value)) {
        struct queue *q = value;

        if (q->look_again && !q->looking) {
            queue_look(q);
        }
    }
}

static void queue_trouble(struct queue *q)
{
    q->trouble_ms = sender_now_ms(q->sender) + SMTP_TROUBLE_MS;
    q->next_ms = q->trouble_ms;
}

static void look_failed(struct queue *q, const struct err *err)
{
    const struct log_field mailbox = LINT("mailbox", q->no.v);

    if (err->kind == ERR_NO_SUCH_MAILBOX || err->kind == ERR_SHUTTING_DOWN) {
        return; /* gone with its outbox, or soon looked at by the next one */
    }
    log_error(LOG_WARN, "sender.trouble", err, &mailbox, 1);
    queue_trouble(q);
}

/* A look that found a message begins it, and looks for a further one. */
static void look_then(struct task *task)
{
    struct queue *q = container_of(task, struct queue, look);
    struct sender *s = q->sender;

    q->looking = false;
    if (task->rc < 0) {
        look_failed(q, &task->err);
    } else if (q->found && !s->ending) {
        assert(q->busy_n < SMTP_QUEUE_MESSAGES);
        q->busy[q->busy_n++] = q->message.id;
        q->look_again = true;
        carry_begin(q, take(&q->arena), &q->message);
        return;
    } else if (q->found_next_ms > q->now_ms) {
        q->next_ms = q->found_next_ms;
    }
    arena_free(&q->arena);
    s->carries--;
}

static void remove_id(struct seq *ids, size_t *n, struct seq id)
{
    for (size_t i = 0; i < *n; i++) {
        if (ids[i].v == id.v) {
            ids[i] = ids[--*n];
            return;
        }
    }
}

void queue_carry_ended(struct queue *q, struct seq id, enum carry_end how)
{
    remove_id(q->busy, &q->busy_n, id);
    q->sender->carries--;
    if (how == CARRY_HELD) {
        q->held[q->held_n++] = id;
    } else if (how == CARRY_TROUBLE) {
        queue_trouble(q); /* not at once again: it would be the same trouble */
    }
    q->look_again = true;
}

static struct queue *queue_of(struct sender *s, uint64_t no)
{
    struct queue *q = u64map_get(s->queues, no);

    if (q == NULL) {
        q = mem_alloc_zero(1, sizeof(*q));
        q->sender = s;
        q->no.v = no;
        q->next_ms = INT64_MAX;
        u64map_put(s->queues, no, q);
    }
    return q;
}

/* ---- transfers ---- */

bool sender_may_transfer(const struct sender *s)
{
    return s->transfers < s->max_connections;
}

void sender_transfer(struct sender *s, struct transfer *t)
{
    s->transfers++;
    carriers_add(s->carriers, t);
}

void sender_transferred(struct sender *s, struct transfer *t)
{
    pthread_mutex_lock(&s->mutex);
    t->next = s->transferred;
    s->transferred = t;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
}

/* What waited for a connection may look for one. */
static void release_held(struct sender *s)
{
    size_t it = 0;
    uint64_t no;
    void *value;

    while (u64map_next(s->queues, &it, &no, &value)) {
        struct queue *q = value;

        if (q->held_n != 0) {
            q->held_n = 0;
            q->look_again = true;
        }
    }
}

static void finish_transfers(struct sender *s)
{
    struct transfer *t;

    pthread_mutex_lock(&s->mutex);
    t = take(&s->transferred);
    pthread_mutex_unlock(&s->mutex);
    while (t != NULL) {
        struct transfer *next = t->next;

        s->transfers--;
        carry_transferred(t);
        release_held(s);
        t = next;
    }
}

/* ---- the thread ---- */

static int poke_hinted(struct sender *s)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct err err = ERR_INIT;
    struct mailbox_no *nos;
    size_t n;
    int rc = store_outbox_hint_list(s->store, tmp, &nos, &n, &err);

    if (rc < 0) {
        log_error(LOG_WARN, "sender.trouble", &err, NULL, 0);
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        queue_of(s, nos[i].v)->look_again = true;
    }
    return 0;
}

static void take_pokes(struct sender *s)
{
    size_t it = 0;
    uint64_t no;
    void *value;

    pthread_mutex_lock(&s->mutex);
    while (u64map_next(s->poked, &it, &no, &value)) {
        queue_of(s, no)->look_again = true;
    }
    if (u64map_count(s->poked) != 0) {
        u64map_free(&s->poked);
        s->poked = u64map_new();
    }
    s->ending = s->ending || s->stopping;
    pthread_mutex_unlock(&s->mutex);
}

/* Queues that are due look; those that have nothing more to do go. Returns when the next one is due. */
static int64_t tend_queues(struct sender *s)
{
    int64_t now_ms = sender_now_ms(s), next_ms = INT64_MAX;
    struct queue *idle = NULL;
    size_t it = 0;
    uint64_t no;
    void *value;

    while (u64map_next(s->queues, &it, &no, &value)) {
        struct queue *q = value;

        if (q->next_ms <= now_ms) {
            q->next_ms = INT64_MAX;
            q->look_again = true;
        }
        if (!q->looking && !q->look_again && q->busy_n + q->held_n == 0 &&
            q->next_ms == INT64_MAX) {
            idle = q;
        }
        next_ms = q->next_ms < next_ms ? q->next_ms : next_ms;
    }
    /* One a round: the map may not change while it is walked. */
    if (idle != NULL) {
        u64map_remove(s->queues, idle->no.v);
        free(idle);
    }
    return next_ms;
}

/* Until something came in, or so long. */
static void sleep_ms(struct sender *s, int64_t ms)
{
    struct timespec until;

    ms = ms < SMTP_LONGEST_SLEEP_MS ? ms : SMTP_LONGEST_SLEEP_MS;
    ms = ms > 0 ? ms : 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&s->mutex);
    if (u64map_count(s->poked) == 0 && s->completed == NULL && s->transferred == NULL &&
        s->stopping == s->ending) {
        (void)pthread_cond_timedwait(&s->wake, &s->mutex, &until);
    }
    pthread_mutex_unlock(&s->mutex);
}

static void round_of(struct sender *s)
{
    int64_t now_ms = clock_monotonic_ms(s->clock), next_ms;

    take_pokes(s);
    if (s->ending) {
        return;
    }
    if (now_ms >= s->look_ms) {
        s->look_ms = now_ms + (poke_hinted(s) < 0 ? SMTP_TROUBLE_MS : SMTP_LOOK_MS);
    }
    finish_tasks(s);
    finish_transfers(s);
    next_ms = tend_queues(s);
    look_again(s);
    sleep_ms(s, next_ms == INT64_MAX ? SMTP_LONGEST_SLEEP_MS : next_ms - sender_now_ms(s));
}

/* What is under way has until the deadline. Tasks are waited for: a worker ends what it began. */
static void end_all(struct sender *s)
{
    int64_t deadline_ms = clock_monotonic_ms(clock_system()) + SMTP_STOP_MS;

    for (;;) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms(clock_system());

        finish_tasks(s);
        finish_transfers(s);
        if (s->tasks_out == 0 && s->transfers == 0) {
            break;
        }
        if (left_ms <= 0 && s->carriers != NULL) {
            carriers_abort(s->carriers);
        }
        sleep_ms(s, left_ms > 0 ? left_ms : SMTP_LONGEST_SLEEP_MS);
    }
    assert(s->carries == 0);
}

static void *sender_main(void *arg)
{
    struct sender *s = arg;

    while (!s->ending) {
        round_of(s);
    }
    end_all(s);
    return NULL;
}

/* ---- from outside ---- */

static struct sender *sender_new(const struct sender_options *options)
{
    struct sender *s = mem_alloc_zero(1, sizeof(*s));
    pthread_condattr_t monotonic;

    s->store = options->store;
    s->workers = options->workers;
    s->clock = options->clock;
    s->arena = arena_new(NULL, "sender");
    s->hostname = arena_strdup(s->arena, options->hostname);
    s->give_up_ms = options->give_up_ms;
    s->max_connections =
        options->max_connections != 0 ? options->max_connections : SMTP_MAX_CONNECTIONS;
    s->poked = u64map_new();
    s->queues = u64map_new();
    pthread_mutex_init(&s->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return s;
}

/* Signals belong to whoever starts the sender. */
static int start_threads(struct sender *s, struct err *err_r)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = s->has_smarthost ? carriers_start(s, &s->carriers, err_r) : 0;
    if (rc == 0) {
        rc = pthread_create(&s->thread, NULL, sender_main, s);
        s->started = rc == 0;
        rc = rc == 0 ? 0 : err_set(err_r, ERR_IO, "pthread_create: error %d", rc);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int sender_start(const struct sender_options *options, struct sender **sender_r, struct err *err_r)
{
    AUTO(sender) s = sender_new(options);

    if (options->smarthost_url != NULL) {
        TRY(smarthost_init(&s->smarthost, options, s->arena, err_r));
        s->has_smarthost = true;
    }
    s->look_ms =
        clock_monotonic_ms(s->clock); /* at once: what was waiting when the last one ended */
    TRY(start_threads(s, err_r));
    *sender_r = take(&s);
    return 0;
}

void sender_poke(struct sender *sender, struct mailbox_no no)
{
    pthread_mutex_lock(&sender->mutex);
    u64map_put(sender->poked, no.v, sender);
    pthread_cond_signal(&sender->wake);
    pthread_mutex_unlock(&sender->mutex);
}

static void free_queues(struct sender *s)
{
    size_t it = 0;
    uint64_t no;
    void *queue;

    while (u64map_next(s->queues, &it, &no, &queue)) {
        free(queue);
    }
    u64map_free(&s->queues);
}

void sender_stop(struct sender **sender)
{
    struct sender *s = *sender;

    if (s == NULL) {
        return;
    }
    *sender = NULL;
    if (s->started) {
        pthread_mutex_lock(&s->mutex);
        s->stopping = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->mutex);
        pthread_join(s->thread, NULL);
    }
    carriers_stop(&s->carriers);
    free_queues(s);
    u64map_free(&s->poked);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->mutex);
    arena_free(&s->arena);
    free(s);
}
