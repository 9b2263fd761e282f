/* CreateAttachment: files and items attached to a stored item, one message an attachment. Each is a
 * change of the item. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/attachments.h"
#include "ews/batch.h"
#include "ews/calendar.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/item_edit.h"
#include "ews/limits.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

struct args {
    struct item_ref parent;
    const struct xml_node **attachments;
    size_t n;
    struct arena *arena;   /* of one attachment; reset before the next */
    uint64_t opened_bytes; /* of the parent, once for each attachment */
};

/* ---- parsing ---- */

static int parse_parent(const struct xml_node *node, struct item_ref *ref_r, struct err *err_r)
{
    struct item_ref ref = {.form = ITEM_BY_ID};

    TRY(grammar_attr_str(node, "Id", true, &ref.id, err_r));
    TRY(grammar_attr_str(node, "ChangeKey", false, &ref.change_key, err_r));
    TRY(grammar_sequence(node, NULL, 0, NULL, err_r));
    *ref_r = ref;
    return 0;
}

static bool is_attachment(const struct xml_node *node)
{
    return xml_is(node, XML_NS_TYPES, "FileAttachment") ||
           xml_is(node, XML_NS_TYPES, "ItemAttachment") ||
           xml_is(node, XML_NS_TYPES, "ReferenceAttachment");
}

static int parse_attachments(struct ews_call *call, const struct xml_node *node, struct args *args,
                             struct err *err_r)
{
    args->attachments = ARENA_ARRAY(call->arena, const struct xml_node *, node->child_count);
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        if (!is_attachment(child)) {
            return grammar_fail(child, err_r,
                                "The element 'Attachments' has invalid child element '%.*s'.",
                                STR_ARG(str_sub(child->name, 0, GRAMMAR_SHOWN_BYTES)));
        }
        args->attachments[args->n++] = child;
    }
    if (args->n == 0) {
        return grammar_fail(node, err_r, "The element 'Attachments' has incomplete content.");
    }
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "ParentItemId", 1, 1},
                                                    {XML_NS_MESSAGES, "Attachments", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    TRY(parse_parent(found[0], &args->parent, err_r));
    TRY(parse_attachments(call, found[1], args, err_r));
    args->arena = arena_new(call->arena, "attachment");
    *args_r = args;
    return 0;
}

/* ---- one attachment ---- */

static size_t count(const void *args)
{
    return ((const struct args *)args)->n;
}

static struct mailbox_no mailbox_of(struct ews_call *call, const void *args, size_t i)
{
    (void)i;
    return item_ref_mailbox(call, &((const struct args *)args)->parent);
}

/* The item is read and composed anew for each; so many as stay within bounds. */
static int check_work(struct args *args, const struct item *item, struct err *err_r)
{
    uint64_t before = args->opened_bytes;

    args->opened_bytes += item->size;
    return before != 0 && args->opened_bytes > READ_MAX_BYTES
               ? err_set(err_r, ERR_TOO_LARGE, "%llu bytes opened", (unsigned long long)before)
               : 0;
}

static int open_parent(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                       struct item *item, struct item_edit **edit_r, struct err *err_r)
{
    struct item_occurrence *occurrence;

    TRY(item_ref_resolve_occurrence(call, tx, &args->parent, args->arena, item, &occurrence,
                                    err_r));
    if (occurrence != NULL) {
        return err_set(err_r, ERR_OPERATION_ITEM, "an occurrence has no attachments of its own");
    }
    TRY(access_require_item(call, tx, item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL, err_r));
    TRY(check_work(args, item, err_r));
    return item_edit_open(call, tx, args->arena, item, edit_r, err_r);
}

static int answer_created(struct ews_call *call, const struct item *item, uint32_t number,
                          bool is_item, struct seq version)
{
    const struct token_attachment token = {
        .mailbox = call->mailbox, .item = item->id, .depth = 1, .path = {number}};
    struct str name = is_item ? STR("t:ItemAttachment>") : STR("t:FileAttachment>");
    struct buf *out = &call->out;

    answer_message_success(call);
    BUF_LIT(out, "<m:Attachments><");
    buf_add_str(out, name);
    BUF_LIT(out, "<t:AttachmentId Id=\"");
    token_attachment_write(out, call->key, &token);
    BUF_LIT(out, "\"");
    attachment_write_root(call, item->id, version);
    BUF_LIT(out, "/></");
    buf_add_str(out, name);
    BUF_LIT(out, "</m:Attachments>");
    answer_message_end(call);
    return BATCH_DONE;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct mime_draft_attachment attachment;
    struct item_edit *edit;
    struct item item;
    uint32_t number;

    arena_reset(args->arena);
    TRY(open_parent(call, tx, args, &item, &edit, err_r));
    TRY(attachment_from_xml(call, args->arena, args->attachments[i], &attachment, message_xml_r,
                            err_r));
    if (attachment.name.n == 0) {
        return err_set(err_r, ERR_REQUIRED_PROPERTY, "attachment without a name");
    }
    TRY(item_edit_add_attachment(edit, &attachment, &number, err_r));
    TRY(item_edit_store(edit, tx, err_r));
    return answer_created(call, &item, number, attachment.is_message, item_edit_version(edit));
}

static const struct batch BATCH = {.count = count,
                                   .mailbox_of = mailbox_of,
                                   .one = one,
                                   .error_tail = STR_INIT("<m:Attachments/>")};

const struct ews_operation op_create_attachment = {
    .name = STR_INIT("CreateAttachment"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
