/* MarkAllItemsAsRead: the read flag of every item of a folder, not of those below. */
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
    bool read;
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "ReadFlag", 1, 1},
                                                    {XML_NS_MESSAGES, "SuppressReadReceipts", 1, 1},
                                                    {XML_NS_MESSAGES, "FolderIds", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct args *args = ARENA_NEW(call->arena, struct args);
    bool suppress;

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    TRY(grammar_bool(found[0], &args->read, err_r));
    TRY(grammar_bool(found[1], &suppress, err_r));
    TRY(folder_ref_parse_list(call, found[2], &args->folders.v, &args->folders.n, err_r));
    *args_r = args;
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct args *args = vargs;
    struct folder folder;

    (void)message_xml_r;
    TRY(folder_ref_resolve(call, tx, &args->folders.v[i], FOLDER_ASKED_FOR, &folder, err_r));
    TRY(access_require(call, tx, folder.id, RIGHT_EDIT_ALL, err_r));
    TRY(mailbox_folder_mark_all(tx, folder.id, args->read, err_r));
    answer_done(call);
    return BATCH_DONE;
}

static const struct batch BATCH = {
    .count = folder_targets_count, .mailbox_of = folder_targets_mailbox, .one = one};

const struct ews_operation op_mark_all_items_as_read = {
    .name = STR_INIT("MarkAllItemsAsRead"),
    .since = EWS_EXCHANGE2013,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
