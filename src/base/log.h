/*
 * Structured log: one line an event, logfmt (or JSON) on stderr. An event name and registered keys
 * (tools/log-keys); user data only in named keys; secrets never. Logged once, at the boundary that
 * handles an error: rooms from base to mailbox do not log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *key;
    enum { LOG_F_STR, LOG_F_INT } type;
    struct str s;
    int64_t i;
};

#define LSTR(k, v) ((struct log_field){.key = (k), .type = LOG_F_STR, .s = (v)})
#define LCSTR(k, v) ((struct log_field){.key = (k), .type = LOG_F_STR, .s = str_from(v)})
#define LINT(k, v) ((struct log_field){.key = (k), .type = LOG_F_INT, .i = (int64_t)(v)})

/* log_event(LOG_INFO, "lmtp.delivered", LCSTR("rcpt", addr), LINT("bytes", n)); values are
 * quoted and escaped as needed, cut at 512 bytes. Thread-safe; one write(2) a line. */
#define log_event(level, event, ...)                                                               \
    do {                                                                                           \
        if (log_enabled(level)) {                                                                  \
            const struct log_field fields_[] = {__VA_ARGS__};                                      \
            log_emit((level), (event), fields_, ARRAY_LEN(fields_));                               \
        }                                                                                          \
    } while (0)
/* The same with kind, text and source of an error added. */
void log_error(enum log_level level, const char *event, const struct err *e,
               const struct log_field *fields, size_t n);

bool log_enabled(enum log_level level);
void log_emit(enum log_level level, const char *event, const struct log_field *fields, size_t n);
/* Before threads start. fd is not owned. */
void log_configure(enum log_level least, bool json, int fd);

#endif
