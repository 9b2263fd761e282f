#include "mime/patch.h"

#include "base/arena.h"
#include "mime/mime-private.h"

struct patch {
    const char *const *names;
    size_t n;
};

static bool is_named(const struct patch *patch, struct str line)
{
    struct str name = str_trim(str_sub(line, 0, str_find_char(line, ':', 0)));

    if (!mime_line_is_field(line)) {
        return false;
    }
    for (size_t i = 0; i < patch->n; i++) {
        if (str_is_nocase(name, patch->names[i])) {
            return true;
        }
    }
    return false;
}

/* Copies to out (NULL: only counts) the lines of raw's header whose fields are named, or those
 * that are not; *end_r: where the header ends. */
static size_t copy_fields(const struct patch *patch, struct str raw, bool named, char *out,
                          size_t *end_r)
{
    size_t n = 0, at = 0, next;
    bool taking = false;
    struct str line;

    for (; at < raw.n; at = next) {
        next = mime_line(raw, at, &line);
        if (line.n == 0) {
            break;
        }
        if (line.p[0] != ' ' && line.p[0] != '\t') {
            taking = is_named(patch, line) == named;
        } else if (at == 0) {
            taking = !named;
        }
        if (taking) {
            if (out != NULL) {
                memcpy(out + n, raw.p + at, next - at);
            }
            n += next - at;
        }
    }
    *end_r = at;
    return n;
}

struct str mime_replace_fields(struct str raw, const struct mime_draft *values,
                               const char *const *names, size_t n, struct arena *arena)
{
    const struct patch patch = {names, n};
    struct mime_draft header = *values;
    struct str composed;
    size_t new_n, kept_n, end, ignored;
    char *out;

    header.has_text = header.has_html = false;
    header.calendar = STR("");
    header.attachment_count = 0;
    composed = mime_compose(&header, arena);
    new_n = copy_fields(&patch, composed, true, NULL, &ignored);
    kept_n = copy_fields(&patch, raw, false, NULL, &end);
    if (new_n == 0 && kept_n == end) {
        return raw;
    }
    out = arena_alloc(arena, new_n + kept_n + (raw.n - end) + 2);
    copy_fields(&patch, composed, true, out, &ignored);
    copy_fields(&patch, raw, false, out + new_n, &ignored);
    n = new_n + kept_n;
    if (end == raw.n) { /* no empty line ends the header: what comes next must not join it */
        memcpy(out + n, "\r\n", 2);
        return str_of(out, n + 2);
    }
    memcpy(out + n, raw.p + end, raw.n - end);
    return str_of(out, n + raw.n - end);
}
