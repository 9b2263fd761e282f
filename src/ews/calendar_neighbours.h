/*
 * What lies beside an appointment in its owner's calendar: meetings at the same time, and those that end when it starts or start when it ends. Callers: the property table. The calendar is walked
 * once a request and kept as spans of time; series are read when one of them is near. What takes more than limits.h allows is not known.
 */
#ifndef EWS_CALENDAR_NEIGHBOURS_H
#define EWS_CALENDAR_NEIGHBOURS_H

#include "ews/calendar.h"
#include "ews/props.h"

#include <stdbool.h>
#include <stddef.h>

struct neighbour {
    int64_t start_ms, end_ms;                 /* on the wire */
    bool conflicts;                           /* else it is adjacent */
    struct item item;                         /* of an occurrence: as which it is shown */
    const struct item_occurrence *occurrence; /* NULL: the item itself */
};
/* In order of start. Neither what is free nor what is cancelled is a neighbour, nor the item itself or what it asks for. */
struct calendar_neighbours {
    const struct neighbour *v;
    size_t n, conflicting, adjacent;
};
/* Of the item in view: an appointment or a meeting request in the caller's own mailbox. NULL: not known. Found once, in the view's arena. */
const struct calendar_neighbours *item_view_neighbours(struct item_view *view);

#endif
