/*
 * GetStreamingEvents: which subscriptions a connection shall tell of. Here they are looked up only; the connection is opened by who holds it, with call->stream.
 *
 * One bad id, and nobody is told anything: the answer is then a single document that names the bad ones.
 */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/notifications.h"
#include "ews/ops/subscription_ref.h"
#include "xml/xml_doc.h"

struct args {
    struct str *ids; /* each once */
    size_t n;
    int64_t minutes;
    struct hub_seen seen;
};

static bool is_known(const struct args *args, struct str id)
{
    for (size_t i = 0; i < args->n; i++) {
        if (str_eq(args->ids[i], id)) {
            return true;
        }
    }
    return false;
}

static int parse_ids(struct ews_call *call, const struct xml_node *node, struct args *args,
                     struct err *err_r)
{
    static const struct grammar_child IDS = {XML_NS_OTHER, "SubscriptionId", 1,
                                             STREAM_MAX_SUBSCRIPTIONS};
    const struct xml_node *first;
    struct str id;

    TRY(grammar_sequence(node, &IDS, 1, &first, err_r));
    args->ids = ARENA_ARRAY(call->arena, struct str, node->child_count);
    for (; first != NULL; first = first->next) {
        TRY(subscription_text_parse(first, &id, err_r));
        if (!is_known(args, id)) {
            args->ids[args->n++] = id;
        }
    }
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_MESSAGES, "SubscriptionIds", 1, 1},
                                                    {XML_NS_MESSAGES, "ConnectionTimeout", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *found[ARRAY_LEN(CHILDREN)];

    TRY(grammar_sequence(request, CHILDREN, ARRAY_LEN(CHILDREN), found, err_r));
    TRY(parse_ids(call, found[0], args, err_r));
    TRY(grammar_int(found[1], 1, STREAM_MAX_MINUTES, &args->minutes, err_r));
    if (call->service->hub != NULL) {
        args->seen = hub_look(call->service->hub);
    }
    *args_r = args;
    return 0;
}

/* 1: a streaming subscription of the caller's; 0: not. */
static int look_up(struct ews_call *call, struct mailbox_tx *tx, struct str id,
                   struct subscription *subscription_r, struct err *err_r)
{
    int rc = subscription_find(call, tx, id, subscription_r, err_r);

    if (rc == -ERR_SUBSCRIPTION_NOT_FOUND || rc == -ERR_SUBSCRIPTION_DENIED) {
        return 0;
    }
    return rc < 0 ? rc : subscription_r->kind == SUBSCRIPTION_STREAMING;
}

static int refuse(struct ews_call *call, const struct str *bad, size_t n)
{
    const struct notification_context context = {call->service, call->key, call->mailbox};

    (void)err_set(&call->error, ERR_SUBSCRIPTION_INVALID, "%zu ids are not good", n);
    call->outcome = call->error.kind;
    stream_document_error(&call->out, &context, ERR_SUBSCRIPTION_INVALID, bad, n, true);
    return 0;
}

static int run(struct ews_call *call, struct mailbox_tx *tx, void *vargs, struct err *err_r)
{
    const struct args *args = vargs;
    struct subscription *found = ARENA_ARRAY(call->arena, struct subscription, args->n);
    struct str *bad = ARENA_ARRAY(call->arena, struct str, args->n);
    struct ews_stream *stream = ARENA_NEW(call->arena, struct ews_stream);
    size_t bad_n = 0;

    for (size_t i = 0; i < args->n; i++) {
        int good = look_up(call, tx, args->ids[i], &found[i], err_r);

        TRY(good);
        if (good == 0) {
            bad[bad_n++] = args->ids[i];
        }
    }
    if (bad_n != 0) {
        return refuse(call, bad, bad_n);
    }
    *stream =
        (struct ews_stream){found, args->ids, args->n, args->minutes * MS_OF_MINUTE, args->seen};
    stream->seen.end = log_position_now(tx);
    call->stream = stream;
    return 0;
}

const struct ews_operation op_get_streaming_events = {
    .name = STR_INIT("GetStreamingEvents"),
    .since = EWS_EXCHANGE2010_SP1,
    .run_mode = EWS_RUN_READ,
    .quick = true,
    .hanging = true,
    .parse = parse,
    .run = run,
};
