/*
 * LMTP sessions of hostile peers. The first byte chooses how the input is cut into pieces: the
 * replies and the deliveries must be those of the uncut input, nothing over the limits may be
 * taken, and the budget must come back.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "lmtp/session.h"

#include <stdlib.h>

#define MAX_MESSAGE 256
#define MAX_RECIPIENTS 3

static int find(void *context, struct str address, struct arena *arena,
                struct lmtp_recipient *recipient_r)
{
    (void)context;
    if (address.n == 0 || address.n > 256) {
        abort();
    }
    if (address.p[0] == 'x') {
        return address.n == 1 ? -ERR_IO : 0;
    }
    *recipient_r = (struct lmtp_recipient){.mailbox = {1}, .address = str_dup(arena, address)};
    return 1;
}

static void deliver(struct lmtp_session *s, struct buf *trace)
{
    struct str message = lmtp_session_message(s);
    size_t n = lmtp_session_recipient_count(s);

    if (message.n > MAX_MESSAGE || n == 0 || n > MAX_RECIPIENTS) {
        abort();
    }
    BUF_LIT(trace, "[");
    buf_add_str(trace, message);
    for (size_t i = 0; i < n; i++) {
        struct str address = lmtp_session_recipient(s, i)->address;

        if (memchr(address.p, '\r', address.n) != NULL ||
            memchr(address.p, '\n', address.n) != NULL) {
            abort();
        }
        buf_add_str(trace, address);
        lmtp_session_report(s, i, i % 2 == 0 ? 0 : -ERR_BUSY);
    }
    BUF_LIT(trace, "]");
}

static void feed(struct lmtp_session *s, struct str piece, struct buf *trace)
{
    while (lmtp_session_feed(s, &piece) == LMTP_WANT_DELIVERY) {
        deliver(s, trace);
    }
    if (piece.n != 0) {
        abort();
    }
}

/* step 0: in one piece. */
static void run(struct str input, size_t step, struct buf *trace)
{
    struct lmtp_budget budget = {.limit_bytes = MAX_MESSAGE};
    const struct lmtp_options options = {.hostname = STR("mx"),
                                         .max_message_bytes = MAX_MESSAGE,
                                         .max_recipients = MAX_RECIPIENTS,
                                         .budget = &budget};
    struct lmtp_session *s = lmtp_session_new(&options, find, NULL);

    while (input.n > 0) {
        struct str piece = str_sub(input, 0, step > 0 ? step : input.n);

        feed(s, piece, trace);
        input = str_sub(input, piece.n, SIZE_MAX);
    }
    buf_add_str(trace, buf_str(lmtp_session_output(s)));
    lmtp_session_free(&s);
    if (budget.used_bytes != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = BUF_INIT, cut = BUF_INIT;
    struct str input;

    if (size == 0) {
        return 0;
    }
    input = str_of(data + 1, size - 1);
    run(input, 0, &whole);
    run(input, (size_t)data[0] + 1, &cut);
    if (!str_eq(buf_str(&whole), buf_str(&cut))) {
        abort();
    }
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
