/*
 * The property table of items: one row a property – FieldURI, element, item kinds, shapes,
 * whether a summary may carry it, whether it can be searched and
 * sorted, the MAPI tag it answers to, its writer and its value. GetItem, FindItem,
 * SyncFolderItems, restrictions, sort orders and extended properties all walk it;
 * writing operations will add setters here.
 */
#ifndef EWS_PROPS_H
#define EWS_PROPS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "ews/call.h"
#include "ews/dictionary.h"
#include "ews/extended.h"
#include "mailbox/mailbox.h"
#include "mailbox/props.h"

#include <stdbool.h>
#include <stdint.h>

struct calendar_event;
struct calendar_neighbours;
struct item_occurrence;
struct mime_message;
struct prop_row;
struct xml_node;

/* An item being written or tested. Opened parts are filled when first needed. */
struct item_view {
    struct ews_call *call;
    struct mailbox_tx *tx; /* for the body; NULL in tests of pure properties */
    const struct item *item;
    struct props props;           /* opened record */
    struct mime_message *message; /* parsed body, or NULL until item_view_message */
    struct arena *arena;          /* for what this item needs; reset between items */
    struct err *err;              /* where a writer's failure is told; rc becomes negative */
    int rc;
    struct str mime; /* the body's bytes once read; p NULL before, and without a body */
    bool mime_read;
    /* Of an attached message: the attachment that it is; else NULL. */
    const struct token_attachment *within;
    const struct calendar_event *event; /* of calendar items, once read (calendar.h) */
    const struct item_occurrence
        *occurrence;        /* the item is one occurrence of a recurring one; NULL: it is itself */
    bool neighbours_sought; /* calendar_neighbours.h */
    const struct calendar_neighbours *neighbours;
    bool summary; /* FindItem, sync: streamable strings are cut at 255 characters */
    const struct item_shape *shape;
};
void item_view_open(struct item_view *view, struct ews_call *call, struct mailbox_tx *tx,
                    const struct item *item, struct arena *arena);
void item_view_close(struct item_view *view);
/* Never NULL: an item without body gives an empty message. */
struct mime_message *item_view_message(struct item_view *view);
/* The message's bytes, unparsed; p NULL when there are none. A failed read is noted in
 * view->err. */
struct str item_view_mime(struct item_view *view);

/* A property's value for restrictions, sorting and extended properties. */
enum value_type {
    VALUE_NONE,
    VALUE_TEXT,
    VALUE_INT,
    VALUE_BOOL,
    VALUE_TIME,
    VALUE_BYTES,
    VALUE_TEXTS
};
struct value {
    enum value_type type;
    struct str text; /* TEXT, BYTES; TEXTS: the list coded as in props.h */
    int64_t i;       /* INT, BOOL, TIME (Unix ms) */
};

/* ---- shapes ---- */

enum base_shape { SHAPE_ID_ONLY, SHAPE_DEFAULT, SHAPE_ALL_PROPERTIES };
enum shape_use { SHAPE_FOR_GET, SHAPE_FOR_FIND, SHAPE_FOR_SYNC, SHAPE_FOR_ATTACHMENT };

/* A parsed ItemShape, compiled per item kind on first use into the list of rows to write, in
 * schema order. */
struct item_shape;
/* node is m:ItemShape (NULL: IdOnly). ERR_SCHEMA, ERR_PROPERTY_FOR_OPERATION,
 * ERR_EXTENDED_PROPERTY, ERR_PROPERTY_TAG, ERR_MAPI_TYPE: these end the request's every message;
 * *message_xml_r then holds the offending path for MessageXml (may be empty). */
int item_shape_parse(struct ews_call *call, const struct xml_node *node, enum shape_use use,
                     struct item_shape **shape_r, struct str *message_xml_r, struct err *err_r)
    WARN_UNUSED;
/* Whether writing needs the property record (IdOnly without additions does not). */
bool item_shape_needs_props(const struct item_shape *shape);
/* <t:Message>…</t:Message> of the item's kind, all chosen properties in schema order, absent
 * ones left out. ERR_PROPERTY_REQUEST with the path in *message_xml_r. */
int item_shape_write(struct item_shape *shape, struct item_view *view, struct buf *out,
                     struct str *message_xml_r, struct err *err_r) WARN_UNUSED;
/* The element for a kind, in the version asked for: "t:Message". */
struct str item_element(enum item_kind kind, enum ews_version version);

/* ---- paths in restrictions and sort orders ---- */

enum prop_path_kind { PATH_FIELD, PATH_INDEXED, PATH_EXTENDED };

/* A FieldURI, IndexedFieldURI or ExtendedFieldURI, resolved. */
struct prop_path {
    enum prop_path_kind kind;
    struct str uri;                /* FIELD, INDEXED: as named, in the schema's spelling */
    struct str index;              /* INDEXED: FieldIndex */
    struct extended_path extended; /* EXTENDED */
    const struct prop_row *row;    /* the item property behind it; NULL: folders', and none */
    unsigned char group;           /* enum uri_group, for the table's own use */
    struct dictionary_place place; /* INDEXED: of a contact's dictionary; else nowhere */
    const struct xml_node *node;   /* as it stood in the request, for path_message_xml */
};
/* ERR_SCHEMA for a URI that the schema does not know, and what extended_path_parse refuses. */
int prop_path_parse(struct ews_call *call, const struct xml_node *node, struct prop_path **path_r,
                    struct err *err_r) WARN_UNUSED;

#endif
