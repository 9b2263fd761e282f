#include "http/stream-private.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The peer's close_notify is one record; whoever sends many more than that without data is not waited for. */
#define RECORDS_AT_ONCE 16

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* None of them decides whether a stream works; so none may fail it. */
void stream_wire_options(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_CORK, 0);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, HTTP_STREAM_SOCKET_BYTES);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, HTTP_STREAM_KEEPALIVE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, HTTP_STREAM_KEEPALIVE_AGAIN_S);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, HTTP_STREAM_STALL_MS);
}

ssize_t stream_wire_send_parts(struct stream_wire *wire, struct iovec *parts, size_t n)
{
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = n};
    ssize_t sent;

    do {
        sent = sendmsg(wire->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : (errno == EAGAIN ? 0 : -1);
}

ssize_t stream_wire_send(struct stream_wire *wire, struct str bytes)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n};
    ssize_t sent;

    if (wire->session == NULL) {
        return stream_wire_send_parts(wire, &part, 1);
    }
    do {
        sent = gnutls_record_send(wire->session, bytes.p, bytes.n);
    } while (sent == GNUTLS_E_INTERRUPTED);
    return sent >= 0 ? sent : (sent == GNUTLS_E_AGAIN ? 0 : -1);
}

bool stream_wire_end(struct stream_wire *wire)
{
    if (wire->session != NULL) {
        int rc;

        do {
            rc = gnutls_bye(wire->session, GNUTLS_SHUT_WR);
        } while (rc == GNUTLS_E_INTERRUPTED);
        if (rc == GNUTLS_E_AGAIN) {
            return false;
        }
    }
    (void)shutdown(wire->fd, SHUT_WR);
    return true;
}

/*
 * Reads records until there are none. A request that the client sends while it gets a stream is not answered; nothing that follows it is looked at, so that nobody can keep
 * the thread busy. That the connection ends is seen all the same.
 */
static bool tls_ended(struct stream_wire *wire)
{
    char byte;

    for (unsigned i = 0; i < RECORDS_AT_ONCE; i++) {
        ssize_t n = gnutls_record_recv(wire->session, &byte, 1);

        if (n == GNUTLS_E_AGAIN) {
            return false;
        }
        if (n == 0 || (n < 0 && gnutls_error_is_fatal((int)n) != 0)) {
            return true;
        }
        if (n > 0) {
            wire->deaf = true;
            return false;
        }
    }
    wire->deaf = true;
    return false;
}

bool stream_wire_hung_up(struct stream_wire *wire)
{
    struct pollfd p = {.fd = wire->fd, .events = POLLRDHUP};
    bool listens = wire->session != NULL && !wire->deaf;

    if (listens) {
        p.events |= POLLIN;
    }
    if (poll(&p, 1, 0) <= 0) {
        return false;
    }
    if ((p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0) {
        return true;
    }
    return listens && (p.revents & POLLIN) != 0 && tls_ended(wire);
}

bool stream_wire_acknowledged(const struct stream_wire *wire)
{
    int unacknowledged = 0;

    return ioctl(wire->fd, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0;
}

void stream_wire_reset_on_close(const struct stream_wire *wire)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}
