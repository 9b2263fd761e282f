/*
 * One thread looks after all streams of a server. It sleeps until a peer hangs up, a full socket has room again, or another thread queued a stream; once a second while a stream has a
 * deadline. Whatever is to be done with a stream is done in attend, and memory is freed only between two rounds, so that no event of a round can name a stream that is gone.
 */
#include "http/stream-private.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PERIOD_MS 1000
#define HURRIED_PERIOD_MS 20
#define EVENTS_AT_ONCE 64
#define NO_DEADLINE INT64_MAX

/* Edges: what a peer sends meanwhile, and nobody reads, wakes the thread not at all or once. */
static const uint32_t always = EPOLLET | EPOLLRDHUP;

/* ---- called by other threads ---- */

void streams_queue_locked(struct http_stream *s)
{
    struct streams *set = s->set;

    if (s->queued || set->ended) {
        return;
    }
    s->queued = true;
    TAILQ_INSERT_TAIL(&set->todo, s, todo);
    set->todo_count++;
    if (set->todo_count == 1) {
        (void)eventfd_write(set->wake_fd, 1);
    }
}

void streams_queue(struct http_stream *s)
{
    (void)pthread_mutex_lock(&s->set->lock);
    streams_queue_locked(s);
    (void)pthread_mutex_unlock(&s->set->lock);
}

int streams_add(struct streams *set, struct http_stream *s, struct err *err_r)
{
    struct epoll_event event = {.events = always | (s->wire.session != NULL ? EPOLLIN : 0),
                                .data.ptr = s};
    bool room;

    (void)pthread_mutex_lock(&set->lock);
    room = set->count < HTTP_MAX_STREAMS;
    if (room) {
        set->count++;
        LIST_INSERT_HEAD(&set->all, s, all);
    }
    (void)pthread_mutex_unlock(&set->lock);
    if (!room) {
        return err_set(err_r, ERR_IO, "there are %u streams already", HTTP_MAX_STREAMS);
    }
    s->events = event.events;
    if (epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, s->wire.fd, &event) < 0) {
        int error = errno;

        (void)pthread_mutex_lock(&set->lock);
        LIST_REMOVE(s, all);
        set->count--;
        (void)pthread_mutex_unlock(&set->lock);
        return err_set(err_r, ERR_IO, "cannot watch a stream: %s", strerror(error));
    }
    return 0;
}

/* ---- one stream; under its lock ---- */

static void set_deadline(struct http_stream *s, int64_t at_ms)
{
    if (s->deadline_ms == NO_DEADLINE && at_ms != NO_DEADLINE) {
        LIST_INSERT_HEAD(&s->set->timed, s, timed);
    } else if (s->deadline_ms != NO_DEADLINE && at_ms == NO_DEADLINE) {
        LIST_REMOVE(s, timed);
    }
    s->deadline_ms = at_ms;
}

static void set_deadline_in(struct http_stream *s, int64_t in_ms)
{
    set_deadline(s, clock_monotonic_ms(s->set->clock) + in_ms);
}

/* Gives the socket up. */
static void release(struct http_stream *s, bool reset)
{
    if (s->wire.fd < 0) {
        return;
    }
    s->acked = !s->full && stream_wire_acknowledged(&s->wire);
    (void)epoll_ctl(s->set->epoll_fd, EPOLL_CTL_DEL, s->wire.fd, NULL);
    if (reset) {
        stream_wire_reset_on_close(&s->wire);
    }
    if (s->parked == NULL) {
        (void)close(s->wire.fd);
    } else {
        /* This closes the socket; the library, which comes later, finds one that nobody minds. */
        (void)dup3(s->set->dummy_fd, s->wire.fd, O_CLOEXEC);
        exchange_unpark(s->parked);
        s->parked = NULL;
    }
    s->wire = (struct stream_wire){.fd = -1};
    buf_fini(&s->rest);
    s->rest = BUF_INIT;
    s->rest_at = 0;
    set_deadline(s, NO_DEADLINE);
}

static void enter_over(struct http_stream *s, bool reset)
{
    assert(s->state != STREAM_OVER);
    release(s, reset);
    s->state = STREAM_OVER;
    SLIST_INSERT_HEAD(&s->set->graves, s, grave);
}

/* The connection ended otherwise than by its owner's wish. */
static void enter_dead(struct http_stream *s, bool reset)
{
    if (s->state == STREAM_ENDING || s->state == STREAM_LINGERING) {
        enter_over(s, reset);
        return;
    }
    s->state = STREAM_GONE;
    release(s, reset);
}

static void enter_ending(struct http_stream *s)
{
    assert(s->state == STREAM_OPEN);
    if (s->chunked) {
        BUF_LIT(&s->rest, "0\r\n\r\n");
    }
    s->head_sent = true;
    s->state = STREAM_ENDING;
    set_deadline_in(s, HTTP_STREAM_LINGER_MS);
}

/* True when what waits went on; dead connections end here. */
static bool send_on(struct http_stream *s)
{
    size_t before = s->rest.n - s->rest_at;

    if (!stream_send_rest(s)) {
        enter_dead(s, false);
        return false;
    }
    return s->rest.n - s->rest_at < before;
}

static void step_open(struct http_stream *s)
{
    bool moved = s->full && send_on(s);

    if (s->state != STREAM_OPEN) {
        return;
    }
    if (!s->full || s->rest.n == 0) {
        set_deadline(s, NO_DEADLINE);
    } else if (moved || s->deadline_ms == NO_DEADLINE) {
        set_deadline_in(s, HTTP_STREAM_STALL_MS);
    }
}

static void step_ending(struct http_stream *s)
{
    (void)send_on(s);
    if (s->state == STREAM_ENDING && s->rest.n == 0 && stream_wire_end(&s->wire)) {
        s->state = STREAM_LINGERING;
    }
}

static enum stream_closing closing_of(struct http_stream *s)
{
    enum stream_closing closing;

    (void)pthread_mutex_lock(&s->set->lock);
    closing = s->closing;
    (void)pthread_mutex_unlock(&s->set->lock);
    return closing;
}

static bool is_hurried(struct streams *set)
{
    bool hurry;

    (void)pthread_mutex_lock(&set->lock);
    hurry = set->hurry;
    (void)pthread_mutex_unlock(&set->lock);
    return hurry;
}

/* What happened is known; brings the stream where it belongs. */
static void step(struct http_stream *s, enum stream_closing closing)
{
    if (s->set->cutting || s->hung_up || s->state == STREAM_GONE) {
        enter_dead(s, !s->hung_up);
    }
    if (closing == STREAM_FINISH && s->state == STREAM_OPEN) {
        enter_ending(s);
    }
    if (s->state != STREAM_OVER &&
        (closing == STREAM_CUT || (closing == STREAM_FINISH && s->state == STREAM_GONE))) {
        enter_over(s, true);
    }
    if (s->state == STREAM_OPEN) {
        step_open(s);
    }
    if (s->state == STREAM_ENDING) {
        step_ending(s);
    }
    if (s->state == STREAM_LINGERING && is_hurried(s->set) && stream_wire_acknowledged(&s->wire)) {
        enter_over(s, false);
    }
    if (s->deadline_ms < clock_monotonic_ms(s->set->clock)) {
        enter_dead(s, true);
    }
}

/* Watches for room only while bytes wait. */
static void watch(struct http_stream *s)
{
    bool waits = s->state == STREAM_ENDING || (s->state == STREAM_OPEN && s->full);
    struct epoll_event event = {.events = always | (waits ? EPOLLOUT : 0), .data.ptr = s};

    if (s->wire.fd < 0) {
        return;
    }
    if (s->wire.session != NULL && !s->wire.deaf) {
        event.events |= EPOLLIN;
    }
    if (event.events != s->events) {
        s->events = event.events;
        (void)epoll_ctl(s->set->epoll_fd, EPOLL_CTL_MOD, s->wire.fd, &event);
    }
}

/* ---- one stream; without its lock ---- */

static void tell(struct http_stream *s, void (*handler)(void *context))
{
    struct streams *set = s->set;
    bool closed;

    (void)pthread_mutex_lock(&set->lock);
    closed = s->closed;
    set->running = closed ? NULL : s;
    (void)pthread_mutex_unlock(&set->lock);
    if (closed) {
        return;
    }
    handler(s->handler.context);
    (void)pthread_mutex_lock(&set->lock);
    set->running = NULL;
    (void)pthread_cond_broadcast(&set->changed);
    (void)pthread_mutex_unlock(&set->lock);
}

/* A parked exchange is over for its handler as soon as the stream is open. */
static void leave_exchange(struct http_stream *s)
{
    struct http_exchange *x;

    (void)pthread_mutex_lock(&s->lock);
    x = s->exchange_left ? NULL : s->parked;
    s->exchange_left = true;
    (void)pthread_mutex_unlock(&s->lock);
    if (x != NULL) {
        exchange_leave(x);
    }
}

static void attend(struct http_stream *s, uint32_t events)
{
    bool lost = false, ready = false;

    leave_exchange(s);
    (void)pthread_mutex_lock(&s->lock);
    if (s->state != STREAM_OVER) {
        if ((events & ~(uint32_t)EPOLLOUT) != 0 && s->wire.fd >= 0) {
            s->hung_up = s->hung_up || stream_wire_hung_up(&s->wire);
        }
        step(s, closing_of(s));
        watch(s);
        lost = s->state == STREAM_GONE && !s->told_lost;
        ready = s->state == STREAM_OPEN && s->full && s->rest.n == 0;
        s->told_lost = s->told_lost || lost;
        s->full = s->full && !ready;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (lost) {
        tell(s, s->handler.lost);
    } else if (ready) {
        tell(s, s->handler.ready);
    }
}

/* ---- the thread ---- */

static struct http_stream *next_todo(struct streams *set)
{
    struct http_stream *s;

    (void)pthread_mutex_lock(&set->lock);
    s = TAILQ_FIRST(&set->todo);
    if (s != NULL) {
        TAILQ_REMOVE(&set->todo, s, todo);
        set->todo_count--;
        s->queued = false;
    }
    (void)pthread_mutex_unlock(&set->lock);
    return s;
}

static unsigned count_todo(struct streams *set)
{
    unsigned n;

    (void)pthread_mutex_lock(&set->lock);
    n = set->todo_count;
    (void)pthread_mutex_unlock(&set->lock);
    return n;
}

/* When the server stops, an acknowledgement is waited for, and no event tells of it. */
static void queue_if_hurried(struct streams *set)
{
    struct http_stream *s;

    (void)pthread_mutex_lock(&set->lock);
    if (set->hurry) {
        LIST_FOREACH(s, &set->all, all)
        {
            streams_queue_locked(s);
        }
    }
    (void)pthread_mutex_unlock(&set->lock);
}

/* Those that wait now: what they cause is for the next round, so that sockets get their turn. */
static void attend_todo(struct streams *set)
{
    for (unsigned n = count_todo(set); n > 0; n--) {
        struct http_stream *s = next_todo(set);

        if (s == NULL) {
            return;
        }
        attend(s, 0);
    }
}

static void attend_late(struct streams *set)
{
    int64_t now = LIST_EMPTY(&set->timed) ? 0 : clock_monotonic_ms(set->clock);
    struct http_stream *next;

    for (struct http_stream *s = LIST_FIRST(&set->timed); s != NULL; s = next) {
        next = LIST_NEXT(s, timed);
        if (s->deadline_ms < now) {
            attend(s, 0);
        }
    }
}

static void bury(struct streams *set)
{
    struct http_stream *s;

    while ((s = SLIST_FIRST(&set->graves)) != NULL) {
        SLIST_REMOVE_HEAD(&set->graves, grave);
        (void)pthread_mutex_lock(&set->lock);
        if (s->queued) {
            TAILQ_REMOVE(&set->todo, s, todo);
            set->todo_count--;
        }
        LIST_REMOVE(s, all);
        set->count--;
        set->lingering--;
        (void)pthread_cond_broadcast(&set->changed);
        (void)pthread_mutex_unlock(&set->lock);
        stream_free(s);
    }
}

static void wait_and_attend(struct streams *set)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    bool hurry = is_hurried(set);
    int64_t period_ms = hurry ? HURRIED_PERIOD_MS : clock_real_ms(set->clock, PERIOD_MS);
    int timeout_ms = LIST_EMPTY(&set->timed) && !hurry ? -1 : (int)period_ms;
    int n;

    if (count_todo(set) > 0) {
        timeout_ms = 0;
    }
    n = epoll_wait(set->epoll_fd, events, EVENTS_AT_ONCE, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct http_stream *s = events[i].data.ptr;

        if (s != NULL) {
            attend(s, events[i].events);
        } else {
            eventfd_t ignored;

            (void)eventfd_read(set->wake_fd, &ignored);
        }
    }
}

static void begin_cutting(struct streams *set)
{
    struct http_stream *s;

    set->cutting = true;
    (void)pthread_mutex_lock(&set->lock);
    LIST_FOREACH(s, &set->all, all)
    {
        streams_queue_locked(s);
    }
    (void)pthread_mutex_unlock(&set->lock);
}

/* False when the thread is done; streams that their owners have not closed are theirs alone then. */
static bool goes_on(struct streams *set)
{
    bool stopping, on;

    (void)pthread_mutex_lock(&set->lock);
    stopping = set->stopping;
    (void)pthread_mutex_unlock(&set->lock);
    if (stopping && !set->cutting) {
        begin_cutting(set);
    }
    (void)pthread_mutex_lock(&set->lock);
    on = !set->cutting || set->todo_count > 0;
    set->ended = !on;
    (void)pthread_mutex_unlock(&set->lock);
    return on;
}

static void *loop(void *arg)
{
    struct streams *set = arg;

    do {
        wait_and_attend(set);
        queue_if_hurried(set);
        attend_todo(set);
        attend_late(set);
        bury(set);
    } while (goes_on(set));
    return NULL;
}

/* ---- start and stop ---- */

void streams_free(struct streams *set)
{
    const int fds[] = {set->epoll_fd, set->wake_fd, set->dummy_fd};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    (void)pthread_mutex_destroy(&set->lock);
    (void)pthread_cond_destroy(&set->changed);
    free(set);
}

static int open_sockets(struct streams *set, struct err *err_r)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    set->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    set->dummy_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (set->epoll_fd < 0 || set->wake_fd < 0 || set->dummy_fd < 0 ||
        epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, set->wake_fd, &event) < 0) {
        return err_set(err_r, ERR_IO, "no sockets for streams: %s", strerror(errno));
    }
    return 0;
}

static int start(struct streams *set, struct err *err_r)
{
    TRY(open_sockets(set, err_r));
    if (pthread_create(&set->thread, NULL, loop, set) != 0) {
        return err_set(err_r, ERR_INTERNAL, "cannot start the streams' thread");
    }
    return 0;
}

int streams_start(struct clock *clock, struct streams **set_r, struct err *err_r)
{
    struct streams *set = mem_alloc_zero(1, sizeof(*set));
    pthread_condattr_t attr;
    int rc;

    set->clock = clock;
    LIST_INIT(&set->all);
    LIST_INIT(&set->timed);
    SLIST_INIT(&set->graves);
    TAILQ_INIT(&set->todo);
    (void)pthread_mutex_init(&set->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&set->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    rc = start(set, err_r);
    if (rc < 0) {
        streams_free(set);
        return rc;
    }
    *set_r = set;
    return 0;
}

unsigned streams_count(struct streams *set)
{
    unsigned n;

    (void)pthread_mutex_lock(&set->lock);
    n = set->count;
    (void)pthread_mutex_unlock(&set->lock);
    return n;
}

void streams_stop(struct streams **set_p, const struct timespec *until)
{
    struct streams *set = *set_p;
    bool empty;
    int rc = 0;

    if (set == NULL) {
        return;
    }
    *set_p = NULL;
    (void)pthread_mutex_lock(&set->lock);
    set->hurry = true;
    (void)eventfd_write(set->wake_fd, 1);
    while (set->lingering > 0 && rc == 0 && until != NULL) {
        rc = pthread_cond_timedwait(&set->changed, &set->lock, until);
    }
    set->stopping = true;
    (void)eventfd_write(set->wake_fd, 1);
    (void)pthread_mutex_unlock(&set->lock);
    (void)pthread_join(set->thread, NULL);
    (void)pthread_mutex_lock(&set->lock);
    set->abandoned = true;
    empty = set->count == 0;
    (void)pthread_mutex_unlock(&set->lock);
    if (empty) {
        streams_free(set);
    }
}
