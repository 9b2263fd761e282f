#include "ews/item_query.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "ews/grouping.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "ews/restriction.h"
#include "ews/text_match.h"

#include <stdlib.h>

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
    return find_cost_walk(query, n, err_r);
}

/* ---- collecting ---- */

struct sort_key {
    enum value_type type;
    int64_t i;
    struct str text;
};

struct match {
    struct item_id id;
    uint32_t number; /* in the order of the walk: breaks ties, and finds its keys */
    uint32_t group;  /* place of its group among the groups; 0 without grouping */
};
_Static_assert(FIND_MAX_MATCHES < UINT32_MAX, "matches are numbered");

/* Keys of a match: those of the grouping, if there is one, then those of the sort. */
enum { KEY_GROUP, KEY_AGGREGATE, GROUPING_KEYS };

struct collector {
    struct ews_call *call;
    struct mailbox_tx *tx;
    const struct item_query *query;
    struct arena *item_arena;            /* reset between items */
    struct arena *key_arena;             /* texts of keys */
    struct str initial_name, final_name; /* of the query, normalized */
    bool native;                      /* the walk's order is wanted: no keys of the sort are kept */
    bool by_id, oldest_first;         /* … but it was walked in another: ids tell */
    size_t first_sort_key, key_count; /* of a match */
    struct buf matches;               /* struct match */
    struct buf keys;                  /* struct sort_key, key_count for each match */
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

static void add_key(struct collector *c, struct item_view *view, const struct prop_path *path)
{
    struct sort_key key = {.type = VALUE_NONE};
    struct value value;

    prop_path_value(path, view, &value);
    key.type = value.type;
    key.i = value.i;
    if (value.text.n != 0) {
        key.text = sortable_text(c, &value);
    }
    buf_append(&c->keys, &key, sizeof(key));
}

static void add_keys(struct collector *c, struct item_view *view)
{
    if (c->query->grouping != NULL) {
        add_key(c, view, c->query->grouping->by);
        add_key(c, view, c->query->grouping->aggregate);
    }
    for (size_t i = 0; i < c->query->sort_count && !c->native; i++) {
        add_key(c, view, c->query->sort[i].path);
    }
}

/* Names compare as people sort them: without case and accents. */
#define COMPARE_LOOSELY 3

static bool name_is_within(const struct collector *c, const struct item_view *view)
{
    struct str name;

    if (c->initial_name.p == NULL && c->final_name.p == NULL) {
        return true;
    }
    name = text_normalize(c->item_arena, contact_display_name(&view->props, c->item_arena),
                          COMPARE_LOOSELY);
    return (c->initial_name.p == NULL || str_cmp(name, c->initial_name) >= 0) &&
           (c->final_name.p == NULL || str_cmp(name, c->final_name) <= 0);
}

static int test_item(struct collector *c, struct item_view *view, struct err *err_r)
{
    int rc;

    if (!name_is_within(c, view)) {
        return 0;
    }
    if (c->query->restriction == NULL) {
        return 1;
    }
    rc = restriction_test_item(c->query->restriction, view, err_r);
    if (rc >= 0) {
        TRY(find_cost_message(c->query, view, err_r));
    }
    return rc;
}

static int collect_item(struct collector *c, const struct item *item, struct err *err_r)
{
    struct match match = {item->id, (uint32_t)(c->matches.n / sizeof(match)), 0};
    struct item_view view;
    int rc;

    TRY(find_cost_walk(c->query, 1, err_r));
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
        return find_too_complex("items to sort", err_r);
    }
    return rc < 0 ? rc : 0;
}

static bool needs_record(const struct item_query *query)
{
    bool needs = query->grouping != NULL || query->initial_name.p != NULL ||
                 query->final_name.p != NULL ||
                 (query->restriction != NULL && restriction_needs_record(query->restriction));

    for (size_t i = 0; i < query->sort_count; i++) {
        needs |= prop_path_needs_record(query->sort[i].path);
    }
    return needs;
}

/* A restriction to a span of time is walked by time, and put in order afterwards. */
static void choose_walk(struct collector *c, enum item_order wanted,
                        struct item_iter_options *options)
{
    const struct restriction *r = c->query->restriction;

    options->order = wanted;
    options->within_received =
        r != NULL &&
        restriction_received_bounds(r, &options->received_from_ms, &options->received_to_ms);
    c->by_id = options->within_received &&
               (wanted == ITEM_ORDER_NEWEST_FIRST || wanted == ITEM_ORDER_OLDEST_FIRST);
    c->oldest_first = wanted == ITEM_ORDER_OLDEST_FIRST;
    if (c->by_id) {
        options->order = ITEM_ORDER_RECEIVED_DESC;
    }
}

static int collect(struct collector *c, enum item_order order, struct err *err_r)
{
    struct item_iter_options options = {.folder = c->query->folder,
                                        .associated = c->query->associated,
                                        .with_props = needs_record(c->query)};
    struct item_iter *iter;
    struct item item;
    int rc = 0;

    choose_walk(c, order, &options);
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

static const struct sort_key *key_of(const struct collector *c, const struct match *match, size_t i)
{
    return (const struct sort_key *)(const void *)c->keys.p + match->number * c->key_count + i;
}

/* By group, if there are any, then as the query wants it. */
static int compare_matches(const void *va, const void *vb, void *context)
{
    const struct match *a = va, *b = vb;
    const struct collector *c = context;

    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    for (size_t i = c->first_sort_key; i < c->key_count; i++) {
        int order = compare_keys(key_of(c, a, i), key_of(c, b, i));

        if (order != 0) {
            return c->query->sort[i - c->first_sort_key].descending ? -order : order;
        }
    }
    if (c->by_id) {
        return (a->id.v < b->id.v) == c->oldest_first ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

static void take_ids(struct collector *c, struct item_list *list)
{
    const struct match *matches = (const void *)c->matches.p;
    size_t n = c->matches.n / sizeof(*matches);
    struct item_id *ids = ARENA_ARRAY(c->call->arena, struct item_id, n + 1);
    uint32_t *groups = NULL;

    if (c->query->grouping != NULL) {
        groups = ARENA_ARRAY(c->call->arena, uint32_t, n + 1);
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = matches[i].id;
        if (groups != NULL) {
            groups[i] = matches[i].group;
        }
    }
    list->ids = ids;
    list->groups = groups;
    list->total = n;
}

/* ---- grouping ---- */

/* Matches that stand side by side, ordered by the value that they are grouped by. */
struct group {
    uint32_t first, end;
    const struct sort_key *best; /* of the aggregate */
};

static int compare_by_group_key(const void *va, const void *vb, void *context)
{
    const struct match *a = va, *b = vb;
    int order = compare_keys(key_of(context, a, KEY_GROUP), key_of(context, b, KEY_GROUP));

    return order != 0 ? order : a->number < b->number ? -1 : a->number > b->number;
}

static int compare_groups(const void *va, const void *vb, void *context)
{
    const struct group *a = va, *b = vb;
    const struct collector *c = context;
    int order = compare_keys(a->best, b->best);

    if (order != 0) {
        return c->query->grouping->descending ? -order : order;
    }
    return a->first < b->first ? -1 : a->first > b->first;
}

static void improve(const struct collector *c, struct group *group, const struct match *match)
{
    const struct sort_key *key = key_of(c, match, KEY_AGGREGATE);
    int order = group->best != NULL ? compare_keys(key, group->best) : 0;

    if (group->best == NULL || (c->query->grouping->maximum ? order > 0 : order < 0)) {
        group->best = key;
    }
}

/* Runs of one value; groups is a list of struct group. */
static void find_groups(const struct collector *c, const struct match *matches, uint32_t n,
                        struct buf *groups)
{
    for (uint32_t i = 0; i < n;) {
        struct group group = {.first = i};

        for (; i < n && compare_keys(key_of(c, &matches[group.first], KEY_GROUP),
                                     key_of(c, &matches[i], KEY_GROUP)) == 0;
             i++) {
            improve(c, &group, &matches[i]);
        }
        group.end = i;
        buf_append(groups, &group, sizeof(group));
    }
}

static void put_in_groups(struct collector *c)
{
    struct match *matches = (void *)c->matches.p;
    uint32_t n = (uint32_t)(c->matches.n / sizeof(*matches));
    struct buf buf = BUF_INIT;
    struct group *groups;
    size_t count;

    if (n == 0) {
        return;
    }
    qsort_r(matches, n, sizeof(*matches), compare_by_group_key, c);
    find_groups(c, matches, n, &buf);
    groups = (void *)buf.p;
    count = buf.n / sizeof(*groups);
    qsort_r(groups, count, sizeof(*groups), compare_groups, c);
    for (uint32_t g = 0; g < count; g++) {
        for (uint32_t i = groups[g].first; i < groups[g].end; i++) {
            matches[i].group = g;
        }
    }
    buf_fini(&buf);
}

static int collect_and_sort(struct collector *c, struct item_list *list, struct err *err_r)
{
    size_t n;

    TRY(collect(c, list->order, err_r));
    n = c->matches.n / sizeof(struct match);
    if (c->query->grouping != NULL) {
        put_in_groups(c);
    }
    if ((!c->native || c->by_id || c->query->grouping != NULL) && n > 1) {
        qsort_r(c->matches.p, n, sizeof(struct match), compare_matches, c);
    }
    take_ids(c, list);
    return 0;
}

static int run_collector(struct collector *c, struct item_list *list, struct err *err_r)
{
    const struct item_query *query = c->query;
    int rc;

    c->first_sort_key = query->grouping != NULL ? GROUPING_KEYS : 0;
    c->key_count = c->first_sort_key + (c->native ? 0 : query->sort_count);
    c->item_arena = arena_new(c->call->arena, "item");
    c->key_arena = arena_new(c->call->arena, "keys");
    c->initial_name = query->initial_name.p != NULL
                          ? text_normalize(c->call->arena, query->initial_name, COMPARE_LOOSELY)
                          : STR_NULL;
    c->final_name = query->final_name.p != NULL
                        ? text_normalize(c->call->arena, query->final_name, COMPARE_LOOSELY)
                        : STR_NULL;
    rc = collect_and_sort(c, list, err_r);
    arena_free(&c->key_arena);
    arena_free(&c->item_arena);
    buf_fini(&c->matches);
    buf_fini(&c->keys);
    return rc;
}

static bool takes_all(const struct item_query *query)
{
    return query->restriction == NULL && query->initial_name.p == NULL &&
           query->final_name.p == NULL;
}

int item_query_run(struct ews_call *call, struct mailbox_tx *tx, const struct item_query *query,
                   size_t normal_total, struct item_list *list_r, struct err *err_r)
{
    struct collector c = {.call = call, .tx = tx, .query = query};
    struct item_list list = {.total = normal_total};
    int rc = 0;

    c.native = native_order(query, &list.order);
    if (!c.native || query->grouping != NULL || !takes_all(query)) {
        rc = run_collector(&c, &list, err_r);
    } else if (query->associated) {
        rc = count_associated(tx, query, &list.total, err_r);
    }
    if (rc == 0) {
        *list_r = list;
    }
    return rc;
}
