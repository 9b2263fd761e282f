#include "base/str.h"

#include "base/arena.h"

#include <stdarg.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static int cmp_nocase(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int diff = lower(a[i]) - lower(b[i]);

        if (diff != 0) {
            return diff;
        }
    }
    return 0;
}

static int cmp_size(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.n == b.n && cmp_nocase(a.p, b.p, a.n) == 0;
}

bool str_is_nocase(struct str a, const char *s)
{
    return str_eq_nocase(a, str_from(s));
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int diff = n != 0 ? memcmp(a.p, b.p, n) : 0;

    return diff != 0 ? diff : cmp_size(a.n, b.n);
}

int str_cmp_nocase(struct str a, struct str b)
{
    int diff = cmp_nocase(a.p, b.p, a.n < b.n ? a.n : b.n);

    return diff != 0 ? diff : cmp_size(a.n, b.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq_nocase(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends_nocase(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq_nocase(str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

size_t str_find(struct str s, struct str needle, size_t from)
{
    const char *hit;

    if (from > s.n || needle.n > s.n - from) {
        return SIZE_MAX;
    }
    if (needle.n == 0) {
        return from;
    }
    hit = memmem(s.p + from, s.n - from, needle.p, needle.n);
    return hit != NULL ? (size_t)(hit - s.p) : SIZE_MAX;
}

size_t str_find_nocase(struct str s, struct str needle, size_t from)
{
    if (from > s.n || needle.n > s.n - from) {
        return SIZE_MAX;
    }
    for (size_t at = from; at <= s.n - needle.n; at++) {
        if (cmp_nocase(s.p + at, needle.p, needle.n) == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

size_t str_find_char(struct str s, char c, size_t from)
{
    const char *hit;

    if (from >= s.n) {
        return SIZE_MAX;
    }
    hit = memchr(s.p + from, c, s.n - from);
    return hit != NULL ? (size_t)(hit - s.p) : SIZE_MAX;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from > s.n) {
        from = s.n;
    }
    if (n > s.n - from) {
        n = s.n - from;
    }
    return (struct str){s.p != NULL ? s.p + from : NULL, n};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

struct str str_split(struct str *rest, char sep)
{
    struct str whole = *rest;
    size_t at = str_find_char(whole, sep, 0);

    if (at == SIZE_MAX) {
        *rest = STR_NULL;
        return whole;
    }
    *rest = str_sub(whole, at + 1, SIZE_MAX);
    return str_sub(whole, 0, at);
}

bool str_to_u64(struct str s, uint64_t *out_r)
{
    uint64_t v = 0;

    if (s.n == 0) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)((unsigned char)s.p[i] - '0');

        if (digit > 9 || __builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)digit, &v)) {
            return false;
        }
    }
    *out_r = v;
    return true;
}

bool str_to_i64(struct str s, int64_t *out_r)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    bool has_sign = negative || (s.n > 0 && s.p[0] == '+');
    uint64_t v;

    if (!str_to_u64(has_sign ? str_sub(s, 1, SIZE_MAX) : s, &v) ||
        v > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *out_r = (int64_t)(negative ? -v : v);
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool str_to_hex_u64(struct str s, uint64_t *out_r)
{
    uint64_t v = 0;

    if (s.n == 0) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        int digit = hex_value(s.p[i]);

        if (digit < 0 || v >> 60 != 0) {
            return false;
        }
        v = v << 4 | (unsigned)digit;
    }
    *out_r = v;
    return true;
}

struct str str_dup(struct arena *arena, struct str s)
{
    return s.p == NULL ? STR_NULL : str_of(arena_strndup(arena, s.p, s.n), s.n);
}

char *str_cstr(struct arena *arena, struct str s)
{
    return arena_strndup(arena, s.p, s.n);
}

struct str str_lower(struct arena *arena, struct str s)
{
    char *p = arena_strndup(arena, s.p, s.n);

    for (size_t i = 0; i < s.n; i++) {
        p[i] = (char)lower(p[i]);
    }
    return str_of(p, s.n);
}

struct str str_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = arena_vprintf(arena, fmt, ap);
    va_end(ap);
    return str_from(text);
}
