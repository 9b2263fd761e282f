"""Subscriptions of all three kinds from outside: framing, events action by action, who may, how they end, and what outlives a restart."""
import socket
import struct
import threading

import pytest

import ewer
from mails import meeting, plain
from notifications import (
    ALL_TYPES,
    Listener,
    Stream,
    events_of,
    get_events,
    get_streaming_events,
    result,
    subscribe,
    subscribe_pull,
    subscribe_push,
    unsubscribe,
)
from soap import NS, item_id, local
from writing import (
    QUIET,
    appointment,
    create_folder,
    create_item,
    delete_folder,
    delete_item,
    empty_folder,
    folder_element,
    message,
    ref,
    rename,
    send_item,
    set_field,
    subject,
    to,
    transfer,
    transfer_folder,
    update_folder,
    update_item,
)


def subscribed(client, request):
    """(SubscriptionId, Watermark) of a Subscribe that must succeed."""
    answer = client.call(request)
    assert answer.code == "NoError", answer.text
    return answer.value("m:SubscriptionId"), answer.value("m:Watermark")


def error(answer):
    """The code of an answer's only message, which is an error of the usual form."""
    only = answer.messages[0]
    assert only.get("ResponseClass") == "Error"
    names = [local(e) for e in only]
    assert names[:3] == ["MessageText", "ResponseCode", "DescriptiveLinkKey"], names
    return answer.code


class Puller:
    """A pull subscription and where it stands."""

    def __init__(self, client, request=None, **options):
        self.client = client
        self.id, self.watermark = subscribed(client, request or subscribe_pull(**options))

    def page(self):
        answer = self.client.call(get_events(self.id, self.watermark))
        assert answer.code == "NoError", answer.text
        notification = answer.find("m:Notification")
        assert notification.findtext("t:SubscriptionId", namespaces=NS) == self.id
        assert notification.findtext("t:PreviousWatermark", namespaces=NS) == self.watermark
        events = events_of(notification)
        assert events and all(e.watermark for e in events)
        self.watermark = events[-1].watermark
        more = notification.findtext("t:MoreEvents", namespaces=NS)
        return [e for e in events if e.type != "StatusEvent"], more == "true"

    def events(self):
        found, more = [], True
        while more:
            events, more = self.page()
            assert len(events) <= 50
            found += events
        return found

    def told(self):
        return [e.what for e in self.events()]


@pytest.fixture(name="inbox")
def fixture_inbox(client):
    return client.folder_id("inbox")


# ---- Subscribe


def test_what_subscribe_answers(client):
    for kind, request in (
        ("Streaming", subscribe("Streaming")),
        ("Pull", subscribe_pull()),
        ("Pull", subscribe_pull(everything=True)),
    ):
        names = [local(e) for e in client.call(request).messages[0]]
        watermark = [] if kind == "Streaming" else ["Watermark"]
        assert names == ["ResponseCode", "SubscriptionId"] + watermark


@pytest.mark.parametrize(
    "request_",
    [
        subscribe("Streaming", types=["StatusEvent"]),
        subscribe("Streaming", types=["Nonsense"]),
        subscribe("Streaming", types=[]),
        subscribe_pull(minutes=0),
        subscribe_pull(minutes=1441),
        subscribe("Pull"),
        subscribe_push("http://127.0.0.1:1/", minutes=0),
        subscribe("Push", last="<t:StatusFrequency>5</t:StatusFrequency>"),
        "<m:Subscribe/>",
    ],
)
def test_subscribe_keeps_to_the_schema(client, request_):
    assert client.fault(request_).fault_code == "ErrorSchemaValidation"


def test_what_subscribe_refuses(server, client, new_user):
    other = new_user("other")
    with server.soap(other) as theirs:
        foreign = theirs.folder_id("inbox")
        mark = subscribed(theirs, subscribe_pull())[1]
    gone = client.call(create_folder("inbox", folder_element("gone"))).find("t:FolderId").get("Id")
    assert client.call(delete_folder(gone)).code == "NoError"
    for request, expected in (
        (subscribe_pull(folders=()), "ErrorInvalidSubscriptionRequest"),
        (
            subscribe_pull().replace("<m:PullSubscriptionRequest>", '<m:PullSubscriptionRequest SubscribeToAllFolders="true">'),
            "ErrorInvalidSubscriptionRequest",
        ),
        (subscribe_pull(folders=[gone]), "ErrorFolderNotFound"),
        (subscribe_pull(folders=[foreign]), "ErrorSubscriptionDelegateAccessNotSupported"),
        (subscribe_pull(watermark="AAAA"), "ErrorInvalidWatermark"),
        (subscribe_pull(watermark=mark), "ErrorInvalidWatermark"),
        (subscribe_push("http://127.0.0.1:1/"), "ErrorInvalidPushSubscriptionUrl"),
        (subscribe_push("ftp://example.com/"), "ErrorInvalidPushSubscriptionUrl"),
    ):
        assert error(client.call(request)) == expected, request


def test_ids_are_bound_to_who_subscribed(server, client, new_user):
    pull, mark = subscribed(client, subscribe_pull())
    stream, _ = subscribed(client, subscribe("Streaming"))
    with server.soap(new_user("other")) as other:
        assert error(other.call(get_events(pull, mark))) == "ErrorSubscriptionAccessDenied"
        assert error(other.call(unsubscribe(stream))) == "ErrorSubscriptionAccessDenied"
        with Stream(server, other, stream) as theirs:
            refused = theirs.document()
            assert (refused.code, refused.status) == ("ErrorInvalidSubscription", "Closed")
            assert refused.error_ids == [stream]


# ---- the events, action by action (all on the inbox unless said)


def draft(client, folder="drafts", more=""):
    return item_id(client.call(create_item(message("a draft", more), folder)).find("t:Message"))


def subfolder(client, name="child", parent="inbox"):
    return client.call(create_folder(parent, folder_element(name))).find("t:FolderId").get("Id")


MAIL = ["item NewMail", "item Created", "folder Modified"]


def test_events_of_new_mail(server, client, user, inbox):
    puller = Puller(client)
    server.deliver(user, plain(1), meeting())
    events = puller.events()
    assert [e.what for e in events] == MAIL * 2
    assert all(e.parent == inbox for e in events if not e.is_folder)
    assert [e.id for e in events if e.is_folder] == [inbox] * 2
    assert {e.unread for e in events if e.is_folder} == {"2"}
    assert events[0].id == events[1].id == client.items()[1]


def test_events_of_folders(client, inbox):
    target = subfolder(client, "target", "msgfolderroot")
    puller = Puller(client)
    child = subfolder(client)
    assert puller.told() == ["folder Created", "folder Modified"]
    assert client.call(update_folder(f'<t:FolderId Id="{child}"/>', rename("renamed"))).codes == ["NoError"]
    assert puller.told() == ["folder Modified", "folder Modified"]
    client.call(transfer_folder("MoveFolder", target, child))
    events = puller.events()
    assert sorted(e.what for e in events) == ["folder Modified", "folder Moved"]
    moved = next(e for e in events if e.type == "MovedEvent")
    assert (moved.id, moved.old_id, moved.old_parent, moved.parent) == (child, child, inbox, target)
    client.call(transfer_folder("CopyFolder", "inbox", target))
    assert [w for w in puller.told() if w.startswith("folder")][:3] == ["folder Copied", "folder Created", "folder Modified"]
    other = subfolder(client, "other")
    puller.events()
    client.call(delete_folder(other, how="MoveToDeletedItems"))
    assert sorted(puller.told()) == ["folder Modified", "folder Moved"]


def test_events_of_reading_and_moving(server, client, user, inbox):
    server.deliver(user, plain(1))
    child = subfolder(client)
    (item,) = client.items()
    puller = Puller(client)
    client.call(update_item(ref(item), set_field("message:IsRead", "<t:IsRead>true</t:IsRead>"), "AlwaysOverwrite"))
    assert puller.told() == ["item Modified", "folder Modified"]
    moved = item_id(client.call(transfer("MoveItem", child, item)).find("t:Message"))
    events = puller.events()
    assert [e.what for e in events if not e.is_folder] == ["item Modified", "item Moved"]
    assert {e.id for e in events if e.is_folder} == {inbox, child}
    event = next(e for e in events if e.type == "MovedEvent")
    assert (event.id, event.old_id, event.parent, event.old_parent) == (moved, item, child, inbox)


def test_events_of_a_draft_that_is_sent(client, user):
    puller = Puller(client, folders=("drafts",))
    item = client.call(create_item(message("a draft", to(user)))).find("t:ItemId")
    answer = client.call(update_item(ref(item.get("Id")), subject("better"), "AlwaysOverwrite"))
    item = answer.find("t:ItemId")
    assert client.call(send_item(ref(item.get("Id"), item.get("ChangeKey")))).code == "NoError"
    told = [w for w in puller.told() if w.startswith("item")]
    assert told[:2] == ["item Created", "item Modified"] and told[-1] == "item Moved"


def test_events_of_copies_and_deletions(server, client, user, inbox):
    server.deliver(user, *(plain(i) for i in range(4)))
    items = client.items()
    puller = Puller(client)
    client.call(transfer("CopyItem", "inbox", items[0]))
    assert puller.told() == ["item Copied", "item Created", "folder Modified"]
    client.call(delete_item(items[0]))
    assert puller.told() == ["item Deleted", "folder Modified"]
    client.call(delete_item(items[1], how="SoftDelete"))
    events = puller.events()
    assert [e.what for e in events] == ["item Moved", "folder Modified"]
    assert events[0].old_id == items[1] and events[0].old_parent == inbox
    client.call(delete_item(items[2], how="MoveToDeletedItems"))
    assert puller.told() == ["item Moved", "folder Modified"]
    client.call(empty_folder("inbox"))
    assert puller.told() == ["item Deleted", "item Deleted", "folder Modified"]


def test_events_of_associated_items(client):
    puller = Puller(client)
    associated = message("hidden", "<t:IsAssociated>true</t:IsAssociated>")
    answer = client.call(create_item(associated, "inbox"))
    if answer.code != "NoError":
        pytest.skip("associated items are not made this way")
    item = item_id(answer.find("t:Message"))
    assert puller.told() == ["item Created"]
    client.call(delete_item(item))
    assert puller.told() == ["item Moved"]


def test_events_of_calendars(client):
    puller = Puller(client, folders=("calendar",))
    item = client.call(create_item(appointment(), None, QUIET)).find("t:ItemId")
    assert puller.told() == ["item Created", "item FreeBusyChanged", "folder Modified"]
    attributes = 'SendMeetingInvitationsOrCancellations="SendToNone" MessageDisposition="SaveOnly"'
    renamed = set_field("item:Subject", "<t:Subject>other</t:Subject>", "CalendarItem")
    client.call(update_item(ref(item.get("Id")), renamed, "AlwaysOverwrite", attributes))
    assert puller.told() == ["item Modified", "folder Modified"]
    away = "<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus>"
    changed = set_field("calendar:LegacyFreeBusyStatus", away, "CalendarItem")
    client.call(update_item(ref(item.get("Id")), changed, "AlwaysOverwrite", attributes))
    assert puller.told() == ["item Modified", "item FreeBusyChanged", "folder Modified"]
    client.call(delete_item(item.get("Id"), more='SendMeetingCancellations="SendToNone"'))
    assert puller.told() == ["item Deleted", "item FreeBusyChanged", "folder Modified"]


def test_marking_all_is_one_change_of_the_folder(server, client, user):
    server.deliver(user, *(plain(i) for i in range(3)))
    puller = Puller(client)
    client.call(
        "<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts>"
        '<m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:MarkAllItemsAsRead>'
    )
    assert puller.told() == ["item Modified"] * 3 + ["folder Modified"]


@pytest.mark.parametrize("kind", ALL_TYPES)
def test_only_what_was_asked_for(server, client, user, kind):
    puller = Puller(client, types=[kind])
    server.deliver(user, plain(1))
    (item,) = client.items()
    client.call(transfer("CopyItem", "inbox", item))
    client.call(delete_item(item))
    assert {e.type for e in puller.events()} <= {kind}


def test_other_folders_are_not_told(server, client, user):
    quiet = Puller(client, folders=("tasks",))
    everything = Puller(client, everything=True)
    server.deliver(user, plain(1))
    assert quiet.told() == []
    assert everything.told() == MAIL


# ---- pull


def test_many_events_come_in_pages_and_each_has_its_own_watermark(server, client, user):
    puller = Puller(client)
    start = puller.watermark
    server.deliver(user, *(plain(i) for i in range(40)))
    events = puller.events()
    assert [e.what for e in events] == MAIL * 40
    assert len({e.watermark for e in events}) == 120
    again = Puller(client)
    again.id, again.watermark = puller.id, start
    assert [(e.what, e.id, e.watermark) for e in again.events()] == [(e.what, e.id, e.watermark) for e in events]
    middle = Puller(client, watermark=events[59].watermark)
    assert [e.watermark for e in middle.events()] == [e.watermark for e in events[60:]]


def test_a_quiet_pull_gets_status_events(client):
    puller = Puller(client)
    for _ in range(3):
        answer = client.call(get_events(puller.id, puller.watermark))
        (event,) = events_of(answer.find("m:Notification"))
        assert event.type == "StatusEvent" and event.watermark


def test_what_get_events_refuses(client):
    pull, mark = subscribed(client, subscribe_pull())
    assert error(client.call(get_events(pull, "AAAA"))) == "ErrorInvalidWatermark"
    assert error(client.call(get_events("AAAA", mark))) == "ErrorSubscriptionNotFound"
    assert client.call(unsubscribe(pull)).code == "NoError"
    assert error(client.call(get_events(pull, mark))) == "ErrorSubscriptionNotFound"
    assert error(client.call(unsubscribe(pull))) == "ErrorSubscriptionNotFound"


# ---- streams


def test_a_stream_is_framed_as_clients_need_it(server, client, user):
    stream_id, _ = subscribed(client, subscribe("Streaming"))
    with Stream(server, client, stream_id) as stream:
        stream.opened()
        assert stream.head["status"] == "HTTP/1.1 200 OK"
        assert stream.head["transfer-encoding"] == "chunked"
        assert stream.head["content-type"] == "text/xml; charset=utf-8"
        assert "content-length" not in stream.head and "content-encoding" not in stream.head
        server.deliver(user, plain(1))
        document = stream.told()
        assert [e.what for e in document.events] == MAIL
        assert document.subscription == stream_id
        assert document.status is None
        assert all(e.watermark is None for e in document.events)


def test_two_subscriptions_of_one_stream_have_documents_of_their_own(server, client, user):
    first, _ = subscribed(client, subscribe("Streaming"))
    second, _ = subscribed(client, subscribe("Streaming", everything=True, types=["NewMailEvent"]))
    with Stream(server, client, first, second, first) as stream:
        stream.opened()
        server.deliver(user, plain(1))
        told = {}
        while len(told) < 2:
            document = stream.told()
            told[document.subscription] = [e.what for e in document.events]
        assert told == {first: MAIL, second: ["item NewMail"]}


def test_what_happened_before_the_stream_comes_first(server, client, user):
    stream_id, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
    server.deliver(user, plain(1), plain(2))
    with Stream(server, client, stream_id) as stream:
        assert len(stream.opened().events(lambda e: len(e) >= 2)) == 2


def test_documents_keep_their_distance(server, client, user):
    stream_id, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
    with Stream(server, client, stream_id) as stream:
        stream.opened()
        # Beside the reading: what waits to be read comes without any distance.
        deliverer = threading.Thread(target=server.deliver, args=(user, *(plain(i) for i in range(30))))
        deliverer.start()
        documents, n = [], 0
        while n < 30:
            documents.append(stream.told())
            n += len(documents[-1].events)
        deliverer.join()
    assert n == 30 and len(documents) < 30
    gaps = [b.at - a.at for a, b in zip(documents, documents[1:])]
    assert all(gap > 0.25 for gap in gaps), gaps


@pytest.mark.parametrize("reset", [False, True])
def test_what_was_written_into_a_dropped_connection_comes_again(server, client, user, reset):
    """As exchangelib does: it takes some notifications, drops the connection and opens the id again."""
    stream_id, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
    with Stream(server, client, stream_id) as stream:
        stream.opened()
        server.deliver(user, plain(1))
        first = [e.id for e in stream.told().events]
        if reset:
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.deliver(user, plain(2), plain(3))
    with Stream(server, client, stream_id) as stream:
        wanted = set(client.items())
        told = [e.id for e in stream.opened().events(lambda e: {x.id for x in e} >= wanted - set(first))]
        assert set(told) | set(first) == wanted
        assert len(told) <= 3


def test_who_takes_one_document_a_connection_gets_on(server, client, user):
    """As exchangelib does with max_notifications_returned=1."""
    stream_id, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
    server.deliver(user, *(plain(i) for i in range(60)))
    wanted, seen, turns = set(client.items()), set(), 0
    while seen != wanted:
        with Stream(server, client, stream_id) as stream:
            seen |= {e.id for e in stream.opened().told().events}
        turns += 1
        assert turns < 8, f"{len(seen)} of 60"


def test_a_newer_connection_takes_over(server, client, user):
    stream_id, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
    with Stream(server, client, stream_id) as old, Stream(server, client, stream_id) as new:
        old.opened()
        new.opened()
        *_, last = old.rest()
        assert (last.code, last.status) == ("ErrorNewEventStreamConnectionOpened", "Closed")
        assert last.error_ids in ([], [stream_id])
        server.deliver(user, plain(1))
        assert len(new.told().events) == 1


def test_bad_ids_end_the_request(server, client):
    good, _ = subscribed(client, subscribe("Streaming"))
    pull, _ = subscribed(client, subscribe_pull())
    gone, _ = subscribed(client, subscribe("Streaming"))
    assert client.call(unsubscribe(gone)).code == "NoError"
    answer = client.call(get_streaming_events(good, "AAAA", gone, pull), valid=False)
    assert answer.raw.startswith(b"<Envelope ")
    (only,) = answer.messages
    assert only.get("ResponseClass") == "Error" and answer.code == "ErrorInvalidSubscription"
    assert [e.text for e in only.find("m:ErrorSubscriptionIds", NS)] == ["AAAA", gone, pull]
    assert only.findtext("m:ConnectionStatus", namespaces=NS) == "Closed"


def test_an_unsubscribed_stream_hears_so(server, client):
    one, _ = subscribed(client, subscribe("Streaming"))
    two, _ = subscribed(client, subscribe("Streaming"))
    with Stream(server, client, one, two) as stream:
        stream.opened()
        assert client.call(unsubscribe(one)).code == "NoError"
        document = stream.document()
        assert (document.code, document.error_ids, document.status) == ("ErrorInvalidSubscription", [one], None)
        assert client.call(unsubscribe(two)).code == "NoError"
        *_, last = stream.rest()
        assert (last.error_ids, last.status) == ([two], "Closed")


@pytest.mark.parametrize("minutes", [0, 31, "x"])
def test_the_connection_timeout_is_bounded(client, minutes):
    stream_id, _ = subscribed(client, subscribe("Streaming"))
    assert client.fault(get_streaming_events(stream_id, minutes=minutes)).fault_code == "ErrorSchemaValidation"


def test_two_hundred_ids_and_no_more(server, client, user):
    ids = [subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))[0] for _ in range(200)]
    with Stream(server, client, *ids) as stream:
        stream.opened()
        server.deliver(user, plain(1))
        told = set()
        while len(told) < 200:
            told.add(stream.told().subscription)
        assert told == set(ids)
    assert client.fault(get_streaming_events(*ids, ids[0] + "A")).status == 500


def test_streams_of_a_user_are_counted(server, client):
    ids = [subscribed(client, subscribe("Streaming"))[0] for _ in range(11)]
    streams = [Stream(server, client, i).opened() for i in ids[:10]]
    with Stream(server, client, ids[10]) as refused:
        document = refused.document()
        assert (document.code, document.status) == ("ErrorExceededConnectionCount", "Closed")
    streams.pop().close()
    for stream in streams:
        stream.close()


def test_a_reader_that_does_not_read_costs_nobody_else(server, client, user):
    slow, _ = subscribed(client, subscribe("Streaming"))
    quick, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
    with Stream(server, client, slow, receive_bytes=4096), Stream(server, client, quick) as reader:
        reader.opened()
        server.deliver(user, *(plain(i) for i in range(300)))
        assert len(reader.events(lambda e: len(e) >= 300)) == 300


def test_subscriptions_of_a_mailbox_are_counted(store):
    config = store.parent / "ewer.conf"
    config.write_text("[limits]\nmax_subscriptions = 3\nmax_subscriptions ann@example.com = 4\n")
    with ewer.serving(store, ["ann@example.com", "ben@example.com"], ["--config", str(config)]) as server:
        for user, most in (("ann@example.com", 4), ("ben@example.com", 3)):
            with server.soap(user) as client:
                for _ in range(most):
                    subscribed(client, subscribe_pull())
                assert error(client.call(subscribe_pull())) == "ErrorExceededSubscriptionCount"


def test_a_deleted_users_streams_end_at_once(server):
    user = server.add_user("leaver@example.com")
    with server.soap(user) as client:
        ids = [subscribed(client, subscribe("Streaming"))[0] for _ in range(2)]
        with Stream(server, client, *ids) as stream:
            stream.opened()
            server.ctl("user", "delete", user)
            *_, last = stream.rest()
            assert (last.code, last.status) == ("ErrorInvalidSubscription", "Closed")
            assert sorted(last.error_ids) == sorted(ids)
        server.add_user(user)
        with Stream(server, client, *ids) as stream:
            assert stream.document().code == "ErrorInvalidSubscription", "the new one is another"


def test_a_changed_password_does_not_cut_streams_that_are_open(server):
    user = server.add_user("changer@example.com")
    with server.soap(user) as client:
        stream_id, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
        with Stream(server, client, stream_id) as stream:
            stream.opened()
            server.ctl("user", "passwd", user, "--password-stdin", stdin=b"another\n")
            server.deliver(user, plain(1))
            assert len(stream.told().events) == 1
        with Stream(server, client, stream_id) as stream:
            stream.read_head()
            assert " 401 " in stream.head["status"]


# ---- what outlives the server


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_subscriptions_outlive_the_server(store, end):
    user = "ann@example.com"
    with ewer.serving(store, [user]) as server:
        with server.soap(user) as client:
            stream_id, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
            puller = Puller(client, types=["NewMailEvent"])
            stream = Stream(server, client, stream_id).opened()
            server.deliver(user, plain(1))
            first = [e.id for e in stream.told().events]
            if end == "stop":
                ender = threading.Thread(target=server.stop)
                ender.start()
                *_, last = stream.rest()
                assert (last.code, last.status) == ("NoError", "Closed")
                ender.join()
            else:
                server.kill()
            stream.close()
        server.start()
        server.deliver(user, plain(2))
        with server.soap(user) as client:
            puller.client = client
            wanted = client.items()
            assert [e.id for e in puller.events()] == wanted[::-1]
            with Stream(server, client, stream_id) as again:
                told = [e.id for e in again.opened().events(lambda e: e and e[-1].id == wanted[0])]
            assert told in ([wanted[0]], wanted[::-1])
            if end == "stop":
                assert told == [wanted[0]], "an ended stream is not told twice"
            assert first == [wanted[1]]


# ---- push


@pytest.fixture(name="pushing", scope="module")
def fixture_pushing(tmp_path_factory):
    """A server that may push to loopback, and one user of it."""
    directory = tmp_path_factory.mktemp("pushing")
    config = directory / "ewer.conf"
    config.write_text("[push]\ntargets = loopback\n")
    with ewer.serving(directory / "store", [], ["--config", str(config)]) as server:
        yield server


@pytest.fixture(name="pushed")
def fixture_pushed(pushing, request):
    user = pushing.add_user(f"{abs(hash(request.node.name))}@example.com")
    with pushing.soap(user) as client:
        yield pushing, client, user


def test_push_tells_everything_once(pushed):
    server, client, user = pushed
    with Listener() as listener:
        push_id, mark = subscribed(client, subscribe_push(listener.url, caller_data="mine"))
        first = listener.next()
        assert first.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert first.headers["SOAPAction"].strip('"').endswith("/SendNotification")
        assert (first.subscription, first.previous, first.more) == (push_id, mark, "false")
        assert [e.type for e in first.events] == ["StatusEvent"]
        server.deliver(user, *(plain(i) for i in range(60)))
        events = listener.events(lambda e: len(e) >= 180)
        assert [e.what for e in events] == MAIL * 60
        assert len({e.watermark for e in events}) == 180
        puller = Puller(client, watermark=mark)
        assert [(e.what, e.watermark) for e in puller.events()] == [(e.what, e.watermark) for e in events]


def test_a_listener_may_end_it(pushed):
    server, client, user = pushed
    answers = iter(["OK", "Unsubscribe"])
    with Listener(lambda push: (200, {}, result(next(answers, "OK")))) as listener:
        subscribed(client, subscribe_push(listener.url))
        listener.next()
        server.deliver(user, plain(1))
        listener.next()
        server.deliver(user, plain(2))
        subscribed(client, subscribe_push(listener.url))
        assert [e.type for e in listener.next().events] == ["StatusEvent"], "the new one's first"


def test_listeners_that_hang_hold_up_nobody_elses(pushed):
    server, client, _ = pushed
    other = server.add_user("patient@example.com")
    with socket.socket() as deaf, Listener() as listener, server.soap(other) as other_client:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(200)
        for _ in range(130):
            subscribed(client, subscribe_push(f"http://127.0.0.1:{deaf.getsockname()[1]}/"))
        subscribed(other_client, subscribe_push(listener.url))
        assert [e.type for e in listener.next().events] == ["StatusEvent"]


@pytest.mark.parametrize(
    "answer",
    [
        (302, {"Location": "http://127.0.0.1:1/"}, b""),
        (500, {}, result("OK")),
        (200, {}, b"<garbage"),
        (200, {}, b"x" * 1000000),
    ],
)
def test_odd_answers_are_failures_and_nobody_follows(pushed, answer):
    server, client, _ = pushed
    with Listener(lambda push: answer) as listener:
        push_id, _ = subscribed(client, subscribe_push(listener.url))
        listener.next()
        shown = ""
        while "failing since" not in shown:
            shown = server.ctl("sub", "show", push_id).stdout.decode()
        assert "kind: push" in shown


def test_push_ids_are_for_listeners_only(pushed):
    _, client, _ = pushed
    with Listener() as listener:
        push_id, mark = subscribed(client, subscribe_push(listener.url))
        assert error(client.call(get_events(push_id, mark))) == "ErrorInvalidPullSubscriptionId"
        assert error(client.call(unsubscribe(push_id))) in ("ErrorInvalidPullSubscriptionId", "ErrorInvalidSubscription")


# ---- operators


def test_operators_see_and_end_subscriptions(server, client, user):
    stream_id, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
    with Stream(server, client, stream_id) as stream:
        stream.opened()
        lines = server.ctl("sub", "list", user).stdout.decode().splitlines()
        assert lines[0].split("\t")[0] == "id"
        assert lines[1].split("\t")[:5] == [stream_id, user, "streaming", "open", "0"]
        server.deliver(user, plain(1))
        stream.told()
        assert "lag: 0" in server.ctl("sub", "show", stream_id).stdout.decode()
        server.ctl("sub", "delete", stream_id)
        *_, last = stream.rest()
        assert (last.error_ids, last.status) == ([stream_id], "Closed")
    assert server.ctl("sub", "show", stream_id, check=False).returncode == 65
    assert server.ctl("sub", "list", user).stdout.decode().count("\n") == 1


def test_metrics(server, client, user):
    stream_id, _ = subscribed(client, subscribe("Streaming"))
    with Stream(server, client, stream_id) as stream:
        stream.opened()
        server.deliver(user, plain(1))
        stream.told()
        answer = client.request("GET", "/metrics", authorized=False)
        figures = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert int(figures["ewer_streams"]) >= 1
        assert int(figures['ewer_subscriptions{kind="streaming"}']) >= 1
        assert float(figures["ewer_stream_lag_seconds"]) < 60
        assert int(figures["ewer_deliveries_total"]) >= 1
        assert int(figures['ewer_call_seconds_count{operation="Subscribe"}']) >= 1
        assert figures['ewer_call_seconds_bucket{operation="Subscribe",le="+Inf"}'] == figures['ewer_call_seconds_count{operation="Subscribe"}']
