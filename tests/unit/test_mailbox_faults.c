/* Every call to the store fails once, in every operation: the operation says so, and what it had done so far is gone. */
#include "support/mailbox_fixture.h"

#include "db/decorate.h"
#include "mailbox/folder_write.h"
#include "mailbox/outbox.h"
#include "mailbox/permissions.h"

static struct db_fault fault;

static struct db *wrap(struct db *inner, void *ctx)
{
    return db_fault_new(inner, ctx);
}

/* Where the operations act: a folder with one of its own, items, a shared body, and a folder moved and one deleted. */
struct scene {
    struct folder_id inbox, notes, outer, inner;
    struct item_id plain, shared, copy;
    struct seq before; /* a hierarchy position from the beginning */
};

static struct scene given_scene(struct fixture *f)
{
    struct scene s = {.inbox = distinguished(f, DF_INBOX), .notes = distinguished(f, DF_NOTES)};
    struct folder_id gone;

    s.outer = given_folder(f, s.inbox, "outer");
    s.inner = given_folder(f, s.outer, "inner");
    s.before.v = s.inner.v;
    gone = given_folder(f, s.inbox, "gone");
    must(f, IN_WRITE(f, mailbox_folder_delete(f->tx, gone, &f->err)));
    s.plain = given_item(f, s.outer);
    s.shared = given_item(f, s.inner);
    must(f, IN_WRITE(f, mailbox_item_copy(f->tx, s.shared, s.notes, &s.copy, &f->err)));
    change(f, s.plain);
    return s;
}

/* ---- operations ---- */

static int add(struct fixture *f, const struct scene *s)
{
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE, .mime = STR("m")};
    struct item_id id;

    return mailbox_item_add(f->tx, s->inbox, &draft, &id, &f->err);
}

static int update(struct fixture *f, const struct scene *s)
{
    const struct item_update u = {.props = STR("x"), .mime = STR("y")};

    return mailbox_item_update(f->tx, s->shared, &u, &f->err);
}

static int flag(struct fixture *f, const struct scene *s)
{
    return mailbox_item_set_read(f->tx, s->plain, true, &f->err);
}

static int delete_one(struct fixture *f, const struct scene *s)
{
    return mailbox_item_delete(f->tx, s->plain, &f->err);
}

static int move(struct fixture *f, const struct scene *s)
{
    struct item_id id;

    return mailbox_item_move(f->tx, s->plain, s->notes, &id, &f->err);
}

static int copy(struct fixture *f, const struct scene *s)
{
    struct item_id id;

    return mailbox_item_copy(f->tx, s->plain, s->notes, &id, &f->err);
}

static int folder_create(struct fixture *f, const struct scene *s)
{
    const struct folder_draft draft = {.parent = s->inner, .name = STR("new")};
    struct folder_id id;

    return mailbox_folder_create(f->tx, &draft, &id, &f->err);
}

static int folder_rename(struct fixture *f, const struct scene *s)
{
    return mailbox_folder_rename(f->tx, s->outer, STR("other"), &f->err);
}

static int folder_move(struct fixture *f, const struct scene *s)
{
    return mailbox_folder_move(f->tx, s->outer, s->notes, &f->err);
}

static int folder_delete(struct fixture *f, const struct scene *s)
{
    return mailbox_folder_delete(f->tx, s->outer, &f->err);
}

static int folder_copy(struct fixture *f, const struct scene *s)
{
    struct folder_id id;

    return mailbox_folder_copy(f->tx, s->outer, s->notes, &id, &f->err);
}

static int folder_trash(struct fixture *f, const struct scene *s)
{
    return mailbox_folder_trash(f->tx, s->outer, &f->err);
}

static int folder_empty_hard(struct fixture *f, const struct scene *s)
{
    return mailbox_folder_empty(f->tx, s->outer, EMPTY_HARD, true, &f->err);
}

static int folder_empty_softly(struct fixture *f, const struct scene *s)
{
    return mailbox_folder_empty(f->tx, s->outer, EMPTY_TO_RECOVERABLE, true, &f->err);
}

static int folder_mark_all(struct fixture *f, const struct scene *s)
{
    return mailbox_folder_mark_all(f->tx, s->outer, true, &f->err);
}

static int permit(struct fixture *f, const struct scene *s)
{
    const struct permission rows[] = {{MEMBER_DEFAULT, RIGHT_READ_ITEMS}, {{9}, RIGHTS_ALL}};
    struct permission *list;
    uint32_t rights;
    size_t n;

    TRY(permissions_replace(f->tx, s->outer, rows, ARRAY_LEN(rows), &f->err));
    TRY(permissions_list(f->tx, s->outer, f->arena, &list, &n, &f->err));
    return permissions_of(f->tx, s->outer, (struct mailbox_no){10}, &rights, &f->err);
}

static int send(struct fixture *f, const struct scene *s)
{
    const struct str recipients[] = {STR("a@example.com"), STR("b@example.com")};
    const struct delivery_origin origin = {.mailbox = {3}, .id = s->before};
    struct outbox_message m;
    struct seq id, *due;
    int64_t next_ms;
    size_t n;

    TRY(outbox_add(f->tx, STR("me@example.com"), STR("mime"), recipients, 2, &id, &f->err));
    TRY(outbox_due(f->tx, INT64_MAX, 8, f->arena, &due, &n, &next_ms, &f->err));
    TRY(outbox_get(f->tx, id, f->arena, &m, &f->err));
    m.recipients[1].state = OUTBOX_SENT;
    TRY(outbox_note(f->tx, id, 1, &m.recipients[1], &f->err));
    TRY(delivery_note_once(f->tx, &origin, &f->err));
    TRY(outbox_remove(f->tx, id, &f->err));
    TRY(outbox_is_empty(f->tx, &f->err));
    return 0;
}

static int prune(struct fixture *f, const struct scene *s)
{
    (void)s;
    return mailbox_event_prune(f->tx, -1, &f->err);
}

static int sync_page(struct fixture *f, const struct scene *s)
{
    const struct item_sync_options options = {
        .folder = s->outer, .associated = true, .max_changes = 10};
    const struct sync_position from = {.base = {s->plain.v}, .top = {s->plain.v}};
    struct item_change told;
    struct item_sync *sync;
    struct sync_position to;
    bool done;

    TRY(item_sync_begin(f->tx, &options, &from, &sync, &f->err));
    while (item_sync_next(sync, &told)) {
        assert_int_equal(told.kind, CHANGE_UPDATE);
    }
    return item_sync_end(&sync, &to, &done, &f->err);
}

static int sync_tree(struct fixture *f, const struct scene *s)
{
    struct folder_change *changes;
    struct seq to;
    size_t n;

    return hierarchy_sync(f->tx, s->inbox, false, s->before, f->arena, &changes, &n, &to, &f->err);
}

static int list_items(struct fixture *f, const struct scene *s)
{
    const struct item_iter_options options = {.folder = s->outer};
    struct item_iter *iter;
    struct item item;

    TRY(mailbox_item_iter_begin(f->tx, &options, &iter, &f->err));
    while (mailbox_item_iter_next(iter, &item)) {
        assert_int_equal(item.id.v, s->plain.v);
    }
    return mailbox_item_iter_end(&iter, &f->err);
}

static int list_events(struct fixture *f, const struct scene *s)
{
    struct event_iter *iter;
    struct event event;

    TRY(mailbox_event_iter_begin(f->tx, s->before, &iter, &f->err));
    while (mailbox_event_iter_next(iter, &event)) {
        assert_true(event.seq.v > s->before.v);
    }
    return mailbox_event_iter_end(&iter, &f->err);
}

static const struct operation {
    const char *name;
    int (*run)(struct fixture *f, const struct scene *s);
} operations[] = {
    {"add", add},
    {"update", update},
    {"set read", flag},
    {"delete", delete_one},
    {"move", move},
    {"copy", copy},
    {"create folder", folder_create},
    {"rename folder", folder_rename},
    {"move folder", folder_move},
    {"delete folder", folder_delete},
    {"copy folder", folder_copy},
    {"trash folder", folder_trash},
    {"empty folder", folder_empty_hard},
    {"empty folder into the recoverable items", folder_empty_softly},
    {"mark all", folder_mark_all},
    {"permissions", permit},
    {"outbox", send},
    {"prune", prune},
    {"item sync", sync_page},
    {"hierarchy sync", sync_tree},
    {"list items", list_items},
    {"list events", list_events},
};

/* ---- the test ---- */

/* Runs it in a transaction whose nth call fails: the result; seq is afterwards as before. */
static int run_with_fault(struct fixture *f, const struct scene *s, const struct operation *op,
                          unsigned nth)
{
    struct seq before;
    int rc;

    read_tx(f);
    before = mailbox_tx_seq(f->tx);
    mailbox_tx_rollback(&f->tx);
    fault = (struct db_fault){.nth = nth, .kind = ERR_IO};
    rc = mailbox_tx_begin(f->mailbox, MAILBOX_TX_WRITE, &f->tx, &f->err);
    if (rc == 0) {
        rc = op->run(f, s);
        if (rc == 0 && !fault.fired) {
            rc = mailbox_tx_commit(&f->tx, &f->err);
        }
        mailbox_tx_rollback(&f->tx);
    }
    fault.nth = 0;
    if (fault.fired) {
        read_tx(f);
        assert_int_equal(mailbox_tx_seq(f->tx).v, before.v);
        must(f, mailbox_check(f->tx, &f->err));
        mailbox_tx_rollback(&f->tx);
    }
    return rc;
}

static void every_failure_is_told_and_leaves_nothing(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(operations); i++) {
        void *fixture = NULL;
        struct fixture *f;
        struct scene s;
        unsigned nth = 0;
        int rc;

        fault = (struct db_fault){0};
        fixture_setup(&fixture);
        f = fixture;
        s = given_scene(f);
        do {
            rc = run_with_fault(f, &s, &operations[i], ++nth);
            if (fault.fired && rc != -ERR_IO) {
                print_error("%s: call %u failed, the answer is %d\n", operations[i].name, nth, rc);
                fail();
            }
        } while (fault.fired);
        assert_int_equal(rc, 0);
        assert_true(nth > 4);
        fixture_teardown(&fixture);
    }
}

static int decorate(void **state)
{
    (void)state;
    db_decorate_all(wrap, &fault);
    return 0;
}

static int undecorate(void **state)
{
    (void)state;
    db_decorate_all(NULL, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_is_told_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, decorate, undecorate);
}
