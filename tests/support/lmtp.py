"""An LMTP client that says exactly what a test wants, well-behaved or not."""
import socket
from collections import namedtuple

Reply = namedtuple("Reply", "code text")
REPLY_SECONDS = 60


class Lmtp:
    """One connection. Replies are read with a deadline; an ended connection is EOFError."""

    def __init__(self, host, port, seconds=REPLY_SECONDS):
        self.socket = socket.create_connection((host, port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.greeting = self.reply()

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        """One reply, of several lines perhaps."""
        lines = []
        while True:
            line = self.stream.readline(8192)
            if not line.endswith(b"\n"):
                raise EOFError(f"connection ended in the middle of a reply: {line!r}")
            text = line.decode().rstrip("\r\n")
            lines.append(text[4:])
            if text[3:4] != "-":
                return Reply(int(text[:3]), "\n".join(lines))

    def command(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def hello(self):
        reply = self.command("LHLO client.example")
        assert reply.code == 250, reply
        return reply

    def envelope(self, recipients, sender="sender@example.org"):
        """MAIL and RCPTs; the replies of the latter."""
        reply = self.command(f"MAIL FROM:<{sender}>")
        assert reply.code == 250, reply
        return [self.command(f"RCPT TO:<{r}>") for r in recipients]

    def data(self, message, recipients=1):
        """DATA and the message; one reply for each accepted recipient."""
        reply = self.command("DATA")
        assert reply.code == 354, reply
        self.send(stuffed(message) + b".\r\n")
        return [self.reply() for _ in range(recipients)]

    def deliver(self, message, recipients):
        for reply in self.envelope(recipients):
            assert reply.code == 250, reply
        return self.data(message, len(recipients))

    def closes(self):
        """Does the server end the connection, and say nothing more before?"""
        return self.stream.read(1) == b""

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def stuffed(message):
    """A message as it goes after DATA: dots doubled, ended by a line end."""
    text = (b"\n" + message).replace(b"\n.", b"\n..")[1:]
    return text if text.endswith(b"\r\n") or not text else text + b"\r\n"
