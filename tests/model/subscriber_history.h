/*
 * Random histories of a store with subscribers: real mailboxes, workers and hub in this process, clients that take, lose and repeat what they are told, a server that is stopped or killed, and a
 * clock that is moved. Beside it stands the list of all notices that the actions mean, stated action by action (subscriber_actions.c); what subscribers hear is compared with it.
 *
 * One worker runs all jobs, and whoever stimulates waits until all is still: a history repeats from its seed. A kill copies the store's files as they are at that moment and goes on with the copy;
 * what the old server does afterwards nobody hears.
 */
#ifndef MODEL_SUBSCRIBER_HISTORY_H
#define MODEL_SUBSCRIBER_HISTORY_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/rand.h"
#include "mailbox/mailbox.h"
#include "mailbox/store.h"
#include "mailbox/subscriptions.h"
#include "mailbox/sync.h"
#include "mailbox/workers.h"
#include "notify/hub.h"

#include <pthread.h>
#include <stdatomic.h>

#define SUBSCRIBER_BOXES 2
#define SUBSCRIBER_COUNT 7
#define SUBSCRIBER_CONNECTIONS 4
#define SUBSCRIBER_MAX_LEGS 3
#define SUBSCRIBER_MAX_FOLDERS 4
#define SUBSCRIBER_MAX_POSTS 8
#define ALL_TYPES (NOTICE_BIT(NOTICE_TYPE_COUNT) - 1)

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

#define LLU(v) ((unsigned long long)(v))

struct history;

/* ---- what must be told ---- */

/* A notice that an action means. */
struct want {
    enum notice_type type;
    bool folder;
    uint64_t object, parent; /* parent 0: that which the tree says when it is told */
    uint64_t old_object, old_parent;
    int64_t at_ms;
    struct log_position mark; /* its watermark */
};

/* From the so many-th notice on the folder is there. */
struct whereabouts {
    uint64_t folder, parent;
    size_t since;
};

struct box {
    struct mailbox_no no;
    uint64_t root, bin, recoverable;
    struct want *wants;
    size_t n, room;
    struct whereabouts *places;
    size_t place_n, place_room;
    size_t committed_n, committed_place_n; /* so many are durable */
    uint64_t own_seq;                      /* of what it began with */
    uint64_t floor_seq;                    /* events up to there are forgotten */
    uint64_t seq;                          /* of the event that is being stated, or the last */
    uint32_t number;                       /* of its notices so far */
};

enum concern { CONCERNS_NOT, CONCERNS_MAYBE, CONCERNS };

/* ---- subscribers ---- */

/* What a client has of a folder. */
struct mirror_item {
    uint64_t id, version;
    uint32_t flags;
};
struct mirror_folder {
    uint64_t id;
    struct sync_position at;
    bool dirty, gone;
    struct mirror_item *items;
    size_t n, room;
};
struct mirror {
    struct box *box;
    bool whole; /* all folders, else those that it has */
    struct mirror_folder *folders;
    size_t n, room;
};

struct subscriber {
    unsigned number;
    struct box *box;
    struct subscription row; /* as Subscribe answered */
    struct folder_id folders[SUBSCRIBER_MAX_FOLDERS];
    bool there;   /* subscribed, as far as the client knows */
    bool ending;  /* has to be gone: unsubscribed, given up */
    bool ended;   /* and that is settled */
    bool expired; /* by the clock */
    /* The clock was set back since it expired; or since it would have, had anybody looked. */
    bool may_return, may_have_expired;
    struct mirror mirror;
    bool mirrors;

    struct log_position seen; /* the client took all up to there */
    struct log_position low;  /* stream: nothing up to there is told again */
    struct log_position
        at;        /* stream: what this connection was told up to; pull: the client's watermark */
    bool at_known; /* stream: something was told on this connection */
    int64_t last_document_ms; /* stream, on this connection; INT64_MIN: none */
    struct connection *connection;
    bool sign_new; /* since the last rest */
    int64_t sign_least,
        sign_most; /* wall clock: signs of life that are surely noted, and that may be */

    /* push */
    struct log_position
        maybe; /* equals seen; else the watermark before an OK that a kill may have undone */
    struct hub_post *post;
    struct log_position post_last;
    struct notice *told; /* of the post */
    size_t told_n;
    bool post_missed;
    unsigned failures;
    int64_t failed_ms, answered_ms, ok_ms; /* monotonic */
    bool restarted;                        /* since the last post: times by the wall clock */
    bool unsure;  /* it was failing when the server began anew: so are its times */
    bool may_end; /* then: it may have been given up */
    bool first;   /* no post was taken yet */
};

struct document {
    struct subscriber *subscriber; /* NULL: not any more */
    int64_t at_ms;
    bool missed;
    struct notice *notices;
    size_t n;
    struct log_position end;
};

struct leg_told {
    struct subscriber *subscriber;
    bool begun;               /* something was told on this connection: */
    struct log_position at;   /* up to there */
    int64_t last_document_ms; /* INT64_MIN: none */
};

/* A stream, with what is on its way to the client. */
struct connection {
    struct history *h;
    struct box *box;
    bool open; /* taken */
    struct hub_stream *stream;
    struct leg_told legs[SUBSCRIBER_MAX_LEGS];
    size_t n;
    struct document *documents;
    size_t document_n, room;
    size_t read, surely_read; /* by the client so far; at least */
    bool acked, full, closing, acked_before, over, ended;
    int64_t unacked_ms; /* monotonic: last time that not all was acknowledged */
};

/* ---- the whole ---- */

struct moved_clock {
    struct clock base;
    atomic_llong wall_ms, monotonic_ms;
};

struct history {
    uint64_t seed;
    unsigned steps;
    bool verbose;
    const char *fresh; /* a store with SUBSCRIBER_BOXES new mailboxes */
    const char *base;  /* where directories may be made */
    struct mailbox_no nos[SUBSCRIBER_BOXES];

    char dir[192];
    unsigned dirs;
    struct prng prng;
    struct moved_clock clock;
    struct arena *arena;
    struct store *store;
    struct workers *workers;
    struct hub *hub;
    struct err err;
    struct box boxes[SUBSCRIBER_BOXES];
    struct subscriber subscribers[SUBSCRIBER_COUNT];
    struct connection connections[SUBSCRIBER_CONNECTIONS];
    struct hub_post *strays[SUBSCRIBER_MAX_POSTS]; /* to listeners that nobody knows of */
    struct mirror watcher;                         /* syncs by itself now and then */
    bool calm;                                     /* the end: nothing fails any more */

    pthread_t main;
    unsigned kill_in; /* at the so many-th moment from now; 0: never */
    bool killed;
    char next_dir[192];
    unsigned kills, stops, told, repeated, lost, misses, deaths, posts, synced; /* statistics */
    char failure[512];
};

/* Its clock stands at the time at which all begins. */
void history_set_clock(struct history *h);
bool history_run(struct history *h);

/* The first one stays. Any thread. */
void history_fail(struct history *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
void history_note(struct history *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline bool history_failed(const struct history *h)
{
    return h->failure[0] != '\0';
}
unsigned pick(struct history *h, unsigned limit); /* 0..limit-1 */
bool one_in(struct history *h, unsigned n);
int64_t wall_ms(struct history *h);
/* Time passes from deadline to deadline. */
void history_pass(struct history *h, int64_t ms);
int64_t monotonic_ms(struct history *h);

/* ---- subscriber_server.c ---- */

typedef int job_fn(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                   struct err *err_r);
void server_open(struct history *h);
/* Streams hear Closed, cursors are stored. */
void server_stop(struct history *h);
/* If a kill came: forgets the old server and opens what is left. */
void server_after_kill(struct history *h);
void server_free(struct history *h);
void server_kill_now(struct history *h);
/* Where a kill may come: in a worker's callback, and nothing is half written. */
void server_moment(struct history *h);
/* Waits for it. What run returned, or negative. */
int server_call(struct history *h, struct box *box, bool write, job_fn *fn, void *context);
/* For several at once: the worker waits, things are submitted, it goes on. */
struct gate;
struct gate *server_gate(struct history *h, struct box *box);
void server_submit(struct history *h, struct box *box, bool write, job_fn *fn);
void server_gate_open(struct gate *gate);
/* Until nothing is due; the next deadline. */
int64_t server_settle(struct history *h);
void copy_directory(const char *from, const char *to);
void remove_directory(const char *dir);

/* ---- subscriber_model.c ---- */

void box_truncate(struct box *box, size_t n, size_t place_n);
void box_event(struct box *box, uint64_t seq);
void box_say(struct box *box, const struct want *want);
void box_place(struct box *box, uint64_t folder, uint64_t parent);
struct log_position box_floor(const struct box *box);
/* The notices of a page in order, after `from`: all that concern the subscription up to the page's end, and no other. */
void model_check_page(struct history *h, const struct subscriber *s, struct log_position from,
                      const struct notice *notices, size_t n, struct log_position end);
/* Nothing that is there to be told lies between. */
bool model_is_silent(const struct subscriber *s, struct log_position from, struct log_position to,
                     const struct want **lost_r);
struct log_position model_end(const struct box *box);

/* ---- subscriber_actions.c ---- */

/* A job: one or more changes. */
int actions_run(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                struct err *err_r);
int actions_adopt(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                  struct err *err_r);
uint64_t pick_folder(struct history *h, struct box *box);

/* ---- subscriber_clients.c ---- */

void client_subscribe(struct history *h, struct subscriber *s);
/* Whether the row may be there, or not be there. False: the client gives it up. */
bool client_check_life(struct history *h, struct subscriber *s, bool found, int64_t life_ms);
void client_unsubscribe(struct history *h, struct subscriber *s);
void client_act(struct history *h, struct subscriber *s);
/* A pull subscription that is used just in time. */
void client_dawdle(struct history *h, struct subscriber *s);
/* All that a client does when the server has come to rest: ends of connections, posts. */
void clients_settled(struct history *h);
/* Every connection is lost, every post too; unsettled signs did not happen. */
void clients_killed(struct history *h);
/* True: there were some. */
bool clients_answer_strays(struct history *h, enum push_outcome outcome);
void clients_before_stop(struct history *h);
void clients_stopped(struct history *h);
void clients_finish(struct history *h);
void clients_free(struct history *h);

/* ---- subscriber_streams.c ---- */

extern const struct outlet_ops subscriber_outlet_ops;
/* Documents so old that the server may rely on their having been read count as such. */
void stream_note_read(struct connection *c);
/* The client reads the first n documents, if it has not. */
void stream_read(struct connection *c, size_t n);
/* All was taken: nothing of it is told again. settled: and the server has stored that. */
void stream_end_clean(struct connection *c, bool settled);
/* What was on its way is lost, but for the first of it; what is young is told again, and what is old may not be. */
void stream_end_broken(struct connection *c);
void streams_forget(struct history *h, const struct subscriber *s);
void stream_connect(struct history *h, struct subscriber *s);
void stream_stir(struct history *h, struct connection *c); /* acknowledges, hangs up, reads … */
void stream_set_acked(struct connection *c, bool acked);
void stream_settled(struct connection *c);
void stream_broken(struct connection *c);
void stream_read_all(struct connection *c);
void streams_prompt(struct history *h, int64_t passed_ms);
extern const struct push_ops subscriber_push_ops;

/* ---- subscriber_push.c ---- */

void push_answer(struct history *h, struct subscriber *s);
void push_fail(struct history *h, struct subscriber *s);
void push_killed(struct history *h, struct subscriber *s);

/* ---- subscriber_mirror.c ---- */

void mirror_begin(struct history *h, struct mirror *m, struct box *box, const struct subscriber *s);
void mirror_hear(struct mirror *m, const struct notice *notice);
void mirror_all_dirty(struct history *h, struct mirror *m);
/* The dirty ones, or only some of them. */
void mirror_sync(struct history *h, struct mirror *m);
void mirror_compare(struct history *h, struct mirror *m, const char *who);
void mirror_free(struct mirror *m);

static inline bool at_or_before(struct log_position a, struct log_position b)
{
    return log_position_cmp(a, b) <= 0;
}

#endif
