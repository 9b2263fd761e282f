/* The writer escapes what it must and nothing else, at every place of a text; what it writes
 * reads back. */
#include "xml/xml_write.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "xml/xml_doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_text(struct str in, const char *out)
{
    struct buf b = BUF_INIT;

    xml_add_text(&b, in);
    assert_true(str_is(buf_str(&b), out));
    buf_fini(&b);
}

static void expect_attr(const char *in, const char *out)
{
    struct buf b = BUF_INIT;

    xml_add_attr_text(&b, str_from(in));
    assert_true(str_is(buf_str(&b), out));
    buf_fini(&b);
}

static void text_is_escaped(void **state)
{
    (void)state;
    expect_text(STR(""), "");
    expect_text(STR_NULL, "");
    expect_text(STR("a&b<c>d\"e'f"), "a&amp;b&lt;c&gt;d\"e'f");
    expect_text(STR("\t\n\r"), "\t\n&#13;");
    expect_text(STR("]]>"), "]]&gt;");
    expect_attr("a&b<c>d\"e'f", "a&amp;b&lt;c&gt;d&quot;e'f");
    expect_attr("\t\n\r", "&#9;&#10;&#13;");
}

static void forbidden_bytes_become_replacements(void **state)
{
    (void)state;
    expect_text(STR("a\0b"), "a\xef\xbf\xbd"
                             "b");
    expect_text(STR("\x01\x1f\x7f"), "\xef\xbf\xbd\xef\xbf\xbd\x7f");
    expect_text(STR("caf\xe9 "), "caf\xef\xbf\xbd ");
    expect_text(STR("\xef\xbf\xbe"), "\xef\xbf\xbd");
    expect_text(STR("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    expect_text(STR("caf\xc3\xa9 \xf0\x9f\x98\x80"), "caf\xc3\xa9 \xf0\x9f\x98\x80");
    expect_text(STR("\xc3"), "\xef\xbf\xbd");
}

/* One special byte among clean ones, at each place of the words of eight. */
static void every_byte_at_every_place(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char one = (char)c;
        struct buf alone = BUF_INIT;

        xml_add_text(&alone, str_of(&one, 1));
        for (size_t at = 0; at < 24; at++) {
            char text[24];
            struct buf b = BUF_INIT;

            memset(text, 'z', sizeof(text));
            text[at] = one;
            xml_add_text(&b, str_of(text, sizeof(text)));
            assert_int_equal(b.n, sizeof(text) - 1 + alone.n);
            assert_memory_equal(b.p + at, alone.p, alone.n);
            assert_true(b.p[0] == 'z' || at == 0);
            assert_true(b.p[b.n - 1] == 'z' || at == sizeof(text) - 1);
            buf_fini(&b);
        }
        buf_fini(&alone);
    }
}

static void random_text(struct prng *prng, struct buf *b, size_t n)
{
    static const char specials[] = "&<>\"'\t\n\r ]";

    buf_clear(b);
    while (n-- > 0) {
        switch (prng_below(prng, 8)) {
        case 0: buf_add_char(b, specials[prng_below(prng, sizeof(specials) - 1)]); break;
        case 1: utf8_put(b, (uint32_t)prng_below(prng, 0x11000)); break;
        case 2: buf_add_char(b, (char)prng_next(prng)); break;
        default: buf_add_char(b, (char)(' ' + prng_below(prng, 95)));
        }
    }
}

static void all_that_is_written_reads_back(void **state)
{
    const struct xml_limits limits = {1 << 20, 8, 8, 8};
    struct prng prng;
    struct buf text = BUF_INIT;
    struct buf doc = BUF_INIT;

    (void)state;
    prng_seed(&prng, 7);
    for (int i = 0; i < 3000; i++) {
        AUTO(arena) arena = arena_new(NULL, "test");
        struct xml_node *root = NULL;
        struct err err = ERR_INIT;
        struct str want;

        random_text(&prng, &text, prng_below(&prng, 60));
        buf_clear(&doc);
        BUF_LIT(&doc, "<a b=\"");
        xml_add_attr_text(&doc, buf_str(&text));
        BUF_LIT(&doc, "\">");
        xml_add_text(&doc, buf_str(&text));
        BUF_LIT(&doc, "</a>");
        if (xml_parse(arena, buf_str(&doc), &limits, &root, &err) != 0) {
            fail_msg("%s: %.*s", err.client_text, STR_ARG(buf_str(&doc)));
        }
        want = utf8_for_xml(arena, buf_str(&text));
        assert_true(str_eq(root->text, want));
        assert_true(str_eq(xml_attr(root, "b"), want));
    }
    buf_fini(&text);
    buf_fini(&doc);
}

static void elements_are_written(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    xml_open(&b, STR("m:A"));
    xml_add_element(&b, STR("t:B"), STR("x & y"));
    xml_add_element(&b, STR("t:C"), STR_NULL);
    xml_add_element_i64(&b, STR("t:D"), INT64_MIN);
    xml_add_element_bool(&b, STR("t:E"), true);
    xml_add_element_bool(&b, STR("t:E"), false);
    xml_add_element_time(&b, STR("t:F"), 1154539800000, false);
    xml_add_element_time(&b, STR("t:F"), 1154539800007, true);
    xml_add_element_base64(&b, STR("t:G"), "hello", 5);
    xml_add_element_base64(&b, STR("t:G"), NULL, 0);
    xml_close(&b, STR("m:A"));
    assert_true(str_is(buf_str(&b),
                       "<m:A><t:B>x &amp; y</t:B><t:C></t:C><t:D>-9223372036854775808</t:D>"
                       "<t:E>true</t:E><t:E>false</t:E><t:F>2006-08-02T17:30:00Z</t:F>"
                       "<t:F>2006-08-02T17:30:00.007Z</t:F><t:G>aGVsbG8=</t:G><t:G></t:G></m:A>"));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(forbidden_bytes_become_replacements),
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(all_that_is_written_reads_back),
        cmocka_unit_test(elements_are_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
