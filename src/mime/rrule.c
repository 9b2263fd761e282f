/* RRULE and the protocol's patterns. A rule is read only if both mean the same days, whatever the month. */
#include "mime/recurrence-private.h"

#include "base/macros.h"
#include "mime/limits.h"

#define END ICAL_RECURRENCE_ARRAY_MAX

static size_t count_of(const short *by, size_t max)
{
    size_t n = 0;

    while (n < max && by[n] != END) {
        n++;
    }
    return n;
}
#define COUNT(array) count_of((array), ARRAY_LEN(array))

/* What a rule says of days, checked for contradictions later. */
struct reading {
    const struct icalrecurrencetype *rule;
    struct civil start;
    int start_weekday;
    struct recurrence *out;
};

/* ---- reading: days ---- */

/* Week days without "first" or "last"; false if there are others. */
static bool read_days(const struct icalrecurrencetype *rule, unsigned *days_r)
{
    unsigned days = 0;

    for (size_t i = 0; i < COUNT(rule->by_day); i++) {
        int weekday = (int)icalrecurrencetype_day_day_of_week(rule->by_day[i]);

        if (icalrecurrencetype_day_position(rule->by_day[i]) != 0 || weekday < 1 || weekday > 7) {
            return false;
        }
        days |= 1u << (weekday - 1);
    }
    *days_r = days;
    return days != 0;
}

/* BYDAY=2TU, or BYDAY=MO,TU;BYSETPOS=2. */
static bool read_relative(struct reading *r)
{
    const struct icalrecurrencetype *rule = r->rule;
    int position = icalrecurrencetype_day_position(rule->by_day[0]);
    int weekday = (int)icalrecurrencetype_day_day_of_week(rule->by_day[0]);

    if (COUNT(rule->by_month_day) > 0) {
        return false;
    }
    if (COUNT(rule->by_day) == 1 && position != 0 && COUNT(rule->by_set_pos) == 0 && weekday >= 1 &&
        weekday <= 7) {
        r->out->days = 1u << (weekday - 1);
        r->out->week = position;
        return true;
    }
    r->out->week = rule->by_set_pos[0];
    return COUNT(rule->by_set_pos) == 1 && read_days(rule, &r->out->days);
}

/* The last of BYMONTHDAY=28,29,30 is how "the 30th, or the last day" is said. */
static int last_of_run(const struct icalrecurrencetype *rule)
{
    size_t n = COUNT(rule->by_month_day);

    for (size_t i = 0; i < n; i++) {
        if (rule->by_month_day[i] != 28 + (int)i) {
            return 0;
        }
    }
    return n >= 1 && n <= 4 && COUNT(rule->by_set_pos) == 1 && rule->by_set_pos[0] == -1
               ? 27 + (int)n
               : 0;
}

/* The day of the month; safe: days up to which every month in question has them, last: its last one. */
static bool read_month_day(struct reading *r, int safe, int last)
{
    const struct icalrecurrencetype *rule = r->rule;
    int day = COUNT(rule->by_month_day) == 0 ? r->start.day : rule->by_month_day[0];

    if (COUNT(rule->by_set_pos) > 0 || COUNT(rule->by_month_day) > 1) {
        day = last_of_run(rule);
        safe = last;
    } else if (day == -1) {
        day = safe = last;
    }
    r->out->day_of_month = day;
    return day >= 1 && day <= safe;
}

/* ---- reading: frequencies ---- */

static bool read_weekly(struct reading *r)
{
    const struct icalrecurrencetype *rule = r->rule;

    r->out->pattern = RECUR_WEEKLY;
    r->out->days = 1u << r->start_weekday;
    return COUNT(rule->by_month) == 0 && COUNT(rule->by_month_day) == 0 &&
           COUNT(rule->by_set_pos) == 0 &&
           (COUNT(rule->by_day) == 0 || read_days(rule, &r->out->days));
}

static bool read_daily(struct reading *r)
{
    const struct icalrecurrencetype *rule = r->rule;

    if (COUNT(rule->by_day) > 0) {
        return r->out->interval == 1 && read_weekly(r);
    }
    r->out->pattern = RECUR_DAILY;
    return COUNT(rule->by_month) == 0 && COUNT(rule->by_month_day) == 0 &&
           COUNT(rule->by_set_pos) == 0;
}

static bool read_monthly(struct reading *r)
{
    if (COUNT(r->rule->by_month) > 0) {
        return false;
    }
    if (COUNT(r->rule->by_day) > 0) {
        r->out->pattern = RECUR_RELATIVE_MONTHLY;
        return read_relative(r);
    }
    r->out->pattern = RECUR_ABSOLUTE_MONTHLY;
    return read_month_day(r, 28, 31);
}

/* The protocol knows no "every second year", but every 24 months, from the month of the start. */
static bool settle_years(struct reading *r, enum recur_pattern yearly, enum recur_pattern monthly)
{
    r->out->pattern = yearly;
    if (r->out->interval > 1) {
        r->out->pattern = monthly;
        r->out->interval *= 12;
        if (r->out->month != r->start.month) {
            return false;
        }
        r->out->month = 0;
    }
    return true;
}

static bool read_yearly(struct reading *r)
{
    const struct icalrecurrencetype *rule = r->rule;
    bool relative = COUNT(rule->by_day) > 0;

    if (COUNT(rule->by_month) > 1 || (COUNT(rule->by_month) == 0 && relative) ||
        (COUNT(rule->by_month) == 0 && COUNT(rule->by_month_day) > 0)) {
        return false;
    }
    r->out->month = COUNT(rule->by_month) == 1 ? rule->by_month[0] : r->start.month;
    if (r->out->month < 1 || r->out->month > 12) {
        return false;
    }
    if (relative) {
        return read_relative(r) && settle_years(r, RECUR_RELATIVE_YEARLY, RECUR_RELATIVE_MONTHLY);
    }
    return read_month_day(r, days_in_month(2001, r->out->month),
                          days_in_month(2000, r->out->month)) &&
           settle_years(r, RECUR_ABSOLUTE_YEARLY, RECUR_ABSOLUTE_MONTHLY);
}

/* ---- reading: range ---- */

/* The last day whose occurrence is not after UNTIL. */
static void read_range(struct reading *r, struct event_zone *zone, bool all_day,
                       int64_t start_local_ms)
{
    struct icaltimetype until = r->rule->until;
    int64_t ms;

    if (r->rule->count > 0) {
        r->out->range = RECUR_NUMBERED;
        r->out->count = r->rule->count;
        return;
    }
    if (icaltime_is_null_time(until)) {
        return;
    }
    r->out->range = RECUR_END_DATE;
    ms =
        ((civil_to_day(until.year, until.month, until.day) * 24 + until.hour) * 60 + until.minute) *
            INT64_C(60000) +
        until.second * INT64_C(1000);
    if (!until.is_date && !all_day) {
        ms = icaltime_is_utc(until) ? event_zone_local_ms(zone, ms) : ms;
        ms -= start_local_ms - day_of_ms(start_local_ms) * DAY_MS;
    }
    r->out->end_day_ms = day_of_ms(clamp_ms(ms)) * DAY_MS;
}

bool rrule_read(const struct icalrecurrencetype *rule, int64_t start_local_ms,
                struct event_zone *zone, bool all_day, struct recurrence *recurrence_r)
{
    int64_t day = day_of_ms(start_local_ms);
    struct recurrence recurrence = {.interval = rule->interval,
                                    .first_day_of_week =
                                        rule->week_start > 0 ? (int)rule->week_start - 1 : 1,
                                    .start_day_ms = day * DAY_MS};
    struct reading r = {rule, civil_from_day(day), weekday_of(day), &recurrence};
    bool ok = false;

    if (COUNT(rule->by_second) + COUNT(rule->by_minute) + COUNT(rule->by_hour) +
                COUNT(rule->by_year_day) + COUNT(rule->by_week_no) >
            0 ||
        rule->rscale != NULL) {
        return false;
    }
    switch (rule->freq) {
    case ICAL_DAILY_RECURRENCE: ok = read_daily(&r); break;
    case ICAL_WEEKLY_RECURRENCE: ok = read_weekly(&r); break;
    case ICAL_MONTHLY_RECURRENCE: ok = read_monthly(&r); break;
    case ICAL_YEARLY_RECURRENCE: ok = read_yearly(&r); break;
    default: break;
    }
    if (!ok) {
        return false;
    }
    read_range(&r, zone, all_day, start_local_ms);
    if (recurrence_check(&recurrence, NULL) < 0) {
        return false;
    }
    *recurrence_r = recurrence;
    return true;
}

/* ---- writing ---- */

static const char *const weekdays[] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

static void write_days(struct buf *out, unsigned days)
{
    const char *separator = "";

    for (size_t i = 0; i < ARRAY_LEN(weekdays); i++) {
        if ((days & 1u << i) != 0) {
            buf_add_cstr(out, separator);
            buf_add_cstr(out, weekdays[i]);
            separator = ",";
        }
    }
}

static void write_relative(struct buf *out, const struct recurrence *r)
{
    BUF_LIT(out, ";BYDAY=");
    if (__builtin_popcount(r->days) == 1) {
        buf_add_i64(out, r->week);
        write_days(out, r->days);
        return;
    }
    write_days(out, r->days);
    BUF_LIT(out, ";BYSETPOS=");
    buf_add_i64(out, r->week);
}

/* safe: as in read_month_day. */
static void write_month_day(struct buf *out, int day, int safe)
{
    if (day == 31 && safe < 31) {
        BUF_LIT(out, ";BYMONTHDAY=-1");
        return;
    }
    BUF_LIT(out, ";BYMONTHDAY=");
    for (int d = day > safe ? 28 : day; d <= day; d++) {
        buf_add_i64(out, d);
        buf_add_cstr(out, d < day ? "," : "");
    }
    buf_add_cstr(out, day > safe ? ";BYSETPOS=-1" : "");
}

static void write_pattern(struct buf *out, const struct recurrence *r)
{
    switch (r->pattern) {
    case RECUR_NONE:
    case RECUR_DAILY: break;
    case RECUR_WEEKLY:
        BUF_LIT(out, ";BYDAY=");
        write_days(out, r->days);
        break;
    case RECUR_ABSOLUTE_MONTHLY: write_month_day(out, r->day_of_month, 28); break;
    case RECUR_RELATIVE_MONTHLY: write_relative(out, r); break;
    case RECUR_ABSOLUTE_YEARLY:
        buf_printf(out, ";BYMONTH=%d", r->month);
        write_month_day(out, r->day_of_month, days_in_month(2001, r->month));
        break;
    case RECUR_RELATIVE_YEARLY:
        buf_printf(out, ";BYMONTH=%d", r->month);
        write_relative(out, r);
        break;
    }
}

static void write_until(struct buf *out, const struct recurrence *r, int64_t start_local_ms,
                        struct event_zone *zone, bool all_day)
{
    int64_t end = day_of_ms(clamp_ms(r->end_day_ms)) * DAY_MS;
    struct icaltimetype t;

    if (!all_day) {
        end += start_local_ms - day_of_ms(start_local_ms) * DAY_MS;
        end = event_zone_utc_ms(zone, end);
    }
    t = ical_time_of_ms(clamp_ms(end));
    buf_printf(out, ";UNTIL=%04d%02d%02d", t.year, t.month, t.day);
    if (!all_day) {
        buf_printf(out, "T%02d%02d%02dZ", t.hour, t.minute, t.second);
    }
}

void rrule_write(struct buf *out, const struct recurrence *r, int64_t start_local_ms,
                 struct event_zone *zone, bool all_day)
{
    static const char *const frequencies[] = {
        [RECUR_NONE] = "",
        [RECUR_DAILY] = "DAILY",
        [RECUR_WEEKLY] = "WEEKLY",
        [RECUR_ABSOLUTE_MONTHLY] = "MONTHLY",
        [RECUR_RELATIVE_MONTHLY] = "MONTHLY",
        [RECUR_ABSOLUTE_YEARLY] = "YEARLY",
        [RECUR_RELATIVE_YEARLY] = "YEARLY",
    };

    buf_printf(out, "FREQ=%s;INTERVAL=%d", frequencies[r->pattern], r->interval);
    write_pattern(out, r);
    if (r->first_day_of_week != 1) {
        buf_printf(out, ";WKST=%s", weekdays[r->first_day_of_week]);
    }
    if (r->range == RECUR_NUMBERED) {
        buf_printf(out, ";COUNT=%d", r->count);
    } else if (r->range == RECUR_END_DATE) {
        write_until(out, r, start_local_ms, zone, all_day);
    }
}
