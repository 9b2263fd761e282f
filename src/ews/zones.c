#include "ews/zones.h"

#include "base/clock.h"
#include "base/macros.h"
#include "mime/windows_zones.h"
#include "mime/zone_rules.h"
#include "xml/xml_write.h"

#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
#define DAY_S 86400

/* ---- names ---- */

static const struct windows_zone *zone_of_city(struct str name)
{
    for (size_t i = 0; i < windows_zone_count; i++) {
        if (str_is(name, windows_zone_at(i)->city)) {
            return windows_zone_at(i);
        }
    }
    return NULL;
}

static const struct windows_zone *zone_alike(const struct zone_rules *rules)
{
    for (size_t i = 0; rules != NULL && i < windows_zone_count; i++) {
        const struct zone_rules *other = zone_rules_find(windows_zone_at(i)->id);

        if (other != NULL && zone_rules_alike(rules, other)) {
            return windows_zone_at(i);
        }
    }
    return NULL;
}

static const struct windows_zone *zone_of(struct str name)
{
    const struct windows_zone *zone = windows_zone_find(name);

    if (zone == NULL) {
        zone = zone_of_city(name);
    }
    return zone != NULL ? zone : zone_alike(zone_rules_find(name));
}

struct str zone_windows_id(struct str name)
{
    const struct windows_zone *zone = zone_of(name);

    return zone != NULL ? zone->id : STR("");
}

/* ---- days ---- */

static int64_t floor_to(int64_t v, int64_t unit)
{
    int64_t rest = v % unit;

    return v - (rest < 0 ? rest + unit : rest);
}

/* Whole seconds before that moment, which clocks are set by; *rest_ms: what is beyond. */
static int64_t seconds_of(int64_t ms, int64_t *rest_ms)
{
    int64_t whole = floor_to(ms, 1000);

    *rest_ms = ms - whole;
    return whole / 1000;
}

static int64_t to_local_ms(const struct zone_rules *rules, int64_t utc_ms)
{
    int64_t rest;

    return rules != NULL
               ? utc_ms + INT64_C(1000) * zone_rules_offset_s(rules, seconds_of(utc_ms, &rest))
               : utc_ms;
}

static int64_t to_utc_ms(const struct zone_rules *rules, int64_t local_ms)
{
    int64_t rest, s = seconds_of(local_ms, &rest);

    return rules != NULL ? zone_rules_utc_s(rules, s) * 1000 + rest : local_ms;
}

int64_t zone_context_local_ms(const struct zone_context *context, int64_t utc_ms)
{
    return to_local_ms(context->rules, utc_ms);
}

int64_t zone_context_utc_ms(const struct zone_context *context, int64_t local_ms)
{
    return to_utc_ms(context->rules, local_ms);
}

bool zone_context_time(const struct zone_context *context, struct str text, int64_t *ms_r)
{
    bool zoned = false;
    int64_t ms;

    if (!time_parse_any(str_trim(text), &zoned, &ms)) {
        return false;
    }
    *ms_r = zoned ? ms : to_utc_ms(context->rules, ms);
    return true;
}

int64_t zone_local_ms(struct str name, int64_t utc_ms)
{
    return to_local_ms(zone_rules_find(name), utc_ms);
}

int64_t zone_day_ms(struct str name, int64_t utc_ms)
{
    return floor_to(zone_local_ms(name, utc_ms), DAY_MS);
}

int64_t zone_midnight_ms(struct str name, int64_t day_ms)
{
    return to_utc_ms(zone_rules_find(name), day_ms);
}

/* ---- writing ---- */

static void add_duration(struct buf *out, int seconds)
{
    int s = abs(seconds);

    buf_add_cstr(out, seconds < 0 ? "-PT" : "PT");
    if (s >= 3600) {
        buf_printf(out, "%dH", s / 3600);
    }
    if (s % 3600 >= 60 || s == 0) {
        buf_printf(out, "%dM", s % 3600 / 60);
    }
    if (s % 60 != 0) {
        buf_printf(out, "%dS", s % 60);
    }
}

/* "(UTC+01:00) Berlin" */
static void add_display_name(struct buf *out, const struct windows_zone *zone)
{
    const char *slash = strrchr(zone->city, '/'), *city = slash != NULL ? slash + 1 : zone->city;
    int minutes = abs(zone->minutes);

    BUF_LIT(out, "(UTC");
    if (minutes != 0) {
        buf_printf(out, "%c%02d:%02d", zone->minutes < 0 ? '-' : '+', minutes / 60, minutes % 60);
    }
    BUF_LIT(out, ") ");
    if (strncmp(zone->city, "Etc/", 4) == 0) {
        xml_add_attr_text(out, zone->id);
        return;
    }
    for (; *city != '\0'; city++) {
        buf_add_char(out, *city == '_' ? ' ' : *city);
    }
}

/* Clients split the id of a period at the last slash and find a year and a kind there. */
static void add_period_id(struct buf *out, const struct windows_zone *zone, const char *kind)
{
    BUF_LIT(out, "trule:Microsoft/Registry/");
    xml_add_attr_text(out, zone->id);
    buf_printf(out, "/2007-%s", kind);
}

static void add_period(struct buf *out, const struct windows_zone *zone, const char *kind,
                       int offset_s)
{
    BUF_LIT(out, "<t:Period Bias=\"");
    add_duration(out, -offset_s);
    buf_printf(out, "\" Name=\"%s\" Id=\"", kind);
    add_period_id(out, zone, kind);
    BUF_LIT(out, "\"/>");
}

static void add_target(struct buf *out, const struct windows_zone *zone, const char *kind)
{
    BUF_LIT(out, "<t:To Kind=\"Period\">");
    add_period_id(out, zone, kind);
    BUF_LIT(out, "</t:To>");
}

static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

/* Clients know times within a day: a change after its day's end is the next day's; just at it, the day's last second. */
static void settle_change(struct zone_change *change)
{
    while (change->seconds < 0) {
        change->seconds += DAY_S;
        change->weekday = (change->weekday + 6) % 7;
    }
    while (change->seconds > DAY_S) {
        change->seconds -= DAY_S;
        change->weekday = (change->weekday + 1) % 7;
    }
    if (change->seconds == DAY_S) {
        change->seconds = DAY_S - 1;
    }
}

static void add_change(struct buf *out, const struct windows_zone *zone, const char *kind,
                       struct zone_change change)
{
    settle_change(&change);
    BUF_LIT(out, "<t:RecurringDayTransition>");
    add_target(out, zone, kind);
    BUF_LIT(out, "<t:TimeOffset>");
    add_duration(out, change.seconds);
    buf_printf(out,
               "</t:TimeOffset><t:Month>%d</t:Month><t:DayOfWeek>%s</t:DayOfWeek>"
               "<t:Occurrence>%d</t:Occurrence></t:RecurringDayTransition>",
               change.month, day_names[change.weekday], change.week == 5 ? -1 : change.week);
}

static void add_rules(struct buf *out, const struct windows_zone *zone,
                      const struct zone_rules *rules)
{
    BUF_LIT(out, "<t:Periods>");
    add_period(out, zone, "Standard", rules->standard_s);
    if (rules->has_daylight) {
        add_period(out, zone, "Daylight", rules->daylight_s);
    }
    BUF_LIT(out, "</t:Periods><t:TransitionsGroups><t:TransitionsGroup Id=\"0\">");
    if (rules->has_daylight) {
        add_change(out, zone, "Daylight", rules->to_daylight);
        add_change(out, zone, "Standard", rules->to_standard);
    } else {
        BUF_LIT(out, "<t:Transition>");
        add_target(out, zone, "Standard");
        BUF_LIT(out, "</t:Transition>");
    }
    BUF_LIT(out, "</t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition>"
                 "<t:To Kind=\"Group\">0</t:To></t:Transition></t:Transitions>");
}

void zone_xml_write(struct buf *out, struct str element, struct str name, bool full)
{
    const struct windows_zone *zone = zone_of(name);
    const struct zone_rules *rules = zone != NULL && full ? zone_rules_find(zone->id) : NULL;

    if (zone == NULL) {
        return;
    }
    BUF_LIT(out, "<");
    buf_add_str(out, element);
    BUF_LIT(out, " Id=\"");
    xml_add_attr_text(out, zone->id);
    BUF_LIT(out, "\" Name=\"");
    add_display_name(out, zone);
    BUF_LIT(out, "\">");
    if (rules != NULL) {
        add_rules(out, zone, rules);
    }
    xml_close(out, element);
}

void zone_xml_write_meeting(struct buf *out, struct str name)
{
    const struct windows_zone *zone = zone_of(name);

    if (zone != NULL) {
        BUF_LIT(out, "<t:MeetingTimeZone TimeZoneName=\"");
        xml_add_attr_text(out, zone->id);
        BUF_LIT(out, "\"/>");
    }
}
