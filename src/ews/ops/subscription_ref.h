/* SubscriptionIds and Watermarks in requests: what Subscribe, Unsubscribe, GetEvents and GetStreamingEvents share. */
#ifndef EWS_OPS_SUBSCRIPTION_REF_H
#define EWS_OPS_SUBSCRIPTION_REF_H

#include "base/err.h"
#include "base/str.h"
#include "mailbox/subscriptions.h"

struct ews_call;
struct mailbox_tx;
struct xml_node;

/* Times in these requests are minutes. */
#define MS_OF_MINUTE 60000

/* An id or a watermark, which must not be empty: ERR_SCHEMA. */
int subscription_text_parse(const struct xml_node *node, struct str *text_r, struct err *err_r)
    WARN_UNUSED;
/* A live subscription of the caller's, of any kind; tx is of the caller's mailbox. ERR_SUBSCRIPTION_NOT_FOUND, and ERR_SUBSCRIPTION_DENIED for one that
 * somebody else made. */
int subscription_find(struct ews_call *call, struct mailbox_tx *tx, struct str text,
                      struct subscription *subscription_r, struct err *err_r) WARN_UNUSED;
/* A Watermark of the caller's mailbox from which it goes on: ERR_WATERMARK. */
int watermark_read(struct ews_call *call, const struct mailbox_tx *tx, struct str text,
                   struct log_position *at_r, struct err *err_r) WARN_UNUSED;

/* After rows came or went: for the figures of operators. */
int subscription_note_counts(struct ews_call *call, struct mailbox_tx *tx, struct err *err_r)
    WARN_UNUSED;

#endif
