/* The changes of a random history, each made to the mailbox and to the model, which must answer alike. */
#include "history.h"

#include "mailbox/folder_write.h"

#include <stdio.h>

static const char *const names[] = {"a", "b", "c", "A", "B", "d", "e", "inbox"};

static void check_answer(struct history *h, const char *what, int real, int model)
{
    REQUIRE(h, real == model, "%s: answered %s (%s), must be %s", what,
            real < 0 ? err_kind_name((enum err_kind) - real) : "fine",
            real < 0 ? h->err.log_text : "",
            model < 0 ? err_kind_name((enum err_kind) - model) : "fine");
}

static void check_new(struct history *h, const char *what, int rc, uint64_t real, uint64_t model)
{
    REQUIRE(h, rc < 0 || real == model, "%s: got id %llu, must be %llu", what, LLU(real),
            LLU(model));
}

/* ---- items ---- */

static int act_add(struct history *h)
{
    char content[16];
    struct model_item m = {.folder = pick_folder(h),
                           .content = pick(h, 1000000),
                           .kind = 1 + (int)pick(h, ITEM_KIND_COUNT - 1),
                           .associated = one_in(h, 4),
                           .read = one_in(h, 3)};
    struct item_draft draft = {.kind = (enum item_kind)m.kind,
                               .flags = (m.associated ? ITEM_ASSOCIATED : 0u) |
                                        (m.read ? ITEM_READ : 0u),
                               .received_ms = h->clock.now_unix_ms,
                               .delivered = one_in(h, 2)};
    struct item_id id = {0};
    uint64_t model_id = 0;
    int rc, want;

    snprintf(content, sizeof(content), "%u", m.content);
    draft.props = str_from(content);
    draft.mime = one_in(h, 4) ? STR_NULL : draft.props;
    m.body = draft.mime.p != NULL ? (int64_t)m.content : -1;
    rc = mailbox_item_add(h->tx, (struct folder_id){m.folder}, &draft, &id, &h->err);
    want = model_item_add(&h->model, &m, &model_id);
    history_note(h, "add to %llu: %llu%s", LLU(m.folder), LLU(model_id),
                 m.associated ? " associated" : "");
    check_answer(h, "add", rc, want);
    check_new(h, "add", rc, id.v, model_id);
    return rc;
}

static int act_update(struct history *h)
{
    char content[16];
    uint32_t value = pick(h, 1000000);
    uint64_t id = pick_item(h);
    struct item_update update = {.flags = ITEM_READ}; /* which it must not touch */
    int rc;

    snprintf(content, sizeof(content), "%u", value);
    update.props = str_from(content);
    update.mime = one_in(h, 2) ? update.props : STR_NULL;
    history_note(h, "update %llu", LLU(id));
    rc = mailbox_item_update(h->tx, (struct item_id){id}, &update, &h->err);
    check_answer(
        h, "update", rc,
        model_item_update(&h->model, id, value, update.mime.p != NULL ? (int64_t)value : -1));
    return rc;
}

static int act_set_read(struct history *h)
{
    uint64_t id = pick_item(h);
    bool read = one_in(h, 2);
    int rc;

    history_note(h, "set read of %llu to %d", LLU(id), read);
    rc = mailbox_item_set_read(h->tx, (struct item_id){id}, read, &h->err);
    check_answer(h, "set read", rc, model_item_set_read(&h->model, id, read));
    return rc;
}

static int act_delete(struct history *h)
{
    uint64_t id = pick_item(h);
    int rc;

    history_note(h, "delete %llu", LLU(id));
    rc = mailbox_item_delete(h->tx, (struct item_id){id}, &h->err);
    check_answer(h, "delete", rc, model_item_delete(&h->model, id));
    return rc;
}

static int act_move(struct history *h)
{
    uint64_t id = pick_item(h), to = pick_folder(h), model_id = 0;
    struct item_id new_id = {0};
    int rc, want;

    rc = mailbox_item_move(h->tx, (struct item_id){id}, (struct folder_id){to}, &new_id, &h->err);
    want = model_item_move(&h->model, id, to, &model_id);
    history_note(h, "move %llu to %llu: %llu", LLU(id), LLU(to), LLU(model_id));
    check_answer(h, "move", rc, want);
    check_new(h, "move", rc, new_id.v, model_id);
    return rc;
}

static int act_copy(struct history *h)
{
    uint64_t id = pick_item(h), to = pick_folder(h), model_id = 0;
    struct item_id new_id = {0};
    int rc, want;

    rc = mailbox_item_copy(h->tx, (struct item_id){id}, (struct folder_id){to}, &new_id, &h->err);
    want = model_item_copy(&h->model, id, to, &model_id);
    history_note(h, "copy %llu to %llu: %llu", LLU(id), LLU(to), LLU(model_id));
    check_answer(h, "copy", rc, want);
    check_new(h, "copy", rc, new_id.v, model_id);
    return rc;
}

/* ---- folders ---- */

static int act_folder_create(struct history *h)
{
    const char *name = names[pick(h, ARRAY_LEN(names))];
    struct folder_draft draft = {
        .parent = {pick_folder(h)}, .name = str_from(name), .hidden = one_in(h, 4)};
    struct folder_id id = {0};
    uint64_t model_id = 0;
    int rc, want;

    rc = mailbox_folder_create(h->tx, &draft, &id, &h->err);
    want = model_folder_create(&h->model, draft.parent.v, name, draft.hidden, &model_id);
    history_note(h, "create folder %s in %llu: %llu", name, LLU(draft.parent.v), LLU(model_id));
    check_answer(h, "create folder", rc, want);
    check_new(h, "create folder", rc, id.v, model_id);
    return rc;
}

static int act_folder_update(struct history *h)
{
    const char *name = names[pick(h, ARRAY_LEN(names))];
    uint64_t id = pick_folder(h);
    struct folder_update update = {
        .name = str_from(name), .has_hidden = true, .hidden = pick(h, 2) != 0};
    int rc;

    history_note(h, "update folder %llu: %s hidden %d", LLU(id), name, update.hidden);
    rc = mailbox_folder_update(h->tx, (struct folder_id){id}, &update, &h->err);
    check_answer(h, "update folder", rc, model_folder_update(&h->model, id, name, update.hidden));
    return rc;
}

static int act_folder_move(struct history *h)
{
    uint64_t id = pick_folder(h), to = pick_folder(h);
    int rc;

    history_note(h, "move folder %llu to %llu", LLU(id), LLU(to));
    rc = mailbox_folder_move(h->tx, (struct folder_id){id}, (struct folder_id){to}, &h->err);
    check_answer(h, "move folder", rc, model_folder_move(&h->model, id, to));
    return rc;
}

static int act_folder_delete(struct history *h)
{
    uint64_t id = pick_folder(h);
    int rc;

    history_note(h, "delete folder %llu", LLU(id));
    rc = mailbox_folder_delete(h->tx, (struct folder_id){id}, &h->err);
    check_answer(h, "delete folder", rc, model_folder_delete(&h->model, id));
    return rc;
}

/* Copies of copies would outgrow the model. */
#define COPY_MAX_ITEMS 800
#define COPY_MAX_FOLDERS 120

static int act_folder_copy(struct history *h)
{
    uint64_t id = pick_folder(h), to = pick_folder(h), model_id = 0;
    struct folder_id new_id = {0};
    int rc, want;

    if (h->model.items_n > COPY_MAX_ITEMS || h->model.folders_n > COPY_MAX_FOLDERS) {
        return 0;
    }
    rc = mailbox_folder_copy(h->tx, (struct folder_id){id}, (struct folder_id){to}, &new_id,
                             &h->err);
    want = model_folder_copy(&h->model, id, to, &model_id);
    history_note(h, "copy folder %llu to %llu: %llu", LLU(id), LLU(to), LLU(model_id));
    check_answer(h, "copy folder", rc, want);
    check_new(h, "copy folder", rc, new_id.v, model_id);
    return rc;
}

static int act_folder_trash(struct history *h)
{
    uint64_t id = pick_folder(h);
    int rc;

    history_note(h, "trash folder %llu", LLU(id));
    rc = mailbox_folder_trash(h->tx, (struct folder_id){id}, &h->err);
    check_answer(h, "trash folder", rc, model_folder_trash(&h->model, id));
    return rc;
}

static int act_folder_empty(struct history *h)
{
    const uint64_t targets[] = {[EMPTY_HARD] = 0,
                                [EMPTY_TO_RECOVERABLE] = h->model.recoverable,
                                [EMPTY_TO_DELETED_ITEMS] = h->model.bin};
    uint64_t id = pick_folder(h);
    enum empty_how how = (enum empty_how)pick(h, ARRAY_LEN(targets));
    bool below = one_in(h, 2);
    int rc;

    history_note(h, "empty folder %llu into %llu%s", LLU(id), LLU(targets[how]),
                 below ? " with what is below" : "");
    rc = mailbox_folder_empty(h->tx, (struct folder_id){id}, how, below, &h->err);
    check_answer(h, "empty folder", rc, model_folder_empty(&h->model, id, targets[how], below));
    return rc;
}

static int act_folder_mark_all(struct history *h)
{
    uint64_t id = pick_folder(h);
    bool read = one_in(h, 2);
    int rc;

    history_note(h, "mark all of %llu %d", LLU(id), read);
    rc = mailbox_folder_mark_all(h->tx, (struct folder_id){id}, read, &h->err);
    check_answer(h, "mark all", rc, model_folder_mark_all(&h->model, id, read));
    return rc;
}

/* ---- transactions ---- */

struct action {
    int (*run)(struct history *h);
    unsigned weight;
};

static const struct action actions[] = {
    {act_add, 40},          {act_update, 16},
    {act_set_read, 16},     {act_delete, 14},
    {act_move, 8},          {act_copy, 5},
    {act_folder_create, 8}, {act_folder_update, 4},
    {act_folder_move, 7},   {act_folder_delete, 2},
    {act_folder_copy, 2},   {act_folder_trash, 2},
    {act_folder_empty, 1},  {act_folder_mark_all, 3},
};

static const struct action *pick_action(struct history *h)
{
    unsigned sum = 0, n, i;

    for (i = 0; i < ARRAY_LEN(actions); i++) {
        sum += actions[i].weight;
    }
    n = pick(h, sum);
    for (i = 0; n >= actions[i].weight; i++) {
        n -= actions[i].weight;
    }
    return &actions[i];
}

/* A failed part is undone, as workers do; a good one is at times, as if something after it had failed. */
static void run_part(struct history *h)
{
    int rc;

    model_copy(&h->undo_part, &h->model);
    MUST(h, mailbox_tx_part_begin(h->tx, &h->err));
    rc = pick_action(h)->run(h);
    if (rc < 0 || one_in(h, 25)) {
        history_note(h, "  undone");
        MUST(h, mailbox_tx_part_undo(h->tx, &h->err));
        model_copy(&h->model, &h->undo_part);
    } else {
        MUST(h, mailbox_tx_part_keep(h->tx, &h->err));
    }
}

void history_act(struct history *h)
{
    unsigned n = one_in(h, 3) ? 1 + pick(h, HISTORY_MAX_ACTIONS) : 1;

    model_copy(&h->undo_tx, &h->model);
    MUST(h, mailbox_tx_begin(h->mailbox, MAILBOX_TX_WRITE, &h->tx, &h->err));
    while (n-- != 0) {
        run_part(h);
    }
    REQUIRE(h, mailbox_tx_seq(h->tx).v == h->model.seq, "seq is %llu, must be %llu",
            LLU(mailbox_tx_seq(h->tx).v), LLU(h->model.seq));
    if (one_in(h, 25)) {
        history_note(h, "rolled back");
        mailbox_tx_rollback(&h->tx);
        model_copy(&h->model, &h->undo_tx);
    } else {
        MUST(h, mailbox_tx_commit(&h->tx, &h->err));
    }
}
