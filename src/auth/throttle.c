#include "auth/throttle.h"

#include "auth/limits.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

struct entry {
    char key[AUTH_THROTTLE_KEY_BYTES];
    size_t key_bytes;
    unsigned failures;
    int64_t last_ms;
    struct entry *newer, *older;
};

struct throttle {
    struct throttle_options options;
    struct map *by_key;
    struct entry *newest, *oldest;
};

struct throttle *throttle_new(const struct throttle_options *options)
{
    struct throttle *t = mem_alloc_zero(1, sizeof(*t));

    t->options = *options;
    t->by_key = map_new();
    return t;
}

static void unlink_entry(struct throttle *t, struct entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &t->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &t->oldest) = e->newer;
}

static void push_newest(struct throttle *t, struct entry *e)
{
    e->newer = NULL;
    e->older = t->newest;
    *(e->older != NULL ? &e->older->newer : &t->oldest) = e;
    t->newest = e;
}

static void drop(struct throttle *t, struct entry *e)
{
    map_remove(t->by_key, str_of(e->key, e->key_bytes));
    unlink_entry(t, e);
    free(e);
}

void throttle_free(struct throttle **throttle)
{
    struct throttle *t = take(throttle);

    if (t == NULL) {
        return;
    }
    while (t->oldest != NULL) {
        drop(t, t->oldest);
    }
    map_free(&t->by_key);
    free(t);
}

/* Kind and folded key; an over-long key is cut, which only throws some together that no user has.
 */
static struct str make_key(char out[static AUTH_THROTTLE_KEY_BYTES], enum throttle_kind kind,
                           struct str key)
{
    size_t n = key.n < AUTH_THROTTLE_KEY_BYTES - 1 ? key.n : AUTH_THROTTLE_KEY_BYTES - 1;

    out[0] = (char)kind;
    for (size_t i = 0; i < n; i++) {
        char c = key.p[i];

        out[i + 1] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return str_of(out, n + 1);
}

static struct entry *add(struct throttle *t, struct str key)
{
    struct entry *e;

    if (map_count(t->by_key) >= t->options.max_entries) {
        drop(t, t->oldest);
    }
    e = mem_alloc_zero(1, sizeof(*e));
    memcpy(e->key, key.p, key.n);
    e->key_bytes = key.n;
    push_newest(t, e);
    map_put(t->by_key, str_of(e->key, e->key_bytes), e);
    return e;
}

static int64_t delay_ms(const struct throttle_options *options, unsigned failures)
{
    int64_t ms = options->first_ms;

    while (--failures > 0 && ms < options->max_ms) {
        ms *= 2;
    }
    return ms < options->max_ms ? ms : options->max_ms;
}

int64_t throttle_fail(struct throttle *t, enum throttle_kind kind, struct str key, int64_t now_ms)
{
    char bytes[AUTH_THROTTLE_KEY_BYTES];
    struct str k = make_key(bytes, kind, key);
    struct entry *e;

    if (key.n == 0) {
        return t->options.first_ms;
    }
    e = map_get(t->by_key, k);
    if (e == NULL) {
        e = add(t, k);
    } else {
        unlink_entry(t, e);
        push_newest(t, e);
    }
    if (now_ms - e->last_ms >= t->options.forget_ms) {
        e->failures = 0;
    }
    e->last_ms = now_ms;
    e->failures++;
    return delay_ms(&t->options, e->failures);
}

void throttle_forget(struct throttle *t, enum throttle_kind kind, struct str key)
{
    char bytes[AUTH_THROTTLE_KEY_BYTES];
    struct entry *e = map_get(t->by_key, make_key(bytes, kind, key));

    if (e != NULL) {
        drop(t, e);
    }
}
