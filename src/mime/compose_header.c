/* The header of a composed message, and what is done to one that goes out. */
#include "mime/compose.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/macros.h"
#include "mime/compose-private.h"
#include "mime/limits.h"
#include "mime/mime-private.h"

#include <assert.h>

static const char *const own_fields[] = {"From",
                                         "Sender",
                                         "Reply-To",
                                         "To",
                                         "Cc",
                                         "Bcc",
                                         "Subject",
                                         "Date",
                                         "Message-ID",
                                         "In-Reply-To",
                                         "References",
                                         "Importance",
                                         "X-Priority",
                                         "X-MSMail-Priority",
                                         "Priority",
                                         "Sensitivity",
                                         "Disposition-Notification-To",
                                         "X-Confirm-Reading-To",
                                         "Return-Receipt-To",
                                         "Thread-Topic",
                                         "Thread-Index",
                                         "MIME-Version",
                                         "Content-Type",
                                         "Content-Transfer-Encoding",
                                         "Content-Disposition",
                                         "Content-ID",
                                         "Content-Location",
                                         "Content-Description"};

bool mime_draft_may_have_header(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ':') {
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(own_fields); i++) {
        if (str_is_nocase(name, own_fields[i])) {
            return false;
        }
    }
    return name.n > 0 && name.n <= MIME_HEADER_NAME_BYTES_MAX;
}

static void write_date(struct wire *w, const struct mime_draft *d)
{
    GDateTime *date = g_date_time_new_from_unix_utc(d->date_ms / 1000);
    char *text = date != NULL ? g_mime_utils_header_format_date(date) : NULL;

    if (text != NULL) {
        wire_field_literal(w, "Date", text);
        g_free(text);
    }
    if (date != NULL) {
        g_date_time_unref(date);
    }
}

static void write_subject(struct wire *w, struct arena *arena, const struct mime_draft *d)
{
    if (d->subject.n > 0) {
        wire_field_text(w, arena, STR("Subject"), d->subject);
    }
}

static void write_thread(struct wire *w, struct arena *arena, const struct mime_draft *d)
{
    struct str index = d->thread_index;

    if (d->thread_topic.n > 0) {
        wire_field_text(w, arena, STR("Thread-Topic"), d->thread_topic);
    }
    if (index.n >= MIME_THREAD_INDEX_BYTES_MIN && index.n <= MIME_THREAD_INDEX_BYTES_MAX) {
        wire_cstr(w, "Thread-Index:");
        for (size_t at = 0; at < index.n; at += 45) {
            struct str piece = str_sub(index, at, 45);
            char text[BASE64_BYTES(45)];

            if (at > 0) {
                wire_newline(w);
            }
            wire_char(w, ' ');
            wire_append(w, text, base64_encode_to(text, piece.p, piece.n));
        }
        wire_newline(w);
    }
}

static const char *const importance_words[] = {"low", NULL, "high"};
static const char *const sensitivity_words[] = {NULL, "personal", "private",
                                                "company-confidential"};

static void write_word(struct wire *w, const char *name, const char *word)
{
    if (word != NULL) {
        wire_field_literal(w, name, word);
    }
}

/* To whoever sent the message; an empty path where nobody did yet. */
static void write_receipt(struct wire *w, struct arena *arena, const struct mime_draft *d,
                          const char *name)
{
    struct mime_addresses to = d->sender.n > 0 ? d->sender : d->from;
    struct mime_address first = to.n > 0 ? to.v[0] : (struct mime_address){0};

    if (first.address.n == 0) {
        wire_field_literal(w, name, "<>");
        return;
    }
    wire_field_addresses(w, arena, name, (struct mime_addresses){&first, 1});
}

static void write_others(struct wire *w, struct arena *arena, const struct mime_draft *d)
{
    for (size_t i = 0; i < d->header_count; i++) {
        const struct mime_header *h = &d->headers[i];

        assert(mime_draft_may_have_header(h->name));
        wire_field_text(w, arena, h->name, h->value);
    }
}

/* The others first: among them are traces of the transport, which stand on top. */
void wire_header(struct wire *w, struct arena *arena, const struct mime_draft *d)
{
    write_others(w, arena, d);
    wire_field_addresses(w, arena, "From", d->from);
    wire_field_addresses(w, arena, "Sender", d->sender);
    wire_field_addresses(w, arena, "Reply-To", d->reply_to);
    wire_field_addresses(w, arena, "To", d->to);
    wire_field_addresses(w, arena, "Cc", d->cc);
    wire_field_addresses(w, arena, "Bcc", d->bcc);
    write_subject(w, arena, d);
    if (d->has_date) {
        write_date(w, d);
    }
    wire_field_raw(w, arena, "Message-ID", d->message_id);
    wire_field_raw(w, arena, "In-Reply-To", d->in_reply_to);
    wire_field_raw(w, arena, "References", d->references);
    write_thread(w, arena, d);
    write_word(w, "Importance", importance_words[d->importance]);
    write_word(w, "Sensitivity", sensitivity_words[d->sensitivity]);
    if (d->read_receipt_requested) {
        write_receipt(w, arena, d, "Disposition-Notification-To");
    }
    if (d->delivery_receipt_requested) {
        write_receipt(w, arena, d, "Return-Receipt-To");
    }
    wire_field_literal(w, "MIME-Version", "1.0");
}

/* ---- what goes out ---- */

/* Up to the first empty line, whatever stands between: a reader may see fields where we see none. */
static size_t header_end(struct str raw)
{
    struct str line;
    size_t at = 0;

    while (at < raw.n) {
        at = mime_line(raw, at, &line);
        if (line.n == 0) {
            break;
        }
    }
    return at;
}

static bool is_bcc(struct str line)
{
    struct str name = str_trim(str_sub(line, 0, str_find_char(line, ':', 0)));

    return mime_line_is_field(line) &&
           (str_is_nocase(name, "Bcc") || str_is_nocase(name, "Resent-Bcc"));
}

struct str mime_without_bcc(struct str raw, struct arena *arena)
{
    size_t end = header_end(raw), n = 0, next;
    bool dropping = false;
    char *out = NULL;
    struct str line;

    for (size_t at = 0; at < end; at = next) {
        next = mime_line(raw, at, &line);
        bool folded = line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');

        dropping = folded ? dropping : is_bcc(line);
        if (dropping && out == NULL) {
            out = arena_alloc(arena, raw.n);
            memcpy(out, raw.p, at);
            n = at;
        } else if (!dropping && out != NULL) {
            memcpy(out + n, raw.p + at, next - at);
            n += next - at;
        }
    }
    if (out == NULL) {
        return raw;
    }
    if (raw.n > end) {
        memcpy(out + n, raw.p + end, raw.n - end);
    }
    return str_of(out, n + raw.n - end);
}

struct str mime_make_message_id(const unsigned char random[static 16], struct str domain,
                                struct arena *arena)
{
    char id[33];

    for (size_t i = 0; i < 16; i++) {
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    }
    for (size_t i = 0; i < domain.n; i++) {
        if (!g_ascii_isalnum(domain.p[i]) && domain.p[i] != '.' && domain.p[i] != '-') {
            domain = STR("");
        }
    }
    return str_printf(arena, "<%s@%.*s>", id, STR_ARG(domain.n > 0 ? domain : STR("localhost")));
}
