/* The message that tells a sender what could not be delivered (RFC 3464). Caller: carry.c. Pure. */
#ifndef SMTP_BOUNCE_H
#define SMTP_BOUNCE_H

#include "base/buf.h"
#include "base/str.h"
#include "mailbox/outbox.h"

#include <stdint.h>

struct bounce_options {
    const char *hostname;
    int64_t now_ms;
    const char *guid; /* makes the Message-ID and the boundary unique */
};
/* A multipart/report from MAILER-DAEMON@hostname about the FAILED recipients of the message: what happened, the statuses, the message's header. */
void bounce_write(struct buf *out, const struct outbox_message *message,
                  const struct bounce_options *options);

#endif
