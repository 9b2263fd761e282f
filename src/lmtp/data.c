#include "lmtp/data.h"

static void skip(struct str *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

/* Length of what may be taken as it stands: up to a dot at the start of a line, or all. Sets the
 * state after it. */
static size_t plain_length(enum lmtp_data_state *state, struct str s)
{
    bool line_start = *state == LMTP_DATA_LINE_START;
    size_t pos = 0;

    if (*state == LMTP_DATA_TEXT_CR && s.p[0] == '\n') {
        line_start = true;
        pos = 1;
    }
    for (;;) {
        const char *lf;

        if (line_start && (pos == s.n || s.p[pos] == '.')) {
            *state = LMTP_DATA_LINE_START;
            return pos;
        }
        lf = pos < s.n ? memchr(s.p + pos, '\n', s.n - pos) : NULL;
        if (lf == NULL) {
            *state = s.p[s.n - 1] == '\r' ? LMTP_DATA_TEXT_CR : LMTP_DATA_TEXT;
            return s.n;
        }
        pos = (size_t)(lf - s.p) + 1;
        line_start = lf > s.p && lf[-1] == '\r';
    }
}

/* After a dot at the start of a line: the end of the data, or the dot was stuffed and is dropped.
 * True with *piece_r: bytes held back. */
static bool resolve_dot(enum lmtp_data_state *state, struct str *input, struct str *piece_r)
{
    char c = input->p[0];

    if (*state == LMTP_DATA_DOT) {
        if (c == '\r') {
            skip(input, 1);
            *state = LMTP_DATA_DOT_CR;
        } else {
            *state = LMTP_DATA_TEXT;
        }
        return false;
    }
    if (c == '\n') {
        skip(input, 1);
        *state = LMTP_DATA_END;
        return false;
    }
    *state = LMTP_DATA_TEXT;
    *piece_r = STR("\r");
    return true;
}

bool lmtp_data_next(enum lmtp_data_state *state, struct str *input, struct str *piece_r)
{
    while (input->n > 0 && *state != LMTP_DATA_END) {
        if (*state == LMTP_DATA_DOT || *state == LMTP_DATA_DOT_CR) {
            if (resolve_dot(state, input, piece_r)) {
                return true;
            }
        } else if (*state == LMTP_DATA_LINE_START && input->p[0] == '.') {
            skip(input, 1);
            *state = LMTP_DATA_DOT;
        } else {
            size_t n = plain_length(state, *input);

            *piece_r = str_sub(*input, 0, n);
            skip(input, n);
            return true;
        }
    }
    return false;
}
