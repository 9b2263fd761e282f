/* Folder properties: the table for folders, their shapes and their writer. GetFolder, FindFolder
 * and SyncFolderHierarchy use it. */
#ifndef EWS_FOLDERS_H
#define EWS_FOLDERS_H

#include "ews/call.h"
#include "ews/props.h"
#include "mailbox/mailbox.h"

struct folder_shape;
/* node is m:FolderShape. ERR_SCHEMA; ERR_PROPERTY_REQUEST for a path of items, and what
 * extended_path_parse refuses: these are every message's error, with the offending path in
 * *message_xml_r for MessageXml. */
int folder_shape_parse(struct ews_call *call, const struct xml_node *node,
                       struct folder_shape **shape_r, struct str *message_xml_r, struct err *err_r)
    WARN_UNUSED;
/* <t:Folder>, <t:CalendarFolder>, <t:ContactsFolder> or <t:TasksFolder> by folder class, with
 * what the shape chooses and the asked version knows. */
void folder_shape_write(struct ews_call *call, const struct folder_shape *shape,
                        const struct folder *folder, struct buf *out);
/* A folder's value of a path, for FindFolder's restriction; VALUE_NONE when it has none.
 * ERR_PATH_FOR_QUERY. */
int folder_path_value(struct ews_call *call, const struct folder *folder,
                      const struct prop_path *path, struct value *value_r, struct err *err_r)
    WARN_UNUSED;

#endif
