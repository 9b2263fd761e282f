#include "ctl/exit_codes.h"

#include <sysexits.h>

static const struct {
    enum err_kind kind;
    int code;
} exit_codes[] = {
    {ERR_NONE, EX_OK},
    {ERR_USAGE, EX_USAGE},
    {ERR_PARSE, EX_DATAERR},
    {ERR_TOO_LARGE, EX_DATAERR},
    {ERR_NAME_INVALID, EX_DATAERR},
    {ERR_CORRUPT, EX_DATAERR},
    {ERR_NO_SUCH_MAILBOX, EX_NOUSER},
    {ERR_SUBSCRIPTION_NOT_FOUND, EX_DATAERR},
    {ERR_EXISTS, EX_CANTCREAT},
    {ERR_IO, EX_IOERR},
    {ERR_ACCESS_DENIED, EX_NOPERM},
    {ERR_STORE_FULL, EX_TEMPFAIL},
    {ERR_STORE_BUSY, EX_TEMPFAIL},
    {ERR_BUSY, EX_TEMPFAIL},
    {ERR_QUOTA, EX_TEMPFAIL},
    {ERR_TIMEOUT, EX_TEMPFAIL},
    {ERR_SHUTTING_DOWN, EX_TEMPFAIL},
    {ERR_OUTCOME_UNKNOWN, EX_TEMPFAIL},
    {ERR_STORE_NEWER, EX_UNAVAILABLE},
    {ERR_NOT_SUPPORTED, EX_UNAVAILABLE},
};

int exit_code_of(enum err_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(exit_codes); i++) {
        if (exit_codes[i].kind == kind) {
            return exit_codes[i].code;
        }
    }
    return EX_SOFTWARE;
}
