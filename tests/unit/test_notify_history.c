/*
 * Random histories of one streaming subscription: mail comes, connections break, clients sleep, the server restarts, the log is full of other people's mail. Whatever happens, a client that
 * keeps what it was told has every mail, in order; and only a broken connection makes it hear one twice. EWER_SEED=N repeats one history.
 */
#include "base/rand.h"
#include "support/notify_fixture.h"

#define HISTORIES 12
#define STEPS 80
#define MAILS 4096

/* The client, and what there is. */
struct client {
    struct fixture *f;
    struct outlet *outlet;
    struct subscription subscription;
    struct prng prng;
    uint64_t mails[MAILS];
    size_t mail_n;
    size_t has;      /* so many of them, from the first on */
    size_t kept;     /* so many before this connection */
    size_t next;     /* where the next connection has to begin */
    bool may_repeat; /* the connection before broke: there or before */
    int64_t deaf_ms; /* since when the client's machine is gone; INT64_MAX: it is there */
};

static size_t index_of(const struct client *c, uint64_t id)
{
    size_t i = 0;

    while (c->mails[i] != id) {
        assert_true(++i < c->mail_n);
    }
    return i;
}

/* What of the connection's documents reached the client before that time. */
static void take_documents(struct client *c, int64_t before_ms)
{
    bool first = true;
    size_t next = c->next;

    c->has = c->kept;
    for (size_t i = 0; i < c->outlet->n && c->outlet->documents[i].at_ms < before_ms; i++) {
        const struct document *d = &c->outlet->documents[i];

        for (size_t k = 0; d->kind == DOC_NOTICES && k < d->n; k++) {
            size_t at = index_of(c, d->object[k]);

            if (first) {
                assert_true(c->may_repeat ? at <= c->kept : at == c->next);
            } else {
                assert_int_equal(at, next);
            }
            first = false;
            next = at + 1;
            c->has = next > c->has ? next : c->has;
        }
    }
    c->may_repeat = c->may_repeat && first;
    c->next = next;
}

static void connect_client(struct client *c)
{
    given_stream(c->f, c->outlet, &c->subscription);
    c->deaf_ms = INT64_MAX;
}

static void is_over(struct client *c, int64_t heard_until_ms, bool broken)
{
    take_documents(c, heard_until_ms);
    c->kept = c->has;
    c->may_repeat = c->may_repeat || broken;
}

/* ---- steps ---- */

static void mail_comes(struct client *c)
{
    unsigned n = 1 + (unsigned)prng_below(&c->prng, 70);
    uint64_t first = given_mails(c->f, c->f->inbox, n);

    assert_true(c->mail_n + n <= MAILS);
    for (unsigned i = 0; i < n; i++) {
        c->mails[c->mail_n++] = first + i;
    }
}

static void others_mail_comes(struct client *c)
{
    (void)given_mails(c->f, c->f->notes, 1 + (unsigned)prng_below(&c->prng, 20));
}

static void time_passes(struct client *c)
{
    static const int64_t most_ms[] = {50, SECOND_MS, 20 * SECOND_MS, 3 * MINUTE_MS};

    pass(c->f, 1 + (int64_t)prng_below(&c->prng, (uint64_t)most_ms[prng_below(&c->prng, 4)]));
}

/* The end was told: the stream closed, or the client's machine did not say that it heard. */
static void look_at_the_end(struct client *c)
{
    bool ended;

    pthread_mutex_lock(&c->f->mutex);
    ended = c->outlet->ended;
    pthread_mutex_unlock(&c->f->mutex);
    if (ended) {
        bool heard = c->deaf_ms == INT64_MAX;

        is_over(c, c->deaf_ms, !heard);
        forget(c->outlet);
        connect_client(c);
    }
}

/* What was written in the last seconds went into the dead connection. */
static void connection_breaks(struct client *c)
{
    int64_t lost_ms = (int64_t)prng_below(&c->prng, NOTIFY_SURE_MS);

    hang_up(c->f, c->outlet);
    is_over(c, least(c->deaf_ms, elapsed_ms(c->f) - lost_ms), true);
    connect_client(c);
}

static void machine_goes(struct client *c)
{
    if (c->deaf_ms == INT64_MAX) {
        c->deaf_ms = elapsed_ms(c->f);
        pthread_mutex_lock(&c->f->mutex);
        c->outlet->taken = false;
        pthread_mutex_unlock(&c->f->mutex);
        pass(c->f, 1);
    }
}

static void second_connection_opens(struct client *c)
{
    struct outlet *old = c->outlet,
                  *new = old == &c->f->outlets[0] ? &c->f->outlets[1] : &c->f->outlets[0];
    bool heard = c->deaf_ms == INT64_MAX;
    int64_t deaf_ms = c->deaf_ms;

    c->outlet = new;
    connect_client(c);
    forget(old);
    /* The client reads the old connection's documents first. */
    c->outlet = old;
    is_over(c, deaf_ms, !heard);
    c->outlet = new;
}

static void server_restarts(struct client *c)
{
    struct outlet *o = c->outlet;
    bool heard = c->deaf_ms == INT64_MAX;

    hub_stop(c->f->hub, 100);
    forget(o);
    is_over(c, c->deaf_ms, !heard);
    restart(c->f);
    connect_client(c);
}

static void step(struct client *c)
{
    static void (*const steps[])(struct client *) = {
        mail_comes,  mail_comes,        mail_comes,   others_mail_comes,       time_passes,
        time_passes, connection_breaks, machine_goes, second_connection_opens, server_restarts};

    steps[prng_below(&c->prng, ARRAY_LEN(steps))](c);
    if (prng_below(&c->prng, 2) == 0) {
        (void)settle(c->f);
    }
    look_at_the_end(c);
}

static void run_history(struct fixture *f, uint64_t seed)
{
    struct client *c = calloc(1, sizeof(*c));

    print_message("# EWER_SEED=%llu\n", (unsigned long long)seed);
    c->f = f;
    c->outlet = &f->outlets[0];
    prng_seed(&c->prng, seed);
    c->subscription = given_subscription(f);
    connect_client(c);
    for (int i = 0; i < STEPS; i++) {
        step(c);
    }
    connection_breaks(c);
    pass(f, MINUTE_MS);
    is_over(c, INT64_MAX, true);
    assert_int_equal(c->has, c->mail_n);
    hang_up(f, c->outlet);
    unsubscribe(f, &c->subscription);
    (void)settle(f);
    free(c);
}

static void every_history_ends_with_all_of_the_mail(void **state)
{
    struct fixture *f = *state;
    const char *one = getenv("EWER_SEED");
    uint64_t seed;

    if (one != NULL && str_to_u64(str_from(one), &seed)) {
        run_history(f, seed);
        return;
    }
    for (seed = 1; seed <= HISTORIES; seed++) {
        run_history(f, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {hub_test(every_history_ends_with_all_of_the_mail)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
