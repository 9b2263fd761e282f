/* MoveItem and CopyItem, which differ by what stays behind. Callers: move_item.c, copy_item.c. */
#ifndef EWS_OPS_TRANSFER_ITEMS_H
#define EWS_OPS_TRANSFER_ITEMS_H

#include "base/err.h"
#include "ews/call.h"

extern const struct batch TRANSFER_ITEMS;
int transfer_items_parse(struct ews_call *call, const struct xml_node *request, bool move,
                         void **args_r, struct err *err_r) WARN_UNUSED;

#endif
