#include "xml/xml_write.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <endian.h>

/* What a byte of text needs; bits, so that text and attributes share the table. */
enum {
    IN_TEXT = 1,  /* replaced in text */
    IN_ATTR = 2,  /* replaced in attributes */
    MULTIBYTE = 4 /* to be looked at with the bytes that follow */
};

#define CLEAN_16 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define BOTH_16 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3
#define MULTI_16 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4

/* Rows of sixteen. */
static const unsigned char
    class_of[256] =
        {
            3,        3,        3,        3,        3,        3,
            3,        3,        3,        2,        2,        3,
            3,        3,        3,        3, /* tab and LF would be folded in attributes */
            BOTH_16,  0,        0,        2,        0,        0,
            0,        3,        0,        0,        0,        0,
            0,        0,        0,        0,        0, /* " and & */
            0,        0,        0,        0,        0,        0,
            0,        0,        0,        0,        0,        0,
            3,        0,        3,        0, /* < and > */
            CLEAN_16, CLEAN_16, CLEAN_16, CLEAN_16, MULTI_16, MULTI_16,
            MULTI_16, MULTI_16, MULTI_16, MULTI_16, MULTI_16, MULTI_16,
};

/* For bytes of class IN_TEXT or IN_ATTR; others that need one become U+FFFD. */
static const struct str escapes[64] = {
    ['\t'] = STR_INIT("&#9;"),  ['\n'] = STR_INIT("&#10;"), ['\r'] = STR_INIT("&#13;"),
    ['"'] = STR_INIT("&quot;"), ['&'] = STR_INIT("&amp;"),  ['<'] = STR_INIT("&lt;"),
    ['>'] = STR_INIT("&gt;"),
};

#define ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * The number of bytes, 0 to 8, before the first that may need a look: below space, beyond ASCII, or
 * one of " & < >. The first hit of each term is exact: borrows only go upwards.
 */
static size_t clean_of_eight(const char *p)
{
    uint64_t v, quote_amp, lt_gt, hits;

    memcpy(&v, p, sizeof(v));
    v = le64toh(v);
    quote_amp = (v & ~ALL(0x04)) ^ ALL(0x22); /* zero where the byte is " or & */
    lt_gt = (v & ~ALL(0x02)) ^ ALL(0x3c);     /* zero where it is < or > */
    hits = ((v - ALL(0x20)) & ~v) | v;
    hits |= (quote_amp - ALL(0x01)) & ~quote_amp;
    hits |= (lt_gt - ALL(0x01)) & ~lt_gt;
    hits &= ALL(0x80);
    return hits == 0 ? 8 : (size_t)__builtin_ctzll(hits) / 8;
}

/* The bytes at the front of s that are written as they are. */
static size_t clean_run(struct str s, unsigned where)
{
    size_t at = 0;

    while (at < s.n) {
        unsigned char class;

        if (s.n - at >= 8) {
            size_t n = clean_of_eight(s.p + at);

            at += n;
            if (n == 8) {
                continue;
            }
        }
        class = class_of[(unsigned char)s.p[at]];
        if (class == MULTIBYTE) {
            size_t n = utf8_xml_char_bytes(str_sub(s, at, SIZE_MAX));

            if (n == 0) {
                break;
            }
            at += n;
        } else if ((class & where) == 0) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

/* Writes what stands for the character at the front of *s, and advances. */
static void add_escape(struct buf *b, struct str *s)
{
    unsigned char c = (unsigned char)s->p[0];

    if (c < ARRAY_LEN(escapes) && escapes[c].n != 0) {
        buf_add_str(b, escapes[c]);
        *s = str_sub(*s, 1, SIZE_MAX);
    } else {
        utf8_take(s);
        BUF_LIT(b, "\xef\xbf\xbd");
    }
}

static inline void add_escaped(struct buf *b, struct str s, unsigned where)
{
    size_t n = clean_run(s, where);

    buf_append(b, s.p, n);
    while (__builtin_expect(n < s.n, 0)) {
        s = str_sub(s, n, SIZE_MAX);
        add_escape(b, &s);
        n = clean_run(s, where);
        buf_append(b, s.p, n);
    }
}

void xml_add_text(struct buf *b, struct str s)
{
    add_escaped(b, s, IN_TEXT);
}

void xml_add_attr_text(struct buf *b, struct str s)
{
    add_escaped(b, s, IN_ATTR);
}

void xml_open(struct buf *b, struct str name)
{
    char *p = buf_reserve(b, name.n + 2);

    *p++ = '<';
    memcpy(p, name.p, name.n);
    p[name.n] = '>';
    b->n += name.n + 2;
}

void xml_close(struct buf *b, struct str name)
{
    char *p = buf_reserve(b, name.n + 3);

    *p++ = '<';
    *p++ = '/';
    memcpy(p, name.p, name.n);
    p[name.n] = '>';
    b->n += name.n + 3;
}

void xml_add_element(struct buf *b, struct str name, struct str text)
{
    buf_reserve(b, 2 * name.n + 5 + text.n); /* mostly the only growth */
    xml_open(b, name);
    add_escaped(b, text, IN_TEXT);
    xml_close(b, name);
}

void xml_add_element_i64(struct buf *b, struct str name, int64_t v)
{
    xml_open(b, name);
    buf_add_i64(b, v);
    xml_close(b, name);
}

void xml_add_element_bool(struct buf *b, struct str name, bool v)
{
    xml_open(b, name);
    buf_add_str(b, v ? STR("true") : STR("false"));
    xml_close(b, name);
}

void xml_add_element_time(struct buf *b, struct str name, int64_t unix_ms, bool millis)
{
    char text[TIME_TEXT_BYTES];
    size_t n = time_format(unix_ms, millis, text);

    xml_open(b, name);
    buf_append(b, text, n);
    xml_close(b, name);
}

void xml_add_element_base64(struct buf *b, struct str name, const void *p, size_t n)
{
    buf_reserve(b, 2 * name.n + 5 + BASE64_BYTES(n));
    xml_open(b, name);
    base64_encode(b, p, n);
    xml_close(b, name);
}
