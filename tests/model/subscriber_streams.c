/* Streams of a history: an outlet whose peer acknowledges, stalls or vanishes, and a client that reads behind it. */
#include "subscriber_history.h"

#include "base/mem.h"
#include "notify/limits.h"

#include <stdlib.h>
#include <string.h>

/* What a connection took so long ago, all acknowledged since, is sure by any reckoning: two generations and a retry. */
#define SURE_MS (2 * NOTIFY_SURE_MS + 2 * NOTIFY_SURE_RETRY_MS)

static struct leg_told *leg_of(struct connection *c, struct subscription_id id)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->legs[i].subscriber->row.id.v == id.v) {
            return &c->legs[i];
        }
    }
    return NULL;
}

/* ---- what the client reads ---- */

/* Documents so old that the server may rely on their having been read. */
void stream_note_read(struct connection *c)
{
    int64_t now_ms = monotonic_ms(c->h);

    while (c->acked && c->surely_read < c->document_n &&
           c->documents[c->surely_read].at_ms + NOTIFY_SURE_MS <= now_ms) {
        c->surely_read++;
    }
}

void stream_set_acked(struct connection *c, bool acked)
{
    stream_note_read(c);
    if (c->acked != acked) {
        c->unacked_ms = monotonic_ms(c->h);
    }
    c->acked = acked;
}

static void hear(struct history *h, struct subscriber *s, const struct document *d)
{
    const struct want *lost = NULL;

    if (d->missed) {
        s->seen = at_or_before(d->end, s->seen) ? s->seen : d->end;
        h->misses++;
        if (s->mirrors) {
            mirror_all_dirty(h, &s->mirror);
        }
        return;
    }
    for (size_t i = 0; i < d->n; i++) {
        const struct notice *n = &d->notices[i];

        if (at_or_before(n->after, s->seen)) {
            h->repeated++;
            continue;
        }
        if (!model_is_silent(s, s->seen, (struct log_position){n->after.seq, n->after.taken - 1},
                             &lost)) {
            history_fail(
                h, "subscriber %u: lost %llu.%u: type %d of %llu; next is %llu.%u, was at %llu.%u",
                s->number, LLU(lost->mark.seq.v), lost->mark.taken, (int)lost->type,
                LLU(lost->object), LLU(n->after.seq.v), n->after.taken, LLU(s->seen.seq.v),
                s->seen.taken);
        }
        s->seen = n->after;
        h->told++;
    }
    for (size_t i = 0; i < d->n && s->mirrors; i++) {
        mirror_hear(&s->mirror, &d->notices[i]);
    }
}

void stream_read(struct connection *c, size_t n)
{
    while (c->read < n) {
        const struct document *d = &c->documents[c->read++];

        if (d->subscriber != NULL) {
            hear(c->h, d->subscriber, d);
        }
    }
}

/* The client has another subscription now: what is on its way for the old one is nobody's. */
void streams_forget(struct history *h, const struct subscriber *s)
{
    for (size_t i = 0; i < SUBSCRIBER_CONNECTIONS; i++) {
        struct connection *c = &h->connections[i];

        for (size_t k = 0; k < c->document_n; k++) {
            c->documents[k].subscriber =
                c->documents[k].subscriber == s ? NULL : c->documents[k].subscriber;
        }
    }
}

/* ---- the outlet ---- */

/* What comes on one connection comes in order and whole; what was told before is told again only behind `low`. */
static void check_order(struct history *h, const struct leg_told *leg,
                        const struct notice_page *page)
{
    const struct subscriber *s = leg->subscriber;
    struct log_position from = leg->at;
    struct log_position first = page->notices[0].after;

    if (!leg->begun) {
        from = (struct log_position){first.seq, first.taken - 1};
        if (at_or_before(first, s->low)) {
            history_fail(h,
                         "subscriber %u: %llu.%u is told again, and surely was taken up to %llu.%u",
                         s->number, LLU(first.seq.v), first.taken, LLU(s->low.seq.v), s->low.taken);
        }
    }
    model_check_page(h, s, from, page->notices, page->n, page->end);
}

static void write_down(struct connection *c, struct leg_told *leg, const struct document *d)
{
    stream_note_read(c);
    if (c->document_n == c->room) {
        c->room = c->room == 0 ? 16 : c->room * 2;
        c->documents = mem_realloc(c->documents, c->room * sizeof(*c->documents));
    }
    c->documents[c->document_n++] = *d;
    leg->at = d->end;
    leg->begun = true;
}

static bool check_may_write(struct connection *c)
{
    if (c->full || c->closing || c->over || c->ended) {
        history_fail(c->h, "a document for a stream that is %s",
                     c->full    ? "full"
                     : c->ended ? "ended"
                                : "closed");
        return false;
    }
    return true;
}

static enum outlet_result taken(struct connection *c)
{
    struct history *h = c->h;

    if (!h->calm && one_in(h, 25)) {
        stream_set_acked(c, false);
        c->full = true;
        return OUTLET_FULL;
    }
    return OUTLET_TAKEN;
}

static void check_spacing(struct connection *c, struct leg_told *leg)
{
    int64_t now_ms = monotonic_ms(c->h);

    if (leg->last_document_ms != INT64_MIN && now_ms - leg->last_document_ms < NOTIFY_SPACING_MS) {
        history_fail(c->h, "subscriber %u: two documents within %lld ms", leg->subscriber->number,
                     (long long)(now_ms - leg->last_document_ms));
    }
    leg->last_document_ms = now_ms;
}

static enum outlet_result on_notices(void *outlet, const struct subscription *subscription,
                                     const struct notice_page *page)
{
    struct connection *c = outlet;
    struct history *h = c->h;
    struct leg_told *leg = leg_of(c, subscription->id);
    struct subscriber *s = leg != NULL ? leg->subscriber : NULL;
    struct document d = {.subscriber = s, .at_ms = monotonic_ms(h), .n = page->n, .end = page->end};

    if (h->killed || !check_may_write(c)) {
        return OUTLET_DEAD;
    }
    if (s == NULL || s->ending || page->n == 0 || page->n > NOTIFY_MAX_NOTICES || page->missed) {
        history_fail(h, "%zu notices for subscription %llu, which is %s", page->n,
                     LLU(subscription->id.v), s == NULL ? "none of the stream's" : "gone or so");
        return OUTLET_DEAD;
    }
    check_spacing(c, leg);
    check_order(h, leg, page);
    if (!h->calm && one_in(h, 60)) {
        return OUTLET_DEAD;
    }
    history_note(h, "  stream %u: %zu notices, %llu.%u to %llu.%u", s->number, page->n,
                 LLU(page->notices[0].after.seq.v), page->notices[0].after.taken,
                 LLU(page->end.seq.v), page->end.taken);
    d.notices = mem_alloc(page->n * sizeof(*d.notices));
    memcpy(d.notices, page->notices, page->n * sizeof(*d.notices));
    write_down(c, leg, &d);
    server_moment(h);
    return taken(c);
}

static enum outlet_result on_alive(void *outlet)
{
    struct connection *c = outlet;

    if (c->h->killed || !check_may_write(c)) {
        return OUTLET_DEAD;
    }
    return !c->h->calm && one_in(c->h, 300) ? OUTLET_DEAD : taken(c);
}

/* Events are gone that were not told: allowed only when some are. */
static void on_missed(struct connection *c, struct leg_told *leg)
{
    struct subscriber *s = leg->subscriber;
    struct log_position floor = box_floor(s->box), told = leg->begun ? leg->at : s->low;
    struct document d = {
        .subscriber = s, .at_ms = monotonic_ms(c->h), .missed = true, .end = floor};

    if (at_or_before(floor, told)) {
        history_fail(c->h, "subscriber %u: is said to have missed events", s->number);
    }
    check_spacing(c, leg);
    write_down(c, leg, &d);
}

static void on_gone(struct connection *c, struct leg_told *leg)
{
    struct subscriber *s = leg->subscriber;

    (void)client_check_life(c->h, s, false, s->row.life_ms / 4 * 3);
    s->connection = s->connection == c ? NULL : s->connection;
    *leg = c->legs[--c->n];
}

static enum outlet_result on_error(void *outlet, enum err_kind kind,
                                   const struct subscription *const *subscriptions, size_t n,
                                   bool closes)
{
    struct connection *c = outlet;

    if (c->h->killed || !check_may_write(c)) {
        return OUTLET_DEAD;
    }
    for (size_t i = 0; i < n; i++) {
        struct leg_told *leg = leg_of(c, subscriptions[i]->id);

        if (leg == NULL) {
            history_fail(c->h, "an error for subscription %llu, which is none of the stream's",
                         LLU(subscriptions[i]->id.v));
        } else if (kind == ERR_EVENTS_MISSED) {
            on_missed(c, leg);
        } else if (kind == ERR_SUBSCRIPTION_INVALID) {
            on_gone(c, leg);
        } else if (kind != ERR_STREAM_TAKEN_OVER) {
            history_fail(c->h, "an error %s", err_kind_name(kind));
        }
    }
    c->over = closes;
    return closes ? OUTLET_TAKEN : taken(c);
}

static enum outlet_result on_closed(void *outlet)
{
    struct connection *c = outlet;

    if (c->h->killed || !check_may_write(c)) {
        return OUTLET_DEAD;
    }
    c->closing = true;
    c->acked_before = c->acked;
    if (!c->h->calm && one_in(c->h, 3)) {
        stream_set_acked(c, false);
    }
    return OUTLET_TAKEN;
}

static bool is_taken(void *outlet)
{
    const struct connection *c = outlet;

    return c->acked && !c->full && !c->h->killed;
}

static void on_ended(void *outlet)
{
    struct connection *c = outlet;

    if (c->ended) {
        history_fail(c->h, "a stream ends twice");
    }
    c->ended = true;
}

const struct outlet_ops subscriber_outlet_ops = {on_notices, on_alive, on_error, on_closed,
                                                 is_taken,   on_ended, NULL};

/* ---- how a connection ends, for the client ---- */

static void forget_documents(struct connection *c)
{
    for (size_t i = 0; i < c->document_n; i++) {
        free(c->documents[i].notices);
    }
    free(c->documents);
    for (size_t i = 0; i < c->n; i++) {
        struct subscriber *s = c->legs[i].subscriber;

        s->connection = s->connection == c ? NULL : s->connection;
    }
    *c = (struct connection){.h = c->h};
}

/* All was taken: nothing of it is told again. settled: and the server has stored that. */
void stream_end_clean(struct connection *c, bool settled)
{
    stream_read(c, c->document_n);
    for (size_t i = 0; i < c->n && settled; i++) {
        const struct leg_told *leg = &c->legs[i];
        struct subscriber *s = leg->subscriber;

        s->low = leg->begun && at_or_before(s->low, leg->at) ? leg->at : s->low;
    }
    forget_documents(c);
}

/* What was on its way is lost, but for the first of it; what is young is told again, and what is old may not be. */
void stream_end_broken(struct connection *c)
{
    struct history *h = c->h;
    int64_t now_ms = monotonic_ms(h);
    size_t read;

    stream_note_read(c);
    read = c->surely_read + pick(h, (unsigned)(c->document_n - c->surely_read) + 1);
    stream_read(c, read);
    h->lost += (unsigned)(c->document_n - c->read);
    for (size_t i = 0; i < c->document_n; i++) {
        const struct document *d = &c->documents[i];
        struct subscriber *s = d->subscriber;

        if (s != NULL && c->acked && c->unacked_ms + SURE_MS <= now_ms &&
            d->at_ms + SURE_MS <= now_ms && at_or_before(s->low, d->end)) {
            s->low = d->end;
        }
    }
    forget_documents(c);
}

static bool is_clean(const struct connection *c)
{
    return (c->closing && c->acked) || (c->over && c->acked && !c->full);
}

void stream_settled(struct connection *c)
{
    if (c->open && c->ended) {
        bool clean = is_clean(c);

        hub_stream_forget(c->stream);
        c->stream = NULL;
        if (clean) {
            stream_end_clean(c, true);
        } else {
            stream_end_broken(c);
        }
    }
}

/* The server was killed. */
void stream_broken(struct connection *c)
{
    if (!c->open) {
        return;
    }
    hub_stream_lost(c->stream);
    c->stream = NULL;
    if (is_clean(c)) {
        stream_end_clean(c, false);
    } else {
        stream_end_broken(c);
    }
}
