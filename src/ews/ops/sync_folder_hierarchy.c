/* SyncFolderHierarchy: the changes of the folders below an anchor since a state. Always complete
 * in one answer, since widely used clients do not loop. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/ops/sync_answer.h"
#include "mailbox/sync.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

struct args {
    struct folder_shape *shape;
    struct err shape_err; /* reported after the checks of folder and state */
    struct str shape_err_xml;
    bool has_folder;
    struct folder_ref folder;
    struct str state; /* empty: initial */
};

static int parse_shape(struct ews_call *call, const struct xml_node *node, struct args *args,
                       struct err *err_r)
{
    int rc = folder_shape_parse(call, node, &args->shape, &args->shape_err_xml, &args->shape_err);

    if (rc < 0 && answer_ends_request(&args->shape_err)) {
        *err_r = args->shape_err;
        return rc;
    }
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_MESSAGES, "FolderShape", 1, 1},
                                                    {XML_NS_MESSAGES, "SyncFolderId", 0, 1},
                                                    {XML_NS_MESSAGES, "SyncState", 0, 1}};
    const struct xml_node *found[ARRAY_LEN(CHILDREN)];
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(grammar_sequence(request, CHILDREN, ARRAY_LEN(CHILDREN), found, err_r));
    TRY(parse_shape(call, found[0], args, err_r));
    if (found[1] != NULL) {
        args->has_folder = true;
        TRY(folder_ref_parse_target(call, found[1], &args->folder, err_r));
    }
    if (found[2] != NULL) {
        args->state = str_trim(found[2]->text);
    }
    *args_r = args;
    return 0;
}

/* The folder whose tree is told, and how the state names it: no folder asked for means all that
 * is visible, and is not the same as asking for it. */
static int find_anchor(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                       struct folder_id *anchor_r, struct folder_id *in_state_r, struct err *err_r)
{
    static const struct folder_ref VISIBLE = {.distinguished = DF_MSGFOLDERROOT};
    struct folder folder;

    TRY(folder_ref_resolve(call, tx, args->has_folder ? &args->folder : &VISIBLE, true, &folder,
                           err_r));
    *anchor_r = folder.id;
    *in_state_r = args->has_folder ? folder.id : (struct folder_id){0};
    return 0;
}

/* This operation's text for a bad state differs from the other's by one word. */
static int bad_state(struct err *err_r)
{
    return err_tell(err_r, ERR_SYNC_STATE,
                    "Synchronization state data is corrupted or otherwise invalid.");
}

static int read_state(struct ews_call *call, struct str text, struct folder_id in_state,
                      struct seq *since_r, struct err *err_r)
{
    struct token_sync_hierarchy token;

    if (token_sync_hierarchy_read(call->key, text, &token, err_r) < 0 ||
        token.mailbox.v != call->caller.mailbox.v || token.anchor.v != in_state.v) {
        return bad_state(err_r);
    }
    *since_r = token.at;
    return 0;
}

static void write_change(struct ews_call *call, const struct args *args,
                         const struct folder_change *change)
{
    struct buf *out = &call->out;

    switch (change->kind) {
    case CHANGE_CREATE:
        BUF_LIT(out, "<t:Create>");
        folder_shape_write(call, args->shape, &change->folder, out);
        BUF_LIT(out, "</t:Create>");
        break;
    case CHANGE_DELETE:
        BUF_LIT(out, "<t:Delete>");
        write_folder_id(out, call, STR("t:FolderId"), change->folder.id, (struct seq){0});
        BUF_LIT(out, "</t:Delete>");
        break;
    default:
        BUF_LIT(out, "<t:Update>");
        folder_shape_write(call, args->shape, &change->folder, out);
        BUF_LIT(out, "</t:Update>");
        break;
    }
}

static void write_answer(struct ews_call *call, const struct args *args,
                         const struct folder_change *changes, size_t n,
                         const struct token_sync_hierarchy *token)
{
    struct sync_answer answer;
    struct buf state = BUF_INIT;

    sync_answer_begin(call, SYNC_LAST_FOLDER, &answer);
    for (size_t i = 0; i < n; i++) {
        write_change(call, args, &changes[i]);
    }
    token_sync_hierarchy_write(&state, call->key, token);
    sync_answer_end(call, &answer, buf_str(&state), true);
    buf_fini(&state);
}

static int sync_folders(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                        struct str *message_xml_r, struct err *err_r)
{
    struct token_sync_hierarchy token = {.mailbox = call->caller.mailbox};
    struct folder_change *changes;
    struct folder_id anchor;
    struct seq since = {0};
    size_t n;
    int rc;

    TRY(find_anchor(call, tx, args, &anchor, &token.anchor, err_r));
    if (args->state.n != 0) {
        TRY(read_state(call, args->state, token.anchor, &since, err_r));
    }
    if (args->shape_err.kind != ERR_NONE) {
        *err_r = args->shape_err;
        *message_xml_r = args->shape_err_xml;
        return -(int)args->shape_err.kind;
    }
    rc = hierarchy_sync(tx, anchor, args->state.n == 0, since, call->arena, &changes, &n, &token.at,
                        err_r);
    if (rc < 0) {
        return rc == -ERR_SYNC_STATE ? bad_state(err_r) : rc;
    }
    write_answer(call, args, changes, n, &token);
    return 0;
}

static int run(struct ews_call *call, struct mailbox_tx *tx, void *vargs, struct err *err_r)
{
    struct str message_xml = STR_NULL;
    int rc = sync_folders(call, tx, vargs, &message_xml, err_r);

    if (rc < 0 && !answer_ends_request(err_r)) {
        sync_answer_error(call, SYNC_LAST_FOLDER, err_r, message_xml);
        rc = 0;
    }
    return rc;
}

const struct ews_operation op_sync_folder_hierarchy = {
    .name = STR_INIT("SyncFolderHierarchy"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .quick = true,
    .parse = parse,
    .run = run,
};
