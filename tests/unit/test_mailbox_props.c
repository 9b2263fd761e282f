#include "base/buf.h"
#include "mailbox/limits.h"
#include "mailbox/props.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_every_type_comes_back(void **state)
{
    const struct prop_addr from[] = {{STR_INIT("Ann"), STR_INIT("ann@example.com")},
                                     {STR_INIT(""), STR_INIT("b@example.com")}};
    const struct str categories[] = {STR_INIT("red"), STR_INIT("blue")};
    struct buf b = BUF_INIT;
    struct props_writer w;
    struct prop_addr addr;
    struct props p;
    struct str rest, text;

    (void)state;
    props_begin(&w, &b);
    props_add_text(&w, IPROP_SUBJECT, STR("Hello"));
    props_add_int(&w, IPROP_SENSITIVITY, 0);
    props_add_int(&w, IPROP_SENT, INT64_MIN);
    props_add_int(&w, IPROP_CREATED, INT64_MAX);
    props_add_addrs(&w, IPROP_FROM, from, ARRAY_LEN(from));
    props_add_bytes(&w, IPROP_CONVERSATION_INDEX, STR("\0\xff"));
    props_add_texts(&w, IPROP_CATEGORIES, categories, ARRAY_LEN(categories));

    assert_true(props_open(&p, buf_str(&b)));
    assert_true(str_is(p.v[IPROP_SUBJECT], "Hello"));
    assert_int_equal(props_int(&p, IPROP_SENSITIVITY, 7), 0);
    assert_true(props_int(&p, IPROP_SENT, 0) == INT64_MIN);
    assert_true(props_int(&p, IPROP_CREATED, 0) == INT64_MAX);
    assert_true(str_eq(p.v[IPROP_CONVERSATION_INDEX], STR("\0\xff")));
    rest = p.v[IPROP_FROM];
    assert_true(props_next_addr(&rest, &addr));
    assert_true(str_is(addr.name, "Ann") && str_is(addr.address, "ann@example.com"));
    assert_true(props_next_addr(&rest, &addr));
    assert_true(addr.name.n == 0 && str_is(addr.address, "b@example.com"));
    assert_false(props_next_addr(&rest, &addr));
    rest = p.v[IPROP_CATEGORIES];
    assert_true(props_next_text(&rest, &text) && str_is(text, "red"));
    assert_true(props_next_text(&rest, &text) && str_is(text, "blue"));
    assert_false(props_next_text(&rest, &text));
    buf_fini(&b);
}

static void test_what_is_empty_is_left_out(void **state)
{
    struct buf b = BUF_INIT;
    struct props_writer w;
    struct props p;

    (void)state;
    props_begin(&w, &b);
    props_add_text(&w, IPROP_SUBJECT, STR(""));
    props_add_addrs(&w, IPROP_FROM, NULL, 0);
    props_add_bytes(&w, IPROP_CONVERSATION_INDEX, STR_NULL);
    props_add_texts(&w, IPROP_CATEGORIES, NULL, 0);
    assert_int_equal(b.n, 1);
    assert_true(props_open(&p, buf_str(&b)));
    assert_false(props_has(&p, IPROP_SUBJECT));
    assert_int_equal(props_int(&p, IPROP_IMPORTANCE, 1), 1);
    assert_true(props_open(&p, STR("")));
    assert_false(props_has(&p, IPROP_SUBJECT));
    buf_fini(&b);
}

static void test_long_text_is_cut_on_a_code_point(void **state)
{
    struct buf text = BUF_INIT, b = BUF_INIT;
    struct props_writer w;
    struct props p;

    (void)state;
    buf_add_char(&text, 'x');
    while (text.n < PROP_TEXT_BYTES + 10) {
        BUF_LIT(&text, "\xe2\x82\xac");
    }
    props_begin(&w, &b);
    props_add_text(&w, IPROP_SUBJECT, buf_str(&text));
    assert_true(props_open(&p, buf_str(&b)));
    assert_true(p.v[IPROP_SUBJECT].n <= PROP_TEXT_BYTES &&
                p.v[IPROP_SUBJECT].n > PROP_TEXT_BYTES - 3);
    assert_int_equal((p.v[IPROP_SUBJECT].n - 1) % 3, 0);
    buf_fini(&text);
    buf_fini(&b);
}

static void test_unknown_numbers_are_skipped(void **state)
{
    struct props p;

    (void)state;
    assert_true(props_open(&p, STR("\x01"
                                   "\x01\x01"
                                   "a"
                                   "\x26\x02"
                                   "xy"
                                   "\x27\x01"
                                   "z"
                                   "\xff\x7f\x01"
                                   "q")));
    assert_true(str_is(p.v[IPROP_SUBJECT], "a"));
}

static void test_damaged_records_are_told(void **state)
{
    static const struct str records[] = {
        STR_INIT("\x02"),     /* another version */
        STR_INIT("\x01\x01"), /* no length */
        STR_INIT("\x01\x01\x05"
                 "abcd"), /* cut */
        STR_INIT("\x01\x00\x01"
                 "a"), /* number 0 */
        STR_INIT("\x01\x02\x01"
                 "a"
                 "\x01\x01"
                 "b"), /* not ascending */
        STR_INIT("\x01\x02\x01"
                 "a"
                 "\x02\x01"
                 "b"), /* twice */
    };
    struct props p;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(records); i++) {
        assert_false(props_open(&p, records[i]));
    }
    assert_false(props_open(&p, STR("\x01\x01\x01"
                                    "a"
                                    "\x02")));
    assert_true(str_is(p.v[IPROP_SUBJECT], "a")); /* what was readable stays */
}

static void test_damaged_values_read_as_absent(void **state)
{
    struct props p = {0};
    struct prop_addr addr;
    struct str rest = STR("\x03"
                          "Ann"),
               text;

    (void)state;
    p.v[IPROP_SENT] = STR("\x80");
    assert_int_equal(props_int(&p, IPROP_SENT, 42), 42);
    p.v[IPROP_SENT] = STR("\x02\x02");
    assert_int_equal(props_int(&p, IPROP_SENT, 42), 42);
    assert_false(props_next_addr(&rest, &addr));
    rest = STR("\x09"
               "short");
    assert_false(props_next_text(&rest, &text));
}

static void test_types_follow_the_table(void **state)
{
    (void)state;
    assert_int_equal(item_prop_type(IPROP_SUBJECT), IPROP_TYPE_TEXT);
    assert_int_equal(item_prop_type(IPROP_SENT), IPROP_TYPE_TIME);
    assert_int_equal(item_prop_type(IPROP_CONVERSATION_ID), IPROP_TYPE_BYTES);
    assert_int_equal(item_prop_type((enum item_prop)59), IPROP_TYPE_NONE);
    assert_int_equal(item_prop_type(IPROP_LIMIT), IPROP_TYPE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_comes_back),
        cmocka_unit_test(test_what_is_empty_is_left_out),
        cmocka_unit_test(test_long_text_is_cut_on_a_code_point),
        cmocka_unit_test(test_unknown_numbers_are_skipped),
        cmocka_unit_test(test_damaged_records_are_told),
        cmocka_unit_test(test_damaged_values_read_as_absent),
        cmocka_unit_test(test_types_follow_the_table),
    };

    return cmocka_run_group_tests_name("props", tests, NULL, NULL);
}
