/*
 * The XML reader with any input. Whole or in pieces the outcome is the same, the limits hold, and
 * what was read survives being written and read again.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

#include <stdlib.h>

static const struct xml_limits limits = {
    .max_bytes = 1 << 20, .max_depth = 12, .max_nodes = 500, .max_attrs = 6};

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void write_node(struct buf *b, const struct xml_node *node, uint32_t depth)
{
    uint32_t children = 0;

    check(depth < limits.max_depth);
    check(node->attr_count <= limits.max_attrs);
    buf_printf(b, "<n ns=\"%d\" name=\"", (int)node->ns);
    xml_add_attr_text(b, node->name);
    BUF_LIT(b, "\"><text>");
    xml_add_text(b, node->text);
    BUF_LIT(b, "</text>");
    for (uint32_t i = 0; i < node->attr_count; i++) {
        buf_printf(b, "<a ns=\"%d\" name=\"", (int)node->attrs[i].ns);
        xml_add_attr_text(b, node->attrs[i].name);
        BUF_LIT(b, "\" value=\"");
        xml_add_attr_text(b, node->attrs[i].value);
        BUF_LIT(b, "\"/>");
    }
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        check(child->parent == node);
        write_node(b, child, depth + 1);
        children++;
    }
    check(children == node->child_count);
    BUF_LIT(b, "</n>");
}

/* The error texts of the reader are fit to be sent. */
static void check_error(const struct err *err)
{
    check(err->kind == ERR_SCHEMA || err->kind == ERR_TOO_LARGE);
    for (const char *p = err->client_text; *p != '\0'; p++) {
        check(*p >= ' ' && *p <= '~');
    }
}

/* The tree as XML; empty when refused. */
static void outcome(struct arena *arena, struct str text, size_t piece, struct buf *out)
{
    AUTO(xml_parser) parser = xml_parser_new(arena, &limits);
    struct xml_node *root = NULL;
    struct err err = ERR_INIT;
    int rc = 0;

    while (text.n > 0 && rc == 0) {
        struct str part = str_sub(text, 0, piece);

        rc = xml_parser_feed(parser, part.p, part.n, &err);
        text = str_sub(text, part.n, SIZE_MAX);
    }
    if (rc == 0) {
        rc = xml_parser_finish(parser, &root, &err);
    }
    if (rc == 0) {
        write_node(out, root, 0);
    } else {
        check(rc == -(int)err.kind);
        check_error(&err);
    }
}

static void check_reads_again(struct arena *arena, const struct buf *written)
{
    const struct xml_limits wide = {SIZE_MAX / 2, 255, UINT32_MAX, 100};
    struct xml_node *root;
    struct err err;

    check(xml_parse(arena, buf_str(written), &wide, &root, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    AUTO(arena) arena = arena_new(NULL, "fuzz");
    struct buf whole = BUF_INIT;
    struct buf pieces = BUF_INIT;
    struct str text = str_of(data, n);

    outcome(arena, text, SIZE_MAX, &whole);
    outcome(arena, text, 1 + n % 40, &pieces);
    check(str_eq(buf_str(&whole), buf_str(&pieces)));
    if (whole.n > 0) {
        check_reads_again(arena, &whole);
    }
    buf_fini(&whole);
    buf_fini(&pieces);
    return 0;
}
