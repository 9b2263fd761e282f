#include "mime/message.h"

#include "base/arena.h"
#include "mime/limits.h"
#include "mime/mime-private.h"

#include <libical/ical.h>

GMimeParserOptions *mime_parser_options;

void mime_init(void)
{
    static const char *const charsets[] = {"utf-8", "windows-1252", NULL};

    if (mime_parser_options != NULL) {
        return;
    }
    g_mime_init();
    mime_parser_options = g_mime_parser_options_new();
    g_mime_parser_options_set_address_compliance_mode(mime_parser_options,
                                                      GMIME_RFC_COMPLIANCE_LOOSE);
    g_mime_parser_options_set_parameter_compliance_mode(mime_parser_options,
                                                        GMIME_RFC_COMPLIANCE_LOOSE);
    g_mime_parser_options_set_rfc2047_compliance_mode(mime_parser_options,
                                                      GMIME_RFC_COMPLIANCE_LOOSE);
    g_mime_parser_options_set_allow_addresses_without_domain(mime_parser_options, TRUE);
    /* Copied; the prototype only lacks a const. */
    g_mime_parser_options_set_fallback_charsets(mime_parser_options,
                                                (const char **)(uintptr_t)charsets);
    icalerror_set_errors_are_fatal(0);
}

/* The bytes of the header block: up to and with the empty line, or to where something else begins. */
static size_t header_block_bytes(struct str raw)
{
    size_t at = 0;
    struct str line;

    while (at < raw.n) {
        size_t next = mime_line(raw, at, &line);
        bool folded = at > 0 && line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
        bool envelope = at == 0 && str_starts(line, STR("From "));

        if (line.n == 0) {
            return next;
        }
        if (!folded && !envelope && !mime_line_is_field(line)) {
            return at;
        }
        at = next;
    }
    return at;
}

bool mime_looks_like_message(struct str raw)
{
    struct str line;
    size_t next = mime_line(raw, 0, &line);

    if (str_starts(line, STR("From "))) {
        mime_line(raw, next, &line);
    }
    return mime_line_is_field(line);
}

struct mime_message *mime_message_new(struct arena *arena, struct str raw)
{
    struct mime_message *message = ARENA_NEW(arena, struct mime_message);

    message->arena = arena;
    message->raw = raw;
    message->header_bytes = header_block_bytes(raw);
    message->fields = mime_fields_split(arena, str_sub(raw, 0, message->header_bytes));
    return message;
}

void mime_message_free(struct mime_message **message)
{
    *message = NULL;
}

const struct mime_envelope *mime_message_envelope(struct mime_message *message)
{
    if (!message->has_envelope) {
        message->has_envelope = true;
        mime_envelope_read(message->arena, message->fields, &message->envelope);
    }
    return &message->envelope;
}

void mime_message_headers(struct mime_message *message, const struct mime_header **headers_r,
                          size_t *n_r)
{
    struct mime_fields fields = message->fields;
    struct mime_header *headers = ARENA_ARRAY(message->arena, struct mime_header, fields.n);

    for (size_t i = 0; i < fields.n; i++) {
        headers[i].name = fields.v[i].name;
        headers[i].value = mime_field_text(message->arena, fields.v[i].raw);
    }
    *headers_r = headers;
    *n_r = fields.n;
}

struct str mime_message_header_block(const struct mime_message *message)
{
    return str_sub(message->raw, 0, message->header_bytes);
}

bool mime_message_received_ms(struct mime_message *message, int64_t *received_ms_r)
{
    struct str raw = mime_fields_find(message->fields, "Received");
    size_t date = 0;

    for (size_t at = 0; (at = str_find_char(raw, ';', at)) != SIZE_MAX;) {
        date = ++at;
    }
    if (date == 0) {
        return false;
    }
    return mime_field_date(message->arena, str_sub(raw, date, SIZE_MAX), received_ms_r);
}

const struct mime_part *mime_message_root(struct mime_message *message)
{
    if (message->root == NULL) {
        message->root = mime_structure_scan(message->arena, message->fields,
                                            str_sub(message->raw, message->header_bytes, SIZE_MAX));
    }
    return message->root;
}

const struct mime_selection *mime_message_selection(struct mime_message *message)
{
    if (!message->has_selection) {
        message->has_selection = true;
        mime_selection_make(message->arena, mime_message_root(message), &message->selection);
    }
    return &message->selection;
}

struct str mime_message_calendar_text(struct mime_message *message)
{
    const struct mime_part *part = mime_message_selection(message)->calendar;

    return part != NULL && part->content.n <= MIME_CALENDAR_BYTES_MAX
               ? mime_part_text(message->arena, part, SIZE_MAX)
               : STR("");
}

const struct mime_calendar *mime_message_calendar(struct mime_message *message)
{
    const struct mime_part *part = mime_message_selection(message)->calendar;

    if (!message->has_calendar && part != NULL && part->content.n <= MIME_CALENDAR_BYTES_MAX) {
        struct str text = mime_part_text(message->arena, part, SIZE_MAX);

        message->calendar = mime_calendar_parse(message->arena, text, part->method);
    }
    message->has_calendar = true;
    return message->calendar;
}
