/* Restrictions: every operator and comparison, on items; what is refused; bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <string.h>

#define URI(uri) "<t:FieldURI FieldURI='" uri "'/>"
#define CONSTANT(v) "<t:FieldURIOrConstant><t:Constant Value='" v "'/></t:FieldURIOrConstant>"
#define COMPARE(op, uri, v) "<t:" op ">" URI(uri) CONSTANT(v) "</t:" op ">"
#define CONTAINS(mode, comparison, uri, v)                                                         \
    "<t:Contains ContainmentMode='" mode "' ContainmentComparison='" comparison                    \
    "'>" URI(uri) "<t:Constant Value='" v "'/></t:Contains>"
#define TAG(tag, type) "<t:ExtendedFieldURI PropertyTag='" tag "' PropertyType='" type "'/>"

static void ask(struct ews_fixture *f, const char *restriction)
{
    ews_ask(f,
            "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
            "</m:ItemShape><m:Restriction>%s</m:Restriction><m:ParentFolderIds>"
            "<t:DistinguishedFolderId Id='inbox'/></m:ParentFolderIds></m:FindItem>",
            restriction);
}

/* Number of items that match. */
static size_t matches(struct ews_fixture *f, const char *restriction)
{
    ask(f, restriction);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    return ews_count(f, "ItemId");
}

static const char *refusal(struct ews_fixture *f, const char *restriction)
{
    ask(f, restriction);
    assert_null(ews_nth(f, "RootFolder", 0));
    return ews_text(f, "ResponseCode");
}

static void given_mail(struct ews_fixture *f)
{
    ews_given_mime(f, ews_folder(f, DF_INBOX),
                   "From: Bob Example <bob@example.org>\r\nTo: alice@example.com\r\n"
                   "Subject: Caf\xc3\xa9 au lait at noon\r\nImportance: high\r\n"
                   "Keywords: red, blue\r\nMessage-ID: <1@x>\r\nX-Mood: fine\r\n"
                   "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\n\r\nSecret words\r\n");
}

static void test_comparisons_of_text(void **state)
{
    struct ews_fixture *f = *state;

    given_mail(f);
    assert_int_equal(matches(f, COMPARE("IsEqualTo", "item:Subject", "Caf&#xe9; au lait at noon")),
                     1);
    assert_int_equal(matches(f, COMPARE("IsEqualTo", "item:Subject", "caf&#xe9; au lait at noon")),
                     0);
    assert_int_equal(matches(f, COMPARE("IsNotEqualTo", "item:Subject", "x")), 1);
    assert_int_equal(matches(f, COMPARE("IsGreaterThan", "item:Subject", "B")), 1);
    assert_int_equal(matches(f, COMPARE("IsLessThan", "item:Subject", "B")), 0);
    assert_int_equal(matches(f, COMPARE("IsNotEqualTo", "item:InReplyTo", "x")), 1);
    assert_int_equal(matches(f, COMPARE("IsEqualTo", "item:InReplyTo", "")), 0);
}

static void test_comparisons_of_other_types(void **state)
{
    struct ews_fixture *f = *state;

    given_mail(f);
    assert_int_equal(matches(f, COMPARE("IsEqualTo", "message:IsRead", "false")), 1);
    assert_int_equal(matches(f, COMPARE("IsEqualTo", "message:IsRead", "1")), 0);
    assert_int_equal(matches(f, COMPARE("IsEqualTo", "item:Importance", "High")), 1);
    assert_int_equal(matches(f, COMPARE("IsEqualTo", "item:Sensitivity", "Normal")), 1);
    assert_int_equal(matches(f, COMPARE("IsGreaterThanOrEqualTo", "item:Size", "10")), 1);
    assert_int_equal(matches(f, COMPARE("IsLessThanOrEqualTo", "item:Size", "10")), 0);
    assert_int_equal(
        matches(f, COMPARE("IsEqualTo", "item:DateTimeSent", "2023-11-14T23:13:20+01:00")), 1);
    assert_int_equal(
        matches(f, COMPARE("IsGreaterThan", "item:DateTimeSent", "2023-11-14T22:13:20Z")), 0);
    assert_int_equal(matches(f, COMPARE("IsLessThan", "item:DateTimeSent", "2023-11-14T22:13:21Z")),
                     1);
}

static void test_two_properties_are_compared(void **state)
{
    struct ews_fixture *f = *state;

    given_mail(f);
    assert_int_equal(
        matches(f, "<t:IsLessThanOrEqualTo>" URI("item:DateTimeSent") "<t:FieldURIOrConstant>" URI(
                       "item:DateTimeReceived") "</t:FieldURIOrConstant></t:IsLessThanOrEqualTo>"),
        1);
    assert_int_equal(
        matches(f, "<t:IsEqualTo>" URI("item:Subject") "<t:FieldURIOrConstant>" URI(
                       "message:ConversationTopic") "</t:FieldURIOrConstant></t:IsEqualTo>"),
        1);
}

static void test_lists_match_by_any_entry(void **state)
{
    struct ews_fixture *f = *state;

    given_mail(f);
    assert_int_equal(matches(f, COMPARE("IsEqualTo", "item:Categories", "blue")), 1);
    assert_int_equal(matches(f, COMPARE("IsNotEqualTo", "item:Categories", "blue")), 0);
    assert_int_equal(matches(f, COMPARE("IsEqualTo", "message:From", "bob@example.org")), 1);
    assert_int_equal(matches(f, CONTAINS("Substring", "IgnoreCase", "message:Sender", "EXAMPLE")),
                     1);
}

static void test_containment(void **state)
{
    struct ews_fixture *f = *state;

    given_mail(f);
    assert_int_equal(matches(f, CONTAINS("Substring", "Exact", "item:Subject", "au lait")), 1);
    assert_int_equal(matches(f, CONTAINS("Substring", "Exact", "item:Subject", "AU LAIT")), 0);
    assert_int_equal(matches(f, CONTAINS("Substring", "IgnoreCase", "item:Subject", "AU LAIT")), 1);
    assert_int_equal(matches(f, CONTAINS("Substring", "IgnoreCase", "item:Subject", "CAF&#xc9;")),
                     1);
    assert_int_equal(matches(f, CONTAINS("Prefixed", "IgnoreCase", "item:Subject", "cafe")), 0);
    assert_int_equal(
        matches(f, CONTAINS("Prefixed", "IgnoreNonSpacingCharacters", "item:Subject", "Cafe")), 1);
    assert_int_equal(matches(f, CONTAINS("Prefixed", "Loose", "item:Subject", "cafe")), 1);
    assert_int_equal(matches(f, CONTAINS("FullString", "IgnoreCaseAndNonSpacingCharacters",
                                         "item:Subject", "CAFE AU LAIT AT NOON")),
                     1);
    assert_int_equal(matches(f, CONTAINS("FullString", "Exact", "item:Subject", "Caf")), 0);
    assert_int_equal(matches(f, CONTAINS("PrefixOnWords", "IgnoreCase", "item:Subject", "la")), 1);
    assert_int_equal(matches(f, CONTAINS("PrefixOnWords", "IgnoreCase", "item:Subject", "ait")), 0);
    assert_int_equal(matches(f, CONTAINS("ExactPhrase", "IgnoreCase", "item:Subject", "lait at")),
                     1);
    assert_int_equal(matches(f, CONTAINS("ExactPhrase", "IgnoreCase", "item:Subject", "lait a")),
                     0);
    assert_int_equal(matches(f, CONTAINS("Substring", "IgnoreCase", "item:Body", "secret")), 1);
}

static void test_boolean_operators(void **state)
{
    struct ews_fixture *f = *state;

    given_mail(f);
#define YES COMPARE("IsEqualTo", "message:IsRead", "false")
#define NO COMPARE("IsEqualTo", "message:IsRead", "true")
    assert_int_equal(matches(f, "<t:And>" YES YES YES "</t:And>"), 1);
    assert_int_equal(matches(f, "<t:And>" YES NO "</t:And>"), 0);
    assert_int_equal(matches(f, "<t:Or>" NO YES "</t:Or>"), 1);
    assert_int_equal(matches(f, "<t:Or>" NO NO "</t:Or>"), 0);
    assert_int_equal(matches(f, "<t:Not>" NO "</t:Not>"), 1);
    assert_int_equal(matches(f, "<t:Not><t:Or>" NO "<t:And>" YES YES "</t:And></t:Or></t:Not>"), 0);
}

static void test_exists_and_bits(void **state)
{
    struct ews_fixture *f = *state;

    given_mail(f);
    assert_int_equal(matches(f, "<t:Exists>" URI("item:Categories") "</t:Exists>"), 1);
    assert_int_equal(matches(f, "<t:Exists>" URI("item:InReplyTo") "</t:Exists>"), 0);
    assert_int_equal(matches(f, "<t:Exists>" TAG("0x1090", "Integer") "</t:Exists>"), 0);
    assert_int_equal(
        matches(f, "<t:Excludes>" TAG("0xe07", "Integer") "<t:Bitmask Value='0x1'/></t:Excludes>"),
        1);
    assert_int_equal(
        matches(f, "<t:Excludes>" TAG("0xe07", "Integer") "<t:Bitmask Value='2'/></t:Excludes>"),
        0);
    assert_int_equal(matches(f, "<t:Exists><t:IndexedFieldURI "
                                "FieldURI='item:InternetMessageHeader' FieldIndex='x-mood'/>"
                                "</t:Exists>"),
                     1);
    assert_int_equal(
        matches(f, "<t:IsEqualTo>" TAG("0x37", "String") CONSTANT("x") "</t:IsEqualTo>"), 0);
}

static void test_refusals_name_the_path(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(refusal(f, COMPARE("IsEqualTo", "item:Attachments", "x")),
                        "ErrorUnsupportedPathForQuery");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "item:Attachments");
    assert_string_equal(refusal(f, COMPARE("IsEqualTo", "folder:DisplayName", "x")),
                        "ErrorUnsupportedPathForQuery");
    assert_string_equal(refusal(f, "<t:Exists>" URI("message:IsRead") "</t:Exists>"),
                        "ErrorInvalidPropertyForExists");
    assert_string_equal(refusal(f, COMPARE("IsEqualTo", "item:Size", "many")),
                        "ErrorInvalidValueForProperty");
    assert_string_equal(refusal(f, COMPARE("IsEqualTo", "message:IsRead", "perhaps")),
                        "ErrorInvalidValueForProperty");
    assert_string_equal(refusal(f, COMPARE("IsGreaterThan", "item:DateTimeSent", "yesterday")),
                        "ErrorInvalidValueForProperty");
    assert_string_equal(refusal(f, CONTAINS("Substring", "Exact", "item:Size", "1")),
                        "ErrorUnsupportedPathForQuery");
}

static void test_schema_errors(void **state)
{
    struct ews_fixture *f = *state;
    static const char *const wrong[] = {
        "",
        YES YES,
        "<t:And/>",
        "<t:Not>" YES YES "</t:Not>",
        "<t:Maybe/>",
        "<t:IsEqualTo>" URI("item:Subject") "</t:IsEqualTo>",
        "<t:IsEqualTo>" URI("item:Subject") "<t:Constant Value='x'/></t:IsEqualTo>",
        "<t:IsEqualTo>" URI("item:Subject") "<t:FieldURIOrConstant/></t:IsEqualTo>",
        "<t:Contains ContainmentMode='Somehow'>" URI(
            "item:Subject") "<t:Constant Value='x'/></t:Contains>",
        "<t:Excludes>" TAG("0xe07", "Integer") "<t:Bitmask Value='x'/></t:Excludes>",
        "<t:Exists/>"};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ask(f, wrong[i]);
        assert_int_equal(f->outcome, ERR_SCHEMA);
    }
}

static const char *nested(struct ews_fixture *f, int depth)
{
    const char *all = YES;

    while (depth-- > 0) {
        all = arena_printf(f->arena, "<t:Not>%s</t:Not>", all);
    }
    return all;
}

static void test_depth_and_size_are_bounded(void **state)
{
    struct ews_fixture *f = *state;
    const char *wide = "";

    given_mail(f);
    assert_int_equal(matches(f, nested(f, 60)), 1);
    assert_string_equal(refusal(f, nested(f, 70)), "ErrorRestrictionTooComplex");
    for (int i = 0; i < 10; i++) {
        wide = arena_printf(f->arena, "%s" YES YES YES YES YES YES YES YES YES YES, wide);
    }
    wide = arena_printf(f->arena, "%s%s%s%s%s%s%s%s%s%s", wide, wide, wide, wide, wide, wide, wide,
                        wide, wide, wide);
    assert_string_equal(refusal(f, arena_printf(f->arena, "<t:Or>%s</t:Or>", wide)),
                        "ErrorRestrictionTooComplex");
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_comparisons_of_text),
        fixture_test(test_comparisons_of_other_types),
        fixture_test(test_two_properties_are_compared),
        fixture_test(test_lists_match_by_any_entry),
        fixture_test(test_containment),
        fixture_test(test_boolean_operators),
        fixture_test(test_exists_and_bits),
        fixture_test(test_refusals_name_the_path),
        fixture_test(test_schema_errors),
        fixture_test(test_depth_and_size_are_bounded),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
