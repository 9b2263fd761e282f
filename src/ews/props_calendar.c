/* Properties of appointments that take more than a value of the record: recurrence, occurrences, zones, attendees. Meeting requests show them too. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/calendar.h"
#include "ews/calendar_neighbours.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/item_edit.h"
#include "ews/limits.h"
#include "ews/recurrence_xml.h"
#include "ews/zones.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

/* ---- values ---- */

void value_original_start(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    const struct item_occurrence *o = view->occurrence;

    (void)row;
    if (o != NULL) {
        *value_r = (struct value){.type = VALUE_TIME,
                                  .i = calendar_wire_ms(o->event, o->at.original_start_ms)};
    }
}

/* ---- zones ---- */

void write_start_zone(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    zone_xml_write(out, row->element, calendar_zone(&view->props), true);
}

void write_end_zone(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct str zone = view->props.v[IPROP_CALENDAR_END_ZONE];

    zone_xml_write(out, row->element, zone.n != 0 ? zone : calendar_zone(&view->props), true);
}

/* What StartTimeZone was before Exchange 2010. */
void write_meeting_zone(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    (void)row;
    if (view->call->version < EWS_EXCHANGE2010) {
        zone_xml_write_meeting(out, calendar_zone(&view->props));
    }
}

int set_zone(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
             struct err *err_r)
{
    struct str name;

    TRY(zone_xml_parse(node, item_edit_now_ms(edit), &name, err_r));
    item_edit_set_text(edit, (enum item_prop)row->prop, name);
    return 0;
}

/* ---- recurrence ---- */

/* Of a master that is not shown as one of its occurrences. */
static const struct calendar_event *recurring_event(struct item_view *view)
{
    const struct calendar_event *event;

    if (view->occurrence != NULL || props_int(&view->props, IPROP_MEETING_RECURRING, 0) == 0) {
        return NULL;
    }
    event = item_view_event(view);
    return event->recurrence.pattern != RECUR_NONE || event->unknown_rule.n != 0 ? event : NULL;
}

void write_recurrence(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct calendar_event *event = recurring_event(view);

    (void)row;
    if (event != NULL && recurrence_check(&event->recurrence, NULL) == 0) {
        recurrence_xml_write(out, &event->recurrence, view->call->version);
    }
}

static bool is_occurrence(const struct item_edit *edit)
{
    return props_has(item_edit_props(edit), IPROP_MEETING_RECURRENCE_ID);
}

int set_recurrence(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r)
{
    struct recurrence recurrence;
    struct calendar_event *event;
    int rc = recurrence_xml_parse(node, &recurrence, err_r);

    if (is_occurrence(edit)) {
        return err_set(err_r, ERR_INVALID_PROPERTY_SET, "%.*s of an occurrence", STR_ARG(row->uri));
    }
    if (rc == -ERR_PROPERTY_VALUE) {
        return err_set(err_r, ERR_CALENDAR_RECURRENCE, "a rule that never comes true");
    }
    TRY(rc);
    event = item_edit_event(edit);
    event->recurrence = recurrence;
    event->unknown_rule = STR("");
    item_edit_touch(edit, EDIT_CALENDAR);
    return 0;
}

/* An occurrence has none: clients that write all they know of it remove it all the same. */
int remove_recurrence(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    struct calendar_event *event = item_edit_event(edit);

    (void)row, (void)err_r;
    if (is_occurrence(edit)) {
        return 0;
    }
    if (event->recurrence.pattern != RECUR_NONE || event->unknown_rule.n != 0) {
        event->recurrence = (struct recurrence){.pattern = RECUR_NONE};
        event->unknown_rule = STR("");
        item_edit_touch(edit, EDIT_CALENDAR);
    }
    return 0;
}

/* ---- occurrences of a master ---- */

static void write_info(struct item_view *view, struct buf *out, struct str element,
                       const struct calendar_event *event, const struct occurrence *at)
{
    bool millis = view->call->milliseconds;

    xml_open(out, element);
    write_occurrence_id(out, view->call, view->item->id, at->original_start_ms,
                        item_version(view->item));
    xml_add_element_time(out, STR("t:Start"), calendar_wire_ms(event, at->start_ms), millis);
    xml_add_element_time(out, STR("t:End"), calendar_wire_ms(event, at->end_ms), millis);
    xml_add_element_time(out, STR("t:OriginalStart"),
                         calendar_wire_ms(event, at->original_start_ms), millis);
    xml_close(out, element);
}

/* A request names no occurrences: they would be of the item in the calendar. */
static const struct calendar_event *master_event(struct item_view *view)
{
    return view->item->kind == ITEM_KIND_CALENDAR_ITEM && view->within == NULL
               ? recurring_event(view)
               : NULL;
}

static void write_bound(const struct prop_row *row, struct item_view *view, struct buf *out,
                        bool last)
{
    const struct calendar_event *event = master_event(view);
    struct occurrence bounds[2] = {{0}, {0}};

    if (event != NULL && event_bounds(event, &bounds[0], &bounds[1], NULL) == 0 &&
        bounds[last].index != 0) {
        write_info(view, out, row->element, event, &bounds[last]);
    }
}

void write_first_occurrence(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    write_bound(row, view, out, false);
}

void write_last_occurrence(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    write_bound(row, view, out, true);
}

void write_modified_occurrences(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct calendar_event *event = master_event(view);
    struct occurrence at;
    size_t before = out->n;
    bool deleted;

    buf_add_str(out, row->open);
    for (size_t i = 0; event != NULL && i < event->exception_count; i++) {
        if (event_occurrence_by_start(event, event->exceptions[i].original_start_ms, &at, &deleted,
                                      NULL) == 1) {
            write_info(view, out, STR("t:Occurrence"), event, &at);
        }
    }
    if (out->n == before + row->open.n) {
        out->n = before;
    } else {
        buf_add_str(out, row->close);
    }
}

void write_deleted_occurrences(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct calendar_event *event = master_event(view);

    if (event == NULL || event->deleted_count == 0) {
        return;
    }
    buf_add_str(out, row->open);
    for (size_t i = 0; i < event->deleted_count; i++) {
        BUF_LIT(out, "<t:DeletedOccurrence>");
        xml_add_element_time(out, STR("t:Start"), calendar_wire_ms(event, event->deleted[i]),
                             view->call->milliseconds);
        BUF_LIT(out, "</t:DeletedOccurrence>");
    }
    buf_add_str(out, row->close);
}

/* ---- what lies beside it ---- */

void value_neighbour_count(const struct prop_row *row, struct item_view *view,
                           struct value *value_r)
{
    const struct calendar_neighbours *found = item_view_neighbours(view);

    if (found != NULL) {
        value_r->type = VALUE_INT;
        value_r->i = (int64_t)(row->bit != 0 ? found->conflicting : found->adjacent);
    }
}

/* As much of an appointment as tells people what it is. */
static bool is_told_of_neighbours(const struct prop_row *row)
{
    static const char *const uris[] = {"item:ItemId",       "item:Subject",
                                       "calendar:Start",    "calendar:End",
                                       "calendar:Location", "calendar:LegacyFreeBusyStatus"};

    for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
        if (str_is(row->uri, uris[i])) {
            return (row->kinds & KIND(CALENDAR_ITEM)) != 0;
        }
    }
    return false;
}

static void write_neighbour(struct item_view *view, struct buf *out,
                            const struct neighbour *neighbour)
{
    struct item_view other;

    item_view_open(&other, view->call, view->tx, &neighbour->item, view->arena);
    other.occurrence = neighbour->occurrence;
    xml_open(out, STR("t:CalendarItem"));
    for (size_t i = 0; i < prop_row_count; i++) {
        if (is_told_of_neighbours(&prop_rows[i])) {
            prop_rows[i].write(&prop_rows[i], &other, out);
        }
    }
    xml_close(out, STR("t:CalendarItem"));
    item_view_close(&other);
}

void write_neighbours(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct calendar_neighbours *found = item_view_neighbours(view);
    size_t before = out->n;

    buf_add_str(out, row->open);
    for (size_t i = 0; found != NULL && i < found->n; i++) {
        if (found->v[i].conflicts == (row->bit != 0)) {
            write_neighbour(view, out, &found->v[i]);
        }
    }
    if (out->n == before + row->open.n) {
        out->n = before; /* none: absent rather than empty */
    } else {
        buf_add_str(out, row->close);
    }
}

/* ---- attendees ---- */

static const struct {
    const char *name;
    enum mime_partstat partstat;
} responses[] = {
    {"Unknown", MIME_PARTSTAT_NONE},        {"Organizer", MIME_PARTSTAT_NONE},
    {"Tentative", MIME_PARTSTAT_TENTATIVE}, {"Accept", MIME_PARTSTAT_ACCEPTED},
    {"Decline", MIME_PARTSTAT_DECLINED},    {"NoResponseReceived", MIME_PARTSTAT_NEEDS_ACTION},
};

static enum mime_partstat partstat_of(const struct xml_node *node)
{
    for (size_t i = 0; node != NULL && i < ARRAY_LEN(responses); i++) {
        if (str_is(str_trim(node->text), responses[i].name)) {
            return responses[i].partstat;
        }
    }
    return MIME_PARTSTAT_NONE;
}

static int read_attendee(const struct xml_node *node, enum mime_attendee_role role,
                         struct arena *arena, struct mime_attendee *attendee_r, struct err *err_r)
{
    static const struct grammar_child children[] = {
        {XML_NS_TYPES, "Mailbox", 1, 1},          {XML_NS_TYPES, "ResponseType", 0, 1},
        {XML_NS_TYPES, "LastResponseTime", 0, 1}, {XML_NS_TYPES, "ProposedStart", 0, 1},
        {XML_NS_TYPES, "ProposedEnd", 0, 1},
    };
    const struct xml_node *found[ARRAY_LEN(children)];
    struct mime_address who;

    if (!xml_is(node, XML_NS_TYPES, "Attendee")) {
        return grammar_fail(node, err_r, "The element '%.*s' is no attendee.", STR_ARG(node->name));
    }
    TRY(grammar_sequence(node, children, ARRAY_LEN(children), found, err_r));
    TRY(mailbox_from_xml(found[0], &who, err_r));
    attendee_r->who.name = one_line(arena, who.name);
    attendee_r->who.address = one_line(arena, who.address);
    if (str_eq(attendee_r->who.name, attendee_r->who.address)) {
        attendee_r->who.name = STR(""); /* as which a nameless one is shown */
    }
    attendee_r->role = role;
    attendee_r->partstat = partstat_of(found[1]);
    return 0;
}

/* The attendees with those of the node after them; those of the row's role before only when they are kept. */
static int put_attendees(const struct prop_row *row, struct item_edit *edit,
                         const struct xml_node *node, bool keep, struct err *err_r)
{
    struct calendar_event *event = item_edit_event(edit);
    size_t more = node != NULL ? node->child_count : 0, n = 0;
    struct mime_attendee *v =
        ARENA_ARRAY(item_edit_arena(edit), struct mime_attendee, event->attendee_count + more + 1);

    for (size_t i = 0; i < event->attendee_count; i++) {
        if (keep || event->attendees[i].role != row->bit) {
            v[n++] = event->attendees[i];
        }
    }
    for (const struct xml_node *c = more != 0 ? node->first_child : NULL; c != NULL; c = c->next) {
        TRY(read_attendee(c, (enum mime_attendee_role)row->bit, item_edit_arena(edit), &v[n],
                          err_r));
        n++;
    }
    if (n > CALENDAR_MAX_ATTENDEES) {
        return err_tell(err_r, ERR_PROPERTY_SAVE, "There are too many attendees.");
    }
    if (!event_same_attendees(event->attendees, event->attendee_count, v, n)) {
        event->attendees = v;
        event->attendee_count = n;
        item_edit_touch(edit, EDIT_CALENDAR);
    }
    return 0;
}

int set_attendees(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                  struct err *err_r)
{
    return put_attendees(row, edit, node, false, err_r);
}

int append_attendees(const struct prop_row *row, struct item_edit *edit,
                     const struct xml_node *node, struct err *err_r)
{
    return put_attendees(row, edit, node, true, err_r);
}

int remove_attendees(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    return put_attendees(row, edit, NULL, false, err_r);
}

/* ---- MIME content ---- */

/* The calendar object; of an occurrence, as if it stood alone. */
struct str calendar_mime_content(struct item_view *view)
{
    struct calendar_event event;

    if (view->occurrence == NULL) {
        return event_write(item_view_event(view), view->arena);
    }
    event = calendar_occurrence_event(view->occurrence, &view->props, view->arena);
    return event_write(&event, view->arena);
}
