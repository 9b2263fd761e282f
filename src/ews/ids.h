/* Ids in requests and answers: FolderId, DistinguishedFolderId, ItemId to and from the mailbox's
 * ids. */
#ifndef EWS_IDS_H
#define EWS_IDS_H

#include "base/buf.h"
#include "base/err.h"
#include "mailbox/mailbox.h"

#include <stdbool.h>

struct ews_call;
struct xml_node;

/* A folder as a request names it, syntactically checked. */
struct folder_ref {
    struct str id; /* FolderId/@Id; p NULL if distinguished */
    struct str change_key;
    enum distinguished distinguished;
    struct str wire_name; /* distinguished name; DF_NONE for one whose folder no mailbox has */
    struct str mailbox;   /* t:Mailbox/t:EmailAddress inside it, p NULL if none */
    bool address_list;    /* AddressListId: lawful, but resolves to ERR_OPERATION_ITEM */
};
/* From a t:FolderId / t:DistinguishedFolderId element (not their wrapper). Unknown distinguished
 * names and missing attributes are ERR_SCHEMA. */
int folder_ref_parse(struct ews_call *call, const struct xml_node *node, struct folder_ref *ref_r,
                     struct err *err_r) WARN_UNUSED;
/* From a wrapper (SyncFolderId, ParentFolderId …) holding exactly one of them. */
int folder_ref_parse_target(struct ews_call *call, const struct xml_node *wrapper,
                            struct folder_ref *ref_r, struct err *err_r) WARN_UNUSED;
/* Finds it: ERR_ID_EMPTY, ERR_ID_MALFORMED, ERR_ID_IS_ITEM, ERR_CHANGE_KEY, ERR_NO_SUCH_MAILBOX,
 * ERR_FOLDER_NOT_FOUND (unknown, gone, lacking or in a mailbox that the caller may not see; an
 * id that once was valid but is gone is ERR_ITEM_NOT_FOUND as Exchange answers, unless for_sync,
 * which makes all of these ERR_SYNC_FOLDER_NOT_FOUND). */
int folder_ref_resolve(struct ews_call *call, struct mailbox_tx *tx, const struct folder_ref *ref,
                       bool for_sync, struct folder *folder_r, struct err *err_r) WARN_UNUSED;

struct item_ref {
    struct str id, change_key;
};
int item_ref_parse(struct ews_call *call, const struct xml_node *node, struct item_ref *ref_r,
                   struct err *err_r) WARN_UNUSED;
/* ERR_ID_*, ERR_CHANGE_KEY, ERR_ITEM_NOT_FOUND. */
int item_ref_resolve(struct ews_call *call, struct mailbox_tx *tx, const struct item_ref *ref,
                     struct arena *arena, struct item *item_r, struct err *err_r) WARN_UNUSED;

/* <t:ItemId Id="…" ChangeKey="…"/>; version 0 writes the stub key. Hot: no allocation. */
void write_item_id(struct buf *out, const struct ews_call *call, struct item_id id,
                   struct seq version);
/* element: "t:FolderId" or "t:ParentFolderId". */
void write_folder_id(struct buf *out, const struct ews_call *call, struct str element,
                     struct folder_id id, struct seq version);

#endif
