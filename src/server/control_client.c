#include "server/control.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "server/admin.h"
#include "server/control-private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct control_client {
    int fd;
    struct buf frame;
};

/* A server that was killed leaves its socket behind: nobody listens there. */
static int connect_errno(int e, struct err *err_r)
{
    if (e == ENOENT || e == ECONNREFUSED) {
        return 0;
    }
    return err_tell(err_r, ERR_IO, "cannot reach the running server: %s", strerror(e));
}

int control_connect(const char *dir, struct control_client **client_r, struct err *err_r)
{
    struct sockaddr_un address;
    int dir_fd, fd, rc, e;

    if (access(dir, F_OK) != 0 && errno == ENOENT) {
        return 0;
    }
    TRY(control_address(dir, &address, &dir_fd, err_r));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    rc = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&address, sizeof(address));
    e = errno;
    if (dir_fd >= 0) {
        close(dir_fd);
    }
    if (rc < 0) {
        if (fd >= 0) {
            close(fd);
        }
        return connect_errno(e, err_r);
    }
    *client_r = mem_alloc_zero(1, sizeof(**client_r));
    (*client_r)->fd = fd;
    return 1;
}

void control_disconnect(struct control_client **client)
{
    struct control_client *c = take(client);

    if (c != NULL) {
        close(c->fd);
        buf_fini(&c->frame);
        free(c);
    }
}

static struct buf *begin(struct control_client *client, enum control_op op)
{
    control_frame_begin(&client->frame);
    buf_add_varint(&client->frame, op);
    return &client->frame;
}

static int read_answer(struct str answer, struct str *result_r, struct err *err_r)
{
    struct str told, log;
    uint64_t kind;

    if (!str_take_varint(&answer, &kind) || kind >= ERR_KIND_COUNT ||
        !str_take_bytes(&answer, &told) || !str_take_bytes(&answer, &log) ||
        !str_take_bytes(&answer, result_r)) {
        return err_set(err_r, ERR_IO, "control socket: the answer is malformed");
    }
    if (kind == ERR_NONE) {
        return 0;
    }
    (void)err_tell(err_r, (enum err_kind)kind, "%.*s", STR_ARG(told));
    if (err_r != NULL) {
        size_t n = log.n < sizeof(err_r->log_text) - 1 ? log.n : sizeof(err_r->log_text) - 1;

        memcpy(err_r->log_text, log.p, n);
        err_r->log_text[n] = '\0';
    }
    return -(int)kind;
}

/* Sends what was begun. result points into the client's frame. */
static int ask(struct control_client *client, struct str *result_r, struct err *err_r)
{
    struct str ignored;
    int rc = control_frame_send(client->fd, &client->frame, err_r);

    TRY(rc);
    rc = control_frame_receive(client->fd, &client->frame, err_r);
    TRY(rc);
    if (rc == 0) {
        return err_tell(err_r, ERR_IO, "The server went away before it answered.");
    }
    return read_answer(buf_str(&client->frame), result_r != NULL ? result_r : &ignored, err_r);
}

/* As ask; what was sent is wiped, for it held a password. The answer is shorter than what is wiped,
 * or has nothing to hide. */
static int ask_and_wipe(struct control_client *client, struct err *err_r)
{
    int rc = ask(client, NULL, err_r);

    explicit_bzero(client->frame.p, client->frame.cap);
    return rc;
}

int control_user_add(struct control_client *client, struct str address, struct str display_name,
                     struct str password, struct err *err_r)
{
    struct buf *frame = begin(client, CONTROL_USER_ADD);

    control_add_bytes(frame, address);
    control_add_bytes(frame, display_name);
    control_add_bytes(frame, password);
    return ask_and_wipe(client, err_r);
}

int control_user_list(struct control_client *client, struct arena *arena, struct str *lines_r,
                      struct err *err_r)
{
    struct str lines;

    (void)begin(client, CONTROL_USER_LIST);
    TRY(ask(client, &lines, err_r));
    *lines_r = str_dup(arena, lines);
    return 0;
}

int control_user_passwd(struct control_client *client, struct str address, struct str password,
                        struct err *err_r)
{
    struct buf *frame = begin(client, CONTROL_USER_PASSWD);

    control_add_bytes(frame, address);
    control_add_bytes(frame, password);
    return ask_and_wipe(client, err_r);
}

int control_user_delete(struct control_client *client, struct str address, struct err *err_r)
{
    control_add_bytes(begin(client, CONTROL_USER_DELETE), address);
    return ask(client, NULL, err_r);
}

int control_import(struct control_client *client, struct str address, struct str folder,
                   const struct admin_message *messages, size_t n, struct err *err_r)
{
    struct buf *frame = begin(client, CONTROL_IMPORT);

    control_add_bytes(frame, address);
    control_add_bytes(frame, folder);
    buf_add_varint(frame, n);
    for (size_t i = 0; i < n; i++) {
        const struct admin_message *m = &messages[i];

        buf_add_varint(frame, (m->read ? CONTROL_READ : 0) |
                                  (m->delivered ? CONTROL_DELIVERED : 0) |
                                  (m->draft ? CONTROL_DRAFT : 0));
        buf_add_zigzag(frame, m->received_ms);
        control_add_bytes(frame, m->folder);
        control_add_bytes(frame, m->bytes);
    }
    return ask(client, NULL, err_r);
}

int control_check(struct control_client *client, struct str address, struct err *err_r)
{
    control_add_bytes(begin(client, CONTROL_CHECK), address);
    return ask(client, NULL, err_r);
}

/* A request of one text whose result is text. */
static int ask_for_lines(struct control_client *client, enum control_op op, struct str what,
                         struct arena *arena, struct str *lines_r, struct err *err_r)
{
    struct str lines;

    control_add_bytes(begin(client, op), what);
    TRY(ask(client, &lines, err_r));
    *lines_r = str_dup(arena, lines);
    return 0;
}

int control_subscription_list(struct control_client *client, struct str address,
                              struct arena *arena, struct str *lines_r, struct err *err_r)
{
    return ask_for_lines(client, CONTROL_SUBSCRIPTION_LIST, address, arena, lines_r, err_r);
}

int control_subscription_show(struct control_client *client, struct str id, struct arena *arena,
                              struct str *lines_r, struct err *err_r)
{
    return ask_for_lines(client, CONTROL_SUBSCRIPTION_SHOW, id, arena, lines_r, err_r);
}

int control_subscription_delete(struct control_client *client, struct str id, struct err *err_r)
{
    control_add_bytes(begin(client, CONTROL_SUBSCRIPTION_DELETE), id);
    return ask(client, NULL, err_r);
}

int control_watch(struct control_client *client, struct str address, struct str places,
                  struct arena *arena, struct admin_watch *watch_r, struct err *err_r)
{
    struct buf *frame = begin(client, CONTROL_WATCH);
    struct str result, lines, next;

    control_add_bytes(frame, address);
    control_add_bytes(frame, places);
    TRY(ask(client, &result, err_r));
    if (!str_take_bytes(&result, &lines) || !str_take_bytes(&result, &next)) {
        return err_set(err_r, ERR_IO, "control socket: the answer is malformed");
    }
    *watch_r = (struct admin_watch){.lines = str_dup(arena, lines), .places = str_dup(arena, next)};
    return 0;
}
