/* Making items: from properties, from MIME. */
#include "ews_actions.h"

#include "base/base64.h"
#include "mailbox/folder_write.h"

#include <stdio.h>
#include <string.h>

static const char *const addresses[] = {"alice@example.com", "bob@example.com",
                                        "stranger@example.org"};

const char *const eh_dispositions[] = {"SaveOnly", "SendOnly", "SendAndSaveCopy"};

/* ---- contents ---- */

static void set_text(char *out, size_t bytes, const char *text)
{
    snprintf(out, bytes, "%s", text);
}

/* Bodies are compared without white space. */
static void set_body(struct em_content *c, const char *text)
{
    size_t n = 0;

    for (; *text != '\0' && n + 1 < sizeof(c->body); text++) {
        if (*text != ' ') {
            c->body[n++] = *text;
        }
    }
    c->body[n] = '\0';
}

const char *eh_recipients_xml(struct eh *h, unsigned to)
{
    const char *xml = "";

    for (unsigned i = 0; i <= EM_STRANGER; i++) {
        if ((to & 1u << i) != 0) {
            xml = eh_xml(h, "%s<t:Mailbox><t:EmailAddress>%s</t:EmailAddress></t:Mailbox>", xml,
                         addresses[i]);
        }
    }
    return to == 0 ? "" : eh_xml(h, "<t:ToRecipients>%s</t:ToRecipients>", xml);
}

unsigned eh_pick_recipients(struct eh *h)
{
    if (eh_one_in(h, 12)) {
        return 0;
    }
    return eh_one_in(h, 12) ? 1 + eh_pick(h, EH_ALL_RECIPIENTS) : 1 + eh_pick(h, 3);
}

/* What the element of each class has besides subject and body. */
static const char *particulars(struct eh *h, struct em_item *like)
{
#define TIMES "<t:Start>2024-03-04T11:00:00Z</t:Start><t:End>2024-03-04T12:00:00Z</t:End>"
    switch (like->content.class) {
    case EM_MESSAGE:
        like->draft = true;
        like->content.to = eh_pick_recipients(h);
        like->read = !eh_one_in(h, 3);
        return eh_xml(h, "%s<t:IsRead>%s</t:IsRead>", eh_recipients_xml(h, like->content.to),
                      like->read ? "true" : "false");
    case EM_LIST:
    case EM_CONTACT: return "<t:DisplayName>somebody</t:DisplayName>";
    case EM_APPOINTMENT: return TIMES;
    case EM_SERIES:
        return TIMES "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval>"
                     "</t:DailyRecurrence><t:NumberedRecurrence><t:StartDate>2024-03-04"
                     "</t:StartDate><t:NumberOfOccurrences>4</t:NumberOfOccurrences>"
                     "</t:NumberedRecurrence></t:Recurrence>";
    default: return "";
    }
#undef TIMES
}

const char *eh_item_xml(struct eh *h, enum em_class class, struct em_item *like_r)
{
    const char *subject = eh_new_text(h, "subject"), *body = eh_new_text(h, "body");
    const char *element = em_element(class);

    *like_r = (struct em_item){
        .read = true, .answers = EM_GONE, .content = {.class = class, .from = EM_NOBODY}};
    set_text(like_r->content.subject, sizeof(like_r->content.subject), subject);
    set_body(&like_r->content, body);
    return eh_xml(h, "<t:%s><t:Subject>%s</t:Subject><t:Body BodyType='Text'>%s</t:Body>%s</t:%s>",
                  element, subject, body, particulars(h, like_r), element);
}

/* ---- where to ---- */

static enum distinguished default_folder(enum em_class class, bool sends)
{
    switch (class) {
    case EM_APPOINTMENT:
    case EM_SERIES: return DF_CALENDAR;
    case EM_CONTACT:
    case EM_LIST: return DF_CONTACTS;
    case EM_TASK: return DF_TASKS;
    case EM_POST: return DF_NONE;
    default: return sends ? DF_SENTITEMS : DF_DRAFTS;
    }
}

const char *eh_saved_xml(struct eh *h, int folder)
{
    return folder == EM_GONE ? ""
                             : eh_xml(h, "<m:SavedItemFolderId>%s</m:SavedItemFolderId>",
                                      eh_folder_xml(h, folder));
}

const char *eh_refusal_of_saving(const struct em *m, int user, int folder, enum em_class class,
                                 bool sends, int *to_r)
{
    enum distinguished which = default_folder(class, sends);

    if (folder == EM_GONE && which == DF_NONE) {
        return "ErrorSavedItemFolderNotFound";
    }
    *to_r = folder != EM_GONE ? folder : m->known[user][which];
    return refusal_of_target(m, user, *to_r, RIGHT_CREATE_ITEMS, "ErrorSavedItemFolderNotFound",
                             "ErrorCreateItemAccessDenied");
}

/* ---- saved ---- */

static enum em_class pick_class(struct eh *h)
{
    static const enum em_class some[] = {EM_MESSAGE, EM_MESSAGE, EM_POST,   EM_CONTACT,
                                         EM_LIST,    EM_TASK,    EM_SERIES, EM_APPOINTMENT,
                                         EM_SERIES,  EM_ITEM};

    return some[eh_pick(h, ARRAY_LEN(some))];
}

#define MAX_MADE 3

static const char *refusal_of_attributes(enum em_class class, bool given)
{
    if (given) {
        return NULL;
    }
    return em_is_message(class)         ? "ErrorMessageDispositionRequired"
           : em_is_calendar_item(class) ? "ErrorSendMeetingInvitationsRequired"
                                        : NULL;
}

void act_create_item(struct eh *h)
{
    int user = eh_pick_user(h), folder = eh_one_in(h, 3) ? EM_GONE : eh_pick_folder(h, user);
    const char *items = "", *saved = eh_saved_xml(h, folder);
    bool given = !eh_one_in(h, 25);
    size_t n = 1 + eh_pick(h, MAX_MADE);
    int made[MAX_MADE];

    for (size_t i = 0; i < n; i++) {
        enum em_class class = pick_class(h);
        struct em_item like;
        int to = EM_GONE;

        items = eh_xml(h, "%s%s", items, eh_item_xml(h, class, &like));
        made[i] = expect_success(h, first_refusal(refusal_of_attributes(class, given),
                                                  eh_refusal_of_saving(&h->model, user, folder,
                                                                       class, false, &to)))
                      ? em_item_add(&h->model, user, to, &like)
                      : EM_GONE;
    }
    eh_ask(h, user, "<m:CreateItem %s>%s<m:Items>%s</m:Items></m:CreateItem>",
           given ? "MessageDisposition='SaveOnly' SendMeetingInvitations='SendToNone'" : "", saved,
           items);
    for (size_t i = 0; i < n; i++) {
        if (made[i] != EM_GONE) {
            eh_note_item(h, i, "ItemId", made[i]);
        }
    }
}

/* ---- from MIME ---- */

static const char *calendar_text(struct eh *h, enum em_class class, const char *subject)
{
    const char *method = class == EM_REQUEST    ? "REQUEST"
                         : class == EM_RESPONSE ? "REPLY"
                                                : "CANCEL";

    return eh_xml(h,
                  "Content-Type: text/calendar; method=%s; charset=utf-8\r\n\r\n"
                  "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//model//EN\r\nMETHOD:%s\r\n"
                  "BEGIN:VEVENT\r\nUID:%s\r\nDTSTAMP:20240301T080000Z\r\n"
                  "DTSTART:20240304T110000Z\r\nDTEND:20240304T120000Z\r\nSUMMARY:%s\r\n"
                  "ORGANIZER:mailto:bob@example.com\r\n"
                  "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\r\n"
                  "END:VEVENT\r\nEND:VCALENDAR\r\n",
                  method, method, eh_new_text(h, "uid"), subject);
}

static const char *mime_of(struct eh *h, struct em_content *c)
{
    const char *from = "", *to = "", *body = eh_new_text(h, "body"), *rest;

    if (c->from != EM_NOBODY) {
        from = eh_xml(h, "From: %s\r\n", addresses[c->from]);
    }
    for (unsigned i = 0; i <= EM_STRANGER; i++) {
        if ((c->to & 1u << i) != 0) {
            to = eh_xml(h, "%s%s%s", to, to[0] == '\0' ? "" : ", ", addresses[i]);
        }
    }
    if (to[0] != '\0') {
        to = eh_xml(h, "To: %s\r\n", to);
    }
    c->body_open = c->class != EM_MESSAGE;
    set_body(c, body);
    rest = c->class == EM_MESSAGE ? eh_xml(h, "Content-Type: text/plain\r\n\r\n%s\r\n", body)
                                  : calendar_text(h, c->class, c->subject);
    return eh_xml(h, "%s%sSubject: %s\r\nMIME-Version: 1.0\r\n%s", from, to, c->subject, rest);
}

static const char *base64_of(struct eh *h, const char *text)
{
    struct buf out = BUF_INIT;
    const char *kept;

    base64_encode(&out, text, strlen(text));
    kept = str_cstr(h->fixture->arena, buf_str(&out));
    buf_fini(&out);
    return kept;
}

void act_create_mime(struct eh *h)
{
    static const enum em_class some[] = {EM_MESSAGE, EM_MESSAGE, EM_REQUEST, EM_RESPONSE,
                                         EM_CANCELLATION};
    int user = eh_pick_user(h), folder = eh_one_in(h, 3) ? EM_GONE : eh_pick_folder(h, user);
    struct em_item like = {.read = true,
                           .draft = true,
                           .answers = EM_GONE,
                           .content = {.class = some[eh_pick(h, ARRAY_LEN(some))],
                                       .from = (int)eh_pick(h, EM_USERS + 2) - 1,
                                       .to = eh_pick_recipients(h)}};
    const char *saved = eh_saved_xml(h, folder), *mime;
    int to = EM_GONE, made = EM_GONE;

    set_text(like.content.subject, sizeof(like.content.subject), eh_new_text(h, "subject"));
    mime = mime_of(h, &like.content);
    if (expect_success(
            h, eh_refusal_of_saving(&h->model, user, folder, like.content.class, false, &to))) {
        made = em_item_add(&h->model, user, to, &like);
    }
    eh_ask(h, user,
           "<m:CreateItem MessageDisposition='SaveOnly'>%s<m:Items><t:Message><t:MimeContent>%s"
           "</t:MimeContent></t:Message></m:Items></m:CreateItem>",
           saved, base64_of(h, mime));
    if (made != EM_GONE) {
        eh_note_item(h, 0, "ItemId", made);
    }
}

/* ---- no room ---- */

static bool set_quota(struct eh *h, int user, uint64_t bytes)
{
    struct eh_tx *t = eh_begin(h, user, MAILBOX_TX_READ);
    bool full = mailbox_bytes_used(t->tx) > bytes;

    mailbox_set_quota(t->mailbox, bytes);
    eh_end(h);
    return full;
}

void act_create_in_full_mailbox(struct eh *h)
{
    int user = eh_pick_user(h), item = eh_pick_item(h, user, EH_ANY_CLASS);
    int inbox = h->model.known[user][DF_INBOX];
    struct em_item like;

    if (item == EM_GONE || h->model.items[item].owner != user ||
        h->model.items[item].folder == EM_GONE || h->model.items[item].associated) {
        return;
    }
    (void)eh_item_id(h, item);
    if (set_quota(h, user, 1)) {
        eh_expect(h, "ErrorQuotaExceeded");
        eh_ask(h, user,
               "<m:CreateItem MessageDisposition='SaveOnly'><m:Items>%s</m:Items></m:CreateItem>",
               eh_item_xml(h, EM_MESSAGE, &like));
        eh_expect(h, "ErrorQuotaExceeded");
        eh_ask(h, user,
               "<m:CopyItem><m:ToFolderId>%s</m:ToFolderId><m:ItemIds><t:ItemId Id='%s'/>"
               "</m:ItemIds></m:CopyItem>",
               eh_folder_xml(h, inbox), h->model.items[item].id);
    }
    (void)set_quota(h, user, 0);
}
