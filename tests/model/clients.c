/* The clients of a random history: item sync of one folder, hierarchy sync below one anchor. */
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PAGES_TO_THE_END 4000

/* ---- positions go through their texts ---- */

static void check_token(struct history *h, const struct buf *text)
{
    REQUIRE(h, text->n > 0 && text->n <= TOKEN_TEXT_MAX, "a token of %zu characters", text->n);
}

static struct sync_position through_token(struct history *h, uint64_t folder,
                                          const struct sync_position *pos)
{
    const struct token_sync_items t = {.mailbox = HISTORY_MAILBOX,
                                       .folder = {folder},
                                       .associated = pos->associated,
                                       .associated_all = pos->associated_all,
                                       .base = pos->base,
                                       .top = pos->top,
                                       .cursor = pos->cursor};
    struct token_sync_items back = {0};
    struct buf text = BUF_INIT;
    int rc;

    token_sync_items_write(&text, &h->key, &t);
    rc = token_sync_items_read(&h->key, buf_str(&text), &back, &h->err);
    check_token(h, &text);
    buf_fini(&text);
    REQUIRE(h, rc == 0, "token of base %llu top %llu cursor %llu is refused: %s", LLU(t.base.v),
            LLU(t.top.v), LLU(t.cursor.v), h->err.log_text);
    return (struct sync_position){.base = back.base,
                                  .top = back.top,
                                  .cursor = back.cursor,
                                  .associated = back.associated,
                                  .associated_all = back.associated_all};
}

static struct seq tree_through_token(struct history *h, uint64_t anchor, struct seq at)
{
    const struct token_sync_hierarchy t = {
        .mailbox = HISTORY_MAILBOX, .anchor = {anchor}, .at = at};
    struct token_sync_hierarchy back = {0};
    struct buf text = BUF_INIT;
    int rc;

    token_sync_hierarchy_write(&text, &h->key, &t);
    rc = token_sync_hierarchy_read(&h->key, buf_str(&text), &back, &h->err);
    check_token(h, &text);
    buf_fini(&text);
    REQUIRE(h, rc == 0, "hierarchy token at %llu is refused", LLU(at.v));
    return back.at;
}

/* ---- item clients ---- */

static void state_copy(struct item_state *to, const struct item_state *from)
{
    to->pos = from->pos;
    to->last_key = from->last_key;
    to->created.n = from->created.n;
    memcpy(to->created.v, from->created.v, from->created.n * sizeof(from->created.v[0]));
    item_replica_copy(&to->replica, &from->replica);
}

static void state_reset(struct item_state *s)
{
    s->pos = (struct sync_position){0};
    s->last_key = UINT64_MAX;
    s->created.n = 0;
    s->replica.n = 0;
    s->replica.blurred.n = 0;
}

void item_client_start(struct history *h, struct item_client *c)
{
    do {
        c->folder = pick_folder(h);
    } while (model_folder(&h->model, c->folder) == NULL);
    c->associated = one_in(h, 2);
    c->with_props = one_in(h, 2);
    state_reset(&c->now);
    state_reset(&c->saved);
    history_note(h, "client %d starts on %llu", (int)(c - h->items), LLU(c->folder));
}

static int compare_ids(const void *a, const void *b)
{
    const struct item_id *x = a, *y = b;

    return x->v > y->v ? 1 : -(x->v < y->v);
}

/* Some items of the mailbox, sorted, and some ids that are none. */
static size_t pick_ignored(struct history *h, struct item_id *ids, size_t max)
{
    size_t n = 0;

    if (one_in(h, 8)) {
        for (n = 0; n < max && !one_in(h, 4); n++) {
            ids[n].v = one_in(h, 6) ? prng_next(&h->prng) >> 1 : pick_item(h);
        }
        qsort(ids, n, sizeof(*ids), compare_ids);
    }
    return n;
}

static uint64_t key_of(struct history *h, const struct item_change *c)
{
    const struct model_item *item = model_item_ever(&h->model, c->item.id.v);

    REQUIRE(h, item != NULL, "a change of item %llu that never was", LLU(c->item.id.v));
    switch (c->kind) {
    case CHANGE_CREATE: return item->id;
    case CHANGE_UPDATE: return item->change_seq;
    case CHANGE_READ_FLAG: return item->read_seq;
    case CHANGE_DELETE: return item->delete_seq;
    }
    history_fail(h, "a change of kind %d", (int)c->kind);
}

struct page {
    struct item_sync_options options;
    bool widened; /* this window also tells what is older than base */
    unsigned told;
};

static void check_change(struct history *h, const struct item_state *s, const struct page *page,
                         const struct item_change *c)
{
    uint64_t key = key_of(h, c), id = c->item.id.v;
    const struct model_item *item = model_item_ever(&h->model, id);
    size_t i;

    REQUIRE(h, key < s->last_key, "key %llu after %llu", LLU(key), LLU(s->last_key));
    REQUIRE(h, item->folder == page->options.folder.v, "item %llu is in another folder", LLU(id));
    REQUIRE(h, page->options.associated || !item->associated, "item %llu is out of scope", LLU(id));
    REQUIRE(h, key > s->pos.base.v || (page->widened && item->associated),
            "key %llu is not above base %llu", LLU(key), LLU(s->pos.base.v));
    REQUIRE(h, c->kind == CHANGE_CREATE || id <= s->pos.base.v,
            "change of kind %d for item %llu, which base %llu does not cover", (int)c->kind,
            LLU(id), LLU(s->pos.base.v));
    REQUIRE(h, c->kind != CHANGE_CREATE || !id_set_has(&s->created, id),
            "item %llu is told as Create twice in a window", LLU(id));
    for (i = 0; i < page->options.ignore_count; i++) {
        REQUIRE(h, page->options.ignore[i].v != id, "item %llu was to be ignored", LLU(id));
    }
}

static void take_change(struct history *h, struct item_state *s, const struct page *page,
                        const struct item_change *c)
{
    const struct apply_options how = {.with_props = page->options.with_props,
                                      .may_know = page->widened};
    struct apply_options flag_how = how;
    struct why why;

    history_note(h, "  %s %llu", &"Create\0Update\0Delete\0ReadFl"[7 * (int)c->kind],
                 LLU(c->item.id.v));
    check_change(h, s, page, c);
    flag_how.with_props = how.with_props && c->kind != CHANGE_READ_FLAG;
    REQUIRE(h, item_replica_apply(&s->replica, c, &flag_how, &why), "%s", why.text);
    s->last_key = key_of(h, c);
    if (c->kind == CHANGE_CREATE) {
        id_set_add(&s->created, c->item.id.v);
    }
    h->changes++;
}

static bool is_widened(const struct item_client *c)
{
    const struct sync_position *pos = &c->now.pos;

    if (pos->cursor.v != 0) {
        return pos->associated_all;
    }
    return c->associated && !pos->associated && pos->base.v != 0;
}

static bool same_place(const struct sync_position *a, const struct sync_position *b)
{
    return a->base.v == b->base.v && a->top.v == b->top.v && a->cursor.v == b->cursor.v;
}

static void blur_ignored(struct history *h, struct item_state *s, const struct page *page)
{
    size_t i;

    for (i = 0; i < page->options.ignore_count; i++) {
        const struct model_item *item = model_item_ever(&h->model, page->options.ignore[i].v);

        if (item != NULL && item->folder == page->options.folder.v) {
            id_set_add(&s->replica.blurred, item->id);
        }
    }
}

/* 0, or the negative kind that begin answered. */
static int run_page(struct history *h, struct item_client *c, struct page *page, bool *done_r)
{
    struct item_state *s = &c->now;
    unsigned stop_after = one_in(h, 10) ? pick(h, 4) : UINT32_MAX;
    struct sync_position from = through_token(h, c->folder, &s->pos), to = {0};
    struct item_change change;
    struct item_sync *sync = NULL;

    TRY(item_sync_begin(h->tx, &page->options, &from, &sync, &h->err));
    while (page->told != stop_after && item_sync_next(sync, &change)) {
        take_change(h, s, page, &change);
        page->told++;
    }
    MUST(h, item_sync_end(&sync, &to, done_r, &h->err));
    REQUIRE(h, page->told <= page->options.max_changes, "%u changes, asked for %u", page->told,
            page->options.max_changes);
    REQUIRE(h, *done_r || page->told == 0 || !same_place(&to, &from),
            "no progress from base %llu cursor %llu", LLU(from.base.v), LLU(from.cursor.v));
    blur_ignored(h, s, page);
    s->pos = to;
    if (to.cursor.v == 0) {
        s->last_key = UINT64_MAX;
        s->created.n = 0;
    }
    return 0;
}

static bool read_page(struct history *h, struct item_client *c, struct page *page)
{
    struct why why;
    bool done = false;
    int rc;

    MUST(h, mailbox_tx_begin(h->mailbox, MAILBOX_TX_READ, &h->tx, &h->err));
    rc = run_page(h, c, page, &done);
    mailbox_tx_rollback(&h->tx);
    h->pages++;
    if (model_folder(&h->model, c->folder) == NULL) {
        REQUIRE(h, rc == -ERR_SYNC_FOLDER_NOT_FOUND, "folder %llu is gone, the answer is %d",
                LLU(c->folder), rc);
        item_client_start(h, c);
        return false;
    }
    REQUIRE(h, rc == 0, "page of folder %llu fails: %s", LLU(c->folder), h->err.log_text);
    if (done) {
        REQUIRE(h, item_replica_equals(&c->now.replica, &h->model, c->folder, c->associated, &why),
                "client of folder %llu: %s", LLU(c->folder), why.text);
    }
    return done;
}

/* One page, at times with the answer lost, or after falling back to an old state. True when it is up to date. */
static bool next_page(struct history *h, struct item_client *c, unsigned max)
{
    struct item_id ignore[8];
    struct page page = {.options = {.folder = {c->folder},
                                    .associated = c->associated,
                                    .max_changes = max,
                                    .ignore = ignore,
                                    .ignore_count = pick_ignored(h, ignore, ARRAY_LEN(ignore)),
                                    .with_props = c->with_props},
                        .widened = is_widened(c)};
    bool done, lost = one_in(h, 8);
    uint64_t folder = c->folder;

    history_note(h, "client %d: page of %llu from (%llu, %llu] %llu, at most %u%s",
                 (int)(c - h->items), LLU(c->folder), LLU(c->now.pos.base.v), LLU(c->now.pos.top.v),
                 LLU(c->now.pos.cursor.v), max, lost ? ", lost" : "");
    if (lost) {
        state_copy(&c->scratch, &c->now);
    }
    done = read_page(h, c, &page);
    if (lost && c->folder == folder) {
        state_copy(&c->now, &c->scratch);
        return false;
    }
    return done;
}

void item_client_page(struct history *h, struct item_client *c)
{
    if (one_in(h, 12)) {
        state_copy(&c->saved, &c->now);
    } else if (one_in(h, 25)) {
        history_note(h, "client %d falls back", (int)(c - h->items));
        state_copy(&c->now, &c->saved);
    }
    if (one_in(h, 10)) {
        c->associated = !c->associated;
    }
    next_page(h, c, one_in(h, 4) ? 1 + pick(h, 512) : 1 + pick(h, 6));
}

/* ---- hierarchy clients ---- */

void tree_client_start(struct history *h, struct tree_client *c)
{
    static const enum distinguished fixed[] = {DF_ROOT, DF_MSGFOLDERROOT};
    size_t which = (size_t)(c - h->trees);

    do {
        c->anchor = which < ARRAY_LEN(fixed) ? h->model.folders[0].id : pick_folder(h);
        if (which < ARRAY_LEN(fixed) && fixed[which] == DF_MSGFOLDERROOT) {
            c->anchor = h->model.folders[1].id;
        }
    } while (model_folder(&h->model, c->anchor) == NULL);
    c->initial = c->saved_initial = true;
    c->replica.anchor = c->saved.anchor = c->anchor;
    c->replica.n = c->saved.n = 0;
}

static void take_folders(struct history *h, struct tree_client *c,
                         const struct folder_change *changes, size_t n)
{
    struct why why;
    size_t i;

    for (i = 0; i < n; i++) {
        history_note(h, "  folder %s %llu", &"Create\0Update\0Delete"[7 * (int)changes[i].kind],
                     LLU(changes[i].folder.id.v));
        REQUIRE(h, tree_replica_apply(&c->replica, &changes[i], &why), "anchor %llu: %s",
                LLU(c->anchor), why.text);
    }
    REQUIRE(h, tree_replica_equals(&c->replica, &h->model, &why), "anchor %llu: %s", LLU(c->anchor),
            why.text);
    h->changes += (unsigned)n;
}

static void sync_tree(struct history *h, struct tree_client *c)
{
    struct folder_change *changes = NULL;
    struct seq since = tree_through_token(h, c->anchor, c->at);
    size_t n = 0;
    int rc;

    MUST(h, mailbox_tx_begin(h->mailbox, MAILBOX_TX_READ, &h->tx, &h->err));
    rc = hierarchy_sync(h->tx, (struct folder_id){c->anchor}, c->initial, since, h->arena, &changes,
                        &n, &c->at, &h->err);
    mailbox_tx_rollback(&h->tx);
    h->pages++;
    if (model_folder(&h->model, c->anchor) == NULL) {
        REQUIRE(h, rc == -ERR_SYNC_FOLDER_NOT_FOUND, "anchor %llu is gone, the answer is %d",
                LLU(c->anchor), rc);
        tree_client_start(h, c);
        return;
    }
    REQUIRE(h, rc == 0, "hierarchy of %llu fails: %s", LLU(c->anchor), h->err.log_text);
    history_note(h, "hierarchy of %llu since %llu", LLU(c->anchor), LLU(since.v));
    take_folders(h, c, changes, n);
    c->initial = false;
    arena_reset(h->arena);
}

void tree_client_sync(struct history *h, struct tree_client *c)
{
    if (one_in(h, 8)) {
        tree_replica_copy(&c->saved, &c->replica);
        c->saved_at = c->at;
        c->saved_initial = c->initial;
    } else if (one_in(h, 12)) {
        tree_replica_copy(&c->replica, &c->saved);
        c->at = c->saved_at;
        c->initial = c->saved_initial;
    }
    sync_tree(h, c);
}

/* ---- the end ---- */

void clients_finish(struct history *h)
{
    size_t i;
    unsigned pages;

    for (i = 0; i < ARRAY_LEN(h->items); i++) {
        for (pages = 0; !next_page(h, &h->items[i], 1 + pick(h, 40)); pages++) {
            REQUIRE(h, pages < MAX_PAGES_TO_THE_END, "client %zu comes to no end", i);
        }
    }
    for (i = 0; i < ARRAY_LEN(h->trees); i++) {
        sync_tree(h, &h->trees[i]);
    }
}
