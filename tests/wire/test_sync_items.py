"""SyncFolderItems: what is checked, what is answered, pages, Ignore, scopes, shapes."""
import pytest

from mails import meeting, plain, zoo
from soap import (
    NS,
    envelope,
    find_item,
    folder_ref,
    get_folder,
    item_id,
    local,
    sync_hierarchy,
    sync_items,
)

WANTED = (
    "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>",
    "<m:SyncFolderId>" + folder_ref("inbox") + "</m:SyncFolderId>",
    "<m:SyncState></m:SyncState>",
    "<m:Ignore></m:Ignore>",
    "<m:MaxChangesReturned>10</m:MaxChangesReturned>",
    "<m:SyncScope>NormalItems</m:SyncScope>",
)
NEVER_IN_A_SUMMARY = [
    "item:MimeContent",
    "item:Body",
    "item:Attachments",
    "item:ResponseObjects",
    "item:UniqueBody",
    "message:ToRecipients",
    "message:CcRecipients",
    "message:BccRecipients",
    "message:ReplyTo",
    "item:TextBody",
    "item:NormalizedBody",
    "item:InternetMessageHeaders",
]


def ask(*children):
    return f"<m:SyncFolderItems>{''.join(children)}</m:SyncFolderItems>"


def sync_error(answer):
    """The code, after a look at the form that every error of a sync has."""
    message = answer.messages[0]
    assert message.get("ResponseClass") == "Error"
    names = [local(e) for e in message]
    assert names[:3] == ["MessageText", "ResponseCode", "DescriptiveLinkKey"]
    assert [n for n in names if n != "MessageXml"][3:] == ["SyncState", "IncludesLastItemInRange"]
    assert message.find("m:SyncState", NS).text is None
    assert message.findtext("m:IncludesLastItemInRange", namespaces=NS) == "true"
    assert message.findtext("m:DescriptiveLinkKey", namespaces=NS) == "0"
    return answer.code


# ---- the grammar of the request


@pytest.mark.parametrize("missing", [0, 1, 4])
def test_required_elements(reader, missing):
    children = [c for i, c in enumerate(WANTED) if i != missing]
    assert reader.fault(ask(*children)).fault_code == "ErrorSchemaValidation"


@pytest.mark.parametrize("missing", [2, 3, 5])
def test_optional_elements(reader, missing):
    assert reader.call(ask(*[c for i, c in enumerate(WANTED) if i != missing])).code == "NoError"


@pytest.mark.parametrize("first", range(5))
def test_order_of_the_elements(reader, first):
    children = list(WANTED)
    children[first], children[first + 1] = children[first + 1], children[first]
    assert reader.fault(ask(*children)).fault_code == "ErrorSchemaValidation"


@pytest.mark.parametrize("twice", range(6))
def test_no_element_twice(reader, twice):
    assert (
        reader.fault(ask(*WANTED[:twice], WANTED[twice], *WANTED[twice:])).fault_code
        == "ErrorSchemaValidation"
    )


@pytest.mark.parametrize(
    "most",
    ["0", "513", "-1", "", "ten", "1.5", "99999999999999999999", "0x10", "1 2", "2147483648"],
)
def test_max_changes_outside_its_range(reader, most):
    answer = reader.fault(sync_items(most=most))
    assert answer.fault_code == "ErrorSchemaValidation"


def test_513_names_the_facet(reader):
    assert "MaxInclusive" in reader.fault(sync_items(most=513)).value("t:Violation")
    assert "MinInclusive" in reader.fault(sync_items(most=0)).value("t:Violation")


@pytest.mark.parametrize("most", ["1", "512", " 10 ", "+7", "0010"])
def test_max_changes_inside_its_range(reader, most):
    assert reader.call(sync_items(most=most)).code == "NoError"


@pytest.mark.parametrize(
    "children",
    [
        [WANTED[0].replace("IdOnly", "Everything"), *WANTED[1:]],
        [WANTED[0].replace("IdOnly", ""), *WANTED[1:]],
        [*WANTED[:5], "<m:SyncScope>AllItems</m:SyncScope>"],
        [WANTED[0], "<m:SyncFolderId/>", *WANTED[2:]],
        [WANTED[0], WANTED[1].replace("inbox", "inbocks"), *WANTED[2:]],
        [WANTED[0], WANTED[1].replace("inbox", "Inbox"), *WANTED[2:]],
        [
            WANTED[0],
            "<m:SyncFolderId>" + folder_ref("inbox") * 2 + "</m:SyncFolderId>",
            *WANTED[2:],
        ],
        [WANTED[0], "<m:SyncFolderId><t:FolderId/></m:SyncFolderId>", *WANTED[2:]],
        [*WANTED[:3], "<m:Ignore><t:ItemId/></m:Ignore>", *WANTED[4:]],
        [
            WANTED[0].replace("</m:ItemShape>", "<t:AdditionalProperties/></m:ItemShape>"),
            *WANTED[1:],
        ],
        [
            WANTED[0].replace(
                "</m:ItemShape>",
                '<t:AdditionalProperties><t:FieldURI FieldURI="item:NoSuch"/>'
                "</t:AdditionalProperties></m:ItemShape>",
            ),
            *WANTED[1:],
        ],
    ],
)
def test_values_outside_the_schema(reader, children):
    assert reader.fault(ask(*children)).fault_code == "ErrorSchemaValidation"


def test_number_of_days_zero_is_taken(reader):
    assert reader.call(ask(*WANTED, "<m:NumberOfDays>0</m:NumberOfDays>")).code == "NoError"


# ---- folder, then state, then shape


def test_folder_errors(client, server, user):
    server.deliver(user, plain())
    item = client.items()[0]
    cases = [
        ('<t:FolderId Id=""/>', "ErrorInvalidIdEmpty"),
        ('<t:FolderId Id="AAAA"/>', "ErrorInvalidIdMalformed"),
        ('<t:FolderId Id="not base64!"/>', "ErrorInvalidIdMalformed"),
        (f'<t:FolderId Id="{item}"/>', "ErrorCannotUseItemIdForFolderId"),
        ('<t:DistinguishedFolderId Id="publicfoldersroot"/>', "ErrorSyncFolderNotFound"),
        ('<t:DistinguishedFolderId Id="archiveinbox"/>', "ErrorSyncFolderNotFound"),
        (
            '<t:DistinguishedFolderId Id="inbox"><t:Mailbox>'
            "<t:EmailAddress>nobody@nowhere.example</t:EmailAddress></t:Mailbox>"
            "</t:DistinguishedFolderId>",
            "ErrorNonExistentMailbox",
        ),
        ('<t:AddressListId Id="x"/>', "ErrorInvalidOperation"),
    ]
    for reference, code in cases:
        body = ask(WANTED[0], f"<m:SyncFolderId>{reference}</m:SyncFolderId>", WANTED[4])
        assert sync_error(client.call(body)) == code, reference


def test_own_mailbox_may_be_named(client, user):
    body = ask(
        WANTED[0],
        '<m:SyncFolderId><t:DistinguishedFolderId Id="inbox"><t:Mailbox>'
        f"<t:EmailAddress>{user}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
        "</m:SyncFolderId>",
        WANTED[4],
    )
    assert client.call(body).code == "NoError"


def test_folders_of_another_user_are_not_there(server, client, new_user):
    other = new_user("other")
    server.deliver(other, plain())
    with server.soap(other) as theirs:
        inbox = theirs.folder_id("inbox")
        assert theirs.call(sync_items(inbox)).code == "NoError"
    assert sync_error(client.call(sync_items(inbox))) == "ErrorSyncFolderNotFound"
    named = ask(
        WANTED[0],
        '<m:SyncFolderId><t:DistinguishedFolderId Id="inbox"><t:Mailbox>'
        f"<t:EmailAddress>{other}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
        "</m:SyncFolderId>",
        WANTED[4],
    )
    assert sync_error(client.call(named)) == "ErrorSyncFolderNotFound"


def test_a_state_is_looked_at_before_the_shape(client):
    answer = client.call(sync_items(state="bad", paths=["item:Body"]))
    assert sync_error(answer) == "ErrorInvalidSyncStateData"


def test_empty_state_is_an_initial_sync(server, client, user):
    server.deliver(user, plain())
    for body in (
        sync_items(state=""),
        sync_items(state="").replace("<m:SyncState></m:SyncState>", "<m:SyncState/>"),
        sync_items(state=" \n "),
    ):
        answer = client.call(body)
        assert [kind for kind, _ in answer.changes] == ["Create"]


@pytest.mark.parametrize("path", NEVER_IN_A_SUMMARY)
def test_paths_that_a_summary_cannot_tell_are_left_out(ten_reader, path):
    """Clients that ask for everything they know must get their items all the same."""
    answer = ten_reader.call(sync_items(paths=[path]))
    assert answer.code == "NoError"
    assert [local(e) for e in answer.changes[0][1]] == ["ItemId"]


# ---- the form of the answer


def test_success_form(server, client, user):
    for expected in (0, 1):
        message = client.call(sync_items()).messages[0]
        assert message.get("ResponseClass") == "Success"
        assert [local(e) for e in message] == [
            "ResponseCode",
            "SyncState",
            "IncludesLastItemInRange",
            "Changes",
        ]
        assert len(message.find("m:Changes", NS)) == expected
        assert message.findtext("m:SyncState", namespaces=NS)
        server.deliver(user, plain())


def test_state_is_short_base64_for_any_folder(server, client, user):
    server.deliver(user, *[plain(i) for i in range(30)])
    for most in (1, 7, 512):
        for page in client.pages(most=most):
            assert len(page.state) <= 64
            assert set(page.state) <= set(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
            )


def test_id_only_tells_the_class_by_the_element(zoo_reader):
    changes, _ = zoo_reader.sync()
    assert [local(e) for _, e in reversed(changes)] == [element for _, _, element in zoo()]
    for _, element in changes:
        assert [local(e) for e in element] == ["ItemId"]
        assert element[0].get("Id") and element[0].get("ChangeKey")


@pytest.mark.parametrize(
    "version",
    ["Exchange2007", "Exchange2007_SP1", "Exchange2010_SP2", "Exchange2013", "V2017_07_11"],
)
@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
def test_every_shape_of_every_class_keeps_the_schema(zoo_reader, version, base):
    answer = zoo_reader.call(sync_items(base=base), version)
    assert len(answer.changes) == len(zoo())
    assert not any(
        answer.findall(f"t:{n}")
        for n in (
            "Body",
            "Attachments",
            "MimeContent",
            "ToRecipients",
            "CcRecipients",
            "ResponseObjects",
            "InternetMessageHeaders",
            "ReplyTo",
            "UniqueBody",
        )
    )


def test_include_mime_content_is_ignored(ten_reader):
    body = ask(
        WANTED[0].replace(
            "</m:ItemShape>", "<t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape>"
        ),
        WANTED[1],
        WANTED[4],
    )
    answer = ten_reader.call(body)
    assert answer.code == "NoError"
    assert answer.find("t:MimeContent") is None


def test_named_properties_come_in_schema_order(server, client, user):
    server.deliver(user, plain(7, headers="Importance: high\r\n"))
    element = client.call(
        sync_items(
            paths=[
                "message:IsRead",
                "item:Subject",
                "message:From",
                "item:Importance",
                "item:DateTimeSent",
                "message:InternetMessageId",
                "0xe07/Integer",
                "item:Size",
            ]
        )
    ).changes[0][1]
    assert [local(e) for e in element] == [
        "ItemId",
        "Subject",
        "Size",
        "Importance",
        "DateTimeSent",
        "ExtendedProperty",
        "From",
        "InternetMessageId",
        "IsRead",
    ]
    assert element.findtext("t:Subject", namespaces=NS) == "message 7"
    assert element.findtext("t:Importance", namespaces=NS) == "High"
    assert element.findtext("t:InternetMessageId", namespaces=NS) == "<m7@example.org>"
    assert element.findtext("t:IsRead", namespaces=NS) == "false"
    assert (
        element.findtext("t:From/t:Mailbox/t:EmailAddress", namespaces=NS) == "sender@example.org"
    )


# ---- order and pages


def test_initial_sync_is_newest_first(ten_reader):
    answer = ten_reader.call(sync_items(paths=["item:Subject"]))
    assert answer.values("t:Subject") == [f"message {i}" for i in reversed(range(10))]


def test_incremental_sync_tells_new_mail_only_and_newest_first(server, client, user):
    server.deliver(user, plain(1))
    _, state = client.sync()
    assert client.sync(state=state)[0] == []
    server.deliver(user, plain(2), plain(3))
    changes, after = client.sync(state=state, paths=["item:Subject"])
    assert [(k, e.findtext("t:Subject", namespaces=NS)) for k, e in changes] == [
        ("Create", "message 3"),
        ("Create", "message 2"),
    ]
    assert client.sync(state=after)[0] == []


def test_a_state_may_be_used_again(server, client, user):
    server.deliver(user, plain(1))
    _, state = client.sync()
    server.deliver(user, plain(2))
    first = client.call(sync_items(state=state))
    assert client.call(sync_items(state=state)).raw == first.raw
    server.deliver(user, plain(3))
    assert len(client.sync(state=state)[0]) == 2
    assert len(client.sync(state=first.state)[0]) == 1


def test_states_of_parallel_clients_do_not_disturb_each_other(server, user):
    with server.soap(user) as one, server.soap(user) as two:
        states = [one.sync()[1], two.sync()[1]]
        for number in range(3):
            server.deliver(user, plain(number))
            changes, states[0] = one.sync(state=states[0])
            assert len(changes) == 1
        changes, states[1] = two.sync(state=states[1])
        assert len(changes) == 3


@pytest.mark.parametrize("most", [1, 2, 3, 9, 10, 11, 512])
def test_pages_tell_every_item_once(ten_reader, ten, most):
    pages = list(ten_reader.pages(most=most))
    assert [i for page in pages for i in page.change_ids] == ten
    assert all(len(page.changes) <= most for page in pages)
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert len(pages) <= 10 // most + 1


def test_mail_that_comes_while_paging_is_told_once(server, client, user):
    server.deliver(user, *[plain(i) for i in range(6)])
    state, told = None, []
    for number in range(100, 110):
        answer = client.call(sync_items(state=state, most=2, paths=["item:Subject"]))
        told += answer.values("t:Subject")
        state = answer.state
        server.deliver(user, plain(number))
    changes, _ = client.sync(state=state, paths=["item:Subject"])
    told += [e.findtext("t:Subject", namespaces=NS) for _, e in changes]
    assert sorted(told) == sorted(
        [f"message {i}" for i in range(6)] + [f"message {i}" for i in range(100, 110)]
    )


def test_each_page_may_be_asked_for_again(server, client, user):
    server.deliver(user, *[plain(i) for i in range(9)])
    state, seen = None, []
    while True:
        answer, again = (client.call(sync_items(state=state, most=2)) for _ in range(2))
        assert again.raw == answer.raw
        seen += answer.change_ids
        if answer.last:
            break
        state = answer.state
    assert seen == client.items()


def test_the_page_size_may_change_while_paging(server, client, user):
    server.deliver(user, *[plain(i) for i in range(12)])
    state, seen = None, []
    for most in (1, 5, 2, 512):
        answer = client.call(sync_items(state=state, most=most))
        seen += answer.change_ids
        state = answer.state
    assert answer.last
    assert seen == client.items()


# ---- Ignore


def test_ignored_items_are_left_out_and_count_as_told(server, client, user):
    server.deliver(user, *[plain(i) for i in range(6)])
    ids = client.items()
    answer = client.call(sync_items(ignore=[ids[0], ids[3]]))
    assert answer.change_ids == [i for n, i in enumerate(ids) if n not in (0, 3)]
    assert client.sync(state=answer.state)[0] == []


def test_ignored_items_do_not_fill_a_page(server, client, user):
    server.deliver(user, *[plain(i) for i in range(6)])
    ids = client.items()
    answer = client.call(sync_items(ignore=ids[:3], most=3))
    assert answer.change_ids == ids[3:]
    answer = client.call(sync_items(ignore=ids))
    assert (answer.change_ids, answer.last) == ([], True)


def test_ids_to_ignore_need_not_exist(server, client, user, new_user):
    other = new_user("other")
    server.deliver(other, plain())
    server.deliver(user, plain())
    with server.soap(other) as theirs:
        foreign = theirs.items()[0]
    answer = client.call(
        sync_items(ignore=["AAA=", "", "no base64 at all!", foreign, client.folder_id("inbox")])
    )
    assert (answer.code, len(answer.changes)) == ("NoError", 1)


def test_ignore_matches_the_id_alone(server, client, user):
    server.deliver(user, plain())
    item = client.items()[0]
    body = sync_items(ignore=[item]).replace(
        '"/></m:Ignore>', '" ChangeKey="whatever"/></m:Ignore>'
    )
    assert client.call(body).change_ids == []


def test_many_ids_to_ignore(server, client, user):
    server.deliver(user, plain())
    answer = client.call(sync_items(ignore=[f"AAAA{i:08d}" for i in range(20000)] + client.items()))
    assert (answer.code, answer.change_ids) == ("NoError", [])


# ---- scope


def test_scope_may_change_from_call_to_call(server, client, user):
    server.deliver(user, plain(1), plain(2))
    scopes = [None, "NormalAndAssociatedItems", "NormalItems", "NormalAndAssociatedItems"]
    told, state = [], None
    for scope in scopes:
        changes, state = client.sync(state=state, scope=scope)
        told += changes
    assert [kind for kind, _ in told] == ["Create", "Create"]


# ---- folders


def test_each_folder_is_synced_on_its_own(server, client, user, tmp_path):
    (tmp_path / "a.eml").write_bytes(plain(5))
    server.ctl("import", user, tmp_path / "a.eml", "--folder", "Projects/2026")
    server.deliver(user, plain(1))
    folders = {
        e.findtext("t:DisplayName", namespaces=NS): e.find("t:FolderId", NS).get("Id")
        for _, e in client.call(sync_hierarchy(base="Default")).changes
    }
    assert len(client.items()) == 1
    assert len(client.items(folders["2026"])) == 1
    assert client.items(folders["Projects"]) == []
    assert client.items("drafts") == []


def test_counts_follow_the_items(server, client, user):
    server.deliver(user, *[plain(i) for i in range(5)])
    folder = client.call(get_folder("inbox"))
    assert (folder.value("t:TotalCount"), folder.value("t:UnreadCount")) == ("5", "5")
    assert client.call(find_item("inbox")).find("m:RootFolder").get("TotalItemsInView") == "5"


def test_a_folder_of_1300(server, client, user, tmp_path):
    """More than two full pages; every page size that divides badly, by one import."""
    box = b"".join(
        b"From sender@example.org Mon Mar  2 10:00:00 2026\n"
        + plain(i).replace(b"\r\n", b"\n")
        + b"\n"
        for i in range(1300)
    )
    (tmp_path / "many.mbox").write_bytes(box)
    server.ctl("import", user, tmp_path / "many.mbox")
    expected = client.items()
    assert len(set(expected)) == 1300
    for most, count in ((512, 3), (500, 3), (433, 4), (100, 13)):
        pages = list(client.pages(most=most))
        assert [i for page in pages for i in page.change_ids] == expected
        assert len(pages) in (count, count + 1)
        assert all(len(p.state) <= 64 for p in pages)


def test_meeting_request_between_mails(server, client, user):
    server.deliver(user, plain(1), meeting(), plain(2))
    answer = client.call(sync_items(base="Default"))
    assert [local(e) for _, e in answer.changes] == ["Message", "MeetingRequest", "Message"]
    assert len({item_id(e) for _, e in answer.changes}) == 3
    assert client.post(envelope(sync_items(base="Default"), None)).code == "NoError"
