/*
 * Notifications as XML: documents of a stream, the body of a push, the answer of a listener; and SubscriptionIds and Watermarks. What is said, and when, is src/notify's.
 *
 * Documents of a stream are whole envelopes without XML declaration and with an unprefixed Envelope; real clients cut them out of the stream by that text (docs/protocol.md).
 */
#ifndef EWS_NOTIFICATIONS_H
#define EWS_NOTIFICATIONS_H

#include "base/buf.h"
#include "base/err.h"
#include "ews/call.h"
#include "mailbox/subscriptions.h"
#include "notify/notice.h"

struct ews_service;

/* What all documents of one stream, or all posts, share. */
struct notification_context {
    const struct ews_service *service;
    const struct token_key *key;
    struct mailbox_no mailbox;
};

/* m:Notification of a pull answer or a push: with PreviousWatermark, MoreEvents and Watermarks; a StatusEvent when the page is empty. */
void notification_write(struct buf *out, const struct notification_context *c,
                        const struct subscription *subscription, struct log_position previous,
                        const struct notice_page *page);

void stream_document_notices(struct buf *out, const struct notification_context *c,
                             const struct subscription *subscription,
                             const struct notice_page *page);
void stream_document_alive(struct buf *out, const struct notification_context *c);
void stream_document_closed(struct buf *out, const struct notification_context *c);
/* ids: texts of SubscriptionIds as the client wrote them, or none. */
void stream_document_error(struct buf *out, const struct notification_context *c,
                           enum err_kind kind, const struct str *ids, size_t n, bool closes);

/* The envelope of a SendNotification. */
void push_document(struct buf *out, const struct notification_context *c,
                   const struct subscription *subscription, struct log_position previous,
                   const struct notice_page *page);
enum push_answer { PUSH_ANSWER_OK, PUSH_ANSWER_UNSUBSCRIBE, PUSH_ANSWER_UNREADABLE };
/* The listener's SendNotificationResult: any namespace and prefix, within an envelope. All input is hostile. */
enum push_answer push_answer_read(struct str body);

/* SubscriptionId's text. */
void subscription_id_write(struct buf *out, const struct notification_context *c,
                           const struct subscription *subscription);

#endif
