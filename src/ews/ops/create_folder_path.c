/* CreateFolderPath: folders each within the one before; those that are there already are told as if they had been made. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/batch.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/ops/new_folders.h"
#include "ews/ops/targets.h"
#include "xml/xml_doc.h"

struct args {
    struct new_folders path; /* first */
    struct folder_id at;     /* the folder of the element before; 0: it could not be had */
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(new_folders_parse(call, request, "RelativeFolderPath", &args->path, err_r));
    *args_r = args;
    return 0;
}

static struct str name_of(const struct xml_node *element)
{
    for (const struct xml_node *child = element->first_child; child != NULL; child = child->next) {
        if (xml_is(child, XML_NS_TYPES, "DisplayName")) {
            return child->text;
        }
    }
    return STR("");
}

/* One that is there, but not for the caller, is not made again either. */
static int find_or_create(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                          struct folder_id parent, size_t i, struct folder_id *id_r,
                          struct str *message_xml_r, struct err *err_r)
{
    const struct xml_node *element = args->path.elements[i];
    struct folder folder;
    int found = mailbox_folder_by_name(tx, parent, name_of(element), call->arena, &folder, err_r);

    TRY(found);
    if (found == 1) {
        *id_r = folder.id;
        return access_require(call, tx, folder.id, RIGHT_FOLDER_VISIBLE, err_r);
    }
    TRY(new_folders_may_create(call, tx, parent, err_r));
    return folder_create_from_xml(call, tx, parent, element, id_r, message_xml_r, err_r);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct folder_id parent = args->at, id;

    args->at = (struct folder_id){0};
    if (i == 0) {
        TRY(new_folders_find_parent(call, tx, &args->path, &parent, err_r));
    } else if (parent.v == 0) {
        return err_set(err_r, ERR_PARENT_FOLDER_NOT_FOUND, "the path ended before");
    }
    TRY(find_or_create(call, tx, args, parent, i, &id, message_xml_r, err_r));
    TRY(answer_folder(call, tx, id, err_r));
    args->at = id;
    return BATCH_DONE;
}

static const struct batch BATCH = {.count = new_folders_count,
                                   .mailbox_of = new_folders_mailbox,
                                   .one = one,
                                   .error_tail = STR_INIT("<m:Folders/>")};

const struct ews_operation op_create_folder_path = {
    .name = STR_INIT("CreateFolderPath"),
    .since = EWS_EXCHANGE2013,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
