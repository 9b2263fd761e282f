#include "lmtp/lmtp-private.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "mailbox/draft.h"
#include "mailbox/mailbox.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

/* On a worker. The message is parsed here, so that deliveries to several mailboxes use all cores.
 */
static int delivery_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct delivery *d = (struct delivery *)job;
    AUTO(arena) arena = arena_new(NULL, "delivery");
    struct item_draft draft;
    struct folder inbox;
    struct item_id id;
    int found;

    item_draft_from_mime(arena, d->message,
                         &(struct draft_options){
                             .received_ms = d->received_ms,
                             .now_ms = d->received_ms,
                             .recipient = d->recipient->address,
                             .recipient_name = d->recipient->display_name,
                             .delivered = true,
                         },
                         &draft);
    found = mailbox_folder_by_distinguished(tx, DF_INBOX, arena, &inbox, err_r);
    TRY(found);
    if (found == 0) {
        return err_set(err_r, ERR_CORRUPT, "the mailbox has no inbox");
    }
    return mailbox_item_add(tx, inbox.id, &draft, &id, err_r);
}

static void complete(struct conn *conn)
{
    struct lmtp_server *server = conn->server;
    const uint64_t one = 1;

    pthread_mutex_lock(&server->completions);
    conn->next_completed = server->completed;
    server->completed = conn;
    /* Within the lock: the loop may end as soon as it has seen the last completion, and close the
     * descriptor. */
    if (conn->next_completed == NULL && write(server->wake_fd, &one, sizeof(one)) < 0) {
        abort();
    }
    pthread_mutex_unlock(&server->completions);
}

/* On a worker, after the commit. */
static void delivery_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct delivery *d = (struct delivery *)job;
    struct conn *conn = d->conn;

    if (rc < 0) {
        const struct log_field fields[] = {LSTR("rcpt", d->recipient->address),
                                           LINT("bytes", d->message.n)};

        log_error(LOG_WARN, "lmtp.not_delivered", err, fields, ARRAY_LEN(fields));
    } else {
        log_event(LOG_DEBUG, "lmtp.delivered", LSTR("rcpt", d->recipient->address),
                  LINT("bytes", d->message.n));
    }
    d->rc = rc;
    atomic_fetch_add_explicit(rc < 0 ? &conn->server->refused : &conn->server->delivered, 1,
                              memory_order_relaxed);
    if (atomic_fetch_sub(&conn->undelivered, 1) == 1) {
        complete(conn);
    }
}

void lmtp_deliver(struct conn *conn)
{
    size_t n = lmtp_session_recipient_count(conn->session);
    struct str message = lmtp_session_message(conn->session);
    int64_t now_ms = clock_unix_ms(conn->server->clock);

    assert(n > 0 && conn->deliveries == NULL);
    conn->deliveries = mem_alloc_zero(n, sizeof(conn->deliveries[0]));
    conn->delivery_count = n;
    atomic_store(&conn->undelivered, n);
    for (size_t i = 0; i < n; i++) {
        const struct lmtp_recipient *recipient = lmtp_session_recipient(conn->session, i);

        conn->deliveries[i] = (struct delivery){
            .job = {.mailbox = recipient->mailbox,
                    .write = true,
                    .run = delivery_run,
                    .done = delivery_done},
            .conn = conn,
            .message = message,
            .recipient = recipient,
            .received_ms = now_ms,
        };
    }
    for (size_t i = 0; i < n; i++) {
        workers_submit(conn->server->workers, &conn->deliveries[i].job);
    }
}

void lmtp_server_stats(const struct lmtp_server *server, struct lmtp_stats *stats_r)
{
    *stats_r = (struct lmtp_stats){
        .delivered = atomic_load_explicit(&server->delivered, memory_order_relaxed),
        .refused = atomic_load_explicit(&server->refused, memory_order_relaxed)};
}

void lmtp_deliver_finish(struct conn *conn)
{
    for (size_t i = 0; i < conn->delivery_count; i++) {
        lmtp_session_report(conn->session, i, conn->deliveries[i].rc);
    }
    free(conn->deliveries);
    conn->deliveries = NULL;
    conn->delivery_count = 0;
}
