"""Mail in: the session, and hostile or broken senders; a message is stored whole and once, or not
at all."""
import hashlib
import random
import socket
import threading
import time

import pytest

from ewer import is_sanitized, serving
from lmtp import stuffed
from mails import plain
from soap import get_item

# The sanitizers make copying slow; a release build takes the largest lawful mail.
LARGE_BYTES = (20 if is_sanitized() else 200) * 1024 * 1024


@pytest.fixture(name="session")
def fixture_session(server):
    with server.lmtp() as session:
        session.hello()
        yield session


@pytest.fixture(name="intact")
def fixture_intact(server, user, client):
    """After the attack the good mail is there, and only that, and more can be delivered."""
    server.deliver(user, plain(1))
    yield
    server.deliver(user, plain(2))
    assert [client.mime(i) for i in client.items()] == [plain(2), plain(1)]


# ---- the session


def test_greeting_and_extensions(server):
    with server.lmtp() as session:
        assert session.greeting.code == 220
        names = session.hello().text.split("\n")[1:]
    assert {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"} <= {n.split(" ")[0] for n in names}


def test_one_reply_for_each_recipient(server, session, new_user):
    one, two = new_user("one"), new_user("two")
    assert [r.code for r in session.envelope([one, "nobody@example.com", two])] == [250, 550, 250]
    assert [r.code for r in session.data(plain(), 2)] == [250, 250]
    for address in (one, two):
        with server.soap(address) as client:
            assert [client.mime(i) for i in client.items()] == [plain()]


def test_unknown_recipients_only(session):
    assert [r.code for r in session.envelope(["nobody@example.com", "x@nowhere.example"])] == [
        550,
        550,
    ]
    assert session.command("DATA").code >= 500
    assert session.command("RSET").code == 250


def test_recipients_without_case_and_with_brackets(server, session, user, client):
    assert session.deliver(plain(), [user.upper()])[0].code == 250
    assert len(client.items()) == 1
    assert server.is_alive()


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "a@b",
        "very.long." + "x" * 40 + "@example.org",
        '"quoted local"@example.org',
        "grüße@exämple.org",
    ],
)
def test_senders(session, user, client, sender):
    options = " SMTPUTF8" if not sender.isascii() else ""
    reply = session.command(f"MAIL FROM:<{sender}>{options}")
    if reply.code == 250:
        assert session.command(f"RCPT TO:<{user}>").code == 250
        assert session.data(plain())[0].code == 250
        assert len(client.items()) == 1
    else:
        assert reply.code in (501, 553, 555)


def test_several_messages_in_one_session(session, user, client):
    for number in range(20):
        assert session.deliver(plain(number), [user])[0].code == 250
    assert [client.mime(i) for i in reversed(client.items())] == [plain(n) for n in range(20)]


def test_pipelined_session(session, user, client):
    batch, codes = b"", [250, 250, 354]
    for number in range(5):
        batch += b"MAIL FROM:<a@b.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % user.encode()
        session.send(batch)
        assert [session.reply().code for _ in codes] == codes
        codes = [250, 250, 250, 354]
        batch = stuffed(plain(number)) + b".\r\n"
    session.send(batch + b"QUIT\r\n")
    assert [session.reply().code for _ in range(2)] == [250, 221]
    assert len(client.items()) == 5


@pytest.mark.parametrize(
    "message",
    [
        b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n",
        b".leading: dot\r\n\r\nx\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b".\r\n",
        b"A: b\r\n\r\n" + b"x" * 100000 + b"\r\n",
        bytes(range(1, 10)) + bytes(range(11, 13)) + bytes(range(14, 256)) + b"\r\n",
        b"Subject: nul\r\n\r\na\x00b\x00\r\n",
        b"Subject: " + b"long " * 20000 + b"\r\n\r\nx\r\n",
        b"X: y\r\n" * 20000 + b"\r\nx\r\n",
    ],
)
def test_bytes_are_kept(session, user, client, message):
    assert session.deliver(message, [user])[0].code == 250
    (item,) = client.items()
    assert client.mime(item) == message
    assert client.call(get_item(item, base="AllProperties")).code == "NoError"


def test_a_message_of_no_bytes(session, user, client):
    assert session.deliver(b"", [user])[0].code == 250
    (item,) = client.items()
    assert client.mime(item) == b""
    assert client.call(get_item(item, base="AllProperties")).value("t:Size") == "0"


def test_bare_line_feeds_do_not_end_a_message(session, user, client):
    """SMTP smuggling: only CRLF . CRLF is the end."""
    for fake in (b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r.\r\n"):
        smuggled = (
            b"Subject: outer\r\n\r\nx"
            + fake
            + b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<"
            + user.encode()
            + b">\r\nDATA\r\ninner\r\n"
        )
        session.envelope([user])
        assert session.command("DATA").code == 354
        session.send(smuggled + b".\r\n")
        reply = session.reply()
        assert reply.code in (250, 554, 500, 501), (fake, reply)
        before = len(client.items())
        assert session.command("NOOP").code == 250
        assert len(client.items()) == before
        session.command("RSET")


# ---- hostile senders


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "FOO",
        "HELO x",
        "EHLO x",
        "DATA",
        "RCPT TO:<a@b>",
        "MAIL FROM:a@b",
        "MAIL FROM:<a@b",
        "MAIL",
        "MAIL FROM:<a@b> SIZE=abc",
        "MAIL FROM:<a@b> SIZE=99999999999999999999",
        "VRFY root",
        "EXPN all",
        "TURN",
        "STARTTLS",
        "AUTH PLAIN x",
        "BDAT 5",
        "LHLO",
        "GET / HTTP/1.1",
        "\x00\x01\x02",
        "RCPT TO:<>",
        "A" * 2000,
    ],
)
def test_bad_commands_are_refused_and_forgiven(session, user, client, line):
    reply = session.command(line)
    assert 400 <= reply.code < 600 or line in ("VRFY root",), reply
    session.command("RSET")
    assert session.deliver(plain(), [user])[0].code == 250
    assert len(client.items()) == 1


def test_endless_bad_commands_end_the_connection(server, intact):
    with server.lmtp() as session:
        codes = []
        with pytest.raises((EOFError, ConnectionError)):
            for _ in range(1000):
                codes.append(session.command("FOO").code)
        assert len(codes) < 200


def test_an_endless_line_ends_the_connection(server, intact):
    with server.lmtp() as session:
        with pytest.raises((EOFError, ConnectionError)):
            for _ in range(400):
                session.send(b"A" * 65536)
            while True:
                session.reply()


def test_a_long_line_is_refused_and_forgiven(session, user, client):
    assert session.command("MAIL FROM:<" + "a" * 60000 + ">").code >= 500
    assert session.deliver(plain(), [user])[0].code == 250
    assert len(client.items()) == 1


def test_ten_thousand_recipients(session, user, client, intact):
    assert session.command("MAIL FROM:<a@b.example>").code == 250
    session.send(
        b"".join(
            b"RCPT TO:<%s>\r\n" % (user if i == 0 else f"n{i}@example.com").encode()
            for i in range(500)
        )
    )
    assert [session.reply().code for _ in range(500)] == [250] + [550] * 499
    session.command("RSET")
    assert session.command("MAIL FROM:<a@b.example>").code == 250
    rcpt, codes = f"RCPT TO:<{user}>\r\n".encode(), []
    try:
        for _ in range(100):
            session.send(rcpt * 100)
            codes += [session.reply().code for _ in range(100)]
        session.command("RSET")
    except (EOFError, ConnectionError):
        pass
    assert 100 <= codes.count(250) <= 1000
    assert set(codes) <= {250, 452, 421}
    assert client.address


@pytest.mark.parametrize("cut", [1, 20, 100, -4, -3, -2, -1])
def test_a_message_without_its_end_is_not_stored(server, user, intact, cut):
    whole = stuffed(plain(66)) + b".\r\n"
    with server.lmtp() as session:
        session.hello()
        session.envelope([user])
        session.command("DATA")
        session.send(whole[:cut])
        if cut % 2:
            session.socket.shutdown(socket.SHUT_WR)
            with pytest.raises((EOFError, ConnectionError)):
                session.reply()


def test_close_at_once_and_in_every_state(server, user, intact):
    for lines in (
        [],
        ["LHLO x"],
        ["LHLO x", "MAIL FROM:<>"],
        ["LHLO x", "MAIL FROM:<>", f"RCPT TO:<{user}>"],
        ["LHLO x", "MAIL FROM:<>", f"RCPT TO:<{user}>", "DATA"],
    ):
        for _ in range(5):
            with server.lmtp() as session:
                for line in lines:
                    session.command(line)


def test_a_second_lhlo_and_rset_forget_the_envelope(session, user, client):
    for forget in ("LHLO again.example", "RSET"):
        session.envelope([user])
        session.command(forget)
        assert session.command("DATA").code >= 500
    assert client.items() == []


def test_random_bytes(server, intact):
    rng = random.Random(11)
    for _ in range(10):
        with server.lmtp() as session:
            with_end = rng.randbytes(5000)
            try:
                session.send(with_end)
                session.socket.shutdown(socket.SHUT_WR)
                while session.stream.read(4096):
                    pass
            except ConnectionError:
                pass


def test_a_dribbling_sender_delays_nobody(server, user, client, intact):
    """Byte by byte, while others deliver."""
    whole = stuffed(plain(5)) + b".\r\n"
    with server.lmtp() as slow:
        slow.hello()
        slow.envelope(["nobody@example.com"])
        slow.command("RSET")
        slow.command("MAIL FROM:<a@b.example>")
        for byte in whole[:30]:
            slow.send(bytes([byte]))
            began = time.monotonic()
            assert len(client.items()) == 1
            assert time.monotonic() - began < 5
    assert user


def test_parallel_senders(server, user, client):
    failures = []

    def work(first):
        try:
            server.deliver(user, *[plain(first + i) for i in range(10)])
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n * 10,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not failures
    assert sorted(client.mime(i) for i in client.items()) == sorted(plain(n) for n in range(60))


# ---- size


def large_message(size):
    block = (
        bytes(random.Random(3).choices(b"abcdefghijklmnopqrstuvwxyz0123456789 ", k=76)) + b"\r\n"
    )
    message = plain(1, "large").rstrip(b"\r\n") + b"\r\n"
    return message + block * ((size - len(message)) // len(block))


def test_a_very_large_message(server, user, client):
    message = large_message(LARGE_BYTES)
    server.deliver(user, message)
    (item,) = client.items(paths=["item:Size"])
    assert client.call(get_item(item, paths=["item:Size"])).value("t:Size") == str(len(message))
    assert hashlib.sha256(client.mime(item)).hexdigest() == hashlib.sha256(message).hexdigest()


def test_a_message_over_the_limit(tmp_path):
    config = tmp_path / "ewerd.ini"
    config.write_text("[lmtp]\nmax_message_bytes = 100000\n")
    with serving(users=["user@example.com"], arguments=["--config", str(config)]) as server:
        with server.lmtp() as session:
            limits = [n for n in session.hello().text.split("\n") if n.startswith("SIZE")]
            assert limits == ["SIZE 100000"]
            assert session.command("MAIL FROM:<a@b.example> SIZE=100001").code == 552
            assert session.deliver(large_message(150000), ["user@example.com"])[0].code == 552
            assert session.deliver(plain(), ["user@example.com"])[0].code == 250
        with server.soap("user@example.com") as client:
            assert [client.mime(i) for i in client.items()] == [plain()]
