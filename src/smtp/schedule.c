#include "smtp/schedule.h"

#include "smtp/limits.h"

int64_t schedule_next_ms(unsigned attempts, int64_t now_ms, uint64_t random)
{
    int64_t delay_ms = SMTP_FIRST_RETRY_MS;

    while (attempts > 1 && delay_ms < SMTP_LONGEST_RETRY_MS) {
        delay_ms *= 2;
        attempts--;
    }
    if (delay_ms > SMTP_LONGEST_RETRY_MS) {
        delay_ms = SMTP_LONGEST_RETRY_MS;
    }
    return now_ms + delay_ms + (int64_t)(random % (uint64_t)(delay_ms / 8 + 1));
}

bool schedule_gives_up(int64_t queued_ms, int64_t now_ms, int64_t give_up_ms)
{
    return now_ms - queued_ms >= (give_up_ms != 0 ? give_up_ms : SMTP_GIVE_UP_MS);
}
