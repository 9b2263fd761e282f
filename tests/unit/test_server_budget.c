/* What one user may hold at once: requests, and bytes of answers that were not taken. */
#include "server/budget.h"

#include "base/macros.h"
#include "server/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MOST 27

static const struct mailbox_no ann = {1}, ben = {2};

static void requests_of_a_user_are_counted_apart_from_others(void **state)
{
    AUTO(budget) b = budget_new();

    (void)state;
    for (unsigned i = 0; i < MOST; i++) {
        assert_true(budget_enter(b, ann, MOST));
    }
    assert_false(budget_enter(b, ann, MOST));
    assert_true(budget_enter(b, ben, MOST));
    budget_leave(b, ann, 0);
    assert_true(budget_enter(b, ann, MOST));
    for (unsigned i = 0; i < MOST; i++) {
        budget_leave(b, ann, 0);
    }
    budget_leave(b, ben, 0);
}

static void answers_that_wait_are_bounded_but_for_the_first(void **state)
{
    AUTO(budget) b = budget_new();

    (void)state;
    assert_true(budget_enter(b, ann, MOST));
    assert_true(budget_enter(b, ann, MOST));
    assert_true(budget_enter(b, ben, MOST));
    assert_true(budget_hold(b, ann, USER_MAX_ANSWER_BYTES + 1));
    assert_false(budget_hold(b, ann, 1));
    assert_true(budget_hold(b, ben, USER_MAX_ANSWER_BYTES));
    budget_leave(b, ann, USER_MAX_ANSWER_BYTES + 1);
    assert_true(budget_hold(b, ann, 1));
    budget_leave(b, ann, 1);
    budget_leave(b, ben, USER_MAX_ANSWER_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_a_user_are_counted_apart_from_others),
        cmocka_unit_test(answers_that_wait_are_bounded_but_for_the_first),
    };

    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
