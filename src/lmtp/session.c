#include "lmtp/session.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "lmtp/limits.h"
#include "lmtp/session-private.h"

#include <assert.h>
#include <stdlib.h>

#define BIT(state) (1u << LMTP_STATE_##state)

/* Row: from. Bits: where the machine may go from there (staying is no move). */
static const unsigned edges[LMTP_STATE_COUNT] = {
    [LMTP_STATE_FRESH] = BIT(READY) | BIT(CLOSED),
    [LMTP_STATE_READY] = BIT(MAIL) | BIT(CLOSED),
    [LMTP_STATE_MAIL] = BIT(READY) | BIT(RCPT) | BIT(CLOSED),
    [LMTP_STATE_RCPT] = BIT(READY) | BIT(DATA) | BIT(CLOSED),
    [LMTP_STATE_DATA] = BIT(SWALLOW) | BIT(DELIVERY) | BIT(CLOSED),
    [LMTP_STATE_SWALLOW] = BIT(READY) | BIT(CLOSED),
    [LMTP_STATE_DELIVERY] = BIT(READY) | BIT(CLOSED),
    [LMTP_STATE_CLOSED] = 0,
};

void lmtp_enter_state(struct lmtp_session *s, enum lmtp_state to)
{
    assert(s->state == to || (edges[s->state] & (1u << to)) != 0);
    s->state = to;
}

void lmtp_reply(struct lmtp_session *s, const char *text)
{
    buf_add_cstr(&s->out, text);
    BUF_LIT(&s->out, "\r\n");
}

struct lmtp_session *lmtp_session_new(const struct lmtp_options *options, lmtp_find_recipient *find,
                                      void *context)
{
    struct lmtp_session *s = mem_alloc_zero(1, sizeof(*s));

    s->options = *options;
    if (s->options.max_message_bytes == 0) {
        s->options.max_message_bytes = LMTP_MESSAGE_BYTES;
    }
    if (s->options.max_recipients == 0) {
        s->options.max_recipients = LMTP_MAX_RECIPIENTS;
    }
    s->find = find;
    s->context = context;
    s->tmp = arena_new(NULL, "lmtp.tmp");
    s->tx = arena_new(NULL, "lmtp.tx");
    buf_printf(&s->out, "220 %.*s LMTP ewer\r\n", STR_ARG(s->options.hostname));
    return s;
}

void lmtp_session_free(struct lmtp_session **session)
{
    struct lmtp_session *s = take(session);

    if (s != NULL) {
        lmtp_tx_reset(s);
        buf_fini(&s->out);
        buf_fini(&s->line);
        buf_fini(&s->message);
        arena_free(&s->tmp);
        arena_free(&s->tx);
        free(s->slots);
        free(s);
    }
}

void lmtp_tx_reset(struct lmtp_session *s)
{
    if (s->options.budget != NULL) {
        assert(s->options.budget->used_bytes >= s->charged_bytes);
        s->options.budget->used_bytes -= s->charged_bytes;
    }
    s->charged_bytes = 0;
    s->slot_count = s->reported_count = 0;
    s->swallowed_bytes = 0;
    s->refusal = NULL;
    s->utf8 = false;
    if (s->message.cap > LMTP_KEEP_BUFFER_BYTES) {
        buf_fini(&s->message);
    }
    buf_clear(&s->message);
    arena_reset(s->tx);
}

/* ---- the message ---- */

const char *lmtp_refuse_size(const struct lmtp_session *s, uint64_t bytes)
{
    const struct lmtp_budget *budget = s->options.budget;

    if (bytes > s->options.max_message_bytes) {
        return "552 5.3.4 Message is too big";
    }
    if (budget != NULL && bytes > s->charged_bytes &&
        bytes - s->charged_bytes > budget->limit_bytes - budget->used_bytes) {
        return "452 4.3.1 Too much mail at once, try again later";
    }
    return NULL;
}

static void refuse_message(struct lmtp_session *s, const char *refusal)
{
    lmtp_enter_state(s, LMTP_STATE_SWALLOW);
    s->refusal = refusal;
    if (s->options.budget != NULL) {
        s->options.budget->used_bytes -= s->charged_bytes;
        s->charged_bytes = 0;
    }
    buf_fini(&s->message);
}

static void collect_piece(struct lmtp_session *s, struct str piece)
{
    const char *refusal = lmtp_refuse_size(s, s->message.n + piece.n);

    if (refusal != NULL) {
        refuse_message(s, refusal);
        return;
    }
    buf_add_str(&s->message, piece);
    if (s->options.budget != NULL) {
        s->options.budget->used_bytes += piece.n;
        s->charged_bytes += piece.n;
    }
}

static void swallow_piece(struct lmtp_session *s, struct str piece)
{
    s->swallowed_bytes += piece.n;
    if (s->swallowed_bytes > LMTP_SWALLOW_BYTES) {
        lmtp_reply(s, "421 4.3.0 Message is far too big, closing");
        lmtp_enter_state(s, LMTP_STATE_CLOSED);
    }
}

static void finish_data(struct lmtp_session *s)
{
    if (s->state == LMTP_STATE_DATA) {
        lmtp_enter_state(s, LMTP_STATE_DELIVERY);
        return;
    }
    for (size_t i = 0; i < s->slot_count; i++) {
        lmtp_reply(s, s->refusal);
    }
    lmtp_tx_reset(s);
    lmtp_enter_state(s, LMTP_STATE_READY);
}

static void feed_data(struct lmtp_session *s, struct str *input)
{
    struct str piece;

    while (lmtp_data_next(&s->data, input, &piece)) {
        if (s->state == LMTP_STATE_DATA) {
            collect_piece(s, piece);
        } else if (s->state == LMTP_STATE_SWALLOW) {
            swallow_piece(s, piece);
        } else {
            return;
        }
    }
    if (s->data == LMTP_DATA_END && s->state != LMTP_STATE_CLOSED) {
        finish_data(s);
    }
}

/* ---- command lines ---- */

static struct str without_cr(struct str line)
{
    return line.n > 0 && line.p[line.n - 1] == '\r' ? str_sub(line, 0, line.n - 1) : line;
}

/* part: what came of a line, without its line end if it has one (last). */
static void skip_long_line(struct lmtp_session *s, size_t part_bytes, bool last)
{
    buf_clear(&s->line);
    s->line_skipped += part_bytes;
    if (s->line_skipped > LMTP_SKIP_LINE_BYTES) {
        lmtp_reply(s, "421 4.7.0 Line is far too long, closing");
        lmtp_enter_state(s, LMTP_STATE_CLOSED);
    } else if (last) {
        s->line_skipped = 0;
        lmtp_reply_bad(s, "500 5.5.2 Line is too long");
    }
}

/* Takes a line, or what is there of one, off the input. The whole of it counts against the limit,
 * so pieces make no difference. */
static void feed_line(struct lmtp_session *s, struct str *input)
{
    const char *lf = memchr(input->p, '\n', input->n);
    size_t used = lf != NULL ? (size_t)(lf - input->p) + 1 : input->n;
    struct str part = str_sub(*input, 0, used);

    *input = str_sub(*input, used, SIZE_MAX);
    if (s->line_skipped > 0) {
        skip_long_line(s, used, lf != NULL);
    } else if (s->line.n + used > LMTP_LINE_BYTES) {
        skip_long_line(s, s->line.n + used, lf != NULL);
    } else if (lf == NULL) {
        buf_add_str(&s->line, part);
    } else if (s->line.n == 0) {
        lmtp_command(s, without_cr(str_sub(part, 0, used - 1)));
    } else {
        buf_append(&s->line, part.p, used - 1);
        lmtp_command(s, without_cr(buf_str(&s->line)));
        buf_clear(&s->line);
    }
}

enum lmtp_want lmtp_session_feed(struct lmtp_session *s, struct str *input)
{
    while (input->n > 0 && s->state != LMTP_STATE_DELIVERY && s->state != LMTP_STATE_CLOSED) {
        if (s->state == LMTP_STATE_DATA || s->state == LMTP_STATE_SWALLOW) {
            feed_data(s, input);
        } else {
            feed_line(s, input);
        }
    }
    if (s->state == LMTP_STATE_CLOSED) {
        *input = str_sub(*input, input->n, 0);
        return LMTP_WANT_CLOSE;
    }
    return s->state == LMTP_STATE_DELIVERY ? LMTP_WANT_DELIVERY : LMTP_WANT_INPUT;
}

struct buf *lmtp_session_output(struct lmtp_session *s)
{
    return &s->out;
}

/* ---- delivery ---- */

struct str lmtp_session_message(const struct lmtp_session *s)
{
    assert(s->state == LMTP_STATE_DELIVERY);
    return s->message.n > 0 ? buf_str(&s->message) : STR("");
}

size_t lmtp_session_recipient_count(const struct lmtp_session *s)
{
    return s->slot_count;
}

const struct lmtp_recipient *lmtp_session_recipient(const struct lmtp_session *s, size_t i)
{
    assert(i < s->slot_count);
    return &s->slots[i].recipient;
}

/* Failures that are not listed are the server's own trouble: the sender keeps the mail and tries
 * again. */
static const struct {
    enum err_kind kind;
    const char *reply;
} delivery_replies[] = {
    {ERR_NONE, "250 2.0.0"},       {ERR_NO_SUCH_MAILBOX, "550 5.1.1"}, {ERR_QUOTA, "452 4.2.2"},
    {ERR_STORE_FULL, "452 4.3.1"}, {ERR_TOO_LARGE, "552 5.3.4"},       {ERR_BUSY, "451 4.3.2"},
    {ERR_STORE_BUSY, "451 4.3.2"}, {ERR_SHUTTING_DOWN, "451 4.3.2"},
};

static void reply_delivery(struct lmtp_session *s, const struct lmtp_slot *slot)
{
    const char *code = "451 4.3.0";

    for (size_t i = 0; i < ARRAY_LEN(delivery_replies); i++) {
        if (delivery_replies[i].kind == (enum err_kind) - slot->rc) {
            code = delivery_replies[i].reply;
        }
    }
    buf_printf(&s->out, "%s <%.*s> %s\r\n", code, STR_ARG(slot->recipient.address),
               slot->rc == 0 ? "delivered" : err_kind_text((enum err_kind) - slot->rc));
}

void lmtp_session_report(struct lmtp_session *s, size_t i, int rc)
{
    assert(s->state == LMTP_STATE_DELIVERY);
    assert(i < s->slot_count && !s->slots[i].reported);
    s->slots[i].reported = true;
    s->slots[i].rc = rc;
    if (++s->reported_count < s->slot_count) {
        return;
    }
    for (size_t k = 0; k < s->slot_count; k++) {
        reply_delivery(s, &s->slots[k]);
    }
    lmtp_tx_reset(s);
    lmtp_enter_state(s, LMTP_STATE_READY);
    if (s->abort_text != NULL) {
        lmtp_session_abort(s, s->abort_text);
    }
}

void lmtp_session_abort(struct lmtp_session *s, const char *text)
{
    if (s->state == LMTP_STATE_CLOSED) {
        return;
    }
    if (s->state == LMTP_STATE_DELIVERY) {
        s->abort_text = text;
        return;
    }
    buf_printf(&s->out, "421 %s\r\n", text);
    lmtp_tx_reset(s);
    lmtp_enter_state(s, LMTP_STATE_CLOSED);
}
