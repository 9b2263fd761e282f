/* A message taken apart into what mime_compose writes. */
#include "mime/compose.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "mime/mime-private.h"

static void take_envelope(struct mime_message *message, struct mime_draft *d)
{
    const struct mime_envelope *e = mime_message_envelope(message);

    d->subject = e->subject;
    d->message_id = e->message_id;
    d->in_reply_to = e->in_reply_to;
    d->references = e->references;
    d->has_date = e->has_date;
    d->date_ms = e->date_ms;
    d->from = e->from;
    d->sender = e->sender;
    d->to = e->to;
    d->cc = e->cc;
    d->bcc = e->bcc;
    d->reply_to = e->reply_to;
    d->importance = e->importance;
    d->sensitivity = e->sensitivity;
    d->read_receipt_requested = e->read_receipt_requested;
    d->delivery_receipt_requested = e->delivery_receipt_requested;
    d->thread_index = e->thread_index;
    /* The envelope makes one up of the subject, which would outlive a change of the subject. */
    if (str_trim(mime_fields_find(message->fields, "Thread-Topic")).n > 0) {
        d->thread_topic = e->thread_topic;
    }
}

static void take_headers(struct mime_message *message, struct arena *arena, struct mime_draft *d)
{
    struct mime_fields fields = message->fields;
    struct mime_header *headers = ARENA_ARRAY(arena, struct mime_header, fields.n);

    for (size_t i = 0; i < fields.n; i++) {
        if (mime_draft_may_have_header(fields.v[i].name)) {
            headers[d->header_count].name = fields.v[i].name;
            headers[d->header_count++].value = mime_field_text(arena, fields.v[i].raw);
        }
    }
    d->headers = headers;
}

static void take_bodies(struct mime_message *message, struct mime_draft *d)
{
    const struct mime_selection *selection = mime_message_selection(message);
    const struct mime_body *body = mime_message_body(message);

    /* A body made up of a meeting's description is none of the message. */
    d->has_text = selection->text != NULL;
    d->text = d->has_text ? body->text : STR("");
    d->has_html = selection->html != NULL;
    d->html = d->has_html ? body->html : STR("");
    if (selection->calendar != NULL) {
        d->calendar = mime_part_text(message->arena, selection->calendar, SIZE_MAX);
        d->calendar_method = mime_method_of(selection->calendar->method);
    }
}

static void take_attachment(struct mime_message *message, size_t i,
                            const struct mime_attachment *shown, struct mime_draft_attachment *a)
{
    const struct mime_part *part = mime_message_selection(message)->attachments[i];

    a->name = str_trim(part->name);
    a->content_type = shown->content_type;
    a->charset = str_is(part->type, "text") ? part->charset : STR("");
    a->content_id = shown->content_id;
    a->content_location = shown->content_location;
    a->is_inline = shown->is_inline;
    a->is_message = shown->is_message;
    a->is_photo = shown->is_photo;
    mime_message_attachment_content(message, i, &a->content);
}

static void take_attachments(struct mime_message *message, struct arena *arena,
                             struct mime_draft *d)
{
    const struct mime_attachment *shown;
    struct mime_draft_attachment *attachments;

    mime_message_attachments(message, &shown, &d->attachment_count);
    attachments = ARENA_ARRAY(arena, struct mime_draft_attachment, d->attachment_count);
    for (size_t i = 0; i < d->attachment_count; i++) {
        take_attachment(message, i, &shown[i], &attachments[i]);
    }
    d->attachments = attachments;
}

void mime_draft_from_message(struct mime_message *message, struct arena *arena,
                             struct mime_draft *draft_r)
{
    *draft_r = (struct mime_draft){0};
    take_envelope(message, draft_r);
    take_headers(message, arena, draft_r);
    take_bodies(message, draft_r);
    take_attachments(message, arena, draft_r);
}
