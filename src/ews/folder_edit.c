/* Making and changing folders by the folder table. */
#include "ews/folders-private.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/grammar.h"
#include "xml/xml_doc.h"

/* ---- setters of the table ---- */

static int require_text(const struct xml_node *node, struct err *err_r)
{
    return node->first_child == NULL
               ? 0
               : grammar_fail(node->first_child, err_r, "The element '%.*s' holds text only.",
                              STR_ARG(node->name));
}

int folder_set_name(struct folder_edit *edit, const struct xml_node *node, struct err *err_r)
{
    TRY(require_text(node, err_r));
    edit->update.name = node->text.p != NULL ? node->text : STR("");
    return 0;
}

/* A class may be refined, not become another family's. Elements of one family name their class by themselves. */
static int set_class(struct folder_edit *edit, struct str folder_class, struct err *err_r)
{
    const struct element_row *element = folder_element_of_class(folder_class);

    if (edit->base != NULL && element != folder_element_of_class(edit->base->folder_class)) {
        return err_set(err_r, ERR_OBJECT_TYPE_CHANGED, "folder class of another family");
    }
    if (edit->base == NULL && edit->element->element != FOLDER && element != edit->element) {
        return err_set(err_r, ERR_FOLDER_CLASS_OVERRIDE, "folder class and element disagree");
    }
    edit->update.folder_class = folder_class.p != NULL ? folder_class : STR("");
    return 0;
}

int folder_set_class(struct folder_edit *edit, const struct xml_node *node, struct err *err_r)
{
    TRY(require_text(node, err_r));
    return set_class(edit, str_trim(node->text), err_r);
}

int folder_set_permissions(struct folder_edit *edit, const struct xml_node *node, struct err *err_r)
{
    const struct element_row *element = edit->element;

    if (edit->base == NULL && edit->update.folder_class.n != 0) {
        element = folder_element_of_class(edit->update.folder_class);
    }
    edit->has_permissions = true;
    return folder_permissions_parse(edit->call, node, element->element == CALENDAR,
                                    &edit->permissions, &edit->permission_count, err_r);
}

int folder_set_tag_name(struct folder_edit *edit, const struct value *value, struct err *err_r)
{
    (void)err_r;
    edit->update.name = value->text;
    return 0;
}

int folder_set_tag_class(struct folder_edit *edit, const struct value *value, struct err *err_r)
{
    return set_class(edit, value->text, err_r);
}

int folder_set_tag_hidden(struct folder_edit *edit, const struct value *value, struct err *err_r)
{
    (void)err_r;
    edit->update.has_hidden = true;
    edit->update.hidden = value->i != 0;
    return 0;
}

static int put_extended(struct folder_edit *edit, const struct extended_path *path,
                        const struct value *value, struct err *err_r)
{
    const struct folder_tag_row *tag = folder_tag_row(path);

    if (tag != NULL) {
        if (tag->set == NULL || tag->type != path->type) {
            return err_set(err_r, ERR_INVALID_PROPERTY_SET, "tag 0x%x", (unsigned)path->tag);
        }
        return tag->set(edit, value, err_r);
    }
    edit->extended_touched = true;
    extended_store_put(&edit->extended, path, value);
    return 0;
}

int folder_set_extended(struct folder_edit *edit, const struct xml_node *node, struct err *err_r)
{
    struct extended_path path;
    struct value value;

    TRY(extended_property_parse(edit->call, node, &path, &value, err_r));
    return put_extended(edit, &path, &value, err_r);
}

/* ---- a new folder ---- */

static struct folder_edit *edit_new(struct ews_call *call, const struct folder *base)
{
    struct folder_edit *edit = ARENA_NEW(call->arena, struct folder_edit);

    edit->call = call;
    edit->base = base;
    extended_store_open(&edit->extended, call->arena, base != NULL ? base->props : STR_NULL);
    return edit;
}

/* The path of a row, for MessageXml. */
static struct str row_message_xml(struct ews_call *call, const struct folder_row *row)
{
    return row->uri.n == 0
               ? STR_NULL
               : str_printf(call->arena, "<t:FieldURI FieldURI=\"%.*s\"/>", STR_ARG(row->uri));
}

/* The children of an element are in the order of the rows, each row once but for extended properties. */
static int apply_element(struct folder_edit *edit, const struct xml_node *node,
                         struct str *message_xml_r, struct err *err_r)
{
    const struct folder_row *last = NULL;

    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        const struct folder_row *row = folder_row_by_node(child);
        bool extended = row != NULL && row->set == folder_set_extended;

        if (row == NULL || (row->elements & (unsigned)edit->element->element) == 0 || row < last ||
            (row == last && !extended)) {
            return grammar_fail(child, err_r,
                                "The element '%.*s' has invalid child element '%.*s'.",
                                STR_ARG(node->name), STR_ARG(child->name));
        }
        last = row;
        if (row->set == NULL) {
            *message_xml_r = row_message_xml(edit->call, row);
            return err_set(err_r, ERR_INVALID_PROPERTY_SET, "a property that cannot be set");
        }
        TRY(row->set(edit, child, err_r));
    }
    return 0;
}

/* A new folder is open to whom its parent is; who makes it in another's mailbox owns it. */
static int inherit(struct folder_edit *edit, struct mailbox_tx *tx, struct folder_id parent,
                   struct err *err_r)
{
    struct permission *above, *list;
    size_t n, kept = 0;

    TRY(permissions_list(tx, parent, edit->call->arena, &above, &n, err_r));
    list = ARENA_ARRAY(edit->call->arena, struct permission, n + 1);
    for (size_t i = 0; i < n; i++) {
        bool distinguished =
            above[i].member.v == MEMBER_DEFAULT.v || above[i].member.v == MEMBER_ANONYMOUS.v;

        if (above[i].member.v != edit->call->caller.mailbox.v &&
            (above[i].rights != 0 || !distinguished)) {
            list[kept++] = above[i];
        }
    }
    if (!access_is_owner(edit->call)) {
        list[kept++] = (struct permission){edit->call->caller.mailbox, RIGHTS_ALL};
    }
    edit->has_permissions = kept != 0;
    edit->permissions = list;
    edit->permission_count = kept;
    return 0;
}

/* Rows that say nothing are the same as none. */
static bool says_nothing(const struct permission *p)
{
    return p->rights == 0 && (p->member.v == MEMBER_DEFAULT.v || p->member.v == MEMBER_ANONYMOUS.v);
}

static bool holds(const struct permission *list, size_t n, const struct permission *wanted)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].member.v == wanted->member.v) {
            return list[i].rights == wanted->rights;
        }
    }
    return says_nothing(wanted);
}

static bool same_permissions(const struct permission *a, size_t a_count, const struct permission *b,
                             size_t b_count)
{
    for (size_t i = 0; i < a_count; i++) {
        if (!holds(b, b_count, &a[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < b_count; i++) {
        if (!holds(a, a_count, &b[i])) {
            return false;
        }
    }
    return true;
}

/* What is so already changes nothing. */
static int store_permissions(const struct folder_edit *edit, struct mailbox_tx *tx,
                             struct folder_id id, struct err *err_r)
{
    struct permission *now;
    size_t n;

    if (!edit->has_permissions) {
        return 0;
    }
    TRY(permissions_list(tx, id, edit->call->arena, &now, &n, err_r));
    if (same_permissions(now, n, edit->permissions, edit->permission_count)) {
        return 0;
    }
    access_forget(edit->call);
    return permissions_replace(tx, id, edit->permissions, edit->permission_count, err_r);
}

int folder_create_from_xml(struct ews_call *call, struct mailbox_tx *tx, struct folder_id parent,
                           const struct xml_node *node, struct folder_id *id_r,
                           struct str *message_xml_r, struct err *err_r)
{
    struct folder_edit *edit = edit_new(call, NULL);
    struct folder_draft draft = {.parent = parent};

    edit->element = folder_element_of_node(node);
    if (edit->element == NULL) { /* lawful, or parsing had refused it */
        return err_set(err_r, ERR_OPERATION_ITEM, "a search folder");
    }
    TRY(apply_element(edit, node, message_xml_r, err_r));
    draft.name = edit->update.name;
    draft.folder_class = edit->update.folder_class.n != 0   ? edit->update.folder_class
                         : edit->element->element == FOLDER ? STR("IPF.Note")
                                                            : edit->element->class_prefix;
    draft.hidden = edit->update.hidden;
    draft.props = extended_store_bytes(&edit->extended);
    TRY(mailbox_folder_create(tx, &draft, id_r, err_r));
    if (!edit->has_permissions) {
        TRY(inherit(edit, tx, parent, err_r));
    }
    return store_permissions(edit, tx, *id_r, err_r);
}

/* ---- a stored folder ---- */

static int find_row(struct folder_edit *edit, const struct xml_node *node,
                    struct prop_path **path_r, const struct folder_row **row_r, struct err *err_r)
{
    TRY(prop_path_parse(edit->call, node, path_r, err_r));
    *row_r = (*path_r)->kind == PATH_EXTENDED ? folder_row_extended()
             : (*path_r)->kind == PATH_FIELD  ? folder_row_by_uri((*path_r)->uri)
                                              : NULL;
    return *row_r != NULL ? 0 : err_set(err_r, ERR_PROPERTY_REQUEST, "path is no folder property");
}

static int same_extended(const struct extended_path *path, const struct xml_node *property,
                         struct err *err_r)
{
    struct extended_path set;

    if (property->first_child == NULL) {
        return grammar_fail(property, err_r,
                            "The element 'ExtendedProperty' has incomplete content.");
    }
    TRY(extended_path_parse(property->first_child, &set, err_r));
    return extended_path_equal(path, &set);
}

/* node: t:Folder and its like with the property. */
static int set_field(struct folder_edit *edit, const struct prop_path *path,
                     const struct folder_row *row, const struct xml_node *node, struct err *err_r)
{
    const struct xml_node *property;
    int same;

    if (node == NULL || node->next != NULL || !folder_is_element(node)) {
        return grammar_fail(node != NULL ? node : path->node, err_r,
                            "The element 'SetFolderField' has invalid content.");
    }
    if (row->set == NULL) {
        return err_set(err_r, ERR_INVALID_PROPERTY_SET, "a property that cannot be set");
    }
    if (node->child_count != 1) {
        return err_set(err_r, ERR_UPDATE_COUNT, "%u properties", node->child_count);
    }
    property = node->first_child;
    same = folder_row_by_node(property) == row;
    if (same == 1 && path->kind == PATH_EXTENDED) {
        same = same_extended(&path->extended, property, err_r);
        TRY(same);
    }
    if (same == 0) {
        return err_set(err_r, ERR_UPDATE_MISMATCH, "path and property");
    }
    return row->set(edit, property, err_r);
}

/* Without a set of permissions nobody has any; clients that never read it delete it with every change. */
static int delete_field(struct folder_edit *edit, const struct prop_path *path,
                        const struct folder_row *row, struct err *err_r)
{
    const struct value none = {.type = VALUE_NONE};

    if (row->set == folder_set_permissions) {
        edit->has_permissions = true;
        edit->permission_count = 0;
        return 0;
    }
    if (path->kind != PATH_EXTENDED || folder_tag_row(&path->extended) != NULL) {
        return err_set(err_r, ERR_INVALID_PROPERTY_DELETE, "a property that is always there");
    }
    return put_extended(edit, &path->extended, &none, err_r);
}

enum update_verb { UPDATE_APPEND, UPDATE_SET, UPDATE_DELETE };

static int apply_update(struct folder_edit *edit, const struct xml_node *update, struct err *err_r)
{
    static const char *const verbs[] = {"AppendToFolderField", "SetFolderField",
                                        "DeleteFolderField"};
    const struct folder_row *row;
    struct prop_path *path;
    size_t verb = 0;

    while (verb < ARRAY_LEN(verbs) && !xml_is(update, XML_NS_TYPES, verbs[verb])) {
        verb++;
    }
    if (verb == ARRAY_LEN(verbs) || update->first_child == NULL) {
        return grammar_fail(update, err_r, "The element '%.*s' is no update of a folder.",
                            STR_ARG(update->name));
    }
    TRY(find_row(edit, update->first_child, &path, &row, err_r));
    switch ((enum update_verb)verb) {
    case UPDATE_SET: return set_field(edit, path, row, update->first_child->next, err_r);
    case UPDATE_DELETE: return delete_field(edit, path, row, err_r);
    case UPDATE_APPEND: break;
    }
    return err_set(err_r, ERR_INVALID_PROPERTY_APPEND, "folders have nothing to append to");
}

int folder_update_from_xml(struct ews_call *call, struct mailbox_tx *tx,
                           const struct folder *folder, const struct xml_node *updates,
                           struct str *message_xml_r, struct err *err_r)
{
    struct folder_edit *edit = edit_new(call, folder);

    edit->element = folder_element_of_class(folder->folder_class);
    for (const struct xml_node *u = updates->first_child; u != NULL; u = u->next) {
        int rc = apply_update(edit, u, err_r);

        if (rc < 0) {
            if (rc != -ERR_SCHEMA) {
                *message_xml_r = path_message_xml(call->arena, u->first_child);
            }
            return rc;
        }
    }
    if (edit->extended_touched) {
        edit->update.props = extended_store_bytes(&edit->extended);
    }
    TRY(mailbox_folder_update(tx, folder->id, &edit->update, err_r));
    return store_permissions(edit, tx, folder->id, err_r);
}
