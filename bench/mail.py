"""The messages of the measurements: each a pure function of its number."""
import time

WORDS = ("meeting invoice report budget draft release server backup ticket schedule quarter review order travel "
         "contract payment project status update minutes agenda proposal offer answer question summary").split()
NAMES = "Ada Ben Cara Dan Eva Finn Gail Hugo Ines Jan Kim Lea Max Nora Otto Pia Rosa Sam Tess Uli Vera Wim Yara Zoe".split()


def pick(words, number):
    return words[number * 2654435761 % 4294967296 % len(words)]


def header(number):
    first, other = pick(NAMES, number), pick(NAMES, number + 7)
    subject = " ".join(pick(WORDS, number + i) for i in range(5))
    day = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(1_500_000_000 + 60 * number))
    return (f"Message-ID: <{number}@bench.example.org>\r\nDate: {day}\r\nFrom: {first} Sender <{first.lower()}{number % 997}@example.org>\r\n"
            f"To: {other} Receiver <{other.lower()}@example.net>\r\nSubject: {subject} #{number}\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n")


def small(number):
    """For mailboxes of a million: headers as they are, one line of text."""
    return f"{header(number)}This is message {number}.\r\n".encode()


def usual(number, lines=75):
    """As people write: about 6 kB."""
    text = "".join(" ".join(pick(WORDS, number + line * 11 + i) for i in range(10)) + "\r\n" for line in range(lines))
    return f"{header(number)}{text}".encode()


def long(number):
    """About 10 kB."""
    return usual(number, 136)


def write_mbox(path, count):
    with open(path, "wb") as out:
        for number in range(count):
            out.write(b"From bench Thu Jan  1 00:00:00 2015\n" + small(number).replace(b"\r\n", b"\n") + b"\n")
