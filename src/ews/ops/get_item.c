/* GetItem: items by id, each with the properties of the shape; one message an id, and one bad
 * item never disturbs its neighbours. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/ops/targets.h"
#include "ews/props-private.h"
#include "xml/xml_doc.h"

struct args {
    struct item_targets items; /* first */
    struct item_shape *shape;
    struct err refused; /* what is wrong with the shape: every message's error */
    struct str refused_xml;
    struct arena *arena;   /* reset between items: the messages opened live here */
    uint64_t opened_bytes; /* of messages, so far */
};

/* ---- parsing ---- */

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
    TRY(item_ref_parse_list(call, found[1], &args->items.v, &args->items.n, err_r));
    args->arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

/* ---- running ---- */

/* The first message is served whatever its size, others as long as answer and work stay in
 * bounds. */
static int check_room(const struct ews_call *call, struct args *args, const struct item *item,
                      struct err *err_r)
{
    uint64_t before = args->opened_bytes, expected = 0;

    if (item_shape_shows_content(args->shape)) {
        expected = BASE64_BYTES((uint64_t)item->size);
        args->opened_bytes += item->size;
    }
    if (call->out.n > ANSWER_MAX_BYTES ||
        (before != 0 &&
         (call->out.n + expected > ANSWER_MAX_BYTES || args->opened_bytes > READ_MAX_BYTES))) {
        return err_set(err_r, ERR_TOO_LARGE, "%zu bytes answered", call->out.n);
    }
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct item_occurrence *occurrence;
    struct item_view view;
    struct item item;
    int rc;

    arena_reset(args->arena);
    if (args->refused.kind != ERR_NONE) {
        *err_r = args->refused;
        *message_xml_r = args->refused_xml;
        return -(int)err_r->kind;
    }
    TRY(item_ref_resolve_occurrence(call, tx, &args->items.v[i], args->arena, &item, &occurrence,
                                    err_r));
    TRY(check_room(call, args, &item, err_r));
    answer_message_success(call);
    BUF_LIT(&call->out, "<m:Items>");
    item_view_open(&view, call, tx, &item, args->arena);
    view.occurrence = occurrence;
    rc = item_shape_write(args->shape, &view, &call->out, message_xml_r, err_r);
    item_view_close(&view);
    TRY(rc);
    BUF_LIT(&call->out, "</m:Items>");
    answer_message_end(call);
    return BATCH_DONE;
}

static const struct batch BATCH = {.count = item_targets_count,
                                   .mailbox_of = item_targets_mailbox,
                                   .one = one,
                                   .error_tail = STR_INIT("<m:Items/>")};

const struct ews_operation op_get_item = {
    .name = STR_INIT("GetItem"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .batch = &BATCH,
};
