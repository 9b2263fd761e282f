/*
 * Who else may do what in a folder. The owner may do everything; others what the folder's rows say: one for everybody who has a mailbox here ("Default"), one a user. A row is a set of
 * rights; the protocol's named levels are sets too.
 */
#ifndef MAILBOX_PERMISSIONS_H
#define MAILBOX_PERMISSIONS_H

#include "base/macros.h"
#include "mailbox/ids.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct mailbox_tx;

enum folder_rights {
    RIGHT_READ_ITEMS = 1 << 0,
    RIGHT_CREATE_ITEMS = 1 << 1,
    RIGHT_CREATE_SUBFOLDERS = 1 << 2,
    RIGHT_EDIT_OWN = 1 << 3,
    RIGHT_EDIT_ALL = 1 << 4,
    RIGHT_DELETE_OWN = 1 << 5,
    RIGHT_DELETE_ALL = 1 << 6,
    RIGHT_FOLDER_OWNER = 1 << 7,
    RIGHT_FOLDER_CONTACT = 1 << 8,
    RIGHT_FOLDER_VISIBLE = 1 << 9,
    RIGHT_FREE_BUSY_TIME = 1 << 10, /* calendar folders */
    RIGHT_FREE_BUSY_DETAILS = 1 << 11
};
#define RIGHTS_ALL 0xfffu

/* Members besides mailboxes of the store. */
#define MEMBER_DEFAULT ((struct mailbox_no){0})
#define MEMBER_ANONYMOUS ((struct mailbox_no){UINT64_MAX})

struct permission {
    struct mailbox_no member;
    uint32_t rights;
};
/* Rows of the folder: Default and Anonymous first (given as rights 0 when there is no row). */
int permissions_list(struct mailbox_tx *tx, struct folder_id folder, struct arena *arena,
                     struct permission **permissions_r, size_t *n_r, struct err *err_r) WARN_UNUSED;
/* Replaces all rows; the folder's change_seq moves. ERR_FOLDER_NOT_FOUND. */
int permissions_replace(struct mailbox_tx *tx, struct folder_id folder,
                        const struct permission *permissions, size_t n, struct err *err_r)
    WARN_UNUSED;
/* What who may do there: RIGHTS_ALL for the owner; a row of his own, else Default's. 0 too when the folder is gone. */
int permissions_of(struct mailbox_tx *tx, struct folder_id folder, struct mailbox_no who,
                   uint32_t *rights_r, struct err *err_r) WARN_UNUSED;
/* What who might do there when seq was the mailbox's last change; the folder must have been there and be there still. */
int permissions_then(struct mailbox_tx *tx, struct folder_id folder, struct mailbox_no who,
                     struct seq since, uint32_t *rights_r, struct err *err_r) WARN_UNUSED;

#endif
