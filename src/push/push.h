/*
 * POSTs to listeners by libcurl multi: one thread, bounded connections, time and size, no redirects, TLS verified, and only to targets that the configuration allows. It knows no XML: a body
 * goes out, a status and a body come back.
 */
#ifndef PUSH_PUSH_H
#define PUSH_PUSH_H

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct push;
struct push_policy;

/*
 * Which targets are allowed: a list of rules "host", "*.example.com", "10.1.0.0/16", "[fd00::]/8", "loopback", each with an optional ":port", between commas or white space. A host
 * rule allows what the name resolves to unless that is a loopback, link-local, multicast or unspecified address; such need a rule of their own: "loopback", or a network that lies
 * within that range (169.254.7.1, but not 0.0.0.0/0). A rule for addresses allows them by whatever name. Empty: none is allowed.
 */
int push_policy_parse(struct str rules, struct push_policy **policy_r, struct err *err_r)
    WARN_UNUSED; /* ERR_USAGE */
void push_policy_free(struct push_policy **policy);
/* For Subscribe: http or https, 1..2082 characters, parseable, no user or password in it; and its host not refused already by name: ERR_PUSH_URL. */
int push_url_check(const struct push_policy *policy, struct str url, struct err *err_r) WARN_UNUSED;

struct push_options {
    const struct push_policy *policy; /* kept by reference */
    const char *ca_file;              /* NULL: the system's */
    unsigned max_connections;         /* at once; 0: default */
    int64_t answer_ms;                /* longest wait for the whole answer; 0: default, 30 s */
};
int push_start(const struct push_options *options, struct push **push_r, struct err *err_r)
    WARN_UNUSED;
/*
 * Those that are out are broken off: their done is called with a failure, as is that of all sent until this returns; of the last ones perhaps on the caller's thread. Nobody may be in
 * push_send when it returns, or call it later.
 */
void push_stop(struct push **push);

/* The caller's, until done. */
struct push_post {
    const char *url;
    struct str body;         /* text/xml; charset=utf-8 */
    const char *soap_action; /* without quotes; a literal */
    /*
     * On the push thread, once, never from within push_send; it may send again. status: of a whole answer, whichever it is; 0: there was none, or it was longer than
     * PUSH_ANSWER_BYTES or broken off. why: for the log; NULL exactly when the status is a 2xx. answer and why are valid during the call only. The post is the caller's again.
     */
    void (*done)(struct push_post *post, int status, struct str answer, const char *why);
    struct push_post *next; /* push's */
};
/* Thread-safe, does not block. */
void push_send(struct push *push, struct push_post *post);

DEFINE_AUTO(push_policy, push_policy_free)
DEFINE_AUTO(push, push_stop)

#endif
