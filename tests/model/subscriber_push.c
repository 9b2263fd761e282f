/* The listener of push subscriptions. */
#include "subscriber_history.h"

#include "base/mem.h"
#include "notify/limits.h"

#include <stdlib.h>
#include <string.h>

static struct subscriber *find(struct history *h, const struct hub_post *post)
{
    for (size_t i = 0; i < SUBSCRIBER_COUNT; i++) {
        struct subscriber *s = &h->subscribers[i];

        if (s->there && s->box->no.v == hub_post_mailbox(post).v &&
            s->row.id.v == hub_post_subscription(post)->id.v) {
            return s;
        }
    }
    return NULL;
}

/* Where it goes on: at the client's watermark, or at the one before, when a kill may have undone the answer to it; or where the log begins, when it was forgotten. */
static void check_previous(struct history *h, struct subscriber *s, struct log_position previous,
                           bool missed)
{
    struct log_position floor = box_floor(s->box);

    if (missed) {
        if (log_position_cmp(previous, floor) != 0 || at_or_before(floor, s->maybe)) {
            history_fail(h, "subscriber %u: is said to have missed events", s->number);
        }
        h->misses++;
        return;
    }
    if (log_position_cmp(previous, s->maybe) != 0 && log_position_cmp(previous, s->seen) != 0) {
        history_fail(h, "subscriber %u: a post after %llu.%u, must be after %llu.%u", s->number,
                     LLU(previous.seq.v), previous.taken, LLU(s->seen.seq.v), s->seen.taken);
    }
}

/* When an attempt is due that was not brought forward by a new start. */
static void check_time(struct history *h, struct subscriber *s, const struct notice_page *page,
                       bool missed)
{
    int64_t now_ms = monotonic_ms(h), due_ms;

    if (s->restarted || s->unsure) {
        return;
    }
    if (s->failures != 0) {
        due_ms = s->failed_ms + (NOTIFY_PUSH_RETRY_MS << (s->failures - 1));
        due_ms = due_ms > s->answered_ms ? due_ms : s->answered_ms;
        if (now_ms != due_ms) {
            history_fail(h, "subscriber %u: attempt %u comes after %lld ms, must be %lld",
                         s->number, s->failures, (long long)(now_ms - s->failed_ms),
                         (long long)(due_ms - s->failed_ms));
        }
    } else if (page->n == 0 && !s->first && !missed && now_ms != s->ok_ms + s->row.life_ms) {
        history_fail(h, "subscriber %u: a StatusEvent %lld ms after the last post", s->number,
                     (long long)(now_ms - s->ok_ms));
    }
}

static void check_post(struct history *h, struct subscriber *s, const struct hub_post *post)
{
    const struct notice_page *page = hub_post_page(post);
    struct log_position previous = hub_post_previous(post);

    if (s->ending || s->post != NULL) {
        history_fail(h, "subscriber %u: a post, and %s", s->number,
                     s->ending ? "it is gone" : "another is out");
    }
    check_previous(h, s, previous, page->missed);
    check_time(h, s, page, page->missed);
    model_check_page(h, s, previous, page->notices, page->n, page->end);
    if (!page->missed) {
        s->maybe = s->seen = previous;
    }
}

static void on_post(void *context, struct hub_post *post)
{
    struct history *h = context;
    struct subscriber *s = h->killed ? NULL : find(h, post);
    const struct notice_page *page = hub_post_page(post);
    size_t i = 0;

    while (i < SUBSCRIBER_MAX_POSTS && h->strays[i] != NULL) {
        i++;
    }
    if (s == NULL) {
        if (i == SUBSCRIBER_MAX_POSTS) {
            history_fail(h, "too many posts that nobody asked for");
        } else {
            h->strays[i] = post;
        }
        return;
    }
    check_post(h, s, post);
    history_note(h, "  post to %u: %zu notices after %llu.%u, up to %llu.%u%s", s->number, page->n,
                 LLU(hub_post_previous(post).seq.v), hub_post_previous(post).taken,
                 LLU(page->end.seq.v), page->end.taken, page->missed ? ", some missed" : "");
    h->posts++;
    s->post = post;
    s->post_last = page->n != 0 ? page->notices[page->n - 1].after : page->end;
    s->post_missed = page->missed;
    s->told = mem_alloc(page->n * sizeof(*s->told) + 1);
    if (page->n != 0) {
        memcpy(s->told, page->notices, page->n * sizeof(*s->told));
    }
    s->told_n = page->n;
    s->restarted = false;
    server_moment(h);
}

const struct push_ops subscriber_push_ops = {on_post};

/* ---- answers ---- */

static void took(struct history *h, struct subscriber *s)
{
    for (size_t i = 0; i < s->told_n; i++) {
        if (at_or_before(s->told[i].after, s->seen)) {
            h->repeated++;
        } else {
            h->told++;
        }
        if (s->mirrors) {
            mirror_hear(&s->mirror, &s->told[i]);
        }
    }
    if (s->mirrors && s->post_missed) {
        mirror_all_dirty(h, &s->mirror);
    }
    s->seen = at_or_before(s->post_last, s->seen) ? s->seen : s->post_last;
}

static void give_back(struct subscriber *s)
{
    free(s->told);
    s->told = NULL;
    s->post = NULL;
}

static void failed(struct history *h, struct subscriber *s)
{
    if (s->failures++ == 0) {
        s->failed_ms = monotonic_ms(h);
    }
    s->answered_ms = monotonic_ms(h);
    if (s->unsure) {
        s->may_end = true;
    } else if ((NOTIFY_PUSH_RETRY_MS << (s->failures - 1)) > s->row.life_ms) {
        s->ending = true;
        history_note(h, "subscriber %u is given up", s->number);
    }
}

/* OK; OK that gets lost; a failure; Unsubscribe; or no answer yet. */
void push_answer(struct history *h, struct subscriber *s)
{
    unsigned what = h->calm ? 0 : pick(h, 100);
    struct hub_post *post = s->post;
    enum push_outcome outcome = PUSH_OK;
    struct log_position before = s->seen;

    if (what >= 93) {
        return;
    }
    if (what < 70) {
        s->maybe = s->seen; /* until that is settled */
        took(h, s);
        s->failures = 0;
        s->unsure = s->may_end = false;
        s->first = false;
        s->ok_ms = monotonic_ms(h);
    } else if (what < 92) {
        outcome = PUSH_FAILED;
        if (what < 80) {
            took(h, s);
            s->seen = before; /* the server does not know that */
        }
        failed(h, s);
    } else {
        outcome = PUSH_UNSUBSCRIBE;
        s->ending = true;
    }
    history_note(h, "post to %u: %s", s->number,
                 outcome == PUSH_OK       ? "OK"
                 : outcome == PUSH_FAILED ? "failed"
                                          : "unsubscribe");
    give_back(s);
    hub_push_done(post, outcome);
}

void push_fail(struct history *h, struct subscriber *s)
{
    struct hub_post *post = s->post;

    failed(h, s);
    give_back(s);
    hub_push_done(post, PUSH_FAILED);
}

/* After a kill nobody hears. */
void push_killed(struct history *h, struct subscriber *s)
{
    struct hub_post *post = s->post;

    (void)h;
    if (post != NULL) {
        give_back(s);
        hub_push_done(post, PUSH_FAILED);
    }
}
