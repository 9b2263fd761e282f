/* Reading what a query found, and what queries may cost. */
#include "ews/item_query.h"

#include "base/arena.h"
#include "ews/limits.h"
#include "ews/restriction.h"

/* ---- cost ---- */

int find_too_complex(const char *what, struct err *err_r)
{
    return err_set(err_r, ERR_RESTRICTION_TOO_COMPLEX, "too many %s", what);
}

int find_cost_walk(const struct item_query *query, size_t items, struct err *err_r)
{
    query->cost->walked += items;
    return query->cost->walked > FIND_MAX_WALKED ? find_too_complex("items", err_r) : 0;
}

/* After a test: only messages that it took count. */
int find_cost_message(const struct item_query *query, const struct item_view *view,
                      struct err *err_r)
{
    if (view->mime_read) {
        query->cost->read_bytes += MESSAGE_OPEN_BYTES + view->item->size;
    }
    return query->cost->read_bytes > RESTRICTION_MAX_BYTES
               ? find_too_complex("messages to open", err_r)
               : 0;
}

/* ---- reading the list ---- */

static int visit_native(struct mailbox_tx *tx, const struct item_query *query,
                        const struct item_list *list, size_t start, size_t count,
                        const struct item_visitor *visitor, struct err *err_r)
{
    const struct item_iter_options options = {.folder = query->folder,
                                              .order = list->order,
                                              .associated = query->associated,
                                              .with_props = visitor->with_props,
                                              .skip = start};
    struct item_iter *iter;
    struct item item;
    int rc = 0;

    TRY(find_cost_walk(query, start + count, err_r));
    TRY(mailbox_item_iter_begin(tx, &options, &iter, err_r));
    while (rc == 0 && count-- > 0 && mailbox_item_iter_next(iter, &item)) {
        rc = visitor->visit(visitor->context, &item, err_r);
    }
    if (rc < 0) {
        (void)!mailbox_item_iter_end(&iter, NULL);
        return rc;
    }
    return mailbox_item_iter_end(&iter, err_r);
}

static int visit_ids(struct mailbox_tx *tx, const struct item_list *list, size_t start,
                     size_t count, struct arena *arena, const struct item_visitor *visitor,
                     struct err *err_r)
{
    struct item item;

    for (size_t i = start; i < start + count; i++) {
        int found;

        arena_reset(arena);
        found = mailbox_item_get(tx, list->ids[i], arena, &item, err_r);
        if (found < 0) {
            return found;
        }
        if (found == 1) {
            TRY(visitor->visit(visitor->context, &item, err_r));
        }
    }
    return 0;
}

int item_list_visit(struct ews_call *call, struct mailbox_tx *tx, const struct item_query *query,
                    const struct item_list *list, size_t start, size_t count,
                    const struct item_visitor *visitor, struct err *err_r)
{
    struct arena *arena;
    int rc;

    if (count == 0) {
        return 0;
    }
    if (list->ids == NULL) {
        return visit_native(tx, query, list, start, count, visitor, err_r);
    }
    arena = arena_new(call->arena, "item");
    rc = visit_ids(tx, list, start, count, arena, visitor, err_r);
    arena_free(&arena);
    return rc;
}

/* ---- seeking ---- */

struct seeker {
    struct ews_call *call;
    struct mailbox_tx *tx;
    const struct item_query *query;
    const struct restriction *condition;
    struct arena *arena;
    size_t at, first, last; /* position; first and last that matched */
    bool any;
};

static int seek_visit(void *context, const struct item *item, struct err *err_r)
{
    struct seeker *s = context;
    struct item_view view;
    int rc;

    arena_reset(s->arena);
    item_view_open(&view, s->call, s->tx, item, s->arena);
    rc = restriction_test_item(s->condition, &view, err_r);
    item_view_close(&view);
    if (rc >= 0) {
        TRY(find_cost_message(s->query, &view, err_r));
    }
    if (rc == 1) {
        s->first = s->any ? s->first : s->at;
        s->last = s->at;
        s->any = true;
    }
    s->at++;
    return rc < 0 ? rc : 0;
}

int item_list_seek(struct ews_call *call, struct mailbox_tx *tx, const struct item_query *query,
                   const struct item_list *list, const struct restriction *condition, bool from_end,
                   size_t *at_r, struct err *err_r)
{
    struct seeker seeker = {.call = call, .tx = tx, .query = query, .condition = condition};
    const struct item_visitor visitor = {
        .visit = seek_visit, .context = &seeker, .with_props = true};
    int rc;

    seeker.arena = arena_new(call->arena, "seek");
    rc = item_list_visit(call, tx, query, list, 0, list->total, &visitor, err_r);
    arena_free(&seeker.arena);
    if (rc < 0) {
        return rc;
    }
    if (!seeker.any) {
        *at_r = list->total;
    } else {
        *at_r = from_end ? list->total - 1 - seeker.last : seeker.first;
    }
    return 0;
}
