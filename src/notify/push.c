/* Push subscriptions: what is posted when. One post of a subscription is out at a time. */
#include "notify/notify-private.h"

#include "base/mem.h"
#include "notify/reader.h"

#include <assert.h>
#include <stdlib.h>

/* ---- the schedule ---- */

/* When the n-th retry is made, after the first failure. */
static int64_t retry_after_ms(unsigned n)
{
    unsigned doubled = n - 1 < 32 ? n - 1 : 32;

    return NOTIFY_PUSH_RETRY_MS << doubled;
}

/* After a restart: as if it had been running all the time, but it does not give up untried. */
static void resume_failing(struct push *p, int64_t now_ms, int64_t for_ms)
{
    p->failures = 1;
    while (retry_after_ms(p->failures) < for_ms) {
        p->failures++;
    }
    p->failed_ms = now_ms - for_ms;
    p->next_ms = now_ms;
    if (retry_after_ms(p->failures) <= p->subscription.life_ms) {
        p->next_ms = p->failed_ms + retry_after_ms(p->failures);
    }
}

/* ---- beginning and ending ---- */

static void push_begin(struct desk *desk, const struct subscription *row)
{
    struct arena *arena = arena_new(NULL, "push");
    struct push *p = ARENA_NEW(arena, struct push);
    int64_t now_ms = hub_now(desk->hub), unix_ms = clock_unix_ms(desk->hub->clock);
    int64_t quiet_ms = row->used_ms + row->life_ms - unix_ms;

    p->arena = arena;
    p->subscription = subscription_dup(arena, row);
    p->cursor = cursor_use(desk, row);
    p->cursor->fresh = false;
    p->seen = p->cursor->told;
    p->hungry = true;
    p->first = row->failing_ms == 0 && row->used_ms == row->created_ms;
    p->status_ms = now_ms + least(most(quiet_ms, 0), row->life_ms);
    if (row->failing_ms != 0) {
        resume_failing(p, now_ms, most(unix_ms - row->failing_ms, 0));
    }
    p->next = desk->pushes;
    desk->pushes = p;
    atomic_fetch_add(&desk->hub->stats.push_subscriptions, 1);
}

void push_drop(struct desk *desk, struct push *push)
{
    struct push **at = &desk->pushes;

    while (*at != push) {
        at = &(*at)->next;
    }
    *at = push->next;
    push->cursor->gone = true;
    cursor_unuse(push->cursor);
    atomic_fetch_sub(&desk->hub->stats.push_subscriptions, 1);
    arena_free(&push->arena);
}

/* Rows that have no push yet. known: of each row, whether it has one. */
static void begin_unknown(struct desk *desk, const struct subscription *rows, const bool *known,
                          size_t n)
{
    for (size_t i = 0; i < n && desk->hub->push != NULL; i++) {
        if (rows[i].kind == SUBSCRIPTION_PUSH && !known[i]) {
            push_begin(desk, &rows[i]);
        }
    }
}

/* A mailbox may have thousands: each is looked for once. */
bool pushes_compare(struct desk *desk, const struct subscription *rows, size_t n)
{
    bool *known = mem_alloc_zero(n + 1, sizeof(*known));

    for (struct push *p = desk->pushes, *next; p != NULL; p = next) {
        const struct subscription *row = row_find(rows, n, p->subscription.id);

        next = p->next;
        if (row != NULL) {
            known[row - rows] = true;
        } else if (p->state == PUSH_POSTED) {
            p->gone = true;
        } else if (p->state != PUSH_ENDING) {
            push_drop(desk, p);
        }
    }
    begin_unknown(desk, rows, known, n);
    free(known);
    return desk->pushes != NULL;
}

static void push_end(struct push *p)
{
    p->state = PUSH_ENDING;
    p->cursor->gone = true; /* nothing more is noted in the row: it goes */
}

/* ---- posts ---- */

static void post_send(struct desk *desk, struct hub_post *post)
{
    struct hub *hub = desk->hub;

    post->push->state = PUSH_POSTED;
    post->push->first = false;
    post->desk = desk;
    desk->posts_out++;
    desk_ref(desk);
    atomic_fetch_add(&hub->stats.notices, post->page.n);
    hub_begins(hub, &hub->posts_out);
    hub->push->post(hub->push_context, post);
}

static struct hub_post *post_new(struct push *p)
{
    struct arena *arena = arena_new(NULL, "post");
    struct hub_post *post = ARENA_NEW(arena, struct hub_post);

    post->arena = arena;
    post->push = p;
    post->subscription = subscription_dup(arena, &p->subscription);
    post->previous = p->cursor->told;
    return post;
}

static void post_free(struct hub_post *post)
{
    struct arena *arena = post->arena;

    arena_free(&arena);
}

/* Before anything else the listener hears that it is subscribed: nothing is passed by that. */
static void post_first(struct desk *desk, struct push *p)
{
    struct hub_post *post = post_new(p);

    post->page.end = p->cursor->told;
    post_send(desk, post);
}

/* A retry, or a quiet time that is over, or events that are lost: something is said in any case. */
static bool must_say(const struct push *p, const struct notice_page *page, int64_t now_ms)
{
    return page->n != 0 ||
           (!page->more && (p->failures != 0 || page->missed || now_ms >= p->status_ms));
}

static int read_one(struct desk *desk, struct push *p, struct notice_reader *reader, int64_t now_ms,
                    struct err *err_r)
{
    struct hub_post *post = post_new(p);
    struct log_position start;
    int rc = notice_reader_page(reader, &p->subscription, p->seen, NOTIFY_MAX_NOTICES, post->arena,
                                &post->page, &start, err_r);

    if (rc < 0) {
        post_free(post);
        return rc;
    }
    p->hungry = post->page.more || desk->wakes != desk->read_wakes;
    if (post->page.missed) {
        post->previous = start; /* the listener sees by it that some are lost */
    }
    if (must_say(p, &post->page, now_ms)) {
        post_send(desk, post);
    } else {
        p->seen = post->page.end;
        post_free(post);
    }
    return 0;
}

/* NEVER: it waits for something else than the clock and the log. */
static int64_t read_ms(const struct push *p)
{
    if (p->state != PUSH_IDLE) {
        return NEVER;
    }
    return p->first || p->hungry || p->failures != 0 ? p->next_ms : p->status_ms;
}

/* When it may not, the end of a post makes room. */
static bool may_post(const struct desk *desk)
{
    return desk->posts_out < NOTIFY_MAX_POSTS;
}

int pushes_read(struct desk *desk, struct notice_reader *reader, struct err *err_r)
{
    int64_t now_ms = hub_now(desk->hub);

    for (struct push *p = desk->pushes; p != NULL && may_post(desk); p = p->next) {
        if (read_ms(p) > now_ms) {
            continue;
        }
        if (p->first) {
            post_first(desk, p);
        } else {
            TRY(read_one(desk, p, reader, now_ms, err_r));
        }
    }
    return 0;
}

int64_t pushes_read_ms(const struct desk *desk)
{
    int64_t due_ms = NEVER;

    for (const struct push *p = desk->pushes; p != NULL && may_post(desk); p = p->next) {
        due_ms = least(due_ms, read_ms(p));
    }
    return due_ms;
}

/* ---- what became of a post ---- */

/* The watermark that the listener has now. */
static struct log_position position_of(const struct notice_page *page)
{
    return page->n != 0 ? page->notices[page->n - 1].after : page->end;
}

static void succeeded(struct desk *desk, struct push *p, const struct hub_post *post)
{
    struct cursor *c = p->cursor;

    c->told = c->sure = position_of(&post->page);
    c->failing_ms = 0;
    c->urgent = true;
    if (post->page.n != 0 || log_position_cmp(p->seen, post->page.end) < 0) {
        p->seen = post->page.end;
    }
    p->failures = 0;
    p->next_ms = 0;
    p->status_ms = hub_now(desk->hub) + p->subscription.life_ms;
    p->state = PUSH_NOTING;
    atomic_fetch_add(&desk->hub->stats.posts_ok, 1);
}

static void failed(struct desk *desk, struct push *p)
{
    int64_t now_ms = hub_now(desk->hub);

    atomic_fetch_add(&desk->hub->stats.posts_failed, 1);
    if (p->failures++ == 0) {
        p->failed_ms = now_ms;
        p->cursor->failing_ms = clock_unix_ms(desk->hub->clock);
        p->cursor->urgent = true;
    }
    if (retry_after_ms(p->failures) > p->subscription.life_ms) {
        atomic_fetch_add(&desk->hub->stats.pushes_given_up, 1);
        push_end(p);
        return;
    }
    p->next_ms = most(p->failed_ms + retry_after_ms(p->failures), now_ms);
    p->state = PUSH_IDLE;
}

static void post_over(struct desk *desk, const struct hub_post *post, enum push_outcome outcome)
{
    struct push *p = post->push;

    assert(p->state == PUSH_POSTED);
    if (p->gone) {
        push_drop(desk, p);
    } else if (outcome == PUSH_OK) {
        succeeded(desk, p, post);
    } else if (outcome == PUSH_UNSUBSCRIBE) {
        push_end(p);
    } else if (desk->stopping) {
        p->state = PUSH_IDLE; /* broken off: that says nothing about the listener */
    } else {
        failed(desk, p);
    }
}

void pushes_noted(struct desk *desk)
{
    for (struct push *p = desk->pushes; p != NULL; p = p->next) {
        if (p->state == PUSH_NOTING && !p->cursor->urgent) {
            p->state = PUSH_IDLE;
        }
    }
}

void hub_push_done(struct hub_post *post, enum push_outcome outcome)
{
    struct desk *desk = post->desk;
    struct hub *hub = desk->hub;

    desk_lock(desk);
    desk->posts_out--;
    post_over(desk, post, outcome);
    desk_leave(desk);
    post_free(post);
    hub_is_over(hub, &hub->posts_out);
}

const struct subscription *hub_post_subscription(const struct hub_post *post)
{
    return &post->subscription;
}

struct mailbox_no hub_post_mailbox(const struct hub_post *post)
{
    return post->desk->no;
}

const struct notice_page *hub_post_page(const struct hub_post *post)
{
    return &post->page;
}

struct log_position hub_post_previous(const struct hub_post *post)
{
    return post->previous;
}
