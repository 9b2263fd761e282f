#include "ews_model.h"

#include "base/macros.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *element;
    bool message, read;
} classes[] = {
#define X(name, element, message, read) {element, message, read},
    EM_CLASSES(X)
#undef X
};

const char *em_element(enum em_class class)
{
    return classes[class].element;
}

bool em_is_message(enum em_class class)
{
    return classes[class].message;
}

bool em_shows_read(enum em_class class)
{
    return classes[class].read;
}

bool em_is_calendar_item(enum em_class class)
{
    return class == EM_APPOINTMENT || class == EM_SERIES;
}

/* ---- rights ---- */

uint32_t em_rights(const struct em *m, int user, int folder)
{
    const struct em_folder *f = &m->folders[folder];

    return f->owner == user ? RIGHTS_ALL : f->rights;
}

bool em_may(const struct em *m, int user, int folder, uint32_t rights)
{
    return (em_rights(m, user, folder) & rights) == rights;
}

bool em_may_change(const struct em *m, int user, int item, uint32_t own, uint32_t all)
{
    const struct em_item *i = &m->items[item];

    return em_may(m, user, i->folder, all) ||
           (em_may(m, user, i->folder, own) && i->creator == user);
}

/* ---- folders ---- */

static int folder_new(struct em *m, int owner, int parent, const char *name, bool calendar)
{
    struct em_folder *f = &m->folders[m->folder_count];

    assert(m->folder_count < EM_MAX_FOLDERS);
    *f = (struct em_folder){.owner = owner, .parent = parent, .calendar = calendar};
    snprintf(f->name, sizeof(f->name), "%s", name);
    return (int)m->folder_count++;
}

int em_folder_add(struct em *m, int user, int parent, const char *name, bool calendar)
{
    const struct em_folder *above = &m->folders[parent];
    int folder = folder_new(m, above->owner, parent, name, calendar);

    m->folders[folder].rights = user == above->owner ? above->rights : RIGHTS_ALL;
    return folder;
}

static const struct {
    enum distinguished which, parent;
    const char *folder_class, *name;
} distinguished_rows[] = {
#define X(name, wire, parent, class, display, created) {DF_##name, DF_##parent, class, display},
    DISTINGUISHED_FOLDERS(X)
#undef X
};

void em_init(struct em *m)
{
    m->now = m->folder_count = m->item_count = 0;
    for (int user = 0; user < EM_USERS; user++) {
        m->queued_count[user] = 0;
        for (size_t i = 0; i < ARRAY_LEN(distinguished_rows); i++) {
            enum distinguished which = distinguished_rows[i].which;
            bool calendar = strcmp(distinguished_rows[i].folder_class, "IPF.Appointment") == 0;
            int parent = which == DF_ROOT ? EM_GONE : m->known[user][distinguished_rows[i].parent];

            m->known[user][which] =
                folder_new(m, user, parent, distinguished_rows[i].name, calendar);
            m->folders[m->known[user][which]].distinguished = which;
        }
    }
}

int em_folder_child(const struct em *m, int parent, const char *name)
{
    for (size_t i = 0; i < m->folder_count; i++) {
        const struct em_folder *f = &m->folders[i];

        if (!f->gone && f->parent == parent && strcasecmp(f->name, name) == 0) {
            return (int)i;
        }
    }
    return EM_GONE;
}

bool em_folder_is_below(const struct em *m, int folder, int ancestor)
{
    for (int f = m->folders[folder].parent; f != EM_GONE; f = m->folders[f].parent) {
        if (f == ancestor) {
            return true;
        }
    }
    return false;
}

/* Those right below, by name, behind the n that are listed. */
static size_t list_children(const struct em *m, int parent, int *below, size_t n)
{
    size_t first = n;

    for (size_t i = 0; i < m->folder_count; i++) {
        size_t at = n;

        if (m->folders[i].gone || m->folders[i].parent != parent) {
            continue;
        }
        while (at > first && strcasecmp(m->folders[below[at - 1]].name, m->folders[i].name) > 0) {
            below[at] = below[at - 1];
            at--;
        }
        below[at] = (int)i;
        n++;
    }
    return n;
}

size_t em_folders_below(const struct em *m, int folder, int below[static EM_MAX_FOLDERS])
{
    size_t n = list_children(m, folder, below, 0);

    for (size_t i = 0; i < n; i++) {
        n = list_children(m, below[i], below, n);
    }
    return n;
}

static void folder_drop(struct em *m, int folder)
{
    for (size_t i = 0; i < m->item_count; i++) {
        if (m->items[i].folder == folder) {
            em_item_delete(m, (int)i);
        }
    }
    m->folders[folder].gone = true;
}

void em_folder_delete(struct em *m, int folder)
{
    int below[EM_MAX_FOLDERS];
    size_t n = em_folders_below(m, folder, below);

    folder_drop(m, folder);
    for (size_t i = 0; i < n; i++) {
        folder_drop(m, below[i]);
    }
}

void em_folder_changed(struct em_folder *folder)
{
    if (folder->key != NULL) {
        folder->old_key = folder->key;
    }
    folder->key = NULL;
}

void em_folder_move(struct em *m, int folder, int to)
{
    if (m->folders[folder].parent != to) {
        m->folders[folder].parent = to;
        em_folder_changed(&m->folders[folder]);
    }
}

/* Of normal items, or of associated ones. */
static void copy_items(struct em *m, int from, int to, bool associated)
{
    int items[EM_MAX_ITEMS];
    size_t n = em_items_of(m, from, items);

    for (size_t i = 0; i < n; i++) {
        if (m->items[items[i]].associated == associated) {
            (void)em_item_copy(m, m->folders[to].owner, items[i], to);
        }
    }
}

static int folder_copy_one(struct em *m, int folder, int to)
{
    int copy = folder_new(m, m->folders[to].owner, to, m->folders[folder].name,
                          m->folders[folder].calendar);

    copy_items(m, folder, copy, false);
    copy_items(m, folder, copy, true);
    return copy;
}

int em_folder_copy(struct em *m, int folder, int to)
{
    int below[EM_MAX_FOLDERS], copies[EM_MAX_FOLDERS];
    size_t n = em_folders_below(m, folder, below);
    int top = folder_copy_one(m, folder, to);

    for (size_t i = 0; i < n; i++) {
        int parent = top;

        for (size_t j = 0; j < i; j++) {
            if (below[j] == m->folders[below[i]].parent) {
                parent = copies[j];
            }
        }
        copies[i] = folder_copy_one(m, below[i], parent);
    }
    return top;
}

void em_folder_trash(struct em *m, int folder)
{
    struct em_folder *f = &m->folders[folder];
    int bin = m->known[f->owner][DF_DELETEDITEMS];
    char name[EM_NAME_BYTES];

    if (f->parent == bin) {
        return;
    }
    snprintf(name, sizeof(name), "%s", f->name);
    for (unsigned number = 1; em_folder_child(m, bin, name) != EM_GONE; number++) {
        int n = snprintf(name, sizeof(name), "%.*s (%u)", EM_NAME_BYTES - 16, f->name, number);

        assert(n > 0 && (size_t)n < sizeof(name));
    }
    snprintf(f->name, sizeof(f->name), "%s", name);
    em_folder_move(m, folder, bin);
}

static void empty_one(struct em *m, int folder, int to)
{
    int items[EM_MAX_ITEMS];
    size_t n = em_items_of(m, folder, items);

    for (size_t i = 0; i < n && folder != to; i++) {
        if (m->items[items[i]].associated) {
            continue;
        }
        if (to == EM_GONE) {
            em_item_delete(m, items[i]);
        } else {
            em_item_move(m, m->folders[to].owner, items[i], to);
        }
    }
}

static void remove_below(struct em *m, int folder, enum em_where where, int to)
{
    int below[EM_MAX_FOLDERS];
    size_t n = em_folders_below(m, folder, below);

    for (size_t i = 0; i < n && where == EM_TO_RECOVERABLE; i++) {
        empty_one(m, below[i], to);
    }
    for (size_t i = 0; i < n; i++) {
        if (m->folders[below[i]].gone || m->folders[below[i]].parent != folder) {
            continue;
        }
        if (where == EM_TO_BIN) {
            em_folder_trash(m, below[i]);
        } else {
            em_folder_delete(m, below[i]);
        }
    }
}

void em_folder_empty(struct em *m, int folder, enum em_where where, bool with_subfolders)
{
    static const enum distinguished targets[] = {
        [EM_TO_RECOVERABLE] = DF_RECOVERABLEITEMSDELETIONS, [EM_TO_BIN] = DF_DELETEDITEMS};
    int to = where == EM_NOWHERE ? EM_GONE : m->known[m->folders[folder].owner][targets[where]];

    if (with_subfolders) {
        remove_below(m, folder, where, to);
    }
    empty_one(m, folder, to);
}

void em_folder_mark_all(struct em *m, int folder, bool read)
{
    for (size_t i = 0; i < m->item_count; i++) {
        if (m->items[i].folder == folder && !m->items[i].associated) {
            m->items[i].read = read;
        }
    }
}

struct em_counts em_folder_counts(const struct em *m, int folder)
{
    struct em_counts counts = {0, 0, 0};

    for (size_t i = 0; i < m->item_count; i++) {
        const struct em_item *item = &m->items[i];

        counts.total += item->folder == folder && !item->associated;
        counts.unread += item->folder == folder && !item->associated && !item->read;
    }
    for (size_t i = 0; i < m->folder_count; i++) {
        counts.children += !m->folders[i].gone && m->folders[i].parent == folder;
    }
    return counts;
}

/* ---- items ---- */

int em_item_add(struct em *m, int user, int folder, const struct em_item *like)
{
    struct em_item *item = &m->items[m->item_count];

    assert(m->item_count < EM_MAX_ITEMS);
    *item = *like;
    item->owner = m->folders[folder].owner;
    item->folder = folder;
    item->order = item->version = ++m->now;
    item->subject_at = item->body_at = 0;
    item->creator = user;
    item->id = item->key = item->old_key = NULL;
    return (int)m->item_count++;
}

void em_item_delete(struct em *m, int item)
{
    m->items[item].folder = EM_GONE;
}

/* What it was elsewhere is forgotten in another mailbox. */
static void enter_folder(struct em *m, int user, struct em_item *item, int to)
{
    if (m->folders[to].owner != item->owner) {
        item->owner = m->folders[to].owner;
        item->creator = user;
        item->answers = EM_GONE;
        item->subject_at = item->body_at = 0;
    }
    item->folder = to;
    item->order = item->version = ++m->now;
    item->id = item->key = item->old_key = NULL;
}

void em_item_move(struct em *m, int user, int item, int to)
{
    enter_folder(m, user, &m->items[item], to);
}

int em_item_copy(struct em *m, int user, int item, int to)
{
    assert(m->item_count < EM_MAX_ITEMS);
    m->items[m->item_count] = m->items[item];
    enter_folder(m, user, &m->items[m->item_count], to);
    return (int)m->item_count++;
}

void em_item_changed(struct em *m, int item)
{
    struct em_item *i = &m->items[item];

    if (i->key != NULL) {
        i->old_key = i->key;
        i->old_version = i->version;
    }
    i->key = NULL;
    i->version = ++m->now;
}

void em_item_answers(const struct em *m, struct em_item *response, int original)
{
    response->answers = original;
    response->answers_order = m->items[original].order;
}

void em_item_sent(struct em *m, int user, struct em_item *response)
{
    int original = response->answers;

    response->answers = EM_GONE;
    if (original != EM_GONE && m->items[original].folder != EM_GONE &&
        m->items[original].owner == user && m->items[original].order == response->answers_order) {
        em_item_changed(m, original);
    }
}

size_t em_items_of(const struct em *m, int folder, int items[static EM_MAX_ITEMS])
{
    size_t n = 0;

    for (size_t i = 0; i < m->item_count; i++) {
        size_t at = n;

        if (m->items[i].folder != folder) {
            continue;
        }
        while (at > 0 && m->items[items[at - 1]].order > m->items[i].order) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = (int)i;
        n++;
    }
    return n;
}

bool em_has_attachment(const struct em_content *content, const char *name, size_t *at_r)
{
    for (size_t i = 0; i < content->attachment_count; i++) {
        if (strcmp(content->attachments[i], name) == 0) {
            *at_r = i;
            return true;
        }
    }
    return false;
}

void em_remove_attachment(struct em_content *content, size_t at)
{
    assert(at < content->attachment_count);
    content->attachment_count--;
    memmove(content->attachments[at], content->attachments[at + 1],
            (content->attachment_count - at) * sizeof(content->attachments[0]));
}

/* ---- mail ---- */

void em_queue(struct em *m, int user, const struct em_content *content, unsigned recipients)
{
    assert(m->queued_count[user] < EM_MAX_QUEUED);
    m->queued[user][m->queued_count[user]++] = (struct em_queued){*content, recipients};
}

void em_deliver(struct em *m, int user)
{
    for (size_t i = 0; i < m->queued_count[user]; i++) {
        const struct em_queued *queued = &m->queued[user][i];
        const struct em_item like = {.content = queued->content, .answers = EM_GONE};

        for (int to = 0; to < EM_USERS; to++) {
            if ((queued->recipients & 1u << to) != 0) {
                em_item_add(m, to, m->known[to][DF_INBOX], &like);
            }
        }
    }
    m->queued_count[user] = 0;
}
