/* What may happen in a history of EWS requests, and how often; and the way of mail from one mailbox to another. */
#include "ews_actions.h"

#include "mailbox/draft.h"
#include "mailbox/outbox.h"
#include "mailbox/store.h"

#include <string.h>

#define SHARED_FIRST 10

static void act_deliver(struct eh *h)
{
    eh_deliver(h);
}

const struct eh_action eh_actions[] = {
    {14, "CreateItem", act_create_item},
    {6, "CreateItem of MIME", act_create_mime},
    {5, "CreateItem that sends", act_create_and_send},
    {8, "CreateItem of a response", act_respond},
    {2, "CreateItem of RemoveItem", act_remove_cancelled},
    {2, "CreateItem, CopyItem without room", act_create_in_full_mailbox},
    {7, "SendItem", act_send_item},
    {3, "UpdateItem that sends", act_update_and_send},
    {5, "delivery", act_deliver},
    {12, "UpdateItem", act_update_item},
    {4, "UpdateItem of an occurrence", act_update_occurrence},
    {6, "DeleteItem", act_delete_item},
    {3, "DeleteItem of an occurrence", act_delete_occurrence},
    {8, "MoveItem", act_move_item},
    {6, "CopyItem", act_copy_item},
    {4, "MarkAllItemsAsRead", act_mark_all_as_read},
    {3, "MarkAsJunk", act_mark_as_junk},
    {4, "CreateAttachment", act_create_attachment},
    {3, "DeleteAttachment", act_delete_attachment},
    {4, "ExportItems", act_export_items},
    {5, "UploadItems", act_upload_items},
    {2, "ids of what is gone", act_ask_for_what_is_gone},
    {6, "CreateFolder", act_create_folder},
    {3, "CreateFolderPath", act_create_folder_path},
    {4, "UpdateFolder", act_rename_folder},
    {10, "UpdateFolder of permissions", act_share_folder},
    {5, "MoveFolder", act_move_folder},
    {3, "CopyFolder", act_copy_folder},
    {4, "DeleteFolder", act_delete_folder},
    {3, "EmptyFolder", act_empty_folder},
};
const size_t eh_action_count = ARRAY_LEN(eh_actions);

static size_t pick_action(struct eh *h)
{
    unsigned sum = 0, at;
    size_t i = 0;

    for (size_t j = 0; j < eh_action_count; j++) {
        sum += eh_actions[j].weight;
    }
    at = eh_pick(h, sum);
    while (at >= eh_actions[i].weight) {
        at -= eh_actions[i++].weight;
    }
    return i;
}

void eh_act(struct eh *h)
{
    size_t i = pick_action(h);
    unsigned before = h->requests;

    h->cause = eh_actions[i].name;
    eh_note(h, "%s", h->cause);
    eh_actions[i].act(h);
    h->done[i] += h->requests != before;
}

void eh_share_some(struct eh *h)
{
    for (unsigned i = 0; i < SHARED_FIRST; i++) {
        act_share_folder(h);
    }
}

/* ---- delivery: what the sender does (src/smtp), a step at a time ---- */

static void store_arrival(struct eh *h, struct eh_tx *t, const struct outbox_message *m)
{
    const struct draft_options as = {.received_ms = clock_unix_ms(&h->fixture->clock.base),
                                     .now_ms = clock_unix_ms(&h->fixture->clock.base),
                                     .delivered = true};
    struct item_draft draft;
    struct folder inbox = {.id = {0}};
    struct item_id id;

    item_draft_from_mime(h->fixture->arena, m->mime, &as, &draft);
    EH_MUST(h, mailbox_folder_by_distinguished(t->tx, DF_INBOX, h->fixture->arena, &inbox, &t->err),
            &t->err);
    EH_MUST(h, mailbox_item_add(t->tx, inbox.id, &draft, &id, &t->err), &t->err);
}

/* Now and then it comes twice, as after a crash between arrival and note: the second is known. */
static void arrive(struct eh *h, int from, int to, const struct outbox_message *m)
{
    const struct delivery_origin origin = {
        .mailbox = eh_mailbox(h, from), .id = m->id, .queued_ms = m->queued_ms};
    unsigned times = eh_one_in(h, 4) ? 2 : 1;

    for (unsigned i = 0; i < times; i++) {
        struct eh_tx *t = eh_begin(h, to, MAILBOX_TX_WRITE);
        int is_new = delivery_note_once(t->tx, &origin, &t->err);
        EH_MUST(h, is_new, &t->err);
        EH_REQUIRE(h, is_new == (i == 0), "the arrival number %u of a message is %s", i + 1,
                   is_new ? "new" : "known");
        if (is_new == 1) {
            store_arrival(h, t, m);
        }
        eh_end(h);
    }
}

/* In the order in which they were queued. */
static void load_outbox(struct eh *h, int user, struct outbox_message **messages_r, size_t *n_r)
{
    struct seq *ids = NULL;
    struct eh_tx *t = eh_begin(h, user, MAILBOX_TX_READ);
    int64_t next;

    EH_MUST(h,
            outbox_due(t->tx, INT64_MAX - 1, EM_MAX_QUEUED, h->fixture->arena, &ids, n_r, &next,
                       &t->err),
            &t->err);
    *messages_r = ARENA_ARRAY(h->fixture->arena, struct outbox_message, *n_r);
    for (size_t i = 0; i < *n_r; i++) {
        EH_MUST(h, outbox_get(t->tx, ids[i], h->fixture->arena, &(*messages_r)[i], &t->err),
                &t->err);
    }
    eh_end(h);
}

static int user_of(struct eh *h, struct str address)
{
    if (str_is(address, "alice@example.com")) {
        return 0;
    }
    EH_REQUIRE(h, str_is(address, "bob@example.com"), "mail to %.*s", STR_ARG(address));
    return 1;
}

static void carry(struct eh *h, int user, const struct outbox_message *m,
                  const struct em_queued *expected)
{
    unsigned recipients = 0;
    struct eh_tx *t;

    for (size_t i = 0; i < m->recipient_count; i++) {
        int to = user_of(h, m->recipients[i].address);

        recipients |= 1u << to;
        arrive(h, user, to, m);
    }
    EH_REQUIRE(h, recipients == expected->recipients, "'%s' goes to %u, must go to %u",
               expected->content.subject, recipients, expected->recipients);
    t = eh_begin(h, user, MAILBOX_TX_WRITE);
    EH_MUST(h, outbox_remove(t->tx, m->id, &t->err), &t->err);
    eh_end(h);
}

void eh_deliver(struct eh *h)
{
    for (int user = 0; user < EM_USERS; user++) {
        struct outbox_message *messages;
        size_t n = 0;

        load_outbox(h, user, &messages, &n);
        EH_REQUIRE(h, n == h->model.queued_count[user], "%zu messages are under way, must be %zu",
                   n, h->model.queued_count[user]);
        for (size_t i = 0; i < n; i++) {
            carry(h, user, &messages[i], &h->model.queued[user][i]);
        }
        em_deliver(&h->model, user);
    }
    h->requests++;
}
