/*
 * One random history of EWS requests: a real store with two users and the model of them side by side, clients that follow folders by sync, and the generator
 * that drives all. The first thing that is not as it must be ends the history through eh_fail.
 *
 * An action says what each object of its request must come to (eh_expect), changes the model, and asks; what answers tell of new ids is noted. Where they do
 * not tell, the folder is listed when an id is needed: things come into a folder in an order that the model knows.
 */
#ifndef MODEL_EWS_HISTORY_H
#define MODEL_EWS_HISTORY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/macros.h"
#include "base/rand.h"
#include "ews_model.h"
#include "support/ews_fixture.h"

#include <setjmp.h>

#define EH_ITEM_CLIENTS 8
#define EH_TREE_CLIENTS 8
#define EH_STREAMS 8
#define EH_GONE_IDS 16

/* An item as a client knows it. Texts live as long as the history. */
struct eh_entry {
    const char *id, *key, *element, *subject;
    bool read;
};

/* What a client keeps between pages. */
struct eh_item_state {
    const char *text; /* SyncState; NULL: none yet */
    size_t n;
    struct eh_entry entries[EM_MAX_ITEMS];
};

struct eh_item_client {
    int viewer, folder;
    bool associated;
    bool rescoped; /* it may know associated items from another time, or not */
    struct eh_item_state now, saved;
};

struct eh_folder_entry {
    const char *id, *parent, *name;
};

struct eh_tree_state {
    const char *text;
    size_t n;
    struct eh_folder_entry entries[EM_MAX_FOLDERS];
};

struct eh_tree_client {
    int viewer, owner;
    enum distinguished anchor; /* DF_NONE: the request names no folder */
    struct eh_tree_state now, saved;
};

/* An item as ExportItems gave it. */
struct eh_stream {
    const char *data;
    struct em_content content;
    bool read, draft, associated;
};

struct eh_tx {
    struct mailbox *mailbox;
    struct mailbox_tx *tx;
    struct err err;
};

struct eh {
    uint64_t seed;
    unsigned steps;
    bool verbose;
    struct prng prng;
    struct arena *arena; /* of the history */
    struct ews_fixture *fixture;
    struct eh_tx tx;
    struct em model;
    const char *cause;       /* the action */
    struct buf expected;     /* response codes */
    bool changes;            /* one of them is NoError */
    uint64_t seqs[EM_USERS]; /* before the request */
    unsigned names;          /* for texts that are there once */
    struct eh_stream streams[EH_STREAMS];
    size_t stream_count;
    const char *gone_ids[EH_GONE_IDS];
    size_t gone_count;
    struct eh_item_client items[EH_ITEM_CLIENTS];
    struct eh_tree_client trees[EH_TREE_CLIENTS];
    unsigned requests, refused, changes_told; /* statistics */
    unsigned *done;                           /* by action: how often it came to something */
    jmp_buf failed;
    char failure[1024];
};

/* True when the history held. seed, steps, verbose and done are set; the rest is its own. */
bool eh_run(struct eh *h);

/* ---- for the parts of it ---- */

_Noreturn void eh_fail(struct eh *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
void eh_note(struct eh *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define EH_REQUIRE(h, cond, ...)                                                                   \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            eh_fail((h), __VA_ARGS__);                                                             \
        }                                                                                          \
    } while (0)
#define EH_MUST(h, call, err)                                                                      \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            eh_fail((h), "%s: %s: %s", #call, err_kind_name((err)->kind), (err)->log_text);        \
        }                                                                                          \
    } while (0)

/* Chance. */
unsigned eh_pick(struct eh *h, unsigned limit); /* 0..limit-1 */
bool eh_one_in(struct eh *h, unsigned n);
int eh_pick_user(struct eh *h);
/* Mostly the user's own, mostly there; every few times another's, or one that is gone. */
int eh_pick_folder(struct eh *h, int user);
/* The same for items; EM_GONE when there are none. want: only classes whose bit is set. */
int eh_pick_item(struct eh *h, int user, unsigned want);
#define EH_ANY_CLASS (~0u)
#define EH_CLASS(name) (1u << EM_##name)
#define EH_MESSAGES                                                                                \
    (EH_CLASS(MESSAGE) | EH_CLASS(REQUEST) | EH_CLASS(RESPONSE) | EH_CLASS(CANCELLATION))
/* A text that was never there before: "subject 17". Lives as long as the history. */
const char *eh_new_text(struct eh *h, const char *what);

/* Texts of requests, printf-like; live until the step's end. */
const char *eh_xml(struct eh *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *eh_folder_xml(struct eh *h, int folder); /* t:FolderId */
const char *eh_item_id(struct eh *h, int item);      /* asks for it, where it is not known */
const char *eh_item_key(struct eh *h, int item);     /* likewise */
void eh_forget_id(struct eh *h, const char *id);     /* it names nothing any more */

/* Asking. */
void eh_expect(struct eh *h, const char *code); /* of the next object */
/* The Body's child. Every response code must be as expected, and without a NoError no mailbox may have changed. */
void eh_ask(struct eh *h, int user, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Without expectations: for reading. */
void eh_read(struct eh *h, int user, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The element of that name in the nth response message; NULL. */
const struct xml_node *eh_answered(struct eh *h, size_t n, const char *name);
const struct xml_node *eh_find(const struct xml_node *node, const char *name);
/* Attribute or text, kept; "" when there is none. */
const char *eh_attr(struct eh *h, const struct xml_node *node, const char *name);
const char *eh_text_of(struct eh *h, const struct xml_node *node);
/* The nth object's new id and ChangeKey, from the element that has them. */
void eh_note_item(struct eh *h, size_t n, const char *element, int item);
void eh_note_folder(struct eh *h, size_t n, int folder);
/* Ids of folders that no answer told. */
void eh_learn_folders(struct eh *h, int owner);
void eh_learn_items(struct eh *h, int folder);

/* Codes that several operations have in common; NULL: none. */
const char *eh_refusal_of_folder(const struct em *m, int user, int folder); /* that is asked for */
const char *eh_refusal_of_item(const struct em *m, int user, int item);     /* to read it */

/* A transaction of our own in a mailbox; one at a time. */
struct mailbox_no eh_mailbox(const struct eh *h, int user);
struct eh_tx *eh_begin(struct eh *h, int user, enum mailbox_tx_mode mode);
void eh_end(struct eh *h);

/* ---- its parts ---- */

struct eh_action {
    unsigned weight;
    const char *name;
    void (*act)(struct eh *h);
};
extern const struct eh_action eh_actions[];
extern const size_t eh_action_count;
void eh_act(struct eh *h);
/* Some folders are open to the other user from the beginning. */
void eh_share_some(struct eh *h);
/* Everything in the outboxes arrives. */
void eh_deliver(struct eh *h);

void eh_clients_start(struct eh *h);
void eh_clients_step(struct eh *h);
/* All of them to the end, from where they stand: they must show what the model has. */
void eh_clients_finish(struct eh *h);
/* All that the server shows, against the model. */
void eh_check_all(struct eh *h);

#endif
