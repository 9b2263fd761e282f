/*
 * Tokens from clients. Whatever is read must be exactly what writing the value gives: one text for one value.
 *
 * The first byte chooses: even, the rest is the text; odd, the rest is the token below base64 and gets a right checksum, so that the fuzzer
 * comes past it and the checks behind are tried.
 */
#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "mailbox/token.h"

#include <sodium.h>
#include <stdlib.h>

static const struct token_key key = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                                     0xDEADBEEF};

#define CHECK(thing, text)                                                                         \
    do {                                                                                           \
        struct token_##thing t_;                                                                   \
        struct buf again_ = BUF_INIT;                                                              \
        if (token_##thing##_read(&key, (text), &t_, NULL) == 0) {                                  \
            token_##thing##_write(&again_, &key, &t_);                                             \
            if (!str_eq(buf_str(&again_), (text))) {                                               \
                abort();                                                                           \
            }                                                                                      \
        }                                                                                          \
        buf_fini(&again_);                                                                         \
    } while (0)

static void check_all(struct str text)
{
    enum token_kind kind;
    struct mailbox_no mailbox;
    int rc = token_kind_of(&key, text, &kind, &mailbox, NULL);

    (void)rc;
    CHECK(item, text);
    CHECK(folder, text);
    CHECK(change_key, text);
    CHECK(attachment, text);
    CHECK(sync_hierarchy, text);
    CHECK(sync_items, text);
}

/* A right version, epoch and checksum around the kind and the fields that the input gives. */
static void check_signed(const uint8_t *data, size_t size)
{
    static const unsigned char epoch[] = {0xEF, 0xBE, 0xAD, 0xDE};
    unsigned char raw[64], kind = data[0] & 0x0f;
    struct buf text = BUF_INIT;
    size_t n = 5;

    if (size > 40) {
        return;
    }
    raw[0] = (unsigned char)(0x10 | kind);
    memcpy(raw + 1, epoch, sizeof(epoch));
    memcpy(raw + n, data + 1, size - 1);
    n += size - 1;
    crypto_shorthash(raw + n, raw, n, key.key);
    base64_encode(&text, raw, n + (kind == TOKEN_CHANGE_KEY ? 4 : 8));
    check_all(buf_str(&text));
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        check_all(str_of(data + 1, size - 1));
    } else {
        check_signed(data + 1, size - 1);
    }
    return 0;
}
