/* The error table is whole, and says nothing that the protocol does not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "ews/error_map.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_each_kind_has_its_row(void **state)
{
    (void)state;
    for (int kind = ERR_NONE; kind < ERR_KIND_COUNT; kind++) {
        const struct error_row *row = error_row((enum err_kind)kind);

        assert_int_equal(row->kind, kind);
        assert_non_null(row->response_code.p);
        assert_true(row->response_code.n > 0);
        assert_non_null(row->lmtp_reply);
    }
}

static void test_success_is_not_an_error(void **state)
{
    const struct error_row *row = error_row(ERR_NONE);

    (void)state;
    assert_true(str_is(row->response_code, "NoError"));
    assert_int_equal(row->http_status, 200);
    assert_int_equal(row->exit_code, 0);
    assert_false(row->ends_request);
}

static void test_errors_have_error_statuses(void **state)
{
    (void)state;
    for (int kind = ERR_NONE + 1; kind < ERR_KIND_COUNT; kind++) {
        const struct error_row *row = error_row((enum err_kind)kind);

        assert_true(str_starts(row->response_code, STR("Error")));
        assert_in_range(row->http_status, 400, 599);
        assert_in_range(row->exit_code, 64, 78);
        assert_true(row->lmtp_reply[0] == '4' || row->lmtp_reply[0] == '5');
        /* Reply code and enhanced code are of one class. */
        assert_true(isdigit((unsigned char)row->lmtp_reply[2]));
        assert_int_equal(row->lmtp_reply[4], row->lmtp_reply[0]);
    }
}

/* A sender tries again what may succeed later, and only that. */
static void test_temporary_failures_are_temporary_for_lmtp(void **state)
{
    static const enum err_kind TEMPORARY[] = {ERR_INTERNAL,   ERR_IO,           ERR_STORE_FULL,
                                              ERR_STORE_BUSY, ERR_BUSY,         ERR_OUTCOME_UNKNOWN,
                                              ERR_QUOTA,      ERR_SHUTTING_DOWN};
    static const enum err_kind LASTING[] = {ERR_NO_SUCH_MAILBOX, ERR_TOO_LARGE, ERR_ACCESS_DENIED};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(TEMPORARY); i++) {
        assert_int_equal(error_row(TEMPORARY[i])->lmtp_reply[0], '4');
    }
    for (size_t i = 0; i < ARRAY_LEN(LASTING); i++) {
        assert_int_equal(error_row(LASTING[i])->lmtp_reply[0], '5');
    }
}

/* A widely used client takes a fault ErrorInvalidRequest as "try another version", so that stands
 * for one thing only; and one object's error of that name for one as well. */
static void test_invalid_request_means_empty_body_only(void **state)
{
    (void)state;
    for (int kind = ERR_NONE; kind < ERR_KIND_COUNT; kind++) {
        const struct error_row *row = error_row((enum err_kind)kind);

        assert_int_equal(str_is(row->response_code, "ErrorInvalidRequest"),
                         kind == ERR_REQUEST || kind == ERR_REQUEST_ITEM);
    }
    assert_false(error_row(ERR_REQUEST_ITEM)->ends_request);
}

/* EWER_SCHEMA_DIR names a directory with messages.xsd; without it there is nothing to compare
 * with. */
static void test_codes_are_in_the_schema(void **state)
{
    const char *dir = getenv("EWER_SCHEMA_DIR");
    static char text[4 << 20];
    char path[512], wanted[128];
    FILE *file;
    size_t n;

    (void)state;
    if (dir == NULL) {
        /* Not skip(): its TAP line reads as a failure. */
        print_message("# EWER_SCHEMA_DIR is not set: codes were not compared\n");
        return;
    }
    snprintf(path, sizeof(path), "%s/messages.xsd", dir);
    file = fopen(path, "r");
    assert_non_null(file);
    n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    for (int kind = ERR_NONE; kind < ERR_KIND_COUNT; kind++) {
        struct str code = error_row((enum err_kind)kind)->response_code;

        snprintf(wanted, sizeof(wanted), "value=\"%.*s\"", STR_ARG(code));
        if (strstr(text, wanted) == NULL) {
            fail_msg("%.*s is no ResponseCode of the schema", STR_ARG(code));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_its_row),
        cmocka_unit_test(test_success_is_not_an_error),
        cmocka_unit_test(test_errors_have_error_statuses),
        cmocka_unit_test(test_temporary_failures_are_temporary_for_lmtp),
        cmocka_unit_test(test_invalid_request_means_empty_body_only),
        cmocka_unit_test(test_codes_are_in_the_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
