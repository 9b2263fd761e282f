/*
 * A deed: one change of a mailbox in a history with subscribers. What it means to them is stated here, notice by notice, from what was there before; the mailbox's numbers are counted along, and
 * compared with its own after every deed.
 */
#ifndef MODEL_SUBSCRIBER_DEED_H
#define MODEL_SUBSCRIBER_DEED_H

#include "subscriber_history.h"

struct deed {
    struct history *h;
    struct box *box;
    struct mailbox_tx *tx;
    struct arena *arena;
    struct err *err;
    int64_t at_ms;
};

/* ---- statements: each takes the next numbers ---- */

void say(struct deed *d, enum notice_type type, bool folder, uint64_t object, uint64_t parent);
void say_from(struct deed *d, enum notice_type type, bool folder, uint64_t object, uint64_t parent,
              uint64_t old, uint64_t old_parent);
void say_changed(struct deed *d, uint64_t folder);
void say_busy(struct deed *d, const struct item *item, uint64_t id, uint64_t folder);
void say_contents(struct deed *d, const struct item *item, bool many, uint64_t folder);
void state_deleted(struct deed *d, const struct item *item, bool many);
void state_moved(struct deed *d, const struct item *item, uint64_t to, bool discarded, bool many);
void state_copied(struct deed *d, const struct item *item, uint64_t to, bool many);
void state_flagged(struct deed *d, const struct item *item, bool many);
void state_contents(struct deed *d, uint64_t folder);
void state_folder(struct deed *d, enum notice_type type, uint64_t id, uint64_t parent);
void state_folder_moved(struct deed *d, const struct folder *f, uint64_t to);
uint64_t state_folder_copied(struct deed *d, const struct folder *f, uint64_t to);
void state_folder_deleted(struct deed *d, const struct folder *f, const struct folder *under,
                          size_t n);

/* ---- what is there before; 0 or negative ---- */

struct items {
    struct item *v;
    size_t n;
};

int item_before(struct deed *d, uint64_t id, struct item *item_r);
int folder_before(struct deed *d, uint64_t id, struct folder *folder_r);
int items_before(struct deed *d, uint64_t folder, bool associated, struct items *items_r);
int folders_below(struct deed *d, uint64_t id, struct folder **folders_r, size_t *n_r);

/* subscriber_actions_many.c */
int do_mark_all(struct deed *d);
int do_empty(struct deed *d);
int do_folder_copy(struct deed *d);

#endif
