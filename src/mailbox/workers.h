/*
 * Who works on which mailbox: a pool of threads and a run queue of mailboxes. One worker at a time works on a mailbox, so its rules need no
 * locks; consecutive writes to one mailbox share one commit (group commit) before any of them is answered. Different mailboxes run in parallel,
 * and no mailbox starves another (round robin with a bounded batch).
 */
#ifndef MAILBOX_WORKERS_H
#define MAILBOX_WORKERS_H

#include "base/err.h"
#include "base/macros.h"
#include "mailbox/ids.h"

#include <stdbool.h>

struct mailbox_tx;
struct store;
struct workers;

struct mailbox_job {
    struct mailbox_no mailbox;
    bool write;
    /* On a worker, inside a transaction of the job's mode. For writes: all or nothing; a negative return undoes this job alone. */
    int (*run)(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r);
    /* On a worker, exactly once, after the commit is durable (writes) or the transaction ended (reads). rc is what run returned, or negative: run or commit
     * failed, or ERR_SHUTTING_DOWN, ERR_NO_SUCH_MAILBOX, ERR_BUSY (queue full). err is never NULL (ERR_NONE when rc >= 0) and valid during the call only.
     * The job may be freed or submitted again here. */
    void (*done)(struct mailbox_job *job, int rc, const struct err *err);
    struct mailbox_job *next; /* the queue's */
};

struct workers_options {
    struct store *store;
    unsigned threads;         /* 0: default */
    unsigned max_queued_jobs; /* of one mailbox; beyond: ERR_BUSY at once; 0: default */
};
/* Called on a worker after every commit of writes that appended events to the mailbox's log, before their jobs are done. Must not block. Set once, before the first job. */
struct workers_hook {
    void *context;
    void (*committed)(void *context, struct mailbox_no mailbox);
};
void workers_set_hook(struct workers *workers, const struct workers_hook *hook);
int workers_new(const struct workers_options *options, struct workers **workers_r,
                struct err *err_r) WARN_UNUSED;
/* Finishes what was submitted, then ends the threads. */
void workers_free(struct workers **workers);
/* Thread-safe, does not block. done is never called from inside submit. */
void workers_submit(struct workers *workers, struct mailbox_job *job);
/*
 * Runs a read at once on the calling thread, done included, if nobody works on its mailbox and nothing waits for it: for short reads on an event loop, which so
 * save two switches of threads. False, and nothing happened, otherwise, or when the workers are stopping: submit it then.
 */
bool workers_run_here(struct workers *workers, struct mailbox_job *job) WARN_UNUSED;

DEFINE_AUTO(workers, workers_free)

#endif
