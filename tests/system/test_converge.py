"""The promise as a whole: many senders, many clients of all habits, restarts; every client ends
with exactly the folder."""
import random
import threading

import ewer
from mails import plain
from soap import sync_items

USERS = ["one@example.com", "two@example.com"]
SENDERS, MESSAGES = 2, 40
SEED = 20260302


class Replica(threading.Thread):
    """Syncs with pages of its own size until told that all is sent and then until nothing is left."""

    def __init__(self, server, user, most, again):
        super().__init__()
        self.server, self.user, self.most, self.again = server, user, most, again
        self.items, self.state, self.failure = {}, None, None
        self.rng = random.Random(SEED + most)
        self.all_sent = threading.Event()

    def run(self):
        try:
            while not self.round():
                pass
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def round(self):
        """One conversation; true when the replica must be complete."""
        complete = self.all_sent.is_set()
        with self.server.soap(self.user) as client:
            while True:
                answer = client.call(sync_items(state=self.state, most=self.most))
                for kind, element in answer.changes:
                    assert kind == "Create"
                    self.apply(element[0].get("Id"))
                # A lost answer: the old state is sent again.
                if self.again and self.rng.random() < 0.2:
                    complete = False
                    break
                self.state = answer.state
                if answer.last:
                    break
        return complete

    def apply(self, item):
        assert self.again or item not in self.items, "told twice"
        self.items[item] = True


def send(server, user, first, failures):
    try:
        for number in range(MESSAGES):
            server.deliver(user, plain(first + number))
    except Exception as failure:  # pylint: disable=broad-except
        failures.append(failure)


def test_every_client_ends_with_the_folder(store):
    failures = []
    with ewer.serving(store, USERS) as server:
        replicas = [
            Replica(server, user, most, again)
            for user in USERS
            for most, again in ((1, False), (3, True), (512, False))
        ]
        senders = [
            threading.Thread(target=send, args=(server, user, 1000 * n, failures))
            for user in USERS
            for n in range(SENDERS)
        ]
        for thread in replicas + senders:
            thread.start()
        for sender in senders:
            sender.join(100)
        for replica in replicas:
            replica.all_sent.set()
        for replica in replicas:
            replica.join(100)
        assert not failures
        assert not [r.failure for r in replicas if r.failure]
        for user in USERS:
            server.ctl("check", user)
            with server.soap(user) as client:
                expected = set(client.items())
                assert len(expected) == SENDERS * MESSAGES
            for replica in (r for r in replicas if r.user == user):
                assert set(replica.items) == expected, f"page size {replica.most}"
        server.restart()
        for replica in replicas:
            with server.soap(replica.user) as client:
                assert client.sync(state=replica.state)[0] == []
