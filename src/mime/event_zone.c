#include "mime/recurrence-private.h"

#include "base/arena.h"
#include "mime/limits.h"

int64_t clamp_ms(int64_t ms)
{
    int64_t min = civil_to_day(MIME_YEAR_MIN, 1, 1) * DAY_MS;
    int64_t max = civil_to_day(MIME_YEAR_MAX, 12, 31) * DAY_MS + DAY_MS - 1;

    return ms < min ? min : ms > max ? max : ms;
}

struct icaltimetype ical_time_of_ms(int64_t ms)
{
    int64_t day = day_of_ms(ms);
    int s = (int)((ms - day * DAY_MS) / 1000);
    struct civil c = civil_from_day(day);

    return (struct icaltimetype){.year = c.year,
                                 .month = c.month,
                                 .day = c.day,
                                 .hour = s / 3600,
                                 .minute = s / 60 % 60,
                                 .second = s % 60};
}

/* The definition that came with the event, as a calendar of its own. */
static void read_vtimezone(struct event_zone *zone, struct str vtimezone)
{
    struct arena *arena = arena_new(NULL, "zone");
    struct str text =
        str_printf(arena, "BEGIN:VCALENDAR\r\n%.*s\r\nEND:VCALENDAR\r\n", STR_ARG(vtimezone));

    zone->root = ical_parse(arena, text);
    zone->calendar = zone->root != NULL ? ical_calendar_of(zone->root) : NULL;
    arena_free(&arena);
}

void event_zone_open(const struct calendar_event *event, struct event_zone *zone_r)
{
    *zone_r = (struct event_zone){.tzid = event->all_day ? STR("") : event->tzid};
    ical_lock();
    if (zone_r->tzid.n > 0 && event->vtimezone.n > 0 &&
        event->vtimezone.n <= MIME_VTIMEZONE_BYTES_MAX) {
        read_vtimezone(zone_r, event->vtimezone);
    }
}

void event_zone_close(struct event_zone *zone)
{
    zone_cache_fini(&zone->zones);
    if (zone->root != NULL) {
        icalcomponent_free(zone->root);
    }
    ical_unlock();
}

int64_t event_zone_local_ms(struct event_zone *zone, int64_t utc_ms)
{
    struct icaltimetype tt = ical_time_of_ms(clamp_ms(utc_ms));

    if (zone->tzid.n == 0) {
        return utc_ms;
    }
    return utc_ms +
           1000 * (int64_t)zone_offset_of_utc_s(&zone->zones, zone->calendar, zone->tzid, &tt);
}

int64_t event_zone_utc_ms(struct event_zone *zone, int64_t local_ms)
{
    struct icaltimetype tt = ical_time_of_ms(clamp_ms(local_ms));

    if (zone->tzid.n == 0) {
        return local_ms;
    }
    return local_ms - 1000 * (int64_t)zone_offset_s(&zone->zones, zone->calendar, zone->tzid, &tt);
}
