/* Exceptions and deleted occurrences of a series that got other times: they go with the occurrence of their day. */
#include "mime/recurrence.h"

#include "base/arena.h"
#include "mime/recurrence-private.h"

/* An exception as clocks showed it when the series had its old times. */
struct shown {
    int64_t start_local_ms, end_local_ms;
    int64_t start_utc_ms, end_utc_ms;
    bool follows;       /* it started when the series said */
    bool is_own_length; /* and lasted longer or shorter */
};

struct moving {
    const struct calendar_event *before;
    struct calendar_event *event;
    struct shown *shown;
    int64_t *days;  /* of the exceptions, then of the deleted */
    int64_t length; /* of the old ones, on the clocks */
    struct arena *arena;
};

/* The zone by its name, whatever the event's times are. */
static struct event_zone named_zone(const struct calendar_event *event,
                                    const struct event_zone *zone)
{
    return (struct event_zone){.tzid = event->tzid, .calendar = zone->calendar};
}

/* ---- as it was ---- */

static void show(struct moving *m, struct event_zone *zone, struct event_zone *named, size_t i)
{
    const struct event_exception *x = &m->before->exceptions[i];
    struct shown *s = &m->shown[i];
    bool floats = m->before->all_day;

    s->start_local_ms = floats ? x->start_ms : event_zone_local_ms(zone, x->start_ms);
    s->end_local_ms = floats ? x->end_ms : event_zone_local_ms(zone, x->end_ms);
    s->start_utc_ms = floats ? event_zone_utc_ms(named, x->start_ms) : x->start_ms;
    s->end_utc_ms = floats ? event_zone_utc_ms(named, x->end_ms) : x->end_ms;
    s->follows = x->start_ms == x->original_start_ms && x->all_day == m->before->all_day;
    s->is_own_length = s->end_local_ms - s->start_local_ms != m->length;
}

static void look_at_before(struct moving *m)
{
    const struct calendar_event *b = m->before;
    struct event_zone zone, named;

    event_zone_open(b, &zone);
    named = named_zone(b, &zone);
    m->length = event_zone_local_ms(&zone, b->end_ms) - event_zone_local_ms(&zone, b->start_ms);
    for (size_t i = 0; i < b->exception_count; i++) {
        show(m, &zone, &named, i);
        m->days[i] = day_of_ms(event_zone_local_ms(&zone, b->exceptions[i].original_start_ms));
    }
    for (size_t i = 0; i < b->deleted_count; i++) {
        m->days[b->exception_count + i] = day_of_ms(event_zone_local_ms(&zone, b->deleted[i]));
    }
    zone_cache_fini(&named.zones);
    event_zone_close(&zone);
}

/* ---- as it is ---- */

static void place_following(struct moving *m, struct event_zone *zone, const struct shown *s,
                            struct event_exception *x)
{
    const struct calendar_event *e = m->event;
    int64_t local = event_zone_local_ms(zone, x->original_start_ms);
    int64_t length =
        s->is_own_length && e->all_day == m->before->all_day
            ? s->end_local_ms - s->start_local_ms
            : event_zone_local_ms(zone, e->end_ms) - event_zone_local_ms(zone, e->start_ms);

    x->all_day = e->all_day;
    x->start_ms = x->original_start_ms;
    x->end_ms = event_zone_utc_ms(zone, local + length);
}

/* Whole days stay these days, times these moments. */
static void place_own(struct moving *m, struct event_zone *zone, struct event_zone *named,
                      const struct shown *s, struct event_exception *x)
{
    bool floats = m->event->all_day;

    if (x->all_day) {
        x->start_ms = floats ? s->start_local_ms : event_zone_utc_ms(zone, s->start_local_ms);
        x->end_ms = floats ? s->end_local_ms : event_zone_utc_ms(zone, s->end_local_ms);
    } else {
        x->start_ms = floats ? event_zone_local_ms(named, s->start_utc_ms) : s->start_utc_ms;
        x->end_ms = floats ? event_zone_local_ms(named, s->end_utc_ms) : s->end_utc_ms;
    }
}

static void place_exceptions(struct moving *m, const int64_t *starts)
{
    const struct calendar_event *b = m->before;
    struct event_exception *v = ARENA_ARRAY(m->arena, struct event_exception, b->exception_count);
    struct event_zone zone, named;
    size_t n = 0;

    event_zone_open(m->event, &zone);
    named = named_zone(m->event, &zone);
    for (size_t i = 0; i < b->exception_count; i++) {
        struct event_exception *x = &v[n];

        if (starts[i] == EVENT_NO_START || (i > 0 && starts[i] == starts[i - 1])) {
            continue;
        }
        *x = b->exceptions[i];
        x->original_start_ms = starts[i];
        if (m->shown[i].follows) {
            place_following(m, &zone, &m->shown[i], x);
        } else {
            place_own(m, &zone, &named, &m->shown[i], x);
        }
        n++;
    }
    zone_cache_fini(&named.zones);
    event_zone_close(&zone);
    m->event->exceptions = v;
    m->event->exception_count = n;
}

static void place_deleted(struct moving *m, const int64_t *starts)
{
    size_t count = m->before->deleted_count, n = 0;
    int64_t *v = ARENA_ARRAY(m->arena, int64_t, count);

    for (size_t i = 0; i < count; i++) {
        if (starts[i] != EVENT_NO_START && (i == 0 || starts[i] != starts[i - 1])) {
            v[n++] = starts[i];
        }
    }
    m->event->deleted = v;
    m->event->deleted_count = n;
}

void event_move_changes(struct calendar_event *event, const struct calendar_event *before,
                        struct arena *arena)
{
    size_t exceptions = before->exception_count, deleted = before->deleted_count;
    struct moving m = {.before = before, .event = event, .arena = arena};
    int64_t *starts = ARENA_ARRAY(arena, int64_t, exceptions + deleted);

    m.shown = ARENA_ARRAY(arena, struct shown, exceptions);
    m.days = ARENA_ARRAY(arena, int64_t, exceptions + deleted);
    look_at_before(&m);
    event_starts_on_days(event, m.days, exceptions, starts);
    event_starts_on_days(event, m.days + exceptions, deleted, starts + exceptions);
    place_exceptions(&m, starts);
    place_deleted(&m, starts + exceptions);
}
