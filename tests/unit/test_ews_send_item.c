/* SendItem: drafts go out, and where they are afterwards; each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "mailbox/outbox.h"
#include "mailbox/store.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#define TO_BOB                                                                                     \
    "<t:ToRecipients><t:Mailbox><t:EmailAddress>bob@example.com</t:EmailAddress></t:Mailbox>"      \
    "</t:ToRecipients>"
#define SAVED(name)                                                                                \
    "<m:SavedItemFolderId><t:DistinguishedFolderId Id='" name "'/></m:SavedItemFolderId>"

struct draft {
    const char *id, *key;
};

static struct draft given_draft(struct ews_fixture *f, const char *content)
{
    struct draft draft;

    ews_ask(f,
            "<m:CreateItem MessageDisposition='SaveOnly'><m:Items><t:Message>%s</t:Message>"
            "</m:Items></m:CreateItem>",
            content);
    assert_string_equal(ews_codes(f), "NoError");
    draft.id = ews_attr(f, "ItemId", "Id");
    draft.key = ews_attr(f, "ItemId", "ChangeKey");
    return draft;
}

static const char *send(struct ews_fixture *f, struct draft draft, const char *save,
                        const char *folder)
{
    ews_ask(f,
            "<m:SendItem SaveItemToFolder='%s'><m:ItemIds><t:ItemId Id='%s' ChangeKey='%s'/>"
            "</m:ItemIds>%s</m:SendItem>",
            save, draft.id, draft.key, folder);
    return ews_codes(f);
}

static size_t in_folder(struct ews_fixture *f, const char *name)
{
    ews_ask(f,
            "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>AllProperties"
            "</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id='%s'/>"
            "</m:ParentFolderIds></m:FindItem>",
            name);
    return ews_count(f, "ItemId");
}

static struct outbox_message queued(struct ews_fixture *f)
{
    struct outbox_message message = {.recipient_count = 0};
    struct mailbox *mailbox;
    struct mailbox_tx *tx;
    struct seq *ids;
    struct err err;
    int64_t next;
    size_t n = 0;

    assert_int_equal(store_mailbox_take(f->store, f->alice, &mailbox, &err), 0);
    assert_int_equal(mailbox_tx_begin(mailbox, MAILBOX_TX_READ, &tx, &err), 0);
    assert_int_equal(outbox_due(tx, INT64_MAX - 1, 10, f->arena, &ids, &n, &next, &err), 0);
    assert_true(n <= 1);
    if (n == 1) {
        assert_int_equal(outbox_get(tx, ids[0], f->arena, &message, &err), 1);
    }
    mailbox_tx_rollback(&tx);
    store_mailbox_release(f->store, &mailbox);
    return message;
}

static bool contains(struct str text, const char *part)
{
    return str_find(text, str_from(part), 0) != SIZE_MAX;
}

static void a_draft_goes_out_and_moves_to_the_sent_items(void **state)
{
    struct ews_fixture *f = *state;
    struct draft draft = given_draft(f, "<t:Subject>out</t:Subject>" TO_BOB
                                        "<t:BccRecipients><t:Mailbox><t:EmailAddress>"
                                        "alice@example.com</t:EmailAddress></t:Mailbox>"
                                        "</t:BccRecipients>");
    struct outbox_message m;

    assert_string_equal(send(f, draft, "true", ""), "NoError");
    assert_string_equal(ews_children(f, ews_nth(f, "SendItemResponseMessage", 0)), "ResponseCode");
    m = queued(f);
    assert_int_equal(m.recipient_count, 2);
    assert_true(contains(m.mime, "Subject: out\r\n"));
    assert_true(contains(m.mime, "From: Alice Example <alice@example.com>\r\n"));
    assert_false(contains(m.mime, "Bcc"));
    assert_int_equal(in_folder(f, "drafts"), 0);
    assert_int_equal(in_folder(f, "sentitems"), 1);
    assert_string_equal(ews_text(f, "IsDraft"), "false");
    assert_string_not_equal(ews_attr(f, "ItemId", "Id"), draft.id);
    assert_string_equal(send(f, draft, "true", ""), "ErrorItemNotFound");
    ews_check_mailbox(f);
}

static void the_copy_has_the_time_of_sending(void **state)
{
    struct ews_fixture *f = *state;
    struct draft draft = given_draft(f, "<t:Subject>out</t:Subject>" TO_BOB);

    clock_manual_advance(&f->clock, INT64_C(7200) * 1000);
    assert_string_equal(send(f, draft, "true", ""), "NoError");
    assert_int_equal(in_folder(f, "sentitems"), 1);
    assert_string_equal(ews_text(f, "DateTimeReceived"), ews_text(f, "DateTimeSent"));
    assert_string_not_equal(ews_text(f, "DateTimeCreated"), ews_text(f, "DateTimeSent"));
    assert_true(contains(queued(f).mime, "Date: Wed, 15 Nov 2023 00:13:20 +0000\r\n"));
}

static void the_copy_goes_where_it_is_wanted(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(send(f, given_draft(f, TO_BOB), "true", SAVED("archive")), "NoError");
    assert_int_equal(in_folder(f, "archive"), 1);
    assert_int_equal(in_folder(f, "sentitems"), 0);
    assert_int_equal(in_folder(f, "drafts"), 0);
}

static void without_a_copy_nothing_stays(void **state)
{
    struct ews_fixture *f = *state;
    struct draft draft = given_draft(f, TO_BOB);

    assert_string_equal(send(f, draft, "false", SAVED("archive")),
                        "ErrorInvalidSendItemSaveSettings");
    assert_int_equal(queued(f).recipient_count, 0);
    assert_string_equal(send(f, draft, "false", ""), "NoError");
    assert_int_equal(queued(f).recipient_count, 1);
    assert_int_equal(in_folder(f, "drafts"), 0);
    assert_int_equal(in_folder(f, "sentitems"), 0);
    ews_check_mailbox(f);
}

static void only_what_the_client_has_seen_is_sent(void **state)
{
    struct ews_fixture *f = *state;
    struct draft draft = given_draft(f, TO_BOB);

    ews_ask(f,
            "<m:SendItem SaveItemToFolder='true'><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds>"
            "</m:SendItem>",
            draft.id);
    assert_string_equal(ews_codes(f), "ErrorChangeKeyRequiredForWriteOperations");
    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite' MessageDisposition='SaveOnly'>"
            "<m:ItemChanges><t:ItemChange><t:ItemId Id='%s'/><t:Updates><t:SetItemField>"
            "<t:FieldURI FieldURI='item:Subject'/><t:Message><t:Subject>other</t:Subject>"
            "</t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges>"
            "</m:UpdateItem>",
            draft.id);
    assert_string_equal(ews_codes(f), "NoError");
    assert_string_equal(send(f, draft, "true", ""), "ErrorStaleObject");
    draft.key = "bm8=";
    assert_string_equal(send(f, draft, "true", ""), "ErrorInvalidChangeKey");
    assert_int_equal(queued(f).recipient_count, 0);
    assert_int_equal(in_folder(f, "drafts"), 1);
}

static void what_cannot_be_sent_stays_a_draft(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(send(f, given_draft(f, ""), "true", ""), "ErrorInvalidRecipients");
    assert_string_equal(send(f,
                             given_draft(f, TO_BOB "<t:From><t:Mailbox><t:EmailAddress>"
                                                   "bob@example.com</t:EmailAddress></t:Mailbox>"
                                                   "</t:From>"),
                             "true", ""),
                        "ErrorSendAsDenied");
    assert_int_equal(in_folder(f, "drafts"), 2);
    assert_string_equal(ews_text(f, "IsDraft"), "true");
    assert_int_equal(queued(f).recipient_count, 0);
}

static void received_mail_is_not_sent_again(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_message(f, ews_folder(f, DF_INBOX), "old");
    assert_int_equal(in_folder(f, "inbox"), 1);
    assert_string_equal(
        send(f, (struct draft){ews_attr(f, "ItemId", "Id"), ews_attr(f, "ItemId", "ChangeKey")},
             "true", ""),
        "ErrorInvalidOperation");
    assert_int_equal(in_folder(f, "inbox"), 1);
}

static void a_folder_that_is_gone_sends_nothing(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id gone = ews_given_folder(f, ews_folder(f, DF_INBOX), "x", "IPF.Note");

    ews_delete_folder(f, gone);
    assert_string_equal(send(f, given_draft(f, TO_BOB), "true",
                             arena_printf(f->arena,
                                          "<m:SavedItemFolderId><t:FolderId Id='%s'/>"
                                          "</m:SavedItemFolderId>",
                                          ews_folder_id(f, gone))),
                        "ErrorSavedItemFolderNotFound");
    assert_int_equal(queued(f).recipient_count, 0);
    assert_int_equal(in_folder(f, "drafts"), 1);
}

static void the_attribute_is_required(void **state)
{
    struct ews_fixture *f = *state;
    struct draft draft = given_draft(f, TO_BOB);

    ews_ask(f, "<m:SendItem><m:ItemIds><t:ItemId Id='%s' ChangeKey='%s'/></m:ItemIds></m:SendItem>",
            draft.id, draft.key);
    assert_int_equal(f->http_status, 500);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_draft_goes_out_and_moves_to_the_sent_items),
        TEST(the_copy_has_the_time_of_sending),
        TEST(the_copy_goes_where_it_is_wanted),
        TEST(without_a_copy_nothing_stays),
        TEST(only_what_the_client_has_seen_is_sent),
        TEST(what_cannot_be_sent_stays_a_draft),
        TEST(received_mail_is_not_sent_again),
        TEST(a_folder_that_is_gone_sends_nothing),
        TEST(the_attribute_is_required),
    };
#undef TEST

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
