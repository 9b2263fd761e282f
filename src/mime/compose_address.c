/* Address fields. Whatever a name or an address contains, it stays one mailbox: odd characters are quoted or encoded, never left to the reader. */
#include "mime/compose-private.h"

#include "base/arena.h"
#include "base/macros.h"
#include "base/utf8.h"
#include "mime/limits.h"
#include "mime/mime-private.h"

#define FOLD_COLUMN 78
/* Longer names are encoded, because encoded words can be folded anywhere. */
#define QUOTED_NAME_BYTES_MAX 60

static bool is_atom_char(unsigned char c)
{
    return g_ascii_isalnum(c) || c >= 0x80 ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Atoms with single dots between them. */
static bool is_dot_atom(struct str s)
{
    bool dot = true;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' ? dot : !is_atom_char((unsigned char)s.p[i])) {
            return false;
        }
        dot = s.p[i] == '.';
    }
    return s.n > 0 && !dot;
}

static bool is_domain_literal(struct str s)
{
    for (size_t i = 1; i + 1 < s.n; i++) {
        if (!g_ascii_isxdigit(s.p[i]) && memchr(".:IPv", s.p[i], 5) == NULL) {
            return false;
        }
    }
    return s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';
}

/* "any text" with its quotes, as clients give it that had to quote it themselves. */
static bool is_quoted_string(struct str s)
{
    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i + 1 < s.n; i++) {
        if (s.p[i] == '"') {
            return false;
        }
        if (s.p[i] == '\\' && ++i + 1 >= s.n) {
            return false;
        }
    }
    return true;
}

static void write_quoted(struct wire *w, struct str s)
{
    wire_char(w, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\') {
            wire_char(w, '\\');
        }
        wire_char(w, s.p[i]);
    }
    wire_char(w, '"');
}

/* The parts on both sides of the last @; without a domain that could be one all of it is the local part. */
struct spec {
    struct str local, domain;
};

static struct spec split_address(struct str address)
{
    size_t at = SIZE_MAX;

    for (size_t i = 0; i < address.n; i++) {
        at = address.p[i] == '@' ? i : at;
    }
    struct str local = str_sub(address, 0, at);
    struct str domain = at == SIZE_MAX ? STR("") : str_sub(address, at + 1, SIZE_MAX);

    if (local.n == 0 || (!is_dot_atom(domain) && !is_domain_literal(domain))) {
        return (struct spec){address, STR("")};
    }
    return (struct spec){local, domain};
}

static void write_spec(struct wire *w, struct str address)
{
    struct spec spec = split_address(address);

    if (is_dot_atom(spec.local) || is_quoted_string(spec.local)) {
        wire_str(w, spec.local);
    } else {
        write_quoted(w, spec.local);
    }
    if (spec.domain.n > 0) {
        wire_char(w, '@');
        wire_str(w, spec.domain);
    }
}

/* Whether it can stand without angle brackets. */
static bool is_bare(struct str name, struct str address)
{
    struct spec spec = split_address(address);

    return name.n == 0 && spec.domain.n > 0 && is_dot_atom(spec.local);
}

static bool is_plain_name(struct str s)
{
    bool space = true;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == ' ' ? space : !g_ascii_isalnum(c) && c != '-' && c != '\'') {
            return false;
        }
        space = c == ' ';
    }
    return true;
}

/* Colons are not for quotes: readers count them for groups. */
static bool is_quotable_name(struct str s)
{
    bool space = true;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < ' ' || c >= 0x7f || c == ':' || (c == ' ' && space)) {
            return false;
        }
        space = c == ' ';
    }
    return !space && str_find(s, STR("=?"), 0) == SIZE_MAX;
}

static void write_name(struct wire *w, struct str name)
{
    if (name.n > QUOTED_NAME_BYTES_MAX || !is_quotable_name(name)) {
        wire_encoded_words(w, name);
        return;
    }
    wire_char(w, ' ');
    if (is_plain_name(name)) {
        wire_str(w, name);
    } else {
        write_quoted(w, name);
    }
}

/* " Name <local@domain>"; a name alone is a group without members, which is how mail says that. */
static void write_mailbox(struct wire *w, struct str name, struct str address)
{
    struct wire spec = {0};
    bool bare = is_bare(name, address);

    if (name.n > 0) {
        write_name(w, name);
    }
    if (address.n == 0) {
        wire_cstr(w, ":;");
        return;
    }
    write_spec(&spec, address);
    if (name.n > 0 && wire_column(w) + spec.n + 3 > FOLD_COLUMN) {
        wire_newline(w);
    }
    wire_cstr(w, bare ? " " : " <");
    write_spec(w, address);
    wire_cstr(w, bare ? "" : ">");
}

static struct str clean_address(struct arena *arena, struct str address)
{
    char *copy;

    address = str_trim(wire_clean(arena, address));
    copy = arena_memdup(arena, address.p, address.n);
    for (size_t i = 0; i < address.n; i++) {
        copy[i] = (unsigned char)copy[i] < ' ' || copy[i] == 0x7f ? ' ' : copy[i];
    }
    /* What no line can hold is no address. */
    return address.n <= MIME_ADDRESS_BYTES_MAX ? str_of(copy, address.n) : STR("");
}

void wire_field_addresses(struct wire *w, struct arena *arena, const char *name,
                          struct mime_addresses addresses)
{
    bool first = true;

    for (size_t i = 0; i < addresses.n; i++) {
        struct str display = str_trim(wire_clean(arena, addresses.v[i].name));
        struct str address = clean_address(arena, addresses.v[i].address);
        struct wire probe = {0};

        if (display.n == 0 && address.n == 0) {
            continue;
        }
        wire_cstr(w, first ? name : ",");
        wire_cstr(w, first ? ":" : "");
        write_mailbox(&probe, display, address);
        if (!first && wire_column(w) + probe.n > FOLD_COLUMN) {
            wire_newline(w);
        }
        write_mailbox(w, display, address);
        first = false;
    }
    if (!first) {
        wire_newline(w);
    }
}
