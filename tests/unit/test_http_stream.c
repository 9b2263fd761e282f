/* Responses without end over real sockets: what is on the wire, who is noticed to be gone, and that all of it ends cleanly. */
#include "http/stream.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "support/tmpdir.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define MANY 2000
#define BIG_BYTES (4 * 1024 * 1024)

/* ---- time that tests move ---- */

struct moved_clock {
    struct clock base;
    _Atomic int64_t by_ms;
};

static int64_t moved_unix_ms(struct clock *clock)
{
    (void)clock;
    return INT64_C(784111777000); /* Sun, 06 Nov 1994 08:49:37 GMT */
}

static int64_t moved_monotonic_ms(struct clock *clock)
{
    struct moved_clock *moved = (struct moved_clock *)clock;

    return clock_monotonic_ms(clock_system()) + atomic_load(&moved->by_ms);
}

/* Looks until the condition holds, or patience is over. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        int64_t until_ = clock_monotonic_ms(clock_system()) + PATIENCE_MS;                         \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ms(clock_system()) > until_) {                                     \
                fail_msg("never: %s", #condition);                                                 \
            }                                                                                      \
            (void)poll(NULL, 0, 1);                                                                \
        }                                                                                          \
    } while (0)

/* ---- the owner of streams ---- */

struct owner {
    struct http_stream *stream;
    _Atomic unsigned ready, lost;
    bool closes_when_lost;
};

static void on_ready(void *context)
{
    struct owner *o = context;

    atomic_fetch_add(&o->ready, 1);
}

static void on_lost(void *context)
{
    struct owner *o = context;

    if (o->closes_when_lost) {
        http_stream_close(&o->stream, true);
    }
    atomic_fetch_add(&o->lost, 1);
}

/* ---- the server ---- */

static struct {
    pthread_mutex_t lock;
    struct http_exchange *waiting[16];
    unsigned count;
    _Atomic unsigned released;
} parked = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void park(struct http_exchange *x)
{
    http_wait(x);
    pthread_mutex_lock(&parked.lock);
    assert_true(parked.count < ARRAY_LEN(parked.waiting));
    parked.waiting[parked.count++] = x;
    pthread_mutex_unlock(&parked.lock);
}

static struct http_exchange *next_parked(void)
{
    struct http_exchange *x;

    pthread_mutex_lock(&parked.lock);
    x = parked.count > 0 ? parked.waiting[--parked.count] : NULL;
    pthread_mutex_unlock(&parked.lock);
    return x;
}

static struct http_exchange *wait_for_parked(void)
{
    struct http_exchange *x = NULL;

    EVENTUALLY((x = next_parked()) != NULL);
    return x;
}

static void answer_text(struct http_exchange *x, const char *text)
{
    struct http_answer a = {.status = 200,
                            .content_type = "text/plain",
                            .body = strdup(text),
                            .body_bytes = strlen(text)};

    http_answer(x, &a);
}

static void begin(struct http_exchange *x, void *context)
{
    (void)context;
    if (str_is(http_path(x), "/gate")) {
        park(x);
    }
}

static void body(struct http_exchange *x, const void *p, size_t n, void *context)
{
    (void)x;
    (void)p;
    (void)n;
    (void)context;
}

static void end(struct http_exchange *x, void *context)
{
    (void)context;
    if (str_is(http_path(x), "/stream")) {
        park(x);
    } else {
        answer_text(x, "pong");
    }
}

static void release(struct http_exchange *x, void *context)
{
    (void)x;
    (void)context;
    atomic_fetch_add(&parked.released, 1);
}

#define HANDLER                                                                                    \
    {                                                                                              \
        NULL, begin, body, end, release                                                            \
    }
static const struct http_route routes[] = {
    {"/stream", 4096, HANDLER},
    {"/gate", 4096, HANDLER},
    {"/ping", 4096, HANDLER},
};

struct fixture {
    struct http_server *server;
    struct moved_clock clock;
    char address[64];
    struct owner owner;
};

static struct {
    struct tmpdir dir;
    char cert[96], key[96];
} tls;

static int setup_with(void **state, bool secure)
{
    struct fixture *f = mem_alloc_zero(1, sizeof(*f));
    struct http_server_options options = {.listen = "127.0.0.1:0",
                                          .clock = &f->clock.base,
                                          .routes = routes,
                                          .route_count = ARRAY_LEN(routes)};
    struct err err = ERR_INIT;

    f->clock.base = (struct clock){.unix_ms = moved_unix_ms, .monotonic_ms = moved_monotonic_ms};
    if (secure) {
        options.tls_cert_file = tls.cert;
        options.tls_key_file = tls.key;
    }
    atomic_store(&parked.released, 0);
    assert_int_equal(http_server_start(&options, &f->server, &err), 0);
    (void)snprintf(f->address, sizeof(f->address), "%s", http_server_address(f->server));
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, false);
}

static int setup_tls(void **state)
{
    return setup_with(state, true);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    http_stream_close(&f->owner.stream, false);
    http_server_stop(&f->server);
    free(f);
    return 0;
}

static void advance(struct fixture *f, int64_t ms)
{
    atomic_fetch_add(&f->clock.by_ms, ms);
}

static void *stop_server(void *arg)
{
    struct fixture *f = arg;

    http_server_stop(&f->server);
    return NULL;
}

/* ---- a client ---- */

struct client {
    int fd;
    gnutls_session_t session; /* NULL: plain */
    gnutls_certificate_credentials_t credentials;
};

static struct client plain_client(const struct fixture *f, int receive_bytes)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    struct client c = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    if (receive_bytes != 0) {
        setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    }
    setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    in.sin_port = htons((uint16_t)strtoul(strrchr(f->address, ':') + 1, NULL, 10));
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(c.fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return c;
}

static struct client tls_client(const struct fixture *f, int receive_bytes)
{
    struct client c = plain_client(f, receive_bytes);
    int rc;

    assert_int_equal(gnutls_certificate_allocate_credentials(&c.credentials), 0);
    assert_int_equal(gnutls_init(&c.session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    assert_int_equal(gnutls_set_default_priority(c.session), 0);
    assert_int_equal(gnutls_credentials_set(c.session, GNUTLS_CRD_CERTIFICATE, c.credentials), 0);
    gnutls_transport_set_int(c.session, c.fd);
    do {
        rc = gnutls_handshake(c.session);
    } while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
    assert_int_equal(rc, 0);
    return c;
}

static void say(struct client *c, const char *text)
{
    ssize_t n = c->session != NULL ? gnutls_record_send(c->session, text, strlen(text))
                                   : send(c->fd, text, strlen(text), MSG_NOSIGNAL);

    assert_int_equal(n, (ssize_t)strlen(text));
}

/* As recv. */
static ssize_t take_bytes(struct client *c, void *p, size_t n)
{
    ssize_t got;

    if (c->session == NULL) {
        return recv(c->fd, p, n, 0);
    }
    do {
        got = gnutls_record_recv(c->session, p, n);
    } while (got < 0 && got != GNUTLS_E_AGAIN && gnutls_error_is_fatal((int)got) == 0);
    return got < 0 ? -1 : got;
}

/* Reads on until the text is in out; false: the connection ended before. */
static bool hear(struct client *c, struct buf *out, const char *text)
{
    while (str_find(buf_str(out), str_from(text), 0) == SIZE_MAX) {
        ssize_t n = take_bytes(c, buf_reserve(out, 65536), 65536);

        if (n <= 0) {
            return false;
        }
        out->n += (size_t)n;
    }
    return true;
}

/* Reads to the end; false: it was a bad one. */
static bool hear_end(struct client *c, struct buf *out)
{
    for (;;) {
        ssize_t n = take_bytes(c, buf_reserve(out, 65536), 65536);

        if (n <= 0) {
            return n == 0;
        }
        out->n += (size_t)n;
    }
}

static void hang_up(struct client *c)
{
    if (c->session != NULL) {
        gnutls_deinit(c->session);
        gnutls_certificate_free_credentials(c->credentials);
    }
    close(c->fd);
    c->fd = -1;
}

static bool says(const struct buf *heard, const char *needle)
{
    return str_find(buf_str(heard), str_from(needle), 0) != SIZE_MAX;
}

static struct str body_of(const struct buf *heard)
{
    size_t head = str_find(buf_str(heard), STR("\r\n\r\n"), 0);

    assert_int_not_equal(head, SIZE_MAX);
    return str_sub(buf_str(heard), head + 4, SIZE_MAX);
}

#define STREAM_REQUEST "POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
#define PING_REQUEST "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"

static void open_stream(struct http_exchange *x, struct owner *o)
{
    struct http_answer answer = {.status = 200, .content_type = "text/xml; charset=utf-8"};
    const struct http_stream_handler handler = {o, on_ready, on_lost};
    struct err err = ERR_INIT;

    http_answer_field(&answer, "X-Mark", "here");
    http_answer_field(&answer, "X-Bad", "a\r\nSet-Cookie: b");
    assert_int_equal(http_stream_open(x, &answer, &handler, &o->stream, &err), 0);
}

static void given_stream(struct fixture *f, struct client *c)
{
    say(c, STREAM_REQUEST);
    open_stream(wait_for_parked(), &f->owner);
}

static enum http_stream_result write_text(struct fixture *f, const char *text)
{
    return http_stream_write(f->owner.stream, str_from(text));
}

/* A text that shows where a byte is missing. */
static struct str big_text(struct buf *text)
{
    while (text->n < BIG_BYTES) {
        buf_printf(text, "%zu ", text->n);
    }
    return buf_str(text);
}

/* The chunks of a body put together; the end must be there. */
static void unchunk(struct str chunked, struct buf *out)
{
    for (;;) {
        size_t line = str_find(chunked, STR("\r\n"), 0);
        uint64_t n = 0;

        assert_int_not_equal(line, SIZE_MAX);
        assert_true(str_to_hex_u64(str_sub(chunked, 0, line), &n));
        if (n == 0) {
            assert_true(str_is(str_sub(chunked, line, SIZE_MAX), "\r\n\r\n"));
            return;
        }
        buf_add_str(out, str_sub(chunked, line + 2, n));
        assert_true(str_is(str_sub(chunked, line + 2 + n, 2), "\r\n"));
        chunked = str_sub(chunked, line + 4 + n, SIZE_MAX);
    }
}

/* ---- what is on the wire ---- */

static void each_write_is_a_chunk(struct fixture *f, struct client *c)
{
    struct buf heard = BUF_INIT;

    given_stream(f, c);
    assert_int_equal(write_text(f, "hello"), HTTP_STREAM_OK);
    assert_true(hear(c, &heard, "\r\n\r\n5\r\nhello\r\n"));
    assert_true(says(&heard, "HTTP/1.1 200 OK\r\n"));
    assert_true(says(&heard, "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    assert_true(says(&heard, "\r\nContent-Type: text/xml; charset=utf-8\r\n"));
    assert_true(says(&heard, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_true(says(&heard, "\r\nConnection: close\r\n"));
    assert_true(says(&heard, "\r\nCache-Control: no-cache, private\r\n"));
    assert_true(says(&heard, "\r\nX-Mark: here\r\n"));
    assert_false(says(&heard, "Set-Cookie"));
    assert_false(says(&heard, "Content-Length"));
    assert_int_equal(write_text(f, "a longer text"), HTTP_STREAM_OK);
    assert_true(hear(c, &heard, "d\r\na longer text\r\n"));
    http_stream_close(&f->owner.stream, true);
    assert_null(f->owner.stream);
    assert_true(hear_end(c, &heard));
    assert_true(says(&heard, "a longer text\r\n0\r\n\r\n"));
    hang_up(c);
    EVENTUALLY(http_server_streams(f->server) == 0);
    assert_int_equal(f->owner.lost, 0);
    buf_fini(&heard);
}

static void a_1_1_stream_is_chunked(void **state)
{
    struct client c = plain_client(*state, 0);

    each_write_is_a_chunk(*state, &c);
}

static void a_tls_stream_is_chunked(void **state)
{
    struct client c = tls_client(*state, 0);

    each_write_is_a_chunk(*state, &c);
}

static void a_1_0_stream_is_plain_bytes_up_to_the_end(void **state)
{
    struct fixture *f = *state;
    struct client c = plain_client(f, 0);
    struct buf heard = BUF_INIT;

    say(&c, "POST /stream HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
    open_stream(wait_for_parked(), &f->owner);
    assert_int_equal(write_text(f, "one "), HTTP_STREAM_OK);
    assert_int_equal(write_text(f, "two"), HTTP_STREAM_OK);
    http_stream_close(&f->owner.stream, true);
    assert_true(hear_end(&c, &heard));
    assert_false(says(&heard, "chunked"));
    assert_true(str_is(body_of(&heard), "one two"));
    hang_up(&c);
    buf_fini(&heard);
}

static void nothing_is_sent_before_the_first_write(void **state)
{
    struct fixture *f = *state;
    struct client c = plain_client(f, 0);
    struct buf heard = BUF_INIT;
    char byte;

    given_stream(f, &c);
    /* The library has ended its connection by then. */
    EVENTUALLY(parked.released == 1);
    assert_int_equal(recv(c.fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    http_stream_close(&f->owner.stream, true);
    assert_true(hear_end(&c, &heard));
    assert_true(says(&heard, "HTTP/1.1 200 OK\r\n"));
    assert_true(str_is(body_of(&heard), "0\r\n\r\n"));
    hang_up(&c);
    buf_fini(&heard);
}

static void a_stream_may_begin_before_the_body_is_read(void **state)
{
    struct fixture *f = *state;
    struct client c = plain_client(f, 0);
    struct buf heard = BUF_INIT;

    say(&c, "POST /gate HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nhi");
    open_stream(wait_for_parked(), &f->owner);
    EVENTUALLY(parked.released == 1);
    say(&c, "and more");
    assert_int_equal(write_text(f, "hello"), HTTP_STREAM_OK);
    http_stream_close(&f->owner.stream, true);
    assert_true(hear(&c, &heard, "5\r\nhello\r\n0\r\n\r\n"));
    hang_up(&c);
    buf_fini(&heard);
}

#define DOCUMENTS 200

static void *write_documents(void *arg)
{
    struct fixture *f = arg;

    for (int i = 0; i < DOCUMENTS; i++) {
        if (write_text(f, "document;") != HTTP_STREAM_OK) {
            break;
        }
    }
    http_stream_close(&f->owner.stream, true);
    return NULL;
}

static void another_thread_writes(struct fixture *f, struct client *c)
{
    struct buf heard = BUF_INIT, text = BUF_INIT;
    pthread_t thread;

    given_stream(f, c);
    assert_int_equal(pthread_create(&thread, NULL, write_documents, f), 0);
    assert_true(hear_end(c, &heard));
    pthread_join(thread, NULL);
    unchunk(body_of(&heard), &text);
    assert_int_equal(text.n, DOCUMENTS * strlen("document;"));
    hang_up(c);
    buf_fini(&heard);
    buf_fini(&text);
}

static void any_thread_may_write(void **state)
{
    struct client c = plain_client(*state, 0);

    another_thread_writes(*state, &c);
}

static void any_thread_may_write_with_tls_too(void **state)
{
    struct client c = tls_client(*state, 0);

    another_thread_writes(*state, &c);
}

/* ---- who is gone ---- */

static void a_client_that_hangs_up_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct client c = plain_client(f, 0);

    given_stream(f, &c);
    hang_up(&c);
    EVENTUALLY(f->owner.lost == 1);
    assert_int_equal(write_text(f, "late"), HTTP_STREAM_GONE);
    assert_false(http_stream_is_taken(f->owner.stream));
    assert_int_equal(http_server_streams(f->server), 1);
    http_stream_close(&f->owner.stream, true);
    EVENTUALLY(http_server_streams(f->server) == 0);
    assert_int_equal(f->owner.lost, 1);
}

static void a_reset_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct client c = plain_client(f, 0);
    const struct linger reset = {.l_onoff = 1};

    given_stream(f, &c);
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    hang_up(&c);
    EVENTUALLY(f->owner.lost == 1);
}

static void a_stream_may_be_closed_where_it_is_lost(void **state)
{
    struct fixture *f = *state;
    struct client c = plain_client(f, 0);

    f->owner.closes_when_lost = true;
    given_stream(f, &c);
    hang_up(&c);
    EVENTUALLY(f->owner.lost == 1);
    EVENTUALLY(http_server_streams(f->server) == 0);
}

static void what_a_client_says_meanwhile_changes_nothing(struct fixture *f, struct client *c)
{
    struct buf heard = BUF_INIT;

    given_stream(f, c);
    say(c, PING_REQUEST);
    assert_int_equal(write_text(f, "one"), HTTP_STREAM_OK);
    assert_true(hear(c, &heard, "3\r\none\r\n"));
    say(c, PING_REQUEST);
    assert_int_equal(write_text(f, "two"), HTTP_STREAM_OK);
    assert_true(hear(c, &heard, "3\r\ntwo\r\n"));
    assert_false(says(&heard, "pong"));
    EVENTUALLY(http_stream_is_taken(f->owner.stream));
    hang_up(c);
    EVENTUALLY(f->owner.lost == 1);
    buf_fini(&heard);
}

static void a_request_during_a_stream_is_not_read(void **state)
{
    struct client c = plain_client(*state, 0);

    what_a_client_says_meanwhile_changes_nothing(*state, &c);
}

static void a_request_during_a_tls_stream_is_not_answered(void **state)
{
    struct client c = tls_client(*state, 0);

    what_a_client_says_meanwhile_changes_nothing(*state, &c);
}

static void a_tls_client_that_hangs_up_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct client c = tls_client(f, 0);

    given_stream(f, &c);
    hang_up(&c);
    EVENTUALLY(f->owner.lost == 1);
    http_stream_close(&f->owner.stream, true);
    EVENTUALLY(http_server_streams(f->server) == 0);
}

static void a_tls_client_that_says_good_bye_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct client c = tls_client(f, 0);

    given_stream(f, &c);
    assert_int_equal(gnutls_bye(c.session, GNUTLS_SHUT_WR), 0);
    EVENTUALLY(f->owner.lost == 1);
    hang_up(&c);
}

/* ---- slow readers ---- */

static void a_slow_reader_gets_all_of_it(struct fixture *f, struct client *c)
{
    struct buf text = BUF_INIT, heard = BUF_INIT, got = BUF_INIT;
    struct str big = big_text(&text);

    given_stream(f, c);
    for (unsigned round = 1; round <= 2; round++) {
        assert_int_equal(http_stream_write(f->owner.stream, big), HTTP_STREAM_FULL);
        assert_int_equal(f->owner.ready, round - 1);
        while (heard.n < round * big.n) {
            ssize_t n = take_bytes(c, buf_reserve(&heard, 65536), 65536);

            assert_true(n > 0);
            heard.n += (size_t)n;
        }
        EVENTUALLY(f->owner.ready == round);
    }
    http_stream_close(&f->owner.stream, true);
    assert_true(hear_end(c, &heard));
    unchunk(body_of(&heard), &got);
    assert_int_equal(got.n, 2 * big.n);
    assert_memory_equal(got.p, big.p, big.n);
    assert_memory_equal(got.p + big.n, big.p, big.n);
    assert_int_equal(f->owner.lost, 0);
    hang_up(c);
    buf_fini(&text);
    buf_fini(&heard);
    buf_fini(&got);
}

static void a_full_stream_is_ready_again(void **state)
{
    struct client c = plain_client(*state, 8192);

    a_slow_reader_gets_all_of_it(*state, &c);
}

static void a_full_tls_stream_is_ready_again(void **state)
{
    struct client c = tls_client(*state, 8192);

    a_slow_reader_gets_all_of_it(*state, &c);
}

static void who_stops_reading_is_cut_off(struct fixture *f, struct client *c)
{
    struct buf text = BUF_INIT, heard = BUF_INIT;

    given_stream(f, c);
    assert_int_equal(http_stream_write(f->owner.stream, big_text(&text)), HTTP_STREAM_FULL);
    advance(f, HTTP_STREAM_STALL_MS / 2);
    assert_false(http_stream_is_taken(f->owner.stream));
    assert_int_equal(f->owner.lost, 0);
    /* Again and again: what the kernel takes at first is progress. */
    EVENTUALLY((advance(f, HTTP_STREAM_STALL_MS), f->owner.lost == 1));
    assert_int_equal(f->owner.ready, 0);
    assert_false(hear_end(c, &heard));
    assert_true(heard.n < text.n);
    hang_up(c);
    buf_fini(&text);
    buf_fini(&heard);
}

static void a_reader_that_stops_is_lost(void **state)
{
    struct client c = plain_client(*state, 8192);

    who_stops_reading_is_cut_off(*state, &c);
}

static void a_tls_reader_that_stops_is_lost(void **state)
{
    struct client c = tls_client(*state, 8192);

    who_stops_reading_is_cut_off(*state, &c);
}

static void taken_is_what_the_peer_has_acknowledged(struct fixture *f, struct client *c)
{
    enum { BYTES = 40 * 1024 };
    struct buf heard = BUF_INIT;
    char text[BYTES];

    memset(text, 'x', sizeof(text));
    given_stream(f, c);
    assert_int_equal(http_stream_write(f->owner.stream, str_of(text, BYTES)), HTTP_STREAM_OK);
    assert_false(http_stream_is_taken(f->owner.stream));
    while (heard.n < BYTES) {
        ssize_t n = take_bytes(c, buf_reserve(&heard, BYTES), BYTES);

        assert_true(n > 0);
        heard.n += (size_t)n;
    }
    EVENTUALLY(http_stream_is_taken(f->owner.stream));
    /* Whether or not the hang-up was noticed meanwhile. */
    assert_int_equal(shutdown(c->fd, SHUT_WR), 0);
    assert_false(http_stream_is_taken(f->owner.stream));
    EVENTUALLY(f->owner.lost == 1);
    hang_up(c);
    buf_fini(&heard);
}

static void taken_means_acknowledged(void **state)
{
    struct client c = plain_client(*state, 4096);

    taken_is_what_the_peer_has_acknowledged(*state, &c);
}

static void taken_means_acknowledged_with_tls_too(void **state)
{
    struct client c = tls_client(*state, 4096);

    taken_is_what_the_peer_has_acknowledged(*state, &c);
}

/* ---- ends ---- */

static void finishing_writes_out_what_waits(struct fixture *f, struct client *c)
{
    struct buf text = BUF_INIT, heard = BUF_INIT, got = BUF_INIT;
    struct str big = big_text(&text);

    given_stream(f, c);
    assert_int_equal(http_stream_write(f->owner.stream, big), HTTP_STREAM_FULL);
    http_stream_close(&f->owner.stream, true);
    assert_int_equal(http_server_streams(f->server), 1);
    assert_true(hear_end(c, &heard));
    unchunk(body_of(&heard), &got);
    assert_int_equal(got.n, big.n);
    assert_memory_equal(got.p, big.p, big.n);
    hang_up(c);
    EVENTUALLY(http_server_streams(f->server) == 0);
    assert_int_equal(f->owner.ready, 0);
    assert_int_equal(f->owner.lost, 0);
    buf_fini(&text);
    buf_fini(&heard);
    buf_fini(&got);
}

static void a_full_stream_is_finished(void **state)
{
    struct client c = plain_client(*state, 8192);

    finishing_writes_out_what_waits(*state, &c);
}

static void a_full_tls_stream_is_finished(void **state)
{
    struct client c = tls_client(*state, 8192);

    finishing_writes_out_what_waits(*state, &c);
}

static void a_cut_stream_ends_at_once(struct fixture *f, struct client *c)
{
    struct buf heard = BUF_INIT;

    given_stream(f, c);
    assert_int_equal(write_text(f, "hello"), HTTP_STREAM_OK);
    assert_true(hear(c, &heard, "hello\r\n"));
    http_stream_close(&f->owner.stream, false);
    assert_false(hear_end(c, &heard));
    EVENTUALLY(http_server_streams(f->server) == 0);
    assert_int_equal(f->owner.lost, 0);
    hang_up(c);
    buf_fini(&heard);
}

static void cutting_resets(void **state)
{
    struct client c = plain_client(*state, 0);

    a_cut_stream_ends_at_once(*state, &c);
}

static void cutting_resets_with_tls_too(void **state)
{
    struct client c = tls_client(*state, 0);

    a_cut_stream_ends_at_once(*state, &c);
}

static void who_does_not_hang_up_is_not_waited_for(struct fixture *f, struct client *c)
{
    struct buf heard = BUF_INIT;

    given_stream(f, c);
    http_stream_close(&f->owner.stream, true);
    assert_true(hear_end(c, &heard));
    assert_int_equal(http_server_streams(f->server), 1);
    advance(f, HTTP_STREAM_LINGER_MS + 1);
    EVENTUALLY(http_server_streams(f->server) == 0);
    hang_up(c);
    buf_fini(&heard);
}

static void lingering_ends(void **state)
{
    struct client c = plain_client(*state, 0);

    who_does_not_hang_up_is_not_waited_for(*state, &c);
}

static void lingering_ends_with_tls_too(void **state)
{
    struct client c = tls_client(*state, 0);

    who_does_not_hang_up_is_not_waited_for(*state, &c);
}

static void stopping_cuts_what_is_open(struct fixture *f, struct client *c)
{
    struct buf heard = BUF_INIT;

    given_stream(f, c);
    assert_int_equal(write_text(f, "hello"), HTTP_STREAM_OK);
    http_server_stop(&f->server);
    assert_int_equal(f->owner.lost, 1);
    assert_int_equal(parked.released, 1);
    assert_int_equal(write_text(f, "late"), HTTP_STREAM_GONE);
    assert_false(http_stream_is_taken(f->owner.stream));
    assert_false(hear_end(c, &heard));
    http_stream_close(&f->owner.stream, true);
    hang_up(c);
    buf_fini(&heard);
}

static void a_stop_cuts_open_streams(void **state)
{
    struct client c = plain_client(*state, 0);

    stopping_cuts_what_is_open(*state, &c);
}

static void a_stop_cuts_open_tls_streams(void **state)
{
    struct client c = tls_client(*state, 0);

    stopping_cuts_what_is_open(*state, &c);
}

static void a_stop_lets_finished_streams_be_read(void **state)
{
    struct fixture *f = *state;
    struct client c = plain_client(f, 8192);
    struct buf text = BUF_INIT, heard = BUF_INIT, got = BUF_INIT;
    struct str big = big_text(&text);
    pthread_t thread;

    given_stream(f, &c);
    assert_int_equal(http_stream_write(f->owner.stream, big), HTTP_STREAM_FULL);
    http_stream_close(&f->owner.stream, true);
    assert_int_equal(pthread_create(&thread, NULL, stop_server, f), 0);
    assert_true(hear_end(&c, &heard));
    unchunk(body_of(&heard), &got);
    assert_int_equal(got.n, big.n);
    hang_up(&c);
    pthread_join(thread, NULL);
    buf_fini(&text);
    buf_fini(&heard);
    buf_fini(&got);
}

/* ---- beside others ---- */

static void other_requests_are_served_meanwhile(struct fixture *f, struct client *c,
                                                struct client *other)
{
    struct buf heard = BUF_INIT;

    /* A connection that served a request becomes a stream. */
    say(c, PING_REQUEST);
    assert_true(hear(c, &heard, "pong"));
    buf_clear(&heard);
    given_stream(f, c);
    for (int i = 0; i < 20; i++) {
        buf_clear(&heard);
        say(other, PING_REQUEST);
        assert_true(hear(other, &heard, "pong"));
        buf_clear(&heard);
        assert_int_equal(write_text(f, "tick"), HTTP_STREAM_OK);
        assert_true(hear(c, &heard, "4\r\ntick\r\n"));
    }
    EVENTUALLY(parked.released == 22);
    hang_up(c);
    hang_up(other);
    buf_fini(&heard);
}

static void requests_go_on_beside_streams(void **state)
{
    struct client c = plain_client(*state, 0), other = plain_client(*state, 0);

    other_requests_are_served_meanwhile(*state, &c, &other);
}

static void requests_go_on_beside_tls_streams(void **state)
{
    struct client c = tls_client(*state, 0), other = tls_client(*state, 0);

    other_requests_are_served_meanwhile(*state, &c, &other);
}

/* The deadline of a request must not follow its connection into the stream. */
static void a_stream_outlives_the_deadlines_of_requests(void **state)
{
    struct fixture *f = *state;
    struct client c = plain_client(f, 0), idle = plain_client(f, 0);
    struct buf heard = BUF_INIT;
    char byte;

    say(&c, "POST /gate HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    open_stream(wait_for_parked(), &f->owner);
    EVENTUALLY(parked.released == 1);
    advance(f, 24 * 3600 * 1000);
    /* The other one's deadline has passed: the reaper has looked. */
    assert_int_equal(recv(idle.fd, &byte, 1, 0), 0);
    assert_int_equal(write_text(f, "hello"), HTTP_STREAM_OK);
    assert_true(hear(&c, &heard, "hello\r\n"));
    assert_int_equal(f->owner.lost, 0);
    hang_up(&c);
    hang_up(&idle);
    buf_fini(&heard);
}

static void without_a_socket_the_exchange_can_be_answered(void **state)
{
    struct fixture *f = *state;
    struct client c = plain_client(f, 0);
    struct http_answer answer = {.status = 200};
    const struct http_stream_handler handler = {&f->owner, on_ready, on_lost};
    struct rlimit limit, none = {.rlim_cur = 0};
    struct buf heard = BUF_INIT;
    struct http_exchange *x;
    struct err err = ERR_INIT;

    say(&c, STREAM_REQUEST);
    x = wait_for_parked();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none.rlim_max = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(http_stream_open(x, &answer, &handler, &f->owner.stream, &err), -ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_null(f->owner.stream);
    assert_int_equal(http_server_streams(f->server), 0);
    answer_text(x, "sorry");
    assert_true(hear(&c, &heard, "sorry"));
    hang_up(&c);
    buf_fini(&heard);
}

/* What one of several threads does, each with its own ends in another order. */
static void come_and_go(struct client *c, unsigned way)
{
    struct buf text = BUF_INIT;
    struct owner o = {.closes_when_lost = way == 2};

    say(c, STREAM_REQUEST);
    open_stream(wait_for_parked(), &o); /* perhaps another thread's client */
    if (way != 2) {
        (void)http_stream_write(o.stream, way == 3 ? big_text(&text) : STR("hello"));
    }
    if (way == 0) {
        http_stream_close(&o.stream, true);
    }
    hang_up(c);
    if (way == 1) {
        (void)http_stream_write(o.stream, STR("hello"));
        (void)http_stream_is_taken(o.stream);
    }
    if (way == 2) {
        EVENTUALLY(o.lost == 1);
    }
    http_stream_close(&o.stream, way == 3);
    buf_fini(&text);
}

static void *come_and_go_plain(void *arg)
{
    for (unsigned i = 0; i < 40; i++) {
        struct client c = plain_client(arg, 0);

        come_and_go(&c, i % 4);
    }
    return NULL;
}

static void *come_and_go_tls(void *arg)
{
    for (unsigned i = 0; i < 16; i++) {
        struct client c = tls_client(arg, 0);

        come_and_go(&c, i % 4);
    }
    return NULL;
}

static void several_come_and_go(struct fixture *f, void *(*what)(void *))
{
    pthread_t threads[4];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, what, f), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    EVENTUALLY(http_server_streams(f->server) == 0);
}

static void streams_come_and_go(void **state)
{
    several_come_and_go(*state, come_and_go_plain);
    assert_int_equal(parked.released, 160);
}

static void tls_streams_come_and_go(void **state)
{
    several_come_and_go(*state, come_and_go_tls);
    assert_int_equal(parked.released, 64);
}

static long resident_kb(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long total = 0, resident = 0;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &total, &resident), 2);
    (void)fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void allow_many_files(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void many_streams_cost_little(void **state)
{
    struct fixture *f = *state;
    struct owner *owners = mem_alloc_zero(MANY, sizeof(*owners));
    struct client *clients = mem_alloc_zero(MANY, sizeof(*clients));
    struct buf heard = BUF_INIT;
    int64_t began_ms;
    long before;

    allow_many_files();
    (void)malloc_trim(0);
    before = resident_kb();
    for (unsigned i = 0; i < MANY; i++) {
        clients[i] = plain_client(f, 0);
        say(&clients[i], STREAM_REQUEST);
        open_stream(wait_for_parked(), &owners[i]);
    }
    EVENTUALLY(parked.released == MANY);
    assert_int_equal(http_server_streams(f->server), MANY);
    began_ms = clock_monotonic_ms(clock_system());
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(http_stream_write(owners[i].stream, STR("hello")), HTTP_STREAM_OK);
    }
    print_message("# %d streams: %ld bytes resident each; %ld us a write\n", MANY,
                  (resident_kb() - before) * 1024 / MANY,
                  (long)(clock_monotonic_ms(clock_system()) - began_ms) * 1000 / MANY);
    for (unsigned i = 0; i < MANY; i++) {
        buf_clear(&heard);
        assert_true(hear(&clients[i], &heard, "5\r\nhello\r\n"));
        hang_up(&clients[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        EVENTUALLY(owners[i].lost == 1);
        http_stream_close(&owners[i].stream, true);
    }
    EVENTUALLY(http_server_streams(f->server) == 0);
    buf_fini(&heard);
    free(owners);
    free(clients);
}

/* ---- a certificate that signs itself ---- */

static void write_pem(const char *path, gnutls_datum_t *pem)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_int_equal(fwrite(pem->data, 1, pem->size, f), pem->size);
    (void)fclose(f);
    gnutls_free(pem->data);
}

static int make_certificate(void **state)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    gnutls_datum_t pem;
    time_t now = time(NULL);

    (void)state;
    tmpdir_make(&tls.dir);
    (void)snprintf(tls.cert, sizeof(tls.cert), "%s/cert.pem", tls.dir.path);
    (void)snprintf(tls.key, sizeof(tls.key), "%s/key.pem", tls.dir.path);
    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&crt), 0);
    assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(crt, "\x01", 1), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(crt, now - 3600), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, now + 3600), 0);
    assert_int_equal(gnutls_x509_crt_set_dn(crt, "CN=localhost", NULL), 0);
    assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
    write_pem(tls.cert, &pem);
    assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
    write_pem(tls.key, &pem);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    return 0;
}

static int remove_certificate(void **state)
{
    (void)state;
    tmpdir_remove(&tls.dir);
    return 0;
}

#define SERVED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define SERVED_TLS(f) cmocka_unit_test_setup_teardown(f, setup_tls, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_1_1_stream_is_chunked),
        SERVED_TLS(a_tls_stream_is_chunked),
        SERVED(a_1_0_stream_is_plain_bytes_up_to_the_end),
        SERVED(nothing_is_sent_before_the_first_write),
        SERVED(a_stream_may_begin_before_the_body_is_read),
        SERVED(any_thread_may_write),
        SERVED_TLS(any_thread_may_write_with_tls_too),
        SERVED(a_client_that_hangs_up_is_noticed),
        SERVED(a_reset_is_noticed),
        SERVED(a_stream_may_be_closed_where_it_is_lost),
        SERVED(a_request_during_a_stream_is_not_read),
        SERVED_TLS(a_request_during_a_tls_stream_is_not_answered),
        SERVED_TLS(a_tls_client_that_hangs_up_is_noticed),
        SERVED_TLS(a_tls_client_that_says_good_bye_is_noticed),
        SERVED(a_full_stream_is_ready_again),
        SERVED_TLS(a_full_tls_stream_is_ready_again),
        SERVED(a_reader_that_stops_is_lost),
        SERVED_TLS(a_tls_reader_that_stops_is_lost),
        SERVED(taken_means_acknowledged),
        SERVED_TLS(taken_means_acknowledged_with_tls_too),
        SERVED(a_full_stream_is_finished),
        SERVED_TLS(a_full_tls_stream_is_finished),
        SERVED(cutting_resets),
        SERVED_TLS(cutting_resets_with_tls_too),
        SERVED(lingering_ends),
        SERVED_TLS(lingering_ends_with_tls_too),
        SERVED(a_stop_cuts_open_streams),
        SERVED_TLS(a_stop_cuts_open_tls_streams),
        SERVED(a_stop_lets_finished_streams_be_read),
        SERVED(requests_go_on_beside_streams),
        SERVED_TLS(requests_go_on_beside_tls_streams),
        SERVED(a_stream_outlives_the_deadlines_of_requests),
        SERVED(without_a_socket_the_exchange_can_be_answered),
        SERVED(streams_come_and_go),
        SERVED_TLS(tls_streams_come_and_go),
        SERVED(many_streams_cost_little),
    };

    return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}
