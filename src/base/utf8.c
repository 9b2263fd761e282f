#include "base/utf8.h"

#include "base/arena.h"

#define REPLACEMENT 0xFFFDu
#define MAX_CODE_POINT 0x10FFFFu
#define CONTINUATIONS_MAX 3

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* How many bytes a code point has that starts so; 0 when none does. */
static size_t code_point_bytes(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* The bytes of the valid code point at the front of s, and its value; 0 when there is none. */
static size_t decode(struct str s, uint32_t *code_point_r)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)s.p[0];
    size_t n = code_point_bytes(lead);
    uint32_t v = n < 2 ? lead : lead & (0x7fu >> n);

    if (n == 0 || n > s.n) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if (!is_continuation(s.p[i])) {
            return 0;
        }
        v = v << 6 | ((unsigned char)s.p[i] & 0x3f);
    }
    if (v < least[n] || v > MAX_CODE_POINT || (v >= 0xd800 && v <= 0xdfff)) {
        return 0;
    }
    *code_point_r = v;
    return n;
}

/* How many of the first bytes are ASCII, eight at a time. */
static size_t ascii_run(struct str s)
{
    size_t n = 0;

    while (s.n - n >= 8) {
        uint64_t eight;

        memcpy(&eight, s.p + n, 8);
        if ((eight & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
        n += 8;
    }
    return n;
}

bool utf8_valid(struct str s)
{
    while (s.n > 0) {
        uint32_t code_point;
        size_t n = ascii_run(s);

        if (n == 0) {
            n = decode(s, &code_point);
            if (n == 0) {
                return false;
            }
        }
        s = str_sub(s, n, SIZE_MAX);
    }
    return true;
}

uint32_t utf8_take(struct str *s)
{
    uint32_t code_point = REPLACEMENT;
    size_t n = decode(*s, &code_point);

    *s = str_sub(*s, n != 0 ? n : 1, SIZE_MAX);
    return code_point;
}

void utf8_put(struct buf *b, uint32_t code_point)
{
    char *p = buf_reserve(b, 4);

    if (code_point > MAX_CODE_POINT || (code_point >= 0xd800 && code_point <= 0xdfff)) {
        code_point = REPLACEMENT;
    }
    if (code_point < 0x80) {
        p[0] = (char)code_point;
        b->n += 1;
    } else if (code_point < 0x800) {
        p[0] = (char)(0xc0 | code_point >> 6);
        p[1] = (char)(0x80 | (code_point & 0x3f));
        b->n += 2;
    } else if (code_point < 0x10000) {
        p[0] = (char)(0xe0 | code_point >> 12);
        p[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
        p[2] = (char)(0x80 | (code_point & 0x3f));
        b->n += 3;
    } else {
        p[0] = (char)(0xf0 | code_point >> 18);
        p[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
        p[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
        p[3] = (char)(0x80 | (code_point & 0x3f));
        b->n += 4;
    }
}

/* Production Char of XML 1.0. */
static bool is_xml_char(uint32_t c)
{
    return c >= 0x20 ? c < 0xfffe || c > 0xffff : c == '\t' || c == '\n' || c == '\r';
}

size_t utf8_xml_char_bytes(struct str s)
{
    uint32_t c;
    size_t n = decode(s, &c);

    return n != 0 && is_xml_char(c) ? n : 0;
}

/* The length of the part of s that needs no cleaning. */
static size_t clean_run(struct str s)
{
    struct str rest = s;

    while (rest.n > 0) {
        size_t n = utf8_xml_char_bytes(rest);

        if (n == 0) {
            break;
        }
        rest = str_sub(rest, n, SIZE_MAX);
    }
    return s.n - rest.n;
}

/* The bytes of b as a text in the arena; ends b. */
static struct str into_arena(struct arena *arena, struct buf *b)
{
    struct str text = str_of(arena_strndup(arena, b->p, b->n), b->n);

    buf_fini(b);
    return text;
}

struct str utf8_for_xml(struct arena *arena, struct str s)
{
    size_t clean = clean_run(s);
    struct str rest = str_sub(s, clean, SIZE_MAX);
    struct buf out = BUF_INIT;

    if (rest.n == 0) {
        return s;
    }
    buf_append(&out, s.p, clean);
    while (rest.n > 0) {
        uint32_t c = utf8_take(&rest);

        utf8_put(&out, is_xml_char(c) ? c : REPLACEMENT);
    }
    return into_arena(arena, &out);
}

struct str utf8_cut(struct str s, size_t max_bytes)
{
    size_t at = max_bytes;

    if (s.n <= max_bytes) {
        return s;
    }
    for (int back = 0; back < CONTINUATIONS_MAX && at > 0 && is_continuation(s.p[at]); back++) {
        at--;
    }
    /* More continuations than any code point has: no text, any place is as good. */
    return str_sub(s, 0, is_continuation(s.p[at]) ? max_bytes : at);
}

struct str utf8_cut_chars(struct str s, size_t max_chars)
{
    struct str rest = s;

    for (size_t i = 0; i < max_chars && rest.n > 0; i++) {
        utf8_take(&rest);
    }
    return str_sub(s, 0, s.n - rest.n);
}

/* Code points first, first + step .. last fold by adding delta. */
static const struct fold_range {
    uint16_t first, last;
    int16_t delta;
    uint16_t step;
} fold_ranges[] = {
    {0x0041, 0x005a, 32, 1}, /* Latin */
    {0x00c0, 0x00d6, 32, 1},
    {0x00d8, 0x00de, 32, 1},
    {0x0100, 0x012e, 1, 2},
    {0x0130, 0x0130, 'i' - 0x130, 1},
    {0x0132, 0x0136, 1, 2},
    {0x0139, 0x0147, 1, 2},
    {0x014a, 0x0176, 1, 2},
    {0x0178, 0x0178, 0xff - 0x178, 1},
    {0x0179, 0x017d, 1, 2},
    {0x01a0, 0x01a4, 1, 2},
    {0x01af, 0x01af, 1, 1},
    {0x01c4, 0x01c4, 2, 1},
    {0x01c5, 0x01c5, 1, 1},
    {0x01c7, 0x01c7, 2, 1},
    {0x01c8, 0x01c8, 1, 1},
    {0x01ca, 0x01ca, 2, 1},
    {0x01cb, 0x01db, 1, 2},
    {0x01de, 0x01ee, 1, 2},
    {0x01f1, 0x01f1, 2, 1},
    {0x01f2, 0x01f4, 1, 2},
    {0x01f8, 0x021e, 1, 2},
    {0x0222, 0x0232, 1, 2},
    {0x0246, 0x024e, 1, 2},
    {0x0370, 0x0372, 1, 2}, /* Greek */
    {0x0376, 0x0376, 1, 1},
    {0x0386, 0x0386, 38, 1},
    {0x0388, 0x038a, 37, 1},
    {0x038c, 0x038c, 64, 1},
    {0x038e, 0x038f, 63, 1},
    {0x0391, 0x03a1, 32, 1},
    {0x03a3, 0x03ab, 32, 1},
    {0x03c2, 0x03c2, 1, 1}, /* final sigma is sigma */
    {0x03d8, 0x03ee, 1, 2},
    {0x0400, 0x040f, 80, 1}, /* Cyrillic */
    {0x0410, 0x042f, 32, 1},
    {0x0460, 0x0480, 1, 2},
    {0x048a, 0x04be, 1, 2},
    {0x04c0, 0x04c0, 15, 1},
    {0x04c1, 0x04cd, 1, 2},
    {0x04d0, 0x052e, 1, 2},
    {0x0531, 0x0556, 48, 1}, /* Armenian */
    {0x1e00, 0x1e94, 1, 2},  /* Latin and Greek with marks */
    {0x1e9e, 0x1e9e, 0xdf - 0x1e9e, 1},
    {0x1ea0, 0x1efe, 1, 2},
    {0x1f08, 0x1f0f, -8, 1},
    {0x1f18, 0x1f1d, -8, 1},
    {0x1f28, 0x1f2f, -8, 1},
    {0x1f38, 0x1f3f, -8, 1},
    {0x1f48, 0x1f4d, -8, 1},
    {0x1f59, 0x1f5f, -8, 2},
    {0x1f68, 0x1f6f, -8, 1},
};

static uint32_t fold_char(uint32_t c)
{
    size_t low = 0;
    size_t high = ARRAY_LEN(fold_ranges);

    while (low < high) {
        size_t mid = (low + high) / 2;
        const struct fold_range *range = &fold_ranges[mid];

        if (c < range->first) {
            high = mid;
        } else if (c > range->last) {
            low = mid + 1;
        } else {
            return (c - range->first) % range->step == 0 ? (uint32_t)((int32_t)c + range->delta)
                                                         : c;
        }
    }
    return c;
}

struct str utf8_fold(struct arena *arena, struct str s)
{
    struct buf out = BUF_INIT;

    if (ascii_run(s) == s.n) {
        return str_lower(arena, s);
    }
    buf_reserve(&out, s.n);
    while (s.n > 0) {
        utf8_put(&out, fold_char(utf8_take(&s)));
    }
    return into_arena(arena, &out);
}
