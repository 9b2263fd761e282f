#include "ews/notifications.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/error_map.h"
#include "ews/limits.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

#include <assert.h>
#include <string.h>

/* ---- ids ---- */

_Static_assert(SUBSCRIPTION_SECRET_BYTES == TOKEN_SECRET_BYTES, "one secret");

void subscription_id_write(struct buf *out, const struct notification_context *c,
                           const struct subscription *subscription)
{
    struct token_subscription token = {.mailbox = c->mailbox, .subscription = subscription->id};

    memcpy(token.secret, subscription->secret, sizeof(token.secret));
    token_subscription_write(out, c->key, &token);
}

static void write_watermark(struct buf *out, const struct notification_context *c,
                            struct log_position at)
{
    const struct token_watermark token = {c->mailbox, at};

    BUF_LIT(out, "<t:Watermark>");
    token_watermark_write(out, c->key, &token);
    BUF_LIT(out, "</t:Watermark>");
}

/* The stub: no change is written with the key of an event. */
static void write_stub_key(struct buf *out, const struct notification_context *c)
{
    BUF_LIT(out, "\" ChangeKey=\"");
    token_change_key_write(out, c->key, &(struct token_change_key){{0}});
    BUF_LIT(out, "\"/>");
}

static void write_folder(struct buf *out, const struct notification_context *c, struct str tag,
                         uint64_t folder)
{
    const struct token_folder token = {c->mailbox, {folder}};

    buf_add_str(out, tag);
    token_folder_write(out, c->key, &token);
    write_stub_key(out, c);
}

static void write_item(struct buf *out, const struct notification_context *c, struct str tag,
                       uint64_t item)
{
    const struct token_item token = {c->mailbox, {item}};

    buf_add_str(out, tag);
    token_item_write(out, c->key, &token);
    write_stub_key(out, c);
}

/* ---- events ---- */

static const struct str ELEMENTS[NOTICE_TYPE_COUNT] = {
#define X(name, wire) [NOTICE_##name] = STR_INIT("t:" wire),
    NOTICE_TYPES(X)
#undef X
};

/* The root of the tree has no parent, and the schema wants one: it is its own. */
static uint64_t parent_of(uint64_t parent, uint64_t object)
{
    return parent != 0 ? parent : object;
}

static void write_places(struct buf *out, const struct notification_context *c,
                         const struct notice *n)
{
    if (n->folder) {
        write_folder(out, c, STR("<t:FolderId Id=\""), n->object);
    } else {
        write_item(out, c, STR("<t:ItemId Id=\""), n->object);
    }
    write_folder(out, c, STR("<t:ParentFolderId Id=\""), parent_of(n->parent, n->object));
    if (n->type != NOTICE_MOVED && n->type != NOTICE_COPIED) {
        return;
    }
    if (n->folder) {
        write_folder(out, c, STR("<t:OldFolderId Id=\""), n->old_object);
    } else {
        write_item(out, c, STR("<t:OldItemId Id=\""), n->old_object);
    }
    write_folder(out, c, STR("<t:OldParentFolderId Id=\""),
                 parent_of(n->old_parent, n->old_object));
}

static void write_event(struct buf *out, const struct notification_context *c,
                        const struct notice *n, bool watermark)
{
    assert((unsigned)n->type < NOTICE_TYPE_COUNT);
    xml_open(out, ELEMENTS[n->type]);
    if (watermark) {
        write_watermark(out, c, n->after);
    }
    xml_add_element_time(out, STR("t:TimeStamp"), n->at_ms, false);
    write_places(out, c, n);
    if (n->type == NOTICE_MODIFIED && n->folder && n->has_unread) {
        xml_add_element_i64(out, STR("t:UnreadCount"), n->unread);
    }
    xml_close(out, ELEMENTS[n->type]);
}

static void write_events(struct buf *out, const struct notification_context *c,
                         const struct notice_page *page, bool watermarks)
{
    for (size_t i = 0; i < page->n; i++) {
        write_event(out, c, &page->notices[i], watermarks);
    }
}

static void begin_notification(struct buf *out, const struct notification_context *c,
                               const struct subscription *subscription)
{
    BUF_LIT(out, "<m:Notification><t:SubscriptionId>");
    subscription_id_write(out, c, subscription);
    BUF_LIT(out, "</t:SubscriptionId>");
}

void notification_write(struct buf *out, const struct notification_context *c,
                        const struct subscription *subscription, struct log_position previous,
                        const struct notice_page *page)
{
    const struct token_watermark token = {c->mailbox, previous};

    begin_notification(out, c, subscription);
    BUF_LIT(out, "<t:PreviousWatermark>");
    token_watermark_write(out, c->key, &token);
    BUF_LIT(out, "</t:PreviousWatermark>");
    xml_add_element_bool(out, STR("t:MoreEvents"), page->more);
    if (page->n == 0) {
        BUF_LIT(out, "<t:StatusEvent>");
        write_watermark(out, c, page->end);
        BUF_LIT(out, "</t:StatusEvent>");
    }
    write_events(out, c, page, true);
    BUF_LIT(out, "</m:Notification>");
}

/* ---- documents of a stream ---- */

static void begin_document(struct buf *out, const struct notification_context *c)
{
    BUF_LIT(out, "<Envelope xmlns=\"" NS_SOAP "\" xmlns:t=\"" NS_TYPES "\" xmlns:m=\"" NS_MESSAGES
                 "\"><Header>");
    answer_server_version(out, c->service);
    BUF_LIT(out, "</Header><Body><m:GetStreamingEventsResponse><m:ResponseMessages>"
                 "<m:GetStreamingEventsResponseMessage ResponseClass=\"");
}

static void begin_success(struct buf *out, const struct notification_context *c)
{
    begin_document(out, c);
    BUF_LIT(out, "Success\"><m:ResponseCode>NoError</m:ResponseCode>");
}

static void end_document(struct buf *out)
{
    BUF_LIT(out, "</m:GetStreamingEventsResponseMessage></m:ResponseMessages>"
                 "</m:GetStreamingEventsResponse></Body></Envelope>");
}

void stream_document_notices(struct buf *out, const struct notification_context *c,
                             const struct subscription *subscription,
                             const struct notice_page *page)
{
    begin_success(out, c);
    BUF_LIT(out, "<m:Notifications>");
    begin_notification(out, c, subscription);
    if (page->n == 0) {
        BUF_LIT(out, "<t:StatusEvent/>");
    }
    write_events(out, c, page, false);
    BUF_LIT(out, "</m:Notification></m:Notifications>");
    end_document(out);
}

void stream_document_alive(struct buf *out, const struct notification_context *c)
{
    begin_success(out, c);
    BUF_LIT(out, "<m:ConnectionStatus>OK</m:ConnectionStatus>");
    end_document(out);
}

static void write_closed(struct buf *out)
{
    BUF_LIT(out, "<m:ConnectionStatus>Closed</m:ConnectionStatus>");
}

void stream_document_closed(struct buf *out, const struct notification_context *c)
{
    begin_success(out, c);
    write_closed(out);
    end_document(out);
}

/* Clients read them in the messages namespace, whatever the schema says. */
static void write_error_ids(struct buf *out, const struct str *ids, size_t n)
{
    BUF_LIT(out, "<m:ErrorSubscriptionIds>");
    for (size_t i = 0; i < n; i++) {
        xml_add_element(out, STR("m:SubscriptionId"), ids[i]);
    }
    BUF_LIT(out, "</m:ErrorSubscriptionIds>");
}

void stream_document_error(struct buf *out, const struct notification_context *c,
                           enum err_kind kind, const struct str *ids, size_t n, bool closes)
{
    begin_document(out, c);
    BUF_LIT(out, "Error\">");
    xml_add_element(out, STR("m:MessageText"), str_from(err_kind_text(kind)));
    xml_add_element(out, STR("m:ResponseCode"), error_row(kind)->response_code);
    BUF_LIT(out, "<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>");
    if (n != 0) {
        write_error_ids(out, ids, n);
    }
    if (closes) {
        write_closed(out);
    }
    end_document(out);
}

/* ---- push ---- */

void push_document(struct buf *out, const struct notification_context *c,
                   const struct subscription *subscription, struct log_position previous,
                   const struct notice_page *page)
{
    /* A version that listeners of every age know. */
    BUF_LIT(out, XML_DECLARATION
            "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:t=\"" NS_TYPES "\" xmlns:m=\"" NS_MESSAGES
            "\"><s:Header><t:RequestServerVersion Version=\"Exchange2010_SP1\"/></s:Header><s:Body>"
            "<m:SendNotification><m:ResponseMessages>"
            "<m:SendNotificationResponseMessage ResponseClass=\"Success\">"
            "<m:ResponseCode>NoError</m:ResponseCode>");
    notification_write(out, c, subscription, previous, page);
    BUF_LIT(out, "</m:SendNotificationResponseMessage></m:ResponseMessages></m:SendNotification>"
                 "</s:Body></s:Envelope>");
}

static enum push_answer read_status(const struct xml_node *root)
{
    static const char *const PATH[] = {"Body", "SendNotificationResult", "SubscriptionStatus"};
    const struct xml_node *node = xml_is(root, root->ns, "Envelope") ? root : NULL;

    for (size_t i = 0; i < ARRAY_LEN(PATH) && node != NULL; i++) {
        node = xml_child(node, XML_NS_OTHER, PATH[i]);
    }
    if (node != NULL && str_is(str_trim(node->text), "OK")) {
        return PUSH_ANSWER_OK;
    }
    return node != NULL && str_is(str_trim(node->text), "Unsubscribe") ? PUSH_ANSWER_UNSUBSCRIBE
                                                                       : PUSH_ANSWER_UNREADABLE;
}

enum push_answer push_answer_read(struct str body)
{
    static const struct xml_limits LIMITS = {
        .max_bytes = PUSH_RESULT_MAX_BYTES,
        .max_depth = PUSH_RESULT_MAX_DEPTH,
        .max_nodes = PUSH_RESULT_MAX_NODES,
        .max_attrs = REQUEST_MAX_ATTRS,
    };
    AUTO(arena) arena = arena_new(NULL, "push answer");
    struct xml_node *root;
    struct err err;

    return xml_parse(arena, body, &LIMITS, &root, &err) < 0 ? PUSH_ANSWER_UNREADABLE
                                                            : read_status(root);
}
