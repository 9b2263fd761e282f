"""What clients write, through a crash at every durable step. See points.py."""
import base64
import http.client
import shutil
from collections import Counter

import pytest

from points import ALICE, BEFORE, NEW, ONLY, Scenario, enumerate_points, message, run_named_point, verify_invariants
from programs import INBOX, M, Ews, Lmtp, Server, T

DRAFTS, BIN = ('<t:DistinguishedFolderId Id="drafts"/>', '<t:DistinguishedFolderId Id="deleteditems"/>')
FOLDERS = ("Kept", "Moved", "Binned", "Gone")
FILED = [message(n) for n in (31, 32, 33)]      # one in each folder but the first


# ---- requests

def folder_id(i):
    return f'<t:FolderId Id="{i}"/>'


def item_ids(*ids):
    return "<m:ItemIds>" + "".join(f'<t:ItemId Id="{i}"/>' for i in ids) + "</m:ItemIds>"


def create_items(disposition, folder, messages):
    mimes = "".join(f"<t:Message><t:MimeContent>{base64.b64encode(m).decode()}</t:MimeContent></t:Message>" for m in messages)
    return (f'<m:CreateItem MessageDisposition="{disposition}"><m:SavedItemFolderId>{folder}</m:SavedItemFolderId>'
            f"<m:Items>{mimes}</m:Items></m:CreateItem>")


def set_field(uri, value):
    return f'<t:SetItemField><t:FieldURI FieldURI="{uri}"/><t:Message>{value}</t:Message></t:SetItemField>'


def update_item(i):
    updates = (set_field("item:Subject", "<t:Subject>changed</t:Subject>") +
               set_field("item:Categories", "<t:Categories><t:String>red</t:String></t:Categories>") +
               set_field("item:Body", '<t:Body BodyType="Text">another body</t:Body>'))
    return ('<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange>'
            f'<t:ItemId Id="{i}"/><t:Updates>{updates}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>')


def move_items(folder, *ids):
    return f"<m:MoveItem><m:ToFolderId>{folder}</m:ToFolderId>{item_ids(*ids)}</m:MoveItem>"


def delete_items(how, *ids):
    return f'<m:DeleteItem DeleteType="{how}">{item_ids(*ids)}</m:DeleteItem>'


def create_folders(parent, names):
    folders = "".join(f"<t:Folder><t:DisplayName>{name}</t:DisplayName></t:Folder>" for name in names)
    return f"<m:CreateFolder><m:ParentFolderId>{parent}</m:ParentFolderId><m:Folders>{folders}</m:Folders></m:CreateFolder>"


def move_folder(parent, i):
    return f"<m:MoveFolder><m:ToFolderId>{parent}</m:ToFolderId><m:FolderIds>{folder_id(i)}</m:FolderIds></m:MoveFolder>"


def delete_folder(how, i):
    return f'<m:DeleteFolder DeleteType="{how}"><m:FolderIds>{folder_id(i)}</m:FolderIds></m:DeleteFolder>'


# ---- what a mailbox holds

def hierarchy(ews):
    """{folder id: (path, total, unread)}"""
    answer = ews.call('<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>Default</t:BaseShape><t:AdditionalProperties>'
                      '<t:FieldURI FieldURI="folder:ParentFolderId"/></t:AdditionalProperties></m:FolderShape><m:ParentFolderIds>'
                      '<t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>')
    found = {folder.find(f"{T}FolderId").get("Id"): folder for folder in answer.find(f".//{T}Folders")}

    def path(i):
        folder = found.get(i)
        return () if folder is None else path(folder.find(f"{T}ParentFolderId").get("Id")) + (folder.findtext(f"{T}DisplayName"),)
    return {i: (path(i), int(folder.findtext(f"{T}TotalCount") or 0), int(folder.findtext(f"{T}UnreadCount") or 0))
            for i, folder in found.items()}


def records(ews, ids):
    """What of each item can be seen: Counter of (subject, categories, is read, bytes)."""
    if not ids:
        return Counter()
    answer = ews.call("<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>"
                      '<t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/><t:FieldURI FieldURI="item:Categories"/>'
                      '<t:FieldURI FieldURI="message:IsRead"/></t:AdditionalProperties></m:ItemShape>' + item_ids(*ids) + "</m:GetItem>")
    return Counter((item.findtext(f"{T}Subject"), tuple(s.text for s in item.iter(f"{T}String")), item.findtext(f"{T}IsRead"),
                    base64.b64decode(item.findtext(f"{T}MimeContent")))
                   for items in answer.iter(f"{M}Items") for item in items)


def snapshot(ews):
    """All of a mailbox but its ids: {path: (total, unread, records)}. The counts must be those of the items."""
    found = {}
    for i, (path, total, unread) in hierarchy(ews).items():
        ids = [item for _, item, _ in ews.sync(folder=folder_id(i))[1]]
        assert len(set(ids)) == len(ids), f"{path}: an item comes twice"
        assert path not in found, f"{path}: there are two"
        found[path] = (total, unread, records(ews, ids))
        seen = found[path][2]
        assert (total, unread) == (seen.total(), sum(n for r, n in seen.items() if r[2] == "false")), f"{path}: the counts"
    return found


class Replica:
    """A client that knows a mailbox by syncs from its own states."""

    def __init__(self):
        self.folders, self.folder_state = set(), ""
        self.items, self.item_states = {}, {}

    def copy(self):
        other = Replica()
        other.folders, other.folder_state = set(self.folders), self.folder_state
        other.items = {i: set(ids) for i, ids in self.items.items()}
        other.item_states = dict(self.item_states)
        return other

    @staticmethod
    def apply(ids, changes):
        for kind, i in changes:
            assert (i in ids) == (kind != "Create"), f"{kind} of what is {'' if i in ids else 'not '}known"
            if kind == "Create":
                ids.add(i)
            elif kind == "Delete":
                ids.remove(i)

    def sync(self, ews):
        self.folder_state, changes = ews.sync_folders(self.folder_state)
        self.apply(self.folders, changes)
        for i in self.folders:
            ids = self.items.setdefault(i, set())
            self.item_states[i], changes = ews.sync(self.item_states.get(i, ""), folder_id(i))
            self.apply(ids, [change[:2] for change in changes])

    def verify(self, ews):
        """What it knows is what a client that begins anew is told."""
        self.sync(ews)
        fresh = Replica()
        fresh.sync(ews)
        assert self.folders == fresh.folders, "folders, by an old state"
        for i in fresh.folders:
            assert self.items[i] == fresh.items[i], "items, by an old state"


# ---- scenarios

class Writes(Scenario):
    """Requests of one client, one after another; those that were answered are done, and the next one wholly or not at all."""
    every_write = False

    def __init__(self, base):
        super().__init__(base)
        self.origin = base.scratch / type(self).__name__
        shutil.copytree(base.store, self.origin)
        with Server(self.origin) as server, Ews(server, ALICE) as ews:
            self.prepare(server, ews)
            self.replica = Replica()
            self.replica.sync(ews)
        self.expected = self.run_unharmed()

    def prepare(self, server, ews):
        lmtp, answered = Lmtp(server), []
        lmtp.deliver(NEW + FILED, [ALICE], answered)
        lmtp.close()
        assert len(answered) == len(NEW + FILED)
        ews.call(create_folders('<t:DistinguishedFolderId Id="msgfolderroot"/>', FOLDERS))
        folders = {path[-1]: i for i, (path, _, _) in hierarchy(ews).items()}
        items = {mime: i for i, mime in ews.mime([i for _, i, _ in ews.sync()[1]]).items()}
        for name, m in zip(FOLDERS[1:], FILED):
            ews.call(move_items(folder_id(folders[name]), items[m]))
        self.requests = self.make_requests(folders, [items[m] for m in BEFORE + NEW])

    def run_unharmed(self):
        """The snapshots before, between and after the requests."""
        store = self.origin.with_name(self.origin.name + "-unharmed")
        shutil.copytree(self.origin, store)
        with Server(store) as server, Ews(server, ALICE) as ews:
            expected = [snapshot(ews)]
            for request in self.requests:
                ews.call(request)
                expected.append(snapshot(ews))
                assert expected[-1] != expected[-2], "a request that does nothing proves nothing"
        return expected

    def act(self, store, env):
        return self.serve(store, env, self.write)

    def write(self, server, left):
        with Ews(server, ALICE) as ews:
            for request in self.requests:
                try:
                    ews.call(request)
                except http.client.HTTPException as error:
                    raise ConnectionError("an answer without end") from error
                left.answered.append(request)

    def verify(self, store, left):
        done = len(left.answered)
        with Server(store) as server, Ews(server, ALICE) as ews:
            now = snapshot(ews)
            assert now in self.expected[done:done + 2], f"{done} were answered, it is as {self.describe(now, done)}"
            done = self.expected.index(now)
            replica = self.replica.copy()
            replica.verify(ews)
            for request in self.requests[done:]:
                ews.call(request)
            assert snapshot(ews) == self.expected[-1], "the requests that were left lead elsewhere"
            replica.verify(ews)
        verify_invariants(store)

    def describe(self, now, done):
        if now in self.expected:
            return f"after {self.expected.index(now)}"
        before = self.expected[done]
        return f"never: {[(path, now.get(path), before.get(path)) for path in {*now, *before} if now.get(path) != before.get(path)]}"


class ItemWrites(Writes):
    """CreateItem, UpdateItem, MoveItem, DeleteItem."""

    def make_requests(self, folders, items):
        updated, moved, binned, gone = items
        return [create_items("SaveOnly", DRAFTS, [message(41), message(42)]),
                update_item(updated),
                move_items(folder_id(folders["Kept"]), moved),
                delete_items("MoveToDeletedItems", binned),
                delete_items("HardDelete", gone)]


class FolderWrites(Writes):
    """CreateFolder, MoveFolder, DeleteFolder, of folders with an item in them."""

    def make_requests(self, folders, items):
        return [create_folders(INBOX, ["One", "Two"]),
                move_folder(folder_id(folders["Kept"]), folders["Moved"]),
                delete_folder("MoveToDeletedItems", folders["Binned"]),
                delete_folder("HardDelete", folders["Gone"])]


SCENARIOS = [ItemWrites, FolderWrites]


@pytest.mark.skipif(ONLY is not None, reason="one point alone is wanted")
@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.__name__)
def test_every_write(base, kind):
    enumerate_points(base, kind(base))


@pytest.mark.skipif(ONLY is None, reason="EWER_CRASH_POINT names no point")
def test_one_point(base):
    run_named_point(base, SCENARIOS)
