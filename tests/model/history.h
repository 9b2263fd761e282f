/*
 * One random history: a real mailbox and the model side by side, clients that follow them, and the generator that drives all. The first thing that is not
 * as it must be ends the history through history_fail.
 */
#ifndef MODEL_HISTORY_H
#define MODEL_HISTORY_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/rand.h"
#include "mailbox/mailbox.h"
#include "mailbox/sync.h"
#include "mailbox/token.h"
#include "model.h"
#include "replica.h"

#include <setjmp.h>

#define HISTORY_ITEM_CLIENTS 4
#define HISTORY_TREE_CLIENTS 3
/* Changes in one transaction at most. */
#define HISTORY_MAX_ACTIONS 8
#define HISTORY_MAILBOX ((struct mailbox_no){42})

/* What an item sync client keeps between pages. */
struct item_state {
    struct sync_position pos;
    uint64_t last_key;     /* of the window's pages so far */
    struct id_set created; /* told as Create in this window */
    struct item_replica replica;
};

struct item_client {
    uint64_t folder;
    bool associated, with_props;
    struct item_state now, saved, scratch; /* saved: an old copy that it may fall back to */
};

struct tree_client {
    uint64_t anchor;
    bool initial, saved_initial;
    struct seq at, saved_at;
    struct tree_replica replica, saved;
};

struct history {
    uint64_t seed;
    unsigned steps;
    bool verbose;
    const char *path; /* of the mailbox; a new one with its distinguished folders */
    struct prng prng;
    struct clock_manual clock;
    struct token_key key;
    struct arena *arena;
    struct mailbox *mailbox;
    struct mailbox_tx *tx;
    struct err err;
    struct model model, undo_part, undo_tx;
    size_t own_folders; /* that the mailbox began with */
    struct item_client items[HISTORY_ITEM_CLIENTS];
    struct tree_client trees[HISTORY_TREE_CLIENTS];
    unsigned pages, changes; /* statistics */
    jmp_buf failed;
    char failure[512];
};

/* True when the history held. h->seed, steps, verbose and path are set; the rest is its own. */
bool history_run(struct history *h);

/* ---- for the parts of it ---- */

_Noreturn void history_fail(struct history *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
void history_note(struct history *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define REQUIRE(h, cond, ...)                                                                      \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            history_fail((h), __VA_ARGS__);                                                        \
        }                                                                                          \
    } while (0)
/* A call that may not fail. */
#define MUST(h, call)                                                                              \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            history_fail((h), "%s: %s: %s", #call, err_kind_name((h)->err.kind),                   \
                         (h)->err.log_text);                                                       \
        }                                                                                          \
    } while (0)
#define LLU(v) ((unsigned long long)(v))

unsigned pick(struct history *h, unsigned limit); /* 0..limit-1 */
bool one_in(struct history *h, unsigned n);
uint64_t pick_folder(struct history *h); /* mostly present */
uint64_t pick_item(struct history *h);   /* mostly present; 0 when there is none yet */

/* actions.c: one transaction of one or more changes. */
void history_act(struct history *h);
/* clients.c */
void item_client_start(struct history *h, struct item_client *c);
void item_client_page(struct history *h, struct item_client *c);
void tree_client_start(struct history *h, struct tree_client *c);
void tree_client_sync(struct history *h, struct tree_client *c);
/* Every client to the end, from where it stands. */
void clients_finish(struct history *h);

#endif
