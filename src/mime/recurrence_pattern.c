/*
 * The six patterns as arithmetic: time is cut into periods (every n days, weeks, months, years, counted from the start day), each of which has the same
 * number of days that match. So the place of an occurrence follows from its number and back, however far away it is.
 */
#include "mime/recurrence-private.h"

#include "mime/limits.h"

#define ALL_DAYS 0x7fu

static int days_in_period(const struct recurrence *r)
{
    return r->pattern == RECUR_WEEKLY ? __builtin_popcount(r->days & ALL_DAYS) : 1;
}

static int64_t start_day(const struct recurrence *r)
{
    return day_of_ms(r->start_day_ms);
}

/* ---- days within a period ---- */

static int64_t week_of(const struct recurrence *r, int64_t day)
{
    return day - (weekday_of(day) - r->first_day_of_week + 7) % 7;
}

/* The n-th (from 0) matching day of the week that begins there. */
static int64_t day_of_week(const struct recurrence *r, int64_t week, int n)
{
    int64_t day = week;

    for (;; day++) {
        if ((r->days & 1u << weekday_of(day)) != 0 && n-- == 0) {
            return day;
        }
    }
}

/* The week-th matching day of the month. Every week has one, so none of the four is missing. */
static int64_t relative_day(const struct recurrence *r, int year, int month)
{
    bool last = r->week < 0;
    int64_t day = civil_to_day(year, month, last ? days_in_month(year, month) : 1);

    for (int n = last ? 1 : r->week;; day += last ? -1 : 1) {
        if ((r->days & 1u << weekday_of(day)) != 0 && --n == 0) {
            return day;
        }
    }
}

static int64_t absolute_day(const struct recurrence *r, int year, int month)
{
    int last = days_in_month(year, month);

    return civil_to_day(year, month, r->day_of_month < last ? r->day_of_month : last);
}

static bool is_relative(const struct recurrence *r)
{
    return r->pattern == RECUR_RELATIVE_MONTHLY || r->pattern == RECUR_RELATIVE_YEARLY;
}

static bool is_yearly(const struct recurrence *r)
{
    return r->pattern == RECUR_ABSOLUTE_YEARLY || r->pattern == RECUR_RELATIVE_YEARLY;
}

/* months: since the year 0. */
static int64_t day_of_month(const struct recurrence *r, int64_t months)
{
    int year = (int)floor_div(months, 12), month = (int)(months - 12 * (int64_t)year) + 1;

    return is_relative(r) ? relative_day(r, year, month) : absolute_day(r, year, month);
}

/* ---- periods ---- */

static int64_t months_of(int64_t day)
{
    struct civil c = civil_from_day(day);

    return c.year * 12 + c.month - 1;
}

/* The month whose day stands for the first period. */
static int64_t first_month(const struct recurrence *r)
{
    struct civil c = civil_from_day(start_day(r));

    return is_yearly(r) ? c.year * 12 + r->month - 1 : c.year * 12 + c.month - 1;
}

static int64_t months_in_period(const struct recurrence *r)
{
    return (is_yearly(r) ? 12 : 1) * (int64_t)r->interval;
}

/* The n-th matching day of a period. */
static int64_t day_in_period(const struct recurrence *r, int64_t period, int n)
{
    switch (r->pattern) {
    case RECUR_DAILY: return start_day(r) + period * r->interval;
    case RECUR_WEEKLY:
        return day_of_week(r, week_of(r, start_day(r)) + period * r->interval * 7, n);
    default: return day_of_month(r, first_month(r) + period * months_in_period(r));
    }
}

/* A period such that all earlier ones end before the day, and all later ones begin after it or on it. */
static int64_t period_of(const struct recurrence *r, int64_t day)
{
    switch (r->pattern) {
    case RECUR_DAILY: return floor_div(day - start_day(r), r->interval);
    case RECUR_WEEKLY: return floor_div(day - week_of(r, start_day(r)), 7 * (int64_t)r->interval);
    default: return floor_div(months_of(day) - first_month(r), months_in_period(r));
    }
}

/* Matching days before that day, counted from the first period's start. */
static int64_t matches_before(const struct recurrence *r, int64_t day)
{
    int64_t period = period_of(r, day);
    int m = days_in_period(r), n = 0;

    if (period < 0) {
        return 0;
    }
    while (n < m && day_in_period(r, period, n) < day) {
        n++;
    }
    return period * m + n;
}

/* ---- occurrences ---- */

int64_t pattern_before(const struct recurrence *r, int64_t day)
{
    int64_t n = matches_before(r, day) - matches_before(r, start_day(r));

    return n > 0 ? n : 0;
}

int64_t pattern_day(const struct recurrence *r, int64_t ordinal)
{
    int64_t match = ordinal + matches_before(r, start_day(r));
    int m = days_in_period(r);

    return day_in_period(r, match / m, (int)(match % m));
}

int64_t pattern_count(const struct recurrence *r)
{
    int64_t all = pattern_before(r, civil_to_day(MIME_YEAR_MAX + 1, 1, 1));
    int64_t n = all;

    if (r->range == RECUR_NUMBERED) {
        n = r->count;
    } else if (r->range == RECUR_END_DATE) {
        n = pattern_before(r, day_of_ms(clamp_ms(r->end_day_ms)) + 1);
    }
    return n < all ? n : all;
}

/* ---- checks ---- */

static bool is_between(int64_t v, int64_t min, int64_t max)
{
    return v >= min && v <= max;
}

static bool has_days(const struct recurrence *r)
{
    return r->days != 0 && (r->days & ~ALL_DAYS) == 0;
}

static bool has_week(const struct recurrence *r)
{
    return has_days(r) && (r->week == -1 || is_between(r->week, 1, 4));
}

/* 2000 was a leap year: the 29th of February is a day. */
static bool has_day_of_year(const struct recurrence *r)
{
    return is_between(r->month, 1, 12) &&
           is_between(r->day_of_month, 1, days_in_month(2000, r->month));
}

static bool is_valid_pattern(const struct recurrence *r)
{
    switch (r->pattern) {
    case RECUR_DAILY: return true;
    case RECUR_WEEKLY: return has_days(r);
    case RECUR_ABSOLUTE_MONTHLY: return is_between(r->day_of_month, 1, 31);
    case RECUR_RELATIVE_MONTHLY: return has_week(r);
    case RECUR_ABSOLUTE_YEARLY: return has_day_of_year(r) && r->interval == 1;
    case RECUR_RELATIVE_YEARLY:
        return has_week(r) && is_between(r->month, 1, 12) && r->interval == 1;
    case RECUR_NONE: break;
    }
    return false;
}

int recurrence_check(const struct recurrence *r, struct err *err_r)
{
    if (!is_between(r->interval, 1, 999) || !is_between(r->first_day_of_week, 0, 6) ||
        !is_valid_pattern(r)) {
        return err_tell(err_r, ERR_PROPERTY_VALUE, "The recurrence pattern is invalid.");
    }
    if (clamp_ms(r->start_day_ms) != r->start_day_ms || r->start_day_ms % DAY_MS != 0) {
        return err_tell(err_r, ERR_PROPERTY_VALUE, "The start date of the recurrence is invalid.");
    }
    if ((r->range == RECUR_NUMBERED && r->count < 1) || pattern_count(r) < 1) {
        return err_tell(err_r, ERR_PROPERTY_VALUE, "The recurrence has no occurrence.");
    }
    return 0;
}
