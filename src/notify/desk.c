/* A desk: its lock, its deadlines, and the job that reads the log for all that stand there. */
#include "notify/notify-private.h"

#include "base/log.h"
#include "base/mem.h"
#include "mailbox/mailbox.h"
#include "notify/reader.h"

#include <assert.h>
#include <stdlib.h>

static void read_submit(struct desk *desk);

struct desk *desk_new(struct hub *hub, struct mailbox_no no)
{
    struct desk *desk = mem_alloc_zero(1, sizeof(*desk));

    desk->hub = hub;
    desk->no = no;
    desk->due_ms = NEVER;
    pthread_mutex_init(&desk->mutex, NULL);
    return desk;
}

void desk_free(struct desk *desk)
{
    assert(desk->streams == NULL && desk->ended == NULL && !desk->reading && !desk->saving);
    while (desk->pushes != NULL) {
        push_drop(desk, desk->pushes);
    }
    while (desk->cursors != NULL) {
        struct cursor *c = desk->cursors;

        desk->cursors = c->next;
        free(c);
    }
    free(desk->touched);
    pthread_mutex_destroy(&desk->mutex);
    free(desk);
}

void desk_lock(struct desk *desk)
{
    pthread_mutex_lock(&desk->mutex);
}

/* ---- leaving ---- */

static int64_t read_due_ms(const struct desk *desk)
{
    int64_t due_ms;

    if (desk->reading || desk->stopping) {
        return NEVER;
    }
    due_ms = desk->rows_wanted ? 0 : least(streams_read_ms(desk), pushes_read_ms(desk));
    return most(due_ms, desk->read_trouble.until_ms);
}

/* I3: the desk's own reference. True: it is given back, by the caller. */
static bool let_go(struct desk *desk)
{
    bool holds = desk->pushes != NULL || desk->cursors != NULL || desk->touched_n != 0 ||
                 (desk->rows_wanted && !desk->stopping);
    bool drop = desk->holds && !holds;

    if (holds && !desk->holds) {
        desk_ref(desk);
    }
    desk->holds = holds;
    return drop;
}

/* They are nobody's but ours and their owners'. */
static void end_streams(struct hub_stream *stream)
{
    while (stream != NULL) {
        struct hub_stream *next = stream->next;
        struct desk *desk = stream->desk;
        struct hub *hub = desk->hub;
        bool last;

        stream->ops->ended(stream->outlet);
        desk_lock(desk);
        last = stream_unref(stream);
        pthread_mutex_unlock(&desk->mutex);
        if (last) {
            hub_stream_free(stream);
        }
        hub_is_over(hub, &hub->streams_out);
        stream = next;
    }
}

void desk_leave(struct desk *desk)
{
    int64_t now_ms = hub_now(desk->hub);
    struct hub_stream *ended = take(&desk->ended);
    bool drop;

    if (read_due_ms(desk) <= now_ms) {
        read_submit(desk);
    }
    if (save_due_ms(desk) <= now_ms) {
        save_submit(desk);
    }
    cursors_tidy(desk);
    desk_set_due(desk, least(least(streams_due_ms(desk), cursors_forget_ms(desk)),
                             least(read_due_ms(desk), save_due_ms(desk))));
    drop = let_go(desk);
    pthread_mutex_unlock(&desk->mutex);
    end_streams(ended);
    if (drop) {
        desk_unref(desk);
    }
    desk_unref(desk);
}

void desk_wake(struct desk *desk)
{
    int64_t now_ms = hub_now(desk->hub);

    desk->wakes++;
    for (struct hub_stream *s = desk->streams; s != NULL; s = s->next) {
        for (size_t i = 0; i < s->n; i++) {
            s->legs[i].hungry_ms = s->legs[i].hungry ? s->legs[i].hungry_ms : now_ms;
            s->legs[i].hungry = true;
        }
    }
    for (struct push *p = desk->pushes; p != NULL; p = p->next) {
        p->hungry = true;
    }
}

void desk_tick(struct desk *desk, int64_t now_ms)
{
    streams_tick(desk, now_ms);
}

bool desk_is_quiet(const struct desk *desk)
{
    for (const struct cursor *c = desk->cursors; c != NULL; c = c->next) {
        if (c->urgent && !c->gone) {
            return false;
        }
    }
    for (const struct push *p = desk->pushes; p != NULL; p = p->next) {
        if (p->state == PUSH_ENDING) {
            return false;
        }
    }
    return desk->streams == NULL && desk->ended == NULL && !desk->reading && !desk->saving &&
           desk->touched_n == 0;
}

void desk_trouble(struct desk *desk, struct trouble *t, const struct err *err)
{
    const struct log_field mailbox = LINT("mailbox", desk->no.v);

    t->step_ms = t->step_ms == 0 ? NOTIFY_TROUBLE_MS : least(t->step_ms * 2, NOTIFY_TROUBLE_MAX_MS);
    t->until_ms = hub_now(desk->hub) + t->step_ms;
    if (err->kind != ERR_SHUTTING_DOWN) {
        log_error(LOG_WARN, "notify.trouble", err, &mailbox, 1);
    }
}

/* ---- the read job ---- */

static void compare(struct desk *desk, const struct subscription *rows, size_t n)
{
    streams_compare(desk, rows, n);
    desk->hinted = pushes_compare(desk, rows, n) || desk->hinted;
}

static bool has_push(const struct subscription *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].kind == SUBSCRIPTION_PUSH) {
            return true;
        }
    }
    return false;
}

/* The hint is cleared here, where nobody can add a subscription between the look and the deed. */
static int look_at_rows(struct desk *desk, struct mailbox_tx *tx, struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "tmp");
    struct subscription *rows;
    size_t n;

    TRY(subscription_list(tx, 0, tmp, &rows, &n, err_r));
    compare(desk, rows, n);
    if (desk->hinted && !has_push(rows, n)) {
        TRY(store_push_hint_clear(desk->hub->store, desk->no, err_r));
        desk->hinted = false;
    }
    desk->rows_wanted = false;
    return 0;
}

static int read_all(struct desk *desk, struct mailbox_tx *tx, struct err *err_r)
{
    AUTO(notice_reader) reader = NULL;

    if (desk->stopping) {
        return 0;
    }
    if (desk->rows_wanted) {
        TRY(look_at_rows(desk, tx, err_r));
    }
    reader = notice_reader_new(tx);
    TRY(streams_read(desk, reader, err_r));
    return pushes_read(desk, reader, err_r);
}

/* On a worker. The lock is held while the log is read: only this desk's own have to wait for it. */
static int read_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct desk *desk = container_of(job, struct desk, read);
    int rc;

    desk_lock(desk);
    rc = read_all(desk, tx, err_r);
    pthread_mutex_unlock(&desk->mutex);
    return rc;
}

static void read_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct desk *desk = container_of(job, struct desk, read);
    struct hub *hub = desk->hub;

    desk_lock(desk);
    desk->reading = false;
    if (rc >= 0) {
        desk->read_trouble = (struct trouble){0};
    } else if (err->kind == ERR_NO_SUCH_MAILBOX) {
        compare(desk, NULL, 0); /* and with it all its rows */
        desk->rows_wanted = false;
    } else {
        desk_trouble(desk, &desk->read_trouble, err);
    }
    desk_leave(desk);
    hub_is_over(hub, &hub->jobs_out);
}

static void read_submit(struct desk *desk)
{
    desk->read = (struct mailbox_job){.mailbox = desk->no, .run = read_run, .done = read_done};
    desk->read_wakes = desk->wakes;
    desk->reading = hub_submit(desk, &desk->read);
}
