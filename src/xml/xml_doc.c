#include "xml/xml_doc.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "xml/limits.h"
#include "xml/xml_cut.h"

#include <assert.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <stdlib.h>

static const struct {
    const char *uri;
    enum xml_ns ns;
} namespaces[] = {
    {"http://schemas.microsoft.com/exchange/services/2006/types", XML_NS_TYPES},
    {"http://schemas.microsoft.com/exchange/services/2006/messages", XML_NS_MESSAGES},
    {"http://schemas.xmlsoap.org/soap/envelope/", XML_NS_SOAP},
    {"http://www.w3.org/2003/05/soap-envelope", XML_NS_SOAP12},
    {"http://schemas.microsoft.com/exchange/services/2006/errors", XML_NS_ERRORS},
};

/* An open element. */
struct level {
    struct xml_node *node;
    struct xml_node *last_child;
    struct buf text; /* joined here; goes to the arena when the element ends */
};

/*
 * I1: levels[0..depth-1] are the open elements, from the root on.
 * I2: once failed, nothing more goes to libxml2 and nothing more is taken from it.
 * I3: held is what the scan of cut has seen and libxml2 has not.
 */
struct xml_parser {
    struct arena *arena;
    struct xml_limits limits;
    xmlParserCtxtPtr ctxt;
    struct xml_cut cut;
    struct buf held;
    size_t total_bytes;
    bool began; /* the place of the XML declaration is behind us */
    uint32_t nodes;
    uint32_t depth;
    struct level *levels;
    struct xml_node *root;
    struct str names[XML_NAME_CACHE];
    bool failed;
    struct err err; /* the first one, when failed */
};

/* Refusal. The position is that of the reader's eye: lines and columns from 1. */

static void fail_at(struct xml_parser *parser, int line, int column, const char *what,
                    const char *detail)
{
    if (parser->failed) {
        return;
    }
    parser->failed = true;
    err_tell(&parser->err, ERR_SCHEMA, "%s at line %d column %d%s%s", what, line, column,
             detail[0] != '\0' ? ": " : "", detail);
    parser->err.at_line = line;
    parser->err.at_column = column;
}

static void fail_here(struct xml_parser *parser, const char *what)
{
    fail_at(parser, xmlSAX2GetLineNumber(parser->ctxt), xmlSAX2GetColumnNumber(parser->ctxt), what,
            "");
}

/* For the handlers: libxml2 stops too, before it goes on with what was refused. */
static void refuse(struct xml_parser *parser, const char *what)
{
    if (!parser->failed) {
        fail_here(parser, what);
        xmlStopParser(parser->ctxt);
    }
}

static int report(const struct xml_parser *parser, struct err *err_r)
{
    if (err_r != NULL) {
        *err_r = parser->err;
    }
    return -(int)parser->err.kind;
}

/* The printable front of a message of libxml2: it may cite the input. */
static void copy_message(char out[static XML_MESSAGE_CHARS + 1], const char *message)
{
    size_t n = 0;

    for (; message != NULL && n < XML_MESSAGE_CHARS && message[n] != '\0'; n++) {
        out[n] = message[n] >= ' ' && message[n] <= '~' ? message[n] : '?';
    }
    while (n > 0 && (out[n - 1] == '?' || out[n - 1] == ' ')) {
        n--; /* mostly the line feed at the end */
    }
    out[n] = '\0';
}

static void on_error(void *user, xmlErrorPtr error)
{
    struct xml_parser *parser = user;
    char message[XML_MESSAGE_CHARS + 1];

    if (error->level == XML_ERR_WARNING || error->code == XML_ERR_USER_STOP) {
        return;
    }
    copy_message(message, error->message);
    fail_at(parser, error->line, error->int2, "not well-formed", message);
}

/* Building the tree. */

static enum xml_ns ns_of(const xmlChar *uri)
{
    if (uri == NULL) {
        return XML_NS_NONE;
    }
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
        if (strcmp((const char *)uri, namespaces[i].uri) == 0) {
            return namespaces[i].ns;
        }
    }
    return XML_NS_OTHER;
}

/* A copy in the arena. Names repeat, and libxml2 keeps each in one place: that finds the copy
 * made before. */
static struct str name_of(struct xml_parser *parser, const xmlChar *name)
{
    struct str s = str_from((const char *)name);
    struct str *place = &parser->names[((uintptr_t)name >> 3) & (XML_NAME_CACHE - 1)];

    if (place->p == NULL || !str_eq(*place, s)) {
        *place = str_dup(parser->arena, s);
    }
    return *place;
}

/* libxml2 leaves each & of a value as &#38; when it does not substitute entities. */
static struct str attr_value(struct arena *arena, const xmlChar *begin, const xmlChar *end)
{
    static const struct str amp = STR_INIT("&#38;");
    size_t n = (size_t)(end - begin);
    char *p = arena_strndup(arena, (const char *)begin, n);
    struct str rest = str_of(p, n);
    size_t at = str_find(rest, amp, 0);
    size_t out = at;

    if (at == SIZE_MAX) {
        return rest;
    }
    while (at < n) {
        bool is_amp = str_starts(str_sub(rest, at, amp.n), amp);

        p[out++] = p[at];
        at += is_amp ? amp.n : 1;
    }
    p[out] = '\0';
    return str_of(p, out);
}

/* libxml2 gives five pointers an attribute: local name, prefix, URI, begin and end of the value. */
static const struct xml_attr *copy_attrs(struct xml_parser *parser, int count, const xmlChar **five)
{
    struct xml_attr *attrs;

    if (count == 0) {
        return NULL;
    }
    attrs = ARENA_ARRAY(parser->arena, struct xml_attr, (size_t)count);
    for (int i = 0; i < count; i++, five += 5) {
        attrs[i].ns = ns_of(five[2]);
        attrs[i].name = name_of(parser, five[0]);
        attrs[i].value = attr_value(parser->arena, five[3], five[4]);
    }
    return attrs;
}

static void link_node(struct xml_parser *parser, struct xml_node *node)
{
    struct level *parent;

    if (parser->depth == 0) {
        parser->root = node;
        return;
    }
    parent = &parser->levels[parser->depth - 1];
    node->parent = parent->node;
    if (parent->last_child == NULL) {
        parent->node->first_child = node;
    } else {
        parent->last_child->next = node;
    }
    parent->last_child = node;
    parent->node->child_count++;
}

static void on_start_element(void *user, const xmlChar *name, const xmlChar *prefix,
                             const xmlChar *uri, int ns_count, const xmlChar **ns, int attr_count,
                             int defaulted, const xmlChar **attrs)
{
    struct xml_parser *parser = user;
    struct xml_node *node;

    (void)prefix;
    (void)ns;
    (void)defaulted;
    if (parser->failed) {
        return;
    }
    if (parser->depth >= parser->limits.max_depth) {
        refuse(parser, "elements nested too deep");
    } else if (parser->nodes >= parser->limits.max_nodes) {
        refuse(parser, "too many elements");
    } else if ((uint32_t)attr_count + (uint32_t)ns_count > parser->limits.max_attrs) {
        refuse(parser, "too many attributes");
    } else {
        node = ARENA_NEW(parser->arena, struct xml_node);
        node->ns = ns_of(uri);
        node->name = name_of(parser, name);
        node->attrs = copy_attrs(parser, attr_count, attrs);
        node->attr_count = (uint32_t)attr_count;
        node->line = xmlSAX2GetLineNumber(parser->ctxt);
        node->column = xmlSAX2GetColumnNumber(parser->ctxt);
        link_node(parser, node);
        parser->levels[parser->depth].node = node;
        parser->levels[parser->depth].last_child = NULL;
        parser->depth++;
        parser->nodes++;
    }
}

static void on_end_element(void *user, const xmlChar *name, const xmlChar *prefix,
                           const xmlChar *uri)
{
    struct xml_parser *parser = user;
    struct level *level;
    struct str text;

    (void)name;
    (void)prefix;
    (void)uri;
    if (parser->failed || parser->depth == 0) {
        return;
    }
    level = &parser->levels[--parser->depth];
    text = buf_str(&level->text);
    if (level->last_child != NULL && str_trim(text).n == 0) {
        text.n = 0; /* white space between the children */
    }
    level->node->text =
        str_of(text.n != 0 ? arena_strndup(parser->arena, text.p, text.n) : "", text.n);
    buf_clear(&level->text);
    if (level->text.cap > XML_TEXT_KEEP_BYTES) {
        buf_fini(&level->text);
    }
}

static void on_characters(void *user, const xmlChar *p, int n)
{
    struct xml_parser *parser = user;

    if (!parser->failed && parser->depth > 0) {
        buf_append(&parser->levels[parser->depth - 1].text, p, (size_t)n);
    }
}

/* What is not allowed. */

/* Called behind the XML declaration, or where it would stand. */
static void on_start_document(void *user)
{
    struct xml_parser *parser = user;
    const xmlChar *version = parser->ctxt->version;

    if (version != NULL && strcmp((const char *)version, "1.0") != 0) {
        refuse(parser, "only XML 1.0 is accepted");
    }
}

static void on_doctype(void *user, const xmlChar *name, const xmlChar *public_id,
                       const xmlChar *system_id)
{
    (void)name;
    (void)public_id;
    (void)system_id;
    refuse(user, "a document type declaration is not allowed");
}

static void on_entity_decl(void *user, const xmlChar *name, int type, const xmlChar *public_id,
                           const xmlChar *system_id, xmlChar *content)
{
    (void)name;
    (void)type;
    (void)public_id;
    (void)system_id;
    (void)content;
    refuse(user, "an entity declaration is not allowed");
}

static void on_pi(void *user, const xmlChar *target, const xmlChar *data)
{
    (void)target;
    (void)data;
    refuse(user, "a processing instruction is not allowed");
}

/* Without a handler for entities there are none but the five built-in ones. */
static const xmlSAXHandler handlers = {
    .initialized = XML_SAX2_MAGIC,
    .startDocument = on_start_document,
    .internalSubset = on_doctype,
    .entityDecl = on_entity_decl,
    .processingInstruction = on_pi,
    .startElementNs = on_start_element,
    .endElementNs = on_end_element,
    .characters = on_characters,
    .ignorableWhitespace = on_characters,
    .cdataBlock = on_characters,
    .serror = on_error,
};

/* Life. */

struct xml_parser *xml_parser_new(struct arena *arena, const struct xml_limits *limits)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct xml_parser *parser = mem_alloc_zero(1, sizeof(*parser));
    xmlSAXHandler sax = handlers;

    pthread_once(&once, xmlInitParser);
    parser->arena = arena;
    parser->limits = *limits;
    if (parser->limits.max_depth > XML_DEPTH_MAX) {
        parser->limits.max_depth = XML_DEPTH_MAX;
    }
    parser->levels = mem_alloc_zero(parser->limits.max_depth, sizeof(*parser->levels));
    xml_cut_init(&parser->cut, limits->max_attrs);
    parser->ctxt = xmlCreatePushParserCtxt(&sax, parser, NULL, 0, NULL);
    if (parser->ctxt == NULL) {
        mem_die();
    }
    xmlCtxtUseOptions(parser->ctxt, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
    return parser;
}

void xml_parser_free(struct xml_parser **parser)
{
    struct xml_parser *old = *parser;

    if (old == NULL) {
        return;
    }
    *parser = NULL;
    if (old->ctxt->myDoc != NULL) {
        xmlFreeDoc(old->ctxt->myDoc);
        old->ctxt->myDoc = NULL;
    }
    xmlFreeParserCtxt(old->ctxt);
    for (uint32_t i = 0; i < old->limits.max_depth; i++) {
        buf_fini(&old->levels[i].text);
    }
    free(old->levels);
    buf_fini(&old->held);
    free(old);
}

/* Feeding. */

#define BYTE_ORDER_MARK STR("\xef\xbb\xbf")

/*
 * The value of the encoding in an XML declaration at the front of s; p is NULL when there is none.
 */
static struct str declared_encoding(struct str s)
{
    size_t at;

    if (!str_starts(s, STR("<?xml"))) {
        return STR_NULL;
    }
    s = str_sub(s, 0, str_find(s, STR("?>"), 0));
    at = str_find(s, STR("encoding"), 0);
    s = str_trim(str_sub(s, at, SIZE_MAX));
    str_split(&s, '=');
    s = str_trim(s);
    return s.n == 0 ? STR_NULL : str_sub(s, 1, str_find_char(s, s.p[0], 1) - 1);
}

/*
 * libxml2 is told to ignore the declared encoding: it would start a converter of the sender's
 * choice before anybody can refuse. The declaration is markup, so that the front which is handed on
 * has it whole.
 */
static void check_encoding(struct xml_parser *parser, struct str front)
{
    struct str encoding;

    if (str_starts(front, BYTE_ORDER_MARK)) {
        front = str_sub(front, BYTE_ORDER_MARK.n, SIZE_MAX);
    }
    if (parser->began || front.n == 0) {
        return;
    }
    parser->began = true;
    encoding = declared_encoding(front);
    if (encoding.p != NULL && !str_is_nocase(encoding, "utf-8")) {
        fail_here(parser, "only the encoding UTF-8 is accepted");
    }
}

/* Hands the front of what is held to libxml2. */
static void push(struct xml_parser *parser, size_t n, bool last)
{
    check_encoding(parser, str_sub(buf_str(&parser->held), 0, n));
    if (parser->failed || (n == 0 && !last)) {
        return;
    }
    xmlParseChunk(parser->ctxt, parser->held.p, (int)n, last);
    if (!parser->failed && !parser->ctxt->wellFormed) {
        fail_here(parser, "not well-formed"); /* an error it did not report */
    }
    if (n != 0) {
        parser->held.n -= n;
        memmove(parser->held.p, parser->held.p + n, parser->held.n);
    }
}

/* The first four bytes tell other encodings: those have a zero, another mark, or no '<'. */
static bool starts_as_utf8(size_t at, unsigned char c)
{
    if (at > 0) {
        return c != 0;
    }
    return c == '<' || c == 0xef || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void check_start(struct xml_parser *parser, struct str s)
{
    for (size_t i = 0; i < s.n && parser->total_bytes + i < 4; i++) {
        if (!starts_as_utf8(parser->total_bytes + i, (unsigned char)s.p[i])) {
            fail_at(parser, 1, 1, "no XML in UTF-8", "");
        }
    }
}

static void feed_slice(struct xml_parser *parser, struct str s)
{
    size_t from = parser->held.n;
    size_t safe;

    check_start(parser, s);
    parser->total_bytes += s.n;
    if (parser->failed) {
        return;
    }
    buf_add_str(&parser->held, s);
    if (!xml_cut_scan(&parser->cut, buf_str(&parser->held), from, &safe)) {
        fail_here(parser, "too many attributes");
        return;
    }
    push(parser, safe, false);
    if (parser->held.n > XML_MARKUP_MAX_BYTES && !parser->failed) {
        fail_here(parser, "markup too long");
    }
}

int xml_parser_feed(struct xml_parser *parser, const void *p, size_t n, struct err *err_r)
{
    struct str rest = str_of(p, n);

    if (n > parser->limits.max_bytes - parser->total_bytes && !parser->failed) {
        parser->failed = true;
        err_set(&parser->err, ERR_TOO_LARGE, "XML of more than %zu bytes",
                parser->limits.max_bytes);
    }
    while (rest.n > 0 && !parser->failed) {
        feed_slice(parser, str_sub(rest, 0, XML_SLICE_BYTES));
        rest = str_sub(rest, XML_SLICE_BYTES, SIZE_MAX);
    }
    return parser->failed ? report(parser, err_r) : 0;
}

int xml_parser_finish(struct xml_parser *parser, struct xml_node **root_r, struct err *err_r)
{
    if (!parser->failed) {
        push(parser, parser->held.n, true);
    }
    if (!parser->failed && (parser->root == NULL || parser->depth != 0)) {
        fail_here(parser, "not well-formed: the document ends early");
    }
    if (parser->failed) {
        return report(parser, err_r);
    }
    *root_r = parser->root;
    return 0;
}

int xml_parse(struct arena *arena, struct str text, const struct xml_limits *limits,
              struct xml_node **root_r, struct err *err_r)
{
    AUTO(xml_parser) parser = xml_parser_new(arena, limits);

    TRY(xml_parser_feed(parser, text.p, text.n, err_r));
    return xml_parser_finish(parser, root_r, err_r);
}
