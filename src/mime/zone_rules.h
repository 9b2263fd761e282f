/*
 * Time zones as the system's zone files have them: offsets at any moment, and the rule by which clocks are changed nowadays. Callers: the room ews, for local days and
 * for zone definitions in answers. What recurs is reckoned by libical (zone.h), from the same files.
 *
 * A zone is read once and kept for the life of the process; any thread may ask.
 */
#ifndef MIME_ZONE_RULES_H
#define MIME_ZONE_RULES_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When clocks are changed, every year: on the week-th weekday (0 Sunday) of the month, seconds after that day's midnight, in the time that ends. Week 5: the last. */
struct zone_change {
    int month, week, weekday, seconds;
};

struct zone_rules {
    /* The past: offset_s[i] holds from at_s[i] on, first_offset_s before. */
    int first_offset_s;
    size_t count;
    const int64_t *at_s;
    const int *offset_s;
    /* After the last of them. Seconds east of UTC. */
    int standard_s, daylight_s;
    bool has_daylight;
    struct zone_change to_daylight, to_standard;
};

/* By a Windows name or that of a city ("Europe/Berlin"). NULL when the system knows none such. */
const struct zone_rules *zone_rules_find(struct str id);
/* Seconds east of UTC at that moment. */
int zone_rules_offset_s(const struct zone_rules *rules, int64_t utc_s);
/* What clocks of the zone show is that moment; a time that comes twice is the first, one that is left out as if the clock had not been changed yet. */
int64_t zone_rules_utc_s(const struct zone_rules *rules, int64_t local_s);
/* True when clocks of both are set alike nowadays. */
bool zone_rules_alike(const struct zone_rules *a, const struct zone_rules *b);

#endif
