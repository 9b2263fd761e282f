/* Where a stream of XML may be cut: never inside of markup or of a character. */
#include "xml/xml_cut.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_ATTRS 3

/* The safe front of a text that goes on. */
static size_t safe_front(const char *text)
{
    struct xml_cut cut;
    size_t safe = SIZE_MAX;

    xml_cut_init(&cut, MAX_ATTRS);
    assert_true(xml_cut_scan(&cut, str_from(text), 0, &safe));
    return safe;
}

static void expect_cut(const char *front, const char *rest)
{
    char text[200];

    assert_true(strlen(front) + strlen(rest) < sizeof(text));
    memcpy(text, front, strlen(front));
    memcpy(text + strlen(front), rest, strlen(rest) + 1);
    assert_int_equal(safe_front(text), strlen(front));
}

static void markup_is_held_until_whole(void **state)
{
    (void)state;
    expect_cut("<a>", "");
    expect_cut("<a>text", "<");
    expect_cut("<a>text", "<b c='>");
    expect_cut("<a>text", "<b c='x' d=\">'");
    expect_cut("<a><b c='>'>", "");
    expect_cut("<a>", "</a");
    expect_cut("<a>", "<!");
    expect_cut("<a>", "<!-- > -");
    expect_cut("<a>", "<!-- > --");
    expect_cut("<a><!-- > -->", "");
    expect_cut("<a>", "<![CDATA[ ]> ]]");
    expect_cut("<a><![CDATA[ ]]]>", "");
    expect_cut("", "<?xml version='1.0' > ");
    expect_cut("<?xml ?"
               "?>",
               "");
}

static void text_is_cut_between_characters(void **state)
{
    (void)state;
    expect_cut("<a>text", "");
    expect_cut("<a>", "\xc3");
    expect_cut("<a>x", "\xf0\x9f\x98");
    expect_cut("<a>x\xc3\xa9y", "]]");
    expect_cut("<a>x&am", "");
}

static void malformed_is_handed_on(void **state)
{
    (void)state;
    expect_cut("<a b='<", "");
    expect_cut("<!DOCTYPE", "");
    expect_cut("<a><!-- -- x", "");
}

static void attributes_of_a_tag_are_counted(void **state)
{
    struct xml_cut cut;
    size_t safe;

    (void)state;
    xml_cut_init(&cut, MAX_ATTRS);
    assert_true(xml_cut_scan(&cut, STR("<a b='' c=\"'\" d=''><e f='' g=''>"), 0, &safe));
    assert_true(xml_cut_scan(&cut, STR("<a b='' c='' d='' "), 0, &safe));
    assert_false(xml_cut_scan(&cut, STR("e=''"), 0, &safe));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_is_held_until_whole),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(malformed_is_handed_on),
        cmocka_unit_test(attributes_of_a_tag_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
