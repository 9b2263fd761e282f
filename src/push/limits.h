/* Numbers of the room push, each with its reason. Callers: the .c files of push, and its tests. */
#ifndef PUSH_LIMITS_H
#define PUSH_LIMITS_H

/* What the protocol allows for the URL of a subscription. */
#define PUSH_URL_BYTES 2082
/* RFC 1035 2.3.4, without the trailing dot. */
#define PUSH_NAME_BYTES 253
#define PUSH_LABEL_BYTES 63
/* Rules are walked one by one at each connect: a list that a person can read. */
#define PUSH_RULES_MAX 256

/* A listener answers a status word in an envelope: some hundred bytes. Body and header, each. */
#define PUSH_ANSWER_BYTES (64 * 1024)
#define PUSH_ANSWER_MS 30000
/* A listener that does not answer holds a place for as long: there have to be others. */
#define PUSH_MAX_CONNECTIONS 64
/* An idle connection is used again up to this age: many listeners drop them soon. */
#define PUSH_KEEP_CONNECTION_S 60
/* The longest sleep of the thread: a wake-up that got lost costs this much delay. */
#define PUSH_LONGEST_SLEEP_MS 60000

#endif
