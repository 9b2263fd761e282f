/* What CreateFolder and CreateFolderPath share: a parent, and descriptions of folders. */
#ifndef EWS_OPS_NEW_FOLDERS_H
#define EWS_OPS_NEW_FOLDERS_H

#include "base/err.h"
#include "ews/call.h"
#include "ews/ids.h"

struct new_folders {
    struct folder_ref parent;
    const struct xml_node **elements; /* t:Folder and its like */
    size_t n;
};
/* list_name: of the element that holds them. */
int new_folders_parse(struct ews_call *call, const struct xml_node *request, const char *list_name,
                      struct new_folders *args, struct err *err_r) WARN_UNUSED;
/* ERR_PARENT_FOLDER_NOT_FOUND and what folder_ref_resolve refuses. */
int new_folders_find_parent(struct ews_call *call, struct mailbox_tx *tx,
                            const struct new_folders *args, struct folder_id *id_r,
                            struct err *err_r) WARN_UNUSED;
/* ERR_CREATE_SUBFOLDER_DENIED. */
int new_folders_may_create(struct ews_call *call, struct mailbox_tx *tx, struct folder_id parent,
                           struct err *err_r) WARN_UNUSED;
/* For struct batch, where args begin with struct new_folders. */
size_t new_folders_count(const void *args);
struct mailbox_no new_folders_mailbox(struct ews_call *call, const void *args, size_t i);

#endif
