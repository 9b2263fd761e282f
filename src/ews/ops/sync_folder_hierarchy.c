/* SyncFolderHierarchy: the changes of the folders below an anchor since a state. Always complete
 * in one answer, since widely used clients do not loop. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/batch.h"
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

    TRY(folder_ref_resolve(call, tx, args->has_folder ? &args->folder : &VISIBLE, FOLDER_TO_SYNC,
                           &folder, err_r));
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
        token.mailbox.v != call->mailbox.v || token.anchor.v != in_state.v) {
        return bad_state(err_r);
    }
    *since_r = token.at;
    return 0;
}

static int is_visible(struct ews_call *call, struct mailbox_tx *tx, struct folder_id id,
                      struct err *err_r)
{
    uint32_t rights = 0;

    TRY(access_rights(call, tx, id, &rights, err_r));
    return (rights & RIGHT_FOLDER_VISIBLE) != 0;
}

/* In another's mailbox only what is visible is told: what became visible is new, what no longer is has gone. A folder that
 * is gone altogether is told to whoever asks, since nobody's rights in it are kept; who never knew it has nothing to
 * remove. 1: told, as *kind_r. */
static int adjust_kind(struct ews_call *call, struct mailbox_tx *tx,
                       const struct folder_change *change, struct seq since,
                       enum change_kind *kind_r, struct err *err_r)
{
    uint32_t then = 0;
    int now;

    *kind_r = change->kind;
    if (change->kind == CHANGE_DELETE) {
        return 1;
    }
    now = is_visible(call, tx, change->folder.id, err_r);
    TRY(now);
    if (change->kind == CHANGE_CREATE) {
        return now;
    }
    TRY(permissions_then(tx, change->folder.id, call->caller.mailbox, since, &then, err_r));
    if ((then & RIGHT_FOLDER_VISIBLE) == 0) {
        *kind_r = CHANGE_CREATE;
        return now;
    }
    *kind_r = now ? CHANGE_UPDATE : CHANGE_DELETE;
    return 1;
}

struct found {
    struct folder_change *changes;
    size_t n;
    struct seq since;
    struct token_sync_hierarchy token;
};

/* What became invisible goes last, as all that is gone, and children before parents. */
static int adjust(struct ews_call *call, struct mailbox_tx *tx, struct found *found,
                  struct err *err_r)
{
    struct folder_change *hidden = ARENA_ARRAY(call->arena, struct folder_change, found->n);
    size_t kept = 0, hidden_count = 0;

    for (size_t i = 0; i < found->n; i++) {
        struct folder_change change = found->changes[i];
        int told = adjust_kind(call, tx, &found->changes[i], found->since, &change.kind, err_r);

        TRY(told);
        if (told == 1 && change.kind == CHANGE_DELETE && found->changes[i].kind != CHANGE_DELETE) {
            hidden[hidden_count++] = change;
        } else if (told == 1) {
            found->changes[kept++] = change;
        }
    }
    while (hidden_count > 0) {
        found->changes[kept++] = hidden[--hidden_count];
    }
    found->n = kept;
    return 0;
}

static int write_change(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                        const struct folder_change *change, struct err *err_r)
{
    struct buf *out = &call->out;

    switch (change->kind) {
    case CHANGE_CREATE:
        BUF_LIT(out, "<t:Create>");
        TRY(folder_shape_write(call, tx, args->shape, &change->folder, err_r));
        BUF_LIT(out, "</t:Create>");
        break;
    case CHANGE_DELETE:
        BUF_LIT(out, "<t:Delete>");
        write_folder_id(out, call, STR("t:FolderId"), change->folder.id, (struct seq){0});
        BUF_LIT(out, "</t:Delete>");
        break;
    default:
        BUF_LIT(out, "<t:Update>");
        TRY(folder_shape_write(call, tx, args->shape, &change->folder, err_r));
        BUF_LIT(out, "</t:Update>");
        break;
    }
    return 0;
}

static int write_answer(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                        const struct found *found, struct err *err_r)
{
    struct sync_answer answer;
    struct buf state = BUF_INIT;

    sync_answer_begin(call, STR(SYNC_LAST_FOLDER), &answer);
    for (size_t i = 0; i < found->n; i++) {
        TRY(write_change(call, tx, args, &found->changes[i], err_r));
    }
    token_sync_hierarchy_write(&state, call->key, &found->token);
    sync_answer_end(call, &answer, buf_str(&state), true);
    buf_fini(&state);
    return 0;
}

static size_t count(const void *args)
{
    (void)args;
    return 1;
}

static struct mailbox_no mailbox_of(struct ews_call *call, const void *vargs, size_t i)
{
    const struct args *args = vargs;

    (void)i;
    return args->has_folder ? folder_ref_mailbox(call, &args->folder) : call->caller.mailbox;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct args *args = vargs;
    struct found found = {.token = {.mailbox = call->mailbox}};
    struct folder_id anchor;
    int rc;

    (void)i;
    TRY(find_anchor(call, tx, args, &anchor, &found.token.anchor, err_r));
    if (args->state.n != 0) {
        TRY(read_state(call, args->state, found.token.anchor, &found.since, err_r));
    }
    if (args->shape_err.kind != ERR_NONE) {
        *err_r = args->shape_err;
        *message_xml_r = args->shape_err_xml;
        return -(int)args->shape_err.kind;
    }
    rc = hierarchy_sync(tx, anchor, args->state.n == 0, found.since, call->arena, &found.changes,
                        &found.n, &found.token.at, err_r);
    if (rc < 0) {
        return rc == -ERR_SYNC_STATE ? bad_state(err_r) : rc;
    }
    if (!access_is_owner(call)) {
        TRY(adjust(call, tx, &found, err_r));
    }
    return write_answer(call, tx, args, &found, err_r);
}

static const struct batch BATCH = {.count = count,
                                   .mailbox_of = mailbox_of,
                                   .one = one,
                                   .error_tail = STR_INIT(SYNC_ERROR_TAIL(SYNC_LAST_FOLDER))};

const struct ews_operation op_sync_folder_hierarchy = {
    .name = STR_INIT("SyncFolderHierarchy"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .quick = true,
    .parse = parse,
    .batch = &BATCH,
};
