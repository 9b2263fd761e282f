/*
 * Import: scan, sort, then batches. A thread reads the next batch while the store commits the one
 * before; both are bounded, so an import of any size takes the memory of two batches and of the
 * list of messages.
 */
#include "ctl/commands.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/backend.h"
#include "ctl/limits.h"
#include "ctl/options.h"
#include "ctl/progress.h"
#include "ctl/sources.h"
#include "server/admin.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* Written by the reader while full is false, read by the importer while it is true. */
struct batch {
    bool full;
    struct buf bytes;
    size_t ends[IMPORT_BATCH_MESSAGES]; /* in bytes */
    struct admin_message messages[IMPORT_BATCH_MESSAGES];
    size_t count;
    size_t taken; /* from the sources, unreadable ones included */
};

struct import {
    struct backend *backend;
    struct str address, folder;
    bool has_folder; /* --folder: for all */
    struct sources *sources;
    size_t next;       /* the reader's place */
    size_t unreadable; /* the reader's, until it has ended */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct batch batches[2]; /* full is guarded by lock */
    bool stop;               /* guarded by lock: the importer has failed or was interrupted */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* ---- the reader ---- */

static void fill_message(struct import *im, struct batch *b, const struct source_message *source)
{
    struct err err = ERR_INIT;
    struct admin_message *m = &b->messages[b->count];

    if (sources_read(im->sources, source, &b->bytes, &err) < 0) {
        im->unreadable++;
        (void)fprintf(stderr, "ewerctl: %s\n", err.client_text);
        return;
    }
    *m = (struct admin_message){
        .folder = !im->has_folder && source->folder != NULL ? str_from(source->folder) : STR_NULL,
        .received_ms = source->received_ms,
        .read = source->read,
        .draft = source->draft,
    };
    b->ends[b->count++] = b->bytes.n;
}

static void fill(struct import *im, struct batch *b)
{
    size_t begin = 0;

    buf_clear(&b->bytes);
    b->count = b->taken = 0;
    while (im->next < sources_count(im->sources) && b->count < IMPORT_BATCH_MESSAGES &&
           b->bytes.n < IMPORT_BATCH_BYTES) {
        fill_message(im, b, sources_message(im->sources, im->next++));
        b->taken++;
    }
    /* Only now: the buffer moved while it grew. */
    for (size_t i = 0; i < b->count; i++) {
        b->messages[i].bytes = str_of(b->bytes.p + begin, b->ends[i] - begin);
        begin = b->ends[i];
    }
}

/* Waits until the batch is full, or not. False: the import stops. */
static bool wait_for(struct import *im, const struct batch *b, bool full)
{
    bool go_on;

    pthread_mutex_lock(&im->lock);
    while (b->full != full && !im->stop) {
        pthread_cond_wait(&im->changed, &im->lock);
    }
    go_on = !im->stop;
    pthread_mutex_unlock(&im->lock);
    return go_on;
}

static void set_full(struct import *im, struct batch *b, bool full)
{
    pthread_mutex_lock(&im->lock);
    b->full = full;
    pthread_cond_broadcast(&im->changed);
    pthread_mutex_unlock(&im->lock);
}

/* Ends with a batch of which nothing was taken. */
static void *read_batches(void *context)
{
    struct import *im = context;

    for (unsigned i = 0;; i++) {
        struct batch *b = &im->batches[i % 2];

        if (!wait_for(im, b, false)) {
            return NULL;
        }
        fill(im, b);
        set_full(im, b, true);
        if (b->taken == 0) {
            return NULL;
        }
    }
}

/* ---- the importer ---- */

static int store_batch(struct import *im, const struct batch *b, size_t *stored, struct err *err_r)
{
    if (b->count > 0) {
        TRY(backend_import(im->backend, im->address, im->folder, b->messages, b->count, err_r));
        *stored += b->count;
    }
    return 0;
}

static int store_batches(struct import *im, size_t *stored, struct err *err_r)
{
    struct progress progress;
    size_t done = 0;
    int rc = 0;

    progress_init(&progress, sources_count(im->sources));
    for (unsigned i = 0; rc == 0 && !interrupted; i++) {
        struct batch *b = &im->batches[i % 2];

        (void)wait_for(im, b, true);
        if (b->taken == 0) {
            break;
        }
        rc = store_batch(im, b, stored, err_r);
        done += b->taken;
        progress_show(&progress, done);
        set_full(im, b, false);
    }
    progress_fini(&progress);
    return rc;
}

static int run(struct import *im, size_t *stored, struct err *err_r)
{
    pthread_t reader;
    int rc = pthread_create(&reader, NULL, read_batches, im);

    if (rc != 0) {
        return err_set(err_r, ERR_IO, "cannot start a thread: %s", strerror(rc));
    }
    rc = store_batches(im, stored, err_r);
    pthread_mutex_lock(&im->lock);
    im->stop = true;
    pthread_cond_broadcast(&im->changed);
    pthread_mutex_unlock(&im->lock);
    pthread_join(reader, NULL);
    return rc;
}

static struct import *import_new(const struct command_call *call, struct sources *sources)
{
    struct import *im = mem_alloc_zero(1, sizeof(*im));

    im->backend = call->backend;
    im->address = str_from(call->words[0]);
    im->has_folder = call->options->folder != NULL;
    im->folder = str_from(im->has_folder ? call->options->folder : "inbox");
    im->sources = sources;
    pthread_mutex_init(&im->lock, NULL);
    pthread_cond_init(&im->changed, NULL);
    return im;
}

static void import_free(struct import *im)
{
    buf_fini(&im->batches[0].bytes);
    buf_fini(&im->batches[1].bytes);
    pthread_cond_destroy(&im->changed);
    pthread_mutex_destroy(&im->lock);
    free(im);
}

/* The first interrupt ends the import after the batch under way, the second one at once. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static int report(const struct import *im, size_t stored, int rc, struct err *err_r)
{
    size_t total = sources_count(im->sources), passed_over = sources_passed_over(im->sources);

    (void)printf("imported %zu of %zu messages for %.*s", stored, total, STR_ARG(im->address));
    if (passed_over > 0) {
        (void)printf("; passed over %zu other files", passed_over);
    }
    (void)printf("\n");
    if (rc < 0) {
        return rc;
    }
    if (im->unreadable > 0) {
        return err_tell(err_r, ERR_PARSE, "%zu messages could not be read", im->unreadable);
    }
    return stored < total ? err_tell(err_r, ERR_TIMEOUT, "interrupted; what was imported stays")
                          : 0;
}

/* An unknown user is told before hours of scanning. */
static int check_user(const struct command_call *call, struct err *err_r)
{
    return backend_import(call->backend, str_from(call->words[0]), STR("inbox"), NULL, 0, err_r);
}

int command_import(const struct command_call *call, struct err *err_r)
{
    AUTO(sources) sources = sources_new();
    size_t stored = 0;
    struct import *im;
    int rc;

    TRY(check_user(call, err_r));
    for (int i = 1; i < call->word_count; i++) {
        TRY(sources_scan(sources, call->words[i], err_r));
    }
    sources_sort(sources);
    im = import_new(call, sources);
    catch_signals();
    rc = run(im, &stored, err_r);
    rc = report(im, stored, rc, err_r);
    import_free(im);
    return rc;
}
