/*
 * An item being made or changed: its property record as a set of values, its message taken apart
 * when a part of it changes, and what was touched. CreateItem, UpdateItem, the response objects and
 * attachments all edit through this; the property table's setters know nothing else.
 *
 * The record is the truth for what it holds; the message is the truth for bodies, recipients and
 * attachments (docs/design/writing.md). Nothing is stored until item_edit_create or
 * item_edit_store. An edit and what it is given live in its arena; there is nothing to free.
 */
#ifndef EWS_ITEM_EDIT_H
#define EWS_ITEM_EDIT_H

#include "base/err.h"
#include "base/str.h"
#include "ews/props.h"
#include "mailbox/mailbox.h"
#include "mailbox/props.h"
#include "mime/compose.h"

#include <stdbool.h>

struct arena;
struct calendar_event;
struct ews_call;
struct mailbox_tx;
struct prop_row;
struct xml_node;

struct item_edit;

/* A new item of a kind, without a message until a setter or item_edit_draft makes one (kinds of
 * mail always get one). */
struct item_edit *item_edit_new(struct ews_call *call, struct arena *arena, enum item_kind kind);
/* One as stored: base is kept by reference until the edit is stored, and the message is read
 * through tx when needed. ERR_CORRUPT for a record that cannot be read. */
int item_edit_open(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                   const struct item *base, struct item_edit **edit_r, struct err *err_r)
    WARN_UNUSED;
/* A new item whose content is this MIME. ERR_MIME_INVALID. */
int item_edit_from_mime(struct ews_call *call, struct arena *arena, enum item_kind kind,
                        struct str mime, struct item_edit **edit_r, struct err *err_r) WARN_UNUSED;

enum item_kind item_edit_kind(const struct item_edit *edit);
struct arena *item_edit_arena(struct item_edit *edit);
struct ews_call *item_edit_call(struct item_edit *edit);
int64_t item_edit_now_ms(const struct item_edit *edit);
/* The stored item; NULL for a new one. */
const struct item *item_edit_base(const struct item_edit *edit);

/* ---- values of the record; setting what is so already touches nothing ---- */

void item_edit_set_text(struct item_edit *edit, enum item_prop prop,
                        struct str text); /* empty removes; BYTES too */
void item_edit_set_bytes(struct item_edit *edit, enum item_prop prop,
                         struct str bytes);                                     /* empty removes */
void item_edit_set_int(struct item_edit *edit, enum item_prop prop, int64_t v); /* INT, TIME */
void item_edit_set_addrs(struct item_edit *edit, enum item_prop prop, const struct prop_addr *addrs,
                         size_t n); /* none removes */
void item_edit_set_texts(struct item_edit *edit, enum item_prop prop, const struct str *texts,
                         size_t n);
void item_edit_remove(struct item_edit *edit, enum item_prop prop);
/* As they are now. */
const struct props *item_edit_props(const struct item_edit *edit);
uint32_t item_edit_flags(const struct item_edit *edit);
/* Not ITEM_READ, which is noted apart: it stamps apart. */
void item_edit_set_flag(struct item_edit *edit, uint32_t flag, bool on);
void item_edit_set_read(struct item_edit *edit, bool read);
/* When it came in: of a new item, or of a draft that is sent. Touches nothing. */
void item_edit_set_received(struct item_edit *edit, int64_t ms);
/* ERR_OBJECT_TYPE_CHANGED for the class of another kind of item. */
int item_edit_set_item_class(struct item_edit *edit, struct str item_class, struct err *err_r)
    WARN_UNUSED;

/* ---- extended properties: rows that answer to the path, else kept with the record ---- */

/* VALUE_NONE removes. ERR_INVALID_PROPERTY_SET, ERR_INVALID_PROPERTY_DELETE, ERR_EXTENDED_VALUE,
 * ERR_PROPERTY_SAVE when there is too much of it. */
int item_edit_set_extended(struct item_edit *edit, const struct extended_path *path,
                           const struct value *value, struct err *err_r) WARN_UNUSED;

/* ---- the message ---- */

/* Taken apart on the first call; every field may then be changed in place, and the message is
 * composed anew. Call item_edit_touch for what was changed. Subject, people, ids, importance and
 * the like are set in the record instead and find their way into the message by themselves. A
 * failed read of the body is told when the edit is stored. */
struct mime_draft *item_edit_draft(struct item_edit *edit);
/* Only to, cc, bcc and reply_to count: the rest of the message stays byte for byte. */
struct mime_draft *item_edit_recipients(struct item_edit *edit);
/* One more attachment, or one less, by the numbers of ews/attachments.h. ERR_TOO_LARGE;
 * ERR_ATTACHMENT_ID. */
int item_edit_add_attachment(struct item_edit *edit, const struct mime_draft_attachment *attachment,
                             uint32_t *number_r, struct err *err_r) WARN_UNUSED;
int item_edit_remove_attachment(struct item_edit *edit, uint32_t number, struct err *err_r)
    WARN_UNUSED;
/* The calendar object of a calendar item, likewise taken apart on the first call
 * (edit_calendar.c). */
struct calendar_event *item_edit_event(struct item_edit *edit);
/* Called once, before the message is composed: a kind that keeps an object of its own (a
 * calendar) puts it into draft and record there. A second call with the same function changes
 * nothing. */
typedef int item_edit_hook(struct item_edit *edit, struct err *err_r);
void item_edit_on_store(struct item_edit *edit, item_edit_hook *hook, void *object);
/* What was given with the hook; NULL while there is none. */
void *item_edit_object(const struct item_edit *edit);

/* ---- what was touched, for the conflict rules of UpdateItem ---- */

/* Numbers of what is not in the record; the record's own are enum item_prop. For ever, as they
 * stand in stamps. */
enum edit_part {
    EDIT_BODY = 1000,
    EDIT_TO,
    EDIT_CC,
    EDIT_BCC,
    EDIT_REPLY_TO,
    EDIT_ATTACHMENTS,
    EDIT_FLAGS,
    EDIT_CALENDAR,
    EDIT_MESSAGE, /* as a whole */
    EDIT_EXTENDED /* any header or extended property */
};
void item_edit_touch(struct item_edit *edit, uint32_t number);
bool item_edit_touched(const struct item_edit *edit, uint32_t number);
/* True when anything but the read flag was changed by this edit. */
bool item_edit_changes_content(const struct item_edit *edit);
/* True when a property touched by this edit was changed in the store after `version` to another
 * value than this edit gives it. */
bool item_edit_conflicts(const struct item_edit *edit, struct seq version);

/* ---- storing ---- */

/* Message-ID and Date, where there are none: new mail gets them by itself, what is sent must
 * have them. */
void item_edit_complete_mail(struct item_edit *edit);
/* A new item: composes the message where needed, fills the record's derived values (display
 * names, preview, conversation …), adds it. ERR_QUOTA, ERR_TOO_LARGE, ERR_FOLDER_NOT_FOUND. */
int item_edit_create(struct item_edit *edit, struct mailbox_tx *tx, struct folder_id folder,
                     struct item_id *id_r, struct err *err_r) WARN_UNUSED;
/* A stored item: writes what changed; nothing when nothing did. */
int item_edit_store(struct item_edit *edit, struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;
/* The bytes that item_edit_create would store, for sending or attaching without saving; p NULL:
 * it has no message. */
int item_edit_message(struct item_edit *edit, struct str *mime_r, struct err *err_r) WARN_UNUSED;
/* After storing: the version that the ChangeKey of the answer names. */
struct seq item_edit_version(const struct item_edit *edit);

/* IPROP_STAMPS of an item that was replaced as a whole at seq. */
struct str item_stamps_replaced(struct arena *arena, struct seq seq);

/* ---- from XML, by the property table (item_edit_xml.c) ---- */

/* The kind that an item element (t:Message …) stands for; 0 when it is none. */
enum item_kind item_kind_of_element(const struct xml_node *item);
/* A new item from such an element: its MimeContent first, then every child in turn. Only
 * settable ones: ERR_INVALID_PROPERTY_SET with the path in *message_xml_r. Unknown elements are
 * ERR_SCHEMA. */
int item_edit_from_element(struct ews_call *call, struct arena *arena, const struct xml_node *item,
                           struct item_edit **edit_r, struct str *message_xml_r, struct err *err_r)
    WARN_UNUSED;
/* The same on an edit that is there already (a reply). */
int item_edit_apply_element(struct item_edit *edit, const struct xml_node *item,
                            struct str *message_xml_r, struct err *err_r) WARN_UNUSED;

/* A child of t:Updates, checked against the schema. */
enum item_change_kind { CHANGE_SET, CHANGE_APPEND, CHANGE_DELETE };
struct item_change {
    enum item_change_kind kind;
    const struct prop_path *path; /* NULL: it is refused */
    const struct xml_node *item;  /* t:Message …; NULL: DELETE */
    const struct err *
        refused; /* what is wrong with the path (ERR_EXTENDED_PROPERTY …): told when it is applied */
    const struct xml_node *path_node;
};
int item_change_parse(struct ews_call *call, const struct xml_node *node,
                      struct item_change *change_r, struct err *err_r) WARN_UNUSED;
int item_edit_apply_change(struct item_edit *edit, const struct item_change *change,
                           struct str *message_xml_r, struct err *err_r) WARN_UNUSED;

/* ---- pieces of XML that several setters share ---- */

/* t:Mailbox (any element of EmailAddressType). ERR_SCHEMA. */
int mailbox_from_xml(const struct xml_node *node, struct mime_address *address_r, struct err *err_r)
    WARN_UNUSED;
/* Its t:Mailbox children. */
int mailboxes_from_xml(struct arena *arena, const struct xml_node *node,
                       struct mime_addresses *addresses_r, struct err *err_r) WARN_UNUSED;
/* t:FileAttachment, t:ItemAttachment. ERR_SCHEMA, ERR_NOT_SUPPORTED, and what making the item
 * says. */
int attachment_from_xml(struct ews_call *call, struct arena *arena, const struct xml_node *node,
                        struct mime_draft_attachment *attachment_r, struct str *message_xml_r,
                        struct err *err_r) WARN_UNUSED;
/* Line ends, tabs and other controls become spaces: for values that are one line. */
struct str one_line(struct arena *arena, struct str text);

#endif
