"""The programs are killed at every durable step, started again, and compared: what was answered is there, exactly once and byte for byte; what was not
is there wholly or not at all. At each sync the same is asked of the image that a power loss would have left (image.py).

A scenario prepares a store, acts on it under killat.so, and verifies what is left. Its steps are counted in a first run, then each becomes a crash
point: killed before it, after it, in the midst of a write. With EWER_LONG=1 in all these ways at every step; without, each write is torn, and each
other step has both its sides. EWER_CRASH_POINT=NAME:STEP:HOW runs one point alone and leaves its store.
"""
import concurrent.futures
import os
import shutil
import tempfile
from collections import Counter, namedtuple
from pathlib import Path

import image
import programs
from programs import Ews, Lmtp, Server, ewerctl, ewerctl_ok, user_add, users

LONG = os.environ.get("EWER_LONG") == "1"
ONLY = os.environ.get("EWER_CRASH_POINT")
ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
TORN = ("torn/1/8", "torn/1/2", "torn/7/8") if LONG else ("torn/1/2",)
STEPS_BEYOND = 200          # a scenario with threads may take some steps more than when they were counted
SHOWN = 5

Point = namedtuple("Point", "step how")


def message(number):
    return (f"From: Sender <s{number}@example.org>\r\nTo: {ALICE}\r\nSubject: message {number}\r\n"
            f"Date: Thu, 1 Jan 2026 10:{number:02}:00 +0000\r\nMessage-ID: <{number}@crash.example.org>\r\n\r\n"
            f"The body of message {number}.\r\n..with a dot\r\n").encode()


BEFORE = [message(n) for n in (1, 2)]       # in the prepared store, for both users
NEW = [message(n) for n in (11, 12)]
LATER = message(99)


class Left:
    """What an act left behind: who was killed, and what had been answered until then."""

    def __init__(self, options=()):
        self.options = options  # of the server
        self.begun = 0          # steps until the server was ready
        self.killed = False
        self.answered = []
        self.done = False       # the one request or command said so


# ---- what must be true afterwards

def contents(ews, state=""):
    """(new state, Counter of messages, unread) by a sync from a state; only new items are expected."""
    state, changes = ews.sync(state)
    ids = [i for _, i, _ in changes]
    assert {kind for kind, _, _ in changes} <= {"Create"}, changes
    assert len(set(ids)) == len(ids), "an item comes twice"
    mime = ews.mime(ids)
    assert set(mime) == set(ids)
    return state, Counter(mime.values()), sum(read == "false" for _, _, read in changes)


def verify_mailbox(server, user, old_state, before, required, possible):
    """The inbox holds `before`, all of `required` and what it likes of `possible`; an old state leads to exactly what is new."""
    with Ews(server, user) as ews:
        state, found, unread = contents(ews)
        new = found - Counter(before)
        assert not Counter(before) - found, f"{user}: mail of before is gone"
        assert not Counter(required) - new, f"{user}: answered and gone: {list(Counter(required) - new)}"
        assert not new - Counter(possible), f"{user}: more than was sent, or other bytes: {list(new - Counter(possible))}"
        assert ews.counts() == (found.total(), unread), f"{user}: the folder's counts"
        if old_state is not None:
            assert contents(ews, old_state)[1] == new, f"{user}: the sync from an old state"
        assert ews.sync(state)[1] == [], f"{user}: a second sync"
    return state, new


def verify_goes_on(server, states):
    """The store takes mail, and each client hears of just that."""
    lmtp, answered = Lmtp(server), []
    lmtp.deliver([LATER], list(states), answered)
    lmtp.close()
    assert answered == [(user, LATER) for user in states]
    for user, state in states.items():
        with Ews(server, user) as ews:
            assert contents(ews, state)[1] == Counter([LATER]), f"{user}: the next delivery"


def verify_files(store):
    """Each user has a mailbox file, and there is no other."""
    files = list(store.glob("mailboxes/*/*.db"))
    assert len(files) == len(users(store)), f"users {users(store)}, files {files}"


def verify_invariants(store):
    for user in users(store):
        ewerctl_ok(store, "check", user)


# ---- scenarios

class Scenario:
    """A prepared store (None: there is none yet), an act, and what must be true afterwards."""
    prepared = True
    every_write = True
    starting = True             # the server's start is part of it; else only where EWER_LONG=1
    at_once = os.cpu_count()    # points that are tried side by side; more, where they wait

    def __init__(self, base):
        self.origin, self.states = (base.store, base.states) if self.prepared else (None, {})

    def serve(self, store, env, act, options=()):
        """Acts on a server that runs under killat.so."""
        left, server = Left(options), Server(store, env, options)
        try:
            if server.ready:
                left.begun = len(image.parse_log(Path(env["EWER_CRASH_LOG"]).read_bytes()))
                act(server, left)
        except ConnectionError:
            pass
        left.killed = server.stop() == -9
        return left

    def command(self, store, env, *words, run=ewerctl):
        """ewerctl alone under killat.so."""
        left = Left()
        done = run(store, *words, env=env)
        left.killed, left.done = done.returncode == -9, done.returncode == 0
        assert left.killed or left.done, f"ewerctl: {done.returncode} {done.stderr.decode()}"
        return left

    def end(self, left):
        """What an act left behind besides the store is no longer wanted."""

    def verify_untouched(self, server, user):
        return verify_mailbox(server, user, self.states[user], BEFORE, [], [])[0]


# ---- crash points

class Base:
    """What all scenarios begin with: two users with two messages each, and the clients' states."""

    def __init__(self, scratch):
        self.scratch, self.store = scratch, scratch / "base"
        for user in (ALICE, BOB):
            assert user_add(self.store, user).returncode == 0
        self.states = {}
        with Server(self.store) as server:
            lmtp, answered = Lmtp(server), []
            lmtp.deliver(BEFORE, [ALICE, BOB], answered)
            lmtp.close()
            assert len(answered) == 4
            for user in (ALICE, BOB):
                with Ews(server, user) as ews:
                    self.states[user], _ = ews.sync()
        self.maildir = self.make_maildir()

    def make_maildir(self):
        maildir = self.scratch / "maildir"
        for name in ("cur", "new", "tmp"):
            (maildir / name).mkdir(parents=True)
        for n, m in enumerate(NEW):
            file = maildir / "cur" / f"{1700000000 + n}.{n}.crash:2,{'S' * (n % 2)}"
            file.write_bytes(m)
            os.utime(file, (1700000000 + n, 1700000000 + n))
        return maildir


def run_point(base, scenario, point):
    """(what was left, the steps it did) of one crash point, verified; AssertionError tells what is wrong."""
    place = Path(tempfile.mkdtemp(prefix="point-", dir=base.scratch))
    store, log, after = place / "store", place / "steps", place / "image"
    if scenario.origin is not None:
        shutil.copytree(scenario.origin, store)
    log.touch()
    env = {"LD_PRELOAD": str(programs.KILLAT), "EWER_CRASH_DIR": str(store), "EWER_CRASH_LOG": str(log),
           "EWER_CRASH_AT": str(point.step), "EWER_CRASH_HOW": point.how}
    left = scenario.act(store, env)
    try:
        steps = image.parse_log(log.read_bytes())
        # The image is another one, or more was answered since, only around what is no write.
        power_loss = LONG or point.how == "before" or (steps and steps[-1].op == "sync")
        if power_loss:
            image.write_image(steps, store, scenario.origin, after)
        scenario.verify(store, left)
        if power_loss:
            try:
                scenario.verify(after, left)
            except AssertionError as error:
                raise AssertionError(f"after a power loss: {error}") from error
    finally:
        scenario.end(left)
    if not ONLY:
        shutil.rmtree(place)
    return left, steps


def attempt(base, scenario, point):
    """(killed, what is wrong or None)"""
    try:
        return run_point(base, scenario, point)[0].killed, None
    except Exception as error:      # whatever it is, the point is what the reader wants to know
        name = f"{type(scenario).__name__}:{point.step}:{point.how}"
        return True, f"{name}: {error or repr(error)}\n  repeat: EWER_CRASH_POINT={name} pytest tests/crash"


def points_of(steps, every_write=True):
    """The crash points of a sequence of steps. Half a write is no better than none, and nothing is answered between two writes: a torn write stands
    for its both sides, but where EWER_LONG=1. Without every_write, the last write before another step stands for those before it, too."""
    for number, step in enumerate(steps, 1):
        if step.op == "write":
            is_last = number == len(steps) or steps[number].op != "write"
            if is_last or every_write or LONG:
                yield from (Point(number, how) for how in TORN)
        if step.op != "write" or LONG:
            yield Point(number, "before")
            yield Point(number, "after")


def enumerate_points(base, scenario):
    """Runs all points, and says what is wrong. Ends when a run takes fewer steps than it was to be killed at."""
    left, steps = run_point(base, scenario, Point(0, "before"))
    assert not left.killed
    assert steps, "no durable step was seen: is killat.so loaded?"
    points = [point for point in points_of(steps, scenario.every_write) if point.step > left.begun or scenario.starting or LONG]
    with concurrent.futures.ThreadPoolExecutor(scenario.at_once) as pool:
        results = list(pool.map(lambda point: attempt(base, scenario, point), points))
    for beyond in range(len(steps) + 1, len(steps) + STEPS_BEYOND):
        results.append(attempt(base, scenario, Point(beyond, "before")))
        if not results[-1][0]:
            break
    else:
        results.append((True, "the steps do not come to an end"))
    print(f"{type(scenario).__name__}: {len(steps)} steps, {len(results)} points")
    wrong = [wrong for _, wrong in results if wrong]
    assert not wrong, f"{len(wrong)} crash points fail:\n" + "\n".join(wrong[:SHOWN])


def run_named_point(base, kinds, *more):
    """The point that EWER_CRASH_POINT names, if it is one of these scenarios; each is made of the base and more."""
    name, step, how = ONLY.split(":")
    for kind in kinds:
        if kind.__name__ == name:
            print("kept in", base.scratch)
            run_point(base, kind(base, *more), Point(int(step), how))
