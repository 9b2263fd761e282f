/* Recurring appointments: patterns and ranges as written, occurrences by number and by id, exceptions, deletions, clocks that are changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "support/answer_schema.h"
#include "support/calendar_requests.h"

/* ---- patterns and ranges ---- */

#define RECURRENCE(pattern, range) "<t:Recurrence>" pattern range "</t:Recurrence>"
#define ABSOLUTE_YEARLY                                                                            \
    "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>14</t:DayOfMonth><t:Month>March</t:Month>"          \
    "</t:AbsoluteYearlyRecurrence>"
#define RELATIVE_YEARLY                                                                            \
    "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Weekday</t:DaysOfWeek>"                             \
    "<t:DayOfWeekIndex>Last</t:DayOfWeekIndex><t:Month>March</t:Month>"                            \
    "</t:RelativeYearlyRecurrence>"
#define RELATIVE_MONTHLY                                                                           \
    "<t:RelativeMonthlyRecurrence><t:Interval>2</t:Interval><t:DaysOfWeek>Tuesday</t:DaysOfWeek>"  \
    "<t:DayOfWeekIndex>Second</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>"
#define ABSOLUTE_MONTHLY                                                                           \
    "<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>31</t:DayOfMonth>"       \
    "</t:AbsoluteMonthlyRecurrence>"
#define WEEKLY                                                                                     \
    "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday Thursday</t:DaysOfWeek>"   \
    "<t:FirstDayOfWeek>Monday</t:FirstDayOfWeek></t:WeeklyRecurrence>"
#define DAILY "<t:DailyRecurrence><t:Interval>3</t:Interval></t:DailyRecurrence>"
#define EVERY_DAY "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"
#define NO_END "<t:NoEndRecurrence><t:StartDate>2024-03-04</t:StartDate></t:NoEndRecurrence>"
#define UNTIL                                                                                      \
    "<t:EndDateRecurrence><t:StartDate>2024-03-04</t:StartDate><t:EndDate>2024-05-30</t:EndDate>"  \
    "</t:EndDateRecurrence>"
#define TIMES(n)                                                                                   \
    "<t:NumberedRecurrence><t:StartDate>2024-03-04</t:StartDate><t:NumberOfOccurrences>" n         \
    "</t:NumberOfOccurrences></t:NumberedRecurrence>"

/* Monday, noon to one in Berlin. */
#define HEAD                                                                                       \
    "<t:Subject>Series</t:Subject><t:Start>2024-03-04T12:00:00+01:00</t:Start>"                    \
    "<t:End>2024-03-04T13:00:00+01:00</t:End>"

static const char *given_series(struct ews_fixture *f, const char *recurrence)
{
    const char *id = calendar_create(f, arena_printf(f->arena, HEAD "%s" BERLIN, recurrence));

    assert_string_equal(calendar_code(f), "NoError");
    return id;
}

/* Names and texts of an element, as they would stand in XML; dates without their zone. */
static void add_xml(struct buf *out, const struct xml_node *node)
{
    buf_printf(out, "<t:%.*s>", STR_ARG(node->name));
    if (node->first_child == NULL) {
        bool is_date = str_ends_nocase(node->name, STR("Date"));

        buf_add_str(out, is_date ? str_sub(node->text, 0, 10) : node->text);
    }
    for (const struct xml_node *c = node->first_child; c != NULL; c = c->next) {
        add_xml(out, c);
    }
    buf_printf(out, "</t:%.*s>", STR_ARG(node->name));
}

static void check_reads_back(struct ews_fixture *f, const char *recurrence)
{
    struct buf xml = BUF_INIT;

    calendar_get_all(f, given_series(f, recurrence));
    assert_non_null(ews_nth(f, "Recurrence", 0));
    add_xml(&xml, ews_nth(f, "Recurrence", 0));
    assert_string_equal(str_cstr(f->arena, buf_str(&xml)), recurrence);
    assert_string_equal(ews_text(f, "StartDate"), "2024-03-04+00:00");
    buf_fini(&xml);
}

static void test_six_patterns_and_three_ranges_read_back(void **state)
{
    static const char *const recurrences[] = {RECURRENCE(WEEKLY, NO_END), RECURRENCE(DAILY, UNTIL),
                                              RECURRENCE(EVERY_DAY, TIMES("5"))};

    for (size_t i = 0; i < ARRAY_LEN(recurrences); i++) {
        check_reads_back(*state, recurrences[i]);
    }
}

/* With the day that the pattern makes the first one; StartDate follows it. */
static void check_starts(struct ews_fixture *f, const char *pattern, const char *start)
{
    struct buf xml = BUF_INIT;

    calendar_get_all(f, given_series(f, arena_printf(f->arena, RECURRENCE("%s", NO_END), pattern)));
    assert_string_equal(ews_text(f, "Start"), start);
    add_xml(&xml, ews_nth(f, "Recurrence", 0)->first_child);
    assert_string_equal(str_cstr(f->arena, buf_str(&xml)), pattern);
    assert_memory_equal(ews_text(f, "StartDate"), start, 10);
    buf_fini(&xml);
}

static void test_a_series_begins_on_its_patterns_first_day(void **state)
{
    check_starts(*state, ABSOLUTE_YEARLY, "2024-03-14T11:00:00Z");
    check_starts(*state, RELATIVE_YEARLY, "2024-03-29T11:00:00Z");
    check_starts(*state, RELATIVE_MONTHLY, "2024-03-12T11:00:00Z");
    check_starts(*state, ABSOLUTE_MONTHLY, "2024-03-31T10:00:00Z");
}

static void test_a_rule_that_never_comes_true_is_refused(void **state)
{
    struct ews_fixture *f = *state;

    assert_null(calendar_create(
        f, HEAD RECURRENCE("<t:DailyRecurrence><t:Interval>0</t:Interval></t:DailyRecurrence>",
                           NO_END)));
    assert_string_equal(calendar_code(f), "ErrorCalendarInvalidRecurrence");
    assert_null(calendar_create(f, HEAD RECURRENCE(DAILY, TIMES("0"))));
    assert_string_equal(calendar_code(f), "ErrorCalendarInvalidRecurrence");
}

#define EVERY(n) "<t:DailyRecurrence><t:Interval>" n "</t:Interval></t:DailyRecurrence>"
#define ENDS(date)                                                                                 \
    "<t:EndDateRecurrence><t:StartDate>2024-03-04</t:StartDate><t:EndDate>" date                   \
    "</t:EndDate></t:EndDateRecurrence>"

static void test_rules_that_make_no_sense_are_told_apart(void **state)
{
    static const struct {
        const char *recurrence, *code;
    } cases[] = {
        {RECURRENCE(EVERY("-1"), NO_END), "ErrorCalendarInvalidRecurrence"},
        {RECURRENCE(EVERY("1000"), NO_END), "ErrorCalendarInvalidRecurrence"},
        {RECURRENCE(EVERY("2147483647"), NO_END), "ErrorCalendarInvalidRecurrence"},
        {RECURRENCE(EVERY("2147483648"), NO_END), "ErrorSchemaValidation"},
        {RECURRENCE(EVERY("1"), TIMES("-1")), "ErrorCalendarInvalidRecurrence"},
        {RECURRENCE(EVERY("1"), ENDS("2024-03-03")), "ErrorRecurrenceHasNoOccurrence"},
        {RECURRENCE(WEEKLY, ENDS("0001-01-01")), "ErrorRecurrenceHasNoOccurrence"},
        {RECURRENCE(ABSOLUTE_YEARLY, ENDS("2024-03-13")), "ErrorRecurrenceHasNoOccurrence"},
        {RECURRENCE(EVERY("0"), ENDS("2024-03-03")), "ErrorCalendarInvalidRecurrence"},
        {RECURRENCE(EVERY("1"), ENDS("4500-09-02")), "ErrorRecurrenceEndDateTooBig"},
        {RECURRENCE(EVERY("1"), ENDS("9999-12-31")), "ErrorRecurrenceEndDateTooBig"},
        {RECURRENCE("<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval>"
                    "<t:DayOfMonth>0</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>",
                    NO_END),
         "ErrorCalendarInvalidRecurrence"},
        {RECURRENCE("<t:AbsoluteYearlyRecurrence><t:DayOfMonth>30</t:DayOfMonth>"
                    "<t:Month>February</t:Month></t:AbsoluteYearlyRecurrence>",
                    NO_END),
         "ErrorCalendarInvalidRecurrence"},
        {RECURRENCE("<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek/>"
                    "</t:WeeklyRecurrence>",
                    NO_END),
         "ErrorCalendarInvalidRecurrence"},
        {RECURRENCE("<t:WeeklyRecurrence><t:Interval>1</t:Interval>"
                    "<t:DaysOfWeek>Doomsday</t:DaysOfWeek></t:WeeklyRecurrence>",
                    NO_END),
         "ErrorSchemaValidation"},
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_null(calendar_create(f, arena_printf(f->arena, HEAD "%s", cases[i].recurrence)));
        assert_string_equal(ews_text(f, "ResponseCode"), cases[i].code);
    }
}

static void test_rules_without_bounds_cost_nothing(void **state)
{
    static const char *const recurrences[] = {RECURRENCE(EVERY("1"), TIMES("2147483647")),
                                              RECURRENCE(EVERY("1"), ENDS("4500-09-01")),
                                              RECURRENCE(EVERY("999"), NO_END)};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(recurrences); i++) {
        const char *id = given_series(f, recurrences[i]);

        calendar_get_occurrence(f, id, INT32_MAX);
        assert_string_equal(calendar_code(f), "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange");
        calendar_get_all(f, id);
        assert_string_equal(calendar_code(f), "NoError");
    }
    calendar_view(f, "StartDate='4490-01-01T00:00:00Z' EndDate='4490-01-03T00:00:00Z'");
    assert_in_range(ews_count(f, "CalendarItem"), 4, 5);
}

/* Rules of iCalendar: refused, or an appointment that every operation bears. */
static void test_hostile_rules_of_others_do_no_harm(void **state)
{
    static const char *const rules[] = {
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=DAILY;COUNT=2147483647",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-5",
        "FREQ=DAILY;UNTIL=20200101T000000Z",
        "FREQ=DAILY;UNTIL=99991231T235959Z",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=400",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0",
        "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-366,366,1,1,1,1,1,1,1,1",
        "FREQ=YEARLY;BYDAY=99MO,-99SU",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30,31",
        "FREQ=SECONDLY;COUNT=1000000000",
        "FREQ=MINUTELY;BYSECOND=0,1,2,3;BYHOUR=1",
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=6",
        "RSCALE=HEBREW;FREQ=YEARLY",
        "FREQ=NEVER",
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const char *object = arena_printf(
            f->arena,
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:%zu\r\n"
            "DTSTART:20240304T110000Z\r\nDTEND:20240304T120000Z\r\nRRULE:%s\r\nEND:VEVENT\r\n"
            "END:VCALENDAR\r\n",
            i, rules[i]);
        const char *id =
            calendar_create(f, arena_printf(f->arena, "<t:MimeContent>%s</t:MimeContent>",
                                            calendar_encoded(f, object)));

        if (id == NULL) {
            assert_string_equal(calendar_code(f), "ErrorCalendarInvalidRecurrence");
            continue;
        }
        calendar_get_all(f, id);
        assert_string_equal(calendar_code(f), "NoError");
        calendar_update(f, id, "calendar:End", "<t:End>2024-03-04T12:30:00Z</t:End>");
        assert_string_equal(calendar_code(f), "NoError");
        calendar_get_occurrence(f, id, 1000000);
        assert_string_not_equal(calendar_code(f), "fault");
    }
    calendar_view(f, "StartDate='2024-03-01T00:00:00Z' EndDate='2026-03-01T00:00:00Z'");
    assert_string_equal(calendar_code(f), "NoError");
}

static void test_half_a_recurrence_is_a_schema_violation(void **state)
{
    struct ews_fixture *f = *state;

    assert_null(calendar_create(f, HEAD "<t:Recurrence>" DAILY "</t:Recurrence>"));
    assert_int_equal(f->outcome, ERR_SCHEMA);
}

/* ---- the master ---- */

static void test_a_master_tells_its_bounds(void **state)
{
    struct ews_fixture *f = *state;

    calendar_get_all(f, given_series(f, RECURRENCE(WEEKLY, UNTIL)));
    assert_string_equal(ews_text(f, "CalendarItemType"), "RecurringMaster");
    assert_string_equal(ews_text(f, "IsRecurring"), "true");
    assert_string_equal(calendar_child(f, "FirstOccurrence", "Start"), "2024-03-04T11:00:00Z");
    /* Noon, whatever the clocks: it is summer there by then. */
    assert_string_equal(calendar_child(f, "LastOccurrence", "Start"), "2024-05-30T10:00:00Z");
    assert_string_equal(calendar_child(f, "LastOccurrence", "End"), "2024-05-30T11:00:00Z");
    assert_null(ews_nth(f, "ModifiedOccurrences", 0));
    assert_null(ews_nth(f, "DeletedOccurrences", 0));
}

static void test_what_never_ends_has_no_last_occurrence(void **state)
{
    struct ews_fixture *f = *state;

    calendar_get_all(f, given_series(f, RECURRENCE(WEEKLY, NO_END)));
    assert_non_null(ews_nth(f, "FirstOccurrence", 0));
    assert_null(ews_nth(f, "LastOccurrence", 0));
}

static void test_a_series_becomes_a_single_appointment(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = given_series(f, RECURRENCE(WEEKLY, NO_END));

    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite' "
            "SendMeetingInvitationsOrCancellations='SendToNone'><m:ItemChanges><t:ItemChange>"
            "<t:ItemId Id='%s'/><t:Updates><t:DeleteItemField>"
            "<t:FieldURI FieldURI='calendar:Recurrence'/></t:DeleteItemField></t:Updates>"
            "</t:ItemChange></m:ItemChanges></m:UpdateItem>",
            id);
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "CalendarItemType"), "Single");
    assert_null(ews_nth(f, "Recurrence", 0));
}

/* ---- occurrences ---- */

static void test_an_occurrence_by_its_number(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, RECURRENCE(WEEKLY, NO_END)), *id;

    id = calendar_get_occurrence(f, master, 8);
    assert_string_equal(calendar_code(f), "NoError");
    assert_string_not_equal(id, master);
    assert_in_range(strlen(id), 1, 64);
    assert_string_equal(ews_text(f, "CalendarItemType"), "Occurrence");
    assert_string_equal(ews_text(f, "Subject"), "Series");
    assert_string_equal(ews_text(f, "Start"), "2024-03-28T11:00:00Z");
    assert_string_equal(ews_text(f, "OriginalStart"), "2024-03-28T11:00:00Z");
    assert_string_equal(ews_text(f, "RecurrenceId"), "2024-03-28T11:00:00Z");
    assert_null(ews_nth(f, "Recurrence", 0));
    assert_null(ews_nth(f, "FirstOccurrence", 0));
    /* The next one lies behind the change of clocks. */
    calendar_get_occurrence(f, master, 9);
    assert_string_equal(ews_text(f, "Start"), "2024-04-01T10:00:00Z");
}

static void test_an_occurrence_and_its_master_by_the_occurrences_id(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, RECURRENCE(WEEKLY, NO_END));
    const char *id = calendar_get_occurrence(f, master, 3);

    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "Start"), "2024-03-11T11:00:00Z");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), id);
    ews_ask(f,
            "<m:GetItem><m:ItemShape>" ID_ONLY "</m:ItemShape><m:ItemIds>"
            "<t:RecurringMasterItemId OccurrenceId='%s'/></m:ItemIds></m:GetItem>",
            id);
    assert_string_equal(ews_attr(f, "ItemId", "Id"), master);
}

static void test_forms_of_ids_that_do_not_fit(void **state)
{
    struct ews_fixture *f = *state;
    const char *single = calendar_create(f, HEAD);
    const char *master = given_series(f, RECURRENCE(WEEKLY, TIMES("4")));
    const char *id = calendar_get_occurrence(f, master, 1);

    calendar_get_occurrence(f, single, 1);
    assert_string_equal(calendar_code(f), "ErrorCalendarCannotUseIdForOccurrenceId");
    calendar_get_occurrence(f, id, 1);
    assert_string_equal(calendar_code(f), "ErrorCalendarCannotUseIdForOccurrenceId");
    calendar_get_occurrence(f, master, 5);
    assert_string_equal(calendar_code(f), "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange");
    calendar_get_occurrence(f, master, 0);
    assert_string_equal(calendar_code(f), "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange");
    ews_ask(f,
            "<m:GetItem><m:ItemShape>" ID_ONLY "</m:ItemShape><m:ItemIds>"
            "<t:RecurringMasterItemId OccurrenceId='%s'/></m:ItemIds></m:GetItem>",
            master);
    assert_string_equal(calendar_code(f), "ErrorCalendarCannotUseIdForRecurringMasterId");
}

static void test_an_occurrence_cannot_be_moved_to_another_folder(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_get_occurrence(f, given_series(f, RECURRENCE(WEEKLY, NO_END)), 1);

    ews_ask(f,
            "<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id='deleteditems'/>"
            "</m:ToFolderId><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:MoveItem>",
            id);
    assert_string_equal(calendar_code(f), "ErrorCalendarCannotMoveOrCopyOccurrence");
}

/* ---- exceptions ---- */

static void test_a_changed_occurrence_is_an_exception_of_its_master(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, RECURRENCE(WEEKLY, NO_END));
    const char *id = calendar_get_occurrence(f, master, 2);

    calendar_update(f, id, "item:Subject", "<t:Subject>Other</t:Subject>");
    assert_string_equal(calendar_code(f), "NoError");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), id);
    calendar_update(f, id, "item:Body", "<t:Body BodyType='Text'>Differs</t:Body>");
    calendar_update(f, id, "calendar:Location", "<t:Location>Elsewhere</t:Location>");
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "CalendarItemType"), "Exception");
    assert_string_equal(ews_text(f, "Subject"), "Other");
    assert_string_equal(ews_text(f, "Location"), "Elsewhere");
    assert_string_equal(calendar_nth_text(f, "Body", 1), "Differs");
    calendar_get_all(f, master);
    assert_string_equal(ews_text(f, "Subject"), "Series");
    assert_string_equal(calendar_nth_text(f, "Body", 1), "");
    assert_int_equal(ews_nth(f, "ModifiedOccurrences", 0)->child_count, 1);
    assert_string_equal(calendar_child_attr(f, "Occurrence", "ItemId", "Id"), id);
    calendar_get_occurrence(f, master, 3);
    assert_string_equal(ews_text(f, "Subject"), "Series");
}

static void test_a_moved_occurrence_keeps_its_original_start(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, RECURRENCE(WEEKLY, NO_END));
    const char *id = calendar_get_occurrence(f, master, 2);

    calendar_update(f, id, "calendar:End", "<t:End>2024-03-08T10:00:00Z</t:End>");
    calendar_update(f, id, "calendar:Start", "<t:Start>2024-03-08T09:00:00Z</t:Start>");
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "Start"), "2024-03-08T09:00:00Z");
    assert_string_equal(ews_text(f, "OriginalStart"), "2024-03-07T11:00:00Z");
    calendar_get_all(f, master);
    assert_string_equal(calendar_child(f, "Occurrence", "Start"), "2024-03-08T09:00:00Z");
    assert_string_equal(calendar_child(f, "Occurrence", "OriginalStart"), "2024-03-07T11:00:00Z");
}

static void test_an_occurrence_stays_between_its_neighbours(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_get_occurrence(f, given_series(f, RECURRENCE(WEEKLY, NO_END)), 2);

    calendar_update(f, id, "calendar:End", "<t:End>2024-03-13T10:00:00Z</t:End>");
    assert_string_equal(calendar_code(f), "NoError");
    calendar_update(f, id, "calendar:Start", "<t:Start>2024-03-12T09:00:00Z</t:Start>");
    assert_string_equal(calendar_code(f), "ErrorOccurrenceCrossingBoundary");
}

static void test_the_rule_cannot_be_set_on_an_occurrence(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_get_occurrence(f, given_series(f, RECURRENCE(WEEKLY, NO_END)), 2);

    calendar_update(f, id, "calendar:Recurrence", RECURRENCE(DAILY, NO_END));
    assert_string_equal(calendar_code(f), "ErrorInvalidPropertySet");
}

static void test_what_is_so_already_makes_no_exception(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, RECURRENCE(WEEKLY, NO_END));
    const char *id = calendar_get_occurrence(f, master, 2);

    calendar_update(f, id, "item:Subject", "<t:Subject>Series</t:Subject>");
    assert_string_equal(calendar_code(f), "NoError");
    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite' "
            "SendMeetingInvitationsOrCancellations='SendToNone'><m:ItemChanges><t:ItemChange>"
            "<t:ItemId Id='%s'/><t:Updates><t:DeleteItemField>"
            "<t:FieldURI FieldURI='calendar:RequiredAttendees'/></t:DeleteItemField>"
            "<t:DeleteItemField><t:FieldURI FieldURI='calendar:Recurrence'/></t:DeleteItemField>"
            "</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>",
            id);
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_string_equal(ews_text(f, "CalendarItemType"), "Occurrence");
}

static void test_a_deleted_occurrence_is_gone_and_counted(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, RECURRENCE(WEEKLY, TIMES("4")));
    const char *id = calendar_get_occurrence(f, master, 2);

    calendar_delete(f, id);
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_string_equal(calendar_code(f), "ErrorCalendarOccurrenceIsDeletedFromRecurrence");
    calendar_get_occurrence(f, master, 2);
    assert_string_equal(calendar_code(f), "ErrorCalendarOccurrenceIsDeletedFromRecurrence");
    calendar_get_occurrence(f, master, 3);
    assert_string_equal(ews_text(f, "Start"), "2024-03-11T11:00:00Z");
    calendar_get_all(f, master);
    assert_string_equal(calendar_child(f, "DeletedOccurrence", "Start"), "2024-03-07T11:00:00Z");
}

static void test_all_occurrences_can_be_deleted(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, RECURRENCE(WEEKLY, TIMES("2")));
    const char *first = calendar_get_occurrence(f, master, 1);
    const char *second = calendar_get_occurrence(f, master, 2);

    calendar_delete(f, first);
    calendar_delete(f, second);
    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, master);
    assert_int_equal(ews_count(f, "DeletedOccurrence"), 2);
    assert_null(ews_nth(f, "FirstOccurrence", 0));
}

static void test_another_rule_of_the_series_drops_its_exceptions(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, RECURRENCE(WEEKLY, NO_END));

    calendar_update(f, calendar_get_occurrence(f, master, 2), "item:Subject",
                    "<t:Subject>Other</t:Subject>");
    calendar_update(f, master, "item:Subject", "<t:Subject>Renamed</t:Subject>");
    calendar_get_all(f, master);
    assert_int_equal(ews_nth(f, "ModifiedOccurrences", 0)->child_count, 1);
    calendar_update(f, master, "calendar:Recurrence", RECURRENCE(DAILY, NO_END));
    calendar_get_all(f, master);
    assert_null(ews_nth(f, "ModifiedOccurrences", 0));
    assert_string_equal(ews_text(f, "Interval"), "3");
}

/* ---- all-day series ---- */

static void test_an_all_day_series_keeps_to_its_days(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = calendar_create(
        f, "<t:Start>2024-03-29T00:00:00+01:00</t:Start><t:End>2024-03-30T00:00:00+01:00</t:End>"
           "<t:IsAllDayEvent>true</t:IsAllDayEvent>" RECURRENCE(
               EVERY_DAY, "<t:NumberedRecurrence><t:StartDate>2024-03-29</t:StartDate>"
                          "<t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence>")
               BERLIN);
    const char *third = calendar_get_occurrence(f, master, 3);

    assert_string_equal(ews_text(f, "Start"), "2024-03-30T23:00:00Z");
    assert_string_equal(ews_text(f, "End"), "2024-03-31T22:00:00Z");
    calendar_delete(f, third);
    calendar_get_all(f, master);
    assert_string_equal(calendar_child(f, "LastOccurrence", "Start"), "2024-04-01T22:00:00Z");
    assert_string_equal(calendar_child(f, "DeletedOccurrence", "Start"), "2024-03-30T23:00:00Z");
}

/* ---- sync ---- */

static const char *sync_calendar(struct ews_fixture *f, const char *sync_state)
{
    ews_ask(f,
            "<m:SyncFolderItems><m:ItemShape>" ID_ONLY "</m:ItemShape><m:SyncFolderId>"
            "<t:DistinguishedFolderId Id='calendar'/></m:SyncFolderId><m:SyncState>%s"
            "</m:SyncState><m:MaxChangesReturned>100</m:MaxChangesReturned></m:SyncFolderItems>",
            sync_state);
    return ews_text(f, "SyncState");
}

static void test_a_change_of_an_occurrence_is_an_update_of_the_master(void **state)
{
    struct ews_fixture *f = *state;
    const char *master = given_series(f, RECURRENCE(WEEKLY, NO_END));
    const char *second = calendar_get_occurrence(f, master, 2);
    const char *third = calendar_get_occurrence(f, master, 3);
    const char *at = sync_calendar(f, "");

    assert_int_equal(ews_count(f, "Create"), 1);
    calendar_update(f, second, "item:Subject", "<t:Subject>Other</t:Subject>");
    at = sync_calendar(f, at);
    assert_string_equal(ews_outline(f, ews_nth(f, "Changes", 0)),
                        "Changes(Update(CalendarItem(ItemId)))");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), master);
    calendar_delete(f, third);
    sync_calendar(f, at);
    assert_string_equal(ews_outline(f, ews_nth(f, "Changes", 0)),
                        "Changes(Update(CalendarItem(ItemId)))");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_six_patterns_and_three_ranges_read_back),
        TEST(test_a_series_begins_on_its_patterns_first_day),
        TEST(test_a_rule_that_never_comes_true_is_refused),
        TEST(test_rules_that_make_no_sense_are_told_apart),
        TEST(test_rules_without_bounds_cost_nothing),
        TEST(test_hostile_rules_of_others_do_no_harm),
        TEST(test_half_a_recurrence_is_a_schema_violation),
        TEST(test_a_master_tells_its_bounds),
        TEST(test_what_never_ends_has_no_last_occurrence),
        TEST(test_a_series_becomes_a_single_appointment),
        TEST(test_an_occurrence_by_its_number),
        TEST(test_an_occurrence_and_its_master_by_the_occurrences_id),
        TEST(test_forms_of_ids_that_do_not_fit),
        TEST(test_an_occurrence_cannot_be_moved_to_another_folder),
        TEST(test_a_changed_occurrence_is_an_exception_of_its_master),
        TEST(test_a_moved_occurrence_keeps_its_original_start),
        TEST(test_an_occurrence_stays_between_its_neighbours),
        TEST(test_the_rule_cannot_be_set_on_an_occurrence),
        TEST(test_what_is_so_already_makes_no_exception),
        TEST(test_a_deleted_occurrence_is_gone_and_counted),
        TEST(test_all_occurrences_can_be_deleted),
        TEST(test_another_rule_of_the_series_drops_its_exceptions),
        TEST(test_an_all_day_series_keeps_to_its_days),
        TEST(test_a_change_of_an_occurrence_is_an_update_of_the_master),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
