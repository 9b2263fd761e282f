/* GetEvents and GetStreamingEvents as a client sees them. */
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
    f->service.push_url_check = any_url;
    f->service.push_context = &urls_asked;
    return rc;
}

static void assert_code(struct ews_fixture *f, const char *code)
{
    assert_int_equal(f->http_status, 200);
    assert_string_equal(ews_codes(f), code);
}

/* ---- GetEvents ---- */

/* Events of the answer, by name. */
static const char *events(struct ews_fixture *f)
{
    const char *all;

    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    all = ews_children(f, ews_nth(f, "Notification", 0));
    assert_int_equal(strncmp(all, "SubscriptionId PreviousWatermark MoreEvents ", 44), 0);
    return all + 44;
}

/* The last event's. */
static const char *last_watermark(struct ews_fixture *f)
{
    const struct xml_node *mark = ews_nth(f, "Watermark", ews_count(f, "Watermark") - 1);

    return str_cstr(f->arena, mark->text);
}

static void test_nothing_new_is_a_status_event(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, PULL_INBOX), *begin = ews_text(f, "Watermark");

    get_events(f, id, begin);
    assert_string_equal(events(f), "StatusEvent");
    assert_string_equal(ews_text(f, "SubscriptionId"), id);
    assert_string_equal(ews_text(f, "PreviousWatermark"), begin);
    assert_string_equal(ews_text(f, "MoreEvents"), "false");
    assert_string_equal(ews_outline(f, ews_nth(f, "StatusEvent", 0)), "StatusEvent(Watermark)");
    get_events(f, id, last_watermark(f));
    assert_string_equal(events(f), "StatusEvent");
}

static void test_a_new_message_is_told_with_its_folder(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, PULL_INBOX), *begin = ews_text(f, "Watermark");
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    const char *item = ews_item_id(f, ews_given_message(f, inbox, "x")), *first;

    get_events(f, id, begin);
    assert_non_null(strstr(events(f), "CreatedEvent"));
    assert_non_null(strstr(events(f), "NewMailEvent"));
    assert_string_equal(ews_outline(f, ews_nth(f, "CreatedEvent", 0)),
                        "CreatedEvent(Watermark TimeStamp ItemId ParentFolderId)");
    assert_string_equal(ews_outline(f, ews_nth(f, "ModifiedEvent", 0)),
                        "ModifiedEvent(Watermark TimeStamp FolderId ParentFolderId UnreadCount)");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), item);
    assert_string_equal(ews_attr(f, "ParentFolderId", "Id"), ews_folder_id(f, inbox));
    assert_string_equal(ews_attr(f, "FolderId", "Id"), ews_folder_id(f, inbox));
    assert_string_equal(ews_text(f, "UnreadCount"), "1");
    assert_string_equal(ews_text(f, "TimeStamp"), "2023-11-14T22:13:20Z");
    assert_string_equal(ews_attr(f, "ItemId", "ChangeKey"), ews_attr(f, "FolderId", "ChangeKey"));
    first = f->answer.p;
    /* An answer that got lost is asked for again. */
    get_events(f, id, begin);
    assert_string_equal(f->answer.p, first);
    get_events(f, id, last_watermark(f));
    assert_string_equal(events(f), "StatusEvent");
}

static void test_an_item_that_changed_has_no_unread_count(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id item = ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    const char *id = subscribe(f, PULL_INBOX), *begin = ews_text(f, "Watermark");

    ews_touch(f, item);
    get_events(f, id, begin);
    assert_string_equal(ews_outline(f, ews_nth(f, "ModifiedEvent", 0)),
                        "ModifiedEvent(Watermark TimeStamp ItemId ParentFolderId)");
}

static void test_moves_tell_the_old_place(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX), drafts = ews_folder(f, DF_DRAFTS);
    struct folder_id folder = ews_given_folder(f, inbox, "sub", "IPF.Note");
    struct item_id item = ews_given_message(f, inbox, "x"), moved;
    const char *begin, *id;

    id = subscribe(f, PULL_OF(INBOX_IDS "<t:EventTypes>" EVENT_TYPE(
                          "MovedEvent") "</t:EventTypes><t:Timeout>1</t:Timeout>"));
    begin = ews_text(f, "Watermark");
    moved = ews_move_item(f, item, drafts);
    ews_move_folder(f, folder, drafts);
    get_events(f, id, begin);
    assert_string_equal(ews_outline(f, ews_nth(f, "MovedEvent", 0)),
                        "MovedEvent(Watermark TimeStamp ItemId ParentFolderId OldItemId "
                        "OldParentFolderId)");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), ews_item_id(f, moved));
    assert_string_equal(ews_attr(f, "OldItemId", "Id"), ews_item_id(f, item));
    assert_string_equal(ews_attr(f, "ParentFolderId", "Id"), ews_folder_id(f, drafts));
    assert_string_equal(ews_attr(f, "OldParentFolderId", "Id"), ews_folder_id(f, inbox));
    assert_string_equal(ews_outline(f, ews_nth(f, "MovedEvent", 1)),
                        "MovedEvent(Watermark TimeStamp FolderId ParentFolderId OldFolderId "
                        "OldParentFolderId)");
    assert_string_equal(ews_attr(f, "OldFolderId", "Id"), ews_folder_id(f, folder));
}

static void test_the_whole_tree_may_be_watched(void **state)
{
    struct ews_fixture *f = *state;
    const char *begin, *id;

    id = subscribe(f, "<m:PullSubscriptionRequest SubscribeToAllFolders='true'>" ALL_TYPES
                      "<t:Timeout>1</t:Timeout></m:PullSubscriptionRequest>");
    begin = ews_text(f, "Watermark");
    ews_given_folder(f, ews_folder(f, DF_ROOT), "new", "IPF.Note");
    get_events(f, id, begin);
    /* The root, which has no parent, is told of as well. */
    assert_string_equal(ews_outline(f, ews_nth(f, "CreatedEvent", 0)),
                        "CreatedEvent(Watermark TimeStamp FolderId ParentFolderId)");
    assert_non_null(ews_nth(f, "ModifiedEvent", 0));
}

static void test_only_what_was_asked_for(void **state)
{
    struct ews_fixture *f = *state;
    const char *begin, *id;

    id = subscribe(f, PULL_OF(INBOX_IDS "<t:EventTypes>" EVENT_TYPE(
                          "DeletedEvent") "</t:EventTypes><t:Timeout>1</t:Timeout>"));
    begin = ews_text(f, "Watermark");
    ews_given_message(f, ews_folder(f, DF_DRAFTS), "elsewhere");
    ews_delete_item(f, ews_given_message(f, ews_folder(f, DF_INBOX), "x"));
    get_events(f, id, begin);
    assert_string_equal(events(f), "DeletedEvent");
}

/* Pages of at most 50, no event twice and none left out. */
static void test_more_events(void **state)
{
    struct ews_fixture *f = *state;
    const char *id, *at, *more = "true";
    size_t told = 0, pages = 0;

    id = subscribe(f, PULL_OF(INBOX_IDS "<t:EventTypes>" EVENT_TYPE(
                          "CreatedEvent") "</t:EventTypes><t:Timeout>60</t:Timeout>"));
    at = ews_text(f, "Watermark");
    for (size_t i = 0; i < 120; i++) {
        ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    }
    while (strcmp(more, "true") == 0) {
        size_t here;

        get_events(f, id, at);
        assert_string_equal(ews_text(f, "PreviousWatermark"), at);
        here = ews_count(f, "CreatedEvent");
        assert_in_range(here, 1, GET_EVENTS_MAX);
        more = ews_text(f, "MoreEvents");
        assert_true(here == GET_EVENTS_MAX || strcmp(more, "false") == 0);
        told += here;
        at = last_watermark(f);
        assert_in_range(++pages, 1, 4);
    }
    assert_int_equal(told, 120);
    get_events(f, id, at);
    assert_string_equal(events(f), "StatusEvent");
}

static void test_the_watermark_in_any_namespace(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, PULL_INBOX), *begin = ews_text(f, "Watermark");

    ews_ask(f,
            "<m:GetEvents><m:SubscriptionId> %s\n</m:SubscriptionId><t:Watermark>%s</t:Watermark>"
            "</m:GetEvents>",
            id, begin);
    assert_string_equal(events(f), "StatusEvent");
}

static void test_bad_requests_for_events(void **state)
{
    static const char *const BAD[] = {
        "<m:GetEvents/>",
        "<m:GetEvents><m:SubscriptionId>x</m:SubscriptionId></m:GetEvents>",
        "<m:GetEvents><m:SubscriptionId/><m:Watermark>x</m:Watermark></m:GetEvents>",
        "<m:GetEvents><m:SubscriptionId>x</m:SubscriptionId><m:Watermark> </m:Watermark>"
        "</m:GetEvents>",
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        ews_ask(f, "%s", BAD[i]);
        assert_int_equal(f->outcome, ERR_SCHEMA);
        assert_int_equal(f->http_status, 500);
    }
}

static void test_events_of_what_is_no_pull_subscription(void **state)
{
    struct ews_fixture *f = *state;
    const char *pull = subscribe(f, PULL_INBOX), *mark = ews_text(f, "Watermark");
    const char *stream = subscribe(f, STREAM_INBOX), *push = subscribe(f, PUSH_INBOX);

    get_events(f, "SUB309", mark);
    assert_code(f, "ErrorSubscriptionNotFound");
    assert_string_equal(ews_outline(f, ews_nth(f, "GetEventsResponseMessage", 0)),
                        "GetEventsResponseMessage(MessageText ResponseCode DescriptiveLinkKey)");
    get_events(f, stream, mark);
    assert_code(f, "ErrorInvalidPullSubscriptionId");
    get_events(f, push, mark);
    assert_code(f, "ErrorInvalidPullSubscriptionId");
    f->as = f->bob;
    get_events(f, pull, mark);
    assert_code(f, "ErrorSubscriptionAccessDenied");
    assert_string_equal(ews_text(f, "MessageText"),
                        "Access is denied. Only the subscription owner may access the "
                        "subscription.");
}

static void test_a_pull_subscription_dies_unused(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, PULL_INBOX), *mark = ews_text(f, "Watermark");

    for (size_t i = 0; i < 3; i++) {
        clock_manual_advance(&f->clock, 10 * 60000);
        get_events(f, id, mark);
        assert_code(f, "NoError");
    }
    clock_manual_advance(&f->clock, 10 * 60000 + 60000);
    get_events(f, id, mark);
    assert_code(f, "ErrorSubscriptionNotFound");
}

static void test_watermarks_that_do_not_serve(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, PULL_INBOX);
    const char *const marks[] = {"W170", id, watermark_of(f, f->bob, 5),
                                 watermark_of(f, f->alice, 1000000)};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        get_events(f, id, marks[i]);
        assert_code(f, "ErrorInvalidWatermark");
    }
    get_events(f, id, watermark_of(f, f->alice, 1));
    assert_code(f, "NoError");
}

static void forget_events(struct ews_fixture *f, int64_t keep_ms)
{
    struct mailbox *mailbox;
    struct mailbox_tx *tx;
    struct err err;

    assert_int_equal(store_mailbox_take(f->store, f->alice, &mailbox, &err), 0);
    assert_int_equal(mailbox_tx_begin(mailbox, MAILBOX_TX_WRITE, &tx, &err), 0);
    assert_int_equal(mailbox_event_prune(tx, keep_ms, &err), 0);
    assert_int_equal(mailbox_tx_commit(&tx, &err), 0);
    store_mailbox_release(f->store, &mailbox);
}

static void test_a_watermark_whose_events_are_forgotten(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, PULL_INBOX), *mark = ews_text(f, "Watermark"), *later;

    ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    get_events(f, id, mark);
    get_events(f, id, last_watermark(f));
    assert_string_equal(events(f), "StatusEvent");
    later = last_watermark(f);
    clock_manual_advance(&f->clock, 5 * 60000);
    forget_events(f, 60000);
    get_events(f, id, mark);
    assert_code(f, "ErrorInvalidWatermark");
    get_events(f, id, later);
    assert_string_equal(events(f), "StatusEvent");
    subscribe(f, arena_printf(f->arena,
                              PULL_OF(INBOX_IDS ALL_TYPES "<t:Watermark>%s</t:Watermark>"
                                                          "<t:Timeout>1</t:Timeout>"),
                              mark));
    assert_code(f, "ErrorInvalidWatermark");
}

/* ---- GetStreamingEvents ---- */

static void open_stream(struct ews_fixture *f, const char *ids, const char *minutes)
{
    ews_ask(f,
            "<m:GetStreamingEvents><m:SubscriptionIds>%s</m:SubscriptionIds>"
            "<m:ConnectionTimeout>%s</m:ConnectionTimeout></m:GetStreamingEvents>",
            ids, minutes);
}

static const char *id_element(struct ews_fixture *f, const char *prefix, const char *id)
{
    return arena_printf(f->arena, "<%s:SubscriptionId>%s</%s:SubscriptionId>", prefix, id, prefix);
}

static void test_good_ids_become_a_stream(void **state)
{
    struct ews_fixture *f = *state;
    const char *a = subscribe(f, STREAM_INBOX), *b = subscribe(f, STREAM_INBOX);

    open_stream(f,
                arena_printf(f->arena, "%s%s%s", id_element(f, "t", a), id_element(f, "m", b),
                             id_element(f, "t", a)),
                "30");
    assert_int_equal(f->outcome, ERR_NONE);
    assert_int_equal(f->answer.n, 0);
    assert_non_null(f->stream);
    assert_int_equal(f->stream->n, 2);
    assert_true(str_is(f->stream->ids[0], a));
    assert_true(str_is(f->stream->ids[1], b));
    assert_int_equal(f->stream->subscriptions[0].kind, SUBSCRIPTION_STREAMING);
    assert_true(f->stream->subscriptions[0].id.v != f->stream->subscriptions[1].id.v);
    assert_int_equal(f->stream->life_ms, 30 * 60000);
}

/* The one document: only the bad ids, and Closed in the same. */
static void assert_refused(struct ews_fixture *f, const char *const *bad, size_t n)
{
    const struct xml_node *message;

    assert_null(f->stream);
    assert_int_equal(f->http_status, 200);
    assert_int_equal(f->outcome, ERR_SUBSCRIPTION_INVALID);
    assert_true(str_starts(f->answer, STR("<Envelope xmlns=\"http://schemas.xmlsoap.org/")));
    message = ews_nth(f, "GetStreamingEventsResponseMessage", 0);
    assert_true(str_is(xml_attr(message, "ResponseClass"), "Error"));
    assert_string_equal(ews_children(f, message), "MessageText ResponseCode DescriptiveLinkKey "
                                                  "ErrorSubscriptionIds ConnectionStatus");
    assert_string_equal(ews_text(f, "MessageText"), "Subscription is invalid.");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidSubscription");
    assert_string_equal(ews_text(f, "ConnectionStatus"), "Closed");
    assert_int_equal(ews_count(f, "SubscriptionId"), n);
    for (size_t i = 0; i < n; i++) {
        assert_true(xml_is(ews_nth(f, "SubscriptionId", i), XML_NS_MESSAGES, "SubscriptionId"));
        assert_true(str_is(ews_nth(f, "SubscriptionId", i)->text, bad[i]));
    }
}

static void test_bad_ids_are_named_and_good_ones_get_nothing(void **state)
{
    struct ews_fixture *f = *state;
    const char *good = subscribe(f, STREAM_INBOX), *pull = subscribe(f, PULL_INBOX);
    const char *push = subscribe(f, PUSH_INBOX), *gone = subscribe(f, STREAM_INBOX), *bobs;
    const char *ids = "";

    unsubscribe(f, gone);
    f->as = f->bob;
    bobs = subscribe(f, STREAM_INBOX);
    f->as = f->alice;
    const char *const bad[] = {"a<&b", pull, push, gone, bobs};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ids = arena_printf(f->arena, "%s%s", ids,
                           id_element(f, "t", i == 0 ? "a&lt;&amp;b" : bad[i]));
    }
    open_stream(f, arena_printf(f->arena, "%s%s", id_element(f, "t", good), ids), "1");
    assert_refused(f, bad, ARRAY_LEN(bad));
    open_stream(f, id_element(f, "t", good), "1");
    assert_non_null(f->stream);
}

static void test_a_streaming_subscription_dies_without_a_connection(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, STREAM_INBOX);

    clock_manual_advance(&f->clock, HUB_FIXTURE_IDLE_MS);
    open_stream(f, id_element(f, "t", id), "1");
    assert_non_null(f->stream);
    clock_manual_advance(&f->clock, HUB_FIXTURE_IDLE_MS);
    open_stream(f, id_element(f, "t", id), "1");
    assert_refused(f, &id, 1);
}

static void test_bad_requests_for_a_stream(void **state)
{
    struct ews_fixture *f = *state;
    struct buf many = BUF_INIT;
    const char *one = id_element(f, "t", "x");
    const char *const timeouts[] = {"0", "31", "", "1.5"};

    for (size_t i = 0; i < ARRAY_LEN(timeouts); i++) {
        open_stream(f, one, timeouts[i]);
        assert_int_equal(f->outcome, ERR_SCHEMA);
    }
    open_stream(f, "", "1");
    assert_int_equal(f->outcome, ERR_SCHEMA);
    open_stream(f, id_element(f, "t", ""), "1");
    assert_int_equal(f->outcome, ERR_SCHEMA);
    for (size_t i = 0; i < STREAM_MAX_SUBSCRIPTIONS; i++) {
        buf_add_cstr(&many, one);
    }
    open_stream(f, str_cstr(f->arena, buf_str(&many)), "1");
    assert_int_equal(f->outcome, ERR_SUBSCRIPTION_INVALID);
    buf_add_cstr(&many, one);
    open_stream(f, str_cstr(f->arena, buf_str(&many)), "1");
    assert_int_equal(f->outcome, ERR_SCHEMA);
    assert_int_equal(f->http_status, 500);
    buf_fini(&many);
}

/* Whoever should hold the stream cannot: the answer is a fault. */
static void test_a_stream_that_is_not_taken_on_becomes_a_fault(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = subscribe(f, STREAM_INBOX);

    f->refuse = true;
    open_stream(f, id_element(f, "t", id), "1");
    assert_null(f->stream);
    assert_int_equal(f->http_status, 500);
    assert_int_equal(ews_count(f, "Fault"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, hub_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_new_is_a_status_event),
        TEST(test_a_new_message_is_told_with_its_folder),
        TEST(test_an_item_that_changed_has_no_unread_count),
        TEST(test_moves_tell_the_old_place),
        TEST(test_the_whole_tree_may_be_watched),
        TEST(test_only_what_was_asked_for),
        TEST(test_more_events),
        TEST(test_the_watermark_in_any_namespace),
        TEST(test_bad_requests_for_events),
        TEST(test_events_of_what_is_no_pull_subscription),
        TEST(test_a_pull_subscription_dies_unused),
        TEST(test_watermarks_that_do_not_serve),
        TEST(test_a_watermark_whose_events_are_forgotten),
        TEST(test_good_ids_become_a_stream),
        TEST(test_bad_ids_are_named_and_good_ones_get_nothing),
        TEST(test_a_streaming_subscription_dies_without_a_connection),
        TEST(test_bad_requests_for_a_stream),
        TEST(test_a_stream_that_is_not_taken_on_becomes_a_fault),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
