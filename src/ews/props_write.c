/* Writers by source: what most rows of the table use. They run for every property of every item
 * of a page, so they only append. */
#include "ews/props-private.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "ews/limits.h"
#include "xml/xml_write.h"

static void write_raw(const struct prop_row *row, struct buf *out, const char *p, size_t n)
{
    char *at = buf_reserve(out, row->open.n + n + row->close.n);

    memcpy(at, row->open.p, row->open.n);
    memcpy(at + row->open.n, p, n);
    memcpy(at + row->open.n + n, row->close.p, row->close.n);
    out->n += row->open.n + n + row->close.n;
}

static void write_escaped(const struct prop_row *row, struct buf *out, struct str text)
{
    buf_add_str(out, row->open);
    xml_add_text(out, text);
    buf_add_str(out, row->close);
}

static struct str cut(const struct prop_row *row, const struct item_view *view, struct str text)
{
    if (view->summary && text.n > SUMMARY_TEXT_CHARS && (row->flags & ROW_STREAMABLE) != 0) {
        return utf8_cut_chars(text, SUMMARY_TEXT_CHARS);
    }
    return text;
}

void write_text(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct str text = view->props.v[row->prop];

    if (text.n != 0) {
        write_escaped(row, out, cut(row, view, text));
    }
}

static bool has_number(const struct prop_row *row, const struct item_view *view)
{
    return row->has_absent || props_has(&view->props, row->prop);
}

static void write_number(const struct prop_row *row, struct buf *out, int64_t v)
{
    buf_add_str(out, row->open);
    buf_add_i64(out, v);
    buf_add_str(out, row->close);
}

void write_int(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    if (has_number(row, view)) {
        write_number(row, out, props_int(&view->props, row->prop, row->absent));
    }
}

/* Numbers that a newer program stored and this one has no name for are left out. */
static void write_name(const struct prop_row *row, struct buf *out, int64_t v)
{
    int64_t i = 0;

    while (i < v && row->names[i] != NULL) {
        i++;
    }
    if (v >= 0 && i == v && row->names[i] != NULL) {
        write_raw(row, out, row->names[i], strlen(row->names[i]));
    }
}

void write_enum(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct value value;

    if (row->source == SOURCE_ENUM) {
        if (has_number(row, view)) {
            write_name(row, out, props_int(&view->props, row->prop, row->absent));
        }
        return;
    }
    prop_row_value(row, view, &value);
    if (value.type == VALUE_INT) {
        write_name(row, out, value.i);
    }
}

static void write_yes_no(const struct prop_row *row, struct buf *out, bool v)
{
    if (v) {
        write_raw(row, out, "true", 4);
    } else {
        write_raw(row, out, "false", 5);
    }
}

void write_bool(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    if (has_number(row, view)) {
        write_yes_no(row, out, props_int(&view->props, row->prop, row->absent) != 0);
    }
}

void write_flag(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    write_yes_no(row, out, (view->item->flags & row->bit) != 0);
}

static void write_moment(const struct prop_row *row, const struct item_view *view, struct buf *out,
                         int64_t unix_ms)
{
    char text[TIME_TEXT_BYTES];
    size_t n = time_format(unix_ms, view->call->milliseconds, text);

    write_raw(row, out, text, n);
}

void write_time(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    if (has_number(row, view)) {
        write_moment(row, view, out, props_int(&view->props, row->prop, row->absent));
    }
}

void write_bytes(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct str bytes = view->props.v[row->prop];

    if (bytes.n != 0) {
        buf_add_str(out, row->open);
        base64_encode(out, bytes.p, bytes.n);
        buf_add_str(out, row->close);
    }
}

void write_texts(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct str rest = view->props.v[row->prop], text;

    if (!props_next_text(&rest, &text)) {
        return;
    }
    buf_add_str(out, row->open);
    do {
        xml_add_element(out, STR("t:String"), text);
    } while (props_next_text(&rest, &text));
    buf_add_str(out, row->close);
}

void write_value(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct value value;

    prop_row_value(row, view, &value);
    switch (value.type) {
    case VALUE_NONE:
    case VALUE_TEXTS: break;
    case VALUE_TEXT: write_escaped(row, out, cut(row, view, value.text)); break;
    case VALUE_INT: write_number(row, out, value.i); break;
    case VALUE_BOOL: write_yes_no(row, out, value.i != 0); break;
    case VALUE_TIME: write_moment(row, view, out, value.i); break;
    case VALUE_BYTES:
        buf_add_str(out, row->open);
        base64_encode(out, value.text.p, value.text.n);
        buf_add_str(out, row->close);
        break;
    }
}

/* ---- people ---- */

static struct str domain_of(struct str address)
{
    while (address.n != 0 && *address.p != '@') {
        address = str_of(address.p + 1, address.n - 1);
    }
    return address;
}

/* Addresses of the caller's domain are mailboxes here, others are strangers to the directory. */
static struct str mailbox_type(const struct item_view *view, struct str address)
{
    struct str home = domain_of(view->call->caller.address), domain = domain_of(address);

    return home.n != 0 && str_eq_nocase(home, domain) ? STR("Mailbox") : STR("OneOff");
}

bool write_mailbox(struct item_view *view, struct buf *out, struct str name, struct str address)
{
    if (name.n == 0 && address.n == 0) {
        return false;
    }
    BUF_LIT(out, "<t:Mailbox><t:Name>");
    xml_add_text(out, name.n != 0 ? name : address);
    BUF_LIT(out, "</t:Name>");
    if (address.n != 0) {
        BUF_LIT(out, "<t:EmailAddress>");
        xml_add_text(out, address);
        BUF_LIT(out, "</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>");
        if (view->call->version >= EWS_EXCHANGE2010_SP2) {
            BUF_LIT(out, "<t:MailboxType>");
            buf_add_str(out, mailbox_type(view, address));
            BUF_LIT(out, "</t:MailboxType>");
        }
    }
    BUF_LIT(out, "</t:Mailbox>");
    return true;
}

/* One person; when a message names several authors, the first. */
static void write_first_mailbox(const struct prop_row *row, struct item_view *view, struct buf *out,
                                struct str list)
{
    struct prop_addr addr;
    size_t before = out->n;

    if (props_next_addr(&list, &addr)) {
        buf_add_str(out, row->open);
        if (write_mailbox(view, out, addr.name, addr.address)) {
            buf_add_str(out, row->close);
        } else {
            out->n = before;
        }
    }
}

void write_single_mailbox(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    write_first_mailbox(row, view, out, view->props.v[row->prop]);
}

void write_sender(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct value value;

    value_sender(row, view, &value);
    if (value.type != VALUE_NONE) {
        write_first_mailbox(row, view, out, value.text);
    }
}
