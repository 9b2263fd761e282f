/* FindItem: items of folders, filtered, sorted and paged; one message a folder. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/item_query.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "ews/restriction.h"
#include "ews/views.h"
#include "xml/xml_doc.h"

enum traversal { SHALLOW, SOFT_DELETED, ASSOCIATED };

struct args {
    enum traversal traversal;
    struct item_shape *shape;
    struct view view;
    struct restriction *restriction;
    struct sort_field *sort;
    size_t sort_count;
    struct folder_ref *folders;
    size_t folder_count;
    struct err refused; /* what is wrong with the request: every message's error */
    struct str refused_xml;
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

/* What the schema knows and this server does not serve. */
static int check_served(const struct xml_node *const *found, struct err *err_r)
{
    static const enum child absent[] = {CALENDAR, CONTACTS, GROUP_BY, DISTINGUISHED_GROUP_BY,
                                        QUERY};

    for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
        if (found[absent[i]] != NULL) {
            return err_tell(err_r, ERR_OPERATION_ITEM, "%s is not supported by this server.",
                            children[absent[i]].name);
        }
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
    return found[SEEK] != NULL
               ? view_parse_seek(call, found[SEEK], &args->view, &args->refused_xml, err_r)
               : 0;
}

static bool is_sortable(const struct prop_path *path)
{
    if (path->row != NULL) {
        return (path->row->flags & ROW_SORT) != 0;
    }
    return path->kind == PATH_EXTENDED && !prop_path_needs_message(path);
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
    if (rc == 0 && !is_sortable(path)) {
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

/* What may be refused in the messages rather than by a fault. */
static int parse_query(struct ews_call *call, const struct xml_node *const *found,
                       struct args *args, struct err *err_r)
{
    TRY(item_shape_parse(call, found[SHAPE], SHAPE_FOR_FIND, &args->shape, &args->refused_xml,
                         err_r));
    TRY(check_served(found, err_r));
    TRY(parse_view(call, found, args, err_r));
    if (found[RESTRICTION] != NULL) {
        TRY(restriction_parse(call, found[RESTRICTION], RESTRICTION_OF_ITEMS, &args->restriction,
                              &args->refused_xml, err_r));
    }
    return found[SORT_ORDER] != NULL ? parse_sort(call, found[SORT_ORDER], args, err_r) : 0;
}

static int parse_parents(struct ews_call *call, const struct xml_node *node, struct args *args,
                         struct err *err_r)
{
    args->folders = ARENA_ARRAY(call->arena, struct folder_ref, node->child_count);
    for (const struct xml_node *id = node->first_child; id != NULL; id = id->next) {
        TRY(folder_ref_parse(call, id, &args->folders[args->folder_count], err_r));
        args->folder_count++;
    }
    if (args->folder_count == 0) {
        return grammar_fail(node, err_r, "The element 'ParentFolderIds' has incomplete content.");
    }
    return 0;
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
    TRY(parse_parents(call, found[PARENTS], args, err_r));
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
    struct arena *item_arena;
    struct str message_xml;
    struct find_cost cost;
};

static int write_item(void *context, const struct item *item, struct err *err_r)
{
    struct writing *w = context;
    struct item_view view;
    int rc;

    if (w->call->out.n > ANSWER_MAX_BYTES) {
        return err_set(err_r, ERR_TOO_LARGE, "answer of a FindItem");
    }
    arena_reset(w->item_arena);
    item_view_open(&view, w->call, w->tx, item, w->item_arena);
    rc = item_shape_write(w->args->shape, &view, &w->call->out, &w->message_xml, err_r);
    item_view_close(&view);
    return rc;
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

static int write_found(struct writing *w, const struct folder *folder, struct err *err_r)
{
    const struct args *args = w->args;
    const struct item_query query = {.cost = &w->cost,
                                     .folder = folder->id,
                                     .associated = args->traversal == ASSOCIATED,
                                     .restriction = args->restriction,
                                     .sort = args->sort,
                                     .sort_count = args->sort_count};
    const struct item_visitor visitor = {
        .visit = write_item, .context = w, .with_props = item_shape_needs_props(args->shape)};
    struct buf *out = &w->call->out;
    struct item_list list;
    struct page page;

    TRY(find_page(w, &query, folder, &list, &page, err_r));
    answer_message_success(w->call);
    BUF_LIT(out, "<m:RootFolder");
    page_write_attributes(out, &page);
    BUF_LIT(out, "><t:Items>");
    TRY(item_list_visit(w->call, w->tx, &query, &list, page.start, page.count, &visitor, err_r));
    BUF_LIT(out, "</t:Items></m:RootFolder>");
    answer_message_end(w->call);
    return 0;
}

static int find_in(struct writing *w, const struct folder_ref *ref, struct err *err_r)
{
    struct folder folder;

    TRY(folder_ref_resolve(w->call, w->tx, ref, false, &folder, err_r));
    if (w->args->refused.kind != ERR_NONE) {
        *err_r = w->args->refused;
        w->message_xml = w->args->refused_xml;
        return -(int)err_r->kind;
    }
    return write_found(w, &folder, err_r);
}

static int answer_folder(struct writing *w, const struct folder_ref *ref, struct err *err_r)
{
    size_t mark = answer_mark(w->call);

    w->message_xml = STR_NULL;
    if (find_in(w, ref, err_r) == 0) {
        return 0;
    }
    if (answer_ends_request(err_r)) {
        return -(int)err_r->kind;
    }
    answer_rewind(w->call, mark);
    answer_message_error(w->call, err_r, w->message_xml);
    answer_message_end(w->call);
    return 0;
}

static int run(struct ews_call *call, struct mailbox_tx *tx, void *vargs, struct err *err_r)
{
    struct writing w = {.call = call, .tx = tx, .args = vargs};
    int rc = 0;

    w.item_arena = arena_new(call->arena, "item");
    answer_begin(call);
    for (size_t i = 0; rc == 0 && i < w.args->folder_count; i++) {
        rc = answer_folder(&w, &w.args->folders[i], err_r);
    }
    answer_end(call);
    arena_free(&w.item_arena);
    return rc;
}

const struct ews_operation op_find_item = {
    .name = STR_INIT("FindItem"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .run = run,
};
