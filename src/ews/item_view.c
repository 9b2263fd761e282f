/* An item while it is written or tested: its record opened, its message read and parsed when
 * first needed. */
#include "ews/props.h"

#include "mailbox/mailbox.h"
#include "mime/message.h"

void item_view_open(struct item_view *view, struct ews_call *call, struct mailbox_tx *tx,
                    const struct item *item, struct arena *arena)
{
    view->call = call;
    view->tx = tx;
    view->item = item;
    view->message = NULL;
    view->arena = arena;
    view->err = NULL;
    view->rc = 0;
    view->mime = STR_NULL;
    view->mime_read = false;
    view->within = NULL;
    view->event = NULL;
    view->occurrence = NULL;
    view->neighbours_sought = false;
    view->neighbours = NULL;
    view->summary = false;
    view->shape = NULL;
    (void)props_open(&view->props, item->props); /* of a damaged record: what was readable */
}

void item_view_close(struct item_view *view)
{
    if (view->message != NULL) {
        mime_message_free(&view->message);
    }
}

struct str item_view_mime(struct item_view *view)
{
    if (!view->mime_read) {
        view->mime_read = true;
        if (view->item->body.v != 0 && view->tx != NULL && view->rc == 0) {
            view->rc =
                mailbox_body_read(view->tx, view->item->body, view->arena, &view->mime, view->err);
        }
    }
    return view->mime;
}

struct mime_message *item_view_message(struct item_view *view)
{
    if (view->message == NULL) {
        view->message = mime_message_new(view->arena, item_view_mime(view));
    }
    return view->message;
}
