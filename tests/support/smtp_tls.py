"""A smarthost with TLS for tests: certificates made by openssl, and a server that notes what it
heard in clear and what within TLS."""
import base64
import socket
import ssl
import subprocess
import threading
from collections import namedtuple

WAIT_SECONDS = 60

Command = namedtuple("Command", "line secure")
Message = namedtuple("Message", "sender recipient data secure login")


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


class Authority:
    """A certificate authority of its own; `file` is its certificate."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.file, self.key = directory / f"{name}.pem", directory / f"{name}.key"
        self.request(self.key, "-x509", "-days", "2", "-out", self.file, subject=name)

    @staticmethod
    def request(key, *more, subject):
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", *curve, "-keyout", key, "-subj", f"/CN={subject}", *more)

    def certify(self, alternative):
        """(certificate, key) of a server, for one alternative name as openssl writes it."""
        base = self.directory / f"{self.name}-{alternative.replace(':', '-')}"
        key, request, names = (base.with_suffix(end) for end in (".key", ".csr", ".names"))
        names.write_text(f"subjectAltName={alternative}\n")
        self.request(key, "-out", request, subject="smarthost")
        signed = base.with_suffix(".crt")
        openssl(
            *("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key),
            *("-CAcreateserial", "-days", "2", "-extfile", names, "-out", signed),
        )
        return signed, key


class Smarthost:
    """
    certificate   (certificate, key), or None for a server that has no TLS
    implicit      TLS from the first byte
    login         (user, password) that it asks for within TLS
    starttls      what it answers to STARTTLS, in clear; more than a line, too
    """

    def __init__(self, certificate=None, implicit=False, login=None, starttls=b"220 go on"):
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.implicit, self.login, self.starttls = implicit, login, starttls
        self.commands, self.messages, self.ended = [], [], 0
        self.change = threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0))
        scheme = "smtps" if implicit else "smtp"
        self.url = f"{scheme}://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # __exit__
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection:
                connection.settimeout(WAIT_SECONDS)
                if self.implicit:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                with connection:
                    Session(self, connection, self.implicit).run()
        except OSError:  # also of TLS: the client did not want to go on
            pass
        finally:
            with self.change:
                self.ended += 1
                self.change.notify_all()

    def note(self, command):
        with self.change:
            self.commands.append(command)

    def take(self, message):
        with self.change:
            self.messages.append(message)
            self.change.notify_all()

    def wait_for_message(self):
        with self.change:
            assert self.change.wait_for(lambda: self.messages, WAIT_SECONDS), self.commands
            return self.messages[0]

    def wait_for_end(self):
        """Of a conversation."""
        with self.change:
            assert self.change.wait_for(lambda: self.ended, WAIT_SECONDS), self.commands

    def verbs(self, secure):
        """What was asked for in clear, or within TLS."""
        with self.change:
            said = [c.line.split(b" ")[0].upper() for c in self.commands if c.secure == secure]
        return [verb.decode(errors="replace") for verb in said]


class Session:
    def __init__(self, server, connection, secure):
        self.server, self.connection, self.secure = server, connection, secure
        self.lines = connection.makefile("rb")
        self.login = self.sender = self.recipient = None

    def say(self, *replies):
        self.connection.sendall(b"".join(reply + b"\r\n" for reply in replies))

    def run(self):
        self.say(b"220 smarthost.example.org")
        self.converse()

    def converse(self):
        """Until the client is done; within TLS it begins anew, without a greeting."""
        for line in self.lines:
            self.server.note(Command(line.rstrip(), self.secure))
            verb = line.split()[0].lower().decode(errors="replace") if line.split() else ""
            answer = getattr(self, f"on_{verb}", None)
            if answer is None:
                self.say(b"502 what is that")
            elif answer(line.strip()):
                return

    def on_ehlo(self, _):
        more = []
        if self.server.tls and not self.secure:
            more.append(b"250-STARTTLS")
        if self.server.login and self.secure:
            more.append(b"250-AUTH PLAIN")
        self.say(b"250-smarthost.example.org", *more, b"250 8BITMIME")

    def on_starttls(self, _):
        self.say(self.server.starttls)
        if not self.server.starttls.startswith(b"220"):
            return False
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.lines, self.secure, self.login = self.connection.makefile("rb"), True, None
        self.converse()
        return True

    def on_auth(self, line):
        parts = line.split()
        said = base64.b64decode(parts[2]).split(b"\0") if len(parts) == 3 else []
        if [word.decode() for word in said[1:]] == list(self.server.login or ()):
            self.login = self.server.login
            self.say(b"235 it is you")
        else:
            self.say(b"535 5.7.8 it is not you")

    def on_mail(self, line):
        if self.server.login and not self.login:
            self.say(b"530 5.7.0 who are you")
            return
        self.sender = line.split(b"<")[1].split(b">")[0].decode()
        self.say(b"250 fine")

    def on_rcpt(self, line):
        self.recipient = line.split(b"<")[1].split(b">")[0].decode()
        self.say(b"250 fine")

    def on_data(self, _):
        self.say(b"354 go on")
        data = b""
        for line in self.lines:
            if line == b".\r\n":
                message = Message(self.sender, self.recipient, data, self.secure, self.login)
                self.server.take(message)
                self.say(b"250 taken")
                return
            data += line.removeprefix(b".")

    def on_quit(self, _):
        self.say(b"221 bye")
        return True
