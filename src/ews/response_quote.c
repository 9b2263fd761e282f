#include "ews/response_quote.h"

#include "base/arena.h"
#include "base/buf.h"
#include "xml/xml_write.h"

#include <time.h>

#define MS_A_SECOND 1000

/* ---- whose message follows ---- */

/* Where the lines go: as text, or as HTML. */
struct writer {
    struct buf *out;
    bool html;
};

static void put_text(const struct writer *w, struct str text)
{
    if (w->html) {
        xml_add_text(w->out, text);
    } else {
        buf_add_str(w->out, text);
    }
}

static void begin_line(const struct writer *w, const char *label)
{
    if (w->html) {
        buf_printf(w->out, "<b>%s:</b> ", label);
    } else {
        buf_printf(w->out, "%s: ", label);
    }
}

static void end_line(const struct writer *w)
{
    buf_add_str(w->out, w->html ? STR("<br>\r\n") : STR("\r\n"));
}

static void put_address(const struct writer *w, struct mime_address who)
{
    put_text(w, who.name.n != 0 ? who.name : who.address);
    if (who.name.n != 0 && who.address.n != 0) {
        put_text(w, STR(" <"));
        put_text(w, who.address);
        put_text(w, STR(">"));
    }
}

static void put_people(const struct writer *w, const char *label, struct mime_addresses people)
{
    if (people.n == 0) {
        return;
    }
    begin_line(w, label);
    for (size_t i = 0; i < people.n; i++) {
        put_text(w, i != 0 ? STR("; ") : STR(""));
        put_address(w, people.v[i]);
    }
    end_line(w);
}

/* In no language and no zone but the world's. */
static void put_sent(const struct writer *w, int64_t ms)
{
    time_t seconds = (time_t)(ms / MS_A_SECOND);
    char text[64];
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm) == 0) {
        return;
    }
    begin_line(w, "Sent");
    put_text(w, str_from(text));
    end_line(w);
}

static void put_header(const struct writer *w, const struct response_quoted *quoted)
{
    put_people(w, "From", quoted->from);
    if (quoted->has_sent) {
        put_sent(w, quoted->sent_ms);
    }
    put_people(w, "To", quoted->to);
    put_people(w, "Cc", quoted->cc);
    begin_line(w, "Subject");
    put_text(w, quoted->subject);
    end_line(w);
}

/* ---- as text ---- */

static struct str keep_text(struct arena *arena, struct buf *out)
{
    struct str text = str_dup(arena, buf_str(out));

    buf_fini(out);
    return text;
}

static struct str quote_text(struct arena *arena, struct str fresh,
                             const struct response_quoted *quoted)
{
    struct buf out = BUF_INIT;
    const struct writer w = {&out, false};

    buf_add_str(&out, fresh);
    BUF_LIT(&out, "\r\n\r\n________________________________\r\n");
    put_header(&w, quoted);
    BUF_LIT(&out, "\r\n");
    buf_add_str(&out, quoted->body.text);
    return keep_text(arena, &out);
}

/* ---- as HTML ---- */

/* Where the content of a document begins: behind its body tag, or at once. */
static size_t html_begin(struct str html)
{
    size_t at = str_find_nocase(html, STR("<body"), 0), end;

    if (at == SIZE_MAX) {
        return 0;
    }
    end = str_find_char(html, '>', at);
    return end != SIZE_MAX ? end + 1 : 0;
}

/* What a document shows, without its frame: to be put into another one. */
static struct str html_inside(struct str html)
{
    size_t begin = html_begin(html), end = str_find_nocase(html, STR("</body"), begin);

    return str_sub(html, begin, (end != SIZE_MAX ? end : html.n) - begin);
}

static struct str as_html(struct arena *arena, const struct response_text *text)
{
    return text->html ? text->text : mime_text_to_html(arena, text->text);
}

/* The quoted document is the frame, so that its styles hold for what they were made for. */
static struct str quote_html(struct arena *arena, struct str fresh, struct str body,
                             const struct response_quoted *quoted)
{
    size_t begin = html_begin(body);
    struct buf out = BUF_INIT;
    const struct writer w = {&out, true};

    buf_add_str(&out, str_sub(body, 0, begin));
    buf_add_str(&out, html_inside(fresh));
    BUF_LIT(&out, "\r\n<hr>\r\n<div>");
    put_header(&w, quoted);
    BUF_LIT(&out, "</div><br>\r\n");
    buf_add_str(&out, str_sub(body, begin, body.n - begin));
    return keep_text(arena, &out);
}

struct response_text response_quote(struct arena *arena, const struct response_text *fresh,
                                    const struct response_quoted *quoted)
{
    if (!fresh->html && !quoted->body.html) {
        return (struct response_text){false, quote_text(arena, fresh->text, quoted)};
    }
    return (struct response_text){
        true, quote_html(arena, as_html(arena, fresh), as_html(arena, &quoted->body), quoted)};
}
