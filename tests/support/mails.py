"""Messages to deliver: small builders, and a zoo of what a mailbox meets."""
import base64

DATE = "Mon, 02 Mar 2026 10:{:02d}:{:02d} +0000"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)


def plain(number=1, subject=None, text=None, headers="", to="user@example.com"):
    """A plain message; its subject and Message-ID tell its number."""
    return (
        f"From: Sender <sender@example.org>\r\nTo: {to}\r\nSubject: "
        f"{subject or f'message {number}'}\r\n"
        f"Message-ID: <m{number}@example.org>\r\nDate: "
        f"{DATE.format(number // 60 % 60, number % 60)}\r\n{headers}"
        f"\r\n{text or f'text of message {number}'}\r\n"
    ).encode()


def multipart(parts, kind="mixed", headers="", number=1, subject="with parts"):
    """A message of these parts, each with its own header block; the boundary is the number's."""
    line = f"=-=boundary {number}=-="
    body = "".join(f"--{line}\r\n{part}\r\n" for part in parts) + f"--{line}--\r\n"
    head = f'MIME-Version: 1.0\r\n{headers}Content-Type: multipart/{kind}; boundary="{line}"\r\n'
    return plain(number, subject, body.rstrip("\r\n"), head)


def text_part(text, kind="plain"):
    return (
        f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}"
    )


def file_part(name, data, kind="application/octet-stream", extra=""):
    encoded = base64.encodebytes(data).decode().replace("\n", "\r\n")
    return (
        f'Content-Type: {kind}; name="{name}"\r\nContent-Disposition: attachment; '
        f'filename="{name}"\r\n{extra}'
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}"
    )


def message_part(message):
    return (
        "Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + message.decode()
    )


def html(text="<p>Grüße <b>aus</b> München</p>", number=1):
    return multipart(
        [text_part("Grüße aus München"), text_part(f"<html><body>{text}</body></html>", "html")],
        "alternative",
        number=number,
        subject="html",
    )


def with_file(name="report.bin", data=bytes(range(256)) * 5, number=1):
    return multipart(
        [text_part("see the file"), file_part(name, data)], number=number, subject="with a file"
    )


def with_message(inner=None, number=1):
    return multipart(
        [text_part("see the message"), message_part(inner or plain(99, "the inner one"))],
        number=number,
        subject="with a message",
    )


def with_picture(number=1):
    return multipart(
        [
            text_part('<html><body><img src="cid:pic@x"></body></html>', "html"),
            file_part("pic.png", PNG, "image/png", "Content-ID: <pic@x>\r\n").replace(
                ": attachment", ": inline"
            ),
        ],
        "related",
        number=number,
        subject="with a picture",
    )


def calendar(method="REQUEST", summary="Budget Q3", uid="meeting-1@example.com", extra=""):
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//test//EN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20060801T120000Z",
        "DTSTART:20060802T173000Z",
        "DTEND:20060802T193000Z",
        f"SUMMARY:{summary}",
        "LOCATION:Conference Room 2",
        'ORGANIZER;CN="Dan Park":mailto:dpark@example.com',
        "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:user@example.com",
        "SEQUENCE:0",
        "TRANSP:OPAQUE",
        *([extra] if extra else []),
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines)


def meeting(method="REQUEST", summary="Budget Q3", number=1, extra=""):
    """A meeting message as mail programs send it: alternative of text and calendar."""
    part = (
        f"Content-Type: text/calendar; charset=utf-8; method={method}\r\n\r\n"
        f"{calendar(method, summary, extra=extra)}"
    )
    message = multipart(
        [text_part("When: 2 August 2006"), part], "alternative", number=number, subject=summary
    )
    return message.replace(
        b"From: Sender <sender@example.org>", b"From: Dan Park <dpark@example.com>"
    )


def zoo():
    """One of each kind that the server tells apart: (name, message, element in EWS)."""
    reply = meeting("REPLY", "Accepted: Budget Q3", 22).replace(
        b"PARTSTAT=NEEDS-ACTION", b"PARTSTAT=ACCEPTED"
    )
    return [
        ("plain", plain(11), "Message"),
        ("html", html(number=12), "Message"),
        ("file", with_file(number=13), "Message"),
        ("message", with_message(number=14), "Message"),
        ("picture", with_picture(number=15), "Message"),
        ("nothing", b"", "Message"),
        ("headless", b"just some text, no header at all\r\n", "Message"),
        ("no body", b"Subject: only this\r\n", "Message"),
        (
            "latin1",
            b"Subject: Gr\xfc\xdfe\r\nFrom: \xe9@example.com\r\n\r\n\xe4\xf6\xfc\r\n",
            "Message",
        ),
        ("control", b"Subject: a\x01b\x0bc\x1fd\r\n\r\n\x00\x08text\r\n", "Message"),
        ("request", meeting(number=21), "MeetingRequest"),
        ("response", reply, "MeetingResponse"),
        (
            "cancellation",
            meeting("CANCEL", "Canceled: Budget Q3", 23, "STATUS:CANCELLED"),
            "MeetingCancellation",
        ),
        (
            "urgent",
            plain(24, headers="Importance: high\r\nSensitivity: private\r\nX-Priority: 1\r\n"),
            "Message",
        ),
        (
            "threaded",
            plain(
                25,
                headers="In-Reply-To: <m11@example.org>\r\nReferences: <m1@example.org> <m11@example.org>\r\n",
            ),
            "Message",
        ),
        (
            "bounce",
            multipart(
                [
                    text_part("it failed"),
                    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; "
                    "mx.example\r\n"
                    "\r\nFinal-Recipient: rfc822; x@example.com\r\nAction: failed\r\nStatus: "
                    "5.1.1\r\n",
                ],
                'report; report-type="delivery-status"',
                number=26,
                subject="Undelivered",
            ),
            "Message",
        ),
    ]
