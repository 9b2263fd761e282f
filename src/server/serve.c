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
#include "server/budget.h"
#include "server/config.h"
#include "server/control.h"
#include "server/ews_door.h"
#include "smtp/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EWS_PATH "/EWS/Exchange.asmx"
#define HEALTH_PATH "/healthz"

enum { ROUTE_EWS, ROUTE_HEALTH, ROUTE_COUNT };

struct serving {
    const struct config *config;
    struct store *store;
    struct workers *workers;
    struct auth *auth;
    struct admin admin;
    struct control *control;
    struct lmtp_server *lmtp;
    struct sender *sender;
    struct ews_service service;
    struct budget *budget;
    struct ews_door door;
    struct http_route routes[ROUTE_COUNT];
    struct http_server *http;
    char url[NET_ADDRESS_BYTES + 64];
};

/* ---- /healthz ---- */

static void health_begin(struct http_exchange *x, void *context)
{
    struct http_answer answer = {.status = 200, .content_type = "text/plain; charset=utf-8"};

    (void)context;
    answer.body = strdup("ok\n");
    answer.body_bytes = answer.body != NULL ? strlen(answer.body) : 0;
    http_answer(x, &answer);
}

static void health_body(struct http_exchange *x, const void *p, size_t n, void *context)
{
    (void)x;
    (void)p;
    (void)n;
    (void)context;
}

static void health_end(struct http_exchange *x, void *context)
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
        .clock = clock_system(),
        .quota_bytes = (uint64_t)s->config->mailbox_quota_bytes,
    };
    struct workers_options workers = {.threads = (unsigned)s->config->worker_threads};
    struct auth_options auth = {.clock = clock_system(),
                                .threads = (unsigned)s->config->auth_threads};

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
        .clock = clock_system(),
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

static void fill_routes(struct serving *s)
{
    s->service = (struct ews_service){
        .store = s->store,
        .clock = clock_system(),
        .major = 15,
        .minor = 2,
        .major_build = 2562,
        .minor_build = 17,
        .version = STR("V2017_07_11"),
        .relays = s->config->smarthost != NULL,
    };
    s->door = (struct ews_door){.auth = s->auth,
                                .service = &s->service,
                                .workers = s->workers,
                                .sender = s->sender,
                                .clock = clock_system(),
                                .budget = s->budget};
    s->routes[ROUTE_EWS] =
        (struct http_route){.path = EWS_PATH,
                            .max_body_bytes = (uint64_t)s->config->max_request_bytes,
                            .handler = ews_door_handler(&s->door)};
    s->routes[ROUTE_HEALTH] = (struct http_route){
        .path = HEALTH_PATH,
        .handler = {
            .begin = health_begin, .body = health_body, .end = health_end, .release = health_end}};
}

static int start_http(struct serving *s, struct err *err_r)
{
    struct http_server_options options = {
        .listen = s->config->listen,
        .tls_cert_file = s->config->tls_cert,
        .tls_key_file = s->config->tls_key,
        .threads = (unsigned)s->config->http_threads,
        .clock = clock_system(),
        .routes = s->routes,
        .route_count = ARRAY_LEN(s->routes),
    };

    s->budget = budget_new();
    fill_routes(s);
    TRY(http_server_start(&options, &s->http, err_r));
    (void)snprintf(s->url, sizeof(s->url), "%s://%s" EWS_PATH,
                   s->config->tls_cert != NULL ? "https" : "http", http_server_address(s->http));
    return 0;
}

static int start(struct serving *s, bool create, struct err *err_r)
{
    TRY(open_store(s, create, err_r));
    s->admin = (struct admin){.store = s->store, .workers = s->workers};
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
    /* Doors first, while what is behind them still answers. */
    http_server_stop(&s->http);
    lmtp_server_stop(&s->lmtp);
    control_stop(&s->control);
    sender_stop(&s->sender);
    auth_free(&s->auth);
    workers_free(&s->workers);
    store_close(&s->store);
    budget_free(&s->budget);
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
