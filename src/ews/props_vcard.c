/* A contact as MimeContent: a vCard of its properties. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "base/clock.h"
#include "mime/compose.h"
#include "mime/message.h"

#include <assert.h>

#define LINES_MAX 64
#define PARTS_MAX 7

struct card {
    struct vcard_line lines[LINES_MAX];
    struct str parts[LINES_MAX][PARTS_MAX];
    size_t n;
};

static void put_line(struct card *card, const char *name, const char *params,
                     const struct str *parts, size_t n)
{
    assert(card->n < LINES_MAX && n <= PARTS_MAX);
    for (size_t i = 0; i < n; i++) {
        card->parts[card->n][i] = parts[i];
    }
    card->lines[card->n] = (struct vcard_line){name, params, card->parts[card->n], n};
    card->n++;
}

/* Lines without any text are left out. */
static void add_line(struct card *card, const char *name, const char *params,
                     const struct str *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n != 0) {
            put_line(card, name, params, parts, n);
            return;
        }
    }
}

static void add_text(struct card *card, const char *name, const char *params, struct str text)
{
    add_line(card, name, params, &text, 1);
}

static void add_day(struct card *card, const char *name, const struct props *props,
                    enum item_prop prop, struct arena *arena)
{
    char text[TIME_TEXT_BYTES];

    if (props_has(props, prop)) {
        (void)time_format(props_int(props, prop, 0), false, text);
        add_text(card, name, NULL, str_dup(arena, str_of(text, 10)));
    }
}

static void add_names(struct card *card, const struct props *p, struct arena *arena)
{
    const struct str names[] = {p->v[IPROP_SURNAME], p->v[IPROP_GIVEN_NAME],
                                p->v[IPROP_MIDDLE_NAME], p->v[IPROP_NAME_TITLE],
                                p->v[IPROP_GENERATION]};
    const struct str organisation[] = {p->v[IPROP_COMPANY_NAME], p->v[IPROP_DEPARTMENT]};
    struct str shown = contact_display_name(p, arena);

    put_line(card, "N", NULL, names, ARRAY_LEN(names)); /* these two a vCard must have */
    put_line(card, "FN", NULL, &shown, 1);
    add_text(card, "NICKNAME", NULL, p->v[IPROP_NICKNAME]);
    add_line(card, "ORG", NULL, organisation, p->v[IPROP_DEPARTMENT].n != 0 ? 2 : 1);
    add_text(card, "TITLE", NULL, p->v[IPROP_JOB_TITLE]);
    add_text(card, "ROLE", NULL, p->v[IPROP_PROFESSION]);
}

static void add_addresses(struct card *card, const struct props *p)
{
    static const struct {
        enum item_prop prop;
        const char *params;
    } kinds[] = {{IPROP_ADDRESS_HOME, "TYPE=HOME"},
                 {IPROP_ADDRESS_BUSINESS, "TYPE=WORK"},
                 {IPROP_ADDRESS_OTHER, NULL}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct str list = p->v[kinds[i].prop];
        const struct str parts[PARTS_MAX] = {[2] = props_nth_text(list, 0), /* street */
                                             [3] = props_nth_text(list, 1), /* city */
                                             [4] = props_nth_text(list, 2), /* state */
                                             [5] = props_nth_text(list, 4), /* postal code */
                                             [6] = props_nth_text(list, 3)};

        add_line(card, "ADR", kinds[i].params, parts, PARTS_MAX);
    }
}

static void add_reachable(struct card *card, const struct props *p)
{
    static const struct {
        enum item_prop prop;
        const char *name, *params;
    } kinds[] = {{IPROP_PHONE_BUSINESS, "TEL", "TYPE=WORK"},
                 {IPROP_PHONE_BUSINESS_2, "TEL", "TYPE=WORK"},
                 {IPROP_PHONE_HOME, "TEL", "TYPE=HOME"},
                 {IPROP_PHONE_HOME_2, "TEL", "TYPE=HOME"},
                 {IPROP_PHONE_MOBILE, "TEL", "TYPE=CELL"},
                 {IPROP_PHONE_PRIMARY, "TEL", "TYPE=PREF"},
                 {IPROP_PHONE_CAR, "TEL", "TYPE=CAR"},
                 {IPROP_PHONE_PAGER, "TEL", "TYPE=PAGER"},
                 {IPROP_PHONE_ISDN, "TEL", "TYPE=ISDN"},
                 {IPROP_PHONE_BUSINESS_FAX, "TEL", "TYPE=WORK,FAX"},
                 {IPROP_PHONE_HOME_FAX, "TEL", "TYPE=HOME,FAX"},
                 {IPROP_PHONE_OTHER_FAX, "TEL", "TYPE=FAX"},
                 {IPROP_PHONE_OTHER, "TEL", "TYPE=VOICE"},
                 {IPROP_BUSINESS_HOME_PAGE, "URL", "TYPE=WORK"},
                 {IPROP_IM_1, "IMPP", NULL},
                 {IPROP_IM_2, "IMPP", NULL},
                 {IPROP_IM_3, "IMPP", NULL}};

    for (unsigned i = IPROP_EMAIL_1; i <= IPROP_EMAIL_3; i++) {
        add_text(card, "EMAIL", "TYPE=INTERNET", props_nth_text(p->v[i], 0));
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        add_text(card, kinds[i].name, kinds[i].params, p->v[kinds[i].prop]);
    }
}

struct str contact_vcard(struct item_view *view)
{
    struct card *card = ARENA_NEW(view->arena, struct card);
    const struct props *p = &view->props;

    add_names(card, p, view->arena);
    add_reachable(card, p);
    add_addresses(card, p);
    add_day(card, "BDAY", p, IPROP_BIRTHDAY, view->arena);
    if (item_view_mime(view).p != NULL) {
        add_text(card, "NOTE", NULL, mime_message_body_as_text(item_view_message(view)));
    }
    return vcard_write(card->lines, card->n, view->arena);
}
