/* The exit code of an error, by sysexits.h. Callers: main.c, tests. */
#ifndef CTL_EXIT_CODES_H
#define CTL_EXIT_CODES_H

#include "base/err.h"

int exit_code_of(enum err_kind kind);

#endif
