"""exchangelib, unmodified, against the real daemon: login, folders, both syncs, reading, searching.
"""
import datetime

import exchangelib
import pytest
from exchangelib import (
    DELEGATE,
    Account,
    Configuration,
    Credentials,
    FileAttachment,
    ItemAttachment,
)
from exchangelib.items import MeetingCancellation, MeetingRequest, MeetingResponse, Message

from mails import PNG, html, meeting, plain, with_file, with_message, zoo

# The library logs into each endpoint once and remembers it; every login here is to be a real one.
exchangelib.protocol.CachingProtocol.clear_cache()


def login(server, user, **options):
    credentials = Credentials(user, server.passwords[user])
    config = Configuration(service_endpoint=server.url, credentials=credentials, **options)
    return Account(user, config=config, autodiscover=False, access_type=DELEGATE)


@pytest.fixture(name="account")
def fixture_account(server, user):
    account = login(server, user, auth_type="basic")
    yield account
    account.protocol.close()


@pytest.fixture(name="zoo_account")
def fixture_zoo_account(server, zoo_user):
    account = login(server, zoo_user, auth_type="basic")
    yield account
    account.protocol.close()


@pytest.fixture(name="ten_account")
def fixture_ten_account(server, ten_user):
    account = login(server, ten_user, auth_type="basic")
    yield account
    account.protocol.close()


def synced(folder, sync_state=None, **options):
    """[(change, item)] of one sync from this state; the folder keeps the next one."""
    folder.item_sync_state = None
    return list(folder.sync_items(sync_state=sync_state, **options))


# ---- login


@pytest.mark.parametrize("options", [{"auth_type": "basic"}, {}])
def test_login(server, reading_user, options):
    account = login(server, reading_user, **options)
    assert account.inbox.name == "Inbox"
    assert account.protocol.auth_type == "basic"
    assert account.version.build.major_version == 15
    account.protocol.close()


def test_wrong_password(server, reading_user):
    config = Configuration(
        service_endpoint=server.url,
        credentials=Credentials(reading_user, "wrong"),
        auth_type="basic",
    )
    with pytest.raises(exchangelib.errors.UnauthorizedError):
        assert (
            Account(
                reading_user, config=config, autodiscover=False, access_type=DELEGATE
            ).inbox.total_count
            == 0
        )


# ---- folders


def test_walk_the_tree(ten_account):
    names = {f.name for f in ten_account.msg_folder_root.walk()}
    assert {
        "Inbox",
        "Drafts",
        "Sent Items",
        "Outbox",
        "Deleted Items",
        "Junk Email",
        "Calendar",
        "Contacts",
        "Tasks",
    } <= names
    assert "Inbox" in ten_account.root.tree()


@pytest.mark.parametrize(
    "name", ["inbox", "drafts", "sent", "trash", "junk", "outbox", "calendar", "contacts", "tasks"]
)
def test_distinguished_folders(ten_account, name):
    folder = getattr(ten_account, name)
    assert folder.id and folder.changekey
    assert folder.effective_rights.read
    assert folder.total_count == (10 if name == "inbox" else 0)


def test_sync_hierarchy(server, account, user, tmp_path):
    top = account.msg_folder_root
    first = list(top.sync_hierarchy())
    assert {change for change, _ in first} == {"create"}
    assert "Inbox" in {folder.name for _, folder in first}
    assert not list(top.sync_hierarchy(sync_state=top.folder_sync_state))
    (tmp_path / "a.eml").write_bytes(plain())
    server.ctl("import", user, tmp_path / "a.eml", "--folder", "Projects/2026")
    again = list(top.sync_hierarchy(sync_state=top.folder_sync_state))
    assert [(change, folder.name) for change, folder in again] == [
        ("create", "Projects"),
        ("create", "2026"),
    ]


def test_sync_hierarchy_with_a_bad_state(ten_account):
    with pytest.raises(exchangelib.errors.ErrorInvalidSyncStateData):
        list(ten_account.msg_folder_root.sync_hierarchy(sync_state="nonsense"))


# ---- item sync


def test_initial_sync_with_all_default_fields(zoo_account):
    """The library asks for every field it knows, most of which a sync cannot tell."""
    changes = synced(zoo_account.inbox)
    assert {change for change, _ in changes} == {"create"}
    assert len(changes) == len(zoo())
    by_kind = [type(item).__name__ for _, item in changes]
    assert by_kind == [element for _, _, element in reversed(zoo())]
    assert all(item.id and item.changekey for _, item in changes)


@pytest.mark.parametrize("page", [1, 3, 10, 512])
def test_sync_by_pages(ten_account, page):
    """The generator goes on by itself until the server says that it has told all."""
    folder, seen = ten_account.inbox, []
    state = None
    for _ in range(12):
        seen += synced(folder, only_fields=["subject"], max_changes_returned=page, sync_state=state)
        if folder.item_sync_state == state:
            break
        state = folder.item_sync_state
    assert [item.subject for _, item in seen] == [f"message {i}" for i in reversed(range(10))]


def test_incremental_sync(server, account, user):
    folder = account.inbox
    assert synced(folder) == []
    for number in range(3):
        server.deliver(user, plain(number), plain(number + 100))
        changes = synced(
            folder, sync_state=folder.item_sync_state, only_fields=["subject", "is_read"]
        )
        assert [(change, item.subject, item.is_read) for change, item in changes] == [
            ("create", f"message {number + 100}", False),
            ("create", f"message {number}", False),
        ]
    assert synced(folder, sync_state=folder.item_sync_state) == []


def test_sync_that_ignores_items(ten_account):
    folder = ten_account.inbox
    everything = synced(folder, only_fields=["subject"])
    known = [(item.id, item.changekey) for _, item in everything[:4]]
    assert [i.id for _, i in synced(folder, only_fields=["subject"], ignore=known)] == [
        i.id for _, i in everything[4:]
    ]
    bogus = [("AAA=", "AAA=")]
    assert len(synced(folder, only_fields=["subject"], ignore=bogus)) == 10


@pytest.mark.parametrize("scope", ["NormalItems", "NormalAndAssociatedItems"])
def test_sync_scopes(ten_account, scope):
    assert len(synced(ten_account.inbox, sync_scope=scope, only_fields=["subject"])) == 10


def test_sync_with_a_bad_state(ten_account):
    with pytest.raises(exchangelib.errors.ErrorInvalidSyncStateData):
        synced(ten_account.inbox, sync_state="nonsense")


# ---- reading


def test_items_of_a_folder_with_all_fields(zoo_account):
    items = list(zoo_account.inbox.all())
    assert len(items) == len(zoo())
    assert not [i for i in items if isinstance(i, Exception)]


def test_mime_content_is_what_was_delivered(zoo_account):
    items = list(zoo_account.inbox.all().order_by("datetime_received").only("mime_content"))
    got = sorted(item.mime_content or b"" for item in items)
    expected = sorted(message for _, message, _ in zoo())
    assert [g.removesuffix(b"\r\n") for g in got] == [e.removesuffix(b"\r\n") for e in expected]


def test_bodies(server, account, user):
    server.deliver(user, html(), plain(2, text="Grüße"))
    text, rich = account.inbox.all().order_by("-datetime_received")
    assert text.subject == "message 2"
    assert text.body.strip() == "Grüße"
    assert isinstance(text.body, exchangelib.Body)
    assert isinstance(rich.body, exchangelib.HTMLBody)
    assert "<b>aus</b>" in rich.body
    assert "Grüße aus München" in rich.text_body


def test_fields_of_a_message(server, account, user):
    server.deliver(
        user,
        plain(
            7,
            "Grüße <&> aus",
            headers='Cc: "Q, X" <x@example.net>, y@example.net\r\nReply-To: r@example.org\r\n'
            "Importance: high\r\nIn-Reply-To: <m1@example.org>\r\nReferences: <m0@example.org> "
            "<m1@example.org>\r\n",
        ),
    )
    item = account.inbox.get()
    assert isinstance(item, Message)
    assert item.subject == "Grüße <&> aus"
    assert (item.sender.email_address, item.author.name) == ("sender@example.org", "Sender")
    assert [r.email_address for r in item.to_recipients] == ["user@example.com"]
    assert [(r.name, r.email_address) for r in item.cc_recipients][0] == ("Q, X", "x@example.net")
    assert [r.email_address for r in item.reply_to] == ["r@example.org"]
    assert (item.importance, item.message_id, item.in_reply_to) == (
        "High",
        "<m7@example.org>",
        "<m1@example.org>",
    )
    assert item.references == "<m0@example.org> <m1@example.org>"
    assert item.datetime_sent == datetime.datetime(2026, 3, 2, 10, 0, 7, tzinfo=exchangelib.UTC)
    assert abs(
        item.datetime_received - datetime.datetime.now(datetime.timezone.utc)
    ) < datetime.timedelta(minutes=10)
    assert (item.is_read, item.is_draft, item.has_attachments) == (False, False, False)
    assert item.size == len(item.mime_content)
    assert {h.name for h in item.headers} >= {"From", "Subject", "Message-ID", "Cc"}
    assert item.parent_folder_id.id == account.inbox.id


def test_file_attachments(server, account, user):
    data = bytes(range(256)) * 400
    server.deliver(user, with_file("Zeugnis.bin", data))
    item = account.inbox.get()
    assert item.has_attachments
    (attachment,) = item.attachments
    assert isinstance(attachment, FileAttachment)
    assert (attachment.name, attachment.content) == ("Zeugnis.bin", data)
    with attachment.fp as stream:
        assert stream.read() == data


def test_item_attachments(server, account, user):
    server.deliver(user, with_message(with_file("inner.bin", b"deep inside", 2)))
    (attachment,) = account.inbox.get().attachments
    assert isinstance(attachment, ItemAttachment)
    assert attachment.item.subject == "with a file"
    (inner,) = attachment.item.attachments
    assert inner.content == b"deep inside"


def test_inline_attachments(zoo_account):
    item = zoo_account.inbox.get(subject="with a picture")
    (picture,) = item.attachments
    assert (picture.is_inline, picture.content_id, picture.content) == (True, "pic@x", PNG)


def test_meeting_messages(zoo_account):
    meetings = {type(i): i for i in zoo_account.inbox.all() if not isinstance(i, Message)}
    assert set(meetings) == {MeetingRequest, MeetingResponse, MeetingCancellation}
    request = meetings[MeetingRequest]
    assert (request.subject, request.location) == ("Budget Q3", "Conference Room 2")
    assert request.start == datetime.datetime(2006, 8, 2, 17, 30, tzinfo=exchangelib.UTC)
    assert request.end == datetime.datetime(2006, 8, 2, 19, 30, tzinfo=exchangelib.UTC)
    assert request.organizer.email_address == "dpark@example.com"


def test_a_meeting_request_by_sync(server, account, user):
    folder = account.inbox
    synced(folder)
    server.deliver(user, meeting(summary="Review"))
    ((change, item),) = synced(folder, sync_state=folder.item_sync_state)
    assert (change, type(item), item.subject) == ("create", MeetingRequest, "Review")


def test_fetch(ten_account):
    ids = [
        (item.id, item.changekey) for _, item in synced(ten_account.inbox, only_fields=["subject"])
    ]
    fetched = list(ten_account.fetch(ids, folder=ten_account.inbox))
    assert [i.subject for i in fetched] == [f"message {n}" for n in reversed(range(10))]
    (missing,) = ten_account.fetch([("AAAA", None)])
    assert isinstance(missing, exchangelib.errors.ErrorInvalidIdMalformed)
    assert len(list(ten_account.fetch(ids, only_fields=["body"], chunk_size=3))) == 10


# ---- searching


@pytest.mark.parametrize(
    "conditions, numbers",
    [
        ({"subject": "message 3"}, [3]),
        ({"subject__contains": "age 4"}, [4]),
        ({"subject__icontains": "AGE 4"}, [4]),
        ({"subject__startswith": "mess"}, list(range(10))),
        ({"subject__in": ["message 1", "message 8", "other"]}, [1, 8]),
        ({"subject__gt": "message 7"}, [8, 9]),
        ({"subject__range": ("message 2", "message 4")}, [2, 3, 4]),
        ({"message_id": "<m5@example.org>"}, [5]),
        ({"is_read": True}, []),
        ({"is_read": False, "subject": "message 0"}, [0]),
        (
            {"datetime_received__gt": datetime.datetime(2020, 1, 1, tzinfo=exchangelib.UTC)},
            list(range(10)),
        ),
        ({"datetime_received__lt": datetime.datetime(2020, 1, 1, tzinfo=exchangelib.UTC)}, []),
        (
            {"datetime_sent__gte": datetime.datetime(2026, 3, 2, 10, 0, 8, tzinfo=exchangelib.UTC)},
            [8, 9],
        ),
        ({"subject__exists": True}, list(range(10))),
        ({"size__gt": 1000000}, []),
        ({"body__contains": "text of message 6"}, [6]),
        ({"sender": "sender@example.org"}, None),
        ({"has_attachments": True}, []),
        ({"importance": "Normal"}, list(range(10))),
    ],
)
def test_filters(ten_account, conditions, numbers):
    found = sorted(i.subject for i in ten_account.inbox.filter(**conditions).only("subject"))
    assert numbers is None or found == [f"message {n}" for n in numbers]


def test_combined_filters(ten_account):
    q = exchangelib.Q(subject="message 1") | ~exchangelib.Q(subject__contains="message")
    assert [i.subject for i in ten_account.inbox.filter(q).only("subject")] == ["message 1"]
    assert ten_account.inbox.exclude(subject="message 1").count() == 9
    assert ten_account.inbox.filter(subject="message 1", is_read=True).exists() is False


def test_orders_and_slices(ten_account):
    subjects = [f"message {n}" for n in range(10)]
    query = ten_account.inbox.all().only("subject")
    assert [i.subject for i in query.order_by("subject")] == subjects
    assert [i.subject for i in query.order_by("-subject")] == subjects[::-1]
    assert [i.subject for i in query.order_by("-datetime_received")[:3]] == subjects[:6:-1]
    assert [i.subject for i in query.order_by("is_read", "-subject")[2:5]] == subjects[::-1][2:5]
    assert list(query.order_by("subject").values_list("subject", flat=True)) == subjects


@pytest.mark.parametrize("page", [1, 4, 100])
def test_paging(ten_account, page):
    query = ten_account.inbox.all().only("subject")
    query.page_size = page
    assert len({i.id for i in query}) == 10
    assert ten_account.inbox.all().count() == 10


def test_get(ten_account):
    assert ten_account.inbox.get(message_id="<m5@example.org>").subject == "message 5"
    with pytest.raises(exchangelib.errors.DoesNotExist):
        ten_account.inbox.get(subject="nothing like it")
    with pytest.raises(exchangelib.errors.MultipleObjectsReturned):
        ten_account.inbox.get(subject__contains="message")


def test_search_in_several_folders(ten_account):
    folders = exchangelib.folders.FolderCollection(
        account=ten_account, folders=[ten_account.inbox, ten_account.drafts, ten_account.sent]
    )
    assert folders.filter(subject__contains="message").count() == 10
