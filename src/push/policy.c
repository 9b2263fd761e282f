#include "push/policy.h"

#include "base/arena.h"
#include "push/limits.h"

enum rule_kind {
    RULE_HOST,       /* this name */
    RULE_SUBDOMAINS, /* names that end in a dot and this one */
    RULE_NETWORK,    /* addresses, whatever name leads to them */
    RULE_LOOPBACK    /* the same, for all of this host's own */
};

struct rule {
    enum rule_kind kind;
    uint16_t port;   /* 0: any */
    struct str name; /* of RULE_HOST and RULE_SUBDOMAINS */
    struct push_network network;
};

struct push_policy {
    struct arena *arena;
    struct rule *rules;
    size_t n;
};

/* ---- reading rules ---- */

/* A network with bits beyond its prefix is a slip of the pen: which half was meant? */
static bool has_host_bits(const struct push_network *network)
{
    unsigned bytes = network->base.is_v4 ? 4 : 16;

    for (unsigned bit = network->bits; bit < bytes * 8; bit++) {
        if ((network->base.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            return true;
        }
    }
    return false;
}

/* bits: without it, one address. */
static bool read_network(const struct push_address *base, bool has_bits, struct str bits,
                         struct rule *rule)
{
    uint64_t most = base->is_v4 ? 32 : 128, n = most;

    if (has_bits && (!str_to_u64(bits, &n) || n > most)) {
        return false;
    }
    rule->kind = RULE_NETWORK;
    rule->network = (struct push_network){*base, (unsigned)n};
    return !has_host_bits(&rule->network);
}

static bool read_rule(struct str text, struct rule *rule)
{
    struct push_host host;
    struct str name, bits;
    bool has_bits, wild;

    if (!push_port_split(&text, &rule->port)) {
        return false;
    }
    if (str_is_nocase(text, "loopback")) {
        rule->kind = RULE_LOOPBACK;
        return true;
    }
    bits = text;
    name = str_split(&bits, '/');
    has_bits = bits.p != NULL;
    wild = str_starts(name, STR("*."));
    if (!push_host_read(wild ? str_sub(name, 2, SIZE_MAX) : name, &host)) {
        return false;
    }
    if (host.is_address) {
        /* The prefix of an IPv4 address counts its own bits: one written as IPv6 is unclear. */
        return !wild && host.address.is_v4 == (name.p[0] != '[') &&
               read_network(&host.address, has_bits, bits, rule);
    }
    rule->kind = wild ? RULE_SUBDOMAINS : RULE_HOST;
    rule->name = host.name;
    return !has_bits;
}

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next rule of *rest; empty at the end. */
static struct str next_rule(struct str *rest)
{
    size_t from = 0, to;
    struct str text;

    while (from < rest->n && is_separator(rest->p[from])) {
        from++;
    }
    to = from;
    while (to < rest->n && !is_separator(rest->p[to])) {
        to++;
    }
    text = str_sub(*rest, from, to - from);
    *rest = str_sub(*rest, to, SIZE_MAX);
    return text;
}

int push_policy_parse(struct str rules, struct push_policy **policy_r, struct err *err_r)
{
    struct arena *arena = arena_new(NULL, "push_policy");
    AUTO(push_policy) policy = ARENA_NEW(arena, struct push_policy);
    struct str rest = str_dup(arena, rules), text;

    policy->arena = arena;
    policy->rules = ARENA_ARRAY(arena, struct rule, PUSH_RULES_MAX);
    for (text = next_rule(&rest); text.n != 0; text = next_rule(&rest)) {
        if (policy->n == PUSH_RULES_MAX) {
            return err_tell(err_r, ERR_USAGE, "more than %d push targets", PUSH_RULES_MAX);
        }
        if (!read_rule(text, &policy->rules[policy->n])) {
            return err_tell(err_r, ERR_USAGE,
                            "'%.*s' is no push target: host, *.domain, address, network/bits, "
                            "[IPv6]/bits or loopback, each with an optional :port",
                            STR_ARG(text));
        }
        policy->n++;
    }
    *policy_r = take(&policy);
    return 0;
}

void push_policy_free(struct push_policy **policy)
{
    struct push_policy *p = *policy;
    struct arena *arena;

    if (p == NULL) {
        return;
    }
    *policy = NULL;
    arena = p->arena;
    arena_free(&arena);
}

/* ---- judging ---- */

static bool is_below(struct str name, struct str domain)
{
    return name.n > domain.n + 1 && name.p[name.n - domain.n - 1] == '.' &&
           str_ends_nocase(name, domain);
}

static bool rule_has_name(const struct rule *rule, const struct push_host *host)
{
    if (host->is_address) {
        return false;
    }
    return rule->kind == RULE_HOST ? str_eq_nocase(host->name, rule->name)
                                   : is_below(host->name, rule->name);
}

/* A network that is wider than the special range was not written with that range in mind. */
static bool network_allows(const struct push_network *network, const struct push_address *address)
{
    const struct push_network *range = push_address_special(address);

    return push_network_has(network, address) &&
           (range == NULL ||
            (network->bits >= range->bits && push_network_has(range, &network->base)));
}

static bool rule_allows(const struct rule *rule, const struct push_target *target,
                        const struct push_address *address)
{
    if (rule->port != 0 && rule->port != target->port) {
        return false;
    }
    switch (rule->kind) {
    case RULE_HOST:
    case RULE_SUBDOMAINS:
        return push_address_special(address) == NULL && rule_has_name(rule, &target->host);
    case RULE_NETWORK: return network_allows(&rule->network, address);
    case RULE_LOOPBACK: return push_address_is_loopback(address);
    }
    return false;
}

bool push_policy_allows(const struct push_policy *policy, const struct push_target *target,
                        const struct push_address *address)
{
    for (size_t i = 0; i < policy->n; i++) {
        if (rule_allows(&policy->rules[i], target, address)) {
            return true;
        }
    }
    return false;
}

/* Rules for addresses may fit whatever a name resolves to: that is seen at connect. */
static bool rule_may_allow(const struct rule *rule, const struct push_target *target)
{
    bool by_name = rule->kind == RULE_HOST || rule->kind == RULE_SUBDOMAINS;

    return (rule->port == 0 || rule->port == target->port) &&
           (!by_name || rule_has_name(rule, &target->host));
}

bool push_policy_may_allow(const struct push_policy *policy, const struct push_target *target)
{
    if (target->host.is_address) {
        return push_policy_allows(policy, target, &target->host.address);
    }
    for (size_t i = 0; i < policy->n; i++) {
        if (rule_may_allow(&policy->rules[i], target)) {
            return true;
        }
    }
    return false;
}

int push_url_check(const struct push_policy *policy, struct str url, struct err *err_r)
{
    struct push_target target;

    TRY(push_target_parse(url, &target, err_r));
    if (!push_policy_may_allow(policy, &target)) {
        return err_tell(err_r, ERR_PUSH_URL,
                        "The host of the URL is not among the targets that this server allows.");
    }
    return 0;
}
