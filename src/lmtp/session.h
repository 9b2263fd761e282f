/*
 * The LMTP session machine (RFC 2033), sans-I/O: feed bytes, take replies; deliveries are handed
 * out and answered from outside. PIPELINING, 8BITMIME, SMTPUTF8, SIZE, ENHANCEDSTATUSCODES. One
 * reply a recipient; 250 only when durable. Callers: the server of lmtp.h, tests, the fuzzer.
 *
 * The replies depend on the bytes fed, never on the pieces they came in. A session belongs to one
 * thread; while a delivery is under way the message and the recipients stay as they are and may be
 * read from others.
 */
#ifndef LMTP_SESSION_H
#define LMTP_SESSION_H

#include "base/buf.h"
#include "base/macros.h"
#include "base/str.h"
#include "mailbox/ids.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct lmtp_session;

/* Bytes of unfinished messages, shared by the sessions of one thread: beyond the limit a message is
 * refused for now (452 4.3.1). */
struct lmtp_budget {
    size_t used_bytes, limit_bytes;
};

struct lmtp_options {
    struct str hostname;        /* must outlive the session */
    size_t max_message_bytes;   /* 0: default */
    unsigned max_recipients;    /* 0: default */
    struct lmtp_budget *budget; /* or NULL: none */
};

struct lmtp_recipient {
    struct mailbox_no mailbox;
    struct str address;      /* the user's, as stored */
    struct str display_name; /* may be empty */
};
/* Asked at RCPT TO; not blocking for long. 1 known (recipient_r set, its texts in arena), 0
 * unknown, negative: temporary failure. */
typedef int lmtp_find_recipient(void *context, struct str address, struct arena *arena,
                                struct lmtp_recipient *recipient_r);

/* The greeting is in the output at once. */
struct lmtp_session *lmtp_session_new(const struct lmtp_options *options, lmtp_find_recipient *find,
                                      void *context);
void lmtp_session_free(struct lmtp_session **session);

enum lmtp_want {
    LMTP_WANT_INPUT,    /* feed more */
    LMTP_WANT_DELIVERY, /* a message is complete: deliver, report each recipient, go on */
    LMTP_WANT_CLOSE     /* flush output, close */
};
/* Consumes input as far as it can; what is not consumed (after a complete message) stays the
 * caller's to feed again. Replies are appended to lmtp_session_output. With empty input it only
 * says what is wanted. */
enum lmtp_want lmtp_session_feed(struct lmtp_session *session, struct str *input);
/* The caller takes bytes off its front by buf_clear, or by whatever it keeps of its own. */
struct buf *lmtp_session_output(struct lmtp_session *session);

/* While LMTP_WANT_DELIVERY: the message as received (dot-unstuffed, CRLF kept; no header added) and
 * its recipients. */
struct str lmtp_session_message(const struct lmtp_session *session);
size_t lmtp_session_recipient_count(const struct lmtp_session *session);
const struct lmtp_recipient *lmtp_session_recipient(const struct lmtp_session *session, size_t i);
/* Once a recipient. rc 0: durable. Negative kinds become 4xx or 5xx replies by a table. All
 * reported: the replies are written, in the order of the recipients, and the session wants input
 * again (or to close). */
void lmtp_session_report(struct lmtp_session *session, size_t i, int rc);
/* For a peer that is too slow or a shutdown: 421 with this text ("4.4.2 …") and LMTP_WANT_CLOSE
 * from the next feed on. While a delivery is under way it takes effect after its replies. text is a
 * literal. */
void lmtp_session_abort(struct lmtp_session *session, const char *text);

DEFINE_AUTO(lmtp_session, lmtp_session_free)

#endif
