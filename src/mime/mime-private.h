/*
 * What the files of mime share: fields, parts, and the message that holds them.
 *
 * The structure of a message (which bytes are which part) is found by structure.c on the raw bytes, in one pass and without copies, so that
 * hostile nesting and part counts are bounded and a nested message can be given back byte for byte. What stands in the fields (encoded words,
 * addresses, parameters, dates) and in the transfer encodings and charsets is GMime's work, what stands in calendar parts libical's.
 */
#ifndef MIME_PRIVATE_H
#define MIME_PRIVATE_H

#include "mime/message.h"

#include <gmime/gmime.h>

/* Loose about everything, 8-bit text taken for UTF-8 or windows-1252. Set by mime_init, then only read. */
extern GMimeParserOptions *mime_parser_options;

/* ---- fields (field.c) ---- */

struct mime_field {
    struct str name;
    struct str raw; /* all between the colon and the end of the last line, folded as sent */
};

struct mime_fields {
    const struct mime_field *v;
    size_t n;
};

/* One line of s at from: where the next one starts; *line_r has no line end. */
size_t mime_line(struct str s, size_t from, struct str *line_r);
/* True when a field may start with this line. */
bool mime_line_is_field(struct str line);
/* block: fields and perhaps the empty line after them. */
struct mime_fields mime_fields_split(struct arena *arena, struct str block);
/* The first field of that name, raw; p NULL if there is none. */
struct str mime_fields_find(struct mime_fields fields, const char *name);

/* The value on one line, trimmed and terminated, NULs turned to spaces; at most max bytes. Any bytes otherwise. */
struct str mime_field_unfold(struct arena *arena, struct str raw, size_t max);
/* Unfolded, encoded words decoded, clean. */
struct str mime_field_text(struct arena *arena, struct str raw);
/* Addresses of one field, appended to what was found in earlier ones of the same name. */
void mime_field_addresses(struct arena *arena, struct str raw, struct mime_addresses *addresses);
bool mime_field_date(struct arena *arena, struct str raw, int64_t *date_ms_r);

/* Valid UTF-8 of characters XML knows; s itself when it is so already. */
struct str mime_clean(struct arena *arena, struct str s);
/* The same of a copy of a C string, NULL being empty. */
struct str mime_clean_cstr(struct arena *arena, const char *s);

void mime_envelope_read(struct arena *arena, struct mime_fields fields,
                        struct mime_envelope *envelope_r);

/* ---- parts (structure.c, part.c) ---- */

/* Marks an attachment as the picture of a contact. */
#define MIME_PHOTO_FIELD "X-Contact-Photo"
#define MIME_PHOTO_VALUE "yes"

enum part_disposition {
    PART_DISPOSITION_NONE,
    PART_DISPOSITION_INLINE,
    PART_DISPOSITION_ATTACHMENT
};

struct mime_part {
    struct mime_part *parent, *first_child, *last_child, *next;
    unsigned depth;           /* the root's is 0 */
    struct str type, subtype; /* lower case */
    struct str charset;       /* lower case; may be empty */
    struct str name;          /* of Content-Disposition or Content-Type; may be empty */
    struct str content_id, content_location;
    struct str boundary; /* of a multipart that is descended into */
    struct str method;   /* text/calendar, upper case */
    struct str start;    /* multipart/related: Content-ID of the root, without brackets */
    struct str report_type, smime_type; /* lower case */
    bool flowed, delsp, photo;
    enum part_disposition disposition;
    GMimeContentEncoding encoding;
    struct str content; /* as it stands in the message */
};

/* A part by its fields. fallback_message: without a Content-Type it is a message/rfc822 (in a digest), else text/plain. */
struct mime_part *mime_part_new(struct arena *arena, struct mime_fields fields,
                                bool fallback_message);
bool mime_part_is(const struct mime_part *part, const char *type, const char *subtype);
static inline bool mime_part_is_multipart(const struct mime_part *part)
{
    return part->boundary.p != NULL;
}
/* Transfer encoding undone, for the first max_raw bytes of it; the content itself when there is none. */
struct str mime_part_decode(struct arena *arena, const struct mime_part *part, size_t max_raw);
uint64_t mime_part_decoded_size(const struct mime_part *part);
/* Decoded, clean UTF-8. */
struct str mime_part_text(struct arena *arena, const struct mime_part *part, size_t max_raw);
/* Bytes of a charset (lower case, may be empty or unknown) as clean UTF-8. */
struct str mime_charset_text(struct arena *arena, struct str bytes, struct str charset);

/* The tree of a message's parts; content: all after the header block. */
struct mime_part *mime_structure_scan(struct arena *arena, struct mime_fields fields,
                                      struct str content);

/* ---- what the tree means (selection.c) ---- */

struct mime_selection {
    const struct mime_part *text, *html, *calendar; /* each may be NULL */
    const struct mime_part **attachments;
    size_t attachment_count;
};
void mime_selection_make(struct arena *arena, const struct mime_part *root,
                         struct mime_selection *selection_r);
bool mime_part_is_inline(const struct mime_part *part);
bool mime_part_is_message(const struct mime_part *part);

/* Joined lines of format=flowed text. */
struct str mime_flowed_join(struct arena *arena, struct str text, bool delsp);
/* As mime_html_to_text, ending soon after max_bytes of result. */
struct str mime_html_to_text_max(struct arena *arena, struct str html, size_t max_bytes);
/* The code point of an entity's name without & and ;, 0 if there is none. */
uint32_t mime_html_entity(struct str name);

/* ---- calendar (calendar.c, zone.c) ---- */

/* NULL when it does not parse. text: clean UTF-8. */
const struct mime_calendar *mime_calendar_parse(struct arena *arena, struct str text,
                                                struct str method);
enum mime_method mime_method_of(struct str name);

/* ---- the message ---- */

struct mime_message {
    struct arena *arena;
    struct str raw;
    size_t header_bytes;
    struct mime_fields fields;

    /* Made when first asked for. */
    bool has_envelope, has_selection, has_calendar, has_body, has_attachments;
    struct mime_envelope envelope;
    struct mime_part *root;
    struct mime_selection selection;
    const struct mime_calendar *calendar;
    struct mime_body body;
    struct mime_attachment *attachments;
};

const struct mime_part *mime_message_root(struct mime_message *message);
const struct mime_selection *mime_message_selection(struct mime_message *message);

#endif
