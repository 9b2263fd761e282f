/* UTF-8: validation, and cleaning of stored text for XML 1.0. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

bool utf8_valid(struct str s);
/* One code point from the front of *s (advanced); U+FFFD for each invalid byte. s->n > 0. */
uint32_t utf8_take(struct str *s);
void utf8_put(struct buf *b, uint32_t code_point);
/* Valid UTF-8 in which every character is one that XML 1.0 allows; others become U+FFFD. Returns
 * s itself when it is clean. */
struct str utf8_for_xml(struct arena *arena, struct str s);
/* The bytes of the character at the front of s (s.n > 0) if it is valid UTF-8 and XML 1.0 allows
 * it, else 0. */
size_t utf8_xml_char_bytes(struct str s);
/* At most max_bytes of s, not cutting a code point. */
struct str utf8_cut(struct str s, size_t max_bytes);
/* The first max_chars code points. */
struct str utf8_cut_chars(struct str s, size_t max_chars);
/* Simple case folding for comparisons: towlower of each code point below U+2000 by table-free
 * rules (Latin, Greek, Cyrillic), others as they are. */
struct str utf8_fold(struct arena *arena, struct str s);

#endif
