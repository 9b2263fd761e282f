/* Cursors, and the job that brings them to their rows: one write for all of a desk. */
#include "notify/notify-private.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* ---- cursors ---- */

struct cursor *cursor_find(const struct desk *desk, struct subscription_id id)
{
    struct cursor *c = desk->cursors;

    while (c != NULL && c->id.v != id.v) {
        c = c->next;
    }
    return c;
}

/* Rows have the wall clock's time, deadlines the monotonic one's. */
static int64_t monotonic_of(const struct hub *hub, int64_t unix_ms)
{
    return hub_now(hub) - most(clock_unix_ms(hub->clock) - unix_ms, 0);
}

static struct cursor *cursor_new(struct desk *desk, const struct subscription *row)
{
    struct cursor *c = mem_alloc_zero(1, sizeof(*c));

    c->id = row->id;
    c->told = c->sure = c->stored = row->cursor;
    c->failing_ms = c->stored_failing_ms = row->failing_ms;
    c->fresh = true;
    c->used_ms = monotonic_of(desk->hub, row->used_ms);
    c->refresh_ms =
        row->kind == SUBSCRIPTION_STREAMING ? least(row->life_ms / 4, NOTIFY_REFRESH_MS) : NEVER;
    c->next = desk->cursors;
    desk->cursors = c;
    return c;
}

struct cursor *cursor_use(struct desk *desk, const struct subscription *row)
{
    struct cursor *c = cursor_find(desk, row->id);

    if (c == NULL) {
        c = cursor_new(desk, row);
    }
    c->users++;
    return c;
}

void cursor_sure(struct cursor *c, struct log_position at)
{
    if (log_position_cmp(at, c->sure) > 0) {
        c->sure = at;
        c->urgent = true;
    }
}

/*
 * What broken connections told is told again, for nobody knows how much of it was read. But the first document of a connection counts as read when two have taken it, every byte acknowledged: a client
 * that takes one document and hangs up, as some do, would hear the same one for ever.
 */
void cursor_took_first(struct cursor *c, struct log_position at, int64_t now_ms)
{
    struct log_position before = c->again;

    if (log_position_cmp(before, c->sure) > 0) {
        cursor_sure(c, log_position_cmp(at, before) < 0 ? at : before);
    }
    if (log_position_cmp(at, before) > 0) {
        c->again = at;
    }
    c->forget_ms = now_ms + NOTIFY_REMEMBER_MS;
}

static bool is_remembered(const struct desk *desk, const struct cursor *c)
{
    return log_position_cmp(c->again, c->sure) > 0 && !desk->stopping &&
           c->forget_ms > hub_now(desk->hub);
}

int64_t cursors_forget_ms(const struct desk *desk)
{
    int64_t due_ms = NEVER;

    for (const struct cursor *c = desk->cursors; c != NULL; c = c->next) {
        if (c->users == 0 && !c->gone && is_remembered(desk, c)) {
            due_ms = least(due_ms, c->forget_ms);
        }
    }
    return due_ms;
}

/* The end of a connection is a sign of life. */
void cursor_unuse(struct cursor *c)
{
    assert(c->users > 0);
    c->users--;
    c->urgent = true;
}

void cursors_tidy(struct desk *desk)
{
    struct cursor **at = &desk->cursors;

    while (*at != NULL) {
        struct cursor *c = *at;

        if (c->users == 0 && !c->saving && (c->gone || (!c->urgent && !is_remembered(desk, c)))) {
            /* From here on the row knows best: who read it before is told to look again. */
            atomic_fetch_add(&desk->hub->version, 1);
            *at = c->next;
            free(c);
        } else {
            at = &c->next;
        }
    }
}

/* ---- what is to be saved ---- */

static int64_t cursor_due_ms(const struct cursor *c)
{
    if (c->gone) {
        return NEVER;
    }
    if (c->urgent) {
        return 0;
    }
    return c->users != 0 && c->refresh_ms != NEVER ? c->used_ms + c->refresh_ms : NEVER;
}

int64_t save_due_ms(const struct desk *desk)
{
    int64_t due_ms = desk->touched_n != 0 ? 0 : NEVER;

    if (desk->saving) {
        return NEVER;
    }
    for (const struct cursor *c = desk->cursors; c != NULL; c = c->next) {
        due_ms = least(due_ms, cursor_due_ms(c));
    }
    for (const struct push *p = desk->pushes; p != NULL; p = p->next) {
        due_ms = p->state == PUSH_ENDING ? 0 : due_ms;
    }
    return most(due_ms, desk->save_trouble.until_ms);
}

void save_touch(struct desk *desk, struct subscription_id id)
{
    for (size_t i = 0; i < desk->touched_n; i++) {
        if (desk->touched[i].v == id.v) {
            return;
        }
    }
    if (desk->touched_n == desk->touched_room) {
        desk->touched_room = desk->touched_room == 0 ? 8 : desk->touched_room * 2;
        desk->touched = mem_realloc(desk->touched, desk->touched_room * sizeof(*desk->touched));
    }
    desk->touched[desk->touched_n++] = id;
}

static size_t most_entries(const struct desk *desk)
{
    size_t n = desk->touched_n;

    for (const struct cursor *c = desk->cursors; c != NULL; c = c->next) {
        n++;
    }
    for (const struct push *p = desk->pushes; p != NULL; p = p->next) {
        n++;
    }
    return n;
}

/* Whose row has something to learn comes along, urgent or not. A fresh cursor may be behind its row, which then gets a sign of life alone. */
static bool is_worth_noting(const struct cursor *c, int64_t now_ms)
{
    return !c->gone && (cursor_due_ms(c) <= now_ms || log_position_cmp(c->sure, c->stored) != 0 ||
                        c->failing_ms != c->stored_failing_ms);
}

static void gather(struct desk *desk)
{
    int64_t now_ms = hub_now(desk->hub);
    struct save_entry *e;

    desk->save_arena = arena_new(NULL, "save");
    desk->entries = e = ARENA_ARRAY(desk->save_arena, struct save_entry, most_entries(desk));
    for (struct push *p = desk->pushes; p != NULL; p = p->next) {
        if (p->state == PUSH_ENDING) {
            *e++ = (struct save_entry){.what = SAVE_DELETE, .id = p->subscription.id, .push = p};
        }
    }
    for (struct cursor *c = desk->cursors; c != NULL; c = c->next) {
        if (is_worth_noting(c, now_ms)) {
            *e++ = (struct save_entry){.what = c->fresh ? SAVE_TOUCH : SAVE_NOTE,
                                       .id = c->id,
                                       .at = c->sure,
                                       .failing_ms = c->failing_ms,
                                       .cursor = c};
            c->saving = true;
            c->urgent = false;
        }
    }
    for (size_t i = 0; i < desk->touched_n; i++) {
        *e++ = (struct save_entry){.what = SAVE_TOUCH, .id = desk->touched[i]};
    }
    desk->touched_n = 0;
    desk->entry_n = (size_t)(e - desk->entries);
}

/* ---- the job ---- */

static int note_counts(struct desk *desk, struct mailbox_tx *tx, struct err *err_r)
{
    struct subscription_counts counts;

    TRY(subscription_count(tx, &counts, err_r));
    hub_note_counts(desk->hub, desk->no, &counts);
    return 0;
}

/* On a worker. The entries are the job's while it is out. */
static int save_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct desk *desk = container_of(job, struct desk, save);
    bool deleted = false;

    for (size_t i = 0; i < desk->entry_n; i++) {
        struct save_entry *e = &desk->entries[i];

        switch (e->what) {
        case SAVE_NOTE: e->found = subscription_note(tx, e->id, e->at, e->failing_ms, err_r); break;
        case SAVE_TOUCH: e->found = subscription_touch(tx, e->id, err_r); break;
        case SAVE_DELETE: e->found = subscription_delete(tx, e->id, err_r); break;
        }
        TRY(e->found);
        deleted = deleted || e->what == SAVE_DELETE;
    }
    return deleted ? note_counts(desk, tx, err_r) : 0;
}

static void noted(struct desk *desk, const struct save_entry *e, bool no_mailbox)
{
    struct cursor *c = e->cursor;

    c->saving = false;
    if (e->what == SAVE_NOTE) {
        c->stored = e->at;
        c->stored_failing_ms = e->failing_ms;
    }
    c->used_ms = hub_now(desk->hub);
    if (no_mailbox || e->found == 0) {
        c->gone = true;
        desk->rows_wanted = c->users != 0 || desk->rows_wanted;
    }
}

static void saved(struct desk *desk, bool no_mailbox)
{
    for (size_t i = 0; i < desk->entry_n; i++) {
        struct save_entry *e = &desk->entries[i];

        if (e->cursor != NULL) {
            noted(desk, e, no_mailbox);
        } else if (e->what == SAVE_DELETE) {
            push_drop(desk, e->push);
            desk->rows_wanted = true; /* the hint may go */
        }
    }
    pushes_noted(desk);
}

static void not_saved(struct desk *desk)
{
    for (size_t i = 0; i < desk->entry_n; i++) {
        struct save_entry *e = &desk->entries[i];

        if (e->cursor != NULL) {
            e->cursor->saving = false;
            e->cursor->urgent = true;
        } else if (e->what == SAVE_TOUCH) {
            save_touch(desk, e->id);
        }
    }
}

static void save_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct desk *desk = container_of(job, struct desk, save);
    struct hub *hub = desk->hub;

    desk_lock(desk);
    desk->saving = false;
    if (rc >= 0 || err->kind == ERR_NO_SUCH_MAILBOX) {
        saved(desk, rc < 0);
        desk->save_trouble = (struct trouble){0};
    } else {
        not_saved(desk);
        desk_trouble(desk, &desk->save_trouble, err);
    }
    desk->entry_n = 0;
    arena_free(&desk->save_arena);
    desk_leave(desk);
    hub_is_over(hub, &hub->jobs_out);
}

void save_submit(struct desk *desk)
{
    assert(!desk->saving);
    gather(desk);
    desk->save = (struct mailbox_job){
        .mailbox = desk->no, .write = true, .run = save_run, .done = save_done};
    desk->saving = hub_submit(desk, &desk->save);
    if (!desk->saving) {
        not_saved(desk);
        desk->entry_n = 0;
        arena_free(&desk->save_arena);
    }
}

/* ---- rows ---- */

struct subscription subscription_dup(struct arena *arena, const struct subscription *s)
{
    struct subscription copy = *s;

    copy.folders = arena_memdup(arena, s->folders, s->folder_n * sizeof(*s->folders));
    copy.url = str_dup(arena, s->url);
    copy.caller_data = str_dup(arena, s->caller_data);
    return copy;
}

const struct subscription *row_find(const struct subscription *rows, size_t n,
                                    struct subscription_id id)
{
    size_t from = 0, to = n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (rows[middle].id.v < id.v) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < n && rows[from].id.v == id.v ? &rows[from] : NULL;
}
