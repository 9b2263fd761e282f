/*
 * UTC offsets for the times of a calendar part: by its own VTIMEZONE when that is harmless, else by the system's zone of that name, Windows'
 * names included. Caller: calendar.c, under its lock.
 */
#ifndef MIME_ZONE_H
#define MIME_ZONE_H

#include "base/str.h"

#include <libical/ical.h>

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

#endif
