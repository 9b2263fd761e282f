/* The thread and its queue. What goes over the wire is delivery.c's; here is decided when. */
#include "push/push.h"

#include "base/arena.h"
#include "base/mem.h"
#include "push/delivery.h"
#include "push/limits.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct push {
    struct arena *arena;
    struct delivery_rules rules;
    pthread_t thread;
    bool started;
    /* The thread's. */
    struct delivery *deliveries;
    unsigned max, active;
    /* Under the mutex. */
    pthread_mutex_t mutex;
    CURLM *multi; /* for the wake-up; the rest of it is the thread's */
    struct push_post *first, **tail;
    bool stopping;
};

/* ---- the queue ---- */

static bool is_stopping(struct push *push)
{
    bool stopping;

    pthread_mutex_lock(&push->mutex);
    stopping = push->stopping;
    pthread_mutex_unlock(&push->mutex);
    return stopping;
}

static struct push_post *next_post(struct push *push)
{
    struct push_post *post;

    pthread_mutex_lock(&push->mutex);
    post = push->first;
    if (post != NULL) {
        push->first = post->next;
        push->tail = push->first != NULL ? push->tail : &push->first;
    }
    pthread_mutex_unlock(&push->mutex);
    return post;
}

/* Also those that done sends meanwhile. */
static void refuse_waiting(struct push *push)
{
    struct push_post *post;

    while ((post = next_post(push)) != NULL) {
        post->done(post, 0, STR(""), DELIVERY_STOPPED);
    }
}

void push_send(struct push *push, struct push_post *post)
{
    assert(post->url != NULL && post->soap_action != NULL && post->done != NULL);
    post->next = NULL;
    pthread_mutex_lock(&push->mutex);
    *push->tail = post;
    push->tail = &post->next;
    if (push->multi != NULL) {
        (void)curl_multi_wakeup(push->multi);
    }
    pthread_mutex_unlock(&push->mutex);
}

/* ---- the thread ---- */

static struct delivery *free_delivery(struct push *push)
{
    for (unsigned i = 0; i < push->max; i++) {
        if (push->deliveries[i].post == NULL) {
            return &push->deliveries[i];
        }
    }
    return NULL;
}

static void begin_waiting(struct push *push)
{
    struct push_post *post;

    while (push->active < push->max && (post = next_post(push)) != NULL) {
        struct delivery *d = free_delivery(push);

        assert(d != NULL);
        if (delivery_begin(d, &push->rules, post)) {
            if (curl_multi_add_handle(push->multi, d->easy) != CURLM_OK) {
                mem_die();
            }
            push->active++;
        }
    }
}

static void end_delivery(struct push *push, struct delivery *d, CURLcode result)
{
    (void)curl_multi_remove_handle(push->multi, d->easy);
    push->active--;
    delivery_end(d, result);
}

/* True: some ended, so there is room for others. */
static bool end_finished(struct push *push)
{
    bool any = false;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(push->multi, &left)) != NULL) {
        struct delivery *d = NULL;
        CURLcode result = message->data.result;

        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (void *)&d);
        end_delivery(push, d, result); /* message is gone with the handle */
        any = true;
    }
    return any;
}

static void break_off_all(struct push *push)
{
    for (unsigned i = 0; i < push->max; i++) {
        if (push->deliveries[i].post != NULL) {
            end_delivery(push, &push->deliveries[i], CURLE_ABORTED_BY_CALLBACK);
        }
    }
}

static void *push_main(void *arg)
{
    struct push *push = arg;
    int running;

    while (!is_stopping(push)) {
        begin_waiting(push);
        if (curl_multi_perform(push->multi, &running) != CURLM_OK) {
            mem_die();
        }
        if (!end_finished(push) &&
            curl_multi_poll(push->multi, NULL, 0, PUSH_LONGEST_SLEEP_MS, NULL) != CURLM_OK) {
            mem_die();
        }
    }
    break_off_all(push);
    refuse_waiting(push);
    return NULL;
}

/* ---- from outside ---- */

static void init_libcurl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        mem_die();
    }
}

static struct push *push_new(const struct push_options *options)
{
    struct push *p = mem_alloc_zero(1, sizeof(*p));

    p->arena = arena_new(NULL, "push");
    p->rules.policy = options->policy;
    p->rules.ca_file = options->ca_file != NULL ? arena_strdup(p->arena, options->ca_file) : NULL;
    p->rules.answer_ms = options->answer_ms != 0 ? options->answer_ms : PUSH_ANSWER_MS;
    p->max = options->max_connections != 0 ? options->max_connections : PUSH_MAX_CONNECTIONS;
    p->deliveries = ARENA_ARRAY(p->arena, struct delivery, p->max);
    p->tail = &p->first;
    pthread_mutex_init(&p->mutex, NULL);
    p->multi = curl_multi_init();
    if (p->multi == NULL) {
        mem_die();
    }
    (void)curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)p->max);
    return p;
}

/* Signals belong to whoever starts it; the threads that look names up inherit the mask. */
static int start_thread(struct push *push, struct err *err_r)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&push->thread, NULL, push_main, push);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    push->started = rc == 0;
    return rc == 0 ? 0 : err_set(err_r, ERR_IO, "pthread_create: error %d", rc);
}

int push_start(const struct push_options *options, struct push **push_r, struct err *err_r)
{
    static pthread_once_t libcurl = PTHREAD_ONCE_INIT;
    AUTO(push) push = NULL;

    assert(options->policy != NULL && options->answer_ms >= 0);
    pthread_once(&libcurl, init_libcurl);
    push = push_new(options);
    TRY(start_thread(push, err_r));
    *push_r = take(&push);
    return 0;
}

static void request_stop(struct push *push)
{
    pthread_mutex_lock(&push->mutex);
    push->stopping = true;
    (void)curl_multi_wakeup(push->multi);
    pthread_mutex_unlock(&push->mutex);
}

static void free_multi(struct push *push)
{
    CURLM *multi;

    for (unsigned i = 0; i < push->max; i++) {
        delivery_fini(&push->deliveries[i]);
    }
    pthread_mutex_lock(&push->mutex);
    multi = take(&push->multi);
    pthread_mutex_unlock(&push->mutex);
    (void)curl_multi_cleanup(multi);
}

void push_stop(struct push **push)
{
    struct push *p = *push;

    if (p == NULL) {
        return;
    }
    *push = NULL;
    if (p->started) {
        request_stop(p);
        pthread_join(p->thread, NULL);
    }
    free_multi(p);
    refuse_waiting(p); /* what came after the thread's last look */
    pthread_mutex_destroy(&p->mutex);
    arena_free(&p->arena);
    free(p);
}
