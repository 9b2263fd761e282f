/* ConflictingMeetings, AdjacentMeetings and their counts: what else lies in the calendar at the time of an appointment, or just before and after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "ews/limits.h"
#include "mailbox/permissions.h"
#include "support/answer_schema.h"
#include "support/calendar_requests.h"

#define ABOUT                                                                                      \
    ID_ONLY NAMED(URI("calendar:ConflictingMeetingCount") URI("calendar:AdjacentMeetingCount")     \
                      URI("calendar:ConflictingMeetings") URI("calendar:AdjacentMeetings"))

static const char *given_with(struct ews_fixture *f, const char *subject, const char *start,
                              const char *end, const char *more)
{
    const char *id = calendar_create(f, arena_printf(f->arena,
                                                     "<t:Subject>%s</t:Subject>"
                                                     "<t:Start>2024-03-11T%s:00Z</t:Start>"
                                                     "<t:End>2024-03-11T%s:00Z</t:End>%s",
                                                     subject, start, end, more));

    assert_string_equal(calendar_code(f), "NoError");
    return id;
}

static const char *given(struct ews_fixture *f, const char *subject, const char *start,
                         const char *end)
{
    return given_with(f, subject, start, end, "");
}

/* "conflicting/adjacent: Subjects; Subjects", of the answer. */
static const char *told(struct ews_fixture *f)
{
    static const char *const lists[] = {"ConflictingMeetings", "AdjacentMeetings"};
    struct buf out = BUF_INIT;
    const char *text;

    buf_printf(&out, "%s/%s:", calendar_nth_text(f, "ConflictingMeetingCount", 0),
               calendar_nth_text(f, "AdjacentMeetingCount", 0));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct xml_node *list = ews_nth(f, lists[i], 0);

        buf_add_cstr(&out, i == 0 ? "" : ";");
        for (const struct xml_node *c = list != NULL ? list->first_child : NULL; c != NULL;
             c = c->next) {
            buf_printf(&out, " %.*s", STR_ARG(xml_child(c, XML_NS_TYPES, "Subject")->text));
        }
    }
    text = str_cstr(f->arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static const char *beside(struct ews_fixture *f, const char *id)
{
    calendar_get(f, id, ABOUT);
    return told(f);
}

static void test_what_overlaps_conflicts_and_what_touches_is_adjacent(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, "It", "12:00", "13:00");

    assert_string_equal(beside(f, id), "0/0:;");
    given(f, "Within", "12:20", "12:30");
    given(f, "Around", "08:00", "18:00");
    given(f, "Into", "11:30", "12:01");
    given(f, "Out", "12:59", "14:00");
    given(f, "Before", "11:00", "12:00");
    given(f, "After", "13:00", "14:00");
    given(f, "Earlier", "10:00", "11:59");
    given(f, "Later", "13:01", "14:00");
    assert_string_equal(beside(f, id), "4/2: Around Into Within Out; Before After");
}

static void test_neighbours_are_shown_as_what_they_are(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, "It", "12:00", "13:00");
    const char *other = given_with(f, "Other", "12:00", "12:30",
                                   "<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus>"
                                   "<t:Location>There</t:Location>");

    calendar_get_all(f, id);
    assert_string_equal(ews_outline(f, ews_nth(f, "ConflictingMeetings", 0)),
                        "ConflictingMeetings(CalendarItem(ItemId Subject Start End "
                        "LegacyFreeBusyStatus Location))");
    assert_string_equal(
        str_cstr(f->arena,
                 xml_attr(ews_nth(f, "ConflictingMeetings", 0)->first_child->first_child, "Id")),
        other);
    assert_string_equal(calendar_nth_text(f, "LegacyFreeBusyStatus", 1), "OOF");
    assert_null(ews_nth(f, "AdjacentMeetings", 0));
}

static void test_what_is_free_is_in_nobodys_way(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, "It", "12:00", "13:00");

    given_with(f, "Free", "12:00", "13:00",
               "<t:LegacyFreeBusyStatus>Free</t:LegacyFreeBusyStatus>");
    given_with(f, "Perhaps", "12:00", "13:00",
               "<t:LegacyFreeBusyStatus>Tentative</t:LegacyFreeBusyStatus>");
    assert_string_equal(beside(f, id), "1/0: Perhaps;");
}

/* ---- series ---- */

/* Every Monday and Tuesday, twelve to one, from the fourth of March on. */
#define WEEKLY                                                                                     \
    "<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval>"                                 \
    "<t:DaysOfWeek>Monday Tuesday</t:DaysOfWeek></t:WeeklyRecurrence><t:NoEndRecurrence>"          \
    "<t:StartDate>2024-03-04</t:StartDate></t:NoEndRecurrence></t:Recurrence>"

static const char *given_series(struct ews_fixture *f)
{
    return calendar_create(f, "<t:Subject>Series</t:Subject><t:Start>2024-03-04T12:00:00Z</t:Start>"
                              "<t:End>2024-03-04T13:00:00Z</t:End>" WEEKLY);
}

static void test_occurrences_are_neighbours(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f);
    const char *id = given(f, "It", "12:30", "13:30"), *third;

    assert_string_equal(beside(f, id), "1/0: Series;");
    third = calendar_get_occurrence(f, master, 3);
    calendar_get(f, id, ABOUT);
    assert_string_equal(
        str_cstr(f->arena,
                 xml_attr(ews_nth(f, "ConflictingMeetings", 0)->first_child->first_child, "Id")),
        third);
    /* Moved away, then deleted where it would have been. */
    calendar_change(f, third,
                    CALENDAR_SET("calendar:Start", "<t:Start>2024-03-11T13:30:00Z</t:Start>")
                        CALENDAR_SET("calendar:End", "<t:End>2024-03-11T14:00:00Z</t:End>")
                            CALENDAR_SET("item:Subject", "<t:Subject>Moved</t:Subject>"));
    assert_string_equal(beside(f, id), "0/1:; Moved");
    calendar_update(f, third, "calendar:LegacyFreeBusyStatus",
                    "<t:LegacyFreeBusyStatus>Free</t:LegacyFreeBusyStatus>");
    assert_string_equal(beside(f, id), "0/0:;");
    calendar_delete(f, third);
    assert_string_equal(beside(f, id), "0/0:;");
}

static void test_occurrences_have_neighbours(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f), *first, *second;

    given(f, "Single", "12:30", "13:30");
    assert_string_equal(beside(f, calendar_get_occurrence(f, master, 3)), "1/0: Single;");
    assert_string_equal(beside(f, calendar_get_occurrence(f, master, 5)), "0/0:;");
    /* The master stands for its first, and is not in its own way; the next one may be. */
    assert_string_equal(beside(f, master), "0/0:;");
    first = calendar_get_occurrence(f, master, 1);
    second = calendar_get_occurrence(f, master, 2);
    calendar_update(f, first, "calendar:End", "<t:End>2024-03-05T12:00:00Z</t:End>");
    assert_string_equal(beside(f, second), "0/1:; Series");
}

static void test_whole_days_are_local_days(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, "It", "22:30", "23:00"), *day;

    day = calendar_create(
        f, "<t:Subject>Day</t:Subject><t:Start>2024-03-11T00:00:00+01:00</t:Start>"
           "<t:End>2024-03-12T00:00:00+01:00</t:End><t:IsAllDayEvent>true</t:IsAllDayEvent>"
           "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"
           "<t:NumberedRecurrence><t:StartDate>2024-03-11</t:StartDate>"
           "<t:NumberOfOccurrences>2</t:NumberOfOccurrences></t:NumberedRecurrence>"
           "</t:Recurrence>" BERLIN);
    /* The day ends at 23:00 UTC, when the next one begins. */
    assert_string_equal(beside(f, id), "1/1: Day; Day");
    assert_string_equal(beside(f, calendar_get_occurrence(f, day, 1)), "1/1: It; Day");
}

/* ---- meeting requests ---- */

#define REQUEST                                                                                    \
    "From: Dan <dan@example.com>\r\nTo: alice@example.com\r\nSubject: Asked\r\n"                   \
    "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n"      \
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"      \
    "UID:asked\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:20240311T120000Z\r\n"                        \
    "DTEND:20240311T130000Z\r\nORGANIZER:mailto:dan@example.com\r\n"                               \
    "ATTENDEE:mailto:alice@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

static void test_a_request_tells_what_it_is_in_the_way_of(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = ews_item_id(f, ews_given_mime(f, ews_folder(f, DF_INBOX), REQUEST));

    given(f, "Other", "12:30", "13:30");
    given_with(f, "Asked", "12:00", "13:00", "");
    assert_string_equal(beside(f, id), "2/0: Asked Other;");
    calendar_create(f, "<t:Subject>Own</t:Subject><t:UID>asked</t:UID>"
                       "<t:Start>2024-03-11T12:00:00Z</t:Start>"
                       "<t:End>2024-03-11T13:00:00Z</t:End>");
    assert_string_equal(beside(f, id), "2/0: Asked Other;");
}

/* ---- bounds ---- */

static void test_of_a_crowded_hour_nothing_is_said(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, "It", "12:00", "13:00");

    for (int i = 0; i < NEIGHBOURS_MAX_FOUND; i++) {
        given(f, "x", "12:00", "13:00");
    }
    calendar_get(f, id, ABOUT);
    assert_string_equal(ews_text(f, "ConflictingMeetingCount"), "100");
    assert_int_equal(ews_nth(f, "ConflictingMeetings", 0)->child_count, NEIGHBOURS_MAX_FOUND);
    given(f, "x", "12:00", "13:00");
    assert_string_equal(beside(f, id), "(none)/(none):;");
}

static void test_of_others_calendars_nothing_is_said(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given(f, "It", "12:00", "13:00");

    given(f, "Other", "12:00", "13:00");
    ews_given_rights(f, ews_folder(f, DF_CALENDAR), f->bob,
                     RIGHT_READ_ITEMS | RIGHT_FOLDER_VISIBLE);
    f->as = f->bob;
    calendar_get(f, id, ABOUT);
    assert_string_equal(calendar_code(f), "NoError");
    assert_string_equal(told(f), "(none)/(none):;");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_overlaps_conflicts_and_what_touches_is_adjacent),
        TEST(test_neighbours_are_shown_as_what_they_are),
        TEST(test_what_is_free_is_in_nobodys_way),
        TEST(test_occurrences_are_neighbours),
        TEST(test_occurrences_have_neighbours),
        TEST(test_whole_days_are_local_days),
        TEST(test_a_request_tells_what_it_is_in_the_way_of),
        TEST(test_of_a_crowded_hour_nothing_is_said),
        TEST(test_of_others_calendars_nothing_is_said),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
