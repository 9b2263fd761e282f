#include "ews/ops/targets.h"

#include "ews/answer.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/props.h"
#include "xml/xml_write.h"

size_t folder_targets_count(const void *args)
{
    return ((const struct folder_targets *)args)->n;
}

struct mailbox_no folder_targets_mailbox(struct ews_call *call, const void *args, size_t i)
{
    return folder_ref_mailbox(call, &((const struct folder_targets *)args)->v[i]);
}

size_t item_targets_count(const void *args)
{
    return ((const struct item_targets *)args)->n;
}

struct mailbox_no item_targets_mailbox(struct ews_call *call, const void *args, size_t i)
{
    return item_ref_mailbox(call, &((const struct item_targets *)args)->v[i]);
}

int delete_type_parse(const struct xml_node *request, enum delete_type *type_r, struct err *err_r)
{
    static const char *const names[] = {[DELETE_HARD] = "HardDelete",
                                        [DELETE_SOFT] = "SoftDelete",
                                        [DELETE_TO_BIN] = "MoveToDeletedItems",
                                        NULL};
    size_t type;

    TRY(grammar_attr_enum(request, "DeleteType", true, names, &type, err_r));
    *type_r = (enum delete_type)type;
    return 0;
}

int known_folder_find(struct ews_call *call, struct mailbox_tx *tx, enum distinguished which,
                      struct known_folder *known, struct folder_id *id_r, struct err *err_r)
{
    struct folder folder;
    int found = 1;

    if (known->id.v == 0 || known->mailbox.v != call->mailbox.v) {
        found = mailbox_folder_by_distinguished(tx, which, call->arena, &folder, err_r);
        if (found == 0) {
            return err_set(err_r, ERR_CORRUPT, "distinguished folder %d is missing", (int)which);
        }
        TRY(found);
        *known = (struct known_folder){.mailbox = call->mailbox, .id = folder.id};
    }
    *id_r = known->id;
    return 0;
}

void answer_done(struct ews_call *call)
{
    answer_message_success(call);
    answer_message_end(call);
}

int answer_folder(struct ews_call *call, struct mailbox_tx *tx, struct folder_id id,
                  struct err *err_r)
{
    struct folder folder;
    int found = mailbox_folder_get(tx, id, call->arena, &folder, err_r);

    if (found == 0) {
        return err_set(err_r, ERR_INTERNAL, "folder %llu is gone", (unsigned long long)id.v);
    }
    TRY(found);
    answer_message_success(call);
    BUF_LIT(&call->out, "<m:Folders>");
    folder_write_id_only(call, &folder);
    BUF_LIT(&call->out, "</m:Folders>");
    answer_message_end(call);
    return 0;
}

/* An item that has just come into its folder: its version is its id. */
void answer_item(struct ews_call *call, enum item_kind kind, struct item_id id)
{
    struct str element = item_element(kind, call->version);

    answer_message_success(call);
    BUF_LIT(&call->out, "<m:Items>");
    xml_open(&call->out, element);
    write_item_id(&call->out, call, id, (struct seq){id.v});
    xml_close(&call->out, element);
    BUF_LIT(&call->out, "</m:Items>");
    answer_message_end(call);
}

void answer_no_item(struct ews_call *call)
{
    answer_message_success(call);
    BUF_LIT(&call->out, "<m:Items/>");
    answer_message_end(call);
}
