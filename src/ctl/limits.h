/* Numbers of the room ctl, each with its reason. Callers: the .c files of ctl and their tests. */
#ifndef CTL_LIMITS_H
#define CTL_LIMITS_H

/* Messages and bytes of one transaction of an import: enough that its fsync is nearly free a
 * message, little enough to show progress. */
#define IMPORT_BATCH_MESSAGES 200
#define IMPORT_BATCH_BYTES ((size_t)8 * 1024 * 1024)
/* The greatest message; as LMTP takes. */
#define CTL_MESSAGE_BYTES ((size_t)256 * 1024 * 1024)
/* Where the Date of a message is looked for. */
#define IMPORT_HEADER_BYTES ((size_t)64 * 1024)
/* One read of an mbox; no separator line is longer. */
#define IMPORT_SCAN_BYTES ((size_t)256 * 1024)
#define IMPORT_FROM_LINE_BYTES 512
/* Directories within directories. */
#define IMPORT_MAX_DEPTH 50

#define CTL_PASSWORD_BYTES 1024
/* Of a generated password: 96 bits. */
#define CTL_RANDOM_PASSWORD_BYTES 12
/* A server that starts or stops holds the store, but not yet or no longer its socket. */
#define CTL_BUSY_WAIT_MS 5000
#define CTL_BUSY_POLL_MS 50

#endif
