/* Ids in requests and answers: FolderId, DistinguishedFolderId, ItemId to and from the mailbox's
 * ids. */
#ifndef EWS_IDS_H
#define EWS_IDS_H

#include "base/buf.h"
#include "base/err.h"
#include "mailbox/mailbox.h"

#include <stdbool.h>

struct ews_call;
struct item_occurrence;
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
/* The mailbox it lies in, for batch.h: the caller's, or another one that exists. What names none says the caller's;
 * resolving it there tells why. */
struct mailbox_no folder_ref_mailbox(struct ews_call *call, const struct folder_ref *ref);

/* What a folder is wanted for: decides how "not there" is told. */
enum folder_role {
    FOLDER_ASKED_FOR, /* ERR_FOLDER_NOT_FOUND; by an id that was valid once, ERR_ITEM_NOT_FOUND */
    FOLDER_TO_SYNC,   /* ERR_SYNC_FOLDER_NOT_FOUND */
    FOLDER_AS_PARENT, /* ERR_PARENT_FOLDER_NOT_FOUND */
    FOLDER_AS_TARGET  /* ERR_TO_FOLDER_NOT_FOUND */
};
/* Finds it in call->mailbox: ERR_ID_EMPTY, ERR_ID_MALFORMED, ERR_ID_IS_ITEM, ERR_CHANGE_KEY, ERR_NO_SUCH_MAILBOX, and
 * the role's kind for a folder that is unknown, gone, in another mailbox or there and not visible to the caller. */
int folder_ref_resolve(struct ews_call *call, struct mailbox_tx *tx, const struct folder_ref *ref,
                       enum folder_role role, struct folder *folder_r, struct err *err_r)
    WARN_UNUSED;

/* An item; the schema's forms that name it as an occurrence or as an occurrence's master too. */
enum item_ref_form {
    ITEM_BY_ID,    /* ItemId: an item's, or an occurrence's */
    ITEM_BY_INDEX, /* OccurrenceItemId: a master's */
    ITEM_MASTER_OF /* RecurringMasterItemId: an occurrence's */
};
struct item_ref {
    struct str id, change_key;
    enum item_ref_form form;
    int64_t index; /* BY_INDEX */
};
int item_ref_parse(struct ews_call *call, const struct xml_node *node, struct item_ref *ref_r,
                   struct err *err_r) WARN_UNUSED;
/* Children of m:FolderIds and the like, and of m:ItemIds: at least one; anything else is ERR_SCHEMA. */
int folder_ref_parse_list(struct ews_call *call, const struct xml_node *node,
                          struct folder_ref **refs_r, size_t *n_r, struct err *err_r) WARN_UNUSED;
int item_ref_parse_list(struct ews_call *call, const struct xml_node *node,
                        struct item_ref **refs_r, size_t *n_r, struct err *err_r) WARN_UNUSED;
/* As folder_ref_mailbox. */
struct mailbox_no item_ref_mailbox(struct ews_call *call, const struct item_ref *ref);
struct mailbox_no attachment_id_mailbox(struct ews_call *call, struct str id);
/* In call->mailbox, and the caller may read it: ERR_ID_*, ERR_CHANGE_KEY, ERR_ITEM_NOT_FOUND, ERR_ACCESS_DENIED. */
int item_ref_resolve(struct ews_call *call, struct mailbox_tx *tx, const struct item_ref *ref,
                     struct arena *arena, struct item *item_r, struct err *err_r) WARN_UNUSED;
/* The same for operations that know occurrences; the one above refuses them: ERR_OCCURRENCE_MOVE. *occurrence_r NULL: a
 * stored item. Else *item_r is what the occurrence is shown as, with its master's id (calendar.h), and item_view's
 * occurrence is to be set. Also what calendar_occurrence_by_index and _by_start may say, and ERR_OCCURRENCE_NOT_ONE. */
int item_ref_resolve_occurrence(struct ews_call *call, struct mailbox_tx *tx,
                                const struct item_ref *ref, struct arena *arena,
                                struct item *item_r, struct item_occurrence **occurrence_r,
                                struct err *err_r) WARN_UNUSED;

/* All of these name what lies in call->mailbox. */
/* <t:ItemId Id="…" ChangeKey="…"/>; version 0 writes the stub key. Hot: no allocation. */
void write_item_id(struct buf *out, const struct ews_call *call, struct item_id id,
                   struct seq version);
/* The same under another name, such as "m:MovedItemId". */
void write_item_id_as(struct buf *out, const struct ews_call *call, struct str element,
                      struct item_id id, struct seq version);
/* Of an occurrence, by its original start; version: its master's. */
void write_occurrence_id(struct buf *out, const struct ews_call *call, struct item_id master,
                         int64_t original_start_ms, struct seq version);
/* element: "t:FolderId" or "t:ParentFolderId". */
void write_folder_id(struct buf *out, const struct ews_call *call, struct str element,
                     struct folder_id id, struct seq version);

#endif
