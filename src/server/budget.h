/*
 * What one user may hold of the server at once: exchanges under way, and bytes of answers that were made and not yet taken. So a client that asks and never reads costs a bounded
 * amount, and no other user. Thread-safe.
 */
#ifndef SERVER_BUDGET_H
#define SERVER_BUDGET_H

#include "base/macros.h"
#include "mailbox/ids.h"

#include <stdbool.h>
#include <stddef.h>

struct budget;

struct budget *budget_new(void);
/* Everything entered must have left. */
void budget_free(struct budget **budget);

/* Before an exchange of the user, who may have `most`, is taken on; false: there are too many, and nothing was entered. */
bool budget_enter(struct budget *budget, struct mailbox_no user, unsigned most) WARN_UNUSED;
/* An answer of so many bytes is to be held; false: with the user's others it would be too much. The only answer of a user is never too much. */
bool budget_hold(struct budget *budget, struct mailbox_no user, size_t bytes) WARN_UNUSED;
/* The exchange is over: it held so many bytes (0 if none). */
void budget_leave(struct budget *budget, struct mailbox_no user, size_t bytes);

DEFINE_AUTO(budget, budget_free)

#endif
