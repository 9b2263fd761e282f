#include "ews/response_objects-private.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/call.h"
#include "ews/grammar.h"
#include "ews/item_edit.h"
#include "ews/props-private.h"
#include "xml/xml_doc.h"

/* ---- the kinds of responses ---- */

static const char *const smart_children[] = {"Subject",
                                             "Body",
                                             "ToRecipients",
                                             "CcRecipients",
                                             "BccRecipients",
                                             "IsReadReceiptRequested",
                                             "IsDeliveryReceiptRequested",
                                             "From",
                                             "ReferenceItemId",
                                             "NewBodyContent",
                                             "ReceivedBy",
                                             "ReceivedRepresenting",
                                             NULL};
static const char *const post_children[] = {"Subject", "Body", "ReferenceItemId", "NewBodyContent",
                                            NULL};
static const char *const act_children[] = {"ReferenceItemId", NULL};

#define K_MAIL (K_MESSAGE | KIND(POST_ITEM))

static const struct response_row rows[] = {
    {"ReplyToItem", RESPOND_REPLY, K_MAIL, false, "RE: ", smart_children},
    {"ReplyAllToItem", RESPOND_REPLY_ALL, K_MESSAGE, false, "RE: ", smart_children},
    {"ForwardItem", RESPOND_FORWARD, K_MAIL, true, "FW: ", smart_children},
    {"PostReplyItem", RESPOND_POST_REPLY, KIND(POST_ITEM), false, "RE: ", post_children},
    {"SuppressReadReceipt", RESPOND_SUPPRESS_RECEIPT, KIND(MESSAGE), false, "", act_children},
    {"RemoveItem", RESPOND_REMOVE, KIND(MEETING_CANCELLATION), false, "", act_children},
    {.name = "AcceptItem", .what = RESPOND_MEETING},
    {.name = "TentativelyAcceptItem", .what = RESPOND_MEETING},
    {.name = "DeclineItem", .what = RESPOND_MEETING},
    {.name = "CancelCalendarItem", .what = RESPOND_MEETING},
    {.name = "AcceptSharingInvitation", .what = RESPOND_MEETING},
    {.name = "ProposeNewTime", .what = RESPOND_MEETING},
};

/* ---- parsing ---- */

static const struct response_row *row_of(const struct xml_node *node)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (xml_is(node, XML_NS_TYPES, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static int parse_ref(struct ews_call *call, const struct xml_node *node, struct response *response,
                     struct err *err_r)
{
    struct xml_node id = *node;

    id.name = STR("ItemId");
    response->has_ref = true;
    return item_ref_parse(call, &id, &response->ref, err_r);
}

static int parse_fresh(const struct xml_node *node, struct response_text *fresh, struct err *err_r)
{
    static const char *const types[] = {"HTML", "Text", NULL};
    size_t type;

    TRY(grammar_attr_enum(node, "BodyType", true, types, &type, err_r));
    *fresh = (struct response_text){type == 0, node->text};
    return 0;
}

static int check_child(const struct xml_node *child, const struct response *response,
                       struct err *err_r)
{
    for (const char *const *name = response->row->children; *name != NULL; name++) {
        if (xml_is(child, XML_NS_TYPES, *name)) {
            return 0;
        }
    }
    return grammar_fail(child, err_r, "The element '%s' has invalid child element '%.*s'.",
                        response->row->name, STR_ARG(str_sub(child->name, 0, 64)));
}

static int parse_twice(const struct xml_node *child, struct err *err_r)
{
    return grammar_fail(child, err_r, "The element '%.*s' is there twice.", STR_ARG(child->name));
}

/* Takes ReferenceItemId and NewBodyContent; a copy of the other children is what the new item's
 * setters see. */
static int parse_children(struct ews_call *call, const struct xml_node *node,
                          struct response *response, struct err *err_r)
{
    struct xml_node *rest = arena_memdup(call->arena, node, sizeof(*node));
    struct xml_node **end = &rest->first_child;
    bool has_fresh = false;

    rest->child_count = 0;
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        TRY(check_child(child, response, err_r));
        if (str_is(child->name, "ReferenceItemId")) {
            TRY(response->has_ref ? parse_twice(child, err_r)
                                  : parse_ref(call, child, response, err_r));
        } else if (str_is(child->name, "NewBodyContent")) {
            TRY(has_fresh ? parse_twice(child, err_r)
                          : parse_fresh(child, &response->fresh, err_r));
            has_fresh = true;
        } else {
            response->has_body = response->has_body || str_is(child->name, "Body");
            *end = arena_memdup(call->arena, child, sizeof(*child));
            (*end)->parent = rest;
            end = &(*end)->next;
            rest->child_count++;
        }
    }
    *end = NULL;
    response->node = rest;
    return 0;
}

int response_parse(struct ews_call *call, const struct xml_node *node, struct response **response_r,
                   struct err *err_r)
{
    const struct response_row *row = row_of(node);
    struct response *response = NULL;

    if (row != NULL) {
        response = ARENA_NEW(call->arena, struct response);
        response->row = row;
        response->fresh.text = STR("");
        if (row->children != NULL) {
            TRY(parse_children(call, node, response, err_r));
        }
    }
    *response_r = response;
    return 0;
}

bool response_makes_item(const struct response *response)
{
    enum response_what what = response->row->what;

    return what == RESPOND_REPLY || what == RESPOND_REPLY_ALL || what == RESPOND_FORWARD ||
           what == RESPOND_POST_REPLY;
}

struct mailbox_no response_mailbox(struct ews_call *call, const struct response *response)
{
    return response->has_ref ? item_ref_mailbox(call, &response->ref) : call->caller.mailbox;
}

static bool answers(const struct response_row *row, const struct item *item)
{
    return (row->originals & 1u << item->kind) != 0 && (item->flags & ITEM_ASSOCIATED) == 0 &&
           ((item->flags & ITEM_DRAFT) == 0 || row->of_drafts);
}

int response_find_original(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                           const struct response *response, struct item *item_r, struct err *err_r)
{
    const struct response_row *row = response->row;
    struct item item;

    if (!response->has_ref) {
        return err_tell(err_r, ERR_REQUIRED_PROPERTY, "ReferenceItemId is required.");
    }
    if (response_mailbox(call, response).v != call->mailbox.v) {
        return err_tell(err_r, ERR_NOT_SUPPORTED,
                        "The answer and the item that it refers to must be in one mailbox.");
    }
    TRY(item_ref_resolve(call, tx, &response->ref, arena, &item, err_r));
    if (!answers(row, &item)) {
        return err_set(err_r, ERR_OPERATION_ITEM, "%s of an item of kind %d", row->name,
                       (int)item.kind);
    }
    *item_r = item;
    return 0;
}

void response_names_write(struct buf *out, const struct item *item, bool receipt)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!answers(&rows[i], item) || (rows[i].what == RESPOND_SUPPRESS_RECEIPT && !receipt)) {
            continue;
        }
        BUF_LIT(out, "<t:");
        buf_add_cstr(out, rows[i].name);
        BUF_LIT(out, "/>");
    }
}

/* ---- marking the original ---- */

/* PidTagIconIndex */
#define ICON_REPLIED 261
#define ICON_FORWARDED 262

static int mark_answered(struct ews_call *call, struct mailbox_tx *tx, const struct item *original,
                         int64_t verb, struct err *err_r)
{
    struct item_edit *edit;

    TRY(item_edit_open(call, tx, call->arena, original, &edit, err_r));
    item_edit_set_int(edit, IPROP_ICON_INDEX,
                      verb == VERB_FORWARDED ? ICON_FORWARDED : ICON_REPLIED);
    item_edit_set_int(edit, IPROP_LAST_VERB, verb);
    item_edit_set_int(edit, IPROP_LAST_VERB_TIME, item_edit_now_ms(edit));
    return item_edit_store(edit, tx, err_r);
}

/* An original that cannot be marked keeps no answer from going out. */
int response_note_sent(struct ews_call *call, struct mailbox_tx *tx, struct item_edit *edit,
                       struct err *err_r)
{
    const struct props *props = item_edit_props(edit);
    struct item_id id = {(uint64_t)props_int(props, IPROP_RESPONSE_ORIGINAL, 0)};
    int64_t verb = props_int(props, IPROP_RESPONSE_VERB, 0);
    struct item original;
    int rc;

    if (id.v == 0) {
        return 0;
    }
    item_edit_remove(edit, IPROP_RESPONSE_ORIGINAL);
    item_edit_remove(edit, IPROP_RESPONSE_VERB);
    rc = mailbox_item_get(tx, id, call->arena, &original, err_r);
    if (rc == 1) {
        rc = mark_answered(call, tx, &original, verb, err_r);
    }
    return rc == -ERR_CORRUPT || rc == -ERR_PROPERTY_SAVE ? 0 : rc;
}

/* ---- acting ---- */

/* The sender is told nothing, now and later. */
static int suppress_receipt(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                            const struct item *item, struct err *err_r)
{
    struct item_edit *edit;

    TRY(access_require_item(call, tx, item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL, err_r));
    TRY(item_edit_open(call, tx, arena, item, &edit, err_r));
    if (props_int(item_edit_props(edit), IPROP_READ_RECEIPT, 0) == 0 ||
        (item->flags & ITEM_READ) != 0) {
        return err_set(err_r, ERR_READ_RECEIPT, "item %llu", (unsigned long long)item->id.v);
    }
    item_edit_remove(edit, IPROP_READ_RECEIPT);
    return item_edit_store(edit, tx, err_r);
}

/* The meeting in the calendar that a cancellation is about; id 0: there is none. */
static int find_meeting(struct mailbox_tx *tx, struct folder_id calendar, struct str uid,
                        struct item_id *id_r, struct err *err_r)
{
    const struct item_iter_options options = {
        .folder = calendar, .order = ITEM_ORDER_NEWEST_FIRST, .with_props = true};
    struct item_id id = {0};
    struct item_iter *iter;
    struct props props;
    struct item item;

    TRY(mailbox_item_iter_begin(tx, &options, &iter, err_r));
    while (id.v == 0 && mailbox_item_iter_next(iter, &item)) {
        if (item.kind == ITEM_KIND_CALENDAR_ITEM && props_open(&props, item.props) &&
            str_eq(props.v[IPROP_MEETING_UID], uid)) {
            id = item.id;
        }
    }
    TRY(mailbox_item_iter_end(&iter, err_r));
    *id_r = id;
    return 0;
}

static int folder_of(struct mailbox_tx *tx, struct arena *arena, enum distinguished which,
                     struct folder_id *id_r, struct err *err_r)
{
    struct folder folder;
    int found = mailbox_folder_by_distinguished(tx, which, arena, &folder, err_r);

    if (found == 0) {
        return err_set(err_r, ERR_CORRUPT, "distinguished folder %d is missing", (int)which);
    }
    TRY(found);
    *id_r = folder.id;
    return 0;
}

static int remove_meeting(struct mailbox_tx *tx, struct arena *arena, const struct props *props,
                          struct folder_id bin, struct err *err_r)
{
    struct folder_id calendar;
    struct item_id meeting = {0}, moved;

    if (props_has(props, IPROP_MEETING_RECURRENCE_ID)) {
        return err_tell(err_r, ERR_NOT_SUPPORTED,
                        "A single occurrence is removed with DeleteItem.");
    }
    TRY(folder_of(tx, arena, DF_CALENDAR, &calendar, err_r));
    if (props_has(props, IPROP_MEETING_UID)) {
        TRY(find_meeting(tx, calendar, props->v[IPROP_MEETING_UID], &meeting, err_r));
    }
    return meeting.v != 0 ? mailbox_item_discard(tx, meeting, bin, &moved, err_r) : 0;
}

/* A cancelled meeting and its cancellation go to the Deleted Items. */
static int remove_cancelled(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                            const struct item *item, struct err *err_r)
{
    struct folder_id bin;
    struct item_id moved;
    struct props props;

    if (!access_is_owner(call)) {
        return err_set(err_r, ERR_CANNOT_DELETE, "in another's mailbox");
    }
    if (!props_open(&props, item->props)) {
        return err_set(err_r, ERR_CORRUPT, "record of item %llu", (unsigned long long)item->id.v);
    }
    TRY(folder_of(tx, arena, DF_DELETEDITEMS, &bin, err_r));
    TRY(remove_meeting(tx, arena, &props, bin, err_r));
    return mailbox_item_discard(tx, item->id, bin, &moved, err_r);
}

int response_act(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                 const struct response *response, struct err *err_r)
{
    struct item item;

    if (response->row->what == RESPOND_MEETING) {
        return err_set(err_r, ERR_OPERATION_ITEM, "response object %s", response->row->name);
    }
    TRY(response_find_original(call, tx, arena, response, &item, err_r));
    return response->row->what == RESPOND_REMOVE ? remove_cancelled(call, tx, arena, &item, err_r)
                                                 : suppress_receipt(call, tx, arena, &item, err_r);
}
