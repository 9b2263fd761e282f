"""ewerctl with the server running and without: users, deliver, import, exit codes, help."""
import os
import subprocess

import pytest

import ewer
from mails import plain
from soap import NS, envelope, find_folder, get_folder, get_item, sync_items

OK, USAGE, DATA_ERROR, NO_INPUT, NO_USER, CANNOT_CREATE, IO_ERROR = 0, 64, 65, 66, 67, 73, 74
USER = "user@example.com"
ASK = envelope(get_folder("inbox"))


@pytest.fixture(name="ctl", params=["running", "stopped"])
def fixture_ctl(request, tmp_path):
    """ewerctl on a store with one user, whose server runs or not; .look() serves it in any case."""
    with ewer.serving(tmp_path / "store", [USER]) as server:
        if request.param == "stopped":
            server.stop()
        yield Ctl(server)


class Ctl:
    def __init__(self, server):
        self.server = server

    def __call__(self, *arguments, stdin=b"", check=False):
        return self.server.ctl(*arguments, stdin=stdin, check=check)

    def look(self, password="s3cret", user=USER):
        if not self.server.is_alive():
            self.server.start()
        return self.server.soap(user, password)


def lines(done):
    return done.stdout.decode().splitlines()


# ---- users


def test_user_list(ctl):
    ctl("user", "add", "b@example.com", "--password-stdin", stdin=b"pw\n", check=True)
    assert [line.split()[0] for line in lines(ctl("user", "list", check=True))] == [
        "b@example.com",
        USER,
    ]


def test_user_add_with_a_name(ctl):
    ctl(
        "user",
        "add",
        "ann@example.com",
        "--name",
        "Ann Ørsted",
        "--password-stdin",
        stdin=b"pw\n",
        check=True,
    )
    assert any("Ann Ørsted" in line for line in lines(ctl("user", "list", check=True)))


def test_user_add_without_password_prints_one(ctl):
    done = ctl("user", "add", "new@example.com")
    if done.returncode == OK:
        words = done.stdout.decode().split()
        with ctl.look() as client:
            assert client.post(ASK).status == 200
        assert any(works(ctl, "new@example.com", word) for word in words if len(word) >= 8)
    else:
        assert done.returncode == USAGE


def works(ctl, user, password):
    with ctl.look(password, user) as client:
        return client.post(ASK).status == 200


def test_user_passwd_changes_at_once(ctl):
    with ctl.look() as client:
        assert client.post(ASK).status == 200
    ctl("user", "passwd", USER, "--password-stdin", stdin=b"changed\n", check=True)
    assert not works(ctl, USER, "s3cret")
    assert works(ctl, USER, "changed")


def test_user_delete_takes_mail_and_login(ctl):
    ctl("deliver", USER, stdin=plain(), check=True)
    ctl("user", "delete", USER, check=True)
    assert not works(ctl, USER, "s3cret")
    assert lines(ctl("user", "list", check=True)) == []
    ctl("user", "add", USER, "--password-stdin", stdin=b"again\n", check=True)
    with ctl.look("again") as client:
        assert client.items() == []


def test_old_ids_and_states_of_a_deleted_user_are_worthless(ctl):
    ctl("deliver", USER, stdin=plain(), check=True)
    with ctl.look() as client:
        item, state = client.items()[0], client.sync()[1]
    ctl("user", "delete", USER, check=True)
    ctl("user", "add", USER, "--password-stdin", stdin=b"s3cret\n", check=True)
    ctl("deliver", USER, stdin=plain(), check=True)
    with ctl.look() as client:
        assert client.call(get_item(item)).code == "ErrorItemNotFound"
        assert client.call(sync_items(state=state)).code == "ErrorInvalidSyncStateData"


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["user", "add", USER, "--password-stdin"], CANNOT_CREATE),
        (["user", "add", USER.upper(), "--password-stdin"], CANNOT_CREATE),
        (["user", "delete", "nobody@example.com"], NO_USER),
        (["user", "passwd", "nobody@example.com", "--password-stdin"], NO_USER),
        (["deliver", "nobody@example.com"], NO_USER),
        (["import", "nobody@example.com", "/dev/null"], NO_USER),
        (["user", "add", "no-address", "--password-stdin"], None),
        (["user", "add", "a b@example.com", "--password-stdin"], None),
        (["user", "add", "@", "--password-stdin"], None),
        (["user"], USAGE),
        (["user", "frobnicate"], USAGE),
        (["frobnicate"], USAGE),
        ([], USAGE),
        (["user", "list", "--no-such-option"], USAGE),
        (["user", "add"], USAGE),
        (["deliver"], USAGE),
        (["import", USER], USAGE),
        (["user", "list", "extra"], USAGE),
        (["import", USER, "/no/such/file"], None),
    ],
)
def test_exit_codes(ctl, arguments, code):
    done = ctl(*arguments, stdin=b"password\n")
    assert done.returncode != OK
    assert code is None or done.returncode == code, done.stderr
    assert done.stderr.strip()
    assert done.stdout == b""
    assert b"Sanitizer" not in done.stderr


def test_nothing_changes_by_refused_commands(ctl):
    assert (
        ctl("user", "add", USER, "--password-stdin", stdin=b"other\n").returncode == CANNOT_CREATE
    )
    assert works(ctl, USER, "s3cret")


# ---- mail


def test_deliver(ctl):
    for number in range(3):
        ctl("deliver", USER, stdin=plain(number), check=True)
    ctl("deliver", USER.upper(), stdin=plain(3), check=True)
    assert ctl("deliver", USER, stdin=b"").returncode == DATA_ERROR
    with ctl.look() as client:
        assert [client.mime(i) for i in client.items()] == [plain(3), plain(2), plain(1), plain(0)]


def test_import_makes_folders_and_says_what_it_did(ctl, tmp_path):
    (tmp_path / "a.eml").write_bytes(plain(1))
    (tmp_path / "b.eml").write_bytes(plain(2))
    done = ctl(
        "import", USER, tmp_path / "a.eml", tmp_path / "b.eml", "--folder", "Lists/ewer", check=True
    )
    assert b"2" in done.stdout
    ctl("import", USER, tmp_path / "a.eml", "--folder", "lists/EWER", check=True)
    with ctl.look() as client:
        answer = client.call(find_folder("msgfolderroot"))
        names = answer.values("t:DisplayName")
        assert (names.count("Lists"), names.count("ewer")) == (1, 1)
        counts = {
            f.findtext("t:DisplayName", namespaces=NS): f.findtext("t:TotalCount", namespaces=NS)
            for f in answer.find("t:Folders")
        }
        assert counts["ewer"] == "3"


@pytest.mark.parametrize("folder", ["inbox", "sentitems", "drafts", "junkemail"])
def test_import_into_distinguished_folders(ctl, tmp_path, folder):
    (tmp_path / "a.eml").write_bytes(plain(1))
    ctl("import", USER, tmp_path / "a.eml", "--folder", folder, check=True)
    with ctl.look() as client:
        assert len(client.items(folder)) == 1


def test_imported_mail_keeps_its_date(ctl, tmp_path):
    (tmp_path / "a.eml").write_bytes(plain(1).replace(b"02 Mar 2026", b"02 Mar 2009"))
    ctl("import", USER, tmp_path / "a.eml", check=True)
    with ctl.look() as client:
        answer = client.call(get_item(*client.items(), paths=["item:DateTimeReceived"]))
        assert answer.value("t:DateTimeReceived") == "2009-03-02T10:00:01Z"


def test_check_finds_nothing_wrong(ctl, tmp_path):
    (tmp_path / "a.eml").write_bytes(plain(1))
    ctl("import", USER, tmp_path / "a.eml", "--folder", "A/B", check=True)
    ctl("deliver", USER, stdin=plain(2), check=True)
    ctl("check", USER, check=True)
    assert ctl("check", "nobody@example.com").returncode == NO_USER


# ---- the program itself


@pytest.mark.parametrize("name", ["ewerctl", "ewerd"])
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version(name, option):
    done = subprocess.run(
        [ewer.program(name), option],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert name.encode() in done.stdout
    if option == "--help":
        assert all(len(line) <= 120 for line in done.stdout.decode().splitlines())


@pytest.mark.parametrize(
    "arguments",
    [["user", "list"], ["deliver", USER], ["user", "add", "x@example.com", "--password-stdin"]],
)
def test_a_store_that_is_not_there(tmp_path, arguments):
    done = ewer.ewerctl(tmp_path / "nowhere" / "store", *arguments, stdin=b"pw\n", check=False)
    assert done.returncode != OK or arguments[1] == "add"
    assert done.returncode == OK or done.stderr.strip()


def test_without_data(tmp_path):
    assert ewer.ewerctl(None, "user", "list", check=False).returncode == USAGE
    assert os.listdir(tmp_path) == []


def test_the_socket_is_the_owners_alone(ctl):
    with ctl.look():
        mode = (ctl.server.directory / "control.sock").stat().st_mode
    assert mode & 0o077 == 0
