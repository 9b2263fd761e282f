/* Changing single occurrences: what an edit made of one becomes an exception of its master. */
#include "ews/calendar.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "ews/item_edit-private.h"
#include "ews/limits.h"
#include "ews/zones.h"
#include "mime/message.h"

/* ---- opening ---- */

void calendar_occurrence_edit(struct item_edit *edit, const struct item_occurrence *occurrence)
{
    const struct event_exception *exception = occurrence->at.exception;
    struct calendar_event event =
        calendar_occurrence_event(occurrence, item_edit_props(edit), item_edit_arena(edit));
    struct mime_draft *draft;

    calendar_edit_use_event(edit, &event);
    if (exception != NULL && exception->description.p != NULL) {
        draft = item_edit_draft(edit);
        draft->has_html = exception->html.n != 0;
        draft->html = exception->html;
        draft->has_text = !draft->has_html;
        draft->text = draft->has_text ? exception->description : STR("");
    }
}

/* ---- the exception ---- */

static struct str changed_text(struct item_edit *edit, enum item_prop prop, struct str before)
{
    struct str now = item_edit_props(edit)->v[prop];

    if (!item_edit_touched(edit, prop)) {
        return before;
    }
    return now.p != NULL ? now : STR("");
}

static void change_body(struct item_edit *edit, struct event_exception *e)
{
    const struct mime_draft *draft;
    struct str text;

    if (!item_edit_touched(edit, EDIT_BODY)) {
        return;
    }
    draft = item_edit_draft(edit);
    text = draft->has_text   ? draft->text
           : draft->has_html ? mime_html_to_text(item_edit_arena(edit), draft->html)
                             : STR("");
    e->description = utf8_cut(text, CALENDAR_DESCRIPTION_BYTES);
    e->html = draft->has_html && draft->html.n <= CALENDAR_HTML_BYTES ? draft->html : STR("");
}

static enum mime_busy changed_busy(struct item_edit *edit, enum mime_busy before)
{
    int64_t busy = props_int(item_edit_props(edit), IPROP_MEETING_BUSY_STATUS, MIME_BUSY_BUSY);

    if (!item_edit_touched(edit, IPROP_MEETING_BUSY_STATUS)) {
        return before;
    }
    return busy >= MIME_BUSY_FREE && busy <= MIME_BUSY_OOF ? (enum mime_busy)busy : MIME_BUSY_FREE;
}

static void change_reminder(struct item_edit *edit, struct event_exception *e)
{
    const struct props *props = item_edit_props(edit);

    if (item_edit_touched(edit, IPROP_REMINDER_IS_SET) ||
        item_edit_touched(edit, IPROP_REMINDER_MINUTES)) {
        e->own_reminder = true;
        e->has_reminder = props_int(props, IPROP_REMINDER_IS_SET, 0) != 0;
        e->reminder_minutes =
            e->has_reminder ? (int)props_int(props, IPROP_REMINDER_MINUTES, 0) : 0;
    }
}

static void change_attendees(struct item_edit *edit, struct event_exception *e)
{
    const struct calendar_event *event = item_edit_event(edit);

    if (item_edit_touched(edit, EDIT_CALENDAR)) {
        e->own_attendees = true;
        e->attendees = event->attendees;
        e->attendee_count = event->attendee_count;
    }
}

/* Among whole days, a time is what the clocks of the series show. */
static int64_t time_of(const struct calendar_event *event, const struct event_exception *e,
                       int64_t wire_ms)
{
    return event->all_day && !e->all_day ? zone_local_ms(event->tzid, wire_ms)
                                         : calendar_event_ms(event, wire_ms);
}

/* Whatever else differs from the occurrence as the VEVENT alone says it. */
static void change_record(struct item_edit *edit, const struct item_occurrence *o,
                          struct event_exception *e)
{
    struct event_exception bare = *e;
    struct item_occurrence alone = *o;
    struct props own = *item_edit_props(edit), plain;
    struct item item;

    bare.record = STR("");
    alone.at.exception = &bare;
    alone.at.start_ms = e->start_ms;
    alone.at.end_ms = e->end_ms;
    item = calendar_occurrence_item(&alone, item_edit_arena(edit));
    (void)props_open(&plain, item.props);
    own.v[IPROP_EXTENDED] = edit_extended(edit);
    e->record = calendar_own_record(&own, &plain, item_edit_arena(edit));
}

static struct event_exception exception_of(struct item_edit *edit, const struct item_occurrence *o)
{
    const struct event_exception none = {.busy = o->event->busy,
                                         .sensitivity = o->event->sensitivity};
    const struct props *props = item_edit_props(edit);
    struct event_exception e = o->at.exception != NULL ? *o->at.exception : none;

    e.original_start_ms = o->at.original_start_ms;
    e.all_day = props_int(props, IPROP_MEETING_ALL_DAY, 0) != 0;
    e.start_ms = time_of(o->event, &e, props_int(props, IPROP_MEETING_START, 0));
    e.end_ms = time_of(o->event, &e, props_int(props, IPROP_MEETING_END, 0));
    e.summary = changed_text(edit, IPROP_SUBJECT, e.summary);
    e.location = changed_text(edit, IPROP_MEETING_LOCATION, e.location);
    change_body(edit, &e);
    e.busy = changed_busy(edit, e.busy);
    if (item_edit_touched(edit, IPROP_SENSITIVITY)) {
        e.sensitivity = (enum mime_sensitivity)props_int(props, IPROP_SENSITIVITY, 0);
    }
    change_reminder(edit, &e);
    change_attendees(edit, &e);
    change_record(edit, o, &e);
    return e;
}

/* What only the series has. */
static const uint32_t not_of_one[] = {EDIT_ATTACHMENTS, EDIT_MESSAGE, EDIT_FLAGS,
                                      IPROP_MEETING_UID};

static int check_changes(const struct item_edit *edit, struct err *err_r)
{
    for (size_t i = 0; i < ARRAY_LEN(not_of_one); i++) {
        if (item_edit_touched(edit, not_of_one[i])) {
            return err_tell(err_r, ERR_INVALID_PROPERTY_SET,
                            "This property cannot be set on a single occurrence.");
        }
    }
    return 0;
}

/* Whole days are those of the series' zone: dates in its object have no other. */
static int settle(struct item_edit *edit, const struct item_occurrence *o, struct err *err_r)
{
    if (props_int(item_edit_props(edit), IPROP_MEETING_ALL_DAY, 0) != 0) {
        item_edit_set_text(edit, IPROP_MEETING_TIME_ZONE, o->event->tzid);
    }
    return calendar_edit_settle(edit, err_r);
}

/* An occurrence stays between its neighbours. */
static int check_neighbour(const struct item_occurrence *o, const struct event_exception *e,
                           int step, struct err *err_r)
{
    struct occurrence other;
    bool deleted = false;
    int found = o->at.index + step < 1 ? 0
                                       : event_occurrence_by_index(o->event, o->at.index + step,
                                                                   &other, &deleted, err_r);

    if (found < 0) {
        return found;
    }
    if (found == 1 && (step < 0 ? e->start_ms <= other.start_ms : e->start_ms >= other.start_ms)) {
        return err_set(err_r, ERR_OCCURRENCE_CROSSING, "over occurrence %d", other.index);
    }
    return 0;
}

/* ---- in the master ---- */

static bool is_original(const struct event_exception *e, int64_t original_start_ms)
{
    return e->original_start_ms == original_start_ms;
}

/* The exceptions without the one of that start, and with e (unless NULL) at its place. */
static void replace_exception(struct calendar_event *event, int64_t original_start_ms,
                              const struct event_exception *e, struct arena *arena)
{
    struct event_exception *v =
        ARENA_ARRAY(arena, struct event_exception, event->exception_count + 1);
    size_t n = 0;

    for (size_t i = 0; i < event->exception_count; i++) {
        const struct event_exception *old = &event->exceptions[i];

        if (e != NULL && old->original_start_ms > original_start_ms) {
            v[n++] = *e;
            e = NULL;
        }
        if (!is_original(old, original_start_ms)) {
            v[n++] = *old;
        }
    }
    if (e != NULL) {
        v[n++] = *e;
    }
    event->exceptions = v;
    event->exception_count = n;
}

static void add_deleted(struct calendar_event *event, int64_t original_start_ms,
                        struct arena *arena)
{
    int64_t *v = ARENA_ARRAY(arena, int64_t, event->deleted_count + 1);
    size_t n = 0;

    while (n < event->deleted_count && event->deleted[n] < original_start_ms) {
        v[n] = event->deleted[n];
        n++;
    }
    v[n] = original_start_ms;
    for (; n < event->deleted_count; n++) {
        v[n + 1] = event->deleted[n];
    }
    event->deleted = v;
    event->deleted_count++;
}

int calendar_occurrence_store(struct item_edit *edit, const struct item_occurrence *occurrence,
                              struct mailbox_tx *tx, struct seq *version_r, struct err *err_r)
{
    struct event_exception exception;
    struct arena *arena = item_edit_arena(edit);
    struct item_edit *master;

    if (!item_edit_changes_content(edit)) {
        *version_r = item_version(occurrence->master);
        return 0;
    }
    TRY(check_changes(edit, err_r));
    TRY(settle(edit, occurrence, err_r));
    exception = exception_of(edit, occurrence);
    TRY(check_neighbour(occurrence, &exception, -1, err_r));
    TRY(check_neighbour(occurrence, &exception, 1, err_r));
    TRY(item_edit_open(item_edit_call(edit), tx, arena, occurrence->master, &master, err_r));
    replace_exception(item_edit_event(master), exception.original_start_ms, &exception, arena);
    item_edit_touch(master, EDIT_CALENDAR);
    TRY(item_edit_store(master, tx, err_r));
    *version_r = item_edit_version(master);
    return 0;
}

int calendar_occurrence_delete(struct ews_call *call, struct mailbox_tx *tx,
                               const struct item_occurrence *occurrence, struct arena *arena,
                               struct err *err_r)
{
    int64_t original = occurrence->at.original_start_ms;
    struct calendar_event *event;
    struct item_edit *master;

    TRY(item_edit_open(call, tx, arena, occurrence->master, &master, err_r));
    event = item_edit_event(master);
    replace_exception(event, original, NULL, arena);
    add_deleted(event, original, arena);
    item_edit_touch(master, EDIT_CALENDAR);
    return item_edit_store(master, tx, err_r);
}
