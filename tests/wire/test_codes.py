"""Error codes: each that an operation on folders, items and attachments may answer with has a test in
this suite that provokes it, or stands in docs/protocol.md among those that cannot occur here.

The table is data; what it says of other tests is looked up in their source. Codes that no test beside
provokes are provoked below.
"""
import ast
import functools
from pathlib import Path

import pytest

import mails
from soap import ROOT, find_item, folder_ref, get_item
from writing import (
    QUIET,
    appointment,
    code,
    create_folder,
    create_item,
    folder_element,
    made,
    made_folder,
    message,
    set_field,
    set_folder_field,
    transfer,
    update_folder,
    update_item,
)

HERE = Path(__file__).resolve().parent

# code: test that provokes it
PROVOKED = {
    "ErrorAccessDenied": "test_two_mailboxes_are_changed_in_one_request",
    "ErrorAffectedTaskOccurrencesRequired": "test_delete_item_needs_its_attributes",
    "ErrorArchiveMailboxNotEnabled": "test_nobody_has_an_archive",
    "ErrorCalendarCannotMoveOrCopyOccurrence": "test_occurrences_refuse",
    "ErrorCalendarCannotUseIdForOccurrenceId": "test_occurrences_refuse",
    "ErrorCalendarCannotUseIdForRecurringMasterId": "test_occurrences_refuse",
    "ErrorCalendarEndDateIsEarlierThanStartDate": "test_create_item_refuses",
    "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange": "test_a_rule_that_never_ends",
    "ErrorCalendarViewRangeTooBig": "test_a_rule_that_never_ends",
    "ErrorCannotDeleteObject": "test_what_a_delegate_may_not",
    "ErrorCannotEmptyFolder": "test_default_folders_stay",
    "ErrorCannotSetCalendarPermissionOnNonCalendarFolder": "test_permissions_refuse",
    "ErrorCannotSetNonCalendarPermissionOnCalendarFolder": "test_permissions_refuse",
    "ErrorCannotUseFolderIdForItemId": "test_ids_that_are_none_of_items",
    "ErrorCannotUseItemIdForFolderId": "test_items_are_no_folders",
    "ErrorChangeKeyRequiredForWriteOperations": "test_absent_change_keys",
    "ErrorCorruptData": "test_what_was_exported_is_uploaded_and_nothing_else",
    "ErrorCreateItemAccessDenied": "test_create_item_where_one_may_only_look",
    "ErrorCreateSubfolderAccessDenied": "test_create_item_where_one_may_only_look",
    "ErrorDeleteDistinguishedFolder": "test_default_folders_stay",
    "ErrorDuplicateUserIdsSpecified": "test_permissions_refuse",
    "ErrorFolderExists": "test_create_folder_refuses",
    "ErrorFolderNotFound": "test_update_folder_refuses",
    "ErrorFolderSavePropertyError": "test_names_that_are_none",
    "ErrorIncorrectUpdatePropertyCount": "test_update_item_refuses",
    "ErrorInvalidAttachmentId": "test_attachments_refuse",
    "ErrorInvalidChangeKey": "test_forged_change_keys",
    "ErrorInvalidExtendedProperty": "test_paths_refuse",
    "ErrorInvalidExtendedPropertyValue": "test_update_item_refuses",
    "ErrorInvalidFractionalPagingParameters": "test_find_item_views_refuse",
    "ErrorInvalidIdEmpty": "test_ids_that_are_none_of_items",
    "ErrorInvalidIdMalformed": "test_ids_that_are_none_of_items",
    "ErrorInvalidIndexedPagingParameters": "test_find_item_views_refuse",
    "ErrorInvalidOperation": "test_item_attachments_in_item_attachments",
    "ErrorInvalidPagingMaxRows": "test_find_item_views_refuse",
    "ErrorInvalidPermissionSettings": "test_permissions_refuse",
    "ErrorInvalidPropertyAppend": "test_update_item_refuses",
    "ErrorInvalidPropertyDelete": "test_update_item_refuses",
    "ErrorInvalidPropertyForExists": "test_restrictions_refuse",
    "ErrorInvalidPropertyForOperation": "test_paths_refuse",
    "ErrorInvalidPropertyRequest": "test_paths_refuse",
    "ErrorInvalidPropertySet": "test_update_item_refuses",
    "ErrorInvalidPropertyUpdateSentMessage": "test_receipt_flags_of_sent_mail",
    "ErrorInvalidRecipients": "test_create_item_refuses",
    "ErrorInvalidRequest": "test_what_was_exported_is_uploaded_and_nothing_else",
    "ErrorInvalidSendItemSaveSettings": "test_send_item_refuses",
    "ErrorInvalidUserInfo": "test_permissions_refuse",
    "ErrorInvalidValueForProperty": "test_restrictions_refuse",
    "ErrorIrresolvableConflict": "test_stale_change_keys",
    "ErrorItemNotFound": "test_update_item_that_is_gone",
    "ErrorItemSavePropertyError": "test_more_properties_than_an_item_may_have",
    "ErrorMessageDispositionRequired": "test_create_item_refuses",
    "ErrorMessageSizeExceeded": "test_more_attachments_than_an_item_may_have",
    "ErrorMimeContentInvalid": "test_create_item_refuses",
    "ErrorMimeContentInvalidBase64String": "test_create_item_refuses",
    "ErrorMoveCopyFailed": "test_folder_cycles_and_clashes",
    "ErrorMoveDistinguishedFolder": "test_default_folders_stay",
    "ErrorNoFolderClassOverride": "test_create_folder_refuses",
    "ErrorNoPropertyTagForCustomProperties": "test_update_item_refuses",
    "ErrorNonExistentMailbox": "test_folders_of_nobody",
    "ErrorObjectTypeChanged": "test_update_folder_refuses",
    "ErrorParentFolderNotFound": "test_create_folder_refuses",
    "ErrorQueryFilterTooLong": "test_query_strings_refuse",
    "ErrorQuotaExceeded": "check_quota",
    "ErrorReadReceiptNotPending": "test_responses_refuse",
    "ErrorRequiredPropertyMissing": "test_attachments_refuse",
    "ErrorSavedItemFolderNotFound": "test_create_item_in_a_folder_that_is_gone",
    "ErrorSendAsDenied": "test_create_item_as_somebody_else",
    "ErrorSendMeetingCancellationsRequired": "test_delete_item_needs_its_attributes",
    "ErrorSendMeetingInvitationsOrCancellationsRequired": "test_update_item_needs_its_attributes",
    "ErrorSendMeetingInvitationsRequired": "test_create_item_refuses",
    "ErrorStaleObject": "test_send_item_refuses",
    "ErrorToFolderNotFound": "test_transfers_refuse",
    "ErrorUnsupportedMapiPropertyType": "test_paths_refuse",
    "ErrorUnsupportedPathForQuery": "test_restrictions_refuse",
    "ErrorUnsupportedPathForSortGroup": "test_restrictions_refuse",
    "ErrorUnsupportedQueryFilter": "test_query_strings_refuse",
    "ErrorUpdatePropertyMismatch": "test_update_item_refuses",
}
NEVER = [
    "ErrorBatchProcessingStopped",
    "ErrorItemSave",
    "ErrorMimeContentConversionFailed",
    "ErrorUnsupportedMimeConversion",
]


@functools.lru_cache(maxsize=None)
def sources():
    """Source text of every function of the suite, with its decorators."""
    found = {}
    for path in HERE.glob("test_*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.parse("\n".join(lines)).body:
            if isinstance(node, ast.FunctionDef):
                first = min([node.lineno] + [d.lineno for d in node.decorator_list])
                found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


@pytest.mark.parametrize("error, test", PROVOKED.items())
def test_every_code_has_a_test_that_provokes_it(error, test):
    assert f'"{error}"' in sources()[test]


@pytest.mark.parametrize("error", NEVER)
def test_what_never_occurs_is_documented(error):
    rows = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8").splitlines()
    assert any(row.startswith(f"| {error} |") for row in rows)


# ---- provoked here


def test_items_are_no_folders(client):
    item = made(client)
    request = create_folder(item.id, folder_element("x"))
    assert code(client, request) == "ErrorCannotUseItemIdForFolderId"


def test_folders_of_nobody(client):
    nobody = (
        '<t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>nobody@example.com'
        "</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
    )
    request = find_item().replace(folder_ref("inbox"), nobody)
    assert code(client, request) == "ErrorNonExistentMailbox"


# ---- permissions


def permission(user, level="Reviewer", calendar=False, more=""):
    kind = "CalendarPermission" if calendar else "Permission"
    return (
        f"<t:{kind}><t:UserId><t:PrimarySmtpAddress>{user}</t:PrimarySmtpAddress></t:UserId>{more}"
        f"<t:{kind}Level>{level}</t:{kind}Level></t:{kind}>"
    )


def permission_set(*permissions, calendar=False):
    kind = "CalendarPermissions" if calendar else "Permissions"
    return f"<t:PermissionSet><t:{kind}>{''.join(permissions)}</t:{kind}></t:PermissionSet>"


@pytest.mark.parametrize(
    "folder, permissions, expected",
    [
        (
            "inbox",
            permission_set(permission("{user}", calendar=True), calendar=True),
            "ErrorCannotSetCalendarPermissionOnNonCalendarFolder",
        ),
        (
            "calendar",
            permission_set(permission("{user}")),
            "ErrorCannotSetNonCalendarPermissionOnCalendarFolder",
        ),
        ("inbox", permission_set(permission("{user}") * 2), "ErrorDuplicateUserIdsSpecified"),
        ("inbox", permission_set(permission("nobody@example.com")), "ErrorInvalidUserInfo"),
        (
            "inbox",
            permission_set(permission("{user}", more="<t:CanCreateItems>true</t:CanCreateItems>")),
            "ErrorInvalidPermissionSettings",
        ),
    ],
)
def test_permissions_refuse(client, reading_user, folder, permissions, expected):
    permissions = permissions.format(user=reading_user)
    kind = "CalendarFolder" if folder == "calendar" else "Folder"
    change = set_folder_field("folder:PermissionSet", permissions, kind)
    assert code(client, update_folder(folder_ref(folder), change)) == expected


def test_permissions_of_new_folders_refuse(client, reading_user):
    wrong = permission_set(permission(reading_user, calendar=True), calendar=True)
    element = folder_element("ours").replace("</t:Folder>", f"{wrong}</t:Folder>")
    request = create_folder("inbox", element, folder_element("fine"))
    answer = client.call(request)
    assert answer.codes == ["ErrorCannotSetCalendarPermissionOnNonCalendarFolder", "NoError"]


# ---- properties


def extended(attributes, value="<t:Value>x</t:Value>"):
    return f"<t:ExtendedProperty><t:ExtendedFieldURI {attributes}/>{value}</t:ExtendedProperty>"


def test_more_properties_than_an_item_may_have(client):
    named = 'DistinguishedPropertySetId="PublicStrings" PropertyName="{}" PropertyType="String"'
    large = extended(named.format("large"), f"<t:Value>{'x' * 300000}</t:Value>")
    many = "".join(extended(named.format(n)) for n in range(1001))
    items = "".join(
        f"<t:Message>{properties}</t:Message>"
        for properties in (extended(named.format("a")), large, many, extended(named.format("b")))
    )
    answer = client.call(create_item(items))
    refused = "ErrorItemSavePropertyError"
    assert answer.codes == ["NoError", refused, refused, "NoError"]
    item = client.items("drafts")[0]
    path = f"<t:ExtendedFieldURI {named.format('large')}/>"
    change = f"<t:SetItemField>{path}<t:Message>{large}</t:Message></t:SetItemField>"
    key = f'<t:ItemId Id="{item}"/>'
    assert code(client, update_item(key, change, "AlwaysOverwrite")) == refused
    body = set_field("item:Body", '<t:Body BodyType="Text">x</t:Body>')
    assert code(client, update_item(key, body, "AlwaysOverwrite")) == "NoError"


@pytest.mark.parametrize(
    "path, expected",
    [
        (
            '<t:ExtendedFieldURI PropertyTag="0x1000" PropertyName="x" PropertyType="String"/>',
            "ErrorInvalidExtendedProperty",
        ),
        (
            '<t:ExtendedFieldURI PropertyTag="0x1234" PropertyType="Object"/>',
            "ErrorUnsupportedMapiPropertyType",
        ),
        ("contacts:GivenName", "ErrorInvalidPropertyRequest"),
    ],
)
def test_paths_refuse(client, path, expected):
    item = made(client)
    assert code(client, get_item(item.id, paths=[path])) == expected
    summary = find_item("contacts", paths=["contacts:EmailAddresses", "item:Body"])
    assert code(client, summary) == "ErrorInvalidPropertyForOperation"


# ---- searching


def is_equal(path, value):
    return (
        f'<t:IsEqualTo><t:FieldURI FieldURI="{path}"/><t:FieldURIOrConstant>'
        f'<t:Constant Value="{value}"/></t:FieldURIOrConstant></t:IsEqualTo>'
    )


def test_restrictions_refuse(client):
    for restriction, expected in [
        (is_equal("item:EffectiveRights", "x"), "ErrorUnsupportedPathForQuery"),
        (is_equal("item:DateTimeReceived", "soon"), "ErrorInvalidValueForProperty"),
        (
            '<t:Exists><t:FieldURI FieldURI="message:IsRead"/></t:Exists>',
            "ErrorInvalidPropertyForExists",
        ),
    ]:
        assert code(client, find_item(restriction=restriction)) == expected
    unordered = find_item(order=[("item:Body", "Ascending")])
    assert code(client, unordered) == "ErrorUnsupportedPathForSortGroup"


def test_query_strings_refuse(client):
    for query, expected in [
        ("nosuchword:x", "ErrorUnsupportedQueryFilter"),
        ("(a", "ErrorUnsupportedQueryFilter"),
        ("x " * 3000, "ErrorQueryFilterTooLong"),
    ]:
        request = find_item().replace(
            "</m:FindItem>", f"<m:QueryString>{query}</m:QueryString></m:FindItem>"
        )
        assert code(client, request) == expected


def test_find_item_views_refuse(client):
    for view, expected in [
        (
            '<m:IndexedPageItemView MaxEntriesReturned="0" Offset="0" BasePoint="Beginning"/>',
            "ErrorInvalidPagingMaxRows",
        ),
        (
            '<m:IndexedPageItemView Offset="-1" BasePoint="Beginning"/>',
            "ErrorInvalidIndexedPagingParameters",
        ),
        (
            '<m:FractionalPageItemView Numerator="2" Denominator="1"/>',
            "ErrorInvalidFractionalPagingParameters",
        ),
    ]:
        assert code(client, find_item(view=view)) == expected


# ---- answers and occurrences


def test_responses_refuse(server, client, user):
    server.deliver(user, mails.plain(1))
    (letter,) = client.items()
    suppress = f'<t:SuppressReadReceipt><t:ReferenceItemId Id="{letter}"/></t:SuppressReadReceipt>'
    assert code(client, create_item(suppress)) == "ErrorReadReceiptNotPending"


def test_occurrences_refuse(client):
    rule = (
        "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"
        "<t:NumberedRecurrence><t:StartDate>2027-05-03</t:StartDate><t:NumberOfOccurrences>3"
        "</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>"
    )
    series = made(client, appointment(rule), attributes=QUIET)
    single = made(client, appointment(), attributes=QUIET)

    def of(reference):
        return get_item("X").replace('<t:ItemId Id="X"/>', reference)

    def nth(identity, index):
        return f'<t:OccurrenceItemId RecurringMasterId="{identity}" InstanceIndex="{index}"/>'

    found = client.call(of(nth(series.id, 2)))
    assert found.code == "NoError"
    occurrence = found.find("t:ItemId").get("Id")
    assert code(client, of(nth(single.id, 1))) == "ErrorCalendarCannotUseIdForOccurrenceId"
    master = f'<t:RecurringMasterItemId OccurrenceId="{single.id}"/>'
    assert code(client, of(master)) == "ErrorCalendarCannotUseIdForRecurringMasterId"
    for operation in ("MoveItem", "CopyItem"):
        target = made_folder(client, operation, kind="CalendarFolder")
        moved = transfer(operation, target, occurrence)
        assert code(client, moved) == "ErrorCalendarCannotMoveOrCopyOccurrence"
    assert code(client, create_item(message())) == "NoError"
