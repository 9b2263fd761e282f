/* Base64: the vectors of RFC 4648, round trips, and exactly one text a value in the strict form. */
#include "base/base64.h"

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void vectors_of_the_rfc(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xff\xfb\xf0", "//vw"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf text = BUF_INIT;
        struct buf bytes = BUF_INIT;

        base64_encode(&text, pairs[i][0], strlen(pairs[i][0]));
        assert_true(str_is(buf_str(&text), pairs[i][1]));
        assert_int_equal(text.n, BASE64_BYTES(strlen(pairs[i][0])));
        assert_true(base64_decode(&bytes, buf_str(&text)));
        assert_true(str_is(buf_str(&bytes), pairs[i][0]));
        buf_fini(&text);
        buf_fini(&bytes);
    }
}

/* What the lenient form has to read: lines, and no padding. */
static void spoil(struct prng *prng, struct str text, struct buf *out)
{
    while (text.n > 0 && text.p[text.n - 1] == '=' && prng_below(prng, 2) == 0) {
        text.n--;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (prng_below(prng, 20) == 0) {
            buf_add_char(out, " \t\r\n"[prng_below(prng, 4)]);
        }
        buf_add_char(out, text.p[i]);
    }
}

static void random_bytes_read_back(void **state)
{
    struct prng prng;

    (void)state;
    prng_seed(&prng, 4);
    for (int i = 0; i < 3000; i++) {
        unsigned char in[200], out[200];
        size_t n = prng_below(&prng, sizeof(in));
        size_t back = 0;
        struct buf text = BUF_INIT;
        struct buf spoilt = BUF_INIT;
        struct buf bytes = BUF_INIT;

        rand_bytes(in, n);
        base64_encode(&text, in, n);
        spoil(&prng, buf_str(&text), &spoilt);
        assert_true(base64_decode_to(out, n, buf_str(&text), &back));
        assert_int_equal(back, n);
        assert_memory_equal(in, out, n);
        assert_true(n == 0 || !base64_decode_to(out, n - 1, buf_str(&text), &back));
        BUF_LIT(&bytes, "x");
        assert_true(base64_decode(&bytes, buf_str(&text)));
        assert_true(base64_decode_lenient(&bytes, buf_str(&spoilt)));
        assert_int_equal(bytes.n, 1 + 2 * n);
        assert_memory_equal(bytes.p + 1, in, n);
        assert_memory_equal(bytes.p + 1 + n, in, n);
        buf_fini(&text);
        buf_fini(&spoilt);
        buf_fini(&bytes);
    }
}

static void bad_texts_are_refused(void **state)
{
    static const char *const strict[] = {
        "A",    "AA",   "AAA",      "AAAA=", "A===",  "====", "AA=A",     "A=AA",
        "AB==", "AAB=", "AA==AAAA", "AA A",  "AAA\n", "AA-_", "AAAAA===", "AA\xff="};
    static const char *const lenient[] = {"A",  "AAAAA",    "AA=A", "AA*A",
                                          "A=", "AA==AA==", "AA-_", "AA\xff="};
    struct buf out = BUF_INIT;

    (void)state;
    BUF_LIT(&out, "kept");
    for (size_t i = 0; i < ARRAY_LEN(strict); i++) {
        assert_false(base64_decode(&out, str_from(strict[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(lenient); i++) {
        assert_false(base64_decode_lenient(&out, str_from(lenient[i])));
    }
    assert_true(str_is(buf_str(&out), "kept"));
    buf_fini(&out);
}

/* Of all texts of four characters at the end, exactly those that the encoder writes are read. */
static void each_value_has_one_text(void **state)
{
    static const char some[] = "AQgwBf/+=9";

    (void)state;
    for (int i = 0; i < 10000; i++) {
        char text[4] = {some[i % 10], some[i / 10 % 10], some[i / 100 % 10], some[i / 1000]};
        char again[4];
        unsigned char bytes[3];
        size_t n;

        if (base64_decode_to(bytes, sizeof(bytes), str_of(text, 4), &n)) {
            assert_int_equal(base64_encode_to(again, bytes, n), 4);
            assert_memory_equal(again, text, 4);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),
        cmocka_unit_test(random_bytes_read_back),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(each_value_has_one_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
