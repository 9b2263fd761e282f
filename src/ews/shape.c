#include "ews/props-private.h"

#include "base/arena.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "xml/xml_doc.h"

#define ROW_WORDS (PROP_ROWS_MAX / 64)

/* What one kind of item is written as: compiled once a request. */
struct shape_plan {
    struct str open, close; /* <t:Message>, </t:Message> */
    const struct prop_path
        *foreign; /* named, but of another class: every item of the kind is refused with it */
    size_t n;
    const struct prop_row *rows[];
};

struct item_shape {
    enum base_shape base;
    enum shape_use use;
    enum ews_version version;
    struct arena *arena;
    enum body_choice body, unique_body, normalized_body;
    int64_t max_body_chars;
    uint64_t named[ROW_WORDS];
    bool any_named;
    uint64_t entries[(IPROP_LIMIT + 63) / 64]; /* of contacts' dictionaries that are named */
    /* Lists as long as AdditionalProperties at most. */
    const struct prop_path **of_class; /* paths of one class of items */
    const struct prop_path **extended;
    struct str *headers;
    size_t of_class_count, extended_count, header_count;
    bool all_headers;
    unsigned groups; /* bits of enum uri_group that of_class has */
    struct shape_plan *plans[ITEM_KIND_COUNT];
};

/* ---- parsing ---- */

static const char *const base_names[] = {"IdOnly", "Default", "AllProperties", NULL};
static const char *const body_names[] = {"Best", "HTML", "Text", NULL};

/* Children of both shapes; an attachment's has fewer. */
enum shape_child {
    CHILD_BASE,
    CHILD_MIME,
    CHILD_BODY,
    CHILD_UNIQUE,
    CHILD_NORMALIZED,
    CHILD_FILTER,
    CHILD_CONVERT,
    CHILD_IMAGE_URL,
    CHILD_BLOCK_IMAGES,
    CHILD_BLANK_TARGET,
    CHILD_MAX_SIZE,
    CHILD_PROPERTIES,
    CHILD_COUNT
};

static const struct grammar_child item_children[CHILD_COUNT] = {
    [CHILD_BASE] = {XML_NS_TYPES, "BaseShape", 1, 1},
    [CHILD_MIME] = {XML_NS_TYPES, "IncludeMimeContent", 0, 1},
    [CHILD_BODY] = {XML_NS_TYPES, "BodyType", 0, 1},
    [CHILD_UNIQUE] = {XML_NS_TYPES, "UniqueBodyType", 0, 1},
    [CHILD_NORMALIZED] = {XML_NS_TYPES, "NormalizedBodyType", 0, 1},
    [CHILD_FILTER] = {XML_NS_TYPES, "FilterHtmlContent", 0, 1},
    [CHILD_CONVERT] = {XML_NS_TYPES, "ConvertHtmlCodePageToUTF8", 0, 1},
    [CHILD_IMAGE_URL] = {XML_NS_TYPES, "InlineImageUrlTemplate", 0, 1},
    [CHILD_BLOCK_IMAGES] = {XML_NS_TYPES, "BlockExternalImages", 0, 1},
    [CHILD_BLANK_TARGET] = {XML_NS_TYPES, "AddBlankTargetToLinks", 0, 1},
    [CHILD_MAX_SIZE] = {XML_NS_TYPES, "MaximumBodySize", 0, 1},
    [CHILD_PROPERTIES] = {XML_NS_TYPES, "AdditionalProperties", 0, 1},
};

static const struct grammar_child attachment_children[] = {
    {XML_NS_TYPES, "IncludeMimeContent", 0, 1},
    {XML_NS_TYPES, "BodyType", 0, 1},
    {XML_NS_TYPES, "FilterHtmlContent", 0, 1},
    {XML_NS_TYPES, "AdditionalProperties", 0, 1},
};

static int parse_children(const struct xml_node *node, enum shape_use use,
                          const struct xml_node **found, struct err *err_r)
{
    const struct xml_node *few[ARRAY_LEN(attachment_children)] = {NULL};

    if (use != SHAPE_FOR_ATTACHMENT) {
        return grammar_sequence(node, item_children, CHILD_COUNT, found, err_r);
    }
    TRY(grammar_sequence(node, attachment_children, ARRAY_LEN(few), few, err_r));
    found[CHILD_MIME] = few[0];
    found[CHILD_BODY] = few[1];
    found[CHILD_FILTER] = few[2];
    found[CHILD_PROPERTIES] = few[3];
    return 0;
}

static int parse_body_choice(const struct xml_node *node, enum body_choice *choice_r,
                             struct err *err_r)
{
    size_t i;

    if (node != NULL) {
        TRY(grammar_enum(node, body_names, &i, err_r));
        *choice_r = (enum body_choice)i;
    }
    return 0;
}

static int parse_bool(const struct xml_node *node, bool *v_r, struct err *err_r)
{
    return node != NULL ? grammar_bool(node, v_r, err_r) : 0;
}

static void name_row(struct item_shape *shape, const struct prop_row *row)
{
    size_t i = prop_row_number(row);

    shape->named[i / 64] |= UINT64_C(1) << i % 64;
    shape->any_named = true;
}

/* All rows of the path's FieldURI: kinds may have one each. */
static void name_rows(struct item_shape *shape, const struct prop_path *path)
{
    for (size_t i = prop_row_number(path->row); i < prop_row_count; i++) {
        if (str_eq(prop_rows[i].uri, path->uri)) {
            name_row(shape, &prop_rows[i]);
        }
    }
}

static void name_mime_content(struct item_shape *shape)
{
    name_row(shape, &prop_rows[0]);
}

/* Options that change nothing here are checked all the same. */
static int parse_options(struct item_shape *shape, const struct xml_node *const *found,
                         struct err *err_r)
{
    bool mime = false, ignored;
    size_t base;

    if (found[CHILD_BASE] != NULL) {
        TRY(grammar_enum(found[CHILD_BASE], base_names, &base, err_r));
        shape->base = (enum base_shape)base;
    }
    TRY(parse_bool(found[CHILD_MIME], &mime, err_r));
    if (mime) {
        name_mime_content(shape);
    }
    TRY(parse_body_choice(found[CHILD_BODY], &shape->body, err_r));
    shape->unique_body = shape->body;
    shape->normalized_body = shape->body;
    TRY(parse_body_choice(found[CHILD_UNIQUE], &shape->unique_body, err_r));
    TRY(parse_body_choice(found[CHILD_NORMALIZED], &shape->normalized_body, err_r));
    TRY(parse_bool(found[CHILD_FILTER], &ignored, err_r));
    TRY(parse_bool(found[CHILD_CONVERT], &ignored, err_r));
    TRY(parse_bool(found[CHILD_BLOCK_IMAGES], &ignored, err_r));
    TRY(parse_bool(found[CHILD_BLANK_TARGET], &ignored, err_r));
    if (found[CHILD_MAX_SIZE] != NULL) {
        TRY(grammar_int(found[CHILD_MAX_SIZE], XS_INT_MIN, XS_INT_MAX, &shape->max_body_chars,
                        err_r));
    }
    return 0;
}

static bool is_summary(enum shape_use use)
{
    return use == SHAPE_FOR_FIND || use == SHAPE_FOR_SYNC;
}

/* Summaries tell single entries of a contact's dictionaries, by IndexedFieldURI; ImAddresses is
 * let pass, since a client names it with everything else. */
static bool is_dictionary(struct str uri)
{
    return str_is(uri, "contacts:EmailAddresses") || str_is(uri, "contacts:PhysicalAddresses") ||
           str_is(uri, "contacts:PhoneNumbers");
}

static int check_path(const struct item_shape *shape, const struct prop_path *path,
                      struct err *err_r)
{
    if (path->group == URI_FOLDER || path->group == URI_OTHER) {
        return err_set(err_r, ERR_PROPERTY_REQUEST, "%.*s on an item", STR_ARG(path->uri));
    }
    if (is_summary(shape->use) && path->kind == PATH_FIELD && is_dictionary(path->uri)) {
        return err_set(err_r, ERR_PROPERTY_FOR_OPERATION, "%.*s in a summary", STR_ARG(path->uri));
    }
    return 0;
}

static void add_header_name(struct item_shape *shape, const struct prop_path *path)
{
    for (size_t i = 0; i < prop_row_count; i++) {
        if (prop_rows[i].write == write_headers) {
            name_row(shape, &prop_rows[i]);
        }
    }
    shape->headers[shape->header_count++] = path->index;
}

/* One entry: the row is written, with what is asked for in it. */
static void add_entry(struct item_shape *shape, const struct prop_path *path)
{
    const struct prop_row *row = prop_row_of_entry(path);

    if (row != NULL) {
        name_row(shape, row);
        shape->entries[path->place.prop / 64] |= UINT64_C(1) << path->place.prop % 64;
    }
}

/* A whole dictionary, if the row is one. */
static void add_all_entries(struct item_shape *shape, const struct prop_row *row)
{
    enum item_prop first, end;

    if (dictionary_range((enum item_prop)row->prop, &first, &end)) {
        for (unsigned prop = first; prop < (unsigned)end; prop++) {
            shape->entries[prop / 64] |= UINT64_C(1) << prop % 64;
        }
    }
}

static void add_path(struct item_shape *shape, const struct prop_path *path)
{
    if (path->kind == PATH_EXTENDED) {
        shape->extended[shape->extended_count++] = path;
        name_row(shape, prop_row_extended());
        return;
    }
    if (path->group != URI_ITEM) {
        shape->of_class[shape->of_class_count++] = path;
        shape->groups |= 1u << path->group;
    }
    if (path->row != NULL) {
        name_rows(shape, path);
        add_all_entries(shape, path->row);
        shape->all_headers |= path->row->write == write_headers;
    } else if (str_is(path->uri, "item:InternetMessageHeader")) {
        add_header_name(shape, path);
    } else {
        add_entry(shape, path);
    }
}

static int parse_paths(struct ews_call *call, struct item_shape *shape, const struct xml_node *node,
                       struct str *message_xml_r, struct err *err_r)
{
    struct prop_path *path;

    if (node->child_count == 0 || node->child_count > SHAPE_MAX_PATHS) {
        return grammar_fail(node, err_r, "The element 'AdditionalProperties' has %s content.",
                            node->child_count == 0 ? "incomplete" : "too much");
    }
    shape->of_class = ARENA_ARRAY(call->arena, const struct prop_path *, node->child_count);
    shape->extended = ARENA_ARRAY(call->arena, const struct prop_path *, node->child_count);
    shape->headers = ARENA_ARRAY(call->arena, struct str, node->child_count);
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        int rc = prop_path_parse(call, child, &path, err_r);

        if (rc == 0) {
            rc = check_path(shape, path, err_r);
        }
        if (rc < 0) {
            *message_xml_r = rc == -ERR_SCHEMA ? STR_NULL : path_message_xml(call->arena, child);
            return rc;
        }
        add_path(shape, path);
    }
    return 0;
}

int item_shape_parse(struct ews_call *call, const struct xml_node *node, enum shape_use use,
                     struct item_shape **shape_r, struct str *message_xml_r, struct err *err_r)
{
    struct item_shape *shape = ARENA_NEW(call->arena, struct item_shape);
    const struct xml_node *found[CHILD_COUNT] = {NULL};

    shape->use = use;
    shape->version = call->version;
    shape->arena = call->arena;
    shape->base = use == SHAPE_FOR_ATTACHMENT ? SHAPE_ALL_PROPERTIES : SHAPE_ID_ONLY;
    if (node != NULL) {
        TRY(parse_children(node, use, found, err_r));
        TRY(parse_options(shape, found, err_r));
    }
    if (found[CHILD_PROPERTIES] != NULL) {
        TRY(parse_paths(call, shape, found[CHILD_PROPERTIES], message_xml_r, err_r));
    }
    *shape_r = shape;
    return 0;
}

bool item_shape_needs_props(const struct item_shape *shape)
{
    return shape->base != SHAPE_ID_ONLY || shape->any_named;
}

/* ---- compiling ---- */

/* Posts are an element of their own since Exchange 2007 SP1. */
static enum item_kind shown_kind(enum item_kind kind, enum ews_version version)
{
    return kind == ITEM_KIND_POST_ITEM && version < EWS_EXCHANGE2007_SP1 ? ITEM_KIND_ITEM : kind;
}

/* Name, open tag, close tag. */
static const struct str elements[ITEM_KIND_COUNT][3] = {
#define ELEMENT(name)                                                                              \
    {                                                                                              \
        STR_INIT("t:" name), STR_INIT("<t:" name ">"), STR_INIT("</t:" name ">")                   \
    }
    [ITEM_KIND_ITEM] = ELEMENT("Item"),
    [ITEM_KIND_MESSAGE] = ELEMENT("Message"),
    [ITEM_KIND_MEETING_MESSAGE] = ELEMENT("MeetingMessage"),
    [ITEM_KIND_MEETING_REQUEST] = ELEMENT("MeetingRequest"),
    [ITEM_KIND_MEETING_RESPONSE] = ELEMENT("MeetingResponse"),
    [ITEM_KIND_MEETING_CANCELLATION] = ELEMENT("MeetingCancellation"),
    [ITEM_KIND_CALENDAR_ITEM] = ELEMENT("CalendarItem"),
    [ITEM_KIND_CONTACT] = ELEMENT("Contact"),
    [ITEM_KIND_DISTRIBUTION_LIST] = ELEMENT("DistributionList"),
    [ITEM_KIND_TASK] = ELEMENT("Task"),
    [ITEM_KIND_POST_ITEM] = ELEMENT("PostItem"),
#undef ELEMENT
};

struct str item_element(enum item_kind kind, enum ews_version version)
{
    return elements[shown_kind(kind, version)][0];
}

static enum uri_group group_of_kind(enum item_kind kind)
{
    switch (kind) {
    case ITEM_KIND_CONTACT:
    case ITEM_KIND_DISTRIBUTION_LIST: return URI_PEOPLE;
    case ITEM_KIND_TASK: return URI_TASK;
    default: return URI_MAIL;
    }
}

/* A request that names properties of several groups, which no item has together, asks for
 * whatever applies; one that keeps to a single group takes the item for something that it is
 * not. */
static const struct prop_path *find_foreign(const struct item_shape *shape, enum item_kind kind)
{
    bool several = (shape->groups & (shape->groups - 1)) != 0;

    if (is_summary(shape->use) || several) {
        return NULL;
    }
    for (size_t i = 0; i < shape->of_class_count; i++) {
        if (shape->of_class[i]->group != group_of_kind(kind)) {
            return shape->of_class[i];
        }
    }
    return NULL;
}

static bool in_base_shape(const struct item_shape *shape, const struct prop_row *row, unsigned kind)
{
    if ((row->flags & ROW_EVERY_SHAPE) != 0) {
        return true;
    }
    if (row->since > shape->version || shape->base == SHAPE_ID_ONLY) {
        return false;
    }
    return (row->in_default & kind) != 0 ||
           (shape->base == SHAPE_ALL_PROPERTIES && (row->in_all & kind) != 0);
}

static bool is_chosen(const struct item_shape *shape, const struct prop_row *row, unsigned kind)
{
    size_t i = prop_row_number(row);
    bool named = (shape->named[i / 64] >> i % 64 & 1) != 0;

    if ((row->kinds & kind) == 0 || row->write == NULL) {
        return false;
    }
    if ((is_summary(shape->use) && (row->flags & ROW_GET_ONLY) != 0) ||
        (shape->use == SHAPE_FOR_ATTACHMENT && (row->flags & ROW_STORED) != 0)) {
        return false;
    }
    return named || in_base_shape(shape, row, kind);
}

static struct shape_plan *compile(const struct item_shape *shape, enum item_kind stored_kind)
{
    enum item_kind kind = shown_kind(stored_kind, shape->version);
    struct shape_plan *plan =
        arena_alloc(shape->arena, sizeof(*plan) + prop_row_count * sizeof(const struct prop_row *));

    plan->open = elements[kind][1];
    plan->close = elements[kind][2];
    plan->foreign = find_foreign(shape, kind);
    for (size_t i = 0; i < prop_row_count; i++) {
        if (is_chosen(shape, &prop_rows[i], 1u << kind)) {
            plan->rows[plan->n++] = &prop_rows[i];
        }
    }
    return plan;
}

/* ---- writing ---- */

int item_shape_write(struct item_shape *shape, struct item_view *view, struct buf *out,
                     struct str *message_xml_r, struct err *err_r)
{
    struct shape_plan *plan = shape->plans[view->item->kind];

    if (plan == NULL) {
        plan = compile(shape, view->item->kind);
        shape->plans[view->item->kind] = plan;
    }
    if (plan->foreign != NULL) {
        *message_xml_r = path_message_xml(view->arena, plan->foreign->node);
        return err_set(err_r, ERR_PROPERTY_REQUEST, "%.*s on an item of kind %d",
                       STR_ARG(plan->foreign->uri), (int)view->item->kind);
    }
    view->shape = shape;
    view->summary = is_summary(shape->use);
    view->err = err_r;
    buf_add_str(out, plan->open);
    for (size_t i = 0; i < plan->n; i++) {
        plan->rows[i]->write(plan->rows[i], view, out);
    }
    buf_add_str(out, plan->close);
    return view->rc;
}

/* ---- what writers ask ---- */

const struct prop_path *const *item_shape_extended(const struct item_shape *shape, size_t *n_r)
{
    *n_r = shape->extended_count;
    return shape->extended;
}

const struct str *item_shape_header_names(const struct item_shape *shape, size_t *n_r)
{
    *n_r = shape->header_count;
    return shape->headers;
}

/* Of a base shape, or named as a whole. */
bool item_shape_all_headers(const struct item_shape *shape)
{
    return shape->all_headers || shape->base == SHAPE_ALL_PROPERTIES;
}

enum body_choice item_shape_body_type(const struct item_shape *shape)
{
    return shape->body;
}

enum body_choice item_shape_unique_body_type(const struct item_shape *shape)
{
    return shape->unique_body;
}

enum body_choice item_shape_normalized_body_type(const struct item_shape *shape)
{
    return shape->normalized_body;
}

int64_t item_shape_max_body_chars(const struct item_shape *shape)
{
    return shape->max_body_chars;
}

bool item_shape_shows_entry(const struct item_shape *shape, const struct prop_row *row,
                            enum item_kind kind, enum item_prop prop)
{
    return (shape->entries[prop / 64] >> prop % 64 & 1) != 0 ||
           in_base_shape(shape, row, 1u << kind);
}

bool item_shape_shows_content(const struct item_shape *shape)
{
    if (shape->base != SHAPE_ID_ONLY) {
        return true;
    }
    for (size_t i = 0; i < prop_row_count; i++) {
        if ((shape->named[i / 64] >> i % 64 & 1) != 0 && (prop_rows[i].flags & ROW_GET_ONLY) != 0) {
            return true;
        }
    }
    return shape->extended_count != 0;
}
