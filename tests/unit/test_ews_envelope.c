/* SOAP in and out: what is understood, what is refused and how, and the two forms of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/header.h"
#include "mailbox/store.h"
#include "support/ews_fixture.h"

#include <string.h>

#define SOAP "http://schemas.xmlsoap.org/soap/envelope/"
#define TYPES "http://schemas.microsoft.com/exchange/services/2006/types"
#define MESSAGES "http://schemas.microsoft.com/exchange/services/2006/messages"
#define ERRORS "http://schemas.microsoft.com/exchange/services/2006/errors"

#define GET_INBOX                                                                                  \
    "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>"   \
    "<t:DistinguishedFolderId Id=\"inbox\"/></m:FolderIds></m:GetFolder>"

/* The fault's code; NULL when the answer is no fault. */
static const char *fault(struct ews_fixture *f)
{
    const struct xml_node *code = ews_nth(f, "faultcode", 0);

    if (code == NULL) {
        return NULL;
    }
    assert_int_equal(f->http_status, 500);
    assert_int_equal(ews_count(f, "ResponseMessages"), 0);
    return str_starts(code->text, STR("a:")) ? str_cstr(f->arena, str_sub(code->text, 2, 99))
                                             : str_cstr(f->arena, code->text);
}

static void assert_works(struct ews_fixture *f)
{
    assert_null(fault(f));
    assert_int_equal(f->http_status, 200);
    assert_int_equal(f->outcome, ERR_NONE);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
}

static void test_answer_has_declaration_and_server_version(void **state)
{
    struct ews_fixture *f = *state;
    const char *answer = ews_ask(f, GET_INBOX);

    assert_works(f);
    assert_int_equal(strncmp(answer, "<?xml version=\"1.0\" encoding=\"utf-8\"?><", 39), 0);
    assert_string_equal(
        ews_outline(f, f->root),
        "Envelope(Header(ServerVersionInfo) Body(GetFolderResponse(ResponseMessages("
        "GetFolderResponseMessage(ResponseCode Folders(Folder(FolderId)))))))");
    assert_string_equal(ews_attr(f, "ServerVersionInfo", "MajorVersion"), "15");
    assert_string_equal(ews_attr(f, "ServerVersionInfo", "MinorVersion"), "2");
    assert_string_equal(ews_attr(f, "ServerVersionInfo", "MajorBuildNumber"), "2562");
    assert_string_equal(ews_attr(f, "ServerVersionInfo", "MinorBuildNumber"), "17");
    assert_string_equal(ews_attr(f, "ServerVersionInfo", "Version"), "V2017_07_11");
    assert_string_equal(ews_attr(f, "GetFolderResponseMessage", "ResponseClass"), "Success");
    assert_true(ews_nth(f, "ServerVersionInfo", 0)->ns == XML_NS_TYPES);
    assert_true(ews_nth(f, "GetFolderResponse", 0)->ns == XML_NS_MESSAGES);
}

static void test_prefixes_and_header_are_the_senders_choice(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask_raw(f, STR("<Envelope xmlns='" SOAP "'><Body><GetFolder xmlns='" MESSAGES
                       "'><FolderShape><BaseShape xmlns='" TYPES "'>IdOnly</BaseShape>"
                       "</FolderShape><FolderIds><x:DistinguishedFolderId xmlns:x='" TYPES
                       "' Id='inbox'/></FolderIds></GetFolder></Body></Envelope>"));
    assert_works(f);
    ews_ask_with_header(f, "", GET_INBOX);
    assert_works(f);
}

static void test_every_known_version_is_accepted(void **state)
{
    static const char *const VERSIONS[] = {
        "Exchange2007", "Exchange2007_SP1", "Exchange2009",
        "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2",
        "Exchange2012", "Exchange2013",     "Exchange2013_SP1",
        "Exchange2015", "Exchange2015_SP1", "Exchange2016",
        "Exchange2019", "V2015_10_05",      "V2016_10_10",
        "V2017_07_11",  "V2018_01_08",      "V2_6",
        "V2_124",
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(VERSIONS); i++) {
        f->version = VERSIONS[i];
        ews_ask(f, GET_INBOX);
        assert_works(f);
    }
}

static void test_versions_between_releases_are_the_older_one(void **state)
{
    static const struct {
        const char *name;
        enum ews_version version;
    } CASES[] = {
        {"Exchange2009", EWS_EXCHANGE2007_SP1},
        {"Exchange2012", EWS_EXCHANGE2010_SP2},
        {"V2_6", EWS_EXCHANGE2013},
        {"V2015_10_05", EWS_EXCHANGE2016},
        {"V2017_07_11", EWS_V2017},
        {"Exchange2019", EWS_V2017},
    };
    enum ews_version version;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_true(ews_version_parse(str_from(CASES[i].name), &version));
        assert_int_equal(version, CASES[i].version);
    }
}

static void test_other_versions_are_a_fault(void **state)
{
    static const char *const VERSIONS[] = {"",     "Exchange2008", "exchange2013", "V2_",
                                           "V2_x", "V2017_7_11",   "V20170711",    "15.2"};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(VERSIONS); i++) {
        f->version = VERSIONS[i];
        ews_ask(f, GET_INBOX);
        assert_string_equal(fault(f), "ErrorInvalidServerVersion");
        assert_string_equal(ews_text(f, "faultstring"), "The specified server version is invalid.");
    }
    ews_ask_with_header(f, "<t:RequestServerVersion/>", GET_INBOX);
    assert_string_equal(fault(f), "ErrorSchemaValidation");
}

static void test_schema_fault_has_place_and_violation(void **state)
{
    struct ews_fixture *f = *state;
    const struct xml_node *root;

    ews_ask(f, "<m:GetFolder>\n<m:FolderShape/></m:GetFolder>");
    root = f->root;
    assert_string_equal(fault(f), "ErrorSchemaValidation");
    assert_string_equal(ews_outline(f, root),
                        "Envelope(Body(Fault(faultcode faultstring detail(ResponseCode Message "
                        "MessageXml(LineNumber LinePosition Violation)))))");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorSchemaValidation");
    assert_string_equal(ews_text(f, "Message"), "The request failed schema validation.");
    assert_string_equal(ews_text(f, "Violation"),
                        "The element 'GetFolder' has incomplete content. Expected: 'FolderIds'.");
    assert_string_equal(ews_text(f, "faultstring"),
                        "The request failed schema validation: The element 'GetFolder' has "
                        "incomplete content. Expected: 'FolderIds'.");
    assert_string_equal(ews_text(f, "LineNumber"), "2");
    assert_true(ews_nth(f, "ResponseCode", 0)->ns == XML_NS_ERRORS);
    assert_true(ews_nth(f, "Message", 0)->ns == XML_NS_ERRORS);
    assert_true(ews_nth(f, "MessageXml", 0)->ns == XML_NS_TYPES);
    assert_true(ews_nth(f, "faultcode", 0)->ns == XML_NS_NONE);
}

static void test_what_is_no_soap_is_a_schema_fault(void **state)
{
    static const char *const BAD[] = {
        "",
        "no xml",
        "<a/>",
        "<Envelope/>",
        "<s:Envelope xmlns:s='" SOAP "'/>",
        "<s:Envelope xmlns:s='" SOAP "'><s:Body>",
        "<s:Envelope xmlns:s='" SOAP "'><s:Header/></s:Envelope>",
        "<s:Envelope xmlns:s='" SOAP "'><s:Body/><s:Header/></s:Envelope>",
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body/></s:Envelope>",
        "<s:Envelope xmlns:s='https://schemas.xmlsoap.org/soap/envelope/'><s:Body/></s:Envelope>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><s:Envelope xmlns:s='" SOAP "'><s:Body/></s:Envelope>",
        "<s:Envelope xmlns:s='" SOAP "'><s:Body><a/></s:Body></s:Envelope>",
        "<s:Envelope xmlns:s='" SOAP "'><s:Body><GetFolder xmlns='" TYPES
        "'/></s:Body></s:Envelope>",
        "<s:Envelope xmlns:s='" SOAP "'><s:Body><GetFoldr xmlns='" MESSAGES
        "'/></s:Body></s:Envelope>",
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        ews_ask_raw(f, str_from(BAD[i]));
        assert_string_equal(fault(f), "ErrorSchemaValidation");
    }
    ews_ask(f, "%s%s", GET_INBOX, GET_INBOX);
    assert_string_equal(fault(f), "ErrorSchemaValidation");
}

static void test_empty_body_is_an_invalid_request(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask(f, " ");
    assert_string_equal(fault(f), "ErrorInvalidRequest");
    assert_int_equal(ews_count(f, "MessageXml"), 0);
}

static void test_operations_that_others_have_are_invalid_operations(void **state)
{
    static const char *const NAMES[] = {"AddDelegate",
                                        "GetUserOofSettingsRequest",
                                        "GetUserConfiguration",
                                        "GetUserAvailabilityRequest",
                                        "ExpandDL",
                                        "PlayOnPhone"};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        ews_ask(f, "<m:%s/>", NAMES[i]);
        assert_string_equal(fault(f), "ErrorInvalidOperation");
    }
}

static void test_every_operation_of_the_table_is_one_of_the_schema(void **state)
{
    static const char *const OURS[] = {
        "GetFolder",           "FindFolder",      "GetItem",       "FindItem",
        "SyncFolderHierarchy", "SyncFolderItems", "GetAttachment", "ConvertId"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(OURS); i++) {
        const struct ews_operation *op = ews_operation_find(str_from(OURS[i]));

        assert_non_null(op);
        assert_true(ews_operation_in_schema(op->name));
    }
    assert_null(ews_operation_find(STR("getfolder")));
    assert_false(ews_operation_in_schema(STR("GetUserOofSettings")));
}

static void test_unknown_headers_are_ignored_unless_they_must_be_understood(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask_with_header(f,
                        "<x xmlns='urn:x'/><t:Strange/><t:MailboxCulture>de-DE"
                        "</t:MailboxCulture>",
                        GET_INBOX);
    assert_works(f);
    ews_ask_with_header(f, "<x xmlns='urn:x' s:mustUnderstand='0'/>", GET_INBOX);
    assert_works(f);
    ews_ask_with_header(f, "<t:RequestServerVersion Version='Exchange2010' s:mustUnderstand='1'/>",
                        GET_INBOX);
    assert_works(f);
    ews_ask_with_header(f, "<x xmlns='urn:x' s:mustUnderstand='1'/>", GET_INBOX);
    assert_string_equal(fault(f), "s:MustUnderstand");
}

static void test_service_internals_are_denied(void **state)
{
    static const char *const HEADERS[] = {"<t:ManagementRole/>", "<t:SerializedSecurityContext/>",
                                          "<t:OpenAsAdminOrSystemService/>"};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++) {
        ews_ask_with_header(f, HEADERS[i], GET_INBOX);
        assert_string_equal(fault(f), "ErrorAccessDenied");
    }
}

static const char *impersonate(struct ews_fixture *f, const char *who)
{
    ews_ask_with_header(f,
                        arena_printf(f->arena,
                                     "<t:ExchangeImpersonation><t:ConnectingSID>%s"
                                     "</t:ConnectingSID></t:ExchangeImpersonation>",
                                     who),
                        GET_INBOX);
    return fault(f);
}

static void test_impersonation_is_refused_with_its_reason(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(
        impersonate(f, "<t:PrimarySmtpAddress>bob@example.com</t:PrimarySmtpAddress>"),
        "ErrorImpersonateUserDenied");
    assert_string_equal(impersonate(f, "<t:SmtpAddress>nobody@example.com</t:SmtpAddress>"),
                        "ErrorNonExistentMailbox");
    assert_string_equal(impersonate(f, "<t:PrincipalName> </t:PrincipalName>"),
                        "ErrorInvalidExchangeImpersonationHeaderData");
    assert_string_equal(impersonate(f, ""), "ErrorSchemaValidation");
    assert_string_equal(impersonate(f, "<t:SID>S-1</t:SID><t:SID>S-2</t:SID>"),
                        "ErrorSchemaValidation");
}

static const char *zone(struct ews_fixture *f, const char *definition)
{
    ews_ask_with_header(
        f, arena_printf(f->arena, "<t:TimeZoneContext>%s</t:TimeZoneContext>", definition),
        GET_INBOX);
    return fault(f);
}

static void test_time_zones_are_known_or_described(void **state)
{
    struct ews_fixture *f = *state;

    assert_null(zone(f, "<t:TimeZoneDefinition Id='UTC'/>"));
    assert_null(zone(f, "<t:TimeZoneDefinition Name='(UTC+00:00) Monrovia, Reykjavik' "
                        "Id='Greenwich Standard Time'></t:TimeZoneDefinition>"));
    assert_null(zone(f, "<t:TimeZoneDefinition Id='W. Europe Standard Time'/>"));
    assert_null(zone(f, "<t:TimeZoneDefinition Id='Europe/Berlin'><t:Periods><t:Period "
                        "Bias='-PT1H' Name='Standard' Id='std'/></t:Periods>"
                        "</t:TimeZoneDefinition>"));
    assert_string_equal(zone(f, "<t:TimeZoneDefinition Id='Middle Earth Standard Time'/>"),
                        "ErrorInvalidValueForProperty");
    assert_string_equal(zone(f, "<t:TimeZoneDefinition/>"), "ErrorInvalidValueForProperty");
    assert_string_equal(zone(f, ""), "ErrorSchemaValidation");
}

/* Minutes east of UTC of a local time that names no zone, under such a header. */
static int offset_at(struct ews_fixture *f, const char *definition, const char *local)
{
    const struct ews_caller caller = {{1}, STR("alice@example.com"), STR("Alice")};
    struct ews_call *call = ews_call_new(f->arena, &f->service, &caller);
    const char *request =
        arena_printf(f->arena,
                     "<s:Envelope xmlns:s='" SOAP "' xmlns:t='" TYPES "' xmlns:m='" MESSAGES
                     "'><s:Header><t:TimeZoneContext>%s</t:TimeZoneContext></s:Header><s:Body>%s"
                     "</s:Body></s:Envelope>",
                     definition, GET_INBOX);
    int64_t utc = 0, as_utc = 0;

    ews_call_feed(call, request, strlen(request));
    assert_int_equal(ews_call_prepare(call), EWS_RUN_READ);
    assert_true(zone_context_time(&call->zone, str_from(local), &utc));
    assert_true(time_parse(str_from(local), 0, &as_utc));
    ews_call_free(&call);
    return (int)((as_utc - utc) / 60000);
}

static int offset_under(struct ews_fixture *f, const char *definition)
{
    return offset_at(f, definition, "2024-01-15T12:00:00");
}

#define ZONE(id) "<t:TimeZoneDefinition Id='" id "'/>"
#define BIAS(bias)                                                                                 \
    "<t:TimeZoneDefinition><t:Periods><t:Period Bias='" bias "'/></t:Periods>"                     \
    "</t:TimeZoneDefinition>"

static void test_offsets_of_time_zones(void **state)
{
    struct ews_fixture *f = *state;

    assert_int_equal(offset_under(f, ZONE("UTC")), 0);
    assert_int_equal(offset_under(f, ZONE("AUS Central Standard Time")), 570);
    assert_int_equal(offset_under(f, ZONE("W. Europe Standard Time")), 60);
    assert_int_equal(offset_under(f, ZONE("Newfoundland Standard Time")), -210);
    assert_int_equal(offset_under(f, ZONE("Yukon Standard Time")), -420);
    assert_int_equal(offset_under(f, BIAS("PT8H")), -480);
    assert_int_equal(offset_under(f, BIAS("-PT5H30M")), 330);
    assert_int_equal(offset_under(f, BIAS("P0DT8H0M0.0S")), -480);
    assert_int_equal(offset_under(f, BIAS("PT0S")), 0);
    assert_string_equal(zone(f, BIAS("PT99999999999999999999H")), "ErrorInvalidValueForProperty");
    assert_string_equal(zone(f, BIAS("PT15H")), "ErrorInvalidValueForProperty");
    assert_string_equal(zone(f, BIAS("nonsense")), "ErrorInvalidValueForProperty");
    assert_string_equal(zone(f, BIAS("P")), "ErrorInvalidValueForProperty");
}

static void test_clocks_of_a_time_zone_are_changed(void **state)
{
    struct ews_fixture *f = *state;

    assert_int_equal(offset_at(f, ZONE("W. Europe Standard Time"), "2024-03-31T01:59:59"), 60);
    assert_int_equal(offset_at(f, ZONE("W. Europe Standard Time"), "2024-03-31T03:00:00"), 120);
    assert_int_equal(offset_at(f, ZONE("W. Europe Standard Time"), "2024-10-27T01:59:59"), 120);
    assert_int_equal(offset_at(f, ZONE("W. Europe Standard Time"), "2024-10-27T03:00:00.5"), 60);
    assert_int_equal(offset_at(f, ZONE("Eastern Standard Time"), "2024-07-01T00:00:00"), -240);
    /* The rule of that year. */
    assert_int_equal(offset_at(f, ZONE("Eastern Standard Time"), "2006-03-20T00:00:00"), -300);
    assert_int_equal(offset_at(f, ZONE("Tokyo Standard Time"), "2024-07-01T00:00:00"), 540);
    assert_int_equal(offset_at(f, ZONE("W. Europe Standard Time"), "2024-07-01"), 120);
    assert_int_equal(offset_at(f, ZONE("W. Europe Standard Time"), "2024-07-01T00:00:00Z"), 0);
}

#define PERIODS                                                                                    \
    "<t:Periods><t:Period Bias='PT3H' Name='Standard' Id='s'/>"                                    \
    "<t:Period Bias='PT1H30M' Name='Daylight' Id='d'/></t:Periods>"
#define CHANGE(to, month, occurrence)                                                              \
    "<t:RecurringDayTransition><t:To Kind='Period'>" to "</t:To><t:TimeOffset>PT2H</t:TimeOffset>" \
    "<t:Month>" month "</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>" occurrence       \
    "</t:Occurrence></t:RecurringDayTransition>"
#define GROUP(id, content) "<t:TransitionsGroup Id='" id "'>" content "</t:TransitionsGroup>"
#define CONSTANT(to) "<t:Transition><t:To Kind='Period'>" to "</t:To></t:Transition>"
#define FROM(group, time)                                                                          \
    "<t:AbsoluteDateTransition><t:To Kind='Group'>" group "</t:To><t:DateTime>" time               \
    "</t:DateTime></t:AbsoluteDateTransition>"
#define TO(group) "<t:Transition><t:To Kind='Group'>" group "</t:To></t:Transition>"
#define CUSTOM(groups, transitions)                                                                \
    "<t:TimeZoneDefinition Id='Ours' Name='Ours'>" PERIODS "<t:TransitionsGroups>" groups          \
    "</t:TransitionsGroups><t:Transitions>" transitions "</t:Transitions></t:TimeZoneDefinition>"

/* Now it is November 2023. */
static void test_a_zone_is_as_it_is_described(void **state)
{
    struct ews_fixture *f = *state;
    const char *custom =
        CUSTOM(GROUP("0", CONSTANT("s")) GROUP("1", CHANGE("d", "10", "1") CHANGE("s", "2", "-1"))
                   GROUP("2", CONSTANT("d")),
               TO("0") FROM("1", "2000-01-01T00:00:00") FROM("2", "2030-01-01T00:00:00"));

    assert_int_equal(offset_at(f, custom, "2024-07-01T00:00:00"), -180);
    assert_int_equal(offset_at(f, custom, "2024-10-06T01:59:00"), -180);
    assert_int_equal(offset_at(f, custom, "2024-10-06T04:00:00"), -90);
    assert_int_equal(offset_at(f, custom, "2024-02-25T00:00:00"), -90);
    assert_int_equal(offset_at(f, custom, "2024-02-25T02:00:00"), -180);
    assert_int_equal(
        offset_at(f, CUSTOM(GROUP("0", CONSTANT("d")), TO("0")), "2024-07-01T00:00:00"), -90);
    /* A known name with other clocks is as described, too. */
    assert_int_equal(offset_at(f,
                               "<t:TimeZoneDefinition Id='W. Europe Standard Time'>" PERIODS
                               "</t:TimeZoneDefinition>",
                               "2024-07-01T00:00:00"),
                     -180);
}

static void test_half_descriptions_are_refused(void **state)
{
    static const char *const definitions[] = {
        CUSTOM(GROUP("0", CONSTANT("nowhere")), TO("0")),
        CUSTOM(GROUP("0", CHANGE("d", "13", "1") CHANGE("s", "2", "-1")), TO("0")),
        CUSTOM(GROUP("0", CHANGE("d", "10", "0") CHANGE("s", "2", "-1")), TO("0")),
        CUSTOM(GROUP("0", CHANGE("d", "10", "x") CHANGE("s", "2", "-1")), TO("0")),
        CUSTOM(GROUP("0", CHANGE("x", "10", "1") CHANGE("s", "2", "-1")), TO("0")),
        "<t:TimeZoneDefinition Id='Ours'><t:Periods/></t:TimeZoneDefinition>",
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(definitions); i++) {
        assert_string_equal(zone(f, definitions[i]), "ErrorInvalidValueForProperty");
    }
}

static void test_precision_of_times(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask_with_header(f, "<t:DateTimePrecision>Milliseconds</t:DateTimePrecision>", GET_INBOX);
    assert_works(f);
    ews_ask_with_header(f, "<t:DateTimePrecision>Minutes</t:DateTimePrecision>", GET_INBOX);
    assert_string_equal(fault(f), "ErrorSchemaValidation");
}

static void test_what_is_too_deep_is_refused(void **state)
{
    struct ews_fixture *f = *state;
    struct buf body = BUF_INIT;

    for (int i = 0; i < 200; i++) {
        BUF_LIT(&body, "<t:Not>");
    }
    ews_ask(f, "<m:GetFolder>%.*s", STR_ARG(buf_str(&body)));
    buf_fini(&body);
    assert_string_equal(fault(f), "ErrorSchemaValidation");
}

static void test_hostile_text_cannot_leave_a_fault(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask(f, "<m:GetFolder><m:FolderShape><t:BaseShape>&lt;/s:Envelope&gt;&amp;\"</t:BaseShape>"
               "</m:FolderShape><m:FolderIds/></m:GetFolder>");
    assert_string_equal(fault(f), "ErrorSchemaValidation");
    assert_non_null(strstr(ews_text(f, "Violation"), "'</s:Envelope>&\"'"));
}

static void test_a_failed_call_answers_with_the_failures_fault(void **state)
{
    const struct ews_caller caller = {{1}, STR("alice@example.com"), STR("Alice")};
    struct ews_fixture *f = *state;
    struct ews_call *call = ews_call_new(f->arena, &f->service, &caller);
    struct err err;

    err_set(&err, ERR_SHUTTING_DOWN, "going down");
    ews_call_fail(call, &err);
    assert_int_equal(call->http_status, 500);
    assert_int_equal(call->outcome, ERR_SHUTTING_DOWN);
    assert_true(str_find(buf_str(&call->out), STR("a:ErrorServerBusy"), 0) != SIZE_MAX);
    assert_true(str_find(buf_str(&call->out), STR("<t:Value Name=\"BackOffMilliseconds\">"), 0) !=
                SIZE_MAX);
    assert_true(str_find(buf_str(&call->out), STR("going down"), 0) == SIZE_MAX);
    ews_call_free(&call);
    assert_null(call);
}

static void test_bytes_may_come_one_by_one(void **state)
{
    static const struct str REQUEST = STR_INIT(
        "<s:Envelope xmlns:s='" SOAP
        "'><s:Body><ConvertId DestinationFormat='EwsId' xmlns='" MESSAGES
        "'><SourceIds><t:AlternateId xmlns:t='" TYPES "' Format='EwsId' Id='DUMMY' Mailbox='x'/>"
        "</SourceIds></ConvertId></s:Body></s:Envelope>");
    const struct ews_caller caller = {{1}, STR("alice@example.com"), STR("Alice")};
    struct ews_fixture *f = *state;
    struct ews_call *call = ews_call_new(f->arena, &f->service, &caller);

    for (size_t i = 0; i < REQUEST.n; i++) {
        ews_call_feed(call, REQUEST.p + i, 1);
    }
    assert_int_equal(ews_call_prepare(call), EWS_ANSWERED);
    assert_int_equal(call->http_status, 200);
    assert_int_equal(call->outcome, ERR_ID_MALFORMED);
    ews_call_free(&call);
}

static void test_convert_id_names_the_accounts_address(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = ews_folder_id(f, ews_folder(f, DF_ROOT));

    ews_ask(f,
            "<m:ConvertId DestinationFormat='EwsId'><m:SourceIds><t:AlternateId Format='EwsId' "
            "Id='%s' Mailbox='blah@blah.com'/></m:SourceIds></m:ConvertId>",
            id);
    assert_works(f);
    assert_string_equal(ews_attr(f, "AlternateId", "Mailbox"), "alice@example.com");
    assert_string_equal(ews_attr(f, "AlternateId", "Id"), id);
    assert_string_equal(ews_attr(f, "AlternateId", "Format"), "EwsId");
}

static void test_convert_id_goes_to_hex_and_back(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = ews_item_id(f, (struct item_id){99}), *hex;

    ews_ask(f,
            "<m:ConvertId DestinationFormat='HexEntryId'><m:SourceIds><t:AlternateId "
            "Format='EwsId' Id='%s' Mailbox='a'/></m:SourceIds></m:ConvertId>",
            id);
    hex = ews_attr(f, "AlternateId", "Id");
    assert_int_equal(strspn(hex, "0123456789ABCDEF"), strlen(hex));
    ews_ask(f,
            "<m:ConvertId DestinationFormat='EntryId'><m:SourceIds><t:AlternateId "
            "Format='HexEntryId' Id='%s' Mailbox='a'/></m:SourceIds></m:ConvertId>",
            hex);
    assert_string_equal(ews_attr(f, "AlternateId", "Id"), id);
}

/* The address in an answer is that of the mailbox that the id lies in. */
static void test_convert_id_names_the_mailbox(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask(f,
            "<m:ConvertId DestinationFormat='EwsId'><m:SourceIds>"
            "<t:AlternateId Format='EwsId' Id='%s' Mailbox='x'/></m:SourceIds></m:ConvertId>",
            ews_foreign_folder_id(f, (struct folder_id){1}));
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    assert_string_equal(ews_attr(f, "AlternateId", "Mailbox"), "bob@example.com");
}

static void test_convert_id_errors_are_messages(void **state)
{
    struct ews_fixture *f = *state;
    struct err err;

    assert_int_equal(store_user_delete(f->store, STR("bob@example.com"), &err), 0);
    ews_ask(f,
            "<m:ConvertId DestinationFormat='EwsId'><m:SourceIds>"
            "<t:AlternateId Format='EwsId' Id='DUMMY' Mailbox='DUMMY'/>"
            "<t:AlternateId Format='OwaId' Id='x' Mailbox='x'/>"
            "<t:AlternateId Format='EwsId' Id='%s' Mailbox='x'/>"
            "<t:AlternateId Format='HexEntryId' Id='ABC' Mailbox='x'/>"
            "<t:AlternateId Format='EwsId' Id='' Mailbox='x'/>"
            "<t:AlternatePublicFolderId Format='EwsId' FolderId='x'/>"
            "</m:SourceIds></m:ConvertId>",
            ews_foreign_folder_id(f, (struct folder_id){1}));
    assert_int_equal(f->http_status, 200);
    assert_int_equal(ews_count(f, "ConvertIdResponseMessage"), 6);
    assert_true(str_is(ews_nth(f, "ResponseCode", 0)->text, "ErrorInvalidIdMalformed"));
    assert_true(str_is(ews_nth(f, "ResponseCode", 1)->text, "ErrorInvalidOperation"));
    assert_true(str_is(ews_nth(f, "ResponseCode", 2)->text, "ErrorItemNotFound"));
    assert_true(str_is(ews_nth(f, "ResponseCode", 3)->text, "ErrorInvalidIdMalformed"));
    assert_true(str_is(ews_nth(f, "ResponseCode", 4)->text, "ErrorInvalidIdEmpty"));
    assert_true(str_is(ews_nth(f, "ResponseCode", 5)->text, "ErrorInvalidOperation"));
    assert_string_equal(ews_children(f, ews_nth(f, "ConvertIdResponseMessage", 0)),
                        "MessageText ResponseCode DescriptiveLinkKey");
}

static bool is_quick(struct ews_fixture *f, const char *operation, const char *ids)
{
    const struct ews_caller caller = {f->alice, STR("alice@example.com"), STR("Alice Example")};
    struct ews_call *call = ews_call_new(f->arena, &f->service, &caller);
    struct str request = str_printf(
        f->arena,
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' "
        "xmlns:m='http://schemas.microsoft.com/exchange/services/2006/messages' "
        "xmlns:t='http://schemas.microsoft.com/exchange/services/2006/types'><s:Body>%s%s%s"
        "</s:Body></s:Envelope>",
        operation, ids,
        strstr(operation, "GetFolder") != NULL ? "</m:FolderIds></m:GetFolder>"
                                               : "</m:ItemIds></m:GetItem>");
    bool quick;

    ews_call_feed(call, request.p, request.n);
    assert_int_equal(ews_call_prepare(call), EWS_RUN_READ);
    quick = ews_call_is_quick(call);
    ews_call_free(&call);
    return quick;
}

/* What runs on an event loop keeps others waiting. */
static void test_long_lists_of_ids_are_not_quick(void **state)
{
    static const char folders[] =
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
        "<m:FolderIds>";
    static const char items[] =
        "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>";
    static const char one[] = "<t:DistinguishedFolderId Id='inbox'/>";
    struct ews_fixture *f = *state;
    struct buf many = BUF_INIT;

    for (int i = 0; i < 500; i++) {
        buf_add_cstr(&many, one);
    }
    buf_add_char(&many, '\0');
    assert_true(is_quick(f, folders, one));
    assert_false(is_quick(f, folders, many.p));
    assert_false(is_quick(f, items, "<t:ItemId Id='x'/>"));
    buf_fini(&many);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answer_has_declaration_and_server_version),
        TEST(test_prefixes_and_header_are_the_senders_choice),
        TEST(test_every_known_version_is_accepted),
        TEST(test_versions_between_releases_are_the_older_one),
        TEST(test_other_versions_are_a_fault),
        TEST(test_schema_fault_has_place_and_violation),
        TEST(test_what_is_no_soap_is_a_schema_fault),
        TEST(test_empty_body_is_an_invalid_request),
        TEST(test_operations_that_others_have_are_invalid_operations),
        TEST(test_every_operation_of_the_table_is_one_of_the_schema),
        TEST(test_unknown_headers_are_ignored_unless_they_must_be_understood),
        TEST(test_service_internals_are_denied),
        TEST(test_impersonation_is_refused_with_its_reason),
        TEST(test_time_zones_are_known_or_described),
        TEST(test_offsets_of_time_zones),
        TEST(test_clocks_of_a_time_zone_are_changed),
        TEST(test_a_zone_is_as_it_is_described),
        TEST(test_half_descriptions_are_refused),
        TEST(test_precision_of_times),
        TEST(test_what_is_too_deep_is_refused),
        TEST(test_hostile_text_cannot_leave_a_fault),
        TEST(test_a_failed_call_answers_with_the_failures_fault),
        TEST(test_bytes_may_come_one_by_one),
        TEST(test_long_lists_of_ids_are_not_quick),
        TEST(test_convert_id_names_the_accounts_address),
        TEST(test_convert_id_goes_to_hex_and_back),
        TEST(test_convert_id_names_the_mailbox),
        TEST(test_convert_id_errors_are_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
