#include "ews/grammar.h"

#include "ews/limits.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool row_matches(const struct xml_node *node, const struct grammar_child *row)
{
    return (row->ns == XML_NS_OTHER || row->ns == node->ns) && str_is(node->name, row->name);
}

/* Values from a request are shown in details, but not at any length. */
static struct str shown(struct str value)
{
    return str_sub(value, 0, GRAMMAR_SHOWN_BYTES);
}

static int fail_child(const struct xml_node *node, const struct xml_node *child, struct err *err_r)
{
    struct str name = shown(child->name);

    return grammar_fail(child, err_r, "The element '%.*s' has invalid child element '%.*s'.",
                        STR_ARG(node->name), STR_ARG(name));
}

static int fail_incomplete(const struct xml_node *node, const char *expected, struct err *err_r)
{
    return grammar_fail(node, err_r, "The element '%.*s' has incomplete content. Expected: '%s'.",
                        STR_ARG(node->name), expected);
}

static int check_no_text(const struct xml_node *node, struct err *err_r)
{
    if (str_trim(node->text).n != 0) {
        return grammar_fail(node, err_r, "The element '%.*s' cannot contain text.",
                            STR_ARG(node->name));
    }
    return 0;
}

int grammar_sequence(const struct xml_node *node, const struct grammar_child *children, size_t n,
                     const struct xml_node **found_r, struct err *err_r)
{
    size_t row = 0;
    unsigned count = 0;

    for (size_t i = 0; i < n; i++) {
        found_r[i] = NULL;
    }
    TRY(check_no_text(node, err_r));
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        while (row < n && !row_matches(child, &children[row])) {
            if (count < children[row].min) {
                return fail_child(node, child, err_r);
            }
            row++;
            count = 0;
        }
        if (row == n || (children[row].max != 0 && count == children[row].max)) {
            return fail_child(node, child, err_r);
        }
        if (count++ == 0) {
            found_r[row] = child;
        }
    }
    for (; row < n; row++, count = 0) {
        if (count < children[row].min) {
            return fail_incomplete(node, children[row].name, err_r);
        }
    }
    return 0;
}

int grammar_choice(const struct xml_node *node, enum xml_ns ns, const char *const *names, size_t n,
                   size_t *index_r, struct err *err_r)
{
    const struct xml_node *child = node->first_child;

    assert(n > 0);
    TRY(check_no_text(node, err_r));
    if (child == NULL) {
        return fail_incomplete(node, names[0], err_r);
    }
    if (child->next != NULL) {
        return fail_child(node, child->next, err_r);
    }
    for (size_t i = 0; i < n; i++) {
        if (xml_is(child, ns, names[i])) {
            *index_r = i;
            return 0;
        }
    }
    return fail_child(node, child, err_r);
}

/* ---- values: the same checks for texts and attributes ---- */

/* What is being checked; attr is NULL for an element's text. */
struct place {
    const struct xml_node *node;
    const char *attr;
};

static int fail_value(struct place place, struct str value, const char *reason, struct err *err_r)
{
    struct str name = place.attr != NULL ? str_from(place.attr) : place.node->name;

    value = shown(value);
    return grammar_fail(place.node, err_r,
                        "The '%.*s' %s is invalid - The value '%.*s' is invalid according to its "
                        "datatype - %s",
                        STR_ARG(name), place.attr != NULL ? "attribute" : "element", STR_ARG(value),
                        reason);
}

static int parse_int(struct place place, struct str text, int64_t min, int64_t max, int64_t *v_r,
                     struct err *err_r)
{
    struct str trimmed = str_trim(text);
    int64_t v;

    if (!str_to_i64(trimmed, &v)) {
        return fail_value(place, trimmed, "It is not a valid integer.", err_r);
    }
    if (v < min) {
        return fail_value(place, trimmed, "The MinInclusive constraint failed.", err_r);
    }
    if (v > max) {
        return fail_value(place, trimmed, "The MaxInclusive constraint failed.", err_r);
    }
    *v_r = v;
    return 0;
}

static int parse_bool(struct place place, struct str text, bool *v_r, struct err *err_r)
{
    struct str trimmed = str_trim(text);

    if (str_is(trimmed, "true") || str_is(trimmed, "1")) {
        *v_r = true;
    } else if (str_is(trimmed, "false") || str_is(trimmed, "0")) {
        *v_r = false;
    } else {
        return fail_value(place, trimmed, "It is not a valid Boolean value.", err_r);
    }
    return 0;
}

static int parse_enum(struct place place, struct str text, const char *const *names,
                      size_t *index_r, struct err *err_r)
{
    struct str trimmed = str_trim(text);

    for (size_t i = 0; names[i] != NULL; i++) {
        if (str_is(trimmed, names[i])) {
            *index_r = i;
            return 0;
        }
    }
    return fail_value(place, trimmed, "The Enumeration constraint failed.", err_r);
}

int grammar_int(const struct xml_node *node, int64_t min, int64_t max, int64_t *v_r,
                struct err *err_r)
{
    return parse_int((struct place){node, NULL}, node->text, min, max, v_r, err_r);
}

int grammar_bool(const struct xml_node *node, bool *v_r, struct err *err_r)
{
    return parse_bool((struct place){node, NULL}, node->text, v_r, err_r);
}

int grammar_enum(const struct xml_node *node, const char *const *names, size_t *index_r,
                 struct err *err_r)
{
    return parse_enum((struct place){node, NULL}, node->text, names, index_r, err_r);
}

/* 1: there; 0: absent and optional. */
static int find_attr(const struct xml_node *node, const char *attr, bool required,
                     struct str *value_r, struct err *err_r)
{
    struct str value = xml_attr(node, attr);

    if (value.p != NULL) {
        *value_r = value;
        return 1;
    }
    if (required) {
        return grammar_fail(node, err_r, "The required attribute '%s' is missing.", attr);
    }
    return 0;
}

int grammar_attr_enum(const struct xml_node *node, const char *attr, bool required,
                      const char *const *names, size_t *index_r, struct err *err_r)
{
    struct str value;
    int found = find_attr(node, attr, required, &value, err_r);

    if (found <= 0) {
        return found;
    }
    return parse_enum((struct place){node, attr}, value, names, index_r, err_r);
}

int grammar_attr_int(const struct xml_node *node, const char *attr, bool required, int64_t min,
                     int64_t max, int64_t *v_r, struct err *err_r)
{
    struct str value;
    int found = find_attr(node, attr, required, &value, err_r);

    if (found <= 0) {
        return found;
    }
    return parse_int((struct place){node, attr}, value, min, max, v_r, err_r);
}

int grammar_attr_bool(const struct xml_node *node, const char *attr, bool required, bool *v_r,
                      struct err *err_r)
{
    struct str value;
    int found = find_attr(node, attr, required, &value, err_r);

    if (found <= 0) {
        return found;
    }
    return parse_bool((struct place){node, attr}, value, v_r, err_r);
}

int grammar_attr_str(const struct xml_node *node, const char *attr, bool required, struct str *v_r,
                     struct err *err_r)
{
    int found = find_attr(node, attr, required, v_r, err_r);

    return found < 0 ? found : 0;
}

int grammar_fail(const struct xml_node *node, struct err *err_r, const char *fmt, ...)
{
    char detail[ERR_CLIENT_TEXT_BYTES];
    va_list ap;
    int rc;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    rc = err_tell(err_r, ERR_SCHEMA, "%s", detail);
    if (err_r != NULL) {
        err_r->at_line = node->line;
        err_r->at_column = node->column;
    }
    return rc;
}
