#include "server/config.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/net.h"
#include "base/str.h"

#include <errno.h>
#include <ini.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define DEFAULT_LISTEN "127.0.0.1:8080"
#define DEFAULT_HOSTNAME "localhost"
/* Requests carry attachments in base64: 64 MiB as Exchange has it. */
#define DEFAULT_MAX_REQUEST_BYTES (64LL * 1024 * 1024)
#define LARGEST_BYTES (2LL * 1024 * 1024 * 1024 - 1)
#define LARGEST_COUNT 1024
/* EwsMaxSubscriptions, HangingConnectionLimit and EwsMaxConcurrency as Exchange 2013 to 2019 have them. */
#define DEFAULT_MAX_SUBSCRIPTIONS 5000
#define DEFAULT_MAX_STREAMS 10
#define DEFAULT_MAX_REQUESTS 27

enum key_type { KEY_TEXT, KEY_BOOL, KEY_INT, KEY_LEVEL, KEY_LOG_FORMAT, KEY_METRICS };

struct key {
    const char *section, *name;
    enum key_type type;
    size_t offset;
    int64_t min, max;
};

static const struct key keys[] = {
    {"server", "data", KEY_TEXT, offsetof(struct config, data), 0, 0},
    {"server", "listen", KEY_TEXT, offsetof(struct config, listen), 0, 0},
    {"server", "lmtp", KEY_TEXT, offsetof(struct config, lmtp), 0, 0},
    {"server", "hostname", KEY_TEXT, offsetof(struct config, hostname), 0, 0},
    {"server", "max_open_mailboxes", KEY_INT, offsetof(struct config, max_open_mailboxes), 0,
     LARGEST_COUNT},
    {"server", "mailbox_quota_bytes", KEY_INT, offsetof(struct config, mailbox_quota_bytes), 0,
     INT64_MAX},
    {"tls", "cert", KEY_TEXT, offsetof(struct config, tls_cert), 0, 0},
    {"tls", "key", KEY_TEXT, offsetof(struct config, tls_key), 0, 0},
    {"http", "allow_plain", KEY_BOOL, offsetof(struct config, allow_plain), 0, 0},
    {"http", "threads", KEY_INT, offsetof(struct config, http_threads), 0, LARGEST_COUNT},
    {"http", "max_request_bytes", KEY_INT, offsetof(struct config, max_request_bytes), 1024,
     LARGEST_BYTES},
    {"workers", "threads", KEY_INT, offsetof(struct config, worker_threads), 0, LARGEST_COUNT},
    {"auth", "threads", KEY_INT, offsetof(struct config, auth_threads), 0, LARGEST_COUNT},
    {"lmtp", "max_message_bytes", KEY_INT, offsetof(struct config, max_message_bytes), 0,
     LARGEST_BYTES},
    {"smtp", "smarthost", KEY_TEXT, offsetof(struct config, smarthost), 0, 0},
    {"smtp", "user", KEY_TEXT, offsetof(struct config, smtp_user), 0, 0},
    {"smtp", "password_file", KEY_TEXT, offsetof(struct config, smtp_password_file), 0, 0},
    {"smtp", "require_tls", KEY_BOOL, offsetof(struct config, smtp_require_tls), 0, 0},
    {"smtp", "ca_file", KEY_TEXT, offsetof(struct config, smtp_ca_file), 0, 0},
    {"notifications", "stream_idle_hours", KEY_INT, offsetof(struct config, stream_idle_hours), 1,
     24 * 365},
    {"notifications", "event_days", KEY_INT, offsetof(struct config, event_days), 1, 3650},
    {"push", "targets", KEY_TEXT, offsetof(struct config, push_targets), 0, 0},
    {"push", "ca_file", KEY_TEXT, offsetof(struct config, push_ca_file), 0, 0},
    {"metrics", "access", KEY_METRICS, offsetof(struct config, metrics), 0, 0},
    {"test", "clock_rate", KEY_INT, offsetof(struct config, clock_rate), 0, 3600},
    {"log", "level", KEY_LEVEL, offsetof(struct config, log_level), 0, 0},
    {"log", "format", KEY_LOG_FORMAT, offsetof(struct config, log_json), 0, 0},
};

/* Of everybody, or of one user. */
static const struct key limit_keys[] = {
    {"limits", "max_subscriptions", KEY_INT, offsetof(struct user_limits, max_subscriptions), 1,
     1000000},
    {"limits", "max_streams", KEY_INT, offsetof(struct user_limits, max_streams), 1, 1000000},
    {"limits", "max_requests", KEY_INT, offsetof(struct user_limits, max_requests), 1,
     LARGEST_COUNT},
};

void config_init(struct config *config, struct arena *arena)
{
    *config = (struct config){
        .arena = arena,
        .listen = DEFAULT_LISTEN,
        .hostname = DEFAULT_HOSTNAME,
        .max_request_bytes = DEFAULT_MAX_REQUEST_BYTES,
        .limits = {.max_subscriptions = DEFAULT_MAX_SUBSCRIPTIONS,
                   .max_streams = DEFAULT_MAX_STREAMS,
                   .max_requests = DEFAULT_MAX_REQUESTS},
        .stream_idle_hours = 24,
        .event_days = 30,
        .metrics = METRICS_LOOPBACK,
        .log_level = LOG_INFO,
    };
}

/* Index of text in names, or -1. */
static int index_of(const char *text, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, names[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int set_bool(bool *target, const char *value)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    int i = index_of(value, words, ARRAY_LEN(words));

    if (i < 0) {
        return -1;
    }
    *target = i % 2 == 1;
    return 0;
}

static int set_level(enum log_level *target, const char *value)
{
    static const char *const words[] = {"debug", "info", "warn", "error"};
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};
    int i = index_of(value, words, ARRAY_LEN(words));

    if (i < 0) {
        return -1;
    }
    *target = levels[i];
    return 0;
}

static int set_log_format(bool *json, const char *value)
{
    static const char *const words[] = {"logfmt", "json"};
    int i = index_of(value, words, ARRAY_LEN(words));

    if (i < 0) {
        return -1;
    }
    *json = i == 1;
    return 0;
}

static int set_metrics(enum metrics_access *access, const char *value)
{
    static const char *const words[] = {"off", "loopback", "all"};
    int i = index_of(value, words, ARRAY_LEN(words));

    if (i < 0) {
        return -1;
    }
    *access = (enum metrics_access)i;
    return 0;
}

static int set_int(int64_t *target, const struct key *key, const char *value)
{
    int64_t v;

    if (!str_to_i64(str_from(value), &v) || v < key->min || v > key->max) {
        return -1;
    }
    *target = v;
    return 0;
}

static int set_value(struct arena *arena, void *in, const struct key *key, const char *value)
{
    void *target = (char *)in + key->offset;

    switch (key->type) {
    case KEY_TEXT: *(const char **)target = arena_strdup(arena, value); return 0;
    case KEY_BOOL: return set_bool(target, value);
    case KEY_INT: return set_int(target, key, value);
    case KEY_LEVEL: return set_level(target, value);
    case KEY_LOG_FORMAT: return set_log_format(target, value);
    case KEY_METRICS: return set_metrics(target, value);
    }
    return -1;
}

static struct user_limits *limits_for(struct config *config, const char *address)
{
    size_t n = config->user_limits_n;

    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(config->user_limits[i].address, address) == 0) {
            return &config->user_limits[i];
        }
    }
    config->user_limits =
        arena_grow(config->arena, config->user_limits, n * sizeof(config->user_limits[0]),
                   (n + 1) * sizeof(config->user_limits[0]));
    config->user_limits[n] = (struct user_limits){.address = arena_strdup(config->arena, address)};
    config->user_limits_n++;
    return &config->user_limits[n];
}

static int set_in(struct arena *arena, void *in, const struct key *table, size_t n,
                  const char *section, const char *key, const char *value, struct err *err_r)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(table[i].section, section) == 0 && strcmp(table[i].name, key) == 0) {
            return set_value(arena, in, &table[i], value) == 0
                       ? 0
                       : err_tell(err_r, ERR_USAGE, "'%s' is no value for %s in [%s]", value, key,
                                  section);
        }
    }
    return err_tell(err_r, ERR_USAGE, "there is no setting %s in [%s]", key, section);
}

/* "max_streams" is everybody's, "max_streams ann@example.com" one user's. */
static int set_limit(struct config *config, const char *key, const char *value, struct err *err_r)
{
    const char *address = strchr(key, ' ');
    struct user_limits *limits = &config->limits;
    size_t n = address != NULL ? (size_t)(address - key) : strlen(key);

    if (address != NULL) {
        limits = limits_for(config, address + strspn(address, " "));
    }
    return set_in(config->arena, limits, limit_keys, ARRAY_LEN(limit_keys), "limits",
                  str_cstr(config->arena, str_of(key, n)), value, err_r);
}

int config_set(struct config *config, const char *section, const char *key, const char *value,
               struct err *err_r)
{
    return strcmp(section, "limits") == 0
               ? set_limit(config, key, value, err_r)
               : set_in(config->arena, config, keys, ARRAY_LEN(keys), section, key, value, err_r);
}

struct user_limits config_limits_of(const struct config *config, const char *address)
{
    struct user_limits limits = config->limits;

    for (size_t i = 0; i < config->user_limits_n; i++) {
        const struct user_limits *own = &config->user_limits[i];

        if (strcasecmp(own->address, address) == 0) {
            limits.max_subscriptions =
                own->max_subscriptions != 0 ? own->max_subscriptions : limits.max_subscriptions;
            limits.max_streams = own->max_streams != 0 ? own->max_streams : limits.max_streams;
            limits.max_requests = own->max_requests != 0 ? own->max_requests : limits.max_requests;
        }
    }
    return limits;
}

struct load {
    struct config *config;
    struct err *err;
    int rc;
};

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct load *load = user;

    load->rc = config_set(load->config, section, name, value, load->err);
    return load->rc == 0;
}

int config_load(struct config *config, const char *path, struct err *err_r)
{
    struct err inner = ERR_INIT;
    struct load load = {.config = config, .err = &inner};
    int line = ini_parse(path, on_pair, &load);

    if (line == 0) {
        return 0;
    }
    if (line < 0) {
        return err_tell(err_r, ERR_USAGE, "cannot read %s", path);
    }
    return err_tell(err_r, ERR_USAGE, "%s:%d: %s", path, line,
                    load.rc < 0 ? inner.client_text : "not a line of the form key = value");
}

/* TLS files are read much later, by a library that tells little about what is wrong with them. */
static int check_tls(const struct config *config, struct err *err_r)
{
    const char *const files[] = {config->tls_cert, config->tls_key};

    if ((config->tls_cert == NULL) != (config->tls_key == NULL)) {
        return err_tell(err_r, ERR_USAGE, "TLS needs both a certificate and a key file");
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (files[i] != NULL && access(files[i], R_OK) < 0) {
            return err_tell(err_r, ERR_USAGE, "cannot read %s: %s", files[i], strerror(errno));
        }
    }
    return 0;
}

static int check_smtp(const struct config *config, struct err *err_r)
{
    const char *const files[] = {config->smtp_password_file, config->smtp_ca_file};

    if ((config->smtp_user == NULL) != (config->smtp_password_file == NULL)) {
        return err_tell(err_r, ERR_USAGE, "[smtp] needs both user and password_file, or neither");
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (files[i] != NULL && access(files[i], R_OK) < 0) {
            return err_tell(err_r, ERR_USAGE, "cannot read %s: %s", files[i], strerror(errno));
        }
    }
    return 0;
}

int config_check(const struct config *config, struct err *err_r)
{
    bool loopback = false;

    if (config->data == NULL) {
        return err_tell(err_r, ERR_USAGE, "the store's directory is missing (--data DIR)");
    }
    TRY(check_tls(config, err_r));
    TRY(check_smtp(config, err_r));
    if (config->lmtp != NULL) {
        /* Only whether it is an address: LMTP may be served in the open. */
        TRY(net_is_loopback(config->lmtp, &loopback, err_r));
    }
    TRY(net_is_loopback(config->listen, &loopback, err_r));
    if (config->tls_cert == NULL && !loopback && !config->allow_plain) {
        return err_tell(
            err_r, ERR_USAGE,
            "%s is not a loopback address: give --tls-cert and --tls-key, or set allow_plain = yes in [http] behind a proxy",
            config->listen);
    }
    return 0;
}
