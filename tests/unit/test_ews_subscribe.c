/* Subscribe and Unsubscribe as a client sees them, and the rows that they leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/limits.h"
#include "support/answer_schema.h"
#include "support/hub_fixture.h"
#include "support/subscription_requests.h"

#include <string.h>

static unsigned urls_asked;

static int setup(void **state)
{
    struct ews_fixture *f;
    int rc = hub_fixture_setup(state);

    f = *state;
    urls_asked = 0;
    f->service.push_url_check = any_url;
    f->service.push_context = &urls_asked;
    return rc;
}

/* ---- looking ---- */

struct rows {
    struct subscription *all;
    size_t n;
};

static struct rows rows_of(struct ews_fixture *f)
{
    struct mailbox *mailbox;
    struct mailbox_tx *tx;
    struct rows rows;
    struct err err;

    assert_int_equal(store_mailbox_take(f->store, f->alice, &mailbox, &err), 0);
    assert_int_equal(mailbox_tx_begin(mailbox, MAILBOX_TX_READ, &tx, &err), 0);
    assert_int_equal(subscription_list(tx, 0, f->arena, &rows.all, &rows.n, &err), 0);
    mailbox_tx_rollback(&tx);
    store_mailbox_release(f->store, &mailbox);
    return rows;
}

static void assert_code(struct ews_fixture *f, const char *code)
{
    assert_int_equal(f->http_status, 200);
    assert_string_equal(ews_codes(f), code);
}

static void assert_schema_fault(struct ews_fixture *f)
{
    assert_int_equal(f->http_status, 500);
    assert_int_equal(f->outcome, ERR_SCHEMA);
    assert_int_equal(rows_of(f).n, 0);
}

static const char *message(struct ews_fixture *f)
{
    return ews_outline(f, ews_nth(f, "ResponseMessages", 0)->first_child);
}

/* ---- what is made ---- */

static void test_pull_gives_an_id_and_a_watermark(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct rows rows;

    assert_non_null(subscribe(f, PULL_INBOX));
    assert_string_equal(message(f),
                        "SubscribeResponseMessage(ResponseCode SubscriptionId Watermark)");
    assert_in_range(strlen(ews_text(f, "SubscriptionId")), 30, 64);
    rows = rows_of(f);
    assert_int_equal(rows.n, 1);
    assert_int_equal(rows.all[0].kind, SUBSCRIPTION_PULL);
    assert_int_equal(rows.all[0].owner.v, f->alice.v);
    assert_int_equal(rows.all[0].types, (1 << NOTICE_TYPE_COUNT) - 1);
    assert_int_equal(rows.all[0].folder_n, 1);
    assert_int_equal(rows.all[0].folders[0].v, inbox.v);
    assert_int_equal(rows.all[0].life_ms, 10 * 60000);
    /* Nobody waits for it. */
    assert_false(f->subscriptions_changed);
}

static void test_streaming_has_no_watermark(void **state)
{
    struct ews_fixture *f = *state;

    assert_non_null(subscribe(f, STREAM_INBOX));
    assert_string_equal(message(f), "SubscribeResponseMessage(ResponseCode SubscriptionId)");
    assert_int_equal(rows_of(f).all[0].kind, SUBSCRIPTION_STREAMING);
    assert_int_equal(rows_of(f).all[0].life_ms, HUB_FIXTURE_IDLE_MS);
}

static void test_push_keeps_its_listener(void **state)
{
    struct ews_fixture *f = *state;
    struct mailbox_no *hinted;
    struct subscription row;
    struct err err;
    size_t n;

    assert_non_null(
        subscribe(f, PUSH_OF(INBOX_IDS ALL_TYPES "<t:StatusFrequency>1440</t:StatusFrequency>"
                                                 "<t:URL> http://127.0.0.1:1/a?b=1&amp;c </t:URL>"
                                                 "<t:CallerData> mine </t:CallerData>")));
    assert_string_equal(message(f),
                        "SubscribeResponseMessage(ResponseCode SubscriptionId Watermark)");
    row = rows_of(f).all[0];
    assert_int_equal(row.kind, SUBSCRIPTION_PUSH);
    assert_int_equal(row.life_ms, 1440 * 60000);
    assert_true(str_is(row.url, "http://127.0.0.1:1/a?b=1&c"));
    assert_true(str_is(row.caller_data, " mine "));
    assert_true(f->subscriptions_changed);
    assert_int_equal(store_push_hint_list(f->store, f->arena, &hinted, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(hinted[0].v, f->alice.v);
}

static void test_folders_are_kept_once_each_in_order(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX), drafts = ews_folder(f, DF_DRAFTS);
    struct subscription row;

    assert_non_null(subscribe(
        f, arena_printf(f->arena,
                        STREAM_OF("<t:FolderIds><t:FolderId Id='%s'/><t:FolderId Id='%s'/>"
                                  "<t:DistinguishedFolderId Id='inbox'><t:Mailbox>"
                                  "<t:EmailAddress>ALICE@example.com</t:EmailAddress></t:Mailbox>"
                                  "</t:DistinguishedFolderId></t:FolderIds>" ALL_TYPES),
                        ews_folder_id(f, drafts), ews_folder_id(f, inbox))));
    row = rows_of(f).all[0];
    assert_int_equal(row.folder_n, 2);
    assert_true(row.folders[0].v < row.folders[1].v);
}

static void test_all_folders_and_some_types(void **state)
{
    struct ews_fixture *f = *state;
    struct subscription row;

    assert_non_null(
        subscribe(f, "<m:StreamingSubscriptionRequest SubscribeToAllFolders='true'><t:EventTypes>"
                     "<t:EventType>NewMailEvent</t:EventType><t:EventType>MovedEvent</t:EventType>"
                     "<t:EventType>NewMailEvent</t:EventType></t:EventTypes>"
                     "</m:StreamingSubscriptionRequest>"));
    row = rows_of(f).all[0];
    assert_int_equal(row.folder_n, 0);
    assert_int_equal(row.types, NOTICE_BIT(NOTICE_NEW_MAIL) | NOTICE_BIT(NOTICE_MOVED));
}

static void test_a_watermark_is_where_it_begins(void **state)
{
    static const char *const FORMS[] = {
        PULL_OF(INBOX_IDS ALL_TYPES "<t:Watermark>%s</t:Watermark><t:Timeout>1</t:Timeout>"),
        PULL_OF(INBOX_IDS ALL_TYPES "<m:Watermark>%s</m:Watermark><t:Timeout>1</t:Timeout>")};
    struct ews_fixture *f = *state;
    const char *begin;

    subscribe(f, PULL_INBOX);
    begin = ews_text(f, "Watermark");
    ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++) {
        char *form = str_cstr(f->arena, str_from(FORMS[i]));
        char *at = strstr(form, "%s");

        *at = '\0';
        assert_non_null(subscribe(f, arena_printf(f->arena, "%s%s%s", form, begin, at + 2)));
        assert_string_equal(ews_text(f, "Watermark"), begin);
    }
}

/* ---- what is refused ---- */

static void test_bad_watermarks(void **state)
{
    struct ews_fixture *f = *state;
    const char *const marks[] = {"x", watermark_of(f, f->bob, 5), watermark_of(f, f->alice, 99999),
                                 ews_folder_id(f, ews_folder(f, DF_INBOX))};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        subscribe(f, arena_printf(f->arena,
                                  PULL_OF(INBOX_IDS ALL_TYPES "<t:Watermark>%s</t:Watermark>"
                                                              "<t:Timeout>1</t:Timeout>"),
                                  marks[i]));
        assert_code(f, "ErrorInvalidWatermark");
    }
    assert_int_equal(rows_of(f).n, 0);
}

static void test_folders_or_all_folders(void **state)
{
    static const char *const BAD[] = {
        STREAM_OF(ALL_TYPES),
        "<m:StreamingSubscriptionRequest SubscribeToAllFolders='0'>" ALL_TYPES
        "</m:StreamingSubscriptionRequest>",
        "<m:StreamingSubscriptionRequest SubscribeToAllFolders='1'>" INBOX_IDS ALL_TYPES
        "</m:StreamingSubscriptionRequest>",
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        subscribe(f, BAD[i]);
        assert_code(f, "ErrorInvalidSubscriptionRequest");
    }
}

static void test_what_the_schema_does_not_allow(void **state)
{
    static const char *const BAD[] = {
        "",
        PULL_INBOX STREAM_INBOX,
        PULL_OF(INBOX_IDS ALL_TYPES),
        PULL_OF(INBOX_IDS ALL_TYPES "<t:Timeout>0</t:Timeout>"),
        PULL_OF(INBOX_IDS ALL_TYPES "<t:Timeout>1441</t:Timeout>"),
        PULL_OF(INBOX_IDS ALL_TYPES "<t:Timeout>soon</t:Timeout>"),
        PULL_OF(INBOX_IDS ALL_TYPES "<t:Watermark/><t:Timeout>1</t:Timeout>"),
        PULL_OF(ALL_TYPES INBOX_IDS "<t:Timeout>1</t:Timeout>"),
        PULL_OF("<t:FolderIds/>" ALL_TYPES "<t:Timeout>1</t:Timeout>"),
        STREAM_OF(INBOX_IDS),
        STREAM_OF(INBOX_IDS "<t:EventTypes/>"),
        STREAM_OF(INBOX_IDS "<t:EventTypes>" EVENT_TYPE("StatusEvent") "</t:EventTypes>"),
        STREAM_OF(INBOX_IDS "<t:EventTypes>" EVENT_TYPE("createdevent") "</t:EventTypes>"),
        STREAM_OF(INBOX_IDS ALL_TYPES "<t:Watermark>x</t:Watermark>"),
        PUSH_OF(INBOX_IDS ALL_TYPES "<t:URL>http://127.0.0.1:1/</t:URL>"),
        PUSH_OF(INBOX_IDS ALL_TYPES "<t:StatusFrequency>0</t:StatusFrequency>"
                                    "<t:URL>http://127.0.0.1:1/</t:URL>"),
        PUSH_OF(INBOX_IDS ALL_TYPES "<t:StatusFrequency>1441</t:StatusFrequency>"
                                    "<t:URL>http://127.0.0.1:1/</t:URL>"),
        PUSH_OF(INBOX_IDS ALL_TYPES "<t:StatusFrequency>1</t:StatusFrequency>"),
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        subscribe(f, BAD[i]);
        assert_schema_fault(f);
    }
}

static void test_folders_that_are_not_there(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id gone = ews_given_folder(f, ews_folder(f, DF_INBOX), "gone", "IPF.Note");

    ews_delete_folder(f, gone);
    subscribe(f,
              arena_printf(f->arena,
                           STREAM_OF("<t:FolderIds><t:FolderId Id='%s'/></t:FolderIds>" ALL_TYPES),
                           ews_folder_id(f, gone)));
    assert_code(f, "ErrorFolderNotFound");
    subscribe(f, STREAM_OF("<t:FolderIds><t:DistinguishedFolderId Id='voicemail'/>"
                           "</t:FolderIds>" ALL_TYPES));
    assert_code(f, "ErrorFolderNotFound");
    subscribe(f, STREAM_OF("<t:FolderIds><t:FolderId Id='x'/></t:FolderIds>" ALL_TYPES));
    assert_code(f, "ErrorInvalidIdMalformed");
    assert_int_equal(rows_of(f).n, 0);
}

#define BOBS_INBOX                                                                                 \
    "<t:DistinguishedFolderId Id='inbox'><t:Mailbox><t:EmailAddress>bob@example.com"               \
    "</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"

static void test_another_mailbox_is_not_watched(void **state)
{
    struct ews_fixture *f = *state;

    subscribe(f, STREAM_OF("<t:FolderIds>" BOBS_INBOX "</t:FolderIds>" ALL_TYPES));
    assert_code(f, "ErrorSubscriptionDelegateAccessNotSupported");
    assert_string_equal(ews_text(f, "MessageText"),
                        "Subscriptions are not supported for delegate user access.");
    subscribe(f,
              arena_printf(f->arena,
                           STREAM_OF("<t:FolderIds><t:FolderId Id='%s'/></t:FolderIds>" ALL_TYPES),
                           ews_foreign_folder_id(f, ews_folder(f, DF_INBOX))));
    assert_code(f, "ErrorSubscriptionDelegateAccessNotSupported");
    subscribe(f, STREAM_OF("<t:FolderIds><t:DistinguishedFolderId Id='inbox'/>" BOBS_INBOX
                           "</t:FolderIds>" ALL_TYPES));
    assert_code(f, "ErrorInvalidSubscriptionRequest");
}

static void test_folders_of_a_subscription_are_bounded(void **state)
{
    struct ews_fixture *f = *state;
    struct buf ids = BUF_INIT;
    size_t cut;

    for (size_t i = 0; i <= SUBSCRIBE_MAX_FOLDERS; i++) {
        cut = ids.n;
        BUF_LIT(&ids, "<t:DistinguishedFolderId Id='inbox'/>");
    }
    subscribe(f, arena_printf(f->arena, STREAM_OF("<t:FolderIds>%.*s</t:FolderIds>" ALL_TYPES),
                              (int)ids.n, ids.p));
    assert_code(f, "ErrorInvalidSubscriptionRequest");
    subscribe(f, arena_printf(f->arena, STREAM_OF("<t:FolderIds>%.*s</t:FolderIds>" ALL_TYPES),
                              (int)cut, ids.p));
    assert_code(f, "NoError");
    assert_int_equal(rows_of(f).all[0].folder_n, 1);
    buf_fini(&ids);
}

static void test_only_so_many_subscriptions(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = NULL;

    for (size_t i = 0; i < HUB_FIXTURE_SUBSCRIPTIONS; i++) {
        id = subscribe(f, i % 2 == 0 ? PULL_INBOX : STREAM_INBOX);
        assert_non_null(id);
    }
    subscribe(f, STREAM_INBOX);
    assert_code(f, "ErrorExceededSubscriptionCount");
    unsubscribe(f, id);
    assert_non_null(subscribe(f, STREAM_INBOX));
    /* Those that ended by themselves do not count. */
    clock_manual_advance(&f->clock, HUB_FIXTURE_IDLE_MS * 2);
    assert_non_null(subscribe(f, STREAM_INBOX));
    assert_int_equal(rows_of(f).n, 1);
}

static void test_push_urls(void **state)
{
    struct ews_fixture *f = *state;
    char *data = arena_alloc(f->arena, SUBSCRIBE_MAX_CALLER_DATA_BYTES + 2);

    subscribe(f, PUSH_OF(INBOX_IDS ALL_TYPES "<t:StatusFrequency>1</t:StatusFrequency>"
                                             "<t:URL>ftp://x/</t:URL>"));
    assert_code(f, "ErrorInvalidPushSubscriptionUrl");
    assert_int_equal(urls_asked, 1);
    memset(data, 'x', SUBSCRIBE_MAX_CALLER_DATA_BYTES + 1);
    subscribe(f, arena_printf(f->arena,
                              PUSH_OF(INBOX_IDS ALL_TYPES "<t:StatusFrequency>1</t:StatusFrequency>"
                                                          "<t:URL>http://127.0.0.1:1/</t:URL>"
                                                          "<t:CallerData>%s</t:CallerData>"),
                              data));
    assert_code(f, "ErrorInvalidSubscriptionRequest");
    f->service.push_url_check = NULL;
    subscribe(f, PUSH_INBOX);
    assert_code(f, "ErrorInvalidPushSubscriptionUrl");
    assert_string_equal(ews_text(f, "MessageText"), "This server sends no push notifications.");
    assert_false(f->subscriptions_changed);
    assert_int_equal(rows_of(f).n, 0);
}

static void test_without_a_hub_nobody_subscribes(void **state)
{
    struct ews_fixture *f = *state;
    struct hub *hub = f->service.hub;

    f->service.hub = NULL;
    subscribe(f, PULL_INBOX);
    assert_code(f, "ErrorInvalidOperation");
    f->service.hub = hub;
}

/* ---- Unsubscribe ---- */

static void test_unsubscribe_ends_pull_and_streaming(void **state)
{
    static const char *const FORMS[] = {PULL_INBOX, STREAM_INBOX};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++) {
        const char *id = subscribe(f, FORMS[i]);

        unsubscribe(f, id);
        assert_code(f, "NoError");
        assert_string_equal(message(f), "UnsubscribeResponseMessage(ResponseCode)");
        assert_true(f->subscriptions_changed);
        assert_int_equal(rows_of(f).n, 0);
        unsubscribe(f, id);
        assert_code(f, "ErrorSubscriptionNotFound");
        assert_string_equal(ews_text(f, "MessageText"),
                            "The specified subscription was not found.");
        assert_false(f->subscriptions_changed);
    }
}

static void test_unsubscribe_of_what_is_not_there(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, STREAM_INBOX);

    unsubscribe(f, "SUB170");
    assert_code(f, "ErrorSubscriptionNotFound");
    unsubscribe(f, ews_folder_id(f, ews_folder(f, DF_INBOX)));
    assert_code(f, "ErrorSubscriptionNotFound");
    unsubscribe(f, "");
    assert_int_equal(f->outcome, ERR_SCHEMA);
    clock_manual_advance(&f->clock, HUB_FIXTURE_IDLE_MS * 2);
    unsubscribe(f, id);
    assert_code(f, "ErrorSubscriptionNotFound");
}

static void test_only_the_owner_unsubscribes(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, STREAM_INBOX);

    f->as = f->bob;
    unsubscribe(f, id);
    assert_code(f, "ErrorSubscriptionAccessDenied");
    assert_int_equal(rows_of(f).n, 1);
}

static void test_push_ends_by_its_listener_only(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, PUSH_INBOX);

    unsubscribe(f, id);
    assert_code(f, "ErrorInvalidPullSubscriptionId");
    assert_int_equal(rows_of(f).n, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, hub_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pull_gives_an_id_and_a_watermark),
        TEST(test_streaming_has_no_watermark),
        TEST(test_push_keeps_its_listener),
        TEST(test_folders_are_kept_once_each_in_order),
        TEST(test_all_folders_and_some_types),
        TEST(test_a_watermark_is_where_it_begins),
        TEST(test_bad_watermarks),
        TEST(test_folders_or_all_folders),
        TEST(test_what_the_schema_does_not_allow),
        TEST(test_folders_that_are_not_there),
        TEST(test_another_mailbox_is_not_watched),
        TEST(test_folders_of_a_subscription_are_bounded),
        TEST(test_only_so_many_subscriptions),
        TEST(test_push_urls),
        TEST(test_without_a_hub_nobody_subscribes),
        TEST(test_unsubscribe_ends_pull_and_streaming),
        TEST(test_unsubscribe_of_what_is_not_there),
        TEST(test_only_the_owner_unsubscribes),
        TEST(test_push_ends_by_its_listener_only),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
