/* GetFolder: shapes, elements by class, versions, extended properties, and how a folder is not
 * found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "support/ews_fixture.h"

#include <string.h>

#define SHAPE(base, more)                                                                          \
    "<m:FolderShape><t:BaseShape>" base "</t:BaseShape>" more "</m:FolderShape>"
#define NAMED(paths) "<t:AdditionalProperties>" paths "</t:AdditionalProperties>"

/* Asks for one distinguished folder and gives the names of its properties. */
static const char *properties(struct ews_fixture *f, const char *shape, const char *folder)
{
    const struct xml_node *folders;

    ews_ask(f,
            "<m:GetFolder>%s<m:FolderIds><t:DistinguishedFolderId Id='%s'/></m:FolderIds>"
            "</m:GetFolder>",
            shape, folder);
    folders = ews_nth(f, "Folders", 0);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    assert_non_null(folders->first_child);
    return ews_outline(f, folders->first_child);
}

static void test_base_shapes_of_each_element(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(properties(f, SHAPE("IdOnly", ""), "inbox"), "Folder(FolderId)");
    assert_string_equal(properties(f, SHAPE("Default", ""), "inbox"),
                        "Folder(FolderId DisplayName TotalCount ChildFolderCount UnreadCount)");
    assert_string_equal(properties(f, SHAPE("Default", ""), "calendar"),
                        "CalendarFolder(FolderId DisplayName ChildFolderCount)");
    assert_string_equal(properties(f, SHAPE("Default", ""), "contacts"),
                        "ContactsFolder(FolderId DisplayName TotalCount ChildFolderCount)");
    assert_string_equal(
        properties(f, SHAPE("Default", ""), "tasks"),
        "TasksFolder(FolderId DisplayName TotalCount ChildFolderCount UnreadCount)");
    assert_string_equal(properties(f, SHAPE("Default", ""), "notes"),
                        "Folder(FolderId DisplayName TotalCount ChildFolderCount UnreadCount)");
}

#define RIGHTS_2007 "CreateAssociated CreateContents CreateHierarchy Delete Modify Read"

static void test_all_properties_depend_on_version(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(
        properties(f, SHAPE("AllProperties", ""), "inbox"),
        "Folder(FolderId ParentFolderId FolderClass DisplayName TotalCount ChildFolderCount "
        "EffectiveRights(" RIGHTS_2007 " ViewPrivateItems) DistinguishedFolderId UnreadCount)");
    assert_string_equal(ews_text(f, "DistinguishedFolderId"), "inbox");
    assert_string_equal(ews_text(f, "DisplayName"), "Inbox");
    assert_string_equal(ews_text(f, "FolderClass"), "IPF.Note");
    assert_string_equal(ews_text(f, "Modify"), "true");
    f->version = "Exchange2007_SP1";
    assert_string_equal(
        properties(f, SHAPE("AllProperties", ""), "inbox"),
        "Folder(FolderId ParentFolderId FolderClass DisplayName TotalCount ChildFolderCount "
        "EffectiveRights(" RIGHTS_2007 ") UnreadCount)");
    f->version = NULL;
    assert_string_equal(properties(f, SHAPE("AllProperties", ""), "contacts"),
                        "ContactsFolder(FolderId ParentFolderId FolderClass DisplayName TotalCount "
                        "ChildFolderCount EffectiveRights(" RIGHTS_2007 "))");
}

static void test_root_has_no_parent(void **state)
{
    struct ews_fixture *f = *state;

    assert_null(strstr(properties(f, SHAPE("AllProperties", ""), "root"), "ParentFolderId"));
}

static void test_named_properties_come_in_schema_order(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(
        properties(f,
                   SHAPE("IdOnly", NAMED("<t:FieldURI FieldURI='folder:UnreadCount'/>"
                                         "<t:FieldURI FieldURI='folder:DisplayName'/>"
                                         "<t:FieldURI FieldURI='folder:FolderId'/>"
                                         "<t:FieldURI FieldURI='folder:PolicyTag'/>"
                                         "<t:FieldURI FieldURI='folder:ParentFolderId'/>")),
                   "inbox"),
        "Folder(FolderId ParentFolderId DisplayName UnreadCount)");
}

/* Clients ask every folder for the same list; what an element cannot have is left out. */
static void test_what_an_element_lacks_is_left_out(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(
        properties(f,
                   SHAPE("IdOnly", NAMED("<t:FieldURI FieldURI='folder:UnreadCount'/>"
                                         "<t:FieldURI FieldURI='folder:DisplayName'/>")),
                   "calendar"),
        "CalendarFolder(FolderId DisplayName)");
}

static void test_permission_set_only_when_named(void **state)
{
    struct ews_fixture *f = *state;
    const char *shape = SHAPE("IdOnly", NAMED("<t:FieldURI FieldURI='folder:PermissionSet'/>"));

    assert_non_null(strstr(properties(f, shape, "inbox"),
                           "PermissionSet(Permissions(Permission(UserId(DistinguishedUser)"));
    assert_string_equal(ews_text(f, "DistinguishedUser"), "Default");
    assert_string_equal(ews_text(f, "PermissionLevel"), "None");
    assert_non_null(strstr(properties(f, shape, "calendar"),
                           "PermissionSet(CalendarPermissions(CalendarPermission("));
}

static void test_counts_are_current(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct item_id first = ews_given_message(f, inbox, "one");

    ews_given_message(f, inbox, "two");
    ews_set_read(f, first, true);
    ews_given_folder(f, inbox, "Sub", "IPF.Note");
    properties(f, SHAPE("Default", ""), "inbox");
    assert_string_equal(ews_text(f, "TotalCount"), "2");
    assert_string_equal(ews_text(f, "UnreadCount"), "1");
    assert_string_equal(ews_text(f, "ChildFolderCount"), "1");
}

static void test_element_goes_by_folder_class(void **state)
{
    static const char *const CASES[][2] = {
        {"IPF.Contact.Foo", "ContactsFolder"}, {"IPF.Contacts", "Folder"},
        {"IPF.Task", "TasksFolder"},           {"ipf.appointment", "CalendarFolder"},
        {"IPF.StickyNote", "Folder"},          {"", "Folder"},
    };
    struct ews_fixture *f = *state;
    struct folder_id root = ews_folder(f, DF_MSGFOLDERROOT);

    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const char *name = arena_printf(f->arena, "Folder %zu", i);
        struct folder_id id = ews_given_folder(f, root, name, CASES[i][0]);

        ews_ask(f,
                "<m:GetFolder>" SHAPE("AllProperties", "") "<m:FolderIds><t:FolderId Id='%s'/>"
                                                           "</m:FolderIds></m:GetFolder>",
                ews_folder_id(f, id));
        assert_true(str_is(ews_nth(f, "Folders", 0)->first_child->name, CASES[i][1]));
        assert_string_equal(ews_text(f, "DisplayName"), name);
        assert_int_equal(ews_count(f, "FolderClass"), CASES[i][0][0] != '\0');
    }
}

#define TAG(tag, type) "<t:ExtendedFieldURI PropertyTag='" tag "' PropertyType='" type "'/>"

static void test_extended_properties_by_tag(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(
        properties(
            f,
            SHAPE("IdOnly",
                  NAMED(TAG("4340", "Boolean") TAG("0x3613", "String") TAG("0x3601", "Integer")
                            TAG("0x10F4", "Boolean") TAG(
                                "0x3602", "String") "<t:FieldURI FieldURI='folder:DisplayName'/>")),
            "inbox"),
        "Folder(FolderId DisplayName ExtendedProperty(ExtendedFieldURI Value) "
        "ExtendedProperty(ExtendedFieldURI Value))");
    assert_string_equal(ews_attr(f, "ExtendedFieldURI", "PropertyTag"), "0x10f4");
    assert_string_equal(ews_text(f, "Value"), "false");
    assert_true(str_is(ews_nth(f, "Value", 1)->text, "IPF.Note"));
}

static const char *content_tag(struct ews_fixture *f)
{
    properties(f, SHAPE("IdOnly", NAMED(TAG("0x670a", "SystemTime"))), "inbox");
    return ews_text(f, "Value");
}

static void test_content_tag_changes_with_any_content(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    const char *empty = content_tag(f), *added, *flagged;
    struct item_id id = ews_given_message(f, inbox, "x");

    added = content_tag(f);
    assert_true(strcmp(empty, added) < 0);
    ews_set_read(f, id, true);
    flagged = content_tag(f);
    assert_true(strcmp(added, flagged) < 0);
    assert_string_equal(flagged, content_tag(f));
}

static void test_paths_of_items_are_each_messages_error(void **state)
{
    static const char *const PATHS[] = {
        "<t:FieldURI FieldURI=\"item:Subject\"/>",
        "<t:IndexedFieldURI FieldURI=\"item:InternetMessageHeader\" FieldIndex=\"Date\"/>",
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
        const char *answer = ews_ask(
            f,
            "<m:GetFolder>" SHAPE(
                "IdOnly",
                NAMED(
                    "%s")) "<m:FolderIds>"
                           "<t:DistinguishedFolderId Id='inbox'/><t:DistinguishedFolderId Id='drafts'/>"
                           "</m:FolderIds></m:GetFolder>",
            PATHS[i]);

        assert_int_equal(ews_count(f, "GetFolderResponseMessage"), 2);
        assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidPropertyRequest");
        assert_string_equal(ews_text(f, "MessageText"),
                            "Property is not valid for this object type.");
        assert_string_equal(ews_children(f, ews_nth(f, "GetFolderResponseMessage", 1)),
                            "MessageText ResponseCode DescriptiveLinkKey MessageXml Folders");
        assert_non_null(
            strstr(answer, arena_printf(f->arena, "<m:MessageXml>%s</m:MessageXml>", PATHS[i])));
    }
    ews_ask(
        f, "<m:GetFolder>" SHAPE(
               "IdOnly",
               NAMED(TAG(
                   "0x8001",
                   "String"))) "<m:FolderIds>"
                               "<t:DistinguishedFolderId Id='inbox'/></m:FolderIds></m:GetFolder>");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorNoPropertyTagForCustomProperties");
    assert_int_equal(ews_count(f, "ExtendedFieldURI"), 1);
}

static void assert_schema_fault(struct ews_fixture *f)
{
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorSchemaValidation");
    assert_int_equal(f->http_status, 500);
}

#define OF_INBOX "<m:FolderIds><t:DistinguishedFolderId Id='inbox'/></m:FolderIds>"

static void test_requests_outside_the_schema(void **state)
{
    static const char *const BODIES[] = {
        SHAPE("Everything", "") OF_INBOX,
        SHAPE("IdOnly", NAMED("")) OF_INBOX,
        SHAPE("IdOnly", NAMED("<t:FieldURI FieldURI='folder:Nothing'/>")) OF_INBOX,
        SHAPE("IdOnly", "") "<m:FolderIds/>",
        SHAPE("IdOnly", "") "<m:FolderIds><t:DistinguishedFolderId Id='Inbox'/></m:FolderIds>",
        SHAPE("IdOnly", "") "<m:FolderIds><t:DistinguishedFolderId/></m:FolderIds>",
        SHAPE("IdOnly", "") "<m:FolderIds><t:FolderId/></m:FolderIds>",
        SHAPE("IdOnly", "") "<m:FolderIds><t:ItemId Id='x'/></m:FolderIds>",
        OF_INBOX SHAPE("IdOnly", ""),
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        ews_ask(f, "<m:GetFolder>%s</m:GetFolder>", BODIES[i]);
        assert_schema_fault(f);
    }
}

/* The code of one id's message. */
static const char *code_for(struct ews_fixture *f, const char *id)
{
    ews_ask(f, "<m:GetFolder>" SHAPE("IdOnly", "") "<m:FolderIds>%s</m:FolderIds></m:GetFolder>",
            id);
    assert_int_equal(f->http_status, 200);
    if (strcmp(ews_text(f, "ResponseCode"), "NoError") != 0) {
        assert_string_equal(ews_children(f, ews_nth(f, "GetFolderResponseMessage", 0)),
                            "MessageText ResponseCode DescriptiveLinkKey Folders");
        assert_string_equal(ews_text(f, "DescriptiveLinkKey"), "0");
    }
    return ews_text(f, "ResponseCode");
}

#define BY_ID(format) arena_printf(f->arena, "<t:FolderId Id='%s'/>", (format))

static void test_how_a_folder_is_not_found(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id gone = ews_given_folder(f, ews_folder(f, DF_INBOX), "Gone", "IPF.Note");

    ews_delete_folder(f, gone);
    assert_string_equal(code_for(f, BY_ID("")), "ErrorInvalidIdEmpty");
    assert_string_equal(code_for(f, BY_ID("F0103AAA=")), "ErrorInvalidIdMalformed");
    assert_string_equal(code_for(f, BY_ID(ews_item_id(f, (struct item_id){77}))),
                        "ErrorCannotUseItemIdForFolderId");
    assert_string_equal(code_for(f, BY_ID(ews_folder_id(f, gone))), "ErrorItemNotFound");
    assert_string_equal(code_for(f, BY_ID(ews_foreign_folder_id(f, (struct folder_id){1}))),
                        "ErrorFolderNotFound");
    assert_string_equal(code_for(f, "<t:DistinguishedFolderId Id='voicemail'/>"),
                        "ErrorFolderNotFound");
    assert_string_equal(code_for(f, arena_printf(f->arena, "<t:FolderId Id='%s' ChangeKey='CK1'/>",
                                                 ews_folder_id(f, ews_folder(f, DF_INBOX)))),
                        "ErrorInvalidChangeKey");
    assert_string_equal(code_for(f, arena_printf(f->arena, "<t:FolderId Id='%s' ChangeKey=''/>",
                                                 ews_folder_id(f, ews_folder(f, DF_INBOX)))),
                        "NoError");
}

#define IN_MAILBOX(address)                                                                        \
    "<t:DistinguishedFolderId Id='inbox'><t:Mailbox><t:EmailAddress>" address                      \
    "</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType>"   \
    "</t:Mailbox></t:DistinguishedFolderId>"

static void test_explicit_access_by_address(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(code_for(f, IN_MAILBOX("alice@example.com")), "NoError");
    assert_string_equal(code_for(f, IN_MAILBOX("ALICE@Example.com")), "NoError");
    assert_string_equal(code_for(f, IN_MAILBOX("bob@example.com")), "ErrorFolderNotFound");
    assert_string_equal(code_for(f, IN_MAILBOX("nobody@example.com")), "ErrorNonExistentMailbox");
}

/* The names of the schema, all of which the grammar must know. */
static const char *const NAMES[] = {
    "calendar",
    "contacts",
    "deleteditems",
    "drafts",
    "inbox",
    "journal",
    "notes",
    "outbox",
    "sentitems",
    "tasks",
    "msgfolderroot",
    "publicfoldersroot",
    "root",
    "junkemail",
    "searchfolders",
    "voicemail",
    "recoverableitemsroot",
    "recoverableitemsdeletions",
    "recoverableitemsversions",
    "recoverableitemspurges",
    "recoverableitemsdiscoveryholds",
    "archiveroot",
    "archivemsgfolderroot",
    "archivedeleteditems",
    "archiveinbox",
    "archiverecoverableitemsroot",
    "archiverecoverableitemsdeletions",
    "archiverecoverableitemsversions",
    "archiverecoverableitemspurges",
    "archiverecoverableitemsdiscoveryholds",
    "syncissues",
    "conflicts",
    "localfailures",
    "serverfailures",
    "recipientcache",
    "quickcontacts",
    "conversationhistory",
    "adminauditlogs",
    "todosearch",
    "mycontacts",
    "directory",
    "imcontactlist",
    "peopleconnect",
    "favorites",
    "mecontact",
    "personmetadata",
    "teamspaceactivity",
    "teamspacemessaging",
    "teamspaceworkitems",
    "scheduled",
    "orionnotes",
    "tagitems",
    "alltaggeditems",
    "externalcontacts",
    "teamchat",
    "teamchathistory",
    "yammerroot",
    "yammerinbound",
    "yammeroutbound",
    "yammerfeeds",
    "onedriveroot",
    "onedriverecylebin",
    "onedrivesystem",
    "onedrivevolume",
    "important",
    "starred",
    "archive",
};

static void test_every_distinguished_name_has_an_answer_in_order(void **state)
{
    struct ews_fixture *f = *state;
    struct buf ids = BUF_INIT;

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        buf_printf(&ids, "<t:DistinguishedFolderId Id='%s'/>", NAMES[i]);
    }
    ews_ask(f,
            "<m:GetFolder>" SHAPE("AllProperties", "") "<m:FolderIds>%.*s</m:FolderIds>"
                                                       "</m:GetFolder>",
            STR_ARG(buf_str(&ids)));
    buf_fini(&ids);
    assert_int_equal(ews_count(f, "GetFolderResponseMessage"), ARRAY_LEN(NAMES));
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        const struct xml_node *message = ews_nth(f, "GetFolderResponseMessage", i);
        const struct xml_node *folders = xml_child(message, XML_NS_MESSAGES, "Folders");
        const struct xml_node *name =
            folders->first_child != NULL
                ? xml_child(folders->first_child, XML_NS_TYPES, "DistinguishedFolderId")
                : NULL;

        assert_true(name == NULL || str_is(name->text, NAMES[i]));
        assert_true(name != NULL ||
                    str_is(xml_child(message, XML_NS_MESSAGES, "ResponseCode")->text,
                           "ErrorFolderNotFound"));
    }
    assert_int_equal(ews_count(f, "DistinguishedFolderId"), DF_COUNT - 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_base_shapes_of_each_element),
        TEST(test_all_properties_depend_on_version),
        TEST(test_root_has_no_parent),
        TEST(test_named_properties_come_in_schema_order),
        TEST(test_what_an_element_lacks_is_left_out),
        TEST(test_permission_set_only_when_named),
        TEST(test_counts_are_current),
        TEST(test_element_goes_by_folder_class),
        TEST(test_extended_properties_by_tag),
        TEST(test_content_tag_changes_with_any_content),
        TEST(test_paths_of_items_are_each_messages_error),
        TEST(test_requests_outside_the_schema),
        TEST(test_how_a_folder_is_not_found),
        TEST(test_explicit_access_by_address),
        TEST(test_every_distinguished_name_has_an_answer_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
