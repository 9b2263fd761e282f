/*
 * The reference model of a mailbox: arrays, scans of all of them, nothing clever. The real mailbox is compared with it.
 *
 * It numbers changes by itself and so predicts every id and stamp. Operations take what the real ones take and return 0 or -(enum err_kind);
 * a failing one changes nothing.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "mailbox/mailbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_MAX_ITEMS 4096
#define MODEL_MAX_FOLDERS 512
#define MODEL_NAME_BYTES 40

struct model_item {
    uint64_t id, folder;
    uint64_t change_seq, read_seq; /* 0: none */
    uint64_t delete_seq;           /* 0: present */
    uint32_t content;              /* stands for all properties */
    int64_t body;                  /* stands for the message's bytes; -1: none */
    int kind;
    bool associated, read;
};

struct model_folder {
    uint64_t id, parent, change_seq;
    bool gone, distinguished, hidden;
    char name[MODEL_NAME_BYTES];
};

/* Gone objects stay in the arrays. */
struct model {
    uint64_t seq;
    uint64_t bin, recoverable; /* the folders that deleted things go to */
    size_t items_n, folders_n;
    struct model_folder folders[MODEL_MAX_FOLDERS];
    struct model_item items[MODEL_MAX_ITEMS];
};

void model_copy(struct model *to, const struct model *from);

/* Present ones only; NULL when there is none. */
const struct model_folder *model_folder(const struct model *m, uint64_t id);
const struct model_item *model_item(const struct model *m, uint64_t id);
/* Present or gone. */
const struct model_item *model_item_ever(const struct model *m, uint64_t id);
bool model_is_below(const struct model *m, uint64_t id, uint64_t ancestor);
uint64_t model_item_version(const struct model_item *item);

struct model_counts {
    uint32_t total, unread, children;
};
struct model_counts model_counts(const struct model *m, uint64_t folder);

/* Takes over a folder of the real mailbox: how a history starts. */
void model_adopt_folder(struct model *m, const struct folder *folder);

/* draft: folder, content, body, kind, associated, read. */
int model_item_add(struct model *m, const struct model_item *draft, uint64_t *id_r);
/* body -1 keeps it. */
int model_item_update(struct model *m, uint64_t id, uint32_t content, int64_t body);
int model_item_set_read(struct model *m, uint64_t id, bool read);
int model_item_delete(struct model *m, uint64_t id);
int model_item_move(struct model *m, uint64_t id, uint64_t to, uint64_t *id_r);
int model_item_copy(struct model *m, uint64_t id, uint64_t to, uint64_t *id_r);

int model_folder_create(struct model *m, uint64_t parent, const char *name, bool hidden,
                        uint64_t *id_r);
int model_folder_update(struct model *m, uint64_t id, const char *name, bool hidden);
int model_folder_move(struct model *m, uint64_t id, uint64_t to);
int model_folder_delete(struct model *m, uint64_t id);
int model_folder_copy(struct model *m, uint64_t id, uint64_t to, uint64_t *id_r);
int model_folder_trash(struct model *m, uint64_t id);
/* to: the folder that the items go to; 0: nowhere. */
int model_folder_empty(struct model *m, uint64_t id, uint64_t to, bool with_subfolders);
int model_folder_mark_all(struct model *m, uint64_t id, bool read);

#endif
