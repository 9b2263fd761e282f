/* Threads that talk to the smarthost, one connection each. A thread keeps its connection for a while; the libcurl handle is its alone. */
#include "smtp/sender-private.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

struct carrier {
    struct carriers *pool;
    pthread_t thread;
};

struct carriers {
    struct sender *sender;
    atomic_bool abort;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct transfer *waiting;
    bool stopping;
    unsigned count;
    struct carrier *threads;
};

/* Without a word: a server that does not answer QUIT would hold us up. */
static void drop_connection(CURL **easy)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (*easy == NULL) {
        return;
    }
    if (curl_easy_getinfo(*easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD) {
        (void)shutdown(fd, SHUT_RDWR);
    }
    curl_easy_cleanup(take(easy));
}

static CURL *easy_or_new(CURL *easy)
{
    if (easy == NULL) {
        easy = curl_easy_init();
    }
    if (easy == NULL) {
        mem_die();
    }
    return easy;
}

/* False: nothing came in the time that an idle connection is worth. With the mutex held. */
static bool wait_a_while(struct carriers *pool)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SMTP_KEEP_CONNECTION_S;
    while (rc == 0 && pool->waiting == NULL && !pool->stopping) {
        rc = pthread_cond_timedwait(&pool->wake, &pool->mutex, &until);
    }
    return rc == 0;
}

static void perform_next(struct carriers *pool, CURL **easy)
{
    struct transfer *t = pool->waiting;

    pool->waiting = t->next;
    pthread_mutex_unlock(&pool->mutex);
    *easy = easy_or_new(*easy);
    transfer_perform(t, *easy, &pool->abort);
    if (t->result != CURLE_OK) {
        /* What is left to be read on it would be taken for replies to the next one. */
        drop_connection(easy);
    }
    sender_transferred(pool->sender, t);
    pthread_mutex_lock(&pool->mutex);
}

static void *carrier_main(void *arg)
{
    struct carriers *pool = ((struct carrier *)arg)->pool;
    CURL *easy = NULL;

    pthread_mutex_lock(&pool->mutex);
    while (!pool->stopping) {
        if (pool->waiting != NULL) {
            perform_next(pool, &easy);
        } else if (easy == NULL) {
            pthread_cond_wait(&pool->wake, &pool->mutex);
        } else if (!wait_a_while(pool)) {
            pthread_mutex_unlock(&pool->mutex);
            drop_connection(&easy);
            pthread_mutex_lock(&pool->mutex);
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    drop_connection(&easy);
    return NULL;
}

static void init_libcurl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        mem_die();
    }
}

int carriers_start(struct sender *sender, struct carriers **carriers_r, struct err *err_r)
{
    static pthread_once_t libcurl = PTHREAD_ONCE_INIT;
    struct carriers *pool = mem_alloc_zero(1, sizeof(*pool));
    pthread_condattr_t monotonic;
    int rc = 0;

    pthread_once(&libcurl, init_libcurl);
    pool->sender = sender;
    pool->threads = mem_alloc_zero(sender->max_connections, sizeof(*pool->threads));
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    while (rc == 0 && pool->count < sender->max_connections) {
        struct carrier *carrier = &pool->threads[pool->count];

        carrier->pool = pool;
        rc = pthread_create(&carrier->thread, NULL, carrier_main, carrier);
        pool->count += rc == 0 ? 1 : 0;
    }
    *carriers_r = pool;
    return rc == 0 ? 0 : err_set(err_r, ERR_IO, "pthread_create: error %d", rc);
}

void carriers_add(struct carriers *pool, struct transfer *t)
{
    pthread_mutex_lock(&pool->mutex);
    t->next = pool->waiting;
    pool->waiting = t;
    pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

void carriers_abort(struct carriers *pool)
{
    atomic_store(&pool->abort, true);
}

void carriers_stop(struct carriers **carriers)
{
    struct carriers *pool = *carriers;

    if (pool == NULL) {
        return;
    }
    *carriers = NULL;
    pthread_mutex_lock(&pool->mutex);
    assert(pool->waiting == NULL);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->count; i++) {
        pthread_join(pool->threads[i].thread, NULL);
    }
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->threads);
    free(pool);
}
