/* The end of the hub: all hear of it, and what has to be kept is written. */
#include "notify/notify-private.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static void end_thread(struct hub *hub)
{
    pthread_mutex_lock(&hub->mutex);
    hub->stopping = hub->thread_ends = true;
    pthread_cond_signal(&hub->wake);
    pthread_cond_broadcast(&hub->changed);
    pthread_mutex_unlock(&hub->mutex);
    if (hub->started && hub->threaded) {
        pthread_join(hub->thread, NULL);
    }
    hub->started = false;
}

static void close_desk(struct desk *desk)
{
    desk_ref(desk);
    desk_lock(desk);
    desk->stopping = true;
    streams_close_all(desk);
    desk_leave(desk);
}

/* retry: what could not be written is tried again, whatever the clock says. */
static bool urge_desk(struct desk *desk, bool give_up, bool retry)
{
    bool quiet;

    desk_ref(desk);
    desk_lock(desk);
    streams_poll_closing(desk, give_up);
    if (retry) {
        desk->save_trouble.until_ms = 0;
    }
    quiet = desk_is_quiet(desk);
    desk_leave(desk);
    return quiet;
}

/* Until something ends, or a moment has passed. True: nothing is out any more. */
static bool wait_round(struct hub *hub)
{
    struct timespec until = hub_real_time_in(NOTIFY_STOP_ROUND_MS);
    bool over;

    pthread_mutex_lock(&hub->mutex);
    over = hub->posts_out + hub->jobs_out + hub->streams_out == 0;
    if (!over) {
        (void)pthread_cond_timedwait(&hub->changed, &hub->mutex, &until);
    }
    pthread_mutex_unlock(&hub->mutex);
    return over;
}

/* Half of the time is the peers', to acknowledge; the rest is for what has to be written then. Real time: a test's clock stands still. */
static void end_desks(struct hub *hub, struct desk **desks, size_t n, int64_t wait_ms)
{
    int64_t begun_ms = clock_monotonic_ms(clock_system()), ms = 0;
    int64_t peers_ms = least(wait_ms / 2, NOTIFY_CLOSE_MS), retry_ms = 0;
    bool quiet = false;

    for (size_t i = 0; i < n; i++) {
        close_desk(desks[i]);
    }
    while (!quiet) {
        bool last = ms >= wait_ms, retry = ms >= retry_ms;

        quiet = true;
        for (size_t i = 0; i < n; i++) {
            quiet = urge_desk(desks[i], ms >= peers_ms, retry) && quiet;
        }
        retry_ms = retry ? ms + NOTIFY_STOP_RETRY_MS : retry_ms;
        quiet = wait_round(hub) && quiet;
        if (last) {
            break;
        }
        ms = clock_monotonic_ms(clock_system()) - begun_ms;
    }
}

void hub_stop(struct hub *hub, int64_t wait_ms)
{
    struct desk **desks;
    size_t n;

    end_thread(hub);
    desks = hub_all_desks(hub, &n);
    end_desks(hub, desks, n, wait_ms);
    pthread_mutex_lock(&hub->mutex);
    hub->stopped = true;
    pthread_mutex_unlock(&hub->mutex);
    for (size_t i = 0; i < n; i++) {
        desk_unref(desks[i]);
    }
    free(desks);
}

/* What still holds desks is what could not be written, and push subscriptions. */
static void free_desks(struct hub *hub)
{
    while (hub->desk_n != 0) {
        struct desk *desk = hub->schedule[0];

        assert(desk->holds && desk->refs == 1);
        desk_unref(desk);
    }
}

static void free_counts(struct hub *hub)
{
    size_t it = 0;
    uint64_t no;
    void *value;

    while (u64map_next(hub->counts, &it, &no, &value)) {
        free(value);
    }
    u64map_free(&hub->counts);
}

void hub_free(struct hub **hub)
{
    struct hub *h = *hub;

    if (h == NULL) {
        return;
    }
    *hub = NULL;
    if (!h->stopped) {
        hub_stop(h, 0);
    }
    free_desks(h);
    u64map_free(&h->desks);
    free_counts(h);
    free(h->schedule);
    pthread_cond_destroy(&h->wake);
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->mutex);
    free(h);
}
