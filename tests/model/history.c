#include "history.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void history_fail(struct history *h, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(h->failure, sizeof(h->failure), fmt, ap);
    va_end(ap);
    longjmp(h->failed, 1);
}

void history_note(struct history *h, const char *fmt, ...)
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

unsigned pick(struct history *h, unsigned limit)
{
    return (unsigned)prng_below(&h->prng, limit);
}

bool one_in(struct history *h, unsigned n)
{
    return pick(h, n) == 0;
}

/* Half of the time where a client looks, so that things meet. */
uint64_t pick_folder(struct history *h)
{
    const struct model *m = &h->model;
    uint64_t id = m->folders[pick(h, (unsigned)m->folders_n)].id;

    if (one_in(h, 2)) {
        id = h->items[pick(h, HISTORY_ITEM_CLIENTS)].folder;
    } else if (one_in(h, 2) && m->folders_n > h->own_folders) {
        id = m->folders[h->own_folders + pick(h, (unsigned)(m->folders_n - h->own_folders))].id;
    }
    if (model_folder(m, id) == NULL && !one_in(h, 10)) {
        id = m->folders[h->own_folders - 1].id;
    }
    return id;
}

uint64_t pick_item(struct history *h)
{
    const struct model *m = &h->model;
    uint64_t folder = h->items[pick(h, HISTORY_ITEM_CLIENTS)].folder;
    unsigned tries;

    if (m->items_n == 0) {
        return 0;
    }
    for (tries = 0; tries < 12; tries++) {
        const struct model_item *item = &m->items[pick(h, (unsigned)m->items_n)];

        if (item->delete_seq == 0 && (tries > 6 || item->folder == folder)) {
            return item->id;
        }
    }
    return m->items[pick(h, (unsigned)m->items_n)].id;
}

/* ---- the mailbox as a whole ---- */

static void begin_read(struct history *h)
{
    MUST(h, mailbox_tx_begin(h->mailbox, MAILBOX_TX_READ, &h->tx, &h->err));
}

static void adopt_folders(struct history *h)
{
    struct folder root, *below;
    size_t n, i;

    begin_read(h);
    MUST(h, mailbox_folder_by_distinguished(h->tx, DF_ROOT, h->arena, &root, &h->err));
    MUST(h, mailbox_folder_list(h->tx, root.id, true, h->arena, &below, &n, &h->err));
    h->model.seq = mailbox_tx_seq(h->tx).v;
    mailbox_tx_rollback(&h->tx);
    model_adopt_folder(&h->model, &root);
    for (i = 0; i < n; i++) {
        if (below[i].distinguished == DF_MSGFOLDERROOT) {
            model_adopt_folder(&h->model, &below[i]);
        }
    }
    for (i = 0; i < n; i++) {
        if (below[i].distinguished != DF_MSGFOLDERROOT) {
            model_adopt_folder(&h->model, &below[i]);
        }
    }
}

static bool is_number(struct str text, uint64_t want)
{
    uint64_t v;

    return str_to_u64(text, &v) && v == want;
}

/* What is stored of an item, its bytes included. */
static void check_item(struct history *h, const struct model_item *m)
{
    struct item item = {0};
    struct str mime = STR_NULL;

    MUST(h, mailbox_item_get(h->tx, (struct item_id){m->id}, h->arena, &item, &h->err));
    REQUIRE(h,
            item.id.v == m->id && item.folder.v == m->folder && item.read_seq.v == m->read_seq &&
                item.change_seq.v == m->change_seq && is_number(item.props, m->content),
            "item %llu is not as it must be", LLU(m->id));
    REQUIRE(h, (item.body.v != 0) == (m->body >= 0), "item %llu: body or none", LLU(m->id));
    if (item.body.v != 0) {
        MUST(h, mailbox_body_read(h->tx, item.body, h->arena, &mime, &h->err));
        REQUIRE(h, is_number(mime, (uint64_t)m->body), "item %llu has another body", LLU(m->id));
    }
}

static void check_items(struct history *h, uint64_t folder, bool associated)
{
    const struct item_iter_options options = {
        .folder = {folder}, .order = (enum item_order)pick(h, 4), .associated = associated};
    struct item_iter *iter;
    struct item item;
    unsigned n = 0, expected = 0;
    size_t i;

    for (i = 0; i < h->model.items_n; i++) {
        const struct model_item *m = &h->model.items[i];

        expected += m->folder == folder && m->delete_seq == 0 && m->associated == associated;
    }
    MUST(h, mailbox_item_iter_begin(h->tx, &options, &iter, &h->err));
    while (mailbox_item_iter_next(iter, &item)) {
        const struct model_item *m = model_item(&h->model, item.id.v);

        REQUIRE(h, m != NULL && m->folder == folder && m->associated == associated,
                "folder %llu lists item %llu", LLU(folder), LLU(item.id.v));
        check_item(h, m);
        n++;
    }
    MUST(h, mailbox_item_iter_end(&iter, &h->err));
    REQUIRE(h, n == expected, "folder %llu lists %u items, must be %u", LLU(folder), n, expected);
}

static void check_folder(struct history *h, const struct model_folder *m)
{
    struct model_counts counts = model_counts(&h->model, m->id);
    struct folder f = {0};

    MUST(h, mailbox_folder_get(h->tx, (struct folder_id){m->id}, h->arena, &f, &h->err));
    REQUIRE(h, (f.id.v != 0) == !m->gone, "folder %llu is %s", LLU(m->id),
            m->gone ? "still there" : "gone");
    if (!m->gone) {
        REQUIRE(h,
                f.total == counts.total && f.unread == counts.unread &&
                    f.children == counts.children,
                "folder %llu counts %u %u %u, must be %u %u %u", LLU(m->id), f.total, f.unread,
                f.children, counts.total, counts.unread, counts.children);
        REQUIRE(h, f.change_seq.v == m->change_seq, "change_seq of folder %llu", LLU(m->id));
        check_items(h, m->id, false);
        check_items(h, m->id, true);
    }
}

static void check_all(struct history *h)
{
    size_t i;

    begin_read(h);
    MUST(h, mailbox_check(h->tx, &h->err));
    for (i = 0; i < h->model.folders_n; i++) {
        check_folder(h, &h->model.folders[i]);
    }
    mailbox_tx_rollback(&h->tx);
    arena_reset(h->arena);
}

static void restart(struct history *h)
{
    history_note(h, "restart");
    mailbox_close(&h->mailbox);
    MUST(h, mailbox_open(h->path, false, HISTORY_MAILBOX, &h->clock.base, &h->mailbox, &h->err));
}

/* ---- the run ---- */

static void begin(struct history *h)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(h->items); i++) {
        h->items[i].folder = 0;
    }
    h->model.items_n = h->model.folders_n = 0;
    h->pages = h->changes = 0;
    prng_seed(&h->prng, h->seed);
    clock_manual_init(&h->clock, 1700000000000);
    h->key = (struct token_key){.key = {1, 2, 3}, .epoch = 5};
    MUST(h, mailbox_open(h->path, false, HISTORY_MAILBOX, &h->clock.base, &h->mailbox, &h->err));
    adopt_folders(h);
    h->own_folders = h->model.folders_n;
    for (i = 0; i < ARRAY_LEN(h->items); i++) {
        item_client_start(h, &h->items[i]);
    }
    for (i = 0; i < ARRAY_LEN(h->trees); i++) {
        tree_client_start(h, &h->trees[i]);
    }
}

static void step(struct history *h)
{
    unsigned what = pick(h, 100);

    clock_manual_advance(&h->clock, 1 + pick(h, 5000));
    if (what < 55) {
        history_act(h);
    } else if (what < 90) {
        item_client_page(h, &h->items[pick(h, HISTORY_ITEM_CLIENTS)]);
    } else {
        tree_client_sync(h, &h->trees[pick(h, HISTORY_TREE_CLIENTS)]);
    }
}

bool history_run(struct history *h)
{
    unsigned i, restart_at;

    h->arena = arena_new(NULL, "history");
    h->mailbox = NULL;
    h->tx = NULL;
    /* What failed is left as it stands: the caller prints and ends. */
    if (setjmp(h->failed) != 0) {
        return false;
    }
    begin(h);
    restart_at = pick(h, h->steps);
    for (i = 0; i < h->steps && h->model.items_n + HISTORY_MAX_ACTIONS < MODEL_MAX_ITEMS &&
                h->model.folders_n + HISTORY_MAX_ACTIONS < MODEL_MAX_FOLDERS;
         i++) {
        if (i == restart_at) {
            restart(h);
        }
        step(h);
    }
    clients_finish(h);
    check_all(h);
    mailbox_close(&h->mailbox);
    arena_free(&h->arena);
    return true;
}
