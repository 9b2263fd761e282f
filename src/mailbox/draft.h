/*
 * From a message's bytes to what is stored beside them: the property record, kind and flags of an item. The one place where mail becomes an item;
 * LMTP, import and (later) CreateItem call it.
 */
#ifndef MAILBOX_DRAFT_H
#define MAILBOX_DRAFT_H

#include "base/str.h"
#include "mailbox/mailbox.h"

struct arena;

struct draft_options {
    int64_t
        received_ms; /* when it came in; 0, for imports: the message's own time (newest Received, else Date, else now_ms) */
    int64_t now_ms;  /* created, modified */
    struct str recipient; /* mailbox's address, for ReceivedBy; may be empty */
    struct str recipient_name;
    bool read;
    bool delivered; /* by mail */
    bool draft;     /* lies in Drafts, unsent */
};
/* Never fails: what cannot be parsed is stored with fewer properties. draft_r points into mime and arena. Several thousand a CPU-second. */
void item_draft_from_mime(struct arena *arena, struct str mime, const struct draft_options *options,
                          struct item_draft *draft_r);

#endif
