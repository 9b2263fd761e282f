/*
 * Settings of ewerd: built-in values, then the INI file, then the command line. One table of keys (config.c) is the source of what exists.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "base/log.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

/* What one user may have at once; 0: as everybody. */
struct user_limits {
    const char *address; /* NULL: everybody */
    int64_t max_subscriptions;
    int64_t max_streams;  /* hanging connections */
    int64_t max_requests; /* others that are under way */
};

enum metrics_access { METRICS_OFF, METRICS_LOOPBACK, METRICS_ALL };

struct config {
    struct arena *arena;  /* owns the texts; not this struct's */
    const char *data;     /* the store's directory */
    const char *listen;   /* HTTP, HOST:PORT */
    const char *lmtp;     /* HOST:PORT; NULL: no LMTP */
    const char *hostname; /* in LMTP's greeting, EHLO and bounces */
    const char *tls_cert, *tls_key;
    bool allow_plain; /* plain HTTP (and so Basic over it) beyond loopback */
    int64_t http_threads, worker_threads, auth_threads; /* 0: built-in choice */
    int64_t max_request_bytes;                          /* of an EWS request */
    int64_t max_message_bytes;                          /* by LMTP */
    int64_t max_open_mailboxes;
    int64_t mailbox_quota_bytes; /* 0: no bound */
    const char *smarthost;       /* "smtp://host:587"; NULL: mail for others is refused */
    const char *smtp_user, *smtp_password_file;
    bool smtp_require_tls;
    const char *smtp_ca_file;        /* NULL: the system's */
    struct user_limits limits;       /* of everybody */
    struct user_limits *user_limits; /* of single users */
    size_t user_limits_n;
    int64_t stream_idle_hours; /* life of a streaming subscription without a connection */
    int64_t event_days;        /* how long the event log is kept */
    const char *push_targets;  /* push/push.h; NULL: none */
    const char *push_ca_file;  /* NULL: the system's */
    enum metrics_access metrics;
    int64_t clock_rate; /* for tests of clients: time goes so many times faster; 0: it does not */
    enum log_level log_level;
    bool log_json;
};

void config_init(struct config *config, struct arena *arena);
/* ERR_USAGE names file, line and what is wrong; unknown keys are wrong. */
int config_load(struct config *config, const char *path, struct err *err_r) WARN_UNUSED;
/* One setting as in the file: "server.listen". */
int config_set(struct config *config, const char *section, const char *key, const char *value,
               struct err *err_r) WARN_UNUSED;
/* What can be refused before anything starts: TLS halves, plain HTTP in the open, missing data directory. */
int config_check(const struct config *config, struct err *err_r) WARN_UNUSED;

/* The limits of a user: his own where he has some. */
struct user_limits config_limits_of(const struct config *config, const char *address);

#endif
