/* What the session machine (session.c) and its commands (commands.c) share. */
#ifndef LMTP_SESSION_PRIVATE_H
#define LMTP_SESSION_PRIVATE_H

#include "base/buf.h"
#include "lmtp/data.h"
#include "lmtp/session.h"

#include <stdbool.h>
#include <stdint.h>

enum lmtp_state {
    LMTP_STATE_FRESH,    /* the greeting is out, LHLO has not come */
    LMTP_STATE_READY,    /* LHLO has come, no transaction is open */
    LMTP_STATE_MAIL,     /* MAIL was taken, no recipient was */
    LMTP_STATE_RCPT,     /* at least one recipient was taken */
    LMTP_STATE_DATA,     /* 354 is out, the message is collected */
    LMTP_STATE_SWALLOW,  /* the message is refused, its rest is read and dropped */
    LMTP_STATE_DELIVERY, /* the message is complete, reports of its recipients are awaited */
    LMTP_STATE_CLOSED,   /* the last reply is in the output; input is ignored */
    LMTP_STATE_COUNT
};

struct lmtp_slot {
    struct lmtp_recipient recipient;
    bool reported;
    int rc;
};

struct lmtp_session {
    struct lmtp_options options;
    lmtp_find_recipient *find;
    void *context;
    enum lmtp_state state;
    struct buf out;

    struct buf line;     /* an unfinished command line */
    size_t line_skipped; /* bytes dropped of a line that is too long; 0: it is not */
    unsigned bad_commands;

    struct arena *tmp;       /* of one command */
    struct arena *tx;        /* of the transaction: its recipients */
    bool utf8;               /* MAIL said SMTPUTF8 */
    struct lmtp_slot *slots; /* capacity grows in steps, kept over transactions */
    size_t slot_count, slot_cap, reported_count;
    struct buf message;
    size_t charged_bytes; /* of the budget */
    enum lmtp_data_state data;
    size_t swallowed_bytes;
    const char *refusal;    /* in SWALLOW: the reply of each recipient */
    const char *abort_text; /* while DELIVERY: close after its replies */
};

/* Asserts that the machine may go from its state to this one. */
void lmtp_enter_state(struct lmtp_session *s, enum lmtp_state to);
/* One reply line; CR LF is added. */
void lmtp_reply(struct lmtp_session *s, const char *text);
/* Forgets the transaction: recipients, message, its share of the budget. The state stays. */
void lmtp_tx_reset(struct lmtp_session *s);
/* The size of a message as far as it is known: NULL, or the reply that refuses it. */
const char *lmtp_refuse_size(const struct lmtp_session *s, uint64_t bytes);

/* One command line without its line end. */
void lmtp_command(struct lmtp_session *s, struct str line);
/* A reply to something that is no good command; many of them end the connection. */
void lmtp_reply_bad(struct lmtp_session *s, const char *text);

#endif
