/* What is stored beside a message when it comes in. */
#include "support/mime_fixture.h"

#include "mailbox/draft.h"
#include "mailbox/props.h"

#define NOW INT64_C(1700000000000)
#define RECEIVED INT64_C(1600000000000)
#define MEETING_START INT64_C(1154539800000) /* 2006-08-02T17:30:00Z */

struct drafted {
    struct item_draft draft;
    struct props props;
};

static struct drafted drafted(void **state, const char *mime, struct draft_options options)
{
    struct drafted d;

    options.now_ms = NOW;
    item_draft_from_mime(*state, str_from(mime), &options, &d.draft);
    assert_true(props_open(&d.props, d.draft.props));
    return d;
}

static struct drafted delivered(void **state, const char *mime)
{
    return drafted(state, mime,
                   (struct draft_options){.received_ms = RECEIVED,
                                          .recipient = STR("user@example.com"),
                                          .recipient_name = STR("The User"),
                                          .delivered = true});
}

static void assert_prop(const struct drafted *d, enum item_prop prop, const char *expected)
{
    assert_text(d->props.v[prop], expected);
}

static void assert_number(const struct drafted *d, enum item_prop prop, int64_t expected)
{
    assert_true(props_has(&d->props, prop));
    assert_int_equal(props_int(&d->props, prop, -1), expected);
}

static void assert_address(const struct drafted *d, enum item_prop prop, const char *name,
                           const char *address)
{
    struct str rest = d->props.v[prop];
    struct prop_addr addr;

    assert_true(props_next_addr(&rest, &addr));
    assert_text(addr.name, name);
    assert_text(addr.address, address);
    assert_false(props_next_addr(&rest, &addr));
}

static void a_delivered_message_has_its_properties(void **state)
{
    static const char mime[] =
        "From: Dan Park <dpark@example.com>\r\nTo: Sue <sue@example.com>, bob@example.com\r\n"
        "Cc: C <c@example.com>\r\nSubject: Re: Budget\r\nDate: Wed, 02 Aug 2006 17:30:00 +0000\r\n"
        "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\nReferences: <0@x> <1@x>\r\n"
        "Importance: high\r\nSensitivity: private\r\nKeywords: red, blue\r\n"
        "Disposition-Notification-To: dpark@example.com\r\nContent-Language: en-US\r\n\r\n"
        "Hello\r\nthere\r\n";
    struct drafted d = delivered(state, mime);
    struct str rest = d.props.v[IPROP_CATEGORIES], category;

    assert_int_equal(d.draft.kind, ITEM_KIND_MESSAGE);
    assert_int_equal(d.draft.flags, ITEM_UNMODIFIED);
    assert_int_equal(d.draft.size, sizeof(mime) - 1);
    assert_int_equal(d.draft.received_ms, RECEIVED);
    assert_true(d.draft.delivered);
    assert_ptr_equal(d.draft.mime.p, mime);
    assert_prop(&d, IPROP_SUBJECT, "Re: Budget");
    assert_false(props_has(&d.props, IPROP_ITEM_CLASS_NAME));
    assert_number(&d, IPROP_SENSITIVITY, 2);
    assert_number(&d, IPROP_IMPORTANCE, 2);
    assert_number(&d, IPROP_SENT, MEETING_START);
    assert_number(&d, IPROP_CREATED, NOW);
    assert_number(&d, IPROP_MODIFIED, NOW);
    assert_prop(&d, IPROP_MODIFIED_BY, "The User");
    assert_address(&d, IPROP_FROM, "Dan Park", "dpark@example.com");
    assert_address(&d, IPROP_SENDER, "Dan Park", "dpark@example.com");
    assert_prop(&d, IPROP_DISPLAY_TO, "Sue; bob@example.com");
    assert_prop(&d, IPROP_DISPLAY_CC, "C");
    assert_prop(&d, IPROP_INTERNET_MESSAGE_ID, "<2@x>");
    assert_prop(&d, IPROP_IN_REPLY_TO, "<1@x>");
    assert_prop(&d, IPROP_REFERENCES, "<0@x> <1@x>");
    assert_number(&d, IPROP_READ_RECEIPT, 1);
    assert_prop(&d, IPROP_CONVERSATION_TOPIC, "Budget");
    assert_true(props_next_text(&rest, &category));
    assert_text(category, "red");
    assert_prop(&d, IPROP_PREVIEW, "Hello there");
    assert_address(&d, IPROP_RECEIVED_BY, "The User", "user@example.com");
    assert_prop(&d, IPROP_CULTURE, "en-US");
}

static void an_empty_message_is_an_item(void **state)
{
    struct drafted d = delivered(state, "");

    assert_int_equal(d.draft.kind, ITEM_KIND_MESSAGE);
    assert_number(&d, IPROP_SENT, RECEIVED);
    assert_false(props_has(&d.props, IPROP_SUBJECT));
    assert_int_equal(d.props.v[IPROP_CONVERSATION_ID].n, 16);
}

static void flags_come_from_options_and_message(void **state)
{
    struct drafted d =
        drafted(state, "Content-Type: image/png\n\nx",
                (struct draft_options){.received_ms = 1, .read = true, .draft = true});

    assert_int_equal(d.draft.flags, ITEM_READ | ITEM_DRAFT | ITEM_HAS_ATTACHMENTS);
    assert_false(d.draft.delivered);
    assert_false(props_has(&d.props, IPROP_SENT));
    d = delivered(state, "Content-Type: multipart/report; boundary=x\n\n--x\n"
                         "Content-Type: message/delivery-status\n\nAction: failed\n--x--\n");
    assert_true((d.draft.flags & ITEM_REPORT) != 0);
    assert_prop(&d, IPROP_ITEM_CLASS_NAME, "REPORT.IPM.Note.NDR");
}

static void an_import_takes_the_messages_own_time(void **state)
{
    struct draft_options import = {.received_ms = 0};

    assert_int_equal(drafted(state,
                             "Received: by a; Wed, 02 Aug 2006 17:30:00 +0000\n"
                             "Date: Tue, 01 Aug 2006 17:30:00 +0000\n\n",
                             import)
                         .draft.received_ms,
                     MEETING_START);
    assert_int_equal(
        drafted(state, "Date: Wed, 02 Aug 2006 17:30:00 +0000\n\n", import).draft.received_ms,
        MEETING_START);
    assert_int_equal(drafted(state, "\n", import).draft.received_ms, NOW);
}

static void a_thread_shares_its_conversation(void **state)
{
    static const char *const thread[] = {
        "Message-ID: <0@x>\nSubject: a\n\n",
        "Message-ID: <1@x>\nIn-Reply-To: <0@x>\nSubject: Re: a\n\n",
        "Message-ID: <2@x>\nIn-Reply-To: <1@x>\nReferences: <0@x> <1@x>\nSubject: other\n\n",
    };
    struct str first = delivered(state, thread[0]).props.v[IPROP_CONVERSATION_ID];

    for (size_t i = 1; i < ARRAY_LEN(thread); i++) {
        assert_true(str_eq(delivered(state, thread[i]).props.v[IPROP_CONVERSATION_ID], first));
    }
    assert_false(
        str_eq(delivered(state, "Message-ID: <9@x>\nSubject: a\n\n").props.v[IPROP_CONVERSATION_ID],
               first));
    assert_true(str_eq(delivered(state, "Subject: Re: b\n\n").props.v[IPROP_CONVERSATION_ID],
                       delivered(state, "Subject: b\n\n").props.v[IPROP_CONVERSATION_ID]));
}

static void a_conversation_index_is_sent_or_made(void **state)
{
    struct drafted d = delivered(state, "Thread-Index: AQAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n\n");
    struct str index = d.props.v[IPROP_CONVERSATION_INDEX];

    assert_int_equal(index.n, 22);
    assert_int_equal(index.p[21], 0);
    index = delivered(state, "Message-ID: <0@x>\nDate: Wed, 02 Aug 2006 17:30:00 +0000\n\n")
                .props.v[IPROP_CONVERSATION_INDEX];
    /* 0x01c6b65947d31c00 hundreds of nanoseconds since 1601. */
    assert_memory_equal(index.p, "\x01\xc6\xb6\x59\x47\xd3", 6);
    assert_int_equal(index.n, 22);
}

#define REQUEST(lines)                                                                             \
    "From: Dan Park <dpark@example.com>\nSubject: Budget Q3\n"                                     \
    "Content-Type: text/calendar; charset=utf-8; method=REQUEST\n\n"                               \
    "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:u1\nLOCATION:Conference Room 2\n"             \
    "DTSTART;TZID=Pacific Standard Time:20060802T103000\n"                                         \
    "DTEND;TZID=Pacific Standard Time:20060802T123000\nDTSTAMP:20060802T173000Z\n" lines           \
    "END:VEVENT\nEND:VCALENDAR\n"

static void a_meeting_request_has_its_properties(void **state)
{
    struct drafted d = delivered(state, REQUEST(""));

    assert_int_equal(d.draft.kind, ITEM_KIND_MEETING_REQUEST);
    assert_prop(&d, IPROP_SUBJECT, "Budget Q3");
    assert_prop(&d, IPROP_ITEM_CLASS_NAME, "IPM.Schedule.Meeting.Request");
    assert_prop(&d, IPROP_MEETING_UID, "u1");
    assert_number(&d, IPROP_MEETING_START, MEETING_START);
    assert_number(&d, IPROP_MEETING_END, MEETING_START + 2 * 3600000);
    assert_prop(&d, IPROP_MEETING_LOCATION, "Conference Room 2");
    assert_address(&d, IPROP_MEETING_ORGANIZER, "Dan Park", "dpark@example.com");
    assert_number(&d, IPROP_MEETING_BUSY_STATUS, 2);
    assert_number(&d, IPROP_MEETING_RESPONSE_TYPE, 5);
    assert_number(&d, IPROP_MEETING_STAMP, MEETING_START);
    assert_prop(&d, IPROP_MEETING_TIME_ZONE, "Pacific Standard Time");
    assert_number(&d, IPROP_MEETING_REQUEST_TYPE, 3);
    assert_false(props_has(&d.props, IPROP_MEETING_RECURRING));
    assert_false(props_has(&d.props, IPROP_MEETING_PROPOSED_START));
}

static void an_update_says_what_changed(void **state)
{
    struct drafted d = delivered(state, REQUEST("SEQUENCE:3\nRRULE:FREQ=DAILY\n"
                                                "RECURRENCE-ID:20060802T173000Z\n"
                                                "ORGANIZER;CN=Sue:mailto:sue@example.com\n"));

    assert_number(&d, IPROP_MEETING_SEQUENCE, 3);
    assert_number(&d, IPROP_MEETING_REQUEST_TYPE, 1);
    assert_number(&d, IPROP_MEETING_RECURRING, 1);
    assert_number(&d, IPROP_MEETING_RECURRENCE_ID, MEETING_START);
    assert_address(&d, IPROP_MEETING_ORGANIZER, "Sue", "sue@example.com");
}

#define ANSWER(method, partstat)                                                                   \
    "From: sue@example.com\nContent-Type: text/calendar; method=" method "\n\n"                    \
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20060802T173000Z\n"                                    \
    "ATTENDEE;PARTSTAT=" partstat ":mailto:sue@example.com\nEND:VEVENT\nEND:VCALENDAR\n"

static void answers_say_what_was_answered(void **state)
{
    static const struct {
        const char *mime;
        int64_t response;
    } cases[] = {
        {ANSWER("REPLY", "TENTATIVE"), 2},
        {ANSWER("REPLY", "ACCEPTED"), 3},
        {ANSWER("REPLY", "DECLINED"), 4},
        {ANSWER("COUNTER", "TENTATIVE"), 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct drafted d = delivered(state, cases[i].mime);

        assert_int_equal(d.draft.kind, ITEM_KIND_MEETING_RESPONSE);
        assert_number(&d, IPROP_MEETING_RESPONSE_TYPE, cases[i].response);
        assert_false(props_has(&d.props, IPROP_MEETING_ORGANIZER));
        assert_false(props_has(&d.props, IPROP_MEETING_REQUEST_TYPE));
    }
    struct drafted counter = delivered(state, cases[3].mime);

    assert_number(&counter, IPROP_MEETING_PROPOSED_START, MEETING_START);
    assert_int_equal(delivered(state, ANSWER("CANCEL", "ACCEPTED")).draft.kind,
                     ITEM_KIND_MEETING_CANCELLATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(a_delivered_message_has_its_properties),
        MIME_TEST(an_empty_message_is_an_item),
        MIME_TEST(flags_come_from_options_and_message),
        MIME_TEST(an_import_takes_the_messages_own_time),
        MIME_TEST(a_thread_shares_its_conversation),
        MIME_TEST(a_conversation_index_is_sent_or_made),
        MIME_TEST(a_meeting_request_has_its_properties),
        MIME_TEST(an_update_says_what_changed),
        MIME_TEST(answers_say_what_was_answered),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
