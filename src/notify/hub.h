/*
 * The hub: who waits on which mailbox. A commit wakes; the log is read from each waiter's own cursor; what is due by the clock is done. It keeps no queues: what a waiter was
 * not told yet stands in the log. It knows no XML and no sockets: an outlet writes.
 *
 * Streams and push subscriptions wait here. All that waits on one mailbox stands at one desk, with one lock; the desk's log is read by a job of that mailbox's worker. Functions here are
 * thread-safe and do not block but for a desk's lock, which is held while its outlets write into buffers. See docs/design/notifications.md.
 */
#ifndef NOTIFY_HUB_H
#define NOTIFY_HUB_H

#include "base/err.h"
#include "base/macros.h"
#include "mailbox/ids.h"
#include "mailbox/subscriptions.h"
#include "notify/notice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct hub;
struct hub_stream;
struct store;
struct workers;

/* ---- streams ---- */

enum outlet_result {
    OUTLET_TAKEN, /* written: the kernel has it, or it waits in one bounded buffer of the outlet */
    OUTLET_FULL,  /* the same, but nothing more until hub_stream_ready */
    OUTLET_DEAD   /* nobody takes it any more: as if hub_stream_lost had come */
};

/* How a stream's documents get out. Called with the desk locked, never two at once for one outlet, and must not call the hub. Each call is one document. */
struct outlet_ops {
    enum outlet_result (*notices)(void *outlet, const struct subscription *subscription,
                                  const struct notice_page *page);
    /* Sign of life. */
    enum outlet_result (*alive)(void *outlet);
    /* A failure of these subscriptions (none: of the stream). closes: the stream ends with it, as with `closed`. */
    enum outlet_result (*error)(void *outlet, enum err_kind kind,
                                const struct subscription *const *subscriptions, size_t n,
                                bool closes);
    /* The last document; what follows is the end of the response. `ended` comes as soon as is_taken says that the peer has it, or a few seconds later (NOTIFY_CLOSE_MS). */
    enum outlet_result (*closed)(void *outlet);
    /* True: every byte so far was acknowledged by the peer, and its end is still open. */
    bool (*is_taken)(void *outlet);
    /* The hub has forgotten the stream and calls no more. Last call, without the desk's lock; after `closed` the outlet sees to it that the end gets out. */
    void (*ended)(void *outlet);
    /* Every byte so far was acknowledged by the peer's side, though that may have closed since. NULL: nobody knows. */
    bool (*is_acked)(void *outlet);
};

/* What spares an opening a second look: hub_look() from before the rows were read, and where the log ended then. While nothing has changed since, they are as they were. */
struct hub_seen {
    uint64_t rows, commits;
    struct log_position end;
};
struct hub_seen hub_look(struct hub *hub);

struct hub_stream_request {
    struct mailbox_no mailbox;
    const struct subscription
        *subscriptions; /* copied; of this mailbox, streaming, alive a moment ago */
    size_t n;
    int64_t life_ms;      /* ConnectionTimeout */
    struct hub_seen seen; /* all 0: not known */
    const struct outlet_ops *ops;
    void *outlet;
};
/*
 * Takes the stream on: its first document is written at once, then what the log holds after the cursors, then what comes. An older stream with one of the ids hears
 * ERR_STREAM_TAKEN_OVER and is closed. ERR_CONNECTION_COUNT, ERR_SHUTTING_DOWN: nothing was taken on, no op is called. ops may be called before this returns.
 */
int hub_stream_open(struct hub *hub, const struct hub_stream_request *request,
                    struct hub_stream **stream_r, struct err *err_r) WARN_UNUSED;
/* After OUTLET_FULL: there is room again. Not from within an op. */
void hub_stream_ready(struct hub_stream *stream);
/* The peer is gone, however: what it did not surely take is told to the next stream. `ended` follows, or came. The caller owns one reference until here or hub_stream_forget. */
void hub_stream_lost(struct hub_stream *stream);
/* The outlet will not call any more (after `ended`). Exactly one of lost and forget is called for each opened stream. */
void hub_stream_forget(struct hub_stream *stream);

/* ---- push ---- */

enum push_outcome { PUSH_OK, PUSH_UNSUBSCRIBE, PUSH_FAILED };

/* One notification on its way to a listener. The hub's until post, the poster's until hub_push_done. */
struct hub_post;
const struct subscription *hub_post_subscription(const struct hub_post *post);
struct mailbox_no hub_post_mailbox(const struct hub_post *post);
/* No notices: a StatusEvent at page->end. */
const struct notice_page *hub_post_page(const struct hub_post *post);
/* PreviousWatermark. */
struct log_position hub_post_previous(const struct hub_post *post);
/* Any thread; not from within post. */
void hub_push_done(struct hub_post *post, enum push_outcome outcome);

struct push_ops {
    /* At most one of a subscription is out. With the desk locked; must not call the hub. */
    void (*post)(void *context, struct hub_post *post);
};

/* ---- the hub ---- */

/* What one user may have; a user without a row of his own has the default. A 0 is the default's figure; in the default, the usual servers' (limits.h). */
struct hub_limits {
    const char *address;        /* NULL: the default */
    unsigned max_subscriptions; /* EwsMaxSubscriptions */
    unsigned max_streams;       /* HangingConnectionLimit */
};

struct hub_options {
    struct store *store;
    struct workers *workers;
    struct clock *clock;
    struct hub_limits defaults;
    const struct hub_limits *users; /* kept by reference */
    size_t user_n;
    int64_t stream_idle_ms; /* life of a streaming subscription without a connection; 0: 24 hours */
    const struct push_ops *push; /* NULL: no push */
    void *push_context;
    bool threadless; /* tests: time passes by hub_tick alone */
};
int hub_new(const struct hub_options *options, struct hub **hub_r, struct err *err_r) WARN_UNUSED;
/* Finds the push subscriptions of the store and goes on with them. */
int hub_start(struct hub *hub, struct err *err_r) WARN_UNUSED;
/* Every stream hears Closed, and no new one is taken on; returns when all are ended and their cursors are stored, or after wait_ms. No post goes out any more; those that are out are
 * waited for. Before the workers are freed. */
void hub_stop(struct hub *hub, int64_t wait_ms);
/* Everything ended. */
void hub_free(struct hub **hub);

/* A commit changed the mailbox: the workers' hook. */
void hub_committed(struct hub *hub, struct mailbox_no no);
/* Subscriptions were added or deleted in the mailbox, and committed: streams whose subscription is gone hear ERR_SUBSCRIPTION_INVALID, new push subscriptions begin. */
void hub_subscriptions_changed(struct hub *hub, struct mailbox_no no);
/* A pull subscription was used: notes it durably soon. Cheap when that was done a moment ago. */
void hub_touch(struct hub *hub, struct mailbox_no no, const struct subscription *subscription);
/* Does what is due; returns when to come again (monotonic ms; INT64_MAX: when something happens). The hub's own thread calls it; or a test. */
int64_t hub_tick(struct hub *hub);

/* The limits of a user, by address. */
struct hub_limits hub_limits_of(const struct hub *hub, const char *address);
int64_t hub_stream_idle_ms(const struct hub *hub);

/* ---- for operators ---- */

struct hub_stats {
    uint64_t streams, stream_legs, push_subscriptions; /* now */
    uint64_t streams_opened, documents, notices, heartbeats, taken_over, lost, cut_off;
    uint64_t posts_ok, posts_failed, pushes_given_up;
    int64_t
        lag_ms; /* of all open streams: how long the one that waits longest has had something to hear */
    struct subscription_counts subscriptions; /* rows, as far as they were counted */
};
void hub_stats(struct hub *hub, struct hub_stats *stats_r);
/* How many rows a mailbox has now; for the sum in the stats. All 0: it is gone. */
void hub_note_counts(struct hub *hub, struct mailbox_no no,
                     const struct subscription_counts *counts);
/* Commits so far; and waits for one after `since`, at most so long: for the monitor. Returns the number then. */
uint64_t hub_commits(struct hub *hub);
uint64_t hub_wait_commit(struct hub *hub, uint64_t since, int64_t wait_ms);
/* Open streams with this subscription: 0 or 1. */
/* How far a subscription of a stream or a push was told, if the hub knows better than the row. */
bool hub_cursor(struct hub *hub, struct mailbox_no no, struct subscription_id id,
                struct log_position *at_r);
unsigned hub_streams_of(struct hub *hub, struct mailbox_no no, struct subscription_id id);

DEFINE_AUTO(hub, hub_free)

#endif
