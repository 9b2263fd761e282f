#include "lmtp/lmtp-private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "lmtp/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void lmtp_list_init(struct conn_link *list)
{
    list->prev = list->next = list;
}

static void unlink_conn(struct conn *conn)
{
    conn->link.prev->next = conn->link.next;
    conn->link.next->prev = conn->link.prev;
}

static void append_conn(struct conn_link *list, struct conn *conn)
{
    conn->link.prev = list->prev;
    conn->link.next = list;
    list->prev->next = &conn->link;
    list->prev = &conn->link;
}

/* The peer did something useful: its idle time starts anew. */
static void note_progress(struct conn *conn)
{
    conn->progress_ms = clock_monotonic_ms(conn->server->clock);
    conn->progress_bytes = 0;
    unlink_conn(conn);
    append_conn(&conn->server->idle, conn);
}

void lmtp_conn_open(struct lmtp_server *server, int fd)
{
    struct conn *conn = mem_alloc_zero(1, sizeof(*conn));
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = conn};

    conn->server = server;
    conn->fd = fd;
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        close(fd);
        free(conn);
        return;
    }
    conn->session = lmtp_session_new(&server->session_options, lmtp_find_user, server);
    server->conn_count++;
    append_conn(&server->idle, conn);
    note_progress(conn);
    /* The greeting goes out with the first event: a new socket is writable at once. */
}

static void drop_from_ready(struct conn *conn)
{
    struct lmtp_server *server = conn->server;
    struct conn *before = NULL;

    if (!conn->queued) {
        return;
    }
    for (struct conn *c = server->ready_head; c != conn; c = c->next_ready) {
        before = c;
    }
    if (before != NULL) {
        before->next_ready = conn->next_ready;
    } else {
        server->ready_head = conn->next_ready;
    }
    if (server->ready_tail == conn) {
        server->ready_tail = before;
    }
    conn->queued = false;
}

static bool is_delivering(const struct conn *conn)
{
    return conn->deliveries != NULL;
}

/* Closes the socket; the rest goes once no delivery needs it. */
static void close_conn(struct conn *conn)
{
    drop_from_ready(conn);
    if (conn->fd >= 0) {
        close(conn->fd);
        conn->fd = -1;
    }
    if (is_delivering(conn)) {
        return;
    }
    unlink_conn(conn);
    conn->server->conn_count--;
    lmtp_session_free(&conn->session);
    buf_fini(&conn->input);
    free(conn);
}

/* False when the peer is gone. */
static bool flush(struct conn *conn)
{
    struct buf *out = lmtp_session_output(conn->session);

    while (conn->sent_bytes < out->n) {
        ssize_t n =
            send(conn->fd, out->p + conn->sent_bytes, out->n - conn->sent_bytes, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN;
        }
        conn->sent_bytes += (size_t)n;
    }
    buf_clear(out);
    conn->sent_bytes = 0;
    return true;
}

static size_t unsent_bytes(struct conn *conn)
{
    return lmtp_session_output(conn->session)->n - conn->sent_bytes;
}

/* Feeds the session; what it does not consume is kept for after the delivery. */
static void feed(struct conn *conn, struct str input)
{
    size_t replies = lmtp_session_output(conn->session)->n;
    enum lmtp_want want;

    conn->progress_bytes += input.n;
    want = lmtp_session_feed(conn->session, &input);
    if (lmtp_session_output(conn->session)->n != replies ||
        conn->progress_bytes >= LMTP_PROGRESS_BYTES) {
        note_progress(conn);
    }
    if (want == LMTP_WANT_DELIVERY) {
        buf_append(&conn->input, input.p, input.n);
        unlink_conn(conn);
        append_conn(&conn->server->delivering, conn);
        lmtp_deliver(conn);
    } else if (want == LMTP_WANT_CLOSE) {
        conn->closing = true;
    }
}

static void feed_kept(struct conn *conn)
{
    struct buf kept = conn->input;

    conn->input = BUF_INIT;
    feed(conn, buf_str(&kept));
    buf_fini(&kept);
}

/* One read. False when nothing came. */
static bool read_some(struct conn *conn)
{
    ssize_t n = recv(conn->fd, conn->server->read_buffer, LMTP_READ_BYTES, 0);

    if (n <= 0) {
        bool again = n < 0 && errno == EINTR;

        conn->readable = again;
        conn->ended = n == 0 || (n < 0 && errno != EAGAIN && !again);
        return again;
    }
    /* A short read emptied the socket; what comes later is a new edge. */
    if (n < LMTP_READ_BYTES && !conn->hung_up) {
        conn->readable = false;
    }
    feed(conn, str_of(conn->server->read_buffer, (size_t)n));
    return true;
}

static bool may_read(struct conn *conn)
{
    return !is_delivering(conn) && !conn->closing && unsent_bytes(conn) < LMTP_OUTPUT_BYTES;
}

static void queue_turn(struct conn *conn)
{
    struct lmtp_server *server = conn->server;

    if (conn->queued) {
        return;
    }
    conn->queued = true;
    conn->next_ready = NULL;
    if (server->ready_tail != NULL) {
        server->ready_tail->next_ready = conn;
    } else {
        server->ready_head = conn;
    }
    server->ready_tail = conn;
}

void lmtp_conn_turn(struct conn *conn)
{
    int reads = 0;

    if (conn->fd < 0) {
        return;
    }
    if (conn->input.n > 0 && may_read(conn)) {
        feed_kept(conn);
    }
    while (conn->readable && may_read(conn) && reads++ < LMTP_READS_A_TURN && read_some(conn)) {
    }
    if (!flush(conn)) {
        close_conn(conn);
        return;
    }
    if (!is_delivering(conn) && (conn->closing || conn->ended) && unsent_bytes(conn) == 0) {
        close_conn(conn);
        return;
    }
    if ((conn->readable || conn->input.n > 0) && may_read(conn)) {
        queue_turn(conn);
    }
}

void lmtp_conn_event(struct conn *conn, uint32_t events)
{
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        conn->hung_up = true;
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        conn->readable = true;
    }
    lmtp_conn_turn(conn);
}

void lmtp_conn_delivered(struct conn *conn)
{
    lmtp_deliver_finish(conn);
    if (conn->fd < 0) {
        close_conn(conn);
        return;
    }
    note_progress(conn);
    if (conn->input.n == 0) {
        feed(conn, STR(""));
    }
    lmtp_conn_turn(conn);
}

void lmtp_conn_abort(struct conn *conn, const char *text, bool now)
{
    lmtp_session_abort(conn->session, text);
    if (is_delivering(conn)) {
        return;
    }
    conn->closing = true;
    if (!flush(conn) || now || unsent_bytes(conn) == 0) {
        close_conn(conn);
    }
}
