/*
 * A response without end: chunks are written as they come, for minutes or days. A stream costs its socket and some hundred bytes: on plain connections it takes the socket over from
 * libmicrohttpd, whose connection then ends; a TLS one stays parked there, because the library owns the session. One thread watches all streams: who hangs up is noticed without a write, who
 * does not read is cut off.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "base/macros.h"
#include "base/str.h"
#include "http/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_stream;

struct http_stream_handler {
    void *context;
    /* What waited after a write that said HTTP_STREAM_FULL is out. On the streams' thread, without locks. */
    void (*ready)(void *context);
    /* The peer is gone (FIN, RST, time-out), or a write failed. Once, on the streams' thread; never after http_stream_close. http_stream_close is still to be called. */
    void (*lost)(void *context);
};

enum http_stream_result {
    HTTP_STREAM_OK,   /* the kernel has all of it */
    HTTP_STREAM_FULL, /* some of it waits; nothing more until ready */
    HTTP_STREAM_GONE  /* the connection is dead; lost comes or came */
};

/*
 * Instead of http_answer, for an exchange that waits (http_wait), on any thread. answer: status, content type and fields; no body. The exchange ends (its release is called soon, perhaps
 * before this returns); the stream lives until http_stream_close. HTTP/1.1 gets chunks, HTTP/1.0 plain bytes up to the end. Nothing is sent before the first write. Handlers may be
 * called as soon as *stream_r is set. ERR_IO when the socket cannot be had or HTTP_MAX_STREAMS are there: the exchange still waits for an answer.
 */
int http_stream_open(struct http_exchange *x, const struct http_answer *answer,
                     const struct http_stream_handler *handler, struct http_stream **stream_r,
                     struct err *err_r) WARN_UNUSED;
/* One chunk, in one piece on the wire where the kernel has room; never blocks. Any thread, one at a time. After HTTP_STREAM_FULL not before ready. An empty one sends the response's head alone. */
enum http_stream_result http_stream_write(struct http_stream *stream, struct str chunk);
/* Every byte written so far was acknowledged by the peer's side, and it has not closed its end. */
bool http_stream_is_taken(struct http_stream *stream);
/* Every byte written so far was acknowledged, though the peer may have hung up since. */
bool http_stream_is_acked(struct http_stream *stream);
/*
 * The stream is over. finish: what waits is written out, then the response's end; the peer has HTTP_STREAM_LINGER_MS to take it and hang up. Otherwise the connection is cut at once. No
 * handler is called any more once this has returned: it waits for one that runs, so the caller holds no lock that handlers take. It may be called from within a handler, which runs
 * without locks of this room; and after the server's stop, for streams that the stop has cut. *stream becomes NULL.
 */
void http_stream_close(struct http_stream **stream, bool finish);

/* Streams that are open now, and those that linger. */
unsigned http_server_streams(const struct http_server *server);

#endif
