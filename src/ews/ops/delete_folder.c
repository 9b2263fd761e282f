/* DeleteFolder: with all that is in it; or to Deleted Items, where its name is made unique. There is no recovering folders: SoftDelete
 * is HardDelete. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ops/targets.h"
#include "mailbox/folder_write.h"
#include "xml/xml_doc.h"

struct args {
    struct folder_targets folders; /* first */
    enum delete_type type;
    struct known_folder bin;
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "FolderIds", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *ids;

    TRY(delete_type_parse(request, &args->type, err_r));
    TRY(grammar_sequence(request, children, ARRAY_LEN(children), &ids, err_r));
    TRY(folder_ref_parse_list(call, ids, &args->folders.v, &args->folders.n, err_r));
    *args_r = args;
    return 0;
}

/* What lies in the bin goes for good. */
static int trash(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                 struct folder_id id, struct err *err_r)
{
    struct folder_id bin;
    int below;

    TRY(known_folder_find(call, tx, DF_DELETEDITEMS, &args->bin, &bin, err_r));
    below = mailbox_folder_is_below(tx, id, bin, err_r);
    TRY(below);
    return below == 1 ? mailbox_folder_delete(tx, id, err_r) : mailbox_folder_trash(tx, id, err_r);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct folder folder;

    (void)message_xml_r;
    TRY(folder_ref_resolve(call, tx, &args->folders.v[i], FOLDER_ASKED_FOR, &folder, err_r));
    TRY(access_require(call, tx, folder.id, RIGHT_FOLDER_OWNER, err_r));
    if (args->type == DELETE_TO_BIN && !access_is_owner(call)) {
        return err_set(err_r, ERR_CANNOT_DELETE, "in another's mailbox");
    }
    TRY(args->type == DELETE_TO_BIN ? trash(call, tx, args, folder.id, err_r)
                                    : mailbox_folder_delete(tx, folder.id, err_r));
    answer_done(call);
    return BATCH_DONE;
}

static const struct batch BATCH = {
    .count = folder_targets_count, .mailbox_of = folder_targets_mailbox, .one = one};

const struct ews_operation op_delete_folder = {
    .name = STR_INIT("DeleteFolder"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
