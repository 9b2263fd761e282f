/*
 * What changes folders beyond mailbox.h: properties, copies, the bin, emptying, marking. Stamps, events and counts as everywhere (mailbox.h): each item
 * that is touched takes a number of its own, oldest first.
 */
#ifndef MAILBOX_FOLDER_WRITE_H
#define MAILBOX_FOLDER_WRITE_H

#include "base/macros.h"
#include "base/str.h"
#include "mailbox/mailbox.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct mailbox_tx;

/* Fields whose p (or has_) is set are replaced; one seq for all, none when all is so already. props: a property record of extended properties (props.h), kept
 * with the folder and returned in struct folder; STR("") takes them away. ERR_FOLDER_NOT_FOUND, ERR_FOLDER_EXISTS, ERR_NAME_INVALID. */
struct folder_update {
    struct str name;
    struct str folder_class;
    struct str props;
    bool has_hidden, hidden;
};
int mailbox_folder_update(struct mailbox_tx *tx, struct folder_id id,
                          const struct folder_update *update, struct err *err_r) WARN_UNUSED;
/* The folder, all below it and their items (associated ones too), under new ids; bodies shared, permissions not copied. ERR_FOLDER_NOT_FOUND, ERR_TO_FOLDER_NOT_FOUND,
 * ERR_MOVE_COPY_FAILED (into itself, too deep, name clash), ERR_QUOTA. */
int mailbox_folder_copy(struct mailbox_tx *tx, struct folder_id id, struct folder_id to,
                        struct folder_id *id_r, struct err *err_r) WARN_UNUSED;
/* To Deleted Items, with a name made unique there ("Name (1)"); one seq. Where it is already: nothing happens. ERR_FOLDER_NOT_FOUND, ERR_DELETE_DISTINGUISHED. */
int mailbox_folder_trash(struct mailbox_tx *tx, struct folder_id id, struct err *err_r) WARN_UNUSED;
enum empty_how { EMPTY_HARD, EMPTY_TO_RECOVERABLE, EMPTY_TO_DELETED_ITEMS };
/*
 * All normal items (each with its tombstone or move and its event); with_subfolders: the folders below too – to the bin, else deleted, and with
 * EMPTY_TO_RECOVERABLE their items are moved before. What lies in the target already stays. ERR_FOLDER_NOT_FOUND; ERR_DELETE_DISTINGUISHED when with_subfolders
 * would take a distinguished folder away.
 */
int mailbox_folder_empty(struct mailbox_tx *tx, struct folder_id id, enum empty_how how,
                         bool with_subfolders, struct err *err_r) WARN_UNUSED;
/* Sets the read flag of every normal item in the folder that has the other one. ERR_FOLDER_NOT_FOUND. */
int mailbox_folder_mark_all(struct mailbox_tx *tx, struct folder_id id, bool read,
                            struct err *err_r) WARN_UNUSED;

/* Drops what came to the purges before the event log begins, a bounded number at once. */
int mailbox_purge(struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;

/* Bytes of all bodies that items hold (shared ones once), and the most there may be (0: no bound). What would grow beyond it is ERR_QUOTA; so is every copy
 * while there is more. */
uint64_t mailbox_bytes_used(const struct mailbox_tx *tx);
void mailbox_set_quota(struct mailbox *mailbox, uint64_t bytes);

#endif
