#include "support/mailbox_fixture.h"

struct expected {
    enum event_kind kind;
    uint64_t object, parent, old_object, old_parent;
};

static struct seq now(struct fixture *f)
{
    struct seq seq;

    read_tx(f);
    seq = mailbox_tx_seq(f->tx);
    mailbox_tx_rollback(&f->tx);
    return seq;
}

static void check_events(struct fixture *f, struct seq after, const struct expected *want, size_t n)
{
    struct event_iter *iter;
    struct event e;
    size_t i = 0;

    read_tx(f);
    must(f, mailbox_event_iter_begin(f->tx, after, &iter, &f->err));
    while (mailbox_event_iter_next(iter, &e)) {
        assert_true(i < n);
        assert_true(e.seq.v > after.v);
        assert_int_equal(e.kind, want[i].kind);
        assert_int_equal(e.object, want[i].object);
        assert_int_equal(e.parent, want[i].parent);
        assert_int_equal(e.old_object, want[i].old_object);
        assert_int_equal(e.old_parent, want[i].old_parent);
        assert_int_equal(e.at_ms, f->clock.now_unix_ms);
        after = e.seq;
        i++;
    }
    must(f, mailbox_event_iter_end(&iter, &f->err));
    mailbox_tx_rollback(&f->tx);
    assert_int_equal(i, n);
}

static void every_change_of_an_item_is_one_event(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), notes = distinguished(f, DF_NOTES);
    const struct item_draft saved = {.kind = ITEM_KIND_MESSAGE};
    struct seq start = now(f);
    struct item_id mail = given_item(f, inbox), draft, moved, copy;

    must(f, IN_WRITE(f, mailbox_item_add(f->tx, inbox, &saved, &draft, &f->err)));
    change(f, mail);
    set_read(f, mail, true);
    set_read(f, mail, true);
    moved = move_item(f, mail, notes);
    must(f, IN_WRITE(f, mailbox_item_copy(f->tx, moved, inbox, &copy, &f->err)));
    delete_item(f, copy);
    const struct expected want[] = {
        {EVENT_ITEM_NEW_MAIL, mail.v, inbox.v, 0, 0},
        {EVENT_ITEM_CREATED, draft.v, inbox.v, 0, 0},
        {EVENT_ITEM_MODIFIED, mail.v, inbox.v, 0, 0},
        {EVENT_ITEM_READ_FLAG, mail.v, inbox.v, 0, 0},
        {EVENT_ITEM_MOVED, moved.v, notes.v, mail.v, inbox.v},
        {EVENT_ITEM_COPIED, copy.v, inbox.v, moved.v, notes.v},
        {EVENT_ITEM_DELETED, copy.v, inbox.v, 0, 0},
    };
    check_events(f, start, want, ARRAY_LEN(want));
    check_events(f, (struct seq){draft.v}, want + 2, ARRAY_LEN(want) - 2);
}

static void every_change_of_a_folder_is_one_event(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), notes = distinguished(f, DF_NOTES);
    struct seq start = now(f);
    struct folder_id a = given_folder(f, inbox, "a"), b = given_folder(f, a, "b");

    must(f, IN_WRITE(f, mailbox_folder_rename(f->tx, b, STR("c"), &f->err)));
    must(f, IN_WRITE(f, mailbox_folder_move(f->tx, a, notes, &f->err)));
    must(f, IN_WRITE(f, mailbox_folder_delete(f->tx, a, &f->err)));
    const struct expected want[] = {
        {EVENT_FOLDER_CREATED, a.v, inbox.v, 0, 0},
        {EVENT_FOLDER_CREATED, b.v, a.v, 0, 0},
        {EVENT_FOLDER_MODIFIED, b.v, a.v, 0, 0},
        {EVENT_FOLDER_MOVED, a.v, notes.v, a.v, inbox.v},
        {EVENT_FOLDER_DELETED, a.v, notes.v, 0, 0},
        {EVENT_FOLDER_DELETED, b.v, a.v, 0, 0},
    };
    check_events(f, start, want, ARRAY_LEN(want));
}

static void event_of_an_associated_item_says_so(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct seq start = now(f);
    struct event_iter *iter;
    struct event e;

    given_flagged_item(f, inbox, ITEM_ASSOCIATED);
    read_tx(f);
    must(f, mailbox_event_iter_begin(f->tx, start, &iter, &f->err));
    assert_true(mailbox_event_iter_next(iter, &e));
    assert_int_equal(e.flags, EVENT_ASSOCIATED);
    must(f, mailbox_event_iter_end(&iter, &f->err));
}

static void prune_forgets_the_old_and_keeps_the_new(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id old = given_item(f, inbox), recent;
    const int64_t day_ms = 86400000;

    clock_manual_advance(&f->clock, 2 * day_ms);
    recent = given_item(f, inbox);
    must(f, IN_WRITE(f, mailbox_event_prune(f->tx, day_ms, &f->err)));
    fixture_reopen(f);
    read_tx(f);
    assert_int_equal(mailbox_event_floor(f->tx).v, old.v);
    mailbox_tx_rollback(&f->tx);
    check_events(f, (struct seq){0},
                 &(struct expected){EVENT_ITEM_NEW_MAIL, recent.v, inbox.v, 0, 0}, 1);
    assert_true(item_exists(f, old));
}

static void prune_of_nothing_changes_nothing(void **state)
{
    struct fixture *f = *state;

    must(f, IN_WRITE(f, mailbox_event_prune(f->tx, 1000, &f->err)));
    read_tx(f);
    assert_int_equal(mailbox_event_floor(f->tx).v, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(every_change_of_an_item_is_one_event),
        fixture_test(every_change_of_a_folder_is_one_event),
        fixture_test(event_of_an_associated_item_says_so),
        fixture_test(prune_forgets_the_old_and_keeps_the_new),
        fixture_test(prune_of_nothing_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
