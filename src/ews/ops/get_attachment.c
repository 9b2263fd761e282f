/* GetAttachment: attachments by id, files with their content, attached messages as items; one
 * message an id. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/answer.h"
#include "ews/attachments.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "mailbox/draft.h"
#include "mailbox/token.h"
#include "mime/message.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

/* The stored message that was opened last: ids of its other attachments need not open it again. */
struct held {
    struct arena *arena; /* of its bytes, and of what was found in them */
    struct mime_message *message;
    struct mailbox_no mailbox;
    struct body_id body;
    unsigned leg;
};

struct args {
    struct item_shape *shape;
    struct str *ids;
    size_t n;
    struct err refused; /* what is wrong with the shape: every message's error */
    struct str refused_xml;
    struct held held;
    struct arena *arena;   /* reset between attachments */
    uint64_t opened_bytes; /* of messages, so far */
};

/* ---- parsing ---- */

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
    TRY(attachment_ids_parse(call, found[1], &args->ids, &args->n, err_r));
    args->arena = arena_new(call->arena, "attachment");
    args->held.arena = arena_new(call->arena, "message");
    *args_r = args;
    return 0;
}

/* ---- finding ---- */

/* What the answer to one id needs. */
struct writing {
    struct ews_call *call;
    struct mailbox_tx *tx;
    struct args *args;
    struct arena *arena;
    struct str message_xml;
    struct token_attachment token;
    struct item item;             /* the stored item at its root */
    struct mime_message *message; /* the message that holds the attachment */
};

/* A message that is held may take so many times its size, and what small ones take in any case. */
#define HELD_MAX_GROWTH 4
#define HELD_LEAST_BYTES 65536

/* The first message is opened whatever its size, others as long as answer and work stay in
 * bounds. */
static int check_room(struct writing *w, struct err *err_r)
{
    uint64_t before = w->args->opened_bytes;

    w->args->opened_bytes += w->item.size;
    if (before != 0 && (w->call->out.n + BASE64_BYTES((uint64_t)w->item.size) > ANSWER_MAX_BYTES ||
                        w->args->opened_bytes > READ_MAX_BYTES)) {
        return err_set(err_r, ERR_TOO_LARGE, "%zu bytes answered", w->call->out.n);
    }
    return 0;
}

/* Whether the message is still held, and has not grown much by what was decoded of it. A body's bytes
 * never change; another leg is another transaction, which may lack it. */
static bool is_held(const struct writing *w)
{
    const struct held *held = &w->args->held;

    return held->message != NULL && held->mailbox.v == w->call->mailbox.v &&
           held->body.v == w->item.body.v && held->leg == batch_leg(w->call) &&
           arena_used_bytes(held->arena) / HELD_MAX_GROWTH <= w->item.size + HELD_LEAST_BYTES;
}

static int hold(struct writing *w, struct err *err_r)
{
    struct held *held = &w->args->held;
    struct str mime = STR_NULL;

    if (held->message != NULL) {
        mime_message_free(&held->message);
    }
    arena_reset(held->arena);
    if (w->item.body.v != 0) {
        TRY(mailbox_body_read(w->tx, w->item.body, held->arena, &mime, err_r));
    }
    held->message = mime_message_new(held->arena, mime);
    held->mailbox = w->call->mailbox;
    held->body = w->item.body;
    held->leg = batch_leg(w->call);
    return 0;
}

static int open_item(struct writing *w, struct err *err_r)
{
    TRY(attachment_root_get(w->call, w->tx, &w->token, w->arena, &w->item, err_r));
    TRY(check_room(w, err_r));
    if (!is_held(w)) {
        TRY(hold(w, err_r));
    }
    w->message = w->args->held.message;
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
    w->message = mime_message_new(w->arena, content);
    return 0;
}

/* Where in the item's own message the attachment is, or what it lies in. */
static int find_first(const struct writing *w, size_t *position_r, struct err *err_r)
{
    struct props props;

    (void)props_open(&props, w->item.props); /* of a damaged record: what was readable */
    return attachment_position(props.v[IPROP_ATTACHMENT_NUMBERS], w->token.path[0], position_r)
               ? 0
               : err_set(err_r, ERR_ATTACHMENT_ID, "attachment was deleted");
}

static int find_attachment(struct writing *w, struct str id,
                           const struct mime_attachment **attachment_r, struct str *content_r,
                           struct err *err_r)
{
    size_t position;

    TRY(token_attachment_read(w->call->key, id, &w->token, err_r));
    TRY(open_item(w, err_r));
    TRY(find_first(w, &position, err_r));
    for (unsigned i = 1; i < w->token.depth; i++) {
        TRY(descend(w, position, err_r));
        position = w->token.path[i];
    }
    *attachment_r = attachment_at(w->message, position);
    if (*attachment_r == NULL ||
        !mime_message_attachment_content(w->message, position, content_r)) {
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
        xml_add_element_bool(out, STR("t:IsContactPhoto"), attachment->is_photo);
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

static size_t count(const void *args)
{
    return ((const struct args *)args)->n;
}

static struct mailbox_no mailbox_of(struct ews_call *call, const void *args, size_t i)
{
    return attachment_id_mailbox(call, ((const struct args *)args)->ids[i]);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct writing w = {.call = call, .tx = tx, .args = args, .arena = args->arena};
    int rc;

    arena_reset(w.arena);
    rc = write_attachment(&w, args->ids[i], err_r);
    *message_xml_r = w.message_xml;
    return rc < 0 ? rc : BATCH_DONE;
}

static const struct batch BATCH = {.count = count,
                                   .mailbox_of = mailbox_of,
                                   .one = one,
                                   .error_tail = STR_INIT("<m:Attachments/>")};

const struct ews_operation op_get_attachment = {
    .name = STR_INIT("GetAttachment"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .batch = &BATCH,
};
