/* Shapes in SyncFolderItems: what a summary of each kind of item shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/props.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <string.h>

#define NAMED(paths) "<t:AdditionalProperties>" paths "</t:AdditionalProperties>"
#define URI(uri) "<t:FieldURI FieldURI='" uri "'/>"

#define CALENDAR(method, partstat)                                                                 \
    "From: Dan Park <dpark@example.com>\r\nTo: alice@example.com\r\nSubject: Budget Q3\r\n"        \
    "Date: Tue, 01 Aug 2006 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"                               \
    "Content-Type: text/calendar; method=" method "; charset=utf-8\r\n\r\n"                        \
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nMETHOD:" method "\r\n"                   \
    "BEGIN:VEVENT\r\nUID:u1@example.com\r\nDTSTAMP:20060801T100000Z\r\n"                           \
    "DTSTART:20060802T173000Z\r\nDTEND:20060802T193000Z\r\nSUMMARY:Budget Q3\r\n"                  \
    "LOCATION:Conference Room 2\r\nORGANIZER;CN=Dan Park:mailto:dpark@example.com\r\n"             \
    "ATTENDEE;PARTSTAT=" partstat ":mailto:alice@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

static void sync_shape(struct ews_fixture *f, const char *shape)
{
    ews_ask(f,
            "<m:SyncFolderItems><m:ItemShape>%s</m:ItemShape><m:SyncFolderId>"
            "<t:DistinguishedFolderId Id='inbox'/></m:SyncFolderId>"
            "<m:MaxChangesReturned>10</m:MaxChangesReturned></m:SyncFolderItems>",
            shape);
}

/* The only item's outline. */
static const char *synced(struct ews_fixture *f, const char *shape)
{
    sync_shape(f, shape);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    return ews_outline(f, ews_nth(f, "Create", 0)->first_child);
}

#define DEFAULT "<t:BaseShape>Default</t:BaseShape>"
#define ALL "<t:BaseShape>AllProperties</t:BaseShape>"
#define ID "<t:BaseShape>IdOnly</t:BaseShape>"
#define PERSON_2007 "(Mailbox(Name EmailAddress RoutingType))"

static void test_meeting_request_of_the_documented_example(void **state)
{
    struct ews_fixture *f = *state;

    f->version = NULL;
    ews_given_mime(f, ews_folder(f, DF_INBOX), CALENDAR("REQUEST", "NEEDS-ACTION"));
    assert_string_equal(synced(f, DEFAULT),
                        "MeetingRequest(ItemId Subject Sensitivity IsOutOfDate HasBeenProcessed "
                        "ResponseType IntendedFreeBusyStatus Start End Location "
                        "Organizer" PERSON_2007 ")");
    assert_string_equal(ews_text(f, "HasBeenProcessed"), "false");
    assert_string_equal(ews_text(f, "IntendedFreeBusyStatus"), "Busy");
    assert_string_equal(ews_text(f, "End"), "2006-08-02T19:30:00Z");
}

static void test_meeting_response_and_cancellation(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_mime(f, ews_folder(f, DF_INBOX), CALENDAR("REPLY", "ACCEPTED"));
    assert_string_equal(synced(f, DEFAULT),
                        "MeetingResponse(ItemId Subject Sensitivity From(Mailbox(Name "
                        "EmailAddress RoutingType MailboxType)) IsOutOfDate HasBeenProcessed "
                        "ResponseType)");
    assert_string_equal(ews_text(f, "ResponseType"), "Accept");
    synced(f, ALL);
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Schedule.Meeting.Resp.Pos");
    assert_string_equal(ews_text(f, "Start"), "2006-08-02T17:30:00Z");
    ews_given_mime(f, ews_folder(f, DF_INBOX), CALENDAR("CANCEL", "NEEDS-ACTION"));
    synced(f, ALL);
    assert_non_null(ews_nth(f, "MeetingCancellation", 0));
}

static void test_default_message(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    assert_string_equal(
        synced(f, DEFAULT),
        "Message(ItemId Subject Sensitivity Size DateTimeSent DateTimeCreated HasAttachments "
        "IsAssociated IsReadReceiptRequested IsDeliveryReceiptRequested "
        "From(Mailbox(Name EmailAddress RoutingType MailboxType)) IsRead)");
}

static void test_all_properties_is_the_list_without_what_needs_the_message(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    synced(f, ALL);
    assert_null(ews_nth(f, "ToRecipients", 0));
    assert_null(ews_nth(f, "InternetMessageHeaders", 0));
    assert_null(ews_nth(f, "ResponseObjects", 0));
    assert_non_null(ews_nth(f, "DisplayTo", 0));
    assert_non_null(ews_nth(f, "Sender", 0));
    assert_non_null(ews_nth(f, "ReceivedBy", 0));
    assert_non_null(ews_nth(f, "InstanceKey", 0));
}

/* As a client does that names all it knows. */
static void test_names_that_do_not_apply_are_passed_over(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    assert_string_equal(
        synced(f, ID NAMED(URI("item:MimeContent") URI("item:Body") URI("item:Attachments")
                               URI("calendar:Start") URI("contacts:GivenName") URI("task:Status")
                                   URI("message:ReminderMessageData") URI("item:UniqueBody")
                                       URI("message:ToRecipients") URI("item:Subject"))),
        "Message(ItemId Subject)");
}

static void test_milliseconds_on_demand(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    ews_ask_with_header(
        f,
        "<t:RequestServerVersion Version='Exchange2013'/>"
        "<t:DateTimePrecision>Milliseconds</t:DateTimePrecision>",
        "<m:SyncFolderItems><m:ItemShape>" ID NAMED(URI(
            "item:DateTimeSent")) "</m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id='inbox'/></m:SyncFolderId>"
                                  "<m:MaxChangesReturned>10</m:MaxChangesReturned></m:SyncFolderItems>");
    assert_string_equal(ews_text(f, "DateTimeSent"), "2023-11-14T22:13:20.000Z");
}

static void test_associated_items_are_items(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_associated(f, ews_folder(f, DF_INBOX));
    ews_ask(f, "<m:SyncFolderItems><m:ItemShape>" DEFAULT "</m:ItemShape><m:SyncFolderId>"
               "<t:DistinguishedFolderId Id='inbox'/></m:SyncFolderId>"
               "<m:MaxChangesReturned>10</m:MaxChangesReturned>"
               "<m:SyncScope>NormalAndAssociatedItems</m:SyncScope></m:SyncFolderItems>");
    assert_string_equal(ews_outline(f, ews_nth(f, "Item", 0)),
                        "Item(ItemId Sensitivity Size HasAttachments IsAssociated)");
}

static void test_wrong_shapes(void **state)
{
    struct ews_fixture *f = *state;
    static const char *const wrong[] = {"",
                                        "<t:BaseShape>Everything</t:BaseShape>",
                                        "<t:IncludeMimeContent>true</t:IncludeMimeContent>" ID,
                                        ID "<t:BodyType>RTF</t:BodyType>",
                                        ID NAMED("<t:Subject/>"),
                                        ID NAMED("<t:FieldURI/>"),
                                        ID "<t:MaximumBodySize>many</t:MaximumBodySize>"};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        sync_shape(f, wrong[i]);
        assert_int_equal(f->outcome, ERR_SCHEMA);
    }
}

static void test_elements_by_version(void **state)
{
    (void)state;
    assert_true(str_is(item_element(ITEM_KIND_POST_ITEM, EWS_EXCHANGE2007_SP1), "t:PostItem"));
    assert_true(str_is(item_element(ITEM_KIND_POST_ITEM, EWS_EXCHANGE2007), "t:Item"));
    assert_true(str_is(item_element(ITEM_KIND_TASK, EWS_EXCHANGE2007), "t:Task"));
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_meeting_request_of_the_documented_example),
        fixture_test(test_meeting_response_and_cancellation),
        fixture_test(test_default_message),
        fixture_test(test_all_properties_is_the_list_without_what_needs_the_message),
        fixture_test(test_names_that_do_not_apply_are_passed_over),
        fixture_test(test_milliseconds_on_demand),
        fixture_test(test_associated_items_are_items),
        fixture_test(test_wrong_shapes),
        cmocka_unit_test(test_elements_by_version),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
