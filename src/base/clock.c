#include "base/clock.h"

#include "base/limits.h"

#include <time.h>

#define MS_PER_DAY INT64_C(86400000)
#define MS_PER_MINUTE INT64_C(60000)
/* 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z */
#define TIME_LEAST_MS INT64_C(-62135596800000)
#define TIME_MOST_MS INT64_C(253402300799999)

static int64_t read_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_unix_ms(struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_monotonic_ms(struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_MONOTONIC);
}

struct clock *clock_system(void)
{
    static struct clock clock = {system_unix_ms, system_monotonic_ms, 0};

    return &clock;
}

static int64_t manual_unix_ms(struct clock *clock)
{
    return ((struct clock_manual *)clock)->now_unix_ms;
}

static int64_t manual_monotonic_ms(struct clock *clock)
{
    return ((struct clock_manual *)clock)->now_monotonic_ms;
}

void clock_manual_init(struct clock_manual *clock, int64_t unix_ms)
{
    *clock = (struct clock_manual){
        .base = {manual_unix_ms, manual_monotonic_ms, 0},
        .now_unix_ms = unix_ms,
    };
}

void clock_manual_advance(struct clock_manual *clock, int64_t ms)
{
    clock->now_unix_ms += ms;
    clock->now_monotonic_ms += ms;
}

/* Both go by the monotonic clock: the wall clock's jumps are not made larger. */
static int64_t scaled_since_start(const struct clock_scaled *clock)
{
    return (read_ms(CLOCK_MONOTONIC) - clock->start_monotonic_ms) * (int64_t)clock->base.rate;
}

static int64_t scaled_unix_ms(struct clock *clock)
{
    const struct clock_scaled *scaled = (const struct clock_scaled *)clock;

    return scaled->start_unix_ms + scaled_since_start(scaled);
}

static int64_t scaled_monotonic_ms(struct clock *clock)
{
    const struct clock_scaled *scaled = (const struct clock_scaled *)clock;

    return scaled->start_monotonic_ms + scaled_since_start(scaled);
}

void clock_scaled_init(struct clock_scaled *clock, unsigned rate)
{
    *clock = (struct clock_scaled){
        .base = {scaled_unix_ms, scaled_monotonic_ms, rate},
        .start_unix_ms = read_ms(CLOCK_REALTIME),
        .start_monotonic_ms = read_ms(CLOCK_MONOTONIC),
    };
}

int64_t clock_real_ms(const struct clock *clock, int64_t ms)
{
    return clock->rate == 0 ? ms : (ms + (int64_t)clock->rate - 1) / (int64_t)clock->rate;
}

/*
 * Days are counted in eras of 400 years of 146097 days, in years that begin on 1 March: the leap
 * day then is the last of its year and months have the lengths of a fixed pattern.
 */
int64_t time_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned year_of_era = (unsigned)(y - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + (int64_t)day_of_era - 719468;
}

struct civil {
    unsigned year, month, day;
};

/* For days from year 1 on. */
static struct civil civil_from_days(int64_t days)
{
    uint64_t d = (uint64_t)(days + 719468);
    unsigned era = (unsigned)(d / 146097);
    unsigned doe = (unsigned)(d % 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;

    return (struct civil){
        .year = yoe + era * 400 + (month <= 2 ? 1 : 0),
        .month = month,
        .day = doy - (153 * mp + 2) / 5 + 1,
    };
}

/* Writes digits and, unless 0, the character that follows. */
static char *put_number(char *out, unsigned v, int digits, char then)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + v % 10);
        v /= 10;
    }
    out += digits;
    if (then != 0) {
        *out++ = then;
    }
    return out;
}

size_t time_format(int64_t unix_ms, bool millis, char out[static TIME_TEXT_BYTES])
{
    int64_t days;
    unsigned ms;
    struct civil date;
    char *p = out;

    unix_ms = unix_ms < TIME_LEAST_MS ? TIME_LEAST_MS : unix_ms;
    unix_ms = unix_ms > TIME_MOST_MS ? TIME_MOST_MS : unix_ms;
    days = (unix_ms - TIME_LEAST_MS) / MS_PER_DAY + TIME_LEAST_MS / MS_PER_DAY;
    ms = (unsigned)(unix_ms - days * MS_PER_DAY);
    date = civil_from_days(days);
    p = put_number(p, date.year, 4, '-');
    p = put_number(p, date.month, 2, '-');
    p = put_number(p, date.day, 2, 'T');
    p = put_number(p, ms / 3600000, 2, ':');
    p = put_number(p, ms / 60000 % 60, 2, ':');
    p = put_number(p, ms / 1000 % 60, 2, millis ? '.' : 'Z');
    if (millis) {
        p = put_number(p, ms % 1000, 3, 'Z');
    }
    return (size_t)(p - out);
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c) {
        return false;
    }
    *s = str_sub(*s, 1, SIZE_MAX);
    return true;
}

/* Exactly that many digits. */
static bool take_number(struct str *s, size_t digits, unsigned *v_r)
{
    uint64_t v;

    if (s->n < digits || !str_to_u64(str_sub(*s, 0, digits), &v)) {
        return false;
    }
    *s = str_sub(*s, digits, SIZE_MAX);
    *v_r = (unsigned)v;
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(struct str *s, int64_t *days_r)
{
    unsigned year, month, day;

    if (!take_number(s, 4, &year) || !take_char(s, '-') || !take_number(s, 2, &month) ||
        !take_char(s, '-') || !take_number(s, 2, &day)) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return false;
    }
    *days_r = time_days_from_civil(year, month, day);
    return true;
}

/* .digits if there; milliseconds, the rest cut off. *any_r: whether it is more than zero. */
static bool take_fraction(struct str *s, unsigned *ms_r, bool *any_r)
{
    unsigned scale = 100;
    size_t n = 0;

    *ms_r = 0;
    *any_r = false;
    if (!take_char(s, '.')) {
        return true;
    }
    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        *ms_r += (unsigned)(s->p[n] - '0') * scale;
        *any_r = *any_r || s->p[n] != '0';
        scale /= 10;
    }
    *s = str_sub(*s, n, SIZE_MAX);
    return n > 0;
}

static bool take_time(struct str *s, int64_t *ms_r)
{
    unsigned hour, minute, second, ms;
    bool has_fraction;

    if (!take_number(s, 2, &hour) || !take_char(s, ':') || !take_number(s, 2, &minute) ||
        !take_char(s, ':') || !take_number(s, 2, &second) ||
        !take_fraction(s, &ms, &has_fraction)) {
        return false;
    }
    if (hour > 24 || minute > 59 || second > 59 ||
        (hour == 24 && (minute != 0 || second != 0 || has_fraction))) {
        return false;
    }
    *ms_r = ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + ms;
    return true;
}

/* Z, an offset, or nothing: what is to be the end of the text. */
static bool take_zone(struct str s, int *offset_minutes)
{
    int sign = 1;
    unsigned hours, minutes;

    if (s.n == 0) {
        return true;
    }
    if (take_char(&s, 'Z')) {
        *offset_minutes = 0;
        return s.n == 0;
    }
    if (take_char(&s, '-')) {
        sign = -1;
    } else if (!take_char(&s, '+')) {
        return false;
    }
    if (!take_number(&s, 2, &hours) || !take_char(&s, ':') || !take_number(&s, 2, &minutes) ||
        s.n != 0 || minutes > 59 || hours * 60 + minutes > TIME_MAX_OFFSET_MINUTES) {
        return false;
    }
    *offset_minutes = sign * (int)(hours * 60 + minutes);
    return true;
}

bool time_parse_any(struct str text, bool *zoned_r, int64_t *unix_ms_r)
{
    int64_t days;
    int64_t ms = 0;
    int offset_minutes = 0;

    if (!take_date(&text, &days)) {
        return false;
    }
    if (take_char(&text, 'T') && !take_time(&text, &ms)) {
        return false;
    }
    if (!take_zone(text, &offset_minutes)) {
        return false;
    }
    *zoned_r = text.n != 0;
    *unix_ms_r = days * MS_PER_DAY + ms - offset_minutes * MS_PER_MINUTE;
    return true;
}

bool time_parse(struct str text, int default_offset_minutes, int64_t *unix_ms_r)
{
    bool zoned = false;
    int64_t ms;

    if (!time_parse_any(text, &zoned, &ms)) {
        return false;
    }
    *unix_ms_r = zoned ? ms : ms - default_offset_minutes * MS_PER_MINUTE;
    return true;
}
