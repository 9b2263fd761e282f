"""Requests as real programs sent them, replayed byte for byte but for the ids, which belong to
other answers.

The recordings are looked for in EWER_REQUESTS_DIR, else in ../shared/requests beside the tree;
where there are none, nothing is replayed.
"""
import os
import re
from pathlib import Path

import ewer
import pytest

from mails import plain, zoo
from notifications import Listener, Stream, events_of, get_events, subscribe, subscribe_pull
from soap import NS, ROOT, get_item, local, sync_hierarchy

DIRECTORY = Path(os.environ.get("EWER_REQUESTS_DIR") or ROOT.parent / "shared" / "requests")
READING = (
    "ConvertId",
    "GetFolder",
    "FindFolder",
    "SyncFolderHierarchy",
    "SyncFolderItems",
    "GetItem",
    "FindItem",
    "GetAttachment",
)
WRITING = (
    "CreateItem",
    "UpdateItem",
    "DeleteItem",
    "MoveItem",
    "CopyItem",
    "SendItem",
    "CreateFolder",
    "UpdateFolder",
    "DeleteFolder",
    "MoveFolder",
    "CopyFolder",
    "EmptyFolder",
    "CreateAttachment",
    "DeleteAttachment",
)
TELLING = ("Subscribe", "GetEvents", "GetStreamingEvents", "Unsubscribe")
LEAVING = ("DeleteItem", "MoveItem", "SendItem")
FILES = sorted(DIRECTORY.glob("*.xml")) if DIRECTORY.exists() else []
# Ids of folders that later requests of the same program made, of events and the like, are none of
# the mailbox's.
ALLOWED = {"NoError", "ErrorFolderNotFound", "ErrorSyncFolderNotFound"}

pytestmark = pytest.mark.skipif(not FILES, reason=f"no recorded requests in {DIRECTORY}")


def operation_of(file):
    found = re.search(r"Body>\s*<(?:\w+:)?(\w+)", file.read_text())
    return found.group(1) if found else ""


def readers():
    return [pytest.param(f, id=f.stem) for f in FILES if operation_of(f) in READING]


@pytest.fixture(scope="module", name="mailbox")
def fixture_mailbox(shared_server):
    """A filled mailbox of the recorded account, and its ids; replays change nothing in it."""
    user = shared_server.add_user("alice@example.com")
    shared_server.deliver(user, *[message for _, message, _ in zoo()])
    with shared_server.soap(user) as client:
        folders = [e[0].get("Id") for _, e in client.call(sync_hierarchy("root")).changes]
        inbox = client.folder_id("inbox")
        yield client, [inbox] + [f for f in folders if f != inbox], client.items()


def mapped(text, folders, items):
    """First seen, first mapped."""
    seen = {}

    def replacement(match):
        known, kind = match.group(2), match.group(1)
        pool = items if kind == "Item" else folders
        if (kind, known) not in seen:
            seen[kind, known] = pool[sum(k == kind for k, _ in seen) % len(pool)]
        return match.group(0).replace(f'Id="{known}"', f'Id="{seen[kind, known]}"')

    text = re.sub(
        r'<(?:\w+:)?(Item|Folder)Id Id="([^"]*)"(?: ChangeKey="[^"]*")?',
        lambda m: re.sub(r' ChangeKey="[^"]*"', "", replacement(m)),
        text,
    )
    return text


@pytest.mark.parametrize("file", readers())
def test_recorded_request(server, mailbox, file):
    assert server.is_alive()
    client, folders, items = mailbox
    text = mapped(file.read_text(), folders, items)
    state = re.search(r"<(?:m:)?SyncState>([^<]+)<", text)
    if state:
        first = client.post(
            text.replace(state.group(0), state.group(0).replace(state.group(1), "")).encode()
        )
        assert first.status == 200, first.text
        text = text.replace(state.group(1), first.state)
    answer = client.post(text.encode())
    assert answer.status == 200, answer.text
    assert not answer.is_fault, answer.text
    assert local(answer.body) == operation_of(file) + "Response"
    if operation_of(file) == "ConvertId":
        return
    assert set(answer.codes) <= ALLOWED, answer.text
    wanted = (
        len(re.findall(r"<(?:\w+:)?(?:Item|Folder|DistinguishedFolder)Id ", text))
        if operation_of(file) in ("GetFolder", "GetItem")
        else 1
    )
    assert len(answer.messages) == wanted
    if state:
        assert answer.changes == []


def test_something_is_replayed():
    assert len(readers()) > 30


# ---- writing


@pytest.fixture(scope="module", name="writable")
def fixture_writable():
    """A mailbox of the recorded account that the requests may change."""
    with ewer.serving(users=["alice@example.com"]) as server:
        with server.soap("alice@example.com") as client:
            yield client


def writers():
    return [pytest.param(f, id=f.stem) for f in FILES if operation_of(f) in WRITING]


def fresh(client, kind, number, is_calendar):
    """What stands for one recorded object: [(id, key)] of a new item or folder, and an attachment's."""
    if kind == "Folder":
        answer = client.call(
            '<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderId>'
            f"<m:Folders><t:Folder><t:DisplayName>folder {number}</t:DisplayName></t:Folder></m:Folders>"
            "</m:CreateFolder>"
        )
        return answer.find("t:FolderId").attrib
    content = (
        "<t:CalendarItem><t:Subject>recorded</t:Subject><t:Start>2027-01-01T10:00:00Z</t:Start>"
        "<t:End>2027-01-01T11:00:00Z</t:End></t:CalendarItem>"
        if is_calendar
        else "<t:Message><t:Subject>recorded</t:Subject><t:Attachments><t:FileAttachment><t:Name>a"
        "</t:Name><t:Content>QUJD</t:Content></t:FileAttachment></t:Attachments><t:ToRecipients>"
        "<t:Mailbox><t:EmailAddress>alice@example.com</t:EmailAddress></t:Mailbox></t:ToRecipients>"
        "</t:Message>"
    )
    answer = client.call(
        '<m:CreateItem MessageDisposition="SaveOnly" SendMeetingInvitations="SendToNone"><m:Items>'
        f"{content}</m:Items></m:CreateItem>"
    )
    assert answer.code == "NoError", answer.text
    return answer.find("t:AttachmentId" if kind == "Attachment" else "t:ItemId").attrib


def with_fresh_ids(client, text, number):
    """The request with its ids and keys replaced by those of new objects, and the new items."""
    is_calendar = "CalendarItem>" in text
    made = {}

    def replacement(match):
        name, kind, known, key = match.group(1, 2, 3, 4)
        kind = "Item" if kind == "ParentItem" else kind
        if known not in made:
            made[known] = kind, fresh(client, kind, f"{number}.{len(made)}", is_calendar)
        found = made[known][1]
        return f'{name} Id="{found["Id"]}"' + (f' ChangeKey="{found["ChangeKey"]}"' if key else "")

    text = re.sub(
        r'(<(?:\w+:)?(Item|ParentItem|Folder|Attachment)Id) Id="([^"]*)"( ChangeKey="[^"]*")?',
        replacement,
        text,
    )
    return text, [found["Id"] for kind, found in made.values() if kind == "Item"]


@pytest.mark.parametrize("file", writers())
def test_recorded_writing(writable, file):
    client, operation = writable, operation_of(file)
    text, items = with_fresh_ids(client, file.read_text(), file.stem)
    answer = client.post(text.encode())
    assert (answer.status, answer.is_fault) == (200, False), answer.text
    assert local(answer.body) == operation + "Response"
    assert set(answer.codes) == {"NoError"}, answer.text
    if items:
        left = set(client.call(get_item(*items)).codes)
        assert left == ({"ErrorItemNotFound"} if operation in LEAVING else {"NoError"})
    created = [e.get("Id") for e in answer.findall("t:ItemId")]
    if created:
        assert set(client.call(get_item(*created)).codes) == {"NoError"}


def test_writing_is_replayed():
    assert len(writers()) > 25


# ---- being told


@pytest.fixture(scope="module", name="telling")
def fixture_telling(tmp_path_factory):
    """A server that may push to loopback, the recorded account, a folder of it, and a listener."""
    directory = tmp_path_factory.mktemp("recorded")
    config = directory / "ewer.conf"
    config.write_text("[push]\ntargets = loopback\n")
    with ewer.serving(directory / "store", ["alice@example.com"], ["--config", str(config)]) as server:
        with server.soap("alice@example.com") as client, Listener() as listener:
            yield server, client, client.folder_id("inbox"), listener


def tellers():
    return [pytest.param(f, id=f.stem) for f in FILES if operation_of(f) in TELLING]


def with_value(text, name, value):
    """The request with another text in its elements of a name."""
    return re.sub(rf"(<(?:\w+:)?{name}>)[^<]*<", rf"\g<1>{value}<", text)


def subscribed_for(client, operation, folder):
    """(id, watermark) of a subscription as the operation wants one, beside mail that came since."""
    streams = operation == "GetStreamingEvents"
    answer = client.call(subscribe("Streaming", [folder]) if streams else subscribe_pull(folders=[folder]))
    assert answer.code == "NoError", answer.text
    return answer.value("m:SubscriptionId"), answer.value("m:Watermark") or ""


def check_stream(server, client, text):
    """Each document keeps the schema, with the deviations that clients want: document() looks."""
    with Stream(server, client, body=text.encode()) as stream:
        stream.opened()
        assert len(stream.told().events) >= 2


def check_subscription(client, text, answer, server, listener):
    """It tells of what it was made for."""
    subscription, mark = answer.value("m:SubscriptionId"), answer.value("m:Watermark")
    if "PushSubscriptionRequest" in text:
        assert subscription in iter(lambda: listener.next().subscription, None)
    elif "PullSubscriptionRequest" in text:
        events = client.call(get_events(subscription, mark)).find("m:Notification")
        assert [e.type for e in events_of(events)] == ["StatusEvent"]
    else:
        with Stream(server, client, subscription) as stream:
            stream.opened()


@pytest.mark.parametrize("file", tellers())
def test_recorded_telling(telling, file):
    server, client, folder, listener = telling
    operation = operation_of(file)
    subscription, mark = subscribed_for(client, operation, folder)
    server.deliver("alice@example.com", plain(1))
    text = mapped(file.read_text(), [folder], [])
    for name, value in (("SubscriptionId", subscription), ("Watermark", mark), ("URL", listener.url)):
        text = with_value(text, name, value)
    if operation == "GetStreamingEvents":
        check_stream(server, client, text)
        return
    answer = client.post(text.encode())
    assert (answer.status, answer.is_fault) == (200, False), answer.text
    assert local(answer.body) == operation + "Response"
    assert answer.code == "NoError", answer.text
    if operation == "Subscribe":
        check_subscription(client, text, answer, server, listener)
    elif operation == "GetEvents":
        assert len(answer.find("m:Notification").findall("t:CreatedEvent", NS)) == 1
    else:
        assert client.call(get_events(subscription, mark)).code == "ErrorSubscriptionNotFound"


def test_telling_is_replayed():
    assert {operation_of(p.values[0]) for p in tellers()} == set(TELLING)
    assert len(tellers()) > 15
