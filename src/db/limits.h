/* Numbers of the room db, each with its reason. Callers: the .c files of db only. */
#ifndef DB_LIMITS_H
#define DB_LIMITS_H

/* Page cache of one open database: holds the hot index pages of a mailbox; times the open mailboxes it bounds the memory. */
#define SQLITE_CACHE_KIB 2048
/* The write-ahead log is cut to this after a checkpoint: one large import must not keep its size on disk. */
#define SQLITE_WAL_KEEP_BYTES 8388608

/* The write-ahead log's file grows by as much as it has, within these: eight pages at least, and never more at once than a commit likes to wait for. */
#define SQLITE_WAL_LEAST_GROWTH 32768
#define SQLITE_WAL_MOST_GROWTH 524288

/* First size of the table of prepared statements; a power of two. A mailbox uses some fifty. */
#define DB_CACHE_FIRST_SLOTS 64

/* Parameters of one statement: the widest insert has about a dozen. */
#define DB_MAX_PARAMS 32

#endif
