/* The path of MAIL and RCPT (RFC 5321 4.1.2, RFC 6531): "<@relay:local@domain>" to a plain address.
 * Callers: the session. */
#ifndef LMTP_ADDRESS_H
#define LMTP_ADDRESS_H

#include "base/str.h"

#include <stdbool.h>

struct arena;

enum lmtp_path_result {
    LMTP_PATH_OK,
    LMTP_PATH_SYNTAX,    /* 501 5.1.3 */
    LMTP_PATH_NON_ASCII, /* needs SMTPUTF8, which was not asked for: 553 5.6.7 */
};

/*
 * Takes a path from the front of *text. A source route is dropped, a quoted local part loses its
 * quotes when it needs none (otherwise it keeps them in their shortest form). The empty path "<>"
 * yields an empty address; an address may lack a domain (postmaster). *text is advanced past the
 * path only on success. The address lives in arena.
 */
enum lmtp_path_result lmtp_path_take(struct str *text, bool utf8, struct arena *arena,
                                     struct str *address_r);

#endif
