/*
 * Extended properties as they are kept: a small byte string of keys and values, whatever a client thinks of. Folders keep one each; the format fits any
 * object's record.
 *
 * Format: version byte 1, then for each property, in ascending order of key: varint length, key, varint length, value. A key is a path's canonical spelling, so equal
 * paths have equal keys; a value begins with its enum value_type.
 */
#ifndef EWS_EXTENDED_STORE_H
#define EWS_EXTENDED_STORE_H

#include "base/err.h"
#include "base/str.h"
#include "ews/extended.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct ews_call;
struct value;
struct xml_node;

struct extended_entry {
    struct str key, value; /* as coded */
};
struct extended_store {
    struct arena *arena; /* of the entries */
    struct extended_entry *entries;
    size_t n;
};
/* From bytes, which must stay; empty and damaged ones give what could be read. */
void extended_store_open(struct extended_store *store, struct arena *arena, struct str bytes);
/* False when there is none. Texts point into the bytes. */
bool extended_store_get(const struct extended_store *store, const struct extended_path *path,
                        struct value *value_r);
/* VALUE_NONE removes. */
void extended_store_put(struct extended_store *store, const struct extended_path *path,
                        const struct value *value);
/* "" when it is empty; lives in the arena. */
struct str extended_store_bytes(const struct extended_store *store);
/* The same of bytes, without opening them: for answers. */
bool extended_bytes_get(struct str bytes, const struct extended_path *path, struct value *value_r);

/* A t:ExtendedProperty of a request: its path and its value. ERR_SCHEMA, what extended_path_parse refuses, ERR_EXTENDED_VALUE for a value that is not of
 * the type. Values of types without a value_type of their own (Double, CLSID, arrays of them …) are kept as texts. */
int extended_property_parse(struct ews_call *call, const struct xml_node *node,
                            struct extended_path *path_r, struct value *value_r, struct err *err_r)
    WARN_UNUSED;

#endif
