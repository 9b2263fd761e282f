/* Properties of meeting messages and appointments. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "ews/calendar.h"
#include "mime/message.h"
#include "xml/xml_write.h"

/* ResponseTypeType by number. */
enum {
    RESPONSE_UNKNOWN,
    RESPONSE_ORGANIZER,
    RESPONSE_TENTATIVE,
    RESPONSE_ACCEPT,
    RESPONSE_DECLINE,
    RESPONSE_NONE_RECEIVED
};

/* A request that nobody answered yet says so. */
void value_response_type(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    bool request = view->item->kind == ITEM_KIND_MEETING_REQUEST;

    (void)row;
    value_r->type = VALUE_INT;
    value_r->i = props_int(&view->props, IPROP_MEETING_RESPONSE_TYPE,
                           request ? RESPONSE_NONE_RECEIVED : RESPONSE_UNKNOWN);
}

void value_is_request(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_BOOL;
    value_r->i = view->item->kind == ITEM_KIND_MEETING_REQUEST;
}

/* A request wants an answer unless somebody said otherwise. */
void value_response_requested(const struct prop_row *row, struct item_view *view,
                              struct value *value_r)
{
    value_is_request(row, view, value_r);
    value_r->i = props_int(&view->props, (enum item_prop)row->prop, value_r->i);
}

void value_is_meeting(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_BOOL;
    value_r->i = view->item->kind == ITEM_KIND_CALENDAR_ITEM
                     ? props_int(&view->props, IPROP_CALENDAR_HAS_ATTENDEES, 0) != 0
                     : view->item->kind == ITEM_KIND_MEETING_REQUEST ||
                           props_has(&view->props, IPROP_MEETING_ORGANIZER);
}

/* A message that cancels a meeting is of another kind. */
void value_is_cancelled(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_BOOL;
    value_r->i = props_int(&view->props, IPROP_CALENDAR_CANCELLED, 0) != 0;
}

void value_calendar_item_type(const struct prop_row *row, struct item_view *view,
                              struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_TEXT;
    if (view->occurrence != NULL && view->occurrence->at.exception == NULL) {
        value_r->text = STR("Occurrence");
    } else if (props_has(&view->props, IPROP_MEETING_RECURRENCE_ID)) {
        value_r->text = STR("Exception");
    } else if (props_int(&view->props, IPROP_MEETING_RECURRING, 0) != 0) {
        value_r->text = STR("RecurringMaster");
    } else {
        value_r->text = STR("Single");
    }
}

#define MINUTE_MS 60000

/* An xs:duration such as PT1H30M, in minutes as calendars reckon. */
void value_duration(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    int64_t start = props_int(&view->props, IPROP_MEETING_START, INT64_MAX);
    int64_t end = props_int(&view->props, IPROP_MEETING_END, INT64_MIN);
    long long minutes;

    (void)row;
    if (end < start) {
        return;
    }
    minutes = (long long)((end - start) / MINUTE_MS);
    value_r->type = VALUE_TEXT;
    value_r->text =
        minutes % 60 == 0 && minutes != 0 ? str_printf(view->arena, "PT%lldH", minutes / 60)
        : minutes < 60                    ? str_printf(view->arena, "PT%lldM", minutes)
                       : str_printf(view->arena, "PT%lldH%lldM", minutes / 60, minutes % 60);
}

/* PidLidAppointmentStateFlags: a meeting, and received. */
enum { STATE_MEETING = 1, STATE_RECEIVED = 2, STATE_CANCELLED = 4 };

void value_appointment_state(const struct prop_row *row, struct item_view *view,
                             struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_INT;
    if (view->item->kind == ITEM_KIND_MEETING_REQUEST) {
        value_r->i = STATE_MEETING | STATE_RECEIVED;
        return;
    }
    value_r->i = props_int(&view->props, IPROP_CALENDAR_HAS_ATTENDEES, 0) != 0 ? STATE_MEETING : 0;
    if (props_int(&view->props, IPROP_CALENDAR_CANCELLED, 0) != 0) {
        value_r->i |= STATE_CANCELLED;
    }
}

static struct str response_of(enum mime_partstat partstat)
{
    static const struct str names[] = {
        [MIME_PARTSTAT_NONE] = STR_INIT("Unknown"),
        [MIME_PARTSTAT_NEEDS_ACTION] = STR_INIT("NoResponseReceived"),
        [MIME_PARTSTAT_ACCEPTED] = STR_INIT("Accept"),
        [MIME_PARTSTAT_DECLINED] = STR_INIT("Decline"),
        [MIME_PARTSTAT_TENTATIVE] = STR_INIT("Tentative"),
    };

    return names[partstat];
}

static void write_attendee(struct item_view *view, struct buf *out,
                           const struct mime_attendee *attendee)
{
    size_t before = out->n;

    BUF_LIT(out, "<t:Attendee>");
    if (!write_mailbox(view, out, attendee->who.name, attendee->who.address)) {
        out->n = before;
        return;
    }
    xml_add_element(out, STR("t:ResponseType"), response_of(attendee->partstat));
    BUF_LIT(out, "</t:Attendee>");
}

/* An appointment's event has them; of a message, what its calendar part says. */
static size_t attendees_of(struct item_view *view, const struct mime_attendee **attendees_r)
{
    const struct mime_calendar *calendar;

    if (view->occurrence != NULL) {
        return calendar_occurrence_attendees(view->occurrence, attendees_r);
    }
    if (view->item->kind == ITEM_KIND_CALENDAR_ITEM) {
        *attendees_r = item_view_event(view)->attendees;
        return item_view_event(view)->attendee_count;
    }
    calendar = mime_message_calendar(item_view_message(view));
    *attendees_r = calendar != NULL ? calendar->attendees : NULL;
    return calendar != NULL ? calendar->attendee_count : 0;
}

void write_attendees(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct mime_attendee *attendees;
    size_t n = attendees_of(view, &attendees), before = out->n;

    buf_add_str(out, row->open);
    for (size_t i = 0; i < n; i++) {
        if (attendees[i].role == row->bit) {
            write_attendee(view, out, &attendees[i]);
        }
    }
    if (out->n == before + row->open.n) {
        out->n = before; /* nobody: absent rather than empty */
    } else {
        buf_add_str(out, row->close);
    }
}
