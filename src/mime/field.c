#include "mime/mime-private.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "mime/limits.h"

size_t mime_line(struct str s, size_t from, struct str *line_r)
{
    const char *start = s.p + from;
    const char *end = from < s.n ? memchr(start, '\n', s.n - from) : NULL;
    size_t n = end != NULL ? (size_t)(end - start) : s.n - from;

    *line_r = str_of(start, n > 0 && start[n - 1] == '\r' ? n - 1 : n);
    return from + n + (end != NULL);
}

bool mime_line_is_field(struct str line)
{
    size_t i = 0;

    while (i < line.n && line.p[i] > ' ' && line.p[i] < 0x7f && line.p[i] != ':') {
        i++;
    }
    if (i == 0) {
        return false;
    }
    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t')) {
        i++;
    }
    return i < line.n && line.p[i] == ':';
}

static bool is_continuation(struct str line)
{
    return line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
}

/* A generous first guess, so that the usual header needs one allocation. */
#define FIELDS_FIRST 32

struct mime_fields mime_fields_split(struct arena *arena, struct str block)
{
    size_t cap = FIELDS_FIRST;
    struct mime_field *v = ARENA_ARRAY(arena, struct mime_field, cap);
    size_t n = 0;
    struct str line;

    block = str_sub(block, 0, MIME_HEADER_BLOCK_BYTES_MAX);
    for (size_t at = 0; at < block.n;) {
        at = mime_line(block, at, &line);
        if (is_continuation(line) && n > 0) {
            v[n - 1].raw.n = (size_t)(line.p + line.n - v[n - 1].raw.p);
            continue;
        }
        if (!mime_line_is_field(line)) {
            continue;
        }
        if (n == MIME_FIELDS_MAX) {
            break;
        }
        if (n == cap) {
            v = arena_grow(arena, v, cap * sizeof(*v), 2 * cap * sizeof(*v));
            cap *= 2;
        }
        size_t colon = str_find_char(line, ':', 0);

        v[n].name = str_trim(str_sub(line, 0, colon));
        v[n].raw = str_sub(line, colon + 1, SIZE_MAX);
        n++;
    }
    return (struct mime_fields){v, n};
}

struct str mime_fields_find(struct mime_fields fields, const char *name)
{
    struct str wanted = str_from(name);

    for (size_t i = 0; i < fields.n; i++) {
        if (str_eq_nocase(fields.v[i].name, wanted)) {
            return fields.v[i].raw;
        }
    }
    return STR_NULL;
}

struct str mime_field_unfold(struct arena *arena, struct str raw, size_t max)
{
    struct str s = str_trim(str_sub(raw, 0, max));
    char *out = arena_alloc(arena, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '\n' || (c == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')) {
            continue;
        }
        out[n++] = c == '\0' ? ' ' : c;
    }
    return str_of(out, n);
}

/* Bytes found in a text, as a set of these. */
enum { HAS_CONTROL = 1, HAS_8BIT = 2 };

static unsigned survey(struct str s)
{
    unsigned has = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool control = c < ' ' && c != '\t' && c != '\n' && c != '\r';

        has |= (control ? HAS_CONTROL : 0u) | (c >= 0x80 ? HAS_8BIT : 0u);
    }
    return has;
}

/* Most text is clean, and much faster seen to be so than cleaned. U+FFFE and U+FFFF, which XML refuses, start with EF BF. */
struct str mime_clean(struct arena *arena, struct str s)
{
    unsigned has = survey(s);

    if (has == 0 ||
        (has == HAS_8BIT && utf8_valid(s) && str_find(s, STR("\xef\xbf"), 0) == SIZE_MAX)) {
        return s;
    }
    return utf8_for_xml(arena, s);
}

struct str mime_clean_cstr(struct arena *arena, const char *s)
{
    return mime_clean(arena, str_dup(arena, str_from(s)));
}

struct str mime_field_text(struct arena *arena, struct str raw)
{
    struct str s = mime_field_unfold(arena, raw, MIME_VALUE_BYTES_MAX);

    if (survey(s) == 0 && str_find(s, STR("=?"), 0) == SIZE_MAX) {
        return s;
    }
    char *decoded = g_mime_utils_header_decode_text(mime_parser_options, s.p);
    struct str text = mime_clean_cstr(arena, decoded);

    g_free(decoded);
    return text;
}

bool mime_field_date(struct arena *arena, struct str raw, int64_t *date_ms_r)
{
    struct str s = mime_field_unfold(arena, raw, MIME_SHORT_VALUE_BYTES_MAX);
    GDateTime *date = s.n > 0 ? g_mime_utils_header_decode_date(s.p) : NULL;

    if (date == NULL) {
        return false;
    }
    int year = g_date_time_get_year(date);
    bool ok = year >= MIME_YEAR_MIN && year <= MIME_YEAR_MAX;

    if (ok) {
        *date_ms_r = g_date_time_to_unix(date) * 1000;
    }
    g_date_time_unref(date);
    return ok;
}
