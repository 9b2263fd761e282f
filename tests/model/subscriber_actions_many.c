/* Deeds that change many things at once: each item is told, its folders once at the end. */
#include "subscriber_deed.h"

#include "mailbox/folder_write.h"

#define MANY_WANTS 3000 /* no more copies of copies then */

int do_mark_all(struct deed *d)
{
    uint64_t folder = pick_folder(d->h, d->box), before = d->box->seq;
    bool read = one_in(d->h, 2);
    struct items items;

    TRY(items_before(d, folder, false, &items));
    TRY(mailbox_folder_mark_all(d->tx, (struct folder_id){folder}, read, d->err));
    for (size_t i = 0; i < items.n; i++) {
        if (read != ((items.v[i].flags & ITEM_READ) != 0)) {
            state_flagged(d, &items.v[i], true);
        }
    }
    if (d->box->seq != before) {
        state_contents(d, folder);
    }
    return 0;
}

static void state_emptied(struct deed *d, uint64_t folder, const struct items *items, uint64_t to)
{
    for (size_t i = 0; i < items->n; i++) {
        struct item item = items->v[i];

        item.folder.v = folder;
        if (to != 0) {
            state_moved(d, &item, to, true, true);
        } else {
            state_deleted(d, &item, true);
        }
    }
    if (items->n != 0) {
        state_contents(d, folder);
    }
    if (items->n != 0 && to != 0) {
        state_contents(d, to);
    }
}

/* Of a folder that lies right below: it goes with all that is in it, or to the bin. */
static int state_removed(struct deed *d, const struct folder *f, enum empty_how how,
                         const struct folder *all, size_t n)
{
    struct folder *under = ARENA_ARRAY(d->arena, struct folder, n);
    struct folder_id ids[1] = {f->id};
    size_t m = 0;

    if (how == EMPTY_TO_DELETED_ITEMS) {
        if (f->parent.v != d->box->bin) {
            state_folder_moved(d, f, d->box->bin);
        }
        return 0;
    }
    /* Level by level: a folder whose parent is f, or one that was found already. */
    for (size_t i = 0; i < n; i++) {
        bool in = all[i].parent.v == ids[0].v;

        for (size_t k = 0; k < m && !in; k++) {
            in = all[i].parent.v == under[k].id.v;
        }
        if (in) {
            under[m++] = all[i];
        }
    }
    state_folder_deleted(d, f, under, m);
    return 0;
}

int do_empty(struct deed *d)
{
    const uint64_t targets[] = {[EMPTY_HARD] = 0,
                                [EMPTY_TO_RECOVERABLE] = d->box->recoverable,
                                [EMPTY_TO_DELETED_ITEMS] = d->box->bin};
    uint64_t folder = pick_folder(d->h, d->box);
    enum empty_how how = (enum empty_how)pick(d->h, ARRAY_LEN(targets));
    bool deep = one_in(d->h, 2);
    uint64_t to = targets[how];
    struct items own, *theirs;
    struct folder *under;
    size_t n;

    TRY(items_before(d, folder, false, &own));
    TRY(folders_below(d, folder, &under, &n));
    theirs = ARENA_ARRAY(d->arena, struct items, n);
    for (size_t i = 0; i < n; i++) {
        TRY(items_before(d, under[i].id.v, false, &theirs[i]));
    }
    TRY(mailbox_folder_empty(d->tx, (struct folder_id){folder}, how, deep, d->err));
    for (size_t i = 0; deep && how == EMPTY_TO_RECOVERABLE && i < n; i++) {
        if (under[i].id.v != to) {
            state_emptied(d, under[i].id.v, &theirs[i], to);
        }
    }
    for (size_t i = 0; deep && i < n && under[i].parent.v == folder; i++) {
        TRY(state_removed(d, &under[i], how, under, n));
    }
    if (folder != to) {
        state_emptied(d, folder, &own, to);
    }
    return 0;
}

static int state_copy_of(struct deed *d, const struct folder *f, const struct items of[2],
                         uint64_t to, uint64_t *id_r)
{
    *id_r = state_folder_copied(d, f, to);
    for (unsigned associated = 0; associated < 2; associated++) {
        for (size_t i = 0; i < of[associated].n; i++) {
            struct item item = of[associated].v[i];

            item.folder = f->id;
            state_copied(d, &item, *id_r, true);
        }
        if (associated == 0 && of[0].n != 0) {
            state_contents(d, *id_r);
        }
    }
    return 0;
}

int do_folder_copy(struct deed *d)
{
    uint64_t to = pick_folder(d->h, d->box), *copies;
    struct folder f, *under;
    struct items(*all)[2];
    struct folder_id id;
    size_t n;

    if (d->box->n > MANY_WANTS) {
        return 0;
    }
    TRY(folder_before(d, pick_folder(d->h, d->box), &f));
    TRY(folders_below(d, f.id.v, &under, &n));
    all = arena_alloc(d->arena, (n + 1) * sizeof(*all));
    copies = ARENA_ARRAY(d->arena, uint64_t, n + 1);
    for (size_t i = 0; i <= n; i++) {
        for (unsigned associated = 0; associated < 2; associated++) {
            TRY(items_before(d, i == 0 ? f.id.v : under[i - 1].id.v, associated != 0,
                             &all[i][associated]));
        }
    }
    TRY(mailbox_folder_copy(d->tx, f.id, (struct folder_id){to}, &id, d->err));
    TRY(state_copy_of(d, &f, all[0], to, &copies[0]));
    for (size_t i = 0; i < n; i++) {
        uint64_t parent = copies[0];

        for (size_t k = 0; k < i; k++) {
            parent = under[k].id.v == under[i].parent.v ? copies[k + 1] : parent;
        }
        TRY(state_copy_of(d, &under[i], all[i + 1], parent, &copies[i + 1]));
    }
    return 0;
}
