#include "http/stream.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/stream-private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- opening ---- */

/* "Sun, 06 Nov 1994 08:49:37 GMT", in no language but this one. */
static void add_date(struct buf *head, int64_t unix_ms)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t t = (time_t)(unix_ms / 1000);
    struct tm tm;

    if (gmtime_r(&t, &tm) != NULL) {
        buf_printf(head, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday,
                   tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                   tm.tm_sec);
    }
}

static void add_field(struct buf *head, const char *name, const char *value)
{
    for (const char *p = value; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            return; /* it would end the field, and begin what the client did not ask for */
        }
    }
    buf_printf(head, "%s: %s\r\n", name, value);
}

static void build_head(struct http_stream *s, const struct http_answer *answer)
{
    struct buf *head = &s->rest;
    bool says_caching = false;

    buf_printf(head, "HTTP/1.1 %d %s\r\n", answer->status,
               MHD_get_reason_phrase_for((unsigned)answer->status));
    add_date(head, clock_unix_ms(s->set->clock));
    add_field(head, "Connection", "close");
    if (answer->content_type != NULL) {
        add_field(head, "Content-Type", answer->content_type);
    }
    if (s->chunked) {
        add_field(head, "Transfer-Encoding", "chunked");
    }
    for (unsigned i = 0; i < answer->field_count; i++) {
        says_caching = says_caching || strcasecmp(answer->fields[i].name, "Cache-Control") == 0;
        add_field(head, answer->fields[i].name, answer->fields[i].value);
    }
    if (!says_caching) {
        add_field(head, "Cache-Control", "no-cache, private");
    }
    BUF_LIT(head, "\r\n");
}

/*
 * The socket that the stream writes to. A plain one moves to a number of its own, and a socket without peer takes the number that libmicrohttpd knows: whatever that shuts down
 * or closes is harmless. With TLS the number stays, since the session writes to it.
 */
static int take_socket(struct http_stream *s, const struct exchange_socket *from, struct err *err_r)
{
    int own = from->fd;

    if (from->session == NULL) {
        own = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
        if (own < 0) {
            return err_set(err_r, ERR_IO, "no socket for a stream: %s", strerror(errno));
        }
        if (dup3(s->set->dummy_fd, from->fd, O_CLOEXEC) < 0) {
            (void)close(own);
            return err_set(err_r, ERR_IO, "cannot take a socket over: %s", strerror(errno));
        }
    }
    s->wire = (struct stream_wire){.fd = own, .session = from->session};
    return 0;
}

static void give_socket_back(struct http_stream *s, const struct exchange_socket *to)
{
    if (to->session == NULL) {
        (void)dup3(s->wire.fd, to->fd, O_CLOEXEC);
        (void)close(s->wire.fd);
    }
}

/* Under the stream's lock: the thread sees it only when all is in place. */
static int take_over(struct http_stream *s, struct http_exchange *x, struct err *err_r)
{
    struct exchange_socket socket = exchange_socket(x);
    int rc;

    TRY(take_socket(s, &socket, err_r));
    rc = streams_add(s->set, s, err_r);
    if (rc < 0) {
        give_socket_back(s, &socket);
        return rc;
    }
    stream_wire_options(s->wire.fd);
    exchange_take_over(x);
    if (socket.session != NULL) {
        s->parked = x;
        streams_queue(s);
    }
    return 0;
}

static struct http_stream *stream_new(struct http_exchange *x, const struct http_answer *answer,
                                      const struct http_stream_handler *handler)
{
    struct http_stream *s = mem_alloc_zero(1, sizeof(*s));

    s->set = exchange_streams(x);
    s->handler = *handler;
    s->chunked = !exchange_socket(x).http_1_0;
    s->deadline_ms = INT64_MAX;
    (void)pthread_mutex_init(&s->lock, NULL);
    build_head(s, answer);
    return s;
}

void stream_free(struct http_stream *s)
{
    assert(s->wire.fd < 0);
    buf_fini(&s->rest);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

int http_stream_open(struct http_exchange *x, const struct http_answer *answer,
                     const struct http_stream_handler *handler, struct http_stream **stream_r,
                     struct err *err_r)
{
    struct http_stream *s = stream_new(x, answer, handler);
    struct http_server *server = exchange_server(x);
    bool parked;
    int rc;

    assert(answer->body == NULL);
    (void)pthread_mutex_lock(&s->lock);
    rc = take_over(s, x, err_r);
    parked = s->parked != NULL;
    if (rc == 0) {
        *stream_r = s;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (rc < 0) {
        s->wire.fd = -1;
        stream_free(s);
        return rc;
    }
    /* From here on the stream may be lost and closed, and what is parked may be free. */
    if (parked) {
        server_end_suspension(server);
    } else {
        exchange_drop(x);
    }
    return 0;
}

/* ---- writing ---- */

/* Puts the parts behind one another into rest, without their first skip bytes. */
static void keep(struct http_stream *s, const struct iovec *parts, size_t n, size_t skip)
{
    struct buf rest = BUF_INIT;

    for (size_t i = 0; i < n; i++) {
        size_t skipped = skip < parts[i].iov_len ? skip : parts[i].iov_len;

        buf_append(&rest, (const char *)parts[i].iov_base + skipped, parts[i].iov_len - skipped);
        skip -= skipped;
    }
    buf_fini(&s->rest);
    s->rest = rest;
    s->rest_at = 0;
}

bool stream_send_rest(struct http_stream *s)
{
    while (s->rest_at < s->rest.n) {
        ssize_t n =
            stream_wire_send(&s->wire, str_of(s->rest.p + s->rest_at, s->rest.n - s->rest_at));

        if (n < 0) {
            return false;
        }
        if (n == 0) {
            return true;
        }
        s->rest_at += (size_t)n;
    }
    buf_fini(&s->rest);
    s->rest = BUF_INIT;
    s->rest_at = 0;
    return true;
}

static struct iovec part(struct str bytes)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n};
}

/* One call of the kernel where there is room; what it does not take is copied. */
static bool send_parts(struct http_stream *s, struct iovec *parts, size_t n)
{
    ssize_t sent = 0;

    if (s->wire.session == NULL) {
        sent = stream_wire_send_parts(&s->wire, parts, n);
        if (sent < 0) {
            return false;
        }
    }
    keep(s, parts, n, (size_t)sent);
    return s->wire.session == NULL || stream_send_rest(s);
}

static bool send_chunk(struct http_stream *s, struct str chunk)
{
    char size[24];
    int size_bytes = snprintf(size, sizeof(size), "%zx\r\n", chunk.n);
    struct iovec parts[4];
    size_t n = 0;

    if (!s->head_sent) {
        s->head_sent = true;
        parts[n++] = part(buf_str(&s->rest));
    }
    if (chunk.n != 0 && s->chunked) {
        parts[n++] = part(str_of(size, (size_t)size_bytes));
    }
    if (chunk.n != 0) {
        parts[n++] = part(chunk);
    }
    if (chunk.n != 0 && s->chunked) {
        parts[n++] = part(STR("\r\n"));
    }
    return send_parts(s, parts, n);
}

enum http_stream_result http_stream_write(struct http_stream *s, struct str chunk)
{
    enum http_stream_result result = HTTP_STREAM_GONE;

    (void)pthread_mutex_lock(&s->lock);
    if (s->state == STREAM_OPEN && !s->hung_up) {
        assert(!s->full);
        if (!send_chunk(s, chunk)) {
            s->state = STREAM_GONE;
        } else {
            s->full = s->rest.n != 0;
            result = s->full ? HTTP_STREAM_FULL : HTTP_STREAM_OK;
        }
        if (result != HTTP_STREAM_OK) {
            streams_queue(s);
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    return result;
}

bool http_stream_is_taken(struct http_stream *s)
{
    bool taken = false;

    (void)pthread_mutex_lock(&s->lock);
    if (s->state == STREAM_OPEN && !s->full && !s->hung_up) {
        /* In this order: what was acknowledged before the end of a peer's side was not taken by a live one. */
        taken = stream_wire_acknowledged(&s->wire);
        s->hung_up = stream_wire_hung_up(&s->wire);
        taken = taken && !s->hung_up;
        if (s->hung_up) {
            streams_queue(s);
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    return taken;
}

bool http_stream_is_acked(struct http_stream *s)
{
    bool acked;

    (void)pthread_mutex_lock(&s->lock);
    acked = s->wire.fd >= 0 ? !s->full && stream_wire_acknowledged(&s->wire) : s->acked;
    (void)pthread_mutex_unlock(&s->lock);
    return acked;
}

/* ---- closing ---- */

/* The thread has ended, and has let go of the socket. */
static void close_left_over(struct streams *set, struct http_stream *s)
{
    bool last;

    LIST_REMOVE(s, all);
    set->count--;
    last = set->abandoned && set->count == 0;
    (void)pthread_mutex_unlock(&set->lock);
    stream_free(s);
    if (last) {
        streams_free(set);
    }
}

void http_stream_close(struct http_stream **stream, bool finish)
{
    struct http_stream *s = *stream;
    struct streams *set;

    if (s == NULL) {
        return;
    }
    *stream = NULL;
    set = s->set;
    (void)pthread_mutex_lock(&set->lock);
    s->closed = true;
    while (set->running == s && pthread_equal(pthread_self(), set->thread) == 0) {
        (void)pthread_cond_wait(&set->changed, &set->lock);
    }
    if (set->ended) {
        close_left_over(set, s);
        return;
    }
    /* Only now: the thread may free it as soon as it sees this. */
    s->closing = finish ? STREAM_FINISH : STREAM_CUT;
    set->lingering++;
    streams_queue_locked(s);
    (void)pthread_mutex_unlock(&set->lock);
}
