#include "support/mailbox_fixture.h"

#include "base/buf.h"
#include "mailbox/limits.h"
#include "mailbox/props.h"
#include "mailbox/store.h"
#include "mailbox/subscriptions.h"
#include "support/tmpdir.h"

#define MINUTE_MS INT64_C(60000)

static const struct folder_id two[] = {{2}, {UINT64_C(1) << 48}};

static struct subscription pull(void)
{
    return (struct subscription){.owner = FIXTURE_NO,
                                 .kind = SUBSCRIPTION_PULL,
                                 .types = 5,
                                 .folders = two,
                                 .folder_n = ARRAY_LEN(two),
                                 .cursor = {{40}, 2},
                                 .life_ms = 10 * MINUTE_MS};
}

static int add(struct fixture *f, struct subscription *s, unsigned max)
{
    return IN_WRITE(f, subscription_add(f->tx, s, max, &f->err));
}

static int get(struct fixture *f, const struct subscription *want, struct subscription *s)
{
    int rc;

    read_tx(f);
    rc = must(f, subscription_get(f->tx, want->id, want->secret, f->arena, s, &f->err));
    mailbox_tx_rollback(&f->tx);
    return rc;
}

static size_t count(struct fixture *f, enum subscription_kind kind)
{
    struct subscription *all;
    size_t n;

    read_tx(f);
    must(f, subscription_list(f->tx, kind, f->arena, &all, &n, &f->err));
    mailbox_tx_rollback(&f->tx);
    return n;
}

static void test_what_was_added_is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct subscription s = pull(), push = pull(), got;

    push.kind = SUBSCRIPTION_PUSH;
    push.folder_n = 0;
    push.url = STR("http://127.0.0.1:9/");
    push.caller_data = STR("mine");
    must(f, add(f, &s, 10));
    must(f, add(f, &push, 10));
    fixture_reopen(f);
    assert_int_equal(get(f, &s, &got), 1);
    assert_int_equal(got.owner.v, FIXTURE_NO.v);
    assert_int_equal(got.kind, SUBSCRIPTION_PULL);
    assert_int_equal(got.types, 5);
    assert_int_equal(got.folder_n, 2);
    assert_int_equal(got.folders[0].v, 2);
    assert_int_equal(got.folders[1].v, UINT64_C(1) << 48);
    assert_int_equal(log_position_cmp(got.cursor, s.cursor), 0);
    assert_int_equal(got.life_ms, 10 * MINUTE_MS);
    assert_int_equal(got.created_ms, f->clock.now_unix_ms);
    assert_int_equal(get(f, &push, &got), 1);
    assert_int_equal(got.folder_n, 0);
    assert_true(str_is(got.url, "http://127.0.0.1:9/"));
    assert_true(str_is(got.caller_data, "mine"));
    assert_int_equal(count(f, 0), 2);
    assert_int_equal(count(f, SUBSCRIPTION_PUSH), 1);
}

static void test_kinds_are_counted(void **state)
{
    struct fixture *f = *state;
    struct subscription s = pull(), push = pull(), other = pull();
    struct subscription_counts counts;

    push.kind = SUBSCRIPTION_PUSH;
    must(f, add(f, &s, 10));
    must(f, add(f, &push, 10));
    must(f, add(f, &other, 10));
    read_tx(f);
    must(f, subscription_count(f->tx, &counts, &f->err));
    mailbox_tx_rollback(&f->tx);
    assert_int_equal(counts.n[SUBSCRIPTION_STREAMING], 0);
    assert_int_equal(counts.n[SUBSCRIPTION_PULL], 2);
    assert_int_equal(counts.n[SUBSCRIPTION_PUSH], 1);
}

static void test_another_secret_finds_nothing(void **state)
{
    struct fixture *f = *state;
    struct subscription s = pull(), got;

    must(f, add(f, &s, 10));
    s.secret[SUBSCRIPTION_SECRET_BYTES - 1] ^= 1;
    assert_int_equal(get(f, &s, &got), 0);
}

static void test_numbers_are_not_given_again(void **state)
{
    struct fixture *f = *state;
    struct subscription a = pull(), b = pull(), got;

    must(f, add(f, &a, 10));
    assert_int_equal(must(f, IN_WRITE(f, subscription_delete(f->tx, a.id, &f->err))), 1);
    assert_int_equal(must(f, IN_WRITE(f, subscription_delete(f->tx, a.id, &f->err))), 0);
    must(f, add(f, &b, 10));
    assert_true(b.id.v != a.id.v);
    assert_int_equal(get(f, &a, &got), 0);
}

static void test_a_pull_subscription_dies_of_silence_and_not_before(void **state)
{
    struct fixture *f = *state;
    struct subscription s = pull(), got;

    must(f, add(f, &s, 10));
    clock_manual_advance(&f->clock, s.life_ms + SUBSCRIPTION_SLACK_MS);
    assert_int_equal(get(f, &s, &got), 1);
    assert_int_equal(must(f, IN_WRITE(f, subscription_touch(f->tx, s.id, &f->err))), 1);
    clock_manual_advance(&f->clock, s.life_ms + SUBSCRIPTION_SLACK_MS);
    assert_int_equal(get(f, &s, &got), 1);
    clock_manual_advance(&f->clock, 1);
    assert_int_equal(get(f, &s, &got), 0);
    assert_int_equal(count(f, 0), 0);
    must(f, IN_WRITE(f, subscription_expire(f->tx, &f->err)));
    assert_int_equal(must(f, IN_WRITE(f, subscription_touch(f->tx, s.id, &f->err))), 0);
}

static void test_push_subscriptions_do_not_die_of_silence(void **state)
{
    struct fixture *f = *state;
    struct subscription s = pull(), got;

    s.kind = SUBSCRIPTION_PUSH;
    must(f, add(f, &s, 10));
    clock_manual_advance(&f->clock, 100000 * MINUTE_MS);
    must(f, IN_WRITE(f, subscription_expire(f->tx, &f->err)));
    assert_int_equal(get(f, &s, &got), 1);
}

static void test_dead_ones_leave_their_places_to_new_ones(void **state)
{
    struct fixture *f = *state;
    struct subscription a = pull(), b = pull(), c = pull();

    must(f, add(f, &a, 2));
    must(f, add(f, &b, 2));
    assert_int_equal(add(f, &c, 2), -ERR_SUBSCRIPTION_COUNT);
    clock_manual_advance(&f->clock, a.life_ms + SUBSCRIPTION_SLACK_MS + 1);
    must(f, add(f, &c, 2));
    assert_int_equal(count(f, 0), 1);
}

static void test_what_became_of_it_is_kept(void **state)
{
    const struct log_position at = {{90}, 3};
    struct fixture *f = *state;
    struct subscription s = pull(), got;

    must(f, add(f, &s, 10));
    clock_manual_advance(&f->clock, 5);
    assert_int_equal(must(f, IN_WRITE(f, subscription_note(f->tx, s.id, at, 77, &f->err))), 1);
    fixture_reopen(f);
    assert_int_equal(get(f, &s, &got), 1);
    assert_int_equal(log_position_cmp(got.cursor, at), 0);
    assert_int_equal(got.failing_ms, 77);
    assert_int_equal(got.used_ms, s.used_ms + 5);
}

static int check_position(struct fixture *f, struct log_position at)
{
    int rc;

    read_tx(f);
    rc = log_position_check(f->tx, at, &f->err);
    mailbox_tx_rollback(&f->tx);
    return rc;
}

static void test_positions_are_within_the_log(void **state)
{
    struct fixture *f = *state;
    struct item_id old = given_item(f, distinguished(f, DF_INBOX));
    struct log_position now;

    assert_int_equal(check_position(f, (struct log_position){{old.v}, 1}), 0);
    clock_manual_advance(&f->clock, 100);
    (void)given_item(f, distinguished(f, DF_INBOX));
    must(f, IN_WRITE(f, mailbox_event_prune(f->tx, 50, &f->err)));
    read_tx(f);
    now = log_position_now(f->tx);
    mailbox_tx_rollback(&f->tx);
    assert_int_equal(check_position(f, (struct log_position){{old.v}, 1}), -ERR_WATERMARK);
    assert_int_equal(check_position(f, (struct log_position){{old.v + 1}, 0}), 0);
    assert_int_equal(check_position(f, now), 0);
    assert_int_equal(check_position(f, (struct log_position){{now.seq.v + 1}, 0}), -ERR_WATERMARK);
}

/* ---- what the log says for subscribers ---- */

static uint32_t flags_of_last_event(struct fixture *f, enum event_kind kind)
{
    struct event_iter *iter;
    uint32_t flags = UINT32_MAX;
    struct event e;

    read_tx(f);
    must(f, mailbox_event_iter_begin(f->tx, (struct seq){0}, &iter, &f->err));
    while (mailbox_event_iter_next(iter, &e)) {
        flags = e.kind == kind ? e.flags : flags;
    }
    must(f, mailbox_event_iter_end(&iter, &f->err));
    mailbox_tx_rollback(&f->tx);
    return flags;
}

static struct str times(struct buf *b, int64_t start, int64_t busy, const char *subject)
{
    struct props_writer w;

    b->n = 0;
    props_begin(&w, b);
    props_add_text(&w, IPROP_SUBJECT, str_from(subject));
    props_add_int(&w, IPROP_MEETING_START, start);
    props_add_int(&w, IPROP_MEETING_BUSY_STATUS, busy);
    return buf_str(b);
}

static void test_free_and_busy_changes_are_told_apart(void **state)
{
    struct fixture *f = *state;
    struct folder_id calendar = distinguished(f, DF_CALENDAR);
    struct buf props = BUF_INIT;
    struct item_draft draft = {.kind = ITEM_KIND_CALENDAR_ITEM, .props = times(&props, 1, 2, "a")};
    struct item_update update = {0};
    struct item_id id;

    must(f, IN_WRITE(f, mailbox_item_add(f->tx, calendar, &draft, &id, &f->err)));
    assert_int_equal(flags_of_last_event(f, EVENT_ITEM_CREATED), EVENT_FREE_BUSY);
    update.props = times(&props, 1, 2, "b");
    must(f, IN_WRITE(f, mailbox_item_update(f->tx, id, &update, &f->err)));
    assert_int_equal(flags_of_last_event(f, EVENT_ITEM_MODIFIED), 0);
    update.props = times(&props, 1, 0, "b");
    must(f, IN_WRITE(f, mailbox_item_update(f->tx, id, &update, &f->err)));
    assert_int_equal(flags_of_last_event(f, EVENT_ITEM_MODIFIED), EVENT_FREE_BUSY);
    update.props = times(&props, 9, 0, "b");
    must(f, IN_WRITE(f, mailbox_item_update(f->tx, id, &update, &f->err)));
    assert_int_equal(flags_of_last_event(f, EVENT_ITEM_MODIFIED), EVENT_FREE_BUSY);
    set_read(f, id, true);
    assert_int_equal(flags_of_last_event(f, EVENT_ITEM_READ_FLAG), 0);
    delete_item(f, id);
    assert_int_equal(flags_of_last_event(f, EVENT_ITEM_DELETED), EVENT_FREE_BUSY);
    buf_fini(&props);
}

static void test_what_is_discarded_is_told_apart_from_what_is_moved(void **state)
{
    struct fixture *f = *state;
    struct item_id id = given_item(f, distinguished(f, DF_INBOX)), moved;
    struct folder_id bin = distinguished(f, DF_DELETEDITEMS);

    id = move_item(f, id, distinguished(f, DF_NOTES));
    assert_int_equal(flags_of_last_event(f, EVENT_ITEM_MOVED), 0);
    must(f, IN_WRITE(f, mailbox_item_discard(f->tx, id, bin, &moved, &f->err)));
    assert_int_equal(flags_of_last_event(f, EVENT_ITEM_MOVED), EVENT_DISCARDED);
}

/* ---- the hint ---- */

static void test_the_push_hint_is_durable_and_its_own(void **state)
{
    struct store_options options = {.create = true, .clock = clock_system()};
    struct user user = {.address = STR("a@example.com")};
    AUTO(arena) arena = arena_new(NULL, "test");
    struct err err = ERR_INIT;
    struct mailbox_no no, *nos;
    struct store *store;
    struct tmpdir dir;
    size_t n;

    (void)state;
    tmpdir_make(&dir);
    options.dir = dir.path;
    assert_int_equal(store_open(&options, &store, &err), 0);
    assert_int_equal(store_user_add(store, &user, &no, &err), 0);
    assert_int_equal(store_push_hint_set(store, no, &err), 0);
    assert_int_equal(store_push_hint_set(store, no, &err), 0);
    store_close(&store);
    assert_int_equal(store_open(&options, &store, &err), 0);
    assert_int_equal(store_push_hint_list(store, arena, &nos, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(nos[0].v, no.v);
    assert_int_equal(store_push_hint_clear(store, no, &err), 0);
    assert_int_equal(store_push_hint_list(store, arena, &nos, &n, &err), 0);
    assert_int_equal(n, 0);
    store_close(&store);
    tmpdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_what_was_added_is_there_after_a_restart),
        fixture_test(test_kinds_are_counted),
        fixture_test(test_another_secret_finds_nothing),
        fixture_test(test_numbers_are_not_given_again),
        fixture_test(test_a_pull_subscription_dies_of_silence_and_not_before),
        fixture_test(test_push_subscriptions_do_not_die_of_silence),
        fixture_test(test_dead_ones_leave_their_places_to_new_ones),
        fixture_test(test_what_became_of_it_is_kept),
        fixture_test(test_positions_are_within_the_log),
        fixture_test(test_free_and_busy_changes_are_told_apart),
        fixture_test(test_what_is_discarded_is_told_apart_from_what_is_moved),
        cmocka_unit_test(test_the_push_hint_is_durable_and_its_own),
    };

    return cmocka_run_group_tests_name("subscriptions", tests, NULL, NULL);
}
