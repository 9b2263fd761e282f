#include "push/target.h"

#include "base/err.h"
#include "push/limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* ---- addresses ---- */

static const struct push_network special[] = {
    {{true, {0}}, 8},         /* unspecified, "this network": connects to this host */
    {{true, {127}}, 8},       /* loopback */
    {{true, {169, 254}}, 16}, /* link-local, and the metadata of clouds */
    {{true, {224}}, 3},       /* multicast, reserved, broadcast */
    {{false, {0}}, 96},       /* unspecified, loopback, IPv4-compatible */
    {{false, {0xfe, 0x80}}, 10},
    {{false, {0xff}}, 8},
    /* The same IPv4 addresses behind a translator (RFC 6052), and one's own translators (RFC 8215). */
    {{false, {0, 0x64, 0xff, 0x9b}}, 104},
    {{false, {0, 0x64, 0xff, 0x9b, [12] = 127}}, 104},
    {{false, {0, 0x64, 0xff, 0x9b, [12] = 169, [13] = 254}}, 112},
    {{false, {0, 0x64, 0xff, 0x9b, [12] = 224}}, 99},
    {{false, {0, 0x64, 0xff, 0x9b, 0, 1}}, 48},
    /* And in 6to4 (RFC 3056). */
    {{false, {0x20, 0x02, 0}}, 24},
    {{false, {0x20, 0x02, 127}}, 24},
    {{false, {0x20, 0x02, 169, 254}}, 32},
    {{false, {0x20, 0x02, 224}}, 19},
};

static struct push_address from_v4(const void *bytes)
{
    struct push_address a = {.is_v4 = true};

    memcpy(a.bytes, bytes, 4);
    return a;
}

static struct push_address from_v6(const struct in6_addr *in6)
{
    struct push_address a = {.is_v4 = false};

    if (IN6_IS_ADDR_V4MAPPED(in6)) {
        return from_v4(in6->s6_addr + 12);
    }
    memcpy(a.bytes, in6->s6_addr, sizeof(a.bytes));
    return a;
}

bool push_address_of(const struct sockaddr *address, struct push_address *address_r)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        *address_r = from_v4(&in->sin_addr);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        *address_r = from_v6(&in6->sin6_addr);
        return true;
    }
    return false;
}

bool push_network_has(const struct push_network *network, const struct push_address *address)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    unsigned differ;

    if (network->base.is_v4 != address->is_v4 ||
        memcmp(network->base.bytes, address->bytes, whole) != 0) {
        return false;
    }
    if (rest == 0) {
        return true;
    }
    differ = network->base.bytes[whole] ^ address->bytes[whole];
    return differ >> (8 - rest) == 0;
}

bool push_address_is_loopback(const struct push_address *address)
{
    static const struct push_network v4 = {{true, {127}}, 8};
    static const struct push_network v6 = {{false, {[15] = 1}}, 128};

    return push_network_has(&v4, address) || push_network_has(&v6, address);
}

const struct push_network *push_address_special(const struct push_address *address)
{
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        if (push_network_has(&special[i], address)) {
            return &special[i];
        }
    }
    return NULL;
}

/* ---- hosts ---- */

/* The forms of the standard alone: four decimal numbers, without leading zeros. */
static bool read_address(struct str text, int family, struct push_address *address_r)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr in6;
    struct in_addr in;

    if (text.n == 0 || text.n >= sizeof(copy) || str_find_char(text, '\0', 0) != SIZE_MAX) {
        return false;
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (family == AF_INET && inet_pton(AF_INET, copy, &in) == 1) {
        *address_r = from_v4(&in);
        return true;
    }
    if (family == AF_INET6 && inet_pton(AF_INET6, copy, &in6) == 1) {
        *address_r = from_v6(&in6);
        return true;
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static bool is_number(struct str label)
{
    bool digits = label.n != 0;

    if (label.n >= 2 && label.p[0] == '0' && (label.p[1] == 'x' || label.p[1] == 'X')) {
        return true;
    }
    for (size_t i = 0; i < label.n; i++) {
        digits = digits && is_digit(label.p[i]);
    }
    return digits;
}

/* last_r: its last label. */
static bool is_name(struct str name, struct str *last_r)
{
    struct str rest = name, label = STR("");

    if (name.n == 0 || name.n > PUSH_NAME_BYTES) {
        return false;
    }
    while (rest.p != NULL) {
        label = str_split(&rest, '.');
        if (label.n == 0 || label.n > PUSH_LABEL_BYTES) {
            return false;
        }
        for (size_t i = 0; i < label.n; i++) {
            if (!is_name_char(label.p[i])) {
                return false;
            }
        }
    }
    *last_r = label;
    return true;
}

/* What ends in a number is an address for resolvers, in any of the spellings that C libraries once took (127.1, 0x7f.1, 2130706433): of these only the usual one is let in. */
bool push_host_read(struct str text, struct push_host *host_r)
{
    struct push_host host = {.name = text};
    struct str last;

    if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']') {
        host.name = STR("");
        host.is_address = read_address(str_sub(text, 1, text.n - 2), AF_INET6, &host.address);
        if (host.is_address) {
            *host_r = host;
        }
        return host.is_address;
    }
    if (text.n != 0 && text.p[text.n - 1] == '.') {
        host.name.n--;
    }
    if (!is_name(host.name, &last)) {
        return false;
    }
    if (is_number(last)) {
        host.name = STR("");
        host.is_address = true;
        if (!read_address(text, AF_INET, &host.address)) {
            return false;
        }
    }
    *host_r = host;
    return true;
}

bool push_port_split(struct str *text, uint16_t *port_r)
{
    size_t colon = text->n;
    struct str digits;
    uint64_t port;

    while (colon > 0 && text->p[colon - 1] != ':' && text->p[colon - 1] != ']') {
        colon--;
    }
    if (colon == 0 || text->p[colon - 1] == ']') {
        return true;
    }
    digits = str_sub(*text, colon, SIZE_MAX);
    if (digits.n > 5 || !str_to_u64(digits, &port) || port == 0 || port > UINT16_MAX) {
        return false;
    }
    text->n = colon - 1;
    *port_r = (uint16_t)port;
    return true;
}

/* ---- URLs ---- */

/* Readers differ in what they make of these: some skip them, some take a backslash for a slash. */
static bool has_odd_char(struct str url)
{
    for (size_t i = 0; i < url.n; i++) {
        unsigned char c = (unsigned char)url.p[i];

        if (c <= 0x20 || c >= 0x7f || strchr("\\\"<>", c) != NULL) {
            return true;
        }
    }
    return false;
}

static size_t authority_bytes(struct str rest)
{
    size_t n = 0;

    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#') {
        n++;
    }
    return n;
}

int push_target_parse(struct str url, struct push_target *target_r, struct err *err_r)
{
    struct push_target target = {.port = 80};
    struct str rest;

    if (url.n == 0 || url.n > PUSH_URL_BYTES) {
        return err_tell(err_r, ERR_PUSH_URL, "The URL must have 1 to %d characters.",
                        PUSH_URL_BYTES);
    }
    if (has_odd_char(url)) {
        return err_tell(err_r, ERR_PUSH_URL, "The URL has characters that no URL may have.");
    }
    if (str_starts_nocase(url, STR("http://"))) {
        rest = str_sub(url, 7, SIZE_MAX);
    } else if (str_starts_nocase(url, STR("https://"))) {
        rest = str_sub(url, 8, SIZE_MAX);
        target.port = 443;
    } else {
        return err_tell(err_r, ERR_PUSH_URL, "The URL must begin with http:// or https://.");
    }
    rest = str_sub(rest, 0, authority_bytes(rest));
    if (!push_port_split(&rest, &target.port) || !push_host_read(rest, &target.host)) {
        return err_tell(err_r, ERR_PUSH_URL,
                        "The URL must name a host, by name or address, and at most a port.");
    }
    *target_r = target;
    return 0;
}
