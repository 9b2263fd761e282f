/* CreateItem: items from properties or from MIME, saved, sent, or both. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/item_edit.h"
#include "ews/ops/targets.h"
#include "ews/props-private.h"
#include "ews/response_objects.h"
#include "ews/send.h"
#include "xml/xml_doc.h"

enum disposition { SAVE_ONLY, SEND_ONLY, SEND_AND_SAVE, DISPOSITION_NONE };

struct args {
    enum disposition disposition;
    bool has_invitations;
    size_t invitations;
    bool has_folder;
    struct folder_ref folder;
    struct known_folder target;             /* of `folder`, once found */
    struct known_folder defaults[DF_COUNT]; /* likewise */
    const struct xml_node **items;
    struct response **responses; /* NULL for each that is an item itself */
    size_t n;
    struct arena *item_arena; /* of one item; reset before the next */
};

/* ---- parsing ---- */

static int parse_attributes(const struct xml_node *request, struct args *args, struct err *err_r)
{
    static const char *const dispositions[] = {"SaveOnly", "SendOnly", "SendAndSaveCopy", NULL};
    static const char *const invitations[] = {"SendToNone", "SendOnlyToAll", "SendToAllAndSaveCopy",
                                              NULL};
    size_t disposition = DISPOSITION_NONE;

    args->invitations = SIZE_MAX;
    TRY(grammar_attr_enum(request, "MessageDisposition", false, dispositions, &disposition, err_r));
    TRY(grammar_attr_enum(request, "SendMeetingInvitations", false, invitations, &args->invitations,
                          err_r));
    args->disposition = (enum disposition)disposition;
    args->has_invitations = args->invitations != SIZE_MAX;
    return 0;
}

static int parse_items(struct ews_call *call, const struct xml_node *node, struct args *args,
                       struct err *err_r)
{
    args->items = ARENA_ARRAY(call->arena, const struct xml_node *, node->child_count);
    args->responses = ARENA_ARRAY(call->arena, struct response *, node->child_count);
    for (const struct xml_node *item = node->first_child; item != NULL; item = item->next) {
        TRY(response_parse(call, item, &args->responses[args->n], err_r));
        if (item_kind_of_element(item) == 0 && args->responses[args->n] == NULL) {
            return grammar_fail(item, err_r,
                                "The element 'Items' has invalid child element '%.*s'.",
                                STR_ARG(str_sub(item->name, 0, 64)));
        }
        args->items[args->n++] = item;
    }
    if (args->n == 0) {
        return grammar_fail(node, err_r, "The element 'Items' has incomplete content.");
    }
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "SavedItemFolderId", 0, 1},
                                                    {XML_NS_MESSAGES, "Items", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(parse_attributes(request, args, err_r));
    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    if (found[0] != NULL) {
        TRY(folder_ref_parse_target(call, found[0], &args->folder, err_r));
        args->has_folder = true;
    }
    TRY(parse_items(call, found[1], args, err_r));
    args->item_arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

/* ---- where to ---- */

static size_t count(const void *args)
{
    return ((const struct args *)args)->n;
}

/* What is only sent lies nowhere; the sender's mailbox sends it. */
static struct mailbox_no mailbox_of(struct ews_call *call, const void *vargs, size_t i)
{
    const struct args *args = vargs;
    const struct response *response = args->responses[i];

    if (response != NULL && !response_makes_item(response)) {
        return response_mailbox(call, response);
    }
    return args->has_folder && args->disposition != SEND_ONLY
               ? folder_ref_mailbox(call, &args->folder)
               : call->caller.mailbox;
}

static enum distinguished default_folder(enum item_kind kind, bool sends)
{
    switch (kind) {
    case ITEM_KIND_CALENDAR_ITEM: return DF_CALENDAR;
    case ITEM_KIND_CONTACT:
    case ITEM_KIND_DISTRIBUTION_LIST: return DF_CONTACTS;
    case ITEM_KIND_TASK: return DF_TASKS;
    case ITEM_KIND_POST_ITEM: return DF_NONE;
    default: return sends ? DF_SENTITEMS : DF_DRAFTS;
    }
}

static int find_named_folder(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                             struct folder_id *id_r, struct err *err_r)
{
    struct folder folder;
    int rc;

    if (args->target.id.v == 0) {
        rc = folder_ref_resolve(call, tx, &args->folder, FOLDER_AS_TARGET, &folder, err_r);
        if (rc == -ERR_TO_FOLDER_NOT_FOUND) {
            return err_set(err_r, ERR_SAVED_FOLDER_NOT_FOUND, "SavedItemFolderId");
        }
        TRY(rc);
        args->target.id = folder.id;
    }
    *id_r = args->target.id;
    return 0;
}

static int find_folder(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                       enum item_kind kind, bool sends, struct folder_id *id_r, struct err *err_r)
{
    enum distinguished which = default_folder(kind, sends);
    int rc;

    if (args->has_folder) {
        TRY(find_named_folder(call, tx, args, id_r, err_r));
    } else if (which == DF_NONE) {
        return err_set(err_r, ERR_SAVED_FOLDER_NOT_FOUND, "a post has no folder of its own");
    } else {
        TRY(known_folder_find(call, tx, which, &args->defaults[which], id_r, err_r));
    }
    rc = access_require(call, tx, *id_r, RIGHT_CREATE_ITEMS, err_r);
    return rc == -ERR_ACCESS_DENIED ? err_set(err_r, ERR_CREATE_ITEM_DENIED, "rights") : rc;
}

/* ---- one item ---- */

static bool is_message(enum item_kind kind)
{
    return (K_MESSAGE & 1u << kind) != 0;
}

static int check_attributes(const struct args *args, enum item_kind kind, struct err *err_r)
{
    if (is_message(kind) && args->disposition == DISPOSITION_NONE) {
        return err_set(err_r, ERR_MESSAGE_DISPOSITION_REQUIRED, "a message");
    }
    if (kind == ITEM_KIND_CALENDAR_ITEM && !args->has_invitations) {
        return err_set(err_r, ERR_INVITATIONS_REQUIRED, "a calendar item");
    }
    return 0;
}

/* Attachments get their ids here, so clients need not ask for them. */
static int write_attachment_ids(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                                struct item_id id, struct err *err_r)
{
    static const struct prop_row row = {.open = STR_INIT("<t:Attachments>"),
                                        .close = STR_INIT("</t:Attachments>")};
    struct item_view view;
    struct item item;
    int found = mailbox_item_get(tx, id, arena, &item, err_r);

    if (found <= 0) {
        return found;
    }
    item_view_open(&view, call, tx, &item, arena);
    view.err = err_r;
    write_attachments(&row, &view, &call->out);
    item_view_close(&view);
    return view.rc;
}

static int answer_saved(struct ews_call *call, struct mailbox_tx *tx, const struct item_edit *edit,
                        struct arena *arena, struct item_id id, struct err *err_r)
{
    struct str element = item_element(item_edit_kind(edit), call->version);

    answer_message_success(call);
    BUF_LIT(&call->out, "<m:Items><");
    buf_add_str(&call->out, element);
    BUF_LIT(&call->out, ">");
    write_item_id(&call->out, call, id, item_edit_version(edit));
    if (item_edit_touched(edit, EDIT_ATTACHMENTS)) {
        TRY(write_attachment_ids(call, tx, arena, id, err_r));
    }
    BUF_LIT(&call->out, "</");
    buf_add_str(&call->out, element);
    BUF_LIT(&call->out, "></m:Items>");
    answer_message_end(call);
    return BATCH_DONE;
}

static int answer_sent(struct ews_call *call)
{
    answer_message_success(call);
    BUF_LIT(&call->out, "<m:Items/>");
    answer_message_end(call);
    return BATCH_DONE;
}

static int send_item(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                     struct item_edit *edit, struct err *err_r)
{
    struct folder_id folder;
    struct item_id id;

    if (call->mailbox.v != call->caller.mailbox.v) {
        return err_tell(err_r, ERR_NOT_SUPPORTED,
                        "The copy of a sent message can be saved in the sender's mailbox only.");
    }
    if (args->disposition == SEND_AND_SAVE) {
        TRY(find_folder(call, tx, args, item_edit_kind(edit), true, &folder, err_r));
    }
    TRY(send_message(call, tx, edit, err_r));
    if (args->disposition == SEND_AND_SAVE) {
        TRY(item_edit_create(edit, tx, folder, &id, err_r));
    }
    return answer_sent(call);
}

static int save_item(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                     struct item_edit *edit, struct folder_id folder, struct err *err_r)
{
    struct item_id id;

    TRY(item_edit_create(edit, tx, folder, &id, err_r));
    return answer_saved(call, tx, edit, args->item_arena, id, err_r);
}

/* What was made from the request goes where it belongs. */
static int finish(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                  struct item_edit *edit, enum item_kind kind, struct err *err_r)
{
    struct folder_id folder;

    if (is_message(kind) && args->disposition != SAVE_ONLY) {
        return send_item(call, tx, args, edit, err_r);
    }
    TRY(find_folder(call, tx, args, kind, false, &folder, err_r));
    return save_item(call, tx, args, edit, folder, err_r);
}

static int respond(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                   const struct response *response, struct str *message_xml_r, struct err *err_r)
{
    struct folder_id home;
    struct item_edit *edit;
    enum item_kind kind;

    if (!response_makes_item(response)) {
        TRY(response_act(call, tx, args->item_arena, response, err_r));
        return answer_sent(call);
    }
    TRY(response_make(call, tx, args->item_arena, response, &edit, &home, message_xml_r, err_r));
    kind = item_edit_kind(edit);
    TRY(check_attributes(args, kind, err_r));
    if (kind == ITEM_KIND_POST_ITEM && !args->has_folder) {
        return save_item(call, tx, args, edit, home, err_r);
    }
    return finish(call, tx, args, edit, kind, err_r);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    const struct xml_node *node = args->items[i];
    enum item_kind kind = item_kind_of_element(node);
    struct item_edit *edit;

    arena_reset(args->item_arena);
    if (args->responses[i] != NULL) {
        return respond(call, tx, args, args->responses[i], message_xml_r, err_r);
    }
    TRY(check_attributes(args, kind, err_r));
    TRY(item_edit_from_element(call, args->item_arena, node, &edit, message_xml_r, err_r));
    return finish(call, tx, args, edit, kind, err_r);
}

static const struct batch BATCH = {
    .count = count, .mailbox_of = mailbox_of, .one = one, .error_tail = STR_INIT("<m:Items/>")};

const struct ews_operation op_create_item = {
    .name = STR_INIT("CreateItem"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
