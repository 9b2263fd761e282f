/*
 * Finds where a stream of XML may be cut so that the parser never sees half a tag, comment, CDATA
 * section, processing instruction or character: the push parser of libxml2 answers those
 * differently than whole ones. Also counts the attributes of a tag, before a parser that compares
 * each with each sees them. Caller: xml_doc.c.
 *
 * It checks nothing else: what is not well-formed is handed on for the parser to refuse.
 */
#ifndef XML_XML_CUT_H
#define XML_XML_CUT_H

#include "base/str.h"

#include <stdint.h>

struct xml_cut {
    unsigned char state;
    uint32_t attrs; /* of the tag being read */
    uint32_t max_attrs;
};

void xml_cut_init(struct xml_cut *cut, uint32_t max_attrs);

/*
 * Looks at bytes from..n of s; those before were looked at already. *safe_r: the length of the
 * front of s that may be handed on, at most n. False when a tag has too many attributes.
 */
bool xml_cut_scan(struct xml_cut *cut, struct str s, size_t from, size_t *safe_r);

#endif
