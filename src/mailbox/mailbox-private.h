/*
 * Shared by the files that make up a mailbox: mailbox.c, folders.c, folder_write.c, items.c, log.c, outbox.c, permissions.c, check.c,
 * sync_items.c, sync_hierarchy.c.
 */
#ifndef MAILBOX_MAILBOX_PRIVATE_H
#define MAILBOX_MAILBOX_PRIVATE_H

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "mailbox/mailbox.h"

/* The mailbox's row: read when a transaction begins, written once when it ends. */
struct mailbox_row {
    uint64_t seq;         /* last given */
    uint64_t event_floor; /* events up to here are forgotten */
    uint64_t bytes_used;  /* of all bodies (I7) */
};

/* One at a time in a mailbox; lives inside it. */
struct mailbox_tx {
    struct mailbox *mailbox;
    struct db *db;
    enum mailbox_tx_mode mode;
    struct mailbox_row row;
    struct mailbox_row row_stored; /* as the database has it */
    /* Where undone parts go back to; the innermost part is the last. */
    struct mailbox_row row_at_part[DB_SAVEPOINT_DEPTH];
    unsigned parts;
    unsigned events;      /* appended to the log, undone ones included */
    uint32_t event_flags; /* of every event, while many are made at once (folder_write.c) */
    int64_t now_ms;       /* one time for all that a transaction does; 0 when reading */
};

struct mailbox {
    struct db *db;
    struct mailbox_no no;
    struct clock *clock;
    uint64_t quota_bytes; /* 0: no bound */
    bool in_tx;
    bool doubtful; /* a commit's outcome is unknown: the handle takes no more writes */
    struct mailbox_tx tx;
};

/* Names of SQL texts are arrays: db.h keys its statements by address, and equal literals may share one. */
#define SQL(name) static const char name[]

/* ---- mailbox.c ---- */

/* What time it is to this transaction. */
int64_t tx_now_ms(const struct mailbox_tx *tx);
/* The next number of the log. Asserts a write transaction. */
uint64_t tx_next_seq(struct mailbox_tx *tx);
/* ERR_QUOTA when so many bytes more would be too many. */
int tx_check_quota(const struct mailbox_tx *tx, uint64_t more, struct err *err_r) WARN_UNUSED;
/* Runs a statement without rows whose parameters are all integers. */
int tx_run(struct mailbox_tx *tx, const char *sql, const int64_t *args, int n, struct err *err_r)
    WARN_UNUSED;
#define TX_RUN(tx, err_r, sql, ...)                                                                \
    tx_run((tx), (sql), (const int64_t[]){__VA_ARGS__},                                            \
           (int)ARRAY_LEN(((const int64_t[]){__VA_ARGS__})), (err_r))
/* First column of the first row: 1 found, 0 no row. */
int tx_query(struct mailbox_tx *tx, const char *sql, const int64_t *args, int n, int64_t *v_r,
             struct err *err_r) WARN_UNUSED;
#define TX_QUERY(tx, err_r, v_r, sql, ...)                                                         \
    tx_query((tx), (sql), (const int64_t[]){__VA_ARGS__},                                          \
             (int)ARRAY_LEN(((const int64_t[]){__VA_ARGS__})), (v_r), (err_r))
/* Prepares and binds integers; the caller steps and gives the statement back. */
int tx_prepare(struct mailbox_tx *tx, const char *sql, const int64_t *args, int n,
               struct db_stmt **stmt_r, struct err *err_r) WARN_UNUSED;
#define TX_PREPARE(tx, err_r, stmt_r, sql, ...)                                                    \
    tx_prepare((tx), (sql), (const int64_t[]){__VA_ARGS__},                                        \
               (int)ARRAY_LEN(((const int64_t[]){__VA_ARGS__})), (stmt_r), (err_r))

/* ---- folders.c ---- */

/* What the rules need of a folder, without its strings. */
struct folder_brief {
    uint64_t parent, item_seq, change_seq;
    enum distinguished distinguished;
};
/* 1 found, 0 not. */
int folder_brief(struct mailbox_tx *tx, uint64_t id, struct folder_brief *brief_r,
                 struct err *err_r) WARN_UNUSED;
/* ERR_FOLDER_NOT_FOUND. */
int folder_get_or_fail(struct mailbox_tx *tx, struct folder_id id, struct arena *arena,
                       struct folder *folder_r, struct err *err_r) WARN_UNUSED;
/* ERR_NAME_INVALID. A text may be empty, a name not be blank. */
int folder_check_text(struct str text, struct err *err_r) WARN_UNUSED;
int folder_check_name(struct str name, struct err *err_r) WARN_UNUSED;
/* ERR_FOLDER_EXISTS where a sibling other than self has the name; tells it before the engine's constraint does, which would end more than this statement. */
int folder_refuse_sibling(struct mailbox_tx *tx, uint64_t parent, struct str name, uint64_t self,
                          struct arena *tmp, struct err *err_r) WARN_UNUSED;
/* Whether the folder with all below it fits below `to`: ERR_TO_FOLDER_NOT_FOUND, ERR_MOVE_COPY_FAILED (into itself, too deep). */
int folder_check_target(struct mailbox_tx *tx, uint64_t id, uint64_t to, struct arena *tmp,
                        struct err *err_r) WARN_UNUSED;
/* Under a name that is free there, and perhaps new; the parent is another than now. */
int folder_relocate(struct mailbox_tx *tx, const struct folder *f, uint64_t to, struct str name,
                    struct err *err_r) WARN_UNUSED;
/* All has been checked. copy_of: the one that it is a copy of, and where that is; 0: of none. */
struct new_folder {
    uint64_t parent;
    enum distinguished distinguished;
    bool hidden;
    struct str name, folder_class, props;
    uint64_t copy_of, copy_of_parent;
};
int folder_insert(struct mailbox_tx *tx, const struct new_folder *f, uint64_t *id_r,
                  struct err *err_r) WARN_UNUSED;
int folder_log(struct mailbox_tx *tx, enum event_kind kind, uint64_t seq, uint64_t id,
               uint64_t parent, struct err *err_r) WARN_UNUSED;
/* Makes the tree of DISTINGUISHED_FOLDERS in an empty mailbox. */
int folders_create_distinguished(struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;
/* Notes a change of the folder's items: counts and item_seq. 0 when there is no such folder, 1 done. */
struct folder_delta {
    uint64_t item_seq;
    int total, unread;
};
int folder_note_items(struct mailbox_tx *tx, uint64_t folder, const struct folder_delta *delta,
                      struct err *err_r) WARN_UNUSED;

/* ---- items.c ---- */

/* Columns of an item in this order, for every SELECT that an item is read from; the narrow ones stand in an index. */
#define ITEM_COLUMNS_NARROW "id, kind, flags, change_seq"
#define ITEM_COLUMNS ITEM_COLUMNS_NARROW ", read_seq, body_id, received_ms, size, props"
static inline void item_read_narrow(struct db_stmt *stmt, struct item *item)
{
    item->id.v = (uint64_t)db_col_i64(stmt, 0);
    item->kind = (enum item_kind)db_col_i64(stmt, 1);
    item->flags = (uint32_t)db_col_i64(stmt, 2);
    item->change_seq.v = (uint64_t)db_col_i64(stmt, 3);
}
/* props is a slice of the row. */
static inline void item_read(struct db_stmt *stmt, struct item *item)
{
    item_read_narrow(stmt, item);
    item->read_seq.v = (uint64_t)db_col_i64(stmt, 4);
    item->body.v = (uint64_t)db_col_i64(stmt, 5);
    item->received_ms = db_col_i64(stmt, 6);
    item->size = (uint64_t)db_col_i64(stmt, 7);
    item->props = db_col_bytes(stmt, 8);
}
/* All items of a folder that is being deleted, with their bodies and tombstones. */
int items_drop_folder(struct mailbox_tx *tx, uint64_t folder, struct err *err_r) WARN_UNUSED;

/* ---- permissions.c ---- */

/* The rows of a folder that is being deleted. */
int permissions_drop_folder(struct mailbox_tx *tx, uint64_t folder, struct err *err_r) WARN_UNUSED;

/* ---- log.c ---- */

/* Appends; at_ms is the transaction's time. */
int log_append(struct mailbox_tx *tx, const struct event *event, struct err *err_r) WARN_UNUSED;

#endif
