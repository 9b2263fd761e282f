"""A listener for the pushes of one server under test: answers as it is told to, keeps what it heard, and outlives the server that dies in the midst of it."""
import contextlib
import http.server
import socket
import subprocess
import threading
import time

from notifications import Push, result
from programs import SECONDS

LOOK_SECONDS = 0.005
OK, BROKEN = (200, result("OK")), (500, b"")


def wait_for(server, is_done):
    """ConnectionError when the server dies before."""
    deadline = time.monotonic() + SECONDS
    while not is_done():
        assert time.monotonic() < deadline, "it does not happen"
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(LOOK_SECONDS)
            raise ConnectionError("ewerd has ended")


class Listener:
    def __init__(self, answer=OK):
        self.answer, self.heard = answer, []
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                wanted = int(self.headers["Content-Length"])
                body = self.rfile.read(wanted)
                if len(body) < wanted:
                    return              # the sender was killed
                status, answer = listener.answer
                listener.heard.append(Push(self.headers, body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def handle(self):
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        class Server(http.server.HTTPServer):
            def process_request(self, request, client_address):
                listener.sessions.append(threading.Thread(target=self.converse, args=(request, client_address), daemon=True))
                listener.sessions[-1].start()

            def converse(self, request, client_address):
                self.finish_request(request, client_address)
                self.shutdown_request(request)

        self.sessions = []
        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": LOOK_SECONDS}, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def after_death(self):
        """All that was heard, once the server is dead."""
        with socket.create_connection(self.server.server_address[:2], SECONDS) as last:
            last.shutdown(socket.SHUT_WR)
            assert last.recv(1) == b"", "whoever connected before has a session now"
        for session in list(self.sessions):
            session.join()
        return list(self.heard)

    def wait_for(self, server, enough):
        """Until enough(what was heard); ConnectionError when the server dies before."""
        wait_for(server, lambda: enough(self.heard))

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
