#include "ews/props-private.h"

#include "base/arena.h"
#include "ews/extended_store.h"
#include "mime/message.h"

/* ---- rows ---- */

static bool addr_list_has_value(struct str rest)
{
    struct prop_addr addr;

    return props_next_addr(&rest, &addr);
}

/* A number of the record, or what its absence means. */
static void int_value(const struct prop_row *row, struct item_view *view, enum value_type type,
                      struct value *value_r)
{
    if (props_has(&view->props, row->prop) || row->has_absent) {
        value_r->i = props_int(&view->props, row->prop, row->absent);
        value_r->type = type;
    }
}

static void text_value(const struct prop_row *row, struct item_view *view, enum value_type type,
                       struct value *value_r)
{
    struct str s = view->props.v[row->prop];

    if (s.n != 0) {
        *value_r = (struct value){.type = type, .text = s};
    }
}

void prop_row_value(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    *value_r = (struct value){.type = VALUE_NONE};
    switch ((enum row_source)row->source) {
    case SOURCE_NONE: break;
    case SOURCE_ADDRS: /* coded as a text list of names and addresses */
        if (addr_list_has_value(view->props.v[row->prop])) {
            text_value(row, view, VALUE_TEXTS, value_r);
        }
        break;
    case SOURCE_INT:
    case SOURCE_ENUM:
    case SOURCE_BOOL:
    case SOURCE_TIME: int_value(row, view, prop_row_value_type(row), value_r); break;
    case SOURCE_TEXT:
    case SOURCE_TEXTS:
    case SOURCE_BYTES: text_value(row, view, prop_row_value_type(row), value_r); break;
    case SOURCE_FLAG:
        *value_r = (struct value){.type = VALUE_BOOL, .i = (view->item->flags & row->bit) != 0};
        break;
    case SOURCE_CALL: row->value(row, view, value_r); break;
    }
}

enum value_type prop_row_value_type(const struct prop_row *row)
{
    static const enum value_type types[] = {
        [SOURCE_NONE] = VALUE_NONE,   [SOURCE_TEXT] = VALUE_TEXT,   [SOURCE_INT] = VALUE_INT,
        [SOURCE_ENUM] = VALUE_INT,    [SOURCE_BOOL] = VALUE_BOOL,   [SOURCE_TIME] = VALUE_TIME,
        [SOURCE_ADDRS] = VALUE_TEXTS, [SOURCE_TEXTS] = VALUE_TEXTS, [SOURCE_BYTES] = VALUE_BYTES,
        [SOURCE_FLAG] = VALUE_BOOL,   [SOURCE_CALL] = VALUE_NONE,
    };

    return row->source == SOURCE_CALL ? row->type : types[row->source];
}

/* ---- paths ---- */

void value_of_header(struct item_view *view, struct str name, struct value *value_r)
{
    const struct mime_header *headers;
    size_t n;

    *value_r = (struct value){.type = VALUE_NONE};
    mime_message_headers(item_view_message(view), &headers, &n);
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(headers[i].name, name)) {
            *value_r = (struct value){.type = VALUE_TEXT, .text = headers[i].value};
            return;
        }
    }
}

static bool is_header_path(const struct prop_path *path)
{
    return (path->kind == PATH_INDEXED && str_is(path->uri, "item:InternetMessageHeader")) ||
           (path->kind == PATH_EXTENDED && path->extended.named &&
            path->extended.set == PROPERTY_SET_INTERNET_HEADERS && path->extended.name.p != NULL);
}

/* What a client keeps with the item, and – named like header fields – what the message itself says. */
static void extended_value(const struct prop_path *path, struct item_view *view,
                           struct value *value_r)
{
    struct str kept = view->props.v[IPROP_EXTENDED];

    if (kept.n != 0 && extended_bytes_get(kept, &path->extended, value_r)) {
        return;
    }
    if (is_header_path(path) && path->extended.type == MAPI_STRING && !view->summary) {
        value_of_header(view, path->extended.name, value_r);
    }
}

void prop_path_value(const struct prop_path *path, struct item_view *view, struct value *value_r)
{
    *value_r = (struct value){.type = VALUE_NONE};
    if (path->row != NULL) {
        prop_row_value(path->row, view, value_r);
        if (path->kind == PATH_EXTENDED && !value_fits_mapi(value_r, path->extended.type)) {
            *value_r = (struct value){.type = VALUE_NONE};
        }
    } else if (path->kind == PATH_EXTENDED) {
        extended_value(path, view, value_r);
    } else if (is_header_path(path)) {
        value_of_header(view, path->index, value_r);
    } else if (path->place.prop != 0) {
        dictionary_value(&view->props, path->place, value_r);
    }
}

bool prop_path_is_sortable(const struct prop_path *path)
{
    if (path->row != NULL) {
        return (path->row->flags & ROW_SORT) != 0;
    }
    return path->place.prop != 0 || (path->kind == PATH_EXTENDED && !prop_path_needs_message(path));
}

bool prop_path_needs_record(const struct prop_path *path)
{
    const struct prop_row *row = path->row;

    return row == NULL || !(row->source == SOURCE_FLAG || row->value == value_imap_uid ||
                            row->value == value_message_flags);
}

bool prop_path_needs_message(const struct prop_path *path)
{
    return path->row != NULL ? (path->row->flags & ROW_GET_ONLY) != 0 : is_header_path(path);
}

/* What the constant that is compared with an extended property must look like. */
static enum value_type type_of_mapi(enum mapi_type type)
{
    switch (type) {
    case MAPI_BOOLEAN: return VALUE_BOOL;
    case MAPI_SHORT:
    case MAPI_INTEGER:
    case MAPI_LONG: return VALUE_INT;
    case MAPI_SYSTEM_TIME: return VALUE_TIME;
    case MAPI_BINARY: return VALUE_BYTES;
    default: return VALUE_TEXT;
    }
}

enum value_type prop_path_value_type(const struct prop_path *path)
{
    if (path->kind == PATH_EXTENDED) {
        return type_of_mapi(path->extended.type);
    }
    return path->row != NULL ? prop_row_value_type(path->row) : VALUE_TEXT;
}

bool value_fits_mapi(const struct value *value, enum mapi_type type)
{
    switch (value->type) {
    case VALUE_TEXT: return type == MAPI_STRING;
    case VALUE_INT: return type == MAPI_SHORT || type == MAPI_INTEGER || type == MAPI_LONG;
    case VALUE_BOOL: return type == MAPI_BOOLEAN;
    case VALUE_TIME: return type == MAPI_SYSTEM_TIME;
    case VALUE_BYTES: return type == MAPI_BINARY;
    case VALUE_TEXTS: return type == MAPI_STRING_ARRAY;
    case VALUE_NONE: break;
    }
    return false;
}
