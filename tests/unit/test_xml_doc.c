/* What the XML reader accepts, refuses and makes of it; and that the way the bytes arrive
 * changes nothing. */
#include "xml/xml_doc.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NS_T "http://schemas.microsoft.com/exchange/services/2006/types"
#define NS_M "http://schemas.microsoft.com/exchange/services/2006/messages"

static const struct xml_limits limits = {
    .max_bytes = 100 * 1024 * 1024, .max_depth = 16, .max_nodes = 1000, .max_attrs = 8};

static int setup(void **state)
{
    *state = arena_new(NULL, "test");
    return 0;
}

static int teardown(void **state)
{
    struct arena *arena = *state;

    arena_free(&arena);
    return 0;
}

static void write_str(struct buf *b, struct str s)
{
    buf_printf(b, "\"%.*s\"", STR_ARG(s));
}

/* The tree as one text, to compare. */
static void write_node(struct buf *b, const struct xml_node *node)
{
    buf_printf(b, "%d:", (int)node->ns);
    buf_add_str(b, node->name);
    for (uint32_t i = 0; i < node->attr_count; i++) {
        buf_printf(b, " %d:", (int)node->attrs[i].ns);
        buf_add_str(b, node->attrs[i].name);
        BUF_LIT(b, "=");
        write_str(b, node->attrs[i].value);
    }
    if (node->text.n != 0) {
        BUF_LIT(b, " ");
        write_str(b, node->text);
    }
    BUF_LIT(b, "(");
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        assert_ptr_equal(child->parent, node);
        write_node(b, child);
    }
    BUF_LIT(b, ")");
}

/* Parses in pieces of piece bytes; the tree, or the text of the error. */
static void outcome(struct arena *arena, struct str text, size_t piece, struct buf *out)
{
    AUTO(xml_parser) parser = xml_parser_new(arena, &limits);
    struct err err = ERR_INIT;
    struct xml_node *root = NULL;
    int rc = 0;

    buf_clear(out);
    for (size_t at = 0; at < text.n && rc == 0; at += piece) {
        struct str part = str_sub(text, at, piece);
        char *own = malloc(part.n); /* so that reading beyond is seen */

        memcpy(own, part.p, part.n);
        rc = xml_parser_feed(parser, own, part.n, &err);
        free(own);
    }
    if (rc == 0) {
        rc = xml_parser_finish(parser, &root, &err);
    }
    if (rc == 0) {
        write_node(out, root);
    } else {
        assert_int_equal(rc, -(int)err.kind);
        assert_int_equal(err.kind, ERR_SCHEMA);
        assert_true(err.at_line >= 1);
        BUF_LIT(out, "error");
    }
}

static void expect_tree(void **state, const char *text, const char *tree)
{
    struct str all = str_from(text);
    struct buf out = BUF_INIT;

    for (size_t piece = 1; piece <= all.n; piece = piece < 20 ? piece + 1 : piece * 2) {
        outcome(*state, all, piece, &out);
        if (!str_is(buf_str(&out), tree)) {
            fail_msg("in pieces of %zu: %s: %.*s", piece, text, STR_ARG(buf_str(&out)));
        }
    }
    outcome(*state, all, all.n, &out);
    assert_true(str_is(buf_str(&out), tree));
    buf_fini(&out);
}

static void expect_refusal(void **state, const char *text, const char *reason)
{
    struct xml_node *root = NULL;
    struct err err = ERR_INIT;

    assert_int_equal(xml_parse(*state, str_from(text), &limits, &root, &err), -ERR_SCHEMA);
    assert_null(root);
    if (strstr(err.client_text, reason) == NULL) {
        fail_msg("%s: %s", text, err.client_text);
    }
    expect_tree(state, text, "error");
}

static void names_are_known_by_namespace(void **state)
{
    expect_tree(state,
                "<m:FindItem xmlns:m='" NS_M "' xmlns:t='" NS_T "'><t:A/><x:B xmlns:x='urn:x'/>"
                "<C xmlns=''/></m:FindItem>",
                "4:FindItem(5:A()1:B()0:C())");
    expect_tree(state, "<S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'/>",
                "2:Envelope()");
    expect_tree(state, "<Envelope xmlns='http://www.w3.org/2003/05/soap-envelope'/>",
                "3:Envelope()");
}

static void text_is_joined(void **state)
{
    expect_tree(state, "<a>one<!-- - -->two<![CDATA[<&>]]]]><![CDATA[]]>three</a>",
                "0:a \"onetwo<&>]]three\"()");
    expect_tree(state, "<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x20AC;</a>",
                "0:a \"<&>\"'A\xe2\x82\xac\"()");
    expect_tree(state, "<a>x\r\ny\rz</a>", "0:a \"x\ny\nz\"()");
    expect_tree(state, "<a> \n <b> </b>\t</a>", "0:a(0:b \" \"())");
    expect_tree(state, "<a>mixed<b/> text</a>", "0:a \"mixed text\"(0:b())");
    expect_tree(state, "<a></a>", "0:a()");
}

static void attributes_are_decoded(void **state)
{
    expect_tree(state, "<a b='1>2' c=\"it's\" xml:lang='de'/>",
                "0:a 0:b=\"1>2\" 0:c=\"it's\" 1:lang=\"de\"()");
    expect_tree(state, "<a b='x&amp;y&#38;z&amp;#38;&lt;\n'/>", "0:a 0:b=\"x&y&z&#38;< \"()");
    expect_tree(state, "<a b='&amp;'/>", "0:a 0:b=\"&\"()");
    expect_tree(state, "<a b=''/>", "0:a 0:b=\"\"()");
}

static void utf8_is_read_with_and_without_mark(void **state)
{
    expect_tree(
        state,
        "\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><\xc3\xa9>\xf0\x9f\x98\x80</\xc3\xa9>",
        "0:\xc3\xa9 \"\xf0\x9f\x98\x80\"()");
    expect_tree(state, "\xef\xbb\xbf<?xml version='1.0' encoding = \"Utf-8\" ?><a/>", "0:a()");
    expect_tree(state, "\n <a/> \n<!-- end --> ", "0:a()");
    expect_tree(state, "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\n<a/>",
                "0:a()");
}

static void other_encodings_are_refused(void **state)
{
    static const char utf16[] = "\xff\xfe<\0a\0/\0>\0";
    static const char utf16_bare[] = "<\0a\0/\0>\0";
    struct xml_node *root;
    struct err err;

    expect_refusal(state, "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "UTF-8");
    expect_refusal(state, "<?xml version='1.0' encoding='UTF-16'?><a/>", "UTF-8");
    expect_refusal(state, "<?xml version='1.0' encoding='UTF-7'?><a/>", "");
    expect_refusal(state, "<?xml version='1.0' encoding='us-ascii'?><a/>", "UTF-8");
    expect_refusal(state, "\xef\xbb\xbf<?xml version='1.0' encoding = \"utf-16\" ?><a/>", "UTF-8");
    expect_refusal(state, "<?xml version='1.0' encoding=''?><a/>", "UTF-8");
    expect_refusal(state, "<?xml version='1.0' encoding='utf-8?><a/>", "not well-formed");
    assert_int_equal(xml_parse(*state, str_of(utf16, sizeof(utf16) - 1), &limits, &root, &err),
                     -ERR_SCHEMA);
    assert_int_equal(
        xml_parse(*state, str_of(utf16_bare, sizeof(utf16_bare) - 1), &limits, &root, &err),
        -ERR_SCHEMA);
    expect_refusal(state, "<a>\xe9</a>", "not well-formed");
    expect_refusal(state, "<a>\xc0\xbc</a>", "not well-formed");
    expect_refusal(state, "<a>\xed\xa0\x80</a>", "not well-formed");
    expect_refusal(state, "<a b='\xff'/>", "not well-formed");
    expect_refusal(state, "<a><![CDATA[\xe9]]></a>", "not well-formed");
}

static void dangerous_xml_is_refused(void **state)
{
    expect_refusal(state, "<!DOCTYPE a><a/>", "document type");
    expect_refusal(state, "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type");
    expect_refusal(state, "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "document type");
    expect_refusal(state, "<?xml version='1.0'?><?b c?><a/>", "processing instruction");
    expect_refusal(state, "<a><?b?></a>", "processing instruction");
    expect_refusal(state, "<a/><?b?>", "processing instruction");
    expect_refusal(state, "<a>&b;</a>", "not well-formed");
    expect_refusal(state, "<a b='&c;'/>", "not well-formed");
    expect_refusal(state, "<?xml version='1.1'?><a/>", "XML 1.0");
    expect_refusal(state, "<?xml version='2.0'?><a/>", "");
}

static void broken_xml_is_refused(void **state)
{
    static const char *const broken[] = {"",
                                         " ",
                                         "a",
                                         "<",
                                         "<a",
                                         "<a>",
                                         "<a></b>",
                                         "<a/><b/>",
                                         "<a/>text",
                                         "<a b/>",
                                         "<a b=c/>",
                                         "<a b='1' b='2'/>",
                                         "<a b='<'/>",
                                         "<a b='",
                                         "<a>]]></a>",
                                         "<a>&</a>",
                                         "<a>&#0;</a>",
                                         "<a>\x01</a>",
                                         "<a><!-- -- --></a>",
                                         "<a><![CDATA[</a>",
                                         "<!-- a",
                                         "<a><!b></a>",
                                         "<1/>",
                                         "<a:b/>",
                                         "<a b:c='d'/>",
                                         "<a xmlns:b=''/>",
                                         "<a><?xml version='1.0'?></a>",
                                         "</a>",
                                         "<a//>",
                                         "<a></a",
                                         "<a><![CDAT[x]]></a>",
                                         "<a b='1'c='2'/>",
                                         "< a/>",
                                         "<a>&#xFFFE;</a>"};

    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        expect_refusal(state, broken[i], "");
    }
}

static void error_tells_where_and_cites_little(void **state)
{
    struct buf text = BUF_INIT;
    struct xml_node *root;
    struct err err = ERR_INIT;
    const char *detail;

    expect_refusal(state, "<a>\n <b>\n</a>", "not well-formed at line 3 column ");
    BUF_LIT(&text, "<a>\n<");
    for (int i = 0; i < 300; i++) {
        buf_add_char(&text, 'x');
    }
    BUF_LIT(&text, "></\xc3\xa9\x7f></a>");
    assert_int_equal(xml_parse(*state, buf_str(&text), &limits, &root, &err), -ERR_SCHEMA);
    assert_int_equal(err.at_line, 2);
    assert_true(err.at_column > 300);
    detail = strstr(err.client_text, ": ");
    assert_non_null(detail);
    assert_true(strlen(detail + 2) <= 60);
    for (const char *p = err.client_text; *p != '\0'; p++) {
        assert_in_range((unsigned char)*p, ' ', '~');
    }
    buf_fini(&text);
}

static void element_knows_its_line(void **state)
{
    struct xml_node *root;
    struct err err;

    assert_int_equal(xml_parse(*state, STR("<a>\n\n <b/>\n</a>"), &limits, &root, &err), 0);
    assert_int_equal(root->line, 1);
    assert_int_equal(root->first_child->line, 3);
    assert_true(root->first_child->column > 1);
}

static void repeat(struct buf *b, const char *s, int n)
{
    for (int i = 0; i < n; i++) {
        buf_add_cstr(b, s);
    }
}

static int parse_limited(void **state, struct buf *b, const struct xml_limits *l, struct err *err_r)
{
    struct xml_node *root;
    int rc = xml_parse(*state, buf_str(b), l, &root, err_r);

    buf_clear(b);
    return rc;
}

static void depth_and_nodes_are_limited(void **state)
{
    struct buf b = BUF_INIT;
    struct err err;

    repeat(&b, "<a>", 16);
    repeat(&b, "</a>", 16);
    assert_int_equal(parse_limited(state, &b, &limits, &err), 0);
    repeat(&b, "<a>", 17);
    repeat(&b, "</a>", 17);
    assert_int_equal(parse_limited(state, &b, &limits, &err), -ERR_SCHEMA);
    assert_non_null(strstr(err.client_text, "deep"));
    BUF_LIT(&b, "<r>");
    repeat(&b, "<a/>", 999);
    BUF_LIT(&b, "</r>");
    assert_int_equal(parse_limited(state, &b, &limits, &err), 0);
    BUF_LIT(&b, "<r>");
    repeat(&b, "<a/>", 1000);
    BUF_LIT(&b, "</r>");
    assert_int_equal(parse_limited(state, &b, &limits, &err), -ERR_SCHEMA);
    assert_non_null(strstr(err.client_text, "too many elements"));
    buf_fini(&b);
}

static void add_attrs(struct buf *b, int n)
{
    BUF_LIT(b, "<a");
    for (int i = 0; i < n; i++) {
        buf_printf(b, " a%d='%d'", i, i);
    }
    BUF_LIT(b, "/>");
}

static void attributes_are_limited(void **state)
{
    struct buf b = BUF_INIT;
    struct err err;

    add_attrs(&b, 8);
    assert_int_equal(parse_limited(state, &b, &limits, &err), 0);
    add_attrs(&b, 9);
    assert_int_equal(parse_limited(state, &b, &limits, &err), -ERR_SCHEMA);
    assert_non_null(strstr(err.client_text, "attributes"));
    /* In a parser that compares each with each this would take minutes. */
    add_attrs(&b, 300000);
    assert_int_equal(parse_limited(state, &b, &limits, &err), -ERR_SCHEMA);
    buf_fini(&b);
}

static void bytes_are_limited(void **state)
{
    struct xml_limits small = limits;
    struct buf b = BUF_INIT;
    struct err err;

    small.max_bytes = 10;
    BUF_LIT(&b, "<a>123</a>");
    assert_int_equal(parse_limited(state, &b, &small, &err), 0);
    BUF_LIT(&b, "<a>1234</a>");
    assert_int_equal(parse_limited(state, &b, &small, &err), -ERR_TOO_LARGE);
    buf_fini(&b);
}

static void endless_markup_is_refused(void **state)
{
    static const char *const starts[] = {"<a b='", "<!--", "<a><![CDATA[", "<?a "};
    struct buf b = BUF_INIT;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        buf_add_cstr(&b, starts[i]);
        repeat(&b, "0123456789abcdef", 600 * 1024);
        assert_int_equal(parse_limited(state, &b, &limits, &err), -ERR_SCHEMA);
        assert_non_null(strstr(err.client_text, "markup too long"));
    }
    buf_fini(&b);
}

static void large_text_is_read(void **state)
{
    const size_t n = 64 * 1024 * 1024;
    struct buf b = BUF_INIT;
    struct xml_node *root;
    struct err err = ERR_INIT;

    BUF_LIT(&b, "<a>");
    memset(buf_reserve(&b, n), 'A', n);
    b.n += n;
    BUF_LIT(&b, "</a>");
    assert_int_equal(xml_parse(*state, buf_str(&b), &limits, &root, &err), 0);
    assert_int_equal(root->text.n, n);
    buf_fini(&b);
}

static void children_and_attributes_are_found(void **state)
{
    struct xml_node *root;
    struct xml_node *child;
    struct err err;

    assert_int_equal(xml_parse(*state,
                               STR("<a x='1' t:y='2' xmlns:t='" NS_T "'><b/><t:b/><c/></a>"),
                               &limits, &root, &err),
                     0);
    assert_int_equal(root->child_count, 3);
    child = xml_child(root, XML_NS_TYPES, "b");
    assert_ptr_equal(child, root->first_child->next);
    assert_true(xml_is(child, XML_NS_TYPES, "b"));
    assert_false(xml_is(child, XML_NS_NONE, "b"));
    assert_ptr_equal(xml_child(root, XML_NS_OTHER, "b"), root->first_child);
    assert_null(xml_child(root, XML_NS_TYPES, "c"));
    assert_true(str_is(xml_attr(root, "x"), "1"));
    assert_null(xml_attr(root, "y").p);
}

static void failed_parser_stays_failed(void **state)
{
    AUTO(xml_parser) parser = xml_parser_new(*state, &limits);
    struct xml_node *root;
    struct err err = ERR_INIT;

    assert_int_equal(xml_parser_feed(parser, "<a></b>", 7, &err), -ERR_SCHEMA);
    assert_int_equal(xml_parser_feed(parser, "<a/>", 4, &err), -ERR_SCHEMA);
    assert_int_equal(xml_parser_finish(parser, &root, NULL), -ERR_SCHEMA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_known_by_namespace, setup, teardown),
        cmocka_unit_test_setup_teardown(text_is_joined, setup, teardown),
        cmocka_unit_test_setup_teardown(attributes_are_decoded, setup, teardown),
        cmocka_unit_test_setup_teardown(utf8_is_read_with_and_without_mark, setup, teardown),
        cmocka_unit_test_setup_teardown(other_encodings_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(dangerous_xml_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_xml_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(error_tells_where_and_cites_little, setup, teardown),
        cmocka_unit_test_setup_teardown(element_knows_its_line, setup, teardown),
        cmocka_unit_test_setup_teardown(depth_and_nodes_are_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(attributes_are_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_are_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_markup_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(large_text_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(children_and_attributes_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(failed_parser_stays_failed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
