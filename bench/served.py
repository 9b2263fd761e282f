"""A server under measurement and its clients. The clients do as little as they can: on a small machine they share its cores."""
import base64
import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("EWER_RELEASE_BUILD") or ROOT / "build")
PASSWORD = "bench"
PAGE = 512                  # what clients ask for at most
READY_SECONDS = 60

TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
ENVELOPE = (f'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">'
            '<soap:Header><t:RequestServerVersion Version="Exchange2013_SP1"/></soap:Header><soap:Body>%s</soap:Body></soap:Envelope>')
SYNC = ENVELOPE % ('<m:SyncFolderItems><m:ItemShape><t:BaseShape>%s</t:BaseShape></m:ItemShape><m:SyncFolderId>'
                   '<t:DistinguishedFolderId Id="inbox"/></m:SyncFolderId>%s'
                   f'<m:MaxChangesReturned>{PAGE}</m:MaxChangesReturned></m:SyncFolderItems>')


def element(name):
    return re.compile(rb"<(?:\w+:)?" + name + rb">([^<]*)<")


CODE, STATE, LAST = element(b"ResponseCode"), element(b"SyncState"), element(b"IncludesLastItemInRange")
ITEM_ID = re.compile(rb'<(?:\w+:)?ItemId Id="([^"]+)"')
CHANGE = re.compile(rb"<(?:\w+:)?(?:Create|Update|Delete|ReadFlagChange)>")


def ewerctl(data, *words, text=""):
    subprocess.run([BUILD / "ewerctl", "--data", data, *words], input=text.encode(), check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def start(*words):
    """(the process, what its ready line says, seconds until then)"""
    began = time.perf_counter()
    process = subprocess.Popen([BUILD / "ewerd", *words, "--listen", "127.0.0.1:0", "--lmtp", "127.0.0.1:0", "--json"],
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    readable, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
    line = process.stdout.readline() if readable else b""
    seconds = time.perf_counter() - began
    if not line:
        process.kill()
        sys.exit(f"bench: ewerd {' '.join(map(str, words))} did not get ready")
    return process, json.loads(line), seconds


class Server:
    def __init__(self, data, *words):
        self.process, ready, _ = start("serve", "--data", data, *words)
        url = urllib.parse.urlsplit(ready["ews_url"])
        host, port = ready["lmtp"].rsplit(":", 1)
        self.http, self.path, self.lmtp = (url.hostname, url.port), url.path, (host, int(port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def cpu_seconds(self):
        """Of all its threads, ended ones too: the process's CPU clock, in nanoseconds, by the number clock_getcpuclockid(3) would give."""
        return time.clock_gettime((~self.process.pid) << 3 | 2)

    def memory_kb(self, key):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s*(\d+)", status, re.M).group(1))


@contextlib.contextmanager
def apart(server):
    """The client on one core and all threads of the server on another, as long as this lasts. A request that wakes a thread of an idle core costs twice one that
    finds it awake, so free placement makes two connections to the same mailbox differ more than any two mailboxes do."""
    cores = sorted(os.sched_getaffinity(0))

    def place(client, threads):
        os.sched_setaffinity(0, client)
        for thread in os.listdir(f"/proc/{server.process.pid}/task"):
            os.sched_setaffinity(int(thread), threads)

    place(cores[:1], cores[-1:])
    try:
        yield
    finally:
        place(cores, cores)


class Meter:
    """`with Meter(server) as m`: then m.wall and m.cpu, in seconds."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.cpu, self.wall = self.server.cpu_seconds(), time.perf_counter()
        return self

    def __exit__(self, *_):
        self.wall = time.perf_counter() - self.wall
        self.cpu = self.server.cpu_seconds() - self.cpu


class Ews:
    """One kept-alive connection of one user."""

    def __init__(self, server, user, shape="IdOnly"):
        self.socket = socket.create_connection(server.http, READY_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.shape, self.state = shape, ""
        login = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        self.head = (f"POST {server.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic {login}\r\n"
                     "Content-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n")

    def close(self):
        self.socket.close()

    def read_answer(self):
        data = bytearray()
        end = -1
        while end < 0:
            data += self.socket.recv(1 << 18) or sys.exit("bench: the server hung up")
            end = data.find(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length:\s*(\d+)", data[:end])
        if b" 200 " not in data[:15] or length is None:
            sys.exit(f"bench: {bytes(data[:500])}")
        total = end + 4 + int(length.group(1))
        while len(data) < total:
            data += self.socket.recv(min(1 << 18, total - len(data))) or sys.exit("bench: the server hung up")
        return bytes(data[end + 4:])

    def ask(self, body):
        """The answer to a request, which must have been heard whole; nothing else is parsed."""
        body = (ENVELOPE % body).encode()
        self.socket.sendall((self.head % len(body)).encode() + body)
        answer = self.read_answer()
        if b"NoError" not in answer or b'"Error"' in answer:
            sys.exit(f"bench: {answer[:1000]}")
        return answer

    def request(self):
        """The next page as it comes; the state stays. For measured loops: nothing is parsed."""
        body = (SYNC % (self.shape, f"<m:SyncState>{self.state}</m:SyncState>" if self.state else "")).encode()
        self.socket.sendall((self.head % len(body)).encode() + body)
        return self.read_answer()

    def take(self, answer):
        """Goes to the answer's state: (changes in it, was it the last page)"""
        if set(CODE.findall(answer)) != {b"NoError"}:
            sys.exit(f"bench: {answer[:500]}")
        self.state = STATE.search(answer).group(1).decode()
        return len(CHANGE.findall(answer)), LAST.search(answer).group(1) == b"true"

    def item_ids(self):
        """Of all that is new from here on."""
        ids, last = [], False
        while not last:
            answer = self.request()
            _, last = self.take(answer)
            ids += [i.decode() for i in ITEM_ID.findall(answer)]
        return ids

    def sync_all(self):
        """All pages from here on; the changes seen."""
        seen, last = 0, False
        while not last:
            changes, last = self.take(self.request())
            seen += changes
        return seen


class Lmtp:
    def __init__(self, server):
        self.socket = socket.create_connection(server.lmtp, READY_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.socket.makefile("rb")
        self.reply()
        self.say(b"LHLO bench\r\n")

    def close(self):
        self.lines.close()
        self.socket.close()

    def reply(self):
        line = self.lines.readline()
        while line[3:4] == b"-":
            line = self.lines.readline()
        if line[:1] not in (b"2", b"3"):
            sys.exit(f"bench: LMTP said {line}")

    def say(self, text, replies=1):
        self.socket.sendall(text)
        for _ in range(replies):
            self.reply()

    def deliver(self, user, message):
        """One message, its commands pipelined; returns at the 250."""
        self.say(f"MAIL FROM:<bench@example.org>\r\nRCPT TO:<{user}>\r\nDATA\r\n".encode(), 3)
        self.say(message.replace(b"\r\n.", b"\r\n..") + b".\r\n")
