#include "mime/zone.h"

#include "mime/limits.h"

/* Windows' names of the zones that most people live in, by their main city. */
static const struct {
    const char *windows, *city;
} windows_zones[] = {
    {"AUS Eastern Standard Time", "Australia/Sydney"},
    {"Alaskan Standard Time", "America/Anchorage"},
    {"Arab Standard Time", "Asia/Riyadh"},
    {"Arabian Standard Time", "Asia/Dubai"},
    {"Argentina Standard Time", "America/Argentina/Buenos_Aires"},
    {"Atlantic Standard Time", "America/Halifax"},
    {"Bangladesh Standard Time", "Asia/Dhaka"},
    {"Canada Central Standard Time", "America/Regina"},
    {"Cen. Australia Standard Time", "Australia/Adelaide"},
    {"Central America Standard Time", "America/Guatemala"},
    {"Central Europe Standard Time", "Europe/Budapest"},
    {"Central European Standard Time", "Europe/Warsaw"},
    {"Central Standard Time", "America/Chicago"},
    {"Central Standard Time (Mexico)", "America/Mexico_City"},
    {"China Standard Time", "Asia/Shanghai"},
    {"E. Africa Standard Time", "Africa/Nairobi"},
    {"E. Australia Standard Time", "Australia/Brisbane"},
    {"E. South America Standard Time", "America/Sao_Paulo"},
    {"Eastern Standard Time", "America/New_York"},
    {"Egypt Standard Time", "Africa/Cairo"},
    {"FLE Standard Time", "Europe/Kiev"},
    {"GMT Standard Time", "Europe/London"},
    {"GTB Standard Time", "Europe/Bucharest"},
    {"Greenwich Standard Time", "Atlantic/Reykjavik"},
    {"Hawaiian Standard Time", "Pacific/Honolulu"},
    {"India Standard Time", "Asia/Kolkata"},
    {"Israel Standard Time", "Asia/Jerusalem"},
    {"Korea Standard Time", "Asia/Seoul"},
    {"Mountain Standard Time", "America/Denver"},
    {"New Zealand Standard Time", "Pacific/Auckland"},
    {"Newfoundland Standard Time", "America/St_Johns"},
    {"Pacific Standard Time", "America/Los_Angeles"},
    {"Pakistan Standard Time", "Asia/Karachi"},
    {"Romance Standard Time", "Europe/Paris"},
    {"Russian Standard Time", "Europe/Moscow"},
    {"SA Pacific Standard Time", "America/Bogota"},
    {"SE Asia Standard Time", "Asia/Bangkok"},
    {"Singapore Standard Time", "Asia/Singapore"},
    {"South Africa Standard Time", "Africa/Johannesburg"},
    {"Taipei Standard Time", "Asia/Taipei"},
    {"Tokyo Standard Time", "Asia/Tokyo"},
    {"Turkey Standard Time", "Europe/Istanbul"},
    {"US Mountain Standard Time", "America/Phoenix"},
    {"UTC", "Etc/UTC"},
    {"W. Australia Standard Time", "Australia/Perth"},
    {"W. Central Africa Standard Time", "Africa/Lagos"},
    {"W. Europe Standard Time", "Europe/Berlin"},
    {"West Asia Standard Time", "Asia/Tashkent"},
};

static const char *city_of(const char *tzid)
{
    for (size_t i = 0; i < ARRAY_LEN(windows_zones); i++) {
        if (str_is_nocase(str_from(tzid), windows_zones[i].windows)) {
            return windows_zones[i].city;
        }
    }
    return tzid;
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
    icalcomponent *vtimezone = find_vtimezone(calendar, tzid);
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
    city = city_of(name);
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

static void look_up(struct zone_cache *cache, icalcomponent *calendar, struct str tzid)
{
    zone_cache_fini(cache);
    cache->tzid = tzid;
    cache->zone = own_zone(calendar, tzid);
    cache->is_own = cache->zone != NULL;
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

    if (cache->tzid.p == NULL || !str_eq(cache->tzid, tzid)) {
        look_up(cache, calendar, tzid);
    }
    return cache->zone != NULL ? icaltimezone_get_utc_offset(cache->zone, &tt, &is_daylight) : 0;
}
