/*
 * UTC offsets for the times of a calendar part: by its own VTIMEZONE when that is harmless, else by the system's zone of that name, Windows'
 * names included. A name that says what it means (Europe/Berlin, W. Europe Standard Time) is the system's, whose rules are complete: many senders describe but
 * one year. Callers: calendar.c and the event files, under ical_lock.
 */
#ifndef MIME_ZONE_H
#define MIME_ZONE_H

#include "base/str.h"

#include <stdbool.h>

#include <libical/ical.h>

struct arena;

/* The zone last asked for: nearly all calendars use one. */
struct zone_cache {
    struct str tzid;
    icaltimezone *zone; /* NULL: none found */
    bool is_own;        /* to be freed */
};
void zone_cache_fini(struct zone_cache *cache);

/* Seconds east of UTC of that local time; 0 when the zone is not known. tzid outlives the cache. */
int zone_offset_s(struct zone_cache *cache, icalcomponent *calendar, struct str tzid,
                  const struct icaltimetype *local);

/* The same of a time in UTC. */
int zone_offset_of_utc_s(struct zone_cache *cache, icalcomponent *calendar, struct str tzid,
                         const struct icaltimetype *utc);
/* Whether the zone is known, and by its VTIMEZONE in the calendar (which may be NULL) rather than by its name. */
bool zone_is_known(struct zone_cache *cache, icalcomponent *calendar, struct str tzid);
bool zone_is_own(struct zone_cache *cache, icalcomponent *calendar, struct str tzid);

/* VTIMEZONE as text under that name: of the calendar, or of the system. Empty if there is none. */
struct str zone_text_of_calendar(struct arena *arena, icalcomponent *calendar, struct str tzid);
struct str zone_text_of_system(struct arena *arena, struct str tzid);

#endif
