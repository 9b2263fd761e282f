"""Attachments over the wire that are too many or too large, and pictures of contacts."""
import base64
import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest

import ewer
from soap import envelope, get_attachment, get_folder, get_item
from writing import (
    Item,
    code,
    create_attachment,
    create_item,
    delete_attachment,
    file,
    made,
    message,
    refs,
)

MEGABYTE = 1024 * 1024
LARGE = 100 * MEGABYTE
REQUEST_BOUND = 64 * MEGABYTE
COUNT_BOUND = 1000
# A request is held once as text and once decoded, a sanitizer keeps freed memory for a while.
MEMORY_BOUND = (8 if ewer.is_sanitized() else 3) * REQUEST_BOUND


# ---- more than a request may have


def content_of(size):
    """The start and the end of a request around the content of one attachment, and how much of it
    lies between."""
    whole = {
        "CreateItem": create_item(
            message(more=f"<t:Attachments>{file('large', b'@')}</t:Attachments>")
        ),
        "CreateAttachment": create_attachment("{id}", file("large", b"@")),
    }
    encoded = base64.b64encode(b"@").decode()
    return {
        name: tuple(part.encode() for part in envelope(body).decode().split(encoded))
        + (size * 4 // 3,)
        for name, body in whole.items()
    }


def head(server, user, framing):
    return (
        "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nAuthorization: "
        f"{ewer.basic(user, server.passwords[user])}\r\n"
        f"Content-Type: text/xml\r\n{framing}\r\n\r\n"
    ).encode()


def framed(piece, chunked):
    return b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece


def send_large(server, user, request, chunked):
    """The HTTP status of a request that is sent piece by piece; None when the server has hung up
    before it could be read."""
    start, end, size = request
    length = len(start) + size + len(end)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
    piece = framed(b"QUJD" * (MEGABYTE // 4), chunked)
    got = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head(server, user, framing) + framed(start, chunked))
            for _ in range(size // MEGABYTE):
                connection.sendall(piece)
            connection.sendall(framed(end, chunked) + (b"0\r\n\r\n" if chunked else b""))
        with contextlib.suppress(ConnectionError):
            got = connection.recv(12)
    return int(got.split(b" ")[1]) if got else None


def peak_memory(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


@contextlib.contextmanager
def neighbours(server, user, most_seconds=5):
    """Others are served all the while, and none of them waits long."""
    done, waits = threading.Event(), []

    def ask():
        with server.soap(user) as client:
            while not done.is_set():
                began = time.monotonic()
                assert client.call(get_folder("inbox")).code == "NoError"
                waits.append(time.monotonic() - began)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert waits and max(waits) < most_seconds, max(waits, default=None)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("operation", ["CreateItem", "CreateAttachment"])
def test_a_hundred_megabytes_stop_at_the_door(
    server, client, user, reading_user, operation, chunked
):
    item = made(client)
    start, end, size = content_of(LARGE)[operation]
    start = start.replace(b"{id}", item.id.encode())
    before = peak_memory(server)
    with neighbours(server, reading_user):
        status = send_large(server, user, (start, end, size), chunked)
    assert status in (413, None)
    assert peak_memory(server) - before < MEMORY_BOUND
    assert client.items("drafts") == [item.id]
    answer = client.call(get_item(item.id, paths=["item:HasAttachments"]))
    assert answer.value("t:HasAttachments") == "false"


def test_what_fits_is_taken(server, client, reading_user):
    data = b"0123456789abcdef" * (20 * MEGABYTE // 16)
    with neighbours(server, reading_user):
        made_item = client.call(
            create_item(message(more=f"<t:Attachments>{file('fits', data)}</t:Attachments>"))
        )
    identity = made_item.find("t:AttachmentId").get("Id")
    got = client.call(get_attachment(identity)).value("t:Content")
    assert base64.b64decode(got) == data


# ---- too many


def test_more_attachments_than_an_item_may_have(client):
    few, many = file("a", b"x"), file("a", b"x") * (COUNT_BOUND + 1)
    items = "".join(
        message(name, f"<t:Attachments>{files}</t:Attachments>")
        for name, files in (("before", few), ("much", many), ("after", few))
    )
    answer = client.call(create_item(items))
    assert answer.codes == ["NoError", "ErrorMessageSizeExceeded", "NoError"]
    assert len(client.items("drafts")) == 2


def test_the_last_attachment_that_fits(client):
    full = file("a", b"x") * (COUNT_BOUND - 1)
    item = Item(client.call(create_item(message(more=f"<t:Attachments>{full}</t:Attachments>"))))
    answer = client.call(create_attachment(item.id, file("fits") + file("does not")))
    assert answer.codes == ["NoError", "ErrorMessageSizeExceeded"]
    listed = client.call(get_item(item.id, paths=["item:Attachments"]))
    names = listed.values("t:Name")
    assert len(names) == COUNT_BOUND and names[-1] == "fits"
    identity = listed.findall("t:AttachmentId")[0].get("Id")
    assert code(client, delete_attachment(identity)) == "NoError"
    assert code(client, create_attachment(item.id, file("fits now"))) == "NoError"


def test_every_attachment_of_a_full_item_at_once(client):
    """The message is opened once for all of them: else this would take minutes."""
    files = "".join(file(str(i), b"%d" % i * 1000) for i in range(COUNT_BOUND))
    answer = client.call(create_item(message(more=f"<t:Attachments>{files}</t:Attachments>")))
    ids = [e.get("Id") for e in answer.findall("t:AttachmentId")]
    assert len(ids) == COUNT_BOUND
    got = client.call(get_attachment(*ids))
    assert set(got.codes) == {"NoError"}
    assert got.values("t:Name") == [str(i) for i in range(COUNT_BOUND)]


def test_item_attachments_in_item_attachments(client):
    inner = "<t:Message><t:Subject>core</t:Subject></t:Message>"
    for _ in range(10):
        inner = (
            "<t:Message><t:Subject>s</t:Subject><t:Attachments><t:ItemAttachment><t:Name>i</t:Name>"
            f"{inner}</t:ItemAttachment></t:Attachments></t:Message>"
        )
    assert code(client, create_item(inner)) == "NoError"
    for _ in range(7):
        inner = (
            "<t:Message><t:Subject>s</t:Subject><t:Attachments><t:ItemAttachment><t:Name>i</t:Name>"
            f"{inner}</t:ItemAttachment></t:Attachments></t:Message>"
        )
    assert code(client, create_item(inner)) == "ErrorInvalidOperation"
    assert len(client.items("drafts")) == 1


# ---- odd names


@pytest.mark.parametrize(
    "given, shown",
    [
        ("a/b", "a/b"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\\b:c*?", "a\\b:c*?"),
        ("a&#13;&#10;X-Evil: 1", "a  X-Evil: 1"),
        ("a&#9;b", "a b"),
        ("\u00fc\U0001f4ce\u202e.exe", "\u00fc\U0001f4ce\u202e.exe"),
        ("a&quot;; name=b", 'a"; name=b'),
        ("%00%41", "%00%41"),
    ],
)
def test_odd_names_are_names(client, given, shown):
    item = made(client)
    answer = client.call(create_attachment(item.id, file(given)))
    assert answer.code == "NoError"
    identity = answer.find("t:AttachmentId").get("Id")
    got = client.call(get_attachment(identity))
    assert got.value("t:Name").split() == shown.split()
    assert base64.b64decode(got.value("t:Content")) == b"data"
    assert b"\nX-Evil" not in client.mime(item.id)


def test_names_that_are_none(client):
    item = made(client)
    for name in ("", "&#9;", None):
        answer = client.call(create_attachment(item.id, file(name) + file("fine")))
        assert answer.codes == ["ErrorRequiredPropertyMissing", "NoError"]
    long = client.call(create_attachment(item.id, file("x" * 100000)))
    assert long.code == "NoError"


# ---- pictures of contacts


def picture(is_photo="true"):
    return file("ContactPicture.jpg", b"\xff\xd8\xff").replace(
        "<t:Content>", f"<t:IsContactPhoto>{is_photo}</t:IsContactPhoto><t:Content>"
    )


def has_picture(client, item):
    return client.call(get_item(item.id, paths=["contacts:HasPicture"])).value("t:HasPicture")


def test_a_picture_is_one_until_it_goes(client):
    contact = made(client, "<t:Contact><t:GivenName>Ann</t:GivenName></t:Contact>", attributes="")
    assert has_picture(client, contact) == "false"
    answer = client.call(create_attachment(contact.id, picture("false") + picture()))
    assert answer.codes == ["NoError", "NoError"]
    plain, photo = (e.get("Id") for e in answer.findall("t:AttachmentId"))
    assert has_picture(client, contact) == "true"
    got = client.call(get_attachment(plain, photo))
    assert got.values("t:IsContactPhoto") == ["false", "true"]
    assert base64.b64decode(got.values("t:Content")[1]) == b"\xff\xd8\xff"
    copy = client.call(
        '<m:CopyItem><m:ToFolderId><t:DistinguishedFolderId Id="contacts"/></m:ToFolderId>'
        f"{refs(contact.id)}</m:CopyItem>"
    )
    assert has_picture(client, Item(copy)) == "true"
    assert code(client, delete_attachment(photo)) == "NoError"
    assert has_picture(client, contact) == "false"


def test_a_contact_made_with_its_picture(client):
    contact = made(
        client, f"<t:Contact><t:Attachments>{picture()}</t:Attachments></t:Contact>", attributes=""
    )
    assert has_picture(client, contact) == "true"
    listed = client.call(get_item(contact.id, paths=["item:Attachments"]))
    assert listed.values("t:IsContactPhoto") == ["true"]
