#include "http/reaper.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define REAPER_PERIOD_S 1

struct reaper_entry {
    struct reaper_entry *prev, *next;
    _Atomic int64_t deadline_ms;
    int fd;
};

struct reaper {
    struct clock *clock;
    pthread_t thread;
    pthread_mutex_t
        lock; /* the list, stopping, and every shutdown(2): an entry's fd is open while it is in the list */
    pthread_cond_t wake;
    bool stopping;
    struct reaper_entry head;
};

static void reap(struct reaper *r)
{
    int64_t now = clock_monotonic_ms(r->clock);

    for (struct reaper_entry *e = r->head.next; e != &r->head; e = e->next) {
        if (atomic_load_explicit(&e->deadline_ms, memory_order_relaxed) < now) {
            atomic_store_explicit(&e->deadline_ms, REAPER_NEVER, memory_order_relaxed);
            (void)shutdown(e->fd, SHUT_RDWR);
        }
    }
}

static void *reaper_main(void *arg)
{
    struct reaper *r = arg;

    (void)pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        struct timespec until;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += REAPER_PERIOD_S;
        (void)pthread_cond_timedwait(&r->wake, &r->lock, &until);
        reap(r);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

int reaper_start(struct clock *clock, struct reaper **reaper_r, struct err *err_r)
{
    struct reaper *r = mem_alloc_zero(1, sizeof(*r));
    pthread_condattr_t attr;

    r->clock = clock;
    r->head.prev = r->head.next = &r->head;
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&r->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&r->thread, NULL, reaper_main, r) != 0) {
        free(r);
        return err_set(err_r, ERR_INTERNAL, "cannot start the reaper thread");
    }
    *reaper_r = r;
    return 0;
}

void reaper_stop(struct reaper **reaper)
{
    struct reaper *r = *reaper;

    if (r == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&r->lock);
    r->stopping = true;
    (void)pthread_cond_signal(&r->wake);
    (void)pthread_mutex_unlock(&r->lock);
    (void)pthread_join(r->thread, NULL);
    (void)pthread_mutex_destroy(&r->lock);
    (void)pthread_cond_destroy(&r->wake);
    free(r);
    *reaper = NULL;
}

struct reaper_entry *reaper_add(struct reaper *r, int fd, int64_t deadline_ms)
{
    struct reaper_entry *e = mem_alloc_zero(1, sizeof(*e));

    e->fd = fd;
    atomic_init(&e->deadline_ms, deadline_ms);
    (void)pthread_mutex_lock(&r->lock);
    e->next = &r->head;
    e->prev = r->head.prev;
    e->prev->next = e;
    r->head.prev = e;
    (void)pthread_mutex_unlock(&r->lock);
    return e;
}

void reaper_set(struct reaper_entry *entry, int64_t deadline_ms)
{
    atomic_store_explicit(&entry->deadline_ms, deadline_ms, memory_order_relaxed);
}

void reaper_remove(struct reaper *r, struct reaper_entry **entry)
{
    struct reaper_entry *e = *entry;

    if (e == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&r->lock);
    e->prev->next = e->next;
    e->next->prev = e->prev;
    (void)pthread_mutex_unlock(&r->lock);
    free(e);
    *entry = NULL;
}
