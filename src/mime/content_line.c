#include "mime/content_line.h"

#include "base/utf8.h"

#define LINE_BYTES_MAX 75

static void blank_controls(struct buf *line)
{
    for (size_t i = 0; i < line->n; i++) {
        unsigned char c = (unsigned char)line->p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            line->p[i] = ' ';
        }
    }
}

void content_line_end(struct buf *out, struct buf *line)
{
    struct str rest;
    bool first = true;

    blank_controls(line);
    for (rest = buf_str(line); rest.n > 0; first = false) {
        struct str piece = utf8_cut(rest, LINE_BYTES_MAX - !first);

        /* Not UTF-8: any cut is as good. */
        piece = piece.n > 0 ? piece : str_sub(rest, 0, LINE_BYTES_MAX - 1);
        if (!first) {
            buf_add_char(out, ' ');
        }
        buf_add_str(out, piece);
        BUF_LIT(out, "\r\n");
        rest = str_sub(rest, piece.n, SIZE_MAX);
    }
    buf_clear(line);
}

void content_line_text(struct buf *line, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n') {
            continue;
        }
        if (c == '\n' || c == '\r') {
            BUF_LIT(line, "\\n");
            continue;
        }
        if (c == '\\' || c == ';' || c == ',') {
            buf_add_char(line, '\\');
        }
        buf_add_char(line, c);
    }
}

void content_line_parameter(struct buf *line, const char *name, struct str value)
{
    bool quoted = false;

    if (value.n == 0) {
        return;
    }
    for (size_t i = 0; i < value.n; i++) {
        quoted |= memchr(":;,", value.p[i], 3) != NULL;
    }
    buf_printf(line, quoted ? ";%s=\"" : ";%s=", name);
    for (size_t i = 0; i < value.n; i++) {
        switch (value.p[i]) {
        case '"': BUF_LIT(line, "^'"); break;
        case '^': BUF_LIT(line, "^^"); break;
        case '\n': BUF_LIT(line, "^n"); break;
        default: buf_add_char(line, value.p[i]);
        }
    }
    buf_add_cstr(line, quoted ? "\"" : "");
}
