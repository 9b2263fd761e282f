#include "server/ews_door.h"

#include "auth/auth.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "ews/call.h"
#include "ews/error_map.h"
#include "mailbox/workers.h"
#include "notify/hub.h"
#include "server/budget.h"
#include "server/config.h"
#include "server/limits.h"
#include "server/metrics.h"
#include "server/stream_door.h"
#include "smtp/smtp.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XML_TYPE "text/xml; charset=utf-8"
#define TEXT_TYPE "text/plain; charset=utf-8"

/* One request on its way. Release never comes while it waits for auth or a worker. */
struct visit {
    struct ews_door *door;
    struct http_exchange *x;
    struct arena *arena;
    struct auth_job auth_job;
    struct mailbox_job mailbox_job;
    struct ews_call *call; /* NULL until authenticated, and for GET */
    int64_t started_ms, started_us;
    bool gzip;
    bool refused;       /* the user has too many under way */
    bool entered;       /* counts in its user's budget */
    size_t held_bytes;  /* of the answer, in the same budget */
    bool waits;         /* the exchange was parked: the rest happens on workers */
    atomic_uint owners; /* the exchange; and who opens a stream, which ends the exchange */
};

static void let_go(struct visit *v)
{
    struct arena *arena = v->arena;

    if (atomic_fetch_sub(&v->owners, 1) == 1) {
        ews_call_free(&v->call);
        arena_free(&arena);
    }
}

/* For latencies, which are finer than the clock of the rest. */
static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- answers ---- */

/* request-id always; client-request-id when the client wants it back. */
static void add_ids(struct visit *v, struct http_answer *answer)
{
    char guid[GUID_TEXT_BYTES];
    struct str wanted = http_header(v->x, "return-client-request-id");
    struct str id = http_header(v->x, "client-request-id");

    rand_guid(guid);
    http_answer_field(answer, "request-id", guid);
    if (id.p != NULL && id.n < HTTP_FIELD_VALUE_BYTES && str_is_nocase(wanted, "true")) {
        http_answer_field(answer, "client-request-id", id.p);
    }
}

static void answer_text(struct visit *v, int status, const char *text, const char *field,
                        const char *value)
{
    struct http_answer answer = {.status = status, .content_type = TEXT_TYPE};

    answer.body = strdup(text);
    answer.body_bytes = answer.body != NULL ? strlen(text) : 0;
    if (field != NULL) {
        http_answer_field(&answer, field, value);
    }
    add_ids(v, &answer);
    http_answer(v->x, &answer);
}

static void answer_unauthorized(struct visit *v)
{
    answer_text(v, 401, "", "WWW-Authenticate", "Basic realm=\"ewer\", charset=\"UTF-8\"");
}

static void note_call(const struct visit *v, size_t bytes)
{
    const struct ews_call *call = v->call;
    struct str op = call->operation != NULL ? call->operation->name : STR("-");
    enum log_level level =
        call->outcome != ERR_NONE && call->http_status != 200 ? LOG_INFO : LOG_DEBUG;

    log_event(level, "ews.call", LSTR("op", op), LSTR("user", call->caller.address),
              LINT("status", call->http_status),
              LSTR("code", call->outcome == ERR_NONE ? STR("NoError")
                                                     : error_row(call->outcome)->response_code),
              LINT("bytes", bytes), LINT("ms", clock_monotonic_ms(v->door->clock) - v->started_ms),
              LCSTR("peer", http_peer(v->x)));
    metrics_call(v->door->metrics, call, now_us() - v->started_us, bytes);
}

/* The call's answer as it goes out. */
static struct http_answer make_answer(struct visit *v)
{
    struct http_answer answer = {.status = v->call->http_status, .content_type = XML_TYPE};

    buf_steal(&v->call->out, &answer.body, &answer.body_bytes);
    if (v->gzip) {
        http_gzip(&answer);
    }
    return answer;
}

/* Faults and the answers of writes are small, and what was written must not be told otherwise. */
static bool is_read(const struct ews_call *call)
{
    return call->operation != NULL && call->operation->run_mode == EWS_RUN_READ;
}

/* Sends what stands in the call's buffer; a user who does not take his answers gets no more of them. */
static void answer_call(struct visit *v)
{
    struct http_answer answer;

    note_call(v, v->call->out.n);
    answer = make_answer(v);
    if (v->entered && is_read(v->call)) {
        if (budget_hold(v->door->budget, v->call->caller.mailbox, answer.body_bytes)) {
            v->held_bytes = answer.body_bytes;
        } else {
            struct err err = ERR_INIT;

            free(answer.body);
            (void)err_set(&err, ERR_BUSY, "answers of this user wait to be taken");
            ews_call_refuse(v->call, &err);
            answer = make_answer(v);
        }
    }
    add_ids(v, &answer);
    http_answer(v->x, &answer);
}

/* A call whose answer is a stream: from here on the hub writes it. */
static void open_stream(struct visit *v)
{
    struct http_answer head = {.status = 200, .content_type = XML_TYPE};
    struct err err = ERR_INIT;

    add_ids(v, &head);
    note_call(v, 0);
    atomic_fetch_add(&v->owners, 1);
    if (!v->waits) {
        v->waits = true;
        http_wait(v->x);
    }
    if (stream_door_open(v->x, v->call, &head, &err) < 0) {
        ews_call_refuse(v->call, &err);
        answer_call(v);
    }
    let_go(v);
}

/* ---- the mailbox's worker ---- */

static int run_call(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct visit *v = container_of(job, struct visit, mailbox_job);

    return ews_call_run(v->call, tx, err_r);
}

static void submit(struct visit *v, enum ews_next next);

/* Who has something to do about what this leg committed. */
static void tell_others(struct visit *v, struct mailbox_no mailbox)
{
    if (v->call->queued) {
        v->call->queued = false;
        sender_poke(v->door->sender, mailbox);
    }
    if (v->call->subscriptions_changed) {
        v->call->subscriptions_changed = false;
        hub_subscriptions_changed(v->door->service->hub, mailbox);
    }
}

/* The leg is over, and durable if it wrote; there may be another, in another mailbox. */
static void call_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct visit *v = container_of(job, struct visit, mailbox_job);
    enum ews_next next;

    if (rc < 0) {
        const struct log_field fields[] = {LSTR("user", v->call->caller.address)};

        log_error(LOG_WARN, "ews.failed", err, fields, ARRAY_LEN(fields));
        ews_call_fail(v->call, err);
    } else {
        tell_others(v, job->mailbox);
    }
    next = ews_call_next(v->call);
    if (next == EWS_ANSWERED && v->call->stream != NULL) {
        open_stream(v);
    } else if (next == EWS_ANSWERED) {
        answer_call(v);
    } else {
        submit(v, next);
    }
}

/* Short reads run here, on the event loop, when the mailbox is free: two switches of threads less. */
static void submit(struct visit *v, enum ews_next next)
{
    v->mailbox_job = (struct mailbox_job){
        .mailbox = ews_call_mailbox(v->call),
        .write = next == EWS_RUN_WRITE,
        .run = run_call,
        .done = call_done,
    };
    if (!v->waits && next == EWS_RUN_READ && ews_call_is_quick(v->call) &&
        workers_run_here(v->door->workers, &v->mailbox_job)) {
        return;
    }
    if (!v->waits) {
        v->waits = true;
        http_wait(v->x);
    }
    workers_submit(v->door->workers, &v->mailbox_job);
}

/* ---- who asks ---- */

/* Counts the exchange in its user's budget: small requests when they are complete, so that slow senders keep nobody out; large ones from their first byte. */
static void enter(struct visit *v)
{
    const char *address = str_cstr(v->arena, v->call->caller.address);
    int64_t most = config_limits_of(v->door->config, address).max_requests;

    v->entered = budget_enter(v->door->budget, v->call->caller.mailbox, (unsigned)most);
    v->refused = !v->entered;
}

static void start_call(struct visit *v, const struct auth_identity *identity)
{
    struct ews_caller caller = {
        .mailbox = identity->mailbox,
        .address = str_dup(v->arena, str_from(identity->address)),
        .display_name = str_dup(v->arena, str_from(identity->display_name)),
    };

    v->call = ews_call_new(v->arena, v->door->service, &caller);
    if (http_body_length(v->x) > SMALL_REQUEST_BYTES) {
        enter(v);
    }
}

/* Authenticated: POSTs go on with their body, others are told where they are. True when answered. */
static bool welcome(struct visit *v, const struct auth_identity *identity)
{
    if (http_method(v->x) != HTTP_POST) {
        answer_text(v, 200,
                    "This is an Exchange Web Services endpoint. Send SOAP requests by POST.\n",
                    NULL, NULL);
        return true;
    }
    start_call(v, identity);
    return false;
}

static void auth_done(struct auth_job *job, int rc)
{
    struct visit *v = container_of(job, struct visit, auth_job);

    if (rc == -ERR_AUTH_FAILED) {
        answer_unauthorized(v);
    } else if (rc < 0) { /* busy, stopping, or the store failed: says nothing about the password */
        answer_text(v, 503, "The server is busy.\n", "Retry-After", "5");
    } else if (!welcome(v, &job->identity)) {
        http_go_on(v->x);
    }
}

static void authenticate(struct visit *v)
{
    struct str authorization = http_header(v->x, "Authorization");
    struct auth_identity identity;
    int rc;

    if (authorization.p == NULL) {
        answer_unauthorized(v);
        return;
    }
    rc = auth_cached(v->door->auth, authorization, &identity, NULL);
    if (rc > 0) {
        (void)welcome(v, &identity);
    } else if (rc < 0) {
        answer_unauthorized(v);
    } else {
        v->auth_job =
            (struct auth_job){.authorization = str_dup(v->arena, authorization), .done = auth_done};
        (void)snprintf(v->auth_job.peer, sizeof(v->auth_job.peer), "%s", http_peer(v->x));
        http_wait(v->x);
        auth_submit(v->door->auth, &v->auth_job);
    }
}

/* ---- the exchange ---- */

/* text/xml or none, and if a charset is named, UTF-8. */
static bool is_xml(struct str type)
{
    struct str media = str_trim(str_split(&type, ';'));

    if (media.n > 0 && !str_is_nocase(media, "text/xml") &&
        !str_is_nocase(media, "application/xml") && !str_is_nocase(media, "application/soap+xml")) {
        return false;
    }
    while (type.p != NULL && type.n > 0) {
        struct str param = str_trim(str_split(&type, ';'));

        if (str_starts_nocase(param, STR("charset=")) &&
            str_find_nocase(param, STR("utf-8"), 0) == SIZE_MAX) {
            return false;
        }
    }
    return true;
}

/* Codings of requests are not served: nobody sends them, and a small one could unpack to a huge body. */
static bool is_coded(const struct http_exchange *x)
{
    struct str coding = str_trim(http_header(x, "Content-Encoding"));

    return coding.n > 0 && !str_is_nocase(coding, "identity");
}

static void on_begin(struct http_exchange *x, void *context)
{
    struct ews_door *door = context;
    struct arena *arena = arena_new(NULL, "request");
    struct visit *v = ARENA_NEW(arena, struct visit);

    v->door = door;
    v->x = x;
    v->arena = arena;
    atomic_init(&v->owners, 1);
    v->started_ms = clock_monotonic_ms(door->clock);
    v->started_us = now_us();
    http_set_context(x, v);
    if (http_method(x) == HTTP_OTHER) {
        answer_text(v, 405, "Only POST, GET and HEAD are served here.\n", "Allow",
                    "POST, GET, HEAD");
    } else if (http_method(x) == HTTP_POST && !is_xml(http_header(x, "Content-Type"))) {
        answer_text(v, 415, "Requests must be text/xml in UTF-8.\n", NULL, NULL);
    } else if (is_coded(x)) {
        answer_text(v, 415, "Requests must not be compressed.\n", "Accept-Encoding", "identity");
    } else {
        authenticate(v);
    }
}

static void on_body(struct http_exchange *x, const void *p, size_t n, void *context)
{
    struct visit *v = http_context(x);

    (void)context;
    if (v->call != NULL) {
        ews_call_feed(v->call, p, n);
    }
}

/* Too many of this user's requests are under way. */
static enum ews_next refuse(struct visit *v)
{
    struct err err = ERR_INIT;

    (void)err_set(&err, ERR_CONNECTION_COUNT, "the user's exchanges are at their limit");
    ews_call_refuse(v->call, &err);
    return EWS_ANSWERED;
}

static void on_end(struct http_exchange *x, void *context)
{
    struct visit *v = http_context(x);
    enum ews_next next;

    (void)context;
    v->gzip = http_accepts_gzip(x);
    if (!v->entered && !v->refused) {
        enter(v);
    }
    next = v->refused ? refuse(v) : ews_call_prepare(v->call);
    if (next == EWS_ANSWERED) {
        answer_call(v);
    } else {
        submit(v, next);
    }
}

static void on_release(struct http_exchange *x, void *context)
{
    struct visit *v = http_context(x);

    (void)context;
    if (v->entered) {
        budget_leave(v->door->budget, v->call->caller.mailbox, v->held_bytes);
    }
    let_go(v);
}

struct http_handler ews_door_handler(struct ews_door *door)
{
    return (struct http_handler){
        .context = door, .begin = on_begin, .body = on_body, .end = on_end, .release = on_release};
}
