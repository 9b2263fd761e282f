"""exchangelib, unmodified, writes: items of every kind, folders, mail that is sent. What is written is read
back field by field by a second account object, and a client that synced before converges on it.
"""
import datetime
import decimal
import time

import exchangelib
import pytest
from exchangelib import (
    Body,
    CalendarItem,
    Contact,
    DistributionList,
    EWSDate,
    EWSDateTime,
    EWSTimeZone,
    FileAttachment,
    HTMLBody,
    ItemAttachment,
    Mailbox,
    Message,
    Task,
)
from exchangelib.errors import ErrorDeleteDistinguishedFolder, ErrorFolderExists, ErrorItemNotFound
from exchangelib.extended_properties import ExtendedProperty
from exchangelib.fields import MONDAY, THURSDAY
from exchangelib.folders import Folder
from exchangelib.indexed_properties import EmailAddress, PhoneNumber, PhysicalAddress
from exchangelib.items import HARD_DELETE, MOVE_TO_DELETED_ITEMS, SOFT_DELETE
from exchangelib.properties import Member
from exchangelib.recurrence import (
    AbsoluteMonthlyPattern,
    AbsoluteYearlyPattern,
    DailyPattern,
    Recurrence,
    RelativeMonthlyPattern,
    RelativeYearlyPattern,
    TaskRecurrence,
    WeeklyPattern,
)

from mails import plain
from test_exchangelib import login

UTC = exchangelib.UTC
BERLIN = EWSTimeZone("Europe/Berlin")
ARRIVAL_SECONDS = 60


@pytest.fixture(name="account")
def fixture_account(server, user):
    account = login(server, user, auth_type="basic")
    yield account
    account.protocol.close()


@pytest.fixture(name="other")
def fixture_other(server, user):
    """The same mailbox, seen by an account object that knows nothing of what the first did."""
    other = login(server, user, auth_type="basic")
    yield other
    other.protocol.close()


def reread(other, item, folder):
    (found,) = other.fetch([(item.id, item.changekey)], folder=getattr(other, folder))
    assert not isinstance(found, Exception), found
    return found


def is_equal(wanted, got):
    """Lists of addresses and the like have no order that a server must keep."""
    if isinstance(wanted, list) and isinstance(got, list):
        return len(wanted) == len(got) and all(any(is_equal(w, g) for g in got) for w in wanted)
    if isinstance(wanted, Mailbox) and isinstance(got, Mailbox):
        return wanted.email_address == got.email_address and wanted.name in (None, got.name)
    if isinstance(wanted, Member) and isinstance(got, Member):
        return is_equal(wanted.mailbox, got.mailbox)
    if isinstance(wanted, Body):
        return isinstance(got, type(wanted)) and wanted.strip() in got
    if isinstance(wanted, exchangelib.Attendee):
        return is_equal(wanted.mailbox, got.mailbox)
    return wanted == got


def assert_fields(got, fields):
    differences = {
        name: (wanted, getattr(got, name))
        for name, wanted in fields.items()
        if not is_equal(wanted, getattr(got, name))
    }
    assert not differences


class Replica:
    """What a client knows of a folder by sync alone."""

    FIELDS = ("subject", "is_read")

    def __init__(self, folder):
        self.folder, self.state, self.items = folder, None, {}
        self.fields = [
            f
            for f in self.FIELDS
            if f in {x.name for x in folder.allowed_item_fields(folder.account.version)}
        ]
        self.pull()

    def pull(self):
        """The kinds of the changes since the last time, each with the subject it tells."""
        self.folder.item_sync_state = None
        kinds = []
        for kind, item in self.folder.sync_items(sync_state=self.state, only_fields=self.fields):
            if kind == "read_flag_change":
                key, is_read = item
                self.items[key.id] = (self.items[key.id][0], is_read)
                kinds.append((kind, is_read))
            elif kind == "delete":
                kinds.append((kind, self.items.pop(item.id)[0]))
            else:
                assert (kind == "create") == (item.id not in self.items)
                self.items[item.id] = self.known(item)
                kinds.append((kind, item.subject))
        self.state = self.folder.item_sync_state
        assert self.items == {i.id: self.known(i) for i in self.folder.all().only(*self.fields)}
        return sorted(kinds)

    @staticmethod
    def known(item):
        return (item.subject, getattr(item, "is_read", None))


class Tree:
    """What a client knows of the folders by sync alone."""

    def __init__(self, account):
        self.root, self.state, self.names = account.msg_folder_root, None, {}
        self.pull()

    def pull(self):
        self.root.folder_sync_state = None
        kinds = []
        for kind, folder in self.root.sync_hierarchy(
            sync_state=self.state, only_fields=["name", "parent_folder_id"]
        ):
            if kind == "delete":
                kinds.append((kind, self.names.pop(folder.id)))
            else:
                assert (kind == "create") == (folder.id not in self.names)
                self.names[folder.id] = folder.name
                kinds.append((kind, folder.name))
        self.state = self.root.folder_sync_state
        self.root.root.clear_cache()
        assert self.names == {f.id: f.name for f in self.root.walk()}
        return sorted(kinds)


def arrived(query, count=1):
    """The items of a query once there are so many: delivery comes after the answer to a request."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < deadline:
        found = list(query.all())
        if len(found) >= count:
            assert len(found) == count
            return found
    raise AssertionError(f"not there after {ARRIVAL_SECONDS} s")


def draft(account, subject="draft", **fields):
    return Message(account=account, folder=account.drafts, subject=subject, **fields).save()


# ---- messages

WHEN = EWSDateTime(2027, 5, 4, 9, 30, tzinfo=UTC)
MESSAGE_FIELDS = {
    "subject": 'Grüße <&> "all" \U0001f600',
    "sensitivity": "Confidential",
    "body": HTMLBody("<html><body><p>Grüße <b>fett</b></p></body></html>"),
    "categories": ["Red", "Blue & green"],
    "importance": "High",
    "in_reply_to": "<m1@example.org>",
    "reminder_is_set": True,
    "reminder_due_by": WHEN,
    "reminder_minutes_before_start": 15,
    "to_recipients": [
        Mailbox(name="Ä, B", email_address="a@example.org"),
        Mailbox(email_address="b@example.org"),
    ],
    "cc_recipients": [Mailbox(email_address="c@example.org")],
    "bcc_recipients": [Mailbox(email_address="d@example.org")],
    "is_read_receipt_requested": True,
    "is_delivery_receipt_requested": True,
    "message_id": "<own@example.com>",
    "is_read": True,
    "is_response_requested": True,
    "references": "<m0@example.org> <m1@example.org>",
    "reply_to": [Mailbox(email_address="r@example.org")],
}
OTHER_MESSAGE_FIELDS = {
    "subject": "other",
    "sensitivity": "Private",
    "body": Body("plain text"),
    "categories": ["Yellow"],
    "importance": "Low",
    "in_reply_to": "<m2@example.org>",
    "reminder_is_set": True,
    "reminder_due_by": WHEN,
    "reminder_minutes_before_start": 30,
    "to_recipients": [Mailbox(name="E", email_address="e@example.org")],
    "cc_recipients": [Mailbox(email_address="f@example.org")],
    "bcc_recipients": [Mailbox(email_address="g@example.org")],
    "is_read_receipt_requested": True,
    "is_delivery_receipt_requested": True,
    "message_id": "<second@example.com>",
    "is_read": True,
    "is_response_requested": True,
    "references": "<m5@example.org>",
    "reply_to": [Mailbox(email_address="s@example.org")],
}


def test_create_a_message_with_every_field(account, other):
    replica = Replica(other.drafts)
    item = draft(account, **MESSAGE_FIELDS)
    assert item.id and item.changekey
    assert_fields(reread(other, item, "drafts"), MESSAGE_FIELDS)
    assert replica.pull() == [("create", MESSAGE_FIELDS["subject"])]


@pytest.mark.parametrize("name", sorted(OTHER_MESSAGE_FIELDS))
def test_update_one_field_of_a_message(account, other, name):
    item = draft(account, "before")
    replica = Replica(other.drafts)
    value = OTHER_MESSAGE_FIELDS[name]
    before = item.changekey
    setattr(item, name, value)
    item.save(update_fields=[name])
    assert (item.changekey != before) == (name != "is_read")
    again = reread(other, item, "drafts")
    assert_fields(again, {"subject": "before", name: value})
    if name == "is_read":
        assert replica.pull() == [("read_flag_change", value)]
    else:
        assert replica.pull() == [("update", again.subject)]


def test_update_all_fields_of_a_message_at_once(account, other):
    # The library changes recipients only of what it knows to be a draft.
    item = reread(account, draft(account, **MESSAGE_FIELDS), "drafts")
    for name, value in OTHER_MESSAGE_FIELDS.items():
        setattr(item, name, value)
    item.save()
    wanted = dict(OTHER_MESSAGE_FIELDS, message_id=MESSAGE_FIELDS["message_id"])  # never sent so
    assert_fields(reread(other, item, "drafts"), wanted)


@pytest.mark.parametrize(
    "name",
    [
        "categories",
        "in_reply_to",
        "references",
        "to_recipients",
        "cc_recipients",
        "bcc_recipients",
        "reply_to",
    ],
)
def test_remove_one_field_of_a_message(account, other, name):
    item = draft(account, **MESSAGE_FIELDS)
    replica = Replica(other.drafts)
    setattr(item, name, None)
    item.save(update_fields=[name])
    rest = dict(MESSAGE_FIELDS, **{name: None})
    assert_fields(reread(other, item, "drafts"), rest)
    assert replica.pull() == [("update", item.subject)]


def test_a_read_mark_on_delivered_mail(server, account, other, user):
    server.deliver(user, plain(1), plain(2))
    replica = Replica(other.inbox)
    item = account.inbox.get(subject="message 2")
    for is_read in (True, False, True):
        item.is_read = is_read
        item.save(update_fields=["is_read"])
        assert replica.pull() == [("read_flag_change", is_read)]


def test_mime_content_is_stored_as_it_is(account, other):
    mime = b"From: a@example.org\r\nSubject: raw\r\nX-Mine: 1\r\n\r\nexactly\r\n"
    item = Message(account=account, folder=account.inbox, mime_content=mime).save()
    again = reread(other, item, "inbox")
    assert (again.mime_content, again.subject) == (mime, "raw")


class Flag(ExtendedProperty):
    property_tag = 0x1090
    property_type = "Integer"


class Note(ExtendedProperty):
    distinguished_property_set_id = "PublicStrings"
    property_name = "note of ours"
    property_type = "String"


class Numbers(ExtendedProperty):
    property_set_id = "6f6f7b0c-7b5a-4c57-9f5e-0a1b2c3d4e5f"
    property_id = 34567
    property_type = "IntegerArray"


class Stamp(ExtendedProperty):
    property_set_id = "6f6f7b0c-7b5a-4c57-9f5e-0a1b2c3d4e5f"
    property_name = "stamp"
    property_type = "SystemTime"


class Bytes(ExtendedProperty):
    property_set_id = "6f6f7b0c-7b5a-4c57-9f5e-0a1b2c3d4e5f"
    property_name = "bytes"
    property_type = "Binary"


@pytest.fixture(name="extended")
def fixture_extended():
    values = {
        "x_flag": (Flag, 2),
        "x_note": (Note, "Grüße"),
        "x_numbers": (Numbers, [3, 1, 2]),
        "x_stamp": (Stamp, WHEN),
        "x_bytes": (Bytes, b"\x00\x01\xff"),
    }
    for name, (kind, _) in values.items():
        Message.register(name, kind)
    yield {name: value for name, (_, value) in values.items()}
    for name in values:
        Message.deregister(name)


def test_extended_properties(account, other, extended):
    item = draft(account, **extended)
    assert_fields(reread(other, item, "drafts"), extended)
    item.x_note, item.x_numbers, item.x_bytes = "changed", [7], None
    item.save(update_fields=["x_note", "x_numbers", "x_bytes"])
    changed = dict(extended, x_note="changed", x_numbers=[7], x_bytes=None)
    assert_fields(reread(other, item, "drafts"), changed)
    assert [i.id for i in other.drafts.filter(x_note="changed")] == [item.id]


def test_attachments_in_a_new_message(account, other):
    data = bytes(range(256)) * 40
    inner = Message(account=account, folder=account.drafts, subject="inner", body="deep")
    item = draft(
        account,
        body="see there",
        attachments=[
            FileAttachment(name="Zeugnis.bin", content=data),
            FileAttachment(name="p.png", content=b"123", is_inline=True, content_id="p@x"),
            ItemAttachment(name="letter", item=inner),
        ],
    )
    again = reread(other, item, "drafts")
    found = {a.name: a for a in again.attachments}
    assert set(found) == {"Zeugnis.bin", "p.png", "letter"}
    assert found["Zeugnis.bin"].content == data
    assert (found["p.png"].is_inline, found["p.png"].content_id) == (True, "p@x")
    assert found["letter"].item.subject == "inner"
    assert again.has_attachments


def test_attach_and_detach(account, other):
    item = draft(account, "growing")
    replica = Replica(other.drafts)
    first, second = (FileAttachment(name=f"{n}.bin", content=b"data %d" % n) for n in (1, 2))
    item.attach(first)
    assert replica.pull() == [("update", "growing")]
    item.attach([second, ItemAttachment(name="in", item=Message(subject="inner", account=account))])
    again = reread(other, item, "drafts")
    assert {a.name for a in again.attachments} == {"1.bin", "2.bin", "in"}
    assert next(a for a in again.attachments if a.name == "2.bin").content == b"data 2"
    replica.pull()
    item.detach(first)
    assert replica.pull() == [("update", "growing")]
    again = reread(other, item, "drafts")
    assert {a.name for a in again.attachments} == {"2.bin", "in"}
    item.subject = "with the new key"
    item.save(update_fields=["subject"])


# ---- moving, copying, deleting


def test_move(account, other):
    item = draft(account, "moved")
    left, entered, old = Replica(other.drafts), Replica(other.inbox), item.id
    item.move(account.inbox)
    assert item.id != old
    assert (left.pull(), entered.pull()) == ([("delete", "moved")], [("create", "moved")])
    assert isinstance(next(iter(other.fetch([(old, None)]))), ErrorItemNotFound)
    assert reread(other, item, "inbox").parent_folder_id.id == account.inbox.id


def test_copy(account, other):
    item = draft(account, "copied", **{k: v for k, v in MESSAGE_FIELDS.items() if k != "subject"})
    left, entered = Replica(other.drafts), Replica(other.inbox)
    identity, _ = item.copy(account.inbox)
    assert identity != item.id
    assert (left.pull(), entered.pull()) == ([], [("create", "copied")])
    assert_fields(other.inbox.get(subject="copied"), dict(MESSAGE_FIELDS, subject="copied"))


@pytest.mark.parametrize(
    "delete, target",
    [("delete", None), ("soft_delete", "recoverable_items_deletions"), ("move_to_trash", "trash")],
)
def test_delete(account, other, delete, target):
    item = draft(account, "deleted")
    kept = draft(account, "kept")
    replica = Replica(other.drafts)
    goal = Replica(getattr(other, target)) if target else None
    identity = item.id
    getattr(item, delete)()
    assert replica.pull() == [("delete", "deleted")]
    if goal:
        assert goal.pull() == [("create", "deleted")]
    assert isinstance(next(iter(other.fetch([(identity, None)]))), ErrorItemNotFound)
    assert [i.id for i in other.drafts.all()] == [kept.id]


def test_mark_as_junk(account, other):
    item = Message(account=account, folder=account.inbox, subject="bad").save()
    inbox, junk = Replica(other.inbox), Replica(other.junk)
    item.mark_as_junk(is_junk=True, move_item=True)
    assert (inbox.pull(), junk.pull()) == ([("delete", "bad")], [("create", "bad")])


# ---- sending


@pytest.fixture(name="friend")
def fixture_friend(server, new_user):
    account = login(server, new_user("friend"), auth_type="basic")
    yield account
    account.protocol.close()


def letter(account, friend, **fields):
    return Message(
        account=account,
        subject="a letter",
        body="Grüße",
        to_recipients=[Mailbox(email_address=friend.primary_smtp_address)],
        **fields,
    )


def assert_letter(item, sender):
    assert (item.subject, item.body.strip(), item.is_read) == ("a letter", "Grüße", False)
    assert item.author.email_address == sender.primary_smtp_address
    assert not item.is_draft


def test_send_without_a_copy(account, friend):
    letter(account, friend).send(save_copy=False)
    (got,) = arrived(friend.inbox)
    assert_letter(got, account)
    assert not account.sent.all().count() and not account.drafts.all().count()


def test_send_and_keep_a_copy(account, other, friend):
    sent, inbox = Replica(other.sent), Replica(friend.inbox)
    letter(account, friend, folder=account.sent).send_and_save()
    (got,) = arrived(friend.inbox)
    assert_letter(got, account)
    assert sent.pull() == [("create", "a letter")]
    assert inbox.pull() == [("create", "a letter")]
    (copy,) = other.sent.all()
    assert (copy.is_draft, copy.is_read, copy.message_id) == (False, True, got.message_id)


@pytest.mark.parametrize("save_copy", [True, False])
def test_send_a_draft(account, other, friend, save_copy):
    item = letter(
        account,
        friend,
        folder=account.drafts,
        attachments=[FileAttachment(name="a.bin", content=b"abc")],
    ).save()
    drafts, sent = Replica(other.drafts), Replica(other.sent)
    item.send(save_copy=save_copy)
    (got,) = arrived(friend.inbox)
    assert_letter(got, account)
    assert [a.content for a in got.attachments] == [b"abc"]
    assert drafts.pull() == [("delete", "a letter")]
    assert sent.pull() == ([("create", "a letter")] if save_copy else [])


class LastVerb(ExtendedProperty):
    """PidTagLastVerbExecuted"""

    property_tag = 0x1081
    property_type = "Integer"


@pytest.fixture(name="marked", scope="module")
def fixture_marked():
    Message.register("last_verb", LastVerb)
    yield
    Message.deregister("last_verb")


@pytest.mark.parametrize("how, verb", [("reply", 102), ("reply_all", 103), ("forward", 104)])
def test_answers(account, other, friend, marked, how, verb):
    item = letter(friend, account, attachments=[FileAttachment(name="a.bin", content=b"abc")])
    item.send(save_copy=False)
    (got,) = arrived(account.inbox)
    inbox = Replica(other.inbox)
    to = {"to_recipients": [Mailbox(email_address=friend.primary_smtp_address)]}
    getattr(got, how)(subject="an answer", body="so be it", **(to if how == "forward" else {}))
    (answer,) = arrived(friend.inbox)
    assert answer.subject == "an answer" and "so be it" in answer.body
    assert answer.conversation_id == got.conversation_id
    assert len(answer.attachments) == (1 if how == "forward" else 0)
    assert ("update", "a letter") in inbox.pull()
    assert other.inbox.get(id=got.id).last_verb == verb


def test_a_saved_reply(account, friend):
    letter(friend, account).send(save_copy=False)
    (got,) = arrived(account.inbox)
    saved = got.create_reply(subject="RE: a letter", body="later").save(account.drafts)
    (draft,) = account.drafts.all()
    assert draft.id == saved.id and draft.is_draft
    draft.send(save_copy=True)
    (answer,) = arrived(friend.inbox)
    assert answer.in_reply_to == got.message_id
    (copy,) = account.sent.all()
    assert copy.datetime_received == copy.datetime_sent >= draft.datetime_created


def test_send_to_oneself_and_blindly(account, friend):
    message = letter(account, account, bcc_recipients=[friend.primary_smtp_address])
    message.send(save_copy=False)
    (own,), (blind,) = arrived(account.inbox), arrived(friend.inbox)
    assert own.message_id == blind.message_id
    assert not own.bcc_recipients and not blind.bcc_recipients


# ---- many at once


def test_bulk_calls(account, other, friend):
    drafts, inbox, trash = Replica(other.drafts), Replica(other.inbox), Replica(other.trash)
    made = account.drafts.bulk_create(
        [
            Message(subject=f"bulk {n}", to_recipients=[friend.primary_smtp_address])
            for n in range(25)
        ],
        chunk_size=10,
    )
    items = list(account.fetch(made))
    assert [i.subject for i in items] == [f"bulk {n}" for n in range(25)]
    assert len(drafts.pull()) == 25
    for item in items[:10]:
        item.subject += " changed"
    account.bulk_update([(i, ["subject"]) for i in items[:10]], chunk_size=4)
    assert drafts.pull() == sorted(("update", f"bulk {n} changed") for n in range(10))
    assert len(account.bulk_copy(items[:5], account.inbox)) == 5
    assert [kind for kind, _ in inbox.pull()] == ["create"] * 5
    moved = account.bulk_move(items[5:10], account.inbox, chunk_size=2)
    assert len(set(moved)) == 5
    assert (len(drafts.pull()), len(inbox.pull())) == (5, 5)
    account.bulk_send(items[10:15], save_copy=False)
    assert len(arrived(friend.inbox, 5)) == 5
    account.bulk_delete(items[15:20], delete_type=MOVE_TO_DELETED_ITEMS)
    assert len(trash.pull()) == 5
    account.bulk_delete(items[20:25], delete_type=HARD_DELETE)
    assert len(drafts.pull()) == 15
    account.bulk_delete(moved, delete_type=SOFT_DELETE)
    assert len(inbox.pull()) == 5


def test_a_bulk_call_with_one_that_is_gone(account):
    items = [draft(account, str(n)) for n in range(3)]
    account.bulk_delete(items[1:2])
    results = list(account.bulk_delete(items))
    assert [r is True for r in results] == [True, False, True]
    assert isinstance(results[1], ErrorItemNotFound)


# ---- folders


def test_folders(account, other):
    tree = Tree(other)
    top = account.msg_folder_root
    projects = Folder(parent=top, name="Projects").save()
    inner = Folder(parent=projects, name="2026 Ä").save()
    assert tree.pull() == [("create", "2026 Ä"), ("create", "Projects")]
    projects.name = "Work"
    projects.save(update_fields=["name"])
    assert tree.pull() == [("update", "Work")]
    identity = inner.id
    inner.move(account.inbox)
    assert (inner.id, inner.parent_folder_id.id) == (identity, account.inbox.id)
    assert tree.pull() == [("update", "2026 Ä")]
    with pytest.raises(ErrorFolderExists):
        Folder(parent=top, name="wORK").save()
    with pytest.raises(ErrorDeleteDistinguishedFolder):
        account.inbox.delete()
    inner.delete(delete_type=HARD_DELETE)
    assert tree.pull() == [("delete", "2026 Ä")]
    projects.delete(delete_type=MOVE_TO_DELETED_ITEMS)
    assert tree.pull() == [("update", "Work")]


@pytest.mark.parametrize("delete_type", [HARD_DELETE, SOFT_DELETE, MOVE_TO_DELETED_ITEMS])
def test_empty_a_folder(account, other, delete_type):
    folder = Folder(parent=account.inbox, name="full").save()
    Folder(parent=folder, name="below").save()
    folder.bulk_create([Message(subject=str(n)) for n in range(5)])
    seen = Replica((other.inbox / "full"))
    trash, tree = Replica(other.trash), Tree(other)
    folder.empty(delete_type=delete_type)
    assert [kind for kind, _ in seen.pull()] == ["delete"] * 5
    assert len(trash.pull()) == (5 if delete_type == MOVE_TO_DELETED_ITEMS else 0)
    assert ("delete", "below") not in tree.pull()
    folder.empty(delete_type=HARD_DELETE, delete_sub_folders=True)
    assert tree.pull() == [("delete", "below")]


@pytest.mark.parametrize("kind", ["Calendar", "Contacts", "Tasks"])
def test_folders_of_every_class(account, other, kind):
    made = getattr(exchangelib.folders, kind)(
        parent=account.msg_folder_root, name=f"my {kind}"
    ).save()
    found = {f.id: f for f in other.msg_folder_root.walk()}[made.id]
    assert (type(found), found.folder_class) == (type(made), made.CONTAINER_CLASS)


# ---- calendars


def at(hour, day=4, month=5):
    return EWSDateTime(2027, month, day, hour, 0, tzinfo=BERLIN)


def appointment(account, **fields):
    fields = {"subject": "Review", "start": at(10), "end": at(11), **fields}
    return CalendarItem(account=account, folder=account.calendar, **fields)


CALENDAR_FIELDS = {
    "subject": "Jour fixe",
    "start": at(14),
    "end": at(15),
    "body": Body("bring cake"),
    "sensitivity": "Private",
    "importance": "High",
    "categories": ["Work"],
    "legacy_free_busy_status": "OOF",
    "location": "Saal 2 / Köln",
    "reminder_is_set": True,
    "reminder_minutes_before_start": 45,
    "is_response_requested": True,
    "required_attendees": [exchangelib.Attendee(mailbox=Mailbox(email_address="a@example.org"))],
    "optional_attendees": [exchangelib.Attendee(mailbox=Mailbox(email_address="b@example.org"))],
    "resources": [exchangelib.Attendee(mailbox=Mailbox(email_address="room@example.org"))],
    "allow_new_time_proposal": True,
    "meeting_workspace_url": "http://example.org/w",
    "net_show_url": "http://example.org/n",
}


PEOPLE = ["required_attendees", "optional_attendees", "resources"]


def test_create_an_appointment_with_every_field(account, other):
    replica = Replica(other.calendar)
    item = appointment(account, **CALENDAR_FIELDS).save()
    assert_fields(reread(other, item, "calendar"), CALENDAR_FIELDS)
    assert replica.pull() == [("create", "Jour fixe")]


@pytest.mark.parametrize("name", sorted(set(CALENDAR_FIELDS) - {"start", "end"}))
def test_update_one_field_of_an_appointment(account, other, name):
    item = appointment(account).save()
    replica = Replica(other.calendar)
    value = CALENDAR_FIELDS[name]
    value = (
        False if value is True and name != "reminder_is_set" else value
    )  # those are true unless told
    setattr(item, name, value)
    item.save(update_fields=[name])
    again = reread(other, item, "calendar")
    assert_fields(again, {"start": at(10), "end": at(11), name: value})
    assert replica.pull() == [("update", again.subject)]


def test_put_an_appointment_off(account, other):
    item = appointment(account).save()
    item.start, item.end = at(16, 7), at(18, 7)
    item.save(update_fields=["start", "end"])
    assert_fields(reread(other, item, "calendar"), {"start": at(16, 7), "end": at(18, 7)})
    assert [i.subject for i in other.calendar.view(start=at(0, 7), end=at(23, 7))] == ["Review"]
    assert not list(other.calendar.view(start=at(0), end=at(23)))


def test_an_all_day_event(account, other):
    day = EWSDate(2027, 5, 4)
    item = appointment(account, start=day, end=day, is_all_day=True).save()
    assert_fields(reread(other, item, "calendar"), {"start": day, "end": day, "is_all_day": True})


START = EWSDate(2027, 5, 3)  # a Monday


@pytest.mark.parametrize(
    "pattern, dates",
    [
        (DailyPattern(interval=2), [(5, 3), (5, 5), (5, 7)]),
        (WeeklyPattern(interval=1, weekdays=[MONDAY, THURSDAY]), [(5, 3), (5, 6), (5, 10)]),
        (AbsoluteMonthlyPattern(interval=1, day_of_month=3), [(5, 3), (6, 3), (7, 3)]),
        (
            RelativeMonthlyPattern(interval=1, weekday=MONDAY, week_number=1),
            [(5, 3), (6, 7), (7, 5)],
        ),
        (AbsoluteYearlyPattern(day_of_month=3, month=5), [(5, 3)]),
        (RelativeYearlyPattern(weekday=MONDAY, week_number=1, month=5), [(5, 3)]),
    ],
    ids=lambda v: type(v).__name__ if not isinstance(v, list) else None,
)
def test_recurrence_patterns(account, other, pattern, dates):
    for range_ in ({"number": 3}, {"end": EWSDate(2029, 12, 30)}, {}):
        recurrence = Recurrence(pattern=pattern, start=START, **range_)
        item = appointment(account, start=at(10, 3), end=at(11, 3), recurrence=recurrence).save()
        again = reread(other, item, "calendar")
        assert again.type == "RecurringMaster"
        assert again.recurrence.pattern == pattern
        assert again.recurrence.boundary == recurrence.boundary
        seen = list(other.calendar.view(start=at(0, 1), end=EWSDateTime(2028, 4, 1, tzinfo=BERLIN)))
        days = [(i.start.astimezone(BERLIN).month, i.start.astimezone(BERLIN).day) for i in seen]
        assert days[: len(dates)] == dates
        if "number" in range_:
            assert len(days) == len(dates)
        item.delete()


@pytest.fixture(name="weekly")
def fixture_weekly(account):
    return appointment(
        account,
        subject="weekly",
        start=at(10, 3),
        end=at(11, 3),
        recurrence=Recurrence(
            pattern=WeeklyPattern(interval=1, weekdays=[MONDAY]), start=START, number=4
        ),
    ).save()


def month(account):
    return {
        i.start.astimezone(BERLIN).day: i.subject
        for i in account.calendar.view(start=at(0, 1), end=at(23, 31))
    }


def test_a_series_is_one_item_of_a_sync(weekly, other):
    assert weekly.id
    assert set(Replica(other.calendar).items) == {weekly.id}
    assert month(other) == {3: "weekly", 10: "weekly", 17: "weekly", 24: "weekly"}


def test_change_one_occurrence(account, other, weekly):
    replica = Replica(other.calendar)
    second = weekly.occurrence(index=2).refresh()
    second.subject, second.start, second.end = "special", at(14, 11), at(15, 11)
    second.location = "elsewhere"
    second.save(update_fields=["subject", "start", "end", "location"])
    assert replica.pull() == [("update", "weekly")]
    assert month(other) == {3: "weekly", 11: "special", 17: "weekly", 24: "weekly"}
    master = reread(other, weekly, "calendar")
    (modified,) = master.modified_occurrences
    assert (modified.start, modified.original_start) == (at(14, 11), at(10, 10))
    seen = next(i for i in other.calendar.view(start=at(0, 11), end=at(23, 11)))
    assert (seen.type, seen.location) == ("Exception", "elsewhere")
    assert seen.recurring_master().refresh().subject == "weekly"


def nth(other, weekly, index):
    """The occurrence as somebody else sees it."""
    return reread(other, weekly, "calendar").occurrence(index=index).refresh()


@pytest.mark.parametrize("name", sorted(set(CALENDAR_FIELDS) - {"start", "end"}))
def test_update_one_field_of_one_occurrence(other, weekly, name):
    replica = Replica(other.calendar)
    before = getattr(nth(other, weekly, 3), name)
    value = CALENDAR_FIELDS[name]
    value = (
        False if value is True and name != "reminder_is_set" else value
    )  # those are true unless told
    second = weekly.occurrence(index=2).refresh()
    setattr(second, name, value)
    second.save(update_fields=[name])
    assert_fields(nth(other, weekly, 2), {"start": at(10, 10), "end": at(11, 10), name: value})
    assert nth(other, weekly, 2).type == "Exception"
    assert_fields(nth(other, weekly, 3), {"type": "Occurrence", name: before})
    assert replica.pull() == [("update", "weekly")]


def test_update_every_field_of_one_occurrence(other, weekly):
    second = weekly.occurrence(index=2).refresh()
    values = {**CALENDAR_FIELDS, "start": at(14, 10), "end": at(15, 10)}
    for name, value in values.items():
        setattr(second, name, value)
    second.save(update_fields=list(values))
    assert_fields(nth(other, weekly, 2), values)
    (seen,) = other.calendar.view(start=at(0, 10), end=at(23, 10))
    assert_fields(seen, {n: v for n, v in values.items() if n not in PEOPLE})
    assert b"SUMMARY:Jour fixe" in seen.mime_content
    (master,) = [i for i in other.calendar.all() if i.type == "RecurringMaster"]
    assert (master.subject, master.categories, master.importance) == ("weekly", None, "Normal")


def test_clear_what_one_occurrence_has_of_its_series(account, other):
    pattern = WeeklyPattern(interval=1, weekdays=[MONDAY])
    fields = {**CALENDAR_FIELDS, "start": at(10, 3), "end": at(11, 3)}
    recurrence = Recurrence(pattern=pattern, start=START, number=4)
    series = appointment(account, **fields, recurrence=recurrence).save()
    names = ["categories", "location", *PEOPLE, "net_show_url", "meeting_workspace_url"]
    second = series.occurrence(index=2).refresh()
    for name in names:
        setattr(second, name, None)
    second.save(update_fields=names)
    assert_fields(nth(other, series, 2), {name: None for name in names})
    kept = {n: v for n, v in fields.items() if n not in ("start", "end")}
    assert_fields(nth(other, series, 3), kept)


class Colour(ExtendedProperty):
    property_set_id = "c11ff724-aa03-4555-9952-8fa248a11c3e"
    property_name = "colour"
    property_type = "String"


def test_an_extended_property_of_one_occurrence(other, weekly):
    CalendarItem.register("colour", Colour)
    try:
        second = weekly.occurrence(index=2).refresh()
        second.colour = "blue"
        second.save(update_fields=["colour"])
        assert nth(other, weekly, 2).colour == "blue"
        assert nth(other, weekly, 3).colour is None
        second = weekly.occurrence(index=2).refresh()
        second.colour = None
        second.save(update_fields=["colour"])
        assert nth(other, weekly, 2).colour is None
    finally:
        CalendarItem.deregister("colour")


def test_one_occurrence_lasts_all_day(other, weekly):
    day = EWSDate(2027, 5, 10)
    second = weekly.occurrence(index=2).refresh()
    second.is_all_day, second.start, second.end = True, day, day
    second.save(update_fields=["is_all_day", "start", "end"])
    assert_fields(nth(other, weekly, 2), {"is_all_day": True, "start": day, "end": day})
    assert_fields(nth(other, weekly, 3), {"is_all_day": False, "start": at(10, 17)})


def test_a_series_that_is_put_off_keeps_its_exceptions(account, other, weekly):
    second = weekly.occurrence(index=2).refresh()
    second.subject = "special"
    second.save(update_fields=["subject"])
    weekly.occurrence(index=3).delete()
    series = reread(account, weekly, "calendar")
    series.start, series.end = at(16, 3), at(17, 3)
    series.save(update_fields=["start", "end"])
    assert month(other) == {3: "weekly", 10: "special", 24: "weekly"}
    assert_fields(nth(other, weekly, 2), {"start": at(16, 10), "end": at(17, 10)})


def test_what_is_at_the_same_time(account, other, weekly):
    item = appointment(account, subject="lunch", start=at(10, 10), end=at(12, 10)).save()
    appointment(account, subject="after", start=at(12, 10), end=at(13, 10)).save()
    again = reread(other, item, "calendar")
    assert (again.conflicting_meeting_count, again.adjacent_meeting_count) == (1, 1)
    assert [i.subject for i in again.conflicting_meetings] == ["weekly"]
    assert [i.subject for i in again.adjacent_meetings] == ["after"]
    assert nth(other, weekly, 2).conflicting_meeting_count == 1
    assert nth(other, weekly, 3).conflicting_meeting_count == 0


def test_delete_one_occurrence(account, other, weekly):
    replica = Replica(other.calendar)
    weekly.occurrence(index=3).delete()
    assert replica.pull() == [("update", "weekly")]
    assert month(other) == {3: "weekly", 10: "weekly", 24: "weekly"}
    (deleted,) = reread(other, weekly, "calendar").deleted_occurrences
    assert deleted.start == at(10, 17)
    with pytest.raises(exchangelib.errors.ErrorCalendarOccurrenceIsDeletedFromRecurrence):
        account.calendar.get(subject="weekly").occurrence(index=3).refresh()


def test_delete_a_series(other, weekly):
    replica = Replica(other.calendar)
    weekly.delete()
    assert replica.pull() == [("delete", "weekly")]
    assert not month(other)


def test_end_a_series_earlier(other, weekly):
    replica = Replica(other.calendar)
    weekly.recurrence = Recurrence(
        pattern=WeeklyPattern(interval=1, weekdays=[MONDAY]), start=START, number=2
    )
    weekly.save(update_fields=["recurrence"])
    assert replica.pull() == [("update", "weekly")]
    assert month(other) == {3: "weekly", 10: "weekly"}


# ---- contacts

ADDRESS = {
    "street": "Am Markt 1",
    "city": "Köln",
    "state": "NRW",
    "country": "DE",
    "zipcode": "50667",
}
CONTACT_FIELDS = {
    "file_as": "Muster, Eva",
    "display_name": "Eva Muster",
    "given_name": "Eva",
    "initials": "E.M.",
    "middle_name": "Maria",
    "nickname": "Evi",
    "company_name": "ACME & Söhne",
    "email_addresses": [
        EmailAddress(label="EmailAddress1", email="eva@example.org"),
        EmailAddress(label="EmailAddress2", email="muster@example.org"),
    ],
    "physical_addresses": [
        PhysicalAddress(label="Home", **ADDRESS),
        PhysicalAddress(label="Business", **dict(ADDRESS, city="Bonn")),
    ],
    "phone_numbers": [
        PhoneNumber(label="MobilePhone", phone_number="+49 170 1"),
        PhoneNumber(label="BusinessFax", phone_number="+49 221 2"),
    ],
    "assistant_name": "Anton",
    "birthday": EWSDate(1980, 2, 29),
    "business_homepage": "http://example.org/",
    "children": ["Uli", "Ida"],
    "companies": ["ACME", "Other"],
    "department": "R&D",
    "generation": "Jr.",
    "job_title": "Boss",
    "manager": "Nobody",
    "mileage": "12",
    "office": "3.14",
    "postal_address_index": "Home",
    "profession": "Smith",
    "spouse_name": "Otto",
    "surname": "Muster",
    "wedding_anniversary": EWSDate(2005, 6, 7),
    "body": Body("notes on Eva"),
    "categories": ["Friends"],
}


def test_create_a_contact_with_every_field(account, other):
    replica = Replica(other.contacts)
    item = Contact(account=account, folder=account.contacts, **CONTACT_FIELDS).save()
    assert_fields(reread(other, item, "contacts"), CONTACT_FIELDS)
    ((kind, _),) = replica.pull()
    assert kind == "create"


@pytest.mark.parametrize("name", sorted(set(CONTACT_FIELDS) - {"display_name"}))
def test_update_and_remove_one_field_of_a_contact(account, other, name):
    item = Contact(account=account, folder=account.contacts, display_name="somebody").save()
    replica = Replica(other.contacts)
    setattr(item, name, CONTACT_FIELDS[name])
    item.save(update_fields=[name])
    again = reread(other, item, "contacts")
    assert_fields(again, {"display_name": "somebody", name: CONTACT_FIELDS[name]})
    assert [kind for kind, _ in replica.pull()] == ["update"]
    if name in ("body", "file_as", "postal_address_index"):
        return
    setattr(item, name, None)
    item.save(update_fields=[name])
    assert not getattr(reread(other, item, "contacts"), name)
    assert [kind for kind, _ in replica.pull()] == ["update"]


def test_a_distribution_list(account, other):
    replica = Replica(other.contacts)

    def member(address):
        return Member(
            mailbox=Mailbox(name=address[0].upper(), email_address=address, mailbox_type="OneOff")
        )

    item = DistributionList(
        account=account,
        folder=account.contacts,
        display_name="team",
        members=[member("a@example.org"), member("b@example.org")],
    ).save()
    again = reread(other, item, "contacts")
    assert_fields(again, {"display_name": "team", "members": item.members})
    assert [kind for kind, _ in replica.pull()] == ["create"]
    again.members = [member("b@example.org"), member("c@example.org"), member("d@example.org")]
    again.display_name = "new team"
    again.save(update_fields=["members", "display_name"])
    assert_fields(
        reread(other, again, "contacts"), {"display_name": "new team", "members": again.members}
    )
    assert [kind for kind, _ in replica.pull()] == ["update"]
    again.delete()
    assert [kind for kind, _ in replica.pull()] == ["delete"]


# ---- tasks

TASK_FIELDS = {
    "subject": "Steuer",
    "actual_work": 90,
    "billing_information": "on me",
    "companies": ["ACME"],
    "contacts": ["Eva"],
    "due_date": EWSDate(2027, 5, 31),
    "mileage": "7 km",
    "percent_complete": decimal.Decimal(40),
    "start_date": EWSDate(2027, 5, 3),
    "status": "InProgress",
    "total_work": 600,
    "body": Body("do it"),
    "importance": "High",
    "sensitivity": "Personal",
    "categories": ["Home"],
    "reminder_is_set": True,
    "reminder_due_by": WHEN,
}


def test_create_a_task_with_every_field(account, other):
    replica = Replica(other.tasks)
    item = Task(account=account, folder=account.tasks, **TASK_FIELDS).save()
    assert_fields(reread(other, item, "tasks"), TASK_FIELDS)
    assert replica.pull() == [("create", "Steuer")]


@pytest.mark.parametrize("name", sorted(TASK_FIELDS))
def test_update_one_field_of_a_task(account, other, name):
    item = Task(account=account, folder=account.tasks, subject="task").save()
    replica = Replica(other.tasks)
    setattr(item, name, TASK_FIELDS[name])
    item.save(update_fields=[name])
    again = reread(other, item, "tasks")
    assert_fields(again, {name: TASK_FIELDS[name]})
    assert replica.pull() == [("update", again.subject)]


def test_complete_and_delete_a_task(account, other):
    item = Task(account=account, folder=account.tasks, subject="task").save()
    replica = Replica(other.tasks)
    item.complete()
    again = reread(other, item, "tasks")
    assert (again.status, again.percent_complete, again.is_complete) == ("Completed", 100, True)
    assert again.complete_date.date() <= datetime.date(2100, 1, 1)
    assert replica.pull() == [("update", "task")]
    item.delete(affected_task_occurrences="AllOccurrences")
    assert replica.pull() == [("delete", "task")]


def test_a_recurring_task(account, other):
    recurrence = TaskRecurrence(pattern=DailyPattern(interval=3), start=START, number=4)
    item = Task(
        account=account,
        folder=account.tasks,
        subject="again",
        start_date=START,
        due_date=START,
        recurrence=recurrence,
    ).save()
    again = reread(other, item, "tasks")
    assert again.is_recurring
    assert (again.recurrence.pattern, again.recurrence.boundary) == (
        recurrence.pattern,
        recurrence.boundary,
    )
