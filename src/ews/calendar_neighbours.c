#include "ews/calendar_neighbours.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/call.h"
#include "ews/limits.h"

#include <stdlib.h>

#define DAY_MS INT64_C(86400000)

/* ---- the calendar, as a request keeps it ---- */

struct span {
    int64_t start_ms, end_ms;
    struct item_id id;
};

struct series {
    struct item master;
    int64_t from_ms, to_ms;             /* no occurrence lies outside */
    const struct calendar_event *event; /* NULL until it is read */
};

struct busy_calendar {
    bool known;
    struct span *spans; /* of what does not recur; by start, once walked */
    size_t span_count, span_room;
    int64_t longest_ms;
    struct series *series;
    size_t series_count, series_room;
    uint64_t walked, read_bytes, compared, expanded;
};

static void add_span(struct busy_calendar *c, struct arena *arena, const struct item *item,
                     const struct props *props)
{
    struct span span = {.start_ms = props_int(props, IPROP_MEETING_START, 0), .id = item->id};

    span.end_ms = props_int(props, IPROP_MEETING_END, span.start_ms);
    if (props_int(props, IPROP_MEETING_BUSY_STATUS, MIME_BUSY_BUSY) == MIME_BUSY_FREE ||
        !props_has(props, IPROP_MEETING_START) || span.end_ms < span.start_ms) {
        return;
    }
    if (c->span_count == c->span_room) {
        size_t room = c->span_room == 0 ? 64 : 2 * c->span_room;

        c->spans =
            arena_grow(arena, c->spans, c->span_room * sizeof(*c->spans), room * sizeof(*c->spans));
        c->span_room = room;
    }
    c->longest_ms =
        span.end_ms - span.start_ms > c->longest_ms ? span.end_ms - span.start_ms : c->longest_ms;
    c->spans[c->span_count++] = span;
}

static void add_series(struct busy_calendar *c, struct arena *arena, const struct item *item,
                       const struct props *props)
{
    int64_t start = props_int(props, IPROP_MEETING_START, INT64_MIN);
    struct series *series;

    if (c->series_count == c->series_room) {
        size_t room = c->series_room == 0 ? 16 : 2 * c->series_room;

        c->series = arena_grow(arena, c->series, c->series_room * sizeof(*c->series),
                               room * sizeof(*c->series));
        c->series_room = room;
    }
    series = &c->series[c->series_count++];
    *series = (struct series){.master = *item,
                              .from_ms = props_int(props, IPROP_CALENDAR_FIRST, start),
                              .to_ms = props_int(props, IPROP_CALENDAR_LAST, INT64_MAX)};
    series->master.props = str_dup(arena, item->props);
}

static bool add_item(struct busy_calendar *c, struct arena *arena, const struct item *item)
{
    struct props props;

    if (++c->walked > NEIGHBOURS_MAX_WALKED) {
        return false;
    }
    if (item->kind != ITEM_KIND_CALENDAR_ITEM) {
        return true;
    }
    (void)props_open(&props, item->props);
    if (props_int(&props, IPROP_CALENDAR_CANCELLED, 0) != 0) {
        return true;
    }
    if (props_int(&props, IPROP_MEETING_RECURRING, 0) != 0) {
        add_series(c, arena, item, &props);
    } else {
        add_span(c, arena, item, &props);
    }
    return true;
}

static int compare_spans(const void *va, const void *vb)
{
    const struct span *a = va, *b = vb;

    return (a->start_ms > b->start_ms) - (a->start_ms < b->start_ms);
}

static bool walk(struct busy_calendar *c, struct mailbox_tx *tx, struct folder_id folder,
                 struct arena *arena)
{
    const struct item_iter_options options = {
        .folder = folder, .order = ITEM_ORDER_OLDEST_FIRST, .with_props = true};
    struct item_iter *iter;
    struct item item;
    bool good = true;

    if (mailbox_item_iter_begin(tx, &options, &iter, NULL) < 0) {
        return false;
    }
    while (good && mailbox_item_iter_next(iter, &item)) {
        good = add_item(c, arena, &item);
    }
    if (mailbox_item_iter_end(&iter, NULL) < 0) {
        return false;
    }
    if (c->span_count != 0) {
        qsort(c->spans, c->span_count, sizeof(*c->spans), compare_spans);
    }
    return good;
}

static struct busy_calendar *calendar_of(struct ews_call *call, struct mailbox_tx *tx)
{
    struct folder folder;

    if (call->busy == NULL) {
        call->busy = ARENA_NEW(call->arena, struct busy_calendar);
        call->busy->known =
            mailbox_folder_by_distinguished(tx, DF_CALENDAR, call->arena, &folder, NULL) == 1 &&
            walk(call->busy, tx, folder.id, call->arena);
    }
    return call->busy->known ? call->busy : NULL;
}

/* ---- those beside an item ---- */

struct finding {
    struct item_view *view;
    struct busy_calendar *calendar;
    int64_t start_ms, end_ms;
    struct neighbour *v; /* room for NEIGHBOURS_MAX_FOUND */
    struct calendar_neighbours found;
    bool too_much;
};

static bool touches(const struct finding *f, int64_t start_ms, int64_t end_ms)
{
    return start_ms <= f->end_ms && end_ms >= f->start_ms;
}

static void add(struct finding *f, const struct item *item, int64_t start_ms, int64_t end_ms,
                const struct item_occurrence *occurrence)
{
    bool conflicts = start_ms < f->end_ms && f->start_ms < end_ms;

    if (f->found.n == NEIGHBOURS_MAX_FOUND) {
        f->too_much = true;
        return;
    }
    f->v[f->found.n++] = (struct neighbour){start_ms, end_ms, conflicts, *item, occurrence};
    f->found.conflicting += conflicts;
    f->found.adjacent += !conflicts;
}

/* A request asks for an appointment that may lie in the calendar already. */
static bool is_asked_for(const struct finding *f, const struct item *item)
{
    struct props props;

    (void)props_open(&props, item->props);
    return f->view->item->kind == ITEM_KIND_MEETING_REQUEST &&
           str_eq(props.v[IPROP_MEETING_UID], f->view->props.v[IPROP_MEETING_UID]);
}

static bool add_span_of(struct finding *f, const struct span *span)
{
    struct item item;

    if (span->id.v == f->view->item->id.v || !touches(f, span->start_ms, span->end_ms)) {
        return true;
    }
    if (mailbox_item_get(f->view->tx, span->id, f->view->arena, &item, NULL) != 1) {
        return false;
    }
    if (!is_asked_for(f, &item)) {
        add(f, &item, span->start_ms, span->end_ms, NULL);
    }
    return !f->too_much;
}

/* From the last one that starts early enough back to the first that may still last. */
static bool add_spans(struct finding *f)
{
    struct busy_calendar *c = f->calendar;
    size_t low = 0, high = c->span_count;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (c->spans[mid].start_ms <= f->end_ms) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    while (low-- > 0 && c->spans[low].start_ms >= f->start_ms - c->longest_ms) {
        if (++c->compared > NEIGHBOURS_MAX_COMPARED || !add_span_of(f, &c->spans[low])) {
            return false;
        }
    }
    return true;
}

/* ---- occurrences ---- */

static bool read_series(struct finding *f, struct series *series)
{
    struct arena *arena = f->view->call->arena;
    struct calendar_event *event;

    if (series->event != NULL) {
        return true;
    }
    f->calendar->read_bytes += series->master.size + NEIGHBOURS_SERIES_BYTES;
    event = ARENA_NEW(arena, struct calendar_event);
    if (f->calendar->read_bytes > NEIGHBOURS_MAX_READ_BYTES ||
        calendar_event_read(f->view->tx, &series->master, arena, event, NULL) < 0) {
        return false;
    }
    series->event = event;
    return true;
}

/* One that is followed day by day costs as much as a thousand others. */
static uint64_t cost_of(const struct calendar_event *event)
{
    return 1 + event->exception_count / 16 + (event->unknown_rule.n != 0 ? 1000 : 0);
}

static bool is_itself(const struct finding *f, const struct series *series,
                      const struct occurrence *at)
{
    const struct item_occurrence *own = f->view->occurrence;

    return series->master.id.v == f->view->item->id.v &&
           (own == NULL || own->at.original_start_ms == at->original_start_ms);
}

static void add_occurrence(struct finding *f, const struct series *series,
                           const struct occurrence *at)
{
    const struct calendar_event *event = series->event;
    int64_t start = calendar_wire_ms(event, at->start_ms),
            end = calendar_wire_ms(event, at->end_ms);
    enum mime_busy busy = at->exception != NULL ? at->exception->busy : event->busy;
    struct item_occurrence *occurrence;
    struct item item;

    if (busy == MIME_BUSY_FREE || !touches(f, start, end) || is_itself(f, series, at)) {
        return;
    }
    occurrence = ARENA_NEW(f->view->arena, struct item_occurrence);
    *occurrence = (struct item_occurrence){&series->master, event, *at};
    item = calendar_occurrence_item(occurrence, f->view->arena);
    if (!is_asked_for(f, &item)) {
        add(f, &item, start, end, occurrence);
    }
}

static bool add_occurrences(struct finding *f, struct series *series)
{
    struct occurrence *occurrences;
    int64_t slack;
    size_t n;
    bool more;

    if (!touches(f, series->from_ms, series->to_ms)) {
        return true;
    }
    if (!read_series(f, series)) {
        return false;
    }
    f->calendar->expanded += cost_of(series->event);
    if (f->calendar->expanded > NEIGHBOURS_MAX_EXPANDED) {
        return false;
    }
    slack = series->event->all_day ? DAY_MS : 1;
    if (event_occurrences(series->event, f->start_ms - slack, f->end_ms + slack,
                          NEIGHBOURS_MAX_FOUND, f->view->arena, &occurrences, &n, &more,
                          NULL) < 0) {
        return true; /* a rule that nobody can follow */
    }
    for (size_t i = 0; i < n; i++) {
        add_occurrence(f, series, &occurrences[i]);
    }
    return !more && !f->too_much;
}

/* ---- all of them ---- */

static int compare_neighbours(const void *va, const void *vb)
{
    const struct neighbour *a = va, *b = vb;

    if (a->start_ms != b->start_ms) {
        return a->start_ms < b->start_ms ? -1 : 1;
    }
    return (a->item.id.v > b->item.id.v) - (a->item.id.v < b->item.id.v);
}

static bool find(struct finding *f)
{
    const struct props *props = &f->view->props;

    f->start_ms = props_int(props, IPROP_MEETING_START, 0);
    f->end_ms = props_int(props, IPROP_MEETING_END, f->start_ms);
    if (!props_has(props, IPROP_MEETING_START) || f->end_ms < f->start_ms || !add_spans(f)) {
        return false;
    }
    for (size_t i = 0; i < f->calendar->series_count; i++) {
        if (!add_occurrences(f, &f->calendar->series[i])) {
            return false;
        }
    }
    if (f->found.n != 0) {
        qsort(f->v, f->found.n, sizeof(*f->v), compare_neighbours);
    }
    f->found.v = f->v;
    return true;
}

static const struct calendar_neighbours *find_all(struct item_view *view)
{
    struct finding f = {.view = view};

    if (view->tx == NULL || view->within != NULL || !access_is_owner(view->call)) {
        return NULL;
    }
    f.calendar = calendar_of(view->call, view->tx);
    if (f.calendar == NULL) {
        return NULL;
    }
    f.v = ARENA_ARRAY(view->arena, struct neighbour, NEIGHBOURS_MAX_FOUND);
    return find(&f) ? arena_memdup(view->arena, &f.found, sizeof(f.found)) : NULL;
}

const struct calendar_neighbours *item_view_neighbours(struct item_view *view)
{
    if (!view->neighbours_sought) {
        view->neighbours_sought = true;
        view->neighbours = find_all(view);
    }
    return view->neighbours;
}
