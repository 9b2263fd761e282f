/*
 * Naming attachments: ids in requests and answers, and the numbers that they are made of. A number
 * stays an attachment's own while others come and go, and is never given again within its item;
 * positions in the message shift. Within attached messages, which nobody edits, a number is a
 * position. Callers: the operations on attachments, the property table's writer, item_edit.
 */
#ifndef EWS_ATTACHMENTS_H
#define EWS_ATTACHMENTS_H

#include "base/err.h"
#include "base/str.h"
#include "mailbox/mailbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct ews_call;
struct token_attachment;
struct xml_node;

/* m:AttachmentIds: at least one t:AttachmentId, its Id unread; other attributes are passed over.
 * ERR_SCHEMA. */
int attachment_ids_parse(struct ews_call *call, const struct xml_node *node, struct str **ids_r,
                         size_t *n_r, struct err *err_r) WARN_UNUSED;
/* The stored item at the root of an id: in call->mailbox, and the caller may read it.
 * ERR_ITEM_NOT_FOUND, ERR_ACCESS_DENIED. */
int attachment_root_get(struct ews_call *call, struct mailbox_tx *tx,
                        const struct token_attachment *token, struct arena *arena,
                        struct item *item_r, struct err *err_r) WARN_UNUSED;
/* The attributes RootItemId and RootItemChangeKey, with a space before each. */
void attachment_write_root(struct ews_call *call, struct item_id item, struct seq version);

/* ---- numbers; list is IPROP_ATTACHMENT_NUMBERS as it stands in a record, absent included ---- */

/* Of the attachment at a position; UINT64_MAX when there can be none. */
uint64_t attachment_number(struct str list, size_t position);
/* False: no attachment has it. A position that is told may lie beyond the message's last. */
bool attachment_position(struct str list, uint64_t number, size_t *position_r);

/* Of `n` attachments, taken apart. */
struct attachment_numbers {
    uint64_t *v;
    size_t n;
    uint64_t next;
};
/* v has room for one more. */
void attachment_numbers_open(struct str list, size_t n, struct arena *arena,
                             struct attachment_numbers *numbers_r);
struct str attachment_numbers_list(const struct attachment_numbers *numbers, struct arena *arena);
/* The list after all of n attachments were replaced by others. */
struct str attachment_numbers_replaced(struct str list, size_t n, struct arena *arena);

#endif
