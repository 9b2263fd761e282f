#include "ctl/options.h"

#include "base/err.h"
#include "base/str.h"

static const struct option {
    const char *name, *value; /* value: what the help calls it; NULL: it takes none */
    size_t offset;            /* of the const char * or the bool in struct options */
    const char *help;
} option_table[] = {
    {"data", "DIR", offsetof(struct options, data),
     "the store's directory (needed by every command)"},
    {"password-stdin", NULL, offsetof(struct options, password_stdin),
     "user add, user passwd: read the password from the first line of stdin"},
    {"name", "NAME", offsetof(struct options, name), "user add: the name shown beside the address"},
    {"folder", "NAME", offsetof(struct options, folder),
     "import: the folder for all messages, such as Inbox or Lists/ewer"},
    {"help", NULL, offsetof(struct options, help), "this text"},
    {"version", NULL, offsetof(struct options, version), "the version"},
};

static const struct option *find_option(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(option_table); i++) {
        if (str_is(name, option_table[i].name)) {
            return &option_table[i];
        }
    }
    return NULL;
}

/* One argument that begins with "--". *i: its place; moved on when its value is the next one. */
static int take_option(struct options *o, int argc, char **argv, int *i, struct err *err_r)
{
    const char *text = argv[*i] + 2;
    const char *value = strchr(text, '=');
    struct str name = value != NULL ? str_of(text, (size_t)(value - text)) : str_from(text);
    const struct option *option = find_option(name);

    if (option == NULL) {
        return err_tell(err_r, ERR_USAGE, "there is no option --%.*s", STR_ARG(name));
    }
    if (option->value == NULL) {
        if (value != NULL) {
            return err_tell(err_r, ERR_USAGE, "--%s takes no value", option->name);
        }
        *(bool *)((char *)o + option->offset) = true;
        return 0;
    }
    if (value == NULL && ++*i == argc) {
        return err_tell(err_r, ERR_USAGE, "--%s needs a value: %s", option->name, option->value);
    }
    *(const char **)((char *)o + option->offset) = value != NULL ? value + 1 : argv[*i];
    return 0;
}

int options_parse(struct options *options_r, int argc, char **argv, struct err *err_r)
{
    struct options o = {.words = argv};
    bool ended = false;

    for (int i = 1; i < argc; i++) {
        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (!ended && strncmp(argv[i], "--", 2) == 0) {
            TRY(take_option(&o, argc, argv, &i, err_r));
        } else {
            o.words[o.word_count++] = argv[i];
        }
    }
    *options_r = o;
    return 0;
}

void options_describe(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(option_table); i++) {
        const struct option *o = &option_table[i];
        int width = 22 - (int)strlen(o->name);

        buf_printf(out, "  --%s %-*s%s\n", o->name, width > 0 ? width : 1,
                   o->value != NULL ? o->value : "", o->help);
    }
}
