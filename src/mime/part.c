#include "mime/mime-private.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "mime/limits.h"

#include <errno.h>
#include <iconv.h>

/* ---- fields of a part ---- */

static struct str lower_cstr(struct arena *arena, const char *s)
{
    return str_lower(arena, mime_clean_cstr(arena, s));
}

/* Parameters mean the same of any type; only those of GMime's object that matter are kept. */
static void take_type_parameters(struct arena *arena, struct mime_part *part,
                                 GMimeContentType *type)
{
    const char *format = g_mime_content_type_get_parameter(type, "format");
    const char *delsp = g_mime_content_type_get_parameter(type, "delsp");
    const char *boundary = g_mime_content_type_get_parameter(type, "boundary");

    part->charset = lower_cstr(arena, g_mime_content_type_get_parameter(type, "charset"));
    part->name = mime_clean_cstr(arena, g_mime_content_type_get_parameter(type, "name"));
    part->method = mime_clean_cstr(arena, g_mime_content_type_get_parameter(type, "method"));
    part->start = mime_clean_cstr(arena, g_mime_content_type_get_parameter(type, "start"));
    part->report_type = lower_cstr(arena, g_mime_content_type_get_parameter(type, "report-type"));
    part->smime_type = lower_cstr(arena, g_mime_content_type_get_parameter(type, "smime-type"));
    part->flowed = format != NULL && g_ascii_strcasecmp(format, "flowed") == 0;
    part->delsp = delsp != NULL && g_ascii_strcasecmp(delsp, "yes") == 0;
    if (str_is(part->type, "multipart") && boundary != NULL && boundary[0] != '\0' &&
        strlen(boundary) <= MIME_BOUNDARY_BYTES_MAX) {
        part->boundary = str_dup(arena, str_from(boundary));
    }
}

static void take_type(struct arena *arena, struct mime_part *part, struct str raw)
{
    struct str s = mime_field_unfold(arena, raw, MIME_SHORT_VALUE_BYTES_MAX);
    GMimeContentType *type;

    if (s.n == 0) {
        return;
    }
    type = g_mime_content_type_parse(mime_parser_options, s.p);
    if (type == NULL) {
        return;
    }
    part->type = lower_cstr(arena, g_mime_content_type_get_media_type(type));
    part->subtype = lower_cstr(arena, g_mime_content_type_get_media_subtype(type));
    take_type_parameters(arena, part, type);
    g_object_unref(type);
}

static void take_disposition(struct arena *arena, struct mime_part *part, struct str raw)
{
    struct str s = mime_field_unfold(arena, raw, MIME_SHORT_VALUE_BYTES_MAX);
    GMimeContentDisposition *disposition =
        s.n > 0 ? g_mime_content_disposition_parse(mime_parser_options, s.p) : NULL;
    struct str name;

    if (disposition == NULL) {
        return;
    }
    /* RFC 2183: what is not known is treated as an attachment. */
    part->disposition =
        str_is_nocase(str_from(g_mime_content_disposition_get_disposition(disposition)), "inline")
            ? PART_DISPOSITION_INLINE
            : PART_DISPOSITION_ATTACHMENT;
    name =
        mime_clean_cstr(arena, g_mime_content_disposition_get_parameter(disposition, "filename"));
    if (name.n > 0) {
        part->name = name;
    }
    g_object_unref(disposition);
}

static void take_encoding(struct arena *arena, struct mime_part *part, struct str raw)
{
    struct str s = mime_field_unfold(arena, raw, MIME_SHORT_VALUE_BYTES_MAX);
    size_t end = 0;

    while (end < s.n && s.p[end] != ' ' && s.p[end] != ';' && s.p[end] != '(') {
        end++;
    }
    part->encoding = g_mime_content_encoding_from_string(str_cstr(arena, str_sub(s, 0, end)));
}

static struct str without_brackets(struct str s)
{
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>') {
        return str_sub(s, 1, s.n - 2);
    }
    return s;
}

static void take_content_id(struct arena *arena, struct mime_part *part, struct str raw)
{
    part->content_id = without_brackets(
        mime_clean(arena, mime_field_unfold(arena, raw, MIME_SHORT_VALUE_BYTES_MAX)));
}

static void take_location(struct arena *arena, struct mime_part *part, struct str raw)
{
    part->content_location =
        mime_clean(arena, mime_field_unfold(arena, raw, MIME_SHORT_VALUE_BYTES_MAX));
}

static void take_photo(struct arena *arena, struct mime_part *part, struct str raw)
{
    part->photo =
        str_is_nocase(mime_field_unfold(arena, raw, MIME_SHORT_VALUE_BYTES_MAX), MIME_PHOTO_VALUE);
}

/* In the order they are read: the name of a disposition beats that of a type. */
static const struct {
    const char *field;
    void (*read)(struct arena *arena, struct mime_part *part, struct str raw);
} rows[] = {
    {"Content-Type", take_type},
    {"Content-Disposition", take_disposition},
    {"Content-Transfer-Encoding", take_encoding},
    {"Content-ID", take_content_id},
    {"Content-Location", take_location},
    {MIME_PHOTO_FIELD, take_photo},
};

struct mime_part *mime_part_new(struct arena *arena, struct mime_fields fields,
                                bool fallback_message)
{
    struct mime_part *part = ARENA_NEW(arena, struct mime_part);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str raw = mime_fields_find(fields, rows[i].field);

        if (raw.p != NULL) {
            rows[i].read(arena, part, raw);
        }
    }
    if (part->type.n == 0 || part->subtype.n == 0) {
        part->type = fallback_message ? STR("message") : STR("text");
        part->subtype = fallback_message ? STR("rfc822") : STR("plain");
    }
    part->name = utf8_cut(part->name, MIME_NAME_BYTES_MAX);
    part->start = without_brackets(part->start);
    return part;
}

bool mime_part_is(const struct mime_part *part, const char *type, const char *subtype)
{
    return str_is(part->type, type) && str_is(part->subtype, subtype);
}

/* ---- transfer encoding ---- */

static bool is_encoded(const struct mime_part *part)
{
    return part->encoding == GMIME_CONTENT_ENCODING_BASE64 ||
           part->encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE ||
           part->encoding == GMIME_CONTENT_ENCODING_UUENCODE;
}

struct str mime_part_decode(struct arena *arena, const struct mime_part *part, size_t max_raw)
{
    struct str raw = str_sub(part->content, 0, max_raw);
    GMimeEncoding state;
    char *out;

    if (!is_encoded(part)) {
        return raw;
    }
    g_mime_encoding_init_decode(&state, part->encoding);
    out = arena_alloc(arena, g_mime_encoding_outlen(&state, raw.n) + 1);
    return str_of(out, g_mime_encoding_flush(&state, raw.p, raw.n, out));
}

uint64_t mime_part_decoded_size(const struct mime_part *part)
{
    /* Room for a step of any of the encodings; see g_mime_encoding_outlen. */
    char scratch[MIME_DECODE_PIECE_BYTES * 2];
    GMimeEncoding state;
    uint64_t size = 0;

    if (!is_encoded(part)) {
        return part->content.n;
    }
    g_mime_encoding_init_decode(&state, part->encoding);
    for (size_t at = 0; at < part->content.n; at += MIME_DECODE_PIECE_BYTES) {
        struct str piece = str_sub(part->content, at, MIME_DECODE_PIECE_BYTES);

        size += g_mime_encoding_step(&state, piece.p, piece.n, scratch);
    }
    return size + g_mime_encoding_flush(&state, "", 0, scratch);
}

/* ---- charset ---- */

/* What iconv may be asked for: no slashes, which would be options or paths to it. */
static bool is_charset_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!g_ascii_isalnum(s.p[i]) && memchr("-_.:+", s.p[i], 5) == NULL) {
            return false;
        }
    }
    return s.n > 0 && s.n <= 64;
}

/* Converts all of bytes; what does not convert becomes U+FFFD. */
static struct str convert(struct arena *arena, iconv_t cd, struct str bytes)
{
    struct buf out = BUF_INIT;
    char *in = (char *)(uintptr_t)bytes.p;
    size_t left = bytes.n;
    struct str text;

    while (left > 0) {
        char *to = buf_reserve(&out, left + 64);
        char *end = to;
        size_t room = out.cap - out.n;
        size_t rc = iconv(cd, &in, &left, &end, &room);

        out.n += (size_t)(end - to);
        if (rc != (size_t)-1 || errno == EINVAL) {
            break;
        }
        if (errno == EILSEQ && left > 0) {
            utf8_put(&out, 0xfffd);
            in++;
            left--;
        }
    }
    text = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static bool convert_from(struct arena *arena, struct str bytes, const char *charset,
                         struct str *text_r)
{
    iconv_t cd = g_mime_iconv_open("UTF-8", charset);

    if (cd == (iconv_t)-1) {
        return false;
    }
    *text_r = mime_clean(arena, convert(arena, cd, bytes));
    g_mime_iconv_close(cd);
    return true;
}

static bool is_utf8_name(struct str charset)
{
    return charset.n == 0 || str_is(charset, "utf-8") || str_is(charset, "us-ascii") ||
           str_is(charset, "utf8") || str_is(charset, "ascii");
}

struct str mime_charset_text(struct arena *arena, struct str bytes, struct str charset)
{
    struct str text = STR_NULL;

    if (!is_utf8_name(charset) && is_charset_name(charset) &&
        convert_from(arena, bytes, str_cstr(arena, charset), &text)) {
        return text;
    }
    if (utf8_valid(bytes) || !convert_from(arena, bytes, "windows-1252", &text)) {
        return mime_clean(arena, bytes);
    }
    return text;
}

struct str mime_part_text(struct arena *arena, const struct mime_part *part, size_t max_raw)
{
    struct str bytes = mime_part_decode(arena, part, max_raw);

    /* A prefix may end within a character, which should not make it windows-1252. */
    if (max_raw < part->content.n && is_utf8_name(part->charset)) {
        bytes = utf8_cut(bytes, bytes.n > 0 ? bytes.n - 1 : 0);
    }
    return mime_charset_text(arena, bytes, part->charset);
}
