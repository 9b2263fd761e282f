/* text/calendar parts: the meeting of the protocol's own example, replies, zones, and parts that are none. */
#include "support/mime_fixture.h"

#include "base/buf.h"
#include "base/clock.h"
#include "mime/mime-private.h"

#define EVENT(lines)                                                                               \
    "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n" lines "END:VEVENT\nEND:VCALENDAR\n"
#define HOUR_MS INT64_C(3600000)
#define MEETING_START INT64_C(1154539800000) /* 2006-08-02T17:30:00Z */

static const struct mime_calendar *calendar(void **state, const char *text)
{
    return mime_calendar_parse(*state, str_from(text), STR(""));
}

/* Windows' zone of the American west as senders describe it, by the rules of 2006. */
#define PACIFIC                                                                                    \
    "BEGIN:VTIMEZONE\r\nTZID:Our Coast\r\n"                                                        \
    "BEGIN:STANDARD\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:-0700\r\nTZOFFSETTO:-0800\r\n"      \
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\n"                       \
    "BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:-0800\r\nTZOFFSETTO:-0700\r\n"      \
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=4\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

static const char meeting_request[] =
    "From: Dan Park <dpark@example.com>\r\nSubject: Budget Q3\r\n"
    "Content-Type: multipart/alternative; boundary=\"alt\"\r\n\r\n"
    "--alt\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nWhere: Conference Room 2\r\n"
    "--alt\r\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n"
    "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nVERSION:2.0\r\n" PACIFIC
    "BEGIN:VEVENT\r\nORGANIZER;CN=\"Dan Park\":MAILTO:dpark@example.com\r\n"
    "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;CN=Sue Smith:MAI\r\n"
    " LTO:ssmith@example.com\r\n"
    "ATTENDEE;ROLE=OPT-PARTICIPANT:mailto:bob@example.com\r\n"
    "ATTENDEE;CUTYPE=ROOM:mailto:room2@example.com\r\n"
    "SUMMARY:Budget Q3\\, final\r\nLOCATION:Conference Room 2\r\n"
    "DTSTART;TZID=Our Coast:20060802T103000\r\nDTEND;TZID=Our Coast:20060802T123000\r\n"
    "DTSTAMP:20060801T170000Z\r\nUID:040000008200E00074C5B7101A82E008\r\nSEQUENCE:2\r\n"
    "TRANSP:OPAQUE\r\nX-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\r\n"
    "X-MICROSOFT-CDO-INTENDEDSTATUS:OOF\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
    "--alt--\r\n";

static void a_meeting_request_is_read(void **state)
{
    const struct mime_calendar *c = mime_message_calendar(given(state, meeting_request));

    assert_non_null(c);
    assert_int_equal(c->method, MIME_METHOD_REQUEST);
    assert_text(c->summary, "Budget Q3, final");
    assert_text(c->location, "Conference Room 2");
    assert_text(c->organizer.name, "Dan Park");
    assert_text(c->organizer.address, "dpark@example.com");
    assert_text(c->uid, "040000008200E00074C5B7101A82E008");
    assert_text(c->tzid, "Our Coast");
    assert_int_equal(c->start_ms, MEETING_START);
    assert_int_equal(c->end_ms, MEETING_START + 2 * HOUR_MS);
    assert_int_equal(c->stamp_ms, MEETING_START - 24 * HOUR_MS - HOUR_MS / 2);
    assert_int_equal(c->sequence, 2);
    assert_int_equal(c->busy, MIME_BUSY_OOF);
    assert_false(c->all_day || c->recurring || c->cancelled || c->has_recurrence_id);
}

static void attendees_have_roles_and_answers(void **state)
{
    const struct mime_calendar *c = mime_message_calendar(given(state, meeting_request));

    assert_int_equal(c->attendee_count, 3);
    assert_text(c->attendees[0].who.name, "Sue Smith");
    assert_text(c->attendees[0].who.address, "ssmith@example.com");
    assert_int_equal(c->attendees[0].partstat, MIME_PARTSTAT_NEEDS_ACTION);
    assert_int_equal(c->attendees[1].role, MIME_ATTENDEE_OPTIONAL);
    assert_int_equal(c->attendees[2].role, MIME_ATTENDEE_RESOURCE);
}

static void times_are_utc_by_their_zone(void **state)
{
    static const struct {
        const char *lines;
        int64_t start_ms;
    } cases[] = {
        {EVENT("DTSTART:20060802T173000Z\n"), MEETING_START},
        {EVENT("DTSTART:20060802T173000\n"), MEETING_START},
        {EVENT("DTSTART;TZID=America/Los_Angeles:20060802T103000\n"), MEETING_START},
        {EVENT("DTSTART;TZID=Pacific Standard Time:20060802T103000\n"), MEETING_START},
        {EVENT("DTSTART;TZID=\"W. Europe Standard Time\":20060802T193000\n"), MEETING_START},
        {EVENT("DTSTART;TZID=/example.org/2006_1/Asia/Tokyo:20060803T023000\n"), MEETING_START},
        {EVENT("DTSTART;TZID=No/Such_Zone:20060802T173000\n"), MEETING_START},
        {EVENT("DTSTART;TZID=../../etc/passwd:20060802T173000\n"), MEETING_START},
        {EVENT("DTSTART;TZID=America/Los_Angeles:20060102T093000\n"), INT64_C(1136223000000)},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct mime_calendar *c = calendar(state, cases[i].lines);

        assert_non_null(c);
        assert_true(c->has_start);
        assert_int_equal(c->start_ms, cases[i].start_ms);
    }
}

static void an_end_may_be_a_duration_or_the_day(void **state)
{
    const struct mime_calendar *c =
        calendar(state, EVENT("DTSTART:20060802T173000Z\nDURATION:PT1H30M\n"));

    assert_int_equal(c->end_ms - c->start_ms, HOUR_MS + HOUR_MS / 2);
    c = calendar(state, EVENT("DTSTART;VALUE=DATE:20060802\n"));
    assert_true(c->all_day);
    assert_int_equal(c->start_ms % (24 * HOUR_MS), 0);
    assert_int_equal(c->end_ms - c->start_ms, 24 * HOUR_MS);
    c = calendar(state, EVENT("SUMMARY:x\n"));
    assert_false(c->has_start || c->has_end);
}

static void a_bare_meeting_has_its_description_for_body(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: text/calendar\n\n" EVENT("DESCRIPTION:Bring\\nfigures\n"));

    assert_text(mime_message_body(m)->text, "Bring\nfigures");
    assert_text(mime_message_preview(m, 255), "Bring figures");
    assert_false(mime_message_has_attachments(m));
    assert_false(mime_message_body(given(state, meeting_request))->has_html);
}

static void recurrence_is_text_and_a_flag(void **state)
{
    const struct mime_calendar *c =
        calendar(state, EVENT("DTSTART:20060802T173000Z\nRRULE:FREQ=WEEKLY;COUNT=3\n"
                              "RECURRENCE-ID:20060809T173000Z\n"));

    assert_true(c->recurring);
    assert_text(c->rrule, "FREQ=WEEKLY;COUNT=3");
    assert_true(c->has_recurrence_id);
    assert_int_equal(c->recurrence_id_ms, MEETING_START + 7 * 24 * HOUR_MS);
}

static void busy_comes_from_transparency_without_other_word(void **state)
{
    assert_int_equal(calendar(state, EVENT("TRANSP:TRANSPARENT\n"))->busy, MIME_BUSY_FREE);
    assert_int_equal(calendar(state, EVENT("TRANSP:OPAQUE\n"))->busy, MIME_BUSY_BUSY);
    assert_int_equal(calendar(state, EVENT("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\n"))->busy,
                     MIME_BUSY_TENTATIVE);
}

static void the_method_may_stand_in_the_calendar(void **state)
{
    const struct mime_calendar *c =
        calendar(state, "BEGIN:VCALENDAR\nMETHOD:cancel\nBEGIN:VEVENT\nEND:VEVENT\n"
                        "END:VCALENDAR\n");

    assert_int_equal(c->method, MIME_METHOD_CANCEL);
    assert_true(c->cancelled);
    assert_true(calendar(state, EVENT("STATUS:CANCELLED\n"))->cancelled);
}

static void broken_values_are_absent(void **state)
{
    const struct mime_calendar *c = calendar(
        state, EVENT("DTSTART:yesterday\nDTEND:20061399T000000Z\nSEQUENCE:-5\nDURATION:long\n"
                     "DTSTAMP;VALUE=PERIOD:1/2\nORGANIZER:\nATTENDEE;PARTSTAT=SO-SO:x\n"));

    assert_non_null(c);
    assert_false(c->has_start || c->has_end || c->has_stamp);
    assert_int_equal(c->sequence, 0);
}

static void other_parts_are_no_calendar(void **state)
{
    static const char *const texts[] = {
        "",
        "hello",
        "BEGIN:VCALENDAR\n",
        "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VTODO\nEND:VCALENDAR\n",
        "BEGIN:VEVENT\nEND:VEVENT\n",
        "END:VCALENDAR\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_null(calendar(state, texts[i]));
    }
}

static void deep_nesting_is_refused_however_it_is_folded(void **state)
{
    static const char *const pieces[] = {"BEGIN:VEVENT\n", "BE\r\n GIN:VEVENT\r\n",
                                         "begin;x=y:VEVENT\r", "BEGIN :X\n"};

    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct buf text = BUF_INIT;

        BUF_LIT(&text, "BEGIN:VCALENDAR\n");
        for (int n = 0; n < 20000; n++) {
            buf_add_cstr(&text, pieces[i]);
        }
        assert_null(mime_calendar_parse(*state, buf_str(&text), STR("REQUEST")));
        buf_fini(&text);
    }
}

static const struct mime_calendar *in_zone(void **state, const char *start, const char *rule,
                                           int observances)
{
    struct buf text = BUF_INIT;
    const struct mime_calendar *c;

    BUF_LIT(&text, "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Bomb\n");
    for (int i = 0; i < observances; i++) {
        buf_printf(&text,
                   "BEGIN:STANDARD\nDTSTART:%s\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
                   "RRULE:%s\nEND:STANDARD\n",
                   start, rule);
    }
    BUF_LIT(&text, "END:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Bomb:20060802T173000\n"
                   "END:VEVENT\nEND:VCALENDAR\n");
    c = mime_calendar_parse(*state, buf_str(&text), STR(""));
    buf_fini(&text);
    assert_non_null(c);
    return c;
}

/* Expanding the first rule up to the meeting would make four hundred years of seconds; a zone that is not run counts as UTC. */
static void zones_that_are_bombs_are_not_run(void **state)
{
    static const struct {
        const char *start, *rule;
        int observances;
    } cases[] = {
        {"16010101T000000", "FREQ=SECONDLY", 1},
        {"16010101T000000", "FREQ=YEARLY;BYMONTH=1;BYHOUR=1,2,3;BYSECOND=1,2,3", 1},
        {"00010101T000000", "FREQ=YEARLY;BYMONTH=1;BYDAY=1SU", 1},
        {"16010101T000000", "FREQ=YEARLY;BYMONTH=1;BYDAY=1SU", 500},
    };
    int64_t before = clock_system()->monotonic_ms(clock_system());

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            in_zone(state, cases[i].start, cases[i].rule, cases[i].observances)->start_ms,
            MEETING_START);
    }
    assert_true(clock_system()->monotonic_ms(clock_system()) - before < 10000);
    assert_int_equal(
        in_zone(state, "16010101T000000", "FREQ=YEARLY;BYMONTH=1;BYDAY=1SU", 1)->start_ms,
        MEETING_START - 2 * HOUR_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(a_meeting_request_is_read),
        MIME_TEST(attendees_have_roles_and_answers),
        MIME_TEST(times_are_utc_by_their_zone),
        MIME_TEST(an_end_may_be_a_duration_or_the_day),
        MIME_TEST(a_bare_meeting_has_its_description_for_body),
        MIME_TEST(recurrence_is_text_and_a_flag),
        MIME_TEST(busy_comes_from_transparency_without_other_word),
        MIME_TEST(the_method_may_stand_in_the_calendar),
        MIME_TEST(broken_values_are_absent),
        MIME_TEST(other_parts_are_no_calendar),
        MIME_TEST(deep_nesting_is_refused_however_it_is_folded),
        MIME_TEST(zones_that_are_bombs_are_not_run),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
