#include "smtp/bounce.h"

#include "smtp/limits.h"

#include <time.h>

/* ---- pieces ---- */

/* RFC 5322 section 3.3, in UTC. */
static void add_date(struct buf *out, const char *name, int64_t ms)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm = {0};

    gmtime_r(&seconds, &tm);
    buf_printf(out, "%s: %s, %d %s %d %02d:%02d:%02d +0000\r\n", name, days[tm.tm_wday], tm.tm_mday,
               months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* What others said, as one line of printable ASCII. */
static void add_plain(struct buf *out, struct str text)
{
    size_t i;

    for (i = 0; i < text.n; i++) {
        char c = text.p[i];

        buf_add_char(out, c >= 0x20 && c < 0x7f ? c : c == '\r' || c == '\n' ? ' ' : '?');
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The enhanced status of "550 5.1.1 text", else the class of the code alone. */
static struct str status_of(struct str reply)
{
    struct str rest = reply, code = str_split(&rest, ' '), status = str_split(&rest, ' ');
    bool three = code.n == 3 && is_digit(code.p[0]);

    if (three && status.n >= 5 && status.n <= 9 && status.p[0] == code.p[0] && status.p[1] == '.') {
        return status;
    }
    /* A temporary reply that lasted too long. */
    return three && code.p[0] == '4' ? STR("4.4.7") : STR("5.0.0");
}

/* With its last line end, without the empty line. */
static struct str header_of(struct str mime)
{
    size_t crlf = str_find(mime, STR("\r\n\r\n"), 0), lf = str_find(mime, STR("\n\n"), 0);

    if (crlf < lf) {
        mime.n = crlf + 2;
    } else if (lf != SIZE_MAX) {
        mime.n = lf + 1;
    }
    return str_sub(mime, 0, BOUNCE_HEADER_BYTES);
}

/* ---- parts ---- */

static void add_envelope(struct buf *out, const struct outbox_message *m,
                         const struct bounce_options *o)
{
    buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: ", o->hostname);
    add_plain(out, m->sender);
    buf_add_cstr(out, "\r\nSubject: Undeliverable mail\r\n");
    add_date(out, "Date", o->now_ms);
    buf_printf(out,
               "Message-ID: <%s@%s>\r\n"
               "Auto-Submitted: auto-replied\r\n"
               "MIME-Version: 1.0\r\n"
               "Content-Type: multipart/report; report-type=delivery-status;\r\n"
               " boundary=\"%s\"\r\n\r\n",
               o->guid, o->hostname, o->guid);
}

static void add_explanation(struct buf *out, const struct outbox_message *m,
                            const struct bounce_options *o)
{
    size_t i;

    buf_printf(out,
               "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
               "Your message could not be delivered to the recipients below.\r\n"
               "It will not be tried again.\r\n",
               o->guid);
    for (i = 0; i < m->recipient_count; i++) {
        const struct outbox_recipient *r = &m->recipients[i];

        if (r->state == OUTBOX_FAILED) {
            buf_add_cstr(out, "\r\n  ");
            add_plain(out, r->address);
            buf_add_cstr(out, "\r\n    ");
            add_plain(out, r->reply);
            buf_add_cstr(out, "\r\n");
        }
    }
}

static void add_statuses(struct buf *out, const struct outbox_message *m,
                         const struct bounce_options *o)
{
    size_t i;

    buf_printf(out, "\r\n--%s\r\nContent-Type: message/delivery-status\r\n\r\n", o->guid);
    buf_printf(out, "Reporting-MTA: dns; %s\r\n", o->hostname);
    add_date(out, "Arrival-Date", m->queued_ms);
    for (i = 0; i < m->recipient_count; i++) {
        const struct outbox_recipient *r = &m->recipients[i];

        if (r->state == OUTBOX_FAILED) {
            buf_add_cstr(out, "\r\nFinal-Recipient: rfc822; ");
            add_plain(out, r->address);
            buf_add_cstr(out, "\r\nAction: failed\r\nStatus: ");
            add_plain(out, status_of(r->reply));
            buf_add_cstr(out, "\r\nDiagnostic-Code: smtp; ");
            add_plain(out, r->reply);
            buf_add_cstr(out, "\r\n");
        }
    }
}

static void add_header(struct buf *out, const struct outbox_message *m,
                       const struct bounce_options *o)
{
    buf_printf(out,
               "\r\n--%s\r\nContent-Type: text/rfc822-headers\r\n"
               "Content-Transfer-Encoding: 8bit\r\n\r\n",
               o->guid);
    buf_add_str(out, header_of(m->mime));
    buf_printf(out, "\r\n--%s--\r\n", o->guid);
}

void bounce_write(struct buf *out, const struct outbox_message *message,
                  const struct bounce_options *options)
{
    add_envelope(out, message, options);
    add_explanation(out, message, options);
    add_statuses(out, message, options);
    add_header(out, message, options);
}
