/*
 * Failed logins, counted by user and by peer, bounded: the key that failed longest ago makes room.
 * Only failures are slowed, so nobody is locked out by what others try in their name. Not
 * thread-safe: auth.c locks.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "base/str.h"

#include <stdint.h>

struct throttle;

struct throttle_options {
    unsigned max_entries;
    int64_t first_ms, max_ms, forget_ms;
};
struct throttle *throttle_new(const struct throttle_options *options);
void throttle_free(struct throttle **throttle);

enum throttle_kind { THROTTLE_USER = 'u', THROTTLE_PEER = 'p' };

/* Counts one failure; the delay it earns. Keys are compared without ASCII case; an empty one is not
 * counted. */
int64_t throttle_fail(struct throttle *throttle, enum throttle_kind kind, struct str key,
                      int64_t now_ms);
void throttle_forget(struct throttle *throttle, enum throttle_kind kind, struct str key);

#endif
