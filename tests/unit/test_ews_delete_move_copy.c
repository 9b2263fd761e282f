/* DeleteItem, MoveItem, CopyItem, MarkAsJunk within a mailbox: what goes where, under which id, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

static const char *ids(struct ews_fixture *f, const struct item_id *items, size_t n)
{
    const char *text = "";

    for (size_t i = 0; i < n; i++) {
        text = arena_printf(f->arena, "%s<t:ItemId Id='%s'/>", text, ews_item_id(f, items[i]));
    }
    return text;
}

static const char *ask_delete(struct ews_fixture *f, const char *attributes, struct item_id id)
{
    ews_ask(f, "<m:DeleteItem %s><m:ItemIds>%s</m:ItemIds></m:DeleteItem>", attributes,
            ids(f, &id, 1));
    return ews_codes(f);
}

static const char *ask_transfer(struct ews_fixture *f, const char *op, const char *to,
                                struct item_id id)
{
    ews_ask(f, "<m:%s><m:ToFolderId>%s</m:ToFolderId><m:ItemIds>%s</m:ItemIds></m:%s>", op, to,
            ids(f, &id, 1), op);
    return ews_codes(f);
}

static struct folder_id folder_of(struct ews_fixture *f, struct item_id id)
{
    struct item item;

    return ews_find_item(f, id, &item) ? item.folder : (struct folder_id){0};
}

/* The only item of a folder; 0 when there is none. */
static struct item_id only_item(struct ews_fixture *f, enum distinguished which)
{
    struct item_id id = {0};

    for (uint64_t i = 1; i < 1000; i++) {
        if (folder_of(f, (struct item_id){i}).v == ews_folder(f, which).v) {
            assert_int_equal(id.v, 0);
            id.v = i;
        }
    }
    return id;
}

/* ---- DeleteItem ---- */

static void test_hard_delete_is_for_good(void **state)
{
    struct ews_fixture *f = *state;
    struct item item;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "gone");

    assert_string_equal(ask_delete(f, "DeleteType='HardDelete'", id), "NoError");
    assert_string_equal(ews_children(f, ews_nth(f, "DeleteItemResponseMessage", 0)),
                        "ResponseCode");
    assert_false(ews_find_item(f, id, &item));
    assert_int_equal(only_item(f, DF_DELETEDITEMS).v, 0);
    assert_string_equal(ask_delete(f, "DeleteType='HardDelete'", id), "ErrorItemNotFound");
    assert_string_equal(ews_text(f, "MessageText"),
                        "The specified object was not found in the store.");
    ews_check_mailbox(f);
}

static void test_the_bin_first_then_recoverable_then_gone(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "three times");

    assert_string_equal(ask_delete(f, "DeleteType='MoveToDeletedItems'", id), "NoError");
    id = only_item(f, DF_DELETEDITEMS);
    assert_int_not_equal(id.v, 0);
    assert_string_equal(ask_delete(f, "DeleteType='MoveToDeletedItems'", id), "NoError");
    assert_int_equal(only_item(f, DF_DELETEDITEMS).v, 0);
    id = only_item(f, DF_RECOVERABLEITEMSDELETIONS);
    assert_int_not_equal(id.v, 0);
    assert_string_equal(ask_delete(f, "DeleteType='SoftDelete'", id), "NoError");
    assert_int_equal(only_item(f, DF_RECOVERABLEITEMSDELETIONS).v, 0);
    ews_check_mailbox(f);
}

static void test_soft_delete_is_recoverable(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "soft");

    assert_string_equal(ask_delete(f, "DeleteType='SoftDelete'", id), "NoError");
    assert_int_not_equal(only_item(f, DF_RECOVERABLEITEMSDELETIONS).v, 0);
    assert_int_equal(only_item(f, DF_DELETEDITEMS).v, 0);
}

static void test_attributes_that_a_class_requires(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id meeting = ews_given_item(f, ews_folder(f, DF_CALENDAR), ITEM_KIND_CALENDAR_ITEM);
    struct item_id task = ews_given_item(f, ews_folder(f, DF_TASKS), ITEM_KIND_TASK);

    assert_string_equal(ask_delete(f, "DeleteType='HardDelete'", meeting),
                        "ErrorSendMeetingCancellationsRequired");
    assert_string_equal(ask_delete(f, "DeleteType='HardDelete'", task),
                        "ErrorAffectedTaskOccurrencesRequired");
    assert_string_equal(
        ask_delete(f, "DeleteType='HardDelete' SendMeetingCancellations='SendToNone'", meeting),
        "NoError");
    assert_string_equal(
        ask_delete(f, "DeleteType='HardDelete' AffectedTaskOccurrences='AllOccurrences'", task),
        "NoError");
}

static void test_associated_items_are_deleted_hard_only_and_never_moved(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_associated(f, ews_folder(f, DF_INBOX));
    const char *to = "<t:DistinguishedFolderId Id='drafts'/>";

    assert_string_equal(ask_delete(f, "DeleteType='SoftDelete'", id), "ErrorInvalidOperation");
    assert_string_equal(ask_delete(f, "DeleteType='MoveToDeletedItems'", id),
                        "ErrorInvalidOperation");
    assert_string_equal(ask_transfer(f, "MoveItem", to, id), "ErrorInvalidOperation");
    assert_string_equal(ask_transfer(f, "CopyItem", to, id), "ErrorInvalidOperation");
    assert_string_equal(ask_delete(f, "DeleteType='HardDelete'", id), "NoError");
}

static void test_what_the_schema_refuses(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "stays");
    struct item item;

    assert_string_equal(ask_delete(f, "", id), "ErrorSchemaValidation");
    assert_string_equal(ask_delete(f, "DeleteType='Burn'", id), "ErrorSchemaValidation");
    assert_string_equal(ask_delete(f, "DeleteType='HardDelete' SendMeetingCancellations='x'", id),
                        "ErrorSchemaValidation");
    ews_ask(f, "<m:DeleteItem DeleteType='HardDelete'><m:ItemIds/></m:DeleteItem>");
    assert_string_equal(ews_codes(f), "ErrorSchemaValidation");
    assert_true(ews_find_item(f, id, &item));
}

static void test_a_batch_in_order_with_errors_between(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct item_id items[] = {ews_given_message(f, inbox, "a"), ews_given_message(f, inbox, "b"),
                              ews_given_message(f, inbox, "c")};

    ews_delete_item(f, items[1]);
    ews_ask(f,
            "<m:DeleteItem DeleteType='HardDelete'><m:ItemIds>%s<t:ItemId Id=''/>"
            "<t:ItemId Id='AAA='/><t:ItemId Id='%s'/></m:ItemIds></m:DeleteItem>",
            ids(f, items, 3), ews_folder_id(f, inbox));
    assert_string_equal(ews_codes(f), "NoError ErrorItemNotFound NoError ErrorInvalidIdEmpty "
                                      "ErrorInvalidIdMalformed ErrorCannotUseFolderIdForItemId");
    ews_check_mailbox(f);
}

/* ---- MoveItem, CopyItem ---- */

static void test_a_moved_item_has_a_new_id(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "moves");
    struct item item;
    const char *moved;

    assert_string_equal(ask_transfer(f, "MoveItem", "<t:DistinguishedFolderId Id='drafts'/>", id),
                        "NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "Items", 0)), "Items(Message(ItemId))");
    moved = ews_attr(f, "ItemId", "Id");
    assert_string_not_equal(moved, ews_item_id(f, id));
    assert_false(ews_find_item(f, id, &item));
    assert_string_equal(moved, ews_item_id(f, only_item(f, DF_DRAFTS)));
    ews_check_mailbox(f);
}

static void test_the_new_change_key_is_the_items(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "moves");
    const char *moved, *key;

    ask_transfer(f, "MoveItem", "<t:DistinguishedFolderId Id='drafts'/>", id);
    moved = ews_attr(f, "ItemId", "Id");
    key = ews_attr(f, "ItemId", "ChangeKey");
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>"
            "<t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            moved);
    assert_string_equal(ews_attr(f, "ItemId", "ChangeKey"), key);
}

static void test_a_copy_leaves_the_item(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "twice");

    assert_string_equal(ask_transfer(f, "CopyItem",
                                     arena_printf(f->arena, "<t:FolderId Id='%s'/>",
                                                  ews_folder_id(f, ews_folder(f, DF_ARCHIVE))),
                                     id),
                        "NoError");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), ews_item_id(f, only_item(f, DF_ARCHIVE)));
    assert_int_equal(folder_of(f, id).v, ews_folder(f, DF_INBOX).v);
    ews_check_mailbox(f);
}

static void test_new_ids_may_be_unwanted(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "quiet");

    ews_ask(f,
            "<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id='drafts'/></m:ToFolderId>"
            "<m:ItemIds>%s</m:ItemIds><m:ReturnNewItemIds>false</m:ReturnNewItemIds></m:MoveItem>",
            ids(f, &id, 1));
    assert_string_equal(ews_codes(f), "NoError");
    assert_int_equal(ews_nth(f, "Items", 0)->child_count, 0);
}

static void test_targets_that_are_none(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct folder_id gone = ews_given_folder(f, inbox, "gone", "IPF.Note");
    struct item_id items[] = {ews_given_message(f, inbox, "a"), ews_given_message(f, inbox, "b")};
    struct item item;

    ews_delete_folder(f, gone);
    ews_ask(f,
            "<m:MoveItem><m:ToFolderId><t:FolderId Id='%s'/></m:ToFolderId><m:ItemIds>%s"
            "</m:ItemIds></m:MoveItem>",
            ews_folder_id(f, gone), ids(f, items, 2));
    assert_string_equal(ews_codes(f), "ErrorToFolderNotFound ErrorToFolderNotFound");
    assert_string_equal(ews_children(f, ews_nth(f, "MoveItemResponseMessage", 0)),
                        "MessageText ResponseCode DescriptiveLinkKey Items");
    assert_string_equal(
        ask_transfer(f, "CopyItem", "<t:DistinguishedFolderId Id='publicfoldersroot'/>", items[0]),
        "ErrorToFolderNotFound");
    assert_string_equal(ask_transfer(f, "MoveItem", "<t:FolderId Id='AAA='/>", items[0]),
                        "ErrorInvalidIdMalformed");
    assert_string_equal(
        ask_transfer(f, "MoveItem",
                     arena_printf(f->arena, "<t:FolderId Id='%s'/>", ews_item_id(f, items[1])),
                     items[0]),
        "ErrorCannotUseItemIdForFolderId");
    assert_string_equal(ask_transfer(f, "MoveItem",
                                     "<t:DistinguishedFolderId Id='inbox'><t:Mailbox>"
                                     "<t:EmailAddress>nobody@example.com</t:EmailAddress>"
                                     "</t:Mailbox></t:DistinguishedFolderId>",
                                     items[0]),
                        "ErrorNonExistentMailbox");
    assert_string_equal(ask_transfer(f, "MoveItem", "<t:AddressListId Id='x'/>", items[0]),
                        "ErrorInvalidOperation");
    assert_true(ews_find_item(f, items[0], &item));
    assert_true(ews_find_item(f, items[1], &item));
}

/* Old keys and empty ones are no hindrance, but they must be keys. */
static void test_change_keys_of_moved_items(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "keys");
    const char *request = "<m:CopyItem><m:ToFolderId><t:DistinguishedFolderId Id='drafts'/>"
                          "</m:ToFolderId><m:ItemIds><t:ItemId Id='%s' ChangeKey='%s'/>"
                          "</m:ItemIds></m:CopyItem>";
    const char *key;

    ask_transfer(f, "CopyItem", "<t:DistinguishedFolderId Id='drafts'/>", id);
    key = ews_attr(f, "ItemId", "ChangeKey");
    ews_touch(f, id);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    ews_ask(f, request, ews_item_id(f, id), key);
    assert_string_equal(ews_codes(f), "NoError");
    ews_ask(f, request, ews_item_id(f, id), "");
    assert_string_equal(ews_codes(f), "NoError");
    ews_ask(f, request, ews_item_id(f, id), "nonsense");
    assert_string_equal(ews_codes(f), "ErrorInvalidChangeKey");
#pragma GCC diagnostic pop
}

/* ---- MarkAsJunk ---- */

static const char *ask_junk(struct ews_fixture *f, const char *attributes, struct item_id id)
{
    ews_ask(f, "<m:MarkAsJunk %s><m:ItemIds>%s</m:ItemIds></m:MarkAsJunk>", attributes,
            ids(f, &id, 1));
    return ews_codes(f);
}

static void test_junk_and_back(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "offer");

    assert_string_equal(ask_junk(f, "IsJunk='true' MoveItem='true'", id), "NoError");
    id = only_item(f, DF_JUNKEMAIL);
    assert_string_equal(ews_attr(f, "MovedItemId", "Id"), ews_item_id(f, id));
    assert_string_equal(ask_junk(f, "IsJunk='false' MoveItem='true'", id), "NoError");
    id = only_item(f, DF_INBOX);
    assert_string_equal(ews_attr(f, "MovedItemId", "Id"), ews_item_id(f, id));
    assert_string_equal(ask_junk(f, "IsJunk='true' MoveItem='false'", id), "NoError");
    assert_null(ews_nth(f, "MovedItemId", 0));
    assert_int_equal(only_item(f, DF_INBOX).v, id.v);
    assert_string_equal(ask_junk(f, "IsJunk='true'", id), "ErrorSchemaValidation");
    ews_delete_item(f, id);
    assert_string_equal(ask_junk(f, "IsJunk='true' MoveItem='true'", id), "ErrorItemNotFound");
    assert_string_equal(ask_junk(f, "IsJunk='true' MoveItem='true'",
                                 ews_given_associated(f, ews_folder(f, DF_INBOX))),
                        "ErrorInvalidOperation");
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_hard_delete_is_for_good),
        fixture_test(test_the_bin_first_then_recoverable_then_gone),
        fixture_test(test_soft_delete_is_recoverable),
        fixture_test(test_attributes_that_a_class_requires),
        fixture_test(test_associated_items_are_deleted_hard_only_and_never_moved),
        fixture_test(test_what_the_schema_refuses),
        fixture_test(test_a_batch_in_order_with_errors_between),
        fixture_test(test_a_moved_item_has_a_new_id),
        fixture_test(test_the_new_change_key_is_the_items),
        fixture_test(test_a_copy_leaves_the_item),
        fixture_test(test_new_ids_may_be_unwanted),
        fixture_test(test_targets_that_are_none),
        fixture_test(test_change_keys_of_moved_items),
        fixture_test(test_junk_and_back),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
