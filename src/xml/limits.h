/* Numbers of the room xml, each with its reason. Callers: the .c files of xml only; what a
 * request may hold (struct xml_limits) is its reader's business. */
#ifndef XML_LIMITS_H
#define XML_LIMITS_H

/* A tag, comment or CDATA section is held back until it is whole; libxml2 itself bears 10
 * million bytes. */
#define XML_MARKUP_MAX_BYTES (8 * 1024 * 1024)

/* A whole body is given to libxml2 in such slices, so that its look-ahead stays small. */
#define XML_SLICE_BYTES (64 * 1024)

/* libxml2 ends at 256 open elements by itself; a larger limit would not be ours. */
#define XML_DEPTH_MAX 255

/* The parser's message in an error text is cut here: it may cite the input, and input belongs in
 * no log. */
#define XML_MESSAGE_CHARS 60

/* Places of the cache of names; a request uses some tens. A power of two. */
#define XML_NAME_CACHE 128

/* A text buffer that grew beyond is given back at the end of its element. */
#define XML_TEXT_KEEP_BYTES (64 * 1024)

#endif
