/* Hash map from byte strings to pointers, and from u64 to pointers; open addressing, seeded per
 * process against crafted keys. Keys are not copied. Not thread-safe. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

#include <stdint.h>

struct map; /* str -> void* */
struct map *map_new(void);
void map_free(struct map **map);
void *map_get(const struct map *map, struct str key);
/* Replaces; value must not be NULL. */
void map_put(struct map *map, struct str key, void *value);
void *map_remove(struct map *map, struct str key); /* the removed value or NULL */
size_t map_count(const struct map *map);

struct u64map; /* uint64_t -> void* */
struct u64map *u64map_new(void);
void u64map_free(struct u64map **map);
void *u64map_get(const struct u64map *map, uint64_t key);
void u64map_put(struct u64map *map, uint64_t key, void *value);
void *u64map_remove(struct u64map *map, uint64_t key);
size_t u64map_count(const struct u64map *map);
/* Visits every pair in no order; *it starts at 0; false at the end. The map may not change
 * meanwhile. */
bool u64map_next(const struct u64map *map, size_t *it, uint64_t *key_r, void **value_r);

DEFINE_AUTO(map, map_free)
DEFINE_AUTO(u64map, u64map_free)

#endif
