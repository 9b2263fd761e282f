/* Messages written from values: they read back as what they were written from, whatever the values are, and nothing in a value becomes a field or a part. */
#include "support/mime_fixture.h"

#include "base/buf.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "mime/compose.h"

/* ---- comparing ---- */

static void assert_same(const char *what, struct str actual, struct str expected)
{
    size_t at = 0;

    if (str_eq(actual, expected)) {
        return;
    }
    while (at < actual.n && at < expected.n && actual.p[at] == expected.p[at]) {
        at++;
    }
    fail_msg("%s of %zu bytes, not %zu; at %zu: \"%.*s\" is not \"%.*s\"", what, actual.n,
             expected.n, at, STR_ARG(str_sub(actual, at, 40)), STR_ARG(str_sub(expected, at, 40)));
}

static void assert_same_addresses(const char *what, struct mime_addresses actual,
                                  struct mime_addresses expected)
{
    if (actual.n != expected.n) {
        fail_msg("%s: %zu addresses, not %zu", what, actual.n, expected.n);
    }
    for (size_t i = 0; i < actual.n; i++) {
        assert_same(what, actual.v[i].name, expected.v[i].name);
        assert_same(what, actual.v[i].address, expected.v[i].address);
    }
}

static void assert_same_attachment(const struct mime_draft_attachment *a,
                                   const struct mime_draft_attachment *b)
{
    assert_same("name", a->name, b->name);
    assert_same("content type", a->content_type, b->content_type);
    assert_same("charset", a->charset, b->charset);
    assert_same("content id", a->content_id, b->content_id);
    assert_same("content location", a->content_location, b->content_location);
    assert_int_equal(a->is_inline, b->is_inline);
    assert_int_equal(a->is_message, b->is_message);
    assert_int_equal(a->content.n, b->content.n);
    assert_same("content", a->content, b->content);
}

static void assert_same_bodies(const struct mime_draft *a, const struct mime_draft *b)
{
    assert_int_equal(a->has_text, b->has_text);
    assert_same("text", a->text, b->text);
    assert_int_equal(a->has_html, b->has_html);
    assert_same("html", a->html, b->html);
    assert_same("calendar", a->calendar, b->calendar);
    assert_int_equal(a->calendar_method, b->calendar_method);
    assert_int_equal(a->attachment_count, b->attachment_count);
    for (size_t i = 0; i < a->attachment_count; i++) {
        assert_same_attachment(&a->attachments[i], &b->attachments[i]);
    }
}

static void assert_same_draft(const struct mime_draft *a, const struct mime_draft *b)
{
    assert_same("subject", a->subject, b->subject);
    assert_same("message id", a->message_id, b->message_id);
    assert_same("in reply to", a->in_reply_to, b->in_reply_to);
    assert_same("references", a->references, b->references);
    assert_int_equal(a->has_date, b->has_date);
    assert_int_equal(a->date_ms, b->date_ms);
    assert_same_addresses("from", a->from, b->from);
    assert_same_addresses("sender", a->sender, b->sender);
    assert_same_addresses("to", a->to, b->to);
    assert_same_addresses("cc", a->cc, b->cc);
    assert_same_addresses("bcc", a->bcc, b->bcc);
    assert_same_addresses("reply to", a->reply_to, b->reply_to);
    assert_int_equal(a->importance, b->importance);
    assert_int_equal(a->sensitivity, b->sensitivity);
    assert_int_equal(a->read_receipt_requested, b->read_receipt_requested);
    assert_int_equal(a->delivery_receipt_requested, b->delivery_receipt_requested);
    assert_same("topic", a->thread_topic, b->thread_topic);
    assert_same("index", a->thread_index, b->thread_index);
    assert_int_equal(a->header_count, b->header_count);
    for (size_t i = 0; i < a->header_count; i++) {
        assert_same("header name", a->headers[i].name, b->headers[i].name);
        assert_same("header value", a->headers[i].value, b->headers[i].value);
    }
    assert_same_bodies(a, b);
}

/* CRLF everywhere, no line too long, no NUL. */
static void assert_well_formed(struct str raw)
{
    size_t start = 0;

    for (size_t i = 0; i < raw.n; i++) {
        assert_int_not_equal(raw.p[i], '\0');
        if (raw.p[i] == '\n') {
            assert_true(i > 0 && raw.p[i - 1] == '\r');
            assert_true(i - 1 - start <= 998);
            start = i + 1;
        } else if (raw.p[i] == '\r') {
            assert_true(i + 1 < raw.n && raw.p[i + 1] == '\n');
        }
    }
    assert_true(raw.n - start <= 998);
}

static struct mime_draft read_back(struct arena *arena, struct str raw)
{
    struct mime_draft draft;

    mime_draft_from_message(mime_message_new(arena, raw), arena, &draft);
    return draft;
}

static struct str compose(void **state, const struct mime_draft *draft)
{
    struct str raw = mime_compose(draft, *state);

    assert_well_formed(raw);
    return raw;
}

static void assert_reads_back(struct arena *arena, const struct mime_draft *draft)
{
    struct str raw = mime_compose(draft, arena);
    struct mime_draft again = read_back(arena, raw);

    assert_well_formed(raw);
    assert_same_draft(&again, draft);
}

/* ---- random drafts ---- */

struct maker {
    struct arena *arena;
    struct prng prng;
};

static bool chance(struct maker *m, unsigned one_in)
{
    return prng_below(&m->prng, one_in) == 0;
}

static const char *const pieces[] = {
    "a",
    "word",
    "Re:",
    " ",
    "  ",
    "\t",
    "=?",
    "?=",
    "=?utf-8?Q?x?=",
    "ü",
    "漢字",
    "😀",
    "\"",
    "\\",
    "<",
    ">",
    "(",
    ")",
    ",",
    ";",
    ":",
    "@",
    "%",
    "'",
    "*",
    "From ",
    "--",
    "=_",
    ".",
    "=",
    "=3D",
    "x@y.z",
    "\xc2\xa0",
    "\xe2\x80\xa8",
    "[1]",
    "_",
    "0123456789012345678901234567890123456789",
};

static struct str random_text(struct maker *m, size_t max_pieces)
{
    struct buf out = BUF_INIT;
    struct str text;

    for (size_t n = prng_below(&m->prng, max_pieces + 1); n > 0; n--) {
        buf_add_cstr(&out, pieces[prng_below(&m->prng, ARRAY_LEN(pieces))]);
    }
    text = str_dup(m->arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static struct str random_trimmed(struct maker *m, size_t max_pieces)
{
    if (chance(m, 40)) {
        max_pieces *= 200;
    }
    return str_trim(random_text(m, max_pieces));
}

static struct str random_body(struct maker *m)
{
    struct buf out = BUF_INIT;
    struct str text;

    for (size_t n = prng_below(&m->prng, 12); n > 0; n--) {
        buf_add_str(&out, random_text(m, chance(m, 5) ? 200 : 8));
        BUF_LIT(&out, "\r\n");
    }
    if (chance(m, 3)) {
        buf_add_str(&out, random_text(m, 8));
    }
    text = str_dup(m->arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static struct str random_bytes(struct maker *m, size_t max)
{
    size_t n = prng_below(&m->prng, max + 1);
    char *p = arena_alloc(m->arena, n + 1);

    for (size_t i = 0; i < n; i++) {
        p[i] = (char)prng_next(&m->prng);
    }
    return str_of(p, n);
}

static struct mime_addresses random_addresses(struct maker *m, size_t max)
{
    static const char *const addresses[] = {"a@example.com",
                                            "first.last+tag@example.org",
                                            "\"odd local\"@example.com",
                                            "j\xc3\xbcrgen@example.com",
                                            "user",
                                            "x@[192.0.2.1]",
                                            "a/b=c@example.com",
                                            "\"with \\\" quote\"@x.org",
                                            "o'neil@example.com"};
    size_t n = prng_below(&m->prng, max + 1);
    struct mime_address *v = ARENA_ARRAY(m->arena, struct mime_address, n);

    for (size_t i = 0; i < n; i++) {
        v[i].name = chance(m, 3) ? STR("") : random_trimmed(m, 6);
        v[i].address = str_from(addresses[prng_below(&m->prng, ARRAY_LEN(addresses))]);
        if (v[i].name.n > 0 && chance(m, 10)) {
            v[i].address = STR("");
        }
    }
    return (struct mime_addresses){v, n};
}

static void make_headers(struct maker *m, struct mime_draft *d)
{
    static const char *const names[] = {"X-Mailer", "Received", "Keywords",
                                        "X-Long-Name-Of-A-Field"};
    struct mime_header *headers;

    d->header_count = prng_below(&m->prng, 5);
    headers = ARENA_ARRAY(m->arena, struct mime_header, d->header_count);
    for (size_t i = 0; i < d->header_count; i++) {
        headers[i].name = str_from(names[prng_below(&m->prng, ARRAY_LEN(names))]);
        headers[i].value = random_trimmed(m, 20);
    }
    d->headers = headers;
}

static struct str nested_message(struct maker *m)
{
    return str_printf(m->arena, "Subject: nested\r\n%s\r\n%.*s",
                      chance(m, 2) ? "Content-Type: multipart/mixed; boundary=x\r\n" : "",
                      STR_ARG(chance(m, 3) ? random_bytes(m, 500) : random_body(m)));
}

/* Those that a body may refer to come first. */
static void make_attachments(struct maker *m, struct mime_draft *d)
{
    size_t related = d->has_text || d->has_html ? prng_below(&m->prng, 3) : 0;
    struct mime_draft_attachment *v;

    d->attachment_count = related + (chance(m, 2) ? 0 : prng_below(&m->prng, 4));
    v = ARENA_ARRAY(m->arena, struct mime_draft_attachment, d->attachment_count);
    for (size_t i = 0; i < d->attachment_count; i++) {
        bool text = chance(m, 4);

        v[i].name = utf8_cut(random_trimmed(m, 8), 1000);
        v[i].name = str_trim(v[i].name);
        v[i].is_message = i >= related && chance(m, 4);
        v[i].content_type = v[i].is_message ? STR("message/rfc822")
                            : text          ? STR("text/plain")
                                            : STR("image/png");
        v[i].charset = text && !v[i].is_message ? STR("iso-8859-1") : STR("");
        v[i].is_inline = i < related || (!v[i].is_message && !text && chance(m, 5));
        v[i].content_id = i < related ? str_printf(m->arena, "id%zu@x", i) : STR("");
        v[i].content_location = chance(m, 5) ? STR("http://example.com/a%20b") : STR("");
        v[i].content = v[i].is_message ? nested_message(m) : random_bytes(m, 3000);
        if (i >= related && v[i].is_inline) {
            v[i].content_location = STR("");
        }
    }
    d->attachments = v;
}

static void make_bodies(struct maker *m, struct mime_draft *d)
{
    d->has_text = chance(m, 2);
    d->text = d->has_text ? random_body(m) : STR("");
    d->has_html = chance(m, 2);
    d->html = d->has_html ? random_body(m) : STR("");
    if (chance(m, 4)) {
        d->calendar = STR("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDESCRIPTION:no body\r\n"
                          "END:VEVENT\r\nEND:VCALENDAR\r\n");
        d->calendar_method = (enum mime_method)prng_below(&m->prng, MIME_METHOD_OTHER);
    }
    make_attachments(m, d);
    if (!d->has_html && d->calendar.n == 0 && d->attachment_count == 0) {
        d->has_text = true;
    }
}

static struct mime_draft random_draft(struct maker *m)
{
    struct mime_draft d = {
        .subject = random_trimmed(m, 12),
        .message_id = chance(m, 2) ? STR("<1234@example.com>") : STR(""),
        .in_reply_to = chance(m, 2) ? STR("<a.b.c@example.com>") : STR(""),
        .references = chance(m, 2)
                          ? STR("<a@example.com> <b@example.com>  <c@example.com> <d@example.com>"
                                " <e@example.com> <f@example.com>")
                          : STR(""),
        .has_date = true,
        .date_ms = (int64_t)prng_below(&m->prng, 4000000000) * 1000,
        .from = random_addresses(m, 1),
        .sender = random_addresses(m, 1),
        .to = random_addresses(m, 6),
        .cc = random_addresses(m, 3),
        .bcc = random_addresses(m, 3),
        .reply_to = random_addresses(m, 2),
        .importance = (enum mime_importance)prng_below(&m->prng, 3),
        .sensitivity = (enum mime_sensitivity)prng_below(&m->prng, 4),
        .read_receipt_requested = chance(m, 2),
        .delivery_receipt_requested = chance(m, 2),
        .thread_topic = random_trimmed(m, 8),
        .thread_index = chance(m, 2) ? STR("0123456789012345678901") : STR(""),
    };

    make_headers(m, &d);
    make_bodies(m, &d);
    return d;
}

static void any_draft_reads_back(void **state)
{
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        struct maker m = {.arena = arena_new(*state, "draft")};
        struct mime_draft draft;

        prng_seed(&m.prng, seed);
        draft = random_draft(&m);
        print_message("# seed %llu\n", (unsigned long long)seed);
        assert_reads_back(m.arena, &draft);
        arena_free(&m.arena);
    }
}

/* ---- hostile values ---- */

static void line_ends_in_values_make_no_fields(void **state)
{
    static const char evil[] = "x\r\nBcc: victim@example.com\r\n\r\nbody\n.\r\nX-Evil: 1";
    struct str s = str_from(evil);
    struct mime_address who[] = {{s, s}, {STR("ok"), str_from("a@b\r\nBcc: c@d")}, {s, STR("")}};
    struct mime_header other = {STR("X-Other"), s};
    struct mime_draft_attachment file = {.name = s,
                                         .content_type = s,
                                         .content_id = s,
                                         .content_location = s,
                                         .charset = s,
                                         .content = s};
    struct mime_draft d = {.subject = s,
                           .message_id = s,
                           .in_reply_to = s,
                           .references = s,
                           .thread_topic = s,
                           .from = {who, 3},
                           .sender = {who, 1},
                           .to = {who, 3},
                           .cc = {who, 3},
                           .reply_to = {who, 3},
                           .read_receipt_requested = true,
                           .headers = &other,
                           .header_count = 1,
                           .has_text = true,
                           .text = STR("hello"),
                           .attachments = &file,
                           .attachment_count = 1};
    struct str raw = compose(state, &d);
    struct mime_draft again = read_back(*state, raw);

    assert_int_equal(again.bcc.n, 0);
    assert_int_equal(again.header_count, 1);
    assert_int_equal(again.to.n, 3);
    assert_int_equal(again.attachment_count, 1);
    assert_text(again.text, "hello");
    assert_text(again.subject, "x  Bcc: victim@example.com    body .  X-Evil: 1");
    assert_int_equal(str_find(raw, STR("\nBcc"), 0), SIZE_MAX);
    assert_int_equal(str_find(raw, STR("\nX-Evil"), 0), SIZE_MAX);
}

static void nuls_and_broken_utf8_are_harmless(void **state)
{
    struct mime_address who = {STR("a\0b\xff"), STR("c\0d\x01\xff@example.com")};
    struct mime_draft d = {.subject = STR("a\0b\xff\x01"),
                           .from = {&who, 1},
                           .to = {&who, 1},
                           .has_text = true,
                           .text = STR("a\0b\x01\xff")};
    struct mime_draft again = read_back(*state, compose(state, &d));

    assert_int_equal(again.to.n, 1);
    assert_true(str_starts(again.subject, STR("a b")));
    assert_true(utf8_valid(again.subject) && utf8_valid(again.text));
}

static void addresses_stay_one_mailbox(void **state)
{
    static const char *const odd[] = {"a@b>, <evil@example.com",
                                      "a@b, evil@example.com",
                                      "\"",
                                      "a\\",
                                      "a b@c",
                                      "@",
                                      "a@",
                                      "@b",
                                      ".a@b",
                                      "a..b@c",
                                      "a@b@c",
                                      "\"open@x",
                                      "(comment)a@b",
                                      "group:a@b;",
                                      "a@b c",
                                      "<a@b>",
                                      "\"\\\"@x",
                                      "/o=First Org/ou=x/cn=y",
                                      "a@[x",
                                      "\xff@\xfe"};

    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct mime_address who[] = {
            {STR("N"), str_from(odd[i])}, {STR(""), str_from(odd[i])}, {STR(""), STR("last@x")}};
        struct mime_draft d = {.to = {who, 3}, .has_text = true};
        struct mime_draft again = read_back(*state, compose(state, &d));
        struct mime_draft third = read_back(*state, compose(state, &again));

        if (again.to.n != 3) {
            fail_msg("%s: %zu mailboxes", odd[i], again.to.n);
        }
        assert_text(again.to.v[2].address, "last@x");
        assert_same_addresses(odd[i], third.to, again.to);
    }
}

static void names_of_any_length_survive(void **state)
{
    struct buf long_name = BUF_INIT;

    while (long_name.n < 10000) {
        BUF_LIT(&long_name, "abcdefghij");
    }
    struct mime_address who[] = {{buf_str(&long_name), STR("a@b")}, {STR("x"), STR("c@d")}};
    struct mime_draft d = {
        .subject = buf_str(&long_name), .from = {who, 1}, .to = {who, 2}, .has_text = true};

    assert_reads_back(*state, &d);
    d.message_id = d.references = buf_str(&long_name);
    d.to.v = &(struct mime_address){STR("n"), buf_str(&long_name)};
    d.to.n = 1;
    compose(state, &d);
    buf_fini(&long_name);
}

static void names_alone_need_no_address(void **state)
{
    struct mime_address who[] = {{STR("Somebody"), STR("")},
                                 {STR("a:b"), STR("")},
                                 {STR(""), STR("")},
                                 {STR(""), STR("c@d")}};
    struct mime_draft d = {.to = {who, 4}, .has_text = true};
    struct mime_draft again = read_back(*state, compose(state, &d));

    assert_int_equal(again.to.n, 3);
    assert_text(again.to.v[0].name, "Somebody");
    assert_text(again.to.v[1].name, "a:b");
    assert_text(again.to.v[2].address, "c@d");
}

static void many_recipients_with_colons_are_read(void **state)
{
    struct mime_address who[300];
    struct mime_draft d = {.to = {who, 300}, .has_text = true};

    for (size_t i = 0; i < 300; i++) {
        who[i] = (struct mime_address){STR("Dept: sales"), STR("a@b")};
    }
    assert_reads_back(*state, &d);
}

static void header_names_are_checked(void **state)
{
    (void)state;
    assert_true(mime_draft_may_have_header(STR("X-Mailer")));
    assert_true(mime_draft_may_have_header(STR("Keywords")));
    assert_false(mime_draft_may_have_header(STR("bcc")));
    assert_false(mime_draft_may_have_header(STR("Content-Type")));
    assert_false(mime_draft_may_have_header(STR("")));
    assert_false(mime_draft_may_have_header(STR("a b")));
    assert_false(mime_draft_may_have_header(STR("a\r\nb")));
    assert_false(mime_draft_may_have_header(STR("a:b")));
    assert_false(mime_draft_may_have_header(STR("\xc3\xbc")));
}

static void a_nested_message_cannot_close_its_parent(void **state)
{
    struct mime_draft_attachment nested = {.is_message = true,
                                           .content = STR("Subject: x\r\n\r\n")};
    struct mime_draft d = {.has_text = true, .attachments = &nested, .attachment_count = 1};
    struct str raw = compose(state, &d);
    size_t at = str_find(raw, STR("boundary=\""), 0) + 10;
    struct str boundary = str_sub(raw, at, str_find_char(raw, '"', at) - at);

    /* What would have been the boundary, now in the content. */
    nested.content =
        str_printf(*state, "Subject: x\r\n\r\n--%.*s--\r\nX: y\r\n", STR_ARG(boundary));
    nested.content_type = STR("message/rfc822");
    assert_reads_back(*state, &d);
}

/* ---- forms ---- */

static void the_simplest_message_is_plain(void **state)
{
    struct mime_address from = {STR("Ann"), STR("ann@example.com")};
    struct mime_address to = {STR(""), STR("bob@example.com")};
    struct mime_draft d = {.subject = STR("Hi"),
                           .from = {&from, 1},
                           .to = {&to, 1},
                           .has_date = true,
                           .importance = MIME_IMPORTANCE_NORMAL,
                           .has_text = true,
                           .text = STR("Hello.\n")};

    assert_text(compose(state, &d),
                "From: Ann <ann@example.com>\r\nTo: bob@example.com\r\nSubject: Hi\r\n"
                "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"
                "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n"
                "\r\nHello.\r\n");
}

static void composing_is_deterministic(void **state)
{
    struct mime_draft d = {
        .has_text = true, .text = STR("a"), .has_html = true, .html = STR("<p>a")};
    struct str first = compose(state, &d);

    assert_true(str_eq(first, compose(state, &d)));
    d.text = STR("b");
    assert_false(str_eq(first, compose(state, &d)));
}

static void a_meeting_stands_among_the_alternatives(void **state)
{
    struct mime_draft d = {
        .has_text = true,
        .text = STR("Come."),
        .has_html = true,
        .html = STR("<p>Come."),
        .calendar = STR("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"),
        .calendar_method = MIME_METHOD_REQUEST};
    struct mime_message *m = mime_message_new(*state, compose(state, &d));

    assert_text(mime_message_item_class(m), "IPM.Schedule.Meeting.Request");
    assert_false(mime_message_has_attachments(m));
    assert_text(mime_message_body(m)->text, "Come.");
}

static void received_mail_is_taken_apart_and_settles(void **state)
{
    struct mime_message *m = given(
        state,
        "Received: from a by b;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\nDKIM-Signature: v=1;  a=rsa\r\n"
        "X-Priority: 1\r\nSubject: =?utf-8?Q?=C3=BC?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n\xfc\r\n"
        "--b\r\nContent-Type: text/csv; charset=koi8-r; name=a.csv\r\nContent-Disposition: attachment\r\n\r\n\xc1\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\n.\r\n--b--\r\n");
    struct mime_draft d;

    mime_draft_from_message(m, *state, &d);
    assert_int_equal(d.header_count, 2);
    assert_text(d.headers[0].value, "from a by b;\tThu, 1 Jan 1970 00:00:00 +0000");
    assert_text(d.headers[1].value, "v=1;  a=rsa");
    assert_int_equal(d.importance, MIME_IMPORTANCE_HIGH);
    assert_text(d.text, "ü");
    assert_int_equal(d.attachment_count, 2);
    assert_text(d.attachments[0].charset, "koi8-r");
    assert_text(d.attachments[0].content, "\xc1");
    assert_text(d.attachments[1].content, "Subject: in\r\n\r\n.");
    assert_true(d.attachments[1].is_message);
    assert_reads_back(*state, &d);
}

static void a_large_attachment_costs_little_more_than_itself(void **state)
{
    size_t n = 100u << 20;
    struct mime_draft_attachment big = {.content_type = STR("video/mp4"),
                                        .content = {calloc(1, n), n}};
    struct mime_draft d = {.has_text = true, .attachments = &big, .attachment_count = 1};
    struct arena *arena = arena_new(*state, "big");
    struct str raw = mime_compose(&d, arena);

    assert_true(raw.n > n / 3 * 4);
    assert_true(arena_used_bytes(arena) < raw.n + 10000);
    arena_free(&arena);
    free((void *)(uintptr_t)big.content.p);
}

/* ---- what goes out ---- */

static void only_bcc_is_removed(void **state)
{
    static const struct {
        const char *raw, *without;
    } cases[] = {
        {"To: a\r\nBcc: b,\r\n c\r\nSubject: x\r\n\r\nBcc: body\r\n",
         "To: a\r\nSubject: x\r\n\r\nBcc: body\r\n"},
        {"bcc : b\nTo: a\n\n", "To: a\n\n"},
        {"To: a\r\nBCC:\r\n\tb\r\n", "To: a\r\n"},
        {"To: a\r\nno field\r\nBcc: b\r\nResent-Bcc: c\r\n\r\n.", "To: a\r\nno field\r\n\r\n."},
        {"Bcc: only", ""},
        {"X-Bcc: a\r\nSubject: Bcc: b\r\n c\r\n\r\n", "X-Bcc: a\r\nSubject: Bcc: b\r\n c\r\n\r\n"},
        {"", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_text(mime_without_bcc(str_from(cases[i].raw), *state), cases[i].without);
    }
    struct str raw = STR("To: a\r\n\r\n");

    assert_ptr_equal(mime_without_bcc(raw, *state).p, raw.p);
}

static void a_bcc_behind_any_number_of_fields_is_removed(void **state)
{
    struct buf raw = BUF_INIT;

    for (size_t i = 0; i < 5000; i++) {
        BUF_LIT(&raw, "X-Filler: 1\r\n");
    }
    size_t n = raw.n;

    BUF_LIT(&raw, "Bcc: secret@example.com\r\n\r\n");
    assert_int_equal(mime_without_bcc(buf_str(&raw), *state).n, n + 2);
    buf_fini(&raw);
}

static void message_ids_have_a_domain(void **state)
{
    static const unsigned char random[16] = {0xab, 1};

    assert_text(mime_make_message_id(random, STR("example.com"), *state),
                "<ab010000000000000000000000000000@example.com>");
    assert_text(mime_make_message_id(random, STR("a>\r\nBcc: b"), *state),
                "<ab010000000000000000000000000000@localhost>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(any_draft_reads_back),
        MIME_TEST(line_ends_in_values_make_no_fields),
        MIME_TEST(nuls_and_broken_utf8_are_harmless),
        MIME_TEST(addresses_stay_one_mailbox),
        MIME_TEST(names_of_any_length_survive),
        MIME_TEST(names_alone_need_no_address),
        MIME_TEST(many_recipients_with_colons_are_read),
        MIME_TEST(header_names_are_checked),
        MIME_TEST(a_nested_message_cannot_close_its_parent),
        MIME_TEST(the_simplest_message_is_plain),
        MIME_TEST(composing_is_deterministic),
        MIME_TEST(a_meeting_stands_among_the_alternatives),
        MIME_TEST(received_mail_is_taken_apart_and_settles),
        MIME_TEST(a_large_attachment_costs_little_more_than_itself),
        MIME_TEST(only_bcc_is_removed),
        MIME_TEST(a_bcc_behind_any_number_of_fields_is_removed),
        MIME_TEST(message_ids_have_a_domain),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
