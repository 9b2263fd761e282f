/* HTTP Basic (RFC 7617): the header's value to name and password. Callers: auth.c. */
#ifndef AUTH_BASIC_H
#define AUTH_BASIC_H

#include "auth/limits.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>

struct err;

/* Slices point into bytes; wipe with basic_fini. */
struct basic {
    unsigned char bytes[AUTH_HEADER_BYTES];
    struct str name, password;
};
/* ERR_AUTH_FAILED for anything but "Basic" and base64 of "name:password". */
int basic_init(struct basic *basic, struct str authorization, struct err *err_r) WARN_UNUSED;
void basic_fini(struct basic *basic);

#endif
