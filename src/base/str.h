/*
 * Byte slices: a pointer and a length, not owned, not terminated. The value of every parser.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
#define STR_NULL ((struct str){NULL, 0})
/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) ((int)(s).n), ((s).p != NULL ? (s).p : "")

static inline struct str str_from(const char *s)
{
    return (struct str){s, s != NULL ? strlen(s) : 0};
}

static inline struct str str_of(const void *p, size_t n)
{
    return (struct str){(const char *)p, n};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *s)
{
    return str_eq(a, str_from(s));
}

/* ASCII case only. */
bool str_eq_nocase(struct str a, struct str b);
bool str_is_nocase(struct str a, const char *s);
int str_cmp(struct str a, struct str b);
/* Orders by ASCII-folded bytes. */
int str_cmp_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends_nocase(struct str s, struct str suffix);
/* First position of needle at or after from, or SIZE_MAX. */
size_t str_find(struct str s, struct str needle, size_t from);
size_t str_find_nocase(struct str s, struct str needle, size_t from);
size_t str_find_char(struct str s, char c, size_t from);
struct str str_sub(struct str s, size_t from, size_t n); /* clamps to s */
/* Without leading and trailing XML white space (space, tab, CR, LF). */
struct str str_trim(struct str s);
/*
 * Splits off what stands before sep; *rest becomes what follows, or empty with p NULL at the end.
 */
struct str str_split(struct str *rest, char sep);

/* Whole-slice numbers: false on empty, junk, overflow; *out untouched then. Only i64 takes a
 * sign (- or +); hex has no prefix. */
bool str_to_u64(struct str s, uint64_t *out_r);
bool str_to_i64(struct str s, int64_t *out_r);
bool str_to_hex_u64(struct str s, uint64_t *out_r);

struct str str_dup(struct arena *arena, struct str s);
char *str_cstr(struct arena *arena, struct str s);       /* terminated copy */
struct str str_lower(struct arena *arena, struct str s); /* ASCII only */
struct str str_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
