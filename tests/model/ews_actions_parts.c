/* Parts of items, and items as parts of something else: attachments, occurrences of series, streams of export. */
#include "ews_actions.h"

#include <stdio.h>
#include <string.h>

/* ---- attachments ---- */

static void note_root_key(struct eh *h, size_t n, const char *element, int item)
{
    const char *key = eh_attr(h, eh_answered(h, n, element), "RootItemChangeKey");
    struct em_item *i = &h->model.items[item];

    EH_REQUIRE(h, key[0] != '\0', "no RootItemChangeKey");
    EH_REQUIRE(h, i->old_key == NULL || strcmp(key, i->old_key) != 0,
               "an attachment changed, and the ChangeKey of '%s' did not", i->content.subject);
    i->key = key;
}

static const char *attachment_xml(struct eh *h, const char *name)
{
    return eh_one_in(h, 3)
               ? eh_xml(h,
                        "<t:ItemAttachment><t:Name>%s</t:Name><t:Message><t:Subject>%s</t:Subject>"
                        "</t:Message></t:ItemAttachment>",
                        name, name)
               : eh_xml(h,
                        "<t:FileAttachment><t:Name>%s</t:Name><t:Content>aGVsbG8=</t:Content>"
                        "</t:FileAttachment>",
                        name);
}

void act_create_attachment(struct eh *h)
{
    int user = eh_pick_user(h), item = eh_pick_item(h, user, EH_ANY_CLASS);
    const char *id, *name, *refusal;
    struct em_content *c;

    if (item == EM_GONE || h->model.items[item].content.attachment_count == EM_MAX_ATTACHMENTS) {
        return;
    }
    id = eh_item_id(h, item);
    name = eh_new_text(h, "file");
    c = &h->model.items[item].content;
    refusal = refusal_of_change(&h->model, user, item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL);
    if (expect_success(h, refusal)) {
        snprintf(c->attachments[c->attachment_count++], EM_NAME_BYTES, "%s", name);
        em_item_changed(&h->model, item);
    }
    eh_ask(h, user,
           "<m:CreateAttachment><m:ParentItemId Id='%s'/><m:Attachments>%s</m:Attachments>"
           "</m:CreateAttachment>",
           id, attachment_xml(h, name));
    if (refusal == NULL) {
        note_root_key(h, 0, "AttachmentId", item);
    }
}

/* The nth attachment's id and name, as the owner is told. */
static const char *attachment_id(struct eh *h, int item, unsigned n, const char **name_r)
{
    const struct xml_node *node;

    eh_read(h, h->model.items[item].owner,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
            "<t:FieldURI FieldURI='item:Attachments'/></t:AdditionalProperties></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            h->model.items[item].id);
    node = ews_nth(h->fixture, "Attachments", 0);
    node = node != NULL ? node->first_child : NULL;
    while (node != NULL && n-- > 0) {
        node = node->next;
    }
    EH_REQUIRE(h, node != NULL, "'%s' lacks attachments", h->model.items[item].content.subject);
    *name_r = eh_text_of(h, eh_find(node, "Name"));
    return eh_attr(h, eh_find(node, "AttachmentId"), "Id");
}

static int pick_item_with_attachments(struct eh *h, int user)
{
    for (unsigned tries = 0; tries < 40; tries++) {
        int item = eh_pick_item(h, user, EH_ANY_CLASS);

        if (item != EM_GONE && h->model.items[item].content.attachment_count > 0 &&
            h->model.items[item].folder != EM_GONE) {
            return item;
        }
    }
    return EM_GONE;
}

void act_delete_attachment(struct eh *h)
{
    int user = eh_pick_user(h), item = pick_item_with_attachments(h, user);
    const char *id, *name, *refusal;
    struct em_content *c;
    size_t at = 0;

    if (item == EM_GONE) {
        return;
    }
    (void)eh_item_key(h, item);
    c = &h->model.items[item].content;
    id = attachment_id(h, item, eh_pick(h, (unsigned)c->attachment_count), &name);
    EH_REQUIRE(h, em_has_attachment(c, name, &at), "'%s' has an attachment '%s'", c->subject, name);
    refusal = refusal_of_change(&h->model, user, item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL);
    if (expect_success(h, refusal)) {
        em_remove_attachment(c, at);
        em_item_changed(&h->model, item);
    }
    eh_ask(h, user,
           "<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id='%s'/></m:AttachmentIds>"
           "</m:DeleteAttachment>",
           id);
    if (refusal == NULL) {
        note_root_key(h, 0, "RootItemId", item);
    }
}

/* ---- streams ---- */

void act_export_items(struct eh *h)
{
    int user = eh_pick_user(h), item = eh_pick_item(h, user, EH_ANY_CLASS);
    const struct em_item *i;
    struct eh_stream *stream;
    const char *id, *refusal;

    if (item == EM_GONE) {
        return;
    }
    id = eh_item_id(h, item);
    i = &h->model.items[item];
    refusal = eh_refusal_of_item(&h->model, user, item);
    eh_expect(h, refusal != NULL ? refusal : "NoError");
    eh_ask(h, user, "<m:ExportItems><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:ExportItems>",
           id);
    if (refusal == NULL) {
        stream = &h->streams[h->stream_count++ % EH_STREAMS];
        stream->data = eh_text_of(h, eh_answered(h, 0, "Data"));
        stream->content = i->content;
        stream->read = i->read;
        stream->draft = i->draft;
        stream->associated = i->associated;
    }
}

enum create_action { CREATE_NEW, UPDATE, UPDATE_OR_CREATE };
static const char *const create_actions[] = {"CreateNew", "Update", "UpdateOrCreate"};

struct upload {
    const struct eh_stream *stream;
    enum create_action action;
    int folder, item; /* item EM_GONE: none is named */
    bool says_associated, associated;
};

static bool same_kind(enum em_class a, enum em_class b)
{
    return a == b || (em_is_calendar_item(a) && em_is_calendar_item(b));
}

/* *update_r: the item is there, and is to be replaced. */
static const char *refusal_of_upload(const struct em *m, int user, const struct upload *u,
                                     bool *update_r)
{
    const char *refusal =
        refusal_of_target(m, user, u->folder, 0, "ErrorParentFolderNotFound", NULL);

    *update_r = false;
    if (refusal != NULL) {
        return refusal;
    }
    if (u->item != EM_GONE) {
        refusal = m->items[u->item].owner != m->folders[u->folder].owner
                      ? "ErrorItemNotFound"
                      : eh_refusal_of_item(m, user, u->item);
        if (refusal == NULL && m->items[u->item].folder != u->folder) {
            refusal = "ErrorItemNotFound";
        }
        *update_r = refusal == NULL;
        if (refusal != NULL && (strcmp(refusal, "ErrorItemNotFound") != 0 || u->action == UPDATE)) {
            return refusal;
        }
    }
    if (!*update_r) {
        return refusal_of_rights(m, user, u->folder, RIGHT_CREATE_ITEMS,
                                 "ErrorCreateItemAccessDenied");
    }
    if (!em_may_change(m, user, u->item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL)) {
        return "ErrorAccessDenied";
    }
    return same_kind(m->items[u->item].content.class, u->stream->content.class)
               ? NULL
               : "ErrorObjectTypeChanged";
}

static int create_from_stream(struct em *m, int user, const struct upload *u)
{
    const struct eh_stream *s = u->stream;
    const struct em_item like = {.content = s->content,
                                 .answers = EM_GONE,
                                 .read = s->read,
                                 .draft = s->draft,
                                 .associated = u->says_associated ? u->associated : s->associated};

    return em_item_add(m, user, u->folder, &like);
}

static void replace_by_stream(struct em *m, const struct upload *u)
{
    struct em_item *i = &m->items[u->item];

    em_item_changed(m, u->item);
    i->content = u->stream->content;
    i->read = u->stream->read;
    i->draft = u->stream->draft;
    i->answers = EM_GONE;
    i->subject_at = i->body_at = i->version;
}

static void pick_upload(struct eh *h, int user, struct upload *u)
{
    size_t known = h->stream_count < EH_STREAMS ? h->stream_count : EH_STREAMS;

    u->stream = &h->streams[eh_pick(h, (unsigned)known)];
    u->action = (enum create_action)eh_pick(h, 3);
    u->folder = eh_pick_folder(h, user);
    u->item = u->action == CREATE_NEW
                  ? EM_GONE
                  : eh_pick_item(h, user,
                                 eh_one_in(h, 4) ? EH_ANY_CLASS : 1u << u->stream->content.class);
    u->says_associated = eh_one_in(h, 3);
    u->associated = eh_one_in(h, 2);
    if (u->item == EM_GONE) {
        u->action = CREATE_NEW;
    } else if (h->model.items[u->item].folder != EM_GONE && !eh_one_in(h, 5)) {
        u->folder = h->model.items[u->item].folder;
    }
}

void act_upload_items(struct eh *h)
{
    int user = eh_pick_user(h), item = EM_GONE;
    const char *id = "";
    struct upload u;
    bool update;

    if (h->stream_count == 0) {
        return;
    }
    pick_upload(h, user, &u);
    if (u.item != EM_GONE) {
        id = eh_xml(h, "<t:ItemId Id='%s'/>", eh_item_id(h, u.item));
        if (h->model.items[u.item].folder != EM_GONE) {
            (void)eh_item_key(h, u.item);
        }
    }
    if (expect_success(h, refusal_of_upload(&h->model, user, &u, &update))) {
        item = update ? u.item : create_from_stream(&h->model, user, &u);
        if (update) {
            replace_by_stream(&h->model, &u);
        }
    }
    eh_ask(h, user,
           "<m:UploadItems><m:Items><t:Item CreateAction='%s'%s><t:ParentFolderId Id='%s'/>%s"
           "<t:Data>%s</t:Data></t:Item></m:Items></m:UploadItems>",
           create_actions[u.action],
           !u.says_associated ? ""
           : u.associated     ? " IsAssociated='true'"
                              : " IsAssociated='false'",
           h->model.folders[u.folder].id, id, u.stream->data);
    if (item != EM_GONE) {
        eh_note_item(h, 0, "ItemId", item);
    }
}

/* ---- occurrences ---- */

static const char *refusal_of_occurrence(const struct em *m, int user, int item, unsigned index)
{
    const struct em_content *c = &m->items[item].content;
    const char *refusal = eh_refusal_of_item(m, user, item);

    if (refusal != NULL) {
        return refusal;
    }
    if (c->class != EM_SERIES) {
        return "ErrorCalendarCannotUseIdForOccurrenceId";
    }
    if (index > EM_OCCURRENCES) {
        return "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange";
    }
    return strcmp(c->occurrences[index - 1], "-") == 0
               ? "ErrorCalendarOccurrenceIsDeletedFromRecurrence"
               : NULL;
}

static int pick_series(struct eh *h, int user)
{
    return eh_pick_item(h, user,
                        eh_one_in(h, 12) ? EH_ANY_CLASS : EH_CLASS(SERIES) | EH_CLASS(APPOINTMENT));
}

void act_update_occurrence(struct eh *h)
{
    int user = eh_pick_user(h), item = pick_series(h, user);
    unsigned index = 1 + eh_pick(h, EM_OCCURRENCES + 1);
    const char *id, *subject = eh_new_text(h, "occurrence"), *refusal;

    if (item == EM_GONE || h->model.items[item].folder == EM_GONE) {
        return;
    }
    id = eh_item_id(h, item);
    refusal = refusal_of_occurrence(&h->model, user, item, index);
    if (refusal == NULL) {
        refusal = refusal_of_change(&h->model, user, item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL);
    }
    if (expect_success(h, refusal)) {
        snprintf(h->model.items[item].content.occurrences[index - 1], EM_SUBJECT_BYTES, "%s",
                 subject);
        em_item_changed(&h->model, item);
    }
    eh_ask(h, user,
           "<m:UpdateItem ConflictResolution='AlwaysOverwrite' MessageDisposition='SaveOnly' "
           "SendMeetingInvitationsOrCancellations='SendToNone'><m:ItemChanges><t:ItemChange>"
           "<t:OccurrenceItemId RecurringMasterId='%s' InstanceIndex='%u'/><t:Updates>"
           "<t:SetItemField><t:FieldURI FieldURI='item:Subject'/><t:CalendarItem><t:Subject>%s"
           "</t:Subject></t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange>"
           "</m:ItemChanges></m:UpdateItem>",
           id, index, subject);
}

void act_delete_occurrence(struct eh *h)
{
    static const char *const types[] = {"HardDelete", "SoftDelete", "MoveToDeletedItems"};
    int user = eh_pick_user(h), item = pick_series(h, user);
    unsigned index = 1 + eh_pick(h, EM_OCCURRENCES + 1), type = eh_pick(h, 3);
    const char *id, *refusal;

    if (item == EM_GONE || h->model.items[item].folder == EM_GONE) {
        return;
    }
    id = eh_item_id(h, item);
    refusal = refusal_of_occurrence(&h->model, user, item, index);
    if (refusal == NULL && h->model.items[item].associated && type != 0) {
        refusal = "ErrorInvalidOperation";
    }
    if (refusal == NULL) {
        refusal = refusal_of_change(&h->model, user, item, RIGHT_DELETE_OWN, RIGHT_DELETE_ALL);
    }
    if (refusal == NULL && type == 2 && h->model.items[item].owner != user) {
        refusal = "ErrorCannotDeleteObject";
    }
    if (expect_success(h, refusal)) {
        snprintf(h->model.items[item].content.occurrences[index - 1], EM_SUBJECT_BYTES, "-");
        em_item_changed(&h->model, item);
    }
    eh_ask(h, user,
           "<m:DeleteItem DeleteType='%s' SendMeetingCancellations='SendToNone'><m:ItemIds>"
           "<t:OccurrenceItemId RecurringMasterId='%s' InstanceIndex='%u'/></m:ItemIds>"
           "</m:DeleteItem>",
           types[type], id, index);
}
