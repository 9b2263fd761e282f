/* The operations, one file each; the table of them is ews/operations.c. */
#ifndef EWS_OPS_OPS_H
#define EWS_OPS_OPS_H

#include "ews/call.h"

extern const struct ews_operation op_archive_item;
extern const struct ews_operation op_convert_id;
extern const struct ews_operation op_copy_folder;
extern const struct ews_operation op_copy_item;
extern const struct ews_operation op_create_attachment;
extern const struct ews_operation op_create_folder;
extern const struct ews_operation op_create_folder_path;
extern const struct ews_operation op_create_item;
extern const struct ews_operation op_delete_attachment;
extern const struct ews_operation op_delete_folder;
extern const struct ews_operation op_delete_item;
extern const struct ews_operation op_empty_folder;
extern const struct ews_operation op_export_items;
extern const struct ews_operation op_find_folder;
extern const struct ews_operation op_find_item;
extern const struct ews_operation op_get_attachment;
extern const struct ews_operation op_get_events;
extern const struct ews_operation op_get_folder;
extern const struct ews_operation op_get_item;
extern const struct ews_operation op_get_server_time_zones;
extern const struct ews_operation op_get_streaming_events;
extern const struct ews_operation op_mark_all_items_as_read;
extern const struct ews_operation op_mark_as_junk;
extern const struct ews_operation op_move_folder;
extern const struct ews_operation op_move_item;
extern const struct ews_operation op_send_item;
extern const struct ews_operation op_subscribe;
extern const struct ews_operation op_sync_folder_hierarchy;
extern const struct ews_operation op_sync_folder_items;
extern const struct ews_operation op_unsubscribe;
extern const struct ews_operation op_update_folder;
extern const struct ews_operation op_update_item;
extern const struct ews_operation op_upload_items;

#endif
