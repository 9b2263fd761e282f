#include "auth/cache.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"

#include <sodium.h>
#include <stdlib.h>

struct entry {
    struct cache_hash hash;
    struct login login;
    struct entry *newer, *older;
};

struct login_cache {
    unsigned char key[CACHE_KEY_BYTES];
    struct map *by_hash;
    struct entry *newest, *oldest;
    unsigned max_entries;
};

struct login_cache *login_cache_new(unsigned max_entries)
{
    struct login_cache *cache = mem_alloc_zero(1, sizeof(*cache));

    rand_bytes(cache->key, sizeof(cache->key));
    cache->by_hash = map_new();
    cache->max_entries = max_entries;
    return cache;
}

static struct str key_of(const struct cache_hash *hash)
{
    return str_of(hash->bytes, sizeof(hash->bytes));
}

static void unlink_entry(struct login_cache *cache, struct entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &cache->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &cache->oldest) = e->newer;
}

static void push_newest(struct login_cache *cache, struct entry *e)
{
    e->newer = NULL;
    e->older = cache->newest;
    *(e->older != NULL ? &e->older->newer : &cache->oldest) = e;
    cache->newest = e;
}

static void drop(struct login_cache *cache, struct entry *e)
{
    map_remove(cache->by_hash, key_of(&e->hash));
    unlink_entry(cache, e);
    sodium_memzero(e, sizeof(*e));
    free(e);
}

void login_cache_free(struct login_cache **cache)
{
    struct login_cache *c = take(cache);

    if (c == NULL) {
        return;
    }
    while (c->oldest != NULL) {
        drop(c, c->oldest);
    }
    map_free(&c->by_hash);
    sodium_memzero(c->key, sizeof(c->key));
    free(c);
}

struct cache_hash login_cache_hash(const struct login_cache *cache, struct str authorization)
{
    struct cache_hash hash;

    crypto_generichash(hash.bytes, sizeof(hash.bytes), (const unsigned char *)authorization.p,
                       authorization.n, cache->key, sizeof(cache->key));
    return hash;
}

const struct auth_identity *login_cache_get(struct login_cache *cache,
                                            const struct cache_hash *hash, unsigned generation,
                                            int64_t now_ms)
{
    /* The table compares hashes that nobody outside can compute: its timing tells nothing about a
     * password. */
    struct entry *e = map_get(cache->by_hash, key_of(hash));

    if (e == NULL) {
        return NULL;
    }
    if (e->login.generation != generation || e->login.expires_ms <= now_ms) {
        drop(cache, e);
        return NULL;
    }
    unlink_entry(cache, e);
    push_newest(cache, e);
    return &e->login.identity;
}

void login_cache_put(struct login_cache *cache, const struct cache_hash *hash,
                     const struct login *login)
{
    struct entry *e = map_get(cache->by_hash, key_of(hash));

    if (e != NULL) {
        drop(cache, e);
    }
    if (map_count(cache->by_hash) >= cache->max_entries) {
        drop(cache, cache->oldest);
    }
    e = mem_alloc_zero(1, sizeof(*e));
    e->hash = *hash;
    e->login = *login;
    push_newest(cache, e);
    map_put(cache->by_hash, key_of(&e->hash), e);
}
