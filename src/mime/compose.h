/*
 * RFC 5322 messages written from plain values, and messages taken apart into them: what clients create from properties, and what they edit. A message
 * that nobody edits is never composed anew: its bytes stay as received.
 */
#ifndef MIME_COMPOSE_H
#define MIME_COMPOSE_H

#include "base/str.h"
#include "mime/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct mime_draft_attachment {
    struct str name;         /* may be empty: readers are shown a made-up one */
    struct str content_type; /* "image/png"; parameters are ignored */
    struct str charset;      /* of a text; may be empty */
    struct str content_id;   /* without brackets */
    struct str content_location;
    bool is_inline;
    bool is_message;    /* content is a whole message: message/rfc822 */
    bool is_photo;      /* as in struct mime_attachment */
    struct str content; /* decoded bytes */
};

/*
 * Everything a composed message has. Texts are UTF-8; empty ones are left out. The caller keeps what it points to. Any value is safe: line ends and
 * NULs of header values become spaces, addresses and names are quoted or encoded. A message without bodies, calendar and attachments has an empty text.
 */
struct mime_draft {
    struct str subject, message_id, in_reply_to, references;
    bool has_date;
    int64_t date_ms;
    struct mime_addresses from, sender, to, cc, bcc, reply_to;
    enum mime_importance importance; /* zero is low */
    enum mime_sensitivity sensitivity;
    bool read_receipt_requested, delivery_receipt_requested;
    struct str thread_topic, thread_index; /* thread_index: decoded bytes */
    const struct mime_header
        *headers; /* others, in order; each passes mime_draft_may_have_header, which is asserted */
    size_t header_count;
    bool has_text, has_html;
    struct str text, html; /* both: multipart/alternative */
    const struct mime_draft_attachment *attachments;
    size_t attachment_count;
    struct str calendar; /* an iCalendar object, or empty */
    enum mime_method calendar_method;
};

/* False for names that are none, and for fields that the draft has members for or that the structure needs. Check names that come from outside. */
bool mime_draft_may_have_header(struct str name);
/*
 * Takes a message apart. What a draft cannot hold (signatures, odd structures) is flattened to bodies and attachments; all headers survive, in `headers` if
 * nowhere else: except that of a repeated field which the draft has a member for the first counts, and that receipts are asked for the sender.
 */
void mime_draft_from_message(struct mime_message *message, struct arena *arena,
                             struct mime_draft *draft_r);
/*
 * CRLF lines, none over 998 bytes; structure as far as needed: mixed(related(alternative(text, html, calendar), inline…), attachments…). Inline attachments
 * that a body may refer to come first. Deterministic. Reading it back gives the draft's values, with dates in whole seconds, line ends of texts
 * as CRLF and texts trimmed where mail knows no other (a test's property). Costs one allocation of the size of the message beside its bodies.
 */
struct str mime_compose(const struct mime_draft *draft, struct arena *arena);

/* The message without its Bcc fields, for the wire; raw itself when it has none. */
struct str mime_without_bcc(struct str raw, struct arena *arena);
/* "<unique@domain>" from the given randomness; a domain that is none becomes localhost. */
struct str mime_make_message_id(const unsigned char random[static 16], struct str domain,
                                struct arena *arena);

/* ---- vCard ---- */

/* One line of a vCard: TEL;TYPE=HOME:+1… Values are UTF-8 and are escaped and folded by the writer; several parts are joined with ';'. */
struct vcard_line {
    const char *name, *params; /* params may be NULL: "TYPE=HOME" */
    const struct str *parts;
    size_t part_count;
};
/* vCard 3.0 (RFC 2426). */
struct str vcard_write(const struct vcard_line *lines, size_t n, struct arena *arena);

#endif
