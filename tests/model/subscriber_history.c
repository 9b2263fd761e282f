/* One random history. */
#include "subscriber_history.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define BEGIN_MS 1700000000000
#define MAX_WANTS 6000

static pthread_mutex_t failure_mutex = PTHREAD_MUTEX_INITIALIZER;

void history_fail(struct history *h, const char *fmt, ...)
{
    va_list ap;

    pthread_mutex_lock(&failure_mutex);
    if (h->failure[0] == '\0') {
        va_start(ap, fmt);
        vsnprintf(h->failure, sizeof(h->failure), fmt, ap);
        va_end(ap);
    }
    pthread_mutex_unlock(&failure_mutex);
}

void history_note(struct history *h, const char *fmt, ...)
{
    va_list ap;

    if (h->verbose) {
        printf("%10.3f ", (double)(monotonic_ms(h) - BEGIN_MS) / 1000);
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        putchar('\n');
        fflush(stdout);
    }
}

unsigned pick(struct history *h, unsigned limit)
{
    return (unsigned)prng_below(&h->prng, limit);
}

bool one_in(struct history *h, unsigned n)
{
    return pick(h, n) == 0;
}

/* Ids are drawn from the system's chance: in a history they too come from its seed. Linked in place of getrandom. */
static struct prng system_chance;

ssize_t __wrap_getrandom(void *out, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *out, size_t n, unsigned flags)
{
    unsigned char *p = out;

    (void)flags;
    for (size_t i = 0; i < n; i++) {
        p[i] = (unsigned char)prng_next(&system_chance);
    }
    return (ssize_t)n;
}

/* ---- time ---- */

static int64_t clock_wall(struct clock *clock)
{
    return atomic_load(&((struct moved_clock *)clock)->wall_ms);
}

static int64_t clock_mono(struct clock *clock)
{
    return atomic_load(&((struct moved_clock *)clock)->monotonic_ms);
}

int64_t wall_ms(struct history *h)
{
    return atomic_load(&h->clock.wall_ms);
}

int64_t monotonic_ms(struct history *h)
{
    return atomic_load(&h->clock.monotonic_ms);
}

void history_set_clock(struct history *h)
{
    h->clock.base = (struct clock){.unix_ms = clock_wall, .monotonic_ms = clock_mono};
    atomic_store(&h->clock.wall_ms, BEGIN_MS);
    atomic_store(&h->clock.monotonic_ms, BEGIN_MS);
}

static void advance(struct history *h, int64_t ms)
{
    atomic_fetch_add(&h->clock.wall_ms, ms);
    atomic_fetch_add(&h->clock.monotonic_ms, ms);
}

static bool goes_on(const struct history *h)
{
    return !h->killed && !history_failed(h);
}

void history_pass(struct history *h, int64_t ms)
{
    int64_t until_ms = monotonic_ms(h) + ms, next_ms;

    for (;;) {
        (void)server_settle(h);
        clients_settled(h);
        next_ms = server_settle(h);
        if (!goes_on(h) || next_ms > until_ms) {
            break;
        }
        advance(h, next_ms - monotonic_ms(h));
    }
    if (goes_on(h)) {
        advance(h, until_ms - monotonic_ms(h));
        (void)server_settle(h);
        clients_settled(h);
    }
}

/* ---- steps ---- */

static void step_action(struct history *h)
{
    struct box *box = &h->boxes[pick(h, SUBSCRIBER_BOXES)];

    if (box->n < MAX_WANTS && server_call(h, box, true, actions_run, NULL) < 0 &&
        h->err.kind != ERR_QUOTA) {
        history_fail(h, "action: %s", h->err.log_text);
    }
}

/* Several commits before anybody can read. */
static void step_gated(struct history *h)
{
    struct box *box = &h->boxes[pick(h, SUBSCRIBER_BOXES)];
    struct gate *gate = server_gate(h, box);

    for (unsigned n = 1 + pick(h, 3); n != 0 && box->n < MAX_WANTS; n--) {
        server_submit(h, box, true, actions_run);
    }
    (void)hub_tick(h->hub);
    server_gate_open(gate);
}

static void step_client(struct history *h)
{
    client_act(h, &h->subscribers[pick(h, SUBSCRIBER_COUNT)]);
}

static int64_t pick_time(struct history *h)
{
    static const int64_t times[] = {500,           500,           5 * SECOND_MS,  30 * SECOND_MS,
                                    2 * MINUTE_MS, 3 * MINUTE_MS, 10 * MINUTE_MS, 40 * MINUTE_MS};
    int64_t ms = (int64_t)prng_below(&h->prng, (uint64_t)times[pick(h, ARRAY_LEN(times))]) + 1;

    return one_in(h, 30) ? 3 * HOUR_MS : ms;
}

static void step_dawdle(struct history *h)
{
    client_dawdle(h, &h->subscribers[pick(h, SUBSCRIBER_COUNT)]);
}

static void step_time(struct history *h)
{
    int64_t ms = pick_time(h);

    history_note(h, "%lld ms pass", (long long)ms);
    history_pass(h, ms);
    if (goes_on(h)) {
        streams_prompt(h, ms);
    }
}

static void step_back(struct history *h)
{
    int64_t ms = 1 + pick(h, 5 * MINUTE_MS);

    history_note(h, "the clock is set back by %lld ms", (long long)ms);
    for (size_t i = 0; i < SUBSCRIBER_COUNT; i++) {
        struct subscriber *s = &h->subscribers[i];

        s->may_return = s->expired;
        s->may_have_expired =
            s->may_have_expired || wall_ms(h) > s->sign_least + s->row.life_ms / 4 * 3;
    }
    atomic_fetch_sub(&h->clock.wall_ms, ms);
}

static int prune(struct history *h, struct box *box, struct mailbox_tx *tx, void *context,
                 struct err *err_r)
{
    int64_t keep_ms = *(const int64_t *)context;

    (void)h;
    TRY(mailbox_event_prune(tx, keep_ms, err_r));
    (void)box;
    return subscription_expire(tx, err_r);
}

/* What is older goes, but nothing behind what is younger. */
static void step_prune(struct history *h)
{
    static const int64_t keeps[] = {MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 30 * DAY_MS};
    struct box *box = &h->boxes[pick(h, SUBSCRIBER_BOXES)];
    int64_t keep_ms = keeps[pick(h, ARRAY_LEN(keeps))], before_ms = wall_ms(h) - keep_ms;

    if (server_call(h, box, true, prune, &keep_ms) < 0) {
        history_fail(h, "prune: %s", h->err.log_text);
    }
    if (BEGIN_MS < before_ms && box->floor_seq < box->own_seq) {
        box->floor_seq = box->own_seq;
    }
    for (size_t i = 0; i < box->n && box->floor_seq >= box->own_seq; i++) {
        uint64_t seq = box->wants[i].mark.seq.v;

        if (seq > box->floor_seq && box->wants[i].at_ms >= before_ms) {
            break;
        }
        box->floor_seq = seq > box->floor_seq ? seq : box->floor_seq;
    }
    history_note(h, "box %llu forgets up to %llu", LLU(box->no.v), LLU(box->floor_seq));
}

static void step_stop(struct history *h)
{
    history_note(h, "stop");
    server_stop(h); /* or it is killed before */
}

static void step_kill(struct history *h)
{
    history_note(h, "kill");
    if (one_in(h, 3)) {
        server_kill_now(h);
    } else {
        h->kill_in = 1 + pick(h, 15);
    }
}

static void step_watch(struct history *h)
{
    mirror_all_dirty(h, &h->watcher);
    mirror_sync(h, &h->watcher);
}

static const struct step {
    void (*run)(struct history *h);
    unsigned weight;
} steps[] = {{step_action, 30}, {step_gated, 8},  {step_client, 60}, {step_time, 30},
             {step_back, 1},    {step_dawdle, 4}, {step_prune, 2},   {step_stop, 2},
             {step_kill, 5},    {step_watch, 2}};

/* ---- the run ---- */

/* The server is down: some time passes, at times days. */
static void begin_anew(struct history *h)
{
    static const int64_t down[] = {SECOND_MS, MINUTE_MS, 20 * MINUTE_MS, 2 * DAY_MS, 31 * DAY_MS};

    if (one_in(h, 2)) {
        int64_t ms = down[one_in(h, 5) ? pick(h, ARRAY_LEN(down)) : pick(h, 2)];

        history_note(h, "down for %lld ms", (long long)ms);
        advance(h, ms);
    }
    server_open(h);
}

static void step(struct history *h)
{
    unsigned sum = 0, n;
    size_t i = 0;

    for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
        sum += steps[k].weight;
    }
    for (n = pick(h, sum); n >= steps[i].weight; i++) {
        n -= steps[i].weight;
    }
    steps[i].run(h);
    for (bool over = false; !over && !history_failed(h);) {
        if (h->hub == NULL) {
            begin_anew(h);
        }
        (void)server_settle(h);
        over = !h->killed;
        if (h->killed) {
            history_note(h, "killed");
            server_after_kill(h);
        } else {
            clients_settled(h);
            over = !h->killed;
        }
    }
}

static void begin(struct history *h)
{
    h->arena = arena_new(NULL, "history");
    h->main = pthread_self();
    h->failure[0] = '\0';
    h->dirs = h->kill_in = 0;
    h->killed = h->calm = false;
    prng_seed(&h->prng, h->seed);
    prng_seed(&system_chance, h->seed);
    history_set_clock(h);
    snprintf(h->dir, sizeof(h->dir), "%s/%u", h->base, h->dirs++);
    copy_directory(h->fresh, h->dir);
    for (size_t i = 0; i < SUBSCRIBER_BOXES; i++) {
        h->boxes[i] = (struct box){.no = h->nos[i]};
    }
    for (unsigned i = 0; i < SUBSCRIBER_COUNT; i++) {
        h->subscribers[i] = (struct subscriber){.number = i};
    }
    for (size_t i = 0; i < SUBSCRIBER_CONNECTIONS; i++) {
        h->connections[i] = (struct connection){.h = h};
    }
    server_open(h);
    for (size_t i = 0; i < SUBSCRIBER_BOXES && !history_failed(h); i++) {
        if (server_call(h, &h->boxes[i], false, actions_adopt, NULL) < 0) {
            history_fail(h, "folders: %s", h->err.log_text);
        }
    }
    if (!history_failed(h)) {
        mirror_begin(h, &h->watcher, &h->boxes[0], NULL);
    }
}

static void end(struct history *h)
{
    h->kill_in = 0;
    server_free(h);
    clients_free(h);
    for (size_t i = 0; i < SUBSCRIBER_BOXES; i++) {
        free(h->boxes[i].wants);
        free(h->boxes[i].places);
    }
    arena_free(&h->arena);
}

bool history_run(struct history *h)
{
    begin(h);
    for (unsigned i = 0; i < h->steps && !history_failed(h); i++) {
        step(h);
    }
    h->kill_in = 0;
    if (!history_failed(h)) {
        clients_finish(h);
    }
    /* What failed is left as it stands: the caller prints and ends. */
    if (history_failed(h)) {
        return false;
    }
    end(h);
    return true;
}
