/*
 * Shared by the files of the hub: hub.c (the map of desks, the thread), stop.c, schedule.c (who is due next), desk.c (a desk's life and its read job), stream.c (what streams tell, and their clocks), stream_open.c
 * (how they come and go),
 * push.c (posts and their schedule), save.c (cursors and their rows). Invariants, tested by the unit tests:
 *
 *  I1  Locks, outer first: a desk's mutex, the hub's mutex. The workers' own lock lies within both. Nobody holds two desks. The hub's mutex is held for a few steps only.
 *  I2  Outlets and push_ops.post are called with the desk locked; outlet_ops.ended without any lock, after all else.
 *  I3  A desk lives while it has references: one of each stream, of each job and post that is out, of whoever works on it, and one (`holds`) while it has push subscriptions, cursors that are
 *      not in their rows, or rows to look at.
 *  I4  A cursor: stored <= sure <= told, but for a store that was restored from a backup. Rows get nothing beyond `sure`.
 *  I5  At most one read job and one save job of a desk are out.
 *  I6  Whoever changed a desk leaves it by desk_leave, which submits the jobs that are due and reckons when the desk is due by the clock.
 */
#ifndef NOTIFY_NOTIFY_PRIVATE_H
#define NOTIFY_NOTIFY_PRIVATE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "mailbox/subscriptions.h"
#include "mailbox/workers.h"
#include "notify/hub.h"
#include "notify/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define NEVER INT64_MAX

struct notice_reader;

/* How far a subscription was told; kept by its desk until its row says so too. */
struct cursor {
    struct cursor *next;
    struct subscription_id id;
    unsigned users;           /* legs and pushes with it: 0 or 1, but for a moment of a take-over */
    struct log_position told; /* written to the outlet; push: the listener said OK */
    struct log_position sure;
    struct log_position stored;
    struct log_position again; /* beyond sure: a connection that broke had taken that much first */
    int64_t forget_ms;         /* of `again`, while nobody uses the cursor */
    int64_t failing_ms, stored_failing_ms; /* push: as in the row */
    bool fresh;         /* nothing was told yet: a row that is further is right */
    bool urgent;        /* to be stored at once; else with the next sign of life */
    bool saving;        /* in the save job that is out */
    bool gone;          /* the row is no more */
    int64_t used_ms;    /* monotonic: when the row last got a sign of life */
    int64_t refresh_ms; /* it gets one so often while it has users */
};

/* A subscription of a stream. */
struct leg {
    struct subscription subscription; /* lives in the stream's arena */
    struct cursor *cursor;
    struct log_position candidate; /* becomes sure when the stream's sure_ms comes */
    bool hungry;                   /* the log may hold more */
    int64_t hungry_ms;             /* since when */
    bool gone;                     /* to be told so */
    int64_t next_ms;               /* the next document not before */
};

enum stream_state {
    STREAM_OPEN,    /* documents go out */
    STREAM_CLOSING, /* Closed is written, and the peer has not yet acknowledged it */
    STREAM_ENDED /* not at the desk any more; `ended` is called, or will be by whoever holds the desk */
};

struct hub_stream {
    struct hub_stream *next; /* at the desk, or among the ended */
    struct desk *desk;
    struct arena *arena;
    const struct outlet_ops *ops;
    void *outlet;
    enum stream_state state;
    unsigned refs; /* the hub's and the caller's; under the desk's mutex */
    struct leg *legs;
    size_t n;
    size_t turn;                    /* the leg that is read first */
    bool has_first;                 /* a document with notices was told */
    struct cursor *first;           /* whose; NULL: of a subscription that is gone */
    struct log_position first_told; /* that document's end */
    bool first_acked;
    unsigned end_polls;
    bool full;
    bool acked_before; /* CLOSING: all before Closed was acknowledged when that was written */
    int64_t last_ms;   /* of the last document */
    int64_t end_ms;    /* ConnectionTimeout */
    int64_t full_ms;   /* since when it is full */
    int64_t sure_ms;   /* look then whether the candidates are sure; NEVER: there are none */
    int64_t close_ms, close_poll_ms, close_step_ms; /* CLOSING: since when; next look; then */
};

enum push_state {
    PUSH_IDLE,   /* waits for events, or for its status */
    PUSH_POSTED, /* a post is out */
    PUSH_NOTING, /* the listener took it; the row is to know before the next post */
    PUSH_ENDING  /* the row is to be deleted */
};

struct push {
    struct push *next;
    struct arena *arena;
    struct subscription subscription;
    struct cursor *cursor;
    enum push_state state;
    bool hungry;
    bool first;               /* its first StatusEvent is to come */
    bool gone;                /* POSTED: the row is no more */
    struct log_position seen; /* up to there the log holds nothing untold that concerns it */
    unsigned failures;        /* since failed_ms */
    int64_t failed_ms;        /* monotonic: the first of them */
    int64_t next_ms;          /* IDLE: no post before, after failures */
    int64_t status_ms;        /* IDLE: a StatusEvent then */
};

struct hub_post {
    struct desk *desk; /* a reference */
    struct push *push;
    struct arena *arena;
    struct subscription subscription;
    struct notice_page page;
    struct log_position previous;
};

/* Something of a mailbox that is tried again, later and later. */
struct trouble {
    int64_t until_ms, step_ms;
};

/* What the save job does, one a row. */
struct save_entry {
    enum save_what { SAVE_NOTE, SAVE_TOUCH, SAVE_DELETE } what;
    struct subscription_id id;
    struct log_position at;
    int64_t failing_ms;
    struct cursor *cursor; /* whose row it is; NULL: of a pull subscription, or a push that ends */
    struct push *push;     /* DELETE */
    int found;             /* the row was there */
};

struct desk {
    struct hub *hub;
    struct mailbox_no no;
    unsigned refs; /* under the hub's mutex, with the next two */
    int64_t due_ms;
    size_t due_place; /* in the schedule */

    pthread_mutex_t mutex; /* of all below */
    bool holds;            /* I3 */
    bool stopping;
    struct hub_stream *streams; /* OPEN and CLOSING */
    struct hub_stream *ended;   /* their `ended` is to be called */
    struct push *pushes;
    unsigned posts_out; /* at most NOTIFY_MAX_POSTS */
    struct cursor *cursors;
    struct subscription_id *touched; /* pull subscriptions that were used */
    size_t touched_n, touched_room;

    struct mailbox_job read;
    bool reading;
    bool rows_wanted;    /* the next read looks at the rows */
    uint64_t wakes;      /* commits and new waiters so far */
    uint64_t read_wakes; /* those that the read job that is out surely sees */
    bool hinted;         /* the store may have a hint "push" for the mailbox */
    struct trouble read_trouble;

    struct mailbox_job save;
    bool saving;
    struct arena *save_arena; /* of the entries */
    struct save_entry *entries;
    size_t entry_n;
    struct trouble save_trouble;
};

struct hub {
    struct store *store;
    struct workers *workers;
    struct clock *clock;
    struct hub_limits defaults;
    const struct hub_limits *users;
    size_t user_n;
    int64_t stream_idle_ms;
    const struct push_ops *push;
    void *push_context;
    pthread_t thread;
    bool threaded, started;

    pthread_mutex_t mutex;
    pthread_cond_t wake;    /* of the thread: the schedule's first has changed */
    pthread_cond_t changed; /* a commit, or something ended: for those who wait */
    struct u64map *desks;
    struct desk **schedule; /* a heap by due_ms of all desks */
    size_t desk_n, schedule_room;
    atomic_uint_fast64_t
        version; /* hub_look: raised when rows may have changed, by others or by what was saved */
    struct u64map *counts; /* struct subscription_counts of mailboxes that have some */
    uint64_t commits;
    unsigned commit_waiters;
    bool stopping; /* nothing new */
    bool stopped;  /* hub_stop is over: no job is submitted any more */
    bool thread_ends;

    /* What hub_stop waits for, under the mutex. A stream counts until `ended` has returned. */
    unsigned posts_out, jobs_out, streams_out;
    struct {
        atomic_uint_fast64_t streams, stream_legs, push_subscriptions, streams_opened, documents,
            notices, heartbeats, taken_over, lost, cut_off, posts_ok, posts_failed, pushes_given_up;
    } stats;
};

static inline int64_t hub_now(const struct hub *hub)
{
    return clock_monotonic_ms(hub->clock);
}
static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- schedule.c: all with the hub's mutex ---- */

void schedule_add(struct hub *hub, struct desk *desk);
void schedule_remove(struct hub *hub, struct desk *desk);
void schedule_set(struct hub *hub, struct desk *desk, int64_t due_ms);
/* NULL: there are no desks. */
struct desk *schedule_first(const struct hub *hub);

/* ---- hub.c ---- */

/* All that there are, each with a reference; malloc'd. */
struct desk **hub_all_desks(struct hub *hub, size_t *n_r);
/* The desk of a mailbox, locked and with a reference of the caller's. NULL: there is none, and none was to be made or the hub is stopping. */
struct desk *hub_desk(struct hub *hub, struct mailbox_no no, bool make);
void desk_ref(struct desk *desk);
/* The last one frees it. Not with the desk locked. */
void desk_unref(struct desk *desk);
void desk_set_due(struct desk *desk, int64_t due_ms);
/* The job gets a reference and counts as out. False: it is too late for jobs. */
bool hub_submit(struct desk *desk, struct mailbox_job *job);
/* For timed waits: real time, whatever the hub's clock is. */
struct timespec hub_real_time_in(int64_t ms);
/* One of posts_out, jobs_out and streams_out begins or is over. Who ends one touches the hub no more, unless he has a desk's reference. */
void hub_begins(struct hub *hub, unsigned *counter);
void hub_is_over(struct hub *hub, unsigned *counter);

/* ---- desk.c: all with the desk locked ---- */

struct desk *desk_new(struct hub *hub, struct mailbox_no no);
void desk_free(struct desk *desk);
void desk_lock(struct desk *desk);
/* I6. Unlocks, calls `ended` of the streams that ended, and gives the caller's reference back. */
void desk_leave(struct desk *desk);
/* All are hungry. */
void desk_wake(struct desk *desk);
/* What is due by the clock. */
void desk_tick(struct desk *desk, int64_t now_ms);
/* Nothing is left that hub_stop waits for. */
bool desk_is_quiet(const struct desk *desk);
/* A job failed: it is tried again later, and the log says why. */
void desk_trouble(struct desk *desk, struct trouble *trouble, const struct err *err);

/* ---- stream.c: all with the desk locked ---- */

/* The read job's part: hands out what the log holds for the legs that may have it now. */
int streams_read(struct desk *desk, struct notice_reader *reader, struct err *err_r) WARN_UNUSED;
void streams_tick(struct desk *desk, int64_t now_ms);
/* The earliest of all deadlines but those of reading; and when a leg may read. */
int64_t streams_due_ms(const struct desk *desk);
int64_t streams_read_ms(const struct desk *desk);
/* rows: the living ones, ascending. Legs without one hear that they are gone; fresh cursors learn where they are. */
void streams_compare(struct desk *desk, const struct subscription *rows, size_t n);
void streams_close_all(struct desk *desk);
/* Asks now whether Closed was acknowledged, whatever the clock says; give_up: and ends those of which it was not. */
void streams_poll_closing(struct desk *desk, bool give_up);
/* A document was handed out. False: nobody takes any more, and the stream has ended. */
bool stream_wrote(struct hub_stream *stream, enum outlet_result result);
/* The connection took all that was written. */
void stream_settle(struct hub_stream *stream);
/* What it did not surely take is told to the next one. */
void stream_fall_back(struct hub_stream *stream);
/* It leaves the desk; `ended` follows. */
void stream_end(struct hub_stream *stream);
/* The connection is no more, and nobody said so. */
void stream_break(struct hub_stream *stream);
/* Names the legs that are gone, if the outlet has room; the last ones take the stream with them. */
void stream_tell_gone(struct hub_stream *stream);

/* ---- stream_open.c: all with the desk locked ---- */

/* One of the two references is given back: true, the stream is no more but for its memory, which the caller frees by hub_stream_free without the lock. */
bool stream_unref(struct hub_stream *stream) WARN_UNUSED;
void hub_stream_free(struct hub_stream *stream);

/* ---- push.c: all with the desk locked ---- */

int pushes_read(struct desk *desk, struct notice_reader *reader, struct err *err_r) WARN_UNUSED;
int64_t pushes_read_ms(const struct desk *desk);
/* rows: as above; new ones begin, and those without a row go. True: there is one. */
bool pushes_compare(struct desk *desk, const struct subscription *rows, size_t n);
/* Rows are written: whose cursor has nothing more to be stored goes on. */
void pushes_noted(struct desk *desk);
void push_drop(struct desk *desk, struct push *push);

/* ---- save.c: all with the desk locked ---- */

/* The cursor of a row: the one that the desk has, or a new one that is as the row says. The caller becomes its user. */
struct cursor *cursor_use(struct desk *desk, const struct subscription *row);
struct cursor *cursor_find(const struct desk *desk, struct subscription_id id);
/* What was told up to there is sure. */
void cursor_sure(struct cursor *cursor, struct log_position at);
/* A connection broke whose first document, acknowledged, told up to there. */
void cursor_took_first(struct cursor *cursor, struct log_position at, int64_t now_ms);
void cursor_unuse(struct cursor *cursor);
/* When one that is only remembered may go. */
int64_t cursors_forget_ms(const struct desk *desk);
/* Frees those that nobody uses and whose rows are right. */
void cursors_tidy(struct desk *desk);
/* When a row is to be written. */
int64_t save_due_ms(const struct desk *desk);
void save_submit(struct desk *desk);
void save_touch(struct desk *desk, struct subscription_id id);

/* A copy that lives in arena. */
struct subscription subscription_dup(struct arena *arena, const struct subscription *s);
/* The row of an id among ascending ones, or NULL. */
const struct subscription *row_find(const struct subscription *rows, size_t n,
                                    struct subscription_id id);

#endif
