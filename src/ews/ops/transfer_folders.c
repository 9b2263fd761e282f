#include "ews/ops/transfer_folders.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ops/new_folders.h"
#include "ews/ops/targets.h"
#include "mailbox/folder_write.h"
#include "xml/xml_doc.h"

struct args {
    struct folder_targets folders; /* first */
    bool move;
    struct folder_ref to;
};

int transfer_folders_parse(struct ews_call *call, const struct xml_node *request, bool move,
                           void **args_r, struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "ToFolderId", 1, 1},
                                                    {XML_NS_MESSAGES, "FolderIds", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    TRY(folder_ref_parse_target(call, found[0], &args->to, err_r));
    TRY(folder_ref_parse_list(call, found[1], &args->folders.v, &args->folders.n, err_r));
    args->move = move;
    *args_r = args;
    return 0;
}

static int find_target(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                       struct folder_id *id_r, struct err *err_r)
{
    struct folder to;

    if (folder_ref_mailbox(call, &args->to).v != call->mailbox.v) {
        return err_set(err_r, ERR_CROSS_MAILBOX, "the target lies in another mailbox");
    }
    TRY(folder_ref_resolve(call, tx, &args->to, FOLDER_AS_TARGET, &to, err_r));
    TRY(new_folders_may_create(call, tx, to.id, err_r));
    *id_r = to.id;
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct args *args = vargs;
    struct folder folder;
    struct folder_id to, id;

    (void)message_xml_r;
    TRY(folder_ref_resolve(call, tx, &args->folders.v[i], FOLDER_ASKED_FOR, &folder, err_r));
    TRY(access_require(call, tx, folder.id, RIGHT_FOLDER_OWNER, err_r));
    TRY(find_target(call, tx, args, &to, err_r));
    id = folder.id;
    TRY(args->move ? mailbox_folder_move(tx, folder.id, to, err_r)
                   : mailbox_folder_copy(tx, folder.id, to, &id, err_r));
    return answer_folder(call, tx, id, err_r);
}

const struct batch TRANSFER_FOLDERS = {.count = folder_targets_count,
                                       .mailbox_of = folder_targets_mailbox,
                                       .one = one,
                                       .error_tail = STR_INIT("<m:Folders/>")};
