#include "ews/aqs-private.h"

#include "base/arena.h"
#include "ews/call.h"
#include "ews/limits.h"

int aqs_fail(const struct aqs_parser *p, struct err *err_r)
{
    return err_tell(err_r, ERR_QUERY_STRING, "The query string is not understood at '%.*s'.",
                    (int)(p->rest.n < 40 ? p->rest.n : 40), p->rest.n != 0 ? p->rest.p : "");
}

/* ---- reading words ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void aqs_skip(struct aqs_parser *p, size_t n)
{
    p->rest = str_of(p->rest.p + n, p->rest.n - n);
}

void aqs_skip_space(struct aqs_parser *p)
{
    while (p->rest.n != 0 && is_space(*p->rest.p)) {
        aqs_skip(p, 1);
    }
}

static bool at(const struct aqs_parser *p, char c)
{
    return p->rest.n != 0 && *p->rest.p == c;
}

static bool ends_word(char c)
{
    return is_space(c) || c == '(' || c == ')' || c == '"';
}

struct str aqs_peek_word(const struct aqs_parser *p)
{
    size_t n = 0;

    while (n < p->rest.n && !ends_word(p->rest.p[n])) {
        n++;
    }
    return str_of(p->rest.p, n);
}

/* An operator word: written large. */
static bool at_operator(const struct aqs_parser *p, const char *name)
{
    return str_is(aqs_peek_word(p), name);
}

static bool take_operator(struct aqs_parser *p, const char *name)
{
    if (!at_operator(p, name)) {
        return false;
    }
    aqs_skip(p, strlen(name));
    aqs_skip_space(p);
    return true;
}

/* A word, or a phrase between quotes. */
static int take_value(struct aqs_parser *p, struct str *value_r, bool *phrase_r, struct err *err_r)
{
    struct str value;

    *phrase_r = at(p, '"');
    if (*phrase_r) {
        size_t end = str_find_char(p->rest, '"', 1);

        if (end == SIZE_MAX) {
            return aqs_fail(p, err_r);
        }
        value = str_trim(str_sub(p->rest, 1, end - 1));
        aqs_skip(p, end + 1);
    } else {
        value = aqs_peek_word(p);
        aqs_skip(p, value.n);
    }
    if (value.n == 0) {
        return aqs_fail(p, err_r);
    }
    *value_r = value;
    return 0;
}

static int value_term(struct aqs_parser *p, const struct aqs_field *field, struct restriction **r_r,
                      struct err *err_r)
{
    struct str value;
    bool phrase;

    if (++p->terms > QUERY_MAX_TERMS) {
        return err_set(err_r, ERR_QUERY_TOO_LONG, "terms of a query string");
    }
    TRY(take_value(p, &value, &phrase, err_r));
    return aqs_term(p, field, value, phrase, r_r, err_r);
}

/* ---- expressions ---- */

static int parse_either(struct aqs_parser *p, const struct aqs_field *field,
                        struct restriction **r_r, struct err *err_r);

/* A keyword and its colon; one that is unknown is an error, since it would never be found as a
 * word. */
static int take_field(struct aqs_parser *p, const struct aqs_field **field_r, struct err *err_r)
{
    struct str word = aqs_peek_word(p);
    size_t colon = str_find_char(word, ':', 0);
    const struct aqs_field *field;

    if (at(p, '"') || colon == SIZE_MAX) {
        return 0;
    }
    field = aqs_field_find(str_sub(word, 0, colon));
    if (field == NULL) {
        return aqs_fail(p, err_r);
    }
    aqs_skip(p, colon + 1);
    *field_r = field;
    return 0;
}

static int parse_group(struct aqs_parser *p, const struct aqs_field *field,
                       struct restriction **r_r, struct err *err_r)
{
    aqs_skip(p, 1);
    if (++p->depth > RESTRICTION_MAX_DEPTH) {
        return err_set(err_r, ERR_QUERY_TOO_LONG, "depth of a query string");
    }
    TRY(parse_either(p, field, r_r, err_r));
    p->depth--;
    if (!at(p, ')')) {
        return aqs_fail(p, err_r);
    }
    aqs_skip(p, 1);
    return 0;
}

static int parse_one(struct aqs_parser *p, const struct aqs_field *field, struct restriction **r_r,
                     struct err *err_r)
{
    if (at_operator(p, "AND") || at_operator(p, "OR")) {
        return aqs_fail(p, err_r);
    }
    if (field == &aqs_anywhere && !at(p, '(')) {
        TRY(take_field(p, &field, err_r));
    }
    return at(p, '(') ? parse_group(p, field, r_r, err_r) : value_term(p, field, r_r, err_r);
}

static int parse_signed(struct aqs_parser *p, const struct aqs_field *field,
                        struct restriction **r_r, struct err *err_r)
{
    bool negated = false;
    struct restriction *r, *not ;

    while (at(p, '-') || at_operator(p, "NOT")) {
        negated = !negated;
        if (!take_operator(p, "NOT")) {
            aqs_skip(p, 1);
        }
    }
    TRY(parse_one(p, field, &r, err_r));
    if (negated) {
        not = aqs_node(p, OP_NOT);
        restriction_add_child(not, r);
        r = not ;
    }
    *r_r = r;
    return 0;
}

/* Terms side by side are all wanted. */
static int parse_all(struct aqs_parser *p, const struct aqs_field *field, struct restriction **r_r,
                     struct err *err_r)
{
    struct restriction *all = aqs_node(p, OP_AND), *r;
    bool more = true;

    aqs_skip_space(p);
    while (more) {
        TRY(parse_signed(p, field, &r, err_r));
        restriction_add_child(all, r);
        aqs_skip_space(p);
        more = take_operator(p, "AND") || !(p->rest.n == 0 || at(p, ')') || at_operator(p, "OR"));
    }
    *r_r = aqs_unwrap(all);
    return 0;
}

static int parse_either(struct aqs_parser *p, const struct aqs_field *field,
                        struct restriction **r_r, struct err *err_r)
{
    struct restriction *any = aqs_node(p, OP_OR), *r;

    do {
        TRY(parse_all(p, field, &r, err_r));
        restriction_add_child(any, r);
    } while (take_operator(p, "OR"));
    *r_r = aqs_unwrap(any);
    return 0;
}

int aqs_parse(struct ews_call *call, struct str query, struct restriction **restriction_r,
              struct err *err_r)
{
    struct aqs_parser p = {.call = call, .rest = str_trim(query)};
    struct restriction *r = NULL;

    if (query.n > QUERY_MAX_BYTES) {
        return err_set(err_r, ERR_QUERY_TOO_LONG, "query string of %zu bytes", query.n);
    }
    if (p.rest.n != 0) {
        TRY(parse_either(&p, &aqs_anywhere, &r, err_r));
        if (p.rest.n != 0) {
            return aqs_fail(&p, err_r);
        }
    }
    *restriction_r = r;
    return 0;
}
