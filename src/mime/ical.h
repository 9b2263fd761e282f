/*
 * What the readers of iCalendar text share. libical keeps zones and their expansions in globals: all of this is used between ical_lock and ical_unlock.
 * Callers: calendar.c, event_parse.c, event_zone.c.
 */
#ifndef MIME_ICAL_H
#define MIME_ICAL_H

#include "base/str.h"
#include "mime/message.h"
#include "mime/zone.h"

#include <libical/ical.h>

struct arena;

void ical_lock(void);
void ical_unlock(void);

/* NULL when the text does not parse or is beyond what may be given to libical. text: clean UTF-8. The caller frees the component. */
icalcomponent *ical_parse(struct arena *arena, struct str text);
/* The VCALENDAR in it, or NULL. */
icalcomponent *ical_calendar_of(icalcomponent *root);

struct ical_reader {
    struct arena *arena;
    icalcomponent *calendar; /* whose VTIMEZONEs count */
    struct zone_cache zones;
    struct mime_calendar *out; /* of the event being read */
};

/* The values of one VEVENT. */
struct mime_calendar *ical_read_event(struct ical_reader *r, icalcomponent *event,
                                      enum mime_method method);
/* The property's time in UTC. False when it is none, or absurd. */
bool ical_read_time(struct ical_reader *r, icalproperty *property, int64_t *ms_r);
struct str ical_text_of(struct arena *arena, icalproperty *property);
/* METHOD of the calendar. */
enum mime_method ical_method(struct ical_reader *r);

#endif
