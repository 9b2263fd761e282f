#include "ews/batch.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/call.h"
#include "mailbox/mailbox.h"

/* An object of the request. */
struct piece {
    struct mailbox_no mailbox; /* where it is worked on next */
    size_t start, end;         /* its message in the answer; end 0: none yet */
    bool in_leg;               /* this leg had to do with it */
};

/*
 * I1  All pieces before `first` have their message.
 * I2  Messages lie in call->out from `head` on, without gaps, in the order in which they were finished.
 * I3  While in_order, that is the order of the request.
 */
struct batch_run {
    const struct batch *batch;
    struct piece *pieces;
    size_t n, first;
    size_t head; /* where messages begin; 0: nothing written yet */
    size_t leg;  /* where this leg's messages begin */
    size_t last; /* greatest piece that has its message, + 1 */
    bool in_order;
    unsigned leg_number;
};

void batch_begin(struct ews_call *call)
{
    const struct batch *batch = call->operation->batch;
    struct batch_run *run = ARENA_NEW(call->arena, struct batch_run);

    run->batch = batch;
    run->n = batch->count(call->args);
    run->pieces = ARENA_ARRAY(call->arena, struct piece, run->n);
    run->in_order = true;
    for (size_t i = 0; i < run->n; i++) {
        run->pieces[i].mailbox = batch->mailbox_of(call, call->args, i);
    }
    call->batch = run;
    if (run->n != 0) {
        call->mailbox = run->pieces[0].mailbox;
    }
}

bool batch_is_finished(const struct ews_call *call, size_t i)
{
    return call->batch->pieces[i].end != 0;
}

unsigned batch_leg(const struct ews_call *call)
{
    return call->batch->leg_number;
}

/* ---- one object ---- */

static void note_message(struct ews_call *call, struct batch_run *run, size_t i, size_t start)
{
    run->pieces[i].start = start;
    run->pieces[i].end = call->out.n;
    run->in_order = run->in_order && i >= run->last;
    run->last = i + 1 > run->last ? i + 1 : run->last;
}

static void write_error(struct ews_call *call, struct batch_run *run, size_t i,
                        const struct err *err, struct str message_xml)
{
    size_t start = answer_mark(call);

    answer_message_error(call, err, message_xml);
    buf_add_str(&call->out, run->batch->error_tail);
    answer_message_end(call);
    note_message(call, run, i, start);
}

/* An object's work in its part of the transaction. *ends_leg_r: the part could not be ended. */
static int work(struct ews_call *call, struct mailbox_tx *tx, size_t i, struct str *message_xml,
                bool *ends_leg_r, struct err *err_r)
{
    const struct batch *batch = call->batch->batch;
    struct err end_err = ERR_INIT;
    int rc, end;

    *ends_leg_r = false;
    if (call->operation->run_mode != EWS_RUN_WRITE) {
        return batch->one(call, tx, call->args, i, message_xml, err_r);
    }
    *ends_leg_r = true;
    TRY(mailbox_tx_part_begin(tx, err_r));
    rc = batch->one(call, tx, call->args, i, message_xml, err_r);
    end = rc < 0 ? mailbox_tx_part_undo(tx, &end_err) : mailbox_tx_part_keep(tx, &end_err);
    if (end < 0) {
        *err_r = end_err;
        return end;
    }
    *ends_leg_r = false;
    return rc;
}

static int run_piece(struct ews_call *call, struct mailbox_tx *tx, size_t i, struct err *err_r)
{
    struct batch_run *run = call->batch;
    struct piece *piece = &run->pieces[i];
    size_t mark = answer_mark(call);
    struct str message_xml = STR_NULL;
    bool ends_leg;
    int rc = work(call, tx, i, &message_xml, &ends_leg, err_r);

    if (rc < 0 && (ends_leg || answer_ends_request(err_r))) {
        return rc;
    }
    piece->in_leg = rc != BATCH_LATER;
    if (rc == BATCH_DONE) {
        note_message(call, run, i, mark);
        return 0;
    }
    answer_rewind(call, mark);
    if (rc == BATCH_ELSEWHERE) {
        piece->mailbox = run->batch->mailbox_of(call, call->args, i);
    } else if (rc < 0) {
        write_error(call, run, i, err_r, message_xml);
    }
    return 0;
}

/* ---- legs ---- */

int batch_run(struct ews_call *call, struct mailbox_tx *tx, struct err *err_r)
{
    struct batch_run *run = call->batch;

    if (run->head == 0) {
        buf_clear(&call->out);
        answer_envelope_begin(call);
        answer_begin(call);
        run->head = call->out.n;
    }
    run->leg = call->out.n;
    run->leg_number++;
    for (size_t i = run->first; i < run->n; i++) {
        if (run->pieces[i].end == 0 && run->pieces[i].mailbox.v == call->mailbox.v) {
            TRY(run_piece(call, tx, i, err_r));
        }
    }
    return 0;
}

/* Of the failed leg: what it had to do with, and what it did not come to. */
static bool is_lost(const struct ews_call *call, const struct piece *piece)
{
    return piece->in_leg || (piece->end == 0 && piece->mailbox.v == call->mailbox.v);
}

static bool concerns_all(const struct ews_call *call)
{
    for (size_t i = 0; i < call->batch->n; i++) {
        if (!is_lost(call, &call->batch->pieces[i])) {
            return false;
        }
    }
    return true;
}

bool batch_fail(struct ews_call *call, const struct err *err)
{
    struct batch_run *run = call->batch;

    if (concerns_all(call) && answer_ends_request(err)) {
        return false;
    }
    if (run->head == 0) {
        buf_clear(&call->out);
        answer_envelope_begin(call);
        answer_begin(call);
        run->head = run->leg = call->out.n;
    }
    answer_rewind(call, run->leg);
    for (size_t i = run->first; i < run->n; i++) {
        if (is_lost(call, &run->pieces[i])) {
            write_error(call, run, i, err, STR_NULL);
        }
    }
    return true;
}

/* Messages that were finished in another order than asked for. */
static void put_in_order(struct ews_call *call)
{
    const struct batch_run *run = call->batch;
    struct buf sorted = BUF_INIT;

    buf_reserve(&sorted, call->out.n);
    buf_append(&sorted, call->out.p, run->head);
    for (size_t i = 0; i < run->n; i++) {
        buf_append(&sorted, call->out.p + run->pieces[i].start,
                   run->pieces[i].end - run->pieces[i].start);
    }
    buf_fini(&call->out);
    call->out = sorted;
}

bool batch_next(struct ews_call *call)
{
    struct batch_run *run = call->batch;

    for (size_t i = run->first; i < run->n; i++) {
        run->pieces[i].in_leg = false;
    }
    while (run->first < run->n && run->pieces[run->first].end != 0) {
        run->first++;
    }
    if (run->first < run->n) {
        call->mailbox = run->pieces[run->first].mailbox;
        run->leg = call->out.n;
        return true;
    }
    if (!run->in_order) {
        put_in_order(call);
    }
    answer_end(call);
    answer_envelope_end(call);
    return false;
}
