/*
 * Query strings: the part of the Advanced Query Syntax that people type into a search box, as a
 * restriction.
 *
 *     report budget            both words, each anywhere it can be seen; words begin so
 *     "annual report"          the phrase
 *     subject:x from:y         in that property; also to cc bcc participants body category class
 *                              location
 *     hasattachment:yes isread:no importance:high kind:email size:>1MB
 *     received:today sent:"last week" received:>=2024-01-31 received:2024-01-01..2024-02
 *     a OR b, a AND b, NOT a, -a, subject:(a OR b)
 *
 * Callers: FindItem.
 */
#ifndef EWS_AQS_H
#define EWS_AQS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct ews_call;
struct restriction;
struct zone_context;

/* *restriction_r is NULL for a query without terms: everything matches. ERR_QUERY_STRING for what
 * is not understood, ERR_QUERY_TOO_LONG. */
int aqs_parse(struct ews_call *call, struct str query, struct restriction **restriction_r,
              struct err *err_r) WARN_UNUSED;

/* ---- aqs_date.c ---- */

/* A span of time that a text names, in a zone: "today", "last
 * week", "2024", "2024-01", "2024-01-31", "1/31/2024", or an xs:dateTime. */
struct aqs_span {
    int64_t from_ms, to_ms; /* up to, without */
};
bool aqs_span_parse(struct str text, int64_t now_ms, const struct zone_context *zone,
                    struct aqs_span *span_r);

#endif
