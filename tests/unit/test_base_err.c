/* Errors: the two texts, their lengths, and a complete table of kinds. */
#include "base/err.h"

#include "base/str.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void log_text_is_not_told(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    e.at_line = 3;
    assert_int_equal(err_set(&e, ERR_IO, "write %s: %d", "file", 5), -ERR_IO);
    assert_int_equal(e.kind, ERR_IO);
    assert_string_equal(e.log_text, "write file: 5");
    assert_string_equal(e.client_text, err_kind_text(ERR_IO));
    assert_non_null(strstr(e.file, "test_base_err.c"));
    assert_true(e.line > 0);
    assert_int_equal(e.at_line, 0);
}

static void told_text_is_both(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    assert_int_equal(err_tell(&e, ERR_REQUEST, "no %s", "Body"), -ERR_REQUEST);
    assert_string_equal(e.log_text, "no Body");
    assert_string_equal(e.client_text, "no Body");
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_QUOTA, "x"), -ERR_QUOTA);
    assert_int_equal(err_tell(NULL, ERR_QUOTA, "x"), -ERR_QUOTA);
}

static void text_may_cite_the_error_before(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    err_set(&e, ERR_IO, "first");
    err_set(&e, ERR_CORRUPT, "second, after: %s", e.log_text);
    assert_string_equal(e.log_text, "second, after: first");
}

static void long_texts_are_cut_between_characters(void **state)
{
    char text[2000];
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xa9", 3);
    }
    err_tell(&e, ERR_REQUEST, "%s", text);
    assert_in_range(strlen(e.client_text), ERR_CLIENT_TEXT_BYTES - 3, ERR_CLIENT_TEXT_BYTES - 1);
    assert_in_range(strlen(e.log_text), ERR_LOG_TEXT_BYTES - 3, ERR_LOG_TEXT_BYTES - 1);
    assert_true(utf8_valid(str_from(e.client_text)));
    assert_true(utf8_valid(str_from(e.log_text)));
}

static void every_kind_is_described(void **state)
{
    (void)state;
    for (int i = 1; i < ERR_KIND_COUNT; i++) {
        enum err_kind kind = (enum err_kind)i;

        assert_true(strlen(err_kind_name(kind)) > 0);
        assert_true(strlen(err_kind_text(kind)) > 0);
        assert_true(strlen(err_kind_text(kind)) < ERR_CLIENT_TEXT_BYTES);
        assert_in_range(err_kind_scope(kind), ERR_SCOPE_ITEM, ERR_SCOPE_STORE);
    }
    assert_string_equal(err_kind_name(ERR_ITEM_NOT_FOUND), "ITEM_NOT_FOUND");
    assert_int_equal(err_kind_scope(ERR_CORRUPT), ERR_SCOPE_STORE);
    assert_int_equal(err_kind_scope(ERR_SYNC_STATE), ERR_SCOPE_FOLDER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_text_is_not_told),
        cmocka_unit_test(told_text_is_both),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(text_may_cite_the_error_before),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(every_kind_is_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
