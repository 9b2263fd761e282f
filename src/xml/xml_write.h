/*
 * Fast appending XML writer over struct buf. The caller writes start tags as literals where it can
 * (XML_LIT) and text through the escaping appenders. It keeps no stack: balance is the caller's,
 * checked by the schema tests.
 */
#ifndef XML_XML_WRITE_H
#define XML_XML_WRITE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Escapes & < > (and " in attributes), turns characters that XML 1.0 forbids and invalid UTF-8
 * into U+FFFD, CR into &#13;. */
void xml_add_text(struct buf *b, struct str s);
void xml_add_attr_text(struct buf *b, struct str s);

/* <name>text</name>, with name including its prefix, such as "t:Subject". */
void xml_add_element(struct buf *b, struct str name, struct str text);
void xml_add_element_i64(struct buf *b, struct str name, int64_t v);
void xml_add_element_bool(struct buf *b, struct str name, bool v);
/* xs:dateTime in UTC. */
void xml_add_element_time(struct buf *b, struct str name, int64_t unix_ms, bool millis);
/* <name>base64</name> */
void xml_add_element_base64(struct buf *b, struct str name, const void *p, size_t n);
void xml_open(struct buf *b, struct str name);  /* <name> */
void xml_close(struct buf *b, struct str name); /* </name> */

#endif
