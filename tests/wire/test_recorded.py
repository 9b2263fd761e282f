"""Requests as real programs sent them, replayed byte for byte but for the ids, which belong to
other answers.

The recordings are looked for in EWER_REQUESTS_DIR, else in ../shared/requests beside the tree;
where there are none, nothing is replayed.
"""
import os
import re
from pathlib import Path

import pytest

from mails import zoo
from soap import ROOT, local, sync_hierarchy

DIRECTORY = Path(os.environ.get("EWER_REQUESTS_DIR") or ROOT.parent / "shared" / "requests")
READING = (
    "ConvertId",
    "GetFolder",
    "FindFolder",
    "SyncFolderHierarchy",
    "SyncFolderItems",
    "GetItem",
    "FindItem",
    "GetAttachment",
)
FILES = sorted(DIRECTORY.glob("*.xml")) if DIRECTORY.exists() else []
# Ids of folders that later requests of the same program made, of events and the like, are none of
# the mailbox's.
ALLOWED = {"NoError", "ErrorFolderNotFound", "ErrorSyncFolderNotFound"}

pytestmark = pytest.mark.skipif(not FILES, reason=f"no recorded requests in {DIRECTORY}")


def operation_of(file):
    found = re.search(r"Body>\s*<(?:\w+:)?(\w+)", file.read_text())
    return found.group(1) if found else ""


def readers():
    return [pytest.param(f, id=f.stem) for f in FILES if operation_of(f) in READING]


@pytest.fixture(scope="module", name="mailbox")
def fixture_mailbox(shared_server):
    """A filled mailbox of the recorded account, and its ids; replays change nothing in it."""
    user = shared_server.add_user("alice@example.com")
    shared_server.deliver(user, *[message for _, message, _ in zoo()])
    with shared_server.soap(user) as client:
        folders = [e[0].get("Id") for _, e in client.call(sync_hierarchy("root")).changes]
        inbox = client.folder_id("inbox")
        yield client, [inbox] + [f for f in folders if f != inbox], client.items()


def mapped(text, folders, items):
    """First seen, first mapped."""
    seen = {}

    def replacement(match):
        known, kind = match.group(2), match.group(1)
        pool = items if kind == "Item" else folders
        if (kind, known) not in seen:
            seen[kind, known] = pool[sum(k == kind for k, _ in seen) % len(pool)]
        return match.group(0).replace(f'Id="{known}"', f'Id="{seen[kind, known]}"')

    text = re.sub(
        r'<(?:\w+:)?(Item|Folder)Id Id="([^"]*)"(?: ChangeKey="[^"]*")?',
        lambda m: re.sub(r' ChangeKey="[^"]*"', "", replacement(m)),
        text,
    )
    return text


@pytest.mark.parametrize("file", readers())
def test_recorded_request(server, mailbox, file):
    assert server.is_alive()
    client, folders, items = mailbox
    text = mapped(file.read_text(), folders, items)
    state = re.search(r"<(?:m:)?SyncState>([^<]+)<", text)
    if state:
        first = client.post(
            text.replace(state.group(0), state.group(0).replace(state.group(1), "")).encode()
        )
        assert first.status == 200, first.text
        text = text.replace(state.group(1), first.state)
    answer = client.post(text.encode())
    assert answer.status == 200, answer.text
    assert not answer.is_fault, answer.text
    assert local(answer.body) == operation_of(file) + "Response"
    if operation_of(file) == "ConvertId":
        return
    assert set(answer.codes) <= ALLOWED, answer.text
    wanted = (
        len(re.findall(r"<(?:\w+:)?(?:Item|Folder|DistinguishedFolder)Id ", text))
        if operation_of(file) in ("GetFolder", "GetItem")
        else 1
    )
    assert len(answer.messages) == wanted
    if state:
        assert answer.changes == []


def test_something_is_replayed():
    assert len(readers()) > 30
