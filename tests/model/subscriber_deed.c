/* What each deed means to subscribers, and what is looked at before it. */
#include "subscriber_deed.h"

/* ---- the statements ---- */

void say(struct deed *d, enum notice_type type, bool folder, uint64_t object, uint64_t parent)
{
    const struct want w = {
        .type = type, .folder = folder, .object = object, .parent = parent, .at_ms = d->at_ms};

    box_say(d->box, &w);
}

void say_from(struct deed *d, enum notice_type type, bool folder, uint64_t object, uint64_t parent,
              uint64_t old, uint64_t old_parent)
{
    const struct want w = {.type = type,
                           .folder = folder,
                           .object = object,
                           .parent = parent,
                           .old_object = old,
                           .old_parent = old_parent,
                           .at_ms = d->at_ms};

    box_say(d->box, &w);
}

void say_changed(struct deed *d, uint64_t folder)
{
    say(d, NOTICE_MODIFIED, true, folder, 0);
}

static bool is_associated(const struct item *item)
{
    return (item->flags & ITEM_ASSOCIATED) != 0;
}

void say_busy(struct deed *d, const struct item *item, uint64_t id, uint64_t folder)
{
    if (item->kind == ITEM_KIND_CALENDAR_ITEM) {
        say(d, NOTICE_FREE_BUSY, false, id, folder);
    }
}

/* The folder's contents changed by it, unless it is an associated item, or one of many. */
void say_contents(struct deed *d, const struct item *item, bool many, uint64_t folder)
{
    if (!is_associated(item) && !many) {
        say_changed(d, folder);
    }
}

void state_deleted(struct deed *d, const struct item *item, bool many)
{
    box_event(d->box, d->box->seq + 1);
    say(d, NOTICE_DELETED, false, item->id.v, item->folder.v);
    say_busy(d, item, item->id.v, item->folder.v);
    say_contents(d, item, many, item->folder.v);
}

/* It leaves with one number and comes with the next, which is its id. */
void state_moved(struct deed *d, const struct item *item, uint64_t to, bool discarded, bool many)
{
    uint64_t id = d->box->seq + 2;

    box_event(d->box, id);
    if (!discarded) {
        say(d, NOTICE_MODIFIED, false, item->id.v, item->folder.v);
    }
    say_from(d, NOTICE_MOVED, false, id, to, item->id.v, item->folder.v);
    say_busy(d, item, id, to);
    say_contents(d, item, many, item->folder.v);
    if (to != item->folder.v) {
        say_contents(d, item, many, to);
    }
}

void state_copied(struct deed *d, const struct item *item, uint64_t to, bool many)
{
    uint64_t id = d->box->seq + 1;

    box_event(d->box, id);
    say_from(d, NOTICE_COPIED, false, id, to, item->id.v, item->folder.v);
    say(d, NOTICE_CREATED, false, id, to);
    say_busy(d, item, id, to);
    say_contents(d, item, many, to);
}

void state_flagged(struct deed *d, const struct item *item, bool many)
{
    box_event(d->box, d->box->seq + 1);
    say(d, NOTICE_MODIFIED, false, item->id.v, item->folder.v);
    say_contents(d, item, many, item->folder.v);
}

static uint64_t parent_now(const struct box *box, uint64_t folder)
{
    uint64_t parent = 0;

    for (size_t i = 0; i < box->place_n; i++) {
        parent = box->places[i].folder == folder ? box->places[i].parent : parent;
    }
    return parent;
}

void state_contents(struct deed *d, uint64_t folder)
{
    box_event(d->box, d->box->seq + 1);
    say(d, NOTICE_MODIFIED, true, folder, parent_now(d->box, folder));
}

void state_folder(struct deed *d, enum notice_type type, uint64_t id, uint64_t parent)
{
    box_event(d->box, d->box->seq + 1);
    say(d, type, true, id, parent);
    say_changed(d, parent);
}

void state_folder_moved(struct deed *d, const struct folder *f, uint64_t to)
{
    box_event(d->box, d->box->seq + 1);
    say_from(d, NOTICE_MOVED, true, f->id.v, to, f->id.v, f->parent.v);
    say_changed(d, f->parent.v);
    say_changed(d, to);
    box_place(d->box, f->id.v, to);
}

uint64_t state_folder_copied(struct deed *d, const struct folder *f, uint64_t to)
{
    uint64_t id = d->box->seq + 1;

    box_event(d->box, id);
    box_place(d->box, id, to);
    say_from(d, NOTICE_COPIED, true, id, to, f->id.v, f->parent.v);
    say(d, NOTICE_CREATED, true, id, to);
    say_changed(d, to);
    return id;
}

/* ---- what is there before ---- */

int item_before(struct deed *d, uint64_t id, struct item *item_r)
{
    int rc = mailbox_item_get(d->tx, (struct item_id){id}, d->arena, item_r, d->err);

    return rc == 0 ? -ERR_ITEM_NOT_FOUND : rc;
}

int folder_before(struct deed *d, uint64_t id, struct folder *folder_r)
{
    int rc = mailbox_folder_get(d->tx, (struct folder_id){id}, d->arena, folder_r, d->err);

    return rc == 0 ? -ERR_FOLDER_NOT_FOUND : rc;
}

int items_before(struct deed *d, uint64_t folder, bool associated, struct items *items_r)
{
    const struct item_iter_options options = {.folder = {folder},
                                              .order = ITEM_ORDER_OLDEST_FIRST,
                                              .associated = associated,
                                              .with_props = true};
    struct item_iter *iter;
    size_t room = 0;

    *items_r = (struct items){NULL, 0};
    TRY(mailbox_item_iter_begin(d->tx, &options, &iter, d->err));
    for (struct item item; mailbox_item_iter_next(iter, &item); items_r->n++) {
        if (items_r->n == room) {
            items_r->v = arena_grow(d->arena, items_r->v, room * sizeof(item),
                                    (room * 2 + 8) * sizeof(item));
            room = room * 2 + 8;
        }
        items_r->v[items_r->n] = item;
    }
    return mailbox_item_iter_end(&iter, d->err);
}

int folders_below(struct deed *d, uint64_t id, struct folder **folders_r, size_t *n_r)
{
    return mailbox_folder_list(d->tx, (struct folder_id){id}, true, d->arena, folders_r, n_r,
                               d->err);
}

void state_folder_deleted(struct deed *d, const struct folder *f, const struct folder *under,
                          size_t n)
{
    state_folder(d, NOTICE_DELETED, f->id.v, f->parent.v);
    for (size_t i = 0; i < n; i++) {
        state_folder(d, NOTICE_DELETED, under[i].id.v, under[i].parent.v);
    }
}
