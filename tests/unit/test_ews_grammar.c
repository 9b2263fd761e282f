/* What the schema calls invalid is refused with its place; what it allows passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/grammar.h"
#include "xml/xml_doc.h"

#include <string.h>

#define T "xmlns='http://schemas.microsoft.com/exchange/services/2006/types'"

struct fixture {
    struct arena *arena;
    struct err err;
};

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.arena = arena_new(NULL, "test")};
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    arena_free(&f->arena);
    return 0;
}

static const struct xml_node *given(struct fixture *f, const char *xml)
{
    static const struct xml_limits LIMITS = {1 << 20, 50, 1000, 20};
    struct xml_node *root;

    assert_int_equal(xml_parse(f->arena, str_from(xml), &LIMITS, &root, &f->err), 0);
    return root;
}

static const struct grammar_child ROWS[] = {
    {XML_NS_TYPES, "A", 1, 1},
    {XML_NS_TYPES, "B", 0, 0},
    {XML_NS_OTHER, "C", 0, 1},
};

static int sequence(struct fixture *f, const char *xml, const struct xml_node **found)
{
    return grammar_sequence(given(f, xml), ROWS, 3, found, &f->err);
}

static void test_sequence_finds_first_child_of_each_row(void **state)
{
    struct fixture *f = *state;
    const struct xml_node *found[3];

    assert_int_equal(sequence(f, "<R " T "><A/><B x='1'/><B x='2'/></R>", found), 0);
    assert_true(str_is(found[0]->name, "A"));
    assert_true(str_is(xml_attr(found[1], "x"), "1"));
    assert_null(found[2]);
}

static void test_sequence_matches_by_local_name_only_where_the_row_says_so(void **state)
{
    struct fixture *f = *state;
    const struct xml_node *found[3];

    assert_int_equal(sequence(f, "<R " T "><A/><C xmlns='urn:x'/></R>", found), 0);
    assert_non_null(found[2]);
    assert_int_equal(sequence(f, "<R " T "><A xmlns='urn:x'/></R>", found), -ERR_SCHEMA);
}

static void test_sequence_refuses_what_the_schema_refuses(void **state)
{
    static const char *const BAD[] = {
        "<R " T "/>",                /* A is missing */
        "<R " T "><B/></R>",         /* likewise */
        "<R " T "><A/><A/></R>",     /* twice */
        "<R " T "><A/><C/><B/></R>", /* order */
        "<R " T "><A/><X/></R>",     /* unknown */
        "<R " T "><A/>text</R>",     /* text between elements */
        "<R " T "><A/><C/><C/></R>",
    };
    struct fixture *f = *state;
    const struct xml_node *found[3];

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        assert_int_equal(sequence(f, BAD[i], found), -ERR_SCHEMA);
    }
}

static void test_failure_names_place_and_elements(void **state)
{
    struct fixture *f = *state;
    const struct xml_node *found[3];

    assert_int_equal(sequence(f, "<R " T ">\n<A/>\n  <Wrong/></R>", found), -ERR_SCHEMA);
    assert_int_equal(f->err.at_line, 3);
    assert_true(f->err.at_column > 0);
    assert_string_equal(f->err.client_text, "The element 'R' has invalid child element 'Wrong'.");
    assert_int_equal(sequence(f, "<R " T "></R>", found), -ERR_SCHEMA);
    assert_string_equal(f->err.client_text,
                        "The element 'R' has incomplete content. Expected: 'A'.");
}

static void test_choice_wants_exactly_one(void **state)
{
    static const char *const NAMES[] = {"A", "B"};
    struct fixture *f = *state;
    size_t index = 9;

#define CHOICE(xml) grammar_choice(given(f, xml), XML_NS_TYPES, NAMES, 2, &index, &f->err)
    assert_int_equal(CHOICE("<R " T "> <B/> </R>"), 0);
    assert_int_equal(index, 1);
    assert_int_equal(CHOICE("<R " T "/>"), -ERR_SCHEMA);
    assert_int_equal(CHOICE("<R " T "><A/><B/></R>"), -ERR_SCHEMA);
    assert_int_equal(CHOICE("<R " T "><C/></R>"), -ERR_SCHEMA);
    assert_int_equal(index, 1);
#undef CHOICE
}

static void test_integers_have_facets(void **state)
{
    struct fixture *f = *state;
    int64_t v = 0;

#define INT(text) grammar_int(given(f, "<Max>" text "</Max>"), 1, 512, &v, &f->err)
    assert_int_equal(INT(" 512\n"), 0);
    assert_int_equal(v, 512);
    assert_int_equal(INT("513"), -ERR_SCHEMA);
    assert_non_null(strstr(f->err.client_text, "'513'"));
    assert_non_null(strstr(f->err.client_text, "MaxInclusive"));
    assert_int_equal(INT("0"), -ERR_SCHEMA);
    assert_non_null(strstr(f->err.client_text, "MinInclusive"));
    assert_int_equal(INT(""), -ERR_SCHEMA);
    assert_int_equal(INT("1x"), -ERR_SCHEMA);
    assert_int_equal(INT("99999999999999999999"), -ERR_SCHEMA);
    assert_int_equal(v, 512);
#undef INT
}

static void test_booleans_are_words_or_digits(void **state)
{
    struct fixture *f = *state;
    bool v = false;

    assert_int_equal(grammar_bool(given(f, "<B> 1 </B>"), &v, &f->err), 0);
    assert_true(v);
    assert_int_equal(grammar_bool(given(f, "<B>false</B>"), &v, &f->err), 0);
    assert_false(v);
    assert_int_equal(grammar_bool(given(f, "<B>True</B>"), &v, &f->err), -ERR_SCHEMA);
}

static void test_attributes(void **state)
{
    static const char *const NAMES[] = {"X", "Y", NULL};
    struct fixture *f = *state;
    const struct xml_node *node = given(f, "<N e='Y' i='7' b='true' s=''/>");
    size_t index = 9;
    int64_t i = 0;
    bool b = false;
    struct str s = STR_NULL;

    assert_int_equal(grammar_attr_enum(node, "e", true, NAMES, &index, &f->err), 0);
    assert_int_equal(index, 1);
    assert_int_equal(grammar_attr_int(node, "i", true, 0, 9, &i, &f->err), 0);
    assert_int_equal(i, 7);
    assert_int_equal(grammar_attr_bool(node, "b", true, &b, &f->err), 0);
    assert_true(b);
    assert_int_equal(grammar_attr_str(node, "s", true, &s, &f->err), 0);
    assert_non_null(s.p);
    assert_int_equal(grammar_attr_int(node, "none", false, 0, 9, &i, &f->err), 0);
    assert_int_equal(i, 7);
    assert_int_equal(grammar_attr_str(node, "none", true, &s, &f->err), -ERR_SCHEMA);
    assert_int_equal(grammar_attr_enum(node, "s", true, NAMES, &index, &f->err), -ERR_SCHEMA);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sequence_finds_first_child_of_each_row),
        TEST(test_sequence_matches_by_local_name_only_where_the_row_says_so),
        TEST(test_sequence_refuses_what_the_schema_refuses),
        TEST(test_failure_names_place_and_elements),
        TEST(test_choice_wants_exactly_one),
        TEST(test_integers_have_facets),
        TEST(test_booleans_are_words_or_digits),
        TEST(test_attributes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
