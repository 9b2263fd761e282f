#include "ews/restriction.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "ews/text_match.h"
#include "xml/xml_doc.h"

enum operator{
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_EXISTS,
    OP_EXCLUDES,
    OP_CONTAINS,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_NEAR,
    OP_COUNT
};

static const char *const operator_names[OP_COUNT] = {
    [OP_AND] = "And",
    [OP_OR] = "Or",
    [OP_NOT] = "Not",
    [OP_EXISTS] = "Exists",
    [OP_EXCLUDES] = "Excludes",
    [OP_CONTAINS] = "Contains",
    [OP_EQUAL] = "IsEqualTo",
    [OP_NOT_EQUAL] = "IsNotEqualTo",
    [OP_GREATER] = "IsGreaterThan",
    [OP_GREATER_EQUAL] = "IsGreaterThanOrEqualTo",
    [OP_LESS] = "IsLessThan",
    [OP_LESS_EQUAL] = "IsLessThanOrEqualTo",
    [OP_NEAR] = "Near",
};

/* A constant in all readings that its text allows; the value's type picks one. */
struct constant {
    struct str text;
    bool is_int, is_bool, is_time, is_bytes;
    int64_t i, time_ms;
    bool b;
    struct str bytes;
};

struct restriction {
    enum operator op;
    bool needs_message;               /* it or one below */
    struct restriction *first, *next; /* AND, OR, NOT: children, siblings */
    const struct prop_path *path;
    const struct prop_path *other; /* comparisons: compared with, or NULL: the constant */
    struct constant constant;      /* CONTAINS: text is normalized */
    enum contain_mode mode;
    size_t comparison;
    int64_t mask; /* EXCLUDES */
};

/* ---- parsing ---- */

struct parser {
    struct ews_call *call;
    enum restriction_of of;
    unsigned nodes;
    struct str message_xml;
};

static int parse_expression(struct parser *p, const struct xml_node *node, unsigned depth,
                            struct restriction **restriction_r, struct err *err_r);

static int refuse(struct parser *p, const struct prop_path *path, enum err_kind kind,
                  struct err *err_r)
{
    p->message_xml = path_message_xml(p->call->arena, path->node);
    return err_set(err_r, kind, "in a restriction");
}

static bool is_searchable(const struct prop_path *path)
{
    if (path->row != NULL) {
        return (path->row->flags & ROW_SEARCH) != 0;
    }
    return path->kind != PATH_FIELD;
}

static int parse_path(struct parser *p, const struct xml_node *node,
                      const struct prop_path **path_r, struct err *err_r)
{
    struct prop_path *path;
    int rc = prop_path_parse(p->call, node, &path, err_r);

    if (rc < 0) {
        if (rc != -ERR_SCHEMA) {
            p->message_xml = path_message_xml(p->call->arena, node);
        }
        return rc;
    }
    if (p->of == RESTRICTION_OF_ITEMS && !is_searchable(path)) {
        return refuse(p, path, ERR_PATH_FOR_QUERY, err_r);
    }
    *path_r = path;
    return 0;
}

/* Enums are compared by number; a client writes the name. */
static bool find_name(const struct prop_path *path, struct str text, int64_t *i_r)
{
    const char *const *names = path->row != NULL ? path->row->names : NULL;

    for (int64_t i = 0; names != NULL && names[i] != NULL; i++) {
        if (str_is(text, names[i])) {
            *i_r = i;
            return true;
        }
    }
    return false;
}

static void read_constant(struct parser *p, const struct prop_path *path, struct str text,
                          struct constant *c)
{
    struct str trimmed = str_trim(text);
    struct buf bytes = BUF_INIT;

    c->text = text;
    c->is_int = str_to_i64(trimmed, &c->i) || find_name(path, trimmed, &c->i);
    c->is_time = time_parse(trimmed, p->call->zone_offset_minutes, &c->time_ms);
    c->b = str_is_nocase(trimmed, "true") || str_is(trimmed, "1");
    c->is_bool = c->b || str_is_nocase(trimmed, "false") || str_is(trimmed, "0");
    c->is_bytes = base64_decode_lenient(&bytes, trimmed);
    c->bytes = c->is_bytes ? str_dup(p->call->arena, buf_str(&bytes)) : STR_NULL;
    buf_fini(&bytes);
}

static bool constant_fits(const struct constant *c, enum value_type type)
{
    switch (type) {
    case VALUE_INT: return c->is_int;
    case VALUE_BOOL: return c->is_bool;
    case VALUE_TIME: return c->is_time;
    case VALUE_BYTES: return c->is_bytes;
    default: return true;
    }
}

static int parse_constant(struct parser *p, const struct restriction *r,
                          const struct xml_node *node, struct constant *c_r, struct err *err_r)
{
    struct str text;

    if (!xml_is(node, XML_NS_TYPES, "Constant")) {
        return grammar_fail(node, err_r, "The element '%.*s' is no constant.", STR_ARG(node->name));
    }
    TRY(grammar_attr_str(node, "Value", true, &text, err_r));
    read_constant(p, r->path, text, c_r);
    if (p->of == RESTRICTION_OF_ITEMS && !constant_fits(c_r, prop_path_value_type(r->path))) {
        return refuse(p, r->path, ERR_PROPERTY_VALUE, err_r);
    }
    return 0;
}

/* Path, then FieldURIOrConstant with one of the two. */
static int parse_comparison(struct parser *p, const struct xml_node *node, struct restriction *r,
                            struct err *err_r)
{
    const struct xml_node *operand = node->first_child->next;

    if (!xml_is(operand, XML_NS_TYPES, "FieldURIOrConstant") || operand->child_count != 1) {
        return grammar_fail(operand, err_r, "The element '%.*s' is no operand.",
                            STR_ARG(operand->name));
    }
    if (xml_is(operand->first_child, XML_NS_TYPES, "Constant")) {
        return parse_constant(p, r, operand->first_child, &r->constant, err_r);
    }
    return parse_path(p, operand->first_child, &r->other, err_r);
}

static int parse_contains(struct parser *p, const struct xml_node *node, struct restriction *r,
                          struct err *err_r)
{
    enum value_type type = prop_path_value_type(r->path);
    size_t mode = CONTAIN_FULL_STRING;

    TRY(grammar_attr_enum(node, "ContainmentMode", false, contain_mode_names, &mode, err_r));
    TRY(grammar_attr_enum(node, "ContainmentComparison", false, contain_comparison_names,
                          &r->comparison, err_r));
    if (p->of == RESTRICTION_OF_ITEMS && type != VALUE_TEXT && type != VALUE_TEXTS &&
        type != VALUE_NONE) {
        return refuse(p, r->path, ERR_PATH_FOR_QUERY, err_r);
    }
    TRY(parse_constant(p, r, node->first_child->next, &r->constant, err_r));
    r->mode = (enum contain_mode)mode;
    r->constant.text = text_normalize(p->call->arena, r->constant.text, r->comparison);
    return 0;
}

static int parse_excludes(struct parser *p, const struct xml_node *node, struct restriction *r,
                          struct err *err_r)
{
    const struct xml_node *bitmask = node->first_child->next;
    struct str text;
    uint64_t mask;
    bool hex;

    if (!xml_is(bitmask, XML_NS_TYPES, "Bitmask")) {
        return grammar_fail(bitmask, err_r, "The element '%.*s' is no bitmask.",
                            STR_ARG(bitmask->name));
    }
    TRY(grammar_attr_str(bitmask, "Value", true, &text, err_r));
    hex = str_starts_nocase(text, STR("0x"));
    if (hex ? !str_to_hex_u64(str_sub(text, 2, text.n), &mask) : !str_to_u64(text, &mask)) {
        return grammar_fail(bitmask, err_r,
                            "The 'Value' attribute is invalid - The Pattern "
                            "constraint failed.");
    }
    if (p->of == RESTRICTION_OF_ITEMS && prop_path_value_type(r->path) != VALUE_INT) {
        return refuse(p, r->path, ERR_PROPERTY_VALUE, err_r);
    }
    r->mask = (int64_t)mask;
    return 0;
}

static int parse_exists(struct parser *p, const struct restriction *r, struct err *err_r)
{
    if (p->of == RESTRICTION_OF_ITEMS && r->path->row != NULL &&
        (r->path->row->flags & ROW_NO_EXISTS) != 0) {
        return refuse(p, r->path, ERR_PROPERTY_FOR_EXISTS, err_r);
    }
    return 0;
}

/* A path, and for all but Exists one more element. */
static int parse_leaf(struct parser *p, const struct xml_node *node, struct restriction *r,
                      struct err *err_r)
{
    unsigned children = r->op == OP_EXISTS ? 1 : 2;

    if (node->child_count != children) {
        return grammar_fail(node, err_r, "The element '%.*s' has invalid content.",
                            STR_ARG(node->name));
    }
    TRY(parse_path(p, node->first_child, &r->path, err_r));
    switch (r->op) {
    case OP_EXISTS: TRY(parse_exists(p, r, err_r)); break;
    case OP_EXCLUDES: TRY(parse_excludes(p, node, r, err_r)); break;
    case OP_CONTAINS: TRY(parse_contains(p, node, r, err_r)); break;
    default: TRY(parse_comparison(p, node, r, err_r)); break;
    }
    r->needs_message =
        prop_path_needs_message(r->path) || (r->other != NULL && prop_path_needs_message(r->other));
    return 0;
}

static int parse_branch(struct parser *p, const struct xml_node *node, unsigned depth,
                        struct restriction *r, struct err *err_r)
{
    struct restriction **end = &r->first;

    if (node->child_count == 0 || (r->op == OP_NOT && node->child_count != 1)) {
        return grammar_fail(node, err_r, "The element '%.*s' has invalid content.",
                            STR_ARG(node->name));
    }
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        TRY(parse_expression(p, child, depth + 1, end, err_r));
        r->needs_message |= (*end)->needs_message;
        end = &(*end)->next;
    }
    return 0;
}

static int find_operator(const struct xml_node *node, enum operator* op_r, struct err *err_r)
{
    for (size_t i = 0; i < OP_COUNT; i++) {
        if (xml_is(node, XML_NS_TYPES, operator_names[i])) {
            *op_r = (enum operator)i;
            return 0;
        }
    }
    return grammar_fail(node, err_r, "The element '%.*s' is no search expression.",
                        STR_ARG(node->name));
}

static int parse_expression(struct parser *p, const struct xml_node *node, unsigned depth,
                            struct restriction **restriction_r, struct err *err_r)
{
    struct restriction *r = ARENA_NEW(p->call->arena, struct restriction);

    if (depth > RESTRICTION_MAX_DEPTH || ++p->nodes > RESTRICTION_MAX_NODES) {
        return err_set(err_r, ERR_RESTRICTION_TOO_COMPLEX, "depth %u, %u nodes", depth, p->nodes);
    }
    TRY(find_operator(node, &r->op, err_r));
    if (r->op == OP_NEAR) {
        return err_set(err_r, ERR_RESTRICTION, "Near");
    }
    if (r->op == OP_AND || r->op == OP_OR || r->op == OP_NOT) {
        TRY(parse_branch(p, node, depth, r, err_r));
    } else {
        TRY(parse_leaf(p, node, r, err_r));
    }
    *restriction_r = r;
    return 0;
}

int restriction_parse(struct ews_call *call, const struct xml_node *node, enum restriction_of of,
                      struct restriction **restriction_r, struct str *message_xml_r,
                      struct err *err_r)
{
    struct parser p = {.call = call, .of = of};
    int rc;

    if (node->child_count != 1) {
        return grammar_fail(node, err_r, "The element '%.*s' has invalid content.",
                            STR_ARG(node->name));
    }
    rc = parse_expression(&p, node->first_child, 1, restriction_r, err_r);
    if (rc < 0) {
        *message_xml_r = p.message_xml;
    }
    return rc;
}

bool restriction_needs_message(const struct restriction *restriction)
{
    return restriction->needs_message;
}

/* ---- testing ---- */

static int order_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

#define SECOND_MS 1000

static int64_t whole_seconds(int64_t unix_ms)
{
    int64_t rest = unix_ms % SECOND_MS;

    return unix_ms - (rest < 0 ? rest + SECOND_MS : rest);
}

static int compare_time(const struct restriction_subject *subject, int64_t value, int64_t wanted)
{
    bool coarse = !subject->milliseconds && wanted % SECOND_MS == 0;

    return order_i64(coarse ? whole_seconds(value) : value, wanted);
}

static bool order_holds(enum operator op, int order)
{
    switch (op) {
    case OP_EQUAL: return order == 0;
    case OP_NOT_EQUAL: return order != 0;
    case OP_GREATER: return order > 0;
    case OP_GREATER_EQUAL: return order >= 0;
    case OP_LESS: return order < 0;
    default: return order <= 0;
    }
}

/* One of a list is enough; for "not equal" none may be equal. */
static bool texts_hold(const struct restriction *r, struct str list, struct str wanted)
{
    struct str text;

    while (props_next_text(&list, &text)) {
        int order = str_cmp(text, wanted);

        if (r->op == OP_NOT_EQUAL && order == 0) {
            return false;
        }
        if (r->op != OP_NOT_EQUAL && order_holds(r->op, order)) {
            return true;
        }
    }
    return r->op == OP_NOT_EQUAL;
}

static int test_constant(const struct restriction *r, const struct restriction_subject *subject,
                         const struct value *value, struct err *err_r)
{
    const struct constant *c = &r->constant;

    if (!constant_fits(c, value->type)) {
        return err_set(err_r, ERR_PROPERTY_VALUE, "constant of a restriction");
    }
    switch (value->type) {
    case VALUE_NONE: return r->op == OP_NOT_EQUAL;
    case VALUE_TEXT: return order_holds(r->op, str_cmp(value->text, c->text));
    case VALUE_INT: return order_holds(r->op, order_i64(value->i, c->i));
    case VALUE_BOOL: return order_holds(r->op, order_i64(value->i != 0, c->b));
    case VALUE_TIME: return order_holds(r->op, compare_time(subject, value->i, c->time_ms));
    case VALUE_BYTES: return order_holds(r->op, str_cmp(value->text, c->bytes));
    case VALUE_TEXTS: break;
    }
    return texts_hold(r, value->text, c->text);
}

/* A value, paid for by its length: each test of a text walks over it. */
static int look_at(const struct restriction_subject *subject, const struct prop_path *path,
                   struct value *value_r, struct err *err_r)
{
    TRY(subject->value(subject->context, path, value_r, err_r));
    *subject->spent_bytes += RESTRICTION_TEST_BYTES + value_r->text.n;
    return *subject->spent_bytes <= RESTRICTION_MAX_BYTES
               ? 0
               : err_set(err_r, ERR_RESTRICTION_TOO_COMPLEX, "too many bytes to test");
}

/* Values of two properties; of different types they are different and in no order. */
static int test_other(const struct restriction *r, const struct restriction_subject *subject,
                      const struct value *value, struct err *err_r)
{
    struct value other = {.type = VALUE_NONE};

    TRY(look_at(subject, r->other, &other, err_r));
    if (value->type != other.type || value->type == VALUE_NONE) {
        return r->op == OP_NOT_EQUAL;
    }
    if (value->type == VALUE_TEXT || value->type == VALUE_BYTES || value->type == VALUE_TEXTS) {
        return order_holds(r->op, str_cmp(value->text, other.text));
    }
    return order_holds(r->op, order_i64(value->i, other.i));
}

static bool holds_text(const struct restriction *r, struct arena *arena, struct str text)
{
    return text_contains(text_normalize(arena, text, r->comparison), r->constant.text, r->mode);
}

static bool test_contains(const struct restriction *r, struct arena *arena,
                          const struct value *value)
{
    struct str rest = value->text, text;

    if (value->type == VALUE_TEXT) {
        return holds_text(r, arena, value->text);
    }
    while (value->type == VALUE_TEXTS && props_next_text(&rest, &text)) {
        if (holds_text(r, arena, text)) {
            return true;
        }
    }
    return false;
}

static int test_leaf(const struct restriction *r, const struct restriction_subject *subject,
                     struct err *err_r)
{
    struct value value = {.type = VALUE_NONE};

    TRY(look_at(subject, r->path, &value, err_r));
    switch (r->op) {
    case OP_EXISTS: return value.type != VALUE_NONE;
    case OP_EXCLUDES: /* an absent number has no bit set */ return (value.i & r->mask) == 0;
    case OP_CONTAINS: return test_contains(r, subject->arena, &value);
    default:
        return r->other != NULL ? test_other(r, subject, &value, err_r)
                                : test_constant(r, subject, &value, err_r);
    }
}

int restriction_test(const struct restriction *r, const struct restriction_subject *subject,
                     struct err *err_r)
{
    int rc;

    if (r->op != OP_AND && r->op != OP_OR && r->op != OP_NOT) {
        return test_leaf(r, subject, err_r);
    }
    for (const struct restriction *child = r->first; child != NULL; child = child->next) {
        rc = restriction_test(child, subject, err_r);
        if (rc < 0) {
            return rc;
        }
        if (r->op == OP_NOT) {
            return rc == 0;
        }
        if ((rc == 0) == (r->op == OP_AND)) {
            return rc;
        }
    }
    return r->op == OP_AND;
}

static int value_of_item(void *context, const struct prop_path *path, struct value *value_r,
                         struct err *err_r)
{
    struct item_view *view = context;

    view->err = err_r;
    prop_path_value(path, view, value_r);
    return view->rc;
}

int restriction_test_item(const struct restriction *restriction, struct item_view *view,
                          struct err *err_r)
{
    const struct restriction_subject subject = {.value = value_of_item,
                                                .context = view,
                                                .arena = view->arena,
                                                .spent_bytes = &view->call->tested_bytes,
                                                .milliseconds = view->call->milliseconds};

    return restriction_test(restriction, &subject, err_r);
}
