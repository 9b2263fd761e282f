/* Attachments as requests describe them: files, and items made by the same setters as any other. */
#include "ews/item_edit.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "xml/xml_doc.h"

enum attachment_child {
    CHILD_ID,
    CHILD_NAME,
    CHILD_TYPE,
    CHILD_CONTENT_ID,
    CHILD_LOCATION,
    CHILD_URL,
    CHILD_SIZE,
    CHILD_TIME,
    CHILD_INLINE,
    CHILD_PHOTO,   /* files */
    CHILD_CONTENT, /* files */
    CHILD_COUNT
};

static const struct grammar_child attachment_children[CHILD_COUNT] = {
    [CHILD_ID] = {XML_NS_TYPES, "AttachmentId", 0, 1},
    [CHILD_NAME] = {XML_NS_TYPES, "Name", 0, 1},
    [CHILD_TYPE] = {XML_NS_TYPES, "ContentType", 0, 1},
    [CHILD_CONTENT_ID] = {XML_NS_TYPES, "ContentId", 0, 1},
    [CHILD_LOCATION] = {XML_NS_TYPES, "ContentLocation", 0, 1},
    [CHILD_URL] = {XML_NS_TYPES, "AttachmentOriginalUrl", 0, 1},
    [CHILD_SIZE] = {XML_NS_TYPES, "Size", 0, 1},
    [CHILD_TIME] = {XML_NS_TYPES, "LastModifiedTime", 0, 1},
    [CHILD_INLINE] = {XML_NS_TYPES, "IsInline", 0, 1},
    [CHILD_PHOTO] = {XML_NS_TYPES, "IsContactPhoto", 0, 1},
    [CHILD_CONTENT] = {XML_NS_TYPES, "Content", 0, 1},
};

static struct str line_of(struct arena *arena, const struct xml_node *node)
{
    return node != NULL ? one_line(arena, node->text) : STR("");
}

/* Brackets belong to the header, not to the id. */
static struct str bare_id(struct str id)
{
    bool bracketed = id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>';

    return bracketed ? str_sub(id, 1, id.n - 2) : id;
}

static int fill_head(struct arena *arena, const struct xml_node *const *found,
                     struct mime_draft_attachment *a, struct err *err_r)
{
    a->name = line_of(arena, found[CHILD_NAME]);
    a->content_type = line_of(arena, found[CHILD_TYPE]);
    a->content_id = bare_id(line_of(arena, found[CHILD_CONTENT_ID]));
    a->content_location = line_of(arena, found[CHILD_LOCATION]);
    return found[CHILD_INLINE] != NULL ? grammar_bool(found[CHILD_INLINE], &a->is_inline, err_r)
                                       : 0;
}

static int fill_content(struct arena *arena, const struct xml_node *node, struct str *content_r,
                        struct err *err_r)
{
    struct buf bytes = BUF_INIT;
    bool good = base64_decode_lenient(&bytes, node->text);

    if (good) {
        *content_r = str_dup(arena, bytes.n != 0 ? buf_str(&bytes) : STR(""));
    }
    buf_fini(&bytes);
    return good ? 0 : grammar_fail(node, err_r, "The 'Content' element is no base64Binary.");
}

static int file_from_xml(struct arena *arena, const struct xml_node *node,
                         struct mime_draft_attachment *a, struct err *err_r)
{
    const struct xml_node *found[CHILD_COUNT];

    TRY(grammar_sequence(node, attachment_children, CHILD_COUNT, found, err_r));
    TRY(fill_head(arena, found, a, err_r));
    a->content = STR("");
    if (found[CHILD_PHOTO] != NULL) {
        TRY(grammar_bool(found[CHILD_PHOTO], &a->is_photo, err_r));
    }
    return found[CHILD_CONTENT] != NULL
               ? fill_content(arena, found[CHILD_CONTENT], &a->content, err_r)
               : 0;
}

/* The children that come before the item; and the item. */
static int split_item(struct arena *arena, const struct xml_node *node,
                      const struct xml_node **found, const struct xml_node **item_r,
                      struct err *err_r)
{
    struct xml_node head = *node, **tail = &head.first_child;
    const struct xml_node *item = NULL;

    head.first_child = NULL;
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        if (item_kind_of_element(child) != 0 && child->next == NULL) {
            item = child;
            break;
        }
        *tail = arena_memdup(arena, child, sizeof(*child));
        (*tail)->next = NULL;
        tail = &(*tail)->next;
    }
    TRY(grammar_sequence(&head, attachment_children, CHILD_PHOTO, found, err_r));
    *item_r = item;
    return 0;
}

static unsigned depth_of(const struct xml_node *node)
{
    unsigned depth = 0;

    for (; node != NULL; node = node->parent) {
        depth += xml_is(node, XML_NS_TYPES, "ItemAttachment");
    }
    return depth;
}

static int item_from_xml(struct ews_call *call, struct arena *arena, const struct xml_node *node,
                         struct mime_draft_attachment *a, struct str *message_xml_r,
                         struct err *err_r)
{
    const struct xml_node *found[CHILD_COUNT], *item = NULL;
    struct item_edit *edit = NULL;

    if (depth_of(node) > ATTACHMENT_MAX_DEPTH) {
        return err_set(err_r, ERR_NOT_SUPPORTED, "items nested deeper than %u",
                       ATTACHMENT_MAX_DEPTH);
    }
    TRY(split_item(arena, node, found, &item, err_r));
    TRY(fill_head(arena, found, a, err_r));
    if (item == NULL) {
        return err_set(err_r, ERR_REQUIRED_PROPERTY, "item attachment without an item");
    }
    TRY(item_edit_from_element(call, arena, item, &edit, message_xml_r, err_r));
    TRY(item_edit_message(edit, &a->content, err_r));
    if (a->content.p ==
        NULL) { /* its record alone has something to say: nothing of it can be attached */
        a->content = mime_compose(
            &(struct mime_draft){.subject = item_edit_props(edit)->v[IPROP_SUBJECT]}, arena);
    }
    a->is_message = true;
    a->content_type = STR("message/rfc822");
    return 0;
}

int attachment_from_xml(struct ews_call *call, struct arena *arena, const struct xml_node *node,
                        struct mime_draft_attachment *attachment_r, struct str *message_xml_r,
                        struct err *err_r)
{
    struct mime_draft_attachment a = {.name = STR("")};

    if (xml_is(node, XML_NS_TYPES, "FileAttachment")) {
        TRY(file_from_xml(arena, node, &a, err_r));
    } else if (xml_is(node, XML_NS_TYPES, "ItemAttachment")) {
        TRY(item_from_xml(call, arena, node, &a, message_xml_r, err_r));
    } else if (xml_is(node, XML_NS_TYPES, "ReferenceAttachment")) {
        return err_set(err_r, ERR_NOT_SUPPORTED, "reference attachment");
    } else {
        return grammar_fail(node, err_r,
                            "The element 'Attachments' has invalid child element "
                            "'%.*s'.",
                            STR_ARG(node->name));
    }
    *attachment_r = a;
    return 0;
}
