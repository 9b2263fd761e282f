/*
 * Figures for operators, as Prometheus reads them: calls, errors, latencies, streams, pushes. Counting is lock-free and takes some nanoseconds; the text is made when it is asked for.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "base/buf.h"
#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

struct ews_call;
struct http_server;
struct hub;
struct lmtp_server;
struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics **metrics);

/* A call was answered, so long after its first byte. */
void metrics_call(struct metrics *metrics, const struct ews_call *call, int64_t us,
                  size_t answer_bytes);

/* Where the rest is asked from; what is NULL is left out. */
struct metrics_sources {
    struct hub *hub;
    const struct http_server *http;
    const struct lmtp_server *lmtp;
};
/* Text format 0.0.4. */
void metrics_write(struct metrics *metrics, const struct metrics_sources *sources, struct buf *out);

DEFINE_AUTO(metrics, metrics_free)

#endif
