/* FindItem with a CalendarView: what falls into a span of time, occurrences of series by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "support/answer_schema.h"
#include "support/calendar_requests.h"

#define MARCH "StartDate='2024-03-01T00:00:00Z' EndDate='2024-04-01T00:00:00Z'"

static const char *given(struct ews_fixture *f, const char *subject, const char *start,
                         const char *end)
{
    return calendar_create(f, arena_printf(f->arena,
                                           "<t:Subject>%s</t:Subject><t:Start>%s</t:Start>"
                                           "<t:End>%s</t:End>",
                                           subject, start, end));
}

/* At noon in Berlin from 2024-03-04 on. */
static const char *given_series(struct ews_fixture *f, const char *subject, const char *days,
                                const char *range)
{
    return calendar_create(
        f, arena_printf(f->arena,
                        "<t:Subject>%s</t:Subject><t:Start>2024-03-04T12:00:00+01:00</t:Start>"
                        "<t:End>2024-03-04T13:00:00+01:00</t:End><t:Recurrence>"
                        "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>%s"
                        "</t:DaysOfWeek></t:WeeklyRecurrence>%s</t:Recurrence>" BERLIN,
                        subject, days, range));
}

#define NO_END "<t:NoEndRecurrence><t:StartDate>2024-03-04</t:StartDate></t:NoEndRecurrence>"
#define UNTIL_APRIL                                                                                \
    "<t:EndDateRecurrence><t:StartDate>2024-03-04</t:StartDate><t:EndDate>2024-04-10</t:EndDate>"  \
    "</t:EndDateRecurrence>"

/* "Subject Start type, …" without the year, in the answer's order. */
static const char *rows(struct ews_fixture *f)
{
    struct buf out = BUF_INIT;
    const char *text;

    for (size_t i = 0; i < ews_count(f, "CalendarItem"); i++) {
        const struct xml_node *item = ews_nth(f, "CalendarItem", i);

        buf_printf(&out, "%s%.*s %.*s %.*s", i == 0 ? "" : ", ",
                   STR_ARG(xml_child(item, XML_NS_TYPES, "Subject")->text),
                   STR_ARG(str_sub(xml_child(item, XML_NS_TYPES, "Start")->text, 5, 11)),
                   STR_ARG(xml_child(item, XML_NS_TYPES, "CalendarItemType")->text));
    }
    text = str_cstr(f->arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static void test_what_touches_the_span_is_there(void **state)
{
    struct ews_fixture *f = *state;

    given(f, "before", "2024-02-29T22:00:00Z", "2024-03-01T00:00:00Z");
    given(f, "into", "2024-02-29T23:00:00Z", "2024-03-01T01:00:00Z");
    given(f, "last", "2024-03-31T23:59:00Z", "2024-04-02T00:00:00Z");
    given(f, "moment", "2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z");
    given(f, "after", "2024-04-01T00:00:00Z", "2024-04-01T01:00:00Z");
    given(f, "over", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    calendar_view(f, MARCH);
    assert_string_equal(rows(f), "over 01-01T00:00 Single, into 02-29T23:00 Single, "
                                 "moment 03-01T00:00 Single, last 03-31T23:59 Single");
    assert_string_equal(ews_attr(f, "RootFolder", "TotalItemsInView"), "4");
    assert_string_equal(ews_attr(f, "RootFolder", "IncludesLastItemInRange"), "true");
}

static void test_a_series_is_its_occurrences(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, "week", "Monday", NO_END);

    given(f, "single", "2024-03-12T11:00:00Z", "2024-03-12T12:00:00Z");
    calendar_view(f, MARCH);
    assert_string_equal(rows(f), "week 03-04T11:00 Occurrence, week 03-11T11:00 Occurrence, "
                                 "single 03-12T11:00 Single, week 03-18T11:00 Occurrence, "
                                 "week 03-25T11:00 Occurrence");
    assert_string_not_equal(ews_attr(f, "ItemId", "Id"), master);
    /* The id of a row is the occurrence's. */
    calendar_get_all(f, ews_attr(f, "ItemId", "Id"));
    assert_string_equal(ews_text(f, "Start"), "2024-03-04T11:00:00Z");
}

static void test_noon_is_noon_when_clocks_are_changed(void **state)
{
    struct ews_fixture *f = *state;

    given_series(f, "week", "Monday", UNTIL_APRIL);
    calendar_view(f, "StartDate='2024-03-20T00:00:00Z' EndDate='2024-12-01T00:00:00Z'");
    assert_string_equal(rows(f), "week 03-25T11:00 Occurrence, week 04-01T10:00 Occurrence, "
                                 "week 04-08T10:00 Occurrence");
}

static void test_a_rule_without_end_reaches_far(void **state)
{
    struct ews_fixture *f = *state;

    given_series(f, "week", "Monday", NO_END);
    calendar_view(f, "StartDate='2074-03-01T00:00:00Z' EndDate='2074-03-08T00:00:00Z'");
    assert_string_equal(rows(f), "week 03-05T11:00 Occurrence");
}

static void test_what_has_ended_is_not_there(void **state)
{
    struct ews_fixture *f = *state;

    given_series(f, "week", "Monday", UNTIL_APRIL);
    calendar_view(f, "StartDate='2024-04-10T00:00:00Z' EndDate='2024-05-01T00:00:00Z'");
    assert_string_equal(rows(f), "");
    assert_string_equal(ews_attr(f, "RootFolder", "TotalItemsInView"), "0");
}

static void test_exceptions_stand_where_they_were_moved(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, "week", "Monday", NO_END);
    const char *second = calendar_get_occurrence(f, master, 2);

    calendar_update(f, second, "calendar:End", "<t:End>2024-03-16T10:00:00Z</t:End>");
    calendar_update(f, second, "calendar:Start", "<t:Start>2024-03-16T09:00:00Z</t:Start>");
    calendar_delete(f, calendar_get_occurrence(f, master, 3));
    calendar_view(f, MARCH);
    assert_string_equal(rows(f), "week 03-04T11:00 Occurrence, week 03-16T09:00 Exception, "
                                 "week 03-25T11:00 Occurrence");
}

static void test_an_occurrence_moved_before_the_series_is_found(void **state)
{
    struct ews_fixture *f = *state;
    const char *first = calendar_get_occurrence(f, given_series(f, "week", "Monday", NO_END), 1);

    calendar_update(f, first, "calendar:Start", "<t:Start>2024-01-10T09:00:00Z</t:Start>");
    calendar_update(f, first, "calendar:End", "<t:End>2024-01-10T10:00:00Z</t:End>");
    calendar_view(f, "StartDate='2024-01-01T00:00:00Z' EndDate='2024-02-01T00:00:00Z'");
    assert_string_equal(rows(f), "week 01-10T09:00 Exception");
}

static void test_all_day_events_touch_their_local_days(void **state)
{
    struct ews_fixture *f = *state;

    calendar_create(f, "<t:Subject>day</t:Subject><t:Start>2024-07-01T00:00:00+02:00</t:Start>"
                       "<t:End>2024-07-02T00:00:00+02:00</t:End>"
                       "<t:IsAllDayEvent>true</t:IsAllDayEvent><t:Recurrence><t:DailyRecurrence>"
                       "<t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence>"
                       "<t:StartDate>2024-07-01</t:StartDate><t:NumberOfOccurrences>3"
                       "</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>" BERLIN);
    calendar_view(f, "StartDate='2024-07-02T00:00:00+02:00' EndDate='2024-07-03T00:00:00+02:00'");
    assert_string_equal(rows(f), "day 07-01T22:00 Occurrence");
}

static void test_no_more_than_was_asked_for(void **state)
{
    struct ews_fixture *f = *state;

    given_series(f, "a", "Monday", NO_END);
    given_series(f, "b", "Tuesday", NO_END);
    calendar_view(f, "MaxEntriesReturned='3' " MARCH);
    assert_string_equal(rows(f), "a 03-04T11:00 Occurrence, b 03-05T11:00 Occurrence, "
                                 "a 03-11T11:00 Occurrence");
    assert_string_equal(ews_attr(f, "RootFolder", "IncludesLastItemInRange"), "false");
}

static void test_two_years_of_days_are_cut_to_an_answer(void **state)
{
    struct ews_fixture *f = *state;

    given_series(f, "a", "Sunday Monday Tuesday Wednesday Thursday Friday Saturday", NO_END);
    given_series(f, "b", "Sunday Monday Tuesday Wednesday Thursday Friday Saturday", NO_END);
    calendar_view(f, "StartDate='2025-01-01T00:00:00Z' EndDate='2027-01-01T00:00:00Z'");
    assert_int_equal(ews_count(f, "CalendarItem"), 1000);
    assert_string_equal(ews_attr(f, "RootFolder", "IncludesLastItemInRange"), "false");
    assert_string_equal(ews_attr(f, "RootFolder", "TotalItemsInView"), "1460");
}

static void test_spans_that_are_none(void **state)
{
    struct ews_fixture *f = *state;

    calendar_view(f, "StartDate='2024-03-02T00:00:00Z' EndDate='2024-03-01T00:00:00Z'");
    assert_string_equal(calendar_code(f), "ErrorCalendarEndDateIsEarlierThanStartDate");
    calendar_view(f, "StartDate='2024-03-01T00:00:00Z' EndDate='2026-03-03T00:00:00Z'");
    assert_string_equal(calendar_code(f), "ErrorCalendarViewRangeTooBig");
    calendar_view(f, "MaxEntriesReturned='0' " MARCH);
    assert_string_equal(calendar_code(f), "ErrorInvalidPagingMaxRows");
    calendar_view(f, "StartDate='2024-03-01T00:00:00Z'");
    assert_int_equal(f->outcome, ERR_SCHEMA);
}

static void test_neither_restriction_nor_order(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask(
        f,
        "<m:FindItem Traversal='Shallow'><m:ItemShape>" ID_ONLY "</m:ItemShape>"
        "<m:CalendarView " MARCH "/><m:SortOrder><t:FieldOrder Order='Ascending'>" URI(
            "calendar:Start") "</t:FieldOrder></m:SortOrder><m:ParentFolderIds>"
                              "<t:DistinguishedFolderId Id='calendar'/></m:ParentFolderIds></m:FindItem>");
    assert_string_equal(calendar_code(f), "ErrorInvalidOperation");
}

static void test_only_calendars_have_such_views(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask(f, "<m:FindItem Traversal='Shallow'><m:ItemShape>" ID_ONLY "</m:ItemShape>"
               "<m:CalendarView " MARCH "/><m:ParentFolderIds>"
               "<t:DistinguishedFolderId Id='inbox'/></m:ParentFolderIds></m:FindItem>");
    assert_string_equal(calendar_code(f), "ErrorCalendarFolderIsInvalidForCalendarView");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_touches_the_span_is_there),
        TEST(test_a_series_is_its_occurrences),
        TEST(test_noon_is_noon_when_clocks_are_changed),
        TEST(test_a_rule_without_end_reaches_far),
        TEST(test_what_has_ended_is_not_there),
        TEST(test_exceptions_stand_where_they_were_moved),
        TEST(test_an_occurrence_moved_before_the_series_is_found),
        TEST(test_all_day_events_touch_their_local_days),
        TEST(test_no_more_than_was_asked_for),
        TEST(test_two_years_of_days_are_cut_to_an_answer),
        TEST(test_spans_that_are_none),
        TEST(test_neither_restriction_nor_order),
        TEST(test_only_calendars_have_such_views),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
