/* Log lines, read back through a pipe: one event a line whatever the values hold. */
#include "base/log.h"

#include "base/err.h"
#include "base/utf8.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int ends[2];

static int setup(void **state)
{
    (void)state;
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

static int teardown(void **state)
{
    (void)state;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* The line written, without the time stamp of known length at its front. */
static const char *line(size_t stamp)
{
    static char text[10000];
    ssize_t n = read(ends[0], text, sizeof(text) - 1);

    if (n < (ssize_t)stamp) {
        return "";
    }
    text[n] = '\0';
    return text + stamp;
}

#define LOGFMT_STAMP (sizeof("ts=2006-08-02T17:30:00.000Z ") - 1)
#define JSON_STAMP (sizeof("{\"ts\":\"2006-08-02T17:30:00.000Z\",") - 1)

static void values_are_quoted_when_needed(void **state)
{
    (void)state;
    log_configure(LOG_INFO, false, ends[1]);
    log_event(LOG_INFO, "a.b", LCSTR("plain", "x@y.z"), LCSTR("empty", ""), LCSTR("space", "x y"),
              LCSTR("quote", "a\"b\\c"), LINT("n", -5));
    assert_string_equal(line(LOGFMT_STAMP),
                        "level=info event=a.b plain=x@y.z empty=\"\" space=\"x y\" "
                        "quote=\"a\\\"b\\\\c\" n=-5\n");
    log_event(LOG_WARN, "none");
    assert_string_equal(line(LOGFMT_STAMP), "level=warn event=none\n");
}

static void no_value_breaks_the_line(void **state)
{
    (void)state;
    log_configure(LOG_INFO, false, ends[1]);
    log_event(LOG_ERROR, "e", LSTR("v", STR("x\n\x1b[2J\0\xff\xc2\x9b\x7f\xc3\xa9")));
    assert_string_equal(line(LOGFMT_STAMP),
                        "level=error event=e v=\"x\\n\\u001b[2J\\u0000\xef\xbf\xbd\\u009b\\u007f"
                        "\xc3\xa9\"\n");
}

static void json_is_json(void **state)
{
    (void)state;
    log_configure(LOG_INFO, true, ends[1]);
    log_event(LOG_INFO, "e", LCSTR("v", "x\"\n"), LINT("n", 7));
    assert_string_equal(line(JSON_STAMP),
                        "\"level\":\"info\",\"event\":\"e\",\"v\":\"x\\\"\\n\",\"n\":7}\n");
}

static void quiet_levels_are_left_out(void **state)
{
    (void)state;
    log_configure(LOG_WARN, false, ends[1]);
    assert_false(log_enabled(LOG_INFO));
    log_event(LOG_INFO, "e");
    log_emit(LOG_DEBUG, "e", NULL, 0);
    assert_string_equal(line(LOGFMT_STAMP), "");
}

static void long_values_are_cut(void **state)
{
    char value[1001];
    const char *text;

    (void)state;
    log_configure(LOG_INFO, false, ends[1]);
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    log_event(LOG_INFO, "e", LCSTR("v", value));
    text = strstr(line(LOGFMT_STAMP), "v=x");
    assert_non_null(text);
    assert_int_equal(strlen(text), 2 + 512 + 1);
}

static void errors_add_kind_text_and_place(void **state)
{
    const struct log_field fields[] = {LINT("n", 1)};
    struct err e = ERR_INIT;
    char want[300];

    (void)state;
    log_configure(LOG_INFO, false, ends[1]);
    err_set(&e, ERR_SCHEMA, "bad thing");
    e.at_line = 2;
    e.at_column = 9;
    e.file = "../x/src/base/y.c";
    e.line = 40;
    snprintf(want, sizeof(want),
             "level=error event=e kind=SCHEMA text=\"bad thing\" "
             "source=src/base/y.c source_line=40 at_line=2 at_column=9 n=1\n");
    log_error(LOG_ERROR, "e", &e, fields, ARRAY_LEN(fields));
    assert_string_equal(line(LOGFMT_STAMP), want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_quoted_when_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(no_value_breaks_the_line, setup, teardown),
        cmocka_unit_test_setup_teardown(json_is_json, setup, teardown),
        cmocka_unit_test_setup_teardown(quiet_levels_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(long_values_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_add_kind_text_and_place, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
