#include "ews/item_query.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "ews/restriction.h"

#include <stdlib.h>

/* ---- cost ---- */

static int too_complex(const char *what, struct err *err_r)
{
    return err_set(err_r, ERR_RESTRICTION_TOO_COMPLEX, "too many %s", what);
}

static int spend_walk(const struct item_query *query, size_t items, struct err *err_r)
{
    query->cost->walked += items;
    return query->cost->walked > FIND_MAX_WALKED ? too_complex("items", err_r) : 0;
}

static int spend_message(const struct item_query *query, const struct restriction *restriction,
                         const struct item *item, struct err *err_r)
{
    if (restriction_needs_message(restriction)) {
        query->cost->read_bytes += MESSAGE_OPEN_BYTES + item->size;
    }
    return query->cost->read_bytes > RESTRICTION_MAX_BYTES ? too_complex("messages to open", err_r)
                                                           : 0;
}

/* ---- native orders ---- */

/* Orders that the mailbox keeps an index for. */
static bool native_order(const struct item_query *query, enum item_order *order_r)
{
    const struct prop_row *row;
    bool descending;

    *order_r = ITEM_ORDER_NEWEST_FIRST;
    if (query->sort_count != 1) {
        return query->sort_count == 0;
    }
    row = query->sort[0].path->row;
    descending = query->sort[0].descending;
    if (row != NULL && row->value == value_received) {
        *order_r = descending ? ITEM_ORDER_RECEIVED_DESC : ITEM_ORDER_RECEIVED_ASC;
        return true;
    }
    if (row != NULL && row->value == value_imap_uid) {
        *order_r = descending ? ITEM_ORDER_NEWEST_FIRST : ITEM_ORDER_OLDEST_FIRST;
        return true;
    }
    return false;
}

static int count_associated(struct mailbox_tx *tx, const struct item_query *query, size_t *n_r,
                            struct err *err_r)
{
    const struct item_iter_options options = {
        .folder = query->folder, .order = ITEM_ORDER_NEWEST_FIRST, .associated = true};
    struct item_iter *iter;
    struct item item;
    size_t n = 0;

    TRY(mailbox_item_iter_begin(tx, &options, &iter, err_r));
    while (mailbox_item_iter_next(iter, &item)) {
        n++;
    }
    TRY(mailbox_item_iter_end(&iter, err_r));
    *n_r = n;
    return spend_walk(query, n, err_r);
}

/* ---- collecting ---- */

struct sort_key {
    enum value_type type;
    int64_t i;
    struct str text;
};

struct match {
    struct item_id id;
    size_t number; /* in the order of the walk: breaks ties, and finds its keys */
};

struct collector {
    struct ews_call *call;
    struct mailbox_tx *tx;
    const struct item_query *query;
    struct arena *item_arena; /* reset between items */
    struct arena *key_arena;  /* texts of keys */
    struct buf matches;       /* struct match */
    struct buf keys;          /* struct sort_key, sort_count for each match */
};

/* Texts sort without regard to case. */
static struct str sortable_text(struct collector *c, const struct value *value)
{
    struct str list = value->text, text = value->text;

    if (value->type == VALUE_TEXTS && !props_next_text(&list, &text)) {
        text = STR_NULL;
    }
    if (value->type != VALUE_BYTES) {
        text = utf8_fold(c->item_arena, utf8_cut_chars(text, FIND_KEY_CHARS));
    }
    return str_dup(c->key_arena, text);
}

static void add_keys(struct collector *c, struct item_view *view)
{
    for (size_t i = 0; i < c->query->sort_count; i++) {
        struct sort_key key = {.type = VALUE_NONE};
        struct value value;

        prop_path_value(c->query->sort[i].path, view, &value);
        key.type = value.type;
        key.i = value.i;
        if (value.text.n != 0) {
            key.text = sortable_text(c, &value);
        }
        buf_append(&c->keys, &key, sizeof(key));
    }
}

static int test_item(struct collector *c, struct item_view *view, struct err *err_r)
{
    if (c->query->restriction == NULL) {
        return 1;
    }
    TRY(spend_message(c->query, c->query->restriction, view->item, err_r));
    return restriction_test_item(c->query->restriction, view, err_r);
}

static int collect_item(struct collector *c, const struct item *item, struct err *err_r)
{
    struct match match = {item->id, c->matches.n / sizeof(match)};
    struct item_view view;
    int rc;

    TRY(spend_walk(c->query, 1, err_r));
    arena_reset(c->item_arena);
    item_view_open(&view, c->call, c->tx, item, c->item_arena);
    rc = test_item(c, &view, err_r);
    if (rc == 1) {
        buf_append(&c->matches, &match, sizeof(match));
        add_keys(c, &view);
    }
    item_view_close(&view);
    if (match.number >= FIND_MAX_MATCHES ||
        c->keys.n + arena_used_bytes(c->key_arena) > FIND_MAX_KEY_BYTES) {
        return too_complex("items to sort", err_r);
    }
    return rc < 0 ? rc : 0;
}

static int collect(struct collector *c, enum item_order order, struct err *err_r)
{
    const struct item_iter_options options = {.folder = c->query->folder,
                                              .order = order,
                                              .associated = c->query->associated,
                                              .with_props = true};
    struct item_iter *iter;
    struct item item;
    int rc = 0;

    TRY(mailbox_item_iter_begin(c->tx, &options, &iter, err_r));
    while (rc == 0 && mailbox_item_iter_next(iter, &item)) {
        rc = collect_item(c, &item, err_r);
    }
    if (rc < 0) {
        (void)!mailbox_item_iter_end(&iter, NULL);
        return rc;
    }
    return mailbox_item_iter_end(&iter, err_r);
}

/* ---- sorting ---- */

/* Absent values come first. */
static int compare_keys(const struct sort_key *a, const struct sort_key *b)
{
    if (a->type == VALUE_NONE || b->type == VALUE_NONE) {
        return (a->type != VALUE_NONE) - (b->type != VALUE_NONE);
    }
    if (a->i != b->i) {
        return a->i < b->i ? -1 : 1;
    }
    return str_cmp(a->text, b->text);
}

static int compare_matches(const void *va, const void *vb, void *context)
{
    const struct match *a = va, *b = vb;
    const struct collector *c = context;
    const struct sort_key *keys = (const void *)c->keys.p;
    size_t n = c->query->sort_count;

    for (size_t i = 0; i < n; i++) {
        int order = compare_keys(&keys[a->number * n + i], &keys[b->number * n + i]);

        if (order != 0) {
            return c->query->sort[i].descending ? -order : order;
        }
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

static void take_ids(struct collector *c, struct item_list *list)
{
    const struct match *matches = (const void *)c->matches.p;
    size_t n = c->matches.n / sizeof(*matches);
    struct item_id *ids = ARENA_ARRAY(c->call->arena, struct item_id, n + 1);

    for (size_t i = 0; i < n; i++) {
        ids[i] = matches[i].id;
    }
    list->ids = ids;
    list->total = n;
}

static int collect_and_sort(struct collector *c, bool native, struct item_list *list,
                            struct err *err_r)
{
    size_t n;

    TRY(collect(c, list->order, err_r));
    n = c->matches.n / sizeof(struct match);
    if (!native && n > 1) {
        qsort_r(c->matches.p, n, sizeof(struct match), compare_matches, c);
    }
    take_ids(c, list);
    return 0;
}

int item_query_run(struct ews_call *call, struct mailbox_tx *tx, const struct item_query *query,
                   size_t normal_total, struct item_list *list_r, struct err *err_r)
{
    struct collector c = {.call = call, .tx = tx, .query = query};
    struct item_list list = {.total = normal_total};
    bool native = native_order(query, &list.order);
    int rc = 0;

    if (native && query->restriction == NULL) {
        rc = query->associated ? count_associated(tx, query, &list.total, err_r) : 0;
    } else {
        c.item_arena = arena_new(call->arena, "item");
        c.key_arena = arena_new(call->arena, "keys");
        rc = collect_and_sort(&c, native, &list, err_r);
        arena_free(&c.key_arena);
        arena_free(&c.item_arena);
        buf_fini(&c.matches);
        buf_fini(&c.keys);
    }
    if (rc == 0) {
        *list_r = list;
    }
    return rc;
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

    TRY(spend_walk(query, start + count, err_r));
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

    TRY(spend_message(s->query, s->condition, item, err_r));
    arena_reset(s->arena);
    item_view_open(&view, s->call, s->tx, item, s->arena);
    rc = restriction_test_item(s->condition, &view, err_r);
    item_view_close(&view);
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
