/*
 * One POST to a listener and its answer: a handle of libcurl and what it is told to do and to leave. What a listener sends is data: bounded, and never obeyed.
 * Callers: push.c, on its thread.
 */
#ifndef PUSH_DELIVERY_H
#define PUSH_DELIVERY_H

#include "base/buf.h"
#include "base/net.h"
#include "push/push.h"
#include "push/target.h"

#include <curl/curl.h>

#define DELIVERY_STOPPED "broken off: the server stops"

struct delivery_rules {
    const struct push_policy *policy;
    const char *ca_file; /* or NULL */
    int64_t answer_ms;
};

/* Zeroed to begin with; used for one post after another. */
struct delivery {
    struct push_post *post; /* NULL: free */
    const struct delivery_rules *rules;
    CURL *easy; /* from the first post on; CURLINFO_PRIVATE is the delivery */
    struct curl_slist *headers;
    struct push_target target;
    struct buf answer;
    size_t head_bytes;
    bool too_large;
    char refused[NET_ADDRESS_BYTES]; /* the last address that was not allowed; or empty */
    char error[CURL_ERROR_SIZE];
};

/* Prepares d->easy, to be performed. False: the target is not allowed, done was called, d is free again. */
bool delivery_begin(struct delivery *d, const struct delivery_rules *rules, struct push_post *post);
/* The transfer is over, and its handle in no multi any more: calls done, frees d for the next one. CURLE_ABORTED_BY_CALLBACK: we stop. */
void delivery_end(struct delivery *d, CURLcode result);
void delivery_fini(struct delivery *d);

#endif
