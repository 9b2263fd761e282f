/* Replies, forwards and the smaller answers to items: what they are made of, and each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "mailbox/outbox.h"
#include "mailbox/permissions.h"
#include "mailbox/store.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <string.h>

#define HEAD(subject)                                                                              \
    "From: Bob <bob@example.com>\r\n"                                                              \
    "To: Alice <ALICE@example.com>, carol@example.com\r\n"                                         \
    "Cc: dave@example.com, bob@example.com\r\n"                                                    \
    "Subject: " subject "\r\nMessage-ID: <2@example.com>\r\nReferences: <1@example.com>\r\n"       \
    "Date: Fri, 20 Nov 2020 10:00:00 +0000\r\n"
#define PLAIN HEAD("plans") "\r\nold text\r\n"
#define HTML                                                                                       \
    HEAD("Re: FW: plans")                                                                          \
    "Content-Type: text/html; charset=utf-8\r\n\r\n"                                               \
    "<html><head><style>p {}</style></head><body class='x'><p>old html</p></body></html>\r\n"
#define WITH_FILES                                                                                 \
    HEAD("files")                                                                                  \
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"                \
    "Content-Type: text/plain\r\n\r\nsee\r\n--b\r\nContent-Type: text/csv\r\n"                     \
    "Content-Disposition: attachment; filename=a.csv\r\n\r\n1,2\r\n--b--\r\n"

static const char *given(struct ews_fixture *f, const char *mime)
{
    return ews_item_id(f, ews_given_mime(f, ews_folder(f, DF_INBOX), mime));
}

static const char *respond(struct ews_fixture *f, const char *disposition, const char *name,
                           const char *id, const char *before, const char *after)
{
    ews_ask(f,
            "<m:CreateItem MessageDisposition='%s' SendMeetingInvitations='SendToNone'>"
            "<m:Items><t:%s>%s<t:ReferenceItemId Id='%s'/>%s</t:%s></m:Items></m:CreateItem>",
            disposition, name, before, id, after, name);
    return ews_codes(f);
}

static void read_back(struct ews_fixture *f)
{
    const char *id = ews_attr(f, "ItemId", "Id");

    assert_non_null(id);
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            id);
}

/* What a saved response looks like. */
static void made(struct ews_fixture *f, const char *name, const char *id, const char *before,
                 const char *after)
{
    assert_string_equal(respond(f, "SaveOnly", name, id, before, after), "NoError");
    read_back(f);
}

static const char *body(struct ews_fixture *f)
{
    return str_cstr(f->arena, ews_nth(f, "Body", 1)->text);
}

static const char *addresses(struct ews_fixture *f, const char *list)
{
    const struct xml_node *node = ews_nth(f, list, 0);
    const char *all = "";

    for (node = node != NULL ? node->first_child : NULL; node != NULL; node = node->next) {
        struct str address = xml_child(node, XML_NS_TYPES, "EmailAddress")->text;

        all = arena_printf(f->arena, "%s%s%.*s", all, *all != 0 ? " " : "", STR_ARG(address));
    }
    return all;
}

static const char *conversation(struct ews_fixture *f, const char *id)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            id);
    return ews_attr(f, "ConversationId", "Id");
}

static bool in_order(const char *text, const char *first, const char *second)
{
    const char *at = strstr(text, first);

    return at != NULL && strstr(at, second) != NULL;
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

#define NEW_TEXT "<t:NewBodyContent BodyType='Text'>new &lt;text&gt;</t:NewBodyContent>"
#define NEW_HTML                                                                                   \
    "<t:NewBodyContent BodyType='HTML'>&lt;html&gt;&lt;body&gt;&lt;i&gt;new html&lt;/i&gt;"        \
    "&lt;/body&gt;&lt;/html&gt;</t:NewBodyContent>"

static void a_reply_quotes_text_below_the_new_text(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, PLAIN);

    made(f, "ReplyToItem", id, "", NEW_TEXT);
    assert_string_equal(ews_text(f, "Subject"), "RE: plans");
    assert_string_equal(addresses(f, "ToRecipients"), "bob@example.com");
    assert_null(ews_nth(f, "CcRecipients", 0));
    assert_string_equal(str_cstr(f->arena, xml_attr(ews_nth(f, "Body", 1), "BodyType")), "Text");
    assert_true(in_order(body(f), "new <text>", "From: Bob <bob@example.com>"));
    assert_true(in_order(body(f), "Sent: 2020-11-20 10:00 UTC", "Subject: plans"));
    assert_true(in_order(body(f), "Subject: plans", "old text"));
    assert_string_equal(ews_text(f, "IsDraft"), "true");
    assert_string_equal(ews_attr(f, "ParentFolderId", "Id"),
                        ews_folder_id(f, ews_folder(f, DF_DRAFTS)));
}

static void a_reply_belongs_to_the_conversation(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, PLAIN), *reply;
    const char *before = conversation(f, id);
    size_t index = strlen(ews_text(f, "ConversationIndex"));

    made(f, "ReplyToItem", id, "", NEW_TEXT);
    assert_string_equal(ews_text(f, "InReplyTo"), "<2@example.com>");
    assert_string_equal(ews_text(f, "References"), "<1@example.com> <2@example.com>");
    assert_string_equal(ews_text(f, "ConversationTopic"), "plans");
    assert_string_equal(ews_attr(f, "ConversationId", "Id"), before);
    assert_true(strlen(ews_text(f, "ConversationIndex")) > index);
    reply = ews_attr(f, "ItemId", "Id");
    assert_string_not_equal(reply, id);
}

static void html_is_answered_in_html(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, HTML);

    made(f, "ReplyToItem", id, "", NEW_TEXT);
    assert_string_equal(ews_text(f, "Subject"), "RE: plans");
    assert_string_equal(str_cstr(f->arena, xml_attr(ews_nth(f, "Body", 1), "BodyType")), "HTML");
    assert_true(in_order(body(f), "<body class='x'>", "new &lt;text&gt;"));
    assert_true(in_order(body(f), "new &lt;text&gt;", "Bob &lt;bob@example.com&gt;"));
    assert_true(in_order(body(f), "<b>Subject:</b>", "<p>old html</p>"));
    made(f, "ForwardItem", id, "", NEW_HTML);
    assert_true(in_order(body(f), "<body class='x'><i>new html</i>", "<p>old html</p>"));
    assert_null(strstr(body(f), "<html><body>"));
}

static void new_html_keeps_its_form_above_text(void **state)
{
    struct ews_fixture *f = *state;

    made(f, "ReplyToItem", given(f, PLAIN), "", NEW_HTML);
    assert_true(in_order(body(f), "<i>new html</i>", "old text"));
}

static void a_reply_to_all_spares_the_caller(void **state)
{
    struct ews_fixture *f = *state;

    made(f, "ReplyAllToItem", given(f, PLAIN), "", NEW_TEXT);
    assert_string_equal(addresses(f, "ToRecipients"), "bob@example.com carol@example.com");
    assert_string_equal(addresses(f, "CcRecipients"), "dave@example.com");
}

static void a_note_to_oneself_can_be_answered_to_all(void **state)
{
    struct ews_fixture *f = *state;

    made(f, "ReplyAllToItem",
         given(f, "From: alice@example.com\r\nTo: alice@example.com\r\n\r\nx\r\n"), "", NEW_TEXT);
    assert_string_equal(addresses(f, "ToRecipients"), "alice@example.com");
}

static void answers_go_where_the_sender_wants_them(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, "From: bob@example.com\r\nReply-To: list@example.com\r\n"
                              "To: alice@example.com\r\nSubject: s\r\n\r\nx\r\n");

    made(f, "ReplyToItem", id, "", NEW_TEXT);
    assert_string_equal(addresses(f, "ToRecipients"), "list@example.com");
    made(f, "ReplyAllToItem", id, "", NEW_TEXT);
    assert_string_equal(addresses(f, "ToRecipients"), "list@example.com");
}

static void a_forward_takes_attachments_along(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, WITH_FILES);

    assert_string_equal(respond(f, "SaveOnly", "ForwardItem", id, "", NEW_TEXT), "NoError");
    assert_int_equal(ews_count(f, "AttachmentId"), 1);
    read_back(f);
    assert_string_equal(ews_text(f, "Subject"), "FW: files");
    assert_null(ews_nth(f, "ToRecipients", 0));
    assert_string_equal(ews_text(f, "HasAttachments"), "true");
    ews_ask(f,
            "<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id='%s'/></m:AttachmentIds>"
            "</m:GetAttachment>",
            ews_attr(f, "AttachmentId", "Id"));
    assert_string_equal(ews_text(f, "Content"), "MSwy");
    made(f, "ReplyToItem", id, "", NEW_TEXT);
    assert_string_equal(ews_text(f, "HasAttachments"), "false");
}

static void what_the_client_sets_counts(void **state)
{
    struct ews_fixture *f = *state;

    made(f, "ReplyToItem", given(f, PLAIN),
         "<t:Subject>mine</t:Subject><t:Body BodyType='Text'>whole</t:Body><t:ToRecipients>"
         "<t:Mailbox><t:EmailAddress>eve@example.com</t:EmailAddress></t:Mailbox></t:ToRecipients>"
         "<t:IsReadReceiptRequested>true</t:IsReadReceiptRequested>",
         "");
    assert_string_equal(ews_text(f, "Subject"), "mine");
    assert_string_equal(body(f), "whole");
    assert_string_equal(addresses(f, "ToRecipients"), "eve@example.com");
    assert_string_equal(ews_text(f, "IsReadReceiptRequested"), "true");
    assert_string_equal(ews_text(f, "InReplyTo"), "<2@example.com>");
}

static void a_reply_is_sent_and_kept(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, PLAIN);
    struct outbox_message m;

    assert_string_equal(respond(f, "SendAndSaveCopy", "ReplyToItem", id, "", NEW_TEXT), "NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "Items", 0)), "Items");
    m = queued(f);
    assert_int_equal(m.recipient_count, 1);
    assert_true(str_is(m.recipients[0].address, "bob@example.com"));
    assert_true(str_find(m.mime, STR("In-Reply-To: <2@example.com>\r\n"), 0) != SIZE_MAX);
    assert_true(str_find(m.mime, STR("Thread-Index: "), 0) != SIZE_MAX);
    assert_true(str_find(m.mime, STR("Subject: RE: plans\r\n"), 0) != SIZE_MAX);
    ews_ask(f, "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>AllProperties"
               "</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId "
               "Id='sentitems'/></m:ParentFolderIds></m:FindItem>");
    assert_string_equal(ews_text(f, "Subject"), "RE: plans");
    assert_string_equal(ews_text(f, "IsDraft"), "false");
    ews_check_mailbox(f);
}

static void a_forward_needs_recipients_to_be_sent(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(respond(f, "SendOnly", "ForwardItem", given(f, PLAIN), "", NEW_TEXT),
                        "ErrorInvalidRecipients");
    assert_int_equal(queued(f).recipient_count, 0);
}

#define MARK(tag, type) "<t:ExtendedFieldURI PropertyTag='" tag "' PropertyType='" type "'/>"

/* Icon and last verb of a stored item; "" when it has none. */
static const char *marks(struct ews_fixture *f, const char *id)
{
    const char *all = "";

    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
            "<t:FieldURI FieldURI='item:IconIndex'/>" MARK("0x1081", "Integer")
                MARK("0x1082", "SystemTime") "</t:AdditionalProperties></m:ItemShape><m:ItemIds>"
                                             "<t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            id);
    assert_string_equal(ews_codes(f), "NoError");
    for (size_t i = 0; i < ews_count(f, "Value"); i++) {
        all = arena_printf(f->arena, "%s %.*s", all, STR_ARG(ews_nth(f, "Value", i)->text));
    }
    return arena_printf(f->arena, "%s%s", ews_text(f, "IconIndex"), all);
}

static void what_is_answered_is_marked_when_the_answer_goes_out(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, PLAIN), *to = "<t:ToRecipients><t:Mailbox><t:EmailAddress>"
                                            "bob@example.com</t:EmailAddress></t:Mailbox>"
                                            "</t:ToRecipients>";
    const char *draft, *key;

    assert_string_equal(respond(f, "SaveOnly", "ReplyToItem", id, "", NEW_TEXT), "NoError");
    draft = ews_attr(f, "ItemId", "Id");
    key = ews_attr(f, "ItemId", "ChangeKey");
    assert_string_equal(marks(f, id), "MailUnread");
    respond(f, "SendOnly", "ForwardItem", id, to, NEW_TEXT);
    assert_string_equal(marks(f, id), "MailForwarded 104 2023-11-14T22:13:21Z");
    clock_manual_advance(&f->clock, 60000);
    ews_ask(f,
            "<m:SendItem SaveItemToFolder='true'><m:ItemIds><t:ItemId Id='%s' ChangeKey='%s'/>"
            "</m:ItemIds></m:SendItem>",
            draft, key);
    assert_string_equal(ews_codes(f), "NoError");
    assert_string_equal(marks(f, id), "MailReplied 102 2023-11-14T22:14:21Z");
    id = ews_item_id(f, ews_given_message(f, ews_folder(f, DF_INBOX), "to all"));
    assert_string_equal(respond(f, "SendAndSaveCopy", "ReplyAllToItem", id, "", NEW_TEXT),
                        "NoError");
    assert_string_equal(marks(f, id), "MailReplied 103 2023-11-14T22:14:22Z");
    ews_check_mailbox(f);
}

static void an_answer_goes_out_when_its_original_is_gone(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id original = ews_given_mime(f, ews_folder(f, DF_INBOX), PLAIN);

    respond(f, "SaveOnly", "ReplyToItem", ews_item_id(f, original), "", NEW_TEXT);
    ews_delete_item(f, original);
    ews_ask(f,
            "<m:SendItem SaveItemToFolder='true'><m:ItemIds><t:ItemId Id='%s' ChangeKey='%s'/>"
            "</m:ItemIds></m:SendItem>",
            ews_attr(f, "ItemId", "Id"), ews_attr(f, "ItemId", "ChangeKey"));
    assert_string_equal(ews_codes(f), "NoError");
    assert_int_equal(queued(f).recipient_count, 1);
}

/* A number of this mailbox means nothing in a stream, which may be taken in anywhere. */
static void what_was_exported_has_forgotten_its_original(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, PLAIN), *data, *drafts;

    respond(f, "SaveOnly", "ReplyToItem", id, "", NEW_TEXT);
    ews_ask(f, "<m:ExportItems><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:ExportItems>",
            ews_attr(f, "ItemId", "Id"));
    data = ews_text(f, "Data");
    drafts = ews_folder_id(f, ews_folder(f, DF_DRAFTS));
    ews_ask(f,
            "<m:UploadItems><m:Items><t:Item CreateAction='CreateNew'><t:ParentFolderId Id='%s'/>"
            "<t:Data>%s</t:Data></t:Item></m:Items></m:UploadItems>",
            drafts, data);
    ews_ask(f,
            "<m:SendItem SaveItemToFolder='true'><m:ItemIds><t:ItemId Id='%s' ChangeKey='%s'/>"
            "</m:ItemIds></m:SendItem>",
            ews_attr(f, "ItemId", "Id"), ews_attr(f, "ItemId", "ChangeKey"));
    assert_string_equal(ews_codes(f), "NoError");
    assert_string_equal(marks(f, id), "MailUnread");
}

static const char *offered(struct ews_fixture *f, const char *id)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
            "<t:FieldURI FieldURI='item:ResponseObjects'/></t:AdditionalProperties></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            id);
    return ews_nth(f, "ResponseObjects", 0) != NULL
               ? ews_children(f, ews_nth(f, "ResponseObjects", 0))
               : "nothing";
}

/* Whatever kind of item: what is offered is taken, and what is taken is offered. */
static void what_is_offered_is_what_is_taken(void **state)
{
    static const char *const names[] = {"ReplyToItem", "ReplyAllToItem", "ForwardItem",
                                        "PostReplyItem"};
    struct ews_fixture *f = *state;

    for (enum item_kind kind = ITEM_KIND_ITEM; kind < ITEM_KIND_COUNT; kind++) {
        const char *id = ews_item_id(f, ews_given_item(f, ews_folder(f, DF_INBOX), kind));
        const char *all = offered(f, id);

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            bool takes = strcmp(respond(f, "SaveOnly", names[i], id, "", ""), "NoError") == 0;

            assert_int_equal(takes, strstr(all, names[i]) != NULL);
        }
    }
    assert_string_equal(offered(f, given(f, PLAIN)), "ReplyToItem ReplyAllToItem ForwardItem");
    assert_string_equal(
        offered(f, ews_item_id(f, ews_given_associated(f, ews_folder(f, DF_INBOX)))), "nothing");
}

static void a_post_is_answered_where_it_lies(void **state)
{
    struct ews_fixture *f = *state;
    const char *id;

    ews_ask(f, "<m:CreateItem MessageDisposition='SaveOnly'><m:SavedItemFolderId>"
               "<t:DistinguishedFolderId Id='archive'/></m:SavedItemFolderId><m:Items><t:PostItem>"
               "<t:Subject>p</t:Subject><t:Body BodyType='Text'>old post</t:Body></t:PostItem>"
               "</m:Items></m:CreateItem>");
    id = ews_attr(f, "ItemId", "Id");
    made(f, "PostReplyItem", id, "", NEW_TEXT);
    assert_string_equal(ews_text(f, "Subject"), "RE: p");
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Post");
    assert_true(in_order(body(f), "new <text>", "old post"));
    assert_string_equal(ews_attr(f, "ParentFolderId", "Id"),
                        ews_folder_id(f, ews_folder(f, DF_ARCHIVE)));
    assert_string_equal(respond(f, "SaveOnly", "PostReplyItem", given(f, PLAIN), "", ""),
                        "ErrorInvalidOperation");
}

static void a_read_receipt_is_suppressed_once(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, "Disposition-Notification-To: bob@example.com\r\n" PLAIN);

    assert_string_equal(respond(f, "SaveOnly", "SuppressReadReceipt", id, "", ""), "NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "Items", 0)), "Items");
    assert_string_equal(respond(f, "SaveOnly", "SuppressReadReceipt", id, "", ""),
                        "ErrorReadReceiptNotPending");
    ews_check_mailbox(f);
}

#define EVENT                                                                                      \
    "BEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20201120T100000Z\r\nDTSTART:20201201T100000Z\r\n"           \
    "DTEND:20201201T110000Z\r\nSUMMARY:meet\r\nORGANIZER:mailto:bob@example.com\r\n"
#define CANCELLATION                                                                               \
    HEAD("Canceled: meet")                                                                         \
    "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=CANCEL; charset=utf-8\r\n\r\n"       \
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:CANCEL\r\n" EVENT                        \
    "STATUS:CANCELLED\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

static size_t in_folder(struct ews_fixture *f, const char *name)
{
    ews_ask(f,
            "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
            "</m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id='%s'/>"
            "</m:ParentFolderIds></m:FindItem>",
            name);
    return ews_count(f, "ItemId");
}

static void a_cancelled_meeting_is_removed(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, CANCELLATION);

    ews_ask(f, "<m:CreateItem SendMeetingInvitations='SendToNone'><m:Items><t:CalendarItem>"
               "<t:Subject>meet</t:Subject><t:UID>u1</t:UID><t:Start>2020-12-01T10:00:00Z</t:Start>"
               "<t:End>2020-12-01T11:00:00Z</t:End></t:CalendarItem><t:CalendarItem>"
               "<t:Subject>other</t:Subject><t:UID>u2</t:UID><t:Start>2020-12-01T10:00:00Z"
               "</t:Start><t:End>2020-12-01T11:00:00Z</t:End></t:CalendarItem></m:Items>"
               "</m:CreateItem>");
    assert_string_equal(ews_codes(f), "NoError NoError");
    assert_string_equal(respond(f, "SaveOnly", "RemoveItem", id, "", ""), "NoError");
    assert_int_equal(in_folder(f, "calendar"), 1);
    assert_int_equal(in_folder(f, "inbox"), 0);
    assert_int_equal(in_folder(f, "deleteditems"), 2);
    assert_string_equal(respond(f, "SaveOnly", "RemoveItem", given(f, PLAIN), "", ""),
                        "ErrorInvalidOperation");
    ews_check_mailbox(f);
}

static void refusals(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, PLAIN);

    assert_string_equal(respond(f, "SaveOnly", "AcceptItem", id, "", ""), "ErrorInvalidOperation");
    ews_ask(f, "<m:CreateItem MessageDisposition='SaveOnly'><m:Items><t:ReplyToItem>" NEW_TEXT
               "</t:ReplyToItem></m:Items></m:CreateItem>");
    assert_string_equal(ews_codes(f), "ErrorRequiredPropertyMissing");
    ews_ask(f,
            "<m:CreateItem><m:Items><t:ReplyToItem><t:ReferenceItemId Id='%s'/>"
            "</t:ReplyToItem></m:Items></m:CreateItem>",
            id);
    assert_string_equal(ews_codes(f), "ErrorMessageDispositionRequired");
    ews_ask(f, "<m:CreateItem MessageDisposition='SaveOnly'><m:Items><t:Message/></m:Items>"
               "</m:CreateItem>");
    id = ews_attr(f, "ItemId", "Id");
    assert_string_equal(respond(f, "SaveOnly", "ReplyToItem", id, "", ""), "ErrorInvalidOperation");
    assert_string_equal(respond(f, "SaveOnly", "ForwardItem", id, "", ""), "NoError");
    respond(f, "SaveOnly", "ReplyToItem", id, "<t:Importance>High</t:Importance>", "");
    assert_int_equal(f->http_status, 500);
    respond(f, "SaveOnly", "ReplyToItem", id, NEW_TEXT, NEW_TEXT);
    assert_int_equal(f->http_status, 500);
}

static void an_answer_lies_where_its_original_does(void **state)
{
    struct ews_fixture *f = *state;
    const char *id;

    f->in = f->bob;
    ews_given_rights(f, ews_folder(f, DF_INBOX), f->alice,
                     RIGHT_FOLDER_VISIBLE | RIGHT_READ_ITEMS | RIGHT_EDIT_ALL);
    id = given(f, "Disposition-Notification-To: bob@example.com\r\n" PLAIN);
    assert_string_equal(respond(f, "SaveOnly", "ReplyToItem", id, "", NEW_TEXT),
                        "ErrorInvalidOperation");
    assert_string_equal(respond(f, "SaveOnly", "SuppressReadReceipt", id, "", ""), "NoError");
    ews_given_rights(f, ews_folder(f, DF_INBOX), f->alice, RIGHT_FOLDER_VISIBLE | RIGHT_READ_ITEMS);
    assert_string_equal(respond(f, "SaveOnly", "SuppressReadReceipt", id, "", ""),
                        "ErrorAccessDenied");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_reply_quotes_text_below_the_new_text),
        TEST(a_reply_belongs_to_the_conversation),
        TEST(html_is_answered_in_html),
        TEST(new_html_keeps_its_form_above_text),
        TEST(a_reply_to_all_spares_the_caller),
        TEST(a_note_to_oneself_can_be_answered_to_all),
        TEST(answers_go_where_the_sender_wants_them),
        TEST(a_forward_takes_attachments_along),
        TEST(what_the_client_sets_counts),
        TEST(a_reply_is_sent_and_kept),
        TEST(a_forward_needs_recipients_to_be_sent),
        TEST(what_is_answered_is_marked_when_the_answer_goes_out),
        TEST(an_answer_goes_out_when_its_original_is_gone),
        TEST(what_was_exported_has_forgotten_its_original),
        TEST(what_is_offered_is_what_is_taken),
        TEST(a_post_is_answered_where_it_lies),
        TEST(a_read_receipt_is_suppressed_once),
        TEST(a_cancelled_meeting_is_removed),
        TEST(refusals),
        TEST(an_answer_lies_where_its_original_does),
    };
#undef TEST

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
