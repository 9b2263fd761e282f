/*
 * The LMTP door: one epoll thread for all connections; deliveries run on the mailboxes' workers.
 * Callers: server.
 *
 * A message is answered with 250 only when it is durable (docs/design/delivery.md). What a peer can
 * make the server hold is bounded: connections, a line, recipients, and the bytes of unfinished
 * messages over all connections.
 */
#ifndef LMTP_LMTP_H
#define LMTP_LMTP_H

#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct lmtp_server;
struct store;
struct workers;

/* Texts are copied; store and workers must outlive the server. */
struct lmtp_server_options {
    const char *listen; /* "HOST:PORT"; port 0: any */
    struct store *store;
    struct workers *workers;
    const char *hostname;
    size_t max_message_bytes; /* 0: default (256 MiB: a 200 MB mail is taken) */
    size_t budget_bytes; /* of unfinished messages, all together; 0: default, twice the greatest */
    unsigned max_connections; /* 0: default */
    int idle_timeout_ms;      /* 0: default 5 min */
};
/* ERR_USAGE for a malformed address, ERR_IO when it cannot be bound. */
int lmtp_server_start(const struct lmtp_server_options *options, struct lmtp_server **server_r,
                      struct err *err_r) WARN_UNUSED;
/* "127.0.0.1:2400", as bound. */
const char *lmtp_server_address(const struct lmtp_server *server);
/* Finishes messages that were received, answers them, closes. The workers must still run. */
void lmtp_server_stop(struct lmtp_server **server);

struct lmtp_stats {
    uint64_t delivered, refused; /* recipients of whole messages */
};
void lmtp_server_stats(const struct lmtp_server *server, struct lmtp_stats *stats_r);

DEFINE_AUTO(lmtp_server, lmtp_server_stop)

#endif
