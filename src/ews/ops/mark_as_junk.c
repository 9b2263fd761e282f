/* MarkAsJunk: to the junk folder, or back to the inbox. There are no lists of blocked senders here, so without MoveItem nothing
 * changes. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ops/targets.h"
#include "xml/xml_doc.h"

struct args {
    struct item_targets items; /* first */
    bool junk, move;
    struct known_folder target;
    struct arena *arena; /* reset between items */
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "ItemIds", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *ids;

    TRY(grammar_attr_bool(request, "IsJunk", true, &args->junk, err_r));
    TRY(grammar_attr_bool(request, "MoveItem", true, &args->move, err_r));
    TRY(grammar_sequence(request, children, ARRAY_LEN(children), &ids, err_r));
    TRY(item_ref_parse_list(call, ids, &args->items.v, &args->items.n, err_r));
    args->arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

static int move(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                const struct item *item, struct item_id *id_r, struct err *err_r)
{
    struct folder_id to;

    TRY(access_require_item(call, tx, item, RIGHT_DELETE_OWN, RIGHT_DELETE_ALL, err_r));
    TRY(known_folder_find(call, tx, args->junk ? DF_JUNKEMAIL : DF_INBOX, &args->target, &to,
                          err_r));
    TRY(access_require(call, tx, to, RIGHT_CREATE_ITEMS, err_r));
    return mailbox_item_move(tx, item->id, to, id_r, err_r);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct item_id moved;
    struct item item;

    (void)message_xml_r;
    arena_reset(args->arena);
    TRY(item_ref_resolve(call, tx, &args->items.v[i], args->arena, &item, err_r));
    if ((item.flags & ITEM_ASSOCIATED) != 0) {
        return err_set(err_r, ERR_OPERATION_ITEM, "an associated item");
    }
    if (args->move) {
        TRY(move(call, tx, args, &item, &moved, err_r));
    }
    answer_message_success(call);
    if (args->move) {
        write_item_id_as(&call->out, call, STR("m:MovedItemId"), moved, (struct seq){moved.v});
    }
    answer_message_end(call);
    return BATCH_DONE;
}

static const struct batch BATCH = {
    .count = item_targets_count, .mailbox_of = item_targets_mailbox, .one = one};

const struct ews_operation op_mark_as_junk = {
    .name = STR_INIT("MarkAsJunk"),
    .since = EWS_EXCHANGE2013,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
