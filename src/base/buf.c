#include "base/buf.h"

#include "base/limits.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define U64_DIGITS 20
#define VARINT_BYTES 10

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = BUF_INIT;
}

void buf_grow(struct buf *b, size_t more)
{
    size_t need;
    size_t cap = b->cap < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : b->cap;

    if (__builtin_add_overflow(b->n, more, &need) || need > SIZE_MAX / 4) {
        mem_die();
    }
    while (cap < need) {
        cap *= 2;
    }
    if (cap > b->cap) {
        b->p = mem_realloc(b->p, cap);
        b->cap = cap;
    }
}

void buf_steal(struct buf *b, char **p_r, size_t *n_r)
{
    *p_r = b->p;
    *n_r = b->n;
    *b = BUF_INIT;
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    char digits[U64_DIGITS];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    buf_append(b, digits + at, sizeof(digits) - at);
}

void buf_add_i64(struct buf *b, int64_t v)
{
    if (v < 0) {
        buf_add_char(b, '-');
        buf_add_u64(b, -(uint64_t)v);
    } else {
        buf_add_u64(b, (uint64_t)v);
    }
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    buf_reserve(b, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}

void buf_add_varint(struct buf *b, uint64_t v)
{
    char *p = buf_reserve(b, VARINT_BYTES);
    size_t n = 0;

    while (v >= 0x80) {
        p[n++] = (char)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (char)v;
    b->n += n;
}

void buf_add_zigzag(struct buf *b, int64_t v)
{
    buf_add_varint(b, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

bool str_take_varint(struct str *s, uint64_t *v_r)
{
    uint64_t v = 0;

    for (size_t i = 0; i < s->n && i < VARINT_BYTES; i++) {
        unsigned char byte = (unsigned char)s->p[i];

        if (i == VARINT_BYTES - 1 && byte > 1) {
            return false; /* beyond 64 bits */
        }
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            if (byte == 0 && i > 0) {
                return false; /* a shorter form exists */
            }
            *s = str_of(s->p + i + 1, s->n - i - 1);
            *v_r = v;
            return true;
        }
    }
    return false;
}

bool str_take_zigzag(struct str *s, int64_t *v_r)
{
    uint64_t v;

    if (!str_take_varint(s, &v)) {
        return false;
    }
    *v_r = (int64_t)((v >> 1) ^ -(v & 1));
    return true;
}

bool str_take_bytes(struct str *s, struct str *v_r)
{
    struct str rest = *s;
    uint64_t n;

    if (!str_take_varint(&rest, &n) || n > rest.n) {
        return false;
    }
    *v_r = str_of(rest.p, (size_t)n);
    *s = str_of(rest.p + n, rest.n - (size_t)n);
    return true;
}
