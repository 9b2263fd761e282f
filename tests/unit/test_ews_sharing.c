/* Other people's folders: permissions given by PermissionSet, and what each right allows in every operation. Alice shares, bob asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "mailbox/permissions.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#define ALICES(name)                                                                               \
    "<t:DistinguishedFolderId Id='" name "'><t:Mailbox><t:EmailAddress>alice@example.com"          \
    "</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
#define SHAPE(more)                                                                                \
    "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>" more                \
    "</t:AdditionalProperties></m:FolderShape>"
#define RIGHTS_PATH "<t:FieldURI FieldURI='folder:EffectiveRights'/>"
#define SET_PATH "<t:FieldURI FieldURI='folder:PermissionSet'/>"
#define SEES RIGHT_FOLDER_VISIBLE
#define READS (SEES | RIGHT_READ_ITEMS)

static void as_alice(struct ews_fixture *f)
{
    f->as = f->alice;
}

static void as_bob(struct ews_fixture *f)
{
    f->as = f->bob;
}

static const char *shared_id(struct ews_fixture *f, struct folder_id id)
{
    return arena_printf(f->arena, "<t:FolderId Id='%s'/>", ews_folder_id(f, id));
}

static const char *ask_get(struct ews_fixture *f, const char *ids)
{
    ews_ask(f,
            "<m:GetFolder>" SHAPE(RIGHTS_PATH SET_PATH) "<m:FolderIds>%s</m:FolderIds>"
                                                        "</m:GetFolder>",
            ids);
    return ews_codes(f);
}

static const char *ask_sync_items(struct ews_fixture *f, const char *folder)
{
    ews_ask(f,
            "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
            "<m:SyncFolderId>%s</m:SyncFolderId><m:MaxChangesReturned>10</m:MaxChangesReturned>"
            "</m:SyncFolderItems>",
            folder);
    return ews_codes(f);
}

static const char *ask_find_item(struct ews_fixture *f, const char *folder)
{
    ews_ask(f,
            "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
            "</m:ItemShape><m:ParentFolderIds>%s</m:ParentFolderIds></m:FindItem>",
            folder);
    return ews_codes(f);
}

static const char *ask_get_item(struct ews_fixture *f, struct item_id id)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:ItemIds>"
            "<t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            ews_item_id(f, id));
    return ews_codes(f);
}

static const char *ask_delete(struct ews_fixture *f, const char *type, struct item_id id)
{
    ews_ask(f,
            "<m:DeleteItem DeleteType='%s'><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds>"
            "</m:DeleteItem>",
            type, ews_item_id(f, id));
    return ews_codes(f);
}

static const char *ask_transfer(struct ews_fixture *f, const char *op, const char *to,
                                struct item_id id)
{
    ews_ask(f,
            "<m:%s><m:ToFolderId>%s</m:ToFolderId><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds>"
            "</m:%s>",
            op, to, ews_item_id(f, id), op);
    return ews_codes(f);
}

static const char *ask_create(struct ews_fixture *f, const char *parent, const char *name)
{
    ews_ask(f,
            "<m:CreateFolder><m:ParentFolderId>%s</m:ParentFolderId><m:Folders><t:Folder>"
            "<t:DisplayName>%s</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>",
            parent, name);
    return ews_codes(f);
}

static const char *ask_share(struct ews_fixture *f, const char *folder, const char *element,
                             const char *list)
{
    ews_ask(
        f,
        "<m:UpdateFolder><m:FolderChanges><t:FolderChange>%s<t:Updates><t:SetFolderField>" SET_PATH
        "<t:%s><t:PermissionSet>%s</t:PermissionSet></t:%s></t:SetFolderField>"
        "</t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>",
        folder, element, list, element);
    return ews_codes(f);
}

#define BOB "<t:UserId><t:PrimarySmtpAddress>bob@example.com</t:PrimarySmtpAddress></t:UserId>"

static const char *to_bob(struct ews_fixture *f, const char *level)
{
    return arena_printf(f->arena,
                        "<t:Permissions><t:Permission>" BOB
                        "<t:PermissionLevel>%s</t:PermissionLevel></t:Permission></t:Permissions>",
                        level);
}

/* ---- giving ---- */

static void test_levels_read_as_they_were_written(void **state)
{
    static const char *const levels[] = {
        "Owner",    "PublishingEditor", "Editor", "PublishingAuthor", "Author", "NoneditingAuthor",
        "Reviewer", "Contributor",      "None"};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        assert_string_equal(ask_share(f, ALICES("inbox"), "Folder", to_bob(f, levels[i])),
                            "NoError");
        ask_get(f, ALICES("inbox"));
        assert_int_equal(ews_count(f, "Permission"), 3);
        assert_string_equal(ews_text(f, "PrimarySmtpAddress"), "bob@example.com");
        assert_true(str_is(ews_nth(f, "DistinguishedUser", 0)->text, "Default"));
        assert_true(str_is(ews_nth(f, "DistinguishedUser", 1)->text, "Anonymous"));
        assert_true(str_is(ews_nth(f, "PermissionLevel", 0)->text, "None"));
        assert_true(str_is(ews_nth(f, "PermissionLevel", 2)->text, levels[i]));
    }
}

static void test_calendars_have_levels_of_their_own(void **state)
{
    static const char *const levels[] = {"FreeBusyTimeOnly", "FreeBusyTimeAndSubjectAndLocation",
                                         "Reviewer", "Owner"};
    static const char *const reads[] = {"TimeOnly", "TimeAndSubjectAndLocation", "FullDetails",
                                        "FullDetails"};
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        assert_string_equal(
            ask_share(f, ALICES("calendar"), "CalendarFolder",
                      arena_printf(f->arena,
                                   "<t:CalendarPermissions><t:CalendarPermission>"
                                   "<t:UserId><t:DistinguishedUser>Default</t:DistinguishedUser>"
                                   "</t:UserId><t:CalendarPermissionLevel>%s"
                                   "</t:CalendarPermissionLevel></t:CalendarPermission>"
                                   "</t:CalendarPermissions>",
                                   levels[i])),
            "NoError");
        ask_get(f, ALICES("calendar"));
        assert_string_equal(ews_text(f, "CalendarPermissionLevel"), levels[i]);
        assert_string_equal(ews_text(f, "ReadItems"), reads[i]);
    }
}

static void test_custom_permissions(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(
        ask_share(f, ALICES("inbox"), "Folder",
                  "<t:Permissions><t:Permission>" BOB "<t:CanCreateItems>true</t:CanCreateItems>"
                  "<t:IsFolderVisible>true</t:IsFolderVisible><t:DeleteItems>All</t:DeleteItems>"
                  "<t:ReadItems>FullDetails</t:ReadItems><t:PermissionLevel>Custom"
                  "</t:PermissionLevel></t:Permission></t:Permissions>"),
        "NoError");
    ask_get(f, ALICES("inbox"));
    assert_true(str_is(ews_nth(f, "PermissionLevel", 2)->text, "Custom"));
    assert_true(str_is(ews_nth(f, "DeleteItems", 2)->text, "All"));
    assert_true(str_is(ews_nth(f, "EditItems", 2)->text, "None"));
    assert_true(str_is(ews_nth(f, "CanCreateItems", 2)->text, "true"));
    assert_true(str_is(ews_nth(f, "CanCreateSubFolders", 2)->text, "false"));
}

static void test_permissions_that_make_no_sense(void **state)
{
    struct ews_fixture *f = *state;
    static const char *const cases[][2] = {
        {"<t:Permissions><t:Permission><t:UserId><t:PrimarySmtpAddress>nobody@example.com"
         "</t:PrimarySmtpAddress></t:UserId><t:PermissionLevel>Owner</t:PermissionLevel>"
         "</t:Permission></t:Permissions>",
         "ErrorInvalidUserInfo"},
        {"<t:Permissions><t:Permission><t:UserId/><t:PermissionLevel>Owner</t:PermissionLevel>"
         "</t:Permission></t:Permissions>",
         "ErrorInvalidUserInfo"},
        {"<t:Permissions><t:Permission>" BOB "<t:PermissionLevel>Owner</t:PermissionLevel>"
         "</t:Permission><t:Permission>" BOB "<t:PermissionLevel>None</t:PermissionLevel>"
         "</t:Permission></t:Permissions>",
         "ErrorDuplicateUserIdsSpecified"},
        {"<t:Permissions><t:Permission>" BOB "<t:CanCreateItems>true</t:CanCreateItems>"
         "<t:PermissionLevel>Reviewer</t:PermissionLevel></t:Permission></t:Permissions>",
         "ErrorInvalidPermissionSettings"},
        {"<t:Permissions><t:Permission>" BOB "<t:ReadItems>None</t:ReadItems>"
         "<t:PermissionLevel>Reviewer</t:PermissionLevel></t:Permission></t:Permissions>",
         "ErrorInvalidPermissionSettings"},
        {"<t:CalendarPermissions/>", "ErrorCannotSetCalendarPermissionOnNonCalendarFolder"},
        {"<t:Permissions><t:Permission>" BOB "<t:PermissionLevel>FreeBusyTimeOnly"
         "</t:PermissionLevel></t:Permission></t:Permissions>",
         "ErrorSchemaValidation"},
        {"<t:Permissions><t:Nonsense/></t:Permissions>", "ErrorSchemaValidation"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(ask_share(f, ALICES("inbox"), "Folder", cases[i][0]), cases[i][1]);
    }
    assert_string_equal(ask_share(f, ALICES("calendar"), "CalendarFolder", "<t:Permissions/>"),
                        "ErrorCannotSetNonCalendarPermissionOnCalendarFolder");
    ask_get(f, ALICES("inbox"));
    assert_int_equal(ews_count(f, "Permission"), 2);
}

static void test_permissions_that_are_so_already_change_nothing(void **state)
{
    struct ews_fixture *f = *state;
    const char *key;

    ask_share(f, ALICES("inbox"), "Folder", to_bob(f, "Reviewer"));
    key = ews_attr(f, "FolderId", "ChangeKey");
    ask_share(f, ALICES("inbox"), "Folder", to_bob(f, "Reviewer"));
    assert_string_equal(ews_attr(f, "FolderId", "ChangeKey"), key);
    ask_share(f, ALICES("inbox"), "Folder", to_bob(f, "None"));
    assert_string_not_equal(ews_attr(f, "FolderId", "ChangeKey"), key);
    ask_share(f, ALICES("inbox"), "Folder", "<t:Permissions/>");
    ask_get(f, ALICES("inbox"));
    assert_int_equal(ews_count(f, "Permission"), 2);
}

/* A set within the set, parts in another order and spelling, the calendars' level: so a client writes back what it read. */
static void test_permissions_as_a_client_writes_them(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(
        ask_share(
            f, ALICES("inbox"), "Folder",
            "<t:PermissionSet><t:Permissions><t:Permission><t:CanCreateItems>0"
            "</t:CanCreateItems><t:CanCreateSubfolders>0</t:CanCreateSubfolders>"
            "<t:IsFolderVisible>1</t:IsFolderVisible><t:ReadItems>FullDetails</t:ReadItems>" BOB
            "<t:CalendarPermissionLevel>Reviewer</t:CalendarPermissionLevel>"
            "</t:Permission></t:Permissions></t:PermissionSet>"),
        "NoError");
    ask_get(f, ALICES("inbox"));
    assert_true(str_is(ews_nth(f, "PermissionLevel", 2)->text, "Reviewer"));
}

static void test_permissions_can_be_deleted(void **state)
{
    struct ews_fixture *f = *state;

    ask_share(f, ALICES("inbox"), "Folder", to_bob(f, "Reviewer"));
    ews_ask(f, "<m:UpdateFolder><m:FolderChanges><t:FolderChange>" ALICES(
                   "inbox") "<t:Updates>"
                            "<t:DeleteFolderField>" SET_PATH "</t:DeleteFolderField></t:Updates>"
                            "</t:FolderChange></m:FolderChanges></m:UpdateFolder>");
    assert_string_equal(ews_codes(f), "NoError");
    ask_get(f, ALICES("inbox"));
    assert_int_equal(ews_count(f, "Permission"), 2);
}

static void test_new_folders_are_open_to_whom_their_parent_is(void **state)
{
    struct ews_fixture *f = *state;

    ask_share(f, ALICES("inbox"), "Folder", to_bob(f, "Reviewer"));
    assert_string_equal(ask_create(f, ALICES("inbox"), "below"), "NoError");
    ask_get(f, arena_printf(f->arena, "<t:FolderId Id='%s'/>", ews_attr(f, "FolderId", "Id")));
    assert_true(str_is(ews_nth(f, "PermissionLevel", 2)->text, "Reviewer"));
    ews_ask(
        f,
        "<m:CreateFolder><m:ParentFolderId>" ALICES(
            "inbox") "</m:ParentFolderId><m:Folders>"
                     "<t:Folder><t:DisplayName>own</t:DisplayName><t:PermissionSet><t:Permissions/>"
                     "</t:PermissionSet></t:Folder></m:Folders></m:CreateFolder>");
    assert_string_equal(ews_codes(f), "NoError");
    ask_get(f, arena_printf(f->arena, "<t:FolderId Id='%s'/>", ews_attr(f, "FolderId", "Id")));
    assert_int_equal(ews_count(f, "PermissionLevel"), 2);
}

/* ---- reading ---- */

static void test_nothing_is_seen_without_rights(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct item_id id = ews_given_message(f, inbox, "secret");

    as_bob(f);
    assert_string_equal(ask_get(f, ALICES("inbox")), "ErrorFolderNotFound");
    assert_string_equal(ask_get(f, shared_id(f, inbox)), "ErrorFolderNotFound");
    assert_string_equal(ask_sync_items(f, ALICES("inbox")), "ErrorSyncFolderNotFound");
    assert_string_equal(ews_children(f, ews_nth(f, "SyncFolderItemsResponseMessage", 0)),
                        "MessageText ResponseCode DescriptiveLinkKey SyncState "
                        "IncludesLastItemInRange");
    assert_string_equal(ask_find_item(f, ALICES("inbox")), "ErrorFolderNotFound");
    assert_string_equal(ask_get_item(f, id), "ErrorItemNotFound");
    assert_string_equal(ask_delete(f, "HardDelete", id), "ErrorItemNotFound");
    assert_string_equal(ask_create(f, ALICES("inbox"), "x"), "ErrorParentFolderNotFound");
    assert_string_equal(ask_transfer(f, "CopyItem", ALICES("inbox"), id), "ErrorToFolderNotFound");
}

/* A folder that was there and one that never was are the same to who may see neither. */
static void test_gone_and_hidden_folders_look_alike(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id gone = ews_given_folder(f, ews_folder(f, DF_INBOX), "gone", "IPF.Note");

    ews_delete_folder(f, gone);
    as_bob(f);
    assert_string_equal(ask_get(f, shared_id(f, gone)), "ErrorFolderNotFound");
}

static void test_seeing_is_not_reading(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct item_id id = ews_given_message(f, inbox, "secret");

    ews_given_rights(f, inbox, f->bob, SEES);
    as_bob(f);
    assert_string_equal(ask_get(f, ALICES("inbox")), "NoError");
    assert_string_equal(ask_sync_items(f, ALICES("inbox")), "ErrorAccessDenied");
    assert_string_equal(ask_find_item(f, ALICES("inbox")), "ErrorAccessDenied");
    assert_string_equal(ask_get_item(f, id), "ErrorAccessDenied");
}

static void test_a_reader_reads_and_no_more(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct item_id id = ews_given_message(f, inbox, "shown");
    const char *state_text;

    ews_given_rights(f, inbox, f->bob, READS);
    as_bob(f);
    assert_string_equal(ask_get(f, ALICES("inbox")), "NoError");
    assert_string_equal(ews_attr(f, "FolderId", "Id"), ews_folder_id(f, inbox));
    assert_string_equal(ews_text(f, "Read"), "true");
    assert_string_equal(ews_text(f, "CreateContents"), "false");
    assert_string_equal(ews_text(f, "ViewPrivateItems"), "false");
    assert_null(ews_nth(f, "PermissionSet", 0));
    assert_string_equal(ask_sync_items(f, ALICES("inbox")), "NoError");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), ews_item_id(f, id));
    state_text = ews_text(f, "SyncState");
    ews_ask(f,
            "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
            "<m:SyncFolderId>%s</m:SyncFolderId><m:SyncState>%s</m:SyncState>"
            "<m:MaxChangesReturned>10</m:MaxChangesReturned></m:SyncFolderItems>",
            shared_id(f, inbox), state_text);
    assert_string_equal(ews_codes(f), "NoError");
    assert_int_equal(ews_count(f, "ItemId"), 0);
    assert_string_equal(ask_find_item(f, shared_id(f, inbox)), "NoError");
    assert_int_equal(ews_count(f, "ItemId"), 1);
    assert_string_equal(ask_get_item(f, id), "NoError");
    assert_string_equal(ews_text(f, "Subject"), "shown");
    assert_string_equal(ask_delete(f, "HardDelete", id), "ErrorAccessDenied");
    assert_string_equal(ask_transfer(f, "MoveItem", "<t:DistinguishedFolderId Id='inbox'/>", id),
                        "ErrorAccessDenied");
    assert_string_equal(ask_create(f, ALICES("inbox"), "x"), "ErrorCreateSubfolderAccessDenied");
    assert_string_equal(ask_share(f, ALICES("inbox"), "Folder", to_bob(f, "Owner")),
                        "ErrorAccessDenied");
    assert_string_equal(ask_transfer(f, "CopyItem", "<t:DistinguishedFolderId Id='inbox'/>", id),
                        "NoError");
}

static void test_everybody_is_default(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_rights(f, ews_folder(f, DF_INBOX), MEMBER_DEFAULT, READS);
    as_bob(f);
    assert_string_equal(ask_sync_items(f, ALICES("inbox")), "NoError");
}

static void test_find_folder_tells_what_is_visible(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct folder_id shown = ews_given_folder(f, inbox, "shown", "IPF.Note");

    ews_given_folder(f, inbox, "hidden", "IPF.Note");
    ews_given_rights(f, inbox, f->bob, SEES);
    ews_given_rights(f, shown, f->bob, SEES);
    as_bob(f);
    ews_ask(f, "<m:FindFolder Traversal='Deep'>" SHAPE(RIGHTS_PATH) "<m:ParentFolderIds>" ALICES(
                   "inbox") "</m:ParentFolderIds></m:FindFolder>");
    assert_string_equal(ews_codes(f), "NoError");
    assert_int_equal(ews_count(f, "FolderId"), 1);
    assert_string_equal(ews_attr(f, "FolderId", "Id"), ews_folder_id(f, shown));
    assert_string_equal(ews_attr(f, "RootFolder", "TotalItemsInView"), "1");
}

/* ---- the hierarchy ---- */

static const char *sync_hierarchy(struct ews_fixture *f, const char *state_text)
{
    ews_ask(
        f,
        "<m:SyncFolderHierarchy>" SHAPE("<t:FieldURI FieldURI='folder:DisplayName'/>") "<m:SyncFolderId>" ALICES(
            "inbox") "</m:SyncFolderId><m:SyncState>%s</m:SyncState>"
                     "</m:SyncFolderHierarchy>",
        state_text);
    assert_string_equal(ews_codes(f), "NoError");
    return ews_text(f, "SyncState");
}

static const char *changes(struct ews_fixture *f)
{
    return ews_children(f, ews_nth(f, "Changes", 0));
}

static void test_the_hierarchy_of_another_is_what_is_visible(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct folder_id a = ews_given_folder(f, inbox, "a", "IPF.Note");
    struct folder_id b = ews_given_folder(f, inbox, "b", "IPF.Note");
    const char *at;

    as_bob(f);
    ews_ask(f, "<m:SyncFolderHierarchy>" SHAPE(RIGHTS_PATH) "<m:SyncFolderId>" ALICES(
                   "inbox") "</m:SyncFolderId></m:SyncFolderHierarchy>");
    assert_string_equal(ews_codes(f), "ErrorSyncFolderNotFound");
    ews_given_rights(f, inbox, f->bob, SEES);
    ews_given_rights(f, a, f->bob, SEES);
    at = sync_hierarchy(f, "");
    assert_string_equal(changes(f), "Create");
    assert_string_equal(ews_text(f, "DisplayName"), "a");
    at = sync_hierarchy(f, at);
    assert_string_equal(changes(f), "");
    ews_rename_folder(f, b, "bb"); /* nobody's business */
    at = sync_hierarchy(f, at);
    assert_string_equal(changes(f), "");
    ews_rename_folder(f, a, "aa");
    at = sync_hierarchy(f, at);
    assert_string_equal(changes(f), "Update");
    ews_given_rights(f, b, f->bob, READS);
    at = sync_hierarchy(f, at);
    assert_string_equal(changes(f), "Create");
    assert_string_equal(ews_text(f, "DisplayName"), "bb");
    ews_given_rights(f, b, f->bob, SEES);
    at = sync_hierarchy(f, at);
    assert_string_equal(changes(f), "Update");
    ews_given_rights(f, a, f->bob, 0);
    ews_rename_folder(f, b, "bbb");
    at = sync_hierarchy(f, at);
    assert_string_equal(changes(f), "Update Delete");
    ews_rename_folder(f, a, "hidden");
    at = sync_hierarchy(f, at);
    assert_string_equal(changes(f), "");
    ews_given_rights(f, a, MEMBER_DEFAULT, SEES);
    (void)sync_hierarchy(f, at);
    assert_string_equal(changes(f), "Create");
}

/* Any old state gives what differs from then, whatever came and went in between. */
static void test_old_states_of_a_shared_hierarchy(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct folder_id a = ews_given_folder(f, inbox, "a", "IPF.Note");
    const char *before, *shown;

    ews_given_rights(f, inbox, f->bob, SEES);
    as_bob(f);
    before = sync_hierarchy(f, "");
    ews_given_rights(f, a, f->bob, SEES);
    shown = sync_hierarchy(f, before);
    ews_given_rights(f, a, f->bob, 0);
    (void)sync_hierarchy(f, before);
    assert_string_equal(changes(f), "");
    (void)sync_hierarchy(f, shown);
    assert_string_equal(changes(f), "Delete");
    ews_given_rights(f, a, f->bob, SEES);
    (void)sync_hierarchy(f, before);
    assert_string_equal(changes(f), "Create");
    (void)sync_hierarchy(f, shown);
    assert_string_equal(changes(f), "Update");
}

/* ---- writing ---- */

static struct item_id newest_in(struct ews_fixture *f, struct folder_id folder)
{
    struct item_id id = {0};
    struct item item;

    for (uint64_t i = 1; i < 200; i++) {
        if (ews_find_item(f, (struct item_id){i}, &item) && item.folder.v == folder.v) {
            id.v = i;
        }
    }
    return id;
}

static void test_an_author_deletes_what_is_his(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX), bobs;
    struct item_id alices_item = ews_given_message(f, inbox, "hers"), brought;

    ews_given_rights(f, inbox, f->bob, READS | RIGHT_CREATE_ITEMS | RIGHT_DELETE_OWN);
    as_bob(f);
    f->in = f->bob;
    bobs = ews_folder(f, DF_INBOX);
    assert_string_equal(
        ask_transfer(f, "CopyItem", ALICES("inbox"), ews_given_message(f, bobs, "his")), "NoError");
    f->in = f->alice;
    brought = newest_in(f, inbox);
    assert_int_not_equal(brought.v, alices_item.v);
    assert_string_equal(ask_delete(f, "HardDelete", alices_item), "ErrorAccessDenied");
    assert_string_equal(ask_delete(f, "MoveToDeletedItems", brought), "ErrorCannotDeleteObject");
    assert_string_equal(ask_delete(f, "HardDelete", brought), "NoError");
    assert_string_equal(ask_transfer(f, "MoveItem", ALICES("drafts"), alices_item),
                        "ErrorToFolderNotFound");
}

static void test_who_makes_a_folder_in_anothers_mailbox_owns_it(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    const char *id;

    ews_given_rights(f, inbox, f->bob, SEES | RIGHT_CREATE_SUBFOLDERS);
    as_bob(f);
    assert_string_equal(ask_create(f, ALICES("inbox"), "bob's"), "NoError");
    id = arena_printf(f->arena, "<t:FolderId Id='%s'/>", ews_attr(f, "FolderId", "Id"));
    ask_get(f, id);
    assert_string_equal(ews_text(f, "Delete"), "true");
    assert_int_equal(ews_count(f, "Permission"), 3);
    ews_ask(f,
            "<m:DeleteFolder DeleteType='MoveToDeletedItems'><m:FolderIds>%s</m:FolderIds>"
            "</m:DeleteFolder>",
            id);
    assert_string_equal(ews_codes(f), "ErrorCannotDeleteObject");
    ews_ask(f,
            "<m:EmptyFolder DeleteType='MoveToDeletedItems' DeleteSubFolders='false'>"
            "<m:FolderIds>%s</m:FolderIds></m:EmptyFolder>",
            id);
    assert_string_equal(ews_codes(f), "ErrorCannotDeleteObject");
    ews_ask(f,
            "<m:DeleteFolder DeleteType='HardDelete'><m:FolderIds>%s" ALICES(
                "inbox") "</m:FolderIds></m:DeleteFolder>",
            id);
    assert_string_equal(ews_codes(f), "NoError ErrorAccessDenied");
    as_alice(f);
    ews_check_mailbox(f);
}

static void test_marking_and_emptying_want_the_whole_right(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct folder folder;

    ews_given_message(f, inbox, "one");
    ews_given_rights(f, inbox, f->bob, READS | RIGHT_EDIT_OWN | RIGHT_DELETE_OWN);
    as_bob(f);
    for (int allowed = 0; allowed <= 1; allowed++) {
        ews_ask(f, "<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>"
                   "true</m:SuppressReadReceipts><m:FolderIds>" ALICES(
                       "inbox") "</m:FolderIds></m:MarkAllItemsAsRead>");
        assert_string_equal(ews_codes(f), allowed ? "NoError" : "ErrorAccessDenied");
        ews_ask(
            f,
            "<m:EmptyFolder DeleteType='HardDelete' DeleteSubFolders='false'><m:FolderIds>" ALICES(
                "inbox") "</m:FolderIds></m:EmptyFolder>");
        assert_string_equal(ews_codes(f), allowed ? "NoError" : "ErrorAccessDenied");
        ews_given_rights(f, inbox, f->bob, READS | RIGHT_EDIT_ALL | RIGHT_DELETE_ALL);
    }
    assert_true(ews_find_folder(f, inbox, &folder));
    assert_int_equal(folder.total, 0);
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_levels_read_as_they_were_written),
        fixture_test(test_calendars_have_levels_of_their_own),
        fixture_test(test_custom_permissions),
        fixture_test(test_permissions_that_make_no_sense),
        fixture_test(test_permissions_that_are_so_already_change_nothing),
        fixture_test(test_permissions_as_a_client_writes_them),
        fixture_test(test_permissions_can_be_deleted),
        fixture_test(test_new_folders_are_open_to_whom_their_parent_is),
        fixture_test(test_nothing_is_seen_without_rights),
        fixture_test(test_gone_and_hidden_folders_look_alike),
        fixture_test(test_seeing_is_not_reading),
        fixture_test(test_a_reader_reads_and_no_more),
        fixture_test(test_everybody_is_default),
        fixture_test(test_find_folder_tells_what_is_visible),
        fixture_test(test_the_hierarchy_of_another_is_what_is_visible),
        fixture_test(test_old_states_of_a_shared_hierarchy),
        fixture_test(test_an_author_deletes_what_is_his),
        fixture_test(test_who_makes_a_folder_in_anothers_mailbox_owns_it),
        fixture_test(test_marking_and_emptying_want_the_whole_right),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
