/* GetAttachment: attachments by id, files with their content, attached messages as items; one
 * message an id. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/answer.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "mailbox/draft.h"
#include "mailbox/token.h"
#include "mime/message.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

struct args {
    struct item_shape *shape;
    struct str *ids;
    size_t n;
    struct err refused; /* what is wrong with the shape: every message's error */
    struct str refused_xml;
};

/* ---- parsing ---- */

static int parse_ids(struct ews_call *call, const struct xml_node *node, struct args *args,
                     struct err *err_r)
{
    args->ids = ARENA_ARRAY(call->arena, struct str, node->child_count);
    for (const struct xml_node *id = node->first_child; id != NULL; id = id->next) {
        if (!xml_is(id, XML_NS_TYPES, "AttachmentId")) {
            return grammar_fail(id, err_r, "The element '%.*s' is no attachment id.",
                                STR_ARG(id->name));
        }
        TRY(grammar_attr_str(id, "Id", true, &args->ids[args->n], err_r));
        args->n++;
    }
    if (args->n == 0) {
        return grammar_fail(node, err_r, "The element 'AttachmentIds' has incomplete content.");
    }
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "AttachmentShape", 0, 1},
                                                    {XML_NS_MESSAGES, "AttachmentIds", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct args *args = ARENA_NEW(call->arena, struct args);
    int rc;

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    rc = item_shape_parse(call, found[0], SHAPE_FOR_ATTACHMENT, &args->shape, &args->refused_xml,
                          &args->refused);
    if (rc < 0 && answer_ends_request(&args->refused)) {
        *err_r = args->refused;
        return rc;
    }
    TRY(parse_ids(call, found[1], args, err_r));
    *args_r = args;
    return 0;
}

/* ---- finding ---- */

/* What the answer to one id needs. */
struct writing {
    struct ews_call *call;
    struct mailbox_tx *tx;
    struct args *args;
    struct arena *arena; /* reset between attachments */
    struct str message_xml;
    uint64_t opened_bytes; /* of messages, so far */
    struct token_attachment token;
    struct item item;             /* the stored item at its root */
    struct mime_message *message; /* the message that holds the attachment */
};

/* The first message is opened whatever its size, others as long as answer and work stay in
 * bounds. */
static int check_room(struct writing *w, struct err *err_r)
{
    uint64_t before = w->opened_bytes;

    w->opened_bytes += w->item.size;
    if (before != 0 && (w->call->out.n + BASE64_BYTES((uint64_t)w->item.size) > ANSWER_MAX_BYTES ||
                        w->opened_bytes > READ_MAX_BYTES)) {
        return err_set(err_r, ERR_TOO_LARGE, "%zu bytes answered", w->call->out.n);
    }
    return 0;
}

static int open_item(struct writing *w, struct err *err_r)
{
    struct str mime = STR_NULL;
    int found;

    if (w->token.mailbox.v != w->call->caller.mailbox.v) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "attachment in another mailbox");
    }
    found = mailbox_item_get(w->tx, w->token.item, w->arena, &w->item, err_r);
    if (found < 0) {
        return found;
    }
    if (found == 0) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "item is gone");
    }
    TRY(check_room(w, err_r));
    if (w->item.body.v != 0) {
        TRY(mailbox_body_read(w->tx, w->item.body, w->arena, &mime, err_r));
    }
    w->message = mime_message_new(w->arena, mime);
    return 0;
}

static const struct mime_attachment *attachment_at(struct mime_message *message, size_t index)
{
    const struct mime_attachment *attachments;
    size_t n;

    mime_message_attachments(message, &attachments, &n);
    return index < n ? &attachments[index] : NULL;
}

/* Into the attached message at that position. */
static int descend(struct writing *w, size_t index, struct err *err_r)
{
    const struct mime_attachment *attachment = attachment_at(w->message, index);
    struct str content;

    if (attachment == NULL || !attachment->is_message ||
        !mime_message_attachment_content(w->message, index, &content)) {
        return err_set(err_r, ERR_ATTACHMENT_ID, "no attached message at %zu", index);
    }
    mime_message_free(&w->message); /* the bytes stay in the arena */
    w->message = mime_message_new(w->arena, content);
    return 0;
}

static int find_attachment(struct writing *w, struct str id,
                           const struct mime_attachment **attachment_r, struct str *content_r,
                           struct err *err_r)
{
    size_t last;

    TRY(token_attachment_read(w->call->key, id, &w->token, err_r));
    TRY(open_item(w, err_r));
    last = w->token.depth - 1;
    for (size_t i = 0; i < last; i++) {
        TRY(descend(w, w->token.path[i], err_r));
    }
    *attachment_r = attachment_at(w->message, w->token.path[last]);
    if (*attachment_r == NULL ||
        !mime_message_attachment_content(w->message, w->token.path[last], content_r)) {
        return err_set(err_r, ERR_ATTACHMENT_ID, "no attachment there");
    }
    return 0;
}

/* ---- writing ---- */

/* What the answer needs after a large content, so that its buffer does not double for some tags. */
#define AFTER_CONTENT_BYTES 65536

static void write_file(struct writing *w, struct item_view *view,
                       const struct mime_attachment *attachment, struct str content)
{
    struct buf *out = &w->call->out;

    BUF_LIT(out, "<t:FileAttachment>");
    attachment_write_head(view, out, &w->token, attachment);
    if (w->call->version >= EWS_EXCHANGE2010) {
        BUF_LIT(out, "<t:IsContactPhoto>false</t:IsContactPhoto>");
    }
    buf_reserve(out, BASE64_BYTES(content.n) + AFTER_CONTENT_BYTES);
    BUF_LIT(out, "<t:Content>");
    base64_encode(out, content.p, content.n);
    BUF_LIT(out, "</t:Content></t:FileAttachment>");
}

/* An attached message has what a message delivered with it would have. */
static int write_attached_item(struct writing *w, struct str content, struct err *err_r)
{
    const struct draft_options options = {
        .received_ms = w->item.received_ms, .now_ms = w->item.received_ms, .read = true};
    struct item_draft draft;
    struct item_view view;
    struct item item;
    int rc;

    item_draft_from_mime(w->arena, content, &options, &draft);
    item = (struct item){.id = w->item.id,
                         .folder = w->item.folder,
                         .kind = draft.kind,
                         .flags = draft.flags,
                         .received_ms = w->item.received_ms,
                         .size = content.n,
                         .props = draft.props};
    item_view_open(&view, w->call, NULL, &item, w->arena);
    view.within = &w->token;
    view.mime = content;
    view.mime_read = true;
    rc = item_shape_write(w->args->shape, &view, &w->call->out, &w->message_xml, err_r);
    item_view_close(&view);
    return rc;
}

static int write_content(struct writing *w, const struct mime_attachment *attachment,
                         struct str content, struct err *err_r)
{
    struct item_view view = {.call = w->call, .item = &w->item, .arena = w->arena};

    if (!attachment->is_message) {
        write_file(w, &view, attachment, content);
        return 0;
    }
    BUF_LIT(&w->call->out, "<t:ItemAttachment>");
    attachment_write_head(&view, &w->call->out, &w->token, attachment);
    TRY(write_attached_item(w, content, err_r));
    BUF_LIT(&w->call->out, "</t:ItemAttachment>");
    return 0;
}

static int write_attachment(struct writing *w, struct str id, struct err *err_r)
{
    const struct mime_attachment *attachment;
    struct str content;

    if (w->args->refused.kind != ERR_NONE) {
        *err_r = w->args->refused;
        w->message_xml = w->args->refused_xml;
        return -(int)err_r->kind;
    }
    TRY(find_attachment(w, id, &attachment, &content, err_r));
    answer_message_success(w->call);
    BUF_LIT(&w->call->out, "<m:Attachments>");
    TRY(write_content(w, attachment, content, err_r));
    BUF_LIT(&w->call->out, "</m:Attachments>");
    answer_message_end(w->call);
    return 0;
}

static int answer_attachment(struct writing *w, struct str id, struct err *err_r)
{
    size_t mark = answer_mark(w->call);
    int rc;

    arena_reset(w->arena);
    w->message_xml = STR_NULL;
    rc = write_attachment(w, id, err_r);
    if (w->message != NULL) {
        mime_message_free(&w->message);
    }
    if (rc == 0) {
        return 0;
    }
    if (answer_ends_request(err_r)) {
        return rc;
    }
    answer_rewind(w->call, mark);
    answer_message_error(w->call, err_r, w->message_xml);
    BUF_LIT(&w->call->out, "<m:Attachments/>");
    answer_message_end(w->call);
    return 0;
}

static int run(struct ews_call *call, struct mailbox_tx *tx, void *vargs, struct err *err_r)
{
    struct writing w = {.call = call, .tx = tx, .args = vargs};
    int rc = 0;

    w.arena = arena_new(call->arena, "attachment");
    answer_begin(call);
    for (size_t i = 0; rc == 0 && i < w.args->n; i++) {
        rc = answer_attachment(&w, w.args->ids[i], err_r);
    }
    answer_end(call);
    arena_free(&w.arena);
    return rc;
}

const struct ews_operation op_get_attachment = {
    .name = STR_INIT("GetAttachment"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .run = run,
};
