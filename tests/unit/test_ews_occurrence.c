/* Changes of single occurrences: every property that an appointment takes, kept beside the series, seen by whoever asks for the occurrence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "support/answer_schema.h"
#include "support/calendar_requests.h"

/* Mondays, noon to one in Berlin. */
#define WEEKLY                                                                                     \
    "<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval>"                                 \
    "<t:DaysOfWeek>Monday</t:DaysOfWeek></t:WeeklyRecurrence>"                                     \
    "<t:NoEndRecurrence><t:StartDate>2024-03-04</t:StartDate></t:NoEndRecurrence></t:Recurrence>"
#define TIMES "<t:Start>2024-03-04T12:00:00+01:00</t:Start><t:End>2024-03-04T13:00:00+01:00</t:End>"
#define ATTENDEE(address)                                                                          \
    "<t:Attendee><t:Mailbox><t:EmailAddress>" address "</t:EmailAddress></t:Mailbox></t:Attendee>"
#define SET_ID "c11ff724-aa03-4555-9952-8fa248a11c3e"
#define COLOUR_URI                                                                                 \
    "<t:ExtendedFieldURI PropertySetId='" SET_ID "' PropertyName='colour' PropertyType='String'/>"
#define COLOURED(value)                                                                            \
    "<t:ExtendedProperty>" COLOUR_URI "<t:Value>" value "</t:Value></t:ExtendedProperty>"
#define SET_COLOUR(value)                                                                          \
    "<t:SetItemField>" COLOUR_URI                                                                  \
    "<t:CalendarItem>" COLOURED(value) "</t:CalendarItem></t:SetItemField>"
#define SHAPE ALL_PROPERTIES "<t:IncludeMimeContent>true</t:IncludeMimeContent>" NAMED(COLOUR_URI)

/* A series that says all it can. */
static const char *given_rich_series(struct ews_fixture *f)
{
    const char *id = calendar_create(
        f, "<t:Subject>Series</t:Subject><t:Sensitivity>Private</t:Sensitivity>"
           "<t:Body BodyType='Text'>All</t:Body>"
           "<t:Categories><t:String>red</t:String></t:Categories><t:Importance>High</t:Importance>"
           "<t:ReminderIsSet>true</t:ReminderIsSet>"
           "<t:ReminderMinutesBeforeStart>15</t:ReminderMinutesBeforeStart>" COLOURED("blue") TIMES
        "<t:Location>Here</t:Location>"
        "<t:RequiredAttendees>" ATTENDEE("bob@example.com") "</t:RequiredAttendees>" WEEKLY BERLIN
                                                            "<t:NetShowUrl>http://n.example.com/"
                                                            "</t:NetShowUrl>");

    assert_string_equal(calendar_code(f), "NoError");
    return id;
}

static const char *given_plain_series(struct ews_fixture *f)
{
    const char *id = calendar_create(f, "<t:Subject>Series</t:Subject>" TIMES WEEKLY BERLIN);

    assert_string_equal(calendar_code(f), "NoError");
    return id;
}

static const char *text_of_extended(struct ews_fixture *f)
{
    return calendar_child(f, "ExtendedProperty", "Value");
}

/* ---- setting ---- */

#define EVERYTHING                                                                                 \
    CALENDAR_SET("item:Subject", "<t:Subject>One</t:Subject>")                                     \
    CALENDAR_SET("item:Sensitivity", "<t:Sensitivity>Confidential</t:Sensitivity>")                \
    CALENDAR_SET("item:Body", "<t:Body BodyType='Text'>Differs</t:Body>")                          \
    CALENDAR_SET("item:Categories", "<t:Categories><t:String>green</t:String>"                     \
                                    "<t:String>blue</t:String></t:Categories>")                    \
    CALENDAR_SET("item:Importance", "<t:Importance>Low</t:Importance>")                            \
    CALENDAR_SET("item:ReminderIsSet", "<t:ReminderIsSet>true</t:ReminderIsSet>")                  \
    CALENDAR_SET("item:ReminderMinutesBeforeStart",                                                \
                 "<t:ReminderMinutesBeforeStart>45</t:ReminderMinutesBeforeStart>")                \
    CALENDAR_SET("calendar:Start", "<t:Start>2024-03-11T14:00:00Z</t:Start>")                      \
    CALENDAR_SET("calendar:End", "<t:End>2024-03-11T16:00:00Z</t:End>")                            \
    CALENDAR_SET("calendar:LegacyFreeBusyStatus",                                                  \
                 "<t:LegacyFreeBusyStatus>WorkingElsewhere</t:LegacyFreeBusyStatus>")              \
    CALENDAR_SET("calendar:Location", "<t:Location>There</t:Location>")                            \
    CALENDAR_SET("calendar:When", "<t:When>later</t:When>")                                        \
    CALENDAR_SET("calendar:IsResponseRequested",                                                   \
                 "<t:IsResponseRequested>false</t:IsResponseRequested>")                           \
    CALENDAR_SET("calendar:RequiredAttendees",                                                     \
                 "<t:RequiredAttendees>" ATTENDEE("eve@example.com") "</t:RequiredAttendees>")     \
    CALENDAR_SET("calendar:OptionalAttendees",                                                     \
                 "<t:OptionalAttendees>" ATTENDEE("opt@example.com") "</t:OptionalAttendees>")     \
    CALENDAR_SET("calendar:Resources",                                                             \
                 "<t:Resources>" ATTENDEE("room@example.com") "</t:Resources>")                    \
    CALENDAR_SET("calendar:EndTimeZone", "<t:EndTimeZone Id='Eastern Standard Time'/>")            \
    CALENDAR_SET("calendar:ConferenceType", "<t:ConferenceType>2</t:ConferenceType>")              \
    CALENDAR_SET("calendar:AllowNewTimeProposal",                                                  \
                 "<t:AllowNewTimeProposal>false</t:AllowNewTimeProposal>")                         \
    CALENDAR_SET("calendar:IsOnlineMeeting", "<t:IsOnlineMeeting>true</t:IsOnlineMeeting>")        \
    CALENDAR_SET("calendar:MeetingWorkspaceUrl",                                                   \
                 "<t:MeetingWorkspaceUrl>http://w.example.com/</t:MeetingWorkspaceUrl>")           \
    SET_COLOUR("yellow")

static void check_everything(struct ews_fixture *f)
{
    assert_string_equal(ews_text(f, "CalendarItemType"), "Exception");
    assert_string_equal(ews_text(f, "Subject"), "One");
    assert_string_equal(ews_text(f, "Sensitivity"), "Confidential");
    assert_string_equal(calendar_nth_text(f, "Body", 1), "Differs");
    assert_string_equal(calendar_nth_text(f, "String", 0), "green");
    assert_string_equal(calendar_nth_text(f, "String", 1), "blue");
    assert_string_equal(ews_text(f, "Importance"), "Low");
    assert_string_equal(ews_text(f, "ReminderIsSet"), "true");
    assert_string_equal(ews_text(f, "ReminderMinutesBeforeStart"), "45");
    assert_string_equal(ews_text(f, "ReminderDueBy"), "2024-03-11T14:00:00Z");
    assert_string_equal(ews_text(f, "Start"), "2024-03-11T14:00:00Z");
    assert_string_equal(ews_text(f, "End"), "2024-03-11T16:00:00Z");
    assert_string_equal(ews_text(f, "OriginalStart"), "2024-03-11T11:00:00Z");
    assert_string_equal(ews_text(f, "LegacyFreeBusyStatus"), "WorkingElsewhere");
    assert_string_equal(ews_text(f, "Location"), "There");
    assert_string_equal(ews_text(f, "When"), "later");
    assert_string_equal(ews_text(f, "IsResponseRequested"), "false");
    assert_string_equal(ews_text(f, "IsMeeting"), "true");
    assert_int_equal(ews_count(f, "Attendee"), 3);
    assert_string_equal(calendar_nth_text(f, "EmailAddress", 1), "eve@example.com");
    assert_string_equal(calendar_nth_text(f, "EmailAddress", 2), "opt@example.com");
    assert_string_equal(calendar_nth_text(f, "EmailAddress", 3), "room@example.com");
    assert_string_equal(ews_attr(f, "EndTimeZone", "Id"), "Eastern Standard Time");
    assert_string_equal(ews_text(f, "ConferenceType"), "2");
    assert_string_equal(ews_text(f, "AllowNewTimeProposal"), "false");
    assert_string_equal(ews_text(f, "IsOnlineMeeting"), "true");
    assert_string_equal(ews_text(f, "MeetingWorkspaceUrl"), "http://w.example.com/");
    assert_string_equal(text_of_extended(f), "yellow");
}

static void check_the_series_is_as_before(struct ews_fixture *f, const char *subject)
{
    assert_string_equal(ews_text(f, "Subject"), subject);
    assert_string_equal(ews_text(f, "Sensitivity"), "Private");
    assert_string_equal(calendar_nth_text(f, "Body", 1), "All");
    assert_int_equal(ews_count(f, "String"), 1);
    assert_string_equal(ews_text(f, "String"), "red");
    assert_string_equal(ews_text(f, "Importance"), "High");
    assert_string_equal(ews_text(f, "ReminderIsSet"), "true");
    assert_string_equal(ews_text(f, "ReminderMinutesBeforeStart"), "15");
    assert_string_equal(ews_text(f, "LegacyFreeBusyStatus"), "Busy");
    assert_int_equal(ews_count(f, "Attendee"), 1);
    assert_string_equal(calendar_nth_text(f, "EmailAddress", 1), "bob@example.com");
    assert_string_equal(ews_text(f, "NetShowUrl"), "http://n.example.com/");
}

static void test_an_occurrence_takes_what_an_appointment_takes(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_rich_series(f);
    const char *id = calendar_get_occurrence(f, master, 2);

    calendar_change(f, id, EVERYTHING);
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get(f, id, SHAPE);
    check_everything(f);
    calendar_get_all(f, master);
    check_the_series_is_as_before(f, "Series");
    calendar_get_occurrence(f, master, 3);
    assert_string_equal(ews_text(f, "CalendarItemType"), "Occurrence");
    check_the_series_is_as_before(f, "Series");
}

static void test_a_later_change_keeps_the_earlier_ones(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_rich_series(f);
    const char *id = calendar_get_occurrence(f, master, 2);

    calendar_change(f, id, EVERYTHING);
    calendar_change(f, id, CALENDAR_SET("calendar:NetShowUrl", "<t:NetShowUrl>x:y</t:NetShowUrl>"));
    assert_string_equal(calendar_code(f), "NoError");
    calendar_change(f, master,
                    CALENDAR_SET("item:Subject", "<t:Subject>Renamed</t:Subject>")
                        CALENDAR_SET("calendar:Location", "<t:Location>Anywhere</t:Location>"));
    calendar_get(f, id, SHAPE);
    check_everything(f);
    assert_string_equal(ews_text(f, "NetShowUrl"), "x:y");
    calendar_get_all(f, master);
    check_the_series_is_as_before(f, "Renamed");
}

static void test_views_show_what_is_its_own(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_get_occurrence(f, given_rich_series(f), 2);

    calendar_change(f, id, EVERYTHING);
    ews_ask(
        f,
        "<m:FindItem Traversal='Shallow'><m:ItemShape>" ALL_PROPERTIES NAMED(
            COLOUR_URI) "</m:ItemShape><m:CalendarView StartDate='2024-03-10T00:00:00Z' "
                        "EndDate='2024-03-12T00:00:00Z'/><m:ParentFolderIds>"
                        "<t:DistinguishedFolderId Id='calendar'/></m:ParentFolderIds></m:FindItem>");
    assert_int_equal(ews_count(f, "CalendarItem"), 1);
    assert_string_equal(ews_attr(f, "ItemId", "Id"), id);
    assert_string_equal(ews_text(f, "Subject"), "One");
    assert_string_equal(ews_text(f, "Importance"), "Low");
    assert_string_equal(ews_text(f, "String"), "green");
    assert_string_equal(ews_text(f, "ReminderMinutesBeforeStart"), "45");
    assert_string_equal(text_of_extended(f), "yellow");
}

static void test_its_mime_content_stands_alone(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_get_occurrence(f, given_rich_series(f), 2), *text;

    calendar_change(f, id, EVERYTHING);
    calendar_get(f, id, SHAPE);
    text = calendar_decoded(f);
    assert_non_null(
        strstr(text, "RECURRENCE-ID;TZID=\"W. Europe Standard Time\":20240311T120000\r\n")
            ?: strstr(text, "RECURRENCE-ID;TZID=W. Europe Standard Time:20240311T120000\r\n"));
    assert_non_null(strstr(text, "SUMMARY:One\r\n"));
    assert_non_null(strstr(text, "DESCRIPTION:Differs\r\n"));
    assert_non_null(strstr(text, "CLASS:CONFIDENTIAL\r\n"));
    assert_non_null(strstr(text, "TRIGGER:-PT45M\r\n"));
    assert_non_null(strstr(text, "mailto:eve@example.com\r\n"));
    assert_null(strstr(text, "bob@example.com"));
    assert_null(strstr(text, "FREQ=WEEKLY"));
}

/* ---- deleting and appending ---- */

static void test_what_the_series_has_can_be_deleted_of_one(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_rich_series(f);
    const char *id = calendar_get_occurrence(f, master, 2);

    calendar_change(f, id,
                    CALENDAR_DELETE("item:Categories") CALENDAR_DELETE("item:Importance")
                        CALENDAR_DELETE("item:Sensitivity") CALENDAR_DELETE("item:ReminderIsSet")
                            CALENDAR_DELETE("item:Body") CALENDAR_DELETE("calendar:Location")
                                CALENDAR_DELETE("calendar:RequiredAttendees") CALENDAR_DELETE(
                                    "calendar:NetShowUrl") "<t:DeleteItemField>" COLOUR_URI
                                                           "</t:DeleteItemField>");
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get(f, id, SHAPE);
    assert_string_equal(ews_text(f, "CalendarItemType"), "Exception");
    assert_int_equal(ews_count(f, "Categories"), 0);
    assert_string_equal(ews_text(f, "Importance"), "Normal");
    assert_string_equal(ews_text(f, "Sensitivity"), "Normal");
    assert_string_equal(ews_text(f, "ReminderIsSet"), "false");
    assert_int_equal(ews_count(f, "ReminderDueBy"), 0);
    assert_string_equal(calendar_nth_text(f, "Body", 1), "");
    assert_int_equal(ews_count(f, "Location"), 0);
    assert_int_equal(ews_count(f, "Attendee"), 0);
    assert_string_equal(ews_text(f, "IsMeeting"), "false");
    assert_int_equal(ews_count(f, "NetShowUrl"), 0);
    assert_int_equal(ews_count(f, "ExtendedProperty"), 0);
    calendar_get_all(f, master);
    check_the_series_is_as_before(f, "Series");
}

static void test_appending_adds_to_what_the_series_has(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_rich_series(f);
    const char *id = calendar_get_occurrence(f, master, 2);

    calendar_change(f, id,
                    CALENDAR_APPEND("calendar:RequiredAttendees",
                                    "<t:RequiredAttendees>" ATTENDEE(
                                        "eve@example.com") "</t:RequiredAttendees>")
                        CALENDAR_APPEND("item:Body", "<t:Body BodyType='Text'>, or some</t:Body>"));
    assert_string_equal(calendar_code(f), "NoError");
    calendar_change(f, id,
                    CALENDAR_APPEND("item:Body", "<t:Body BodyType='Text'>!</t:Body>")
                        CALENDAR_APPEND("calendar:OptionalAttendees",
                                        "<t:OptionalAttendees>" ATTENDEE(
                                            "opt@example.com") "</t:OptionalAttendees>"));
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_int_equal(ews_count(f, "Attendee"), 3);
    assert_string_equal(calendar_nth_text(f, "Body", 1), "All, or some!");
    calendar_get_all(f, master);
    check_the_series_is_as_before(f, "Series");
}

static void test_a_body_can_become_the_series_again(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_get_occurrence(f, given_rich_series(f), 2);

    calendar_update(f, id, "item:Body", "<t:Body BodyType='Text'>Differs</t:Body>");
    calendar_update(f, id, "item:Body", "<t:Body BodyType='Text'>All</t:Body>");
    calendar_get_all(f, id);
    assert_string_equal(calendar_nth_text(f, "Body", 1), "All");
}

static void test_a_body_stays_html(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_rich_series(f);
    const char *id = calendar_get_occurrence(f, master, 2);

    calendar_update(
        f, id, "item:Body",
        "<t:Body BodyType='HTML'>&lt;p&gt;All, &lt;b&gt;bold&lt;/b&gt;&lt;/p&gt;</t:Body>");
    calendar_get_all(f, id);
    assert_string_equal(calendar_nth_text(f, "Body", 1), "<p>All, <b>bold</b></p>");
    calendar_get(f, id, ALL_PROPERTIES "<t:BodyType>Text</t:BodyType>");
    assert_string_equal(calendar_nth_text(f, "Body", 1), "All, bold");
    calendar_change(f, id, CALENDAR_APPEND("item:Body", "<t:Body BodyType='Text'>!</t:Body>"));
    calendar_get_all(f, id);
    assert_memory_equal(calendar_nth_text(f, "Body", 1), "<p>All, <b>bold</b></p>", 23);
    /* The same words in another form are another body. */
    calendar_update(f, id, "item:Body", "<t:Body BodyType='HTML'>&lt;i&gt;All&lt;/i&gt;</t:Body>");
    calendar_get_all(f, id);
    assert_string_equal(calendar_nth_text(f, "Body", 1), "<i>All</i>");
    calendar_update(f, id, "item:Body", "<t:Body BodyType='Text'>plain</t:Body>");
    calendar_get(f, id, ALL_PROPERTIES "<t:BodyType>Best</t:BodyType>");
    assert_string_equal(calendar_nth_text(f, "Body", 1), "plain");
}

static void test_extended_properties_of_both_kinds(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_plain_series(f);
    const char *id = calendar_get_occurrence(f, master, 2);

    /* One that is kept by its name, and the tag of the importance. */
    calendar_change(
        f, id,
        SET_COLOUR("yellow") "<t:SetItemField><t:ExtendedFieldURI PropertyTag='0x0017' "
                             "PropertyType='Integer'/><t:CalendarItem><t:ExtendedProperty>"
                             "<t:ExtendedFieldURI PropertyTag='0x0017' "
                             "PropertyType='Integer'/><t:Value>2</t:Value>"
                             "</t:ExtendedProperty></t:CalendarItem></t:SetItemField>");
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get(f, id, SHAPE);
    assert_string_equal(text_of_extended(f), "yellow");
    assert_string_equal(ews_text(f, "Importance"), "High");
    calendar_get(f, master, SHAPE);
    assert_int_equal(ews_count(f, "ExtendedProperty"), 0);
    calendar_change(f, id, "<t:DeleteItemField>" COLOUR_URI "</t:DeleteItemField>");
    calendar_get(f, id, SHAPE);
    assert_int_equal(ews_count(f, "ExtendedProperty"), 0);
    assert_string_equal(ews_text(f, "Importance"), "High");
}

/* ---- whole days ---- */

static void test_one_of_the_series_lasts_all_day(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_plain_series(f);
    const char *id = calendar_get_occurrence(f, master, 5);

    /* On the first of April summer time is in force. */
    calendar_update(f, id, "calendar:IsAllDayEvent", "<t:IsAllDayEvent>true</t:IsAllDayEvent>");
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "IsAllDayEvent"), "true");
    assert_string_equal(ews_text(f, "Start"), "2024-03-31T22:00:00Z");
    assert_string_equal(ews_text(f, "End"), "2024-04-01T22:00:00Z");
    assert_string_equal(ews_text(f, "OriginalStart"), "2024-04-01T10:00:00Z");
    calendar_get(f, id, ID_ONLY "<t:IncludeMimeContent>true</t:IncludeMimeContent>");
    assert_non_null(strstr(calendar_decoded(f), "DTSTART;VALUE=DATE:20240401\r\n"));
    calendar_get_all(f, master);
    assert_string_equal(ews_text(f, "IsAllDayEvent"), "false");
    calendar_view(f, "StartDate='2024-03-31T22:00:00Z' EndDate='2024-03-31T22:30:00Z'");
    assert_int_equal(ews_count(f, "CalendarItem"), 1);
    calendar_change(f, id,
                    CALENDAR_SET("calendar:IsAllDayEvent", "<t:IsAllDayEvent>0</t:IsAllDayEvent>")
                        CALENDAR_SET("calendar:Start", "<t:Start>2024-04-01T08:00:00Z</t:Start>")
                            CALENDAR_SET("calendar:End", "<t:End>2024-04-01T09:00:00Z</t:End>"));
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "IsAllDayEvent"), "false");
    assert_string_equal(ews_text(f, "Start"), "2024-04-01T08:00:00Z");
}

static void test_one_of_whole_days_gets_times(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = calendar_create(
        f, "<t:Start>2024-03-04T00:00:00+01:00</t:Start><t:End>2024-03-05T00:00:00+01:00</t:End>"
           "<t:IsAllDayEvent>true</t:IsAllDayEvent>" WEEKLY BERLIN);
    const char *id = calendar_get_occurrence(f, master, 5);

    assert_string_equal(ews_text(f, "Start"), "2024-03-31T22:00:00Z");
    calendar_change(
        f, id,
        CALENDAR_SET("calendar:IsAllDayEvent", "<t:IsAllDayEvent>false</t:IsAllDayEvent>")
            CALENDAR_SET("calendar:Start", "<t:Start>2024-04-01T07:30:00Z</t:Start>")
                CALENDAR_SET("calendar:End", "<t:End>2024-04-01T09:00:00Z</t:End>"));
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "IsAllDayEvent"), "false");
    assert_string_equal(ews_text(f, "Start"), "2024-04-01T07:30:00Z");
    assert_string_equal(ews_text(f, "End"), "2024-04-01T09:00:00Z");
    assert_string_equal(ews_text(f, "OriginalStart"), "2024-03-31T22:00:00Z");
    calendar_get_all(f, master);
    assert_string_equal(calendar_child(f, "Occurrence", "Start"), "2024-04-01T07:30:00Z");
    calendar_view(f, "StartDate='2024-04-01T08:00:00Z' EndDate='2024-04-01T08:30:00Z'");
    assert_int_equal(ews_count(f, "CalendarItem"), 1);
    calendar_view(f, "StartDate='2024-04-01T10:00:00Z' EndDate='2024-04-01T12:00:00Z'");
    assert_int_equal(ews_count(f, "CalendarItem"), 0);
}

/* ---- iCalendar ---- */

static void test_its_mime_content_is_taken_back(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_rich_series(f), *mime;
    const char *id = calendar_get_occurrence(f, master, 2);

    mime = arena_printf(
        f->arena, "<t:MimeContent>%s</t:MimeContent>",
        calendar_encoded(f, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\n"
                            "DTSTART:20240311T140000Z\r\nDTEND:20240311T150000Z\r\n"
                            "SUMMARY:Sent\r\nDESCRIPTION:Written\r\nCLASS:CONFIDENTIAL\r\n"
                            "ORGANIZER:mailto:alice@example.com\r\n"
                            "ATTENDEE:mailto:eve@example.com\r\nTRANSP:TRANSPARENT\r\n"
                            "X-EWER-RECORD:AAEB\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"));
    calendar_update(f, id, "item:MimeContent", mime);
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "Subject"), "Sent");
    assert_string_equal(ews_text(f, "Sensitivity"), "Confidential");
    assert_string_equal(ews_text(f, "Start"), "2024-03-11T14:00:00Z");
    assert_string_equal(calendar_nth_text(f, "Body", 1), "Written");
    assert_string_equal(ews_text(f, "LegacyFreeBusyStatus"), "Free");
    assert_string_equal(ews_text(f, "ReminderIsSet"), "false");
    assert_int_equal(ews_count(f, "Attendee"), 1);
    assert_string_equal(calendar_nth_text(f, "EmailAddress", 1), "eve@example.com");
    assert_string_equal(ews_text(f, "Importance"), "High");
    calendar_get_all(f, master);
    check_the_series_is_as_before(f, "Series");
}

/* The second occurrence has a record of its own: base64. */
static const char *given_series_with_record(struct ews_fixture *f, const char *record)
{
    const char *object = arena_printf(
        f->arena,
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20240304T110000Z\r\n"
        "DTEND:20240304T120000Z\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY:Series\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:20240311T110000Z\r\n"
        "DTSTART:20240311T110000Z\r\nDTEND:20240311T120000Z\r\nSUMMARY:Series\r\n"
        "X-EWER-RECORD:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        record);
    const char *id = calendar_create(f, arena_printf(f->arena, "<t:MimeContent>%s</t:MimeContent>",
                                                     calendar_encoded(f, object)));

    assert_non_null(id);
    return id;
}

static void test_what_somebody_else_wrote_there_does_no_harm(void **state)
{
    /* No record; numbers that are none; a start; a text that XML cannot have; a count that lies. */
    static const char *const records[] = {
        "AQID", "AsABMgE=", "AAEqAQI=", "AAEBAgE=", "/////w8B", "AAEBAf8=", "////", "AA=="};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        calendar_get_occurrence(f, given_series_with_record(f, records[i]), 2);
        assert_string_equal(calendar_code(f), "NoError");
        assert_string_equal(ews_text(f, "Start"), "2024-03-11T11:00:00Z");
        assert_string_equal(ews_text(f, "Subject"), "Series");
    }
}

/* ---- a series that is moved ---- */

/* The second is renamed, the third moved to a Wednesday, the fourth deleted, the fifth longer. */
static const char *given_changed_series(struct ews_fixture *f)
{
    const char *master = given_plain_series(f);

    calendar_update(f, calendar_get_occurrence(f, master, 2), "item:Subject",
                    "<t:Subject>Second</t:Subject>");
    calendar_change(f, calendar_get_occurrence(f, master, 3),
                    CALENDAR_SET("calendar:Start", "<t:Start>2024-03-20T09:00:00Z</t:Start>")
                        CALENDAR_SET("calendar:End", "<t:End>2024-03-20T10:00:00Z</t:End>"));
    calendar_delete(f, calendar_get_occurrence(f, master, 4));
    calendar_update(f, calendar_get_occurrence(f, master, 5), "calendar:End",
                    "<t:End>2024-04-01T13:00:00Z</t:End>");
    assert_string_equal(calendar_code(f), "NoError");
    return master;
}

static void check_occurrence(struct ews_fixture *f, const char *master, int index,
                             const char *subject, const char *start, const char *end)
{
    calendar_get_occurrence(f, master, index);
    assert_string_equal(calendar_code(f), "NoError");
    assert_string_equal(ews_text(f, "CalendarItemType"), "Exception");
    assert_string_equal(ews_text(f, "Subject"), subject);
    assert_string_equal(ews_text(f, "Start"), start);
    assert_string_equal(ews_text(f, "End"), end);
}

static void check_deleted(struct ews_fixture *f, const char *master, int index)
{
    calendar_get_occurrence(f, master, index);
    assert_string_equal(calendar_code(f), "ErrorCalendarOccurrenceIsDeletedFromRecurrence");
}

static void test_changes_follow_the_series_to_another_time(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_changed_series(f);

    calendar_change(f, master,
                    CALENDAR_SET("calendar:Start", "<t:Start>2024-03-04T15:00:00+01:00</t:Start>")
                        CALENDAR_SET("calendar:End", "<t:End>2024-03-04T17:00:00+01:00</t:End>"));
    assert_string_equal(calendar_code(f), "NoError");
    check_occurrence(f, master, 2, "Second", "2024-03-11T14:00:00Z", "2024-03-11T16:00:00Z");
    check_occurrence(f, master, 3, "Series", "2024-03-20T09:00:00Z", "2024-03-20T10:00:00Z");
    assert_string_equal(ews_text(f, "OriginalStart"), "2024-03-18T14:00:00Z");
    check_deleted(f, master, 4);
    check_occurrence(f, master, 5, "Series", "2024-04-01T13:00:00Z", "2024-04-01T16:00:00Z");
    calendar_get_all(f, master);
    assert_int_equal(ews_nth(f, "ModifiedOccurrences", 0)->child_count, 3);
    assert_int_equal(ews_count(f, "DeletedOccurrence"), 1);
}

static void test_a_longer_series_has_longer_exceptions(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_changed_series(f);

    calendar_update(f, master, "calendar:End", "<t:End>2024-03-04T12:30:00Z</t:End>");
    check_occurrence(f, master, 2, "Second", "2024-03-11T11:00:00Z", "2024-03-11T12:30:00Z");
    check_occurrence(f, master, 3, "Series", "2024-03-20T09:00:00Z", "2024-03-20T10:00:00Z");
    check_deleted(f, master, 4);
}

static void test_changes_of_days_that_are_left_out_are_dropped(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_changed_series(f);

    /* Two weeks later: the first and second are no more. */
    calendar_change(f, master,
                    CALENDAR_SET("calendar:Start", "<t:Start>2024-03-18T11:00:00Z</t:Start>")
                        CALENDAR_SET("calendar:End", "<t:End>2024-03-18T12:00:00Z</t:End>"));
    assert_string_equal(calendar_code(f), "NoError");
    check_occurrence(f, master, 1, "Series", "2024-03-20T09:00:00Z", "2024-03-20T10:00:00Z");
    check_deleted(f, master, 2);
    check_occurrence(f, master, 3, "Series", "2024-04-01T10:00:00Z", "2024-04-01T13:00:00Z");
    calendar_get_all(f, master);
    assert_int_equal(ews_nth(f, "ModifiedOccurrences", 0)->child_count, 2);
}

static void test_changes_follow_the_series_to_another_zone(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_changed_series(f);

    /* Six in the morning in New York, whose clocks were changed on the tenth of March. */
    calendar_update(f, master, "calendar:StartTimeZone", NEW_YORK);
    assert_string_equal(calendar_code(f), "NoError");
    check_occurrence(f, master, 2, "Second", "2024-03-11T10:00:00Z", "2024-03-11T11:00:00Z");
    check_occurrence(f, master, 3, "Series", "2024-03-20T09:00:00Z", "2024-03-20T10:00:00Z");
    check_deleted(f, master, 4);
}

static void test_changes_follow_the_series_to_whole_days(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_changed_series(f);

    calendar_update(f, master, "calendar:IsAllDayEvent", "<t:IsAllDayEvent>true</t:IsAllDayEvent>");
    assert_string_equal(calendar_code(f), "NoError");
    check_occurrence(f, master, 2, "Second", "2024-03-10T23:00:00Z", "2024-03-11T23:00:00Z");
    assert_string_equal(ews_text(f, "IsAllDayEvent"), "true");
    check_occurrence(f, master, 3, "Series", "2024-03-20T09:00:00Z", "2024-03-20T10:00:00Z");
    assert_string_equal(ews_text(f, "IsAllDayEvent"), "false");
    check_deleted(f, master, 4);
    calendar_change(f, master,
                    CALENDAR_SET("calendar:IsAllDayEvent", "<t:IsAllDayEvent>0</t:IsAllDayEvent>")
                        CALENDAR_SET("calendar:Start", "<t:Start>2024-03-04T11:00:00Z</t:Start>")
                            CALENDAR_SET("calendar:End", "<t:End>2024-03-04T12:00:00Z</t:End>"));
    check_occurrence(f, master, 2, "Second", "2024-03-11T11:00:00Z", "2024-03-11T12:00:00Z");
    check_occurrence(f, master, 3, "Series", "2024-03-20T09:00:00Z", "2024-03-20T10:00:00Z");
    check_deleted(f, master, 4);
}

static void test_changes_of_rules_beyond_the_protocol_follow_too(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(
        f, arena_printf(f->arena, "<t:MimeContent>%s</t:MimeContent>",
                        calendar_encoded(f, "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n"
                                            "DTSTART:20240301T110000Z\r\nDTEND:20240301T120000Z\r\n"
                                            "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15\r\n"
                                            "EXDATE:20240315T110000Z\r\nEND:VEVENT\r\n"
                                            "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:April\r\n"
                                            "RECURRENCE-ID:20240415T110000Z\r\n"
                                            "DTSTART:20240415T110000Z\r\n"
                                            "DTEND:20240415T120000Z\r\nEND:VEVENT\r\n"
                                            "END:VCALENDAR\r\n")));

    calendar_change(f, id,
                    CALENDAR_SET("calendar:Start", "<t:Start>2024-03-01T08:00:00Z</t:Start>")
                        CALENDAR_SET("calendar:End", "<t:End>2024-03-01T09:00:00Z</t:End>"));
    assert_string_equal(calendar_code(f), "NoError");
    check_deleted(f, id, 2);
    check_occurrence(f, id, 4, "April", "2024-04-15T08:00:00Z", "2024-04-15T09:00:00Z");
}

/* ---- what only the series has ---- */

static void test_what_only_the_series_has_is_refused(void **state)
{
    static const char *const updates[] = {
        CALENDAR_SET("calendar:UID", "<t:UID>other</t:UID>"),
        CALENDAR_SET("calendar:Recurrence", WEEKLY),
        CALENDAR_SET("item:Attachments",
                     "<t:Attachments><t:FileAttachment><t:Name>x</t:Name>"
                     "<t:Content>eA==</t:Content></t:FileAttachment></t:Attachments>")};
    struct ews_fixture *f = *state;
    const char *id = calendar_get_occurrence(f, given_plain_series(f), 2);

    for (size_t i = 0; i < ARRAY_LEN(updates); i++) {
        calendar_change(f, id, updates[i]);
        assert_string_equal(calendar_code(f), "ErrorInvalidPropertySet");
    }
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "CalendarItemType"), "Occurrence");
}

static void test_an_end_before_its_start_is_refused(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_get_occurrence(f, given_plain_series(f), 2);

    calendar_update(f, id, "calendar:End", "<t:End>2024-03-11T10:00:00Z</t:End>");
    assert_string_equal(calendar_code(f), "ErrorCalendarEndDateIsEarlierThanStartDate");
}

static void test_many_exceptions_of_a_large_meeting_fit(void **state)
{
    enum { ATTENDEES = 500, OCCURRENCES = 30 };
    struct ews_fixture *f = *state;
    struct buf people = BUF_INIT;
    const char *master;

    for (int i = 0; i < ATTENDEES; i++) {
        buf_printf(&people,
                   "<t:Attendee><t:Mailbox><t:EmailAddress>somebody.with.a.name.%d@example.com"
                   "</t:EmailAddress></t:Mailbox></t:Attendee>",
                   i);
    }
    master = calendar_create(f, arena_printf(f->arena,
                                             TIMES "<t:RequiredAttendees>%.*s"
                                                   "</t:RequiredAttendees>" WEEKLY BERLIN,
                                             STR_ARG(buf_str(&people))));
    buf_fini(&people);
    for (int i = 1; i <= OCCURRENCES; i++) {
        calendar_update(f, calendar_get_occurrence(f, master, i), "item:Importance",
                        "<t:Importance>Low</t:Importance>");
        assert_string_equal(calendar_code(f), "NoError");
    }
    calendar_get_occurrence(f, master, OCCURRENCES);
    assert_string_equal(ews_text(f, "Importance"), "Low");
    assert_int_equal(ews_count(f, "Attendee"), ATTENDEES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_occurrence_takes_what_an_appointment_takes),
        TEST(test_a_later_change_keeps_the_earlier_ones),
        TEST(test_views_show_what_is_its_own),
        TEST(test_its_mime_content_stands_alone),
        TEST(test_what_the_series_has_can_be_deleted_of_one),
        TEST(test_appending_adds_to_what_the_series_has),
        TEST(test_a_body_can_become_the_series_again),
        TEST(test_a_body_stays_html),
        TEST(test_extended_properties_of_both_kinds),
        TEST(test_one_of_the_series_lasts_all_day),
        TEST(test_one_of_whole_days_gets_times),
        TEST(test_its_mime_content_is_taken_back),
        TEST(test_what_somebody_else_wrote_there_does_no_harm),
        TEST(test_changes_follow_the_series_to_another_time),
        TEST(test_a_longer_series_has_longer_exceptions),
        TEST(test_changes_of_days_that_are_left_out_are_dropped),
        TEST(test_changes_follow_the_series_to_another_zone),
        TEST(test_changes_follow_the_series_to_whole_days),
        TEST(test_changes_of_rules_beyond_the_protocol_follow_too),
        TEST(test_what_only_the_series_has_is_refused),
        TEST(test_an_end_before_its_start_is_refused),
        TEST(test_many_exceptions_of_a_large_meeting_fit),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
