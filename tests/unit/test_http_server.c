/* The HTTP door over real sockets: its limits, its ways to wait, and that it ends cleanly. */
#include "http/http.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define SMALL_LIMIT 4096

/* ---- a handler whose behaviour the path names ---- */

/* An exchange that another thread finishes, when the test says so. */
struct parked {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_exchange *x;
    unsigned released;
    size_t body_bytes;
};

static struct parked parked = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0, 0};

static void park(struct http_exchange *x)
{
    http_wait(x);
    pthread_mutex_lock(&parked.lock);
    parked.x = x;
    pthread_cond_broadcast(&parked.changed);
    pthread_mutex_unlock(&parked.lock);
}

static struct http_exchange *wait_for_parked(void)
{
    struct http_exchange *x;

    pthread_mutex_lock(&parked.lock);
    while (parked.x == NULL) {
        pthread_cond_wait(&parked.changed, &parked.lock);
    }
    x = parked.x;
    parked.x = NULL;
    pthread_mutex_unlock(&parked.lock);
    return x;
}

static void wait_for_released(unsigned n)
{
    pthread_mutex_lock(&parked.lock);
    while (parked.released < n) {
        pthread_cond_wait(&parked.changed, &parked.lock);
    }
    pthread_mutex_unlock(&parked.lock);
}

static void wait_for_body(size_t bytes)
{
    pthread_mutex_lock(&parked.lock);
    while (parked.body_bytes < bytes) {
        pthread_cond_wait(&parked.changed, &parked.lock);
    }
    pthread_mutex_unlock(&parked.lock);
}

static void answer(struct http_exchange *x, int status, const char *text)
{
    struct http_answer a = {.status = status,
                            .content_type = "text/plain",
                            .body = strdup(text),
                            .body_bytes = strlen(text)};

    http_answer(x, &a);
}

static void echo(struct http_exchange *x)
{
    struct buf *b = http_context(x);
    struct http_answer a = {.status = 200, .content_type = "text/plain"};

    buf_steal(b, &a.body, &a.body_bytes);
    if (http_accepts_gzip(x)) {
        http_gzip(&a);
    }
    http_answer(x, &a);
}

static void begin(struct http_exchange *x, void *context)
{
    (void)context;
    http_set_context(x, mem_alloc_zero(1, sizeof(struct buf)));
    if (str_is(http_path(x), "/gate")) {
        park(x);
    } else if (str_is(http_path(x), "/refuse")) {
        answer(x, 401, "no");
    }
}

static void body(struct http_exchange *x, const void *p, size_t n, void *context)
{
    (void)context;
    buf_append(http_context(x), p, n);
    pthread_mutex_lock(&parked.lock);
    parked.body_bytes += n;
    pthread_cond_broadcast(&parked.changed);
    pthread_mutex_unlock(&parked.lock);
}

static void end(struct http_exchange *x, void *context)
{
    (void)context;
    if (str_is(http_path(x), "/later")) {
        park(x);
    } else {
        echo(x);
    }
}

static void release(struct http_exchange *x, void *context)
{
    struct buf *b = http_context(x);

    (void)context;
    buf_fini(b);
    free(b);
    pthread_mutex_lock(&parked.lock);
    parked.released++;
    pthread_cond_broadcast(&parked.changed);
    pthread_mutex_unlock(&parked.lock);
}

#define HANDLER                                                                                    \
    {                                                                                              \
        NULL, begin, body, end, release                                                            \
    }
static const struct http_route routes[] = {
    {"/echo", SMALL_LIMIT, HANDLER},     {"/gate", SMALL_LIMIT, HANDLER},
    {"/later", SMALL_LIMIT, HANDLER},    {"/refuse", SMALL_LIMIT, HANDLER},
    {"/big", 64 * 1024 * 1024, HANDLER},
};

/* ---- a client ---- */

struct fixture {
    struct http_server *server;
};

static int connect_to(const struct fixture *f)
{
    const char *address = http_server_address(f->server);
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* One answer with its body (Content-Length form) into out; false when the connection ended first. */
static bool hear(int fd, struct buf *out)
{
    size_t want = SIZE_MAX;

    buf_clear(out);
    while (out->n < want) {
        char *at = buf_reserve(out, 65536);
        ssize_t n = recv(fd, at, 65536, 0);
        size_t head, length;

        if (n <= 0) {
            return false;
        }
        out->n += (size_t)n;
        head = str_find(buf_str(out), STR("\r\n\r\n"), 0);
        if (want == SIZE_MAX && head != SIZE_MAX) {
            size_t at_length =
                str_find_nocase(str_sub(buf_str(out), 0, head), STR("content-length: "), 0);

            assert_int_not_equal(at_length, SIZE_MAX);
            length = strtoull(out->p + at_length + 16, NULL, 10);
            want = head + 4 + length;
        }
    }
    return true;
}

static bool says(const struct buf *answer_text, const char *needle)
{
    return str_find(buf_str(answer_text), str_from(needle), 0) != SIZE_MAX;
}

/* Sends the text on a connection of its own and expects the needle in the answer. */
static void expect(struct fixture *f, const char *text, const char *needle)
{
    struct buf out = BUF_INIT;
    int fd = connect_to(f);

    say(fd, text);
    assert_true(hear(fd, &out));
    if (!says(&out, needle)) {
        fail_msg("no '%s' in: %.*s", needle, (int)out.n, out.p);
    }
    close(fd);
    buf_fini(&out);
}

static int setup_with(void **state, unsigned stop_wait_ms)
{
    struct fixture *f = mem_alloc_zero(1, sizeof(*f));
    struct http_server_options options = {.listen = "127.0.0.1:0",
                                          .clock = clock_system(),
                                          .routes = routes,
                                          .route_count = ARRAY_LEN(routes),
                                          .stop_wait_ms = stop_wait_ms};
    struct err err = ERR_INIT;

    parked.released = 0;
    parked.body_bytes = 0;
    assert_int_equal(http_server_start(&options, &f->server, &err), 0);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, 0);
}

static int setup_impatient(void **state)
{
    return setup_with(state, 1);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    http_server_stop(&f->server);
    free(f);
    return 0;
}

/* ---- tests ---- */

static void a_body_comes_whole_and_the_path_ignores_case(void **state)
{
    expect(*state, "POST /ECHO?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "hello");
    expect(
        *state,
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        "hello");
}

static void unknown_paths_are_404(void **state)
{
    expect(*state, "GET /none HTTP/1.1\r\nHost: h\r\n\r\n", " 404 ");
}

static void too_large_bodies_are_413_declared_or_not(void **state)
{
    char text[2 * SMALL_LIMIT + 256];
    char many[SMALL_LIMIT + 2];

    expect(*state, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\n\r\n", " 413 ");
    memset(many, 'x', SMALL_LIMIT + 1);
    many[SMALL_LIMIT + 1] = '\0';
    snprintf(
        text, sizeof(text),
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
        SMALL_LIMIT + 1, many);
    expect(*state, text, " 413 ");
}

/* To a proxy before us these could be two requests, or another one. */
static void ambiguous_heads_are_400(void **state)
{
    static const char *const heads[] = {
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length : 5\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        char text[256];

        snprintf(text, sizeof(text), "POST /echo HTTP/1.1\r\nHost: h\r\n%s\r\nhello", heads[i]);
        expect(*state, text, " 400 ");
    }
}

static void who_asks_before_sending_is_refused_at_once(void **state)
{
    expect(*state,
           "POST /refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
           " 401 ");
}

static void a_refused_request_leaves_the_connection_alive(void **state)
{
    struct buf out = BUF_INIT;
    int fd = connect_to(*state);

    for (int i = 0; i < 3; i++) {
        say(fd, "POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
        assert_true(hear(fd, &out));
        assert_true(says(&out, " 401 "));
    }
    say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok");
    assert_true(hear(fd, &out));
    assert_true(says(&out, "\r\n\r\nok"));
    close(fd);
    buf_fini(&out);
}

static void a_gate_lets_the_body_come_later(void **state)
{
    struct buf out = BUF_INIT;
    int fd = connect_to(*state);

    say(fd, "POST /gate HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    http_go_on(wait_for_parked());
    assert_true(hear(fd, &out));
    assert_true(says(&out, "\r\n\r\nhello"));
    close(fd);
    buf_fini(&out);
}

static void a_gate_refuses_and_the_connection_lives(void **state)
{
    struct buf out = BUF_INIT;
    int fd = connect_to(*state);

    for (int i = 0; i < 2; i++) {
        say(fd, "POST /gate HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
        answer(wait_for_parked(), 401, "no");
        assert_true(hear(fd, &out));
        assert_true(says(&out, " 401 "));
    }
    say(fd, "GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
    answer(wait_for_parked(), 200, "in");
    assert_true(hear(fd, &out));
    assert_true(says(&out, "\r\n\r\nin"));
    close(fd);
    buf_fini(&out);
}

static void another_thread_answers_while_other_requests_go_on(void **state)
{
    struct buf out = BUF_INIT;
    int fd = connect_to(*state);
    struct http_exchange *x;

    say(fd, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    x = wait_for_parked();
    for (int i = 0; i < 8; i++) {
        expect(*state, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok",
               "\r\n\r\nok");
    }
    echo(x);
    assert_true(hear(fd, &out));
    assert_true(says(&out, "\r\n\r\nhello"));
    close(fd);
    buf_fini(&out);
}

static void a_client_that_left_is_released_after_its_answer(void **state)
{
    int fd = connect_to(*state);
    struct http_exchange *x;

    say(fd, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    x = wait_for_parked();
    close(fd);
    echo(x);
    wait_for_released(1);
}

static void a_client_that_left_in_the_body_is_released(void **state)
{
    int fd = connect_to(*state);

    say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nhello");
    wait_for_body(5);
    close(fd);
    wait_for_released(1);
}

static void *stop_server(void *arg)
{
    struct fixture *f = arg;

    http_server_stop(&f->server);
    return NULL;
}

static void stopping_waits_for_answers_under_way(void **state)
{
    struct fixture *f = *state;
    struct buf out = BUF_INIT;
    int fd = connect_to(f);
    struct http_exchange *x;
    pthread_t thread;

    say(fd, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    x = wait_for_parked();
    assert_int_equal(pthread_create(&thread, NULL, stop_server, f), 0);
    echo(x);
    assert_true(hear(fd, &out));
    assert_true(says(&out, "\r\n\r\nhello"));
    pthread_join(thread, NULL);
    close(fd);
    buf_fini(&out);
}

/* Handlers end in their own time; only peers are not waited for beyond theirs. */
static void stopping_outwaits_a_handler_whose_peer_left(void **state)
{
    struct fixture *f = *state;
    struct timespec until;
    int fd = connect_to(f);
    struct http_exchange *x;
    pthread_t thread;

    say(fd, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    x = wait_for_parked();
    close(fd);
    assert_int_equal(pthread_create(&thread, NULL, stop_server, f), 0);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    assert_int_equal(pthread_timedjoin_np(thread, NULL, &until), ETIMEDOUT);
    echo(x);
    pthread_join(thread, NULL);
    assert_int_equal(parked.released, 1);
}

static void large_answers_are_gzipped_where_asked(void **state)
{
    struct buf text = BUF_INIT, out = BUF_INIT;
    char plain[SMALL_LIMIT];
    z_stream z = {0};
    size_t head;
    int fd = connect_to(*state);

    BUF_LIT(
        &text,
        "POST /echo HTTP/1.1\r\nHost: h\r\nAccept-Encoding: deflate, gzip;q=0.5\r\nContent-Length: 3000\r\n\r\n");
    memset(buf_reserve(&text, 3000), 'a', 3000);
    text.n += 3000;
    assert_int_equal(send(fd, text.p, text.n, 0), (ssize_t)text.n);
    assert_true(hear(fd, &out));
    assert_true(says(&out, "Content-Encoding: gzip"));
    assert_true(out.n < 600);
    head = str_find(buf_str(&out), STR("\r\n\r\n"), 0) + 4;
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    z.next_in = (Bytef *)out.p + head;
    z.avail_in = (uInt)(out.n - head);
    z.next_out = (Bytef *)plain;
    z.avail_out = sizeof(plain);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, 3000);
    assert_int_equal(plain[2999], 'a');
    inflateEnd(&z);
    close(fd);
    buf_fini(&text);
    buf_fini(&out);
    expect(
        *state,
        "POST /echo HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip;q=0\r\nContent-Length: 2\r\n\r\nok",
        "\r\n\r\nok");
}

static void a_port_in_use_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct http_server_options options = {.listen = http_server_address(f->server),
                                          .clock = clock_system(),
                                          .routes = routes,
                                          .route_count = ARRAY_LEN(routes)};
    struct http_server *second = NULL;
    struct err err = ERR_INIT;

    assert_int_equal(http_server_start(&options, &second, &err), -ERR_IO);
    options.listen = "nonsense";
    assert_int_equal(http_server_start(&options, &second, &err), -ERR_USAGE);
    options.listen = "127.0.0.1:99999";
    assert_int_equal(http_server_start(&options, &second, &err), -ERR_USAGE);
    options.listen = "127.0.0.1:0";
    options.tls_cert_file = "/nonexistent";
    assert_int_equal(http_server_start(&options, &second, &err), -ERR_USAGE);
    options.tls_key_file = "/nonexistent";
    assert_int_equal(http_server_start(&options, &second, &err), -ERR_IO);
    assert_null(second);
}

#define SERVED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_body_comes_whole_and_the_path_ignores_case),
        SERVED(unknown_paths_are_404),
        SERVED(too_large_bodies_are_413_declared_or_not),
        SERVED(ambiguous_heads_are_400),
        SERVED(who_asks_before_sending_is_refused_at_once),
        SERVED(a_refused_request_leaves_the_connection_alive),
        SERVED(a_gate_lets_the_body_come_later),
        SERVED(a_gate_refuses_and_the_connection_lives),
        SERVED(another_thread_answers_while_other_requests_go_on),
        SERVED(a_client_that_left_is_released_after_its_answer),
        SERVED(a_client_that_left_in_the_body_is_released),
        SERVED(stopping_waits_for_answers_under_way),
        cmocka_unit_test_setup_teardown(stopping_outwaits_a_handler_whose_peer_left,
                                        setup_impatient, teardown),
        SERVED(large_answers_are_gzipped_where_asked),
        SERVED(a_port_in_use_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
