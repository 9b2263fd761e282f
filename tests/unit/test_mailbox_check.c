/* Every invariant is broken behind the mailbox's back, and mailbox_check must say which. */
#include "support/mailbox_fixture.h"

#include "db/db.h"
#include "mailbox/schema.h"

struct damage {
    const char *sql;
    const char *found; /* how the complaint begins */
};

/* To the mailbox of given_a_full_mailbox. */
static const struct damage damages[] = {
    {"UPDATE mailbox SET seq = 3", "I1: a stamp is newer"},
    {"UPDATE item SET read_seq = change_seq WHERE change_seq IS NOT NULL", "I1: two changes"},
    {"UPDATE item SET change_seq = id - 1 WHERE change_seq IS NOT NULL", "I2: wrong stamps"},
    {"UPDATE item SET associated = 1", "I2: wrong stamps or scope"},
    {"UPDATE tombstone SET item_id = delete_seq", "I2: wrong stamps on the tombstone"},
    {"UPDATE tombstone SET item_id = (SELECT min(id) FROM item)", "I2: a tombstone names"},
    {"UPDATE folder SET total = total + 1 WHERE total > 0", "I3: wrong total"},
    {"UPDATE folder SET unread = unread + 1", "I3: wrong total or unread"},
    {"UPDATE folder SET children = 0", "I3: wrong count of children"},
    {"UPDATE folder SET item_seq = 0 WHERE total > 0", "I4: wrong item_seq"},
    {"DELETE FROM body_share", "I5: wrong number"},
    {"DELETE FROM body", "I5: no body"},
    {"INSERT INTO body_share (body_id, refs) VALUES (1, 2)", "I5: shared by nobody"},
    {"UPDATE folder SET parent_id = id WHERE name = 'lonely'", "I3: wrong count"},
    {"INSERT INTO folder SELECT 5000, 0, 0, 0, 'r', 'r', '', 1, 0, 0, 0, 0, 0, 0, ''",
     "I6: number of roots"},
    {"INSERT INTO folder_tombstone SELECT id, parent_id, 20 FROM folder WHERE name = 'lonely'",
     "I6: present and deleted"},
    {"UPDATE folder SET parent_id = CASE WHEN name = 'lonely' THEN id ELSE parent_id END, "
     "children = CASE name WHEN 'lonely' THEN 1 WHEN 'a' THEN 0 ELSE children END",
     "I6: not below the root"},
    {"INSERT INTO tombstone SELECT (SELECT min(id) FROM item), 0, delete_seq, item_id "
     "FROM tombstone",
     "I6: in no folder"},
    {"INSERT INTO folder_permission (folder_id, member, rights) VALUES (5000, 0, 1)",
     "I6: permissions of no folder"},
    {"UPDATE mailbox SET bytes_used = bytes_used + 1", "I7: the bytes of all bodies"},
    {"INSERT INTO outbox (id, queued_ms, sender, mime) VALUES (5, 0, '', '')",
     "I8: in the outbox for nobody"},
    {"INSERT INTO outbox_recipient (outbox_id, nth, address, state, attempts, next_ms, reply) "
     "VALUES (5, 0, 'a@b', 1, 0, 0, '')",
     "I8: a recipient of no message"},
};

static void given_a_full_mailbox(struct fixture *f)
{
    struct folder_id a = given_folder(f, distinguished(f, DF_INBOX), "a");
    struct item_id item = given_item(f, a), shared = given_item(f, a), copy;

    given_folder(f, a, "lonely");
    change(f, item);
    set_read(f, item, true);
    must(f, IN_WRITE(f, mailbox_item_copy(f->tx, shared, a, &copy, &f->err)));
    delete_item(f, given_item(f, a));
}

static void run_sql(struct fixture *f, const char *sql)
{
    const struct db_options options = {.path = f->path,
                                       .migrations = mailbox_migrations,
                                       .migration_count = mailbox_migration_count};
    struct db_stmt *stmt;
    struct db *db;

    must(f, db_open(&options, &db, &f->err));
    must(f, db_begin(db, DB_WRITE, &f->err));
    must(f, db_prepare(db, sql, &stmt, &f->err));
    must(f, db_exec(stmt, &f->err));
    db_stmt_done(&stmt);
    must(f, db_commit(db, &f->err));
    db_close(&db);
}

static void every_damage_is_found(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(damages); i++) {
        void *fixture = NULL;
        struct fixture *f;
        int rc;

        fixture_setup(&fixture);
        f = fixture;
        given_a_full_mailbox(f);
        read_tx(f);
        must(f, mailbox_check(f->tx, &f->err));
        mailbox_tx_rollback(&f->tx);
        run_sql(f, damages[i].sql);
        read_tx(f);
        rc = mailbox_check(f->tx, &f->err);
        if (rc != -ERR_CORRUPT ||
            strncmp(f->err.log_text, damages[i].found, strlen(damages[i].found)) != 0) {
            print_error("%s: found %s\n", damages[i].sql, rc < 0 ? f->err.log_text : "nothing");
            fail();
        }
        mailbox_tx_rollback(&f->tx);
        fixture_drop(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
