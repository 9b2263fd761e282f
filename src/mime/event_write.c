#include "mime/recurrence.h"

#include "base/arena.h"
#include "base/base64.h"
#include "mime/content_line.h"
#include "mime/limits.h"
#include "mime/mime-private.h"
#include "mime/recurrence-private.h"

struct writing {
    struct arena *arena;
    const struct calendar_event *event;
    struct event_zone zone;
    struct buf out, line;
};

static void end_line(struct writing *w)
{
    content_line_end(&w->out, &w->line);
}

static void write_literal(struct writing *w, const char *text)
{
    buf_add_cstr(&w->line, text);
    end_line(w);
}

static void write_text(struct writing *w, const char *name, struct str text)
{
    if (text.n > 0) {
        buf_add_cstr(&w->line, name);
        buf_add_char(&w->line, ':');
        content_line_text(&w->line, mime_clean(w->arena, text));
        end_line(w);
    }
}

/* ---- times ---- */

static void add_date(struct writing *w, const struct icaltimetype *t)
{
    buf_printf(&w->line, "%04d%02d%02d", t->year, t->month, t->day);
}

static void add_clock(struct writing *w, const struct icaltimetype *t)
{
    buf_printf(&w->line, "T%02d%02d%02d", t->hour, t->minute, t->second);
}

static void write_utc(struct writing *w, const char *name, int64_t ms)
{
    struct icaltimetype t = ical_time_of_ms(clamp_ms(ms));

    buf_add_cstr(&w->line, name);
    buf_add_char(&w->line, ':');
    add_date(w, &t);
    add_clock(w, &t);
    buf_add_char(&w->line, 'Z');
    end_line(w);
}

static void write_day(struct writing *w, const char *name, int64_t ms)
{
    struct icaltimetype t = ical_time_of_ms(clamp_ms(ms));

    buf_printf(&w->line, "%s;VALUE=DATE:", name);
    add_date(w, &t);
    end_line(w);
}

/* On the clocks of the event's zone, unless they show that time twice and would be read as the other. */
static void write_time(struct writing *w, const char *name, int64_t ms)
{
    int64_t local = event_zone_local_ms(&w->zone, clamp_ms(ms));
    struct icaltimetype t = ical_time_of_ms(clamp_ms(local));

    if (w->event->all_day) {
        write_day(w, name, ms);
    } else if (w->zone.tzid.n == 0 || event_zone_utc_ms(&w->zone, local) != clamp_ms(ms)) {
        write_utc(w, name, ms);
    } else {
        buf_add_cstr(&w->line, name);
        content_line_parameter(&w->line, "TZID", w->zone.tzid);
        buf_add_char(&w->line, ':');
        add_date(w, &t);
        add_clock(w, &t);
        end_line(w);
    }
}

static void write_times(struct writing *w, int64_t start_ms, int64_t end_ms)
{
    write_time(w, "DTSTART", start_ms);
    /* RFC 5545 has no empty events: without an end, one of a time is a moment; of a day, it is that day. */
    if (end_ms > start_ms) {
        write_time(w, "DTEND", end_ms);
    }
}

/* ---- people ---- */

static void write_person(struct writing *w, struct mime_address who)
{
    content_line_parameter(&w->line, "CN", mime_clean(w->arena, who.name));
    BUF_LIT(&w->line, ":mailto:");
    buf_add_str(&w->line, mime_clean(w->arena, who.address));
    end_line(w);
}

static void write_organizer(struct writing *w)
{
    struct mime_address who = w->event->organizer;

    if (who.name.n > 0 || who.address.n > 0) {
        BUF_LIT(&w->line, "ORGANIZER");
        write_person(w, who);
    }
}

static void write_attendee(struct writing *w, const struct mime_attendee *a)
{
    static const char *const roles[] = {
        [MIME_ATTENDEE_REQUIRED] = ";ROLE=REQ-PARTICIPANT",
        [MIME_ATTENDEE_OPTIONAL] = ";ROLE=OPT-PARTICIPANT",
        [MIME_ATTENDEE_RESOURCE] = ";CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT",
    };
    static const char *const answers[] = {
        [MIME_PARTSTAT_NONE] = "",
        [MIME_PARTSTAT_NEEDS_ACTION] = ";PARTSTAT=NEEDS-ACTION;RSVP=TRUE",
        [MIME_PARTSTAT_ACCEPTED] = ";PARTSTAT=ACCEPTED",
        [MIME_PARTSTAT_DECLINED] = ";PARTSTAT=DECLINED",
        [MIME_PARTSTAT_TENTATIVE] = ";PARTSTAT=TENTATIVE",
    };

    BUF_LIT(&w->line, "ATTENDEE");
    buf_add_cstr(&w->line, roles[a->role]);
    buf_add_cstr(&w->line, answers[a->partstat]);
    write_person(w, a->who);
}

/* ---- the zone ---- */

/* A zone that is defined nowhere is only a name, and its times are UTC. */
static void write_zone(struct writing *w)
{
    struct str text = w->event->vtimezone;

    if (w->zone.tzid.n == 0) {
        return;
    }
    if (text.n == 0 || !zone_is_own(&w->zone.zones, w->zone.calendar, w->zone.tzid)) {
        text = zone_text_of_system(w->arena, w->zone.tzid);
    }
    if (text.n > 0) {
        buf_add_str(&w->out, text);
        if (text.p[text.n - 1] != '\n') {
            BUF_LIT(&w->out, "\r\n");
        }
    }
}

/* For readers, and for us where no time names the zone. */
static void write_calendar_zone(struct writing *w)
{
    const struct calendar_event *e = w->event;
    int64_t local = event_zone_local_ms(&w->zone, clamp_ms(e->start_ms));
    bool unnamed = e->all_day || event_zone_utc_ms(&w->zone, local) != clamp_ms(e->start_ms);

    if (e->tzid.n > 0 && unnamed) {
        write_text(w, "X-WR-TIMEZONE", e->tzid);
    }
}

/* ---- recurrence ---- */

static void write_rule(struct writing *w)
{
    const struct calendar_event *e = w->event;
    int64_t start = event_zone_local_ms(&w->zone, clamp_ms(e->start_ms));

    if (e->recurrence.pattern != RECUR_NONE && recurrence_check(&e->recurrence, NULL) == 0) {
        BUF_LIT(&w->line, "RRULE:");
        rrule_write(&w->line, &e->recurrence, start, &w->zone, e->all_day);
        end_line(w);
    } else if (e->unknown_rule.n > 0) {
        BUF_LIT(&w->line, "RRULE:");
        buf_add_str(&w->line, e->unknown_rule);
        end_line(w);
    }
}

/* ---- events ---- */

static void write_busy(struct writing *w, enum mime_busy busy)
{
    static const char *const words[] = {
        [MIME_BUSY_FREE] = "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
        [MIME_BUSY_TENTATIVE] = "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",
        [MIME_BUSY_BUSY] = "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        [MIME_BUSY_OOF] = "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
    };

    write_literal(w, busy == MIME_BUSY_FREE ? "TRANSP:TRANSPARENT" : "TRANSP:OPAQUE");
    write_literal(w, words[busy]);
}

static void write_class(struct writing *w, enum mime_sensitivity sensitivity)
{
    static const char *const words[] = {
        [MIME_SENSITIVITY_NORMAL] = "CLASS:PUBLIC",
        [MIME_SENSITIVITY_PERSONAL] = "CLASS:X-PERSONAL",
        [MIME_SENSITIVITY_PRIVATE] = "CLASS:PRIVATE",
        [MIME_SENSITIVITY_CONFIDENTIAL] = "CLASS:CONFIDENTIAL",
    };

    write_literal(w, words[sensitivity]);
}

static void write_reminder(struct writing *w, int minutes)
{
    write_literal(w, "BEGIN:VALARM");
    write_literal(w, "ACTION:DISPLAY");
    write_literal(w, "DESCRIPTION:Reminder");
    buf_printf(&w->line, "TRIGGER:-PT%dM", minutes > 0 ? minutes : 0);
    end_line(w);
    write_literal(w, "END:VALARM");
}

/* As Apple's calendars say that there is none where the master has one. */
static void write_no_reminder(struct writing *w)
{
    write_literal(w, "BEGIN:VALARM");
    write_literal(w, "ACTION:NONE");
    write_literal(w, "TRIGGER;VALUE=DATE-TIME:19760401T005545Z");
    write_literal(w, "END:VALARM");
}

static void write_attendees(struct writing *w, const struct mime_attendee *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        write_attendee(w, &v[i]);
    }
}

/* What all VEVENTs of the object have in common. */
static void open_event(struct writing *w)
{
    const struct calendar_event *e = w->event;

    write_literal(w, "BEGIN:VEVENT");
    write_text(w, "UID", e->uid);
    if (e->has_stamp) {
        write_utc(w, "DTSTAMP", e->stamp_ms);
    }
    buf_printf(&w->line, "SEQUENCE:%d", e->sequence > 0 ? e->sequence : 0);
    end_line(w);
}

static void write_texts(struct writing *w, struct str summary, struct str location,
                        struct str description)
{
    write_text(w, "SUMMARY", summary);
    write_text(w, "LOCATION", location);
    write_text(w, "DESCRIPTION", description);
}

static void write_master(struct writing *w)
{
    const struct calendar_event *e = w->event;

    open_event(w);
    write_organizer(w);
    write_class(w, e->sensitivity);
    if (e->has_recurrence_id) {
        write_time(w, "RECURRENCE-ID", e->recurrence_id_ms);
    }
    write_times(w, e->start_ms, e->end_ms);
    write_rule(w);
    for (size_t i = 0; i < e->deleted_count; i++) {
        write_time(w, "EXDATE", e->deleted[i]);
    }
    write_texts(w, e->summary, e->location, e->description);
    write_busy(w, e->busy);
    if (e->cancelled) {
        write_literal(w, "STATUS:CANCELLED");
    }
    write_attendees(w, e->attendees, e->attendee_count);
    if (e->has_reminder) {
        write_reminder(w, e->reminder_minutes);
    }
    write_literal(w, "END:VEVENT");
}

static struct str or_master(struct str value, struct str master)
{
    return value.p != NULL ? value : master;
}

/* Whole days among times, and times among whole days. */
static void write_other_times(struct writing *w, const struct event_exception *x)
{
    struct event_zone zone = {.tzid = w->event->tzid, .calendar = w->zone.calendar};
    const int64_t times[] = {x->start_ms, x->end_ms};
    static const char *const names[] = {"DTSTART", "DTEND"};

    for (size_t i = 0; i < ARRAY_LEN(times) && (i == 0 || x->end_ms > x->start_ms); i++) {
        if (x->all_day) {
            write_day(w, names[i], event_zone_local_ms(&w->zone, clamp_ms(times[i])));
        } else {
            write_utc(w, names[i], event_zone_utc_ms(&zone, clamp_ms(times[i])));
        }
    }
    zone_cache_fini(&zone.zones);
}

static void write_reminder_of(struct writing *w, const struct event_exception *x)
{
    const struct calendar_event *e = w->event;

    if (x->own_reminder ? x->has_reminder : e->has_reminder) {
        write_reminder(w, x->own_reminder ? x->reminder_minutes : e->reminder_minutes);
    } else if (e->has_reminder) {
        write_no_reminder(w);
    }
}

/* Those of the master are not repeated: a hundred exceptions of a large meeting would be too much. Nobody is invited where there is no organizer. */
static void write_people_of(struct writing *w, const struct event_exception *x)
{
    if (!x->own_attendees || x->attendee_count > 0) {
        write_organizer(w);
    }
    if (x->own_attendees) {
        write_attendees(w, x->attendees, x->attendee_count);
    }
}

static void write_record(struct writing *w, struct str record)
{
    if (record.n > 0) {
        BUF_LIT(&w->line, EVENT_RECORD_PROPERTY ":");
        base64_encode(&w->line, record.p, record.n);
        end_line(w);
    }
}

static void write_exception(struct writing *w, const struct event_exception *x)
{
    const struct calendar_event *e = w->event;

    open_event(w);
    write_class(w, x->sensitivity);
    write_time(w, "RECURRENCE-ID", x->original_start_ms);
    if (x->all_day == e->all_day) {
        write_times(w, x->start_ms, x->end_ms);
    } else {
        write_other_times(w, x);
    }
    write_texts(w, or_master(x->summary, e->summary), or_master(x->location, e->location),
                or_master(x->description, e->description));
    write_text(w, EVENT_HTML_PROPERTY ";FMTTYPE=text/html", x->html);
    write_busy(w, x->busy);
    write_people_of(w, x);
    write_reminder_of(w, x);
    write_record(w, x->record);
    write_literal(w, "END:VEVENT");
}

static void write_method(struct writing *w)
{
    static const char *const lines[] = {
        [MIME_METHOD_NONE] = "",
        [MIME_METHOD_PUBLISH] = "METHOD:PUBLISH",
        [MIME_METHOD_REQUEST] = "METHOD:REQUEST",
        [MIME_METHOD_REPLY] = "METHOD:REPLY",
        [MIME_METHOD_CANCEL] = "METHOD:CANCEL",
        [MIME_METHOD_COUNTER] = "METHOD:COUNTER",
        [MIME_METHOD_OTHER] = "",
    };

    write_literal(w, lines[w->event->method]);
}

struct str event_write(const struct calendar_event *event, struct arena *arena)
{
    struct writing w = {.arena = arena, .event = event, .out = BUF_INIT, .line = BUF_INIT};
    struct str text;

    event_zone_open(event, &w.zone);
    write_literal(&w, "BEGIN:VCALENDAR");
    write_literal(&w, "VERSION:2.0");
    write_literal(&w, "PRODID:-//ewer//ewer//EN");
    write_method(&w);
    write_calendar_zone(&w);
    write_zone(&w);
    write_master(&w);
    for (size_t i = 0; i < event->exception_count; i++) {
        write_exception(&w, &event->exceptions[i]);
    }
    write_literal(&w, "END:VCALENDAR");
    event_zone_close(&w.zone);
    text = str_dup(arena, buf_str(&w.out));
    buf_fini(&w.out);
    buf_fini(&w.line);
    return text;
}
