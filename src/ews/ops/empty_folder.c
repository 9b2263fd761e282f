/* EmptyFolder: all items of a folder, and all folders below when that is wanted. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/batch.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/ops/targets.h"
#include "mailbox/folder_write.h"
#include "xml/xml_doc.h"

struct args {
    struct folder_targets folders; /* first */
    enum delete_type type;
    bool with_subfolders;
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "FolderIds", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *ids;

    TRY(delete_type_parse(request, &args->type, err_r));
    TRY(grammar_attr_bool(request, "DeleteSubFolders", true, &args->with_subfolders, err_r));
    TRY(grammar_sequence(request, children, ARRAY_LEN(children), &ids, err_r));
    TRY(folder_ref_parse_list(call, ids, &args->folders.v, &args->folders.n, err_r));
    *args_r = args;
    return 0;
}

/* Calendars hold what others rely on, and the roots hold the mailbox. */
static bool can_be_emptied(const struct folder *folder)
{
    static const enum distinguished roots[] = {DF_ROOT, DF_MSGFOLDERROOT, DF_SEARCHFOLDERS,
                                               DF_RECOVERABLEITEMSROOT};

    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        if (folder->distinguished == roots[i]) {
            return false;
        }
    }
    return !folder_is_calendar(folder);
}

/* What lies where it would go to, goes a step further. */
static enum empty_how how_to_empty(enum delete_type type, const struct folder *folder)
{
    if (type == DELETE_TO_BIN && folder->distinguished != DF_DELETEDITEMS) {
        return EMPTY_TO_DELETED_ITEMS;
    }
    return type == DELETE_HARD || folder->distinguished == DF_RECOVERABLEITEMSDELETIONS
               ? EMPTY_HARD
               : EMPTY_TO_RECOVERABLE;
}

static int check_access(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                        struct folder_id id, struct err *err_r)
{
    uint32_t needed = RIGHT_DELETE_ALL;

    if (args->with_subfolders) {
        needed |= RIGHT_FOLDER_OWNER;
    }
    TRY(access_require(call, tx, id, needed, err_r));
    if (args->type == DELETE_TO_BIN && !access_is_owner(call)) {
        return err_set(err_r, ERR_CANNOT_DELETE, "in another's mailbox");
    }
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct args *args = vargs;
    struct folder folder;

    (void)message_xml_r;
    TRY(folder_ref_resolve(call, tx, &args->folders.v[i], FOLDER_ASKED_FOR, &folder, err_r));
    TRY(check_access(call, tx, args, folder.id, err_r));
    if (!can_be_emptied(&folder)) {
        return err_set(err_r, ERR_CANNOT_EMPTY, "folder %llu", (unsigned long long)folder.id.v);
    }
    TRY(mailbox_folder_empty(tx, folder.id, how_to_empty(args->type, &folder),
                             args->with_subfolders, err_r));
    answer_done(call);
    return BATCH_DONE;
}

static const struct batch BATCH = {
    .count = folder_targets_count, .mailbox_of = folder_targets_mailbox, .one = one};

const struct ews_operation op_empty_folder = {
    .name = STR_INIT("EmptyFolder"),
    .since = EWS_EXCHANGE2010,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
