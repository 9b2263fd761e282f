#include "server/control.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "server/admin.h"
#include "server/control-private.h"
#include "server/limits.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* One administrator's connection and its thread. */
struct client {
    struct control *control;
    pthread_t thread;
    int fd;     /* -1: the place is free */
    bool ended; /* the thread is to be joined; guarded by lock */
};

struct control {
    struct admin *admin;
    char *dir;
    int listen_fd, wake_fd;
    pthread_t acceptor;
    pthread_mutex_t lock;
    struct client clients[CONTROL_MAX_CLIENTS];
};

/* ---- requests ---- */

struct request {
    struct admin *admin;
    struct arena *arena;
    struct str fields;
    struct str result;
};

static int bad_request(struct err *err_r)
{
    return err_set(err_r, ERR_PARSE, "control socket: the request is malformed");
}

static int do_user_add(struct request *r, struct err *err_r)
{
    struct str address, name, password;

    if (!str_take_bytes(&r->fields, &address) || !str_take_bytes(&r->fields, &name) ||
        !str_take_bytes(&r->fields, &password)) {
        return bad_request(err_r);
    }
    return admin_user_add(r->admin, address, name, password, err_r);
}

static int do_user_list(struct request *r, struct err *err_r)
{
    return admin_user_list(r->admin, r->arena, &r->result, err_r);
}

static int do_user_passwd(struct request *r, struct err *err_r)
{
    struct str address, password;

    if (!str_take_bytes(&r->fields, &address) || !str_take_bytes(&r->fields, &password)) {
        return bad_request(err_r);
    }
    return admin_user_passwd(r->admin, address, password, err_r);
}

static int do_user_delete(struct request *r, struct err *err_r)
{
    struct str address;

    return str_take_bytes(&r->fields, &address) ? admin_user_delete(r->admin, address, err_r)
                                                : bad_request(err_r);
}

static int do_check(struct request *r, struct err *err_r)
{
    struct str address;

    return str_take_bytes(&r->fields, &address) ? admin_check(r->admin, address, err_r)
                                                : bad_request(err_r);
}

static int do_subscription_list(struct request *r, struct err *err_r)
{
    struct str address;

    return str_take_bytes(&r->fields, &address)
               ? admin_subscription_list(r->admin, address, r->arena, &r->result, err_r)
               : bad_request(err_r);
}

static int do_subscription_show(struct request *r, struct err *err_r)
{
    struct str id;

    return str_take_bytes(&r->fields, &id)
               ? admin_subscription_show(r->admin, id, r->arena, &r->result, err_r)
               : bad_request(err_r);
}

static int do_subscription_delete(struct request *r, struct err *err_r)
{
    struct str id;

    return str_take_bytes(&r->fields, &id) ? admin_subscription_delete(r->admin, id, err_r)
                                           : bad_request(err_r);
}

static int do_watch(struct request *r, struct err *err_r)
{
    struct str address, places;
    struct admin_watch watch;
    struct buf result = BUF_INIT;

    if (!str_take_bytes(&r->fields, &address) || !str_take_bytes(&r->fields, &places)) {
        return bad_request(err_r);
    }
    TRY(admin_watch(r->admin, address, places, r->arena, &watch, err_r));
    control_add_bytes(&result, watch.lines);
    control_add_bytes(&result, watch.places);
    r->result = str_dup(r->arena, buf_str(&result));
    buf_fini(&result);
    return 0;
}

static bool take_message(struct str *fields, struct admin_message *m_r)
{
    uint64_t flags;

    if (!str_take_varint(fields, &flags) || !str_take_zigzag(fields, &m_r->received_ms) ||
        !str_take_bytes(fields, &m_r->folder) || !str_take_bytes(fields, &m_r->bytes)) {
        return false;
    }
    m_r->read = (flags & CONTROL_READ) != 0;
    m_r->delivered = (flags & CONTROL_DELIVERED) != 0;
    m_r->draft = (flags & CONTROL_DRAFT) != 0;
    return true;
}

static int do_import(struct request *r, struct err *err_r)
{
    struct str address, folder;
    struct admin_message *messages;
    uint64_t n;

    if (!str_take_bytes(&r->fields, &address) || !str_take_bytes(&r->fields, &folder) ||
        !str_take_varint(&r->fields, &n) || n > CONTROL_MAX_MESSAGES) {
        return bad_request(err_r);
    }
    messages = ARENA_ARRAY(r->arena, struct admin_message, (size_t)n);
    for (size_t i = 0; i < n; i++) {
        if (!take_message(&r->fields, &messages[i])) {
            return bad_request(err_r);
        }
    }
    return admin_import(r->admin, address, folder, messages, (size_t)n, err_r);
}

static int (*const handlers[CONTROL_OP_COUNT])(struct request *r, struct err *err_r) = {
    [CONTROL_USER_ADD] = do_user_add,
    [CONTROL_USER_LIST] = do_user_list,
    [CONTROL_USER_PASSWD] = do_user_passwd,
    [CONTROL_USER_DELETE] = do_user_delete,
    [CONTROL_IMPORT] = do_import,
    [CONTROL_CHECK] = do_check,
    [CONTROL_SUBSCRIPTION_LIST] = do_subscription_list,
    [CONTROL_SUBSCRIPTION_SHOW] = do_subscription_show,
    [CONTROL_SUBSCRIPTION_DELETE] = do_subscription_delete,
    [CONTROL_WATCH] = do_watch,
};

static int execute(struct request *r, struct err *err_r)
{
    uint64_t op;

    if (!str_take_varint(&r->fields, &op) || op == 0 || op >= CONTROL_OP_COUNT) {
        return bad_request(err_r);
    }
    return handlers[op](r, err_r);
}

static void write_answer(struct buf *frame, int rc, const struct err *err, struct str result)
{
    control_frame_begin(frame);
    buf_add_varint(frame, (uint64_t)-rc);
    control_add_bytes(frame, rc < 0 ? str_from(err->client_text) : STR(""));
    control_add_bytes(frame, rc < 0 ? str_from(err->log_text) : STR(""));
    control_add_bytes(frame, result);
}

/* A frame in, a frame out. False: the connection is over. */
static bool serve_request(struct client *client, struct buf *in, struct buf *out)
{
    AUTO(arena) arena = arena_new(NULL, "control");
    struct request r = {.admin = client->control->admin, .arena = arena, .result = STR("")};
    struct err err = ERR_INIT;
    int rc = control_frame_receive(client->fd, in, &err);

    if (rc <= 0) {
        return false;
    }
    r.fields = buf_str(in);
    rc = execute(&r, &err);
    write_answer(out, rc, &err, r.result);
    /* It may have held a password. */
    explicit_bzero(in->p, in->n);
    return control_frame_send(client->fd, out, NULL) == 0;
}

/* ---- connections ---- */

static void *serve_client(void *context)
{
    struct client *client = context;
    struct buf in = BUF_INIT, out = BUF_INIT;

    while (serve_request(client, &in, &out)) {
    }
    buf_fini(&in);
    buf_fini(&out);
    /* The peer hears the end now; the descriptor is closed by who joins the thread. */
    (void)shutdown(client->fd, SHUT_RDWR);
    pthread_mutex_lock(&client->control->lock);
    client->ended = true;
    pthread_mutex_unlock(&client->control->lock);
    return NULL;
}

static void set_send_timeout(int fd)
{
    const struct timeval timeout = {.tv_sec = CONTROL_TIMEOUT_S};

    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

static void reap(struct client *client)
{
    pthread_join(client->thread, NULL);
    close(client->fd);
    client->fd = -1;
    client->ended = false;
}

static struct client *free_place(struct control *control)
{
    struct client *found = NULL;

    for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
        struct client *client = &control->clients[i];
        bool ended;

        pthread_mutex_lock(&control->lock);
        ended = client->ended;
        pthread_mutex_unlock(&control->lock);
        if (client->fd >= 0 && ended) {
            reap(client);
        }
        if (client->fd < 0 && found == NULL) {
            found = client;
        }
    }
    return found;
}

static void refuse(int fd)
{
    struct buf frame = BUF_INIT;
    struct err err = ERR_INIT;
    int rc = err_tell(&err, ERR_BUSY, "Too many administrators at once.");

    write_answer(&frame, rc, &err, STR(""));
    (void)!control_frame_send(fd, &frame, NULL);
    buf_fini(&frame);
    close(fd);
}

static void accept_one(struct control *control)
{
    int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    struct client *client;

    if (fd < 0) {
        return;
    }
    set_send_timeout(fd);
    client = free_place(control);
    if (client == NULL) {
        refuse(fd);
        return;
    }
    client->control = control;
    client->fd = fd;
    if (pthread_create(&client->thread, NULL, serve_client, client) != 0) {
        client->fd = -1;
        refuse(fd);
    }
}

static void *accept_clients(void *context)
{
    struct control *control = context;
    struct pollfd fds[] = {{.fd = control->listen_fd, .events = POLLIN},
                           {.fd = control->wake_fd, .events = POLLIN}};

    for (;;) {
        if (poll(fds, ARRAY_LEN(fds), -1) < 0) {
            continue;
        }
        if (fds[1].revents != 0) {
            return NULL;
        }
        accept_one(control);
    }
}

/* ---- start and stop ---- */

/* Nobody can connect before listen(), so nobody can before the mode is set. */
static int bind_private(int fd, const struct sockaddr_un *address, struct err *err_r)
{
    (void)unlink(address->sun_path);
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
        chmod(address->sun_path, 0600) < 0 || listen(fd, CONTROL_MAX_CLIENTS) < 0) {
        return err_set(err_r, ERR_IO, "%s: %s", address->sun_path, strerror(errno));
    }
    return 0;
}

static int listen_in(const char *dir, int *fd_r, struct err *err_r)
{
    struct sockaddr_un address;
    int dir_fd, fd, rc;

    TRY(control_address(dir, &address, &dir_fd, err_r));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    rc = fd < 0 ? err_set(err_r, ERR_IO, "socket: %s", strerror(errno))
                : bind_private(fd, &address, err_r);
    if (dir_fd >= 0) {
        close(dir_fd);
    }
    if (rc < 0) {
        if (fd >= 0) {
            close(fd);
        }
        return rc;
    }
    *fd_r = fd;
    return 0;
}

/* Threads of threads inherit the mask: signals are for the main one. */
static int start_acceptor(struct control *control, struct err *err_r)
{
    sigset_t all, before;
    int rc;

    control->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (control->wake_fd < 0) {
        return err_set(err_r, ERR_IO, "eventfd: %s", strerror(errno));
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&control->acceptor, NULL, accept_clients, control);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0 : err_set(err_r, ERR_IO, "cannot start a thread: %s", strerror(rc));
}

static void destroy(struct control *control)
{
    if (control->listen_fd >= 0) {
        close(control->listen_fd);
    }
    if (control->wake_fd >= 0) {
        close(control->wake_fd);
    }
    pthread_mutex_destroy(&control->lock);
    free(control->dir);
    free(control);
}

int control_start(const char *dir, struct admin *admin, struct control **control_r,
                  struct err *err_r)
{
    struct control *control = mem_alloc_zero(1, sizeof(*control));
    int rc;

    control->admin = admin;
    control->listen_fd = control->wake_fd = -1;
    control->dir = mem_alloc(strlen(dir) + 1);
    memcpy(control->dir, dir, strlen(dir) + 1);
    pthread_mutex_init(&control->lock, NULL);
    for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
        control->clients[i].fd = -1;
    }
    rc = listen_in(dir, &control->listen_fd, err_r);
    if (rc == 0) {
        rc = start_acceptor(control, err_r);
    }
    if (rc < 0) {
        destroy(control);
        return rc;
    }
    *control_r = control;
    return 0;
}

static void unlink_socket(const struct control *control)
{
    struct sockaddr_un address;
    int dir_fd;

    if (control_address(control->dir, &address, &dir_fd, NULL) == 0) {
        (void)unlink(address.sun_path);
        if (dir_fd >= 0) {
            close(dir_fd);
        }
    }
}

void control_stop(struct control **control)
{
    struct control *c = take(control);
    const uint64_t one = 1;

    if (c == NULL) {
        return;
    }
    unlink_socket(c);
    (void)!write(c->wake_fd, &one, sizeof(one));
    pthread_join(c->acceptor, NULL);
    for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
        if (c->clients[i].fd >= 0) {
            /* No further request; the answer to one under way still goes out. */
            (void)shutdown(c->clients[i].fd, SHUT_RD);
            reap(&c->clients[i]);
        }
    }
    destroy(c);
}
