/*
 * The mail data of RFC 5321 4.5.2: finds its end and removes the dots, whatever the pieces it comes
 * in.
 *
 * Only CR LF counts as a line end. A bare LF (or CR) is a byte of the message: neither "LF . LF"
 * nor "LF . CR LF" ends the data or has a dot removed, so what a relay took for one message cannot
 * become two here.
 */
#ifndef LMTP_DATA_H
#define LMTP_DATA_H

#include "base/str.h"

#include <stdbool.h>

enum lmtp_data_state {
    LMTP_DATA_LINE_START, /* the last bytes were CR LF, or nothing came yet */
    LMTP_DATA_DOT,        /* a dot came at the start of a line; it is held back */
    LMTP_DATA_DOT_CR,     /* CR after that dot; both are held back */
    LMTP_DATA_TEXT,       /* within a line */
    LMTP_DATA_TEXT_CR,    /* within a line, the last byte was CR */
    LMTP_DATA_END         /* CR LF . CR LF was consumed; what follows is no data */
};

/* The next piece of the message: a slice of *input (advanced), or of a constant. False: input is
 * used up or the end is reached. */
bool lmtp_data_next(enum lmtp_data_state *state, struct str *input, struct str *piece_r);

#endif
