#include "mime/recurrence.h"

#include "base/arena.h"
#include "base/base64.h"
#include "mime/limits.h"
#include "mime/mime-private.h"
#include "mime/recurrence-private.h"

#include <stdlib.h>

struct parsing {
    struct ical_reader r;
    icalcomponent *master;
    struct mime_calendar *values; /* of the master */
    struct calendar_event *event;
};

/* ---- which VEVENT is which ---- */

static bool has_recurrence_id(icalcomponent *vevent)
{
    return icalcomponent_get_first_property(vevent, ICAL_RECURRENCEID_PROPERTY) != NULL;
}

static icalcomponent *find_master(icalcomponent *calendar)
{
    icalcomponent *first = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);

    for (icalcomponent *c = first; c != NULL;
         c = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
        if (!has_recurrence_id(c)) {
            return c;
        }
    }
    return first;
}

/* ---- the master ---- */

static icalproperty *find_x(icalcomponent *component, const char *name)
{
    for (icalproperty *p = icalcomponent_get_first_property(component, ICAL_X_PROPERTY); p != NULL;
         p = icalcomponent_get_next_property(component, ICAL_X_PROPERTY)) {
        const char *x_name = icalproperty_get_x_name(p);

        if (x_name != NULL && g_ascii_strcasecmp(x_name, name) == 0) {
            return p;
        }
    }
    return NULL;
}

static void take_zone(struct parsing *p)
{
    struct calendar_event *e = p->event;
    icalproperty *named = find_x(p->r.calendar, "X-WR-TIMEZONE");

    e->tzid = p->values->tzid;
    if (e->tzid.n == 0 && named != NULL && (e->all_day || !p->values->recurring)) {
        e->tzid = str_trim(ical_text_of(p->r.arena, named));
    } else if (e->tzid.n > 0 && zone_is_own(&p->r.zones, p->r.calendar, e->tzid)) {
        struct str text = zone_text_of_calendar(p->r.arena, p->r.calendar, e->tzid);

        e->vtimezone = text.n <= MIME_VTIMEZONE_BYTES_MAX ? text : STR("");
    }
}

static void take_values(struct parsing *p)
{
    const struct mime_calendar *c = p->values;

    *p->event = (struct calendar_event){.uid = c->uid,
                                        .summary = c->summary,
                                        .location = c->location,
                                        .description = c->description,
                                        .start_ms = c->start_ms,
                                        .end_ms = c->end_ms > c->start_ms ? c->end_ms : c->start_ms,
                                        .all_day = c->all_day,
                                        .busy = c->busy,
                                        .has_recurrence_id = c->has_recurrence_id,
                                        .recurrence_id_ms = c->recurrence_id_ms,
                                        .method = c->method,
                                        .sequence = c->sequence,
                                        .has_stamp = c->has_stamp,
                                        .stamp_ms = c->stamp_ms,
                                        .organizer = c->organizer,
                                        .attendees = c->attendees,
                                        .attendee_count = c->attendee_count,
                                        .cancelled = c->cancelled};
}

static enum mime_sensitivity sensitivity_of(icalcomponent *vevent)
{
    static const struct {
        const char *word;
        enum mime_sensitivity sensitivity;
    } words[] = {{"PRIVATE", MIME_SENSITIVITY_PRIVATE},
                 {"CONFIDENTIAL", MIME_SENSITIVITY_CONFIDENTIAL},
                 {"X-PERSONAL", MIME_SENSITIVITY_PERSONAL}};
    enum mime_sensitivity sensitivity = MIME_SENSITIVITY_NORMAL;
    icalproperty *property = icalcomponent_get_first_property(vevent, ICAL_CLASS_PROPERTY);
    char *text = property != NULL ? icalproperty_get_value_as_string_r(property) : NULL;

    for (size_t i = 0; text != NULL && i < ARRAY_LEN(words); i++) {
        if (str_is_nocase(str_from(text), words[i].word)) {
            sensitivity = words[i].sensitivity;
        }
    }
    if (text != NULL) {
        icalmemory_free_buffer(text);
    }
    return sensitivity;
}

/* The first alarm that is set some time before the start. */
static bool read_reminder(icalcomponent *vevent, int *minutes_r)
{
    for (icalcomponent *alarm = icalcomponent_get_first_component(vevent, ICAL_VALARM_COMPONENT);
         alarm != NULL; alarm = icalcomponent_get_next_component(vevent, ICAL_VALARM_COMPONENT)) {
        icalproperty *property = icalcomponent_get_first_property(alarm, ICAL_TRIGGER_PROPERTY);
        struct icaltriggertype trigger;

        if (property == NULL || icalproperty_get_value(property) == NULL) {
            continue;
        }
        trigger = icalproperty_get_trigger(property);
        if (icaltime_is_null_time(trigger.time)) {
            int64_t s = icaldurationtype_as_int(trigger.duration);

            *minutes_r = s < 0 ? (int)(-s / 60) : 0;
            return true;
        }
    }
    return false;
}

/* ---- the rule ---- */

static struct event_zone zone_of(struct parsing *p)
{
    return (struct event_zone){.tzid = p->event->all_day ? STR("") : p->event->tzid,
                               .calendar = p->r.calendar};
}

static void take_rule(struct parsing *p)
{
    icalproperty *property = icalcomponent_get_first_property(p->master, ICAL_RRULE_PROPERTY);
    struct event_zone zone = zone_of(p);
    struct icalrecurrencetype rule;

    if (property == NULL || icalproperty_get_value(property) == NULL) {
        return;
    }
    rule = icalproperty_get_rrule(property);
    if (!rrule_read(&rule, event_zone_local_ms(&zone, p->event->start_ms), &zone, p->event->all_day,
                    &p->event->recurrence)) {
        p->event->unknown_rule = p->values->rrule;
    }
    zone_cache_fini(&zone.zones);
}

/* ---- deleted occurrences ---- */

static int compare_ms(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* A date means the occurrence of that day. */
static int64_t original_start(struct parsing *p, icalproperty *property, int64_t ms)
{
    struct event_zone zone = zone_of(p);
    int64_t start, utc = ms;

    if (icalvalue_isa(icalproperty_get_value(property)) == ICAL_DATE_VALUE && !p->event->all_day) {
        start = event_zone_local_ms(&zone, p->event->start_ms);
        utc = event_zone_utc_ms(&zone, ms + start - day_of_ms(start) * DAY_MS);
    } else if (p->event->all_day) {
        utc = day_of_ms(ms) * DAY_MS;
    }
    zone_cache_fini(&zone.zones);
    return utc;
}

static void take_exdates(struct parsing *p, int64_t *deleted)
{
    for (icalproperty *x = icalcomponent_get_first_property(p->master, ICAL_EXDATE_PROPERTY);
         x != NULL && p->event->deleted_count < MIME_EXDATES_MAX;
         x = icalcomponent_get_next_property(p->master, ICAL_EXDATE_PROPERTY)) {
        int64_t ms;

        if (ical_read_time(&p->r, x, &ms)) {
            deleted[p->event->deleted_count++] = original_start(p, x, ms);
        }
    }
}

/* ---- exceptions ---- */

static struct str unless_same(struct str value, struct str master)
{
    return str_eq(value, master) ? STR_NULL : value.n > 0 ? value : STR("");
}

static void take_own_reminder(const struct calendar_event *e, icalcomponent *vevent,
                              struct event_exception *x)
{
    if (icalcomponent_get_first_component(vevent, ICAL_VALARM_COMPONENT) == NULL) {
        return;
    }
    x->has_reminder = read_reminder(vevent, &x->reminder_minutes);
    x->own_reminder =
        x->has_reminder != e->has_reminder || x->reminder_minutes != e->reminder_minutes;
    if (!x->own_reminder) {
        x->has_reminder = false;
        x->reminder_minutes = 0;
    }
}

bool event_same_attendees(const struct mime_attendee *a, size_t a_count,
                          const struct mime_attendee *b, size_t b_count)
{
    for (size_t i = 0; i < a_count && a_count == b_count; i++) {
        if (!str_eq(a[i].who.name, b[i].who.name) || !str_eq(a[i].who.address, b[i].who.address) ||
            a[i].role != b[i].role || a[i].partstat != b[i].partstat) {
            return false;
        }
    }
    return a_count == b_count;
}

static bool is_somebody(const struct mime_address *who)
{
    return who->name.n > 0 || who->address.n > 0;
}

static void take_own_attendees(const struct calendar_event *e, const struct mime_calendar *c,
                               struct event_exception *x)
{
    bool says =
        c->attendee_count > 0 || (is_somebody(&e->organizer) && !is_somebody(&c->organizer));

    if (says &&
        !event_same_attendees(c->attendees, c->attendee_count, e->attendees, e->attendee_count)) {
        x->own_attendees = true;
        x->attendees = c->attendees;
        x->attendee_count = c->attendee_count;
    }
}

/* A body of its own, though its text be the master's. */
static void take_html(struct parsing *p, icalcomponent *vevent, const struct mime_calendar *c,
                      struct event_exception *x)
{
    icalproperty *property = find_x(vevent, EVENT_HTML_PROPERTY);

    x->html = property != NULL ? ical_text_of(p->r.arena, property) : STR("");
    if (x->html.n > 0 && x->description.p == NULL) {
        x->description = c->description.n > 0 ? c->description : STR("");
    }
}

static void take_record(struct parsing *p, icalcomponent *vevent, struct event_exception *x)
{
    icalproperty *property = find_x(vevent, EVENT_RECORD_PROPERTY);
    struct buf bytes = BUF_INIT;

    if (property != NULL &&
        base64_decode_lenient(&bytes, str_trim(ical_text_of(p->r.arena, property))) &&
        bytes.n > 0) {
        x->record = str_dup(p->r.arena, buf_str(&bytes));
    }
    buf_fini(&bytes);
}

/* A time of an exception in the form that the event's times have. */
static int64_t time_of_exception(struct parsing *p, bool all_day, int64_t ms)
{
    struct event_zone zone = {.tzid = p->event->tzid, .calendar = p->r.calendar};
    int64_t v = ms;

    if (all_day != p->event->all_day) {
        v = all_day ? event_zone_utc_ms(&zone, ms) : event_zone_local_ms(&zone, ms);
    }
    zone_cache_fini(&zone.zones);
    return v;
}

static void take_exception(struct parsing *p, icalcomponent *vevent, int64_t *deleted,
                           struct event_exception *exceptions)
{
    const struct mime_calendar *c = ical_read_event(&p->r, vevent, p->event->method);
    icalproperty *id = icalcomponent_get_first_property(vevent, ICAL_RECURRENCEID_PROPERTY);
    struct calendar_event *e = p->event;
    struct event_exception *x;
    int64_t original, end;

    if (!c->has_recurrence_id || !c->has_start || !str_eq(c->uid, e->uid)) {
        return;
    }
    original = original_start(p, id, c->recurrence_id_ms);
    if (c->cancelled) {
        if (e->deleted_count < MIME_EXDATES_MAX) {
            deleted[e->deleted_count++] = original;
        }
        return;
    }
    end = c->end_ms > c->start_ms ? c->end_ms : c->start_ms;
    x = &exceptions[e->exception_count++];
    *x = (struct event_exception){.original_start_ms = original,
                                  .start_ms = time_of_exception(p, c->all_day, c->start_ms),
                                  .end_ms = time_of_exception(p, c->all_day, end),
                                  .all_day = c->all_day,
                                  .summary = unless_same(c->summary, e->summary),
                                  .location = unless_same(c->location, e->location),
                                  .description = unless_same(c->description, e->description),
                                  .busy = c->busy,
                                  .sensitivity = sensitivity_of(vevent)};
    take_own_reminder(e, vevent, x);
    take_own_attendees(e, c, x);
    take_html(p, vevent, c, x);
    take_record(p, vevent, x);
}

static int compare_exceptions(const void *a, const void *b)
{
    const struct event_exception *x = a, *y = b;

    return compare_ms(&x->original_start_ms, &y->original_start_ms);
}

/* In order, each once. */
static size_t sort_exceptions(struct event_exception *v, size_t n)
{
    size_t kept = 0;

    qsort(v, n, sizeof(*v), compare_exceptions);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || v[kept - 1].original_start_ms != v[i].original_start_ms) {
            v[kept++] = v[i];
        }
    }
    return kept;
}

/* In order, each once, without those that are exceptions. */
static size_t sort_deleted(int64_t *v, size_t n, const struct event_exception *exceptions,
                           size_t exception_count)
{
    size_t kept = 0;

    qsort(v, n, sizeof(*v), compare_ms);
    for (size_t i = 0; i < n; i++) {
        struct event_exception key = {.original_start_ms = v[i]};

        if ((kept == 0 || v[kept - 1] != v[i]) &&
            bsearch(&key, exceptions, exception_count, sizeof(key), compare_exceptions) == NULL) {
            v[kept++] = v[i];
        }
    }
    return kept;
}

static void take_changes(struct parsing *p)
{
    struct calendar_event *e = p->event;
    int64_t *deleted = ARENA_ARRAY(p->r.arena, int64_t, MIME_EXDATES_MAX);
    size_t n = (size_t)icalcomponent_count_components(p->r.calendar, ICAL_VEVENT_COMPONENT);
    struct event_exception *exceptions = ARENA_ARRAY(p->r.arena, struct event_exception, n);

    take_exdates(p, deleted);
    /* An iterator of our own: looking for zones moves the calendar's. */
    for (icalcompiter at = icalcomponent_begin_component(p->r.calendar, ICAL_VEVENT_COMPONENT);
         icalcompiter_deref(&at) != NULL; icalcompiter_next(&at)) {
        icalcomponent *c = icalcompiter_deref(&at);

        if (c != p->master && has_recurrence_id(c)) {
            take_exception(p, c, deleted, exceptions);
        }
    }
    e->exceptions = exceptions;
    e->exception_count = sort_exceptions(exceptions, e->exception_count);
    e->deleted = deleted;
    e->deleted_count = sort_deleted(deleted, e->deleted_count, exceptions, e->exception_count);
}

/* ---- all of it ---- */

static bool parse(struct parsing *p, icalcomponent *root)
{
    p->r.calendar = ical_calendar_of(root);
    p->master = p->r.calendar != NULL ? find_master(p->r.calendar) : NULL;
    if (p->master == NULL) {
        return false;
    }
    p->values = ical_read_event(&p->r, p->master, ical_method(&p->r));
    if (!p->values->has_start) {
        return false;
    }
    take_values(p);
    take_zone(p);
    p->event->sensitivity = sensitivity_of(p->master);
    p->event->has_reminder = read_reminder(p->master, &p->event->reminder_minutes);
    take_rule(p);
    if (p->event->recurrence.pattern != RECUR_NONE || p->event->unknown_rule.n > 0) {
        take_changes(p);
    }
    return true;
}

int event_parse(struct str icalendar, struct arena *arena, struct calendar_event *event_r,
                struct err *err_r)
{
    struct calendar_event event;
    struct parsing p = {.r = {.arena = arena}, .event = &event};
    icalcomponent *root;
    bool ok = false;

    if (icalendar.n > MIME_CALENDAR_BYTES_MAX) {
        return err_set(err_r, ERR_MIME_CONTENT, "a calendar of %zu bytes", icalendar.n);
    }
    ical_lock();
    root = ical_parse(arena, mime_clean(arena, icalendar));
    if (root != NULL) {
        ok = parse(&p, root);
        zone_cache_fini(&p.r.zones);
        icalcomponent_free(root);
    }
    ical_unlock();
    if (!ok) {
        return err_set(err_r, ERR_MIME_CONTENT, "no VEVENT with a start");
    }
    *event_r = event;
    return 0;
}
