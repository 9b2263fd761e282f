/* Occurrences: a walk over the original starts of an event, by arithmetic for the protocol's patterns and day by day for other rules, and what became of each. */
#include "mime/recurrence.h"

#include "base/arena.h"
#include "mime/limits.h"
#include "mime/recurrence-private.h"
#include "mime/rule_walk.h"

#include <stdlib.h>

enum walk_kind { WALK_SINGLE, WALK_PATTERN, WALK_RULE };

struct walk {
    const struct calendar_event *event;
    struct event_zone zone;
    enum walk_kind kind;
    int64_t start_local_ms, length_ms; /* on the clocks of the zone */
    int64_t ordinal;                   /* of the next one, from 0 */
    int64_t count;                     /* of all; not known of a rule */
    struct rule_walk rule;
    bool rule_ends;
};

/* ---- opening ---- */

/* UNTIL as the clocks show it; that of a date is its last moment. */
static int64_t until_local_ms(struct walk *w, const struct icalrecurrencetype *rule)
{
    struct icaltimetype u = rule->until;
    int64_t ms;

    if (icaltime_is_null_time(u)) {
        return INT64_MAX;
    }
    ms = clamp_ms(
        (((civil_to_day(u.year, u.month, u.day) * 24 + u.hour) * 60 + u.minute) * 60 + u.second) *
        INT64_C(1000));
    if (u.is_date) {
        return ms + DAY_MS - 1;
    }
    return icaltime_is_utc(u) ? event_zone_local_ms(&w->zone, ms) : ms;
}

static void open_rule(struct walk *w)
{
    struct arena *arena = arena_new(NULL, "rule");
    struct icalrecurrencetype rule =
        icalrecurrencetype_from_string(str_cstr(arena, w->event->unknown_rule));

    arena_free(&arena);
    if (rule_walk_open(&w->rule, &rule, w->start_local_ms, until_local_ms(w, &rule))) {
        w->kind = WALK_RULE;
        w->count = INT64_MAX;
        w->rule_ends = rule.count > 0 || !icaltime_is_null_time(rule.until);
    }
    free(rule.rscale);
}

static int walk_open(const struct calendar_event *event, struct walk *w, struct err *err_r)
{
    const struct recurrence *r = &event->recurrence;
    int64_t start = clamp_ms(event->start_ms), end = clamp_ms(event->end_ms);

    *w = (struct walk){.event = event, .kind = WALK_SINGLE, .count = 1};
    if (r->pattern != RECUR_NONE) {
        TRY(recurrence_check(r, err_r));
        w->kind = WALK_PATTERN;
        w->count = pattern_count(r);
    }
    event_zone_open(event, &w->zone);
    w->start_local_ms = event_zone_local_ms(&w->zone, start);
    w->length_ms = end > start ? event_zone_local_ms(&w->zone, end) - w->start_local_ms : 0;
    if (r->pattern == RECUR_NONE && event->unknown_rule.n > 0) {
        open_rule(w);
    }
    return 0;
}

static void walk_close(struct walk *w)
{
    event_zone_close(&w->zone);
}

/* ---- walking ---- */

static int64_t time_of_day(const struct walk *w)
{
    return w->start_local_ms - day_of_ms(w->start_local_ms) * DAY_MS;
}

/* The occurrence that starts then, as the master has it. */
static void place(struct walk *w, int64_t local_ms, struct occurrence *o)
{
    o->original_start_ms = o->start_ms = event_zone_utc_ms(&w->zone, local_ms);
    o->end_ms = event_zone_utc_ms(&w->zone, local_ms + w->length_ms);
    if (o->end_ms < o->start_ms) {
        o->end_ms = o->start_ms;
    }
    o->exception = NULL;
}

/* The next original start, whatever became of it. */
static bool walk_next(struct walk *w, struct occurrence *o)
{
    int64_t local = w->start_local_ms;

    if (w->ordinal >= w->count) {
        return false;
    }
    if (w->kind == WALK_PATTERN) {
        local = pattern_day(&w->event->recurrence, w->ordinal) * DAY_MS + time_of_day(w);
    } else if (w->kind == WALK_RULE && !rule_walk_next(&w->rule, &local)) {
        return false;
    }
    place(w, local, o);
    if (w->kind == WALK_SINGLE) {
        o->original_start_ms = o->start_ms = w->event->start_ms;
        o->end_ms = w->event->end_ms > o->start_ms ? w->event->end_ms : o->start_ms;
    }
    o->index = (int)++w->ordinal;
    return true;
}

/* Passes over those before that day, where that costs nothing. */
static void walk_seek(struct walk *w, int64_t local_ms)
{
    if (w->kind == WALK_PATTERN) {
        w->ordinal = pattern_before(&w->event->recurrence, day_of_ms(local_ms));
    }
}

/* The occurrence with that original start. */
static bool walk_find(struct walk *w, int64_t original_ms, struct occurrence *o)
{
    walk_seek(w, event_zone_local_ms(&w->zone, clamp_ms(original_ms)) - DAY_MS);
    while (walk_next(w, o) && o->original_start_ms <= original_ms) {
        if (o->original_start_ms == original_ms) {
            return true;
        }
    }
    return false;
}

/* ---- what became of an occurrence ---- */

static bool is_deleted(const struct calendar_event *e, int64_t original_ms)
{
    size_t low = 0, high = e->deleted_count;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (e->deleted[mid] < original_ms) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < e->deleted_count && e->deleted[low] == original_ms;
}

static const struct event_exception *find_exception(const struct calendar_event *e,
                                                    int64_t original_ms)
{
    size_t low = 0, high = e->exception_count;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (e->exceptions[mid].original_start_ms < original_ms) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < e->exception_count && e->exceptions[low].original_start_ms == original_ms
               ? &e->exceptions[low]
               : NULL;
}

static void apply(struct occurrence *o, const struct event_exception *x)
{
    if (x != NULL) {
        o->exception = x;
        o->start_ms = x->start_ms;
        o->end_ms = x->end_ms > x->start_ms ? x->end_ms : x->start_ms;
    }
}

/* 1, or 0 when it was deleted. */
static int settle(const struct calendar_event *e, struct occurrence *o, bool *deleted_r)
{
    *deleted_r = is_deleted(e, o->original_start_ms);
    apply(o, find_exception(e, o->original_start_ms));
    return !*deleted_r;
}

/* ---- those of a window ---- */

struct window {
    int64_t from_ms, to_ms;
    size_t max;
    struct arena *arena;
    struct occurrence *v;
    size_t n, cap;
    size_t
        plain; /* of these, as the master has them: they come in order, so that more than max + 1 are not needed */
};

static bool overlaps(const struct window *window, const struct occurrence *o)
{
    if (o->start_ms == o->end_ms) {
        return o->start_ms >= window->from_ms && o->start_ms < window->to_ms;
    }
    return o->start_ms < window->to_ms && o->end_ms > window->from_ms;
}

static void push(struct window *window, const struct occurrence *o)
{
    if (!overlaps(window, o)) {
        return;
    }
    if (window->n == window->cap) {
        size_t cap = window->cap == 0 ? 16 : 2 * window->cap;

        window->v = arena_grow(window->arena, window->v, window->cap * sizeof(*window->v),
                               cap * sizeof(*window->v));
        window->cap = cap;
    }
    window->v[window->n++] = *o;
    window->plain += o->exception == NULL;
}

static bool is_full(const struct window *window)
{
    return window->plain > window->max;
}

/* Exceptions may be moved anywhere, so all are looked at; the pattern tells their index at once. */
static void push_exceptions(struct walk *w, struct window *window)
{
    const struct calendar_event *e = w->event;

    for (size_t i = 0; i < e->exception_count; i++) {
        struct occurrence o = {0};

        apply(&o, &e->exceptions[i]);
        if (overlaps(window, &o) && walk_find(w, e->exceptions[i].original_start_ms, &o)) {
            apply(&o, &e->exceptions[i]);
            push(window, &o);
        }
    }
}

/* A day of grace on both sides, for clocks that differ from UTC. */
static void push_walk(struct walk *w, struct window *window)
{
    const struct calendar_event *e = w->event;
    int64_t end_ms = window->to_ms + DAY_MS;
    struct occurrence o;

    if (w->kind == WALK_RULE && e->exception_count > 0) {
        int64_t last = e->exceptions[e->exception_count - 1].original_start_ms;

        end_ms = end_ms > last ? end_ms : last;
    }
    walk_seek(w, clamp_ms(window->from_ms - w->length_ms - 2 * DAY_MS));
    while (walk_next(w, &o) && o.original_start_ms <= end_ms) {
        const struct event_exception *x = find_exception(e, o.original_start_ms);

        if (is_deleted(e, o.original_start_ms) || (x != NULL && w->kind == WALK_PATTERN)) {
            continue;
        }
        apply(&o, x);
        if (x != NULL || !is_full(window)) {
            push(window, &o);
        } else if (w->kind == WALK_PATTERN) {
            break;
        }
    }
}

static int compare_occurrences(const void *a, const void *b)
{
    const struct occurrence *x = a, *y = b;

    return x->start_ms != y->start_ms ? (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms)
                                      : (x->index > y->index) - (x->index < y->index);
}

int event_occurrences(const struct calendar_event *event, int64_t from_ms, int64_t to_ms,
                      size_t max, struct arena *arena, struct occurrence **occurrences_r,
                      size_t *n_r, bool *more_r, struct err *err_r)
{
    struct window window = {
        .from_ms = clamp_ms(from_ms), .to_ms = clamp_ms(to_ms), .max = max, .arena = arena};
    struct walk w;

    TRY(walk_open(event, &w, err_r));
    push_walk(&w, &window);
    if (w.kind == WALK_PATTERN) {
        push_exceptions(&w, &window);
    }
    walk_close(&w);
    if (window.n > 0) {
        qsort(window.v, window.n, sizeof(*window.v), compare_occurrences);
    }
    *occurrences_r = window.v;
    *n_r = window.n < max ? window.n : max;
    *more_r = window.n > max;
    return 0;
}

/* ---- single ones ---- */

int event_occurrence_by_index(const struct calendar_event *event, int index,
                              struct occurrence *occurrence_r, bool *deleted_r, struct err *err_r)
{
    struct occurrence o = {0};
    struct walk w;
    int found = 0;

    *deleted_r = false;
    if (index < 1) {
        return 0;
    }
    TRY(walk_open(event, &w, err_r));
    w.ordinal = w.kind == WALK_PATTERN ? index - 1 : 0;
    while (o.index < index && walk_next(&w, &o)) {
    }
    if (o.index == index) {
        found = settle(event, &o, deleted_r);
    }
    walk_close(&w);
    if (found == 1) {
        *occurrence_r = o;
    }
    return found;
}

int event_occurrence_by_start(const struct calendar_event *event, int64_t original_start_ms,
                              struct occurrence *occurrence_r, bool *deleted_r, struct err *err_r)
{
    struct occurrence o;
    struct walk w;
    int found = 0;

    *deleted_r = false;
    TRY(walk_open(event, &w, err_r));
    if (walk_find(&w, original_start_ms, &o)) {
        found = settle(event, &o, deleted_r);
    }
    walk_close(&w);
    if (found == 1) {
        *occurrence_r = o;
    }
    return found;
}

/* ---- by day ---- */

void event_starts_on_days(const struct calendar_event *event, const int64_t *days, size_t n,
                          int64_t *starts_r)
{
    int64_t at = INT64_MIN; /* the day of o */
    struct occurrence o;
    struct walk w;
    bool open = n > 0 && walk_open(event, &w, NULL) == 0;

    for (size_t i = 0; i < n; i++) {
        starts_r[i] = EVENT_NO_START;
        if (!open) {
            continue;
        }
        walk_seek(&w, days[i] * DAY_MS);
        while (at < days[i] && walk_next(&w, &o)) {
            at = day_of_ms(event_zone_local_ms(&w.zone, o.original_start_ms));
        }
        if (at == days[i]) {
            starts_r[i] = o.original_start_ms;
        }
    }
    if (open) {
        walk_close(&w);
    }
}

/* ---- first and last ---- */

static void find_first(struct walk *w, struct occurrence *first)
{
    bool deleted;
    struct occurrence o;

    while (walk_next(w, &o)) {
        if (settle(w->event, &o, &deleted) == 1) {
            *first = o;
            return;
        }
    }
}

static void find_last_of_pattern(struct walk *w, struct occurrence *last)
{
    bool deleted;
    struct occurrence o;

    for (int64_t ordinal = w->count; ordinal-- > 0;) {
        w->ordinal = ordinal;
        if (walk_next(w, &o) && settle(w->event, &o, &deleted) == 1) {
            *last = o;
            return;
        }
    }
}

/* On from the first. */
static void find_last_by_walking(struct walk *w, const struct occurrence *first,
                                 struct occurrence *last)
{
    bool deleted;
    struct occurrence o, seen = *first;

    while (walk_next(w, &o)) {
        if (settle(w->event, &o, &deleted) == 1) {
            seen = o;
        }
    }
    if (w->kind == WALK_SINGLE || !w->rule.gave_up) {
        *last = seen;
    }
}

int event_bounds(const struct calendar_event *event, struct occurrence *first_r,
                 struct occurrence *last_r, struct err *err_r)
{
    struct occurrence first = {0}, last = {0};
    struct walk w;

    TRY(walk_open(event, &w, err_r));
    find_first(&w, &first);
    if (w.kind == WALK_PATTERN && event->recurrence.range != RECUR_NO_END) {
        find_last_of_pattern(&w, &last);
    } else if (w.kind == WALK_SINGLE || (w.kind == WALK_RULE && w.rule_ends)) {
        find_last_by_walking(&w, &first, &last);
    }
    walk_close(&w);
    *first_r = first;
    *last_r = last;
    return 0;
}

/* ---- settling ---- */

void event_settle(struct calendar_event *event)
{
    struct walk w;
    int64_t day;

    if (event->recurrence.pattern == RECUR_NONE || walk_open(event, &w, NULL) < 0) {
        return;
    }
    day = pattern_day(&event->recurrence, 0);
    event->recurrence.start_day_ms = day * DAY_MS;
    event->start_ms = event_zone_utc_ms(&w.zone, day * DAY_MS + time_of_day(&w));
    event->end_ms = event_zone_utc_ms(&w.zone, day * DAY_MS + time_of_day(&w) + w.length_ms);
    walk_close(&w);
}
