#include "lmtp/lmtp.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "lmtp/limits.h"
#include "lmtp/lmtp-private.h"
#include "mailbox/store.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

int lmtp_find_user(void *context, struct str address, struct arena *arena,
                   struct lmtp_recipient *recipient_r)
{
    struct lmtp_server *server = context;
    struct user user;
    struct err err = ERR_INIT;
    int found = store_user_find(server->store, address, arena, &user, &err);

    if (found < 0) {
        const struct log_field fields[] = {LSTR("rcpt", address)};

        log_error(LOG_ERROR, "lmtp.lookup_failed", &err, fields, ARRAY_LEN(fields));
    }
    if (found > 0) {
        *recipient_r = (struct lmtp_recipient){
            .mailbox = user.mailbox, .address = user.address, .display_name = user.display_name};
    }
    return found;
}

/* ---- accepting ---- */

static void refuse(int fd)
{
    static const char text[] = "421 4.3.2 Too many connections, try again later\r\n";

    (void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static int watch(struct lmtp_server *server, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    /* Told from connections by its pointer: these two live in the server. */
    event.data.ptr = fd == server->wake_fd ? &server->wake_fd : &server->listen_fd;
    return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* No descriptors are left: the listener would be ready for ever, so it is not watched for a while.
 */
static void pause_accepting(struct lmtp_server *server)
{
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listen_fd, NULL) == 0) {
        server->accept_at_ms = clock_monotonic_ms(server->clock) + LMTP_ACCEPT_PAUSE_MS;
        log_event(LOG_WARN, "lmtp.accept_paused", LINT("errno", errno));
    }
}

static void resume_accepting(struct lmtp_server *server)
{
    server->accept_at_ms = 0;
    if (server->listen_fd >= 0 && watch(server, server->listen_fd) < 0) {
        server->accept_at_ms = clock_monotonic_ms(server->clock) + LMTP_ACCEPT_PAUSE_MS;
    }
}

static void accept_all(struct lmtp_server *server)
{
    const int on = 1;
    int fd;

    while ((fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (server->conn_count >= server->max_connections) {
            refuse(fd);
            continue;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        lmtp_conn_open(server, fd);
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        pause_accepting(server);
    }
}

/* ---- the loop ---- */

static void take_completed(struct lmtp_server *server)
{
    struct conn *conn;
    uint64_t count;

    pthread_mutex_lock(&server->completions);
    (void)!read(server->wake_fd, &count, sizeof(count));
    conn = server->completed;
    server->completed = NULL;
    pthread_mutex_unlock(&server->completions);
    while (conn != NULL) {
        struct conn *next = conn->next_completed;

        lmtp_conn_delivered(conn);
        conn = next;
    }
}

/* Each that is queued now has one turn; those that queue again wait for the next round. */
static void take_turns(struct lmtp_server *server)
{
    struct conn *last = server->ready_tail, *conn;

    while ((conn = server->ready_head) != NULL) {
        server->ready_head = conn->next_ready;
        if (server->ready_head == NULL) {
            server->ready_tail = NULL;
        }
        conn->queued = false;
        lmtp_conn_turn(conn);
        if (conn == last) {
            break;
        }
    }
}

static struct conn *first_idle(struct lmtp_server *server)
{
    return server->idle.next != &server->idle ? (struct conn *)server->idle.next : NULL;
}

static void end_idle(struct lmtp_server *server, int64_t now_ms)
{
    struct conn *conn;

    while ((conn = first_idle(server)) != NULL &&
           now_ms - conn->progress_ms >= server->idle_timeout_ms) {
        lmtp_conn_abort(conn, "4.4.2 Idle for too long, closing", true);
    }
}

static void abort_all(struct conn_link *list, bool now)
{
    struct conn_link *link = list->next;

    while (link != list) {
        struct conn_link *next = link->next;

        lmtp_conn_abort((struct conn *)link, "4.3.2 Shutting down", now);
        link = next;
    }
}

static void begin_stop(struct lmtp_server *server, int64_t now_ms)
{
    server->stopping = true;
    server->stop_by_ms = now_ms + LMTP_STOP_TIMEOUT_MS;
    close(server->listen_fd);
    server->listen_fd = -1;
    abort_all(&server->delivering, false);
    abort_all(&server->idle, false);
}

/* Until the next thing that time alone brings; -1: nothing does. */
static int next_timeout_ms(struct lmtp_server *server)
{
    int64_t now_ms = clock_monotonic_ms(server->clock), at_ms = INT64_MAX;
    struct conn *conn = first_idle(server);

    if (server->ready_head != NULL) {
        return 0;
    }
    if (conn != NULL) {
        at_ms = server->stopping ? server->stop_by_ms : conn->progress_ms + server->idle_timeout_ms;
    }
    if (server->accept_at_ms != 0 && server->accept_at_ms < at_ms) {
        at_ms = server->accept_at_ms;
    }
    if (at_ms == INT64_MAX) {
        return -1;
    }
    return at_ms <= now_ms ? 0 : at_ms - now_ms > INT32_MAX ? INT32_MAX : (int)(at_ms - now_ms);
}

static void pass_time(struct lmtp_server *server)
{
    int64_t now_ms = clock_monotonic_ms(server->clock);

    if (!server->stopping && atomic_load(&server->stop)) {
        begin_stop(server, now_ms);
    }
    if (server->stopping && now_ms >= server->stop_by_ms) {
        abort_all(&server->idle, true);
    }
    if (server->accept_at_ms != 0 && now_ms >= server->accept_at_ms) {
        resume_accepting(server);
    }
    end_idle(server, now_ms);
}

static void *loop(void *context)
{
    struct lmtp_server *server = context;
    struct epoll_event events[LMTP_EVENTS_A_TURN];

    while (!server->stopping || server->conn_count > 0) {
        int n = epoll_wait(server->epoll_fd, events, LMTP_EVENTS_A_TURN, next_timeout_ms(server));
        bool woken = false;

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &server->wake_fd) {
                woken = true;
            } else if (events[i].data.ptr == &server->listen_fd) {
                accept_all(server);
            } else {
                lmtp_conn_event(events[i].data.ptr, events[i].events);
            }
        }
        if (woken) {
            take_completed(server);
        }
        take_turns(server);
        pass_time(server);
    }
    return NULL;
}

/* ---- start and stop ---- */

static void configure(struct lmtp_server *server, const struct lmtp_server_options *options)
{
    size_t max = options->max_message_bytes != 0 ? options->max_message_bytes : LMTP_MESSAGE_BYTES;

    server->store = options->store;
    server->workers = options->workers;
    server->clock = store_clock(options->store);
    server->max_connections =
        options->max_connections != 0 ? options->max_connections : LMTP_MAX_CONNECTIONS;
    server->idle_timeout_ms =
        options->idle_timeout_ms != 0 ? options->idle_timeout_ms : LMTP_IDLE_TIMEOUT_MS;
    server->hostname = mem_alloc(strlen(options->hostname) + 1);
    memcpy(server->hostname, options->hostname, strlen(options->hostname) + 1);
    server->budget.limit_bytes =
        options->budget_bytes != 0 ? options->budget_bytes : max * LMTP_BUDGET_MESSAGES;
    server->session_options = (struct lmtp_options){
        .hostname = str_from(server->hostname),
        .max_message_bytes = max,
        .budget = &server->budget,
    };
    server->read_buffer = mem_alloc(LMTP_READ_BYTES);
    lmtp_list_init(&server->idle);
    lmtp_list_init(&server->delivering);
    pthread_mutex_init(&server->completions, NULL);
}

static void destroy(struct lmtp_server *server)
{
    int fds[] = {server->listen_fd, server->epoll_fd, server->wake_fd};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    pthread_mutex_destroy(&server->completions);
    free(server->hostname);
    free(server->read_buffer);
    free(server);
}

static int open_fds(struct lmtp_server *server, const char *listen_at, struct err *err_r)
{
    TRY(net_listen(listen_at, &server->listen_fd, server->address, err_r));
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->epoll_fd < 0 || server->wake_fd < 0 || watch(server, server->listen_fd) < 0 ||
        watch(server, server->wake_fd) < 0) {
        return err_set(err_r, ERR_IO, "cannot wait on sockets: %s", strerror(errno));
    }
    return 0;
}

/* Signals are for the main thread. */
static int start_thread(struct lmtp_server *server, struct err *err_r)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&server->thread, NULL, loop, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0 : err_set(err_r, ERR_IO, "cannot start a thread: %s", strerror(rc));
}

int lmtp_server_start(const struct lmtp_server_options *options, struct lmtp_server **server_r,
                      struct err *err_r)
{
    struct lmtp_server *server = mem_alloc_zero(1, sizeof(*server));
    int rc;

    server->listen_fd = server->epoll_fd = server->wake_fd = -1;
    configure(server, options);
    rc = open_fds(server, options->listen, err_r);
    if (rc == 0) {
        rc = start_thread(server, err_r);
    }
    if (rc < 0) {
        destroy(server);
        return rc;
    }
    *server_r = server;
    return 0;
}

const char *lmtp_server_address(const struct lmtp_server *server)
{
    return server->address;
}

void lmtp_server_stop(struct lmtp_server **server)
{
    struct lmtp_server *s = take(server);
    const uint64_t one = 1;

    if (s == NULL) {
        return;
    }
    atomic_store(&s->stop, true);
    (void)!write(s->wake_fd, &one, sizeof(one));
    pthread_join(s->thread, NULL);
    destroy(s);
}
