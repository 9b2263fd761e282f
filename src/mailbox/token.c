/*
 * Layout of a token before base64 (docs/design/tokens.md):
 *
 *   byte 0      version << 4 | kind
 *   4 bytes     the store's epoch, little endian
 *   varints     the kind's fields, in their shortest form
 *   8 bytes     SipHash-2-4 under the store's key of all before; 4 bytes of it in a ChangeKey
 *
 * Reading refuses whatever writing would not have written, so one value has one text.
 */
#include "mailbox/token.h"

#include "base/base64.h"
#include "base/err.h"
#include "mailbox/limits.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define TOKEN_VERSION 1
#define TOKEN_RAW_MAX (TOKEN_TEXT_MAX / 4 * 3)
#define TOKEN_HEAD_BYTES 5
#define TOKEN_SUM_BYTES crypto_shorthash_BYTES
#define TOKEN_SHORT_SUM_BYTES 4
#define TOKEN_FIELDS_MAX (2 + TOKEN_ATTACHMENT_DEPTH)

_Static_assert(crypto_shorthash_KEYBYTES == TOKEN_KEY_BYTES, "the key is libsodium's");
/* The widest token is a paging item sync: a byte of flags, the mailbox (6 bytes up to 2^42), folder, base, top and cursor (7 up to 2^49). */
_Static_assert(MAILBOX_NO_MAX < UINT64_C(1) << 42 && SEQ_MAX < UINT64_C(1) << 49, "fits");
_Static_assert(TOKEN_HEAD_BYTES + 1 + 6 + 4 * 7 + TOKEN_SUM_BYTES <= TOKEN_RAW_MAX, "fits");

/* An attachment: mailbox, item, and 3 bytes a level. */
_Static_assert(TOKEN_HEAD_BYTES + 6 + 7 + 3 * TOKEN_ATTACHMENT_DEPTH + TOKEN_SUM_BYTES <=
                   TOKEN_RAW_MAX,
               "fits");

/* An occurrence: mailbox, item, and a time that zigzag coding makes at most 7 bytes (2^48 ms: the year 10,000). */
_Static_assert(TOKEN_HEAD_BYTES + 6 + 7 + 7 + TOKEN_SUM_BYTES <= TOKEN_RAW_MAX, "fits");
/* A subscription: mailbox, number, and random bytes; a watermark: mailbox, seq, and a small number. */
_Static_assert(TOKEN_HEAD_BYTES + 6 + 7 + TOKEN_SECRET_BYTES + TOKEN_SUM_BYTES <= TOKEN_RAW_MAX,
               "fits");
#define WATERMARK_TAKEN_MAX 127
#define OCCURRENCE_MS_MAX (INT64_C(1) << 48)

enum sync_items_flag {
    SYNC_ITEMS_ASSOCIATED = 1 << 0,
    SYNC_ITEMS_ASSOCIATED_ALL = 1 << 1,
    SYNC_ITEMS_PAGING = 1 << 2,
    SYNC_ITEMS_FLAGS = (1 << 3) - 1
};

static size_t sum_bytes(enum token_kind kind)
{
    return kind == TOKEN_CHANGE_KEY ? TOKEN_SHORT_SUM_BYTES : TOKEN_SUM_BYTES;
}

/* ---- writing: into an array on the stack, then once into the output; it runs for every item of an answer ---- */

static void put_head(unsigned char *raw, const struct token_key *key, enum token_kind kind)
{
    raw[0] = (unsigned char)(TOKEN_VERSION << 4 | (unsigned)kind);
    raw[1] = (unsigned char)key->epoch;
    raw[2] = (unsigned char)(key->epoch >> 8);
    raw[3] = (unsigned char)(key->epoch >> 16);
    raw[4] = (unsigned char)(key->epoch >> 24);
}

static size_t put_varint(unsigned char *p, uint64_t v)
{
    size_t n = 0;

    while (v >= 0x80) {
        p[n++] = (unsigned char)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (unsigned char)v;
    return n;
}

static void write_token_with(struct buf *out, const struct token_key *key, enum token_kind kind,
                             const uint64_t *fields, size_t count, struct str bytes)
{
    unsigned char
        raw[TOKEN_HEAD_BYTES + TOKEN_FIELDS_MAX * 10 + TOKEN_SECRET_BYTES + TOKEN_SUM_BYTES];
    size_t n = TOKEN_HEAD_BYTES, i;

    assert(bytes.n <= TOKEN_SECRET_BYTES);
    put_head(raw, key, kind);
    for (i = 0; i < count; i++) {
        n += put_varint(raw + n, fields[i]);
    }
    if (bytes.n != 0) {
        memcpy(raw + n, bytes.p, bytes.n);
        n += bytes.n;
    }
    crypto_shorthash(raw + n, raw, n, key->key);
    n += sum_bytes(kind);
    assert(n <= TOKEN_RAW_MAX);
    out->n += base64_encode_to(buf_reserve(out, TOKEN_TEXT_MAX), raw, n);
}

static void write_token(struct buf *out, const struct token_key *key, enum token_kind kind,
                        const uint64_t *fields, size_t count)
{
    write_token_with(out, key, kind, fields, count, (struct str){0});
}

static bool mailbox_valid(uint64_t v)
{
    return v >= 1 && v <= MAILBOX_NO_MAX;
}

static bool object_valid(uint64_t v)
{
    return v >= 1 && v <= SEQ_MAX;
}

void token_item_write(struct buf *out, const struct token_key *key, const struct token_item *t)
{
    const uint64_t fields[] = {t->mailbox.v, t->item.v};

    assert(mailbox_valid(t->mailbox.v) && object_valid(t->item.v));
    write_token(out, key, TOKEN_ITEM, fields, ARRAY_LEN(fields));
}

void token_folder_write(struct buf *out, const struct token_key *key, const struct token_folder *t)
{
    const uint64_t fields[] = {t->mailbox.v, t->folder.v};

    assert(mailbox_valid(t->mailbox.v) && object_valid(t->folder.v));
    write_token(out, key, TOKEN_FOLDER, fields, ARRAY_LEN(fields));
}

void token_change_key_write(struct buf *out, const struct token_key *key,
                            const struct token_change_key *t)
{
    assert(t->version.v <= SEQ_MAX);
    write_token(out, key, TOKEN_CHANGE_KEY, &t->version.v, 1);
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ ((v & 1) != 0 ? UINT64_MAX : 0));
}

void token_occurrence_write(struct buf *out, const struct token_key *key,
                            const struct token_occurrence *t)
{
    const uint64_t fields[] = {t->mailbox.v, t->item.v, zigzag(t->original_start_ms)};

    assert(mailbox_valid(t->mailbox.v) && object_valid(t->item.v));
    assert(t->original_start_ms > -OCCURRENCE_MS_MAX && t->original_start_ms < OCCURRENCE_MS_MAX);
    write_token(out, key, TOKEN_OCCURRENCE, fields, ARRAY_LEN(fields));
}

void token_attachment_write(struct buf *out, const struct token_key *key,
                            const struct token_attachment *t)
{
    uint64_t fields[TOKEN_FIELDS_MAX] = {t->mailbox.v, t->item.v};
    unsigned i;

    assert(mailbox_valid(t->mailbox.v) && object_valid(t->item.v));
    assert(t->depth >= 1 && t->depth <= TOKEN_ATTACHMENT_DEPTH);
    for (i = 0; i < t->depth; i++) {
        assert(t->path[i] <= TOKEN_ATTACHMENT_INDEX_MAX);
        fields[2 + i] = t->path[i];
    }
    write_token(out, key, TOKEN_ATTACHMENT, fields, 2 + t->depth);
}

void token_sync_hierarchy_write(struct buf *out, const struct token_key *key,
                                const struct token_sync_hierarchy *t)
{
    const uint64_t fields[] = {t->mailbox.v, t->anchor.v, t->at.v};

    assert(mailbox_valid(t->mailbox.v) && t->anchor.v <= SEQ_MAX && t->at.v <= SEQ_MAX);
    write_token(out, key, TOKEN_SYNC_HIERARCHY, fields, ARRAY_LEN(fields));
}

/* I1 and I2, and the bounds. */
static bool sync_items_valid(const struct token_sync_items *t)
{
    if (!mailbox_valid(t->mailbox.v) || !object_valid(t->folder.v) || t->top.v > SEQ_MAX ||
        t->base.v > t->top.v) {
        return false;
    }
    if (t->cursor.v == 0) {
        return true;
    }
    return t->cursor.v <= t->top.v + 1 && (t->cursor.v > t->base.v || t->associated_all);
}

/* Top and cursor go as differences that are never above top, so the largest cursor, top + 1, needs no wider field. */
void token_sync_items_write(struct buf *out, const struct token_key *key,
                            const struct token_sync_items *t)
{
    bool paging = t->cursor.v != 0;
    unsigned flags = (t->associated ? (unsigned)SYNC_ITEMS_ASSOCIATED : 0) |
                     (t->associated_all ? (unsigned)SYNC_ITEMS_ASSOCIATED_ALL : 0) |
                     (paging ? (unsigned)SYNC_ITEMS_PAGING : 0);
    const uint64_t fields[] = {flags,     t->mailbox.v,         t->folder.v,
                               t->base.v, t->top.v - t->base.v, t->top.v + 1 - t->cursor.v};

    assert(sync_items_valid(t));
    write_token(out, key, TOKEN_SYNC_ITEMS, fields, ARRAY_LEN(fields) - (paging ? 0 : 1));
}

void token_subscription_write(struct buf *out, const struct token_key *key,
                              const struct token_subscription *t)
{
    const uint64_t fields[] = {t->mailbox.v, t->subscription.v};

    assert(mailbox_valid(t->mailbox.v) && object_valid(t->subscription.v));
    write_token_with(out, key, TOKEN_SUBSCRIPTION, fields, ARRAY_LEN(fields),
                     str_of(t->secret, TOKEN_SECRET_BYTES));
}

void token_watermark_write(struct buf *out, const struct token_key *key,
                           const struct token_watermark *t)
{
    const uint64_t fields[] = {t->mailbox.v, t->at.seq.v, t->at.taken};

    assert(mailbox_valid(t->mailbox.v) && t->at.seq.v <= SEQ_MAX &&
           t->at.taken <= WATERMARK_TAKEN_MAX);
    write_token(out, key, TOKEN_WATERMARK, fields, ARRAY_LEN(fields));
}

/* ---- reading ---- */

/* Checks all but the fields. False: not a token of this store. */
static bool open_token(const struct token_key *key, struct str text, unsigned char *raw,
                       enum token_kind *kind_r, struct str *fields_r)
{
    unsigned char head[TOKEN_HEAD_BYTES], sum[TOKEN_SUM_BYTES];
    enum token_kind kind;
    size_t n;

    if (text.n > TOKEN_TEXT_MAX || !base64_decode_to(raw, TOKEN_RAW_MAX, text, &n) || n == 0) {
        return false;
    }
    kind = (enum token_kind)(raw[0] & 0x0f);
    put_head(head, key, kind);
    if (n <= TOKEN_HEAD_BYTES + sum_bytes(kind) || memcmp(raw, head, TOKEN_HEAD_BYTES) != 0) {
        return false;
    }
    n -= sum_bytes(kind);
    crypto_shorthash(sum, raw, n, key->key);
    if (sodium_memcmp(sum, raw + n, sum_bytes(kind)) != 0) {
        return false;
    }
    *kind_r = kind;
    *fields_r = str_of(raw + TOKEN_HEAD_BYTES, n - TOKEN_HEAD_BYTES);
    return true;
}

/* Exactly count varints. */
static bool take_fields(struct str s, uint64_t *fields_r, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (!str_take_varint(&s, &fields_r[i])) {
            return false;
        }
    }
    return s.n == 0;
}

/* A token of that very kind with so many fields. */
static bool read_token(const struct token_key *key, struct str text, enum token_kind kind,
                       uint64_t *fields_r, size_t count)
{
    unsigned char raw[TOKEN_RAW_MAX];
    enum token_kind found;
    struct str rest;

    return open_token(key, text, raw, &found, &rest) && found == kind &&
           take_fields(rest, fields_r, count);
}

/* An ItemId or FolderId; `other` is what the other of the two is refused with. */
static int read_id(const struct token_key *key, struct str text, enum token_kind kind,
                   enum err_kind other, uint64_t fields_r[static 2], struct err *err_r)
{
    unsigned char raw[TOKEN_RAW_MAX];
    enum token_kind found;
    struct str rest;

    if (text.n == 0) {
        return err_set(err_r, ERR_ID_EMPTY, "empty id");
    }
    if (!open_token(key, text, raw, &found, &rest)) {
        return err_set(err_r, ERR_ID_MALFORMED, "not an id of this store");
    }
    if (found != kind && (found == TOKEN_ITEM || found == TOKEN_FOLDER ||
                          (found == TOKEN_OCCURRENCE && kind == TOKEN_FOLDER))) {
        return err_set(err_r, other, "an id of kind %d", (int)found);
    }
    if (found != kind || !take_fields(rest, fields_r, 2) || !mailbox_valid(fields_r[0]) ||
        !object_valid(fields_r[1])) {
        return err_set(err_r, ERR_ID_MALFORMED, "a token of kind %d", (int)found);
    }
    return 0;
}

int token_item_read(const struct token_key *key, struct str text, struct token_item *t_r,
                    struct err *err_r)
{
    uint64_t f[2];

    TRY(read_id(key, text, TOKEN_ITEM, ERR_ID_IS_FOLDER, f, err_r));
    *t_r = (struct token_item){{f[0]}, {f[1]}};
    return 0;
}

int token_occurrence_read(const struct token_key *key, struct str text,
                          struct token_occurrence *t_r, struct err *err_r)
{
    unsigned char raw[TOKEN_RAW_MAX];
    struct token_item item;
    enum token_kind kind;
    struct str fields;
    uint64_t f[3];

    if (!open_token(key, text, raw, &kind, &fields) || kind != TOKEN_OCCURRENCE) {
        TRY(token_item_read(key, text, &item, err_r));
        return err_set(err_r, ERR_OCCURRENCE_NOT_ONE, "an item's id");
    }
    if (!take_fields(fields, f, ARRAY_LEN(f)) || !mailbox_valid(f[0]) || !object_valid(f[1]) ||
        f[2] >= (uint64_t)OCCURRENCE_MS_MAX << 1) {
        return err_set(err_r, ERR_ID_MALFORMED, "fields of an occurrence");
    }
    *t_r = (struct token_occurrence){{f[0]}, {f[1]}, unzigzag(f[2])};
    return 0;
}

int token_folder_read(const struct token_key *key, struct str text, struct token_folder *t_r,
                      struct err *err_r)
{
    uint64_t f[2];

    TRY(read_id(key, text, TOKEN_FOLDER, ERR_ID_IS_ITEM, f, err_r));
    *t_r = (struct token_folder){{f[0]}, {f[1]}};
    return 0;
}

int token_change_key_read(const struct token_key *key, struct str text,
                          struct token_change_key *t_r, struct err *err_r)
{
    uint64_t version;

    if (!read_token(key, text, TOKEN_CHANGE_KEY, &version, 1) || version > SEQ_MAX) {
        return err_set(err_r, ERR_CHANGE_KEY, "not a change key of this store");
    }
    t_r->version.v = version;
    return 0;
}

/* Mailbox, item, then the path to the end. */
static bool attachment_from(struct str fields, struct token_attachment *t_r)
{
    struct token_attachment t = {.depth = 0};
    uint64_t index;

    if (!str_take_varint(&fields, &t.mailbox.v) || !str_take_varint(&fields, &t.item.v)) {
        return false;
    }
    while (fields.n != 0) {
        if (t.depth == TOKEN_ATTACHMENT_DEPTH || !str_take_varint(&fields, &index) ||
            index > TOKEN_ATTACHMENT_INDEX_MAX) {
            return false;
        }
        t.path[t.depth++] = (uint32_t)index;
    }
    *t_r = t;
    return t.depth != 0 && mailbox_valid(t.mailbox.v) && object_valid(t.item.v);
}

int token_attachment_read(const struct token_key *key, struct str text,
                          struct token_attachment *t_r, struct err *err_r)
{
    unsigned char raw[TOKEN_RAW_MAX];
    struct token_attachment t;
    enum token_kind kind;
    struct str fields;

    if (!open_token(key, text, raw, &kind, &fields) || kind != TOKEN_ATTACHMENT ||
        !attachment_from(fields, &t)) {
        return err_set(err_r, ERR_ATTACHMENT_ID, "not an attachment id of this store");
    }
    *t_r = t;
    return 0;
}

int token_sync_hierarchy_read(const struct token_key *key, struct str text,
                              struct token_sync_hierarchy *t_r, struct err *err_r)
{
    uint64_t f[3];

    if (!read_token(key, text, TOKEN_SYNC_HIERARCHY, f, ARRAY_LEN(f)) || !mailbox_valid(f[0]) ||
        f[1] > SEQ_MAX || f[2] > SEQ_MAX) {
        return err_set(err_r, ERR_SYNC_STATE, "not a hierarchy sync state of this store");
    }
    *t_r = (struct token_sync_hierarchy){{f[0]}, {f[1]}, {f[2]}};
    return 0;
}

static bool sync_items_from(struct str fields, struct token_sync_items *t_r)
{
    uint64_t f[6] = {0};
    bool paging = fields.n != 0 && (fields.p[0] & SYNC_ITEMS_PAGING) != 0;

    if (!take_fields(fields, f, ARRAY_LEN(f) - (paging ? 0 : 1)) || f[0] > SYNC_ITEMS_FLAGS ||
        f[3] > SEQ_MAX || f[4] > SEQ_MAX || f[5] > f[3] + f[4]) {
        return false;
    }
    *t_r = (struct token_sync_items){
        .mailbox = {f[1]},
        .folder = {f[2]},
        .associated = (f[0] & SYNC_ITEMS_ASSOCIATED) != 0,
        .associated_all = (f[0] & SYNC_ITEMS_ASSOCIATED_ALL) != 0,
        .base = {f[3]},
        .top = {f[3] + f[4]},
        .cursor = {paging ? f[3] + f[4] + 1 - f[5] : 0},
    };
    return sync_items_valid(t_r);
}

int token_sync_items_read(const struct token_key *key, struct str text,
                          struct token_sync_items *t_r, struct err *err_r)
{
    unsigned char raw[TOKEN_RAW_MAX];
    struct token_sync_items t;
    enum token_kind kind;
    struct str fields;

    if (!open_token(key, text, raw, &kind, &fields) || kind != TOKEN_SYNC_ITEMS ||
        !sync_items_from(fields, &t)) {
        return err_set(err_r, ERR_SYNC_STATE, "not an item sync state of this store");
    }
    *t_r = t;
    return 0;
}

int token_subscription_read(const struct token_key *key, struct str text,
                            struct token_subscription *t_r, struct err *err_r)
{
    unsigned char raw[TOKEN_RAW_MAX];
    struct token_subscription t;
    enum token_kind kind;
    struct str rest;

    if (!open_token(key, text, raw, &kind, &rest) || kind != TOKEN_SUBSCRIPTION ||
        !str_take_varint(&rest, &t.mailbox.v) || !str_take_varint(&rest, &t.subscription.v) ||
        rest.n != TOKEN_SECRET_BYTES || !mailbox_valid(t.mailbox.v) ||
        !object_valid(t.subscription.v)) {
        return err_set(err_r, ERR_SUBSCRIPTION_NOT_FOUND, "not a subscription id of this store");
    }
    memcpy(t.secret, rest.p, TOKEN_SECRET_BYTES);
    *t_r = t;
    return 0;
}

int token_watermark_read(const struct token_key *key, struct str text, struct token_watermark *t_r,
                         struct err *err_r)
{
    uint64_t f[3];

    if (!read_token(key, text, TOKEN_WATERMARK, f, ARRAY_LEN(f)) || !mailbox_valid(f[0]) ||
        f[1] > SEQ_MAX || f[2] > WATERMARK_TAKEN_MAX) {
        return err_set(err_r, ERR_WATERMARK, "not a watermark of this store");
    }
    *t_r = (struct token_watermark){{f[0]}, {{f[1]}, (uint32_t)f[2]}};
    return 0;
}

int token_kind_of(const struct token_key *key, struct str text, enum token_kind *kind_r,
                  struct mailbox_no *mailbox_r, struct err *err_r)
{
    unsigned char raw[TOKEN_RAW_MAX];
    enum token_kind kind;
    struct str fields;
    uint64_t mailbox;

    if (text.n == 0) {
        return err_set(err_r, ERR_ID_EMPTY, "empty id");
    }
    if (!open_token(key, text, raw, &kind, &fields) ||
        (kind != TOKEN_ITEM && kind != TOKEN_FOLDER && kind != TOKEN_ATTACHMENT &&
         kind != TOKEN_OCCURRENCE) ||
        !str_take_varint(&fields, &mailbox) || !mailbox_valid(mailbox)) {
        return err_set(err_r, ERR_ID_MALFORMED, "not an id of this store");
    }
    *kind_r = kind;
    mailbox_r->v = mailbox;
    return 0;
}
