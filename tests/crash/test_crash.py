"""Mail that comes in, and the users of a store, through a crash at every durable step. See points.py."""
import threading
from collections import Counter

import pytest

from points import (ALICE, BEFORE, BOB, CAROL, NEW, ONLY, Scenario, enumerate_points, message, run_named_point, verify_files, verify_goes_on,
                    verify_invariants, verify_mailbox)
from programs import Ews, Lmtp, Server, ewerctl, user_add, users


class Deliver(Scenario):
    """Two messages to two recipients, pipelined on one connection."""

    def act(self, store, env):
        return self.serve(store, env, self.deliver)

    def deliver(self, server, left):
        lmtp = Lmtp(server)
        try:
            lmtp.deliver(NEW, [ALICE, BOB], left.answered)
        finally:
            lmtp.close()

    def verify(self, store, left):
        with Server(store) as server:
            states = {}
            for user in (ALICE, BOB):
                required = [m for to, m in left.answered if to == user]
                states[user], _ = verify_mailbox(server, user, self.states[user], BEFORE, required, NEW)
            verify_goes_on(server, states)
        verify_invariants(store)


class DeliverTogether(Deliver):
    """Four connections at once to one mailbox: deliveries that share a commit."""

    def deliver(self, server, left):
        def one(m):
            try:
                lmtp = Lmtp(server)
                try:
                    lmtp.deliver([m], [ALICE], left.answered)
                finally:
                    lmtp.close()
            except ConnectionError:
                pass
        threads = [threading.Thread(target=one, args=(m,)) for m in self.sent()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def sent(self):
        return [message(20 + n) for n in range(4)]

    def verify(self, store, left):
        with Server(store) as server:
            required = [m for _, m in left.answered]
            state, _ = verify_mailbox(server, ALICE, self.states[ALICE], BEFORE, required, self.sent())
            verify_goes_on(server, {ALICE: state, BOB: self.verify_untouched(server, BOB)})
        verify_invariants(store)


class Import(Scenario):
    """`ewerctl import` of a Maildir, alone."""

    def __init__(self, base):
        super().__init__(base)
        self.maildir = base.maildir

    def act(self, store, env):
        return self.command(store, env, "import", ALICE, self.maildir)

    def verify(self, store, left):
        with Server(store) as server:
            state, new = verify_mailbox(server, ALICE, self.states[ALICE], BEFORE, NEW if left.done else [], NEW)
            oldest_first = [Counter(NEW[:n]) for n in range(len(NEW) + 1)]
            assert new in oldest_first, "what is imported is not the oldest"
            verify_goes_on(server, {ALICE: state, BOB: self.verify_untouched(server, BOB)})
        verify_invariants(store)


class ImportServed(Import):
    """`ewerctl import` through a server, which is killed."""

    def act(self, store, env):
        def run(_, left):
            left.done = ewerctl(store, "import", ALICE, self.maildir).returncode == 0
        return self.serve(store, env, run)


class UserAdd(Scenario):
    """`ewerctl user add` alone."""

    def act(self, store, env):
        return self.command(store, env, CAROL, run=user_add)

    def verify(self, store, left):
        known = users(store)
        assert known in ([ALICE, BOB], [ALICE, BOB, CAROL]) and (CAROL in known or not left.done), known
        verify_files(store)
        if CAROL not in known:
            assert user_add(store, CAROL).returncode == 0
        with Server(store) as server:
            states = {user: self.verify_untouched(server, user) for user in (ALICE, BOB)}
            states[CAROL], _ = verify_mailbox(server, CAROL, None, [], [], [])
            verify_goes_on(server, states)
        verify_files(store)
        verify_invariants(store)


class UserAddServed(UserAdd):
    """`ewerctl user add` through a server, which is killed."""

    def act(self, store, env):
        def run(_, left):
            left.done = user_add(store, CAROL).returncode == 0
        return self.serve(store, env, run)


class UserDelete(Scenario):
    """`ewerctl user delete` alone."""

    def act(self, store, env):
        return self.command(store, env, "user", "delete", BOB)

    def verify(self, store, left):
        known = users(store)
        assert known in ([ALICE], [ALICE, BOB]) and (BOB not in known or not left.done), known
        verify_files(store)
        gone = BOB not in known
        if gone:
            assert user_add(store, BOB).returncode == 0
        with Server(store) as server:
            states = {ALICE: self.verify_untouched(server, ALICE)}
            states[BOB] = verify_mailbox(server, BOB, None, [], [], [])[0] if gone else self.verify_untouched(server, BOB)
            verify_goes_on(server, states)
        verify_files(store)
        verify_invariants(store)


class UserDeleteServed(UserDelete):
    """`ewerctl user delete` through a server, which has the mailbox open and is killed."""

    def act(self, store, env):
        def run(server, left):
            with Ews(server, BOB) as ews:
                ews.sync()
                left.done = ewerctl(store, "user", "delete", BOB).returncode == 0
        return self.serve(store, env, run)


class Creation(Scenario):
    """A store's first user, in a directory that is not there yet."""
    prepared = False

    def act(self, store, env):
        return self.command(store, env, CAROL, run=user_add)

    def verify(self, store, left):
        if not left.done:
            user_add(store, CAROL)  # it may be there
        assert users(store) == [CAROL]
        verify_files(store)
        with Server(store) as server:
            verify_goes_on(server, {CAROL: verify_mailbox(server, CAROL, None, [], [], [])[0]})
        verify_invariants(store)


class CreationServed(Creation):
    """`ewerd serve` in a directory that is not there yet."""

    def act(self, store, env):
        return self.serve(store, env, lambda server, left: None)


SCENARIOS = [Deliver, DeliverTogether, Import, ImportServed, UserAdd, UserAddServed, UserDelete, UserDeleteServed,
             Creation, CreationServed]


@pytest.mark.skipif(ONLY is not None, reason="one point alone is wanted")
@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.__name__)
def test_every_step(base, kind):
    enumerate_points(base, kind(base))


@pytest.mark.skipif(ONLY is None, reason="EWER_CRASH_POINT names no point")
def test_one_point(base):
    run_named_point(base, SCENARIOS)
