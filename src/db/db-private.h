/*
 * For engines and decorators of the room db: the operations, and what every handle begins with.
 *
 * db.c is the only caller. It has checked arguments and state (asserts), keeps the state of the transaction and the cache of statements;
 * an operation only does its work. Errors: err_set with one of the kinds named here, and return the negative kind. An engine blocks while
 * it waits for the disk or a lock, never longer than busy_timeout_ms for the latter. Nothing can be cancelled.
 */
#ifndef DB_DB_PRIVATE_H
#define DB_DB_PRIVATE_H

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

enum db_savepoint_verb { DB_SAVEPOINT_BEGIN, DB_SAVEPOINT_RELEASE, DB_SAVEPOINT_ROLLBACK };

struct db_ops {
    const char *name;

    /* Frees the handle. All statements are finalized; a running transaction is rolled back. */
    void (*close)(struct db *db);

    /* No transaction is open. DB_WRITE holds the write lock on success. ERR_STORE_BUSY, ERR_IO, ERR_CORRUPT. */
    int (*begin)(struct db *db, enum db_tx_mode mode, struct err *err_r);
    /* A transaction is open and no statement is between two rows. On return none is open, whatever the result. 0: on stable storage.
     * ERR_STORE_FULL, ERR_IO: rolled back. ERR_OUTCOME_UNKNOWN: either. */
    int (*commit)(struct db *db, enum db_tx_mode mode, struct err *err_r);
    /* A transaction is open, or was until the engine ended it by itself. Statements may be between two rows: they are cut off. */
    void (*rollback)(struct db *db);
    /* False after the engine rolled the transaction back by itself, as SQLite does when the disk is full. Asked after failures only. */
    bool (*tx_alive)(struct db *db);
    /* In a write transaction. BEGIN within DB_SAVEPOINT_DEPTH - 1 others at most; RELEASE and ROLLBACK mean the innermost one, and end it. */
    int (*savepoint)(struct db *db, enum db_savepoint_verb verb, struct err *err_r);

    /* A new statement, whose base is filled in but for db, ops and state. sql lives as long as the program. ERR_INTERNAL: not SQL of ours. */
    int (*prepare)(struct db *db, const char *sql, struct db_stmt **stmt_r, struct err *err_r);
    void (*finalize)(struct db_stmt *stmt);
    /* Ends a run, also in the middle of its rows, and forgets the bindings. */
    void (*reset)(struct db_stmt *stmt);
    /* 1 <= n <= stmt->params. Bytes stay where they are until reset. A failure comes out at the next step. */
    void (*bind_i64)(struct db_stmt *stmt, int n, int64_t v);
    void (*bind_text)(struct db_stmt *stmt, int n, struct str v);
    void (*bind_bytes)(struct db_stmt *stmt, int n, struct str v);
    void (*bind_null)(struct db_stmt *stmt, int n);
    /* 1: a row; 0: the end, and locks that the run held outside of a transaction are given back. Negative: likewise ended. ERR_CONSTRAINT,
     * ERR_STORE_FULL, ERR_STORE_BUSY, ERR_IO, ERR_CORRUPT, ERR_TOO_LARGE. */
    int (*step)(struct db_stmt *stmt, struct err *err_r);
    /* Only on a row. Slices live until the next step or reset. */
    int64_t (*col_i64)(struct db_stmt *stmt, int column);
    struct str (*col_bytes)(struct db_stmt *stmt, int column);
    bool (*col_null)(struct db_stmt *stmt, int column);
    int64_t (*changes)(struct db *db);

    /* The schema's version; 0 for a new database. */
    int (*version)(struct db *db, unsigned *version_r, struct err *err_r);
    /* In a write transaction: a script of statements in the house dialect, then the new version, both part of the transaction. */
    int (*migrate)(struct db *db, const char *script, unsigned version, struct err *err_r);
};

enum db_stmt_state {
    DB_STMT_IDLE,  /* in the cache: reset, no bindings */
    DB_STMT_READY, /* handed out; may be bound */
    DB_STMT_ROW,   /* stands on a row */
    DB_STMT_END    /* ran to its end or failed; only done is left */
};

/* First member of each engine's statement. */
struct db_stmt {
    struct db *db;
    const struct db_ops *ops;
    const char *sql;
    int params;
    int columns;
    bool writes; /* needs a write transaction */
    enum db_stmt_state state;
};

enum db_tx_state { DB_TX_NONE, DB_TX_READ, DB_TX_WRITE };

/* First member of each engine's handle. */
struct db {
    const struct db_ops *ops;
    enum db_tx_state tx;
    unsigned savepoints; /* open ones, one within the other */
    enum err_kind
        broken; /* why the engine ended the transaction by itself; ERR_NONE while all is well */
    unsigned rows_open; /* statements that stand on a row */
    struct db_stmt *
        *cache; /* open addressing by the address of the text; a power of two of slots */
    size_t cache_slots, cache_used;
};

/* Opens without migrating. */
int sqlite_open(const struct db_options *options, struct db **db_r, struct err *err_r) WARN_UNUSED;

#endif
