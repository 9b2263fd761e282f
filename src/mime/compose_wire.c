#include "mime/compose-private.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/macros.h"
#include "mime/limits.h"

#define HEX "0123456789ABCDEF"

/* ---- line ends ---- */

static bool has_only_crlf(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') {
            i++;
        } else if (s.p[i] == '\r' || s.p[i] == '\n') {
            return false;
        }
    }
    return true;
}

struct str wire_text(struct arena *arena, struct str text)
{
    char *out;
    size_t n = 0;

    if (has_only_crlf(text)) {
        return text;
    }
    out = arena_alloc(arena, 2 * text.n);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\r' && text.p[i] != '\n') {
            out[n++] = text.p[i];
            continue;
        }
        if (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n') {
            i++;
        }
        out[n++] = '\r';
        out[n++] = '\n';
    }
    return str_of(out, n);
}

/* ---- which encoding ---- */

struct survey {
    size_t high;    /* bytes of 0x80 and more */
    size_t control; /* others that have no place in mail */
    bool long_line, bare_line_end, from_line;
};

static struct survey survey_of(struct str s)
{
    struct survey v = {0};
    size_t line = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '\n') {
            v.bare_line_end |= i == 0 || s.p[i - 1] != '\r';
            line = i + 1;
            continue;
        }
        v.high += c >= 0x80;
        v.control += (c < ' ' && c != '\t' && c != '\r') || c == 0x7f;
        v.bare_line_end |= c == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n');
        v.from_line |= i == line && str_starts(str_sub(s, i, 5), STR("From "));
        v.long_line |= i - line >= MIME_LINE_BYTES_MAX;
    }
    return v;
}

enum wire_encoding wire_encoding_of_text(struct str text)
{
    struct survey v = survey_of(text);

    /* An encoded byte is three of quoted-printable, four thirds of base64. */
    if ((v.high + v.control) * 6 > text.n) {
        return WIRE_BASE64;
    }
    return v.high == 0 && v.control == 0 && !v.long_line && !v.from_line ? WIRE_7BIT : WIRE_QP;
}

enum wire_encoding wire_encoding_of_message(struct str message)
{
    struct survey v = survey_of(message);

    if (v.control > 0 || v.long_line || v.bare_line_end) {
        return WIRE_BASE64;
    }
    return v.high > 0 ? WIRE_8BIT : WIRE_7BIT;
}

const char *wire_encoding_name(enum wire_encoding encoding)
{
    static const char *const names[] = {[WIRE_7BIT] = "7bit",
                                        [WIRE_8BIT] = "8bit",
                                        [WIRE_QP] = "quoted-printable",
                                        [WIRE_BASE64] = "base64"};

    return names[encoding];
}

/* ---- writing ---- */

/* Bytes of content in a line of base64, and of the line. */
#define BASE64_LINE_IN 57
#define BASE64_LINE_OUT 76

static void write_base64(struct wire *w, struct str content)
{
    if (w->p == NULL) {
        size_t lines = (content.n + BASE64_LINE_IN - 1) / BASE64_LINE_IN;

        w->n += BASE64_BYTES(content.n) + (lines > 0 ? (lines - 1) * 2 : 0);
        return;
    }
    for (size_t at = 0; at < content.n; at += BASE64_LINE_IN) {
        struct str piece = str_sub(content, at, BASE64_LINE_IN);

        if (at > 0) {
            wire_newline(w);
        }
        w->n += base64_encode_to(w->p + w->n, piece.p, piece.n);
    }
}

/* Whether the byte at i of the line may stand for itself. */
static bool is_literal(struct str line, size_t i)
{
    unsigned char c = (unsigned char)line.p[i];

    if (c == ' ' || c == '\t') {
        return i + 1 < line.n;
    }
    if (i == 0 && (c == '.' || (c == 'F' && str_starts(line, STR("From "))))) {
        return false;
    }
    return c > ' ' && c < 0x7f && c != '=';
}

static void write_qp_line(struct wire *w, struct str line)
{
    size_t column = 0;

    for (size_t i = 0; i < line.n; i++) {
        bool literal = is_literal(line, i);
        unsigned char c = (unsigned char)line.p[i];

        if (column + (literal ? 1 : 3) > BASE64_LINE_OUT - 1) {
            wire_char(w, '=');
            wire_newline(w);
            column = 0;
        }
        if (literal) {
            wire_char(w, line.p[i]);
        } else {
            wire_append(w, (char[]){'=', HEX[c >> 4], HEX[c & 15]}, 3);
        }
        column += literal ? 1 : 3;
    }
}

static void write_qp(struct wire *w, struct str content)
{
    for (size_t at = 0;;) {
        size_t end = str_find(content, STR("\r\n"), at);

        write_qp_line(w, str_sub(content, at, end == SIZE_MAX ? SIZE_MAX : end - at));
        if (end == SIZE_MAX) {
            return;
        }
        wire_newline(w);
        at = end + 2;
    }
}

void wire_content(struct wire *w, struct str content, enum wire_encoding encoding)
{
    switch (encoding) {
    case WIRE_7BIT:
    case WIRE_8BIT: wire_str(w, content); break;
    case WIRE_QP: write_qp(w, content); break;
    case WIRE_BASE64: write_base64(w, content); break;
    }
}
