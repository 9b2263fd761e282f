/*
 * HTML to text and back. No parser of HTML: one pass that drops tags, breaks lines at block elements and decodes entities. Every byte is looked at a
 * bounded number of times, whatever the markup.
 */
#include "mime/mime-private.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"

/* Longest tag and entity names we know. */
#define NAME_BYTES_MAX 16

enum tag_effect {
    TAG_NOTHING,
    TAG_BREAK,     /* a line ends here */
    TAG_LINE,      /* starts and ends a line */
    TAG_PARAGRAPH, /* stands apart by an empty line */
    TAG_ITEM,
    TAG_CELL,
    TAG_PRE,
    TAG_DROP /* with all up to its end tag */
};

/* What else a head contains has no text; and head itself need not be closed. */
static const struct tag {
    char name[NAME_BYTES_MAX];
    enum tag_effect effect;
} tags[] = {
    {"br", TAG_BREAK},     {"p", TAG_PARAGRAPH},   {"div", TAG_LINE},
    {"li", TAG_ITEM},      {"tr", TAG_LINE},       {"td", TAG_CELL},
    {"th", TAG_CELL},      {"style", TAG_DROP},    {"script", TAG_DROP},
    {"title", TAG_DROP},   {"textarea", TAG_LINE}, {"main", TAG_LINE},
    {"h1", TAG_PARAGRAPH}, {"h2", TAG_PARAGRAPH},  {"h3", TAG_PARAGRAPH},
    {"h4", TAG_PARAGRAPH}, {"h5", TAG_PARAGRAPH},  {"h6", TAG_PARAGRAPH},
    {"table", TAG_LINE},   {"ul", TAG_LINE},       {"ol", TAG_LINE},
    {"dl", TAG_LINE},      {"dt", TAG_LINE},       {"dd", TAG_LINE},
    {"hr", TAG_LINE},      {"pre", TAG_PRE},       {"blockquote", TAG_PARAGRAPH},
    {"body", TAG_LINE},    {"center", TAG_LINE},   {"form", TAG_LINE},
    {"section", TAG_LINE}, {"article", TAG_LINE},  {"header", TAG_LINE},
    {"footer", TAG_LINE},  {"address", TAG_LINE},  {"option", TAG_LINE},
    {"caption", TAG_LINE}, {"figure", TAG_LINE},   {"nav", TAG_LINE},
};

struct html_text {
    struct str s;
    size_t at;
    struct buf out;
    unsigned newlines;   /* wanted before the next text */
    bool space;          /* wanted before the next text */
    unsigned pre;        /* open pre elements */
    bool quotes_ignored; /* a quote was never closed: attribute values no longer hide > */
};

/* ---- output ---- */

static void want_newlines(struct html_text *t, unsigned n)
{
    if (t->newlines < n) {
        t->newlines = n;
    }
    t->space = false;
}

/* What was wanted before a character, none of it at the very start. */
static void settle(struct html_text *t)
{
    if (t->out.n > 0) {
        for (unsigned i = 0; i < t->newlines; i++) {
            BUF_LIT(&t->out, "\r\n");
        }
        if (t->newlines == 0 && t->space) {
            buf_add_char(&t->out, ' ');
        }
    }
    t->newlines = 0;
    t->space = false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void put_space(struct html_text *t, char c)
{
    if (t->pre > 0 && c == '\n') {
        /* Ends a line; several make empty lines. Bounded by the input. */
        t->newlines++;
        t->space = false;
    } else if (t->pre > 0 && c != '\r') {
        settle(t);
        buf_add_char(&t->out, ' ');
    } else if (t->newlines == 0) {
        t->space = true;
    }
}

/* ---- entities ---- */

static uint32_t number_of(struct str digits, unsigned base)
{
    uint32_t v = 0;

    for (size_t i = 0; i < digits.n; i++) {
        int d = g_ascii_xdigit_value(digits.p[i]);

        if (d < 0 || (unsigned)d >= base || v > 0x10ffff) {
            return 0;
        }
        v = v * base + (unsigned)d;
    }
    return v;
}

/* Bytes 0x80..0x9f given as numbers are meant as windows-1252. */
static uint32_t fix_number(uint32_t v)
{
    static const uint16_t windows[32] = {
        0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178};

    return v >= 0x80 && v < 0xa0 ? windows[v - 0x80] : v;
}

static uint32_t entity_value(struct str name)
{
    if (name.n > 2 && name.p[0] == '#' && (name.p[1] == 'x' || name.p[1] == 'X')) {
        return fix_number(number_of(str_sub(name, 2, SIZE_MAX), 16));
    }
    if (name.n > 1 && name.p[0] == '#') {
        return fix_number(number_of(str_sub(name, 1, SIZE_MAX), 10));
    }
    return mime_html_entity(name);
}

static void put_entity(struct html_text *t)
{
    size_t end = t->at + 1;
    uint32_t v;

    while (end < t->s.n && end - t->at <= NAME_BYTES_MAX &&
           (g_ascii_isalnum(t->s.p[end]) || t->s.p[end] == '#')) {
        end++;
    }
    v = entity_value(str_sub(t->s, t->at + 1, end - t->at - 1));
    if (v == 0) {
        settle(t);
        buf_add_char(&t->out, '&');
        t->at++;
        return;
    }
    t->at = end < t->s.n && t->s.p[end] == ';' ? end + 1 : end;
    if (v == 0xa0) {
        v = ' ';
    }
    settle(t);
    utf8_put(&t->out, v);
}

/* ---- tags ---- */

/* Just behind the next > from at on, taking quotes for quotes; SIZE_MAX if there is none. */
static size_t quoted_tag_end(struct str s, size_t at)
{
    char quote = '\0';

    for (; at < s.n; at++) {
        char c = s.p[at];

        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if ((c == '"' || c == '\'') && s.p[at - 1] == '=') {
            quote = c;
        } else if (c == '>') {
            return at + 1;
        }
    }
    return SIZE_MAX;
}

static size_t tag_end(struct html_text *t, size_t at)
{
    size_t end = t->quotes_ignored ? SIZE_MAX : quoted_tag_end(t->s, at);

    if (end == SIZE_MAX) {
        t->quotes_ignored = true;
        end = str_find_char(t->s, '>', at);
        end = end == SIZE_MAX ? t->s.n : end + 1;
    }
    return end;
}

static enum tag_effect effect_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (str_is_nocase(name, tags[i].name)) {
            return tags[i].effect;
        }
    }
    return TAG_NOTHING;
}

/* Where "</name" stands; the end if nowhere. Each byte is passed once: t->at moves there. */
static void drop_until_end_tag(struct html_text *t, struct str name)
{
    while (t->at < t->s.n) {
        size_t open = str_find(t->s, STR("</"), t->at);
        struct str rest;

        if (open == SIZE_MAX) {
            t->at = t->s.n;
            return;
        }
        rest = str_sub(t->s, open + 2, name.n);
        if (str_eq_nocase(rest, name)) {
            t->at = tag_end(t, open + 2);
            return;
        }
        t->at = open + 2;
    }
}

static void apply_start(struct html_text *t, struct str name)
{
    switch (effect_of(name)) {
    case TAG_NOTHING: break;
    case TAG_BREAK:
        t->newlines++;
        t->space = false;
        break;
    case TAG_LINE: want_newlines(t, 1); break;
    case TAG_PARAGRAPH: want_newlines(t, 2); break;
    case TAG_ITEM:
        want_newlines(t, 1);
        settle(t);
        BUF_LIT(&t->out, "* ");
        break;
    case TAG_CELL: put_space(t, ' '); break;
    case TAG_PRE:
        want_newlines(t, 1);
        t->pre++;
        break;
    case TAG_DROP: drop_until_end_tag(t, name); break;
    }
}

static void apply_end(struct html_text *t, struct str name)
{
    switch (effect_of(name)) {
    case TAG_LINE:
    case TAG_ITEM: want_newlines(t, 1); break;
    case TAG_PARAGRAPH: want_newlines(t, 2); break;
    case TAG_PRE:
        want_newlines(t, 1);
        t->pre -= t->pre > 0;
        break;
    case TAG_NOTHING:
    case TAG_BREAK:
    case TAG_CELL:
    case TAG_DROP: break;
    }
}

static void skip_comment(struct html_text *t)
{
    size_t end = str_find(t->s, STR("-->"), t->at + 4);

    t->at = end == SIZE_MAX ? t->s.n : end + 3;
}

static void take_tag(struct html_text *t)
{
    bool is_end = t->at + 1 < t->s.n && t->s.p[t->at + 1] == '/';
    size_t start = t->at + 1 + is_end;
    size_t end = start;

    while (end < t->s.n && g_ascii_isalnum(t->s.p[end])) {
        end++;
    }
    t->at = tag_end(t, end);
    if (is_end) {
        apply_end(t, str_sub(t->s, start, end - start));
    } else {
        apply_start(t, str_sub(t->s, start, end - start));
    }
}

static void take_angle(struct html_text *t)
{
    struct str rest = str_sub(t->s, t->at, SIZE_MAX);
    char c = rest.n > 1 ? rest.p[1] : '\0';

    if (str_starts(rest, STR("<!--"))) {
        skip_comment(t);
    } else if (c == '!' || c == '?') {
        t->at = tag_end(t, t->at + 1);
    } else if (g_ascii_isalpha(c) || (c == '/' && rest.n > 2 && g_ascii_isalpha(rest.p[2]))) {
        take_tag(t);
    } else {
        settle(t);
        buf_add_char(&t->out, '<');
        t->at++;
    }
}

/* A run of characters that mean themselves. */
static void take_run(struct html_text *t)
{
    size_t end = t->at;

    while (end < t->s.n && t->s.p[end] != '<' && t->s.p[end] != '&' && !is_space(t->s.p[end])) {
        end++;
    }
    settle(t);
    buf_append(&t->out, t->s.p + t->at, end - t->at);
    t->at = end;
}

struct str mime_html_to_text_max(struct arena *arena, struct str html, size_t max_bytes)
{
    struct html_text t = {.s = html, .out = BUF_INIT};
    struct str text;

    while (t.at < html.n && t.out.n < max_bytes) {
        char c = html.p[t.at];

        if (c == '<') {
            take_angle(&t);
        } else if (c == '&') {
            put_entity(&t);
        } else if (is_space(c)) {
            put_space(&t, c);
            t.at++;
        } else {
            take_run(&t);
        }
    }
    text = str_dup(arena, buf_str(&t.out));
    buf_fini(&t.out);
    return mime_clean(arena, text);
}

struct str mime_html_to_text(struct arena *arena, struct str html)
{
    return mime_html_to_text_max(arena, html, SIZE_MAX);
}

/* ---- text to HTML ---- */

static void put_html(struct buf *out, struct str text, size_t i)
{
    switch (text.p[i]) {
    case '&': BUF_LIT(out, "&amp;"); break;
    case '<': BUF_LIT(out, "&lt;"); break;
    case '>': BUF_LIT(out, "&gt;"); break;
    case '\r': break;
    case '\n': BUF_LIT(out, "<br>\r\n"); break;
    case ' ':
        /* The second of two spaces would be collapsed away, and so would indentation. */
        if (i == 0 || text.p[i - 1] == ' ' || text.p[i - 1] == '\n') {
            BUF_LIT(out, "&nbsp;");
        } else {
            buf_add_char(out, ' ');
        }
        break;
    default: buf_add_char(out, text.p[i]); break;
    }
}

struct str mime_text_to_html(struct arena *arena, struct str text)
{
    struct buf out = BUF_INIT;
    struct str html;

    BUF_LIT(&out,
            "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">"
            "</head><body>\r\n<div>");
    for (size_t i = 0; i < text.n; i++) {
        put_html(&out, text, i);
    }
    BUF_LIT(&out, "</div>\r\n</body></html>\r\n");
    html = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return mime_clean(arena, html);
}
