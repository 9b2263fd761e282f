/* CopyItem: see transfer_items.c. */
#include "ews/ops/ops.h"

#include "ews/ops/transfer_items.h"

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    return transfer_items_parse(call, request, false, args_r, err_r);
}

const struct ews_operation op_copy_item = {
    .name = STR_INIT("CopyItem"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &TRANSFER_ITEMS,
};
