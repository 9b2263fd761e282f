#include "ews/folders-private.h"

#include "base/arena.h"
#include "ews/extended.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/limits.h"
#include "xml/xml_write.h"

#include <assert.h>

/* ---- elements ---- */

#define NONE 0U
#define ALL ((unsigned)(FOLDER | CALENDAR | CONTACTS | TASKS))
#define COUNTING ((unsigned)(FOLDER | TASKS)) /* those whose type has UnreadCount */

/* The last one takes what no other does. */
static const struct element_row ELEMENTS[] = {
    {STR_INIT("IPF.Appointment"), CALENDAR, STR_INIT("t:CalendarFolder")},
    {STR_INIT("IPF.Contact"), CONTACTS, STR_INIT("t:ContactsFolder")},
    {STR_INIT("IPF.Task"), TASKS, STR_INIT("t:TasksFolder")},
    {STR_INIT(""), FOLDER, STR_INIT("t:Folder")},
};

/* IPF.Contact and IPF.Contact.Foo, but not IPF.Contacts. */
static bool class_is(struct str folder_class, struct str prefix)
{
    return str_starts_nocase(folder_class, prefix) &&
           (folder_class.n == prefix.n || folder_class.p[prefix.n] == '.');
}

const struct element_row *folder_element_of_class(struct str folder_class)
{
    const struct element_row *row = ELEMENTS;

    while (row->element != FOLDER && !class_is(folder_class, row->class_prefix)) {
        row++;
    }
    return row;
}

bool folder_is_calendar(const struct folder *folder)
{
    return folder_element_of_class(folder->folder_class)->element == CALENDAR;
}

/* A name with its prefix t: and an element of the request. */
static bool is_named(const struct xml_node *node, struct str name)
{
    return node->ns == XML_NS_TYPES && name.n > 2 && str_eq(node->name, str_sub(name, 2, name.n));
}

const struct element_row *folder_element_of_node(const struct xml_node *node)
{
    for (size_t i = 0; i < ARRAY_LEN(ELEMENTS); i++) {
        if (is_named(node, ELEMENTS[i].name)) {
            return &ELEMENTS[i];
        }
    }
    return NULL;
}

bool folder_is_element(const struct xml_node *node)
{
    return folder_element_of_node(node) != NULL || xml_is(node, XML_NS_TYPES, "SearchFolder");
}

/* ---- values ---- */

static struct value value_text(struct str text)
{
    return (struct value){.type = text.n != 0 ? VALUE_TEXT : VALUE_NONE, .text = text};
}

static struct value value_int(uint64_t v)
{
    return (struct value){.type = VALUE_INT, .i = v < XS_INT_MAX ? (int64_t)v : XS_INT_MAX};
}

static struct value value_bool(bool v)
{
    return (struct value){.type = VALUE_BOOL, .i = v};
}

static struct value value_time(int64_t unix_ms)
{
    return (struct value){.type = VALUE_TIME, .i = unix_ms};
}

static struct value get_name(const struct folder *folder)
{
    return value_text(folder->name);
}

static struct value get_class(const struct folder *folder)
{
    return value_text(folder->folder_class);
}

static struct value get_total(const struct folder *folder)
{
    return value_int(folder->total);
}

static struct value get_unread(const struct folder *folder)
{
    return value_int(folder->unread);
}

static struct value get_children(const struct folder *folder)
{
    return value_int(folder->children);
}

static struct value get_has_children(const struct folder *folder)
{
    return value_bool(folder->children != 0);
}

static struct value get_hidden(const struct folder *folder)
{
    return value_bool(folder->hidden);
}

static struct value get_created(const struct folder *folder)
{
    return value_time(folder->created_ms);
}

static struct value get_modified(const struct folder *folder)
{
    return value_time(folder->modified_ms);
}

/* Changes with every change of the contents, never goes back, and is whole seconds, since
 * clients compare it in that text form: the folder's birth plus a second for each step of the
 * log. */
static struct value get_content_clock(const struct folder *folder)
{
    int64_t birth_ms = folder->created_ms - folder->created_ms % 1000;

    return value_time(birth_ms + (int64_t)(folder->item_seq.v % INT32_MAX) * 1000);
}

/* An item's number is a place in the log, so the next one is above all that happened in the
 * folder. */
static struct value get_next_number(const struct folder *folder)
{
    return value_int(folder->item_seq.v + 1);
}

static struct value get_last_number(const struct folder *folder)
{
    return value_int(folder->item_seq.v);
}

static const struct folder_tag_row TAGS[] = {
    {0x10f4, MAPI_BOOLEAN, get_hidden, folder_set_tag_hidden},
    {0x3001, MAPI_STRING, get_name, folder_set_tag_name},
    {0x3007, MAPI_SYSTEM_TIME, get_created, NULL},
    {0x3008, MAPI_SYSTEM_TIME, get_modified, NULL},
    {0x3602, MAPI_INTEGER, get_total, NULL},
    {0x3603, MAPI_INTEGER, get_unread, NULL},
    {0x360a, MAPI_BOOLEAN, get_has_children, NULL},
    {0x3613, MAPI_STRING, get_class, folder_set_tag_class},
    {0x670a, MAPI_SYSTEM_TIME, get_content_clock, NULL},
    {0x6751, MAPI_INTEGER, get_next_number, NULL},
    {0x6752, MAPI_INTEGER, get_last_number, NULL},
};

const struct folder_tag_row *folder_tag_row(const struct extended_path *path)
{
    for (size_t i = 0; !path->named && i < ARRAY_LEN(TAGS); i++) {
        if (TAGS[i].tag == path->tag) {
            return &TAGS[i];
        }
    }
    return NULL;
}

static struct value extended_value(const struct folder *folder, const struct extended_path *path)
{
    const struct folder_tag_row *row = folder_tag_row(path);
    struct value value = {.type = VALUE_NONE};

    if (row != NULL) {
        return row->type == path->type ? row->get(folder) : value;
    }
    (void)extended_bytes_get(folder->props, path, &value);
    return value;
}

/* ---- the property table ---- */

struct extended_list {
    const struct extended_path *v;
    size_t n;
};

struct folder_shape {
    enum base_shape base;
    uint32_t named; /* bit i: ROWS[i] was asked for by name */
    struct extended_list extended;
};

static int write_id(const struct folder_view *view, struct buf *out, struct err *err_r)
{
    (void)err_r;
    write_folder_id(out, view->call, STR("t:FolderId"), view->folder->id, view->folder->change_seq);
    return 0;
}

static int write_parent_id(const struct folder_view *view, struct buf *out, struct err *err_r)
{
    (void)err_r;
    if (view->folder->parent.v != 0) {
        write_folder_id(out, view->call, STR("t:ParentFolderId"), view->folder->parent,
                        (struct seq){0});
    }
    return 0;
}

static int write_extended(const struct folder_view *view, struct buf *out, struct err *err_r)
{
    const struct extended_list *list = &view->shape->extended;

    (void)err_r;
    for (size_t i = 0; i < list->n; i++) {
        struct value value = extended_value(view->folder, &list->v[i]);

        extended_property_write(out, &list->v[i], &value, view->call->milliseconds);
    }
    return 0;
}

static const struct str WIRE_NAMES[DF_COUNT] = {
#define X(name, wire, parent, class, display, created) [DF_##name] = STR_INIT(wire),
    DISTINGUISHED_FOLDERS(X)
#undef X
};

static int write_distinguished(const struct folder_view *view, struct buf *out, struct err *err_r)
{
    enum distinguished which = view->folder->distinguished;

    (void)err_r;
    if (which > DF_NONE && which < DF_COUNT) {
        xml_add_element(out, STR("t:DistinguishedFolderId"), WIRE_NAMES[which]);
    }
    return 0;
}

#define URI(name) STR_INIT("folder:" name), STR_INIT("t:" name)

/* In the schema's order. */
static const struct folder_row ROWS[] = {
    {URI("FolderId"), ALL, ALL, ALL, EWS_EXCHANGE2007, NULL, write_id, NULL},
    {URI("ParentFolderId"), ALL, NONE, ALL, EWS_EXCHANGE2007, NULL, write_parent_id, NULL},
    {URI("FolderClass"), ALL, NONE, ALL, EWS_EXCHANGE2007, get_class, NULL, folder_set_class},
    {URI("DisplayName"), ALL, ALL, ALL, EWS_EXCHANGE2007, get_name, NULL, folder_set_name},
    {URI("TotalCount"), ALL, ALL & ~(unsigned)CALENDAR, ALL, EWS_EXCHANGE2007, get_total, NULL,
     NULL},
    {URI("ChildFolderCount"), ALL, ALL, ALL, EWS_EXCHANGE2007, get_children, NULL, NULL},
    {STR_INIT(""), STR_INIT("t:ExtendedProperty"), ALL, ALL, ALL, EWS_EXCHANGE2007, NULL,
     write_extended, folder_set_extended},
    {URI("ManagedFolderInformation"), ALL, NONE, NONE, EWS_EXCHANGE2007, NULL, NULL, NULL},
    {URI("EffectiveRights"), ALL, NONE, ALL, EWS_EXCHANGE2007, NULL, folder_effective_rights_write,
     NULL},
    {URI("DistinguishedFolderId"), ALL, NONE, ALL, EWS_EXCHANGE2013, NULL, write_distinguished,
     NULL},
    {URI("PolicyTag"), ALL, NONE, NONE, EWS_EXCHANGE2013, NULL, NULL, NULL},
    {URI("ArchiveTag"), ALL, NONE, NONE, EWS_EXCHANGE2013, NULL, NULL, NULL},
    {URI("ReplicaList"), ALL, NONE, NONE, EWS_EXCHANGE2013, NULL, NULL, NULL},
    {URI("SharingEffectiveRights"), CALENDAR | CONTACTS, NONE, NONE, EWS_EXCHANGE2010, NULL, NULL,
     NULL},
    {URI("PermissionSet"), ALL, NONE, NONE, EWS_EXCHANGE2007_SP1, NULL, folder_permissions_write,
     folder_set_permissions},
    {URI("UnreadCount"), COUNTING, COUNTING, COUNTING, EWS_EXCHANGE2007, get_unread, NULL, NULL},
    {URI("SearchParameters"), ALL, NONE, NONE, EWS_EXCHANGE2007, NULL, NULL, NULL},
};

const struct folder_row *folder_row_by_uri(struct str uri)
{
    for (size_t i = 0; uri.n != 0 && i < ARRAY_LEN(ROWS); i++) {
        if (str_eq(ROWS[i].uri, uri)) {
            return &ROWS[i];
        }
    }
    return NULL;
}

const struct folder_row *folder_row_by_node(const struct xml_node *node)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (is_named(node, ROWS[i].name)) {
            return &ROWS[i];
        }
    }
    return NULL;
}

const struct folder_row *folder_row_extended(void)
{
    size_t i = 0;

    while (ROWS[i].set != folder_set_extended) {
        i++;
    }
    return &ROWS[i];
}

/* ---- shapes ---- */

/* Each once: what is asked for twice is answered once. */
static void add_extended(struct extended_list *list, struct extended_path *space,
                         const struct extended_path *path)
{
    for (size_t i = 0; i < list->n; i++) {
        if (extended_path_equal(&list->v[i], path)) {
            return;
        }
    }
    space[list->n++] = *path;
}

static int add_path(struct ews_call *call, const struct xml_node *node, struct folder_shape *shape,
                    struct extended_path *space, struct err *err_r)
{
    const struct folder_row *row;
    struct prop_path *path;

    TRY(prop_path_parse(call, node, &path, err_r));
    if (path->kind == PATH_EXTENDED) {
        add_extended(&shape->extended, space, &path->extended);
        return 0;
    }
    row = path->kind == PATH_FIELD ? folder_row_by_uri(path->uri) : NULL;
    if (row == NULL) {
        return err_set(err_r, ERR_PROPERTY_REQUEST, "path is no folder property");
    }
    shape->named |= 1U << (row - ROWS);
    return 0;
}

static int parse_additional(struct ews_call *call, const struct xml_node *node,
                            struct folder_shape *shape, struct str *message_xml, struct err *err_r)
{
    struct extended_path *space;

    if (node->child_count > SHAPE_MAX_PATHS) {
        return grammar_fail(node, err_r, "The element 'AdditionalProperties' has too many paths.");
    }
    space = ARENA_ARRAY(call->arena, struct extended_path, node->child_count);
    shape->extended.v = space;
    for (const struct xml_node *path = node->first_child; path != NULL; path = path->next) {
        int rc = add_path(call, path, shape, space, err_r);

        if (rc < 0) {
            *message_xml = rc == -ERR_SCHEMA ? STR_NULL : path_message_xml(call->arena, path);
            return rc;
        }
    }
    if (node->first_child == NULL) {
        return grammar_fail(node, err_r,
                            "The element 'AdditionalProperties' has incomplete "
                            "content.");
    }
    return 0;
}

int folder_shape_parse(struct ews_call *call, const struct xml_node *node,
                       struct folder_shape **shape_r, struct str *message_xml_r, struct err *err_r)
{
    static_assert(ARRAY_LEN(ROWS) <= 32, "the set of named rows is 32 bits");
    static const struct grammar_child CHILDREN[] = {{XML_NS_TYPES, "BaseShape", 1, 1},
                                                    {XML_NS_TYPES, "AdditionalProperties", 0, 1}};
    static const char *const BASES[] = {"IdOnly", "Default", "AllProperties", NULL};
    const struct xml_node *found[ARRAY_LEN(CHILDREN)];
    struct folder_shape *shape = ARENA_NEW(call->arena, struct folder_shape);
    size_t base;

    TRY(grammar_sequence(node, CHILDREN, ARRAY_LEN(CHILDREN), found, err_r));
    TRY(grammar_enum(found[0], BASES, &base, err_r));
    shape->base = (enum base_shape)base;
    if (found[1] != NULL) {
        TRY(parse_additional(call, found[1], shape, message_xml_r, err_r));
    }
    *shape_r = shape;
    return 0;
}

static bool row_is_chosen(const struct folder_shape *shape, const struct folder_row *row,
                          const struct folder_view *view)
{
    unsigned element = (unsigned)view->element->element;
    unsigned in_base = shape->base == SHAPE_ALL_PROPERTIES ? row->in_all : row->in_default;

    if ((row->elements & element) == 0 || view->call->version < row->since) {
        return false;
    }
    if ((shape->named & (1U << (row - ROWS))) != 0 || row->write == write_id ||
        row->write == write_extended) {
        return true;
    }
    return shape->base != SHAPE_ID_ONLY && (in_base & element) != 0;
}

static int write_row(const struct folder_row *row, const struct folder_view *view, struct buf *out,
                     struct err *err_r)
{
    struct value value;

    if (row->write != NULL) {
        return row->write(view, out, err_r);
    }
    value = row->value != NULL ? row->value(view->folder) : (struct value){.type = VALUE_NONE};
    if (value.type == VALUE_TEXT) {
        xml_add_element(out, row->name, value.text);
    } else if (value.type == VALUE_INT) {
        xml_add_element_i64(out, row->name, value.i);
    }
    return 0;
}

int folder_shape_write(struct ews_call *call, struct mailbox_tx *tx,
                       const struct folder_shape *shape, const struct folder *folder,
                       struct err *err_r)
{
    const struct folder_view view = {
        .call = call,
        .tx = tx,
        .folder = folder,
        .element = folder_element_of_class(folder->folder_class),
        .shape = shape,
    };

    xml_open(&call->out, view.element->name);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (row_is_chosen(shape, &ROWS[i], &view)) {
            TRY(write_row(&ROWS[i], &view, &call->out, err_r));
        }
    }
    xml_close(&call->out, view.element->name);
    return 0;
}

void folder_write_id_only(struct ews_call *call, const struct folder *folder)
{
    struct str element = folder_element_of_class(folder->folder_class)->name;

    xml_open(&call->out, element);
    write_folder_id(&call->out, call, STR("t:FolderId"), folder->id, folder->change_seq);
    xml_close(&call->out, element);
}

/* ---- restrictions ---- */

int folder_path_value(struct ews_call *call, const struct folder *folder,
                      const struct prop_path *path, struct value *value_r, struct err *err_r)
{
    const struct folder_row *row;

    (void)call;
    if (path->kind == PATH_EXTENDED) {
        *value_r = extended_value(folder, &path->extended);
        return 0;
    }
    row = path->kind == PATH_FIELD ? folder_row_by_uri(path->uri) : NULL;
    if (row == NULL || row->value == NULL) {
        return err_set(err_r, ERR_PATH_FOR_QUERY, "path in a restriction on folders");
    }
    *value_r = row->value(folder);
    return 0;
}
