#include "auth/login.h"

#include "auth/auth.h"
#include "base/utf8.h"
#include "mailbox/store.h"

/* What follows DOMAIN\. */
static struct str without_domain(struct str name)
{
    size_t at = str_find_char(name, '\\', 0);

    return at != SIZE_MAX ? str_sub(name, at + 1, SIZE_MAX) : name;
}

static struct str local_part(struct str address)
{
    size_t at = str_find_char(address, '@', 0);

    return str_sub(address, 0, at);
}

static int find_by_local_part(struct store *store, struct str local, struct arena *arena,
                              struct user *user_r, struct err *err_r)
{
    struct user *users;
    const struct user *only = NULL;
    size_t n;

    TRY(store_user_list(store, arena, &users, &n, err_r));
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(local_part(users[i].address), local)) {
            if (only != NULL) {
                return 0;
            }
            only = &users[i];
        }
    }
    if (only == NULL) {
        return 0;
    }
    *user_r = *only;
    return 1;
}

/* The store also knows "user+detail@domain", which is an address for mail, no login. */
static int find_by_address(struct store *store, struct str address, struct arena *arena,
                           struct user *user_r, struct err *err_r)
{
    struct user user;
    int found = store_user_find(store, address, arena, &user, err_r);

    TRY(found);
    if (found == 0 || !str_eq_nocase(user.address, address)) {
        return 0;
    }
    *user_r = user;
    return 1;
}

int login_find_user(struct store *store, struct str name, struct arena *arena, struct user *user_r,
                    struct err *err_r)
{
    struct str who = without_domain(name);

    if (who.n == 0 || who.n >= AUTH_ADDRESS_BYTES || memchr(who.p, '\0', who.n) != NULL ||
        !utf8_valid(who)) {
        return 0;
    }
    if (str_find_char(who, '@', 0) != SIZE_MAX) {
        return find_by_address(store, who, arena, user_r, err_r);
    }
    return find_by_local_part(store, who, arena, user_r, err_r);
}
