/* Edits: what is touched and stamped, when the message stays as it is, and what it is composed
 * of otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/item_edit.h"
#include "ews/props-private.h"
#include "mailbox/store.h"
#include "support/ews_fixture.h"

#include <string.h>

#define SIGNED                                                                                      \
    "From: Bob <bob@example.com>\r\nTo: alice@example.com\r\nSubject: signed\r\n"                   \
    "Message-ID: <s@example.com>\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nMIME-Version: 1.0\r\n" \
    "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\r\n\r\n"    \
    "--b\r\nContent-Type: text/plain\r\n\r\nexactly  so \r\n--b\r\n"                                \
    "Content-Type: application/pgp-signature\r\n\r\nSIGNATURE\r\n--b--\r\n"

/* An edit within a transaction of alice's mailbox. */
struct work {
    struct ews_fixture *f;
    struct ews_call *call;
    struct mailbox *mailbox;
    struct mailbox_tx *tx;
    struct item item;
    struct err err;
};

static void begin(struct work *w, struct ews_fixture *f)
{
    const struct ews_caller caller = {f->alice, STR("alice@example.com"), STR("Alice Example")};

    *w = (struct work){.f = f};
    w->call = ews_call_new(f->arena, &f->service, &caller);
    assert_int_equal(store_mailbox_take(f->store, f->alice, &w->mailbox, &w->err), 0);
    assert_int_equal(mailbox_tx_begin(w->mailbox, MAILBOX_TX_WRITE, &w->tx, &w->err), 0);
}

static void end(struct work *w)
{
    assert_int_equal(mailbox_tx_commit(&w->tx, &w->err), 0);
    store_mailbox_release(w->f->store, &w->mailbox);
    ews_call_free(&w->call);
    ews_check_mailbox(w->f);
}

static struct item_edit *open_item(struct work *w, struct item_id id)
{
    struct item_edit *edit;

    assert_int_equal(mailbox_item_get(w->tx, id, w->f->arena, &w->item, &w->err), 1);
    assert_int_equal(item_edit_open(w->call, w->tx, w->f->arena, &w->item, &edit, &w->err), 0);
    return edit;
}

static struct str stored_mime(struct work *w, struct item_id id)
{
    struct item item;
    struct str mime;

    assert_int_equal(mailbox_item_get(w->tx, id, w->f->arena, &item, &w->err), 1);
    assert_int_equal(mailbox_body_read(w->tx, item.body, w->f->arena, &mime, &w->err), 0);
    return mime;
}

static bool contains(struct str text, const char *part)
{
    return str_find(text, str_from(part), 0) != SIZE_MAX;
}

static void setting_what_is_so_touches_nothing(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "same");
    struct item_edit *edit;
    struct seq before;
    struct work w;

    begin(&w, f);
    edit = open_item(&w, id);
    before = mailbox_tx_seq(w.tx);
    item_edit_set_text(edit, IPROP_SUBJECT, STR("same"));
    item_edit_remove(edit, IPROP_CATEGORIES);
    item_edit_set_read(edit, false);
    assert_false(item_edit_changes_content(edit));
    assert_int_equal(item_edit_store(edit, w.tx, &w.err), 0);
    assert_int_equal(mailbox_tx_seq(w.tx).v, before.v);
    assert_int_equal(item_edit_version(edit).v, item_version(&w.item).v);
    end(&w);
}

static void stamps_tell_who_changed_what(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    struct item_edit *edit;
    struct seq old, middle;
    struct work w;

    begin(&w, f);
    edit = open_item(&w, id);
    old = item_version(&w.item);
    item_edit_set_text(edit, IPROP_SUBJECT, STR("one"));
    assert_int_equal(item_edit_store(edit, w.tx, &w.err), 0);
    middle = item_edit_version(edit);
    edit = open_item(&w, id);
    item_edit_set_int(edit, IPROP_IMPORTANCE, 2);
    assert_int_equal(item_edit_store(edit, w.tx, &w.err), 0);

    edit = open_item(&w, id);
    assert_int_equal(item_version(&w.item).v, item_edit_version(edit).v);
    item_edit_set_text(edit, IPROP_SUBJECT, STR("two"));
    assert_true(item_edit_conflicts(edit, old));
    assert_false(item_edit_conflicts(edit, middle));
    end(&w);
}

/* Too many to be remembered one by one: then a property that is not remembered may have been
 * changed, and old versions conflict. */
static void forgotten_stamps_are_taken_for_changes(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    struct item_edit *edit;
    struct seq old;
    struct work w;

    begin(&w, f);
    edit = open_item(&w, id);
    old = item_version(&w.item);
    for (int i = 0; i < 100; i++) {
        struct extended_path path = {.type = MAPI_INTEGER, .tag = (uint16_t)(0x6000 + i)};
        const struct value value = {.type = VALUE_INT, .i = i};

        edit = open_item(&w, id);
        assert_int_equal(item_edit_set_extended(edit, &path, &value, &w.err), 0);
        assert_int_equal(item_edit_store(edit, w.tx, &w.err), 0);
    }
    edit = open_item(&w, id);
    item_edit_set_text(edit, IPROP_SUBJECT, STR("two"));
    assert_true(item_edit_conflicts(edit, old));
    assert_false(item_edit_conflicts(edit, item_version(&w.item)));
    end(&w);
}

static void a_signed_message_keeps_its_body_when_people_change(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), SIGNED);
    static const struct mime_address carol = {STR_INIT(""), STR_INIT("carol@example.com")};
    struct item_edit *edit;
    struct str mime;
    struct work w;

    begin(&w, f);
    edit = open_item(&w, id);
    item_edit_recipients(edit)->cc = (struct mime_addresses){&carol, 1};
    item_edit_touch(edit, EDIT_CC);
    item_edit_set_text(edit, IPROP_SUBJECT, STR("other"));
    assert_int_equal(item_edit_store(edit, w.tx, &w.err), 0);
    mime = stored_mime(&w, id);
    assert_true(contains(mime, "Cc: carol@example.com\r\n"));
    assert_true(contains(mime, "Subject: other\r\n"));
    assert_false(contains(mime, "Subject: signed"));
    assert_true(contains(mime, strstr(SIGNED, "MIME-Version")));
    edit = open_item(&w, id);
    assert_true(str_is(item_edit_props(edit)->v[IPROP_DISPLAY_CC], "carol@example.com"));
    end(&w);
}

static void received_mail_keeps_its_bytes_when_the_record_changes(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), SIGNED);
    struct item_edit *edit;
    struct work w;

    begin(&w, f);
    edit = open_item(&w, id);
    item_edit_set_int(edit, IPROP_IMPORTANCE, 2);
    item_edit_set_texts(edit, IPROP_CATEGORIES, &STR("Red"), 1);
    assert_int_equal(item_edit_store(edit, w.tx, &w.err), 0);
    assert_true(str_is(stored_mime(&w, id), SIGNED));
    /* Composed anew, the message says all that the record says. */
    edit = open_item(&w, id);
    item_edit_draft(edit)->text = STR("other text");
    item_edit_touch(edit, EDIT_BODY);
    assert_int_equal(item_edit_store(edit, w.tx, &w.err), 0);
    assert_true(contains(stored_mime(&w, id), "Importance: high\r\n"));
    assert_true(contains(stored_mime(&w, id), "other text"));
    end(&w);
}

static int put_into_subject(struct item_edit *edit, struct err *err_r)
{
    (void)err_r;
    item_edit_set_text(edit, IPROP_SUBJECT, *(struct str *)item_edit_object(edit));
    return 0;
}

static void a_hook_runs_once_before_composing(void **state)
{
    struct ews_fixture *f = *state;
    struct str text = STR("from the hook"), mime;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct item_edit *edit;
    struct item_id id;
    struct work w;

    begin(&w, f);
    edit = item_edit_new(w.call, f->arena, ITEM_KIND_MESSAGE);
    item_edit_on_store(edit, put_into_subject, &text);
    assert_int_equal(item_edit_message(edit, &mime, &w.err), 0);
    assert_true(contains(mime, "Subject: from the hook\r\n"));
    item_edit_set_text(edit, IPROP_SUBJECT, STR("after"));
    assert_int_equal(item_edit_create(edit, w.tx, inbox, &id, &w.err), 0);
    assert_true(contains(stored_mime(&w, id), "Subject: after\r\n"));
    end(&w);
}

static void what_is_sent_and_saved_is_one_message(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct item_edit *edit;
    struct item_id id;
    struct str mime;
    struct work w;

    begin(&w, f);
    edit = item_edit_new(w.call, f->arena, ITEM_KIND_MESSAGE);
    item_edit_set_text(edit, IPROP_SUBJECT, STR("one"));
    assert_int_equal(item_edit_message(edit, &mime, &w.err), 0);
    assert_int_equal(item_edit_create(edit, w.tx, inbox, &id, &w.err), 0);
    assert_true(str_eq(stored_mime(&w, id), mime));
    end(&w);
}

static void a_record_has_an_end(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct str *texts = arena_alloc(f->arena, 30000 * sizeof(*texts));
    struct item_edit *edit;
    struct item_id id;
    struct work w;

    for (size_t i = 0; i < 30000; i++) {
        texts[i] = STR("a category that takes a few bytes");
    }
    begin(&w, f);
    edit = item_edit_new(w.call, f->arena, ITEM_KIND_MESSAGE);
    item_edit_set_texts(edit, IPROP_CATEGORIES, texts, 30000);
    assert_int_equal(item_edit_create(edit, w.tx, inbox, &id, &w.err), -ERR_PROPERTY_SAVE);
    end(&w);
}

static void every_settable_row_has_its_setter(void **state)
{
    (void)state;
    for (size_t i = 0; i < prop_row_count; i++) {
        const struct prop_row *row = &prop_rows[i];

        if (row->settable != 0 && row->set == NULL) {
            fail_msg("row %zu, %.*s", i, STR_ARG(row->uri));
        }
    }
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(setting_what_is_so_touches_nothing),
        TEST(stamps_tell_who_changed_what),
        TEST(forgotten_stamps_are_taken_for_changes),
        TEST(a_signed_message_keeps_its_body_when_people_change),
        TEST(received_mail_keeps_its_bytes_when_the_record_changes),
        TEST(a_hook_runs_once_before_composing),
        TEST(what_is_sent_and_saved_is_one_message),
        TEST(a_record_has_an_end),
        cmocka_unit_test(every_settable_row_has_its_setter),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
