/*
 * Grouping of FindItem: items with one value of a property stand together, and the groups are in
 * the order of the greatest or least value that another property has in them. Callers: FindItem,
 * item_query.c.
 */
#ifndef EWS_GROUPING_H
#define EWS_GROUPING_H

#include "base/err.h"
#include "ews/props.h"

struct grouping {
    const struct prop_path *by, *aggregate;
    bool maximum, descending;
};

/* node is m:GroupBy or m:DistinguishedGroupBy. ERR_SCHEMA, ERR_PATH_FOR_SORT with the path in
 * *message_xml_r. */
int grouping_parse(struct ews_call *call, const struct xml_node *node, struct grouping *grouping_r,
                   struct str *message_xml_r, struct err *err_r) WARN_UNUSED;
/* <t:GroupIndex>: the value that the item has in common with its group. */
void grouping_write_index(const struct grouping *grouping, struct item_view *view, struct buf *out);

#endif
