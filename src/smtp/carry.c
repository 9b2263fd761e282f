/*
 * One message on its way: first into the mailboxes here, all at once; then to the smarthost, one recipient after another. What became of a recipient is noted
 * in the outbox before the next one is begun, and the last note, the bounce and the removal are one transaction (docs/design/sending.md).
 */
#include "smtp/sender-private.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "mailbox/address.h"
#include "mailbox/draft.h"
#include "mailbox/mailbox.h"
#include "mailbox/store.h"
#include "smtp/bounce.h"
#include "smtp/schedule.h"

#include <assert.h>
#include <stdlib.h>

/* Into a mailbox here. */
struct local_delivery {
    struct task task;
    struct carry *carry;
    size_t recipient;
    struct user user;
};

struct carry {
    struct sender *sender;
    struct queue *queue;
    struct arena *arena;
    struct outbox_message m;
    bool *due;   /* recipients that are to be tried now, and were not yet */
    bool *local; /* recipients with a mailbox here */
    bool *changed;
    struct local_delivery *deliveries;
    size_t deliveries_out;
    struct str wire; /* p NULL until the first transfer */
    struct transfer transfer;
    size_t current; /* recipient of the transfer */
    struct task note;
    bool settled; /* the note that is out removes the message */
    size_t failed;
};

static void go_on(struct carry *c);

static void carry_end(struct carry *c, enum carry_end how)
{
    struct queue *queue = c->queue;
    struct seq id = c->m.id;
    struct arena *arena = c->arena;

    arena_free(&arena); /* c lies in it */
    queue_carry_ended(queue, id, how);
}

/* ---- outcomes ---- */

static void log_outcome(const struct carry *c, const char *event, const struct outbox_recipient *r)
{
    log_event(LOG_INFO, event, LINT("mailbox", c->queue->no.v), LINT("outbox", c->m.id.v),
              LSTR("rcpt", r->address), LSTR("reply", r->reply));
}

static void recipient_sent(struct carry *c, size_t i, struct str reply)
{
    struct outbox_recipient *r = &c->m.recipients[i];

    r->state = OUTBOX_SENT;
    r->attempts++;
    r->reply = str_dup(c->arena, reply);
    c->due[i] = false;
    c->changed[i] = true;
    log_outcome(c, "sender.sent", r);
}

static void recipient_failed(struct carry *c, size_t i, struct str reply)
{
    struct outbox_recipient *r = &c->m.recipients[i];

    r->state = OUTBOX_FAILED;
    r->attempts++;
    r->reply = str_dup(c->arena, reply);
    c->due[i] = false;
    c->changed[i] = true;
    log_outcome(c, "sender.failed", r);
}

static void recipient_later(struct carry *c, size_t i, struct str reply)
{
    struct outbox_recipient *r = &c->m.recipients[i];
    int64_t now_ms = sender_now_ms(c->sender);

    if (schedule_gives_up(c->m.queued_ms, now_ms, c->sender->give_up_ms)) {
        recipient_failed(c, i, reply);
        return;
    }
    r->attempts++;
    r->next_ms = schedule_next_ms(r->attempts, now_ms, rand_u64());
    r->reply = str_dup(c->arena, reply);
    c->due[i] = false;
    c->changed[i] = true;
    log_outcome(c, "sender.deferred", r);
}

/* ---- noting them ---- */

/* On a worker. beyond_quota: a full mailbox must hear all the more that its mail did not go. */
static int add_bounce(const struct carry *c, struct mailbox_tx *tx, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "bounce");
    char guid[GUID_TEXT_BYTES];
    const struct bounce_options options = {
        .hostname = c->sender->hostname, .now_ms = sender_now_ms(c->sender), .guid = guid};
    const struct draft_options as = {.received_ms = options.now_ms,
                                     .now_ms = options.now_ms,
                                     .recipient = c->m.sender,
                                     .delivered = true};
    struct buf mime = BUF_INIT;
    struct item_draft draft;
    struct folder inbox;
    struct item_id id;
    int rc;

    rand_guid(guid);
    bounce_write(&mime, &c->m, &options);
    item_draft_from_mime(arena, buf_str(&mime), &as, &draft);
    draft.beyond_quota = true;
    rc = mailbox_folder_by_distinguished(tx, DF_INBOX, arena, &inbox, err_r);
    if (rc == 0) {
        rc = err_set(err_r, ERR_CORRUPT, "the mailbox has no inbox");
    }
    if (rc == 1) {
        rc = mailbox_item_add(tx, inbox.id, &draft, &id, err_r);
    }
    buf_fini(&mime);
    return rc;
}

/* On a worker. */
static int note_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    const struct carry *c = container_of(job, struct carry, note.job);
    size_t i;

    if (c->settled) {
        TRY(c->failed != 0 && c->m.sender.n != 0 ? add_bounce(c, tx, err_r) : 0);
        return outbox_remove(tx, c->m.id, err_r);
    }
    for (i = 0; i < c->m.recipient_count; i++) {
        if (c->changed[i]) {
            TRY(outbox_note(tx, c->m.id, i, &c->m.recipients[i], err_r));
        }
    }
    return 0;
}

static void note_then(struct task *task)
{
    struct carry *c = container_of(task, struct carry, note);

    if (task->rc < 0) {
        log_error(LOG_WARN, "sender.not_noted", &task->err,
                  (const struct log_field[]){LINT("mailbox", c->queue->no.v)}, 1);
        carry_end(c, CARRY_TROUBLE);
        return;
    }
    for (size_t i = 0; i < c->m.recipient_count; i++) {
        c->changed[i] = false;
    }
    if (c->settled) {
        carry_end(c, CARRY_DONE);
    } else {
        go_on(c);
    }
}

static void note(struct carry *c)
{
    c->settled = true;
    c->failed = 0;
    for (size_t i = 0; i < c->m.recipient_count; i++) {
        c->settled = c->settled && c->m.recipients[i].state != OUTBOX_WAITING;
        c->failed += c->m.recipients[i].state == OUTBOX_FAILED;
    }
    c->note = (struct task){.job = {.mailbox = c->queue->no, .write = true, .run = note_run},
                            .then = note_then};
    sender_submit(c->sender, &c->note);
}

/* ---- recipients here ---- */

/* On a worker. */
static int deliver_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct local_delivery *d = container_of(job, struct local_delivery, task.job);
    const struct carry *c = d->carry;
    const struct delivery_origin origin = {
        .mailbox = c->queue->no, .id = c->m.id, .queued_ms = c->m.queued_ms};
    AUTO(arena) arena = arena_new(NULL, "delivery");
    int64_t now_ms = sender_now_ms(c->sender);
    const struct draft_options as = {.received_ms = now_ms,
                                     .now_ms = now_ms,
                                     .recipient = d->user.address,
                                     .recipient_name = d->user.display_name,
                                     .delivered = true};
    struct item_draft draft;
    struct folder inbox;
    struct item_id id;
    int rc = delivery_note_once(tx, &origin, err_r);

    if (rc <= 0) {
        return rc;
    }
    rc = mailbox_folder_by_distinguished(tx, DF_INBOX, arena, &inbox, err_r);
    if (rc == 0) {
        return err_set(err_r, ERR_CORRUPT, "the mailbox has no inbox");
    }
    TRY(rc);
    item_draft_from_mime(arena, c->m.mime, &as, &draft);
    return mailbox_item_add(tx, inbox.id, &draft, &id, err_r);
}

static void deliver_outcome(struct local_delivery *d)
{
    struct carry *c = d->carry;

    switch (-d->task.rc) {
    case ERR_NONE: recipient_sent(c, d->recipient, STR("250 2.1.5 delivered here")); break;
    case ERR_SHUTTING_DOWN: c->due[d->recipient] = false; break;
    case ERR_NO_SUCH_MAILBOX:
        recipient_failed(c, d->recipient, STR("550 5.1.1 there is no such mailbox"));
        break;
    case ERR_QUOTA: recipient_later(c, d->recipient, STR("452 4.2.2 the mailbox is full")); break;
    default:
        log_error(LOG_WARN, "sender.not_delivered", &d->task.err,
                  (const struct log_field[]){LINT("mailbox", d->user.mailbox.v)}, 1);
        recipient_later(c, d->recipient, STR("451 4.3.0 not now"));
        break;
    }
}

static bool any(const bool *flags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (flags[i]) {
            return true;
        }
    }
    return false;
}

static void deliver_then(struct task *task)
{
    struct local_delivery *d = container_of(task, struct local_delivery, task);
    struct carry *c = d->carry;

    deliver_outcome(d);
    if (--c->deliveries_out != 0) {
        return;
    }
    if (any(c->changed, c->m.recipient_count)) {
        note(c);
    } else {
        carry_end(c, CARRY_DONE); /* the workers are stopping */
    }
}

/* True when there are any. Their ends come to this thread, so none comes before all are counted. */
static bool deliver_here(struct carry *c)
{
    for (size_t i = 0; i < c->m.recipient_count; i++) {
        struct local_delivery *d = &c->deliveries[i];

        if (c->due[i] && c->local[i]) {
            d->carry = c;
            d->recipient = i;
            d->task = (struct task){
                .job = {.mailbox = d->user.mailbox, .write = true, .run = deliver_run},
                .then = deliver_then};
            c->deliveries_out++;
            sender_submit(c->sender, &d->task);
        }
    }
    return c->deliveries_out != 0;
}

/* ---- recipients elsewhere ---- */

/* A bounce has an empty sender; an address that could say more than an address goes nowhere. */
static bool may_go_out(const struct carry *c, size_t i)
{
    return (c->m.sender.n == 0 || address_valid(c->m.sender)) &&
           address_valid(c->m.recipients[i].address);
}

static void refuse_elsewhere(struct carry *c, size_t i)
{
    recipient_failed(c, i,
                     c->sender->has_smarthost
                         ? STR("553 5.1.3 the address cannot be sent to")
                         : STR("550 5.4.4 this server knows no such mailbox and no way on"));
}

static void start_transfer(struct carry *c, size_t i)
{
    if (c->wire.p == NULL) {
        c->wire = transfer_wire_form(c->arena, c->m.mime);
    }
    c->current = i;
    transfer_init(&c->transfer, &c->sender->smarthost, c->m.sender, c->m.recipients[i].address,
                  c->wire);
    c->transfer.owner = c;
    sender_transfer(c->sender, &c->transfer);
}

/* The next thing that can be done for the message. */
static void go_on(struct carry *c)
{
    size_t n = c->m.recipient_count, i;

    for (i = 0; i < n; i++) {
        if (c->due[i] && !c->local[i] && (!c->sender->has_smarthost || !may_go_out(c, i))) {
            refuse_elsewhere(c, i);
        }
    }
    if (any(c->changed, n)) {
        note(c);
        return;
    }
    for (i = 0; i < n && !c->due[i]; i++) {
    }
    if (i == n || c->sender->ending) {
        carry_end(c, CARRY_DONE);
    } else if (!sender_may_transfer(c->sender)) {
        carry_end(c, CARRY_HELD);
    } else {
        start_transfer(c, i);
    }
}

/* A server that is not there is not there for the others either. */
static void all_later(struct carry *c, struct str reply)
{
    for (size_t i = 0; i < c->m.recipient_count; i++) {
        if (c->due[i] && !c->local[i]) {
            recipient_later(c, i, reply);
        }
    }
}

void carry_transferred(struct transfer *t)
{
    struct carry *c = t->owner;
    struct str reply;

    switch (transfer_outcome(t, &reply)) {
    case TRANSFER_SENT: recipient_sent(c, c->current, reply); break;
    case TRANSFER_REFUSED: recipient_failed(c, c->current, reply); break;
    case TRANSFER_LATER: recipient_later(c, c->current, reply); break;
    case TRANSFER_NO_SERVER: all_later(c, reply); break;
    case TRANSFER_ABORTED: carry_end(c, CARRY_DONE); return;
    }
    note(c);
}

/* ---- beginning ---- */

static int find_local(struct carry *c, size_t i, struct err *err_r)
{
    int rc = store_user_find(c->sender->store, c->m.recipients[i].address, c->arena,
                             &c->deliveries[i].user, err_r);

    c->local[i] = rc == 1;
    return rc;
}

static int classify(struct carry *c, struct err *err_r)
{
    int64_t now_ms = sender_now_ms(c->sender);

    for (size_t i = 0; i < c->m.recipient_count; i++) {
        const struct outbox_recipient *r = &c->m.recipients[i];

        c->due[i] = r->state == OUTBOX_WAITING && r->next_ms <= now_ms;
        if (c->due[i]) {
            TRY(find_local(c, i, err_r));
        }
    }
    return 0;
}

void carry_begin(struct queue *queue, struct arena *arena, const struct outbox_message *message)
{
    struct carry *c = ARENA_NEW(arena, struct carry);
    size_t n = message->recipient_count;
    struct err err = ERR_INIT;

    c->sender = queue->sender;
    c->queue = queue;
    c->arena = arena;
    c->m = *message;
    c->due = ARENA_ARRAY(arena, bool, n);
    c->local = ARENA_ARRAY(arena, bool, n);
    c->changed = ARENA_ARRAY(arena, bool, n);
    c->deliveries = ARENA_ARRAY(arena, struct local_delivery, n);
    if (classify(c, &err) < 0) {
        log_error(LOG_WARN, "sender.trouble", &err,
                  (const struct log_field[]){LINT("mailbox", queue->no.v)}, 1);
        carry_end(c, CARRY_TROUBLE);
    } else if (!deliver_here(c)) {
        go_on(c);
    }
}
