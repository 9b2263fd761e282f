#include "support/mailbox_fixture.h"

#include "mailbox/folder_write.h"

static int create(struct fixture *f, struct folder_id parent, struct str name,
                  struct folder_id *id_r)
{
    const struct folder_draft draft = {.parent = parent, .name = name};

    return IN_WRITE(f, mailbox_folder_create(f->tx, &draft, id_r, &f->err));
}

static int move(struct fixture *f, struct folder_id id, struct folder_id to)
{
    return IN_WRITE(f, mailbox_folder_move(f->tx, id, to, &f->err));
}

static int delete_folder(struct fixture *f, struct folder_id id)
{
    return IN_WRITE(f, mailbox_folder_delete(f->tx, id, &f->err));
}

static bool folder_exists(struct fixture *f, struct folder_id id)
{
    struct folder folder;
    int rc;

    read_tx(f);
    rc = must(f, mailbox_folder_get(f->tx, id, f->arena, &folder, &f->err));
    mailbox_tx_rollback(&f->tx);
    return rc == 1;
}

/* ---- opening ---- */

static void new_mailbox_has_the_distinguished_tree(void **state)
{
    static const struct {
        enum distinguished d, parent;
        const char *name, *folder_class;
    } expected[] = {
#define X(name, wire, parent, class, display, created) {DF_##name, DF_##parent, display, class},
        DISTINGUISHED_FOLDERS(X)
#undef X
    };
    struct fixture *f = *state;
    size_t i;

    for (i = 0; i < ARRAY_LEN(expected); i++) {
        struct folder folder = folder_of(f, distinguished(f, expected[i].d));

        assert_int_equal(folder.distinguished, expected[i].d);
        assert_true(str_is(folder.name, expected[i].name));
        assert_true(str_is(folder.folder_class, expected[i].folder_class));
        assert_int_equal(folder.parent.v,
                         expected[i].d == DF_ROOT ? 0 : distinguished(f, expected[i].parent).v);
        assert_int_equal(folder.created_ms, 1700000000000);
    }
}

static void reopened_mailbox_is_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), id = given_folder(f, inbox, "kept");

    mailbox_close(&f->mailbox);
    fixture_open(f, true);
    assert_true(str_is(folder_of(f, id).name, "kept"));
    assert_int_equal(distinguished(f, DF_INBOX).v, inbox.v);
}

static void file_of_another_mailbox_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mailbox *other = NULL;

    mailbox_close(&f->mailbox);
    assert_int_equal(
        mailbox_open(f->path, false, (struct mailbox_no){8}, &f->clock.base, &other, &f->err),
        -ERR_CORRUPT);
    assert_null(other);
    fixture_open(f, false);
}

static void absent_file_is_an_error_without_create(void **state)
{
    struct fixture *f = *state;
    struct mailbox *other = NULL;
    char path[128];

    snprintf(path, sizeof(path), "%s/absent.db", f->dir);
    assert_int_equal(mailbox_open(path, false, FIXTURE_NO, &f->clock.base, &other, &f->err),
                     -ERR_IO);
}

/* ---- names ---- */

static void names_are_found_without_regard_to_case(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct folder_id id = given_folder(f, inbox,
                                       "Gr\xc3\xbc\xc3\x9f"
                                       "e/2024");
    struct folder folder;

    read_tx(f);
    assert_int_equal(must(f, mailbox_folder_by_name(f->tx, inbox,
                                                    STR("GR\xc3\x9c\xc3\x9f"
                                                        "E/2024"),
                                                    f->arena, &folder, &f->err)),
                     1);
    assert_int_equal(folder.id.v, id.v);
    assert_int_equal(
        must(f, mailbox_folder_by_name(f->tx, inbox, STR("other"), f->arena, &folder, &f->err)), 0);
}

static void siblings_may_not_share_a_name(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), id;
    struct folder_id a = given_folder(f, inbox, "a"), b = given_folder(f, inbox, "b");

    assert_int_equal(create(f, inbox, STR("A"), &id), -ERR_FOLDER_EXISTS);
    assert_int_equal(IN_WRITE(f, mailbox_folder_rename(f->tx, b, STR("A"), &f->err)),
                     -ERR_FOLDER_EXISTS);
    must(f, IN_WRITE(f, mailbox_folder_rename(f->tx, a, STR("A"), &f->err)));
    must(f, create(f, a, STR("a"), &id));
    assert_int_equal(move(f, id, inbox), -ERR_MOVE_COPY_FAILED);
}

static void names_that_nobody_can_use_are_refused(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), id;
    char longest[256];
    const struct str wrong[] = {STR(""),         STR(" \t"),  STR("a\nb"),         STR("\x7f"),
                                STR("\xc2\x85"), STR("\xff"), STR("\xef\xbf\xbf"), {longest, 256}};
    size_t i;

    memset(longest, 'x', sizeof(longest));
    for (i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(create(f, inbox, wrong[i], &id), -ERR_NAME_INVALID);
    }
    must(f, create(f, inbox, (struct str){longest, 255}, &id));
    assert_int_equal(IN_WRITE(f, mailbox_folder_rename(f->tx, id, STR("\x01"), &f->err)),
                     -ERR_NAME_INVALID);
}

/* ---- changing ---- */

static void rename_changes_the_stamp_once(void **state)
{
    struct fixture *f = *state;
    struct folder_id id = given_folder(f, distinguished(f, DF_INBOX), "a");
    struct folder before, after;

    clock_manual_advance(&f->clock, 1000);
    must(f, IN_WRITE(f, mailbox_folder_rename(f->tx, id, STR("b"), &f->err)));
    before = folder_of(f, id);
    assert_true(str_is(before.name, "b"));
    assert_true(before.change_seq.v > id.v);
    assert_int_equal(before.modified_ms, before.created_ms + 1000);
    must(f, IN_WRITE(f, mailbox_folder_rename(f->tx, id, STR("b"), &f->err)));
    after = folder_of(f, id);
    assert_int_equal(after.change_seq.v, before.change_seq.v);
}

static void update_changes_what_is_named_only(void **state)
{
    struct fixture *f = *state;
    struct folder_id id = given_folder(f, distinguished(f, DF_INBOX), "a");
    const struct folder_update class_only = {.folder_class = STR("IPF.Task")};
    const struct folder_update hidden_only = {.has_hidden = true, .hidden = true};
    struct folder folder;

    must(f, IN_WRITE(f, mailbox_folder_update(f->tx, id, &class_only, &f->err)));
    must(f, IN_WRITE(f, mailbox_folder_update(f->tx, id, &hidden_only, &f->err)));
    folder = folder_of(f, id);
    assert_true(str_is(folder.name, "a"));
    assert_true(str_is(folder.folder_class, "IPF.Task"));
    assert_true(folder.hidden);
}

static void move_keeps_the_id_and_the_counts_of_children(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), drafts = distinguished(f, DF_DRAFTS);
    struct folder_id a = given_folder(f, inbox, "a"), b = given_folder(f, a, "b");

    must(f, move(f, a, drafts));
    assert_int_equal(folder_of(f, inbox).children, 0);
    assert_int_equal(folder_of(f, drafts).children, 1);
    assert_int_equal(folder_of(f, a).parent.v, drafts.v);
    read_tx(f);
    assert_int_equal(must(f, mailbox_folder_is_below(f->tx, b, drafts, &f->err)), 1);
    assert_int_equal(must(f, mailbox_folder_is_below(f->tx, b, inbox, &f->err)), 0);
    assert_int_equal(must(f, mailbox_folder_is_below(f->tx, b, b, &f->err)), 0);
}

static void move_to_where_it_is_takes_no_seq(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a = given_folder(f, inbox, "a");

    must(f, move(f, a, inbox));
    assert_int_equal(folder_of(f, a).change_seq.v, a.v);
}

static void moves_that_break_the_tree_are_refused(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), nowhere = {99999};
    struct folder_id a = given_folder(f, inbox, "a"), b = given_folder(f, a, "b");

    assert_int_equal(move(f, a, a), -ERR_MOVE_COPY_FAILED);
    assert_int_equal(move(f, a, b), -ERR_MOVE_COPY_FAILED);
    assert_int_equal(move(f, inbox, distinguished(f, DF_DRAFTS)), -ERR_MOVE_DISTINGUISHED);
    assert_int_equal(move(f, a, nowhere), -ERR_TO_FOLDER_NOT_FOUND);
    assert_int_equal(move(f, nowhere, a), -ERR_FOLDER_NOT_FOUND);
}

static void tree_has_a_greatest_depth(void **state)
{
    struct fixture *f = *state;
    struct folder_id deep = distinguished(f, DF_ROOT), id;
    struct folder_id two = given_folder(f, distinguished(f, DF_INBOX), "two");
    unsigned depth;

    given_folder(f, two, "levels");
    for (depth = 0; depth < 100; depth++) {
        deep = given_folder(f, deep, "d");
    }
    assert_int_equal(create(f, deep, STR("d"), &id), -ERR_NAME_INVALID);
    assert_int_equal(move(f, two, deep), -ERR_MOVE_COPY_FAILED);
    assert_int_equal(move(f, two, folder_of(f, deep).parent), -ERR_MOVE_COPY_FAILED);
    must(f, move(f, two, folder_of(f, folder_of(f, deep).parent).parent));
}

/* ---- deleting ---- */

static void deleted_folder_takes_all_below_it(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), notes = distinguished(f, DF_NOTES);
    struct folder_id a = given_folder(f, inbox, "a"), b = given_folder(f, a, "b");
    struct item_id own = given_item(f, b), shared = given_item(f, b), copy;
    struct str mime;

    must(f, IN_WRITE(f, mailbox_item_copy(f->tx, shared, notes, &copy, &f->err)));
    must(f, delete_folder(f, a));
    assert_false(folder_exists(f, a));
    assert_false(folder_exists(f, b));
    assert_false(item_exists(f, own));
    assert_int_equal(folder_of(f, inbox).children, 0);
    read_tx(f);
    must(f, mailbox_body_read(f->tx, (struct body_id){shared.v}, f->arena, &mime, &f->err));
    assert_int_equal(mailbox_body_read(f->tx, (struct body_id){own.v}, f->arena, &mime, &f->err),
                     -ERR_CORRUPT);
}

static void distinguished_and_absent_folders_are_not_deleted(void **state)
{
    struct fixture *f = *state;
    struct folder_id nowhere = {99999};

    assert_int_equal(delete_folder(f, distinguished(f, DF_INBOX)), -ERR_DELETE_DISTINGUISHED);
    assert_int_equal(delete_folder(f, nowhere), -ERR_FOLDER_NOT_FOUND);
}

static void deleted_folder_is_remembered_with_its_parent(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a = given_folder(f, inbox, "a"),
                     b = given_folder(f, a, "b"), parent = {0};

    read_tx(f);
    assert_int_equal(mailbox_folder_deleted_parent(f->tx, b, &parent, &f->err), 0);
    mailbox_tx_rollback(&f->tx);
    assert_int_equal(delete_folder(f, a), 0);
    read_tx(f);
    assert_int_equal(mailbox_folder_deleted_parent(f->tx, b, &parent, &f->err), 1);
    assert_int_equal(parent.v, a.v);
    assert_int_equal(mailbox_folder_deleted_parent(f->tx, a, &parent, &f->err), 1);
    assert_int_equal(parent.v, inbox.v);
    mailbox_tx_rollback(&f->tx);
}

/* ---- listing ---- */

static void lists_siblings_by_name_and_parents_first(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), b = given_folder(f, inbox, "b");
    const char *deep[] = {"A", "b", "c", "x", "y"};
    struct folder *list;
    size_t n, i;

    given_folder(f, inbox, "c");
    given_folder(f, inbox, "A");
    given_folder(f, b, "y");
    given_folder(f, b, "x");
    read_tx(f);
    must(f, mailbox_folder_list(f->tx, inbox, false, f->arena, &list, &n, &f->err));
    assert_int_equal(n, 3);
    must(f, mailbox_folder_list(f->tx, inbox, true, f->arena, &list, &n, &f->err));
    assert_int_equal(n, ARRAY_LEN(deep));
    for (i = 0; i < n; i++) {
        assert_true(str_is(list[i].name, deep[i]));
    }
    must(f, mailbox_folder_list(f->tx, list[0].id, true, f->arena, &list, &n, &f->err));
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(new_mailbox_has_the_distinguished_tree),
        fixture_test(reopened_mailbox_is_as_it_was),
        fixture_test(file_of_another_mailbox_is_refused),
        fixture_test(absent_file_is_an_error_without_create),
        fixture_test(names_are_found_without_regard_to_case),
        fixture_test(siblings_may_not_share_a_name),
        fixture_test(names_that_nobody_can_use_are_refused),
        fixture_test(rename_changes_the_stamp_once),
        fixture_test(update_changes_what_is_named_only),
        fixture_test(move_keeps_the_id_and_the_counts_of_children),
        fixture_test(move_to_where_it_is_takes_no_seq),
        fixture_test(moves_that_break_the_tree_are_refused),
        fixture_test(tree_has_a_greatest_depth),
        fixture_test(deleted_folder_takes_all_below_it),
        fixture_test(distinguished_and_absent_folders_are_not_deleted),
        fixture_test(deleted_folder_is_remembered_with_its_parent),
        fixture_test(lists_siblings_by_name_and_parents_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
