/*
 * model-ews-histories: random histories of EWS requests by two users against the reference model, with sync clients that lose answers and fall back.
 *
 *     model-ews-histories [--histories N] [--seed S] [--steps N] [--verbose]
 *
 * History i runs from seed S + i. With EWER_LONG in the environment ten times as many run. The first failures are printed with the command that repeats them;
 * the last line is "N passed, N failed".
 */
#include "ews_history.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_FAILURES_SHOWN 3
#define LLU(v) ((unsigned long long)(v))

struct run {
    const char *program;
    uint64_t histories, seed, steps;
    bool verbose;
};

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

static bool run_one(const struct run *run, struct eh *h, uint64_t seed)
{
    h->seed = seed;
    h->steps = (unsigned)run->steps;
    h->verbose = run->verbose;
    if (eh_run(h)) {
        return true;
    }
    printf("FAILED: %s\n    repeat: %s --histories 1 --seed %llu --steps %u --verbose\n",
           h->failure, run->program, LLU(seed), h->steps);
    return false;
}

/* An action that never came to a request tests nothing. */
static uint64_t count_idle(const unsigned *done, bool verbose)
{
    uint64_t idle = 0;

    for (size_t i = 0; i < eh_action_count; i++) {
        if (verbose || done[i] == 0) {
            printf("%8u times %s\n", done[i], eh_actions[i].name);
        }
        idle += done[i] == 0;
    }
    return idle;
}

int main(int argc, char **argv)
{
    struct run run = {.program = argv[0], .histories = 250, .seed = 1, .steps = 120};
    uint64_t i, failed = 0, requests = 0, refused = 0, changes = 0;
    struct eh *h = calloc(1, sizeof(*h));

    if (h == NULL || !parse_options(&run, argc, argv)) {
        fprintf(stderr, "usage: %s [--histories N] [--seed S] [--steps N] [--verbose]\n", argv[0]);
        return 2;
    }
    h->done = calloc(eh_action_count, sizeof(*h->done));
    if (h->done == NULL) {
        return 2;
    }
    if (getenv("EWER_LONG") != NULL) {
        run.histories *= 10;
    }
    for (i = 0; i < run.histories && failed < MAX_FAILURES_SHOWN; i++) {
        failed += !run_one(&run, h, run.seed + i);
        requests += h->requests;
        refused += h->refused;
        changes += h->changes_told;
    }
    if (run.histories >= 20 && failed == 0) {
        failed += count_idle(h->done, run.verbose) != 0;
    }
    free(h->done);
    buf_fini(&h->expected);
    free(h);
    printf("%llu requests, %llu refusals, %llu changes told\n%llu passed, %llu failed\n",
           LLU(requests), LLU(refused), LLU(changes), LLU(i - failed), LLU(failed));
    return failed != 0;
}
