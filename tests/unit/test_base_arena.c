/* Arenas: zeroed, aligned, kept until their end, freed with their parent. */
#include "base/arena.h"

#include "base/rand.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed_and_aligned(void **state)
{
    struct arena *arena = arena_new(NULL, "test");
    struct prng prng;

    (void)state;
    prng_seed(&prng, 1);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2000; i++) {
            size_t n = prng_below(&prng, i % 100 == 0 ? 300000 : 200);
            unsigned char *p = arena_alloc(arena, n);

            assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
            for (size_t k = 0; k < n; k++) {
                assert_int_equal(p[k], 0);
            }
            memset(p, 0xee, n);
        }
        arena_reset(arena); /* the next round gets dirty memory */
    }
    arena_free(&arena);
    assert_null(arena);
    arena_free(&arena);
}

static void a_sized_arena_grows_beyond_its_room(void **state)
{
    struct arena *arena = arena_new_sized(NULL, "small", 100);
    char *first = arena_strdup(arena, "first");

    (void)state;
    for (int i = 0; i < 100; i++) {
        memset(arena_alloc(arena, 90), 0xee, 90);
    }
    assert_string_equal(first, "first");
    arena_reset(arena);
    assert_int_equal(*arena_strdup(arena, ""), 0);
    arena_free(&arena);
}

static void allocations_do_not_overlap(void **state)
{
    enum { N = 3000 };
    struct arena *arena = arena_new(NULL, "test");
    static char *p[N];
    static size_t sizes[N];
    struct prng prng;

    (void)state;
    prng_seed(&prng, 2);
    for (size_t i = 0; i < N; i++) {
        sizes[i] = 1 + prng_below(&prng, i % 50 == 0 ? 40000 : 100);
        p[i] = i % 2 == 0 ? arena_alloc(arena, sizes[i]) : arena_strndup(arena, "", 0);
        sizes[i] = i % 2 == 0 ? sizes[i] : 1;
        memset(p[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal((unsigned char)p[i][k], i % 251);
        }
    }
    arena_free(&arena);
}

static void grown_memory_keeps_its_contents(void **state)
{
    struct arena *arena = arena_new(NULL, "test");
    unsigned char *p = NULL;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        size_t more = (size_t)i * 7 % 400;

        p = arena_grow(arena, p, n, n + more);
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(p[k], 1);
        }
        for (size_t k = n; k < n + more; k++) {
            assert_int_equal(p[k], 0);
        }
        n += more;
        memset(p, 1, n);
        if (i % 10 == 0) {
            memset(arena_alloc(arena, 5), 9, 5); /* p is not the last one any more */
        }
    }
    arena_free(&arena);
}

static void used_bytes_count_children(void **state)
{
    struct arena *parent = arena_new(NULL, "parent");
    struct arena *child = arena_new(parent, "child");
    struct arena *other = arena_new(parent, "other");

    (void)state;
    assert_int_equal(arena_used_bytes(parent), 0);
    arena_alloc(parent, 100);
    arena_alloc(child, 1000);
    arena_alloc(other, 10000);
    assert_int_equal(arena_used_bytes(parent), 11100);
    assert_int_equal(arena_used_bytes(child), 1000);
    arena_free(&child);
    assert_int_equal(arena_used_bytes(parent), 10100);
    arena_reset(parent); /* frees other */
    assert_int_equal(arena_used_bytes(parent), 0);
    arena_free(&parent);
}

/* A leak or a double free is the sanitizer's to report. */
static void parent_frees_its_tree(void **state)
{
    struct arena *parent = arena_new(NULL, "parent");

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct arena *child = arena_new(parent, "child");
        struct arena *grandchild = arena_new(child, "grandchild");

        arena_alloc(grandchild, 100000);
        if (i == 2) {
            arena_free(&child);
        }
    }
    arena_free(&parent);
}

static void texts_are_copied(void **state)
{
    AUTO(arena) arena = arena_new(NULL, "test");
    int numbers[] = {1, 2, 3};
    int *copy = arena_memdup(arena, numbers, sizeof(numbers));

    (void)state;
    assert_memory_equal(copy, numbers, sizeof(numbers));
    assert_string_equal(arena_strdup(arena, "abc"), "abc");
    assert_string_equal(arena_strndup(arena, "abcdef", 3), "abc");
    assert_string_equal(arena_printf(arena, "%s-%d", "x", 7), "x-7");
    assert_int_equal(strlen(arena_printf(arena, "%5000d", 1)), 5000);
    assert_int_equal(*ARENA_NEW(arena, int), 0);
    assert_int_equal(ARENA_ARRAY(arena, int, 3)[2], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(a_sized_arena_grows_beyond_its_room),
        cmocka_unit_test(allocations_do_not_overlap),
        cmocka_unit_test(grown_memory_keeps_its_contents),
        cmocka_unit_test(used_bytes_count_children),
        cmocka_unit_test(parent_frees_its_tree),
        cmocka_unit_test(texts_are_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
