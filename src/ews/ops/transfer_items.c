/*
 * Within a mailbox an item is moved or copied in one step. To another mailbox it goes in legs, since nothing commits in two files at once: it is taken up where
 * it lies, arrives in the other mailbox, and, moved, is removed where it lay. What fails in between leaves two items, never none; a move that is asked for again
 * then does not arrive again, since the other mailbox notes from where and of which version it came.
 */
#include "ews/ops/transfer_items.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/ops/targets.h"
#include "mailbox/outbox.h"
#include "mailbox/props.h"
#include "xml/xml_doc.h"

enum stage { TAKE_UP, ARRIVE, LEAVE };

/* An item on its way to another mailbox. */
struct parcel {
    enum stage stage;
    struct arena *arena; /* holds what follows */
    struct mailbox_no from;
    struct item item;
    struct str mime;
};

struct args {
    struct item_targets items; /* first */
    bool move, return_ids;
    struct folder_ref to;
    struct mailbox_no to_mailbox;
    bool to_known; /* the next two are filled */
    struct folder_id to_folder;
    struct err to_err;      /* why it cannot be the target; ERR_NONE */
    struct parcel *parcels; /* one an item; NULL until the first goes to another mailbox */
    uint64_t
        taken_bytes; /* of messages in parcels; finished ones too, until they are counted anew */
    unsigned counted_in; /* the leg in which that was last done */
    unsigned
        full_in; /* the leg in which there was no more room: what follows waits too, and the order stays */
    struct arena *arena; /* reset between items */
};

int transfer_items_parse(struct ews_call *call, const struct xml_node *request, bool move,
                         void **args_r, struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "ToFolderId", 1, 1},
                                                    {XML_NS_MESSAGES, "ItemIds", 1, 1},
                                                    {XML_NS_MESSAGES, "ReturnNewItemIds", 0, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    TRY(folder_ref_parse_target(call, found[0], &args->to, err_r));
    TRY(item_ref_parse_list(call, found[1], &args->items.v, &args->items.n, err_r));
    args->return_ids = true;
    if (found[2] != NULL) {
        TRY(grammar_bool(found[2], &args->return_ids, err_r));
    }
    args->move = move;
    args->to_mailbox = folder_ref_mailbox(call, &args->to);
    args->arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

static struct mailbox_no mailbox_of(struct ews_call *call, const void *vargs, size_t i)
{
    const struct args *args = vargs;

    return args->parcels != NULL && args->parcels[i].stage == ARRIVE
               ? args->to_mailbox
               : item_ref_mailbox(call, &args->items.v[i]);
}

/* ---- the target ---- */

static int resolve_target(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                          struct err *err_r)
{
    struct folder folder;

    TRY(folder_ref_resolve(call, tx, &args->to, FOLDER_AS_TARGET, &folder, err_r));
    TRY(access_require(call, tx, folder.id, RIGHT_CREATE_ITEMS, err_r));
    args->to_folder = folder.id;
    return 0;
}

/* In its mailbox; once for all items, with its refusal. */
static int require_target(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                          struct err *err_r)
{
    if (!args->to_known) {
        (void)!resolve_target(call, tx, args, &args->to_err);
        args->to_known = true;
    }
    if (args->to_err.kind != ERR_NONE) {
        *err_r = args->to_err;
        return -(int)err_r->kind;
    }
    return 0;
}

/* ---- the item ---- */

static int find_item(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                     size_t i, struct arena *arena, struct item *item_r, struct err *err_r)
{
    TRY(item_ref_resolve(call, tx, &args->items.v[i], arena, item_r, err_r));
    if ((item_r->flags & ITEM_ASSOCIATED) != 0) {
        return err_set(err_r, ERR_OPERATION_ITEM, "an associated item");
    }
    return args->move
               ? access_require_item(call, tx, item_r, RIGHT_DELETE_OWN, RIGHT_DELETE_ALL, err_r)
               : 0;
}

static int transfer_within(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                           size_t i, struct err *err_r)
{
    struct item_id id;
    struct item item;

    arena_reset(args->arena);
    TRY(require_target(call, tx, args, err_r));
    TRY(find_item(call, tx, args, i, args->arena, &item, err_r));
    TRY(args->move ? mailbox_item_move(tx, item.id, args->to_folder, &id, err_r)
                   : mailbox_item_copy(tx, item.id, args->to_folder, &id, err_r));
    if (args->return_ids) {
        answer_item(call, item.kind, id);
    } else {
        answer_no_item(call);
    }
    return BATCH_DONE;
}

/* ---- to another mailbox ---- */

static void count_taken(struct ews_call *call, struct args *args)
{
    args->counted_in = batch_leg(call);
    args->taken_bytes = 0;
    for (size_t i = 0; i < args->items.n; i++) {
        struct parcel *parcel = &args->parcels[i];

        if (parcel->arena != NULL && batch_is_finished(call, i)) {
            arena_free(&parcel->arena);
        }
        args->taken_bytes += parcel->arena != NULL ? parcel->mime.n : 0;
    }
}

/* Messages in memory at once are bounded; one is always taken up. */
static bool has_room(struct ews_call *call, struct args *args, uint64_t bytes)
{
    bool tight = args->taken_bytes != 0 && args->taken_bytes + bytes > TRANSFER_MAX_BYTES;

    if (args->full_in == batch_leg(call)) {
        return false;
    }
    if (tight && args->counted_in != batch_leg(call)) {
        count_taken(call, args);
        tight = args->taken_bytes != 0 && args->taken_bytes + bytes > TRANSFER_MAX_BYTES;
    }
    if (tight) {
        args->full_in = batch_leg(call);
    }
    return !tight;
}

static int take_up(struct ews_call *call, struct mailbox_tx *tx, struct args *args, size_t i,
                   struct err *err_r)
{
    struct parcel *parcel = &args->parcels[i];

    parcel->arena = arena_new(call->arena, "parcel");
    TRY(find_item(call, tx, args, i, parcel->arena, &parcel->item, err_r));
    if (!has_room(call, args, parcel->item.size)) {
        arena_free(&parcel->arena);
        return BATCH_LATER;
    }
    if (parcel->item.body.v != 0) {
        TRY(mailbox_body_read(tx, parcel->item.body, parcel->arena, &parcel->mime, err_r));
    }
    args->taken_bytes += parcel->mime.n;
    parcel->from = call->mailbox;
    parcel->stage = ARRIVE;
    return BATCH_ELSEWHERE;
}

/* The record as it is in the other mailbox, whose log is another: without the stamps and numbers of this one, and made by the caller, if that is not the owner. */
static struct str record_elsewhere(struct ews_call *call, const struct parcel *parcel)
{
    struct buf out = BUF_INIT;
    struct props_writer w;
    struct props props;
    struct str record;

    (void)props_open(&props, parcel->item.props);
    props.v[IPROP_STAMPS] = props.v[IPROP_CREATOR] = STR_NULL;
    props.v[IPROP_RESPONSE_ORIGINAL] = props.v[IPROP_RESPONSE_VERB] = STR_NULL;
    props_begin(&w, &out);
    for (unsigned i = 1; i < IPROP_LIMIT; i++) {
        if (i == IPROP_CREATOR && !access_is_owner(call)) {
            props_add_int(&w, IPROP_CREATOR, (int64_t)call->caller.mailbox.v);
        } else if (props.v[i].p != NULL) {
            props_add_raw(&w, (enum item_prop)i, props.v[i]);
        }
    }
    record = str_dup(parcel->arena, buf_str(&out));
    buf_fini(&out);
    return record;
}

static struct delivery_origin origin_of(const struct parcel *parcel)
{
    return (struct delivery_origin){.mailbox = parcel->from,
                                    .id = item_version(&parcel->item),
                                    .queued_ms = parcel->item.received_ms};
}

/* 1: an attempt that was broken off brought it here already, and what it became is still there. */
static int has_arrived(struct mailbox_tx *tx, const struct parcel *parcel, struct err *err_r)
{
    const struct delivery_origin origin = origin_of(parcel);
    struct item_id id;
    struct item item;
    int rc = delivery_noted_item(tx, &origin, &id, err_r);

    return rc == 1 ? mailbox_item_get(tx, id, parcel->arena, &item, err_r) : rc;
}

static int add_arrival(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                       const struct parcel *parcel, struct err *err_r)
{
    const struct delivery_origin origin = origin_of(parcel);
    const struct item_draft draft = {.kind = parcel->item.kind,
                                     .flags = parcel->item.flags,
                                     .received_ms = parcel->item.received_ms,
                                     .size = parcel->item.size,
                                     .props = record_elsewhere(call, parcel),
                                     .mime = parcel->mime};
    struct item_id id;

    TRY(mailbox_item_add(tx, args->to_folder, &draft, &id, err_r));
    return args->move ? delivery_note_item(tx, &origin, id, err_r) : 0;
}

static int arrive(struct ews_call *call, struct mailbox_tx *tx, struct args *args, size_t i,
                  struct err *err_r)
{
    struct parcel *parcel = &args->parcels[i];
    int arrived = 0;

    TRY(require_target(call, tx, args, err_r));
    if (args->move) {
        arrived = has_arrived(tx, parcel, err_r);
        TRY(arrived);
    }
    if (arrived == 0) {
        TRY(add_arrival(call, tx, args, parcel, err_r));
    }
    if (args->move) {
        parcel->stage = LEAVE;
        return BATCH_ELSEWHERE;
    }
    answer_no_item(call);
    return BATCH_DONE;
}

/* Gone meanwhile is as good; changed meanwhile, the change has not arrived and must not be lost. */
static int leave(struct ews_call *call, struct mailbox_tx *tx, struct args *args, size_t i,
                 struct err *err_r)
{
    const struct parcel *parcel = &args->parcels[i];
    struct item item;
    int found = mailbox_item_get(tx, parcel->item.id, parcel->arena, &item, err_r);

    TRY(found);
    if (found == 1) {
        if (item_version(&item).v != item_version(&parcel->item).v) {
            return err_set(err_r, ERR_MOVE_COPY_FAILED, "the item was changed while it was moved");
        }
        TRY(mailbox_item_delete(tx, item.id, err_r));
    }
    answer_no_item(call);
    return BATCH_DONE;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;

    (void)message_xml_r;
    if (call->mailbox.v == args->to_mailbox.v &&
        (args->parcels == NULL || args->parcels[i].stage == TAKE_UP)) {
        return transfer_within(call, tx, args, i, err_r);
    }
    if (args->parcels == NULL) {
        args->parcels = ARENA_ARRAY(call->arena, struct parcel, args->items.n);
    }
    switch (args->parcels[i].stage) {
    case TAKE_UP: return take_up(call, tx, args, i, err_r);
    case ARRIVE: return arrive(call, tx, args, i, err_r);
    case LEAVE: break;
    }
    return leave(call, tx, args, i, err_r);
}

const struct batch TRANSFER_ITEMS = {.count = item_targets_count,
                                     .mailbox_of = mailbox_of,
                                     .one = one,
                                     .error_tail = STR_INIT("<m:Items/>")};
