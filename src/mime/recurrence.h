/*
 * Calendar objects that people edit: one VEVENT with its recurrence rule, its exceptions and deleted occurrences, read by libical. The iCalendar text is what is stored; these values are what
 * the protocol sees.
 */
#ifndef MIME_RECURRENCE_H
#define MIME_RECURRENCE_H

#include "base/err.h"
#include "base/macros.h"
#include "base/str.h"
#include "mime/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum recur_pattern {
    RECUR_NONE,
    RECUR_DAILY,
    RECUR_WEEKLY,
    RECUR_ABSOLUTE_MONTHLY,
    RECUR_RELATIVE_MONTHLY,
    RECUR_ABSOLUTE_YEARLY,
    RECUR_RELATIVE_YEARLY
};
enum recur_range { RECUR_NO_END, RECUR_END_DATE, RECUR_NUMBERED };

/* As the protocol's RecurrenceType has it. A day that a month has not is its last day. */
struct recurrence {
    enum recur_pattern pattern;
    int interval;            /* 1 .. 999; 1 of yearly ones */
    unsigned days;           /* bit 0 Sunday … bit 6 Saturday: weekly, relative patterns */
    int week;                /* relative patterns: 1..4, -1 last */
    int day_of_month, month; /* absolute patterns; month 1..12 of yearly ones */
    int first_day_of_week;   /* 0 Sunday */
    enum recur_range range;
    int64_t
        start_day_ms; /* midnight of StartDate, as UTC; weeks, months and years are counted from it */
    int64_t end_day_ms; /* END_DATE: last day on which an occurrence may start */
    int count;          /* NUMBERED */
};

/* What differs from the master in one occurrence. */
struct event_exception {
    int64_t original_start_ms;
    /* As the event's. Of whole days where the event has times: midnights of its zone; of times where the event has whole days: what clocks of its zone show, as if it were UTC. */
    int64_t start_ms, end_ms;
    bool all_day;
    struct str summary, location, description; /* p NULL: the master's */
    struct str html; /* of which description is the text (X-ALT-DESC); may be empty */
    enum mime_busy busy;
    enum mime_sensitivity sensitivity;
    bool own_reminder; /* false: the master's */
    bool has_reminder;
    int reminder_minutes;
    bool own_attendees; /* false: the master's */
    const struct mime_attendee *attendees;
    size_t attendee_count;
    struct str record; /* bytes that a caller keeps with it (X-EWER-RECORD); may be empty */
};

/* Not to be taken for the events of a mailbox's log. Zero is a proper value of every member but uid, start_ms and end_ms. */
struct calendar_event {
    struct str uid, summary, location, description;
    struct str tzid; /* IANA or Windows zone in which start recurs; empty or unknown: UTC */
    struct str
        vtimezone; /* text that defines tzid where the system does not; clear it when setting another tzid */
    int64_t start_ms, end_ms; /* UTC instants; all-day: midnight of the dates as UTC */
    bool all_day;
    enum mime_busy busy;
    bool has_recurrence_id; /* an exception that came without its master */
    int64_t recurrence_id_ms;
    enum mime_method method; /* NONE for stored appointments; OTHER is not written */
    int sequence;
    bool has_stamp;
    int64_t stamp_ms;
    struct mime_address organizer;
    const struct mime_attendee *attendees;
    size_t attendee_count;
    bool cancelled;
    bool has_reminder;
    int reminder_minutes;
    enum mime_sensitivity sensitivity;
    struct recurrence recurrence;
    const int64_t
        *deleted; /* original starts of deleted occurrences, ascending, none of them an exception */
    size_t deleted_count;
    const struct event_exception *exceptions; /* ascending by original start */
    size_t exception_count;
    struct str
        unknown_rule; /* an RRULE that the protocol cannot say: kept as text, expanded as it is */
};

/*
 * ERR_MIME_CONTENT: not iCalendar, no VEVENT or one without a start, beyond limits.h. What the struct has no member for (other properties, dates
 * added by RDATE) is not kept. An exception without organizer and attendees has none of the master's; one without alarm has the master's reminder.
 */
int event_parse(struct str icalendar, struct arena *arena, struct calendar_event *event_r,
                struct err *err_r) WARN_UNUSED;
/*
 * VCALENDAR with VTIMEZONE where needed, CRLF, folded. Reading it back gives the same values: in whole seconds, with line ends of texts as \n and without white space around them. A start in the hour
 * that a change of clocks repeats is written in UTC. recurrence.start_day_ms is not written: it is the day of start (see event_settle). An invalid recurrence
 * (recurrence_check) is left out.
 */
struct str event_write(const struct calendar_event *event, struct arena *arena);
bool event_same_attendees(const struct mime_attendee *a, size_t a_count,
                          const struct mime_attendee *b, size_t b_count);
/*
 * For a series that got other times (or whole days) and has the same rule: exceptions and deleted occurrences of `before` become those of event, each of the occurrence on the same day. Where there is
 * none any more they are dropped. An exception that started with the series starts with it again; what was moved stays where it was moved to.
 */
void event_move_changes(struct calendar_event *event, const struct calendar_event *before,
                        struct arena *arena);
/* Moves a recurring event's start, end and start day to the first day of its pattern, deleted or not. Does nothing when the rule has none. */
void event_settle(struct calendar_event *event);

struct occurrence {
    int64_t original_start_ms, start_ms, end_ms;
    int index; /* 1-based, deleted ones counted, as the protocol's InstanceIndex; 1 of a single event */
    const struct event_exception *exception; /* NULL: as the master */
};
/*
 * Occurrences of a recurring event (or the single one) that overlap [from, to), in order of start; at most max. True in *more_r if there were more. An occurrence
 * keeps its time of day and its length on the clocks of tzid, whatever they are changed. Exceptions count where they were moved to; one whose original start is no
 * occurrence is ignored. Work is bounded by what is returned for the six patterns; other rules are followed for MIME_RULE_DAYS_MAX days from their start,
 * and those that recur within a day or by numbers of weeks only have their start. ERR_PROPERTY_VALUE: recurrence_check fails.
 */
int event_occurrences(const struct calendar_event *event, int64_t from_ms, int64_t to_ms,
                      size_t max, struct arena *arena, struct occurrence **occurrences_r,
                      size_t *n_r, bool *more_r, struct err *err_r) WARN_UNUSED;
/* 1 found, 0 not: the occurrence of that index, or with that original start. *deleted_r: it is not there because it was deleted. */
int event_occurrence_by_index(const struct calendar_event *event, int index,
                              struct occurrence *occurrence_r, bool *deleted_r, struct err *err_r)
    WARN_UNUSED;
int event_occurrence_by_start(const struct calendar_event *event, int64_t original_start_ms,
                              struct occurrence *occurrence_r, bool *deleted_r, struct err *err_r)
    WARN_UNUSED;
/* First and last occurrence, in order of original starts, that are not deleted; index 0 of both if there is none, of the last for rules without end. */
int event_bounds(const struct calendar_event *event, struct occurrence *first_r,
                 struct occurrence *last_r, struct err *err_r) WARN_UNUSED;
/* ERR_PROPERTY_VALUE: a rule that has no occurrence, a day that no month has, numbers out of range. */
int recurrence_check(const struct recurrence *recurrence, struct err *err_r) WARN_UNUSED;

#endif
