#include "ews/grouping.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

/* ---- requests ---- */

static int parse_path(struct ews_call *call, const struct xml_node *node,
                      const struct prop_path **path_r, struct str *message_xml_r, struct err *err_r)
{
    struct prop_path *path;
    int rc = prop_path_parse(call, node, &path, err_r);

    if (rc == 0 && !prop_path_is_sortable(path)) {
        rc = err_set(err_r, ERR_PATH_FOR_SORT, "in a grouping");
    }
    if (rc < 0) {
        *message_xml_r = path_message_xml(call->arena, node);
        return rc;
    }
    *path_r = path;
    return 0;
}

static int parse_aggregate(struct ews_call *call, const struct xml_node *node,
                           struct grouping *grouping, struct str *message_xml_r, struct err *err_r)
{
    static const char *const aggregates[] = {"Minimum", "Maximum", NULL};
    size_t aggregate;

    if (!xml_is(node, XML_NS_TYPES, "AggregateOn") || node->child_count != 1) {
        return grammar_fail(node, err_r, "The element 'GroupBy' has invalid content.");
    }
    TRY(grammar_attr_enum(node, "Aggregate", true, aggregates, &aggregate, err_r));
    grouping->maximum = aggregate == 1;
    return parse_path(call, node->first_child, &grouping->aggregate, message_xml_r, err_r);
}

/* What follows, of collapsible groups, changes nothing: all groups are open. */
static int parse_group_by(struct ews_call *call, const struct xml_node *node,
                          struct grouping *grouping, struct str *message_xml_r, struct err *err_r)
{
    if (node->child_count < 2) {
        return grammar_fail(node, err_r, "The element 'GroupBy' has incomplete content.");
    }
    TRY(parse_path(call, node->first_child, &grouping->by, message_xml_r, err_r));
    return parse_aggregate(call, node->first_child->next, grouping, message_xml_r, err_r);
}

/* The one standard grouping: conversations, by their newest message. */
static int parse_distinguished(struct ews_call *call, const struct xml_node *node,
                               struct grouping *grouping, struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_TYPES, "StandardGroupBy", 1, 1}};
    static const char *const standards[] = {"ConversationTopic", NULL};
    const struct xml_node *standard;
    size_t which;

    TRY(grammar_sequence(node, children, ARRAY_LEN(children), &standard, err_r));
    TRY(grammar_enum(standard, standards, &which, err_r));
    grouping->by = prop_path_of_field(call, STR("message:ConversationTopic"));
    grouping->aggregate = prop_path_of_field(call, STR("item:DateTimeReceived"));
    grouping->maximum = true;
    return 0;
}

int grouping_parse(struct ews_call *call, const struct xml_node *node, struct grouping *grouping_r,
                   struct str *message_xml_r, struct err *err_r)
{
    static const char *const directions[] = {"Ascending", "Descending", NULL};
    struct grouping grouping = {.by = NULL};
    size_t direction;

    TRY(grammar_attr_enum(node, "Order", true, directions, &direction, err_r));
    grouping.descending = direction == 1;
    if (str_is(node->name, "GroupBy")) {
        TRY(parse_group_by(call, node, &grouping, message_xml_r, err_r));
    } else {
        TRY(parse_distinguished(call, node, &grouping, err_r));
    }
    *grouping_r = grouping;
    return 0;
}

/* ---- answers ---- */

static void add_number(const struct prop_path *path, struct buf *out, int64_t v)
{
    const char *const *names = path->row != NULL ? path->row->names : NULL;

    for (int64_t i = 0; names != NULL && names[i] != NULL; i++) {
        if (i == v) {
            buf_add_cstr(out, names[i]);
            return;
        }
    }
    buf_add_i64(out, v);
}

static void add_value(const struct prop_path *path, struct buf *out, const struct value *value)
{
    struct str list = value->text, text = STR_NULL;
    char time[TIME_TEXT_BYTES];

    switch (value->type) {
    case VALUE_NONE: break;
    case VALUE_TEXT: xml_add_text(out, value->text); break;
    case VALUE_TEXTS:
        (void)props_next_text(&list, &text);
        xml_add_text(out, text);
        break;
    case VALUE_INT: add_number(path, out, value->i); break;
    case VALUE_BOOL: buf_add_str(out, value->i != 0 ? STR("true") : STR("false")); break;
    case VALUE_TIME: buf_append(out, time, time_format(value->i, false, time)); break;
    case VALUE_BYTES: base64_encode(out, value->text.p, value->text.n); break;
    }
}

void grouping_write_index(const struct grouping *grouping, struct item_view *view, struct buf *out)
{
    struct value value;

    prop_path_value(grouping->by, view, &value);
    BUF_LIT(out, "<t:GroupIndex>");
    add_value(grouping->by, out, &value);
    BUF_LIT(out, "</t:GroupIndex>");
}
