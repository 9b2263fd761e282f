/*
 * The write-ahead log's file grows ahead of what is written, by zeros: a commit then overwrites bytes that are there, and syncing it has no file size to write. That halves what a small
 * commit costs and how long it takes. A file system of SQLite's (a "VFS") under the usual one; all but writing to a WAL is the usual one's. Callers: sqlite.c.
 */
#ifndef DB_WAL_FILE_H
#define DB_WAL_FILE_H

/* The name to open databases with. Once, after sqlite3_initialize. NULL: it cannot be had, and the usual one serves. */
const char *wal_file_register(void);

#endif
