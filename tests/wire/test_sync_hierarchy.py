"""SyncFolderHierarchy: anchors, order, what counts as a change, shapes."""
import pytest

from mails import plain
from soap import NS, find_folder, get_folder, item_id, local, shape, sync_hierarchy

VISIBLE = {
    "Inbox",
    "Drafts",
    "Sent Items",
    "Outbox",
    "Deleted Items",
    "Junk Email",
    "Calendar",
    "Contacts",
    "Tasks",
    "Notes",
    "Journal",
}
CLASS_ELEMENTS = {
    "IPF.Appointment": "CalendarFolder",
    "IPF.Contact": "ContactsFolder",
    "IPF.Task": "TasksFolder",
}


def folders(answer):
    """[(element name, display name, Id, Id of the parent)]"""
    return [
        (
            local(e),
            e.findtext("t:DisplayName", namespaces=NS),
            item_id(e),
            e.find("t:ParentFolderId", NS).get("Id"),
        )
        for _, e in answer.changes
    ]


def hierarchy(client, folder=None, state=None):
    return client.call(sync_hierarchy(folder, state, base="AllProperties"))


@pytest.fixture(name="make_folder")
def fixture_make_folder(server, user, tmp_path):
    """Makes a folder (and a message in it) as an administrator does."""

    def make(path, number=1):
        (tmp_path / f"{number}.eml").write_bytes(plain(number))
        server.ctl("import", user, tmp_path / f"{number}.eml", "--folder", path)

    return make


def sync_error(answer):
    message = answer.messages[0]
    assert message.get("ResponseClass") == "Error"
    assert [local(e) for e in message if local(e) != "MessageXml"] == [
        "MessageText",
        "ResponseCode",
        "DescriptiveLinkKey",
        "SyncState",
        "IncludesLastFolderInRange",
    ]
    assert (answer.state, answer.last) == ("", True)
    return answer.code


def test_success_form(reader):
    answer = hierarchy(reader)
    message = answer.messages[0]
    assert message.get("ResponseClass") == "Success"
    assert [local(e) for e in message] == [
        "ResponseCode",
        "SyncState",
        "IncludesLastFolderInRange",
        "Changes",
    ]
    assert answer.last
    assert 0 < len(answer.state) <= 64
    again = hierarchy(reader, state=answer.state)
    assert [local(e) for e in again.messages[0]] == [
        "ResponseCode",
        "SyncState",
        "IncludesLastFolderInRange",
        "Changes",
    ]
    assert again.changes == []


def test_first_sync_tells_the_visible_tree(reader):
    found = folders(hierarchy(reader))
    assert VISIBLE <= {name for _, name, _, _ in found}
    assert "Top of Information Store" not in {name for _, name, _, _ in found}
    assert all(kind == "Create" for kind, _ in hierarchy(reader).changes)


def test_without_anchor_is_the_tree_below_msgfolderroot(reader):
    assert folders(hierarchy(reader)) == folders(hierarchy(reader, "msgfolderroot"))


def test_below_root_the_system_folders_come_too(reader):
    below_root = {f[1] for f in folders(hierarchy(reader, "root"))}
    assert below_root > {f[1] for f in folders(hierarchy(reader))}
    assert "Top of Information Store" in below_root


def test_the_anchor_itself_is_not_told(reader):
    inbox = reader.folder_id("inbox")
    assert inbox not in [f[2] for f in folders(hierarchy(reader, "inbox"))]
    assert folders(hierarchy(reader, "inbox")) == []


def test_elements_follow_the_class(reader):
    for _, element in hierarchy(reader).changes:
        family = ".".join((element.findtext("t:FolderClass", namespaces=NS) or "").split(".")[:2])
        assert local(element) == CLASS_ELEMENTS.get(family, "Folder")


def test_parents_come_before_children(client, make_folder):
    make_folder("A/B/C/D")
    make_folder("A/B/C2")
    make_folder("Inbox/Sub")
    for anchor in (None, "root", "msgfolderroot"):
        seen = set()
        answer = hierarchy(client, anchor)
        ids = {f[2] for f in folders(answer)}
        for _, _, folder, parent in folders(answer):
            assert parent in seen or parent not in ids
            seen.add(folder)


def test_new_folders_are_told_once(client, make_folder):
    state = hierarchy(client).state
    make_folder("Projects/2026")
    answer = hierarchy(client, state=state)
    assert [(kind, e.findtext("t:DisplayName", namespaces=NS)) for kind, e in answer.changes] == [
        ("Create", "Projects"),
        ("Create", "2026"),
    ]
    assert hierarchy(client, state=answer.state).changes == []
    assert len(hierarchy(client, state=state).changes) == 2


def test_changed_counts_are_no_change_but_current(server, client, user, make_folder):
    state = hierarchy(client).state
    server.deliver(user, plain(1), plain(2))
    assert hierarchy(client, state=state).changes == []
    make_folder("New", 3)
    created = hierarchy(client, state=state).changes
    assert len(created) == 1
    assert created[0][1].findtext("t:TotalCount", namespaces=NS) == "1"


def test_all_properties_of_a_plain_folder_in_the_seeds_order(client, make_folder):
    state = hierarchy(client).state
    make_folder("NewFolder")
    ((_, folder),) = hierarchy(client, state=state).changes
    names = [local(e) for e in folder if local(e) != "EffectiveRights"]
    assert names == [
        "FolderId",
        "ParentFolderId",
        "FolderClass",
        "DisplayName",
        "TotalCount",
        "ChildFolderCount",
        "UnreadCount",
    ]
    assert folder.findtext("t:FolderClass", namespaces=NS) == "IPF.Note"
    assert folder.findtext("t:DisplayName", namespaces=NS) == "NewFolder"
    assert folder.find("t:ParentFolderId", NS).get("Id") == client.folder_id("msgfolderroot")


@pytest.mark.parametrize("version", ["Exchange2007", "Exchange2010", "Exchange2013", "V2017_07_11"])
@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
def test_every_shape_keeps_the_schema(reader, version, base):
    answer = reader.call(sync_hierarchy("root", base=base), version)
    assert len(answer.changes) > len(VISIBLE)


@pytest.mark.parametrize("tag", ["4340", "0x10f4", "0x10F4"])
def test_the_hidden_property_as_clients_ask_for_it(reader, tag):
    answer = reader.call(sync_hierarchy("root", base="Default", paths=[f"{tag}/Boolean"]))
    assert {e.get("PropertyTag") for e in answer.findall("t:ExtendedFieldURI")} == {"0x10f4"}
    assert len(answer.findall("t:ExtendedProperty")) == len(answer.changes)


# ---- anchors and states


@pytest.mark.parametrize(
    "reference, code",
    [
        ('<t:FolderId Id=""/>', "ErrorInvalidIdEmpty"),
        ('<t:FolderId Id="AAAA"/>', "ErrorInvalidIdMalformed"),
        ('<t:DistinguishedFolderId Id="publicfoldersroot"/>', "ErrorSyncFolderNotFound"),
        (
            '<t:DistinguishedFolderId Id="inbox"><t:Mailbox>'
            "<t:EmailAddress>nobody@nowhere.example</t:EmailAddress></t:Mailbox>"
            "</t:DistinguishedFolderId>",
            "ErrorNonExistentMailbox",
        ),
    ],
)
def test_anchor_errors(reader, reference, code):
    body = sync_hierarchy("inbox").replace('<t:DistinguishedFolderId Id="inbox"/>', reference)
    assert sync_error(reader.call(body)) == code


def test_an_items_id_is_no_anchor(ten_reader, ten):
    body = sync_hierarchy("inbox").replace(
        '<t:DistinguishedFolderId Id="inbox"/>', f'<t:FolderId Id="{ten[0]}"/>'
    )
    assert sync_error(ten_reader.call(body)) == "ErrorCannotUseItemIdForFolderId"


def test_the_folder_of_another_user_is_no_anchor(server, client, new_user):
    with server.soap(new_user("other")) as theirs:
        inbox = theirs.folder_id("inbox")
    assert sync_error(client.call(sync_hierarchy(inbox))) == "ErrorSyncFolderNotFound"


def test_states_of_other_anchors(reader):
    anchors = [None, "root", "msgfolderroot", "inbox"]
    states = {anchor: hierarchy(reader, anchor).state for anchor in anchors}
    for made_with in anchors:
        for used_with in anchors:
            answer = hierarchy(reader, used_with, states[made_with])
            if made_with == used_with:
                assert answer.code == "NoError"
            else:
                assert sync_error(answer) == "ErrorInvalidSyncStateData"
                assert (
                    answer.value("m:MessageText")
                    == "Synchronization state data is corrupted or otherwise invalid."
                )


def test_an_anchor_by_id_and_by_name_are_the_same(reader):
    state = hierarchy(reader, "msgfolderroot").state
    assert hierarchy(reader, reader.folder_id("msgfolderroot"), state).code == "NoError"


@pytest.mark.parametrize(
    "children",
    [
        "",
        "<m:SyncState/>",
        shape(element="FolderShape") + "<m:SyncState/><m:SyncFolderId/>",
        shape(element="FolderShape") + "<m:MaxChangesReturned>10</m:MaxChangesReturned>",
        shape(element="ItemShape"),
        shape("Everything", element="FolderShape"),
        shape(element="FolderShape") * 2,
    ],
)
def test_values_outside_the_schema(reader, children):
    assert (
        reader.fault(f"<m:SyncFolderHierarchy>{children}</m:SyncFolderHierarchy>").fault_code
        == "ErrorSchemaValidation"
    )


def test_empty_state_is_an_initial_sync(reader):
    assert folders(hierarchy(reader, state="")) == folders(hierarchy(reader))


# ---- the other ways to see the tree


def test_sync_and_find_folder_agree(client, make_folder):
    make_folder("A/B")
    synced = {f[2] for f in folders(hierarchy(client))}
    found = client.call(find_folder("msgfolderroot", base="IdOnly"))
    assert {e.get("Id") for e in found.findall("t:FolderId")} == synced


def test_get_folder_of_what_was_synced(client):
    ids = [f[2] for f in folders(hierarchy(client, "root"))]
    answer = client.call(get_folder(*ids, base="AllProperties"))
    assert set(answer.codes) == {"NoError"}
    assert [e.get("Id") for e in answer.findall("t:FolderId")] == ids
