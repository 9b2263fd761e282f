/* Extended property paths: every spelling in, one spelling out, and the errors of wrong mixes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/extended.h"
#include "ews/props.h"
#include "xml/xml_doc.h"

#define T "xmlns='http://schemas.microsoft.com/exchange/services/2006/types'"

struct fixture {
    struct arena *arena;
    struct buf out;
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

    buf_fini(&f->out);
    arena_free(&f->arena);
    return 0;
}

static const struct xml_node *node_of(struct fixture *f, const char *attrs)
{
    static const struct xml_limits LIMITS = {1 << 20, 50, 1000, 20};
    struct xml_node *root;
    struct str xml = str_printf(f->arena, "<ExtendedFieldURI " T " %s/>", attrs);

    assert_int_equal(xml_parse(f->arena, xml, &LIMITS, &root, &f->err), 0);
    return root;
}

static int parse(struct fixture *f, const char *attrs, struct extended_path *path)
{
    return extended_path_parse(node_of(f, attrs), path, &f->err);
}

static const char *echo(struct fixture *f, const char *attrs)
{
    struct extended_path path;

    assert_int_equal(parse(f, attrs, &path), 0);
    buf_clear(&f->out);
    extended_path_write(&f->out, &path);
    return str_cstr(f->arena, buf_str(&f->out));
}

static void test_tag_comes_back_in_short_lower_case_hex(void **state)
{
    static const char *const SPELLINGS[] = {"4340", "0x10F4", "0X10f4", "0x10f4", " 4340 "};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(SPELLINGS); i++) {
        const char *attrs =
            arena_printf(f->arena, "PropertyTag='%s' PropertyType='Boolean'", SPELLINGS[i]);

        assert_string_equal(
            echo(f, attrs),
            "<t:ExtendedFieldURI PropertyTag=\"0x10f4\" PropertyType=\"Boolean\"/>");
    }
    assert_string_equal(echo(f, "PropertyTag='0x0E08' PropertyType='Integer'"),
                        "<t:ExtendedFieldURI PropertyTag=\"0xe08\" PropertyType=\"Integer\"/>");
}

static void test_named_property_comes_back_as_named(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(
        echo(f, "DistinguishedPropertySetId='Common' PropertyId='34160' PropertyType='Integer'"),
        "<t:ExtendedFieldURI DistinguishedPropertySetId=\"Common\" PropertyId=\"34160\" "
        "PropertyType=\"Integer\"/>");
    assert_string_equal(
        echo(f, "PropertySetId='C7A4569B-F7AE-4DC2-9279-A8FE2F3CAF89' PropertyName='a&lt;b' "
                "PropertyType='StringArray'"),
        "<t:ExtendedFieldURI PropertySetId=\"C7A4569B-F7AE-4DC2-9279-A8FE2F3CAF89\" "
        "PropertyName=\"a&lt;b\" PropertyType=\"StringArray\"/>");
}

static void test_set_is_known_by_name_and_by_guid(void **state)
{
    struct fixture *f = *state;
    struct extended_path by_name, by_guid, other;

    assert_int_equal(parse(f,
                           "DistinguishedPropertySetId='Task' PropertyId='1' "
                           "PropertyType='Integer'",
                           &by_name),
                     0);
    assert_int_equal(parse(f,
                           "PropertySetId='00062003-0000-0000-C000-000000000046' PropertyId='1' "
                           "PropertyType='Integer'",
                           &by_guid),
                     0);
    assert_int_equal(parse(f,
                           "DistinguishedPropertySetId='Task' PropertyName='1' "
                           "PropertyType='Integer'",
                           &other),
                     0);
    assert_int_equal(by_guid.set, PROPERTY_SET_TASK);
    assert_true(extended_path_equal(&by_name, &by_guid));
    assert_false(extended_path_equal(&by_name, &other));
}

static void test_wrong_mixes_are_no_extended_property(void **state)
{
    static const char *const MIXES[] = {
        "PropertyType='String'",
        "PropertyName='x' PropertyType='String'",
        "DistinguishedPropertySetId='Common' PropertyType='String'",
        "DistinguishedPropertySetId='Common' PropertyName='x' PropertyId='1' PropertyType='String'",
        "DistinguishedPropertySetId='Common' PropertyName='' PropertyType='String'",
        "DistinguishedPropertySetId='Common' PropertySetId='00062003-0000-0000-C000-000000000046' "
        "PropertyName='x' PropertyType='String'",
        "PropertyTag='0x37' PropertyName='x' PropertyType='String'",
        "PropertyTag='0x37' DistinguishedPropertySetId='Common' PropertyType='String'",
    };
    struct fixture *f = *state;
    struct extended_path path;

    for (size_t i = 0; i < ARRAY_LEN(MIXES); i++) {
        assert_int_equal(parse(f, MIXES[i], &path), -ERR_EXTENDED_PROPERTY);
    }
}

static void test_custom_tags_and_odd_types_have_their_own_errors(void **state)
{
    struct fixture *f = *state;
    struct extended_path path;

    assert_int_equal(parse(f, "PropertyTag='0x8000' PropertyType='String'", &path),
                     -ERR_PROPERTY_TAG);
    assert_int_equal(parse(f, "PropertyTag='65534' PropertyType='String'", &path),
                     -ERR_PROPERTY_TAG);
    assert_int_equal(parse(f, "PropertyTag='0x7fff' PropertyType='String'", &path), 0);
    assert_int_equal(parse(f, "PropertyTag='0x37' PropertyType='Object'", &path), -ERR_MAPI_TYPE);
    assert_int_equal(parse(f, "PropertyTag='0x37' PropertyType='ObjectArray'", &path),
                     -ERR_MAPI_TYPE);
    assert_int_equal(parse(f, "PropertyTag='0x37' PropertyType='Error'", &path), -ERR_MAPI_TYPE);
    assert_int_equal(parse(f, "PropertyTag='0x37' PropertyType='Null'", &path), -ERR_MAPI_TYPE);
}

static void test_values_outside_the_schema(void **state)
{
    static const char *const BAD[] = {
        "PropertyTag='0x10f4'",
        "PropertyTag='0x10f4' PropertyType='Bool'",
        "PropertyTag='0x' PropertyType='Boolean'",
        "PropertyTag='0x12345' PropertyType='Boolean'",
        "PropertyTag='65536' PropertyType='Boolean'",
        "PropertyTag='-1' PropertyType='Boolean'",
        "PropertyTag='0x-1' PropertyType='Boolean'",
        "PropertyTag='zz' PropertyType='Boolean'",
        "DistinguishedPropertySetId='common' PropertyId='1' PropertyType='Integer'",
        "DistinguishedPropertySetId='Common' PropertyId='x' PropertyType='Integer'",
        "PropertySetId='00062003' PropertyId='1' PropertyType='Integer'",
        "PropertySetId='0006200g-0000-0000-C000-000000000046' PropertyId='1' PropertyType='Integer'",
    };
    struct fixture *f = *state;
    struct extended_path path;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        assert_int_equal(parse(f, BAD[i], &path), -ERR_SCHEMA);
    }
}

static const char *written(struct fixture *f, struct value value)
{
    const struct extended_path path = {.type = MAPI_INTEGER, .tag = 0x37};

    buf_clear(&f->out);
    extended_property_write(&f->out, &path, &value, false);
    return str_cstr(f->arena, buf_str(&f->out));
}

#define PROPERTY(value)                                                                             \
    "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x37\" PropertyType=\"Integer\"/>" value \
    "</t:ExtendedProperty>"

static void test_values_are_written_by_their_type(void **state)
{
    struct fixture *f = *state;
    struct buf list = BUF_INIT;

    assert_string_equal(written(f, (struct value){.type = VALUE_INT, .i = -5}),
                        PROPERTY("<t:Value>-5</t:Value>"));
    assert_string_equal(written(f, (struct value){.type = VALUE_BOOL, .i = 1}),
                        PROPERTY("<t:Value>true</t:Value>"));
    assert_string_equal(written(f, (struct value){.type = VALUE_TIME, .i = 1000}),
                        PROPERTY("<t:Value>1970-01-01T00:00:01Z</t:Value>"));
    assert_string_equal(written(f, (struct value){.type = VALUE_TEXT, .text = STR("a&b")}),
                        PROPERTY("<t:Value>a&amp;b</t:Value>"));
    assert_string_equal(written(f, (struct value){.type = VALUE_BYTES, .text = STR("abc")}),
                        PROPERTY("<t:Value>YWJj</t:Value>"));
    buf_add_varint(&list, 1);
    buf_add_char(&list, 'x');
    buf_add_varint(&list, 2);
    BUF_LIT(&list, "yz");
    assert_string_equal(written(f, (struct value){.type = VALUE_TEXTS, .text = buf_str(&list)}),
                        PROPERTY("<t:Values><t:Value>x</t:Value><t:Value>yz</t:Value></t:Values>"));
    buf_fini(&list);
}

static void test_absent_values_are_left_out(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(written(f, (struct value){.type = VALUE_NONE}), "");
    assert_string_equal(written(f, (struct value){.type = VALUE_TEXTS}), "");
}

static void test_message_xml_repeats_known_attributes_only(void **state)
{
    struct fixture *f = *state;
    struct str xml = path_message_xml(
        f->arena, node_of(f, "PropertyTag='0x8000' PropertyType='String' Strange='1'"));

    assert_true(
        str_is(xml, "<t:ExtendedFieldURI PropertyTag=\"0x8000\" PropertyType=\"String\"/>"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tag_comes_back_in_short_lower_case_hex),
        TEST(test_named_property_comes_back_as_named),
        TEST(test_set_is_known_by_name_and_by_guid),
        TEST(test_wrong_mixes_are_no_extended_property),
        TEST(test_custom_tags_and_odd_types_have_their_own_errors),
        TEST(test_values_outside_the_schema),
        TEST(test_values_are_written_by_their_type),
        TEST(test_absent_values_are_left_out),
        TEST(test_message_xml_repeats_known_attributes_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
