#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/db.h"
#include "db/decorate.h"
#include "mailbox/mailbox.h"
#include "mailbox/store.h"
#include "support/tmpdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct tmpdir dir;
    struct arena *arena;
    struct store *store;
};

static struct store *given_store(const char *dir, unsigned max_open)
{
    struct store_options options = {
        .dir = dir, .create = true, .max_open_mailboxes = max_open, .clock = clock_system()};
    struct store *store = NULL;

    assert_int_equal(store_open(&options, &store, NULL), 0);
    return store;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    tmpdir_make(&f->dir);
    f->arena = arena_new(NULL, "test");
    f->store = given_store(f->dir.path, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    store_close(&f->store);
    arena_free(&f->arena);
    tmpdir_remove(&f->dir);
    free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    store_close(&f->store);
    f->store = given_store(f->dir.path, 0);
}

static int add(struct store *store, const char *address, struct mailbox_no *no_r, struct err *err_r)
{
    struct user user = {.address = str_from(address), .display_name = STR("Some One")};

    return store_user_add(store, &user, no_r, err_r);
}

static struct mailbox_no given_user(struct store *store, const char *address)
{
    struct mailbox_no no = {0};

    assert_int_equal(add(store, address, &no, NULL), 0);
    return no;
}

static bool mailbox_file_exists(struct fixture *f, struct mailbox_no no, const char *suffix)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/mailboxes/%02u/%u.db%s", f->dir.path, (unsigned)(no.v % 100),
             (unsigned)no.v, suffix);
    return access(path, F_OK) == 0;
}

static bool finds(struct fixture *f, const char *address, struct user *user_r)
{
    return store_user_find(f->store, str_from(address), f->arena, user_r, NULL) == 1;
}

/* ---- the store ---- */

static void test_one_process_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct store_options options = {.dir = f->dir.path, .clock = clock_system()};
    struct store *second = NULL;

    assert_int_equal(store_open(&options, &second, NULL), -ERR_STORE_BUSY);
    assert_null(second);
    store_close(&f->store);
    assert_int_equal(store_open(&options, &second, NULL), 0);
    store_close(&second);
}

static void test_absent_store_is_an_error_unless_create(void **state)
{
    struct fixture *f = *state;
    char dir[256];
    struct store_options options = {.dir = dir, .clock = clock_system()};
    struct store *store = NULL;

    snprintf(dir, sizeof(dir), "%s/absent", f->dir.path);
    assert_int_equal(store_open(&options, &store, NULL), -ERR_IO);
    assert_int_not_equal(access(dir, F_OK), 0);
    store_close(&f->store);
    f->store = given_store(dir, 0);
}

static void test_token_key_stays_and_differs_between_stores(void **state)
{
    struct fixture *f = *state;
    struct token_key key = *store_token_key(f->store);
    struct tmpdir other_dir;
    struct store *other;

    reopen(f);
    assert_memory_equal(&key, store_token_key(f->store), sizeof(key));
    tmpdir_make(&other_dir);
    other = given_store(other_dir.path, 0);
    assert_memory_not_equal(key.key, store_token_key(other)->key, sizeof(key.key));
    store_close(&other);
    tmpdir_remove(&other_dir);
}

static void test_only_the_owner_may_look(void **state)
{
    struct fixture *f = *state;
    char dir[256];
    struct stat st;

    given_user(f->store, "ann@example.com");
    snprintf(dir, sizeof(dir), "%s/mailboxes", f->dir.path);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0077, 0);
}

/* ---- users ---- */

static void test_a_user_is_found_after_reopening(void **state)
{
    struct fixture *f = *state;
    struct user user = {.address = STR("Ann@Example.com"),
                        .display_name = STR("Ann"),
                        .password_hash = STR("$argon2id$x")};
    struct user got;
    struct mailbox_no no;

    assert_int_equal(store_user_add(f->store, &user, &no, NULL), 0);
    reopen(f);
    assert_true(finds(f, "aNN@eXAMPLE.com", &got));
    assert_int_equal(got.mailbox.v, no.v);
    assert_true(str_is(got.address, "Ann@Example.com"));
    assert_true(str_is(got.display_name, "Ann"));
    assert_true(str_is(got.password_hash, "$argon2id$x"));
    assert_int_equal(store_user_by_mailbox(f->store, no, f->arena, &got, NULL), 1);
    assert_true(str_is(got.address, "Ann@Example.com"));
    assert_int_equal(store_user_by_mailbox(f->store, (struct mailbox_no){99}, f->arena, &got, NULL),
                     0);
}

static void test_a_detail_is_tried_without(void **state)
{
    struct fixture *f = *state;
    struct mailbox_no ann = given_user(f->store, "ann@example.com");
    struct mailbox_no lists = given_user(f->store, "bob+lists@example.com");
    struct user got;

    assert_true(finds(f, "ann+shop@example.com", &got));
    assert_int_equal(got.mailbox.v, ann.v);
    assert_true(finds(f, "bob+lists@example.com", &got));
    assert_int_equal(got.mailbox.v, lists.v);
    assert_false(finds(f, "bob+other@example.com", &got));
    assert_false(finds(f, "+ann@example.com", &got));
}

static void test_one_address_one_user(void **state)
{
    struct fixture *f = *state;
    struct mailbox_no no;

    given_user(f->store, "ann@example.com");
    assert_int_equal(add(f->store, "ANN@example.COM", &no, NULL), -ERR_EXISTS);
}

static void test_malformed_addresses_are_refused(void **state)
{
    static const char *const bad[] = {
        "",     "ann",  "@example.com", "ann@",  "a@b@c", "a b@c", "a..b@c", ".a@c",      "a.@c",
        "a@.c", "a@c.", "a@c..d",       "a@c_d", "a\"@c", "a<b@c", "a@c\n",  "\xc3\xa9@c"};
    struct fixture *f = *state;
    struct mailbox_no no;
    struct user got;
    size_t i;

    for (i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(add(f->store, bad[i], &no, NULL), -ERR_USAGE);
        assert_false(finds(f, bad[i], &got));
    }
    given_user(f->store, "o'neil.x+y_z-1@sub-1.localhost");
}

static void test_users_are_listed_by_address(void **state)
{
    static const char *const expected[] = {"a@x", "B@x", "c@x"};
    struct fixture *f = *state;
    struct user *users;
    size_t n, i;

    given_user(f->store, "c@x");
    given_user(f->store, "a@x");
    given_user(f->store, "B@x");
    assert_int_equal(store_user_list(f->store, f->arena, &users, &n, NULL), 0);
    assert_int_equal(n, ARRAY_LEN(expected));
    for (i = 0; i < n; i++) {
        assert_true(str_is(users[i].address, expected[i]));
    }
}

static void test_every_change_of_users_changes_the_generation(void **state)
{
    struct fixture *f = *state;
    unsigned g = store_user_generation(f->store);
    struct user got;

    given_user(f->store, "a@x");
    assert_int_not_equal(store_user_generation(f->store), g);
    g = store_user_generation(f->store);
    assert_int_equal(store_user_set_password(f->store, STR("A@x"), STR("new"), NULL), 0);
    assert_int_not_equal(store_user_generation(f->store), g);
    assert_true(finds(f, "a@x", &got));
    assert_true(str_is(got.password_hash, "new"));
    g = store_user_generation(f->store);
    assert_int_equal(store_user_rename(f->store, STR("a@x"), STR("b@x"), NULL), 0);
    assert_int_not_equal(store_user_generation(f->store), g);
    g = store_user_generation(f->store);
    assert_int_equal(store_user_delete(f->store, STR("b@x"), NULL), 0);
    assert_int_not_equal(store_user_generation(f->store), g);
}

static void test_unknown_users_cannot_be_changed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_user_set_password(f->store, STR("a@x"), STR("p"), NULL),
                     -ERR_NO_SUCH_MAILBOX);
    assert_int_equal(store_user_rename(f->store, STR("a@x"), STR("b@x"), NULL),
                     -ERR_NO_SUCH_MAILBOX);
    assert_int_equal(store_user_delete(f->store, STR("a@x"), NULL), -ERR_NO_SUCH_MAILBOX);
}

static void test_rename_keeps_the_mailbox(void **state)
{
    struct fixture *f = *state;
    struct mailbox_no no = given_user(f->store, "a@x");
    struct user got;

    given_user(f->store, "taken@x");
    assert_int_equal(store_user_rename(f->store, STR("a@x"), STR("Taken@x"), NULL), -ERR_EXISTS);
    assert_int_equal(store_user_rename(f->store, STR("a@x"), STR("A@x"), NULL), 0);
    assert_int_equal(store_user_rename(f->store, STR("a@x"), STR("b@x"), NULL), 0);
    assert_false(finds(f, "a@x", &got));
    assert_true(finds(f, "b@x", &got));
    assert_int_equal(got.mailbox.v, no.v);
}

/* ---- mailboxes ---- */

static bool can_take(struct store *store, struct mailbox_no no)
{
    struct mailbox *mailbox = NULL;
    int rc = store_mailbox_take(store, no, &mailbox, NULL);

    if (rc < 0) {
        assert_int_equal(rc, -ERR_NO_SUCH_MAILBOX);
        return false;
    }
    assert_int_equal(mailbox_number(mailbox).v, no.v);
    store_mailbox_release(store, &mailbox);
    assert_null(mailbox);
    return true;
}

static void test_a_mailbox_has_its_folders(void **state)
{
    struct fixture *f = *state;
    struct mailbox_no no = given_user(f->store, "a@x");
    struct mailbox *mailbox;
    struct folder inbox;

    assert_int_equal(store_mailbox_take(f->store, no, &mailbox, NULL), 0);
    {
        AUTO(mailbox_tx) tx = NULL;

        assert_int_equal(mailbox_tx_begin(mailbox, MAILBOX_TX_READ, &tx, NULL), 0);
        assert_int_equal(mailbox_folder_by_distinguished(tx, DF_INBOX, f->arena, &inbox, NULL), 1);
    }
    store_mailbox_release(f->store, &mailbox);
}

static void test_unknown_mailboxes_cannot_be_taken(void **state)
{
    struct fixture *f = *state;

    assert_false(can_take(f->store, (struct mailbox_no){1}));
    given_user(f->store, "a@x");
    assert_false(can_take(f->store, (struct mailbox_no){2}));
}

static void test_open_mailboxes_are_kept_and_bounded(void **state)
{
    struct fixture *f = *state;
    struct mailbox_no no[5];
    struct mailbox *first, *again;
    size_t i, round;
    char address[16];

    store_close(&f->store);
    f->store = given_store(f->dir.path, 2);
    for (i = 0; i < ARRAY_LEN(no); i++) {
        snprintf(address, sizeof(address), "u%zu@x", i);
        no[i] = given_user(f->store, address);
    }
    for (round = 0; round < 3; round++) {
        for (i = 0; i < ARRAY_LEN(no); i++) {
            assert_true(can_take(f->store, no[i]));
        }
    }
    /* A closed SQLite database has no -wal; only the two used last are open. */
    for (i = 0; i < ARRAY_LEN(no); i++) {
        assert_int_equal(mailbox_file_exists(f, no[i], "-wal"), i >= 3);
    }
    assert_int_equal(store_mailbox_take(f->store, no[4], &first, NULL), 0);
    again = first;
    store_mailbox_release(f->store, &first);
    assert_int_equal(store_mailbox_take(f->store, no[4], &first, NULL), 0);
    assert_ptr_equal(first, again);
    store_mailbox_release(f->store, &first);
}

static void test_deleting_a_user_removes_all_files(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct fixture *f = *state;
    struct mailbox_no no = given_user(f->store, "a@x");
    size_t i;

    assert_true(can_take(f->store, no)); /* open and idle now */
    assert_true(mailbox_file_exists(f, no, ""));
    assert_int_equal(store_user_delete(f->store, STR("a@x"), NULL), 0);
    for (i = 0; i < ARRAY_LEN(suffixes); i++) {
        assert_false(mailbox_file_exists(f, no, suffixes[i]));
    }
    assert_false(can_take(f->store, no));
}

static void test_files_of_a_taken_mailbox_go_when_it_is_released(void **state)
{
    struct fixture *f = *state;
    struct mailbox_no no = given_user(f->store, "a@x");
    struct mailbox *mailbox;

    assert_int_equal(store_mailbox_take(f->store, no, &mailbox, NULL), 0);
    assert_int_equal(store_user_delete(f->store, STR("a@x"), NULL), 0);
    assert_true(mailbox_file_exists(f, no, ""));
    store_mailbox_release(f->store, &mailbox);
    assert_false(mailbox_file_exists(f, no, ""));
    assert_false(can_take(f->store, no));
}

static void test_numbers_are_never_given_again(void **state)
{
    struct fixture *f = *state;
    struct mailbox_no a = given_user(f->store, "a@x"), b;

    assert_int_equal(store_user_delete(f->store, STR("a@x"), NULL), 0);
    reopen(f);
    b = given_user(f->store, "a@x");
    assert_true(b.v > a.v);
}

/* ---- crashes in the middle of adding and deleting ---- */

static struct db_fault fault;

static struct db *wrap_in_fault(struct db *inner, void *ctx)
{
    return db_fault_new(inner, ctx);
}

/* Adds with the nth call failing. True while there is an nth call. */
static bool add_with_fault(struct fixture *f, unsigned nth, struct mailbox_no *no_r)
{
    int rc;

    store_close(&f->store);
    fault = (struct db_fault){0};
    db_decorate_all(wrap_in_fault, &fault);
    f->store = given_store(f->dir.path, 0);
    fault.nth = fault.calls + nth;
    fault.kind = ERR_IO;
    rc = add(f->store, "a@x", no_r, NULL);
    assert_int_equal(rc, fault.fired ? -ERR_IO : 0);
    db_decorate_all(NULL, NULL);
    reopen(f);
    return fault.fired;
}

static void test_a_failed_add_leaves_no_user_and_no_file(void **state)
{
    struct fixture *f = *state;
    struct mailbox_no no = {0}, last = {0};
    struct user got;
    unsigned nth;

    for (nth = 1; add_with_fault(f, nth, &no); nth++) {
        uint64_t n;

        assert_false(finds(f, "a@x", &got));
        for (n = 1; n < 200; n++) {
            assert_false(mailbox_file_exists(f, (struct mailbox_no){n}, ""));
        }
    }
    assert_true(nth > 8);
    assert_true(finds(f, "a@x", &got));
    assert_true(can_take(f->store, no));
    last = given_user(f->store, "b@x");
    assert_int_equal(last.v, no.v + 1);
}

static void test_a_failed_delete_is_finished_at_the_next_opening(void **state)
{
    struct fixture *f = *state;
    struct mailbox_no no;
    struct user got;

    store_close(&f->store);
    fault = (struct db_fault){.only_one_call = true, .call = DB_CALL_COMMIT, .kind = ERR_IO};
    db_decorate_all(wrap_in_fault, &fault);
    f->store = given_store(f->dir.path, 0);
    no = given_user(f->store, "a@x");
    fault.nth = fault.calls + 2; /* the row is gone, the note about the files stays */
    assert_int_equal(store_user_delete(f->store, STR("a@x"), NULL), -ERR_IO);
    db_decorate_all(NULL, NULL);
    assert_false(finds(f, "a@x", &got));
    reopen(f);
    assert_false(mailbox_file_exists(f, no, ""));
    assert_false(can_take(f->store, no));
}

/* A commit whose outcome got lost; the folder was made all the same. */
static void make_folder_with_lost_commit(struct store *store, struct mailbox_no no)
{
    struct mailbox *mailbox = NULL;
    struct mailbox_tx *tx = NULL;
    struct folder root;
    struct folder_id id;
    AUTO(arena) arena = arena_new(NULL, "test");

    assert_int_equal(store_mailbox_take(store, no, &mailbox, NULL), 0);
    assert_int_equal(mailbox_tx_begin(mailbox, MAILBOX_TX_WRITE, &tx, NULL), 0);
    assert_int_equal(mailbox_folder_by_distinguished(tx, DF_MSGFOLDERROOT, arena, &root, NULL), 1);
    assert_int_equal(
        mailbox_folder_create(tx, &(struct folder_draft){.parent = root.id, .name = STR("new")},
                              &id, NULL),
        0);
    fault.nth = fault.calls + 1;
    assert_int_equal(mailbox_tx_commit(&tx, NULL), -ERR_OUTCOME_UNKNOWN);
    store_mailbox_release(store, &mailbox);
}

static void test_a_mailbox_is_opened_anew_when_a_commit_was_doubtful(void **state)
{
    struct fixture *f = *state;
    struct mailbox *mailbox = NULL;
    struct mailbox_tx *tx = NULL;
    struct folder root, made;
    struct mailbox_no no;

    store_close(&f->store);
    fault = (struct db_fault){
        .only_one_call = true, .call = DB_CALL_COMMIT, .kind = ERR_OUTCOME_UNKNOWN, .after = true};
    db_decorate_all(wrap_in_fault, &fault);
    f->store = given_store(f->dir.path, 0);
    no = given_user(f->store, "a@x");
    make_folder_with_lost_commit(f->store, no);
    db_decorate_all(NULL, NULL);
    /* Without the decorator from here: only a handle that was opened anew has none. */
    fault.nth = fault.calls + 1;
    fault.fired = false;
    assert_int_equal(store_mailbox_take(f->store, no, &mailbox, NULL), 0);
    assert_false(mailbox_is_doubtful(mailbox));
    assert_int_equal(mailbox_tx_begin(mailbox, MAILBOX_TX_WRITE, &tx, NULL), 0);
    assert_int_equal(mailbox_folder_by_distinguished(tx, DF_MSGFOLDERROOT, f->arena, &root, NULL),
                     1);
    assert_int_equal(mailbox_folder_by_name(tx, root.id, STR("new"), f->arena, &made, NULL), 1);
    assert_int_equal(mailbox_folder_rename(tx, made.id, STR("newer"), NULL), 0);
    assert_int_equal(mailbox_tx_commit(&tx, NULL), 0);
    assert_false(fault.fired);
    store_mailbox_release(f->store, &mailbox);
}

#define STORE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_one_process_at_a_time),
        STORE_TEST(test_absent_store_is_an_error_unless_create),
        STORE_TEST(test_token_key_stays_and_differs_between_stores),
        STORE_TEST(test_only_the_owner_may_look),
        STORE_TEST(test_a_user_is_found_after_reopening),
        STORE_TEST(test_a_detail_is_tried_without),
        STORE_TEST(test_one_address_one_user),
        STORE_TEST(test_malformed_addresses_are_refused),
        STORE_TEST(test_users_are_listed_by_address),
        STORE_TEST(test_every_change_of_users_changes_the_generation),
        STORE_TEST(test_unknown_users_cannot_be_changed),
        STORE_TEST(test_rename_keeps_the_mailbox),
        STORE_TEST(test_a_mailbox_has_its_folders),
        STORE_TEST(test_unknown_mailboxes_cannot_be_taken),
        STORE_TEST(test_open_mailboxes_are_kept_and_bounded),
        STORE_TEST(test_deleting_a_user_removes_all_files),
        STORE_TEST(test_files_of_a_taken_mailbox_go_when_it_is_released),
        STORE_TEST(test_numbers_are_never_given_again),
        STORE_TEST(test_a_failed_add_leaves_no_user_and_no_file),
        STORE_TEST(test_a_failed_delete_is_finished_at_the_next_opening),
        STORE_TEST(test_a_mailbox_is_opened_anew_when_a_commit_was_doubtful),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
