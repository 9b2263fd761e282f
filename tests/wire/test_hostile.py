"""Hostile and broken HTTP clients: each gets a refusal, nobody else notices, nothing is lost."""
import contextlib
import random
import socket
import threading
import time

import pytest

from ewer import basic
from soap import envelope, find_item, get_folder, get_item, local, sync_hierarchy, sync_items

ASK = envelope(get_folder("inbox"))


@pytest.fixture(name="user")
def fixture_user(ten_user):
    """The one attacked; nobody can change his mailbox this way."""
    return ten_user


@pytest.fixture(name="mailbox")
def fixture_mailbox(server, ten_reader, ten, user):
    """His mail is all there after the attack, by a request like any other."""
    yield ten_reader
    with server.soap(user) as fresh:
        assert fresh.items() == ten
        assert fresh.mime(ten[0]).startswith(b"From: Sender")


def head(server, user, length, extra=""):
    return (
        "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nAuthorization: "
        f"{basic(user, server.passwords[user])}\r\n"
        f"Content-Type: text/xml\r\n{extra}Content-Length: {length}\r\n\r\n"
    ).encode()


@contextlib.contextmanager
def wire(server, seconds=60):
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        yield connection


def answer_to(server, data, seconds=60):
    """All that comes back for raw bytes until the server closes, an answer is complete, or time is
    over."""
    with wire(server, seconds) as connection:
        got = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            connection.sendall(data)
            while piece := connection.recv(65536):
                got += piece
                head_end = got.find(b"\r\n\r\n")
                if head_end > 0:
                    length = [
                        line
                        for line in got[:head_end].lower().split(b"\r\n")
                        if line.startswith(b"content-length:")
                    ]
                    if length and len(got) >= head_end + 4 + int(length[0].split(b":")[1]):
                        break
        return got


def status_of(answer):
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.") else None


# ---- documents

BOMB = (
    b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY a%d "%s">' % (i, b"&a%s;" % (b"" if i == 1 else b"%d" % (i - 1)) * 10)
        for i in range(1, 10)
    )
    + b"]>"
)


def in_subject(text):
    return envelope(sync_items(state="X")).replace(b">X<", b">" + text + b"<")


DOCUMENTS = {
    "doctype": ASK.replace(b"<soap:Envelope", b"<!DOCTYPE soap:Envelope><soap:Envelope", 1),
    "external entity": ASK.replace(
        b"<soap:Envelope",
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><soap:Envelope',
        1,
    ).replace(b"inbox", b"&e;"),
    "external subset": ASK.replace(
        b"<soap:Envelope", b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><soap:Envelope', 1
    ),
    "entity bomb": in_subject(b"&a9;").replace(b"<soap:Envelope", BOMB + b"<soap:Envelope", 1),
    "undefined entity": in_subject(b"&nosuch;"),
    "processing instruction": ASK.replace(b"<soap:Body>", b"<?php echo 1 ?><soap:Body>"),
    "style sheet": ASK.replace(
        b"<soap:Envelope", b'<?xml-stylesheet href="http://127.0.0.1:1/"?><soap:Envelope', 1
    ),
    "invalid UTF-8": in_subject(b"\xff\xfe\xc3("),
    "overlong UTF-8": in_subject(b"\xc0\xaf"),
    "surrogates in UTF-8": in_subject(b"\xed\xa0\x80"),
    "cut UTF-8": in_subject(b"\xe2\x82"),
    "NUL": in_subject(b"a\x00b"),
    "NUL before": b"\x00" + ASK,
    "NUL after": ASK + b"\x00",
    "control characters": in_subject(b"\x01\x02\x1f"),
    "character reference to NUL": in_subject(b"&#0;"),
    "character reference too large": in_subject(b"&#x110000;"),
    "UTF-16": ASK.decode().replace("utf-8", "utf-16").encode("utf-16"),
    "UTF-16 without mark": ASK.decode().encode("utf-16-le"),
    "UTF-32": ASK.decode().encode("utf-32"),
    "Latin 1": ASK.replace(b"utf-8", b"iso-8859-1"),
    "UTF-7": ASK.replace(b"utf-8", b"utf-7"),
    "unknown encoding": ASK.replace(b"utf-8", b"x-no-such"),
    "XML 1.1": ASK.replace(b'version="1.0"', b'version="1.1"', 1),
    "depth 10000": envelope(
        "<m:GetFolder>" + "<m:x>" * 10000 + "</m:x>" * 10000 + "</m:GetFolder>"
    ),
    "depth unclosed": envelope("<m:GetFolder>")[:-80] + b"<m:x>" * 100000,
    "10000 attributes": envelope(
        "<m:GetFolder " + " ".join(f'a{i}="1"' for i in range(10000)) + "/>"
    ),
    "attribute twice": envelope('<m:GetFolder a="1" a="2"/>'),
    "10000 namespaces": envelope(
        "<m:GetFolder " + " ".join(f'xmlns:a{i}="urn:{i}"' for i in range(10000)) + "/>"
    ),
    "unbound prefix": envelope("<q:GetFolder/>"),
    "long name": envelope("<m:" + "a" * 1000000 + "/>"),
    "long attribute": envelope('<m:GetFolder a="' + "a" * 5000000 + '"/>'),
    "long namespace": envelope('<x:GetFolder xmlns:x="' + "u" * 1000000 + '"/>'),
    "open tag": ASK[:-3],
    "crossed tags": ASK.replace(b"</soap:Body></soap:Envelope>", b"</soap:Envelope></soap:Body>"),
    "two roots": ASK + b"<a/>",
    "CDATA unclosed": in_subject(b"<![CDATA[" + b"x" * 1000),
    "comment unclosed": in_subject(b"<!--" + b"x" * 1000000),
    "random": random.Random(7).randbytes(10000),
    "random after a good start": ASK[:200] + random.Random(8).randbytes(10000),
    "zip": b"PK\x03\x04" + bytes(1000),
    "only brackets": b"<" * 1000000,
    "wrong namespaces": ASK.replace(b"exchange/services/2006", b"exchange/services/2066"),
    "soap 1.2": ASK.replace(
        b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"
    ),
    "513 changes": envelope(sync_items(most=513)),
    "0 changes": envelope(sync_items(most=0)),
    "unknown operation": envelope("<m:DropAllTables/>"),
    "unknown folder": envelope(get_folder("trashcan")),
}
# Lawful, if odd: these may be served.
BORNE = {"10000 namespaces", "Latin 1", "XML 1.1", "NUL after"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_bad_documents(mailbox, name):
    answer = mailbox.post(DOCUMENTS[name])
    if name in BORNE and answer.status == 200:
        return
    assert answer.status == 500, answer.status
    assert answer.fault_code == "ErrorSchemaValidation"
    assert len(answer.raw) < 3000, "a fault does not repeat its request"
    assert b"root:" not in answer.raw


def test_many_elements(mailbox):
    few = mailbox.call(get_item(*["AAAA"] * 10000))
    assert few.codes == ["ErrorInvalidIdMalformed"] * 10000
    assert mailbox.fault(get_item(*["AAAA"] * 200000)).fault_code == "ErrorSchemaValidation"


def test_many_paths(mailbox):
    names = ["item:Subject", "item:Size", "message:From"] * 300
    assert len(mailbox.call(sync_items(paths=names)).changes) == 10
    assert (
        mailbox.fault(sync_items(paths=["item:Subject"] * 20000)).fault_code
        == "ErrorSchemaValidation"
    )


def test_deep_restrictions(mailbox):
    leaf = '<t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists>'
    lawful = mailbox.call(find_item(restriction="<t:Not>" * 20 + leaf + "</t:Not>" * 20))
    assert lawful.code == "NoError"
    answer = mailbox.post(
        envelope(find_item(restriction="<t:Not>" * 100 + leaf + "</t:Not>" * 100))
    )
    assert answer.status == 500 or answer.code in (
        "ErrorRestrictionTooComplex",
        "ErrorInvalidRestriction",
        "ErrorSchemaValidation",
    )
    wide = mailbox.post(envelope(find_item(restriction="<t:Or>" + leaf * 20000 + "</t:Or>")))
    assert wide.status == 500 or wide.code in ("ErrorRestrictionTooComplex", "NoError")


def test_large_lawful_document(mailbox):
    """Ten megabytes of white space and comments mean nothing, but are no crime."""
    document = ASK.replace(
        b"<soap:Body>", b"<soap:Body>" + b" \n" * 2500000 + b"<!-- " + b"x" * 1000000 + b" -->"
    )
    answer = mailbox.post(document)
    assert answer.status in (200, 500)


def test_attributes_that_look_like_markup(mailbox):
    for text in (
        "]]>",
        "&lt;/t:FolderId&gt;",
        "&quot;&gt;&lt;x&gt;",
        "&#13;&#10;",
        "%s%s%s%n",
        "' OR 1=1 --",
        "\\",
        "${jndi:x}",
        "\u202e\u0000".strip("\0"),
    ):
        answer = mailbox.call(get_folder("X").replace('"X"', f'"{text}"'))
        assert answer.code == "ErrorInvalidIdMalformed"


def test_mutations_of_good_requests(mailbox):
    """Bytes changed, cut, doubled at random: whatever is answered keeps the schema, and mostly is a
    fault."""
    seed = 20260302
    rng = random.Random(seed)
    for body in (
        sync_items(base="Default", paths=["item:Subject"]),
        sync_hierarchy(base="Default"),
        find_item(),
        get_item("AAAA"),
    ):
        good = envelope(body)
        for _ in range(40):
            bad = bytearray(good)
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(bad))
                action = rng.randrange(4)
                if action == 0:
                    bad[at] = rng.randrange(256)
                elif action == 1:
                    del bad[at : at + rng.randint(1, 20)]
                elif action == 2:
                    bad[at:at] = bad[at : at + rng.randint(1, 60)]
                else:
                    bad[at:at] = rng.choice(
                        [b"<", b">", b"&", b'"', b"\x00", b"]]>", b"<!--", b"\xc3", b"<![CDATA["]
                    )
            answer = mailbox.post(bytes(bad))
            assert answer.status in (200, 500), (seed, bad)


# ---- HTTP


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /EWS/Exchange.asmx\r\n\r\n",
        b"POST /EWS/Exchange.asmx HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"\x00" * 1000,
        b"LHLO x\r\nMAIL FROM:<>\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"GET /%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_garbage_instead_of_a_request(server, mailbox, data):
    assert mailbox.address
    status = status_of(answer_to(server, data, seconds=0.5))
    assert status is None or 400 <= status < 600


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"P",
        b"POST",
        b"POST /EWS/Exchange.asmx HTTP/1.1\r\n",
        b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nContent-Le",
    ],
)
def test_half_a_head_then_close(server, mailbox, data):
    assert mailbox.address
    for _ in range(20):
        with wire(server) as connection:
            connection.sendall(data)


def test_half_a_body_then_close(server, user, mailbox):
    assert mailbox.address
    for length in (1, 100, len(ASK) - 1):
        for _ in range(5):
            with wire(server) as connection:
                connection.sendall(head(server, user, len(ASK)) + ASK[:length])


def test_close_without_reading_the_answer(server, user, mailbox):
    document = envelope(sync_items(base="AllProperties"))
    assert mailbox.address
    for _ in range(20):
        with wire(server) as connection:
            connection.sendall(head(server, user, len(document)) + document)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_header_flood(server, user, mailbox):
    assert mailbox.address
    flood = "".join(f"X-{i}: {'y' * 1000}\r\n" for i in range(1000))
    status = status_of(answer_to(server, head(server, user, len(ASK), flood) + ASK))
    assert status is None or 400 <= status < 500
    status = status_of(
        answer_to(server, head(server, user, len(ASK), "X: " + "y" * 1000000 + "\r\n") + ASK)
    )
    assert status is None or 400 <= status < 500


def test_claimed_gigabytes(server, user, mailbox):
    assert mailbox.address
    assert status_of(answer_to(server, head(server, user, 1024**3))) == 413
    assert status_of(answer_to(server, head(server, user, 1024**3) + b"x" * 100000)) in (
        413,
        None,
    )


def test_chunks_without_end(server, user, mailbox):
    """A chunked body has no length to refuse: it is cut off at the limit."""
    assert mailbox.address
    start = head(server, user, 0, "Transfer-Encoding: chunked\r\n").replace(
        b"Content-Length: 0\r\n", b""
    )
    with wire(server) as connection:
        connection.sendall(start)
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 80 * 1024 * 1024:
                connection.sendall(chunk)
                sent += 0x100000
            connection.sendall(b"0\r\n\r\n")
        got = b""
        with contextlib.suppress(ConnectionError):
            got = connection.recv(100)
    assert status_of(got) in (None, 413)


def test_a_dribbling_client_delays_nobody(server, user, mailbox):
    """Twenty clients hold requests open at every stage; another one is served as if they were not
    there."""
    assert mailbox.address
    whole = head(server, user, len(ASK)) + ASK
    with contextlib.ExitStack() as open_ones:
        slow = [
            (open_ones.enter_context(wire(server)), at)
            for at in range(1, len(whole) - 1, len(whole) // 20)
        ]
        for connection, at in slow:
            connection.sendall(whole[:at])
        for step in range(10):
            began = time.monotonic()
            assert mailbox.call(get_folder("inbox")).code == "NoError"
            assert time.monotonic() - began < 5
            for connection, at in slow:
                connection.sendall(whole[at + step : at + step + 1])
        for connection, at in slow:
            connection.sendall(whole[at + 10 :])
            assert connection.recv(12) == b"HTTP/1.1 200"


def test_a_client_that_does_not_read_delays_nobody(server, user, mailbox):
    """Requests pile up on connections whose answers nobody takes."""
    document = envelope(sync_hierarchy("root", base="AllProperties"))
    with contextlib.ExitStack() as open_ones:
        for _ in range(5):
            connection = open_ones.enter_context(wire(server))
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(2000):
                    connection.send(head(server, user, len(document)) + document)
        assert mailbox.call(get_folder("inbox")).code == "NoError"


def test_many_connections(server, mailbox):
    with contextlib.ExitStack() as open_ones:
        for _ in range(300):
            open_ones.enter_context(wire(server))
        assert mailbox.call(get_folder("inbox")).code == "NoError"


def test_guessing_passwords_does_not_lock_the_owner_out(server, user, mailbox):
    """Wrong passwords are answered late; the owner, also one who logs in just now, is not."""
    statuses = []

    def guess():
        with server.soap(user, "wrong") as guesser:
            statuses.extend(guesser.post(ASK).status for _ in range(2))

    guessing = threading.Thread(target=guess)
    guessing.start()
    while guessing.is_alive():
        began = time.monotonic()
        assert local(mailbox.call(get_folder("inbox")).body) == "GetFolderResponse"
        assert time.monotonic() - began < 5
        guessing.join(0.05)
    assert set(statuses) == {401}
    server.ctl("user", "passwd", user, "--password-stdin", stdin=b"s3cret\n")
    with server.soap(user) as fresh:
        assert fresh.call(get_folder("inbox")).code == "NoError"
