#include "notify/reader.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "mailbox/mailbox.h"
#include "mailbox/subscriptions.h"
#include "notify/limits.h"
#include "notify/notice.h"

#include <stdlib.h>

/* What the tree knows of a folder now. */
struct place {
    bool known;  /* it is there, or was */
    bool exists; /* unread is of now */
    uint64_t parent;
    uint32_t unread;
};

/* I1  The window holds every event with from <= seq < to, ascending. */
struct notice_reader {
    struct mailbox_tx *tx;
    struct arena *arena;   /* of the places */
    struct arena *tmp;     /* of one lookup */
    struct u64map *places; /* by folder */
    uint64_t from, to;
    struct event *events; /* NOTIFY_WINDOW_EVENTS of them */
    size_t n;
};

struct notice_reader *notice_reader_new(struct mailbox_tx *tx)
{
    struct notice_reader *r = mem_alloc_zero(1, sizeof(*r));

    r->tx = tx;
    r->arena = arena_new(NULL, "reader");
    r->tmp = arena_new(r->arena, "tmp");
    r->places = u64map_new();
    r->events = ARENA_ARRAY(r->arena, struct event, NOTIFY_WINDOW_EVENTS);
    return r;
}

void notice_reader_free(struct notice_reader **reader)
{
    struct notice_reader *r = take(reader);

    if (r != NULL) {
        u64map_free(&r->places);
        arena_free(&r->arena);
        free(r);
    }
}

/* ---- the window ---- */

static int fill_window(struct notice_reader *r, uint64_t from, struct err *err_r)
{
    struct event_iter *iter;

    r->from = r->to = from;
    r->n = 0;
    TRY(mailbox_event_iter_begin(r->tx, (struct seq){from - 1}, &iter, err_r));
    while (r->n < NOTIFY_WINDOW_EVENTS && mailbox_event_iter_next(iter, &r->events[r->n])) {
        r->n++;
    }
    TRY(mailbox_event_iter_end(&iter, err_r));
    r->to = r->n == NOTIFY_WINDOW_EVENTS ? r->events[r->n - 1].seq.v + 1 : UINT64_MAX;
    return 0;
}

/* The first event from seq on: 1 found, 0 the log ends before. */
static int find_event(struct notice_reader *r, uint64_t seq, const struct event **event_r,
                      struct err *err_r)
{
    size_t from = 0, to;

    if (seq < r->from || seq >= r->to) {
        TRY(fill_window(r, seq, err_r));
    }
    to = r->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (r->events[middle].seq.v < seq) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    *event_r = &r->events[from];
    return from < r->n;
}

/* ---- folders ---- */

static int look_up(struct notice_reader *r, uint64_t id, struct place *place, struct err *err_r)
{
    struct folder_id parent = {0};
    struct folder folder;
    int rc;

    arena_reset(r->tmp);
    rc = mailbox_folder_get(r->tx, (struct folder_id){id}, r->tmp, &folder, err_r);
    TRY(rc);
    if (rc == 1) {
        /* The root is its own parent: a notice must name one. */
        *place =
            (struct place){true, true, folder.parent.v != 0 ? folder.parent.v : id, folder.unread};
        return 0;
    }
    rc = mailbox_folder_deleted_parent(r->tx, (struct folder_id){id}, &parent, err_r);
    TRY(rc);
    *place = (struct place){.known = rc == 1, .parent = parent.v};
    return 0;
}

static int place_of(struct notice_reader *r, uint64_t id, const struct place **place_r,
                    struct err *err_r)
{
    struct place *place = u64map_get(r->places, id);

    if (place == NULL) {
        place = ARENA_NEW(r->arena, struct place);
        TRY(look_up(r, id, place, err_r));
        u64map_put(r->places, id, place);
    }
    *place_r = place;
    return 0;
}

/* What only the tree knows. 1 it can be told, 0 not. */
static int complete(struct notice_reader *r, struct notice *n, struct err *err_r)
{
    const struct place *place;

    if (n->parent != 0 && !n->has_unread) {
        return 1;
    }
    TRY(place_of(r, n->object, &place, err_r));
    if (n->parent == 0 && place->known) {
        n->parent = place->parent;
    }
    n->has_unread = n->has_unread && place->exists;
    n->unread = n->has_unread ? place->unread : 0;
    return n->parent != 0;
}

/* ---- pages ---- */

/* How far one reading is. */
struct reading {
    struct notice_reader *reader;
    const struct subscription *subscription;
    size_t max, n, room;
    struct notice *notices;
    struct arena *arena;
};

static void keep(struct reading *g, const struct notice *notice)
{
    if (g->n == g->room) {
        size_t more = g->room == 0 ? 4 : g->room * 2;

        g->notices =
            arena_grow(g->arena, g->notices, g->room * sizeof(*notice), more * sizeof(*notice));
        g->room = more;
    }
    g->notices[g->n++] = *notice;
}

/* The notices of an event, without the first `taken`. 1: it has one more that the page has no room for, at *at_r. */
static int read_event(struct reading *g, const struct event *event, uint32_t taken,
                      struct log_position *at_r, struct err *err_r)
{
    struct notice all[NOTICES_OF_EVENT_MAX];
    size_t n = notices_of(event, all);

    for (size_t i = taken; i < n; i++) {
        int known;

        if ((g->subscription->types & NOTICE_BIT(all[i].type)) == 0) {
            continue;
        }
        known = complete(g->reader, &all[i], err_r);
        TRY(known);
        if (known == 0 || !notice_concerns(&all[i], g->subscription)) {
            continue;
        }
        if (g->n == g->max) {
            *at_r = (struct log_position){event->seq, (uint32_t)i};
            return 1;
        }
        keep(g, &all[i]);
    }
    return 0;
}

/* 1: there is more; 0: not. *end_r: up to where all is told. */
static int read_events(struct reading *g, struct log_position at, struct log_position *end_r,
                       struct err *err_r)
{
    const struct event *event;
    int rc;

    for (unsigned passed = 0; (rc = find_event(g->reader, at.seq.v, &event, err_r)) == 1;) {
        size_t before = g->n;

        *end_r = (struct log_position){.seq = event->seq};
        if (passed >= NOTIFY_MAX_PASSED) {
            return 1;
        }
        rc = read_event(g, event, event->seq.v == at.seq.v ? at.taken : 0, end_r, err_r);
        if (rc != 0) {
            return rc;
        }
        passed += g->n == before ? 1 : 0;
        at = (struct log_position){.seq = {event->seq.v + 1}};
    }
    *end_r = log_position_now(g->reader->tx);
    return rc;
}

/* Where reading can begin: what is forgotten, or what a restored store never had, is missed. */
static struct log_position start_of(const struct mailbox_tx *tx, struct log_position from)
{
    struct log_position now = log_position_now(tx);
    struct log_position first = {.seq = {mailbox_event_floor(tx).v + 1}};

    if (log_position_cmp(from, now) > 0) {
        return now;
    }
    return from.seq.v < first.seq.v ? first : from;
}

int notice_reader_page(struct notice_reader *reader, const struct subscription *subscription,
                       struct log_position from, size_t max, struct arena *arena,
                       struct notice_page *page_r, struct log_position *start_r, struct err *err_r)
{
    struct reading g = {.reader = reader, .subscription = subscription, .max = max, .arena = arena};
    struct log_position start = start_of(reader->tx, from), end;
    int more = read_events(&g, start, &end, err_r);

    TRY(more);
    *page_r = (struct notice_page){.notices = g.notices,
                                   .n = g.n,
                                   .more = more == 1,
                                   .missed = log_position_cmp(start, from) != 0,
                                   .end = end};
    *start_r = start;
    return 0;
}

int notices_read(struct mailbox_tx *tx, const struct subscription *subscription,
                 struct log_position from, size_t max, struct arena *arena,
                 struct notice_page *page_r, struct err *err_r)
{
    AUTO(notice_reader) reader = notice_reader_new(tx);
    struct log_position start;

    return notice_reader_page(reader, subscription, from, max, arena, page_r, &start, err_r);
}
