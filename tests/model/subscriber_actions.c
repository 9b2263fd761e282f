/* What is done to a mailbox. */
#include "subscriber_deed.h"

#include "base/buf.h"
#include "mailbox/folder_write.h"
#include "mailbox/props.h"

#define MAX_PARTS 6

/* ---- chance ---- */

uint64_t pick_folder(struct history *h, struct box *box)
{
    size_t i = pick(h, (unsigned)box->place_n);

    if (one_in(h, 2)) { /* where things meet */
        i = box->place_n - 1 - pick(h, box->place_n < 6 ? (unsigned)box->place_n : 6);
    }
    return box->places[i].folder;
}

static uint64_t pick_item(struct history *h, const struct box *box)
{
    for (unsigned tries = 0; box->n != 0 && tries < 20; tries++) {
        size_t last = box->n < 60 ? box->n : 60;
        const struct want *w =
            &box->wants[box->n - 1 - pick(h, (unsigned)(one_in(h, 3) ? box->n : last))];

        if (!w->folder) {
            return w->object;
        }
    }
    return 0;
}

/* ---- items ---- */

static struct str record(struct deed *d, int64_t start)
{
    struct props_writer w;
    struct buf out = BUF_INIT;
    struct str text;

    props_begin(&w, &out);
    props_add_int(&w, IPROP_MEETING_START, start);
    text = str_dup(d->arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static int do_add(struct deed *d)
{
    static const enum item_kind kinds[] = {ITEM_KIND_MESSAGE, ITEM_KIND_CALENDAR_ITEM,
                                           ITEM_KIND_CONTACT};
    struct item item = {.kind = kinds[pick(d->h, ARRAY_LEN(kinds))],
                        .flags = (one_in(d->h, 6) ? ITEM_ASSOCIATED : 0u) |
                                 (one_in(d->h, 3) ? ITEM_READ : 0u)};
    uint64_t folder = pick_folder(d->h, d->box);
    struct item_draft draft = {.kind = item.kind,
                               .flags = item.flags,
                               .received_ms = d->at_ms,
                               .props = record(d, pick(d->h, 3)),
                               .delivered = item.kind == ITEM_KIND_MESSAGE && one_in(d->h, 2)};
    struct item_id id;

    TRY(mailbox_item_add(d->tx, (struct folder_id){folder}, &draft, &id, d->err));
    box_event(d->box, id.v);
    if (draft.delivered) {
        say(d, NOTICE_NEW_MAIL, false, id.v, folder);
    }
    say(d, NOTICE_CREATED, false, id.v, folder);
    say_busy(d, &item, id.v, folder);
    say_contents(d, &item, false, folder);
    return 0;
}

static int64_t start_of(const struct item *item)
{
    struct props props;

    (void)props_open(&props, item->props);
    return props_int(&props, IPROP_MEETING_START, -1);
}

static int do_update(struct deed *d)
{
    int64_t start = pick(d->h, 3);
    const struct item_update update = {.props = record(d, start)};
    struct item item;

    TRY(item_before(d, pick_item(d->h, d->box), &item));
    TRY(mailbox_item_update(d->tx, item.id, &update, d->err));
    box_event(d->box, d->box->seq + 1);
    say(d, NOTICE_MODIFIED, false, item.id.v, item.folder.v);
    if (start != start_of(&item)) {
        say_busy(d, &item, item.id.v, item.folder.v);
    }
    say_contents(d, &item, false, item.folder.v);
    return 0;
}

static int do_flag(struct deed *d)
{
    bool read = one_in(d->h, 2);
    struct item item;

    TRY(item_before(d, pick_item(d->h, d->box), &item));
    TRY(mailbox_item_set_read(d->tx, item.id, read, d->err));
    if (read != ((item.flags & ITEM_READ) != 0)) {
        state_flagged(d, &item, false);
    }
    return 0;
}

static int do_delete(struct deed *d)
{
    struct item item;

    TRY(item_before(d, pick_item(d->h, d->box), &item));
    TRY(mailbox_item_delete(d->tx, item.id, d->err));
    state_deleted(d, &item, false);
    return 0;
}

static int do_move(struct deed *d)
{
    uint64_t to = pick_folder(d->h, d->box);
    struct item item;
    struct item_id id;

    TRY(item_before(d, pick_item(d->h, d->box), &item));
    TRY(mailbox_item_move(d->tx, item.id, (struct folder_id){to}, &id, d->err));
    state_moved(d, &item, to, false, false);
    return 0;
}

static int do_discard(struct deed *d)
{
    uint64_t to = one_in(d->h, 2) ? d->box->bin : d->box->recoverable;
    struct item item;
    struct item_id id;

    TRY(item_before(d, pick_item(d->h, d->box), &item));
    TRY(mailbox_item_discard(d->tx, item.id, (struct folder_id){to}, &id, d->err));
    state_moved(d, &item, to, true, false);
    return 0;
}

static int do_copy(struct deed *d)
{
    uint64_t to = pick_folder(d->h, d->box);
    struct item item;
    struct item_id id;

    TRY(item_before(d, pick_item(d->h, d->box), &item));
    TRY(mailbox_item_copy(d->tx, item.id, (struct folder_id){to}, &id, d->err));
    state_copied(d, &item, to, false);
    return 0;
}

/* ---- folders ---- */

static struct str pick_name(struct deed *d)
{
    return str_printf(d->arena, "%c%u", 'a' + (char)pick(d->h, 8), pick(d->h, 4));
}

static int do_folder_create(struct deed *d)
{
    struct folder_draft draft = {.parent = {pick_folder(d->h, d->box)}, .name = pick_name(d)};
    struct folder_id id;

    TRY(mailbox_folder_create(d->tx, &draft, &id, d->err));
    box_place(d->box, id.v, draft.parent.v);
    state_folder(d, NOTICE_CREATED, id.v, draft.parent.v);
    return 0;
}

static int do_folder_update(struct deed *d)
{
    const struct folder_update update = {.name = pick_name(d)};
    struct folder f;

    TRY(folder_before(d, pick_folder(d->h, d->box), &f));
    if (f.id.v == d->box->root) {
        return 0;
    }
    TRY(mailbox_folder_update(d->tx, f.id, &update, d->err));
    if (!str_eq(update.name, f.name)) {
        state_folder(d, NOTICE_MODIFIED, f.id.v, f.parent.v);
    }
    return 0;
}

static int do_folder_move(struct deed *d)
{
    uint64_t to = pick_folder(d->h, d->box);
    struct folder f;

    TRY(folder_before(d, pick_folder(d->h, d->box), &f));
    TRY(mailbox_folder_move(d->tx, f.id, (struct folder_id){to}, d->err));
    if (f.parent.v != to) {
        state_folder_moved(d, &f, to);
    }
    return 0;
}

static int do_folder_trash(struct deed *d)
{
    struct folder f;

    TRY(folder_before(d, pick_folder(d->h, d->box), &f));
    TRY(mailbox_folder_trash(d->tx, f.id, d->err));
    if (f.parent.v != d->box->bin) {
        state_folder_moved(d, &f, d->box->bin);
    }
    return 0;
}

static int do_folder_delete(struct deed *d)
{
    struct folder f, *under;
    size_t n;

    TRY(folder_before(d, pick_folder(d->h, d->box), &f));
    TRY(folders_below(d, f.id.v, &under, &n));
    TRY(mailbox_folder_delete(d->tx, f.id, d->err));
    state_folder_deleted(d, &f, under, n);
    return 0;
}

/* ---- transactions ---- */

static const struct action {
    const char *name;
    int (*run)(struct deed *d);
    unsigned weight;
} actions[] = {
    {"add", do_add, 40},
    {"update", do_update, 16},
    {"flag", do_flag, 12},
    {"delete", do_delete, 10},
    {"move", do_move, 10},
    {"discard", do_discard, 6},
    {"copy", do_copy, 6},
    {"create folder", do_folder_create, 8},
    {"update folder", do_folder_update, 4},
    {"move folder", do_folder_move, 5},
    {"trash folder", do_folder_trash, 2},
    {"delete folder", do_folder_delete, 2},
    {"mark all", do_mark_all, 3},
    {"empty", do_empty, 2},
    {"copy folder", do_folder_copy, 2},
};

static const struct action *pick_action(struct history *h)
{
    unsigned sum = 0, n;
    size_t i = 0;

    for (size_t k = 0; k < ARRAY_LEN(actions); k++) {
        sum += actions[k].weight;
    }
    for (n = pick(h, sum); n >= actions[i].weight; i++) {
        n -= actions[i].weight;
    }
    return &actions[i];
}

/* One that fails means nothing; at times a good one is undone, as if something after it had failed. */
static int run_part(struct deed *d)
{
    const struct action *action = pick_action(d->h);
    struct box *box = d->box;
    size_t n = box->n, place_n = box->place_n;
    int rc;

    TRY(mailbox_tx_part_begin(d->tx, d->err));
    box->seq = mailbox_tx_seq(d->tx).v;
    rc = action->run(d);
    if (rc >= 0 && box->seq != mailbox_tx_seq(d->tx).v) {
        history_fail(d->h, "%s: the last number is %llu, must be %llu", action->name,
                     LLU(mailbox_tx_seq(d->tx).v), LLU(box->seq));
    }
    if (rc < 0 || one_in(d->h, 25)) {
        box_truncate(box, n, place_n);
        return mailbox_tx_part_undo(d->tx, d->err);
    }
    history_note(d->h, "  box %llu: %s: %zu notices, up to %llu", LLU(box->no.v), action->name,
                 box->n - n, LLU(box->seq));
    return mailbox_tx_part_keep(d->tx, d->err);
}

int actions_run(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "deed");
    struct deed d = {h, box, tx, arena, err_r, wall_ms(h)};
    unsigned parts = one_in(h, 3) ? 1 + pick(h, MAX_PARTS) : 1;
    size_t n = box->n, place_n = box->place_n;

    (void)context;
    if (one_in(h, 25)) {
        parts = 30; /* more than a page of notices */
    }
    for (unsigned i = 0; i < parts; i++) {
        TRY(run_part(&d));
    }
    if (one_in(h, 25)) {
        box_truncate(box, n, place_n);
        history_note(h, "  undone");
        return err_set(err_r, ERR_QUOTA, "undone");
    }
    return 0;
}

/* ---- the beginning ---- */

int actions_adopt(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                  struct err *err_r)
{
    struct folder root, *all;
    size_t n;

    (void)context;
    TRY(mailbox_folder_by_distinguished(tx, DF_ROOT, h->arena, &root, err_r));
    TRY(mailbox_folder_list(tx, root.id, true, h->arena, &all, &n, err_r));
    box->root = root.id.v;
    box_place(box, root.id.v, root.id.v);
    for (size_t i = 0; i < n; i++) {
        box_place(box, all[i].id.v, all[i].parent.v);
        box->bin = all[i].distinguished == DF_DELETEDITEMS ? all[i].id.v : box->bin;
        box->recoverable =
            all[i].distinguished == DF_RECOVERABLEITEMSDELETIONS ? all[i].id.v : box->recoverable;
    }
    box->committed_place_n = box->place_n;
    box->own_seq = mailbox_tx_seq(tx).v;
    box->floor_seq = mailbox_event_floor(tx).v;
    return 0;
}
