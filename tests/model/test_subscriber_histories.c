/*
 * model-subscriber-histories: random histories of mailboxes with subscribers of all kinds, over lost answers, cut connections, kills and a clock that is moved, against the list of what must be told.
 *
 *     model-subscriber-histories [--histories N] [--seed S] [--steps N] [--verbose]
 *
 * History i runs from seed S + i. With EWER_LONG in the environment ten times as many run. The first failure is printed with the command that repeats it; the last line is "N passed, N failed".
 */
#include "subscriber_history.h"

#include "base/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct run {
    const char *program;
    uint64_t histories, seed, steps;
    bool verbose;
    char base[128], fresh[160];
};

static void make_dir(struct run *run)
{
    const char *base = getenv("TMPDIR");

    if (base == NULL) {
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    snprintf(run->base, sizeof(run->base), "%s/subscribers-XXXXXX", base);
    if (mkdtemp(run->base) == NULL) {
        perror(run->base);
        exit(2);
    }
    snprintf(run->fresh, sizeof(run->fresh), "%s/fresh", run->base);
}

static void make_fresh(const struct run *run, struct history *h)
{
    static const char *const addresses[SUBSCRIBER_BOXES] = {"alice@example.com", "bob@example.com"};
    const struct store_options options = {
        .dir = run->fresh, .create = true, .clock = &h->clock.base};
    AUTO(store) store = NULL;
    struct err err = ERR_INIT;
    int rc;

    history_set_clock(h);
    rc = store_open(&options, &store, &err);
    for (size_t i = 0; i < SUBSCRIBER_BOXES && rc >= 0; i++) {
        const struct user user = {.address = str_from(addresses[i])};

        rc = store_user_add(store, &user, &h->nos[i], &err);
    }
    if (rc < 0) {
        fprintf(stderr, "cannot make a store: %s\n", err.log_text);
        exit(2);
    }
}

static bool parse_number(const char *text, uint64_t *v_r)
{
    return str_to_u64(str_from(text), v_r);
}

static bool parse_options(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {{"histories", required_argument, NULL, 'n'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"steps", required_argument, NULL, 't'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    bool fine = true;
    int c;

    while (fine && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'n': fine = parse_number(optarg, &run->histories); break;
        case 's': fine = parse_number(optarg, &run->seed); break;
        case 't': fine = parse_number(optarg, &run->steps) && run->steps > 0; break;
        case 'v': run->verbose = true; break;
        default: fine = false;
        }
    }
    return fine && optind == argc;
}

static void print_failure(const struct run *run, const struct history *h)
{
    printf("FAILED: %s\n    repeat: %s --histories 1 --seed %llu --steps %u --verbose\n",
           h->failure, run->program, LLU(h->seed), h->steps);
}

static void print_statistics(const struct history *h)
{
    printf("%u notices told, %u again; %u posts; %u documents and answers lost; %u times missed\n"
           "%u kills, %u stops, %u subscriptions renewed, %u folders synced\n",
           h->told, h->repeated, h->posts, h->lost, h->misses, h->kills, h->stops, h->deaths,
           h->synced);
}

int main(int argc, char **argv)
{
    struct run run = {.program = argv[0], .histories = 200, .seed = 1, .steps = 120};
    struct history *h = calloc(1, sizeof(*h));
    uint64_t i = 0, failed = 0;

    if (h == NULL || !parse_options(&run, argc, argv)) {
        fprintf(stderr, "usage: %s [--histories N] [--seed S] [--steps N] [--verbose]\n", argv[0]);
        return 2;
    }
    if (getenv("EWER_LONG") != NULL) {
        run.histories *= 10;
    }
    log_configure(LOG_ERROR, false, 2);
    make_dir(&run);
    make_fresh(&run, h);
    h->base = run.base;
    h->fresh = run.fresh;
    h->steps = (unsigned)run.steps;
    h->verbose = run.verbose;
    /* What failed is left as it stands, threads and all: nothing runs after it. */
    for (; i < run.histories && failed == 0; i++) {
        h->seed = run.seed + i;
        failed += !history_run(h);
    }
    if (failed != 0) {
        print_failure(&run, h);
    }
    print_statistics(h);
    printf("%llu passed, %llu failed\n", LLU(i - failed), LLU(failed));
    remove_directory(run.base);
    if (failed != 0) {
        fflush(stdout);
        _exit(1);
    }
    free(h);
    return 0;
}
