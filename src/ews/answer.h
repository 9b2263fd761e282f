/*
 * Writing answers: envelope, response messages, faults. Rules of spec: a Success message has no
 * MessageText and no DescriptiveLinkKey, an Error message has both; then what its type requires.
 */
#ifndef EWS_ANSWER_H
#define EWS_ANSWER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct ews_call;
struct ews_service;

#define XML_DECLARATION "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
#define NS_SOAP "http://schemas.xmlsoap.org/soap/envelope/"
#define NS_TYPES "http://schemas.microsoft.com/exchange/services/2006/types"
#define NS_MESSAGES "http://schemas.microsoft.com/exchange/services/2006/messages"

/* <t:ServerVersionInfo …/> */
void answer_server_version(struct buf *out, const struct ews_service *service);
/* XML declaration, envelope with its header, <s:Body>; and the end. ews_call_run does it. The
 * prefixes s, m and t are declared on the envelope. */
void answer_envelope_begin(struct ews_call *call);
void answer_envelope_end(struct ews_call *call);
/* The whole answer becomes the SOAP fault for err. */
void answer_fault(struct ews_call *call, const struct err *err);

/* <m:OPResponse><m:ResponseMessages> … </…>; op is the operation's name. */
void answer_begin(struct ews_call *call);
void answer_end(struct ews_call *call);
/* <m:OPResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode> */
void answer_message_success(struct ews_call *call);
/* The Error form up to MessageXml; also notes the outcome. message_xml may be empty, else ready
 * XML for inside m:MessageXml. */
void answer_message_error(struct ews_call *call, const struct err *err, struct str message_xml);
void answer_message_end(struct ews_call *call);
/* True when this error must not become a response message: run returns it, and the whole request
 * becomes a fault. */
bool answer_ends_request(const struct err *err);
/* Forgets what was written after the position: an item that failed in the middle becomes an
 * error message. */
size_t answer_mark(const struct ews_call *call);
void answer_rewind(struct ews_call *call, size_t mark);

/* A place for text that is known only after what follows it: at most `bytes` of it. The gap
 * closes to what fill puts in. Returns the gap's position. */
size_t answer_gap_open(struct ews_call *call, size_t bytes);
void answer_gap_fill(struct ews_call *call, size_t gap, size_t bytes, struct str text);

#endif
