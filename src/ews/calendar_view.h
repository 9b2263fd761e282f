/*
 * FindItem's CalendarView: what of a calendar falls into a span of time, each occurrence of a recurring item by itself, in order of start. The folder's records are walked; objects are
 * read only of recurring items whose span touches the view.
 */
#ifndef EWS_CALENDAR_VIEW_H
#define EWS_CALENDAR_VIEW_H

#include "base/err.h"
#include "ews/calendar.h"
#include "ews/item_query.h"

#include <stddef.h>

struct xml_node;

struct calendar_view {
    int64_t from_ms, to_ms;
    size_t max_rows;
};

/* node is m:CalendarView. ERR_SCHEMA; ERR_CALENDAR_END, ERR_CALENDAR_RANGE, ERR_PAGING_MAX_ROWS. */
int calendar_view_parse(struct ews_call *call, const struct xml_node *node,
                        struct calendar_view *view_r, struct err *err_r) WARN_UNUSED;

struct calendar_row {
    int64_t start_ms;                         /* on the wire */
    struct item_id id;                        /* the item, or the occurrence's master */
    const struct item_occurrence *occurrence; /* NULL: the item itself */
};
struct calendar_rows {
    const struct calendar_row *v;
    size_t n, total; /* total: in the view, as far as was counted */
};
/* Rows live in the call's arena. ERR_CALENDAR_FOLDER for a folder of other things; ERR_RESTRICTION_TOO_COMPLEX when it takes too much. */
int calendar_view_run(struct ews_call *call, struct mailbox_tx *tx,
                      const struct calendar_view *view, const struct folder *folder,
                      struct find_cost *cost, struct calendar_rows *rows_r, struct err *err_r)
    WARN_UNUSED;

#endif
