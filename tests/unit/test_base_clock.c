/* Time texts are exact: against the C library, at the edges, and back again. */
#include "base/clock.h"

#include "base/rand.h"

#include <stdio.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEAST_MS INT64_C(-62135596800000)
#define MOST_MS INT64_C(253402300799999)

static void expect_text(int64_t ms, bool millis, const char *text)
{
    char out[TIME_TEXT_BYTES];

    assert_true(str_is(str_of(out, time_format(ms, millis, out)), text));
}

static int64_t parsed(const char *text)
{
    int64_t ms = INT64_MIN;

    if (!time_parse(str_from(text), 0, &ms)) {
        fail_msg("not read: %s", text);
    }
    return ms;
}

static void texts_are_written(void **state)
{
    (void)state;
    expect_text(0, false, "1970-01-01T00:00:00Z");
    expect_text(-1, false, "1969-12-31T23:59:59Z");
    expect_text(-1, true, "1969-12-31T23:59:59.999Z");
    expect_text(1154539800123, true, "2006-08-02T17:30:00.123Z");
    expect_text(LEAST_MS, true, "0001-01-01T00:00:00.000Z");
    expect_text(MOST_MS, true, "9999-12-31T23:59:59.999Z");
    expect_text(INT64_MIN, true, "0001-01-01T00:00:00.000Z");
    expect_text(INT64_MAX, true, "9999-12-31T23:59:59.999Z");
}

static void random_times_read_back(void **state)
{
    struct prng prng;

    (void)state;
    prng_seed(&prng, 5);
    for (int i = 0; i < 200000; i++) {
        int64_t ms = LEAST_MS + (int64_t)prng_below(&prng, (uint64_t)(MOST_MS - LEAST_MS) + 1);
        int offset = (int)prng_below(&prng, 1681) - 840;
        char text[TIME_TEXT_BYTES + 16];
        size_t n = time_format(ms, true, text);
        int64_t back = 0;

        assert_true(time_parse(str_of(text, n), 77, &back));
        assert_true(back == ms);
        /* the same digits, read in another zone */
        assert_true(time_parse(str_of(text, n - 1), offset, &back));
        assert_true(back == ms - offset * INT64_C(60000));
        snprintf(text + n - 1, 16, "%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 60,
                 abs(offset) % 60);
        assert_true(time_parse(str_from(text), 77, &back));
        assert_true(back == ms - offset * INT64_C(60000));
    }
}

static void dates_agree_with_the_c_library(void **state)
{
    struct prng prng;

    (void)state;
    prng_seed(&prng, 6);
    for (int i = 0; i < 50000; i++) {
        time_t t = (time_t)(LEAST_MS / 1000 + (int64_t)prng_below(&prng, 315537897600));
        struct tm tm;
        char ours[TIME_TEXT_BYTES], theirs[64];
        size_t n = time_format((int64_t)t * 1000, false, ours);

        assert_non_null(gmtime_r(&t, &tm));
        snprintf(theirs, sizeof(theirs), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_true(str_is(str_of(ours, n), theirs));
        assert_true(
            time_days_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday) *
                    86400 +
                tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec ==
            (int64_t)t);
    }
}

static void forms_of_xs_datetime_are_read(void **state)
{
    int64_t ms = 0;

    (void)state;
    assert_true(parsed("2006-08-02T17:30:00Z") == 1154539800000);
    assert_true(parsed("2006-08-02T17:30:00.1Z") == 1154539800100);
    assert_true(parsed("2006-08-02T17:30:00.1239999999999999999999999Z") == 1154539800123);
    assert_true(parsed("2006-08-02T24:00:00.000Z") == parsed("2006-08-03T00:00:00Z"));
    assert_true(parsed("2004-12-31T24:00:00Z") == parsed("2005-01-01T00:00:00Z"));
    assert_true(parsed("2006-08-02T17:30:00+14:00") == 1154539800000 - 840 * 60000);
    assert_true(parsed("2006-08-02T17:30:00-14:00") == 1154539800000 + 840 * 60000);
    assert_true(parsed("2006-08-02T17:30:00-00:30") == 1154539800000 + 30 * 60000);
    assert_true(parsed("2006-08-02") == parsed("2006-08-02T00:00:00Z"));
    assert_true(parsed("2006-08-02Z") == parsed("2006-08-02T00:00:00Z"));
    assert_true(parsed("2006-08-02+02:00") == parsed("2006-08-01T22:00:00Z"));
    assert_true(parsed("2000-02-29T00:00:00Z") == 951782400000);
    assert_true(time_parse(STR("2006-08-02"), 60, &ms));
    assert_true(ms == parsed("2006-08-01T23:00:00Z"));
}

static void anything_else_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "2006",
                                      "2006-08",
                                      "2006-8-02",
                                      "06-08-02",
                                      "0000-01-01",
                                      "-2006-08-02",
                                      "12006-08-02",
                                      "2006-00-02",
                                      "2006-13-02",
                                      "2006-08-00",
                                      "2006-08-32",
                                      "2006-02-29",
                                      "1900-02-29",
                                      "2006-08-02T",
                                      "2006-08-02T17",
                                      "2006-08-02T17:30",
                                      "2006-08-02 17:30:00Z",
                                      "2006-08-02t17:30:00Z",
                                      "2006-08-02T17:30:00z",
                                      "2006-08-02T25:00:00Z",
                                      "2006-08-02T24:00:01Z",
                                      "2006-08-02T24:00:00.0001Z",
                                      "2006-08-02T17:60:00Z",
                                      "2006-08-02T17:30:60Z",
                                      "2006-08-02T17:30:00.Z",
                                      "2006-08-02T17:30:00,5Z",
                                      "2006-08-02T17:30:00+14:01",
                                      "2006-08-02T17:30:00+15:00",
                                      "2006-08-02T17:30:00+01:60",
                                      "2006-08-02T17:30:00+1:00",
                                      "2006-08-02T17:30:00+0100",
                                      "2006-08-02T17:30:00+01",
                                      "2006-08-02T17:30:00Zx",
                                      "2006-08-02T17:30:00+01:00x",
                                      " 2006-08-02",
                                      "2006-08-02T+7:30:00Z"};
    int64_t ms = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (time_parse(str_from(bad[i]), 0, &ms)) {
            fail_msg("read: %s", bad[i]);
        }
    }
    assert_int_equal(ms, 7);
}

static void manual_clock_moves_by_hand(void **state)
{
    struct clock_manual manual;

    (void)state;
    clock_manual_init(&manual, 1000);
    assert_int_equal(clock_unix_ms(&manual.base), 1000);
    assert_int_equal(clock_monotonic_ms(&manual.base), 0);
    clock_manual_advance(&manual, 5);
    assert_int_equal(clock_unix_ms(&manual.base), 1005);
    assert_int_equal(clock_monotonic_ms(&manual.base), 5);
}

static void system_clock_is_of_this_age(void **state)
{
    (void)state;
    assert_true(clock_unix_ms(clock_system()) > parsed("2023-01-01"));
    assert_true(clock_unix_ms(clock_system()) < parsed("2200-01-01"));
    assert_true(clock_monotonic_ms(clock_system()) <= clock_monotonic_ms(clock_system()));
}

static void a_scaled_clock_goes_faster_and_sleeps_are_shorter(void **state)
{
    struct clock_scaled clock;
    int64_t real_ms, then_ms;

    (void)state;
    clock_scaled_init(&clock, 1000);
    real_ms = clock_monotonic_ms(clock_system());
    then_ms = clock_monotonic_ms(&clock.base);
    while (clock_monotonic_ms(clock_system()) - real_ms < 3) {
    }
    assert_true(clock_monotonic_ms(&clock.base) - then_ms >= 2000);
    assert_true(clock_unix_ms(&clock.base) - clock_unix_ms(clock_system()) >= 2000);
    assert_int_equal(clock_real_ms(&clock.base, 5001), 6);
    assert_int_equal(clock_real_ms(clock_system(), 5001), 5001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scaled_clock_goes_faster_and_sleeps_are_shorter),
        cmocka_unit_test(texts_are_written),
        cmocka_unit_test(random_times_read_back),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(forms_of_xs_datetime_are_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(manual_clock_moves_by_hand),
        cmocka_unit_test(system_clock_is_of_this_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
