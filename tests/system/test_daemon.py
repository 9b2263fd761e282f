"""ewerd as a whole: restarts, signals, isolation, durability, configuration, TLS, demo."""
import contextlib
import http.client
import os
import resource
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import threading
import time
import warnings

import pytest

import ewer
from mails import plain
from soap import Soap, envelope, get_folder, get_item, sync_hierarchy, sync_items

USER, OTHER = "user@example.com", "other@example.com"
ASK = envelope(get_folder("inbox"))


def run_ewerd(*arguments, environment=None):
    done = subprocess.run(
        [ewer.program("ewerd"), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        env=dict(os.environ, **(environment or {})),
    )
    assert b"Sanitizer" not in done.stderr, done.stderr
    return done


# ---- restart


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_restart_in_the_middle_of_paging(store, how):
    """After every page the server goes down and comes back, with mail coming in between; nothing is
    missed or told twice."""
    with ewer.serving(store, [USER]) as server:
        server.deliver(USER, *[plain(i) for i in range(9)])
        seen, state, extra = [], None, 0
        while True:
            with server.soap(USER) as client:
                answer = client.call(sync_items(state=state, most=2))
            seen += answer.change_ids
            state = answer.state
            if answer.last:
                break
            getattr(server, how)()
            server.start()
            if extra < 2:
                server.deliver(USER, plain(100 + extra))
                extra += 1
        server.ctl("check", USER)
        with server.soap(USER) as client:
            assert sorted(seen) == sorted(client.items())
        assert len(seen) == len(set(seen)) == 11


def test_ids_and_contents_survive_a_restart(store):
    with ewer.serving(store, [USER]) as server:
        server.deliver(USER, plain(1), plain(2))
        with server.soap(USER) as client:
            before = (
                client.items(),
                client.call(sync_hierarchy("root")).raw,
                client.call(sync_items(base="AllProperties")).raw,
            )
        server.restart()
        with server.soap(USER) as client:
            assert (
                client.items(),
                client.call(sync_hierarchy("root")).raw,
                client.call(sync_items(base="AllProperties")).raw,
            ) == before


def test_answered_deliveries_survive_a_kill(store):
    """Several senders deliver until the power fails; what was answered with 250 is there, whole,
    and nothing by halves."""
    with ewer.serving(store, [USER, OTHER]) as server:
        for _ in range(3):
            accepted, stop = {USER: [], OTHER: []}, threading.Event()

            def work(user, first):
                number = first
                try:
                    with server.lmtp() as session:
                        session.hello()
                        while True:
                            number += 1
                            message = plain(number, text=f"{number} " * 500)
                            if session.deliver(message, [user])[0].code == 250:
                                accepted[user].append(message)
                            if len(accepted[user]) == 20:
                                stop.set()
                except (EOFError, OSError, AssertionError):
                    pass

            threads = [
                threading.Thread(target=work, args=(user, first))
                for first in (0, 10000)
                for user in (USER, OTHER)
            ]
            for thread in threads:
                thread.start()
            assert stop.wait(60)
            server.kill()
            for thread in threads:
                thread.join(60)
            server.start()
            for user in (USER, OTHER):
                with server.soap(user) as client:
                    stored = [client.mime(i) for i in client.items()]
                    assert set(accepted[user]) <= set(stored)
                    assert all(m.endswith(b" \r\n") for m in stored)
                server.ctl("check", user)


# ---- signals


def test_sigterm_finishes_what_was_accepted(store):
    """Requests that are under way at SIGTERM are answered; then the server ends with 0 and says
    nothing more on stdout."""
    with ewer.serving(store, [USER]) as server:
        server.deliver(USER, *[plain(i, text="x" * 100000) for i in range(40)])
        with server.soap(USER) as client:
            ids = client.items()
            body = get_item(
                *ids,
                base="AllProperties",
                extra="<t:IncludeMimeContent>true</t:IncludeMimeContent>",
            )
            document = envelope(body)
            client.connection.request(
                "POST",
                client.path,
                headers={
                    "Authorization": client.authorization,
                    "Content-Type": "text/xml",
                    "Content-Length": str(len(document)),
                    "Expect": "100-continue",
                },
            )
            # 100 tells that the exchange has begun; sent bytes alone may lie unread at SIGTERM.
            sock = client.connection.sock
            assert sock.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 100"
            client.connection.send(document[:-10])
            os.kill(server.process.pid, signal.SIGTERM)
            client.connection.send(document[-10:])
            response = client.connection.getresponse()
            assert response.status == 200
            assert response.read().count(b"<m:ResponseCode>NoError") == 40
        assert server.stop() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_an_idle_server(store, number):
    with ewer.serving(store, [USER]) as server:
        connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        with server.lmtp():
            os.kill(server.process.pid, number)
            assert server.process.wait(40) == 0
        for connection in connections:
            connection.close()
        server.stop()


def test_stdout_holds_the_ready_line_alone(store):
    with ewer.serving(store, [USER]) as server:
        assert set(server.ready) == {"ews_url", "lmtp", "pid"}
        assert server.ready["pid"] == server.process.pid
        assert server.url == f"http://127.0.0.1:{server.port}/EWS/Exchange.asmx"
        assert server.stop() == b""


def test_a_store_has_one_server(store):
    with ewer.serving(store, [USER]) as server:
        done = run_ewerd("serve", "--data", store, "--listen", "127.0.0.1:0")
        assert done.returncode != 0
        assert done.stderr.strip()
        with server.soap(USER) as client:
            assert client.post(ASK).status == 200


def test_a_taken_port_is_an_error(store, tmp_path):
    with ewer.serving(store):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = run_ewerd(
                "serve",
                "--data",
                tmp_path / "two",
                "--listen",
                f"127.0.0.1:{taken.getsockname()[1]}",
            )
    assert done.returncode != 0
    assert done.stderr.strip()


def readable_by_others(directory):
    return [f for f in directory.rglob("*") if stat.S_IMODE(f.stat().st_mode) & 0o077]


def test_the_store_is_readable_by_its_owner_alone(store):
    with ewer.serving(store, [USER]) as server:
        server.deliver(USER, plain())
        assert stat.S_IMODE(store.stat().st_mode) & 0o077 == 0
        assert readable_by_others(store) == []


@pytest.mark.parametrize("made_by", ["ewerd", "ewerctl"])
def test_a_store_in_an_open_directory_is_readable_by_its_owner_alone(store, made_by):
    store.mkdir(mode=0o755)
    if made_by == "ewerctl":
        ewer.ewerctl(store, "user", "add", OTHER, "--password-stdin", stdin=b"x\n")
    with ewer.serving(store, [USER]) as server:
        server.deliver(USER, plain())
        assert readable_by_others(store) == []


def test_idle_connections_leave_descriptors_for_mail(store):
    """Shells and service managers allow 1024 at first, and as many idle connections would have taken
    them all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        server = ewer.Server("serve", store).start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with server, contextlib.ExitStack() as idle:
        server.add_user(USER)
        for _ in range(150):
            idle.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        with server.lmtp(seconds=10) as session:
            session.hello()
            assert session.deliver(plain(), [USER])[0].code == 250


def test_a_failing_store_is_not_told_as_a_wrong_password(store):
    with ewer.serving(store, [USER]) as server, server.soap(USER) as client:
        with contextlib.closing(sqlite3.connect(store / "directory.db")) as directory:
            directory.execute("ALTER TABLE users RENAME TO hidden")
        assert client.post(ASK).status == 503
        assert "event=auth.lookup_failed" in server.log()
        server.log_file.truncate(0)


@pytest.mark.parametrize("request_body", [sync_items(), sync_hierarchy()])
def test_a_failing_store_is_told_as_a_fault_and_logged(store, request_body):
    """No sync answer, whose empty SyncState could be taken for the new one."""
    with ewer.serving(store, [USER]) as server, server.soap(USER) as client:
        (mailbox,) = store.glob("mailboxes/*/*.db")
        with contextlib.closing(sqlite3.connect(mailbox)) as database:
            database.execute("ALTER TABLE folder RENAME TO hidden")
        assert client.fault(request_body).fault_code == "ErrorInternalServerError"
        assert "event=ews.failed" in server.log()
        server.log_file.truncate(0)


def test_a_wrong_password_is_logged_once(store):
    with ewer.serving(store, [USER]) as server, server.soap(USER, "wrong") as client:
        assert client.post(ASK).status == 401
        assert server.log().count("event=auth.failed") == 1


# ---- isolation


def test_users_see_their_own_mail_only(server, new_user):
    one, two = new_user("one"), new_user("two")
    server.deliver(one, plain(1))
    server.deliver(two, plain(2))
    with server.soap(one) as first, server.soap(two) as second:
        (mine,), (theirs,) = first.items(), second.items()
        assert (first.mime(mine), second.mime(theirs)) == (plain(1), plain(2))
        assert first.call(get_item(theirs, mine)).codes == ["ErrorItemNotFound", "NoError"]
        folders = [second.folder_id(n) for n in ("inbox", "msgfolderroot", "root")]
        assert first.call(get_folder(*folders)).codes == ["ErrorFolderNotFound"] * 3
        for folder in folders:
            assert first.call(sync_items(folder)).code == "ErrorSyncFolderNotFound"
            assert first.call(sync_hierarchy(folder)).code == "ErrorSyncFolderNotFound"


def test_one_connection_may_change_its_user(server, new_user):
    one, two = new_user("one"), new_user("two")
    server.deliver(one, plain(1))
    with server.soap(one) as client, server.soap(two) as other:
        assert len(client.items()) == 1
        client.authorization = other.authorization
        assert client.items() == []


# ---- configuration


@pytest.mark.parametrize(
    "text, good",
    [
        ("", True),
        ("[log]\nlevel = debug\nformat = json\n", True),
        ("[http]\nthreads = 1\n[workers]\nthreads = 2\n", True),
        ("[http]\nmax_request_bytes = 2000\n", True),
        ("[nonsense]\nx = 1\n", False),
        ("[http]\nnonsense = 1\n", False),
        ("[log]\nlevel = loud\n", False),
        ("[http]\nthreads = many\n", False),
        ("[http]\nthreads = -1\n", False),
        ("[http]\nallow_plain = maybe\n", False),
        ("listen\n", False),
        ("[tls]\ncert = /no/such/file\n", False),
        ("[server]\nlisten = 0.0.0.0:8080\n", False),
        ("[server]\nlisten = [::]:8080\n", False),
        ("[server]\nlisten = 0.0.0.0:8080\n[http]\nallow_plain = yes\n", True),
        ("[server]\nlisten = nonsense\n", False),
        ("[server]\nlmtp = 127.0.0.1\n", False),
    ],
)
def test_check_config(tmp_path, text, good):
    """Says whether settings are good, and binds nothing."""
    config = tmp_path / "ewerd.ini"
    config.write_text(text)
    done = run_ewerd("serve", "--data", tmp_path / "store", "--config", config, "--check-config")
    assert (done.returncode == 0) == good, done.stderr
    assert bool(done.stderr.strip()) != good
    if "nonsense =" in text or "loud" in text:
        assert b"ewerd.ini" in done.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["serve"],
        ["serve", "--data"],
        ["serve", "--no-such", "x"],
        ["serve", "--data", "x", "--config", "/no/such"],
        ["demo", "--data", "x"],
        ["serve", "--data", "x", "--tls-cert", "only.pem"],
    ],
)
def test_usage_errors(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run_ewerd(*arguments)
    assert done.returncode != 0
    assert done.stderr.strip()
    assert done.stdout == b""


def test_plain_http_in_the_open_is_refused(tmp_path):
    done = run_ewerd(
        "serve", "--data", tmp_path / "store", "--listen", "0.0.0.0:0", "--check-config"
    )
    assert done.returncode == 64 or done.returncode == 78, done.stderr
    assert b"plain" in done.stderr.lower()


def test_options_win_over_the_file(tmp_path):
    config = tmp_path / "ewerd.ini"
    config.write_text(
        f"[server]\ndata = {tmp_path}/wrong\nlisten = 0.0.0.0:80\n[log]\nformat = json\n"
    )
    with ewer.serving(tmp_path / "store", [USER], ["--config", str(config)]) as server, server.soap(
        USER
    ) as client:
        assert client.post(ASK).status == 200
        assert server.log().startswith("{")
    assert not (tmp_path / "wrong").exists()


def test_request_limit_of_the_configuration(tmp_path):
    config = tmp_path / "ewerd.ini"
    config.write_text("[http]\nmax_request_bytes = 2000\n")
    with ewer.serving(tmp_path / "store", [USER], ["--config", str(config)]) as server, server.soap(
        USER
    ) as client:
        assert client.post(ASK).status == 200
        assert client.post(ASK + b" " * 2000).status == 413
        assert client.post(ASK).status == 200


# ---- TLS


@pytest.fixture(name="certificate", scope="module")
def fixture_certificate(tmp_path_factory):
    """(certificate, key) of 127.0.0.1, signed by itself."""
    directory = tmp_path_factory.mktemp("tls")
    cert, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            cert,
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return str(cert), str(key)


def test_a_handshake_that_stops_costs_nothing(store, certificate):
    cert, key = certificate
    with ewer.serving(store, [], ["--tls-cert", cert, "--tls-key", key]) as server:
        clock = ~server.process.pid << 3 | 2  # the number clock_getcpuclockid(3) would give
        with socket.create_connection(("127.0.0.1", server.port), timeout=1) as wire:
            wire.sendall(bytes.fromhex("1603010200010001"))
            began = time.clock_gettime(clock)
            with pytest.raises(TimeoutError):
                wire.recv(1)
            assert time.clock_gettime(clock) - began < 0.5


def test_https(store, certificate):
    cert, key = certificate
    with ewer.serving(store, [USER], ["--tls-cert", cert, "--tls-key", key]) as server:
        assert server.url.startswith("https://127.0.0.1:")
        server.deliver(USER, plain(text="x" * 1000000))
        with Soap(server.url, USER, server.passwords[USER], tls_file=cert) as client:
            assert len(client.mime(client.items()[0])) > 1000000
            assert client.connection.sock.version() in ("TLSv1.2", "TLSv1.3")
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as wire:
            wire.sendall(b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"HTTP/1.1 200" not in wire.recv(1000)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError), socket.create_connection(
            ("127.0.0.1", server.port), timeout=20
        ) as wire:
            old.wrap_socket(wire)


def test_tls_lets_the_open_be_served(tmp_path, certificate):
    cert, key = certificate
    options = ["serve", "--data", tmp_path / "store", "--listen", "0.0.0.0:0", "--check-config"]
    assert run_ewerd(*options, "--tls-cert", cert, "--tls-key", key).returncode == 0
    assert run_ewerd(*options, "--tls-cert", cert).returncode != 0
    assert (
        run_ewerd(*options, "--tls-cert", cert, "--tls-key", tmp_path / "none.pem").returncode != 0
    )


def test_a_broken_certificate_stops_the_start(tmp_path, certificate):
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    # libmicrohttpd leaks what GnuTLS could not read; the process ends with it.
    quiet = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    done = run_ewerd(
        "serve",
        "--data",
        tmp_path / "store",
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        broken,
        "--tls-key",
        certificate[1],
        environment=quiet,
    )
    assert done.returncode != 0
    assert done.stderr.strip()


# ---- demo


def test_demo_is_a_server_with_two_mailboxes():
    with ewer.demo() as server:
        users = server.ready["users"]
        assert users[0]["address"] == "alice@example.com"
        assert len(users) >= 2
        for user in users:
            with server.soap(user["address"]) as client:
                items = client.items()
                assert len(items) > 50
                answer = client.call(sync_items(base="AllProperties"))
                assert {"Message", "MeetingRequest"} <= {
                    e.tag.split("}")[1] for _, e in answer.changes
                }
                codes = client.call(get_item(*items, base="AllProperties")).codes
                assert set(codes) == {"NoError"}
        server.deliver("alice@example.com", plain())
        data = (
            [line for line in server.log().splitlines() if "data=" in line][0]
            .split("data=")[1]
            .split()[0]
        )
        assert os.path.isdir(data)
        assert server.stop() == b""
        assert not os.path.exists(data)


def test_demo_dates_are_newest_first():
    with ewer.demo() as server, server.soap("alice@example.com") as client:
        dates = [
            answer
            for page in client.pages(paths=["item:DateTimeReceived"])
            for answer in page.values("t:DateTimeReceived")
        ]
        assert dates == sorted(dates, reverse=True)


def test_connection_refused_after_the_end(store):
    with ewer.serving(store, [USER]) as server:
        port = server.port
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/")
