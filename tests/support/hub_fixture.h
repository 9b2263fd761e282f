/*
 * A hub for tests that use ews_fixture, without a thread: it is asked for its limits and told of what is used, and does nothing by itself. For setup and teardown of cmocka.
 */
#ifndef SUPPORT_HUB_FIXTURE_H
#define SUPPORT_HUB_FIXTURE_H

#include "mailbox/workers.h"
#include "notify/hub.h"
#include "support/ews_fixture.h"

#include <stdlib.h>

#define HUB_FIXTURE_SUBSCRIPTIONS 4
#define HUB_FIXTURE_IDLE_MS (INT64_C(3600) * 1000)

static inline int hub_fixture_setup(void **state)
{
    struct ews_fixture *f = ews_fixture_new();
    struct workers_options workers = {.store = f->store, .threads = 1};
    struct hub_options options = {
        .store = f->store,
        .clock = &f->clock.base,
        .defaults = {.max_subscriptions = HUB_FIXTURE_SUBSCRIPTIONS, .max_streams = 2},
        .stream_idle_ms = HUB_FIXTURE_IDLE_MS,
        .threadless = true};
    struct err err;

    if (workers_new(&workers, &f->workers, &err) < 0) {
        abort();
    }
    options.workers = f->workers;
    if (hub_new(&options, &f->service.hub, &err) < 0) {
        abort();
    }
    *state = f;
    return 0;
}

static inline int hub_fixture_teardown(void **state)
{
    struct ews_fixture *f = *state;

    hub_free(&f->service.hub);
    workers_free(&f->workers);
    ews_fixture_free(&f);
    return 0;
}

#endif
