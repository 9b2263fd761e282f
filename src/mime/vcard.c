#include "mime/compose.h"

#include "base/arena.h"
#include "base/buf.h"
#include "mime/content_line.h"
#include "mime/mime-private.h"

static void add_line(struct buf *out, struct buf *line, const struct vcard_line *l,
                     struct arena *arena)
{
    buf_add_cstr(line, l->name);
    if (l->params != NULL) {
        buf_add_char(line, ';');
        buf_add_cstr(line, l->params);
    }
    buf_add_char(line, ':');
    for (size_t i = 0; i < l->part_count; i++) {
        if (i > 0) {
            buf_add_char(line, ';');
        }
        content_line_text(line, mime_clean(arena, l->parts[i]));
    }
    content_line_end(out, line);
}

struct str vcard_write(const struct vcard_line *lines, size_t n, struct arena *arena)
{
    struct buf out = BUF_INIT, line = BUF_INIT;
    struct str card;

    BUF_LIT(&out, "BEGIN:VCARD\r\nVERSION:3.0\r\n");
    for (size_t i = 0; i < n; i++) {
        add_line(&out, &line, &lines[i], arena);
    }
    BUF_LIT(&out, "END:VCARD\r\n");
    card = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    buf_fini(&line);
    return card;
}
