/*
 * Header fields. A line end in a value is the one thing that must never pass: every value goes through wire_clean, which leaves none. Folds are put
 * only before white space that is there, so that unfolding gives the value back exactly.
 */
#include "mime/compose-private.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/macros.h"
#include "base/utf8.h"
#include "mime/limits.h"
#include "mime/mime-private.h"

#define FOLD_COLUMN 78
/* A word and its neighbours' white space: longer ones are encoded, or left out where that is not possible. */
#define WORD_BYTES_MAX 900

#define WORD_START "=?utf-8?"
/* RFC 2047: an encoded word has at most 75 characters; ten of them are its start with "Q?" or "B?", two its end. */
#define WORD_TEXT_MAX 63
/* These and the space before; and the text of the longest character. */
#define WORD_FRAME 13
#define WORD_TEXT_MIN 12

struct str wire_clean(struct arena *arena, struct str s)
{
    char *out = arena_memdup(arena, s.p, s.n);

    for (size_t i = 0; i < s.n; i++) {
        if (out[i] == '\r' || out[i] == '\n' || out[i] == '\0') {
            out[i] = ' ';
        }
    }
    return mime_clean(arena, str_of(out, s.n));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* White space and the word after it, from the front of *s. */
static struct str take_word(struct str *s)
{
    size_t n = 0;
    struct str word;

    while (n < s->n && is_blank(s->p[n])) {
        n++;
    }
    while (n < s->n && !is_blank(s->p[n])) {
        n++;
    }
    word = str_sub(*s, 0, n);
    *s = str_sub(*s, n, SIZE_MAX);
    return word;
}

static bool has_long_word(struct str s)
{
    while (s.n > 0) {
        if (take_word(&s).n > WORD_BYTES_MAX) {
            return true;
        }
    }
    return false;
}

/* Whether the value can stand as it is, and reading gives it back. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < ' ' && c != '\t') || c >= 0x7f) {
            return false;
        }
    }
    return s.n == 0 || (!is_blank(s.p[0]) && !is_blank(s.p[s.n - 1]) &&
                        str_find(s, STR("=?"), 0) == SIZE_MAX && !has_long_word(s));
}

static void write_folded(struct wire *w, struct str s)
{
    bool first = true;

    wire_char(w, ' ');
    while (s.n > 0) {
        struct str word = take_word(&s);

        if (word.n > WORD_BYTES_MAX) {
            continue;
        }
        if (!first && wire_column(w) + word.n > FOLD_COLUMN) {
            wire_newline(w);
        }
        wire_str(w, word);
        first = false;
    }
}

/* ---- encoded words ---- */

/* What may stand for itself in an encoded word wherever it is (RFC 2047, 5 (3)). */
static bool is_word_literal(unsigned char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!*+-/", c) != NULL);
}

static size_t q_bytes(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        n += is_word_literal((unsigned char)s.p[i]) || s.p[i] == ' ' ? 1 : 3;
    }
    return n;
}

static void write_q(struct wire *w, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == ' ') {
            wire_char(w, '_');
        } else if (is_word_literal(c)) {
            wire_char(w, s.p[i]);
        } else {
            wire_append(w, (char[]){'=', hex[c >> 4], hex[c & 15]}, 3);
        }
    }
}

static void write_b(struct wire *w, struct str s)
{
    char text[WORD_TEXT_MAX + 1];

    wire_append(w, text, base64_encode_to(text, s.p, s.n));
}

/* The longest run of whole characters that fits room characters of that encoding; none may, in base64. */
static struct str chunk_of(struct str s, bool q, size_t room)
{
    struct str rest = s;
    size_t n = 0, used = 0;

    while (rest.n > 0) {
        size_t at = s.n - rest.n;

        utf8_take(&rest);
        size_t end = s.n - rest.n;

        used = q ? used + q_bytes(str_sub(s, at, end - at)) : BASE64_BYTES(end);
        if (used > room) {
            break;
        }
        /* Readers join words before they decode them, where padding would be the end. */
        if (q || end % 3 == 0 || rest.n == 0) {
            n = end;
        }
    }
    return str_sub(s, 0, n);
}

static void write_word(struct wire *w, struct str chunk, bool q)
{
    wire_cstr(w, q ? " " WORD_START "Q?" : " " WORD_START "B?");
    (q ? write_q : write_b)(w, chunk);
    wire_cstr(w, "?=");
}

/* Some readers stumble over a first line that is empty, so it takes what fits it; where next to nothing does a new line is begun. */
static size_t make_room(struct wire *w)
{
    size_t used = wire_column(w) + WORD_FRAME;

    if (used + WORD_TEXT_MIN > FOLD_COLUMN) {
        wire_newline(w);
        used = WORD_FRAME;
    }
    return FOLD_COLUMN - used < WORD_TEXT_MAX ? FOLD_COLUMN - used : WORD_TEXT_MAX;
}

void wire_encoded_words(struct wire *w, struct str value)
{
    bool q = q_bytes(value) <= BASE64_BYTES(value.n);

    while (value.n > 0) {
        size_t room = make_room(w);
        struct str chunk = q ? STR("") : chunk_of(value, false, room);
        bool word_q = q || chunk.n == 0;

        if (word_q) {
            chunk = chunk_of(value, true, room);
        }
        write_word(w, chunk, word_q);
        value = str_sub(value, chunk.n, SIZE_MAX);
    }
}

/* ---- fields ---- */

void wire_field_text(struct wire *w, struct arena *arena, struct str name, struct str value)
{
    value = wire_clean(arena, value);
    wire_str(w, name);
    wire_char(w, ':');
    if (is_plain(value)) {
        write_folded(w, value);
    } else {
        wire_encoded_words(w, value);
    }
    wire_newline(w);
}

static void blank_controls(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)p[i] < ' ' || p[i] == 0x7f) {
            p[i] = ' ';
        }
    }
}

void wire_field_raw(struct wire *w, struct arena *arena, const char *name, struct str value)
{
    char *copy = arena_memdup(arena, value.p, value.n);

    blank_controls(copy, value.n);
    value = str_trim(mime_clean(arena, str_of(copy, value.n)));
    if (value.n == 0 || (has_long_word(value) && str_find_char(value, ' ', 0) == SIZE_MAX)) {
        return;
    }
    wire_cstr(w, name);
    wire_char(w, ':');
    write_folded(w, value);
    wire_newline(w);
}

void wire_field_literal(struct wire *w, const char *name, const char *value)
{
    wire_cstr(w, name);
    wire_cstr(w, ": ");
    wire_cstr(w, value);
    wire_newline(w);
}

/* ---- parameters ---- */

/* A value that stands between quotes as it is: what every reader understands. */
static bool is_quotable(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '%') {
            return false;
        }
    }
    return s.n <= 60 && str_find(s, STR("=?"), 0) == SIZE_MAX;
}

static bool is_attribute_char(unsigned char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$&+-.^_`{}~", c) != NULL);
}

static void write_percent(struct wire *w, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";

    if (is_attribute_char(c)) {
        wire_char(w, (char)c);
    } else {
        wire_append(w, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
}

/* RFC 2231: key*0*=utf-8''…; key*1*=… in pieces that fit a line. */
static void write_extended(struct wire *w, const char *key, struct str value)
{
    bool single = value.n * 3 < 50;
    unsigned section = 0;

    for (size_t at = 0; at < value.n; section++) {
        char head[32];

        wire_char(w, ';');
        wire_newline(w);
        snprintf(head, sizeof(head), single ? " %s*=" : " %s*%u*=", key, section);
        wire_cstr(w, head);
        wire_cstr(w, section == 0 ? "utf-8''" : "");
        for (; at < value.n && wire_column(w) < FOLD_COLUMN - 4; at++) {
            write_percent(w, (unsigned char)value.p[at]);
        }
    }
}

void wire_parameter(struct wire *w, struct arena *arena, const char *key, struct str value)
{
    value = str_trim(wire_clean(arena, value));
    if (value.n == 0) {
        return;
    }
    if (!is_quotable(value)) {
        write_extended(w, key, value);
        return;
    }
    wire_char(w, ';');
    wire_newline(w);
    wire_char(w, ' ');
    wire_cstr(w, key);
    wire_cstr(w, "=\"");
    wire_str(w, value);
    wire_char(w, '"');
}
