/* A client that has folders' items: it syncs a folder when a notification names it, and only then. */
#include "subscriber_history.h"

#include "base/mem.h"

#include <stdlib.h>

#define MAX_PAGES 2000

static struct mirror_folder *find_folder(struct mirror *m, uint64_t id)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->folders[i].id == id) {
            return &m->folders[i];
        }
    }
    return NULL;
}

static struct mirror_folder *add_folder(struct mirror *m, uint64_t id)
{
    if (m->n == m->room) {
        m->room = m->room == 0 ? 32 : m->room * 2;
        m->folders = mem_realloc(m->folders, m->room * sizeof(*m->folders));
    }
    m->folders[m->n] = (struct mirror_folder){.id = id, .dirty = true};
    return &m->folders[m->n++];
}

void mirror_free(struct mirror *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->folders[i].items);
    }
    free(m->folders);
    *m = (struct mirror){0};
}

/* ---- what is to be synced ---- */

static int list_folders(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                        struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct mirror *m = context;
    struct folder *all;
    size_t n;

    (void)h;
    TRY(mailbox_folder_list(tx, (struct folder_id){box->root}, true, tmp, &all, &n, err_r));
    if (find_folder(m, box->root) == NULL) {
        (void)add_folder(m, box->root);
    }
    for (size_t i = 0; i < n; i++) {
        if (find_folder(m, all[i].id.v) == NULL) {
            (void)add_folder(m, all[i].id.v);
        }
    }
    return 0;
}

void mirror_all_dirty(struct history *h, struct mirror *m)
{
    for (size_t i = 0; i < m->n; i++) {
        m->folders[i].dirty = true;
    }
    if (m->whole && server_call(h, m->box, false, list_folders, m) < 0) {
        history_fail(h, "folders: %s", h->err.log_text);
    }
}

void mirror_begin(struct history *h, struct mirror *m, struct box *box, const struct subscriber *s)
{
    if (m->box == NULL) {
        m->box = box;
        m->whole = s == NULL || s->row.folder_n == 0;
        for (size_t i = 0; s != NULL && i < s->row.folder_n; i++) {
            (void)add_folder(m, s->row.folders[i].v);
        }
    }
    mirror_all_dirty(h, m);
}

static void touch(struct mirror *m, uint64_t folder)
{
    struct mirror_folder *f = find_folder(m, folder);

    if (f == NULL && m->whole) {
        f = add_folder(m, folder);
    }
    if (f != NULL) {
        f->dirty = true;
    }
}

/* Item events name the folders to be synced; folders' events say which folders there are. */
void mirror_hear(struct mirror *m, const struct notice *n)
{
    if (!n->folder) {
        touch(m, n->parent);
        if (n->old_parent != 0) {
            touch(m, n->old_parent);
        }
    } else if (n->type == NOTICE_CREATED && find_folder(m, n->object) == NULL) {
        touch(m, n->object);
    } else if (n->type == NOTICE_DELETED && find_folder(m, n->object) != NULL) {
        find_folder(m, n->object)->gone = true;
    }
}

/* ---- syncing ---- */

static size_t find_item(const struct mirror_folder *f, uint64_t id)
{
    size_t i = 0;

    while (i < f->n && f->items[i].id != id) {
        i++;
    }
    return i;
}

static void apply(struct mirror_folder *f, const struct item_change *c)
{
    size_t at = find_item(f, c->item.id.v);

    if (c->kind == CHANGE_DELETE) {
        if (at < f->n) {
            f->items[at] = f->items[--f->n];
        }
        return;
    }
    if (f->n == f->room) {
        f->room = f->room == 0 ? 16 : f->room * 2;
        f->items = mem_realloc(f->items, f->room * sizeof(*f->items));
    }
    f->n += at == f->n;
    f->items[at] = (struct mirror_item){c->item.id.v, item_version(&c->item).v, c->item.flags};
}

struct sync_call {
    struct mirror_folder *folder;
    unsigned max;
    bool up_to_date;
};

static int sync_page(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                     struct err *err_r)
{
    struct sync_call *c = context;
    const struct item_sync_options options = {
        .folder = {c->folder->id}, .associated = true, .max_changes = c->max};
    struct sync_position from = c->folder->at;
    struct item_change change;
    struct item_sync *sync;

    (void)h;
    (void)box;
    TRY(item_sync_begin(tx, &options, &from, &sync, err_r));
    while (item_sync_next(sync, &change)) {
        apply(c->folder, &change);
    }
    return item_sync_end(&sync, &c->folder->at, &c->up_to_date, err_r);
}

static void sync_folder(struct history *h, struct mirror *m, struct mirror_folder *f)
{
    struct sync_call c = {.folder = f, .max = one_in(h, 4) ? 1 + pick(h, 5) : 512};

    for (unsigned pages = 0; !c.up_to_date; pages++) {
        int rc = server_call(h, m->box, false, sync_page, &c);

        if (rc == -ERR_SYNC_FOLDER_NOT_FOUND) {
            f->gone = true;
            return;
        }
        if (rc < 0 || pages > MAX_PAGES) {
            history_fail(h, "sync of folder %llu: %s", LLU(f->id), h->err.log_text);
            return;
        }
    }
    f->dirty = false;
    h->synced++;
}

void mirror_sync(struct history *h, struct mirror *m)
{
    for (size_t i = 0; i < m->n && !history_failed(h); i++) {
        if (m->folders[i].dirty && !m->folders[i].gone) {
            sync_folder(h, m, &m->folders[i]);
        }
    }
}

/* ---- comparing ---- */

struct compare_call {
    struct mirror *mirror;
    const char *who;
};

static int compare_scope(struct history *h, struct mailbox_tx *tx, const struct mirror_folder *f,
                         bool associated, const char *who, size_t *n_r, struct err *err_r)
{
    const struct item_iter_options options = {.folder = {f->id},
                                              .order = ITEM_ORDER_NEWEST_FIRST,
                                              .associated = associated,
                                              .with_props = true};
    struct item_iter *iter;
    struct item item;

    TRY(mailbox_item_iter_begin(tx, &options, &iter, err_r));
    while (mailbox_item_iter_next(iter, &item)) {
        size_t at = find_item(f, item.id.v);

        if (at == f->n) {
            history_fail(h, "%s: lacks item %llu of folder %llu", who, LLU(item.id.v), LLU(f->id));
        } else if (f->items[at].version != item_version(&item).v ||
                   f->items[at].flags != item.flags) {
            history_fail(h, "%s: item %llu of folder %llu is an old one", who, LLU(item.id.v),
                         LLU(f->id));
        }
        ++*n_r;
    }
    return mailbox_item_iter_end(&iter, err_r);
}

static int compare_folder(struct history *h, struct mailbox_tx *tx, struct mirror *m,
                          const struct folder *folder, const char *who, struct err *err_r)
{
    const struct mirror_folder *f = find_folder(m, folder->id.v);
    size_t n = 0;

    if (f == NULL || f->gone) {
        if (m->whole || f != NULL) {
            history_fail(h, "%s: knows nothing of folder %llu", who, LLU(folder->id.v));
        }
        return 0;
    }
    TRY(compare_scope(h, tx, f, false, who, &n, err_r));
    TRY(compare_scope(h, tx, f, true, who, &n, err_r));
    if (n != f->n) {
        history_fail(h, "%s: has %zu items in folder %llu, must be %zu", who, f->n, LLU(f->id), n);
    }
    return 0;
}

static int compare(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                   struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct compare_call *c = context;
    struct folder *all;
    size_t n;

    TRY(mailbox_folder_list(tx, (struct folder_id){box->root}, true, tmp, &all, &n, err_r));
    for (size_t i = 0; i < n; i++) {
        TRY(compare_folder(h, tx, c->mirror, &all[i], c->who, err_r));
    }
    return 0;
}

void mirror_compare(struct history *h, struct mirror *m, const char *who)
{
    struct compare_call c = {m, who};

    if (server_call(h, m->box, false, compare, &c) < 0) {
        history_fail(h, "compare: %s", h->err.log_text);
    }
}
