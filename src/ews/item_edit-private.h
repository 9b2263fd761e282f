/* For the files that make up item_edit: item_edit.c (state and record), item_edit_store.c
 * (composing and storing), item_edit_stamps.c, item_edit_xml.c and the setters of mail
 * (props_set_*.c). Callers outside see item_edit.h only. */
#ifndef EWS_ITEM_EDIT_PRIVATE_H
#define EWS_ITEM_EDIT_PRIVATE_H

#include "ews/extended_store.h"
#include "ews/item_edit.h"

/* How far the message is taken apart. */
enum edit_opened {
    EDIT_UNOPENED,
    EDIT_RECIPIENTS_OPEN, /* to, cc, bcc and reply_to of draft are the message's; its other members are not */
    EDIT_WHOLE            /* draft is the message */
};

/* A header field of the message to be set; value p NULL: removed. */
struct edit_header {
    struct str name, value;
};

struct item_edit {
    struct ews_call *call;
    struct mailbox_tx *tx; /* to read base's body; NULL: a new item */
    struct arena *arena;
    enum item_kind kind;
    const struct item *base; /* NULL: new */
    struct props props;      /* as they are now */
    uint32_t flags;
    bool read_given, read;
    bool received_given; /* when it came in */
    int64_t received_ms;

    struct extended_store extended; /* of props, once a property of it is set; arena NULL before */

    uint32_t *touched;
    size_t touched_count;

    bool source_known;  /* source is read, or there is none */
    struct str source;  /* the message before this edit; p NULL: none */
    bool source_is_new; /* given by the client: to be stored though nothing else changes */
    enum edit_opened opened;
    struct mime_draft draft;
    struct edit_header *headers;
    size_t header_count;
    bool composed; /* message is what is to be stored; undone by any touch */
    struct str message;

    item_edit_hook *hook;
    void *object;
    bool hook_done;
    struct seq version;
    struct err failure; /* of a function that could not tell it */
};

/* Items that are mail: their record follows from their message. */
static inline bool edit_kind_is_mail(enum item_kind kind)
{
    switch (kind) {
    case ITEM_KIND_CALENDAR_ITEM:
    case ITEM_KIND_CONTACT:
    case ITEM_KIND_DISTRIBUTION_LIST:
    case ITEM_KIND_TASK: return false;
    default: return true;
    }
}

/* New, or a draft: its header may follow the record. */
static inline bool edit_is_unsent(const struct item_edit *edit)
{
    return edit->base == NULL || (edit->base->flags & ITEM_DRAFT) != 0;
}

/* The message before this edit; p NULL when there is none. A failure is kept in edit->failure. */
struct str edit_source(struct item_edit *edit);
/* Replaces the whole message: the record follows it. */
void edit_set_mime(struct item_edit *edit, struct str mime);
/* A header field of the message; value p NULL removes it. False when the name is no field of the
 * kind. */
bool edit_set_header(struct item_edit *edit, struct str name, struct str value);

/* t:MimeContent. ERR_MIME_BASE64, ERR_MIME_INVALID. */
int mime_content_from_xml(struct arena *arena, const struct xml_node *node, struct str *mime_r,
                          struct err *err_r) WARN_UNUSED;

/* IPROP_EXTENDED as it is to be stored; p NULL: none. */
struct str edit_extended(const struct item_edit *edit);
/* The number under which an extended property is stamped. */
uint32_t edit_extended_number(const struct extended_path *path);

/* ---- edit_attachments.c ---- */

/* Before the draft is composed: attachments, with their numbers, in the order that the message
 * will give them. */
void edit_order_attachments(struct item_edit *edit);
/* So many attachments of one item, and so large: ERR_TOO_LARGE. */
int edit_check_attachments(const struct mime_draft_attachment *attachments, size_t n,
                           struct err *err_r) WARN_UNUSED;
/* Before the message is composed: HasPicture of a contact. */
void edit_note_picture(struct item_edit *edit);
/* Before another message takes the place of the source: its attachments are none of those that
 * had numbers. */
void edit_replace_attachments(struct item_edit *edit);

/* ---- item_edit_stamps.c ---- */

/* The stamps of a record after what was touched changed at seq. */
struct str edit_stamps(const struct item_edit *edit, struct seq seq);
/* When the property was changed last; 0: not since the item came, as far as is known. */
struct seq edit_stamp_of(const struct item_edit *edit, uint32_t number);

#endif
