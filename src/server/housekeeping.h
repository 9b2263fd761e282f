/*
 * What is done once a day in every mailbox: old events, dead subscriptions and old purges go. One mailbox at a time, on its worker, the mailboxes of a store spread over the day, so
 * that nobody notices.
 */
#ifndef SERVER_HOUSEKEEPING_H
#define SERVER_HOUSEKEEPING_H

#include "base/macros.h"

#include <stdint.h>

struct err;
struct hub;
struct housekeeping;
struct store;
struct workers;

struct housekeeping_options {
    struct store *store;
    struct workers *workers;
    int64_t keep_events_ms;
    struct hub *hub; /* hears how many subscriptions there are */
};
int housekeeping_start(const struct housekeeping_options *options,
                       struct housekeeping **housekeeping_r, struct err *err_r) WARN_UNUSED;
/* Before the workers are freed. */
void housekeeping_stop(struct housekeeping **housekeeping);

DEFINE_AUTO(housekeeping, housekeeping_stop)

#endif
