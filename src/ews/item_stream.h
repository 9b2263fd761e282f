/*
 * An item as one string of bytes, for ExportItems and UploadItems: all that is kept of it but its
 * ids, its place and who made it. A private format; what this version cannot read it refuses.
 *
 * Format: "EWERITEM", version byte 1, varint kind, varint flags, zigzag time of receipt, varint
 * length and property record, a byte that says whether there is a message, varint length and
 * message, and 8 bytes of checksum over all before (FNV-1a, little endian). The checksum finds
 * damage, not malice: every value is looked at when it is read.
 */
#ifndef EWS_ITEM_STREAM_H
#define EWS_ITEM_STREAM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "mailbox/mailbox.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

struct item_stream {
    enum item_kind kind;
    uint32_t flags;
    int64_t received_ms;
    struct str record; /* a property record (mailbox/props.h) */
    struct str mime;   /* p NULL: there is none */
};

/* Appends to out. */
void item_stream_write(const struct item_stream *item, struct buf *out);
/* The message points into bytes; the record is written anew in the arena, without what belongs to
 * the item that it was taken of. ERR_PARSE. */
int item_stream_read(struct str bytes, struct arena *arena, struct item_stream *item_r,
                     struct err *err_r) WARN_UNUSED;

/* A property record that came from outside, written anew in the arena without what belongs to the
 * item that it was taken of. False when a value of it is none. */
bool item_record_renew(struct str *record, struct arena *arena);

#endif
