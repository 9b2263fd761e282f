/* Random bytes fill what they are given; the seeded generator repeats itself. */
#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void bytes_fill_exactly(void **state)
{
    enum { N = 1000 };
    unsigned char b[N + 1] = {0};
    int zeros = 0;

    (void)state;
    b[N] = 0x5a;
    rand_bytes(b, N);
    assert_int_equal(b[N], 0x5a);
    for (int i = 0; i < N; i++) {
        zeros += b[i] == 0;
    }
    assert_true(zeros < 40); /* 4 are expected; 40 come once in the age of the universe */
    assert_true(rand_u64() != rand_u64());
}

static void guids_are_of_version_four(void **state)
{
    char a[GUID_TEXT_BYTES], b[GUID_TEXT_BYTES];

    (void)state;
    for (int i = 0; i < 100; i++) {
        rand_guid(a);
        rand_guid(b);
        assert_string_not_equal(a, b);
        assert_int_equal(strlen(a), 36);
        assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
        assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
        assert_int_equal(a[14], '4');
        assert_non_null(strchr("89ab", a[19]));
    }
}

static void seed_decides_the_sequence(void **state)
{
    struct prng a, b, c;
    int same = 0;

    (void)state;
    prng_seed(&a, 1);
    prng_seed(&b, 1);
    prng_seed(&c, 2);
    for (int i = 0; i < 100; i++) {
        uint64_t v = prng_next(&a);

        assert_true(v == prng_next(&b));
        same += v == prng_next(&c);
    }
    assert_int_equal(same, 0);
}

static void below_reaches_all_and_no_more(void **state)
{
    struct prng prng;
    int seen[7] = {0};

    (void)state;
    prng_seed(&prng, 3);
    for (int i = 0; i < 7000; i++) {
        uint64_t v = prng_below(&prng, 7);

        assert_true(v < 7);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(seen[i], 800, 1200);
    }
    assert_int_equal(prng_below(&prng, 1), 0);
    assert_true(prng_below(&prng, UINT64_MAX) < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_fill_exactly),
        cmocka_unit_test(guids_are_of_version_four),
        cmocka_unit_test(seed_decides_the_sequence),
        cmocka_unit_test(below_reaches_all_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
