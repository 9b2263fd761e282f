#include "mime/compose.h"

#include "base/arena.h"
#include "base/macros.h"
#include "base/utf8.h"
#include "mime/compose-private.h"
#include "mime/limits.h"
#include "mime/mime-private.h"

#include <assert.h>

/* A body: its bytes and how they travel. */
struct leaf {
    bool present;
    struct str content;
    enum wire_encoding encoding;
};

struct composing {
    const struct mime_draft *draft;
    struct arena *arena;
    struct leaf text, html, calendar;
    uint64_t stem; /* of the boundaries */
};

enum multipart { MULTIPART_MIXED, MULTIPART_RELATED, MULTIPART_ALTERNATIVE };

static const char *const multipart_names[] = {"mixed", "related", "alternative"};

/* ---- leaves ---- */

static struct leaf leaf_of(struct arena *arena, bool present, struct str text)
{
    struct leaf leaf = {.present = present};

    if (present) {
        leaf.content = wire_text(arena, text);
        leaf.encoding = wire_encoding_of_text(leaf.content);
    }
    return leaf;
}

static void write_leaf(struct wire *w, const struct leaf *leaf, const char *type)
{
    wire_cstr(w, "Content-Type: ");
    wire_cstr(w, type);
    wire_newline(w);
    wire_field_literal(w, "Content-Transfer-Encoding", wire_encoding_name(leaf->encoding));
    wire_newline(w);
    wire_content(w, leaf->content, leaf->encoding);
}

static void write_calendar(const struct composing *c, struct wire *w)
{
    static const char *const types[] = {
        [MIME_METHOD_NONE] = "text/calendar; charset=utf-8",
        [MIME_METHOD_PUBLISH] = "text/calendar; charset=utf-8; method=PUBLISH",
        [MIME_METHOD_REQUEST] = "text/calendar; charset=utf-8; method=REQUEST",
        [MIME_METHOD_REPLY] = "text/calendar; charset=utf-8; method=REPLY",
        [MIME_METHOD_CANCEL] = "text/calendar; charset=utf-8; method=CANCEL",
        [MIME_METHOD_COUNTER] = "text/calendar; charset=utf-8; method=COUNTER",
        [MIME_METHOD_OTHER] = "text/calendar; charset=utf-8",
    };

    write_leaf(w, &c->calendar, types[c->draft->calendar_method]);
}

/* ---- attachments ---- */

static bool has_body(const struct composing *c)
{
    return c->text.present || c->html.present;
}

/* Those that a body may refer to stand beside it. */
static bool is_related(const struct composing *c, const struct mime_draft_attachment *a)
{
    return a->is_inline && has_body(c) && (a->content_id.n > 0 || a->content_location.n > 0);
}

static size_t count_attachments(const struct composing *c, bool related)
{
    size_t n = 0;

    for (size_t i = 0; i < c->draft->attachment_count; i++) {
        n += is_related(c, &c->draft->attachments[i]) == related;
    }
    return n;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"/[]?=", c) != NULL) {
            return false;
        }
    }
    return s.n > 0 && s.n <= 100;
}

/* "image/png" of what a client called the type. Multiparts and messages have a structure of their own and are only bytes here. */
static struct str type_of(struct arena *arena, struct str s)
{
    struct str rest = s, type, subtype;

    rest = str_trim(str_split(&rest, ';'));
    subtype = rest;
    type = str_split(&subtype, '/');
    if (!is_token(type) || !is_token(subtype) || str_is_nocase(type, "multipart") ||
        str_is_nocase(type, "message")) {
        return STR("application/octet-stream");
    }
    return str_lower(arena, rest);
}

static void write_attachment_type(const struct composing *c, struct wire *w,
                                  const struct mime_draft_attachment *a)
{
    wire_cstr(w, "Content-Type: ");
    wire_str(w, a->is_message ? STR("message/rfc822") : type_of(c->arena, a->content_type));
    if (!a->is_message && is_token(a->charset)) {
        wire_parameter(w, c->arena, "charset", a->charset);
    }
    wire_parameter(w, c->arena, "name", utf8_cut(a->name, MIME_NAME_BYTES_MAX));
    wire_newline(w);
}

/* Readers take an inline text or message for a body; that it belongs to one is said by where it stands and by its Content-ID. */
static void write_disposition(const struct composing *c, struct wire *w,
                              const struct mime_draft_attachment *a)
{
    bool is_inline = a->is_inline && !a->is_message &&
                     !str_starts_nocase(str_trim(a->content_type), STR("text/"));

    wire_cstr(w, "Content-Disposition: ");
    wire_cstr(w, is_inline ? "inline" : "attachment");
    wire_parameter(w, c->arena, "filename", utf8_cut(a->name, MIME_NAME_BYTES_MAX));
    wire_newline(w);
}

static struct str bracketed(struct arena *arena, struct str id)
{
    id = str_trim(id);
    if (id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>') {
        return id;
    }
    return id.n > 0 ? str_printf(arena, "<%.*s>", STR_ARG(id)) : id;
}

static void write_attachment(const struct composing *c, struct wire *w,
                             const struct mime_draft_attachment *a)
{
    enum wire_encoding encoding =
        a->is_message ? wire_encoding_of_message(a->content) : WIRE_BASE64;

    write_attachment_type(c, w, a);
    wire_field_literal(w, "Content-Transfer-Encoding", wire_encoding_name(encoding));
    write_disposition(c, w, a);
    wire_field_raw(w, c->arena, "Content-ID", bracketed(c->arena, a->content_id));
    wire_field_raw(w, c->arena, "Content-Location", a->content_location);
    if (a->is_photo) {
        wire_field_literal(w, MIME_PHOTO_FIELD, MIME_PHOTO_VALUE);
    }
    wire_newline(w);
    wire_content(w, a->content, encoding);
}

/* ---- structure ---- */

static void write_boundary(const struct composing *c, struct wire *w, enum multipart kind)
{
    char text[32];

    /* "=_" is in no quoted-printable and no base64. */
    snprintf(text, sizeof(text), "=_%016llx_%c", (unsigned long long)c->stem,
             multipart_names[kind][0]);
    wire_cstr(w, text);
}

static void open_multipart(const struct composing *c, struct wire *w, enum multipart kind)
{
    wire_cstr(w, "Content-Type: multipart/");
    wire_cstr(w, multipart_names[kind]);
    wire_cstr(w, ";");
    wire_newline(w);
    wire_cstr(w, " boundary=\"");
    write_boundary(c, w, kind);
    wire_cstr(w, "\"");
    wire_newline(w);
    wire_newline(w);
}

static void open_child(const struct composing *c, struct wire *w, enum multipart kind)
{
    wire_cstr(w, "--");
    write_boundary(c, w, kind);
    wire_newline(w);
}

static void close_child(struct wire *w)
{
    wire_newline(w);
}

static void close_multipart(const struct composing *c, struct wire *w, enum multipart kind)
{
    wire_cstr(w, "--");
    write_boundary(c, w, kind);
    wire_cstr(w, "--");
}

static void write_text(const struct composing *c, struct wire *w)
{
    write_leaf(w, &c->text, "text/plain; charset=utf-8");
}

static void write_html(const struct composing *c, struct wire *w)
{
    write_leaf(w, &c->html, "text/html; charset=utf-8");
}

/* From the plainest to the richest, as RFC 2046 wants it; the calendar among them is what programs of all makers look for. */
static void write_alternatives(const struct composing *c, struct wire *w)
{
    const struct {
        const struct leaf *leaf;
        void (*write)(const struct composing *c, struct wire *w);
    } leaves[] = {{&c->text, write_text}, {&c->html, write_html}, {&c->calendar, write_calendar}};
    bool many = c->text.present + c->html.present + c->calendar.present > 1;

    if (many) {
        open_multipart(c, w, MULTIPART_ALTERNATIVE);
    }
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        if (!leaves[i].leaf->present) {
            continue;
        }
        if (many) {
            open_child(c, w, MULTIPART_ALTERNATIVE);
        }
        leaves[i].write(c, w);
        if (many) {
            close_child(w);
        }
    }
    if (many) {
        close_multipart(c, w, MULTIPART_ALTERNATIVE);
    }
}

static void write_attachments(const struct composing *c, struct wire *w, enum multipart kind)
{
    for (size_t i = 0; i < c->draft->attachment_count; i++) {
        const struct mime_draft_attachment *a = &c->draft->attachments[i];

        if (is_related(c, a) == (kind == MULTIPART_RELATED)) {
            open_child(c, w, kind);
            write_attachment(c, w, a);
            close_child(w);
        }
    }
}

static void write_bodies(const struct composing *c, struct wire *w)
{
    if (count_attachments(c, true) == 0) {
        write_alternatives(c, w);
        return;
    }
    open_multipart(c, w, MULTIPART_RELATED);
    open_child(c, w, MULTIPART_RELATED);
    write_alternatives(c, w);
    close_child(w);
    write_attachments(c, w, MULTIPART_RELATED);
    close_multipart(c, w, MULTIPART_RELATED);
}

static void write_mixed(const struct composing *c, struct wire *w)
{
    open_multipart(c, w, MULTIPART_MIXED);
    if (has_body(c) || c->calendar.present) {
        open_child(c, w, MULTIPART_MIXED);
        write_bodies(c, w);
        close_child(w);
    }
    write_attachments(c, w, MULTIPART_MIXED);
    close_multipart(c, w, MULTIPART_MIXED);
}

/* The only leaf of a message, if it has but one. */
static const struct leaf *single_leaf(const struct composing *c)
{
    if (c->draft->attachment_count > 0 ||
        c->text.present + c->html.present + c->calendar.present > 1) {
        return NULL;
    }
    return c->html.present ? &c->html : c->calendar.present ? &c->calendar : &c->text;
}

/* A file ends with a line end; a text need not. */
static void write_end(const struct composing *c, struct wire *w)
{
    const struct leaf *leaf = single_leaf(c);

    if (leaf == NULL || leaf->encoding == WIRE_BASE64) {
        wire_newline(w);
    } else if (leaf->encoding == WIRE_QP && w->n > w->line_start) {
        wire_char(w, '=');
        wire_newline(w);
    }
}

static void write_message(const struct composing *c, struct wire *w)
{
    wire_header(w, c->arena, c->draft);
    if (count_attachments(c, false) > 0) {
        write_mixed(c, w);
    } else {
        write_bodies(c, w);
    }
    write_end(c, w);
}

/* ---- boundaries ---- */

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t hash(uint64_t h, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * FNV_PRIME;
    }
    return (h ^ s.n) * FNV_PRIME;
}

/* Whether the parts that travel as they are contain what starts all our boundaries. */
static bool is_taken(const struct composing *c, uint64_t stem)
{
    struct str start = str_printf(c->arena, "--=_%016llx_", (unsigned long long)stem);
    const struct leaf *leaves[] = {&c->text, &c->html, &c->calendar};

    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        if (leaves[i]->encoding == WIRE_7BIT &&
            str_find(leaves[i]->content, start, 0) != SIZE_MAX) {
            return true;
        }
    }
    for (size_t i = 0; i < c->draft->attachment_count; i++) {
        const struct mime_draft_attachment *a = &c->draft->attachments[i];

        if (a->is_message && str_find(a->content, start, 0) != SIZE_MAX) {
            return true;
        }
    }
    return false;
}

/* Only to differ from message to message, for readers that look no further; that it occurs nowhere is looked up. */
static uint64_t choose_stem(const struct composing *c)
{
    const struct mime_draft *d = c->draft;
    uint64_t stem = hash(hash(hash(FNV_START, d->message_id), d->subject), c->text.content);

    stem = hash(hash(stem, c->html.content), c->calendar.content);
    while (is_taken(c, stem)) {
        stem += FNV_PRIME;
    }
    return stem;
}

struct str mime_compose(const struct mime_draft *draft, struct arena *arena)
{
    struct composing c = {.draft = draft, .arena = arena};
    struct wire counted = {0}, written = {0};

    c.html = leaf_of(arena, draft->has_html, draft->html);
    c.calendar = leaf_of(arena, draft->calendar.n > 0, draft->calendar);
    /* A message that has nothing has an empty text. */
    c.text = leaf_of(arena,
                     draft->has_text || (!draft->has_html && draft->calendar.n == 0 &&
                                         draft->attachment_count == 0),
                     draft->text);
    c.stem = choose_stem(&c);
    write_message(&c, &counted);
    written.p = arena_alloc(arena, counted.n);
    write_message(&c, &written);
    assert(written.n == counted.n);
    return str_of(written.p, written.n);
}
