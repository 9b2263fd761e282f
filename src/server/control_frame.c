#include "server/control-private.h"

#include "base/err.h"
#include "server/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_BYTES 5

int control_address(const char *dir, struct sockaddr_un *address_r, int *dir_fd_r,
                    struct err *err_r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = (size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", dir);
    int fd = -1;

    if (n >= sizeof(address.sun_path)) {
        fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
            return err_set(err_r, ERR_IO, "%s: %s", dir, strerror(errno));
        }
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control.sock",
                       fd);
    }
    *address_r = address;
    *dir_fd_r = fd;
    return 0;
}

void control_add_bytes(struct buf *out, struct str bytes)
{
    buf_add_varint(out, bytes.n);
    buf_add_str(out, bytes);
}

void control_frame_begin(struct buf *frame)
{
    static const char header[HEADER_BYTES] = {0, 0, 0, 0, CONTROL_VERSION};

    buf_clear(frame);
    buf_append(frame, header, sizeof(header));
}

int control_frame_send(int fd, struct buf *frame, struct err *err_r)
{
    size_t content = frame->n - 4, sent = 0;

    if (content > CONTROL_FRAME_BYTES) {
        return err_tell(err_r, ERR_TOO_LARGE, "A request of %zu bytes is too large.", content);
    }
    for (int i = 0; i < 4; i++) {
        frame->p[i] = (char)(content >> (8 * (3 - i)));
    }
    while (sent < frame->n) {
        ssize_t n = send(fd, frame->p + sent, frame->n - sent, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR) {
            return err_set(err_r, ERR_IO, "control socket: %s", strerror(errno));
        }
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Number of bytes that came before the peer closed; negative ERR_IO. */
static ssize_t receive_all(int fd, char *p, size_t n, struct err *err_r)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r = recv(fd, p + got, n - got, 0);

        if (r < 0 && errno != EINTR) {
            return err_set(err_r, ERR_IO, "control socket: %s", strerror(errno));
        }
        if (r == 0) {
            break;
        }
        got += r > 0 ? (size_t)r : 0;
    }
    return (ssize_t)got;
}

int control_frame_receive(int fd, struct buf *frame, struct err *err_r)
{
    unsigned char header[HEADER_BYTES];
    size_t n = 0;
    ssize_t got = receive_all(fd, (char *)header, sizeof(header), err_r);

    if (got <= 0) {
        return (int)got;
    }
    for (int i = 0; i < 4; i++) {
        n = n << 8 | header[i];
    }
    if (got < HEADER_BYTES || n == 0) {
        return err_set(err_r, ERR_IO, "control socket: half a frame");
    }
    if (n > CONTROL_FRAME_BYTES) {
        return err_set(err_r, ERR_TOO_LARGE, "control socket: a frame of %zu bytes", n);
    }
    if (header[4] != CONTROL_VERSION) {
        return err_tell(err_r, ERR_NOT_SUPPORTED,
                        "The running server and this program are of different versions.");
    }
    buf_clear(frame);
    got = receive_all(fd, buf_reserve(frame, n), n - 1, err_r);
    if (got < 0) {
        return (int)got;
    }
    frame->n = (size_t)got;
    return frame->n == n - 1 ? 1 : err_set(err_r, ERR_IO, "control socket: half a frame");
}
