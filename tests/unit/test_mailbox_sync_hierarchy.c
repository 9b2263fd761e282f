/* Hierarchy sync, case by case. An answer is written as text: C12 U12 D12 for the three kinds, in the order told. */
#include "support/mailbox_fixture.h"

#include "base/buf.h"
#include "mailbox/folder_write.h"

struct client {
    struct folder_id anchor;
    bool later;
    struct seq at;
};

static const char *answer(struct fixture *f, struct client *c)
{
    struct buf text = BUF_INIT;
    struct folder_change *changes;
    const char *result;
    size_t n, i;

    read_tx(f);
    must(f, hierarchy_sync(f->tx, c->anchor, !c->later, c->at, f->arena, &changes, &n, &c->at,
                           &f->err));
    mailbox_tx_rollback(&f->tx);
    c->later = true;
    for (i = 0; i < n; i++) {
        buf_printf(&text, "%s%c%llu", i != 0 ? " " : "", "CUD"[changes[i].kind],
                   (unsigned long long)changes[i].folder.id.v);
    }
    result = arena_strndup(f->arena, text.n != 0 ? text.p : "", text.n);
    buf_fini(&text);
    return result;
}

static struct client synced(struct fixture *f, struct folder_id anchor)
{
    struct client c = {.anchor = anchor};

    answer(f, &c);
    assert_string_equal(answer(f, &c), "");
    return c;
}

static void move(struct fixture *f, struct folder_id id, struct folder_id to)
{
    must(f, IN_WRITE(f, mailbox_folder_move(f->tx, id, to, &f->err)));
}

static void rename_to(struct fixture *f, struct folder_id id, const char *name)
{
    must(f, IN_WRITE(f, mailbox_folder_rename(f->tx, id, str_from(name), &f->err)));
}

static void delete_folder(struct fixture *f, struct folder_id id)
{
    must(f, IN_WRITE(f, mailbox_folder_delete(f->tx, id, &f->err)));
}

/* Compares with a list of "kind, folder" in printf form. */
#define expect(f, c, ...) assert_string_equal(answer(f, c), arena_printf((f)->arena, __VA_ARGS__))
#define ID(folder) ((unsigned long long)(folder).v)

/* How many folders the first answer tells, each as Create. */
static size_t initial_count(struct fixture *f, enum distinguished anchor)
{
    struct client c = {.anchor = distinguished(f, anchor)};
    const char *p;
    size_t n = 0;

    for (p = strchr(answer(f, &c), 'C'); p != NULL; p = strchr(p + 1, 'C')) {
        n++;
    }
    return n;
}

static void initial_sync_tells_all_below_the_anchor_but_not_itself(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(initial_count(f, DF_ROOT), DF_COUNT - 2);
    assert_int_equal(initial_count(f, DF_RECOVERABLEITEMSROOT), 3);
    assert_int_equal(initial_count(f, DF_INBOX), 0);
}

static void new_folder_is_create_after_its_parent(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a, b;
    struct client c = synced(f, distinguished(f, DF_MSGFOLDERROOT));

    a = given_folder(f, inbox, "a");
    b = given_folder(f, a, "b");
    expect(f, &c, "C%llu C%llu", ID(a), ID(b));
}

static void changes_come_newest_first(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a, b;
    struct client c = synced(f, inbox);

    a = given_folder(f, inbox, "a");
    b = given_folder(f, inbox, "b");
    expect(f, &c, "C%llu C%llu", ID(b), ID(a));
    rename_to(f, a, "c");
    expect(f, &c, "U%llu", ID(a));
}

static void counts_tell_nothing(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a = given_folder(f, inbox, "a");
    struct client c = synced(f, inbox), outer = synced(f, distinguished(f, DF_ROOT));
    struct seq before = outer.at;

    given_item(f, a);
    set_read(f, given_item(f, a), true);
    expect(f, &c, "%s", "");
    expect(f, &outer, "%s", "");
    assert_int_equal(outer.at.v, before.v);
}

static void every_property_of_its_own_is_update(void **state)
{
    const struct folder_update updates[] = {{.name = STR("b")},
                                            {.folder_class = STR("IPF.Task")},
                                            {.has_hidden = true, .hidden = true}};
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a = given_folder(f, inbox, "a");
    struct client c = synced(f, inbox);
    size_t i;

    for (i = 0; i < ARRAY_LEN(updates); i++) {
        must(f, IN_WRITE(f, mailbox_folder_update(f->tx, a, &updates[i], &f->err)));
        expect(f, &c, "U%llu", ID(a));
    }
}

static void created_and_deleted_is_nothing(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c = synced(f, inbox);

    delete_folder(f, given_folder(f, inbox, "a"));
    expect(f, &c, "%s", "");
}

static void delete_tells_all_below_deepest_first(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a = given_folder(f, inbox, "a");
    struct folder_id b = given_folder(f, a, "b"), d = given_folder(f, b, "d");
    struct client c = synced(f, inbox);

    delete_folder(f, a);
    expect(f, &c, "D%llu D%llu D%llu", ID(d), ID(b), ID(a));
}

static void move_inside_is_one_update(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a = given_folder(f, inbox, "a");
    struct client c = synced(f, distinguished(f, DF_MSGFOLDERROOT));

    given_folder(f, a, "below");
    expect(f, &c, "C%llu", ID(a) + 1);
    move(f, a, distinguished(f, DF_DELETEDITEMS));
    expect(f, &c, "U%llu", ID(a));
}

static void move_out_is_delete_and_move_in_is_create_with_all_below(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), drafts = distinguished(f, DF_DRAFTS);
    struct folder_id a = given_folder(f, inbox, "a"), b = given_folder(f, a, "b");
    struct client from = synced(f, inbox), to = synced(f, drafts);

    move(f, a, drafts);
    expect(f, &from, "D%llu D%llu", ID(b), ID(a));
    expect(f, &to, "C%llu C%llu", ID(a), ID(b));
}

static void move_out_and_back_is_update_at_most(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), drafts = distinguished(f, DF_DRAFTS);
    struct folder_id a = given_folder(f, inbox, "a");
    struct client from = synced(f, inbox), to = synced(f, drafts);

    given_folder(f, a, "b");
    answer(f, &from);
    move(f, a, drafts);
    move(f, a, inbox);
    expect(f, &from, "U%llu", ID(a));
    expect(f, &to, "%s", "");
}

static void folder_saved_from_a_deleted_one_is_told_first(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a = given_folder(f, inbox, "a");
    struct folder_id b = given_folder(f, a, "b");
    struct client c = synced(f, inbox);

    move(f, b, inbox);
    delete_folder(f, a);
    expect(f, &c, "U%llu D%llu", ID(b), ID(a));
}

static void deleted_after_it_moved_in_is_nothing(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), drafts = distinguished(f, DF_DRAFTS);
    struct folder_id a = given_folder(f, inbox, "a"), b = given_folder(f, a, "b");
    struct client from = synced(f, inbox), to = synced(f, drafts);

    move(f, a, drafts);
    delete_folder(f, a);
    expect(f, &to, "%s", "");
    expect(f, &from, "D%llu D%llu", ID(b), ID(a));
}

static void then_is_found_through_deleted_parents(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), drafts = distinguished(f, DF_DRAFTS);
    struct folder_id a = given_folder(f, inbox, "a"), b = given_folder(f, a, "b");
    struct client c = synced(f, inbox);

    move(f, b, drafts);
    delete_folder(f, a);
    expect(f, &c, "D%llu D%llu", ID(b), ID(a));
}

static void old_position_tells_the_same_again(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a = given_folder(f, inbox, "a");
    struct client c = synced(f, inbox), old = c;

    rename_to(f, a, "b");
    expect(f, &c, "U%llu", ID(a));
    fixture_reopen(f);
    expect(f, &old, "U%llu", ID(a));
}

static int sync_rc(struct fixture *f, struct folder_id anchor, uint64_t since)
{
    struct folder_change *changes;
    struct seq to;
    size_t n;
    int rc;

    read_tx(f);
    rc = hierarchy_sync(f->tx, anchor, false, (struct seq){since}, f->arena, &changes, &n, &to,
                        &f->err);
    mailbox_tx_rollback(&f->tx);
    return rc;
}

static void anchor_that_is_gone_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct folder_id a = given_folder(f, distinguished(f, DF_INBOX), "a");

    assert_int_equal(sync_rc(f, a, 1), 0);
    delete_folder(f, a);
    assert_int_equal(sync_rc(f, a, 1), -ERR_SYNC_FOLDER_NOT_FOUND);
}

static void position_of_a_lost_future_is_refused(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct client c = synced(f, inbox);

    assert_int_equal(sync_rc(f, inbox, c.at.v), 0);
    assert_int_equal(sync_rc(f, inbox, c.at.v + 1), -ERR_SYNC_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(initial_sync_tells_all_below_the_anchor_but_not_itself),
        fixture_test(new_folder_is_create_after_its_parent),
        fixture_test(changes_come_newest_first),
        fixture_test(counts_tell_nothing),
        fixture_test(every_property_of_its_own_is_update),
        fixture_test(created_and_deleted_is_nothing),
        fixture_test(delete_tells_all_below_deepest_first),
        fixture_test(move_inside_is_one_update),
        fixture_test(move_out_is_delete_and_move_in_is_create_with_all_below),
        fixture_test(move_out_and_back_is_update_at_most),
        fixture_test(folder_saved_from_a_deleted_one_is_told_first),
        fixture_test(deleted_after_it_moved_in_is_nothing),
        fixture_test(then_is_found_through_deleted_parents),
        fixture_test(old_position_tells_the_same_again),
        fixture_test(anchor_that_is_gone_is_not_found),
        fixture_test(position_of_a_lost_future_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
