/*
 * Which targets a policy allows. Asked twice for each post: by the URL before any name is looked up, and for each address before a socket to it is opened. The second answer decides.
 * Callers: push.c. See docs/design/push.md.
 */
#ifndef PUSH_POLICY_H
#define PUSH_POLICY_H

#include "push/push.h"
#include "push/target.h"

/* False: whatever the name resolves to, it is not allowed. */
bool push_policy_may_allow(const struct push_policy *policy, const struct push_target *target);
/* Whether a connection for the target may go to this address of its host. */
bool push_policy_allows(const struct push_policy *policy, const struct push_target *target,
                        const struct push_address *address);

#endif
