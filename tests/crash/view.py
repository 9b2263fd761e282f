"""What a mailbox holds, as its clients see it: all at once, and by syncs."""
import base64
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter, namedtuple

from bodies import folder_id, item_ids, named
from programs import M, T

ROOTS = ("msgfolderroot", "recoverableitemsroot")
MAIL_FIELDS = ("item:ItemClass", "item:Subject", "item:Categories", "message:IsRead", "item:IsDraft", "item:HasAttachments")
MAIL_SHAPE = ("<t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent><t:AdditionalProperties>" +
              "".join(f'<t:FieldURI FieldURI="{uri}"/>' for uri in MAIL_FIELDS) + "</t:AdditionalProperties>")
BOUNDARY = re.compile(rb'boundary="?([^";\r\n]+)')
DRAWN = re.compile(rb"(?mi)^((?:Message-ID|Date):)(?![^\r\n]*(?:@crash\.example\.org| Jan 2026 ))[^\r\n]*")
OTHER_SHAPE = "<t:BaseShape>AllProperties</t:BaseShape>"
NEW_EACH_TIME = {"ItemId", "ParentFolderId", "ConversationId", "UID", "Size", "DateTimeReceived", "DateTimeSent", "DateTimeCreated",
                 "LastModifiedTime", "DateTimeStamp", "InstanceKey"}


Seen = namedtuple("Seen", "path holds_mail total unread")


def hierarchy(ews):
    """{folder id: Seen}"""
    answer = ews.call('<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>Default</t:BaseShape><t:AdditionalProperties>'
                      '<t:FieldURI FieldURI="folder:ParentFolderId"/><t:FieldURI FieldURI="folder:TotalCount"/></t:AdditionalProperties>'
                      "</m:FolderShape><m:ParentFolderIds>" + "".join(map(named, ROOTS)) + "</m:ParentFolderIds></m:FindFolder>")
    found = {folder.find(f"{T}FolderId").get("Id"): folder for folders in answer.iter(f"{T}Folders") for folder in folders}

    def path(i):
        folder = found.get(i)
        return () if folder is None else path(folder.find(f"{T}ParentFolderId").get("Id")) + (folder.findtext(f"{T}DisplayName"),)

    def count(folder, name):
        return int(folder.findtext(f"{T}{name}") or 0)
    return {i: Seen(path(i), folder.tag == f"{T}Folder", count(folder, "TotalCount"), count(folder, "UnreadCount")) for i, folder in found.items()}


def permissions(ews, ids):
    """{folder id: who may do what in it}"""
    answer = ews.call("<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
                      '<t:FieldURI FieldURI="folder:PermissionSet"/></t:AdditionalProperties></m:FolderShape><m:FolderIds>' +
                      "".join(map(folder_id, ids)) + "</m:FolderIds></m:GetFolder>")
    folders = [folder for folders in answer.iter(f"{M}Folders") for folder in folders]
    return {folder.find(f"{T}FolderId").get("Id"): [ElementTree.tostring(part) for part in folder if part.tag.endswith("PermissionSet")]
            for folder in folders}


def stable(mime):
    """A message's bytes without what is drawn anew each time that it is put together."""
    for boundary in BOUNDARY.findall(mime):
        mime = mime.replace(boundary, b"boundary")
    return DRAWN.sub(rb"\1", mime)


def mail_record(item):
    """(class, subject, categories, is read, is a draft, has attachments, bytes)"""
    return (item.findtext(f"{T}ItemClass"), item.findtext(f"{T}Subject"), tuple(s.text for s in item.iter(f"{T}String")),
            item.findtext(f"{T}IsRead"), item.findtext(f"{T}IsDraft"), item.findtext(f"{T}HasAttachments"),
            stable(base64.b64decode(item.findtext(f"{T}MimeContent"))))


def other_record(item):
    """All that an item which is no mail says, but what is new each time; at the place of the read flag nothing."""
    return (item.findtext(f"{T}ItemClass"), item.findtext(f"{T}Subject"), None, None,
            tuple(ElementTree.tostring(field) for field in item if field.tag.removeprefix(T) not in NEW_EACH_TIME))


def get_items(ews, shape, ids):
    if not ids:
        return []
    answer = ews.call(f"<m:GetItem><m:ItemShape>{shape}</m:ItemShape>{item_ids(*ids)}</m:GetItem>")
    return [item for items in answer.iter(f"{M}Items") for item in items]


def records(ews, mails, others):
    """{item id: what of it can be seen}"""
    return (dict(zip(mails, map(mail_record, get_items(ews, MAIL_SHAPE, mails)), strict=True)) |
            dict(zip(others, map(other_record, get_items(ews, OTHER_SHAPE, others)), strict=True)))


def snapshot(ews):
    """(all of a mailbox but its ids: {path: (total, unread, permissions, Counter of records)}, {folder id: item ids}). The counts must be those of the items."""
    folders, items = hierarchy(ews), {}
    for i, folder in folders.items():
        ids = [item for _, item, _ in ews.sync(folder=folder_id(i))[1]]
        items[i] = set(ids)
        assert len(items[i]) == len(ids), f"{folder.path}: an item comes twice"
    assert len({folder.path for folder in folders.values()}) == len(folders), "two folders of one name"
    may = permissions(ews, folders)
    record = records(ews, *([item for i in folders if folders[i].holds_mail == mail for item in items[i]] for mail in (True, False)))
    found = {}
    for i, folder in folders.items():
        seen = Counter(record[item] for item in items[i])
        # What is no mail does not say whether it was read, and does not count as unread.
        counts = seen.total(), sum(n for r, n in seen.items() if r[3] == "false")
        assert (folder.total, folder.unread) == counts, f"{folder.path}: the counts say {folder.total, folder.unread}, the items {counts}"
        found[folder.path] = (*counts, may[i], seen)
    return found, items


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

    def verify(self, ews, items):
        """What it knows is what a client that begins anew is told: {folder id: item ids}."""
        self.sync(ews)
        assert self.folders <= set(items), "folders, by an old state"
        for i in self.folders:
            assert self.items[i] == items[i], "items, by an old state"
        fresh = ews.sync_folders()[1]
        assert self.folders == {i for _, i in fresh}, "folders, by a new state"
