/*
 * The LMTP server from inside: lmtp.c owns the loop, connection.c a peer, deliver.c the jobs on the
 * workers.
 *
 * All of it belongs to the loop's thread, but for what `completions` guards and the deliveries
 * under way.
 */
#ifndef LMTP_LMTP_PRIVATE_H
#define LMTP_LMTP_PRIVATE_H

#include "base/buf.h"
#include "base/net.h"
#include "lmtp/lmtp.h"
#include "lmtp/session.h"
#include "mailbox/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct conn;

/* Doubly linked, with the list itself as the sentinel. */
struct conn_link {
    struct conn_link *prev, *next;
};

/* One recipient's copy of a message on its way into the mailbox. */
struct delivery {
    struct mailbox_job job; /* first: the job is the delivery */
    struct conn *conn;
    struct str message;
    const struct lmtp_recipient *recipient;
    int64_t received_ms;
    int rc;
};

/*
 * I1  link is in server->idle, or in server->delivering while deliveries are under way; never in
 *     both.
 * I2  closed connections have fd -1 and live on only for their deliveries.
 */
struct conn {
    struct conn_link link; /* first: a link is its connection */
    struct lmtp_server *server;
    int fd;
    struct lmtp_session *session;
    struct buf input;       /* read and not consumed: came with a message that is being delivered */
    size_t sent_bytes;      /* of the session's output */
    int64_t progress_ms;    /* when the peer last did something useful */
    size_t progress_bytes;  /* came since then */
    bool readable, hung_up; /* edge-triggered: something may be read; the peer has sent its last */
    bool ended;             /* read to the end */
    bool closing;           /* the session is over: close once the output is gone */
    bool queued;            /* has more to read, waits for its turn */
    struct conn *next_ready;

    struct delivery *deliveries;
    size_t delivery_count;
    atomic_size_t undelivered;
    struct conn *next_completed;
};

struct lmtp_server {
    struct lmtp_options session_options;
    struct lmtp_budget budget;
    struct store *store;
    struct workers *workers;
    struct clock *clock;
    char *hostname;
    char address[NET_ADDRESS_BYTES];
    unsigned max_connections;
    int idle_timeout_ms;

    int listen_fd, epoll_fd, wake_fd;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint_least64_t delivered, refused;
    bool stopping;
    int64_t stop_by_ms,
        accept_at_ms; /* accept_at_ms: accepting pauses until then; 0: it does not */

    unsigned conn_count;
    struct conn_link idle; /* ordered by progress_ms: the head is the next to time out */
    struct conn_link delivering;
    struct conn *ready_head, *ready_tail;
    char *read_buffer;

    pthread_mutex_t completions;
    struct conn *completed; /* guarded by completions: all deliveries of these are done */
};

/* ---- lmtp.c ---- */

/* lmtp_find_recipient in the store; context is the server. */
int lmtp_find_user(void *context, struct str address, struct arena *arena,
                   struct lmtp_recipient *recipient_r);

/* ---- connection.c ---- */

/* Takes the descriptor over. */
void lmtp_conn_open(struct lmtp_server *server, int fd);
/* Reads, feeds, answers and delivers as far as it goes. May free the connection. */
void lmtp_conn_event(struct conn *conn, uint32_t events);
void lmtp_conn_turn(struct conn *conn);
/* All its deliveries are done: answers, goes on. */
void lmtp_conn_delivered(struct conn *conn);
/* Says 421 and closes; at once, whether or not the peer takes it, when `now`. May free the
 * connection. */
void lmtp_conn_abort(struct conn *conn, const char *text, bool now);

void lmtp_list_init(struct conn_link *list);

/* ---- deliver.c ---- */

/* The session wants delivery: hands one job a recipient to the workers. The last to finish puts the
 * connection on server->completed. */
void lmtp_deliver(struct conn *conn);
/* Reports the results to the session. */
void lmtp_deliver_finish(struct conn *conn);

#endif
