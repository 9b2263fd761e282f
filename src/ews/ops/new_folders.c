#include "ews/ops/new_folders.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "xml/xml_doc.h"

int new_folders_parse(struct ews_call *call, const struct xml_node *request, const char *list_name,
                      struct new_folders *args, struct err *err_r)
{
    const struct grammar_child children[] = {{XML_NS_MESSAGES, "ParentFolderId", 1, 1},
                                             {XML_NS_MESSAGES, list_name, 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    TRY(folder_ref_parse_target(call, found[0], &args->parent, err_r));
    args->elements = ARENA_ARRAY(call->arena, const struct xml_node *, found[1]->child_count);
    for (const struct xml_node *e = found[1]->first_child; e != NULL; e = e->next) {
        if (!folder_is_element(e)) {
            return grammar_fail(e, err_r, "The element '%.*s' is no folder.", STR_ARG(e->name));
        }
        args->elements[args->n++] = e;
    }
    if (args->n == 0) {
        return grammar_fail(found[1], err_r, "The element '%s' has incomplete content.", list_name);
    }
    return 0;
}

int new_folders_find_parent(struct ews_call *call, struct mailbox_tx *tx,
                            const struct new_folders *args, struct folder_id *id_r,
                            struct err *err_r)
{
    struct folder parent;

    TRY(folder_ref_resolve(call, tx, &args->parent, FOLDER_AS_PARENT, &parent, err_r));
    *id_r = parent.id;
    return 0;
}

int new_folders_may_create(struct ews_call *call, struct mailbox_tx *tx, struct folder_id parent,
                           struct err *err_r)
{
    int rc = access_require(call, tx, parent, RIGHT_CREATE_SUBFOLDERS, err_r);

    return rc == -ERR_ACCESS_DENIED
               ? err_set(err_r, ERR_CREATE_SUBFOLDER_DENIED, "no right to create subfolders")
               : rc;
}

size_t new_folders_count(const void *args)
{
    return ((const struct new_folders *)args)->n;
}

struct mailbox_no new_folders_mailbox(struct ews_call *call, const void *args, size_t i)
{
    (void)i;
    return folder_ref_mailbox(call, &((const struct new_folders *)args)->parent);
}
