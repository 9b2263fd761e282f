/*
 * Finding items of a folder: which match a restriction, and in what order. A folder in a native
 * order and without restriction is never read as a whole:
 * its pages come from an index. Callers: FindItem.
 */
#ifndef EWS_ITEM_QUERY_H
#define EWS_ITEM_QUERY_H

#include "base/err.h"
#include "ews/props.h"
#include "mailbox/mailbox.h"

struct grouping;
struct restriction;

struct sort_field {
    const struct prop_path *path;
    bool descending;
};

/* What a request has cost so far; one for all its folders. */
struct find_cost {
    uint64_t walked, read_bytes;
};

struct item_query {
    struct find_cost *cost;
    struct folder_id folder;
    bool associated;
    const struct restriction *restriction; /* or NULL */
    const struct sort_field *sort;         /* none: newest first */
    size_t sort_count;
    const struct grouping *grouping; /* or NULL: the sort is within the groups */
    /* Contacts whose DisplayName lies between, both included; p NULL: no limit. */
    struct str initial_name, final_name;
};

/* ERR_RESTRICTION_TOO_COMPLEX when items walked over, or messages that tests took, are too many. */
int find_cost_walk(const struct item_query *query, size_t items, struct err *err_r) WARN_UNUSED;
int find_cost_message(const struct item_query *query, const struct item_view *view,
                      struct err *err_r) WARN_UNUSED;
int find_too_complex(const char *what, struct err *err_r);

/* The result: all items of the folder in a native order (ids NULL), or a list of ids in the
 * call's arena. */
struct item_list {
    enum item_order order;
    const struct item_id *ids;
    const uint32_t *groups; /* with a grouping: the number of each one's group, ascending */
    size_t total;
};

/* normal_total: the folder's own count. ERR_RESTRICTION_TOO_COMPLEX when it takes too much
 * memory, items or messages (limits.h). */
int item_query_run(struct ews_call *call, struct mailbox_tx *tx, const struct item_query *query,
                   size_t normal_total, struct item_list *list_r, struct err *err_r) WARN_UNUSED;
/* Position in the list of the first item that meets the condition, seen from the beginning or
 * (as a distance) from the end; the total if none does. */
int item_list_seek(struct ews_call *call, struct mailbox_tx *tx, const struct item_query *query,
                   const struct item_list *list, const struct restriction *condition, bool from_end,
                   size_t *at_r, struct err *err_r) WARN_UNUSED;

/* Visits count items of the list from start on. The item is valid during the visit. A negative
 * result ends it and is returned. */
struct item_visitor {
    int (*visit)(void *context, const struct item *item, struct err *err_r);
    void *context;
    bool with_props;
};
int item_list_visit(struct ews_call *call, struct mailbox_tx *tx, const struct item_query *query,
                    const struct item_list *list, size_t start, size_t count,
                    const struct item_visitor *visitor, struct err *err_r) WARN_UNUSED;

#endif
