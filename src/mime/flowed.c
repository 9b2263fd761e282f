/* format=flowed (RFC 3676): lines that were broken only to fit are joined again. */
#include "mime/mime-private.h"

#include "base/arena.h"
#include "base/buf.h"

struct flow {
    struct buf out;
    bool joins;         /* the line before ended soft */
    size_t quote_depth; /* of the line before */
    bool delsp;
};

static size_t quote_depth_of(struct str line)
{
    size_t n = 0;

    while (n < line.n && line.p[n] == '>') {
        n++;
    }
    return n;
}

static void start_line(struct flow *flow, size_t depth, bool is_first)
{
    if (!is_first) {
        BUF_LIT(&flow->out, "\r\n");
    }
    for (size_t i = 0; i < depth; i++) {
        buf_add_char(&flow->out, '>');
    }
    if (depth > 0) {
        buf_add_char(&flow->out, ' ');
    }
}

static void add_line(struct flow *flow, struct str line, bool is_first)
{
    size_t depth = quote_depth_of(line);
    bool is_signature, is_soft;

    line = str_sub(line, depth, SIZE_MAX);
    if (line.n > 0 && line.p[0] == ' ') {
        line = str_sub(line, 1, SIZE_MAX); /* stuffed */
    }
    is_signature = str_is(line, "-- ");
    is_soft = !is_signature && line.n > 0 && line.p[line.n - 1] == ' ';
    if (is_soft && flow->delsp) {
        line.n--;
    }
    if (is_first || !flow->joins || is_signature || depth != flow->quote_depth) {
        start_line(flow, depth, is_first);
    }
    buf_add_str(&flow->out, line);
    flow->joins = is_soft;
    flow->quote_depth = depth;
}

struct str mime_flowed_join(struct arena *arena, struct str text, bool delsp)
{
    struct flow flow = {.out = BUF_INIT, .delsp = delsp};
    struct str line, joined;

    for (size_t at = 0; at < text.n;) {
        size_t next = mime_line(text, at, &line);

        add_line(&flow, line, at == 0);
        at = next;
    }
    if (text.n > 0 && text.p[text.n - 1] == '\n') {
        BUF_LIT(&flow.out, "\r\n");
    }
    joined = str_dup(arena, buf_str(&flow.out));
    buf_fini(&flow.out);
    return joined;
}
