/*
 * Shared by store.c (files, locks, open mailboxes) and users.c (the directory database's users).
 */
#ifndef MAILBOX_STORE_PRIVATE_H
#define MAILBOX_STORE_PRIVATE_H

#include "base/map.h"
#include "db/db.h"
#include "mailbox/store.h"

#include <pthread.h>
#include <stdatomic.h>

/* A mailbox that is open, or being opened. Idle ones are in the LRU list, the one used last in front. */
struct open_mailbox {
    struct mailbox_no no;
    struct mailbox *mailbox; /* NULL while it is being opened */
    bool taken;
    bool doomed; /* its user is gone: the files go when it is released */
    struct open_mailbox *prev, *next;
};

struct store {
    char *dir;
    int lock_fd;
    struct clock *clock;
    uint64_t quota_bytes;
    struct token_key key;
    atomic_uint user_generation;

    /* One connection for all threads, held for one query or one change. Never taken while table_mutex is held. */
    pthread_mutex_t directory_mutex;
    struct db *directory;

    /* Guards what follows; held for a few instructions. */
    pthread_mutex_t table_mutex;
    struct u64map *table; /* number -> struct open_mailbox */
    struct open_mailbox *idle_first, *idle_last;
    unsigned idle_count, max_idle;
};

/* DIR/mailboxes/NN/N.db, or with a suffix one of the files that the engine keeps beside it. */
struct mailbox_path {
    char text[4096];
};
int store_mailbox_path(const struct store *store, struct mailbox_no no, const char *suffix,
                       struct mailbox_path *path_r, struct err *err_r) WARN_UNUSED;
/* Makes the mailbox's file with its folders, durably, entry in the file system included. */
int store_mailbox_make(struct store *store, struct mailbox_no no, struct err *err_r) WARN_UNUSED;
/* Removes the files now, or when the mailbox is released. Then forgets the number in the table `doomed`. */
int store_mailbox_doom(struct store *store, struct mailbox_no no, struct err *err_r) WARN_UNUSED;
/* Removes the files of every mailbox in the table `doomed`. For store_open: nothing is open yet. */
int store_sweep_doomed(struct store *store, struct err *err_r) WARN_UNUSED;

/* ---- users.c; these take directory_mutex ---- */

/* Reads the store's row; makes it in a new directory database. */
int directory_load_key(struct store *store, struct err *err_r) WARN_UNUSED;
/* 1: the mailbox has a user; 0: not. */
int directory_has_mailbox(struct store *store, struct mailbox_no no, struct err *err_r) WARN_UNUSED;
/* A number of the table `doomed` that is greater than after: 1 found, 0 not. */
int directory_next_doomed(struct store *store, struct mailbox_no after, struct mailbox_no *no_r,
                          struct err *err_r) WARN_UNUSED;
int directory_forget_doomed(struct store *store, struct mailbox_no no, struct err *err_r)
    WARN_UNUSED;

#endif
