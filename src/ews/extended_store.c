#include "ews/extended_store.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "ews/call.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/props.h"
#include "xml/xml_doc.h"

#define STORE_VERSION 1

/* ---- keys and values ---- */

static void add_sized(struct buf *out, struct str s)
{
    buf_add_varint(out, s.n);
    buf_add_str(out, s);
}

enum key_form { KEY_TAG = 1, KEY_SET, KEY_GUID };

/* A set that is known by name and by GUID is one set; GUIDs do not tell upper from lower case. */
static void write_key(struct buf *out, const struct extended_path *path)
{
    char c;

    buf_add_char(out, (char)path->type);
    if (!path->named) {
        buf_add_char(out, KEY_TAG);
        buf_add_varint(out, path->tag);
        return;
    }
    if (path->set != PROPERTY_SET_NONE) {
        buf_add_char(out, KEY_SET);
        buf_add_varint(out, (uint64_t)path->set);
    } else {
        buf_add_char(out, KEY_GUID);
        for (size_t i = 0; i < path->set_guid.n; i++) {
            c = path->set_guid.p[i];
            buf_add_char(out, (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c));
        }
    }
    buf_add_char(out, path->name.p != NULL);
    if (path->name.p != NULL) {
        buf_add_str(out, path->name);
    } else {
        buf_add_zigzag(out, path->id);
    }
}

static void write_value(struct buf *out, const struct value *value)
{
    buf_add_char(out, (char)value->type);
    if (value->type == VALUE_INT || value->type == VALUE_BOOL || value->type == VALUE_TIME) {
        buf_add_zigzag(out, value->i);
    } else {
        buf_add_str(out, value->text);
    }
}

static bool read_value(struct str coded, struct value *value_r)
{
    struct value value = {.type = VALUE_NONE};

    if (coded.n == 0 || coded.p[0] <= VALUE_NONE || coded.p[0] > VALUE_TEXTS) {
        return false;
    }
    value.type = (enum value_type)coded.p[0];
    value.text = str_of(coded.p + 1, coded.n - 1);
    if (value.type == VALUE_INT || value.type == VALUE_BOOL || value.type == VALUE_TIME) {
        if (!str_take_zigzag(&value.text, &value.i)) {
            return false;
        }
        value.text = STR_NULL;
    }
    *value_r = value;
    return true;
}

/* ---- bytes ---- */

static bool take_version(struct str *bytes)
{
    if (bytes->n == 0 || bytes->p[0] != STORE_VERSION) {
        return false;
    }
    *bytes = str_of(bytes->p + 1, bytes->n - 1);
    return true;
}

static bool take_entry(struct str *bytes, struct extended_entry *entry_r)
{
    return bytes->n != 0 && str_take_bytes(bytes, &entry_r->key) &&
           str_take_bytes(bytes, &entry_r->value);
}

bool extended_bytes_get(struct str bytes, const struct extended_path *path, struct value *value_r)
{
    struct extended_entry entry;
    struct buf key = BUF_INIT;
    bool found = false;

    if (!take_version(&bytes)) {
        return false;
    }
    write_key(&key, path);
    while (!found && take_entry(&bytes, &entry)) {
        found = str_eq(entry.key, buf_str(&key)) && read_value(entry.value, value_r);
    }
    buf_fini(&key);
    return found;
}

void extended_store_open(struct extended_store *store, struct arena *arena, struct str bytes)
{
    struct extended_entry entry;
    struct str rest = bytes;
    size_t n = 0;

    *store = (struct extended_store){.arena = arena};
    if (!take_version(&rest)) {
        return;
    }
    bytes = rest;
    while (take_entry(&rest, &entry)) {
        n++;
    }
    store->entries = ARENA_ARRAY(arena, struct extended_entry, n);
    while (store->n < n && take_entry(&bytes, &store->entries[store->n])) {
        store->n++;
    }
}

/* The first entry whose key is not less. */
static size_t find_place(const struct extended_store *store, struct str key)
{
    size_t i = 0;

    while (i < store->n && str_cmp(store->entries[i].key, key) < 0) {
        i++;
    }
    return i;
}

bool extended_store_get(const struct extended_store *store, const struct extended_path *path,
                        struct value *value_r)
{
    struct buf key = BUF_INIT;
    size_t i;
    bool found;

    write_key(&key, path);
    i = find_place(store, buf_str(&key));
    found = i < store->n && str_eq(store->entries[i].key, buf_str(&key)) &&
            read_value(store->entries[i].value, value_r);
    buf_fini(&key);
    return found;
}

static void remove_at(struct extended_store *store, size_t i)
{
    store->n--;
    memmove(&store->entries[i], &store->entries[i + 1], (store->n - i) * sizeof(*store->entries));
}

static void insert_at(struct extended_store *store, size_t i, struct str key)
{
    store->entries = arena_grow(store->arena, store->entries, store->n * sizeof(*store->entries),
                                (store->n + 1) * sizeof(*store->entries));
    memmove(&store->entries[i + 1], &store->entries[i], (store->n - i) * sizeof(*store->entries));
    store->entries[i] = (struct extended_entry){.key = str_dup(store->arena, key)};
    store->n++;
}

void extended_store_put(struct extended_store *store, const struct extended_path *path,
                        const struct value *value)
{
    struct buf key = BUF_INIT, coded = BUF_INIT;
    size_t i;
    bool found;

    write_key(&key, path);
    i = find_place(store, buf_str(&key));
    found = i < store->n && str_eq(store->entries[i].key, buf_str(&key));
    if (value->type == VALUE_NONE) {
        if (found) {
            remove_at(store, i);
        }
    } else {
        if (!found) {
            insert_at(store, i, buf_str(&key));
        }
        write_value(&coded, value);
        store->entries[i].value = str_dup(store->arena, buf_str(&coded));
    }
    buf_fini(&key);
    buf_fini(&coded);
}

struct str extended_store_bytes(const struct extended_store *store)
{
    struct buf out = BUF_INIT;
    struct str bytes;

    if (store->n == 0) {
        return STR("");
    }
    buf_add_char(&out, STORE_VERSION);
    for (size_t i = 0; i < store->n; i++) {
        add_sized(&out, store->entries[i].key);
        add_sized(&out, store->entries[i].value);
    }
    bytes = str_dup(store->arena, buf_str(&out));
    buf_fini(&out);
    return bytes;
}

/* ---- from requests ---- */

static int bad_value(struct err *err_r)
{
    return err_set(err_r, ERR_EXTENDED_VALUE, "value of an extended property");
}

static int parse_int(enum mapi_type type, struct str text, int64_t *v_r, struct err *err_r)
{
    int64_t max = type == MAPI_SHORT ? INT16_MAX : type == MAPI_INTEGER ? INT32_MAX : INT64_MAX;

    if (!str_to_i64(text, v_r) || *v_r > max || *v_r < -max - 1) {
        return bad_value(err_r);
    }
    return 0;
}

static int parse_binary(struct arena *arena, struct str text, struct str *bytes_r,
                        struct err *err_r)
{
    struct buf bytes = BUF_INIT;
    bool good = base64_decode_lenient(&bytes, text);

    if (good) {
        *bytes_r = str_dup(arena, bytes.n != 0 ? buf_str(&bytes) : STR(""));
    }
    buf_fini(&bytes);
    return good ? 0 : bad_value(err_r);
}

static size_t digits_at(struct str s, size_t at)
{
    size_t n = 0;

    while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9') {
        n++;
    }
    return n;
}

/* xs:double */
static bool is_double(struct str s)
{
    size_t at = s.n != 0 && (s.p[0] == '-' || s.p[0] == '+'), n = digits_at(s, at);

    if (str_is(s, "NaN") || str_is(s, "INF") || str_is(s, "-INF")) {
        return true;
    }
    at += n;
    if (at < s.n && s.p[at] == '.') {
        n += digits_at(s, at + 1);
        at += 1 + digits_at(s, at + 1);
    }
    if (n != 0 && at < s.n && (s.p[at] | 0x20) == 'e') {
        at += 1 + (at + 1 < s.n && (s.p[at + 1] == '-' || s.p[at + 1] == '+'));
        n = digits_at(s, at);
        at += n;
    }
    return n != 0 && at == s.n;
}

/* Kept as texts: types that have no value_type of their own. */
static int parse_text(enum mapi_type type, struct str text, struct value *value, struct err *err_r)
{
    struct str trimmed = str_trim(text);
    int64_t ignored;
    bool good = true;

    switch (type) {
    case MAPI_APPLICATION_TIME:
    case MAPI_FLOAT:
    case MAPI_DOUBLE: good = is_double(trimmed); break;
    case MAPI_CURRENCY: good = str_to_i64(trimmed, &ignored); break;
    case MAPI_CLSID: good = guid_is_valid(trimmed); break;
    default: trimmed = text; break;
    }
    value->type = VALUE_TEXT;
    value->text = trimmed.p != NULL ? trimmed : STR("");
    return good ? 0 : bad_value(err_r);
}

static int parse_value(struct ews_call *call, enum mapi_type type, struct str text,
                       struct value *value, struct err *err_r)
{
    struct str trimmed = str_trim(text);

    switch (type) {
    case MAPI_BOOLEAN:
        value->type = VALUE_BOOL;
        value->i = str_is_nocase(trimmed, "true") || str_is(trimmed, "1");
        return value->i != 0 || str_is_nocase(trimmed, "false") || str_is(trimmed, "0")
                   ? 0
                   : bad_value(err_r);
    case MAPI_SHORT:
    case MAPI_INTEGER:
    case MAPI_LONG: value->type = VALUE_INT; return parse_int(type, trimmed, &value->i, err_r);
    case MAPI_SYSTEM_TIME:
        value->type = VALUE_TIME;
        return zone_context_time(&call->zone, trimmed, &value->i) ? 0 : bad_value(err_r);
    case MAPI_BINARY:
        value->type = VALUE_BYTES;
        return parse_binary(call->arena, trimmed, &value->text, err_r);
    default: return parse_text(type, text, value, err_r);
    }
}

/* Elements of arrays are kept as texts, whatever their type. The type of an array stands behind the one of its elements. */
static int parse_element(struct ews_call *call, const struct xml_node *node, enum mapi_type type,
                         struct buf *list, struct err *err_r)
{
    struct value value = {.type = VALUE_NONE};

    if (!xml_is(node, XML_NS_TYPES, "Value")) {
        return grammar_fail(node, err_r, "The element 'Values' has an invalid child element.");
    }
    TRY(parse_value(call, type - 1, node->text, &value, err_r));
    add_sized(list, type == MAPI_STRING_ARRAY ? node->text : str_trim(node->text));
    return 0;
}

static int parse_values(struct ews_call *call, const struct xml_node *node, enum mapi_type type,
                        struct value *value, struct err *err_r)
{
    struct buf list = BUF_INIT;
    int rc = 0;

    for (const struct xml_node *v = node->first_child; v != NULL && rc == 0; v = v->next) {
        rc = parse_element(call, v, type, &list, err_r);
    }
    value->type = VALUE_TEXTS;
    value->text = str_dup(call->arena, buf_str(&list));
    buf_fini(&list);
    return rc;
}

int extended_property_parse(struct ews_call *call, const struct xml_node *node,
                            struct extended_path *path_r, struct value *value_r, struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_TYPES, "ExtendedFieldURI", 1, 1},
                                                    {XML_NS_TYPES, "Value", 0, 1},
                                                    {XML_NS_TYPES, "Values", 0, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct value value = {.type = VALUE_NONE};

    TRY(grammar_sequence(node, children, ARRAY_LEN(children), found, err_r));
    TRY(extended_path_parse(found[0], path_r, err_r));
    if ((found[1] != NULL) == (found[2] != NULL)) {
        return grammar_fail(node, err_r, "The element 'ExtendedProperty' has invalid content.");
    }
    if ((found[2] != NULL) != mapi_type_is_array(path_r->type)) {
        return bad_value(err_r);
    }
    TRY(found[2] != NULL ? parse_values(call, found[2], path_r->type, &value, err_r)
                         : parse_value(call, path_r->type, found[1]->text, &value, err_r));
    *value_r = value;
    return 0;
}
