/*
 * Safe XML reading: bytes -> a small tree in an arena, by libxml2's SAX push parser. No DTD, no
 * entities but the five built-in ones, no processing instructions, bounded depth, nodes, attributes
 * and bytes. Names are matched by namespace and local name only.
 */
#ifndef XML_XML_DOC_H
#define XML_XML_DOC_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct err;

/* The namespaces the house speaks; anything else is XML_NS_OTHER. */
enum xml_ns {
    XML_NS_NONE, /* no namespace */
    XML_NS_OTHER,
    XML_NS_SOAP, /* http://schemas.xmlsoap.org/soap/envelope/ */
    XML_NS_SOAP12,
    XML_NS_MESSAGES, /* m: */
    XML_NS_TYPES,    /* t: */
    XML_NS_ERRORS    /* e: */
};

struct xml_attr {
    enum xml_ns ns;
    struct str name;  /* local name */
    struct str value; /* normalised by the parser */
};

/*
 * One element. text is the concatenated character data directly inside (not trimmed); it is empty
 * for elements with element children unless they are mixed.
 */
struct xml_node {
    enum xml_ns ns;
    struct str name;
    struct str text;
    const struct xml_attr *attrs;
    uint32_t attr_count;
    uint32_t child_count;
    int line, column;
    struct xml_node *parent;
    struct xml_node *first_child;
    struct xml_node *next; /* sibling */
};

struct xml_limits {
    size_t max_bytes;
    uint32_t max_depth;
    uint32_t max_nodes;
    uint32_t max_attrs; /* an element */
};

struct xml_parser;

/* Feed-as-it-comes parsing: every chunk of a request body is parsed as it arrives. The tree
 * lives in arena. limits is copied. */
struct xml_parser *xml_parser_new(struct arena *arena, const struct xml_limits *limits);
void xml_parser_free(struct xml_parser **parser);
/* ERR_SCHEMA with at_line/at_column for anything that is not well-formed or not allowed;
 * ERR_TOO_LARGE beyond max_bytes. After an error only free is allowed. */
int xml_parser_feed(struct xml_parser *parser, const void *p, size_t n, struct err *err_r)
    WARN_UNUSED;
/* The root element, once all bytes are fed. */
int xml_parser_finish(struct xml_parser *parser, struct xml_node **root_r, struct err *err_r)
    WARN_UNUSED;

/* All at once. */
int xml_parse(struct arena *arena, struct str text, const struct xml_limits *limits,
              struct xml_node **root_r, struct err *err_r) WARN_UNUSED;

bool xml_is(const struct xml_node *node, enum xml_ns ns, const char *name);
/* First child of that name, or NULL. ns XML_NS_OTHER matches any namespace. */
struct xml_node *xml_child(const struct xml_node *node, enum xml_ns ns, const char *name);
/* Unqualified attribute's value; p is NULL when absent. */
struct str xml_attr(const struct xml_node *node, const char *name);

DEFINE_AUTO(xml_parser, xml_parser_free)

#endif
