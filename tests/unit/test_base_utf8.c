/* UTF-8: every code point, every kind of error, cleaning, cutting, folding. */
#include "base/utf8.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_surrogate(uint32_t c)
{
    return c >= 0xd800 && c <= 0xdfff;
}

static void every_code_point_reads_back(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        struct str s;
        uint32_t want = is_surrogate(c) || c == 0x110000 ? 0xfffd : c;

        buf_clear(&b);
        utf8_put(&b, c);
        s = buf_str(&b);
        assert_true(utf8_valid(s));
        assert_int_equal(utf8_take(&s), want);
        assert_int_equal(s.n, 0);
        s = str_sub(buf_str(&b), 0, b.n - 1);
        assert_true(s.n == 0 || !utf8_valid(s));
    }
    buf_fini(&b);
}

static void wrong_bytes_are_one_replacement_each(void **state)
{
    static const struct str bad[] = {STR_INIT("\x80"),
                                     STR_INIT("\xbf\x80"),
                                     STR_INIT("\xc0\xaf"),
                                     STR_INIT("\xc1\xbf"),
                                     STR_INIT("\xc3"),
                                     STR_INIT("\xe0\x9f\xbf"),
                                     STR_INIT("\xed\xa0\x80"),
                                     STR_INIT("\xe2\x82"),
                                     STR_INIT("\xf0\x8f\xbf\xbf"),
                                     STR_INIT("\xf4\x90\x80\x80"),
                                     STR_INIT("\xf5\x80\x80\x80"),
                                     STR_INIT("\xff\xfe"),
                                     STR_INIT("\xf0\x9f\x98")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str s = bad[i];

        assert_false(utf8_valid(s));
        while (s.n > 0) {
            size_t before = s.n;

            assert_int_equal(utf8_take(&s), 0xfffd);
            assert_int_equal(s.n, before - 1);
        }
    }
    assert_false(utf8_valid(STR("twelve bytes\xff and more")));
    assert_true(utf8_valid(STR("")));
}

static void clean_text_is_not_copied(void **state)
{
    AUTO(arena) arena = arena_new(NULL, "test");
    struct str clean = STR("a\tb\r\nc\x7f\xc3\xa9\xf0\x9f\x98\x80");
    struct str out = utf8_for_xml(arena, clean);

    (void)state;
    assert_ptr_equal(out.p, clean.p);
    assert_int_equal(out.n, clean.n);
    assert_int_equal(arena_used_bytes(arena), 0);
}

static void forbidden_characters_are_replaced(void **state)
{
    AUTO(arena) arena = arena_new(NULL, "test");

    (void)state;
    assert_true(str_is(utf8_for_xml(arena, STR("a\0b")), "a\xef\xbf\xbd"
                                                         "b"));
    assert_true(str_is(utf8_for_xml(arena, STR("\x1f\xff")), "\xef\xbf\xbd\xef\xbf\xbd"));
    assert_true(str_is(utf8_for_xml(arena, STR("x\xef\xbf\xbe\xef\xbf\xbf"
                                               "y")),
                       "x\xef\xbf\xbd\xef\xbf\xbdy"));
    assert_int_equal(utf8_xml_char_bytes(STR("\x0b")), 0);
    assert_int_equal(utf8_xml_char_bytes(STR("\xef\xbf\xbd")), 3);
    assert_int_equal(utf8_xml_char_bytes(STR("\xef\xbf\xbf")), 0);
}

static void cuts_fall_between_characters(void **state)
{
    struct str s = STR("a\xc3\xa9\xf0\x9f\x98\x80z");
    static const size_t bytes[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
    static const size_t chars[] = {0, 1, 3, 7, 8, 8};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
        assert_int_equal(utf8_cut(s, i).n, bytes[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(chars); i++) {
        assert_int_equal(utf8_cut_chars(s, i).n, chars[i]);
    }
    assert_true(utf8_cut(STR("\x80\x80\x80\x80\x80\x80\x80"), 5).n <= 5);
}

static void expect_fold(struct arena *arena, const char *in, const char *out)
{
    assert_true(str_is(utf8_fold(arena, str_from(in)), out));
}

static void letters_fold(void **state)
{
    AUTO(arena) arena = arena_new(NULL, "test");

    (void)state;
    expect_fold(arena, "", "");
    expect_fold(arena, "Hello [World]", "hello [world]");
    expect_fold(arena, "ÄÖÜß×÷ ÇÉÑØÞ", "äöüß×÷ çéñøþ");
    expect_fold(arena, "ŁŻŹĆČŠŽŐĞİŸ", "łżźćčšžőğiÿ");
    expect_fold(arena, "łżźćčšžőğıÿ", "łżźćčšžőğıÿ");
    expect_fold(arena, "ƠƯỆẠ", "ơưệạ");
    expect_fold(arena, "ΑΒΓΔΩΆΈΉΊΌΎΏΣς", "αβγδωάέήίόύώσσ");
    expect_fold(arena, "АБВЯЁЇЄҐ", "абвяёїєґ");
    expect_fold(arena, "日本 😀", "日本 😀");
    expect_fold(arena,
                "\xff"
                "A",
                "\xef\xbf\xbd"
                "a");
}

static void folding_is_stable(void **state)
{
    AUTO(arena) arena = arena_new(NULL, "test");
    struct buf b = BUF_INIT;

    (void)state;
    for (uint32_t c = 0; c < 0x2000; c++) {
        struct str once;

        buf_clear(&b);
        utf8_put(&b, c);
        once = utf8_fold(arena, buf_str(&b));
        assert_true(str_eq(utf8_fold(arena, once), once));
    }
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_reads_back),
        cmocka_unit_test(wrong_bytes_are_one_replacement_each),
        cmocka_unit_test(clean_text_is_not_copied),
        cmocka_unit_test(forbidden_characters_are_replaced),
        cmocka_unit_test(cuts_fall_between_characters),
        cmocka_unit_test(letters_fold),
        cmocka_unit_test(folding_is_stable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
