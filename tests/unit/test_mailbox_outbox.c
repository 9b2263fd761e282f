#include "support/mailbox_fixture.h"

#include "mailbox/limits.h"
#include "mailbox/outbox.h"
#include "mailbox/store.h"
#include "support/tmpdir.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static const struct str three[] = {STR_INIT("a@example.com"), STR_INIT("b@example.org"),
                                   STR_INIT("c@example.net")};

static struct seq queue(struct fixture *f, size_t n)
{
    struct seq id;

    must(f, IN_WRITE(f, outbox_add(f->tx, STR("me@example.com"), STR("Subject: x\r\n\r\n"), three,
                                   n, &id, &f->err)));
    return id;
}

static int get(struct fixture *f, struct seq id, struct outbox_message *m)
{
    int rc;

    read_tx(f);
    rc = must(f, outbox_get(f->tx, id, f->arena, m, &f->err));
    mailbox_tx_rollback(&f->tx);
    return rc;
}

static size_t due(struct fixture *f, size_t max, struct seq **ids, int64_t *next_ms)
{
    size_t n;

    read_tx(f);
    must(f, outbox_due(f->tx, f->clock.now_unix_ms, max, f->arena, ids, &n, next_ms, &f->err));
    mailbox_tx_rollback(&f->tx);
    return n;
}

static void note(struct fixture *f, struct seq id, size_t i, enum outbox_state s, int64_t next_ms)
{
    const struct outbox_recipient now = {
        .state = s, .attempts = 3, .next_ms = next_ms, .reply = STR("451 later")};

    must(f, IN_WRITE(f, outbox_note(f->tx, id, i, &now, &f->err)));
}

static bool is_empty(struct fixture *f)
{
    int rc;

    read_tx(f);
    rc = must(f, outbox_is_empty(f->tx, &f->err));
    mailbox_tx_rollback(&f->tx);
    return rc == 1;
}

static void test_what_is_queued_is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct outbox_message m;
    struct seq id;

    assert_true(is_empty(f));
    id = queue(f, 3);
    fixture_reopen(f);
    assert_int_equal(get(f, id, &m), 1);
    assert_int_equal(m.queued_ms, f->clock.now_unix_ms);
    assert_true(str_is(m.sender, "me@example.com"));
    assert_true(str_is(m.mime, "Subject: x\r\n\r\n"));
    assert_int_equal(m.recipient_count, 3);
    assert_true(str_eq(m.recipients[2].address, three[2]));
    assert_int_equal(m.recipients[2].state, OUTBOX_WAITING);
    assert_int_equal(m.recipients[2].attempts, 0);
    assert_false(is_empty(f));
}

static void test_a_failed_part_queues_nothing(void **state)
{
    struct fixture *f = *state;
    struct outbox_message m;
    struct seq id;

    write_tx(f);
    must(f, mailbox_tx_part_begin(f->tx, &f->err));
    must(f, outbox_add(f->tx, STR(""), STR("x"), three, 2, &id, &f->err));
    must(f, mailbox_tx_part_undo(f->tx, &f->err));
    commit(f);
    assert_int_equal(get(f, id, &m), 0);
    assert_true(is_empty(f));
}

static void test_only_what_is_due_is_told_and_when_the_next_is(void **state)
{
    struct fixture *f = *state;
    struct seq first, second, third, *ids;
    int64_t next_ms;

    assert_int_equal(due(f, 8, &ids, &next_ms), 0);
    assert_true(next_ms == INT64_MAX);
    first = queue(f, 3);
    clock_manual_advance(&f->clock, 1000);
    second = queue(f, 1);
    third = queue(f, 1);
    assert_int_equal(due(f, 8, &ids, &next_ms), 3);
    assert_int_equal(ids[0].v, first.v);
    assert_true(next_ms == INT64_MAX);
    assert_int_equal(due(f, 1, &ids, &next_ms), 1);
    assert_int_equal(next_ms, f->clock.now_unix_ms); /* the others are due as well */

    note(f, second, 0, OUTBOX_WAITING, f->clock.now_unix_ms + 60000);
    note(f, third, 0, OUTBOX_SENT, 0);
    note(f, first, 0, OUTBOX_FAILED, 0);
    assert_int_equal(due(f, 8, &ids, &next_ms), 1); /* two of its three recipients wait */
    assert_int_equal(next_ms, f->clock.now_unix_ms + 60000);
    clock_manual_advance(&f->clock, 60000);
    assert_int_equal(due(f, 8, &ids, &next_ms), 2);
}

static void test_outcomes_are_noted_one_by_one(void **state)
{
    struct fixture *f = *state;
    struct seq id = queue(f, 2);
    const struct outbox_recipient any = {.state = OUTBOX_SENT};
    struct outbox_message m;

    note(f, id, 1, OUTBOX_FAILED, 77);
    assert_int_equal(get(f, id, &m), 1);
    assert_int_equal(m.recipients[0].state, OUTBOX_WAITING);
    assert_int_equal(m.recipients[1].state, OUTBOX_FAILED);
    assert_int_equal(m.recipients[1].attempts, 3);
    assert_true(str_is(m.recipients[1].reply, "451 later"));
    assert_int_equal(IN_WRITE(f, outbox_note(f->tx, id, 2, &any, &f->err)), -ERR_ITEM_NOT_FOUND);
    must(f, IN_WRITE(f, outbox_remove(f->tx, id, &f->err)));
    assert_int_equal(get(f, id, &m), 0);
    assert_true(is_empty(f));
}

static int arrive(struct fixture *f, uint64_t from, uint64_t id, int64_t queued_ms)
{
    const struct delivery_origin origin = {{from}, {id}, queued_ms};

    return must(f, IN_WRITE(f, delivery_note_once(f->tx, &origin, &f->err)));
}

static void test_what_was_delivered_is_known_for_a_month(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(arrive(f, 3, 40, 1), 1);
    assert_int_equal(arrive(f, 3, 40, 1), 0);
    assert_int_equal(arrive(f, 4, 40, 1), 1);
    assert_int_equal(arrive(f, 3, 41, 1), 1);
    assert_int_equal(arrive(f, 3, 40, 2), 1); /* a number given again after a restore */
    clock_manual_advance(&f->clock, 29 * DAY_MS);
    assert_int_equal(arrive(f, 3, 40, 1), 0);
    clock_manual_advance(&f->clock, 2 * DAY_MS);
    assert_int_equal(arrive(f, 9, 1, 1), 1); /* prunes */
    assert_int_equal(arrive(f, 3, 40, 1), 1);
}

/* ---- the hint ---- */

static struct store *given_store(const struct tmpdir *dir)
{
    const struct store_options options = {
        .dir = dir->path, .create = true, .clock = clock_system()};
    struct store *store;

    assert_int_equal(store_open(&options, &store, NULL), 0);
    return store;
}

static size_t hints(struct store *store, struct arena *arena, struct mailbox_no **nos)
{
    size_t n;

    assert_int_equal(store_outbox_hint_list(store, arena, nos, &n, NULL), 0);
    return n;
}

static void test_hints_outlive_the_process_and_go_with_the_user(void **state)
{
    const struct user user = {.address = STR("a@example.com")};
    AUTO(arena) arena = arena_new(NULL, "test");
    struct mailbox_no no, *nos;
    struct store *store;
    struct tmpdir dir;

    (void)state;
    tmpdir_make(&dir);
    store = given_store(&dir);
    assert_int_equal(store_user_add(store, &user, &no, NULL), 0);
    assert_int_equal(hints(store, arena, &nos), 0);
    assert_int_equal(store_outbox_hint_set(store, no, NULL), 0);
    assert_int_equal(store_outbox_hint_set(store, no, NULL), 0);
    assert_int_equal(store_outbox_hint_set(store, (struct mailbox_no){99}, NULL), 0);
    store_close(&store);
    store = given_store(&dir);
    assert_int_equal(hints(store, arena, &nos), 2);
    assert_int_equal(nos[0].v, no.v);
    assert_int_equal(store_outbox_hint_clear(store, (struct mailbox_no){99}, NULL), 0);
    assert_int_equal(store_outbox_hint_clear(store, (struct mailbox_no){99}, NULL), 0);
    assert_int_equal(hints(store, arena, &nos), 1);
    assert_int_equal(store_user_delete(store, user.address, NULL), 0);
    assert_int_equal(hints(store, arena, &nos), 0);
    store_close(&store);
    tmpdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_what_is_queued_is_there_after_a_restart),
        fixture_test(test_a_failed_part_queues_nothing),
        fixture_test(test_only_what_is_due_is_told_and_when_the_next_is),
        fixture_test(test_outcomes_are_noted_one_by_one),
        fixture_test(test_what_was_delivered_is_known_for_a_month),
        cmocka_unit_test(test_hints_outlive_the_process_and_go_with_the_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
