#include "ctl/commands.h"

#include "base/arena.h"
#include "base/err.h"
#include "ctl/backend.h"
#include "server/admin.h"

#include <stdio.h>

/* The optional address of a user. */
static struct str address_of(const struct command_call *call)
{
    return call->word_count > 0 ? str_from(call->words[0]) : STR("");
}

int command_sub_list(const struct command_call *call, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "list");
    struct str lines;

    TRY(backend_subscription_list(call->backend, address_of(call), arena, &lines, err_r));
    (void)printf("id\tuser\tkind\tstream\tlag\tsilent_s\tfolders\tevents\n");
    (void)fwrite(lines.p, 1, lines.n, stdout);
    return 0;
}

int command_sub_show(const struct command_call *call, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "show");
    struct str lines;

    TRY(backend_subscription_show(call->backend, str_from(call->words[0]), arena, &lines, err_r));
    (void)fwrite(lines.p, 1, lines.n, stdout);
    return 0;
}

int command_sub_delete(const struct command_call *call, struct err *err_r)
{
    TRY(backend_subscription_delete(call->backend, str_from(call->words[0]), err_r));
    (void)printf("deleted %s\n", call->words[0]);
    return 0;
}

/* Until it is interrupted, or nobody reads what it prints. */
int command_monitor(const struct command_call *call, struct err *err_r)
{
    AUTO(arena) now = arena_new(NULL, "monitor");
    AUTO(arena) next = arena_new(NULL, "monitor");
    struct admin_watch watch = {.places = STR("")};

    while (ferror(stdout) == 0) {
        struct arena *swap = now;

        TRY(backend_watch(call->backend, address_of(call), watch.places, next, &watch, err_r));
        (void)fwrite(watch.lines.p, 1, watch.lines.n, stdout);
        (void)fflush(stdout);
        now = next;
        next = swap;
        arena_reset(next);
    }
    return 0;
}
