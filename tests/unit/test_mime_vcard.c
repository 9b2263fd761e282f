/* vCards: lines escaped and folded, whatever stands in them. */
#include "support/mime_fixture.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "mime/compose.h"

static struct str card(void **state, const char *name, const char *params, struct str part)
{
    struct vcard_line line = {name, params, &part, 1};

    return vcard_write(&line, 1, *state);
}

#define CARD(lines) "BEGIN:VCARD\r\nVERSION:3.0\r\n" lines "END:VCARD\r\n"

static void parts_are_joined_and_escaped(void **state)
{
    const struct str name[] = {STR("Park; Lee"), STR("Dan"), STR("")};
    const struct str note[] = {STR("a, b\\c\r\nd\ne\rf")};
    const struct vcard_line lines[] = {
        {"N", NULL, name, 3}, {"NOTE", NULL, note, 1}, {"TEL", "TYPE=HOME", name + 1, 1}};

    assert_text(
        vcard_write(lines, 3, *state),
        CARD("N:Park\\; Lee;Dan;\r\nNOTE:a\\, b\\\\c\\nd\\ne\\nf\r\nTEL;TYPE=HOME:Dan\r\n"));
    assert_text(vcard_write(NULL, 0, *state), CARD(""));
}

static void values_make_no_lines(void **state)
{
    struct str text = card(state, "FN", NULL, STR("x\r\nEND:VCARD\nEVIL:1\0\x01\x7f\xff"));

    assert_true(str_starts(text, STR("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\\nEND:VCARD\\nEVIL:1")));
    assert_int_equal(str_find(text, STR("\nEVIL"), 0), SIZE_MAX);
    assert_int_equal(str_find_char(text, '\0', 0), SIZE_MAX);
    assert_true(utf8_valid(text));
}

static void lines_are_folded_between_characters(void **state)
{
    struct buf value = BUF_INIT, unfolded = BUF_INIT;

    for (size_t i = 0; i < 500; i++) {
        buf_add_cstr(&value, i % 3 == 0 ? "a" : "漢");
    }
    struct str rest = card(state, "NOTE", NULL, buf_str(&value));

    while (rest.n > 0) {
        struct str line = str_split(&rest, '\n');

        assert_true(line.n <= 76);
        assert_true(utf8_valid(line));
        line = str_sub(line, line.p[0] == ' ', line.n - 1 - (line.p[0] == ' '));
        buf_add_str(&unfolded, line);
    }
    assert_int_not_equal(str_find(buf_str(&unfolded), buf_str(&value), 0), SIZE_MAX);
    buf_fini(&value);
    buf_fini(&unfolded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(parts_are_joined_and_escaped),
        MIME_TEST(values_make_no_lines),
        MIME_TEST(lines_are_folded_between_characters),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
