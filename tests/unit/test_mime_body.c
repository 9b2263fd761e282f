/* Which part is the body, which an attachment, and what their bytes become. */
#include "support/mime_fixture.h"

#include "base/buf.h"
#include "base/utf8.h"

static void attachments_of(struct mime_message *m, size_t expected,
                           const struct mime_attachment **attachments_r)
{
    size_t n;

    mime_message_attachments(m, attachments_r, &n);
    assert_int_equal(n, expected);
}

static void a_message_without_mime_is_text(void **state)
{
    const struct mime_body *body = mime_message_body(given(state, "Subject: x\n\nhello\n"));

    assert_true(body->has_text);
    assert_false(body->has_html);
    assert_text(body->text, "hello\n");
}

static void bytes_that_are_no_header_are_the_body(void **state)
{
    struct mime_message *m = given(state, "hello\nworld\n");

    assert_text(mime_message_body(m)->text, "hello\nworld\n");
    assert_int_equal(mime_message_header_block(m).n, 0);
}

static void alternatives_give_both_bodies(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: multipart/alternative; boundary=\"b\"\r\n\r\npreamble\r\n"
                     "--b\r\n\r\nold\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
                     "--b\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n"
                     "--b\r\nContent-Type: text/x-amp-html\r\n\r\namp\r\n--b--\r\nepilogue");
    const struct mime_body *body = mime_message_body(m);
    const struct mime_attachment *attachments;

    assert_text(body->text, "plain");
    assert_text(body->html, "<p>rich</p>");
    attachments_of(m, 0, &attachments);
    assert_false(mime_message_has_attachments(m));
}

static void related_parts_are_inline(void **state)
{
    struct mime_message *m = given(
        state, "Content-Type: multipart/mixed; boundary=m\n\n"
               "--m\nContent-Type: multipart/alternative; boundary=a\n\n"
               "--a\n\nplain\n"
               "--a\nContent-Type: multipart/related; boundary=r; start=\"<root>\"\n\n"
               "--r\nContent-Type: image/png\nContent-ID: <img@x>\n"
               "Content-Transfer-Encoding: base64\n\naGVsbG8=\n"
               "--r\nContent-Type: text/html\nContent-ID: <root>\n\n<img src=\"cid:img@x\">\n"
               "--r--\n--a--\n"
               "--m\nContent-Type: application/pdf; name=\"old.pdf\"\n"
               "Content-Disposition: attachment; filename=\"=?utf-8?Q?new=C3=A4.pdf?=\"\n\nPDF\n"
               "--m--\n");
    const struct mime_body *body = mime_message_body(m);
    const struct mime_attachment *a;
    struct str content;

    assert_text(body->text, "plain");
    assert_text(body->html, "<img src=\"cid:img@x\">");
    attachments_of(m, 2, &a);
    assert_true(a[0].is_inline);
    assert_text(a[0].content_id, "img@x");
    assert_text(a[0].name, "image.png");
    assert_int_equal(a[0].size, 5);
    assert_true(mime_message_attachment_content(m, 0, &content));
    assert_text(content, "hello");
    assert_false(a[1].is_inline);
    assert_text(a[1].name, "newä.pdf");
    assert_text(a[1].content_type, "application/pdf");
    assert_true(mime_message_has_attachments(m));
}

static void inline_parts_alone_are_no_attachments(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: multipart/related; boundary=r\n\n"
                     "--r\nContent-Type: text/html\n\nx\n"
                     "--r\nContent-Type: image/png\nContent-ID: <i>\n\nx\n--r--\n");

    assert_false(mime_message_has_attachments(m));
}

static void later_texts_of_a_mixed_message_are_attachments(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nbody\n"
                     "--m\nContent-Type: text/plain\n\nfooter\n--m--\n");
    const struct mime_attachment *a;

    assert_text(mime_message_body(m)->text, "body");
    attachments_of(m, 1, &a);
    assert_text(a[0].name, "attachment.txt");
}

static void a_text_that_is_attached_is_no_body(void **state)
{
    struct mime_message *m = given(
        state, "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nx");
    const struct mime_attachment *a;

    assert_false(mime_message_body(m)->has_text);
    attachments_of(m, 1, &a);
    assert_text(a[0].name, "a.txt");
}

static void a_nested_message_is_given_back_byte_for_byte(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nsee below\n"
                     "--m\nContent-Type: message/rfc822\n\n"
                     "Subject:   Inner\nContent-Type: multipart/mixed; boundary=i\n\n"
                     "--i\n\ninner text\n--i--\n\n--m--\n");
    const struct mime_attachment *a;
    struct str content;

    attachments_of(m, 1, &a);
    assert_true(a[0].is_message);
    assert_false(a[0].is_inline);
    assert_text(a[0].name, "Inner");
    assert_true(mime_message_attachment_content(m, 0, &content));
    assert_text(content, "Subject:   Inner\nContent-Type: multipart/mixed; boundary=i\n\n"
                         "--i\n\ninner text\n--i--\n");
    assert_int_equal(a[0].size, content.n);
}

static void parts_of_a_digest_are_messages(void **state)
{
    struct mime_message *m = given(
        state, "Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: one\n\nx\n--d--\n");
    const struct mime_attachment *a;

    attachments_of(m, 1, &a);
    assert_true(a[0].is_message);
    assert_text(a[0].name, "one");
}

static void a_signature_is_no_attachment(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: multipart/signed; boundary=s\n\n--s\n\nsigned\n"
                     "--s\nContent-Type: application/pgp-signature; name=a.asc\n\nSIG\n--s--\n");

    assert_text(mime_message_body(m)->text, "signed");
    assert_false(mime_message_has_attachments(m));
}

static void charsets_become_utf8(void **state)
{
    static const struct {
        const char *message, *text;
    } cases[] = {
        {"Content-Type: text/plain; charset=iso-8859-1\n\n\xe4", "ä"},
        {"Content-Type: text/plain; charset=utf-8\n\n\xe4 bad", "ä bad"},
        {"Content-Type: text/plain; charset=x-no-such\n\n\xe4", "ä"},
        {"Content-Type: text/plain; charset=\"../../etc//x\"\n\n\xc3\xa4", "ä"},
        {"\n\xc3\xa4", "ä"},
        {"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B%F\x1b(B", "テ"},
        {"Content-Type: text/plain; charset=koi8-r\n"
         "Content-Transfer-Encoding: quoted-printable\n\n=D0=D2=C9",
         "при"},
        {"Content-Type: text/plain; charset=utf-16le\n"
         "Content-Transfer-Encoding: base64\n\naABpAA==",
         "hi"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_text(mime_message_body(given(state, cases[i].message))->text, cases[i].text);
    }
}

static void bytes_that_do_not_convert_are_replaced(void **state)
{
    struct str raw = STR("Content-Type: text/plain; charset=shift_jis\n\na\x82 b\0c");
    struct str text = mime_message_body(mime_message_new(*state, raw))->text;

    assert_true(utf8_valid(text));
    assert_true(str_starts(text, STR("a\xef\xbf\xbd")));
}

static void flowed_lines_are_joined(void **state)
{
    static const struct {
        const char *message, *text;
    } cases[] = {
        {"Content-Type: text/plain; format=flowed\n\na \nb\n\nc\n", "a b\r\n\r\nc\r\n"},
        {"Content-Type: text/plain; format=flowed; delsp=yes\n\na \nb", "ab"},
        {"Content-Type: text/plain; format=flowed\n\n> q \n> r\ns", "> q r\r\ns"},
        {"Content-Type: text/plain; format=flowed\n\n> q \nr", "> q \r\nr"},
        {"Content-Type: text/plain; format=flowed\n\na \n-- \nsig", "a \r\n-- \r\nsig"},
        {"Content-Type: text/plain; format=flowed\n\n  stuffed", " stuffed"},
        {"Content-Type: text/plain\n\na \nb", "a \nb"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_text(mime_message_body(given(state, cases[i].message))->text, cases[i].text);
    }
}

static void each_body_is_made_from_the_other(void **state)
{
    struct mime_message *html = given(state, "Content-Type: text/html\n\n<p>a &amp; b</p>");
    struct mime_message *text = given(state, "\na < b\n");
    struct mime_message *none = given(state, "Content-Type: image/png\n\nx");

    assert_text(mime_message_body_as_text(html), "a & b");
    assert_true(str_find(mime_message_body_as_html(text), STR("a &lt; b<br>"), 0) != SIZE_MAX);
    assert_int_equal(mime_message_body_as_text(none).n, 0);
    assert_int_equal(mime_message_body_as_html(none).n, 0);
}

static void a_preview_is_short_and_collapsed(void **state)
{
    struct mime_message *m = given(state, "\n  a \r\n\r\n b\tc   d\xc3\xa4"
                                          "efg");

    assert_text(mime_message_preview(m, 255), "a b c däefg");
    assert_text(mime_message_preview(m, 8), "a b c dä");
}

static void a_preview_looks_behind_markup_and_blank_texts(void **state)
{
    struct buf raw = BUF_INIT;

    BUF_LIT(&raw, "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n"
                  "--b\nContent-Type: text/html\n\n<style>");
    for (int i = 0; i < 10000; i++) {
        BUF_LIT(&raw, "p { color: red }\n");
    }
    BUF_LIT(&raw, "</style><p>hello&nbsp; world</p>\n--b--\n");
    assert_text(mime_message_preview(mime_message_new(*state, buf_str(&raw)), 255), "hello world");
    buf_fini(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(a_message_without_mime_is_text),
        MIME_TEST(bytes_that_are_no_header_are_the_body),
        MIME_TEST(alternatives_give_both_bodies),
        MIME_TEST(related_parts_are_inline),
        MIME_TEST(inline_parts_alone_are_no_attachments),
        MIME_TEST(later_texts_of_a_mixed_message_are_attachments),
        MIME_TEST(a_text_that_is_attached_is_no_body),
        MIME_TEST(a_nested_message_is_given_back_byte_for_byte),
        MIME_TEST(parts_of_a_digest_are_messages),
        MIME_TEST(a_signature_is_no_attachment),
        MIME_TEST(charsets_become_utf8),
        MIME_TEST(bytes_that_do_not_convert_are_replaced),
        MIME_TEST(flowed_lines_are_joined),
        MIME_TEST(each_body_is_made_from_the_other),
        MIME_TEST(a_preview_is_short_and_collapsed),
        MIME_TEST(a_preview_looks_behind_markup_and_blank_texts),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
