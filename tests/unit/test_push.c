/* Posts to real listeners, well and badly behaved. What is waited for is waited for by condition variables; the one clock is the time limit of the posts themselves. */
#include "push/push.h"

#include "push/limits.h"
#include "support/push_listener.h"
#include "support/tmpdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#define SHORT_MS 300
#define MANY 40

struct outcome {
    struct push_post post;
    struct fixture *f;
    struct outcome *then; /* sent from within done */
    char url[128];
    bool over;
    int status;
    size_t answer_bytes;
    char answer[64];
    bool has_why;
    char why[256];
    pthread_t thread;
};

struct fixture {
    struct tmpdir dir;
    char ca_path[96];
    struct listener_ca ca;
    struct listener listener, tls;
    struct push_policy *policy;
    struct push_options options;
    struct push *push;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned over; /* outcomes */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    pthread_mutex_init(&f->mutex, NULL);
    pthread_cond_init(&f->changed, NULL);
    tmpdir_make(&f->dir);
    (void)snprintf(f->ca_path, sizeof(f->ca_path), "%s/ca.pem", f->dir.path);
    listener_ca_make(&f->ca, f->ca_path);
    listener_make_tls(&f->tls, &f->ca, "localhost");
    listener_start(&f->listener);
    listener_start(&f->tls);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    push_stop(&f->push);
    push_policy_free(&f->policy);
    listener_stop(&f->listener);
    listener_stop(&f->tls);
    listener_ca_free(&f->ca);
    tmpdir_remove(&f->dir);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->mutex);
    free(f);
    return 0;
}

static void start(struct fixture *f, const char *rules)
{
    assert_int_equal(push_policy_parse(str_from(rules), &f->policy, NULL), 0);
    f->options.policy = f->policy;
    assert_int_equal(push_start(&f->options, &f->push, NULL), 0);
}

/* ---- posts ---- */

static void note_outcome(struct push_post *post, int status, struct str answer, const char *why)
{
    struct outcome *o = container_of(post, struct outcome, post);
    struct fixture *f = o->f;

    if (o->then != NULL) {
        push_send(f->push, &o->then->post);
    }
    pthread_mutex_lock(&f->mutex);
    assert(!o->over);
    o->over = true;
    o->status = status;
    o->answer_bytes = answer.n;
    (void)snprintf(o->answer, sizeof(o->answer), "%.*s", answer.n < 60 ? (int)answer.n : 60,
                   answer.n != 0 ? answer.p : "");
    o->has_why = why != NULL;
    (void)snprintf(o->why, sizeof(o->why), "%s", why != NULL ? why : "");
    o->thread = pthread_self();
    f->over++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static void prepare(struct fixture *f, struct outcome *o, const char *url)
{
    *o = (struct outcome){.f = f,
                          .post = {.body = STR("<note/>"),
                                   .soap_action = "http://example.com/Send",
                                   .done = note_outcome}};
    (void)snprintf(o->url, sizeof(o->url), "%s", url);
    o->post.url = o->url;
}

/* host: with scheme. */
static void prepare_to(struct fixture *f, struct outcome *o, const char *host, unsigned port,
                       const char *path)
{
    char url[128];

    (void)snprintf(url, sizeof(url), "%s:%u%s", host, port, path);
    prepare(f, o, url);
}

static void wait_for(struct fixture *f, unsigned outcomes)
{
    pthread_mutex_lock(&f->mutex);
    while (f->over < outcomes) {
        pthread_cond_wait(&f->changed, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
}

static void send_and_wait(struct fixture *f, struct outcome *o)
{
    unsigned before = f->over;

    push_send(f->push, &o->post);
    wait_for(f, before + 1);
}

static struct outcome posted(struct fixture *f, const char *path)
{
    struct outcome o;

    prepare_to(f, &o, "http://127.0.0.1", f->listener.port, path);
    send_and_wait(f, &o);
    return o;
}

static struct outcome posted_to(struct fixture *f, const char *url)
{
    struct outcome o;

    prepare(f, &o, url);
    send_and_wait(f, &o);
    return o;
}

static void expect_failed(const struct outcome *o, const char *why)
{
    assert_true(o->over);
    assert_int_equal(o->status, 0);
    assert_int_equal(o->answer_bytes, 0);
    assert_true(o->has_why && o->why[0] != '\0');
    if (why != NULL && strstr(o->why, why) == NULL) {
        fail_msg("%s: '%s' does not say '%s'", o->url, o->why, why);
    }
}

/* ---- what goes out and comes back ---- */

static void a_post_is_an_ordinary_soap_request(void **state)
{
    struct fixture *f = *state;
    struct outcome o;
    const char *request;

    start(f, "loopback");
    o = posted(f, "/ok?x=1");
    assert_int_equal(o.status, 200);
    assert_string_equal(o.answer, "thanks");
    assert_false(o.has_why);
    assert_false(pthread_equal(o.thread, pthread_self()));
    request = f->listener.last;
    assert_ptr_equal(strstr(request, "POST /ok?x=1 HTTP/1.1\r\nHost: 127.0.0.1:"), request);
    assert_non_null(strstr(request, "\r\nContent-Type: text/xml; charset=utf-8\r\n"));
    assert_non_null(strstr(request, "\r\nSOAPAction: \"http://example.com/Send\"\r\n"));
    assert_non_null(strstr(request, "\r\nUser-Agent: ewer/" EWER_VERSION "\r\n"));
    assert_null(strstr(request, "Authorization"));
    assert_null(strstr(request, "Accept-Encoding"));
    assert_non_null(strstr(request, "\r\n\r\n<note/>"));
}

static void a_large_body_goes_out_without_a_question(void **state)
{
    enum { BYTES = 2 * 1024 * 1024 };
    struct fixture *f = *state;
    struct outcome o;
    char *body = malloc(BYTES);

    assert_non_null(body);
    memset(body, 'b', BYTES);
    start(f, "loopback");
    prepare_to(f, &o, "http://127.0.0.1", f->listener.port, "/ok");
    o.post.body = str_of(body, BYTES);
    send_and_wait(f, &o);
    free(body);
    assert_int_equal(o.status, 200);
    assert_null(strstr(f->listener.last, "Expect"));
    assert_int_equal(strlen(strstr(f->listener.last, "\r\n\r\n") + 4), BYTES);
}

static void connections_are_used_again_and_cookies_are_not(void **state)
{
    struct fixture *f = *state;

    start(f, "loopback");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(posted(f, "/ok").status, 200);
        assert_null(strstr(f->listener.last, "Cookie"));
    }
    assert_int_equal(listener_count(&f->listener, &f->listener.connections), 1);
    assert_int_equal(listener_count(&f->listener, &f->listener.requests), 5);
}

static void a_whole_answer_gives_its_status(void **state)
{
    static const struct {
        const char *path;
        int status;
        bool good;
    } rows[] = {
        {"/status/200", 200, true},  {"/status/202", 202, true},  {"/status/204", 204, true},
        {"/status/299", 299, true},  {"/status/300", 300, false}, {"/status/301", 301, false},
        {"/status/404", 404, false}, {"/status/500", 500, false}, {"/status/503", 503, false},
        {"/redirect", 307, false},   {"/demand", 401, false},
    };
    struct fixture *f = *state;

    start(f, "loopback");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome o = posted(f, rows[i].path);

        assert_int_equal(o.status, rows[i].status);
        assert_int_equal(o.has_why, !rows[i].good);
    }
    assert_string_equal(posted(f, "/status/500").answer, "body");
    assert_string_equal(posted(f, "/status/500").why, "HTTP status 500");
    /* Neither the redirection nor the demand led to another request. */
    assert_int_equal(listener_count(&f->listener, &f->listener.requests), ARRAY_LEN(rows) + 2);
}

/* ---- what goes wrong ---- */

static void broken_answers_are_none(void **state)
{
    static const char *const paths[] = {"/garbage", "/close", "/cut", "/chunk-cut"};
    struct fixture *f = *state;

    start(f, "loopback");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct outcome o = posted(f, paths[i]);
        expect_failed(&o, NULL);
    }
    assert_int_equal(posted(f, "/ok").status, 200);
}

static void answers_are_bounded(void **state)
{
    static const char *const paths[] = {"/over", "/endless-body", "/endless-head",
                                        "/endless-continue"};
    struct fixture *f = *state;
    struct outcome o;

    start(f, "loopback");
    o = posted(f, "/full");
    assert_int_equal(o.status, 200);
    assert_int_equal(o.answer_bytes, PUSH_ANSWER_BYTES);
    assert_int_equal(LISTENER_LIMIT, PUSH_ANSWER_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        o = posted(f, paths[i]);
        expect_failed(&o, "too large");
    }
    o = posted(f, "/endless-line");
    expect_failed(&o, NULL);
    assert_int_equal(posted(f, "/ok").status, 200);
}

static void slow_answers_are_not_waited_for(void **state)
{
    static const char *const paths[] = {"/hang", "/stall", "/gate"};
    struct fixture *f = *state;

    f->options.answer_ms = SHORT_MS;
    start(f, "loopback");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct outcome o = posted(f, paths[i]);
        expect_failed(&o, "timed out");
    }
}

/* A socket that listens, and nobody accepts. */
static void a_handshake_that_does_not_come_is_not_waited_for(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    struct fixture *f = *state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct outcome o;

    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    f->options.answer_ms = SHORT_MS;
    start(f, "loopback");
    prepare_to(f, &o, "https://127.0.0.1", ntohs(address.sin_port), "/");
    send_and_wait(f, &o);
    expect_failed(&o, NULL); /* refused: it does not listen yet */
    assert_int_equal(listen(fd, 4), 0);
    prepare_to(f, &o, "https://127.0.0.1", ntohs(address.sin_port), "/");
    send_and_wait(f, &o);
    expect_failed(&o, "time"); /* libcurl has several words for it */
    close(fd);
}

static void unknown_names_fail(void **state)
{
    struct fixture *f = *state;
    struct outcome o;

    f->options.answer_ms = 2000; /* where there is no answer to the question either */
    start(f, "nowhere.invalid");
    o = posted_to(f, "http://nowhere.invalid/");
    expect_failed(&o, NULL);
}

/* ---- where it may go ---- */

static void what_the_policy_refuses_is_not_connected_to(void **state)
{
    static const struct {
        const char *rules, *host;
        const char *why;
    } rows[] = {
        {"", "http://127.0.0.1", "not among the targets"},
        {"example.com", "http://127.0.0.1", "not among the targets"},
        {"example.com", "http://localhost", "not among the targets"},
        {"loopback:1", "http://127.0.0.1", "not among the targets"},
        {"0.0.0.0/0", "http://127.0.0.1", "not among the targets"},
        {"loopback", "http://user@127.0.0.1", "must name a host"},
        {"loopback", "http://127.1", "must name a host"},
        {"loopback", "ftp://127.0.0.1", "must begin with"},
        /* The name is allowed, what it resolves to is not. */
        {"localhost", "http://localhost", "is not allowed"},
        {"*.localhost", "http://rebound.localhost", "is not allowed"},
        {"127.9.9.9", "http://localhost", "is not allowed"},
        {"0.0.0.0/0 [::]/0", "http://localhost", "is not allowed"},
        {"10.0.0.0/8", "https://localhost", "is not allowed"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome o;

        start(f, rows[i].rules);
        prepare_to(f, &o, rows[i].host, f->listener.port, "/ok");
        send_and_wait(f, &o);
        expect_failed(&o, rows[i].why);
        push_stop(&f->push);
        push_policy_free(&f->policy);
    }
    assert_int_equal(listener_count(&f->listener, &f->listener.connections), 0);
}

static void what_the_policy_allows_is_connected_to(void **state)
{
    static const struct {
        const char *rules, *host;
    } rows[] = {
        {"loopback", "http://127.0.0.1"},
        {"loopback", "http://localhost"},
        {"loopback", "http://LOCALHOST"},
        {"127.0.0.1", "http://localhost"},
        {"127.0.0.0/8", "http://[::ffff:127.0.0.1]"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome o;

        start(f, rows[i].rules);
        prepare_to(f, &o, rows[i].host, f->listener.port, "/ok");
        send_and_wait(f, &o);
        if (o.status != 200) {
            fail_msg("%s: %s", o.url, o.why);
        }
        push_stop(&f->push);
        push_policy_free(&f->policy);
    }
}

static void proxies_of_the_environment_are_not_used(void **state)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    struct fixture *f = *state;
    int status;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(setenv(names[i], "http://127.0.0.1:1", 1), 0);
    }
    start(f, "loopback");
    status = posted(f, "/ok").status;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(unsetenv(names[i]), 0);
    }
    assert_int_equal(status, 200);
}

/* ---- TLS ---- */

static struct outcome posted_tls(struct fixture *f, const char *host, unsigned port)
{
    struct outcome o;

    prepare_to(f, &o, host, port, "/ok");
    send_and_wait(f, &o);
    return o;
}

static void tls_with_the_right_ca_and_name_goes_through(void **state)
{
    struct fixture *f = *state;

    f->options.ca_file = f->ca_path;
    start(f, "loopback");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(posted_tls(f, "https://localhost", f->tls.port).status, 200);
    }
    assert_int_equal(listener_count(&f->tls, &f->tls.connections), 1);
}

static void tls_of_others_is_refused(void **state)
{
    struct fixture *f = *state;
    struct listener_ca other;
    char other_path[96];
    struct outcome o;

    (void)snprintf(other_path, sizeof(other_path), "%s/other.pem", f->dir.path);
    listener_ca_make(&other, other_path);
    listener_ca_free(&other);

    start(f, "loopback"); /* the system's CAs do not know it */
    o = posted_tls(f, "https://localhost", f->tls.port);
    expect_failed(&o, "certificate");
    push_stop(&f->push);
    push_policy_free(&f->policy);

    f->options.ca_file = other_path;
    start(f, "loopback");
    o = posted_tls(f, "https://localhost", f->tls.port);
    expect_failed(&o, "certificate");
    push_stop(&f->push);
    push_policy_free(&f->policy);

    f->options.ca_file = f->ca_path;
    start(f, "loopback");
    o = posted_tls(f, "https://127.0.0.1", f->tls.port); /* it is for the name */
    expect_failed(&o, NULL);
    o = posted_tls(f, "https://localhost", f->listener.port); /* no TLS there */
    expect_failed(&o, NULL);
    assert_int_equal(listener_count(&f->tls, &f->tls.requests), 0);
}

/* ---- many, and the end ---- */

static void only_so_many_are_out_at_once(void **state)
{
    struct fixture *f = *state;
    struct outcome *all = calloc(MANY, sizeof(*all));

    f->options.max_connections = 4;
    start(f, "loopback");
    for (unsigned i = 0; i < MANY; i++) {
        prepare_to(f, &all[i], "http://127.0.0.1", f->listener.port, "/gate");
        push_send(f->push, &all[i].post);
    }
    listener_wait_in_hand(&f->listener, 4);
    listener_open_gate(&f->listener);
    wait_for(f, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(all[i].status, 200);
    }
    assert_int_equal(f->listener.most_in_hand, 4);
    assert_int_equal(listener_count(&f->listener, &f->listener.requests), MANY);
    assert_in_range(listener_count(&f->listener, &f->listener.connections), 4, 4);
    free(all);
}

/* One that hangs does not hold up the others. */
static void posts_go_side_by_side(void **state)
{
    struct fixture *f = *state;
    struct outcome hanging;

    start(f, "loopback");
    prepare_to(f, &hanging, "http://127.0.0.1", f->listener.port, "/hang");
    push_send(f->push, &hanging.post);
    listener_wait_requests(&f->listener, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(posted(f, "/ok").status, 200);
    }
    assert_false(hanging.over);
    push_stop(&f->push);
    expect_failed(&hanging, "the server stops");
}

struct pusher {
    struct fixture *f;
    pthread_t thread;
    struct outcome outcomes[10];
};

static void *pusher_main(void *arg)
{
    struct pusher *p = arg;

    for (size_t i = 0; i < ARRAY_LEN(p->outcomes); i++) {
        prepare_to(p->f, &p->outcomes[i], "http://127.0.0.1", p->f->listener.port, "/ok");
        push_send(p->f->push, &p->outcomes[i].post);
    }
    return NULL;
}

static void posts_come_from_any_thread(void **state)
{
    struct fixture *f = *state;
    struct pusher *pushers = calloc(4, sizeof(*pushers));

    start(f, "loopback");
    for (int i = 0; i < 4; i++) {
        pushers[i].f = f;
        assert_int_equal(pthread_create(&pushers[i].thread, NULL, pusher_main, &pushers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(pushers[i].thread, NULL);
    }
    wait_for(f, 40);
    for (int i = 0; i < 4; i++) {
        for (size_t k = 0; k < ARRAY_LEN(pushers[i].outcomes); k++) {
            assert_int_equal(pushers[i].outcomes[k].status, 200);
        }
    }
    free(pushers);
}

/* Those that are out, those that wait, and those that done sends. */
static void stopping_ends_every_post(void **state)
{
    struct fixture *f = *state;
    struct outcome out[2], waiting[8], later[10];
    struct push *push;

    f->options.max_connections = 2;
    start(f, "loopback");
    for (unsigned i = 0; i < 10; i++) {
        struct outcome *o = i < 2 ? &out[i] : &waiting[i - 2];

        prepare_to(f, &later[i], "http://127.0.0.1", f->listener.port, "/ok");
        prepare_to(f, o, "http://127.0.0.1", f->listener.port, i == 0 ? "/stall" : "/hang");
        o->then = &later[i];
        push_send(f->push, &o->post);
    }
    listener_wait_requests(&f->listener, 2);
    push = f->push; /* done looks for it */
    push_stop(&push);
    f->push = NULL;
    assert_int_equal(f->over, 20);
    for (unsigned i = 0; i < 10; i++) {
        expect_failed(i < 2 ? &out[i] : &waiting[i - 2], "the server stops");
        expect_failed(&later[i], "the server stops");
    }
    assert_int_equal(listener_count(&f->listener, &f->listener.requests), 2);
}

static void stopping_at_once_is_fine(void **state)
{
    struct fixture *f = *state;

    start(f, "loopback");
    push_stop(&f->push);
    assert_null(f->push);
    push_stop(&f->push);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_post_is_an_ordinary_soap_request),
        CASE(a_large_body_goes_out_without_a_question),
        CASE(connections_are_used_again_and_cookies_are_not),
        CASE(a_whole_answer_gives_its_status),
        CASE(broken_answers_are_none),
        CASE(answers_are_bounded),
        CASE(slow_answers_are_not_waited_for),
        CASE(a_handshake_that_does_not_come_is_not_waited_for),
        CASE(unknown_names_fail),
        CASE(what_the_policy_refuses_is_not_connected_to),
        CASE(what_the_policy_allows_is_connected_to),
        CASE(proxies_of_the_environment_are_not_used),
        CASE(tls_with_the_right_ca_and_name_goes_through),
        CASE(tls_of_others_is_refused),
        CASE(only_so_many_are_out_at_once),
        CASE(posts_go_side_by_side),
        CASE(posts_come_from_any_thread),
        CASE(stopping_ends_every_post),
        CASE(stopping_at_once_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
