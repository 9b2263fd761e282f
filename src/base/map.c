#include "base/map.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/rand.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

/*
 * Both maps are one table with linear probing. A number is a key with p NULL and the number as n.
 * I1: a slot is free when its value is NULL.
 * I2: no free slot stands between a pair and the slot its hash points to (removal shifts back).
 * I3: at most three quarters of the slots are taken, so that every search ends.
 */
struct slot {
    uint64_t hash;
    const char *p;
    uint64_t n;
    void *value;
};

struct table {
    struct slot *slots;
    size_t mask; /* number of slots - 1 */
    size_t count;
};

struct map {
    struct table table;
};

struct u64map {
    struct table table;
};

static unsigned char seed[crypto_shorthash_KEYBYTES];

static void seed_once(void)
{
    rand_bytes(seed, sizeof(seed));
}

static uint64_t hash_bytes(const void *p, size_t n)
{
    uint64_t hash;

    _Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "the hash fills its variable");
    crypto_shorthash((unsigned char *)&hash, p, n, seed);
    return hash;
}

static struct slot str_key(struct str key)
{
    const char *p = key.n != 0 ? key.p : "";

    return (struct slot){.hash = hash_bytes(p, key.n), .p = p, .n = key.n};
}

static struct slot u64_key(uint64_t key)
{
    return (struct slot){.hash = hash_bytes(&key, sizeof(key)), .p = NULL, .n = key};
}

static void table_init(struct table *table)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, seed_once);
    table->slots = mem_alloc_zero(MAP_FIRST_SLOTS, sizeof(struct slot));
    table->mask = MAP_FIRST_SLOTS - 1;
    table->count = 0;
}

static bool same_key(const struct slot *a, const struct slot *b)
{
    return a->hash == b->hash && a->n == b->n &&
           (a->p == NULL || memcmp(a->p, b->p, (size_t)a->n) == 0);
}

/* The slot of the key, or the free one where it would go. */
static size_t table_find(const struct table *table, const struct slot *key)
{
    size_t at = (size_t)key->hash & table->mask;

    while (table->slots[at].value != NULL && !same_key(&table->slots[at], key)) {
        at = (at + 1) & table->mask;
    }
    return at;
}

static void *table_get(const struct table *table, struct slot key)
{
    return table->slots[table_find(table, &key)].value;
}

static void table_double(struct table *table)
{
    struct table bigger = {.mask = table->mask * 2 + 1, .count = table->count};

    bigger.slots = mem_alloc_zero(bigger.mask + 1, sizeof(struct slot));
    for (size_t i = 0; i <= table->mask; i++) {
        if (table->slots[i].value != NULL) {
            bigger.slots[table_find(&bigger, &table->slots[i])] = table->slots[i];
        }
    }
    free(table->slots);
    *table = bigger;
}

static void table_put(struct table *table, struct slot pair)
{
    size_t at = table_find(table, &pair);

    assert(pair.value != NULL);
    if (table->slots[at].value == NULL) {
        if ((table->count + 1) * 4 > (table->mask + 1) * 3) {
            table_double(table);
            at = table_find(table, &pair);
        }
        table->count++;
    }
    table->slots[at] = pair;
}

/* Fills the hole at with pairs that stand behind their place because of it (I2). */
static void close_hole(struct table *table, size_t hole)
{
    size_t at = hole;

    for (;;) {
        size_t home;

        at = (at + 1) & table->mask;
        if (table->slots[at].value == NULL) {
            break;
        }
        home = (size_t)table->slots[at].hash & table->mask;
        if (((at - home) & table->mask) >= ((at - hole) & table->mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole] = (struct slot){0};
}

static void *table_remove(struct table *table, struct slot key)
{
    size_t at = table_find(table, &key);
    void *value = table->slots[at].value;

    if (value != NULL) {
        close_hole(table, at);
        table->count--;
    }
    return value;
}

struct map *map_new(void)
{
    struct map *map = mem_alloc(sizeof(*map));

    table_init(&map->table);
    return map;
}

void map_free(struct map **map)
{
    if (*map != NULL) {
        free((*map)->table.slots);
        free(take(map));
    }
}

void *map_get(const struct map *map, struct str key)
{
    return table_get(&map->table, str_key(key));
}

void map_put(struct map *map, struct str key, void *value)
{
    struct slot pair = str_key(key);

    pair.value = value;
    table_put(&map->table, pair);
}

void *map_remove(struct map *map, struct str key)
{
    return table_remove(&map->table, str_key(key));
}

size_t map_count(const struct map *map)
{
    return map->table.count;
}

struct u64map *u64map_new(void)
{
    struct u64map *map = mem_alloc(sizeof(*map));

    table_init(&map->table);
    return map;
}

void u64map_free(struct u64map **map)
{
    if (*map != NULL) {
        free((*map)->table.slots);
        free(take(map));
    }
}

void *u64map_get(const struct u64map *map, uint64_t key)
{
    return table_get(&map->table, u64_key(key));
}

void u64map_put(struct u64map *map, uint64_t key, void *value)
{
    struct slot pair = u64_key(key);

    pair.value = value;
    table_put(&map->table, pair);
}

void *u64map_remove(struct u64map *map, uint64_t key)
{
    return table_remove(&map->table, u64_key(key));
}

size_t u64map_count(const struct u64map *map)
{
    return map->table.count;
}

bool u64map_next(const struct u64map *map, size_t *it, uint64_t *key_r, void **value_r)
{
    const struct table *table = &map->table;

    for (; *it <= table->mask; (*it)++) {
        const struct slot *slot = &table->slots[*it];

        if (slot->value != NULL) {
            *key_r = slot->n;
            *value_r = slot->value;
            (*it)++;
            return true;
        }
    }
    return false;
}
