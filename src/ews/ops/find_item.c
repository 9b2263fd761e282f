/* FindItem: items of folders, filtered, sorted and paged; one message a folder. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/aqs.h"
#include "ews/batch.h"
#include "ews/calendar_view.h"
#include "ews/grammar.h"
#include "ews/grouping.h"
#include "ews/item_query.h"
#include "ews/limits.h"
#include "ews/ops/targets.h"
#include "ews/props-private.h"
#include "ews/restriction.h"
#include "ews/views.h"
#include "xml/xml_doc.h"

enum traversal { SHALLOW, SOFT_DELETED, ASSOCIATED };

struct args {
    struct folder_targets folders; /* first */
    enum traversal traversal;
    struct item_shape *shape;
    struct view view;
    bool in_calendar; /* by calendar, in place of view, restriction and sort */
    struct calendar_view calendar;
    struct restriction *restriction;
    struct sort_field *sort;
    size_t sort_count;
    bool grouped;
    struct grouping grouping;
    struct err refused; /* what is wrong with the request: every message's error */
    struct str refused_xml;
    struct arena *item_arena; /* reset between items */
    struct find_cost cost;
};

enum child {
    SHAPE,
    INDEXED,
    FRACTIONAL,
    SEEK,
    CALENDAR,
    CONTACTS,
    GROUP_BY,
    DISTINGUISHED_GROUP_BY,
    RESTRICTION,
    SORT_ORDER,
    PARENTS,
    QUERY,
    CHILD_COUNT
};

static const struct grammar_child children[CHILD_COUNT] = {
    [SHAPE] = {XML_NS_MESSAGES, "ItemShape", 1, 1},
    [INDEXED] = {XML_NS_MESSAGES, "IndexedPageItemView", 0, 1},
    [FRACTIONAL] = {XML_NS_MESSAGES, "FractionalPageItemView", 0, 1},
    [SEEK] = {XML_NS_MESSAGES, "SeekToConditionPageItemView", 0, 1},
    [CALENDAR] = {XML_NS_MESSAGES, "CalendarView", 0, 1},
    [CONTACTS] = {XML_NS_MESSAGES, "ContactsView", 0, 1},
    [GROUP_BY] = {XML_NS_MESSAGES, "GroupBy", 0, 1},
    [DISTINGUISHED_GROUP_BY] = {XML_NS_MESSAGES, "DistinguishedGroupBy", 0, 1},
    [RESTRICTION] = {XML_NS_MESSAGES, "Restriction", 0, 1},
    [SORT_ORDER] = {XML_NS_MESSAGES, "SortOrder", 0, 1},
    [PARENTS] = {XML_NS_MESSAGES, "ParentFolderIds", 1, 1},
    [QUERY] = {XML_NS_MESSAGES, "QueryString", 0, 1},
};

/* ---- parsing ---- */

/* Of an xs:choice. */
static int at_most_one(const struct xml_node *request, const struct xml_node *const *found,
                       enum child first, enum child last, struct err *err_r)
{
    unsigned n = 0;

    for (unsigned i = first; i <= (unsigned)last; i++) {
        n += found[i] != NULL;
    }
    if (n > 1) {
        return grammar_fail(request, err_r, "The element 'FindItem' has invalid content.");
    }
    return 0;
}

static int parse_view(struct ews_call *call, const struct xml_node *const *found, struct args *args,
                      struct err *err_r)
{
    args->view = VIEW_INIT;
    if (found[INDEXED] != NULL) {
        return view_parse_indexed(found[INDEXED], &args->view, err_r);
    }
    if (found[FRACTIONAL] != NULL) {
        return view_parse_fractional(found[FRACTIONAL], &args->view, err_r);
    }
    if (found[CONTACTS] != NULL) {
        return view_parse_contacts(found[CONTACTS], &args->view, err_r);
    }
    return found[SEEK] != NULL
               ? view_parse_seek(call, found[SEEK], &args->view, &args->refused_xml, err_r)
               : 0;
}

static int parse_field_order(struct ews_call *call, const struct xml_node *node,
                             struct sort_field *field_r, struct str *message_xml_r,
                             struct err *err_r)
{
    static const char *const directions[] = {"Ascending", "Descending", NULL};
    struct prop_path *path;
    size_t direction;
    int rc;

    if (!xml_is(node, XML_NS_TYPES, "FieldOrder") || node->child_count != 1) {
        return grammar_fail(node, err_r, "The element '%.*s' is no order.", STR_ARG(node->name));
    }
    TRY(grammar_attr_enum(node, "Order", true, directions, &direction, err_r));
    rc = prop_path_parse(call, node->first_child, &path, err_r);
    if (rc == 0 && !prop_path_is_sortable(path)) {
        rc = err_set(err_r, ERR_PATH_FOR_SORT, "in a sort order");
    }
    if (rc < 0) {
        *message_xml_r = path_message_xml(call->arena, node->first_child);
        return rc;
    }
    *field_r = (struct sort_field){path, direction == 1};
    return 0;
}

static int parse_sort(struct ews_call *call, const struct xml_node *node, struct args *args,
                      struct err *err_r)
{
    if (node->child_count == 0) {
        return grammar_fail(node, err_r, "The element 'SortOrder' has incomplete content.");
    }
    if (node->child_count > FIND_MAX_SORT_FIELDS) {
        return err_set(err_r, ERR_RESTRICTION_TOO_COMPLEX, "%u orders", node->child_count);
    }
    args->sort = ARENA_ARRAY(call->arena, struct sort_field, node->child_count);
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        TRY(parse_field_order(call, child, &args->sort[args->sort_count], &args->refused_xml,
                              err_r));
        args->sort_count++;
    }
    return 0;
}

static int parse_grouping(struct ews_call *call, const struct xml_node *const *found,
                          struct args *args, struct err *err_r)
{
    const struct xml_node *node =
        found[found[GROUP_BY] != NULL ? GROUP_BY : DISTINGUISHED_GROUP_BY];

    if (node != NULL) {
        TRY(grouping_parse(call, node, &args->grouping, &args->refused_xml, err_r));
        args->grouped = true;
    }
    return 0;
}

/* A restriction or a query string. */
static int parse_filter(struct ews_call *call, const struct xml_node *const *found,
                        struct args *args, struct err *err_r)
{
    if (found[RESTRICTION] != NULL && found[QUERY] != NULL) {
        return err_tell(err_r, ERR_OPERATION_ITEM,
                        "A restriction and a query string exclude each other.");
    }
    if (found[QUERY] != NULL) {
        return aqs_parse(call, found[QUERY]->text, &args->restriction, err_r);
    }
    return found[RESTRICTION] != NULL
               ? restriction_parse(call, found[RESTRICTION], RESTRICTION_OF_ITEMS,
                                   &args->restriction, &args->refused_xml, err_r)
               : 0;
}

/* Contacts come by name, everything else newest first. */
static int parse_default_sort(struct ews_call *call, struct args *args)
{
    if (args->view.kind == VIEW_CONTACTS) {
        args->sort = ARENA_NEW(call->arena, struct sort_field);
        args->sort->path = prop_path_of_field(call, STR("contacts:DisplayName"));
        args->sort_count = 1;
    }
    return 0;
}

static int parse_calendar(struct ews_call *call, const struct xml_node *const *found,
                          struct args *args, struct err *err_r)
{
    static const enum child others[] = {RESTRICTION, SORT_ORDER, GROUP_BY, DISTINGUISHED_GROUP_BY,
                                        QUERY};

    args->in_calendar = true;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (found[others[i]] != NULL) {
            return err_set(err_r, ERR_CALENDAR_VIEW_ALONE, "calendar view with %s",
                           children[others[i]].name);
        }
    }
    if (args->traversal != SHALLOW) {
        return err_set(err_r, ERR_OPERATION_ITEM, "calendar view of other items");
    }
    return calendar_view_parse(call, found[CALENDAR], &args->calendar, err_r);
}

/* What may be refused in the messages rather than by a fault. */
static int parse_query(struct ews_call *call, const struct xml_node *const *found,
                       struct args *args, struct err *err_r)
{
    TRY(item_shape_parse(call, found[SHAPE], SHAPE_FOR_FIND, &args->shape, &args->refused_xml,
                         err_r));
    if (found[CALENDAR] != NULL) {
        return parse_calendar(call, found, args, err_r);
    }
    TRY(parse_view(call, found, args, err_r));
    TRY(parse_grouping(call, found, args, err_r));
    TRY(parse_filter(call, found, args, err_r));
    return found[SORT_ORDER] != NULL ? parse_sort(call, found[SORT_ORDER], args, err_r)
                                     : parse_default_sort(call, args);
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const char *const traversals[] = {"Shallow", "SoftDeleted", "Associated", NULL};
    const struct xml_node *found[CHILD_COUNT] = {NULL};
    struct args *args = ARENA_NEW(call->arena, struct args);
    size_t traversal;
    int rc;

    TRY(grammar_attr_enum(request, "Traversal", true, traversals, &traversal, err_r));
    TRY(grammar_sequence(request, children, CHILD_COUNT, found, err_r));
    TRY(at_most_one(request, found, INDEXED, CONTACTS, err_r));
    TRY(at_most_one(request, found, GROUP_BY, DISTINGUISHED_GROUP_BY, err_r));
    TRY(folder_ref_parse_list(call, found[PARENTS], &args->folders.v, &args->folders.n, err_r));
    args->item_arena = arena_new(call->arena, "item");
    args->traversal = (enum traversal)traversal;
    rc = parse_query(call, found, args, &args->refused);
    if (rc < 0 && answer_ends_request(&args->refused)) {
        *err_r = args->refused;
        return rc;
    }
    *args_r = args;
    return 0;
}

/* ---- running ---- */

struct writing {
    struct ews_call *call;
    struct mailbox_tx *tx;
    struct args *args;
    struct str message_xml;
    const uint32_t *groups; /* of the items to come; NULL: not grouped */
    bool in_group;
    uint32_t group;
};

/* The item begins a group, if it is of another than the one before. */
static void write_group(struct writing *w, struct item_view *view)
{
    struct buf *out = &w->call->out;
    uint32_t group = *w->groups++;

    if (w->in_group && group == w->group) {
        return;
    }
    if (w->in_group) {
        BUF_LIT(out, "</t:Items></t:GroupedItems>");
    }
    BUF_LIT(out, "<t:GroupedItems>");
    grouping_write_index(&w->args->grouping, view, out);
    BUF_LIT(out, "<t:Items>");
    w->in_group = true;
    w->group = group;
}

static int write_item(void *context, const struct item *item, struct err *err_r)
{
    struct writing *w = context;
    struct item_view view;
    int rc;

    if (w->call->out.n > ANSWER_MAX_BYTES) {
        return err_set(err_r, ERR_TOO_LARGE, "answer of a FindItem");
    }
    arena_reset(w->args->item_arena);
    item_view_open(&view, w->call, w->tx, item, w->args->item_arena);
    if (w->groups != NULL) {
        write_group(w, &view);
    }
    rc = item_shape_write(w->args->shape, &view, &w->call->out, &w->message_xml, err_r);
    item_view_close(&view);
    return rc;
}

static int write_row(struct writing *w, const struct calendar_row *row, struct err *err_r)
{
    struct arena *arena = w->args->item_arena;
    struct item_view view;
    struct item item;
    int rc;

    if (w->call->out.n > ANSWER_MAX_BYTES) {
        return err_set(err_r, ERR_TOO_LARGE, "answer of a FindItem");
    }
    arena_reset(arena);
    if (row->occurrence != NULL) {
        item = calendar_occurrence_item(row->occurrence, arena);
    } else if ((rc = mailbox_item_get(w->tx, row->id, arena, &item, err_r)) <= 0) {
        return rc < 0 ? rc : err_set(err_r, ERR_INTERNAL, "an item left during its transaction");
    }
    item_view_open(&view, w->call, w->tx, &item, arena);
    view.occurrence = row->occurrence;
    rc = item_shape_write(w->args->shape, &view, &w->call->out, &w->message_xml, err_r);
    item_view_close(&view);
    return rc;
}

static int write_calendar(struct writing *w, const struct folder *folder, struct err *err_r)
{
    struct buf *out = &w->call->out;
    struct calendar_rows rows;

    TRY(calendar_view_run(w->call, w->tx, &w->args->calendar, folder, &w->args->cost, &rows,
                          err_r));
    answer_message_success(w->call);
    buf_printf(out, "<m:RootFolder TotalItemsInView=\"%zu\" IncludesLastItemInRange=\"%s\">",
               rows.total, rows.n < rows.total ? "false" : "true");
    BUF_LIT(out, "<t:Items>");
    for (size_t i = 0; i < rows.n; i++) {
        TRY(write_row(w, &rows.v[i], err_r));
    }
    BUF_LIT(out, "</t:Items></m:RootFolder>");
    answer_message_end(w->call);
    return 0;
}

static int find_page(struct writing *w, const struct item_query *query, const struct folder *folder,
                     struct item_list *list_r, struct page *page_r, struct err *err_r)
{
    const struct view *view = &w->args->view;
    size_t seek = 0;

    if (w->args->traversal == SOFT_DELETED) { /* they lie in the folder recoverableitemsdeletions */
        *list_r = (struct item_list){.total = 0};
    } else {
        TRY(item_query_run(w->call, w->tx, query, folder->total, list_r, err_r));
    }
    if (view->kind == VIEW_SEEK) {
        TRY(item_list_seek(w->call, w->tx, query, list_r, view->condition, view->from_end, &seek,
                           err_r));
    }
    view_page(view, list_r->total, seek, page_r);
    return 0;
}

static int write_page(struct writing *w, const struct item_query *query,
                      const struct item_list *list, const struct page *page, struct err *err_r)
{
    const struct item_visitor visitor = {
        .visit = write_item, .context = w, .with_props = item_shape_needs_props(w->args->shape)};
    struct buf *out = &w->call->out;

    w->groups = list->groups != NULL ? list->groups + page->start : NULL;
    w->in_group = false;
    buf_add_str(out, w->args->grouped ? STR("><t:Groups>") : STR("><t:Items>"));
    TRY(item_list_visit(w->call, w->tx, query, list, page->start, page->count, &visitor, err_r));
    if (w->in_group) {
        BUF_LIT(out, "</t:Items></t:GroupedItems>");
    }
    buf_add_str(out, w->args->grouped ? STR("</t:Groups>") : STR("</t:Items>"));
    return 0;
}

static int write_found(struct writing *w, const struct folder *folder, struct err *err_r)
{
    const struct args *args = w->args;
    const struct item_query query = {.cost = &w->args->cost,
                                     .folder = folder->id,
                                     .associated = args->traversal == ASSOCIATED,
                                     .restriction = args->restriction,
                                     .sort = args->sort,
                                     .sort_count = args->sort_count,
                                     .grouping = args->grouped ? &args->grouping : NULL,
                                     .initial_name = args->view.initial_name,
                                     .final_name = args->view.final_name};
    struct item_list list;
    struct page page;

    TRY(find_page(w, &query, folder, &list, &page, err_r));
    answer_message_success(w->call);
    BUF_LIT(&w->call->out, "<m:RootFolder");
    page_write_attributes(&w->call->out, &page);
    TRY(write_page(w, &query, &list, &page, err_r));
    BUF_LIT(&w->call->out, "</m:RootFolder>");
    answer_message_end(w->call);
    return 0;
}

static int find_in(struct writing *w, const struct folder_ref *ref, struct err *err_r)
{
    struct folder folder;

    TRY(folder_ref_resolve(w->call, w->tx, ref, FOLDER_ASKED_FOR, &folder, err_r));
    TRY(access_require(w->call, w->tx, folder.id, RIGHT_READ_ITEMS, err_r));
    if (w->args->refused.kind != ERR_NONE) {
        *err_r = w->args->refused;
        w->message_xml = w->args->refused_xml;
        return -(int)err_r->kind;
    }
    return w->args->in_calendar ? write_calendar(w, &folder, err_r)
                                : write_found(w, &folder, err_r);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct writing w = {.call = call, .tx = tx, .args = args};
    int rc = find_in(&w, &args->folders.v[i], err_r);

    *message_xml_r = w.message_xml;
    return rc < 0 ? rc : BATCH_DONE;
}

static const struct batch BATCH = {
    .count = folder_targets_count, .mailbox_of = folder_targets_mailbox, .one = one};

const struct ews_operation op_find_item = {
    .name = STR_INIT("FindItem"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .batch = &BATCH,
};
