#include "base/arena.h"

#include "base/limits.h"
#include "base/mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN alignof(max_align_t)

/*
 * A block of memory. In the debug build every allocation is a block of its own.
 * I1: the list of an arena's blocks starts with the one that is bumped (release build).
 */
struct block {
    struct block *next;
    struct block *prev;
    struct arena *owner;
    size_t bytes;
    alignas(max_align_t) char data[];
};

struct arena {
    struct arena *parent;
    struct arena *first_child;
    struct arena *next; /* siblings */
    struct arena *prev;
    const char *name;
    struct block *blocks;
    size_t used_bytes; /* handed out here, children not included */
#ifndef EWER_ARENA_DEBUG
    char *last; /* latest allocation: the one that can grow in place */
    char *free; /* I2: free..end is the rest of the block in use */
    char *end;
    size_t next_block_bytes;
    size_t first_bytes;
    alignas(max_align_t) char first[];
#endif
};

static void children_free(struct arena *arena);
static void contents_free(struct arena *arena);
static void contents_init(struct arena *arena);

static struct arena *new_with_room(size_t bytes)
{
#ifdef EWER_ARENA_DEBUG
    (void)bytes;
    return mem_alloc(sizeof(struct arena));
#else
    struct arena *arena = mem_alloc(sizeof(*arena) + bytes);

    arena->first_bytes = bytes;
    return arena;
#endif
}

struct arena *arena_new(struct arena *parent, const char *name)
{
    return arena_new_sized(parent, name, ARENA_FIRST_BLOCK_BYTES);
}

struct arena *arena_new_sized(struct arena *parent, const char *name, size_t bytes)
{
    struct arena *arena = new_with_room(bytes);

    arena->parent = parent;
    arena->first_child = NULL;
    arena->prev = NULL;
    arena->next = NULL;
    arena->name = name;
    if (parent != NULL) {
        arena->next = parent->first_child;
        if (arena->next != NULL) {
            arena->next->prev = arena;
        }
        parent->first_child = arena;
    }
    contents_init(arena);
    return arena;
}

static void unlink_from_parent(struct arena *arena)
{
    if (arena->next != NULL) {
        arena->next->prev = arena->prev;
    }
    if (arena->prev != NULL) {
        arena->prev->next = arena->next;
    } else if (arena->parent != NULL) {
        arena->parent->first_child = arena->next;
    }
}

void arena_free(struct arena **arena)
{
    struct arena *old = *arena;

    if (old == NULL) {
        return;
    }
    *arena = NULL;
    children_free(old);
    unlink_from_parent(old);
    contents_free(old);
    free(old);
}

void arena_reset(struct arena *arena)
{
    children_free(arena);
    contents_free(arena);
    contents_init(arena);
}

static void children_free(struct arena *arena)
{
    while (arena->first_child != NULL) {
        struct arena *child = arena->first_child;

        arena_free(&child);
    }
}

static void contents_free(struct arena *arena)
{
    struct block *block = arena->blocks;

    while (block != NULL) {
        struct block *next = block->next;

        free(block);
        block = next;
    }
    arena->blocks = NULL;
}

size_t arena_used_bytes(const struct arena *arena)
{
    size_t bytes = arena->used_bytes;

    for (const struct arena *child = arena->first_child; child != NULL; child = child->next) {
        bytes += arena_used_bytes(child);
    }
    return bytes;
}

static struct block *block_new(struct arena *arena, size_t bytes)
{
    struct block *block;

    if (bytes > SIZE_MAX / 2) {
        mem_die();
    }
    block = mem_alloc(sizeof(*block) + bytes);
    block->owner = arena;
    block->bytes = bytes;
    return block;
}

static void block_link_first(struct arena *arena, struct block *block)
{
    block->prev = NULL;
    block->next = arena->blocks;
    if (block->next != NULL) {
        block->next->prev = block;
    }
    arena->blocks = block;
}

#ifdef EWER_ARENA_DEBUG

static void contents_init(struct arena *arena)
{
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

static void *alloc_aligned(struct arena *arena, size_t bytes, size_t align)
{
    struct block *block = block_new(arena, bytes);

    (void)align; /* malloc's serves all */
    block_link_first(arena, block);
    arena->used_bytes += bytes;
    return memset(block->data, 0, bytes);
}

static struct block *block_of(void *p)
{
    return (struct block *)(void *)((char *)p - offsetof(struct block, data));
}

/* Always moves, and frees the old place, so that a stale pointer to it is seen. */
void *arena_grow(struct arena *arena, void *p, size_t old_bytes, size_t new_bytes)
{
    struct block *old;
    void *q;

    if (p == NULL) {
        return arena_alloc(arena, new_bytes);
    }
    old = block_of(p);
    assert(old->owner == arena);
    assert(old_bytes <= old->bytes);
    q = arena_alloc(arena, new_bytes);
    memcpy(q, p, old_bytes < new_bytes ? old_bytes : new_bytes);
    old->prev->next = old->next; /* q stands before it */
    if (old->next != NULL) {
        old->next->prev = old->prev;
    }
    arena->used_bytes -= old->bytes;
    free(old);
    return q;
}

#else

static void contents_init(struct arena *arena)
{
    arena->blocks = NULL;
    arena->used_bytes = 0;
    arena->last = NULL;
    arena->free = arena->first;
    arena->end = arena->first + arena->first_bytes;
    arena->next_block_bytes = 2 * ARENA_FIRST_BLOCK_BYTES;
}

/* A large allocation gets a block of its own behind the current one, whose rest stays in use. */
static char *alloc_own_block(struct arena *arena, size_t bytes)
{
    struct block *block = block_new(arena, bytes);

    if (arena->blocks == NULL) {
        block_link_first(arena, block);
    } else {
        block->prev = arena->blocks;
        block->next = arena->blocks->next;
        if (block->next != NULL) {
            block->next->prev = block;
        }
        arena->blocks->next = block;
    }
    return block->data;
}

static char *alloc_new_block(struct arena *arena, size_t bytes)
{
    struct block *block;

    if (bytes > arena->next_block_bytes / 4) {
        return alloc_own_block(arena, bytes);
    }
    block = block_new(arena, arena->next_block_bytes);
    block_link_first(arena, block);
    if (arena->next_block_bytes < ARENA_MAX_BLOCK_BYTES) {
        arena->next_block_bytes *= 2;
    }
    arena->free = block->data + bytes;
    arena->end = block->data + block->bytes;
    return block->data;
}

static void *alloc_aligned(struct arena *arena, size_t bytes, size_t align)
{
    size_t pad = -(uintptr_t)arena->free & (align - 1);
    size_t room = (size_t)(arena->end - arena->free);
    char *p;

    if (pad <= room && bytes <= room - pad) {
        p = arena->free + pad;
        arena->free = p + bytes;
    } else {
        p = alloc_new_block(arena, bytes);
    }
    arena->last = p;
    arena->used_bytes += bytes;
    return memset(p, 0, bytes);
}

static bool grow_in_place(struct arena *arena, char *p, size_t old_bytes, size_t new_bytes)
{
    if (p != arena->last || arena->free != p + old_bytes || new_bytes > (size_t)(arena->end - p)) {
        return false;
    }
    arena->free = p + new_bytes;
    arena->used_bytes += new_bytes - old_bytes;
    memset(p + old_bytes, 0, new_bytes - old_bytes);
    return true;
}

void *arena_grow(struct arena *arena, void *p, size_t old_bytes, size_t new_bytes)
{
    void *q;

    if (p != NULL && (new_bytes <= old_bytes || grow_in_place(arena, p, old_bytes, new_bytes))) {
        return p;
    }
    q = arena_alloc(arena, new_bytes);
    if (p != NULL) {
        memcpy(q, p, old_bytes);
    }
    return q;
}

#endif

void *arena_alloc(struct arena *arena, size_t bytes)
{
    /* Even an empty allocation has an address of its own. */
    return alloc_aligned(arena, bytes != 0 ? bytes : 1, ARENA_ALIGN);
}

void *arena_alloc_array(struct arena *arena, size_t n, size_t element_bytes)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, element_bytes, &bytes)) {
        mem_die();
    }
    return arena_alloc(arena, bytes);
}

void *arena_memdup(struct arena *arena, const void *p, size_t bytes)
{
    void *q = arena_alloc(arena, bytes);

    if (bytes != 0) {
        memcpy(q, p, bytes);
    }
    return q;
}

char *arena_strndup(struct arena *arena, const char *s, size_t bytes)
{
    char *q;

    if (bytes == SIZE_MAX) {
        mem_die();
    }
    q = alloc_aligned(arena, bytes + 1, 1);
    if (bytes != 0) {
        memcpy(q, s, bytes);
    }
    return q;
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return arena_strndup(arena, s, strlen(s));
}

char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
{
    va_list again;
    char *text;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    assert(n >= 0);
    text = alloc_aligned(arena, (size_t)n + 1, 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = arena_vprintf(arena, fmt, ap);
    va_end(ap);
    return text;
}
