/* CreateItem: from properties and from MIME, saved and sent; each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "mailbox/outbox.h"
#include "mailbox/permissions.h"
#include "mailbox/store.h"
#include "mailbox/token.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER(name)                                                                               \
    "<m:SavedItemFolderId><t:DistinguishedFolderId Id='" name "'/></m:SavedItemFolderId>"

static const char *create(struct ews_fixture *f, const char *attributes, const char *folder,
                          const char *items)
{
    return ews_ask(f, "<m:CreateItem %s>%s<m:Items>%s</m:Items></m:CreateItem>", attributes, folder,
                   items);
}

static const char *save(struct ews_fixture *f, const char *items)
{
    return create(f, "MessageDisposition='SaveOnly' SendMeetingInvitations='SendToNone'", "",
                  items);
}

/* The properties of the item that the last answer names, all of them. */
static const char *read_back(struct ews_fixture *f, const char *more)
{
    const char *id = ews_attr(f, "ItemId", "Id");

    assert_non_null(id);
    return ews_ask(f,
                   "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape>%s"
                   "</m:ItemShape><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
                   more, id);
}

static const char *base64(struct ews_fixture *f, const char *text)
{
    struct buf out = BUF_INIT;
    const char *s;

    base64_encode(&out, text, strlen(text));
    s = str_cstr(f->arena, buf_str(&out));
    buf_fini(&out);
    return s;
}

static const char *mime_of(struct ews_fixture *f)
{
    struct buf out = BUF_INIT;
    const char *s;

    assert_true(base64_decode_lenient(&out, str_from(ews_text(f, "MimeContent"))));
    s = str_cstr(f->arena, buf_str(&out));
    buf_fini(&out);
    return s;
}

#define WITH_MIME "<t:IncludeMimeContent>true</t:IncludeMimeContent>"

/* Behind the envelope's own. */
static const char *body(struct ews_fixture *f)
{
    return str_cstr(f->arena, ews_nth(f, "Body", 1)->text);
}

static const char *body_type(struct ews_fixture *f)
{
    return str_cstr(f->arena, xml_attr(ews_nth(f, "Body", 1), "BodyType"));
}

static void assert_code(struct ews_fixture *f, const char *code)
{
    assert_string_equal(ews_text(f, "ResponseCode"), code);
}

/* ---- the outbox ---- */

/* The only message in alice's outbox; its recipients. */
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

/* ---- from properties ---- */

static void a_message_of_properties_is_saved_in_drafts(void **state)
{
    struct ews_fixture *f = *state;

    save(f,
         "<t:Message><t:Subject>Grüße &amp; more</t:Subject><t:Sensitivity>Private</t:Sensitivity>"
         "<t:Body BodyType='HTML'>&lt;p&gt;hi&lt;/p&gt;</t:Body>"
         "<t:Categories><t:String>Red</t:String><t:String>Blue</t:String></t:Categories>"
         "<t:Importance>High</t:Importance>"
         "<t:ToRecipients><t:Mailbox><t:Name>Bob</t:Name>"
         "<t:EmailAddress>bob@example.com</t:EmailAddress></t:Mailbox></t:ToRecipients>"
         "<t:IsReadReceiptRequested>true</t:IsReadReceiptRequested></t:Message>");
    assert_code(f, "NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "Items", 0)), "Items(Message(ItemId))");
    assert_non_null(ews_attr(f, "ItemId", "ChangeKey"));
    read_back(f, "");
    assert_string_equal(ews_text(f, "Subject"), "Grüße & more");
    assert_string_equal(ews_text(f, "Sensitivity"), "Private");
    assert_string_equal(body(f), "<p>hi</p>");
    assert_string_equal(body_type(f), "HTML");
    assert_int_equal(ews_count(f, "String"), 2);
    assert_string_equal(ews_text(f, "Importance"), "High");
    assert_string_equal(ews_text(f, "DisplayTo"), "Bob");
    assert_string_equal(ews_text(f, "IsReadReceiptRequested"), "true");
    assert_string_equal(ews_text(f, "IsDraft"), "true");
    assert_string_equal(ews_text(f, "IsRead"), "true");
    assert_string_equal(ews_text(f, "EmailAddress"), "bob@example.com");
    assert_non_null(ews_text(f, "InternetMessageId"));
    assert_string_equal(ews_attr(f, "ParentFolderId", "Id"),
                        ews_folder_id(f, ews_folder(f, DF_DRAFTS)));
}

static void a_client_decides_whether_it_is_read(void **state)
{
    struct ews_fixture *f = *state;

    create(f, "MessageDisposition='SaveOnly'", FOLDER("inbox"),
           "<t:Message><t:Subject>a</t:Subject><t:IsRead>0</t:IsRead></t:Message>");
    read_back(f, "");
    assert_string_equal(ews_text(f, "IsRead"), "false");
}

static void every_kind_has_its_folder(void **state)
{
    static const struct {
        const char *xml;
        enum distinguished folder;
        const char *element;
    } kinds[] = {
        {"<t:Contact><t:Subject>c</t:Subject></t:Contact>", DF_CONTACTS, "Contact"},
        {"<t:Task><t:Subject>t</t:Subject></t:Task>", DF_TASKS, "Task"},
        {"<t:DistributionList><t:Subject>d</t:Subject></t:DistributionList>", DF_CONTACTS,
         "DistributionList"},
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        save(f, kinds[i].xml);
        assert_code(f, "NoError");
        assert_non_null(ews_nth(f, kinds[i].element, 0));
        read_back(f, "");
        assert_string_equal(ews_attr(f, "ParentFolderId", "Id"),
                            ews_folder_id(f, ews_folder(f, kinds[i].folder)));
    }
}

static void a_post_needs_a_folder(void **state)
{
    struct ews_fixture *f = *state;

    save(f, "<t:PostItem><t:Subject>p</t:Subject></t:PostItem>");
    assert_code(f, "ErrorSavedItemFolderNotFound");
    create(f, "MessageDisposition='SaveOnly'", FOLDER("inbox"),
           "<t:PostItem><t:Subject>p</t:Subject><t:Body BodyType='Text'>x</t:Body></t:PostItem>");
    assert_code(f, "NoError");
    read_back(f, "");
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Post");
    assert_string_equal(body(f), "x");
}

static void header_fields_cannot_be_injected(void **state)
{
    struct ews_fixture *f = *state;

    save(f, "<t:Message><t:Subject>a&#13;&#10;Bcc: evil@example.com</t:Subject>"
            "<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId='InternetHeaders' "
            "PropertyName='X-Mine' PropertyType='String'/><t:Value>v&#10;X-Evil: 1</t:Value>"
            "</t:ExtendedProperty>"
            "<t:ToRecipients><t:Mailbox><t:Name>B&#10;X-Evil: 2</t:Name>"
            "<t:EmailAddress>b@example.com&#10;X-Evil: 3</t:EmailAddress></t:Mailbox>"
            "</t:ToRecipients>"
            "<t:InternetMessageId>i&#10;X-Evil: 4</t:InternetMessageId></t:Message>");
    assert_code(f, "NoError");
    read_back(f, WITH_MIME);
    assert_null(strstr(mime_of(f), "\nX-Evil"));
    assert_null(strstr(mime_of(f), "\nBcc"));
    assert_non_null(strstr(mime_of(f), "X-Mine: v X-Evil: 1"));
}

static void attachments_come_along(void **state)
{
    struct ews_fixture *f = *state;

    save(f, "<t:Message><t:Subject>with</t:Subject><t:Body BodyType='Text'>x</t:Body>"
            "<t:Attachments><t:FileAttachment><t:Name>a.txt</t:Name>"
            "<t:ContentType>text/plain</t:ContentType><t:Content>YXR0YWNo</t:Content>"
            "</t:FileAttachment><t:ItemAttachment><t:Name>inner</t:Name><t:Message>"
            "<t:Subject>inner subject</t:Subject><t:Body BodyType='Text'>deep</t:Body></t:Message>"
            "</t:ItemAttachment></t:Attachments></t:Message>");
    assert_code(f, "NoError");
    assert_string_equal(ews_children(f, ews_nth(f, "Attachments", 0)),
                        "FileAttachment ItemAttachment");
    assert_int_equal(ews_count(f, "AttachmentId"), 2);
    read_back(f, "");
    assert_string_equal(ews_text(f, "HasAttachments"), "true");
    ews_ask(f,
            "<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id='%s'/></m:AttachmentIds>"
            "</m:GetAttachment>",
            str_cstr(f->arena, xml_attr(ews_nth(f, "AttachmentId", 1), "Id")));
    assert_string_equal(ews_text(f, "Subject"), "inner subject");
}

static void an_attachment_without_an_item_is_refused(void **state)
{
    struct ews_fixture *f = *state;

    save(f, "<t:Message><t:Attachments><t:ItemAttachment><t:Name>x</t:Name></t:ItemAttachment>"
            "</t:Attachments></t:Message>");
    assert_code(f, "ErrorRequiredPropertyMissing");
}

static void unknown_and_read_only_elements_are_told_apart(void **state)
{
    struct ews_fixture *f = *state;

    save(f, "<t:Message><t:Size>5</t:Size></t:Message>");
    assert_code(f, "ErrorInvalidPropertySet");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "item:Size");
    save(f, "<t:Message><t:IsClutter>true</t:IsClutter></t:Message>");
    assert_code(f, "ErrorInvalidPropertySet");
    save(f, "<t:Message><t:Nonsense/></t:Message>");
    assert_int_equal(f->http_status, 500);
    save(f, "<t:Message><t:Subject>a</t:Subject><t:Subject>b</t:Subject></t:Message>");
    assert_int_equal(f->http_status, 500);
}

static void the_class_stays_within_the_kind(void **state)
{
    struct ews_fixture *f = *state;

    save(f, "<t:Message><t:ItemClass>IPM.Note.Mine</t:ItemClass></t:Message>");
    assert_code(f, "NoError");
    read_back(f, "");
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Note.Mine");
    save(f, "<t:Message><t:ItemClass>IPM.Appointment</t:ItemClass></t:Message>");
    assert_code(f, "ErrorObjectTypeChanged");
}

static void one_bad_item_disturbs_no_neighbour(void **state)
{
    struct ews_fixture *f = *state;

    save(f, "<t:Message><t:Subject>1</t:Subject></t:Message><t:Message><t:Size>5</t:Size>"
            "</t:Message><t:Message><t:Subject>3</t:Subject></t:Message>");
    assert_int_equal(ews_count(f, "CreateItemResponseMessage"), 3);
    assert_int_equal(ews_count(f, "ItemId"), 2);
    ews_check_mailbox(f);
}

/* ---- from MIME ---- */

#define MIME                                                                                       \
    "From: Alice Example <alice@example.com>\r\nTo: bob@example.com\r\nSubject: by mime\r\n"       \
    "Message-ID: <m@example.com>\r\nDate: Fri, 20 Nov 2020 10:00:00 +0000\r\n"                     \
    "Importance: high\r\n\r\nbody\r\n"

static void mime_is_stored_byte_for_byte(void **state)
{
    struct ews_fixture *f = *state;

    save(f, arena_printf(f->arena,
                         "<t:Message><t:MimeContent CharacterSet='UTF-8'>%s</t:MimeContent>"
                         "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='3591' "
                         "PropertyType='Integer'/><t:Value>9</t:Value></t:ExtendedProperty>"
                         "<t:IsRead>false</t:IsRead></t:Message>",
                         base64(f, MIME)));
    assert_code(f, "NoError");
    read_back(f, WITH_MIME);
    assert_string_equal(mime_of(f), MIME);
    assert_string_equal(ews_text(f, "Subject"), "by mime");
    assert_string_equal(ews_text(f, "Importance"), "High");
    assert_string_equal(ews_text(f, "IsDraft"), "true");
    assert_string_equal(ews_text(f, "IsRead"), "false");
    assert_string_equal(ews_text(f, "DateTimeSent"), "2020-11-20T10:00:00Z");
}

static void message_flags_make_it_received_mail(void **state)
{
    struct ews_fixture *f = *state;

    create(f, "MessageDisposition='SaveOnly'", FOLDER("inbox"),
           arena_printf(f->arena,
                        "<t:Message><t:MimeContent>%s</t:MimeContent>"
                        "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x0E07' "
                        "PropertyType='Integer'/><t:Value>1</t:Value></t:ExtendedProperty>"
                        "</t:Message>",
                        base64(f, MIME)));
    read_back(f, "");
    assert_string_equal(ews_text(f, "IsDraft"), "false");
    assert_string_equal(ews_text(f, "IsRead"), "true");
    assert_string_equal(ews_text(f, "DateTimeReceived"), "2020-11-20T10:00:00Z");
}

static void elements_override_the_mime(void **state)
{
    struct ews_fixture *f = *state;

    save(f, arena_printf(f->arena,
                         "<t:Message><t:MimeContent>%s</t:MimeContent><t:Subject>mine</t:Subject>"
                         "<t:Importance>Normal</t:Importance><t:CcRecipients><t:Mailbox>"
                         "<t:EmailAddress>carol@example.com</t:EmailAddress></t:Mailbox>"
                         "</t:CcRecipients></t:Message>",
                         base64(f, MIME)));
    assert_code(f, "NoError");
    read_back(f, WITH_MIME);
    assert_string_equal(ews_text(f, "Subject"), "mine");
    assert_string_equal(ews_text(f, "Importance"), "Normal");
    assert_string_equal(ews_text(f, "DisplayCc"), "carol@example.com");
    assert_non_null(strstr(mime_of(f), "Subject: mine\r\n"));
    assert_null(strstr(mime_of(f), "by mime"));
    assert_null(strstr(mime_of(f), "Importance"));
    assert_non_null(strstr(mime_of(f), "\r\n\r\nbody\r\n"));
}

static void bad_mime_is_refused(void **state)
{
    struct ews_fixture *f = *state;

    save(f, "<t:Message><t:MimeContent>!!!</t:MimeContent></t:Message>");
    assert_code(f, "ErrorMimeContentInvalidBase64String");
    save(f, "<t:Message><t:MimeContent></t:MimeContent></t:Message>");
    assert_code(f, "ErrorMimeContentInvalid");
    save(f, "<t:Message><t:MimeContent>bm8gbWVzc2FnZQ==</t:MimeContent></t:Message>");
    assert_code(f, "ErrorMimeContentInvalid");
}

/* ---- sending ---- */

#define TO(address)                                                                                \
    "<t:ToRecipients><t:Mailbox><t:EmailAddress>" address "</t:EmailAddress></t:Mailbox>"          \
    "</t:ToRecipients>"
#define BCC(address)                                                                               \
    "<t:BccRecipients><t:Mailbox><t:EmailAddress>" address "</t:EmailAddress></t:Mailbox>"         \
    "</t:BccRecipients>"

static void a_sent_message_is_queued_and_saved(void **state)
{
    struct ews_fixture *f = *state;
    struct outbox_message m;

    create(f, "MessageDisposition='SendAndSaveCopy'", FOLDER("sentitems"),
           "<t:Message><t:Subject>out</t:Subject><t:Body BodyType='Text'>x</t:Body>" TO(
               "bob@example.com") BCC("Bob@Example.com") "</t:Message>");
    assert_code(f, "NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "Items", 0)), "Items");
    m = queued(f);
    assert_int_equal(m.recipient_count, 1);
    assert_true(str_is(m.recipients[0].address, "bob@example.com"));
    assert_true(str_is(m.sender, "alice@example.com"));
    assert_true(contains(m.mime, "From: Alice Example <alice@example.com>\r\n"));
    assert_true(contains(m.mime, "\r\nMessage-ID: <"));
    assert_true(contains(m.mime, "\r\nDate: "));
    assert_false(contains(m.mime, "Bcc"));
    ews_ask(f, "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>AllProperties"
               "</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId "
               "Id='sentitems'/></m:ParentFolderIds></m:FindItem>");
    assert_string_equal(ews_text(f, "Subject"), "out");
    assert_string_equal(ews_text(f, "IsDraft"), "false");
    assert_string_equal(ews_text(f, "IsRead"), "true");
    assert_string_equal(ews_text(f, "IsFromMe"), "true");
}

static void sent_mime_keeps_its_bytes(void **state)
{
    struct ews_fixture *f = *state;
    struct outbox_message m;

    create(
        f, "MessageDisposition='SendOnly'", "",
        arena_printf(
            f->arena,
            "<t:Message><t:MimeContent>%s</t:MimeContent>" BCC(
                "alice@example.com") "<t:IsDeliveryReceiptRequested>false</t:IsDeliveryReceiptRequested>"
                                     "<t:InternetMessageId>m@example.com</t:InternetMessageId></t:Message>",
            base64(f, MIME)));
    assert_code(f, "NoError");
    m = queued(f);
    assert_int_equal(m.recipient_count, 2);
    assert_true(str_is(m.mime, MIME));
    ews_ask(f, "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>IdOnly"
               "</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId "
               "Id='sentitems'/></m:ParentFolderIds></m:FindItem>");
    assert_int_equal(ews_count(f, "ItemId"), 0);
}

static void what_mime_lacks_is_added_when_it_is_sent(void **state)
{
    struct ews_fixture *f = *state;
    struct outbox_message m;

    create(f, "MessageDisposition='SendOnly'", "",
           arena_printf(f->arena, "<t:Message><t:MimeContent>%s</t:MimeContent></t:Message>",
                        base64(f, "To: bob@example.com\r\nSubject: s\r\n\r\nbody\r\n")));
    assert_code(f, "NoError");
    m = queued(f);
    assert_true(contains(m.mime, "From: Alice Example <alice@example.com>\r\n"));
    assert_true(contains(m.mime, "Message-ID: <"));
    assert_true(contains(m.mime, "Date: "));
    assert_true(contains(m.mime, "To: bob@example.com\r\nSubject: s\r\n\r\nbody\r\n"));
}

static void nobody_sends_as_another(void **state)
{
    struct ews_fixture *f = *state;

    create(
        f, "MessageDisposition='SendAndSaveCopy'", "",
        "<t:Message>" TO("bob@example.com") "<t:From><t:Mailbox><t:EmailAddress>bob@example.com"
                                            "</t:EmailAddress></t:Mailbox></t:From></t:Message>");
    assert_code(f, "ErrorSendAsDenied");
    create(f, "MessageDisposition='SendOnly'", "",
           arena_printf(f->arena, "<t:Message><t:MimeContent>%s</t:MimeContent></t:Message>",
                        base64(f, "From: eve@example.com\r\nTo: bob@example.com\r\n\r\nx\r\n")));
    assert_code(f, "ErrorSendAsDenied");
    assert_int_equal(queued(f).recipient_count, 0);
}

static void recipients_are_checked_before_anything_is_saved(void **state)
{
    struct ews_fixture *f = *state;

    create(f, "MessageDisposition='SendAndSaveCopy'", "", "<t:Message/>");
    assert_code(f, "ErrorInvalidRecipients");
    create(f, "MessageDisposition='SendAndSaveCopy'", "",
           "<t:Message>" TO("far@elsewhere.org") "</t:Message>");
    assert_code(f, "ErrorInvalidRecipients");
    assert_non_null(strstr(ews_text(f, "MessageText"), "smarthost"));
    create(f, "MessageDisposition='SendAndSaveCopy'", "",
           "<t:Message>" TO("no address") "</t:Message>");
    assert_code(f, "ErrorInvalidRecipients");
    assert_int_equal(queued(f).recipient_count, 0);
    f->service.relays = true;
    create(f, "MessageDisposition='SendAndSaveCopy'", "",
           "<t:Message>" TO("far@elsewhere.org") "</t:Message>");
    assert_code(f, "NoError");
    assert_int_equal(queued(f).recipient_count, 1);
}

/* ---- requests ---- */

#define BOBS_INBOX                                                                                 \
    "<m:SavedItemFolderId><t:DistinguishedFolderId Id='inbox'><t:Mailbox><t:EmailAddress>"         \
    "bob@example.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:SavedItemFolderId>"

static void required_attributes(void **state)
{
    struct ews_fixture *f = *state;

    create(f, "", "", "<t:Message/>");
    assert_code(f, "ErrorMessageDispositionRequired");
    create(f, "", "", "<t:CalendarItem><t:Subject>c</t:Subject></t:CalendarItem>");
    assert_code(f, "ErrorSendMeetingInvitationsRequired");
    create(f, "", "", "<t:Contact/>");
    assert_code(f, "NoError");
    create(f, "MessageDisposition='Never'", "", "<t:Message/>");
    assert_int_equal(f->http_status, 500);
}

static void folders_that_are_not_there(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id gone = ews_given_folder(f, ews_folder(f, DF_INBOX), "x", "IPF.Note");

    ews_delete_folder(f, gone);
    ews_ask(f,
            "<m:CreateItem MessageDisposition='SaveOnly'><m:SavedItemFolderId><t:FolderId Id='%s'/>"
            "</m:SavedItemFolderId><m:Items><t:Message/></m:Items></m:CreateItem>",
            ews_folder_id(f, gone));
    assert_code(f, "ErrorSavedItemFolderNotFound");
    assert_string_equal(ews_children(f, ews_nth(f, "CreateItemResponseMessage", 0)),
                        "MessageText ResponseCode DescriptiveLinkKey Items");
}

static void items_in_the_folder_of_another(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox;
    struct item item = {.id = {0}};

    f->in = f->bob;
    inbox = ews_folder(f, DF_INBOX);
    ews_given_rights(f, inbox, f->alice, RIGHT_FOLDER_VISIBLE | RIGHT_READ_ITEMS);
    create(f, "MessageDisposition='SaveOnly'", BOBS_INBOX, "<t:Message/>");
    assert_code(f, "ErrorCreateItemAccessDenied");
    ews_given_rights(f, inbox, f->alice,
                     RIGHT_FOLDER_VISIBLE | RIGHT_READ_ITEMS | RIGHT_CREATE_ITEMS);
    create(f, "MessageDisposition='SaveOnly'", BOBS_INBOX, "<t:Message/>");
    assert_code(f, "NoError");
    for (uint64_t i = 1; i < 100 && item.folder.v != inbox.v; i++) {
        (void)ews_find_item(f, (struct item_id){i}, &item);
    }
    assert_int_equal(item.folder.v, inbox.v);
    create(f, "MessageDisposition='SendAndSaveCopy'", BOBS_INBOX,
           "<t:Message>" TO("bob@example.com") "</t:Message>");
    assert_code(f, "ErrorInvalidOperation");
    ews_check_mailbox(f);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_message_of_properties_is_saved_in_drafts),
        TEST(a_client_decides_whether_it_is_read),
        TEST(every_kind_has_its_folder),
        TEST(a_post_needs_a_folder),
        TEST(header_fields_cannot_be_injected),
        TEST(attachments_come_along),
        TEST(an_attachment_without_an_item_is_refused),
        TEST(unknown_and_read_only_elements_are_told_apart),
        TEST(the_class_stays_within_the_kind),
        TEST(one_bad_item_disturbs_no_neighbour),
        TEST(mime_is_stored_byte_for_byte),
        TEST(message_flags_make_it_received_mail),
        TEST(elements_override_the_mime),
        TEST(bad_mime_is_refused),
        TEST(a_sent_message_is_queued_and_saved),
        TEST(sent_mime_keeps_its_bytes),
        TEST(what_mime_lacks_is_added_when_it_is_sent),
        TEST(nobody_sends_as_another),
        TEST(recipients_are_checked_before_anything_is_saved),
        TEST(required_attributes),
        TEST(folders_that_are_not_there),
        TEST(items_in_the_folder_of_another),
    };
#undef TEST

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
