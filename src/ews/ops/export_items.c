/* ExportItems: items as streams of our own (ews/item_stream.h), which UploadItems takes back. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/item_stream.h"
#include "ews/limits.h"
#include "ews/ops/targets.h"
#include "xml/xml_doc.h"

struct args {
    struct item_targets items; /* first */
    struct arena *arena;       /* reset between items */
    uint64_t opened_bytes;     /* of messages, so far */
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "ItemIds", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *ids;

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), &ids, err_r));
    TRY(item_ref_parse_list(call, ids, &args->items.v, &args->items.n, err_r));
    args->arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

/* The first item is served whatever its size, others as long as answer and work stay in bounds. */
static int check_room(struct ews_call *call, struct args *args, const struct item *item,
                      struct err *err_r)
{
    uint64_t before = args->opened_bytes;

    args->opened_bytes += item->size + item->props.n;
    if (before != 0 && (call->out.n + BASE64_BYTES(item->size + item->props.n) > ANSWER_MAX_BYTES ||
                        args->opened_bytes > READ_MAX_BYTES)) {
        return err_set(err_r, ERR_TOO_LARGE, "%zu bytes answered", call->out.n);
    }
    return 0;
}

static void answer_exported(struct ews_call *call, const struct item *item,
                            const struct item_stream *stream)
{
    struct buf bytes = BUF_INIT;

    item_stream_write(stream, &bytes);
    answer_message_success(call);
    write_item_id_as(&call->out, call, STR("m:ItemId"), item->id, item_version(item));
    BUF_LIT(&call->out, "<m:Data>");
    base64_encode(&call->out, bytes.p, bytes.n);
    BUF_LIT(&call->out, "</m:Data>");
    answer_message_end(call);
    buf_fini(&bytes);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct item_stream stream = {.mime = STR_NULL};
    struct item_occurrence *occurrence;
    struct item item;

    (void)message_xml_r;
    arena_reset(args->arena);
    TRY(item_ref_resolve_occurrence(call, tx, &args->items.v[i], args->arena, &item, &occurrence,
                                    err_r));
    if (occurrence != NULL) {
        return err_set(err_r, ERR_OPERATION_ITEM, "an occurrence is exported with its master");
    }
    TRY(check_room(call, args, &item, err_r));
    if (item.body.v != 0) {
        TRY(mailbox_body_read(tx, item.body, args->arena, &stream.mime, err_r));
    }
    stream.kind = item.kind;
    stream.flags = item.flags;
    stream.received_ms = item.received_ms;
    stream.record = item.props;
    answer_exported(call, &item, &stream);
    return BATCH_DONE;
}

static const struct batch BATCH = {
    .count = item_targets_count, .mailbox_of = item_targets_mailbox, .one = one};

const struct ews_operation op_export_items = {
    .name = STR_INIT("ExportItems"),
    .since = EWS_EXCHANGE2010_SP1,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .batch = &BATCH,
};
