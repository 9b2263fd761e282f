/* The server of a history: how it is opened, asked, stopped and killed. */
#include "subscriber_history.h"

#include "base/mem.h"
#include "notify/notify-private.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_MS 40 /* real time, where a peer does not acknowledge */
#define MAX_ROUNDS 20000

/* ---- directories ---- */

static const char *copy_from, *copy_to;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    char bytes[65536];
    ssize_t n = -1;

    while (in >= 0 && out >= 0 && (n = read(in, bytes, sizeof(bytes))) > 0) {
        if (write(out, bytes, (size_t)n) != n) {
            die(to);
        }
    }
    if (n != 0) {
        die(from);
    }
    close(in);
    close(out);
}

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);

    return n >= m && strcmp(path + n - m, end) == 0;
}

/* What a restart finds: memory that was shared is not of it. */
static int copy_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    char to[512];

    (void)st;
    (void)where;
    snprintf(to, sizeof(to), "%s%s", copy_to, path + strlen(copy_from));
    if (type == FTW_D) {
        if (mkdir(to, 0700) != 0) {
            die(to);
        }
    } else if (!ends_with(path, "-shm")) {
        copy_file(path, to);
    }
    return 0;
}

void copy_directory(const char *from, const char *to)
{
    copy_from = from;
    copy_to = to;
    if (nftw(from, copy_one, 16, FTW_PHYS) != 0) {
        die(from);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void remove_directory(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- jobs ---- */

struct call {
    struct mailbox_job job;
    struct history *h;
    struct box *box;
    job_fn *fn;
    void *context;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool over, waited_for;
    int rc;
};

static int call_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct call *c = container_of(job, struct call, job);

    return c->fn(c->h, c->box, tx, c->context, err_r);
}

static void call_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct call *c = container_of(job, struct call, job);

    if (!c->waited_for) {
        free(c);
        return;
    }
    pthread_mutex_lock(&c->mutex);
    if (rc < 0) {
        c->h->err = *err;
    }
    c->rc = rc;
    c->over = true;
    pthread_cond_signal(&c->cond);
    pthread_mutex_unlock(&c->mutex);
}

static struct call call_of(struct history *h, struct box *box, bool write, job_fn *fn,
                           void *context)
{
    return (struct call){
        .job = {.mailbox = box->no, .write = write, .run = call_run, .done = call_done},
        .h = h,
        .box = box,
        .fn = fn,
        .context = context,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .cond = PTHREAD_COND_INITIALIZER,
        .waited_for = true};
}

int server_call(struct history *h, struct box *box, bool write, job_fn *fn, void *context)
{
    struct call c = call_of(h, box, write, fn, context);

    workers_submit(h->workers, &c.job);
    pthread_mutex_lock(&c.mutex);
    while (!c.over) {
        pthread_cond_wait(&c.cond, &c.mutex);
    }
    pthread_mutex_unlock(&c.mutex);
    return c.rc;
}

void server_submit(struct history *h, struct box *box, bool write, job_fn *fn)
{
    struct call *c = mem_alloc(sizeof(*c));

    *c = call_of(h, box, write, fn, NULL);
    c->waited_for = false;
    workers_submit(h->workers, &c->job);
}

struct gate {
    struct call call;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool reached, open;
};

static int stand_at_gate(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                         struct err *err_r)
{
    struct gate *g = context;

    (void)h;
    (void)box;
    (void)tx;
    (void)err_r;
    pthread_mutex_lock(&g->mutex);
    g->reached = true;
    pthread_cond_broadcast(&g->cond);
    while (!g->open) {
        pthread_cond_wait(&g->cond, &g->mutex);
    }
    pthread_mutex_unlock(&g->mutex);
    return 0;
}

struct gate *server_gate(struct history *h, struct box *box)
{
    struct gate *g = mem_alloc_zero(1, sizeof(*g));

    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->cond, NULL);
    g->call = call_of(h, box, false, stand_at_gate, g);
    workers_submit(h->workers, &g->call.job);
    pthread_mutex_lock(&g->mutex);
    while (!g->reached) {
        pthread_cond_wait(&g->cond, &g->mutex);
    }
    pthread_mutex_unlock(&g->mutex);
    return g;
}

void server_gate_open(struct gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->open = true;
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->mutex);
    pthread_mutex_lock(&g->call.mutex);
    while (!g->call.over) {
        pthread_cond_wait(&g->call.cond, &g->call.mutex);
    }
    pthread_mutex_unlock(&g->call.mutex);
    free(g);
}

/* ---- rest ---- */

static int do_nothing(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                      struct err *err_r)
{
    (void)h;
    (void)box;
    (void)tx;
    (void)context;
    (void)err_r;
    return 0;
}

static unsigned jobs_out(struct hub *hub)
{
    unsigned n;

    pthread_mutex_lock(&hub->mutex);
    n = hub->jobs_out;
    pthread_mutex_unlock(&hub->mutex);
    return n;
}

/* Jobs of a mailbox run one after the other: one more, behind those that are out, is over when they are. */
static void wait_for_jobs(struct history *h)
{
    do {
        for (size_t i = 0; i < SUBSCRIBER_BOXES; i++) {
            (void)server_call(h, &h->boxes[i], false, do_nothing, NULL);
        }
    } while (jobs_out(h->hub) != 0);
}

/* What is due at once for both mailboxes is handed out before the worker begins with the first of it: in one order always. */
static int64_t tick(struct history *h)
{
    struct gate *gate;
    int64_t due_ms, next_ms;

    pthread_mutex_lock(&h->hub->mutex);
    due_ms = schedule_first(h->hub) != NULL ? schedule_first(h->hub)->due_ms : INT64_MAX;
    pthread_mutex_unlock(&h->hub->mutex);
    if (due_ms > monotonic_ms(h)) {
        return due_ms;
    }
    gate = server_gate(h, &h->boxes[0]);
    next_ms = hub_tick(h->hub);
    server_gate_open(gate);
    return next_ms;
}

int64_t server_settle(struct history *h)
{
    int64_t next_ms;

    for (unsigned rounds = 0; rounds < MAX_ROUNDS; rounds++) {
        wait_for_jobs(h);
        next_ms = tick(h);
        if (jobs_out(h->hub) == 0 && next_ms > monotonic_ms(h)) {
            return next_ms;
        }
    }
    history_fail(h, "the hub comes to no rest");
    return INT64_MAX;
}

/* ---- kills ---- */

static void truncate_all(struct history *h)
{
    for (size_t i = 0; i < SUBSCRIBER_BOXES; i++) {
        box_truncate(&h->boxes[i], h->boxes[i].committed_n, h->boxes[i].committed_place_n);
    }
}

static void new_dir(struct history *h, char dir[static 192])
{
    snprintf(dir, 192, "%s/%u", h->base, h->dirs++);
}

void server_kill_now(struct history *h)
{
    new_dir(h, h->next_dir);
    copy_directory(h->dir, h->next_dir);
    h->killed = true;
    h->kills++;
}

void server_moment(struct history *h)
{
    if (h->kill_in != 0 && !h->killed && !pthread_equal(pthread_self(), h->main) &&
        --h->kill_in == 0) {
        server_kill_now(h);
    }
}

/* After every commit that took a number: what was stated is durable. */
static void committed(void *context, struct mailbox_no no)
{
    struct history *h = context;

    if (h->hub == NULL) {
        return;
    }
    for (size_t i = 0; i < SUBSCRIBER_BOXES && !h->killed; i++) {
        if (h->boxes[i].no.v == no.v) {
            h->boxes[i].committed_n = h->boxes[i].n;
            h->boxes[i].committed_place_n = h->boxes[i].place_n;
        }
    }
    server_moment(h);
    hub_committed(h->hub, no);
}

/* ---- beginning and end ---- */

void server_open(struct history *h)
{
    const struct store_options store = {.dir = h->dir, .clock = &h->clock.base};
    const struct workers_hook hook = {h, committed};
    struct workers_options workers = {.threads = 1};
    struct hub_options hub = {.clock = &h->clock.base,
                              .push = &subscriber_push_ops,
                              .push_context = h,
                              .threadless = true};
    struct gate *gate;

    if (store_open(&store, &h->store, &h->err) < 0) {
        history_fail(h, "store_open: %s", h->err.log_text);
        return;
    }
    workers.store = hub.store = h->store;
    if (workers_new(&workers, &h->workers, &h->err) < 0) {
        history_fail(h, "workers_new: %s", h->err.log_text);
        return;
    }
    workers_set_hook(h->workers, &hook);
    hub.workers = h->workers;
    gate = server_gate(h, &h->boxes[0]);
    if (hub_new(&hub, &h->hub, &h->err) < 0 || hub_start(h->hub, &h->err) < 0) {
        history_fail(h, "hub: %s", h->err.log_text);
    }
    server_gate_open(gate);
}

static void close_all(struct history *h)
{
    workers_free(&h->workers);
    hub_free(&h->hub);
    store_close(&h->store);
}

void server_stop(struct history *h)
{
    clients_before_stop(h);
    if (h->killed) {
        return;
    }
    hub_stop(h->hub, STOP_MS);
    clients_stopped(h);
    close_all(h);
    h->stops++;
}

void server_after_kill(struct history *h)
{
    clients_killed(h);
    do { /* until the old one has nothing more to say */
        (void)server_settle(h);
    } while (clients_answer_strays(h, PUSH_FAILED));
    hub_stop(h->hub, STOP_MS);
    close_all(h);
    remove_directory(h->dir);
    memcpy(h->dir, h->next_dir, sizeof(h->dir));
    truncate_all(h);
    h->killed = false;
    h->kill_in = 0;
}

void server_free(struct history *h)
{
    if (h->hub != NULL) {
        server_stop(h);
    }
    remove_directory(h->dir);
}
