/* FindItem with a query string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/aqs.h"
#include "ews/zones.h"
#include "mime/zone_rules.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <string.h>

static const char *query(struct ews_fixture *f, const char *text)
{
    return ews_ask(f,
                   "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
                   "<t:AdditionalProperties><t:FieldURI FieldURI='item:Subject'/>"
                   "</t:AdditionalProperties></m:ItemShape><m:ParentFolderIds>"
                   "<t:DistinguishedFolderId Id='inbox'/></m:ParentFolderIds>"
                   "<m:QueryString>%s</m:QueryString></m:FindItem>",
                   text);
}

/* First letters of the subjects found, in alphabetical order of the mails below. */
static const char *found(struct ews_fixture *f, const char *text)
{
    char letters[27] = "";

    query(f, text);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    for (char c = 'A'; c <= 'Z'; c++) {
        for (size_t i = 0; ews_nth(f, "Subject", i) != NULL; i++) {
            if (*ews_nth(f, "Subject", i)->text.p == c) {
                letters[strlen(letters)] = c;
            }
        }
    }
    return arena_strdup(f->arena, letters);
}

static void given(struct ews_fixture *f, const char *header, const char *body)
{
    ews_given_mime(f, ews_folder(f, DF_INBOX),
                   arena_printf(f->arena, "%s\r\n\r\n%s\r\n", header, body));
}

static void given_mails(struct ews_fixture *f)
{
    given(f,
          "From: Bob Builder <bob@example.com>\r\nTo: Alice <alice@example.com>\r\n"
          "Subject: Annual report\r\nImportance: high",
          "The budget is in the attachment.");
    given(f,
          "From: Carol <carol@example.org>\r\nTo: Team <team@example.org>\r\n"
          "Cc: alice@example.com\r\nSubject: Budget of the year",
          "Report it annually.");
    given(f,
          "From: bob@example.com\r\nSubject: Caf\xc3\xa9 on Friday\r\n"
          "Date: Tue, 10 Oct 2023 10:00:00 +0000",
          "Cake.");
    given(f,
          "From: dave@example.net\r\nSubject: Deliveries\r\nMIME-Version: 1.0\r\n"
          "Content-Type: multipart/mixed; boundary=x",
          "--x\r\n\r\ntext\r\n--x\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\n"
          "report\r\n--x--");
}

static void test_words_are_all_wanted(void **state)
{
    struct ews_fixture *f = *state;

    given_mails(f);
    assert_string_equal(found(f, ""), "ABCD");
    assert_string_equal(found(f, "report"), "AB");
    assert_string_equal(found(f, "report budget"), "AB");
    assert_string_equal(found(f, "report bob"), "A");
    assert_string_equal(found(f, "REP*"), "AB");
    assert_string_equal(found(f, "eport"), "");
    assert_string_equal(found(f, "cafe"), "C");
}

static void test_phrases(void **state)
{
    struct ews_fixture *f = *state;

    given_mails(f);
    assert_string_equal(found(f, "\"annual report\""), "A");
    assert_string_equal(found(f, "\"annual rep\""), "");
    assert_string_equal(found(f, "subject:\"of the year\""), "B");
}

static void test_keywords(void **state)
{
    struct ews_fixture *f = *state;

    given_mails(f);
    assert_string_equal(found(f, "subject:report"), "A");
    assert_string_equal(found(f, "body:report"), "B");
    assert_string_equal(found(f, "from:bob"), "AC");
    assert_string_equal(found(f, "From:bob@example.com"), "AC");
    assert_string_equal(found(f, "to:alice"), "A");
    assert_string_equal(found(f, "to:team@example.org"), "B");
    assert_string_equal(found(f, "cc:alice"), "B");
    assert_string_equal(found(f, "participants:alice"), "AB");
    assert_string_equal(found(f, "hasattachment:yes"), "D");
    assert_string_equal(found(f, "hasattachments:false"), "ABC");
    assert_string_equal(found(f, "importance:HIGH"), "A");
    assert_string_equal(found(f, "isread:no"), "ABCD");
    assert_string_equal(found(f, "kind:email"), "ABCD");
    assert_string_equal(found(f, "kind:contacts"), "");
    assert_string_equal(found(f, "size:&gt;1MB"), "");
    assert_string_equal(found(f, "size:&lt;1MB"), "ABCD");
}

static void test_operators(void **state)
{
    struct ews_fixture *f = *state;

    given_mails(f);
    assert_string_equal(found(f, "annual OR cafe"), "ABC");
    assert_string_equal(found(f, "from:bob AND annual"), "A");
    assert_string_equal(found(f, "NOT from:bob"), "BD");
    assert_string_equal(found(f, "-from:bob -hasattachment:true"), "B");
    assert_string_equal(found(f, "from:bob annual OR deliveries"), "AD");
    assert_string_equal(found(f, "from:bob (annual OR cafe)"), "AC");
    assert_string_equal(found(f, "subject:(deliveries OR cafe)"), "CD");
    assert_string_equal(found(f, "NOT (annual OR cafe)"), "D");
    assert_string_equal(found(f, "annual or cafe"), ""); /* small letters make a word */
}

static void test_dates(void **state)
{
    struct ews_fixture *f = *state;

    given_mails(f); /* came on 14 November 2023, a Tuesday */
    assert_string_equal(found(f, "received:today"), "ABCD");
    assert_string_equal(found(f, "received:yesterday"), "");
    assert_string_equal(found(f, "received:this week"), "ABCD");
    assert_string_equal(found(f, "received:\"last week\""), "");
    assert_string_equal(found(f, "received:2023-11-14"), "ABCD");
    assert_string_equal(found(f, "received:11/14/2023"), "ABCD");
    assert_string_equal(found(f, "received:2023"), "ABCD");
    assert_string_equal(found(f, "received:2023-11-15"), "");
    assert_string_equal(found(f, "received:&gt;=2023-11-15"), "");
    assert_string_equal(found(f, "received:&lt;=2023-11-14"), "ABCD");
    assert_string_equal(found(f, "received:2023-11-01..2023-11-30"), "ABCD");
    assert_string_equal(found(f, "sent:2023-10-10"), "C");
    assert_string_equal(found(f, "sent:&lt;2023-10-10"), "");
    assert_string_equal(found(f, "sent:2023-10"), "C");
    assert_string_equal(found(f, "sent:last month"), "C");
}

static void test_refuses_what_it_does_not_understand(void **state)
{
    static const char *const wrong[] = {
        "colour:red",        "received:someday", "(annual",  "annual)",    "\"annual",  "subject:",
        "hasattachment:may", "kind:fish",        "size:big", "annual AND", "OR annual", "-"};
    struct ews_fixture *f = *state;
    char *many = arena_alloc(f->arena, 5000);

    given_mails(f);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        query(f, wrong[i]);
        assert_string_equal(ews_text(f, "ResponseCode"), "ErrorUnsupportedQueryFilter");
    }
    for (size_t i = 0; i < 4999; i++) {
        many[i] = i % 20 == 19 ? ' ' : '(';
    }
    query(f, many);
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorQueryFilterTooLong");
    many[1000] = '\0';
    query(f, many);
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorQueryFilterTooLong");
    memset(many, 'a', 1000);
    for (size_t i = 1; i < 1000; i += 2) {
        many[i] = ' ';
    }
    query(f, many);
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorQueryFilterTooLong");
}

static void test_excludes_a_restriction(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask(f, "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
               "</m:ItemShape><m:Restriction><t:Exists><t:FieldURI FieldURI='item:Subject'/>"
               "</t:Exists></m:Restriction><m:ParentFolderIds>"
               "<t:DistinguishedFolderId Id='inbox'/></m:ParentFolderIds>"
               "<m:QueryString>a</m:QueryString></m:FindItem>");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidOperation");
}

static void test_spans_keep_to_the_zone(void **state)
{
    const int64_t now = 1700000000000; /* 2023-11-14T22:13:20Z */
    const struct zone_rules rules = {.standard_s = 7200}, *berlin;
    const struct zone_context east = {.rules = &rules}, utc = {.rules = NULL};
    struct zone_context changing;
    struct aqs_span span;

    (void)state;
    berlin = zone_rules_find(STR("Europe/Berlin"));
    changing = (struct zone_context){.rules = berlin};
    assert_true(aqs_span_parse(STR("today"), now, &east, &span));
    assert_int_equal(span.from_ms, INT64_C(1699999200000)); /* midnight two hours east */
    assert_int_equal(span.to_ms - span.from_ms, 86400000);
    assert_true(aqs_span_parse(STR("2024-02"), now, &utc, &span));
    assert_int_equal(span.to_ms - span.from_ms, INT64_C(29) * 86400000);
    assert_true(aqs_span_parse(STR("2023-11-14T22:13:20Z"), now, &east, &span));
    assert_int_equal(span.from_ms, now);
    /* A day of 23 hours, and an hour of summer. */
    assert_true(aqs_span_parse(STR("2024-03-31"), now, &changing, &span));
    assert_int_equal(span.to_ms - span.from_ms, INT64_C(23) * 3600000);
    assert_true(aqs_span_parse(STR("2024-07-01T10:00:00"), now, &changing, &span));
    assert_int_equal(span.from_ms, INT64_C(1719820800000)); /* 08:00 UTC */
    assert_false(aqs_span_parse(STR("2023-02-29"), now, &utc, &span));
    assert_false(aqs_span_parse(STR("2023-13"), now, &utc, &span));
    assert_false(aqs_span_parse(STR("1-2-3-4"), now, &utc, &span));
    assert_false(aqs_span_parse(STR(""), now, &utc, &span));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
        T(test_words_are_all_wanted),
        T(test_phrases),
        T(test_keywords),
        T(test_operators),
        T(test_dates),
        T(test_refuses_what_it_does_not_understand),
        T(test_excludes_a_restriction),
        cmocka_unit_test(test_spans_keep_to_the_zone),
#undef T
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
