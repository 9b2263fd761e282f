/* Logins against a real store, on a clock that the tests move. */
#include "auth/auth.h"

#include "auth/limits.h"
#include "auth/throttle.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "mailbox/store.h"
#include "support/tmpdir.h"

#include <pthread.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DELAY_MS 1000

/* Moved by the test while the threads of auth read it: so it is atomic, as clock_manual is not. */
struct moved_clock {
    struct clock base; /* first */
    _Atomic int64_t now_ms;
};

static int64_t moved_clock_ms(struct clock *clock)
{
    return ((struct moved_clock *)clock)->now_ms;
}

struct fixture {
    struct tmpdir dir;
    struct moved_clock clock;
    struct arena *arena;
    struct store *store;
    struct auth *auth;
};

/* The cheapest hash there is: what is tested is not its strength. */
static struct str cheap_hash(struct arena *arena, const char *password)
{
    char hash[crypto_pwhash_STRBYTES];

    assert_int_equal(crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_MIN,
                                       crypto_pwhash_MEMLIMIT_MIN),
                     0);
    return str_dup(arena, str_from(hash));
}

static void given_user(struct fixture *f, const char *address, const char *password)
{
    struct user user = {.address = str_from(address), .display_name = STR("Some One")};
    struct mailbox_no no;

    user.password_hash = password != NULL ? cheap_hash(f->arena, password) : STR("");
    assert_int_equal(store_user_add(f->store, &user, &no, NULL), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    tmpdir_make(&f->dir);
    f->clock.base = (struct clock){.unix_ms = moved_clock_ms, .monotonic_ms = moved_clock_ms};
    f->clock.now_ms = 1000000;
    f->arena = arena_new(NULL, "test");
    assert_int_equal(sodium_init() >= 0, 1);
    assert_int_equal(
        store_open(
            &(struct store_options){.dir = f->dir.path, .create = true, .clock = &f->clock.base},
            &f->store, NULL),
        0);
    given_user(f, "alice@example.com", "secret");
    given_user(f, "bob@example.com", "b:o:b");
    given_user(f, "bob@example.net", "other");
    given_user(f, "nologin@example.com", NULL);
    assert_int_equal(auth_new(&(struct auth_options){.store = f->store,
                                                     .clock = &f->clock.base,
                                                     .threads = 1,
                                                     .cache_ms = 60000,
                                                     .fail_delay_ms = DELAY_MS,
                                                     .fail_delay_max_ms = 3 * DELAY_MS},
                              &f->auth, NULL),
                     0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    auth_free(&f->auth);
    store_close(&f->store);
    arena_free(&f->arena);
    tmpdir_remove(&f->dir);
    free(f);
    return 0;
}

/* ---- jobs ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

struct attempt {
    struct auth_job job; /* first */
    bool done;
    int rc;
};

static void attempt_done(struct auth_job *job, int rc)
{
    struct attempt *a = (struct attempt *)job;

    pthread_mutex_lock(&lock);
    assert_false(a->done);
    a->done = true;
    a->rc = rc;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static bool is_done(struct attempt *a)
{
    bool done;

    pthread_mutex_lock(&lock);
    done = a->done;
    pthread_mutex_unlock(&lock);
    return done;
}

static int wait_done(struct attempt *a)
{
    pthread_mutex_lock(&lock);
    while (!a->done) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return a->rc;
}

static struct str header(struct fixture *f, const char *credentials)
{
    struct buf b = BUF_INIT;
    struct str s;

    BUF_LIT(&b, "Basic ");
    base64_encode(&b, credentials, strlen(credentials));
    s = str_dup(f->arena, buf_str(&b));
    buf_fini(&b);
    return s;
}

static void submit(struct fixture *f, struct attempt *a, const char *credentials, const char *peer)
{
    *a = (struct attempt){.job = {.authorization = header(f, credentials), .done = attempt_done}};
    snprintf(a->job.peer, sizeof(a->job.peer), "%s", peer);
    auth_submit(f->auth, &a->job);
}

static int login(struct fixture *f, const char *credentials, struct auth_identity *identity_r)
{
    struct attempt a;
    int rc;

    submit(f, &a, credentials, "10.0.0.1");
    rc = wait_done(&a);
    *identity_r = a.job.identity;
    return rc;
}

/* A failure is held when a login behind it, on the one thread, is through. */
static void fail_and_be_held(struct fixture *f, struct attempt *a, const char *credentials,
                             const char *peer)
{
    struct attempt behind;

    submit(f, a, credentials, peer);
    submit(f, &behind, "alice@example.com:secret", "10.9.9.9");
    assert_int_equal(wait_done(&behind), 0);
    assert_false(is_done(a));
}

static void pass(struct fixture *f, int64_t ms)
{
    f->clock.now_ms += ms;
    auth_poke(f->auth);
}

/* ---- tests ---- */

static void takes_each_form_of_a_name(void **state)
{
    static const char *const good[] = {"alice@example.com:secret", "ALICE@Example.com:secret",
                                       "CORP\\alice@example.com:secret", "alice:secret",
                                       "CORP\\alice:secret"};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct auth_identity identity;

        assert_int_equal(login(f, good[i], &identity), 0);
        assert_string_equal(identity.address, "alice@example.com");
        assert_string_equal(identity.display_name, "Some One");
        assert_int_not_equal(identity.mailbox.v, 0);
    }
}

static void a_password_may_hold_colons(void **state)
{
    struct auth_identity identity;

    assert_int_equal(login(*state, "bob@example.com:b:o:b", &identity), 0);
    assert_string_equal(identity.address, "bob@example.com");
}

static void refuses_what_is_wrong(void **state)
{
    static const char *const bad[] = {"alice@example.com:wrong",
                                      "alice@example.com:",
                                      "nobody@example.com:secret",
                                      "bob:b:o:b",
                                      "bob:other",
                                      "nologin@example.com:",
                                      "nologin@example.com:x",
                                      "alice+box@example.com:secret"};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct attempt a;

        fail_and_be_held(f, &a, bad[i], "10.0.0.1");
        pass(f, 3 * DELAY_MS);
        assert_int_equal(wait_done(&a), -ERR_AUTH_FAILED);
    }
}

static void a_malformed_header_needs_no_check(void **state)
{
    static const char *const bad[] = {"",
                                      "Basic",
                                      "Basic ",
                                      "Basic !!!",
                                      "Basic YWxpY2U=",
                                      "Basic OnNlY3JldA==",
                                      "Bearer YTpi",
                                      "Negotiate abc"};
    struct fixture *f = *state;
    struct auth_identity identity;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(auth_cached(f->auth, str_from(bad[i]), &identity, NULL), -ERR_AUTH_FAILED);
    }
    assert_int_equal(auth_cached(f->auth, STR("bAsIc YTpi"), &identity, NULL), 0);
}

static void a_success_is_believed_for_a_while(void **state)
{
    struct fixture *f = *state;
    struct auth_identity identity;
    struct str good = header(f, "alice@example.com:secret");

    assert_int_equal(auth_cached(f->auth, good, &identity, NULL), 0);
    assert_int_equal(login(f, "alice@example.com:secret", &identity), 0);
    assert_int_equal(auth_cached(f->auth, good, &identity, NULL), 1);
    assert_string_equal(identity.address, "alice@example.com");
    assert_int_equal(auth_cached(f->auth, header(f, "alice@example.com:secres"), &identity, NULL),
                     0);
    f->clock.now_ms += 59999;
    assert_int_equal(auth_cached(f->auth, good, &identity, NULL), 1);
    f->clock.now_ms += 1;
    assert_int_equal(auth_cached(f->auth, good, &identity, NULL), 0);
}

static void a_changed_password_ends_the_belief(void **state)
{
    struct fixture *f = *state;
    struct auth_identity identity;
    struct attempt a;

    assert_int_equal(login(f, "bob@example.com:b:o:b", &identity), 0);
    assert_int_equal(store_user_set_password(f->store, STR("bob@example.com"),
                                             cheap_hash(f->arena, "new"), NULL),
                     0);
    assert_int_equal(auth_cached(f->auth, header(f, "bob@example.com:b:o:b"), &identity, NULL), 0);
    fail_and_be_held(f, &a, "bob@example.com:b:o:b", "10.0.0.1");
    pass(f, DELAY_MS);
    assert_int_equal(wait_done(&a), -ERR_AUTH_FAILED);
    assert_int_equal(login(f, "bob@example.com:new", &identity), 0);
}

static void failures_wait_longer_each_time(void **state)
{
    static const int expected[] = {DELAY_MS, 2 * DELAY_MS, 3 * DELAY_MS, 3 * DELAY_MS};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct attempt a;
        char peer[16];

        /* Another peer each time: it is the user who is slowed. */
        snprintf(peer, sizeof(peer), "10.0.1.%zu", i);
        fail_and_be_held(f, &a, "bob@example.com:wrong", peer);
        assert_int_equal(a.job.due_ms - clock_monotonic_ms(&f->clock.base), expected[i]);
        pass(f, expected[i] - 1);
        assert_false(is_done(&a));
        pass(f, 1);
        assert_int_equal(wait_done(&a), -ERR_AUTH_FAILED);
    }
}

static void a_peer_that_tries_many_names_is_slowed(void **state)
{
    struct fixture *f = *state;
    struct attempt a, b;

    fail_and_be_held(f, &a, "one@example.com:x", "10.0.2.1");
    fail_and_be_held(f, &b, "two@example.com:x", "10.0.2.1");
    assert_int_equal(b.job.due_ms - a.job.due_ms, DELAY_MS);
    pass(f, 2 * DELAY_MS);
    assert_int_equal(wait_done(&a), -ERR_AUTH_FAILED);
    assert_int_equal(wait_done(&b), -ERR_AUTH_FAILED);
}

static void failures_of_others_do_not_lock_a_user_out(void **state)
{
    struct fixture *f = *state;
    struct attempt wrong;
    struct auth_identity identity;

    fail_and_be_held(f, &wrong, "bob@example.com:wrong", "10.0.3.1");
    assert_int_equal(login(f, "bob@example.com:b:o:b", &identity), 0);
    pass(f, DELAY_MS);
    assert_int_equal(wait_done(&wrong), -ERR_AUTH_FAILED);
}

static void ending_answers_what_is_held(void **state)
{
    struct fixture *f = *state;
    struct attempt a;

    fail_and_be_held(f, &a, "bob@example.com:wrong", "10.0.4.1");
    auth_free(&f->auth);
    assert_true(is_done(&a));
    assert_int_equal(a.rc, -ERR_AUTH_FAILED);
}

static void one_peer_does_not_keep_the_others_out(void **state)
{
    static struct attempt many[AUTH_MAX_WAITING_PEER + 8];
    struct fixture *f = *state;
    struct attempt other;

    /* Far quicker than the checks, of which at most a few are through meanwhile. */
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        submit(f, &many[i], "nobody@example.com:x", "10.0.5.1");
    }
    submit(f, &other, "alice@example.com:secret", "10.0.5.2");
    assert_int_equal(wait_done(&many[ARRAY_LEN(many) - 1]), -ERR_BUSY);
    auth_free(&f->auth);
    assert_int_equal(wait_done(&other), -ERR_SHUTTING_DOWN);
}

static void hashes_a_password_so_that_it_is_accepted(void **state)
{
    struct fixture *f = *state;
    struct auth_identity identity;
    struct str hash;

    assert_int_equal(auth_hash_password(f->arena, STR("fresh"), &hash, NULL), 0);
    assert_true(str_starts(hash, STR("$argon2id$")));
    assert_int_equal(store_user_set_password(f->store, STR("alice@example.com"), hash, NULL), 0);
    assert_int_equal(login(f, "alice@example.com:fresh", &identity), 0);
    assert_int_equal(auth_hash_password(f->arena, STR(""), &hash, NULL), -ERR_USAGE);
}

static void counting_failures_is_bounded_and_forgets(void **state)
{
    struct throttle *t = throttle_new(&(struct throttle_options){
        .max_entries = 2, .first_ms = 10, .max_ms = 1000, .forget_ms = 100});

    (void)state;
    assert_int_equal(throttle_fail(t, THROTTLE_USER, STR("a"), 1000), 10);
    assert_int_equal(throttle_fail(t, THROTTLE_USER, STR("A"), 1001), 20);
    assert_int_equal(throttle_fail(t, THROTTLE_PEER, STR("a"), 1001), 10);
    assert_int_equal(throttle_fail(t, THROTTLE_USER, STR("b"), 1002), 10); /* "a" goes */
    assert_int_equal(throttle_fail(t, THROTTLE_USER, STR("a"), 1003), 10);
    assert_int_equal(throttle_fail(t, THROTTLE_USER, STR("a"), 1103), 10);
    assert_int_equal(throttle_fail(t, THROTTLE_USER, STR("a"), 1104), 20);
    throttle_forget(t, THROTTLE_USER, STR("a"));
    assert_int_equal(throttle_fail(t, THROTTLE_USER, STR("a"), 1105), 10);
    throttle_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_each_form_of_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(a_password_may_hold_colons, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(a_malformed_header_needs_no_check, setup, teardown),
        cmocka_unit_test_setup_teardown(a_success_is_believed_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_password_ends_the_belief, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_wait_longer_each_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_tries_many_names_is_slowed, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_of_others_do_not_lock_a_user_out, setup, teardown),
        cmocka_unit_test_setup_teardown(ending_answers_what_is_held, setup, teardown),
        cmocka_unit_test_setup_teardown(one_peer_does_not_keep_the_others_out, setup, teardown),
        cmocka_unit_test_setup_teardown(hashes_a_password_so_that_it_is_accepted, setup, teardown),
        cmocka_unit_test(counting_failures_is_bounded_and_forgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
