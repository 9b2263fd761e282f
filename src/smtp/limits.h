/* Numbers of the room smtp, each with its reason. Callers: the .c files of smtp only. */
#ifndef SMTP_LIMITS_H
#define SMTP_LIMITS_H

/* RFC 5321 4.5.4.1 asks for retries over days; the first ones come soon, since most troubles are short. */
#define SMTP_FIRST_RETRY_MS (INT64_C(60) * 1000)
#define SMTP_LONGEST_RETRY_MS (INT64_C(3600) * 1000)
#define SMTP_GIVE_UP_MS (INT64_C(2) * 24 * 3600 * 1000)

/* Messages on their way at once, each held in memory with its bytes. */
#define SMTP_MAX_CARRIES 16
/* Connections to the smarthost at once, unless the configuration says otherwise. */
#define SMTP_MAX_CONNECTIONS 4
/* Messages of one mailbox that are on their way or wait for a connection: so far beyond them is looked for one that can go now. */
#define SMTP_QUEUE_MESSAGES 32
/* The slow clock: a poke that got lost costs this much delay. */
#define SMTP_LOOK_MS (INT64_C(5) * 60 * 1000)
/* A mailbox that could not be read or written is tried again after this. */
#define SMTP_TROUBLE_MS (INT64_C(60) * 1000)
/* The longest sleep of the thread, whatever the clock says: a clock that was set is noticed. */
#define SMTP_LONGEST_SLEEP_MS 30000

#define SMTP_CONNECT_MS 30000
/* RFC 5321 4.5.3.2 asks for five minutes a reply and ten for the last one. */
#define SMTP_REPLY_MS 300000
/* Below a byte a second for so long, a transfer is dead. */
#define SMTP_STALL_S 300
/* An idle connection to the smarthost is used again up to this age: many servers drop them sooner or later without a word. */
#define SMTP_KEEP_CONNECTION_S 20
/* All replies of one transfer: a hundred lines serve EHLO; a server that goes on and on is cut off. */
#define SMTP_REPLIES_BYTES (64 * 1024)
/* Of the last reply, kept for the bounce. */
#define SMTP_REPLY_BYTES 512
/* What was under way when the sender is stopped has so long to end. */
#define SMTP_STOP_MS 5000

/* Of the message's header, given back in a bounce. */
#define BOUNCE_HEADER_BYTES (64 * 1024)

#endif
