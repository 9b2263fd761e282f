/* Subscribe: a row that says what is wanted and from where on. Nothing waits in memory for it but what waits on a connection or a listener (src/notify). */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/limits.h"
#include "ews/notifications.h"
#include "ews/ops/subscription_ref.h"
#include "mailbox/token.h"
#include "notify/hub.h"
#include "xml/xml_doc.h"

#include <stdlib.h>

struct args {
    enum subscription_kind kind;
    bool all_folders;
    struct folder_ref *folders; /* NULL: none named */
    size_t folder_n;
    uint32_t types;
    struct str watermark; /* empty: from now on */
    int64_t minutes;      /* Timeout, StatusFrequency */
    struct str url, caller_data;
};

/* ---- the request ---- */

enum { FOLDERS, TYPES, WATERMARK, MINUTES, URL, CALLER_DATA, CHILD_COUNT };

/* Watermark: a widely used client writes it in the namespace of messages. */
static const struct grammar_child PULL[] = {
    {XML_NS_TYPES, "FolderIds", 0, 1},
    {XML_NS_TYPES, "EventTypes", 1, 1},
    {XML_NS_OTHER, "Watermark", 0, 1},
    {XML_NS_TYPES, "Timeout", 1, 1},
};
static const struct grammar_child PUSH[] = {
    {XML_NS_TYPES, "FolderIds", 0, 1}, {XML_NS_TYPES, "EventTypes", 1, 1},
    {XML_NS_OTHER, "Watermark", 0, 1}, {XML_NS_TYPES, "StatusFrequency", 1, 1},
    {XML_NS_TYPES, "URL", 1, 1},       {XML_NS_TYPES, "CallerData", 0, 1},
};
static const struct grammar_child STREAMING[] = {
    {XML_NS_TYPES, "FolderIds", 0, 1},
    {XML_NS_TYPES, "EventTypes", 1, 1},
};

static const struct form {
    enum subscription_kind kind;
    const struct grammar_child *children;
    size_t n;
} FORMS[] = {
    {SUBSCRIPTION_PULL, PULL, ARRAY_LEN(PULL)},
    {SUBSCRIPTION_PUSH, PUSH, ARRAY_LEN(PUSH)},
    {SUBSCRIPTION_STREAMING, STREAMING, ARRAY_LEN(STREAMING)},
};
static const char *const FORM_NAMES[] = {"PullSubscriptionRequest", "PushSubscriptionRequest",
                                         "StreamingSubscriptionRequest"};

static int parse_types(const struct xml_node *node, uint32_t *types_r, struct err *err_r)
{
    static const struct grammar_child TYPE = {XML_NS_TYPES, "EventType", 1, 0};
    static const char *const NAMES[] = {
#define X(name, wire) wire,
        NOTICE_TYPES(X)
#undef X
            NULL};
    const struct xml_node *type;
    uint32_t types = 0;
    size_t index = 0;

    TRY(grammar_sequence(node, &TYPE, 1, &type, err_r));
    for (; type != NULL; type = type->next) {
        TRY(grammar_enum(type, NAMES, &index, err_r));
        types |= NOTICE_BIT(index);
    }
    *types_r = types;
    return 0;
}

static int parse_children(struct ews_call *call, const struct xml_node *const *found,
                          struct args *args, struct err *err_r)
{
    if (found[FOLDERS] != NULL) {
        TRY(folder_ref_parse_list(call, found[FOLDERS], &args->folders, &args->folder_n, err_r));
    }
    TRY(parse_types(found[TYPES], &args->types, err_r));
    if (found[WATERMARK] != NULL) {
        TRY(subscription_text_parse(found[WATERMARK], &args->watermark, err_r));
    }
    if (found[MINUTES] != NULL) {
        TRY(grammar_int(found[MINUTES], 1, SUBSCRIBE_MAX_MINUTES, &args->minutes, err_r));
    }
    if (found[URL] != NULL) {
        args->url = str_trim(found[URL]->text);
    }
    if (found[CALLER_DATA] != NULL) {
        args->caller_data = found[CALLER_DATA]->text;
    }
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    const struct xml_node *found[CHILD_COUNT] = {NULL}, *wanted;
    struct args *args = ARENA_NEW(call->arena, struct args);
    size_t form = 0;

    TRY(grammar_choice(request, XML_NS_MESSAGES, FORM_NAMES, ARRAY_LEN(FORMS), &form, err_r));
    wanted = request->first_child;
    args->kind = FORMS[form].kind;
    TRY(grammar_attr_bool(wanted, "SubscribeToAllFolders", false, &args->all_folders, err_r));
    TRY(grammar_sequence(wanted, FORMS[form].children, FORMS[form].n, found, err_r));
    TRY(parse_children(call, found, args, err_r));
    *args_r = args;
    return 0;
}

/* ---- the folders ---- */

static int bad_request(struct err *err_r, const char *why)
{
    return err_tell(err_r, ERR_SUBSCRIPTION_REQUEST, "%s", why);
}

/* All in one mailbox, and that the caller's. */
static int check_mailboxes(struct ews_call *call, const struct args *args, struct err *err_r)
{
    struct mailbox_no mailbox = folder_ref_mailbox(call, &args->folders[0]);

    for (size_t i = 1; i < args->folder_n; i++) {
        if (folder_ref_mailbox(call, &args->folders[i]).v != mailbox.v) {
            return bad_request(err_r, "The folders of a subscription must lie in one mailbox.");
        }
    }
    return mailbox.v == call->caller.mailbox.v
               ? 0
               : err_set(err_r, ERR_SUBSCRIPTION_DELEGATE, "folders of another mailbox");
}

static int check_folders(struct ews_call *call, const struct args *args, struct err *err_r)
{
    if (args->all_folders == (args->folders != NULL)) {
        return bad_request(err_r, "A subscription needs either FolderIds or "
                                  "SubscribeToAllFolders, and not both.");
    }
    if (args->folder_n > SUBSCRIBE_MAX_FOLDERS) {
        return bad_request(err_r, "A subscription cannot name so many folders: use "
                                  "SubscribeToAllFolders.");
    }
    return args->folders != NULL ? check_mailboxes(call, args, err_r) : 0;
}

static int resolve(struct ews_call *call, struct mailbox_tx *tx, const struct folder_ref *ref,
                   struct folder_id *id_r, struct err *err_r)
{
    struct folder folder;
    int rc = folder_ref_resolve(call, tx, ref, FOLDER_ASKED_FOR, &folder, err_r);

    /* By an id that was valid once. */
    if (rc == -ERR_ITEM_NOT_FOUND) {
        return err_set(err_r, ERR_FOLDER_NOT_FOUND, "folder is gone");
    }
    TRY(rc);
    *id_r = folder.id;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    const struct folder_id *x = a, *y = b;

    return (x->v > y->v) - (x->v < y->v);
}

/* Ascending, each once. */
static int find_folders(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                        struct subscription *subscription, struct err *err_r)
{
    struct folder_id *ids = ARENA_ARRAY(call->arena, struct folder_id, args->folder_n);
    size_t n = 0;

    for (size_t i = 0; i < args->folder_n; i++) {
        TRY(resolve(call, tx, &args->folders[i], &ids[i], err_r));
    }
    qsort(ids, args->folder_n, sizeof(*ids), compare_ids);
    for (size_t i = 0; i < args->folder_n; i++) {
        if (n == 0 || ids[n - 1].v != ids[i].v) {
            ids[n++] = ids[i];
        }
    }
    subscription->folders = ids;
    subscription->folder_n = n;
    return 0;
}

/* ---- the subscription ---- */

static int check_listener(const struct ews_call *call, const struct args *args, struct err *err_r)
{
    const struct ews_service *service = call->service;

    if (service->push_url_check == NULL) {
        return err_tell(err_r, ERR_PUSH_URL, "This server sends no push notifications.");
    }
    if (args->caller_data.n > SUBSCRIBE_MAX_CALLER_DATA_BYTES) {
        return bad_request(err_r, "CallerData is too long.");
    }
    return service->push_url_check(service->push_context, args->url, err_r);
}

static int where_to_begin(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                          struct log_position *at_r, struct err *err_r)
{
    if (args->watermark.n != 0) {
        return watermark_read(call, tx, args->watermark, at_r, err_r);
    }
    *at_r = log_position_now(tx);
    return 0;
}

static int make(struct ews_call *call, struct mailbox_tx *tx, const struct args *args,
                struct subscription *subscription_r, struct err *err_r)
{
    struct hub *hub = call->service->hub;
    struct subscription s = {.owner = call->caller.mailbox,
                             .kind = args->kind,
                             .types = args->types,
                             .url = args->url,
                             .caller_data = args->caller_data};
    struct hub_limits limits = hub_limits_of(hub, str_cstr(call->arena, call->caller.address));

    TRY(find_folders(call, tx, args, &s, err_r));
    TRY(where_to_begin(call, tx, args, &s.cursor, err_r));
    s.life_ms = args->kind == SUBSCRIPTION_STREAMING ? hub_stream_idle_ms(hub)
                                                     : args->minutes * MS_OF_MINUTE;
    TRY(subscription_add(tx, &s, limits.max_subscriptions, err_r));
    TRY(subscription_note_counts(call, tx, err_r));
    *subscription_r = s;
    return 0;
}

static void answer(struct ews_call *call, const struct subscription *subscription)
{
    const struct notification_context context = {call->service, call->key, call->mailbox};
    const struct token_watermark watermark = {call->mailbox, subscription->cursor};
    struct buf *out = &call->out;

    answer_message_success(call);
    BUF_LIT(out, "<m:SubscriptionId>");
    subscription_id_write(out, &context, subscription);
    BUF_LIT(out, "</m:SubscriptionId>");
    if (subscription->kind != SUBSCRIPTION_STREAMING) {
        BUF_LIT(out, "<m:Watermark>");
        token_watermark_write(out, call->key, &watermark);
        BUF_LIT(out, "</m:Watermark>");
    }
    answer_message_end(call);
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
    bool push = args->kind == SUBSCRIPTION_PUSH;
    struct subscription subscription;

    (void)i;
    (void)message_xml_r;
    if (call->service->hub == NULL) {
        return err_tell(err_r, ERR_OPERATION_ITEM, "This server sends no notifications.");
    }
    TRY(check_folders(call, args, err_r));
    TRY(push ? check_listener(call, args, err_r) : 0);
    TRY(make(call, tx, args, &subscription, err_r));
    if (push) {
        TRY(store_push_hint_set(call->service->store, call->mailbox, err_r));
        call->subscriptions_changed = true;
    }
    answer(call, &subscription);
    return BATCH_DONE;
}

static const struct batch BATCH = {.count = count, .mailbox_of = mailbox_of, .one = one};

const struct ews_operation op_subscribe = {
    .name = STR_INIT("Subscribe"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
