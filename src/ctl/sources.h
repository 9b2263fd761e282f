/*
 * Where an import's messages are: mbox files, Maildirs, .eml files and directories of them, told
 * apart by what they contain. First all paths are scanned, then sorted oldest first, then each
 * message is read when its turn comes; what is kept of a message meanwhile is some hundred bytes.
 * Callers: the import command.
 */
#ifndef CTL_SOURCES_H
#define CTL_SOURCES_H

#include "base/buf.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct source_message {
    const char *path;        /* the file */
    const char *folder;      /* of a Maildir++ subfolder; NULL: none */
    uint64_t offset, length; /* in an mbox; length 0: the whole file */
    /* Maildir: of the name. mbox: of the separator, else Date. One message: Date. Else mtime. */
    int64_t received_ms;
    uint32_t micros; /* finer order within a second */
    bool read, draft;
};

struct sources;
struct sources *sources_new(void);
void sources_free(struct sources **sources);

/* May be called for several paths. ERR_IO, ERR_PARSE for a file that is neither mbox nor message.
 */
int sources_scan(struct sources *sources, const char *path, struct err *err_r) WARN_UNUSED;
/* Oldest first over all paths; messages of one time stay in the order of scanning. */
void sources_sort(struct sources *sources);
size_t sources_count(const struct sources *sources);
const struct source_message *sources_message(const struct sources *sources, size_t i);
/* Files in scanned directories that are no messages. */
size_t sources_passed_over(const struct sources *sources);
/* Appends the message's bytes as they are to be stored. On failure out is as before. ERR_IO,
 * ERR_TOO_LARGE. One thread. */
int sources_read(struct sources *sources, const struct source_message *message, struct buf *out,
                 struct err *err_r) WARN_UNUSED;

DEFINE_AUTO(sources, sources_free)

#endif
