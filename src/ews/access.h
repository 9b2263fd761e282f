/*
 * What the caller may do: everything in the own mailbox, in others what the folder's permissions say. Operations ask here and nowhere else.
 *
 * All of these speak of call->mailbox, the mailbox that tx belongs to.
 */
#ifndef EWS_ACCESS_H
#define EWS_ACCESS_H

#include "base/err.h"
#include "mailbox/mailbox.h"
#include "mailbox/permissions.h"

#include <stdbool.h>

struct ews_call;

/* True in the caller's own mailbox. */
bool access_is_owner(const struct ews_call *call);
/* The caller's rights in a folder. */
int access_rights(struct ews_call *call, struct mailbox_tx *tx, struct folder_id folder,
                  uint32_t *rights_r, struct err *err_r) WARN_UNUSED;
/* 0 when all of `needed` are there; else ERR_ACCESS_DENIED, or – when not even visible – the kind that hides it: ERR_FOLDER_NOT_FOUND. */
int access_require(struct ews_call *call, struct mailbox_tx *tx, struct folder_id folder,
                   uint32_t needed, struct err *err_r) WARN_UNUSED;
/* To see an item: the right to read where it lies. ERR_ACCESS_DENIED, ERR_ITEM_NOT_FOUND. */
int access_require_reading(struct ews_call *call, struct mailbox_tx *tx, const struct item *item,
                           struct err *err_r) WARN_UNUSED;
/* To change or remove an item: the ALL right, or the OWN right and the caller made it (IPROP_CREATOR). */
int access_require_item(struct ews_call *call, struct mailbox_tx *tx, const struct item *item,
                        uint32_t own, uint32_t all, struct err *err_r) WARN_UNUSED;
/* The same as a question, of somebody with these rights where the item lies. */
bool access_holds(const struct ews_call *call, const struct item *item, uint32_t rights,
                  uint32_t own, uint32_t all);
/* After permissions were written in this call. */
void access_forget(struct ews_call *call);

#endif
