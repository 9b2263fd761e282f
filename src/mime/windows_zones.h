/*
 * The names that Windows gives to time zones, each with the city whose rules it follows. Callers: zone.c and zone_rules.c for calendars, the room ews for requests and answers.
 */
#ifndef MIME_WINDOWS_ZONES_H
#define MIME_WINDOWS_ZONES_H

#include "base/str.h"

#include <stddef.h>

struct windows_zone {
    struct str id;    /* "W. Europe Standard Time" */
    const char *city; /* "Europe/Berlin" */
    int minutes;      /* east of UTC in standard time */
};

extern const size_t windows_zone_count;
/* In order of id. */
const struct windows_zone *windows_zone_at(size_t i);
/* NULL for a name that is no zone; case does not matter. */
const struct windows_zone *windows_zone_find(struct str id);

#endif
