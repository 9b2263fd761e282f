/* Time zones: the server's list, zones of appointments in all the forms that clients send, clocks around their changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "ews/zones.h"
#include "mime/windows_zones.h"
#include "mime/zone_rules.h"
#include "support/answer_schema.h"
#include "support/calendar_requests.h"

/* ---- GetServerTimeZones ---- */

static void ask_for(struct ews_fixture *f, const char *full, const char *ids)
{
    ews_ask(f,
            "<m:GetServerTimeZones ReturnFullTimeZoneData='%s'><m:Ids>%s</m:Ids>"
            "</m:GetServerTimeZones>",
            full, ids);
}

static void test_all_zones(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask(f, "<m:GetServerTimeZones/>");
    assert_string_equal(calendar_code(f), "NoError");
    assert_int_equal(ews_count(f, "TimeZoneDefinition"), windows_zone_count);
    assert_in_range(ews_count(f, "TransitionsGroup"), 130, windows_zone_count);
}

static void test_names_alone(void **state)
{
    struct ews_fixture *f = *state;

    ask_for(f, "false", "<t:Id>UTC</t:Id><t:Id>Romance Standard Time</t:Id><t:Id>No such</t:Id>");
    assert_string_equal(ews_outline(f, ews_nth(f, "TimeZoneDefinitions", 0)),
                        "TimeZoneDefinitions(TimeZoneDefinition TimeZoneDefinition)");
    assert_string_equal(ews_attr(f, "TimeZoneDefinition", "Id"), "Romance Standard Time");
    assert_string_equal(ews_attr(f, "TimeZoneDefinition", "Name"), "(UTC+01:00) Paris");
}

static void test_rules_of_a_zone_whose_clocks_are_changed(void **state)
{
    struct ews_fixture *f = *state;

    ask_for(f, "true", "<t:Id>W. Europe Standard Time</t:Id>");
    assert_string_equal(
        ews_outline(f, ews_nth(f, "TimeZoneDefinition", 0)),
        "TimeZoneDefinition(Periods(Period Period) TransitionsGroups(TransitionsGroup("
        "RecurringDayTransition(To TimeOffset Month DayOfWeek Occurrence) "
        "RecurringDayTransition(To TimeOffset Month DayOfWeek Occurrence))) "
        "Transitions(Transition(To)))");
    assert_string_equal(ews_attr(f, "Period", "Bias"), "-PT1H");
    assert_string_equal(calendar_nth_text(f, "TimeOffset", 0), "PT2H");
    assert_string_equal(calendar_nth_text(f, "Month", 0), "3");
    assert_string_equal(calendar_nth_text(f, "Occurrence", 0), "-1");
    assert_string_equal(calendar_nth_text(f, "TimeOffset", 1), "PT3H");
    assert_string_equal(calendar_nth_text(f, "Month", 1), "10");
}

static void test_rules_of_a_zone_whose_clocks_are_not(void **state)
{
    struct ews_fixture *f = *state;

    ask_for(f, "true", "<t:Id>India Standard Time</t:Id>");
    assert_string_equal(ews_outline(f, ews_nth(f, "TimeZoneDefinition", 0)),
                        "TimeZoneDefinition(Periods(Period) TransitionsGroups(TransitionsGroup("
                        "Transition(To))) Transitions(Transition(To)))");
    assert_string_equal(ews_attr(f, "Period", "Bias"), "-PT5H30M");
}

/* ---- of appointments ---- */

#define TIMES "<t:Start>2024-07-01T10:00:00Z</t:Start><t:End>2024-07-01T11:00:00Z</t:End>"

static const char *zone_of(struct ews_fixture *f, const char *zone)
{
    const char *id = calendar_create(f, arena_printf(f->arena, TIMES "%s", zone));

    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    return ews_attr(f, "StartTimeZone", "Id");
}

static void test_zones_in_every_form(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(zone_of(f, "<t:StartTimeZone Id='Tokyo Standard Time' Name='any'/>"),
                        "Tokyo Standard Time");
    assert_string_equal(zone_of(f, "<t:StartTimeZone Id='tokyo standard time'/>"),
                        "Tokyo Standard Time");
    assert_string_equal(zone_of(f, "<t:StartTimeZone Id='Asia/Tokyo'/>"), "Tokyo Standard Time");
    assert_string_equal(zone_of(f, "<t:MeetingTimeZone TimeZoneName='Tokyo Standard Time'/>"),
                        "Tokyo Standard Time");
    assert_string_equal(zone_of(f, "<t:StartTimeZone Id='mine'><t:Periods>"
                                   "<t:Period Bias='-PT5H45M' Name='Standard' Id='s'/></t:Periods>"
                                   "</t:StartTimeZone>"),
                        "Nepal Standard Time");
    assert_string_equal(zone_of(f, "<t:MeetingTimeZone><t:BaseOffset>-PT5H45M</t:BaseOffset>"
                                   "</t:MeetingTimeZone>"),
                        "Nepal Standard Time");
}

static void test_old_clients_see_the_meetings_zone(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(f, TIMES BERLIN);

    f->version = "Exchange2007_SP1";
    calendar_get_all(f, id);
    assert_string_equal(ews_attr(f, "MeetingTimeZone", "TimeZoneName"), "W. Europe Standard Time");
    assert_null(ews_nth(f, "StartTimeZone", 0));
}

static void test_the_requests_zone_is_taken_when_none_is_named(void **state)
{
    struct ews_fixture *f = *state;
    const char *id;

    ews_ask_with_header(
        f,
        "<t:RequestServerVersion Version='Exchange2013'/><t:TimeZoneContext>"
        "<t:TimeZoneDefinition Id='Tokyo Standard Time'/></t:TimeZoneContext>",
        "<m:CreateItem SendMeetingInvitations='SendToNone'><m:Items><t:CalendarItem>"
        "<t:Start>2024-07-01T10:00:00</t:Start><t:End>2024-07-01T11:00:00</t:End>"
        "</t:CalendarItem></m:Items></m:CreateItem>");
    id = ews_attr(f, "ItemId", "Id");
    assert_non_null(id);
    calendar_get_all(f, id);
    assert_string_equal(ews_attr(f, "StartTimeZone", "Id"), "Tokyo Standard Time");
    assert_string_equal(ews_text(f, "Start"), "2024-07-01T01:00:00Z");
}

static void test_times_are_of_the_requests_clocks_of_that_day(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask_with_header(
        f,
        "<t:TimeZoneContext><t:TimeZoneDefinition Id='W. Europe Standard Time'/>"
        "</t:TimeZoneContext>",
        "<m:CreateItem SendMeetingInvitations='SendToNone'><m:Items><t:CalendarItem>"
        "<t:Start>2024-03-30T10:00:00</t:Start><t:End>2024-03-31T10:00:00</t:End>"
        "</t:CalendarItem></m:Items></m:CreateItem>");
    calendar_get_all(f, ews_attr(f, "ItemId", "Id"));
    assert_string_equal(ews_text(f, "Start"), "2024-03-30T09:00:00Z");
    assert_string_equal(ews_text(f, "End"), "2024-03-31T08:00:00Z");
    ews_ask_with_header(
        f,
        "<t:TimeZoneContext><t:TimeZoneDefinition Id='W. Europe Standard Time'/>"
        "</t:TimeZoneContext>",
        "<m:FindItem Traversal='Shallow'><m:ItemShape>" ID_ONLY "</m:ItemShape>"
        "<m:CalendarView StartDate='2024-03-31T09:59:59' EndDate='2024-04-30T00:00:00'/>"
        "<m:ParentFolderIds><t:DistinguishedFolderId Id='calendar'/></m:ParentFolderIds>"
        "</m:FindItem>");
    assert_int_equal(ews_count(f, "CalendarItem"), 1);
}

/* New Zealand's changes, with another name. */
static void test_a_described_zone_is_the_one_with_these_clocks(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = calendar_create(
        f, "<t:Start>2024-07-01T10:00:00Z</t:Start><t:End>2024-07-01T11:00:00Z</t:End>"
           "<t:StartTimeZone Id='Ours'><t:Periods><t:Period Bias='-PT12H' Name='Standard' Id='s'/>"
           "<t:Period Bias='-PT13H' Name='Daylight' Id='d'/></t:Periods><t:TransitionsGroups>"
           "<t:TransitionsGroup Id='0'><t:RecurringDayTransition><t:To Kind='Period'>d</t:To>"
           "<t:TimeOffset>PT2H</t:TimeOffset><t:Month>9</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>"
           "<t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition><t:RecurringDayTransition>"
           "<t:To Kind='Period'>s</t:To><t:TimeOffset>PT3H</t:TimeOffset><t:Month>4</t:Month>"
           "<t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>1</t:Occurrence>"
           "</t:RecurringDayTransition></t:TransitionsGroup></t:TransitionsGroups><t:Transitions>"
           "<t:Transition><t:To Kind='Group'>0</t:To></t:Transition></t:Transitions>"
           "</t:StartTimeZone>");

    assert_string_equal(calendar_code(f), "NoError");
    calendar_get_all(f, id);
    assert_string_equal(ews_attr(f, "StartTimeZone", "Id"), "New Zealand Standard Time");
}

/* ---- reckoning ---- */

static int64_t ms(const char *text)
{
    int64_t v = 0;

    assert_true(time_parse(str_from(text), 0, &v));
    return v;
}

static void test_days_and_midnights(void **state)
{
    struct str berlin = STR("W. Europe Standard Time");

    (void)state;
    assert_int_equal(zone_day_ms(berlin, ms("2024-06-30T22:00:00Z")), ms("2024-07-01T00:00:00Z"));
    assert_int_equal(zone_day_ms(berlin, ms("2024-06-30T21:59:59Z")), ms("2024-06-30T00:00:00Z"));
    assert_int_equal(zone_midnight_ms(berlin, ms("2024-07-01T00:00:00Z")),
                     ms("2024-06-30T22:00:00Z"));
    assert_int_equal(zone_midnight_ms(berlin, ms("2024-12-01T00:00:00Z")),
                     ms("2024-11-30T23:00:00Z"));
    assert_int_equal(zone_midnight_ms(STR("nowhere"), 0), 0);
}

static int offset(const char *zone, const char *at)
{
    const struct zone_rules *rules = zone_rules_find(str_from(zone));

    assert_non_null(rules);
    return zone_rules_offset_s(rules, ms(at) / 1000);
}

static void test_offsets_past_present_and_future(void **state)
{
    (void)state;
    assert_int_equal(offset("Europe/Berlin", "1940-01-01T00:00:00Z"), 3600);
    assert_int_equal(offset("Europe/Berlin", "2024-03-31T00:59:59Z"), 3600);
    assert_int_equal(offset("Europe/Berlin", "2024-03-31T01:00:00Z"), 7200);
    assert_int_equal(offset("Europe/Berlin", "2024-10-27T00:59:59Z"), 7200);
    assert_int_equal(offset("Europe/Berlin", "2024-10-27T01:00:00Z"), 3600);
    assert_int_equal(offset("Europe/Berlin", "2100-07-01T00:00:00Z"), 7200);
    assert_int_equal(offset("Australia/Sydney", "2100-01-01T00:00:00Z"), 11 * 3600);
    assert_int_equal(offset("Australia/Sydney", "2100-07-01T00:00:00Z"), 10 * 3600);
    assert_int_equal(offset("UTC", "2024-01-01T00:00:00Z"), 0);
}

static void test_names_that_lead_out_of_the_directory(void **state)
{
    (void)state;
    assert_null(zone_rules_find(STR("../../../etc/passwd")));
    assert_null(zone_rules_find(STR("/etc/localtime")));
    assert_null(zone_rules_find(STR("")));
    assert_null(zone_rules_find(STR("zone.tab")));
}

static void test_every_windows_zone_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < windows_zone_count; i++) {
        const struct windows_zone *zone = windows_zone_at(i);

        assert_ptr_equal(windows_zone_find(zone->id), zone);
        assert_non_null(zone_rules_find(zone->id));
        assert_true(str_eq(zone_windows_id(zone->id), zone->id));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_all_zones),
        TEST(test_names_alone),
        TEST(test_rules_of_a_zone_whose_clocks_are_changed),
        TEST(test_rules_of_a_zone_whose_clocks_are_not),
        TEST(test_zones_in_every_form),
        TEST(test_old_clients_see_the_meetings_zone),
        TEST(test_the_requests_zone_is_taken_when_none_is_named),
        TEST(test_times_are_of_the_requests_clocks_of_that_day),
        TEST(test_a_described_zone_is_the_one_with_these_clocks),
        cmocka_unit_test(test_days_and_midnights),
        cmocka_unit_test(test_offsets_past_present_and_future),
        cmocka_unit_test(test_names_that_lead_out_of_the_directory),
        cmocka_unit_test(test_every_windows_zone_is_known),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
