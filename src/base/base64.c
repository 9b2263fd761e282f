#include "base/base64.h"

#include <stdint.h>

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define NO 0xff /* not of the alphabet */
#define SP 0xfe /* white space: skipped by the lenient form */
#define NO_16 NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO

/* Rows of sixteen; no byte beyond ASCII is of the alphabet. */
static const unsigned char value_of[256] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, SP,    SP,    NO,    NO,    SP,    NO,    NO,    NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,    NO,    NO,    NO,    NO,    NO,    SP,    NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, 62,    NO,    NO,    NO,    63,    52,    53,    54,
    55, 56, 57, 58, 59, 60, 61, NO, NO, NO,    NO,    NO,    NO,    NO,    0,     1,     2,
    3,  4,  5,  6,  7,  8,  9,  10, 11, 12,    13,    14,    15,    16,    17,    18,    19,
    20, 21, 22, 23, 24, 25, NO, NO, NO, NO,    NO,    NO,    26,    27,    28,    29,    30,
    31, 32, 33, 34, 35, 36, 37, 38, 39, 40,    41,    42,    43,    44,    45,    46,    47,
    48, 49, 50, 51, NO, NO, NO, NO, NO, NO_16, NO_16, NO_16, NO_16, NO_16, NO_16, NO_16, NO_16,
};

static void encode_tail(char *out, const unsigned char *p, size_t n)
{
    unsigned v = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0);

    out[0] = alphabet[v >> 18];
    out[1] = alphabet[v >> 12 & 63];
    out[2] = n > 1 ? alphabet[v >> 6 & 63] : '=';
    out[3] = '=';
}

size_t base64_encode_to(char *out, const void *p, size_t n)
{
    const unsigned char *in = p;
    char *start = out;

    for (; n >= 3; n -= 3, in += 3, out += 4) {
        unsigned v = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];

        out[0] = alphabet[v >> 18];
        out[1] = alphabet[v >> 12 & 63];
        out[2] = alphabet[v >> 6 & 63];
        out[3] = alphabet[v & 63];
    }
    if (n > 0) {
        encode_tail(out, in, n);
        out += 4;
    }
    return (size_t)(out - start);
}

void base64_encode(struct buf *out, const void *p, size_t n)
{
    if (n != 0) {
        out->n += base64_encode_to(buf_reserve(out, BASE64_BYTES(n)), p, n);
    }
}

/* Whole groups of four from in to out; returns the characters taken: it stops at what it does
 * not know. */
static size_t decode_groups(unsigned char *out, const unsigned char *in, size_t n)
{
    size_t at = 0;

    for (; n - at >= 4; at += 4, out += 3) {
        unsigned a = value_of[in[at]];
        unsigned b = value_of[in[at + 1]];
        unsigned c = value_of[in[at + 2]];
        unsigned d = value_of[in[at + 3]];
        unsigned v = a << 18 | b << 12 | c << 6 | d;

        if ((a | b | c | d) > 63) {
            break;
        }
        out[0] = (unsigned char)(v >> 16);
        out[1] = (unsigned char)(v >> 8);
        out[2] = (unsigned char)v;
    }
    return at;
}

/* The last group of a strict text, with its padding; the number of bytes, or -1. */
static int decode_last(unsigned char *out, const unsigned char *in)
{
    unsigned a = value_of[in[0]];
    unsigned b = value_of[in[1]];
    unsigned c = value_of[in[2]];

    if ((a | b) > 63 || in[3] != '=') {
        return -1;
    }
    out[0] = (unsigned char)(a << 2 | b >> 4);
    if (in[2] == '=') {
        return (b & 15) == 0 ? 1 : -1;
    }
    if (c > 63 || (c & 3) != 0) {
        return -1;
    }
    out[1] = (unsigned char)((b & 15) << 4 | c >> 2);
    return 2;
}

bool base64_decode_to(unsigned char *out, size_t cap, struct str text, size_t *n_r)
{
    const unsigned char *in = (const unsigned char *)text.p;
    unsigned char last[2];
    size_t pads;
    size_t whole;
    int rest = 0;

    if (text.n % 4 != 0) {
        return false;
    }
    pads = text.n == 0 ? 0 : (size_t)(in[text.n - 1] == '=') + (in[text.n - 2] == '=');
    if (text.n / 4 * 3 - pads > cap) {
        return false;
    }
    whole = pads > 0 ? text.n - 4 : text.n;
    if (decode_groups(out, in, whole) != whole) {
        return false;
    }
    if (pads > 0) {
        rest = decode_last(last, in + whole);
        if (rest != 3 - (int)pads) {
            return false;
        }
        memcpy(out + whole / 4 * 3, last, (size_t)rest);
    }
    *n_r = whole / 4 * 3 + (size_t)rest;
    return true;
}

bool base64_decode(struct buf *out, struct str text)
{
    size_t cap = text.n / 4 * 3;
    size_t n;

    if (text.n == 0) {
        return true;
    }
    if (!base64_decode_to((unsigned char *)buf_reserve(out, cap + 1), cap, text, &n)) {
        return false;
    }
    out->n += n;
    return true;
}

/* What stands after the first '=': only more of it and white space. */
static bool is_padding(const unsigned char *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (in[i] != '=' && value_of[in[i]] != SP) {
            return false;
        }
    }
    return true;
}

/* The one to three characters left over at the end; false when they are no whole byte. */
static bool lenient_end(struct buf *out, unsigned bits, unsigned count)
{
    if (count == 1) {
        return false;
    }
    if (count >= 2) {
        buf_add_char(out, (char)(bits << (6 * (4 - count)) >> 16));
    }
    if (count == 3) {
        buf_add_char(out, (char)(bits << 6 >> 8));
    }
    return true;
}

static bool lenient_run(struct buf *out, const unsigned char *in, size_t n)
{
    unsigned bits = 0;
    unsigned count = 0;
    size_t at = 0;

    while (at < n && in[at] != '=') {
        unsigned v = value_of[in[at++]];

        if (v == NO) {
            return false;
        }
        if (v == SP) {
            if (count == 0) { /* at the start of a line: whole groups up to its end */
                size_t taken = decode_groups((unsigned char *)out->p + out->n, in + at, n - at);

                out->n += taken / 4 * 3;
                at += taken;
            }
            continue;
        }
        bits = (bits & 0x3ffff) << 6 | v;
        if (++count == 4) {
            buf_add_char(out, (char)(bits >> 16));
            buf_add_char(out, (char)(bits >> 8));
            buf_add_char(out, (char)bits);
            count = 0;
        }
    }
    return is_padding(in + at, n - at) && lenient_end(out, bits, count);
}

bool base64_decode_lenient(struct buf *out, struct str text)
{
    const unsigned char *in = (const unsigned char *)text.p;
    size_t before = out->n;
    size_t taken;

    if (text.n == 0) {
        return true;
    }
    buf_reserve(out, text.n / 4 * 3 + 4); /* never grows below */
    taken = decode_groups((unsigned char *)out->p + out->n, in, text.n);
    out->n += taken / 4 * 3;
    if (!lenient_run(out, in + taken, text.n - taken)) {
        out->n = before;
        return false;
    }
    return true;
}
