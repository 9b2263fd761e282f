#include "mailbox/props.h"

#include "base/utf8.h"
#include "mailbox/limits.h"

#include <assert.h>
#include <stdint.h>

#define PROPS_VERSION 1

enum item_prop_type item_prop_type(enum item_prop prop)
{
    static const unsigned char types[IPROP_LIMIT] = {
#define X(n, name, type) [n] = IPROP_TYPE_##type,
        ITEM_PROPS(X)
#undef X
    };

    return (unsigned)prop < IPROP_LIMIT ? (enum item_prop_type)types[prop] : IPROP_TYPE_NONE;
}

/* ---- reading ---- */

/* As str_take_varint, without a call for what nearly all of them are. */
static inline bool take_number(struct str *s, uint64_t *v_r)
{
    if (s->n != 0 && (unsigned char)s->p[0] < 0x80) {
        *v_r = (unsigned char)s->p[0];
        *s = str_of(s->p + 1, s->n - 1);
        return true;
    }
    return str_take_varint(s, v_r);
}

static inline bool take_value(struct str *s, struct str *value_r)
{
    uint64_t n;

    if (!take_number(s, &n) || n > s->n) {
        return false;
    }
    *value_r = str_of(s->p, (size_t)n);
    *s = str_of(s->p + n, s->n - (size_t)n);
    return true;
}

bool props_open(struct props *props, struct str record)
{
    uint64_t last = 0, number;
    struct str value;

    *props = (struct props){0};
    if (record.n == 0) {
        return true; /* no record: no properties */
    }
    if (record.p[0] != PROPS_VERSION) {
        return false;
    }
    record = str_of(record.p + 1, record.n - 1);
    while (record.n != 0) {
        if (!take_number(&record, &number) || number <= last || !take_value(&record, &value)) {
            return false;
        }
        if (number < IPROP_LIMIT) {
            props->v[number] = value;
        }
        last = number;
    }
    return true;
}

int64_t props_int(const struct props *p, enum item_prop prop, int64_t absent)
{
    struct str s = p->v[prop];
    int64_t v;

    if (s.p == NULL || !str_take_zigzag(&s, &v) || s.n != 0) {
        return absent;
    }
    return v;
}

bool props_next_addr(struct str *rest, struct prop_addr *addr_r)
{
    struct prop_addr addr;

    if (rest->n == 0 || !str_take_bytes(rest, &addr.name) || !str_take_bytes(rest, &addr.address)) {
        return false;
    }
    *addr_r = addr;
    return true;
}

bool props_next_text(struct str *rest, struct str *text_r)
{
    return rest->n != 0 && str_take_bytes(rest, text_r);
}

struct str props_nth_text(struct str list, size_t i)
{
    struct str text;

    do {
        if (!props_next_text(&list, &text)) {
            return STR_NULL;
        }
    } while (i-- != 0);
    return text;
}

/* ---- writing ---- */

void props_begin(struct props_writer *w, struct buf *out)
{
    *w = (struct props_writer){.out = out};
    buf_add_char(out, PROPS_VERSION);
}

static void add_number(struct props_writer *w, enum item_prop prop)
{
    assert((unsigned)prop > w->last && prop < IPROP_LIMIT);
    w->last = (unsigned)prop;
    buf_add_varint(w->out, (uint64_t)prop);
}

static void add_sized(struct buf *out, struct str s)
{
    buf_add_varint(out, s.n);
    buf_add_str(out, s);
}

static struct str cut_text(struct str text)
{
    return utf8_cut(text, PROP_TEXT_BYTES);
}

void props_add_text(struct props_writer *w, enum item_prop prop, struct str text)
{
    assert(item_prop_type(prop) == IPROP_TYPE_TEXT);
    if (text.n != 0) {
        add_number(w, prop);
        add_sized(w->out, cut_text(text));
    }
}

void props_add_bytes(struct props_writer *w, enum item_prop prop, struct str bytes)
{
    assert(item_prop_type(prop) == IPROP_TYPE_BYTES);
    if (bytes.n != 0) {
        add_number(w, prop);
        add_sized(w->out, bytes);
    }
}

void props_add_raw(struct props_writer *w, enum item_prop prop, struct str raw)
{
    if (raw.p != NULL) {
        add_number(w, prop);
        add_sized(w->out, raw);
    }
}

static size_t varint_bytes(uint64_t v)
{
    size_t n = 1;

    while (v >= 0x80) {
        v >>= 7;
        n++;
    }
    return n;
}

void props_add_int(struct props_writer *w, enum item_prop prop, int64_t v)
{
    uint64_t zigzag = (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);

    assert(item_prop_type(prop) == IPROP_TYPE_INT || item_prop_type(prop) == IPROP_TYPE_TIME);
    add_number(w, prop);
    buf_add_varint(w->out, varint_bytes(zigzag));
    buf_add_zigzag(w->out, v);
}

static size_t sized_bytes(struct str s)
{
    return varint_bytes(s.n) + s.n;
}

void props_add_addrs(struct props_writer *w, enum item_prop prop, const struct prop_addr *addrs,
                     size_t n)
{
    size_t bytes = 0, i;

    assert(item_prop_type(prop) == IPROP_TYPE_ADDRS);
    if (n == 0) {
        return;
    }
    for (i = 0; i < n; i++) {
        bytes += sized_bytes(cut_text(addrs[i].name)) + sized_bytes(cut_text(addrs[i].address));
    }
    add_number(w, prop);
    buf_add_varint(w->out, bytes);
    for (i = 0; i < n; i++) {
        add_sized(w->out, cut_text(addrs[i].name));
        add_sized(w->out, cut_text(addrs[i].address));
    }
}

void props_add_texts(struct props_writer *w, enum item_prop prop, const struct str *texts, size_t n)
{
    size_t bytes = 0, i;

    assert(item_prop_type(prop) == IPROP_TYPE_TEXTS);
    if (n == 0) {
        return;
    }
    for (i = 0; i < n; i++) {
        bytes += sized_bytes(cut_text(texts[i]));
    }
    add_number(w, prop);
    buf_add_varint(w->out, bytes);
    for (i = 0; i < n; i++) {
        add_sized(w->out, cut_text(texts[i]));
    }
}
