/* DeleteItem: gone at once, to the recoverable items, or to Deleted Items. What is deleted where it would go to, goes a
 * step further. Of an occurrence nothing is moved: its master changes. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/batch.h"
#include "ews/calendar.h"
#include "ews/grammar.h"
#include "ews/ops/targets.h"
#include "xml/xml_doc.h"

struct args {
    struct item_targets items; /* first */
    enum delete_type type;
    bool has_cancellations, has_task_occurrences; /* the attributes */
    struct known_folder bin, recoverable, purges;
    struct arena *arena; /* reset between items */
};

static int parse_attributes(const struct xml_node *request, struct args *args, struct err *err_r)
{
    static const char *const cancellations[] = {"SendToNone", "SendOnlyToAll",
                                                "SendToAllAndSaveCopy", NULL};
    static const char *const occurrences[] = {"AllOccurrences", "SpecifiedOccurrenceOnly", NULL};
    size_t which = SIZE_MAX;
    bool suppress;

    TRY(delete_type_parse(request, &args->type, err_r));
    TRY(grammar_attr_enum(request, "SendMeetingCancellations", false, cancellations, &which,
                          err_r));
    args->has_cancellations = which != SIZE_MAX;
    which = SIZE_MAX;
    TRY(grammar_attr_enum(request, "AffectedTaskOccurrences", false, occurrences, &which, err_r));
    args->has_task_occurrences = which != SIZE_MAX;
    return grammar_attr_bool(request, "SuppressReadReceipts", false, &suppress, err_r);
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "ItemIds", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *ids;

    TRY(parse_attributes(request, args, err_r));
    TRY(grammar_sequence(request, children, ARRAY_LEN(children), &ids, err_r));
    TRY(item_ref_parse_list(call, ids, &args->items.v, &args->items.n, err_r));
    args->arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

static int check(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                 const struct item *item, struct err *err_r)
{
    if (item->kind == ITEM_KIND_CALENDAR_ITEM && !args->has_cancellations) {
        return err_set(err_r, ERR_CANCELLATIONS_REQUIRED, "a calendar item");
    }
    if (item->kind == ITEM_KIND_TASK && !args->has_task_occurrences) {
        return err_set(err_r, ERR_TASK_OCCURRENCES_REQUIRED, "a task");
    }
    if ((item->flags & ITEM_ASSOCIATED) != 0 && args->type != DELETE_HARD) {
        return err_set(err_r, ERR_OPERATION_ITEM, "an associated item");
    }
    TRY(access_require_item(call, tx, item, RIGHT_DELETE_OWN, RIGHT_DELETE_ALL, err_r));
    /* The other's Deleted Items are the other's; MoveItem says where to. */
    if (args->type == DELETE_TO_BIN && !access_is_owner(call)) {
        return err_set(err_r, ERR_CANNOT_DELETE, "in another's mailbox");
    }
    return 0;
}

/* Where it goes; 0: nowhere. */
static int find_target(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                       const struct item *item, struct folder_id *to_r, struct err *err_r)
{
    struct folder_id to = {0};

    if (args->type == DELETE_TO_BIN) {
        TRY(known_folder_find(call, tx, DF_DELETEDITEMS, &args->bin, &to, err_r));
    }
    if (args->type == DELETE_SOFT || (args->type == DELETE_TO_BIN && item->folder.v == to.v)) {
        TRY(known_folder_find(call, tx, DF_RECOVERABLEITEMSDELETIONS, &args->recoverable, &to,
                              err_r));
    }
    if ((item->flags & ITEM_ASSOCIATED) != 0) {
        /* To subscribers the deletion of one is a move to the purges (docs/protocol.md), so it is one. */
        TRY(known_folder_find(call, tx, DF_RECOVERABLEITEMSPURGES, &args->purges, &to, err_r));
    }
    *to_r = item->folder.v == to.v ? (struct folder_id){0} : to;
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct item_occurrence *occurrence;
    struct folder_id to;
    struct item_id moved;
    struct item item;

    (void)message_xml_r;
    arena_reset(args->arena);
    TRY(item_ref_resolve_occurrence(call, tx, &args->items.v[i], args->arena, &item, &occurrence,
                                    err_r));
    TRY(check(call, tx, args, &item, err_r));
    if (occurrence != NULL) {
        TRY(calendar_occurrence_delete(call, tx, occurrence, args->arena, err_r));
        answer_done(call);
        return BATCH_DONE;
    }
    TRY(find_target(call, tx, args, &item, &to, err_r));
    TRY(to.v == 0 ? mailbox_item_delete(tx, item.id, err_r)
                  : mailbox_item_discard(tx, item.id, to, &moved, err_r));
    answer_done(call);
    return BATCH_DONE;
}

static const struct batch BATCH = {
    .count = item_targets_count, .mailbox_of = item_targets_mailbox, .one = one};

const struct ews_operation op_delete_item = {
    .name = STR_INIT("DeleteItem"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
