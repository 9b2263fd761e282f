"""The example requests of the documentation as printed there, and answers of exactly the printed
form."""
import pytest

from mails import meeting, plain
from soap import MESSAGES, NS, SOAP, TYPES, local, sync_hierarchy, sync_items

ITEMS_REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">
  <soap:Body>
    <SyncFolderItems xmlns="http://schemas.microsoft.com/exchange/services/2006/messages">
      <ItemShape>
        <t:BaseShape>Default</t:BaseShape>
      </ItemShape>
      <SyncFolderId>
        <t:DistinguishedFolderId Id="{folder}"/>
      </SyncFolderId>
{state}      <Ignore>
        <t:ItemId Id="AQApAHRAA==" ChangeKey="CQAAABY"/>
      </Ignore>
      <MaxChangesReturned>100</MaxChangesReturned>
    </SyncFolderItems>
  </soap:Body>
</soap:Envelope>
"""
TREE_REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">
  <soap:Body>
    <SyncFolderHierarchy  xmlns="http://schemas.microsoft.com/exchange/services/2006/messages">
      <FolderShape>
        <t:BaseShape>AllProperties</t:BaseShape>
      </FolderShape>
{state}    </SyncFolderHierarchy>
  </soap:Body>
</soap:Envelope>
"""


def items_request(folder, state):
    return ITEMS_REQUEST.format(
        folder=folder, state=f"      <SyncState>{state}</SyncState>\n" if state else ""
    ).encode()


def tree_request(state):
    return TREE_REQUEST.format(
        state=f"      <SyncState>{state}</SyncState>\n" if state else ""
    ).encode()


def outline(element):
    """An element as nested (name, attributes' names, text or children)."""
    children = [outline(e) for e in element]
    return local(element), sorted(element.attrib), children or element.text


def envelope_outline(answer):
    """What every printed answer has around its response message; the message."""
    root = answer.root
    assert root.tag == f"{{{SOAP}}}Envelope"
    assert [e.tag for e in root] == [f"{{{SOAP}}}Header", f"{{{SOAP}}}Body"]
    assert [e.tag for e in root[0]] == [f"{{{TYPES}}}ServerVersionInfo"]
    ((response,),) = [root[1]]
    assert response.tag.startswith(f"{{{MESSAGES}}}Sync")
    ((messages,),) = [response]
    ((message,),) = [messages]
    return message


def test_a_meeting_request_is_synced_as_printed(server, client, user):
    state = client.sync()[1]
    server.deliver(user, meeting())
    answer = client.post(items_request("inbox", state))
    assert answer.status == 200
    message = envelope_outline(answer)
    change = message.find("m:Changes/t:Create", NS)
    assert local(change[0]) == "MeetingRequest"
    assert outline(change[0])[2] == [
        ("ItemId", ["ChangeKey", "Id"], None),
        ("Subject", [], "Budget Q3"),
        ("Sensitivity", [], "Normal"),
        ("IsOutOfDate", [], "false"),
        ("HasBeenProcessed", [], "false"),
        ("ResponseType", [], "NoResponseReceived"),
        ("IntendedFreeBusyStatus", [], "Busy"),
        ("Start", [], "2006-08-02T17:30:00Z"),
        ("End", [], "2006-08-02T19:30:00Z"),
        ("Location", [], "Conference Room 2"),
        (
            "Organizer",
            [],
            [
                (
                    "Mailbox",
                    [],
                    [
                        ("Name", [], "Dan Park"),
                        ("EmailAddress", [], "dpark@example.com"),
                        ("RoutingType", [], "SMTP"),
                    ],
                )
            ],
        ),
    ]
    assert [outline(e)[:2] for e in message] == [
        ("ResponseCode", []),
        ("SyncState", []),
        ("IncludesLastItemInRange", []),
        ("Changes", []),
    ]
    assert message.findtext("m:ResponseCode", namespaces=NS) == "NoError"
    assert message.findtext("m:IncludesLastItemInRange", namespaces=NS) == "true"
    assert message.attrib == {"ResponseClass": "Success"}


def test_the_printed_item_request_gets_the_printed_error(client):
    answer = client.post(items_request("sentitems", "AEbJ94eMOAAA="))
    assert answer.status == 200
    message = envelope_outline(answer)
    assert outline(message) == (
        "SyncFolderItemsResponseMessage",
        ["ResponseClass"],
        [
            ("MessageText", [], "Synchronization state data is corrupt or otherwise invalid."),
            ("ResponseCode", [], "ErrorInvalidSyncStateData"),
            ("DescriptiveLinkKey", [], "0"),
            ("SyncState", [], None),
            ("IncludesLastItemInRange", [], "true"),
        ],
    )
    assert message.get("ResponseClass") == "Error"


def test_the_item_request_without_its_state_tells_all(server, client, user, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.eml").write_bytes(plain(number))
    server.ctl("import", user, *tmp_path.iterdir(), "--folder", "sentitems")
    answer = client.post(items_request("sentitems", None))
    assert [kind for kind, _ in answer.changes] == ["Create"] * 3


def test_a_new_folder_is_synced_as_printed(server, client, user, tmp_path):
    state = client.post(tree_request(None)).state
    (tmp_path / "empty.mbox").write_bytes(b"")
    (tmp_path / "one.eml").write_bytes(plain())
    server.ctl("import", user, tmp_path / "one.eml", "--folder", "NewFolder")
    message = envelope_outline(client.post(tree_request(state)))
    change = message.find("m:Changes/t:Create", NS)
    got = [outline(e) for e in change[0] if local(e) != "EffectiveRights"]
    assert local(change[0]) == "Folder"
    assert got == [
        ("FolderId", ["ChangeKey", "Id"], None),
        ("ParentFolderId", ["ChangeKey", "Id"], None),
        ("FolderClass", [], "IPF.Note"),
        ("DisplayName", [], "NewFolder"),
        ("TotalCount", [], "1"),
        ("ChildFolderCount", [], "0"),
        ("UnreadCount", [], "1"),
    ] or got[-1] == ("UnreadCount", [], "0")
    assert [local(e) for e in message] == [
        "ResponseCode",
        "SyncState",
        "IncludesLastFolderInRange",
        "Changes",
    ]
    assert message.attrib == {"ResponseClass": "Success"}


def test_the_printed_tree_request_gets_the_printed_error(client):
    message = envelope_outline(client.post(tree_request("H4sIA=")))
    assert outline(message) == (
        "SyncFolderHierarchyResponseMessage",
        ["ResponseClass"],
        [
            ("MessageText", [], "Synchronization state data is corrupted or otherwise invalid."),
            ("ResponseCode", [], "ErrorInvalidSyncStateData"),
            ("DescriptiveLinkKey", [], "0"),
            ("SyncState", [], None),
            ("IncludesLastFolderInRange", [], "true"),
        ],
    )


def test_the_tree_request_without_its_state_tells_all_folders(client):
    answer = client.post(tree_request(None))
    assert len(answer.changes) > 10
    assert {kind for kind, _ in answer.changes} == {"Create"}


@pytest.mark.parametrize("most, ok", [(512, True), (513, False)])
def test_at_most_512_changes(client, most, ok):
    if ok:
        assert client.call(sync_items(most=most)).code == "NoError"
    else:
        assert client.fault(sync_items(most=most)).fault_code == "ErrorSchemaValidation"
    assert client.call(sync_hierarchy()).code == "NoError"
