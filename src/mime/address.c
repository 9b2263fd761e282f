#include "mime/mime-private.h"

#include "base/arena.h"
#include "mime/limits.h"

/* Grows when n is a power of two, so that a list can be taken up again without its capacity. */
struct address_list {
    struct arena *arena;
    struct mime_address *v;
    size_t n;
};

static bool is_full(const struct address_list *list)
{
    return list->n == 0 || (list->n & (list->n - 1)) == 0;
}

static void add(struct address_list *list, struct str name, struct str address)
{
    if (list->n == MIME_ADDRESSES_MAX) {
        return;
    }
    if (is_full(list)) {
        size_t cap = list->n == 0 ? 1 : list->n * 2;

        list->v =
            arena_grow(list->arena, list->v, list->n * sizeof(*list->v), cap * sizeof(*list->v));
    }
    list->v[list->n++] = (struct mime_address){name, address};
}

static void add_mailboxes(struct address_list *list, InternetAddressList *from, bool groups);

/* A group's members stand for it; one without members ("undisclosed-recipients:;") is its name. */
static void add_group(struct address_list *list, InternetAddress *group)
{
    InternetAddressList *members =
        internet_address_group_get_members((InternetAddressGroup *)group);
    size_t before = list->n;

    if (members != NULL) {
        add_mailboxes(list, members, false);
    }
    if (list->n == before) {
        add(list, mime_clean_cstr(list->arena, internet_address_get_name(group)), STR(""));
    }
}

static void add_mailboxes(struct address_list *list, InternetAddressList *from, bool groups)
{
    int n = internet_address_list_length(from);

    for (int i = 0; i < n && list->n < MIME_ADDRESSES_MAX; i++) {
        InternetAddress *ia = internet_address_list_get_address(from, i);

        if (INTERNET_ADDRESS_IS_MAILBOX(ia)) {
            const char *address = internet_address_mailbox_get_addr((InternetAddressMailbox *)ia);

            add(list, mime_clean_cstr(list->arena, internet_address_get_name(ia)),
                mime_clean_cstr(list->arena, address));
        } else if (groups) {
            add_group(list, ia);
        }
    }
}

/* GMime reads groups within groups by recursion, without end. A colon outside of groups is rare: it stands in quotes or routes. */
static bool has_bounded_groups(struct str s)
{
    size_t colons = 0;

    for (size_t at = 0; (at = str_find_char(s, ':', at)) != SIZE_MAX; at++) {
        colons++;
    }
    return colons <= MIME_GROUPS_MAX;
}

/* What is no address is still shown; "Mail Delivery <>" has a name and no address. */
static struct str unparsed_name(struct arena *arena, struct str raw)
{
    struct str text = mime_field_text(arena, raw);

    if (str_ends_nocase(text, STR("<>"))) {
        text = str_trim(str_sub(text, 0, text.n - 2));
    }
    return text;
}

void mime_field_addresses(struct arena *arena, struct str raw, struct mime_addresses *addresses)
{
    struct address_list list = {arena, (struct mime_address *)(uintptr_t)addresses->v,
                                addresses->n};
    size_t before = list.n;
    struct str s = mime_field_unfold(arena, raw, MIME_VALUE_BYTES_MAX);
    InternetAddressList *parsed = NULL;

    if (s.n > 0 && has_bounded_groups(s)) {
        parsed = internet_address_list_parse(mime_parser_options, s.p);
    }
    if (parsed != NULL) {
        add_mailboxes(&list, parsed, true);
        g_object_unref(parsed);
    }
    if (list.n == before && s.n > 0) {
        add(&list, unparsed_name(arena, raw), STR(""));
    }
    *addresses = (struct mime_addresses){list.v, list.n};
}
