/* Properties that need the message itself: GetItem and GetAttachment only. */
#include "ews/props-private.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "ews/attachments.h"
#include "ews/calendar.h"
#include "ews/ids.h"
#include "mailbox/token.h"
#include "mime/message.h"
#include "xml/xml_write.h"

/* What the answer needs after a large body, so that its buffer does not double for some tags. */
#define AFTER_BODY_BYTES 65536

/* From the store's bytes straight into the answer. */
void write_mime_content(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct str mime = item_view_mime(view);

    if (mime.p != NULL && view->item->kind == ITEM_KIND_CALENDAR_ITEM) {
        mime = calendar_mime_content(view);
    } else if (view->item->kind == ITEM_KIND_CONTACT) {
        mime = contact_vcard(view);
    }
    if (mime.p == NULL) {
        return;
    }
    buf_reserve(out, BASE64_BYTES(mime.n) + AFTER_BODY_BYTES);
    BUF_LIT(out, "<t:MimeContent CharacterSet=\"UTF-8\">");
    base64_encode(out, mime.p, mime.n);
    buf_add_str(out, row->close);
}

/* ---- bodies ---- */

static void write_body_as(const struct prop_row *row, struct item_view *view, struct buf *out,
                          bool html, struct str text)
{
    int64_t max = item_shape_max_body_chars(view->shape);
    struct str shown = max > 0 && (uint64_t)max < text.n ? utf8_cut_chars(text, (size_t)max) : text;

    BUF_LIT(out, "<");
    buf_add_str(out, row->element);
    if (html) {
        BUF_LIT(out, " BodyType=\"HTML\"");
    } else {
        BUF_LIT(out, " BodyType=\"Text\"");
    }
    if (view->call->version >= EWS_EXCHANGE2013) {
        BUF_LIT(out, " IsTruncated=\"");
        buf_add_str(out, shown.n < text.n ? STR("true") : STR("false"));
        BUF_LIT(out, "\"");
    }
    BUF_LIT(out, ">");
    xml_add_text(out, shown);
    buf_add_str(out, row->close);
}

/* A body that is text alone. */
static void write_text_as(const struct prop_row *row, struct item_view *view, struct buf *out,
                          enum body_choice choice, struct str text)
{
    bool html = choice == BODY_HTML;

    write_body_as(row, view, out, html, html ? mime_text_to_html(view->arena, text) : text);
}

static void write_body_of_exception(const struct prop_row *row, struct item_view *view,
                                    struct buf *out, enum body_choice choice)
{
    const struct event_exception *exception = view->occurrence->at.exception;

    if (exception->html.n != 0 && choice != BODY_TEXT) {
        write_body_as(row, view, out, true, exception->html);
    } else {
        write_text_as(row, view, out, choice, exception->description);
    }
}

/* Items without a message have no body; a message without a text part has an empty one. */
static void write_chosen(const struct prop_row *row, struct item_view *view, struct buf *out,
                         enum body_choice choice)
{
    struct mime_message *message;
    bool html;

    if (item_view_mime(view).p == NULL) {
        return;
    }
    if (view->occurrence != NULL && view->occurrence->at.exception != NULL &&
        view->occurrence->at.exception->description.p != NULL) {
        write_body_of_exception(row, view, out, choice);
        return;
    }
    message = item_view_message(view);
    html = choice == BODY_HTML || (choice == BODY_BEST && mime_message_body(message)->has_html);
    write_body_as(row, view, out, html,
                  html ? mime_message_body_as_html(message) : mime_message_body_as_text(message));
}

void write_body(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    write_chosen(row, view, out, item_shape_body_type(view->shape));
}

/* The whole body: what is quoted from earlier mail is not taken out. */
void write_unique_body(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    write_chosen(row, view, out, item_shape_unique_body_type(view->shape));
}

void write_normalized_body(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    write_chosen(row, view, out, item_shape_normalized_body_type(view->shape));
}

void write_text_body(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    write_chosen(row, view, out, BODY_TEXT);
}

/* ---- headers and recipients ---- */

static bool header_is_wanted(const struct item_view *view, struct str name)
{
    size_t n;
    const struct str *names = item_shape_header_names(view->shape, &n);

    if (item_shape_all_headers(view->shape)) {
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(names[i], name)) {
            return true;
        }
    }
    return false;
}

void write_headers(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct mime_header *headers;
    size_t n, before = out->n;

    mime_message_headers(item_view_message(view), &headers, &n);
    buf_add_str(out, row->open);
    for (size_t i = 0; i < n; i++) {
        if (header_is_wanted(view, headers[i].name)) {
            BUF_LIT(out, "<t:InternetMessageHeader HeaderName=\"");
            xml_add_attr_text(out, headers[i].name);
            BUF_LIT(out, "\">");
            xml_add_text(out, headers[i].value);
            BUF_LIT(out, "</t:InternetMessageHeader>");
        }
    }
    if (out->n == before + row->open.n) {
        out->n = before;
    } else {
        buf_add_str(out, row->close);
    }
}

static const struct mime_addresses *recipients_of(const struct mime_envelope *envelope,
                                                  enum recipient_list list)
{
    switch (list) {
    case RECIPIENTS_TO: return &envelope->to;
    case RECIPIENTS_CC: return &envelope->cc;
    case RECIPIENTS_BCC: return &envelope->bcc;
    case RECIPIENTS_REPLY_TO: break;
    }
    return &envelope->reply_to;
}

void write_recipients(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct mime_envelope *envelope = mime_message_envelope(item_view_message(view));
    const struct mime_addresses *list = recipients_of(envelope, (enum recipient_list)row->bit);
    bool any = false;
    size_t before = out->n;

    buf_add_str(out, row->open);
    for (size_t i = 0; i < list->n; i++) {
        any |= write_mailbox(view, out, list->v[i].name, list->v[i].address);
    }
    if (any) {
        buf_add_str(out, row->close);
    } else {
        out->n = before;
    }
}

/* ---- attachments ---- */

bool attachment_token(const struct item_view *view, size_t index, struct token_attachment *token_r)
{
    struct token_attachment token = {.mailbox = view->call->mailbox, .item = view->item->id};
    uint64_t number = index;

    if (view->within != NULL) {
        token = *view->within;
    } else {
        number = attachment_number(view->props.v[IPROP_ATTACHMENT_NUMBERS], index);
    }
    if (token.depth == TOKEN_ATTACHMENT_DEPTH || number > TOKEN_ATTACHMENT_INDEX_MAX) {
        return false;
    }
    token.path[token.depth++] = (uint32_t)number;
    *token_r = token;
    return true;
}

void attachment_write_head(struct item_view *view, struct buf *out,
                           const struct token_attachment *token,
                           const struct mime_attachment *attachment)
{
    BUF_LIT(out, "<t:AttachmentId Id=\"");
    token_attachment_write(out, view->call->key, token);
    BUF_LIT(out, "\"/>");
    xml_add_element(out, STR("t:Name"), attachment->name);
    if (attachment->content_type.n != 0) {
        xml_add_element(out, STR("t:ContentType"), attachment->content_type);
    }
    if (attachment->content_id.n != 0) {
        xml_add_element(out, STR("t:ContentId"), attachment->content_id);
    }
    if (attachment->content_location.n != 0) {
        xml_add_element(out, STR("t:ContentLocation"), attachment->content_location);
    }
    if (view->call->version < EWS_EXCHANGE2010) {
        return;
    }
    xml_add_element_i64(out, STR("t:Size"),
                        attachment->size < INT32_MAX ? (int64_t)attachment->size : INT32_MAX);
    xml_add_element_time(out, STR("t:LastModifiedTime"), view->item->received_ms,
                         view->call->milliseconds);
    xml_add_element_bool(out, STR("t:IsInline"), attachment->is_inline);
}

static void write_attachment(struct item_view *view, struct buf *out, size_t index,
                             const struct mime_attachment *attachment)
{
    struct token_attachment token;

    if (!attachment_token(view, index, &token)) {
        return; /* nested deeper than an id can say: it is there in the MIME content */
    }
    if (attachment->is_message) {
        BUF_LIT(out, "<t:ItemAttachment>");
        attachment_write_head(view, out, &token, attachment);
        BUF_LIT(out, "</t:ItemAttachment>");
        return;
    }
    BUF_LIT(out, "<t:FileAttachment>");
    attachment_write_head(view, out, &token, attachment);
    if (view->call->version >= EWS_EXCHANGE2010) {
        xml_add_element_bool(out, STR("t:IsContactPhoto"), attachment->is_photo);
    }
    BUF_LIT(out, "</t:FileAttachment>");
}

void write_attachments(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct mime_attachment *attachments;
    size_t n, before = out->n;

    mime_message_attachments(item_view_message(view), &attachments, &n);
    buf_add_str(out, row->open);
    for (size_t i = 0; i < n; i++) {
        write_attachment(view, out, i, &attachments[i]);
    }
    if (out->n == before + row->open.n) {
        out->n = before;
    } else {
        buf_add_str(out, row->close);
    }
}
