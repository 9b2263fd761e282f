/* GetItem: items by id, each with the properties of the shape; one message an id, and one bad
 * item never disturbs its neighbours. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/answer.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "xml/xml_doc.h"

struct target {
    struct item_ref ref;
    bool occurrence; /* of a recurring item, or its master: no stored item is one */
};

struct args {
    struct item_shape *shape;
    struct target *targets;
    size_t n;
    struct err refused; /* what is wrong with the shape: every message's error */
    struct str refused_xml;
};

/* ---- parsing ---- */

/* The two forms that name an item by another. */
static int parse_occurrence(const struct xml_node *node, struct target *target, struct err *err_r)
{
    bool by_index = xml_is(node, XML_NS_TYPES, "OccurrenceItemId");
    int64_t index;

    TRY(grammar_attr_str(node, by_index ? "RecurringMasterId" : "OccurrenceId", true,
                         &target->ref.id, err_r));
    TRY(grammar_attr_str(node, "ChangeKey", false, &target->ref.change_key, err_r));
    if (by_index) {
        TRY(grammar_attr_int(node, "InstanceIndex", true, XS_INT_MIN, XS_INT_MAX, &index, err_r));
    }
    target->occurrence = true;
    return 0;
}

static int parse_target(struct ews_call *call, const struct xml_node *node, struct target *target,
                        struct err *err_r)
{
    if (xml_is(node, XML_NS_TYPES, "OccurrenceItemId") ||
        xml_is(node, XML_NS_TYPES, "RecurringMasterItemId") ||
        xml_is(node, XML_NS_TYPES, "RecurringMasterItemIdRanges")) {
        return parse_occurrence(node, target, err_r);
    }
    return item_ref_parse(call, node, &target->ref, err_r);
}

static int parse_targets(struct ews_call *call, const struct xml_node *node, struct args *args,
                         struct err *err_r)
{
    args->targets = ARENA_ARRAY(call->arena, struct target, node->child_count);
    for (const struct xml_node *id = node->first_child; id != NULL; id = id->next) {
        TRY(parse_target(call, id, &args->targets[args->n], err_r));
        args->n++;
    }
    if (args->n == 0) {
        return grammar_fail(node, err_r, "The element 'ItemIds' has incomplete content.");
    }
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "ItemShape", 1, 1},
                                                    {XML_NS_MESSAGES, "ItemIds", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct args *args = ARENA_NEW(call->arena, struct args);
    int rc;

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    rc = item_shape_parse(call, found[0], SHAPE_FOR_GET, &args->shape, &args->refused_xml,
                          &args->refused);
    if (rc < 0 && answer_ends_request(&args->refused)) {
        *err_r = args->refused;
        return rc;
    }
    TRY(parse_targets(call, found[1], args, err_r));
    *args_r = args;
    return 0;
}

/* ---- running ---- */

struct writing {
    struct ews_call *call;
    struct mailbox_tx *tx;
    struct args *args;
    struct arena *item_arena; /* reset between items: the messages opened live here */
    struct str message_xml;   /* of the item's error */
    uint64_t opened_bytes;    /* of messages, so far */
};

/* The first message is served whatever its size, others as long as answer and work stay in
 * bounds. */
static int check_room(struct writing *w, const struct item *item, struct err *err_r)
{
    uint64_t before = w->opened_bytes, expected = 0;

    if (item_shape_shows_content(w->args->shape)) {
        expected = BASE64_BYTES((uint64_t)item->size);
        w->opened_bytes += item->size;
    }
    if (w->call->out.n > ANSWER_MAX_BYTES ||
        (before != 0 &&
         (w->call->out.n + expected > ANSWER_MAX_BYTES || w->opened_bytes > READ_MAX_BYTES))) {
        return err_set(err_r, ERR_TOO_LARGE, "%zu bytes answered", w->call->out.n);
    }
    return 0;
}

static int find_item(struct writing *w, const struct target *target, struct item *item_r,
                     struct err *err_r)
{
    if (w->args->refused.kind != ERR_NONE) {
        *err_r = w->args->refused;
        w->message_xml = w->args->refused_xml;
        return -(int)err_r->kind;
    }
    TRY(item_ref_resolve(w->call, w->tx, &target->ref, w->item_arena, item_r, err_r));
    if (target->occurrence) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "occurrence of an item that does not recur");
    }
    return check_room(w, item_r, err_r);
}

static int write_item(struct writing *w, const struct target *target, struct err *err_r)
{
    struct item_view view;
    struct item item;
    int rc;

    TRY(find_item(w, target, &item, err_r));
    answer_message_success(w->call);
    BUF_LIT(&w->call->out, "<m:Items>");
    item_view_open(&view, w->call, w->tx, &item, w->item_arena);
    rc = item_shape_write(w->args->shape, &view, &w->call->out, &w->message_xml, err_r);
    item_view_close(&view);
    if (rc < 0) {
        return rc;
    }
    BUF_LIT(&w->call->out, "</m:Items>");
    answer_message_end(w->call);
    return 0;
}

static int answer_item(struct writing *w, const struct target *target, struct err *err_r)
{
    size_t mark = answer_mark(w->call);

    arena_reset(w->item_arena);
    w->message_xml = STR_NULL;
    if (write_item(w, target, err_r) == 0) {
        return 0;
    }
    if (answer_ends_request(err_r)) {
        return -(int)err_r->kind;
    }
    answer_rewind(w->call, mark);
    answer_message_error(w->call, err_r, w->message_xml);
    BUF_LIT(&w->call->out, "<m:Items/>");
    answer_message_end(w->call);
    return 0;
}

static int run(struct ews_call *call, struct mailbox_tx *tx, void *vargs, struct err *err_r)
{
    struct writing w = {.call = call, .tx = tx, .args = vargs};
    int rc = 0;

    w.item_arena = arena_new(call->arena, "item");
    answer_begin(call);
    for (size_t i = 0; rc == 0 && i < w.args->n; i++) {
        rc = answer_item(&w, &w.args->targets[i], err_r);
    }
    answer_end(call);
    arena_free(&w.item_arena);
    return rc;
}

const struct ews_operation op_get_item = {
    .name = STR_INIT("GetItem"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .run = run,
};
