/* UpdateItem: what can be set, appended and deleted; conflicts; each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "mailbox/permissions.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <string.h>

#define SET(uri, xml)                                                                              \
    "<t:SetItemField><t:FieldURI FieldURI='" uri "'/><t:Message>" xml                              \
    "</t:Message></t:SetItemField>"
#define APPEND(uri, xml)                                                                           \
    "<t:AppendToItemField><t:FieldURI FieldURI='" uri "'/><t:Message>" xml                         \
    "</t:Message></t:AppendToItemField>"
#define DELETE(uri) "<t:DeleteItemField><t:FieldURI FieldURI='" uri "'/></t:DeleteItemField>"
#define SUBJECT(text) SET("item:Subject", "<t:Subject>" text "</t:Subject>")
#define MAILBOX(address) "<t:Mailbox><t:EmailAddress>" address "</t:EmailAddress></t:Mailbox>"
#define TAG(tag, type) "<t:ExtendedFieldURI PropertyTag='" tag "' PropertyType='" type "'/>"

static const char *change(struct ews_fixture *f, const char *resolution, const char *id,
                          const char *key, const char *updates)
{
    const char *attr = key != NULL ? arena_printf(f->arena, " ChangeKey='%s'", key) : "";

    return ews_ask(f,
                   "<m:UpdateItem ConflictResolution='%s' MessageDisposition='SaveOnly' "
                   "SendMeetingInvitationsOrCancellations='SendToNone'><m:ItemChanges>"
                   "<t:ItemChange><t:ItemId Id='%s'%s/><t:Updates>%s</t:Updates></t:ItemChange>"
                   "</m:ItemChanges></m:UpdateItem>",
                   resolution, id, attr, updates);
}

static const char *update(struct ews_fixture *f, struct item_id id, const char *updates)
{
    return change(f, "AlwaysOverwrite", ews_item_id(f, id), NULL, updates);
}

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

static void read_back(struct ews_fixture *f, struct item_id id, const char *more)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape>%s"
            "</m:ItemShape><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            more, ews_item_id(f, id));
    assert_code(f, "NoError");
}

static const char *mime_of(struct ews_fixture *f, struct item_id id)
{
    struct buf out = BUF_INIT;
    const char *s;

    read_back(f, id, "<t:IncludeMimeContent>true</t:IncludeMimeContent>");
    assert_true(base64_decode_lenient(&out, str_from(ews_text(f, "MimeContent"))));
    s = str_cstr(f->arena, buf_str(&out));
    buf_fini(&out);
    return s;
}

static struct item_id given(struct ews_fixture *f)
{
    return ews_given_message(f, ews_folder(f, DF_INBOX), "before");
}

/* A draft of ours. */
static const char *given_draft(struct ews_fixture *f)
{
    ews_ask(f, "<m:CreateItem MessageDisposition='SaveOnly'><m:Items><t:Message>"
               "<t:Subject>draft</t:Subject><t:Body BodyType='Text'>text</t:Body>"
               "</t:Message></m:Items></m:CreateItem>");
    return ews_attr(f, "ItemId", "Id");
}

static struct seq version_of(struct ews_fixture *f, struct item_id id)
{
    struct item item;

    assert_true(ews_find_item(f, id, &item));
    return item_version(&item);
}

/* ---- the read flag ---- */

static void the_read_flag_alone_is_no_change_of_content(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);
    struct seq before = version_of(f, id);
    struct item item;

    change(f, "NeverOverwrite", ews_item_id(f, id), NULL,
           SET("message:IsRead", "<t:IsRead>1</t:IsRead>"));
    assert_code(f, "NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "UpdateItemResponseMessage", 0)),
                        "UpdateItemResponseMessage(ResponseCode Items(Message(ItemId)) "
                        "ConflictResults(Count))");
    assert_true(ews_find_item(f, id, &item));
    assert_true((item.flags & ITEM_READ) != 0);
    assert_int_equal(item_version(&item).v, before.v);
    assert_int_not_equal(item.read_seq.v, 0);
}

static void the_read_flag_with_others_is_stored_with_them(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);

    update(
        f, id,
        SET("message:IsRead", "<t:IsRead>true</t:IsRead>")
            SET("item:Importance", "<t:Importance>High</t:Importance>") "<t:SetItemField>" TAG(
                "3591",
                "Integer") "<t:Message><t:ExtendedProperty>" TAG("3591",
                                                                 "Integer") "<t:Value>1</t:Value></t:ExtendedProperty></t:Message>"
                                                                            "</t:SetItemField>" DELETE(
                                                                                "item:Categories"));
    assert_code(f, "NoError");
    read_back(f, id, "");
    assert_string_equal(ews_text(f, "IsRead"), "true");
    assert_string_equal(ews_text(f, "Importance"), "High");
}

/* ---- values ---- */

static void a_subject_is_changed_in_record_and_message(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);

    update(f, id, SUBJECT("after&#10;X-Evil: 1"));
    assert_code(f, "NoError");
    read_back(f, id, "");
    assert_string_equal(ews_text(f, "Subject"), "after X-Evil: 1");
    assert_non_null(strstr(mime_of(f, id), "Subject: after X-Evil: 1\r\n"));
    assert_null(strstr(mime_of(f, id), "before"));
    assert_non_null(strstr(mime_of(f, id), "\r\n\r\nHello.\r\n"));
    ews_check_mailbox(f);
}

static void setting_what_is_so_changes_nothing(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);
    struct seq before = version_of(f, id);

    update(f, id,
           SUBJECT("before") SET("item:Importance", "<t:Importance>Normal</t:Importance>")
               DELETE("item:Categories"));
    assert_code(f, "NoError");
    assert_int_equal(version_of(f, id).v, before.v);
}

static void categories_and_flags(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);

    /* As a real client writes it: the status in the namespace of messages. */
    update(
        f, id,
        SET("item:Categories", "<t:Categories><t:String>Red</t:String></t:Categories>")
            SET("item:Flag", "<t:Flag><m:FlagStatus>Flagged</m:FlagStatus></t:Flag>") "<t:SetItemField>" TAG(
                "4240",
                "Integer") "<t:Message><t:ExtendedProperty>" TAG("4240",
                                                                 "Integer") "<t:Value>2</t:Value></t:ExtendedProperty></t:Message>"
                                                                            "</t:SetItemField>");
    assert_code(f, "NoError");
    read_back(f, id, "");
    assert_string_equal(ews_text(f, "String"), "Red");
    assert_string_equal(ews_text(f, "FlagStatus"), "Flagged");
    update(f, id,
           SET("item:Flag", "<t:Flag><t:FlagStatus>Complete</t:FlagStatus>"
                            "<t:CompleteDate>2023-11-14T00:00:00Z</t:CompleteDate></t:Flag>"));
    read_back(f, id, "");
    assert_string_equal(ews_text(f, "FlagStatus"), "Complete");
    assert_string_equal(ews_text(f, "CompleteDate"), "2023-11-14T00:00:00Z");
    update(f, id, DELETE("item:Flag") DELETE("item:Categories"));
    read_back(f, id, "");
    assert_string_equal(ews_text(f, "FlagStatus"), "NotFlagged");
    assert_null(ews_text(f, "CompleteDate"));
    assert_null(ews_text(f, "Categories"));
}

static void bodies_are_set_appended_to_and_deleted(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);

    update(f, id,
           SET("item:Body", "<t:Body BodyType='HTML'>&lt;body&gt;&lt;p&gt;a&lt;/p&gt;&lt;/body&gt;"
                            "</t:Body>")
               APPEND("item:Body", "<t:Body BodyType='HTML'>&lt;p&gt;b&lt;/p&gt;</t:Body>"));
    assert_code(f, "NoError");
    read_back(f, id, "");
    assert_string_equal(body(f), "<body><p>a</p><p>b</p></body>");
    read_back(f, id,
              "<t:AdditionalProperties><t:FieldURI FieldURI='item:Preview'/>"
              "</t:AdditionalProperties>");
    assert_string_equal(ews_text(f, "Preview"), "a b");
    update(f, id, SET("item:Body", "<t:Body BodyType='Text'>plain</t:Body>"));
    read_back(f, id, "");
    assert_string_equal(body_type(f), "Text");
    update(f, id, DELETE("item:Body"));
    assert_code(f, "NoError");
    read_back(f, id, "");
    assert_null(strstr(body(f), "plain"));
    assert_string_equal(ews_text(f, "Subject"), "before");
}

static void recipients_are_set_appended_to_and_deleted(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);

    update(
        f, id,
        SET("message:CcRecipients", "<t:CcRecipients>" MAILBOX("c@example.com") "</t:CcRecipients>")
            APPEND("message:CcRecipients",
                   "<t:CcRecipients>" MAILBOX("d@example.com") "</t:CcRecipients>")
                SET("message:ReplyTo", "<t:ReplyTo>" MAILBOX("r@example.com") "</t:ReplyTo>")
                    DELETE("message:ToRecipients"));
    assert_code(f, "NoError");
    read_back(f, id, "");
    assert_string_equal(ews_text(f, "DisplayCc"), "c@example.com; d@example.com");
    assert_null(ews_text(f, "ToRecipients"));
    assert_null(ews_text(f, "DisplayTo"));
    assert_non_null(ews_text(f, "ReplyTo"));
    assert_non_null(strstr(mime_of(f, id), "\r\n\r\nHello.\r\n"));
}

static void a_draft_shows_every_edit_in_its_message(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given_draft(f);
    struct buf out = BUF_INIT;
    const char *mime;

    change(f, "AlwaysOverwrite", id, NULL,
           SET("item:Importance", "<t:Importance>High</t:Importance>")
               SET("message:IsReadReceiptRequested",
                   "<t:IsReadReceiptRequested>true</t:IsReadReceiptRequested>")
                   SET("message:References", "<t:References>&lt;r@x&gt;</t:References>"));
    assert_code(f, "NoError");
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>1"
            "</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds>"
            "</m:GetItem>",
            id);
    assert_true(base64_decode_lenient(&out, str_from(ews_text(f, "MimeContent"))));
    mime = str_cstr(f->arena, buf_str(&out));
    buf_fini(&out);
    assert_non_null(strstr(mime, "Importance: high\r\n"));
    assert_non_null(strstr(mime, "References: <r@x>\r\n"));
    assert_non_null(strstr(mime, "Disposition-Notification-To: "));
}

/* ---- conflicts ---- */

static void conflicts_by_property(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);
    const char *name = ews_item_id(f, id), *old, *now;

    read_back(f, id, "");
    old = ews_attr(f, "ItemId", "ChangeKey");
    change(f, "NeverOverwrite", name, old, SUBJECT("first"));
    assert_code(f, "NoError");
    now = ews_attr(f, "ItemId", "ChangeKey");
    assert_string_not_equal(old, now);

    change(f, "NeverOverwrite", name, old,
           SET("item:Importance", "<t:Importance>Low</t:Importance>"));
    assert_code(f, "ErrorIrresolvableConflict");
    change(f, "AutoResolve", name, old, SUBJECT("second"));
    assert_code(f, "ErrorIrresolvableConflict");
    change(f, "AutoResolve", name, old, SUBJECT("first"));
    assert_code(f, "NoError");
    change(f, "AutoResolve", name, old, SET("item:Importance", "<t:Importance>Low</t:Importance>"));
    assert_code(f, "NoError");
    assert_string_equal(ews_text(f, "Count"), "1");
    change(f, "AlwaysOverwrite", name, old, SUBJECT("third"));
    assert_code(f, "NoError");
    assert_string_equal(ews_text(f, "Count"), "0");
}

/* A version that the item never had: the key of another item, say. */
static void a_key_from_the_future_is_refused(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f), other = given(f);
    const char *key;

    read_back(f, other, "");
    key = ews_attr(f, "ItemId", "ChangeKey");
    change(f, "AutoResolve", ews_item_id(f, id), key, SUBJECT("x"));
    assert_code(f, "ErrorInvalidChangeKey");
    change(f, "AlwaysOverwrite", ews_item_id(f, id), key, SUBJECT("x"));
    assert_code(f, "NoError");
}

static void without_a_change_key(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);
    const char *name = ews_item_id(f, id);

    change(f, "NeverOverwrite", name, NULL, SUBJECT("x"));
    assert_code(f, "ErrorChangeKeyRequiredForWriteOperations");
    change(f, "AutoResolve", name, NULL, SUBJECT("x"));
    assert_code(f, "ErrorChangeKeyRequiredForWriteOperations");
    change(f, "AlwaysOverwrite", name, NULL, SUBJECT("x"));
    assert_code(f, "NoError");
}

/* ---- refusals ---- */

static void each_refusal(void **state)
{
    static const struct {
        const char *updates, *code;
    } refusals[] = {
        {SET("item:Subject", "<t:Importance>High</t:Importance>"), "ErrorUpdatePropertyMismatch"},
        {SET("item:Subject", ""), "ErrorIncorrectUpdatePropertyCount"},
        {SET("item:Subject", "<t:Subject>a</t:Subject><t:Importance>Low</t:Importance>"),
         "ErrorIncorrectUpdatePropertyCount"},
        {SET("item:Size", "<t:Size>1</t:Size>"), "ErrorInvalidPropertySet"},
        {SET("item:Attachments", "<t:Attachments/>"), "ErrorInvalidPropertySet"},
        {SET("task:Status", "<t:Status>Completed</t:Status>"), "ErrorInvalidPropertySet"},
        {DELETE("item:Size"), "ErrorInvalidPropertyDelete"},
        {DELETE("message:IsRead"), "ErrorInvalidPropertyDelete"},
        {DELETE("item:ItemClass"), "ErrorInvalidPropertyDelete"},
        {APPEND("item:Subject", "<t:Subject>a</t:Subject>"), "ErrorInvalidPropertyAppend"},
        {SET("message:IsReadReceiptRequested",
             "<t:IsReadReceiptRequested>true</t:IsReadReceiptRequested>"),
         "ErrorInvalidPropertyUpdateSentMessage"},
        {"<t:SetItemField>" TAG("0x8765", "String") "<t:Message/></t:SetItemField>",
         "ErrorNoPropertyTagForCustomProperties"},
        {"<t:DeleteItemField>" TAG("0xe08", "Integer") "</t:DeleteItemField>",
         "ErrorInvalidPropertyDelete"},
        {"<t:SetItemField>" TAG("0x37", "Integer") "<t:Message><t:ExtendedProperty>" TAG(
             "0x37", "Integer") "<t:Value>1</t:Value></t:ExtendedProperty></t:Message>"
                                "</t:SetItemField>",
         "ErrorInvalidExtendedPropertyValue"},
        {"<t:SetItemField>" TAG("0x6001", "Integer") "<t:Message><t:ExtendedProperty>" TAG(
             "0x6001", "Integer") "<t:Value>many</t:Value></t:ExtendedProperty></t:Message>"
                                  "</t:SetItemField>",
         "ErrorInvalidExtendedPropertyValue"},
        {"<t:SetItemField>" TAG("0x6001", "Integer") "<t:Message><t:ExtendedProperty>" TAG(
             "0x6002", "Integer") "<t:Value>1</t:Value></t:ExtendedProperty></t:Message>"
                                  "</t:SetItemField>",
         "ErrorUpdatePropertyMismatch"},
    };
    struct ews_fixture *f = *state;
    struct item_id id = given(f);
    struct seq before = version_of(f, id);

    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        update(f, id, arena_printf(f->arena, SUBJECT("undone") "%s", refusals[i].updates));
        assert_code(f, refusals[i].code);
        assert_non_null(ews_nth(f, "MessageXml", 0));
        assert_int_equal(version_of(f, id).v, before.v);
    }
}

static void schema_violations_are_faults(void **state)
{
    static const char *const updates[] = {
        "", "<t:Nonsense/>", SET("item:Nonsense", "<t:Subject>a</t:Subject>"),
        SET("item:Importance", "<t:Importance>Highest</t:Importance>"),
        "<t:SetItemField><t:FieldURI FieldURI='item:Subject'/></t:SetItemField>"};
    struct ews_fixture *f = *state;
    struct item_id id = given(f);

    for (size_t i = 0; i < ARRAY_LEN(updates); i++) {
        update(f, id, updates[i]);
        assert_int_equal(f->http_status, 500);
        assert_int_equal(f->outcome, ERR_SCHEMA);
    }
}

static void a_message_needs_its_disposition(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f);

    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite'><m:ItemChanges><t:ItemChange>"
            "<t:ItemId Id='%s'/><t:Updates>" SUBJECT("x") "</t:Updates></t:ItemChange>"
                                                          "</m:ItemChanges></m:UpdateItem>",
            ews_item_id(f, id));
    assert_code(f, "ErrorMessageDispositionRequired");
}

static void a_draft_is_sent_by_an_update(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given_draft(f);

    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite' "
            "MessageDisposition='SendAndSaveCopy'><m:ItemChanges><t:ItemChange><t:ItemId "
            "Id='%s'/><t:Updates>%s</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>",
            id,
            SET("message:ToRecipients",
                "<t:ToRecipients>" MAILBOX("bob@example.com") "</t:ToRecipients>"));
    assert_code(f, "NoError");
    ews_ask(f, "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>AllProperties"
               "</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId "
               "Id='sentitems'/></m:ParentFolderIds></m:FindItem>");
    assert_string_equal(ews_text(f, "DisplayTo"), "bob@example.com");
    assert_string_equal(ews_text(f, "IsDraft"), "false");
    ews_check_mailbox(f);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_read_flag_alone_is_no_change_of_content),
        TEST(the_read_flag_with_others_is_stored_with_them),
        TEST(a_subject_is_changed_in_record_and_message),
        TEST(setting_what_is_so_changes_nothing),
        TEST(categories_and_flags),
        TEST(bodies_are_set_appended_to_and_deleted),
        TEST(recipients_are_set_appended_to_and_deleted),
        TEST(a_draft_shows_every_edit_in_its_message),
        TEST(conflicts_by_property),
        TEST(a_key_from_the_future_is_refused),
        TEST(without_a_change_key),
        TEST(each_refusal),
        TEST(schema_violations_are_faults),
        TEST(a_message_needs_its_disposition),
        TEST(a_draft_is_sent_by_an_update),
    };
#undef TEST

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
