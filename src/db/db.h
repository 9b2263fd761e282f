/*
 * One small interface over SQL. Callers: mailbox (all SQL of the house stands there). Engines: sqlite (embedded); others join by
 * implementing db-private.h. Nothing above this room may know which engine runs.
 *
 * SQL dialect: the part that SQLite 3.40 and PostgreSQL 15 share. Parameters are $1, $2, … numbered in the order in which they first
 * appear. Column types in schemas: BIGINT, SMALLINT, TEXT, BYTES (the engine substitutes its own word), and `BIGINT PRIMARY KEY` for row ids.
 *
 * A struct db is used by one thread at a time. Statements are prepared once a database and kept.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct db;
struct db_stmt;
struct err;

struct db_options {
    const char *path; /* SQLite: the file */
    bool create;      /* make it when absent; else absent is ERR_IO */
    bool read_only;   /* an older schema is then ERR_NOT_SUPPORTED: it would have to be migrated */
    int busy_timeout_ms;
    /* Ordered migrations: entry i brings the schema from version i to i + 1. Run in one transaction at open; a database of a newer
     * version is ERR_STORE_NEWER and stays untouched. The version is kept by the engine (SQLite: user_version). */
    const char *const *migrations;
    unsigned migration_count;
};

enum db_tx_mode { DB_READ, DB_WRITE };

/* Opens and migrates. */
int db_open(const struct db_options *options, struct db **db_r, struct err *err_r) WARN_UNUSED;
void db_close(struct db **db);

/* DB_READ: a stable snapshot until the end. DB_WRITE: takes the write lock at once (waits up to busy_timeout_ms, then ERR_STORE_BUSY). No nesting.
 * A statement that writes needs a write transaction (asserted); one that reads may run without any. After a failure that made the engine roll back by
 * itself, everything up to the rollback or commit fails with that error's kind. */
int db_begin(struct db *db, enum db_tx_mode mode, struct err *err_r) WARN_UNUSED;
/* When it returns 0 the transaction is on stable storage (DB_WRITE) – power loss included. ERR_STORE_FULL, ERR_IO: rolled back.
 * ERR_OUTCOME_UNKNOWN: it may be either; the caller re-reads. In every case no transaction is open afterwards. No statement may stand on a row, and no
 * savepoint be open (asserted). */
int db_commit(struct db *db, struct err *err_r) WARN_UNUSED;
/* Also after failures, also without a transaction. Never fails. */
void db_rollback(struct db *db);
bool db_in_tx(const struct db *db);
/* A part of the running write transaction: release keeps it, rollback undoes what happened since. Parts lie within each other, DB_SAVEPOINT_DEPTH deep at most
 * (asserted); release and rollback end the innermost one, also when they fail. What a part kept goes when one around it is rolled back. */
#define DB_SAVEPOINT_DEPTH 4
int db_savepoint(struct db *db, struct err *err_r) WARN_UNUSED;
int db_savepoint_release(struct db *db, struct err *err_r) WARN_UNUSED;
int db_savepoint_rollback(struct db *db, struct err *err_r) WARN_UNUSED;

/* The statement for this text, reset and without bindings. sql must be a string of static lifetime: it is the cache key by address. A statement
 * that is in use (not yet done) may not be asked for again: assertion. */
int db_prepare(struct db *db, const char *sql, struct db_stmt **stmt_r, struct err *err_r)
    WARN_UNUSED;
/* Bytes are not copied: they must stay until db_stmt_done. Parameters count from 1. {NULL, 0} is bound as empty: only db_bind_null binds NULL. */
void db_bind_i64(struct db_stmt *stmt, int n, int64_t v);
void db_bind_text(struct db_stmt *stmt, int n, struct str v);
void db_bind_bytes(struct db_stmt *stmt, int n, struct str v);
void db_bind_null(struct db_stmt *stmt, int n);
/* 1: a row is there; 0: no more. ERR_CONSTRAINT for unique and check violations. */
int db_step(struct db_stmt *stmt, struct err *err_r) WARN_UNUSED;
/* Steps a statement that yields no rows, and makes it ready to be bound and run again; it is still to be given back. */
int db_exec(struct db_stmt *stmt, struct err *err_r) WARN_UNUSED;
/* Columns count from 0; slices are valid until the next step or done. NULL reads as 0 and {NULL, 0}. */
int64_t db_col_i64(struct db_stmt *stmt, int column);
struct str db_col_bytes(struct db_stmt *stmt, int column);
bool db_col_null(struct db_stmt *stmt, int column);
/* Rows that the last statement changed. */
int64_t db_changes(struct db *db);
/* Gives the statement back; safe on NULL. AUTO(db_stmt) does it at the end of the scope. */
void db_stmt_done(struct db_stmt **stmt);

DEFINE_AUTO(db, db_close)
DEFINE_AUTO(db_stmt, db_stmt_done)

#endif
