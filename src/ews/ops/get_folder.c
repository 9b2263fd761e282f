/* GetFolder: each named folder with the properties of the shape, one message a folder. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "xml/xml_doc.h"

struct args {
    struct folder_shape *shape;
    struct err shape_err; /* every message's error */
    struct str shape_err_xml;
    struct folder_ref *folders;
    size_t n;
};

static int parse_folders(struct ews_call *call, const struct xml_node *node, struct args *args,
                         struct err *err_r)
{
    args->folders = ARENA_ARRAY(call->arena, struct folder_ref, node->child_count);
    for (const struct xml_node *id = node->first_child; id != NULL; id = id->next) {
        TRY(folder_ref_parse(call, id, &args->folders[args->n], err_r));
        args->n++;
    }
    if (args->n == 0) {
        return grammar_fail(node, err_r, "The element 'FolderIds' has incomplete content.");
    }
    return 0;
}

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
    TRY(parse_folders(call, found[1], args, err_r));
    *args_r = args;
    return 0;
}

static void write_error(struct ews_call *call, const struct err *err, struct str message_xml)
{
    answer_message_error(call, err, message_xml);
    BUF_LIT(&call->out, "<m:Folders/>");
    answer_message_end(call);
}

static int write_one(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                     const struct folder_ref *ref, struct err *err_r)
{
    struct folder folder;
    int rc = folder_ref_resolve(call, tx, ref, false, &folder, err_r);

    if (rc < 0) {
        if (answer_ends_request(err_r)) {
            return rc;
        }
        write_error(call, err_r, STR_NULL);
        return 0;
    }
    if (args->shape_err.kind != ERR_NONE) {
        write_error(call, &args->shape_err, args->shape_err_xml);
        return 0;
    }
    answer_message_success(call);
    BUF_LIT(&call->out, "<m:Folders>");
    folder_shape_write(call, args->shape, &folder, &call->out);
    BUF_LIT(&call->out, "</m:Folders>");
    answer_message_end(call);
    return 0;
}

static int run(struct ews_call *call, struct mailbox_tx *tx, void *vargs, struct err *err_r)
{
    const struct args *args = vargs;

    answer_begin(call);
    for (size_t i = 0; i < args->n; i++) {
        TRY(write_one(call, tx, args, &args->folders[i], err_r));
    }
    answer_end(call);
    return 0;
}

const struct ews_operation op_get_folder = {
    .name = STR_INIT("GetFolder"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .quick = true,
    .parse = parse,
    .run = run,
};
