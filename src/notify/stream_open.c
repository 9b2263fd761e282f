/* How streams come to their desks and take each other's place, and what their outlets tell. */
#include "notify/notify-private.h"

#include "base/mem.h"
#include "base/rand.h"
#include "mailbox/store.h"

#include <assert.h>
#include <stdlib.h>

/* ---- opening ---- */

/* Whether the log may hold something for it already. */
static bool is_behind(const struct desk *desk, const struct hub_stream_request *request,
                      const struct cursor *cursor)
{
    return request->seen.rows == 0 || request->seen.commits != hub_commits(desk->hub) ||
           log_position_cmp(cursor->told, request->seen.end) < 0;
}

/* Thousands of streams wait for days: each has what it needs, rounded up a little. */
static size_t bytes_of(const struct hub_stream_request *request)
{
    size_t bytes = sizeof(struct hub_stream) + request->n * (sizeof(struct leg) + 32);

    for (size_t i = 0; i < request->n; i++) {
        const struct subscription *s = &request->subscriptions[i];

        bytes += s->folder_n * sizeof(s->folders[0]) + s->url.n + s->caller_data.n;
    }
    return bytes + 64;
}

static struct hub_stream *stream_new(struct desk *desk, const struct hub_stream_request *request)
{
    struct arena *arena = arena_new_sized(NULL, "stream", bytes_of(request));
    struct hub_stream *s = ARENA_NEW(arena, struct hub_stream);
    int64_t now_ms = hub_now(desk->hub);

    s->arena = arena;
    s->desk = desk;
    s->ops = request->ops;
    s->outlet = request->outlet;
    s->refs = 2;
    s->end_ms = now_ms + request->life_ms;
    s->sure_ms = NEVER;
    s->n = request->n;
    s->turn = rand_u64() % request->n; /* no leg is always the one that tells first */
    s->legs = ARENA_ARRAY(arena, struct leg, request->n);
    for (size_t i = 0; i < s->n; i++) {
        s->legs[i].subscription = subscription_dup(arena, &request->subscriptions[i]);
        s->legs[i].cursor = cursor_use(desk, &request->subscriptions[i]);
        s->legs[i].hungry_ms = now_ms;
        s->legs[i].hungry = is_behind(desk, request, s->legs[i].cursor);
    }
    desk_ref(desk);
    return s;
}

static bool is_wanted(const struct hub_stream_request *request, struct subscription_id id)
{
    for (size_t i = 0; i < request->n; i++) {
        if (request->subscriptions[i].id.v == id.v) {
            return true;
        }
    }
    return false;
}

static bool is_taken_over(const struct hub_stream *s, const struct hub_stream_request *request)
{
    for (size_t i = 0; i < s->n; i++) {
        if (is_wanted(request, s->legs[i].subscription.id)) {
            return true;
        }
    }
    return false;
}

/* Those that would be open beside the new one. */
static unsigned count_others(const struct desk *desk, const struct hub_stream_request *request)
{
    unsigned n = 0;

    for (const struct hub_stream *s = desk->streams; s != NULL; s = s->next) {
        n += s->state == STREAM_OPEN && !is_taken_over(s, request) ? 1 : 0;
    }
    return n;
}

static void tell_taken_over(struct hub_stream *s, const struct hub_stream_request *request)
{
    const struct subscription **which = mem_alloc(s->n * sizeof(*which));
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (is_wanted(request, s->legs[i].subscription.id)) {
            which[n++] = &s->legs[i].subscription;
        }
    }
    if (!s->full) {
        (void)s->ops->error(s->outlet, ERR_STREAM_TAKEN_OVER, which, n, true);
        atomic_fetch_add(&s->desk->hub->stats.documents, 1);
    }
    free(which);
}

/* What the peer has acknowledged up to here is sure, since its client goes on with a new connection. A client that was told Closed and comes back is not told of a take-over. */
static void take_over(struct hub_stream *s, const struct hub_stream_request *request)
{
    bool closing = s->state == STREAM_CLOSING;

    if ((closing && s->acked_before) || (!s->full && s->ops->is_taken(s->outlet))) {
        stream_settle(s);
    } else {
        stream_fall_back(s);
    }
    if (!closing) {
        tell_taken_over(s, request);
        atomic_fetch_add(&s->desk->hub->stats.taken_over, 1);
    }
    stream_end(s);
}

static void take_over_all(struct desk *desk, const struct hub_stream_request *request)
{
    for (struct hub_stream *s = desk->streams, *next; s != NULL; s = next) {
        next = s->next;
        if (is_taken_over(s, request)) {
            take_over(s, request);
        }
    }
}

/* Registering is before reading: what is committed from here on wakes it. The rows are looked at once more if they may have changed since they were read. */
static struct hub_stream *stream_begin(struct desk *desk, const struct hub_stream_request *request)
{
    struct hub *hub = desk->hub;
    struct hub_stream *s;

    take_over_all(desk, request);
    s = stream_new(desk, request);
    s->next = desk->streams;
    desk->streams = s;
    if (request->seen.rows != hub_look(hub).rows) {
        desk->rows_wanted = true;
    }
    desk->wakes++;
    hub_begins(hub, &hub->streams_out);
    atomic_fetch_add(&hub->stats.streams, 1);
    atomic_fetch_add(&hub->stats.stream_legs, s->n);
    atomic_fetch_add(&hub->stats.streams_opened, 1);
    (void)stream_wrote(s, s->ops->alive(s->outlet));
    return s;
}

/* The limit of the mailbox's user. */
static unsigned max_streams(const struct hub *hub, struct mailbox_no no)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct user user;

    if (hub->user_n == 0 || store_user_by_mailbox(hub->store, no, tmp, &user, NULL) != 1) {
        return hub->defaults.max_streams;
    }
    return hub_limits_of(hub, str_cstr(tmp, user.address)).max_streams;
}

int hub_stream_open(struct hub *hub, const struct hub_stream_request *request,
                    struct hub_stream **stream_r, struct err *err_r)
{
    unsigned max = max_streams(hub, request->mailbox);
    struct desk *desk = hub_desk(hub, request->mailbox, true);
    int rc = 0;

    assert(request->n > 0);
    if (desk == NULL) {
        return err_set(err_r, ERR_SHUTTING_DOWN, "the hub is stopping");
    }
    if (desk->stopping) {
        rc = err_set(err_r, ERR_SHUTTING_DOWN, "the hub is stopping");
    } else if (count_others(desk, request) >= max) {
        rc = err_set(err_r, ERR_CONNECTION_COUNT, "the mailbox has %u streams", max);
    } else {
        *stream_r = stream_begin(desk, request);
    }
    desk_leave(desk);
    return rc;
}

/* ---- what the outlet tells ---- */

bool stream_unref(struct hub_stream *s)
{
    assert(s->refs > 0);
    return --s->refs == 0;
}

void hub_stream_free(struct hub_stream *s)
{
    struct desk *desk = s->desk;

    arena_free(&s->arena);
    desk_unref(desk);
}

/* The stream's desk, locked and with a reference of the caller's. */
static struct desk *desk_of(struct hub_stream *s)
{
    desk_ref(s->desk);
    desk_lock(s->desk);
    return s->desk;
}

void hub_stream_ready(struct hub_stream *s)
{
    struct desk *desk = desk_of(s);

    s->full = false;
    s->last_ms = hub_now(desk->hub); /* what waited has gone out now */
    if (s->state == STREAM_OPEN) {
        stream_tell_gone(s);
    }
    desk_leave(desk);
}

static void give_back(struct hub_stream *s, struct desk *desk)
{
    bool last = stream_unref(s);

    desk_leave(desk);
    if (last) {
        hub_stream_free(s);
    }
}

/* Whoever hangs up on Closed, and had acknowledged all before it, has read it. */
void hub_stream_lost(struct hub_stream *s)
{
    struct desk *desk = desk_of(s);

    if (s->state == STREAM_CLOSING && s->acked_before) {
        stream_settle(s);
        stream_end(s);
    } else if (s->state != STREAM_ENDED) {
        stream_break(s);
    }
    give_back(s, desk);
}

void hub_stream_forget(struct hub_stream *s)
{
    struct desk *desk = desk_of(s);

    assert(s->state == STREAM_ENDED);
    give_back(s, desk);
}
