/* Extended properties that clients think of: stored, read, found, sorted by; named, by tag, as
 * header fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/extended_store.h"
#include "ews/props.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <stdlib.h>
#include <string.h>

#define GUID "c11ff724-aa03-4555-9952-8fa248a11c3e"
#define MINE(type)                                                                                 \
    "<t:ExtendedFieldURI PropertySetId='" GUID "' PropertyName='mine' "                            \
    "PropertyType='" type "'/>"
#define BY_ID(type)                                                                                \
    "<t:ExtendedFieldURI DistinguishedPropertySetId='Common' PropertyId='34160' "                  \
    "PropertyType='" type "'/>"
#define BY_TAG(type) "<t:ExtendedFieldURI PropertyTag='0x6789' PropertyType='" type "'/>"
#define HEADER(name)                                                                               \
    "<t:ExtendedFieldURI DistinguishedPropertySetId='InternetHeaders' "                            \
    "PropertyName='" name "' PropertyType='String'/>"

static struct item_id given(struct ews_fixture *f, const char *subject)
{
    return ews_given_message(f, ews_folder(f, DF_INBOX), subject);
}

static void set(struct ews_fixture *f, struct item_id id, const char *path, const char *value)
{
    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite' MessageDisposition='SaveOnly'>"
            "<m:ItemChanges><t:ItemChange><t:ItemId Id='%s'/><t:Updates><t:SetItemField>%s"
            "<t:Message><t:ExtendedProperty>%s%s</t:ExtendedProperty></t:Message>"
            "</t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>",
            ews_item_id(f, id), path, path, value);
}

static void forget(struct ews_fixture *f, struct item_id id, const char *path)
{
    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite' MessageDisposition='SaveOnly'>"
            "<m:ItemChanges><t:ItemChange><t:ItemId Id='%s'/><t:Updates><t:DeleteItemField>%s"
            "</t:DeleteItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>",
            ews_item_id(f, id), path);
}

static const char *get(struct ews_fixture *f, struct item_id id, const char *path)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>%s"
            "</t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds>"
            "</m:GetItem>",
            path, ews_item_id(f, id));
    return ews_text(f, "Value");
}

static void assert_code(struct ews_fixture *f, const char *code)
{
    assert_string_equal(ews_text(f, "ResponseCode"), code);
}

#define V(text) "<t:Value>" text "</t:Value>"

static void every_type_comes_back(void **state)
{
    static const struct {
        const char *path, *given, *shown;
    } cases[] = {
        {MINE("String"), V("a &amp; b"), "a & b"},
        {MINE("Integer"), V("-5"), "-5"},
        {MINE("Long"), V("9007199254740993"), "9007199254740993"},
        {MINE("Short"), V("7"), "7"},
        {MINE("Boolean"), V("1"), "true"},
        {MINE("SystemTime"), V("2020-01-02T03:04:05+01:00"), "2020-01-02T02:04:05Z"},
        {MINE("Binary"), V("AAEC"), "AAEC"},
        {MINE("Double"), V("1.5"), "1.5"},
        {MINE("Float"), V("-2.5e3"), "-2.5e3"},
        {MINE("Currency"), V("12"), "12"},
        {MINE("CLSID"), V(GUID), GUID},
        {MINE("StringArray"), "<t:Values>" V("x") V("y") "</t:Values>", "x"},
        {MINE("IntegerArray"), "<t:Values>" V("1") V("2") "</t:Values>", "1"},
        {MINE("BinaryArray"), "<t:Values>" V("AAEC") "</t:Values>", "AAEC"},
        {BY_ID("Integer"), V("1"), "1"},
        {BY_TAG("String"), V("tagged"), "tagged"},
    };
    struct ews_fixture *f = *state;
    struct item_id id = given(f, "typed");

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set(f, id, cases[i].path, cases[i].given);
        assert_code(f, "NoError");
    }
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(get(f, id, cases[i].path), cases[i].shown);
    }
    get(f, id, MINE("IntegerArray"));
    assert_int_equal(ews_count(f, "Value"), 2);
    ews_check_mailbox(f);
}

static void values_of_another_type_are_refused(void **state)
{
    static const struct {
        const char *path, *value;
    } cases[] = {
        {MINE("Integer"), V("3000000000")},
        {MINE("Short"), V("40000")},
        {MINE("Boolean"), V("yes")},
        {MINE("SystemTime"), V("today")},
        {MINE("Binary"), V("***")},
        {MINE("Double"), V("much")},
        {MINE("CLSID"), V("no guid")},
        {MINE("IntegerArray"), "<t:Values>" V("x") "</t:Values>"},
        {MINE("String"), "<t:Values>" V("x") "</t:Values>"},
        {MINE("StringArray"), V("x")},
    };
    struct ews_fixture *f = *state;
    struct item_id id = given(f, "typed");

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set(f, id, cases[i].path, cases[i].value);
        assert_code(f, "ErrorInvalidExtendedPropertyValue");
    }
}

static void a_property_is_replaced_and_deleted(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, "x");

    set(f, id, MINE("String"), V("one"));
    set(f, id, MINE("String"), V("two"));
    assert_string_equal(get(f, id, MINE("String")), "two");
    assert_int_equal(ews_count(f, "ExtendedProperty"), 1);
    forget(f, id, MINE("String"));
    assert_code(f, "NoError");
    assert_null(get(f, id, MINE("String")));
    forget(f, id, MINE("String"));
    assert_code(f, "NoError");
}

static void a_set_by_name_and_by_guid_is_one(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, "x");

    set(f, id, BY_ID("Integer"), V("3"));
    assert_string_equal(get(f, id,
                            "<t:ExtendedFieldURI PropertySetId='00062008-0000-0000-C000-"
                            "000000000046' PropertyId='34160' PropertyType='Integer'/>"),
                        "3");
}

static void it_is_searched_and_sorted_by(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id a = given(f, "a"), b = given(f, "b"), c = given(f, "c");

    set(f, a, MINE("Integer"), V("2"));
    set(f, b, MINE("Integer"), V("10"));
    (void)c;
    ews_ask(
        f,
        "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
        "<t:AdditionalProperties><t:FieldURI FieldURI='item:Subject'/>" MINE("Integer") "</t:AdditionalProperties></m:ItemShape><m:Restriction><t:IsGreaterThan>" MINE(
            "Integer") "<t:FieldURIOrConstant><t:Constant Value='1'/>"
                       "</t:FieldURIOrConstant></t:IsGreaterThan></m:Restriction><m:SortOrder>"
                       "<t:FieldOrder Order='Descending'>" MINE(
                           "Integer") "</t:FieldOrder></m:SortOrder>"
                                      "<m:ParentFolderIds><t:DistinguishedFolderId Id='inbox'/></m:ParentFolderIds>"
                                      "</m:FindItem>");
    assert_code(f, "NoError");
    assert_int_equal(ews_count(f, "Subject"), 2);
    assert_string_equal(ews_text(f, "Subject"), "b");
    assert_string_equal(ews_text(f, "Value"), "10");
}

static void header_fields_are_of_the_message_or_kept_beside_it(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, "x");

    set(f, id, HEADER("X-Mine"), V("kept"));
    assert_string_equal(get(f, id, HEADER("X-Mine")), "kept");
    assert_string_equal(get(f, id, HEADER("From")), "Bob Example <bob@example.com>");
}

static void there_is_an_end_to_it(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given(f, "x");
    char *text = arena_alloc(f->arena, 300001);

    memset(text, 'x', 300000);
    set(f, id, MINE("String"), arena_printf(f->arena, V("%s"), text));
    assert_code(f, "ErrorItemSavePropertyError");
    assert_null(get(f, id, MINE("String")));
}

/* ---- bytes ---- */

static void damaged_bytes_give_what_could_be_read(void **state)
{
    struct arena *arena = arena_new(NULL, "test");
    const struct extended_path path = {.type = MAPI_STRING, .tag = 0x6001};
    struct extended_store store;
    struct value value = {.type = VALUE_TEXT, .text = STR("v")};
    struct str bytes;

    (void)state;
    extended_store_open(&store, arena, STR(""));
    extended_store_put(&store, &path, &value);
    bytes = extended_store_bytes(&store);
    assert_true(extended_bytes_get(bytes, &path, &value));
    for (size_t n = 0; n < bytes.n; n++) {
        assert_false(extended_bytes_get(str_sub(bytes, 0, n), &path, &value));
        extended_store_open(&store, arena, str_sub(bytes, 0, n));
        assert_int_equal(store.n, 0);
    }
    arena_free(&arena);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_type_comes_back),
        TEST(values_of_another_type_are_refused),
        TEST(a_property_is_replaced_and_deleted),
        TEST(a_set_by_name_and_by_guid_is_one),
        TEST(it_is_searched_and_sorted_by),
        TEST(header_fields_are_of_the_message_or_kept_beside_it),
        TEST(there_is_an_end_to_it),
        cmocka_unit_test(damaged_bytes_give_what_could_be_read),
    };
#undef TEST

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
