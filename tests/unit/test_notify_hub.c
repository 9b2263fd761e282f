/* Streams at the hub: docs/design/notifications.md. */
#include "db/decorate.h"
#include "support/notify_fixture.h"

#include <sched.h>

/* ---- telling ---- */

static void first_comes_a_sign_of_life_then_the_backlog_then_what_happens(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    uint64_t a = given_mail(f), b;
    struct outlet *o = &f->outlets[0];

    given_stream(f, o, &s);
    check_mail(o, a);
    check_silent(o);
    pass(f, SECOND_MS);
    b = given_mail(f);
    (void)settle(f);
    check_mail(o, b);
    (void)given_mails(f, f->notes, 1); /* of no concern */
    pass(f, SECOND_MS);
    check_silent(o);
    assert_int_equal(hub_streams_of(f->hub, f->no, s.id), 1);
    hang_up(f, o);
    assert_int_equal(hub_streams_of(f->hub, f->no, s.id), 0);
}

static void each_is_told_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    uint64_t ids[40];
    struct outlet *o = &f->outlets[0];
    size_t told = 0;

    given_stream(f, o, &s);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        ids[i] = given_mail(f);
        pass(f, i * 17 % 200);
    }
    pass(f, SECOND_MS);
    while (o->seen < o->n) {
        const struct document *d = check_kind(o, DOC_NOTICES);

        for (size_t i = 0; i < d->n; i++) {
            assert_int_equal(d->object[i], ids[told++]);
        }
    }
    assert_int_equal(told, ARRAY_LEN(ids));
    hang_up(f, o);
}

static void the_first_goes_at_once_and_the_others_together_after_a_pause(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0];
    int64_t begun_ms;

    given_stream(f, o, &s);
    pass(f, SECOND_MS);
    begun_ms = elapsed_ms(f);
    (void)given_mail(f);
    (void)settle(f);
    (void)given_mails(f, f->inbox, 3);
    (void)settle(f);
    (void)given_mails(f, f->inbox, 60);
    pass(f, SECOND_MS);
    assert_int_equal(check_kind(o, DOC_NOTICES)->at_ms, begun_ms);
    assert_int_equal(o->documents[o->seen].at_ms, begun_ms + NOTIFY_SPACING_MS);
    assert_int_equal(check_kind(o, DOC_NOTICES)->n, NOTIFY_MAX_NOTICES);
    assert_int_equal(o->documents[o->seen].at_ms, begun_ms + 2 * NOTIFY_SPACING_MS);
    assert_int_equal(check_kind(o, DOC_NOTICES)->n, 13);
    check_silent(o);
    hang_up(f, o);
}

static void subscriptions_of_a_stream_have_documents_of_their_own(void **state)
{
    struct fixture *f = *state;
    struct subscription both[2] = {given_subscription(f),
                                   given_kind(f, SUBSCRIPTION_STREAMING, NULL, 24 * HOUR_MS)};
    uint64_t a, b;
    struct outlet *o = &f->outlets[0];

    given_stream_of(f, o, both, 2);
    a = given_mail(f);
    (void)settle(f);
    /* Neither is always the first. */
    assert_true(o->documents[1].subscription[0] != o->documents[2].subscription[0]);
    for (size_t i = 1; i <= 2; i++) {
        assert_true(o->documents[i].subscription[0] == both[0].id.v ||
                    o->documents[i].subscription[0] == both[1].id.v);
    }
    check_mail(o, a);
    check_mail(o, a);
    pass(f, SECOND_MS);
    b = given_mails(f, f->notes, 1);
    (void)settle(f);
    assert_int_equal(o->documents[3].subscription[0], both[1].id.v);
    check_mail(o, b);
    check_silent(o);
    hang_up(f, o);
}

static void many_events_of_others_do_not_end_a_backlog(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    uint64_t a;
    struct outlet *o = &f->outlets[0];

    (void)given_mails(f, f->notes, 2 * NOTIFY_MAX_PASSED);
    a = given_mail(f);
    given_stream(f, o, &s);
    check_mail(o, a);
    hang_up(f, o);
}

/* ---- silence ---- */

static void silence_is_broken_each_half_minute(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0];

    given_stream(f, o, &s);
    pass(f, NOTIFY_SILENCE_MS - 1);
    check_silent(o);
    pass(f, 5 * NOTIFY_SILENCE_MS);
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(check_kind(o, DOC_ALIVE)->at_ms, i * NOTIFY_SILENCE_MS);
    }
    check_silent(o);
    pass(f, 10 * SECOND_MS);
    (void)check_kind(o, DOC_ALIVE);
    (void)given_mail(f);
    pass(f, NOTIFY_SILENCE_MS - 1);
    (void)check_kind(o, DOC_NOTICES);
    check_silent(o);
    pass(f, 1);
    (void)check_kind(o, DOC_ALIVE);
    hang_up(f, o);
}

static void heartbeats_of_a_desk_go_together_and_in_time(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f), t = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];

    given_stream(f, o, &s);
    pass(f, 4 * SECOND_MS);
    given_stream(f, p, &t);
    pass(f, 10 * MINUTE_MS);
    for (size_t i = 1; i < o->n && i < p->n; i++) {
        assert_int_equal(o->documents[i].at_ms, p->documents[i].at_ms);
        assert_true(o->documents[i].at_ms - o->documents[i - 1].at_ms <= 45 * SECOND_MS);
        assert_true(p->documents[i].at_ms - p->documents[i - 1].at_ms >= 30 * SECOND_MS);
    }
    assert_true(o->n >= 10 * MINUTE_MS / NOTIFY_SILENCE_MAX_MS);
    hang_up(f, o);
    hang_up(f, p);
}

static void who_heard_something_gets_no_heartbeat(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f),
                        t = given_kind(f, SUBSCRIPTION_STREAMING, &f->notes, 24 * HOUR_MS);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];

    given_stream(f, o, &s);
    given_stream(f, p, &t);
    for (int i = 0; i < 20; i++) {
        pass(f, 10 * SECOND_MS);
        (void)given_mails(f, f->notes, 1);
        (void)settle(f);
        (void)check_kind(p, DOC_NOTICES);
    }
    check_silent(p);
    assert_true(o->n >= 5);
    hang_up(f, o);
    hang_up(f, p);
}

/* ---- how streams end ---- */

static void a_stream_ends_with_closed_and_nothing_is_repeated(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f), row;
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    uint64_t a, b;

    given_stream(f, o, &s);
    pass(f, 30 * MINUTE_MS - SECOND_MS);
    a = given_mail(f);
    (void)settle(f);
    o->seen = o->n - 1;
    check_mail(o, a);
    assert_false(o->ended);
    pass(f, SECOND_MS);
    assert_int_equal(o->documents[o->n - 1].kind, DOC_CLOSED);
    assert_int_equal(o->documents[o->n - 1].at_ms, 30 * MINUTE_MS);
    forget(o);
    assert_true(row_of(f, &s, &row));
    assert_true(row.cursor.seq.v > a);
    b = given_mail(f);
    given_stream(f, p, &s);
    check_mail(p, b);
    hang_up(f, p);
}

/* Documents are acknowledged, Closed is still under way, and then the peer hangs up: a client that goes at once when it reads it. */
static bool acknowledged_up_to_closed(void *outlet)
{
    const struct outlet *o = outlet;

    return o->documents[o->n - 1].kind != DOC_CLOSED;
}

static void who_hangs_up_on_closed_has_read_it(void **state)
{
    struct fixture *f = *state;
    struct outlet_ops ops = outlet_ops;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    const struct hub_stream_request request = {.mailbox = f->no,
                                               .subscriptions = &s,
                                               .n = 1,
                                               .life_ms = SECOND_MS,
                                               .ops = &ops,
                                               .outlet = o};

    *o = (struct outlet){.f = f};
    ops.is_taken = acknowledged_up_to_closed;
    must(f, hub_stream_open(f->hub, &request, &o->stream, &f->err));
    (void)given_mail(f);
    pass(f, SECOND_MS);
    assert_int_equal(o->documents[o->n - 1].kind, DOC_CLOSED);
    assert_false(o->ended);
    hang_up(f, o);
    given_stream(f, p, &s);
    check_silent(p);
    hang_up(f, p);
}

static void a_peer_that_does_not_acknowledge_closed_is_told_again(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    uint64_t a;

    given_stream(f, o, &s);
    o->taken = false;
    a = given_mail(f);
    pass(f, 30 * MINUTE_MS + SECOND_MS);
    assert_int_equal(o->documents[o->n - 1].kind, DOC_CLOSED);
    assert_false(o->ended);
    pass(f, NOTIFY_CLOSE_MS);
    forget(o);
    given_stream(f, p, &s);
    check_mail(p, a);
    hang_up(f, p);
}

static void what_went_into_a_dead_connection_is_told_again(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1], *q = &f->outlets[2];
    uint64_t a, b;

    given_stream(f, o, &s);
    a = given_mail(f);
    pass(f, NOTIFY_SURE_MS + NOTIFY_SURE_RETRY_MS); /* the connection lives on: sure */
    b = given_mail(f);
    pass(f, NOTIFY_SURE_MS - 1);
    check_mail(o, a);
    hang_up(f, o);
    given_stream(f, p, &s);
    check_mail(p, b);
    check_silent(p);
    p->taken = false; /* bytes are on their way, minute after minute */
    pass(f, 10 * NOTIFY_SURE_MS);
    hang_up(f, p);
    given_stream(f, q, &s);
    check_mail(q, b);
    hang_up(f, q);
}

static void a_document_is_not_sure_with_the_one_before_it(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    uint64_t b;

    given_stream(f, o, &s);
    (void)given_mail(f);
    pass(f, NOTIFY_SURE_MS - SECOND_MS);
    b = given_mail(f);
    pass(f, NOTIFY_SURE_MS - 1);
    hang_up(f, o);
    given_stream(f, p, &s);
    check_mail(p, b);
    hang_up(f, p);
}

/* As some clients do: open, take a document, hang up. */
static void take_first(struct fixture *f, struct outlet *o, const struct subscription *s,
                       uint64_t id)
{
    given_stream(f, o, s);
    o->acked = true;
    check_mail(o, id);
    hang_up(f, o);
}

static void who_takes_one_document_and_hangs_up_gets_on(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = f->outlets;
    uint64_t a = given_mail(f), b;

    take_first(f, &o[0], &s, a);
    take_first(f, &o[1], &s, a); /* nobody knows whether the first one was read */
    b = given_mail(f);
    take_first(f, &o[2], &s, b);
    take_first(f, &o[3], &s, b);
    given_stream(f, &o[4], &s);
    check_silent(&o[4]);
    hang_up(f, &o[4]);
}

/* What came behind the first document may lie unread in the client's memory, however often. */
static void only_a_connections_first_document_counts_as_read(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = f->outlets;
    uint64_t a, b;

    given_stream(f, &o[0], &s);
    o[0].acked = true;
    a = given_mail(f);
    pass(f, NOTIFY_SPACING_MS);
    check_mail(&o[0], a);
    b = given_mail(f);
    pass(f, NOTIFY_SPACING_MS);
    check_mail(&o[0], b);
    hang_up(f, &o[0]);
    given_stream(f, &o[1], &s);
    o[1].acked = true;
    (void)next_document(&o[1]); /* both of them */
    hang_up(f, &o[1]);
    take_first(f, &o[2], &s, b);
    given_stream(f, &o[3], &s);
    check_silent(&o[3]);
    hang_up(f, &o[3]);
}

static void what_was_not_acknowledged_is_told_as_often_as_it_takes(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    uint64_t a = given_mail(f);

    for (unsigned i = 0; i < 5; i++) {
        struct outlet *o = &f->outlets[i];

        given_stream(f, o, &s);
        check_mail(o, a);
        hang_up(f, o);
    }
}

/* The end waits a moment for what was told just before it. */
static void closed_does_not_overtake_an_acknowledgement(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    uint64_t a;

    given_stream(f, o, &s);
    pass(f, 30 * MINUTE_MS - 10);
    o->taken = false;
    a = given_mail(f);
    pass(f, 20);
    assert_int_not_equal(o->documents[o->n - 1].kind, DOC_CLOSED);
    o->taken = true;
    pass(f, NOTIFY_BEFORE_CLOSE_MS);
    assert_int_equal(o->documents[o->n - 1].kind, DOC_CLOSED);
    forget(o);
    (void)a;
    given_stream(f, p, &s);
    check_silent(p);
    hang_up(f, p);
}

static void an_outlet_that_died_is_as_lost(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    struct hub_stats stats;
    uint64_t a;

    given_stream(f, o, &s);
    o->result = OUTLET_DEAD;
    a = given_mail(f);
    (void)settle(f);
    assert_true(o->ended);
    check_silent(o);
    forget(o);
    given_stream(f, p, &s);
    check_mail(p, a);
    hub_stats(f->hub, &stats);
    assert_int_equal(stats.lost, 1);
    assert_int_equal(stats.streams, 1);
    hang_up(f, p);
}

static void forget_at_once(void *outlet)
{
    struct outlet *o = outlet;

    outlet_ended(o);
    hub_stream_forget(o->stream);
    o->stream = NULL;
}

static void an_outlet_may_forget_the_stream_when_it_hears_of_its_end(void **state)
{
    struct fixture *f = *state;
    struct outlet_ops ops = outlet_ops;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0];
    const struct hub_stream_request request = {.mailbox = f->no,
                                               .subscriptions = &s,
                                               .n = 1,
                                               .life_ms = SECOND_MS,
                                               .ops = &ops,
                                               .outlet = o};

    ops.ended = forget_at_once;
    *o = (struct outlet){.f = f, .taken = true};
    must(f, hub_stream_open(f->hub, &request, &o->stream, &f->err));
    pass(f, SECOND_MS);
    assert_true(o->ended);
    assert_int_equal(f->hub->desk_n, 0);
}

/* ---- one stream after the other ---- */

static void a_second_connection_takes_over(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f), t = given_subscription(f);
    const struct subscription both[] = {s, t};
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    uint64_t b;

    given_stream_of(f, o, both, 2);
    (void)given_mail(f);
    pass(f, SECOND_MS);
    o->seen = o->n;
    given_stream(f, p, &s);
    assert_int_equal(check_error(o, ERR_STREAM_TAKEN_OVER, true)->subscription[0], s.id.v);
    assert_int_equal(o->documents[o->n - 1].n, 1);
    forget(o);
    check_silent(p); /* the first had acknowledged it */
    b = given_mail(f);
    (void)settle(f);
    check_mail(p, b);
    hang_up(f, p);
}

static void what_the_first_did_not_acknowledge_the_second_is_told(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    uint64_t a;

    given_stream(f, o, &s);
    o->taken = false;
    a = given_mail(f);
    (void)settle(f);
    given_stream(f, p, &s);
    forget(o);
    check_mail(p, a);
    hang_up(f, p);
}

/* The row that the second was opened with was read before the first moved on. */
static void the_desk_knows_better_than_an_old_row(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f), old;
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    uint64_t b;

    assert_true(row_of(f, &s, &old));
    given_stream(f, o, &s);
    (void)given_mail(f);
    pass(f, 2 * NOTIFY_SURE_MS);
    hang_up(f, o); /* stored, and the desk is gone */
    b = given_mail(f);
    must(f, try_stream(f, p, &old, 1, MINUTE_MS));
    p->seen = 1;
    (void)settle(f);
    check_mail(p, b);
    hang_up(f, p);
}

static void a_stream_that_told_nothing_leaves_the_row_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f), old, before, after;
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];

    assert_true(row_of(f, &s, &old));
    given_stream(f, o, &s);
    (void)given_mail(f);
    pass(f, 2 * NOTIFY_SURE_MS);
    hang_up(f, o);
    assert_true(row_of(f, &s, &before));
    assert_true(log_position_cmp(before.cursor, old.cursor) > 0);
    must(f, try_stream(f, p, &old, 1, MINUTE_MS));
    p->result = OUTLET_DEAD;
    hub_stream_lost(p->stream);
    p->stream = NULL;
    (void)settle(f);
    assert_true(row_of(f, &s, &after));
    assert_int_equal(log_position_cmp(after.cursor, before.cursor), 0);
}

static void streams_of_a_user_are_counted(void **state)
{
    struct fixture *f = *state;
    const struct hub_limits users[] = {{"ALICE@example.com", 0, 2}};
    struct subscription s[3];
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1], *q = &f->outlets[2];

    close_all(f);
    f->options.users = users;
    f->options.user_n = 1;
    f->options.defaults.max_streams = 1;
    open_all(f);
    for (int i = 0; i < 3; i++) {
        s[i] = given_subscription(f);
    }
    given_stream(f, o, &s[0]);
    given_stream(f, p, &s[1]);
    assert_int_equal(try_stream(f, q, &s[2], 1, MINUTE_MS), -ERR_CONNECTION_COUNT);
    assert_int_equal(q->n, 0);
    given_stream(f, q, &s[0]); /* in the place of the first */
    forget(o);
    hang_up(f, p);
    given_stream(f, o, &s[2]);
    hang_up(f, o);
    hang_up(f, q);
    assert_int_equal(hub_limits_of(f->hub, "alice@EXAMPLE.com").max_streams, 2);
    assert_int_equal(hub_limits_of(f->hub, "bob@example.com").max_streams, 1);
    assert_int_equal(hub_limits_of(f->hub, "alice@example.com").max_subscriptions,
                     NOTIFY_MAX_SUBSCRIPTIONS);
}

/* ---- slow readers ---- */

static void nothing_is_made_for_a_slow_reader(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0];
    uint64_t a, b;

    given_stream(f, o, &s);
    o->result = OUTLET_FULL;
    a = given_mail(f);
    (void)settle(f);
    check_mail(o, a);
    b = given_mail(f);
    pass(f, NOTIFY_FULL_MS - 1);
    check_silent(o); /* no heartbeat either */
    o->result = OUTLET_TAKEN;
    hub_stream_ready(o->stream);
    (void)settle(f);
    check_mail(o, b);
    pass(f, NOTIFY_FULL_MS);
    assert_false(o->ended);
    hang_up(f, o);
}

static void who_does_not_read_is_cut_off_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    struct hub_stats stats;
    uint64_t a;

    given_stream(f, o, &s);
    o->result = OUTLET_FULL;
    a = given_mail(f);
    pass(f, NOTIFY_FULL_MS);
    hub_stats(f->hub, &stats);
    assert_int_equal(stats.cut_off, 1);
    check_mail(o, a);
    check_silent(o);
    forget(o);
    given_stream(f, p, &s);
    check_mail(p, a);
    hang_up(f, p);
}

/* ---- subscriptions that end ---- */

static void a_subscription_that_ends_is_told_and_the_last_ends_the_stream(void **state)
{
    struct fixture *f = *state;
    struct subscription both[2] = {given_subscription(f), given_subscription(f)};
    struct outlet *o = &f->outlets[0];

    given_stream_of(f, o, both, 2);
    unsubscribe(f, &both[0]);
    (void)settle(f);
    assert_int_equal(check_error(o, ERR_SUBSCRIPTION_INVALID, false)->subscription[0],
                     both[0].id.v);
    (void)given_mail(f);
    (void)settle(f);
    assert_int_equal(check_kind(o, DOC_NOTICES)->subscription[0], both[1].id.v);
    unsubscribe(f, &both[1]);
    (void)settle(f);
    assert_int_equal(check_error(o, ERR_SUBSCRIPTION_INVALID, true)->subscription[0], both[1].id.v);
    check_silent(o);
    forget(o);
}

static void a_subscription_that_ended_before_the_stream_stood_there_is_told(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0];

    unsubscribe(f, &s);
    (void)settle(f);
    must(f, try_stream(f, o, &s, 1, MINUTE_MS));
    (void)settle(f);
    o->seen = 1;
    (void)check_error(o, ERR_SUBSCRIPTION_INVALID, true);
    forget(o);
}

static void a_slow_reader_hears_of_the_end_when_it_reads(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct outlet *o = &f->outlets[0];

    given_stream(f, o, &s);
    o->result = OUTLET_FULL;
    (void)given_mail(f);
    (void)settle(f);
    unsubscribe(f, &s);
    (void)settle(f);
    o->seen = o->n;
    o->result = OUTLET_TAKEN;
    hub_stream_ready(o->stream);
    (void)settle(f);
    (void)check_error(o, ERR_SUBSCRIPTION_INVALID, true);
    forget(o);
}

static void the_streams_of_a_deleted_mailbox_end(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct mailbox_no no = f->no;
    struct outlet *o = &f->outlets[0];
    const struct user other = {.address = STR("bob@example.com")};

    given_stream(f, o, &s);
    must(f, store_user_add(f->store, &other, &f->no, &f->err)); /* settle() works there */
    must(f, store_user_delete(f->store, STR("alice@example.com"), &f->err));
    hub_committed(f->hub, no);
    while (!outlet_is_taken(o) || jobs_out(f) != 0) {
        (void)settle(f);
    }
    (void)check_error(o, ERR_SUBSCRIPTION_INVALID, true);
    forget(o);
}

/* ---- what is missed ---- */

static int prune(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    (void)f;
    return mailbox_event_prune(tx, *(int64_t *)ctx, err);
}

static void missed_events_are_told_once_and_the_rest_follows(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    int64_t keep_ms = 10 * SECOND_MS;
    struct outlet *o = &f->outlets[0];
    uint64_t b;

    (void)given_mail(f);
    pass(f, MINUTE_MS);
    b = given_mail(f);
    must(f, call_in(f, true, prune, &keep_ms));
    given_stream(f, o, &s);
    assert_int_equal(check_error(o, ERR_EVENTS_MISSED, false)->subscription[0], s.id.v);
    check_silent(o);
    pass(f, NOTIFY_SPACING_MS);
    check_mail(o, b);
    pass(f, SECOND_MS);
    check_silent(o);
    hang_up(f, o);
}

/* ---- rows ---- */

static void rows_follow_in_the_background_and_outlive_a_restart(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f), row;
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1];
    uint64_t a, b;

    given_stream(f, o, &s);
    a = given_mail(f);
    (void)settle(f);
    assert_true(row_of(f, &s, &row));
    assert_true(row.cursor.seq.v <= a); /* told, but not yet sure */
    pass(f, NOTIFY_SURE_MS);
    assert_true(row_of(f, &s, &row));
    assert_true(row.cursor.seq.v > a);
    hang_up(f, o);
    restart(f);
    b = given_mail(f);
    given_stream(f, p, &s);
    check_mail(p, b);
    check_silent(p);
    hang_up(f, p);
}

static void an_open_stream_keeps_its_subscription_alive(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_kind(f, SUBSCRIPTION_STREAMING, &f->inbox, HOUR_MS), row;
    struct outlet *o = &f->outlets[0];

    pass(f, 50 * MINUTE_MS);
    must(f, try_stream(f, o, &s, 1, 6 * HOUR_MS));
    for (int i = 0; i < 6 * 4 - 1; i++) {
        pass(f, 15 * MINUTE_MS);
        assert_true(row_of(f, &s, &row));
        assert_true(f->begun_ms + elapsed_ms(f) - row.used_ms <= 15 * MINUTE_MS);
    }
    pass(f, MINUTE_MS);
    hang_up(f, o);
    assert_true(row_of(f, &s, &row));
    assert_int_equal(row.used_ms, f->begun_ms + elapsed_ms(f));
}

static struct db_fault full_disk = {
    .kind = ERR_STORE_FULL, .only_one_call = true, .call = DB_CALL_COMMIT};

static struct db *wrap_in_fault(struct db *inner, void *ctx)
{
    return db_fault_new(inner, ctx);
}

static void a_full_disk_costs_no_position(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f), row;
    struct outlet *o = &f->outlets[0];
    uint64_t a;

    close_all(f);
    db_decorate_all(wrap_in_fault, &full_disk);
    open_all(f);
    given_stream(f, o, &s);
    a = given_mail(f);
    pass(f, NOTIFY_SURE_MS - 1);
    full_disk.ends_tx = true;
    full_disk.calls = 0;
    full_disk.nth = 1;
    full_disk.fired = false;
    log_configure(LOG_ERROR, false, open("/dev/null", O_WRONLY | O_CLOEXEC));
    for (int i = 0; i < 3 && !full_disk.fired; i++) {
        pass(f, 1);
    }
    assert_true(full_disk.fired);
    full_disk.nth = 0;
    pass(f, NOTIFY_TROUBLE_MAX_MS);
    assert_true(row_of(f, &s, &row));
    assert_true(row.cursor.seq.v > a);
    hang_up(f, o);
    close_all(f);
    db_decorate_all(NULL, NULL);
}

static void a_log_that_cannot_be_read_is_read_later(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f);
    struct db_fault fault = {.kind = ERR_IO};
    struct outlet *o = &f->outlets[0];
    uint64_t a;

    close_all(f);
    db_decorate_all(wrap_in_fault, &fault);
    open_all(f);
    given_stream(f, o, &s);
    log_configure(LOG_ERROR, false, open("/dev/null", O_WRONLY | O_CLOEXEC));
    f->mute = true;
    a = given_mail(f);
    fault.calls = 0;
    fault.nth = 1;
    hub_committed(f->hub, f->no);
    while (jobs_out(f) != 0) {
        (void)sched_yield();
    }
    assert_true(fault.fired);
    check_silent(o);
    fault.nth = 0;
    pass(f, NOTIFY_TROUBLE_MS - 1);
    check_silent(o);
    pass(f, 1);
    check_mail(o, a);
    hang_up(f, o);
    close_all(f);
    db_decorate_all(NULL, NULL);
}

/* The row was read before the old stream's end was noted in it, and is so old that a sign of life is due at once. */
static void an_opening_with_an_old_row_repeats_nothing_that_is_sure(void **state)
{
    struct fixture *f = *state;
    struct outlet *first = &f->outlets[0], *second = &f->outlets[1];
    struct subscription s = given_subscription(f), old;
    uint64_t mail;

    assert_true(row_of(f, &s, &old));
    given_stream(f, first, &s);
    first->taken = true;
    mail = given_mail(f);
    (void)settle(f);
    check_mail(first, mail);
    pass(f, 20 * MINUTE_MS);
    hang_up(f, first);
    pass(f, 2 * HOUR_MS);
    must(f, try_stream(f, second, &old, 1, 30 * MINUTE_MS));
    (void)settle(f);
    check_kind(second, DOC_ALIVE);
    check_silent(second);
    hang_up(f, second);
}

static void signs_of_pull_subscriptions_are_noted_now_and_then(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_kind(f, SUBSCRIPTION_PULL, &f->inbox, MINUTE_MS), row;

    pass(f, NOTIFY_TOUCH_MS - 1);
    hub_touch(f->hub, f->no, &s);
    (void)settle(f);
    assert_true(row_of(f, &s, &row));
    assert_int_equal(row.used_ms, f->begun_ms);
    for (int i = 1; i < 20; i++) {
        pass(f, 50 * SECOND_MS);
        hub_touch(f->hub, f->no, &row);
        hub_touch(f->hub, f->no, &row);
        (void)settle(f);
        assert_true(row_of(f, &s, &row));
        assert_int_equal(row.used_ms, f->begun_ms + elapsed_ms(f));
    }
}

/* ---- stopping ---- */

static void a_stop_tells_all_and_stores_all(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_subscription(f), t = given_subscription(f);
    struct outlet *o = &f->outlets[0], *p = &f->outlets[1], *q = &f->outlets[2];
    uint64_t a, b;

    given_stream(f, o, &s);
    given_stream(f, p, &t);
    p->taken = false;
    a = given_mail(f);
    (void)settle(f);
    check_mail(o, a);
    hub_stop(f->hub, 400);
    (void)check_kind(o, DOC_CLOSED);
    assert_int_equal(p->documents[p->n - 1].kind, DOC_CLOSED);
    assert_int_equal(try_stream(f, q, &s, 1, MINUTE_MS), -ERR_SHUTTING_DOWN);
    assert_int_equal(q->n, 0);
    forget(o);
    forget(p);
    restart(f);
    b = given_mail(f);
    given_stream(f, o, &s);
    check_mail(o, b); /* what was acknowledged is not repeated */
    given_stream(f, p, &t);
    assert_int_equal(check_kind(p, DOC_NOTICES)->object[0], a);
    hang_up(f, o);
    hang_up(f, p);
}

static void commits_are_waited_for(void **state)
{
    struct fixture *f = *state;
    uint64_t before = hub_commits(f->hub);

    assert_int_equal(hub_wait_commit(f->hub, before, 1), before);
    (void)given_mail(f);
    assert_int_equal(hub_wait_commit(f->hub, before, 10000), before + 1);
    assert_int_equal(hub_wait_commit(f->hub, before, 0), before + 1);
}

/* ---- with threads ---- */

static void the_hubs_own_thread_keeps_the_time(void **state)
{
    struct fixture *f = *state;
    struct clock_scaled clock;
    struct outlet *o = &f->outlets[0];
    struct subscription s;
    bool ended = false;

    clock_scaled_init(&clock, 600);
    close_all(f);
    f->options.threadless = false;
    f->options.clock = &clock.base;
    open_all(f);
    s = given_subscription(f);
    must(f, try_stream(f, o, &s, 1, 2 * MINUTE_MS));
    while (!ended) {
        (void)hub_wait_commit(f->hub, hub_commits(f->hub), 5);
        pthread_mutex_lock(&f->mutex);
        ended = o->ended;
        pthread_mutex_unlock(&f->mutex);
    }
    assert_true(o->n >= 3 && o->n <= 5);
    assert_int_equal(o->documents[o->n - 2].kind, DOC_ALIVE);
    assert_int_equal(o->documents[o->n - 1].kind, DOC_CLOSED);
    forget(o);
    close_all(f);
}

struct client {
    struct fixture *f;
    struct subscription subscription;
    struct outlet outlets[8];
    unsigned delivered;
};

static void *open_and_lose(void *arg)
{
    struct client *c = arg;

    for (size_t i = 0; i < ARRAY_LEN(c->outlets); i++) {
        struct outlet *o = &c->outlets[i];
        bool over = false;

        if (try_stream(c->f, o, &c->subscription, 1, MINUTE_MS) < 0) {
            break;
        }
        while (!over) { /* each stream lives until it has told something */
            pthread_mutex_lock(&c->f->mutex);
            over = o->ended;
            for (size_t k = 0; k < o->n; k++) {
                over = over || o->documents[k].kind == DOC_NOTICES;
            }
            pthread_mutex_unlock(&c->f->mutex);
            (void)hub_wait_commit(c->f->hub, hub_commits(c->f->hub), 5);
        }
        hub_stream_lost(o->stream);
    }
    return NULL;
}

static void streams_come_and_go_while_mail_comes(void **state)
{
    struct fixture *f = *state;
    struct client *clients = calloc(3, sizeof(*clients));
    pthread_t threads[3];
    struct hub_stats stats;

    close_all(f);
    f->options.threadless = false;
    f->options.clock = clock_system();
    open_all(f);
    for (int i = 0; i < 3; i++) {
        clients[i].f = f;
        clients[i].subscription = given_subscription(f);
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_lose, &clients[i]), 0);
    }
    for (int i = 0; i < 60; i++) {
        (void)given_mail(f);
        (void)hub_wait_commit(f->hub, hub_commits(f->hub), 2);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    hub_stats(f->hub, &stats);
    assert_int_equal(stats.streams, 0);
    assert_true(stats.notices >= 3 * 8);
    close_all(f);
    free(clients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        hub_test(first_comes_a_sign_of_life_then_the_backlog_then_what_happens),
        hub_test(each_is_told_once_and_in_order),
        hub_test(the_first_goes_at_once_and_the_others_together_after_a_pause),
        hub_test(subscriptions_of_a_stream_have_documents_of_their_own),
        hub_test(many_events_of_others_do_not_end_a_backlog),
        hub_test(silence_is_broken_each_half_minute),
        hub_test(heartbeats_of_a_desk_go_together_and_in_time),
        hub_test(who_heard_something_gets_no_heartbeat),
        hub_test(a_stream_ends_with_closed_and_nothing_is_repeated),
        hub_test(who_hangs_up_on_closed_has_read_it),
        hub_test(a_peer_that_does_not_acknowledge_closed_is_told_again),
        hub_test(what_went_into_a_dead_connection_is_told_again),
        hub_test(a_document_is_not_sure_with_the_one_before_it),
        hub_test(who_takes_one_document_and_hangs_up_gets_on),
        hub_test(only_a_connections_first_document_counts_as_read),
        hub_test(what_was_not_acknowledged_is_told_as_often_as_it_takes),
        hub_test(closed_does_not_overtake_an_acknowledgement),
        hub_test(an_outlet_that_died_is_as_lost),
        hub_test(an_outlet_may_forget_the_stream_when_it_hears_of_its_end),
        hub_test(a_second_connection_takes_over),
        hub_test(what_the_first_did_not_acknowledge_the_second_is_told),
        hub_test(the_desk_knows_better_than_an_old_row),
        hub_test(a_stream_that_told_nothing_leaves_the_row_as_it_is),
        hub_test(streams_of_a_user_are_counted),
        hub_test(nothing_is_made_for_a_slow_reader),
        hub_test(who_does_not_read_is_cut_off_and_loses_nothing),
        hub_test(a_subscription_that_ends_is_told_and_the_last_ends_the_stream),
        hub_test(a_subscription_that_ended_before_the_stream_stood_there_is_told),
        hub_test(a_slow_reader_hears_of_the_end_when_it_reads),
        hub_test(the_streams_of_a_deleted_mailbox_end),
        hub_test(missed_events_are_told_once_and_the_rest_follows),
        hub_test(rows_follow_in_the_background_and_outlive_a_restart),
        hub_test(an_open_stream_keeps_its_subscription_alive),
        hub_test(a_full_disk_costs_no_position),
        hub_test(a_log_that_cannot_be_read_is_read_later),
        hub_test(an_opening_with_an_old_row_repeats_nothing_that_is_sure),
        hub_test(signs_of_pull_subscriptions_are_noted_now_and_then),
        hub_test(a_stop_tells_all_and_stores_all),
        hub_test(commits_are_waited_for),
        hub_test(the_hubs_own_thread_keeps_the_time),
        hub_test(streams_come_and_go_while_mail_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
