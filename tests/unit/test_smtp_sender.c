/* The sender against a scripted SMTP server and real mailboxes. What it does is waited for by asking the mailboxes, on their workers, until it is so. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "db/decorate.h"
#include "mailbox/mailbox.h"
#include "mailbox/outbox.h"
#include "mailbox/store.h"
#include "mailbox/workers.h"
#include "mime/message.h"
#include "smtp/smtp.h"
#include "support/smtp_server.h"
#include "support/tmpdir.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define PATIENCE_MS 20000

struct test_clock {
    struct clock base;
    atomic_llong ms;
};

static int64_t test_clock_ms(struct clock *clock)
{
    return atomic_load(&((struct test_clock *)clock)->ms);
}

struct fixture {
    struct tmpdir dir;
    struct test_clock clock;
    struct arena *arena;
    struct smtp_server server;
    struct store *store;
    struct workers *workers;
    struct sender *sender;
    struct sender_options options; /* as a test wants them */
    uint64_t quota_bytes;
    struct mailbox_no alice, bob;
};

/* ---- a store with two users ---- */

static void open_all(struct fixture *f)
{
    const struct store_options store = {
        .dir = f->dir.path, .create = true, .clock = &f->clock.base, .quota_bytes = f->quota_bytes};
    struct workers_options workers = {.threads = 1}; /* so that faults are counted in one order */

    assert_int_equal(store_open(&store, &f->store, NULL), 0);
    workers.store = f->store;
    assert_int_equal(workers_new(&workers, &f->workers, NULL), 0);
}

static void close_all(struct fixture *f)
{
    sender_stop(&f->sender);
    workers_free(&f->workers);
    store_close(&f->store);
}

static void given_user(struct fixture *f, const char *address, struct mailbox_no *no)
{
    const struct user user = {.address = str_from(address)};

    assert_int_equal(store_user_add(f->store, &user, no, NULL), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    tmpdir_make(&f->dir);
    f->clock.base = (struct clock){test_clock_ms, test_clock_ms, 0};
    atomic_store(&f->clock.ms, 1700000000000);
    f->arena = arena_new(NULL, "test");
    open_all(f);
    given_user(f, "alice@example.com", &f->alice);
    given_user(f, "bob@example.com", &f->bob);
    smtp_server_start(&f->server);
    f->options = (struct sender_options){
        .hostname = "mx.example.com", .smarthost_url = f->server.url, .max_connections = 1};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    close_all(f);
    smtp_server_stop(&f->server);
    arena_free(&f->arena);
    tmpdir_remove(&f->dir);
    free(f);
    return 0;
}

static void start_sender(struct fixture *f)
{
    f->options.store = f->store;
    f->options.workers = f->workers;
    f->options.clock = &f->clock.base;
    assert_int_equal(sender_start(&f->options, &f->sender, NULL), 0);
}

static void restart(struct fixture *f)
{
    close_all(f);
    open_all(f);
    start_sender(f);
}

static void pass(struct fixture *f, int64_t ms)
{
    atomic_fetch_add(&f->clock.ms, ms);
    if (f->sender != NULL) {
        sender_poke(f->sender, f->alice);
    }
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

static int call_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err)
{
    struct call *c = container_of(job, struct call, job);

    return c->fn(c->f, tx, c->ctx, err);
}

static void call_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct call *c = container_of(job, struct call, job);

    (void)err;
    pthread_mutex_lock(&c->mutex);
    c->rc = rc;
    c->over = true;
    pthread_cond_signal(&c->cond);
    pthread_mutex_unlock(&c->mutex);
}

static int call(struct fixture *f, struct mailbox_no no, bool write,
                int (*fn)(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err),
                void *ctx)
{
    struct call c = {
        .job = {.mailbox = no, .write = write, .run = call_run, .done = call_done},
        .fn = fn,
        .f = f,
        .ctx = ctx,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .cond = PTHREAD_COND_INITIALIZER,
    };

    workers_submit(f->workers, &c.job);
    pthread_mutex_lock(&c.mutex);
    while (!c.over) {
        pthread_cond_wait(&c.cond, &c.mutex);
    }
    pthread_mutex_unlock(&c.mutex);
    return c.rc;
}

/* ---- what is in a mailbox ---- */

struct inbox {
    uint32_t total;
    struct str newest; /* its bytes */
};

static int read_inbox(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    struct inbox *inbox = ctx;
    struct item_iter_options options = {.order = ITEM_ORDER_NEWEST_FIRST, .with_props = true};
    struct item_iter *iter;
    struct folder folder;
    struct item item;
    struct body_id body = {0};

    TRY(mailbox_folder_by_distinguished(tx, DF_INBOX, f->arena, &folder, err));
    inbox->total = folder.total;
    options.folder = folder.id;
    TRY(mailbox_item_iter_begin(tx, &options, &iter, err));
    if (mailbox_item_iter_next(iter, &item)) {
        body = item.body;
    }
    TRY(mailbox_item_iter_end(&iter, err));
    TRY(body.v != 0 ? mailbox_body_read(tx, body, f->arena, &inbox->newest, err) : 0);
    return mailbox_check(tx, err);
}

static struct inbox inbox_of(struct fixture *f, struct mailbox_no no)
{
    struct inbox inbox = {0};

    assert_int_equal(call(f, no, false, read_inbox, &inbox), 0);
    return inbox;
}

static int read_empty(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    (void)f;
    (void)ctx;
    return outbox_is_empty(tx, err);
}

static int read_message(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    struct outbox_message *m = ctx;

    return outbox_get(tx, m->id, f->arena, m, err);
}

static struct outbox_message message_of(struct fixture *f, struct seq id)
{
    struct outbox_message m = {.id = id};

    assert_int_equal(call(f, f->alice, false, read_message, &m), 1);
    return m;
}

struct deadline {
    int64_t ms;
};

static struct deadline patience(void)
{
    return (struct deadline){clock_monotonic_ms(clock_system()) + PATIENCE_MS};
}

static void hurry(const struct deadline *d, const char *what)
{
    if (clock_monotonic_ms(clock_system()) > d->ms) {
        fail_msg("waited too long: %s", what);
    }
    sched_yield();
}

static void await_empty(struct fixture *f)
{
    struct deadline d = patience();

    while (call(f, f->alice, false, read_empty, NULL) != 1) {
        hurry(&d, "the outbox to be empty");
    }
}

/* Until the recipient was tried so often, and that is noted. */
static struct outbox_message await_attempts(struct fixture *f, struct seq id, size_t i,
                                            unsigned attempts)
{
    struct deadline d = patience();
    struct outbox_message m;

    while ((m = message_of(f, id)).recipients[i].attempts < attempts) {
        hurry(&d, "an attempt to be noted");
    }
    return m;
}

static void await_no_hint(struct fixture *f)
{
    struct deadline d = patience();
    struct mailbox_no *nos;
    size_t n;

    do {
        hurry(&d, "the hint to go");
        assert_int_equal(store_outbox_hint_list(f->store, f->arena, &nos, &n, NULL), 0);
    } while (n != 0);
}

/* ---- queueing ---- */

struct mail {
    const char *from, *mime;
    const char *to[8];
    struct seq id;
};

static int run_queue(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    struct mail *mail = ctx;
    struct str to[ARRAY_LEN(mail->to)];
    size_t n = 0;

    while (n < ARRAY_LEN(mail->to) && mail->to[n] != NULL) {
        to[n] = str_from(mail->to[n]);
        n++;
    }
    TRY(store_outbox_hint_set(f->store, f->alice, err));
    return outbox_add(tx, str_from(mail->from), str_from(mail->mime), to, n, &mail->id, err);
}

/* From alice, with a poke if somebody is there to be poked. */
static struct seq send_mail(struct fixture *f, struct mail mail)
{
    if (mail.from == NULL) {
        mail.from = "alice@example.com";
    }
    if (mail.mime == NULL) {
        mail.mime = "Subject: hello\r\n\r\nbody\r\n";
    }
    assert_int_equal(call(f, f->alice, true, run_queue, &mail), 0);
    if (f->sender != NULL) {
        sender_poke(f->sender, f->alice);
    }
    return mail.id;
}

#define SEND(f, ...) send_mail((f), (struct mail){.to = {__VA_ARGS__}})

static bool holds(struct str text, const char *part)
{
    return str_find(text, str_from(part), 0) != SIZE_MAX;
}

static void assert_holds(struct str text, const char *part)
{
    if (!holds(text, part)) {
        fail_msg("'%s' is not in:\n%.*s", part, STR_ARG(text));
    }
}

/* ---- recipients here ---- */

static void test_neighbours_get_it_in_their_inbox(void **state)
{
    struct fixture *f = *state;
    struct inbox inbox;

    start_sender(f);
    SEND(f, "Bob@Example.com", "alice@example.com", "bob+detail@example.com");
    await_empty(f);
    inbox = inbox_of(f, f->bob);
    assert_int_equal(inbox.total, 1); /* both of bob's addresses are one mailbox */
    assert_true(str_is(inbox.newest, "Subject: hello\r\n\r\nbody\r\n"));
    assert_int_equal(inbox_of(f, f->alice).total, 1);
    assert_int_equal(smtp_server_messages(&f->server), 0);
    await_no_hint(f);
}

static int run_note_delivered(struct fixture *f, struct mailbox_tx *tx, void *ctx, struct err *err)
{
    const struct outbox_message *m = ctx;
    const struct delivery_origin origin = {f->alice, m->id, m->queued_ms};

    return delivery_note_once(tx, &origin, err);
}

static void test_a_crash_after_the_delivery_delivers_no_second_time(void **state)
{
    struct fixture *f = *state;
    struct outbox_message m = message_of(f, SEND(f, "bob@example.com"));

    assert_int_equal(call(f, f->bob, true, run_note_delivered, &m), 1);
    start_sender(f);
    await_empty(f);
    assert_int_equal(inbox_of(f, f->bob).total, 0); /* what a crash had delivered stays as it is */
    assert_int_equal(inbox_of(f, f->alice).total, 0);
}

static void test_a_full_mailbox_gets_it_later(void **state)
{
    struct fixture *f = *state;
    struct outbox_message m;
    struct seq id;

    close_all(f);
    f->quota_bytes = 10;
    open_all(f);
    start_sender(f);
    id = SEND(f, "bob@example.com");
    m = await_attempts(f, id, 0, 1);
    assert_int_equal(m.recipients[0].state, OUTBOX_WAITING);
    assert_holds(m.recipients[0].reply, "452 4.2.2");
    f->quota_bytes = 0;
    restart(f);
    pass(f, 2 * MINUTE_MS);
    await_empty(f);
    assert_int_equal(inbox_of(f, f->bob).total, 1);
}

/* ---- recipients elsewhere ---- */

static void test_others_get_it_by_the_smarthost(void **state)
{
    struct fixture *f = *state;
    struct smtp_message *m;

    start_sender(f);
    send_mail(f, (struct mail){.mime = "Subject: x\n\n.dot\r\n..\rbare\n.\nend",
                               .to = {"x@example.net", "y@example.net"}});
    await_empty(f);
    assert_int_equal(smtp_server_messages(&f->server), 2); /* one a recipient */
    m = f->server.messages;
    assert_string_equal(m[0].from, "alice@example.com");
    assert_string_equal(m[0].to, "x@example.net");
    assert_string_equal(m[1].to, "y@example.net");
    assert_string_equal(m[0].body, "Subject: x\r\n\r\n..dot\r\n...\r\nbare\r\n..\r\nend\r\n");
    assert_int_equal(f->server.connections, 1);
    assert_int_equal(inbox_of(f, f->alice).total, 0);
    await_no_hint(f);
}

static const char *const stage_names[STAGES] = {"greeting", "EHLO", "AUTH", "MAIL",
                                                "RCPT",     "DATA", "body"};

/* One message whose conversation goes wrong at a stage, by a certain reply. */
static struct fixture *given_trouble(enum smtp_stage stage, const char *reply)
{
    void *state = NULL;
    struct fixture *f;

    print_message("%s at %s\n", reply, stage_names[stage]);
    setup(&state);
    f = state;
    f->server.script[stage][0] = reply;
    f->options.reply_ms = 2000;
    start_sender(f);
    return f;
}

static void drop(struct fixture *f)
{
    void *state = f;

    teardown(&state);
}

static void test_a_refusal_at_any_stage_comes_back_once(void **state)
{
    static const enum smtp_stage stages[] = {AT_MAIL, AT_RCPT, AT_DATA, AT_BODY};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        struct fixture *f = given_trouble(stages[i], "550 5.7.1 not with us");
        struct inbox inbox;

        SEND(f, "x@example.net");
        await_empty(f);
        inbox = inbox_of(f, f->alice);
        assert_int_equal(inbox.total, 1);
        assert_holds(inbox.newest, "Final-Recipient: rfc822; x@example.net\r\n");
        assert_holds(inbox.newest, "Status: 5.7.1\r\n");
        assert_holds(inbox.newest, "Diagnostic-Code: smtp; 550 5.7.1 not with us\r\n");
        assert_int_equal(smtp_server_messages(&f->server), 0);
        drop(f);
    }
}

/* What is no refusal of this message is tried again, and then goes. */
static void comes_later(enum smtp_stage stage, const char *reply, size_t accepted)
{
    struct fixture *f = given_trouble(stage, reply);
    struct outbox_message m;
    int64_t wait_ms;
    struct seq id;

    id = SEND(f, "x@example.net");
    m = await_attempts(f, id, 0, 1);
    assert_int_equal(m.recipients[0].state, OUTBOX_WAITING);
    assert_true(m.recipients[0].reply.n > 0);
    wait_ms = m.recipients[0].next_ms - test_clock_ms(&f->clock.base);
    assert_in_range(wait_ms, MINUTE_MS, MINUTE_MS + MINUTE_MS / 8);
    pass(f, wait_ms);
    await_empty(f);
    assert_int_equal(smtp_server_messages(&f->server), accepted);
    assert_int_equal(inbox_of(f, f->alice).total, 0);
    drop(f);
}

static void test_temporary_troubles_are_tried_again(void **state)
{
    static const char *const replies[] = {"451 4.3.0 not now", SMTP_CLOSE, "421 going down"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        for (int stage = AT_GREETING; stage < STAGES; stage++) {
            if (stage != AT_AUTH && (stage != AT_EHLO || i == 1)) {
                comes_later((enum smtp_stage)stage, replies[i], 1);
            }
        }
    }
}

static void test_a_server_that_refuses_everybody_is_no_refusal_of_the_message(void **state)
{
    (void)state;
    comes_later(AT_GREETING, "554 no service here", 1);
    comes_later(AT_MAIL, "530 5.7.0 authenticate first", 1);
}

static void test_nonsense_and_endless_replies_are_tried_again(void **state)
{
    (void)state;
    comes_later(AT_GREETING, "999 what\r\nis this", 1);
    comes_later(AT_RCPT, "000 ", 1);
    comes_later(AT_EHLO, SMTP_ENDLESS, 1);
    comes_later(AT_BODY, SMTP_ENDLESS, 1);
}

/* The one case where the world may get a message twice: nobody can know whether it was taken. */
static void test_a_lost_last_reply_means_once_more(void **state)
{
    (void)state;
    comes_later(AT_BODY, SMTP_LOSE, 2);
}

static void test_a_server_that_says_nothing_is_left(void **state)
{
    void *s = NULL;
    struct fixture *f;

    (void)state;
    setup(&s);
    f = s;
    f->server.script[AT_MAIL][0] = SMTP_HANG;
    f->options.reply_ms = 1000;
    start_sender(f);
    assert_int_equal(await_attempts(f, SEND(f, "x@example.net"), 0, 1).recipients[0].state,
                     OUTBOX_WAITING);
    drop(f);
}

static void test_no_server_at_all(void **state)
{
    struct fixture *f = *state;
    struct outbox_message m;

    f->options.smarthost_url = "smtp://127.0.0.1:1";
    start_sender(f);
    m = await_attempts(f, SEND(f, "x@example.net", "y@example.net"), 1, 1);
    assert_int_equal(m.recipients[0].attempts, 1); /* one try for all of them */
    assert_int_equal(m.recipients[1].state, OUTBOX_WAITING);
}

static void test_only_what_failed_comes_back_and_in_one_bounce(void **state)
{
    struct fixture *f = *state;
    struct inbox inbox;
    struct seq id;

    f->server.script[AT_RCPT][0] = "550 unknown";
    f->server.script[AT_RCPT][2] = "450 later";
    f->server.script[AT_RCPT][3] = "553 5.1.8 nor that one";
    start_sender(f);
    id = SEND(f, "bob@example.com", "a@example.net", "b@example.net", "c@example.net",
              "d@example.net");
    await_attempts(f, id, 4, 1);
    assert_int_equal(inbox_of(f, f->alice).total, 0); /* not while one waits */
    assert_int_equal(inbox_of(f, f->bob).total, 1);
    pass(f, 2 * MINUTE_MS);
    await_empty(f);
    inbox = inbox_of(f, f->alice);
    assert_int_equal(inbox.total, 1);
    assert_holds(inbox.newest, "a@example.net");
    assert_holds(inbox.newest, "Status: 5.0.0");
    assert_holds(inbox.newest, "d@example.net");
    assert_holds(inbox.newest, "Status: 5.1.8");
    assert_holds(inbox.newest, "Subject: hello\r\n");
    assert_holds(inbox.newest, "From: Mail Delivery System <MAILER-DAEMON@mx.example.com>\r\n");
    assert_false(holds(inbox.newest, "b@example.net"));
    assert_false(holds(inbox.newest, "bob@example.com"));
    assert_int_equal(smtp_server_messages(&f->server), 2);
}

static void test_after_two_days_it_comes_back(void **state)
{
    struct fixture *f = *state;
    struct inbox inbox;
    struct seq id;

    f->server.script[AT_RCPT][0] = f->server.script[AT_RCPT][1] = "450 not now";
    start_sender(f);
    id = SEND(f, "x@example.net");
    await_attempts(f, id, 0, 1);
    pass(f, 2 * DAY_MS);
    await_empty(f);
    inbox = inbox_of(f, f->alice);
    assert_int_equal(inbox.total, 1);
    assert_holds(inbox.newest, "Status: 4.4.7\r\n");
    assert_holds(inbox.newest, "Diagnostic-Code: smtp; 450 not now\r\n");
}

static void test_a_bounce_that_fails_is_dropped(void **state)
{
    struct fixture *f = *state;

    f->server.script[AT_RCPT][0] = "550 no";
    start_sender(f);
    send_mail(f, (struct mail){.from = "", .to = {"x@example.net"}});
    await_empty(f);
    assert_int_equal(inbox_of(f, f->alice).total, 0);
    assert_int_equal(smtp_server_asked(&f->server, AT_RCPT), 1);
}

static void test_an_empty_sender_stays_empty(void **state)
{
    struct fixture *f = *state;

    start_sender(f);
    send_mail(f, (struct mail){.from = "", .to = {"x@example.net"}});
    await_empty(f);
    assert_string_equal(f->server.messages[0].from, "");
}

static void test_without_a_smarthost_others_are_refused_at_once(void **state)
{
    struct fixture *f = *state;
    struct inbox inbox;

    f->options.smarthost_url = NULL;
    start_sender(f);
    SEND(f, "x@example.net", "bob@example.com");
    await_empty(f);
    inbox = inbox_of(f, f->alice);
    assert_int_equal(inbox.total, 1);
    assert_holds(inbox.newest, "Status: 5.4.4\r\n");
    assert_int_equal(inbox_of(f, f->bob).total, 1);
}

static void test_an_address_cannot_say_more_than_an_address(void **state)
{
    struct fixture *f = *state;

    start_sender(f);
    SEND(f, "x@example.net>\r\nRCPT TO:<y@example.net", "no address", "x@[evil");
    await_empty(f);
    assert_int_equal(smtp_server_asked(&f->server, AT_RCPT), 0);
    assert_holds(inbox_of(f, f->alice).newest, "Status: 5.1.3\r\n");
}

/* ---- TLS and passwords ---- */

static void test_what_needs_tls_does_not_go_without(void **state)
{
    struct fixture *f = *state;

    f->options.require_tls = true;
    start_sender(f);
    await_attempts(f, SEND(f, "x@example.net"), 0, 1);
    assert_int_equal(smtp_server_asked(&f->server, AT_MAIL), 0);
}

static void test_a_password_is_given_when_it_is_asked_for(void **state)
{
    struct fixture *f = *state;

    f->server.ehlo = "250-AUTH PLAIN";
    f->server.script[AT_AUTH][0] = "535 5.7.8 wrong";
    f->options.user = "alice";
    f->options.password = "secret";
    start_sender(f);
    /* Not the message's fault. */
    assert_int_equal(await_attempts(f, SEND(f, "x@example.net"), 0, 1).recipients[0].state,
                     OUTBOX_WAITING);
    assert_int_equal(smtp_server_asked(&f->server, AT_MAIL), 0);
    pass(f, 2 * MINUTE_MS);
    await_empty(f);
    assert_int_equal(smtp_server_messages(&f->server), 1);
}

static void test_urls_that_are_none(void **state)
{
    static const char *const urls[] = {"",        "example.com",  "http://x",
                                       "smtp://", "smtp://a:b@c", "smtp://:25"};
    struct fixture *f = *state;

    f->options.store = f->store;
    f->options.workers = f->workers;
    f->options.clock = &f->clock.base;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        f->options.smarthost_url = urls[i];
        assert_int_equal(sender_start(&f->options, &f->sender, NULL), -ERR_USAGE);
        assert_null(f->sender);
    }
}

/* ---- many, and over restarts ---- */

static void test_many_messages_share_few_connections(void **state)
{
    struct fixture *f = *state;

    f->options.max_connections = 2;
    for (size_t i = 0; i < 80; i++) {
        SEND(f, "x@example.net", i % 4 == 0 ? "bob@example.com" : NULL);
    }
    start_sender(f);
    await_empty(f);
    assert_int_equal(smtp_server_messages(&f->server), 80);
    assert_int_equal(inbox_of(f, f->bob).total, 20);
    assert_true(f->server.connections <= 2);
}

static void test_a_slow_smarthost_does_not_hold_up_neighbours(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < SMTP_SCRIPT_MAX; i++) {
        f->server.script[AT_MAIL][i] = SMTP_HANG;
    }
    f->options.reply_ms = 1000;
    start_sender(f);
    SEND(f, "x@example.net");
    SEND(f, "y@example.net");
    SEND(f, "bob@example.com");
    for (struct deadline d = patience(); inbox_of(f, f->bob).total == 0;) {
        hurry(&d, "the neighbour's mail");
    }
    assert_true(smtp_server_asked(&f->server, AT_MAIL) <= 1); /* the first one still waits */
}

static void test_a_start_finds_what_was_waiting(void **state)
{
    struct fixture *f = *state;

    SEND(f, "x@example.net", "bob@example.com");
    restart(f); /* and nobody pokes */
    await_empty(f);
    assert_int_equal(smtp_server_messages(&f->server), 1);
    assert_int_equal(inbox_of(f, f->bob).total, 1);
}

static void test_a_stop_leaves_what_was_under_way(void **state)
{
    struct fixture *f = *state;
    struct seq id;

    f->server.script[AT_MAIL][0] = SMTP_HANG;
    f->options.reply_ms = 1000;
    start_sender(f);
    id = SEND(f, "x@example.net");
    for (struct deadline d = patience(); smtp_server_asked(&f->server, AT_MAIL) == 0;) {
        hurry(&d, "the conversation to begin");
    }
    sender_stop(&f->sender);
    assert_int_equal(message_of(f, id).recipients[0].state, OUTBOX_WAITING);
    restart(f);
    pass(f, 2 * MINUTE_MS);
    await_empty(f);
    assert_int_equal(smtp_server_messages(&f->server), 1);
}

/* ---- a failure at every commit ---- */

static struct db_fault fault; /* the worker's, while there is one */
static atomic_bool commit_failed;

static void note_call(struct db_trace *trace, enum db_call called, const char *sql, int rc)
{
    (void)trace;
    (void)sql;
    if (called == DB_CALL_COMMIT && rc < 0) {
        atomic_store(&commit_failed, true);
    }
}

static struct db *wrap(struct db *inner, void *ctx)
{
    static struct db_trace trace = {.called = note_call};

    return db_trace_new(db_fault_new(inner, ctx), &trace);
}

/* The sender works until it is done or the failure has come. */
static void work_a_while(struct fixture *f)
{
    struct deadline d = patience();
    struct mailbox_no *nos;
    size_t n;

    do {
        hurry(&d, "the failure");
        assert_int_equal(store_outbox_hint_list(f->store, f->arena, &nos, &n, NULL), 0);
    } while (!atomic_load(&commit_failed) && n != 0);
}

/* Delivery, note and removal, hint: each commit fails once, undone or done with its result lost; after a restart the mail is there once. */
static void fail_commit(unsigned nth, bool after, bool *fired)
{
    void *state = NULL;
    struct fixture *f;

    fault = (struct db_fault){0};
    atomic_store(&commit_failed, false);
    setup(&state);
    f = state;
    SEND(f, "bob@example.com", "nobody@example.net");
    f->options.smarthost_url = NULL;
    fault = (struct db_fault){.nth = nth,
                              .kind = after ? ERR_OUTCOME_UNKNOWN : ERR_IO,
                              .after = after,
                              .only_one_call = true,
                              .call = DB_CALL_COMMIT};
    start_sender(f);
    work_a_while(f);
    *fired = atomic_load(&commit_failed);
    close_all(f);
    fault.nth = 0;
    atomic_fetch_add(&f->clock.ms, 10 * MINUTE_MS);
    open_all(f);
    start_sender(f);
    await_empty(f);
    await_no_hint(f);
    assert_int_equal(inbox_of(f, f->bob).total, 1);
    assert_int_equal(inbox_of(f, f->alice).total, 1); /* the bounce */
    drop(f);
}

static void test_a_failure_at_any_commit_loses_and_doubles_nothing(void **state)
{
    unsigned fired_after = 0, fired_before = 0;
    bool fired = true;

    (void)state;
    db_decorate_all(wrap, &fault);
    for (unsigned nth = 1; fired; nth++) {
        fail_commit(nth, false, &fired);
        fired_before += fired;
    }
    fired = true;
    for (unsigned nth = 1; fired; nth++) {
        fail_commit(nth, true, &fired);
        fired_after += fired;
    }
    db_decorate_all(NULL, NULL);
    assert_true(fired_before >= 4 && fired_after >= 4);
}

#define SENDER_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENDER_TEST(test_neighbours_get_it_in_their_inbox),
        SENDER_TEST(test_a_crash_after_the_delivery_delivers_no_second_time),
        SENDER_TEST(test_a_full_mailbox_gets_it_later),
        SENDER_TEST(test_others_get_it_by_the_smarthost),
        cmocka_unit_test(test_a_refusal_at_any_stage_comes_back_once),
        cmocka_unit_test(test_temporary_troubles_are_tried_again),
        cmocka_unit_test(test_a_server_that_refuses_everybody_is_no_refusal_of_the_message),
        cmocka_unit_test(test_nonsense_and_endless_replies_are_tried_again),
        cmocka_unit_test(test_a_lost_last_reply_means_once_more),
        cmocka_unit_test(test_a_server_that_says_nothing_is_left),
        SENDER_TEST(test_no_server_at_all),
        SENDER_TEST(test_only_what_failed_comes_back_and_in_one_bounce),
        SENDER_TEST(test_after_two_days_it_comes_back),
        SENDER_TEST(test_a_bounce_that_fails_is_dropped),
        SENDER_TEST(test_an_empty_sender_stays_empty),
        SENDER_TEST(test_without_a_smarthost_others_are_refused_at_once),
        SENDER_TEST(test_an_address_cannot_say_more_than_an_address),
        SENDER_TEST(test_what_needs_tls_does_not_go_without),
        SENDER_TEST(test_a_password_is_given_when_it_is_asked_for),
        SENDER_TEST(test_urls_that_are_none),
        SENDER_TEST(test_many_messages_share_few_connections),
        SENDER_TEST(test_a_slow_smarthost_does_not_hold_up_neighbours),
        SENDER_TEST(test_a_start_finds_what_was_waiting),
        SENDER_TEST(test_a_stop_leaves_what_was_under_way),
        cmocka_unit_test(test_a_failure_at_any_commit_loses_and_doubles_nothing),
    };
    int devnull = open("/dev/null", O_WRONLY | O_CLOEXEC);

    /* Some hundred commits: what a disk takes for them is not asked here. */
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0);
    }
    mime_init();
    log_configure(LOG_ERROR, false, devnull);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
