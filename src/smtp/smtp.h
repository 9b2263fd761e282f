/*
 * The sender: carries what waits in the outboxes to its recipients. Recipients on this server are delivered into their mailboxes at once; others go to the configured smarthost (libcurl: SMTP,
 * STARTTLS, authentication). Retries with back-off; when it gives up, a bounce lies in the sender's inbox.
 *
 * Who calls: the server starts it, and pokes it after a commit that queued something. A lost poke costs delay, never a message: every start, and a slow clock, look at the hints.
 */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include "base/macros.h"
#include "mailbox/ids.h"

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct err;
struct sender;
struct store;
struct workers;

struct sender_options {
    struct store *store;
    struct workers *workers;
    struct clock *clock;
    const char *hostname;        /* EHLO, and the domain of bounces' Message-IDs */
    const char *smarthost_url;   /* "smtp://host:587", "smtps://host"; NULL: none */
    const char *user, *password; /* of the smarthost; NULL: no authentication */
    bool require_tls;
    const char *ca_file;      /* NULL: the system's */
    int64_t give_up_ms;       /* 0: default, 2 days */
    unsigned max_connections; /* to the smarthost at once; 0: default */
    int64_t reply_ms;         /* longest wait for a reply, in whole seconds; 0: default */
};
/* Texts are copied. ERR_USAGE for a smarthost_url that is none. The clock decides what is due; the thread looks at it when it is poked, and every half minute. */
int sender_start(const struct sender_options *options, struct sender **sender_r, struct err *err_r)
    WARN_UNUSED;
/* Something was queued in this mailbox. Thread-safe, does not block. */
void sender_poke(struct sender *sender, struct mailbox_no no);
/* Ends what is under way within a bounded time; the rest waits in the outboxes. Before the workers are freed. */
void sender_stop(struct sender **sender);

DEFINE_AUTO(sender, sender_stop)

#endif
