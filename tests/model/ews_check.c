/* What the server shows at the end of a history of EWS requests, compared with the model: folders, counts, items with all that the model knows of them, to their owners and to the other user. */
#include "ews_history.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- folders ---- */

static void expect_number(struct eh *h, const struct xml_node *folder, const char *name,
                          const char *element, unsigned expected)
{
    const struct xml_node *node = eh_find(folder, element);
    const char *text = eh_text_of(h, node);

    if (node != NULL) { /* calendars and the like have no UnreadCount */
        EH_REQUIRE(h, strcmp(text, eh_xml(h, "%u", expected)) == 0, "%s of '%s' is %s, must be %u",
                   element, name, text, expected);
    }
}

static void check_folder(struct eh *h, size_t n, int folder)
{
    struct em_counts counts = em_folder_counts(&h->model, folder);
    const struct xml_node *node = eh_answered(h, n, "Folders");
    const struct em_folder *f = &h->model.folders[folder];

    EH_REQUIRE(h, strcmp(eh_text_of(h, eh_find(node, "DisplayName")), f->name) == 0,
               "folder '%s' is called '%s'", f->name, eh_text_of(h, eh_find(node, "DisplayName")));
    expect_number(h, node, f->name, "TotalCount", counts.total);
    expect_number(h, node, f->name, "UnreadCount", counts.unread);
    expect_number(h, node, f->name, "ChildFolderCount", counts.children);
}

/* As one of the users sees them, in one request. */
static void check_folders(struct eh *h, int owner, int user)
{
    const char *ids = "";
    size_t n = 0;

    for (size_t i = 0; i < h->model.folder_count; i++) {
        const struct em_folder *f = &h->model.folders[i];

        if (f->owner == owner && f->id != NULL) {
            const char *refusal = eh_refusal_of_folder(&h->model, user, (int)i);

            eh_expect(h, refusal != NULL ? refusal : "NoError");
            ids = eh_xml(h, "%s<t:FolderId Id='%s'/>", ids, f->id);
        }
    }
    eh_ask(h, user,
           "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>"
           "<m:FolderIds>%s</m:FolderIds></m:GetFolder>",
           ids);
    for (size_t i = 0; i < h->model.folder_count; i++) {
        const struct em_folder *f = &h->model.folders[i];

        if (f->owner == owner && f->id != NULL) {
            if (eh_refusal_of_folder(&h->model, user, (int)i) == NULL) {
                check_folder(h, n, (int)i);
            }
            n++;
        }
    }
}

/* ---- items ---- */

static void squeeze(const char *text, char *out, size_t bytes)
{
    size_t n = 0;

    for (; *text != '\0' && n + 1 < bytes; text++) {
        if (!isspace((unsigned char)*text)) {
            out[n++] = *text;
        }
    }
    out[n] = '\0';
}

static void check_body(struct eh *h, struct em_content *c, const struct xml_node *item)
{
    const struct xml_node *node = xml_child(item, XML_NS_TYPES, "Body");
    char body[EM_BODY_BYTES];

    squeeze(eh_text_of(h, node), body, sizeof(body));
    EH_REQUIRE(h, c->body_open || strcmp(body, c->body) == 0, "the body of '%s' is '%s', not '%s'",
               c->subject, body, c->body);
}

static void check_attachments(struct eh *h, const struct em_content *c, const struct xml_node *item)
{
    const struct xml_node *list = xml_child(item, XML_NS_TYPES, "Attachments");
    size_t n = 0, at;

    for (list = list != NULL ? list->first_child : NULL; list != NULL; list = list->next) {
        const char *name = eh_text_of(h, eh_find(list, "Name"));

        EH_REQUIRE(h, em_has_attachment(c, name, &at), "'%s' has an attachment '%s'", c->subject,
                   name);
        n++;
    }
    EH_REQUIRE(h, n == c->attachment_count, "'%s' has %zu attachments, must have %zu", c->subject,
               n, c->attachment_count);
}

static void check_item(struct eh *h, struct em_item *i, const struct xml_node *node)
{
    const char *subject;

    EH_REQUIRE(h, node != NULL && node->first_child != NULL, "no item in the answer");
    node = node->first_child;
    subject = eh_text_of(h, eh_find(node, "Subject"));
    EH_REQUIRE(h, strcmp(subject, i->content.subject) == 0, "'%s' is called '%s'",
               i->content.subject, subject);
    EH_REQUIRE(h, strcmp(eh_attr(h, eh_find(node, "ItemId"), "ChangeKey"), i->key) == 0,
               "GetItem and sync show different ChangeKeys of '%s'", subject);
    EH_REQUIRE(h,
               !em_is_message(i->content.class) || strcmp(eh_text_of(h, eh_find(node, "IsDraft")),
                                                          i->draft ? "true" : "false") == 0,
               "IsDraft of '%s' is not %d", subject, i->draft);
    check_body(h, &i->content, node);
    check_attachments(h, &i->content, node);
}

static void get_items(struct eh *h, int user, const int *items, size_t n, const char *shape)
{
    const char *ids = "";

    for (size_t i = 0; i < n; i++) {
        const char *refusal = eh_refusal_of_item(&h->model, user, items[i]);

        eh_expect(h, refusal != NULL ? refusal : "NoError");
        ids = eh_xml(h, "%s<t:ItemId Id='%s'/>", ids, h->model.items[items[i]].id);
    }
    eh_ask(h, user, "<m:GetItem><m:ItemShape>%s</m:ItemShape><m:ItemIds>%s</m:ItemIds></m:GetItem>",
           shape, ids);
}

/* ---- series ---- */

static void expect_occurrence(struct eh *h, const struct em_content *c, size_t i)
{
    eh_expect(h, strcmp(c->occurrences[i], "-") == 0
                     ? "ErrorCalendarOccurrenceIsDeletedFromRecurrence"
                     : "NoError");
}

static void check_series(struct eh *h, const struct em_item *item)
{
    const struct em_content *c = &item->content;
    const char *ids = "";

    for (size_t i = 0; i < EM_OCCURRENCES; i++) {
        expect_occurrence(h, c, i);
        ids = eh_xml(h, "%s<t:OccurrenceItemId RecurringMasterId='%s' InstanceIndex='%zu'/>", ids,
                     item->id, i + 1);
    }
    eh_ask(h, h->model.folders[item->folder].owner,
           "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
           "<t:FieldURI FieldURI='item:Subject'/></t:AdditionalProperties></m:ItemShape>"
           "<m:ItemIds>%s</m:ItemIds></m:GetItem>",
           ids);
    for (size_t i = 0; i < EM_OCCURRENCES; i++) {
        const char *subject = eh_text_of(h, eh_answered(h, i, "Subject"));
        const char *expected = c->occurrences[i][0] == '\0' ? c->subject : c->occurrences[i];

        EH_REQUIRE(h, strcmp(c->occurrences[i], "-") == 0 || strcmp(subject, expected) == 0,
                   "occurrence %zu of '%s' is called '%s', not '%s'", i + 1, c->subject, subject,
                   expected);
    }
}

/* ---- all ---- */

static void check_items_of(struct eh *h, int folder)
{
    int items[EM_MAX_ITEMS];
    size_t n = em_items_of(&h->model, folder, items);
    int owner = h->model.folders[folder].owner;

    eh_learn_items(h, folder);
    if (n == 0) {
        return;
    }
    get_items(h, owner, items, n,
              "<t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Text</t:BodyType>");
    for (size_t i = 0; i < n; i++) {
        check_item(h, &h->model.items[items[i]], eh_answered(h, i, "Items"));
    }
    get_items(h, 1 - owner, items, n, "<t:BaseShape>IdOnly</t:BaseShape>");
    for (size_t i = 0; i < n; i++) {
        if (h->model.items[items[i]].content.class == EM_SERIES) {
            check_series(h, &h->model.items[items[i]]);
        }
    }
    arena_reset(h->fixture->arena);
}

static void check_mailbox(struct eh *h, int user)
{
    struct eh_tx *t = eh_begin(h, user, MAILBOX_TX_READ);

    EH_MUST(h, mailbox_check(t->tx, &t->err), &t->err);
    eh_end(h);
}

void eh_check_all(struct eh *h)
{
    for (int user = 0; user < EM_USERS; user++) {
        check_mailbox(h, user);
        eh_learn_folders(h, user);
        check_folders(h, user, user);
        check_folders(h, user, 1 - user);
    }
    for (size_t i = 0; i < h->model.folder_count; i++) {
        if (!h->model.folders[i].gone) {
            check_items_of(h, (int)i);
        }
    }
}
