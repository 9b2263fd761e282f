/* The hub itself: the map of desks, the thread, and what is asked of the whole. */
#include "notify/notify-private.h"

#include "base/mem.h"
#include "base/str.h"
#include "mailbox/store.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- desks ---- */

static struct desk *make_desk(struct hub *hub, struct mailbox_no no)
{
    struct desk *desk = desk_new(hub, no);

    u64map_put(hub->desks, no.v, desk);
    schedule_add(hub, desk);
    return desk;
}

struct desk *hub_desk(struct hub *hub, struct mailbox_no no, bool make)
{
    struct desk *desk;

    pthread_mutex_lock(&hub->mutex);
    desk = u64map_get(hub->desks, no.v);
    if (desk == NULL && make && !hub->stopping) {
        desk = make_desk(hub, no);
    }
    if (desk != NULL) {
        desk->refs++;
    }
    pthread_mutex_unlock(&hub->mutex);
    if (desk != NULL) {
        desk_lock(desk);
    }
    return desk;
}

void desk_ref(struct desk *desk)
{
    pthread_mutex_lock(&desk->hub->mutex);
    desk->refs++;
    pthread_mutex_unlock(&desk->hub->mutex);
}

void desk_unref(struct desk *desk)
{
    struct hub *hub = desk->hub;
    bool last;

    pthread_mutex_lock(&hub->mutex);
    assert(desk->refs > 0);
    last = --desk->refs == 0;
    if (last) {
        u64map_remove(hub->desks, desk->no.v);
        schedule_remove(hub, desk);
    }
    pthread_mutex_unlock(&hub->mutex);
    if (last) {
        desk_free(desk);
    }
}

void desk_set_due(struct desk *desk, int64_t due_ms)
{
    struct hub *hub = desk->hub;

    pthread_mutex_lock(&hub->mutex);
    schedule_set(hub, desk, due_ms);
    if (schedule_first(hub) == desk) {
        pthread_cond_signal(&hub->wake);
    }
    pthread_mutex_unlock(&hub->mutex);
}

bool hub_submit(struct desk *desk, struct mailbox_job *job)
{
    struct hub *hub = desk->hub;
    bool may;

    pthread_mutex_lock(&hub->mutex);
    may = !hub->stopped;
    if (may) {
        desk->refs++;
        hub->jobs_out++;
        workers_submit(hub->workers, job);
    }
    pthread_mutex_unlock(&hub->mutex);
    return may;
}

void hub_begins(struct hub *hub, unsigned *counter)
{
    pthread_mutex_lock(&hub->mutex);
    ++*counter;
    pthread_mutex_unlock(&hub->mutex);
}

void hub_is_over(struct hub *hub, unsigned *counter)
{
    pthread_mutex_lock(&hub->mutex);
    assert(*counter > 0);
    --*counter;
    if (hub->stopping) {
        pthread_cond_broadcast(&hub->changed);
    }
    pthread_mutex_unlock(&hub->mutex);
}

/* ---- the clock ---- */

/* The first desk that is due, with a reference; it is due again when it is left. NULL: none is, until *next_r. */
static struct desk *take_due(struct hub *hub, int64_t now_ms, int64_t *next_r)
{
    struct desk *desk;

    pthread_mutex_lock(&hub->mutex);
    desk = schedule_first(hub);
    *next_r = desk != NULL ? desk->due_ms : NEVER;
    if (*next_r > now_ms) {
        desk = NULL;
    } else {
        desk->refs++;
        schedule_set(hub, desk, NEVER);
    }
    pthread_mutex_unlock(&hub->mutex);
    return desk;
}

int64_t hub_tick(struct hub *hub)
{
    int64_t now_ms = hub_now(hub), next_ms;
    struct desk *desk;

    while ((desk = take_due(hub, now_ms, &next_ms)) != NULL) {
        desk_lock(desk);
        desk_tick(desk, now_ms);
        desk_leave(desk);
    }
    return next_ms;
}

struct timespec hub_real_time_in(int64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* Until the first desk is due. What comes meanwhile signals. */
static bool sleep_until_due(struct hub *hub)
{
    const struct desk *first;
    bool ends;

    pthread_mutex_lock(&hub->mutex);
    first = schedule_first(hub);
    ends = hub->thread_ends;
    if (!ends && (first == NULL || first->due_ms == NEVER)) {
        pthread_cond_wait(&hub->wake, &hub->mutex);
    } else if (!ends) {
        struct timespec until =
            hub_real_time_in(clock_real_ms(hub->clock, most(first->due_ms - hub_now(hub), 0)));

        (void)pthread_cond_timedwait(&hub->wake, &hub->mutex, &until);
    }
    ends = hub->thread_ends;
    pthread_mutex_unlock(&hub->mutex);
    return !ends;
}

static void *hub_main(void *arg)
{
    struct hub *hub = arg;

    do {
        (void)hub_tick(hub);
    } while (sleep_until_due(hub));
    return NULL;
}

/* ---- beginning ---- */

static struct hub_limits filled(struct hub_limits limits, unsigned subscriptions, unsigned streams)
{
    if (limits.max_subscriptions == 0) {
        limits.max_subscriptions = subscriptions;
    }
    if (limits.max_streams == 0) {
        limits.max_streams = streams;
    }
    return limits;
}

int hub_new(const struct hub_options *options, struct hub **hub_r, struct err *err_r)
{
    struct hub *hub = mem_alloc_zero(1, sizeof(*hub));
    pthread_condattr_t monotonic;

    (void)err_r;
    hub->store = options->store;
    hub->workers = options->workers;
    hub->clock = options->clock;
    hub->defaults = filled(options->defaults, NOTIFY_MAX_SUBSCRIPTIONS, NOTIFY_MAX_STREAMS);
    hub->users = options->users;
    hub->user_n = options->user_n;
    hub->stream_idle_ms =
        options->stream_idle_ms != 0 ? options->stream_idle_ms : NOTIFY_STREAM_IDLE_MS;
    hub->push = options->push;
    hub->push_context = options->push_context;
    hub->threaded = !options->threadless;
    atomic_init(&hub->version, 1);
    hub->desks = u64map_new();
    hub->counts = u64map_new();
    pthread_mutex_init(&hub->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&hub->wake, &monotonic);
    pthread_cond_init(&hub->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *hub_r = hub;
    return 0;
}

/* Signals belong to whoever starts the hub. */
static int start_thread(struct hub *hub, struct err *err_r)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&hub->thread, NULL, hub_main, hub);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hub->threaded = rc == 0;
    return rc == 0 ? 0 : err_set(err_r, ERR_IO, "pthread_create: error %d", rc);
}

static void look_at(struct hub *hub, struct mailbox_no no, bool hinted)
{
    struct desk *desk = hub_desk(hub, no, hub->push != NULL);

    if (desk != NULL) {
        desk->rows_wanted = !desk->stopping;
        desk->hinted = desk->hinted || hinted;
        desk->wakes++;
        desk_leave(desk);
    }
}

struct hub_seen hub_look(struct hub *hub)
{
    return (struct hub_seen){.rows = atomic_load(&hub->version), .commits = hub_commits(hub)};
}

int hub_start(struct hub *hub, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct mailbox_no *nos;
    size_t n;

    TRY(store_push_hint_list(hub->store, tmp, &nos, &n, err_r));
    if (hub->threaded) {
        TRY(start_thread(hub, err_r));
    }
    hub->started = true;
    for (size_t i = 0; i < n; i++) {
        look_at(hub, nos[i], true);
    }
    return 0;
}

/* ---- what happens in the mailboxes ---- */

void hub_committed(struct hub *hub, struct mailbox_no no)
{
    struct desk *desk;

    pthread_mutex_lock(&hub->mutex);
    hub->commits++;
    if (hub->commit_waiters != 0) {
        pthread_cond_broadcast(&hub->changed);
    }
    desk = u64map_get(hub->desks, no.v);
    if (desk != NULL) {
        desk->refs++;
    }
    pthread_mutex_unlock(&hub->mutex);
    if (desk != NULL) {
        desk_lock(desk);
        desk_wake(desk);
        desk_leave(desk);
    }
}

void hub_subscriptions_changed(struct hub *hub, struct mailbox_no no)
{
    atomic_fetch_add(&hub->version, 1);
    look_at(hub, no, false);
}

/* A clock that was set back makes no signs of life necessary. */
void hub_touch(struct hub *hub, struct mailbox_no no, const struct subscription *subscription)
{
    struct desk *desk;

    if (clock_unix_ms(hub->clock) - subscription->used_ms < NOTIFY_TOUCH_MS) {
        return;
    }
    desk = hub_desk(hub, no, true);
    if (desk != NULL) {
        save_touch(desk, subscription->id);
        desk_leave(desk);
    }
}

/* ---- limits and figures ---- */

struct hub_limits hub_limits_of(const struct hub *hub, const char *address)
{
    for (size_t i = 0; i < hub->user_n; i++) {
        if (str_is_nocase(str_from(address), hub->users[i].address)) {
            return filled(hub->users[i], hub->defaults.max_subscriptions,
                          hub->defaults.max_streams);
        }
    }
    return hub->defaults;
}

int64_t hub_stream_idle_ms(const struct hub *hub)
{
    return hub->stream_idle_ms;
}

struct desk **hub_all_desks(struct hub *hub, size_t *n_r)
{
    struct desk **desks;

    pthread_mutex_lock(&hub->mutex);
    *n_r = hub->desk_n;
    desks = mem_alloc(hub->desk_n * sizeof(struct desk *) + 1);
    for (size_t i = 0; i < hub->desk_n; i++) {
        desks[i] = hub->schedule[i];
        desks[i]->refs++;
    }
    pthread_mutex_unlock(&hub->mutex);
    return desks;
}

/* ---- figures ---- */

static int64_t lag_of(const struct desk *desk, int64_t now_ms)
{
    int64_t lag_ms = 0;

    for (const struct hub_stream *s = desk->streams; s != NULL; s = s->next) {
        for (size_t i = 0; i < s->n; i++) {
            if (s->legs[i].hungry) {
                lag_ms = most(lag_ms, now_ms - s->legs[i].hungry_ms);
            }
        }
    }
    return lag_ms;
}

static int64_t measure_lag(struct hub *hub)
{
    size_t n;
    struct desk **desks = hub_all_desks(hub, &n);
    int64_t lag_ms = 0;

    for (size_t i = 0; i < n; i++) {
        desk_lock(desks[i]);
        lag_ms = most(lag_ms, lag_of(desks[i], hub_now(hub)));
        pthread_mutex_unlock(&desks[i]->mutex);
        desk_unref(desks[i]);
    }
    free(desks);
    return lag_ms;
}

void hub_note_counts(struct hub *hub, struct mailbox_no no,
                     const struct subscription_counts *counts)
{
    static const struct subscription_counts none;
    bool any = memcmp(counts, &none, sizeof(none)) != 0;
    struct subscription_counts *c;

    pthread_mutex_lock(&hub->mutex);
    c = u64map_get(hub->counts, no.v);
    if (c == NULL && any) {
        c = mem_alloc(sizeof(*c));
        u64map_put(hub->counts, no.v, c);
    }
    if (any) {
        *c = *counts;
    } else if (c != NULL) {
        u64map_remove(hub->counts, no.v);
        free(c);
    }
    pthread_mutex_unlock(&hub->mutex);
}

static struct subscription_counts sum_counts(struct hub *hub)
{
    struct subscription_counts sum = {{0}};
    size_t it = 0;
    uint64_t no;
    void *value;

    pthread_mutex_lock(&hub->mutex);
    while (u64map_next(hub->counts, &it, &no, &value)) {
        const struct subscription_counts *c = value;

        for (size_t kind = 0; kind < ARRAY_LEN(sum.n); kind++) {
            sum.n[kind] += c->n[kind];
        }
    }
    pthread_mutex_unlock(&hub->mutex);
    return sum;
}

void hub_stats(struct hub *hub, struct hub_stats *stats_r)
{
    *stats_r = (struct hub_stats){
#define STAT(name) .name = atomic_load(&hub->stats.name)
        STAT(streams),
        STAT(stream_legs),
        STAT(push_subscriptions),
        STAT(streams_opened),
        STAT(documents),
        STAT(notices),
        STAT(heartbeats),
        STAT(taken_over),
        STAT(lost),
        STAT(cut_off),
        STAT(posts_ok),
        STAT(posts_failed),
        STAT(pushes_given_up),
#undef STAT
        .lag_ms = measure_lag(hub),
        .subscriptions = sum_counts(hub),
    };
}

uint64_t hub_commits(struct hub *hub)
{
    uint64_t commits;

    pthread_mutex_lock(&hub->mutex);
    commits = hub->commits;
    pthread_mutex_unlock(&hub->mutex);
    return commits;
}

uint64_t hub_wait_commit(struct hub *hub, uint64_t since, int64_t wait_ms)
{
    struct timespec until = hub_real_time_in(wait_ms);
    uint64_t commits;
    int rc = 0;

    pthread_mutex_lock(&hub->mutex);
    hub->commit_waiters++;
    while (hub->commits <= since && !hub->stopping && rc == 0) {
        rc = pthread_cond_timedwait(&hub->changed, &hub->mutex, &until);
    }
    hub->commit_waiters--;
    commits = hub->commits;
    pthread_mutex_unlock(&hub->mutex);
    return commits;
}

/* Nothing was changed. */
static void leave_unchanged(struct desk *desk)
{
    pthread_mutex_unlock(&desk->mutex);
    desk_unref(desk);
}

static unsigned count_streams(const struct desk *desk, struct subscription_id id)
{
    unsigned count = 0;

    for (const struct hub_stream *s = desk->streams; s != NULL; s = s->next) {
        for (size_t i = 0; i < s->n && s->state == STREAM_OPEN; i++) {
            count += s->legs[i].subscription.id.v == id.v ? 1 : 0;
        }
    }
    return count;
}

unsigned hub_streams_of(struct hub *hub, struct mailbox_no no, struct subscription_id id)
{
    struct desk *desk = hub_desk(hub, no, false);
    unsigned count;

    if (desk == NULL) {
        return 0;
    }
    count = count_streams(desk, id);
    leave_unchanged(desk);
    return count;
}

bool hub_cursor(struct hub *hub, struct mailbox_no no, struct subscription_id id,
                struct log_position *at_r)
{
    struct desk *desk = hub_desk(hub, no, false);
    const struct cursor *cursor;

    if (desk == NULL) {
        return false;
    }
    cursor = cursor_find(desk, id);
    if (cursor != NULL) {
        *at_r = cursor->told;
    }
    leave_unchanged(desk);
    return cursor != NULL;
}
