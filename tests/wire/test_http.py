"""The HTTP door: methods, types, sizes, credentials, connections, headers for tracing."""
import re
import socket
import threading

import pytest

from ewer import basic
from soap import NS, TYPES, envelope, get_folder, sync_items, xml_parse

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ASK = envelope(get_folder("inbox"))


def read_answer(stream):
    """(status, headers in lower case, body) of one answer on a raw connection."""
    status = int(stream.readline().split()[1])
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return status, headers, stream.read(int(headers.get("content-length", 0)))


def head(server, user, length, extra="", path="/EWS/Exchange.asmx"):
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: "
        f"{basic(user, server.passwords[user])}\r\n"
        f"Content-Type: text/xml; charset=utf-8\r\n{extra}"
        + (f"Content-Length: {length}\r\n\r\n" if length is not None else "\r\n")
    ).encode()


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


@pytest.fixture(name="user")
def fixture_user(reading_user):
    """Nothing here changes a mailbox but the test of gzip, which says so."""
    return reading_user


# ---- path, method, type


@pytest.mark.parametrize(
    "path", ["/EWS/Exchange.asmx", "/ews/exchange.asmx", "/EWS/EXCHANGE.ASMX", "/Ews/eXchange.Asmx"]
)
def test_path_is_compared_without_case(client, path):
    assert client.post(ASK, path=path).code == "NoError"


@pytest.mark.parametrize(
    "path", ["/", "/EWS", "/EWS/Exchange.asmx/", "/EWS/Exchange.asmx2", "/EWS/../EWS/Exchange.asmx"]
)
def test_other_paths_are_not_found(client, path):
    assert client.post(ASK, path=path).status == 404
    assert client.post(ASK).code == "NoError"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_tells_what_is_here(client, method):
    answer = client.request(method)
    assert answer.status == 200
    assert bool(answer.raw) == (method == "GET")
    assert client.request(method, authorized=False).status == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "SUBSCRIBE"])
def test_other_methods_are_405(client, method):
    answer = client.request(method)
    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]
    assert client.post(ASK).code == "NoError"


@pytest.mark.parametrize(
    "kind, status",
    [
        ("text/xml; charset=utf-8", 200),
        ("text/xml; charset=UTF-8", 200),
        ('text/xml;charset="utf-8"', 200),
        ("text/xml", 200),
        ("TEXT/XML", 200),
        (None, 200),
        ("application/json", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded", 415),
        ("text/xml; charset=utf-16", 415),
        ("text/xml; charset=iso-8859-1", 415),
    ],
)
def test_content_type(client, kind, status):
    answer = client.request(body=ASK, headers={"Content-Type": kind} if kind else {})
    assert answer.status == status


@pytest.mark.parametrize(
    "action",
    ['"http://schemas.microsoft.com/exchange/services/2006/messages/GetItem"', '""', "nonsense"],
)
def test_soap_action_does_not_dispatch(client, action):
    answer = client.post(ASK, headers={"SOAPAction": action})
    assert answer.find("m:GetFolderResponse") is not None


# ---- credentials


def test_without_credentials_401_names_basic(client):
    answer = client.post(ASK, authorized=False)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')


def test_connection_lives_on_after_401(server, user):
    with connect(server) as wire:
        stream = wire.makefile("rb")
        for _ in range(3):
            wire.sendall(
                b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"
                b"Content-Length: %d\r\n\r\n" % len(ASK) + ASK
            )
            status, headers, _ = read_answer(stream)
            assert (status, headers.get("connection", "").lower()) != (401, "close")
            assert status == 401
            wire.sendall(head(server, user, len(ASK)) + ASK)
            assert read_answer(stream)[0] == 200


@pytest.mark.parametrize(
    "bad",
    [
        "Basic",
        "Basic !!!!",
        "Basic dXNlcg==",
        "Bearer abc",
        "NTLM TlRMTVNTUAABAAAA",
        "Negotiate YII=",
        "Basic " + "QUFB" * 3000,
        "Digest username=x",
    ],
)
def test_bad_credentials_are_401(client, bad):
    assert client.post(ASK, headers={"Authorization": bad}).status == 401
    assert client.post(ASK).code == "NoError"


def test_wrong_password_and_unknown_user_look_alike(server, new_user):
    user = new_user("victim")
    answers = []
    for address, password in ((user, "wrong"), ("nobody-at-all@example.com", "wrong")):
        with server.soap(address, password) as client:
            answers.append(client.post(ASK))
    assert [a.status for a in answers] == [401, 401]
    assert answers[0].raw == answers[1].raw
    assert answers[0].headers["WWW-Authenticate"] == answers[1].headers["WWW-Authenticate"]


def test_address_is_compared_without_case(server, user):
    with server.soap(user.upper(), server.passwords[user]) as client:
        assert client.post(ASK).code == "NoError"


def test_password_with_colon_and_umlaut(server):
    user = server.add_user("odd-password@example.com", "a:b ß→€")
    with server.soap(user) as client:
        assert client.post(ASK).code == "NoError"


# ---- tracing


def test_request_id_is_a_new_guid_each_time(client):
    ids = [client.post(ASK).headers["request-id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(GUID.fullmatch(i.lower()) for i in ids)


@pytest.mark.parametrize("wanted, comes_back", [("true", True), ("false", False), (None, False)])
def test_client_request_id_comes_back_on_demand(client, wanted, comes_back):
    headers = {"client-request-id": "0a1b2c3d-0000-4000-8000-123456789abc"}
    if wanted:
        headers["return-client-request-id"] = wanted
    answer = client.post(ASK, headers=headers)
    assert answer.headers.get("client-request-id") == (
        headers["client-request-id"] if comes_back else None
    )


def test_headers_of_routing_and_statistics_are_ignored(client):
    extra = {
        "X-AnchorMailbox": "other@example.com",
        "X-PreferServerAffinity": "true",
        "Cookie": "X-BackEndOverrideCookie=abc",
        "X-ClientStatistics": "MessageId=x,ResponseTime=3,SoapAction=y;",
        "X-EWS-TargetVersion": "2.4; minimum=2.2",
    }
    assert client.post(ASK, headers=extra).code == "NoError"


# ---- answers


def test_answer_has_type_and_length(client):
    answer = client.post(ASK)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert int(answer.headers["Content-Length"]) == len(answer.raw)


def test_gzip_only_when_accepted_and_worth_it(ten_reader):
    long, short = envelope(sync_items(base="AllProperties")), ASK
    plain = ten_reader.post(long)
    coded = ten_reader.post(long, headers={"Accept-Encoding": "gzip,deflate"})
    assert plain.headers.get("Content-Encoding") is None
    assert coded.headers["Content-Encoding"] == "gzip"
    assert int(coded.headers["Content-Length"]) < len(plain.raw) / 4
    assert coded.raw == plain.raw
    for document, accepted in (
        (short, "gzip"),
        (long, "gzip;q=0"),
        (long, "identity"),
        (long, "br"),
    ):
        assert (
            ten_reader.post(document, headers={"Accept-Encoding": accepted}).headers.get(
                "Content-Encoding"
            )
            is None
        )


# ---- bodies


def chunked(document, size):
    pieces = [document[i : i + size] for i in range(0, len(document), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 100000])
def test_chunked_bodies(server, user, size):
    with connect(server) as wire:
        stream = wire.makefile("rb")
        for _ in range(2):
            wire.sendall(
                head(server, user, None, "Transfer-Encoding: chunked\r\n") + chunked(ASK, size)
            )
            status, _, body = read_answer(stream)
            assert status == 200
            assert b"NoError" in body


def test_expect_100_continue(server, user):
    with connect(server) as wire:
        stream = wire.makefile("rb")
        wire.sendall(head(server, user, len(ASK), "Expect: 100-continue\r\n"))
        assert stream.readline().startswith(b"HTTP/1.1 100")
        assert stream.readline() == b"\r\n"
        wire.sendall(ASK)
        assert read_answer(stream)[0] == 200


@pytest.mark.parametrize("claimed", [64 * 1024 * 1024 + 1, 1024**3, 2**62])
def test_too_large_a_body_is_413_at_once(server, user, claimed):
    with connect(server) as wire:
        wire.sendall(head(server, user, claimed))
        assert read_answer(wire.makefile("rb"))[0] == 413


def test_too_large_a_body_with_expect_is_refused_without_100(server, user):
    with connect(server) as wire:
        wire.sendall(head(server, user, 1024**3, "Expect: 100-continue\r\n"))
        assert read_answer(wire.makefile("rb"))[0] == 413


def test_http_1_0_client(server, user):
    with connect(server) as wire:
        wire.sendall(head(server, user, len(ASK)).replace(b"HTTP/1.1", b"HTTP/1.0") + ASK)
        answer = wire.makefile("rb").read()
        assert answer.split(b" ")[1] == b"200"
        assert b"NoError" in answer


def test_one_connection_serves_many_requests(server, user):
    with connect(server) as wire:
        stream = wire.makefile("rb")
        for _ in range(50):
            wire.sendall(head(server, user, len(ASK)) + ASK)
            assert read_answer(stream)[0] == 200


def test_pipelined_requests_are_answered_in_order(server, user):
    names = ["inbox", "drafts", "sentitems", "outbox", "inbox"]
    documents = [envelope(get_folder(name)) for name in names]
    with connect(server) as wire:
        wire.sendall(b"".join(head(server, user, len(d)) + d for d in documents))
        stream = wire.makefile("rb")
        found = [
            xml_parse(read_answer(stream)[2]).findtext(".//t:DisplayName", namespaces=NS)
            for _ in documents
        ]
    assert found == ["Inbox", "Drafts", "Sent Items", "Outbox", "Inbox"]


def test_parallel_clients_of_one_user(server, user):
    failures = []

    def work():
        try:
            with server.soap(user) as client:
                for _ in range(10):
                    assert client.call(get_folder("inbox")).code == "NoError"
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not failures


def test_health_needs_no_credentials(client):
    answer = client.request("GET", "/healthz", authorized=False)
    assert (answer.status, answer.raw) == (200, b"ok\n")


def test_answers_name_the_types_namespace_in_the_header(client):
    info = client.post(ASK).find("t:ServerVersionInfo")
    assert info.tag == f"{{{TYPES}}}ServerVersionInfo"
    assert {
        k: info.get(k)
        for k in ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber", "Version")
    } == {
        "MajorVersion": "15",
        "MinorVersion": "2",
        "MajorBuildNumber": "2562",
        "MinorBuildNumber": "17",
        "Version": "V2017_07_11",
    }


def test_compressed_requests_are_refused(server, user):
    with server.soap(user) as client:
        answer = client.post(ASK, headers={"Content-Encoding": "gzip"}, valid=False)
        assert answer.status == 415
        assert client.post(ASK).status == 200


def begin_large_request(server, user):
    """A large request whose head the server has read (100 tells so) and whose body does not come yet."""
    sock = connect(server)
    sock.sendall(head(server, user, 1 << 20, "Expect: 100-continue\r\n"))
    assert sock.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 100"
    return sock


def test_a_user_has_so_many_requests_at_once_and_others_are_served(server):
    greedy, other = "greedy@example.com", "patient@example.com"
    for name in (greedy, other):
        server.add_user(name)
    with server.soap(greedy) as client:
        assert client.post(ASK).status == 200  # logged in: what follows is not held up by that
    socks = [begin_large_request(server, greedy) for _ in range(27)]
    with server.soap(greedy) as client:
        assert client.post(ASK).fault_code == "ErrorExceededConnectionCount"
    with server.soap(other) as client:
        assert client.post(ASK).status == 200
    socks[0].sendall(ASK + b" " * ((1 << 20) - len(ASK)))
    stream = socks[0].makefile("rb")
    assert stream.readline().split()[1] == b"100" and not stream.readline().strip()
    assert read_answer(stream)[0] == 200
    for sock in socks:
        sock.close()
