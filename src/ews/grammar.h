/*
 * Request grammar: tables that say which children an element has, in order, and how often. What the
 * schema calls invalid is refused here, with the position, so operations only see well-formed
 * requests.
 */
#ifndef EWS_GRAMMAR_H
#define EWS_GRAMMAR_H

#include "base/err.h"
#include "base/str.h"
#include "xml/xml_doc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grammar_child {
    enum xml_ns
        ns; /* XML_NS_OTHER: matched by local name only (a real client errs in the namespace) */
    const char *name;
    unsigned min, max; /* max 0: unbounded */
};

/* Checks node's children against an xs:sequence. found_r[i] is the first child for row i, or
 * NULL. ERR_SCHEMA with position and a DETAIL text such as "The element 'SyncFolderItems' has
 * invalid child element 'X'." */
int grammar_sequence(const struct xml_node *node, const struct grammar_child *children, size_t n,
                     const struct xml_node **found_r, struct err *err_r) WARN_UNUSED;
/* An xs:choice of exactly one child: index into names. */
int grammar_choice(const struct xml_node *node, enum xml_ns ns, const char *const *names, size_t n,
                   size_t *index_r, struct err *err_r) WARN_UNUSED;

/* Text values; white space around is trimmed as xs types do. All ERR_SCHEMA. node NULL is not
 * allowed. */
int grammar_int(const struct xml_node *node, int64_t min, int64_t max, int64_t *v_r,
                struct err *err_r) WARN_UNUSED;
int grammar_bool(const struct xml_node *node, bool *v_r, struct err *err_r) WARN_UNUSED;
/* Index in a NULL-terminated list; case-sensitive. */
int grammar_enum(const struct xml_node *node, const char *const *names, size_t *index_r,
                 struct err *err_r) WARN_UNUSED;
/* The same for attributes. Required and absent: ERR_SCHEMA; optional and absent: *_r untouched. */
int grammar_attr_enum(const struct xml_node *node, const char *attr, bool required,
                      const char *const *names, size_t *index_r, struct err *err_r) WARN_UNUSED;
int grammar_attr_int(const struct xml_node *node, const char *attr, bool required, int64_t min,
                     int64_t max, int64_t *v_r, struct err *err_r) WARN_UNUSED;
int grammar_attr_bool(const struct xml_node *node, const char *attr, bool required, bool *v_r,
                      struct err *err_r) WARN_UNUSED;
int grammar_attr_str(const struct xml_node *node, const char *attr, bool required, struct str *v_r,
                     struct err *err_r) WARN_UNUSED;
/* ERR_SCHEMA at node's position. */
int grammar_fail(const struct xml_node *node, struct err *err_r, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
