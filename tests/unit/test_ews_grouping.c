/* FindItem: items in groups, and contacts by name. */
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
#define GROUP_BY(order, path, aggregate, on)                                                       \
    "<m:GroupBy Order='" order "'>" path "<t:AggregateOn Aggregate='" aggregate "'>" on            \
    "</t:AggregateOn></m:GroupBy>"
#define PAGE(max, offset)                                                                          \
    "<m:IndexedPageItemView MaxEntriesReturned='" max "' Offset='" offset                          \
    "' BasePoint='Beginning'/>"

static const char *find(struct ews_fixture *f, const char *view)
{
    return ews_ask(
        f,
        "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
        "<t:AdditionalProperties>" URI(
            "item:Subject") "</t:AdditionalProperties>"
                            "</m:ItemShape>%s<m:ParentFolderIds><t:DistinguishedFolderId Id='inbox'/>"
                            "</m:ParentFolderIds></m:FindItem>",
        view);
}

/* "index[subject subject] …" */
static const char *groups(struct ews_fixture *f, const char *view)
{
    const struct xml_node *group;
    const char *all = "";

    find(f, view);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    for (size_t i = 0; (group = ews_nth(f, "GroupedItems", i)) != NULL; i++) {
        const struct xml_node *items = xml_child(group, XML_NS_TYPES, "Items");

        all = arena_printf(f->arena, "%s%s%.*s[", all, i == 0 ? "" : " ",
                           STR_ARG(group->first_child->text));
        for (const struct xml_node *item = items->first_child; item != NULL; item = item->next) {
            all = arena_printf(f->arena, "%s%.*s%s", all,
                               STR_ARG(xml_child(item, XML_NS_TYPES, "Subject")->text),
                               item->next != NULL ? " " : "");
        }
        all = arena_printf(f->arena, "%s]", all);
    }
    return all;
}

static void given(struct ews_fixture *f, const char *subject, const char *importance,
                  const char *topic)
{
    ews_given_mime(f, ews_folder(f, DF_INBOX),
                   arena_printf(f->arena,
                                "From: bob@example.com\r\nSubject: %s\r\nImportance: %s\r\n"
                                "Thread-Topic: %s\r\n\r\nHello.\r\n",
                                subject, importance, topic));
}

/* Oldest first. */
static void given_six(struct ews_fixture *f)
{
    given(f, "a", "high", "One");
    given(f, "b", "normal", "two");
    given(f, "c", "low", "one");
    given(f, "d", "normal", "Three");
    given(f, "e", "high", "Two");
    given(f, "f", "normal", "one");
}

static void test_groups_by_a_value(void **state)
{
    struct ews_fixture *f = *state;

    given_six(f);
    assert_string_equal(groups(f, GROUP_BY("Descending", URI("item:Importance"), "Maximum",
                                           URI("item:DateTimeReceived"))),
                        "Normal[f d b] High[e a] Low[c]");
    assert_string_equal(groups(f, GROUP_BY("Ascending", URI("item:Importance"), "Minimum",
                                           URI("item:DateTimeReceived"))),
                        "High[e a] Normal[f d b] Low[c]");
    assert_string_equal(ews_attr(f, "RootFolder", "TotalItemsInView"), "6");
    assert_string_equal(ews_attr(f, "RootFolder", "IncludesLastItemInRange"), "true");
}

static void test_sorts_within_groups(void **state)
{
    struct ews_fixture *f = *state;

    given_six(f);
    assert_string_equal(
        groups(
            f,
            GROUP_BY(
                "Descending", URI("item:Importance"), "Maximum",
                URI("item:DateTimeReceived")) "<m:SortOrder>"
                                              "<t:FieldOrder Order='Ascending'>" URI(
                                                  "item:Subject") "</t:FieldOrder></m:SortOrder>"),
        "Normal[b d f] High[a e] Low[c]");
}

static void test_groups_conversations_whatever_the_case(void **state)
{
    struct ews_fixture *f = *state;

    given_six(f);
    assert_string_equal(groups(f, "<m:DistinguishedGroupBy Order='Descending'><t:StandardGroupBy>"
                                  "ConversationTopic</t:StandardGroupBy></m:DistinguishedGroupBy>"),
                        "one[f c a] Two[e b] Three[d]");
}

static void test_pages_count_items_not_groups(void **state)
{
    struct ews_fixture *f = *state;

    given_six(f);
    assert_string_equal(groups(f, PAGE("4", "0") GROUP_BY("Descending", URI("item:Importance"),
                                                          "Maximum", URI("item:DateTimeReceived"))),
                        "Normal[f d b] High[e]");
    assert_string_equal(ews_attr(f, "RootFolder", "IndexedPagingOffset"), "4");
    assert_string_equal(groups(f, PAGE("4", "4") GROUP_BY("Descending", URI("item:Importance"),
                                                          "Maximum", URI("item:DateTimeReceived"))),
                        "High[a] Low[c]");
}

static void test_groups_what_a_restriction_leaves(void **state)
{
    struct ews_fixture *f = *state;

    given_six(f);
    assert_string_equal(
        groups(
            f,
            GROUP_BY("Descending", URI("item:Importance"), "Maximum", URI("item:DateTimeReceived")) "<m:Restriction><t:IsNotEqualTo>" URI(
                "item:Subject") "<t:FieldURIOrConstant><t:Constant Value='e'/>"
                                "</t:FieldURIOrConstant></t:IsNotEqualTo></m:Restriction>"),
        "Normal[f d b] Low[c] High[a]");
    assert_string_equal(
        groups(
            f,
            GROUP_BY("Descending", URI("item:Importance"), "Maximum", URI("item:Size")) "<m:Restriction><t:IsEqualTo>" URI(
                "item:Subject") "<t:FieldURIOrConstant><t:Constant Value='x'/>"
                                "</t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>"),
        "");
    assert_int_equal(ews_count(f, "Groups"), 1);
}

static void test_refuses_what_cannot_be_grouped(void **state)
{
    struct ews_fixture *f = *state;

    find(f, GROUP_BY("Descending", URI("item:Body"), "Maximum", URI("item:DateTimeReceived")));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorUnsupportedPathForSortGroup");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "item:Body");
    find(f, "<m:GroupBy Order='Ascending'>" URI("item:Subject") "</m:GroupBy>");
    assert_int_equal(f->http_status, 500);
    find(f, "<m:DistinguishedGroupBy Order='Ascending'><t:StandardGroupBy>Subject"
            "</t:StandardGroupBy></m:DistinguishedGroupBy>");
    assert_int_equal(f->http_status, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
        T(test_groups_by_a_value),
        T(test_sorts_within_groups),
        T(test_groups_conversations_whatever_the_case),
        T(test_pages_count_items_not_groups),
        T(test_groups_what_a_restriction_leaves),
        T(test_refuses_what_cannot_be_grouped),
#undef T
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
