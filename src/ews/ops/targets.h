/*
 * What operations on lists of folders or items share: the list, with which their args begin, and the smallest answers. Callers: the files of ops/.
 */
#ifndef EWS_OPS_TARGETS_H
#define EWS_OPS_TARGETS_H

#include "base/err.h"
#include "ews/call.h"
#include "ews/ids.h"
#include "mailbox/mailbox.h"

#include <stddef.h>

struct folder_targets {
    struct folder_ref *v;
    size_t n;
};
struct item_targets {
    struct item_ref *v;
    size_t n;
};

/* For struct batch, where args begin with the list. */
size_t folder_targets_count(const void *args);
struct mailbox_no folder_targets_mailbox(struct ews_call *call, const void *args, size_t i);
size_t item_targets_count(const void *args);
struct mailbox_no item_targets_mailbox(struct ews_call *call, const void *args, size_t i);

enum delete_type { DELETE_HARD, DELETE_SOFT, DELETE_TO_BIN };
/* The attribute DeleteType, which must be there. */
int delete_type_parse(const struct xml_node *request, enum delete_type *type_r, struct err *err_r)
    WARN_UNUSED;

/* A distinguished folder of the mailbox that was asked for last, kept by those who need it for every item. */
struct known_folder {
    struct mailbox_no mailbox;
    struct folder_id id;
};
int known_folder_find(struct ews_call *call, struct mailbox_tx *tx, enum distinguished which,
                      struct known_folder *known, struct folder_id *id_r, struct err *err_r)
    WARN_UNUSED;

/* A Success message with nothing in it; with the ids of a folder; with an item's, or none of them. */
void answer_done(struct ews_call *call);
int answer_folder(struct ews_call *call, struct mailbox_tx *tx, struct folder_id id,
                  struct err *err_r) WARN_UNUSED;
void answer_item(struct ews_call *call, enum item_kind kind, struct item_id id);
void answer_no_item(struct ews_call *call);

#endif
