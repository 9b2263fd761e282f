/*
 * Time, passed in so that tests can move it, and its RFC 3339 / xs:dateTime text form.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct clock {
    int64_t (*unix_ms)(struct clock *clock);      /* wall clock, milliseconds since 1970 UTC */
    int64_t (*monotonic_ms)(struct clock *clock); /* never goes back; for deadlines */
    unsigned rate; /* so many times faster than real time; 0: as real time, or by hand */
};

struct clock *clock_system(void);

struct clock_manual {
    struct clock base;
    int64_t now_unix_ms;
    int64_t now_monotonic_ms;
};
void clock_manual_init(struct clock_manual *clock, int64_t unix_ms);
void clock_manual_advance(struct clock_manual *clock, int64_t ms);

/* Real time from now on, but faster: so that tests of programs see long times pass. */
struct clock_scaled {
    struct clock base;
    int64_t start_unix_ms, start_monotonic_ms;
};
void clock_scaled_init(struct clock_scaled *clock, unsigned rate);
/* How long a thread must really sleep for so much of the clock's time; rounded up. */
int64_t clock_real_ms(const struct clock *clock, int64_t ms);

static inline int64_t clock_unix_ms(struct clock *clock)
{
    return clock->unix_ms(clock);
}

static inline int64_t clock_monotonic_ms(struct clock *clock)
{
    return clock->monotonic_ms(clock);
}

#define TIME_TEXT_BYTES 32
/* Writes 2006-08-02T17:30:00Z (with .mmm when millis) to out without terminator; returns its
 * length. Years 1..9999 are clamped. */
size_t time_format(int64_t unix_ms, bool millis, char out[static TIME_TEXT_BYTES]);
/* xs:dateTime with Z, an offset, or neither (then default_offset_minutes east of UTC applies);
 * also xs:date with optional zone. False on anything else. */
bool time_parse(struct str text, int default_offset_minutes, int64_t *unix_ms_r);
/* The same; *zoned_r false: it names no zone, and *unix_ms_r is as if that were UTC. */
bool time_parse_any(struct str text, bool *zoned_r, int64_t *unix_ms_r);
/* Proleptic Gregorian days since 1970-01-01. */
int64_t time_days_from_civil(int64_t year, unsigned month, unsigned day);

#endif
