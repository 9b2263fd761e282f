/* Slices: comparing, finding, splitting, numbers. */
#include "base/str.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void slices_compare(void **state)
{
    (void)state;
    assert_true(str_eq(STR(""), STR_NULL));
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_is_nocase(STR("aBc"), "AbC"));
    assert_false(str_is_nocase(STR("a["), "a{"));
    assert_false(str_is_nocase(STR("ab"), "abc"));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR(""), STR_NULL) == 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_true(str_cmp_nocase(STR("B"), STR("a")) > 0);
    assert_true(str_cmp_nocase(STR("Ab"), STR("aB")) == 0);
    assert_true(str_cmp_nocase(STR("\xff"), STR("a")) > 0);
}

static void fronts_and_ends_are_seen(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("abc"), STR("abcd")));
    assert_false(str_starts(STR("Abc"), STR("ab")));
    assert_true(str_starts_nocase(STR("Abc"), STR("aB")));
    assert_true(str_ends_nocase(STR("Abc"), STR("BC")));
    assert_false(str_ends_nocase(STR("bc"), STR("abc")));
}

static void needles_are_found(void **state)
{
    struct str s = STR("Abcabc");

    (void)state;
    assert_int_equal(str_find(s, STR("bc"), 0), 1);
    assert_int_equal(str_find(s, STR("bc"), 2), 4);
    assert_true(str_find(s, STR("bc"), 5) == SIZE_MAX);
    assert_true(str_find(s, STR("bc"), 100) == SIZE_MAX);
    assert_int_equal(str_find(s, STR(""), 6), 6);
    assert_int_equal(str_find_nocase(s, STR("aBC"), 0), 0);
    assert_int_equal(str_find_nocase(s, STR("aBC"), 1), 3);
    assert_true(str_find_nocase(s, STR("abcd"), 0) == SIZE_MAX);
    assert_int_equal(str_find_char(s, 'c', 3), 5);
    assert_true(str_find_char(s, 'c', 6) == SIZE_MAX);
    assert_true(str_find_char(STR_NULL, 'c', 0) == SIZE_MAX);
}

static void parts_are_clamped(void **state)
{
    struct str s = STR("abc");

    (void)state;
    assert_true(str_is(str_sub(s, 1, SIZE_MAX), "bc"));
    assert_true(str_is(str_sub(s, 1, 1), "b"));
    assert_int_equal(str_sub(s, 9, 1).n, 0);
    assert_int_equal(str_sub(STR_NULL, 1, 1).n, 0);
    assert_true(str_is(str_trim(STR("\t a b\r\n")), "a b"));
    assert_int_equal(str_trim(STR(" \n ")).n, 0);
}

static void splitting_visits_every_part(void **state)
{
    struct str rest = STR("a,,b,");

    (void)state;
    assert_true(str_is(str_split(&rest, ','), "a"));
    assert_true(str_is(str_split(&rest, ','), ""));
    assert_true(str_is(str_split(&rest, ','), "b"));
    assert_non_null(rest.p);
    assert_true(str_is(str_split(&rest, ','), ""));
    assert_null(rest.p);
}

static void whole_numbers_are_read(void **state)
{
    static const char *const bad_u64[] = {"", "-1", "+1", "1 ", " 1", "1a", "18446744073709551616"};
    static const char *const bad_i64[] = {
        "", "-", "+", "--1", "9223372036854775808", "-9223372036854775809"};
    static const char *const bad_hex[] = {"", "0x1", "g", "10000000000000000"};
    uint64_t u = 7;
    int64_t i = 7;

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(bad_u64); k++) {
        assert_false(str_to_u64(str_from(bad_u64[k]), &u));
    }
    for (size_t k = 0; k < ARRAY_LEN(bad_i64); k++) {
        assert_false(str_to_i64(str_from(bad_i64[k]), &i));
    }
    for (size_t k = 0; k < ARRAY_LEN(bad_hex); k++) {
        assert_false(str_to_hex_u64(str_from(bad_hex[k]), &u));
    }
    assert_int_equal(u, 7);
    assert_int_equal(i, 7);
    assert_true(str_to_u64(STR("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_true(str_to_u64(STR("000000000000000000000012"), &u) && u == 12);
    assert_true(str_to_i64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(str_to_i64(STR("+5"), &i) && i == 5);
    assert_true(str_to_hex_u64(STR("0fFffFFFFffffffff"), &u) && u == UINT64_MAX);
}

static void copies_are_terminated(void **state)
{
    AUTO(arena) arena = arena_new(NULL, "test");

    (void)state;
    assert_string_equal(str_cstr(arena, STR("abc")), "abc");
    assert_string_equal(str_cstr(arena, STR_NULL), "");
    assert_null(str_dup(arena, STR_NULL).p);
    assert_non_null(str_dup(arena, STR("")).p);
    assert_true(str_is(str_dup(arena, STR("abc")), "abc"));
    assert_true(str_is(str_lower(arena, STR("A[Z\xc3\x84")), "a[z\xc3\x84"));
    assert_true(str_is(str_printf(arena, "%d%s", 1, "x"), "1x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare),
        cmocka_unit_test(fronts_and_ends_are_seen),
        cmocka_unit_test(needles_are_found),
        cmocka_unit_test(parts_are_clamped),
        cmocka_unit_test(splitting_visits_every_part),
        cmocka_unit_test(whole_numbers_are_read),
        cmocka_unit_test(copies_are_terminated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
