/* Testing restrictions on items and folders, and what that takes. */
#include "ews/limits.h"
#include "ews/restriction-private.h"

#include "base/arena.h"
#include "ews/props-private.h"

/* ---- what a test takes ---- */

static bool is_branch(const struct restriction *r)
{
    return r->op == OP_AND || r->op == OP_OR || r->op == OP_NOT;
}

bool restriction_needs_record(const struct restriction *r)
{
    if (!is_branch(r)) {
        return prop_path_needs_record(r->path) ||
               (r->other != NULL && prop_path_needs_record(r->other));
    }
    for (const struct restriction *child = r->first; child != NULL; child = child->next) {
        if (restriction_needs_record(child)) {
            return true;
        }
    }
    return false;
}

#define SECOND_MS 1000

/* Times are compared in whole seconds, so that one up to the last millisecond may be equal. */
static void narrow(const struct restriction *r, int64_t *from, int64_t *to)
{
    int64_t at = r->constant.time_ms, after = at <= INT64_MAX - SECOND_MS ? at + SECOND_MS : at;

    if ((r->op == OP_GREATER || r->op == OP_GREATER_EQUAL || r->op == OP_EQUAL) && at > *from) {
        *from = at;
    }
    if ((r->op == OP_LESS || r->op == OP_LESS_EQUAL || r->op == OP_EQUAL) && after < *to) {
        *to = after;
    }
}

bool restriction_received_bounds(const struct restriction *r, int64_t *from_ms_r, int64_t *to_ms_r)
{
    int64_t from = INT64_MIN, to = INT64_MAX;
    const struct restriction *child = r->op == OP_AND ? r->first : r;

    for (; child != NULL; child = r->op == OP_AND ? child->next : NULL) {
        if (!is_branch(child) && child->path->row != NULL &&
            child->path->row->value == value_received && child->other == NULL) {
            narrow(child, &from, &to);
        }
    }
    if (from == INT64_MIN && to == INT64_MAX) {
        return false;
    }
    *from_ms_r = from;
    *to_ms_r = to;
    return true;
}

/* ---- testing ---- */

static int order_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

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

    if (!restriction_constant_fits(c, value->type)) {
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

    if (!is_branch(r)) {
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
