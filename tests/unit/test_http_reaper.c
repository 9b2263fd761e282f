/* Deadlines of connections: who is late is shut down, who is not stays. */
#include "http/reaper.h"

#include "base/clock.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
    int server, client;
};

static struct pair given_connection(void)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    return (struct pair){fds[0], fds[1]};
}

static void close_pair(struct pair *p)
{
    close(p->server);
    close(p->client);
}

static void who_is_late_is_cut_off_and_others_stay(void **state)
{
    struct clock_manual clock;
    struct reaper *reaper = NULL;
    struct reaper_entry *late, *patient, *saved;
    struct pair a = given_connection(), b = given_connection(), c = given_connection();
    char byte;

    (void)state;
    clock_manual_init(&clock, 0);
    assert_int_equal(reaper_start(&clock.base, &reaper, NULL), 0);
    patient = reaper_add(reaper, b.server, REAPER_NEVER);
    saved = reaper_add(reaper, c.server, -1);
    reaper_set(saved, REAPER_NEVER);
    late = reaper_add(reaper, a.server, -1);
    /* The end of the connection is what this waits for. */
    assert_int_equal(read(a.client, &byte, 1), 0);
    assert_int_equal(write(b.server, "x", 1), 1);
    assert_int_equal(read(b.client, &byte, 1), 1);
    assert_int_equal(recv(c.client, &byte, 1, MSG_DONTWAIT), -1);
    reaper_remove(reaper, &late);
    reaper_remove(reaper, &patient);
    reaper_remove(reaper, &saved);
    assert_null(late);
    reaper_stop(&reaper);
    close_pair(&a);
    close_pair(&b);
    close_pair(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_late_is_cut_off_and_others_stay),
    };

    return cmocka_run_group_tests_name("reaper", tests, NULL, NULL);
}
