/*
 * Restrictions: the tree of m:Restriction, parsed and checked once, then tested on items or
 * folders. Callers: FindItem, FindFolder, views.c (the
 * condition of a SeekToCondition view).
 */
#ifndef EWS_RESTRICTION_H
#define EWS_RESTRICTION_H

#include "base/err.h"
#include "ews/props.h"

#include <stdbool.h>

struct arena;
struct restriction;

/* Whose properties the paths name. Paths of folders are checked when tested: their table is
 * elsewhere. */
enum restriction_of { RESTRICTION_OF_ITEMS, RESTRICTION_OF_FOLDERS };

/* node holds exactly one search expression. ERR_SCHEMA; ERR_PATH_FOR_QUERY,
 * ERR_PROPERTY_FOR_EXISTS, ERR_PROPERTY_VALUE (with the path in *message_xml_r),
 * ERR_RESTRICTION, ERR_RESTRICTION_TOO_COMPLEX. */
int restriction_parse(struct ews_call *call, const struct xml_node *node, enum restriction_of of,
                      struct restriction **restriction_r, struct str *message_xml_r,
                      struct err *err_r) WARN_UNUSED;
/* Whether testing an item takes its message, not only its record. */
bool restriction_needs_message(const struct restriction *restriction);

/* Whether it takes the record, or more: see prop_path_needs_record. */
bool restriction_needs_record(const struct restriction *restriction);
/* Times of receipt outside which nothing matches: from, and up to without. False when there are no
 * such. */
bool restriction_received_bounds(const struct restriction *restriction, int64_t *from_ms_r,
                                 int64_t *to_ms_r);

/* Where values come from: value() as folder_path_value or an item's. */
struct restriction_subject {
    int (*value)(void *context, const struct prop_path *path, struct value *value_r,
                 struct err *err_r);
    void *context;
    struct arena *arena;   /* for what a test needs; the caller resets it */
    uint64_t *spent_bytes; /* what all tests of the request have cost */
    /* False: clients see whole seconds, so times are compared as such unless they name a
     * fraction. */
    bool milliseconds;
};
/* 1: matches, 0: does not. ERR_RESTRICTION_TOO_COMPLEX when the request's tests have looked at too
 * much (limits.h). */
int restriction_test(const struct restriction *restriction,
                     const struct restriction_subject *subject, struct err *err_r) WARN_UNUSED;
/* The same for an item; the view must be open. */
int restriction_test_item(const struct restriction *restriction, struct item_view *view,
                          struct err *err_r) WARN_UNUSED;

#endif
