/* Mail: made and sent at once, as responses to others, from drafts. */
#include "ews_actions.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- sent ---- */

/* Who sends only as himself, and only to whom mail can be brought. */
static const char *refusal_of_sending(const struct em_content *c, int user)
{
    if (c->from != EM_NOBODY && c->from != user) {
        return "ErrorSendAsDenied";
    }
    return c->to == 0 || (c->to & 1u << EM_STRANGER) != 0 ? "ErrorInvalidRecipients" : NULL;
}

/* In CreateItem. *to_r: where the copy would go. */
static const char *refusal_of_creating_and_sending(const struct em *m, int user,
                                                   enum disposition disposition, int folder,
                                                   const struct em_content *c, int *to_r)
{
    const char *refusal = NULL;

    if (disposition == SEND_AND_SAVE) {
        if (folder != EM_GONE && m->folders[folder].owner != user) {
            return "ErrorInvalidOperation";
        }
        refusal = eh_refusal_of_saving(m, user, folder, c->class, true, to_r);
    }
    return first_refusal(refusal, refusal_of_sending(c, user));
}

/* It is under way, and a copy lies at `to`. */
static void send(struct eh *h, int user, enum disposition disposition, int to, struct em_item *like)
{
    like->content.from = user;
    like->draft = false;
    like->read = true;
    em_queue(&h->model, user, &like->content, like->content.to);
    em_item_sent(&h->model, user, like);
    if (disposition == SEND_AND_SAVE) {
        (void)em_item_add(&h->model, user, to, like);
    }
}

void act_create_and_send(struct eh *h)
{
    int user = eh_pick_user(h), folder = eh_one_in(h, 2) ? EM_GONE : eh_pick_folder(h, user);
    enum disposition disposition = eh_one_in(h, 3) ? SEND_ONLY : SEND_AND_SAVE;
    const char *saved = eh_saved_xml(h, folder), *item;
    struct em_item like;
    int to = EM_GONE;

    item = eh_item_xml(h, EM_MESSAGE, &like);
    if (expect_success(h, refusal_of_creating_and_sending(&h->model, user, disposition, folder,
                                                          &like.content, &to))) {
        send(h, user, disposition, to, &like);
    }
    eh_ask(h, user, "<m:CreateItem MessageDisposition='%s'>%s<m:Items>%s</m:Items></m:CreateItem>",
           eh_dispositions[disposition], saved, item);
}

/* ---- responses ---- */

enum response { REPLY, REPLY_ALL, FORWARD, POST_REPLY };

static const struct {
    const char *element, *prefix;
    unsigned originals; /* classes */
    bool of_drafts;
} responses[] = {
    [REPLY] = {"ReplyToItem", "RE: ", EH_MESSAGES | EH_CLASS(POST), false},
    [REPLY_ALL] = {"ReplyAllToItem", "RE: ", EH_MESSAGES, false},
    [FORWARD] = {"ForwardItem", "FW: ", EH_MESSAGES | EH_CLASS(POST), true},
    [POST_REPLY] = {"PostReplyItem", "RE: ", EH_CLASS(POST), false},
};

static void make_subject(struct em_content *c, const char *prefix, const char *subject)
{
    while (strncasecmp(subject, "RE: ", 4) == 0 || strncasecmp(subject, "FW: ", 4) == 0) {
        subject += 4;
    }
    snprintf(c->subject, sizeof(c->subject), "%s%s", prefix, subject);
}

static unsigned bit_of(int who)
{
    return who == EM_NOBODY ? 0 : 1u << who;
}

static unsigned recipients_of(struct eh *h, enum response what, const struct em_content *original,
                              int user)
{
    unsigned all = (bit_of(original->from) | original->to) & ~bit_of(user);

    switch (what) {
    case REPLY: return bit_of(original->from);
    case REPLY_ALL: return all != 0 ? all : bit_of(original->from);
    case FORWARD: return eh_pick_recipients(h);
    case POST_REPLY: break;
    }
    return 0;
}

static void make_response(struct eh *h, enum response what, const struct em_content *original,
                          int user, struct em_item *like_r)
{
    struct em_content *c = &like_r->content;

    *like_r = (struct em_item){.read = true, .draft = what != POST_REPLY, .answers = EM_GONE};
    c->class = what == POST_REPLY ? EM_POST : EM_MESSAGE;
    c->from = EM_NOBODY;
    c->body_open = true;
    c->to = recipients_of(h, what, original, user);
    make_subject(c, responses[what].prefix, original->subject);
    if (what == FORWARD) {
        c->attachment_count = original->attachment_count;
        memcpy(c->attachments, original->attachments, sizeof(c->attachments));
    }
}

static const char *refusal_of_original(const struct em *m, int user, int mailbox,
                                       enum response what, int item)
{
    const struct em_item *i = &m->items[item];
    const char *refusal;

    if (i->owner != mailbox) {
        return "ErrorInvalidOperation";
    }
    refusal = eh_refusal_of_item(m, user, item);
    if (refusal == NULL && ((responses[what].originals & 1u << i->content.class) == 0 ||
                            i->associated || (i->draft && !responses[what].of_drafts))) {
        refusal = "ErrorInvalidOperation";
    }
    return refusal;
}

/* What becomes of a response that could be made. */
static const char *refusal_of_response(struct eh *h, int user, enum disposition disposition,
                                       int folder, int mailbox, const struct em_content *c,
                                       int *to_r)
{
    if (disposition == SAVE_ONLY) {
        return eh_refusal_of_saving(&h->model, user, folder, c->class, false, to_r);
    }
    if (mailbox != user) {
        return "ErrorInvalidOperation";
    }
    return refusal_of_creating_and_sending(&h->model, user, disposition, folder, c, to_r);
}

void act_respond(struct eh *h)
{
    enum response what = (enum response)eh_pick(h, ARRAY_LEN(responses));
    unsigned want = what == POST_REPLY ? EH_CLASS(POST)
                    : what == FORWARD  ? EH_CLASS(MESSAGE) | EH_CLASS(POST)
                                       : EH_MESSAGES | EH_CLASS(POST);
    int user = eh_pick_user(h), item = eh_pick_item(h, user, want);
    int folder = eh_one_in(h, 2) ? EM_GONE : eh_pick_folder(h, user), mailbox, to = EM_GONE;
    enum disposition disposition = what == POST_REPLY ? SAVE_ONLY : (enum disposition)eh_pick(h, 3);
    const char *refusal, *id, *saved = eh_saved_xml(h, folder);
    struct em_item like;

    if (item == EM_GONE) {
        return;
    }
    id = eh_item_id(h, item);
    mailbox = folder != EM_GONE && disposition != SEND_ONLY ? h->model.folders[folder].owner : user;
    refusal = refusal_of_original(&h->model, user, mailbox, what, item);
    make_response(h, what, &h->model.items[item].content, user, &like);
    if (what != POST_REPLY) {
        em_item_answers(&h->model, &like, item);
    }
    if (refusal == NULL && what == POST_REPLY && folder == EM_GONE) {
        to = h->model.items[item].folder;
    } else if (refusal == NULL) {
        refusal = refusal_of_response(h, user, disposition, folder, mailbox, &like.content, &to);
    }
    if (expect_success(h, refusal)) {
        if (disposition != SAVE_ONLY) {
            send(h, user, disposition, to, &like);
        } else {
            (void)em_item_add(&h->model, user, to, &like);
        }
    }
    eh_ask(h, user,
           "<m:CreateItem MessageDisposition='%s'>%s<m:Items><t:%s>%s<t:ReferenceItemId Id='%s'/>"
           "<t:NewBodyContent BodyType='Text'>more</t:NewBodyContent></t:%s></m:Items>"
           "</m:CreateItem>",
           eh_dispositions[disposition], saved, responses[what].element,
           what == FORWARD ? eh_recipients_xml(h, like.content.to) : "", id,
           responses[what].element);
}

/* The cancellation goes to the Deleted Items; the meeting is in nobody's calendar here. */
void act_remove_cancelled(struct eh *h)
{
    int user = eh_pick_user(h), item = eh_pick_item(h, user, EH_MESSAGES);
    const char *id, *refusal;
    struct em_item *i;

    if (item == EM_GONE) {
        return;
    }
    i = &h->model.items[item];
    id = eh_item_id(h, item);
    refusal = eh_refusal_of_item(&h->model, user, item);
    if (refusal == NULL && (i->content.class != EM_CANCELLATION || i->draft || i->associated)) {
        refusal = "ErrorInvalidOperation";
    } else if (refusal == NULL && i->owner != user) {
        refusal = "ErrorCannotDeleteObject";
    }
    if (expect_success(h, refusal)) {
        eh_forget_id(h, id);
        em_item_move(&h->model, user, item, h->model.known[user][DF_DELETEDITEMS]);
    }
    eh_ask(h, user,
           "<m:CreateItem><m:Items><t:RemoveItem><t:ReferenceItemId Id='%s'/></t:RemoveItem>"
           "</m:Items></m:CreateItem>",
           id);
}

/* ---- drafts go out ---- */

static const char *refusal_of_draft(const struct em *m, int user, int item, int folder,
                                    const char *key, bool stale)
{
    const struct em_item *i = &m->items[item];
    const char *refusal = eh_refusal_of_item(m, user, item);

    if (refusal != NULL) {
        return refusal;
    }
    if (!em_is_message(i->content.class) || !i->draft || i->associated || i->owner != user ||
        (folder != EM_GONE && m->folders[folder].owner != user)) {
        return "ErrorInvalidOperation";
    }
    if (key == NULL || stale) {
        return key == NULL ? "ErrorChangeKeyRequiredForWriteOperations" : "ErrorStaleObject";
    }
    refusal = refusal_of_sending(&i->content, user);
    return refusal == NULL && folder != EM_GONE && m->folders[folder].gone
               ? "ErrorSavedItemFolderNotFound"
               : refusal;
}

static void send_draft(struct eh *h, int user, int item, bool save, int folder)
{
    struct em_item *i = &h->model.items[item];

    eh_forget_id(h, i->id);
    i->content.from = user;
    i->draft = false;
    i->read = true;
    em_queue(&h->model, user, &i->content, i->content.to);
    em_item_sent(&h->model, user, i);
    if (save) {
        em_item_move(&h->model, user, item,
                     folder != EM_GONE ? folder : h->model.known[user][DF_SENTITEMS]);
    } else {
        em_item_delete(&h->model, item);
    }
}

void act_send_item(struct eh *h)
{
    int user = eh_pick_user(h), item = eh_pick_item(h, user, EH_CLASS(MESSAGE));
    int folder = eh_one_in(h, 2) ? EM_GONE : eh_pick_folder(h, user);
    const char *id, *key, *refusal, *saved = eh_saved_xml(h, folder);
    bool save = !eh_one_in(h, 4), stale;

    if (item == EM_GONE || h->model.items[item].folder == EM_GONE) {
        return;
    }
    id = eh_item_id(h, item);
    key = eh_one_in(h, 15) ? NULL : eh_item_key(h, item);
    stale = key != NULL && h->model.items[item].old_key != NULL && eh_one_in(h, 4);
    key = stale ? h->model.items[item].old_key : key;
    refusal = !save && folder != EM_GONE
                  ? "ErrorInvalidSendItemSaveSettings"
                  : refusal_of_draft(&h->model, user, item, folder, key, stale);
    if (expect_success(h, refusal)) {
        send_draft(h, user, item, save, folder);
    }
    eh_ask(h, user,
           "<m:SendItem SaveItemToFolder='%s'><m:ItemIds><t:ItemId Id='%s'%s/></m:ItemIds>%s"
           "</m:SendItem>",
           save ? "true" : "false", id, key == NULL ? "" : eh_xml(h, " ChangeKey='%s'", key),
           saved);
}

/* An update may end a draft: it is sent, and stays as a copy or not at all. */
static const char *refusal_of_update_and_send(const struct em *m, int user, int item)
{
    const struct em_item *i = &m->items[item];
    const char *refusal = refusal_of_change(m, user, item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL);

    if (refusal == NULL && (!i->draft || i->owner != user)) {
        refusal = "ErrorInvalidOperation";
    }
    return first_refusal(refusal, refusal_of_sending(&i->content, user));
}

void act_update_and_send(struct eh *h)
{
    int user = eh_pick_user(h), item = eh_pick_item(h, user, EH_CLASS(MESSAGE));
    const char *id, *subject = eh_new_text(h, "subject");
    bool save = !eh_one_in(h, 3);
    struct em_content *c;

    if (item == EM_GONE || h->model.items[item].folder == EM_GONE ||
        h->model.items[item].associated) {
        return;
    }
    id = eh_item_id(h, item);
    if (expect_success(h, refusal_of_update_and_send(&h->model, user, item))) {
        c = &h->model.items[item].content;
        snprintf(c->subject, sizeof(c->subject), "%s", subject);
        send_draft(h, user, item, save, EM_GONE);
    }
    eh_ask(h, user,
           "<m:UpdateItem ConflictResolution='AlwaysOverwrite' MessageDisposition='%s'>"
           "<m:ItemChanges><t:ItemChange><t:ItemId Id='%s'/><t:Updates><t:SetItemField>"
           "<t:FieldURI FieldURI='item:Subject'/><t:Message><t:Subject>%s</t:Subject></t:Message>"
           "</t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>",
           eh_dispositions[save ? SEND_AND_SAVE : SEND_ONLY], id, subject);
}
