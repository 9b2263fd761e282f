#include "support/mailbox_fixture.h"

#include "mailbox/folder_write.h"

/* How many events of a kind came after seq. */
static unsigned events_after(struct fixture *f, struct seq after, enum event_kind kind)
{
    struct event_iter *iter;
    struct event event;
    unsigned n = 0;

    read_tx(f);
    must(f, mailbox_event_iter_begin(f->tx, after, &iter, &f->err));
    while (mailbox_event_iter_next(iter, &event)) {
        n += event.kind == kind;
    }
    must(f, mailbox_event_iter_end(&iter, &f->err));
    mailbox_tx_rollback(&f->tx);
    return n;
}

static struct seq now(struct fixture *f)
{
    struct seq seq;

    read_tx(f);
    seq = mailbox_tx_seq(f->tx);
    mailbox_tx_rollback(&f->tx);
    return seq;
}

static uint64_t bytes_used(struct fixture *f)
{
    uint64_t bytes;

    read_tx(f);
    bytes = mailbox_bytes_used(f->tx);
    mailbox_tx_rollback(&f->tx);
    return bytes;
}

static struct folder child_named(struct fixture *f, struct folder_id parent, const char *name)
{
    struct folder folder;

    read_tx(f);
    assert_int_equal(
        must(f, mailbox_folder_by_name(f->tx, parent, str_from(name), f->arena, &folder, &f->err)),
        1);
    mailbox_tx_rollback(&f->tx);
    return folder;
}

static int copy(struct fixture *f, struct folder_id id, struct folder_id to, struct folder_id *id_r)
{
    return IN_WRITE(f, mailbox_folder_copy(f->tx, id, to, id_r, &f->err));
}

static int trash(struct fixture *f, struct folder_id id)
{
    return IN_WRITE(f, mailbox_folder_trash(f->tx, id, &f->err));
}

static int empty(struct fixture *f, struct folder_id id, enum empty_how how, bool below)
{
    return IN_WRITE(f, mailbox_folder_empty(f->tx, id, how, below, &f->err));
}

static int mark_all(struct fixture *f, struct folder_id id, bool read)
{
    return IN_WRITE(f, mailbox_folder_mark_all(f->tx, id, read, &f->err));
}

/* ---- properties ---- */

static void test_properties_are_kept_with_the_folder(void **state)
{
    struct fixture *f = *state;
    const struct folder_draft draft = {
        .parent = distinguished(f, DF_INBOX), .name = STR("x"), .props = STR("\1\0record")};
    const struct folder_update other = {.props = STR("\1other")}, none = {.props = STR("")};
    struct folder_id id;
    struct seq before;

    must(f, IN_WRITE(f, mailbox_folder_create(f->tx, &draft, &id, &f->err)));
    fixture_reopen(f);
    assert_true(str_eq(folder_of(f, id).props, draft.props));
    before = folder_of(f, id).change_seq;
    must(f, IN_WRITE(f, mailbox_folder_update(f->tx, id, &other, &f->err)));
    assert_true(str_eq(folder_of(f, id).props, other.props));
    assert_true(str_is(folder_of(f, id).name, "x"));
    assert_true(folder_of(f, id).change_seq.v > before.v);
    before = now(f);
    must(f, IN_WRITE(f, mailbox_folder_update(f->tx, id, &other, &f->err)));
    assert_int_equal(now(f).v, before.v); /* so already */
    must(f, IN_WRITE(f, mailbox_folder_update(f->tx, id, &none, &f->err)));
    assert_int_equal(folder_of(f, id).props.n, 0);
    assert_int_equal(folder_of(f, draft.parent).props.n, 0);
}

/* ---- copying ---- */

static void test_a_copy_has_all_that_is_below_under_new_ids(void **state)
{
    struct fixture *f = *state;
    struct folder_id notes = distinguished(f, DF_NOTES), id;
    struct folder_id top = given_folder(f, distinguished(f, DF_INBOX), "top");
    struct folder_id mid = given_folder(f, top, "mid"), low = given_folder(f, mid, "low");
    uint64_t bytes;
    struct seq before;
    struct folder copied;

    given_item(f, top);
    given_flagged_item(f, top, ITEM_ASSOCIATED);
    given_flagged_item(f, low, ITEM_READ);
    given_item(f, low);
    bytes = bytes_used(f);
    before = now(f);
    must(f, copy(f, top, notes, &id));
    assert_true(id.v > before.v);
    assert_int_equal(folder_of(f, id).total, 1);
    copied = child_named(f, child_named(f, id, "mid").id, "low");
    assert_int_equal(copied.total, 2);
    assert_int_equal(copied.unread, 1);
    assert_int_equal(events_after(f, before, EVENT_FOLDER_COPIED), 3);
    assert_int_equal(events_after(f, before, EVENT_ITEM_COPIED), 4);
    assert_int_equal(folder_of(f, low).total, 2); /* the source is as before */
    assert_int_equal(bytes_used(f), bytes);       /* bodies are shared */
    must(f, IN_WRITE(f, mailbox_folder_delete(f->tx, top, &f->err)));
    assert_int_equal(bytes_used(f), bytes);
    must(f, IN_WRITE(f, mailbox_folder_delete(f->tx, id, &f->err)));
    assert_int_equal(bytes_used(f), 0);
}

static void test_copies_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), id = {0};
    struct folder_id top = given_folder(f, inbox, "top"), mid = given_folder(f, top, "mid");

    assert_int_equal(copy(f, top, top, &id), -ERR_MOVE_COPY_FAILED);
    assert_int_equal(copy(f, top, mid, &id), -ERR_MOVE_COPY_FAILED);
    assert_int_equal(copy(f, top, inbox, &id), -ERR_MOVE_COPY_FAILED); /* its name is there */
    assert_int_equal(copy(f, top, (struct folder_id){999}, &id), -ERR_TO_FOLDER_NOT_FOUND);
    assert_int_equal(copy(f, (struct folder_id){999}, inbox, &id), -ERR_FOLDER_NOT_FOUND);
    assert_int_equal(id.v, 0);
}

static void test_a_copy_of_a_distinguished_folder_is_an_ordinary_one(void **state)
{
    struct fixture *f = *state;
    struct folder_id notes = distinguished(f, DF_NOTES), id;

    must(f, copy(f, distinguished(f, DF_CALENDAR), notes, &id));
    assert_int_equal(folder_of(f, id).distinguished, DF_NONE);
    assert_true(str_is(folder_of(f, id).folder_class, "IPF.Appointment"));
}

/* ---- the bin ---- */

static void test_the_bin_makes_names_unique(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), bin = distinguished(f, DF_DELETEDITEMS);
    struct folder_id ids[3];
    struct seq before;
    size_t i;

    for (i = 0; i < ARRAY_LEN(ids); i++) {
        ids[i] = given_folder(f, inbox, i == 1 ? "NAME" : "name");
        before = now(f);
        must(f, trash(f, ids[i]));
        assert_int_equal(now(f).v, before.v + 1);
        assert_int_equal(events_after(f, before, EVENT_FOLDER_MOVED), 1);
        assert_int_equal(folder_of(f, ids[i]).parent.v, bin.v);
    }
    assert_true(str_is(folder_of(f, ids[0]).name, "name"));
    assert_true(str_is(folder_of(f, ids[1]).name, "NAME (1)"));
    assert_true(str_is(folder_of(f, ids[2]).name, "name (2)"));
    before = now(f);
    must(f, trash(f, ids[2]));
    assert_int_equal(now(f).v, before.v);
    assert_int_equal(folder_of(f, bin).children, 3);
}

static void test_a_long_name_is_cut_for_its_number(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), id;
    char name[2 * 255 + 1];
    size_t i;

    for (i = 0; i < 255; i++) {
        memcpy(name + 2 * i, "\xc3\xa9", 3);
    }
    must(f, trash(f, given_folder(f, inbox, name)));
    id = given_folder(f, inbox, name);
    must(f, trash(f, id));
    assert_int_equal(folder_of(f, id).name.n, 2 * 251 + 4);
}

static void test_very_many_of_one_name(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), bin = distinguished(f, DF_DELETEDITEMS);
    size_t i;

    for (i = 0; i < 60; i++) {
        must(f, trash(f, given_folder(f, inbox, "same")));
    }
    assert_int_equal(folder_of(f, bin).children, 60);
}

static void test_what_the_bin_does_not_take(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(trash(f, distinguished(f, DF_INBOX)), -ERR_DELETE_DISTINGUISHED);
    assert_int_equal(trash(f, (struct folder_id){999}), -ERR_FOLDER_NOT_FOUND);
}

/* ---- emptying ---- */

static struct folder_id given_full_folder(struct fixture *f)
{
    struct folder_id id = given_folder(f, distinguished(f, DF_INBOX), "full");
    struct folder_id below = given_folder(f, given_folder(f, id, "below"), "deep");

    given_item(f, id);
    given_flagged_item(f, id, ITEM_READ);
    given_flagged_item(f, id, ITEM_ASSOCIATED);
    given_item(f, below);
    return id;
}

static void test_emptied_hard_items_leave_tombstones(void **state)
{
    struct fixture *f = *state;
    struct folder_id id = given_full_folder(f);
    struct seq before = now(f);

    must(f, empty(f, id, EMPTY_HARD, false));
    assert_int_equal(folder_of(f, id).total, 0);
    assert_int_equal(folder_of(f, id).children, 1);
    assert_int_equal(events_after(f, before, EVENT_ITEM_DELETED), 2);
    assert_int_equal(events_after(f, before, EVENT_FOLDER_CONTENTS), 1);
    assert_int_equal(now(f).v, before.v + 3);
    assert_int_equal(bytes_used(f), 10); /* the associated one, and the one below */
    must(f, empty(f, id, EMPTY_HARD, true));
    assert_int_equal(folder_of(f, id).children, 0);
    assert_int_equal(bytes_used(f), 5);
}

static void test_emptied_into_the_recoverable_items(void **state)
{
    struct fixture *f = *state;
    struct folder_id id = given_full_folder(f), to = distinguished(f, DF_RECOVERABLEITEMSDELETIONS);
    struct seq before = now(f);

    must(f, empty(f, id, EMPTY_TO_RECOVERABLE, true));
    assert_int_equal(folder_of(f, id).total, 0);
    assert_int_equal(folder_of(f, id).children, 0);
    assert_int_equal(folder_of(f, to).total, 3);
    assert_int_equal(events_after(f, before, EVENT_ITEM_MOVED), 3);
    assert_int_equal(events_after(f, before, EVENT_FOLDER_DELETED), 2);
    must(f, empty(f, to, EMPTY_TO_RECOVERABLE, false)); /* there already */
    assert_int_equal(folder_of(f, to).total, 3);
}

static void test_emptied_into_the_bin(void **state)
{
    struct fixture *f = *state;
    struct folder_id id = given_full_folder(f), bin = distinguished(f, DF_DELETEDITEMS);

    must(f, empty(f, id, EMPTY_TO_DELETED_ITEMS, true));
    assert_int_equal(folder_of(f, id).total, 0);
    assert_int_equal(folder_of(f, id).children, 0);
    assert_int_equal(folder_of(f, bin).total, 2);
    assert_int_equal(folder_of(f, child_named(f, child_named(f, bin, "below").id, "deep").id).total,
                     1);
    must(f, empty(f, bin, EMPTY_TO_DELETED_ITEMS, true)); /* there already */
    assert_int_equal(folder_of(f, bin).total, 2);
    must(f, empty(f, bin, EMPTY_HARD, true));
    assert_int_equal(folder_of(f, bin).total, 0);
    assert_int_equal(folder_of(f, bin).children, 0);
}

static void test_emptying_takes_no_distinguished_folder_away(void **state)
{
    struct fixture *f = *state;
    struct folder_id top = distinguished(f, DF_MSGFOLDERROOT);
    struct seq before = now(f);

    assert_int_equal(empty(f, top, EMPTY_HARD, true), -ERR_DELETE_DISTINGUISHED);
    assert_int_equal(now(f).v, before.v);
    must(f, empty(f, top, EMPTY_HARD, false));
    assert_int_equal(empty(f, (struct folder_id){999}, EMPTY_HARD, false), -ERR_FOLDER_NOT_FOUND);
}

/* ---- purging ---- */

static void test_purges_go_when_the_log_has_forgotten_them(void **state)
{
    const int64_t day_ms = 86400000;
    struct fixture *f = *state;
    struct folder_id purges = distinguished(f, DF_RECOVERABLEITEMSPURGES);
    struct item_id old = given_flagged_item(f, purges, ITEM_ASSOCIATED), normal, recent;

    normal = given_item(f, purges);
    must(f, IN_WRITE(f, mailbox_purge(f->tx, &f->err)));
    assert_true(item_exists(f, old));
    clock_manual_advance(&f->clock, 2 * day_ms);
    recent = given_flagged_item(f, purges, ITEM_ASSOCIATED);
    must(f, IN_WRITE(f, mailbox_event_prune(f->tx, day_ms, &f->err)));
    must(f, IN_WRITE(f, mailbox_purge(f->tx, &f->err)));
    assert_false(item_exists(f, old));
    assert_false(item_exists(f, normal));
    assert_true(item_exists(f, recent));
}

/* ---- marking ---- */

static void test_marking_touches_what_has_the_other_flag(void **state)
{
    struct fixture *f = *state;
    struct folder_id id = given_full_folder(f);
    struct seq before = now(f);

    must(f, mark_all(f, id, true));
    assert_int_equal(folder_of(f, id).unread, 0);
    assert_int_equal(events_after(f, before, EVENT_ITEM_READ_FLAG), 1);
    assert_int_equal(events_after(f, before, EVENT_FOLDER_CONTENTS), 1);
    assert_int_equal(now(f).v, before.v + 2);
    must(f, mark_all(f, id, false));
    assert_int_equal(folder_of(f, id).unread, 2);
    assert_int_equal(mark_all(f, (struct folder_id){999}, true), -ERR_FOLDER_NOT_FOUND);
}

static void test_marking_goes_on_over_many_batches(void **state)
{
    struct fixture *f = *state;
    struct folder_id id = given_folder(f, distinguished(f, DF_INBOX), "many");
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE};
    struct item_id item;
    unsigned i;

    write_tx(f);
    for (i = 0; i < 2048; i++) {
        must(f, mailbox_item_add(f->tx, id, &draft, &item, &f->err));
    }
    commit(f);
    must(f, mark_all(f, id, true));
    assert_int_equal(folder_of(f, id).unread, 0);
    must(f, empty(f, id, EMPTY_TO_DELETED_ITEMS, false));
    assert_int_equal(folder_of(f, distinguished(f, DF_DELETEDITEMS)).total, 2048);
}

/* ---- quota ---- */

static int add_bytes(struct fixture *f, const char *mime, bool beyond)
{
    const struct item_draft draft = {
        .kind = ITEM_KIND_MESSAGE, .mime = str_from(mime), .beyond_quota = beyond};
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id id;

    return IN_WRITE(f, mailbox_item_add(f->tx, inbox, &draft, &id, &f->err));
}

static void test_what_grows_beyond_the_quota_is_refused(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), folder;
    struct item_id item = given_item(f, inbox), copied; /* 5 bytes */
    const struct item_update larger = {.mime = STR("1234567890!")}, smaller = {.mime = STR("123")};

    mailbox_set_quota(f->mailbox, 10);
    assert_int_equal(add_bytes(f, "123456", false), -ERR_QUOTA);
    must(f, add_bytes(f, "12345", false));
    assert_int_equal(bytes_used(f), 10);
    must(f, IN_WRITE(f, mailbox_item_copy(f->tx, item, inbox, &copied, &f->err)));
    delete_item(f, copied);
    assert_int_equal(IN_WRITE(f, mailbox_item_update(f->tx, item, &larger, &f->err)), -ERR_QUOTA);
    must(f, add_bytes(f, "a notice", true));
    assert_int_equal(IN_WRITE(f, mailbox_item_copy(f->tx, item, inbox, &copied, &f->err)),
                     -ERR_QUOTA);
    assert_int_equal(copy(f, inbox, distinguished(f, DF_NOTES), &folder), -ERR_QUOTA);
    must(f, IN_WRITE(f, mailbox_item_update(f->tx, item, &smaller, &f->err)));
    assert_int_equal(bytes_used(f), 16);
    set_read(f, item, true); /* what takes no room is always done */
    move_item(f, item, distinguished(f, DF_NOTES));
    mailbox_set_quota(f->mailbox, 0);
    must(f, add_bytes(f, "123456", false));
}

static void test_an_undone_part_gives_its_bytes_back(void **state)
{
    struct fixture *f = *state;
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE, .mime = STR("12345")};
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id id;
    unsigned level;

    write_tx(f);
    for (level = 0; level < 3;
         level++) { /* as an item of a batch in a group commit, and one more */
        must(f, mailbox_tx_part_begin(f->tx, &f->err));
        must(f, mailbox_item_add(f->tx, inbox, &draft, &id, &f->err));
    }
    assert_int_equal(mailbox_bytes_used(f->tx), 15);
    must(f, mailbox_tx_part_undo(f->tx, &f->err));
    must(f, mailbox_item_add(f->tx, inbox, &draft, &id, &f->err));
    must(f, mailbox_tx_part_keep(f->tx, &f->err));
    assert_int_equal(mailbox_bytes_used(f->tx), 15);
    must(f, mailbox_tx_part_undo(f->tx, &f->err));
    assert_int_equal(mailbox_bytes_used(f->tx), 0);
    must(f, mailbox_item_add(f->tx, inbox, &draft, &id, &f->err));
    commit(f);
    assert_int_equal(bytes_used(f), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_properties_are_kept_with_the_folder),
        fixture_test(test_a_copy_has_all_that_is_below_under_new_ids),
        fixture_test(test_copies_that_cannot_be),
        fixture_test(test_a_copy_of_a_distinguished_folder_is_an_ordinary_one),
        fixture_test(test_the_bin_makes_names_unique),
        fixture_test(test_a_long_name_is_cut_for_its_number),
        fixture_test(test_very_many_of_one_name),
        fixture_test(test_what_the_bin_does_not_take),
        fixture_test(test_emptied_hard_items_leave_tombstones),
        fixture_test(test_emptied_into_the_recoverable_items),
        fixture_test(test_emptied_into_the_bin),
        fixture_test(test_emptying_takes_no_distinguished_folder_away),
        fixture_test(test_purges_go_when_the_log_has_forgotten_them),
        fixture_test(test_marking_touches_what_has_the_other_flag),
        fixture_test(test_marking_goes_on_over_many_batches),
        fixture_test(test_what_grows_beyond_the_quota_is_refused),
        fixture_test(test_an_undone_part_gives_its_bytes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
