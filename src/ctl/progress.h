/* How far an import is, on stderr: a bar on a terminal, else a line each tenth. Callers: the import
 * command. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    size_t total;
    bool bar;
    size_t told; /* percent last shown */
    int64_t start_ms;
};
void progress_init(struct progress *progress, size_t total);
void progress_show(struct progress *progress, size_t done);
/* Ends the bar's line. */
void progress_fini(struct progress *progress);

#endif
