"""Operations beside the common ones, over the wire: paths of folders, whole folders read, junk, the
archive that nobody has, answers to mail, and requests that concern two mailboxes.
"""
from xml.sax.saxutils import quoteattr

import pytest

import mails
from soap import NS, folder_ref, get_folder, get_item, item_id
from writing import (
    MANY,
    Item,
    code,
    create_attachment,
    create_item,
    delete_item,
    file,
    folder_element,
    folder_ids,
    let,
    made,
    made_folder,
    message,
    ref,
    refs,
    send_item,
    set_field,
    subject,
    to,
    transfer,
    update_item,
)

# ---- CreateFolderPath


def create_path(parent, *names):
    elements = "".join(map(folder_element, names))
    return (
        f"<m:CreateFolderPath><m:ParentFolderId>{folder_ref(parent)}</m:ParentFolderId>"
        f"<m:RelativeFolderPath>{elements}</m:RelativeFolderPath></m:CreateFolderPath>"
    )


def ids_of(answer):
    return [e.get("Id") for e in answer.findall("t:FolderId")]


def test_a_path_is_made_and_found_again(client):
    answer = client.call(create_path("inbox", "a", "b", "c"))
    assert answer.codes == ["NoError"] * 3
    top, middle, bottom = ids_of(answer)
    parents = client.call(get_folder(top, middle, bottom, base="AllProperties"))
    found = [e.get("Id") for e in parents.findall("t:ParentFolderId")]
    assert found == [client.folder_id("inbox"), top, middle]
    again = client.call(create_path("inbox", "A", "b", "other"))
    assert again.codes == ["NoError"] * 3
    assert ids_of(again)[:2] == [top, middle] and ids_of(again)[2] != bottom


def test_a_path_ends_where_it_cannot_go_on(client):
    answer = client.call(create_path("inbox", "a", "bad&#9;name", "c"))
    assert answer.codes[:2] == ["NoError", "ErrorFolderSavePropertyError"]
    assert answer.codes[2] != "NoError"
    assert client.call(get_folder("inbox")).value("t:ChildFolderCount") == "1"


# ---- MarkAllItemsAsRead


def mark_all(read, *folders):
    return (
        f"<m:MarkAllItemsAsRead><m:ReadFlag>{read}</m:ReadFlag><m:SuppressReadReceipts>true"
        f"</m:SuppressReadReceipts>{folder_ids(*folders)}</m:MarkAllItemsAsRead>"
    )


def unread(client, *folders):
    return [int(n) for n in client.call(get_folder(*folders)).values("t:UnreadCount")]


def test_a_folder_is_read_and_what_lies_below_is_not(server, client, user):
    below = made_folder(client, "below", "inbox")
    server.deliver(user, *[mails.plain(i) for i in range(4)])
    moved = client.call(transfer("MoveItem", below, client.items()[0]))
    assert moved.code == "NoError"
    state = client.sync("inbox")[1]
    answer = client.call(mark_all("true", "inbox", "AAAA", "drafts"))
    assert answer.codes == ["NoError", "ErrorInvalidIdMalformed", "NoError"]
    assert unread(client, "inbox", below) == [0, 1]
    changes, state = client.sync("inbox", state)
    assert [kind for kind, _ in changes] == ["ReadFlagChange"] * 3
    assert client.call(mark_all("true", "inbox")).code == "NoError"
    assert client.sync("inbox", state)[0] == []
    assert client.call(mark_all("false", "inbox")).code == "NoError"
    assert unread(client, "inbox") == [3]


# ---- MarkAsJunk


def mark_junk(junk, move, *ids):
    return f'<m:MarkAsJunk IsJunk="{junk}" MoveItem="{move}">{refs(*ids)}</m:MarkAsJunk>'


def test_junk_goes_and_comes_back(server, client, user):
    server.deliver(user, mails.plain(1), mails.plain(2))
    first, second = client.items()
    answer = client.call(mark_junk("true", "true", first, "AAAA", second))
    assert answer.codes == ["NoError", "ErrorInvalidIdMalformed", "NoError"]
    moved = [e.get("Id") for e in answer.findall("m:MovedItemId")]
    assert sorted(client.items("junkemail")) == sorted(moved)
    assert client.items() == []
    back = client.call(mark_junk("false", "true", moved[0]))
    assert client.items() == [back.find("m:MovedItemId").get("Id")]
    stays = client.call(mark_junk("true", "false", client.items()[0]))
    assert stays.code == "NoError" and stays.find("m:MovedItemId") is None
    assert len(client.items()) == 1


# ---- ArchiveItem


def test_nobody_has_an_archive(client):
    item = made(client)
    request = (
        f"<m:ArchiveItem><m:ArchiveSourceFolderId>{folder_ref('drafts')}</m:ArchiveSourceFolderId>"
        f"{refs(item.id, 'AAAA')}</m:ArchiveItem>"
    )
    answer = client.call(request)
    assert answer.codes == ["ErrorArchiveMailboxNotEnabled", "ErrorInvalidIdMalformed"]
    assert client.items("drafts") == [item.id]


# ---- answers to mail

ICON, VERB, VERB_TIME = "0x1080/Integer", "0x1081/Integer", "0x1082/SystemTime"


def respond(name, identity, more="", text="my answer", disposition="SendAndSaveCopy"):
    fresh = f'<t:NewBodyContent BodyType="Text">{text}</t:NewBodyContent>'
    return create_item(
        f"<t:{name}>{more}<t:ReferenceItemId Id={quoteattr(identity)}/>{fresh}</t:{name}>",
        attributes=f'MessageDisposition="{disposition}"',
    )


def marks(client, identity):
    answer = client.call(get_item(identity, paths=["item:IconIndex", ICON, VERB, VERB_TIME]))
    return answer.value("t:IconIndex"), answer.values("t:Value")


def arrived(client, count=1):
    """Ids of the inbox, when so many are there: mail within the server is there with the answer, or
    shortly after."""
    for _ in range(200):
        found = client.items()
        if len(found) >= count:
            return found
    raise AssertionError(f"{len(found)} of {count} have arrived")


@pytest.fixture(name="three")
def fixture_three(server, new_user):
    """Clients of three users; the first has written to the others, who have the letter."""
    clients = [server.soap(new_user()) for _ in range(3)]
    author, second, third = clients
    letter = message(
        "plans",
        '<t:Body BodyType="Text">what I said</t:Body>'
        "<t:Attachments><t:FileAttachment><t:Name>a.txt</t:Name><t:Content>eHl6</t:Content>"
        f"</t:FileAttachment></t:Attachments>{to(second.address, third.address)}",
    )
    sent = create_item(letter, attributes='MessageDisposition="SendAndSaveCopy"')
    assert code(author, sent) == "NoError"
    yield author, second, third, arrived(second)[0], arrived(third)[0]
    for client in clients:
        client.connection.close()


def test_a_reply_arrives_and_marks_what_it_answers(three):
    author, second, third, letter, _ = three
    state = second.sync("inbox")[1]
    assert marks(second, letter)[0] in ("MailUnread", "MailRead")
    assert code(second, respond("ReplyToItem", letter)) == "NoError"
    (answer,) = arrived(author)
    got = author.call(get_item(answer, base="AllProperties"))
    assert got.value("t:Subject") == "RE: plans"
    assert "my answer" in got.value("t:Body") and "what I said" in got.value("t:Body")
    assert got.find("t:From/t:Mailbox/t:EmailAddress").text == second.address
    assert len(third.items()) == 1
    icon, values = marks(second, letter)
    assert icon == "MailReplied" and values[:2] == ["261", "102"] and len(values) == 3
    ((kind, element),) = second.sync("inbox", state)[0]
    assert (kind, item_id(element)) == ("Update", letter)


def test_a_reply_to_all_and_a_forward(three):
    author, second, third, letter, other = three
    assert code(third, respond("ReplyAllToItem", other)) == "NoError"
    assert len(arrived(author)) == 1 and len(arrived(second, 2)) == 2
    assert marks(third, other)[1][:2] == ["261", "103"]
    assert code(second, respond("ForwardItem", letter)) == "ErrorInvalidRecipients"
    assert marks(second, letter)[1][1:] == []
    assert code(second, respond("ForwardItem", letter, to(author.address))) == "NoError"
    got = author.call(get_item(arrived(author, 2)[0], base="AllProperties"))
    assert got.value("t:Subject") == "FW: plans"
    assert got.find("t:Attachments/t:FileAttachment/t:Name").text == "a.txt"
    assert marks(second, letter)[1][:2] == ["262", "104"]


@pytest.mark.parametrize("operation", ["SendItem", "UpdateItem"])
def test_a_saved_reply_marks_when_it_is_sent(three, operation):
    author, second, _, letter, _ = three
    draft = Item(second.call(respond("ReplyToItem", letter, disposition="SaveOnly")))
    assert marks(second, letter)[1][1:] == []
    change = subject("RE: other plans")
    if operation == "SendItem":
        edited = Item(second.call(update_item(draft.ref(), change)))
        assert code(second, send_item(edited.ref())) == "NoError"
    else:
        sending = 'MessageDisposition="SendAndSaveCopy"'
        assert code(second, update_item(draft.ref(), change, attributes=sending)) == "NoError"
    assert len(arrived(author)) == 1
    assert marks(second, letter)[1][:2] == ["261", "102"]
    (copy,) = second.items("sentitems")
    got = second.call(get_item(copy, base="AllProperties"))
    assert got.value("t:DateTimeSent") == got.value("t:DateTimeReceived")
    assert code(author, delete_item(*author.items())) == "NoError"


def test_what_is_offered_as_an_answer_is_taken(zoo_reader):
    """Every kind of mail: of the answers by mail, those that ResponseObjects names are taken and
    others are not."""
    names = ["ReplyToItem", "ReplyAllToItem", "ForwardItem"]
    for letter in zoo_reader.items():
        offered = zoo_reader.call(get_item(letter, paths=["item:ResponseObjects"]))
        for name in names:
            answer = zoo_reader.call(respond(name, letter, disposition="SaveOnly"))
            assert (answer.code == "NoError") == (offered.find(f"t:{name}") is not None)
            if answer.code == "NoError":
                zoo_reader.call(delete_item(answer.find("t:ItemId").get("Id")))


# ---- two mailboxes in one request


@pytest.fixture(name="shared")
def fixture_shared(server, client, new_user):
    """(guest, an item of his own, items of the owner that he may edit, read, and not see)"""
    other = new_user("guest")
    edited, read, hidden = (made_folder(client, name) for name in ("edit", "read", "hide"))
    let(client, edited, other, "Editor")
    let(client, read, other, "Reviewer")
    let(client, hidden, other, "None")
    items = [made(client, message(f"in {f[0]}"), folder=f) for f in (edited, read, hidden)]
    with server.soap(other) as guest:
        yield guest, made(guest, message("own")), items


def test_two_mailboxes_are_read_in_one_request(shared):
    guest, own, (edited, read, hidden) = shared
    ids = [edited.id, own.id, hidden.id, read.id, own.id, edited.id]
    answer = guest.call(get_item(*ids, base="Default"))
    lacks = answer.codes[2]
    assert lacks in ("ErrorItemNotFound", "ErrorAccessDenied")
    assert answer.codes == ["NoError", "NoError", lacks, "NoError", "NoError", "NoError"]
    assert [item_id(e) for e in answer.findall("m:Items/t:Message")] == [
        i for i in ids if i != hidden.id
    ]


def test_two_mailboxes_are_changed_in_one_request(client, shared):
    guest, own, (edited, read, hidden) = shared
    change = "".join(
        f"<t:ItemChange>{item.ref()}<t:Updates>{subject('changed')}</t:Updates></t:ItemChange>"
        for item in (read, own, hidden, edited)
    )
    answer = guest.call(
        '<m:UpdateItem ConflictResolution="AutoResolve" MessageDisposition="SaveOnly">'
        f"<m:ItemChanges>{change}</m:ItemChanges></m:UpdateItem>"
    )
    assert answer.codes[0] == "ErrorAccessDenied"
    assert answer.codes[1] == answer.codes[3] == "NoError"
    assert answer.codes[2] in ("ErrorItemNotFound", "ErrorAccessDenied")
    subjects = client.call(get_item(edited.id, read.id, base="Default")).values("t:Subject")
    assert subjects[0] == "changed" and subjects[1] != "changed"
    own_key = answer.findall("t:ItemId")[0].get("ChangeKey")
    assert own_key != own.key
    attached = guest.call(create_attachment(edited.id, file("f")))
    assert attached.code == "NoError"


def test_two_mailboxes_are_emptied_by_one_request(client, shared):
    guest, own, (edited, read, _) = shared
    answer = guest.call(delete_item(read.id, edited.id, own.id, edited.id))
    assert answer.codes == ["ErrorAccessDenied", "NoError", "NoError", "ErrorItemNotFound"]
    left = client.call(get_item(edited.id, read.id))
    assert left.codes == ["ErrorItemNotFound", "NoError"]
    assert guest.items("drafts") == []


def test_items_move_between_mailboxes(client, shared):
    guest, own, (edited, read, _) = shared
    answer = guest.call(transfer("MoveItem", "inbox", edited.id, read.id, own.id))
    assert answer.codes == ["NoError", "ErrorAccessDenied", "NoError"]
    assert len(guest.items()) == 2
    assert client.call(get_item(edited.id, read.id)).codes == ["ErrorItemNotFound", "NoError"]
    copied = guest.call(transfer("CopyItem", "inbox", read.id))
    assert copied.code == "NoError" and len(guest.items()) == 3


def test_ten_thousand_ids_of_two_mailboxes(shared):
    guest, own, (_, read, hidden) = shared
    ids = [own.id, read.id, hidden.id, "AAAA", ""] * (MANY // 5)
    answer = guest.call(get_item(*ids))
    assert len(answer.codes) == MANY
    assert set(zip(ids, answer.codes)) == set(zip(ids[:5], answer.codes[:5]))
    assert answer.codes[:2] == ["NoError", "NoError"] and "NoError" not in answer.codes[2:5]
    read_mark = set_field("message:IsRead", "<t:IsRead>false</t:IsRead>")
    changes = "".join(
        f"<t:ItemChange>{ref(i)}<t:Updates>{read_mark}</t:Updates></t:ItemChange>"
        for i in [own.id, read.id] * (MANY // 4)
    )
    answer = guest.call(
        '<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly">'
        f"<m:ItemChanges>{changes}</m:ItemChanges></m:UpdateItem>"
    )
    assert answer.codes == ["NoError", "ErrorAccessDenied"] * (MANY // 4)
    assert answer.root.find(".//t:ItemId", NS).get("Id") == own.id
