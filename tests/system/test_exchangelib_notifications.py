"""exchangelib, unmodified, subscribes to a real daemon and is told of every change: by streams, by asking, and by pushes to a
listener that answers with the library's own payloads. Then it does with that what clients do: notifications say when, syncs say what.
"""
import contextlib
import itertools
import logging
import os
import queue
import random
import threading
from collections import Counter
from unittest.mock import ANY

import pytest
from exchangelib import CalendarItem, EWSDateTime, EWSTimeZone, FaultTolerance, FolderCollection, Message
from exchangelib.errors import (
    ErrorExceededConnectionCount,
    ErrorExceededSubscriptionCount,
    ErrorFolderNotFound,
    ErrorInvalidPullSubscriptionId,
    ErrorInvalidPushSubscriptionUrl,
    ErrorInvalidSubscription,
    ErrorInvalidWatermark,
    ErrorNewEventStreamConnectionOpened,
    ErrorSchemaValidation,
    ErrorSubscriptionAccessDenied,
    ErrorSubscriptionNotFound,
    EWSError,
)
from exchangelib.folders import Folder
from exchangelib.properties import Notification, StatusEvent
from exchangelib.services import SendNotification, SubscribeToPull

import ewer
import writing
from mails import plain
from notifications import PATIENCE_SECONDS, Listener
from test_exchangelib import login

UTC = EWSTimeZone("UTC")
LONGEST_STREAM = 30
FEW = "few@example.com"
# Half an hour in nine seconds; a request must still be complete within the 150 ms that are left of its half minute.
FAST, FASTER = 60, 200
CONFIG = f"[push]\ntargets = loopback\n[limits]\nmax_subscriptions {FEW} = 2\nmax_streams {FEW} = 1\n"


def serving(directory, rate=0):
    """A server that may push to loopback; its time goes rate times faster."""
    config = directory / "ewer.conf"
    config.write_text(CONFIG + (f"[test]\nclock_rate = {rate}\n" if rate else ""))
    return ewer.serving(directory / "store", [], ["--config", str(config)])


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("telling")) as server:
        yield server


@pytest.fixture(name="fast", scope="module")
def fixture_fast(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("fast"), FAST) as server:
        yield server


@contextlib.contextmanager
def logged_in(server, user):
    """A stream holds its connection; other requests need another one."""
    # The fast servers' half minute for a request is short enough that a busy machine misses it: the library tries again then.
    account = login(server, user, auth_type="basic", max_connections=4, retry_policy=FaultTolerance(max_wait=60))
    yield account
    account.protocol.close()


@pytest.fixture(name="account")
def fixture_account(server, user):
    with logged_in(server, user) as account:
        yield account


@pytest.fixture(name="fast_account")
def fixture_fast_account(fast, request):
    with logged_in(fast, fast.add_user(f"{request.node.originalname}@example.com")) as account:
        yield account


def sent(server, account, *numbers):
    """Delivers these messages; the ids that the inbox has for them."""
    before = {i.id for i in account.inbox.all().only("subject")}
    server.deliver(account.primary_smtp_address, *(plain(n) for n in numbers))
    new = [i for i in account.inbox.all().only("subject") if i.id not in before]
    return [i.id for n in numbers for i in new if i.subject == f"message {n}"]


# ---- ears: the three kinds of subscription, each by the library's own classes


class Stream(threading.Thread):
    """A stream that is read for as long as its subscription lives, or as often as it is to be opened."""

    def __init__(self, account, folders, minutes=LONGEST_STREAM, connections=1, **options):
        super().__init__(daemon=True)
        self.account, self.minutes, self.connections = account, minutes, connections
        self.subscription = FolderCollection(account=account, folders=folders).streaming_subscription(**options)
        self.told, self.end, self.id = queue.Queue(), None, None

    def __enter__(self):
        self.id = self.subscription.__enter__()
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.subscription.__exit__()
        self.join(PATIENCE_SECONDS)
        if kind is None and self.connections == 1:
            assert isinstance(self.end, ErrorInvalidSubscription), self.end

    def run(self):
        try:
            for _ in range(self.connections):
                for notification in self.account.inbox.get_streaming_events(self.id, connection_timeout=self.minutes):
                    assert notification.subscription_id == self.id
                    assert notification.previous_watermark is None and notification.more_events is None
                    for event in notification.events:
                        assert event.watermark is None
                        self.told.put(event)
        except Exception as end:  # pylint: disable=broad-except
            self.end = end

    def events(self, count):
        try:
            return [self.told.get(timeout=PATIENCE_SECONDS) for _ in range(count)]
        except queue.Empty:
            raise AssertionError(f"not told; the stream: {self.end!r}, {self.is_alive()}") from None


class Pull:
    """A subscription that is asked. The library's generator asks with one watermark again and again, so it is taken page by page."""

    def __init__(self, account, folders, **options):
        self.account = account
        self.subscription = FolderCollection(account=account, folders=folders).pull_subscription(**options)
        self.id = self.watermark = None

    def __enter__(self):
        self.id, self.watermark = self.subscription.__enter__()
        assert [type(e) for e in self.page().events] == [StatusEvent]
        return self

    def __exit__(self, *_):
        self.subscription.__exit__()

    def page(self):
        page = next(self.account.inbox.get_events(self.id, self.watermark))
        assert isinstance(page, Notification)
        assert (page.subscription_id, page.previous_watermark) == (self.id, self.watermark)
        assert all(e.watermark for e in page.events)
        self.watermark = page.events[-1].watermark
        return page

    def events(self, count=None):
        found = []
        while True:
            page = self.page()
            found += [e for e in page.events if not isinstance(e, StatusEvent)]
            assert len(page.events) <= 50
            if not page.more_events:
                assert count in (None, len(found)), found
                return found


class Push(Listener):
    """A listener that reads and answers as the library does."""

    def __init__(self, account, folders, **options):
        super().__init__(self.answer)
        self.service = SendNotification(protocol=account.protocol)
        self.subscription = FolderCollection(account=account, folders=folders).push_subscription(
            callback_url=self.url, **options
        )
        self.told, self.say, self.id, self.watermark = queue.Queue(), iter(()), None, None
        self.arrived = []

    def __enter__(self):
        self.id, self.watermark = self.subscription.__enter__()
        assert isinstance(self.told.get(timeout=PATIENCE_SECONDS), StatusEvent), "the first that comes"
        return self

    def answer(self, push):
        status = next(self.say, "ok")
        if status == "failure":
            return 503, {}, b"later"
        for notification in self.service.parse(push.raw):
            self.arrived.append(notification)
            for event in notification.events:
                self.told.put(event)
        return 200, {}, self.service.unsubscribe_payload() if status == "unsubscribe" else self.service.ok_payload()

    def events(self, count):
        found = [self.told.get(timeout=PATIENCE_SECONDS) for _ in range(count)]
        assert all(n.subscription_id == self.id for n in self.arrived)
        previous = self.watermark
        for notification in self.arrived:
            assert notification.previous_watermark == previous
            previous = notification.events[-1].watermark
        return found


def plainly(event):
    """(what, id, parent), and for what was moved or copied also (old id, old parent)."""
    kind = event.event_type
    assert event.timestamp is not None
    found = (f"{kind} {type(event).__name__[:-5]}", getattr(event, f"{kind}_id").id, event.parent_folder_id.id)
    if hasattr(event, "old_parent_folder_id"):
        found += (getattr(event, f"old_{kind}_id").id, event.old_parent_folder_id.id)
    return found


def of_type(events, name):
    return [plainly(e)[1] for e in events if type(e).__name__ == f"{name}Event"]


# ---- every event in each of the three ways


class Scene:
    """Folders to listen at, one step after the other, and what each step must make heard."""

    def __init__(self, server, account):
        self.server, self.account = server, account
        self.inbox, self.calendar = account.inbox, account.calendar
        self.box = Folder(parent=account.msg_folder_root, name="box").save()
        self.folders = [self.inbox, self.calendar, self.box]

    @staticmethod
    def changed(folder):
        return ("folder Modified", folder.id, folder.parent_folder_id.id)

    def steps(self):
        yield from self.of_items()
        yield from self.of_removals()
        yield from self.of_appointments()
        yield from self.of_folders()

    def of_items(self):
        inbox, box = self.inbox, self.box
        (mail,) = sent(self.server, self.account, 1)
        yield [("item NewMail", mail, inbox.id), ("item Created", mail, inbox.id), self.changed(inbox)]
        item = inbox.get(id=mail, changekey=None)
        item.is_read = True
        item.save(update_fields=["is_read"])
        yield [("item Modified", mail, inbox.id), self.changed(inbox)]
        copy, _ = item.copy(to_folder=box)
        yield [("item Copied", copy, box.id, mail, inbox.id), ("item Created", copy, box.id), self.changed(box)]
        item.move(to_folder=box)
        assert item.id != mail
        moved = ("item Moved", item.id, box.id, mail, inbox.id)
        yield [("item Modified", mail, inbox.id), moved, self.changed(inbox), self.changed(box)]
        made = Message(account=self.account, folder=box, subject="made").save()
        yield [("item Created", made.id, box.id), self.changed(box)]

    def of_removals(self):
        box = self.box
        for how, trash in (("delete", None), ("soft_delete", ANY), ("move_to_trash", self.account.trash.id)):
            item = Message(account=self.account, folder=box, subject=how).save()
            identity = item.id
            yield [("item Created", identity, box.id), self.changed(box)]
            getattr(item, how)()
            gone = ("item Moved", ANY, trash, identity, box.id) if trash else ("item Deleted", identity, box.id)
            yield [gone, self.changed(box)]

    def of_appointments(self):
        calendar = self.calendar
        start = EWSDateTime(2027, 5, 3, 10, tzinfo=UTC)
        item = CalendarItem(
            account=self.account, folder=calendar, subject="meeting", start=start, end=start.replace(hour=11)
        ).save()
        free_busy = ("item FreeBusyChanged", item.id, calendar.id)
        yield [("item Created", item.id, calendar.id), free_busy, self.changed(calendar)]
        item.end = start.replace(hour=12)
        item.save(update_fields=["end"])
        yield [("item Modified", item.id, calendar.id), free_busy, self.changed(calendar)]
        item.delete()
        yield [("item Deleted", free_busy[1], calendar.id), free_busy, self.changed(calendar)]

    def of_folders(self):
        inbox, box = self.inbox, self.box
        child = Folder(parent=box, name="child").save()
        yield [("folder Created", child.id, box.id), self.changed(box)]
        child.name = "renamed"
        child.save(update_fields=["name"])
        yield [("folder Modified", child.id, box.id), self.changed(box)]
        child.move(to_folder=inbox)
        yield [("folder Moved", child.id, inbox.id, child.id, box.id), self.changed(box), self.changed(inbox)]
        # The library cannot copy folders.
        with self.server.soap(self.account.primary_smtp_address) as client:
            answer = client.call(writing.transfer_folder("CopyFolder", box.id, child.id))
        copy = answer.find("t:FolderId").get("Id")
        yield [("folder Copied", copy, box.id, child.id, inbox.id), ("folder Created", copy, box.id), self.changed(box)]
        identity = child.id
        child.delete()
        yield [("folder Deleted", identity, inbox.id), self.changed(inbox)]


@pytest.mark.parametrize("ear", [Stream, Pull, Push])
def test_every_event_is_heard(server, account, ear):
    scene, kinds = Scene(server, account), set()
    with ear(account, scene.folders) as listening:
        for wanted in scene.steps():
            heard = listening.events(len(wanted))
            assert [plainly(e) for e in heard] == wanted
            kinds |= {type(e).__name__ for e in heard}
    assert kinds == set(SubscribeToPull.EVENT_TYPES)


@pytest.mark.parametrize("ear", [Stream, Pull, Push])
def test_only_what_was_asked_for_is_heard(server, account, ear):
    with ear(account, [account.inbox], event_types=["CreatedEvent", "DeletedEvent"]) as listening:
        mails = sent(server, account, 1, 2)
        account.inbox.get(id=mails[0], changekey=None).delete()
        account.drafts.all().delete()
        assert [plainly(e)[:2] for e in listening.events(3)] == [
            ("item Created", mails[0]),
            ("item Created", mails[1]),
            ("item Deleted", mails[0]),
        ]


def test_the_unread_count_is_told(server, account):
    with Stream(account, [account.inbox], event_types=["ModifiedEvent"]) as stream:
        mails = sent(server, account, 1, 2)
        counts = [e.unread_count for e in stream.events(2)]
        assert counts[-1] == 2
        item = account.inbox.get(id=mails[0], changekey=None)
        item.is_read = True
        item.save(update_fields=["is_read"])
        of_item, of_folder = stream.events(2)
        assert (of_item.unread_count, of_folder.unread_count) == (None, 1)


# ---- streams


def test_several_subscriptions_on_one_connection(server, account):
    inbox, drafts = account.inbox, account.drafts
    ids = [
        inbox.subscribe_to_streaming(event_types=["NewMailEvent"]),
        drafts.subscribe_to_streaming(event_types=["CreatedEvent"]),
        inbox.subscribe_to_streaming(event_types=["CreatedEvent", "DeletedEvent"]),
    ]
    assert len(set(ids)) == 3
    stream = inbox.get_streaming_events(iter(ids), connection_timeout=1)
    draft = Message(account=account, folder=drafts, subject="draft").save()
    (mail,) = sent(server, account, 1)
    told = {}
    while len(told) < 3:
        notification = next(stream)
        told[notification.subscription_id] = [plainly(e)[:2] for e in notification.events]
    assert told == {ids[0]: [("item NewMail", mail)], ids[1]: [("item Created", draft.id)], ids[2]: [("item Created", mail)]}
    # While the connection is open, what happens is told on it.
    account.inbox.get(id=mail, changekey=None).delete()
    notification = next(stream)
    assert (notification.subscription_id, [plainly(e)[:2] for e in notification.events]) == (ids[2], [("item Deleted", mail)])
    stream.close()
    for identity in ids:
        assert inbox.unsubscribe(identity)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_connections_that_are_dropped_lose_nothing(server, account, most):
    """The library drops a connection without a word when it has enough, and opens the same id again."""
    inbox, told, wanted = account.inbox, [], []
    with inbox.streaming_subscription(event_types=["NewMailEvent"]) as identity:
        for turn in range(4):
            wanted += sent(server, account, *range(10 * turn, 10 * turn + most + 1))
            notifications = inbox.get_streaming_events(identity, connection_timeout=1, max_notifications_returned=most)
            for notification in notifications:
                new = of_type(notification.events, "NewMail")
                # What was told to the dropped connection may come again, in order, never anything later before it.
                assert wanted.index(new[0]) <= len(told)
                told += [i for i in new if i not in told]
                if len(told) == len(wanted):
                    notifications.close()
        assert told == wanted


def test_what_a_dropped_connection_left_unread_comes_again(server, account):
    """Of two subscriptions' documents the library reads one; the other one is in the socket that it closes."""
    inbox = account.inbox
    ids = {inbox.subscribe_to_streaming(event_types=["NewMailEvent"]) for _ in range(2)}
    for turn in range(5):
        wanted = sent(server, account, turn)
        (read,) = inbox.get_streaming_events(ids, connection_timeout=1, max_notifications_returned=1)
        assert of_type(read.events, "NewMail")[-1:] == wanted
        (unread,) = ids - {read.subscription_id}
        (notification,) = inbox.get_streaming_events(unread, connection_timeout=1, max_notifications_returned=1)
        assert of_type(notification.events, "NewMail")[-1:] == wanted


def test_subscriptions_end_with_their_context(account):
    inbox = account.inbox
    with inbox.streaming_subscription() as kept:
        with inbox.streaming_subscription() as ended:
            pass
        with pytest.raises(ErrorInvalidSubscription) as caught:
            list(inbox.get_streaming_events([kept, ended, "bad"], connection_timeout=1))
        assert str([ended, "bad"]) in caught.value.value, "only the bad ones are named"
        with pytest.raises(ErrorSubscriptionNotFound):
            inbox.unsubscribe(ended)
    with inbox.pull_subscription() as (ended, watermark):
        pass
    with pytest.raises(ErrorSubscriptionNotFound):
        list(inbox.get_events(ended, watermark))


def test_a_stream_hears_that_its_subscription_ended(account):
    with Stream(account, [account.inbox]) as stream:
        pass
    assert stream.id in stream.end.value


def test_a_newer_connection_takes_over(server, account):
    inbox = account.inbox
    with inbox.streaming_subscription(event_types=["NewMailEvent"]) as identity:
        older, newer = (inbox.get_streaming_events(identity, connection_timeout=1) for _ in range(2))
        sent(server, account, 1)
        next(older)
        wanted = sent(server, account, 2)
        assert of_type(next(newer).events, "NewMail")[-1:] == wanted
        with pytest.raises(ErrorNewEventStreamConnectionOpened):
            list(older)
        newer.close()


# ---- pull


def test_pages_and_watermarks(server, account):
    inbox = account.inbox
    with Pull(account, [inbox]) as pull:
        start = pull.watermark
        wanted = sent(server, account, *range(40))
        events = pull.events()
        assert of_type(events, "NewMail") == wanted and len(events) == 120
        assert len({e.watermark for e in events}) == 120
        assert pull.events() == []
        # A lost answer: the same watermark tells the same.
        pull.watermark = start
        assert pull.events() == events
        # Any event's watermark is a place to go on from, for this subscription and for a new one.
        pull.watermark = events[64].watermark
        assert pull.events() == events[65:]
        identity, watermark = inbox.subscribe_to_pull(watermark=events[99].watermark, timeout=1440)
        assert watermark == events[99].watermark
        assert next(inbox.get_events(identity, watermark)).events == events[100:]
        inbox.unsubscribe(identity)


# ---- push


def test_a_listener_may_end_its_subscription(server, account):
    with Push(account, [account.inbox], event_types=["NewMailEvent"]) as push:
        push.say = iter(["ok", "unsubscribe"])
        wanted = sent(server, account, 1)
        assert of_type(push.events(1), "NewMail") == wanted
        wanted = sent(server, account, 2)
        assert of_type(push.events(1), "NewMail") == wanted
        # Once another one, from the same place on, has heard the next, the first has not.
        with Push(account, [account.inbox], event_types=["NewMailEvent"]) as other:
            sent(server, account, 3)
            other.events(1)
        assert push.told.empty()
    assert server.ctl("sub", "show", push.id, check=False).returncode != 0


# ---- errors are the library's exceptions


def test_bad_ids_and_watermarks(server, account, new_user):
    inbox = account.inbox
    with inbox.pull_subscription() as (pull, watermark), Push(account, [inbox]) as push, logged_in(
        server, new_user("other")
    ) as other:
        stream = inbox.subscribe_to_streaming()
        _, foreign = other.inbox.subscribe_to_pull()
        for error, call in (
            (ErrorSubscriptionNotFound, lambda: list(inbox.get_events("AAAA", watermark))),
            (ErrorInvalidWatermark, lambda: list(inbox.get_events(pull, "AAAA"))),
            (ErrorInvalidWatermark, lambda: list(inbox.get_events(pull, foreign))),
            (ErrorInvalidWatermark, lambda: inbox.subscribe_to_pull(watermark=foreign)),
            (ErrorInvalidPullSubscriptionId, lambda: list(inbox.get_events(push.id, push.watermark))),
            (ErrorInvalidPullSubscriptionId, lambda: list(inbox.get_events(stream, watermark))),
            (ErrorInvalidPullSubscriptionId, lambda: inbox.unsubscribe(push.id)),
            (ErrorSubscriptionNotFound, lambda: inbox.unsubscribe("AAAA")),
            (ErrorInvalidSubscription, lambda: list(inbox.get_streaming_events([pull], connection_timeout=1))),
            (ErrorInvalidSubscription, lambda: list(inbox.get_streaming_events([push.id], connection_timeout=1))),
            (ErrorSubscriptionAccessDenied, lambda: list(other.inbox.get_events(pull, watermark))),
            (ErrorSubscriptionAccessDenied, lambda: other.inbox.unsubscribe(pull)),
            (ErrorInvalidSubscription, lambda: list(other.inbox.get_streaming_events(stream, connection_timeout=1))),
        ):
            with pytest.raises(error):
                call()
        # None of that did any harm.
        wanted = sent(server, account, 1)
        assert of_type(next(inbox.get_events(pull, watermark)).events, "NewMail") == wanted
        assert of_type(next(inbox.get_streaming_events(stream)).events, "NewMail") == wanted


def test_bad_subscriptions(account):
    inbox = account.inbox
    gone = Folder(parent=inbox, name="gone").save()
    identity = gone.id
    gone.delete()
    gone._id = inbox._id.__class__(id=identity)  # pylint: disable=protected-access
    for error, call in (
        (ErrorFolderNotFound, gone.subscribe_to_streaming),
        (ErrorInvalidPushSubscriptionUrl, lambda: inbox.subscribe_to_push("ftp://127.0.0.1/")),
        (ErrorInvalidPushSubscriptionUrl, lambda: inbox.subscribe_to_push("http://192.0.2.1/")),
        (ErrorSchemaValidation, lambda: inbox.subscribe_to_pull(timeout=1441)),
        (ErrorSchemaValidation, lambda: inbox.subscribe_to_push("http://127.0.0.1/", status_frequency=0)),
        (ErrorSchemaValidation, lambda: list(inbox.get_streaming_events(inbox.subscribe_to_streaming(), 31))),
    ):
        with pytest.raises(error):
            call()


def test_limits(server):
    server.add_user(FEW)
    with logged_in(server, FEW) as account:
        inbox = account.inbox
        with inbox.streaming_subscription() as first, inbox.streaming_subscription() as second:
            with pytest.raises(ErrorExceededSubscriptionCount):
                inbox.subscribe_to_pull()
            sent(server, account, 1)
            stream = inbox.get_streaming_events(first, connection_timeout=1)
            next(stream)
            with pytest.raises(ErrorExceededConnectionCount):
                list(inbox.get_streaming_events(second, connection_timeout=1))
            stream.close()


# ---- long times, in short: the server's clock goes faster


class Statuses(logging.Handler):
    """What the documents of streams said of their connection, as the library logs it: OK, Closed, or None beside notifications."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.seen, self.fresh = [], queue.Queue()

    def emit(self, record):
        if record.msg == "Connection status is: %s":
            self.seen.append(record.args[0])
            self.fresh.put(record.args[0])

    def until_closed(self):
        """Each one as it comes, but for the last."""
        return iter(lambda: self.fresh.get(timeout=PATIENCE_SECONDS), "Closed")


@pytest.fixture(name="statuses")
def fixture_statuses():
    logger, statuses = logging.getLogger("exchangelib.services.get_streaming_events"), Statuses()
    level = logger.level
    logger.addHandler(statuses)
    logger.setLevel(logging.DEBUG)
    yield statuses
    logger.removeHandler(statuses)
    logger.setLevel(level)


def test_a_connection_runs_to_its_end_and_the_subscription_goes_on(fast, fast_account, statuses):
    inbox, wanted, told = fast_account.inbox, [], []
    with inbox.streaming_subscription(event_types=["NewMailEvent"]) as identity:
        for turn in range(2):
            wanted += sent(fast, fast_account, turn)
            statuses.seen.clear()
            for notification in inbox.get_streaming_events(identity, connection_timeout=1):
                told += of_type(notification.events, "NewMail")
            seen = statuses.seen
            assert seen[0] == "OK" and seen[-1] == "Closed"
            # One sign of life at least, within 30 to 45 s of silence.
            assert seen.count("OK") in (2, 3) and seen.count("Closed") == 1
    assert told == wanted, "a connection that ended as it should is not told twice"


def test_half_an_hour_of_stream(tmp_path, statuses):
    """One connection of 30 minutes, then the next: signs of life all the time, and nothing is lost at the change."""
    with serving(tmp_path, FASTER) as server:
        user = server.add_user("long@example.com")
        with logged_in(server, user) as account:
            with Stream(account, [account.inbox], connections=2, event_types=["NewMailEvent"]) as stream:
                told, count = {}, 0
                for _ in filter(None, statuses.until_closed()):
                    server.deliver(user, plain(count))
                    count += 1
                assert count > 1800 // 45
                server.deliver(user, plain(count), plain(count + 1))
                # What came together with the connection's end may come again on the next one.
                while len(told) < count + 2:
                    told.update(dict.fromkeys(of_type(stream.events(1), "NewMail")))
            messages = {i.subject: i.id for i in account.inbox.all().only("subject")}
            assert list(told) == [messages[f"message {n}"] for n in range(count + 2)]


def test_silence_is_broken_by_signs_of_life(fast, fast_account, statuses):
    inbox = fast_account.inbox
    with inbox.streaming_subscription() as identity:
        assert not list(inbox.get_streaming_events(identity, connection_timeout=2))
    assert 120 // 45 <= statuses.seen.count("OK") - 1 <= 120 // 30
    del fast


def is_gone(server, subscription):
    return server.ctl("sub", "show", subscription, check=False).returncode != 0


def test_a_pull_subscription_that_nobody_asks_ends(fast, fast_account):
    inbox = fast_account.inbox
    asleep, _ = inbox.subscribe_to_pull(timeout=1)
    awake, mark = inbox.subscribe_to_pull(timeout=1)
    while not is_gone(fast, asleep):
        assert [type(e) for e in next(inbox.get_events(awake, mark)).events] == [StatusEvent]
    with pytest.raises(ErrorSubscriptionNotFound):
        list(inbox.get_events(asleep, mark))
    inbox.unsubscribe(awake)


def test_a_listener_hears_that_nothing_happened(fast, fast_account):
    del fast
    with Push(fast_account, [fast_account.inbox], status_frequency=1) as push:
        assert [type(e) for e in push.events(2)] == [StatusEvent] * 2


def test_a_listener_that_was_down_hears_all_later(fast, fast_account):
    with Push(fast_account, [fast_account.inbox], status_frequency=5, event_types=["NewMailEvent"]) as push:
        push.say = iter(["failure"] * 3)
        wanted = sent(fast, fast_account, *range(60))
        assert of_type(push.events(60), "NewMail") == wanted


def test_a_listener_that_stays_down_loses_its_subscription(fast, fast_account):
    with Push(fast_account, [fast_account.inbox], status_frequency=1) as push:
        push.say = iter(["failure"] * 100)
        sent(fast, fast_account, 1)
        while not is_gone(fast, push.id):
            pass
        assert push.told.empty()


# ---- notifications say when, syncs say what


class Replica:
    """What a client knows of some folders and of the hierarchy, and that it syncs only what a notification names."""

    FIELDS = ["subject", "is_read"]

    def __init__(self, account, folders):
        self.account, self.top = account, account.msg_folder_root
        self.folders = {f.id: f for f in folders}
        self.items, self.states = {i: {} for i in self.folders}, {}
        self.tree, self.tree_state = {}, None
        for identity in self.folders:
            self.sync(identity)
        self.sync_tree()

    def sync(self, identity):
        folder, items = self.folders[identity], self.items[identity]
        folder.item_sync_state = None
        for kind, item in folder.sync_items(
            sync_state=self.states.get(identity), only_fields=self.FIELDS, max_changes_returned=7
        ):
            if kind == "read_flag_change":
                items[item[0].id] = (items[item[0].id][0], item[1])
            elif kind == "delete":
                del items[item.id]
            else:
                assert (kind == "create") == (item.id not in items)
                items[item.id] = (item.subject, item.is_read)
        self.states[identity] = folder.item_sync_state

    def sync_tree(self):
        self.top.folder_sync_state = None
        for kind, folder in self.top.sync_hierarchy(sync_state=self.tree_state, only_fields=["name", "parent_folder_id"]):
            if kind == "delete":
                del self.tree[folder.id]
            else:
                assert (kind == "create") == (folder.id not in self.tree)
                self.tree[folder.id] = (folder.name, folder.parent_folder_id.id)
        self.tree_state = self.top.folder_sync_state

    def hear(self, events):
        """Does what one notification asks for."""
        named = {plainly(e)[i] for e in events if e.event_type == "item" for i in (2, 4) if i < len(plainly(e))}
        for identity in named & set(self.folders):
            self.sync(identity)
        if any(e.event_type == "folder" for e in events):
            self.sync_tree()

    def check(self):
        for identity, folder in self.folders.items():
            assert self.items[identity] == {i.id: (i.subject, i.is_read) for i in folder.all().only(*self.FIELDS)}
        self.top.root.clear_cache()
        assert self.tree == {f.id: (f.name, f.parent_folder_id.id) for f in self.top.walk()}


class Actor(threading.Thread):
    """Another client, which does this and that, and at last delivers one more message."""

    LAST = "the last one"

    def __init__(self, server, user, folders, rng, steps):
        super().__init__(daemon=True)
        self.server, self.user, self.folders, self.rng, self.steps = server, user, folders, rng, steps
        self.failure, self.client, self.made = None, None, []

    def run(self):
        try:
            with self.server.soap(self.user) as self.client:
                for _ in range(self.steps):
                    self.rng.choice(
                        [self.deliver, self.create, self.read, self.move, self.copy, self.delete, self.folder, self.unfolder]
                    )()
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure
        finally:
            self.server.deliver(self.user, plain(subject=self.LAST))

    def call(self, request):
        answer = self.client.call(request)
        assert answer.code == "NoError", answer.text
        return answer

    def an_item(self):
        """(its folder, its id), or neither."""
        folder = self.rng.choice(self.folders)
        items = self.client.items(folder)
        return (folder, self.rng.choice(items)) if items else (folder, None)

    def deliver(self):
        self.server.deliver(self.user, *(plain(self.rng.randrange(1000)) for _ in range(self.rng.randrange(1, 4))))

    def create(self):
        folder = self.rng.choice(self.folders)
        self.call(writing.create_item(writing.message(f"made {self.rng.randrange(1000)}"), folder))

    def read(self):
        _, item = self.an_item()
        if item:
            value = self.rng.choice(["true", "false"])
            field = writing.set_field("message:IsRead", f"<t:IsRead>{value}</t:IsRead>")
            if self.rng.random() < 0.5:
                field += writing.subject(f"now {self.rng.randrange(1000)}")
            self.call(writing.update_item(writing.ref(item), field, "AlwaysOverwrite"))

    def move(self, operation="MoveItem"):
        _, item = self.an_item()
        if item:
            self.call(writing.transfer(operation, self.rng.choice(self.folders), item))

    def copy(self):
        self.move("CopyItem")

    def delete(self):
        _, item = self.an_item()
        if item:
            how = self.rng.choice(["HardDelete", "SoftDelete", "MoveToDeletedItems"])
            self.call(writing.delete_item(item, how=how))

    def folder(self):
        """A new folder, or an old one with another name or at another place."""
        name = f"folder {self.rng.getrandbits(40)}"
        way = self.rng.randrange(3) if self.made else 0
        if way == 0:
            answer = self.call(writing.create_folder(self.rng.choice(self.folders), writing.folder_element(name)))
            self.made.append(answer.find("t:FolderId").get("Id"))
        elif way == 1:
            chosen = f'<t:FolderId Id="{self.rng.choice(self.made)}"/>'
            self.call(writing.update_folder(chosen, writing.rename(name)))
        else:
            target = self.rng.choice(self.folders)
            answer = self.client.call(writing.transfer_folder("MoveFolder", target, self.rng.choice(self.made)))
            assert answer.code in ("NoError", "ErrorMoveCopyFailed", "ErrorFolderExists"), answer.text

    def unfolder(self):
        if self.made:
            self.call(writing.delete_folder(self.made.pop(self.rng.randrange(len(self.made)))))


@pytest.mark.parametrize("turn", range(10 if os.environ.get("EWER_LONG") == "1" else 1))
@pytest.mark.parametrize("clock", ["server", "fast"])
def test_a_client_that_syncs_when_told_has_what_the_server_has(request, clock, turn):
    """By real time events come together in few notifications; by fast time nearly each for itself, and connections end meanwhile."""
    seed = int(os.environ.get("EWER_SEED") or random.randrange(2**32))
    print(f"EWER_SEED={seed} repeats the actions")
    server = request.getfixturevalue(clock)
    with logged_in(server, server.add_user(f"replica{turn}@example.com")) as account:
        boxes = [Folder(parent=account.msg_folder_root, name=f"box {i}").save() for i in range(2)]
        folders = [account.inbox, account.drafts, account.trash, *boxes]
        actor = Actor(server, account.primary_smtp_address, [f.id for f in folders], random.Random(seed), 100)
        with FolderCollection(account=account, folders=folders).streaming_subscription() as identity:
            replica = Replica(account, folders)
            actor.start()
            follow(replica, identity, random.Random(seed))
            actor.join()
            assert actor.failure is None, actor.failure
            replica.check()


def follow(replica, identity, rng):
    """Hears until the last message was told, on connections that are dropped after some notifications or read to their end."""
    inbox = replica.account.inbox
    for most in itertools.cycle([*rng.sample([1, 2, 3], 2), None]):
        for notification in inbox.get_streaming_events(identity, connection_timeout=1, max_notifications_returned=most):
            replica.hear(notification.events)
            told = set(of_type(notification.events, "NewMail"))
            if any(replica.items[inbox.id].get(i, ("",))[0] == Actor.LAST for i in told):
                return


def test_kinds_are_counted_once(server, account):
    """Three subscriptions of three kinds on one folder hear the same, each once."""
    folders = [account.inbox]
    with Stream(account, folders) as stream, Pull(account, folders) as pull, Push(account, folders) as push:
        mails = sent(server, account, *range(20))
        heard = [Counter(map(plainly, ear.events(60))) for ear in (stream, pull, push)]
    assert heard[0] == heard[1] == heard[2]
    assert sorted(i for what, i, _ in heard[0] if what == "item NewMail") == sorted(mails)
