/*
 * Calendar items between record, message and wire. The record is the truth for what it holds (times, place, zone, reminder …), the message's iCalendar object for the rest
 * (attendees, recurrence, exceptions); an event has both put together. Callers: the property table, ids.c, FindItem's calendar view, operations that take occurrences.
 *
 * Times of an all-day event are dates in the event (midnight as UTC) and local midnights in the zone of the item everywhere else.
 */
#ifndef EWS_CALENDAR_H
#define EWS_CALENDAR_H

#include "base/err.h"
#include "ews/props.h"
#include "mailbox/mailbox.h"
#include "mime/recurrence.h"

#include <stdbool.h>

struct arena;
struct ews_call;
struct item_edit;
struct mailbox_tx;

/* One occurrence of a stored recurring item. */
struct item_occurrence {
    const struct item *master;
    const struct calendar_event *event;
    struct occurrence at;
};

/* ---- events ---- */

/* What the record says is put into the event. */
void calendar_event_follow_record(struct calendar_event *event, const struct props *props,
                                  struct arena *arena);
/* A stored item's event. One without a readable calendar object has what its record says. */
int calendar_event_read(struct mailbox_tx *tx, const struct item *item, struct arena *arena,
                        struct calendar_event *event_r, struct err *err_r) WARN_UNUSED;
/* Of the item in view, of a meeting request too; read once. Never NULL. Of an occurrence: its master's. */
const struct calendar_event *item_view_event(struct item_view *view);
/* A time of the event as the wire has it, and back. */
int64_t calendar_wire_ms(const struct calendar_event *event, int64_t event_ms);
int64_t calendar_event_ms(const struct calendar_event *event, int64_t wire_ms);
/* The zone of a record; "UTC" when it names none. */
struct str calendar_zone(const struct props *props);

/* ---- occurrences ---- */

/* The item as which an occurrence is shown: its master with the occurrence's own values in the record. Shares the rest. */
struct item calendar_occurrence_item(const struct item_occurrence *occurrence, struct arena *arena);
/* Its own attendees, or its master's. */
size_t calendar_occurrence_attendees(const struct item_occurrence *occurrence,
                                     const struct mime_attendee **attendees_r);
/* An event that stands for this occurrence alone; props: the record of the item above. */
struct calendar_event calendar_occurrence_event(const struct item_occurrence *occurrence,
                                                const struct props *props, struct arena *arena);
/* What an exception's record (mime/recurrence.h) says: the values of `own` that differ from `plain`, which is the occurrence without. "" when none does. */
struct str calendar_own_record(const struct props *own, const struct props *plain,
                               struct arena *arena);
/* ERR_OCCURRENCE_INDEX; ERR_OCCURRENCE_DELETED; ERR_ITEM_NOT_FOUND; ERR_OCCURRENCE_NOT_MASTER for an item that does not recur. All of these live in arena. */
int calendar_occurrence_by_index(struct mailbox_tx *tx, const struct item *master, int64_t index,
                                 struct arena *arena, struct item_occurrence **occurrence_r,
                                 struct err *err_r) WARN_UNUSED;
int calendar_occurrence_by_start(struct mailbox_tx *tx, const struct item *master,
                                 int64_t original_start_ms, struct arena *arena,
                                 struct item_occurrence **occurrence_r, struct err *err_r)
    WARN_UNUSED;
/* After an edit was opened on calendar_occurrence_item: its body and attendees are the occurrence's. */
void calendar_occurrence_edit(struct item_edit *edit, const struct item_occurrence *occurrence);
/* In place of item_edit_store for such an edit: an exception in the master, which changes. What no exception can hold is
 * ERR_INVALID_PROPERTY_SET; over a neighbour: ERR_OCCURRENCE_CROSSING. *version_r: the master's new one. */
int calendar_occurrence_store(struct item_edit *edit, const struct item_occurrence *occurrence,
                              struct mailbox_tx *tx, struct seq *version_r, struct err *err_r)
    WARN_UNUSED;
/* The occurrence goes; the master stays, changed. */
int calendar_occurrence_delete(struct ews_call *call, struct mailbox_tx *tx,
                               const struct item_occurrence *occurrence, struct arena *arena,
                               struct err *err_r) WARN_UNUSED;

/* ---- editing (edit_calendar.c; setters see item_edit_event) ---- */

/* Times and reminder as they have to be: ERR_CALENDAR_END; whole days from midnight to midnight. */
int calendar_edit_settle(struct item_edit *edit, struct err *err_r) WARN_UNUSED;
/* The event of an edit that is not stored as an item of its own. */
void calendar_edit_use_event(struct item_edit *edit, const struct calendar_event *event);

/* Replaces the whole of a new or stored item by an iCalendar object, or a message that has one. ERR_MIME_INVALID. */
int calendar_edit_take_mime(struct item_edit *edit, struct str mime, struct err *err_r) WARN_UNUSED;

#endif
