/* Appointments: what one client writes another reads, all-day events, attendees, iCalendar in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "support/answer_schema.h"
#include "support/calendar_requests.h"

#define LUNCH                                                                                      \
    "<t:Subject>Lunch</t:Subject><t:Start>2024-03-04T11:00:00Z</t:Start>"                          \
    "<t:End>2024-03-04T12:30:00Z</t:End>"

static void test_an_appointment_reads_back_as_written(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(
        f, "<t:Subject>Lunch</t:Subject><t:Sensitivity>Private</t:Sensitivity>"
           "<t:Body BodyType='Text'>With Bob</t:Body><t:Categories><t:String>red</t:String>"
           "</t:Categories><t:Importance>High</t:Importance>"
           "<t:ReminderIsSet>true</t:ReminderIsSet>"
           "<t:ReminderMinutesBeforeStart>20</t:ReminderMinutesBeforeStart>"
           "<t:UID>uid-1</t:UID><t:Start>2024-03-04T12:00:00+01:00</t:Start>"
           "<t:End>2024-03-04T13:30:00+01:00</t:End><t:IsAllDayEvent>false</t:IsAllDayEvent>"
           "<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:Location>Café</t:Location>"
           "<t:When>noon</t:When><t:IsResponseRequested>false</t:IsResponseRequested>" BERLIN
           "<t:EndTimeZone Id='Eastern Standard Time'/>"
           "<t:ConferenceType>2</t:ConferenceType>"
           "<t:AllowNewTimeProposal>false</t:AllowNewTimeProposal>"
           "<t:MeetingWorkspaceUrl>http://w.example.com/</t:MeetingWorkspaceUrl>"
           "<t:NetShowUrl>http://n.example.com/</t:NetShowUrl>");

    assert_non_null(id);
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Appointment");
    assert_string_equal(ews_text(f, "Subject"), "Lunch");
    assert_string_equal(ews_text(f, "Sensitivity"), "Private");
    assert_string_equal(calendar_nth_text(f, "Body", 1), "With Bob");
    assert_string_equal(ews_text(f, "String"), "red");
    assert_string_equal(ews_text(f, "Importance"), "High");
    assert_string_equal(ews_text(f, "ReminderIsSet"), "true");
    assert_string_equal(ews_text(f, "ReminderMinutesBeforeStart"), "20");
    assert_string_equal(ews_text(f, "ReminderDueBy"), "2024-03-04T11:00:00Z");
    assert_string_equal(ews_text(f, "UID"), "uid-1");
    assert_string_equal(ews_text(f, "Start"), "2024-03-04T11:00:00Z");
    assert_string_equal(ews_text(f, "End"), "2024-03-04T12:30:00Z");
    assert_string_equal(ews_text(f, "IsAllDayEvent"), "false");
    assert_string_equal(ews_text(f, "LegacyFreeBusyStatus"), "OOF");
    assert_string_equal(ews_text(f, "Location"), "Café");
    assert_string_equal(ews_text(f, "When"), "noon");
    assert_string_equal(ews_text(f, "IsResponseRequested"), "false");
    assert_string_equal(ews_text(f, "CalendarItemType"), "Single");
    assert_string_equal(ews_text(f, "IsMeeting"), "false");
    assert_string_equal(ews_text(f, "IsRecurring"), "false");
    assert_string_equal(ews_text(f, "MyResponseType"), "Organizer");
    assert_string_equal(calendar_nth_text(f, "EmailAddress", 0), "alice@example.com");
    assert_string_equal(ews_text(f, "Duration"), "PT1H30M");
    assert_string_equal(ews_attr(f, "StartTimeZone", "Id"), "W. Europe Standard Time");
    assert_string_equal(ews_attr(f, "EndTimeZone", "Id"), "Eastern Standard Time");
    assert_string_equal(ews_text(f, "ConferenceType"), "2");
    assert_string_equal(ews_text(f, "AllowNewTimeProposal"), "false");
    assert_string_equal(ews_text(f, "MeetingWorkspaceUrl"), "http://w.example.com/");
    assert_string_equal(ews_text(f, "NetShowUrl"), "http://n.example.com/");
    assert_null(ews_nth(f, "Recurrence", 0));
    assert_null(ews_nth(f, "OriginalStart", 0));
}

static void test_what_is_not_said_has_a_value(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(f, LUNCH);

    calendar_get_all(f, id);
    assert_int_equal(strlen(ews_text(f, "UID")), 32);
    assert_string_equal(ews_text(f, "LegacyFreeBusyStatus"), "Busy");
    assert_string_equal(ews_text(f, "ReminderIsSet"), "false");
    assert_string_equal(ews_text(f, "IsResponseRequested"), "true");
    assert_string_equal(ews_attr(f, "StartTimeZone", "Id"), "UTC");
    assert_string_equal(ews_attr(f, "EndTimeZone", "Id"), "UTC");
    assert_string_equal(ews_text(f, "DateTimeStamp"), "2023-11-14T22:13:20Z");
}

static void test_it_lies_in_the_calendar(void **state)
{
    struct ews_fixture *f = *state;
    const char *calendar = ews_folder_id(f, ews_folder(f, DF_CALENDAR));

    calendar_get_all(f, calendar_create(f, LUNCH));
    assert_string_equal(ews_attr(f, "ParentFolderId", "Id"), calendar);
}

static void test_invitations_must_be_decided(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask(f, "<m:CreateItem><m:Items><t:CalendarItem>" LUNCH
               "</t:CalendarItem></m:Items></m:CreateItem>");
    assert_string_equal(calendar_code(f), "ErrorSendMeetingInvitationsRequired");
}

static void test_an_end_before_the_start_is_refused(void **state)
{
    struct ews_fixture *f = *state;

    assert_null(calendar_create(f, "<t:Start>2024-03-04T11:00:00Z</t:Start>"
                                   "<t:End>2024-03-04T10:00:00Z</t:End>"));
    assert_string_equal(calendar_code(f), "ErrorCalendarEndDateIsEarlierThanStartDate");
}

static void test_an_unknown_zone_is_refused(void **state)
{
    struct ews_fixture *f = *state;

    assert_null(calendar_create(f, LUNCH "<t:StartTimeZone Id='Nowhere'/>"));
    assert_string_equal(calendar_code(f), "ErrorInvalidValueForProperty");
}

static void test_updates_keep_the_rest(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(
        f, LUNCH "<t:Location>Here</t:Location><t:RequiredAttendees><t:Attendee><t:Mailbox>"
                 "<t:EmailAddress>bob@example.com</t:EmailAddress></t:Mailbox></t:Attendee>"
                 "</t:RequiredAttendees>");

    calendar_update(f, id, "calendar:End", "<t:End>2024-03-04T13:00:00Z</t:End>");
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "End"), "2024-03-04T13:00:00Z");
    assert_string_equal(ews_text(f, "Location"), "Here");
    assert_string_equal(ews_text(f, "IsMeeting"), "true");
    assert_int_equal(ews_count(f, "Attendee"), 1);
}

static void test_a_long_body_leaves_the_rest_readable(void **state)
{
    enum { CHARS = 1500000 };
    struct ews_fixture *f = *state;
    char *body = arena_alloc(f->arena, CHARS + 1);
    const char *id;

    memset(body, 'x', CHARS);
    for (size_t i = 79; i < CHARS; i += 80) {
        body[i] = ' ';
    }
    id = calendar_create(
        f, arena_printf(f->arena,
                        "<t:Body BodyType='Text'>%s</t:Body>" LUNCH
                        "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval>"
                        "</t:DailyRecurrence><t:NoEndRecurrence><t:StartDate>2024-03-04"
                        "</t:StartDate></t:NoEndRecurrence></t:Recurrence>",
                        body));
    assert_non_null(id);
    calendar_get_all(f, id);
    assert_in_range(ews_nth(f, "Body", 1)->text.n, CHARS - 1, CHARS);
    assert_non_null(ews_nth(f, "Recurrence", 0));
}

/* ---- all-day events ---- */

static void test_an_all_day_event_has_whole_days_of_its_zone(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(f, "<t:Start>2024-07-01T10:00:00+02:00</t:Start>"
                                        "<t:End>2024-07-02T10:00:00+02:00</t:End>"
                                        "<t:IsAllDayEvent>true</t:IsAllDayEvent>" BERLIN);

    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "Start"), "2024-06-30T22:00:00Z");
    assert_string_equal(ews_text(f, "End"), "2024-07-02T22:00:00Z");
    assert_string_equal(ews_text(f, "IsAllDayEvent"), "true");
}

static void test_whole_days_stay_as_they_are(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(f, "<t:Start>2024-03-31T00:00:00+01:00</t:Start>"
                                        "<t:End>2024-04-01T00:00:00+02:00</t:End>"
                                        "<t:IsAllDayEvent>true</t:IsAllDayEvent>" BERLIN);

    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "Start"), "2024-03-30T23:00:00Z");
    assert_string_equal(ews_text(f, "End"), "2024-03-31T22:00:00Z");
    assert_string_equal(ews_text(f, "Duration"), "PT23H");
}

/* ---- attendees ---- */

#define ATTENDEE(address, response)                                                                \
    "<t:Attendee><t:Mailbox><t:Name>" address "</t:Name><t:EmailAddress>" address                  \
    "</t:EmailAddress></t:Mailbox><t:ResponseType>" response "</t:ResponseType></t:Attendee>"

static void test_attendees_by_role(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(
        f,
        LUNCH "<t:RequiredAttendees>" ATTENDEE("bob@example.com", "Accept") ATTENDEE(
            "carol@example.com",
            "Unknown") "</t:RequiredAttendees>"
                       "<t:OptionalAttendees>" ATTENDEE(
                           "dan@example.com",
                           "Tentative") "</t:OptionalAttendees><t:Resources>" ATTENDEE("room@example.com",
                                                                                       "Decline") "</t:Resources>");

    calendar_get_all(f, id);
    assert_string_equal(
        ews_outline(f, ews_nth(f, "RequiredAttendees", 0)),
        "RequiredAttendees(Attendee(Mailbox(Name EmailAddress RoutingType MailboxType) "
        "ResponseType) Attendee(Mailbox(Name EmailAddress RoutingType MailboxType) ResponseType))");
    assert_string_equal(calendar_nth_text(f, "ResponseType", 0), "Accept");
    assert_string_equal(calendar_nth_text(f, "ResponseType", 1), "Unknown");
    assert_string_equal(calendar_nth_text(f, "ResponseType", 2), "Tentative");
    assert_string_equal(calendar_nth_text(f, "ResponseType", 3), "Decline");
    assert_string_equal(ews_text(f, "AppointmentState"), "1");
}

static void test_attendees_are_appended(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(f, LUNCH "<t:RequiredAttendees>" ATTENDEE(
                                            "bob@example.com", "Accept") "</t:RequiredAttendees>");

    ews_ask(
        f,
        "<m:UpdateItem ConflictResolution='AlwaysOverwrite' "
        "SendMeetingInvitationsOrCancellations='SendToNone'><m:ItemChanges><t:ItemChange>"
        "<t:ItemId Id='%s'/><t:Updates><t:AppendToItemField>"
        "<t:FieldURI FieldURI='calendar:RequiredAttendees'/><t:CalendarItem>"
        "<t:RequiredAttendees>" ATTENDEE(
            "eve@example.com",
            "Unknown") "</t:RequiredAttendees>"
                       "</t:CalendarItem></t:AppendToItemField></t:Updates></t:ItemChange></m:ItemChanges>"
                       "</m:UpdateItem>",
        id);
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_int_equal(ews_count(f, "Attendee"), 2);
}

/* ---- iCalendar ---- */

#define ICALENDAR                                                                                  \
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:ical-1\r\n"          \
    "DTSTAMP:20240101T000000Z\r\nDTSTART;TZID=Europe/Vienna:20240304T120000\r\n"                   \
    "DTEND;TZID=Europe/Vienna:20240304T130000\r\nSUMMARY:From a file\r\nLOCATION:Prater\r\n"       \
    "DESCRIPTION:Bring shoes\r\nRRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO\r\nEND:VEVENT\r\n"              \
    "END:VCALENDAR\r\n"

static void test_from_icalendar(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(f, arena_printf(f->arena, "<t:MimeContent>%s</t:MimeContent>",
                                                     calendar_encoded(f, ICALENDAR)));

    assert_non_null(id);
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "Subject"), "From a file");
    assert_string_equal(ews_text(f, "Location"), "Prater");
    assert_string_equal(calendar_nth_text(f, "Body", 1), "Bring shoes");
    assert_string_equal(ews_text(f, "UID"), "ical-1");
    assert_string_equal(ews_text(f, "Start"), "2024-03-04T11:00:00Z");
    assert_string_equal(ews_text(f, "CalendarItemType"), "RecurringMaster");
    assert_string_equal(ews_text(f, "NumberOfOccurrences"), "3");
    /* A client is shown a zone that it knows, with the same clocks. */
    assert_string_equal(ews_attr(f, "StartTimeZone", "Id"), "Central Europe Standard Time");
}

static void test_elements_override_the_icalendar(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(
        f, arena_printf(f->arena, "<t:MimeContent>%s</t:MimeContent><t:Subject>Mine</t:Subject>",
                        calendar_encoded(f, ICALENDAR)));

    calendar_get(f, id, ID_ONLY "<t:IncludeMimeContent>true</t:IncludeMimeContent>");
    assert_non_null(strstr(calendar_decoded(f), "SUMMARY:Mine\r\n"));
    assert_non_null(strstr(calendar_decoded(f), "RRULE:"));
}

static void test_what_is_no_icalendar_is_refused(void **state)
{
    static const char *const texts[] = {
        "Subject: mail\r\n\r\nbody", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", "x"};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_null(calendar_create(f, arena_printf(f->arena, "<t:MimeContent>%s</t:MimeContent>",
                                                    calendar_encoded(f, texts[i]))));
        assert_string_equal(calendar_code(f), "ErrorMimeContentInvalid");
    }
}

static void test_mime_content_is_icalendar_of_what_it_is_now(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(f, LUNCH BERLIN);

    calendar_update(f, id, "item:Subject", "<t:Subject>Dinner</t:Subject>");
    calendar_get(f, id, ID_ONLY "<t:IncludeMimeContent>true</t:IncludeMimeContent>");
    assert_memory_equal(calendar_decoded(f), "BEGIN:VCALENDAR\r\n", 17);
    assert_non_null(strstr(calendar_decoded(f), "SUMMARY:Dinner\r\n"));
    assert_non_null(strstr(calendar_decoded(f), "DTSTART;TZID="));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_appointment_reads_back_as_written),
        TEST(test_what_is_not_said_has_a_value),
        TEST(test_it_lies_in_the_calendar),
        TEST(test_invitations_must_be_decided),
        TEST(test_an_end_before_the_start_is_refused),
        TEST(test_an_unknown_zone_is_refused),
        TEST(test_updates_keep_the_rest),
        TEST(test_a_long_body_leaves_the_rest_readable),
        TEST(test_an_all_day_event_has_whole_days_of_its_zone),
        TEST(test_whole_days_stay_as_they_are),
        TEST(test_attendees_by_role),
        TEST(test_attendees_are_appended),
        TEST(test_from_icalendar),
        TEST(test_elements_override_the_icalendar),
        TEST(test_what_is_no_icalendar_is_refused),
        TEST(test_mime_content_is_icalendar_of_what_it_is_now),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
