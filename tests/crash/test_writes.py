"""What clients write, through a crash at every durable step: a table of requests. See points.py.

What is true before and after each request is learnt from a run that nothing harms: all that clients can see of the mailboxes. After a crash it is as before a
request or as after it, and never otherwise, but where a request writes to two mailboxes: nothing commits in two files at once.
"""
import contextlib
import http.client
import shutil
from collections import namedtuple

import pytest

from bodies import (EVERYTHING, SUBJECT, copy_folder, copy_items, create, create_attachments, create_folders, create_items, create_path,
                    delete_attachment, delete_folder, delete_items, empty_folder, export_items, file, folder, folder_id, mark_all, mark_as_junk,
                    move_folder, move_items, named, note, rename, rights, set_field, share, update_items, upload_items)
from points import ALICE, BEFORE, BOB, ONLY, Scenario, enumerate_points, message, run_named_point, verify_invariants
from programs import INBOX, M, Ews, Lmtp, Server, T
from view import Replica, hierarchy, snapshot

ROOT, DRAFTS = named("msgfolderroot"), named("drafts")
FOLDERS = ("Kept", "Moved", "Copied", "Binned", "Softly", "Gone", "Emptied", "Cleared", "Marked")
PARENTS = ("Emptied", "Cleared")                        # have a folder below
IN_INBOX = range(11, 17)                                # numbers of messages besides those of before
FIRST_FILED = 31                                        # the number of the message in the first folder; the others' follow
JUNK, WITH_FILE, BOBS = 51, 52, 61
CONTACT = "<t:Contact><t:DisplayName>Ada</t:DisplayName><t:GivenName>Ada</t:GivenName></t:Contact>"
TASK = "<t:Task><t:Subject>do it</t:Subject></t:Task>"
MEETING = ("<t:CalendarItem><t:Subject>meet</t:Subject><t:Start>2027-05-03T10:00:00Z</t:Start><t:End>2027-05-03T11:00:00Z</t:End>"
           "</t:CalendarItem>")

# order: the mailboxes that it writes to, as they commit
Write = namedtuple("Write", "request order", defaults=((ALICE,),))
# done: how many requests are wholly in it
Stage = namedtuple("Stage", "done seen")


def with_file(number):
    parts = ("--part\r\nContent-Type: text/plain\r\n\r\nText.\r\n--part\r\nContent-Type: application/octet-stream; name=a.bin\r\n"
             "Content-Disposition: attachment; filename=a.bin\r\n\r\nabc\r\n--part--\r\n").encode()
    head, _, _ = message(number).partition(b"\r\n\r\n")
    return head + b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="part"\r\n\r\n' + parts


class Prepared:
    """The store that all of them begin with, and the ids of what is in it. Made once."""

    def __init__(self, base):
        self.store = base.scratch / "writes"
        shutil.copytree(base.store, self.store)
        with Server(self.store) as server, Ews(server, ALICE) as alice, Ews(server, BOB) as bob:
            self.fill(server, alice, bob)
            self.replicas = {ALICE: Replica(), BOB: Replica()}
            self.replicas[ALICE].sync(alice)
            self.replicas[BOB].sync(bob)

    def fill(self, server, alice, bob):
        filed = [FIRST_FILED + n for n in range(len(FOLDERS))]
        messages = {n: message(n) for n in (*IN_INBOX, *filed, JUNK)} | {WITH_FILE: with_file(WITH_FILE)}
        self.deliver(server, ALICE, messages.values())
        self.deliver(server, BOB, [message(BOBS)])
        alice.call(create_folders(ROOT, *map(folder, FOLDERS)))
        self.folders = {seen.path[-1]: i for i, seen in hierarchy(alice).items()}
        for name in PARENTS:
            alice.call(create_folders(folder_id(self.folders[name]), folder(f"Below {name}")))
        by_mime = {mime: i for i, mime in alice.mime([i for _, i, _ in alice.sync()[1]]).items()}
        self.items = {n: by_mime[m] for n, m in (messages | dict(zip((1, 2), BEFORE))).items()}
        for name, n in zip(FOLDERS, filed):
            alice.call(move_items(folder_id(self.folders[name]), self.items[n]))
        alice.call(move_items(named("junkemail"), self.items[JUNK]))
        (_, self.junk, _), = alice.sync(folder=named("junkemail"))[1]
        self.attachment = alice.call(
            '<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Attachments"/>'
            f'</t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="{self.items[WITH_FILE]}"/></m:ItemIds></m:GetItem>'
        ).find(f".//{T}AttachmentId").get("Id")
        self.stream = alice.call(export_items(self.items[1])).findtext(f".//{M}Data")
        self.meeting = alice.call(create(named("calendar"), MEETING)).find(f".//{T}ItemId").get("Id")
        bob.call(share(INBOX, ALICE, "Editor"))
        self.theirs = {mime: i for i, mime in alice.mime([i for _, i, _ in alice.sync(folder=named("inbox", BOB))[1]]).items()}[message(BOBS)]

    @staticmethod
    def deliver(server, user, messages):
        lmtp, answered, messages = Lmtp(server), [], list(messages)
        lmtp.deliver(messages, [user], answered)
        lmtp.close()
        assert len(answered) == len(messages)


@pytest.fixture(scope="session")
def prepared(base):
    return Prepared(base)


class Writes(Scenario):
    """Requests of one client, one after another; those that were answered are done, and the next one wholly or not at all."""
    every_write = False
    users = (ALICE,)

    def __init__(self, base, prepared):
        super().__init__(base)
        self.origin, self.prepared = prepared.store, prepared
        self.requests = [write.request(prepared) for write in self.writes]
        self.stages = self.run_unharmed(base.scratch / f"{type(self).__name__}-unharmed")

    def look(self, clients, replicas=None):
        """All that can be seen; who knew it by old states knows just that."""
        seen = {}
        for user, ews in clients.items():
            found, items = snapshot(ews)
            seen |= {(user, path): what for path, what in found.items()}
            if replicas:
                replicas[user].verify(ews, items)
        return seen

    def clients(self, server, stack):
        return {user: stack.enter_context(Ews(server, user)) for user in self.users}

    def run_unharmed(self, store):
        """What is seen before, amidst and after the requests."""
        shutil.copytree(self.origin, store)
        with Server(store) as server, contextlib.ExitStack() as stack:
            clients = self.clients(server, stack)
            stages = [Stage(0, self.look(clients))]
            for done, (request, write) in enumerate(zip(self.requests, self.writes)):
                before = stages[-1].seen
                clients[ALICE].call(request)
                after = self.look(clients)
                assert after != before, "a request that does nothing proves nothing"
                for n in range(1, len(write.order)):
                    stages.append(Stage(done, self.amidst(before, after, write.order[:n])))
                stages.append(Stage(done + 1, after))
        return stages

    @staticmethod
    def amidst(before, after, committed):
        return ({key: what for key, what in before.items() if key[0] not in committed} |
                {key: what for key, what in after.items() if key[0] in committed})

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

    def stage_of(self, seen, done):
        """How far it has come, when so many were answered: what was not asked for has not begun."""
        possible = [stage for stage in self.stages if stage.done == done]
        possible += [stage for stage in self.stages if stage.done == done + 1][:1]
        stage = next((stage for stage in possible if stage.seen == seen), None)
        assert stage is not None, f"{done} were answered, it is as {self.describe(seen, done)}"
        return stage

    def verify(self, store, left):
        with Server(store) as server, contextlib.ExitStack() as stack:
            clients = self.clients(server, stack)
            replicas = {user: self.prepared.replicas[user].copy() for user in self.users}
            stage = self.stage_of(self.look(clients, replicas), len(left.answered))
            for request in self.requests[stage.done:]:
                clients[ALICE].call(request)
            assert self.look(clients, replicas) == self.stages[-1].seen, "the requests that were left lead elsewhere"
        verify_invariants(store)

    def describe(self, seen, done):
        for stage in self.stages:
            if stage.seen == seen:
                return f"after {stage.done}"
        before = next(stage.seen for stage in self.stages if stage.done == done)
        return f"never: {[(key, seen.get(key), before.get(key)) for key in {*seen, *before} if seen.get(key) != before.get(key)]}"


# ---- the table

class ItemWrites(Writes):
    writes = [Write(lambda p: create_items("SaveOnly", DRAFTS, [message(41), message(42)])),
              Write(lambda p: update_items(EVERYTHING, p.items[1])),
              Write(lambda p: update_items(SUBJECT, p.items[2], p.items[11])),
              Write(lambda p: move_items(folder_id(p.folders["Kept"]), p.items[12], p.items[1])),
              Write(lambda p: copy_items(folder_id(p.folders["Kept"]), p.items[2], p.items[11]))]


class Deletions(Writes):
    writes = [Write(lambda p: delete_items("MoveToDeletedItems", p.items[13], p.items[1])),
              Write(lambda p: delete_items("SoftDelete", p.items[14])),
              Write(lambda p: delete_items("HardDelete", p.items[15], p.items[2])),
              Write(lambda p: mark_as_junk("true", p.items[16])),
              Write(lambda p: mark_as_junk("false", p.junk))]


class Kinds(Writes):
    writes = [Write(lambda p: create(named("contacts"), CONTACT)),
              Write(lambda p: create(named("tasks"), TASK, TASK.replace("do", "leave"))),
              Write(lambda p: create(named("calendar"), MEETING)),
              Write(lambda p: update_items(set_field("item:Subject", "<t:Subject>changed</t:Subject>", "CalendarItem"), p.meeting))]


class Attachments(Writes):
    writes = [Write(lambda p: create_attachments(p.items[1], file("one"), file("two"))),
              Write(lambda p: create_attachments(p.items[2], note("inner"))),
              Write(lambda p: delete_attachment(p.attachment))]


class Uploads(Writes):
    writes = [Write(lambda p: upload_items(p.folders["Kept"], ("CreateNew", None, p.stream), ("UpdateOrCreate", None, p.stream))),
              Write(lambda p: upload_items(p.folders["Inbox"], ("Update", p.items[12], p.stream)))]


class FolderWrites(Writes):
    """Of folders with an item in them."""
    writes = [Write(lambda p: create_folders(INBOX, folder("One"), folder("Two"))),
              Write(lambda p: create_path(INBOX, folder("One"), folder("Within"), folder("Deep"))),
              Write(lambda p: rename(folder_id(p.folders["Kept"]), "Called anew")),
              Write(lambda p: move_folder(folder_id(p.folders["Kept"]), p.folders["Moved"])),
              Write(lambda p: copy_folder(folder_id(p.folders["Kept"]), p.folders["Copied"]))]


class FolderDeletions(Writes):
    writes = [Write(lambda p: delete_folder("MoveToDeletedItems", p.folders["Binned"])),
              Write(lambda p: delete_folder("SoftDelete", p.folders["Softly"])),
              Write(lambda p: delete_folder("HardDelete", p.folders["Gone"])),
              Write(lambda p: empty_folder("MoveToDeletedItems", "true", p.folders["Emptied"])),
              Write(lambda p: empty_folder("HardDelete", "true", p.folders["Cleared"]))]


class WholeFolders(Writes):
    """Read flags and permissions."""
    writes = [Write(lambda p: mark_all("true", INBOX)),
              Write(lambda p: mark_all("false", INBOX + folder_id(p.folders["Marked"]))),
              Write(lambda p: share(folder_id(p.folders["Kept"]), BOB, "Reviewer")),
              Write(lambda p: share(folder_id(p.folders["Kept"]), BOB, "None")),
              Write(lambda p: create_folders(ROOT, folder("Shared", rights(BOB, "Editor"))))]


class Across(Writes):
    """From one mailbox to another, and to two at once. A move that stops in its midst has left both items; asked for again it ends as if it had not."""
    users = (ALICE, BOB)
    writes = [Write(lambda p: move_items(named("inbox", BOB), p.items[11], p.items[12]), (BOB, ALICE)),
              Write(lambda p: copy_items(named("inbox", BOB), p.items[13]), (BOB,)),
              Write(lambda p: update_items(SUBJECT, p.items[15], p.theirs), (ALICE, BOB)),
              Write(lambda p: move_items(folder_id(p.folders["Kept"]), p.theirs), (ALICE, BOB)),
              Write(lambda p: copy_items(folder_id(p.folders["Kept"]), p.items[14]))]


SCENARIOS = [ItemWrites, Deletions, Kinds, Attachments, Uploads, FolderWrites, FolderDeletions, WholeFolders, Across]


@pytest.mark.skipif(ONLY is not None, reason="one point alone is wanted")
@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.__name__)
def test_every_write(base, prepared, kind):
    enumerate_points(base, kind(base, prepared))


@pytest.mark.skipif(ONLY is None, reason="EWER_CRASH_POINT names no point")
def test_one_point(base, prepared):
    run_named_point(base, SCENARIOS, prepared)
