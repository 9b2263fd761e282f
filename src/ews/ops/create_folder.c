/* CreateFolder: folders below one parent. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/batch.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/ops/new_folders.h"
#include "ews/ops/targets.h"
#include "xml/xml_doc.h"

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    struct new_folders *args = ARENA_NEW(call->arena, struct new_folders);

    TRY(new_folders_parse(call, request, "Folders", args, err_r));
    *args_r = args;
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct new_folders *args = vargs;
    struct folder_id parent, id;

    TRY(new_folders_find_parent(call, tx, args, &parent, err_r));
    TRY(new_folders_may_create(call, tx, parent, err_r));
    TRY(folder_create_from_xml(call, tx, parent, args->elements[i], &id, message_xml_r, err_r));
    return answer_folder(call, tx, id, err_r);
}

static const struct batch BATCH = {.count = new_folders_count,
                                   .mailbox_of = new_folders_mailbox,
                                   .one = one,
                                   .error_tail = STR_INIT("<m:Folders/>")};

const struct ews_operation op_create_folder = {
    .name = STR_INIT("CreateFolder"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
