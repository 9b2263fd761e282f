/* Names in a Maildir and its Maildir++ subfolders. Callers: sources.c. */
#ifndef CTL_MAILDIR_H
#define CTL_MAILDIR_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct maildir_name {
    bool has_time; /* a plausible epoch leads the name */
    int64_t seconds;
    uint32_t micros;  /* of "M123456" in the name's second part; orders messages of one second */
    bool read, draft; /* flags S and D */
};
struct maildir_name maildir_name_read(struct str name);

/* ".A.B" to "A/B", from modified UTF-7 (RFC 3501 5.1.3) to UTF-8; what is not well-formed stays as
 * it is. */
void maildir_folder_path(struct buf *out, struct str directory);

#endif
