/*
 * What the parts of hanging responses share: the calls (stream.c), the set of a server's streams with its thread (stream_loop.c), the bytes (stream_wire.c), and
 * what they ask of an exchange (http.c).
 *
 * Locks: a stream's lock comes before its set's lock; the server's lock is taken under neither. No lock is held while a handler is called.
 */
#ifndef HTTP_STREAM_PRIVATE_H
#define HTTP_STREAM_PRIVATE_H

#include "base/buf.h"
#include "http/stream.h"

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <sys/queue.h>
#include <sys/uio.h>
#include <time.h>

struct clock;

/* ---- stream_wire.c: a connection that is only written to ---- */

struct stream_wire {
    int fd;                   /* -1: released */
    gnutls_session_t session; /* NULL: plain */
    bool deaf; /* TLS: the peer sent data that nobody will read; what follows it stays unread too */
};

void stream_wire_options(int fd);
/* Plain only: what the kernel took at once, 0 when it has no room, -1 when the connection is dead. */
ssize_t stream_wire_send_parts(struct stream_wire *wire, struct iovec *parts, size_t n);
/* Likewise. TLS: bytes that were not taken are given again the next time, at the front. */
ssize_t stream_wire_send(struct stream_wire *wire, struct str bytes);
/* Says that nothing more comes. False: the kernel has no room, to be called again. */
bool stream_wire_end(struct stream_wire *wire);
/* The peer has closed its end, or the connection is dead: asks the socket now. */
bool stream_wire_hung_up(struct stream_wire *wire);
/* The peer's side has acknowledged all. */
bool stream_wire_acknowledged(const struct stream_wire *wire);
/* Lets the peer's side see a reset when the socket is closed, and the kernel forget what it holds. */
void stream_wire_reset_on_close(const struct stream_wire *wire);

/* ---- one stream ---- */

enum stream_state {
    STREAM_OPEN,      /* its owner writes */
    STREAM_GONE,      /* the connection is dead; its owner has not closed it yet */
    STREAM_ENDING,    /* closed by its owner; what waits and the end still go out */
    STREAM_LINGERING, /* the end is out; the peer has not hung up yet */
    STREAM_OVER       /* nothing is left but its memory */
};

enum stream_closing { STREAM_NOT_CLOSING, STREAM_FINISH, STREAM_CUT };

struct http_stream {
    struct streams *set;
    struct http_stream_handler handler;
    bool chunked;

    pthread_mutex_t lock; /* up to the next remark */
    enum stream_state state;
    struct stream_wire wire;
    struct buf
        rest; /* what the kernel did not take, from rest_at; before the first write, the response's head */
    size_t rest_at;
    bool head_sent;
    bool full;    /* a write said so, and ready was not called since */
    bool hung_up; /* the peer closed its end */
    bool acked;   /* when the socket was given up: every byte was acknowledged */

    /* The streams' thread's own. */
    struct http_exchange *parked; /* TLS: until the connection is given back */
    bool exchange_left;           /* the parked exchange was released for its handler */
    bool told_lost;
    uint32_t events; /* what epoll watches for */
    int64_t deadline_ms;
    LIST_ENTRY(http_stream) timed; /* in the list while there is a deadline */
    SLIST_ENTRY(http_stream) grave;

    /* Under the set's lock. */
    LIST_ENTRY(http_stream) all;
    TAILQ_ENTRY(http_stream) todo;
    bool queued;
    bool closed; /* no handler is called any more */
    enum stream_closing closing;
};

LIST_HEAD(stream_list, http_stream);
TAILQ_HEAD(stream_queue, http_stream);
SLIST_HEAD(stream_graves, http_stream);

/* Sends from rest what the kernel takes; false: the connection is dead. Under the stream's lock. */
bool stream_send_rest(struct http_stream *s);
void stream_free(struct http_stream *s);

/* ---- stream_loop.c: all streams of a server ---- */

struct streams {
    struct clock *clock;
    int epoll_fd, wake_fd;
    int dummy_fd; /* a socket without peer, for the numbers of sockets that libmicrohttpd is to close */
    pthread_t thread;

    pthread_mutex_t lock; /* up to the next remark */
    pthread_cond_t changed;
    struct stream_list all;
    struct stream_queue todo;
    unsigned count, todo_count, lingering;
    struct http_stream *running; /* whose handler is called */
    bool hurry; /* the server stops: who lingers and has acknowledged everything is over */
    bool stopping;
    bool ended;     /* the thread does nothing any more */
    bool abandoned; /* the server is gone: the last stream frees the set */

    /* The thread's own. */
    struct stream_list timed;
    struct stream_graves graves;
    bool cutting;
};

int streams_start(struct clock *clock, struct streams **set_r, struct err *err_r) WARN_UNUSED;
/* Waits for those that linger, up to the time (NULL: not at all); cuts the others, which are lost for their owners, and who may still close them. */
void streams_stop(struct streams **set, const struct timespec *until);
unsigned streams_count(struct streams *set);
/* Watches the stream from now on; its lock is held. ERR_IO. */
int streams_add(struct streams *set, struct http_stream *s, struct err *err_r) WARN_UNUSED;
/* The thread is to look at the stream. The second with the set's lock held. */
void streams_queue(struct http_stream *s);
void streams_queue_locked(struct http_stream *s);
/* Of an abandoned set, by whoever closes its last stream. */
void streams_free(struct streams *set);

/* ---- http.c: what an exchange has to give ---- */

struct exchange_socket {
    int fd;
    gnutls_session_t session; /* NULL: plain */
    bool http_1_0;
};

/* Of an exchange that waits. */
struct exchange_socket exchange_socket(const struct http_exchange *x);
struct http_server *exchange_server(const struct http_exchange *x);
struct streams *exchange_streams(const struct http_exchange *x);
/* The exchange will have no answer; its connection no deadline. */
void exchange_take_over(struct http_exchange *x);
/* Afterwards, plain: libmicrohttpd frees the connection, and the exchange ends. */
void exchange_drop(struct http_exchange *x);
/* Afterwards, TLS: the server waits no more for one that is parked. */
void server_end_suspension(struct http_server *server);
/* The handler is done with it; the memory stays. */
void exchange_leave(struct http_exchange *x);
/* Gives the connection back, to be freed. */
void exchange_unpark(struct http_exchange *x);

#endif
