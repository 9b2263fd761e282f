/* UpdateFolder: names, classes, permissions and extended properties of folders; all updates of one folder or none. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/batch.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/ops/targets.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

struct args {
    struct folder_targets folders; /* first */
    const struct xml_node **updates;
};

static int parse_change(struct ews_call *call, const struct xml_node *change, struct args *args,
                        struct err *err_r)
{
    const struct xml_node *id = change->first_child, *updates = id != NULL ? id->next : NULL;

    if (!xml_is(change, XML_NS_TYPES, "FolderChange") || updates == NULL || updates->next != NULL ||
        !xml_is(updates, XML_NS_TYPES, "Updates") || updates->first_child == NULL) {
        return grammar_fail(change, err_r, "The element '%.*s' has invalid content.",
                            STR_ARG(change->name));
    }
    TRY(folder_ref_parse(call, id, &args->folders.v[args->folders.n], err_r));
    args->updates[args->folders.n++] = updates;
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "FolderChanges", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *changes;

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), &changes, err_r));
    args->folders.v = ARENA_ARRAY(call->arena, struct folder_ref, changes->child_count);
    args->updates = ARENA_ARRAY(call->arena, const struct xml_node *, changes->child_count);
    for (const struct xml_node *c = changes->first_child; c != NULL; c = c->next) {
        TRY(parse_change(call, c, args, err_r));
    }
    if (args->folders.n == 0) {
        return grammar_fail(changes, err_r, "The element 'FolderChanges' has incomplete content.");
    }
    *args_r = args;
    return 0;
}

/* Clients that know no key mean the folder as it is; a key that is given must be the present one. */
static int check_version(struct ews_call *call, const struct folder_ref *ref,
                         const struct folder *folder, struct err *err_r)
{
    struct token_change_key key;

    if (ref->change_key.n == 0) {
        return 0;
    }
    TRY(token_change_key_read(call->key, ref->change_key, &key, err_r));
    if (key.version.v != folder->change_seq.v) {
        return err_set(err_r, ERR_CONFLICT, "the key names an older version of the folder");
    }
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct args *args = vargs;
    const struct folder_ref *ref = &args->folders.v[i];
    struct folder folder;

    TRY(folder_ref_resolve(call, tx, ref, FOLDER_ASKED_FOR, &folder, err_r));
    TRY(access_require(call, tx, folder.id, RIGHT_FOLDER_OWNER, err_r));
    TRY(check_version(call, ref, &folder, err_r));
    TRY(folder_update_from_xml(call, tx, &folder, args->updates[i], message_xml_r, err_r));
    return answer_folder(call, tx, folder.id, err_r);
}

static const struct batch BATCH = {.count = folder_targets_count,
                                   .mailbox_of = folder_targets_mailbox,
                                   .one = one,
                                   .error_tail = STR_INIT("<m:Folders/>")};

const struct ews_operation op_update_folder = {
    .name = STR_INIT("UpdateFolder"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
