#include "ews/zones.h"

#include "base/macros.h"
#include "mime/windows_zones.h"
#include "mime/zone_rules.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

#include <stdlib.h>

#define MINUTE_MS 60000
#define DAY_MS INT64_C(86400000)
#define DAY_S 86400

bool zone_standard_offset(struct str id, int *minutes_r)
{
    const struct windows_zone *zone = windows_zone_find(id);

    if (zone == NULL) {
        return false;
    }
    *minutes_r = zone->minutes;
    return true;
}

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

int64_t zone_day_ms(struct str name, int64_t utc_ms)
{
    const struct zone_rules *rules = zone_rules_find(name);
    int64_t offset_s =
        rules != NULL ? zone_rules_offset_s(rules, floor_to(utc_ms, 1000) / 1000) : 0;

    return floor_to(utc_ms + offset_s * 1000, DAY_MS);
}

int64_t zone_midnight_ms(struct str name, int64_t day_ms)
{
    const struct zone_rules *rules = zone_rules_find(name);

    return rules != NULL ? zone_rules_utc_s(rules, day_ms / 1000) * 1000 : day_ms;
}

/* ---- reading ---- */

/* Seconds of an xs:duration of hours, minutes and seconds: "-PT1H30M". */
static bool parse_duration(struct str text, int *seconds_r)
{
    bool minus = text.n != 0 && *text.p == '-';
    int64_t total = 0, v = 0;

    text = str_sub(text, minus, SIZE_MAX);
    if (!str_starts(text, STR("PT"))) {
        return false;
    }
    for (size_t i = 2; i < text.n; i++) {
        char c = text.p[i];

        if (c >= '0' && c <= '9' && v < DAY_S) {
            v = 10 * v + (c - '0');
        } else if (c == 'H' || c == 'M' || c == 'S') {
            total += v * (c == 'H' ? 3600 : c == 'M' ? 60 : 1);
            v = 0;
        } else {
            return false;
        }
    }
    if (total > DAY_S) {
        return false;
    }
    *seconds_r = (int)(minus ? -total : total);
    return true;
}

/* What a definition says of itself, as far as it tells zones apart. */
struct description {
    int standard_s; /* east of UTC */
    bool has_daylight;
};

static bool is_named_daylight(const struct xml_node *period)
{
    return str_find_nocase(xml_attr(period, "Name"), STR("Daylight"), 0) != SIZE_MAX ||
           str_find_nocase(xml_attr(period, "Id"), STR("Daylight"), 0) != SIZE_MAX;
}

/* t:Periods: the first one that is not daylight saving time. Biases count west of UTC. */
static bool describe_periods(const struct xml_node *periods, struct description *d)
{
    bool found = false;
    int bias_s;

    for (const struct xml_node *p = periods->first_child; p != NULL; p = p->next) {
        if (is_named_daylight(p)) {
            d->has_daylight = true;
        } else if (!found && parse_duration(str_trim(xml_attr(p, "Bias")), &bias_s)) {
            d->standard_s = -bias_s;
            found = true;
        }
    }
    return found;
}

static bool describe(const struct xml_node *node, struct description *d)
{
    const struct xml_node *periods = xml_child(node, XML_NS_TYPES, "Periods");
    const struct xml_node *base = xml_child(node, XML_NS_TYPES, "BaseOffset");
    int bias_s;

    if (periods != NULL) {
        return describe_periods(periods, d);
    }
    if (base == NULL || !parse_duration(str_trim(base->text), &bias_s)) {
        return false;
    }
    d->standard_s = -bias_s;
    d->has_daylight = xml_child(node, XML_NS_TYPES, "Daylight") != NULL;
    return true;
}

static const struct windows_zone *zone_described(const struct xml_node *node)
{
    struct description d = {0};

    for (size_t i = 0; describe(node, &d) && i < windows_zone_count; i++) {
        const struct zone_rules *rules = zone_rules_find(windows_zone_at(i)->id);

        if (rules != NULL && rules->standard_s == d.standard_s &&
            rules->has_daylight == d.has_daylight) {
            return windows_zone_at(i);
        }
    }
    return NULL;
}

int zone_xml_parse(const struct xml_node *node, struct str *name_r, struct err *err_r)
{
    static const char *const attrs[] = {"Id", "TimeZoneName", "Name"};
    const struct windows_zone *zone;

    for (size_t i = 0; i < ARRAY_LEN(attrs); i++) {
        struct str name = str_trim(xml_attr(node, attrs[i]));

        if (windows_zone_find(name) != NULL || zone_rules_find(name) != NULL) {
            *name_r = name;
            return 0;
        }
    }
    zone = zone_described(node);
    if (zone == NULL) {
        return err_set(err_r, ERR_PROPERTY_VALUE, "no known time zone");
    }
    *name_r = zone->id;
    return 0;
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
