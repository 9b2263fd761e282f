/* The commands of ewerctl, each in a file of its own: main.c has the table. A command prints its
 * result on stdout; errors are main's to print. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "base/macros.h"

struct backend;
struct err;
struct options;

/* words: what follows the command's name; their number was checked. */
struct command_call {
    struct backend *backend;
    const struct options *options;
    char **words;
    int word_count;
};

int command_user_add(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_user_list(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_user_passwd(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_user_delete(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_import(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_deliver(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_sub_list(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_sub_show(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_sub_delete(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_monitor(const struct command_call *call, struct err *err_r) WARN_UNUSED;
int command_check(const struct command_call *call, struct err *err_r) WARN_UNUSED;

#endif
