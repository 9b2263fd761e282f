#include "ews_history.h"

#include "mailbox/store.h"
#include "mailbox/token.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void eh_fail(struct eh *h, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(h->failure, sizeof(h->failure), "seed %llu, %s: ", (unsigned long long)h->seed,
                     h->cause);

    va_start(ap, fmt);
    vsnprintf(h->failure + n, sizeof(h->failure) - (size_t)n, fmt, ap);
    va_end(ap);
    longjmp(h->failed, 1);
}

void eh_note(struct eh *h, const char *fmt, ...)
{
    va_list ap;

    if (h->verbose) {
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        putchar('\n');
    }
}

/* ---- chance ---- */

unsigned eh_pick(struct eh *h, unsigned limit)
{
    return (unsigned)prng_below(&h->prng, limit);
}

bool eh_one_in(struct eh *h, unsigned n)
{
    return eh_pick(h, n) == 0;
}

int eh_pick_user(struct eh *h)
{
    return (int)eh_pick(h, EM_USERS);
}

/* Where things are likely to be, so that they meet. */
static int pick_known(struct eh *h, int owner)
{
    static const enum distinguished busy[] = {DF_INBOX,    DF_INBOX,    DF_DRAFTS, DF_DELETEDITEMS,
                                              DF_CALENDAR, DF_CONTACTS, DF_TASKS,  DF_SENTITEMS};

    return h->model.known[owner][busy[eh_pick(h, ARRAY_LEN(busy))]];
}

static int pick_made(struct eh *h, int owner, bool gone)
{
    size_t first = EM_USERS * (DF_COUNT - 1);

    for (unsigned tries = 0; tries < 8 && h->model.folder_count > first; tries++) {
        int i = (int)(first + eh_pick(h, (unsigned)(h->model.folder_count - first)));
        const struct em_folder *f = &h->model.folders[i];

        if (f->owner == owner && f->gone == gone && f->id != NULL) {
            return i;
        }
    }
    return EM_GONE;
}

static int pick_owner(struct eh *h, int user)
{
    return eh_one_in(h, 4) ? 1 - user : user;
}

int eh_pick_folder(struct eh *h, int user)
{
    int owner = pick_owner(h, user), folder = EM_GONE;

    if (eh_one_in(h, 2)) {
        folder = pick_made(h, owner, eh_one_in(h, 12));
    } else if (eh_one_in(h, 6)) {
        folder = h->model.known[owner][1 + eh_pick(h, DF_COUNT - 1)];
    }
    return folder != EM_GONE ? folder : pick_known(h, owner);
}

int eh_pick_item(struct eh *h, int user, unsigned want)
{
    const struct em *m = &h->model;
    int owner = pick_owner(h, user);
    bool gone = eh_one_in(h, 25);

    for (unsigned tries = 0; tries < 60 && m->item_count > 0; tries++) {
        int i = (int)eh_pick(h, (unsigned)m->item_count);
        const struct em_item *item = &m->items[i];
        bool is_gone = item->folder == EM_GONE;

        if (is_gone ? gone && item->id != NULL
                    : m->folders[item->folder].owner == owner &&
                          (want & 1u << item->content.class) != 0 && (tries > 30 || !gone)) {
            return i;
        }
    }
    return EM_GONE;
}

const char *eh_new_text(struct eh *h, const char *what)
{
    return arena_printf(h->arena, "%s %u", what, ++h->names);
}

/* ---- texts ---- */

const char *eh_xml(struct eh *h, const char *fmt, ...)
{
    const char *text;
    va_list ap;

    va_start(ap, fmt);
    text = arena_vprintf(h->fixture->arena, fmt, ap);
    va_end(ap);
    return text;
}

static const char *distinguished_name(enum distinguished which)
{
    static const char *const names[] = {
#define X(name, wire, parent, class, display, created) [DF_##name] = wire,
        DISTINGUISHED_FOLDERS(X)
#undef X
    };

    return names[which];
}

/* By name now and then, where it has one. */
const char *eh_folder_xml(struct eh *h, int folder)
{
    const struct em_folder *f = &h->model.folders[folder];

    if (f->distinguished != DF_NONE && eh_one_in(h, 2)) {
        return eh_xml(h,
                      "<t:DistinguishedFolderId Id='%s'><t:Mailbox><t:EmailAddress>%s@example.com"
                      "</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>",
                      distinguished_name(f->distinguished), f->owner == 0 ? "alice" : "bob");
    }
    EH_REQUIRE(h, f->id != NULL, "folder %d has no id yet", folder);
    return eh_xml(h, "<t:FolderId Id='%s'/>", f->id);
}

const char *eh_item_id(struct eh *h, int item)
{
    const struct em_item *i = &h->model.items[item];

    if (i->id == NULL) {
        eh_learn_items(h, i->folder);
    }
    return i->id;
}

const char *eh_item_key(struct eh *h, int item)
{
    const struct em_item *i = &h->model.items[item];

    if (i->key == NULL) {
        eh_learn_items(h, i->folder);
    }
    return i->key;
}

void eh_forget_id(struct eh *h, const char *id)
{
    if (id != NULL) {
        h->gone_ids[h->gone_count++ % EH_GONE_IDS] = id;
    }
}

/* ---- asking ---- */

struct mailbox_no eh_mailbox(const struct eh *h, int user)
{
    return user == 0 ? h->fixture->alice : h->fixture->bob;
}

struct eh_tx *eh_begin(struct eh *h, int user, enum mailbox_tx_mode mode)
{
    struct eh_tx *t = &h->tx;

    EH_MUST(h, store_mailbox_take(h->fixture->store, eh_mailbox(h, user), &t->mailbox, &t->err),
            &t->err);
    EH_MUST(h, mailbox_tx_begin(t->mailbox, mode, &t->tx, &t->err), &t->err);
    return t;
}

void eh_end(struct eh *h)
{
    EH_MUST(h, mailbox_tx_commit(&h->tx.tx, &h->tx.err), &h->tx.err);
    store_mailbox_release(h->fixture->store, &h->tx.mailbox);
}

static void read_seqs(struct eh *h, uint64_t seqs[static EM_USERS])
{
    for (int user = 0; user < EM_USERS; user++) {
        seqs[user] = mailbox_tx_seq(eh_begin(h, user, MAILBOX_TX_READ)->tx).v;
        eh_end(h);
    }
}

void eh_expect(struct eh *h, const char *code)
{
    if (h->expected.n != 0) {
        BUF_LIT(&h->expected, " ");
    }
    buf_add_str(&h->expected, str_from(code));
    h->changes = h->changes || strcmp(code, "NoError") == 0;
    h->refused += strcmp(code, "NoError") != 0;
}

static void put(struct eh *h, int user, const char *body)
{
    h->fixture->as = eh_mailbox(h, user);
    h->requests++;
    eh_note(h, "    %s: %s", user == 0 ? "alice" : "bob", body);
    ews_ask(h->fixture, "%s", body);
    eh_note(h, "        %s",
            h->fixture->http_status == 200 ? ews_codes(h->fixture) : h->fixture->answer.p);
}

void eh_ask(struct eh *h, int user, const char *fmt, ...)
{
    uint64_t before[EM_USERS], after[EM_USERS];
    const char *body, *expected = str_cstr(h->fixture->arena, buf_str(&h->expected));
    va_list ap;

    va_start(ap, fmt);
    body = arena_vprintf(h->fixture->arena, fmt, ap);
    va_end(ap);
    read_seqs(h, before);
    put(h, user, body);
    EH_REQUIRE(h, strcmp(ews_codes(h->fixture), expected) == 0, "answered '%s', not '%s'",
               h->fixture->http_status == 200 ? ews_codes(h->fixture) : h->fixture->answer.p,
               expected);
    if (!h->changes) {
        read_seqs(h, after);
        EH_REQUIRE(h, memcmp(before, after, sizeof(before)) == 0,
                   "refused with '%s', and a mailbox changed", expected);
    }
    h->changes = false;
    buf_clear(&h->expected);
}

void eh_read(struct eh *h, int user, const char *fmt, ...)
{
    const char *body;
    va_list ap;

    va_start(ap, fmt);
    body = arena_vprintf(h->fixture->arena, fmt, ap);
    va_end(ap);
    put(h, user, body);
    EH_REQUIRE(h, h->fixture->http_status == 200, "%s", h->fixture->answer.p);
}

/* ---- looking ---- */

const struct xml_node *eh_find(const struct xml_node *node, const char *name)
{
    const struct xml_node *found = NULL;

    if (node == NULL || str_is(node->name, name)) {
        return node;
    }
    for (node = node->first_child; node != NULL && found == NULL; node = node->next) {
        found = eh_find(node, name);
    }
    return found;
}

const struct xml_node *eh_answered(struct eh *h, size_t n, const char *name)
{
    const struct xml_node *message = ews_nth(h->fixture, "ResponseMessages", 0);

    message = message != NULL ? message->first_child : NULL;
    while (message != NULL && n-- > 0) {
        message = message->next;
    }
    return message != NULL ? eh_find(message, name) : NULL;
}

const char *eh_attr(struct eh *h, const struct xml_node *node, const char *name)
{
    return node != NULL ? str_cstr(h->arena, xml_attr(node, name)) : "";
}

const char *eh_text_of(struct eh *h, const struct xml_node *node)
{
    return node != NULL ? str_cstr(h->arena, node->text) : "";
}

static void note_key(struct eh *h, struct em_item *item, const char *key)
{
    if (item->key != NULL) {
        EH_REQUIRE(h, strcmp(item->key, key) == 0,
                   "the ChangeKey of '%s' changed (%s, %s), and its content did not",
                   item->content.subject, item->key, key);
    } else {
        EH_REQUIRE(h, item->old_key == NULL || strcmp(item->old_key, key) != 0,
                   "the content of '%s' changed, and its ChangeKey did not", item->content.subject);
        item->key = key;
    }
}

void eh_note_item(struct eh *h, size_t n, const char *element, int item)
{
    const struct xml_node *node = eh_answered(h, n, element);
    struct em_item *i = &h->model.items[item];
    const char *id = eh_attr(h, node, "Id");

    EH_REQUIRE(h, id[0] != '\0', "object %zu has no %s", n, element);
    EH_REQUIRE(h, i->id == NULL || strcmp(i->id, id) == 0, "'%s' has another id",
               i->content.subject);
    i->id = id;
    note_key(h, i, eh_attr(h, node, "ChangeKey"));
}

void eh_note_folder(struct eh *h, size_t n, int folder)
{
    const struct xml_node *node = eh_answered(h, n, "FolderId");
    struct em_folder *f = &h->model.folders[folder];
    const char *id = eh_attr(h, node, "Id"), *key = eh_attr(h, node, "ChangeKey");

    EH_REQUIRE(h, id[0] != '\0', "object %zu has no FolderId", n);
    EH_REQUIRE(h, f->id == NULL || strcmp(f->id, id) == 0, "folder '%s' has another id", f->name);
    f->id = id;
    if (f->key != NULL) {
        EH_REQUIRE(h, strcmp(f->key, key) == 0, "folder '%s' changed its ChangeKey", f->name);
    }
    EH_REQUIRE(h, f->key != NULL || f->old_key == NULL || strcmp(f->old_key, key) != 0,
               "folder '%s' changed, and its ChangeKey did not", f->name);
    f->key = key;
}

/* ---- learning ---- */

static int folder_by_id(const struct em *m, const char *id)
{
    for (size_t i = 0; i < m->folder_count; i++) {
        if (m->folders[i].id != NULL && strcmp(m->folders[i].id, id) == 0) {
            return (int)i;
        }
    }
    return EM_GONE;
}

static void learn_folder(struct eh *h, const struct xml_node *node)
{
    const char *id = eh_attr(h, eh_find(node, "FolderId"), "Id");
    const char *parent_id = eh_attr(h, eh_find(node, "ParentFolderId"), "Id");
    const char *name = eh_text_of(h, eh_find(node, "DisplayName"));
    int parent = folder_by_id(&h->model, parent_id), folder;
    struct em_folder *f;

    EH_REQUIRE(h, parent != EM_GONE, "folder '%s' is below one that is unknown", name);
    folder = em_folder_child(&h->model, parent, name);
    EH_REQUIRE(h, folder != EM_GONE, "there is a folder '%s' below '%s'", name,
               h->model.folders[parent].name);
    f = &h->model.folders[folder];
    EH_REQUIRE(h, strcmp(f->name, name) == 0, "folder '%s' is called '%s'", f->name, name);
    EH_REQUIRE(h, f->id == NULL || strcmp(f->id, id) == 0, "folder '%s' has another id", name);
    f->id = id;
}

void eh_learn_folders(struct eh *h, int owner)
{
    size_t n = 0, expected = 0;

    eh_read(h, owner,
            "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape>"
            "<t:AdditionalProperties><t:FieldURI FieldURI='folder:DisplayName'/>"
            "<t:FieldURI FieldURI='folder:ParentFolderId'/></t:AdditionalProperties>"
            "</m:FolderShape><m:SyncFolderId><t:DistinguishedFolderId Id='root'/></m:SyncFolderId>"
            "</m:SyncFolderHierarchy>");
    for (const struct xml_node *change = ews_nth(h->fixture, "Changes", 0)->first_child;
         change != NULL; change = change->next) {
        learn_folder(h, change->first_child);
        n++;
    }
    for (size_t i = 0; i < h->model.folder_count; i++) {
        expected += h->model.folders[i].owner == owner && !h->model.folders[i].gone;
    }
    EH_REQUIRE(h, n + 1 == expected, "user %d has %zu folders, must have %zu", owner, n + 1,
               expected);
}

/* The folder's items, newest first, associated ones too. */
static void list_items(struct eh *h, int folder)
{
    eh_read(h, h->model.folders[folder].owner,
            "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
            "<t:AdditionalProperties><t:FieldURI FieldURI='item:Subject'/>"
            "<t:FieldURI FieldURI='message:IsRead'/><t:FieldURI FieldURI='item:IsAssociated'/>"
            "</t:AdditionalProperties></m:ItemShape><m:SyncFolderId>%s</m:SyncFolderId>"
            "<m:MaxChangesReturned>512</m:MaxChangesReturned>"
            "<m:SyncScope>NormalAndAssociatedItems</m:SyncScope></m:SyncFolderItems>",
            eh_folder_xml(h, folder));
}

static void learn_item(struct eh *h, int folder, struct em_item *item, const struct xml_node *node)
{
    const char *id = eh_attr(h, eh_find(node, "ItemId"), "Id");
    const char *subject = eh_text_of(h, eh_find(node, "Subject"));
    const char *read = eh_text_of(h, eh_find(node, "IsRead"));
    const char *associated = eh_text_of(h, eh_find(node, "IsAssociated"));
    const struct em_content *c = &item->content;

    EH_REQUIRE(h, str_is(node->name, em_element(c->class)) && strcmp(subject, c->subject) == 0,
               "in '%s' a %s '%s' must be the next, not a %.*s '%s'", h->model.folders[folder].name,
               em_element(c->class), c->subject, STR_ARG(node->name), subject);
    EH_REQUIRE(h, item->id == NULL || strcmp(item->id, id) == 0, "'%s' has another id", subject);
    EH_REQUIRE(h, !em_shows_read(c->class) || strcmp(read, item->read ? "true" : "false") == 0,
               "IsRead of '%s' is %s", subject, read);
    EH_REQUIRE(h, strcmp(associated, item->associated ? "true" : "false") == 0,
               "IsAssociated of '%s' is %s", subject, associated);
    item->id = id;
    note_key(h, item, eh_attr(h, eh_find(node, "ItemId"), "ChangeKey"));
}

void eh_learn_items(struct eh *h, int folder)
{
    int items[EM_MAX_ITEMS];
    size_t n = em_items_of(&h->model, folder, items), at = n;

    list_items(h, folder);
    EH_REQUIRE(h, strcmp(ews_codes(h->fixture), "NoError") == 0, "listing '%s': %s",
               h->model.folders[folder].name, ews_codes(h->fixture));
    for (const struct xml_node *change = ews_nth(h->fixture, "Changes", 0)->first_child;
         change != NULL; change = change->next) {
        EH_REQUIRE(h, at > 0, "'%s' has more than %zu items", h->model.folders[folder].name, n);
        learn_item(h, folder, &h->model.items[items[--at]], change->first_child);
    }
    EH_REQUIRE(h, at == 0, "'%s' has %zu items, must have %zu", h->model.folders[folder].name,
               n - at, n);
}

/* ---- refusals ---- */

const char *eh_refusal_of_folder(const struct em *m, int user, int folder)
{
    if (m->folders[folder].gone) {
        return m->folders[folder].owner == user ? "ErrorItemNotFound" : "ErrorFolderNotFound";
    }
    return em_may(m, user, folder, RIGHT_FOLDER_VISIBLE) ? NULL : "ErrorFolderNotFound";
}

const char *eh_refusal_of_item(const struct em *m, int user, int item)
{
    int folder = m->items[item].folder;

    if (folder == EM_GONE) {
        return "ErrorItemNotFound";
    }
    if (em_may(m, user, folder, RIGHT_READ_ITEMS)) {
        return NULL;
    }
    return em_may(m, user, folder, RIGHT_FOLDER_VISIBLE) ? "ErrorAccessDenied"
                                                         : "ErrorItemNotFound";
}

/* ---- the run ---- */

static void adopt_ids(struct eh *h)
{
    struct ews_fixture *f = h->fixture;

    for (int user = 0; user < EM_USERS; user++) {
        f->in = eh_mailbox(h, user);
        for (int d = DF_NONE + 1; d < DF_COUNT; d++) {
            h->model.folders[h->model.known[user][d]].id =
                arena_strdup(h->arena, ews_folder_id(f, ews_folder(f, (enum distinguished)d)));
        }
        eh_learn_folders(h, user);
    }
}

static void begin(struct eh *h)
{
    h->cause = "begin";
    prng_seed(&h->prng, h->seed);
    em_init(&h->model);
    h->names = h->requests = h->refused = h->changes_told = 0;
    h->stream_count = h->gone_count = 0;
    h->changes = false;
    buf_clear(&h->expected);
    adopt_ids(h);
    eh_share_some(h);
    eh_clients_start(h);
}

static void step(struct eh *h)
{
    clock_manual_advance(&h->fixture->clock, 1 + eh_pick(h, 5000));
    if (eh_one_in(h, 3)) {
        h->cause = "sync";
        eh_clients_step(h);
    } else {
        eh_act(h);
    }
    arena_reset(h->fixture->arena);
}

static void finish(struct eh *h)
{
    h->cause = "delivery at the end";
    eh_deliver(h);
    h->cause = "check at the end";
    eh_check_all(h);
    h->cause = "sync at the end";
    eh_clients_finish(h);
}

static bool has_room(const struct eh *h)
{
    return h->model.folder_count < EM_MAX_FOLDERS / 2 && h->model.item_count < EM_MAX_ITEMS / 2;
}

static void run(struct eh *h)
{
    begin(h);
    for (unsigned i = 0; i < h->steps && has_room(h); i++) {
        step(h);
    }
    finish(h);
}

static void clean_up(struct eh *h)
{
    mailbox_tx_rollback(&h->tx.tx);
    if (h->tx.mailbox != NULL) {
        store_mailbox_release(h->fixture->store, &h->tx.mailbox);
    }
    ews_fixture_free(&h->fixture);
    arena_free(&h->arena);
}

bool eh_run(struct eh *h)
{
    h->failure[0] = '\0';
    h->arena = arena_new(NULL, "history");
    h->fixture = ews_fixture_new();
    if (setjmp(h->failed) == 0) {
        run(h);
    }
    clean_up(h);
    return h->failure[0] == '\0';
}
