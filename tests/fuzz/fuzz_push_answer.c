/* Whatever a listener answers to a push: it is understood or not, the same each time, and the words of an answer that is understood stand in it. */
#include "ews/notifications.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* They are spelled out, or written by references to characters. */
static bool may_say(struct str body, struct str word)
{
    return str_find(body, word, 0) != SIZE_MAX || str_find(body, STR("&#"), 0) != SIZE_MAX ||
           str_find(body, STR("<!"), 0) != SIZE_MAX || str_find(body, STR("<?"), 0) != SIZE_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = str_of(data, size);
    enum push_answer answer = push_answer_read(body);

    check(answer == push_answer_read(body));
    switch (answer) {
    case PUSH_ANSWER_OK: check(may_say(body, STR("OK"))); break;
    case PUSH_ANSWER_UNSUBSCRIBE: check(may_say(body, STR("Unsubscribe"))); break;
    default: check(answer == PUSH_ANSWER_UNREADABLE); break;
    }
    return 0;
}
