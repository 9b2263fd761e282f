/* GetItem: batches, shapes, bodies, MIME content, foreign properties, extended properties. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <string.h>

#define MAIL                                                                                       \
    "Received: from a by b; Tue, 14 Nov 2023 22:13:21 +0000\r\n"                                   \
    "From: Bob Example <bob@example.org>\r\n"                                                      \
    "To: Alice Example <alice@example.com>, carol@example.com\r\n"                                 \
    "Cc: =?utf-8?q?J=C3=B6rg?= <joerg@example.net>\r\n"                                            \
    "Reply-To: list@example.org\r\n"                                                               \
    "Subject: Re: Tea & <cake>\r\n"                                                                \
    "Message-ID: <m1@example.org>\r\nIn-Reply-To: <m0@example.org>\r\n"                            \
    "References: <m0@example.org>\r\nKeywords: red, blue\r\nImportance: high\r\n"                  \
    "Disposition-Notification-To: bob@example.org\r\n"                                             \
    "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMIME-Version: 1.0\r\n"                               \
    "Content-Type: multipart/mixed; boundary=x\r\n\r\n"                                            \
    "--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n"                               \
    "--y\r\nContent-Type: text/plain\r\n\r\nPlain words here.\r\n"                                 \
    "--y\r\nContent-Type: text/html\r\n\r\n<p>Rich <b>words</b></p>\r\n--y--\r\n"                  \
    "--x\r\nContent-Type: text/csv; name=a.csv\r\n"                                                \
    "Content-Disposition: attachment; filename=a.csv\r\n\r\n1,2\r\n--x--\r\n"

#define REQUEST                                                                                    \
    "From: Dan Park <dpark@example.com>\r\nTo: alice@example.com\r\nSubject: Budget Q3\r\n"        \
    "Message-ID: <r1@example.com>\r\nDate: Tue, 01 Aug 2006 10:00:00 +0000\r\n"                    \
    "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n"      \
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"      \
    "UID:u1@example.com\r\nDTSTAMP:20060801T100000Z\r\nDTSTART:20060802T173000Z\r\n"               \
    "DTEND:20060802T193000Z\r\nSUMMARY:Budget Q3\r\nLOCATION:Conference Room 2\r\nSEQUENCE:2\r\n"  \
    "ORGANIZER;CN=Dan Park:mailto:dpark@example.com\r\n"                                           \
    "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mailto:alice@example.com\r\n"             \
    "ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Eve:mailto:eve@example.com\r\n"            \
    "END:VEVENT\r\nEND:VCALENDAR\r\n"

#define NAMED(paths) "<t:AdditionalProperties>" paths "</t:AdditionalProperties>"
#define URI(uri) "<t:FieldURI FieldURI='" uri "'/>"

static const char *get(struct ews_fixture *f, const char *base, const char *more, struct item_id id)
{
    return ews_ask(f,
                   "<m:GetItem><m:ItemShape><t:BaseShape>%s</t:BaseShape>%s</m:ItemShape>"
                   "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
                   base, more, ews_item_id(f, id));
}

static const char *properties(struct ews_fixture *f, const char *base, const char *more,
                              struct item_id id)
{
    const struct xml_node *items;

    get(f, base, more, id);
    items = ews_nth(f, "Items", 0);
    assert_non_null(items);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    return ews_outline(f, items->first_child);
}

/* Of the item: the first Body is the envelope's. */
static const char *body_attr(struct ews_fixture *f, const char *name)
{
    struct str value = xml_attr(ews_nth(f, "Body", 1), name);

    return value.p == NULL ? NULL : str_cstr(f->arena, value);
}

static const char *body_text(struct ews_fixture *f)
{
    return str_cstr(f->arena, ews_nth(f, "Body", 1)->text);
}

static struct item_id given(struct ews_fixture *f, const char *mime)
{
    return ews_given_mime(f, ews_folder(f, DF_INBOX), mime);
}

#define PERSON "(Mailbox(Name EmailAddress RoutingType MailboxType))"

static void test_shapes_of_a_message(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    assert_string_equal(properties(f, "IdOnly", "", id), "Message(ItemId)");
    assert_string_equal(
        properties(f, "Default", "", id),
        "Message(ItemId Subject Sensitivity Body Attachments(FileAttachment(AttachmentId Name "
        "ContentType Size LastModifiedTime IsInline IsContactPhoto)) Size DateTimeSent "
        "DateTimeCreated ResponseObjects(ReplyToItem ReplyAllToItem ForwardItem "
        "SuppressReadReceipt) HasAttachments IsAssociated "
        "ToRecipients(Mailbox(Name EmailAddress RoutingType MailboxType) "
        "Mailbox(Name EmailAddress RoutingType MailboxType)) CcRecipients" PERSON
        " IsReadReceiptRequested IsDeliveryReceiptRequested From" PERSON " IsRead)");
    assert_string_equal(ews_text(f, "Subject"), "Re: Tea & <cake>");
    assert_string_equal(body_attr(f, "BodyType"), "HTML");
    assert_string_equal(ews_text(f, "IsReadReceiptRequested"), "true");
}

static void test_all_properties_of_a_message(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    properties(f, "AllProperties", "", id);
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Note");
    assert_string_equal(ews_text(f, "Importance"), "High");
    assert_string_equal(ews_text(f, "InReplyTo"), "<m0@example.org>");
    assert_string_equal(ews_text(f, "InternetMessageId"), "<m1@example.org>");
    assert_string_equal(ews_text(f, "References"), "<m0@example.org>");
    assert_string_equal(ews_text(f, "FlagStatus"), "NotFlagged");
    assert_string_equal(ews_text(f, "DisplayTo"), "Alice Example; carol@example.com");
    assert_string_equal(ews_outline(f, ews_nth(f, "Categories", 0)), "Categories(String String)");
    assert_non_null(ews_nth(f, "ParentFolderId", 0));
    assert_non_null(ews_nth(f, "ConversationId", 0));
    assert_non_null(ews_nth(f, "ReplyTo", 0));
    assert_non_null(ews_nth(f, "InternetMessageHeader", 10));
    assert_string_equal(ews_attr(f, "InternetMessageHeader", "HeaderName"), "Received");
    assert_null(ews_nth(f, "MimeContent", 0));
    assert_null(ews_nth(f, "BccRecipients", 0));
}

static void test_what_an_older_version_lacks_is_not_sent(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    f->version = "Exchange2007_SP1";
    properties(f, "AllProperties", "", id);
    assert_null(ews_nth(f, "IsAssociated", 0));
    assert_null(ews_nth(f, "ConversationId", 0));
    assert_null(ews_nth(f, "Flag", 0));
    assert_null(ews_nth(f, "InstanceKey", 0));
    assert_null(ews_nth(f, "MailboxType", 0));
    assert_null(ews_nth(f, "IsInline", 0));
    assert_null(body_attr(f, "IsTruncated"));
    assert_string_equal(properties(f, "IdOnly", NAMED(URI("item:Flag")), id),
                        "Message(ItemId Flag(FlagStatus))");
}

static void test_bodies_by_type_and_size(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    get(f, "IdOnly", "<t:BodyType>Text</t:BodyType>" NAMED(URI("item:Body")), id);
    assert_string_equal(body_attr(f, "BodyType"), "Text");
    assert_non_null(strstr(body_text(f), "Plain words"));
    get(f, "IdOnly", "<t:BodyType>HTML</t:BodyType>" NAMED(URI("item:Body")), id);
    assert_non_null(strstr(body_text(f), "<b>words</b>"));
    get(f, "IdOnly",
        "<t:BodyType>Text</t:BodyType><t:FilterHtmlContent>true</t:FilterHtmlContent>"
        "<t:MaximumBodySize>5</t:MaximumBodySize>" NAMED(URI("item:Body")),
        id);
    assert_string_equal(body_text(f), "Plain");
    assert_string_equal(body_attr(f, "IsTruncated"), "true");
    assert_string_equal(
        properties(f, "IdOnly",
                   NAMED(URI("item:TextBody") URI("item:UniqueBody") URI("item:NormalizedBody")),
                   id),
        "Message(ItemId UniqueBody NormalizedBody TextBody)");
    assert_string_equal(ews_attr(f, "TextBody", "BodyType"), "Text");
    assert_string_equal(ews_attr(f, "UniqueBody", "BodyType"), "HTML");
}

static void test_mime_content_is_the_message_as_received(void **state)
{
    struct ews_fixture *f = *state;
    struct buf bytes = BUF_INIT;

    get(f, "IdOnly", "<t:IncludeMimeContent>true</t:IncludeMimeContent>", given(f, MAIL));
    assert_string_equal(ews_attr(f, "MimeContent", "CharacterSet"), "UTF-8");
    assert_true(base64_decode(&bytes, ews_nth(f, "MimeContent", 0)->text));
    assert_true(str_is(buf_str(&bytes), MAIL));
    buf_fini(&bytes);
}

static void test_single_headers_by_name(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    properties(
        f, "IdOnly",
        NAMED("<t:IndexedFieldURI FieldURI='item:InternetMessageHeader' FieldIndex='date'/>"), id);
    assert_int_equal(ews_count(f, "InternetMessageHeader"), 1);
    assert_string_equal(ews_attr(f, "InternetMessageHeader", "HeaderName"), "Date");
    assert_string_equal(properties(f, "IdOnly",
                                   NAMED("<t:IndexedFieldURI FieldURI='item:InternetMessageHeader' "
                                         "FieldIndex='X-None'/>"),
                                   id),
                        "Message(ItemId)");
}

static void test_a_batch_answers_in_order_whatever_fails(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id a = given(f, MAIL), b = given(f, REQUEST), gone = given(f, MAIL);
    const struct xml_node *message;

    ews_delete_item(f, gone);
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>"
            "<t:ItemId Id='%s'/><t:ItemId Id='%s'/><t:ItemId Id='junk'/><t:ItemId Id=''/>"
            "<t:ItemId Id='%s'/><t:OccurrenceItemId RecurringMasterId='%s' InstanceIndex='1'/>"
            "<t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            ews_item_id(f, b), ews_item_id(f, gone), ews_folder_id(f, ews_folder(f, DF_INBOX)),
            ews_item_id(f, a), ews_item_id(f, a));
    assert_int_equal(ews_count(f, "GetItemResponseMessage"), 7);
    static const char *const codes[] = {"NoError",
                                        "ErrorItemNotFound",
                                        "ErrorInvalidIdMalformed",
                                        "ErrorInvalidIdEmpty",
                                        "ErrorCannotUseFolderIdForItemId",
                                        "ErrorCalendarCannotUseIdForOccurrenceId",
                                        "NoError"};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        assert_true(str_is(ews_nth(f, "ResponseCode", i)->text, codes[i]));
    }
    message = ews_nth(f, "GetItemResponseMessage", 1);
    assert_string_equal(ews_children(f, message),
                        "MessageText ResponseCode DescriptiveLinkKey Items");
}

static void test_meeting_request(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, REQUEST);

    assert_string_equal(
        properties(f, "Default", "", id),
        "MeetingRequest(ItemId Subject Sensitivity Body ResponseObjects("
        "ReplyToItem ReplyAllToItem ForwardItem) IsOutOfDate "
        "HasBeenProcessed ResponseType MeetingRequestType IntendedFreeBusyStatus Start End "
        "Location Organizer" PERSON ")");
    assert_string_equal(ews_text(f, "ResponseType"), "NoResponseReceived");
    assert_string_equal(ews_text(f, "Start"), "2006-08-02T17:30:00Z");
    assert_string_equal(ews_text(f, "Location"), "Conference Room 2");
    properties(f, "AllProperties", "", id);
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Schedule.Meeting.Request");
    assert_string_equal(ews_text(f, "UID"), "u1@example.com");
    assert_string_equal(ews_text(f, "Duration"), "PT2H");
    assert_string_equal(ews_text(f, "CalendarItemType"), "Single");
    assert_string_equal(ews_text(f, "AppointmentSequenceNumber"), "2");
    assert_string_equal(ews_outline(f, ews_nth(f, "OptionalAttendees", 0)),
                        "OptionalAttendees(Attendee(Mailbox(Name EmailAddress RoutingType "
                        "MailboxType) ResponseType))");
    assert_int_equal(ews_count(f, "Attendee"), 2);
    assert_null(ews_nth(f, "Resources", 0));
}

static void test_a_property_of_another_class_is_an_error(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    get(f, "IdOnly", NAMED(URI("item:Subject") URI("contacts:GivenName")), id);
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidPropertyRequest");
    assert_string_equal(ews_text(f, "MessageText"), "Property is not valid for this object type.");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "contacts:GivenName");
    get(f, "IdOnly", NAMED(URI("folder:DisplayName")), id);
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidPropertyRequest");
    get(f, "IdOnly", NAMED(URI("task:Status")), id);
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidPropertyRequest");
}

static void test_requests_that_name_everything_get_what_applies(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    assert_string_equal(
        properties(f, "IdOnly",
                   NAMED(URI("calendar:Start") URI("meeting:ResponseType") URI("item:Subject")),
                   id),
        "Message(ItemId Subject)");
    assert_string_equal(
        properties(
            f, "IdOnly",
            NAMED(URI("contacts:GivenName") URI("task:Status") URI("message:IsRead") URI(
                "distributionlist:Members") "<t:IndexedFieldURI FieldURI='contacts:PhoneNumber' FieldIndex='Isdn'/>"),
            id),
        "Message(ItemId IsRead)");
}

static void test_unknown_uris_are_schema_errors(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    get(f, "IdOnly", NAMED(URI("item:Nonsense")), id);
    assert_int_equal(f->http_status, 500);
    assert_int_equal(f->outcome, ERR_SCHEMA);
    get(f, "IdOnly", "<t:AdditionalProperties/>", id);
    assert_int_equal(f->outcome, ERR_SCHEMA);
}

#define TAG(tag, type) "<t:ExtendedFieldURI PropertyTag='" tag "' PropertyType='" type "'/>"

static const char *tag_value(struct ews_fixture *f, struct item_id id, const char *tag,
                             const char *type)
{
    get(f, "IdOnly",
        arena_printf(f->arena, NAMED("<t:ExtendedFieldURI PropertyTag='%s' PropertyType='%s'/>"),
                     tag, type),
        id);
    return ews_text(f, "Value");
}

static void test_mapi_tags_show_the_same_values(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    assert_string_equal(tag_value(f, id, "0x0037", "String"), "Re: Tea & <cake>");
    assert_string_equal(ews_attr(f, "ExtendedFieldURI", "PropertyTag"), "0x37");
    assert_string_equal(tag_value(f, id, "0xe1d", "String"), "Tea & <cake>");
    assert_string_equal(tag_value(f, id, "0x3d", "String"), "Re: ");
    assert_string_equal(tag_value(f, id, "3591", "Integer"), "18");
    assert_string_equal(ews_attr(f, "ExtendedFieldURI", "PropertyTag"), "0xe07");
    assert_string_equal(tag_value(f, id, "0x0e23", "Integer"),
                        arena_printf(f->arena, "%llu", (unsigned long long)id.v));
    assert_string_equal(tag_value(f, id, "0x39", "SystemTime"), "2023-11-14T22:13:20Z");
    assert_string_equal(tag_value(f, id, "0x17", "Integer"), "2");
    assert_string_equal(tag_value(f, id, "0x5d01", "String"), "bob@example.org");
    assert_non_null(tag_value(f, id, "0xff9", "Binary"));
    assert_non_null(strstr(tag_value(f, id, "0x7d", "String"), "Importance: high"));
    assert_non_null(tag_value(f, id, "0x1013", "Binary"));
    assert_null(tag_value(f, id, "0x1090", "Integer"));
    assert_null(tag_value(f, id, "0x37", "Integer"));
    assert_null(tag_value(f, id, "0x6000", "String"));
}

static void test_named_properties(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    get(f, "IdOnly",
        NAMED("<t:ExtendedFieldURI DistinguishedPropertySetId='PublicStrings' "
              "PropertyName='Keywords' PropertyType='StringArray'/>"
              "<t:ExtendedFieldURI DistinguishedPropertySetId='InternetHeaders' "
              "PropertyName='reply-to' PropertyType='String'/>"
              "<t:ExtendedFieldURI DistinguishedPropertySetId='Common' PropertyId='34160' "
              "PropertyType='Integer'/>"),
        id);
    assert_int_equal(ews_count(f, "ExtendedProperty"), 2);
    assert_int_equal(ews_count(f, "Values"), 1);
    assert_string_equal(ews_text(f, "Value"), "red");
    assert_true(str_is(ews_nth(f, "Value", 2)->text, "list@example.org"));
}

static void test_wrong_extended_properties_refuse_each_item(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, MAIL);

    get(f, "IdOnly", NAMED(TAG("0x9000", "String")), id);
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorNoPropertyTagForCustomProperties");
    assert_non_null(ews_nth(f, "MessageXml", 0));
    get(f, "IdOnly", NAMED(TAG("0x37", "Object")), id);
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorUnsupportedMapiPropertyType");
}

static void test_associated_item_without_a_message(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_associated(f, ews_folder(f, DF_INBOX));

    properties(f, "AllProperties", "<t:IncludeMimeContent>true</t:IncludeMimeContent>", id);
    assert_non_null(ews_nth(f, "Item", 0));
    assert_null(ews_nth(f, "Body", 1));
    assert_null(ews_nth(f, "MimeContent", 0));
    assert_null(ews_nth(f, "InternetMessageHeaders", 0));
    assert_string_equal(ews_text(f, "IsAssociated"), "true");
}

static void test_message_without_anything(void **state)
{
    struct ews_fixture *f = *state;

    properties(f, "AllProperties", "", given(f, "\r\n"));
    assert_null(ews_nth(f, "ToRecipients", 0));
    assert_null(ews_nth(f, "Attachments", 0));
    assert_null(ews_nth(f, "InternetMessageHeaders", 0));
    assert_null(ews_nth(f, "From", 0));
    assert_null(ews_nth(f, "Subject", 0));
    assert_non_null(ews_nth(f, "Body", 1));
}

/* The schema wants a language tag; senders write what they like. */
static void test_culture_is_a_language_or_absent(void **state)
{
    struct ews_fixture *f = *state;

    properties(f, "AllProperties", "", given(f, "Content-Language: de-DE\r\n\r\n"));
    assert_string_equal(ews_text(f, "Culture"), "de-DE");
    properties(f, "AllProperties", "", given(f, "Content-Language: d3-\r\n\r\n"));
    assert_null(ews_nth(f, "Culture", 0));
    properties(f, "AllProperties", "", given(f, "Content-Language: en-\r\n\r\n"));
    assert_null(ews_nth(f, "Culture", 0));
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_shapes_of_a_message),
        fixture_test(test_all_properties_of_a_message),
        fixture_test(test_what_an_older_version_lacks_is_not_sent),
        fixture_test(test_bodies_by_type_and_size),
        fixture_test(test_mime_content_is_the_message_as_received),
        fixture_test(test_single_headers_by_name),
        fixture_test(test_a_batch_answers_in_order_whatever_fails),
        fixture_test(test_meeting_request),
        fixture_test(test_a_property_of_another_class_is_an_error),
        fixture_test(test_requests_that_name_everything_get_what_applies),
        fixture_test(test_unknown_uris_are_schema_errors),
        fixture_test(test_mapi_tags_show_the_same_values),
        fixture_test(test_named_properties),
        fixture_test(test_wrong_extended_properties_refuse_each_item),
        fixture_test(test_associated_item_without_a_message),
        fixture_test(test_message_without_anything),
        fixture_test(test_culture_is_a_language_or_absent),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
