/* Extended properties of an edit: those that a row of the table answers to, header fields of
 * what is not sent yet, and all others, which are kept beside the message. */
#include "ews/item_edit-private.h"

#include "base/arena.h"
#include "ews/call.h"
#include "ews/limits.h"
#include "ews/props-private.h"

static bool is_header(const struct extended_path *path)
{
    return path->named && path->set == PROPERTY_SET_INTERNET_HEADERS && path->name.p != NULL &&
           path->type == MAPI_STRING;
}

static bool same_value(const struct value *a, const struct value *b)
{
    return a->type == b->type && a->i == b->i && str_eq(a->text, b->text);
}

static size_t extended_bytes(const struct extended_store *store)
{
    size_t bytes = 0;

    for (size_t i = 0; i < store->n; i++) {
        bytes += store->entries[i].key.n + store->entries[i].value.n;
    }
    return bytes;
}

/* Beside the message, under the path's own name. */
static int keep_extended(struct item_edit *edit, const struct extended_path *path,
                         const struct value *value, struct err *err_r)
{
    struct extended_store *store = &edit->extended;
    struct value before = {.type = VALUE_NONE};

    if (store->arena == NULL) {
        extended_store_open(store, edit->arena, edit->props.v[IPROP_EXTENDED]);
    }
    (void)extended_store_get(store, path, &before);
    if (same_value(&before, value)) {
        return 0;
    }
    extended_store_put(store, path, value);
    if (store->n > EXTENDED_MAX_COUNT || extended_bytes(store) > EXTENDED_MAX_BYTES) {
        return err_tell(err_r, ERR_PROPERTY_SAVE,
                        "An item may have at most %u extended properties of %u bytes in all.",
                        EXTENDED_MAX_COUNT, EXTENDED_MAX_BYTES);
    }
    item_edit_touch(edit, edit_extended_number(path));
    return 0;
}

/* The row's type must be the path's: else the property could not be shown either. */
static int put_row(struct item_edit *edit, const struct prop_row *row,
                   const struct extended_path *path, const struct value *value, struct err *err_r)
{
    const struct value shown = {.type = prop_row_value_type(row)};
    bool removes = value->type == VALUE_NONE;

    if (row->put == NULL) {
        return err_set(err_r, removes ? ERR_INVALID_PROPERTY_DELETE : ERR_INVALID_PROPERTY_SET,
                       "tag 0x%x", (unsigned)path->tag);
    }
    if (!removes && !value_fits_mapi(&shown, path->type)) {
        return err_set(err_r, ERR_EXTENDED_VALUE, "type %d of tag 0x%x", (int)path->type,
                       (unsigned)path->tag);
    }
    return row->put(row, edit, value, err_r);
}

int item_edit_set_extended(struct item_edit *edit, const struct extended_path *path,
                           const struct value *value, struct err *err_r)
{
    const struct prop_row *row = prop_row_by_extended(path);
    struct str text = value->type == VALUE_TEXT ? one_line(edit->arena, value->text) : STR_NULL;

    if (row != NULL) {
        return put_row(edit, row, path, value, err_r);
    }
    if (is_header(path) && edit_is_unsent(edit) && edit_kind_is_mail(edit->kind) &&
        edit_set_header(edit, path->name, text)) {
        return 0;
    }
    return keep_extended(edit, path, value, err_r);
}

/* FNV-1a. Two properties that share a number conflict with each other now and then: no harm. */
static uint32_t mix(uint32_t h, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i])) *
            16777619u;
    }
    return h;
}

uint32_t edit_extended_number(const struct extended_path *path)
{
    const uint32_t numbers[] = {(uint32_t)path->type, path->tag, (uint32_t)path->set,
                                (uint32_t)path->id};
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        h = (h ^ numbers[i]) * 16777619u;
    }
    if (path->set == PROPERTY_SET_NONE) {
        h = mix(h, path->set_guid);
    }
    return mix(h, path->name) | 0x80000000u;
}
