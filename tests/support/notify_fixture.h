/*
 * A hub over a real store and real workers, with a clock that a test moves and outlets that write down what they are given. Time passes from deadline to deadline, so that every document has
 * the time at which the hub meant it. Header only.
 */
#ifndef TESTS_SUPPORT_NOTIFY_FIXTURE_H
#define TESTS_SUPPORT_NOTIFY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "mailbox/mailbox.h"
#include "mailbox/store.h"
#include "mailbox/subscriptions.h"
#include "mailbox/workers.h"
#include "notify/hub.h"
#include "notify/notify-private.h"
#include "support/tmpdir.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define STOP_MS 20000
#define DOCUMENTS 1024
#define POSTS 64
#define MAIL_TYPES NOTICE_BIT(NOTICE_CREATED)

struct test_clock {
    struct clock base;
    atomic_llong ms;
};

enum document_kind { DOC_ALIVE, DOC_NOTICES, DOC_ERROR, DOC_CLOSED };

struct document {
    enum document_kind kind;
    int64_t at_ms;            /* since the fixture began */
    uint64_t subscription[4]; /* those that it is about */
    size_t n;                 /* notices, or subscriptions of an error */
    uint64_t object[NOTIFY_MAX_NOTICES];
    enum err_kind error;
    bool closes;
};

struct fixture;

struct outlet {
    struct fixture *f;
    struct document documents[DOCUMENTS];
    size_t n, seen; /* seen: by the test */
    enum outlet_result result;
    bool taken, ended, acked;
    struct hub_stream *stream;
};

struct test_post {
    struct hub_post *post;
    int64_t at_ms;
    uint64_t subscription;
    size_t n;
    uint64_t object[NOTIFY_MAX_NOTICES];
    struct log_position previous, end, last;
    bool more, missed;
};

struct fixture {
    struct tmpdir dir;
    struct test_clock clock;
    int64_t begun_ms;
    struct arena *arena;
    struct store *store;
    struct workers *workers;
    struct hub *hub;
    struct hub_options options; /* as a test wants them */
    struct mailbox_no no;
    struct folder_id inbox, notes;
    struct err err;
    bool mute; /* commits wake nobody */
    struct outlet outlets
        [5]; /* a test's streams; those that a failure leaves open are given back at the end */

    pthread_mutex_t mutex; /* of the documents and posts */
    struct test_post posts[POSTS];
    size_t post_n, post_seen;
};

static inline int64_t fixture_clock_ms(struct clock *clock)
{
    return atomic_load(&((struct test_clock *)clock)->ms);
}

static inline int64_t elapsed_ms(struct fixture *f)
{
    return atomic_load(&f->clock.ms) - f->begun_ms;
}

#define must(f, expr) fixture_must((f), (expr), #expr, __FILE__, __LINE__)

static inline int fixture_must(struct fixture *f, int rc, const char *what, const char *file,
                               int line)
{
    if (rc < 0) {
        print_error("%s: %s: %s\n", what, err_kind_name(f->err.kind), f->err.log_text);
        _fail(file, line);
    }
    return rc;
}

/* ---- jobs that are waited for ---- */

struct call {
    struct mailbox_job job;
    int (*fn)(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err);
    struct fixture *f;
    void *ctx;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool over;
    int rc;
};

static inline int call_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err)
{
    struct call *c = container_of(job, struct call, job);

    return c->fn(c->f, tx, c->ctx, err);
}

static inline void call_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct call *c = container_of(job, struct call, job);

    pthread_mutex_lock(&c->mutex);
    if (rc < 0) {
        c->f->err = *err;
    }
    c->rc = rc;
    c->over = true;
    pthread_cond_signal(&c->cond);
    pthread_mutex_unlock(&c->mutex);
}

static inline int call_in(struct fixture *f, bool write,
                          int (*fn)(struct fixture *, struct mailbox_tx *, void *, struct err *),
                          void *ctx)
{
    struct call c = {.job = {.mailbox = f->no, .write = write, .run = call_run, .done = call_done},
                     .fn = fn,
                     .f = f,
                     .ctx = ctx,
                     .mutex = PTHREAD_MUTEX_INITIALIZER,
                     .cond = PTHREAD_COND_INITIALIZER};

    workers_submit(f->workers, &c.job);
    pthread_mutex_lock(&c.mutex);
    while (!c.over) {
        pthread_cond_wait(&c.cond, &c.mutex);
    }
    pthread_mutex_unlock(&c.mutex);
    return c.rc;
}

/* ---- outlets and listeners that write down ---- */

static inline enum outlet_result record(struct outlet *o, struct document *d)
{
    enum outlet_result result;

    d->at_ms = elapsed_ms(o->f);
    pthread_mutex_lock(&o->f->mutex);
    assert_true(o->n < DOCUMENTS);
    assert_false(o->ended);
    result = o->result;
    if (result != OUTLET_DEAD) {
        o->documents[o->n++] = *d;
    }
    pthread_mutex_unlock(&o->f->mutex);
    return result;
}

static inline enum outlet_result outlet_notices(void *outlet, const struct subscription *s,
                                                const struct notice_page *page)
{
    struct document d = {.kind = DOC_NOTICES, .subscription = {s->id.v}, .n = page->n};

    assert_true(page->n > 0 && page->n <= NOTIFY_MAX_NOTICES);
    for (size_t i = 0; i < page->n; i++) {
        d.object[i] = page->notices[i].object;
    }
    return record(outlet, &d);
}

static inline enum outlet_result outlet_alive(void *outlet)
{
    return record(outlet, &(struct document){.kind = DOC_ALIVE});
}

static inline enum outlet_result outlet_error(void *outlet, enum err_kind kind,
                                              const struct subscription *const *subscriptions,
                                              size_t n, bool closes)
{
    struct document d = {.kind = DOC_ERROR, .n = n, .error = kind, .closes = closes};

    for (size_t i = 0; i < n && i < ARRAY_LEN(d.subscription); i++) {
        d.subscription[i] = subscriptions[i]->id.v;
    }
    return record(outlet, &d);
}

static inline enum outlet_result outlet_closed(void *outlet)
{
    return record(outlet, &(struct document){.kind = DOC_CLOSED});
}

static inline bool outlet_is_taken(void *outlet)
{
    struct outlet *o = outlet;
    bool taken;

    pthread_mutex_lock(&o->f->mutex);
    taken = o->taken;
    pthread_mutex_unlock(&o->f->mutex);
    return taken;
}

static inline void outlet_ended(void *outlet)
{
    struct outlet *o = outlet;

    pthread_mutex_lock(&o->f->mutex);
    assert_false(o->ended);
    o->ended = true;
    pthread_mutex_unlock(&o->f->mutex);
}

static inline bool outlet_is_acked(void *outlet)
{
    struct outlet *o = outlet;
    bool acked;

    pthread_mutex_lock(&o->f->mutex);
    acked = o->acked;
    pthread_mutex_unlock(&o->f->mutex);
    return acked;
}

static const struct outlet_ops outlet_ops = {outlet_notices, outlet_alive,    outlet_error,
                                             outlet_closed,  outlet_is_taken, outlet_ended,
                                             outlet_is_acked};

static inline void listener_post(void *context, struct hub_post *post)
{
    struct fixture *f = context;
    const struct notice_page *page = hub_post_page(post);
    struct test_post p = {.post = post,
                          .at_ms = elapsed_ms(f),
                          .subscription = hub_post_subscription(post)->id.v,
                          .n = page->n,
                          .previous = hub_post_previous(post),
                          .end = page->end,
                          .last = page->end,
                          .more = page->more,
                          .missed = page->missed};

    assert_int_equal(hub_post_mailbox(post).v, f->no.v);
    for (size_t i = 0; i < page->n; i++) {
        p.object[i] = page->notices[i].object;
        p.last = page->notices[i].after;
    }
    pthread_mutex_lock(&f->mutex);
    assert_true(f->post_n < POSTS);
    f->posts[f->post_n++] = p;
    pthread_mutex_unlock(&f->mutex);
}

static const struct push_ops listener_ops = {listener_post};

/* ---- the fixture ---- */

static inline void committed(void *context, struct mailbox_no no)
{
    struct fixture *f = context;

    if (f->hub != NULL && !f->mute) {
        hub_committed(f->hub, no);
    }
}

static inline void start_hub(struct fixture *f)
{
    const struct workers_options workers = {.store = f->store, .threads = 2};
    const struct workers_hook hook = {f, committed};

    must(f, workers_new(&workers, &f->workers, &f->err));
    workers_set_hook(f->workers, &hook);
    f->options.store = f->store;
    f->options.workers = f->workers;
    must(f, hub_new(&f->options, &f->hub, &f->err));
    must(f, hub_start(f->hub, &f->err));
}

static inline void open_all(struct fixture *f)
{
    const struct store_options store = {
        .dir = f->dir.path, .create = true, .clock = &f->clock.base};

    must(f, store_open(&store, &f->store, &f->err));
    start_hub(f);
}

static inline void close_all(struct fixture *f)
{
    for (size_t i = 0; i < f->post_n; i++) {
        if (f->posts[i].post != NULL) {
            hub_push_done(f->posts[i].post, PUSH_FAILED);
            f->posts[i].post = NULL;
        }
    }
    hub_stop(f->hub, STOP_MS);
    for (size_t i = 0; i < ARRAY_LEN(f->outlets); i++) {
        if (f->outlets[i].stream != NULL) {
            hub_stream_forget(f->outlets[i].stream);
            f->outlets[i].stream = NULL;
        }
    }
    workers_free(&f->workers);
    hub_free(&f->hub);
    store_close(&f->store);
}

static inline void restart(struct fixture *f)
{
    close_all(f);
    open_all(f);
}

static inline int find_folders(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    struct folder folder;

    (void)ctx;
    TRY(mailbox_folder_by_distinguished(tx, DF_INBOX, f->arena, &folder, err));
    f->inbox = folder.id;
    TRY(mailbox_folder_by_distinguished(tx, DF_NOTES, f->arena, &folder, err));
    f->notes = folder.id;
    return 0;
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct user user = {.address = STR("alice@example.com")};

    log_configure(LOG_ERROR, false, 2);
    tmpdir_make(&f->dir);
    f->clock.base = (struct clock){.unix_ms = fixture_clock_ms, .monotonic_ms = fixture_clock_ms};
    f->begun_ms = 1700000000000;
    atomic_store(&f->clock.ms, f->begun_ms);
    f->arena = arena_new(NULL, "test");
    pthread_mutex_init(&f->mutex, NULL);
    f->options = (struct hub_options){
        .clock = &f->clock.base, .push = &listener_ops, .push_context = f, .threadless = true};
    *state = f;
    open_all(f);
    must(f, store_user_add(f->store, &user, &f->no, &f->err));
    must(f, call_in(f, false, find_folders, NULL));
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    if (f->hub != NULL) {
        close_all(f);
    }
    pthread_mutex_destroy(&f->mutex);
    arena_free(&f->arena);
    tmpdir_remove(&f->dir);
    free(f);
    return 0;
}

#define hub_test(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

/* ---- time ---- */

static inline unsigned jobs_out(struct fixture *f)
{
    unsigned n;

    pthread_mutex_lock(&f->hub->mutex);
    n = f->hub->jobs_out;
    pthread_mutex_unlock(&f->hub->mutex);
    return n;
}

static inline int do_nothing(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    (void)f;
    (void)tx;
    (void)ctx;
    (void)err;
    return 0;
}

/* Until all that is due now is done. Jobs of a mailbox run one after the other: one more, behind those that are out, is over when they are. Returns the next deadline. */
static inline int64_t settle(struct fixture *f)
{
    int64_t next_ms;

    for (;;) {
        next_ms = hub_tick(f->hub);
        if (jobs_out(f) == 0) {
            next_ms = hub_tick(f->hub);
            if (jobs_out(f) == 0) {
                return next_ms;
            }
        }
        must(f, call_in(f, false, do_nothing, NULL));
    }
}

/* From deadline to deadline. */
static inline void pass(struct fixture *f, int64_t ms)
{
    int64_t until_ms = atomic_load(&f->clock.ms) + ms, next_ms;

    while ((next_ms = settle(f)) <= until_ms) {
        assert_true(next_ms > atomic_load(&f->clock.ms));
        atomic_store(&f->clock.ms, next_ms);
    }
    atomic_store(&f->clock.ms, until_ms);
    (void)settle(f);
}

/* ---- what happens ---- */

struct mail {
    struct folder_id folder;
    unsigned n;
    struct item_id first;
};

static inline int add_mail(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE};
    struct mail *mail = ctx;
    struct item_id id;

    (void)f;
    for (unsigned i = 0; i < mail->n; i++) {
        TRY(mailbox_item_add(tx, mail->folder, &draft, &id, err));
        mail->first = i == 0 ? id : mail->first;
    }
    return 0;
}

/* One commit; the first of them. */
static inline uint64_t given_mails(struct fixture *f, struct folder_id folder, unsigned n)
{
    struct mail mail = {.folder = folder, .n = n};

    must(f, call_in(f, true, add_mail, &mail));
    return mail.first.v;
}

static inline uint64_t given_mail(struct fixture *f)
{
    return given_mails(f, f->inbox, 1);
}

static inline int add_subscription(struct fixture *f, struct mailbox_tx *tx, void *ctx,
                                   struct err *err)
{
    struct subscription *s = ctx;

    if (s->kind == SUBSCRIPTION_PUSH) {
        TRY(store_push_hint_set(f->store, f->no, err));
    }
    s->cursor = log_position_now(tx);
    return subscription_add(tx, s, 100, err);
}

static inline struct subscription given_kind(struct fixture *f, enum subscription_kind kind,
                                             const struct folder_id *folder, int64_t life_ms)
{
    struct subscription s = {.owner = f->no,
                             .kind = kind,
                             .types = MAIL_TYPES,
                             .folders = folder,
                             .folder_n = folder != NULL ? 1 : 0,
                             .life_ms = life_ms,
                             .url = STR("http://127.0.0.1:9/")};

    must(f, call_in(f, true, add_subscription, &s));
    hub_subscriptions_changed(f->hub, f->no);
    return s;
}

static inline struct subscription given_subscription(struct fixture *f)
{
    return given_kind(f, SUBSCRIPTION_STREAMING, &f->inbox, 24 * HOUR_MS);
}

static inline int delete_row(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    (void)f;
    return subscription_delete(tx, ((struct subscription *)ctx)->id, err);
}

static inline void unsubscribe(struct fixture *f, struct subscription *s)
{
    assert_int_equal(must(f, call_in(f, true, delete_row, s)), 1);
    hub_subscriptions_changed(f->hub, f->no);
}

struct row_call {
    const struct subscription *want;
    struct subscription got;
};

static inline int read_subscription(struct fixture *f, struct mailbox_tx *tx, void *ctx,
                                    struct err *err)
{
    struct row_call *c = ctx;

    return subscription_get(tx, c->want->id, c->want->secret, f->arena, &c->got, err);
}

/* As Subscribe's caller would read it before it opens a stream. */
static inline bool row_of(struct fixture *f, const struct subscription *s, struct subscription *row)
{
    struct row_call c = {.want = s};
    int rc = must(f, call_in(f, false, read_subscription, &c));

    *row = c.got;
    return rc == 1;
}

/* ---- streams ---- */

static inline int try_stream(struct fixture *f, struct outlet *o, const struct subscription *rows,
                             size_t n, int64_t life_ms)
{
    const struct hub_stream_request request = {.mailbox = f->no,
                                               .subscriptions = rows,
                                               .n = n,
                                               .life_ms = life_ms,
                                               .ops = &outlet_ops,
                                               .outlet = o};

    *o = (struct outlet){.f = f, .taken = true};
    return hub_stream_open(f->hub, &request, &o->stream, NULL);
}

/* With its first document seen. */
static inline void given_stream_of(struct fixture *f, struct outlet *o,
                                   const struct subscription *subscriptions, size_t n)
{
    struct subscription rows[4];

    assert_true(n <= ARRAY_LEN(rows));
    for (size_t i = 0; i < n; i++) {
        assert_true(row_of(f, &subscriptions[i], &rows[i]));
    }
    must(f, try_stream(f, o, rows, n, 30 * MINUTE_MS));
    (void)settle(f);
    assert_true(o->n >= 1);
    assert_int_equal(o->documents[0].kind, DOC_ALIVE);
    o->seen = 1;
}

static inline void given_stream(struct fixture *f, struct outlet *o, const struct subscription *s)
{
    given_stream_of(f, o, s, 1);
}

static inline void hang_up(struct fixture *f, struct outlet *o)
{
    hub_stream_lost(o->stream);
    o->stream = NULL;
    (void)settle(f);
    assert_true(o->ended);
}

static inline void forget(struct outlet *o)
{
    assert_true(o->ended);
    hub_stream_forget(o->stream);
    o->stream = NULL;
}

/* The next document that the test has not seen yet. */
static inline const struct document *next_document(struct outlet *o)
{
    assert_true(o->seen < o->n);
    return &o->documents[o->seen++];
}

static inline void check_silent(const struct outlet *o)
{
    assert_int_equal(o->seen, o->n);
}

static inline void check_mail(struct outlet *o, uint64_t id)
{
    const struct document *d = next_document(o);

    assert_int_equal(d->kind, DOC_NOTICES);
    assert_int_equal(d->n, 1);
    assert_int_equal(d->object[0], id);
}

static inline const struct document *check_kind(struct outlet *o, enum document_kind kind)
{
    const struct document *d = next_document(o);

    assert_int_equal(d->kind, kind);
    return d;
}

static inline const struct document *check_error(struct outlet *o, enum err_kind kind, bool closes)
{
    const struct document *d = check_kind(o, DOC_ERROR);

    assert_int_equal(d->error, kind);
    assert_int_equal(d->closes, closes);
    return d;
}

/* ---- posts ---- */

static inline const struct test_post *next_post(struct fixture *f)
{
    assert_true(f->post_seen < f->post_n);
    return &f->posts[f->post_seen++];
}

static inline void check_no_post(const struct fixture *f)
{
    assert_int_equal(f->post_seen, f->post_n);
}

static inline void answer(struct fixture *f, const struct test_post *post,
                          enum push_outcome outcome)
{
    struct hub_post *p = post->post;

    f->posts[post - f->posts].post = NULL;
    hub_push_done(p, outcome);
    (void)settle(f);
}

#endif
