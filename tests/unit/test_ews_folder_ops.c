/* Creating, changing, moving, copying, deleting and emptying folders, within a mailbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

/* ---- asking ---- */

static const char *ask_create(struct ews_fixture *f, struct folder_id parent, const char *folders)
{
    ews_ask(f,
            "<m:CreateFolder><m:ParentFolderId><t:FolderId Id='%s'/></m:ParentFolderId><m:Folders>"
            "%s</m:Folders></m:CreateFolder>",
            ews_folder_id(f, parent), folders);
    return ews_codes(f);
}

static const char *named(struct ews_fixture *f, const char *name)
{
    return arena_printf(f->arena, "<t:Folder><t:DisplayName>%s</t:DisplayName></t:Folder>", name);
}

static const char *ask_update_of(struct ews_fixture *f, const char *id, const char *updates)
{
    ews_ask(f,
            "<m:UpdateFolder><m:FolderChanges><t:FolderChange>%s<t:Updates>%s</t:Updates>"
            "</t:FolderChange></m:FolderChanges></m:UpdateFolder>",
            id, updates);
    return ews_codes(f);
}

static const char *ask_update(struct ews_fixture *f, struct folder_id id, const char *updates)
{
    return ask_update_of(f, arena_printf(f->arena, "<t:FolderId Id='%s'/>", ews_folder_id(f, id)),
                         updates);
}

static const char *set(struct ews_fixture *f, const char *path, const char *property)
{
    return arena_printf(f->arena, "<t:SetFolderField>%s<t:Folder>%s</t:Folder></t:SetFolderField>",
                        path, property);
}

static const char *rename_to(struct ews_fixture *f, const char *name)
{
    return set(f, "<t:FieldURI FieldURI='folder:DisplayName'/>",
               arena_printf(f->arena, "<t:DisplayName>%s</t:DisplayName>", name));
}

static const char *ask_delete(struct ews_fixture *f, const char *type, struct folder_id id)
{
    ews_ask(f,
            "<m:DeleteFolder DeleteType='%s'><m:FolderIds><t:FolderId Id='%s'/></m:FolderIds>"
            "</m:DeleteFolder>",
            type, ews_folder_id(f, id));
    return ews_codes(f);
}

static const char *ask_transfer(struct ews_fixture *f, const char *op, struct folder_id id,
                                struct folder_id to)
{
    ews_ask(f,
            "<m:%s><m:ToFolderId><t:FolderId Id='%s'/></m:ToFolderId><m:FolderIds>"
            "<t:FolderId Id='%s'/></m:FolderIds></m:%s>",
            op, ews_folder_id(f, to), ews_folder_id(f, id), op);
    return ews_codes(f);
}

static const char *ask_empty(struct ews_fixture *f, const char *type, bool deep,
                             struct folder_id id)
{
    ews_ask(f,
            "<m:EmptyFolder DeleteType='%s' DeleteSubFolders='%s'><m:FolderIds>"
            "<t:FolderId Id='%s'/></m:FolderIds></m:EmptyFolder>",
            type, deep ? "true" : "false", ews_folder_id(f, id));
    return ews_codes(f);
}

static void ask_get(struct ews_fixture *f, const char *id, const char *paths)
{
    ews_ask(f,
            "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape>"
            "<t:AdditionalProperties>%s</t:AdditionalProperties></m:FolderShape><m:FolderIds>"
            "<t:FolderId Id='%s'/></m:FolderIds></m:GetFolder>",
            paths, id);
}

static struct folder folder_now(struct ews_fixture *f, struct folder_id id)
{
    struct folder folder;

    assert_true(ews_find_folder(f, id, &folder));
    return folder;
}

/* ---- CreateFolder ---- */

#define CLASS_PATH "<t:FieldURI FieldURI='folder:FolderClass'/>"

static const char *class_of_answer(struct ews_fixture *f)
{
    ask_get(f, ews_attr(f, "FolderId", "Id"), CLASS_PATH);
    return ews_text(f, "FolderClass");
}

static void test_created_folders_are_told_by_element_and_id(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);

    assert_string_equal(
        ask_create(f, inbox,
                   "<t:Folder><t:DisplayName>a</t:DisplayName></t:Folder>"
                   "<t:CalendarFolder><t:DisplayName>b</t:DisplayName></t:CalendarFolder>"
                   "<t:Folder><t:FolderClass>IPF.Contact.Mine</t:FolderClass>"
                   "<t:DisplayName>c</t:DisplayName></t:Folder>"
                   "<t:TasksFolder><t:FolderClass>IPF.Task</t:FolderClass>"
                   "<t:DisplayName>d</t:DisplayName></t:TasksFolder>"),
        "NoError NoError NoError NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "Folders", 0)), "Folders(Folder(FolderId))");
    assert_string_equal(ews_outline(f, ews_nth(f, "Folders", 1)),
                        "Folders(CalendarFolder(FolderId))");
    assert_string_equal(ews_outline(f, ews_nth(f, "Folders", 2)),
                        "Folders(ContactsFolder(FolderId))");
    assert_string_equal(ews_outline(f, ews_nth(f, "Folders", 3)), "Folders(TasksFolder(FolderId))");
    assert_string_equal(class_of_answer(f), "IPF.Note");
    ask_create(f, inbox, "<t:ContactsFolder><t:DisplayName>e</t:DisplayName></t:ContactsFolder>");
    assert_string_equal(class_of_answer(f), "IPF.Contact");
    assert_int_equal(folder_now(f, inbox).children, 5);
    ews_check_mailbox(f);
}

static void test_names_that_are_taken_and_names_that_are_none(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);

    assert_string_equal(ask_create(f, inbox, named(f, "Work")), "NoError");
    assert_string_equal(ask_create(f, inbox, named(f, "wORK")), "ErrorFolderExists");
    assert_string_equal(ews_text(f, "MessageText"),
                        "A folder with the specified name already exists.");
    assert_string_equal(ews_children(f, ews_nth(f, "CreateFolderResponseMessage", 0)),
                        "MessageText ResponseCode DescriptiveLinkKey Folders");
    assert_string_equal(ask_create(f, inbox, named(f, "a/b &amp; c\\d")), "NoError");
    assert_string_equal(ask_create(f, inbox, named(f, " ")), "ErrorFolderSavePropertyError");
    assert_string_equal(ask_create(f, inbox, "<t:Folder/>"), "ErrorFolderSavePropertyError");
    assert_string_equal(ask_create(f, inbox, named(f, "a&#9;b")), "ErrorFolderSavePropertyError");
    assert_string_equal(
        ask_create(f, inbox, arena_printf(f->arena, "%s%s", named(f, "x"), named(f, "X"))),
        "NoError ErrorFolderExists");
}

static void test_class_and_element_agree(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(ask_create(f, ews_folder(f, DF_INBOX),
                                   "<t:CalendarFolder><t:FolderClass>IPF.Note</t:FolderClass>"
                                   "<t:DisplayName>a</t:DisplayName></t:CalendarFolder>"),
                        "ErrorNoFolderClassOverride");
    assert_string_equal(ask_create(f, ews_folder(f, DF_INBOX),
                                   "<t:SearchFolder><t:DisplayName>a</t:DisplayName>"
                                   "</t:SearchFolder>"),
                        "ErrorInvalidOperation");
}

static void test_what_cannot_be_set_on_a_new_folder(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);

    assert_string_equal(ask_create(f, inbox,
                                   "<t:Folder><t:DisplayName>a</t:DisplayName>"
                                   "<t:TotalCount>3</t:TotalCount></t:Folder>"),
                        "ErrorInvalidPropertySet");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "folder:TotalCount");
    assert_string_equal(ask_create(f, inbox,
                                   "<t:Folder><t:DisplayName>a</t:DisplayName>"
                                   "<t:FolderClass>IPF.Note</t:FolderClass></t:Folder>"),
                        "ErrorSchemaValidation");
    assert_string_equal(ask_create(f, inbox, "<t:Message/>"), "ErrorSchemaValidation");
    assert_string_equal(ask_create(f, inbox, ""), "ErrorSchemaValidation");
    assert_int_equal(folder_now(f, inbox).children, 0);
}

static void test_parents_that_are_none(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id gone = ews_given_folder(f, ews_folder(f, DF_INBOX), "gone", "IPF.Note");

    ews_delete_folder(f, gone);
    assert_string_equal(ask_create(f, gone, named(f, "a")), "ErrorParentFolderNotFound");
    assert_string_equal(ews_text(f, "MessageText"),
                        "The specified parent folder could not be found.");
    ews_ask(f,
            "<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id='inbox'><t:Mailbox>"
            "<t:EmailAddress>nobody@example.com</t:EmailAddress></t:Mailbox>"
            "</t:DistinguishedFolderId></m:ParentFolderId><m:Folders>%s</m:Folders>"
            "</m:CreateFolder>",
            named(f, "a"));
    assert_string_equal(ews_codes(f), "ErrorNonExistentMailbox");
}

/* ---- extended properties ---- */

#define HIDDEN "<t:ExtendedFieldURI PropertyTag='0x10f4' PropertyType='Boolean'/>"
#define OWN_SET                                                                                    \
    "<t:ExtendedFieldURI PropertySetId='12345678-1234-1234-1234-123456789ABC' "                    \
    "PropertyName='colour' PropertyType='String'/>"
#define OWN_LIST                                                                                   \
    "<t:ExtendedFieldURI DistinguishedPropertySetId='PublicStrings' PropertyName='list' "          \
    "PropertyType='StringArray'/>"
#define EXTENDED(path, value) "<t:ExtendedProperty>" path value "</t:ExtendedProperty>"

static void test_extended_properties_are_kept(void **state)
{
    struct ews_fixture *f = *state;
    const char *id;

    assert_string_equal(
        ask_create(
            f, ews_folder(f, DF_INBOX),
            "<t:Folder><t:DisplayName>a</t:DisplayName>" EXTENDED(HIDDEN, "<t:Value>true</t:Value>")
                EXTENDED(OWN_SET, "<t:Value>green</t:Value>")
                    EXTENDED(OWN_LIST, "<t:Values><t:Value>x</t:Value><t:Value>y</t:Value>"
                                       "</t:Values>") "</t:Folder>"),
        "NoError");
    id = ews_attr(f, "FolderId", "Id");
    ask_get(f, id, HIDDEN OWN_SET OWN_LIST);
    assert_int_equal(ews_count(f, "ExtendedProperty"), 3);
    assert_string_equal(ews_text(f, "Value"), "true");
    assert_true(str_is(ews_nth(f, "Value", 1)->text, "green"));
    assert_true(str_is(ews_nth(f, "Value", 3)->text, "y"));
    assert_string_equal(
        ask_update_of(f, arena_printf(f->arena, "<t:FolderId Id='%s'/>", id),
                      "<t:DeleteFolderField>" OWN_SET "</t:DeleteFolderField>"
                      "<t:SetFolderField>" HIDDEN "<t:Folder>" EXTENDED(
                          HIDDEN, "<t:Value>0</t:Value>") "</t:Folder></t:SetFolderField>"),
        "NoError");
    ask_get(f, id, HIDDEN OWN_SET OWN_LIST);
    assert_int_equal(ews_count(f, "ExtendedProperty"), 2);
    assert_string_equal(ews_text(f, "Value"), "false");
}

static void test_extended_values_of_the_wrong_type(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);

    assert_string_equal(
        ask_update(f, inbox, set(f, HIDDEN, EXTENDED(HIDDEN, "<t:Value>perhaps</t:Value>"))),
        "ErrorInvalidExtendedPropertyValue");
    assert_string_equal(ask_update(f, inbox, set(f, OWN_LIST, EXTENDED(OWN_LIST, "<t:Value/>"))),
                        "ErrorInvalidExtendedPropertyValue");
    assert_string_equal(
        ask_update(f, inbox,
                   set(f, "<t:ExtendedFieldURI PropertyTag='0x3602' PropertyType='Integer'/>",
                       EXTENDED("<t:ExtendedFieldURI PropertyTag='0x3602' "
                                "PropertyType='Integer'/>",
                                "<t:Value>7</t:Value>"))),
        "ErrorInvalidPropertySet");
}

/* ---- CreateFolderPath ---- */

static const char *ask_path(struct ews_fixture *f, const char *elements)
{
    ews_ask(f,
            "<m:CreateFolderPath><m:ParentFolderId><t:DistinguishedFolderId Id='inbox'/>"
            "</m:ParentFolderId><m:RelativeFolderPath>%s</m:RelativeFolderPath>"
            "</m:CreateFolderPath>",
            elements);
    return ews_codes(f);
}

static void test_a_path_is_made_as_far_as_it_lacks(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");
    const char *b;

    assert_string_equal(ask_path(f, arena_printf(f->arena, "%s%s", named(f, "A"), named(f, "b"))),
                        "NoError NoError");
    assert_string_equal(ews_attr(f, "FolderId", "Id"), ews_folder_id(f, a));
    b = str_cstr(f->arena, xml_attr(ews_nth(f, "FolderId", 1), "Id"));
    assert_int_equal(folder_now(f, a).children, 1);
    ask_path(f, arena_printf(f->arena, "%s%s%s", named(f, "a"), named(f, "b"), named(f, "c")));
    assert_string_equal(str_cstr(f->arena, xml_attr(ews_nth(f, "FolderId", 1), "Id")), b);
    assert_string_equal(
        ask_path(f, arena_printf(f->arena, "%s%s%s", named(f, "n"), named(f, " "), named(f, "x"))),
        "NoError ErrorFolderSavePropertyError ErrorParentFolderNotFound");
    ews_check_mailbox(f);
}

/* ---- UpdateFolder ---- */

static void test_renaming(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct folder_id a = ews_given_folder(f, inbox, "a", "IPF.Note");
    struct folder_id b = ews_given_folder(f, inbox, "b", "IPF.Note");
    const char *key;

    assert_string_equal(ask_update(f, a, rename_to(f, "new name")), "NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "Folders", 0)), "Folders(Folder(FolderId))");
    assert_string_equal(ews_attr(f, "FolderId", "Id"), ews_folder_id(f, a));
    key = ews_attr(f, "FolderId", "ChangeKey");
    assert_true(str_is(folder_now(f, a).name, "new name"));
    ask_get(f, ews_folder_id(f, a), CLASS_PATH);
    assert_string_equal(ews_attr(f, "FolderId", "ChangeKey"), key);
    assert_string_equal(ask_update(f, b, rename_to(f, "New Name")), "ErrorFolderExists");
    assert_string_equal(ask_update(f, b, rename_to(f, "B")), "NoError");
    assert_string_equal(ask_update(f, b, rename_to(f, "")), "ErrorFolderSavePropertyError");
    ews_check_mailbox(f);
}

/* A key may be left out; one that is given must be the present one. */
static void test_change_keys_of_updates(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");
    const char *id, *old;

    ask_update(f, a, rename_to(f, "b"));
    old = ews_attr(f, "FolderId", "ChangeKey");
    id = arena_printf(f->arena, "<t:FolderId Id='%s' ChangeKey='%s'/>", ews_folder_id(f, a), old);
    assert_string_equal(ask_update_of(f, id, rename_to(f, "c")), "NoError");
    assert_string_equal(ask_update_of(f, id, rename_to(f, "d")), "ErrorIrresolvableConflict");
    assert_true(str_is(folder_now(f, a).name, "c"));
    id = arena_printf(f->arena, "<t:FolderId Id='%s' ChangeKey='x'/>", ews_folder_id(f, a));
    assert_string_equal(ask_update_of(f, id, rename_to(f, "d")), "ErrorInvalidChangeKey");
    assert_string_equal(
        ask_update_of(f, "<t:DistinguishedFolderId Id='notes'/>", rename_to(f, "Slips")),
        "NoError");
}

static void test_classes_stay_in_their_family(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Contact");

    assert_string_equal(
        ask_update(f, a, set(f, CLASS_PATH, "<t:FolderClass>IPF.Contact.Foo</t:FolderClass>")),
        "NoError");
    assert_true(str_is(folder_now(f, a).folder_class, "IPF.Contact.Foo"));
    assert_string_equal(
        ask_update(f, a, set(f, CLASS_PATH, "<t:FolderClass>IPF.Note</t:FolderClass>")),
        "ErrorObjectTypeChanged");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "folder:FolderClass");
}

#define NAME_PATH "<t:FieldURI FieldURI='folder:DisplayName'/>"

static void test_updates_that_make_no_sense(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");
    static const char *const cases[][2] = {
        {"<t:SetFolderField>" NAME_PATH "<t:Folder/></t:SetFolderField>",
         "ErrorIncorrectUpdatePropertyCount"},
        {"<t:SetFolderField>" NAME_PATH "<t:Folder><t:FolderClass>x</t:FolderClass>"
         "<t:DisplayName>x</t:DisplayName></t:Folder></t:SetFolderField>",
         "ErrorIncorrectUpdatePropertyCount"},
        {"<t:SetFolderField>" NAME_PATH "<t:Folder><t:FolderClass>x</t:FolderClass></t:Folder>"
         "</t:SetFolderField>",
         "ErrorUpdatePropertyMismatch"},
        {"<t:SetFolderField>" HIDDEN
         "<t:Folder>" EXTENDED(OWN_SET, "<t:Value>x</t:Value>") "</t:Folder></t:SetFolderField>",
         "ErrorUpdatePropertyMismatch"},
        {"<t:SetFolderField><t:FieldURI FieldURI='folder:TotalCount'/><t:Folder><t:TotalCount>1"
         "</t:TotalCount></t:Folder></t:SetFolderField>",
         "ErrorInvalidPropertySet"},
        {"<t:SetFolderField><t:FieldURI FieldURI='item:Subject'/><t:Folder><t:DisplayName>x"
         "</t:DisplayName></t:Folder></t:SetFolderField>",
         "ErrorInvalidPropertyRequest"},
        {"<t:DeleteFolderField>" NAME_PATH "</t:DeleteFolderField>", "ErrorInvalidPropertyDelete"},
        {"<t:DeleteFolderField>" HIDDEN "</t:DeleteFolderField>", "ErrorInvalidPropertyDelete"},
        {"<t:AppendToFolderField>" NAME_PATH "<t:Folder><t:DisplayName>x</t:DisplayName>"
         "</t:Folder></t:AppendToFolderField>",
         "ErrorInvalidPropertyAppend"},
        {"<t:SetFolderField>" NAME_PATH "</t:SetFolderField>", "ErrorSchemaValidation"},
        {"<t:SetFolderField>" NAME_PATH "<t:Message/></t:SetFolderField>", "ErrorSchemaValidation"},
        {"<t:Rename/>", "ErrorSchemaValidation"},
        {"", "ErrorSchemaValidation"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(ask_update(f, a, cases[i][0]), cases[i][1]);
    }
    assert_true(str_is(folder_now(f, a).name, "a"));
}

static void test_updates_of_one_folder_are_all_or_none(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");

    assert_string_equal(
        ask_update(f, a,
                   arena_printf(f->arena, "%s%s", rename_to(f, "b"),
                                set(f, CLASS_PATH, "<t:FolderClass>IPF.Task</t:FolderClass>"))),
        "ErrorObjectTypeChanged");
    assert_true(str_is(folder_now(f, a).name, "a"));
    assert_int_equal(folder_now(f, a).change_seq.v, a.v);
}

/* ---- DeleteFolder ---- */

static void test_deleted_folders_take_all_along(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");
    struct folder_id b = ews_given_folder(f, a, "b", "IPF.Note");
    struct item_id id = ews_given_message(f, b, "in b");
    struct folder folder;
    struct item item;

    assert_string_equal(ask_delete(f, "SoftDelete", a), "NoError");
    assert_string_equal(ews_children(f, ews_nth(f, "DeleteFolderResponseMessage", 0)),
                        "ResponseCode");
    assert_false(ews_find_folder(f, b, &folder));
    assert_false(ews_find_item(f, id, &item));
    assert_string_equal(ask_delete(f, "HardDelete", a), "ErrorItemNotFound");
    ews_check_mailbox(f);
}

static void test_the_bin_keeps_the_id_and_makes_names_unique(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX), bin = ews_folder(f, DF_DELETEDITEMS);
    struct folder_id a = ews_given_folder(f, inbox, "a", "IPF.Note"), b;
    struct folder folder;

    assert_string_equal(ask_delete(f, "MoveToDeletedItems", a), "NoError");
    b = ews_given_folder(f, inbox, "A", "IPF.Note");
    assert_string_equal(ask_delete(f, "MoveToDeletedItems", b), "NoError");
    assert_int_equal(folder_now(f, a).parent.v, bin.v);
    assert_int_equal(folder_now(f, b).parent.v, bin.v);
    assert_true(str_is(folder_now(f, b).name, "A (1)"));
    assert_string_equal(ask_delete(f, "MoveToDeletedItems", b), "NoError");
    assert_false(ews_find_folder(f, b, &folder));
    ews_check_mailbox(f);
}

static void test_distinguished_folders_stay(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);

    assert_string_equal(ask_delete(f, "HardDelete", inbox), "ErrorDeleteDistinguishedFolder");
    assert_string_equal(ews_text(f, "MessageText"), "Distinguished folders cannot be deleted.");
    assert_string_equal(ask_delete(f, "MoveToDeletedItems", inbox),
                        "ErrorDeleteDistinguishedFolder");
    assert_string_equal(ask_transfer(f, "MoveFolder", inbox, ews_folder(f, DF_DRAFTS)),
                        "ErrorMoveDistinguishedFolder");
    assert_string_equal(ask_delete(f, "x", inbox), "ErrorSchemaValidation");
}

/* ---- MoveFolder, CopyFolder ---- */

static void test_a_moved_folder_keeps_its_id(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");
    struct folder_id b = ews_given_folder(f, a, "b", "IPF.Note");
    struct folder_id drafts = ews_folder(f, DF_DRAFTS);

    assert_string_equal(ask_transfer(f, "MoveFolder", a, drafts), "NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "Folders", 0)), "Folders(Folder(FolderId))");
    assert_string_equal(ews_attr(f, "FolderId", "Id"), ews_folder_id(f, a));
    assert_int_equal(folder_now(f, a).parent.v, drafts.v);
    assert_string_equal(ask_transfer(f, "MoveFolder", a, b), "ErrorMoveCopyFailed");
    assert_string_equal(ews_text(f, "MessageText"), "The move or copy operation failed.");
    assert_string_equal(ask_transfer(f, "MoveFolder", a, a), "ErrorMoveCopyFailed");
    assert_string_equal(ask_transfer(f, "CopyFolder", a, b), "ErrorMoveCopyFailed");
    ews_check_mailbox(f);
}

static void test_names_in_the_target_are_in_the_way(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");
    struct folder_id drafts = ews_folder(f, DF_DRAFTS);

    ews_given_folder(f, drafts, "A", "IPF.Note");
    assert_string_equal(ask_transfer(f, "MoveFolder", a, drafts), "ErrorMoveCopyFailed");
    assert_string_equal(ask_transfer(f, "CopyFolder", a, drafts), "ErrorMoveCopyFailed");
}

static void test_a_copied_folder_is_new_throughout(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");
    struct folder_id b = ews_given_folder(f, a, "b", "IPF.Note");
    struct folder_id drafts = ews_folder(f, DF_DRAFTS);
    const char *copy;

    ews_given_message(f, b, "in b");
    assert_string_equal(ask_transfer(f, "CopyFolder", a, drafts), "NoError");
    copy = ews_attr(f, "FolderId", "Id");
    assert_string_not_equal(copy, ews_folder_id(f, a));
    ews_ask(f, "<m:FindFolder Traversal='Deep'><m:FolderShape><t:BaseShape>Default</t:BaseShape>"
               "</m:FolderShape><m:ParentFolderIds><t:DistinguishedFolderId Id='drafts'/>"
               "</m:ParentFolderIds></m:FindFolder>");
    assert_int_equal(ews_count(f, "FolderId"), 2);
    assert_string_equal(ews_attr(f, "FolderId", "Id"), copy);
    assert_true(str_is(ews_nth(f, "TotalCount", 1)->text, "1"));
    assert_int_equal(folder_now(f, b).total, 1);
    ews_check_mailbox(f);
}

static void test_targets_of_folders_that_are_none(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");
    struct folder_id gone = ews_given_folder(f, ews_folder(f, DF_INBOX), "gone", "IPF.Note");

    ews_delete_folder(f, gone);
    assert_string_equal(ask_transfer(f, "MoveFolder", a, gone), "ErrorToFolderNotFound");
    assert_string_equal(ask_transfer(f, "CopyFolder", a, gone), "ErrorToFolderNotFound");
    assert_string_equal(ask_transfer(f, "MoveFolder", gone, a), "ErrorItemNotFound");
    assert_string_equal(ews_children(f, ews_nth(f, "MoveFolderResponseMessage", 0)),
                        "MessageText ResponseCode DescriptiveLinkKey Folders");
}

/* ---- EmptyFolder, MarkAllItemsAsRead ---- */

static void test_emptying(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id a = ews_given_folder(f, ews_folder(f, DF_INBOX), "a", "IPF.Note");
    struct folder_id b = ews_given_folder(f, a, "b", "IPF.Note");
    struct folder_id bin = ews_folder(f, DF_DELETEDITEMS);
    struct folder folder;

    ews_given_message(f, a, "one");
    ews_given_message(f, b, "two");
    assert_string_equal(ask_empty(f, "MoveToDeletedItems", false, a), "NoError");
    assert_int_equal(folder_now(f, a).total, 0);
    assert_int_equal(folder_now(f, b).total, 1);
    assert_int_equal(folder_now(f, bin).total, 1);
    assert_string_equal(ask_empty(f, "MoveToDeletedItems", false, bin), "NoError");
    assert_int_equal(folder_now(f, bin).total, 0);
    assert_int_equal(folder_now(f, ews_folder(f, DF_RECOVERABLEITEMSDELETIONS)).total, 1);
    assert_string_equal(
        ask_empty(f, "SoftDelete", false, ews_folder(f, DF_RECOVERABLEITEMSDELETIONS)), "NoError");
    assert_int_equal(folder_now(f, ews_folder(f, DF_RECOVERABLEITEMSDELETIONS)).total, 0);
    assert_string_equal(ask_empty(f, "HardDelete", true, a), "NoError");
    assert_false(ews_find_folder(f, b, &folder));
    ews_check_mailbox(f);
}

static void test_what_cannot_be_emptied(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(ask_empty(f, "HardDelete", false, ews_folder(f, DF_CALENDAR)),
                        "ErrorCannotEmptyFolder");
    assert_string_equal(ask_empty(f, "HardDelete", true, ews_folder(f, DF_MSGFOLDERROOT)),
                        "ErrorCannotEmptyFolder");
    assert_string_equal(ask_empty(f, "HardDelete", true, ews_folder(f, DF_SEARCHFOLDERS)),
                        "ErrorCannotEmptyFolder");
    ews_ask(f, "<m:EmptyFolder DeleteType='HardDelete'><m:FolderIds><t:DistinguishedFolderId "
               "Id='inbox'/></m:FolderIds></m:EmptyFolder>");
    assert_string_equal(ews_codes(f), "ErrorSchemaValidation");
}

static const char *ask_mark(struct ews_fixture *f, const char *flag, const char *folders)
{
    ews_ask(f,
            "<m:MarkAllItemsAsRead><m:ReadFlag>%s</m:ReadFlag><m:SuppressReadReceipts>true"
            "</m:SuppressReadReceipts><m:FolderIds>%s</m:FolderIds></m:MarkAllItemsAsRead>",
            flag, folders);
    return ews_codes(f);
}

static void test_marking_all(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct folder_id below = ews_given_folder(f, inbox, "a", "IPF.Note");

    ews_given_message(f, inbox, "one");
    ews_given_message(f, inbox, "two");
    ews_given_message(f, below, "three");
    assert_string_equal(ask_mark(f, "true",
                                 "<t:DistinguishedFolderId Id='inbox'/>"
                                 "<t:DistinguishedFolderId Id='voicemail'/>"),
                        "NoError ErrorFolderNotFound");
    assert_int_equal(folder_now(f, inbox).unread, 0);
    assert_int_equal(folder_now(f, below).unread, 1);
    assert_string_equal(ask_mark(f, "false", "<t:DistinguishedFolderId Id='inbox'/>"), "NoError");
    assert_int_equal(folder_now(f, inbox).unread, 2);
    ews_check_mailbox(f);
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_created_folders_are_told_by_element_and_id),
        fixture_test(test_names_that_are_taken_and_names_that_are_none),
        fixture_test(test_class_and_element_agree),
        fixture_test(test_what_cannot_be_set_on_a_new_folder),
        fixture_test(test_parents_that_are_none),
        fixture_test(test_extended_properties_are_kept),
        fixture_test(test_extended_values_of_the_wrong_type),
        fixture_test(test_a_path_is_made_as_far_as_it_lacks),
        fixture_test(test_renaming),
        fixture_test(test_change_keys_of_updates),
        fixture_test(test_classes_stay_in_their_family),
        fixture_test(test_updates_that_make_no_sense),
        fixture_test(test_updates_of_one_folder_are_all_or_none),
        fixture_test(test_deleted_folders_take_all_along),
        fixture_test(test_the_bin_keeps_the_id_and_makes_names_unique),
        fixture_test(test_distinguished_folders_stay),
        fixture_test(test_a_moved_folder_keeps_its_id),
        fixture_test(test_names_in_the_target_are_in_the_way),
        fixture_test(test_a_copied_folder_is_new_throughout),
        fixture_test(test_targets_of_folders_that_are_none),
        fixture_test(test_emptying),
        fixture_test(test_what_cannot_be_emptied),
        fixture_test(test_marking_all),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
