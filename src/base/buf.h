/*
 * Growable byte buffer on the heap, for output that is appended to. The fast appenders are inline:
 * a page of a sync answer is some ten thousand of them. Growth doubles; out of memory aborts.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/macros.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

struct buf {
    char *p;
    size_t n;   /* bytes used */
    size_t cap; /* bytes allocated */
};

#define BUF_INIT ((struct buf){NULL, 0, 0})

void buf_fini(struct buf *b);
void buf_grow(struct buf *b, size_t more); /* slow path: makes room for n + more */
/* Moves the bytes out; the caller frees *p_r with free(). b is empty afterwards. */
void buf_steal(struct buf *b, char **p_r, size_t *n_r);

static inline void buf_clear(struct buf *b)
{
    b->n = 0;
}

static inline char *buf_reserve(struct buf *b, size_t more)
{
    if (__builtin_expect(b->cap - b->n < more, 0)) {
        buf_grow(b, more);
    }
    return b->p + b->n;
}

static inline void buf_append(struct buf *b, const void *p, size_t n)
{
    if (n != 0) {
        memcpy(buf_reserve(b, n), p, n);
        b->n += n;
    }
}

static inline void buf_add_str(struct buf *b, struct str s)
{
    buf_append(b, s.p, s.n);
}

static inline void buf_add_char(struct buf *b, char c)
{
    *buf_reserve(b, 1) = c;
    b->n++;
}

static inline void buf_add_cstr(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}

#define BUF_LIT(b, literal) buf_append((b), "" literal, sizeof(literal) - 1)

void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* LEB128-style unsigned varint, at most 10 bytes; signed ones are zigzag-coded. */
void buf_add_varint(struct buf *b, uint64_t v);
void buf_add_zigzag(struct buf *b, int64_t v);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}

/* Reads from the front of *s and advances it. False (and *s untouched) when cut, over-long or
 * too large. */
bool str_take_varint(struct str *s, uint64_t *v_r);
bool str_take_zigzag(struct str *s, int64_t *v_r);
/* A varint length and that many bytes. */
bool str_take_bytes(struct str *s, struct str *v_r);

#endif
