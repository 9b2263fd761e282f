/*
 * A store with two mailboxes in a temporary directory, and EWS requests put to it without sockets
 * and threads: request text in, answer text out. For unit tests of the room ews and its fuzz
 * target. A step of the fixture itself that fails ends the program with its reason.
 *
 * With EWER_ANSWERS=DIR every answer is also kept there as a file, for a check against the schema.
 */
#ifndef SUPPORT_EWS_FIXTURE_H
#define SUPPORT_EWS_FIXTURE_H

#include "base/clock.h"
#include "base/err.h"
#include "ews/call.h"
#include "mailbox/mailbox.h"
#include "xml/xml_doc.h"

struct arena;
struct store;
struct workers;

struct ews_fixture {
    char dir[64];
    struct clock_manual clock;
    struct arena *arena; /* of everything that the functions below return */
    struct store *store;
    struct ews_service service;
    struct mailbox_no alice, bob; /* alice@example.com, bob@example.com */
    struct mailbox_no as;         /* who asks: alice, unless a test says otherwise */
    struct mailbox_no in;         /* whose mailbox the functions below mean, ids too: likewise */
    unsigned fail_leg;            /* the nth leg of a request comes to nothing; 0: none */
    bool refuse;                  /* the finished answer is refused, its bytes taken away before */
    unsigned legs;                /* that the last request had */
    const char *version;          /* RequestServerVersion of ews_ask; NULL: no header */
    struct workers *workers;      /* requests run on them, and others may use them; else NULL */
    /* of the last answer */
    int http_status;
    enum err_kind outcome;
    struct str answer;
    struct xml_node *root;
    const struct ews_stream *stream; /* the answer is to be this stream: then there is no text */
    bool subscriptions_changed;
};

struct ews_fixture *ews_fixture_new(void);
void ews_fixture_free(struct ews_fixture **fixture);
/* For cmocka's setup and teardown. */
int ews_fixture_setup(void **state);
int ews_fixture_teardown(void **state);

/* ---- what is in the mailbox `in`; each step is a transaction ---- */

struct folder_id ews_folder(struct ews_fixture *f, enum distinguished which);
struct folder_id ews_given_folder(struct ews_fixture *f, struct folder_id parent, const char *name,
                                  const char *folder_class);
struct item_id ews_given_message(struct ews_fixture *f, struct folder_id folder,
                                 const char *subject);
/* A whole message, as by LMTP. */
struct item_id ews_given_mime(struct ews_fixture *f, struct folder_id folder, const char *mime);
struct item_id ews_given_associated(struct ews_fixture *f, struct folder_id folder);
/* Of a kind, with nothing in it. */
struct item_id ews_given_item(struct ews_fixture *f, struct folder_id folder, enum item_kind kind);
/* Replaces what all others may do there: who, and only who, has these rights (permissions.h). */
void ews_given_rights(struct ews_fixture *f, struct folder_id folder, struct mailbox_no who,
                      uint32_t rights);
void ews_set_read(struct ews_fixture *f, struct item_id id, bool read);
/* Any content change. */
void ews_touch(struct ews_fixture *f, struct item_id id);
void ews_delete_item(struct ews_fixture *f, struct item_id id);
struct item_id ews_move_item(struct ews_fixture *f, struct item_id id, struct folder_id to);
void ews_rename_folder(struct ews_fixture *f, struct folder_id id, const char *name);
void ews_move_folder(struct ews_fixture *f, struct folder_id id, struct folder_id to);
void ews_delete_folder(struct ews_fixture *f, struct folder_id id);

/* ---- what is in it now ---- */

/* False when it is gone. */
bool ews_find_item(struct ews_fixture *f, struct item_id id, struct item *item_r);
bool ews_find_folder(struct ews_fixture *f, struct folder_id id, struct folder *folder_r);
/* Its invariants hold, or the program ends. */
void ews_check_mailbox(struct ews_fixture *f);

/* ---- ids as they stand in requests ---- */

const char *ews_item_id(struct ews_fixture *f, struct item_id id);
const char *ews_folder_id(struct ews_fixture *f, struct folder_id id);
/* Of bob's mailbox. */
const char *ews_foreign_folder_id(struct ews_fixture *f, struct folder_id id);

/* ---- asking ---- */

/* The whole request text, as alice. The answer is parsed: root. */
const char *ews_ask_raw(struct ews_fixture *f, struct str request);
/* The Body's child, printf-like; prefixes m and t are declared. */
const char *ews_ask(struct ews_fixture *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same with header elements. */
const char *ews_ask_with_header(struct ews_fixture *f, const char *header, const char *body);

/* ---- looking at the answer: elements by local name, in document order ---- */

/* NULL when there are not so many. */
const struct xml_node *ews_nth(const struct ews_fixture *f, const char *name, size_t n);
size_t ews_count(const struct ews_fixture *f, const char *name);
/* Text of the first; "" for an empty one, NULL when absent. */
const char *ews_text(struct ews_fixture *f, const char *name);
const char *ews_attr(struct ews_fixture *f, const char *name, const char *attr);
/* The ResponseCodes of all messages: "NoError ErrorItemNotFound". */
const char *ews_codes(struct ews_fixture *f);
/* Names of a node's children with one space between: "ResponseCode SyncState". */
const char *ews_children(struct ews_fixture *f, const struct xml_node *node);
/* Structure of a node: "Create(Message(ItemId))". */
const char *ews_outline(struct ews_fixture *f, const struct xml_node *node);

#endif
