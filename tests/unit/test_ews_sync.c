/* SyncFolderHierarchy and SyncFolderItems as a client sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "support/ews_fixture.h"

#include <string.h>

#define IDS "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
#define FOLDER_IDS "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
#define NAMED_FOLDER(name)                                                                         \
    "<m:SyncFolderId><t:DistinguishedFolderId Id='" name "'/></m:SyncFolderId>"

/* ---- asking ---- */

/* One item sync of the inbox; state NULL leaves the element out. Gives the new state. */
static const char *sync_inbox(struct ews_fixture *f, const char *state, const char *rest)
{
    ews_ask(f, "<m:SyncFolderItems>" IDS NAMED_FOLDER("inbox") "%s%s%s%s</m:SyncFolderItems>",
            state != NULL ? "<m:SyncState>" : "", state != NULL ? state : "",
            state != NULL ? "</m:SyncState>" : "", rest);
    return ews_text(f, "SyncState");
}

#define MAX(n) "<m:MaxChangesReturned>" n "</m:MaxChangesReturned>"

static const char *sync_tree(struct ews_fixture *f, const char *folder, const char *state)
{
    ews_ask(f, "<m:SyncFolderHierarchy>" FOLDER_IDS "%s%s%s%s</m:SyncFolderHierarchy>", folder,
            state != NULL ? "<m:SyncState>" : "", state != NULL ? state : "",
            state != NULL ? "</m:SyncState>" : "");
    return ews_text(f, "SyncState");
}

static const char *changes(struct ews_fixture *f)
{
    const struct xml_node *node = ews_nth(f, "Changes", 0);

    assert_non_null(node);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    return ews_outline(f, node);
}

/* "Create Subject"-like list of kinds only. */
static const char *kinds(struct ews_fixture *f)
{
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    return ews_children(f, ews_nth(f, "Changes", 0));
}

/* Every error of the two operations has the tail that clients read first. */
static const char *sync_error(struct ews_fixture *f, const char *last)
{
    const struct xml_node *message = ews_nth(f, "ResponseMessages", 0)->first_child;

    assert_int_equal(f->http_status, 200);
    assert_true(str_is(xml_attr(message, "ResponseClass"), "Error"));
    assert_string_equal(ews_text(f, "DescriptiveLinkKey"), "0");
    assert_string_equal(ews_text(f, "SyncState"), "");
    assert_string_equal(ews_text(f, last), "true");
    assert_int_equal(ews_count(f, "Changes"), 0);
    return ews_text(f, "ResponseCode");
}

#define LAST_ITEM "IncludesLastItemInRange"
#define LAST_FOLDER "IncludesLastFolderInRange"

/* ---- items ---- */

static void test_initial_item_sync_of_an_empty_folder(void **state)
{
    struct ews_fixture *f = *state;
    const char *answer;

    sync_inbox(f, NULL, MAX("10"));
    answer = f->answer.p;
    assert_string_equal(ews_children(f, ews_nth(f, "SyncFolderItemsResponseMessage", 0)),
                        "ResponseCode SyncState IncludesLastItemInRange Changes");
    assert_non_null(strstr(answer, "<m:Changes/>"));
    assert_string_equal(ews_text(f, LAST_ITEM), "true");
    assert_in_range(strlen(ews_text(f, "SyncState")), 1, 64);
}

static void test_items_come_newest_first_by_pages(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    const char *ids[5], *at = NULL;

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        ids[i] = ews_item_id(f, ews_given_message(f, inbox, "x"));
    }
    for (size_t page = 0; page < 3; page++) {
        at = sync_inbox(f, at, MAX("2"));
        assert_string_equal(changes(f), page < 2 ? "Changes(Create(Message(ItemId)) "
                                                   "Create(Message(ItemId)))"
                                                 : "Changes(Create(Message(ItemId)))");
        assert_string_equal(ews_text(f, LAST_ITEM), page < 2 ? "false" : "true");
        assert_string_equal(ews_attr(f, "ItemId", "Id"), ids[4 - 2 * page]);
        assert_non_null(ews_attr(f, "ItemId", "ChangeKey"));
    }
    sync_inbox(f, at, MAX("2"));
    assert_string_equal(kinds(f), "");
}

static void test_each_kind_of_item_change(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct item_id read = ews_given_message(f, inbox, "read");
    struct item_id edited = ews_given_message(f, inbox, "edited");
    struct item_id gone = ews_given_message(f, inbox, "gone");
    const char *at = sync_inbox(f, NULL, MAX("512"));

    ews_set_read(f, read, true);
    ews_touch(f, edited);
    ews_delete_item(f, gone);
    ews_given_message(f, inbox, "new");
    at = sync_inbox(f, at, MAX("512"));
    assert_string_equal(changes(f),
                        "Changes(Create(Message(ItemId)) Delete(ItemId) Update(Message(ItemId)) "
                        "ReadFlagChange(ItemId IsRead))");
    assert_string_equal(ews_text(f, "IsRead"), "true");
    assert_true(str_is(xml_attr(ews_nth(f, "ItemId", 1), "Id"), ews_item_id(f, gone)));
    /* The change keys of Delete and ReadFlagChange are stubs. */
    assert_true(str_eq(xml_attr(ews_nth(f, "ItemId", 1), "ChangeKey"),
                       xml_attr(ews_nth(f, "ItemId", 3), "ChangeKey")));
    assert_false(str_eq(xml_attr(ews_nth(f, "ItemId", 2), "ChangeKey"),
                        xml_attr(ews_nth(f, "ItemId", 3), "ChangeKey")));
    ews_set_read(f, read, false);
    sync_inbox(f, at, MAX("512"));
    assert_string_equal(kinds(f), "ReadFlagChange");
    assert_string_equal(ews_text(f, "IsRead"), "false");
}

static void test_first_release_gets_updates_for_read_flags(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "x");
    const char *at = sync_inbox(f, NULL, MAX("5"));

    ews_set_read(f, id, true);
    f->version = "Exchange2007";
    sync_inbox(f, at, MAX("5"));
    assert_string_equal(changes(f), "Changes(Update(Message(ItemId)))");
    f->version = NULL;
    sync_inbox(f, at, MAX("5"));
    assert_string_equal(kinds(f), "ReadFlagChange");
}

static void test_a_state_may_be_used_again_and_an_empty_one_is_initial(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    const char *at;

    ews_given_message(f, inbox, "a");
    at = sync_inbox(f, NULL, MAX("5"));
    ews_given_message(f, inbox, "b");
    for (int i = 0; i < 2; i++) {
        sync_inbox(f, at, MAX("5"));
        assert_string_equal(kinds(f), "Create");
    }
    sync_inbox(f, "", MAX("5"));
    assert_string_equal(kinds(f), "Create Create");
}

static void test_ignored_items_are_left_out_and_odd_ids_do_no_harm(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct item_id one = ews_given_message(f, inbox, "one");
    struct item_id two = ews_given_message(f, inbox, "two");
    const char *at;

    ews_given_message(f, inbox, "three");
    at =
        sync_inbox(f, NULL,
                   arena_printf(f->arena,
                                "<m:Ignore><t:ItemId Id='%s'/><t:ItemId Id='AAA='/>"
                                "<t:ItemId Id='%s' ChangeKey='CQAAABY'/><t:ItemId "
                                "Id=''/><t:ItemId Id='%s'/><t:OccurrenceItemId "
                                "RecurringMasterId='x' InstanceIndex='1'/></m:Ignore>" MAX("5"),
                                ews_item_id(f, two), ews_item_id(f, one), ews_folder_id(f, inbox)));
    assert_string_equal(kinds(f), "Create");
    sync_inbox(f, at, MAX("5"));
    assert_string_equal(kinds(f), "");
    sync_inbox(f, NULL, "<m:Ignore/>" MAX("5"));
    assert_string_equal(kinds(f), "Create Create Create");
}

static void test_scope_decides_on_associated_items(void **state)
{
    struct ews_fixture *f = *state;
    const char *at;

    ews_given_associated(f, ews_folder(f, DF_INBOX));
    at = sync_inbox(f, NULL, MAX("5") "<m:SyncScope>NormalItems</m:SyncScope>");
    assert_string_equal(kinds(f), "");
    sync_inbox(f, at, MAX("5") "<m:SyncScope>NormalAndAssociatedItems</m:SyncScope>");
    assert_string_equal(changes(f), "Changes(Create(Item(ItemId)))");
}

static void test_number_of_days_means_nothing_when_zero(void **state)
{
    struct ews_fixture *f = *state;

    sync_inbox(f, NULL, MAX("5") "<m:NumberOfDays>0</m:NumberOfDays>");
    assert_string_equal(kinds(f), "");
    sync_inbox(f, NULL, MAX("5") "<m:NumberOfDays>3</m:NumberOfDays>");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorSchemaValidation");
}

static void test_item_requests_outside_the_schema(void **state)
{
    static const char *const BODIES[] = {
        IDS NAMED_FOLDER("inbox") MAX("0"),
        IDS NAMED_FOLDER("inbox") MAX("513"),
        IDS NAMED_FOLDER("inbox") MAX("-1"),
        IDS NAMED_FOLDER("inbox") MAX(""),
        IDS NAMED_FOLDER("inbox") MAX("ten"),
        IDS NAMED_FOLDER("inbox"),
        IDS MAX("5"),
        NAMED_FOLDER("inbox") MAX("5"),
        NAMED_FOLDER("inbox") IDS MAX("5"),
        IDS NAMED_FOLDER("nowhere") MAX("5"),
        IDS "<m:SyncFolderId/>" MAX("5"),
        IDS NAMED_FOLDER("inbox") "<m:Ignore><t:FolderId Id='x'/></m:Ignore>" MAX("5"),
        IDS NAMED_FOLDER("inbox") MAX("5") "<m:SyncScope>All</m:SyncScope>",
        IDS NAMED_FOLDER("inbox") MAX("5") "<m:SyncScope>NormalItems</m:SyncScope>" MAX("5"),
        "<m:ItemShape><t:BaseShape>Full</t:BaseShape></m:ItemShape>" NAMED_FOLDER("inbox") MAX("5"),
    };
    struct ews_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        ews_ask(f, "<m:SyncFolderItems>%s</m:SyncFolderItems>", BODIES[i]);
        assert_int_equal(f->http_status, 500);
        assert_string_equal(ews_text(f, "ResponseCode"), "ErrorSchemaValidation");
    }
}

static const char *items_error(struct ews_fixture *f, const char *folder, const char *state)
{
    ews_ask(f,
            "<m:SyncFolderItems>" IDS
            "<m:SyncFolderId>%s</m:SyncFolderId>%s" MAX("5") "</m:SyncFolderItems>",
            folder,
            state != NULL ? arena_printf(f->arena, "<m:SyncState>%s</m:SyncState>", state) : "");
    return sync_error(f, LAST_ITEM);
}

#define BY_ID(id) arena_printf(f->arena, "<t:FolderId Id='%s'/>", (id))
#define INBOX "<t:DistinguishedFolderId Id='inbox'/>"

static void test_item_sync_errors(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id gone = ews_given_folder(f, ews_folder(f, DF_INBOX), "Gone", "IPF.Note");
    const char *tree = sync_tree(f, NAMED_FOLDER("inbox"), NULL), *drafts;

    ews_delete_folder(f, gone);
    ews_ask(f, "<m:SyncFolderItems>" IDS NAMED_FOLDER("drafts") MAX("5") "</m:SyncFolderItems>");
    drafts = ews_text(f, "SyncState");
    assert_string_equal(items_error(f, BY_ID(""), NULL), "ErrorInvalidIdEmpty");
    assert_string_equal(items_error(f, BY_ID("x"), NULL), "ErrorInvalidIdMalformed");
    assert_string_equal(items_error(f, BY_ID(ews_item_id(f, (struct item_id){99})), NULL),
                        "ErrorCannotUseItemIdForFolderId");
    assert_string_equal(items_error(f, BY_ID(ews_folder_id(f, gone)), NULL),
                        "ErrorSyncFolderNotFound");
    assert_string_equal(
        items_error(f, BY_ID(ews_foreign_folder_id(f, (struct folder_id){1})), NULL),
        "ErrorSyncFolderNotFound");
    assert_string_equal(items_error(f, "<t:DistinguishedFolderId Id='voicemail'/>", NULL),
                        "ErrorSyncFolderNotFound");
    assert_string_equal(items_error(f, "<t:AddressListId Id='x'/>", NULL), "ErrorInvalidOperation");
    assert_string_equal(items_error(f, INBOX, "H4sIA="), "ErrorInvalidSyncStateData");
    assert_string_equal(items_error(f, INBOX, tree), "ErrorInvalidSyncStateData");
    assert_string_equal(items_error(f, INBOX, drafts), "ErrorInvalidSyncStateData");
    assert_string_equal(ews_text(f, "MessageText"),
                        "Synchronization state data is corrupt or otherwise invalid.");
    /* The folder is checked before the state. */
    assert_string_equal(items_error(f, BY_ID(ews_folder_id(f, gone)), "junk"),
                        "ErrorSyncFolderNotFound");
}

static const char *in_mailbox(struct ews_fixture *f, const char *address)
{
    return arena_printf(f->arena,
                        "<t:DistinguishedFolderId Id='inbox'><t:Mailbox>"
                        "<t:EmailAddress>%s</t:EmailAddress></t:Mailbox>"
                        "</t:DistinguishedFolderId>",
                        address);
}

static void test_other_mailboxes_are_not_visible(void **state)
{
    struct ews_fixture *f = *state;

    assert_string_equal(items_error(f, in_mailbox(f, "bob@example.com"), NULL),
                        "ErrorSyncFolderNotFound");
    assert_string_equal(items_error(f, in_mailbox(f, "nobody@example.com"), NULL),
                        "ErrorNonExistentMailbox");
}

/* A property that no summary can have is an error of the message, after those of folder and
 * state. */
static void test_unfit_properties_are_named(void **state)
{
    static const char BODY[] =
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
        "<t:AdditionalProperties><t:ExtendedFieldURI PropertyTag='0x37' "
        "PropertyName='x' PropertyType='String'/></t:AdditionalProperties>"
        "</m:ItemShape><m:SyncFolderId>%s</m:SyncFolderId>" MAX("5") "</m:SyncFolderItems>";
    struct ews_fixture *f = *state;

    ews_ask(f, BODY, INBOX);
    assert_string_equal(sync_error(f, LAST_ITEM), "ErrorInvalidExtendedProperty");
    assert_string_equal(ews_attr(f, "ExtendedFieldURI", "PropertyTag"), "0x37");
    ews_ask(f, BODY, BY_ID("x"));
    assert_string_equal(sync_error(f, LAST_ITEM), "ErrorInvalidIdMalformed");
    assert_int_equal(ews_count(f, "MessageXml"), 0);
}

static void test_default_shape_has_the_summary(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_message(f, ews_folder(f, DF_INBOX), "Hello & goodbye");
    ews_ask(
        f,
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>" NAMED_FOLDER(
            "inbox") MAX("5") "</m:SyncFolderItems>");
    assert_string_equal(kinds(f), "Create");
    assert_string_equal(ews_text(f, "Subject"), "Hello & goodbye");
    assert_null(strstr(f->answer.p, "<t:Body"));
    assert_int_equal(ews_count(f, "ToRecipients"), 0);
    assert_string_equal(ews_text(f, "IsRead"), "false");
}

/* ---- the documents' own examples ---- */

#define EXAMPLE(body)                                                                                \
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"                                                   \
    "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"\n"                      \
    "  xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">\n  <soap:Body>\n" body \
    "  </soap:Body>\n</soap:Envelope>\n"

#define EXAMPLE_ITEMS(state, ignore)                                                               \
    EXAMPLE("    <SyncFolderItems "                                                                \
            "xmlns=\"http://schemas.microsoft.com/exchange/services/2006/messages\">\n"            \
            "      <ItemShape>\n        <t:BaseShape>Default</t:BaseShape>\n      </ItemShape>\n"  \
            "      <SyncFolderId>\n        <t:DistinguishedFolderId Id=\"sentitems\"/>\n"          \
            "      </SyncFolderId>\n" state "      <Ignore>\n        " ignore                      \
            "\n      </Ignore>\n"                                                                  \
            "      <MaxChangesReturned>100</MaxChangesReturned>\n    </SyncFolderItems>\n")

static void test_items_example_with_an_invalid_state(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask_raw(f, STR(EXAMPLE_ITEMS("      <SyncState>AEbJ94eMOAAA=</SyncState>\n",
                                     "<t:ItemId Id=\"AQApAHRAA==\" ChangeKey=\"CQAAABY\"/>")));
    assert_string_equal(
        ews_outline(f, f->root),
        "Envelope(Header(ServerVersionInfo) Body(SyncFolderItemsResponse(ResponseMessages("
        "SyncFolderItemsResponseMessage(MessageText ResponseCode DescriptiveLinkKey SyncState "
        "IncludesLastItemInRange)))))");
    assert_string_equal(sync_error(f, LAST_ITEM), "ErrorInvalidSyncStateData");
    assert_string_equal(ews_text(f, "MessageText"),
                        "Synchronization state data is corrupt or otherwise invalid.");
}

static const char MEETING[] =
    "From: Dan Park <dpark@example.com>\r\nTo: Alice Example <alice@example.com>\r\n"
    "Subject: Budget Q3\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n"
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\nMETHOD:REQUEST\r\n"
    "BEGIN:VEVENT\r\nUID:1@example.com\r\nDTSTAMP:20060801T000000Z\r\n"
    "DTSTART:20060802T173000Z\r\nDTEND:20060802T193000Z\r\nSUMMARY:Budget Q3\r\n"
    "LOCATION:Conference Room 2\r\nORGANIZER;CN=Dan Park:mailto:dpark@example.com\r\n"
    "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:alice@example.com\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n";

static void test_items_example_with_a_meeting_request(void **state)
{
    struct ews_fixture *f = *state;

    ews_given_mime(f, ews_folder(f, DF_SENTITEMS), MEETING);
    ews_ask_raw(f, STR(EXAMPLE_ITEMS("", "<t:ItemId Id=\"AQApAHRAA==\" ChangeKey=\"CQAAABY\"/>")));
    assert_string_equal(
        ews_outline(f, ews_nth(f, "Body", 0)),
        "Body(SyncFolderItemsResponse(ResponseMessages(SyncFolderItemsResponseMessage("
        "ResponseCode SyncState IncludesLastItemInRange Changes(Create(MeetingRequest(ItemId "
        "Subject Sensitivity IsOutOfDate HasBeenProcessed ResponseType IntendedFreeBusyStatus "
        "Start End Location Organizer(Mailbox(Name EmailAddress RoutingType)))))))))");
    assert_string_equal(ews_text(f, "Subject"), "Budget Q3");
    assert_string_equal(ews_text(f, "Start"), "2006-08-02T17:30:00Z");
    assert_string_equal(ews_text(f, "End"), "2006-08-02T19:30:00Z");
    assert_string_equal(ews_text(f, "Location"), "Conference Room 2");
    assert_string_equal(ews_text(f, "EmailAddress"), "dpark@example.com");
}

#define EXAMPLE_TREE(state)                                                                        \
    "    <SyncFolderHierarchy  "                                                                   \
    "xmlns=\"http://schemas.microsoft.com/exchange/services/2006/messages\">\n"                    \
    "      <FolderShape>\n        <t:BaseShape>AllProperties</t:BaseShape>\n"                      \
    "      </FolderShape>\n" state "    </SyncFolderHierarchy>\n"

static void test_tree_example_with_an_invalid_state(void **state)
{
    struct ews_fixture *f = *state;

    ews_ask_raw(f, STR(EXAMPLE(EXAMPLE_TREE("      <SyncState>H4sIA=</SyncState>\n"))));
    assert_string_equal(
        ews_outline(f, f->root),
        "Envelope(Header(ServerVersionInfo) Body(SyncFolderHierarchyResponse(ResponseMessages("
        "SyncFolderHierarchyResponseMessage(MessageText ResponseCode DescriptiveLinkKey SyncState "
        "IncludesLastFolderInRange)))))");
    assert_string_equal(sync_error(f, LAST_FOLDER), "ErrorInvalidSyncStateData");
    assert_string_equal(ews_text(f, "MessageText"),
                        "Synchronization state data is corrupted or otherwise invalid.");
}

static void test_tree_example_with_a_new_folder(void **state)
{
    struct ews_fixture *f = *state;
    const char *at;

    ews_ask_raw(f, STR(EXAMPLE(EXAMPLE_TREE(""))));
    at = ews_text(f, "SyncState");
    ews_given_folder(f, ews_folder(f, DF_MSGFOLDERROOT), "NewFolder", "IPF.Note");
    ews_ask_raw(
        f, str_printf(f->arena, EXAMPLE(EXAMPLE_TREE("      <SyncState>%s</SyncState>\n")), at));
    assert_string_equal(
        ews_outline(f, ews_nth(f, "SyncFolderHierarchyResponseMessage", 0)),
        "SyncFolderHierarchyResponseMessage(ResponseCode SyncState IncludesLastFolderInRange "
        "Changes(Create(Folder(FolderId ParentFolderId FolderClass DisplayName TotalCount "
        "ChildFolderCount EffectiveRights(CreateAssociated CreateContents CreateHierarchy Delete "
        "Modify Read) UnreadCount))))");
    assert_string_equal(ews_text(f, "FolderClass"), "IPF.Note");
    assert_string_equal(ews_text(f, "DisplayName"), "NewFolder");
    assert_string_equal(ews_text(f, "TotalCount"), "0");
    assert_string_equal(ews_text(f, "UnreadCount"), "0");
}

/* ---- folders ---- */

static void test_tree_changes(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id inbox = ews_folder(f, DF_INBOX);
    struct folder_id kept = ews_given_folder(f, inbox, "Kept", "IPF.Note");
    struct folder_id gone = ews_given_folder(f, inbox, "Gone", "IPF.Note");
    const char *at = sync_tree(f, NAMED_FOLDER("inbox"), NULL);

    assert_string_equal(changes(f), "Changes(Create(Folder(FolderId)) Create(Folder(FolderId)))");
    assert_string_equal(ews_text(f, LAST_FOLDER), "true");
    ews_rename_folder(f, kept, "Renamed");
    ews_delete_folder(f, gone);
    at = sync_tree(f, NAMED_FOLDER("inbox"), at);
    assert_string_equal(changes(f), "Changes(Update(Folder(FolderId)) Delete(FolderId))");
    assert_true(str_is(xml_attr(ews_nth(f, "FolderId", 1), "Id"), ews_folder_id(f, gone)));
    at = sync_tree(f, NAMED_FOLDER("inbox"), at);
    assert_non_null(strstr(f->answer.p, "<m:Changes/>"));
    assert_true(strlen(at) > 0);
}

static void test_counts_are_no_folder_change(void **state)
{
    struct ews_fixture *f = *state;
    const char *at = sync_tree(f, NAMED_FOLDER("msgfolderroot"), NULL);
    struct item_id id = ews_given_message(f, ews_folder(f, DF_INBOX), "x");

    ews_set_read(f, id, true);
    sync_tree(f, NAMED_FOLDER("msgfolderroot"), at);
    assert_string_equal(kinds(f), "");
}

static void test_moves_across_the_anchors_border(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id moved = ews_given_folder(f, ews_folder(f, DF_DRAFTS), "Moved", "IPF.Note");
    const char *at = sync_tree(f, NAMED_FOLDER("inbox"), NULL);

    ews_move_folder(f, moved, ews_folder(f, DF_INBOX));
    at = sync_tree(f, NAMED_FOLDER("inbox"), at);
    assert_string_equal(kinds(f), "Create");
    ews_move_folder(f, moved, ews_folder(f, DF_DRAFTS));
    sync_tree(f, NAMED_FOLDER("inbox"), at);
    assert_string_equal(kinds(f), "Delete");
}

static void test_no_folder_means_the_visible_tree_with_states_of_its_own(void **state)
{
    struct ews_fixture *f = *state;
    const char *absent, *visible, *root;
    size_t n;

    visible = sync_tree(f, NAMED_FOLDER("msgfolderroot"), NULL);
    n = ews_count(f, "Create");
    root = sync_tree(f, NAMED_FOLDER("root"), NULL);
    assert_true(ews_count(f, "Create") > n);
    absent = sync_tree(f, "", NULL);
    assert_int_equal(ews_count(f, "Create"), n);
    sync_tree(f, "", absent);
    assert_string_equal(kinds(f), "");
    sync_tree(f, "", visible);
    assert_string_equal(sync_error(f, LAST_FOLDER), "ErrorInvalidSyncStateData");
    sync_tree(f, "", root);
    assert_string_equal(sync_error(f, LAST_FOLDER), "ErrorInvalidSyncStateData");
    sync_tree(f, NAMED_FOLDER("root"), absent);
    assert_string_equal(sync_error(f, LAST_FOLDER), "ErrorInvalidSyncStateData");
}

static void test_parents_come_before_children(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id parent = ews_folder(f, DF_MSGFOLDERROOT);
    const char *ids[4];

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        parent = ews_given_folder(f, parent, "Nested", "IPF.Note");
        ids[i] = ews_folder_id(f, parent);
    }
    sync_tree(f, NAMED_FOLDER("msgfolderroot"), NULL);
    for (size_t i = 0, at = 0; i < ews_count(f, "FolderId"); i++) {
        for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
            if (str_is(xml_attr(ews_nth(f, "FolderId", i), "Id"), ids[k])) {
                assert_int_equal(k, at);
                at++;
            }
        }
    }
}

static void test_tree_errors(void **state)
{
    struct ews_fixture *f = *state;
    struct folder_id gone = ews_given_folder(f, ews_folder(f, DF_INBOX), "Gone", "IPF.Note");
    const char *items = sync_inbox(f, NULL, MAX("5")), *id;

    ews_delete_folder(f, gone);
    id = ews_folder_id(f, gone);
    sync_tree(f, arena_printf(f->arena, "<m:SyncFolderId>%s</m:SyncFolderId>", BY_ID(id)), NULL);
    assert_string_equal(sync_error(f, LAST_FOLDER), "ErrorSyncFolderNotFound");
    sync_tree(f, NAMED_FOLDER("teamchat"), NULL);
    assert_string_equal(sync_error(f, LAST_FOLDER), "ErrorSyncFolderNotFound");
    sync_tree(f, "<m:SyncFolderId><t:AddressListId Id='x'/></m:SyncFolderId>", NULL);
    assert_string_equal(sync_error(f, LAST_FOLDER), "ErrorInvalidOperation");
    sync_tree(f, NAMED_FOLDER("inbox"), items);
    assert_string_equal(sync_error(f, LAST_FOLDER), "ErrorInvalidSyncStateData");
    ews_ask(f, "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape>"
               "<t:AdditionalProperties><t:FieldURI FieldURI='message:IsRead'/>"
               "</t:AdditionalProperties></m:FolderShape></m:SyncFolderHierarchy>");
    assert_string_equal(sync_error(f, LAST_FOLDER), "ErrorInvalidPropertyRequest");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "message:IsRead");
    ews_ask(f, "<m:SyncFolderHierarchy/>");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorSchemaValidation");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_initial_item_sync_of_an_empty_folder),
        TEST(test_items_come_newest_first_by_pages),
        TEST(test_each_kind_of_item_change),
        TEST(test_first_release_gets_updates_for_read_flags),
        TEST(test_a_state_may_be_used_again_and_an_empty_one_is_initial),
        TEST(test_ignored_items_are_left_out_and_odd_ids_do_no_harm),
        TEST(test_scope_decides_on_associated_items),
        TEST(test_number_of_days_means_nothing_when_zero),
        TEST(test_item_requests_outside_the_schema),
        TEST(test_item_sync_errors),
        TEST(test_other_mailboxes_are_not_visible),
        TEST(test_unfit_properties_are_named),
        TEST(test_default_shape_has_the_summary),
        TEST(test_items_example_with_an_invalid_state),
        TEST(test_items_example_with_a_meeting_request),
        TEST(test_tree_example_with_an_invalid_state),
        TEST(test_tree_example_with_a_new_folder),
        TEST(test_tree_changes),
        TEST(test_counts_are_no_folder_change),
        TEST(test_moves_across_the_anchors_border),
        TEST(test_no_folder_means_the_visible_tree_with_states_of_its_own),
        TEST(test_parents_come_before_children),
        TEST(test_tree_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
