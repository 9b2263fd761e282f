/*
 * model-histories: random histories of a mailbox against the reference model, with sync clients that lose answers, fall back and page at random.
 *
 *     model-histories [--histories N] [--seed S] [--steps N] [--verbose]
 *
 * History i runs from seed S + i. With EWER_LONG in the environment ten times as many run. The first failures are printed with the command that repeats them; the last line is "N passed, N failed".
 */
#include "history.h"

#include "base/buf.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FAILURES_SHOWN 3

struct run {
    const char *program;
    uint64_t histories, seed, steps;
    bool verbose;
    char dir[128], path[160];
    struct buf fresh; /* a new mailbox's file, made once */
};

/* ---- files ---- */

static void die(const char *what)
{
    perror(what);
    exit(2);
}

/* Memory, where there is some to be had: production's fsyncs stay, but cost nothing. */
static void make_dir(struct run *run)
{
    const char *base = getenv("TMPDIR");

    if (base == NULL) {
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    snprintf(run->dir, sizeof(run->dir), "%s/model-XXXXXX", base);
    if (mkdtemp(run->dir) == NULL) {
        die(run->dir);
    }
    snprintf(run->path, sizeof(run->path), "%s/m.db", run->dir);
}

static void remove_files(const struct run *run)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[192];
    size_t i;

    for (i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(path, sizeof(path), "%s%s", run->path, suffixes[i]);
        (void)unlink(path);
    }
}

static void read_fresh(struct run *run)
{
    int fd = open(run->path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    size_t n;

    if (fd < 0 || fstat(fd, &st) != 0) {
        die(run->path);
    }
    n = (size_t)st.st_size;
    if (read(fd, buf_reserve(&run->fresh, n), n) != st.st_size) {
        die(run->path);
    }
    run->fresh.n = n;
    close(fd);
}

static void make_fresh(struct run *run)
{
    struct mailbox *mailbox;
    struct err err = ERR_INIT;

    if (mailbox_open(run->path, true, HISTORY_MAILBOX, clock_system(), &mailbox, &err) < 0) {
        fprintf(stderr, "cannot make a mailbox: %s\n", err.log_text);
        exit(2);
    }
    mailbox_close(&mailbox);
    read_fresh(run);
}

static void write_fresh(const struct run *run)
{
    int fd;

    remove_files(run);
    fd = open(run->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, run->fresh.p, run->fresh.n) != (ssize_t)run->fresh.n) {
        die(run->path);
    }
    close(fd);
}

/* ---- the run ---- */

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

static bool run_one(const struct run *run, struct history *h, uint64_t seed)
{
    write_fresh(run);
    h->seed = seed;
    h->steps = (unsigned)run->steps;
    h->verbose = run->verbose;
    h->path = run->path;
    if (history_run(h)) {
        return true;
    }
    printf("FAILED: %s\n    repeat: %s --histories 1 --seed %llu --steps %u --verbose\n",
           h->failure, run->program, LLU(seed), h->steps);
    return false;
}

int main(int argc, char **argv)
{
    struct run run = {.program = argv[0], .histories = 10000, .seed = 1, .steps = 60};
    struct history *h = calloc(1, sizeof(*h));
    uint64_t i, failed = 0, pages = 0, changes = 0;

    if (h == NULL || !parse_options(&run, argc, argv)) {
        fprintf(stderr, "usage: %s [--histories N] [--seed S] [--steps N] [--verbose]\n", argv[0]);
        return 2;
    }
    if (getenv("EWER_LONG") != NULL) {
        run.histories *= 10;
    }
    make_dir(&run);
    make_fresh(&run);
    for (i = 0; i < run.histories && failed < MAX_FAILURES_SHOWN; i++) {
        failed += !run_one(&run, h, run.seed + i);
        pages += h->pages;
        changes += h->changes;
    }
    remove_files(&run);
    (void)rmdir(run.dir);
    buf_fini(&run.fresh);
    free(h);
    printf("%llu pages, %llu changes told\n%llu passed, %llu failed\n", LLU(pages), LLU(changes),
           LLU(i - failed), LLU(failed));
    return failed != 0;
}
