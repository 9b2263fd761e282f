/*
 * The schemas of the two kinds of databases, made from schema/NAME-NNNN.sql by tools/sql-to-c. Callers: store.c and mailbox.c, for
 * struct db_options. A script that was in a release never changes; the next change is the next number.
 */
#ifndef MAILBOX_SCHEMA_H
#define MAILBOX_SCHEMA_H

extern const char *const directory_migrations[];
extern const unsigned directory_migration_count;
extern const char *const mailbox_migrations[];
extern const unsigned mailbox_migration_count;

#endif
