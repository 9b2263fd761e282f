#include "ctl/commands.h"

#include "base/arena.h"
#include "ctl/backend.h"
#include "ctl/options.h"
#include "ctl/password.h"

#include <stdio.h>

static void print_generated(const struct password *password)
{
    if (password->generated) {
        (void)printf("password: %s\n", password->text);
    }
}

int command_user_add(const struct command_call *call, struct err *err_r)
{
    struct password password;
    int rc = password_get(&password, call->options->password_stdin, err_r);

    if (rc == 0) {
        rc = backend_user_add(call->backend, str_from(call->words[0]),
                              str_from(call->options->name != NULL ? call->options->name : ""),
                              str_from(password.text), err_r);
    }
    if (rc == 0) {
        (void)printf("added %s\n", call->words[0]);
        print_generated(&password);
    }
    password_fini(&password);
    return rc;
}

int command_user_passwd(const struct command_call *call, struct err *err_r)
{
    struct password password;
    int rc = password_get(&password, call->options->password_stdin, err_r);

    if (rc == 0) {
        rc = backend_user_passwd(call->backend, str_from(call->words[0]), str_from(password.text),
                                 err_r);
    }
    if (rc == 0) {
        (void)printf("changed the password of %s\n", call->words[0]);
        print_generated(&password);
    }
    password_fini(&password);
    return rc;
}

int command_user_list(const struct command_call *call, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "list");
    struct str lines;

    TRY(backend_user_list(call->backend, arena, &lines, err_r));
    (void)fwrite(lines.p, 1, lines.n, stdout);
    return 0;
}

int command_user_delete(const struct command_call *call, struct err *err_r)
{
    TRY(backend_user_delete(call->backend, str_from(call->words[0]), err_r));
    (void)printf("deleted %s\n", call->words[0]);
    return 0;
}
