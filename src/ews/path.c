/* Paths to properties, as requests write them. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "ews/grammar.h"
#include "xml/xml_doc.h"

#include <assert.h>

static int parse_field(const struct xml_node *node, struct prop_path *path, struct err *err_r)
{
    enum uri_group group;
    struct str uri;

    TRY(grammar_attr_str(node, "FieldURI", true, &uri, err_r));
    if (!uri_find(uri, &path->uri, &group, &path->row)) {
        return grammar_fail(node, err_r,
                            "The 'FieldURI' attribute is invalid - The value '%.*s' is not a "
                            "valid field URI.",
                            (int)(uri.n < 80 ? uri.n : 80), uri.p);
    }
    path->group = (unsigned char)group;
    return 0;
}

static int parse_indexed(const struct xml_node *node, struct prop_path *path, struct err *err_r)
{
    enum uri_group group;
    struct str uri;

    TRY(grammar_attr_str(node, "FieldURI", true, &uri, err_r));
    TRY(grammar_attr_str(node, "FieldIndex", true, &path->index, err_r));
    if (!uri_find_indexed(uri, &path->uri, &group)) {
        return grammar_fail(node, err_r,
                            "The 'FieldURI' attribute is invalid - The value '%.*s' is not a "
                            "valid dictionary URI.",
                            (int)(uri.n < 80 ? uri.n : 80), uri.p);
    }
    path->group = (unsigned char)group;
    (void)dictionary_find(path->uri, path->index, &path->place); /* an unknown key has no value */
    return 0;
}

static int parse_extended(const struct xml_node *node, struct prop_path *path, struct err *err_r)
{
    TRY(extended_path_parse(node, &path->extended, err_r));
    path->row = prop_row_by_extended(&path->extended);
    path->group = URI_ITEM;
    return 0;
}

const struct prop_path *prop_path_of_field(struct ews_call *call, struct str uri)
{
    struct prop_path *path = ARENA_NEW(call->arena, struct prop_path);
    enum uri_group group;
    bool found = uri_find(uri, &path->uri, &group, &path->row);

    assert(found);
    path->kind = PATH_FIELD;
    path->group = (unsigned char)group;
    return path;
}

int prop_path_parse(struct ews_call *call, const struct xml_node *node, struct prop_path **path_r,
                    struct err *err_r)
{
    static const char *const names[] = {"FieldURI", "IndexedFieldURI", "ExtendedFieldURI"};
    static int (*const parsers[])(const struct xml_node *, struct prop_path *,
                                  struct err *) = {[PATH_FIELD] = parse_field,
                                                   [PATH_INDEXED] = parse_indexed,
                                                   [PATH_EXTENDED] = parse_extended};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (xml_is(node, XML_NS_TYPES, names[i])) {
            struct prop_path *path = ARENA_NEW(call->arena, struct prop_path);

            path->kind = (enum prop_path_kind)i;
            path->node = node;
            TRY(parsers[i](node, path, err_r));
            *path_r = path;
            return 0;
        }
    }
    return grammar_fail(node, err_r, "The element '%.*s' is not a path to a property.",
                        STR_ARG(node->name));
}
