/* Folder properties: the table for folders, their shapes and their writer. GetFolder, FindFolder
 * and SyncFolderHierarchy use it. */
#ifndef EWS_FOLDERS_H
#define EWS_FOLDERS_H

#include "ews/call.h"
#include "ews/props.h"
#include "mailbox/mailbox.h"

#include <stdbool.h>

struct folder_shape;
/* node is m:FolderShape. ERR_SCHEMA; ERR_PROPERTY_REQUEST for a path of items, and what
 * extended_path_parse refuses: these are every message's error, with the offending path in
 * *message_xml_r for MessageXml. */
int folder_shape_parse(struct ews_call *call, const struct xml_node *node,
                       struct folder_shape **shape_r, struct str *message_xml_r, struct err *err_r)
    WARN_UNUSED;
/* Into the answer: <t:Folder>, <t:CalendarFolder>, <t:ContactsFolder> or <t:TasksFolder> by folder class, with what the
 * shape chooses, the asked version knows and the caller may see. */
int folder_shape_write(struct ews_call *call, struct mailbox_tx *tx,
                       const struct folder_shape *shape, const struct folder *folder,
                       struct err *err_r) WARN_UNUSED;
/* The same with nothing but the id, as creating, moving and updating answer. */
void folder_write_id_only(struct ews_call *call, const struct folder *folder);
/* A folder's value of a path, for FindFolder's restriction; VALUE_NONE when it has none.
 * ERR_PATH_FOR_QUERY. */
int folder_path_value(struct ews_call *call, const struct folder *folder,
                      const struct prop_path *path, struct value *value_r, struct err *err_r)
    WARN_UNUSED;

/* True for the classes that are told as t:CalendarFolder. */
bool folder_is_calendar(const struct folder *folder);

/* ---- making and changing (folder_edit.c) ---- */

/* t:Folder and its like, t:SearchFolder included: what the schema allows where a folder is described. */
bool folder_is_element(const struct xml_node *node);
/* Makes the folder that such an element describes: with its parent's permissions, unless it has its own. ERR_SCHEMA,
 * ERR_OPERATION_ITEM for search folders, ERR_INVALID_PROPERTY_SET, ERR_FOLDER_CLASS_OVERRIDE, ERR_PERMISSION_*, what
 * extended_property_parse and mailbox_folder_create refuse. */
int folder_create_from_xml(struct ews_call *call, struct mailbox_tx *tx, struct folder_id parent,
                           const struct xml_node *node, struct folder_id *id_r,
                           struct str *message_xml_r, struct err *err_r) WARN_UNUSED;
/* Applies all of t:Updates. The same, and ERR_OBJECT_TYPE_CHANGED, ERR_UPDATE_*, ERR_INVALID_PROPERTY_*. */
int folder_update_from_xml(struct ews_call *call, struct mailbox_tx *tx,
                           const struct folder *folder, const struct xml_node *updates,
                           struct str *message_xml_r, struct err *err_r) WARN_UNUSED;

#endif
