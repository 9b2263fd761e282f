/*
 * An HTTP listener on a loopback socket that does what the path asks for, well or badly. One thread a connection; with TLS after listener_make_tls. Header only.
 */
#ifndef SUPPORT_PUSH_LISTENER_H
#define SUPPORT_PUSH_LISTENER_H

#include <assert.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LISTENER_CONNS_MAX 128
#define LISTENER_LIMIT 65536 /* of /full; /over is a byte longer */

struct listener;

struct listener_conn {
    struct listener *listener;
    pthread_t thread;
    int fd;
    gnutls_session_t tls;
    char *in; /* terminated */
    size_t n;
};

struct listener {
    int fd;
    unsigned port;
    pthread_t thread;
    gnutls_certificate_credentials_t credentials; /* NULL: no TLS */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct listener_conn conns[LISTENER_CONNS_MAX];
    unsigned connections, requests, in_hand, most_in_hand;
    bool gate_open; /* for /gate */
    char *last;     /* request */
    bool stopping;
};

static inline bool listener_say_bytes(struct listener_conn *c, const char *p, size_t n)
{
    while (n != 0) {
        ssize_t done =
            c->tls != NULL ? gnutls_record_send(c->tls, p, n) : send(c->fd, p, n, MSG_NOSIGNAL);

        if (done <= 0) {
            return false;
        }
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static inline bool listener_say(struct listener_conn *c, const char *text)
{
    return listener_say_bytes(c, text, strlen(text));
}

/* False: the peer has closed. */
static inline bool listener_hear(struct listener_conn *c)
{
    char piece[16384];
    ssize_t n = c->tls != NULL ? gnutls_record_recv(c->tls, piece, sizeof(piece))
                               : recv(c->fd, piece, sizeof(piece), 0);

    if (n <= 0) {
        return false;
    }
    c->in = realloc(c->in, c->n + (size_t)n + 1);
    assert(c->in != NULL);
    memcpy(c->in + c->n, piece, (size_t)n);
    c->n += (size_t)n;
    c->in[c->n] = '\0';
    return true;
}

/* Of head and body; SIZE_MAX while the head is not whole. */
static inline size_t listener_request_bytes(const struct listener_conn *c)
{
    const char *end = memmem(c->in, c->n < 8192 ? c->n : 8192, "\r\n\r\n", 4);
    const char *length = end != NULL ? strstr(c->in, "Content-Length: ") : NULL;

    return length == NULL ? SIZE_MAX : (size_t)(end + 4 - c->in) + strtoul(length + 16, NULL, 10);
}

/* Head and body; false at the end, or for what is no POST. Requests come one after the other. */
static inline bool listener_read_request(struct listener_conn *c)
{
    free(c->in);
    c->in = NULL;
    c->n = 0;
    while (listener_hear(c)) {
        if (c->n >= listener_request_bytes(c)) {
            return true;
        }
        if (c->in[0] != 'P') {
            return false;
        }
    }
    return false;
}

static inline void listener_note_begin(struct listener_conn *c)
{
    struct listener *l = c->listener;

    pthread_mutex_lock(&l->mutex);
    l->requests++;
    l->in_hand++;
    l->most_in_hand = l->in_hand > l->most_in_hand ? l->in_hand : l->most_in_hand;
    free(l->last);
    l->last = strdup(c->in);
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->mutex);
}

/* Before the answer: who has it may count on the number. */
static inline void listener_note_end(struct listener *l)
{
    pthread_mutex_lock(&l->mutex);
    l->in_hand--;
    pthread_mutex_unlock(&l->mutex);
}

/* ---- what the paths ask for; false: close ---- */

static inline bool listener_ok(struct listener_conn *c)
{
    return listener_say(c, "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\n"
                           "Content-Length: 6\r\n\r\nthanks");
}

static inline bool listener_status(struct listener_conn *c)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "HTTP/1.1 %.3s So\r\nContent-Length: 4\r\n\r\nbody",
                   c->in + strlen("POST /status/"));
    return listener_say(c, text);
}

static inline bool listener_redirect(struct listener_conn *c)
{
    return listener_say(c, "HTTP/1.1 307 There\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
}

static inline bool listener_demand(struct listener_conn *c)
{
    return listener_say(c, "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                           "WWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n");
}

static inline bool listener_garbage(struct listener_conn *c)
{
    (void)listener_say(c, "<<<\x01\x02 is this HTTP?\r\n\r\n");
    return false;
}

static inline bool listener_close(struct listener_conn *c)
{
    (void)c;
    return false;
}

static inline bool listener_cut(struct listener_conn *c)
{
    (void)listener_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    return false;
}

static inline bool listener_cut_chunk(struct listener_conn *c)
{
    (void)listener_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n");
    return false;
}

static inline bool listener_hang(struct listener_conn *c)
{
    while (listener_hear(c)) {
    }
    return false;
}

static inline bool listener_stall(struct listener_conn *c)
{
    (void)listener_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    return listener_hang(c);
}

static inline bool listener_long(struct listener_conn *c, size_t bytes)
{
    char *body = malloc(bytes);
    bool on;

    assert(body != NULL);
    memset(body, 'x', bytes);
    /* Its length is not told beforehand. */
    (void)listener_say(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    on = listener_say_bytes(c, body, bytes);
    free(body);
    (void)on;
    return false;
}

static inline bool listener_full(struct listener_conn *c)
{
    return listener_long(c, LISTENER_LIMIT);
}

static inline bool listener_over(struct listener_conn *c)
{
    return listener_long(c, LISTENER_LIMIT + 1);
}

/* Ends when the peer does. */
static inline bool listener_endless(struct listener_conn *c, const char *head, const char *piece)
{
    (void)listener_say(c, head);
    while (listener_say(c, piece)) {
    }
    return false;
}

static inline bool listener_endless_body(struct listener_conn *c)
{
    return listener_endless(c, "HTTP/1.1 200 OK\r\n\r\n", "and so on ");
}

static inline bool listener_endless_head(struct listener_conn *c)
{
    return listener_endless(c, "HTTP/1.1 200 OK\r\n", "X-And: so on\r\n");
}

static inline bool listener_endless_line(struct listener_conn *c)
{
    return listener_endless(c, "HTTP/1.1 200 OK\r\nX-And: ", "and so on ");
}

static inline bool listener_endless_continue(struct listener_conn *c)
{
    return listener_endless(c, "", "HTTP/1.1 100 Continue\r\n\r\n");
}

static inline bool listener_gate(struct listener_conn *c)
{
    struct listener *l = c->listener;

    pthread_mutex_lock(&l->mutex);
    while (!l->gate_open && !l->stopping) {
        pthread_cond_wait(&l->changed, &l->mutex);
    }
    pthread_mutex_unlock(&l->mutex);
    listener_note_end(l);
    return listener_ok(c);
}

static inline bool listener_do(struct listener_conn *c)
{
    static const struct {
        const char *path;
        bool (*act)(struct listener_conn *c);
    } acts[] = {
        {"/ok", listener_ok},
        {"/status/", listener_status},
        {"/redirect", listener_redirect},
        {"/demand", listener_demand},
        {"/garbage", listener_garbage},
        {"/close", listener_close},
        {"/cut", listener_cut},
        {"/chunk-cut", listener_cut_chunk},
        {"/hang", listener_hang},
        {"/stall", listener_stall},
        {"/full", listener_full},
        {"/over", listener_over},
        {"/endless-body", listener_endless_body},
        {"/endless-head", listener_endless_head},
        {"/endless-line", listener_endless_line},
        {"/endless-continue", listener_endless_continue},
    };

    listener_note_begin(c);
    if (strncmp(c->in, "POST /gate ", 11) == 0) {
        return listener_gate(c);
    }
    listener_note_end(c->listener);
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strncmp(c->in + 5, acts[i].path, strlen(acts[i].path)) == 0) {
            return acts[i].act(c);
        }
    }
    return false;
}

/* ---- connections ---- */

static inline bool listener_handshake(struct listener_conn *c)
{
    int rc;

    if (c->listener->credentials == NULL) {
        return true;
    }
    gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
    gnutls_set_default_priority(c->tls);
    gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->listener->credentials);
    gnutls_transport_set_int(c->tls, c->fd);
    do {
        rc = gnutls_handshake(c->tls);
    } while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
    return rc == 0;
}

static inline void *listener_conn_main(void *arg)
{
    struct listener_conn *c = arg;
    struct listener *l = c->listener;

    if (listener_handshake(c)) {
        while (listener_read_request(c) && listener_do(c)) {
        }
    }
    if (c->tls != NULL) {
        gnutls_deinit(c->tls);
    }
    free(c->in);
    pthread_mutex_lock(&l->mutex);
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

static inline void *listener_main(void *arg)
{
    struct listener *l = arg;
    int fd;

    while ((fd = accept(l->fd, NULL, NULL)) >= 0) {
        struct listener_conn *c;

        pthread_mutex_lock(&l->mutex);
        assert(l->connections < LISTENER_CONNS_MAX);
        c = &l->conns[l->connections++];
        *c = (struct listener_conn){.listener = l, .fd = fd};
        if (pthread_create(&c->thread, NULL, listener_conn_main, c) != 0) {
            abort();
        }
        pthread_mutex_unlock(&l->mutex);
    }
    return NULL;
}

static inline void listener_start(struct listener *l)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    int rc;

    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->changed, NULL);
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    rc = bind(l->fd, (struct sockaddr *)&address, n) | listen(l->fd, 128) |
         getsockname(l->fd, (struct sockaddr *)&address, &n);
    assert(rc == 0);
    l->port = ntohs(address.sin_port);
    rc = pthread_create(&l->thread, NULL, listener_main, l);
    assert(rc == 0);
}

static inline void listener_stop(struct listener *l)
{
    shutdown(l->fd, SHUT_RDWR);
    pthread_join(l->thread, NULL);
    close(l->fd);
    pthread_mutex_lock(&l->mutex);
    l->stopping = true;
    pthread_cond_broadcast(&l->changed);
    for (unsigned i = 0; i < l->connections; i++) {
        if (l->conns[i].fd >= 0) {
            shutdown(l->conns[i].fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&l->mutex);
    for (unsigned i = 0; i < l->connections; i++) {
        pthread_join(l->conns[i].thread, NULL);
    }
    free(l->last);
    if (l->credentials != NULL) {
        gnutls_certificate_free_credentials(l->credentials);
    }
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->mutex);
}

/* ---- what tests ask ---- */

static inline void listener_wait_in_hand(struct listener *l, unsigned n)
{
    pthread_mutex_lock(&l->mutex);
    while (l->in_hand < n) {
        pthread_cond_wait(&l->changed, &l->mutex);
    }
    pthread_mutex_unlock(&l->mutex);
}

static inline void listener_wait_requests(struct listener *l, unsigned n)
{
    pthread_mutex_lock(&l->mutex);
    while (l->requests < n) {
        pthread_cond_wait(&l->changed, &l->mutex);
    }
    pthread_mutex_unlock(&l->mutex);
}

static inline void listener_open_gate(struct listener *l)
{
    pthread_mutex_lock(&l->mutex);
    l->gate_open = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->mutex);
}

static inline unsigned listener_count(struct listener *l, const unsigned *number)
{
    unsigned n;

    pthread_mutex_lock(&l->mutex);
    n = *number;
    pthread_mutex_unlock(&l->mutex);
    return n;
}

/* ---- certificates ---- */

struct listener_ca {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
};

static inline gnutls_x509_privkey_t listener_make_key(void)
{
    gnutls_x509_privkey_t key;
    int rc = gnutls_x509_privkey_init(&key) |
             gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);

    assert(rc == 0);
    return key;
}

static inline gnutls_x509_crt_t listener_make_certificate(gnutls_x509_privkey_t key,
                                                          const char *name, unsigned char serial)
{
    gnutls_x509_crt_t crt;
    time_t now = time(NULL);
    int rc = gnutls_x509_crt_init(&crt) | gnutls_x509_crt_set_key(crt, key) |
             gnutls_x509_crt_set_version(crt, 3) | gnutls_x509_crt_set_serial(crt, &serial, 1) |
             gnutls_x509_crt_set_activation_time(crt, now - 3600) |
             gnutls_x509_crt_set_expiration_time(crt, now + 3600) |
             gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                           (unsigned)strlen(name));

    assert(rc == 0);
    return crt;
}

/* Its certificate goes to path. */
static inline void listener_ca_make(struct listener_ca *ca, const char *path)
{
    gnutls_datum_t pem;
    FILE *f = fopen(path, "w");
    int rc;

    ca->key = listener_make_key();
    ca->certificate = listener_make_certificate(ca->key, "test CA", 1);
    rc = gnutls_x509_crt_set_basic_constraints(ca->certificate, 1, -1) |
         gnutls_x509_crt_set_key_usage(ca->certificate, GNUTLS_KEY_KEY_CERT_SIGN) |
         gnutls_x509_crt_sign2(ca->certificate, ca->certificate, ca->key, GNUTLS_DIG_SHA256, 0) |
         gnutls_x509_crt_export2(ca->certificate, GNUTLS_X509_FMT_PEM, &pem);
    assert(rc == 0 && f != NULL);
    rc = fwrite(pem.data, pem.size, 1, f) == 1 ? fclose(f) : -1;
    assert(rc == 0);
    gnutls_free(pem.data);
}

static inline void listener_ca_free(struct listener_ca *ca)
{
    gnutls_x509_crt_deinit(ca->certificate);
    gnutls_x509_privkey_deinit(ca->key);
}

/* Before listener_start. The certificate is for the DNS name alone. */
static inline void listener_make_tls(struct listener *l, const struct listener_ca *ca,
                                     const char *name)
{
    gnutls_x509_privkey_t key = listener_make_key();
    gnutls_x509_crt_t crt = listener_make_certificate(key, name, 2);
    int rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
                                                  (unsigned)strlen(name), GNUTLS_FSAN_SET) |
             gnutls_x509_crt_sign2(crt, ca->certificate, ca->key, GNUTLS_DIG_SHA256, 0) |
             gnutls_certificate_allocate_credentials(&l->credentials) |
             gnutls_certificate_set_x509_key(l->credentials, &crt, 1, key);

    assert(rc == 0);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

#endif
