/*
 * The heap for the rooms of the server: as malloc and realloc, but out of memory aborts. Callers:
 * arena, buf, map and the few others that own heap memory; free with free().
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_alloc_zero(size_t n, size_t element_bytes)
    __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *mem_realloc(void *p, size_t bytes) __attribute__((alloc_size(2), returns_nonnull));
/* For sizes that overflow before they reach the allocator. */
_Noreturn void mem_die(void);

#endif
