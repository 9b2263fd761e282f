#include "replica.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SAY(why, ...) (snprintf((why)->text, sizeof((why)->text), __VA_ARGS__), false)
#define LLU(v) ((unsigned long long)(v))

/* ---- sets of ids ---- */

static size_t id_set_find(const struct id_set *set, uint64_t id)
{
    size_t i;

    for (i = 0; i < set->n && set->v[i] != id; i++) {
    }
    return i;
}

bool id_set_has(const struct id_set *set, uint64_t id)
{
    return id_set_find(set, id) < set->n;
}

void id_set_add(struct id_set *set, uint64_t id)
{
    if (!id_set_has(set, id)) {
        assert(set->n < MODEL_MAX_ITEMS);
        set->v[set->n++] = id;
    }
}

void id_set_remove(struct id_set *set, uint64_t id)
{
    size_t i = id_set_find(set, id);

    if (i < set->n) {
        set->v[i] = set->v[--set->n];
    }
}

/* ---- items ---- */

void item_replica_copy(struct item_replica *to, const struct item_replica *from)
{
    to->n = from->n;
    memcpy(to->items, from->items, from->n * sizeof(from->items[0]));
    to->blurred.n = from->blurred.n;
    memcpy(to->blurred.v, from->blurred.v, from->blurred.n * sizeof(from->blurred.v[0]));
}

static size_t find_item(const struct item_replica *r, uint64_t id)
{
    size_t i;

    for (i = 0; i < r->n && r->items[i].id != id; i++) {
    }
    return i;
}

static struct replica_item replica_item_of(const struct item *item, bool with_props)
{
    struct replica_item x = {.id = item->id.v,
                             .version = item_version(item).v,
                             .content_known = with_props,
                             .kind = (int)item->kind,
                             .associated = (item->flags & ITEM_ASSOCIATED) != 0,
                             .read = (item->flags & ITEM_READ) != 0};
    uint64_t content = 0;

    if (with_props && str_to_u64(item->props, &content)) {
        x.content = (uint32_t)content;
    }
    return x;
}

static void set_item(struct item_replica *r, const struct replica_item *x)
{
    size_t at = find_item(r, x->id);

    assert(at < MODEL_MAX_ITEMS);
    r->items[at] = *x;
    if (at == r->n) {
        r->n++;
    }
    id_set_remove(&r->blurred, x->id);
}

static bool apply_read_flag(struct item_replica *r, const struct replica_item *told, size_t at,
                            struct why *why)
{
    if (at == r->n) {
        return id_set_has(&r->blurred, told->id) ||
               SAY(why, "ReadFlagChange for item %llu that was never told", LLU(told->id));
    }
    if (r->items[at].version != told->version && !id_set_has(&r->blurred, told->id)) {
        return SAY(why, "ReadFlagChange for item %llu whose content changed", LLU(told->id));
    }
    r->items[at].read = told->read;
    return true;
}

bool item_replica_apply(struct item_replica *r, const struct item_change *change,
                        const struct apply_options *options, struct why *why)
{
    struct replica_item told = replica_item_of(&change->item, options->with_props);
    size_t at = find_item(r, told.id);
    bool blurred = id_set_has(&r->blurred, told.id);

    switch (change->kind) {
    case CHANGE_CREATE:
        if (at < r->n && !blurred && !(options->may_know && told.associated)) {
            return SAY(why, "Create for item %llu that is known", LLU(told.id));
        }
        set_item(r, &told);
        return true;
    case CHANGE_UPDATE:
        if (at == r->n && !blurred) {
            return SAY(why, "Update for item %llu that was never told", LLU(told.id));
        }
        set_item(r, &told);
        return true;
    case CHANGE_READ_FLAG: return apply_read_flag(r, &told, at, why);
    case CHANGE_DELETE:
        if (at < r->n) {
            r->items[at] = r->items[--r->n];
        }
        id_set_remove(&r->blurred, told.id);
        return true;
    }
    return SAY(why, "unknown kind of change");
}

static bool item_equals(const struct replica_item *x, const struct model_item *item,
                        struct why *why)
{
    if (x->version != model_item_version(item) || x->kind != item->kind ||
        x->associated != item->associated || x->read != item->read) {
        return SAY(why,
                   "item %llu: has version %llu kind %d associated %d read %d, "
                   "must be %llu %d %d %d",
                   LLU(x->id), LLU(x->version), x->kind, x->associated, x->read,
                   LLU(model_item_version(item)), item->kind, item->associated, item->read);
    }
    if (x->content_known && x->content != item->content) {
        return SAY(why, "item %llu: has content %u, must be %u", LLU(x->id), x->content,
                   item->content);
    }
    return true;
}

static bool has_all_of_model(const struct item_replica *r, const struct model *m, uint64_t folder,
                             bool associated, struct why *why)
{
    size_t i, at;

    for (i = 0; i < m->items_n; i++) {
        const struct model_item *item = &m->items[i];

        if (item->folder != folder || item->delete_seq != 0 || (item->associated && !associated) ||
            id_set_has(&r->blurred, item->id)) {
            continue;
        }
        at = find_item(r, item->id);
        if (at == r->n) {
            return SAY(why, "lacks item %llu", LLU(item->id));
        }
        if (!item_equals(&r->items[at], item, why)) {
            return false;
        }
    }
    return true;
}

bool item_replica_equals(const struct item_replica *r, const struct model *m, uint64_t folder,
                         bool associated, struct why *why)
{
    size_t i;

    for (i = 0; i < r->n; i++) {
        const struct model_item *item = model_item(m, r->items[i].id);

        if ((r->items[i].associated && !associated) || id_set_has(&r->blurred, r->items[i].id)) {
            continue;
        }
        if (item == NULL || item->folder != folder) {
            return SAY(why, "still has item %llu", LLU(r->items[i].id));
        }
    }
    return has_all_of_model(r, m, folder, associated, why);
}

/* ---- folders ---- */

void tree_replica_copy(struct tree_replica *to, const struct tree_replica *from)
{
    to->anchor = from->anchor;
    to->n = from->n;
    memcpy(to->folders, from->folders, from->n * sizeof(from->folders[0]));
}

static size_t find_folder(const struct tree_replica *r, uint64_t id)
{
    size_t i;

    for (i = 0; i < r->n && r->folders[i].id != id; i++) {
    }
    return i;
}

static bool remove_folder(struct tree_replica *r, uint64_t id, struct why *why)
{
    size_t at = find_folder(r, id), i;

    if (at == r->n) {
        return SAY(why, "Delete for folder %llu that is not known", LLU(id));
    }
    for (i = 0; i < r->n; i++) {
        if (r->folders[i].parent == id) {
            return SAY(why, "Delete for folder %llu while %llu is in it", LLU(id),
                       LLU(r->folders[i].id));
        }
    }
    r->folders[at] = r->folders[--r->n];
    return true;
}

bool tree_replica_apply(struct tree_replica *r, const struct folder_change *change, struct why *why)
{
    const struct folder *f = &change->folder;
    size_t at = find_folder(r, f->id.v);
    struct replica_folder *x = &r->folders[at];

    if (change->kind == CHANGE_DELETE) {
        return remove_folder(r, f->id.v, why);
    }
    if ((change->kind == CHANGE_CREATE) != (at == r->n)) {
        return SAY(why, "Create for a known or Update for an unknown folder %llu", LLU(f->id.v));
    }
    if (f->parent.v != r->anchor && find_folder(r, f->parent.v) == r->n) {
        return SAY(why, "folder %llu comes before its parent", LLU(f->id.v));
    }
    assert(at < MODEL_MAX_FOLDERS);
    *x = (struct replica_folder){.id = f->id.v, .parent = f->parent.v, .hidden = f->hidden};
    snprintf(x->name, sizeof(x->name), "%.*s", STR_ARG(f->name));
    r->n += at == r->n;
    return true;
}

static bool folder_equals(const struct replica_folder *x, const struct model_folder *f,
                          struct why *why)
{
    if (x->parent != f->parent || x->hidden != f->hidden || strcmp(x->name, f->name) != 0) {
        return SAY(why, "folder %llu: has parent %llu hidden %d name %s, must be %llu %d %s",
                   LLU(x->id), LLU(x->parent), x->hidden, x->name, LLU(f->parent), f->hidden,
                   f->name);
    }
    return true;
}

bool tree_replica_equals(const struct tree_replica *r, const struct model *m, struct why *why)
{
    size_t i, at, n = 0;

    for (i = 0; i < m->folders_n; i++) {
        const struct model_folder *f = &m->folders[i];

        if (f->gone || !model_is_below(m, f->id, r->anchor)) {
            continue;
        }
        at = find_folder(r, f->id);
        if (at == r->n) {
            return SAY(why, "lacks folder %llu", LLU(f->id));
        }
        if (!folder_equals(&r->folders[at], f, why)) {
            return false;
        }
        n++;
    }
    return n == r->n || SAY(why, "has %zu folders, must have %zu", r->n, n);
}
