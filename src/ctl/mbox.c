#include "ctl/mbox.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the separator's date ---- */

static bool index_of(struct str word, const char *const *names, unsigned n, unsigned *i_r)
{
    for (unsigned i = 0; i < n; i++) {
        if (str_is_nocase(word, names[i])) {
            *i_r = i;
            return true;
        }
    }
    return false;
}

static bool is_weekday(struct str word)
{
    static const char *const names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    unsigned i;

    return index_of(word, names, ARRAY_LEN(names), &i);
}

static bool is_month(struct str word, unsigned *month_r)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    unsigned i;

    if (!index_of(word, names, ARRAY_LEN(names), &i)) {
        return false;
    }
    *month_r = i + 1;
    return true;
}

static struct str next_word(struct str *rest)
{
    *rest = str_trim(*rest);
    return str_split(rest, ' ');
}

/* "hh:mm" or "hh:mm:ss" */
static bool read_clock(struct str word, int64_t *seconds_r)
{
    int64_t total = 0;
    unsigned parts = 0;

    while (word.n > 0) {
        uint64_t v;

        if (!str_to_u64(str_split(&word, ':'), &v) || v > 60 || ++parts > 3) {
            return false;
        }
        total = total * 60 + (int64_t)v;
    }
    *seconds_r = parts == 2 ? total * 60 : total;
    return parts >= 2 && *seconds_r < 25 * 3600;
}

/* "+0130"; other words are no zone. */
static bool read_zone(struct str word, int64_t *seconds_r)
{
    uint64_t v;

    if (word.n != 5 || (word.p[0] != '+' && word.p[0] != '-') ||
        !str_to_u64(str_sub(word, 1, 4), &v)) {
        return false;
    }
    *seconds_r = (int64_t)(v / 100 * 3600 + v % 100 * 60) * (word.p[0] == '-' ? -1 : 1);
    return true;
}

/* What follows the weekday: month, day, time, and in any order the year and perhaps a zone. */
static bool read_date(struct str rest, int64_t *date_ms_r)
{
    unsigned month;
    uint64_t day, year = 0;
    int64_t seconds, zone = 0;

    if (!is_month(next_word(&rest), &month) || !str_to_u64(next_word(&rest), &day) || day < 1 ||
        day > 31 || !read_clock(next_word(&rest), &seconds)) {
        return false;
    }
    while (rest.n > 0) {
        struct str word = next_word(&rest);

        if (!read_zone(word, &zone) && word.n == 4 && year == 0) {
            (void)str_to_u64(word, &year);
        }
    }
    if (year < 1970) {
        return false;
    }
    *date_ms_r =
        (time_days_from_civil((int64_t)year, month, (unsigned)day) * 86400 + seconds - zone) * 1000;
    return true;
}

bool mbox_from_line_date(struct str line, int64_t *date_ms_r)
{
    struct str rest = str_trim(line);

    while (rest.n > 0) {
        if (is_weekday(next_word(&rest)) && read_date(rest, date_ms_r)) {
            return true;
        }
    }
    return false;
}

/* ---- the scan ---- */

/* At each line: `message` is the open one (length still open), `empty_bytes` the length of the line
 * before if it was empty. */
struct scan {
    mbox_found *found;
    void *context;
    uint64_t offset; /* of the next line */
    size_t empty_bytes;
    bool is_open;
    bool within_line; /* the last piece had no line end */
    struct mbox_message message;
};

static int close_message(struct scan *s, struct err *err_r)
{
    if (!s->is_open) {
        return 0;
    }
    s->is_open = false;
    s->message.length = s->offset - s->empty_bytes - s->message.offset;
    return s->message.length > 0 ? s->found(s->context, &s->message, err_r) : 0;
}

static bool is_separator(const struct scan *s, struct str line)
{
    return (s->offset == 0 || s->empty_bytes > 0) && str_starts(line, STR("From ")) &&
           line.p[line.n - 1] == '\n';
}

/* A line with its end, or the first piece of one that is too long or the file's last. */
static int scan_line(struct scan *s, struct str line, struct err *err_r)
{
    if (is_separator(s, line)) {
        TRY(close_message(s, err_r));
        s->is_open = true;
        s->message = (struct mbox_message){.offset = s->offset + line.n};
        s->message.has_date =
            mbox_from_line_date(str_sub(line, 0, IMPORT_FROM_LINE_BYTES), &s->message.date_ms);
        s->empty_bytes = 0;
    } else {
        s->empty_bytes = str_eq(line, STR("\n")) || str_eq(line, STR("\r\n")) ? line.n : 0;
    }
    return 0;
}

/* Takes the lines of a buffer; the rest is a line's beginning, which is taken too when it must (no
 * more room, or the end of the file). */
static int scan_buffer(struct scan *s, struct str *bytes, bool all, struct err *err_r)
{
    while (bytes->n > 0) {
        const char *lf = memchr(bytes->p, '\n', bytes->n);
        size_t n = lf != NULL ? (size_t)(lf - bytes->p) + 1 : bytes->n;

        if (lf == NULL && !all) {
            return 0;
        }
        if (!s->within_line) {
            TRY(scan_line(s, str_sub(*bytes, 0, n), err_r));
        }
        s->within_line = lf == NULL;
        s->offset += n;
        *bytes = str_sub(*bytes, n, SIZE_MAX);
    }
    return 0;
}

static int scan_file(struct scan *s, int fd, char *buffer, struct err *err_r)
{
    size_t have = 0;

    for (;;) {
        ssize_t n = read(fd, buffer + have, IMPORT_SCAN_BYTES - have);
        struct str bytes;

        if (n < 0) {
            return err_tell(err_r, ERR_IO, "cannot read: %s", strerror(errno));
        }
        have += (size_t)n;
        bytes = str_of(buffer, have);
        TRY(scan_buffer(s, &bytes, n == 0, err_r));
        if (n == 0) {
            return close_message(s, err_r);
        }
        if (bytes.n == IMPORT_SCAN_BYTES) {
            /* One line fills the buffer: it is taken in pieces, of which only the first can be a
             * separator. */
            TRY(scan_buffer(s, &bytes, true, err_r));
        }
        memmove(buffer, bytes.p, bytes.n);
        have = bytes.n;
    }
}

int mbox_scan(int fd, mbox_found *found, void *context, struct err *err_r)
{
    struct scan s = {.found = found, .context = context};
    char *buffer = mem_alloc(IMPORT_SCAN_BYTES);
    int rc = scan_file(&s, fd, buffer, err_r);

    free(buffer);
    return rc;
}

static bool is_quoted(struct str line)
{
    size_t marks = 0;

    while (marks < line.n && line.p[marks] == '>') {
        marks++;
    }
    return marks > 0 && str_starts(str_sub(line, marks, SIZE_MAX), STR("From "));
}

void mbox_unquote(struct buf *out, struct str bytes)
{
    while (bytes.n > 0) {
        const char *lf = memchr(bytes.p, '\n', bytes.n);
        size_t n = lf != NULL ? (size_t)(lf - bytes.p) + 1 : bytes.n;
        struct str line = str_sub(bytes, 0, n);

        buf_add_str(out, is_quoted(line) ? str_sub(line, 1, SIZE_MAX) : line);
        bytes = str_sub(bytes, n, SIZE_MAX);
    }
}
