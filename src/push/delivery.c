#include "push/delivery.h"

#include "base/mem.h"
#include "push/limits.h"
#include "push/policy.h"

#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>

/* An option that is not set would be a rule that is not kept. */
static void must(CURLcode rc)
{
    if (rc != CURLE_OK) {
        mem_die();
    }
}

/* ---- what libcurl calls ---- */

/* The only way to a socket: a name may resolve to one thing when it is checked and to another now. */
static curl_socket_t open_allowed(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct delivery *d = ctx;
    struct push_address address;

    (void)purpose;
    if (!push_address_of(&to->addr, &address) ||
        !push_policy_allows(d->rules->policy, &d->target, &address)) {
        net_address_text(&to->addr, false, d->refused);
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Less than what came ends the transfer. */
static size_t count_head(char *p, size_t size, size_t n, void *ctx)
{
    struct delivery *d = ctx;

    (void)p;
    d->head_bytes += size * n;
    d->too_large = d->too_large || d->head_bytes > PUSH_ANSWER_BYTES;
    return d->too_large ? 0 : size * n;
}

static size_t collect_answer(char *p, size_t size, size_t n, void *ctx)
{
    struct delivery *d = ctx;

    if (size * n > PUSH_ANSWER_BYTES - d->answer.n) {
        d->too_large = true;
        return 0;
    }
    buf_append(&d->answer, p, size * n);
    return size * n;
}

/* ---- the handle ---- */

static void set_connection(CURL *e, const struct delivery_rules *rules)
{
    must(curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https"));
    must(curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L));
    must(curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L));
    must(curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED));
    must(curl_easy_setopt(e, CURLOPT_PROXY, ""));
    must(curl_easy_setopt(e, CURLOPT_NOPROXY, "*"));
    must(curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1));
    must(curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L));
    must(curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)rules->answer_ms));
    must(curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)rules->answer_ms));
    must(curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)PUSH_KEEP_CONNECTION_S));
    /* A name that is still being looked up is left behind, not waited for. */
    must(curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L));
}

static void set_tls(CURL *e, const struct delivery_rules *rules)
{
    must(curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    must(curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L));
    must(curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L));
    if (rules->ca_file != NULL) {
        must(curl_easy_setopt(e, CURLOPT_CAINFO, rules->ca_file));
        must(curl_easy_setopt(e, CURLOPT_CAPATH, NULL)); /* instead of the system's, not beside */
    }
}

static void set_callbacks(CURL *e, struct delivery *d)
{
    must(curl_easy_setopt(e, CURLOPT_PRIVATE, d));
    must(curl_easy_setopt(e, CURLOPT_ERRORBUFFER, d->error));
    must(curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_allowed));
    must(curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, d));
    must(curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, count_head));
    must(curl_easy_setopt(e, CURLOPT_HEADERDATA, d));
    must(curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, collect_answer));
    must(curl_easy_setopt(e, CURLOPT_WRITEDATA, d));
}

static void add_header(struct delivery *d, const char *line)
{
    struct curl_slist *longer = curl_slist_append(d->headers, line);

    if (longer == NULL) {
        mem_die();
    }
    d->headers = longer;
}

static void set_request(struct delivery *d)
{
    struct buf action = BUF_INIT;

    buf_printf(&action, "SOAPAction: \"%s\"", d->post->soap_action);
    buf_add_char(&action, '\0');
    add_header(d, "Content-Type: text/xml; charset=utf-8");
    add_header(d, action.p);
    add_header(d, "Expect:"); /* no question before the body */
    buf_fini(&action);
    must(curl_easy_setopt(d->easy, CURLOPT_HTTPHEADER, d->headers));
    must(curl_easy_setopt(d->easy, CURLOPT_USERAGENT, "ewer/" EWER_VERSION));
    must(curl_easy_setopt(d->easy, CURLOPT_URL, d->post->url));
    must(curl_easy_setopt(d->easy, CURLOPT_POST, 1L));
    must(curl_easy_setopt(d->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)d->post->body.n));
    must(
        curl_easy_setopt(d->easy, CURLOPT_POSTFIELDS, d->post->body.n != 0 ? d->post->body.p : ""));
}

/* ---- life of a delivery ---- */

/* The policy may have changed since the URL was subscribed. */
static int check_target(struct delivery *d, struct err *err_r)
{
    TRY(push_url_check(d->rules->policy, str_from(d->post->url), err_r));
    return push_target_parse(str_from(d->post->url), &d->target, err_r);
}

bool delivery_begin(struct delivery *d, const struct delivery_rules *rules, struct push_post *post)
{
    struct err err = ERR_INIT;

    assert(d->post == NULL);
    d->post = post;
    d->rules = rules;
    d->head_bytes = 0;
    d->too_large = false;
    d->refused[0] = d->error[0] = '\0';
    if (check_target(d, &err) < 0) {
        d->post = NULL;
        post->done(post, 0, STR(""), err.log_text);
        return false;
    }
    if (d->easy == NULL && (d->easy = curl_easy_init()) == NULL) {
        mem_die();
    }
    curl_easy_reset(d->easy);
    set_connection(d->easy, rules);
    set_tls(d->easy, rules);
    set_callbacks(d->easy, d);
    set_request(d);
    return true;
}

/* Written over libcurl's own words where they do not tell. */
static const char *why_failed(struct delivery *d, CURLcode result)
{
    if (result == CURLE_ABORTED_BY_CALLBACK) {
        return DELIVERY_STOPPED;
    }
    if (d->too_large) {
        return "the answer is too large";
    }
    if (result == CURLE_COULDNT_CONNECT && d->refused[0] != '\0') {
        (void)snprintf(d->error, sizeof(d->error), "the address %s is not allowed", d->refused);
    }
    return d->error[0] != '\0' ? d->error : curl_easy_strerror(result);
}

void delivery_end(struct delivery *d, CURLcode result)
{
    struct push_post *post = take(&d->post);
    const char *why = NULL;
    long status = 0;

    if (result != CURLE_OK) {
        why = why_failed(d, result);
        buf_clear(&d->answer);
    } else {
        must(curl_easy_getinfo(d->easy, CURLINFO_RESPONSE_CODE, &status));
        if (status < 200 || status > 299) {
            (void)snprintf(d->error, sizeof(d->error), "HTTP status %ld", status);
            why = d->error;
        }
    }
    post->done(post, (int)status, buf_str(&d->answer), why);
    curl_slist_free_all(take(&d->headers));
    buf_fini(&d->answer);
}

void delivery_fini(struct delivery *d)
{
    assert(d->post == NULL);
    if (d->easy != NULL) {
        curl_easy_cleanup(take(&d->easy));
    }
}
