/* Shared by the files of admin.h. */
#ifndef SERVER_ADMIN_PRIVATE_H
#define SERVER_ADMIN_PRIVATE_H

#include "base/err.h"
#include "mailbox/store.h"
#include "mailbox/workers.h"
#include "server/admin.h"

#include <pthread.h>

/* A job of a mailbox that the calling thread waits for: the first member of what an operation needs on the worker. */
struct waited_job {
    struct mailbox_job job; /* first */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
    int rc;
    struct err err;
};
/* job.run and job.write are set. */
int waited_job_run(struct admin *admin, struct waited_job *w, struct mailbox_no no,
                   struct err *err_r) WARN_UNUSED;
/* ERR_NO_SUCH_MAILBOX, told. */
int admin_need_user(struct admin *admin, struct str address, struct arena *arena,
                    struct user *user_r, struct err *err_r) WARN_UNUSED;

#endif
