#include "base/net.h"

#include "base/err.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_BACKLOG 512

struct host_port {
    char host[256];
    char port[8];
};

static int split(const char *text, struct host_port *out, struct err *err_r)
{
    const char *colon = strrchr(text, ':');
    const char *from = text;
    size_t n;

    uint64_t port;

    if (colon == NULL || !str_to_u64(str_from(colon + 1), &port) || port > UINT16_MAX ||
        strlen(colon + 1) >= sizeof(out->port)) {
        return err_tell(err_r, ERR_USAGE, "'%s' is not HOST:PORT", text);
    }
    n = (size_t)(colon - text);
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        from++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof(out->host)) {
        return err_tell(err_r, ERR_USAGE, "'%s' is not HOST:PORT", text);
    }
    memcpy(out->host, from, n);
    out->host[n] = '\0';
    memcpy(out->port, colon + 1, strlen(colon + 1) + 1);
    return 0;
}

static int resolve(const char *text, struct addrinfo **list_r, struct err *err_r)
{
    struct host_port hp;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int rc;

    TRY(split(text, &hp, err_r));
    rc = getaddrinfo(hp.host, hp.port, &hints, list_r);
    if (rc != 0) {
        return err_tell(err_r, ERR_USAGE, "'%s': %s", text, gai_strerror(rc));
    }
    return 0;
}

static int open_one(const struct addrinfo *ai, bool shared)
{
    const int one = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (shared) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    }
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0) {
        return fd;
    }
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

static int listen_on(const char *host_port, bool shared, int *fd_r,
                     char address_r[static NET_ADDRESS_BYTES], struct err *err_r)
{
    struct addrinfo *list = NULL;
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof(bound);
    int fd = -1;

    TRY(resolve(host_port, &list, err_r));
    for (const struct addrinfo *ai = list; ai != NULL && fd < 0; ai = ai->ai_next) {
        fd = open_one(ai, shared);
    }
    freeaddrinfo(list);
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&bound, &len) != 0) {
        return err_tell(err_r, ERR_IO, "cannot listen on %s: %s", host_port, strerror(errno));
    }
    net_address_text((const struct sockaddr *)&bound, true, address_r);
    *fd_r = fd;
    return 0;
}

int net_listen(const char *host_port, int *fd_r, char address_r[static NET_ADDRESS_BYTES],
               struct err *err_r)
{
    return listen_on(host_port, false, fd_r, address_r, err_r);
}

/* First alone: who shares a port would otherwise share it with anybody of the same user. */
int net_listen_shared(const char *host_port, unsigned n, int *fds_r,
                      char address_r[static NET_ADDRESS_BYTES], struct err *err_r)
{
    char address[NET_ADDRESS_BYTES];
    unsigned opened = 0;
    int fd, rc;

    TRY(listen_on(host_port, false, &fd, address, err_r));
    (void)close(fd);
    do {
        rc = listen_on(address, true, &fds_r[opened], address_r, err_r);
        opened += rc == 0;
    } while (rc == 0 && opened < n);
    while (rc < 0 && opened > 0) {
        (void)close(fds_r[--opened]);
    }
    return rc;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    }
    return false;
}

int net_is_loopback(const char *host_port, bool *loopback_r, struct err *err_r)
{
    struct addrinfo *list = NULL;
    bool all = true;

    TRY(resolve(host_port, &list, err_r));
    for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        all = all && is_loopback(ai->ai_addr);
    }
    freeaddrinfo(list);
    *loopback_r = all;
    return 0;
}

void net_address_text(const struct sockaddr *address, bool with_port,
                      char text_r[static NET_ADDRESS_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "?";
    unsigned port = 0;
    bool six = address->sa_family == AF_INET6;

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        (void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        port = ntohs(in->sin_port);
    } else if (six) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        port = ntohs(in6->sin6_port);
    }
    if (with_port) {
        (void)snprintf(text_r, NET_ADDRESS_BYTES, six ? "[%s]:%u" : "%s:%u", host, port);
    } else {
        (void)snprintf(text_r, NET_ADDRESS_BYTES, "%s", host);
    }
}
