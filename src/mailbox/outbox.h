/*
 * The outbox of a mailbox: messages on their way, durable from the commit that saved the sent copy until every recipient is settled. Nothing commits in two files at once:
 * what must reach another mailbox, or the world, waits here; the sender (src/smtp) carries it over, and the receiving mailbox refuses what it has got already.
 *
 * The store's directory keeps a hint "this mailbox has an outbox", set durably before the first row is committed and cleared after the last is gone, so that
 * a start finds what is waiting without opening every mailbox.
 */
#ifndef MAILBOX_OUTBOX_H
#define MAILBOX_OUTBOX_H

#include "base/macros.h"
#include "base/str.h"
#include "mailbox/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct mailbox_tx;
struct store;

enum outbox_state { OUTBOX_WAITING = 1, OUTBOX_SENT, OUTBOX_FAILED };

struct outbox_recipient {
    struct str address;
    enum outbox_state state;
    unsigned attempts;
    int64_t next_ms;  /* WAITING: not before */
    struct str reply; /* last answer or reason, for the bounce */
};

struct outbox_message {
    struct seq id;
    int64_t queued_ms;
    struct str sender; /* envelope sender; empty: a bounce */
    struct str mime;   /* as it goes on the wire (without Bcc) */
    struct outbox_recipient *recipients;
    size_t recipient_count;
};

/* In the transaction that saves the copy. At least one recipient. */
int outbox_add(struct mailbox_tx *tx, struct str sender, struct str mime,
               const struct str *recipients, size_t n, struct seq *id_r, struct err *err_r)
    WARN_UNUSED;
/* Ids with a recipient due at now_ms, longest due first, at most max; *next_ms_r: when the first of the others is due (INT64_MAX: there is none). */
int outbox_due(struct mailbox_tx *tx, int64_t now_ms, size_t max, struct arena *arena,
               struct seq **ids_r, size_t *n_r, int64_t *next_ms_r, struct err *err_r) WARN_UNUSED;
/* 1: nothing is in it, settled or not; 0: something is. */
int outbox_is_empty(struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;
/* 1 found, 0 gone. */
int outbox_get(struct mailbox_tx *tx, struct seq id, struct arena *arena,
               struct outbox_message *message_r, struct err *err_r) WARN_UNUSED;
/* Notes what became of recipient i: all but its address; reply is cut. ERR_ITEM_NOT_FOUND. A message whose recipients are all settled stays until outbox_remove. */
int outbox_note(struct mailbox_tx *tx, struct seq id, size_t i, const struct outbox_recipient *now,
                struct err *err_r) WARN_UNUSED;
int outbox_remove(struct mailbox_tx *tx, struct seq id, struct err *err_r) WARN_UNUSED;

/* Names a message for ever: numbers are given again after a mailbox is restored from a backup, the time with them is not. */
struct delivery_origin {
    struct mailbox_no mailbox; /* the sender's */
    struct seq id;             /* in its outbox */
    int64_t queued_ms;
};
/* In the receiving mailbox, in the transaction that stores the message: 1 when it is new here and now noted, 0 when it was delivered before. Notes are kept for
 * DELIVERED_KEEP_MS, longer than any message is tried. */
int delivery_note_once(struct mailbox_tx *tx, const struct delivery_origin *origin,
                       struct err *err_r) WARN_UNUSED;

/* The same for an item that is moved here from another mailbox: what it became. 1 noted, 0 not. A repeated move needs no second item while the noted one is there. */
int delivery_noted_item(struct mailbox_tx *tx, const struct delivery_origin *origin,
                        struct item_id *id_r, struct err *err_r) WARN_UNUSED;
int delivery_note_item(struct mailbox_tx *tx, const struct delivery_origin *origin,
                       struct item_id id, struct err *err_r) WARN_UNUSED;

/* The hint. Setting is durable when it returns, and quick when it is set already. Call both from a job of that mailbox: set before the commit that queues, clear when
 * the outbox is seen empty; so neither comes between the other's looking and doing. */
int store_outbox_hint_set(struct store *store, struct mailbox_no no, struct err *err_r) WARN_UNUSED;
int store_outbox_hint_clear(struct store *store, struct mailbox_no no, struct err *err_r)
    WARN_UNUSED;
int store_outbox_hint_list(struct store *store, struct arena *arena, struct mailbox_no **nos_r,
                           size_t *n_r, struct err *err_r) WARN_UNUSED;

#endif
