/* Randomness from the kernel, hex texts and GUIDs; and a small seeded generator for tests and
 * jitter. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *out, size_t n); /* getrandom(2); aborts if the kernel refuses */
uint64_t rand_u64(void);

#define GUID_TEXT_BYTES 37
void rand_guid(char out[static GUID_TEXT_BYTES]); /* lower-case version 4, terminated */

struct prng {
    uint64_t s[2];
};
void prng_seed(struct prng *prng, uint64_t seed);
uint64_t prng_next(struct prng *prng);
uint64_t prng_below(struct prng *prng, uint64_t limit); /* 0..limit-1; limit > 0 */

#endif
