/* From the elements of requests to the setters of the property table. */
#include "ews/item_edit-private.h"
#include "ews/props-private.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/call.h"
#include "ews/extended_store.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "xml/xml_doc.h"

static const struct {
    const char *name;
    enum item_kind kind;
} element_kinds[] = {
    {"Message", ITEM_KIND_MESSAGE},
    {"CalendarItem", ITEM_KIND_CALENDAR_ITEM},
    {"Contact", ITEM_KIND_CONTACT},
    {"Task", ITEM_KIND_TASK},
    {"PostItem", ITEM_KIND_POST_ITEM},
    {"Item", ITEM_KIND_ITEM},
    {"DistributionList", ITEM_KIND_DISTRIBUTION_LIST},
    {"MeetingMessage", ITEM_KIND_MEETING_MESSAGE},
    {"MeetingRequest", ITEM_KIND_MEETING_REQUEST},
    {"MeetingResponse", ITEM_KIND_MEETING_RESPONSE},
    {"MeetingCancellation", ITEM_KIND_MEETING_CANCELLATION},
    {"SharingMessage", ITEM_KIND_MESSAGE},
};

enum item_kind item_kind_of_element(const struct xml_node *item)
{
    for (size_t i = 0; i < ARRAY_LEN(element_kinds) && item->ns == XML_NS_TYPES; i++) {
        if (str_is(item->name, element_kinds[i].name)) {
            return element_kinds[i].kind;
        }
    }
    return 0;
}

/* ---- rows of elements ---- */

static bool is_element_of(const struct prop_row *row, struct str name)
{
    return row->element.n == name.n + 2 && memcmp(row->element.p + 2, name.p, name.n) == 0;
}

/* Elements come in the table's order, mostly: the search goes on where the last one was found. */
static const struct prop_row *row_of_element(enum item_kind kind, struct str name, size_t *at)
{
    for (size_t i = 0; i < prop_row_count; i++) {
        size_t n = (*at + i) % prop_row_count;

        if ((prop_rows[n].kinds & 1u << kind) != 0 && is_element_of(&prop_rows[n], name)) {
            *at = n;
            return &prop_rows[n];
        }
    }
    return NULL;
}

/* Elements that the schema has and the table lacks: nobody may set those. */
static bool schema_knows(struct arena *arena, struct str name)
{
    static const char *const families[] = {"item",    "message",  "calendar",
                                           "meeting", "contacts", "task"};
    const struct prop_row *row;
    enum uri_group group;
    struct str canonical;

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (uri_find(str_printf(arena, "%s:%.*s", families[i], STR_ARG(str_sub(name, 0, 64))),
                     &canonical, &group, &row)) {
            return true;
        }
    }
    return false;
}

static struct str row_xml(struct arena *arena, const struct prop_row *row)
{
    return row->uri.n != 0 ? str_printf(arena, "<t:FieldURI FieldURI=\"%.*s\"/>", STR_ARG(row->uri))
                           : STR_NULL;
}

static int refuse(const struct item_edit *edit, const struct prop_row *row, enum err_kind kind,
                  struct err *err_r)
{
    return err_set(err_r, kind, "%.*s of an item of kind %d", STR_ARG(row->element),
                   (int)edit->kind);
}

static int set_row(struct item_edit *edit, const struct prop_row *row, const struct xml_node *node,
                   struct err *err_r)
{
    if ((row->settable & 1u << edit->kind) == 0 || row->set == NULL) {
        return refuse(edit, row, ERR_INVALID_PROPERTY_SET, err_r);
    }
    return row->set(row, edit, node, err_r);
}

static int set_extended_element(struct item_edit *edit, const struct xml_node *node,
                                struct err *err_r)
{
    struct extended_path path;
    struct value value;

    TRY(extended_property_parse(edit->call, node, &path, &value, err_r));
    return item_edit_set_extended(edit, &path, &value, err_r);
}

/* ---- whole items ---- */

/* What is said of a refused property, unless the setter said more. */
static int explain(int rc, struct arena *arena, const struct xml_node *path,
                   const struct prop_row *row, struct str *message_xml_r, const struct err *err)
{
    if (rc < 0 && err->kind != ERR_SCHEMA && message_xml_r->n == 0) {
        if (path != NULL) {
            *message_xml_r = path_message_xml(arena, path);
        } else if (row != NULL) {
            *message_xml_r = row_xml(arena, row);
        }
    }
    return rc;
}

static int fail_child(const struct xml_node *child, struct err *err_r)
{
    struct str name = str_sub(child->name, 0, GRAMMAR_SHOWN_BYTES);

    return grammar_fail(child, err_r, "The element '%.*s' has invalid child element '%.*s'.",
                        STR_ARG(child->parent->name), STR_ARG(name));
}

static int apply_child(struct item_edit *edit, const struct xml_node *child, size_t *at,
                       struct str *message_xml_r, struct err *err_r)
{
    const struct prop_row *row = NULL;
    int rc;

    if (child->ns != XML_NS_TYPES) {
        return fail_child(child, err_r);
    }
    if (str_is(child->name, "ExtendedProperty")) {
        rc = set_extended_element(edit, child, err_r);
        return explain(rc, edit->arena, child->first_child, NULL, message_xml_r, err_r);
    }
    row = row_of_element(edit->kind, child->name, at);
    if (row != NULL) {
        rc = set_row(edit, row, child, err_r);
    } else if (schema_knows(edit->arena, child->name)) {
        rc = err_set(err_r, ERR_INVALID_PROPERTY_SET, "%.*s", STR_ARG(child->name));
    } else {
        rc = fail_child(child, err_r);
    }
    return explain(rc, edit->arena, NULL, row, message_xml_r, err_r);
}

static bool is_repeated(const struct xml_node *child)
{
    const struct xml_node *before = child->parent->first_child;

    if (str_is(child->name, "ExtendedProperty")) {
        return false;
    }
    while (before != child && !str_eq(before->name, child->name)) {
        before = before->next;
    }
    return before != child;
}

static int apply_children(struct item_edit *edit, const struct xml_node *item,
                          const struct xml_node *done, struct str *message_xml_r, struct err *err_r)
{
    size_t at = 0;

    for (const struct xml_node *child = item->first_child; child != NULL; child = child->next) {
        if (is_repeated(child)) {
            return fail_child(child, err_r);
        }
        if (child != done) {
            TRY(apply_child(edit, child, &at, message_xml_r, err_r));
        }
    }
    return 0;
}

int item_edit_apply_element(struct item_edit *edit, const struct xml_node *item,
                            struct str *message_xml_r, struct err *err_r)
{
    return apply_children(edit, item, NULL, message_xml_r, err_r);
}

int item_edit_from_element(struct ews_call *call, struct arena *arena, const struct xml_node *item,
                           struct item_edit **edit_r, struct str *message_xml_r, struct err *err_r)
{
    const struct xml_node *content = xml_child(item, XML_NS_TYPES, "MimeContent");
    enum item_kind kind = item_kind_of_element(item);
    struct item_edit *edit;
    struct str mime = STR_NULL;

    if (content != NULL) {
        TRY(mime_content_from_xml(arena, content, &mime, err_r));
        TRY(item_edit_from_mime(call, arena, kind, mime, &edit, err_r));
    } else {
        edit = item_edit_new(call, arena, kind);
    }
    TRY(apply_children(edit, item, content, message_xml_r, err_r));
    *edit_r = edit;
    return 0;
}

/* ---- changes ---- */

static int parse_path(struct ews_call *call, const struct xml_node *node,
                      struct item_change *change, struct err *err_r)
{
    struct prop_path *path = NULL;
    struct err err;

    change->path_node = node;
    if (prop_path_parse(call, node, &path, &err) < 0) {
        if (answer_ends_request(&err)) {
            *err_r = err;
            return -(int)err.kind;
        }
        change->refused = arena_memdup(call->arena, &err, sizeof(err));
    }
    change->path = path;
    return 0;
}

int item_change_parse(struct ews_call *call, const struct xml_node *node,
                      struct item_change *change_r, struct err *err_r)
{
    static const char *const names[] = {[CHANGE_SET] = "SetItemField",
                                        [CHANGE_APPEND] = "AppendToItemField",
                                        [CHANGE_DELETE] = "DeleteItemField"};
    struct item_change change = {.path = NULL};
    const struct xml_node *path = node->first_child;
    size_t i = 0;

    while (i < ARRAY_LEN(names) && !xml_is(node, XML_NS_TYPES, names[i])) {
        i++;
    }
    if (i == ARRAY_LEN(names)) {
        return fail_child(node, err_r);
    }
    change.kind = (enum item_change_kind)i;
    if (node->child_count != (change.kind == CHANGE_DELETE ? 1 : 2)) {
        return grammar_fail(node, err_r, "The element '%s' has %s content.", names[i],
                            node->child_count > 1 ? "too much" : "incomplete");
    }
    if (change.kind != CHANGE_DELETE) {
        change.item = path->next;
        if (item_kind_of_element(change.item) == 0) {
            return fail_child(change.item, err_r);
        }
    }
    TRY(parse_path(call, path, &change, err_r));
    *change_r = change;
    return 0;
}

static enum err_kind refusal(enum item_change_kind kind)
{
    static const enum err_kind kinds[] = {[CHANGE_SET] = ERR_INVALID_PROPERTY_SET,
                                          [CHANGE_APPEND] = ERR_INVALID_PROPERTY_APPEND,
                                          [CHANGE_DELETE] = ERR_INVALID_PROPERTY_DELETE};

    return kinds[kind];
}

/* The row of a FieldURI that an item of this kind has, or of an entry's dictionary. */
static const struct prop_row *row_of_path(const struct item_edit *edit,
                                          const struct prop_path *path)
{
    for (size_t i = 0; i < prop_row_count; i++) {
        const struct prop_row *row = &prop_rows[i];

        if ((row->kinds & 1u << edit->kind) != 0 &&
            (path->kind == PATH_FIELD
                 ? str_eq(row->uri, path->uri)
                 : row->set_entry != NULL && str_starts(path->uri, row->indexed))) {
            return row;
        }
    }
    return NULL;
}

static int remove_row(struct item_edit *edit, const struct prop_row *row,
                      const struct prop_path *path, struct err *err_r)
{
    if ((row->settable & 1u << edit->kind) == 0) {
        return refuse(edit, row, ERR_INVALID_PROPERTY_DELETE, err_r);
    }
    if (path->kind == PATH_INDEXED) {
        return row->set_entry(row, edit, path, NULL, err_r);
    }
    if (row->remove == NULL) {
        return refuse(edit, row, ERR_INVALID_PROPERTY_DELETE, err_r);
    }
    return row->remove(row, edit, err_r);
}

static int append_row(struct item_edit *edit, const struct prop_row *row,
                      const struct prop_path *path, const struct xml_node *value, struct err *err_r)
{
    if ((row->settable & 1u << edit->kind) == 0 || row->append == NULL ||
        path->kind == PATH_INDEXED) {
        return refuse(edit, row, ERR_INVALID_PROPERTY_APPEND, err_r);
    }
    return row->append(row, edit, value, err_r);
}

static int change_row(struct item_edit *edit, const struct item_change *change,
                      const struct xml_node *value, struct err *err_r)
{
    const struct prop_row *row = row_of_path(edit, change->path);

    if (row == NULL) {
        return err_set(err_r, refusal(change->kind), "%.*s of an item of kind %d",
                       STR_ARG(change->path->uri), (int)edit->kind);
    }
    if (change->kind == CHANGE_DELETE) {
        return remove_row(edit, row, change->path, err_r);
    }
    if (value->ns != XML_NS_TYPES || !is_element_of(row, value->name)) {
        return err_set(err_r, ERR_UPDATE_MISMATCH, "%.*s is no %.*s", STR_ARG(value->name),
                       STR_ARG(row->uri));
    }
    if (change->kind == CHANGE_APPEND) {
        return append_row(edit, row, change->path, value, err_r);
    }
    if (change->path->kind == PATH_INDEXED) {
        return (row->settable & 1u << edit->kind) != 0
                   ? row->set_entry(row, edit, change->path, value, err_r)
                   : refuse(edit, row, ERR_INVALID_PROPERTY_SET, err_r);
    }
    return set_row(edit, row, value, err_r);
}

static int change_extended(struct item_edit *edit, const struct item_change *change,
                           const struct xml_node *node, struct err *err_r)
{
    const struct value none = {.type = VALUE_NONE};
    struct extended_path path;
    struct value value;

    if (change->kind == CHANGE_DELETE) {
        return item_edit_set_extended(edit, &change->path->extended, &none, err_r);
    }
    if (change->kind == CHANGE_APPEND) {
        return err_set(err_r, ERR_INVALID_PROPERTY_APPEND, "extended property");
    }
    if (!xml_is(node, XML_NS_TYPES, "ExtendedProperty")) {
        return err_set(err_r, ERR_UPDATE_MISMATCH, "%.*s is no extended property",
                       STR_ARG(node->name));
    }
    TRY(extended_property_parse(edit->call, node, &path, &value, err_r));
    if (!extended_path_equal(&path, &change->path->extended)) {
        return err_set(err_r, ERR_UPDATE_MISMATCH, "another extended property");
    }
    return item_edit_set_extended(edit, &path, &value, err_r);
}

static int apply_change(struct item_edit *edit, const struct item_change *change, struct err *err_r)
{
    const struct xml_node *value = change->item != NULL ? change->item->first_child : NULL;

    if (change->path == NULL) {
        *err_r = *change->refused;
        return -(int)err_r->kind;
    }
    if (change->item != NULL && change->item->child_count != 1) {
        return err_set(err_r, ERR_UPDATE_COUNT, "%u properties", change->item->child_count);
    }
    return change->path->kind == PATH_EXTENDED ? change_extended(edit, change, value, err_r)
                                               : change_row(edit, change, value, err_r);
}

int item_edit_apply_change(struct item_edit *edit, const struct item_change *change,
                           struct str *message_xml_r, struct err *err_r)
{
    int rc = apply_change(edit, change, err_r);

    return explain(rc, edit->arena, change->path_node, NULL, message_xml_r, err_r);
}
