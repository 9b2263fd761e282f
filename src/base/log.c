#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <errno.h>
#include <unistd.h>

/* Set before threads start, read by all. */
static struct {
    enum log_level least;
    bool json;
    int fd;
} config = {LOG_INFO, false, STDERR_FILENO};

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

void log_configure(enum log_level least, bool json, int fd)
{
    config.least = least;
    config.json = json;
    config.fd = fd;
}

bool log_enabled(enum log_level level)
{
    return level >= config.least;
}

/* Whether logfmt shows the value bare; what is not, is quoted and escaped. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') {
            return false;
        }
    }
    return s.n > 0;
}

/* Controls are written as numbers, so that no value breaks the line or drives a terminal. */
static void add_escaped(struct buf *line, struct str s)
{
    while (s.n > 0) {
        uint32_t c = utf8_take(&s);

        if (c == '"' || c == '\\') {
            buf_add_char(line, '\\');
            buf_add_char(line, (char)c);
        } else if (c == '\n') {
            BUF_LIT(line, "\\n");
        } else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
            buf_printf(line, "\\u%04x", (unsigned)c);
        } else {
            utf8_put(line, c);
        }
    }
}

static void add_key(struct buf *line, const char *key)
{
    if (config.json) {
        buf_add_cstr(line, line->n > 1 ? ",\"" : "\"");
        buf_add_cstr(line, key);
        BUF_LIT(line, "\":");
    } else {
        if (line->n > 0) {
            buf_add_char(line, ' ');
        }
        buf_add_cstr(line, key);
        buf_add_char(line, '=');
    }
}

static void add_str(struct buf *line, const char *key, struct str value)
{
    value = utf8_cut(value, LOG_VALUE_BYTES);
    add_key(line, key);
    if (!config.json && is_plain(value)) {
        buf_add_str(line, value);
        return;
    }
    buf_add_char(line, '"');
    add_escaped(line, value);
    buf_add_char(line, '"');
}

static void add_i64(struct buf *line, const char *key, int64_t value)
{
    add_key(line, key);
    buf_add_i64(line, value);
}

static void add_fields(struct buf *line, const struct log_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fields[i].type == LOG_F_INT) {
            add_i64(line, fields[i].key, fields[i].i);
        } else {
            add_str(line, fields[i].key, fields[i].s);
        }
    }
}

static void line_begin(struct buf *line, enum log_level level, const char *event)
{
    char now[TIME_TEXT_BYTES];
    size_t n = time_format(clock_unix_ms(clock_system()), true, now);

    if (config.json) {
        buf_add_char(line, '{');
    }
    add_str(line, "ts", str_of(now, n));
    add_str(line, "level", str_from(level_names[level]));
    add_str(line, "event", str_from(event));
}

/* A log that cannot be written is no reason to stop: nothing is done about a failing write. */
static void line_end(struct buf *line)
{
    ssize_t done;

    buf_add_cstr(line, config.json ? "}\n" : "\n");
    do {
        done = write(config.fd, line->p, line->n);
    } while (done < 0 && errno == EINTR);
    buf_fini(line);
}

void log_emit(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    struct buf line = BUF_INIT;

    if (!log_enabled(level)) {
        return;
    }
    line_begin(&line, level, event);
    add_fields(&line, fields, n);
    line_end(&line);
}

/* The path from src/ on: how the compiler was called is of no interest. */
static struct str source_path(const char *file)
{
    struct str path = str_from(file);
    size_t at = str_find(path, STR("src/"), 0);

    return at == SIZE_MAX ? path : str_sub(path, at, SIZE_MAX);
}

static void add_error(struct buf *line, const struct err *e)
{
    add_str(line, "kind", str_from(err_kind_name(e->kind)));
    add_str(line, "text", str_from(e->log_text));
    if (e->file != NULL) {
        add_str(line, "source", source_path(e->file));
        add_i64(line, "source_line", e->line);
    }
    if (e->at_line != 0) {
        add_i64(line, "at_line", e->at_line);
        add_i64(line, "at_column", e->at_column);
    }
}

void log_error(enum log_level level, const char *event, const struct err *e,
               const struct log_field *fields, size_t n)
{
    struct buf line = BUF_INIT;

    if (!log_enabled(level)) {
        return;
    }
    line_begin(&line, level, event);
    add_error(&line, e);
    add_fields(&line, fields, n);
    line_end(&line);
}
