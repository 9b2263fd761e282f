/* The property table: every row consistent, and in the schema's order for each kind of item. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "ews/props-private.h"
#include "xml/xml_doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool overlaps(const struct prop_row *a, const struct prop_row *b)
{
    return (a->kinds & b->kinds) != 0;
}

static void test_a_uri_stands_once_for_a_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < prop_row_count; i++) {
        for (size_t j = i + 1; j < prop_row_count; j++) {
            const struct prop_row *a = &prop_rows[i], *b = &prop_rows[j];

            if (a->uri.n != 0 && str_eq(a->uri, b->uri) && overlaps(a, b)) {
                fail_msg("%.*s stands twice", STR_ARG(a->uri));
            }
            if (a->element.n != 0 && str_eq(a->element, b->element) && overlaps(a, b)) {
                fail_msg("element %.*s stands twice", STR_ARG(a->element));
            }
        }
    }
}

static void test_a_tag_stands_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < prop_row_count; i++) {
        if (prop_rows[i].tag != 0 && prop_row_by_tag(prop_rows[i].tag) != &prop_rows[i]) {
            fail_msg("tag 0x%x stands twice", prop_rows[i].tag);
        }
    }
}

static void test_shapes_choose_among_the_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < prop_row_count; i++) {
        const struct prop_row *row = &prop_rows[i];

        assert_true((row->in_default & ~row->kinds) == 0);
        assert_true((row->in_all & ~row->kinds) == 0);
        assert_true(row->element.n != 0 || (row->in_default | row->in_all) == 0);
        assert_true(row->open.n == 0 || row->open.n == row->element.n + 2);
    }
}

/* The record's type of a property is what the row reads. */
static void test_sources_fit_the_record(void **state)
{
    static const enum item_prop_type types[] = {
        [SOURCE_TEXT] = IPROP_TYPE_TEXT,   [SOURCE_INT] = IPROP_TYPE_INT,
        [SOURCE_ENUM] = IPROP_TYPE_INT,    [SOURCE_BOOL] = IPROP_TYPE_INT,
        [SOURCE_TIME] = IPROP_TYPE_TIME,   [SOURCE_ADDRS] = IPROP_TYPE_ADDRS,
        [SOURCE_TEXTS] = IPROP_TYPE_TEXTS, [SOURCE_BYTES] = IPROP_TYPE_BYTES};

    (void)state;
    for (size_t i = 0; i < prop_row_count; i++) {
        const struct prop_row *row = &prop_rows[i];

        if (row->source >= SOURCE_TEXT && row->source <= SOURCE_BYTES) {
            assert_int_equal(item_prop_type((enum item_prop)row->prop), types[row->source]);
        }
        assert_true((row->source == SOURCE_CALL) == (row->value != NULL));
        assert_true(row->source != SOURCE_ENUM || row->names != NULL);
        assert_true((row->flags & ROW_SORT) == 0 || (row->flags & ROW_GET_ONLY) == 0);
    }
}

static void test_every_uri_of_a_row_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < prop_row_count; i++) {
        const struct prop_row *row = NULL;
        enum uri_group group;
        struct str uri;

        if (prop_rows[i].uri.n != 0) {
            assert_true(uri_find(prop_rows[i].uri, &uri, &group, &row));
            assert_true(str_eq(uri, prop_rows[i].uri));
            assert_true(row <= &prop_rows[i] && str_eq(row->uri, uri));
        }
    }
}

static void test_other_uris(void **state)
{
    const struct prop_row *row = prop_rows;
    enum uri_group group;
    struct str uri;

    (void)state;
    assert_true(uri_find(STR("persona:PersonaId"), &uri, &group, &row));
    assert_null(row);
    assert_int_equal(group, URI_OTHER);
    assert_false(uri_find(STR("item:subject"), &uri, &group, &row));
    assert_false(uri_find(STR(""), &uri, &group, &row));
    assert_true(uri_find_indexed(STR("contacts:PhoneNumber"), &uri, &group));
    assert_false(uri_find_indexed(STR("item:Subject"), &uri, &group));
}

/* ---- against the schema ---- */

struct schema {
    struct arena *arena;
    struct xml_node *root;
};

static struct str read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t cap = 4u << 20, n;
    char *text = arena_alloc(arena, cap);

    assert_non_null(file);
    n = fread(text, 1, cap, file);
    fclose(file);
    return str_of(text, n);
}

static bool schema_open(struct schema *schema)
{
    static const struct xml_limits limits = {8u << 20, 100, 100000, 64};
    const char *dir = getenv("EWER_SCHEMA_DIR");
    struct err err;

    if (dir == NULL) {
        return false;
    }
    schema->arena = arena_new(NULL, "schema");
    assert_int_equal(
        xml_parse(schema->arena,
                  read_file(schema->arena, arena_printf(schema->arena, "%s/types.xsd", dir)),
                  &limits, &schema->root, &err),
        0);
    return true;
}

static const struct xml_node *find_type(const struct schema *schema, struct str name)
{
    const struct xml_node *node = schema->root->first_child;

    while (node != NULL &&
           !(str_is(node->name, "complexType") && str_eq(xml_attr(node, "name"), name))) {
        node = node->next;
    }
    assert_non_null(node);
    return node;
}

static const struct xml_node *descendant(const struct xml_node *node, const char *name)
{
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        const struct xml_node *found = str_is(child->name, name) ? child : descendant(child, name);

        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* Names of a type's elements, its base's first, each preceded by a space. */
static const char *elements(const struct schema *schema, struct str type)
{
    const struct xml_node *node = find_type(schema, type), *sequence, *extension;
    const char *all = "";

    extension = descendant(node, "extension");
    if (extension != NULL) {
        struct str base = xml_attr(extension, "base");

        all = elements(schema, str_sub(base, 2, base.n));
    }
    sequence = descendant(node, "sequence");
    for (node = sequence != NULL ? sequence->first_child : NULL; node != NULL; node = node->next) {
        all = arena_printf(schema->arena, "%s %.*s", all, STR_ARG(xml_attr(node, "name")));
    }
    return arena_printf(schema->arena, "%s ", all);
}

static void assert_in_order(const struct schema *schema, enum item_kind kind, const char *type)
{
    const char *rest = elements(schema, str_from(type));

    for (size_t i = 0; i < prop_row_count; i++) {
        const struct prop_row *row = &prop_rows[i];

        if ((row->kinds & 1u << kind) != 0 && row->element.n != 0) {
            struct str name = str_sub(row->element, 2, row->element.n);
            const char *at = strstr(rest, arena_printf(schema->arena, " %.*s ", STR_ARG(name)));

            if (at == NULL) {
                fail_msg("%.*s of %s is absent from the schema or out of order", STR_ARG(name),
                         type);
                return;
            }
            rest = at + 1;
        }
    }
}

static void test_rows_stand_in_the_order_of_the_schema(void **state)
{
    struct schema schema;

    (void)state;
    if (!schema_open(&schema)) {
        print_message("no schema directory: not compared\n");
        return;
    }
    assert_in_order(&schema, ITEM_KIND_ITEM, "ItemType");
    assert_in_order(&schema, ITEM_KIND_MESSAGE, "MessageType");
    assert_in_order(&schema, ITEM_KIND_MEETING_MESSAGE, "MeetingMessageType");
    assert_in_order(&schema, ITEM_KIND_MEETING_REQUEST, "MeetingRequestMessageType");
    assert_in_order(&schema, ITEM_KIND_MEETING_RESPONSE, "MeetingResponseMessageType");
    assert_in_order(&schema, ITEM_KIND_MEETING_CANCELLATION, "MeetingCancellationMessageType");
    assert_in_order(&schema, ITEM_KIND_CALENDAR_ITEM, "CalendarItemType");
    assert_in_order(&schema, ITEM_KIND_CONTACT, "ContactItemType");
    assert_in_order(&schema, ITEM_KIND_DISTRIBUTION_LIST, "DistributionListType");
    assert_in_order(&schema, ITEM_KIND_TASK, "TaskType");
    assert_in_order(&schema, ITEM_KIND_POST_ITEM, "PostItemType");
    arena_free(&schema.arena);
}

static const struct xml_node *find_simple_type(const struct schema *schema, const char *name)
{
    const struct xml_node *node = schema->root->first_child;

    while (node != NULL && !str_is(xml_attr(node, "name"), name)) {
        node = node->next;
    }
    assert_non_null(node);
    return descendant(node, "restriction");
}

static void test_all_uris_of_the_schema_are_known(void **state)
{
    const struct xml_node *value;
    const struct prop_row *row;
    enum uri_group group;
    struct schema schema;
    struct str uri;

    (void)state;
    if (!schema_open(&schema)) {
        print_message("no schema directory: not compared\n");
        return;
    }
    value = find_simple_type(&schema, "UnindexedFieldURIType")->first_child;
    for (; value != NULL; value = value->next) {
        assert_true(uri_find(xml_attr(value, "value"), &uri, &group, &row));
    }
    value = find_simple_type(&schema, "DictionaryURIType")->first_child;
    for (; value != NULL; value = value->next) {
        assert_true(uri_find_indexed(xml_attr(value, "value"), &uri, &group));
    }
    arena_free(&schema.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_uri_stands_once_for_a_kind),
        cmocka_unit_test(test_a_tag_stands_once),
        cmocka_unit_test(test_shapes_choose_among_the_kinds),
        cmocka_unit_test(test_sources_fit_the_record),
        cmocka_unit_test(test_every_uri_of_a_row_is_found),
        cmocka_unit_test(test_other_uris),
        cmocka_unit_test(test_rows_stand_in_the_order_of_the_schema),
        cmocka_unit_test(test_all_uris_of_the_schema_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
