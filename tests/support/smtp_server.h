/*
 * A scripted SMTP server on a loopback socket: at each stage it gives the replies that the test laid down, in order, and what is usual after those. It keeps
 * what it accepted. One thread, any number of connections.
 */
#ifndef SUPPORT_SMTP_SERVER_H
#define SUPPORT_SMTP_SERVER_H

#include "base/macros.h"

#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum smtp_stage { AT_GREETING, AT_EHLO, AT_AUTH, AT_MAIL, AT_RCPT, AT_DATA, AT_BODY, STAGES };

/* Replies that are deeds. */
#define SMTP_CLOSE "close"
#define SMTP_HANG "hang"       /* says nothing */
#define SMTP_ENDLESS "endless" /* a reply that does not end */
#define SMTP_LOSE "lose"       /* at the body: accepts it, and closes before the reply */

#define SMTP_SCRIPT_MAX 8
#define SMTP_CONNS_MAX 32

struct smtp_message {
    char from[256], to[256];
    char *body; /* as on the wire, dots and all, without the last one */
};

struct smtp_conn {
    int fd;
    bool in_body;
    char from[256], to[256];
    char *in;
    size_t n;
};

struct smtp_server {
    const char *script[STAGES][SMTP_SCRIPT_MAX];
    const char *ehlo; /* further lines */
    unsigned asked[STAGES];
    char url[64];
    int fd, stop_pipe[2];
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what the test reads */
    struct smtp_message *messages;
    size_t message_count;
    unsigned connections;
    struct smtp_conn conns[SMTP_CONNS_MAX];
    size_t conn_count;
};

static const char *const smtp_usual[STAGES] = {
    [AT_GREETING] = "220 ready",
    [AT_EHLO] = "250 fine",
    [AT_AUTH] = "235 welcome",
    [AT_MAIL] = "250 2.1.0 sender fine",
    [AT_RCPT] = "250 2.1.5 recipient fine",
    [AT_DATA] = "354 go on",
    [AT_BODY] = "250 2.0.0 taken",
};

static inline void smtp_say(struct smtp_conn *conn, const char *text)
{
    (void)!send(conn->fd, text, strlen(text), MSG_NOSIGNAL);
    (void)!send(conn->fd, "\r\n", 2, MSG_NOSIGNAL);
}

static inline void smtp_keep(struct smtp_server *s, struct smtp_conn *conn, size_t bytes)
{
    struct smtp_message *m;

    s->messages = realloc(s->messages, (s->message_count + 1) * sizeof(*m));
    assert(s->messages != NULL);
    m = &s->messages[s->message_count++];
    memcpy(m->from, conn->from, sizeof(m->from));
    memcpy(m->to, conn->to, sizeof(m->to));
    m->body = strndup(conn->in, bytes);
}

/* False: close. bytes: of the body, at AT_BODY. */
static inline bool smtp_reply(struct smtp_server *s, struct smtp_conn *conn, enum smtp_stage stage,
                              size_t bytes)
{
    unsigned nth = s->asked[stage]++;
    const char *reply = nth < SMTP_SCRIPT_MAX ? s->script[stage][nth] : NULL;

    if (reply == NULL) {
        reply = smtp_usual[stage];
    }
    if (stage == AT_BODY && (reply[0] == '2' || strcmp(reply, SMTP_LOSE) == 0)) {
        smtp_keep(s, conn, bytes);
    }
    if (strcmp(reply, SMTP_CLOSE) == 0 || strcmp(reply, SMTP_LOSE) == 0) {
        return false;
    }
    if (strcmp(reply, SMTP_HANG) == 0) {
        return true;
    }
    if (strcmp(reply, SMTP_ENDLESS) == 0) {
        for (int i = 0; i < 10000; i++) {
            smtp_say(conn, "250-and so on");
        }
        return true;
    }
    if (stage == AT_EHLO && s->ehlo != NULL) {
        smtp_say(conn, s->ehlo);
    }
    smtp_say(conn, reply);
    conn->in_body = stage == AT_DATA && reply[0] == '3';
    return true;
}

static inline void smtp_copy_path(char out[256], const char *line)
{
    const char *open = strchr(line, '<'), *end = open != NULL ? strchr(open, '>') : NULL;

    snprintf(out, 256, "%.*s", end != NULL ? (int)(end - open - 1) : 0,
             open != NULL ? open + 1 : "");
}

static inline bool smtp_command(struct smtp_server *s, struct smtp_conn *conn, const char *line)
{
    static const char *const verbs[STAGES] = {[AT_EHLO] = "EHLO",
                                              [AT_AUTH] = "AUTH",
                                              [AT_MAIL] = "MAIL",
                                              [AT_RCPT] = "RCPT",
                                              [AT_DATA] = "DATA"};

    for (int stage = AT_EHLO; stage <= AT_DATA; stage++) {
        if (strncmp(line, verbs[stage], 4) == 0) {
            if (stage == AT_MAIL || stage == AT_RCPT) {
                smtp_copy_path(stage == AT_MAIL ? conn->from : conn->to, line);
            }
            return smtp_reply(s, conn, (enum smtp_stage)stage, 0);
        }
    }
    smtp_say(conn, strncmp(line, "QUIT", 4) == 0 ? "221 bye" : "502 what?");
    return strncmp(line, "QUIT", 4) != 0;
}

static inline void smtp_consume(struct smtp_conn *conn, size_t n)
{
    memmove(conn->in, conn->in + n, conn->n - n + 1);
    conn->n -= n;
}

/* All that is complete in the input. False: close. */
static inline bool smtp_digest(struct smtp_server *s, struct smtp_conn *conn)
{
    for (;;) {
        char *end = strstr(conn->in, conn->in_body ? "\r\n.\r\n" : "\r\n");
        bool in_body = conn->in_body, on;

        if (end == NULL) {
            return true;
        }
        if (in_body) {
            conn->in_body = false;
            on = smtp_reply(s, conn, AT_BODY, (size_t)(end - conn->in) + 2);
        } else {
            *end = '\0';
            on = smtp_command(s, conn, conn->in);
        }
        if (!on) {
            return false;
        }
        smtp_consume(conn, (size_t)(end - conn->in) + (in_body ? 5 : 2));
    }
}

static inline bool smtp_serve(struct smtp_server *s, struct smtp_conn *conn)
{
    char piece[16384];
    ssize_t n = read(conn->fd, piece, sizeof(piece));

    if (n <= 0) {
        return false;
    }
    conn->in = realloc(conn->in, conn->n + (size_t)n + 1);
    assert(conn->in != NULL);
    memcpy(conn->in + conn->n, piece, (size_t)n);
    conn->n += (size_t)n;
    conn->in[conn->n] = '\0';
    return smtp_digest(s, conn);
}

static inline void smtp_drop(struct smtp_server *s, size_t i)
{
    close(s->conns[i].fd);
    free(s->conns[i].in);
    s->conns[i] = s->conns[--s->conn_count];
}

static inline void smtp_accept(struct smtp_server *s)
{
    struct smtp_conn *conn = &s->conns[s->conn_count];

    assert(s->conn_count < SMTP_CONNS_MAX);
    *conn = (struct smtp_conn){.fd = accept(s->fd, NULL, NULL)};
    if (conn->fd < 0) {
        return;
    }
    s->conn_count++;
    s->connections++;
    if (!smtp_reply(s, conn, AT_GREETING, 0)) {
        smtp_drop(s, s->conn_count - 1);
    }
}

static inline void *smtp_main(void *arg)
{
    struct smtp_server *s = arg;

    for (;;) {
        struct pollfd fds[SMTP_CONNS_MAX + 2] = {{.fd = s->stop_pipe[0], .events = POLLIN},
                                                 {.fd = s->fd, .events = POLLIN}};
        size_t n = s->conn_count;

        for (size_t i = 0; i < n; i++) {
            fds[2 + i] = (struct pollfd){.fd = s->conns[i].fd, .events = POLLIN};
        }
        poll(fds, n + 2, -1);
        if (fds[0].revents != 0) {
            return NULL;
        }
        pthread_mutex_lock(&s->mutex);
        /* From the last: the one that takes a dropped one's place has been served. */
        for (size_t i = n; i-- > 0;) {
            if (fds[2 + i].revents != 0 && !smtp_serve(s, &s->conns[i])) {
                smtp_drop(s, i);
            }
        }
        if (fds[1].revents != 0) {
            smtp_accept(s);
        }
        pthread_mutex_unlock(&s->mutex);
    }
}

static inline void smtp_server_start(struct smtp_server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    int rc;

    pthread_mutex_init(&s->mutex, NULL);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    rc = bind(s->fd, (struct sockaddr *)&address, n) | listen(s->fd, 16) |
         getsockname(s->fd, (struct sockaddr *)&address, &n) | pipe(s->stop_pipe);
    assert(rc == 0);
    snprintf(s->url, sizeof(s->url), "smtp://127.0.0.1:%u", ntohs(address.sin_port));
    rc = pthread_create(&s->thread, NULL, smtp_main, s);
    assert(rc == 0);
}

static inline void smtp_server_stop(struct smtp_server *s)
{
    (void)!write(s->stop_pipe[1], "x", 1);
    pthread_join(s->thread, NULL);
    while (s->conn_count != 0) {
        smtp_drop(s, 0);
    }
    for (size_t i = 0; i < s->message_count; i++) {
        free(s->messages[i].body);
    }
    free(s->messages);
    close(s->fd);
    close(s->stop_pipe[0]);
    close(s->stop_pipe[1]);
    pthread_mutex_destroy(&s->mutex);
}

static inline size_t smtp_server_messages(struct smtp_server *s)
{
    size_t n;

    pthread_mutex_lock(&s->mutex);
    n = s->message_count;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

static inline unsigned smtp_server_asked(struct smtp_server *s, enum smtp_stage stage)
{
    unsigned n;

    pthread_mutex_lock(&s->mutex);
    n = s->asked[stage];
    pthread_mutex_unlock(&s->mutex);
    return n;
}

#endif
