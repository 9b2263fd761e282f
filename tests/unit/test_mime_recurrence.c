/* Events with rules: read, written, expanded. What the arithmetic of the patterns says is compared with what following their rules day by day gives. */
#include "support/mime_fixture.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "mime/recurrence.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static int64_t at(const char *text)
{
    int64_t ms = 0;

    assert_true(time_parse(str_from(text), 0, &ms));
    return ms;
}

static void assert_time(int64_t actual, const char *expected)
{
    char text[TIME_TEXT_BYTES];
    size_t n = time_format(actual, false, text);

    assert_text(str_of(text, n), expected);
}

static struct calendar_event parsed(void **state, const char *lines)
{
    struct str text = str_printf(*state, "BEGIN:VCALENDAR\nVERSION:2.0\n%sEND:VCALENDAR\n", lines);
    struct calendar_event event;
    struct err err = ERR_INIT;

    if (event_parse(text, *state, &event, &err) < 0) {
        fail_msg("%s", err.log_text);
    }
    return event;
}

#define EVENT(lines) "BEGIN:VEVENT\nUID:1\n" lines "END:VEVENT\n"

static struct calendar_event rewritten(struct arena *arena, const struct calendar_event *event)
{
    struct calendar_event again;
    struct err err = ERR_INIT;

    if (event_parse(event_write(event, arena), arena, &again, &err) < 0) {
        fail_msg("%s", err.log_text);
    }
    return again;
}

struct list {
    struct occurrence *v;
    size_t n;
    bool more;
};

static struct list occurrences(struct arena *arena, const struct calendar_event *event,
                               int64_t from, int64_t to, size_t max)
{
    struct err err = ERR_INIT;
    struct list list;

    if (event_occurrences(event, from, to, max, arena, &list.v, &list.n, &list.more, &err) < 0) {
        fail_msg("%s", err.log_text);
    }
    return list;
}

static struct list between(void **state, const struct calendar_event *event, const char *from,
                           const char *to)
{
    return occurrences(*state, event, at(from), at(to), 1000);
}

/* A daily standup in Berlin, 09:00 to 09:15 on its clocks. */
static struct calendar_event standup(void)
{
    return (struct calendar_event){.uid = STR("standup"),
                                   .summary = STR("Standup"),
                                   .tzid = STR("Europe/Berlin"),
                                   .start_ms = at("2024-01-01T08:00:00Z"),
                                   .end_ms = at("2024-01-01T08:15:00Z"),
                                   .busy = MIME_BUSY_BUSY,
                                   .recurrence = {.pattern = RECUR_DAILY,
                                                  .interval = 1,
                                                  .start_day_ms = at("2024-01-01T00:00:00Z")}};
}

/* ---- patterns ---- */

static void check_starts(void **state, struct recurrence r, const char *start,
                         const char *const *expected)
{
    struct calendar_event e = {
        .start_ms = at(start), .end_ms = at(start) + HOUR_MS, .recurrence = r};
    struct list list;

    e.recurrence.start_day_ms = e.start_ms / DAY_MS * DAY_MS;
    list = occurrences(*state, &e, e.start_ms, INT64_MAX, 4);
    for (size_t i = 0; i < list.n; i++) {
        assert_time(list.v[i].start_ms, expected[i]);
        assert_int_equal(list.v[i].index, i + 1);
    }
    assert_int_equal(list.n, 4);
}

#define STARTS(start, first, second, third, fourth, ...)                                           \
    check_starts(state, (struct recurrence){__VA_ARGS__}, start "T09:00:00Z",                      \
                 (const char *const[]){first "T09:00:00Z", second "T09:00:00Z",                    \
                                       third "T09:00:00Z", fourth "T09:00:00Z"})

static void the_six_patterns_give_their_days(void **state)
{
    STARTS("2024-02-28", "2024-02-28", "2024-03-01", "2024-03-03", "2024-03-05",
           .pattern = RECUR_DAILY, .interval = 2);
    /* Every second week, Monday and Friday, from a Wednesday on. */
    STARTS("2024-05-01", "2024-05-03", "2024-05-13", "2024-05-17", "2024-05-27",
           .pattern = RECUR_WEEKLY, .interval = 2, .days = 1u << 1 | 1u << 5,
           .first_day_of_week = 1);
    STARTS("2024-01-31", "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30",
           .pattern = RECUR_ABSOLUTE_MONTHLY, .interval = 1, .day_of_month = 31);
    STARTS("2024-01-15", "2024-02-10", "2024-03-10", "2024-04-10", "2024-05-10",
           .pattern = RECUR_ABSOLUTE_MONTHLY, .interval = 1, .day_of_month = 10);
    STARTS("2024-01-01", "2024-01-30", "2024-02-27", "2024-03-26", "2024-04-30",
           .pattern = RECUR_RELATIVE_MONTHLY, .interval = 1, .days = 1u << 2, .week = -1);
    /* The second weekend day of every third month. */
    STARTS("2024-01-01", "2024-01-07", "2024-04-07", "2024-07-07", "2024-10-06",
           .pattern = RECUR_RELATIVE_MONTHLY, .interval = 3, .days = 0x41, .week = 2);
    STARTS("2023-03-01", "2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28",
           .pattern = RECUR_ABSOLUTE_YEARLY, .interval = 1, .month = 2, .day_of_month = 29);
    STARTS("2024-12-01", "2025-11-27", "2026-11-26", "2027-11-25", "2028-11-23",
           .pattern = RECUR_RELATIVE_YEARLY, .interval = 1, .month = 11, .days = 1u << 4,
           .week = 4);
}

static void the_first_day_of_the_week_decides_which_weeks_count(void **state)
{
    /* RFC 5545's own example: Tuesday and Sunday, every second week. */
    STARTS("1997-08-05", "1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24",
           .pattern = RECUR_WEEKLY, .interval = 2, .days = 1u << 2 | 1u, .first_day_of_week = 1);
    STARTS("1997-08-05", "1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31",
           .pattern = RECUR_WEEKLY, .interval = 2, .days = 1u << 2 | 1u, .first_day_of_week = 0);
}

static void impossible_rules_are_refused(void **state)
{
    static const struct recurrence bad[] = {
        {.pattern = RECUR_NONE, .interval = 1},
        {.pattern = RECUR_DAILY, .interval = 0},
        {.pattern = RECUR_DAILY, .interval = 1000},
        {.pattern = RECUR_DAILY, .interval = -1},
        {.pattern = (enum recur_pattern)77, .interval = 1},
        {.pattern = RECUR_DAILY, .interval = 1, .first_day_of_week = 7},
        {.pattern = RECUR_DAILY, .interval = 1, .start_day_ms = 1},
        {.pattern = RECUR_DAILY, .interval = 1, .start_day_ms = INT64_MAX / DAY_MS * DAY_MS},
        {.pattern = RECUR_DAILY, .interval = 1, .range = RECUR_NUMBERED, .count = 0},
        {.pattern = RECUR_DAILY, .interval = 1, .range = RECUR_END_DATE, .end_day_ms = -DAY_MS},
        {.pattern = RECUR_WEEKLY, .interval = 1},
        {.pattern = RECUR_WEEKLY, .interval = 1, .days = 0x80},
        {.pattern = RECUR_WEEKLY,
         .interval = 1,
         .days = 1u,
         .range = RECUR_END_DATE,
         .end_day_ms = 2 * DAY_MS},
        {.pattern = RECUR_ABSOLUTE_MONTHLY, .interval = 1, .day_of_month = 32},
        {.pattern = RECUR_ABSOLUTE_MONTHLY, .interval = 1},
        {.pattern = RECUR_RELATIVE_MONTHLY, .interval = 1, .days = 1, .week = 5},
        {.pattern = RECUR_RELATIVE_MONTHLY, .interval = 1, .days = 1, .week = 0},
        {.pattern = RECUR_ABSOLUTE_YEARLY, .interval = 1, .month = 2, .day_of_month = 30},
        {.pattern = RECUR_ABSOLUTE_YEARLY, .interval = 1, .month = 13, .day_of_month = 1},
        {.pattern = RECUR_ABSOLUTE_YEARLY, .interval = 2, .month = 1, .day_of_month = 1},
        {.pattern = RECUR_RELATIVE_YEARLY, .interval = 1, .month = 0, .days = 1, .week = 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct calendar_event e = {.recurrence = bad[i], .end_ms = HOUR_MS};
        struct err err = ERR_INIT;

        if (recurrence_check(&bad[i], &err) != -ERR_PROPERTY_VALUE) {
            fail_msg("case %zu was not refused", i);
        }
        event_settle(&e);
        assert_int_equal(rewritten(*state, &e).recurrence.pattern, RECUR_NONE);
    }
}

/* ---- time zones ---- */

static void nine_o_clock_stays_nine_o_clock(void **state)
{
    static const char *const zones[] = {"Europe/Berlin", "W. Europe Standard Time"};

    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        struct calendar_event e = standup();
        struct list list;

        e.tzid = str_from(zones[i]);
        list = between(state, &e, "2024-03-30T00:00:00Z", "2024-04-01T00:00:00Z");
        assert_int_equal(list.n, 2);
        assert_time(list.v[0].start_ms, "2024-03-30T08:00:00Z");
        assert_time(list.v[1].start_ms, "2024-03-31T07:00:00Z");
        assert_time(list.v[1].end_ms, "2024-03-31T07:15:00Z");
        list = between(state, &e, "2024-10-26T00:00:00Z", "2024-10-28T00:00:00Z");
        assert_time(list.v[0].start_ms, "2024-10-26T07:00:00Z");
        assert_time(list.v[1].start_ms, "2024-10-27T08:00:00Z");
    }
}

static void a_night_shift_ends_when_the_clock_says(void **state)
{
    struct calendar_event e = standup();
    struct list list;

    e.start_ms = at("2024-01-01T21:00:00Z");
    e.end_ms = at("2024-01-02T05:00:00Z");
    list = between(state, &e, "2024-03-31T00:00:00Z", "2024-03-31T01:00:00Z");
    assert_int_equal(list.n, 1);
    assert_time(list.v[0].start_ms, "2024-03-30T21:00:00Z");
    assert_time(list.v[0].end_ms, "2024-03-31T04:00:00Z");
}

static void a_day_is_of_the_zone_not_of_utc(void **state)
{
    struct calendar_event e = {.tzid = STR("America/Los_Angeles"),
                               .start_ms = at("2024-06-04T03:00:00Z"), /* Monday evening */
                               .end_ms = at("2024-06-04T04:00:00Z"),
                               .recurrence = {.pattern = RECUR_WEEKLY,
                                              .interval = 1,
                                              .days = 1u << 1,
                                              .start_day_ms = at("2024-06-03T00:00:00Z")}};
    struct list list = between(state, &e, "2024-06-01T00:00:00Z", "2024-06-12T00:00:00Z");

    assert_int_equal(list.n, 2);
    assert_time(list.v[0].start_ms, "2024-06-04T03:00:00Z");
    assert_time(list.v[1].start_ms, "2024-06-11T03:00:00Z");
}

static void days_have_no_zone(void **state)
{
    struct calendar_event e = parsed(
        state,
        EVENT("DTSTART;VALUE=DATE:20240330\nDTEND;VALUE=DATE:20240331\nRRULE:FREQ=DAILY;COUNT=3\n"
              "EXDATE;VALUE=DATE:20240331\n"));
    struct list list;

    e.tzid = STR("Europe/Berlin");
    list = between(state, &e, "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    assert_int_equal(list.n, 2);
    assert_time(list.v[1].start_ms, "2024-04-01T00:00:00Z");
    assert_time(list.v[1].end_ms, "2024-04-02T00:00:00Z");
    assert_int_equal(list.v[1].index, 3);
    assert_text(rewritten(*state, &e).tzid, "Europe/Berlin");
}

/* Clocks that nobody's zone files know: two hours east, three in summer from the first of May on. */
#define ODD_ZONE                                                                                                        \
    "BEGIN:VTIMEZONE\nTZID:Our Island\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0200\n" \
    "RRULE:FREQ=YEARLY;BYMONTH=9;BYDAY=1SU\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T000000\n"                    \
    "TZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=1SU\nEND:DAYLIGHT\nEND:VTIMEZONE\n"

static void a_zone_of_the_calendar_s_own_is_kept(void **state)
{
    struct calendar_event e = parsed(
        state, ODD_ZONE EVENT(
                   "DTSTART;TZID=Our Island:20240101T090000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1\n"));
    struct calendar_event again = rewritten(*state, &e);
    struct list list = between(state, &again, "2024-04-01T00:00:00Z", "2024-07-01T00:00:00Z");

    assert_time(e.start_ms, "2024-01-01T07:00:00Z");
    assert_true(e.vtimezone.n > 0);
    assert_true(str_eq(again.vtimezone, e.vtimezone));
    assert_int_equal(list.n, 3);
    assert_time(list.v[0].start_ms, "2024-04-01T07:00:00Z");
    assert_time(list.v[2].start_ms, "2024-06-01T06:00:00Z");
}

static void clear_names_are_the_system_s_zones(void **state)
{
    struct calendar_event e = parsed(
        state,
        "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0000\n"
        "TZOFFSETTO:+0000\nEND:STANDARD\nEND:VTIMEZONE\n" EVENT(
            "DTSTART;TZID=Europe/Berlin:20240101T090000\n"));

    assert_time(e.start_ms, "2024-01-01T08:00:00Z");
    assert_int_equal(e.vtimezone.n, 0);
}

static void a_written_zone_tells_others_the_offsets(void **state)
{
    struct calendar_event e = standup();
    struct str text = event_write(&e, *state);

    assert_int_not_equal(str_find(text, STR("BEGIN:VTIMEZONE\r\n"), 0), SIZE_MAX);
    assert_int_not_equal(str_find(text, STR("\r\nTZID:Europe/Berlin\r\n"), 0), SIZE_MAX);
    assert_int_not_equal(
        str_find(text, STR("\r\nDTSTART;TZID=Europe/Berlin:20240101T090000\r\n"), 0), SIZE_MAX);
    e.tzid = STR("");
    text = event_write(&e, *state);
    assert_int_equal(str_find(text, STR("VTIMEZONE"), 0), SIZE_MAX);
    assert_int_not_equal(str_find(text, STR("\r\nDTSTART:20240101T080000Z\r\n"), 0), SIZE_MAX);
}

static void repeated_hours_keep_their_instant(void **state)
{
    struct calendar_event e = standup();

    e.recurrence.pattern = RECUR_NONE;
    for (int64_t ms = at("2024-10-26T23:00:00Z"); ms <= at("2024-10-27T03:00:00Z");
         ms += HOUR_MS / 2) {
        struct calendar_event again;

        e.start_ms = ms;
        e.end_ms = ms + HOUR_MS;
        again = rewritten(*state, &e);
        assert_int_equal(again.start_ms, e.start_ms);
        assert_int_equal(again.end_ms, e.end_ms);
        assert_text(again.tzid, "Europe/Berlin");
    }
}

/* ---- exceptions ---- */

static const char series[] = EVENT(
    "SUMMARY:Chess\nLOCATION:Club\nDTSTART;TZID=Europe/Berlin:20240603T180000\nDTEND;TZID=Europe/Berlin:20240603T200000\n"
    "RRULE:FREQ=WEEKLY;COUNT=6\nEXDATE;TZID=Europe/Berlin:20240610T180000,20240617T180000\n"
    "EXDATE;VALUE=DATE:20240624\n")
    EVENT(
        "RECURRENCE-ID;TZID=Europe/Berlin:20240701T180000\nSUMMARY:Chess outdoors\nLOCATION:Club\n"
        "DTSTART;TZID=Europe/Berlin:20240801T190000\nDTEND;TZID=Europe/Berlin:20240801T193000\n")
        EVENT(
            "RECURRENCE-ID;TZID=Europe/Berlin:20240708T180000\nSTATUS:CANCELLED\nDTSTART;TZID=Europe/Berlin:20240708T180000\n");

static void deleted_and_moved_occurrences_are_read(void **state)
{
    struct calendar_event e = parsed(state, series);

    assert_int_equal(e.deleted_count, 4);
    assert_time(e.deleted[2], "2024-06-24T16:00:00Z");
    assert_time(e.deleted[3], "2024-07-08T16:00:00Z");
    assert_int_equal(e.exception_count, 1);
    assert_time(e.exceptions[0].original_start_ms, "2024-07-01T16:00:00Z");
    assert_text(e.exceptions[0].summary, "Chess outdoors");
    assert_null(e.exceptions[0].location.p);
}

static void an_exception_says_what_is_its_own(void **state)
{
    struct calendar_event e = parsed(
        state,
        EVENT("DTSTART;TZID=Europe/Berlin:20240603T180000\nRRULE:FREQ=WEEKLY;COUNT=6\n"
              "ORGANIZER:mailto:a@example.com\nATTENDEE:mailto:b@example.com\n"
              "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nEND:VALARM\n")
            EVENT("RECURRENCE-ID;TZID=Europe/Berlin:20240610T180000\n"
                  "DTSTART;TZID=Europe/Berlin:20240610T190000\nORGANIZER:mailto:a@example.com\n")
                EVENT("RECURRENCE-ID;TZID=Europe/Berlin:20240617T180000\n"
                      "DTSTART;VALUE=DATE:20240618\nCLASS:PRIVATE\n"
                      "BEGIN:VALARM\nACTION:NONE\nTRIGGER;VALUE=DATE-TIME:19760401T005545Z\n"
                      "END:VALARM\n")
                    EVENT("RECURRENCE-ID;TZID=Europe/Berlin:20240624T180000\n"
                          "DTSTART;TZID=Europe/Berlin:20240624T180000\n"
                          "ORGANIZER:mailto:a@example.com\nATTENDEE:mailto:c@example.com\n"
                          "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM\n"
                          "X-EWER-RECORD:AQID\n"));
    const struct event_exception *x;

    e = rewritten(*state, &e);
    x = e.exceptions;
    assert_int_equal(e.exception_count, 3);
    assert_false(x[0].own_attendees);
    assert_false(x[0].own_reminder);
    assert_true(x[1].own_attendees);
    assert_int_equal(x[1].attendee_count, 0);
    assert_true(x[1].own_reminder);
    assert_false(x[1].has_reminder);
    assert_int_equal(x[1].sensitivity, MIME_SENSITIVITY_PRIVATE);
    assert_true(x[1].all_day);
    assert_time(x[1].start_ms, "2024-06-17T22:00:00Z");
    assert_time(x[1].end_ms, "2024-06-18T22:00:00Z");
    assert_text(x[2].attendees[0].who.address, "c@example.com");
    assert_int_equal(x[2].reminder_minutes, 5);
    assert_true(str_eq(x[2].record, STR("\1\2\3")));
}

static void times_among_whole_days_are_of_the_zone(void **state)
{
    struct calendar_event e =
        parsed(state, "X-WR-TIMEZONE:Europe/Berlin\n" EVENT(
                          "DTSTART;VALUE=DATE:20240603\nRRULE:FREQ=WEEKLY;COUNT=6\n")
                          EVENT("RECURRENCE-ID;VALUE=DATE:20240610\n"
                                "DTSTART;TZID=America/New_York:20240610T090000\n"
                                "DTEND;TZID=America/New_York:20240610T100000\n"));

    e = rewritten(*state, &e);
    assert_int_equal(e.exception_count, 1);
    assert_false(e.exceptions[0].all_day);
    assert_time(e.exceptions[0].start_ms, "2024-06-10T15:00:00Z");
    assert_time(e.exceptions[0].end_ms, "2024-06-10T16:00:00Z");
}

static void occurrences_are_where_they_were_moved_to(void **state)
{
    struct calendar_event e = parsed(state, series);
    struct list list = between(state, &e, "2024-06-25T00:00:00Z", "2024-07-31T00:00:00Z");

    assert_int_equal(list.n, 0);
    list = between(state, &e, "2024-08-01T00:00:00Z", "2024-08-02T00:00:00Z");
    assert_int_equal(list.n, 1);
    assert_int_equal(list.v[0].index, 5);
    assert_time(list.v[0].start_ms, "2024-08-01T17:00:00Z");
    assert_ptr_equal(list.v[0].exception, &e.exceptions[0]);
    list = between(state, &e, "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    assert_int_equal(list.n, 2);
    assert_int_equal(list.v[0].index, 1);
}

static void occurrences_are_found_by_index_and_start(void **state)
{
    struct calendar_event e = parsed(state, series);
    struct occurrence o;
    bool deleted;

    assert_int_equal(event_occurrence_by_index(&e, 1, &o, &deleted, NULL), 1);
    assert_time(o.start_ms, "2024-06-03T16:00:00Z");
    assert_int_equal(event_occurrence_by_index(&e, 2, &o, &deleted, NULL), 0);
    assert_true(deleted);
    assert_int_equal(event_occurrence_by_index(&e, 5, &o, &deleted, NULL), 1);
    assert_time(o.start_ms, "2024-08-01T17:00:00Z");
    assert_int_equal(event_occurrence_by_index(&e, 7, &o, &deleted, NULL), 0);
    assert_false(deleted);
    assert_int_equal(event_occurrence_by_index(&e, 0, &o, &deleted, NULL), 0);
    assert_int_equal(event_occurrence_by_index(&e, INT32_MAX, &o, &deleted, NULL), 0);
    assert_int_equal(event_occurrence_by_start(&e, at("2024-07-01T16:00:00Z"), &o, &deleted, NULL),
                     1);
    assert_int_equal(o.index, 5);
    assert_int_equal(event_occurrence_by_start(&e, at("2024-06-24T16:00:00Z"), &o, &deleted, NULL),
                     0);
    assert_true(deleted);
    assert_int_equal(event_occurrence_by_start(&e, at("2024-06-24T16:00:01Z"), &o, &deleted, NULL),
                     0);
    assert_false(deleted);
    assert_int_equal(event_occurrence_by_start(&e, INT64_MIN, &o, &deleted, NULL), 0);
    assert_int_equal(event_occurrence_by_start(&e, INT64_MAX, &o, &deleted, NULL), 0);
}

static void bounds_are_of_what_is_left(void **state)
{
    struct calendar_event e = parsed(state, series);
    struct occurrence first, last;

    assert_int_equal(event_bounds(&e, &first, &last, NULL), 0);
    assert_int_equal(first.index, 1);
    assert_int_equal(last.index, 5);
    e = standup();
    assert_int_equal(event_bounds(&e, &first, &last, NULL), 0);
    assert_int_equal(first.index, 1);
    assert_int_equal(last.index, 0);
    e.recurrence.range = RECUR_NUMBERED;
    e.recurrence.count = 2;
    int64_t deleted[] = {e.start_ms, e.start_ms + DAY_MS};
    e.deleted = deleted;
    e.deleted_count = 2;
    assert_int_equal(event_bounds(&e, &first, &last, NULL), 0);
    assert_int_equal(first.index, 0);
    assert_int_equal(last.index, 0);
}

static void a_single_event_is_one_occurrence(void **state)
{
    struct calendar_event e =
        parsed(state, EVENT("DTSTART:20240603T180000Z\nDTEND:20240603T200000Z\n"));
    struct occurrence first, last;
    struct list list = between(state, &e, "2024-06-03T19:59:59Z", "2024-06-04T00:00:00Z");

    assert_int_equal(list.n, 1);
    assert_int_equal(list.v[0].index, 1);
    assert_int_equal(between(state, &e, "2024-06-03T20:00:00Z", "2024-06-04T00:00:00Z").n, 0);
    assert_int_equal(between(state, &e, "2024-06-03T00:00:00Z", "2024-06-03T18:00:00Z").n, 0);
    assert_int_equal(event_bounds(&e, &first, &last, NULL), 0);
    assert_int_equal(last.index, 1);
}

static void an_exception_may_come_alone(void **state)
{
    struct calendar_event e =
        parsed(state, EVENT("RECURRENCE-ID:20240701T160000Z\nDTSTART:20240702T160000Z\n"));
    struct calendar_event again = rewritten(*state, &e);

    assert_true(again.has_recurrence_id);
    assert_time(again.recurrence_id_ms, "2024-07-01T16:00:00Z");
    assert_time(again.start_ms, "2024-07-02T16:00:00Z");
}

static void a_start_off_the_pattern_is_settled(void **state)
{
    struct calendar_event e = standup();

    e.recurrence = (struct recurrence){.pattern = RECUR_WEEKLY,
                                       .interval = 2,
                                       .days = 1u << 0,
                                       .first_day_of_week = 1,
                                       .start_day_ms = at("2024-03-25T00:00:00Z")};
    struct list before = occurrences(*state, &e, INT64_MIN, INT64_MAX, 50);

    event_settle(&e);
    assert_time(e.start_ms, "2024-03-31T07:00:00Z");
    assert_time(e.end_ms, "2024-03-31T07:15:00Z");
    struct calendar_event again = rewritten(*state, &e);
    struct list after = occurrences(*state, &again, INT64_MIN, INT64_MAX, 50);

    assert_int_equal(before.n, 50);
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(before.v[i].start_ms, after.v[i].start_ms);
    }
}

/* ---- bounds of work ---- */

static void far_away_costs_nothing(void **state)
{
    struct calendar_event e = standup();
    struct list list;
    struct occurrence o;
    bool deleted;

    e.start_ms = e.recurrence.start_day_ms = at("1700-01-01T00:00:00Z");
    e.end_ms = e.start_ms + HOUR_MS;
    e.tzid = STR("");
    for (int i = 0; i < 1000; i++) {
        list = between(state, &e, "9000-01-01T00:00:00Z", "9000-01-03T00:00:00Z");
        assert_int_equal(list.n, 2);
    }
    assert_int_equal(list.v[0].index, 2666270 + 1);
    e.recurrence.range = RECUR_NUMBERED;
    e.recurrence.count = 1000000;
    assert_int_equal(event_occurrence_by_index(&e, 1000000, &o, &deleted, NULL), 1);
    assert_time(o.start_ms, "4437-11-27T00:00:00Z");
    assert_int_equal(event_occurrence_by_index(&e, 1000001, &o, &deleted, NULL), 0);
    assert_int_equal(between(state, &e, "4437-11-26T00:00:00Z", "5000-01-01T00:00:00Z").n, 2);
    list = occurrences(*state, &e, INT64_MIN, INT64_MAX, 10);
    assert_int_equal(list.n, 10);
    assert_true(list.more);
    assert_int_equal(occurrences(*state, &e, INT64_MAX, INT64_MIN, 10).n, 0);
    assert_int_equal(occurrences(*state, &e, INT64_MIN, INT64_MAX, 0).n, 0);
}

static void hostile_rules_end(void **state)
{
    static const char *const rules[] = {
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;BYSECOND=1,2,3",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=6",
        "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=31",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYSECOND=0,1,2,3,4,5,6,7",
        "FREQ=WEEKLY;INTERVAL=32767;BYDAY=MO;BYMONTH=13",
        "FREQ=YEARLY;INTERVAL=4000",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=99999999999",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;UNTIL=18000101T000000Z",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-366,366,400",
        "FREQ=YEARLY;BYDAY=99MO,-99SU",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;BYMONTH=1,2,3;COUNT=1000000",
        "RSCALE=CHINESE;FREQ=YEARLY",
        "nonsense",
    };

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        struct calendar_event e = parsed(
            state, str_printf(*state, EVENT("DTSTART:19000101T000000Z\nRRULE:%s\n"), rules[i]).p);
        struct occurrence first, last;

        occurrences(*state, &e, at("2020-01-01T00:00:00Z"), at("2021-01-01T00:00:00Z"), 100);
        assert_int_equal(event_bounds(&e, &first, &last, NULL), 0);
        rewritten(*state, &e);
    }
}

static void rules_beyond_the_protocol_are_kept_and_followed(void **state)
{
    struct calendar_event e = parsed(
        state,
        EVENT(
            "DTSTART;TZID=Europe/Berlin:20240101T090000\nDTEND;TZID=Europe/Berlin:20240101T100000\n"
            "RRULE:FREQ=MONTHLY;BYDAY=1MO,3MO;UNTIL=20241231T235959Z\n"
            "EXDATE;TZID=Europe/Berlin:20240115T090000\n")
            EVENT(
                "RECURRENCE-ID;TZID=Europe/Berlin:20241216T090000\nDTSTART;TZID=Europe/Berlin:20240102T090000\n"));
    struct occurrence o, first, last;
    bool deleted;

    assert_int_equal(e.recurrence.pattern, RECUR_NONE);
    assert_true(str_starts(e.unknown_rule, STR("FREQ=MONTHLY")));
    e = rewritten(*state, &e);
    struct list list = between(state, &e, "2024-01-01T00:00:00Z", "2024-03-01T00:00:00Z");

    assert_int_equal(list.n, 4);
    assert_time(list.v[1].start_ms, "2024-01-02T08:00:00Z");
    assert_int_equal(list.v[1].index, 24);
    assert_time(list.v[2].start_ms, "2024-02-05T08:00:00Z");
    assert_int_equal(list.v[2].index, 3);
    assert_int_equal(event_occurrence_by_index(&e, 2, &o, &deleted, NULL), 0);
    assert_true(deleted);
    assert_int_equal(event_occurrence_by_start(&e, at("2024-07-01T07:00:00Z"), &o, &deleted, NULL),
                     1);
    assert_int_equal(o.index, 13);
    assert_int_equal(event_bounds(&e, &first, &last, NULL), 0);
    assert_int_equal(last.index, 24);
}

static void what_has_no_start_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\n" EVENT("SUMMARY:x\n") "END:VCALENDAR\n",
        "BEGIN:VCALENDAR\n" EVENT("DTSTART:00000000\n") "END:VCALENDAR\n",
        "END:VCALENDAR\n"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct calendar_event e;
        struct err err = ERR_INIT;

        assert_int_equal(event_parse(str_from(bad[i]), *state, &e, &err), -ERR_MIME_CONTENT);
    }
}

/* ---- rules as others write them ---- */

static void common_rules_are_the_protocol_s(void **state)
{
    static const struct {
        const char *rule;
        struct recurrence r;
    } cases[] = {
        {"FREQ=DAILY", {.pattern = RECUR_DAILY, .interval = 1}},
        {"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", {.pattern = RECUR_WEEKLY, .interval = 1, .days = 0x3e}},
        {"FREQ=WEEKLY", {.pattern = RECUR_WEEKLY, .interval = 1, .days = 1u << 4}},
        {"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU",
         {.pattern = RECUR_WEEKLY, .interval = 2, .days = 1u << 2 | 1u}},
        {"FREQ=MONTHLY", {.pattern = RECUR_ABSOLUTE_MONTHLY, .interval = 1, .day_of_month = 15}},
        {"FREQ=MONTHLY;BYMONTHDAY=-1",
         {.pattern = RECUR_ABSOLUTE_MONTHLY, .interval = 1, .day_of_month = 31}},
        {"FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
         {.pattern = RECUR_ABSOLUTE_MONTHLY, .interval = 1, .day_of_month = 30}},
        {"FREQ=MONTHLY;BYDAY=2TU",
         {.pattern = RECUR_RELATIVE_MONTHLY, .interval = 1, .days = 1u << 2, .week = 2}},
        {"FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2",
         {.pattern = RECUR_RELATIVE_MONTHLY, .interval = 1, .days = 1u << 2, .week = 2}},
        {"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
         {.pattern = RECUR_RELATIVE_MONTHLY, .interval = 1, .days = 0x3e, .week = -1}},
        {"FREQ=YEARLY",
         {.pattern = RECUR_ABSOLUTE_YEARLY, .interval = 1, .month = 8, .day_of_month = 15}},
        {"FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=31",
         {.pattern = RECUR_ABSOLUTE_YEARLY, .interval = 1, .month = 3, .day_of_month = 31}},
        {"FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
         {.pattern = RECUR_RELATIVE_YEARLY,
          .interval = 1,
          .month = 11,
          .days = 1u << 4,
          .week = 4}},
        {"FREQ=YEARLY;INTERVAL=2",
         {.pattern = RECUR_ABSOLUTE_MONTHLY, .interval = 24, .day_of_month = 15}},
    };
    static const char *const others[] = {"FREQ=MONTHLY;BYMONTHDAY=31",
                                         "FREQ=MONTHLY;BYMONTHDAY=1,15",
                                         "FREQ=MONTHLY;BYDAY=5MO",
                                         "FREQ=MONTHLY;BYDAY=MO",
                                         "FREQ=YEARLY;BYDAY=20MO",
                                         "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
                                         "FREQ=DAILY;BYMONTH=1",
                                         "FREQ=WEEKLY;BYHOUR=9,10",
                                         "FREQ=HOURLY",
                                         "FREQ=YEARLY;INTERVAL=2;BYMONTH=1"};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct recurrence r =
            parsed(
                state,
                str_printf(*state, EVENT("DTSTART:20240815T100000Z\nRRULE:%s\n"), cases[i].rule).p)
                .recurrence;

        if (r.pattern != cases[i].r.pattern || r.interval != cases[i].r.interval ||
            r.days != cases[i].r.days || r.week != cases[i].r.week || r.month != cases[i].r.month ||
            r.day_of_month != cases[i].r.day_of_month) {
            fail_msg("%s was read as pattern %d, days %x, week %d", cases[i].rule, (int)r.pattern,
                     r.days, r.week);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct calendar_event e = parsed(
            state, str_printf(*state, EVENT("DTSTART:20240815T100000Z\nRRULE:%s\n"), others[i]).p);

        if (e.recurrence.pattern != RECUR_NONE || e.unknown_rule.n == 0) {
            fail_msg("%s was taken for the protocol's", others[i]);
        }
    }
}

static void until_is_a_day_on_the_event_s_clocks(void **state)
{
    static const struct {
        const char *until, *day;
    } cases[] = {{"20240610", "2024-06-10T00:00:00Z"},
                 {"20240610T160000Z", "2024-06-10T00:00:00Z"},
                 {"20240610T155959Z", "2024-06-09T00:00:00Z"},
                 {"20240610T235959Z", "2024-06-10T00:00:00Z"},
                 {"20240610T180000", "2024-06-10T00:00:00Z"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct calendar_event e = parsed(
            state,
            str_printf(
                *state,
                EVENT("DTSTART;TZID=Europe/Berlin:20240603T180000\nRRULE:FREQ=DAILY;UNTIL=%s\n"),
                cases[i].until)
                .p);

        assert_int_equal(e.recurrence.range, RECUR_END_DATE);
        assert_time(e.recurrence.end_day_ms, cases[i].day);
    }
}

/* ---- random events ---- */

struct maker {
    struct arena *arena;
    struct prng prng;
};

static int pick(struct maker *m, int from, int to)
{
    return from + (int)prng_below(&m->prng, (uint64_t)(to - from + 1));
}

static struct str random_text(struct maker *m)
{
    static const char *const texts[] = {
        "",
        "plain",
        "a, b; c\\d: e",
        "two\nlines\n",
        "\"quoted\"",
        "ü漢字😀",
        "^caret^n^'",
        "a long text that has to be folded because it has more than seventy-five bytes, and commas",
        "\\n",
        "BEGIN:VEVENT",
        "x\n\ny",
        "tab\there"};

    return str_from(texts[pick(m, 0, ARRAY_LEN(texts) - 1)]);
}

static struct recurrence random_recurrence(struct maker *m, int64_t day_ms)
{
    static const unsigned relative_days[] = {1, 2, 4, 8, 16, 32, 64, 0x7f, 0x3e, 0x41, 0x15};
    struct recurrence r = {.pattern =
                               (enum recur_pattern)pick(m, RECUR_DAILY, RECUR_RELATIVE_YEARLY),
                           .interval = pick(m, 1, 4),
                           .start_day_ms = day_ms,
                           .first_day_of_week = pick(m, 0, 6),
                           .range = (enum recur_range)pick(m, 0, 2)};

    if (r.pattern == RECUR_WEEKLY) {
        r.days = (unsigned)pick(m, 1, 0x7f);
    } else if (r.pattern == RECUR_RELATIVE_MONTHLY || r.pattern == RECUR_RELATIVE_YEARLY) {
        r.days = relative_days[pick(m, 0, ARRAY_LEN(relative_days) - 1)];
        r.week = pick(m, 0, 4);
        r.week = r.week == 0 ? -1 : r.week;
    } else if (r.pattern != RECUR_DAILY) {
        r.day_of_month = pick(m, 1, r.pattern == RECUR_ABSOLUTE_MONTHLY ? 31 : 29);
    }
    if (r.pattern == RECUR_ABSOLUTE_YEARLY || r.pattern == RECUR_RELATIVE_YEARLY) {
        r.month = pick(m, 1, 12);
        r.interval = 1;
    }
    r.count = r.range == RECUR_NUMBERED ? pick(m, 1, 40) : 0;
    r.end_day_ms = r.range == RECUR_END_DATE ? day_ms + pick(m, 400, 4000) * DAY_MS : 0;
    return r;
}

/* What differs from the master, and cannot be the same by chance. */
static void change_own(struct maker *m, const struct calendar_event *e, struct event_exception *x)
{
    static const struct mime_attendee other[] = {
        {{STR_INIT("Other, One"), STR_INIT("other@example.com")},
         MIME_ATTENDEE_OPTIONAL,
         MIME_PARTSTAT_ACCEPTED}};

    x->sensitivity = (enum mime_sensitivity)pick(m, 0, 3);
    x->own_attendees = pick(m, 0, 1) == 1;
    if (x->own_attendees && (e->attendee_count == 0 || pick(m, 0, 1) == 1)) {
        x->attendees = other;
        x->attendee_count = ARRAY_LEN(other);
    }
    x->own_reminder = pick(m, 0, 1) == 1;
    x->has_reminder = x->own_reminder && (!e->has_reminder || pick(m, 0, 1) == 1);
    x->reminder_minutes = x->has_reminder ? 1000 + pick(m, 0, 9) : 0;
    x->record = pick(m, 0, 1) == 1 ? str_of("\0\xff\x01 bytes", 9) : STR("");
    x->html = STR("");
    if (pick(m, 0, 1) == 1) {
        x->html = STR("<p class=\"a\">one, two;\nC:\\dir</p>");
        x->description = STR("one, two;");
    }
    x->all_day = e->all_day && pick(m, 0, 3) > 0;
    if (e->all_day && !x->all_day) {
        x->start_ms += 9 * HOUR_MS;
        x->end_ms = x->start_ms + HOUR_MS;
    }
}

/* Some of its occurrences deleted, some changed. */
static void change_some(struct maker *m, struct calendar_event *e)
{
    struct list list = occurrences(m->arena, e, INT64_MIN, INT64_MAX, 12);
    int64_t *deleted = ARENA_ARRAY(m->arena, int64_t, list.n);
    struct event_exception *x = ARENA_ARRAY(m->arena, struct event_exception, list.n);
    size_t deleted_count = 0, exception_count = 0;

    for (size_t i = 0; i < list.n; i++) {
        int what = pick(m, 0, 5);

        if (what == 0) {
            deleted[deleted_count++] = list.v[i].original_start_ms;
        } else if (what == 1) {
            x[exception_count++] = (struct event_exception){
                .original_start_ms = list.v[i].original_start_ms,
                .start_ms = list.v[i].start_ms + pick(m, -100, 100) * DAY_MS,
                .end_ms = list.v[i].start_ms + 100 * DAY_MS + DAY_MS,
                .summary = pick(m, 0, 1) == 0 ? STR_NULL : STR("changed"),
                .busy = (enum mime_busy)pick(m, 0, 3)};
            change_own(m, e, &x[exception_count - 1]);
        }
    }
    e->deleted = deleted;
    e->deleted_count = deleted_count;
    e->exceptions = x;
    e->exception_count = exception_count;
}

static void add_people(struct maker *m, struct calendar_event *e)
{
    struct mime_attendee *v = ARENA_ARRAY(m->arena, struct mime_attendee, 3);

    e->attendee_count = (size_t)pick(m, 0, 3);
    for (size_t i = 0; i < e->attendee_count; i++) {
        v[i] = (struct mime_attendee){{str_trim(random_text(m)), STR("someone@example.com")},
                                      (enum mime_attendee_role)pick(m, 0, 2),
                                      (enum mime_partstat)pick(m, 0, 4)};
    }
    e->attendees = v;
    e->organizer = (struct mime_address){str_trim(random_text(m)), STR("boss@example.com")};
}

static struct calendar_event random_event(struct maker *m)
{
    static const char *const zones[] = {"",
                                        "Europe/Berlin",
                                        "America/New_York",
                                        "Tokyo Standard Time",
                                        "Australia/Lord_Howe",
                                        "W. Europe Standard Time",
                                        "No/Such Zone"};
    int64_t day = at("2020-01-01T00:00:00Z") + pick(m, 0, 3000) * DAY_MS;
    /* Between 10:00 and 16:00 of any of these zones nothing happens to clocks; evenings there are other days of UTC. */
    struct calendar_event e = {.uid = STR("uid-1"),
                               .summary = random_text(m),
                               .location = random_text(m),
                               .description = random_text(m),
                               .tzid = str_from(zones[pick(m, 0, ARRAY_LEN(zones) - 1)]),
                               .all_day = pick(m, 0, 4) == 0,
                               .busy = (enum mime_busy)pick(m, 0, 3),
                               .method = (enum mime_method)pick(m, 0, MIME_METHOD_COUNTER),
                               .sequence = pick(m, 0, 5),
                               .has_stamp = true,
                               .stamp_ms = day,
                               .has_reminder = pick(m, 0, 1) == 1,
                               .sensitivity = (enum mime_sensitivity)pick(m, 0, 3)};

    e.start_ms = day + (e.all_day ? 0 : 12 * HOUR_MS);
    e.end_ms = e.start_ms + (e.all_day ? DAY_MS * pick(m, 1, 3) : HOUR_MS * pick(m, 0, 3));
    e.reminder_minutes = e.has_reminder ? pick(m, 0, 600) : 0;
    e.cancelled = e.method == MIME_METHOD_CANCEL || pick(m, 0, 5) == 0;
    if (e.method == MIME_METHOD_CANCEL) {
        return e;
    }
    add_people(m, &e);
    if (pick(m, 0, 3) > 0) {
        e.recurrence = random_recurrence(m, day);
        if (recurrence_check(&e.recurrence, NULL) < 0) {
            e.recurrence = (struct recurrence){0};
            return e;
        }
        event_settle(&e);
        change_some(m, &e);
    }
    return e;
}

static void assert_same(const char *what, struct str actual, struct str expected)
{
    if (!str_eq(actual, expected)) {
        fail_msg("%s: \"%.*s\" is not \"%.*s\"", what, STR_ARG(actual), STR_ARG(expected));
    }
}

static void assert_same_recurrence(const struct recurrence *a, const struct recurrence *b)
{
    assert_int_equal(a->pattern, b->pattern);
    assert_int_equal(a->interval, b->interval);
    assert_int_equal(a->days, b->days);
    assert_int_equal(a->week, b->week);
    assert_int_equal(a->day_of_month, b->day_of_month);
    assert_int_equal(a->month, b->month);
    assert_int_equal(a->range, b->range);
    assert_int_equal(a->start_day_ms, b->start_day_ms);
    assert_int_equal(a->end_day_ms, b->end_day_ms);
    assert_int_equal(a->count, b->count);
    if (a->pattern != RECUR_NONE) {
        assert_int_equal(a->first_day_of_week, b->first_day_of_week);
    }
}

static void assert_same_attendees(const struct mime_attendee *a, const struct mime_attendee *b,
                                  size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_same("attendee", a[i].who.name, b[i].who.name);
        assert_same("attendee", a[i].who.address, b[i].who.address);
        assert_int_equal(a[i].role, b[i].role);
        assert_int_equal(a[i].partstat, b[i].partstat);
    }
}

static void assert_same_exception(const struct event_exception *x, const struct event_exception *y)
{
    assert_int_equal(x->original_start_ms, y->original_start_ms);
    assert_int_equal(x->start_ms, y->start_ms);
    assert_int_equal(x->end_ms, y->end_ms);
    assert_int_equal(x->all_day, y->all_day);
    assert_same("changed summary", x->summary, y->summary);
    assert_int_equal(x->summary.p == NULL, y->summary.p == NULL);
    assert_null(x->location.p);
    assert_int_equal(x->busy, y->busy);
    assert_int_equal(x->sensitivity, y->sensitivity);
    assert_int_equal(x->own_reminder, y->own_reminder);
    assert_int_equal(x->has_reminder, y->has_reminder);
    assert_int_equal(x->reminder_minutes, y->reminder_minutes);
    assert_int_equal(x->own_attendees, y->own_attendees);
    assert_int_equal(x->attendee_count, y->attendee_count);
    assert_same_attendees(x->attendees, y->attendees, x->attendee_count);
    assert_same("record", x->record, y->record);
    assert_same("html", x->html, y->html);
    assert_same("changed description", x->description, y->description);
}

static void assert_same_changes(const struct calendar_event *a, const struct calendar_event *b)
{
    assert_int_equal(a->deleted_count, b->deleted_count);
    for (size_t i = 0; i < a->deleted_count; i++) {
        assert_int_equal(a->deleted[i], b->deleted[i]);
    }
    assert_int_equal(a->exception_count, b->exception_count);
    for (size_t i = 0; i < a->exception_count; i++) {
        assert_same_exception(&a->exceptions[i], &b->exceptions[i]);
    }
}

static void assert_same_people(const struct calendar_event *a, const struct calendar_event *b)
{
    assert_same("organizer", a->organizer.name, b->organizer.name);
    assert_same("organizer", a->organizer.address, b->organizer.address);
    assert_int_equal(a->attendee_count, b->attendee_count);
    assert_same_attendees(a->attendees, b->attendees, a->attendee_count);
}

static void assert_same_event(const struct calendar_event *a, const struct calendar_event *b)
{
    assert_same("uid", a->uid, b->uid);
    assert_same("summary", a->summary, b->summary);
    assert_same("location", a->location, b->location);
    assert_same("description", a->description, b->description);
    assert_same("zone", a->tzid, b->tzid);
    assert_same("zone text", a->vtimezone, b->vtimezone);
    assert_int_equal(a->start_ms, b->start_ms);
    assert_int_equal(a->end_ms, b->end_ms);
    assert_int_equal(a->all_day, b->all_day);
    assert_int_equal(a->busy, b->busy);
    assert_int_equal(a->method, b->method);
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->stamp_ms, b->stamp_ms);
    assert_int_equal(a->cancelled, b->cancelled);
    assert_int_equal(a->has_reminder, b->has_reminder);
    assert_int_equal(a->reminder_minutes, b->reminder_minutes);
    assert_int_equal(a->sensitivity, b->sensitivity);
    assert_same_people(a, b);
    assert_same_recurrence(&a->recurrence, &b->recurrence);
    assert_same_changes(a, b);
}

#define SEEDS 300

static void any_event_reads_back(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct maker m = {.arena = arena_new(*state, "event")};
        struct calendar_event e, again;

        prng_seed(&m.prng, seed);
        print_message("# seed %llu\n", (unsigned long long)seed);
        e = random_event(&m);
        again = rewritten(m.arena, &e);
        assert_same_event(&again, &e);
        arena_free(&m.arena);
    }
}

/* The RRULE of what was written, as a rule that the protocol does not know. */
static struct str rule_text(struct arena *arena, const struct calendar_event *e)
{
    struct str text = event_write(e, arena);
    size_t start = str_find(text, STR("RRULE:FREQ"), str_find(text, STR("BEGIN:VEVENT"), 0)) + 6;
    struct buf line = BUF_INIT;
    struct str rule;

    for (; text.p[start] != '\r' || text.p[start + 2] == ' '; start++) {
        if (text.p[start] == '\r') {
            start += 3;
        }
        buf_add_char(&line, text.p[start]);
    }
    rule = str_dup(arena, buf_str(&line));
    buf_fini(&line);
    return rule;
}

static void following_the_rule_gives_the_pattern_s_days(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct maker m = {.arena = arena_new(*state, "event")};
        struct calendar_event e, other;
        struct list ours, theirs;
        int64_t from, to;

        prng_seed(&m.prng, seed);
        e = random_event(&m);
        if (e.recurrence.pattern != RECUR_NONE) {
            print_message("# seed %llu\n", (unsigned long long)seed);
            other = e;
            other.unknown_rule = rule_text(m.arena, &e);
            other.recurrence = (struct recurrence){0};
            from = e.start_ms + pick(&m, 0, 600) * DAY_MS;
            to = from + pick(&m, 0, 600) * DAY_MS;
            ours = occurrences(m.arena, &e, from, to, 2000);
            theirs = occurrences(m.arena, &other, from, to, 2000);
            if (ours.n != theirs.n) {
                fail_msg("%.*s: %zu occurrences, by its rule %zu", STR_ARG(other.unknown_rule),
                         ours.n, theirs.n);
            }
            for (size_t i = 0; i < ours.n; i++) {
                assert_int_equal(ours.v[i].start_ms, theirs.v[i].start_ms);
                assert_int_equal(ours.v[i].end_ms, theirs.v[i].end_ms);
                assert_int_equal(ours.v[i].index, theirs.v[i].index);
                assert_ptr_equal(ours.v[i].exception, theirs.v[i].exception);
            }
        }
        arena_free(&m.arena);
    }
}

/* By value: what lies between the members means nothing. */
static void assert_same_occurrence(const struct occurrence *a, const struct occurrence *b)
{
    assert_int_equal(a->original_start_ms, b->original_start_ms);
    assert_int_equal(a->start_ms, b->start_ms);
    assert_int_equal(a->end_ms, b->end_ms);
    assert_int_equal(a->index, b->index);
    assert_ptr_equal(a->exception, b->exception);
}

static void windows_add_up(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct maker m = {.arena = arena_new(*state, "event")};
        struct calendar_event e;

        prng_seed(&m.prng, seed);
        print_message("# seed %llu\n", (unsigned long long)seed);
        e = random_event(&m);
        int64_t from = e.start_ms + pick(&m, -10, 300) * DAY_MS;
        struct list all = occurrences(m.arena, &e, from, from + 60 * DAY_MS, 2000);

        for (size_t i = 0; i < all.n; i++) {
            struct occurrence o;
            bool deleted;

            assert_int_equal(event_occurrence_by_index(&e, all.v[i].index, &o, &deleted, NULL), 1);
            assert_int_equal(o.start_ms, all.v[i].start_ms);
            assert_int_equal(
                event_occurrence_by_start(&e, all.v[i].original_start_ms, &o, &deleted, NULL), 1);
            assert_int_equal(o.index, all.v[i].index);
        }
        if (all.n > 1) {
            struct list few = occurrences(m.arena, &e, from, from + 60 * DAY_MS, all.n - 1);

            assert_int_equal(few.n, all.n - 1);
            assert_true(few.more);
            for (size_t i = 0; i < few.n; i++) {
                assert_same_occurrence(&few.v[i], &all.v[i]);
            }
        }
        arena_free(&m.arena);
    }
}

static void line_ends_in_values_make_no_lines(void **state)
{
    struct str evil = STR("x\r\nBEGIN:VEVENT\r\nUID:evil\rATTENDEE:mailto:a\0b\x01");
    struct mime_attendee who = {.who = {evil, evil}};
    struct calendar_event e = standup();

    e.uid = e.summary = e.location = e.description = e.tzid = evil;
    e.organizer = who.who;
    e.attendees = &who;
    e.attendee_count = 1;
    struct calendar_event again = rewritten(*state, &e);

    assert_int_equal(again.attendee_count, 1);
    assert_int_equal(again.exception_count, 0);
    assert_int_equal(str_find(event_write(&e, *state), STR("\nUID:evil"), 0), SIZE_MAX);
    assert_true(str_starts(again.summary, STR("x\nBEGIN:VEVENT\nUID:evil\nATTENDEE")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(the_six_patterns_give_their_days),
        MIME_TEST(the_first_day_of_the_week_decides_which_weeks_count),
        MIME_TEST(impossible_rules_are_refused),
        MIME_TEST(nine_o_clock_stays_nine_o_clock),
        MIME_TEST(a_night_shift_ends_when_the_clock_says),
        MIME_TEST(a_day_is_of_the_zone_not_of_utc),
        MIME_TEST(days_have_no_zone),
        MIME_TEST(a_zone_of_the_calendar_s_own_is_kept),
        MIME_TEST(clear_names_are_the_system_s_zones),
        MIME_TEST(a_written_zone_tells_others_the_offsets),
        MIME_TEST(repeated_hours_keep_their_instant),
        MIME_TEST(deleted_and_moved_occurrences_are_read),
        MIME_TEST(an_exception_says_what_is_its_own),
        MIME_TEST(times_among_whole_days_are_of_the_zone),
        MIME_TEST(occurrences_are_where_they_were_moved_to),
        MIME_TEST(occurrences_are_found_by_index_and_start),
        MIME_TEST(bounds_are_of_what_is_left),
        MIME_TEST(a_single_event_is_one_occurrence),
        MIME_TEST(an_exception_may_come_alone),
        MIME_TEST(a_start_off_the_pattern_is_settled),
        MIME_TEST(far_away_costs_nothing),
        MIME_TEST(hostile_rules_end),
        MIME_TEST(rules_beyond_the_protocol_are_kept_and_followed),
        MIME_TEST(what_has_no_start_is_refused),
        MIME_TEST(common_rules_are_the_protocol_s),
        MIME_TEST(until_is_a_day_on_the_event_s_clocks),
        MIME_TEST(any_event_reads_back),
        MIME_TEST(following_the_rule_gives_the_pattern_s_days),
        MIME_TEST(windows_add_up),
        MIME_TEST(line_ends_in_values_make_no_lines),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
