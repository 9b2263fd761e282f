/* Where a new password comes from. Callers: the user commands. */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include "base/macros.h"
#include "ctl/limits.h"

#include <stdbool.h>

struct err;

struct password {
    char text[CTL_PASSWORD_BYTES + 2]; /* terminated */
    bool generated;                    /* nobody knows it yet: print it */
};
/*
 * from_stdin: the first line of standard input. Else asked for twice on the terminal; without one,
 * made up. ERR_USAGE when it is empty, too long or differs, ERR_IO. Wipe with password_fini.
 */
int password_get(struct password *password_r, bool from_stdin, struct err *err_r) WARN_UNUSED;
void password_fini(struct password *password);

#endif
