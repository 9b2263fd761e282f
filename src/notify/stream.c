/* Streams: their documents, and what they do by the clock. */
#include "notify/notify-private.h"

#include "base/mem.h"
#include "notify/reader.h"

#include <stdlib.h>

/* ---- how a stream ends ---- */

/* The connection took all that was written. */
void stream_settle(struct hub_stream *s)
{
    for (size_t i = 0; i < s->n; i++) {
        cursor_sure(s->legs[i].cursor, s->legs[i].cursor->told);
    }
}

static bool is_acked(const struct hub_stream *s)
{
    return s->ops->is_acked != NULL && s->ops->is_acked(s->outlet);
}

/* What it did not surely take is told to the next one. */
void stream_fall_back(struct hub_stream *s)
{
    if (s->first != NULL && (s->first_acked || is_acked(s))) {
        cursor_took_first(s->first, s->first_told, hub_now(s->desk->hub));
    }
    for (size_t i = 0; i < s->n; i++) {
        s->legs[i].cursor->told = s->legs[i].cursor->sure;
    }
}

void stream_end(struct hub_stream *s)
{
    struct desk *desk = s->desk;
    struct hub_stream **at = &desk->streams;

    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    for (size_t i = 0; i < s->n; i++) {
        cursor_unuse(s->legs[i].cursor);
    }
    atomic_fetch_sub(&desk->hub->stats.streams, 1);
    atomic_fetch_sub(&desk->hub->stats.stream_legs, s->n);
    s->state = STREAM_ENDED;
    s->next = desk->ended;
    desk->ended = s;
}

void stream_break(struct hub_stream *s)
{
    stream_fall_back(s);
    atomic_fetch_add(&s->desk->hub->stats.lost, 1);
    stream_end(s);
}

/* A document was handed out. False: nobody takes any more, and the stream has ended. */
bool stream_wrote(struct hub_stream *s, enum outlet_result result)
{
    struct hub *hub = s->desk->hub;

    if (result == OUTLET_DEAD) {
        stream_break(s);
        return false;
    }
    s->last_ms = hub_now(hub);
    if (result == OUTLET_FULL) {
        s->full = true;
        s->full_ms = s->last_ms;
    }
    atomic_fetch_add(&hub->stats.documents, 1);
    return true;
}

/* ---- closing ---- */

static void poll_closing(struct hub_stream *s, int64_t now_ms, bool give_up)
{
    if (!s->full && s->ops->is_taken(s->outlet)) {
        stream_settle(s);
        stream_end(s);
    } else if (give_up || now_ms - s->close_ms >= NOTIFY_CLOSE_MS) {
        stream_fall_back(s);
        stream_end(s);
    } else {
        s->close_poll_ms = least(now_ms + s->close_step_ms, s->close_ms + NOTIFY_CLOSE_MS);
        s->close_step_ms = least(s->close_step_ms * 2, NOTIFY_CLOSE_MS); /* a stop asks often */
    }
}

/* Closed goes out. The stream stays a moment, to learn whether the peer took it. */
static void stream_close(struct hub_stream *s, int64_t now_ms)
{
    s->acked_before = s->ops->is_taken(s->outlet);
    if (!stream_wrote(s, s->ops->closed(s->outlet))) {
        return;
    }
    s->state = STREAM_CLOSING;
    s->close_ms = now_ms;
    s->close_step_ms = NOTIFY_CLOSE_FIRST_MS;
    poll_closing(s, now_ms, false);
}

static void stream_cut(struct hub_stream *s)
{
    stream_fall_back(s);
    atomic_fetch_add(&s->desk->hub->stats.cut_off, 1);
    stream_end(s);
}

void streams_close_all(struct desk *desk)
{
    int64_t now_ms = hub_now(desk->hub);

    for (struct hub_stream *s = desk->streams, *next; s != NULL; s = next) {
        next = s->next;
        if (s->state == STREAM_OPEN && s->full) {
            stream_cut(s);
        } else if (s->state == STREAM_OPEN) {
            stream_close(s, now_ms);
        }
    }
}

void streams_poll_closing(struct desk *desk, bool give_up)
{
    int64_t now_ms = hub_now(desk->hub);

    for (struct hub_stream *s = desk->streams, *next; s != NULL; s = next) {
        next = s->next;
        if (s->state == STREAM_CLOSING) {
            poll_closing(s, now_ms, give_up);
        }
    }
}

/* ---- documents from the log ---- */

/* Two generations: while the candidates become sure, what is told besides waits. */
static void begin_sureness(struct hub_stream *s, int64_t now_ms)
{
    bool any = false;

    for (size_t i = 0; i < s->n; i++) {
        s->legs[i].candidate = s->legs[i].cursor->told;
        any = any || log_position_cmp(s->legs[i].candidate, s->legs[i].cursor->sure) > 0;
    }
    s->sure_ms = any ? now_ms + NOTIFY_SURE_MS : NEVER;
}

/* The first document with notices, and whether it was acknowledged while only it was out. */
static void note_first(struct hub_stream *s, struct cursor *cursor, struct log_position at)
{
    if (!s->has_first) {
        s->has_first = true;
        s->first = cursor;
        s->first_told = at;
    }
}

static void told(struct hub_stream *s, struct leg *leg, struct log_position at)
{
    int64_t now_ms = s->last_ms;

    note_first(s, leg->cursor, at);
    leg->cursor->told = at;
    leg->next_ms = now_ms + NOTIFY_SPACING_MS;
    if (s->sure_ms == NEVER) {
        begin_sureness(s, now_ms);
    }
}

/* Nothing between concerns it: that is as sure as what came before. */
static void passed(struct leg *leg, struct log_position at)
{
    struct cursor *c = leg->cursor;

    if (log_position_cmp(c->told, c->sure) == 0) {
        c->sure = at;
    }
    c->told = at;
}

/* The log was forgotten, or cut by a restore: what was sure is so no more. */
static bool tell_missed(struct hub_stream *s, struct leg *leg, struct log_position start)
{
    const struct subscription *which = &leg->subscription;

    if (!stream_wrote(s, s->ops->error(s->outlet, ERR_EVENTS_MISSED, &which, 1, false))) {
        return false;
    }
    if (log_position_cmp(start, leg->cursor->sure) < 0) {
        leg->cursor->sure = start;
        leg->cursor->urgent = true;
    }
    told(s, leg, start);
    return true;
}

static bool tell_notices(struct hub_stream *s, struct leg *leg, const struct notice_page *page)
{
    if (!stream_wrote(s, s->ops->notices(s->outlet, &leg->subscription, page))) {
        return false;
    }
    atomic_fetch_add(&s->desk->hub->stats.notices, page->n);
    told(s, leg, page->end);
    return true;
}

/* 1: the stream lives on; 0: not. */
static int leg_read(struct hub_stream *s, struct leg *leg, struct notice_reader *reader,
                    struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    const struct desk *desk = s->desk;
    struct notice_page page;
    struct log_position start;

    TRY(notice_reader_page(reader, &leg->subscription, leg->cursor->told, NOTIFY_MAX_NOTICES, tmp,
                           &page, &start, err_r));
    leg->cursor->fresh = false;
    if (page.missed) {
        return tell_missed(s, leg, start);
    }
    if (page.n != 0 && !tell_notices(s, leg, &page)) {
        return 0;
    }
    if (page.n == 0) {
        passed(leg, page.end);
    }
    leg->hungry_ms = hub_now(desk->hub);
    leg->hungry = page.more || desk->wakes != desk->read_wakes;
    return 1;
}

static bool may_read(const struct hub_stream *s)
{
    return s->state == STREAM_OPEN && !s->full;
}

static int stream_read(struct hub_stream *s, struct notice_reader *reader, struct err *err_r)
{
    int64_t now_ms = hub_now(s->desk->hub);

    for (size_t i = 0; i < s->n && may_read(s); i++) {
        struct leg *leg = &s->legs[(s->turn + i) % s->n];

        if (leg->hungry && !leg->gone && leg->next_ms <= now_ms) {
            int rc;

            s->first_acked = s->first_acked || (s->first != NULL && is_acked(s));
            rc = leg_read(s, leg, reader, err_r);

            if (rc <= 0) {
                return rc;
            }
        }
    }
    return 0;
}

int streams_read(struct desk *desk, struct notice_reader *reader, struct err *err_r)
{
    for (struct hub_stream *s = desk->streams, *next; s != NULL; s = next) {
        next = s->next;
        TRY(stream_read(s, reader, err_r));
    }
    return 0;
}

int64_t streams_read_ms(const struct desk *desk)
{
    int64_t due_ms = NEVER;

    for (const struct hub_stream *s = desk->streams; s != NULL; s = s->next) {
        for (size_t i = 0; i < s->n && may_read(s); i++) {
            if (s->legs[i].hungry && !s->legs[i].gone) {
                due_ms = least(due_ms, s->legs[i].next_ms);
            }
        }
    }
    return due_ms;
}

/* ---- subscriptions that end ---- */

static void drop_gone(struct hub_stream *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (s->legs[i].gone) {
            s->first = s->first == s->legs[i].cursor ? NULL : s->first;
            cursor_unuse(s->legs[i].cursor);
        } else {
            s->legs[n++] = s->legs[i];
        }
    }
    atomic_fetch_sub(&s->desk->hub->stats.stream_legs, s->n - n);
    s->n = n;
}

/* All that are gone, in one document; the last ones take the stream with them. */
void stream_tell_gone(struct hub_stream *s)
{
    const struct subscription **which = mem_alloc(s->n * sizeof(*which));
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (s->legs[i].gone) {
            which[n++] = &s->legs[i].subscription;
        }
    }
    if (n != 0 && may_read(s) &&
        stream_wrote(s, s->ops->error(s->outlet, ERR_SUBSCRIPTION_INVALID, which, n, n == s->n))) {
        if (n == s->n) {
            stream_end(s);
        } else {
            drop_gone(s);
        }
    }
    free(which);
}

/* Before anything was told, the row knows better than the copy that the stream was opened with. */
static void refresh(struct cursor *c, const struct subscription *row)
{
    if (c->fresh) {
        c->told = c->sure = c->stored = row->cursor;
    }
}

void streams_compare(struct desk *desk, const struct subscription *rows, size_t n)
{
    for (struct hub_stream *s = desk->streams, *next; s != NULL; s = next) {
        next = s->next;
        for (size_t i = 0; i < s->n; i++) {
            struct leg *leg = &s->legs[i];
            const struct subscription *row = row_find(rows, n, leg->subscription.id);

            if (row != NULL) {
                refresh(leg->cursor, row);
            } else {
                leg->gone = leg->cursor->gone = true;
            }
        }
        stream_tell_gone(s);
    }
}

/* ---- the clock ---- */

static void look_whether_sure(struct hub_stream *s, int64_t now_ms)
{
    if (s->full || !s->ops->is_taken(s->outlet)) {
        s->sure_ms = now_ms + NOTIFY_SURE_RETRY_MS;
        return;
    }
    for (size_t i = 0; i < s->n; i++) {
        cursor_sure(s->legs[i].cursor, s->legs[i].candidate);
    }
    begin_sureness(s, now_ms);
}

/* When the heartbeats of the desk are due: all together if that makes nobody wait too long. */
static int64_t alive_due_ms(const struct desk *desk)
{
    int64_t oldest = NEVER, newest = 0;

    for (const struct hub_stream *s = desk->streams; s != NULL; s = s->next) {
        if (may_read(s)) {
            oldest = least(oldest, s->last_ms);
            newest = most(newest, s->last_ms);
        }
    }
    return oldest == NEVER ? NEVER
                           : least(newest + NOTIFY_SILENCE_MS, oldest + NOTIFY_SILENCE_MAX_MS);
}

static void heartbeats(struct desk *desk, int64_t now_ms)
{
    if (alive_due_ms(desk) > now_ms) {
        return;
    }
    for (struct hub_stream *s = desk->streams, *next; s != NULL; s = next) {
        next = s->next;
        if (may_read(s) && now_ms - s->last_ms >= NOTIFY_SILENCE_MS) {
            atomic_fetch_add(&desk->hub->stats.heartbeats, 1);
            (void)stream_wrote(s, s->ops->alive(s->outlet));
        }
    }
}

/* Its time is over. What was told just before is acknowledged in a moment, and then the end is clean. */
static void end_by_clock(struct hub_stream *s, int64_t now_ms)
{
    if (s->end_polls < NOTIFY_BEFORE_CLOSE_POLLS && !s->ops->is_taken(s->outlet)) {
        s->end_polls++;
        s->end_ms = now_ms + NOTIFY_BEFORE_CLOSE_MS;
    } else {
        stream_close(s, now_ms);
    }
}

static void stream_tick(struct hub_stream *s, int64_t now_ms)
{
    if (s->state == STREAM_CLOSING) {
        if (now_ms >= s->close_poll_ms) {
            poll_closing(s, now_ms, false);
        }
    } else if (s->full && now_ms >= s->full_ms + NOTIFY_FULL_MS) {
        stream_cut(s);
    } else if (!s->full && now_ms >= s->end_ms) {
        end_by_clock(s, now_ms);
    } else if (now_ms >= s->sure_ms) {
        look_whether_sure(s, now_ms);
    }
}

void streams_tick(struct desk *desk, int64_t now_ms)
{
    for (struct hub_stream *s = desk->streams, *next; s != NULL; s = next) {
        next = s->next;
        stream_tick(s, now_ms);
    }
    heartbeats(desk, now_ms);
}

static int64_t stream_due_ms(const struct hub_stream *s)
{
    if (s->state == STREAM_CLOSING) {
        return s->close_poll_ms;
    }
    return least(s->sure_ms, s->full ? s->full_ms + NOTIFY_FULL_MS : s->end_ms);
}

int64_t streams_due_ms(const struct desk *desk)
{
    int64_t due_ms = alive_due_ms(desk);

    for (const struct hub_stream *s = desk->streams; s != NULL; s = s->next) {
        due_ms = least(due_ms, stream_due_ms(s));
    }
    return due_ms;
}
