/*
 * Subscriptions: durable rows of the mailbox that they watch. A subscription knows what it wants and how far it was told; it queues nothing, since the log keeps
 * everything. Who reads on their behalf: src/notify.
 */
#ifndef MAILBOX_SUBSCRIPTIONS_H
#define MAILBOX_SUBSCRIPTIONS_H

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

/* Number = stored value, for ever. */
enum subscription_kind { SUBSCRIPTION_STREAMING = 1, SUBSCRIPTION_PULL, SUBSCRIPTION_PUSH };
/* "streaming", "pull", "push": for operators. */
const char *subscription_kind_name(enum subscription_kind kind);

#define SUBSCRIPTION_SECRET_BYTES 16

struct subscription {
    struct subscription_id id;                       /* of this mailbox */
    unsigned char secret[SUBSCRIPTION_SECRET_BYTES]; /* in its SubscriptionId */
    struct mailbox_no owner;                         /* who subscribed */
    enum subscription_kind kind;
    uint32_t types;                  /* NOTICE_BIT()s (notify/notice.h) */
    const struct folder_id *folders; /* ascending; of no meaning when folder_n is 0: all folders */
    size_t folder_n;
    struct log_position cursor; /* told up to here; pull: where it began */
    int64_t created_ms;
    int64_t used_ms; /* last sign of its client, at most SUBSCRIPTION_SLACK_MS old */
    int64_t
        life_ms; /* pull: Timeout; streaming: life without a connection; push: StatusFrequency */
    int64_t failing_ms;          /* push: since when the listener does not answer; 0: it does */
    struct str url, caller_data; /* push; else empty */
};

/* All but id, secret, created_ms and used_ms is the caller's. ERR_SUBSCRIPTION_COUNT when the mailbox has max already, expired ones left out (they go). */
int subscription_add(struct mailbox_tx *tx, struct subscription *subscription, unsigned max,
                     struct err *err_r) WARN_UNUSED;
/* 1 found, 0 not: unknown, another secret (constant time), or expired. Folders and texts live in arena. */
int subscription_get(struct mailbox_tx *tx, struct subscription_id id,
                     const unsigned char secret[static SUBSCRIPTION_SECRET_BYTES],
                     struct arena *arena, struct subscription *subscription_r, struct err *err_r)
    WARN_UNUSED;
/* Those of a kind, or of all (0), in order of id; expired ones left out. */
int subscription_list(struct mailbox_tx *tx, enum subscription_kind kind, struct arena *arena,
                      struct subscription **subscriptions_r, size_t *n_r, struct err *err_r)
    WARN_UNUSED;
/* How many there are of each kind; n[kind]. Expired ones count until they go. */
struct subscription_counts {
    uint64_t n[SUBSCRIPTION_PUSH + 1];
};
int subscription_count(struct mailbox_tx *tx, struct subscription_counts *counts_r,
                       struct err *err_r) WARN_UNUSED;
/* 1 it was there, 0 not. */
int subscription_delete(struct mailbox_tx *tx, struct subscription_id id, struct err *err_r)
    WARN_UNUSED;
/* What became of it: cursor and failing_ms are written as given, used_ms becomes now. 1 it is there, 0 not any more. */
int subscription_note(struct mailbox_tx *tx, struct subscription_id id, struct log_position cursor,
                      int64_t failing_ms, struct err *err_r) WARN_UNUSED;
/* Only used_ms becomes now. 1 it is there, 0 not. */
int subscription_touch(struct mailbox_tx *tx, struct subscription_id id, struct err *err_r)
    WARN_UNUSED;
/* Drops the expired ones. */
int subscription_expire(struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;
/* When it dies if nothing happens: its life after its last sign, and the slack with which signs are noted. INT64_MAX for push, which ends by its own rules. */
int64_t subscription_expires_ms(const struct subscription *subscription);
/* Whether a position can be continued from: ERR_WATERMARK when its events are forgotten, or not yet there. */
int log_position_check(const struct mailbox_tx *tx, struct log_position at, struct err *err_r)
    WARN_UNUSED;
/* Behind everything that this transaction sees. */
struct log_position log_position_now(const struct mailbox_tx *tx);

/* The store's directory keeps a hint "this mailbox has push subscriptions", so that a start finds them without opening every mailbox. As the outbox's hint (outbox.h): set before
 * the commit that adds one, cleared by a job of that mailbox that saw none. */
int store_push_hint_set(struct store *store, struct mailbox_no no, struct err *err_r) WARN_UNUSED;
int store_push_hint_clear(struct store *store, struct mailbox_no no, struct err *err_r) WARN_UNUSED;
int store_push_hint_list(struct store *store, struct arena *arena, struct mailbox_no **nos_r,
                         size_t *n_r, struct err *err_r) WARN_UNUSED;

static inline int log_position_cmp(struct log_position a, struct log_position b)
{
    if (a.seq.v != b.seq.v) {
        return a.seq.v < b.seq.v ? -1 : 1;
    }
    return (a.taken > b.taken) - (a.taken < b.taken);
}

#endif
