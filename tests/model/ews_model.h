/*
 * The plainest mailboxes of two users that are right: arrays and loops, for histories of EWS requests (ews_history.h). Knows what requests do, what they may
 * do, and nothing of how the server does it. Folders and items are known by their index, which stays theirs when they are gone.
 *
 * Programmer errors, a full array among them, abort; everything else is the caller's to ask for beforehand.
 */
#ifndef MODEL_EWS_MODEL_H
#define MODEL_EWS_MODEL_H

#include "mailbox/mailbox.h"
#include "mailbox/permissions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EM_USERS 2
#define EM_NOBODY (-1)
#define EM_STRANGER EM_USERS /* somebody without a mailbox here, as author or recipient */
#define EM_MAX_FOLDERS 256
#define EM_MAX_ITEMS 2000
#define EM_MAX_ATTACHMENTS 4
#define EM_MAX_QUEUED 64
#define EM_OCCURRENCES 4 /* of every series */
#define EM_NAME_BYTES 64
#define EM_SUBJECT_BYTES 96
#define EM_BODY_BYTES 512
#define EM_GONE (-1)

/* X(NAME, element in requests and answers, is a message, shows IsRead) */
#define EM_CLASSES(X)                                                                              \
    X(MESSAGE, "Message", true, true)                                                              \
    X(POST, "PostItem", false, true)                                                               \
    X(CONTACT, "Contact", false, false)                                                            \
    X(LIST, "DistributionList", false, false)                                                      \
    X(TASK, "Task", false, false)                                                                  \
    X(APPOINTMENT, "CalendarItem", false, false)                                                   \
    X(SERIES, "CalendarItem", false, false)                                                        \
    X(REQUEST, "MeetingRequest", true, true)                                                       \
    X(RESPONSE, "MeetingResponse", true, true)                                                     \
    X(CANCELLATION, "MeetingCancellation", true, true)                                             \
    X(ITEM, "Item", false, false)

enum em_class {
#define X(name, element, message, read) EM_##name,
    EM_CLASSES(X)
#undef X
        EM_CLASS_COUNT
};
const char *em_element(enum em_class class);
bool em_is_message(enum em_class class);
bool em_shows_read(enum em_class class);
bool em_is_calendar_item(enum em_class class);

struct em_folder {
    int owner;
    int parent; /* of the root: EM_GONE */
    bool gone;
    enum distinguished distinguished;
    bool calendar;   /* has another set of permissions, and cannot be emptied */
    uint32_t rights; /* of the other user */
    char name[EM_NAME_BYTES];
    /* As the server told them; NULL: not yet. */
    const char *id, *key, *old_key;
};

/* What somebody wrote, wherever it lies. */
struct em_content {
    enum em_class class;
    char subject[EM_SUBJECT_BYTES];
    char body[EM_BODY_BYTES]; /* without white space */
    bool body_open;           /* the server makes it: not compared */
    size_t attachment_count;
    char attachments[EM_MAX_ATTACHMENTS][EM_NAME_BYTES];
    int from;                                           /* user, EM_STRANGER, EM_NOBODY */
    unsigned to;                                        /* users and EM_STRANGER, as bits */
    char occurrences[EM_OCCURRENCES][EM_SUBJECT_BYTES]; /* "": as the series; "-": deleted */
};

struct em_item {
    int owner;      /* of the mailbox that it is in, or was */
    int folder;     /* EM_GONE */
    uint64_t order; /* when it came into its folder, among all that happened */
    struct em_content content;
    bool read, draft, associated;
    int creator; /* who may do what its maker may */
    int answers; /* a response not sent yet: the item that it answers, else EM_GONE … */
    uint64_t answers_order; /* … as long as that has not moved */
    /* Of the last change of the content, and of parts of it: times in em.now. */
    uint64_t version, subject_at, body_at;
    /* As the server told them; NULL: not yet. A key names a version. */
    const char *id, *key, *old_key;
    uint64_t old_version;
};

/* A message between its sender and its recipients. */
struct em_queued {
    struct em_content content;
    unsigned recipients;
};

struct em {
    uint64_t now;
    size_t folder_count, item_count, queued_count[EM_USERS];
    struct em_folder folders[EM_MAX_FOLDERS];
    struct em_item items[EM_MAX_ITEMS];
    struct em_queued queued[EM_USERS][EM_MAX_QUEUED];
    int known[EM_USERS][DF_COUNT];
};

void em_init(struct em *m);

/* ---- rights ---- */

uint32_t em_rights(const struct em *m, int user, int folder);
bool em_may(const struct em *m, int user, int folder, uint32_t rights);
/* To change or remove an item where it lies. */
bool em_may_change(const struct em *m, int user, int item, uint32_t own, uint32_t all);

/* ---- folders ---- */

/* By its owner; the rights are the parent's, or all when the other user makes it. */
int em_folder_add(struct em *m, int user, int parent, const char *name, bool calendar);
/* EM_GONE when there is none of that name, in any case. */
int em_folder_child(const struct em *m, int parent, const char *name);
bool em_folder_is_below(const struct em *m, int folder, int ancestor);
/* All below, a parent before its children, siblings by name, as many as fit in EM_MAX_FOLDERS. */
size_t em_folders_below(const struct em *m, int folder, int below[static EM_MAX_FOLDERS]);
void em_folder_delete(struct em *m, int folder);
void em_folder_move(struct em *m, int folder, int to);
int em_folder_copy(struct em *m, int folder, int to);
/* To the Deleted Items, under a name that is free there. */
void em_folder_trash(struct em *m, int folder);
enum em_where { EM_NOWHERE, EM_TO_RECOVERABLE, EM_TO_BIN };
void em_folder_empty(struct em *m, int folder, enum em_where where, bool with_subfolders);
void em_folder_mark_all(struct em *m, int folder, bool read);
/* Its key is not known any more. */
void em_folder_changed(struct em_folder *folder);

struct em_counts {
    unsigned total, unread, children;
};
struct em_counts em_folder_counts(const struct em *m, int folder);

/* ---- items ---- */

/* All but where, when and by whom is taken from *like. */
int em_item_add(struct em *m, int user, int folder, const struct em_item *like);
void em_item_delete(struct em *m, int item);
/* Under a new id. Into another mailbox: user takes it there. */
void em_item_move(struct em *m, int user, int item, int to);
int em_item_copy(struct em *m, int user, int item, int to);
/* Its content changed: the key is not known any more. */
void em_item_changed(struct em *m, int item);
/* For a response: what it answers. */
void em_item_answers(const struct em *m, struct em_item *response, int original);
/* It is sent from the user's mailbox: the item that it answers is marked, if it is there. */
void em_item_sent(struct em *m, int user, struct em_item *response);
/* Those of a folder in the order in which they came. */
size_t em_items_of(const struct em *m, int folder, int items[static EM_MAX_ITEMS]);
bool em_has_attachment(const struct em_content *content, const char *name, size_t *at_r);
void em_remove_attachment(struct em_content *content, size_t at);

/* ---- mail ---- */

void em_queue(struct em *m, int user, const struct em_content *content, unsigned recipients);
/* All that one user sent reaches its recipients' inboxes. */
void em_deliver(struct em *m, int user);

#endif
