#include "ews/restriction-private.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "xml/xml_doc.h"

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

void restriction_read_constant(struct ews_call *call, const struct prop_path *path, struct str text,
                               struct constant *c)
{
    struct str trimmed = str_trim(text);
    struct buf bytes = BUF_INIT;

    c->text = text;
    c->is_int = str_to_i64(trimmed, &c->i) || find_name(path, trimmed, &c->i);
    c->is_time = zone_context_time(&call->zone, trimmed, &c->time_ms);
    c->b = str_is_nocase(trimmed, "true") || str_is(trimmed, "1");
    c->is_bool = c->b || str_is_nocase(trimmed, "false") || str_is(trimmed, "0");
    c->is_bytes = base64_decode_lenient(&bytes, trimmed);
    c->bytes = c->is_bytes ? str_dup(call->arena, buf_str(&bytes)) : STR_NULL;
    buf_fini(&bytes);
}

bool restriction_constant_fits(const struct constant *c, enum value_type type)
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
    restriction_read_constant(p->call, r->path, text, c_r);
    if (p->of == RESTRICTION_OF_ITEMS &&
        !restriction_constant_fits(c_r, prop_path_value_type(r->path))) {
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

void restriction_add_child(struct restriction *parent, struct restriction *child)
{
    struct restriction **at = &parent->first;

    while (*at != NULL && (child->needs_message || !(*at)->needs_message)) {
        at = &(*at)->next;
    }
    child->next = *at;
    *at = child;
    parent->needs_message |= child->needs_message;
}

static int parse_branch(struct parser *p, const struct xml_node *node, unsigned depth,
                        struct restriction *r, struct err *err_r)
{
    struct restriction *one;

    if (node->child_count == 0 || (r->op == OP_NOT && node->child_count != 1)) {
        return grammar_fail(node, err_r, "The element '%.*s' has invalid content.",
                            STR_ARG(node->name));
    }
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        TRY(parse_expression(p, child, depth + 1, &one, err_r));
        restriction_add_child(r, one);
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
