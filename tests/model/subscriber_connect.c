/* What the client of streams does: it opens them, hangs up, comes back. */
#include "subscriber_history.h"

#include "notify/limits.h"

#define LINGER_MS (3 * MINUTE_MS)

/* Nothing was said on the new connection yet. */
static void begin(struct connection *c, struct subscriber *s)
{
    s->connection = c;
    c->legs[c->n++] = (struct leg_told){.subscriber = s, .last_document_ms = INT64_MIN};
}

/* ---- what the client does ---- */

static void hang_up(struct connection *c)
{
    bool read_all = c->closing && c->acked_before;
    struct history *h = c->h;

    history_note(h, "connection %d hangs up", (int)(c - h->connections));
    hub_stream_lost(c->stream);
    (void)server_settle(h);
    if (h->killed) {
        read_all = false;
        c->stream = NULL;
        stream_end_broken(c);
        return;
    }
    if (!c->ended) {
        history_fail(h, "a lost stream does not end");
    }
    c->stream = NULL;
    if (read_all) {
        stream_end_clean(c, true);
    } else {
        stream_end_broken(c);
    }
}

void stream_stir(struct history *h, struct connection *c)
{
    unsigned what = pick(h, 10);

    if (!c->open) {
        return;
    }
    if (what < 3 || (c->full && what < 6)) {
        stream_set_acked(c, true);
        if (c->full) {
            c->full = false;
            hub_stream_ready(c->stream);
            (void)server_settle(h);
        }
    } else if (what < 5) {
        stream_set_acked(c, false);
    } else if (what < 7) {
        hang_up(c);
    } else if (c->acked) {
        stream_read(c, c->read + pick(h, (unsigned)(c->document_n - c->read) + 1));
    }
}

struct look {
    struct subscriber *s;
    int found;
    struct log_position end;
};

static int look_up(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                   struct err *err_r)
{
    struct look *l = context;
    struct subscription row;

    (void)box;
    l->end = log_position_now(tx);
    l->found = subscription_get(tx, l->s->row.id, l->s->row.secret, h->arena, &row, err_r);
    if (l->found == 1) {
        l->s->row.cursor = row.cursor;
        l->s->row.used_ms = row.used_ms;
    }
    return l->found;
}

/* As GetStreamingEvents: good rows only. */
static bool is_good(struct history *h, struct subscriber *s, struct log_position *end_r)
{
    struct look l = {.s = s};

    if (server_call(h, s->box, false, look_up, &l) < 0) {
        history_fail(h, "subscription_get: %s", h->err.log_text);
        return false;
    }
    *end_r = l.end;
    /* Of a living connection the row hears each quarter of its life. */
    return client_check_life(h, s, l.found == 1, s->row.life_ms / 4 * 3);
}

static struct connection *free_connection(struct history *h)
{
    for (size_t i = 0; i < SUBSCRIBER_CONNECTIONS; i++) {
        if (!h->connections[i].open) {
            return &h->connections[i];
        }
    }
    return NULL;
}

/* The subscriber, and at times others of its mailbox, on one connection. */
static size_t gather(struct history *h, struct subscriber *first, struct subscriber **legs)
{
    struct log_position end;
    size_t n = 0;

    legs[n++] = first;
    for (size_t i = 0; i < SUBSCRIBER_COUNT && n < SUBSCRIBER_MAX_LEGS; i++) {
        struct subscriber *s = &h->subscribers[i];

        if (s != first && s->there && s->box == first->box &&
            s->row.kind == SUBSCRIPTION_STREAMING && one_in(h, 2) && is_good(h, s, &end)) {
            legs[n++] = s;
        }
    }
    return n;
}

/* The old connection of a leg. What it took the client has read before it comes back, as far as the server may rely on that. */
static void leave_old(struct subscriber *s)
{
    struct connection *old = s->connection;

    if (old == NULL) {
        return;
    }
    stream_note_read(old);
    if ((old->closing && old->acked_before) || (old->acked && !old->full)) {
        old->acked = true; /* all before Closed was: that it comes back says it read that too */
        stream_read(old, old->document_n);
    } else if (old->read < old->surely_read) {
        stream_read(old, old->surely_read);
    }
}

/* Between the look at the rows and the opening: a commit, or the end of the old connection. False: the server was killed. */
static bool linger(struct history *h, struct subscriber **legs, size_t n)
{
    struct subscriber *s = legs[0];
    bool fresh = true; /* nobody's time is over meanwhile */

    for (size_t i = 0; i < n; i++) {
        fresh =
            fresh && wall_ms(h) + LINGER_MS < legs[i]->sign_least + legs[i]->row.life_ms / 4 * 3;
    }
    if (one_in(h, 4)) {
        (void)server_call(h, s->box, true, actions_run, NULL);
        (void)server_settle(h);
    }
    if (!h->killed && s->connection != NULL && one_in(h, 6)) {
        hang_up(s->connection);
    }
    if (!h->killed && fresh && one_in(h, 8)) {
        history_pass(h, (int64_t)pick(h, LINGER_MS));
    }
    return !h->killed;
}

/* At times between commits that nobody has read yet. */
static void open_stream(struct history *h, const struct hub_stream_request *request,
                        struct connection *c)
{
    struct gate *gate = one_in(h, 3) ? server_gate(h, c->box) : NULL;

    for (unsigned n = gate != NULL ? pick(h, 3) : 0; n != 0; n--) {
        server_submit(h, c->box, true, actions_run);
    }
    if (hub_stream_open(h->hub, request, &c->stream, &h->err) < 0) {
        history_fail(h, "hub_stream_open: %s", h->err.log_text);
    }
    for (unsigned n = gate != NULL ? pick(h, 3) : 0; n != 0; n--) {
        server_submit(h, c->box, true, actions_run);
    }
    if (gate != NULL) {
        server_gate_open(gate);
    }
    (void)server_settle(h);
}

void stream_connect(struct history *h, struct subscriber *s)
{
    struct subscriber *legs[SUBSCRIBER_MAX_LEGS];
    struct subscription rows[SUBSCRIBER_MAX_LEGS];
    struct connection *c = free_connection(h);
    struct hub_seen seen = hub_look(h->hub);
    struct hub_stream_request request = {.mailbox = s->box->no,
                                         .subscriptions = rows,
                                         .life_ms =
                                             (one_in(h, 3) ? 1 : 1 + pick(h, 30)) * MINUTE_MS,
                                         .ops = &subscriber_outlet_ops,
                                         .outlet = c};

    if (c == NULL || !is_good(h, s, &seen.end)) {
        return;
    }
    request.seen = one_in(h, 3) ? (struct hub_seen){0} : seen;
    request.n = gather(h, s, legs);
    for (size_t i = 0; i < request.n; i++) {
        rows[i] = legs[i]->row;
    }
    if (!h->calm && !linger(h, legs, request.n)) {
        return;
    }
    *c = (struct connection){
        .h = h, .box = s->box, .open = true, .acked = true, .unacked_ms = monotonic_ms(h)};
    for (size_t i = 0; i < request.n; i++) {
        leave_old(legs[i]);
        begin(c, legs[i]);
    }
    history_note(h, "connection %d opens with %zu legs: %u %u %u", (int)(c - h->connections),
                 request.n, legs[0]->number, legs[request.n > 1 ? 1 : 0]->number,
                 legs[request.n - 1]->number);
    open_stream(h, &request, c);
}

/* After so long a time of quiet all has been told to whoever takes it. */
void streams_prompt(struct history *h, int64_t passed_ms)
{
    for (size_t i = 0; i < SUBSCRIBER_CONNECTIONS; i++) {
        const struct connection *c = &h->connections[i];

        for (size_t k = 0; k < c->n && c->open && !c->full && !c->closing; k++) {
            const struct leg_told *leg = &c->legs[k];
            struct log_position from = leg->begun ? leg->at : leg->subscriber->seen;
            const struct want *lost = NULL;
            size_t pages = leg->subscriber->box->n / NOTIFY_MAX_NOTICES + 2;

            if (passed_ms >= (int64_t)pages * NOTIFY_SPACING_MS &&
                !model_is_silent(leg->subscriber, from, model_end(c->box), &lost)) {
                history_fail(h, "subscriber %u: not told of %llu.%u within %lld ms",
                             leg->subscriber->number, LLU(lost->mark.seq.v), lost->mark.taken,
                             (long long)passed_ms);
            }
        }
    }
}

void stream_read_all(struct connection *c)
{
    if (c->full) {
        c->full = false;
        hub_stream_ready(c->stream);
        (void)server_settle(c->h);
    }
    stream_set_acked(c, true);
    stream_read(c, c->document_n);
}
