#include "smtp/limits.h"
#include "smtp/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MINUTE_MS INT64_C(60000)

static void test_waits_double_up_to_an_hour(void **state)
{
    static const int64_t minutes[] = {1, 1, 2, 4, 8, 16, 32, 60, 60, 60};
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        assert_int_equal(schedule_next_ms(i, 1000, 0), 1000 + minutes[i] * MINUTE_MS);
    }
    assert_int_equal(schedule_next_ms(4000000000U, 1000, 0), 1000 + 60 * MINUTE_MS);
}

static void test_jitter_adds_up_to_an_eighth(void **state)
{
    int64_t least = INT64_MAX, most = 0;
    uint64_t random;

    (void)state;
    for (random = 0; random < 20000; random++) {
        int64_t at = schedule_next_ms(1, 0, random * UINT64_C(0x9E3779B97F4A7C15));

        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    assert_in_range(least, MINUTE_MS, MINUTE_MS + 10);
    assert_in_range(most, MINUTE_MS + MINUTE_MS / 8 - 10, MINUTE_MS + MINUTE_MS / 8);
    assert_in_range(schedule_next_ms(1, 0, UINT64_MAX), MINUTE_MS, MINUTE_MS + MINUTE_MS / 8);
}

static void test_it_gives_up_after_two_days_or_as_told(void **state)
{
    (void)state;
    assert_false(schedule_gives_up(5, 5 + SMTP_GIVE_UP_MS - 1, 0));
    assert_true(schedule_gives_up(5, 5 + SMTP_GIVE_UP_MS, 0));
    assert_true(schedule_gives_up(5, 15, 10));
    assert_false(schedule_gives_up(5, 14, 10));
    assert_false(schedule_gives_up(1000000, 0, 10)); /* the clock was set back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_double_up_to_an_hour),
        cmocka_unit_test(test_jitter_adds_up_to_an_eighth),
        cmocka_unit_test(test_it_gives_up_after_two_days_or_as_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
