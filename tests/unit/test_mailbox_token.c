#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "mailbox/limits.h"
#include "mailbox/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

static const struct token_key key = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                                     0xDEADBEEF};

/* One sample of each kind, with a reader that ignores the value. */
typedef int read_fn(const struct token_key *key, struct str text, struct err *err_r);

static int read_item(const struct token_key *k, struct str text, struct err *err_r)
{
    struct token_item t;

    return token_item_read(k, text, &t, err_r);
}

static int read_folder(const struct token_key *k, struct str text, struct err *err_r)
{
    struct token_folder t;

    return token_folder_read(k, text, &t, err_r);
}

static int read_change_key(const struct token_key *k, struct str text, struct err *err_r)
{
    struct token_change_key t;

    return token_change_key_read(k, text, &t, err_r);
}

static int read_attachment(const struct token_key *k, struct str text, struct err *err_r)
{
    struct token_attachment t;

    return token_attachment_read(k, text, &t, err_r);
}

static int read_occurrence(const struct token_key *k, struct str text, struct err *err_r)
{
    struct token_occurrence t;

    return token_occurrence_read(k, text, &t, err_r);
}

static int read_hierarchy(const struct token_key *k, struct str text, struct err *err_r)
{
    struct token_sync_hierarchy t;

    return token_sync_hierarchy_read(k, text, &t, err_r);
}

static int read_items(const struct token_key *k, struct str text, struct err *err_r)
{
    struct token_sync_items t;

    return token_sync_items_read(k, text, &t, err_r);
}

static const struct token_sync_items paging = {.mailbox = {3},
                                               .folder = {17},
                                               .associated = true,
                                               .base = {100},
                                               .top = {900},
                                               .cursor = {512}};

static void write_item(struct buf *b)
{
    token_item_write(b, &key, &(struct token_item){{3}, {4711}});
}

static void write_folder(struct buf *b)
{
    token_folder_write(b, &key, &(struct token_folder){{3}, {17}});
}

static void write_change_key(struct buf *b)
{
    token_change_key_write(b, &key, &(struct token_change_key){{4711}});
}

static void write_attachment(struct buf *b)
{
    token_attachment_write(
        b, &key,
        &(struct token_attachment){.mailbox = {3}, .item = {4711}, .depth = 2, .path = {2, 0}});
}

static void write_occurrence(struct buf *b)
{
    token_occurrence_write(b, &key, &(struct token_occurrence){{3}, {4711}, 1709550000000});
}

static void write_hierarchy(struct buf *b)
{
    token_sync_hierarchy_write(b, &key, &(struct token_sync_hierarchy){{3}, {0}, {4711}});
}

static void write_items(struct buf *b)
{
    token_sync_items_write(b, &key, &paging);
}

static const struct token_subscription subscription = {
    .mailbox = {3}, .subscription = {900}, .secret = "0123456789abcde"};
static const struct token_watermark watermark = {.mailbox = {3}, .at = {{77}, 2}};

static int read_subscription(const struct token_key *k, struct str text, struct err *err_r)
{
    struct token_subscription t;

    return token_subscription_read(k, text, &t, err_r);
}

static void write_subscription(struct buf *b)
{
    token_subscription_write(b, &key, &subscription);
}

static int read_watermark(const struct token_key *k, struct str text, struct err *err_r)
{
    struct token_watermark t;

    return token_watermark_read(k, text, &t, err_r);
}

static void write_watermark(struct buf *b)
{
    token_watermark_write(b, &key, &watermark);
}

static const struct kind {
    enum token_kind kind;
    void (*write)(struct buf *b);
    read_fn *read;
    enum err_kind refused;
} kinds[] = {
    {TOKEN_ITEM, write_item, read_item, ERR_ID_MALFORMED},
    {TOKEN_FOLDER, write_folder, read_folder, ERR_ID_MALFORMED},
    {TOKEN_CHANGE_KEY, write_change_key, read_change_key, ERR_CHANGE_KEY},
    {TOKEN_ATTACHMENT, write_attachment, read_attachment, ERR_ATTACHMENT_ID},
    {TOKEN_OCCURRENCE, write_occurrence, read_occurrence, ERR_ID_MALFORMED},
    {TOKEN_SYNC_HIERARCHY, write_hierarchy, read_hierarchy, ERR_SYNC_STATE},
    {TOKEN_SYNC_ITEMS, write_items, read_items, ERR_SYNC_STATE},
    {TOKEN_SUBSCRIPTION, write_subscription, read_subscription, ERR_SUBSCRIPTION_NOT_FOUND},
    {TOKEN_WATERMARK, write_watermark, read_watermark, ERR_WATERMARK},
};

/* ---- values ---- */

static void test_item_round_trip(void **state)
{
    struct buf b = BUF_INIT;
    struct token_item t;

    (void)state;
    write_item(&b);
    assert_int_equal(token_item_read(&key, buf_str(&b), &t, NULL), 0);
    assert_int_equal(t.mailbox.v, 3);
    assert_int_equal(t.item.v, 4711);
    buf_fini(&b);
}

static void test_folder_round_trip(void **state)
{
    struct buf b = BUF_INIT;
    struct token_folder t;

    (void)state;
    write_folder(&b);
    assert_int_equal(token_folder_read(&key, buf_str(&b), &t, NULL), 0);
    assert_int_equal(t.mailbox.v, 3);
    assert_int_equal(t.folder.v, 17);
    buf_fini(&b);
}

static void test_occurrence_round_trip_at_any_time(void **state)
{
    const int64_t starts[] = {0, 1, -1, 1709550000000, -11644473600000, INT64_C(253402300799000)};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        struct token_occurrence t = {{MAILBOX_NO_MAX}, {SEQ_MAX}, starts[i]}, got;
        struct buf b = BUF_INIT;

        token_occurrence_write(&b, &key, &t);
        assert_true(b.n <= TOKEN_TEXT_MAX);
        assert_int_equal(token_occurrence_read(&key, buf_str(&b), &got, NULL), 0);
        assert_true(got.mailbox.v == t.mailbox.v && got.item.v == t.item.v);
        assert_true(got.original_start_ms == starts[i]);
        buf_fini(&b);
    }
}

static void test_an_items_id_is_no_occurrences(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    write_item(&b);
    assert_int_equal(read_occurrence(&key, buf_str(&b), NULL), -ERR_OCCURRENCE_NOT_ONE);
    buf_clear(&b);
    write_folder(&b);
    assert_int_equal(read_occurrence(&key, buf_str(&b), NULL), -ERR_ID_IS_FOLDER);
    buf_fini(&b);
}

static void test_change_key_round_trip_with_the_stub(void **state)
{
    const uint64_t versions[] = {0, 1, 4711, SEQ_MAX};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(versions); i++) {
        struct buf b = BUF_INIT;
        struct token_change_key t;

        token_change_key_write(&b, &key, &(struct token_change_key){{versions[i]}});
        assert_int_equal(token_change_key_read(&key, buf_str(&b), &t, NULL), 0);
        assert_true(t.version.v == versions[i]);
        buf_fini(&b);
    }
}

static void test_attachment_round_trip_at_every_depth(void **state)
{
    struct token_attachment t = {.mailbox = {3}, .item = {4711}};

    (void)state;
    for (t.depth = 1; t.depth <= TOKEN_ATTACHMENT_DEPTH; t.depth++) {
        struct buf b = BUF_INIT;
        struct token_attachment got;

        t.path[t.depth - 1] = t.depth % 2 == 0 ? 0 : TOKEN_ATTACHMENT_INDEX_MAX;
        token_attachment_write(&b, &key, &t);
        assert_int_equal(token_attachment_read(&key, buf_str(&b), &got, NULL), 0);
        assert_int_equal(got.mailbox.v, 3);
        assert_int_equal(got.item.v, 4711);
        assert_int_equal(got.depth, t.depth);
        assert_memory_equal(got.path, t.path, sizeof(t.path));
        buf_fini(&b);
    }
}

static void test_hierarchy_state_round_trip(void **state)
{
    struct buf b = BUF_INIT;
    struct token_sync_hierarchy t;

    (void)state;
    write_hierarchy(&b);
    assert_int_equal(token_sync_hierarchy_read(&key, buf_str(&b), &t, NULL), 0);
    assert_int_equal(t.mailbox.v, 3);
    assert_int_equal(t.anchor.v, 0);
    assert_int_equal(t.at.v, 4711);
    buf_fini(&b);
}

static void assert_items_round_trip(const struct token_sync_items *t)
{
    struct buf b = BUF_INIT;
    struct token_sync_items got;

    token_sync_items_write(&b, &key, t);
    assert_true(b.n <= TOKEN_TEXT_MAX);
    assert_int_equal(token_sync_items_read(&key, buf_str(&b), &got, NULL), 0);
    assert_true(got.mailbox.v == t->mailbox.v && got.folder.v == t->folder.v);
    assert_true(got.associated == t->associated && got.associated_all == t->associated_all);
    assert_true(got.base.v == t->base.v && got.top.v == t->top.v && got.cursor.v == t->cursor.v);
    buf_fini(&b);
}

static void test_item_state_round_trip_in_every_shape(void **state)
{
    const struct token_sync_items shapes[] = {
        paging,
        {.mailbox = {1}, .folder = {1}},
        {.mailbox = {1}, .folder = {1}, .base = {9}, .top = {9}},
        {.mailbox = {1}, .folder = {1}, .base = {9}, .top = {9}, .associated = true},
        {.mailbox = {1}, .folder = {1}, .base = {9}, .top = {12}, .cursor = {10}},
        {.mailbox = {1}, .folder = {1}, .base = {9}, .top = {12}, .cursor = {13}},
        {.mailbox = {1}, .folder = {1}, .base = {9}, .top = {9}, .cursor = {10}},
        {.mailbox = {1},
         .folder = {1},
         .base = {9},
         .top = {12},
         .cursor = {1},
         .associated = true,
         .associated_all = true},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(shapes); i++) {
        assert_items_round_trip(&shapes[i]);
    }
}

static void test_subscription_and_watermark_round_trip(void **state)
{
    struct token_subscription s = {0};
    struct token_watermark w = {0};
    struct buf b = BUF_INIT;

    (void)state;
    write_subscription(&b);
    assert_int_equal(token_subscription_read(&key, buf_str(&b), &s, NULL), 0);
    assert_int_equal(s.mailbox.v, 3);
    assert_int_equal(s.subscription.v, 900);
    assert_memory_equal(s.secret, subscription.secret, TOKEN_SECRET_BYTES);
    b.n = 0;
    write_watermark(&b);
    assert_int_equal(token_watermark_read(&key, buf_str(&b), &w, NULL), 0);
    assert_int_equal(w.mailbox.v, 3);
    assert_int_equal(w.at.seq.v, 77);
    assert_int_equal(w.at.taken, 2);
    buf_fini(&b);
}

static void test_the_widest_tokens_fit(void **state)
{
    const struct mailbox_no m = {MAILBOX_NO_MAX};
    struct token_attachment widest = {.mailbox = m, .item = {SEQ_MAX}};
    struct token_sync_items t = {
        .mailbox = m, .folder = {SEQ_MAX}, .associated = true, .associated_all = true};
    struct buf b = BUF_INIT;

    (void)state;
    t.top.v = SEQ_MAX;
    t.cursor.v = SEQ_MAX + 1;
    assert_items_round_trip(&t);
    t.cursor.v = 1;
    assert_items_round_trip(&t);
    t.base.v = SEQ_MAX / 2;
    assert_items_round_trip(&t);
    t.base.v = SEQ_MAX;
    assert_items_round_trip(&t);
    for (; widest.depth < TOKEN_ATTACHMENT_DEPTH; widest.depth++) {
        widest.path[widest.depth] = TOKEN_ATTACHMENT_INDEX_MAX;
    }
    token_attachment_write(&b, &key, &widest);
    assert_true(b.n <= TOKEN_TEXT_MAX);
    buf_clear(&b);
    token_sync_hierarchy_write(&b, &key, &(struct token_sync_hierarchy){m, {SEQ_MAX}, {SEQ_MAX}});
    assert_true(b.n <= TOKEN_TEXT_MAX);
    buf_fini(&b);
}

static void test_usual_ids_are_short(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    token_item_write(&b, &key, &(struct token_item){{100}, {1000000}});
    assert_true(b.n <= 24);
    buf_clear(&b);
    token_change_key_write(&b, &key, &(struct token_change_key){{1000000}});
    assert_true(b.n <= 16);
    buf_fini(&b);
}

/* A token that is in clients' hands must be readable for ever: this text never changes. */
static void test_the_format_is_fixed(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    write_item(&b);
    assert_true(str_starts(buf_str(&b), STR("Ee++rd4D5y")));
    buf_fini(&b);
}

/* ---- what is refused ---- */

static void test_every_flipped_bit_is_refused(void **state)
{
    size_t k, bit;

    (void)state;
    for (k = 0; k < ARRAY_LEN(kinds); k++) {
        struct buf b = BUF_INIT;

        kinds[k].write(&b);
        for (bit = 0; bit < b.n * 8; bit++) {
            struct err err = ERR_INIT;

            b.p[bit / 8] ^= (char)(1 << bit % 8);
            assert_int_equal(kinds[k].read(&key, buf_str(&b), &err), -(int)kinds[k].refused);
            assert_int_equal(err.kind, kinds[k].refused);
            b.p[bit / 8] ^= (char)(1 << bit % 8);
        }
        assert_int_equal(kinds[k].read(&key, buf_str(&b), NULL), 0);
        buf_fini(&b);
    }
}

/* The same below the base64, so that every bit of the token itself is covered. */
static void test_every_flipped_raw_bit_is_refused(void **state)
{
    size_t k, bit;

    (void)state;
    for (k = 0; k < ARRAY_LEN(kinds); k++) {
        struct buf b = BUF_INIT, raw = BUF_INIT, text = BUF_INIT;

        kinds[k].write(&b);
        assert_true(base64_decode(&raw, buf_str(&b)));
        for (bit = 0; bit < raw.n * 8; bit++) {
            raw.p[bit / 8] ^= (char)(1 << bit % 8);
            buf_clear(&text);
            base64_encode(&text, raw.p, raw.n);
            assert_int_equal(kinds[k].read(&key, buf_str(&text), NULL), -(int)kinds[k].refused);
            raw.p[bit / 8] ^= (char)(1 << bit % 8);
        }
        buf_fini(&b);
        buf_fini(&raw);
        buf_fini(&text);
    }
}

static void test_every_truncation_and_extension_is_refused(void **state)
{
    size_t k, n;

    (void)state;
    for (k = 0; k < ARRAY_LEN(kinds); k++) {
        struct buf b = BUF_INIT, raw = BUF_INIT, text = BUF_INIT;

        kinds[k].write(&b);
        for (n = 1; n < b.n; n++) {
            assert_int_equal(kinds[k].read(&key, str_of(b.p, n), NULL), -(int)kinds[k].refused);
        }
        assert_true(base64_decode(&raw, buf_str(&b)));
        for (n = 1; n < raw.n; n++) {
            buf_clear(&text);
            base64_encode(&text, raw.p, n);
            assert_int_equal(kinds[k].read(&key, buf_str(&text), NULL), -(int)kinds[k].refused);
        }
        buf_add_char(&b, 'A');
        assert_int_equal(kinds[k].read(&key, buf_str(&b), NULL), -(int)kinds[k].refused);
        while (b.n < 1000) {
            buf_add_char(&b, 'A');
        }
        assert_int_equal(kinds[k].read(&key, buf_str(&b), NULL), -(int)kinds[k].refused);
        buf_fini(&b);
        buf_fini(&raw);
        buf_fini(&text);
    }
}

static void test_another_store_refuses(void **state)
{
    struct token_key other_key = key, other_epoch = key;
    size_t k;

    (void)state;
    other_key.key[15] ^= 1;
    other_epoch.epoch ^= 1;
    for (k = 0; k < ARRAY_LEN(kinds); k++) {
        struct buf b = BUF_INIT;

        kinds[k].write(&b);
        assert_int_equal(kinds[k].read(&other_key, buf_str(&b), NULL), -(int)kinds[k].refused);
        assert_int_equal(kinds[k].read(&other_epoch, buf_str(&b), NULL), -(int)kinds[k].refused);
        buf_fini(&b);
    }
}

static enum err_kind expected_mix(enum token_kind wanted, enum token_kind given,
                                  enum err_kind refused)
{
    if ((wanted == TOKEN_ITEM || wanted == TOKEN_OCCURRENCE) && given == TOKEN_FOLDER) {
        return ERR_ID_IS_FOLDER;
    }
    if (wanted == TOKEN_FOLDER && (given == TOKEN_ITEM || given == TOKEN_OCCURRENCE)) {
        return ERR_ID_IS_ITEM;
    }
    if (wanted == TOKEN_OCCURRENCE && given == TOKEN_ITEM) {
        return ERR_OCCURRENCE_NOT_ONE;
    }
    return refused;
}

static void test_a_token_of_another_kind_gets_the_right_error(void **state)
{
    size_t k, g;

    (void)state;
    for (k = 0; k < ARRAY_LEN(kinds); k++) {
        for (g = 0; g < ARRAY_LEN(kinds); g++) {
            struct buf b = BUF_INIT;
            enum err_kind expected =
                k == g ? ERR_NONE : expected_mix(kinds[k].kind, kinds[g].kind, kinds[k].refused);

            kinds[g].write(&b);
            assert_int_equal(kinds[k].read(&key, buf_str(&b), NULL), -(int)expected);
            buf_fini(&b);
        }
    }
}

static void test_empty_ids_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(read_item(&key, STR(""), NULL), -ERR_ID_EMPTY);
    assert_int_equal(read_folder(&key, STR_NULL, NULL), -ERR_ID_EMPTY);
    assert_int_equal(read_change_key(&key, STR(""), NULL), -ERR_CHANGE_KEY);
    assert_int_equal(read_attachment(&key, STR(""), NULL), -ERR_ATTACHMENT_ID);
    assert_int_equal(read_hierarchy(&key, STR(""), NULL), -ERR_SYNC_STATE);
    assert_int_equal(read_items(&key, STR(""), NULL), -ERR_SYNC_STATE);
}

/* A text with a right checksum over these bytes: what a fault in our own writer, or a leaked key, could make. */
static void sign(struct buf *text, const char *raw, size_t n)
{
    unsigned char bytes[64];

    memcpy(bytes, raw, n);
    crypto_shorthash(bytes + n, bytes, n, key.key);
    buf_clear(text);
    base64_encode(text, bytes, n + 8);
}

static void test_signed_nonsense_is_refused(void **state)
{
    static const struct {
        const char *raw;
        size_t n;
        read_fn *read;
    } cases[] = {
#define CASE(raw, read) {raw, sizeof(raw) - 1, read}
        CASE("\x11\xef\xbe\xad\xde\x03", read_item),         /* a field is missing */
        CASE("\x11\xef\xbe\xad\xde\x03\x04\x05", read_item), /* a field too many */
        CASE("\x11\xef\xbe\xad\xde\x00\x04", read_item),     /* mailbox 0 */
        CASE("\x11\xef\xbe\xad\xde\x03\x00", read_item),     /* item 0 */
        CASE("\x11\xef\xbe\xad\xde\x83\x00\x04", read_item), /* a longer form of 3 */
        CASE("\x11\xef\xbe\xad\xde\x03\xff\xff\xff\xff\xff\xff\xff\x7f",
             read_item),                                                  /* beyond SEQ_MAX */
        CASE("\x21\xef\xbe\xad\xde\x03\x04", read_item),                  /* version 2 */
        CASE("\x15\xef\xbe\xad\xde\x08\x03\x11\x00\x00", read_items),     /* an unknown flag */
        CASE("\x15\xef\xbe\xad\xde\x04\x03\x11\x05\x05\x06", read_items), /* I2: cursor 5 = base */
        CASE("\x15\xef\xbe\xad\xde\x06\x03\x11\x05\x05\x0b", read_items), /* cursor 0 */
        CASE("\x15\xef\xbe\xad\xde\x04\x03\x11\x05\x05", read_items), /* paging without a cursor */
        CASE("\x16\xef\xbe\xad\xde\x03\x04", read_attachment),        /* no path */
        CASE("\x16\xef\xbe\xad\xde\x03\x04\x01\x01\x01\x01\x01\x01\x01\x01",
             read_attachment), /* too deep */
        CASE("\x16\xef\xbe\xad\xde\x03\x04\x80\x80\x80\x01",
             read_attachment), /* beyond TOKEN_ATTACHMENT_INDEX_MAX */
        CASE("\x15\xef\xbe\xad\xde\x00\x03\x11\x05\x05\x01",
             read_items), /* a cursor without paging */
#undef CASE
    };
    struct buf text = BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        sign(&text, cases[i].raw, cases[i].n);
        assert_true(cases[i].read(&key, buf_str(&text), NULL) < 0);
    }
    /* Signed sense is not, so the others were refused for what they say: cursor = 10 + 1 - 5. */
    sign(&text, "\x15\xef\xbe\xad\xde\x04\x03\x11\x05\x05\x05", 11);
    assert_int_equal(read_items(&key, buf_str(&text), NULL), 0);
    buf_fini(&text);
}

static void test_kind_of_names_ids_only(void **state)
{
    size_t k;

    (void)state;
    for (k = 0; k < ARRAY_LEN(kinds); k++) {
        struct buf b = BUF_INIT;
        struct mailbox_no mailbox = {0};
        enum token_kind kind;
        bool id = kinds[k].kind == TOKEN_ITEM || kinds[k].kind == TOKEN_FOLDER ||
                  kinds[k].kind == TOKEN_ATTACHMENT || kinds[k].kind == TOKEN_OCCURRENCE;
        int rc;

        kinds[k].write(&b);
        rc = token_kind_of(&key, buf_str(&b), &kind, &mailbox, NULL);
        assert_int_equal(rc, id ? 0 : -ERR_ID_MALFORMED);
        if (id) {
            assert_int_equal(kind, kinds[k].kind);
            assert_int_equal(mailbox.v, 3);
        }
        buf_fini(&b);
    }
}

static void test_tokens_are_appended(void **state)
{
    struct buf b = BUF_INIT;
    size_t before;

    (void)state;
    BUF_LIT(&b, "Id=\"");
    before = b.n;
    write_item(&b);
    assert_int_equal(read_item(&key, str_of(b.p + before, b.n - before), NULL), 0);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_item_round_trip),
        cmocka_unit_test(test_folder_round_trip),
        cmocka_unit_test(test_change_key_round_trip_with_the_stub),
        cmocka_unit_test(test_occurrence_round_trip_at_any_time),
        cmocka_unit_test(test_an_items_id_is_no_occurrences),
        cmocka_unit_test(test_attachment_round_trip_at_every_depth),
        cmocka_unit_test(test_hierarchy_state_round_trip),
        cmocka_unit_test(test_item_state_round_trip_in_every_shape),
        cmocka_unit_test(test_subscription_and_watermark_round_trip),
        cmocka_unit_test(test_the_widest_tokens_fit),
        cmocka_unit_test(test_usual_ids_are_short),
        cmocka_unit_test(test_the_format_is_fixed),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_every_flipped_raw_bit_is_refused),
        cmocka_unit_test(test_every_truncation_and_extension_is_refused),
        cmocka_unit_test(test_another_store_refuses),
        cmocka_unit_test(test_a_token_of_another_kind_gets_the_right_error),
        cmocka_unit_test(test_empty_ids_are_told_apart),
        cmocka_unit_test(test_signed_nonsense_is_refused),
        cmocka_unit_test(test_kind_of_names_ids_only),
        cmocka_unit_test(test_tokens_are_appended),
    };

    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
