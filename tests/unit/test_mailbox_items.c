#include "support/mailbox_fixture.h"

static void delivered_item_is_read_back_as_given(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id id = given_item(f, inbox);
    struct item item = item_of(f, id);
    struct str mime;

    assert_int_equal(item.folder.v, inbox.v);
    assert_int_equal(item.kind, ITEM_KIND_MESSAGE);
    assert_int_equal(item.change_seq.v, 0);
    assert_int_equal(item.read_seq.v, 0);
    assert_int_equal(item.received_ms, 1600000000000);
    assert_int_equal(item.size, 5);
    assert_true(str_is(item.props, "props"));
    assert_int_equal(item_version(&item).v, id.v);
    read_tx(f);
    must(f, mailbox_body_read(f->tx, item.body, f->arena, &mime, &f->err));
    mailbox_tx_rollback(&f->tx);
    assert_true(str_is(mime, "bytes"));
}

static void item_without_body_has_none_and_an_empty_body_is_one(void **state)
{
    struct fixture *f = *state;
    struct item_draft draft = {.kind = ITEM_KIND_TASK};
    struct folder_id tasks = distinguished(f, DF_TASKS);
    struct item_id none, empty;
    struct str mime;

    must(f, IN_WRITE(f, mailbox_item_add(f->tx, tasks, &draft, &none, &f->err)));
    draft.mime = STR("");
    must(f, IN_WRITE(f, mailbox_item_add(f->tx, tasks, &draft, &empty, &f->err)));
    assert_int_equal(item_of(f, none).body.v, 0);
    read_tx(f);
    must(f, mailbox_body_read(f->tx, (struct body_id){empty.v}, f->arena, &mime, &f->err));
    assert_int_equal(mime.n, 0);
    assert_int_equal(mailbox_body_read(f->tx, (struct body_id){none.v}, f->arena, &mime, &f->err),
                     -ERR_CORRUPT);
    mailbox_tx_rollback(&f->tx);
}

static void counts_follow_items(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox), b = given_flagged_item(f, inbox, ITEM_READ);
    struct folder folder;

    given_flagged_item(f, inbox, ITEM_ASSOCIATED);
    folder = folder_of(f, inbox);
    assert_int_equal(folder.total, 2);
    assert_int_equal(folder.unread, 1);
    set_read(f, a, true);
    assert_int_equal(folder_of(f, inbox).unread, 0);
    set_read(f, b, false);
    delete_item(f, a);
    folder = folder_of(f, inbox);
    assert_int_equal(folder.total, 1);
    assert_int_equal(folder.unread, 1);
    assert_int_equal(folder.change_seq.v, folder.id.v);
}

static void setting_the_flag_that_is_set_takes_no_seq(void **state)
{
    struct fixture *f = *state;
    struct item_id id = given_flagged_item(f, distinguished(f, DF_INBOX), ITEM_READ);

    set_read(f, id, true);
    assert_int_equal(item_of(f, id).read_seq.v, 0);
    read_tx(f);
    assert_int_equal(mailbox_tx_seq(f->tx).v, id.v);
}

static void update_replaces_content_and_keeps_read_and_scope(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id id = given_flagged_item(f, inbox, ITEM_READ | ITEM_ASSOCIATED | ITEM_DRAFT);
    const struct item_update update = {
        .props = STR("new"), .flags = ITEM_HAS_ATTACHMENTS, .mime = STR("other bytes"), .size = 11};
    struct item item;
    struct str mime;

    must(f, IN_WRITE(f, mailbox_item_update(f->tx, id, &update, &f->err)));
    item = item_of(f, id);
    assert_true(str_is(item.props, "new"));
    assert_int_equal(item.flags, ITEM_READ | ITEM_ASSOCIATED | ITEM_HAS_ATTACHMENTS);
    assert_int_equal(item.size, 11);
    assert_true(item.change_seq.v > id.v);
    read_tx(f);
    must(f, mailbox_body_read(f->tx, item.body, f->arena, &mime, &f->err));
    assert_true(str_is(mime, "other bytes"));
    assert_int_equal(mailbox_body_read(f->tx, (struct body_id){id.v}, f->arena, &mime, &f->err),
                     -ERR_CORRUPT);
}

static void update_sets_the_time_of_receipt_when_told_to(void **state)
{
    struct fixture *f = *state;
    struct item_id id = given_item(f, distinguished(f, DF_INBOX));
    struct item_update update = {.props = STR("x"), .received_ms = 7};
    int64_t before = item_of(f, id).received_ms;

    must(f, IN_WRITE(f, mailbox_item_update(f->tx, id, &update, &f->err)));
    assert_int_equal(item_of(f, id).received_ms, before);
    update.received = true;
    must(f, IN_WRITE(f, mailbox_item_update(f->tx, id, &update, &f->err)));
    assert_int_equal(item_of(f, id).received_ms, 7);
}

static void moved_item_has_a_new_id_and_the_same_body(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), notes = distinguished(f, DF_NOTES);
    struct item_id id = given_flagged_item(f, inbox, ITEM_READ), moved;
    struct item item;

    change(f, id);
    moved = move_item(f, id, notes);
    assert_false(item_exists(f, id));
    item = item_of(f, moved);
    assert_int_equal(item.folder.v, notes.v);
    assert_int_equal(item.body.v, id.v);
    assert_int_equal(item.change_seq.v, 0);
    assert_int_equal(item.flags, ITEM_READ);
    assert_true(str_is(item.props, "changed"));
    assert_int_equal(folder_of(f, inbox).total, 0);
    assert_int_equal(folder_of(f, notes).total, 1);
    assert_true(move_item(f, moved, notes).v > moved.v);
}

static void shared_body_goes_with_its_last_item(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id ids[3] = {given_item(f, inbox)};
    struct str mime;
    size_t i;

    for (i = 1; i < 3; i++) {
        must(f, IN_WRITE(f, mailbox_item_copy(f->tx, ids[0], inbox, &ids[i], &f->err)));
    }
    for (i = 0; i < 3; i++) {
        read_tx(f);
        must(f, mailbox_body_read(f->tx, (struct body_id){ids[0].v}, f->arena, &mime, &f->err));
        must(f, mailbox_check(f->tx, &f->err));
        mailbox_tx_rollback(&f->tx);
        delete_item(f, ids[i]);
    }
    read_tx(f);
    assert_int_equal(mailbox_body_read(f->tx, (struct body_id){ids[0].v}, f->arena, &mime, &f->err),
                     -ERR_CORRUPT);
}

static void what_is_not_there_is_refused(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), nowhere = {999999};
    struct item_id id = given_item(f, inbox), gone = {999999}, out;
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE};
    const struct item_update update = {.props = STR("x")};

    assert_int_equal(IN_WRITE(f, mailbox_item_add(f->tx, nowhere, &draft, &out, &f->err)),
                     -ERR_FOLDER_NOT_FOUND);
    assert_int_equal(IN_WRITE(f, mailbox_item_move(f->tx, id, nowhere, &out, &f->err)),
                     -ERR_TO_FOLDER_NOT_FOUND);
    assert_int_equal(IN_WRITE(f, mailbox_item_copy(f->tx, id, nowhere, &out, &f->err)),
                     -ERR_TO_FOLDER_NOT_FOUND);
    assert_int_equal(IN_WRITE(f, mailbox_item_move(f->tx, gone, inbox, &out, &f->err)),
                     -ERR_ITEM_NOT_FOUND);
    assert_int_equal(IN_WRITE(f, mailbox_item_copy(f->tx, gone, inbox, &out, &f->err)),
                     -ERR_ITEM_NOT_FOUND);
    assert_int_equal(IN_WRITE(f, mailbox_item_delete(f->tx, gone, &f->err)), -ERR_ITEM_NOT_FOUND);
    assert_int_equal(IN_WRITE(f, mailbox_item_set_read(f->tx, gone, true, &f->err)),
                     -ERR_ITEM_NOT_FOUND);
    assert_int_equal(IN_WRITE(f, mailbox_item_update(f->tx, gone, &update, &f->err)),
                     -ERR_ITEM_NOT_FOUND);
    assert_true(item_exists(f, id));
}

static void undone_part_leaves_the_rest_of_the_transaction(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE, .mime = STR("m")};
    struct item_id kept, undone, later;

    write_tx(f);
    must(f, mailbox_tx_part_begin(f->tx, &f->err));
    must(f, mailbox_item_add(f->tx, inbox, &draft, &kept, &f->err));
    must(f, mailbox_tx_part_keep(f->tx, &f->err));
    must(f, mailbox_tx_part_begin(f->tx, &f->err));
    must(f, mailbox_item_add(f->tx, inbox, &draft, &undone, &f->err));
    must(f, mailbox_tx_part_undo(f->tx, &f->err));
    must(f, mailbox_tx_part_begin(f->tx, &f->err));
    must(f, mailbox_item_add(f->tx, inbox, &draft, &later, &f->err));
    must(f, mailbox_tx_part_keep(f->tx, &f->err));
    commit(f);
    fixture_reopen(f);
    assert_true(item_exists(f, kept));
    assert_true(item_exists(f, later));
    assert_int_equal(folder_of(f, inbox).total, 2);
}

static void rolled_back_item_was_never_there(void **state)
{
    struct fixture *f = *state;
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE, .mime = STR("m")};
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id id;
    struct seq before;

    write_tx(f);
    before = mailbox_tx_seq(f->tx);
    must(f, mailbox_item_add(f->tx, inbox, &draft, &id, &f->err));
    mailbox_tx_rollback(&f->tx);
    assert_false(item_exists(f, id));
    read_tx(f);
    assert_int_equal(mailbox_tx_seq(f->tx).v, before.v);
}

/* ---- iterating ---- */

struct listing {
    struct item_iter_options options;
    const char *expected; /* the received times, one digit each */
};

static void check_listing(struct fixture *f, const struct listing *l)
{
    struct item_iter *iter;
    struct item item;
    char got[16];
    size_t n = 0;

    read_tx(f);
    must(f, mailbox_item_iter_begin(f->tx, &l->options, &iter, &f->err));
    while (mailbox_item_iter_next(iter, &item)) {
        if (l->options.with_props) {
            assert_true(str_is(item.props, "p"));
            got[n++] = (char)('0' + item.received_ms);
        } else {
            assert_int_equal(item.kind, ITEM_KIND_MESSAGE);
            got[n++] = '.';
        }
        assert_int_equal(item.folder.v, l->options.folder.v);
    }
    got[n] = '\0';
    must(f, mailbox_item_iter_end(&iter, &f->err));
    mailbox_tx_rollback(&f->tx);
    assert_string_equal(got, l->expected);
}

static void iterates_in_every_order(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    const int times[] = {3, 1, 4, 1, 5};
    size_t i;

    for (i = 0; i < ARRAY_LEN(times); i++) {
        const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE,
                                         .flags = times[i] == 4 ? ITEM_ASSOCIATED : 0,
                                         .received_ms = times[i],
                                         .props = STR("p")};
        struct item_id id;

        must(f, IN_WRITE(f, mailbox_item_add(f->tx, inbox, &draft, &id, &f->err)));
    }
#define ITER(folder_, order_, ...)                                                                 \
    {                                                                                              \
        .folder = (folder_), .order = ITEM_ORDER_##order_, __VA_ARGS__                             \
    }
#define WITHIN(from_, to_)                                                                         \
    .with_props = true, .within_received = true, .received_from_ms = (from_),                      \
    .received_to_ms = (to_)
    const struct listing listings[] = {
        {ITER(inbox, NEWEST_FIRST, .with_props = true), "5113"},
        {ITER(inbox, OLDEST_FIRST, .with_props = true), "3115"},
        {ITER(inbox, RECEIVED_DESC, .with_props = true), "5311"},
        {ITER(inbox, RECEIVED_ASC, .with_props = true), "1135"},
        {ITER(inbox, RECEIVED_ASC, .with_props = true, .skip = 2), "35"},
        {ITER(inbox, NEWEST_FIRST, .with_props = true, .associated = true), "4"},
        {ITER(inbox, NEWEST_FIRST, .skip = 1), "..."},
        {ITER(inbox, OLDEST_FIRST, .skip = 9), ""},
        {ITER(distinguished(f, DF_NOTES), NEWEST_FIRST, .with_props = true), ""},
        {ITER(inbox, RECEIVED_DESC, WITHIN(1, 5)), "311"},
        {ITER(inbox, RECEIVED_ASC, WITHIN(3, INT64_MAX)), "35"},
        {ITER(inbox, RECEIVED_ASC, WITHIN(INT64_MIN, 4), .skip = 1), "13"},
        {ITER(inbox, RECEIVED_ASC, WITHIN(4, 4)), ""},
#undef WITHIN
#undef ITER
    };
    for (i = 0; i < ARRAY_LEN(listings); i++) {
        check_listing(f, &listings[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(delivered_item_is_read_back_as_given),
        fixture_test(item_without_body_has_none_and_an_empty_body_is_one),
        fixture_test(counts_follow_items),
        fixture_test(setting_the_flag_that_is_set_takes_no_seq),
        fixture_test(update_replaces_content_and_keeps_read_and_scope),
        fixture_test(update_sets_the_time_of_receipt_when_told_to),
        fixture_test(moved_item_has_a_new_id_and_the_same_body),
        fixture_test(shared_body_goes_with_its_last_item),
        fixture_test(what_is_not_there_is_refused),
        fixture_test(undone_part_leaves_the_rest_of_the_transaction),
        fixture_test(rolled_back_item_was_never_there),
        fixture_test(iterates_in_every_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
