"""What waits in the outboxes of a store, read from its files."""
import contextlib
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections import namedtuple
from pathlib import Path

from programs import SECONDS

LOOK_SECONDS = 0.005
WAITING, SENT, FAILED = 1, 2, 3     # enum outbox_state

Recipient = namedtuple("Recipient", "address state next_ms")


def rows(file, query):
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=SECONDS)) as db:
        return db.execute(query).fetchall()


def outboxes(store):
    """The recipients of all that waits. Mailboxes are looked at in a copy: a look repairs, and makes files that killat.so then does not see made."""
    with tempfile.TemporaryDirectory(dir=store.parent) as place:
        if (store / "mailboxes").exists():
            shutil.copytree(store / "mailboxes", Path(place) / "mailboxes", ignore=shutil.ignore_patterns("*-shm"))
        return [Recipient(*row) for file in Path(place).glob("mailboxes/*/*.db")
                for row in rows(file, "SELECT address, state, next_ms FROM outbox_recipient")]


def is_idle(store, later):
    """Nothing can be done now, on a clock that is `later` seconds ahead; the last thing done for an empty outbox is to clear the hint."""
    now_ms = (time.time() + later) * 1000
    if not rows(store / "directory.db", "SELECT mailbox FROM outbox_hint"):
        return True
    try:
        waiting = [r for r in outboxes(store) if r.state == WAITING]
    except (sqlite3.DatabaseError, shutil.Error):
        return False            # copied while it was written
    return bool(waiting) and all(r.next_ms > now_ms for r in waiting)


def wait_until_idle(server, store, later=0):
    """ConnectionError when the server dies before."""
    deadline = time.monotonic() + SECONDS
    while not is_idle(store, later):
        assert time.monotonic() < deadline, "what was sent does not arrive"
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(LOOK_SECONDS)
            raise ConnectionError("ewerd has ended")
