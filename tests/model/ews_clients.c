/* The clients of a history of EWS requests: item sync of a folder, hierarchy sync below an anchor; of the own mailbox, and of what the other user lets be seen. */
#include "ews_history.h"

#include <stdio.h>
#include <string.h>

#define MAX_PAGES_TO_THE_END 2000

/* ---- items: what a client knows ---- */

static size_t entry_at(const struct eh_item_state *s, const char *id)
{
    size_t i = 0;

    while (i < s->n && strcmp(s->entries[i].id, id) != 0) {
        i++;
    }
    return i;
}

static void state_copy(struct eh_item_state *to, const struct eh_item_state *from)
{
    to->text = from->text;
    to->n = from->n;
    memcpy(to->entries, from->entries, from->n * sizeof(from->entries[0]));
}

static struct eh_entry read_entry(struct eh *h, const struct xml_node *item)
{
    const struct xml_node *id = eh_find(item, "ItemId");

    return (struct eh_entry){.id = eh_attr(h, id, "Id"),
                             .key = eh_attr(h, id, "ChangeKey"),
                             .element = str_cstr(h->arena, item->name),
                             .subject = eh_text_of(h, eh_find(item, "Subject")),
                             .read = strcmp(eh_text_of(h, eh_find(item, "IsRead")), "true") == 0};
}

static void entry_put(struct eh *h, struct eh_item_client *c, bool create,
                      const struct xml_node *item)
{
    struct eh_entry entry = read_entry(h, item);
    struct eh_item_state *s = &c->now;
    size_t at = entry_at(s, entry.id);
    bool known = at < s->n;
    bool associated =
        strcmp(eh_text_of(h, eh_find(item, "IsAssociated")), "true") == 0 && c->rescoped;

    EH_REQUIRE(h, create ? !known || associated : known || associated, "%s of '%s', which is %s",
               create ? "Create" : "Update", entry.subject, known ? "known" : "unknown");
    EH_REQUIRE(h, at < EM_MAX_ITEMS, "a client of ever more items");
    s->entries[at] = entry;
    s->n += !known;
}

static void entry_remove(struct eh_item_state *s, const char *id)
{
    size_t at = entry_at(s, id);

    if (at < s->n) { /* what was never told may be told to be gone */
        s->entries[at] = s->entries[--s->n];
    }
}

static void entry_read(struct eh *h, struct eh_item_client *c, const struct xml_node *change)
{
    const char *id = eh_attr(h, eh_find(change, "ItemId"), "Id");
    size_t at = entry_at(&c->now, id);

    EH_REQUIRE(h, at < c->now.n || c->rescoped, "a read flag of an item that is unknown");
    if (at < c->now.n) {
        c->now.entries[at].read = strcmp(eh_text_of(h, eh_find(change, "IsRead")), "true") == 0;
    }
}

static void apply_change(struct eh *h, struct eh_item_client *c, const struct xml_node *change)
{
    h->changes_told++;
    if (str_is(change->name, "Create")) {
        entry_put(h, c, true, change->first_child);
    } else if (str_is(change->name, "Update")) {
        entry_put(h, c, false, change->first_child);
    } else if (str_is(change->name, "Delete")) {
        entry_remove(&c->now, eh_attr(h, eh_find(change, "ItemId"), "Id"));
    } else {
        entry_read(h, c, change);
    }
}

/* ---- items: asking ---- */

static const char *refusal_of_sync(const struct em *m, int viewer, int folder)
{
    if (m->folders[folder].gone || !em_may(m, viewer, folder, RIGHT_FOLDER_VISIBLE)) {
        return "ErrorSyncFolderNotFound";
    }
    return em_may(m, viewer, folder, RIGHT_READ_ITEMS) ? NULL : "ErrorAccessDenied";
}

static const char *state_xml(struct eh *h, const char *text)
{
    return text == NULL ? "" : eh_xml(h, "<m:SyncState>%s</m:SyncState>", text);
}

/* True when there is an answer to be applied. */
static bool ask_page(struct eh *h, const struct eh_item_client *c, unsigned max_changes)
{
    const char *refusal = refusal_of_sync(&h->model, c->viewer, c->folder);
    const char *folder = eh_folder_xml(h, c->folder);

    eh_expect(h, refusal != NULL ? refusal : "NoError");
    eh_ask(h, c->viewer,
           "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
           "<t:AdditionalProperties><t:FieldURI FieldURI='item:Subject'/>"
           "<t:FieldURI FieldURI='message:IsRead'/><t:FieldURI FieldURI='item:IsAssociated'/>"
           "</t:AdditionalProperties></m:ItemShape><m:SyncFolderId>%s</m:SyncFolderId>%s"
           "<m:MaxChangesReturned>%u</m:MaxChangesReturned><m:SyncScope>%s</m:SyncScope>"
           "</m:SyncFolderItems>",
           folder, state_xml(h, c->now.text), max_changes,
           c->associated ? "NormalAndAssociatedItems" : "NormalItems");
    return refusal == NULL;
}

/* *last_r: there is no more now. Returns the number of changes. */
static unsigned apply_page(struct eh *h, struct eh_item_client *c, unsigned max_changes,
                           bool *last_r)
{
    const struct xml_node *changes = ews_nth(h->fixture, "Changes", 0);
    unsigned n = 0;

    EH_REQUIRE(h, changes != NULL, "a sync without Changes");
    for (const struct xml_node *change = changes->first_child; change != NULL;
         change = change->next) {
        apply_change(h, c, change);
        n++;
    }
    EH_REQUIRE(h, n <= max_changes, "%u changes where %u were wanted", n, max_changes);
    c->now.text = eh_text_of(h, ews_nth(h->fixture, "SyncState", 0));
    *last_r = strcmp(ews_text(h->fixture, "IncludesLastItemInRange"), "true") == 0;
    return n;
}

static void item_client_start(struct eh *h, struct eh_item_client *c)
{
    do {
        c->folder = eh_pick_folder(h, c->viewer);
    } while (h->model.folders[c->folder].gone);
    c->associated = eh_one_in(h, 3);
    c->rescoped = false;
    c->now.text = NULL;
    c->now.n = 0;
    state_copy(&c->saved, &c->now);
}

static void item_client_step(struct eh *h, struct eh_item_client *c)
{
    unsigned max_changes = eh_one_in(h, 3) ? 512 : 1 + eh_pick(h, 6);
    bool last;

    if (eh_one_in(h, 15)) {
        c->associated = !c->associated;
        c->rescoped = true;
    }
    if (ask_page(h, c, max_changes) && !eh_one_in(h, 8)) { /* else the answer is lost */
        (void)apply_page(h, c, max_changes, &last);
    }
    if (eh_one_in(h, 10)) {
        state_copy(&c->saved, &c->now);
    } else if (eh_one_in(h, 20)) { /* from a backup */
        state_copy(&c->now, &c->saved);
    } else if (eh_one_in(h, 25)) {
        item_client_start(h, c);
    }
}

/* ---- items: the end ---- */

static void compare_entry(struct eh *h, const struct eh_item_client *c, const struct em_item *item)
{
    size_t at = entry_at(&c->now, item->id);
    const struct eh_entry *e = &c->now.entries[at];
    const struct em_content *content = &item->content;

    EH_REQUIRE(h, at < c->now.n, "a client does not know '%s' in '%s'", content->subject,
               h->model.folders[c->folder].name);
    EH_REQUIRE(h,
               strcmp(e->element, em_element(content->class)) == 0 &&
                   strcmp(e->subject, content->subject) == 0 && strcmp(e->key, item->key) == 0,
               "a client has an old '%s' of '%s' (key %s, %s)", e->subject, content->subject,
               e->key, item->key);
    EH_REQUIRE(h, !em_shows_read(content->class) || e->read == item->read,
               "a client has '%s' as %s", content->subject, e->read ? "read" : "unread");
}

static void compare_items(struct eh *h, const struct eh_item_client *c)
{
    int items[EM_MAX_ITEMS];
    size_t n = em_items_of(&h->model, c->folder, items), known = c->now.n, expected = 0;

    for (size_t i = 0; i < n; i++) {
        const struct em_item *item = &h->model.items[items[i]];

        if (!item->associated || c->associated) {
            compare_entry(h, c, item);
            expected++;
        }
    }
    /* Narrowed, a client is told nothing more of associated items. */
    EH_REQUIRE(h, known == expected || (c->rescoped && !c->associated && known > expected),
               "a client knows %zu items in '%s', must know %zu", known,
               h->model.folders[c->folder].name, expected);
}

static void item_client_finish(struct eh *h, struct eh_item_client *c)
{
    unsigned pages = 0, max_changes = 1 + eh_pick(h, 20);
    bool last = false;

    while (!last) {
        if (!ask_page(h, c, max_changes)) {
            return;
        }
        (void)apply_page(h, c, max_changes, &last);
        EH_REQUIRE(h, pages++ < MAX_PAGES_TO_THE_END, "a sync without end");
        arena_reset(h->fixture->arena);
    }
    (void)ask_page(h, c, max_changes);
    EH_REQUIRE(h, apply_page(h, c, max_changes, &last) == 0 && last,
               "a sync that was at its end tells more");
    compare_items(h, c);
}

/* ---- folders ---- */

static size_t folder_at(const struct eh_tree_state *s, const char *id)
{
    size_t i = 0;

    while (i < s->n && strcmp(s->entries[i].id, id) != 0) {
        i++;
    }
    return i;
}

static void tree_copy(struct eh_tree_state *to, const struct eh_tree_state *from)
{
    to->text = from->text;
    to->n = from->n;
    memcpy(to->entries, from->entries, from->n * sizeof(from->entries[0]));
}

static void folder_put(struct eh *h, struct eh_tree_state *s, bool create,
                       const struct xml_node *node)
{
    struct eh_folder_entry entry = {.id = eh_attr(h, eh_find(node, "FolderId"), "Id"),
                                    .parent = eh_attr(h, eh_find(node, "ParentFolderId"), "Id"),
                                    .name = eh_text_of(h, eh_find(node, "DisplayName"))};
    size_t at = folder_at(s, entry.id);
    bool known = at < s->n;

    EH_REQUIRE(h, create ? !known : known, "%s of folder '%s', which is %s",
               create ? "Create" : "Update", entry.name, known ? "known" : "unknown");
    EH_REQUIRE(h, at < EM_MAX_FOLDERS, "a client of ever more folders");
    s->entries[at] = entry;
    s->n += !known;
}

static void apply_folder(struct eh *h, struct eh_tree_state *s, const struct xml_node *change)
{
    size_t at;

    h->changes_told++;
    if (str_is(change->name, "Delete")) {
        at = folder_at(s, eh_attr(h, eh_find(change, "FolderId"), "Id"));
        if (at < s->n) {
            s->entries[at] = s->entries[--s->n];
        }
    } else {
        folder_put(h, s, str_is(change->name, "Create"), change->first_child);
    }
}

static int anchor_of(const struct eh *h, const struct eh_tree_client *c)
{
    return h->model.known[c->owner][c->anchor != DF_NONE ? c->anchor : DF_MSGFOLDERROOT];
}

/* Always complete in one answer. */
static bool ask_tree(struct eh *h, const struct eh_tree_client *c)
{
    int anchor = anchor_of(h, c);
    bool visible = em_may(&h->model, c->viewer, anchor, RIGHT_FOLDER_VISIBLE);

    eh_expect(h, visible ? "NoError" : "ErrorSyncFolderNotFound");
    eh_ask(h, c->viewer,
           "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape>"
           "<t:AdditionalProperties><t:FieldURI FieldURI='folder:DisplayName'/>"
           "<t:FieldURI FieldURI='folder:ParentFolderId'/></t:AdditionalProperties>"
           "</m:FolderShape>%s%s%s%s</m:SyncFolderHierarchy>",
           c->anchor != DF_NONE ? "<m:SyncFolderId>" : "",
           c->anchor != DF_NONE ? eh_folder_xml(h, anchor) : "",
           c->anchor != DF_NONE ? "</m:SyncFolderId>" : "", state_xml(h, c->now.text));
    return visible;
}

static unsigned apply_tree(struct eh *h, struct eh_tree_state *s)
{
    unsigned n = 0;

    for (const struct xml_node *change = ews_nth(h->fixture, "Changes", 0)->first_child;
         change != NULL; change = change->next) {
        apply_folder(h, s, change);
        n++;
    }
    s->text = eh_text_of(h, ews_nth(h->fixture, "SyncState", 0));
    EH_REQUIRE(h, strcmp(ews_text(h->fixture, "IncludesLastFolderInRange"), "true") == 0,
               "a hierarchy in parts");
    return n;
}

static void tree_client_step(struct eh *h, struct eh_tree_client *c)
{
    if (ask_tree(h, c) && !eh_one_in(h, 6)) {
        (void)apply_tree(h, &c->now);
    }
    if (eh_one_in(h, 6)) {
        tree_copy(&c->saved, &c->now);
    } else if (eh_one_in(h, 10)) {
        tree_copy(&c->now, &c->saved);
    }
}

static void compare_tree(struct eh *h, const struct eh_tree_client *c)
{
    int below[EM_MAX_FOLDERS];
    size_t n = em_folders_below(&h->model, anchor_of(h, c), below), expected = 0;

    for (size_t i = 0; i < n; i++) {
        const struct em_folder *f = &h->model.folders[below[i]];
        size_t at;

        if (!em_may(&h->model, c->viewer, below[i], RIGHT_FOLDER_VISIBLE)) {
            continue;
        }
        at = folder_at(&c->now, f->id);
        EH_REQUIRE(h, at < c->now.n, "a client does not know folder '%s'", f->name);
        EH_REQUIRE(h,
                   strcmp(c->now.entries[at].name, f->name) == 0 &&
                       strcmp(c->now.entries[at].parent, h->model.folders[f->parent].id) == 0,
                   "a client has folder '%s' as '%s', or elsewhere", f->name,
                   c->now.entries[at].name);
        expected++;
    }
    EH_REQUIRE(h, c->now.n == expected, "a client knows %zu folders, must know %zu", c->now.n,
               expected);
}

static void tree_client_finish(struct eh *h, struct eh_tree_client *c)
{
    if (!ask_tree(h, c)) {
        return;
    }
    (void)apply_tree(h, &c->now);
    (void)ask_tree(h, c);
    EH_REQUIRE(h, apply_tree(h, &c->now) == 0, "a hierarchy that was at its end tells more");
    compare_tree(h, c);
}

/* ---- all of them ---- */

static const struct {
    int viewer, owner;
    enum distinguished anchor;
} trees[EH_TREE_CLIENTS] = {
    {0, 0, DF_NONE},          {0, 0, DF_ROOT},  {1, 1, DF_MSGFOLDERROOT}, {1, 0, DF_MSGFOLDERROOT},
    {0, 1, DF_MSGFOLDERROOT}, {1, 0, DF_INBOX}, {0, 0, DF_INBOX},         {1, 1, DF_DELETEDITEMS}};

void eh_clients_start(struct eh *h)
{
    for (size_t i = 0; i < EH_ITEM_CLIENTS; i++) {
        h->items[i].viewer = (int)(i % EM_USERS);
        item_client_start(h, &h->items[i]);
    }
    for (size_t i = 0; i < EH_TREE_CLIENTS; i++) {
        struct eh_tree_client *c = &h->trees[i];

        c->viewer = trees[i].viewer;
        c->owner = trees[i].owner;
        c->anchor = trees[i].anchor;
        c->now.text = NULL;
        c->now.n = 0;
        tree_copy(&c->saved, &c->now);
    }
}

void eh_clients_step(struct eh *h)
{
    if (eh_one_in(h, 4)) {
        tree_client_step(h, &h->trees[eh_pick(h, EH_TREE_CLIENTS)]);
    } else {
        item_client_step(h, &h->items[eh_pick(h, EH_ITEM_CLIENTS)]);
    }
}

void eh_clients_finish(struct eh *h)
{
    for (size_t i = 0; i < EH_ITEM_CLIENTS; i++) {
        item_client_finish(h, &h->items[i]);
        arena_reset(h->fixture->arena);
    }
    for (size_t i = 0; i < EH_TREE_CLIENTS; i++) {
        tree_client_finish(h, &h->trees[i]);
    }
}
