/* What events mean to subscribers: docs/design/notifications.md, and the events table of docs/protocol.md. */
#include "notify/notice.h"

#include "mailbox/folder_write.h"
#include "mailbox/subscriptions.h"
#include "notify/limits.h"
#include "notify/reader.h"
#include "support/mailbox_fixture.h"

#define ALL_TYPES ((UINT32_C(1) << NOTICE_TYPE_COUNT) - 1)

/* ---- the table ---- */

enum { X = 100, P = 10, OX = 90, OP = 9 }; /* object, parent, and what they were */

struct want {
    enum notice_type type;
    bool folder;
    uint64_t object, parent, old_object, old_parent;
};

struct row {
    const char *says;
    enum event_kind kind;
    uint32_t flags;
    bool same_parent;
    struct want want[NOTICES_OF_EVENT_MAX];
};

#define ITEM(type_, object_, parent_)                                                              \
    {                                                                                              \
        NOTICE_##type_, false, object_, parent_, 0, 0                                              \
    }
#define ITEM_OLD(type_)                                                                            \
    {                                                                                              \
        NOTICE_##type_, false, X, P, OX, OP                                                        \
    }
#define FOLDER(type_, object_, parent_)                                                            \
    {                                                                                              \
        NOTICE_##type_, true, object_, parent_, 0, 0                                               \
    }
#define FOLDER_OLD(type_)                                                                          \
    {                                                                                              \
        NOTICE_##type_, true, X, P, OX, OP                                                         \
    }
#define END                                                                                        \
    {                                                                                              \
        NOTICE_TYPE_COUNT, false, 0, 0, 0, 0                                                       \
    }
#define BUSY ITEM(FREE_BUSY, X, P)
#define CHANGED(object_) FOLDER(MODIFIED, object_, 0)

static const struct row rows[] = {
    {"new mail",
     EVENT_ITEM_NEW_MAIL,
     0,
     false,
     {ITEM(NEW_MAIL, X, P), ITEM(CREATED, X, P), CHANGED(P), END}},
    {"saved", EVENT_ITEM_CREATED, 0, false, {ITEM(CREATED, X, P), CHANGED(P), END}},
    {"meeting saved",
     EVENT_ITEM_CREATED,
     EVENT_FREE_BUSY,
     false,
     {ITEM(CREATED, X, P), BUSY, CHANGED(P), END}},
    {"changed", EVENT_ITEM_MODIFIED, 0, false, {ITEM(MODIFIED, X, P), CHANGED(P), END}},
    {"meeting accepted",
     EVENT_ITEM_MODIFIED,
     EVENT_FREE_BUSY,
     false,
     {ITEM(MODIFIED, X, P), BUSY, CHANGED(P), END}},
    {"read", EVENT_ITEM_READ_FLAG, 0, false, {ITEM(MODIFIED, X, P), CHANGED(P), END}},
    {"read, one of many", EVENT_ITEM_READ_FLAG, EVENT_QUIET, false, {ITEM(MODIFIED, X, P), END}},
    {"deleted", EVENT_ITEM_DELETED, 0, false, {ITEM(DELETED, X, P), CHANGED(P), END}},
    {"meeting deleted",
     EVENT_ITEM_DELETED,
     EVENT_FREE_BUSY,
     false,
     {ITEM(DELETED, X, P), BUSY, CHANGED(P), END}},
    {"deleted, one of many",
     EVENT_ITEM_DELETED,
     EVENT_QUIET | EVENT_FREE_BUSY,
     false,
     {ITEM(DELETED, X, P), BUSY, END}},
    {"moved",
     EVENT_ITEM_MOVED,
     0,
     false,
     {ITEM(MODIFIED, OX, OP), ITEM_OLD(MOVED), CHANGED(OP), CHANGED(P), END}},
    {"moved within its folder",
     EVENT_ITEM_MOVED,
     0,
     true,
     {ITEM(MODIFIED, OX, P), {NOTICE_MOVED, false, X, P, OX, P}, CHANGED(P), END}},
    {"meeting moved",
     EVENT_ITEM_MOVED,
     EVENT_FREE_BUSY,
     false,
     {ITEM(MODIFIED, OX, OP), ITEM_OLD(MOVED), BUSY, CHANGED(OP), CHANGED(P), END}},
    {"deleted to the bin",
     EVENT_ITEM_MOVED,
     EVENT_DISCARDED,
     false,
     {ITEM_OLD(MOVED), CHANGED(OP), CHANGED(P), END}},
    {"associated item deleted to the bin",
     EVENT_ITEM_MOVED,
     EVENT_DISCARDED | EVENT_ASSOCIATED,
     false,
     {ITEM_OLD(MOVED), END}},
    {"associated item saved",
     EVENT_ITEM_CREATED,
     EVENT_ASSOCIATED,
     false,
     {ITEM(CREATED, X, P), END}},
    {"copied",
     EVENT_ITEM_COPIED,
     0,
     false,
     {ITEM_OLD(COPIED), ITEM(CREATED, X, P), CHANGED(P), END}},
    {"meeting copied",
     EVENT_ITEM_COPIED,
     EVENT_FREE_BUSY,
     false,
     {ITEM_OLD(COPIED), ITEM(CREATED, X, P), BUSY, CHANGED(P), END}},
    {"folder created", EVENT_FOLDER_CREATED, 0, false, {FOLDER(CREATED, X, P), CHANGED(P), END}},
    {"folder changed", EVENT_FOLDER_MODIFIED, 0, false, {FOLDER(MODIFIED, X, P), CHANGED(P), END}},
    {"folder deleted", EVENT_FOLDER_DELETED, 0, false, {FOLDER(DELETED, X, P), CHANGED(P), END}},
    {"folder moved",
     EVENT_FOLDER_MOVED,
     0,
     false,
     {FOLDER_OLD(MOVED), CHANGED(OP), CHANGED(P), END}},
    {"folder copied",
     EVENT_FOLDER_COPIED,
     0,
     false,
     {FOLDER_OLD(COPIED), FOLDER(CREATED, X, P), CHANGED(P), END}},
    {"many items of a folder changed",
     EVENT_FOLDER_CONTENTS,
     0,
     false,
     {FOLDER(MODIFIED, X, P), END}},
};

static void check_row(const struct row *row)
{
    const struct event event = {.seq = {55},
                                .kind = row->kind,
                                .flags = row->flags,
                                .at_ms = 1234,
                                .object = X,
                                .parent = P,
                                .old_object = OX,
                                .old_parent = row->same_parent ? P : OP};
    struct notice out[NOTICES_OF_EVENT_MAX];
    size_t n = notices_of(&event, out);

    for (size_t i = 0; i < n; i++) {
        const struct want *want = &row->want[i];

        assert_int_equal(out[i].type, want->type);
        assert_int_equal(out[i].folder, want->folder);
        assert_int_equal(out[i].object, want->object);
        assert_int_equal(out[i].parent, want->parent);
        assert_int_equal(out[i].old_object, want->old_object);
        assert_int_equal(out[i].old_parent, want->old_parent);
        assert_int_equal(out[i].at_ms, 1234);
        assert_int_equal(out[i].after.seq.v, 55);
        assert_int_equal(out[i].after.taken, i + 1);
        assert_int_equal(out[i].has_unread, want->folder && want->type == NOTICE_MODIFIED);
    }
    assert_int_equal(row->want[n].type, NOTICE_TYPE_COUNT);
}

static void every_event_has_its_notices_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        print_message("# %s\n", rows[i].says);
        check_row(&rows[i]);
    }
}

static void every_kind_of_event_stands_in_the_table(void **state)
{
    struct notice out[NOTICES_OF_EVENT_MAX];

    (void)state;
    for (enum event_kind kind = EVENT_ITEM_NEW_MAIL; kind <= EVENT_FOLDER_CONTENTS; kind++) {
        bool tested = false;

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            tested = tested || rows[i].kind == kind;
        }
        assert_true(tested);
    }
    assert_int_equal(
        notices_of(&(const struct event){.seq = {1}, .kind = (enum event_kind)200}, out), 0);
}

/* ---- whom a notice concerns ---- */

static bool concerns(const struct notice *notice, uint32_t types, uint64_t folder)
{
    const struct folder_id folders[] = {{3}, {folder}, {1000}};
    const struct subscription s = {
        .types = types, .folders = folders, .folder_n = ARRAY_LEN(folders)};

    return notice_concerns(notice, &s);
}

static void notices_concern_by_type(void **state)
{
    const struct notice n = {.type = NOTICE_DELETED, .object = X, .parent = P};
    const struct subscription all = {.types = NOTICE_BIT(NOTICE_DELETED)};
    const struct subscription others = {.types = ALL_TYPES & ~NOTICE_BIT(NOTICE_DELETED)};

    (void)state;
    assert_true(notice_concerns(&n, &all));
    assert_false(notice_concerns(&n, &others));
    assert_true(concerns(&n, NOTICE_BIT(NOTICE_DELETED), P));
    assert_false(concerns(&n, NOTICE_BIT(NOTICE_MODIFIED), P));
}

static void items_concern_by_where_they_are_and_were(void **state)
{
    struct notice n = {
        .type = NOTICE_MOVED, .object = X, .parent = P, .old_object = OX, .old_parent = OP};

    (void)state;
    assert_true(concerns(&n, ALL_TYPES, P));
    assert_true(concerns(&n, ALL_TYPES, OP));
    assert_false(concerns(&n, ALL_TYPES, X)); /* an item's number, not a folder's */
    assert_false(concerns(&n, ALL_TYPES, OX));
    assert_false(concerns(&n, ALL_TYPES, 11));
    n.type = NOTICE_MODIFIED;
    assert_false(concerns(&n, ALL_TYPES, OP));
}

static void folders_concern_by_themselves_and_their_parents(void **state)
{
    struct notice n = {.type = NOTICE_COPIED,
                       .folder = true,
                       .object = X,
                       .parent = P,
                       .old_object = OX,
                       .old_parent = OP};

    (void)state;
    assert_true(concerns(&n, ALL_TYPES, X));
    assert_true(concerns(&n, ALL_TYPES, P));
    assert_true(concerns(&n, ALL_TYPES, OX));
    assert_true(concerns(&n, ALL_TYPES, OP));
    assert_false(concerns(&n, ALL_TYPES, 11));
    n.type = NOTICE_CREATED;
    assert_true(concerns(&n, ALL_TYPES, X));
    assert_false(concerns(&n, ALL_TYPES, OP));
}

/* ---- reading ---- */

static struct log_position now(struct fixture *f)
{
    struct log_position at;

    read_tx(f);
    at = log_position_now(f->tx);
    mailbox_tx_rollback(&f->tx);
    return at;
}

static struct notice_page read_page(struct fixture *f, const struct subscription *s,
                                    struct log_position from, size_t max)
{
    struct notice_page page;

    read_tx(f);
    must(f, notices_read(f->tx, s, from, max, f->arena, &page, &f->err));
    mailbox_tx_rollback(&f->tx);
    return page;
}

static struct subscription on(const struct folder_id *folder, uint32_t types)
{
    return (struct subscription){
        .types = types, .folders = folder, .folder_n = folder != NULL ? 1 : 0};
}

static void check_end(const struct notice_page *page, struct log_position end)
{
    assert_int_equal(page->end.seq.v, end.seq.v);
    assert_int_equal(page->end.taken, end.taken);
}

static void parents_and_unread_counts_are_of_the_reading(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), top = distinguished(f, DF_MSGFOLDERROOT);
    struct subscription s = on(NULL, ALL_TYPES);
    struct log_position start = now(f);
    struct item_id a = given_item(f, inbox);
    struct notice_page page;

    given_item(f, inbox);
    page = read_page(f, &s, start, 50);
    assert_int_equal(page.n, 6);
    assert_false(page.more);
    assert_false(page.missed);
    check_end(&page, now(f));
    assert_int_equal(page.notices[0].object, a.v);
    assert_false(page.notices[0].has_unread);
    assert_int_equal(page.notices[2].type, NOTICE_MODIFIED);
    assert_int_equal(page.notices[2].object, inbox.v);
    assert_int_equal(page.notices[2].parent, top.v);
    assert_true(page.notices[2].has_unread);
    assert_int_equal(page.notices[2].unread, 2);
}

static void the_root_is_its_own_parent(void **state)
{
    struct fixture *f = *state;
    struct folder_id root = distinguished(f, DF_ROOT);
    struct subscription s = on(&root, NOTICE_BIT(NOTICE_MODIFIED));
    struct log_position start = now(f);
    struct notice_page page;

    given_folder(f, root, "a");
    page = read_page(f, &s, start, 50);
    assert_int_equal(page.n, 1);
    assert_int_equal(page.notices[0].parent, root.v);
}

static void deleted_folders_are_told_with_the_parents_that_they_had(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), a = given_folder(f, inbox, "a");
    struct subscription s = on(&a, NOTICE_BIT(NOTICE_MODIFIED));
    struct log_position start = now(f);
    struct notice_page page;

    given_item(f, a);
    must(f, IN_WRITE(f, mailbox_folder_delete(f->tx, a, &f->err)));
    page = read_page(f, &s, start, 50);
    assert_int_equal(page.n, 1);
    assert_int_equal(page.notices[0].object, a.v);
    assert_int_equal(page.notices[0].parent, inbox.v);
    assert_false(page.notices[0].has_unread);
    assert_int_equal(page.notices[0].after.taken, 3);
}

/* Whatever the size of the pages: nothing is lost, nothing comes twice, each watermark goes on behind its notice. */
static void pages_of_any_size_and_watermarks_give_the_same(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), notes = distinguished(f, DF_NOTES);
    const struct subscription subscriptions[] = {
        on(NULL, ALL_TYPES), on(&inbox, ALL_TYPES), on(&notes, ALL_TYPES),
        on(&inbox, NOTICE_BIT(NOTICE_MODIFIED)), on(NULL, NOTICE_BIT(NOTICE_MOVED))};
    struct log_position start = now(f);
    struct item_id a = given_item(f, inbox);

    set_read(f, a, true);
    (void)move_item(f, a, notes);
    given_folder(f, inbox, "sub");
    given_item(f, notes);
    for (size_t i = 0; i < ARRAY_LEN(subscriptions); i++) {
        struct notice_page whole = read_page(f, &subscriptions[i], start, 100);

        assert_true(whole.n > 0 && whole.n < 100 && !whole.more);
        for (size_t max = 1; max <= whole.n; max++) {
            struct log_position by_end = start, by_notice = start;

            for (size_t told = 0; told < whole.n;) {
                struct notice_page page = read_page(f, &subscriptions[i], by_end, max);
                struct notice_page again = read_page(f, &subscriptions[i], by_notice, max);

                assert_true(page.n > 0);
                assert_int_equal(again.n, page.n);
                for (size_t k = 0; k < page.n; k++) {
                    assert_memory_equal(&page.notices[k], &whole.notices[told + k],
                                        sizeof(struct notice));
                    assert_memory_equal(&again.notices[k], &page.notices[k], sizeof(struct notice));
                }
                told += page.n;
                by_end = page.end;
                by_notice = page.notices[page.n - 1].after;
                assert_true(log_position_cmp(by_end, by_notice) >= 0);
                assert_int_equal(page.more, told < whole.n);
            }
            assert_int_equal(read_page(f, &subscriptions[i], by_end, max).n, 0);
            assert_int_equal(read_page(f, &subscriptions[i], by_notice, max).n, 0);
        }
    }
}

static void many_events_of_others_are_passed_in_bounded_steps(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), notes = distinguished(f, DF_NOTES);
    struct subscription s = on(&notes, NOTICE_BIT(NOTICE_CREATED));
    struct log_position from = now(f);
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE};
    struct item_id mine, id;
    unsigned steps = 0, found = 0;

    write_tx(f);
    for (int i = 0; i < 2 * NOTIFY_MAX_PASSED + 10; i++) {
        must(f, mailbox_item_add(f->tx, inbox, &draft, &id, &f->err));
    }
    must(f, mailbox_item_add(f->tx, notes, &draft, &mine, &f->err));
    commit(f);
    for (bool more = true; more; steps++) {
        struct notice_page page = read_page(f, &s, from, 50);

        found += page.n == 1 && page.notices[0].object == mine.v ? 1 : 0;
        more = page.more;
        from = page.end;
    }
    assert_int_equal(found, 1);
    assert_int_equal(steps, 3);
    check_end(&(const struct notice_page){.end = from}, now(f));
}

static void forgotten_events_are_missed_and_the_rest_is_told(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct subscription s = on(&inbox, NOTICE_BIT(NOTICE_CREATED));
    struct log_position start = now(f), kept;
    struct item_id b;
    struct notice_page page;

    given_item(f, inbox);
    kept = now(f);
    clock_manual_advance(&f->clock, 1000);
    b = given_item(f, inbox);
    must(f, IN_WRITE(f, mailbox_event_prune(f->tx, 500, &f->err)));
    page = read_page(f, &s, start, 50);
    assert_true(page.missed);
    assert_int_equal(page.n, 1);
    assert_int_equal(page.notices[0].object, b.v);
    page = read_page(f, &s, kept, 50);
    assert_false(page.missed);
    assert_int_equal(page.n, 1);
}

static void positions_beyond_the_log_are_missed(void **state)
{
    struct fixture *f = *state;
    struct subscription s = on(NULL, ALL_TYPES);
    struct log_position at = now(f);
    struct notice_page page = read_page(f, &s, at, 50);

    assert_false(page.missed);
    at.taken = 1;
    page = read_page(f, &s, at, 50);
    assert_true(page.missed);
    assert_int_equal(page.n, 0);
    assert_false(page.more);
    check_end(&page, now(f));
}

/* One reader for several subscriptions gives each its own, wherever it stands. */
static void a_reader_serves_many_alike(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX), notes = distinguished(f, DF_NOTES);
    struct subscription a = on(&inbox, ALL_TYPES), b = on(&notes, ALL_TYPES);
    struct log_position start = now(f), begun;
    struct notice_reader *reader;
    struct notice_page page;

    given_item(f, inbox);
    given_item(f, notes);
    read_tx(f);
    reader = notice_reader_new(f->tx);
    must(f, notice_reader_page(reader, &a, start, 50, f->arena, &page, &begun, &f->err));
    assert_int_equal(page.n, 3);
    assert_int_equal(page.notices[0].parent, inbox.v);
    must(f, notice_reader_page(reader, &b, start, 50, f->arena, &page, &begun, &f->err));
    assert_int_equal(page.n, 3);
    assert_int_equal(page.notices[0].parent, notes.v);
    /* Further on, and back again. */
    must(f, notice_reader_page(reader, &b, page.end, 50, f->arena, &page, &begun, &f->err));
    assert_int_equal(page.n, 0);
    must(f, notice_reader_page(reader, &a, start, 50, f->arena, &page, &begun, &f->err));
    assert_int_equal(page.n, 3);
    notice_reader_free(&reader);
    mailbox_tx_rollback(&f->tx);
}

/* From doing to telling: the rows of the events table that take several events. */
static size_t count_type(const struct notice_page *page, enum notice_type type, bool folder)
{
    size_t n = 0;

    for (size_t i = 0; i < page->n; i++) {
        n += page->notices[i].type == type && page->notices[i].folder == folder ? 1 : 0;
    }
    return n;
}

static void marking_all_tells_each_item_and_the_folder_once(void **state)
{
    struct fixture *f = *state;
    struct folder_id inbox = distinguished(f, DF_INBOX);
    struct subscription s = on(&inbox, ALL_TYPES);
    struct log_position start;
    struct notice_page page;

    for (int i = 0; i < 3; i++) {
        given_item(f, inbox);
    }
    start = now(f);
    must(f, IN_WRITE(f, mailbox_folder_mark_all(f->tx, inbox, true, &f->err)));
    page = read_page(f, &s, start, 50);
    assert_int_equal(page.n, 4);
    assert_int_equal(count_type(&page, NOTICE_MODIFIED, false), 3);
    assert_int_equal(count_type(&page, NOTICE_MODIFIED, true), 1);
    assert_true(page.notices[3].folder);
    assert_int_equal(page.notices[3].unread, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_has_its_notices_in_their_order),
        cmocka_unit_test(every_kind_of_event_stands_in_the_table),
        cmocka_unit_test(notices_concern_by_type),
        cmocka_unit_test(items_concern_by_where_they_are_and_were),
        cmocka_unit_test(folders_concern_by_themselves_and_their_parents),
        fixture_test(parents_and_unread_counts_are_of_the_reading),
        fixture_test(the_root_is_its_own_parent),
        fixture_test(deleted_folders_are_told_with_the_parents_that_they_had),
        fixture_test(pages_of_any_size_and_watermarks_give_the_same),
        fixture_test(many_events_of_others_are_passed_in_bounded_steps),
        fixture_test(forgotten_events_are_missed_and_the_rest_is_told),
        fixture_test(positions_beyond_the_log_are_missed),
        fixture_test(a_reader_serves_many_alike),
        fixture_test(marking_all_tells_each_item_and_the_folder_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
