#include "ews/aqs.h"

#include "base/clock.h"
#include "base/macros.h"
#include "ews/zones.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define SECOND_MS 1000

/* A day of the calendar, or the first one of a month or year. */
struct civil {
    int64_t year;
    unsigned month, day;
};

static int64_t days_of(struct civil c)
{
    return time_days_from_civil(c.year, c.month, c.day);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static struct civil civil_of(int64_t days)
{
    char text[TIME_TEXT_BYTES];
    uint64_t year = 1970, month = 1, day = 1;

    (void)time_format(days * DAY_MS, false, text);
    (void)str_to_u64(str_of(text, 4), &year);
    (void)str_to_u64(str_of(text + 5, 2), &month);
    (void)str_to_u64(str_of(text + 8, 2), &day);
    return (struct civil){(int64_t)year, (unsigned)month, (unsigned)day};
}

static struct civil add_months(struct civil c, int64_t months)
{
    int64_t all = c.year * 12 + c.month - 1 + months;

    return (struct civil){floor_div(all, 12), (unsigned)(all - floor_div(all, 12) * 12) + 1, 1};
}

/* Days since 1970, up to, without. */
struct days {
    int64_t from, to;
};

static struct days months(struct civil first, int64_t n)
{
    return (struct days){days_of(first), days_of(add_months(first, n))};
}

/* ---- named spans ---- */

static struct days this_week(int64_t today)
{
    int64_t sunday =
        today - (today + 4 - floor_div(today + 4, 7) * 7); /* 1970 began on a Thursday */

    return (struct days){sunday, sunday + 7};
}

static bool named_span(struct str text, int64_t today, struct days *days_r)
{
    struct civil now = civil_of(today);
    struct civil month = {now.year, now.month, 1}, year = {now.year, 1, 1};
    struct days week = this_week(today);
    const struct {
        const char *name;
        struct days days;
    } spans[] = {
        {"today", {today, today + 1}},
        {"yesterday", {today - 1, today}},
        {"tomorrow", {today + 1, today + 2}},
        {"this week", week},
        {"last week", {week.from - 7, week.from}},
        {"next week", {week.to, week.to + 7}},
        {"this month", months(month, 1)},
        {"last month", months(add_months(month, -1), 1)},
        {"next month", months(add_months(month, 1), 1)},
        {"this year", months(year, 12)},
        {"last year", months(add_months(year, -12), 12)},
        {"next year", months(add_months(year, 12), 12)},
    };

    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        if (str_is_nocase(text, spans[i].name)) {
            *days_r = spans[i].days;
            return true;
        }
    }
    return false;
}

/* ---- written dates ---- */

static bool is_day(struct civil c)
{
    return c.year >= 1 && c.year <= 9999 && c.month >= 1 && c.month <= 12 && c.day >= 1 &&
           days_of(c) < days_of(add_months((struct civil){c.year, c.month, 1}, 1));
}

/* Numbers with a separator between; how many there are. */
static size_t numbers_of(struct str text, char separator, uint64_t numbers[static 3])
{
    size_t n = 0;

    while (text.p != NULL) {
        struct str digits = str_split(&text, separator);

        if (n == 3 || digits.n > 4 || !str_to_u64(digits, &numbers[n])) {
            return 0;
        }
        n++;
    }
    return n;
}

/* 2024, 2024-01, 2024-01-31; 1/31/2024. */
static bool written_span(struct str text, struct days *days_r)
{
    uint64_t v[3] = {0, 1, 1};
    size_t n = numbers_of(text, '-', v);
    struct civil c = {(int64_t)v[0], (unsigned)v[1], (unsigned)v[2]};

    if (n == 0 && numbers_of(text, '/', v) == 3) {
        c = (struct civil){(int64_t)v[2], (unsigned)v[0], (unsigned)v[1]};
        n = 3;
    }
    if (n == 0 || c.year < 1000 || !is_day(c)) {
        return false;
    }
    *days_r = n == 3 ? (struct days){days_of(c), days_of(c) + 1} : months(c, n == 2 ? 1 : 12);
    return true;
}

bool aqs_span_parse(struct str text, int64_t now_ms, const struct zone_context *zone,
                    struct aqs_span *span_r)
{
    int64_t today = floor_div(zone_context_local_ms(zone, now_ms), DAY_MS), instant;
    struct days days;

    if (named_span(text, today, &days) || written_span(text, &days)) {
        *span_r = (struct aqs_span){zone_context_utc_ms(zone, days.from * DAY_MS),
                                    zone_context_utc_ms(zone, days.to * DAY_MS)};
        return true;
    }
    if (zone_context_time(zone, text, &instant)) {
        *span_r = (struct aqs_span){instant, instant + SECOND_MS};
        return true;
    }
    return false;
}
