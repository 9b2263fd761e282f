/*
 * Successful logins of late, by a keyed hash of the whole header, bounded; the least recently used
 * makes room. Neither header nor password is kept, and the key lives as long as the process. Not
 * thread-safe: auth.c locks.
 */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

#include "auth/auth.h"

#include <stdbool.h>
#include <stdint.h>

#define CACHE_HASH_BYTES 32
#define CACHE_KEY_BYTES 32

struct cache_hash {
    unsigned char bytes[CACHE_HASH_BYTES];
};

struct login_cache;
struct login_cache *login_cache_new(unsigned max_entries);
void login_cache_free(struct login_cache **cache);

/* Needs no lock: the key never changes. */
struct cache_hash login_cache_hash(const struct login_cache *cache, struct str authorization);
/* NULL when it is not there, is older than now_ms, or was stored under another generation of the
 * users. Valid until the next put. */
const struct auth_identity *login_cache_get(struct login_cache *cache,
                                            const struct cache_hash *hash, unsigned generation,
                                            int64_t now_ms);
struct login {
    struct auth_identity identity;
    unsigned generation;
    int64_t expires_ms;
};
void login_cache_put(struct login_cache *cache, const struct cache_hash *hash,
                     const struct login *login);

#endif
