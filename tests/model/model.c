#include "model.h"

#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void model_copy(struct model *to, const struct model *from)
{
    to->seq = from->seq;
    to->bin = from->bin;
    to->recoverable = from->recoverable;
    to->items_n = from->items_n;
    to->folders_n = from->folders_n;
    memcpy(to->items, from->items, from->items_n * sizeof(from->items[0]));
    memcpy(to->folders, from->folders, from->folders_n * sizeof(from->folders[0]));
}

/* ---- looking ---- */

const struct model_folder *model_folder(const struct model *m, uint64_t id)
{
    size_t i;

    for (i = 0; i < m->folders_n; i++) {
        if (m->folders[i].id == id && !m->folders[i].gone) {
            return &m->folders[i];
        }
    }
    return NULL;
}

const struct model_item *model_item_ever(const struct model *m, uint64_t id)
{
    size_t i;

    for (i = 0; i < m->items_n; i++) {
        if (m->items[i].id == id) {
            return &m->items[i];
        }
    }
    return NULL;
}

const struct model_item *model_item(const struct model *m, uint64_t id)
{
    const struct model_item *item = model_item_ever(m, id);

    return item != NULL && item->delete_seq == 0 ? item : NULL;
}

static struct model_folder *folder_to_change(struct model *m, uint64_t id)
{
    return (struct model_folder *)(uintptr_t)model_folder(m, id);
}

static struct model_item *item_to_change(struct model *m, uint64_t id)
{
    return (struct model_item *)(uintptr_t)model_item(m, id);
}

bool model_is_below(const struct model *m, uint64_t id, uint64_t ancestor)
{
    const struct model_folder *f;

    for (f = model_folder(m, id); f != NULL; f = model_folder(m, f->parent)) {
        if (f->parent == ancestor) {
            return true;
        }
    }
    return false;
}

uint64_t model_item_version(const struct model_item *item)
{
    return item->change_seq != 0 ? item->change_seq : item->id;
}

struct model_counts model_counts(const struct model *m, uint64_t folder)
{
    struct model_counts c = {0, 0, 0};
    size_t i;

    for (i = 0; i < m->items_n; i++) {
        const struct model_item *item = &m->items[i];

        if (item->folder == folder && item->delete_seq == 0 && !item->associated) {
            c.total++;
            c.unread += !item->read;
        }
    }
    for (i = 0; i < m->folders_n; i++) {
        c.children += m->folders[i].parent == folder && !m->folders[i].gone;
    }
    return c;
}

/* ---- items ---- */

int model_item_add(struct model *m, const struct model_item *draft, uint64_t *id_r)
{
    struct model_item *item = &m->items[m->items_n];

    if (model_folder(m, draft->folder) == NULL) {
        return -ERR_FOLDER_NOT_FOUND;
    }
    assert(m->items_n < MODEL_MAX_ITEMS);
    m->items_n++;
    *item = *draft;
    item->id = ++m->seq;
    item->change_seq = item->read_seq = item->delete_seq = 0;
    *id_r = item->id;
    return 0;
}

int model_item_update(struct model *m, uint64_t id, uint32_t content, int64_t body)
{
    struct model_item *item = item_to_change(m, id);

    if (item == NULL) {
        return -ERR_ITEM_NOT_FOUND;
    }
    item->content = content;
    item->body = body >= 0 ? body : item->body;
    item->change_seq = ++m->seq;
    return 0;
}

int model_item_set_read(struct model *m, uint64_t id, bool read)
{
    struct model_item *item = item_to_change(m, id);

    if (item == NULL) {
        return -ERR_ITEM_NOT_FOUND;
    }
    if (item->read != read) {
        item->read = read;
        item->read_seq = ++m->seq;
    }
    return 0;
}

int model_item_delete(struct model *m, uint64_t id)
{
    struct model_item *item = item_to_change(m, id);

    if (item == NULL) {
        return -ERR_ITEM_NOT_FOUND;
    }
    item->delete_seq = ++m->seq;
    return 0;
}

int model_item_copy(struct model *m, uint64_t id, uint64_t to, uint64_t *id_r)
{
    struct model_item draft;

    if (model_item(m, id) == NULL) {
        return -ERR_ITEM_NOT_FOUND;
    }
    if (model_folder(m, to) == NULL) {
        return -ERR_TO_FOLDER_NOT_FOUND;
    }
    draft = *model_item(m, id);
    draft.folder = to;
    return model_item_add(m, &draft, id_r);
}

int model_item_move(struct model *m, uint64_t id, uint64_t to, uint64_t *id_r)
{
    struct model_item *item = item_to_change(m, id);
    struct model_item draft;

    if (item == NULL) {
        return -ERR_ITEM_NOT_FOUND;
    }
    if (model_folder(m, to) == NULL) {
        return -ERR_TO_FOLDER_NOT_FOUND;
    }
    item->delete_seq = ++m->seq;
    draft = *item;
    draft.folder = to;
    return model_item_add(m, &draft, id_r);
}

/* ---- folders ---- */

void model_adopt_folder(struct model *m, const struct folder *folder)
{
    struct model_folder *f = &m->folders[m->folders_n++];

    assert(m->folders_n <= MODEL_MAX_FOLDERS);
    *f = (struct model_folder){.id = folder->id.v,
                               .parent = folder->parent.v,
                               .change_seq = folder->change_seq.v,
                               .distinguished = folder->distinguished != DF_NONE,
                               .hidden = folder->hidden};
    snprintf(f->name, sizeof(f->name), "%.*s", STR_ARG(folder->name));
    if (folder->distinguished == DF_DELETEDITEMS) {
        m->bin = f->id;
    } else if (folder->distinguished == DF_RECOVERABLEITEMSDELETIONS) {
        m->recoverable = f->id;
    }
}

static bool name_is_taken(const struct model *m, uint64_t parent, const char *name, uint64_t self)
{
    size_t i;

    for (i = 0; i < m->folders_n; i++) {
        const struct model_folder *f = &m->folders[i];

        if (!f->gone && f->parent == parent && f->id != self && strcasecmp(f->name, name) == 0) {
            return true;
        }
    }
    return false;
}

int model_folder_create(struct model *m, uint64_t parent, const char *name, bool hidden,
                        uint64_t *id_r)
{
    struct model_folder *f = &m->folders[m->folders_n];

    if (model_folder(m, parent) == NULL) {
        return -ERR_PARENT_FOLDER_NOT_FOUND;
    }
    if (name_is_taken(m, parent, name, 0)) {
        return -ERR_FOLDER_EXISTS;
    }
    assert(m->folders_n < MODEL_MAX_FOLDERS);
    m->folders_n++;
    *f = (struct model_folder){.id = ++m->seq, .parent = parent, .hidden = hidden};
    f->change_seq = f->id;
    snprintf(f->name, sizeof(f->name), "%s", name);
    *id_r = f->id;
    return 0;
}

int model_folder_update(struct model *m, uint64_t id, const char *name, bool hidden)
{
    struct model_folder *f = folder_to_change(m, id);

    if (f == NULL) {
        return -ERR_FOLDER_NOT_FOUND;
    }
    if (name_is_taken(m, f->parent, name, id)) {
        return -ERR_FOLDER_EXISTS;
    }
    if (strcmp(f->name, name) != 0 || f->hidden != hidden) {
        snprintf(f->name, sizeof(f->name), "%s", name);
        f->hidden = hidden;
        f->change_seq = ++m->seq;
    }
    return 0;
}

int model_folder_move(struct model *m, uint64_t id, uint64_t to)
{
    struct model_folder *f = folder_to_change(m, id);

    if (f == NULL) {
        return -ERR_FOLDER_NOT_FOUND;
    }
    if (model_folder(m, to) == NULL) {
        return -ERR_TO_FOLDER_NOT_FOUND;
    }
    if (f->distinguished) {
        return -ERR_MOVE_DISTINGUISHED;
    }
    if (to == id || model_is_below(m, to, id) || name_is_taken(m, to, f->name, id)) {
        return -ERR_MOVE_COPY_FAILED;
    }
    if (f->parent != to) {
        f->parent = to;
        f->change_seq = ++m->seq;
    }
    return 0;
}

/* The items go without a trace of their own. */
static void drop_folder(struct model *m, struct model_folder *f)
{
    size_t i;

    f->gone = true;
    m->seq++;
    for (i = 0; i < m->items_n; i++) {
        if (m->items[i].folder == f->id && m->items[i].delete_seq == 0) {
            m->items[i].delete_seq = m->seq;
        }
    }
}

int model_folder_delete(struct model *m, uint64_t id)
{
    struct model_folder *f = folder_to_change(m, id);
    bool below[MODEL_MAX_FOLDERS];
    size_t i;

    if (f == NULL) {
        return -ERR_FOLDER_NOT_FOUND;
    }
    if (f->distinguished) {
        return -ERR_DELETE_DISTINGUISHED;
    }
    for (i = 0; i < m->folders_n; i++) {
        below[i] = !m->folders[i].gone && model_is_below(m, m->folders[i].id, id);
    }
    drop_folder(m, f);
    for (i = 0; i < m->folders_n; i++) {
        if (below[i]) {
            drop_folder(m, &m->folders[i]);
        }
    }
    return 0;
}

/* ---- whole folders ---- */

struct ids {
    size_t n;
    uint64_t v[MODEL_MAX_ITEMS];
};

/* Present items of one scope, oldest first: the array has them in the order of their ids. */
static void list_items(const struct model *m, uint64_t folder, bool associated, struct ids *ids)
{
    size_t i;

    ids->n = 0;
    for (i = 0; i < m->items_n; i++) {
        const struct model_item *item = &m->items[i];

        if (item->folder == folder && item->delete_seq == 0 && item->associated == associated) {
            ids->v[ids->n++] = item->id;
        }
    }
}

/* The child whose name comes first after `after`, or NULL. */
static const struct model_folder *next_child(const struct model *m, uint64_t parent,
                                             const struct model_folder *after)
{
    const struct model_folder *best = NULL;
    size_t i;

    for (i = 0; i < m->folders_n; i++) {
        const struct model_folder *f = &m->folders[i];

        if (!f->gone && f->parent == parent &&
            (after == NULL || strcasecmp(f->name, after->name) > 0) &&
            (best == NULL || strcasecmp(f->name, best->name) < 0)) {
            best = f;
        }
    }
    return best;
}

/* Level by level, children by name. */
static void list_below(const struct model *m, uint64_t top, struct ids *ids)
{
    uint64_t parent = top;
    size_t i = 0;

    ids->n = 0;
    do {
        const struct model_folder *f = NULL;

        while ((f = next_child(m, parent, f)) != NULL) {
            ids->v[ids->n++] = f->id;
        }
        parent = i < ids->n ? ids->v[i] : 0;
    } while (i++ < ids->n);
}

/* Many items are told quietly, then each folder that they changed takes a number for all of them. */
static void tell_contents(struct model *m, unsigned folders)
{
    m->seq += folders;
}

static uint64_t copy_one(struct model *m, uint64_t id, uint64_t parent)
{
    static struct ids items;
    struct model_folder *copy = &m->folders[m->folders_n++];
    uint64_t ignored;
    size_t i;

    assert(m->folders_n <= MODEL_MAX_FOLDERS);
    *copy = *model_folder(m, id);
    copy->id = copy->change_seq = ++m->seq;
    copy->parent = parent;
    copy->distinguished = false;
    for (int associated = 0; associated < 2; associated++) {
        list_items(m, id, associated != 0, &items);
        for (i = 0; i < items.n; i++) {
            int rc = model_item_copy(m, items.v[i], copy->id, &ignored);
            assert(rc == 0);
        }
        tell_contents(m, associated == 0 && items.n != 0);
    }
    return copy->id;
}

int model_folder_copy(struct model *m, uint64_t id, uint64_t to, uint64_t *id_r)
{
    static struct ids below;
    const struct model_folder *f = model_folder(m, id);
    uint64_t copies[MODEL_MAX_FOLDERS];
    size_t i, p;

    if (f == NULL) {
        return -ERR_FOLDER_NOT_FOUND;
    }
    if (model_folder(m, to) == NULL) {
        return -ERR_TO_FOLDER_NOT_FOUND;
    }
    if (to == id || model_is_below(m, to, id) || name_is_taken(m, to, f->name, 0)) {
        return -ERR_MOVE_COPY_FAILED;
    }
    list_below(m, id, &below);
    *id_r = copy_one(m, id, to);
    for (i = 0; i < below.n; i++) {
        uint64_t parent = model_folder(m, below.v[i])->parent;

        for (p = 0; p < i && below.v[p] != parent; p++) {
        }
        copies[i] = copy_one(m, below.v[i], p < i ? copies[p] : *id_r);
    }
    return 0;
}

int model_folder_trash(struct model *m, uint64_t id)
{
    struct model_folder *f = folder_to_change(m, id);
    char name[MODEL_NAME_BYTES];
    int n = 0;

    if (f == NULL) {
        return -ERR_FOLDER_NOT_FOUND;
    }
    if (f->distinguished) {
        return -ERR_DELETE_DISTINGUISHED;
    }
    if (f->parent == m->bin) {
        return 0;
    }
    snprintf(name, sizeof(name), "%s", f->name);
    while (name_is_taken(m, m->bin, name, 0)) {
        snprintf(name, sizeof(name), "%.20s (%d)", f->name, ++n);
    }
    memcpy(f->name, name, sizeof(name));
    f->parent = m->bin;
    f->change_seq = ++m->seq;
    return 0;
}

static void empty_one(struct model *m, uint64_t id, uint64_t to)
{
    static struct ids items;
    uint64_t ignored;
    size_t i;

    list_items(m, id, false, &items);
    for (i = 0; id != to && i < items.n; i++) {
        int rc = to != 0 ? model_item_move(m, items.v[i], to, &ignored)
                         : model_item_delete(m, items.v[i]);
        assert(rc == 0);
    }
    tell_contents(m, id == to || items.n == 0 ? 0 : to != 0 ? 2 : 1);
}

static int remove_below(struct model *m, uint64_t id, uint64_t to)
{
    static struct ids below;
    size_t i;

    list_below(m, id, &below);
    for (i = 0; i < below.n; i++) {
        if (model_folder(m, below.v[i])->distinguished) {
            return -ERR_DELETE_DISTINGUISHED;
        }
    }
    for (i = 0; to == m->recoverable && i < below.n; i++) {
        empty_one(m, below.v[i], to);
    }
    for (i = 0; i < below.n; i++) {
        const struct model_folder *f = model_folder(m, below.v[i]);

        if (f != NULL && f->parent == id) {
            int rc = to == m->bin ? model_folder_trash(m, f->id) : model_folder_delete(m, f->id);
            assert(rc == 0);
        }
    }
    return 0;
}

int model_folder_empty(struct model *m, uint64_t id, uint64_t to, bool with_subfolders)
{
    if (model_folder(m, id) == NULL) {
        return -ERR_FOLDER_NOT_FOUND;
    }
    if (with_subfolders) {
        int rc = remove_below(m, id, to);

        if (rc < 0) {
            return rc;
        }
    }
    empty_one(m, id, to);
    return 0;
}

int model_folder_mark_all(struct model *m, uint64_t id, bool read)
{
    static struct ids items;
    uint64_t before = m->seq;
    size_t i;

    if (model_folder(m, id) == NULL) {
        return -ERR_FOLDER_NOT_FOUND;
    }
    list_items(m, id, false, &items);
    for (i = 0; i < items.n; i++) {
        int rc = model_item_set_read(m, items.v[i], read);
        assert(rc == 0);
    }
    tell_contents(m, m->seq != before);
    return 0;
}
