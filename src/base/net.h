/* Listening sockets from "HOST:PORT" texts. Callers: the doors (http, lmtp). */
#ifndef BASE_NET_H
#define BASE_NET_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct sockaddr;

#define NET_ADDRESS_BYTES 80

/*
 * Opens a non-blocking, close-on-exec TCP listener. HOST is a name, an IPv4 address or [an IPv6 address]; port 0 takes any free one. address_r gets the
 * bound address in the same form. ERR_USAGE for a malformed text, ERR_IO when it cannot be bound.
 */
int net_listen(const char *host_port, int *fd_r, char address_r[static NET_ADDRESS_BYTES],
               struct err *err_r) WARN_UNUSED;
/*
 * The same n times over, for as many loops: the kernel gives each connection to one of them, and so wakes one. Nobody else listens there, or it is ERR_IO; fds_r has room for n, and is filled whole or not at
 * all.
 */
int net_listen_shared(const char *host_port, unsigned n, int *fds_r,
                      char address_r[static NET_ADDRESS_BYTES], struct err *err_r) WARN_UNUSED;
/* True when every address that HOST stands for is a loopback one. */
int net_is_loopback(const char *host_port, bool *loopback_r, struct err *err_r) WARN_UNUSED;
/* "127.0.0.1:2400"; "?" for unknown families. */
void net_address_text(const struct sockaddr *address, bool with_port,
                      char text_r[static NET_ADDRESS_BYTES]);

#endif
