/* The header fields of a message: names, decoding, repeated and broken ones. */
#include "support/mime_fixture.h"

#include "base/buf.h"
#include "base/utf8.h"

static const struct mime_envelope *envelope(void **state, const char *text)
{
    return mime_message_envelope(given(state, text));
}

static void an_empty_message_has_no_values(void **state)
{
    const struct mime_envelope *e = envelope(state, "");

    assert_int_equal(e->subject.n, 0);
    assert_false(e->has_date);
    assert_int_equal(e->from.n, 0);
    assert_int_equal(e->importance, MIME_IMPORTANCE_NORMAL);
    assert_int_equal(mime_message_header_block(given(state, "")).n, 0);
}

static void fields_are_found_whatever_case_and_line_ends(void **state)
{
    const struct mime_envelope *e =
        envelope(state, "SUBJECT: a\n folded\r\n\tsubject\r\nmessage-id : <1@x>\n\nSubject: no");

    assert_text(e->subject, "a folded\tsubject");
    assert_text(e->message_id, "<1@x>");
}

static void encoded_words_are_decoded(void **state)
{
    const struct mime_envelope *e = envelope(
        state, "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n =?iso-8859-1?Q?_aus_K=F6ln?=\r\n\r\n");

    assert_text(e->subject, "Grüße aus Köln");
}

static void eight_bit_text_is_utf8_or_windows_1252(void **state)
{
    assert_text(envelope(state, "Subject: Gr\xc3\xbc\xc3\x9f"
                                "e\n\n")
                    ->subject,
                "Grüße");
    assert_text(envelope(state, "Subject: Gr\xfc\xdf"
                                "e \x80\n\n")
                    ->subject,
                "Grüße €");
}

static void text_is_clean_whatever_comes(void **state)
{
    struct str raw = STR("Subject: a\0b\x01 =?utf-8?Q?=00=08=FF?= =?x-unknown?Q?=E9?=\r\n\r\n");
    struct str subject = mime_message_envelope(mime_message_new(*state, raw))->subject;

    assert_true(utf8_valid(subject));
    assert_ptr_equal(utf8_for_xml(*state, subject).p, subject.p);
    assert_true(str_starts(subject, STR("a b")));
}

static void addresses_have_names_and_groups_their_members(void **state)
{
    const struct mime_envelope *e =
        envelope(state, "From: \"Park, Dan\" <dpark@example.com>\n"
                        "To: =?utf-8?Q?J=C3=BCrgen?= <j@example.com>, plain@example.com (Plain)\n"
                        "Cc: team: a@example.com, b@example.com;, undisclosed-recipients:;\n\n");

    assert_int_equal(e->from.n, 1);
    assert_text(e->from.v[0].name, "Park, Dan");
    assert_text(e->from.v[0].address, "dpark@example.com");
    assert_int_equal(e->to.n, 2);
    assert_text(e->to.v[0].name, "Jürgen");
    assert_text(e->to.v[1].address, "plain@example.com");
    assert_int_equal(e->cc.n, 3);
    assert_text(e->cc.v[1].address, "b@example.com");
    assert_text(e->cc.v[2].name, "undisclosed-recipients");
    assert_text(e->cc.v[2].address, "");
}

static void what_is_no_address_is_still_a_name(void **state)
{
    const struct mime_envelope *e = envelope(state, "From: Mail Delivery <>\n\n");

    assert_int_equal(e->from.n, 1);
    assert_text(e->from.v[0].name, "Mail Delivery");
    assert_text(e->from.v[0].address, "");
}

static void recipients_add_up_but_the_first_author_counts(void **state)
{
    const struct mime_envelope *e = envelope(
        state, "To: a@x\nTo: b@x, c@x\nFrom: d@x\nFrom: e@x\nSubject: one\nSubject: two\n\n");

    assert_int_equal(e->to.n, 3);
    assert_text(e->to.v[2].address, "c@x");
    assert_int_equal(e->from.n, 1);
    assert_text(e->from.v[0].address, "d@x");
    assert_text(e->subject, "one");
}

static void dates_are_utc_milliseconds(void **state)
{
    const struct mime_envelope *e =
        envelope(state, "Date: Wed, 02 Aug 2006 10:30:00 -0700 (PDT)\n\n");

    assert_true(e->has_date);
    assert_int_equal(e->date_ms, INT64_C(1154539800000));
}

static void impossible_dates_are_none(void **state)
{
    static const char *const dates[] = {
        "Date: \n\n",
        "Date: soon\n\n",
        "Date: Wed, 99 Foo 2006 10:30:00\n\n",
        "Date: 1 Jan 99999 00:00:00 +0000\n\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        assert_false(envelope(state, dates[i])->has_date);
    }
}

static void importance_beats_priority(void **state)
{
    assert_int_equal(envelope(state, "X-Priority: 1 (Highest)\n\n")->importance,
                     MIME_IMPORTANCE_HIGH);
    assert_int_equal(envelope(state, "X-Priority: 1\nImportance: Low\n\n")->importance,
                     MIME_IMPORTANCE_LOW);
    assert_int_equal(envelope(state, "Priority: non-urgent\n\n")->importance, MIME_IMPORTANCE_LOW);
    assert_int_equal(envelope(state, "Importance: very\n\n")->importance, MIME_IMPORTANCE_NORMAL);
    assert_int_equal(envelope(state, "Sensitivity: Company-Confidential\n\n")->sensitivity,
                     MIME_SENSITIVITY_CONFIDENTIAL);
}

static void receipts_are_two_kinds(void **state)
{
    const struct mime_envelope *e = envelope(state, "Disposition-Notification-To: a@x\n\n");

    assert_true(e->read_receipt_requested);
    assert_false(e->delivery_receipt_requested);
    assert_true(envelope(state, "Return-Receipt-To: a@x\n\n")->delivery_receipt_requested);
}

static void ids_keep_their_brackets(void **state)
{
    const struct mime_envelope *e =
        envelope(state, "Message-ID: <a@x> (comment)\nIn-Reply-To: Your mail <b@x> of today\n"
                        "References: <c@x>\n <b@x>\n\n");

    assert_text(e->message_id, "<a@x>");
    assert_text(e->in_reply_to, "<b@x>");
    assert_text(e->references, "<c@x> <b@x>");
}

static void a_topic_is_the_subject_without_reply_prefixes(void **state)
{
    static const struct {
        const char *message, *topic;
    } cases[] = {
        {"Subject: Re: Fwd: hello\n\n", "hello"},
        {"Subject: AW: WG:  hello\n\n", "hello"},
        {"Subject: Re[2]: hello\n\n", "hello"},
        {"Subject: Re (3) : hello\n\n", "hello"},
        {"Subject: Regarding: hello\n\n", "Regarding: hello"},
        {"Subject: tr 12:30\n\n", "tr 12:30"},
        {"Subject: Re: \n\n", ""},
        {"Thread-Topic: Re: kept\nSubject: other\n\n", "Re: kept"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_text(envelope(state, cases[i].message)->thread_topic, cases[i].topic);
    }
}

static void a_thread_index_is_22_bytes_at_least(void **state)
{
    const struct mime_envelope *e =
        envelope(state, "Thread-Index: AQAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n\n");

    assert_int_equal(e->thread_index.n, 22);
    assert_int_equal(e->thread_index.p[0], 1);
    assert_int_equal(envelope(state, "Thread-Index: AQAA\n\n")->thread_index.n, 0);
    assert_int_equal(envelope(state, "Thread-Index: ???\n\n")->thread_index.n, 0);
}

static void keywords_are_a_list(void **state)
{
    const struct mime_envelope *e =
        envelope(state, "Keywords: red, =?utf-8?Q?gr=C3=BCn?=,,\nContent-Language: de-DE, en\n\n");

    assert_int_equal(e->keyword_count, 2);
    assert_text(e->keywords[0], "red");
    assert_text(e->keywords[1], "grün");
    assert_text(e->language, "de-DE");
}

static void headers_come_in_order_and_the_block_as_sent(void **state)
{
    static const char text[] = "A: 1\r\nb: =?utf-8?Q?=C3=A4?=\r\nA: 2\r\n\r\nbody";
    struct mime_message *m = given(state, text);
    const struct mime_header *headers;
    size_t n;

    mime_message_headers(m, &headers, &n);
    assert_int_equal(n, 3);
    assert_text(headers[0].name, "A");
    assert_text(headers[1].value, "ä");
    assert_text(headers[2].value, "2");
    assert_int_equal(mime_message_header_block(m).n, sizeof(text) - 1 - 4);
}

static void the_newest_received_field_dates_the_arrival(void **state)
{
    struct mime_message *m = given(state, "Received: by b (x; y); Wed, 02 Aug 2006 17:30:00 +0000\n"
                                          "Received: by a; Wed, 02 Aug 2006 16:30:00 +0000\n\n");
    int64_t ms = 0;

    assert_true(mime_message_received_ms(m, &ms));
    assert_int_equal(ms, INT64_C(1154539800000));
    assert_false(mime_message_received_ms(given(state, "Received: by a\n\n"), &ms));
    assert_false(mime_message_received_ms(given(state, "Subject: x\n\n"), &ms));
}

static void floods_of_fields_are_bounded(void **state)
{
    struct buf raw = BUF_INIT;
    const struct mime_header *headers;
    size_t n;

    for (int i = 0; i < 100000; i++) {
        BUF_LIT(&raw, "To: a@x, b@x\n");
    }
    struct mime_message *m = mime_message_new(*state, buf_str(&raw));

    mime_message_headers(m, &headers, &n);
    assert_in_range(n, 1000, 2000);
    assert_in_range(mime_message_envelope(m)->to.n, 1000, 5000);
    buf_fini(&raw);
}

static void groups_within_groups_are_bounded(void **state)
{
    struct buf raw = BUF_INIT;

    BUF_LIT(&raw, "To: ");
    for (int i = 0; i < 100000; i++) {
        BUF_LIT(&raw, "a:(;)");
    }
    assert_int_equal(mime_message_envelope(mime_message_new(*state, buf_str(&raw)))->to.n, 1);
    buf_fini(&raw);
}

static void a_message_begins_with_a_field(void **state)
{
    static const char *const messages[] = {"a: b", "Subject : x\r\n\r\n", "From x\nFrom: x\n"};
    static const char *const others[] = {"",        "\r\n", "no field", "\r\nSubject: x\r\n",
                                         "\x01: x", ": x",  "From x\n", " a: b"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        assert_true(mime_looks_like_message(str_from(messages[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(mime_looks_like_message(str_from(others[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(an_empty_message_has_no_values),
        MIME_TEST(fields_are_found_whatever_case_and_line_ends),
        MIME_TEST(encoded_words_are_decoded),
        MIME_TEST(eight_bit_text_is_utf8_or_windows_1252),
        MIME_TEST(text_is_clean_whatever_comes),
        MIME_TEST(addresses_have_names_and_groups_their_members),
        MIME_TEST(what_is_no_address_is_still_a_name),
        MIME_TEST(recipients_add_up_but_the_first_author_counts),
        MIME_TEST(dates_are_utc_milliseconds),
        MIME_TEST(impossible_dates_are_none),
        MIME_TEST(importance_beats_priority),
        MIME_TEST(receipts_are_two_kinds),
        MIME_TEST(ids_keep_their_brackets),
        MIME_TEST(a_topic_is_the_subject_without_reply_prefixes),
        MIME_TEST(a_thread_index_is_22_bytes_at_least),
        MIME_TEST(keywords_are_a_list),
        MIME_TEST(headers_come_in_order_and_the_block_as_sent),
        MIME_TEST(the_newest_received_field_dates_the_arrival),
        MIME_TEST(floods_of_fields_are_bounded),
        MIME_TEST(groups_within_groups_are_bounded),
        MIME_TEST(a_message_begins_with_a_field),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
