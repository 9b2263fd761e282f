/* Error kind -> what a client sees. One row a kind; tested for completeness. */
#ifndef EWS_ERROR_MAP_H
#define EWS_ERROR_MAP_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct error_row {
    enum err_kind kind;
    struct str response_code; /* "ErrorItemNotFound" */
    int http_status;          /* when it ends the whole request */
    int exit_code;            /* of the command-line tools (sysexits) */
    const char *lmtp_reply;   /* "451 4.3.0" … */
    bool ends_request;        /* a fault, never a response message */
};
/* ERR_NONE has a row too: NoError, 200, 0, "250 2.0.0". */
const struct error_row *error_row(enum err_kind kind);

#endif
