/*
 * The HTTP/1.1 door over libmicrohttpd: event loops, TLS, limits of size and time. It knows no EWS and no mailboxes; a handler gets requests as exchanges.
 *
 * Life of an exchange:  begin (headers are in) -> body* -> end (body is in) -> answered -> released.
 * begin and end run on an event loop and must not block: they answer at once, or call http_wait, hand the exchange to another thread and return; that
 * thread then calls http_go_on (after begin) or http_answer, exactly one of them, exactly once.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/err.h"
#include "base/macros.h"
#include "base/net.h"
#include "base/str.h"
#include "http/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct http_exchange;
struct http_server;

#define HTTP_LENGTH_UNKNOWN UINT64_MAX

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OTHER };

/* Valid from begin to release. Header values live as long as the exchange. */
enum http_method http_method(const struct http_exchange *x);
struct str http_path(const struct http_exchange *x);                     /* without the query */
struct str http_header(const struct http_exchange *x, const char *name); /* p NULL: absent */
uint64_t http_body_length(
    const struct http_exchange *x); /* HTTP_LENGTH_UNKNOWN when chunked, 0 without body */
const char *http_peer(const struct http_exchange *x); /* numeric address */
bool http_is_secure(const struct http_exchange *x);   /* TLS */
/* That it came to, which may not yet have been told to who starts it. */
const struct http_server *http_server_of(const struct http_exchange *x);

/* The handler's own pointer. */
void http_set_context(struct http_exchange *x, void *context);
void *http_context(const struct http_exchange *x);

struct http_field {
    const char *name; /* static */
    char value[HTTP_FIELD_VALUE_BYTES];
};

struct http_answer {
    int status;
    const char *content_type; /* static; NULL: no body */
    char *body;               /* malloc'd or NULL; taken over */
    size_t body_bytes;
    bool gzip; /* body is gzip-coded already (http_gzip) */
    struct http_field fields[HTTP_ANSWER_FIELDS];
    unsigned field_count;
};
void http_answer_field(struct http_answer *answer, const char *name, const char *value);
/* True when the request accepts gzip. */
bool http_accepts_gzip(const struct http_exchange *x);
/* Compresses answer->body in place of itself when it is large enough and gets smaller. For threads that may take time. */
void http_gzip(struct http_answer *answer);

/* On the event loop, inside begin or end, before the exchange is handed to another thread. */
void http_wait(struct http_exchange *x);
/* After http_wait in begin: let the body come. Any thread. */
void http_go_on(struct http_exchange *x);
/* Any thread. What is left of the body is swallowed. */
void http_answer(struct http_exchange *x, const struct http_answer *answer);

struct http_handler {
    void *context;
    void (*begin)(struct http_exchange *x, void *context);
    void (*body)(struct http_exchange *x, const void *p, size_t n, void *context);
    void (*end)(struct http_exchange *x, void *context);
    /* The exchange is over, answered or broken off. Not while it waits. */
    void (*release)(struct http_exchange *x, void *context);
};

/* One row a path (compared without case). Requests elsewhere are 404, bodies over max_body_bytes 413; checked before begin. */
struct http_route {
    const char *path;
    uint64_t max_body_bytes;
    struct http_handler handler;
};

struct http_server_options {
    const char *listen;                       /* HOST:PORT */
    const char *tls_cert_file, *tls_key_file; /* both NULL: plain HTTP */
    unsigned threads;                         /* event loops; 0: default */
    struct clock *clock;
    const struct http_route *routes; /* kept by reference */
    size_t route_count;
    unsigned stop_wait_ms; /* how long a stop waits for peers; 0: default */
};
int http_server_start(const struct http_server_options *options, struct http_server **server_r,
                      struct err *err_r) WARN_UNUSED;
const char *http_server_address(const struct http_server *server);
/* New exchanges are refused (503); waits until every one that began before is answered and released, or the peers' time is over; in any case until
 * no handler waits any more; then ends. Streams (http/stream.h) are to be closed before; those that linger get the peers' time, others are cut. */
void http_server_stop(struct http_server **server);

DEFINE_AUTO(http_server, http_server_stop)

#endif
