/* Editing calendar items: the event beside the record, and what of each follows the other when the item is stored. */
#include "ews/calendar.h"

#include "base/arena.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "ews/call.h"
#include "ews/item_edit-private.h"
#include "ews/limits.h"
#include "ews/zones.h"
#include "mime/message.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

/* ResponseTypeType: the organizer's own. */
#define RESPONSE_ORGANIZER 1

/* What is kept with the edit. */
struct editing {
    struct calendar_event event, before; /* before: as it was opened */
};

static bool is_new(const struct item_edit *edit)
{
    return edit->base == NULL;
}

/* ---- completing the record ---- */

static void complete_uid(struct item_edit *edit)
{
    unsigned char random[16];
    struct buf text = BUF_INIT;

    rand_bytes(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
        buf_printf(&text, "%02X", random[i]);
    }
    item_edit_set_text(edit, IPROP_MEETING_UID, buf_str(&text));
    buf_fini(&text);
}

static void complete_organizer(struct item_edit *edit)
{
    const struct ews_caller *caller = &edit->call->caller;
    struct prop_addr who = {caller->display_name, caller->address};

    item_edit_set_addrs(edit, IPROP_MEETING_ORGANIZER, &who, 1);
    item_edit_set_int(edit, IPROP_MEETING_RESPONSE_TYPE, RESPONSE_ORGANIZER);
}

/* Without a start: the hour that begins next; without an end: half an hour. */
static void complete_times(struct item_edit *edit)
{
    int64_t start = item_edit_now_ms(edit) / HOUR_MS * HOUR_MS + HOUR_MS;

    if (!props_has(&edit->props, IPROP_MEETING_START)) {
        item_edit_set_int(edit, IPROP_MEETING_START, start);
    }
    start = props_int(&edit->props, IPROP_MEETING_START, start);
    if (!props_has(&edit->props, IPROP_MEETING_END)) {
        item_edit_set_int(edit, IPROP_MEETING_END, start + 30 * MINUTE_MS);
    }
}

static void complete(struct item_edit *edit)
{
    const struct props *props = &edit->props;

    if (!props_has(props, IPROP_MEETING_UID)) {
        complete_uid(edit);
    }
    if (!props_has(props, IPROP_MEETING_ORGANIZER)) {
        complete_organizer(edit);
    }
    if (!props_has(props, IPROP_MEETING_TIME_ZONE) && edit->call->zone.id.n != 0) {
        item_edit_set_text(edit, IPROP_MEETING_TIME_ZONE, edit->call->zone.id);
    }
    complete_times(edit);
}

/* A day begins at midnight: a start within it is moved back, an end within it forward, and there is at least one. */
static void settle_days(struct item_edit *edit)
{
    struct str zone = edit->props.v[IPROP_MEETING_TIME_ZONE];
    int64_t start = zone_day_ms(zone, props_int(&edit->props, IPROP_MEETING_START, 0));
    int64_t end_ms = props_int(&edit->props, IPROP_MEETING_END, 0);
    int64_t end = zone_day_ms(zone, end_ms);

    if (zone_midnight_ms(zone, end) < end_ms || end <= start) {
        end = end < start ? start + DAY_MS : end + DAY_MS;
    }
    item_edit_set_int(edit, IPROP_MEETING_START, zone_midnight_ms(zone, start));
    item_edit_set_int(edit, IPROP_MEETING_END, zone_midnight_ms(zone, end));
}

static int settle_times(struct item_edit *edit, struct err *err_r)
{
    int64_t start = props_int(&edit->props, IPROP_MEETING_START, 0);
    int64_t end = props_int(&edit->props, IPROP_MEETING_END, 0);

    if (end < start) {
        return err_set(err_r, ERR_CALENDAR_END, "end %lld ms before start",
                       (long long)(start - end));
    }
    if (props_int(&edit->props, IPROP_MEETING_ALL_DAY, 0) != 0) {
        settle_days(edit);
    }
    return 0;
}

/* ---- recurrence ---- */

static bool same_pattern(const struct recurrence *a, const struct recurrence *b)
{
    return a->pattern == b->pattern && a->interval == b->interval && a->days == b->days &&
           a->week == b->week && a->day_of_month == b->day_of_month && a->month == b->month &&
           a->first_day_of_week == b->first_day_of_week && a->range == b->range &&
           a->start_day_ms == b->start_day_ms && a->end_day_ms == b->end_day_ms &&
           a->count == b->count;
}

static bool same_rule(const struct calendar_event *a, const struct calendar_event *b)
{
    return same_pattern(&a->recurrence, &b->recurrence) && str_eq(a->unknown_rule, b->unknown_rule);
}

static bool recurs(const struct calendar_event *event)
{
    return event->recurrence.pattern != RECUR_NONE || event->unknown_rule.n != 0;
}

static void forget_changes(struct calendar_event *event)
{
    event->deleted = NULL;
    event->exceptions = NULL;
    event->deleted_count = event->exception_count = 0;
}

/* A rule whose master was moved begins on the new day. */
static void settle_start_day(struct editing *editing, bool same)
{
    struct calendar_event *event = &editing->event;

    if (same && (event->start_ms != editing->before.start_ms ||
                 event->all_day != editing->before.all_day)) {
        event->recurrence.start_day_ms =
            event->all_day ? event->start_ms : zone_day_ms(event->tzid, event->start_ms);
    }
}

/* What was changed in single occurrences goes with their days when the series gets other times, and is lost with another rule: nothing says which of its occurrences it would belong to. */
static void settle_changes(struct editing *editing, bool same, struct arena *arena)
{
    const struct calendar_event *before = &editing->before;
    struct calendar_event *event = &editing->event;

    if (!same) {
        forget_changes(event);
    } else if (event->start_ms != before->start_ms || event->end_ms != before->end_ms ||
               event->all_day != before->all_day || !str_eq(event->tzid, before->tzid)) {
        event_move_changes(event, before, arena);
    }
}

/* The first start is the master's, unless an occurrence was moved before it. */
static void note_first(struct item_edit *edit, const struct calendar_event *event)
{
    int64_t ms = event->start_ms;

    for (size_t i = 0; i < event->exception_count; i++) {
        ms = event->exceptions[i].start_ms < ms ? event->exceptions[i].start_ms : ms;
    }
    if (ms < event->start_ms) {
        item_edit_set_int(edit, IPROP_CALENDAR_FIRST, calendar_wire_ms(event, ms));
    } else {
        item_edit_remove(edit, IPROP_CALENDAR_FIRST);
    }
}

static int64_t last_end_ms(const struct calendar_event *event, const struct occurrence *last)
{
    int64_t ms = last->end_ms;

    for (size_t i = 0; i < event->exception_count; i++) {
        ms = event->exceptions[i].end_ms > ms ? event->exceptions[i].end_ms : ms;
    }
    return ms;
}

/* The rule must come true at least once; when it does so last, the record says. */
static int settle_bounds(struct item_edit *edit, const struct calendar_event *event,
                         struct err *err_r)
{
    struct occurrence first = {0}, last = {0};

    if (event_bounds(event, &first, &last, err_r) < 0 ||
        (first.index == 0 && event->deleted_count == 0)) {
        return err_set(err_r, ERR_CALENDAR_RECURRENCE, "a rule without occurrences");
    }
    note_first(edit, event);
    if (first.index == 0) { /* all of them are deleted */
        item_edit_set_int(edit, IPROP_CALENDAR_LAST, calendar_wire_ms(event, event->start_ms));
    } else if (last.index != 0) {
        item_edit_set_int(edit, IPROP_CALENDAR_LAST,
                          calendar_wire_ms(event, last_end_ms(event, &last)));
    } else {
        item_edit_remove(edit, IPROP_CALENDAR_LAST);
    }
    return 0;
}

static int settle_recurrence(struct item_edit *edit, struct editing *editing, struct err *err_r)
{
    struct calendar_event *event = &editing->event;
    bool same;

    if (!recurs(event)) {
        forget_changes(event);
        item_edit_remove(edit, IPROP_MEETING_RECURRING);
        item_edit_remove(edit, IPROP_CALENDAR_LAST);
        item_edit_remove(edit, IPROP_CALENDAR_FIRST);
        return 0;
    }
    same = same_rule(event, &editing->before);
    settle_start_day(editing, same);
    event_settle(event);
    if (!is_new(edit)) {
        settle_changes(editing, same, edit->arena);
    }
    item_edit_set_int(edit, IPROP_MEETING_RECURRING, 1);
    item_edit_set_int(edit, IPROP_MEETING_START, calendar_wire_ms(event, event->start_ms));
    item_edit_set_int(edit, IPROP_MEETING_END, calendar_wire_ms(event, event->end_ms));
    return settle_bounds(edit, event, err_r);
}

/* ---- storing ---- */

static void describe(struct calendar_event *event, const struct mime_draft *draft,
                     struct arena *arena)
{
    struct str text = draft->has_text   ? draft->text
                      : draft->has_html ? mime_html_to_text(arena, draft->html)
                                        : STR("");

    event->description = utf8_cut(text, CALENDAR_DESCRIPTION_BYTES);
}

/* What could not be read again would be lost with the next change: too much of it is refused. */
static int write_object(struct item_edit *edit, const struct calendar_event *event,
                        struct mime_draft *draft, struct err *err_r)
{
    struct str text = event_write(event, edit->arena);
    struct calendar_event again;

    if (text.n > CALENDAR_MAX_BYTES || event_parse(text, edit->arena, &again, NULL) < 0) {
        return err_tell(err_r, ERR_PROPERTY_SAVE,
                        "The attendees or exceptions of the item are too many.");
    }
    draft->calendar = text;
    draft->calendar_method = MIME_METHOD_NONE;
    item_edit_touch(edit, EDIT_CALENDAR);
    return 0;
}

/* The reminder is for the start, unless this edit says otherwise. */
static void settle_reminder(struct item_edit *edit)
{
    if (item_edit_touched(edit, IPROP_REMINDER_DUE_BY)) {
        return;
    }
    if (props_int(&edit->props, IPROP_REMINDER_IS_SET, 0) != 0) {
        item_edit_set_int(edit, IPROP_REMINDER_DUE_BY,
                          props_int(&edit->props, IPROP_MEETING_START, 0));
    } else {
        item_edit_remove(edit, IPROP_REMINDER_DUE_BY);
    }
}

int calendar_edit_settle(struct item_edit *edit, struct err *err_r)
{
    TRY(settle_times(edit, err_r));
    settle_reminder(edit);
    return 0;
}

static int store_event(struct item_edit *edit, struct err *err_r)
{
    struct editing *editing = item_edit_object(edit);
    struct calendar_event *event = &editing->event;
    struct mime_draft *draft;

    if (!is_new(edit) && !item_edit_changes_content(edit)) {
        return 0;
    }
    complete(edit);
    TRY(settle_times(edit, err_r));
    calendar_event_follow_record(event, &edit->props, edit->arena);
    TRY(settle_recurrence(edit, editing, err_r));
    settle_reminder(edit);
    item_edit_set_int(edit, IPROP_MEETING_STAMP, item_edit_now_ms(edit) / 1000 * 1000);
    calendar_event_follow_record(event, &edit->props, edit->arena);
    draft = item_edit_draft(edit);
    describe(event, draft, edit->arena);
    if (event->attendee_count != 0) {
        item_edit_set_int(edit, IPROP_CALENDAR_HAS_ATTENDEES, 1);
    } else {
        item_edit_remove(edit, IPROP_CALENDAR_HAS_ATTENDEES);
    }
    event->method = MIME_METHOD_NONE;
    return write_object(edit, event, draft, err_r);
}

/* ---- opening ---- */

static struct editing *open_editing(struct item_edit *edit)
{
    struct editing *editing = ARENA_NEW(edit->arena, struct editing);
    struct str text = edit->source_known && edit->source.p == NULL && is_new(edit)
                          ? STR("")
                          : item_edit_draft(edit)->calendar;

    if (text.n != 0 && event_parse(text, edit->arena, &editing->event, NULL) < 0) {
        editing->event = (struct calendar_event){.uid = STR_NULL};
    }
    calendar_event_follow_record(&editing->event, &edit->props, edit->arena);
    return editing;
}

/* As it was before this edit: the record may have been changed already. */
static void note_before(struct item_edit *edit, struct editing *editing)
{
    struct props stored;

    editing->before = editing->event;
    if (!is_new(edit) && props_open(&stored, edit->base->props)) {
        calendar_event_follow_record(&editing->before, &stored, edit->arena);
    }
}

void calendar_edit_use_event(struct item_edit *edit, const struct calendar_event *event)
{
    struct editing *editing = ARENA_NEW(edit->arena, struct editing);

    editing->event = editing->before = *event;
    item_edit_on_store(edit, store_event, editing);
}

struct calendar_event *item_edit_event(struct item_edit *edit)
{
    struct editing *editing = item_edit_object(edit);

    if (editing == NULL) {
        editing = open_editing(edit);
        note_before(edit, editing);
        item_edit_on_store(edit, store_event, editing);
    }
    return &editing->event;
}

/* ---- from iCalendar ---- */

static void set_time_if(struct item_edit *edit, enum item_prop prop, bool has, int64_t ms)
{
    if (has) {
        item_edit_set_int(edit, prop, ms);
    } else {
        item_edit_remove(edit, prop);
    }
}

static void set_organizer(struct item_edit *edit, const struct mime_address *organizer)
{
    struct prop_addr who = {organizer->name, organizer->address};
    bool own = str_eq_nocase(organizer->address, edit->call->caller.address);

    if (organizer->name.n == 0 && organizer->address.n == 0) {
        return;
    }
    item_edit_set_addrs(edit, IPROP_MEETING_ORGANIZER, &who, 1);
    item_edit_set_int(edit, IPROP_MEETING_RESPONSE_TYPE, own ? RESPONSE_ORGANIZER : 0);
}

static void record_follows_event(struct item_edit *edit, const struct calendar_event *event)
{
    item_edit_set_text(edit, IPROP_SUBJECT, one_line(edit->arena, event->summary));
    item_edit_set_text(edit, IPROP_MEETING_UID, event->uid);
    item_edit_set_text(edit, IPROP_MEETING_LOCATION, one_line(edit->arena, event->location));
    item_edit_set_text(edit, IPROP_MEETING_TIME_ZONE, event->tzid);
    item_edit_remove(edit, IPROP_CALENDAR_END_ZONE);
    set_time_if(edit, IPROP_MEETING_START, true, calendar_wire_ms(event, event->start_ms));
    set_time_if(edit, IPROP_MEETING_END, true, calendar_wire_ms(event, event->end_ms));
    set_time_if(edit, IPROP_MEETING_RECURRENCE_ID, event->has_recurrence_id,
                event->recurrence_id_ms);
    set_time_if(edit, IPROP_MEETING_ALL_DAY, event->all_day, 1);
    set_time_if(edit, IPROP_MEETING_SEQUENCE, event->sequence != 0, event->sequence);
    set_time_if(edit, IPROP_CALENDAR_CANCELLED, event->cancelled, 1);
    set_time_if(edit, IPROP_REMINDER_IS_SET, event->has_reminder, 1);
    set_time_if(edit, IPROP_REMINDER_MINUTES, event->has_reminder, event->reminder_minutes);
    set_time_if(edit, IPROP_SENSITIVITY, event->sensitivity != 0, event->sensitivity);
    item_edit_set_int(edit, IPROP_MEETING_BUSY_STATUS, event->busy);
    set_organizer(edit, &event->organizer);
}

static void take_attendees_and_text(struct item_edit *edit, const struct calendar_event *event)
{
    struct calendar_event *own = item_edit_event(edit);

    if (!event_same_attendees(own->attendees, own->attendee_count, event->attendees,
                              event->attendee_count)) {
        own->attendees = event->attendees;
        own->attendee_count = event->attendee_count;
        item_edit_touch(edit, EDIT_CALENDAR);
    }
    if (!str_eq(own->description, event->description)) {
        item_edit_draft(edit)->has_text = true;
        item_edit_draft(edit)->text = event->description;
        item_edit_draft(edit)->has_html = false;
        item_edit_touch(edit, EDIT_BODY);
    }
}

/* Who it is of, and of which series, stays. */
static void occurrence_follows_event(struct item_edit *edit, const struct calendar_event *event)
{
    const struct props *props = item_edit_props(edit);
    bool reminds = props_int(props, IPROP_REMINDER_IS_SET, 0) != 0;

    item_edit_set_text(edit, IPROP_SUBJECT, one_line(edit->arena, event->summary));
    item_edit_set_text(edit, IPROP_MEETING_LOCATION, one_line(edit->arena, event->location));
    item_edit_set_int(edit, IPROP_MEETING_START, calendar_wire_ms(event, event->start_ms));
    item_edit_set_int(edit, IPROP_MEETING_END, calendar_wire_ms(event, event->end_ms));
    if (event->all_day != (props_int(props, IPROP_MEETING_ALL_DAY, 0) != 0)) {
        set_time_if(edit, IPROP_MEETING_ALL_DAY, event->all_day, 1);
    }
    if (props_int(props, IPROP_MEETING_BUSY_STATUS, MIME_BUSY_BUSY) != (int)event->busy) {
        item_edit_set_int(edit, IPROP_MEETING_BUSY_STATUS, event->busy);
    }
    set_time_if(edit, IPROP_SENSITIVITY, event->sensitivity != 0, event->sensitivity);
    if (event->has_reminder != reminds ||
        (reminds && props_int(props, IPROP_REMINDER_MINUTES, 0) != event->reminder_minutes)) {
        set_time_if(edit, IPROP_REMINDER_IS_SET, event->has_reminder, 1);
        set_time_if(edit, IPROP_REMINDER_MINUTES, event->has_reminder, event->reminder_minutes);
    }
    take_attendees_and_text(edit, event);
}

static bool is_icalendar(struct str text)
{
    if (str_starts(text, STR("\xef\xbb\xbf"))) {
        text = str_sub(text, 3, SIZE_MAX);
    }
    return str_starts_nocase(str_trim(text), STR("BEGIN:VCALENDAR"));
}

int calendar_edit_take_mime(struct item_edit *edit, struct str mime, struct err *err_r)
{
    struct calendar_event event, *kept;
    struct str text = mime;

    if (!is_icalendar(mime)) {
        struct mime_message *message = mime_message_new(edit->arena, mime);

        text = mime_message_calendar_text(message);
        mime_message_free(&message);
    }
    if (text.n == 0) {
        return err_set(err_r, ERR_MIME_INVALID, "no calendar object");
    }
    if (event_parse(text, edit->arena, &event, err_r) < 0) {
        return err_set(err_r, ERR_MIME_INVALID, "a calendar object that cannot be read");
    }
    if (!is_new(edit) && props_has(&edit->props, IPROP_MEETING_RECURRENCE_ID)) {
        if (event.all_day) {
            event.tzid = edit->props.v[IPROP_MEETING_TIME_ZONE];
        }
        occurrence_follows_event(edit, &event);
        return 0;
    }
    kept = item_edit_event(edit);
    *kept = event;
    ((struct editing *)item_edit_object(edit))->before = event;
    record_follows_event(edit, &event);
    item_edit_draft(edit)->has_text = event.description.n != 0;
    item_edit_draft(edit)->text = event.description;
    item_edit_draft(edit)->has_html = false;
    item_edit_touch(edit, EDIT_CALENDAR);
    return 0;
}
