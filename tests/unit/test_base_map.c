/* Maps against the plainest model: an array indexed by the key. */
#include "base/map.h"

#include "base/rand.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 400, STEPS = 100000 };

static int values[KEYS];

static void string_map_follows_the_model(void **state)
{
    static char keys[KEYS][16];
    static void *model[KEYS];
    AUTO(map) map = map_new();
    struct prng prng;
    size_t count = 0;

    (void)state;
    prng_seed(&prng, 8);
    for (int i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%*s%d", i % 5, "", i);
    }
    for (int step = 0; step < STEPS; step++) {
        size_t k = prng_below(&prng, KEYS);
        struct str key = str_from(keys[k]);

        assert_ptr_equal(map_get(map, key), model[k]);
        if (prng_below(&prng, step % 20000 < 10000 ? 4 : 2) == 0) {
            assert_ptr_equal(map_remove(map, key), model[k]);
            count -= model[k] != NULL;
            model[k] = NULL;
        } else {
            count += model[k] == NULL;
            model[k] = &values[prng_below(&prng, KEYS)];
            map_put(map, key, model[k]);
        }
        assert_int_equal(map_count(map), count);
    }
    for (size_t k = 0; k < KEYS; k++) {
        assert_ptr_equal(map_get(map, str_from(keys[k])), model[k]);
    }
}

static void empty_key_is_a_key(void **state)
{
    AUTO(map) map = map_new();

    (void)state;
    assert_null(map_get(map, STR_NULL));
    map_put(map, STR(""), &values[1]);
    assert_ptr_equal(map_get(map, STR_NULL), &values[1]);
    assert_null(map_get(map, STR("\0")));
    assert_ptr_equal(map_remove(map, STR_NULL), &values[1]);
    assert_int_equal(map_count(map), 0);
}

static void number_map_follows_the_model(void **state)
{
    static void *model[KEYS];
    AUTO(u64map) map = u64map_new();
    struct prng prng;
    size_t seen = 0;
    size_t it = 0;
    uint64_t key;
    void *value;

    (void)state;
    prng_seed(&prng, 9);
    for (int step = 0; step < STEPS; step++) {
        size_t k = prng_below(&prng, KEYS);

        assert_ptr_equal(u64map_get(map, k << 32), model[k]);
        if (prng_below(&prng, 2) == 0) {
            assert_ptr_equal(u64map_remove(map, k << 32), model[k]);
            model[k] = NULL;
        } else {
            model[k] = &values[k];
            u64map_put(map, k << 32, model[k]);
        }
    }
    while (u64map_next(map, &it, &key, &value)) {
        assert_non_null(value);
        assert_ptr_equal(model[key >> 32], value);
        model[key >> 32] = NULL; /* so that a second visit fails */
        seen++;
    }
    assert_int_equal(seen, u64map_count(map));
    for (size_t k = 0; k < KEYS; k++) {
        assert_null(model[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(string_map_follows_the_model),
        cmocka_unit_test(empty_key_is_a_key),
        cmocka_unit_test(number_map_follows_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
