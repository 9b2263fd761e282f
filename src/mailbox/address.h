/*
 * Addresses of users: what is one, and when two are the same. Callers: users.c.
 */
#ifndef MAILBOX_ADDRESS_H
#define MAILBOX_ADDRESS_H

#include "base/str.h"

#include <stdbool.h>

struct arena;

/* local@domain in ASCII: a dot-atom (RFC 5322), and a domain of labels. No quoted local parts, no literals. */
bool address_valid(struct str address);
/* Equal for addresses that are the same user's: ASCII case does not count. */
struct str address_key(struct arena *arena, struct str address);
/* local+detail@domain without the detail. False when there is none. */
bool address_without_detail(struct arena *arena, struct str address, struct str *plain_r);

#endif
