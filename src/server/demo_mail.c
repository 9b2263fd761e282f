#include "server/demo_mail.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/rand.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Newest message: this long before now. Others follow at a few hours' distance. */
#define NEWEST_AGE_MS (7LL * 60 * 1000)
#define MEAN_GAP_MS (3LL * 3600 * 1000)
#define DAY_MS (24LL * 3600 * 1000)

static const struct demo_owner people[] = {
    {"dan.park@example.com", "Dan Park"},          {"ines.quist@example.org", "Ines Quist"},
    {"noor.haddad@example.net", "Noor Haddad"},    {"sam.okafor@example.com", "Sam Okafor"},
    {"julia.weiss@example.org", "Júlia Weiß"},     {"kenji.mori@example.net", "森 健二"},
    {"accounts@example.org", "Accounts, Nord AG"}, {"build@ci.example.net", "Build Server"},
    {"rosa.lind@example.com", "Rosa Lind"},
};

static const char *const subjects[] = {
    "Budget Q3",
    "Minutes of Tuesday's meeting",
    "Re: Migration plan for the file server",
    "Invoice 2210-%u",
    "Release %u.2 is out",
    "Lunch on Thursday?",
    "Ticket #%u: printer on the second floor",
    "Re: Travel to Lisbon",
    "Übersicht der offenen Punkte",
    "Draft of the customer letter",
    "Nightly build %u failed",
    "Photos from the summer party",
    "Contract review, part %u",
    "Reminder: security training",
    "Questions about the new schedule",
};

static const char *const sentences[] = {
    "Thanks for the quick answer, that helps a lot.",
    "I have put the current figures into the attached sheet; please look at rows 12 to 40 before Friday.",
    "The migration of the second file server is planned for the weekend, so expect a short outage on Saturday evening.",
    "Could you send me the signed copy once it is back from legal?",
    "Nothing urgent, but I would like to settle this before the holidays.",
    "We agreed to move the review by one week and to invite the people from support as well.",
    "Grüße aus München – der Zug war wie immer zu spät.",
    "The numbers for the north region look better than last quarter, mostly because of the two new contracts.",
    "If you see a certificate warning, please do not click it away; tell me which machine it was.",
    "The room is booked from ten to twelve, coffee included.",
    "Let me know if the new schedule works for you, otherwise we find another slot.",
    "I attached the photos in full size, feel free to use them for the newsletter.",
};

static const char *const rooms[] = {"Conference Room 2", "Room Lisbon, 3rd floor", "Online",
                                    "Cafeteria"};

/* What a message is made of. */
enum demo_kind {
    KIND_PLAIN,
    KIND_HTML,
    KIND_ATTACHMENT,
    KIND_INLINE_IMAGE,
    KIND_MEETING,
    KIND_CANCELLATION,
    KIND_KINDS
};

/* A 1x1 PNG image, the smallest picture that viewers show. */
static const unsigned char png[] = {
    0x89, 'P',  'N',  'G',  0x0d, 0x0a, 0x1a, 0x0a, 0,   0,   0,    13,   'I',  'H',
    'D',  'R',  0,    0,    0,    1,    0,    0,    0,   1,   8,    6,    0,    0,
    0,    0x1f, 0x15, 0xc4, 0x89, 0,    0,    0,    13,  'I', 'D',  'A',  'T',  0x78,
    0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0,    5,   0,   1,    0xff, 0x89, 0x99,
    0x3d, 0x1d, 0,    0,    0,    0,    'I',  'E',  'N', 'D', 0xae, 0x42, 0x60, 0x82,
};

struct composer {
    struct buf *out;
    struct prng prng;
    const struct demo_owner *owner, *other;
    unsigned i;
    int64_t sent_ms;
    char subject[96];
    enum demo_kind kind;
};

#define PICK(c, list) ((list)[prng_below(&(c)->prng, ARRAY_LEN(list))])

/* ---- pieces ---- */

static void add_date(struct buf *out, int64_t unix_ms)
{
    time_t t = (time_t)(unix_ms / 1000);
    struct tm tm;
    char text[64];

    (void)gmtime_r(&t, &tm);
    (void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm);
    buf_add_cstr(out, text);
}

static bool is_ascii(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s >= 0x80) {
            return false;
        }
    }
    return true;
}

/* Header text, as an encoded word where it must be. */
static void add_words(struct buf *out, const char *text)
{
    if (is_ascii(text)) {
        buf_printf(out, strchr(text, ',') != NULL ? "\"%s\"" : "%s", text);
    } else {
        BUF_LIT(out, "=?utf-8?B?");
        base64_encode(out, text, strlen(text));
        BUF_LIT(out, "?=");
    }
}

static void add_mailbox(struct buf *out, const char *header, const struct demo_owner *who)
{
    buf_printf(out, "%s: ", header);
    add_words(out, who->name);
    buf_printf(out, " <%s>\r\n", who->address);
}

static void add_base64_lines(struct buf *out, const void *p, size_t n)
{
    const size_t line = 57;

    for (size_t at = 0; at < n; at += line) {
        base64_encode(out, (const char *)p + at, n - at < line ? n - at : line);
        BUF_LIT(out, "\r\n");
    }
}

static void add_paragraphs(struct composer *c, const char *before, const char *after)
{
    unsigned n = 2 + (unsigned)prng_below(&c->prng, 4);

    for (unsigned p = 0; p < n; p++) {
        buf_add_cstr(c->out, before);
        for (unsigned s = 0; s < 3; s++) {
            buf_add_cstr(c->out, PICK(c, sentences));
            buf_add_char(c->out, s < 2 ? ' ' : '\r');
        }
        buf_add_char(c->out, '\n');
        buf_add_cstr(c->out, after);
    }
}

static void add_text_part(struct composer *c)
{
    BUF_LIT(c->out,
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    buf_printf(c->out, "Hello %s,\r\n\r\n", c->owner->name);
    add_paragraphs(c, "", "\r\n");
    buf_printf(c->out, "Best regards\r\n%s\r\n", c->other->name);
}

static void add_html_part(struct composer *c, const char *picture)
{
    BUF_LIT(
        c->out,
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<html><body>\r\n");
    buf_printf(c->out, "<p>Hello %s,</p>\r\n", c->owner->name);
    add_paragraphs(c, "<p>", "</p>\r\n");
    buf_printf(c->out, "%s<p>Best regards<br>%s</p>\r\n</body></html>\r\n", picture,
               c->other->name);
}

/* The three ways to begin, go on in and end a multipart; the boundary carries the level. */
static void open_multipart(struct composer *c, const char *subtype, char level)
{
    buf_printf(c->out, "Content-Type: multipart/%s; boundary=\"=_%c%u\"\r\n\r\n", subtype, level,
               c->i);
}

static void next_part(struct composer *c, char level)
{
    buf_printf(c->out, "--=_%c%u\r\n", level, c->i);
}

static void close_multipart(struct composer *c, char level)
{
    buf_printf(c->out, "--=_%c%u--\r\n", level, c->i);
}

static void add_alternative(struct composer *c, const char *picture)
{
    open_multipart(c, "alternative", 'a');
    next_part(c, 'a');
    add_text_part(c);
    next_part(c, 'a');
    add_html_part(c, picture);
    close_multipart(c, 'a');
}

static void add_sheet(struct composer *c)
{
    struct buf sheet = BUF_INIT;

    for (unsigned row = 1; row <= 60; row++) {
        buf_printf(&sheet, "%u;region %u;%u\r\n", row, (unsigned)prng_below(&c->prng, 9),
                   (unsigned)prng_below(&c->prng, 100000));
    }
    next_part(c, 'm');
    buf_printf(
        c->out,
        "Content-Type: text/csv; name=\"figures-%u.csv\"\r\nContent-Disposition: attachment; filename=\"figures-%u.csv\"\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n",
        c->i, c->i);
    add_base64_lines(c->out, sheet.p, sheet.n);
    buf_fini(&sheet);
}

static void add_picture(struct composer *c, char level, const char *disposition)
{
    next_part(c, level);
    buf_printf(
        c->out,
        "Content-Type: image/png; name=\"picture.png\"\r\nContent-ID: <picture-%u@example.com>\r\n"
        "Content-Disposition: %s; filename=\"picture.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        c->i, disposition);
    add_base64_lines(c->out, png, sizeof(png));
}

/* ---- meetings ---- */

static void add_ical_time(struct buf *out, const char *name, int64_t unix_ms)
{
    time_t t = (time_t)(unix_ms / 1000);
    struct tm tm;
    char text[32];

    (void)gmtime_r(&t, &tm);
    (void)strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
    buf_printf(out, "%s:%s\r\n", name, text);
}

static void add_calendar_part(struct composer *c, const char *method)
{
    int64_t start_ms = (c->sent_ms / DAY_MS + 2 + (int64_t)prng_below(&c->prng, 10)) * DAY_MS +
                       (8 + (int64_t)prng_below(&c->prng, 8)) * 3600000;

    buf_printf(
        c->out,
        "Content-Type: text/calendar; charset=utf-8; method=%s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        method);
    buf_printf(
        c->out,
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//demo//EN\r\nMETHOD:%s\r\nBEGIN:VEVENT\r\n",
        method);
    buf_printf(c->out, "UID:meeting-%u-%s\r\nSUMMARY:%s\r\nLOCATION:%s\r\nSEQUENCE:%d\r\n", c->i,
               c->owner->address, c->subject, PICK(c, rooms), c->kind == KIND_CANCELLATION);
    add_ical_time(c->out, "DTSTAMP", c->sent_ms);
    add_ical_time(c->out, "DTSTART", start_ms);
    add_ical_time(c->out, "DTEND", start_ms + 5400000);
    buf_printf(c->out, "ORGANIZER;CN=\"%s\":mailto:%s\r\n", c->other->name, c->other->address);
    buf_printf(
        c->out,
        "ATTENDEE;CN=\"%s\";ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:%s\r\n",
        c->owner->name, c->owner->address);
    buf_printf(
        c->out,
        "X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY\r\nSTATUS:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        c->kind == KIND_CANCELLATION ? "CANCELLED" : "CONFIRMED");
}

static void add_meeting(struct composer *c)
{
    open_multipart(c, "alternative", 'a');
    next_part(c, 'a');
    add_text_part(c);
    next_part(c, 'a');
    add_calendar_part(c, c->kind == KIND_CANCELLATION ? "CANCEL" : "REQUEST");
    close_multipart(c, 'a');
}

/* ---- bodies by kind ---- */

static void add_html(struct composer *c)
{
    add_alternative(c, "");
}

static void add_with_attachment(struct composer *c)
{
    open_multipart(c, "mixed", 'm');
    next_part(c, 'm');
    add_alternative(c, "");
    add_sheet(c);
    if (c->i % 3 == 0) {
        add_picture(c, 'm', "attachment");
    }
    close_multipart(c, 'm');
}

static void add_with_picture(struct composer *c)
{
    char picture[96];

    (void)snprintf(picture, sizeof(picture), "<p><img src=\"cid:picture-%u@example.com\"></p>\r\n",
                   c->i);
    open_multipart(c, "related", 'r');
    next_part(c, 'r');
    add_html_part(c, picture);
    add_picture(c, 'r', "inline");
    close_multipart(c, 'r');
}

static void (*const add_body[KIND_KINDS])(struct composer *c) = {
    [KIND_PLAIN] = add_text_part,
    [KIND_HTML] = add_html,
    [KIND_ATTACHMENT] = add_with_attachment,
    [KIND_INLINE_IMAGE] = add_with_picture,
    [KIND_MEETING] = add_meeting,
    [KIND_CANCELLATION] = add_meeting,
};

/* Of 20 messages: 7 plain, 6 HTML, 3 with attachments, 1 with a picture, 2 invitations, 1 cancellation. */
static enum demo_kind kind_of(unsigned i)
{
    static const enum demo_kind kinds[] = {
        KIND_MEETING,    KIND_HTML,         KIND_PLAIN, KIND_ATTACHMENT,   KIND_HTML,
        KIND_PLAIN,      KIND_HTML,         KIND_PLAIN, KIND_INLINE_IMAGE, KIND_PLAIN,
        KIND_MEETING,    KIND_HTML,         KIND_PLAIN, KIND_ATTACHMENT,   KIND_PLAIN,
        KIND_ATTACHMENT, KIND_CANCELLATION, KIND_HTML,  KIND_PLAIN,        KIND_HTML,
    };

    return kinds[i % ARRAY_LEN(kinds)];
}

/* Most mail lies in the inbox; meetings always do. */
static const char *folder_of(unsigned i, enum demo_kind kind)
{
    if (kind == KIND_MEETING || kind == KIND_CANCELLATION || i < 3) {
        return "Inbox";
    }
    switch (i % 16) {
    case 4:
    case 9:
    case 13: return "Sent Items";
    case 5:
    case 11: return "Inbox/Projects";
    case 7: return i > 160 ? "Archive" : "Inbox";
    default: return i == 22 || i == 41 ? "Drafts" : "Inbox";
    }
}

static void make_subject(struct composer *c)
{
    /* The list's own formats take one number at most. */
    const char *format = subjects[c->i % ARRAY_LEN(subjects)];
    const char *mark = strstr(format, "%u");

    if (mark == NULL) {
        (void)snprintf(c->subject, sizeof(c->subject), "%s", format);
    } else {
        (void)snprintf(c->subject, sizeof(c->subject), "%.*s%u%s", (int)(mark - format), format,
                       100 + c->i, mark + 2);
    }
}

static void add_headers(struct composer *c, bool outgoing)
{
    const struct demo_owner *from = outgoing ? c->owner : c->other;
    const struct demo_owner *to = outgoing ? c->other : c->owner;

    if (!outgoing) {
        buf_printf(
            c->out,
            "Received: from mx%u.example.net (mx%u.example.net [192.0.2.%u])\r\n\tby mail.example.com with ESMTPS; ",
            c->i % 4, c->i % 4, 1 + c->i % 250);
        add_date(c->out, c->sent_ms + 2000);
        BUF_LIT(c->out, "\r\n");
    }
    add_mailbox(c->out, "From", from);
    add_mailbox(c->out, "To", to);
    if (c->i % 7 == 2) {
        add_mailbox(c->out, "Cc", &people[(c->i + 3) % ARRAY_LEN(people)]);
    }
    BUF_LIT(c->out, "Subject: ");
    add_words(c->out, c->subject);
    BUF_LIT(c->out, "\r\nDate: ");
    add_date(c->out, c->sent_ms);
    buf_printf(c->out, "\r\nMessage-ID: <demo-%u.%s>\r\n", c->i, c->owner->address);
    if (strncmp(c->subject, "Re: ", 4) == 0) {
        buf_printf(c->out, "In-Reply-To: <demo-%u.%s>\r\nReferences: <demo-%u.%s>\r\n", c->i + 15,
                   c->owner->address, c->i + 15, c->owner->address);
    }
    if (c->i % 23 == 3) {
        BUF_LIT(c->out, "Importance: high\r\n");
    }
    BUF_LIT(c->out, "MIME-Version: 1.0\r\n");
}

void demo_message_write(const struct demo_owner *owner, unsigned i, int64_t now_ms, struct buf *out,
                        struct demo_message *message_r)
{
    struct composer c = {.out = out, .owner = owner, .i = i, .kind = kind_of(i)};

    prng_seed(&c.prng, (uint64_t)i * 977 + (uint64_t)owner->address[0]);
    c.other = &PICK(&c, people);
    c.sent_ms = now_ms - NEWEST_AGE_MS - (int64_t)i * MEAN_GAP_MS -
                (int64_t)prng_below(&c.prng, MEAN_GAP_MS);
    c.sent_ms -= c.sent_ms % 1000;
    make_subject(&c);
    message_r->folder = folder_of(i, c.kind);
    message_r->sent_ms = c.sent_ms;
    message_r->read = i > 12 || strcmp(message_r->folder, "Inbox") != 0;
    add_headers(&c, strcmp(message_r->folder, "Sent Items") == 0 ||
                        strcmp(message_r->folder, "Drafts") == 0);
    add_body[c.kind](&c);
}
