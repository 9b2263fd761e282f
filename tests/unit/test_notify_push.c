/* Push subscriptions at the hub: one post at a time, the schedule of retries, restarts. The listener is the test. */
#include "db/decorate.h"
#include "support/notify_fixture.h"

#include <sched.h>

static struct subscription given_push(struct fixture *f, int64_t status_ms)
{
    struct subscription s = given_kind(f, SUBSCRIPTION_PUSH, &f->inbox, status_ms);

    (void)settle(f);
    return s;
}

/* Its first StatusEvent answered. */
static struct subscription given_listener(struct fixture *f, int64_t status_ms)
{
    struct subscription s = given_push(f, status_ms);

    atomic_fetch_add(&f->clock.ms,
                     1); /* a row that was never answered is as old as its last sign of life */
    f->begun_ms++;
    answer(f, next_post(f), PUSH_OK);
    return s;
}

static const struct test_post *check_status(struct fixture *f)
{
    const struct test_post *post = next_post(f);

    assert_int_equal(post->n, 0);
    return post;
}

static const struct test_post *check_post(struct fixture *f, uint64_t id)
{
    const struct test_post *post = next_post(f);

    assert_int_equal(post->n, 1);
    assert_int_equal(post->object[0], id);
    return post;
}

static void check_cursor(struct fixture *f, const struct subscription *s, struct log_position at)
{
    struct subscription row;

    assert_true(row_of(f, s, &row));
    assert_int_equal(log_position_cmp(row.cursor, at), 0);
}

static size_t count_hints(struct fixture *f)
{
    struct mailbox_no *nos;
    size_t n;

    must(f, store_push_hint_list(f->store, f->arena, &nos, &n, &f->err));
    return n;
}

/* ---- telling ---- */

static void a_new_listener_hears_its_status_before_the_events(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_push(f, 30 * MINUTE_MS);
    const struct test_post *post = check_status(f);
    uint64_t a;

    assert_int_equal(post->subscription, s.id.v);
    assert_int_equal(log_position_cmp(post->previous, s.cursor), 0);
    assert_int_equal(log_position_cmp(post->end, s.cursor), 0);
    a = given_mail(f);
    (void)settle(f);
    check_no_post(f); /* one at a time */
    answer(f, post, PUSH_OK);
    post = check_post(f, a);
    assert_int_equal(log_position_cmp(post->previous, s.cursor), 0);
    assert_false(post->more);
    answer(f, post, PUSH_OK);
    check_no_post(f);
    check_cursor(f, &s, post->last);
}

/* What the listener keeps is the last watermark that it was given: that is what the next PreviousWatermark says. */
static void each_post_goes_on_from_the_last_watermark(void **state)
{
    struct fixture *f = *state;
    const struct test_post *post, *next;

    (void)given_listener(f, 30 * MINUTE_MS);
    (void)given_mail(f);
    (void)settle(f);
    post = next_post(f);
    answer(f, post, PUSH_OK);
    (void)given_mails(f, f->notes, 5); /* passed over */
    (void)settle(f);
    check_no_post(f);
    (void)given_mail(f);
    (void)settle(f);
    next = next_post(f);
    assert_int_equal(log_position_cmp(next->previous, post->last), 0);
    answer(f, next, PUSH_OK);
    pass(f, 30 * MINUTE_MS);
    post = check_status(f);
    assert_int_equal(log_position_cmp(post->previous, next->last), 0);
    answer(f, post, PUSH_OK);
    (void)given_mail(f);
    (void)settle(f);
    next = next_post(f);
    assert_int_equal(log_position_cmp(next->previous, post->end), 0);
    answer(f, next, PUSH_OK);
}

static void more_follows_at_once(void **state)
{
    struct fixture *f = *state;
    const struct test_post *post;

    (void)given_listener(f, 30 * MINUTE_MS);
    (void)given_mails(f, f->inbox, 2 * NOTIFY_MAX_NOTICES + 1);
    (void)settle(f);
    for (int i = 0; i < 2; i++) {
        post = next_post(f);
        assert_int_equal(post->n, NOTIFY_MAX_NOTICES);
        assert_true(post->more);
        answer(f, post, PUSH_OK);
    }
    post = next_post(f);
    assert_int_equal(post->n, 1);
    assert_false(post->more);
    assert_int_equal(elapsed_ms(f), 0);
    answer(f, post, PUSH_OK);
    check_no_post(f);
}

static struct db *wrap_in_fault(struct db *inner, void *ctx)
{
    return db_fault_new(inner, ctx);
}

/* Else a crash would repeat more than one post. */
static void the_next_post_waits_until_the_row_knows_of_the_last(void **state)
{
    struct fixture *f = *state;
    struct db_fault full_disk = {
        .kind = ERR_STORE_FULL, .only_one_call = true, .call = DB_CALL_COMMIT, .ends_tx = true};
    struct subscription s;
    const struct test_post *post;

    close_all(f);
    db_decorate_all(wrap_in_fault, &full_disk);
    open_all(f);
    s = given_listener(f, 30 * MINUTE_MS);
    (void)given_mails(f, f->inbox, NOTIFY_MAX_NOTICES + 1);
    (void)settle(f);
    log_configure(LOG_ERROR, false, open("/dev/null", O_WRONLY | O_CLOEXEC));
    post = next_post(f);
    full_disk.calls = 0;
    full_disk.nth = 1;
    hub_push_done(f->posts[post - f->posts].post, PUSH_OK);
    f->posts[post - f->posts].post = NULL;
    while (jobs_out(f) != 0) {
        (void)sched_yield();
    }
    assert_true(full_disk.fired);
    pass(f, NOTIFY_TROUBLE_MS - 1);
    check_no_post(f);
    pass(f, 1);
    check_cursor(f, &s, post->last);
    answer(f, next_post(f), PUSH_OK);
    close_all(f);
    db_decorate_all(NULL, NULL);
}

static void quiet_times_are_ended_by_a_status(void **state)
{
    struct fixture *f = *state;
    uint64_t a;

    (void)given_listener(f, 10 * MINUTE_MS);
    pass(f, 9 * MINUTE_MS);
    a = given_mail(f);
    (void)settle(f);
    answer(f, check_post(f, a), PUSH_OK);
    pass(f, 10 * MINUTE_MS - 1);
    check_no_post(f);
    pass(f, 1);
    answer(f, check_status(f), PUSH_OK);
    pass(f, 10 * MINUTE_MS);
    assert_int_equal(check_status(f)->at_ms, 29 * MINUTE_MS);
    answer(f, &f->posts[f->post_n - 1], PUSH_OK);
}

static int prune_all(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    (void)f;
    (void)ctx;
    return mailbox_event_prune(tx, -1, err);
}

static void lost_events_show_in_the_previous_watermark(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_push(f, 30 * MINUTE_MS);
    const struct test_post *post = check_status(f), *next;

    (void)given_mail(f);
    must(f, call_in(f, true, prune_all, NULL));
    answer(f, post, PUSH_OK);
    next = check_status(f);
    assert_true(next->missed);
    assert_true(log_position_cmp(next->previous, post->end) > 0);
    answer(f, next, PUSH_OK);
    check_cursor(f, &s, next->end);
    check_no_post(f);
}

/* ---- failing ---- */

static void retries_come_at_doubled_times_until_the_subscription_is_given_up(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_listener(f, 30 * MINUTE_MS), row;
    const int64_t after_s[] = {30, 60, 120, 240, 480, 960};
    struct hub_stats stats;
    uint64_t a = given_mail(f);
    int64_t begun_ms;

    pass(f, SECOND_MS);
    begun_ms = elapsed_ms(f);
    answer(f, check_post(f, a), PUSH_FAILED);
    for (size_t i = 0; i < ARRAY_LEN(after_s); i++) {
        const struct test_post *post;

        pass(f, begun_ms + after_s[i] * SECOND_MS - elapsed_ms(f) - 1);
        check_no_post(f);
        assert_true(row_of(f, &s, &row));
        assert_int_equal(row.failing_ms, f->begun_ms + begun_ms);
        pass(f, 1);
        post = check_post(f, a);
        pass(f, 5 * SECOND_MS); /* the listener's time does not count */
        answer(f, post, PUSH_FAILED);
    }
    assert_false(row_of(f, &s, &row));
    pass(f, HOUR_MS);
    check_no_post(f);
    hub_stats(f->hub, &stats);
    assert_int_equal(stats.posts_failed, 7);
    assert_int_equal(stats.pushes_given_up, 1);
    assert_int_equal(stats.push_subscriptions, 0);
    assert_int_equal(count_hints(f), 0);
}

static void new_events_join_a_retry_and_success_forgets_the_failures(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_listener(f, 30 * MINUTE_MS), row;
    const struct test_post *post;
    struct log_position before = f->posts[0].end;
    uint64_t a = given_mail(f);

    (void)settle(f);
    answer(f, check_post(f, a), PUSH_FAILED);
    pass(f, 10 * SECOND_MS);
    (void)given_mail(f);
    (void)settle(f);
    check_no_post(f);
    pass(f, 20 * SECOND_MS);
    post = next_post(f);
    assert_int_equal(post->n, 2);
    assert_int_equal(post->object[0], a);
    assert_int_equal(log_position_cmp(post->previous, before), 0);
    answer(f, post, PUSH_OK);
    assert_true(row_of(f, &s, &row));
    assert_int_equal(row.failing_ms, 0);
    a = given_mail(f);
    (void)settle(f);
    answer(f, check_post(f, a), PUSH_FAILED);
    pass(f, 30 * SECOND_MS); /* the first wait again */
    answer(f, check_post(f, a), PUSH_OK);
}

static void a_status_that_fails_is_retried_too(void **state)
{
    struct fixture *f = *state;

    (void)given_push(f, MINUTE_MS);
    answer(f, check_status(f), PUSH_FAILED);
    pass(f, 30 * SECOND_MS);
    answer(f, check_status(f), PUSH_FAILED);
    pass(f, 30 * SECOND_MS - 1);
    check_no_post(f);
    pass(f, 1); /* a minute is not more than a minute */
    answer(f, check_status(f), PUSH_FAILED);
    assert_int_equal(count_hints(f), 0);
}

/* ---- ending ---- */

static void a_listener_that_unsubscribes_is_gone(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_listener(f, MINUTE_MS), t = given_listener(f, MINUTE_MS), row;
    uint64_t a = given_mail(f);
    const struct test_post *first, *second;

    (void)settle(f);
    first = check_post(f, a);
    second = check_post(f, a);
    answer(f, first->subscription == s.id.v ? first : second, PUSH_UNSUBSCRIBE);
    answer(f, first->subscription == s.id.v ? second : first, PUSH_OK);
    assert_false(row_of(f, &s, &row));
    assert_true(row_of(f, &t, &row));
    assert_int_equal(count_hints(f), 1);
    a = given_mail(f);
    (void)settle(f);
    assert_int_equal(check_post(f, a)->subscription, t.id.v);
    answer(f, &f->posts[f->post_n - 1], PUSH_UNSUBSCRIBE);
    assert_int_equal(count_hints(f), 0);
}

static void a_row_that_goes_while_a_post_is_out_ends_it(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_push(f, MINUTE_MS);
    struct hub_stats stats;

    answer(f, check_status(f), PUSH_FAILED);
    pass(f, 30 * SECOND_MS);
    unsubscribe(f, &s);
    (void)settle(f);
    answer(f, check_status(f), PUSH_FAILED);
    hub_stats(f->hub, &stats);
    assert_int_equal(stats.push_subscriptions, 0);
    pass(f, HOUR_MS);
    check_no_post(f);
}

/* ---- restarts ---- */

static void a_restart_goes_on_from_the_row(void **state)
{
    struct fixture *f = *state;
    const struct test_post *post;
    struct log_position last;
    uint64_t a = 0, b;

    (void)given_listener(f, 30 * MINUTE_MS);
    a = given_mail(f);
    (void)settle(f);
    post = check_post(f, a);
    last = post->last;
    answer(f, post, PUSH_OK);
    pass(f, 20 * MINUTE_MS);
    restart(f);
    pass(f, 10 * MINUTE_MS - 1);
    check_no_post(f); /* neither a first status again, nor the event */
    pass(f, 1);
    post = check_status(f);
    assert_int_equal(log_position_cmp(post->previous, last), 0);
    answer(f, post, PUSH_OK);
    b = given_mail(f);
    (void)settle(f);
    answer(f, check_post(f, b), PUSH_OK);
}

static void a_restart_keeps_the_schedule_of_retries(void **state)
{
    struct fixture *f = *state;
    uint64_t a;

    (void)given_listener(f, 30 * MINUTE_MS);
    a = given_mail(f);
    (void)settle(f);
    answer(f, check_post(f, a), PUSH_FAILED);
    pass(f, 30 * SECOND_MS);
    answer(f, check_post(f, a), PUSH_FAILED);
    pass(f, 60 * SECOND_MS); /* the retry at 60 s is out when the hub ends */
    (void)check_post(f, a);
    restart(f);
    pass(f, 30 * SECOND_MS - 1);
    check_no_post(f);
    pass(f, 1);
    assert_int_equal(check_post(f, a)->at_ms, 120 * SECOND_MS);
    answer(f, &f->posts[f->post_n - 1], PUSH_OK);
}

static void after_a_long_standstill_the_listener_gets_one_more_chance(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_listener(f, 10 * MINUTE_MS), row;
    uint64_t a = given_mail(f);

    (void)settle(f);
    answer(f, check_post(f, a), PUSH_FAILED);
    close_all(f);
    atomic_fetch_add(&f->clock.ms, 2 * HOUR_MS);
    open_all(f);
    (void)settle(f);
    answer(f, check_post(f, a), PUSH_FAILED);
    assert_false(row_of(f, &s, &row));
}

struct stopper {
    struct fixture *f;
    pthread_t thread;
};

static void *stop_hub(void *arg)
{
    hub_stop(((struct stopper *)arg)->f->hub, STOP_MS);
    return NULL;
}

static bool is_stopping(struct fixture *f)
{
    struct desk *desk = hub_desk(f->hub, f->no, false);
    bool stopping = desk->stopping;

    desk_leave(desk);
    return stopping;
}

static void a_stop_waits_for_posts_and_counts_no_failure(void **state)
{
    struct fixture *f = *state;
    struct subscription s = given_listener(f, MINUTE_MS), t = given_listener(f, MINUTE_MS), row;
    uint64_t a = given_mail(f);
    struct stopper stopper = {.f = f};
    const struct test_post *first, *second;

    (void)settle(f);
    first = check_post(f, a);
    second = check_post(f, a);
    assert_int_equal(pthread_create(&stopper.thread, NULL, stop_hub, &stopper), 0);
    while (!is_stopping(f)) {
        (void)sched_yield();
    }
    hub_push_done(first->post, PUSH_OK);
    hub_push_done(second->post, PUSH_FAILED);
    pthread_join(stopper.thread, NULL);
    f->posts[first - f->posts].post = f->posts[second - f->posts].post = NULL;
    assert_true(row_of(f, first->subscription == s.id.v ? &s : &t, &row));
    assert_int_equal(log_position_cmp(row.cursor, first->last), 0);
    assert_true(row_of(f, first->subscription == s.id.v ? &t : &s, &row));
    assert_int_equal(log_position_cmp(row.cursor, second->previous), 0);
    assert_int_equal(row.failing_ms, 0);
}

static void without_a_poster_rows_are_left_alone(void **state)
{
    struct fixture *f = *state;
    struct subscription s, row;

    close_all(f);
    f->options.push = NULL;
    open_all(f);
    s = given_push(f, MINUTE_MS);
    (void)given_mail(f);
    pass(f, HOUR_MS);
    check_no_post(f);
    assert_true(row_of(f, &s, &row));
    assert_int_equal(count_hints(f), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        hub_test(a_new_listener_hears_its_status_before_the_events),
        hub_test(each_post_goes_on_from_the_last_watermark),
        hub_test(more_follows_at_once),
        hub_test(the_next_post_waits_until_the_row_knows_of_the_last),
        hub_test(quiet_times_are_ended_by_a_status),
        hub_test(lost_events_show_in_the_previous_watermark),
        hub_test(retries_come_at_doubled_times_until_the_subscription_is_given_up),
        hub_test(new_events_join_a_retry_and_success_forgets_the_failures),
        hub_test(a_status_that_fails_is_retried_too),
        hub_test(a_listener_that_unsubscribes_is_gone),
        hub_test(a_row_that_goes_while_a_post_is_out_ends_it),
        hub_test(a_restart_goes_on_from_the_row),
        hub_test(a_restart_keeps_the_schedule_of_retries),
        hub_test(after_a_long_standstill_the_listener_gets_one_more_chance),
        hub_test(a_stop_waits_for_posts_and_counts_no_failure),
        hub_test(without_a_poster_rows_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
