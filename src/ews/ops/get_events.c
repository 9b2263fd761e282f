/* GetEvents: the next events of a pull subscription after a watermark. The client's watermark is the only cursor, so an answer that got lost is asked for again. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/notifications.h"
#include "ews/ops/subscription_ref.h"
#include "notify/hub.h"
#include "xml/xml_doc.h"

struct args {
    struct str id, watermark;
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_MESSAGES, "SubscriptionId", 1, 1},
                                                    {XML_NS_OTHER, "Watermark", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *found[ARRAY_LEN(CHILDREN)];

    TRY(grammar_sequence(request, CHILDREN, ARRAY_LEN(CHILDREN), found, err_r));
    TRY(subscription_text_parse(found[0], &args->id, err_r));
    TRY(subscription_text_parse(found[1], &args->watermark, err_r));
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

static int find_subscription(struct ews_call *call, struct mailbox_tx *tx, struct str id,
                             struct subscription *subscription_r, struct err *err_r)
{
    TRY(subscription_find(call, tx, id, subscription_r, err_r));
    return subscription_r->kind == SUBSCRIPTION_PULL
               ? 0
               : err_set(err_r, ERR_PULL_ID, "a subscription of kind %d",
                         (int)subscription_r->kind);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct notification_context context = {call->service, call->key, call->mailbox};
    const struct args *args = vargs;
    struct subscription subscription;
    struct notice_page page;
    struct log_position at;

    (void)i;
    (void)message_xml_r;
    TRY(find_subscription(call, tx, args->id, &subscription, err_r));
    TRY(watermark_read(call, tx, args->watermark, &at, err_r));
    TRY(notices_read(tx, &subscription, at, GET_EVENTS_MAX, call->arena, &page, err_r));
    answer_message_success(call);
    notification_write(&call->out, &context, &subscription, at, &page);
    answer_message_end(call);
    if (call->service->hub != NULL) {
        hub_touch(call->service->hub, call->mailbox, &subscription);
    }
    return BATCH_DONE;
}

static const struct batch BATCH = {.count = count, .mailbox_of = mailbox_of, .one = one};

const struct ews_operation op_get_events = {
    .name = STR_INIT("GetEvents"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .quick = true,
    .parse = parse,
    .batch = &BATCH,
};
