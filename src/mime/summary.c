#include "mime/mime-private.h"

#include "base/arena.h"
#include "base/buf.h"
#include "mime/limits.h"

static struct str display(struct arena *arena, struct mime_addresses addresses)
{
    struct buf out = BUF_INIT;
    struct str text;

    for (size_t i = 0; i < addresses.n && out.n < MIME_DISPLAY_BYTES_MAX; i++) {
        const struct mime_address *a = &addresses.v[i];

        if (out.n > 0) {
            BUF_LIT(&out, "; ");
        }
        buf_add_str(&out, a->name.n > 0 ? a->name : a->address);
    }
    text = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

void mime_message_summary(struct mime_message *message, struct mime_summary *summary_r)
{
    const struct mime_envelope *envelope = mime_message_envelope(message);

    *summary_r = (struct mime_summary){
        .envelope = envelope,
        .calendar = mime_message_calendar(message),
        .item_class = mime_message_item_class(message),
        .display_to = display(message->arena, envelope->to),
        .display_cc = display(message->arena, envelope->cc),
        .display_bcc = display(message->arena, envelope->bcc),
        .preview = mime_message_preview(message, MIME_PREVIEW_CHARS),
        .has_attachments = mime_message_has_attachments(message),
    };
}
