/* Properties that every kind of item has, where a row's column does not suffice. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/access.h"
#include "ews/calendar.h"
#include "ews/ids.h"
#include "ews/limits.h"
#include "ews/response_objects.h"
#include "xml/xml_write.h"

#include <endian.h>

/* ---- ids ---- */

void write_item_id_row(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    (void)row;
    if (view->occurrence != NULL) {
        write_occurrence_id(out, view->call, view->item->id, view->occurrence->at.original_start_ms,
                            item_version(view->item));
        return;
    }
    write_item_id(out, view->call, view->item->id, item_version(view->item));
}

void write_parent_folder_id(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    write_folder_id(out, view->call, row->element, view->item->folder, (struct seq){0});
}

void write_conversation_id(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct str id = view->props.v[row->prop];

    if (id.n != 0) {
        BUF_LIT(out, "<t:ConversationId Id=\"");
        base64_encode(out, id.p, id.n);
        BUF_LIT(out, "\"/>");
    }
}

/* Mailbox and item, so that it is one thing's key in the whole store. */
void value_record_key(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    uint64_t key[2] = {htobe64(view->call->mailbox.v), htobe64(view->item->id.v)};

    (void)row;
    value_r->type = VALUE_BYTES;
    value_r->text = str_of(arena_memdup(view->arena, key, sizeof(key)), sizeof(key));
}

/* ---- plain values ---- */

static const struct str default_classes[ITEM_KIND_COUNT] = {
    [ITEM_KIND_ITEM] = STR_INIT("IPM"),
    [ITEM_KIND_MESSAGE] = STR_INIT("IPM.Note"),
    [ITEM_KIND_MEETING_MESSAGE] = STR_INIT("IPM.Schedule.Meeting"),
    [ITEM_KIND_MEETING_REQUEST] = STR_INIT("IPM.Schedule.Meeting.Request"),
    [ITEM_KIND_MEETING_RESPONSE] = STR_INIT("IPM.Schedule.Meeting.Resp.Pos"),
    [ITEM_KIND_MEETING_CANCELLATION] = STR_INIT("IPM.Schedule.Meeting.Canceled"),
    [ITEM_KIND_CALENDAR_ITEM] = STR_INIT("IPM.Appointment"),
    [ITEM_KIND_CONTACT] = STR_INIT("IPM.Contact"),
    [ITEM_KIND_DISTRIBUTION_LIST] = STR_INIT("IPM.DistList"),
    [ITEM_KIND_TASK] = STR_INIT("IPM.Task"),
    [ITEM_KIND_POST_ITEM] = STR_INIT("IPM.Post"),
};

struct str default_item_class(enum item_kind kind)
{
    return default_classes[kind];
}

void value_item_class(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    struct str stored = view->props.v[IPROP_ITEM_CLASS_NAME];

    (void)row;
    value_r->type = VALUE_TEXT;
    value_r->text = stored.n != 0 ? stored : default_classes[view->item->kind];
}

void value_received(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_TIME;
    value_r->i = view->item->received_ms;
}

/* The schema's Size is an xs:int. */
void value_size(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    value_r->type = VALUE_INT;
    value_r->i = view->item->size < XS_INT_MAX ? (int64_t)view->item->size : XS_INT_MAX;
}

void value_false(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row, (void)view;
    value_r->type = VALUE_BOOL;
}

/* A message without Sender was sent by its author. */
void value_sender(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    struct str list = view->props.v[IPROP_SENDER];

    (void)row;
    if (list.n == 0) {
        list = view->props.v[IPROP_FROM];
    }
    *value_r = (struct value){.type = list.n != 0 ? VALUE_TEXTS : VALUE_NONE, .text = list};
}

static bool is_subtag(struct str s, bool digits)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && !(digits && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return s.n >= 1 && s.n <= 8;
}

/* xs:language: what a sender wrote into Content-Language may be anything. */
static bool is_language(struct str s)
{
    if (!is_subtag(str_split(&s, '-'), false)) {
        return false;
    }
    while (s.p != NULL) {
        if (!is_subtag(str_split(&s, '-'), true)) {
            return false;
        }
    }
    return true;
}

void write_culture(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    if (is_language(view->props.v[row->prop])) {
        write_text(row, view, out);
    }
}

/* Everything in one's own mailbox may be read, changed and deleted; items have nothing below
 * them. */
void write_effective_rights(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    uint32_t rights = 0;
    bool remove, modify;
    int rc = access_rights(view->call, view->tx, view->item->folder, &rights, view->err);

    if (rc < 0) {
        view->rc = rc;
        return;
    }
    remove = access_holds(view->call, view->item, rights, RIGHT_DELETE_OWN, RIGHT_DELETE_ALL);
    modify = access_holds(view->call, view->item, rights, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL);
    buf_add_str(out, row->open);
    BUF_LIT(out, "<t:CreateAssociated>false</t:CreateAssociated>"
                 "<t:CreateContents>false</t:CreateContents>"
                 "<t:CreateHierarchy>false</t:CreateHierarchy>");
    xml_add_element_bool(out, STR("t:Delete"), remove);
    xml_add_element_bool(out, STR("t:Modify"), modify);
    xml_add_element_bool(out, STR("t:Read"), (rights & RIGHT_READ_ITEMS) != 0);
    if (view->call->version >= EWS_EXCHANGE2010) {
        xml_add_element_bool(out, STR("t:ViewPrivateItems"), access_is_owner(view->call));
    }
    buf_add_str(out, row->close);
}

static void add_flag_date(struct item_view *view, struct buf *out, struct str element,
                          enum item_prop prop)
{
    if (props_has(&view->props, prop)) {
        xml_add_element_time(out, element, props_int(&view->props, prop, 0),
                             view->call->milliseconds);
    }
}

/* Numbers of PidTagFlagStatus. */
void write_flag_status(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    static const char *const names[] = {"NotFlagged", "Complete", "Flagged"};
    int64_t status = props_int(&view->props, IPROP_FLAG_STATUS, 0);

    buf_add_str(out, row->open);
    xml_add_element(out, STR("t:FlagStatus"),
                    str_from(names[status >= 0 && status <= 2 ? status : 0]));
    add_flag_date(view, out, STR("t:StartDate"), IPROP_FLAG_START);
    add_flag_date(view, out, STR("t:DueDate"), IPROP_FLAG_DUE);
    add_flag_date(view, out, STR("t:CompleteDate"), IPROP_FLAG_COMPLETE);
    buf_add_str(out, row->close);
}

/* PidTagIconIndex: as a client set it (it marks what was answered), else of plain mail the two that follow from the read
 * flag. */
static const struct {
    int64_t index;
    struct str name;
} icons[] = {
    {1, STR_INIT("PostItem")},      {256, STR_INIT("MailRead")},      {257, STR_INIT("MailUnread")},
    {261, STR_INIT("MailReplied")}, {262, STR_INIT("MailForwarded")},
};

#define ICON_MAIL_READ 256
#define ICON_MAIL_UNREAD 257

void value_icon_index(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    if (props_has(&view->props, IPROP_ICON_INDEX)) {
        value_r->type = VALUE_INT;
        value_r->i = props_int(&view->props, IPROP_ICON_INDEX, 0);
    } else if (view->item->kind == ITEM_KIND_MESSAGE) {
        value_r->type = VALUE_INT;
        value_r->i = (view->item->flags & ITEM_READ) != 0 ? ICON_MAIL_READ : ICON_MAIL_UNREAD;
    }
}

void write_icon_index(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct value value = {.type = VALUE_NONE};

    value_icon_index(row, view, &value);
    for (size_t i = 0; i < ARRAY_LEN(icons) && value.type != VALUE_NONE; i++) {
        if (icons[i].index == value.i) {
            xml_add_element(out, row->element, icons[i].name);
        }
    }
}

/* ---- what may be done with it ---- */

void write_response_objects(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    bool receipt = props_int(&view->props, IPROP_READ_RECEIPT, 0) != 0 &&
                   (view->item->flags & (ITEM_READ | ITEM_DRAFT)) == 0;
    size_t before = out->n;

    buf_add_str(out, row->open);
    response_names_write(out, view->item, receipt);
    if (out->n == before + row->open.n) {
        out->n = before;
    } else {
        buf_add_str(out, row->close);
    }
}

/* ---- extended properties ---- */

static bool extended_is_due(const struct item_view *view, const struct prop_path *path)
{
    if (view->summary && path->row != NULL && prop_path_needs_message(path)) {
        return false;
    }
    return path->row == NULL || view->within == NULL || (path->row->flags & ROW_STORED) == 0;
}

void write_extended(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    size_t n;
    const struct prop_path *const *paths = item_shape_extended(view->shape, &n);
    struct value value;

    (void)row;
    for (size_t i = 0; i < n; i++) {
        if (extended_is_due(view, paths[i])) {
            prop_path_value(paths[i], view, &value);
            extended_property_write(out, &paths[i]->extended, &value, view->call->milliseconds);
        }
    }
}
