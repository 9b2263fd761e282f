"""SyncStates: opaque, valid for ever, forgeable by nobody; whatever is wrong with one gets the
exact answer of the seeds."""
import base64
import re

import pytest

from ewer import serving
from mails import plain
from soap import NS, envelope, get_attachment, get_item, local, sync_hierarchy, sync_items

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
TEXTS = {
    sync_items: ("SyncFolderItems", "corrupt", "Item"),
    sync_hierarchy: ("SyncFolderHierarchy", "corrupted", "Folder"),
}


@pytest.fixture(name="client")
def fixture_client(ten_reader):
    """Nothing here changes a mailbox."""
    return ten_reader


def refusal(operation):
    """The body of the answer to a bad state, byte for byte."""
    name, word, last = TEXTS[operation]
    return (
        f"<s:Body><m:{name}Response><m:ResponseMessages><m:{name}ResponseMessage "
        'ResponseClass="Error">'
        f"<m:MessageText>Synchronization state data is {word} or otherwise invalid.</m:MessageText>"
        "<m:ResponseCode>ErrorInvalidSyncStateData</m:ResponseCode>"
        "<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:SyncState/>"
        f"<m:IncludesLast{last}InRange>true</m:IncludesLast{last}InRange>"
        f"</m:{name}ResponseMessage></m:ResponseMessages>"
        f"</m:{name}Response></s:Body></s:Envelope>"
    ).encode()


def refused(client, operation, state, **options):
    answer = client.post(envelope(operation(state=state, **options)), valid=False)
    assert answer.status == 200
    found = answer.raw[answer.raw.index(b"<s:Body>") :]
    assert found == refusal(operation), (state, answer.text)


def test_the_refusals_are_those_of_the_schema(client):
    for operation in TEXTS:
        answer = client.call(operation(state="bad"))
        assert answer.code == "ErrorInvalidSyncStateData"


def other_letter(letter):
    return ALPHABET[(ALPHABET.index(letter) + 1) % 64] if letter in ALPHABET else "A"


@pytest.fixture(name="states")
def fixture_states(client):
    """One state of each kind: of an item sync that is done, of one within its pages, of a hierarchy
    sync."""
    return [
        (sync_items, client.sync()[1]),
        (sync_items, client.call(sync_items(most=2)).state),
        (sync_hierarchy, client.call(sync_hierarchy()).state),
    ]


def test_every_letter_counts(client, states):
    for operation, state in states:
        for i, letter in enumerate(state):
            refused(client, operation, state[:i] + other_letter(letter) + state[i + 1 :])


def test_every_bit_counts(client, states):
    for operation, state in states:
        raw = base64.b64decode(state)
        for bit in range(len(raw) * 8):
            bad = bytearray(raw)
            bad[bit // 8] ^= 1 << bit % 8
            refused(client, operation, base64.b64encode(bad).decode())


def test_every_cut_is_seen(client, states):
    for operation, state in states:
        for length in range(1, len(state)):
            refused(client, operation, state[:length])
        for bad in (
            state + "A",
            state + "=",
            state * 2,
            "A" + state,
            state[::-1],
            state.swapcase(),
            state.replace("A", "A A", 1),
        ):
            if bad != state:
                refused(client, operation, bad)


@pytest.mark.parametrize(
    "state",
    [
        "H4sIAAAAA=",
        "AEbJ94eMOAAA=",
        "0",
        "=",
        "====",
        "AAAA",
        "A" * 63,
        "A" * 64,
        "A" * 65,
        "A" * 1000000,
        "é",
        "<x/>",
        "%00",
        "-1",
        "null",
        "../../etc/passwd",
    ],
)
def test_what_never_was_a_state(client, state):
    for operation in TEXTS:
        refused(client, operation, state)


def test_white_space_around_a_state_is_borne(client, states):
    for operation, state in states:
        assert client.call(operation(state=f"\n  {state}\t")).code == "NoError"


def test_the_kinds_are_not_interchangeable(client, states):
    for operation in TEXTS:
        for made_by, state in states:
            if made_by is not operation:
                refused(client, operation, state)


def test_states_of_other_folders(client, states):
    for operation, state in states:
        if operation is sync_items:
            for folder in ("drafts", "sentitems", "msgfolderroot"):
                refused(client, operation, state, folder=folder)


def test_states_of_other_users(server, states, new_user):
    with server.soap(new_user("other")) as theirs:
        for operation, state in states:
            refused(theirs, operation, state)


def test_states_of_another_store(states):
    with serving(users=["same@example.com"]) as server, server.soap("same@example.com") as client:
        server.deliver("same@example.com", *[plain(i) for i in range(10)])
        for operation, state in states:
            refused(client, operation, state)


def test_other_tokens_are_no_states(client):
    element = client.sync()[0][0][1]
    item, folder = element.find("t:ItemId", NS), client.folder_id("inbox")
    for token in (item.get("Id"), item.get("ChangeKey"), folder):
        for operation in TEXTS:
            refused(client, operation, token)


def test_states_are_no_ids(client, states):
    for _, state in states:
        assert client.call(get_item(state)).code == "ErrorInvalidIdMalformed"
        assert client.call(sync_items(folder=state + "0")).code == "ErrorInvalidIdMalformed"
        assert client.call(get_attachment(state)).code == "ErrorInvalidAttachmentId"


def test_states_survive_a_restart(store):
    with serving(store, ["user@example.com"]) as server:
        with server.soap("user@example.com") as client:
            server.deliver("user@example.com", *[plain(i) for i in range(5)])
            done, tree = client.sync()[1], client.call(sync_hierarchy()).state
            page = client.call(sync_items(most=2))
        for restart in (server.restart, lambda: (server.kill(), server.start())):
            restart()
            server.deliver("user@example.com", plain(9))
            with server.soap("user@example.com") as client:
                assert client.call(sync_hierarchy(state=tree)).changes == []
                assert client.call(sync_items(state=done)).code == "NoError"
                rest, _ = client.sync(state=page.state, most=2)
                assert len(rest) == 3 + len(client.sync(state=done)[0])
                assert len(
                    set(page.change_ids) | {local(e) + e[0].get("Id") for _, e in rest}
                ) == len(page.changes) + len(rest)


def test_state_text_is_safe_in_xml_and_json(client, states):
    for _, state in states:
        assert re.fullmatch(r"[A-Za-z0-9+/]+=*", state)
    assert client.call(sync_items()).code == "NoError"
