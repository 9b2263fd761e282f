/* FindItem and FindFolder: paging, order, restrictions, and what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <string.h>

#define NAMED(paths) "<t:AdditionalProperties>" paths "</t:AdditionalProperties>"
#define URI(uri) "<t:FieldURI FieldURI='" uri "'/>"
#define PAGE(max, offset, base)                                                                    \
    "<m:IndexedPageItemView MaxEntriesReturned='" max "' Offset='" offset "' BasePoint='" base "'/>"
#define CONSTANT(v) "<t:FieldURIOrConstant><t:Constant Value='" v "'/></t:FieldURIOrConstant>"
#define EQUAL(uri, v) "<t:IsEqualTo>" URI(uri) CONSTANT(v) "</t:IsEqualTo>"
#define WHERE(x) "<m:Restriction>" x "</m:Restriction>"
#define ORDER(direction, path)                                                                     \
    "<m:SortOrder><t:FieldOrder Order='" direction "'>" path "</t:FieldOrder></m:SortOrder>"

static const char *find_as(struct ews_fixture *f, const char *traversal, const char *shape,
                           const char *view)
{
    return ews_ask(f,
                   "<m:FindItem Traversal='%s'><m:ItemShape>%s</m:ItemShape>%s"
                   "<m:ParentFolderIds><t:DistinguishedFolderId Id='inbox'/>"
                   "</m:ParentFolderIds></m:FindItem>",
                   traversal, shape, view);
}

static const char *find(struct ews_fixture *f, const char *view)
{
    return find_as(f, "Shallow", "<t:BaseShape>IdOnly</t:BaseShape>" NAMED(URI("item:Subject")),
                   view);
}

/* Subjects found, with one space between. */
static const char *subjects(struct ews_fixture *f, const char *view)
{
    const char *all = "";

    find(f, view);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    for (size_t i = 0; ews_nth(f, "Subject", i) != NULL; i++) {
        all = arena_printf(f->arena, "%s%s%.*s", all, i == 0 ? "" : " ",
                           STR_ARG(ews_nth(f, "Subject", i)->text));
    }
    return all;
}

static const char *root(struct ews_fixture *f, const char *attr)
{
    return ews_attr(f, "RootFolder", attr);
}

/* Oldest first: a to e. */
static void given_five(struct ews_fixture *f)
{
    static const char *const names[] = {"a", "D", "b", "E", "c"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ews_given_message(f, ews_folder(f, DF_INBOX), names[i]);
    }
}

static void test_newest_comes_first(void **state)
{
    struct ews_fixture *f = *state;

    given_five(f);
    assert_string_equal(subjects(f, ""), "c E b D a");
    assert_string_equal(root(f, "TotalItemsInView"), "5");
    assert_string_equal(root(f, "IncludesLastItemInRange"), "true");
    assert_string_equal(root(f, "IndexedPagingOffset"), "5");
}

static void test_pages_from_both_ends(void **state)
{
    struct ews_fixture *f = *state;

    given_five(f);
    assert_string_equal(subjects(f, PAGE("2", "0", "Beginning")), "c E");
    assert_string_equal(root(f, "IncludesLastItemInRange"), "false");
    assert_string_equal(root(f, "IndexedPagingOffset"), "2");
    assert_string_equal(subjects(f, PAGE("2", "4", "Beginning")), "a");
    assert_string_equal(root(f, "IncludesLastItemInRange"), "true");
    assert_string_equal(root(f, "TotalItemsInView"), "5");
    assert_string_equal(subjects(f, PAGE("2", "9", "Beginning")), "");
    assert_string_equal(root(f, "IndexedPagingOffset"), "5");
    assert_string_equal(subjects(f, PAGE("2", "0", "End")), "D a");
    assert_string_equal(root(f, "IndexedPagingOffset"), "2");
    assert_string_equal(root(f, "IncludesLastItemInRange"), "false");
    assert_string_equal(subjects(f, PAGE("2", "4", "End")), "c");
    assert_string_equal(root(f, "IncludesLastItemInRange"), "true");
}

static void test_fractions(void **state)
{
    struct ews_fixture *f = *state;

    given_five(f);
    assert_string_equal(subjects(f, "<m:FractionalPageItemView MaxEntriesReturned='2' "
                                    "Numerator='1' Denominator='2'/>"),
                        "b D");
    assert_string_equal(root(f, "NumeratorOffset"), "4");
    assert_string_equal(root(f, "AbsoluteDenominator"), "5");
    find(f, "<m:FractionalPageItemView Numerator='3' Denominator='2'/>");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidFractionalPagingParameters");
    find(f, "<m:FractionalPageItemView Numerator='0' Denominator='0'/>");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidFractionalPagingParameters");
}

static void test_seeking_a_condition(void **state)
{
    struct ews_fixture *f = *state;

    given_five(f);
    assert_string_equal(
        subjects(f, "<m:SeekToConditionPageItemView MaxEntriesReturned='2' BasePoint='Beginning'>"
                    "<t:Condition>" EQUAL("item:Subject", "b") "</t:Condition>"
                                                               "</m:SeekToConditionPageItemView>"),
        "b D");
    assert_string_equal(
        subjects(f, "<m:SeekToConditionPageItemView MaxEntriesReturned='2' BasePoint='End'>"
                    "<t:Condition>" EQUAL("item:Subject", "b") "</t:Condition>"
                                                               "</m:SeekToConditionPageItemView>"),
        "E b");
    assert_string_equal(
        subjects(f, "<m:SeekToConditionPageItemView BasePoint='Beginning'><t:Condition>" EQUAL(
                        "item:Subject", "none") "</t:Condition>"
                                                "</m:SeekToConditionPageItemView>"),
        "");
}

static void test_orders(void **state)
{
    struct ews_fixture *f = *state;

    given_five(f);
    assert_string_equal(subjects(f, ORDER("Ascending", URI("item:Subject"))), "a b c D E");
    assert_string_equal(
        subjects(f, PAGE("2", "1", "Beginning") ORDER("Descending", URI("item:Subject"))), "D c");
    assert_string_equal(root(f, "TotalItemsInView"), "5");
    assert_string_equal(subjects(f, ORDER("Ascending", URI("item:DateTimeReceived"))), "a D b E c");
    assert_string_equal(
        subjects(f, ORDER("Ascending",
                          "<t:ExtendedFieldURI PropertyTag='0x0e23' PropertyType='Integer'/>")),
        "a D b E c");
    assert_string_equal(
        subjects(
            f,
            "<m:SortOrder><t:FieldOrder Order='Ascending'>" URI("item:Importance") "</t:FieldOrder><t:FieldOrder Order='Descending'>" URI(
                "item:Subject") "</t:FieldOrder></m:SortOrder>"),
        "E D c b a");
}

static void test_unsortable_paths_are_named(void **state)
{
    struct ews_fixture *f = *state;

    find(f, ORDER("Ascending", URI("item:Body")));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorUnsupportedPathForSortGroup");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "item:Body");
}

static void test_restricted_and_paged(void **state)
{
    struct ews_fixture *f = *state;

    given_five(f);
    assert_string_equal(subjects(f, PAGE("1", "1", "Beginning") WHERE("<t:Or>" EQUAL(
                                        "item:Subject", "a") EQUAL("item:Subject", "b") "</t:Or>")),
                        "a");
    assert_string_equal(root(f, "TotalItemsInView"), "2");
    assert_string_equal(root(f, "IncludesLastItemInRange"), "true");
}

#define COMPARED(op, uri, v) "<t:" op ">" URI(uri) CONSTANT(v) "</t:" op ">"

/* Items come a second apart, from 22:13:20 on. */
static void test_spans_of_time_keep_the_order(void **state)
{
    struct ews_fixture *f = *state;
    const char *span = WHERE(
        "<t:And>" COMPARED("IsGreaterThanOrEqualTo", "item:DateTimeReceived",
                           "2023-11-14T22:13:21Z")
            COMPARED("IsLessThan", "item:DateTimeReceived", "2023-11-14T22:13:24Z") "</t:And>");

    given_five(f);
    ews_set_read(f, ews_given_message(f, ews_folder(f, DF_INBOX), "f"), true);
    assert_string_equal(subjects(f, span), "E b D");
    assert_string_equal(
        subjects(f, arena_printf(f->arena, "%s%s", span, ORDER("Ascending", URI("item:Subject")))),
        "b D E");
    assert_string_equal(subjects(f, arena_printf(f->arena, "%s%s", span,
                                                 ORDER("Ascending", URI("item:DateTimeReceived")))),
                        "D b E");
    assert_string_equal(
        subjects(f, WHERE(COMPARED("IsEqualTo", "item:DateTimeReceived", "2023-11-14T22:13:22Z"))),
        "b");
    assert_string_equal(subjects(f, WHERE(COMPARED("IsGreaterThan", "item:DateTimeReceived",
                                                   "2023-11-14T22:13:24Z"))),
                        "f");
    assert_string_equal(subjects(f, WHERE(COMPARED("IsLessThanOrEqualTo", "item:DateTimeReceived",
                                                   "2023-11-14T22:13:21Z"))),
                        "D a");
    assert_string_equal(subjects(f, WHERE(EQUAL("message:IsRead", "true"))), "f");
    assert_string_equal(subjects(f, WHERE("<t:Not>" EQUAL("message:IsRead", "true") "</t:Not>")),
                        "c E b D a");
}

static void test_bad_views(void **state)
{
    struct ews_fixture *f = *state;

    find(f, PAGE("0", "0", "Beginning"));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidPagingMaxRows");
    find(f, PAGE("1", "-1", "Beginning"));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidIndexedPagingParameters");
    find(f, PAGE("1", "x", "Beginning"));
    assert_int_equal(f->outcome, ERR_SCHEMA);
    find(f, PAGE("1", "0", "Middle"));
    assert_int_equal(f->outcome, ERR_SCHEMA);
    find(f, PAGE("1", "0", "End") "<m:FractionalPageItemView Numerator='0' Denominator='1'/>");
    assert_int_equal(f->outcome, ERR_SCHEMA);
    find(f, "<m:CalendarView StartDate='2020-01-01T00:00:00Z' EndDate='2020-02-01T00:00:00Z'/>");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorCalendarFolderIsInvalidForCalendarView");
}

static void test_no_more_than_a_thousand_without_a_view(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);

    for (int i = 0; i < 1001; i++) {
        ews_given_message(f, inbox, "x");
    }
    find_as(f, "Shallow", "<t:BaseShape>IdOnly</t:BaseShape>", "");
    assert_string_equal(root(f, "IncludesLastItemInRange"), "false");
    assert_string_equal(root(f, "IndexedPagingOffset"), "1000");
    assert_string_equal(root(f, "TotalItemsInView"), "1001");
}

static void test_traversals(void **state)
{
    struct ews_fixture *f = *state;

    given_five(f);
    ews_given_associated(f, ews_folder(f, DF_INBOX));
    find_as(f, "Associated", "<t:BaseShape>IdOnly</t:BaseShape>", "");
    assert_string_equal(root(f, "TotalItemsInView"), "1");
    assert_int_equal(ews_count(f, "ItemId"), 1);
    find_as(f, "SoftDeleted", "<t:BaseShape>IdOnly</t:BaseShape>", "");
    assert_string_equal(root(f, "TotalItemsInView"), "0");
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    find_as(f, "Deep", "<t:BaseShape>IdOnly</t:BaseShape>", "");
    assert_int_equal(f->outcome, ERR_SCHEMA);
}

static void test_one_message_a_folder(void **state)
{
    struct ews_fixture *f = *state;

    given_five(f);
    ews_ask(f, "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
               "</m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id='drafts'/>"
               "<t:FolderId Id='junk'/><t:DistinguishedFolderId Id='inbox'/></m:ParentFolderIds>"
               "</m:FindItem>");
    assert_int_equal(ews_count(f, "FindItemResponseMessage"), 3);
    assert_true(str_is(ews_nth(f, "ResponseCode", 1)->text, "ErrorInvalidIdMalformed"));
    assert_int_equal(ews_count(f, "ItemId"), 5);
}

static void test_summaries_leave_out_what_needs_the_message(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    find_as(
        f, "Shallow",
        "<t:BaseShape>Default</t:BaseShape>"
        "<t:IncludeMimeContent>true</t:IncludeMimeContent>" NAMED(
            URI("item:MimeContent") URI("item:Body") URI("message:ToRecipients")
                URI("item:InternetMessageHeaders") URI(
                    "contacts:GivenName") "<t:ExtendedFieldURI PropertyTag='0x7d' PropertyType='String'/>"
                                          "<t:ExtendedFieldURI PropertyTag='0xe07' PropertyType='Integer'/>"),
        "");
    assert_string_equal(
        ews_outline(f, ews_nth(f, "Message", 0)),
        "Message(ItemId Subject Sensitivity Size DateTimeSent DateTimeCreated HasAttachments "
        "ExtendedProperty(ExtendedFieldURI Value) IsAssociated IsReadReceiptRequested "
        "IsDeliveryReceiptRequested From(Mailbox(Name EmailAddress RoutingType MailboxType)) "
        "IsRead)");
}

static void test_dictionaries_are_not_for_summaries(void **state)
{
    struct ews_fixture *f = *state;

    find_as(f, "Shallow", "<t:BaseShape>IdOnly</t:BaseShape>" NAMED(URI("contacts:EmailAddresses")),
            "");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidPropertyForOperation");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "contacts:EmailAddresses");
    find_as(f, "Shallow", "<t:BaseShape>IdOnly</t:BaseShape>" NAMED(URI("contacts:ImAddresses")),
            "");
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
}

static void test_long_strings_are_cut(void **state)
{
    struct ews_fixture *f = *state;
    char subject[401];

    memset(subject, 'x', 400);
    subject[400] = '\0';
    ews_given_message(f, ews_folder(f, DF_INBOX), subject);
    find(f, "");
    assert_int_equal(strlen(ews_text(f, "Subject")), 255);
}

/* ---- folders ---- */

static const char *find_folders(struct ews_fixture *f, const char *traversal, const char *view)
{
    return ews_ask(f,
                   "<m:FindFolder Traversal='%s'><m:FolderShape><t:BaseShape>Default"
                   "</t:BaseShape></m:FolderShape>%s<m:ParentFolderIds>"
                   "<t:DistinguishedFolderId Id='inbox'/></m:ParentFolderIds></m:FindFolder>",
                   traversal, view);
}

static void test_folders_below(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id one = ews_given_folder(f, ews_folder(f, DF_INBOX), "One", "IPF.Note");

    ews_given_folder(f, one, "Two", "IPF.Note");
    ews_given_folder(f, ews_folder(f, DF_INBOX), "Three", "IPF.Note");
    find_folders(f, "Shallow", "");
    assert_string_equal(root(f, "TotalItemsInView"), "2");
    find_folders(f, "Deep", "");
    assert_int_equal(ews_count(f, "DisplayName"), 3);
    find_folders(f, "SoftDeleted", "");
    assert_string_equal(root(f, "TotalItemsInView"), "0");
    find_folders(f, "Deep",
                 "<m:IndexedPageFolderView MaxEntriesReturned='2' Offset='2' "
                 "BasePoint='Beginning'/>");
    assert_int_equal(ews_count(f, "DisplayName"), 1);
    assert_string_equal(root(f, "IncludesLastItemInRange"), "true");
    find_folders(f, "Deep", WHERE(EQUAL("folder:DisplayName", "Two")));
    assert_string_equal(ews_text(f, "DisplayName"), "Two");
    assert_string_equal(root(f, "TotalItemsInView"), "1");
    find_folders(f, "Deep", WHERE(EQUAL("item:Subject", "Two")));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorUnsupportedPathForQuery");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "item:Subject");
}

/* A message is read once, but every test of its body walks over it. */
static void test_restrictions_pay_for_each_look_at_a_long_text(void **state)
{
    enum { BODY_BYTES = 4 * 1024 * 1024, LOOKS = 600 };
    struct ews_fixture *f = *state;
    struct buf mime = BUF_INIT, where = BUF_INIT;

    BUF_LIT(&mime, "Subject: long\r\n\r\n");
    memset(buf_reserve(&mime, BODY_BYTES), 'a', BODY_BYTES);
    mime.n += BODY_BYTES;
    buf_add_char(&mime, '\0');
    ews_given_mime(f, ews_folder(f, DF_INBOX), mime.p);
    BUF_LIT(&where, "<t:Or>");
    for (int i = 0; i < LOOKS; i++) {
        BUF_LIT(&where, EQUAL("item:Body", "b"));
    }
    BUF_LIT(&where, "</t:Or>");
    find(f, arena_printf(f->arena, WHERE("%.*s"), (int)where.n, where.p));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorRestrictionTooComplex");
    find(f, WHERE(EQUAL("item:Body", "b")));
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    buf_fini(&mime);
    buf_fini(&where);
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_newest_comes_first),
        fixture_test(test_pages_from_both_ends),
        fixture_test(test_fractions),
        fixture_test(test_seeking_a_condition),
        fixture_test(test_orders),
        fixture_test(test_unsortable_paths_are_named),
        fixture_test(test_restricted_and_paged),
        fixture_test(test_spans_of_time_keep_the_order),
        fixture_test(test_bad_views),
        fixture_test(test_no_more_than_a_thousand_without_a_view),
        fixture_test(test_traversals),
        fixture_test(test_one_message_a_folder),
        fixture_test(test_summaries_leave_out_what_needs_the_message),
        fixture_test(test_dictionaries_are_not_for_summaries),
        fixture_test(test_long_strings_are_cut),
        fixture_test(test_folders_below),
        fixture_test(test_restrictions_pay_for_each_look_at_a_long_text),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
