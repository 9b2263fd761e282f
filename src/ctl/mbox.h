/*
 * mbox files: where the messages are, and their bytes. A separator is a line that begins with "From
 * " at the start of the file or after an empty line; that empty line belongs to neither message.
 * Content-Length is ignored: it lies too often. Quoting is taken as mboxrd's: one ">" is removed
 * from a line of ">From ", ">>From " and so on. Line ends stay as they are. Callers: sources.c.
 */
#ifndef CTL_MBOX_H
#define CTL_MBOX_H

#include "base/buf.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

struct mbox_message {
    uint64_t offset, length; /* without the separator and the empty line before the next one */
    bool has_date;           /* of the separator line */
    int64_t date_ms;
};
typedef int mbox_found(void *context, const struct mbox_message *message, struct err *err_r);
/* Reads fd from its start, in pieces; calls for each message in order and stops at a negative
 * result, which it returns. ERR_IO. */
int mbox_scan(int fd, mbox_found *found, void *context, struct err *err_r) WARN_UNUSED;

/* The date of "From sender Thu Jan  1 00:00:00 1970" with or without seconds and a numeric zone;
 * UTC when it names none. */
bool mbox_from_line_date(struct str line, int64_t *date_ms_r);
void mbox_unquote(struct buf *out, struct str bytes);

#endif
