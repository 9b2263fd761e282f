/* MoveFolder and CopyFolder, within a mailbox. Callers: move_folder.c, copy_folder.c. */
#ifndef EWS_OPS_TRANSFER_FOLDERS_H
#define EWS_OPS_TRANSFER_FOLDERS_H

#include "base/err.h"
#include "ews/call.h"

extern const struct batch TRANSFER_FOLDERS;
int transfer_folders_parse(struct ews_call *call, const struct xml_node *request, bool move,
                           void **args_r, struct err *err_r) WARN_UNUSED;

#endif
