#include "mailbox/address.h"

#include "mailbox/limits.h"

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_atext(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_label_char(char c)
{
    return is_alnum(c) || c == '-';
}

/* Parts between dots, none empty, each of at most max_bytes characters that are `allowed`. */
static bool dotted(struct str s, bool (*allowed)(char c), size_t max_bytes)
{
    size_t i, part = 0;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] == '.') {
            if (part == 0) {
                return false;
            }
            part = 0;
        } else if (!allowed(s.p[i]) || ++part > max_bytes) {
            return false;
        }
    }
    return part != 0;
}

bool address_valid(struct str address)
{
    size_t at = str_find_char(address, '@', 0);
    struct str local, domain;

    if (at == SIZE_MAX || address.n > ADDRESS_MAX_BYTES) {
        return false;
    }
    local = str_sub(address, 0, at);
    domain = str_sub(address, at + 1, SIZE_MAX);
    return local.n <= ADDRESS_LOCAL_MAX_BYTES && dotted(local, is_atext, ADDRESS_LOCAL_MAX_BYTES) &&
           dotted(domain, is_label_char, ADDRESS_LABEL_MAX_BYTES);
}

struct str address_key(struct arena *arena, struct str address)
{
    return str_lower(arena, address);
}

bool address_without_detail(struct arena *arena, struct str address, struct str *plain_r)
{
    size_t at = str_find_char(address, '@', 0);
    size_t plus = str_find_char(address, '+', 0);

    if (at == SIZE_MAX || plus == 0 || plus >= at) {
        return false;
    }
    *plain_r =
        str_printf(arena, "%.*s%.*s", (int)plus, address.p, (int)(address.n - at), address.p + at);
    return true;
}
