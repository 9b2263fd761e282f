#include "ews/calendar_view.h"

#include "base/arena.h"
#include "base/clock.h"
#include "ews/call.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "xml/xml_doc.h"

#include <stdlib.h>

#define DAY_MS INT64_C(86400000)

/* ---- the request ---- */

static int parse_time(struct ews_call *call, const struct xml_node *node, const char *attr,
                      int64_t *ms_r, struct err *err_r)
{
    struct str text;

    TRY(grammar_attr_str(node, attr, true, &text, err_r));
    if (!zone_context_time(&call->zone, text, ms_r)) {
        return grammar_fail(node, err_r, "The '%s' attribute is invalid - it is no dateTime.",
                            attr);
    }
    return 0;
}

int calendar_view_parse(struct ews_call *call, const struct xml_node *node,
                        struct calendar_view *view_r, struct err *err_r)
{
    struct calendar_view view;
    int64_t max = CALENDAR_VIEW_MAX_ROWS;

    TRY(parse_time(call, node, "StartDate", &view.from_ms, err_r));
    TRY(parse_time(call, node, "EndDate", &view.to_ms, err_r));
    TRY(grammar_attr_int(node, "MaxEntriesReturned", false, XS_INT_MIN, XS_INT_MAX, &max, err_r));
    if (max <= 0) {
        return err_set(err_r, ERR_PAGING_MAX_ROWS, "%lld rows", (long long)max);
    }
    if (view.to_ms < view.from_ms) {
        return err_set(err_r, ERR_CALENDAR_END, "a calendar view that ends before it starts");
    }
    if (view.to_ms - view.from_ms > CALENDAR_VIEW_MAX_DAYS * DAY_MS) {
        return err_set(err_r, ERR_CALENDAR_RANGE, "a calendar view of over two years");
    }
    view.max_rows = max < CALENDAR_VIEW_MAX_ROWS ? (size_t)max : CALENDAR_VIEW_MAX_ROWS;
    *view_r = view;
    return 0;
}

/* ---- rows ---- */

struct collecting {
    struct ews_call *call;
    struct mailbox_tx *tx;
    const struct calendar_view *view;
    struct find_cost *cost;
    struct calendar_row *rows; /* room for two answers and one more: cut to one answer when full */
    size_t n, room, total;
};

static int compare_rows(const void *va, const void *vb)
{
    const struct calendar_row *a = va, *b = vb;

    if (a->start_ms != b->start_ms) {
        return a->start_ms < b->start_ms ? -1 : 1;
    }
    return a->id.v < b->id.v ? -1 : a->id.v > b->id.v;
}

static void sort_and_cut(struct collecting *c)
{
    if (c->n > 0) {
        qsort(c->rows, c->n, sizeof(*c->rows), compare_rows);
    }
    c->n = c->n < c->view->max_rows ? c->n : c->view->max_rows;
}

static void add_row(struct collecting *c, struct calendar_row row)
{
    if (c->n == c->room) {
        sort_and_cut(c);
    }
    c->rows[c->n++] = row;
    c->total++;
}

/* What has no length counts where it is. */
static bool overlaps(const struct calendar_view *view, int64_t start_ms, int64_t end_ms)
{
    return start_ms < view->to_ms && (end_ms > view->from_ms || start_ms >= view->from_ms);
}

/* ---- recurring items ---- */

static bool may_touch(const struct calendar_view *view, const struct props *props)
{
    int64_t start = props_int(props, IPROP_MEETING_START, INT64_MIN);
    int64_t first = props_int(props, IPROP_CALENDAR_FIRST, start);

    return overlaps(view, first, props_int(props, IPROP_CALENDAR_LAST, INT64_MAX));
}

static void add_occurrence(struct collecting *c, const struct item *master,
                           const struct calendar_event *event, const struct occurrence *at)
{
    int64_t start = calendar_wire_ms(event, at->start_ms);
    struct item_occurrence *occurrence;

    if (!overlaps(c->view, start, calendar_wire_ms(event, at->end_ms))) {
        return;
    }
    occurrence = ARENA_NEW(c->call->arena, struct item_occurrence);
    *occurrence = (struct item_occurrence){master, event, *at};
    add_row(c, (struct calendar_row){start, master->id, occurrence});
}

/* An all-day event's dates may lie up to a day off the view's moments: those are asked for, too, and sorted out. */
static int add_occurrences(struct collecting *c, const struct item *item, struct err *err_r)
{
    struct item *master = arena_memdup(c->call->arena, item, sizeof(*item));
    struct calendar_event *event = ARENA_NEW(c->call->arena, struct calendar_event);
    struct occurrence *occurrences;
    int64_t slack;
    size_t n;
    bool more;

    master->props = str_dup(c->call->arena, item->props);
    c->cost->read_bytes += item->size + MESSAGE_OPEN_BYTES;
    TRY(calendar_event_read(c->tx, master, c->call->arena, event, err_r));
    c->cost->walked += event->unknown_rule.n != 0 ? FIND_RULE_ITEMS : 0;
    slack = event->all_day ? DAY_MS : 0;
    if (event_occurrences(event, c->view->from_ms - slack, c->view->to_ms + slack + 1,
                          c->view->max_rows + 3, c->call->arena, &occurrences, &n, &more,
                          NULL) < 0) {
        return 0; /* a rule that nobody can follow: none of it is shown */
    }
    for (size_t i = 0; i < n; i++) {
        add_occurrence(c, master, event, &occurrences[i]);
    }
    c->total += more; /* at least one that is not among the rows */
    return 0;
}

/* ---- the walk ---- */

static int add_item(struct collecting *c, const struct item *item, struct err *err_r)
{
    struct props props;
    int64_t start;

    c->cost->walked++;
    if (c->cost->walked > FIND_MAX_WALKED || c->cost->read_bytes > RESTRICTION_MAX_BYTES) {
        return err_set(err_r, ERR_RESTRICTION_TOO_COMPLEX, "a calendar of that size");
    }
    if (item->kind != ITEM_KIND_CALENDAR_ITEM) {
        return 0;
    }
    (void)props_open(&props, item->props);
    if (props_int(&props, IPROP_MEETING_RECURRING, 0) != 0) {
        return may_touch(c->view, &props) ? add_occurrences(c, item, err_r) : 0;
    }
    start = props_int(&props, IPROP_MEETING_START, INT64_MAX);
    if (overlaps(c->view, start, props_int(&props, IPROP_MEETING_END, start))) {
        add_row(c, (struct calendar_row){start, item->id, NULL});
    }
    return 0;
}

static int walk(struct collecting *c, struct folder_id folder, struct err *err_r)
{
    const struct item_iter_options options = {
        .folder = folder, .order = ITEM_ORDER_OLDEST_FIRST, .with_props = true};
    struct item_iter *iter;
    struct item item;
    int rc = 0, end;

    TRY(mailbox_item_iter_begin(c->tx, &options, &iter, err_r));
    while (rc == 0 && mailbox_item_iter_next(iter, &item)) {
        rc = add_item(c, &item, err_r);
    }
    end = mailbox_item_iter_end(&iter, rc == 0 ? err_r : NULL);
    return rc < 0 ? rc : end;
}

int calendar_view_run(struct ews_call *call, struct mailbox_tx *tx,
                      const struct calendar_view *view, const struct folder *folder,
                      struct find_cost *cost, struct calendar_rows *rows_r, struct err *err_r)
{
    struct collecting c = {.call = call, .tx = tx, .view = view, .cost = cost};

    if (!str_starts_nocase(folder->folder_class, STR("IPF.Appointment"))) {
        return err_set(err_r, ERR_CALENDAR_FOLDER, "calendar view of a folder of class %.*s",
                       STR_ARG(folder->folder_class));
    }
    c.room = 2 * view->max_rows + 1;
    c.rows = ARENA_ARRAY(call->arena, struct calendar_row, c.room);
    TRY(walk(&c, folder->id, err_r));
    sort_and_cut(&c);
    *rows_r = (struct calendar_rows){c.rows, c.n, c.total};
    return 0;
}
