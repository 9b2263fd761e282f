"""The other ends of notifications: requests, a reader of streams as they come off the wire, a listener for pushes."""
import http.server
import queue
import socket
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

from soap import MESSAGES, NS, envelope, folder_ref, local, validate, xml_parse

ALL_TYPES = (
    "CopiedEvent",
    "CreatedEvent",
    "DeletedEvent",
    "ModifiedEvent",
    "MovedEvent",
    "NewMailEvent",
    "FreeBusyChangedEvent",
)
PATIENCE_SECONDS = 30


# ---- requests


def subscribe(kind, folders=("inbox",), types=ALL_TYPES, watermark=None, last="", everything=False):
    """kind: Streaming, Pull, Push; last: what stands behind (Timeout, StatusFrequency and URL)."""
    refs = "".join(map(folder_ref, folders))
    refs = "" if everything or not refs else f"<t:FolderIds>{refs}</t:FolderIds>"
    attribute = ' SubscribeToAllFolders="true"' if everything else ""
    events = "".join(f"<t:EventType>{t}</t:EventType>" for t in types)
    mark = f"<t:Watermark>{escape(watermark)}</t:Watermark>" if watermark is not None else ""
    return (
        f"<m:Subscribe><m:{kind}SubscriptionRequest{attribute}>{refs}<t:EventTypes>{events}</t:EventTypes>"
        f"{mark}{last}</m:{kind}SubscriptionRequest></m:Subscribe>"
    )


def subscribe_pull(minutes=10, **options):
    return subscribe("Pull", last=f"<t:Timeout>{minutes}</t:Timeout>", **options)


def subscribe_push(url, minutes=30, caller_data=None, **options):
    data = f"<t:CallerData>{escape(caller_data)}</t:CallerData>" if caller_data else ""
    last = f"<t:StatusFrequency>{minutes}</t:StatusFrequency><t:URL>{escape(url)}</t:URL>{data}"
    return subscribe("Push", last=last, **options)


def unsubscribe(subscription):
    return f"<m:Unsubscribe><m:SubscriptionId>{escape(subscription)}</m:SubscriptionId></m:Unsubscribe>"


def get_events(subscription, watermark):
    return (
        f"<m:GetEvents><m:SubscriptionId>{escape(subscription)}</m:SubscriptionId>"
        f"<m:Watermark>{escape(watermark)}</m:Watermark></m:GetEvents>"
    )


def get_streaming_events(*subscriptions, minutes=30, prefix="t"):
    ids = "".join(f"<{prefix}:SubscriptionId>{escape(s)}</{prefix}:SubscriptionId>" for s in subscriptions)
    return (
        f"<m:GetStreamingEvents><m:SubscriptionIds>{ids}</m:SubscriptionIds>"
        f"<m:ConnectionTimeout>{minutes}</m:ConnectionTimeout></m:GetStreamingEvents>"
    )


# ---- events


class Event:
    """One event element."""

    def __init__(self, element):
        self.element = element
        self.type = local(element)
        self.watermark = element.findtext("t:Watermark", namespaces=NS)
        self.is_folder = element.find("t:FolderId", NS) is not None
        self.id = self.id_of("FolderId" if self.is_folder else "ItemId")
        self.old_id = self.id_of("OldFolderId" if self.is_folder else "OldItemId")
        self.parent = self.id_of("ParentFolderId")
        self.old_parent = self.id_of("OldParentFolderId")
        self.unread = element.findtext("t:UnreadCount", namespaces=NS)

    def id_of(self, name):
        found = self.element.find(f"t:{name}", NS)
        return None if found is None else found.get("Id")

    @property
    def what(self):
        """'item Created' and the like."""
        return f"{'folder' if self.is_folder else 'item'} {self.type.removesuffix('Event')}"

    def __repr__(self):
        return f"<{self.what} {self.id}>"


def events_of(notification):
    return [Event(e) for e in notification if local(e).endswith("Event")]


# ---- streams


class Document:
    """One envelope of a stream."""

    def __init__(self, raw, at):
        self.raw, self.at = raw, at
        self.root = xml_parse(raw)
        self.message = self.root.find(".//m:GetStreamingEventsResponseMessage", NS)
        self.response_class = self.message.get("ResponseClass")
        self.code = self.message.findtext("m:ResponseCode", namespaces=NS)
        self.status = self.message.findtext("m:ConnectionStatus", namespaces=NS)
        self.notifications = self.message.findall("m:Notifications/m:Notification", NS)
        ids = self.message.find("m:ErrorSubscriptionIds", NS)
        self.error_ids = [] if ids is None else [e.text for e in ids]

    @property
    def subscription(self):
        return self.notifications[0].findtext("t:SubscriptionId", namespaces=NS)

    @property
    def events(self):
        return [event for n in self.notifications for event in events_of(n)]

    def complaints(self):
        """Of the schema, where real clients do not ask for something else (docs/protocol.md)."""
        text = self.raw.decode()
        for wrong, right in (
            ("m:Notification>", "t:Notification>"),
            ("<m:SubscriptionId>", "<t:SubscriptionId>"),
            ("</m:SubscriptionId>", "</t:SubscriptionId>"),
        ):
            text = text.replace(wrong, right)
        return validate(xml_parse(text.encode()))


class Stream:
    """An open GetStreamingEvents request, read byte by byte as HTTP chunks."""

    def __init__(
        self, server, client, *subscriptions, minutes=30, receive_bytes=None, headers="", version="1.1", body=None
    ):
        where = urllib.parse.urlsplit(server.url)
        body = body or envelope(get_streaming_events(*subscriptions, minutes=minutes))
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.connect((where.hostname, where.port))
        head = (
            f"POST {where.path} HTTP/{version}\r\nHost: {where.netloc}\r\nContent-Type: text/xml; charset=utf-8\r\n"
            f"Authorization: {client.authorization}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)
        self.bytes = b""
        self.head = None
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError(f"the stream ended; {len(self.bytes)} bytes are left")
        self.bytes += piece

    def read_head(self):
        while b"\r\n\r\n" not in self.bytes:
            self.more()
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.head = {"status": lines[0]} | dict(line.lower().split(": ", 1) for line in lines[1:])

    def chunk(self):
        """The next chunk's bytes; empty: the response is complete."""
        if self.head is None:
            self.read_head()
        if "content-length" in self.head:
            return self.whole_body(int(self.head["content-length"]))
        while b"\r\n" not in self.bytes:
            self.more()
        size, rest = self.bytes.split(b"\r\n", 1)
        n = int(size, 16)
        while len(rest) < n + 2:
            self.more()
            rest = self.bytes.split(b"\r\n", 1)[1]
        assert rest[n : n + 2] == b"\r\n"
        self.bytes = rest[n + 2 :]
        self.ended = n == 0
        return rest[:n]

    def whole_body(self, n):
        """A request that is refused is answered like any other."""
        if self.ended:
            return b""
        while len(self.bytes) < n:
            self.more()
        self.ended = True
        return self.bytes

    def document(self):
        """The next document, which must stand in a chunk of its own, framed as clients want it."""
        raw = self.chunk()
        if not raw:
            return None
        assert raw.startswith(b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"'), raw[:200]
        assert raw.endswith(b"</Envelope>") and raw.count(b"</Envelope>") == 1
        document = Document(raw, time.monotonic())
        assert not document.complaints(), f"{document.complaints()[:3]}\n{raw.decode()}"
        return document

    def opened(self):
        """Past the first document, which says OK."""
        first = self.document()
        assert (first.code, first.status, first.notifications) == ("NoError", "OK", []), first.raw
        return self

    def told(self):
        """The next document with events; signs of life are passed over."""
        while True:
            document = self.document()
            assert document is not None, "the stream ended"
            assert document.code == "NoError" and document.status != "Closed", document.raw
            if document.notifications:
                assert len(document.notifications) == 1
                return document

    def events(self, enough):
        """Events until enough(events); all so far."""
        found = []
        while not enough(found):
            found += self.told().events
        return found

    def rest(self):
        """Documents to the end of the response."""
        documents = []
        while (document := self.document()) is not None:
            documents.append(document)
        return documents

    def is_quiet(self, seconds=0.3):
        """Nothing more came in this time. (That nothing comes can only be waited for.)"""
        if self.bytes:
            return False
        self.socket.settimeout(seconds)
        try:
            self.bytes = self.socket.recv(65536)
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_SECONDS)


# ---- pushes


class Push:
    """What a listener was sent."""

    def __init__(self, headers, raw):
        self.headers, self.raw = headers, raw
        self.root = xml_parse(raw)
        self.notification = self.root.find(".//m:SendNotificationResponseMessage/m:Notification", NS)
        self.subscription = self.notification.findtext("t:SubscriptionId", namespaces=NS)
        self.previous = self.notification.findtext("t:PreviousWatermark", namespaces=NS)
        self.more = self.notification.findtext("t:MoreEvents", namespaces=NS)
        self.events = events_of(self.notification)


def result(status):
    return (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<m:SendNotificationResult xmlns:m="{MESSAGES}"><m:SubscriptionStatus>{status}</m:SubscriptionStatus>'
        "</m:SendNotificationResult></s:Body></s:Envelope>"
    ).encode()


class Listener:
    """An HTTP server on loopback. Answers come from `answers` (a callable: Push -> (status, headers, body)), at first always OK."""

    def __init__(self, answers=None, port=0):
        self.pushes = queue.Queue()
        self.answers = answers or (lambda push: (200, {}, result("OK")))
        self.is_down = False
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                if listener.is_down:
                    self.close_connection = True
                    return
                push = Push(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
                status, headers, body = listener.answers(push)
                listener.pushes.put(push)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/listen"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_down = True  # connections that are kept outlive the server
        self.server.shutdown()
        self.server.server_close()

    def next(self):
        return self.pushes.get(timeout=PATIENCE_SECONDS)

    def events(self, enough):
        """Events until enough(events); each one's PreviousWatermark is the last one's watermark."""
        found = []
        while not enough(found):
            push = self.next()
            if found:
                assert push.previous == found[-1].watermark
            found += [e for e in push.events if e.type != "StatusEvent"]
        return found
