/*
 * Time zones in requests and answers: Windows ids, definitions written out, and what clocks show there. Kept with items is a name: the Windows id as the client sent it, or a
 * city's as an imported calendar had it.
 */
#ifndef EWS_ZONES_H
#define EWS_ZONES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct xml_node;

/* Minutes east of UTC in standard time. False for a name that is no zone. */
bool zone_standard_offset(struct str id, int *minutes_r);

/* The Windows id that a client is shown for a name: itself, the one of that city, or one whose clocks are set alike. Empty when there is none. */
struct str zone_windows_id(struct str name);

/* Local midnight of the day that holds the moment, as UTC (an all-day event's date); and back. An unknown zone is UTC. */
int64_t zone_day_ms(struct str name, int64_t utc_ms);
int64_t zone_midnight_ms(struct str name, int64_t day_ms);

/* t:StartTimeZone, t:EndTimeZone, t:MeetingTimeZone: by name, else by what the element describes. Lives as long as the request. ERR_PROPERTY_VALUE: no such zone. */
int zone_xml_parse(const struct xml_node *node, struct str *name_r, struct err *err_r) WARN_UNUSED;

/* <t:StartTimeZone Id="…" Name="…"> with periods and transitions when full; nothing for a name that no client would know. */
void zone_xml_write(struct buf *out, struct str element, struct str name, bool full);
/* <t:MeetingTimeZone TimeZoneName="…">, as Exchange 2007 has it. */
void zone_xml_write_meeting(struct buf *out, struct str name);

#endif
