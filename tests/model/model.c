#include "model.h"

#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void model_copy(struct model *to, const struct model *from)
{
    to->seq = from->seq;
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
