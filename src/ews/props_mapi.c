/* Values that clients know by their MAPI tags only. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "mime/message.h"

/* PidTagMessageFlags, by the flags of ours that mean the same. */
static const struct {
    uint32_t flag;
    int64_t mapi;
} message_flags[] = {
    {ITEM_READ, 0x01},       {ITEM_UNMODIFIED, 0x02},      {ITEM_SUBMITTED, 0x04},
    {ITEM_DRAFT, 0x08},      {ITEM_HAS_ATTACHMENTS, 0x10}, {ITEM_FROM_ME, 0x20},
    {ITEM_ASSOCIATED, 0x40}, {ITEM_RESEND, 0x80},
};

void value_message_flags(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_INT;
    for (size_t i = 0; i < ARRAY_LEN(message_flags); i++) {
        if ((view->item->flags & message_flags[i].flag) != 0) {
            value_r->i |= message_flags[i].mapi;
        }
    }
}

/* Ids are given in ascending order, never again and for good: all that IMAP asks of a uid. */
void value_imap_uid(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_INT;
    value_r->i = (int64_t)view->item->id.v;
}

/* ---- subjects ---- */

/* Bytes of a prefix such as "Re: ": one to three letters, a colon, a space. */
static size_t prefix_bytes(struct str subject)
{
    size_t n = 0;

    while (n < subject.n && n < 4 && subject.p[n] != ':') {
        unsigned char c = (unsigned char)subject.p[n];

        if (c < 0x80 && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
            return 0;
        }
        n++;
    }
    if (n == 0 || n + 1 >= subject.n || subject.p[n] != ':' || subject.p[n + 1] != ' ') {
        return 0;
    }
    return n + 2;
}

void value_normalized_subject(const struct prop_row *row, struct item_view *view,
                              struct value *value_r)
{
    struct str subject = view->props.v[IPROP_SUBJECT];

    (void)row;
    if (subject.n != 0) {
        value_r->type = VALUE_TEXT;
        value_r->text = str_sub(subject, prefix_bytes(subject), subject.n);
    }
}

void value_subject_prefix(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    struct str subject = view->props.v[IPROP_SUBJECT];
    size_t n = prefix_bytes(subject);

    (void)row;
    if (n != 0) {
        value_r->type = VALUE_TEXT;
        value_r->text = str_sub(subject, 0, n);
    }
}

/* ---- people ---- */

static bool first_person(const struct prop_row *row, struct item_view *view,
                         struct prop_addr *addr_r)
{
    struct value list = {.text = view->props.v[row->prop]};

    if (row->prop == IPROP_SENDER) {
        value_sender(row, view, &list);
    }
    return props_next_addr(&list.text, addr_r);
}

static void set_text(struct value *value_r, struct str text)
{
    if (text.n != 0) {
        value_r->type = VALUE_TEXT;
        value_r->text = text;
    }
}

void value_addr_name(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    struct prop_addr addr;

    if (first_person(row, view, &addr)) {
        set_text(value_r, addr.name.n != 0 ? addr.name : addr.address);
    }
}

void value_addr_address(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    struct prop_addr addr;

    if (first_person(row, view, &addr)) {
        set_text(value_r, addr.address);
    }
}

void value_addr_type(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    struct prop_addr addr;

    if (first_person(row, view, &addr) && addr.address.n != 0) {
        set_text(value_r, STR("SMTP"));
    }
}

/* ---- from the message ---- */

void value_transport_headers(const struct prop_row *row, struct item_view *view,
                             struct value *value_r)
{
    (void)row;
    set_text(value_r, mime_message_header_block(item_view_message(view)));
}

void value_body_text(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    set_text(value_r, mime_message_body_as_text(item_view_message(view)));
}

void value_body_html(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    const struct mime_body *body = mime_message_body(item_view_message(view));

    (void)row;
    if (body->has_html) {
        *value_r = (struct value){.type = VALUE_BYTES, .text = body->html};
    }
}

/* Bodies are served in UTF-8. */
#define CODEPAGE_UTF8 65001

void value_codepage(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row, (void)view;
    value_r->type = VALUE_INT;
    value_r->i = CODEPAGE_UTF8;
}
