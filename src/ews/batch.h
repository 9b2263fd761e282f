/*
 * Batch operations: one object after another, one response message each, in request order; one that fails is undone
 * alone and disturbs no neighbour. An operation is a row with `one`; this file runs them: marks, parts of the
 * transaction, error messages, and requests whose objects lie in several mailboxes.
 *
 * A request is worked off in legs: a leg is what is to do in one mailbox, run on that mailbox's worker. The first object
 * that is not finished says where the next leg goes, and all others that lie there come along. Most requests have one
 * leg. A leg that fails as a whole (its commit, its mailbox) fails only its objects.
 */
#ifndef EWS_BATCH_H
#define EWS_BATCH_H

#include "base/err.h"
#include "base/macros.h"
#include "base/str.h"
#include "mailbox/ids.h"

#include <stdbool.h>
#include <stddef.h>

struct ews_call;
struct mailbox_tx;

/* What `one` made of an object. */
enum batch_result {
    BATCH_DONE,      /* its message is written */
    BATCH_ELSEWHERE, /* goes on in another mailbox: nothing is written yet, mailbox_of now tells which */
    BATCH_LATER /* nothing done for want of room: again in this mailbox, when others are finished. Never when it is the first unfinished one */
};

struct batch {
    /* Objects in the request; at least one. */
    size_t (*count)(const void *args);
    /* Which mailbox object i lies in; wrong ids may say the caller's (the error is found there). Asked once, and again after each BATCH_ELSEWHERE. */
    struct mailbox_no (*mailbox_of)(struct ews_call *call, const void *args, size_t i);
    /* Handles object i in the mailbox of tx, which is call->mailbox, and writes a Success message whole (answer_message_success … answer_message_end). A
     * negative result is undone – the database part and what was written – and becomes an Error message: with err's code and *message_xml_r, then `error_tail`. */
    int (*one)(struct ews_call *call, struct mailbox_tx *tx, void *args, size_t i,
               struct str *message_xml_r, struct err *err_r);
    /* What the response type requires after an Error: "<m:Items/>", "<m:Folders/>", … or empty. */
    struct str error_tail;
};

/* For operations that keep something for an object from leg to leg: whether its message is written, be it an error. */
bool batch_is_finished(const struct ews_call *call, size_t i);
/* Number of the running leg, from 1. */
unsigned batch_leg(const struct ews_call *call);

/* ---- for call.c: an operation whose row has a batch ---- */

struct batch_run;

/* After parse: says where the first leg goes. */
void batch_begin(struct ews_call *call);
/* One leg. Negative: the transaction is to be undone, and batch_fail or a fault follows. */
int batch_run(struct ews_call *call, struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;
/* The leg came to nothing: its objects get error messages. False when that concerns the whole request and should be a fault. */
bool batch_fail(struct ews_call *call, const struct err *err);
/* True: there is another leg, in call->mailbox. False: the answer is whole. */
bool batch_next(struct ews_call *call);

#endif
