/* ArchiveItem: no mailbox has an archive here, which every item that is found is told. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ops/targets.h"
#include "xml/xml_doc.h"

struct args {
    struct item_targets items; /* first */
    struct arena *arena;       /* reset between items */
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {
        {XML_NS_MESSAGES, "ArchiveSourceFolderId", 1, 1}, {XML_NS_MESSAGES, "ItemIds", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct folder_ref source; /* where it would be archived from */
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    TRY(folder_ref_parse_target(call, found[0], &source, err_r));
    TRY(item_ref_parse_list(call, found[1], &args->items.v, &args->items.n, err_r));
    args->arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct item item;

    (void)message_xml_r;
    arena_reset(args->arena);
    TRY(item_ref_resolve(call, tx, &args->items.v[i], args->arena, &item, err_r));
    return err_set(err_r, ERR_NO_ARCHIVE, "item %llu stays", (unsigned long long)item.id.v);
}

static const struct batch BATCH = {.count = item_targets_count,
                                   .mailbox_of = item_targets_mailbox,
                                   .one = one,
                                   .error_tail = STR_INIT("<m:Items/>")};

const struct ews_operation op_archive_item = {
    .name = STR_INIT("ArchiveItem"),
    .since = EWS_EXCHANGE2013,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .batch = &BATCH,
};
