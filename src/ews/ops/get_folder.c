/* GetFolder: each named folder with the properties of the shape, one message a folder. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/ops/targets.h"
#include "xml/xml_doc.h"

struct args {
    struct folder_targets folders; /* first */
    struct folder_shape *shape;
    struct err shape_err; /* every message's error */
    struct str shape_err_xml;
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_MESSAGES, "FolderShape", 1, 1},
                                                    {XML_NS_MESSAGES, "FolderIds", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(CHILDREN)];
    struct args *args = ARENA_NEW(call->arena, struct args);
    int rc;

    TRY(grammar_sequence(request, CHILDREN, ARRAY_LEN(CHILDREN), found, err_r));
    rc = folder_shape_parse(call, found[0], &args->shape, &args->shape_err_xml, &args->shape_err);
    if (rc < 0 && answer_ends_request(&args->shape_err)) {
        *err_r = args->shape_err;
        return rc;
    }
    TRY(folder_ref_parse_list(call, found[1], &args->folders.v, &args->folders.n, err_r));
    *args_r = args;
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct args *args = vargs;
    struct folder folder;

    TRY(folder_ref_resolve(call, tx, &args->folders.v[i], FOLDER_ASKED_FOR, &folder, err_r));
    if (args->shape_err.kind != ERR_NONE) {
        *err_r = args->shape_err;
        *message_xml_r = args->shape_err_xml;
        return -(int)err_r->kind;
    }
    answer_message_success(call);
    BUF_LIT(&call->out, "<m:Folders>");
    TRY(folder_shape_write(call, tx, args->shape, &folder, err_r));
    BUF_LIT(&call->out, "</m:Folders>");
    answer_message_end(call);
    return BATCH_DONE;
}

static const struct batch BATCH = {.count = folder_targets_count,
                                   .mailbox_of = folder_targets_mailbox,
                                   .one = one,
                                   .error_tail = STR_INIT("<m:Folders/>")};

const struct ews_operation op_get_folder = {
    .name = STR_INIT("GetFolder"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .quick = true,
    .parse = parse,
    .batch = &BATCH,
};
