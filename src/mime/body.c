#include "mime/mime-private.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "mime/limits.h"

static struct str plain_text(struct arena *arena, const struct mime_part *part, size_t max_raw)
{
    struct str text = mime_part_text(arena, part, max_raw);

    return part->flowed ? mime_flowed_join(arena, text, part->delsp) : text;
}

/* A meeting sent as nothing but a calendar part says what it is about there. */
static struct str meeting_text(struct mime_message *message)
{
    const struct mime_selection *selection = mime_message_selection(message);
    const struct mime_calendar *calendar = NULL;

    if (selection->text == NULL && selection->html == NULL) {
        calendar = mime_message_calendar(message);
    }
    return calendar != NULL ? calendar->description : STR("");
}

const struct mime_body *mime_message_body(struct mime_message *message)
{
    const struct mime_selection *selection = mime_message_selection(message);
    struct mime_body *body = &message->body;

    if (message->has_body) {
        return body;
    }
    message->has_body = true;
    if (selection->text != NULL) {
        body->has_text = true;
        body->text = plain_text(message->arena, selection->text, SIZE_MAX);
    }
    if (selection->html != NULL) {
        body->has_html = true;
        body->html = mime_part_text(message->arena, selection->html, SIZE_MAX);
    }
    if (!body->has_text && !body->has_html) {
        body->text = meeting_text(message);
        body->has_text = body->text.n > 0;
    }
    return body;
}

struct str mime_message_body_as_text(struct mime_message *message)
{
    const struct mime_body *body = mime_message_body(message);

    if (body->has_text || !body->has_html) {
        return body->text;
    }
    return mime_html_to_text(message->arena, body->html);
}

struct str mime_message_body_as_html(struct mime_message *message)
{
    const struct mime_body *body = mime_message_body(message);

    if (body->has_html || !body->has_text) {
        return body->html;
    }
    return mime_text_to_html(message->arena, body->text);
}

/* No-break spaces and byte order marks, which HTML mail is full of, are blank too. */
static bool is_blank(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xa0 || c == 0xfeff;
}

/* The first max_chars characters, runs of white space being one space. */
static struct str collapse(struct arena *arena, struct str text, size_t max_chars)
{
    struct buf out = BUF_INIT;
    bool space = false;
    struct str collapsed;

    for (size_t chars = 0; text.n > 0 && chars < max_chars;) {
        uint32_t c = utf8_take(&text);

        if (is_blank(c)) {
            space = out.n > 0;
            continue;
        }
        if (space && ++chars < max_chars) {
            buf_add_char(&out, ' ');
        }
        space = false;
        if (chars < max_chars) {
            utf8_put(&out, c);
            chars++;
        }
    }
    collapsed = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return collapsed;
}

static struct str preview_of_text(struct arena *arena, const struct mime_part *part, size_t max_raw,
                                  size_t max_chars)
{
    return collapse(arena, plain_text(arena, part, max_raw), max_chars);
}

static struct str preview_of_html(struct arena *arena, const struct mime_part *part, size_t max_raw,
                                  size_t max_chars)
{
    struct str html = mime_part_text(arena, part, max_raw);

    /* A character is at most four bytes, and collapsing may halve what html_to_text leaves. */
    return collapse(arena, mime_html_to_text_max(arena, html, max_chars * 8), max_chars);
}

/* Mostly a little of the part suffices; long runs of markup or blanks ask for more of it. */
static struct str preview_of_part(struct arena *arena, const struct mime_part *part,
                                  size_t max_chars)
{
    struct str preview = STR("");

    for (size_t max_raw = MIME_PREVIEW_FIRST_BYTES; max_raw <= MIME_PREVIEW_LAST_BYTES;
         max_raw *= 8) {
        preview = str_is(part->subtype, "html") ? preview_of_html(arena, part, max_raw, max_chars)
                                                : preview_of_text(arena, part, max_raw, max_chars);
        if (part->content.n <= max_raw || preview.n >= max_chars) {
            break;
        }
    }
    return preview;
}

struct str mime_message_preview(struct mime_message *message, size_t max_chars)
{
    const struct mime_selection *selection = mime_message_selection(message);
    struct str preview = collapse(message->arena, meeting_text(message), max_chars);

    if (selection->text != NULL) {
        preview = preview_of_part(message->arena, selection->text, max_chars);
    }
    if (preview.n == 0 && selection->html != NULL) {
        preview = preview_of_part(message->arena, selection->html, max_chars);
    }
    return preview;
}
