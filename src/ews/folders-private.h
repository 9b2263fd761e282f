/*
 * For the files that make up the folder table: folders.c (rows, shapes), folder_edit.c (setters), folder_permissions.c.
 */
#ifndef EWS_FOLDERS_PRIVATE_H
#define EWS_FOLDERS_PRIVATE_H

#include "ews/extended_store.h"
#include "ews/folders.h"
#include "mailbox/folder_write.h"
#include "mailbox/permissions.h"

struct xml_node;

/* Bits, so that a row can say which elements have it. */
enum folder_element {
    FOLDER = 1 << 0,
    CALENDAR = 1 << 1,
    CONTACTS = 1 << 2,
    TASKS = 1 << 3,
};

struct element_row {
    struct str
        class_prefix; /* of the folder classes that are told so, and the class of a new folder */
    enum folder_element element;
    struct str name;
};

const struct element_row *folder_element_of_class(struct str folder_class);
/* t:Folder and its like in a request; NULL for anything else, t:SearchFolder too. */
const struct element_row *folder_element_of_node(const struct xml_node *node);

/* A folder being written. */
struct folder_view {
    struct ews_call *call;
    struct mailbox_tx *tx;
    const struct folder *folder;
    const struct element_row *element;
    const struct folder_shape *shape;
};

/* A folder being made or changed. */
struct folder_edit {
    struct ews_call *call;
    const struct folder *base;         /* as stored; NULL: a new one */
    const struct element_row *element; /* that the request names */
    struct folder_update update;
    struct extended_store extended; /* starts as stored */
    bool extended_touched;
    bool has_permissions;
    struct permission *permissions;
    size_t permission_count;
};

struct folder_row {
    struct str uri;              /* empty: the place of the extended properties */
    struct str name;             /* element, for rows with a value */
    unsigned elements;           /* whose type has it */
    unsigned in_default, in_all; /* elements whose base shape has it */
    enum ews_version since;
    /* Simple and searchable; or write. Both NULL: lawful, but never there. */
    struct value (*value)(const struct folder *folder);
    int (*write)(const struct folder_view *view, struct buf *out, struct err *err_r);
    /* NULL: read-only. node is the property's element. */
    int (*set)(struct folder_edit *edit, const struct xml_node *node, struct err *err_r);
};
/* By FieldURI, and by element's name; NULL when there is none. */
const struct folder_row *folder_row_by_uri(struct str uri);
const struct folder_row *folder_row_by_node(const struct xml_node *node);
const struct folder_row *folder_row_extended(void);

/* MAPI properties that are rows of a folder's own. Any other is kept as it came. */
struct folder_tag_row {
    uint16_t tag;
    enum mapi_type type;
    struct value (*get)(const struct folder *folder);
    /* NULL: read-only. */
    int (*set)(struct folder_edit *edit, const struct value *value, struct err *err_r);
};
/* By tag alone; NULL when there is none. */
const struct folder_tag_row *folder_tag_row(const struct extended_path *path);

/* ---- folder_edit.c: setters ---- */

int folder_set_name(struct folder_edit *edit, const struct xml_node *node, struct err *err_r);
int folder_set_class(struct folder_edit *edit, const struct xml_node *node, struct err *err_r);
int folder_set_permissions(struct folder_edit *edit, const struct xml_node *node,
                           struct err *err_r);
int folder_set_extended(struct folder_edit *edit, const struct xml_node *node, struct err *err_r);
int folder_set_tag_name(struct folder_edit *edit, const struct value *value, struct err *err_r);
int folder_set_tag_class(struct folder_edit *edit, const struct value *value, struct err *err_r);
int folder_set_tag_hidden(struct folder_edit *edit, const struct value *value, struct err *err_r);

/* ---- folder_permissions.c ---- */

/* t:PermissionSet with t:Permissions or t:CalendarPermissions. ERR_SCHEMA, ERR_PERMISSION_*. */
int folder_permissions_parse(struct ews_call *call, const struct xml_node *node, bool calendar,
                             struct permission **permissions_r, size_t *n_r, struct err *err_r)
    WARN_UNUSED;
/* The same out: for whoever owns the folder; nothing for others. */
int folder_permissions_write(const struct folder_view *view, struct buf *out, struct err *err_r)
    WARN_UNUSED;
int folder_effective_rights_write(const struct folder_view *view, struct buf *out,
                                  struct err *err_r) WARN_UNUSED;

#endif
