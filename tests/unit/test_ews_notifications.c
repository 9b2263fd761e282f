/* Documents of streams and pushes, as clients cut and read them, and what listeners answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/limits.h"
#include "ews/notifications.h"
#include "mailbox/store.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <stdio.h>
#include <string.h>

#define SOAP "http://schemas.xmlsoap.org/soap/envelope/"
#define MESSAGES "http://schemas.microsoft.com/exchange/services/2006/messages"

static const struct subscription SUBSCRIPTION = {.id = {77}, .kind = SUBSCRIPTION_STREAMING};

static struct notification_context context_of(struct ews_fixture *f)
{
    return (struct notification_context){&f->service, store_token_key(f->store), f->alice};
}

/* One of each kind that differs in its XML. */
static const struct notice NOTICES[] = {
    {.type = NOTICE_NEW_MAIL,
     .object = 50,
     .parent = 8,
     .at_ms = 1700000000999,
     .after = {{60}, 1}},
    {.type = NOTICE_MODIFIED,
     .object = 50,
     .parent = 8,
     .at_ms = 1700000000000,
     .has_unread = true,
     .unread = 9,
     .after = {{60}, 2}},
    {.type = NOTICE_MODIFIED,
     .folder = true,
     .object = 8,
     .parent = 2,
     .at_ms = 1700000001000,
     .has_unread = true,
     .unread = 3,
     .after = {{61}, 0}},
    {.type = NOTICE_MOVED,
     .object = 62,
     .parent = 9,
     .old_object = 50,
     .old_parent = 8,
     .at_ms = 1700000002000,
     .after = {{62}, 1}},
    {.type = NOTICE_COPIED,
     .folder = true,
     .object = 64,
     .parent = 9,
     .old_object = 30,
     .old_parent = 8,
     .at_ms = 1700000003000,
     .after = {{64}, 1}},
    {.type = NOTICE_FREE_BUSY,
     .object = 65,
     .parent = 15,
     .at_ms = 1700000004000,
     .after = {{66}, 0}},
    /* The root. */
    {.type = NOTICE_MODIFIED,
     .folder = true,
     .object = 1,
     .at_ms = 1700000005000,
     .after = {{67}, 0}},
};
static const struct notice_page PAGE = {NOTICES, ARRAY_LEN(NOTICES), true, false, {{67}, 0}};
static const struct notice_page NO_NEWS = {.end = {{67}, 0}};

/* ---- looking ---- */

static void swap_text(struct ews_fixture *f, struct str *text, const char *from, const char *to)
{
    struct buf out = BUF_INIT;
    size_t at = 0, next;

    while ((next = str_find(*text, str_from(from), at)) != SIZE_MAX) {
        buf_append(&out, text->p + at, next - at);
        buf_add_cstr(&out, to);
        at = next + strlen(from);
    }
    buf_append(&out, text->p + at, text->n - at);
    *text = str_dup(f->arena, buf_str(&out));
    buf_fini(&out);
}

/* For the check against the schema, in which two elements are in another namespace than clients want them. */
static void keep_twin(struct ews_fixture *f)
{
    static unsigned count;
    const char *dir = getenv("EWER_ANSWERS");
    struct str twin = f->answer;
    FILE *file;

    if (dir == NULL) {
        return;
    }
    if (str_find(twin, STR("<m:Notifications>"), 0) != SIZE_MAX) {
        swap_text(f, &twin, "m:Notification>", "t:Notification>");
    }
    swap_text(f, &twin, "m:SubscriptionId>", "t:SubscriptionId>");
    file = fopen(arena_printf(f->arena, "%s/stream-%u.xml", dir, count++), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(twin.p, 1, twin.n, file), twin.n);
    assert_int_equal(fclose(file), 0);
}

static void look(struct ews_fixture *f, struct buf *out)
{
    static const struct xml_limits LIMITS = {1U << 20, 50, 10000, 50};
    struct err err;

    f->answer = str_dup(f->arena, buf_str(out));
    buf_fini(out);
    assert_int_equal(xml_parse(f->arena, f->answer, &LIMITS, &f->root, &err), 0);
    keep_twin(f);
}

/* What clients do to find documents in a stream. */
static void assert_framed(struct ews_fixture *f)
{
    size_t end = str_find(f->answer, STR("</Envelope>"), 0);

    assert_true(str_starts(f->answer, STR("<Envelope xmlns=\"" SOAP "\"")));
    assert_int_equal(end + strlen("</Envelope>"), f->answer.n);
    assert_int_equal(str_find(f->answer, STR("<?"), 0), SIZE_MAX);
    assert_true(xml_is(f->root, XML_NS_SOAP, "Envelope"));
    assert_string_equal(ews_outline(f, xml_child(f->root, XML_NS_SOAP, "Header")),
                        "Header(ServerVersionInfo)");
    assert_string_equal(ews_attr(f, "ServerVersionInfo", "MajorVersion"), "15");
}

static const char *message(struct ews_fixture *f, const char *class)
{
    const struct xml_node *node = ews_nth(f, "GetStreamingEventsResponseMessage", 0);

    assert_true(str_is(xml_attr(node, "ResponseClass"), class));
    return ews_outline(f, node);
}

/* ---- documents of a stream ---- */

static void test_signs_of_life_and_the_end(void **state)
{
    struct ews_fixture *f = *state;
    const struct notification_context c = context_of(f);
    struct buf out = BUF_INIT;

    stream_document_alive(&out, &c);
    look(f, &out);
    assert_framed(f);
    assert_string_equal(message(f, "Success"),
                        "GetStreamingEventsResponseMessage(ResponseCode ConnectionStatus)");
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    assert_string_equal(ews_text(f, "ConnectionStatus"), "OK");
    stream_document_closed(&out, &c);
    look(f, &out);
    assert_framed(f);
    assert_string_equal(message(f, "Success"),
                        "GetStreamingEventsResponseMessage(ResponseCode ConnectionStatus)");
    assert_string_equal(ews_text(f, "ConnectionStatus"), "Closed");
}

static void test_events_of_a_stream(void **state)
{
    struct ews_fixture *f = *state;
    const struct notification_context c = context_of(f);
    struct buf out = BUF_INIT, id = BUF_INIT;

    stream_document_notices(&out, &c, &SUBSCRIPTION, &PAGE);
    look(f, &out);
    assert_framed(f);
    assert_string_equal(
        message(f, "Success"),
        "GetStreamingEventsResponseMessage(ResponseCode Notifications(Notification("
        "SubscriptionId "
        "NewMailEvent(TimeStamp ItemId ParentFolderId) "
        "ModifiedEvent(TimeStamp ItemId ParentFolderId) "
        "ModifiedEvent(TimeStamp FolderId ParentFolderId UnreadCount) "
        "MovedEvent(TimeStamp ItemId ParentFolderId OldItemId OldParentFolderId) "
        "CopiedEvent(TimeStamp FolderId ParentFolderId OldFolderId OldParentFolderId) "
        "FreeBusyChangedEvent(TimeStamp ItemId ParentFolderId) "
        "ModifiedEvent(TimeStamp FolderId ParentFolderId))))");
    assert_true(xml_is(ews_nth(f, "Notification", 0), XML_NS_MESSAGES, "Notification"));
    assert_true(xml_is(ews_nth(f, "SubscriptionId", 0), XML_NS_TYPES, "SubscriptionId"));
    assert_string_equal(ews_text(f, "UnreadCount"), "3");
    assert_string_equal(ews_text(f, "TimeStamp"), "2023-11-14T22:13:20Z");
    subscription_id_write(&id, &c, &SUBSCRIPTION);
    assert_string_equal(ews_text(f, "SubscriptionId"), str_cstr(f->arena, buf_str(&id)));
    buf_fini(&id);
}

static void test_a_stream_without_news(void **state)
{
    struct ews_fixture *f = *state;
    const struct notification_context c = context_of(f);
    struct buf out = BUF_INIT;

    stream_document_notices(&out, &c, &SUBSCRIPTION, &NO_NEWS);
    look(f, &out);
    assert_non_null(strstr(f->answer.p, "<t:StatusEvent/>"));
}

static void test_errors_of_a_stream(void **state)
{
    static const struct str IDS[] = {STR_INIT("<&>"), STR_INIT("b")};
    struct ews_fixture *f = *state;
    const struct notification_context c = context_of(f);
    struct buf out = BUF_INIT;

    stream_document_error(&out, &c, ERR_SUBSCRIPTION_INVALID, IDS, 2, true);
    look(f, &out);
    assert_framed(f);
    assert_string_equal(message(f, "Error"),
                        "GetStreamingEventsResponseMessage(MessageText ResponseCode "
                        "DescriptiveLinkKey ErrorSubscriptionIds(SubscriptionId SubscriptionId) "
                        "ConnectionStatus)");
    assert_string_equal(ews_text(f, "MessageText"), "Subscription is invalid.");
    assert_true(xml_is(ews_nth(f, "SubscriptionId", 1), XML_NS_MESSAGES, "SubscriptionId"));
    assert_string_equal(ews_text(f, "SubscriptionId"), "<&>");
    assert_string_equal(ews_text(f, "ConnectionStatus"), "Closed");

    stream_document_error(&out, &c, ERR_EVENTS_MISSED, IDS, 1, false);
    look(f, &out);
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorMissedNotificationEvents");
    assert_int_equal(ews_count(f, "ConnectionStatus"), 0);

    stream_document_error(&out, &c, ERR_STREAM_TAKEN_OVER, NULL, 0, true);
    look(f, &out);
    assert_string_equal(message(f, "Error"),
                        "GetStreamingEventsResponseMessage(MessageText ResponseCode "
                        "DescriptiveLinkKey ConnectionStatus)");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorNewEventStreamConnectionOpened");
}

/* ---- pushes ---- */

static const char *watermark(struct ews_fixture *f, struct log_position at)
{
    const struct token_watermark token = {f->alice, at};
    struct buf text = BUF_INIT;
    const char *copy;

    token_watermark_write(&text, store_token_key(f->store), &token);
    copy = str_cstr(f->arena, buf_str(&text));
    buf_fini(&text);
    return copy;
}

static void test_a_push(void **state)
{
    struct ews_fixture *f = *state;
    const struct notification_context c = context_of(f);
    struct buf out = BUF_INIT;

    push_document(&out, &c, &SUBSCRIPTION, (struct log_position){{59}, 0}, &PAGE);
    look(f, &out);
    assert_true(str_starts(f->answer, STR("<?xml ")));
    assert_string_equal(ews_outline(f, xml_child(f->root, XML_NS_SOAP, "Header")),
                        "Header(RequestServerVersion)");
    assert_true(xml_is(ews_nth(f, "Body", 0)->first_child, XML_NS_MESSAGES, "SendNotification"));
    assert_string_equal(ews_children(f, ews_nth(f, "SendNotificationResponseMessage", 0)),
                        "ResponseCode Notification");
    assert_string_equal(ews_children(f, ews_nth(f, "Notification", 0)),
                        "SubscriptionId PreviousWatermark MoreEvents NewMailEvent ModifiedEvent "
                        "ModifiedEvent MovedEvent CopiedEvent FreeBusyChangedEvent ModifiedEvent");
    assert_string_equal(ews_text(f, "PreviousWatermark"),
                        watermark(f, (struct log_position){{59}, 0}));
    assert_string_equal(ews_text(f, "MoreEvents"), "true");
    assert_int_equal(ews_count(f, "Watermark"), ARRAY_LEN(NOTICES));
    assert_string_equal(ews_text(f, "Watermark"), watermark(f, NOTICES[0].after));
}

static void test_a_push_without_news(void **state)
{
    struct ews_fixture *f = *state;
    const struct notification_context c = context_of(f);
    struct buf out = BUF_INIT;

    push_document(&out, &c, &SUBSCRIPTION, (struct log_position){{59}, 0}, &NO_NEWS);
    look(f, &out);
    assert_string_equal(ews_outline(f, ews_nth(f, "Notification", 0)),
                        "Notification(SubscriptionId PreviousWatermark MoreEvents "
                        "StatusEvent(Watermark))");
    assert_string_equal(ews_text(f, "MoreEvents"), "false");
    assert_string_equal(ews_text(f, "Watermark"), watermark(f, NO_NEWS.end));
}

/* ---- answers of listeners ---- */

#define ANSWER(status)                                                                             \
    "<?xml version='1.0' encoding='utf-8'?>\r\n<s:Envelope xmlns:s='" SOAP "' xmlns:m='" MESSAGES  \
    "'><s:Header/><s:Body><m:SendNotificationResult><m:SubscriptionStatus>" status                 \
    "</m:SubscriptionStatus></m:SendNotificationResult></s:Body></s:Envelope>"

static void test_answers_that_are_understood(void **state)
{
    static const char *const OKS[] = {
        ANSWER("OK"),
        ANSWER("\n  OK\n"),
        "<soap12:Envelope xmlns:soap12='http://www.w3.org/2003/05/soap-envelope'><soap12:Body>"
        "<SendNotificationResult xmlns='" MESSAGES "'><SubscriptionStatus>OK</SubscriptionStatus>"
        "</SendNotificationResult></soap12:Body></soap12:Envelope>",
        "<Envelope><Body><SendNotificationResult><SubscriptionStatus>OK</SubscriptionStatus>"
        "</SendNotificationResult></Body></Envelope>",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(OKS); i++) {
        assert_int_equal(push_answer_read(str_from(OKS[i])), PUSH_ANSWER_OK);
    }
    assert_int_equal(push_answer_read(STR(ANSWER("Unsubscribe"))), PUSH_ANSWER_UNSUBSCRIBE);
}

static void test_answers_that_are_not(void **state)
{
    static const char *const BAD[] = {
        "",
        "OK",
        ANSWER(""),
        ANSWER("ok"),
        ANSWER("Unsubscribed"),
        ANSWER("<m:OK/>"),
        "<SendNotificationResult><SubscriptionStatus>OK</SubscriptionStatus>"
        "</SendNotificationResult>",
        "<x><Body><SendNotificationResult><SubscriptionStatus>OK</SubscriptionStatus>"
        "</SendNotificationResult></Body></x>",
        "<Envelope><Body><SubscriptionStatus>OK</SubscriptionStatus></Body></Envelope>",
        "<Envelope><Body/></Envelope>",
        "<Envelope><Body><SendNotificationResult><SubscriptionStatus>OK</SubscriptionStatus>",
        "<!DOCTYPE x [<!ENTITY a 'OK'>]><Envelope><Body><SendNotificationResult>"
        "<SubscriptionStatus>&a;</SubscriptionStatus></SendNotificationResult></Body></Envelope>",
        "<html><body>502 Bad Gateway</body></html>",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        assert_int_equal(push_answer_read(str_from(BAD[i])), PUSH_ANSWER_UNREADABLE);
    }
}

/* Too deep, too many, too long: each would be fine otherwise. */
static void test_answers_are_bounded(void **state)
{
    static const struct {
        const char *open, *close;
        size_t times;
    } SHAPES[] = {{"<a>", "</a>", PUSH_RESULT_MAX_DEPTH},
                  {"<a/>", "", PUSH_RESULT_MAX_NODES},
                  {"          ", "", PUSH_RESULT_MAX_BYTES / 10}};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(SHAPES); i++) {
        for (size_t times = 1; times <= SHAPES[i].times; times += SHAPES[i].times - 1) {
            struct buf text = BUF_INIT;

            BUF_LIT(&text, "<Envelope><Header>");
            for (size_t k = 0; k < times; k++) {
                buf_add_cstr(&text, SHAPES[i].open);
            }
            for (size_t k = 0; k < times; k++) {
                buf_add_cstr(&text, SHAPES[i].close);
            }
            BUF_LIT(&text, "</Header><Body><SendNotificationResult><SubscriptionStatus>OK"
                           "</SubscriptionStatus></SendNotificationResult></Body></Envelope>");
            assert_int_equal(push_answer_read(str_dup(f->arena, buf_str(&text))),
                             times == 1 ? PUSH_ANSWER_OK : PUSH_ANSWER_UNREADABLE);
            buf_fini(&text);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_signs_of_life_and_the_end),
        TEST(test_events_of_a_stream),
        TEST(test_a_stream_without_news),
        TEST(test_errors_of_a_stream),
        TEST(test_a_push),
        TEST(test_a_push_without_news),
        TEST(test_answers_that_are_understood),
        TEST(test_answers_that_are_not),
        TEST(test_answers_are_bounded),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
