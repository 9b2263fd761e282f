"""GetItem, GetAttachment, FindItem, FindFolder, GetFolder, ConvertId on what was delivered; every
answer keeps the schema."""
import base64

import pytest

from mails import PNG, html, meeting, plain, with_file, with_message, with_picture, zoo
from soap import (
    NS,
    find_folder,
    find_item,
    get_attachment,
    get_folder,
    get_item,
    local,
    shape,
    sync_items,
)

MIME = "<t:IncludeMimeContent>true</t:IncludeMimeContent>"


def subject_is(text):
    return (
        '<t:IsEqualTo><t:FieldURI FieldURI="item:Subject"/><t:FieldURIOrConstant><t:Constant '
        f'Value="{text}"/></t:FieldURIOrConstant></t:IsEqualTo>'
    )


def indexed(offset=0, most=None, base="Beginning"):
    most = f' MaxEntriesReturned="{most}"' if most is not None else ""
    return f'<m:IndexedPageItemView{most} Offset="{offset}" BasePoint="{base}"/>'


# ---- items


def test_mime_content_is_what_was_delivered(zoo_reader):
    for item, (name, message, _) in zip(reversed(zoo_reader.items()), zoo()):
        got = zoo_reader.mime(item)
        assert got == message or got == message + b"\r\n", name


@pytest.mark.parametrize(
    "version", ["Exchange2007", "Exchange2010_SP1", "Exchange2013", "V2017_07_11"]
)
@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
@pytest.mark.parametrize("body", ["", "Text", "HTML", "Best"])
def test_every_shape_of_every_class_keeps_the_schema(zoo_reader, version, base, body):
    extra = (
        f"<t:IncludeMimeContent>true</t:IncludeMimeContent><t:BodyType>{body}</t:BodyType>"
        if body
        else ""
    )
    answer = zoo_reader.call(get_item(*zoo_reader.items(), base=base, extra=extra), version)
    assert set(answer.codes) == {"NoError"}
    assert [local(m.find("m:Items", NS)[0]) for m in reversed(answer.messages)] == [
        element for _, _, element in zoo()
    ]


def test_bodies_by_type(server, client, user):
    server.deliver(user, html(), plain(2, text="1 < 2 & 3"))
    plain_item, html_item = client.items()

    def body(item, kind):
        found = client.call(
            get_item(item, paths=["item:Body"], extra=f"<t:BodyType>{kind}</t:BodyType>")
        ).find("t:Body")
        return found.get("BodyType"), found.text

    assert body(html_item, "HTML") == (
        "HTML",
        "<html><body><p>Grüße <b>aus</b> München</p></body></html>",
    )
    assert body(html_item, "Best")[0] == "HTML"
    assert body(html_item, "Text")[0] == "Text"
    assert "Grüße aus München" in body(html_item, "Text")[1]
    assert body(plain_item, "Text")[0] == "Text"
    assert body(plain_item, "Text")[1].strip() == "1 < 2 & 3"
    assert body(plain_item, "Best")[0] == "Text"
    kind, text = body(plain_item, "HTML")
    assert kind == "HTML"
    assert "1 &lt; 2 &amp; 3" in text


def test_unknown_items_among_known_ones(ten_reader, ten):
    answer = ten_reader.call(
        get_item(ten[0], "AAAA", ten[1], ten_reader.folder_id("inbox"), "", ten[2])
    )
    assert answer.codes == [
        "NoError",
        "ErrorInvalidIdMalformed",
        "NoError",
        "ErrorCannotUseFolderIdForItemId",
        "ErrorInvalidIdEmpty",
        "NoError",
    ]


def test_items_of_another_user_are_not_found(server, ten_reader, ten, new_user):
    assert ten_reader.call(get_item(ten[0])).code == "NoError"
    with server.soap(new_user("other")) as theirs:
        answer = theirs.call(get_item(ten[0], base="AllProperties", extra=MIME))
        assert answer.code == "ErrorItemNotFound"
        assert answer.value("m:MessageText") == "The specified object was not found in the store."


def test_forged_ids_are_malformed(ten_reader, ten):
    raw = base64.b64decode(ten[0])
    ids = []
    for bit in range(len(raw) * 8):
        bad = bytearray(raw)
        bad[bit // 8] ^= 1 << bit % 8
        ids.append(base64.b64encode(bad).decode())
    assert set(ten_reader.call(get_item(*ids)).codes) == {"ErrorInvalidIdMalformed"}


def test_change_keys_are_optional_but_must_be_ours(ten_reader, ten):
    key = ten_reader.call(sync_items()).find("t:ItemId").get("ChangeKey")
    for change_key, code in (
        (key, "NoError"),
        ("AAAA", "ErrorInvalidChangeKey"),
        ("!", "ErrorInvalidChangeKey"),
    ):
        body = get_item(ten[0]).replace(
            '"/></m:ItemIds>', f'" ChangeKey="{change_key}"/></m:ItemIds>'
        )
        assert ten_reader.call(body).code == code


def test_extended_and_indexed_properties(server, client, user):
    server.deliver(user, plain(3, headers="X-Test: hello\r\nX-Test: again\r\n"))
    header = '<t:IndexedFieldURI FieldURI="item:InternetMessageHeader" FieldIndex="X-Test"/>'
    named = (
        '<t:ExtendedFieldURI DistinguishedPropertySetId="InternetHeaders" PropertyName="X-Test" '
        'PropertyType="String"/>'
    )
    item = client.items()[0]
    answer = client.call(
        get_item(
            item,
            paths=[header, named, "0x0E07/Integer", "3591/Integer", "0x37/String", "0xe08/Integer"],
        )
    )
    assert answer.code == "NoError"
    assert "hello" in [
        e.text.strip()
        for e in answer.findall("t:InternetMessageHeader")
        if e.get("HeaderName") == "X-Test"
    ]
    values = {
        e.find("t:ExtendedFieldURI", NS).get("PropertyTag"): e.findtext("t:Value", namespaces=NS)
        for e in answer.findall("t:ExtendedProperty")
    }
    assert values["0x37"] == "message 3"
    assert "0xe07" in values and "0xe08" in values


def test_a_property_of_another_class(ten_reader, ten):
    answer = ten_reader.call(get_item(ten[0], paths=["contacts:GivenName"]))
    if answer.code != "NoError":
        assert answer.code == "ErrorInvalidPropertyRequest"
        assert answer.find("m:MessageXml") is not None


def test_meeting_request_as_item(server, client, user):
    server.deliver(user, meeting(summary="Review"))
    answer = client.call(get_item(client.items()[0], base="AllProperties"))
    request = answer.find("t:MeetingRequest")
    texts = {
        n: request.findtext(f"t:{n}", namespaces=NS)
        for n in ("Subject", "Start", "End", "Location", "ItemClass", "ResponseType")
    }
    assert texts == {
        "Subject": "Review",
        "Start": "2006-08-02T17:30:00Z",
        "End": "2006-08-02T19:30:00Z",
        "Location": "Conference Room 2",
        "ItemClass": "IPM.Schedule.Meeting.Request",
        "ResponseType": "NoResponseReceived",
    }


# ---- attachments


def attachments(client, item):
    answer = client.call(get_item(item, paths=["item:Attachments", "item:HasAttachments"]))
    found = answer.find("t:Attachments")
    return [] if found is None else list(found)


def test_file_attachment(server, client, user):
    data = bytes(range(256)) * 1000
    server.deliver(user, with_file("Zeugnis.bin", data))
    (entry,) = attachments(client, client.items()[0])
    assert local(entry) == "FileAttachment"
    assert entry.findtext("t:Name", namespaces=NS) == "Zeugnis.bin"
    answer = client.call(get_attachment(entry.find("t:AttachmentId", NS).get("Id")))
    assert answer.code == "NoError"
    assert base64.b64decode(answer.value("t:Content")) == data


def test_item_attachment_and_its_own_attachment(server, client, user):
    server.deliver(user, with_message(with_file("inner.bin", b"deep inside", 2)))
    (entry,) = attachments(client, client.items()[0])
    assert local(entry) == "ItemAttachment"
    asked = (
        "<m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent>"
        "<t:BodyType>Text</t:BodyType></m:AttachmentShape>"
    )
    answer = client.call(get_attachment(entry.find("t:AttachmentId", NS).get("Id"), extra=asked))
    assert answer.code == "NoError"
    assert answer.value("t:Subject") == "with a file"
    inner = answer.find("t:Message/t:Attachments/t:FileAttachment/t:AttachmentId")
    assert inner is not None, answer.text
    answer = client.call(get_attachment(inner.get("Id")))
    assert base64.b64decode(answer.value("t:Content")) == b"deep inside"


def test_inline_picture(server, client, user):
    server.deliver(user, with_picture())
    (entry,) = attachments(client, client.items()[0])
    assert entry.findtext("t:ContentId", namespaces=NS) == "pic@x"
    assert entry.findtext("t:IsInline", namespaces=NS) == "true"
    answer = client.call(get_attachment(entry.find("t:AttachmentId", NS).get("Id")))
    assert base64.b64decode(answer.value("t:Content")) == PNG


def test_attachments_of_another_user_and_forged_ones(server, client, user, new_user):
    server.deliver(user, with_file())
    known = attachments(client, client.items()[0])[0].find("t:AttachmentId", NS).get("Id")
    with server.soap(new_user("other")) as theirs:
        assert theirs.call(get_attachment(known)).code in (
            "ErrorItemNotFound",
            "ErrorInvalidAttachmentId",
        )
    for bad in ("AAAA", known[:-4], client.items()[0]):
        assert client.call(get_attachment(bad)).code == "ErrorInvalidAttachmentId"
    assert client.call(get_attachment("AAAA", known)).codes == [
        "ErrorInvalidAttachmentId",
        "NoError",
    ]


# ---- FindItem


def subjects(answer):
    return answer.values("t:Subject")


def test_find_item_default_order_is_newest_first(ten_reader, ten):
    answer = ten_reader.call(find_item(paths=["item:Subject"]))
    assert [e.get("Id") for e in answer.findall("t:ItemId")] == ten
    root = answer.find("m:RootFolder")
    assert (root.get("TotalItemsInView"), root.get("IncludesLastItemInRange")) == ("10", "true")


@pytest.mark.parametrize("most", [1, 3, 5, 10, 11])
def test_find_item_pages(ten_reader, ten, most):
    seen, offset = [], 0
    while True:
        answer = ten_reader.call(find_item(view=indexed(offset, most)))
        root = answer.find("m:RootFolder")
        seen += [e.get("Id") for e in answer.findall("t:ItemId")]
        if root.get("IncludesLastItemInRange") == "true":
            break
        assert int(root.get("IndexedPagingOffset")) == offset + most
        offset += most
    assert seen == ten


def test_find_item_from_the_end(ten_reader, ten):
    answer = ten_reader.call(find_item(view=indexed(0, 3, "End")))
    assert {e.get("Id") for e in answer.findall("t:ItemId")} == set(ten[-3:])


@pytest.mark.parametrize(
    "view, code",
    [
        (indexed(0, 0), "ErrorInvalidPagingMaxRows"),
        (indexed(0, -1), "ErrorInvalidPagingMaxRows"),
        (indexed(-1, 5), "ErrorInvalidIndexedPagingParameters"),
        (
            '<m:FractionalPageItemView MaxEntriesReturned="5" Numerator="5" Denominator="2"/>',
            "ErrorInvalidFractionalPagingParameters",
        ),
        (
            '<m:FractionalPageItemView MaxEntriesReturned="5" Numerator="1" Denominator="0"/>',
            "ErrorInvalidFractionalPagingParameters",
        ),
    ],
)
def test_find_item_with_impossible_views(ten_reader, ten, view, code):
    assert len(ten) == 10
    assert ten_reader.call(find_item(view=view)).code == code


def test_find_item_fraction(ten_reader, ten):
    answer = ten_reader.call(
        find_item(
            view='<m:FractionalPageItemView MaxEntriesReturned="3" Numerator="1" Denominator="2"/>'
        )
    )
    assert [e.get("Id") for e in answer.findall("t:ItemId")] == ten[5:8]


@pytest.mark.parametrize("way", ["Ascending", "Descending"])
@pytest.mark.parametrize(
    "path",
    [
        "item:Subject",
        "item:DateTimeReceived",
        "item:DateTimeSent",
        "item:Size",
        "0xe23/Integer",
        "message:From",
    ],
)
def test_find_item_sorts(ten_reader, ten, path, way):
    answer = ten_reader.call(find_item(paths=["item:Subject"], order=[(path, way)]))
    assert answer.code == "NoError"
    if path == "item:Subject":
        assert subjects(answer) == sorted(subjects(answer), reverse=way == "Descending")
    assert {e.get("Id") for e in answer.findall("t:ItemId")} == set(ten)


def compare(name, path, value):
    return (
        f'<t:{name}><t:FieldURI FieldURI="{path}"/><t:FieldURIOrConstant><t:Constant '
        f'Value="{value}"/></t:FieldURIOrConstant></t:{name}>'
    )


def contains(path, value, mode="Substring", comparison="IgnoreCase"):
    return (
        f'<t:Contains ContainmentMode="{mode}" ContainmentComparison="{comparison}"><t:FieldURI '
        f'FieldURI="{path}"/>'
        f'<t:Constant Value="{value}"/></t:Contains>'
    )


@pytest.mark.parametrize(
    "restriction, numbers",
    [
        (subject_is("message 3"), [3]),
        (compare("IsNotEqualTo", "item:Subject", "message 3"), [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        (compare("IsGreaterThan", "item:Subject", "message 7"), [8, 9]),
        (compare("IsLessThanOrEqualTo", "item:Subject", "message 1"), [0, 1]),
        (contains("item:Subject", "AGE 5"), [5]),
        (contains("item:Subject", "mess", "Prefixed"), list(range(10))),
        (contains("item:Subject", "message 5", "FullString"), [5]),
        (contains("item:Subject", "AGE 5", comparison="Exact"), []),
        (contains("item:Body", "text of message 6"), [6]),
        (f"<t:Not>{subject_is('message 3')}</t:Not>", [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        (f"<t:Or>{subject_is('message 3')}{subject_is('message 4')}</t:Or>", [3, 4]),
        (
            f"<t:And>{contains('item:Subject', '4')}{contains('item:Subject', 'message')}</t:And>",
            [4],
        ),
        (compare("IsEqualTo", "message:InternetMessageId", "&lt;m2@example.org&gt;"), [2]),
        (compare("IsEqualTo", "message:IsRead", "true"), []),
        (compare("IsEqualTo", "message:IsRead", "false"), list(range(10))),
        ('<t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists>', list(range(10))),
    ],
)
def test_find_item_restrictions(ten_reader, ten, restriction, numbers):
    assert len(ten) == 10
    answer = ten_reader.call(find_item(paths=["item:Subject"], restriction=restriction))
    assert answer.code == "NoError", answer.text
    assert sorted(subjects(answer)) == [f"message {n}" for n in numbers]
    assert answer.find("m:RootFolder").get("TotalItemsInView") == str(len(numbers))


def test_find_item_in_several_folders(ten_reader, ten):
    answer = ten_reader.call(find_item("inbox", "drafts", "inbox"))
    assert answer.codes == ["NoError"] * 3
    assert [len(m.findall(".//t:ItemId", NS)) for m in answer.messages] == [len(ten), 0, len(ten)]


@pytest.mark.parametrize("traversal, code", [("Associated", "NoError"), ("SoftDeleted", "NoError")])
def test_find_item_traversals(ten_reader, ten, traversal, code):
    assert len(ten) == 10
    answer = ten_reader.call(find_item(traversal=traversal))
    assert (answer.code, answer.findall("t:ItemId")) == (code, [])


def test_find_item_with_properties_of_every_class(zoo_reader):
    for base in ("Default", "AllProperties"):
        for version in ("Exchange2007_SP1", "Exchange2010_SP2", "V2017_07_11"):
            answer = zoo_reader.call(find_item(base=base), version)
            assert len(answer.find("t:Items")) == len(zoo())


# ---- folders


def test_find_folder_shallow_and_deep(server, client, user, tmp_path):
    (tmp_path / "a.eml").write_bytes(plain())
    server.ctl("import", user, tmp_path / "a.eml", "--folder", "A/B/C")
    shallow, deep = (
        client.call(find_folder("msgfolderroot", traversal=t)) for t in ("Shallow", "Deep")
    )
    assert {"A"} == {"A", "B", "C"} & set(shallow.values("t:DisplayName"))
    assert {"A", "B", "C"} <= set(deep.values("t:DisplayName"))
    name = (
        '<t:IsEqualTo><t:FieldURI FieldURI="folder:DisplayName"/><t:FieldURIOrConstant>'
        '<t:Constant Value="B"/></t:FieldURIOrConstant></t:IsEqualTo>'
    )
    assert client.call(find_folder("msgfolderroot", restriction=name)).values("t:DisplayName") == [
        "B"
    ]


def test_find_folder_pages(reader):
    everything = reader.call(find_folder("root", base="IdOnly"))
    ids = [e.get("Id") for e in everything.findall("t:FolderId")]
    seen, offset = [], 0
    while True:
        view = (
            f'<m:IndexedPageFolderView MaxEntriesReturned="4" Offset="{offset}" '
            'BasePoint="Beginning"/>'
        )
        answer = reader.call(find_folder("root", base="IdOnly", view=view))
        seen += [e.get("Id") for e in answer.findall("t:FolderId")]
        if answer.find("m:RootFolder").get("IncludesLastItemInRange") == "true":
            break
        offset += 4
    assert seen == ids


@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
def test_get_folder_of_distinguished_ones(reader, base):
    names = (
        "root msgfolderroot inbox drafts sentitems outbox deleteditems junkemail calendar "
        "contacts tasks notes journal searchfolders"
    ).split()
    answer = reader.call(get_folder(*names, base=base))
    assert answer.codes == ["NoError"] * len(names)


def test_permission_set_only_by_name(reader):
    assert reader.call(get_folder("inbox", base="AllProperties")).find("t:PermissionSet") is None
    assert (
        reader.call(get_folder("inbox", "calendar", paths=["folder:PermissionSet"])).find(
            "t:PermissionSet"
        )
        is not None
    )


# ---- ConvertId


def convert_id(item, mailbox="blah@blah.com", source="EwsId", target="EwsId"):
    return (
        f'<m:ConvertId DestinationFormat="{target}"><m:SourceIds><t:AlternateId '
        f'Format="{source}" Id="{item}" Mailbox="{mailbox}"/>'
        "</m:SourceIds></m:ConvertId>"
    )


def test_convert_id_tells_the_real_mailbox(reader, reading_user):
    inbox = reader.folder_id("inbox")
    answer = reader.call(convert_id(inbox))
    alternate = answer.find("m:AlternateId")
    assert (alternate.get("Id"), alternate.get("Mailbox"), alternate.get("Format")) == (
        inbox,
        reading_user,
        "EwsId",
    )


def test_convert_id_of_nonsense_is_an_error_message(reader):
    answer = reader.call(convert_id("DUMMY", target="EntryId"), "Exchange2019")
    assert answer.code.startswith("Error")
    assert answer.find("t:ServerVersionInfo") is not None


def test_shape_needs_its_base(ten_reader, ten):
    body = get_item(ten[0]).replace(shape(), "<m:ItemShape/>")
    assert ten_reader.fault(body).fault_code == "ErrorSchemaValidation"
