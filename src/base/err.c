#include "base/err.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
    enum err_scope scope;
} kinds[ERR_KIND_COUNT] = {[ERR_NONE] = {"NONE", "", ERR_SCOPE_ITEM},
#define X(name_, scope_, text_)                                                                    \
    [ERR_##name_] = {.name = #name_, .text = (text_), .scope = ERR_SCOPE_##scope_},
                           ERR_KINDS(X)
#undef X
};

/* Copies text, cut before a code point that does not fit. */
static void set_text(char *out, size_t cap, const char *text)
{
    struct str s = utf8_cut(str_from(text), cap - 1);

    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
}

PRINTF_LIKE(6, 0)
static int fill(struct err *e, enum err_kind kind, const char *file, int line, bool tell,
                const char *fmt, va_list ap)
{
    char text[ERR_LOG_TEXT_BYTES +
              1]; /* the arguments may stand in *e; longer, so that set_text cuts */

    assert(kind > ERR_NONE && kind < ERR_KIND_COUNT);
    if (e == NULL) {
        return -(int)kind;
    }
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0) {
        text[0] = '\0';
    }
    e->kind = kind;
    e->file = file;
    e->line = line;
    e->at_line = 0;
    e->at_column = 0;
    set_text(e->log_text, sizeof(e->log_text), text);
    set_text(e->client_text, sizeof(e->client_text), tell ? text : kinds[kind].text);
    return -(int)kind;
}

int err_set_at(struct err *e, enum err_kind kind, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = fill(e, kind, file, line, false, fmt, ap);
    va_end(ap);
    return rc;
}

int err_tell_at(struct err *e, enum err_kind kind, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = fill(e, kind, file, line, true, fmt, ap);
    va_end(ap);
    return rc;
}

const char *err_kind_name(enum err_kind kind)
{
    assert(kind < ERR_KIND_COUNT);
    return kinds[kind].name;
}

const char *err_kind_text(enum err_kind kind)
{
    assert(kind < ERR_KIND_COUNT);
    return kinds[kind].text;
}

enum err_scope err_kind_scope(enum err_kind kind)
{
    assert(kind < ERR_KIND_COUNT);
    return kinds[kind].scope;
}
