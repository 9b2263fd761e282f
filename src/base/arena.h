/*
 * Arenas: memory whose lifetime has a name (conn, req, tmp). They form a tree; freeing one frees
 * its children. Everything is zeroed. Out of memory aborts: a server restarts, it does not limp. An
 * arena belongs to one thread at a time.
 *
 * Built with EWER_ARENA_DEBUG each allocation is its own malloc, so that AddressSanitizer sees
 * overruns and use after reset.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/macros.h"

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* parent may be NULL. name is kept by reference (a literal). */
struct arena *arena_new(struct arena *parent, const char *name);
/* For what lives long and holds little: its first block has room for so much. */
struct arena *arena_new_sized(struct arena *parent, const char *name, size_t bytes);
void arena_free(struct arena **arena);
/* Frees children and contents; the arena stays usable and keeps one block. */
void arena_reset(struct arena *arena);
/* Bytes handed out, children included. */
size_t arena_used_bytes(const struct arena *arena);

void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((malloc, alloc_size(2)));
/* Grows the last allocation in place where possible, copies otherwise. New bytes are zero. */
void *arena_grow(struct arena *arena, void *p, size_t old_bytes, size_t new_bytes);
void *arena_memdup(struct arena *arena, const void *p, size_t bytes);
char *arena_strdup(struct arena *arena, const char *s);
char *arena_strndup(struct arena *arena, const char *s, size_t bytes);
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
/* n elements; aborts when the product overflows. */
void *arena_alloc_array(struct arena *arena, size_t n, size_t element_bytes);
#define ARENA_ARRAY(arena, type, n) ((type *)arena_alloc_array((arena), (n), sizeof(type)))

DEFINE_AUTO(arena, arena_free)

#endif
