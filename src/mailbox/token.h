/*
 * The one codec behind ItemId, FolderId, ChangeKey, SyncState, AttachmentId, SubscriptionId, Watermark:
 * base64(version|kind, store epoch, fields as varints, keyed checksum). Opaque to clients, of bounded size (at most TOKEN_TEXT_MAX characters), one
 * text for one value, forgeable by nobody who lacks the store's key, valid for ever (see docs/design/tokens.md).
 */
#ifndef MAILBOX_TOKEN_H
#define MAILBOX_TOKEN_H

#include "base/buf.h"
#include "base/str.h"
#include "mailbox/ids.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

#define TOKEN_TEXT_MAX 64
#define TOKEN_KEY_BYTES 16

/* The store's secret; constant for the life of the store. */
struct token_key {
    unsigned char key[TOKEN_KEY_BYTES];
    uint32_t epoch; /* random at the store's creation */
};

enum token_kind {
    TOKEN_ITEM = 1,
    TOKEN_FOLDER,
    TOKEN_CHANGE_KEY,
    TOKEN_SYNC_HIERARCHY,
    TOKEN_SYNC_ITEMS,
    TOKEN_ATTACHMENT,
    TOKEN_OCCURRENCE,
    TOKEN_SUBSCRIPTION,
    TOKEN_WATERMARK
};

struct token_item {
    struct mailbox_no mailbox;
    struct item_id item;
};
struct token_folder {
    struct mailbox_no mailbox;
    struct folder_id folder;
};
/* version is the content seq (never 0 for a real object; 0 is the stub written in Delete and ReadFlagChange). */
struct token_change_key {
    struct seq version;
};
/* Attachments of attached messages are named by a path: how deep that goes, and how many attachments of one message can be named. */
#define TOKEN_ATTACHMENT_DEPTH 7
#define TOKEN_ATTACHMENT_INDEX_MAX ((1U << 21) - 1)
struct token_attachment {
    struct mailbox_no mailbox;
    struct item_id item;
    unsigned depth; /* 1..TOKEN_ATTACHMENT_DEPTH */
    uint32_t path
        [TOKEN_ATTACHMENT_DEPTH]; /* positions in the lists of attachments, the item's own first; unused ones 0 */
};
/* One occurrence of a recurring item, by when the rule has it start: Unix milliseconds in the terms of the event (mime/recurrence.h). */
struct token_occurrence {
    struct mailbox_no mailbox;
    struct item_id item;
    int64_t original_start_ms;
};
/* A hierarchy sync never pages: everything up to `at` is told. */
struct token_sync_hierarchy {
    struct mailbox_no mailbox;
    struct folder_id anchor; /* 0: request named none */
    struct seq at;
};
/*
 * An item sync: everything up to `base` is told; while paging, the window (base, top] is told for keys >= cursor.
 * I1  base <= top.   I2  paging (cursor != 0) implies base < cursor <= top + 1, or associated_all.
 * associated_all: the window also tells associated items from before base (the scope was widened).
 */
struct token_sync_items {
    struct mailbox_no mailbox;
    struct folder_id folder;
    bool associated; /* scope NormalAndAssociatedItems */
    bool associated_all;
    struct seq base, top, cursor;
};

/* secret: TOKEN_SECRET_BYTES random bytes that the subscription's row knows too. */
#define TOKEN_SECRET_BYTES 16
struct token_subscription {
    struct mailbox_no mailbox;
    struct subscription_id subscription;
    unsigned char secret[TOKEN_SECRET_BYTES];
};
struct token_watermark {
    struct mailbox_no mailbox;
    struct log_position at;
};

void token_item_write(struct buf *out, const struct token_key *key, const struct token_item *t);
void token_folder_write(struct buf *out, const struct token_key *key, const struct token_folder *t);
void token_change_key_write(struct buf *out, const struct token_key *key,
                            const struct token_change_key *t);
void token_occurrence_write(struct buf *out, const struct token_key *key,
                            const struct token_occurrence *t);
void token_attachment_write(struct buf *out, const struct token_key *key,
                            const struct token_attachment *t);
void token_sync_hierarchy_write(struct buf *out, const struct token_key *key,
                                const struct token_sync_hierarchy *t);
void token_sync_items_write(struct buf *out, const struct token_key *key,
                            const struct token_sync_items *t);

void token_subscription_write(struct buf *out, const struct token_key *key,
                              const struct token_subscription *t);
void token_watermark_write(struct buf *out, const struct token_key *key,
                           const struct token_watermark *t);

/* ERR_ID_EMPTY, ERR_ID_MALFORMED; a folder's id where an item's is wanted ERR_ID_IS_FOLDER and the other way ERR_ID_IS_ITEM. */
int token_item_read(const struct token_key *key, struct str text, struct token_item *t_r,
                    struct err *err_r) WARN_UNUSED;
/* ERR_ID_EMPTY, ERR_ID_MALFORMED, ERR_ID_IS_FOLDER; ERR_OCCURRENCE_NOT_ONE for an item's id. */
int token_occurrence_read(const struct token_key *key, struct str text,
                          struct token_occurrence *t_r, struct err *err_r) WARN_UNUSED;
int token_folder_read(const struct token_key *key, struct str text, struct token_folder *t_r,
                      struct err *err_r) WARN_UNUSED;
int token_change_key_read(const struct token_key *key, struct str text,
                          struct token_change_key *t_r, struct err *err_r)
    WARN_UNUSED; /* ERR_CHANGE_KEY */
int token_attachment_read(const struct token_key *key, struct str text,
                          struct token_attachment *t_r, struct err *err_r)
    WARN_UNUSED; /* ERR_ATTACHMENT_ID */
/* ERR_SYNC_STATE for anything but a whole token of that kind whose invariants hold. */
int token_sync_hierarchy_read(const struct token_key *key, struct str text,
                              struct token_sync_hierarchy *t_r, struct err *err_r) WARN_UNUSED;
int token_sync_items_read(const struct token_key *key, struct str text,
                          struct token_sync_items *t_r, struct err *err_r) WARN_UNUSED;
/* ERR_SUBSCRIPTION_NOT_FOUND, ERR_WATERMARK for anything but a whole token of that kind. */
int token_subscription_read(const struct token_key *key, struct str text,
                            struct token_subscription *t_r, struct err *err_r) WARN_UNUSED;
int token_watermark_read(const struct token_key *key, struct str text, struct token_watermark *t_r,
                         struct err *err_r) WARN_UNUSED;
/* Any id of ours, for ConvertId. */
int token_kind_of(const struct token_key *key, struct str text, enum token_kind *kind_r,
                  struct mailbox_no *mailbox_r, struct err *err_r) WARN_UNUSED;

#endif
