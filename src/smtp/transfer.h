/*
 * One message to one recipient by the smarthost: a transfer of libcurl, and what its outcome means. One recipient a transfer, because libcurl does not tell
 * the outcomes of several apart; connections are used again, so that a further recipient costs no further greeting.
 *
 * Callers: carry.c makes transfers, carriers.c performs them, on threads of their own: libcurl's SMTP blocks while it waits for the last reply, also when
 * its multi interface drives it. What a server answers is data: it is bounded, and never believed beyond its code.
 */
#ifndef SMTP_TRANSFER_H
#define SMTP_TRANSFER_H

#include "base/macros.h"
#include "base/str.h"
#include "smtp/limits.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

enum transfer_outcome {
    TRANSFER_SENT,
    TRANSFER_REFUSED,   /* 5xx for this sender, recipient or message: for ever */
    TRANSFER_LATER,     /* of this recipient: perhaps later */
    TRANSFER_NO_SERVER, /* trouble before anybody was named: it will be no better for others now */
    TRANSFER_ABORTED    /* by us: it counts for nothing */
};

/* Where the conversation stands, by the last command that went out. */
enum transfer_stage {
    STAGE_GREETING, /* nothing that names sender, recipient or message */
    STAGE_ENVELOPE, /* MAIL, RCPT or DATA was said: the reply is about them */
    STAGE_BODY      /* bytes of the message went out: the reply is about it */
};

struct smarthost {
    const char *url;                       /* with the EHLO name as its path */
    const char *user, *password, *ca_file; /* or NULL */
    bool needs_tls;                        /* STARTTLS is no option but a must */
    bool verifies;                         /* the certificate has to be right */
    long reply_ms;
};

struct transfer {
    void *owner;           /* the carry */
    struct transfer *next; /* in a list of the carriers */
    const struct smarthost *host;
    struct str sender, recipient;
    struct str mime; /* CRLF lines */
    const atomic_bool *abort;
    CURLcode result;
    size_t read;
    enum transfer_stage stage;
    size_t reply_bytes;               /* of all replies */
    char reply[SMTP_REPLY_BYTES + 1]; /* the last one, its lines run together */
    size_t reply_n;
    bool reply_ended, quit;
    char error[CURL_ERROR_SIZE];
};

/* The smarthost of an URL; ERR_USAGE unless it is smtp:// or smtps:// with a host. Texts live in arena. */
struct err;
struct sender_options;
int smarthost_init(struct smarthost *host, const struct sender_options *options,
                   struct arena *arena, struct err *err_r) WARN_UNUSED;

/* Every line end as CRLF: a bare LF or CR could end the message for one server and not for another. mime itself when it is so. */
struct str transfer_wire_form(struct arena *arena, struct str mime);

/* Prepares t; the texts stay until it is over. */
void transfer_init(struct transfer *t, const struct smarthost *host, struct str sender,
                   struct str recipient, struct str mime);
/* Blocks until all is said, or within a second after *abort became true. easy: a handle whose connection is used again, and kept for the next one. */
void transfer_perform(struct transfer *t, CURL *easy, const atomic_bool *abort);
/* What came of it. reply_r: a line for the log and the bounce; points into t. */
enum transfer_outcome transfer_outcome(const struct transfer *t, struct str *reply_r);

#endif
