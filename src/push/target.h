/*
 * What a URL names, and network addresses: the reading half of the policy. It never guesses: a spelling that two readers could take for two hosts is refused, so that what is
 * judged here is what libcurl will connect to.
 *
 * Callers: policy.c and push.c. Nothing is owned: texts point into what was read.
 */
#ifndef PUSH_TARGET_H
#define PUSH_TARGET_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct sockaddr;

/* An IPv4 address is one however it came: IPv4-mapped IPv6 is turned into it. */
struct push_address {
    bool is_v4;
    uint8_t bytes[16]; /* v4: the first four */
};

struct push_network {
    struct push_address base;
    unsigned bits;
};

struct push_host {
    bool is_address;
    struct push_address address;
    struct str name; /* without trailing dot; empty for addresses */
};

struct push_target {
    struct push_host host;
    uint16_t port;
};

/* ERR_PUSH_URL unless it is http or https with a host that has one meaning, and nothing but a port beside it. */
int push_target_parse(struct str url, struct push_target *target_r, struct err *err_r) WARN_UNUSED;

/* A name, a dotted IPv4 address, or an IPv6 address in brackets. */
bool push_host_read(struct str text, struct push_host *host_r);
/* Cuts ":port" from the end of *text; *port_r stays when there is none. False: there is one, and it is no port. */
bool push_port_split(struct str *text, uint16_t *port_r);

/* False for families other than IP. */
bool push_address_of(const struct sockaddr *address, struct push_address *address_r);
bool push_network_has(const struct push_network *network, const struct push_address *address);
bool push_address_is_loopback(const struct push_address *address);
/*
 * The range of addresses that mean this host, this link or many hosts, in which the address lies; NULL for all others. Who can write a DNS record, or a URL, must not reach through us
 * what trusts its neighbours.
 */
const struct push_network *push_address_special(const struct push_address *address);

#endif
