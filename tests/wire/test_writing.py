"""Writing over the wire: every error code that the sheets name for these operations provoked once, and
input that means harm: stale and forged keys, read-only fields, cycles, huge batches, odd names, rules
that never end, full mailboxes. Each answer is held against the schema by the client.
"""
import base64
import re
from xml.sax.saxutils import escape, quoteattr

import ewer
import pytest

from mails import plain
from soap import envelope, find_item, folder_ref, get_folder, get_item, item_id
from writing import (
    MANY,
    NONE,
    Item,
    QUIET,
    append_field,
    appointment,
    code,
    create_attachment,
    create_folder,
    create_item,
    delete_attachment,
    delete_field,
    delete_folder,
    delete_item,
    empty_folder,
    export,
    file,
    folder_element,
    importance,
    let,
    made,
    made_folder,
    message,
    ref,
    rename,
    send_item,
    set_field,
    set_folder_field,
    state_of,
    subject,
    to,
    transfer,
    transfer_folder,
    update_folder,
    update_item,
    upload,
    value_of,
)

# ---- fixtures and helpers


@pytest.fixture(scope="module", name="writing_user")
def fixture_writing_user(shared_server):
    return shared_server.add_user("writer@example.com")


@pytest.fixture(name="writer")
def fixture_writer(server, writing_user):
    """A client of a mailbox in which other tests have left something."""
    with server.soap(writing_user) as client:
        yield client


@pytest.fixture(name="item")
def fixture_item(writer):
    return made(writer)


# ---- CreateItem


@pytest.mark.parametrize(
    "request_, expected",
    [
        (create_item(message(), attributes=""), "ErrorMessageDispositionRequired"),
        (create_item(appointment(), attributes=""), "ErrorSendMeetingInvitationsRequired"),
        (
            create_item(message(), attributes='MessageDisposition="SendOnly"'),
            "ErrorInvalidRecipients",
        ),
        (
            create_item(
                message(more=to("nobody@elsewhere.example")),
                attributes='MessageDisposition="SendOnly"',
            ),
            "ErrorInvalidRecipients",
        ),
        (
            create_item("<t:Message><t:MimeContent>no base64!</t:MimeContent></t:Message>"),
            "ErrorMimeContentInvalidBase64String",
        ),
        (
            create_item(message(more="<t:IsSubmitted>true</t:IsSubmitted>")),
            "ErrorInvalidPropertySet",
        ),
        (
            create_item(
                message(more="<t:DateTimeCreated>2020-01-01T00:00:00Z</t:DateTimeCreated>")
            ),
            "ErrorInvalidPropertySet",
        ),
        (
            create_item(appointment(start="2027-05-03T12:00:00Z"), attributes=QUIET),
            "ErrorCalendarEndDateIsEarlierThanStartDate",
        ),
        (
            create_item("<t:Message><t:MimeContent></t:MimeContent></t:Message>"),
            "ErrorMimeContentInvalid",
        ),
        (
            create_item("<t:Message><t:MimeContent>bm8gbWVzc2FnZQ==</t:MimeContent></t:Message>"),
            "ErrorMimeContentInvalid",
        ),
        (
            create_item('<t:ReplyToItem><t:ReferenceItemId Id="AAAA"/></t:ReplyToItem>'),
            "ErrorInvalidIdMalformed",
        ),
        (
            create_item("<t:PostItem><t:Subject>p</t:Subject></t:PostItem>", folder="inbox"),
            "NoError",
        ),
    ],
    ids=lambda v: v if v.startswith(("Error", "No")) else "",
)
def test_create_item_refuses(writer, request_, expected):
    assert code(writer, request_) == expected


def test_create_item_in_a_folder_that_is_gone(client):
    folder = made_folder(client)
    client.call(delete_folder(folder))
    assert code(client, create_item(message(), folder=folder)) == "ErrorSavedItemFolderNotFound"


def test_create_item_where_one_may_only_look(server, client, new_user):
    other = new_user()
    let(client, "inbox", other, "Reviewer")
    inbox = client.folder_id("inbox")
    with server.soap(other) as guest:
        assert code(guest, create_item(message(), folder=inbox)) == "ErrorCreateItemAccessDenied"
        below = create_folder(inbox, folder_element("below"))
        assert code(guest, below) == "ErrorCreateSubfolderAccessDenied"


def test_create_item_as_somebody_else(client, user):
    sender = "<t:Sender><t:Mailbox><t:EmailAddress>boss@example.com</t:EmailAddress></t:Mailbox></t:Sender>"
    from_ = sender.replace("Sender>", "From>")
    for who in (sender, from_):
        body = to(user) + who if "From" in who else who + to(user)
        request = create_item(message(more=body), attributes='MessageDisposition="SendOnly"')
        assert code(client, request) == "ErrorSendAsDenied"


def test_create_item_is_all_or_nothing_for_each_item(client):
    answer = client.call(
        create_item(message("a") + message("b", "<t:IsFromMe>true</t:IsFromMe>") + message("c"))
    )
    assert answer.codes == ["NoError", "ErrorInvalidPropertySet", "NoError"]
    assert len(client.items("drafts")) == 2


# ---- UpdateItem


@pytest.mark.parametrize(
    "updates, expected",
    [
        (
            set_field("item:Subject", "<t:Importance>High</t:Importance>"),
            "ErrorUpdatePropertyMismatch",
        ),
        (
            set_field("item:Subject", "<t:Subject>a</t:Subject><t:Importance>High</t:Importance>"),
            "ErrorIncorrectUpdatePropertyCount",
        ),
        (set_field("item:Size", "<t:Size>1</t:Size>"), "ErrorInvalidPropertySet"),
        (set_field("item:IsDraft", "<t:IsDraft>false</t:IsDraft>"), "ErrorInvalidPropertySet"),
        (
            set_field("item:LastModifiedName", "<t:LastModifiedName>x</t:LastModifiedName>"),
            "ErrorInvalidPropertySet",
        ),
        (
            set_field(
                "item:DateTimeReceived",
                "<t:DateTimeReceived>2020-01-01T00:00:00Z</t:DateTimeReceived>",
            ),
            "ErrorInvalidPropertySet",
        ),
        (delete_field("item:ItemId"), "ErrorInvalidPropertyDelete"),
        (delete_field("message:IsRead"), "ErrorInvalidPropertyDelete"),
        (delete_field("item:Size"), "ErrorInvalidPropertyDelete"),
        (append_field("item:Subject", "<t:Subject>more</t:Subject>"), "ErrorInvalidPropertyAppend"),
        (
            append_field("item:Categories", "<t:Categories><t:String>x</t:String></t:Categories>"),
            "ErrorInvalidPropertyAppend",
        ),
        (
            '<t:SetItemField><t:ExtendedFieldURI PropertyTag="0x9001" PropertyType="String"/><t:Message/>'
            "</t:SetItemField>",
            "ErrorNoPropertyTagForCustomProperties",
        ),
        (
            '<t:SetItemField><t:ExtendedFieldURI PropertyTag="0x1091" PropertyType="SystemTime"/><t:Message>'
            '<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x1091" PropertyType="SystemTime"/>'
            "<t:Value>soon</t:Value></t:ExtendedProperty></t:Message></t:SetItemField>",
            "ErrorInvalidExtendedPropertyValue",
        ),
    ],
)
def test_update_item_refuses(writer, item, updates, expected):
    state = state_of(writer)
    assert code(writer, update_item(item.ref(), subject("changed") + updates)) == expected
    assert value_of(writer, item, "item:Subject", "Subject") == "subject"
    assert writer.sync("drafts", state)[0] == []


READ_ONLY = {
    "item:ItemId": '<t:ItemId Id="x"/>',
    "item:ParentFolderId": '<t:ParentFolderId Id="x"/>',
    "item:DateTimeCreated": "<t:DateTimeCreated>2020-01-01T00:00:00Z</t:DateTimeCreated>",
    "item:DateTimeReceived": "<t:DateTimeReceived>2020-01-01T00:00:00Z</t:DateTimeReceived>",
    "item:DateTimeSent": "<t:DateTimeSent>2020-01-01T00:00:00Z</t:DateTimeSent>",
    "item:DisplayCc": "<t:DisplayCc>x</t:DisplayCc>",
    "item:DisplayTo": "<t:DisplayTo>x</t:DisplayTo>",
    "item:HasAttachments": "<t:HasAttachments>true</t:HasAttachments>",
    "item:IsAssociated": "<t:IsAssociated>true</t:IsAssociated>",
    "item:IsDraft": "<t:IsDraft>false</t:IsDraft>",
    "item:IsFromMe": "<t:IsFromMe>true</t:IsFromMe>",
    "item:IsResend": "<t:IsResend>true</t:IsResend>",
    "item:IsSubmitted": "<t:IsSubmitted>true</t:IsSubmitted>",
    "item:IsUnmodified": "<t:IsUnmodified>true</t:IsUnmodified>",
    "item:LastModifiedName": "<t:LastModifiedName>x</t:LastModifiedName>",
    "item:LastModifiedTime": "<t:LastModifiedTime>2020-01-01T00:00:00Z</t:LastModifiedTime>",
    "item:ResponseObjects": "<t:ResponseObjects/>",
    "item:Size": "<t:Size>1</t:Size>",
    "item:ConversationId": '<t:ConversationId Id="AAAA"/>',
    "item:EffectiveRights": "<t:EffectiveRights/>",
    "item:InstanceKey": "<t:InstanceKey>AAAA</t:InstanceKey>",
    "item:Preview": "<t:Preview>x</t:Preview>",
    "message:ReceivedRepresenting": "<t:ReceivedRepresenting/>",
}


@pytest.mark.parametrize("uri", READ_ONLY)
def test_read_only_properties(writer, item, uri):
    state = state_of(writer)
    value = READ_ONLY[uri]
    for change, expected in (
        (set_field(uri, value), "ErrorInvalidPropertySet"),
        (delete_field(uri), "ErrorInvalidPropertyDelete"),
        (append_field(uri, value), "ErrorInvalidPropertyAppend"),
    ):
        refused = writer.call(update_item(item.ref(), subject("changed") + change))
        assert refused.code == expected
        assert refused.find("m:MessageXml/t:FieldURI").get("FieldURI") == uri
    refused = code(writer, create_item(f"<t:Message>{value}</t:Message>"))
    assert refused == "ErrorInvalidPropertySet"
    assert writer.sync("drafts", state)[0] == []


def test_update_item_needs_its_attributes(writer, item):
    assert (
        code(writer, update_item(item.ref(), subject("x"), attributes=""))
        == "ErrorMessageDispositionRequired"
    )
    event = made(writer, appointment(), attributes=QUIET)
    change = set_field("item:Subject", "<t:Subject>x</t:Subject>", "CalendarItem")
    assert (
        code(writer, update_item(event.ref(), change, attributes=""))
        == "ErrorSendMeetingInvitationsOrCancellationsRequired"
    )


def test_update_item_that_is_gone(writer, item):
    writer.call(delete_item(item.id))
    assert code(writer, update_item(item.ref(), subject("x"))) == "ErrorItemNotFound"


@pytest.mark.parametrize("conflict", ["NeverOverwrite", "AutoResolve", "AlwaysOverwrite"])
@pytest.mark.parametrize("touched", [False, True])
def test_stale_change_keys(writer, item, conflict, touched):
    first = Item(writer.call(update_item(item.ref(), subject("theirs"))))
    assert first.key != item.key
    change = subject("mine") if touched else importance("High")
    answer = writer.call(update_item(item.ref(), change, conflict))
    refused = conflict == "NeverOverwrite" or (conflict == "AutoResolve" and touched)
    assert answer.code == ("ErrorIrresolvableConflict" if refused else "NoError")
    kept = value_of(writer, item, "item:Subject", "Subject")
    assert kept == ("mine" if touched and not refused else "theirs")


@pytest.mark.parametrize("conflict", ["NeverOverwrite", "AutoResolve", "AlwaysOverwrite"])
def test_absent_change_keys(writer, item, conflict):
    answer = writer.call(update_item(ref(item.id), subject("mine"), conflict))
    assert answer.code == (
        "NoError" if conflict == "AlwaysOverwrite" else "ErrorChangeKeyRequiredForWriteOperations"
    )
    read = set_field("message:IsRead", "<t:IsRead>false</t:IsRead>")
    assert code(writer, update_item(ref(item.id), read, conflict)) == "NoError"


@pytest.mark.parametrize("key", ["", "AAAA", "no base64!", "A" * 4000, "\u00e4"])
@pytest.mark.parametrize("operation", ["update", "delete", "move", "send", "read"])
def test_forged_change_keys(writer, item, key, operation):
    one = ref(item.id, key)
    request = {
        "update": update_item(one, subject("x"), "AlwaysOverwrite"),
        "delete": f'<m:DeleteItem DeleteType="HardDelete"><m:ItemIds>{one}</m:ItemIds></m:DeleteItem>',
        "move": f"<m:MoveItem><m:ToFolderId>{folder_ref('inbox')}</m:ToFolderId><m:ItemIds>{one}</m:ItemIds></m:MoveItem>",
        "send": send_item(one),
        "read": f"<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>{one}</m:ItemIds></m:GetItem>",
    }[operation]
    if key == "":
        assert code(writer, request) in (
            "NoError",
            "ErrorInvalidChangeKey",
            "ErrorChangeKeyRequiredForWriteOperations",
            "ErrorInvalidRecipients",
        )
    else:
        assert code(writer, request) == "ErrorInvalidChangeKey"
        assert item.id in writer.items("drafts")


def test_receipt_flags_of_sent_mail(server, client, user):
    server.deliver(user, plain(1))
    (delivered,) = client.items()
    change = set_field(
        "message:IsReadReceiptRequested",
        "<t:IsReadReceiptRequested>true</t:IsReadReceiptRequested>",
    )
    assert (
        code(client, update_item(ref(delivered), change, "AlwaysOverwrite"))
        == "ErrorInvalidPropertyUpdateSentMessage"
    )


# ---- DeleteItem, MoveItem, CopyItem, SendItem


def test_delete_item_needs_its_attributes(writer):
    event = made(writer, appointment(), attributes=QUIET)
    assert code(writer, delete_item(event.id)) == "ErrorSendMeetingCancellationsRequired"
    task = made(writer, "<t:Task><t:Subject>t</t:Subject></t:Task>", attributes="")
    assert code(writer, delete_item(task.id)) == "ErrorAffectedTaskOccurrencesRequired"


@pytest.mark.parametrize("operation", ["MoveItem", "CopyItem"])
def test_transfers_refuse(writer, item, operation):
    folder = made_folder(writer, "gone")
    writer.call(delete_folder(folder))
    assert code(writer, transfer(operation, folder, item.id)) == "ErrorToFolderNotFound"
    writer.call(delete_item(item.id))
    assert code(writer, transfer(operation, "inbox", item.id)) == "ErrorItemNotFound"


@pytest.mark.parametrize(
    "identity, expected",
    [
        ("", "ErrorInvalidIdEmpty"),
        ("AAAA", "ErrorInvalidIdMalformed"),
        (None, "ErrorCannotUseFolderIdForItemId"),
    ],
)
def test_ids_that_are_none_of_items(writer, identity, expected):
    identity = writer.folder_id("inbox") if identity is None else identity
    for request in (
        delete_item(identity),
        transfer("MoveItem", "inbox", identity),
        transfer("CopyItem", "inbox", identity),
        update_item(ref(identity), subject("x"), "AlwaysOverwrite"),
        send_item(ref(identity)),
    ):
        assert code(writer, request) == expected


def test_send_item_refuses(client, user):
    lone = made(client)
    assert code(client, send_item(lone.ref())) == "ErrorInvalidRecipients"
    letter = made(client, message(more=to(user)))
    assert code(client, send_item(ref(letter.id))) == "ErrorChangeKeyRequiredForWriteOperations"
    assert (
        code(client, send_item(letter.ref(), "false", "inbox"))
        == "ErrorInvalidSendItemSaveSettings"
    )
    client.call(update_item(letter.ref(), subject("changed")))
    assert code(client, send_item(letter.ref())) == "ErrorStaleObject"
    gone = made_folder(client)
    client.call(delete_folder(gone))
    fresh = made(client, message(more=to(user)))
    assert code(client, send_item(fresh.ref(), "true", gone)) == "ErrorSavedItemFolderNotFound"
    assert fresh.id in client.items("drafts")


def test_what_a_delegate_may_not(server, client, new_user, item):
    other = new_user()
    let(client, "inbox", other, "Editor")
    shared = made(client, folder=client.folder_id("inbox"))
    with server.soap(other) as guest:
        to_trash = delete_item(shared.id, how="MoveToDeletedItems")
        assert code(guest, to_trash) == "ErrorCannotDeleteObject"
        assert code(guest, delete_item(item.id)) == "ErrorItemNotFound"
        assert code(guest, update_item(shared.ref(), subject("theirs"))) == "NoError"
        own = made_folder(guest)
        below = transfer_folder("MoveFolder", client.folder_id("inbox"), own)
        assert code(guest, below) in ("ErrorCrossMailboxMoveCopy", "ErrorAccessDenied")


# ---- attachments


def test_attachments_refuse(writer, item):
    assert code(writer, create_attachment(item.id, file(None))) == "ErrorRequiredPropertyMissing"
    assert code(writer, create_attachment(NONE, file("a"))) == "ErrorInvalidIdMalformed"
    answer = writer.call(create_attachment(item.id, file("a")))
    assert answer.code == "NoError"
    attachment = answer.find("t:AttachmentId")
    assert attachment.get("RootItemId") == item.id
    assert attachment.get("RootItemChangeKey") != item.key
    identity = attachment.get("Id")
    assert code(writer, delete_attachment(NONE)) == "ErrorInvalidAttachmentId"
    assert code(writer, delete_attachment(identity)) == "NoError"
    assert code(writer, delete_attachment(identity)) in (
        "ErrorInvalidAttachmentId",
        "ErrorItemNotFound",
    )
    writer.call(delete_item(item.id))
    assert code(writer, create_attachment(item.id, file("a"))) == "ErrorItemNotFound"


# ---- folders


def test_create_folder_refuses(client):
    gone = made_folder(client, "gone")
    client.call(delete_folder(gone))
    made_folder(client, "Ours")
    answer = client.call(
        create_folder(
            "msgfolderroot",
            folder_element("oURS"),
            folder_element("x", "CalendarFolder", "IPF.Note"),
            folder_element("fine"),
        )
    )
    assert answer.codes == ["ErrorFolderExists", "ErrorNoFolderClassOverride", "NoError"]
    assert code(client, create_folder(gone, folder_element("a"))) == "ErrorParentFolderNotFound"


def test_update_folder_refuses(client):
    ours, theirs = made_folder(client, "ours"), made_folder(client, "theirs")
    one = folder_ref(ours)
    forged = f'<t:FolderId Id={quoteattr(ours)} ChangeKey="AAAA"/>'
    for folder, updates, expected in [
        (one, rename("THEIRS"), "ErrorFolderExists"),
        (forged, rename("x"), "ErrorInvalidChangeKey"),
        (
            one,
            set_folder_field("folder:TotalCount", "<t:TotalCount>1</t:TotalCount>"),
            "ErrorInvalidPropertySet",
        ),
        (
            one,
            set_folder_field("folder:FolderClass", "<t:FolderClass>IPF.Contact</t:FolderClass>"),
            "ErrorObjectTypeChanged",
        ),
        (
            one,
            '<t:DeleteFolderField><t:FieldURI FieldURI="folder:DisplayName"/></t:DeleteFolderField>',
            "ErrorInvalidPropertyDelete",
        ),
        (
            one,
            '<t:AppendToFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder>'
            "<t:DisplayName>x</t:DisplayName></t:Folder></t:AppendToFolderField>",
            "ErrorInvalidPropertyAppend",
        ),
        (
            one,
            set_folder_field("folder:DisplayName", "<t:FolderClass>IPF.Note</t:FolderClass>"),
            "ErrorUpdatePropertyMismatch",
        ),
    ]:
        assert code(client, update_folder(folder, updates)) == expected
    stale = client.call(get_folder(ours)).find("t:FolderId").get("ChangeKey")
    assert code(client, update_folder(one, rename("renamed"))) == "NoError"
    old = f"<t:FolderId Id={quoteattr(ours)} ChangeKey={quoteattr(stale)}/>"
    assert code(client, update_folder(old, rename("again"))) == "ErrorIrresolvableConflict"
    client.call(delete_folder(theirs))
    assert code(client, update_folder(folder_ref(theirs), rename("x"))) in (
        "ErrorItemNotFound",
        "ErrorFolderNotFound",
    )


@pytest.mark.parametrize("operation", ["MoveFolder", "CopyFolder"])
def test_folder_cycles_and_clashes(client, operation):
    top = made_folder(client, "top")
    middle = made_folder(client, "middle", top)
    bottom = made_folder(client, "bottom", middle)
    for target in (top, middle, bottom) if operation == "MoveFolder" else (middle, bottom):
        assert code(client, transfer_folder(operation, target, top)) == "ErrorMoveCopyFailed"
    made_folder(client, "MIDDLE", "inbox")
    assert code(client, transfer_folder(operation, "inbox", middle)) == "ErrorMoveCopyFailed"
    client.call(delete_folder(bottom))
    assert code(client, transfer_folder(operation, bottom, middle)) == "ErrorToFolderNotFound"
    names = client.call(get_folder(top, middle)).values("t:DisplayName")
    assert names == ["top", "middle"]


def test_default_folders_stay(client):
    assert code(client, delete_folder("inbox")) == "ErrorDeleteDistinguishedFolder"
    assert (
        code(client, transfer_folder("MoveFolder", "drafts", "inbox"))
        == "ErrorMoveDistinguishedFolder"
    )
    for folder in ("root", "msgfolderroot", "calendar"):
        assert code(client, empty_folder(folder)) == "ErrorCannotEmptyFolder"
    assert code(client, delete_folder(NONE)) == "ErrorInvalidIdMalformed"
    assert code(client, empty_folder(NONE)) == "ErrorInvalidIdMalformed"


@pytest.mark.parametrize(
    "name", ["a/b", "/", "..", "CON", "a\\b", "x" * 255, "\U0001f4c1", "%41", "a\u202eb"]
)
def test_odd_names_of_folders_are_names(client, name):
    folder = made_folder(client, escape(name))
    assert client.call(get_folder(folder)).value("t:DisplayName") == name
    assert (
        code(client, create_folder("msgfolderroot", folder_element(escape(name))))
        == "ErrorFolderExists"
    )


@pytest.mark.parametrize(
    "name", ["", "   ", "a&#9;b", "a&#10;b", "\u0085", "x" * 70000, "a&#x7f;b"]
)
def test_names_that_are_none(client, name):
    request = create_folder("msgfolderroot", folder_element(name))
    assert code(client, request) == "ErrorFolderSavePropertyError"
    folder = made_folder(client)
    assert (
        code(client, update_folder(folder_ref(folder), rename(name)))
        == "ErrorFolderSavePropertyError"
    )


@pytest.mark.parametrize("character", ["&#0;", "&#1;", "\x01", "&#xFFFE;"])
def test_characters_that_xml_has_not(writer, character):
    for request in (
        create_folder("msgfolderroot", folder_element(f"a{character}b")),
        create_item(message(f"a{character}b")),
    ):
        answer = writer.post(envelope(request))
        assert answer.is_fault
        assert answer.fault_code in ("ErrorSchemaValidation", None)


def test_control_characters_in_subjects_do_not_make_headers(writer):
    item = made(writer, message("a&#13;&#10;X-Evil: 1&#13;&#10;&#13;&#10;body"))
    head = writer.mime(item.id).split(b"\r\n\r\n")[0]
    assert not re.search(rb"^X-Evil", head, re.MULTILINE)
    mailbox = (
        "<t:ToRecipients><t:Mailbox><t:Name>a&#13;&#10;X-Evil: 1</t:Name><t:EmailAddress>a@example.com"
        "</t:EmailAddress></t:Mailbox></t:ToRecipients>"
    )
    item = made(writer, message(more=mailbox))
    assert not re.search(rb"^X-Evil", writer.mime(item.id), re.MULTILINE)


# ---- much at once


def test_ten_thousand_ids(writer, item):
    answer = writer.call(delete_item(*[NONE] * MANY, item.id))
    assert len(answer.messages) == MANY + 1
    assert set(answer.codes[:-1]) == {"ErrorInvalidIdMalformed"} and answer.codes[-1] == "NoError"
    assert item.id not in writer.items("drafts")


def test_ten_thousand_times_the_same_id(writer, item):
    answer = writer.call(transfer("MoveItem", "inbox", *[item.id] * MANY))
    assert answer.codes == ["NoError"] + ["ErrorItemNotFound"] * (MANY - 1)
    assert answer.find("t:ItemId").get("Id") in writer.items()
    assert item.id not in writer.items("drafts")


def test_too_many_parts_are_a_fault(writer):
    assert writer.fault(delete_item(*[NONE] * 110000)).fault_code == "ErrorSchemaValidation"


# ---- rules that never end


def recurrence(pattern, range_):
    return f"<t:Recurrence>{pattern}{range_}</t:Recurrence>"


DAILY = "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"
ENDLESS = "<t:NoEndRecurrence><t:StartDate>2027-05-03</t:StartDate></t:NoEndRecurrence>"


def view(start, end, most=1000):
    return f'<m:CalendarView MaxEntriesReturned="{most}" StartDate="{start}" EndDate="{end}"/>'


def test_a_rule_that_never_ends(client):
    event = made(client, appointment(recurrence(DAILY, ENDLESS)), attributes=QUIET)
    for year in (2027, 2099, 2999):
        found = client.call(
            find_item("calendar", view=view(f"{year}-06-01T00:00:00Z", f"{year}-06-08T00:00:00Z"))
        )
        assert len(found.findall("t:CalendarItem")) == 7, year
    assert code(
        client, find_item("calendar", view=view("2027-01-01T00:00:00Z", "2030-01-01T00:00:00Z"))
    ) == ("ErrorCalendarViewRangeTooBig")
    far = (
        "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds><t:OccurrenceItemId "
        f'RecurringMasterId={quoteattr(event.id)} InstanceIndex="2147483647"/></m:ItemIds></m:GetItem>'
    )
    assert code(client, far) == "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"
    answer = client.call(get_item(event.id, base="AllProperties"))
    assert answer.code == "NoError" and answer.find("t:LastOccurrence") is None


def test_a_rule_whose_day_never_comes(client):
    pattern = (
        "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>31</t:DayOfMonth><t:Month>February</t:Month>"
        "</t:AbsoluteYearlyRecurrence>"
    )
    answer = client.call(create_item(appointment(recurrence(pattern, ENDLESS)), attributes=QUIET))
    assert answer.code in ("NoError", "ErrorCalendarInvalidRecurrence")
    week = view("2028-02-01T00:00:00Z", "2028-03-08T00:00:00Z")
    assert client.call(find_item("calendar", view=week)).code == "NoError"


@pytest.mark.parametrize(
    "rule",
    [
        b"FREQ=SECONDLY",
        b"FREQ=DAILY;INTERVAL=2147483647",
        b"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        b"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366",
        b"FREQ=DAILY;COUNT=4294967295",
        b"FREQ=MINUTELY;BYSECOND=61",
    ],
)
def test_rules_of_calendar_objects_are_bounded(client, rule):
    text = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1@x\r\nDTSTAMP:20270101T000000Z\r\n"
        b"DTSTART:20270503T100000Z\r\nDTEND:20270503T110000Z\r\nSUMMARY:endless\r\nRRULE:"
        + rule
        + b"\r\n"
        b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    content = f"<t:MimeContent>{base64.b64encode(text).decode()}</t:MimeContent>"
    answer = client.call(
        create_item(f"<t:CalendarItem>{content}</t:CalendarItem>", attributes=QUIET)
    )
    assert answer.code in ("NoError", "ErrorMimeContentInvalid", "ErrorCalendarInvalidRecurrence")
    year = view("2027-01-01T00:00:00Z", "2028-12-31T00:00:00Z")
    answer = client.call(find_item("calendar", view=year))
    assert answer.code == "NoError"
    assert len(answer.findall("t:CalendarItem")) <= 1000


# ---- full mailboxes

QUOTA = 100000


def test_a_full_mailbox(tmp_path):
    config = tmp_path / "ewerd.conf"
    config.write_text(f"[server]\nmailbox_quota_bytes = {QUOTA}\n")
    with ewer.serving(users=["full@example.com"], arguments=["--config", str(config)]) as server:
        with server.soap("full@example.com") as client:
            check_quota(client)
        config.write_text(f"[server]\nmailbox_quota_bytes = {QUOTA // 10}\n")
        server.restart()
        with server.soap("full@example.com") as client:
            check_beyond_quota(client)


def check_quota(client):
    large = f"<t:Body BodyType=\"Text\">{'x' * (QUOTA // 4)}</t:Body>"
    codes = client.call(create_item("".join(message(str(n), large) for n in range(6)))).codes
    assert codes[0] == "NoError" and codes[-1] == "ErrorQuotaExceeded"
    items = client.items("drafts")
    assert len(items) == codes.count("NoError") <= 4
    body = set_field("item:Body", f"<t:Body BodyType=\"Text\">{'y' * QUOTA}</t:Body>")
    assert code(client, update_item(ref(items[0]), body, "AlwaysOverwrite")) == "ErrorQuotaExceeded"
    read = set_field("message:IsRead", "<t:IsRead>false</t:IsRead>")
    assert code(client, update_item(ref(items[0]), read, "AlwaysOverwrite")) == "NoError"
    assert code(client, delete_item(*items[:1])) == "NoError"
    assert code(client, create_item(message("again", large))) == "NoError"


def check_beyond_quota(client):
    """What was there before the bound was lowered can be read, moved and deleted, and nothing is added."""
    items = client.items("drafts")
    assert code(client, transfer("CopyItem", "inbox", items[0])) == "ErrorQuotaExceeded"
    assert code(client, create_item(message())) == "ErrorQuotaExceeded"
    assert client.items("inbox") == []
    assert set(client.call(get_item(*items, base="AllProperties")).codes) == {"NoError"}
    assert code(client, transfer("MoveItem", "inbox", items[0])) == "NoError"
    assert code(client, delete_item(*items[1:2], how="MoveToDeletedItems")) == "NoError"


def test_ids_are_as_sync_tells_them(client):
    """What CreateItem answers is what a sync tells."""
    item = made(client)
    ((kind, element),) = client.sync("drafts")[0]
    assert (kind, item_id(element)) == ("Create", item.id)
    assert element.find("{*}ItemId").get("ChangeKey") == item.key


# ---- ExportItems, UploadItems


def test_what_was_exported_is_uploaded_and_nothing_else(client):
    item, inbox = made(client, message("kept", to("a@example.org"))), client.folder_id("inbox")
    data = client.call(export(item.id)).value("m:Data")
    answer = client.call(upload(inbox, data))
    assert answer.code == "NoError"
    (copy,) = client.items()
    assert client.mime(copy) == client.mime(item.id)
    for wrong in (upload(inbox, data, identity=item.id), upload(inbox, data, "Update")):
        good_first = upload(inbox, data).replace("</m:Items></m:UploadItems>", "")
        request = good_first + wrong.replace("<m:UploadItems><m:Items>", "")
        answer = client.call(request)
        assert answer.codes == ["NoError", "ErrorInvalidRequest"]
        assert len(client.items()) == 2
        client.call(delete_item(answer.find("m:ItemId").get("Id")))
        assert client.items() == [copy]
    raw = base64.b64decode(data)
    for bad in (b"", b"nothing of ours", raw[: len(raw) // 2], raw[:8] + b"\xff" * 64):
        bad = base64.b64encode(bad).decode()
        assert code(client, upload(inbox, bad)) == "ErrorCorruptData"
    assert client.items() == [copy]
    client.call(delete_item(item.id))
    assert code(client, export(item.id)) == "ErrorItemNotFound"
