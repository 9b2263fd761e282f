/* The demo's messages: message i of a mailbox is a function of the owner and i alone (and of the present time). */
#ifndef SERVER_DEMO_MAIL_H
#define SERVER_DEMO_MAIL_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct demo_owner {
    const char *address, *name;
};

struct demo_message {
    const char *folder; /* path below the visible root */
    int64_t sent_ms;
    bool read;
};

/* Messages of a mailbox, oldest last: 0 is the newest. */
#define DEMO_MESSAGES 320

/* Appends message i to out. */
void demo_message_write(const struct demo_owner *owner, unsigned i, int64_t now_ms, struct buf *out,
                        struct demo_message *message_r);

#endif
