#include "lmtp/address.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "lmtp/limits.h"

static bool is_atom_char(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 0x80 || (u > ' ' && u < 0x7f && strchr("()<>[]:;@\\,.\"", c) == NULL);
}

static bool is_domain_char(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Length of parts joined by single dots, 0 when there is none or one is empty. */
static size_t dotted_length(struct str s, bool (*is_part_char)(char))
{
    size_t i = 0;

    for (;;) {
        size_t start = i;

        while (i < s.n && is_part_char(s.p[i])) {
            i++;
        }
        if (i == start) {
            return 0;
        }
        if (i == s.n || s.p[i] != '.') {
            return i;
        }
        i++;
    }
}

/* "quoted string" without its quotes and backslashes; returns its length in s, 0 when it is
 * malformed. */
static size_t unquote(struct str s, char *out, size_t *n_r)
{
    size_t n = 0;

    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];

        if (c == '"') {
            *n_r = n;
            return i + 1;
        }
        if (c == '\\') {
            if (++i == s.n) {
                return 0;
            }
            c = s.p[i];
        }
        if ((unsigned char)c < ' ' || c == 0x7f || n == LMTP_ADDRESS_BYTES) {
            return 0;
        }
        out[n++] = c;
    }
    return 0;
}

static void add_quoted(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, s.p[i]);
    }
    buf_add_char(out, '"');
}

/* The local part goes to out in its shortest form; its length in s, or 0. */
static size_t take_local(struct str s, struct buf *out)
{
    char text[LMTP_ADDRESS_BYTES];
    size_t n = 0, used;
    struct str plain;

    if (s.n == 0 || s.p[0] != '"') {
        used = dotted_length(s, is_atom_char);
        buf_append(out, s.p, used);
        return used;
    }
    used = unquote(s, text, &n);
    if (used == 0) {
        return 0;
    }
    plain = str_of(text, n);
    if (n > 0 && dotted_length(plain, is_atom_char) == n) {
        buf_add_str(out, plain);
    } else {
        add_quoted(out, plain);
    }
    return used;
}

/* "[1.2.3.4]" or "[IPv6:…]". */
static size_t literal_length(struct str s)
{
    size_t end = str_find_char(s, ']', 0);

    if (end == SIZE_MAX) {
        return 0;
    }
    for (size_t i = 1; i < end; i++) {
        if (!is_domain_char(s.p[i]) && s.p[i] != ':' && s.p[i] != '.') {
            return 0;
        }
    }
    return end > 1 ? end + 1 : 0;
}

static size_t domain_length(struct str s)
{
    return s.n > 0 && s.p[0] == '[' ? literal_length(s) : dotted_length(s, is_domain_char);
}

/* "@a,@b:" before the address; false when something that starts like one is none. */
static bool skip_route(struct str *s)
{
    while (s->n > 0 && s->p[0] == '@') {
        struct str rest = str_sub(*s, 1, s->n);
        size_t n = domain_length(rest);

        if (n == 0 || n == rest.n || (rest.p[n] != ',' && rest.p[n] != ':')) {
            return false;
        }
        *s = str_sub(rest, n + 1, rest.n);
        if (rest.p[n] == ':') {
            return true;
        }
    }
    return true;
}

/* local[@domain] up to the closing bracket; its length in s, or 0. */
static size_t take_address(struct str s, struct buf *out)
{
    size_t used = take_local(s, out), n;

    if (used == 0 || used == s.n || s.p[used] != '@') {
        return used;
    }
    n = domain_length(str_sub(s, used + 1, s.n));
    buf_append(out, s.p + used, n + 1);
    return n > 0 ? used + 1 + n : 0;
}

static bool has_non_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80) {
            return true;
        }
    }
    return false;
}

static enum lmtp_path_result check_address(struct str address, bool utf8)
{
    if (address.n > LMTP_ADDRESS_BYTES || !utf8_valid(address)) {
        return LMTP_PATH_SYNTAX;
    }
    return utf8 || !has_non_ascii(address) ? LMTP_PATH_OK : LMTP_PATH_NON_ASCII;
}

/* What stands between the brackets, and the closing one. */
static enum lmtp_path_result take_path(struct str *s, bool utf8, struct buf *address)
{
    size_t used = 0;

    if (s->n > 0 && s->p[0] != '>') {
        if (!skip_route(s)) {
            return LMTP_PATH_SYNTAX;
        }
        used = take_address(*s, address);
        if (used == 0) {
            return LMTP_PATH_SYNTAX;
        }
    }
    if (used >= s->n || s->p[used] != '>') {
        return LMTP_PATH_SYNTAX;
    }
    *s = str_sub(*s, used + 1, s->n);
    return check_address(buf_str(address), utf8);
}

enum lmtp_path_result lmtp_path_take(struct str *text, bool utf8, struct arena *arena,
                                     struct str *address_r)
{
    struct str s = *text;
    struct buf address = BUF_INIT;
    enum lmtp_path_result result = LMTP_PATH_SYNTAX;

    if (s.n > 0 && s.p[0] == '<') {
        s = str_sub(s, 1, s.n);
        result = take_path(&s, utf8, &address);
    }
    if (result == LMTP_PATH_OK) {
        *address_r = str_dup(arena, buf_str(&address));
        *text = s;
    }
    buf_fini(&address);
    return result;
}
