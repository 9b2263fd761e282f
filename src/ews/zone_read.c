/* Time zones in requests: by name, or by what an element describes. Descriptions are read in both forms of the protocol; what of them this server follows is the rule that is in force. */
#include "ews/zones.h"

#include "base/arena.h"
#include "base/clock.h"
#include "ews/limits.h"
#include "mime/windows_zones.h"
#include "mime/zone_rules.h"
#include "xml/xml_doc.h"

#define DAY_S 86400

/* ---- durations ---- */

static int seconds_of_unit(char unit)
{
    switch (unit) {
    case 'D': return DAY_S;
    case 'H': return 3600;
    case 'M': return 60;
    case 'S': return 1;
    default: return 0;
    }
}

/* Digits, whose fraction is of no interest, and their unit. */
static bool take_part(struct str *rest, int64_t *seconds)
{
    int64_t v = 0;
    size_t i = 0;

    while (i < rest->n && rest->p[i] >= '0' && rest->p[i] <= '9' && v <= DAY_S) {
        v = 10 * v + (rest->p[i++] - '0');
    }
    if (i == 0 || v > DAY_S) {
        return false;
    }
    if (i < rest->n && rest->p[i] == '.') {
        for (i++; i < rest->n && rest->p[i] >= '0' && rest->p[i] <= '9'; i++) {
        }
    }
    if (i == rest->n || seconds_of_unit(rest->p[i]) == 0) {
        return false;
    }
    *seconds += v * seconds_of_unit(rest->p[i]);
    *rest = str_sub(*rest, i + 1, rest->n);
    return true;
}

/* An xs:duration of at most a day: "-PT1H30M", "P0DT8H0M0.0S". */
static bool parse_duration(struct str text, int *seconds_r)
{
    bool minus = str_starts(text, STR("-"));
    int64_t total = 0;

    text = str_sub(text, minus, text.n);
    if (!str_starts(text, STR("P")) || text.n == 1) {
        return false;
    }
    text = str_sub(text, 1, text.n);
    while (text.n != 0) {
        if (*text.p == 'T') {
            text = str_sub(text, 1, text.n);
        }
        if (!take_part(&text, &total)) {
            return false;
        }
    }
    *seconds_r = (int)(minus ? -total : total);
    return total <= DAY_S;
}

static bool parse_offset(struct str bias, int *seconds_r)
{
    int bias_s;

    if (!parse_duration(str_trim(bias), &bias_s) || bias_s > ZONE_MAX_OFFSET_MINUTES * 60 ||
        bias_s < -ZONE_MAX_OFFSET_MINUTES * 60) {
        return false;
    }
    *seconds_r = -bias_s; /* biases count west of UTC */
    return true;
}

/* ---- periods ---- */

static bool is_named_daylight(const struct xml_node *period)
{
    return str_find_nocase(xml_attr(period, "Name"), STR("Daylight"), 0) != SIZE_MAX ||
           str_find_nocase(xml_attr(period, "Id"), STR("Daylight"), 0) != SIZE_MAX;
}

static const struct xml_node *by_id(const struct xml_node *parent, struct str id)
{
    const struct xml_node *child = parent != NULL ? parent->first_child : NULL;

    while (child != NULL && !str_eq(xml_attr(child, "Id"), id)) {
        child = child->next;
    }
    return child;
}

/* The first one that is not daylight saving time. */
static const struct xml_node *standard_period(const struct xml_node *periods)
{
    const struct xml_node *period = periods->first_child;

    while (period != NULL && is_named_daylight(period)) {
        period = period->next;
    }
    return period;
}

/* ---- transitions ---- */

/* t:To of a transition; of its kind only. */
static bool target_of(const struct xml_node *transition, const char *kind, struct str *id_r)
{
    const struct xml_node *to = xml_child(transition, XML_NS_TYPES, "To");

    if (to == NULL || !str_is(xml_attr(to, "Kind"), kind)) {
        return false;
    }
    *id_r = str_trim(to->text);
    return true;
}

static bool has_begun(const struct xml_node *transition, int64_t now_ms)
{
    const struct xml_node *when = xml_child(transition, XML_NS_TYPES, "DateTime");
    int64_t ms;

    return when == NULL || (time_parse(str_trim(when->text), 0, &ms) && ms <= now_ms);
}

/* The group of transitions that is in force. */
static const struct xml_node *group_of(const struct xml_node *node, int64_t now_ms)
{
    const struct xml_node *transitions = xml_child(node, XML_NS_TYPES, "Transitions");
    const struct xml_node *groups = xml_child(node, XML_NS_TYPES, "TransitionsGroups");
    const struct xml_node *t = transitions != NULL ? transitions->first_child : NULL, *group = NULL;
    struct str id;

    if (transitions == NULL && groups != NULL) {
        return groups->first_child;
    }
    for (; t != NULL; t = t->next) {
        if ((group == NULL || has_begun(t, now_ms)) && target_of(t, "Group", &id)) {
            group = by_id(groups, id);
        }
    }
    return group;
}

static bool int_of(const struct xml_node *node, const char *name, int64_t *v_r)
{
    const struct xml_node *child = xml_child(node, XML_NS_TYPES, name);

    return child != NULL && str_to_i64(str_trim(child->text), v_r);
}

static bool weekday_of(const struct xml_node *node, int *weekday_r)
{
    static const char *const names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
    const struct xml_node *child = xml_child(node, XML_NS_TYPES, "DayOfWeek");

    for (size_t i = 0; child != NULL && i < ARRAY_LEN(names); i++) {
        if (str_is(str_trim(child->text), names[i])) {
            *weekday_r = (int)i;
            return true;
        }
    }
    return false;
}

/* A change of clocks every year, on some weekday of a month; those on a date are not known. */
static bool read_change(const struct xml_node *node, struct zone_change *change)
{
    const struct xml_node *offset = xml_child(node, XML_NS_TYPES, "TimeOffset");
    int64_t month, week;

    if (!xml_is(node, XML_NS_TYPES, "RecurringDayTransition") || offset == NULL ||
        !parse_duration(str_trim(offset->text), &change->seconds) ||
        !int_of(node, "Month", &month) || !int_of(node, "Occurrence", &week) ||
        !weekday_of(node, &change->weekday) || month < 1 || month > 12 || week == 0 || week < -1 ||
        week > 5) {
        return false;
    }
    change->month = (int)month;
    change->week = week < 0 ? 5 : (int)week;
    return true;
}

static bool read_target(const struct xml_node *transition, const struct xml_node *periods,
                        int *offset_s_r)
{
    const struct xml_node *period;
    struct str id;

    if (!target_of(transition, "Period", &id)) {
        return false;
    }
    period = by_id(periods, id);
    return period != NULL && parse_offset(xml_attr(period, "Bias"), offset_s_r);
}

static bool read_two_changes(const struct xml_node *group, const struct xml_node *periods,
                             struct zone_rules *rules)
{
    const struct xml_node *first = group->first_child, *second = first->next;
    struct zone_change a, b;
    int after_a, after_b;

    if (!read_change(first, &a) || !read_change(second, &b) ||
        !read_target(first, periods, &after_a) || !read_target(second, periods, &after_b)) {
        return false;
    }
    *rules = (struct zone_rules){.has_daylight = after_a != after_b};
    rules->to_daylight = after_a > after_b ? a : b;
    rules->to_standard = after_a > after_b ? b : a;
    rules->daylight_s = after_a > after_b ? after_a : after_b;
    rules->standard_s = after_a > after_b ? after_b : after_a;
    return true;
}

/* What t:Periods, t:TransitionsGroups and t:Transitions say. */
static bool read_rules(const struct xml_node *node, int64_t now_ms, struct zone_rules *rules)
{
    const struct xml_node *periods = xml_child(node, XML_NS_TYPES, "Periods"), *group, *period;

    if (periods == NULL) {
        return false;
    }
    group = group_of(node, now_ms);
    if (group != NULL && group->child_count == 2) {
        return read_two_changes(group, periods, rules);
    }
    *rules = (struct zone_rules){.has_daylight = false};
    if (group != NULL && group->child_count == 1) {
        return read_target(group->first_child, periods, &rules->standard_s);
    }
    period = standard_period(periods);
    return period != NULL && parse_offset(xml_attr(period, "Bias"), &rules->standard_s);
}

/* ---- zones that are alike ---- */

/* What a description says of itself, as far as it tells zones apart. */
struct description {
    int standard_s; /* east of UTC */
    bool has_daylight;
};

static bool describe_periods(const struct xml_node *periods, struct description *d)
{
    const struct xml_node *standard = standard_period(periods);

    for (const struct xml_node *p = periods->first_child; p != NULL; p = p->next) {
        d->has_daylight = d->has_daylight || is_named_daylight(p);
    }
    return standard != NULL && parse_offset(xml_attr(standard, "Bias"), &d->standard_s);
}

static bool describe(const struct xml_node *node, struct description *d)
{
    const struct xml_node *periods = xml_child(node, XML_NS_TYPES, "Periods");
    const struct xml_node *base = xml_child(node, XML_NS_TYPES, "BaseOffset");

    if (periods != NULL) {
        return describe_periods(periods, d);
    }
    d->has_daylight = xml_child(node, XML_NS_TYPES, "Daylight") != NULL;
    return base != NULL && parse_offset(base->text, &d->standard_s);
}

/* The first whose clocks are set as described; else the first of that offset and habit. */
static const struct windows_zone *zone_described(const struct xml_node *node, int64_t now_ms)
{
    const struct windows_zone *similar = NULL;
    struct description d = {0};
    struct zone_rules described;
    bool exactly = read_rules(node, now_ms, &described);

    for (size_t i = 0; describe(node, &d) && i < windows_zone_count; i++) {
        const struct zone_rules *rules = zone_rules_find(windows_zone_at(i)->id);

        if (rules == NULL) {
            continue;
        }
        if (exactly && zone_rules_alike(rules, &described)) {
            return windows_zone_at(i);
        }
        if (similar == NULL && rules->standard_s == d.standard_s &&
            rules->has_daylight == d.has_daylight) {
            similar = windows_zone_at(i);
        }
    }
    return similar;
}

static bool name_of(const struct xml_node *node, struct str *name_r)
{
    static const char *const attrs[] = {"Id", "TimeZoneName", "Name"};

    for (size_t i = 0; i < ARRAY_LEN(attrs); i++) {
        struct str name = str_trim(xml_attr(node, attrs[i]));

        if (windows_zone_find(name) != NULL || zone_rules_find(name) != NULL) {
            *name_r = name;
            return true;
        }
    }
    return false;
}

int zone_xml_parse(const struct xml_node *node, int64_t now_ms, struct str *name_r,
                   struct err *err_r)
{
    const struct windows_zone *zone;

    if (name_of(node, name_r)) {
        return 0;
    }
    zone = zone_described(node, now_ms);
    if (zone == NULL) {
        return err_set(err_r, ERR_PROPERTY_VALUE, "no known time zone");
    }
    *name_r = zone->id;
    return 0;
}

/* ---- the zone of a request ---- */

/* Of a name; where the system has no file for it, what Windows calls standard time. */
static const struct zone_rules *rules_of(struct str name, struct arena *arena)
{
    const struct zone_rules *found = zone_rules_find(name);
    const struct windows_zone *zone = windows_zone_find(name);
    struct zone_rules *rules;

    if (found != NULL || zone == NULL) {
        return found;
    }
    rules = ARENA_NEW(arena, struct zone_rules);
    rules->standard_s = zone->minutes * 60;
    return rules;
}

int zone_context_parse(const struct xml_node *node, int64_t now_ms, struct arena *arena,
                       struct zone_context *context_r, struct err *err_r)
{
    struct zone_rules described;
    struct zone_context context = {.id = STR("")};
    struct str name = str_trim(xml_attr(node, "Id"));

    if (windows_zone_find(name) != NULL || zone_rules_find(name) != NULL) {
        context.rules = rules_of(name, arena);
    }
    /* A name that is described as we know it has a past, too. */
    if (read_rules(node, now_ms, &described) &&
        (context.rules == NULL || !zone_rules_alike(context.rules, &described))) {
        context.rules = arena_memdup(arena, &described, sizeof(described));
    }
    if (context.rules == NULL) {
        return err_set(err_r, ERR_TIME_ZONE, "TimeZoneContext names no known zone");
    }
    if (zone_xml_parse(node, now_ms, &name, NULL) == 0) {
        context.id = zone_windows_id(name);
    }
    *context_r = context;
    return 0;
}
