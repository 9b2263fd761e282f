"""A smarthost for one sender under test: takes every message but what its script refuses, keeps what it took, and outlives the server that dies in the midst
of it."""
import socket
import threading


GREETING, RCPT, END = "greeting", "RCPT", "end"


class Smarthost:
    """script: {(stage, recipient, or None for the greeting): reply}"""

    def __init__(self, script=None):
        self.script = script or {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.asked = []             # recipients
        self.accepted = []          # (recipient, message), noted before the 250 goes out
        self.sessions = []
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:         # close()
                return
            session = threading.Thread(target=self.converse, args=(connection,), daemon=True)
            self.sessions.append(session)
            session.start()

    def converse(self, connection):
        try:
            with connection, connection.makefile("rwb") as lines:
                self.talk(lines)
        except OSError:             # the sender was killed
            pass

    def talk(self, lines):
        recipient = None

        def say(stage, good):
            reply = self.script.get((stage, recipient), good)
            lines.write(reply + b"\r\n")
            lines.flush()
            return reply.startswith(b"2")

        if not say(GREETING, b"220 smarthost.example.org"):
            return
        for line in lines:
            command = line.rstrip().upper()
            if command.startswith(b"RCPT TO:"):
                recipient = line.split(b"<")[1].split(b">")[0].decode()
                self.asked.append(recipient)
                say(RCPT, b"250 fine")
            elif command == b"DATA":
                say("DATA", b"354 go on")
                message = self.data(lines)
                if message is None:
                    return
                if (END, recipient) not in self.script:
                    self.accepted.append((recipient, message))
                say(END, b"250 taken")
            else:
                recipient = None
                say("other", b"250 fine" if command != b"QUIT" else b"221 bye")

    @staticmethod
    def data(lines):
        """A message without its dots; None when it has no end."""
        message = b""
        for line in lines:
            if line == b".\r\n":
                return message
            message += line.removeprefix(b".")
        return None

    def after_death(self):
        """All that was taken, once the sender is dead."""
        for session in list(self.sessions):
            session.join()
        return list(self.accepted)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        self.after_death()
