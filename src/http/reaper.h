/*
 * Deadlines of connections: whoever sends headers or a body too slowly is cut off. libmicrohttpd's own time-out restarts with every byte, so a peer that dribbles
 * would live for ever. One thread looks once a second; a connection's deadline is one store.
 */
#ifndef HTTP_REAPER_H
#define HTTP_REAPER_H

#include "base/macros.h"

#include <stdint.h>

struct clock;
struct err;
struct reaper;
struct reaper_entry;

#define REAPER_NEVER INT64_MAX

int reaper_start(struct clock *clock, struct reaper **reaper_r, struct err *err_r) WARN_UNUSED;
void reaper_stop(struct reaper **reaper);
/* fd is shut down (not closed) when the deadline passes. Thread-safe. */
struct reaper_entry *reaper_add(struct reaper *reaper, int fd, int64_t deadline_ms);
void reaper_set(struct reaper_entry *entry, int64_t deadline_ms);
/* Before the fd is closed. */
void reaper_remove(struct reaper *reaper, struct reaper_entry **entry);

DEFINE_AUTO(reaper, reaper_stop)

#endif
