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

struct arena;
struct xml_node;
struct zone_rules;

/* The Windows id that a client is shown for a name: itself, the one of that city, or one whose clocks are set alike. Empty when there is none. */
struct str zone_windows_id(struct str name);

/* Local midnight of the day that holds the moment, as UTC (an all-day event's date); and back. An unknown zone is UTC. */
int64_t zone_day_ms(struct str name, int64_t utc_ms);
int64_t zone_midnight_ms(struct str name, int64_t day_ms);
/* What clocks there show at that moment, as if it were UTC. */
int64_t zone_local_ms(struct str name, int64_t utc_ms);

/* t:StartTimeZone, t:EndTimeZone, t:MeetingTimeZone: by name, else by what the element describes: the first zone whose clocks are set so now, or nearly. Lives as long as the request.
 * ERR_PROPERTY_VALUE: no such zone. */
int zone_xml_parse(const struct xml_node *node, int64_t now_ms, struct str *name_r,
                   struct err *err_r) WARN_UNUSED;

/* ---- where times of a request are that name no zone: zero is UTC ---- */

struct zone_context {
    struct str id;                  /* Windows id; may be empty */
    const struct zone_rules *rules; /* NULL: UTC */
};
/* t:TimeZoneDefinition: as it is described, else by its Id. ERR_TIME_ZONE: neither is known. */
int zone_context_parse(const struct xml_node *node, int64_t now_ms, struct arena *arena,
                       struct zone_context *context_r, struct err *err_r) WARN_UNUSED;
/* xs:dateTime or xs:date; what names no zone is as clocks showed it there on that day. */
bool zone_context_time(const struct zone_context *context, struct str text, int64_t *ms_r);
int64_t zone_context_local_ms(const struct zone_context *context, int64_t utc_ms);
int64_t zone_context_utc_ms(const struct zone_context *context, int64_t local_ms);

/* <t:StartTimeZone Id="…" Name="…"> with periods and transitions when full; nothing for a name that no client would know. */
void zone_xml_write(struct buf *out, struct str element, struct str name, bool full);
/* <t:MeetingTimeZone TimeZoneName="…">, as Exchange 2007 has it. */
void zone_xml_write_meeting(struct buf *out, struct str name);

#endif
