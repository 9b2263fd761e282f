#include "server/stream_door.h"

#include "base/mem.h"
#include "ews/call.h"
#include "ews/notifications.h"
#include "http/stream.h"
#include "notify/hub.h"

#include <pthread.h>
#include <stdlib.h>

/*
 * One stream. It belongs to the opener, until that is done, and to the hub, until `ended`; the last of them frees it.
 * I1  http is open from the start until `ended`; the hub calls no op after that.
 * I2  of hub_stream_lost and hub_stream_forget exactly one is called, once: by whoever sees `opened` and the loss, or the end, together.
 */
struct outlet {
    struct notification_context context;
    struct http_stream *http;
    pthread_mutex_t lock; /* guards what follows */
    struct hub_stream *stream;
    bool ready;                 /* said before `stream` was there */
    bool lost, ended, released; /* released: stream was given back */
    unsigned owners;
};

/* ---- who gives the stream back ---- */

/* What is to be called, once it is known that the hub took the stream on. */
typedef void release_fn(struct hub_stream *stream);

static release_fn *take_release(struct outlet *o)
{
    release_fn *release = NULL;

    pthread_mutex_lock(&o->lock);
    if (o->stream != NULL && !o->released && (o->lost || o->ended)) {
        o->released = true;
        release = o->ended ? hub_stream_forget : hub_stream_lost;
    }
    pthread_mutex_unlock(&o->lock);
    return release;
}

static void settle(struct outlet *o)
{
    struct hub_stream *stream = o->stream;
    release_fn *release = take_release(o);

    if (release != NULL) {
        release(stream);
    }
}

static void drop(struct outlet *o)
{
    bool last;

    pthread_mutex_lock(&o->lock);
    last = --o->owners == 0;
    pthread_mutex_unlock(&o->lock);
    if (last) {
        pthread_mutex_destroy(&o->lock);
        free(o);
    }
}

/* ---- what the socket says ---- */

static void on_ready(void *context)
{
    struct outlet *o = context;
    struct hub_stream *stream;

    pthread_mutex_lock(&o->lock);
    stream = o->released ? NULL : o->stream;
    o->ready = stream == NULL;
    pthread_mutex_unlock(&o->lock);
    if (stream != NULL) {
        hub_stream_ready(stream);
    }
}

static void on_lost(void *context)
{
    struct outlet *o = context;

    pthread_mutex_lock(&o->lock);
    o->lost = true;
    pthread_mutex_unlock(&o->lock);
    settle(o);
}

/* ---- what the hub asks ---- */

static enum outlet_result write_out(struct outlet *o, struct buf *document)
{
    static const enum outlet_result results[] = {
        [HTTP_STREAM_OK] = OUTLET_TAKEN,
        [HTTP_STREAM_FULL] = OUTLET_FULL,
        [HTTP_STREAM_GONE] = OUTLET_DEAD,
    };
    enum http_stream_result result = http_stream_write(o->http, buf_str(document));

    buf_fini(document);
    return results[result];
}

static enum outlet_result tell_notices(void *outlet, const struct subscription *subscription,
                                       const struct notice_page *page)
{
    struct outlet *o = outlet;
    struct buf document = BUF_INIT;

    stream_document_notices(&document, &o->context, subscription, page);
    return write_out(o, &document);
}

static enum outlet_result tell_alive(void *outlet)
{
    struct outlet *o = outlet;
    struct buf document = BUF_INIT;

    stream_document_alive(&document, &o->context);
    return write_out(o, &document);
}

static enum outlet_result tell_error(void *outlet, enum err_kind kind,
                                     const struct subscription *const *subscriptions, size_t n,
                                     bool closes)
{
    struct outlet *o = outlet;
    struct str *ids = mem_alloc_zero(n + 1, sizeof(*ids));
    struct buf texts = BUF_INIT, document = BUF_INIT;
    size_t *ends = mem_alloc_zero(n + 1, sizeof(*ends));

    for (size_t i = 0; i < n; i++) {
        subscription_id_write(&texts, &o->context, subscriptions[i]);
        ends[i + 1] = texts.n;
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = str_of(texts.p + ends[i], ends[i + 1] - ends[i]);
    }
    stream_document_error(&document, &o->context, kind, ids, n, closes);
    buf_fini(&texts);
    free(ids);
    free(ends);
    return write_out(o, &document);
}

static enum outlet_result tell_closed(void *outlet)
{
    struct outlet *o = outlet;
    struct buf document = BUF_INIT;

    stream_document_closed(&document, &o->context);
    return write_out(o, &document);
}

static bool is_taken(void *outlet)
{
    return http_stream_is_taken(((struct outlet *)outlet)->http);
}

static bool is_acked(void *outlet)
{
    return http_stream_is_acked(((struct outlet *)outlet)->http);
}

/* After this no handler of the socket runs any more. */
static void on_ended(void *outlet)
{
    struct outlet *o = outlet;
    bool lost;

    pthread_mutex_lock(&o->lock);
    lost = o->lost;
    pthread_mutex_unlock(&o->lock);
    http_stream_close(&o->http, !lost);
    pthread_mutex_lock(&o->lock);
    o->ended = true;
    pthread_mutex_unlock(&o->lock);
    settle(o);
    drop(o);
}

static const struct outlet_ops outlet_ops = {
    .notices = tell_notices,
    .alive = tell_alive,
    .error = tell_error,
    .closed = tell_closed,
    .is_taken = is_taken,
    .ended = on_ended,
    .is_acked = is_acked,
};

/* ---- opening ---- */

static struct outlet *outlet_new(const struct ews_call *call)
{
    struct outlet *o = mem_alloc_zero(1, sizeof(*o));

    o->context = (struct notification_context){
        .service = call->service, .key = call->key, .mailbox = call->mailbox};
    pthread_mutex_init(&o->lock, NULL);
    o->owners = 2;
    return o;
}

/* The hub takes nothing more: the stream is one document. */
static void refuse(struct outlet *o, enum err_kind kind)
{
    struct buf document = BUF_INIT;

    stream_document_error(&document, &o->context, kind, NULL, 0, true);
    (void)write_out(o, &document);
    http_stream_close(&o->http, true);
    drop(o);
}

/* Nobody gives the stream back before it stands in o; so what the socket said meanwhile is passed on first. */
static void admit(struct outlet *o, struct hub_stream *stream)
{
    bool ready;

    do {
        pthread_mutex_lock(&o->lock);
        ready = o->ready;
        o->ready = false;
        o->stream = ready ? NULL : stream;
        pthread_mutex_unlock(&o->lock);
        if (ready) {
            hub_stream_ready(stream);
        }
    } while (ready);
}

static void join_hub(struct outlet *o, const struct ews_call *call)
{
    const struct hub_stream_request request = {
        .mailbox = call->mailbox,
        .subscriptions = call->stream->subscriptions,
        .n = call->stream->n,
        .life_ms = call->stream->life_ms,
        .seen = call->stream->seen,
        .ops = &outlet_ops,
        .outlet = o,
    };
    struct hub_stream *stream;
    struct err err = ERR_INIT;

    if (hub_stream_open(call->service->hub, &request, &stream, &err) < 0) {
        refuse(o, err.kind);
        return;
    }
    admit(o, stream);
    settle(o);
}

int stream_door_open(struct http_exchange *x, const struct ews_call *call,
                     const struct http_answer *head, struct err *err_r)
{
    struct outlet *o = outlet_new(call);
    const struct http_stream_handler handler = {.context = o, .ready = on_ready, .lost = on_lost};
    int rc = http_stream_open(x, head, &handler, &o->http, err_r);

    if (rc < 0) {
        o->owners = 1;
        drop(o);
        return rc;
    }
    join_hub(o, call);
    drop(o);
    return 0;
}
