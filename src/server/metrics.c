#include "server/metrics.h"

#include "base/err.h"
#include "base/mem.h"
#include "ews/call.h"
#include "ews/error_map.h"
#include "http/stream.h"
#include "lmtp/lmtp.h"
#include "notify/hub.h"

#include <stdatomic.h>
#include <stdlib.h>

/* More than there are operations; what does not fit is counted together. */
#define MAX_OPERATIONS 128

/* Upper bounds in microseconds, and as Prometheus wants them. */
static const struct {
    int64_t us;
    const char *text;
} bounds[] = {{100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"},
              {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"},
              {100000, "0.1"},  {500000, "0.5"},  {2500000, "2.5"}, {INT64_MAX, "+Inf"}};

typedef atomic_uint_least64_t counter;

struct histogram {
    counter buckets[ARRAY_LEN(bounds)]; /* each its own share; summed up in the text */
    counter sum_us;
};

struct operation_figures {
    _Atomic(const struct ews_operation *) operation; /* NULL: the place is free */
    counter bytes;
    struct histogram seconds;
};

struct metrics {
    struct operation_figures operations[MAX_OPERATIONS];
    struct operation_figures others; /* no operation was found in the request */
    counter errors[ERR_KIND_COUNT];
};

struct metrics *metrics_new(void)
{
    return mem_alloc_zero(1, sizeof(struct metrics));
}

void metrics_free(struct metrics **metrics)
{
    free(take(metrics));
}

static void add(counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static uint64_t get(const counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

/* ---- counting ---- */

static void observe(struct histogram *h, int64_t us)
{
    size_t i = 0;

    while (us > bounds[i].us) {
        i++;
    }
    add(&h->buckets[i], 1);
    add(&h->sum_us, us > 0 ? (uint64_t)us : 0);
}

/* Places are taken in order of first use and kept. */
static struct operation_figures *figures_of(struct metrics *m, const struct ews_operation *op)
{
    for (size_t i = 0; op != NULL && i < MAX_OPERATIONS; i++) {
        const struct ews_operation *there = NULL;

        if (atomic_compare_exchange_strong(&m->operations[i].operation, &there, op) ||
            there == op) {
            return &m->operations[i];
        }
    }
    return &m->others;
}

void metrics_call(struct metrics *m, const struct ews_call *call, int64_t us, size_t answer_bytes)
{
    struct operation_figures *f = figures_of(m, call->operation);

    observe(&f->seconds, us);
    add(&f->bytes, answer_bytes);
    if (call->outcome != ERR_NONE) {
        add(&m->errors[call->outcome], 1);
    }
}

/* ---- the text ---- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void plain(struct buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
    head(out, name, type, help);
    buf_printf(out, "%s %llu\n", name, (unsigned long long)v);
}

static void write_histogram(struct buf *out, struct str op, const struct histogram *h)
{
    uint64_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        n += get(&h->buckets[i]);
        buf_printf(out, "ewer_call_seconds_bucket{operation=\"%.*s\",le=\"%s\"} %llu\n",
                   STR_ARG(op), bounds[i].text, (unsigned long long)n);
    }
    buf_printf(out, "ewer_call_seconds_sum{operation=\"%.*s\"} %.6f\n", STR_ARG(op),
               (double)get(&h->sum_us) / 1e6);
    buf_printf(out, "ewer_call_seconds_count{operation=\"%.*s\"} %llu\n", STR_ARG(op),
               (unsigned long long)n);
}

/* Each operation that was called, and what was none. */
static size_t called(struct metrics *m, struct operation_figures **figures, struct str *names)
{
    size_t n = 0;

    for (size_t i = 0; i < MAX_OPERATIONS; i++) {
        const struct ews_operation *op = atomic_load(&m->operations[i].operation);

        if (op != NULL) {
            names[n] = op->name;
            figures[n++] = &m->operations[i];
        }
    }
    names[n] = STR("none");
    figures[n++] = &m->others;
    return n;
}

static void write_calls(struct metrics *m, struct buf *out)
{
    struct operation_figures *figures[MAX_OPERATIONS + 1];
    struct str names[MAX_OPERATIONS + 1];
    size_t n = called(m, figures, names);

    head(out, "ewer_call_seconds", "histogram", "From a request's first byte to its answer.");
    for (size_t i = 0; i < n; i++) {
        write_histogram(out, names[i], &figures[i]->seconds);
    }
    head(out, "ewer_call_answer_bytes_total", "counter", "Bytes of answers, before compression.");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "ewer_call_answer_bytes_total{operation=\"%.*s\"} %llu\n",
                   STR_ARG(names[i]), (unsigned long long)get(&figures[i]->bytes));
    }
}

/* Several kinds may have one code; they differ in the second label. */
static void write_errors(struct metrics *m, struct buf *out)
{
    head(out, "ewer_call_errors_total", "counter", "Calls by the first error in their answer.");
    for (unsigned kind = ERR_NONE + 1; kind < ERR_KIND_COUNT; kind++) {
        uint64_t n = get(&m->errors[kind]);

        if (n != 0) {
            buf_printf(out, "ewer_call_errors_total{code=\"%s\",kind=\"%s\"} %llu\n",
                       error_row((enum err_kind)kind)->response_code.p,
                       err_kind_name((enum err_kind)kind), (unsigned long long)n);
        }
    }
}

static void write_hub(struct hub *hub, struct buf *out)
{
    struct hub_stats s;

    hub_stats(hub, &s);
    plain(out, "ewer_streams", "gauge", "Open streams.", s.streams);
    plain(out, "ewer_stream_subscriptions", "gauge", "Subscriptions with an open stream.",
          s.stream_legs);
    head(out, "ewer_subscriptions", "gauge", "Subscriptions that live, by kind.");
    for (size_t kind = SUBSCRIPTION_STREAMING; kind <= SUBSCRIPTION_PUSH; kind++) {
        buf_printf(out, "ewer_subscriptions{kind=\"%s\"} %llu\n",
                   subscription_kind_name((enum subscription_kind)kind),
                   (unsigned long long)s.subscriptions.n[kind]);
    }
    head(out, "ewer_stream_lag_seconds", "gauge",
         "How long the open stream that waits longest has had something to hear.");
    buf_printf(out, "ewer_stream_lag_seconds %.3f\n", (double)s.lag_ms / 1e3);
    plain(out, "ewer_streams_cut_off_total", "counter", "Streams whose client did not read.",
          s.cut_off);
    plain(out, "ewer_streams_opened_total", "counter", "Streams opened.", s.streams_opened);
    plain(out, "ewer_stream_documents_total", "counter", "Documents written to streams.",
          s.documents);
    plain(out, "ewer_notices_total", "counter", "Events told by streams and pushes.", s.notices);
    plain(out, "ewer_stream_heartbeats_total", "counter", "Signs of life.", s.heartbeats);
    plain(out, "ewer_streams_taken_over_total", "counter", "Streams ended by a newer one.",
          s.taken_over);
    plain(out, "ewer_streams_lost_total", "counter", "Streams whose client hung up.", s.lost);
    plain(out, "ewer_pushes_ok_total", "counter", "Pushes that were answered.", s.posts_ok);
    plain(out, "ewer_pushes_failed_total", "counter", "Pushes that failed.", s.posts_failed);
    plain(out, "ewer_push_subscriptions_given_up_total", "counter",
          "Push subscriptions ended because nobody answered.", s.pushes_given_up);
    plain(out, "ewer_commits_total", "counter", "Commits that changed a mailbox.",
          hub_commits(hub));
}

void metrics_write(struct metrics *m, const struct metrics_sources *from, struct buf *out)
{
    write_calls(m, out);
    write_errors(m, out);
    if (from->hub != NULL) {
        write_hub(from->hub, out);
    }
    if (from->http != NULL) {
        plain(out, "ewer_http_streams", "gauge", "Sockets of streams, those that end included.",
              http_server_streams(from->http));
    }
    if (from->lmtp != NULL) {
        struct lmtp_stats s;

        lmtp_server_stats(from->lmtp, &s);
        plain(out, "ewer_deliveries_total", "counter", "Messages delivered to a mailbox by LMTP.",
              s.delivered);
        plain(out, "ewer_deliveries_refused_total", "counter",
              "Recipients refused, for now or for good.", s.refused);
    }
}
