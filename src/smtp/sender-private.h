/*
 * Shared by sender.c (the thread, the queues of mailboxes), carry.c (one message on its way) and carriers.c (threads that talk to the smarthost).
 *
 * All of it belongs to the sender's thread but for what stands under the mutex. What needs a mailbox goes to the workers as a task, what needs the smarthost
 * to the carriers as a transfer; both come back to the thread by lists. While one is out, what it points to is the other side's.
 */
#ifndef SMTP_SENDER_PRIVATE_H
#define SMTP_SENDER_PRIVATE_H

#include "base/err.h"
#include "base/map.h"
#include "mailbox/outbox.h"
#include "mailbox/workers.h"
#include "smtp/smtp.h"
#include "smtp/transfer.h"

#include <pthread.h>

/* A job, and what the thread does when it is done. */
struct task {
    struct mailbox_job job;
    struct sender *sender;
    void (*then)(struct task *task);
    int rc;
    struct err err;
    struct task *next; /* in the list of completed ones */
};

/*
 * A mailbox that has, or may have, messages in its outbox.
 * I1  busy holds the messages on their way; held those that wait for a connection. The look for the next one passes over both.
 * I2  at most one look is out, and it has copies of what it needs.
 */
struct queue {
    struct sender *sender;
    struct mailbox_no no;
    struct seq busy[SMTP_QUEUE_MESSAGES], held[SMTP_QUEUE_MESSAGES];
    size_t busy_n, held_n;
    bool looking, look_again;
    int64_t next_ms;    /* look again then */
    int64_t trouble_ms; /* and not before: when it last could not be read or written */
    /* The look that is out. */
    struct task look;
    struct seq skip[SMTP_QUEUE_MESSAGES];
    size_t skip_n;
    int64_t now_ms, found_next_ms;
    struct arena *arena; /* of the message that was found */
    struct outbox_message message;
    bool found, empty;
};

struct carry;

struct sender {
    /* Set once. */
    struct store *store;
    struct workers *workers;
    struct clock *clock;
    struct arena *arena; /* of the texts */
    const char *hostname;
    bool has_smarthost;
    struct smarthost smarthost;
    int64_t give_up_ms;
    unsigned max_connections;
    struct carriers *carriers; /* NULL without a smarthost */
    pthread_t thread;
    bool started;

    pthread_mutex_t mutex;
    pthread_cond_t wake;  /* of the thread: something below has changed */
    struct u64map *poked; /* mailbox -> the sender itself, as a set */
    struct task *completed;
    struct transfer *transferred;
    bool stopping;

    /* The thread's. */
    struct u64map *queues;
    unsigned tasks_out, carries, transfers;
    bool ending;     /* nothing new is begun */
    int64_t look_ms; /* the slow clock */
};

int64_t sender_now_ms(const struct sender *sender);
void sender_submit(struct sender *sender, struct task *task);
/* A connection to the smarthost is free. */
bool sender_may_transfer(const struct sender *sender);
/* Ends in carry_transferred. */
void sender_transfer(struct sender *sender, struct transfer *t);
/* On a carrier's thread: it is over. */
void sender_transferred(struct sender *sender, struct transfer *t);

/* As many threads as connections. */
int carriers_start(struct sender *sender, struct carriers **carriers_r, struct err *err_r)
    WARN_UNUSED;
/* There are never more than threads. */
void carriers_add(struct carriers *carriers, struct transfer *t);
/* Those under way end within a second, as aborted. */
void carriers_abort(struct carriers *carriers);
/* Nothing is under way. */
void carriers_stop(struct carriers **carriers);

/* How a message left the carrier. */
enum carry_end {
    CARRY_DONE,   /* as far as it can go now: settled, or waiting for its next time, and so noted */
    CARRY_HELD,   /* it needs a connection, and none is free */
    CARRY_TROUBLE /* what became of it could not be noted */
};
/* Takes over arena, in which the message lives. The queue has the message among its busy ones. */
void carry_begin(struct queue *queue, struct arena *arena, const struct outbox_message *message);
/* A transfer of a carry is over. */
void carry_transferred(struct transfer *t);
/* Called by carry.c when the carry is no more. */
void queue_carry_ended(struct queue *queue, struct seq id, enum carry_end how);

#endif
