/* ewerctl's command line: one table of options, from which parsing and --help come. Callers:
 * main.c, tests. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "base/buf.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

struct options {
    const char *data, *name, *folder;
    bool password_stdin, help, version;
    char **words; /* what is no option, in order; point into argv */
    int word_count;
};
/* Options stand anywhere, as "--name VALUE" or "--name=VALUE"; "--" ends them. argv is reordered.
 * ERR_USAGE. */
int options_parse(struct options *options_r, int argc, char **argv, struct err *err_r) WARN_UNUSED;
/* The lines of --help that describe them. */
void options_describe(struct buf *out);

#endif
