/*
 * One mailbox: folders, items, bodies and the log. A mailbox is a log, and everything else reads it: see docs/design/log.md.
 *
 * Every change gets the next seq, stamps the row it touches, appends one event row and keeps the folder's counts, all in one transaction.
 * Used by one thread at a time (workers.h); no locks inside.
 *
 * Invariants, checked by mailbox_check():
 *  I1  seq of the mailbox >= every stamp in it; no two changes share a seq within a folder.
 *  I2  item.id > its folder's id; change_seq and read_seq are NULL or > item.id.
 *  I3  folder.total, unread count its normal items; children its direct subfolders.
 *  I4  folder.item_seq is the greatest stamp of any item change in it, tombstones included.
 *  I5  every body has as many references as items share it, and every item's body is there.
 *  I6  sibling names differ under case folding; every folder but the root has a living parent; no cycles. Permissions are of living folders.
 *  I7  bytes used is the sum of the bodies' lengths.
 *  I8  every message in the outbox has recipients, and every recipient its message.
 */
#ifndef MAILBOX_MAILBOX_H
#define MAILBOX_MAILBOX_H

#include "base/macros.h"
#include "base/str.h"
#include "mailbox/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct db;
struct err;
struct mailbox;
struct mailbox_tx;

/* ---- opening (store.h does it for servers; tests do it by themselves) ---- */

/* path: the SQLite file. create: makes schema and distinguished folders. */
int mailbox_open(const char *path, bool create, struct mailbox_no no, struct clock *clock,
                 struct mailbox **mailbox_r, struct err *err_r) WARN_UNUSED;
void mailbox_close(struct mailbox **mailbox);
/* A commit ended with ERR_OUTCOME_UNKNOWN: close the handle and open the mailbox anew; it then shows what came of it. */
bool mailbox_is_doubtful(const struct mailbox *mailbox);
struct mailbox_no mailbox_number(const struct mailbox *mailbox);

enum mailbox_tx_mode { MAILBOX_TX_READ, MAILBOX_TX_WRITE };
int mailbox_tx_begin(struct mailbox *mailbox, enum mailbox_tx_mode mode, struct mailbox_tx **tx_r,
                     struct err *err_r) WARN_UNUSED;
/* Durable when it returns 0. Ends the transaction in every case; *tx becomes NULL. */
int mailbox_tx_commit(struct mailbox_tx **tx, struct err *err_r) WARN_UNUSED;
void mailbox_tx_rollback(struct mailbox_tx **tx);
/* One part of a shared transaction (group commit, an item of a batch): a part that failed is undone alone. Parts lie within each other: the workers' one takes a level of
 * DB_SAVEPOINT_DEPTH (db.h), the rest is the job's. */
int mailbox_tx_part_begin(struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;
int mailbox_tx_part_keep(struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;
int mailbox_tx_part_undo(struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;
struct seq mailbox_tx_seq(
    const struct mailbox_tx *tx); /* last seq given, as this transaction sees it */

/* Whether it appended events to the log; perhaps some that were undone. */
bool mailbox_tx_has_events(const struct mailbox_tx *tx);

/* ---- folders ---- */

/* X(NAME, wire name, parent, class, display name, created with the mailbox). Number = position, for ever; append only. */
#define DISTINGUISHED_FOLDERS(X)                                                                   \
    X(ROOT, "root", ROOT, "", "Root", 1)                                                           \
    X(MSGFOLDERROOT, "msgfolderroot", ROOT, "IPF.Note", "Top of Information Store", 1)             \
    X(SEARCHFOLDERS, "searchfolders", ROOT, "", "Finder", 1)                                       \
    X(RECOVERABLEITEMSROOT, "recoverableitemsroot", ROOT, "", "Recoverable Items", 1)              \
    X(RECOVERABLEITEMSDELETIONS, "recoverableitemsdeletions", RECOVERABLEITEMSROOT, "",            \
      "Deletions", 1)                                                                              \
    X(RECOVERABLEITEMSVERSIONS, "recoverableitemsversions", RECOVERABLEITEMSROOT, "", "Versions",  \
      1)                                                                                           \
    X(RECOVERABLEITEMSPURGES, "recoverableitemspurges", RECOVERABLEITEMSROOT, "", "Purges", 1)     \
    X(INBOX, "inbox", MSGFOLDERROOT, "IPF.Note", "Inbox", 1)                                       \
    X(DRAFTS, "drafts", MSGFOLDERROOT, "IPF.Note", "Drafts", 1)                                    \
    X(SENTITEMS, "sentitems", MSGFOLDERROOT, "IPF.Note", "Sent Items", 1)                          \
    X(OUTBOX, "outbox", MSGFOLDERROOT, "IPF.Note", "Outbox", 1)                                    \
    X(DELETEDITEMS, "deleteditems", MSGFOLDERROOT, "IPF.Note", "Deleted Items", 1)                 \
    X(JUNKEMAIL, "junkemail", MSGFOLDERROOT, "IPF.Note", "Junk Email", 1)                          \
    X(ARCHIVE, "archive", MSGFOLDERROOT, "IPF.Note", "Archive", 1)                                 \
    X(CALENDAR, "calendar", MSGFOLDERROOT, "IPF.Appointment", "Calendar", 1)                       \
    X(CONTACTS, "contacts", MSGFOLDERROOT, "IPF.Contact", "Contacts", 1)                           \
    X(TASKS, "tasks", MSGFOLDERROOT, "IPF.Task", "Tasks", 1)                                       \
    X(NOTES, "notes", MSGFOLDERROOT, "IPF.StickyNote", "Notes", 1)                                 \
    X(JOURNAL, "journal", MSGFOLDERROOT, "IPF.Journal", "Journal", 1)                              \
    X(CONVERSATIONHISTORY, "conversationhistory", MSGFOLDERROOT, "IPF.Note",                       \
      "Conversation History", 1)

enum distinguished {
    DF_NONE = 0,
#define X(name, wire, parent, class, display, created) DF_##name,
    DISTINGUISHED_FOLDERS(X)
#undef X
        DF_COUNT
};

struct folder {
    struct folder_id id;
    struct folder_id parent; /* 0 for the root */
    struct seq change_seq;   /* own properties; equals id.v until changed */
    struct seq item_seq;     /* greatest stamp of an item change in it (I4) */
    enum distinguished distinguished;
    bool hidden; /* PidTagAttributeHidden 0x10F4 */
    struct str name;
    struct str folder_class; /* "IPF.Note" …; may be empty */
    uint32_t total, unread, children;
    int64_t created_ms, modified_ms;
    struct str props; /* record of extended properties (props.h); may be empty */
};

/* 1 found, 0 not. Strings live in arena. */
int mailbox_folder_get(struct mailbox_tx *tx, struct folder_id id, struct arena *arena,
                       struct folder *folder_r, struct err *err_r) WARN_UNUSED;
int mailbox_folder_by_distinguished(struct mailbox_tx *tx, enum distinguished d,
                                    struct arena *arena, struct folder *folder_r, struct err *err_r)
    WARN_UNUSED;
/* By case-insensitive name under a parent. */
int mailbox_folder_by_name(struct mailbox_tx *tx, struct folder_id parent, struct str name,
                           struct arena *arena, struct folder *folder_r, struct err *err_r)
    WARN_UNUSED;
/* Subfolders (deep: all below, a parent before its children), siblings by name. */
int mailbox_folder_list(struct mailbox_tx *tx, struct folder_id parent, bool deep,
                        struct arena *arena, struct folder **folders_r, size_t *n_r,
                        struct err *err_r) WARN_UNUSED;
/* True as a result (1) when id is below ancestor. */
int mailbox_folder_is_below(struct mailbox_tx *tx, struct folder_id id, struct folder_id ancestor,
                            struct err *err_r) WARN_UNUSED;

/* Where a deleted folder was: 1 it is one, 0 not. */
int mailbox_folder_deleted_parent(struct mailbox_tx *tx, struct folder_id id,
                                  struct folder_id *parent_r, struct err *err_r) WARN_UNUSED;

struct folder_draft {
    struct folder_id parent;
    struct str name;
    struct str folder_class;
    bool hidden;
    struct str props; /* as in struct folder */
};
/* ERR_PARENT_FOLDER_NOT_FOUND, ERR_FOLDER_EXISTS, ERR_NAME_INVALID (name or class: control characters, not UTF-8, over 255 characters; a blank name; too deep). */
int mailbox_folder_create(struct mailbox_tx *tx, const struct folder_draft *draft,
                          struct folder_id *id_r, struct err *err_r) WARN_UNUSED;
int mailbox_folder_rename(struct mailbox_tx *tx, struct folder_id id, struct str name,
                          struct err *err_r) WARN_UNUSED;
/* ERR_FOLDER_NOT_FOUND, ERR_TO_FOLDER_NOT_FOUND, ERR_MOVE_DISTINGUISHED, ERR_MOVE_COPY_FAILED (into itself, too deep, or a name clash). Where it is already:
 * nothing happens. */
int mailbox_folder_move(struct mailbox_tx *tx, struct folder_id id, struct folder_id new_parent,
                        struct err *err_r) WARN_UNUSED;
/* The folder, all below it and their items. ERR_FOLDER_NOT_FOUND, ERR_DELETE_DISTINGUISHED. */
int mailbox_folder_delete(struct mailbox_tx *tx, struct folder_id id, struct err *err_r)
    WARN_UNUSED;

/* ---- items ---- */

/* Number = stored value, for ever; append only. Decides the element (ews) and the default item class. */
enum item_kind {
    ITEM_KIND_ITEM = 1,
    ITEM_KIND_MESSAGE,
    ITEM_KIND_MEETING_MESSAGE,
    ITEM_KIND_MEETING_REQUEST,
    ITEM_KIND_MEETING_RESPONSE,
    ITEM_KIND_MEETING_CANCELLATION,
    ITEM_KIND_CALENDAR_ITEM,
    ITEM_KIND_CONTACT,
    ITEM_KIND_DISTRIBUTION_LIST,
    ITEM_KIND_TASK,
    ITEM_KIND_POST_ITEM,
    ITEM_KIND_COUNT
};

enum item_flags {
    ITEM_READ = 1 << 0,
    ITEM_ASSOCIATED = 1 << 1,
    ITEM_HAS_ATTACHMENTS = 1 << 2,
    ITEM_DRAFT = 1 << 3,
    ITEM_SUBMITTED = 1 << 4,
    ITEM_UNMODIFIED = 1 << 5,
    ITEM_FROM_ME = 1 << 6,
    ITEM_RESEND = 1 << 7,
    ITEM_REPORT = 1 << 8
};

struct item {
    struct item_id id;
    struct folder_id folder;
    enum item_kind kind;
    uint32_t flags;
    struct seq change_seq; /* 0: unchanged since it entered the folder */
    struct seq read_seq;   /* 0: likewise for the read flag */
    struct body_id body;   /* 0: none */
    int64_t received_ms;
    uint64_t size;    /* bytes of the message as received */
    struct str props; /* property record (props.h) */
};

/* The version a ChangeKey names: changes with the content, not with the read flag. */
static inline struct seq item_version(const struct item *item)
{
    return (struct seq){item->change_seq.v != 0 ? item->change_seq.v : item->id.v};
}

struct item_draft {
    enum item_kind kind;
    uint32_t flags;
    int64_t received_ms;
    uint64_t size;
    struct str props;
    struct str mime;   /* bytes exactly as received; p NULL: no body */
    bool delivered;    /* came in by mail: the event is a new-mail one */
    bool beyond_quota; /* a notice of the server's own: stored however full the mailbox is */
};
/* ERR_FOLDER_NOT_FOUND, ERR_QUOTA (folder_write.h). */
int mailbox_item_add(struct mailbox_tx *tx, struct folder_id folder, const struct item_draft *draft,
                     struct item_id *id_r, struct err *err_r) WARN_UNUSED;
/* 1 found, 0 not; props live in arena. */
int mailbox_item_get(struct mailbox_tx *tx, struct item_id id, struct arena *arena,
                     struct item *item_r, struct err *err_r) WARN_UNUSED;
/* The message's bytes. ERR_CORRUPT if the body is missing. */
int mailbox_body_read(struct mailbox_tx *tx, struct body_id id, struct arena *arena,
                      struct str *mime_r, struct err *err_r) WARN_UNUSED;
/* All of these: ERR_ITEM_NOT_FOUND. A read flag that is so already changes nothing and takes no seq. */
int mailbox_item_set_read(struct mailbox_tx *tx, struct item_id id, bool read, struct err *err_r)
    WARN_UNUSED;
/* Replaces the property record and flags other than READ and ASSOCIATED; mime.p NULL keeps the body. ERR_QUOTA for a body that is larger than the one before. */
struct item_update {
    struct str props;
    uint32_t flags;
    struct str mime;
    uint64_t size; /* with mime */
    bool received; /* received_ms is set: a draft comes when it is sent */
    int64_t received_ms;
};
int mailbox_item_update(struct mailbox_tx *tx, struct item_id id, const struct item_update *update,
                        struct err *err_r) WARN_UNUSED;
int mailbox_item_delete(struct mailbox_tx *tx, struct item_id id, struct err *err_r) WARN_UNUSED;
/* A new id in the target; the old one leaves a tombstone. Moving into the same folder also gives a new id. */
int mailbox_item_move(struct mailbox_tx *tx, struct item_id id, struct folder_id to,
                      struct item_id *id_r, struct err *err_r) WARN_UNUSED;
/* The same, because it is deleted: to Deleted Items or a folder of Recoverable Items. */
int mailbox_item_discard(struct mailbox_tx *tx, struct item_id id, struct folder_id to,
                         struct item_id *id_r, struct err *err_r) WARN_UNUSED;
int mailbox_item_copy(struct mailbox_tx *tx, struct item_id id, struct folder_id to,
                      struct item_id *id_r, struct err *err_r) WARN_UNUSED;

/* Iterates a folder's items. Strings of an item are valid until the next step. Errors surface in _end. One iterator of a kind (order and with_props) is open
 * at a time, and the folder's items may not be changed meanwhile. */
enum item_order {
    ITEM_ORDER_NEWEST_FIRST,
    ITEM_ORDER_OLDEST_FIRST,
    ITEM_ORDER_RECEIVED_DESC,
    ITEM_ORDER_RECEIVED_ASC
};
struct item_iter;
struct item_iter_options {
    struct folder_id folder;
    enum item_order order;
    bool associated; /* the associated items instead of the normal ones */
    bool
        with_props; /* false: only id, kind, flags and change_seq are filled, from the index alone where that is possible */
    uint64_t skip;  /* first so many are passed over by the engine */
    /* Orders by time of receipt: only items that came in [received_from_ms, received_to_ms). */
    bool within_received;
    int64_t received_from_ms, received_to_ms;
};
int mailbox_item_iter_begin(struct mailbox_tx *tx, const struct item_iter_options *options,
                            struct item_iter **iter_r, struct err *err_r) WARN_UNUSED;
bool mailbox_item_iter_next(struct item_iter *iter, struct item *item_r);
int mailbox_item_iter_end(struct item_iter **iter, struct err *err_r) WARN_UNUSED;

/* ---- the log ---- */

enum event_kind {
    EVENT_ITEM_NEW_MAIL = 1, /* delivered: created and new mail */
    EVENT_ITEM_CREATED,
    EVENT_ITEM_MODIFIED,
    EVENT_ITEM_READ_FLAG,
    EVENT_ITEM_DELETED,
    EVENT_ITEM_MOVED,
    EVENT_ITEM_COPIED,
    EVENT_FOLDER_CREATED,
    EVENT_FOLDER_MODIFIED,
    EVENT_FOLDER_DELETED,
    EVENT_FOLDER_MOVED,
    EVENT_FOLDER_COPIED,
    EVENT_FOLDER_CONTENTS /* many of its items changed, each told by a QUIET event before */
};

enum event_flags {
    EVENT_ASSOCIATED =
        1 << 0, /* the item is an associated one: its folder's contents do not change by it */
    EVENT_FREE_BUSY = 1 << 1, /* times or busy status of a calendar item changed, came or went */
    EVENT_QUIET = 1 << 2,     /* one of many: an EVENT_FOLDER_CONTENTS of the folder follows */
    EVENT_DISCARDED = 1 << 3  /* moved because it was deleted */
};

struct event {
    struct seq seq;
    enum event_kind kind;
    int64_t at_ms;
    uint64_t object, parent;         /* item or folder id, and the folder it is (was) in */
    uint64_t old_object, old_parent; /* moved, copied */
    uint32_t flags;
};
struct event_iter;
/* Events with seq > after, ascending. */
int mailbox_event_iter_begin(struct mailbox_tx *tx, struct seq after, struct event_iter **iter_r,
                             struct err *err_r) WARN_UNUSED;
bool mailbox_event_iter_next(struct event_iter *iter, struct event *event_r);
int mailbox_event_iter_end(struct event_iter **iter, struct err *err_r) WARN_UNUSED;
/* Forgets events older than keep_ms; sync does not need them. */
int mailbox_event_prune(struct mailbox_tx *tx, int64_t keep_ms, struct err *err_r) WARN_UNUSED;
/* Events up to and with this one are forgotten: a cursor below it has missed some. */
struct seq mailbox_event_floor(const struct mailbox_tx *tx);

/* Verifies I1..I8; ERR_CORRUPT names the first violation. For tests and `ewerctl check`. */
int mailbox_check(struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;

DEFINE_AUTO(mailbox, mailbox_close)
DEFINE_AUTO(mailbox_tx, mailbox_tx_rollback)

#endif
