"""The programs under test and their clients, small: a served store, EWS, LMTP, ewerctl."""
import base64
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree
from pathlib import Path

BUILD = Path(os.environ.get("EWER_RELEASE_BUILD") or os.environ["EWER_BUILD"])
EWERD, EWERCTL = BUILD / "ewerd", BUILD / "ewerctl"
KILLAT = next((path for build in (os.environ.get("EWER_BUILD"), BUILD) if build
               for path in [Path(build) / "tests" / "crash" / "killat.so"] if path.exists()), None)
PASSWORD = "crash"
SECONDS = 30                # nothing here takes a tenth of it

TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
T, M = f"{{{TYPES}}}", f"{{{MESSAGES}}}"
ENVELOPE = (f'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">'
            '<soap:Header><t:RequestServerVersion Version="Exchange2013_SP1"/></soap:Header>'
            '<soap:Body>%s</soap:Body></soap:Envelope>')
INBOX = '<t:DistinguishedFolderId Id="inbox"/>'


def ewerctl(store, *words, env=None, text=b""):
    return subprocess.run([EWERCTL, "--data", store, *words], input=text, capture_output=True, timeout=SECONDS,
                          env=dict(os.environ, **(env or {})))


def ewerctl_ok(store, *words, text=b""):
    done = ewerctl(store, *words, text=text)
    assert done.returncode == 0, f"ewerctl {' '.join(map(str, words))}: {done.returncode} {done.stderr.decode()}"
    return done.stdout.decode()


def user_add(store, address, env=None):
    """With a cheap password hash (killat.c): hundreds of logins shall not be what these tests take their time for."""
    return ewerctl(store, "user", "add", address, "--password-stdin", text=f"{PASSWORD}\n".encode(),
                   env={"LD_PRELOAD": str(KILLAT), **(env or {})})


def users(store):
    return sorted(line.split("\t")[0] for line in ewerctl_ok(store, "user", "list").splitlines())


class Server:
    """ewerd on a store. `ready` is false when it died before it was ready."""

    def __init__(self, store, env=None, options=()):
        self.log = open(f"{store}.log", "ab")
        self.process = subprocess.Popen(
            [EWERD, "serve", "--data", store, "--listen", "127.0.0.1:0", "--lmtp", "127.0.0.1:0", "--json", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, env=dict(os.environ, **(env or {})))
        readable, _, _ = select.select([self.process.stdout], [], [], SECONDS)
        line = self.process.stdout.readline() if readable else b""
        self.ready = line.endswith(b"\n")
        if self.ready:
            ready = json.loads(line)
            self.url = urllib.parse.urlsplit(ready["ews_url"])
            host, port = ready["lmtp"].rsplit(":", 1)
            self.lmtp = (host, int(port))

    def stop(self):
        """The exit code; SIGTERM is harmless to one that is dead."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(SECONDS)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            self.log.close()

    def __enter__(self):
        if not self.ready:
            self.stop()
            raise AssertionError(f"ewerd does not start: {self.log_end()}")
        return self

    def __exit__(self, kind, value, trace):
        code = self.stop()
        assert kind is not None or code == 0, f"ewerd ended with {code}: {self.log_end()}"

    def log_end(self):
        return Path(self.log.name).read_text(errors="replace")[-2000:]


class Ews:
    """One user's EWS client."""

    def __init__(self, server, user):
        self.path = server.url.path
        self.http = http.client.HTTPConnection(server.url.hostname, server.url.port, timeout=SECONDS)
        self.login = "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def ask(self, body):
        """(the response codes, the answer)"""
        self.http.request("POST", self.path, (ENVELOPE % body).encode(),
                          {"Content-Type": "text/xml; charset=utf-8", "Authorization": self.login})
        answer = self.http.getresponse()
        text = answer.read()
        assert answer.status == 200, f"HTTP {answer.status}: {text[:500]}"
        tree = ElementTree.fromstring(text)
        return [code.text for code in tree.iter(f"{M}ResponseCode")], tree

    def call(self, body):
        codes, tree = self.ask(body)
        assert codes and set(codes) == {"NoError"}, f"{codes}: {ElementTree.tostring(tree)[:500]}"
        return tree

    def sync(self, state="", folder=INBOX):
        """(the new state, [(kind of change, item id, is read or None)]) of a folder, all pages."""
        changes, last = [], False
        while not last:
            page = self.call(
                "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
                '<t:FieldURI FieldURI="message:IsRead"/></t:AdditionalProperties></m:ItemShape>'
                f"<m:SyncFolderId>{folder}</m:SyncFolderId>" + (f"<m:SyncState>{state}</m:SyncState>" if state else "") +
                "<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>")
            state = page.findtext(f".//{M}SyncState")
            last = page.findtext(f".//{M}IncludesLastItemInRange") == "true"
            for change in page.find(f".//{M}Changes"):
                changes.append((change.tag.removeprefix(T), change.find(f".//{T}ItemId").get("Id"),
                                change.findtext(f".//{T}IsRead")))
        return state, changes

    def sync_folders(self, state=""):
        """(the new state, [(kind of change, folder id)]) of the hierarchy."""
        answer = self.call("<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>" +
                           (f"<m:SyncState>{state}</m:SyncState>" if state else "") + "</m:SyncFolderHierarchy>")
        assert answer.findtext(f".//{M}IncludesLastFolderInRange") == "true"
        return answer.findtext(f".//{M}SyncState"), [(change.tag.removeprefix(T), change.find(f".//{T}FolderId").get("Id"))
                                                     for change in answer.find(f".//{M}Changes")]

    def mime(self, ids):
        """{item id: the message's bytes}"""
        if not ids:
            return {}
        answer = self.call("<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true"
                           "</t:IncludeMimeContent></m:ItemShape><m:ItemIds>" +
                           "".join(f'<t:ItemId Id="{i}"/>' for i in ids) + "</m:ItemIds></m:GetItem>")
        return {item.find(f"{T}ItemId").get("Id"): base64.b64decode(item.findtext(f"{T}MimeContent"))
                for items in answer.iter(f"{M}Items") for item in items}

    def counts(self):
        """(total, unread) of the inbox."""
        folder = self.call("<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>"
                           f"<m:FolderIds>{INBOX}</m:FolderIds></m:GetFolder>")
        return int(folder.findtext(f".//{T}TotalCount")), int(folder.findtext(f".//{T}UnreadCount"))


class Lmtp:
    """A pipelining client: a message's commands go out with the end of the one before it."""

    def __init__(self, server):
        self.socket = socket.create_connection(server.lmtp, SECONDS)
        self.lines = self.socket.makefile("rb")

    def close(self):
        self.lines.close()
        self.socket.close()

    def reply(self):
        while True:
            line = self.lines.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("closed")
            if line[3:4] != b"-":
                return int(line[:3])

    @staticmethod
    def commands(recipients):
        to = "".join(f"RCPT TO:<{recipient}>\r\n" for recipient in recipients)
        return f"MAIL FROM:<sender@example.org>\r\n{to}DATA\r\n".encode()

    def deliver(self, messages, recipients, answered):
        """Adds each (recipient, message) to answered as its 250 is read; ConnectionError when the server dies."""
        self.reply()
        self.socket.sendall(b"LHLO crash.example.org\r\n")
        self.reply()
        self.socket.sendall(self.commands(recipients))
        for i, message in enumerate(messages):
            codes = [self.reply() for _ in range(len(recipients) + 2)]
            assert codes == [250] * (len(recipients) + 1) + [354], codes
            after = self.commands(recipients) if i + 1 < len(messages) else b"QUIT\r\n"
            self.socket.sendall(message.replace(b"\r\n.", b"\r\n..") + b".\r\n" + after)
            for recipient in recipients:
                if self.reply() == 250:
                    answered.append((recipient, message))
