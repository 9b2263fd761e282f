/*
 * What the writers of messages share: bytes appended in two passes, the first of which only counts, so that a message of any size is one allocation;
 * header fields; transfer encodings.
 */
#ifndef MIME_COMPOSE_PRIVATE_H
#define MIME_COMPOSE_PRIVATE_H

#include "mime/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct arena;

/* ---- bytes (compose_wire.c) ---- */

struct wire {
    char *p;           /* NULL: only counts */
    size_t n;          /* bytes so far */
    size_t line_start; /* where the last line started */
};

static inline void wire_append(struct wire *w, const void *p, size_t n)
{
    if (w->p != NULL && n > 0) {
        memcpy(w->p + w->n, p, n);
    }
    w->n += n;
}

static inline void wire_str(struct wire *w, struct str s)
{
    wire_append(w, s.p, s.n);
}

static inline void wire_cstr(struct wire *w, const char *s)
{
    wire_append(w, s, strlen(s));
}

static inline void wire_char(struct wire *w, char c)
{
    wire_append(w, &c, 1);
}

static inline void wire_newline(struct wire *w)
{
    wire_append(w, "\r\n", 2);
    w->line_start = w->n;
}

static inline size_t wire_column(const struct wire *w)
{
    return w->n - w->line_start;
}

enum wire_encoding { WIRE_7BIT, WIRE_8BIT, WIRE_QP, WIRE_BASE64 };

/* Line ends of any kind made CRLF; text itself when they are. */
struct str wire_text(struct arena *arena, struct str text);
/* The plainest encoding that carries a text of CRLF lines through any transport. */
enum wire_encoding wire_encoding_of_text(struct str text);
/* As it stands where that may be, else base64: for nested messages. */
enum wire_encoding wire_encoding_of_message(struct str message);
const char *wire_encoding_name(enum wire_encoding encoding);
/* Without a line end after the last line. */
void wire_content(struct wire *w, struct str content, enum wire_encoding encoding);

/* ---- header fields (compose_field.c): each a whole line, or several folded ones ---- */

/* Any text, as encoded words where needed. */
void wire_field_text(struct wire *w, struct arena *arena, struct str name, struct str value);
/* Identifiers and the like, which are never encoded. Nothing is written for an empty value. */
void wire_field_raw(struct wire *w, struct arena *arena, const char *name, struct str value);
/* Text on one line; of it nothing but this function's caller may be hostile. */
void wire_field_literal(struct wire *w, const char *name, const char *value);
/* "; key=value" in a field that is open, by RFC 2231 where needed. */
void wire_parameter(struct wire *w, struct arena *arena, const char *key, struct str value);

/* ---- addresses (compose_address.c) ---- */

void wire_field_addresses(struct wire *w, struct arena *arena, const char *name,
                          struct mime_addresses addresses);
/* Encoded words of value, folded. Valid UTF-8 without line ends. */
void wire_encoded_words(struct wire *w, struct str value);

/* ---- all fields of a draft but those of its structure (compose_header.c) ---- */

struct mime_draft;
void wire_header(struct wire *w, struct arena *arena, const struct mime_draft *draft);

/* Line ends and NULs turned to spaces, the rest clean. */
struct str wire_clean(struct arena *arena, struct str s);

#endif
