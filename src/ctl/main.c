/* ewerctl: users, import, delivery and checks of a store, with its server running or not. */
#include "base/buf.h"
#include "base/err.h"
#include "ctl/backend.h"
#include "ctl/commands.h"
#include "ctl/exit_codes.h"
#include "ctl/options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct command {
    const char *words[2];
    const char *arguments;
    int least, most; /* arguments */
    bool creates;    /* makes the store when there is none */
    int (*run)(const struct command_call *call, struct err *err_r);
    const char *help;
} commands[] = {
    {{"user", "add"},
     "ADDR",
     1,
     1,
     true,
     command_user_add,
     "add a user and a mailbox; makes the store when there is none"},
    {{"user", "list"}, "", 0, 0, false, command_user_list, "list the users"},
    {{"user", "passwd"}, "ADDR", 1, 1, false, command_user_passwd, "change a password"},
    {{"user", "delete"},
     "ADDR",
     1,
     1,
     false,
     command_user_delete,
     "delete a user and all their mail"},
    {{"import", NULL},
     "ADDR PATH...",
     2,
     INT_MAX,
     false,
     command_import,
     "import mbox files, Maildirs, .eml files or directories of them"},
    {{"deliver", NULL},
     "ADDR",
     1,
     1,
     false,
     command_deliver,
     "deliver the message on standard input, as LMTP would"},
    {{"check", NULL}, "ADDR", 1, 1, false, command_check, "verify a mailbox"},
    {{"sub", "list"},
     "[ADDR]",
     0,
     1,
     false,
     command_sub_list,
     "list subscriptions: how many events each is behind, and since when it is silent"},
    {{"sub", "show"}, "ID", 1, 1, false, command_sub_show, "all about one subscription"},
    {{"sub", "delete"}, "ID", 1, 1, false, command_sub_delete, "end a subscription"},
    {{"monitor", NULL},
     "[ADDR]",
     0,
     1,
     false,
     command_monitor,
     "print what happens in the mailboxes, as it happens"},
};

static void print_help(void)
{
    struct buf out = BUF_INIT;

    BUF_LIT(&out, "usage: ewerctl --data DIR COMMAND\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *c = &commands[i];
        char name[40];

        (void)snprintf(name, sizeof(name), "%s%s%s %s", c->words[0], c->words[1] != NULL ? " " : "",
                       c->words[1] != NULL ? c->words[1] : "", c->arguments);
        buf_printf(&out, "  %-23s %s\n", name, c->help);
    }
    BUF_LIT(&out, "\n");
    options_describe(&out);
    BUF_LIT(
        &out,
        "\nWithout --password-stdin a password is asked for on the terminal; where there is none,\n"
        "one is made up and printed.\n"
        "import stores the oldest message first, over all paths. It does not look for messages that\n"
        "are there already: an interrupted import that is repeated stores the first ones twice.\n"
        "Exit codes are those of sysexits.h: 64 usage, 65 bad data, 67 no such user, 73 exists\n"
        "already, 74 input or output, 75 try again later.\n");
    (void)fwrite(out.p, 1, out.n, stdout);
    buf_fini(&out);
}

/* Number of words that name the command, 0 when they do not. */
static int matches(const struct command *c, const struct options *o)
{
    if (o->word_count < 1 || strcmp(o->words[0], c->words[0]) != 0) {
        return 0;
    }
    if (c->words[1] == NULL) {
        return 1;
    }
    return o->word_count >= 2 && strcmp(o->words[1], c->words[1]) == 0 ? 2 : 0;
}

static const struct command *find_command(const struct options *o, int *words_r)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        *words_r = matches(&commands[i], o);
        if (*words_r > 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int run(const struct options *o, struct err *err_r)
{
    AUTO(backend) backend = NULL;
    int words;
    const struct command *c = find_command(o, &words);
    int arguments = o->word_count - words;

    if (c == NULL) {
        return err_tell(err_r, ERR_USAGE,
                        o->word_count > 0 ? "there is no command %s; see --help"
                                          : "a command is missing; see --help",
                        o->word_count > 0 ? o->words[0] : "");
    }
    if (arguments < c->least || arguments > c->most) {
        return err_tell(err_r, ERR_USAGE, "usage: ewerctl --data DIR %s %s%s%s", c->words[0],
                        c->words[1] != NULL ? c->words[1] : "", c->words[1] != NULL ? " " : "",
                        c->arguments);
    }
    if (o->data == NULL) {
        return err_tell(err_r, ERR_USAGE, "--data DIR is missing");
    }
    TRY(backend_open(o->data, c->creates, &backend, err_r));
    return c->run(
        &(struct command_call){
            .backend = backend, .options = o, .words = o->words + words, .word_count = arguments},
        err_r);
}

/* The text for users may be a general one; what was found goes with it. */
static void print_error(const struct err *err)
{
    bool general =
        strcmp(err->client_text, err_kind_text(err->kind)) == 0 && err->log_text[0] != '\0';

    (void)fprintf(stderr, "ewerctl: %s\n", general ? err->log_text : err->client_text);
}

int main(int argc, char **argv)
{
    struct options options;
    struct err err = ERR_INIT;
    int rc = options_parse(&options, argc, argv, &err);

    (void)umask(077); /* mail and password hashes, in whatever directory the store is */
    if (rc == 0 && (options.help || options.version)) {
        if (options.help) {
            print_help();
        } else {
            (void)printf("ewerctl %s\n", EWER_VERSION);
        }
        return 0;
    }
    if (rc == 0) {
        rc = run(&options, &err);
    }
    if (rc < 0) {
        (void)fflush(stdout);
        print_error(&err);
    }
    return exit_code_of((enum err_kind) - rc);
}
