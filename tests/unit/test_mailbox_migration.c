/* A mailbox that an earlier version wrote is opened, brought up to date, and nothing that a client holds of it is refused. */
#include "support/mailbox_fixture.h"

#include "db/db.h"
#include "mailbox/folder_write.h"
#include "mailbox/outbox.h"
#include "mailbox/permissions.h"
#include "mailbox/schema.h"
#include "mailbox/token.h"

static const struct token_key key = {.key = "0123456789abcdef", .epoch = 5};

/* What version 1 wrote: an inbox (2) below the root with three items, one of them a copy of another, and one that is gone. */
static const char *const version_1[] = {
    "INSERT INTO mailbox (one, number, seq, event_floor) VALUES (1, 7, 8, 0)",
    "INSERT INTO folder VALUES (1, 0, 1, 0, 'Root', 'root', '', 1, 0, 0, 0, 1, 5, 5), "
    "(2, 1, 8, 0, 'Inbox', 'inbox', 'IPF.Note', 2, 7, 3, 2, 0, 5, 5)",
    "INSERT INTO body VALUES (3, x'6162630064'), (4, x'78')",
    "INSERT INTO body_share VALUES (3, 2)",
    "INSERT INTO item VALUES (3, 2, 0, 2, 0, NULL, NULL, 3, 100, 5, x''), "
    "(4, 2, 0, 2, 1, NULL, 7, 4, 100, 1, x''), (6, 2, 0, 2, 0, NULL, NULL, 3, 100, 5, x'')",
    "INSERT INTO tombstone VALUES (2, 0, 8, 5)",
    "UPDATE folder SET item_seq = 8 WHERE id = 2",
    "INSERT INTO event VALUES (8, 5, 100, 5, 2, 0, 0, 0)",
};

static int given_version_1(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct db_options options = {
        .path = f->path, .create = true, .migrations = mailbox_migrations, .migration_count = 1};
    struct db *db;
    size_t i;

    snprintf(f->dir, sizeof(f->dir), "/tmp/mailbox-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/m.db", f->dir);
    clock_manual_init(&f->clock, 1700000000000);
    f->arena = arena_new(NULL, "test");
    *state = f;
    must(f, db_open(&options, &db, &f->err));
    must(f, db_begin(db, DB_WRITE, &f->err));
    for (i = 0; i < ARRAY_LEN(version_1); i++) {
        struct db_stmt *stmt;

        must(f, db_prepare(db, version_1[i], &stmt, &f->err));
        must(f, db_exec(stmt, &f->err));
        db_stmt_done(&stmt);
    }
    must(f, db_commit(db, &f->err));
    db_close(&db);
    return 0;
}

static void test_the_mailbox_opens_and_counts_its_bytes(void **state)
{
    struct fixture *f = *state;

    fixture_open(f, false);
    read_tx(f);
    must(f, mailbox_check(f->tx, &f->err));
    assert_int_equal(mailbox_bytes_used(f->tx), 6); /* the shared one once */
    assert_int_equal(mailbox_tx_seq(f->tx).v, 8);
    mailbox_tx_rollback(&f->tx);
    assert_int_equal(folder_of(f, (struct folder_id){2}).props.n, 0);
    fixture_reopen(f); /* and once more, as version 2 */
    assert_int_equal(folder_of(f, (struct folder_id){2}).total, 3);
}

static void test_tokens_from_before_stay_valid(void **state)
{
    const struct token_sync_items before = {
        .mailbox = FIXTURE_NO, .folder = {2}, .base = {6}, .top = {6}};
    const struct item_sync_options options = {.folder = {2}, .max_changes = 10};
    struct fixture *f = *state;
    struct token_sync_items token;
    struct sync_position from, to;
    struct item_change change;
    struct item_sync *sync;
    struct buf text = BUF_INIT;
    bool done;

    token_sync_items_write(&text, &key, &before);
    fixture_open(f, false);
    must(f, token_sync_items_read(&key, buf_str(&text), &token, &f->err));
    from = (struct sync_position){.base = token.base, .top = token.top};
    read_tx(f);
    must(f, item_sync_begin(f->tx, &options, &from, &sync, &f->err));
    assert_true(item_sync_next(sync, &change));
    assert_int_equal(change.kind, CHANGE_DELETE);
    assert_int_equal(change.item.id.v, 5);
    assert_true(item_sync_next(sync, &change));
    assert_int_equal(change.kind, CHANGE_READ_FLAG);
    assert_int_equal(change.item.id.v, 4);
    assert_false(item_sync_next(sync, &change));
    must(f, item_sync_end(&sync, &to, &done, &f->err));
    assert_true(done);
    assert_int_equal(to.base.v, 8);
    mailbox_tx_rollback(&f->tx);
    buf_fini(&text);
}

static void test_the_tree_is_told_from_a_position_before(void **state)
{
    struct fixture *f = *state;
    struct folder_change *changes;
    struct seq to;
    size_t n;

    fixture_open(f, false);
    given_folder(f, (struct folder_id){2}, "new");
    read_tx(f);
    must(f, hierarchy_sync(f->tx, (struct folder_id){1}, false, (struct seq){8}, f->arena, &changes,
                           &n, &to, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(changes[0].kind, CHANGE_CREATE);
    mailbox_tx_rollback(&f->tx);
}

static void test_what_is_new_works_in_it(void **state)
{
    const struct permission row = {MEMBER_DEFAULT, RIGHT_READ_ITEMS};
    const struct folder_update update = {.props = STR("\1x")};
    const struct str to = STR("a@example.com");
    struct fixture *f = *state;
    struct folder_id inbox = {2};
    struct seq id;

    fixture_open(f, false);
    must(f, IN_WRITE(f, permissions_replace(f->tx, inbox, &row, 1, &f->err)));
    must(f, IN_WRITE(f, mailbox_folder_update(f->tx, inbox, &update, &f->err)));
    must(f, IN_WRITE(f, outbox_add(f->tx, STR(""), STR("m"), &to, 1, &id, &f->err)));
    delete_item(f, (struct item_id){3});
    delete_item(f, (struct item_id){6});
    read_tx(f);
    assert_int_equal(mailbox_bytes_used(f->tx), 1);
    mailbox_tx_rollback(&f->tx);
}

#define upgrade_test(fn) cmocka_unit_test_setup_teardown(fn, given_version_1, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        upgrade_test(test_the_mailbox_opens_and_counts_its_bytes),
        upgrade_test(test_tokens_from_before_stay_valid),
        upgrade_test(test_the_tree_is_told_from_a_position_before),
        upgrade_test(test_what_is_new_works_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
