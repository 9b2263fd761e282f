/* The table of spec "which change is reported", row by row, and the rules of paging. A page is written as text: C12 U12 R12 D12 for the four kinds. */
#include "mailbox/limits.h"
#include "support/mailbox_fixture.h"

#include "base/buf.h"

struct client {
    struct folder_id folder;
    struct sync_position pos;
    bool associated, with_props, up_to_date;
    unsigned max;
    struct item_id ignore[4];
    size_t ignore_count;
};

static struct client client_of(struct folder_id folder)
{
    return (struct client){.folder = folder, .max = 512};
}

/* One page; its text lives in the fixture's arena. */
static const char *page(struct fixture *f, struct client *c)
{
    const struct item_sync_options options = {.folder = c->folder,
                                              .associated = c->associated,
                                              .max_changes = c->max,
                                              .ignore = c->ignore,
                                              .ignore_count = c->ignore_count,
                                              .with_props = c->with_props};
    struct buf text = BUF_INIT;
    struct item_change change;
    struct item_sync *sync;
    const char *result;

    read_tx(f);
    must(f, item_sync_begin(f->tx, &options, &c->pos, &sync, &f->err));
    while (item_sync_next(sync, &change)) {
        buf_printf(&text, "%s%c%llu", text.n != 0 ? " " : "", "CUDR"[change.kind],
                   (unsigned long long)change.item.id.v);
    }
    must(f, item_sync_end(&sync, &c->pos, &c->up_to_date, &f->err));
    mailbox_tx_rollback(&f->tx);
    result = arena_strndup(f->arena, text.n != 0 ? text.p : "", text.n);
    buf_fini(&text);
    return result;
}

static const char *one(struct fixture *f, char kind, struct item_id id)
{
    return arena_printf(f->arena, "%c%llu", kind, (unsigned long long)id.v);
}

static const char *two(struct fixture *f, char kind_a, struct item_id a, char kind_b,
                       struct item_id b)
{
    return arena_printf(f->arena, "%s %s", one(f, kind_a, a), one(f, kind_b, b));
}

static struct client synced(struct fixture *f, struct folder_id folder)
{
    struct client c = client_of(folder);

    page(f, &c);
    assert_true(c.up_to_date);
    return c;
}

/* ---- which change is reported ---- */

static void initial_sync_tells_all_newest_first(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c = client_of(inbox);
    struct item_id a = given_item(f, inbox), b = given_item(f, inbox);

    assert_string_equal(page(f, &c), two(f, 'C', b, 'C', a));
    assert_true(c.up_to_date);
    assert_string_equal(page(f, &c), "");
    assert_true(c.up_to_date);
}

static void empty_folder_is_up_to_date_at_once(void **state)
{
    struct fixture *f = *state;
    struct client c = synced(f, distinguished(f, DF_INBOX));

    assert_int_equal(c.pos.cursor.v, 0);
}

static void new_item_is_create(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), notes = distinguished(f, DF_NOTES);
    struct item_id other = given_item(f, notes), in, copy;
    struct client c;

    given_item(f, inbox);
    c = synced(f, inbox);
    in = move_item(f, other, inbox);
    must(f, IN_WRITE(f, mailbox_item_copy(f->tx, in, inbox, &copy, &f->err)));
    assert_string_equal(page(f, &c), two(f, 'C', copy, 'C', in));
}

static void any_number_of_edits_is_one_update(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox);
    struct client c = synced(f, inbox);

    change(f, a);
    change(f, a);
    assert_string_equal(page(f, &c), one(f, 'U', a));
    assert_string_equal(page(f, &c), "");
}

static void read_state_alone_is_read_flag_change(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox);
    struct client c = synced(f, inbox);

    set_read(f, a, true);
    assert_string_equal(page(f, &c), one(f, 'R', a));
    set_read(f, a, false);
    assert_string_equal(page(f, &c), one(f, 'R', a));
}

static void read_flag_change_carries_the_new_value(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox);
    struct client c = synced(f, inbox);
    const struct item_sync_options options = {.folder = inbox, .max_changes = 1};
    struct item_change told;
    struct item_sync *sync;

    set_read(f, a, true);
    read_tx(f);
    must(f, item_sync_begin(f->tx, &options, &c.pos, &sync, &f->err));
    assert_true(item_sync_next(sync, &told));
    assert_true((told.item.flags & ITEM_READ) != 0);
    must(f, item_sync_end(&sync, &c.pos, &c.up_to_date, &f->err));
}

static void read_state_and_content_is_one_update(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox), b = given_item(f, inbox);
    struct client c = synced(f, inbox);

    change(f, a);
    set_read(f, a, true);
    set_read(f, b, true);
    change(f, b);
    assert_string_equal(page(f, &c), two(f, 'U', b, 'U', a));
}

static void created_and_changed_is_one_create(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c;
    struct item_id a;

    given_item(f, inbox);
    c = synced(f, inbox);
    a = given_item(f, inbox);
    change(f, a);
    set_read(f, a, true);
    assert_string_equal(page(f, &c), one(f, 'C', a));
    assert_string_equal(page(f, &c), "");
}

static void created_and_removed_is_nothing(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c;

    given_item(f, inbox);
    c = synced(f, inbox);
    delete_item(f, given_item(f, inbox));
    assert_string_equal(page(f, &c), "");
    assert_true(c.up_to_date);
}

static void removed_and_moved_away_are_deletes(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), notes = distinguished(f, DF_NOTES);
    struct item_id a = given_item(f, inbox), b = given_item(f, inbox), moved;
    struct client c = synced(f, inbox), target = client_of(notes);

    change(f, a);
    delete_item(f, a);
    moved = move_item(f, b, notes);
    assert_string_equal(page(f, &c), two(f, 'D', b, 'D', a));
    assert_string_equal(page(f, &target), one(f, 'C', moved));
}

static void move_within_the_folder_is_delete_and_create(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox), moved;
    struct client c = synced(f, inbox);

    moved = move_item(f, a, inbox);
    assert_string_equal(page(f, &c), two(f, 'C', moved, 'D', a));
}

static void change_elsewhere_leaves_the_position_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c, before;

    given_item(f, inbox);
    c = before = synced(f, inbox);
    given_item(f, distinguished(f, DF_NOTES));
    assert_string_equal(page(f, &c), "");
    assert_int_equal(c.pos.base.v, before.pos.base.v);
    assert_int_equal(c.pos.top.v, before.pos.top.v);
}

static void old_state_tells_the_same_again(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox);
    struct client c = synced(f, inbox), old = c;

    delete_item(f, a);
    assert_string_equal(page(f, &c), one(f, 'D', a));
    fixture_reopen(f);
    assert_string_equal(page(f, &old), one(f, 'D', a));
}

/* The single change since `start` with its props, or without. */
static void expect_props(struct fixture *f, struct sync_position start, enum change_kind kind,
                         struct folder_id inbox, struct item_id a)
{
    int with_props;

    for (with_props = 0; with_props < 2; with_props++) {
        const struct item_sync_options options = {
            .folder = inbox, .max_changes = 1, .with_props = with_props != 0};
        struct item_change told;
        struct item_sync *sync;
        struct sync_position to;
        bool done;

        read_tx(f);
        must(f, item_sync_begin(f->tx, &options, &start, &sync, &f->err));
        assert_true(item_sync_next(sync, &told));
        assert_int_equal(told.kind, kind);
        assert_int_equal(told.item.id.v, a.v);
        assert_int_equal(told.item.kind, ITEM_KIND_MESSAGE);
        assert_int_equal(told.item.folder.v, inbox.v);
        assert_int_equal(str_is(told.item.props, "props"), with_props);
        must(f, item_sync_end(&sync, &to, &done, &f->err));
        mailbox_tx_rollback(&f->tx);
    }
}

/* Read flags too: old clients get them as updates with all properties. */
static void props_come_only_when_asked_for(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    const struct sync_position start = {.base = {0}};
    struct item_id a = given_item(f, inbox);
    struct client c;

    expect_props(f, start, CHANGE_CREATE, inbox, a);
    c = synced(f, inbox);
    set_read(f, a, true);
    expect_props(f, c.pos, CHANGE_READ_FLAG, inbox, a);
}

/* ---- paging ---- */

static void full_page_is_the_end_when_nothing_is_left(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c = client_of(inbox);
    struct item_id a = given_item(f, inbox), b = given_item(f, inbox);

    c.max = 2;
    assert_string_equal(page(f, &c), two(f, 'C', b, 'C', a));
    assert_true(c.up_to_date);
}

/* What came and went since the client looked costs rows that tell nothing: a page steps over so many of them and says that there is more. */
static void a_page_steps_over_a_bounded_number_of_rows(void **state)
{
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE, .props = STR("props")};
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox), id;
    struct client c = synced(f, inbox);

    change(f, a);
    write_tx(f);
    for (unsigned i = 0; i <= ITEM_SYNC_MAX_PASSED; i++) {
        must(f, mailbox_item_add(f->tx, inbox, &draft, &id, &f->err));
        must(f, mailbox_item_delete(f->tx, id, &f->err));
    }
    commit(f);
    assert_string_equal(page(f, &c), "");
    assert_false(c.up_to_date);
    assert_string_equal(page(f, &c), one(f, 'U', a));
    assert_true(c.up_to_date);
}

static void pages_go_down_and_then_up_to_what_came_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c = client_of(inbox);
    struct item_id a = given_item(f, inbox), b = given_item(f, inbox), d;

    c.max = 1;
    assert_string_equal(page(f, &c), one(f, 'C', b));
    assert_false(c.up_to_date);
    d = given_item(f, inbox);
    change(f, b);
    assert_string_equal(page(f, &c), one(f, 'C', a));
    assert_false(c.up_to_date);
    assert_string_equal(page(f, &c), one(f, 'U', b));
    assert_false(c.up_to_date);
    assert_string_equal(page(f, &c), one(f, 'C', d));
    assert_true(c.up_to_date);
}

static void item_gone_before_its_page_is_never_created(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c = client_of(inbox);
    struct item_id a = given_item(f, inbox), b = given_item(f, inbox);

    c.max = 1;
    assert_string_equal(page(f, &c), one(f, 'C', b));
    delete_item(f, a);
    assert_string_equal(page(f, &c), "");
    assert_false(c.up_to_date);
    assert_string_equal(page(f, &c), one(f, 'D', a));
    assert_true(c.up_to_date);
}

static void caller_that_stops_early_goes_on_from_there(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    const struct item_sync_options options = {.folder = inbox, .max_changes = 100};
    struct client c = client_of(inbox);
    struct item_id a = given_item(f, inbox);
    struct item_change told;
    struct item_sync *sync;

    given_item(f, inbox);
    read_tx(f);
    must(f, item_sync_begin(f->tx, &options, &c.pos, &sync, &f->err));
    assert_true(item_sync_next(sync, &told));
    must(f, item_sync_end(&sync, &c.pos, &c.up_to_date, &f->err));
    mailbox_tx_rollback(&f->tx);
    assert_false(c.up_to_date);
    assert_string_equal(page(f, &c), one(f, 'C', a));
    assert_true(c.up_to_date);
}

static void ignored_items_do_not_count_and_count_as_told(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c = client_of(inbox);
    struct item_id a = given_item(f, inbox), b = given_item(f, inbox);

    c.max = 1;
    c.ignore[0] = (struct item_id){1};
    c.ignore[1] = b;
    c.ignore_count = 2;
    assert_string_equal(page(f, &c), one(f, 'C', a));
    assert_true(c.up_to_date);
    c.ignore_count = 0;
    assert_string_equal(page(f, &c), "");
    change(f, b);
    assert_string_equal(page(f, &c), one(f, 'U', b));
}

/* ---- scope ---- */

static void associated_items_are_told_in_their_scope_only(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id hidden = given_flagged_item(f, inbox, ITEM_ASSOCIATED);
    struct item_id normal = given_item(f, inbox);
    struct client narrow = client_of(inbox), wide = client_of(inbox);

    wide.associated = true;
    assert_string_equal(page(f, &narrow), one(f, 'C', normal));
    assert_string_equal(page(f, &wide), two(f, 'C', normal, 'C', hidden));
    change(f, hidden);
    assert_string_equal(page(f, &narrow), "");
    assert_true(narrow.up_to_date);
    assert_string_equal(page(f, &wide), one(f, 'U', hidden));
    delete_item(f, hidden);
    assert_string_equal(page(f, &narrow), "");
    assert_string_equal(page(f, &wide), one(f, 'D', hidden));
}

static void widened_scope_tells_older_associated_items(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_flagged_item(f, inbox, ITEM_ASSOCIATED);
    struct item_id b = given_flagged_item(f, inbox, ITEM_ASSOCIATED);
    struct client c;

    given_item(f, inbox);
    c = synced(f, inbox);
    change(f, a);
    c.associated = true;
    c.max = 1;
    assert_string_equal(page(f, &c), one(f, 'C', b));
    assert_false(c.up_to_date);
    assert_string_equal(page(f, &c), one(f, 'C', a));
    assert_true(c.up_to_date);
    assert_string_equal(page(f, &c), "");
}

static void scope_narrowed_and_widened_again_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id hidden = given_flagged_item(f, inbox, ITEM_ASSOCIATED);
    struct client c = client_of(inbox);

    given_item(f, inbox);
    c.associated = true;
    page(f, &c);
    delete_item(f, hidden);
    c.associated = false;
    assert_string_equal(page(f, &c), "");
    c.associated = true;
    assert_string_equal(page(f, &c), one(f, 'D', hidden));
}

static void scope_widened_within_a_window_waits_for_its_end(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox), b = given_item(f, inbox);
    struct item_id hidden = given_flagged_item(f, inbox, ITEM_ASSOCIATED);
    struct client c = client_of(inbox);

    c.max = 1;
    assert_string_equal(page(f, &c), one(f, 'C', b));
    c.associated = true;
    assert_string_equal(page(f, &c), one(f, 'C', a));
    assert_false(c.up_to_date);
    assert_string_equal(page(f, &c), one(f, 'C', hidden));
    assert_true(c.up_to_date);
}

/* ---- refusals ---- */

static int begin_rc(struct fixture *f, struct folder_id folder, struct sync_position from)
{
    const struct item_sync_options options = {.folder = folder, .max_changes = 1};
    struct item_sync *sync;
    int rc;

    read_tx(f);
    rc = item_sync_begin(f->tx, &options, &from, &sync, &f->err);
    assert_true(rc < 0);
    mailbox_tx_rollback(&f->tx);
    return rc;
}

static void folder_that_is_gone_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct folder_id folder = given_folder(f, distinguished(f, DF_INBOX), "a");
    struct client c;

    given_item(f, folder);
    c = synced(f, folder);
    must(f, IN_WRITE(f, mailbox_folder_delete(f->tx, folder, &f->err)));
    assert_int_equal(begin_rc(f, folder, c.pos), -ERR_SYNC_FOLDER_NOT_FOUND);
    assert_int_equal(begin_rc(f, (struct folder_id){0}, c.pos), -ERR_SYNC_FOLDER_NOT_FOUND);
}

static void position_of_a_lost_future_is_refused(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct item_id a = given_item(f, inbox);
    const struct sync_position wrong[] = {
        {.base = {a.v + 1}, .top = {a.v + 1}},
        {.base = {1}, .top = {a.v + 1}, .cursor = {a.v}},
        {.base = {a.v}, .top = {a.v - 1}, .cursor = {a.v}},
        {.base = {1}, .top = {a.v}, .cursor = {a.v + 2}},
    };
    size_t i;

    given_item(f, distinguished(f, DF_NOTES));
    for (i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(begin_rc(f, inbox, wrong[i]), -ERR_SYNC_STATE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(initial_sync_tells_all_newest_first),
        fixture_test(empty_folder_is_up_to_date_at_once),
        fixture_test(new_item_is_create),
        fixture_test(any_number_of_edits_is_one_update),
        fixture_test(read_state_alone_is_read_flag_change),
        fixture_test(read_flag_change_carries_the_new_value),
        fixture_test(read_state_and_content_is_one_update),
        fixture_test(created_and_changed_is_one_create),
        fixture_test(created_and_removed_is_nothing),
        fixture_test(removed_and_moved_away_are_deletes),
        fixture_test(move_within_the_folder_is_delete_and_create),
        fixture_test(change_elsewhere_leaves_the_position_as_it_is),
        fixture_test(old_state_tells_the_same_again),
        fixture_test(props_come_only_when_asked_for),
        fixture_test(full_page_is_the_end_when_nothing_is_left),
        fixture_test(a_page_steps_over_a_bounded_number_of_rows),
        fixture_test(pages_go_down_and_then_up_to_what_came_meanwhile),
        fixture_test(item_gone_before_its_page_is_never_created),
        fixture_test(caller_that_stops_early_goes_on_from_there),
        fixture_test(ignored_items_do_not_count_and_count_as_told),
        fixture_test(associated_items_are_told_in_their_scope_only),
        fixture_test(widened_scope_tells_older_associated_items),
        fixture_test(scope_narrowed_and_widened_again_loses_nothing),
        fixture_test(scope_widened_within_a_window_waits_for_its_end),
        fixture_test(folder_that_is_gone_is_not_found),
        fixture_test(position_of_a_lost_future_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
