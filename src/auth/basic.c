#include "auth/basic.h"

#include "base/base64.h"
#include "base/err.h"

#include <sodium.h>

static struct str credentials_of(struct str authorization)
{
    struct str scheme = STR_INIT("Basic ");

    if (authorization.n > AUTH_HEADER_BYTES || !str_starts_nocase(authorization, scheme)) {
        return STR_NULL;
    }
    return str_trim(str_sub(authorization, scheme.n, SIZE_MAX));
}

int basic_init(struct basic *basic, struct str authorization, struct err *err_r)
{
    struct str text = credentials_of(authorization);
    size_t n = 0, colon = SIZE_MAX;

    if (text.n > 0 && base64_decode_to(basic->bytes, sizeof(basic->bytes), text, &n)) {
        colon = str_find_char(str_of(basic->bytes, n), ':', 0);
    }
    if (colon == SIZE_MAX || colon == 0 || n - colon - 1 > AUTH_PASSWORD_BYTES) {
        basic_fini(basic);
        return err_set(err_r, ERR_AUTH_FAILED, "no Basic credentials");
    }
    basic->name = str_of(basic->bytes, colon);
    basic->password = str_of(basic->bytes + colon + 1, n - colon - 1);
    return 0;
}

void basic_fini(struct basic *basic)
{
    sodium_memzero(basic, sizeof(*basic));
}
