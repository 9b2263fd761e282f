/* DeleteAttachment: attachments of stored items by id. Each is a change of its item; the ids of the
 * others stay valid. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/attachments.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/item_edit.h"
#include "ews/limits.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

struct args {
    struct str *ids;
    size_t n;
    struct arena *arena;   /* of one attachment; reset before the next */
    uint64_t opened_bytes; /* of items, so far */
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "AttachmentIds", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *ids;

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), &ids, err_r));
    TRY(attachment_ids_parse(call, ids, &args->ids, &args->n, err_r));
    args->arena = arena_new(call->arena, "attachment");
    *args_r = args;
    return 0;
}

static size_t count(const void *args)
{
    return ((const struct args *)args)->n;
}

static struct mailbox_no mailbox_of(struct ews_call *call, const void *args, size_t i)
{
    return attachment_id_mailbox(call, ((const struct args *)args)->ids[i]);
}

/* The first item is opened whatever its size, others as long as the work stays in bounds. */
static int check_work(struct args *args, const struct item *item, struct err *err_r)
{
    uint64_t before = args->opened_bytes;

    args->opened_bytes += item->size;
    return before != 0 && args->opened_bytes > READ_MAX_BYTES
               ? err_set(err_r, ERR_TOO_LARGE, "%llu bytes opened", (unsigned long long)before)
               : 0;
}

static int answer_deleted(struct ews_call *call, struct item_id item, struct seq version)
{
    answer_message_success(call);
    BUF_LIT(&call->out, "<m:RootItemId");
    attachment_write_root(call, item, version);
    BUF_LIT(&call->out, "/>");
    answer_message_end(call);
    return BATCH_DONE;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct token_attachment token;
    struct item_edit *edit;
    struct item item;

    (void)message_xml_r;
    arena_reset(args->arena);
    TRY(token_attachment_read(call->key, args->ids[i], &token, err_r));
    TRY(attachment_root_get(call, tx, &token, args->arena, &item, err_r));
    TRY(access_require_item(call, tx, &item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL, err_r));
    if (token.depth > 1) {
        return err_tell(err_r, ERR_CANNOT_DELETE,
                        "An attached item cannot be changed; delete it as a whole.");
    }
    TRY(check_work(args, &item, err_r));
    TRY(item_edit_open(call, tx, args->arena, &item, &edit, err_r));
    TRY(item_edit_remove_attachment(edit, token.path[0], err_r));
    TRY(item_edit_store(edit, tx, err_r));
    return answer_deleted(call, item.id, item_edit_version(edit));
}

static const struct batch BATCH = {.count = count, .mailbox_of = mailbox_of, .one = one};

const struct ews_operation op_delete_attachment = {
    .name = STR_INIT("DeleteAttachment"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
