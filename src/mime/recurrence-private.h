/* What the event files share: the protocol's patterns as arithmetic, their RRULEs, and the zone of an event. */
#ifndef MIME_RECURRENCE_PRIVATE_H
#define MIME_RECURRENCE_PRIVATE_H

#include "base/buf.h"
#include "mime/civil.h"
#include "mime/ical.h"
#include "mime/recurrence.h"

/* ---- patterns (recurrence_pattern.c): recurrence_check holds for each of these ---- */

/* How many occurrences the rule has: of one without end, up to the last year we know. */
int64_t pattern_count(const struct recurrence *r);
/* The day of the occurrence with that ordinal, from 0. */
int64_t pattern_day(const struct recurrence *r, int64_t ordinal);
/* How many occurrences are before that day. */
int64_t pattern_before(const struct recurrence *r, int64_t day);

/* ---- the zone of an event (event_zone.c) ---- */

/* Holds ical_lock from open to close. */
struct event_zone {
    struct str tzid; /* empty: UTC */
    icalcomponent *root, *calendar;
    struct zone_cache zones;
};
void event_zone_open(const struct calendar_event *event, struct event_zone *zone_r);
void event_zone_close(struct event_zone *zone);
/* What the clocks show, as if it were UTC; and back. */
int64_t event_zone_local_ms(struct event_zone *zone, int64_t utc_ms);
int64_t event_zone_utc_ms(struct event_zone *zone, int64_t local_ms);

/* What event_exception's html and record are written as. */
#define EVENT_HTML_PROPERTY "X-ALT-DESC"
#define EVENT_RECORD_PROPERTY "X-EWER-RECORD"

/* Times that libical and our writers know. */
int64_t clamp_ms(int64_t ms);
struct icaltimetype ical_time_of_ms(int64_t ms);

/* ---- occurrences by day (recurrence.c) ---- */

#define EVENT_NO_START INT64_MIN
/* Original starts of the occurrences on these days of its zone, which ascend; EVENT_NO_START where there is none. */
void event_starts_on_days(const struct calendar_event *event, const int64_t *days, size_t n,
                          int64_t *starts_r);

/* ---- rules (rrule.c) ---- */

/* False when the protocol cannot say it. start_local_ms: of DTSTART. */
bool rrule_read(const struct icalrecurrencetype *rule, int64_t start_local_ms,
                struct event_zone *zone, bool all_day, struct recurrence *recurrence_r);
/* "FREQ=…", for an event that starts at that time of day. */
void rrule_write(struct buf *out, const struct recurrence *r, int64_t start_local_ms,
                 struct event_zone *zone, bool all_day);

#endif
