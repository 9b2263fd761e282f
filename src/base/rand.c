#include "base/rand.h"

#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void rand_bytes(void *out, size_t n)
{
    unsigned char *p = out;

    while (n > 0) {
        size_t piece = n < RAND_PIECE_BYTES ? n : RAND_PIECE_BYTES;
        ssize_t got = getrandom(p, piece, 0);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            abort(); /* guessable secrets are worse than no service */
        }
        p += got;
        n -= (size_t)got;
    }
}

uint64_t rand_u64(void)
{
    uint64_t v;

    rand_bytes(&v, sizeof(v));
    return v;
}

void rand_guid(char out[static GUID_TEXT_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char b[16];
    size_t at = 0;

    rand_bytes(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* version 4 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* variant of RFC 4122 */
    for (size_t i = 0; i < sizeof(b); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            out[at++] = '-';
        }
        out[at++] = hex[b[i] >> 4];
        out[at++] = hex[b[i] & 15];
    }
    out[at] = '\0';
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void prng_seed(struct prng *prng, uint64_t seed)
{
    prng->s[0] = splitmix(&seed);
    prng->s[1] = splitmix(&seed);
}

static uint64_t rotl(uint64_t v, int bits)
{
    return v << bits | v >> (64 - bits);
}

/* xoroshiro128++ */
uint64_t prng_next(struct prng *prng)
{
    uint64_t a = prng->s[0];
    uint64_t b = prng->s[1];
    uint64_t result = rotl(a + b, 17) + a;

    b ^= a;
    prng->s[0] = rotl(a, 49) ^ b ^ (b << 21);
    prng->s[1] = rotl(b, 28);
    return result;
}

uint64_t prng_below(struct prng *prng, uint64_t limit)
{
    uint64_t floor;
    uint64_t v;

    assert(limit > 0);
    floor = -limit % limit; /* the 2^64 mod limit lowest values would be too many */
    do {
        v = prng_next(prng);
    } while (v < floor);
    return v % limit;
}
