/* Base64, RFC 4648 section 4, standard alphabet with padding. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define BASE64_BYTES(n) (((n) + 2) / 3 * 4)

/* Writes BASE64_BYTES(n) characters to out; returns their number. */
size_t base64_encode_to(char *out, const void *p, size_t n);
void base64_encode(struct buf *out, const void *p, size_t n);
/* Strict: no white space, exact padding, zero spare bits (so each value has one text). False
 * otherwise, out as before. */
bool base64_decode(struct buf *out, struct str text);
/* As above into a fixed array; false also if it does not fit. */
bool base64_decode_to(unsigned char *out, size_t cap, struct str text, size_t *n_r);
/* Lenient: skips white space, takes absent padding and spare bits; for MIME and xs:base64Binary
 * from clients. False on any other character, out as before. */
bool base64_decode_lenient(struct buf *out, struct str text);

#endif
