/* The LMTP session machine: what it answers, what it hands out, and that pieces of input make no
 * difference. */
#include "lmtp/session.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "lmtp/address.h"
#include "lmtp/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Knows the users of example.org whose names start with "u"; "ufail" cannot be looked up, "ufull"
 * has no room. */
static int find(void *context, struct str address, struct arena *arena,
                struct lmtp_recipient *recipient_r)
{
    (void)context;
    if (str_is_nocase(address, "ufail@example.org")) {
        return -ERR_IO;
    }
    if (!str_starts_nocase(address, STR("u")) || !str_ends_nocase(address, STR("@example.org"))) {
        return 0;
    }
    *recipient_r = (struct lmtp_recipient){
        .mailbox = {address.n}, .address = str_lower(arena, address), .display_name = STR("U")};
    return 1;
}

/* What a whole session did: its replies, and each delivery as "[addresses|message]". */
struct trace {
    struct buf replies, deliveries;
    bool closed;
};

static void trace_fini(struct trace *t)
{
    buf_fini(&t->replies);
    buf_fini(&t->deliveries);
}

static void deliver(struct lmtp_session *s, struct trace *t)
{
    size_t n = lmtp_session_recipient_count(s);

    buf_add_char(&t->deliveries, '[');
    for (size_t i = 0; i < n; i++) {
        buf_add_str(&t->deliveries, lmtp_session_recipient(s, i)->address);
        buf_add_char(&t->deliveries, ' ');
    }
    buf_add_char(&t->deliveries, '|');
    buf_add_str(&t->deliveries, lmtp_session_message(s));
    buf_add_char(&t->deliveries, ']');
    /* Workers finish in any order. */
    for (size_t i = n; i-- > 0;) {
        lmtp_session_report(
            s, i,
            str_starts(lmtp_session_recipient(s, i)->address, STR("ufull")) ? -ERR_STORE_FULL : 0);
    }
}

static void feed(struct lmtp_session *s, struct str input, struct trace *t)
{
    enum lmtp_want want;

    while ((want = lmtp_session_feed(s, &input)) == LMTP_WANT_DELIVERY) {
        deliver(s, t);
    }
    assert_int_equal(input.n, 0);
    t->closed = want == LMTP_WANT_CLOSE;
    buf_add_str(&t->replies, buf_str(lmtp_session_output(s)));
    buf_clear(lmtp_session_output(s));
}

static struct lmtp_session *new_session(const struct lmtp_options *options)
{
    struct lmtp_options o = options != NULL ? *options : (struct lmtp_options){0};

    o.hostname = STR("mx.example.org");
    return lmtp_session_new(&o, find, NULL);
}

static struct trace run(const struct lmtp_options *options, struct str script, size_t split)
{
    struct trace t = {BUF_INIT, BUF_INIT, false};
    AUTO(lmtp_session) s = new_session(options);

    feed(s, str_sub(script, 0, split), &t);
    feed(s, str_sub(script, split, SIZE_MAX), &t);
    return t;
}

#define GREETING "220 mx.example.org LMTP ewer\r\n"
#define HELLO                                                                                      \
    "250-mx.example.org\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 268435456\r\n"

static void assert_text(const struct buf *got, struct str expected)
{
    if (!str_eq(buf_str(got), expected)) {
        fail_msg("got:\n%.*s\nexpected:\n%.*s", STR_ARG(buf_str(got)), STR_ARG(expected));
    }
}

static void assert_session(const struct lmtp_options *options, struct str script,
                           struct str replies, struct str deliveries)
{
    struct trace t = run(options, script, 0);

    assert_text(&t.replies, replies);
    assert_text(&t.deliveries, deliveries);
    trace_fini(&t);
}

static void delivers_to_each_recipient_and_answers_each(void **state)
{
    (void)state;
    assert_session(
        NULL,
        STR("LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u1@example.org>\r\nRCPT TO:<nobody@example.org>\r\nRCPT TO:<ufull@example.org>\r\n"
            "RCPT TO:<ufail@example.org>\r\nRCPT TO:<U2@Example.org>\r\nDATA\r\nSubject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n"),
        STR(GREETING HELLO
            "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n550 5.1.1 No such user here\r\n250 2.1.5 Recipient ok\r\n"
            "451 4.3.0 Recipient cannot be looked up now\r\n250 2.1.5 Recipient ok\r\n354 Go on, end with CRLF.CRLF\r\n"
            "250 2.0.0 <u1@example.org> delivered\r\n452 4.3.1 <ufull@example.org> There is not enough disk space.\r\n"
            "250 2.0.0 <u2@example.org> delivered\r\n221 2.0.0 Bye\r\n"),
        STR("[u1@example.org ufull@example.org u2@example.org |Subject: x\r\n\r\nhi\r\n]"));
}

#define TO_U "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u@example.org>\r\nDATA\r\n"
#define TO_U_REPLIES                                                                               \
    GREETING HELLO                                                                                 \
        "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n354 Go on, end with CRLF.CRLF\r\n"
#define U_DELIVERED "250 2.0.0 <u@example.org> delivered\r\n"

static void removes_dots_and_nothing_else(void **state)
{
    static const struct {
        struct str sent, message;
    } cases[] = {
        {STR_INIT(".\r\n"), STR_INIT("")},
        {STR_INIT("..\r\n.\r\n"), STR_INIT(".\r\n")},
        {STR_INIT("..a\r\n...b\r\n.c\r\n.\r\n"), STR_INIT(".a\r\n..b\r\nc\r\n")},
        {STR_INIT("a\n.\nb\n.\r\nc\r\n.\r\n"), STR_INIT("a\n.\nb\n.\r\nc\r\n")},
        {STR_INIT("a\n..b\r\n.\r\n"), STR_INIT("a\n..b\r\n")},
        {STR_INIT("a\r\n.\rb\r\n.\r\n"), STR_INIT("a\r\n\rb\r\n")},
        {STR_INIT("a\r\n.\r\r\n.\r\n"), STR_INIT("a\r\n\r\r\n")},
        {STR_INIT("a\r\n.\nb\r\n.\r\n"), STR_INIT("a\r\n\nb\r\n")},
        {STR_INIT("a\r.\r\nb\r\r\n.\r\n"), STR_INIT("a\r.\r\nb\r\r\n")},
        {STR_INIT("a\0b\r\n\0.\r\n.\r\n"), STR_INIT("a\0b\r\n\0.\r\n")},
        {STR_INIT("\xff\xfe\r\n.\r\n"), STR_INIT("\xff\xfe\r\n")},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf script = BUF_INIT, deliveries = BUF_INIT;

        BUF_LIT(&script, TO_U);
        buf_add_str(&script, cases[i].sent);
        buf_printf(&deliveries, "[u@example.org |");
        buf_add_str(&deliveries, cases[i].message);
        buf_add_char(&deliveries, ']');
        assert_session(NULL, buf_str(&script), STR(TO_U_REPLIES U_DELIVERED), buf_str(&deliveries));
        buf_fini(&script);
        buf_fini(&deliveries);
    }
}

/* Long enough to reach the limits of lines; every split point must give the same. */
static void add_hostile_script(struct buf *script)
{
    BUF_LIT(
        script,
        "EHLO x\r\nRCPT TO:<u@example.org>\r\nLHLO x\r\nDATA\r\nmail from:<a@b> size=20 body=8bitmime\nMAIL FROM:<a@b>\r\n");
    BUF_LIT(
        script,
        "RCPT TO:<u@example.org>\r\nrcpt to: <@relay:\"u2\"@example.org>\r\nDATA\r\n..x\r\n.\r\n.\r\n\r\n");
    BUF_LIT(
        script,
        "MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<u\xc3\xa9@example.org>\r\nDATA\r\nfar more than the sixty-four bytes that this session takes\r\n");
    BUF_LIT(script, "and still more of it\r\n..\r\n.\r\nNOOP ");
    for (size_t i = 0; i < LMTP_LINE_BYTES; i++) {
        buf_add_char(script, 'x');
    }
    BUF_LIT(
        script,
        "\r\nRSET x\r\nRSET\r\nVRFY u\r\nNO\0OP\r\nMAIL FROM:<a@b> SIZE=65\r\nQUIT\r\nNOOP\r\n");
}

static void any_split_of_the_input_gives_the_same(void **state)
{
    const struct lmtp_options options = {.max_message_bytes = 64};
    struct buf script = BUF_INIT;
    struct trace whole;

    (void)state;
    add_hostile_script(&script);
    whole = run(&options, buf_str(&script), 0);
    assert_true(whole.closed);
    assert_int_not_equal(
        str_find(buf_str(&whole.replies),
                 STR("\r\n552 5.3.4 Message is too big\r\n500 5.5.2 Line is too long\r\n501"), 0),
        SIZE_MAX);
    for (size_t split = 1; split <= script.n; split++) {
        struct trace t = run(&options, buf_str(&script), split);

        assert_text(&t.replies, buf_str(&whole.replies));
        assert_text(&t.deliveries, buf_str(&whole.deliveries));
        trace_fini(&t);
    }
    trace_fini(&whole);
    buf_fini(&script);
}

static void byte_by_byte_gives_the_same(void **state)
{
    const struct lmtp_options options = {.max_message_bytes = 64};
    struct buf script = BUF_INIT;
    struct trace whole, t = {BUF_INIT, BUF_INIT, false};
    AUTO(lmtp_session) s = new_session(&options);

    (void)state;
    add_hostile_script(&script);
    whole = run(&options, buf_str(&script), 0);
    for (size_t i = 0; i < script.n; i++) {
        feed(s, str_sub(buf_str(&script), i, 1), &t);
    }
    assert_text(&t.replies, buf_str(&whole.replies));
    assert_text(&t.deliveries, buf_str(&whole.deliveries));
    trace_fini(&t);
    trace_fini(&whole);
    buf_fini(&script);
}

static void limits_the_size_declared_and_real(void **state)
{
    const struct lmtp_options options = {.max_message_bytes = 8};

    (void)state;
    assert_session(
        &options,
        STR("LHLO x\r\nMAIL FROM:<a@b> SIZE=9\r\nMAIL FROM:<a@b> SIZE=8\r\nRCPT TO:<u@example.org>\r\nRCPT TO:<u2@example.org>\r\n"
            "DATA\r\n1234567\r\n.\r\nNOOP\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@example.org>\r\nDATA\r\n123456\r\n.\r\n"),
        STR(GREETING
            "250-mx.example.org\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 8\r\n"
            "552 5.3.4 Message is too big\r\n250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n250 2.1.5 Recipient ok\r\n"
            "354 Go on, end with CRLF.CRLF\r\n552 5.3.4 Message is too big\r\n552 5.3.4 Message is too big\r\n250 2.0.0 Ok\r\n"
            "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n354 Go on, end with CRLF.CRLF\r\n" U_DELIVERED),
        STR("[u@example.org |123456\r\n]"));
}

static void limits_recipients(void **state)
{
    const struct lmtp_options options = {.max_recipients = 1};
    struct trace t = run(
        &options,
        STR("LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@example.org>\r\nRCPT TO:<u2@example.org>\r\n"),
        0);

    (void)state;
    assert_true(str_ends_nocase(
        buf_str(&t.replies), STR("250 2.1.5 Recipient ok\r\n452 4.5.3 Too many recipients\r\n")));
    trace_fini(&t);
}

static void shares_the_budget_of_bytes(void **state)
{
    struct lmtp_budget budget = {.limit_bytes = 20};
    const struct lmtp_options options = {.budget = &budget};
    struct trace t1 = {BUF_INIT, BUF_INIT, false}, t2 = {BUF_INIT, BUF_INIT, false};
    AUTO(lmtp_session) first = new_session(&options);
    AUTO(lmtp_session) second = new_session(&options);

    (void)state;
    feed(first, STR(TO_U "0123456789"), &t1);
    assert_int_equal(budget.used_bytes, 10);
    feed(second, STR(TO_U "0123456789x\r\n.\r\n"), &t2);
    assert_true(str_ends_nocase(buf_str(&t2.replies),
                                STR("\r\n452 4.3.1 Too much mail at once, try again later\r\n")));
    assert_int_equal(budget.used_bytes, 10);
    feed(first, STR("\r\n.\r\n"), &t1);
    assert_int_equal(budget.used_bytes, 0);
    assert_text(&t1.deliveries, STR("[u@example.org |0123456789\r\n]"));
    trace_fini(&t1);
    trace_fini(&t2);
}

static void a_session_that_ends_gives_its_budget_back(void **state)
{
    struct lmtp_budget budget = {.limit_bytes = 100};
    const struct lmtp_options options = {.budget = &budget};
    struct trace t = {BUF_INIT, BUF_INIT, false};
    struct lmtp_session *s = new_session(&options);

    (void)state;
    feed(s, STR(TO_U "0123456789"), &t);
    lmtp_session_free(&s);
    assert_int_equal(budget.used_bytes, 0);
    trace_fini(&t);
}

static void ends_a_connection_that_talks_nonsense(void **state)
{
    struct buf script = BUF_INIT;
    struct trace t;

    (void)state;
    for (int i = 0; i <= LMTP_MAX_BAD_COMMANDS; i++) {
        BUF_LIT(&script, "GET / HTTP/1.1\r\n");
    }
    t = run(NULL, buf_str(&script), 0);
    assert_true(t.closed);
    assert_true(str_ends_nocase(buf_str(&t.replies),
                                STR("\r\n421 4.7.0 Too many bad commands, closing\r\n")));
    trace_fini(&t);
    buf_fini(&script);
}

static void ends_a_connection_whose_line_has_no_end(void **state)
{
    struct buf script = BUF_INIT;
    struct trace t;

    (void)state;
    memset(buf_reserve(&script, 2 * LMTP_SKIP_LINE_BYTES), 'x', 2 * LMTP_SKIP_LINE_BYTES);
    script.n = 2 * LMTP_SKIP_LINE_BYTES;
    t = run(NULL, buf_str(&script), 77);
    assert_true(t.closed);
    assert_text(&t.replies, STR(GREETING "421 4.7.0 Line is far too long, closing\r\n"));
    trace_fini(&t);
    buf_fini(&script);
}

static void an_abort_waits_for_the_delivery_under_way(void **state)
{
    AUTO(lmtp_session) s = new_session(NULL);
    struct str input = STR(TO_U "x\r\n.\r\nNOOP\r\n");

    (void)state;
    assert_int_equal(lmtp_session_feed(s, &input), LMTP_WANT_DELIVERY);
    assert_true(str_eq(input, STR("NOOP\r\n")));
    lmtp_session_abort(s, "4.3.2 Shutting down");
    assert_int_equal(lmtp_session_feed(s, &input), LMTP_WANT_DELIVERY);
    lmtp_session_report(s, 0, 0);
    assert_int_equal(lmtp_session_feed(s, &input), LMTP_WANT_CLOSE);
    assert_text(lmtp_session_output(s),
                STR(TO_U_REPLIES U_DELIVERED "421 4.3.2 Shutting down\r\n"));
}

static void reads_paths(void **state)
{
    static const struct {
        struct str path;
        bool utf8;
        enum lmtp_path_result result;
        struct str address;
    } cases[] = {
        {STR_INIT("<>"), false, LMTP_PATH_OK, STR_INIT("")},
        {STR_INIT("<u+box@example.org>"), false, LMTP_PATH_OK, STR_INIT("u+box@example.org")},
        {STR_INIT("<@a.b,@c:u@d>"), false, LMTP_PATH_OK, STR_INIT("u@d")},
        {STR_INIT("<@a.b:\"u.v\"@d>"), false, LMTP_PATH_OK, STR_INIT("u.v@d")},
        {STR_INIT("<\"u v\"@d>"), false, LMTP_PATH_OK, STR_INIT("\"u v\"@d")},
        {STR_INIT("<\"u\\@v\"@d>"), false, LMTP_PATH_OK, STR_INIT("\"u@v\"@d")},
        {STR_INIT("<\"\\u\"@d>"), false, LMTP_PATH_OK, STR_INIT("u@d")},
        {STR_INIT("<\"u>\"@d>"), false, LMTP_PATH_OK, STR_INIT("\"u>\"@d")},
        {STR_INIT("<postmaster>"), false, LMTP_PATH_OK, STR_INIT("postmaster")},
        {STR_INIT("<u@[127.0.0.1]>"), false, LMTP_PATH_OK, STR_INIT("u@[127.0.0.1]")},
        {STR_INIT("<\xc3\xa9@d>"), true, LMTP_PATH_OK, STR_INIT("\xc3\xa9@d")},
        {STR_INIT("<\xc3\xa9@d>"), false, LMTP_PATH_NON_ASCII, STR_INIT("")},
        {STR_INIT("<\xc3@d>"), true, LMTP_PATH_SYNTAX, STR_INIT("")},
        {STR_INIT("u@d"), false, LMTP_PATH_SYNTAX, STR_INIT("")},
        {STR_INIT("<u@d"), false, LMTP_PATH_SYNTAX, STR_INIT("")},
        {STR_INIT("<u@>"), false, LMTP_PATH_SYNTAX, STR_INIT("")},
        {STR_INIT("<@d>"), false, LMTP_PATH_SYNTAX, STR_INIT("")},
        {STR_INIT("<u..v@d>"), false, LMTP_PATH_SYNTAX, STR_INIT("")},
        {STR_INIT("<u v@d>"), false, LMTP_PATH_SYNTAX, STR_INIT("")},
        {STR_INIT("<\"u@d>"), false, LMTP_PATH_SYNTAX, STR_INIT("")},
        {STR_INIT("<u@d@e>"), false, LMTP_PATH_SYNTAX, STR_INIT("")},
        {STR_INIT(""), false, LMTP_PATH_SYNTAX, STR_INIT("")},
    };
    AUTO(arena) arena = arena_new(NULL, "test");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str text = cases[i].path, address = STR("");

        assert_int_equal(lmtp_path_take(&text, cases[i].utf8, arena, &address), cases[i].result);
        assert_int_equal(str_cmp(address, cases[i].address), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_to_each_recipient_and_answers_each),
        cmocka_unit_test(removes_dots_and_nothing_else),
        cmocka_unit_test(any_split_of_the_input_gives_the_same),
        cmocka_unit_test(byte_by_byte_gives_the_same),
        cmocka_unit_test(limits_the_size_declared_and_real),
        cmocka_unit_test(limits_recipients),
        cmocka_unit_test(shares_the_budget_of_bytes),
        cmocka_unit_test(a_session_that_ends_gives_its_budget_back),
        cmocka_unit_test(ends_a_connection_that_talks_nonsense),
        cmocka_unit_test(ends_a_connection_whose_line_has_no_end),
        cmocka_unit_test(an_abort_waits_for_the_delivery_under_way),
        cmocka_unit_test(reads_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
