/*
 * Rules beyond the protocol's six patterns, followed day by day: each period of the rule (day, week, month, year) yields the days that pass all its BY parts, of
 * which BYSETPOS chooses. libical reads the rules but does not follow them: it searches centuries for days that no calendar has, and it miscounts weeks
 * that begin on another day than Monday.
 */
#include "mime/rule_walk.h"

#include "base/macros.h"
#include "mime/civil.h"
#include "mime/limits.h"

#include <stdlib.h>

#define END ICAL_RECURRENCE_ARRAY_MAX

/* ---- opening ---- */

static bool is_single(const short *by)
{
    return by[0] == END || by[1] == END;
}

/* The others recur within a day, or need another calendar, or count weeks of years. */
static bool is_followed(const struct icalrecurrencetype *rule)
{
    bool by_days = rule->freq == ICAL_DAILY_RECURRENCE || rule->freq == ICAL_WEEKLY_RECURRENCE ||
                   rule->freq == ICAL_MONTHLY_RECURRENCE || rule->freq == ICAL_YEARLY_RECURRENCE;

    return by_days && rule->interval > 0 && rule->rscale == NULL && rule->by_week_no[0] == END &&
           is_single(rule->by_hour) && is_single(rule->by_minute) && is_single(rule->by_second);
}

static void read_months(struct rule_walk *w, const struct icalrecurrencetype *rule)
{
    for (size_t i = 0; i < ARRAY_LEN(rule->by_month) && rule->by_month[i] != END; i++) {
        w->months |=
            rule->by_month[i] >= 1 && rule->by_month[i] <= 12 ? 1u << rule->by_month[i] : 1;
    }
}

static void read_month_days(struct rule_walk *w, const struct icalrecurrencetype *rule)
{
    for (size_t i = 0; i < ARRAY_LEN(rule->by_month_day) && rule->by_month_day[i] != END; i++) {
        int day = rule->by_month_day[i];

        w->has_month_days = true;
        if (day >= 1 && day <= 31) {
            w->month_days |= 1u << day;
        } else if (day <= -1 && day >= -31) {
            w->month_days_back |= 1u << -day;
        }
    }
}

static void read_year_days(struct rule_walk *w, const struct icalrecurrencetype *rule)
{
    for (size_t i = 0; i < ARRAY_LEN(rule->by_year_day) && rule->by_year_day[i] != END; i++) {
        int day = rule->by_year_day[i];

        w->has_year_days = true;
        if (day >= 1 && day <= 366) {
            w->year_days[day] = true;
        } else if (day <= -1 && day >= -366) {
            w->year_days_back[-day] = true;
        }
    }
}

/* "Second Tuesday" says something only of months and years. */
static void read_weekdays(struct rule_walk *w, const struct icalrecurrencetype *rule)
{
    bool numbered = w->freq == ICAL_MONTHLY_RECURRENCE || w->freq == ICAL_YEARLY_RECURRENCE;

    for (size_t i = 0; i < ARRAY_LEN(rule->by_day) && rule->by_day[i] != END; i++) {
        int weekday = (int)icalrecurrencetype_day_day_of_week(rule->by_day[i]) - 1;
        int position = numbered ? icalrecurrencetype_day_position(rule->by_day[i]) : 0;

        w->has_weekdays = true;
        if (weekday < 0 || weekday > 6) {
            continue;
        }
        if (position == 0) {
            w->weekdays |= 1u << weekday;
        } else if (position >= 1 && position <= 53) {
            w->weekday_numbers[weekday] |= UINT64_C(1) << position;
        } else if (position <= -1 && position >= -53) {
            w->weekday_numbers_back[weekday] |= UINT64_C(1) << -position;
        }
    }
}

/* What the rule leaves open is as the start has it. */
static void fill_in(struct rule_walk *w)
{
    struct civil start = civil_from_day(w->start_day);

    if (w->has_month_days || w->has_year_days || w->has_weekdays) {
        return;
    }
    if (w->freq == ICAL_WEEKLY_RECURRENCE) {
        w->has_weekdays = true;
        w->weekdays = 1u << weekday_of(w->start_day);
    } else if (w->freq != ICAL_DAILY_RECURRENCE) {
        w->has_month_days = true;
        w->month_days = 1u << start.day;
        if (w->freq == ICAL_YEARLY_RECURRENCE && w->months == 0) {
            w->months = 1u << start.month;
        }
    }
}

static void read_positions(struct rule_walk *w, const struct icalrecurrencetype *rule)
{
    while (w->position_count < ARRAY_LEN(w->positions) &&
           rule->by_set_pos[w->position_count] != END) {
        w->positions[w->position_count] = rule->by_set_pos[w->position_count];
        w->position_count++;
    }
}

static int part(const short *by, int otherwise)
{
    return by[0] != END ? by[0] : otherwise;
}

static int64_t time_of_day(const struct icalrecurrencetype *rule, int64_t start_local_ms)
{
    int s = (int)((start_local_ms - day_of_ms(start_local_ms) * DAY_MS) / 1000);

    return ((part(rule->by_hour, s / 3600) * 60 + part(rule->by_minute, s / 60 % 60)) * 60 +
            part(rule->by_second, s % 60)) *
           INT64_C(1000);
}

bool rule_walk_open(struct rule_walk *w, const struct icalrecurrencetype *rule,
                    int64_t start_local_ms, int64_t until_local_ms)
{
    if (!is_followed(rule)) {
        return false;
    }
    *w = (struct rule_walk){.freq = rule->freq,
                            .interval = rule->interval,
                            .week_start = rule->week_start > 0 ? (int)rule->week_start - 1 : 1,
                            .start_day = day_of_ms(start_local_ms),
                            .time_ms = time_of_day(rule, start_local_ms),
                            .start_local_ms = start_local_ms,
                            .until_local_ms = until_local_ms,
                            .left = rule->count > 0 ? rule->count : INT64_MAX};
    read_months(w, rule);
    read_month_days(w, rule);
    read_year_days(w, rule);
    read_weekdays(w, rule);
    read_positions(w, rule);
    fill_in(w);
    return true;
}

/* ---- which days ---- */

struct span {
    int64_t first, end;
};

static struct span month_of(int year, int month)
{
    int64_t first = civil_to_day(year, month, 1);

    return (struct span){first, first + days_in_month(year, month)};
}

static struct span year_of(int year)
{
    return (struct span){civil_to_day(year, 1, 1), civil_to_day(year + 1, 1, 1)};
}

static bool passes_weekday(const struct rule_walk *w, int64_t day, struct civil c)
{
    bool in_month = w->freq == ICAL_MONTHLY_RECURRENCE || w->months != 0;
    struct span span = in_month ? month_of(c.year, c.month) : year_of(c.year);
    int weekday = weekday_of(day);

    return (w->weekdays & 1u << weekday) != 0 ||
           (w->weekday_numbers[weekday] & UINT64_C(1) << ((day - span.first) / 7 + 1)) != 0 ||
           (w->weekday_numbers_back[weekday] & UINT64_C(1) << ((span.end - 1 - day) / 7 + 1)) != 0;
}

static bool passes_month_day(const struct rule_walk *w, struct civil c)
{
    int back = days_in_month(c.year, c.month) - c.day + 1;

    return (w->month_days & 1u << c.day) != 0 || (w->month_days_back & 1u << back) != 0;
}

static bool passes_year_day(const struct rule_walk *w, int64_t day, struct civil c)
{
    struct span year = year_of(c.year);

    return w->year_days[day - year.first + 1] || w->year_days_back[year.end - day];
}

static bool passes(const struct rule_walk *w, int64_t day)
{
    struct civil c = civil_from_day(day);

    return (w->months == 0 || (w->months & 1u << c.month) != 0) &&
           (!w->has_month_days || passes_month_day(w, c)) &&
           (!w->has_year_days || passes_year_day(w, day, c)) &&
           (!w->has_weekdays || passes_weekday(w, day, c));
}

/* ---- periods ---- */

static struct span span_of(const struct rule_walk *w, int64_t period)
{
    struct civil c = civil_from_day(w->start_day);
    int64_t n = period * w->interval, months = c.month - 1 + n;
    int64_t week = w->start_day - (weekday_of(w->start_day) - w->week_start + 7) % 7 + 7 * n;

    switch (w->freq) {
    case ICAL_DAILY_RECURRENCE: return (struct span){w->start_day + n, w->start_day + n + 1};
    case ICAL_WEEKLY_RECURRENCE: return (struct span){week, week + 7};
    case ICAL_MONTHLY_RECURRENCE:
        return month_of(c.year + (int)(months / 12), (int)(months % 12) + 1);
    default: return year_of(c.year + (int)n);
    }
}

static int compare_days(const void *a, const void *b)
{
    return (*(const short *)a > *(const short *)b) - (*(const short *)a < *(const short *)b);
}

/* days: where in the period the days that passed are; of these the chosen ones stay, in order and each once. */
static size_t choose(const struct rule_walk *w, short *days, size_t n)
{
    short chosen[RULE_PERIOD_DAYS];
    size_t kept = 0, distinct = 0;

    for (size_t i = 0; i < w->position_count && kept < ARRAY_LEN(chosen); i++) {
        int position = w->positions[i];
        int at = position > 0 ? position - 1 : (int)n + position;

        if (position != 0 && at >= 0 && at < (int)n) {
            chosen[kept++] = days[at];
        }
    }
    if (kept > 0) {
        qsort(chosen, kept, sizeof(*chosen), compare_days);
    }
    for (size_t i = 0; i < kept; i++) {
        if (distinct == 0 || days[distinct - 1] != chosen[i]) {
            days[distinct++] = chosen[i];
        }
    }
    return distinct;
}

/* The days of the next period; false when there is none that we would look at. */
static bool load_period(struct rule_walk *w)
{
    struct span span = span_of(w, w->period++);

    w->looked += span.end - span.first;
    if (w->looked > MIME_RULE_DAYS_MAX) {
        w->gave_up = true;
        return false;
    }
    if (span.first * DAY_MS > w->until_local_ms ||
        civil_from_day(span.first).year > MIME_YEAR_MAX) {
        return false;
    }
    w->first_day = span.first;
    w->day_count = w->at = 0;
    for (int64_t day = span.first; day < span.end; day++) {
        if (passes(w, day)) {
            w->days[w->day_count++] = (short)(day - span.first);
        }
    }
    if (w->position_count > 0) {
        w->day_count = choose(w, w->days, w->day_count);
    }
    return true;
}

bool rule_walk_next(struct rule_walk *w, int64_t *local_ms_r)
{
    int64_t ms;

    while (w->left > 0) {
        if (w->at == w->day_count) {
            if (!load_period(w)) {
                return false;
            }
            continue;
        }
        ms = (w->first_day + w->days[w->at++]) * DAY_MS + w->time_ms;
        if (ms > w->until_local_ms) {
            return false;
        }
        if (ms >= w->start_local_ms) {
            w->left--;
            *local_ms_r = ms;
            return true;
        }
    }
    return false;
}
