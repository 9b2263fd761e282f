#include "ews/extended.h"

#include "base/arena.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/props.h"
#include "xml/xml_write.h"

#include <assert.h>
#include <ctype.h>

static const char *const TYPE_NAMES[] = {
#define X(name, wire) [MAPI_##name] = wire,
    MAPI_TYPES(X)
#undef X
        NULL};

/* Index + 1 is the enum's value. */
static const char *const SET_NAMES[] = {
#define X(name, wire, guid) wire,
    PROPERTY_SETS(X)
#undef X
        NULL};

static const char *const SET_GUIDS[] = {
#define X(name, wire, guid) guid,
    PROPERTY_SETS(X)
#undef X
        NULL};

const char *mapi_type_name(enum mapi_type type)
{
    assert(type < MAPI_TYPE_COUNT);
    return TYPE_NAMES[type];
}

bool mapi_type_is_array(enum mapi_type type)
{
    return str_ends_nocase(str_from(mapi_type_name(type)), STR("Array"));
}

/* ---- parsing ---- */

static int fail_mix(struct err *err_r)
{
    return err_set(err_r, ERR_EXTENDED_PROPERTY, "attribute combination of an ExtendedFieldURI");
}

static int check_type(enum mapi_type type, struct err *err_r)
{
    if (type == MAPI_OBJECT || type == MAPI_OBJECT_ARRAY || type == MAPI_ERROR ||
        type == MAPI_NULL) {
        return err_set(err_r, ERR_MAPI_TYPE, "type %s", TYPE_NAMES[type]);
    }
    return 0;
}

static int parse_tag(const struct xml_node *node, struct str text, uint16_t *tag_r,
                     struct err *err_r)
{
    struct str digits = str_trim(text);
    bool hex = str_starts_nocase(digits, STR("0x"));
    uint64_t v;

    if (hex ? digits.n > 6 || !str_to_hex_u64(str_sub(digits, 2, 4), &v)
            : !str_to_u64(digits, &v) || v > UINT16_MAX) {
        return grammar_fail(node, err_r,
                            "The 'PropertyTag' attribute is invalid - The Pattern "
                            "constraint failed.");
    }
    *tag_r = (uint16_t)v;
    return 0;
}

bool guid_is_valid(struct str s)
{
    if (s.n != 36) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s.p[i] != '-' : !isxdigit((unsigned char)s.p[i])) {
            return false;
        }
    }
    return true;
}

static int parse_guid(const struct xml_node *node, struct str text, struct extended_path *path,
                      struct err *err_r)
{
    path->set_guid = str_trim(text);
    if (!guid_is_valid(path->set_guid)) {
        return grammar_fail(node, err_r,
                            "The 'PropertySetId' attribute is invalid - The Pattern "
                            "constraint failed.");
    }
    for (int i = 0; SET_GUIDS[i] != NULL; i++) {
        if (str_is_nocase(path->set_guid, SET_GUIDS[i])) {
            path->set = (enum property_set)(i + 1);
        }
    }
    return 0;
}

/* Which attributes are there. */
struct present {
    bool set_name, set_guid, tag, name, id;
};

/* Each attribute by itself, as the schema wants it: so a path may be repeated in an answer
 * whatever the mix. */
static int parse_attributes(const struct xml_node *node, struct extended_path *path,
                            struct present *present, struct err *err_r)
{
    struct str guid = xml_attr(node, "PropertySetId");
    struct str tag = xml_attr(node, "PropertyTag");
    size_t type, set = SIZE_MAX;
    int64_t id = INT64_MAX;

    TRY(grammar_attr_enum(node, "PropertyType", true, TYPE_NAMES, &type, err_r));
    TRY(grammar_attr_enum(node, "DistinguishedPropertySetId", false, SET_NAMES, &set, err_r));
    TRY(grammar_attr_int(node, "PropertyId", false, XS_INT_MIN, XS_INT_MAX, &id, err_r));
    if (guid.p != NULL) {
        TRY(parse_guid(node, guid, path, err_r));
    }
    if (tag.p != NULL) {
        TRY(parse_tag(node, tag, &path->tag, err_r));
    }
    path->type = (enum mapi_type)type;
    path->name = xml_attr(node, "PropertyName");
    path->id = id == INT64_MAX ? 0 : (int32_t)id;
    path->set = set == SIZE_MAX ? path->set : (enum property_set)(set + 1);
    *present = (struct present){.set_name = set != SIZE_MAX,
                                .set_guid = guid.p != NULL,
                                .tag = tag.p != NULL,
                                .name = path->name.p != NULL,
                                .id = id != INT64_MAX};
    return 0;
}

int extended_path_parse(const struct xml_node *node, struct extended_path *path_r,
                        struct err *err_r)
{
    struct extended_path path = {.set = PROPERTY_SET_NONE};
    struct present has;

    TRY(parse_attributes(node, &path, &has, err_r));
    if (has.tag) {
        if (has.set_name || has.set_guid || has.name || has.id) {
            return fail_mix(err_r);
        }
        if (path.tag >= 0x8000 && path.tag <= 0xfffe) {
            return err_set(err_r, ERR_PROPERTY_TAG, "tag 0x%x", (unsigned)path.tag);
        }
    } else if (has.set_name == has.set_guid || has.name == has.id ||
               (has.name && path.name.n == 0)) {
        return fail_mix(err_r);
    }
    path.named = !has.tag;
    TRY(check_type(path.type, err_r));
    *path_r = path;
    return 0;
}

bool extended_path_equal(const struct extended_path *a, const struct extended_path *b)
{
    if (a->type != b->type || a->named != b->named) {
        return false;
    }
    if (!a->named) {
        return a->tag == b->tag;
    }
    if (a->set != b->set ||
        (a->set == PROPERTY_SET_NONE && !str_eq_nocase(a->set_guid, b->set_guid))) {
        return false;
    }
    return (a->name.p != NULL) == (b->name.p != NULL) && str_eq(a->name, b->name) && a->id == b->id;
}

/* ---- writing ---- */

static void write_attr(struct buf *out, const char *name, struct str value)
{
    buf_add_char(out, ' ');
    buf_add_cstr(out, name);
    BUF_LIT(out, "=\"");
    xml_add_attr_text(out, value);
    buf_add_char(out, '"');
}

static void write_named(struct buf *out, const struct extended_path *path)
{
    if (path->set_guid.p != NULL) {
        write_attr(out, "PropertySetId", path->set_guid);
    } else {
        write_attr(out, "DistinguishedPropertySetId", str_from(SET_NAMES[path->set - 1]));
    }
    if (path->name.p != NULL) {
        write_attr(out, "PropertyName", path->name);
    } else {
        BUF_LIT(out, " PropertyId=\"");
        buf_add_i64(out, path->id);
        buf_add_char(out, '"');
    }
}

void extended_path_write(struct buf *out, const struct extended_path *path)
{
    BUF_LIT(out, "<t:ExtendedFieldURI");
    if (path->named) {
        write_named(out, path);
    } else {
        buf_printf(out, " PropertyTag=\"0x%x\"", (unsigned)path->tag);
    }
    write_attr(out, "PropertyType", str_from(TYPE_NAMES[path->type]));
    BUF_LIT(out, "/>");
}

static void write_value(struct buf *out, const struct value *value, bool millis)
{
    switch (value->type) {
    case VALUE_INT: xml_add_element_i64(out, STR("t:Value"), value->i); break;
    case VALUE_BOOL: xml_add_element_bool(out, STR("t:Value"), value->i != 0); break;
    case VALUE_TIME: xml_add_element_time(out, STR("t:Value"), value->i, millis); break;
    case VALUE_BYTES:
        xml_add_element_base64(out, STR("t:Value"), value->text.p, value->text.n);
        break;
    default: xml_add_element(out, STR("t:Value"), value->text); break;
    }
}

static void write_values(struct buf *out, struct str list)
{
    struct str text;

    BUF_LIT(out, "<t:Values>");
    while (props_next_text(&list, &text)) {
        xml_add_element(out, STR("t:Value"), text);
    }
    BUF_LIT(out, "</t:Values>");
}

void extended_property_write(struct buf *out, const struct extended_path *path,
                             const struct value *value, bool millis)
{
    if (value->type == VALUE_NONE || (value->type == VALUE_TEXTS && value->text.n == 0)) {
        return;
    }
    BUF_LIT(out, "<t:ExtendedProperty>");
    extended_path_write(out, path);
    if (value->type == VALUE_TEXTS) {
        write_values(out, value->text);
    } else {
        write_value(out, value, millis);
    }
    BUF_LIT(out, "</t:ExtendedProperty>");
}

/* Of all three kinds of path: what else a request may carry is not repeated. */
static const char *const PATH_ATTRS[] = {
    "FieldURI",      "FieldIndex",   "DistinguishedPropertySetId",
    "PropertySetId", "PropertyTag",  "PropertyName",
    "PropertyId",    "PropertyType",
};

struct str path_message_xml(struct arena *arena, const struct xml_node *node)
{
    struct buf out = BUF_INIT;
    struct str xml;

    BUF_LIT(&out, "<t:");
    buf_add_str(&out, node->name);
    for (size_t i = 0; i < ARRAY_LEN(PATH_ATTRS); i++) {
        struct str value = xml_attr(node, PATH_ATTRS[i]);

        if (value.p != NULL) {
            write_attr(&out, PATH_ATTRS[i], value);
        }
    }
    BUF_LIT(&out, "/>");
    xml = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return xml;
}
