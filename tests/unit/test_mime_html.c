/* HTML to text and back. */
#include "support/mime_fixture.h"

#include "base/buf.h"
#include "base/clock.h"

static void html_becomes_text(void **state)
{
    static const struct {
        const char *html, *text;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {" a\n  b ", "a b"},
        {"<p>one</p><p>two</p>", "one\r\n\r\ntwo"},
        {"one<br>two<br/>\n three", "one\r\ntwo\r\nthree"},
        {"<div>one</div><div>two</div>three", "one\r\ntwo\r\nthree"},
        {"<ul><li>one<li>two</ul>", "* one\r\n* two"},
        {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\r\nc"},
        {"<b>bo</b>ld <i>it</i>", "bold it"},
        {"see <a href=\"http://x/?a>b\">here</a>.", "see here."},
        {"<html><head><title>no</title><style>p{}</style><script>if (a<b) c();</script></head>"
         "<body>yes</body></html>",
         "yes"},
        {"<STYLE>a</sTyle>b", "b"},
        {"a<!-- <p>no</p> -->b<!DOCTYPE html>c<?xml x?>d", "abcd"},
        {"&lt;&amp;&gt;&quot;&apos;&nbsp;&euro;&auml;", "<&>\"' €ä"},
        {"&#228;&#xE4;&#X20AC;&#150;", "ää€–"},
        {"&unknown; & &; &#; &#xFFFFFFFF; &amp", "&unknown; & &; &#; &#xFFFFFFFF; &"},
        {"a < b, 1<2 </ >", "a < b, 1<2 </ >"},
        {"<pre>a\n  b\n\nc</pre>d", "a\r\n  b\r\n\r\nc\r\nd"},
        {"unclosed <a href=\"x>y", "unclosed y"},
        {"<script>never closed", ""},
        {"<!-- never closed", ""},
        {"x<br", "x"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_text(mime_html_to_text(*state, str_from(cases[i].html)), cases[i].text);
    }
}

static void text_becomes_html(void **state)
{
    struct str html = mime_text_to_html(*state, STR("a <b> & c\r\n  d\ne"));

    assert_true(str_find(html, STR("a &lt;b&gt; &amp; c<br>\r\n&nbsp;&nbsp;d<br>\r\ne"), 0) !=
                SIZE_MAX);
    assert_true(str_starts(html, STR("<html>")));
    assert_text(mime_html_to_text(*state, html), "a <b> & c\r\n  d\r\ne");
}

/* Any of these in quadratic time would take minutes. */
static void hostile_html_takes_linear_time(void **state)
{
    static const char *const pieces[] = {"<",      "<a ",      "<a href=\"",   "&",  "&#",
                                         "<!--",   "<script>", "</",           "<p", "<pre>\n",
                                         "<a b='", "<li>",     "<style></styl"};
    int64_t start = clock_system()->monotonic_ms(clock_system());

    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct buf html = BUF_INIT;

        while (html.n < 1000000) {
            buf_add_cstr(&html, pieces[i]);
        }
        assert_true(mime_html_to_text(*state, buf_str(&html)).n <= 2 * html.n);
        buf_fini(&html);
    }
    assert_true(clock_system()->monotonic_ms(clock_system()) - start < 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(html_becomes_text),
        MIME_TEST(text_becomes_html),
        MIME_TEST(hostile_html_takes_linear_time),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
