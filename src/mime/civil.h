/* Days since 1970-01-01 and their dates in the Gregorian calendar. Callers: the event files. */
#ifndef MIME_CIVIL_H
#define MIME_CIVIL_H

#include "base/clock.h"

#include <stdint.h>

#define DAY_MS INT64_C(86400000)

struct civil {
    int year, month, day;
};

static inline int64_t civil_to_day(int year, int month, int day)
{
    return time_days_from_civil(year, (unsigned)month, (unsigned)day);
}

/* Howard Hinnant's way: years begin in March, eras have 400 of them. */
static inline struct civil civil_from_day(int64_t day)
{
    int64_t z = day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);

    return (struct civil){(int)(yoe + era * 400 + (month <= 2)), month,
                          (int)(doy - (153 * mp + 2) / 5 + 1)};
}

static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static inline int64_t day_of_ms(int64_t ms)
{
    return floor_div(ms, DAY_MS);
}

/* 0 Sunday. */
static inline int weekday_of(int64_t day)
{
    return (int)(day + 4 - floor_div(day + 4, 7) * 7);
}

static inline int days_in_month(int year, int month)
{
    return (int)(civil_to_day(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
                 civil_to_day(year, month, 1));
}

#endif
