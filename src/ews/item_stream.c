#include "ews/item_stream.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "ews/extended_store.h"
#include "ews/limits.h"
#include "ews/props.h"
#include "mailbox/props.h"

#define STREAM_VERSION 1
#define STREAM_SUM_BYTES 8
#define CONVERSATION_ID_BYTES 16
/* Years 1 to 9999, as xs:dateTime writes them. */
#define TIME_MIN_MS INT64_C(-62135596800000)
#define TIME_MAX_MS INT64_C(253402300799999)

static const struct str magic = STR_INIT("EWERITEM");

/* ITEM_ASSOCIATED too; ITEM_SUBMITTED is of a message on its way, which a copy is not. */
#define STREAM_FLAGS                                                                               \
    (ITEM_READ | ITEM_ASSOCIATED | ITEM_HAS_ATTACHMENTS | ITEM_DRAFT | ITEM_UNMODIFIED |           \
     ITEM_FROM_ME | ITEM_RESEND | ITEM_REPORT)

static uint64_t sum_of(struct str bytes)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes.n; i++) {
        sum = (sum ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001b3);
    }
    return sum;
}

void item_stream_write(const struct item_stream *item, struct buf *out)
{
    size_t start = out->n;
    uint64_t sum;

    buf_add_str(out, magic);
    buf_add_char(out, STREAM_VERSION);
    buf_add_varint(out, (uint64_t)item->kind);
    buf_add_varint(out, item->flags & STREAM_FLAGS);
    buf_add_zigzag(out, item->received_ms);
    buf_add_varint(out, item->record.n);
    buf_add_str(out, item->record);
    buf_add_char(out, item->mime.p != NULL);
    buf_add_varint(out, item->mime.n);
    buf_add_str(out, item->mime);
    sum = sum_of(str_of(out->p + start, out->n - start));
    for (size_t i = 0; i < STREAM_SUM_BYTES; i++) {
        buf_add_char(out, (char)(unsigned char)(sum >> (8 * i)));
    }
}

/* ---- reading ---- */

static bool sum_holds(struct str *bytes)
{
    struct str sum;
    uint64_t v = 0;

    if (bytes->n < STREAM_SUM_BYTES) {
        return false;
    }
    sum = str_sub(*bytes, bytes->n - STREAM_SUM_BYTES, STREAM_SUM_BYTES);
    *bytes = str_sub(*bytes, 0, bytes->n - STREAM_SUM_BYTES);
    for (size_t i = 0; i < STREAM_SUM_BYTES; i++) {
        v |= (uint64_t)(unsigned char)sum.p[i] << (8 * i);
    }
    return v == sum_of(*bytes);
}

static bool take_byte(struct str *bytes, unsigned char *v_r)
{
    if (bytes->n == 0) {
        return false;
    }
    *v_r = (unsigned char)bytes->p[0];
    *bytes = str_sub(*bytes, 1, bytes->n);
    return true;
}

static bool take_head(struct str *bytes, struct item_stream *item)
{
    uint64_t kind, flags;
    unsigned char version;

    if (!str_starts(*bytes, magic)) {
        return false;
    }
    *bytes = str_sub(*bytes, magic.n, bytes->n);
    if (!take_byte(bytes, &version) || version != STREAM_VERSION ||
        !str_take_varint(bytes, &kind) || kind == 0 || kind >= ITEM_KIND_COUNT ||
        !str_take_varint(bytes, &flags) || (flags & ~(uint64_t)STREAM_FLAGS) != 0 ||
        !str_take_zigzag(bytes, &item->received_ms)) {
        return false;
    }
    item->kind = (enum item_kind)kind;
    item->flags = (uint32_t)flags;
    return item->received_ms >= TIME_MIN_MS && item->received_ms <= TIME_MAX_MS;
}

static bool take_body(struct str *bytes, struct item_stream *item)
{
    unsigned char has_mime;
    struct str mime;

    if (!str_take_bytes(bytes, &item->record) || item->record.n > EDIT_RECORD_MAX_BYTES ||
        !take_byte(bytes, &has_mime) || has_mime > 1 || !str_take_bytes(bytes, &mime) ||
        bytes->n != 0 || (has_mime == 0 && mime.n != 0)) {
        return false;
    }
    item->mime = has_mime == 0 ? STR_NULL : mime.n != 0 ? mime : STR("");
    return true;
}

/* ---- the record ---- */

/* Answers write texts as they are. */
static bool is_clean(struct str text)
{
    size_t n;

    while (text.n != 0) {
        n = utf8_xml_char_bytes(text);
        if (n == 0) {
            return false;
        }
        text = str_sub(text, n, text.n);
    }
    return true;
}

static bool texts_are_clean(struct str list)
{
    struct str text;

    while (props_next_text(&list, &text)) {
        if (!is_clean(text)) {
            return false;
        }
    }
    return list.n == 0;
}

static bool number_is_good(enum item_prop_type type, struct str raw)
{
    int64_t v;

    return str_take_zigzag(&raw, &v) && raw.n == 0 &&
           (type != IPROP_TYPE_TIME || (v >= TIME_MIN_MS && v <= TIME_MAX_MS));
}

static bool extended_value_is_good(struct str coded)
{
    struct str rest = str_sub(coded, 1, coded.n);

    switch (coded.n != 0 ? coded.p[0] : VALUE_NONE) {
    case VALUE_TEXT: return is_clean(rest);
    case VALUE_TEXTS: return texts_are_clean(rest);
    case VALUE_INT:
    case VALUE_BOOL: return number_is_good(IPROP_TYPE_INT, rest);
    case VALUE_TIME: return number_is_good(IPROP_TYPE_TIME, rest);
    case VALUE_BYTES: return true;
    default: return false;
    }
}

static bool extended_is_good(struct str bytes, struct arena *arena)
{
    struct extended_store store = {.arena = NULL};

    extended_store_open(&store, arena, bytes);
    if (bytes.n > EXTENDED_MAX_BYTES || store.n > EXTENDED_MAX_COUNT ||
        !str_eq(extended_store_bytes(&store), bytes)) {
        return false; /* more of it, or in another order, than can be read */
    }
    for (size_t i = 0; i < store.n; i++) {
        if (!extended_value_is_good(store.entries[i].value)) {
            return false;
        }
    }
    return true;
}

static bool bytes_are_good(enum item_prop prop, struct str raw, struct arena *arena)
{
    switch (prop) {
    case IPROP_CONVERSATION_ID: return raw.n == CONVERSATION_ID_BYTES;
    case IPROP_EXTENDED: return extended_is_good(raw, arena);
    default: return true; /* bytes to whoever reads them */
    }
}

static bool value_is_good(enum item_prop prop, struct str raw, struct arena *arena)
{
    switch (item_prop_type(prop)) {
    case IPROP_TYPE_TEXT: return is_clean(raw);
    case IPROP_TYPE_INT:
    case IPROP_TYPE_TIME: return number_is_good(item_prop_type(prop), raw);
    case IPROP_TYPE_ADDRS: /* name, address, name …: an even number of texts is not asked for */
    case IPROP_TYPE_TEXTS: return texts_are_clean(raw);
    case IPROP_TYPE_BYTES: return bytes_are_good(prop, raw, arena);
    default: return false;
    }
}

/* What says who made and changed the item that was exported, and what its attachments' ids were. */
static bool stays_behind(enum item_prop prop)
{
    return prop == IPROP_CREATOR || prop == IPROP_STAMPS || prop == IPROP_ATTACHMENT_NUMBERS ||
           prop == IPROP_RESPONSE_ORIGINAL || prop == IPROP_RESPONSE_VERB;
}

bool item_record_renew(struct str *record, struct arena *arena)
{
    struct buf out = BUF_INIT;
    struct props_writer w;
    struct props props;
    bool good = props_open(&props, *record);

    props_begin(&w, &out);
    for (size_t i = 1; i < IPROP_LIMIT && good; i++) {
        enum item_prop prop = (enum item_prop)i;

        if (props.v[i].p != NULL && !stays_behind(prop)) {
            good = value_is_good(prop, props.v[i], arena);
            props_add_raw(&w, prop, props.v[i]);
        }
    }
    *record = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return good;
}

int item_stream_read(struct str bytes, struct arena *arena, struct item_stream *item_r,
                     struct err *err_r)
{
    struct item_stream item = {.mime = STR_NULL};

    if (!sum_holds(&bytes) || !take_head(&bytes, &item) || !take_body(&bytes, &item)) {
        return err_set(err_r, ERR_PARSE, "no whole stream of an item");
    }
    if (!item_record_renew(&item.record, arena)) {
        return err_set(err_r, ERR_PARSE, "a record with a value that is none");
    }
    *item_r = item;
    return 0;
}
