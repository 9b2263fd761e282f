/* What becomes of items: changed, marked, moved, copied, deleted. */
#include "ews_actions.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MAX_TAKEN 3

/* ---- UpdateItem ---- */

enum resolution { ALWAYS_OVERWRITE, AUTO_RESOLVE, NEVER_OVERWRITE };
static const char *const resolutions[] = {"AlwaysOverwrite", "AutoResolve", "NeverOverwrite"};

enum body_verb { BODY_KEPT, BODY_SET, BODY_APPENDED, BODY_DELETED };

struct update {
    const char *subject; /* NULL: stays */
    enum body_verb verb;
    const char *body;
    bool marks, read;
    enum resolution resolution;
    const char *key; /* NULL: not given */
    bool stale, given;
};

static void pick_changes(struct eh *h, const struct em_item *item, struct update *u)
{
    u->subject = eh_one_in(h, 2) ? eh_new_text(h, "subject") : NULL;
    u->verb = eh_one_in(h, 2) ? BODY_KEPT : (enum body_verb)(1 + eh_pick(h, 3));
    u->body = eh_new_text(h, "body");
    u->marks = em_shows_read(item->content.class) && eh_one_in(h, 2);
    u->read = eh_one_in(h, 2);
    if (u->verb == BODY_DELETED && (item->content.body_open || item->content.body[0] == '\0')) {
        u->verb = BODY_SET; /* whether there is one to be deleted is not known, or known */
    }
    if (u->subject == NULL && u->verb == BODY_KEPT && !u->marks) {
        u->subject = eh_new_text(h, "subject");
    }
}

static void pick_key(struct eh *h, int item, struct update *u)
{
    const char *old = h->model.items[item].old_key;

    u->resolution = (enum resolution)eh_pick(h, 3);
    u->given = !eh_one_in(h, 25);
    u->key = eh_one_in(h, 8) ? NULL : eh_item_key(h, item);
    u->stale = u->key != NULL && old != NULL && eh_one_in(h, 2);
    u->key = u->stale ? old : u->key;
}

static const char *set_xml(struct eh *h, const char *element, const char *uri, const char *value)
{
    return eh_xml(h, "<t:SetItemField><t:FieldURI FieldURI='%s'/><t:%s>%s</t:%s></t:SetItemField>",
                  uri, element, value, element);
}

static const char *updates_xml(struct eh *h, const struct em_item *item, const struct update *u)
{
    const char *element = em_element(item->content.class), *xml = "";
    const char *body = eh_xml(h, "<t:Body BodyType='Text'>%s</t:Body>", u->body);

    if (u->subject != NULL) {
        xml =
            set_xml(h, element, "item:Subject", eh_xml(h, "<t:Subject>%s</t:Subject>", u->subject));
    }
    switch (u->verb) {
    case BODY_KEPT: break;
    case BODY_SET: xml = eh_xml(h, "%s%s", xml, set_xml(h, element, "item:Body", body)); break;
    case BODY_APPENDED:
        xml = eh_xml(h,
                     "%s<t:AppendToItemField><t:FieldURI FieldURI='item:Body'/><t:%s>%s</t:%s>"
                     "</t:AppendToItemField>",
                     xml, element, body, element);
        break;
    case BODY_DELETED:
        xml = eh_xml(
            h, "%s<t:DeleteItemField><t:FieldURI FieldURI='item:Body'/></t:DeleteItemField>", xml);
        break;
    }
    if (u->marks) {
        xml = eh_xml(h, "%s%s", xml,
                     set_xml(h, element, "message:IsRead",
                             u->read ? "<t:IsRead>true</t:IsRead>" : "<t:IsRead>false</t:IsRead>"));
    }
    return xml;
}

static bool changes_content(const struct update *u)
{
    return u->subject != NULL || u->verb != BODY_KEPT;
}

/* An old key does harm only where somebody else was at the same property since. */
static const char *refusal_of_key(const struct em_item *item, const struct update *u)
{
    if (u->resolution == ALWAYS_OVERWRITE || !changes_content(u)) {
        return NULL; /* a read flag alone needs no key */
    }
    if (u->key == NULL) {
        return "ErrorChangeKeyRequiredForWriteOperations";
    }
    return u->stale && (u->resolution == NEVER_OVERWRITE ||
                        (u->subject != NULL && item->subject_at > item->old_version) ||
                        (u->verb != BODY_KEPT && item->body_at > item->old_version))
               ? "ErrorIrresolvableConflict"
               : NULL;
}

static const char *refusal_of_update(const struct em *m, int user, int item, const struct update *u)
{
    const struct em_item *i = &m->items[item];
    const char *refusal = refusal_of_change(m, user, item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL);

    if (refusal != NULL) {
        return refusal;
    }
    if (!u->given && em_is_message(i->content.class)) {
        return "ErrorMessageDispositionRequired";
    }
    if (!u->given && em_is_calendar_item(i->content.class)) {
        return "ErrorSendMeetingInvitationsOrCancellationsRequired";
    }
    /* Only with a disposition is it clear that nothing else is meant than to mark. */
    if (!u->given && !changes_content(u) && u->resolution != ALWAYS_OVERWRITE && u->key == NULL) {
        return "ErrorChangeKeyRequiredForWriteOperations";
    }
    if (!u->given && !changes_content(u) && u->resolution == NEVER_OVERWRITE && u->stale) {
        return "ErrorIrresolvableConflict";
    }
    return refusal_of_key(i, u);
}

static void change_body(struct em_content *c, const struct update *u)
{
    size_t n = u->verb == BODY_APPENDED ? strlen(c->body) : 0;

    for (const char *p = u->verb == BODY_DELETED ? "" : u->body;
         *p != '\0' && n + 1 < sizeof(c->body); p++) {
        if (!isspace((unsigned char)*p)) {
            c->body[n++] = *p;
        }
    }
    c->body[n] = '\0';
    c->body_open = c->body_open && u->verb == BODY_APPENDED;
}

static void apply_update(struct em *m, int item, const struct update *u)
{
    struct em_item *i = &m->items[item];

    if (changes_content(u)) {
        em_item_changed(m, item);
    }
    if (u->subject != NULL) {
        snprintf(i->content.subject, sizeof(i->content.subject), "%s", u->subject);
        i->subject_at = i->version;
    }
    if (u->verb != BODY_KEPT) {
        change_body(&i->content, u);
        i->body_at = i->version;
    }
    i->read = u->marks ? u->read : i->read;
}

void act_update_item(struct eh *h)
{
    int user = eh_pick_user(h), item = eh_pick_item(h, user, EH_ANY_CLASS);
    const char *id, *updates;
    struct update u;
    bool done;

    if (item == EM_GONE) {
        return;
    }
    id = eh_item_id(h, item);
    pick_changes(h, &h->model.items[item], &u);
    if (h->model.items[item].folder != EM_GONE) {
        pick_key(h, item, &u);
    } else {
        u.key = NULL;
        u.stale = false;
        u.given = true;
        u.resolution = ALWAYS_OVERWRITE;
    }
    updates = updates_xml(h, &h->model.items[item], &u);
    done = expect_success(h, refusal_of_update(&h->model, user, item, &u));
    if (done) {
        apply_update(&h->model, item, &u);
        h->changes = true;
    }
    eh_ask(h, user,
           "<m:UpdateItem ConflictResolution='%s'%s><m:ItemChanges><t:ItemChange>"
           "<t:ItemId Id='%s'%s/><t:Updates>%s</t:Updates></t:ItemChange></m:ItemChanges>"
           "</m:UpdateItem>",
           resolutions[u.resolution],
           u.given ? " MessageDisposition='SaveOnly' "
                     "SendMeetingInvitationsOrCancellations='SendToNone'"
                   : "",
           id, u.key == NULL ? "" : eh_xml(h, " ChangeKey='%s'", u.key), updates);
    if (done) {
        eh_note_item(h, 0, "ItemId", item);
    }
}

/* ---- some items at once ---- */

struct taken {
    size_t n;
    int items[MAX_TAKEN];
    const char *ids[MAX_TAKEN];
    bool left[MAX_TAKEN]; /* it is not there any more under its id */
    const char *xml;
};

/* The same item twice, unless once is asked for; of one mailbox, if that is. */
static bool take_items(struct eh *h, int user, bool one_mailbox, bool once, struct taken *t)
{
    size_t wanted = 1 + eh_pick(h, MAX_TAKEN);

    *t = (struct taken){.xml = ""};
    for (size_t i = 0; i < wanted; i++) {
        int item = eh_pick_item(h, user, EH_ANY_CLASS);
        bool fits = item != EM_GONE;

        for (size_t j = 0; j < t->n && fits; j++) {
            fits =
                (!once || t->items[j] != item) &&
                (!one_mailbox || h->model.items[t->items[j]].owner == h->model.items[item].owner);
        }
        if (fits) {
            t->items[t->n] = item;
            t->ids[t->n] = eh_item_id(h, item);
            t->xml = eh_xml(h, "%s<t:ItemId Id='%s'/>", t->xml, t->ids[t->n]);
            t->n++;
        }
    }
    return t->n != 0;
}

static bool has_left(const struct taken *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (t->left[i] && t->items[i] == t->items[n]) {
            return true;
        }
    }
    return false;
}

static bool has_twice(const struct taken *t)
{
    for (size_t i = 1; i < t->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (t->items[i] == t->items[j]) {
                return true;
            }
        }
    }
    return false;
}

/* ---- DeleteItem ---- */

static const char *const delete_types[] = {"HardDelete", "SoftDelete", "MoveToDeletedItems"};
enum delete_type { HARD, SOFT, TO_BIN };

static const char *refusal_of_delete(const struct em *m, int user, int item, enum delete_type type,
                                     bool given)
{
    const struct em_item *i = &m->items[item];
    const char *refusal = eh_refusal_of_item(m, user, item);

    if (refusal != NULL) {
        return refusal;
    }
    if (!given && em_is_calendar_item(i->content.class)) {
        return "ErrorSendMeetingCancellationsRequired";
    }
    if (!given && i->content.class == EM_TASK) {
        return "ErrorAffectedTaskOccurrencesRequired";
    }
    if (i->associated && type != HARD) {
        return "ErrorInvalidOperation";
    }
    if (!em_may_change(m, user, item, RIGHT_DELETE_OWN, RIGHT_DELETE_ALL)) {
        return "ErrorAccessDenied";
    }
    return type == TO_BIN && i->owner != user ? "ErrorCannotDeleteObject" : NULL;
}

/* What is deleted where it would go to, goes a step further. */
static void apply_delete(struct em *m, int user, int item, enum delete_type type)
{
    struct em_item *i = &m->items[item];
    const int *known = m->known[i->owner];
    int to = type == TO_BIN ? known[DF_DELETEDITEMS] : known[DF_RECOVERABLEITEMSDELETIONS];

    if (type == TO_BIN && i->folder == to) {
        to = known[DF_RECOVERABLEITEMSDELETIONS];
    }
    if (i->associated && i->folder != known[DF_RECOVERABLEITEMSPURGES]) {
        em_item_move(m, user, item, known[DF_RECOVERABLEITEMSPURGES]);
    } else if (type == HARD || i->folder == to) {
        em_item_delete(m, item);
    } else {
        em_item_move(m, user, item, to);
    }
}

void act_delete_item(struct eh *h)
{
    int user = eh_pick_user(h);
    enum delete_type type = (enum delete_type)eh_pick(h, 3);
    bool given = !eh_one_in(h, 20);
    struct taken t;

    if (!take_items(h, user, false, false, &t)) {
        return;
    }
    for (size_t i = 0; i < t.n; i++) {
        const char *refusal = has_left(&t, i)
                                  ? "ErrorItemNotFound"
                                  : refusal_of_delete(&h->model, user, t.items[i], type, given);

        t.left[i] = expect_success(h, refusal);
        if (t.left[i]) {
            apply_delete(&h->model, user, t.items[i], type);
            eh_forget_id(h, t.ids[i]);
        }
    }
    eh_ask(h, user, "<m:DeleteItem DeleteType='%s'%s><m:ItemIds>%s</m:ItemIds></m:DeleteItem>",
           delete_types[type],
           given ? " SendMeetingCancellations='SendToNone' "
                   "AffectedTaskOccurrences='AllOccurrences'"
                 : "",
           t.xml);
}

/* ---- MoveItem, CopyItem ---- */

static const char *refusal_of_taking(const struct em *m, int user, int item, bool move)
{
    const char *refusal = eh_refusal_of_item(m, user, item);

    if (refusal == NULL && m->items[item].associated) {
        refusal = "ErrorInvalidOperation";
    }
    return refusal == NULL && move
               ? refusal_of_change(m, user, item, RIGHT_DELETE_OWN, RIGHT_DELETE_ALL)
               : refusal;
}

/* Within a mailbox the target is looked at first; to another one, the item is. */
static const char *refusal_of_transfer(const struct em *m, int user, int item, int to, bool move)
{
    const char *target = refusal_of_target(m, user, to, RIGHT_CREATE_ITEMS, "ErrorToFolderNotFound",
                                           "ErrorAccessDenied");
    const char *taking = refusal_of_taking(m, user, item, move);

    return m->items[item].owner == m->folders[to].owner ? first_refusal(target, taking)
                                                        : first_refusal(taking, target);
}

static void transfer(struct eh *h, bool move)
{
    int user = eh_pick_user(h), to = eh_pick_folder(h, user), made[MAX_TAKEN];
    const char *target = eh_folder_xml(h, to), *refusal;
    bool return_ids = eh_one_in(h, 2), within;
    struct taken t;

    if (!take_items(h, user, true, !eh_one_in(h, 4), &t)) {
        return;
    }
    within = h->model.items[t.items[0]].owner == h->model.folders[to].owner;
    if (!within && has_twice(&t)) { /* each is taken up before the first arrives */
        t.n = 1;
        t.xml = eh_xml(h, "<t:ItemId Id='%s'/>", t.ids[0]);
    }
    for (size_t i = 0; i < t.n; i++) {
        made[i] = EM_GONE;
        refusal = has_left(&t, i) ? "ErrorItemNotFound"
                                  : refusal_of_transfer(&h->model, user, t.items[i], to, move);
        if (!expect_success(h, refusal)) {
            continue;
        }
        made[i] = t.items[i];
        t.left[i] = move;
        if (move) {
            eh_forget_id(h, t.ids[i]);
            em_item_move(&h->model, user, t.items[i], to);
        } else {
            made[i] = em_item_copy(&h->model, user, t.items[i], to);
        }
    }
    eh_ask(h, user,
           "<m:%s><m:ToFolderId>%s</m:ToFolderId><m:ItemIds>%s</m:ItemIds>"
           "<m:ReturnNewItemIds>%s</m:ReturnNewItemIds></m:%s>",
           move ? "MoveItem" : "CopyItem", target, t.xml, return_ids ? "true" : "false",
           move ? "MoveItem" : "CopyItem");
    for (size_t i = 0; i < t.n && within && return_ids; i++) {
        if (made[i] != EM_GONE) {
            eh_note_item(h, i, "ItemId", made[i]);
        }
    }
}

void act_move_item(struct eh *h)
{
    transfer(h, true);
}

void act_copy_item(struct eh *h)
{
    transfer(h, false);
}

/* ---- marking ---- */

void act_mark_all_as_read(struct eh *h)
{
    int user = eh_pick_user(h), folder = eh_pick_folder(h, user);
    const char *xml = eh_folder_xml(h, folder);
    bool read = !eh_one_in(h, 3);
    const char *refusal = eh_refusal_of_folder(&h->model, user, folder);

    if (expect_success(
            h, first_refusal(refusal, refusal_of_rights(&h->model, user, folder, RIGHT_EDIT_ALL,
                                                        "ErrorAccessDenied")))) {
        em_folder_mark_all(&h->model, folder, read);
    }
    eh_ask(h, user,
           "<m:MarkAllItemsAsRead><m:ReadFlag>%s</m:ReadFlag><m:SuppressReadReceipts>true"
           "</m:SuppressReadReceipts><m:FolderIds>%s</m:FolderIds></m:MarkAllItemsAsRead>",
           read ? "true" : "false", xml);
}

static const char *refusal_of_junk(const struct em *m, int user, int item, int to, bool move)
{
    const char *refusal = refusal_of_taking(m, user, item, move);

    if (refusal != NULL || !move || em_may(m, user, to, RIGHT_CREATE_ITEMS)) {
        return refusal;
    }
    return em_may(m, user, to, RIGHT_FOLDER_VISIBLE) ? "ErrorAccessDenied" : "ErrorFolderNotFound";
}

void act_mark_as_junk(struct eh *h)
{
    int user = eh_pick_user(h), item = eh_pick_item(h, user, EH_MESSAGES), to;
    bool junk = !eh_one_in(h, 3), move = !eh_one_in(h, 4), done;
    const char *id;

    if (item == EM_GONE) {
        return;
    }
    id = eh_item_id(h, item);
    to = h->model.known[h->model.items[item].owner][junk ? DF_JUNKEMAIL : DF_INBOX];
    done = expect_success(h, refusal_of_junk(&h->model, user, item, to, move)) && move;
    if (done) {
        eh_forget_id(h, id);
        em_item_move(&h->model, user, item, to);
    }
    eh_ask(h, user,
           "<m:MarkAsJunk IsJunk='%s' MoveItem='%s'><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds>"
           "</m:MarkAsJunk>",
           junk ? "true" : "false", move ? "true" : "false", id);
    if (done) {
        eh_note_item(h, 0, "MovedItemId", item);
    }
}

/* ---- ids that name nothing any more ---- */

void act_ask_for_what_is_gone(struct eh *h)
{
    static const char *const requests[] = {
        "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>"
        "<t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
        "<m:DeleteItem DeleteType='HardDelete'><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds>"
        "</m:DeleteItem>",
        "<m:ExportItems><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:ExportItems>",
        "<m:MarkAsJunk IsJunk='true' MoveItem='true'><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds>"
        "</m:MarkAsJunk>",
        "<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id='inbox'/></m:ToFolderId>"
        "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:MoveItem>",
    };
    size_t known = h->gone_count < EH_GONE_IDS ? h->gone_count : EH_GONE_IDS;
    struct buf request = BUF_INIT;
    const char *body, *at;

    if (known == 0) {
        return;
    }
    body = requests[eh_pick(h, ARRAY_LEN(requests))];
    at = strstr(body, "%s");
    buf_add_str(&request, str_of(body, (size_t)(at - body)));
    buf_add_str(&request, str_from(h->gone_ids[eh_pick(h, (unsigned)known)]));
    buf_add_str(&request, str_from(at + 2));
    body = eh_xml(h, "%.*s", (int)request.n, request.p);
    buf_fini(&request);
    eh_expect(h, "ErrorItemNotFound");
    eh_ask(h, eh_pick_user(h), "%s", body);
}
