"""Subscriptions of all kinds through a crash at every durable step: the same ids go on, and no event is missing, invented, or another one than it was. What was
told may be told again only where the protocol leaves nothing else: on a stream what its peer did not surely take, to a listener the last that it was told. See
points.py and docs/design/notifications.md.
"""
import contextlib
import http.client
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import pytest

import programs
from bodies import move_items, named
from listener import BROKEN, OK, Listener, wait_for
from notifications import get_events, unsubscribe
from outbox import rows
from points import ALICE, LATER, LONG, NEW, ONLY, Scenario, enumerate_points, message, run_named_point, verify_invariants
from programs import Ews, Lmtp, Server, ewerctl
from told import (PULL, PUSH, STREAM, Log, hear, last_mark, lost, of_subscription, real_events, request_of, streaming, subscribed, subscriptions, verify_chain,
                  verify_pushes, verify_stream)

DAY = 24 * 3600
EVENTS_OF_MAIL = 3              # new mail, created, and its folder modified
NO_SUCH = "ErrorSubscriptionNotFound"


def deliver(server, *numbers):
    """ConnectionError when the server dies before all are answered."""
    lmtp, answered = Lmtp(server), []
    with contextlib.closing(lmtp):
        lmtp.deliver([message(n) for n in numbers], [ALICE], answered)
    assert len(answered) == len(numbers)


def deliver_later(server):
    lmtp, answered = Lmtp(server), []
    with contextlib.closing(lmtp):
        lmtp.deliver([LATER], [ALICE], answered)
    assert answered


def look(file, *queries):
    """The rows of each query, from a copy of a mailbox: a look repairs, and makes files that killat.so then does not see made."""
    while True:
        with tempfile.TemporaryDirectory(dir=file.parent.parent.parent.parent) as place:
            for suffix in ("", "-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(f"{file}{suffix}", f"{place}/db{suffix}")
            with contextlib.suppress(sqlite3.DatabaseError):    # copied while it was written
                return [rows(f"{place}/db", query) for query in queries]


class Prepared:
    """The store that all of them begin with: Alice's subscriptions, and mail that came since. Made once."""

    def __init__(self, base):
        self.store = base.scratch / "subscriptions"
        shutil.copytree(base.store, self.store)
        with Server(self.store) as server, Ews(server, ALICE) as ews:
            self.witness, mark = subscribed(ews, request_of(PULL))
            self.stream, _ = subscribed(ews, request_of(STREAM))
            self.pull, self.mark = subscribed(ews, request_of(PULL, minutes=PulledFrom.life // 60, mark=mark))
            assert self.mark == mark, "one place has one watermark"
            deliver(server, 11, 12)
            self.log = Log(mark).read(ews, self.witness)
            self.item = ews.sync()[1][-1][1]
        self.ids = subscriptions(self.store)
        self.file, = (file.relative_to(self.store) for file in self.store.glob("mailboxes/*/*.db") if rows(file, "SELECT id FROM subscription"))
        assert len(self.log.events) == EVENTS_OF_MAIL * len(NEW)


@pytest.fixture(scope="session")
def prepared(base):
    return Prepared(base)


class Subscribers(Scenario):
    """`rate`: the server's time goes so many times faster; `later`: it is so many seconds ahead."""
    every_write = starting = False
    at_once = 2 * Scenario.at_once
    rate, later = 0, 0
    answer = OK                 # of the listener

    def __init__(self, base, prepared):
        super().__init__(base)
        self.origin, self.given = prepared.store, prepared

    def options(self, store):
        config = Path(f"{store}.conf")
        config.write_text("[push]\ntargets = loopback\n" + (f"[test]\nclock_rate = {self.rate}\n" if self.rate else ""))
        return "--config", str(config)

    def act(self, store, env):
        listener = Listener(self.answer)

        def run(server, left):
            left.listener, left.store, left.heard, left.log, left.done = listener, store, [], Log(self.given.mark), []
            try:
                with Ews(server, ALICE) as ews:
                    self.run(server, ews, left)
            except http.client.HTTPException as error:
                raise lost(error) from error
        left = self.serve(store, env | {"EWER_CRASH_LATER": str(self.later)}, run, self.options(store))
        if not hasattr(left, "listener"):           # it died before it was ready
            left.listener, left.heard, left.log, left.done = listener, [], Log(self.given.mark), []
        left.pushes = listener.after_death()
        return left

    def end(self, left):
        left.listener.close()

    def serving(self, store, left, later=None):
        later = self.later if later is None else later
        return Server(store, {"LD_PRELOAD": str(programs.KILLAT), "EWER_CRASH_LATER": str(later)}, left.options)

    def verify(self, store, left):
        mark = len(left.listener.heard)
        left.listener.answer = OK
        self.verify_rows(store, left)
        with self.serving(store, left) as server, Ews(server, ALICE) as ews:
            deliver_later(server)
            log = self.verify_log(ews, left)
            self.verify_told(server, ews, left, log, lambda: left.listener.heard[mark:])
        verify_invariants(store)
        self.verify_after(store, left)

    def verify_log(self, ews, left):
        """All that anybody was told is where it was, under the same watermarks."""
        log = Log(self.given.mark).read(ews, self.given.witness)
        log.verify()
        for known in (self.given.log, left.log):
            assert log.events[:len(known.events)] == known.events, "events have gone, or have other watermarks"
        return log

    def verify_rows(self, store, left):
        assert subscriptions(store) == self.given.ids

    def new_log(self, log, left, subscription, mark):
        """The events since the scenario began, for who subscribed then: at a mark of his own, which a listener hears even if the answer was lost."""
        heard = of_subscription(left.listener.heard, subscription)
        new = Log(mark or (heard[0].previous if heard else None))
        new.events = log.since(self.given.log.end)
        return new

    def verify_told(self, server, ews, left, log, heard):
        """What subscribers hear from the server that came back; heard() are the pushes since."""
        verify_stream(server, ews, self.given.stream, log)

    def verify_after(self, store, left):
        """Beyond that."""


# ---- subscriptions that begin and end

class Subscribing(Subscribers):
    """One of each kind, one after another."""
    kinds = (STREAM, PULL, PUSH)

    def run(self, server, ews, left):
        for kind in self.kinds:
            left.done.append(subscribed(ews, request_of(kind, left.listener.url)))

    def verify_rows(self, store, left):
        found = subscriptions(store)
        assert found.items() >= self.given.ids.items(), "older subscriptions are gone"
        assert {i for i, _ in left.done} <= set(found), "answered and gone"
        assert sorted(found[i] for i in set(found) - set(self.given.ids)) in (sorted(self.kinds[:n]) for n in range(len(left.done), len(left.done) + 2))
        left.found = found

    def verify_told(self, server, ews, left, log, heard):
        super().verify_told(server, ews, left, log, heard)
        marks = dict(left.done)
        for i in set(left.found) - set(self.given.ids):
            new = self.new_log(log, left, i, marks.get(i))
            if left.found[i] == STREAM:
                assert verify_stream(server, ews, i, new, []) == 0
            elif left.found[i] == PULL and i in marks:
                assert Log(marks[i]).read(ews, i).events == new.events
            elif left.found[i] == PUSH:
                left.listener.wait_for(server, lambda _, i=i: last_mark_of(heard(), i) == new.end)
                new = self.new_log(log, left, i, marks.get(i))
                verify_pushes(of_subscription(left.pushes, i), of_subscription(heard(), i), new)
                first = of_subscription(left.listener.heard, i)[0]
                assert [e.type for e in first.events] == ["StatusEvent"], "a listener first hears that it is subscribed"


def last_mark_of(pushes, subscription):
    mine = of_subscription(pushes, subscription)
    return last_mark(mine[-1]) if mine else None


class Ending(Subscribers):
    """Subscriptions that end one after another; the one with the log, `witness`, stays."""

    @property
    def victims(self):
        return [self.given.stream, self.given.pull]

    def run(self, server, ews, left):
        for victim in self.victims:
            self.delete(server, ews, left, victim)
            left.done.append(victim)

    def verify_rows(self, store, left):
        gone = set(self.given.ids) - set(subscriptions(store))
        assert gone in (set(self.victims[:n]) for n in range(len(left.done), len(left.done) + 2)), "others are gone, or what was answered is not"
        left.gone = gone

    def verify_told(self, server, ews, left, log, heard):
        """What is left of them goes on; and can be ended."""
        if self.given.stream not in left.gone:
            assert verify_stream(server, ews, self.given.stream, log, []) == 0
        if self.given.pull not in left.gone:
            assert Log(self.given.mark).read(ews, self.given.pull).events == log.events
        for victim in self.victims:
            codes, _ = ews.ask(unsubscribe(victim))
            assert codes == [NO_SUCH if victim in left.gone else "NoError"]


class Unsubscribing(Ending):
    def delete(self, server, ews, left, victim):
        ews.call(unsubscribe(victim))


class SubDeleteServed(Ending):
    """`ewerctl sub delete` through a server, which has a stream of one of them open."""

    def run(self, server, ews, left):
        with streaming(server, ews, self.given.stream) as stream:
            # Nothing is written in the background by then: a command that finds no server does it alone, and unseen.
            hear(stream, [], lambda document: document.notifications)
            super().run(server, ews, left)

    def delete(self, server, ews, left, victim):
        if ewerctl(left.store, "sub", "delete", victim).returncode != 0:
            raise ConnectionError("ewerd has ended")


class SubDelete(SubDeleteServed):
    """`ewerctl sub delete` alone."""

    @property
    def victims(self):
        return [self.given.stream]

    def act(self, store, env):
        left = self.command(store, env, "sub", "delete", self.given.stream)
        left.options, left.listener, left.pushes, left.log = self.options(store), Listener(), [], Log(self.given.mark)
        left.done = self.victims if left.done else []
        return left


# ---- streams

class Streaming(Subscribers):
    """A stream hears what came before and what comes while it is open; then its cursor is stored. Unharmed, nothing is told again."""

    def run(self, server, ews, left):
        with streaming(server, ews, self.given.stream, minutes=self.minutes) as stream:
            hear(stream, left.heard, lambda _: len(left.heard) == len(self.given.log.events))
            deliver(server, 21)
            hear(stream, left.heard, lambda _: len(left.heard) == len(self.given.log.events) + EVENTS_OF_MAIL)
            self.rest(stream, left)
        left.done = True

    def verify_told(self, server, ews, left, log, heard):
        again = verify_stream(server, ews, self.given.stream, log, left.heard)
        assert left.killed or again == 0, f"{again} events of a stream that ended well are told again"


class StreamClosed(Streaming):
    """It ends by Closed."""
    rate, minutes = 150, 1

    def rest(self, stream, left):
        hear(stream, left.heard, lambda _: False)


SIGNS_OF_LIFE = 6               # more than two minutes of them: what was told before is sure


def hear_signs_of_life(stream, heard):
    signs = []

    def enough(document):
        signs.extend([] if document.notifications else [document.status])
        return len(signs) == SIGNS_OF_LIFE
    hear(stream, heard, enough)


class StreamSure(Streaming):
    """It hangs up long after the last event."""
    rate, minutes = 1200, 30

    def rest(self, stream, left):
        hear_signs_of_life(stream, left.heard)


class StreamStopped(Streaming):
    """It is open when the server ends."""
    minutes = 30

    def rest(self, stream, left):
        server = left.server
        server.process.terminate()
        hear(stream, left.heard, lambda _: False)

    def run(self, server, ews, left):
        left.server = server
        super().run(server, ews, left)


# ---- asking

class PulledFrom(Subscribers):
    """Asked late, a subscription gets a sign of life; and events are read while others come."""
    life, later = 600, 300

    def run(self, server, ews, left):
        for step in (lambda: deliver(server, 21), lambda: deliver(server, 22, 23), lambda: ews.call(move_items(named("drafts"), self.given.item))):
            left.log.read(ews, self.given.pull)
            step()
        left.log.read(ews, self.given.pull)

    def verify_told(self, server, ews, left, log, heard):
        super().verify_told(server, ews, left, log, heard)
        further = Log(left.log.end).read(ews, self.given.pull)
        assert left.log.events + further.events == log.events

    def verify_after(self, store, left):
        """A server that ended well has noted the sign of life; of one that was killed, the subscription has lived until now in any case."""
        with self.serving(store, left, self.later + self.life - 60) as server, Ews(server, ALICE) as ews:
            assert left.killed or Log(self.given.mark).read(ews, self.given.pull).events


# ---- pushes

def mark_of(left):
    return left.push[1] if hasattr(left, "push") else None


class Pushed(Subscribers):
    """A listener subscribes, and says OK to all it hears."""

    def run(self, server, ews, left):
        left.push = subscribed(ews, request_of(PUSH, left.listener.url))
        left.listener.wait_for(server, lambda heard: heard)
        for numbers in ((21,), (22, 23)):
            events = len(real_events(left.listener.heard)) + EVENTS_OF_MAIL * len(numbers)
            deliver(server, *numbers)
            left.listener.wait_for(server, lambda heard, events=events: len(real_events(heard)) == events)

    def verify_rows(self, store, left):
        new = set(subscriptions(store)) - set(self.given.ids)
        answered = {left.push[0]} if hasattr(left, "push") else set()
        assert answered <= new and len(new) <= 1
        left.row = next(iter(new), None)

    def verify_told(self, server, ews, left, log, heard):
        super().verify_told(server, ews, left, log, heard)
        if left.row is not None:
            left.listener.wait_for(server, lambda _: last_mark_of(heard(), left.row) == log.end)
            verify_pushes(left.pushes, heard(), self.new_log(log, left, left.row, mark_of(left)))


class PushGivenUp(Pushed):
    """A listener that refuses all: after three times in two minutes it is given up, and never before."""
    rate, answer, minutes, tries = 600, BROKEN, 1, 3

    def run(self, server, ews, left):
        left.push = subscribed(ews, request_of(PUSH, left.listener.url, self.minutes))
        deliver(server, 21)
        left.listener.wait_for(server, lambda heard: len(heard) == self.tries)
        wait_for(server, lambda: look(left.store / self.given.file, "SELECT id FROM subscription WHERE kind = 3") == [[]])

    def verify_rows(self, store, left):
        new = set(subscriptions(store)) - set(self.given.ids)
        left.row = next(iter(new), None)
        assert len(left.pushes) <= self.tries
        if len(left.pushes) < self.tries:
            assert left.row is not None or not hasattr(left, "push"), "given up too early"
        assert left.killed or left.row is None, "not given up"

    def verify_told(self, server, ews, left, log, heard):
        """One that is still there gets another try, and then all."""
        if left.row is not None:
            left.listener.wait_for(server, lambda _: last_mark_of(heard(), left.row) == log.end)
        if left.row is None:
            assert not heard(), "given up, and told"
        log = self.new_log(log, left, left.row, mark_of(left))
        verify_chain(left.pushes + heard(), log)
        assert all(push.previous == log.mark for push in left.pushes + heard()[:1]), "what was refused is passed over"


# ---- once a day

class Housekeeping(Subscribers):
    """A month later old events go, and with them, in one commit, the subscriptions that nobody used; what is new stays."""
    at_once = 6 * Scenario.at_once  # it comes a second after the start
    later = 31 * DAY
    kept = 30 * DAY

    def __init__(self, base, prepared):
        super().__init__(base, prepared)
        self.old_ids, = look(self.origin / self.given.file, "SELECT id FROM subscription")

    def left_over(self, store):
        """(events, subscriptions) of old."""
        before_ms = (time.time() + self.later - self.kept) * 1000
        ((events,),), ids = look(store / self.given.file, f"SELECT count(*) FROM event WHERE at_ms < {before_ms:.0f}", "SELECT id FROM subscription")
        return events, len({*ids} & {*self.old_ids})

    def run(self, server, ews, left):
        left.fresh = subscribed(ews, request_of(PULL))
        left.log = Log(left.fresh[1])
        deliver(server, 21)
        left.log.read(ews, left.fresh[0])
        wait_for(server, lambda: self.left_over(left.store)[1] == 0)

    def verify(self, store, left):
        events, ids = self.left_over(store)
        assert (events == 0) == (ids == 0) and ids in (0, len(self.old_ids)), f"{events} events and {ids} subscriptions are left"
        assert left.killed or ids == 0, "nothing was tidied"
        with self.serving(store, left) as server, Ews(server, ALICE) as ews:
            deliver_later(server)
            assert ews.ask(get_events(self.given.pull, self.given.mark))[0] == [NO_SUCH]
            codes, _ = ews.ask(request_of(PULL, mark=self.given.mark))
            # It may be tidied meanwhile.
            assert codes == ["ErrorInvalidWatermark"] or events and codes == ["NoError"], codes
            if hasattr(left, "fresh"):
                log = Log(left.fresh[1]).read(ews, left.fresh[0])
                assert log.events[:len(left.log.events)] == left.log.events and log.seen[-EVENTS_OF_MAIL:] != left.log.seen[-EVENTS_OF_MAIL:]
        verify_invariants(store)


# ---- a full disk

@pytest.mark.skipif(ONLY is not None, reason="one point alone is wanted")
@pytest.mark.parametrize("space_again", [True, False])
def test_a_full_disk_costs_no_event(base, prepared, space_again):
    """A stream's cursor cannot be stored. In memory it goes on; once there is space, it is stored. If the server dies before, all is told again."""
    store, full, heard = base.scratch / f"full-{space_again}", base.scratch / f"full-{space_again}.flag", []
    shutil.copytree(prepared.store, store)
    config = Path(f"{store}.conf")
    config.write_text(f"[test]\nclock_rate = {StreamSure.rate}\n")
    env = {"LD_PRELOAD": str(programs.KILLAT), "EWER_CRASH_DIR": str(store), "EWER_CRASH_FULL": str(full)}
    server = Server(store, env, ("--config", str(config)))
    with Ews(server, ALICE) as ews:
        ews.sync()                      # the mailbox is open
        full.touch()
        for _ in range(2):
            with streaming(server, ews, prepared.stream) as stream:
                hear_signs_of_life(stream, heard)
        assert heard == prepared.log.seen, "what was sure is told again by a server that knows it"
        assert cursor_of(store, prepared) == cursor_of(prepared.store, prepared)
        if space_again:
            full.unlink()
            wait_for(server, lambda: cursor_of(store, prepared) != cursor_of(prepared.store, prepared))
    server.process.kill()
    server.stop()
    with Server(store) as server, Ews(server, ALICE) as ews:
        deliver_later(server)
        log = Log(prepared.mark).read(ews, prepared.witness)
        again = verify_stream(server, ews, prepared.stream, log, heard)
        assert again == (0 if space_again else len(heard))
    verify_invariants(store)


def cursor_of(store, prepared):
    return look(store / prepared.file, "SELECT cursor_seq, cursor_taken FROM subscription WHERE kind = 1")[0]


SCENARIOS = [Subscribing, Unsubscribing, SubDelete, SubDeleteServed, StreamClosed, StreamSure, PulledFrom, Pushed, PushGivenUp, Housekeeping]
ALONE = [StreamStopped]         # what the others do among more


@pytest.mark.skipif(ONLY is not None, reason="one point alone is wanted")
@pytest.mark.parametrize("kind", SCENARIOS + (ALONE if LONG else []), ids=lambda kind: kind.__name__)
def test_every_step(base, prepared, kind):
    enumerate_points(base, kind(base, prepared))


@pytest.mark.skipif(ONLY is None, reason="EWER_CRASH_POINT names no point")
def test_one_point(base, prepared):
    run_named_point(base, SCENARIOS + ALONE, prepared)
