/* Numbers of the room server, each with its reason. Callers: the .c files of server only. */
#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

/* A request of the control socket: a batch of an import (8 MB), ended by the greatest message. */
#define CONTROL_FRAME_BYTES ((size_t)272 * 1024 * 1024)
/* Administrators at once; each has a thread. */
#define CONTROL_MAX_CLIENTS 16
/* A client that does not take its answer is let go after this. */
#define CONTROL_TIMEOUT_S 60
/* Messages of one import: bounds the array, whatever a frame says. */
#define CONTROL_MAX_MESSAGES 100000

/* How long the monitor waits for something to happen before it hears that nothing did. */
#define ADMIN_WATCH_WAIT_MS 1000
/* Events that one answer to the monitor holds, of one mailbox. */
#define ADMIN_WATCH_EVENTS 500

/* A request below this takes next to no memory while it is sent. */
#define SMALL_REQUEST_BYTES (256 * 1024)
/* Bytes of one user's answers that wait to be taken: two of the greatest batches. */
#define USER_MAX_ANSWER_BYTES ((size_t)256 * 1024 * 1024)

#endif
