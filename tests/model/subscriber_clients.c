/* Subscribers: how they come and go, what they do of their own accord, and pull. */
#include "subscriber_history.h"

#include "notify/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define PULL_MAX 50
#define MAX_FINISH_ROUNDS 4000

/* ---- subscribing ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct folder_id *x = a, *y = b;

    return (x->v > y->v) - (x->v < y->v);
}

static void pick_folders(struct history *h, struct subscriber *s)
{
    size_t n = one_in(h, 3) ? 0 : 1 + pick(h, SUBSCRIBER_MAX_FOLDERS), distinct = 0;

    for (size_t i = 0; i < n; i++) {
        s->folders[i].v = pick_folder(h, s->box);
    }
    qsort(s->folders, n, sizeof(*s->folders), compare_ids);
    for (size_t i = 0; i < n; i++) {
        if (distinct == 0 || s->folders[distinct - 1].v != s->folders[i].v) {
            s->folders[distinct++] = s->folders[i];
        }
    }
    s->row.folders = s->folders;
    s->row.folder_n = distinct;
}

static int add(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
               struct err *err_r)
{
    struct subscriber *s = context;

    if (s->row.kind == SUBSCRIPTION_PUSH) {
        TRY(store_push_hint_set(h->store, box->no, err_r));
    }
    /* At times from an old watermark on, as those may who can name one. */
    if (s->row.cursor.seq.v == 0 || log_position_check(tx, s->row.cursor, NULL) < 0) {
        s->row.cursor = log_position_now(tx);
    }
    return subscription_add(tx, &s->row, 100, err_r);
}

static struct log_position old_watermark(struct history *h, const struct box *box)
{
    return one_in(h, 3) && box->committed_n != 0
               ? box->wants[pick(h, (unsigned)box->committed_n)].mark
               : (struct log_position){0};
}

void client_subscribe(struct history *h, struct subscriber *s)
{
    static const int64_t lives[] = {2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, DAY_MS};
    struct box *box = &h->boxes[pick(h, SUBSCRIBER_BOXES)];
    unsigned number = s->number;

    streams_forget(h, s);
    mirror_free(&s->mirror);
    *s = (struct subscriber){.number = number, .box = box};
    s->row = (struct subscription){.owner = box->no,
                                   .kind = (enum subscription_kind)(1 + pick(h, 3)),
                                   .types = one_in(h, 3) ? 1 + pick(h, ALL_TYPES) : ALL_TYPES,
                                   .life_ms = lives[pick(h, ARRAY_LEN(lives))]};
    s->row.url = s->row.kind == SUBSCRIPTION_PUSH ? STR("http://127.0.0.1:9/") : STR_NULL;
    s->row.cursor =
        s->row.kind == SUBSCRIPTION_STREAMING ? (struct log_position){0} : old_watermark(h, box);
    pick_folders(h, s);
    if (server_call(h, box, true, add, s) < 0) {
        history_fail(h, "subscribe: %s", h->err.log_text);
        return;
    }
    s->there = s->first = true;
    s->seen = s->low = s->maybe = s->row.cursor;
    s->sign_least = s->sign_most = wall_ms(h);
    history_note(h, "subscriber %u: %s of box %llu, %zu folders, types %x, life %lld, from %llu.%u",
                 number,
                 s->row.kind == SUBSCRIPTION_PUSH   ? "push"
                 : s->row.kind == SUBSCRIPTION_PULL ? "pull"
                                                    : "stream",
                 LLU(box->no.v), s->row.folder_n, s->row.types, (long long)s->row.life_ms,
                 LLU(s->seen.seq.v), s->seen.taken);
    if (s->row.types == ALL_TYPES) {
        s->mirrors = true;
        mirror_begin(h, &s->mirror, box, s);
    }
    if (s->row.kind == SUBSCRIPTION_PUSH) {
        hub_subscriptions_changed(h->hub, box->no);
        (void)server_settle(h);
    }
}

static int delete (struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                   struct err *err_r)
{
    (void)h;
    (void)box;
    return subscription_delete(tx, ((struct subscriber *)context)->row.id, err_r);
}

void client_unsubscribe(struct history *h, struct subscriber *s)
{
    int rc = server_call(h, s->box, true, delete, s);

    history_note(h, "subscriber %u unsubscribes", s->number);
    if (rc < 0) {
        history_fail(h, "unsubscribe: %s", h->err.log_text);
    }
    s->ending = s->ended = true;
    hub_subscriptions_changed(h->hub, s->box->no);
    (void)server_settle(h);
}

/* ---- pull ---- */

bool client_check_life(struct history *h, struct subscriber *s, bool found, int64_t life_ms)
{
    int64_t now_ms = wall_ms(h);

    if (!found && !s->ending && !s->may_have_expired && now_ms <= s->sign_least + life_ms) {
        history_fail(h, "subscriber %u: died %lld ms after its last sign of %lld", s->number,
                     (long long)(now_ms - s->sign_least), (long long)s->row.life_ms);
    }
    if (found && !s->may_return &&
        (s->ending || now_ms > s->sign_most + s->row.life_ms + 31 * SECOND_MS)) {
        history_fail(h, "subscriber %u: lives on %lld ms after its last sign of %lld%s", s->number,
                     (long long)(now_ms - s->sign_most), (long long)s->row.life_ms,
                     s->ending ? ", and was ended" : "");
    }
    if (!found && !s->ending) {
        s->ending = s->ended = s->expired = true;
    }
    return found && !s->ending;
}

struct pull {
    struct subscriber *s;
    unsigned max;
    int found;
    bool forgotten;
    struct notice_page page;
};

static int check_unread(struct history *h, struct mailbox_tx *tx, const struct notice *n,
                        struct err *err_r)
{
    struct folder folder;
    int rc;

    if (!n->folder || n->type != NOTICE_MODIFIED) {
        return 0;
    }
    rc = mailbox_folder_get(tx, (struct folder_id){n->object}, h->arena, &folder, err_r);
    TRY(rc);
    if (n->has_unread != (rc == 1) || (rc == 1 && n->unread != folder.unread)) {
        history_fail(h, "UnreadCount of folder %llu is %u, must be %u", LLU(n->object), n->unread,
                     rc == 1 ? folder.unread : 0);
    }
    return 0;
}

/* As GetEvents. */
static int get_events(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                      struct err *err_r)
{
    struct pull *p = context;
    struct subscription row;

    p->found = subscription_get(tx, p->s->row.id, p->s->row.secret, h->arena, &row, err_r);
    TRY(p->found);
    if (p->found == 0) {
        return 0;
    }
    if (log_position_check(tx, p->s->seen, NULL) < 0) {
        p->forgotten = true;
        return 0;
    }
    TRY(notices_read(tx, &row, p->s->seen, p->max, h->arena, &p->page, err_r));
    for (size_t i = 0; i < p->page.n; i++) {
        TRY(check_unread(h, tx, &p->page.notices[i], err_r));
    }
    hub_touch(h->hub, box->no, &row);
    return 0;
}

static void take_answer(struct history *h, struct subscriber *s, const struct pull *p)
{
    const struct notice_page *page = &p->page;
    bool lost = !h->calm && one_in(h, 6);

    history_note(h, "pull %u: %zu notices after %llu.%u, up to %llu.%u%s%s", s->number, page->n,
                 LLU(s->seen.seq.v), s->seen.taken, LLU(page->end.seq.v), page->end.taken,
                 page->more ? ", more" : "", lost ? ", lost" : "");
    /* Without more all is told that is there. */
    model_check_page(h, s, s->seen, page->notices, page->n,
                     page->more || page->n == 0 ? page->end : model_end(s->box));
    if (page->n == p->max && !page->more) {
        const struct want *left = NULL;

        if (!model_is_silent(s, page->notices[page->n - 1].after, model_end(s->box), &left)) {
            history_fail(h, "subscriber %u: more, and MoreEvents says no", s->number);
        }
    }
    if (lost) {
        h->lost++;
        return;
    }
    for (size_t i = 0; i < page->n && s->mirrors; i++) {
        mirror_hear(&s->mirror, &page->notices[i]);
    }
    h->told += (unsigned)page->n;
    s->seen = page->n != 0 ? page->notices[page->n - 1].after : page->end;
}

/* True: there is more. */
static bool pull(struct history *h, struct subscriber *s)
{
    struct pull p = {.s = s, .max = one_in(h, 4) ? 1 + pick(h, 5) : PULL_MAX};
    bool forgotten = s->seen.seq.v < box_floor(s->box).seq.v;

    if (server_call(h, s->box, false, get_events, &p) < 0) {
        history_fail(h, "get events: %s", h->err.log_text);
        return false;
    }
    if (!client_check_life(h, s, p.found == 1, s->row.life_ms)) {
        return false;
    }
    if (p.forgotten != forgotten) {
        history_fail(h, "subscriber %u: watermark %llu.%u is %s, the log begins at %llu", s->number,
                     LLU(s->seen.seq.v), s->seen.taken, p.forgotten ? "refused" : "taken",
                     LLU(box_floor(s->box).seq.v));
    }
    if (p.forgotten) {
        h->misses++;
        client_unsubscribe(h, s);
        return false;
    }
    take_answer(h, s, &p);
    s->sign_new = true;
    (void)server_settle(h);
    return p.page.more;
}

void client_dawdle(struct history *h, struct subscriber *s)
{
    if (!s->there || s->ending || s->row.kind != SUBSCRIPTION_PULL || s->row.life_ms > HOUR_MS) {
        return;
    }
    for (unsigned i = 0; i < 2 && !s->ending && !h->killed && !history_failed(h); i++) {
        (void)pull(h, s);
        history_pass(h, pick(h, 20 * SECOND_MS));
    }
    if (!s->ending && !h->killed && !history_failed(h)) {
        (void)pull(h, s);
        history_pass(h, s->row.life_ms - (int64_t)pick(h, 3) + (one_in(h, 4) ? 32 * SECOND_MS : 0));
    }
    if (!s->ending && !h->killed && !history_failed(h)) {
        (void)pull(h, s);
    }
}

/* ---- acting ---- */

void client_act(struct history *h, struct subscriber *s)
{
    if (!s->there || (s->ending && (s->row.kind != SUBSCRIPTION_PUSH || s->ended))) {
        h->deaths += s->there ? 1 : 0;
        if (s->connection == NULL) {
            client_subscribe(h, s);
        }
    } else if (one_in(h, 40) && s->row.kind != SUBSCRIPTION_PUSH) {
        client_unsubscribe(h, s);
    } else if (s->row.kind == SUBSCRIPTION_PULL) {
        (void)pull(h, s);
    } else if (s->row.kind == SUBSCRIPTION_STREAMING && (s->connection == NULL || one_in(h, 4))) {
        stream_connect(h, s);
    } else if (s->row.kind == SUBSCRIPTION_STREAMING) {
        stream_stir(h, s->connection);
    }
    if (s->mirrors && !h->killed && one_in(h, 4)) {
        mirror_sync(h, &s->mirror);
    }
}

bool clients_answer_strays(struct history *h, enum push_outcome outcome)
{
    bool any = false;

    for (size_t i = 0; i < SUBSCRIBER_MAX_POSTS; i++) {
        struct hub_post *post = h->strays[i];

        h->strays[i] = NULL;
        if (post != NULL) {
            any = true;
            hub_push_done(post, outcome);
            (void)server_settle(h);
        }
    }
    return any;
}

static void note_signs(struct history *h)
{
    int64_t now_ms = wall_ms(h);

    for (size_t i = 0; i < SUBSCRIBER_COUNT; i++) {
        struct subscriber *s = &h->subscribers[i];

        if (s->connection != NULL || s->sign_new) {
            s->sign_least = now_ms;
            s->may_have_expired = false;
            s->sign_most = now_ms > s->sign_most ? now_ms : s->sign_most;
        }
        s->sign_new = false;
        s->maybe = s->seen;
        s->ended = s->ending;
    }
}

void clients_settled(struct history *h)
{
    bool answered;

    if (h->killed) {
        return;
    }
    note_signs(h);
    for (size_t i = 0; i < SUBSCRIBER_CONNECTIONS; i++) {
        stream_settled(&h->connections[i]);
    }
    answered = clients_answer_strays(h, PUSH_UNSUBSCRIBE);
    for (size_t i = 0; i < SUBSCRIBER_COUNT && !h->killed; i++) {
        struct subscriber *s = &h->subscribers[i];

        if (s->post != NULL) {
            push_answer(h, s);
            answered = answered || s->post == NULL;
            if (s->post == NULL) {
                (void)server_settle(h);
            }
        }
    }
    if (answered && !history_failed(h)) {
        (void)server_settle(h);
        clients_settled(h);
    }
}

/* Posts that are out when the server stops have failed. */
void clients_before_stop(struct history *h)
{
    for (size_t i = 0; i < SUBSCRIBER_COUNT; i++) {
        struct subscriber *s = &h->subscribers[i];

        if (s->post != NULL) {
            push_fail(h, s);
            (void)server_settle(h);
        }
    }
    (void)clients_answer_strays(h, PUSH_UNSUBSCRIBE);
    (void)server_settle(h);
}

/* What was not settled may not have happened. */
static void begin_anew(struct history *h, struct subscriber *s)
{
    int64_t now_ms = wall_ms(h);

    push_killed(h, s);
    if (s->connection != NULL || s->sign_new) {
        s->sign_most = now_ms > s->sign_most ? now_ms : s->sign_most;
    }
    s->sign_new = false;
    s->restarted = true;
    if (s->row.kind == SUBSCRIPTION_PUSH && (s->failures != 0 || (s->ending && !s->ended))) {
        s->unsure = true;
        s->may_end = s->may_end || s->ending;
        s->ending = s->ended;
    }
}

void clients_killed(struct history *h)
{
    for (size_t i = 0; i < SUBSCRIBER_COUNT; i++) {
        begin_anew(h, &h->subscribers[i]);
    }
    for (size_t i = 0; i < SUBSCRIBER_CONNECTIONS; i++) {
        stream_broken(&h->connections[i]);
    }
    (void)clients_answer_strays(h, PUSH_FAILED);
}

void clients_stopped(struct history *h)
{
    note_signs(h);
    for (size_t i = 0; i < SUBSCRIBER_COUNT; i++) {
        begin_anew(h, &h->subscribers[i]);
    }
    for (size_t i = 0; i < SUBSCRIBER_CONNECTIONS; i++) {
        stream_settled(&h->connections[i]);
    }
}

/* ---- the end ---- */

static bool is_told_all(const struct subscriber *s)
{
    const struct want *left;

    return !s->there || s->ending || model_is_silent(s, s->seen, model_end(s->box), &left);
}

static void finish_one(struct history *h, struct subscriber *s)
{
    if (s->row.kind == SUBSCRIPTION_PULL) {
        while (!history_failed(h) && pull(h, s)) {
        }
    } else if (s->row.kind == SUBSCRIPTION_STREAMING && s->connection == NULL) {
        stream_connect(h, s);
    }
}

void clients_finish(struct history *h)
{
    char who[40];

    h->calm = true;
    for (size_t i = 0; i < SUBSCRIBER_COUNT && !history_failed(h); i++) {
        struct subscriber *s = &h->subscribers[i];

        for (unsigned rounds = 0; !is_told_all(s) && !history_failed(h); rounds++) {
            finish_one(h, s);
            history_pass(h, s->row.kind == SUBSCRIPTION_PUSH ? MINUTE_MS : NOTIFY_SPACING_MS);
            if (s->connection != NULL) {
                stream_read_all(s->connection);
            }
            if (rounds > MAX_FINISH_ROUNDS) {
                s->ending = s->ending || s->may_end;
                if (!s->ending) {
                    history_fail(h, "subscriber %u: is not told all that there is", s->number);
                }
            }
        }
        if (s->there && !s->ending && s->mirrors) {
            mirror_sync(h, &s->mirror);
            snprintf(who, sizeof(who), "subscriber %u", s->number);
            mirror_compare(h, &s->mirror, who);
        }
    }
    mirror_all_dirty(h, &h->watcher);
    mirror_sync(h, &h->watcher);
    mirror_compare(h, &h->watcher, "who only syncs");
}

void clients_free(struct history *h)
{
    for (size_t i = 0; i < SUBSCRIBER_COUNT; i++) {
        mirror_free(&h->subscribers[i].mirror);
        free(h->subscribers[i].told);
        h->subscribers[i] = (struct subscriber){0};
    }
    mirror_free(&h->watcher);
}
