#include "support/mailbox_fixture.h"

#include "mailbox/permissions.h"

static const struct mailbox_no bob = {8}, carol = {9};

static int permit(struct fixture *f, struct folder_id folder, const struct permission *rows,
                  size_t n)
{
    return IN_WRITE(f, permissions_replace(f->tx, folder, rows, n, &f->err));
}

static uint32_t rights_of(struct fixture *f, struct folder_id folder, struct mailbox_no who)
{
    uint32_t rights = 0xdead;

    read_tx(f);
    must(f, permissions_of(f->tx, folder, who, &rights, &f->err));
    mailbox_tx_rollback(&f->tx);
    return rights;
}

static struct permission *list(struct fixture *f, struct folder_id folder, size_t *n_r)
{
    struct permission *rows;

    read_tx(f);
    must(f, permissions_list(f->tx, folder, f->arena, &rows, n_r, &f->err));
    mailbox_tx_rollback(&f->tx);
    return rows;
}

static void test_only_the_owner_may_do_something_at_first(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);

    assert_int_equal(rights_of(f, inbox, FIXTURE_NO), RIGHTS_ALL);
    assert_int_equal(rights_of(f, inbox, bob), 0);
    assert_int_equal(rights_of(f, inbox, MEMBER_DEFAULT), 0);
    assert_int_equal(rights_of(f, inbox, MEMBER_ANONYMOUS), 0);
}

static void test_a_row_of_ones_own_goes_before_default(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    const struct permission rows[] = {{MEMBER_DEFAULT, RIGHT_READ_ITEMS | RIGHT_FOLDER_VISIBLE},
                                      {bob, 0}};

    must(f, permit(f, inbox, rows, ARRAY_LEN(rows)));
    assert_int_equal(rights_of(f, inbox, bob), 0);
    assert_int_equal(rights_of(f, inbox, carol), RIGHT_READ_ITEMS | RIGHT_FOLDER_VISIBLE);
    assert_int_equal(rights_of(f, distinguished(f, DF_NOTES), carol), 0);
    assert_int_equal(rights_of(f, inbox, MEMBER_ANONYMOUS), 0); /* not one of "everybody" */
}

static void test_default_and_anonymous_are_listed_first_and_always(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct permission rows[12], *told;
    size_t n, i;

    told = list(f, inbox, &n);
    assert_int_equal(n, 2);
    assert_true(told[0].member.v == MEMBER_DEFAULT.v && told[0].rights == 0);
    assert_true(told[1].member.v == MEMBER_ANONYMOUS.v && told[1].rights == 0);
    for (i = 0; i < 10; i++) {
        rows[i] = (struct permission){{20 - i}, RIGHT_EDIT_OWN};
    }
    rows[10] = (struct permission){MEMBER_ANONYMOUS, RIGHT_FREE_BUSY_TIME};
    rows[11] = (struct permission){MEMBER_DEFAULT, RIGHT_FREE_BUSY_DETAILS};
    must(f, permit(f, inbox, rows, ARRAY_LEN(rows)));
    told = list(f, inbox, &n);
    assert_int_equal(n, 12);
    assert_int_equal(told[0].rights, RIGHT_FREE_BUSY_DETAILS);
    assert_int_equal(told[1].rights, RIGHT_FREE_BUSY_TIME);
    for (i = 0; i < 10; i++) {
        assert_int_equal(told[2 + i].member.v, 11 + i);
    }
}

static void test_replacing_is_a_change_of_the_folder(void **state)
{
    struct fixture *f = *state;
    struct folder_id id = given_folder(f, distinguished(f, DF_INBOX), "x");
    const struct permission rows[] = {{bob, RIGHT_READ_ITEMS}, {bob, RIGHT_EDIT_ALL}};
    struct seq before = folder_of(f, id).change_seq;

    must(f, permit(f, id, rows, ARRAY_LEN(rows)));
    assert_true(folder_of(f, id).change_seq.v > before.v);
    assert_int_equal(rights_of(f, id, bob), RIGHT_EDIT_ALL); /* the last one counts */
    must(f, permit(f, id, NULL, 0));
    assert_int_equal(rights_of(f, id, bob), 0);
}

static void test_a_folder_that_is_gone_permits_nothing(void **state)
{
    struct fixture *f = *state;
    struct folder_id id = given_folder(f, distinguished(f, DF_INBOX), "x");
    const struct permission rows[] = {{MEMBER_DEFAULT, RIGHTS_ALL}};

    must(f, permit(f, id, rows, 1));
    must(f, IN_WRITE(f, mailbox_folder_delete(f->tx, id, &f->err)));
    assert_int_equal(rights_of(f, id, bob), 0);
    assert_int_equal(rights_of(f, id, FIXTURE_NO), 0);
    assert_int_equal(permit(f, id, rows, 1), -ERR_FOLDER_NOT_FOUND);
}

static uint32_t rights_then(struct fixture *f, struct folder_id folder, struct mailbox_no who,
                            struct seq since)
{
    uint32_t rights = 0xdead;

    read_tx(f);
    must(f, permissions_then(f->tx, folder, who, since, &rights, &f->err));
    mailbox_tx_rollback(&f->tx);
    return rights;
}

static struct seq seq_now(struct fixture *f)
{
    struct seq seq;

    read_tx(f);
    seq = mailbox_tx_seq(f->tx);
    mailbox_tx_rollback(&f->tx);
    return seq;
}

static void test_what_was_permitted_then_is_known(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    const struct permission everybody[] = {{MEMBER_DEFAULT, RIGHT_FOLDER_VISIBLE}};
    const struct permission all_but_bob[] = {{MEMBER_DEFAULT, RIGHT_READ_ITEMS}, {bob, 0}};
    struct seq at[4];

    at[0] = seq_now(f);
    must(f, permit(f, inbox, everybody, 1));
    at[1] = seq_now(f);
    must(f, permit(f, inbox, all_but_bob, 2));
    at[2] = seq_now(f);
    must(f, permit(f, inbox, NULL, 0));
    at[3] = seq_now(f);
    assert_int_equal(rights_then(f, inbox, bob, at[0]), 0);
    assert_int_equal(rights_then(f, inbox, bob, at[1]), RIGHT_FOLDER_VISIBLE);
    assert_int_equal(rights_then(f, inbox, bob, at[2]), 0);
    assert_int_equal(rights_then(f, inbox, bob, at[3]), 0);
    assert_int_equal(rights_then(f, inbox, carol, at[0]), 0);
    assert_int_equal(rights_then(f, inbox, carol, at[1]), RIGHT_FOLDER_VISIBLE);
    assert_int_equal(rights_then(f, inbox, carol, at[2]), RIGHT_READ_ITEMS);
    assert_int_equal(rights_then(f, inbox, carol, at[3]), 0);
    assert_int_equal(rights_then(f, inbox, FIXTURE_NO, at[0]), RIGHTS_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_only_the_owner_may_do_something_at_first),
        fixture_test(test_a_row_of_ones_own_goes_before_default),
        fixture_test(test_default_and_anonymous_are_listed_first_and_always),
        fixture_test(test_replacing_is_a_change_of_the_folder),
        fixture_test(test_a_folder_that_is_gone_permits_nothing),
        fixture_test(test_what_was_permitted_then_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
