"""What is sent, through a crash at every durable step: queued once, delivered once, or told once that it could not be. See points.py and
docs/design/sending.md.

The one exception is SMTP's: a smarthost that has taken a message gets it again when the server dies before it has noted that.
"""
import email
import http.client
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

import programs
from bodies import create_items, named, send_items
from outbox import SENT, WAITING, outboxes, wait_until_idle
from points import (ALICE, BEFORE, BOB, LONG, ONLY, Scenario, contents, enumerate_points, run_named_point, verify_goes_on, verify_invariants,
                    verify_mailbox)
from programs import Ews, Server, T
from smarthost import END, GREETING, RCPT, Smarthost

SENT_ITEMS, DRAFTS = named("sentitems"), named("drafts")
ONE, TWO, THREE = (f"{name}@elsewhere.example" for name in ("one", "two", "three"))
NOT_NOW, NEVER = b"451 4.3.0 not now", b"550 5.1.1 nobody of that name"
FIRST_RETRY = 90            # seconds after which what was put off is tried again
GIVEN_UP = 49 * 3600


def outgoing(number, recipients):
    return (f"From: {ALICE}\r\nTo: {', '.join(recipients)}\r\nSubject: outgoing {number}\r\nDate: Thu, 1 Jan 2026 11:{number:02}:00 +0000\r\n"
            f"Message-ID: <out-{number}@crash.example.org>\r\n\r\nThe body of {number}.\r\n.with a dot\r\n").encode()


def ask(server, left, *requests):
    """Asks as Alice; what was answered last is noted."""
    with Ews(server, ALICE) as ews:
        try:
            for request in requests:
                ews.call(request)
        except http.client.HTTPException as error:
            raise ConnectionError("an answer without end") from error
        left.done = True


class SendHere(Scenario):
    """Two messages in one request to recipients of this server, the sender among them."""
    every_write = False
    sent = {1: [BOB], 2: [ALICE, BOB]}

    def __init__(self, base):
        super().__init__(base)
        self.messages = {outgoing(number, to): to for number, to in self.sent.items()}

    def act(self, store, env):
        def run(server, left):
            ask(server, left, create_items("SendAndSaveCopy", SENT_ITEMS, list(self.messages)))
            wait_until_idle(server, store)
        return self.serve(store, env, run)

    def verify(self, store, left):
        with Server(store) as server:
            wait_until_idle(server, store)
            queued = self.verify_copies(server, left)
            states = {}
            for user in (ALICE, BOB):
                expected = [m for m in queued if user in self.messages[m]]
                states[user], _ = verify_mailbox(server, user, self.states[user], BEFORE, expected, expected)
            verify_goes_on(server, states)
        assert outboxes(store) == [], "settled, and something is in an outbox"
        verify_invariants(store)

    def verify_copies(self, server, left):
        """The sent copies: what was queued."""
        with Ews(server, ALICE) as ews:
            copies = Counter(ews.mime([i for _, i, _ in ews.sync(folder=SENT_ITEMS)[1]]).values())
        assert not copies - Counter(list(self.messages)), f"sent items: {copies}"
        assert not left.done or copies == Counter(list(self.messages)), f"answered, and not among the sent items: {copies}"
        return list(copies)


# ---- beyond the smarthost

def dateless(mime):
    """SendItem dates a draft anew, and its header then has another order."""
    head, _, body = mime.partition(b"\r\n\r\n")
    return sorted(line for line in head.split(b"\r\n") if not line.startswith(b"Date:")), body


def failed_recipients(bounce):
    status, = (part for part in email.message_from_bytes(bounce).walk() if part.get_content_type() == "message/delivery-status")
    return [block["Final-Recipient"].removeprefix("rfc822; ") for block in status.get_payload() if "Final-Recipient" in block]


class Outgoing(Scenario):
    """One message, and what a smarthost, which lives on, has to say to it. Each kind says what the smarthost answers: `before` the scenario begins (then the
    message waits already), `now`, in the midst of which the server dies, and `then`; and whose mail comes back."""
    every_write = False
    to = [ONE]
    before, now, then = None, {}, {}
    later = 0                   # seconds on the server's clock, for `now`
    failed = []
    draft = None                # SaveItemToFolder, when the message is sent by SendItem
    repeats = 0

    def __init__(self, base):
        super().__init__(base)
        self.message = outgoing(1, self.to)
        self.request = create_items("SendAndSaveCopy", SENT_ITEMS, [self.message])
        if self.before is not None or self.draft is not None:
            self.origin = base.scratch / type(self).__name__
            shutil.copytree(base.store, self.origin)
            self.prepare()

    def prepare(self):
        smarthost = Smarthost(self.before)
        with Server(self.origin, options=self.options(self.origin, smarthost)) as server, Ews(server, ALICE) as ews:
            if self.draft is not None:
                item = ews.call(create_items("SaveOnly", DRAFTS, [self.message])).find(f".//{T}ItemId")
                self.request = send_items(self.draft, (item.get("Id"), item.get("ChangeKey")))
            else:
                ews.call(self.request)
                wait_until_idle(server, self.origin)
        smarthost.close()
        assert self.draft is not None or [r.state for r in outboxes(self.origin)] == [WAITING] * len(self.to)

    @staticmethod
    def options(store, smarthost):
        config = Path(f"{store}.conf")
        config.write_text(f"[smtp]\nsmarthost = {smarthost.url}\n")
        return "--config", str(config)

    def act(self, store, env):
        smarthost = Smarthost(self.now)

        def run(server, left):
            if self.before is None:
                ask(server, left, self.request)
            wait_until_idle(server, store, self.later)
        left = self.serve(store, env | {"EWER_CRASH_LATER": str(self.later)}, run, self.options(store, smarthost))
        left.smarthost, left.taken = smarthost, smarthost.after_death()
        return left

    def end(self, left):
        left.smarthost.close()

    def serving(self, store, left, later):
        return Server(store, {"LD_PRELOAD": str(programs.KILLAT), "EWER_CRASH_LATER": str(later)}, left.options)

    def verify(self, store, left):
        waiting, mark = {r.address: r for r in outboxes(store)}, len(left.smarthost.accepted)
        left.smarthost.script = self.then
        self.verify_nobody_is_early(store, left, waiting)
        later = self.later + FIRST_RETRY
        with self.serving(store, left, later) as server:
            wait_until_idle(server, store, later)
            queued = self.verify_copy(server, left)
            states = self.verify_inboxes(server, queued)
            verify_goes_on(server, states)
        assert outboxes(store) == [], "settled, and something is in an outbox"
        self.verify_taken(left.taken, left.smarthost.accepted[mark:], queued, waiting)
        verify_invariants(store)

    def verify_nobody_is_early(self, store, left, waiting):
        """A start tries what is due, and no more: that something waits outlives the server."""
        now_ms, mark = (time.time() + self.later) * 1000, len(left.smarthost.asked)
        put_off = {r.address for r in waiting.values() if r.state == WAITING and r.next_ms > now_ms}
        if not put_off:
            return
        with self.serving(store, left, self.later) as server:
            wait_until_idle(server, store, self.later)
        assert not put_off & set(left.smarthost.asked[mark:]), "tried again before its time"

    def verify_copy(self, server, left):
        """Whether the message was queued: what is left in the mailbox says so."""
        with Ews(server, ALICE) as ews:
            found = {name: [dateless(m) for m in ews.mime([i for _, i, _ in ews.sync(folder=folder)[1]]).values()]
                     for name, folder in (("draft", DRAFTS), ("copy", SENT_ITEMS))}
        whole = [dateless(self.message)]
        unsent = {"draft": whole if self.draft is not None else [], "copy": []}
        sent = {"draft": [], "copy": whole if self.draft != "false" else []}
        assert found in (unsent, sent), f"neither sent nor unsent: {found}"
        if self.before is not None or left.done:
            assert found == sent, f"answered, and not sent: {found}"
        return found == sent

    def verify_inboxes(self, server, queued):
        states = {}
        for user in (ALICE, BOB):
            with Ews(server, user) as ews:
                states[user], new, _ = contents(ews, self.states[user])
                bounces = [m for m in new if b"multipart/report" in m]
                mail = [dateless(m) for m in new.elements() if m not in bounces]
            assert mail == [dateless(self.message)] * (queued and user in self.to), f"{user}: {mail}"
            comes_back = queued and user == ALICE and self.failed
            assert new.total() == len(mail) + bool(comes_back), f"{user}: {new.total() - len(mail)} bounces"
            if comes_back:
                assert failed_recipients(bounces[0]) == self.failed
        return states

    def verify_taken(self, taken, taken_now, queued, waiting):
        assert all(dateless(m) == dateless(self.message) for _, m in taken + taken_now), "the smarthost got other bytes"
        assert queued or not taken + taken_now, "the smarthost got what was not queued"
        repeated = 0
        for recipient in set(self.to) - {ALICE, BOB} if queued else ():
            times, times_now = (sum(to == recipient for to, _ in some) for some in (taken, taken_now))
            if recipient in self.failed:
                assert times + times_now == 0
                continue
            assert times + times_now > 0, f"{recipient}: lost"
            assert times <= 1 and times_now <= 1, f"{recipient}: {times} times, then {times_now} times"
            if recipient not in waiting and times or recipient in waiting and waiting[recipient].state == SENT:
                assert times_now == 0, f"{recipient}: again, though it was noted"
            repeated += times + times_now - 1
        assert repeated <= 1, f"one crash, {repeated} repeated"
        self.repeats += repeated


class Taken(Outgoing):
    to = [BOB, ONE, TWO]


class Refused(Outgoing):
    now = then = {(RCPT, ONE): NEVER}
    failed = [ONE]


class RefusedInParts(Outgoing):
    """At the recipient, at the end of the message, and not at all."""
    to = [BOB, ONE, TWO, THREE]
    now = then = {(RCPT, ONE): NEVER, (END, THREE): b"554 5.7.1 not this"}
    failed = [ONE, THREE]


class PutOff(Outgoing):
    now = {(RCPT, ONE): NOT_NOW}


class PutOffInParts(Outgoing):
    """One is taken, one put off, and one comes back only when the second is taken."""
    to = [ONE, TWO, THREE]
    now, then = {(END, TWO): NOT_NOW, (RCPT, THREE): NEVER}, {(RCPT, THREE): NEVER}
    failed = [THREE]


class NobodyThere(Outgoing):
    to = [ONE, TWO]
    now = {(GREETING, None): b"421 4.3.2 closed"}


class TakenAtLast(Outgoing):
    to = [ONE, TWO]
    before = {(RCPT, ONE): NOT_NOW, (RCPT, TWO): NOT_NOW}
    later = FIRST_RETRY


class RefusedAtLast(Outgoing):
    before = {(RCPT, ONE): NOT_NOW}
    now = then = {(RCPT, ONE): NEVER}
    later, failed = FIRST_RETRY, [ONE]


class GivenUp(Outgoing):
    to = [ONE, TWO]
    before = {(RCPT, ONE): NOT_NOW, (RCPT, TWO): NOT_NOW}
    now = then = {(RCPT, ONE): NOT_NOW}
    later, failed = GIVEN_UP, [ONE]


class DraftSent(Outgoing):
    to = [BOB, ONE]
    draft = "true"


class DraftSentUnsaved(Outgoing):
    to = [BOB, ONE]
    draft = "false"


OUTGOING = [Taken, RefusedInParts, PutOffInParts, NobodyThere, TakenAtLast, RefusedAtLast, GivenUp, DraftSent, DraftSentUnsaved]
ALONE = [Refused, PutOff]   # what the others do among more


@pytest.mark.skipif(ONLY is not None, reason="one point alone is wanted")
def test_sending_here(base):
    enumerate_points(base, SendHere(base))


@pytest.mark.skipif(ONLY is not None, reason="one point alone is wanted")
@pytest.mark.parametrize("kind", OUTGOING + (ALONE if LONG else []), ids=lambda kind: kind.__name__)
def test_sending_elsewhere(base, kind):
    scenario = kind(base)
    enumerate_points(base, scenario)
    print(f"{kind.__name__}: {scenario.repeats} crashes and power losses made the smarthost take a message again")


@pytest.mark.skipif(ONLY is None, reason="EWER_CRASH_POINT names no point")
def test_one_point(base):
    run_named_point(base, [SendHere, *OUTGOING, *ALONE])
