/* The occurrences of an RRULE, in order, on the clocks of its event. Bounded: at most MIME_RULE_DAYS_MAX days are looked at. Caller: recurrence.c. */
#ifndef MIME_RULE_WALK_H
#define MIME_RULE_WALK_H

#include <libical/ical.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Days of the longest period, a leap year. */
#define RULE_PERIOD_DAYS 366

struct rule_walk {
    icalrecurrencetype_frequency freq;
    int interval, week_start;
    int64_t start_day, time_ms, start_local_ms, until_local_ms;
    int64_t left; /* of COUNT */

    /* What days must pass: sets of bits by number. An empty set of months lets all pass, the others when their has_ is false. */
    unsigned months;
    bool has_month_days, has_year_days, has_weekdays;
    unsigned month_days, month_days_back, weekdays;
    bool year_days[RULE_PERIOD_DAYS + 1], year_days_back[RULE_PERIOD_DAYS + 1];
    uint64_t weekday_numbers[7], weekday_numbers_back[7];
    short positions[ICAL_BY_SETPOS_SIZE];
    size_t position_count;

    /* Where the walk is. */
    int64_t period, looked, first_day;
    short days[RULE_PERIOD_DAYS]; /* of the period, from first_day */
    size_t day_count, at;
    bool gave_up; /* the rule may have more */
};

/* False for a rule that is not followed: one that recurs within a day, by numbers of weeks, or in another calendar. until_local_ms: INT64_MAX if there is no end. */
bool rule_walk_open(struct rule_walk *w, const struct icalrecurrencetype *rule,
                    int64_t start_local_ms, int64_t until_local_ms);
bool rule_walk_next(struct rule_walk *w, int64_t *local_ms_r);

#endif
