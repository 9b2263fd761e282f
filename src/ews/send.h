/*
 * Sending a message: checked, completed and put into the outbox, in the transaction that saves its
 * copy. CreateItem, SendItem and the response objects send so, each in the caller's own mailbox.
 * The sender (src/smtp) takes it from there.
 */
#ifndef EWS_SEND_H
#define EWS_SEND_H

#include "base/err.h"

struct ews_call;
struct item_edit;
struct mailbox_tx;

/*
 * Completes the message (From, Date, Message-ID), checks it and queues what goes on the wire:
 * everything but Bcc. The edit is then no draft any more, to be saved or not, and what it answers
 * is marked as answered. Nothing is queued on
 * failure: ERR_SEND_AS_DENIED when From or Sender is somebody else, ERR_RECIPIENTS when there is
 * none, or one that is no address or cannot be reached.
 */
int send_message(struct ews_call *call, struct mailbox_tx *tx, struct item_edit *edit,
                 struct err *err_r) WARN_UNUSED;

#endif
