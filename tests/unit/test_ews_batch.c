/* Requests over several mailboxes: legs, the order of messages, legs that fail, and items that move from one mailbox to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "mailbox/folder_write.h"
#include "mailbox/permissions.h"
#include "mailbox/props.h"
#include "mailbox/store.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#define ALL_IN_BOBS_INBOX                                                                          \
    "<t:DistinguishedFolderId Id='inbox'><t:Mailbox><t:EmailAddress>bob@example.com"               \
    "</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
#define OWN(name) "<t:DistinguishedFolderId Id='" name "'/>"

static void enter(struct ews_fixture *f, struct mailbox_no mailbox)
{
    f->in = mailbox;
}

/* Bob's inbox, in which alice may do everything. */
static struct folder_id given_shared_inbox(struct ews_fixture *f)
{
    struct folder_id inbox;

    enter(f, f->bob);
    inbox = ews_folder(f, DF_INBOX);
    ews_given_rights(f, inbox, f->alice, RIGHTS_ALL);
    enter(f, f->alice);
    return inbox;
}

static uint32_t total_of_bobs_inbox(struct ews_fixture *f)
{
    struct folder folder;

    enter(f, f->bob);
    assert_true(ews_find_folder(f, ews_folder(f, DF_INBOX), &folder));
    ews_check_mailbox(f);
    enter(f, f->alice);
    ews_check_mailbox(f);
    return folder.total;
}

static const char *ask_get_folders(struct ews_fixture *f, const char *ids)
{
    ews_ask(f,
            "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>"
            "<m:FolderIds>%s</m:FolderIds></m:GetFolder>",
            ids);
    return ews_codes(f);
}

/* ---- reading ---- */

static void test_messages_come_in_the_order_of_the_request(void **state)
{
    struct ews_fixture *f = *state;

    given_shared_inbox(f);
    assert_string_equal(ask_get_folders(f, OWN("drafts") ALL_IN_BOBS_INBOX OWN("voicemail")
                                               ALL_IN_BOBS_INBOX OWN("outbox")),
                        "NoError NoError ErrorFolderNotFound NoError NoError");
    assert_int_equal(f->legs, 2);
    assert_true(str_is(ews_nth(f, "DisplayName", 0)->text, "Drafts"));
    assert_true(str_is(ews_nth(f, "DisplayName", 1)->text, "Inbox"));
    assert_true(str_is(ews_nth(f, "DisplayName", 2)->text, "Inbox"));
    assert_true(str_is(ews_nth(f, "DisplayName", 3)->text, "Outbox"));
    assert_false(str_eq(xml_attr(ews_nth(f, "FolderId", 0), "Id"),
                        xml_attr(ews_nth(f, "FolderId", 1), "Id")));
}

static void test_one_mailbox_is_one_leg(void **state)
{
    struct ews_fixture *f = *state;

    given_shared_inbox(f);
    ask_get_folders(f, OWN("drafts") OWN("inbox"));
    assert_int_equal(f->legs, 1);
    ask_get_folders(f, ALL_IN_BOBS_INBOX ALL_IN_BOBS_INBOX);
    assert_int_equal(f->legs, 1);
    assert_string_equal(ews_codes(f), "NoError NoError");
}

/* An id whose mailbox is gone names nothing; it takes nobody anywhere. */
static void test_mailboxes_that_are_gone(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = given_shared_inbox(f);
    struct err err;

    assert_int_equal(store_user_delete(f->store, STR("bob@example.com"), &err), 0);
    assert_string_equal(ask_get_folders(f, arena_printf(f->arena, "%s<t:FolderId Id='%s'/>",
                                                        OWN("inbox") ALL_IN_BOBS_INBOX,
                                                        ews_foreign_folder_id(f, inbox))),
                        "NoError ErrorNonExistentMailbox ErrorFolderNotFound");
    assert_int_equal(f->legs, 1);
}

static void test_a_leg_that_fails_fails_its_objects_only(void **state)
{
    struct ews_fixture *f = *state;
    const char *ids = OWN("drafts") ALL_IN_BOBS_INBOX OWN("outbox");

    given_shared_inbox(f);
    f->fail_leg = 2;
    assert_string_equal(ask_get_folders(f, ids), "NoError ErrorInternalServerError NoError");
    assert_int_equal(f->http_status, 200);
    f->fail_leg = 1;
    assert_string_equal(ask_get_folders(f, ids),
                        "ErrorInternalServerError NoError ErrorInternalServerError");
    assert_string_equal(ews_children(f, ews_nth(f, "GetFolderResponseMessage", 0)),
                        "MessageText ResponseCode DescriptiveLinkKey Folders");
}

static void test_a_finished_answer_is_refused_whole(void **state)
{
    struct ews_fixture *f = *state;

    given_shared_inbox(f);
    f->refuse = true;
    assert_string_equal(ask_get_folders(f, OWN("drafts") ALL_IN_BOBS_INBOX OWN("outbox")),
                        "ErrorServerBusy");
    assert_int_equal(f->http_status, 500);
    assert_non_null(ews_nth(f, "Fault", 0));
}

static void test_a_request_that_fails_whole_is_a_fault(void **state)
{
    struct ews_fixture *f = *state;

    f->fail_leg = 1;
    assert_string_equal(ask_get_folders(f, OWN("drafts") OWN("inbox")), "ErrorInternalServerError");
    assert_int_equal(f->http_status, 500);
    assert_non_null(ews_nth(f, "Fault", 0));
}

/* ---- writing ---- */

static void test_deletes_in_two_mailboxes(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id theirs = given_shared_inbox(f);
    struct item_id own = ews_given_message(f, ews_folder(f, DF_INBOX), "own"), other;
    const char *request;
    struct item item;

    enter(f, f->bob);
    other = ews_given_message(f, theirs, "other");
    request = arena_printf(f->arena, "<t:ItemId Id='%s'/>", ews_item_id(f, other));
    enter(f, f->alice);
    request = arena_printf(f->arena, "%s<t:ItemId Id='%s'/>", request, ews_item_id(f, own));
    ews_ask(f, "<m:DeleteItem DeleteType='SoftDelete'><m:ItemIds>%s</m:ItemIds></m:DeleteItem>",
            request);
    assert_string_equal(ews_codes(f), "NoError NoError");
    assert_false(ews_find_item(f, own, &item));
    assert_int_equal(total_of_bobs_inbox(f), 0);
}

static const char *ask_transfer(struct ews_fixture *f, const char *op, const char *to,
                                const char *ids)
{
    ews_ask(f, "<m:%s><m:ToFolderId>%s</m:ToFolderId><m:ItemIds>%s</m:ItemIds></m:%s>", op, to, ids,
            op);
    return ews_codes(f);
}

static const char *item_xml(struct ews_fixture *f, struct item_id id)
{
    return arena_printf(f->arena, "<t:ItemId Id='%s'/>", ews_item_id(f, id));
}

static void test_a_move_to_another_mailbox(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "travels"), stays;
    struct item item;

    given_shared_inbox(f);
    stays = ews_given_message(f, ews_folder(f, DF_INBOX), "stays");
    ews_delete_item(f, stays);
    assert_string_equal(
        ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX,
                     arena_printf(f->arena, "%s%s", item_xml(f, stays), item_xml(f, id))),
        "ErrorItemNotFound NoError");
    assert_int_equal(f->legs, 3);
    assert_string_equal(ews_children(f, ews_nth(f, "MoveItemResponseMessage", 1)),
                        "ResponseCode Items");
    assert_int_equal(ews_nth(f, "Items", 1)->child_count, 0);
    assert_false(ews_find_item(f, id, &item));
    assert_int_equal(total_of_bobs_inbox(f), 1);
}

/* The message arrives whole, with its flags, and is known as made by who brought it. */
static void test_what_arrives_is_what_left(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "travels");
    struct item before, after = {.id = {0}};
    struct folder_id theirs = given_shared_inbox(f);
    struct props props;

    ews_set_read(f, id, true);
    assert_true(ews_find_item(f, id, &before));
    assert_string_equal(ask_transfer(f, "CopyItem", ALL_IN_BOBS_INBOX, item_xml(f, id)), "NoError");
    assert_int_equal(f->legs, 2);
    assert_true(ews_find_item(f, id, &after));
    after = (struct item){.id = {0}};
    enter(f, f->bob);
    for (uint64_t i = 1; i < 100 && after.folder.v != theirs.v; i++) {
        (void)ews_find_item(f, (struct item_id){i}, &after);
    }
    assert_int_equal(after.folder.v, theirs.v);
    assert_int_equal(after.flags, before.flags);
    assert_int_equal(after.kind, before.kind);
    assert_int_equal(after.received_ms, before.received_ms);
    assert_int_equal(after.size, before.size);
    assert_true(props_open(&props, after.props));
    assert_int_equal(props_int(&props, IPROP_CREATOR, 0), f->alice.v);
    assert_true(str_is(props.v[IPROP_SUBJECT], "travels"));
    assert_int_equal(total_of_bobs_inbox(f), 1);
}

static void test_an_arrival_that_fails_leaves_the_item(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "stays");
    struct item item;

    given_shared_inbox(f);
    f->fail_leg = 2;
    assert_string_equal(ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, item_xml(f, id)),
                        "ErrorInternalServerError");
    assert_true(ews_find_item(f, id, &item));
    assert_int_equal(total_of_bobs_inbox(f), 0);
}

/* Two items, never none; and when it is asked for again, one. */
static void test_a_removal_that_fails_can_be_asked_for_again(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "twice");
    struct item item;

    given_shared_inbox(f);
    f->fail_leg = 3;
    ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, item_xml(f, id));
    assert_string_equal(ews_codes(f), "ErrorInternalServerError");
    assert_true(ews_find_item(f, id, &item));
    assert_int_equal(total_of_bobs_inbox(f), 1);
    f->fail_leg = 0;
    ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, item_xml(f, id));
    assert_string_equal(ews_codes(f), "NoError");
    assert_false(ews_find_item(f, id, &item));
    assert_int_equal(total_of_bobs_inbox(f), 1);
}

/* What arrived in an attempt that was broken off, and was deleted there since, is no reason to take the last copy away. */
static void test_a_repeated_move_does_not_lose_what_was_deleted_there(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "kept");

    given_shared_inbox(f);
    f->fail_leg = 3;
    ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, item_xml(f, id));
    f->fail_leg = 0;
    f->as = f->bob;
    ews_ask(f, "<m:EmptyFolder DeleteType='HardDelete' DeleteSubFolders='false'><m:FolderIds>"
               "<t:DistinguishedFolderId Id='inbox'/></m:FolderIds></m:EmptyFolder>");
    f->as = f->alice;
    assert_int_equal(total_of_bobs_inbox(f), 0);
    ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, item_xml(f, id));
    assert_string_equal(ews_codes(f), "NoError");
    assert_int_equal(total_of_bobs_inbox(f), 1);
}

/* What was changed since is another version, and arrives. */
static void test_a_change_between_two_attempts_is_not_lost(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "changes");

    given_shared_inbox(f);
    f->fail_leg = 3;
    ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, item_xml(f, id));
    f->fail_leg = 0;
    ews_touch(f, id);
    ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, item_xml(f, id));
    assert_string_equal(ews_codes(f), "NoError");
    assert_int_equal(total_of_bobs_inbox(f), 2);
}

static void set_bobs_quota(struct ews_fixture *f, uint64_t bytes)
{
    struct mailbox *mailbox;
    struct err err;

    assert_int_equal(store_mailbox_take(f->store, f->bob, &mailbox, &err), 0);
    mailbox_set_quota(mailbox, bytes);
    store_mailbox_release(f->store, &mailbox);
}

/* The note of an arrival is undone with it. */
static void test_a_full_mailbox_refuses_and_can_be_tried_again(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "large");

    given_shared_inbox(f);
    set_bobs_quota(f, 10);
    assert_string_equal(ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, item_xml(f, id)),
                        "ErrorQuotaExceeded");
    assert_int_equal(total_of_bobs_inbox(f), 0);
    set_bobs_quota(f, 0);
    assert_string_equal(ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, item_xml(f, id)), "NoError");
    assert_int_equal(total_of_bobs_inbox(f), 1);
}

/* More than is held in memory at once goes in several rounds, and in order. */
static void test_large_messages_go_in_rounds(void **state)
{
    enum { N = 5, BYTES = 12 * 1024 * 1024 };
    struct ews_fixture *f = *state;
    char *text = arena_alloc(f->arena, BYTES);
    const char *ids = "";
    struct folder folder;

    given_shared_inbox(f);
    memset(text, 'x', BYTES - 1);
    memcpy(text, "Subject: large\r\n\r\n", 18);
    for (int i = 0; i < N; i++) {
        struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), text);

        ids = arena_printf(f->arena, "%s%s", ids, item_xml(f, id));
    }
    assert_string_equal(ask_transfer(f, "MoveItem", ALL_IN_BOBS_INBOX, ids),
                        "NoError NoError NoError NoError NoError");
    assert_int_equal(f->legs, 7);
    assert_int_equal(total_of_bobs_inbox(f), N);
    assert_true(ews_find_folder(f, ews_folder(f, DF_INBOX), &folder));
    assert_int_equal(folder.total, 0);
}

static void test_folders_do_not_leave_their_mailbox(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");

    given_shared_inbox(f);
    ews_ask(f,
            "<m:MoveFolder><m:ToFolderId>" ALL_IN_BOBS_INBOX "</m:ToFolderId><m:FolderIds>"
            "<t:FolderId Id='%s'/></m:FolderIds></m:MoveFolder>",
            ews_folder_id(f, a));
    assert_string_equal(ews_codes(f), "ErrorCrossMailboxMoveCopy");
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_messages_come_in_the_order_of_the_request),
        fixture_test(test_one_mailbox_is_one_leg),
        fixture_test(test_mailboxes_that_are_gone),
        fixture_test(test_a_leg_that_fails_fails_its_objects_only),
        fixture_test(test_a_finished_answer_is_refused_whole),
        fixture_test(test_a_request_that_fails_whole_is_a_fault),
        fixture_test(test_deletes_in_two_mailboxes),
        fixture_test(test_a_move_to_another_mailbox),
        fixture_test(test_what_arrives_is_what_left),
        fixture_test(test_an_arrival_that_fails_leaves_the_item),
        fixture_test(test_a_removal_that_fails_can_be_asked_for_again),
        fixture_test(test_a_repeated_move_does_not_lose_what_was_deleted_there),
        fixture_test(test_a_change_between_two_attempts_is_not_lost),
        fixture_test(test_a_full_mailbox_refuses_and_can_be_tried_again),
        fixture_test(test_large_messages_go_in_rounds),
        fixture_test(test_folders_do_not_leave_their_mailbox),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
