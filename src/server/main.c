/* ewerd: parses its command line, starts the server, waits for a signal. */
#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "ews/error_map.h"
#include "mime/message.h"
#include "server/config.h"
#include "server/demo.h"
#include "server/serve.h"

#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Many threads that each allocate little: two heaps are enough and keep the resident size small. */
#define HEAPS 2

struct command_line {
    bool demo, json, check_config, help, version;
    const char *config_file;
};

/* Options with a value are settings of the file by another name. */
static const struct option_row {
    const char *flag, *section, *key, *help;
} options[] = {
    {"--data", "server", "data", "DIR            the store's directory"},
    {"--listen", "server", "listen", "HOST:PORT    where HTTP is served (port 0: any)"},
    {"--lmtp", "server", "lmtp", "HOST:PORT      where mail is taken in by LMTP"},
    {"--tls-cert", "tls", "cert", "FILE       certificate chain (PEM)"},
    {"--tls-key", "tls", "key", "FILE        its private key (PEM)"},
};

static void print_help(void)
{
    (void)puts("Usage: ewerd serve --data DIR [options]\n"
               "       ewerd demo [options]        throw-away store with sample mailboxes\n"
               "\n"
               "Options:");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        (void)printf("  %s %s\n", options[i].flag, options[i].help);
    }
    (void)puts("  --config FILE        settings (INI); options win over it\n"
               "  --check-config       say whether the settings are good, and end\n"
               "  --json               one line of JSON on stdout when ready\n"
               "  --help, --version\n"
               "\n"
               "SIGTERM finishes what was accepted and ends.");
}

/* The next argument as the value of a flag. */
static int value_of(int argc, char **argv, int *i, const char **value_r, struct err *err_r)
{
    if (*i + 1 >= argc) {
        return err_tell(err_r, ERR_USAGE, "%s wants a value", argv[*i]);
    }
    *value_r = argv[++*i];
    return 0;
}

static const struct option_row *find_option(const char *flag)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strcmp(options[i].flag, flag) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static bool is_switch(struct command_line *line, const char *arg)
{
    const struct {
        const char *flag;
        bool *target;
    } switches[] = {{"--json", &line->json},
                    {"--check-config", &line->check_config},
                    {"--help", &line->help},
                    {"--version", &line->version}};

    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        if (strcmp(switches[i].flag, arg) == 0) {
            *switches[i].target = true;
            return true;
        }
    }
    return false;
}

/* The file is read first wherever --config stands, so that options win over it. */
static int load_file(int argc, char **argv, struct config *config, struct err *err_r)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--config") == 0) {
            return config_load(config, argv[i + 1], err_r);
        }
    }
    return 0;
}

static int parse_option(int argc, char **argv, int *i, struct command_line *line,
                        struct config *config, struct err *err_r)
{
    const struct option_row *row = find_option(argv[*i]);
    const char *value = NULL;

    if (is_switch(line, argv[*i])) {
        return 0;
    }
    if (strcmp(argv[*i], "--config") == 0) {
        return value_of(argc, argv, i, &line->config_file, err_r);
    }
    if (row == NULL) {
        return err_tell(err_r, ERR_USAGE, "there is no option %s (see --help)", argv[*i]);
    }
    TRY(value_of(argc, argv, i, &value, err_r));
    return config_set(config, row->section, row->key, value, err_r);
}

static int parse(int argc, char **argv, struct command_line *line, struct config *config,
                 struct err *err_r)
{
    if (argc < 2) {
        return err_tell(err_r, ERR_USAGE, "say what to do: serve or demo (see --help)");
    }
    if (is_switch(line, argv[1])) {
        return 0;
    }
    line->demo = strcmp(argv[1], "demo") == 0;
    if (!line->demo && strcmp(argv[1], "serve") != 0) {
        return err_tell(err_r, ERR_USAGE, "there is no command %s (see --help)", argv[1]);
    }
    if (line->demo) {
        demo_defaults(config);
    }
    TRY(load_file(argc, argv, config, err_r));
    for (int i = 2; i < argc; i++) {
        TRY(parse_option(argc, argv, &i, line, config, err_r));
    }
    return 0;
}

/* The ready line that scripts wait for. */
static void print_ready(const struct serving *serving, bool demo)
{
    json_t *line = json_pack("{s:s, s:s, s:i}", "ews_url", serve_ews_url(serving), "lmtp",
                             serve_lmtp_address(serving), "pid", (int)getpid());

    if (demo) {
        (void)json_object_set_new(line, "users", demo_users_json());
    }
    (void)json_dumpf(line, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    (void)putchar('\n');
    (void)fflush(stdout);
    json_decref(line);
}

/* Each connection takes a descriptor, as do open mailboxes; the first limit is meant for programs that use select(2). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void wait_for_end(const sigset_t *signals)
{
    int got = 0;

    (void)sigwait(signals, &got);
    log_event(LOG_INFO, "server.stopping", LINT("signal", got));
}

static int serve(struct config *config, const struct command_line *line, struct err *err_r)
{
    AUTO(serving) serving = NULL;
    sigset_t signals;

    /* Blocked before any thread starts, so that only sigwait takes them. */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    TRY(serve_start(config, true, &serving, err_r));
    if (line->demo) {
        TRY(demo_fill(serve_admin(serving), err_r));
    }
    if (line->json) {
        print_ready(serving, line->demo);
    } else if (line->demo) {
        demo_print_welcome(serving);
    }
    wait_for_end(&signals);
    return 0;
}

static int run(int argc, char **argv, struct arena *arena, struct err *err_r)
{
    struct command_line line = {0};
    struct config config;
    int rc;

    config_init(&config, arena);
    TRY(parse(argc, argv, &line, &config, err_r));
    if (line.help || line.version) {
        line.help ? print_help() : (void)puts("ewerd " EWER_VERSION);
        return 0;
    }
    if (line.demo && !line.check_config) {
        TRY(demo_make_store(&config, err_r));
    }
    TRY(config_check(&config, err_r));
    if (line.check_config) {
        return 0;
    }
    log_configure(config.log_level, config.log_json, STDERR_FILENO);
    rc = serve(&config, &line, err_r);
    if (line.demo) {
        demo_remove_store(&config);
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct arena *arena = arena_new(NULL, "main");
    int rc;

    (void)mallopt(M_ARENA_MAX, HEAPS);
    (void)umask(077); /* mail and password hashes, in whatever directory the store is */
    mime_init();
    rc = run(argc, argv, arena, &err);
    arena_free(&arena);
    if (rc < 0) {
        (void)fprintf(stderr, "ewerd: %s\n",
                      err.kind == ERR_USAGE || err.log_text[0] == '\0' ? err.client_text
                                                                       : err.log_text);
        return error_row(err.kind)->exit_code;
    }
    return EX_OK;
}
