#include "ews/calendar.h"

#include "base/arena.h"
#include "base/buf.h"
#include "ews/call.h"
#include "ews/item_stream.h"
#include "ews/zones.h"
#include "mime/message.h"

/* ---- events ---- */

struct str calendar_zone(const struct props *props)
{
    struct str zone = props->v[IPROP_MEETING_TIME_ZONE];

    return zone.n != 0 ? zone : STR("UTC");
}

int64_t calendar_wire_ms(const struct calendar_event *event, int64_t event_ms)
{
    return event->all_day ? zone_midnight_ms(event->tzid, event_ms) : event_ms;
}

int64_t calendar_event_ms(const struct calendar_event *event, int64_t wire_ms)
{
    return event->all_day ? zone_day_ms(event->tzid, wire_ms) : wire_ms;
}

/* LegacyFreeBusyType has more than calendars know: elsewhere is at work, and what is not known is not busy. */
static enum mime_busy busy_of(int64_t legacy)
{
    return legacy >= MIME_BUSY_FREE && legacy <= MIME_BUSY_OOF ? (enum mime_busy)legacy
                                                               : MIME_BUSY_FREE;
}

/* An object's own definition of a zone counts as long as the record names the same one. */
static void follow_zone(struct calendar_event *event, const struct props *props)
{
    struct str zone = props->v[IPROP_MEETING_TIME_ZONE];

    if (!str_eq(event->tzid, zone)) {
        event->tzid = zone;
        event->vtimezone = STR("");
    }
}

static void follow_times(struct calendar_event *event, const struct props *props)
{
    event->all_day = props_int(props, IPROP_MEETING_ALL_DAY, 0) != 0;
    if (props_has(props, IPROP_MEETING_START)) {
        event->start_ms = calendar_event_ms(event, props_int(props, IPROP_MEETING_START, 0));
    }
    if (props_has(props, IPROP_MEETING_END)) {
        event->end_ms = calendar_event_ms(event, props_int(props, IPROP_MEETING_END, 0));
    }
    event->has_stamp = props_has(props, IPROP_MEETING_STAMP);
    event->stamp_ms = props_int(props, IPROP_MEETING_STAMP, 0);
    event->has_recurrence_id = props_has(props, IPROP_MEETING_RECURRENCE_ID);
    event->recurrence_id_ms = props_int(props, IPROP_MEETING_RECURRENCE_ID, 0);
}

static void follow_people(struct calendar_event *event, const struct props *props,
                          struct arena *arena)
{
    struct str rest = props->v[IPROP_MEETING_ORGANIZER];
    struct prop_addr organizer;

    if (props_next_addr(&rest, &organizer)) {
        event->organizer = (struct mime_address){str_dup(arena, organizer.name),
                                                 str_dup(arena, organizer.address)};
    }
}

static void follow_reminder(struct calendar_event *event, const struct props *props)
{
    event->has_reminder = props_int(props, IPROP_REMINDER_IS_SET, 0) != 0;
    event->reminder_minutes = (int)props_int(props, IPROP_REMINDER_MINUTES, 0);
}

void calendar_event_follow_record(struct calendar_event *event, const struct props *props,
                                  struct arena *arena)
{
    follow_zone(event, props);
    follow_times(event, props);
    follow_people(event, props, arena);
    follow_reminder(event, props);
    event->uid = props->v[IPROP_MEETING_UID];
    event->summary = props->v[IPROP_SUBJECT];
    event->location = props->v[IPROP_MEETING_LOCATION];
    event->busy = busy_of(props_int(props, IPROP_MEETING_BUSY_STATUS, MIME_BUSY_BUSY));
    event->sequence = (int)props_int(props, IPROP_MEETING_SEQUENCE, 0);
    event->sensitivity = (enum mime_sensitivity)props_int(props, IPROP_SENSITIVITY, 0);
    event->cancelled = props_int(props, IPROP_CALENDAR_CANCELLED, 0) != 0;
}

static void event_of_message(struct mime_message *message, const struct props *props,
                             struct arena *arena, struct calendar_event *event_r)
{
    struct str text = mime_message_calendar_text(message);

    *event_r = (struct calendar_event){.uid = STR_NULL};
    if (text.n != 0 && event_parse(text, arena, event_r, NULL) < 0) {
        *event_r = (struct calendar_event){.uid = STR_NULL};
    }
    calendar_event_follow_record(event_r, props, arena);
}

int calendar_event_read(struct mailbox_tx *tx, const struct item *item, struct arena *arena,
                        struct calendar_event *event_r, struct err *err_r)
{
    struct mime_message *message;
    struct str mime = STR_NULL;
    struct props *props = ARENA_NEW(arena, struct props);

    if (item->body.v != 0) {
        TRY(mailbox_body_read(tx, item->body, arena, &mime, err_r));
    }
    (void)props_open(props, item->props);
    message = mime_message_new(arena, mime);
    event_of_message(message, props, arena, event_r);
    mime_message_free(&message);
    return 0;
}

const struct calendar_event *item_view_event(struct item_view *view)
{
    struct calendar_event *event;

    if (view->occurrence != NULL) {
        return view->occurrence->event;
    }
    if (view->event == NULL) {
        event = ARENA_NEW(view->arena, struct calendar_event);
        event_of_message(item_view_message(view), &view->props, view->arena, event);
        view->event = event;
    }
    return view->event;
}

/* ---- occurrences as items ---- */

static struct str coded_int(struct arena *arena, int64_t v)
{
    struct buf out = BUF_INIT;
    struct str coded;

    buf_add_zigzag(&out, v);
    coded = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return coded;
}

/* Numbers of which absent ones are 0. */
static struct str coded_unless_0(struct arena *arena, int64_t v)
{
    return v != 0 ? coded_int(arena, v) : STR_NULL;
}

static void apply_reminder(struct props *props, const struct event_exception *exception,
                           struct arena *arena)
{
    bool due = exception->has_reminder;

    if (!exception->own_reminder) {
        return;
    }
    props->v[IPROP_REMINDER_IS_SET] = coded_unless_0(arena, due);
    props->v[IPROP_REMINDER_DUE_BY] = due ? props->v[IPROP_MEETING_START] : STR_NULL;
    if (due) {
        props->v[IPROP_REMINDER_MINUTES] = coded_unless_0(arena, exception->reminder_minutes);
    }
}

static void apply_exception(struct props *props, const struct calendar_event *event,
                            const struct event_exception *exception, struct arena *arena)
{
    if (exception->summary.p != NULL) {
        props->v[IPROP_SUBJECT] = exception->summary;
    }
    if (exception->location.p != NULL) {
        props->v[IPROP_MEETING_LOCATION] = exception->location;
    }
    if (exception->description.p != NULL) {
        props->v[IPROP_PREVIEW] = STR_NULL; /* the master's */
    }
    if (exception->busy != busy_of(props_int(props, IPROP_MEETING_BUSY_STATUS, MIME_BUSY_BUSY))) {
        props->v[IPROP_MEETING_BUSY_STATUS] = coded_int(arena, exception->busy);
    }
    if (exception->all_day != event->all_day) {
        props->v[IPROP_MEETING_ALL_DAY] = coded_unless_0(arena, exception->all_day);
    }
    if (exception->sensitivity != event->sensitivity) {
        props->v[IPROP_SENSITIVITY] = coded_unless_0(arena, exception->sensitivity);
    }
    if (exception->own_attendees) {
        props->v[IPROP_CALENDAR_HAS_ATTENDEES] =
            coded_unless_0(arena, exception->attendee_count != 0);
    }
    apply_reminder(props, exception, arena);
}

/* ---- what an exception has beside its VEVENT ---- */

/* Where an occurrence is and what it is of is not for its record to say. */
static bool may_be_own(enum item_prop prop)
{
    static const enum item_prop not_own[] = {
        IPROP_PREVIEW,
        IPROP_CREATOR,
        IPROP_STAMPS,
        IPROP_ATTACHMENT_NUMBERS,
        IPROP_MEETING_UID,
        IPROP_MEETING_START,
        IPROP_MEETING_END,
        IPROP_MEETING_ALL_DAY,
        IPROP_MEETING_RECURRENCE_ID,
        IPROP_MEETING_RECURRING,
        IPROP_CALENDAR_FIRST,
        IPROP_CALENDAR_LAST,
        IPROP_CALENDAR_HAS_ATTENDEES,
    };

    for (size_t i = 0; i < ARRAY_LEN(not_own); i++) {
        if (prop == not_own[i]) {
            return false;
        }
    }
    return true;
}

static bool is_same(struct str a, struct str b)
{
    return (a.p != NULL) == (b.p != NULL) && str_eq(a, b);
}

/* Numbers of what the master has and the occurrence has not, with their count before them; then a property record. */
struct str calendar_own_record(const struct props *own, const struct props *plain,
                               struct arena *arena)
{
    struct buf out = BUF_INIT, without = BUF_INIT, record = BUF_INIT;
    struct props_writer w;
    size_t missing = 0, n = 0;
    struct str bytes = STR("");

    props_begin(&w, &record);
    for (size_t i = 1; i < IPROP_LIMIT; i++) {
        if (!may_be_own((enum item_prop)i) || is_same(own->v[i], plain->v[i])) {
            continue;
        }
        n++;
        if (own->v[i].p == NULL) {
            buf_add_varint(&without, i);
            missing++;
        }
        props_add_raw(&w, (enum item_prop)i, own->v[i]);
    }
    if (n != 0) {
        buf_add_varint(&out, missing);
        buf_add_str(&out, buf_str(&without));
        buf_add_str(&out, buf_str(&record));
        bytes = str_dup(arena, buf_str(&out));
    }
    buf_fini(&out);
    buf_fini(&without);
    buf_fini(&record);
    return bytes;
}

static bool take_missing(struct str *record, bool missing[static IPROP_LIMIT])
{
    uint64_t n, number;

    if (!str_take_varint(record, &n)) {
        return false;
    }
    for (; n != 0 && str_take_varint(record, &number) && number < IPROP_LIMIT; n--) {
        missing[number] = true;
    }
    return n == 0;
}

/* It came with a calendar object, so it may be anybody's: what is not good is not looked at. */
static void apply_record(struct props *props, struct str record, struct arena *arena)
{
    bool missing[IPROP_LIMIT] = {false};
    struct props own;

    if (!take_missing(&record, missing) || !item_record_renew(&record, arena)) {
        return;
    }
    (void)props_open(&own, record);
    for (size_t i = 1; i < IPROP_LIMIT; i++) {
        if ((missing[i] || own.v[i].p != NULL) && may_be_own((enum item_prop)i)) {
            props->v[i] = own.v[i];
        }
    }
}

/* ---- occurrences as items and events ---- */

static struct str record_of(const struct props *props, struct arena *arena)
{
    struct buf out = BUF_INIT;
    struct props_writer w;
    struct str record;

    props_begin(&w, &out);
    for (size_t i = 1; i < IPROP_LIMIT; i++) {
        props_add_raw(&w, (enum item_prop)i, props->v[i]);
    }
    record = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return record;
}

struct item calendar_occurrence_item(const struct item_occurrence *occurrence, struct arena *arena)
{
    const struct calendar_event *event = occurrence->event;
    const struct occurrence *at = &occurrence->at;
    struct item item = *occurrence->master;
    struct props props;

    (void)props_open(&props, item.props);
    props.v[IPROP_MEETING_START] = coded_int(arena, calendar_wire_ms(event, at->start_ms));
    props.v[IPROP_MEETING_END] = coded_int(arena, calendar_wire_ms(event, at->end_ms));
    props.v[IPROP_MEETING_RECURRENCE_ID] =
        coded_int(arena, calendar_wire_ms(event, at->original_start_ms));
    if (props_has(&props, IPROP_REMINDER_DUE_BY)) {
        props.v[IPROP_REMINDER_DUE_BY] = props.v[IPROP_MEETING_START];
    }
    props.v[IPROP_CALENDAR_FIRST] = props.v[IPROP_CALENDAR_LAST] = STR_NULL;
    if (at->exception != NULL) {
        apply_exception(&props, event, at->exception, arena);
        apply_record(&props, at->exception->record, arena);
    }
    item.props = record_of(&props, arena);
    return item;
}

size_t calendar_occurrence_attendees(const struct item_occurrence *occurrence,
                                     const struct mime_attendee **attendees_r)
{
    const struct event_exception *exception = occurrence->at.exception;
    bool own = exception != NULL && exception->own_attendees;

    *attendees_r = own ? exception->attendees : occurrence->event->attendees;
    return own ? exception->attendee_count : occurrence->event->attendee_count;
}

struct calendar_event calendar_occurrence_event(const struct item_occurrence *occurrence,
                                                const struct props *props, struct arena *arena)
{
    const struct event_exception *exception = occurrence->at.exception;
    struct calendar_event event = *occurrence->event;

    event.recurrence = (struct recurrence){.pattern = RECUR_NONE};
    event.unknown_rule = STR("");
    event.exception_count = event.deleted_count = 0;
    event.attendee_count = calendar_occurrence_attendees(occurrence, &event.attendees);
    if (exception != NULL && exception->description.p != NULL) {
        event.description = exception->description;
    }
    calendar_event_follow_record(&event, props, arena);
    event.recurrence_id_ms = calendar_event_ms(&event, event.recurrence_id_ms);
    return event;
}

/* ---- finding one ---- */

static int open_master(struct mailbox_tx *tx, const struct item *master, struct arena *arena,
                       struct item_occurrence **occurrence_r, struct err *err_r)
{
    struct item_occurrence *occurrence = ARENA_NEW(arena, struct item_occurrence);
    struct calendar_event *event = ARENA_NEW(arena, struct calendar_event);
    struct props props;

    (void)props_open(&props, master->props);
    if (master->kind != ITEM_KIND_CALENDAR_ITEM ||
        props_int(&props, IPROP_MEETING_RECURRING, 0) == 0) {
        return err_set(err_r, ERR_OCCURRENCE_NOT_MASTER, "an item that does not recur");
    }
    TRY(calendar_event_read(tx, master, arena, event, err_r));
    occurrence->master = arena_memdup(arena, master, sizeof(*master));
    occurrence->event = event;
    *occurrence_r = occurrence;
    return 0;
}

static int check_found(int found, bool deleted, enum err_kind absent, struct err *err_r)
{
    if (found == 0) {
        return err_set(err_r, deleted ? ERR_OCCURRENCE_DELETED : absent, "no such occurrence");
    }
    return found < 0 ? found : 0;
}

int calendar_occurrence_by_index(struct mailbox_tx *tx, const struct item *master, int64_t index,
                                 struct arena *arena, struct item_occurrence **occurrence_r,
                                 struct err *err_r)
{
    struct item_occurrence *occurrence;
    bool deleted = false;
    int found;

    TRY(open_master(tx, master, arena, &occurrence, err_r));
    if (index < 1 || index > INT32_MAX) {
        return err_set(err_r, ERR_OCCURRENCE_INDEX, "index %lld", (long long)index);
    }
    found =
        event_occurrence_by_index(occurrence->event, (int)index, &occurrence->at, &deleted, err_r);
    TRY(check_found(found, deleted, ERR_OCCURRENCE_INDEX, err_r));
    *occurrence_r = occurrence;
    return 0;
}

int calendar_occurrence_by_start(struct mailbox_tx *tx, const struct item *master,
                                 int64_t original_start_ms, struct arena *arena,
                                 struct item_occurrence **occurrence_r, struct err *err_r)
{
    struct item_occurrence *occurrence;
    bool deleted = false;
    int rc = open_master(tx, master, arena, &occurrence, err_r);

    /* It recurred when the id was given. */
    if (rc == -ERR_OCCURRENCE_NOT_MASTER) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "an occurrence of what no longer recurs");
    }
    TRY(rc);
    rc = event_occurrence_by_start(occurrence->event, original_start_ms, &occurrence->at, &deleted,
                                   err_r);
    TRY(check_found(rc, deleted, ERR_ITEM_NOT_FOUND, err_r));
    *occurrence_r = occurrence;
    return 0;
}
