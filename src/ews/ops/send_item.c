/* SendItem: drafts go out. The commit that queues a message moves its draft to where the copy is
 * kept, or removes it. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/item_edit.h"
#include "ews/ops/targets.h"
#include "ews/props-private.h"
#include "ews/send.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

struct args {
    struct item_targets items; /* first */
    bool save, has_folder;
    struct folder_ref folder;
    struct known_folder target; /* of `folder`, or the Sent Items, once found */
    struct arena *arena;        /* reset between items */
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "ItemIds", 1, 1},
                                                    {XML_NS_MESSAGES, "SavedItemFolderId", 0, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(grammar_attr_bool(request, "SaveItemToFolder", true, &args->save, err_r));
    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    TRY(item_ref_parse_list(call, found[0], &args->items.v, &args->items.n, err_r));
    if (found[1] != NULL) {
        TRY(folder_ref_parse_target(call, found[1], &args->folder, err_r));
        args->has_folder = true;
    }
    args->arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

/* What goes out is what the client has seen. */
static int check_change_key(struct ews_call *call, const struct item_ref *ref,
                            const struct item *item, struct err *err_r)
{
    struct token_change_key key = {.version = {0}};

    if (ref->change_key.n == 0) {
        return err_set(err_r, ERR_CHANGE_KEY_REQUIRED, "no ChangeKey");
    }
    TRY(token_change_key_read(call->key, ref->change_key, &key, err_r));
    if (key.version.v != item_version(item).v) {
        return err_set(err_r, ERR_STALE, "item %llu is at %llu", (unsigned long long)item->id.v,
                       (unsigned long long)item_version(item).v);
    }
    return 0;
}

static int check(struct ews_call *call, const struct args *args, const struct item_ref *ref,
                 const struct item *item, struct err *err_r)
{
    if ((K_MESSAGE & 1u << item->kind) == 0 || (item->flags & ITEM_DRAFT) == 0 ||
        (item->flags & ITEM_ASSOCIATED) != 0) {
        return err_tell(err_r, ERR_OPERATION_ITEM, "Only drafts of messages can be sent.");
    }
    if (call->mailbox.v != call->caller.mailbox.v ||
        (args->has_folder && folder_ref_mailbox(call, &args->folder).v != call->mailbox.v)) {
        return err_tell(err_r, ERR_NOT_SUPPORTED,
                        "The draft and the folder of its copy must be in the sender's mailbox.");
    }
    return check_change_key(call, ref, item, err_r);
}

static int find_target(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                       struct folder_id *to_r, struct err *err_r)
{
    struct folder folder;
    int rc;

    if (!args->has_folder) {
        return known_folder_find(call, tx, DF_SENTITEMS, &args->target, to_r, err_r);
    }
    if (args->target.id.v == 0) {
        rc = folder_ref_resolve(call, tx, &args->folder, FOLDER_AS_TARGET, &folder, err_r);
        if (rc == -ERR_TO_FOLDER_NOT_FOUND) {
            return err_set(err_r, ERR_SAVED_FOLDER_NOT_FOUND, "SavedItemFolderId");
        }
        TRY(rc);
        args->target.id = folder.id;
    }
    *to_r = args->target.id;
    return 0;
}

static int keep_copy(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                     struct item_edit *edit, struct err *err_r)
{
    struct folder_id to;
    struct item_id copy;

    TRY(find_target(call, tx, args, &to, err_r));
    TRY(item_edit_store(edit, tx, err_r));
    return mailbox_item_move(tx, item_edit_base(edit)->id, to, &copy, err_r);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct item_edit *edit;
    struct item item;

    (void)message_xml_r;
    arena_reset(args->arena);
    if (!args->save && args->has_folder) {
        return err_set(err_r, ERR_SEND_SETTINGS, "SavedItemFolderId");
    }
    TRY(item_ref_resolve(call, tx, &args->items.v[i], args->arena, &item, err_r));
    TRY(check(call, args, &args->items.v[i], &item, err_r));
    TRY(item_edit_open(call, tx, args->arena, &item, &edit, err_r));
    TRY(send_message(call, tx, edit, err_r));
    TRY(args->save ? keep_copy(call, tx, args, edit, err_r)
                   : mailbox_item_delete(tx, item.id, err_r));
    answer_done(call);
    return BATCH_DONE;
}

static const struct batch BATCH = {
    .count = item_targets_count, .mailbox_of = item_targets_mailbox, .one = one};

const struct ews_operation op_send_item = {
    .name = STR_INIT("SendItem"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
