/* Tasks: what one client writes another reads back, and what is complete. */
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
#define SET(uri, v) "<t:SetItemField>" URI(uri) "<t:Task>" v "</t:Task></t:SetItemField>"
#define DELETE(uri) "<t:DeleteItemField>" URI(uri) "</t:DeleteItemField>"

static const char *try_create(struct ews_fixture *f, const char *properties)
{
    ews_ask(f,
            "<m:CreateItem><m:SavedItemFolderId><t:DistinguishedFolderId Id='tasks'/>"
            "</m:SavedItemFolderId><m:Items><t:Task>%s</t:Task></m:Items></m:CreateItem>",
            properties);
    return ews_text(f, "ResponseCode");
}

static const char *create(struct ews_fixture *f, const char *properties)
{
    assert_string_equal(try_create(f, properties), "NoError");
    return ews_attr(f, "ItemId", "Id");
}

static void update(struct ews_fixture *f, const char *id, const char *updates)
{
    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite'><m:ItemChanges><t:ItemChange>"
            "<t:ItemId Id='%s'/><t:Updates>%s</t:Updates></t:ItemChange></m:ItemChanges>"
            "</m:UpdateItem>",
            id, updates);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
}

static void get(struct ews_fixture *f, const char *id)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            id);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
}

/* Whether the element stands so in the last answer. */
static bool answered(struct ews_fixture *f, const char *element)
{
    return strstr(f->answer.p, element) != NULL;
}

/* Every property that a client can set, in the schema's order. */
static const char *const everything[][2] = {
    {"Subject", "<t:Subject>Weed</t:Subject>"},
    {"ActualWork", "<t:ActualWork>90</t:ActualWork>"},
    {"BillingInformation", "<t:BillingInformation>Garden  4</t:BillingInformation>"},
    {"Companies", "<t:Companies><t:String>One</t:String><t:String>Two</t:String></t:Companies>"},
    {"Contacts", "<t:Contacts><t:String>Ada</t:String></t:Contacts>"},
    {"DueDate", "<t:DueDate>2024-02-01T00:00:00Z</t:DueDate>"},
    {"Mileage", "<t:Mileage>7 km</t:Mileage>"},
    {"PercentComplete", "<t:PercentComplete>33.3</t:PercentComplete>"},
    {"Recurrence", "<t:Recurrence><t:WeeklyRecurrence><t:Interval>2</t:Interval><t:DaysOfWeek>"
                   "Monday Friday</t:DaysOfWeek><t:FirstDayOfWeek>Monday</t:FirstDayOfWeek>"
                   "</t:WeeklyRecurrence><t:NumberedRecurrence>"
                   "<t:StartDate>2024-01-01+00:00</t:StartDate><t:NumberOfOccurrences>5"
                   "</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>"},
    {"StartDate", "<t:StartDate>2024-01-01T00:00:00Z</t:StartDate>"},
    {"Status", "<t:Status>WaitingOnOthers</t:Status>"},
    {"TotalWork", "<t:TotalWork>120</t:TotalWork>"},
};

static void expect_everything(struct ews_fixture *f)
{
    for (size_t i = 0; i < ARRAY_LEN(everything); i++) {
        if (!answered(f, everything[i][1])) {
            fail_msg("%s is not in %s", everything[i][1], f->answer.p);
        }
    }
}

static void test_all_that_is_created_comes_back(void **state)
{
    struct ews_fixture *f = *state;
    const char *all = "";

    for (size_t i = 0; i < ARRAY_LEN(everything); i++) {
        all = arena_printf(f->arena, "%s%s", all, everything[i][1]);
    }
    get(f, create(f, all));
    expect_everything(f);
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Task");
    assert_string_equal(ews_text(f, "StatusDescription"), "Waiting on someone else");
    assert_string_equal(ews_text(f, "IsRecurring"), "true");
    assert_string_equal(ews_text(f, "IsComplete"), "false");
    assert_string_equal(ews_text(f, "IsTeamTask"), "false");
    assert_string_equal(ews_text(f, "DelegationState"), "NoMatch");
    assert_string_equal(ews_text(f, "Owner"), "Alice Example");
}

static void test_all_that_is_updated_comes_back(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create(f, "<t:Subject>x</t:Subject>");

    for (size_t i = 0; i < ARRAY_LEN(everything); i++) {
        update(f, id,
               arena_printf(f->arena, SET("%s:%s", "%s"), i == 0 ? "item" : "task",
                            everything[i][0], everything[i][1]));
    }
    get(f, id);
    expect_everything(f);
    for (size_t i = 1; i < ARRAY_LEN(everything); i++) {
        update(f, id, arena_printf(f->arena, DELETE("task:%s"), everything[i][0]));
    }
    get(f, id);
    assert_null(ews_text(f, "DueDate"));
    assert_null(ews_text(f, "Recurrence"));
    assert_null(ews_text(f, "Companies"));
    assert_string_equal(ews_text(f, "Status"), "NotStarted");
    assert_string_equal(ews_text(f, "PercentComplete"), "0");
}

static void expect_progress(struct ews_fixture *f, const char *id, const char *status,
                            const char *percent, bool complete)
{
    get(f, id);
    assert_string_equal(ews_text(f, "Status"), status);
    assert_string_equal(ews_text(f, "PercentComplete"), percent);
    assert_string_equal(ews_text(f, "IsComplete"), complete ? "true" : "false");
    assert_int_equal(ews_text(f, "CompleteDate") != NULL, complete);
}

static void test_what_is_completed_is_so_everywhere(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create(f, "<t:Subject>x</t:Subject>");

    expect_progress(f, id, "NotStarted", "0", false);
    update(f, id, SET("task:Status", "<t:Status>Completed</t:Status>"));
    expect_progress(f, id, "Completed", "100", true);
    assert_string_equal(ews_text(f, "CompleteDate"), "2023-11-14T22:13:20Z");
    update(f, id, SET("task:Status", "<t:Status>InProgress</t:Status>"));
    expect_progress(f, id, "InProgress", "0", false);
    update(f, id, SET("task:PercentComplete", "<t:PercentComplete>100</t:PercentComplete>"));
    expect_progress(f, id, "Completed", "100", true);
    update(f, id, SET("task:PercentComplete", "<t:PercentComplete>5E1</t:PercentComplete>"));
    expect_progress(f, id, "InProgress", "50", false);
    update(f, id, SET("task:Status", "<t:Status>Deferred</t:Status>"));
    expect_progress(f, id, "Deferred", "50", false);
    update(f, id,
           SET("task:CompleteDate", "<t:CompleteDate>2023-01-02T00:00:00Z"
                                    "</t:CompleteDate>"));
    expect_progress(f, id, "Completed", "100", true);
    assert_string_equal(ews_text(f, "CompleteDate"), "2023-01-02T00:00:00Z");
    update(f, id, DELETE("task:CompleteDate"));
    expect_progress(f, id, "NotStarted", "0", false);
    update(f, id, SET("task:PercentComplete", "<t:PercentComplete>10</t:PercentComplete>"));
    expect_progress(f, id, "InProgress", "10", false);
    update(f, id, SET("task:Status", "<t:Status>NotStarted</t:Status>"));
    expect_progress(f, id, "NotStarted", "0", false);
}

static void test_refuses_wrong_values(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(try_create(f, "<t:PercentComplete>101</t:PercentComplete>"),
                        "ErrorInvalidValueForProperty");
    try_create(f, "<t:PercentComplete>half</t:PercentComplete>");
    assert_int_equal(f->http_status, 500);
    try_create(f, "<t:PercentComplete/>");
    assert_int_equal(f->http_status, 500);
    try_create(f, "<t:Status>Lost</t:Status>");
    assert_int_equal(f->http_status, 500);
    assert_string_equal(try_create(f, "<t:IsComplete>true</t:IsComplete>"),
                        "ErrorInvalidPropertySet");
}

#define REGENERATION(name, range)                                                                  \
    "<t:Recurrence><t:" name "><t:Interval>3</t:Interval></t:" name ">" range "</t:Recurrence>"

static void test_regenerations_come_back(void **state)
{
    static const char *const rules[] = {
        REGENERATION("DailyRegeneration",
                     "<t:NoEndRecurrence><t:StartDate>2024-01-01+00:00</t:StartDate>"
                     "</t:NoEndRecurrence>"),
        REGENERATION("WeeklyRegeneration",
                     "<t:EndDateRecurrence><t:StartDate>2024-01-01+00:00</t:StartDate>"
                     "<t:EndDate>2024-03-01+00:00</t:EndDate></t:EndDateRecurrence>"),
        REGENERATION("MonthlyRegeneration",
                     "<t:NumberedRecurrence><t:StartDate>2024-01-01+00:00</t:StartDate>"
                     "<t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence>"),
        REGENERATION("YearlyRegeneration",
                     "<t:NoEndRecurrence><t:StartDate>2024-01-01+00:00</t:StartDate>"
                     "</t:NoEndRecurrence>"),
        "<t:Recurrence><t:RelativeYearlyRecurrence><t:DaysOfWeek>Thursday</t:DaysOfWeek>"
        "<t:DayOfWeekIndex>Last</t:DayOfWeekIndex><t:Month>November</t:Month>"
        "</t:RelativeYearlyRecurrence><t:NoEndRecurrence><t:StartDate>2024-01-01+00:00</t:StartDate>"
        "</t:NoEndRecurrence></t:Recurrence>",
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        get(f, create(f, rules[i]));
        assert_true(answered(f, rules[i]));
    }
    try_create(f, "<t:Recurrence><t:HourlyRegeneration/></t:Recurrence>");
    assert_int_equal(f->http_status, 500);
}

static void test_named_properties_show_the_same(void **state)
{
    struct ews_fixture *f = *state;
    const char *id =
        create(f, "<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId='Task' "
                  "PropertyId='33029' PropertyType='SystemTime'/><t:Value>2024-02-01T00:00:00Z"
                  "</t:Value></t:ExtendedProperty>"
                  "<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId='Task' "
                  "PropertyId='33025' PropertyType='Integer'/><t:Value>2</t:Value>"
                  "</t:ExtendedProperty>");

    expect_progress(f, id, "Completed", "100", true);
    assert_string_equal(ews_text(f, "DueDate"), "2024-02-01T00:00:00Z");
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
            "<t:ExtendedFieldURI PropertySetId='00062003-0000-0000-C000-000000000046' "
            "PropertyId='33052' PropertyType='Boolean'/></t:AdditionalProperties></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            id);
    assert_string_equal(ews_text(f, "Value"), "true");
}

#define WHERE(op, uri, v)                                                                          \
    "<m:Restriction><t:" op ">" URI(uri) "<t:FieldURIOrConstant><t:Constant Value='" v "'/>"       \
                                         "</t:FieldURIOrConstant></t:" op "></m:Restriction>"

static const char *find(struct ews_fixture *f, const char *where)
{
    const char *all = "";

    ews_ask(
        f,
        "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>Default</t:BaseShape>"
        "</m:ItemShape>%s<m:SortOrder><t:FieldOrder Order='Ascending'>" URI(
            "task:DueDate") "</t:FieldOrder></m:SortOrder><m:ParentFolderIds><t:DistinguishedFolderId Id='tasks'/>"
                            "</m:ParentFolderIds></m:FindItem>",
        where);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    for (size_t i = 0; ews_nth(f, "Subject", i) != NULL; i++) {
        all = arena_printf(f->arena, "%s%.*s", all, STR_ARG(ews_nth(f, "Subject", i)->text));
    }
    return all;
}

static void test_searching_tasks(void **state)
{
    struct ews_fixture *f = *state;

    create(f, "<t:Subject>a</t:Subject><t:DueDate>2024-02-01T00:00:00Z</t:DueDate>"
              "<t:Status>Completed</t:Status>");
    create(f, "<t:Subject>b</t:Subject><t:DueDate>2024-01-01T00:00:00Z</t:DueDate>"
              "<t:PercentComplete>40</t:PercentComplete>");
    create(f, "<t:Subject>c</t:Subject>");
    assert_string_equal(find(f, ""), "cba");
    assert_string_equal(find(f, WHERE("IsEqualTo", "task:Status", "Completed")), "a");
    assert_string_equal(find(f, WHERE("IsEqualTo", "task:IsComplete", "false")), "cb");
    assert_string_equal(find(f, WHERE("IsLessThan", "task:DueDate", "2024-01-15T00:00:00Z")), "b");
    assert_string_equal(find(f, WHERE("IsGreaterThan", "task:PercentComplete", "30")), "ba");
}

#define OWN(name, type)                                                                            \
    "<t:ExtendedFieldURI DistinguishedPropertySetId='PublicStrings' PropertyName='" name           \
    "' PropertyType='" type "'/>"
#define OWN_VALUE(name, type, v)                                                                   \
    "<t:ExtendedProperty>" OWN(name, type) "<t:Value>" v "</t:Value></t:ExtendedProperty>"

static const char *find_own(struct ews_fixture *f, const char *where, const char *order)
{
    const char *all = "";

    ews_ask(
        f,
        "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>Default</t:BaseShape>"
        "</m:ItemShape>%s<m:SortOrder><t:FieldOrder Order='%s'>" OWN(
            "rank",
            "Integer") "</t:FieldOrder></m:SortOrder><m:ParentFolderIds><t:DistinguishedFolderId Id='tasks'/>"
                       "</m:ParentFolderIds></m:FindItem>",
        where, order);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    for (size_t i = 0; ews_nth(f, "Subject", i) != NULL; i++) {
        all = arena_printf(f->arena, "%s%.*s", all, STR_ARG(ews_nth(f, "Subject", i)->text));
    }
    return all;
}

static void test_searching_what_clients_keep(void **state)
{
    struct ews_fixture *f = *state;

    create(f, "<t:Subject>a</t:Subject>" OWN_VALUE("rank", "Integer", "10")
                  OWN_VALUE("note", "String", "Blue sky"));
    create(f, "<t:Subject>b</t:Subject>" OWN_VALUE("rank", "Integer", "9"));
    create(f, "<t:Subject>c</t:Subject>" OWN_VALUE("note", "String", "blue sea"));
    assert_string_equal(find_own(f, "", "Ascending"), "cba");
    assert_string_equal(find_own(f, "", "Descending"), "abc");
    assert_string_equal(
        find_own(f,
                 "<m:Restriction><t:Contains ContainmentMode='Prefixed' "
                 "ContainmentComparison='IgnoreCase'>" OWN(
                     "note", "String") "<t:Constant Value='BLUE'/></t:Contains></m:Restriction>",
                 "Ascending"),
        "ca");
    assert_string_equal(
        find_own(f,
                 "<m:Restriction><t:IsGreaterThan>" OWN(
                     "rank", "Integer") "<t:FieldURIOrConstant><t:Constant Value='9'/>"
                                        "</t:FieldURIOrConstant></t:IsGreaterThan></m:Restriction>",
                 "Ascending"),
        "a");
    assert_string_equal(find_own(f,
                                 "<m:Restriction><t:Not><t:Exists>" OWN(
                                     "rank", "Integer") "</t:Exists></t:Not></m:Restriction>",
                                 "Ascending"),
                        "c");
    assert_string_equal(
        find(
            f,
            "<m:GroupBy Order='Ascending'>" OWN("rank", "Integer") "<t:AggregateOn Aggregate='Maximum'>" URI(
                "item:Subject") "</t:AggregateOn></m:GroupBy>"),
        "abc");
    assert_int_equal(ews_count(f, "GroupedItems"), 3);
    assert_string_equal(ews_text(f, "GroupIndex"), "10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
        T(test_all_that_is_created_comes_back),
        T(test_all_that_is_updated_comes_back),
        T(test_what_is_completed_is_so_everywhere),
        T(test_refuses_wrong_values),
        T(test_regenerations_come_back),
        T(test_named_properties_show_the_same),
        T(test_searching_tasks),
        T(test_searching_what_clients_keep),
#undef T
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
