/* Buffers: appending, growing, numbers; and the varints read back, or refused. */
#include "base/buf.h"

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void appended_bytes_stay(void **state)
{
    struct buf b = BUF_INIT;
    char *p;
    size_t n;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        buf_add_char(&b, (char)i);
        BUF_LIT(&b, "ab");
        buf_add_cstr(&b, "");
        buf_add_str(&b, STR_NULL);
    }
    assert_int_equal(b.n, 15000);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(b.p[3 * i], (char)i);
        assert_memory_equal(b.p + 3 * i + 1, "ab", 2);
    }
    buf_steal(&b, &p, &n);
    assert_int_equal(n, 15000);
    assert_null(b.p);
    assert_int_equal(b.cap, 0);
    free(p);
    buf_fini(&b);
}

static void numbers_are_written(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_add_u64(&b, 0);
    BUF_LIT(&b, " ");
    buf_add_u64(&b, UINT64_MAX);
    BUF_LIT(&b, " ");
    buf_add_i64(&b, INT64_MIN);
    BUF_LIT(&b, " ");
    buf_add_i64(&b, -1);
    BUF_LIT(&b, " ");
    buf_add_i64(&b, INT64_MAX);
    buf_printf(&b, " %s%04d", "x", 42);
    assert_true(str_is(buf_str(&b), "0 18446744073709551615 -9223372036854775808 -1 "
                                    "9223372036854775807 x0042"));
    buf_fini(&b);
}

static void printf_grows(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_printf(&b, "%1000d", 1);
    buf_printf(&b, "%1000d", 2);
    assert_int_equal(b.n, 2000);
    assert_int_equal(b.p[999], '1');
    assert_int_equal(b.p[1999], '2');
    buf_fini(&b);
}

static void varints_read_back(void **state)
{
    struct prng prng;

    (void)state;
    prng_seed(&prng, 3);
    for (int i = 0; i < 20000; i++) {
        struct buf b = BUF_INIT;
        uint64_t v = prng_next(&prng) >> prng_below(&prng, 64);
        int64_t z = (int64_t)prng_next(&prng) >> prng_below(&prng, 64);
        uint64_t v_back = 0;
        int64_t z_back = 0;
        struct str s;

        buf_add_varint(&b, v);
        buf_add_zigzag(&b, z);
        s = buf_str(&b);
        assert_true(str_take_varint(&s, &v_back));
        assert_true(str_take_zigzag(&s, &z_back));
        assert_int_equal(s.n, 0);
        assert_true(v_back == v);
        assert_true(z_back == z);
        s = str_sub(buf_str(&b), 0, b.n - 1);
        assert_true(str_take_varint(&s, &v_back));
        assert_false(str_take_zigzag(&s, &z_back));
        buf_fini(&b);
    }
}

static void bad_varints_are_refused(void **state)
{
    static const struct str bad[] = {
        STR_INIT(""),
        STR_INIT("\x80"),
        STR_INIT("\xff\xff"),
        STR_INIT("\x80\x00"), /* a longer form of 0 */
        STR_INIT("\xff\x80\x00"),
        STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), /* 2^64 */
        STR_INIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str s = bad[i];
        uint64_t v = 7;

        assert_false(str_take_varint(&s, &v));
        assert_ptr_equal(s.p, bad[i].p);
        assert_int_equal(s.n, bad[i].n);
        assert_int_equal(v, 7);
    }
}

static void counted_bytes_are_taken(void **state)
{
    struct str s = STR("\x03"
                       "abcd");
    struct str v = STR_NULL;

    (void)state;
    assert_true(str_take_bytes(&s, &v));
    assert_true(str_is(v, "abc"));
    assert_true(str_is(s, "d"));
    s = STR("\x05"
            "abcd");
    assert_false(str_take_bytes(&s, &v));
    assert_int_equal(s.n, 5);
    s = STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
            "a");
    assert_false(str_take_bytes(&s, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_bytes_stay),
        cmocka_unit_test(numbers_are_written),
        cmocka_unit_test(printf_grows),
        cmocka_unit_test(varints_read_back),
        cmocka_unit_test(bad_varints_are_refused),
        cmocka_unit_test(counted_bytes_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
