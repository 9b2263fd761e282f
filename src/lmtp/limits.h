/* Numbers of the room lmtp, each with its reason. Callers: the .c files of lmtp and their tests. */
#ifndef LMTP_LIMITS_H
#define LMTP_LIMITS_H

/* A command line with its line end: 512 of RFC 5321, and room for SMTPUTF8 addresses and
 * parameters. */
#define LMTP_LINE_BYTES 2048
/* What is skipped of one over-long line before the connection ends: nobody's mistake is longer. */
#define LMTP_SKIP_LINE_BYTES (1024 * 1024)
/* Refused commands of one connection: a peer that speaks another protocol is not talked to for
 * ever. */
#define LMTP_MAX_BAD_COMMANDS 50

/* RFC 5321 4.5.3.1.3: a path has at most 256 octets. */
#define LMTP_ADDRESS_BYTES 256
/* RFC 5321 wants at least 100; each costs a transaction, and a sender may go on in a further
 * message. */
#define LMTP_MAX_RECIPIENTS 1000

/* A 200 MB mail is taken. */
#define LMTP_MESSAGE_BYTES ((size_t)256 * 1024 * 1024)
/* An oversized message is read on by as much, so that its sender hears why; beyond, the connection
 * ends. */
#define LMTP_SWALLOW_BYTES ((size_t)256 * 1024 * 1024)
/* Bytes of unfinished messages over all connections, as a multiple of the greatest message. */
#define LMTP_BUDGET_MESSAGES 2
/* The buffer of a message is kept for the next one up to here. */
#define LMTP_KEEP_BUFFER_BYTES ((size_t)256 * 1024)

#define LMTP_MAX_CONNECTIONS 1000
#define LMTP_IDLE_TIMEOUT_MS (5 * 60 * 1000)
/* Bytes of a message that renew the idle time, so that a trickle does not hold a connection for
 * ever. */
#define LMTP_PROGRESS_BYTES 4096
/* After this the peers that do not take their last reply are cut off at a stop. */
#define LMTP_STOP_TIMEOUT_MS 5000
/* The pause of accepting when the process has no descriptor left. */
#define LMTP_ACCEPT_PAUSE_MS 100

/* One read; large mail comes in few calls, and one buffer serves all connections. */
#define LMTP_READ_BYTES (64 * 1024)
/* Reads of one connection before the others have their turn. */
#define LMTP_READS_A_TURN 16
/* Replies a peer did not take; beyond, nothing more is read from it. */
#define LMTP_OUTPUT_BYTES (64 * 1024)
#define LMTP_EVENTS_A_TURN 64
#define LMTP_LISTEN_BACKLOG 512

#endif
