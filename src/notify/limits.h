/* Numbers of the room notify, each with its reason. Callers: the .c files of notify, and its tests. */
#ifndef NOTIFY_LIMITS_H
#define NOTIFY_LIMITS_H

#include <stdint.h>

/* Events that one reading steps over untold: a few milliseconds on a worker, or an event loop. Then there is `more`. */
#define NOTIFY_MAX_PASSED 4096
/* Events that a reader holds at once, for all who stand near each other: 32 kB. */
#define NOTIFY_WINDOW_EVENTS 512
/* Notices of one document; what the protocol allows a GetEvents answer. */
#define NOTIFY_MAX_NOTICES 50

/* Documents of one subscription are so far apart: real clients look for one each 250 ms. */
#define NOTIFY_SPACING_MS 300
/* Silence of a stream. Clients expect a sign of life each 45 s; those of a desk that are past the first go with the one that is past the second. */
#define NOTIFY_SILENCE_MS 30000
#define NOTIFY_SILENCE_MAX_MS 40000
/* How long a connection must have lived on after a document until that counts as told. Two heartbeats lie within: what they met was alive. */
#define NOTIFY_SURE_MS 60000
/* Some bytes were on their way just then: look again. */
#define NOTIFY_SURE_RETRY_MS 5000
/* A stream whose outlet has no room is cut off: longer than any pause of a network that comes back, and nobody waits so long for news. */
#define NOTIFY_FULL_MS (INT64_C(120) * 1000)
/* Before Closed goes out, what was told just then may still be acknowledged: asked so often, and so many times. */
#define NOTIFY_BEFORE_CLOSE_MS 50
#define NOTIFY_BEFORE_CLOSE_POLLS 8
/* How long a desk remembers what a broken connection had taken first. */
#define NOTIFY_REMEMBER_MS (INT64_C(3600) * 1000)
/* After Closed the peer has so long to acknowledge; asked each time after twice the time, from the first on. */
#define NOTIFY_CLOSE_MS 5000
#define NOTIFY_CLOSE_FIRST_MS 10

/* A row's sign of life is refreshed when it is so old, or a quarter of the subscription's life. */
#define NOTIFY_REFRESH_MS (INT64_C(3600) * 1000)
/* Signs of pull subscriptions that are younger are not noted: half the slack that rows have (mailbox/limits.h). */
#define NOTIFY_TOUCH_MS (INT64_C(15) * 1000)
/* A mailbox that could not be read or written is tried again after the first, then twice as long, up to the last. */
#define NOTIFY_TROUBLE_MS 1000
#define NOTIFY_TROUBLE_MAX_MS 60000

/* Posts of one mailbox that are out at once: a part of the places that all have (push/limits.h), so that listeners of one user who hang hold up nobody else's. */
#define NOTIFY_MAX_POSTS 16
/* Retries of a push: the n-th so long times 2^(n-1) after the first failure. */
#define NOTIFY_PUSH_RETRY_MS (INT64_C(30) * 1000)

/* A streaming subscription without a connection. */
#define NOTIFY_STREAM_IDLE_MS (INT64_C(24) * 3600 * 1000)
/* What one user may have, unless the options say otherwise: the usual servers' defaults. */
#define NOTIFY_MAX_SUBSCRIPTIONS 5000
#define NOTIFY_MAX_STREAMS 10

/* hub_stop asks so often whether all has ended: real time, since it waits for peers. */
#define NOTIFY_STOP_ROUND_MS 10
/* And tries so often to write what could not be written. */
#define NOTIFY_STOP_RETRY_MS 200

#endif
