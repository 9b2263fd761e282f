#include "mime/zone.h"

#include "base/arena.h"
#include "mime/limits.h"
#include "mime/mime-private.h"
#include "mime/windows_zones.h"

/* NULL if it is none of Windows'. */
static const char *city_of(struct str tzid)
{
    const struct windows_zone *zone = windows_zone_find(tzid);

    return zone != NULL ? zone->city : NULL;
}

static bool has_entries(const short *by)
{
    return by[0] != ICAL_RECURRENCE_ARRAY_MAX;
}

/* At most a change a year; libical expands the rule up to the year asked for. */
static bool is_yearly(icalproperty *rule)
{
    struct icalrecurrencetype r = icalproperty_get_rrule(rule);

    return r.freq == ICAL_YEARLY_RECURRENCE && !has_entries(r.by_second) &&
           !has_entries(r.by_minute) && !has_entries(r.by_hour) && !has_entries(r.by_year_day) &&
           !has_entries(r.by_week_no) && has_entries(r.by_month) &&
           r.by_month[1] == ICAL_RECURRENCE_ARRAY_MAX &&
           (!has_entries(r.by_day) || r.by_day[1] == ICAL_RECURRENCE_ARRAY_MAX);
}

/* What a VTIMEZONE asks libical to do. */
struct zone_work {
    size_t observances, rules, dates;
};

static bool is_harmless_observance(icalcomponent *observance, struct zone_work *work)
{
    struct icaltimetype start = icalcomponent_get_dtstart(observance);

    if (start.year < MIME_YEAR_MIN) {
        return false;
    }
    for (icalproperty *p = icalcomponent_get_first_property(observance, ICAL_RRULE_PROPERTY);
         p != NULL; p = icalcomponent_get_next_property(observance, ICAL_RRULE_PROPERTY)) {
        if (icalproperty_get_value(p) == NULL || !is_yearly(p)) {
            return false;
        }
        work->rules++;
    }
    work->dates += (size_t)icalcomponent_count_properties(observance, ICAL_RDATE_PROPERTY);
    return true;
}

/* A VTIMEZONE is a program that we run: only what zones need is let through. */
static bool is_harmless(icalcomponent *vtimezone)
{
    struct zone_work work = {0};

    for (icalcomponent *c = icalcomponent_get_first_component(vtimezone, ICAL_ANY_COMPONENT);
         c != NULL; c = icalcomponent_get_next_component(vtimezone, ICAL_ANY_COMPONENT)) {
        work.observances++;
        if (!is_harmless_observance(c, &work)) {
            return false;
        }
    }
    return work.observances > 0 && work.observances <= MIME_ZONE_OBSERVANCES_MAX &&
           work.rules <= MIME_ZONE_RULES_MAX && work.dates <= MIME_ZONE_DATES_MAX;
}

static icalcomponent *find_vtimezone(icalcomponent *calendar, struct str tzid)
{
    for (icalcomponent *c = icalcomponent_get_first_component(calendar, ICAL_VTIMEZONE_COMPONENT);
         c != NULL; c = icalcomponent_get_next_component(calendar, ICAL_VTIMEZONE_COMPONENT)) {
        icalproperty *p = icalcomponent_get_first_property(c, ICAL_TZID_PROPERTY);
        const char *name = p != NULL ? icalproperty_get_tzid(p) : NULL;

        if (name != NULL && str_is(tzid, name)) {
            return c;
        }
    }
    return NULL;
}

static icaltimezone *own_zone(icalcomponent *calendar, struct str tzid)
{
    icalcomponent *vtimezone = calendar != NULL ? find_vtimezone(calendar, tzid) : NULL;
    icaltimezone *zone;

    if (vtimezone == NULL || !is_harmless(vtimezone)) {
        return NULL;
    }
    zone = icaltimezone_new();
    vtimezone = icalcomponent_new_clone(vtimezone);
    if (icaltimezone_set_component(zone, vtimezone)) {
        return zone;
    }
    icalcomponent_free(vtimezone);
    icaltimezone_free(zone, 1);
    return NULL;
}

/* Names go into a path below the zone directory: only what such names consist of. */
static bool is_zone_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!letter && memchr("/_+- .()", c, 8) == NULL) {
            return false;
        }
    }
    return s.n > 0 && s.n <= 64 && str_find(s, STR(".."), 0) == SIZE_MAX;
}

static icaltimezone *system_zone(struct str tzid)
{
    char name[65];
    const char *city;

    if (!is_zone_name(tzid)) {
        return NULL;
    }
    memcpy(name, tzid.p, tzid.n);
    name[tzid.n] = '\0';
    city = city_of(tzid) != NULL ? city_of(tzid) : name;
    while (*city != '\0') {
        /* "/example.org/20240101_1/Europe/Berlin": the tail is the name. */
        const char *slash = strchr(city, '/');
        icaltimezone *zone = icaltimezone_get_builtin_timezone(city);

        if (zone != NULL || slash == NULL) {
            return zone;
        }
        city = slash + 1;
    }
    return NULL;
}

/* "EST" means one thing to the system and another to most senders; "America/New_York" is clear. */
static bool is_clear(struct str tzid)
{
    return str_find_char(tzid, '/', 0) != SIZE_MAX || city_of(tzid) != NULL;
}

static void look_up(struct zone_cache *cache, icalcomponent *calendar, struct str tzid)
{
    if (cache->tzid.p != NULL && str_eq(cache->tzid, tzid)) {
        return;
    }
    zone_cache_fini(cache);
    cache->tzid = tzid;
    cache->zone = is_clear(tzid) ? system_zone(tzid) : NULL;
    if (cache->zone == NULL) {
        cache->zone = own_zone(calendar, tzid);
        cache->is_own = cache->zone != NULL;
    }
    if (cache->zone == NULL) {
        cache->zone = system_zone(tzid);
    }
}

void zone_cache_fini(struct zone_cache *cache)
{
    if (cache->is_own) {
        icaltimezone_free(cache->zone, 1);
    }
    *cache = (struct zone_cache){STR_NULL, NULL, false};
}

int zone_offset_s(struct zone_cache *cache, icalcomponent *calendar, struct str tzid,
                  const struct icaltimetype *local)
{
    struct icaltimetype tt = *local;
    int is_daylight = 0;

    look_up(cache, calendar, tzid);
    return cache->zone != NULL ? icaltimezone_get_utc_offset(cache->zone, &tt, &is_daylight) : 0;
}

int zone_offset_of_utc_s(struct zone_cache *cache, icalcomponent *calendar, struct str tzid,
                         const struct icaltimetype *utc)
{
    struct icaltimetype tt = *utc;
    int is_daylight = 0;

    look_up(cache, calendar, tzid);
    return cache->zone != NULL
               ? icaltimezone_get_utc_offset_of_utc_time(cache->zone, &tt, &is_daylight)
               : 0;
}

bool zone_is_known(struct zone_cache *cache, icalcomponent *calendar, struct str tzid)
{
    look_up(cache, calendar, tzid);
    return cache->zone != NULL;
}

bool zone_is_own(struct zone_cache *cache, icalcomponent *calendar, struct str tzid)
{
    look_up(cache, calendar, tzid);
    return cache->is_own;
}

static struct str text_of(struct arena *arena, icalcomponent *component)
{
    char *text = icalcomponent_as_ical_string_r(component);
    struct str copy = mime_clean_cstr(arena, text);

    icalmemory_free_buffer(text);
    return copy;
}

struct str zone_text_of_calendar(struct arena *arena, icalcomponent *calendar, struct str tzid)
{
    icalcomponent *vtimezone = find_vtimezone(calendar, tzid);

    return vtimezone != NULL ? text_of(arena, vtimezone) : STR("");
}

struct str zone_text_of_system(struct arena *arena, struct str tzid)
{
    icaltimezone *zone = system_zone(tzid);
    icalcomponent *vtimezone = zone != NULL ? icaltimezone_get_component(zone) : NULL;
    icalproperty *name;
    struct str text;

    if (vtimezone == NULL) {
        return STR("");
    }
    vtimezone = icalcomponent_new_clone(vtimezone);
    name = icalcomponent_get_first_property(vtimezone, ICAL_TZID_PROPERTY);
    if (name != NULL) {
        icalproperty_set_tzid(name, str_cstr(arena, tzid));
    }
    text = text_of(arena, vtimezone);
    icalcomponent_free(vtimezone);
    return text;
}
