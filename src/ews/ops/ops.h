/* The operations, one file each; the table of them is ews/operations.c. */
#ifndef EWS_OPS_OPS_H
#define EWS_OPS_OPS_H

#include "ews/call.h"

extern const struct ews_operation op_convert_id;
extern const struct ews_operation op_find_folder;
extern const struct ews_operation op_find_item;
extern const struct ews_operation op_get_attachment;
extern const struct ews_operation op_get_folder;
extern const struct ews_operation op_get_item;
extern const struct ews_operation op_sync_folder_hierarchy;
extern const struct ews_operation op_sync_folder_items;

#endif
