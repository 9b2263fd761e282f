/*
 * RFC 5322 / MIME messages read into plain values, over GMime; text/calendar over libical. Bytes are never changed: what cannot be parsed yields a
 * message with fewer values, never an error – it is stored and served all the same.
 *
 * All results live in the arena given to mime_message_new, or in the raw bytes; a message is used by one thread. Every text (headers, bodies,
 * names) is valid UTF-8 of characters that XML allows. What the parser bounds (depth, parts, fields) stands in limits.h.
 */
#ifndef MIME_MESSAGE_H
#define MIME_MESSAGE_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

/* Once a process, before threads. */
void mime_init(void);

struct mime_address {
    struct str name;    /* decoded; may be empty */
    struct str address; /* local@domain; may be empty for groups */
};
struct mime_addresses {
    const struct mime_address *v;
    size_t n;
};

struct mime_header {
    struct str name;  /* as sent */
    struct str value; /* unfolded, RFC 2047 decoded, valid UTF-8 */
};

enum mime_importance { MIME_IMPORTANCE_LOW, MIME_IMPORTANCE_NORMAL, MIME_IMPORTANCE_HIGH };
enum mime_sensitivity {
    MIME_SENSITIVITY_NORMAL,
    MIME_SENSITIVITY_PERSONAL,
    MIME_SENSITIVITY_PRIVATE,
    MIME_SENSITIVITY_CONFIDENTIAL
};

/* The headers that matter; text is valid UTF-8. */
struct mime_envelope {
    struct str subject;
    struct str message_id; /* with its angle brackets, as Exchange gives it */
    struct str in_reply_to;
    struct str references;
    bool has_date;
    int64_t date_ms;
    struct mime_addresses from, sender, to, cc, bcc, reply_to;
    enum mime_importance importance; /* Importance, X-Priority, Priority */
    enum mime_sensitivity sensitivity;
    bool read_receipt_requested;     /* Disposition-Notification-To */
    bool delivery_receipt_requested; /* Return-Receipt-To */
    struct str thread_topic;         /* Thread-Topic, else the subject without its reply prefixes */
    struct str thread_index;         /* Thread-Index, decoded bytes */
    const struct str *keywords;      /* Keywords: categories */
    size_t keyword_count;
    struct str language; /* Content-Language, first tag */
};

enum mime_method {
    MIME_METHOD_NONE,
    MIME_METHOD_PUBLISH,
    MIME_METHOD_REQUEST,
    MIME_METHOD_REPLY,
    MIME_METHOD_CANCEL,
    MIME_METHOD_COUNTER,
    MIME_METHOD_OTHER
};
enum mime_partstat {
    MIME_PARTSTAT_NONE,
    MIME_PARTSTAT_NEEDS_ACTION,
    MIME_PARTSTAT_ACCEPTED,
    MIME_PARTSTAT_DECLINED,
    MIME_PARTSTAT_TENTATIVE
};
enum mime_attendee_role { MIME_ATTENDEE_REQUIRED, MIME_ATTENDEE_OPTIONAL, MIME_ATTENDEE_RESOURCE };
enum mime_busy { MIME_BUSY_FREE, MIME_BUSY_TENTATIVE, MIME_BUSY_BUSY, MIME_BUSY_OOF };

struct mime_attendee {
    struct mime_address who;
    enum mime_attendee_role role;
    enum mime_partstat partstat;
};

/* The first VEVENT of a text/calendar part. Times are UTC, by the VTIMEZONE of the part or the system's zone data; floating times count as UTC. */
struct mime_calendar {
    enum mime_method method;
    struct str uid, summary, location, description, tzid;
    bool has_start, has_end, all_day, recurring;
    int64_t start_ms, end_ms; /* end from DTEND or DURATION; all-day: midnight UTC of the dates */
    bool has_stamp, has_recurrence_id;
    int64_t stamp_ms, recurrence_id_ms;
    int sequence;
    struct mime_address organizer;
    const struct mime_attendee *attendees;
    size_t attendee_count;
    enum mime_busy busy; /* X-MICROSOFT-CDO-INTENDEDSTATUS / -BUSYSTATUS, else TRANSP */
    bool cancelled;      /* STATUS:CANCELLED or METHOD:CANCEL */
    struct str rrule;    /* text of the rule, empty if none */
};

/* One attachment in the order of the message; a nested message/rfc822 is an item attachment. */
struct mime_attachment {
    struct str
        name; /* decoded; a made-up one ("attachment.bin", subject of a nested message) when the message gives none */
    struct str content_type; /* "image/png" */
    struct str content_id;   /* without brackets */
    struct str content_location;
    bool
        is_inline; /* referred to by Content-ID inside multipart/related, or Content-Disposition: inline of non-text */
    bool is_message;
    bool is_photo; /* the contact's picture, as a field of our own says */
    uint64_t size; /* decoded bytes */
};

struct mime_message;

/* True when the bytes begin as a message does: with a header field, or an mbox separator and one. Mail that comes in is taken as it is; clients that hand
 * in something else are told so. */
bool mime_looks_like_message(struct str raw);

/* raw must outlive the message. Only the top-level headers are looked at here; the rest is parsed when first asked for. Never fails. */
struct mime_message *mime_message_new(struct arena *arena, struct str raw);
/* Ends the use of the message; the arena keeps the values. */
void mime_message_free(struct mime_message **message);

const struct mime_envelope *mime_message_envelope(struct mime_message *message);
/* All top-level headers in order. */
void mime_message_headers(struct mime_message *message, const struct mime_header **headers_r,
                          size_t *n_r);
/* The header block as sent, up to and with the empty line. */
struct str mime_message_header_block(const struct mime_message *message);
/* The date of the newest Received field: when the message came to where it lay. False if there is none. */
bool mime_message_received_ms(struct mime_message *message, int64_t *received_ms_r);
/* NULL if there is no text/calendar part that parses. An attached one counts only when its type names a method. */
const struct mime_calendar *mime_message_calendar(struct mime_message *message);

/* The text of that part, in UTF-8; empty if there is none. */
struct str mime_message_calendar_text(struct mime_message *message);

/* Bodies: the part a reader would show, decoded to UTF-8. Empty with has_* false when there is none of that type. The text of a message that is only a
 * calendar part is the meeting's description. */
struct mime_body {
    bool has_text, has_html;
    struct str text, html;
};
const struct mime_body *mime_message_body(struct mime_message *message);
/* The text body, or the HTML one turned into text. */
struct str mime_message_body_as_text(struct mime_message *message);
/* The HTML body, or the text one as HTML. */
struct str mime_message_body_as_html(struct mime_message *message);
/* First max_chars characters of the text, white space collapsed. */
struct str mime_message_preview(struct mime_message *message, size_t max_chars);

void mime_message_attachments(struct mime_message *message,
                              const struct mime_attachment **attachments_r, size_t *n_r);
/* At least one attachment that is not inline. */
bool mime_message_has_attachments(struct mime_message *message);
/* Decoded bytes of attachment `index`; of a nested message its bytes as they stand. False when there is no such attachment. */
bool mime_message_attachment_content(struct mime_message *message, size_t index,
                                     struct str *content_r);

/* "IPM.Note", "IPM.Note.SMIME", "IPM.Note.SMIME.MultipartSigned", "REPORT.IPM.Note.NDR", ".DR", ".Delayed", ".IPNRN", ".IPNNRN",
 * "IPM.Schedule.Meeting.Request", ".Canceled", ".Resp.Pos", ".Resp.Neg", ".Resp.Tent". */
struct str mime_message_item_class(struct mime_message *message);

/* Plain text <-> HTML, for bodies asked for in the other type. Bounded work; hostile HTML is only text. */
struct str mime_html_to_text(struct arena *arena, struct str html);
struct str mime_text_to_html(struct arena *arena, struct str text);

/* ---- the summary: what is stored beside a message at delivery, computed in one pass ---- */

struct mime_summary {
    const struct mime_envelope *envelope;
    const struct mime_calendar *calendar; /* or NULL */
    struct str item_class;
    struct str display_to, display_cc, display_bcc; /* names or addresses, "; " between */
    struct str preview;
    bool has_attachments;
};
/* One parse of the message; this is the cost of a delivery (about 100 µs for 10 kB). */
void mime_message_summary(struct mime_message *message, struct mime_summary *summary_r);

DEFINE_AUTO(mime_message, mime_message_free)

#endif
