/* Unsubscribe: ends a pull or streaming subscription. A push subscription ends by its listener's answer. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ops/subscription_ref.h"
#include "xml/xml_doc.h"

struct args {
    struct str id;
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_MESSAGES, "SubscriptionId", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *id;

    TRY(grammar_sequence(request, CHILDREN, ARRAY_LEN(CHILDREN), &id, err_r));
    TRY(subscription_text_parse(id, &args->id, err_r));
    *args_r = args;
    return 0;
}

static size_t count(const void *args)
{
    (void)args;
    return 1;
}

static struct mailbox_no mailbox_of(struct ews_call *call, const void *args, size_t i)
{
    (void)args;
    (void)i;
    return call->caller.mailbox;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct args *args = vargs;
    struct subscription subscription;

    (void)i;
    (void)message_xml_r;
    TRY(subscription_find(call, tx, args->id, &subscription, err_r));
    if (subscription.kind == SUBSCRIPTION_PUSH) {
        return err_set(err_r, ERR_PULL_ID, "a push subscription");
    }
    TRY(subscription_delete(tx, subscription.id, err_r));
    if (call->service->hub != NULL) {
        TRY(subscription_note_counts(call, tx, err_r));
    }
    call->subscriptions_changed = true;
    answer_message_success(call);
    answer_message_end(call);
    return BATCH_DONE;
}

static const struct batch BATCH = {.count = count, .mailbox_of = mailbox_of, .one = one};

const struct ews_operation op_unsubscribe = {
    .name = STR_INIT("Unsubscribe"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
