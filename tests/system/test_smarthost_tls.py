"""Sending by a smarthost that speaks TLS: STARTTLS, smtps and passwords, with certificates that are
right and such that are not. What is to go by TLS goes in no other way, and waits."""
import base64
import contextlib
import sqlite3
from pathlib import Path

import pytest

import ewer
from smtp_tls import Authority, Smarthost

USER = "user@example.com"
ELSEWHERE = "friend@elsewhere.example"
LOGIN = ("relay-user", "relay password")
MAIL = (
    f"From: {USER}\r\nTo: {ELSEWHERE}\r\nSubject: by TLS\r\n"
    "Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <tls@example.com>\r\n\r\nText.\r\n.dot\r\n"
).encode()
SEND = (
    '<m:CreateItem MessageDisposition="SendOnly"><m:Items><t:Message><t:MimeContent>'
    f"{base64.b64encode(MAIL).decode()}</t:MimeContent></t:Message></m:Items></m:CreateItem>"
)
WAITING = 1


@pytest.fixture(name="authority", scope="module")
def fixture_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "right")


@pytest.fixture(name="stranger", scope="module")
def fixture_stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "wrong")


@pytest.fixture(name="certificate", scope="module")
def fixture_certificate(authority):
    return authority.certify("IP:127.0.0.1")


@contextlib.contextmanager
def sending(tmp_path, smarthost, **settings):
    """A server with this smarthost, that was asked to send one message."""
    if "user" in settings:
        (tmp_path / "password").write_text(f"{LOGIN[1]}\n")
        settings["password_file"] = tmp_path / "password"
    lines = [f"{key} = {value}" for key, value in {"smarthost": smarthost.url, **settings}.items()]
    config = tmp_path / "ewerd.ini"
    config.write_text("[smtp]\n" + "\n".join(lines) + "\n")
    with ewer.serving(tmp_path / "store", [USER], ["--config", str(config)]) as server:
        with server.soap(USER) as client:
            assert client.call(SEND).code == "NoError"
        yield server


def waiting(store):
    """[(state, attempts, last reply)] of the outbox of the store's one mailbox."""
    (mailbox,) = Path(store).glob("mailboxes/*/*.db")
    with contextlib.closing(sqlite3.connect(mailbox)) as database:
        return database.execute("SELECT state, attempts, reply FROM outbox_recipient").fetchall()


def assert_waits(tmp_path, smarthost, **settings):
    """It was tried, nothing of it was said, and it will be tried again; why is told."""
    with sending(tmp_path, smarthost, **settings) as server:
        smarthost.wait_for_end()
        server.stop()
        log = server.log()
        server.start()
    assert smarthost.messages == []
    ((state, attempts, reply),) = waiting(tmp_path / "store")
    assert (state, attempts) == (WAITING, 1)
    assert reply and "event=sender.deferred" in log
    for secure in (False, True):
        assert not {"MAIL", "RCPT", "DATA", "AUTH"} & set(smarthost.verbs(secure))
    return reply


# ---- what goes


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "smtps"])
def test_a_message_and_its_password_go_by_tls(tmp_path, authority, certificate, implicit):
    with Smarthost(certificate, implicit, LOGIN) as smarthost:
        with sending(
            tmp_path, smarthost, require_tls="yes", ca_file=authority.file, user=LOGIN[0]
        ) as server:
            message = smarthost.wait_for_message()
            server.stop()
            server.start()
        assert message == (USER, ELSEWHERE, MAIL, True, LOGIN)
        assert len(smarthost.messages) == 1
        assert smarthost.verbs(False) == ([] if implicit else ["EHLO", "STARTTLS"])
    assert waiting(tmp_path / "store") == []


def test_tls_is_taken_where_it_is_offered(tmp_path, stranger):
    """Without a must there is nothing to check a certificate for: it could as well be left out."""
    with Smarthost(stranger.certify("DNS:elsewhere.example")) as smarthost:
        with sending(tmp_path, smarthost):
            assert smarthost.wait_for_message().secure


def test_a_wrong_password_is_no_fault_of_the_message(tmp_path, authority, certificate):
    with Smarthost(certificate, login=(LOGIN[0], "another")) as smarthost:
        with sending(
            tmp_path, smarthost, require_tls="yes", ca_file=authority.file, user=LOGIN[0]
        ) as server:
            smarthost.wait_for_end()
            server.stop()
            server.start()
        assert "AUTH" not in smarthost.verbs(False) and "MAIL" not in smarthost.verbs(True)
    ((state, attempts, reply),) = waiting(tmp_path / "store")
    assert (state, attempts) == (WAITING, 1) and reply.startswith("535")


# ---- what does not


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "smtps"])
def test_a_certificate_of_another_authority_is_refused(tmp_path, stranger, certificate, implicit):
    with Smarthost(certificate, implicit) as smarthost:
        reply = assert_waits(tmp_path, smarthost, require_tls="yes", ca_file=stranger.file)
        assert "certificate" in reply.lower()


def test_a_certificate_of_nobody_known_is_refused(tmp_path, certificate):
    """The system's authorities do not know it."""
    with Smarthost(certificate) as smarthost:
        assert_waits(tmp_path, smarthost, require_tls="yes")


def test_a_certificate_of_another_host_is_refused(tmp_path, authority):
    with Smarthost(authority.certify("DNS:other.example")) as smarthost:
        assert_waits(tmp_path, smarthost, require_tls="yes", ca_file=authority.file)


def test_a_ca_file_is_reason_enough_to_check(tmp_path, stranger, certificate):
    with Smarthost(certificate) as smarthost:
        assert_waits(tmp_path, smarthost, ca_file=stranger.file)


def test_a_password_is_reason_enough_to_check(tmp_path, certificate):
    with Smarthost(certificate, login=LOGIN) as smarthost:
        assert_waits(tmp_path, smarthost, user=LOGIN[0])


def test_a_server_without_tls_is_left(tmp_path):
    with Smarthost() as smarthost:
        assert_waits(tmp_path, smarthost, require_tls="yes")


STARTTLS_ANSWERS = {
    "refused": b"454 4.7.0 TLS not available",
    "more in clear": b"220 go on\r\n250-smarthost.example.org\r\n250 AUTH PLAIN",
}


@pytest.mark.parametrize("answer", STARTTLS_ANSWERS.values(), ids=STARTTLS_ANSWERS)
def test_a_starttls_that_goes_wrong_is_the_end(tmp_path, authority, certificate, answer):
    """Replies in clear after the one to STARTTLS could be anybody's."""
    with Smarthost(certificate, starttls=answer) as smarthost:
        assert_waits(tmp_path, smarthost, require_tls="yes", ca_file=authority.file)
