/* Broken and hostile structure: truncated, without boundaries, too deep, too many, too large. */
#include "support/mime_fixture.h"

#include "base/buf.h"

static size_t attachment_count(struct mime_message *m)
{
    const struct mime_attachment *attachments;
    size_t n;

    mime_message_attachments(m, &attachments, &n);
    return n;
}

static void a_cut_message_keeps_what_is_there(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: multipart/mixed; boundary=m\n\n--m\n"
                     "Content-Type: multipart/alternative; boundary=a\n\n--a\n\nplain");

    assert_text(mime_message_body(m)->text, "plain");
    assert_int_equal(attachment_count(m), 0);
}

static void an_outer_boundary_ends_inner_parts(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: multipart/mixed; boundary=m\n\n--m\n"
                     "Content-Type: multipart/alternative; boundary=a\n\n--a\n\nplain\n"
                     "--m\nContent-Type: image/png\n\nx\n--m--\n");

    assert_text(mime_message_body(m)->text, "plain");
    assert_int_equal(attachment_count(m), 1);
}

static void a_multipart_whose_boundary_never_comes_is_text(void **state)
{
    assert_text(
        mime_message_body(given(state, "Content-Type: multipart/mixed; boundary=m\n\nx\n"))->text,
        "x\n");
    assert_text(mime_message_body(given(state, "Content-Type: multipart/mixed\n\nx\n"))->text,
                "x\n");
}

static void lines_like_boundaries_are_content(void **state)
{
    struct mime_message *m = given(state, "Content-Type: multipart/mixed; boundary=m\n\n--m\n\n"
                                          "--mm\n--\n-- m\n ---m\n--m  \n\nnext\n--m--\n");

    assert_text(mime_message_body(m)->text, "--mm\n--\n-- m\n ---m");
    assert_int_equal(attachment_count(m), 1);
}

static void a_part_may_lack_fields_and_the_empty_line(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: multipart/mixed; boundary=m\n\n--m\nno field here\n"
                     "--m\nContent-Type: image/png\n--m--\n");

    assert_text(mime_message_body(m)->text, "no field here");
    assert_int_equal(attachment_count(m), 1);
}

static void empty_parts_have_no_content(void **state)
{
    struct mime_message *m =
        given(state, "Content-Type: multipart/mixed; boundary=m\n\n--m\n--m\n\n--m\n\n\n--m--\n");
    struct str content;

    assert_int_equal(mime_message_body(m)->text.n, 0);
    assert_int_equal(attachment_count(m), 2);
    assert_true(mime_message_attachment_content(m, 1, &content));
    assert_int_equal(content.n, 0);
    assert_false(mime_message_attachment_content(m, 2, &content));
}

static void nested_multiparts(struct buf *raw, int depth)
{
    for (int i = 0; i < depth; i++) {
        buf_printf(raw, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
    }
    BUF_LIT(raw, "\nhello\n");
}

static void deep_nesting_ends_in_an_attachment(void **state)
{
    struct buf raw = BUF_INIT;
    struct mime_message *m;

    nested_multiparts(&raw, 90);
    m = mime_message_new(*state, buf_str(&raw));
    assert_text(mime_message_body(m)->text, "hello\n");
    buf_clear(&raw);
    nested_multiparts(&raw, 10000);
    m = mime_message_new(*state, buf_str(&raw));
    assert_false(mime_message_body(m)->has_text);
    assert_int_equal(attachment_count(m), 1);
    buf_fini(&raw);
}

static void nested_messages_are_opened_one_at_a_time(void **state)
{
    struct buf raw = BUF_INIT;
    struct str content;

    for (int i = 0; i < 10000; i++) {
        BUF_LIT(&raw, "Content-Type: message/rfc822\n\n");
    }
    struct mime_message *m = mime_message_new(*state, buf_str(&raw));

    assert_int_equal(attachment_count(m), 1);
    assert_true(mime_message_attachment_content(m, 0, &content));
    assert_int_equal(content.n, raw.n - strlen("Content-Type: message/rfc822\n\n"));
    buf_fini(&raw);
}

static void part_counts_are_bounded(void **state)
{
    struct buf raw = BUF_INIT;

    BUF_LIT(&raw, "Content-Type: multipart/mixed; boundary=b\n\n");
    for (int i = 0; i < 100000; i++) {
        BUF_LIT(&raw, "--b\n\nx\n");
    }
    assert_in_range(attachment_count(mime_message_new(*state, buf_str(&raw))), 1000, 2000);
    buf_fini(&raw);
}

static void a_large_attachment_is_sized_and_decoded(void **state)
{
    enum { LINES = 300000 };
    struct buf raw = BUF_INIT;
    const struct mime_attachment *a;
    struct str content;
    size_t n;

    BUF_LIT(&raw, "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n"
                  "Content-Type: video/mp4\nContent-Transfer-Encoding: base64\n\n");
    for (int i = 0; i < LINES; i++) {
        BUF_LIT(&raw, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    }
    BUF_LIT(&raw, "AA==\n--b--\n");
    struct mime_message *m = mime_message_new(*state, buf_str(&raw));

    mime_message_attachments(m, &a, &n);
    assert_int_equal(n, 1);
    assert_int_equal(a[0].size, LINES * 45 + 1);
    assert_true(mime_message_attachment_content(m, 0, &content));
    assert_int_equal(content.n, a[0].size);
    buf_fini(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(a_cut_message_keeps_what_is_there),
        MIME_TEST(an_outer_boundary_ends_inner_parts),
        MIME_TEST(a_multipart_whose_boundary_never_comes_is_text),
        MIME_TEST(lines_like_boundaries_are_content),
        MIME_TEST(a_part_may_lack_fields_and_the_empty_line),
        MIME_TEST(empty_parts_have_no_content),
        MIME_TEST(deep_nesting_ends_in_an_attachment),
        MIME_TEST(nested_messages_are_opened_one_at_a_time),
        MIME_TEST(part_counts_are_bounded),
        MIME_TEST(a_large_attachment_is_sized_and_decoded),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
