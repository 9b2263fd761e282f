/* For tests that read messages: an arena a test, messages from literals, comparisons that print both sides. */
#ifndef SUPPORT_MIME_FIXTURE_H
#define SUPPORT_MIME_FIXTURE_H

#include "base/arena.h"
#include "base/str.h"
#include "mime/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline int mime_group_setup(void **state)
{
    (void)state;
    mime_init();
    return 0;
}

static inline int mime_test_setup(void **state)
{
    *state = arena_new(NULL, "test");
    return 0;
}

static inline int mime_test_teardown(void **state)
{
    struct arena *arena = *state;

    arena_free(&arena);
    return 0;
}

#define MIME_TEST(fn) cmocka_unit_test_setup_teardown(fn, mime_test_setup, mime_test_teardown)

static inline struct mime_message *given(void **state, const char *text)
{
    return mime_message_new(*state, str_from(text));
}

static inline void assert_text(struct str actual, const char *expected)
{
    if (!str_is(actual, expected)) {
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(actual), expected);
    }
}

#endif
