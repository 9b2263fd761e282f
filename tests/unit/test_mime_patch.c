/* Header fields replaced while the rest of a message stays byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/macros.h"
#include "mime/patch.h"

static const char *const SUBJECT[] = {"Subject"};

static struct str patch(struct arena *arena, const char *raw, const char *subject)
{
    const struct mime_draft values = {
        .subject = str_from(subject), .has_text = true, .text = STR("never seen")};

    return mime_replace_fields(str_from(raw), &values, SUBJECT, ARRAY_LEN(SUBJECT), arena);
}

static void assert_patched(const char *raw, const char *subject, const char *expected)
{
    struct arena *arena = arena_new(NULL, "test");
    struct str out = patch(arena, raw, subject);

    assert_string_equal(str_cstr(arena, out), expected);
    arena_free(&arena);
}

static void a_field_is_replaced_folded_or_not(void **state)
{
    (void)state;
    assert_patched("From: a@b.c\r\nSubject: old\r\n one\r\nTo: x@y.z\r\n\r\nSubject: body\r\n",
                   "new", "Subject: new\r\nFrom: a@b.c\r\nTo: x@y.z\r\n\r\nSubject: body\r\n");
    assert_patched("subject: 1\nSUBJECT: 2\nX: y\n\nbody", "new", "Subject: new\r\nX: y\n\nbody");
}

static void a_field_is_added_or_removed(void **state)
{
    (void)state;
    assert_patched("To: x@y.z\r\n\r\nbody", "new", "Subject: new\r\nTo: x@y.z\r\n\r\nbody");
    assert_patched("Subject: old\r\nTo: x@y.z\r\n\r\nbody", "", "To: x@y.z\r\n\r\nbody");
    assert_patched("\r\nbody", "new", "Subject: new\r\n\r\nbody");
    assert_patched("", "new", "Subject: new\r\n\r\n");
}

static void what_needs_no_change_is_the_same_bytes(void **state)
{
    struct arena *arena = arena_new(NULL, "test");
    const char *raw = "To: x@y.z\r\n\r\nbody";

    (void)state;
    assert_ptr_equal(patch(arena, raw, "").p, raw);
    arena_free(&arena);
}

static void values_cannot_break_out(void **state)
{
    (void)state;
    assert_patched("To: x@y.z\r\n\r\nbody", "a\r\nBcc: e@f.g\r\n\r\nevil",
                   "Subject: a  Bcc: e@f.g    evil\r\nTo: x@y.z\r\n\r\nbody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_replaced_folded_or_not),
        cmocka_unit_test(a_field_is_added_or_removed),
        cmocka_unit_test(what_needs_no_change_is_the_same_bytes),
        cmocka_unit_test(values_cannot_break_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
