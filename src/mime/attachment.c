#include "mime/mime-private.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "mime/limits.h"

static struct str nested_subject(struct arena *arena, const struct mime_part *part)
{
    struct mime_message *nested = mime_message_new(arena, mime_part_decode(arena, part, SIZE_MAX));

    return mime_field_text(arena, mime_fields_find(nested->fields, "Subject"));
}

/* Extensions for parts without a name, by type. */
static const struct {
    const char *type, *subtype, *name;
} made_up_names[] = {
    {"text", "calendar", "meeting.ics"},
    {"text", "html", "attachment.html"},
    {"text", "plain", "attachment.txt"},
    {"message", "delivery-status", "details.txt"},
    {"text", "rfc822-headers", "headers.txt"},
    {"image", "png", "image.png"},
    {"image", "jpeg", "image.jpg"},
    {"image", "gif", "image.gif"},
    {"application", "pdf", "attachment.pdf"},
};

static struct str made_up_name(struct arena *arena, const struct mime_part *part)
{
    struct str subject = mime_part_is_message(part) ? nested_subject(arena, part) : STR("");

    if (subject.n > 0) {
        return utf8_cut(subject, MIME_NAME_BYTES_MAX);
    }
    for (size_t i = 0; i < ARRAY_LEN(made_up_names); i++) {
        if (mime_part_is(part, made_up_names[i].type, made_up_names[i].subtype)) {
            return str_from(made_up_names[i].name);
        }
    }
    return mime_part_is_message(part) ? STR("message.eml") : STR("attachment.bin");
}

static void describe(struct arena *arena, const struct mime_part *part,
                     struct mime_attachment *attachment_r)
{
    struct str name = str_trim(part->name);

    *attachment_r = (struct mime_attachment){
        .name = name.n > 0 ? name : made_up_name(arena, part),
        .content_type = str_printf(arena, "%.*s/%.*s", STR_ARG(part->type), STR_ARG(part->subtype)),
        .content_id = part->content_id,
        .content_location = part->content_location,
        .is_inline = mime_part_is_inline(part),
        .is_message = mime_part_is_message(part),
        .is_photo = part->photo,
        .size = mime_part_decoded_size(part),
    };
}

void mime_message_attachments(struct mime_message *message,
                              const struct mime_attachment **attachments_r, size_t *n_r)
{
    const struct mime_selection *selection = mime_message_selection(message);

    if (!message->has_attachments) {
        message->has_attachments = true;
        message->attachments =
            ARENA_ARRAY(message->arena, struct mime_attachment, selection->attachment_count);
        for (size_t i = 0; i < selection->attachment_count; i++) {
            describe(message->arena, selection->attachments[i], &message->attachments[i]);
        }
    }
    *attachments_r = message->attachments;
    *n_r = selection->attachment_count;
}

bool mime_message_has_attachments(struct mime_message *message)
{
    const struct mime_selection *selection = mime_message_selection(message);

    for (size_t i = 0; i < selection->attachment_count; i++) {
        if (!mime_part_is_inline(selection->attachments[i])) {
            return true;
        }
    }
    return false;
}

bool mime_message_attachment_content(struct mime_message *message, size_t index,
                                     struct str *content_r)
{
    const struct mime_selection *selection = mime_message_selection(message);

    if (index >= selection->attachment_count) {
        return false;
    }
    *content_r = mime_part_decode(message->arena, selection->attachments[index], SIZE_MAX);
    return true;
}
