/* The control socket, both ends, over a real store. */
#include "server/control.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "mailbox/mailbox.h"
#include "mailbox/store.h"
#include "mailbox/workers.h"
#include "mime/message.h"
#include "server/admin.h"
#include "server/control-private.h"
#include "support/tmpdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct tmpdir dir;
    struct arena *arena;
    struct admin admin;
    struct control *control;
    struct control_client *client;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    mime_init();
    tmpdir_make(&f->dir);
    f->arena = arena_new(NULL, "test");
    assert_int_equal(
        store_open(
            &(struct store_options){.dir = f->dir.path, .create = true, .clock = clock_system()},
            &f->admin.store, NULL),
        0);
    assert_int_equal(
        workers_new(&(struct workers_options){.store = f->admin.store}, &f->admin.workers, NULL),
        0);
    assert_int_equal(control_start(f->dir.path, &f->admin, &f->control, NULL), 0);
    assert_int_equal(control_connect(f->dir.path, &f->client, NULL), 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    control_disconnect(&f->client);
    control_stop(&f->control);
    workers_free(&f->admin.workers);
    store_close(&f->admin.store);
    arena_free(&f->arena);
    tmpdir_remove(&f->dir);
    free(f);
    return 0;
}

static void given_alice(struct fixture *f)
{
    assert_int_equal(
        control_user_add(f->client, STR("alice@example.com"), STR("Alice"), STR(""), NULL), 0);
}

static void manages_users(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct str lines;

    given_alice(f);
    assert_int_equal(
        control_user_add(f->client, STR("bob@example.com"), STR(""), STR("secret"), NULL), 0);
    assert_int_equal(control_user_list(f->client, f->arena, &lines, NULL), 0);
    assert_true(str_is(lines, "alice@example.com\tAlice\nbob@example.com\n"));
    assert_int_equal(control_user_passwd(f->client, STR("bob@example.com"), STR("other"), NULL), 0);
    assert_int_equal(control_user_delete(f->client, STR("bob@example.com"), NULL), 0);
    assert_int_equal(control_user_list(f->client, f->arena, &lines, NULL), 0);
    assert_true(str_is(lines, "alice@example.com\tAlice\n"));
    assert_int_equal(control_user_delete(f->client, STR("bob@example.com"), &err),
                     -ERR_NO_SUCH_MAILBOX);
}

static void tells_errors_as_the_store_does(void **state)
{
    struct fixture *f = *state;
    struct err here = ERR_INIT, there = ERR_INIT;

    given_alice(f);
    assert_int_equal(
        control_user_add(f->client, STR("Alice@example.com"), STR(""), STR(""), &there),
        -ERR_EXISTS);
    assert_int_equal(admin_user_add(&f->admin, STR("Alice@example.com"), STR(""), STR(""), &here),
                     -ERR_EXISTS);
    assert_string_equal(there.client_text, here.client_text);
    assert_string_equal(there.log_text, here.log_text);
}

static struct folder folder_named(struct fixture *f, struct mailbox_tx *tx, struct folder_id parent,
                                  const char *name)
{
    struct folder folder;

    assert_int_equal(mailbox_folder_by_name(tx, parent, str_from(name), f->arena, &folder, NULL),
                     1);
    return folder;
}

static void imports_into_folders_in_order(void **state)
{
    static const char nul_message[] = "Subject: 2\n\na\0b";
    struct fixture *f = *state;
    struct admin_message messages[] = {
        {.bytes = STR("Subject: 1\r\n\r\nx\r\n"), .received_ms = 1000, .read = true},
        {.bytes = str_of(nul_message, sizeof(nul_message) - 1),
         .received_ms = 2000,
         .folder = STR("Lists/ewer")},
        {.bytes = STR("Subject: 3\n\n"),
         .received_ms = 3000,
         .folder = STR("SENTITEMS"),
         .draft = true},
        {.bytes = STR("Subject: 4\n\n"), .received_ms = 4000},
    };
    struct user user;
    struct mailbox *mailbox;
    struct folder root, inbox, lists;
    struct item_iter *iter;
    struct item item;
    struct str bytes;

    given_alice(f);
    assert_int_equal(control_import(f->client, STR("alice@example.com"), STR("inbox"), messages,
                                    ARRAY_LEN(messages), NULL),
                     0);
    assert_int_equal(control_check(f->client, STR("alice@example.com"), NULL), 0);
    /* A mailbox has one user at a time. */
    control_stop(&f->control);
    workers_free(&f->admin.workers);
    assert_int_equal(
        store_user_find(f->admin.store, STR("alice@example.com"), f->arena, &user, NULL), 1);
    assert_int_equal(store_mailbox_take(f->admin.store, user.mailbox, &mailbox, NULL), 0);
    {
        AUTO(mailbox_tx) tx = NULL;

        assert_int_equal(mailbox_tx_begin(mailbox, MAILBOX_TX_READ, &tx, NULL), 0);
        assert_int_equal(
            mailbox_folder_by_distinguished(tx, DF_MSGFOLDERROOT, f->arena, &root, NULL), 1);
        inbox = folder_named(f, tx, root.id, "Inbox");
        assert_int_equal(inbox.total, 2);
        assert_int_equal(inbox.unread, 1);
        assert_int_equal(folder_named(f, tx, root.id, "Sent Items").total, 1);
        lists = folder_named(f, tx, folder_named(f, tx, root.id, "Lists").id, "ewer");
        assert_int_equal(mailbox_item_iter_begin(
                             tx,
                             &(struct item_iter_options){.folder = lists.id, .with_props = true},
                             &iter, NULL),
                         0);
        assert_true(mailbox_item_iter_next(iter, &item));
        assert_int_equal(item.received_ms, 2000);
        assert_int_equal(mailbox_body_read(tx, item.body, f->arena, &bytes, NULL), 0);
        assert_true(str_eq(bytes, messages[1].bytes));
        assert_int_equal(mailbox_item_iter_end(&iter, NULL), 0);
    }
    store_mailbox_release(f->admin.store, &mailbox);
}

static void an_import_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct admin_message messages[] = {
        {.bytes = STR("Subject: 1\n\n"), .received_ms = 1000, .folder = STR("Fine")},
        {.bytes = STR("Subject: 2\n\n"), .received_ms = 2000, .folder = STR("///")},
    };
    struct err err = ERR_INIT;

    given_alice(f);
    assert_int_equal(
        control_import(f->client, STR("alice@example.com"), STR("inbox"), messages, 2, &err),
        -ERR_NAME_INVALID);
    assert_int_equal(
        control_import(f->client, STR("nobody@example.com"), STR("inbox"), messages, 1, &err),
        -ERR_NO_SUCH_MAILBOX);
    messages[1].folder = STR("Fine");
    assert_int_equal(
        control_import(f->client, STR("alice@example.com"), STR("inbox"), messages, 2, NULL), 0);
    assert_int_equal(control_check(f->client, STR("alice@example.com"), NULL), 0);
}

static void only_the_owner_may_connect(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct stat st;

    snprintf(path, sizeof(path), "%s/control.sock", f->dir.path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static int raw_connect(struct fixture *f)
{
    struct sockaddr_un address;
    int dir_fd, fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(control_address(f->dir.path, &address, &dir_fd, NULL), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Sends bytes as they are; what the server says until it closes (or one frame). */
static void assert_survives(struct fixture *f, struct str bytes)
{
    char answer[512];
    struct str lines;
    int fd = raw_connect(f);

    assert_int_equal(send(fd, bytes.p, bytes.n, MSG_NOSIGNAL), bytes.n);
    shutdown(fd, SHUT_WR);
    while (recv(fd, answer, sizeof(answer), 0) > 0) {
    }
    close(fd);
    assert_int_equal(control_user_list(f->client, f->arena, &lines, NULL), 0);
}

static void malformed_requests_end_or_fail_alone(void **state)
{
    struct fixture *f = *state;

    assert_survives(f, STR("\0"));
    assert_survives(f, STR("\0\0\0\0"));
    assert_survives(f, STR("\xff\xff\xff\xff\x01"));
    assert_survives(f, STR("\0\0\0\x02\x09\x01"));
    assert_survives(f, STR("\0\0\0\x10\x01\x01"));
    assert_survives(f, STR("\0\0\0\x01\x01"));
    assert_survives(f, STR("\0\0\0\x02\x01\x00"));
    assert_survives(f, STR("\0\0\0\x02\x01\x63"));
    assert_survives(f, STR("\0\0\0\x04\x01\x01\x7f\x61"));
    assert_survives(f, STR("\0\0\0\x0a\x01\x05\x00\x00\xff\xff\xff\xff\xff\x0f"));
    assert_survives(f, STR("\0\0\0\x06\x01\x05\x00\x00\x64\x00"));
}

static void a_socket_left_behind_is_no_server(void **state)
{
    struct fixture *f = *state;
    struct control_client *client = NULL;
    struct sockaddr_un address;
    int dir_fd, fd = socket(AF_UNIX, SOCK_STREAM, 0);

    control_disconnect(&f->client);
    control_stop(&f->control);
    assert_int_equal(control_connect(f->dir.path, &client, NULL), 0);
    assert_int_equal(control_address(f->dir.path, &address, &dir_fd, NULL), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_int_equal(control_connect(f->dir.path, &client, NULL), 0);
    assert_int_equal(control_start(f->dir.path, &f->admin, &f->control, NULL), 0);
    assert_int_equal(control_connect(f->dir.path, &f->client, NULL), 1);
}

static void a_long_path_serves_as_well(void **state)
{
    struct fixture *f = *state;
    char dir[512];
    struct control *control;
    struct control_client *client;
    struct str lines;
    int n = snprintf(dir, sizeof(dir), "%s/%0150d", f->dir.path, 7);

    assert_true(n > 0);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(control_start(dir, &f->admin, &control, NULL), 0);
    assert_int_equal(control_connect(dir, &client, NULL), 1);
    assert_int_equal(control_user_list(client, f->arena, &lines, NULL), 0);
    control_disconnect(&client);
    control_stop(&control);
}

static void stopping_does_not_wait_for_idle_clients(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct str lines;

    assert_int_equal(control_user_list(f->client, f->arena, &lines, NULL), 0);
    control_stop(&f->control);
    assert_int_equal(control_user_list(f->client, f->arena, &lines, &err), -ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(manages_users, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_errors_as_the_store_does, setup, teardown),
        cmocka_unit_test_setup_teardown(imports_into_folders_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(an_import_is_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_owner_may_connect, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_requests_end_or_fail_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_left_behind_is_no_server, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_path_serves_as_well, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_does_not_wait_for_idle_clients, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
