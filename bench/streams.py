"""Notifications under measurement: ten thousand open streams on a hundred mailboxes, one among them, polls. The client is one loop of plain sockets."""
import base64
import re
import resource
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import time
from pathlib import Path

import mail
from served import ENVELOPE, PASSWORD, READY_SECONDS, Ews, Lmtp, Meter, Server, apart

MAILBOXES = 100
ALL_EVENTS = "".join(f"<t:EventType>{e}Event</t:EventType>" for e in ("NewMail", "Created", "Modified", "Moved", "Copied", "Deleted"))
INBOX = f'<t:FolderIds><t:DistinguishedFolderId Id="inbox"/></t:FolderIds><t:EventTypes>{ALL_EVENTS}</t:EventTypes>'
SUBSCRIBE = f"<m:Subscribe><m:StreamingSubscriptionRequest>{INBOX}</m:StreamingSubscriptionRequest></m:Subscribe>"
SUBSCRIBE_PULL = f"<m:Subscribe><m:PullSubscriptionRequest>{INBOX}<t:Timeout>10</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>"
STREAM = ("<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>%s</t:SubscriptionId></m:SubscriptionIds>"
          "<m:ConnectionTimeout>30</m:ConnectionTimeout></m:GetStreamingEvents>")
GET_EVENTS = "<m:GetEvents><m:SubscriptionId>%s</m:SubscriptionId><m:Watermark>%s</m:Watermark></m:GetEvents>"
SUBSCRIPTION, WATERMARK = re.compile(rb"SubscriptionId>([^<]+)<"), re.compile(rb"Watermark>([^<]+)<")
SPACING_SECONDS = 0.35       # beyond the 300 ms that one stream's documents keep
CONFIG = "[limits]\nmax_streams = 1000\n"


def user(n):
    return f"stream{n}@example.com"


def descriptors(n):
    """Room for so many sockets on either side, or as many as there may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = n + 1000 if hard == resource.RLIM_INFINITY else min(n + 1000, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most - 1000


def tls_files(scratch):
    cert, key = Path(scratch) / "cert.pem", Path(scratch) / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=bench",
                    "-days", "2", "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    return ["--tls-cert", str(cert), "--tls-key", str(key)]


class Streams:
    """So many open streams, spread over the mailboxes, and one loop that reads them all."""

    def __init__(self, server, users, n, secure=False):
        self.server, self.secure = server, secure
        self.context = ssl._create_unverified_context() if secure else None   # pylint: disable=protected-access
        self.selector = selectors.DefaultSelector()
        self.of = {}            # user -> sockets
        for i in range(n):
            self.open(users[i % len(users)])

    def ask(self, sock, name, body):
        login = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        body = (ENVELOPE % body).encode()
        sock.sendall(f"POST {self.server.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic {login}\r\n"
                     f"Content-Type: text/xml; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    @staticmethod
    def until(sock, end):
        data = b""
        while end not in data:
            data += sock.recv(65536) or sys.exit(f"bench: the server hung up after {data[-500:]}")
        return data

    def open(self, name):
        sock = socket.create_connection(self.server.http, READY_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.secure:
            sock = self.context.wrap_socket(sock)
        self.ask(sock, name, SUBSCRIBE)
        answer = self.until(sock, b"Envelope>")
        self.ask(sock, name, STREAM % SUBSCRIPTION.search(answer).group(1).decode())
        first = self.until(sock, b"</Envelope>\r\n")
        if b"ConnectionStatus>OK<" not in first:
            sys.exit(f"bench: {first[-800:]}")
        sock.setblocking(False)
        self.selector.register(sock, selectors.EVENT_READ, name)
        self.of.setdefault(name, []).append(sock)

    def wait(self, n, began):
        """Seconds from began until each of n streams has told of the mail."""
        times, told = [], set()
        while len(told) < n:
            ready = self.selector.select(READY_SECONDS) or sys.exit(f"bench: {len(told)} of {n} streams have told")
            for key, _ in ready:
                data = key.fileobj.recv(65536)
                if b"NewMailEvent" in data and key.fileobj not in told:
                    told.add(key.fileobj)
                    times.append(time.perf_counter() - began)
        return times

    def close(self):
        for sockets in self.of.values():
            for sock in sockets:
                sock.close()
        self.selector.close()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def fan_out(server, streams, letter, each):
    """One delivery to each mailbox; every stream of it tells."""
    lmtp = Lmtp(server)
    times = []
    for name in streams.of:
        lmtp.deliver(name, letter(name))
        times += streams.wait(each, time.perf_counter())
    lmtp.close()
    return times


def lonely(server, name, letter, rounds):
    """(seconds from the 250, CPU seconds of delivery and event) of one stream among many."""
    one, lmtp = Streams(server, [name], 1), Lmtp(server)
    times, cpu = [], []
    for _ in range(rounds):
        time.sleep(SPACING_SECONDS)
        with Meter(server) as m:
            lmtp.deliver(name, letter(name))
            times += one.wait(1, time.perf_counter())
        cpu.append(m.cpu)
    one.close()
    lmtp.close()
    return times, cpu


def deliveries(server, name, letter, rounds):
    """CPU seconds of the same deliveries where nobody listens."""
    lmtp, cpu = Lmtp(server), []
    for _ in range(rounds):
        time.sleep(SPACING_SECONDS)
        with Meter(server) as m:
            lmtp.deliver(name, letter(name))
        cpu.append(m.cpu)
    lmtp.close()
    return cpu


def polls(server, name, requests=1000):
    ews = Ews(server, name)
    answer = ews.ask(SUBSCRIBE_PULL)
    body = GET_EVENTS % (SUBSCRIPTION.search(answer).group(1).decode(), WATERMARK.search(answer).group(1).decode())
    cpu = []
    for _ in range(9):
        with Meter(server) as m:
            for _ in range(requests):
                ews.ask(body)
        cpu.append(m.cpu / requests)
    ews.close()
    return statistics.median(cpu)


def letter_for(name):
    return mail.usual(0).replace(b"\r\n", b"\r\nX-For: " + name.encode() + b"\r\n", 1)


def figures(figure, data, scratch, wanted=10_000, rounds=100):
    """Yields figure(name, value, unit, sense, bar) as they come. The users are there."""
    config = Path(scratch) / "streams.conf"
    config.write_text(CONFIG)
    n = descriptors(wanted) // MAILBOXES * MAILBOXES
    n = min(n, wanted)
    users = [user(i) for i in range(MAILBOXES)]
    with Server(data, "--config", config) as server:
        for name in users + [user(MAILBOXES), user(MAILBOXES + 1)]:
            Ews(server, name).ask(SUBSCRIBE)         # logged in, and the mailbox open
        with apart(server):
            seconds = polls(server, users[0])
        yield figure("GetEvents, nothing new", seconds * 1e6, "CPU µs/request", "max", 40)
        before = server.memory_kb("VmRSS")
        with apart(server), Meter(server) as m:
            streams = Streams(server, users, n)
        yield figure("Subscribe and GetStreamingEvents", m.cpu / n * 1e6, "CPU µs/stream", "max", 300)
        yield figure(f"RSS of {n} streams", (server.memory_kb("VmRSS") - before) / n, "kB/stream", "max", 12)
        with Meter(server) as m:
            time.sleep(5)
        yield figure(f"{n} idle streams", m.cpu / 5 * 100, "% of a core", "max", 0.5)
        with Meter(server) as m:
            times = fan_out(server, streams, letter_for, n // MAILBOXES)
        yield figure(f"one mail to each mailbox, {n // MAILBOXES} streams each, p99", percentile(times, 0.99) * 1e3, "ms", "max", 50)
        yield figure("the same, CPU", m.cpu / n * 1e6, "CPU µs/event")
        with apart(server):
            alone = deliveries(server, user(MAILBOXES + 1), letter_for, rounds)
            times, cpu = lonely(server, user(MAILBOXES), letter_for, rounds)
        yield figure(f"one stream among {n}, from the 250, median", statistics.median(times) * 1e3, "ms", "max", 0.6)
        yield figure(f"one stream among {n}, from the 250, p99", percentile(times, 0.99) * 1e3, "ms", "max", 4)
        yield figure("its event", (statistics.median(cpu) - statistics.median(alone)) * 1e6, "CPU µs/event", "max", 150)
        yield figure("its event and the delivery", statistics.median(cpu) * 1e6, "CPU µs/event")
        streams.close()
    with Server(data, "--config", config, *tls_files(scratch)) as server:
        secure = min(2000, n)
        Streams(server, users, MAILBOXES, secure=True).close()
        before = server.memory_kb("VmRSS")
        streams = Streams(server, users, secure, secure=True)
        yield figure(f"RSS of {secure} streams with TLS", (server.memory_kb("VmRSS") - before) / secure, "kB/stream", "max", 36)
        streams.close()
