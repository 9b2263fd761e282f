/* The LMTP door over real sockets and a real store: what sessions alone cannot show. */
#include "lmtp/lmtp.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "mailbox/mailbox.h"
#include "mailbox/store.h"
#include "mailbox/workers.h"
#include "mime/message.h"
#include "support/tmpdir.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct tmpdir dir;
    struct arena *arena;
    struct store *store;
    struct workers *workers;
    struct lmtp_server *server;
};

static void given_user(struct fixture *f, const char *address)
{
    struct user user = {.address = str_from(address)};
    struct mailbox_no no;

    assert_int_equal(store_user_add(f->store, &user, &no, NULL), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    mime_init();
    tmpdir_make(&f->dir);
    f->arena = arena_new(NULL, "test");
    assert_int_equal(
        store_open(
            &(struct store_options){.dir = f->dir.path, .create = true, .clock = clock_system()},
            &f->store, NULL),
        0);
    assert_int_equal(workers_new(&(struct workers_options){.store = f->store}, &f->workers, NULL),
                     0);
    given_user(f, "alice@example.com");
    given_user(f, "bob@example.com");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    lmtp_server_stop(&f->server);
    workers_free(&f->workers);
    store_close(&f->store);
    arena_free(&f->arena);
    tmpdir_remove(&f->dir);
    free(f);
    return 0;
}

static void start(struct fixture *f, struct lmtp_server_options options)
{
    options.listen = "127.0.0.1:0";
    options.hostname = "mx";
    options.store = f->store;
    options.workers = f->workers;
    assert_int_equal(lmtp_server_start(&options, &f->server, NULL), 0);
}

/* ---- a blocking peer ---- */

static int dial(struct fixture *f)
{
    struct str address = str_from(lmtp_server_address(f->server));
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t port;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)str_split(&address, ':');
    assert_true(str_to_u64(address, &port));
    in.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(fd, (const struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

static void say(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

        assert_true(n > 0);
        s = str_sub(s, (size_t)n, SIZE_MAX);
    }
}

/* Reads until the text ends with this, or the peer closes. */
static struct str hear(struct fixture *f, int fd, const char *end)
{
    struct buf got = BUF_INIT;
    struct str s;

    while (end == NULL || !str_ends_nocase(buf_str(&got), str_from(end))) {
        ssize_t n = recv(fd, buf_reserve(&got, 4096), 4096, 0);

        if (n <= 0) {
            break;
        }
        got.n += (size_t)n;
    }
    s = str_dup(f->arena, buf_str(&got));
    buf_fini(&got);
    return s;
}

static bool contains(struct str s, const char *needle)
{
    return str_find(s, str_from(needle), 0) != SIZE_MAX;
}

/* Ends the server and the workers first: a mailbox has one user at a time. */
static unsigned inbox_count(struct fixture *f, const char *address, struct str *newest_r)
{
    struct user user;
    struct mailbox *mailbox;
    struct folder inbox;
    struct item_iter *iter;
    struct item item;

    lmtp_server_stop(&f->server);
    workers_free(&f->workers);
    assert_int_equal(store_user_find(f->store, str_from(address), f->arena, &user, NULL), 1);
    assert_int_equal(store_mailbox_take(f->store, user.mailbox, &mailbox, NULL), 0);
    {
        AUTO(mailbox_tx) tx = NULL;

        assert_int_equal(mailbox_tx_begin(mailbox, MAILBOX_TX_READ, &tx, NULL), 0);
        assert_int_equal(mailbox_folder_by_distinguished(tx, DF_INBOX, f->arena, &inbox, NULL), 1);
        assert_int_equal(mailbox_item_iter_begin(
                             tx,
                             &(struct item_iter_options){.folder = inbox.id, .with_props = true},
                             &iter, NULL),
                         0);
        if (newest_r != NULL && mailbox_item_iter_next(iter, &item)) {
            assert_int_equal(mailbox_body_read(tx, item.body, f->arena, newest_r, NULL), 0);
        }
        assert_int_equal(mailbox_item_iter_end(&iter, NULL), 0);
        assert_int_equal(mailbox_check(tx, NULL), 0);
    }
    store_mailbox_release(f->store, &mailbox);
    return inbox.total;
}

#define TO(address) "MAIL FROM:<a@b>\r\nRCPT TO:<" address ">\r\nDATA\r\n"

/* ---- tests ---- */

static void delivers_bytes_as_they_came(void **state)
{
    struct fixture *f = *state;
    struct str newest;
    int fd;

    start(f, (struct lmtp_server_options){0});
    fd = dial(f);
    say(fd,
        STR("LHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<alice@example.com>\r\nRCPT TO:<bob+box@example.com>\r\nDATA\r\n"
            "Subject: x\r\n\r\n..a\0b\n\xff\r\n.\r\nQUIT\r\n"));
    assert_true(contains(
        hear(f, fd, NULL),
        "\r\n250 2.0.0 <alice@example.com> delivered\r\n250 2.0.0 <bob@example.com> delivered\r\n221 2.0.0 Bye\r\n"));
    close(fd);
    assert_int_equal(inbox_count(f, "alice@example.com", &newest), 1);
    assert_true(str_eq(newest, STR("Subject: x\r\n\r\n.a\0b\n\xff\r\n")));
    assert_int_equal(inbox_count(f, "bob@example.com", &newest), 1);
    assert_true(str_eq(newest, STR("Subject: x\r\n\r\n.a\0b\n\xff\r\n")));
}

static void serves_many_messages_sent_at_once(void **state)
{
    struct fixture *f = *state;
    struct buf script = BUF_INIT;
    struct str replies;
    int fd;

    start(f, (struct lmtp_server_options){0});
    fd = dial(f);
    BUF_LIT(&script, "LHLO me\r\n");
    for (int i = 0; i < 50; i++) {
        buf_printf(&script, TO("alice@example.com") "Subject: %d\r\n\r\n%0*d\r\n.\r\n", i, i * 500,
                   i);
    }
    say(fd, buf_str(&script));
    shutdown(fd, SHUT_WR);
    replies = hear(f, fd, NULL);
    for (int i = 0; i < 50; i++) {
        size_t at = str_find(replies, STR("250 2.0.0 <alice@example.com> delivered\r\n"), 0);

        assert_int_not_equal(at, SIZE_MAX);
        replies = str_sub(replies, at + 1, SIZE_MAX);
    }
    close(fd);
    buf_fini(&script);
    assert_int_equal(inbox_count(f, "alice@example.com", NULL), 50);
}

static void takes_a_large_message(void **state)
{
    struct fixture *f = *state;
    struct buf script = BUF_INIT;
    struct str newest;
    size_t n = (size_t)5 * 1024 * 1024;
    int fd;

    start(f, (struct lmtp_server_options){0});
    fd = dial(f);
    BUF_LIT(&script, "LHLO me\r\n" TO("alice@example.com") "\r\n");
    memset(buf_reserve(&script, n), 'x', n);
    script.n += n;
    BUF_LIT(&script, "\r\n.\r\nQUIT\r\n");
    say(fd, buf_str(&script));
    assert_true(contains(hear(f, fd, NULL), "delivered"));
    close(fd);
    buf_fini(&script);
    assert_int_equal(inbox_count(f, "alice@example.com", &newest), 1);
    assert_int_equal(newest.n, n + 4);
}

static void refuses_connections_beyond_the_limit(void **state)
{
    struct fixture *f = *state;
    int first, second;

    start(f, (struct lmtp_server_options){.max_connections = 1});
    first = dial(f);
    (void)hear(f, first, "\r\n");
    second = dial(f);
    assert_true(str_starts(hear(f, second, NULL), STR("421 4.3.2 ")));
    close(second);
    say(first, STR("QUIT\r\n"));
    (void)hear(f, first, NULL);
    close(first);
    second = dial(f);
    assert_true(str_starts(hear(f, second, "\r\n"), STR("220 ")));
    close(second);
}

static void cuts_off_a_silent_peer(void **state)
{
    struct fixture *f = *state;
    int fd;

    start(f, (struct lmtp_server_options){.idle_timeout_ms = 20});
    fd = dial(f);
    assert_true(contains(hear(f, fd, NULL), "\r\n421 4.4.2 "));
    close(fd);
}

static void cuts_off_a_peer_that_takes_no_replies(void **state)
{
    struct fixture *f = *state;
    struct buf noops = BUF_INIT;
    const int small = 4096;
    int fd;
    ssize_t n;

    start(f, (struct lmtp_server_options){.idle_timeout_ms = 100});
    fd = dial(f);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    for (int i = 0; i < 10000; i++) {
        BUF_LIT(&noops, "NOOP\r\n");
    }
    /* Ends when the server has closed. */
    do {
        n = send(fd, noops.p, noops.n, MSG_NOSIGNAL);
    } while (n > 0);
    close(fd);
    buf_fini(&noops);
}

static void a_peer_that_is_gone_harms_nobody(void **state)
{
    struct fixture *f = *state;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    start(f, (struct lmtp_server_options){0});
    for (int i = 0; i < 20; i++) {
        int fd = dial(f);

        say(fd, STR("LHLO me\r\n" TO("alice@example.com") "Subject: x\r\n\r\nx\r\n.\r\n" TO(
                    "bob@example.com") "half"));
        if (i % 2 == 0) {
            assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
        }
        close(fd);
    }
    assert_true(inbox_count(f, "alice@example.com", NULL) <= 20);
    assert_int_equal(inbox_count(f, "bob@example.com", NULL), 0);
}

static void answers_what_was_received_before_it_stops(void **state)
{
    struct fixture *f = *state;
    struct str heard;
    int fd, idle;

    start(f, (struct lmtp_server_options){0});
    idle = dial(f);
    (void)hear(f, idle, "\r\n");
    fd = dial(f);
    say(fd, STR("LHLO me\r\n" TO("alice@example.com")));
    (void)hear(f, fd, "354 Go on, end with CRLF.CRLF\r\n");
    say(fd, STR("Subject: x\r\n\r\nx\r\n.\r\n"));
    lmtp_server_stop(&f->server);
    heard = hear(f, fd, NULL);
    assert_true(contains(heard, "421 4.3.2 Shutting down\r\n"));
    /* Answered and stored, or neither. */
    assert_int_equal(contains(heard, "delivered"), inbox_count(f, "alice@example.com", NULL) == 1);
    assert_true(contains(hear(f, idle, NULL), "421 4.3.2 Shutting down\r\n"));
    close(fd);
    close(idle);
}

static void an_address_it_cannot_bind_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct lmtp_server_options options = {
        .listen = "nonsense", .hostname = "mx", .store = f->store, .workers = f->workers};
    struct err err = ERR_INIT;

    assert_true(lmtp_server_start(&options, &f->server, &err) < 0);
    assert_null(f->server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(delivers_bytes_as_they_came, setup, teardown),
        cmocka_unit_test_setup_teardown(serves_many_messages_sent_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_a_large_message, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_connections_beyond_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(cuts_off_a_silent_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(cuts_off_a_peer_that_takes_no_replies, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_is_gone_harms_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_what_was_received_before_it_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_it_cannot_bind_is_an_error, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
