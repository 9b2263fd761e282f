#include "xml/xml_doc.h"

bool xml_is(const struct xml_node *node, enum xml_ns ns, const char *name)
{
    return node->ns == ns && str_is(node->name, name);
}

struct xml_node *xml_child(const struct xml_node *node, enum xml_ns ns, const char *name)
{
    for (struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        if ((ns == XML_NS_OTHER || child->ns == ns) && str_is(child->name, name)) {
            return child;
        }
    }
    return NULL;
}

struct str xml_attr(const struct xml_node *node, const char *name)
{
    for (uint32_t i = 0; i < node->attr_count; i++) {
        if (node->attrs[i].ns == XML_NS_NONE && str_is(node->attrs[i].name, name)) {
            return node->attrs[i].value;
        }
    }
    return STR_NULL;
}
