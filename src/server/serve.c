#include "server/serve.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ews/call.h"
#include "http/http.h"
#include "lmtp/lmtp.h"
#include "mailbox/store.h"
#include "mailbox/workers.h"
#include "notify/hub.h"
#include "push/push.h"
#include "server/budget.h"
#include "server/config.h"
#include "server/control.h"
#include "server/ews_door.h"
#include "server/housekeeping.h"
#include "server/metrics.h"
#include "server/push_door.h"
#include "smtp/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EWS_PATH "/EWS/Exchange.asmx"
#define HEALTH_PATH "/healthz"
#define METRICS_PATH "/metrics"
/* How long a stop waits for clients to take their last document. */
#define STREAMS_STOP_WAIT_MS 2000

enum { ROUTE_EWS, ROUTE_HEALTH, ROUTE_METRICS, ROUTE_COUNT };

struct serving {
    const struct config *config;
    struct clock_scaled scaled;
    struct clock *clock;
    struct store *store;
    struct workers *workers;
    struct auth *auth;
    struct admin admin;
    struct control *control;
    struct lmtp_server *lmtp;
    struct sender *sender;
    struct ews_service service;
    struct budget *budget;
    struct metrics *metrics;
    struct push_policy *push_policy;
    struct push *push;
    struct push_door push_door;
    struct hub_limits *user_limits;
    struct hub *hub;
    struct housekeeping *housekeeping;
    struct ews_door door;
    struct http_route routes[ROUTE_COUNT];
    struct http_server *http;
    char url[NET_ADDRESS_BYTES + 64];
};

/* ---- small pages: answered at once, bodies are not wanted ---- */

static void health_begin(struct http_exchange *x, void *context)
{
    struct http_answer answer = {.status = 200, .content_type = "text/plain; charset=utf-8"};

    (void)context;
    answer.body = strdup("ok\n");
    answer.body_bytes = answer.body != NULL ? strlen(answer.body) : 0;
    http_answer(x, &answer);
}

static void metrics_begin(struct http_exchange *x, void *context)
{
    const struct serving *s = context;
    struct http_answer answer = {.status = 404};
    struct str peer = str_from(http_peer(x));
    struct buf text = BUF_INIT;
    bool near;

    near = str_starts_nocase(peer, STR("127.")) || str_is(peer, "::1") ||
           str_starts_nocase(peer, STR("::ffff:127."));
    if (s->config->metrics == METRICS_ALL || (s->config->metrics == METRICS_LOOPBACK && near)) {
        const struct metrics_sources sources = {
            .hub = s->hub, .http = http_server_of(x), .lmtp = s->lmtp};

        metrics_write(s->metrics, &sources, &text);
        answer.status = 200;
        answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
        buf_steal(&text, &answer.body, &answer.body_bytes);
    }
    http_answer(x, &answer);
}

static void page_body(struct http_exchange *x, const void *p, size_t n, void *context)
{
    (void)x;
    (void)p;
    (void)n;
    (void)context;
}

static void page_end(struct http_exchange *x, void *context)
{
    (void)x;
    (void)context;
}

/* ---- wiring ---- */

static int open_store(struct serving *s, bool create, struct err *err_r)
{
    struct store_options store = {
        .dir = s->config->data,
        .create = create,
        .max_open_mailboxes = (unsigned)s->config->max_open_mailboxes,
        .clock = s->clock,
        .quota_bytes = (uint64_t)s->config->mailbox_quota_bytes,
    };
    struct workers_options workers = {.threads = (unsigned)s->config->worker_threads};
    struct auth_options auth = {.clock = s->clock, .threads = (unsigned)s->config->auth_threads};

    TRY(store_open(&store, &s->store, err_r));
    workers.store = s->store;
    auth.store = s->store;
    TRY(workers_new(&workers, &s->workers, err_r));
    return auth_new(&auth, &s->auth, err_r);
}

static int start_lmtp(struct serving *s, struct err *err_r)
{
    struct lmtp_server_options options = {
        .listen = s->config->lmtp,
        .store = s->store,
        .workers = s->workers,
        .hostname = s->config->hostname,
        .max_message_bytes = (size_t)s->config->max_message_bytes,
    };

    return s->config->lmtp != NULL ? lmtp_server_start(&options, &s->lmtp, err_r) : 0;
}

#define PASSWORD_BYTES 1024

/* The first line of the file. */
static int read_password(const char *path, char out[static PASSWORD_BYTES], struct err *err_r)
{
    FILE *file = fopen(path, "re");

    if (file == NULL || fgets(out, PASSWORD_BYTES, file) == NULL) {
        if (file != NULL) {
            (void)fclose(file);
        }
        return err_tell(err_r, ERR_USAGE, "cannot read a password from %s", path);
    }
    (void)fclose(file);
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}

static int start_sender(struct serving *s, struct err *err_r)
{
    char password[PASSWORD_BYTES] = "";
    struct sender_options options = {
        .store = s->store,
        .workers = s->workers,
        .clock = s->clock,
        .hostname = s->config->hostname,
        .smarthost_url = s->config->smarthost,
        .user = s->config->smtp_user,
        .password = password,
        .require_tls = s->config->smtp_require_tls,
        .ca_file = s->config->smtp_ca_file,
    };
    int rc = 0;

    if (s->config->smtp_password_file != NULL) {
        rc = read_password(s->config->smtp_password_file, password, err_r);
    }
    if (rc == 0) {
        rc = sender_start(&options, &s->sender, err_r);
    }
    explicit_bzero(password, sizeof(password));
    return rc;
}

/* ---- notifications ---- */

static int check_push_url(void *context, struct str url, struct err *err_r)
{
    return push_url_check(context, url, err_r);
}

static struct hub_limits hub_limits_from(const struct user_limits *limits)
{
    return (struct hub_limits){.address = limits->address,
                               .max_subscriptions = (unsigned)limits->max_subscriptions,
                               .max_streams = (unsigned)limits->max_streams};
}

static int start_push(struct serving *s, struct err *err_r)
{
    const char *targets = s->config->push_targets;
    struct push_options options = {.ca_file = s->config->push_ca_file};

    TRY(push_policy_parse(str_from(targets != NULL ? targets : ""), &s->push_policy, err_r));
    options.policy = s->push_policy;
    TRY(push_start(&options, &s->push, err_r));
    s->push_door = (struct push_door){.service = &s->service, .push = s->push};
    return 0;
}

static void on_commit(void *context, struct mailbox_no no)
{
    hub_committed(context, no);
}

/* Before any mailbox is worked on: the hook is set once. */
static int make_hub(struct serving *s, struct err *err_r)
{
    const struct config *c = s->config;
    struct workers_hook hook = {.committed = on_commit};
    struct hub_options options = {.store = s->store,
                                  .workers = s->workers,
                                  .clock = s->clock,
                                  .defaults = hub_limits_from(&c->limits),
                                  .user_n = c->user_limits_n,
                                  .stream_idle_ms = c->stream_idle_hours * 3600 * 1000,
                                  .push = &push_door_ops,
                                  .push_context = &s->push_door};

    s->user_limits = mem_alloc_zero(c->user_limits_n + 1, sizeof(s->user_limits[0]));
    for (size_t i = 0; i < c->user_limits_n; i++) {
        struct user_limits own = config_limits_of(c, c->user_limits[i].address);

        own.address = c->user_limits[i].address;
        s->user_limits[i] = hub_limits_from(&own);
    }
    options.users = s->user_limits;
    TRY(hub_new(&options, &s->hub, err_r));
    hook.context = s->hub;
    workers_set_hook(s->workers, &hook);
    return 0;
}

static struct http_route page(const char *path,
                              void (*begin)(struct http_exchange *x, void *context),
                              struct serving *s)
{
    return (struct http_route){
        .path = path,
        .handler = {
            .context = s, .begin = begin, .body = page_body, .end = page_end, .release = page_end}};
}

static void fill_service(struct serving *s)
{
    s->service = (struct ews_service){
        .store = s->store,
        .clock = s->clock,
        .major = 15,
        .minor = 2,
        .major_build = 2562,
        .minor_build = 17,
        .version = STR("V2017_07_11"),
        .relays = s->config->smarthost != NULL,
        .hub = s->hub,
        .push_url_check = check_push_url,
        .push_context = s->push_policy,
    };
}

static void fill_routes(struct serving *s)
{
    s->door = (struct ews_door){.auth = s->auth,
                                .service = &s->service,
                                .workers = s->workers,
                                .sender = s->sender,
                                .clock = s->clock,
                                .budget = s->budget,
                                .config = s->config,
                                .metrics = s->metrics};
    s->routes[ROUTE_EWS] =
        (struct http_route){.path = EWS_PATH,
                            .max_body_bytes = (uint64_t)s->config->max_request_bytes,
                            .handler = ews_door_handler(&s->door)};
    s->routes[ROUTE_HEALTH] = page(HEALTH_PATH, health_begin, s);
    s->routes[ROUTE_METRICS] = page(METRICS_PATH, metrics_begin, s);
}

static int start_housekeeping(struct serving *s, struct err *err_r)
{
    const struct housekeeping_options options = {.store = s->store,
                                                 .workers = s->workers,
                                                 .hub = s->hub,
                                                 .keep_events_ms =
                                                     s->config->event_days * 24 * 3600 * 1000};

    return housekeeping_start(&options, &s->housekeeping, err_r);
}

static int start_http(struct serving *s, struct err *err_r)
{
    struct http_server_options options = {
        .listen = s->config->listen,
        .tls_cert_file = s->config->tls_cert,
        .tls_key_file = s->config->tls_key,
        .threads = (unsigned)s->config->http_threads,
        .clock = clock_system(), /* its patience is with real peers */
        .routes = s->routes,
        .route_count = ARRAY_LEN(s->routes),
    };

    fill_routes(s);
    TRY(http_server_start(&options, &s->http, err_r));
    (void)snprintf(s->url, sizeof(s->url), "%s://%s" EWS_PATH,
                   s->config->tls_cert != NULL ? "https" : "http", http_server_address(s->http));
    return 0;
}

static int start(struct serving *s, bool create, struct err *err_r)
{
    s->budget = budget_new();
    s->metrics = metrics_new();
    TRY(open_store(s, create, err_r));
    TRY(start_push(s, err_r));
    TRY(make_hub(s, err_r));
    fill_service(s);
    TRY(hub_start(s->hub, err_r));
    TRY(start_housekeeping(s, err_r));
    s->admin = (struct admin){.store = s->store, .workers = s->workers, .hub = s->hub};
    TRY(control_start(s->config->data, &s->admin, &s->control, err_r));
    TRY(start_sender(s, err_r));
    TRY(start_lmtp(s, err_r));
    return start_http(s, err_r);
}

int serve_start(const struct config *config, bool create, struct serving **serving_r,
                struct err *err_r)
{
    struct serving *s = mem_alloc_zero(1, sizeof(*s));
    int rc;

    s->config = config;
    s->clock = clock_system();
    if (config->clock_rate != 0) {
        clock_scaled_init(&s->scaled, (unsigned)config->clock_rate);
        s->clock = &s->scaled.base;
        log_event(LOG_WARN, "server.fast_clock", LINT("rate", config->clock_rate));
    }
    rc = start(s, create, err_r);
    if (rc < 0) {
        serve_stop(&s);
        return rc;
    }
    log_event(LOG_INFO, "server.ready", LCSTR("url", s->url), LCSTR("lmtp", serve_lmtp_address(s)),
              LCSTR("data", config->data));
    *serving_r = s;
    return 0;
}

void serve_stop(struct serving **serving)
{
    struct serving *s = *serving;

    if (s == NULL) {
        return;
    }
    /* Streams first: they hear the end, and their places are stored. Then the doors, while what is behind them still answers. */
    if (s->hub != NULL) {
        hub_stop(s->hub, STREAMS_STOP_WAIT_MS);
    }
    http_server_stop(&s->http);
    lmtp_server_stop(&s->lmtp);
    control_stop(&s->control);
    housekeeping_stop(&s->housekeeping);
    sender_stop(&s->sender);
    push_stop(&s->push);
    auth_free(&s->auth);
    workers_free(&s->workers);
    hub_free(&s->hub);
    push_policy_free(&s->push_policy);
    store_close(&s->store);
    budget_free(&s->budget);
    metrics_free(&s->metrics);
    free(s->user_limits);
    free(s);
    *serving = NULL;
}

const char *serve_ews_url(const struct serving *serving)
{
    return serving->url;
}

const char *serve_lmtp_address(const struct serving *serving)
{
    return serving->lmtp != NULL ? lmtp_server_address(serving->lmtp) : "";
}

struct admin *serve_admin(struct serving *serving)
{
    return &serving->admin;
}
