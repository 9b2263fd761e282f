"""Real mail: Python's own collection of odd messages, by every way in; every byte comes out as it
went in."""
import hashlib
import mailbox
import os
from collections import Counter
from pathlib import Path

import pytest

from soap import NS, find_folder, find_item, get_attachment, get_item

EXPECTED_LEAST = 40


def collection():
    """The files of the Debian package libpython3-testsuite, any version."""
    for directory in sorted(Path("/usr/lib").glob("python3*/test/test_email/data")):
        return sorted(directory.glob("msg_*.txt"))
    return []


MESSAGES = collection()
pytestmark = pytest.mark.skipif(
    not MESSAGES, reason="python's test suite (libpython3-testsuite) is not installed"
)


def digest(data):
    return len(data), hashlib.sha256(data).hexdigest()


def as_message(content):
    """A file that begins with a separator line is an mbox of one message, whatever its name; an
    empty line ends it."""
    if not content.startswith(b"From "):
        return content
    message = content.split(b"\n", 1)[1]
    return message[:-1] if message.endswith(b"\n\n") else message


def stored(client, folder="inbox"):
    """[(size told, digest of the content)], each item read whole once."""
    found = []
    for item in client.items(folder):
        answer = client.call(get_item(item, base="AllProperties", paths=["item:Size"]))
        assert answer.code == "NoError"
        content = client.mime(item)
        assert int(answer.value("m:Items/*/t:Size")) == len(content)
        found.append(digest(content))
    return Counter(found)


def test_there_is_a_collection():
    assert len(MESSAGES) >= EXPECTED_LEAST


def test_import_of_files(server, client, user, tmp_path):
    for file in MESSAGES:
        (tmp_path / f"{file.stem}.eml").write_bytes(file.read_bytes())
    server.ctl("import", user, *sorted(tmp_path.glob("*.eml")))
    assert stored(client) == Counter(digest(as_message(f.read_bytes())) for f in MESSAGES)


def test_import_of_a_directory_of_files(server, client, user, tmp_path):
    for file in MESSAGES:
        (tmp_path / f"{file.stem}.eml").write_bytes(file.read_bytes())
    server.ctl("import", user, tmp_path, "--folder", "Everything")
    folder = client.call(find_item("inbox")).find("t:Items")
    assert len(folder) == 0
    answer = client.call(find_folder("msgfolderroot"))
    (target,) = [
        f
        for f in answer.find("t:Folders")
        if f.findtext("t:DisplayName", namespaces=NS) == "Everything"
    ]
    assert sum(stored(client, target.find("t:FolderId", NS).get("Id")).values()) == len(MESSAGES)


def test_import_of_an_mbox(server, client, user, tmp_path):
    """Quoted as mboxrd, as the importer reads it."""
    box, contents = b"", []
    for file in MESSAGES:
        content = file.read_bytes()
        content += b"" if content.endswith(b"\n") else b"\n"
        contents.append(content)
        lines = content.splitlines(keepends=True)
        box += b"From someone@example.org Thu Jan  1 00:00:00 2004\n"
        box += (
            b"".join(
                b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines
            )
            + b"\n"
        )
    (tmp_path / "all.mbox").write_bytes(box)
    server.ctl("import", user, tmp_path / "all.mbox")
    assert stored(client) == Counter(map(digest, contents))


def test_import_of_a_maildir(server, client, user, tmp_path):
    box = mailbox.Maildir(tmp_path / "Maildir", create=True)
    for number, file in enumerate(MESSAGES):
        name = (
            tmp_path
            / "Maildir"
            / ("new" if number % 2 else "cur")
            / f"{1100000000 + number}.M{number}.host{'' if number % 2 else ':2,S'}"
        )
        name.write_bytes(file.read_bytes())
        os.utime(name, (1100000000 + number, 1100000000 + number))
    assert len(box) == len(MESSAGES)
    server.ctl("import", user, tmp_path / "Maildir")
    assert stored(client) == Counter(digest(f.read_bytes()) for f in MESSAGES)
    answer = client.call(find_item(paths=["message:IsRead", "item:DateTimeReceived"]))
    read = Counter(answer.values("t:IsRead"))
    assert read["true"] == (len(MESSAGES) + 1) // 2
    dates = answer.values("t:DateTimeReceived")
    assert dates == sorted(dates, reverse=True)


def test_delivery(server, client, user):
    """By LMTP, where lines end with CRLF."""
    contents = [b"\r\n".join(f.read_bytes().replace(b"\r\n", b"\n").split(b"\n")) for f in MESSAGES]
    contents = [c if c.endswith(b"\r\n") else c + b"\r\n" for c in contents]
    server.deliver(user, *contents)
    assert stored(client) == Counter(map(digest, contents))


@pytest.fixture(scope="module", name="odd_user")
def fixture_odd_user(shared_server, tmp_path_factory):
    user = shared_server.add_user("odd@example.com")
    shared_server.ctl(
        "import", user, *[copied(f, tmp_path_factory.mktemp("eml")) for f in MESSAGES]
    )
    return user


def copied(file, directory):
    target = directory / f"{file.stem}.eml"
    target.write_bytes(file.read_bytes())
    return target


@pytest.mark.parametrize("version", ["Exchange2007_SP1", "Exchange2010_SP2", "V2017_07_11"])
@pytest.mark.parametrize("body", ["Text", "HTML", "Best"])
def test_every_shape_of_odd_mail_keeps_the_schema(server, odd_user, version, body):
    with server.soap(odd_user) as client:
        answer = client.call(
            get_item(
                *client.items(),
                base="AllProperties",
                paths=["item:Body", "item:Attachments"],
                extra=f"<t:BodyType>{body}</t:BodyType>",
            ),
            version,
        )
        assert set(answer.codes) == {"NoError"}
        for base in ("Default", "AllProperties"):
            list(client.pages(base=base))
            assert client.call(find_item(base=base), version).code == "NoError"


def test_every_attachment_of_odd_mail_can_be_read(server, odd_user):
    asked = (
        "<m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent>"
        "<t:BodyType>Best</t:BodyType></m:AttachmentShape>"
    )
    with server.soap(odd_user) as client:
        answer = client.call(get_item(*client.items(), paths=["item:Attachments"]))
        waiting, read = [e.get("Id") for e in answer.findall("t:AttachmentId")], 0
        while waiting:
            answer = client.call(get_attachment(*waiting, extra=asked))
            assert set(answer.codes) == {"NoError"}
            read += len(waiting)
            waiting = [
                e.get("Id")
                for e in answer.findall("t:ItemAttachment/*/t:Attachments//t:AttachmentId")
            ]
        assert read > 20
