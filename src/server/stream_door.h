/*
 * Streams: joins a hanging exchange (http/stream.h) to the hub (notify/hub.h), with documents made by ews/notifications.h. Called by ews_door.c.
 */
#ifndef SERVER_STREAM_DOOR_H
#define SERVER_STREAM_DOOR_H

#include "base/macros.h"

struct err;
struct ews_call;
struct http_answer;
struct http_exchange;

/*
 * For a call whose answer is a stream (call->stream), on any thread; the exchange waits. The call and its arena must live until this returns. On success the exchange is over and the
 * stream goes on by itself; refusals by the hub (too many streams, stopping) are written into it. Negative: the exchange still waits for an answer. head: status, content type and fields.
 */
int stream_door_open(struct http_exchange *x, const struct ews_call *call,
                     const struct http_answer *head, struct err *err_r) WARN_UNUSED;

#endif
