"""What is sent, through a crash at every durable step: queued once, delivered once. See points.py and docs/design/sending.md.

The one exception is SMTP's: a smarthost that has taken a message gets it again when the server dies before it has noted that.
"""
import contextlib
import http.client
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

from points import (ALICE, BEFORE, BOB, ONLY, Scenario, enumerate_points, run_named_point, verify_goes_on, verify_invariants,
                    verify_mailbox)
from programs import SECONDS, Ews, Server
from smarthost import Smarthost
from test_writes import create_items

SENT_ITEMS = '<t:DistinguishedFolderId Id="sentitems"/>'
ELSEWHERE = ["one@elsewhere.example", "two@elsewhere.example"]
LOOK_SECONDS = 0.005
NOTED = 2                   # enum outbox_state: OUTBOX_SENT


def outgoing(number, recipients):
    return (f"From: {ALICE}\r\nTo: {', '.join(recipients)}\r\nSubject: outgoing {number}\r\nDate: Thu, 1 Jan 2026 11:{number:02}:00 +0000\r\n"
            f"Message-ID: <out-{number}@crash.example.org>\r\n\r\nThe body of {number}.\r\n.with a dot\r\n").encode()


def rows(file, query):
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=SECONDS)) as db:
        return db.execute(query).fetchall()


def wait_until_settled(server, store):
    """Until no mailbox has anything in its outbox: the last thing done is to clear the hint. ConnectionError when the server dies before."""
    deadline = time.monotonic() + SECONDS
    while rows(store / "directory.db", "SELECT mailbox FROM outbox_hint"):
        assert time.monotonic() < deadline, "what was sent does not arrive"
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(LOOK_SECONDS)
            raise ConnectionError("ewerd has ended")


def outboxes(store):
    """[(recipient, state)] of all that waits in a store that is not served; it is looked at in a copy, for a look may repair."""
    found = []
    with tempfile.TemporaryDirectory(dir=store.parent) as place:
        if (store / "mailboxes").exists():
            shutil.copytree(store / "mailboxes", Path(place) / "mailboxes")
        for file in Path(place).glob("mailboxes/*/*.db"):
            found += rows(file, "SELECT address, state FROM outbox_recipient")
    return found


class SendHere(Scenario):
    """Two messages in one request to recipients of this server, the sender among them."""
    every_write = False
    sent = {1: [BOB], 2: [ALICE, BOB]}

    def __init__(self, base):
        super().__init__(base)
        self.messages = {outgoing(number, to): to for number, to in self.sent.items()}

    def act(self, store, env):
        return self.send_from(store, env)

    def send_from(self, store, env, options=()):
        return self.serve(store, env, lambda server, left: self.send(server, store, left), options)

    def send(self, server, store, left):
        with Ews(server, ALICE) as ews:
            try:
                ews.call(create_items("SendAndSaveCopy", SENT_ITEMS, list(self.messages)))
            except http.client.HTTPException as error:
                raise ConnectionError("an answer without end") from error
            left.done = True
        wait_until_settled(server, store)

    def verify(self, store, left):
        """Returns the messages that were queued."""
        with Server(store, options=left.options) as server:
            wait_until_settled(server, store)
            queued = self.verify_copies(server, left)
            states = {}
            for user in (ALICE, BOB):
                expected = [m for m in queued if user in self.messages[m]]
                states[user], _ = verify_mailbox(server, user, self.states[user], BEFORE, expected, expected)
            verify_goes_on(server, states)
        assert outboxes(store) == [], "settled, and something is in an outbox"
        verify_invariants(store)
        return queued

    def verify_copies(self, server, left):
        """The sent copies: what was queued."""
        with Ews(server, ALICE) as ews:
            copies = Counter(ews.mime([i for _, i, _ in ews.sync(folder=SENT_ITEMS)[1]]).values())
        assert not copies - Counter(list(self.messages)), f"sent items: {copies}"
        assert not left.done or copies == Counter(list(self.messages)), f"answered, and not among the sent items: {copies}"
        return list(copies)


class SendElsewhere(SendHere):
    """A message to a recipient here and two beyond a smarthost, which lives on."""
    sent = {3: [BOB, *ELSEWHERE]}

    def __init__(self, base):
        super().__init__(base)
        self.repeats = []           # a number for each crash and each power loss

    def act(self, store, env):
        smarthost, config = Smarthost(), Path(f"{store}.conf")
        config.write_text(f"[smtp]\nsmarthost = {smarthost.url}\n")
        left = self.send_from(store, env, ("--config", str(config)))
        left.smarthost, left.taken = smarthost, smarthost.after_death()
        return left

    def end(self, left):
        left.smarthost.close()

    def verify(self, store, left):
        waiting, mark = dict(outboxes(store)), len(left.smarthost.accepted)
        queued = super().verify(store, left)
        taken, taken_now = left.taken, left.smarthost.accepted[mark:]
        assert {m for _, m in taken + taken_now} <= set(queued), "the smarthost got what was not sent, or other bytes"
        for recipient in ELSEWHERE if queued else []:
            times, times_now = (sum(to == recipient for to, _ in some) for some in (taken, taken_now))
            assert times + times_now > 0, f"{recipient}: lost"
            assert times <= 1 and times_now <= 1, f"{recipient}: {times} times, then {times_now} times"
            if waiting.get(recipient, NOTED) == NOTED:
                assert times_now == 0, f"{recipient}: again, though it was noted"
        self.repeats.append(len(taken + taken_now) - len(ELSEWHERE) if queued else 0)
        assert self.repeats[-1] <= 1, f"one crash, {self.repeats[-1]} repeated"
        return queued


SCENARIOS = [SendHere, SendElsewhere]


@pytest.mark.skipif(ONLY is not None, reason="one point alone is wanted")
def test_sending_here(base):
    enumerate_points(base, SendHere(base))


@pytest.mark.skipif(ONLY is not None, reason="one point alone is wanted")
def test_sending_elsewhere(base):
    scenario = SendElsewhere(base)
    enumerate_points(base, scenario)
    print(f"SendElsewhere: {sum(scenario.repeats)} of {len(scenario.repeats)} crashes and power losses made the smarthost take a message again")


@pytest.mark.skipif(ONLY is None, reason="EWER_CRASH_POINT names no point")
def test_one_point(base):
    run_named_point(base, SCENARIOS)
