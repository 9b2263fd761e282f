#include "auth/auth.h"

#include "auth/basic.h"
#include "auth/cache.h"
#include "auth/limits.h"
#include "auth/login.h"
#include "auth/throttle.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "mailbox/store.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A hash of nobody's password, with the parameters of ours: an unknown user takes the time of a
 * known one. */
static const char nobodys_hash[] =
    "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct auth {
    struct store *store;
    struct clock *clock;
    int64_t cache_ms;

    pthread_mutex_t lock; /* guards all that follows */
    struct login_cache *cache;
    struct throttle *throttle;
    bool stop;    /* what waits is refused */
    bool checked; /* the checkers have ended: what is held goes out at once */
    struct auth_job *waiting_head, *waiting_tail;
    unsigned waiting_count;
    pthread_cond_t some_waiting;
    struct auth_job *held; /* finished, answered when due; ascending by due_ms */
    pthread_cond_t held_changed;

    pthread_t *checkers;
    unsigned checker_count;
    pthread_t releaser;
    bool has_releaser;
};

static void identity_fill(struct auth_identity *identity_r, const struct user *user)
{
    struct str name = utf8_cut(user->display_name, AUTH_ADDRESS_BYTES - 1);
    struct str address = utf8_cut(user->address, AUTH_ADDRESS_BYTES - 1);

    *identity_r = (struct auth_identity){.mailbox = user->mailbox};
    memcpy(identity_r->address, address.n > 0 ? address.p : "", address.n);
    memcpy(identity_r->display_name, name.n > 0 ? name.p : "", name.n);
}

/* ---- the cache ---- */

static bool lookup(struct auth *auth, struct str authorization, struct auth_identity *identity_r)
{
    struct cache_hash hash = login_cache_hash(auth->cache, authorization);
    unsigned generation = store_user_generation(auth->store);
    const struct auth_identity *identity;

    pthread_mutex_lock(&auth->lock);
    identity = login_cache_get(auth->cache, &hash, generation, clock_monotonic_ms(auth->clock));
    if (identity != NULL) {
        *identity_r = *identity;
    }
    pthread_mutex_unlock(&auth->lock);
    return identity != NULL;
}

int auth_cached(struct auth *auth, struct str authorization, struct auth_identity *identity_r,
                struct err *err_r)
{
    struct basic basic;

    if (authorization.n <= AUTH_HEADER_BYTES && lookup(auth, authorization, identity_r)) {
        return 1;
    }
    TRY(basic_init(&basic, authorization, err_r));
    basic_fini(&basic);
    return 0;
}

/* ---- answering ---- */

/* Has the lock. Equal times keep their order. */
static void hold(struct auth *auth, struct auth_job *job, int rc, int64_t due_ms)
{
    struct auth_job **at = &auth->held;

    job->rc = rc;
    job->due_ms = due_ms;
    while (*at != NULL && (*at)->due_ms <= due_ms) {
        at = &(*at)->next;
    }
    job->next = *at;
    *at = job;
    pthread_cond_signal(&auth->held_changed);
}

/* Has the lock. Waits in real time; a manual clock is followed by auth_poke. */
static void wait_for_held(struct auth *auth, int64_t now_ms)
{
    struct timespec until;
    int64_t ms;

    if (auth->held == NULL) {
        pthread_cond_wait(&auth->held_changed, &auth->lock);
        return;
    }
    ms = auth->held->due_ms - now_ms;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&auth->held_changed, &auth->lock, &until);
}

static void *release_held(void *context)
{
    struct auth *auth = context;

    pthread_mutex_lock(&auth->lock);
    while (!auth->checked || auth->held != NULL) {
        struct auth_job *job = auth->held;
        int64_t now_ms = clock_monotonic_ms(auth->clock);

        if (job == NULL || (!auth->checked && job->due_ms > now_ms)) {
            wait_for_held(auth, now_ms);
            continue;
        }
        auth->held = job->next;
        pthread_mutex_unlock(&auth->lock);
        job->done(job, job->rc);
        pthread_mutex_lock(&auth->lock);
    }
    pthread_mutex_unlock(&auth->lock);
    return NULL;
}

void auth_poke(struct auth *auth)
{
    pthread_mutex_lock(&auth->lock);
    pthread_cond_signal(&auth->held_changed);
    pthread_mutex_unlock(&auth->lock);
}

/* ---- checking ---- */

struct check {
    struct user user;
    bool found;          /* the name means a user */
    unsigned generation; /* of the users, from before they were looked at */
};

static bool password_matches(const struct check *check, struct str password)
{
    bool has_password = check->found && check->user.password_hash.n > 0;
    struct str stored = has_password ? check->user.password_hash : str_from(nobodys_hash);
    char hash[crypto_pwhash_STRBYTES] = {0};
    bool matches;

    memcpy(hash, stored.p, stored.n < sizeof(hash) ? stored.n : sizeof(hash) - 1);
    matches = crypto_pwhash_str_verify(hash, password.p, password.n) == 0;
    return has_password && matches;
}

static void succeed(struct auth *auth, struct auth_job *job, const struct check *check)
{
    struct cache_hash hash = login_cache_hash(auth->cache, job->authorization);
    struct login login = {.generation = check->generation};

    identity_fill(&login.identity, &check->user);
    job->identity = login.identity;
    pthread_mutex_lock(&auth->lock);
    login.expires_ms = clock_monotonic_ms(auth->clock) + auth->cache_ms;
    login_cache_put(auth->cache, &hash, &login);
    throttle_forget(auth->throttle, THROTTLE_USER, check->user.address);
    pthread_mutex_unlock(&auth->lock);
    job->done(job, 0);
}

static void fail(struct auth *auth, struct auth_job *job, struct str name)
{
    int64_t now_ms = clock_monotonic_ms(auth->clock), of_user, of_peer;

    log_event(LOG_INFO, "auth.failed", LSTR("user", name), LCSTR("peer", job->peer));
    pthread_mutex_lock(&auth->lock);
    of_user = throttle_fail(auth->throttle, THROTTLE_USER, name, now_ms);
    of_peer = throttle_fail(auth->throttle, THROTTLE_PEER, str_from(job->peer), now_ms);
    hold(auth, job, -ERR_AUTH_FAILED, now_ms + (of_user > of_peer ? of_user : of_peer));
    pthread_mutex_unlock(&auth->lock);
}

static void hold_error(struct auth *auth, struct auth_job *job, int rc)
{
    pthread_mutex_lock(&auth->lock);
    hold(auth, job, rc, clock_monotonic_ms(auth->clock));
    pthread_mutex_unlock(&auth->lock);
}

static void check_credentials(struct auth *auth, struct auth_job *job, const struct basic *basic)
{
    AUTO(arena) arena = arena_new(NULL, "auth");
    struct check check = {.generation = store_user_generation(auth->store)};
    struct err err = ERR_INIT;
    int found = login_find_user(auth->store, basic->name, arena, &check.user, &err);

    if (found < 0) {
        log_error(LOG_ERROR, "auth.lookup_failed", &err, NULL, 0);
        hold_error(auth, job, -ERR_IO);
        return;
    }
    check.found = found > 0;
    if (password_matches(&check, basic->password)) {
        succeed(auth, job, &check);
    } else {
        fail(auth, job, check.found ? check.user.address : basic->name);
    }
}

static void check_job(struct auth *auth, struct auth_job *job)
{
    struct basic basic;

    /* Clients open several connections at once: the first check answers for all. */
    if (job->authorization.n <= AUTH_HEADER_BYTES &&
        lookup(auth, job->authorization, &job->identity)) {
        job->done(job, 0);
        return;
    }
    if (basic_init(&basic, job->authorization, NULL) < 0) {
        fail(auth, job, STR(""));
        return;
    }
    check_credentials(auth, job, &basic);
    basic_fini(&basic);
}

static struct auth_job *take_waiting(struct auth *auth)
{
    struct auth_job *job = auth->waiting_head;

    auth->waiting_head = job->next;
    if (auth->waiting_head == NULL) {
        auth->waiting_tail = NULL;
    }
    auth->waiting_count--;
    job->next = NULL;
    return job;
}

static void *check_waiting(void *context)
{
    struct auth *auth = context;

    pthread_mutex_lock(&auth->lock);
    while (!auth->stop || auth->waiting_head != NULL) {
        struct auth_job *job;
        bool stop = auth->stop;

        if (auth->waiting_head == NULL) {
            pthread_cond_wait(&auth->some_waiting, &auth->lock);
            continue;
        }
        job = take_waiting(auth);
        pthread_mutex_unlock(&auth->lock);
        if (stop) {
            job->done(job, -ERR_SHUTTING_DOWN);
        } else {
            check_job(auth, job);
        }
        pthread_mutex_lock(&auth->lock);
    }
    pthread_mutex_unlock(&auth->lock);
    return NULL;
}

/* Has the lock. A peer that is not known has no share of its own. */
static bool is_full(const struct auth *auth, const char *peer)
{
    unsigned of_peer = 0;

    for (const struct auth_job *job = auth->waiting_head; job != NULL; job = job->next) {
        of_peer += peer[0] != '\0' && strcmp(job->peer, peer) == 0;
    }
    return auth->waiting_count >= AUTH_MAX_WAITING || of_peer >= AUTH_MAX_WAITING_PEER;
}

void auth_submit(struct auth *auth, struct auth_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&auth->lock);
    assert(!auth->stop);
    if (is_full(auth, job->peer)) {
        hold(auth, job, -ERR_BUSY, clock_monotonic_ms(auth->clock));
    } else {
        if (auth->waiting_tail != NULL) {
            auth->waiting_tail->next = job;
        } else {
            auth->waiting_head = job;
        }
        auth->waiting_tail = job;
        auth->waiting_count++;
        pthread_cond_signal(&auth->some_waiting);
    }
    pthread_mutex_unlock(&auth->lock);
}

/* ---- life ---- */

static void init_sync(struct auth *auth)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&auth->lock, NULL);
    pthread_cond_init(&auth->some_waiting, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&auth->held_changed, &attr);
    pthread_condattr_destroy(&attr);
}

static int start_threads(struct auth *auth, unsigned n, struct err *err_r)
{
    sigset_t all, before;
    int rc;

    auth->checkers = mem_alloc_zero(n, sizeof(auth->checkers[0]));
    /* Signals are for the main thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&auth->releaser, NULL, release_held, auth);
    auth->has_releaser = rc == 0;
    while (rc == 0 && auth->checker_count < n) {
        rc = pthread_create(&auth->checkers[auth->checker_count], NULL, check_waiting, auth);
        auth->checker_count += rc == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0 : err_set(err_r, ERR_IO, "cannot start a thread: %s", strerror(rc));
}

static int64_t or_default(int value, int64_t fallback)
{
    return value != 0 ? value : fallback;
}

int auth_new(const struct auth_options *options, struct auth **auth_r, struct err *err_r)
{
    AUTO(auth) auth = mem_alloc_zero(1, sizeof(*auth));

    auth->store = options->store;
    auth->clock = options->clock;
    auth->cache_ms = or_default(options->cache_ms, AUTH_CACHE_MS);
    auth->cache = login_cache_new(AUTH_CACHE_ENTRIES);
    auth->throttle = throttle_new(&(struct throttle_options){
        .max_entries = AUTH_THROTTLE_ENTRIES,
        .first_ms = or_default(options->fail_delay_ms, AUTH_FAIL_DELAY_MS),
        .max_ms = or_default(options->fail_delay_max_ms, AUTH_FAIL_DELAY_MAX_MS),
        .forget_ms = AUTH_FORGET_MS,
    });
    init_sync(auth);
    if (sodium_init() < 0) {
        return err_set(err_r, ERR_INTERNAL, "libsodium does not start");
    }
    TRY(start_threads(auth, options->threads != 0 ? options->threads : AUTH_THREADS, err_r));
    *auth_r = take(&auth);
    return 0;
}

void auth_free(struct auth **auth)
{
    struct auth *a = take(auth);

    if (a == NULL) {
        return;
    }
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->some_waiting);
    pthread_mutex_unlock(&a->lock);
    for (unsigned i = 0; i < a->checker_count; i++) {
        pthread_join(a->checkers[i], NULL);
    }
    if (a->has_releaser) {
        pthread_mutex_lock(&a->lock);
        a->checked = true;
        pthread_cond_signal(&a->held_changed);
        pthread_mutex_unlock(&a->lock);
        pthread_join(a->releaser, NULL);
    }
    login_cache_free(&a->cache);
    throttle_free(&a->throttle);
    pthread_cond_destroy(&a->some_waiting);
    pthread_cond_destroy(&a->held_changed);
    pthread_mutex_destroy(&a->lock);
    free(a->checkers);
    free(a);
}

int auth_hash_password(struct arena *arena, struct str password, struct str *hash_r,
                       struct err *err_r)
{
    char hash[crypto_pwhash_STRBYTES];

    if (password.n == 0 || password.n > AUTH_PASSWORD_BYTES) {
        return err_tell(err_r, ERR_USAGE, "A password has 1 to %d bytes.", AUTH_PASSWORD_BYTES);
    }
    if (sodium_init() < 0 ||
        crypto_pwhash_str(hash, password.p, password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
        return err_set(err_r, ERR_INTERNAL, "no memory for hashing a password");
    }
    *hash_r = str_dup(arena, str_from(hash));
    return 0;
}
