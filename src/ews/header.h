/* The SOAP header of a request: version, time zone, precision of times, and what is refused.
 * Called by call.c only. */
#ifndef EWS_HEADER_H
#define EWS_HEADER_H

#include "base/err.h"
#include "base/str.h"
#include "ews/call.h"

struct xml_node;

/* header is s:Header or NULL. Sets version, milliseconds and zone of the call.
 * ERR_SCHEMA, ERR_SERVER_VERSION, ERR_TIME_ZONE, ERR_ACCESS_DENIED, ERR_MUST_UNDERSTAND,
 * ERR_IMPERSONATION_HEADER, ERR_IMPERSONATION_DENIED, ERR_NO_SUCH_MAILBOX: all end the request. */
int header_read(struct ews_call *call, const struct xml_node *header, struct err *err_r)
    WARN_UNUSED;

/* Version names of RequestServerVersion, the unofficial ones of real clients included. */
bool ews_version_parse(struct str name, enum ews_version *version_r);

#endif
