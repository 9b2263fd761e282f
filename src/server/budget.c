#include "server/budget.h"

#include "base/map.h"
#include "base/mem.h"
#include "server/limits.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* A user with an exchange under way. */
struct share {
    unsigned exchanges;
    size_t bytes;
};

struct budget {
    pthread_mutex_t lock;
    struct u64map *shares;
};

struct budget *budget_new(void)
{
    struct budget *b = mem_alloc_zero(1, sizeof(*b));

    (void)pthread_mutex_init(&b->lock, NULL);
    b->shares = u64map_new();
    return b;
}

void budget_free(struct budget **budget)
{
    struct budget *b = *budget;

    if (b == NULL) {
        return;
    }
    assert(u64map_count(b->shares) == 0);
    u64map_free(&b->shares);
    (void)pthread_mutex_destroy(&b->lock);
    free(b);
    *budget = NULL;
}

bool budget_enter(struct budget *b, struct mailbox_no user, unsigned most)
{
    struct share *share;
    bool entered;

    (void)pthread_mutex_lock(&b->lock);
    share = u64map_get(b->shares, user.v);
    if (share == NULL) {
        share = mem_alloc_zero(1, sizeof(*share));
        u64map_put(b->shares, user.v, share);
    }
    entered = share->exchanges < most;
    share->exchanges += entered;
    (void)pthread_mutex_unlock(&b->lock);
    return entered;
}

bool budget_hold(struct budget *b, struct mailbox_no user, size_t bytes)
{
    struct share *share;
    bool held;

    (void)pthread_mutex_lock(&b->lock);
    share = u64map_get(b->shares, user.v);
    assert(share != NULL);
    held = share->bytes == 0 || share->bytes + bytes <= USER_MAX_ANSWER_BYTES;
    share->bytes += held ? bytes : 0;
    (void)pthread_mutex_unlock(&b->lock);
    return held;
}

void budget_leave(struct budget *b, struct mailbox_no user, size_t bytes)
{
    struct share *share;

    (void)pthread_mutex_lock(&b->lock);
    share = u64map_get(b->shares, user.v);
    assert(share != NULL && share->exchanges > 0 && share->bytes >= bytes);
    share->bytes -= bytes;
    share->exchanges--;
    if (share->exchanges == 0) {
        assert(share->bytes == 0);
        (void)u64map_remove(b->shares, user.v);
        free(share);
    }
    (void)pthread_mutex_unlock(&b->lock);
}
