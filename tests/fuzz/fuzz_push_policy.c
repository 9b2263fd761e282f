/*
 * Rules and a URL, in a line each. What is let in must be for libcurl, which will connect, what it is for us: the same scheme, host and port, and no user.
 */
#include "push/policy.h"

#include "base/err.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *part_of(CURLU *parts, CURLUPart what, unsigned flags)
{
    char *text = NULL;

    return curl_url_get(parts, what, &text, flags) == CURLUE_OK ? text : NULL;
}

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void compare_host(const struct push_target *target, const char *host)
{
    struct str theirs = str_from(host);
    struct push_host read;

    expect(push_host_read(theirs, &read));
    expect(read.is_address == target->host.is_address);
    if (read.is_address) {
        expect(memcmp(&read.address, &target->host.address, sizeof(read.address)) == 0);
    } else {
        expect(str_eq_nocase(read.name, target->host.name));
    }
}

static void compare_with_libcurl(const char *url)
{
    struct push_target target;
    CURLU *parts = curl_url();
    char *host, *port, *user, *password;

    expect(push_target_parse(str_from(url), &target, NULL) == 0);
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK) {
        host = part_of(parts, CURLUPART_HOST, 0);
        port = part_of(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        user = part_of(parts, CURLUPART_USER, 0);
        password = part_of(parts, CURLUPART_PASSWORD, 0);
        expect(host != NULL && port != NULL && user == NULL && password == NULL);
        compare_host(&target, host);
        expect(strtoul(port, NULL, 10) == target.port);
        curl_free(host);
        curl_free(port);
    }
    curl_url_cleanup(parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct push_policy *everything, *nothing;
    struct str url = str_of(data, size), rules = str_split(&url, '\n');
    struct push_policy *policy = NULL;
    char *copy;

    if (everything == NULL &&
        (push_policy_parse(STR("loopback 10.0.0.0/8 [fd00::]/8"), &everything, NULL) != 0 ||
         push_policy_parse(STR(""), &nothing, NULL) != 0)) {
        abort();
    }
    if (push_policy_parse(rules, &policy, NULL) == 0) {
        if (push_url_check(policy, url, NULL) == 0) {
            expect(push_url_check(nothing, url, NULL) != 0);
        }
        push_policy_free(&policy);
    }
    if (push_url_check(everything, url, NULL) == 0) {
        copy = calloc(1, url.n + 1);
        expect(copy != NULL);
        memcpy(copy, url.p, url.n);
        expect(strlen(copy) == url.n);
        compare_with_libcurl(copy);
        free(copy);
    }
    return 0;
}
