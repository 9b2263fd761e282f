/* A binary heap of all desks by the time at which they are due. Each desk knows its place. */
#include "notify/notify-private.h"

#include "base/mem.h"

#include <assert.h>

static void put(struct hub *hub, size_t place, struct desk *desk)
{
    hub->schedule[place] = desk;
    desk->due_place = place;
}

static void rise(struct hub *hub, struct desk *desk)
{
    size_t place = desk->due_place;

    while (place > 0 && hub->schedule[(place - 1) / 2]->due_ms > desk->due_ms) {
        put(hub, place, hub->schedule[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(hub, place, desk);
}

static void sink(struct hub *hub, struct desk *desk)
{
    size_t place = desk->due_place;

    for (;;) {
        size_t child = place * 2 + 1;

        if (child + 1 < hub->desk_n &&
            hub->schedule[child + 1]->due_ms < hub->schedule[child]->due_ms) {
            child++;
        }
        if (child >= hub->desk_n || hub->schedule[child]->due_ms >= desk->due_ms) {
            break;
        }
        put(hub, place, hub->schedule[child]);
        place = child;
    }
    put(hub, place, desk);
}

void schedule_add(struct hub *hub, struct desk *desk)
{
    if (hub->desk_n == hub->schedule_room) {
        hub->schedule_room = hub->schedule_room == 0 ? 16 : hub->schedule_room * 2;
        hub->schedule = mem_realloc(hub->schedule, hub->schedule_room * sizeof(struct desk *));
    }
    put(hub, hub->desk_n++, desk);
    rise(hub, desk);
}

void schedule_remove(struct hub *hub, struct desk *desk)
{
    struct desk *last = hub->schedule[--hub->desk_n];

    if (last != desk) {
        put(hub, desk->due_place, last);
        rise(hub, last);
        sink(hub, last);
    }
}

void schedule_set(struct hub *hub, struct desk *desk, int64_t due_ms)
{
    assert(hub->schedule[desk->due_place] == desk);
    desk->due_ms = due_ms;
    rise(hub, desk);
    sink(hub, desk);
}

struct desk *schedule_first(const struct hub *hub)
{
    return hub->desk_n != 0 ? hub->schedule[0] : NULL;
}
