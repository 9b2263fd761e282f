/*
 * Header fields of a message replaced while everything else stays byte for byte: what an edit of a
 * subject or of recipients does to a message whose structure or signature must not suffer. Caller:
 * ews, for edits and for sending.
 */
#ifndef MIME_PATCH_H
#define MIME_PATCH_H

#include "base/str.h"
#include "mime/compose.h"

#include <stddef.h>

struct arena;

/*
 * raw without the fields of the given names, and on top of it those that mime_compose writes for
 * the values under these names. A name that the values have nothing for is only removed. raw itself
 * when nothing of either is there.
 */
struct str mime_replace_fields(struct str raw, const struct mime_draft *values,
                               const char *const *names, size_t n, struct arena *arena);

#endif
