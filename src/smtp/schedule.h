/* When to try again, and when to give up. Pure: time comes in, a decision goes out. */
#ifndef SMTP_SCHEDULE_H
#define SMTP_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/* 1 min after the first attempt, then 2, 4 … capped at 1 h, each up to an eighth later by jitter (a random number is passed in). */
int64_t schedule_next_ms(unsigned attempts, int64_t now_ms, uint64_t random);
/* give_up_ms 0: the default. A clock that was set back gives nothing up. */
bool schedule_gives_up(int64_t queued_ms, int64_t now_ms, int64_t give_up_ms);

#endif
