#include "http/http.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/reaper.h"
#include "http/stream-private.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* How long a stop waits for peers to take the answers that are under way. */
#define HTTP_STOP_WAIT_MS 20000

/* Where an exchange stands. */
enum exchange_state {
    EXCHANGE_BEGINNING, /* the handler's begin runs or waits; no body byte was given to it */
    EXCHANGE_READING,   /* body bytes go to the handler */
    EXCHANGE_ENDING,    /* the body is complete; end runs or waits */
    EXCHANGE_REFUSED,   /* an answer was given early: what still comes is swallowed */
    EXCHANGE_ANSWERED,  /* the response belongs to libmicrohttpd */
    EXCHANGE_STREAMED   /* a stream has taken the connection over */
};

struct loop {
    int listen_fd;
    struct MHD_Daemon *daemon; /* NULL: not started */
};

struct http_server {
    struct loop *loops; /* each a thread with a listening socket and connections of its own */
    unsigned loop_n;
    struct clock *clock;
    const struct http_route *routes;
    size_t route_count;
    struct reaper *reaper;
    struct streams *streams;
    char address[NET_ADDRESS_BYTES];
    bool secure;
    char *cert, *key;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    unsigned stop_wait_ms;
    unsigned exchanges; /* under lock */
    unsigned suspended; /* likewise; of them, those that wait for a handler */
    bool stopping;      /* likewise */
};

struct http_exchange {
    struct http_server *server;
    struct MHD_Connection *connection;
    const struct http_route *route; /* NULL: none */
    enum exchange_state state;
    enum http_method method;
    struct str path;
    uint64_t length, received;
    void *context;
    bool http_1_0;
    bool released;     /* the handler knows it no more */
    bool too_late;     /* it began when the server was stopping */
    bool ambiguous;    /* its head could mean another request to a proxy */
    bool began, ended; /* the handler's begin, end was called; the event loop's own */
    bool
        waits; /* begin or end called http_wait: the exchange may be another thread's; the event loop's own */
    bool suspended;             /* whoever answers must resume */
    struct http_answer *answer; /* NULL until there is one; large, and streams have none */
    char peer[NET_ADDRESS_BYTES];
};

/* A connection's own data: its deadline. */
struct socket_context {
    struct reaper_entry *deadline; /* NULL: a stream has taken the connection over */
};

/* ---- what handlers ask ---- */

enum http_method http_method(const struct http_exchange *x)
{
    return x->method;
}

struct str http_path(const struct http_exchange *x)
{
    return x->path;
}

struct str http_header(const struct http_exchange *x, const char *name)
{
    return str_from(MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name));
}

uint64_t http_body_length(const struct http_exchange *x)
{
    return x->length;
}

const char *http_peer(const struct http_exchange *x)
{
    return x->peer;
}

bool http_is_secure(const struct http_exchange *x)
{
    return x->server->secure;
}

const struct http_server *http_server_of(const struct http_exchange *x)
{
    return x->server;
}

void http_set_context(struct http_exchange *x, void *context)
{
    x->context = context;
}

void *http_context(const struct http_exchange *x)
{
    return x->context;
}

void http_answer_field(struct http_answer *answer, const char *name, const char *value)
{
    struct http_field *field = &answer->fields[answer->field_count];

    assert(answer->field_count < HTTP_ANSWER_FIELDS);
    field->name = name;
    (void)snprintf(field->value, sizeof(field->value), "%s", value);
    answer->field_count++;
}

/* ---- what handlers do ---- */

void http_wait(struct http_exchange *x)
{
    assert(x->state == EXCHANGE_BEGINNING || x->state == EXCHANGE_ENDING);
    x->waits = true;
    x->suspended = true;
    (void)pthread_mutex_lock(&x->server->lock);
    x->server->suspended++;
    (void)pthread_mutex_unlock(&x->server->lock);
    MHD_suspend_connection(x->connection);
}

void server_end_suspension(struct http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    server->suspended--;
    if (server->suspended == 0) {
        (void)pthread_cond_broadcast(&server->idle);
    }
    (void)pthread_mutex_unlock(&server->lock);
}

static void resume(struct http_exchange *x)
{
    struct http_server *server = x->server;

    if (!x->suspended) {
        return;
    }
    x->suspended = false;
    MHD_resume_connection(x->connection); /* from here on the exchange is the event loop's */
    server_end_suspension(server);
}

void http_go_on(struct http_exchange *x)
{
    assert(x->state == EXCHANGE_BEGINNING);
    x->state = EXCHANGE_READING;
    resume(x);
}

void http_answer(struct http_exchange *x, const struct http_answer *answer)
{
    assert(x->answer == NULL);
    assert(x->state != EXCHANGE_ANSWERED);
    x->answer = mem_alloc(sizeof(*x->answer));
    *x->answer = *answer;
    resume(x);
}

static void answer_plain(struct http_exchange *x, int status, const char *text)
{
    struct http_answer answer = {.status = status, .content_type = "text/plain; charset=utf-8"};

    answer.body = strdup(text);
    answer.body_bytes = answer.body != NULL ? strlen(text) : 0;
    http_answer(x, &answer);
}

/* ---- sending ---- */

static void add_headers(struct MHD_Response *response, const struct http_exchange *x)
{
    const struct http_answer *a = x->answer;

    if (a->content_type != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
    }
    if (a->gzip) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    }
    for (unsigned i = 0; i < a->field_count; i++) {
        (void)MHD_add_response_header(response, a->fields[i].name, a->fields[i].value);
    }
}

/* Gives the answer to libmicrohttpd. */
static enum MHD_Result send_answer(struct http_exchange *x)
{
    struct MHD_Response *response;
    enum MHD_Result rc;

    assert(x->answer != NULL);
    x->state = EXCHANGE_ANSWERED;
    response = MHD_create_response_from_buffer(x->answer->body_bytes, x->answer->body,
                                               x->answer->body != NULL ? MHD_RESPMEM_MUST_FREE
                                                                       : MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    x->answer->body = NULL;
    add_headers(response, x);
    rc = MHD_queue_response(x->connection, (unsigned)x->answer->status, response);
    MHD_destroy_response(response);
    return rc;
}

/* ---- receiving ---- */

static const struct http_route *find_route(const struct http_server *server, const char *path)
{
    for (size_t i = 0; i < server->route_count; i++) {
        if (strcasecmp(server->routes[i].path, path) == 0) {
            return &server->routes[i];
        }
    }
    return NULL;
}

static enum http_method parse_method(const char *text)
{
    static const struct {
        const char *text;
        enum http_method method;
    } methods[] = {{"POST", HTTP_POST}, {"GET", HTTP_GET}, {"HEAD", HTTP_HEAD}};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (strcmp(methods[i].text, text) == 0) {
            return methods[i].method;
        }
    }
    return HTTP_OTHER;
}

/* HTTP_LENGTH_UNKNOWN when chunked; libmicrohttpd has refused malformed lengths already. */
static uint64_t declared_length(const struct http_exchange *x)
{
    uint64_t n = 0;
    struct str text = http_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);

    if (http_header(x, MHD_HTTP_HEADER_TRANSFER_ENCODING).p != NULL) {
        return HTTP_LENGTH_UNKNOWN;
    }
    if (text.p != NULL && !str_to_u64(str_trim(text), &n)) {
        return HTTP_LENGTH_UNKNOWN;
    }
    return n;
}

/* What the head must not say: it would mean one thing here and another to a proxy before us. */
struct head_check {
    unsigned lengths, codings;
    bool bad_name;
};

static enum MHD_Result check_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct head_check *check = cls;

    (void)kind;
    (void)value;
    check->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    check->codings += strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    check->bad_name = check->bad_name || name[strcspn(name, " \t\r\n:")] != '\0';
    return MHD_YES;
}

static bool head_is_ambiguous(const struct http_exchange *x)
{
    struct head_check check = {0};

    (void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND, check_field, &check);
    return check.lengths > 1 || check.codings > 1 || (check.lengths > 0 && check.codings > 0) ||
           check.bad_name;
}

static struct socket_context *socket_context_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

static void set_deadline(struct http_exchange *x, int64_t in_ms)
{
    const struct socket_context *sc = socket_context_of(x->connection);

    if (sc != NULL && sc->deadline != NULL) {
        reaper_set(sc->deadline, in_ms == REAPER_NEVER
                                     ? REAPER_NEVER
                                     : clock_monotonic_ms(x->server->clock) + in_ms);
    }
}

static void set_body_deadline(struct http_exchange *x)
{
    uint64_t bytes =
        x->length == HTTP_LENGTH_UNKNOWN && x->route != NULL ? x->route->max_body_bytes : x->length;

    set_deadline(x, HTTP_BODY_TIMEOUT_MS + (int64_t)(bytes / HTTP_BODY_LEAST_BYTES_PER_S) * 1000);
}

static struct http_exchange *exchange_new(struct http_server *server,
                                          struct MHD_Connection *connection, const char *url,
                                          const char *method, const char *version)
{
    struct http_exchange *x = mem_alloc_zero(1, sizeof(*x));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    x->server = server;
    x->connection = connection;
    x->method = parse_method(method);
    x->http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
    x->path = str_from(url);
    x->route = find_route(server, url);
    x->length = declared_length(x);
    x->ambiguous = head_is_ambiguous(x);
    if (info != NULL && info->client_addr != NULL) {
        net_address_text(info->client_addr, false, x->peer);
    }
    (void)pthread_mutex_lock(&server->lock);
    server->exchanges++;
    x->too_late = server->stopping;
    (void)pthread_mutex_unlock(&server->lock);
    return x;
}

/*
 * An answer before the body was read can only be sent at once; then libmicrohttpd closes. A small body is swallowed first, so that the connection lives – unless
 * the client waits to be told to send it, or nobody can tell where it ends.
 */
static bool answer_at_once(const struct http_exchange *x)
{
    return x->length == 0 || x->ambiguous || http_header(x, MHD_HTTP_HEADER_EXPECT).p != NULL ||
           (x->length != HTTP_LENGTH_UNKNOWN && x->length > HTTP_SWALLOW_BYTES);
}

static enum MHD_Result after_begin(struct http_exchange *x)
{
    return x->answer != NULL && answer_at_once(x) ? send_answer(x) : MHD_YES;
}

static enum MHD_Result begin(struct http_exchange *x)
{
    x->state = EXCHANGE_BEGINNING;
    set_body_deadline(x);
    if (x->too_late) {
        answer_plain(x, MHD_HTTP_SERVICE_UNAVAILABLE, "The server is stopping.\n");
    } else if (x->ambiguous) {
        answer_plain(x, MHD_HTTP_BAD_REQUEST, "The request's head is ambiguous.\n");
    } else if (x->route == NULL) {
        answer_plain(x, MHD_HTTP_NOT_FOUND, "Not found.\n");
    } else if (x->length != HTTP_LENGTH_UNKNOWN && x->length > x->route->max_body_bytes) {
        answer_plain(x, MHD_HTTP_CONTENT_TOO_LARGE, "The request is too large.\n");
    } else {
        x->began = true;
        x->route->handler.begin(x, x->route->handler.context);
        if (x->waits) {
            return MHD_YES;
        }
    }
    return after_begin(x);
}

static enum MHD_Result take_body(struct http_exchange *x, const char *data, size_t n)
{
    uint64_t limit = x->route != NULL ? x->route->max_body_bytes : 0;

    x->received += n;
    if (x->answer != NULL) {
        x->state = EXCHANGE_REFUSED;
        return x->received <= limit + HTTP_SWALLOW_BYTES ? MHD_YES : MHD_NO;
    }
    if (x->received > limit) {
        answer_plain(x, MHD_HTTP_CONTENT_TOO_LARGE, "The request is too large.\n");
        return MHD_YES;
    }
    assert(x->route != NULL);
    x->state = EXCHANGE_READING;
    x->route->handler.body(x, data, n, x->route->handler.context);
    return MHD_YES;
}

static enum MHD_Result finish(struct http_exchange *x)
{
    if (x->answer == NULL && !x->ended) {
        x->state = EXCHANGE_ENDING;
        x->ended = true;
        set_deadline(x, REAPER_NEVER);
        x->route->handler.end(x, x->route->handler.context);
        if (x->waits) {
            return MHD_YES;
        }
    }
    set_deadline(x, REAPER_NEVER);
    return x->answer != NULL ? send_answer(x) : MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **con_cls)
{
    struct http_exchange *x = *con_cls;
    size_t n = *upload_data_size;

    if (x == NULL) {
        x = exchange_new(cls, connection, url, method, version);
        *con_cls = x;
        return begin(x);
    }
    if (x->state == EXCHANGE_STREAMED) {
        return MHD_NO;
    }
    if (x->waits && !x->ended) {
        /* Resumed after begin: libmicrohttpd presents the headers once more. */
        x->waits = false;
        return after_begin(x);
    }
    if (n > 0) {
        *upload_data_size = 0;
        return take_body(x, upload_data, n);
    }
    return finish(x);
}

void exchange_leave(struct http_exchange *x)
{
    struct http_server *server = x->server;

    if (x->released) {
        return;
    }
    x->released = true;
    if (x->began) {
        x->route->handler.release(x, x->route->handler.context);
    }
    (void)pthread_mutex_lock(&server->lock);
    server->exchanges--;
    if (server->exchanges == 0) {
        (void)pthread_cond_broadcast(&server->idle);
    }
    (void)pthread_mutex_unlock(&server->lock);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    struct http_exchange *x = *con_cls;

    (void)cls;
    (void)connection;
    (void)code;
    if (x == NULL) {
        return;
    }
    set_deadline(x, (int64_t)HTTP_IDLE_TIMEOUT_S * 1000 + HTTP_HEAD_TIMEOUT_MS);
    exchange_leave(x);
    if (x->answer != NULL) {
        free(x->answer->body);
        free(x->answer);
    }
    free(x);
    *con_cls = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = cls;
    struct socket_context *sc = *socket_context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

        sc = mem_alloc_zero(1, sizeof(*sc));
        sc->deadline = reaper_add(server->reaper, info->connect_fd,
                                  clock_monotonic_ms(server->clock) + HTTP_HEAD_TIMEOUT_MS);
        *socket_context = sc;
    } else if (sc != NULL) {
        reaper_remove(server->reaper, &sc->deadline);
        free(sc);
        *socket_context = NULL;
    }
}

static void on_log(void *cls, const char *fmt, va_list ap)
{
    char text[256];

    (void)cls;
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    text[strcspn(text, "\r\n")] = '\0';
    log_event(LOG_DEBUG, "http.library", LCSTR("text", text));
}

/* ---- what streams ask ---- */

struct exchange_socket exchange_socket(const struct http_exchange *x)
{
    struct exchange_socket socket = {.fd = -1, .http_1_0 = x->http_1_0};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    assert(x->suspended);
    socket.fd = info->connect_fd;
    if (x->server->secure) {
        info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        socket.session = info->tls_session;
    }
    return socket;
}

struct http_server *exchange_server(const struct http_exchange *x)
{
    return x->server;
}

struct streams *exchange_streams(const struct http_exchange *x)
{
    return x->server->streams;
}

void exchange_take_over(struct http_exchange *x)
{
    struct socket_context *sc = socket_context_of(x->connection);

    assert(x->answer == NULL);
    assert(x->state == EXCHANGE_BEGINNING || x->state == EXCHANGE_ENDING);
    x->state = EXCHANGE_STREAMED;
    if (sc != NULL) {
        reaper_remove(x->server->reaper, &sc->deadline);
    }
}

void exchange_drop(struct http_exchange *x)
{
    resume(x);
}

void exchange_unpark(struct http_exchange *x)
{
    MHD_resume_connection(x->connection);
}

unsigned http_server_streams(const struct http_server *server)
{
    return streams_count(server->streams);
}

/* ---- start and stop ---- */

static int read_file(const char *path, char **text_r, struct err *err_r)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t n = 0, cap = 0;

    if (f == NULL) {
        return err_tell(err_r, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    }
    do {
        cap = cap == 0 ? 8192 : cap * 2;
        text = mem_realloc(text, cap);
        n += fread(text + n, 1, cap - 1 - n, f);
    } while (n == cap - 1);
    text[n] = '\0';
    (void)fclose(f);
    *text_r = text;
    return 0;
}

static int load_tls(struct http_server *s, const struct http_server_options *o, struct err *err_r)
{
    if (o->tls_cert_file == NULL && o->tls_key_file == NULL) {
        return 0;
    }
    if (o->tls_cert_file == NULL || o->tls_key_file == NULL) {
        return err_tell(err_r, ERR_USAGE, "TLS needs both a certificate and a key file");
    }
    TRY(read_file(o->tls_cert_file, &s->cert, err_r));
    TRY(read_file(o->tls_key_file, &s->key, err_r));
    s->secure = true;
    return 0;
}

/*
 * A daemon of its own for each loop, not the library's pool: there all loops wait on one listening socket, and each new connection wakes all of them. And poll for TLS, not epoll: there a
 * handshake that stops in the middle keeps a loop spinning.
 */
static int start_loop(struct http_server *s, struct loop *loop, struct err *err_r)
{
    unsigned flags = MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, s->key},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

    if (s->secure) {
        flags |= MHD_USE_TLS | MHD_USE_POLL_INTERNAL_THREAD;
    } else {
        flags |= MHD_USE_EPOLL_INTERNAL_THREAD;
    }
    loop->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, s,
        MHD_OPTION_LISTEN_SOCKET, loop->listen_fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT, HTTP_MAX_CONNECTIONS / s->loop_n + 1,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, HTTP_MAX_PER_PEER / s->loop_n + 1,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_TIMEOUT_S, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY,
        s->secure ? tls : none, MHD_OPTION_END);
    if (loop->daemon == NULL) {
        return err_tell(err_r, ERR_IO, "cannot start the HTTP server%s",
                        s->secure ? " (are the certificate and key valid PEM files?)" : "");
    }
    loop->listen_fd = -1;
    return 0;
}

static void stop_loops(struct http_server *s)
{
    for (unsigned i = 0; i < s->loop_n; i++) {
        if (s->loops[i].daemon != NULL) {
            MHD_stop_daemon(take(&s->loops[i].daemon));
        }
        if (s->loops[i].listen_fd >= 0) {
            (void)close(s->loops[i].listen_fd);
        }
    }
}

static void server_free(struct http_server *s)
{
    streams_stop(&s->streams, NULL);
    stop_loops(s);
    reaper_stop(&s->reaper);
    free(s->loops);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_cond_destroy(&s->idle);
    free(s->cert);
    free(s->key);
    free(s);
}

/* A loop is mostly parsing and writing: one keeps up with two cores' worth of workers, and one that is busy is cheaper to reach than two that sleep. */
static unsigned default_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 4 ? 1 : cores > 2 * HTTP_MOST_THREADS ? HTTP_MOST_THREADS : (unsigned)cores / 2;
}

static int listen_for_loops(struct http_server *s, const char *listen, unsigned n,
                            struct err *err_r)
{
    int *fds = mem_alloc(n * sizeof(fds[0]));
    int rc = net_listen_shared(listen, n, fds, s->address, err_r);

    if (rc == 0) {
        s->loops = mem_alloc_zero(n, sizeof(s->loops[0]));
        s->loop_n = n;
        for (unsigned i = 0; i < n; i++) {
            s->loops[i].listen_fd = fds[i];
        }
    }
    free(fds);
    return rc;
}

static int start(struct http_server *s, const struct http_server_options *o, struct err *err_r)
{
    TRY(load_tls(s, o, err_r));
    TRY(listen_for_loops(s, o->listen, o->threads != 0 ? o->threads : default_threads(), err_r));
    TRY(reaper_start(o->clock, &s->reaper, err_r));
    TRY(streams_start(o->clock, &s->streams, err_r));
    for (unsigned i = 0; i < s->loop_n; i++) {
        TRY(start_loop(s, &s->loops[i], err_r));
    }
    return 0;
}

int http_server_start(const struct http_server_options *options, struct http_server **server_r,
                      struct err *err_r)
{
    struct http_server *s = mem_alloc_zero(1, sizeof(*s));
    pthread_condattr_t attr;
    int rc;

    s->clock = options->clock;
    s->routes = options->routes;
    s->route_count = options->route_count;
    s->stop_wait_ms = options->stop_wait_ms != 0 ? options->stop_wait_ms : HTTP_STOP_WAIT_MS;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->idle, &attr);
    (void)pthread_condattr_destroy(&attr);
    rc = start(s, options, err_r);
    if (rc < 0) {
        server_free(s);
        return rc;
    }
    *server_r = s;
    return 0;
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

static struct timespec stop_deadline(const struct http_server *s)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += s->stop_wait_ms / 1000;
    until.tv_nsec += (long)(s->stop_wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

void http_server_stop(struct http_server **server)
{
    struct http_server *s = *server;
    struct timespec until;
    int rc = 0;

    if (s == NULL) {
        return;
    }
    /* Not MHD_quiesce_daemon: a loop that runs at this moment takes the listening socket from its epoll set too, and whoever comes second
     * ends the process. */
    until = stop_deadline(s);
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    while (s->exchanges > 0 && rc == 0) {
        rc = pthread_cond_timedwait(&s->idle, &s->lock, &until);
    }
    /* Peers may be cut off, but not handlers that are still at work: libmicrohttpd ends the process when it is stopped with a suspended
     * connection. */
    while (s->suspended > 0) {
        (void)pthread_cond_wait(&s->idle, &s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    /* Before the loops, for the same reason: this resumes what is parked. */
    streams_stop(&s->streams, &until);
    server_free(s);
    *server = NULL;
}
