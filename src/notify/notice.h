/*
 * What an event of the log means to subscribers: notices. One table (notice.c) says which; it is the events table of docs/protocol.md.
 *
 * Notices of one event are numbered, and the numbers depend on the event's row alone: not on who reads, nor when. So (seq, number) names a notice for ever, and every notice has a
 * Watermark of its own.
 */
#ifndef NOTIFY_NOTICE_H
#define NOTIFY_NOTICE_H

#include "base/macros.h"
#include "mailbox/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct event;
struct mailbox_tx;
struct subscription;

/* X(NAME, EventType value, event element). Number = bit in subscription.types, for ever; append only. */
#define NOTICE_TYPES(X)                                                                            \
    X(COPIED, "CopiedEvent")                                                                       \
    X(CREATED, "CreatedEvent")                                                                     \
    X(DELETED, "DeletedEvent")                                                                     \
    X(MODIFIED, "ModifiedEvent")                                                                   \
    X(MOVED, "MovedEvent")                                                                         \
    X(NEW_MAIL, "NewMailEvent")                                                                    \
    X(FREE_BUSY, "FreeBusyChangedEvent")

enum notice_type {
#define X(name, wire) NOTICE_##name,
    NOTICE_TYPES(X)
#undef X
        NOTICE_TYPE_COUNT
};
#define NOTICE_BIT(type) (UINT32_C(1) << (type))

struct notice {
    enum notice_type type;
    bool folder; /* about a folder, not an item */
    uint64_t object, parent;
    uint64_t old_object, old_parent; /* moved, copied */
    int64_t at_ms;
    struct log_position after; /* its watermark */
    bool has_unread;           /* a folder's ModifiedEvent: UnreadCount, as of the reading */
    uint32_t unread;
};

/* Most notices that one event has. */
#define NOTICES_OF_EVENT_MAX 6
/* In the order in which they are told. Parents of folders that only the tree knows are 0 here: notices_read fills them in. */
size_t notices_of(const struct event *event, struct notice out[static NOTICES_OF_EVENT_MAX]);
/* Whether the subscription asked for it: by type; and by folder: that it is about, that it lies in or lay in. */
bool notice_concerns(const struct notice *notice, const struct subscription *subscription);

struct notice_page {
    const struct notice *notices;
    size_t n;
    bool more;   /* at once */
    bool missed; /* events before what is told here are forgotten */
    struct log_position
        end; /* everything before it that concerns the subscription is told: >= the last notice's */
};
/* The next notices for a subscription from a position on, at most max. Steps over at most NOTIFY_MAX_PASSED events that do not concern it (then `more`).
 * Lives in arena. */
int notices_read(struct mailbox_tx *tx, const struct subscription *subscription,
                 struct log_position from, size_t max, struct arena *arena,
                 struct notice_page *page_r, struct err *err_r) WARN_UNUSED;

#endif
