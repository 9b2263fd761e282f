#include "server/housekeeping.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "mailbox/folder_write.h"
#include "mailbox/mailbox.h"
#include "mailbox/store.h"
#include "mailbox/subscriptions.h"
#include "mailbox/workers.h"
#include "notify/hub.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)
/* Between two mailboxes: of the first round after a start, and at least. */
#define HURRIED_MS 1000

struct housekeeping {
    struct housekeeping_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping, working; /* working: the job is out */
    struct mailbox_job job;
};

/* ---- one mailbox ---- */

static int tidy(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct housekeeping *h = container_of(job, struct housekeeping, job);
    struct subscription_counts counts;

    TRY(mailbox_event_prune(tx, h->options.keep_events_ms, err_r));
    TRY(mailbox_purge(tx, err_r));
    TRY(subscription_expire(tx, err_r));
    TRY(subscription_count(tx, &counts, err_r));
    hub_note_counts(h->options.hub, job->mailbox, &counts);
    return 0;
}

static void tidied(struct mailbox_job *job, int rc, const struct err *err)
{
    struct housekeeping *h = container_of(job, struct housekeeping, job);

    if (rc < 0 && err->kind != ERR_NO_SUCH_MAILBOX && err->kind != ERR_SHUTTING_DOWN) {
        const struct log_field fields[] = {LINT("mailbox", job->mailbox.v)};

        log_error(LOG_WARN, "housekeeping.failed", err, fields, ARRAY_LEN(fields));
    }
    pthread_mutex_lock(&h->lock);
    h->working = false;
    pthread_cond_signal(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

/* ---- the thread ---- */

/* False: it is time to stop. */
static bool rest(struct housekeeping *h, int64_t ms)
{
    struct timespec until;
    bool stopping;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    pthread_mutex_lock(&h->lock);
    while (!h->stopping && rc == 0) {
        rc = pthread_cond_timedwait(&h->changed, &h->lock, &until);
    }
    stopping = h->stopping;
    pthread_mutex_unlock(&h->lock);
    return !stopping;
}

static void tidy_one(struct housekeeping *h, struct mailbox_no no)
{
    h->working = true; /* the job's end is what changes it, under the lock */
    h->job = (struct mailbox_job){.mailbox = no, .write = true, .run = tidy, .done = tidied};
    workers_submit(h->options.workers, &h->job);
    pthread_mutex_lock(&h->lock);
    while (h->working) {
        pthread_cond_wait(&h->changed, &h->lock);
    }
    pthread_mutex_unlock(&h->lock);
}

/* Every mailbox once; a store without any rests too. False: it is time to stop. */
static bool make_round(struct housekeeping *h, bool hurried)
{
    AUTO(arena) arena = arena_new(NULL, "housekeeping");
    struct err err = ERR_INIT;
    struct user *users = NULL;
    size_t n = 0;
    int64_t pause_ms;

    if (store_user_list(h->options.store, arena, &users, &n, &err) < 0) {
        log_error(LOG_WARN, "housekeeping.failed", &err, NULL, 0);
    }
    pause_ms = DAY_MS / (int64_t)(n + 1);
    if (hurried || pause_ms < HURRIED_MS) {
        pause_ms = HURRIED_MS;
    }
    for (size_t i = 0; i < n; i++) {
        if (!rest(h, pause_ms)) {
            return false;
        }
        tidy_one(h, users[i].mailbox);
    }
    return rest(h, pause_ms);
}

static void *housekeep(void *context)
{
    struct housekeeping *h = context;
    bool hurried = true;

    while (make_round(h, hurried)) {
        hurried = false;
    }
    return NULL;
}

/* ---- start and stop ---- */

int housekeeping_start(const struct housekeeping_options *options,
                       struct housekeeping **housekeeping_r, struct err *err_r)
{
    struct housekeeping *h = mem_alloc_zero(1, sizeof(*h));
    pthread_condattr_t attr;
    sigset_t all, before;
    int rc;

    h->options = *options;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->changed, &attr);
    pthread_condattr_destroy(&attr);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&h->thread, NULL, housekeep, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        pthread_cond_destroy(&h->changed);
        pthread_mutex_destroy(&h->lock);
        free(h);
        return err_set(err_r, ERR_IO, "cannot start a thread: %s", strerror(rc));
    }
    *housekeeping_r = h;
    return 0;
}

void housekeeping_stop(struct housekeeping **housekeeping)
{
    struct housekeeping *h = take(housekeeping);

    if (h == NULL) {
        return;
    }
    pthread_mutex_lock(&h->lock);
    h->stopping = true;
    pthread_cond_signal(&h->changed);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
