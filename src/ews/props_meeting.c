/* Properties of meeting messages and appointments. */
#include "ews/props-private.h"

#include "base/arena.h"
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

void value_is_meeting(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_BOOL;
    value_r->i = view->item->kind == ITEM_KIND_MEETING_REQUEST ||
                 props_has(&view->props, IPROP_MEETING_ORGANIZER);
}

/* What cancels a meeting is a message of another kind. */
void value_is_cancelled(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    value_false(row, view, value_r);
}

void value_calendar_item_type(const struct prop_row *row, struct item_view *view,
                              struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_TEXT;
    if (props_has(&view->props, IPROP_MEETING_RECURRENCE_ID)) {
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
enum { STATE_MEETING = 1, STATE_RECEIVED = 2 };

void value_appointment_state(const struct prop_row *row, struct item_view *view,
                             struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_INT;
    if (view->item->kind == ITEM_KIND_MEETING_REQUEST) {
        value_r->i = STATE_MEETING | STATE_RECEIVED;
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

void write_attendees(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct mime_calendar *calendar = mime_message_calendar(item_view_message(view));
    size_t before = out->n;

    if (calendar == NULL) {
        return;
    }
    buf_add_str(out, row->open);
    for (size_t i = 0; i < calendar->attendee_count; i++) {
        if (calendar->attendees[i].role == row->bit) {
            write_attendee(view, out, &calendar->attendees[i]);
        }
    }
    if (out->n == before + row->open.n) {
        out->n = before; /* nobody: absent rather than empty */
    } else {
        buf_add_str(out, row->close);
    }
}
