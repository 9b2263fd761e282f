/* CopyFolder: see transfer_folders.c. */
#include "ews/ops/ops.h"

#include "ews/ops/transfer_folders.h"

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    return transfer_folders_parse(call, request, false, args_r, err_r);
}

const struct ews_operation op_copy_folder = {
    .name = STR_INIT("CopyFolder"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &TRANSFER_FOLDERS,
};
