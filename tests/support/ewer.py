"""Runs ewerd and ewerctl for tests.

Programs come from EWERD and EWERCTL, else from the build directory EWER_BUILD, else from build-asan
or build. Servers listen on ports of their own choosing on 127.0.0.1 and are ended by their own
process id. What they write to stderr is kept and searched for reports of the sanitizers: one report
fails the test.
"""
import base64
import contextlib
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

from lmtp import Lmtp
from soap import Soap

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 60
STOP_SECONDS = 60
CTL_SECONDS = 90
REPORT = re.compile(r"(ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|Assertion .* failed)")
# No client can make the server log an error: those are its own troubles.
UNEXPECTED = re.compile(r"level=error|event=ews\.failed|\"level\": ?\"error\"")


class ProgramFailed(AssertionError):
    """A program did not do what the test's preparation needs."""


def program(name):
    """The path of ewerd or ewerctl."""
    named = os.environ.get(name.upper())
    if named:
        return named
    for directory in (os.environ.get("EWER_BUILD"), ROOT / "build-asan", ROOT / "build"):
        if directory and (Path(directory) / name).exists():
            return str(Path(directory) / name)
    raise ProgramFailed(f"{name} is not built: set {name.upper()} or EWER_BUILD")


def is_sanitized():
    """Is the server under test built with AddressSanitizer? Then it is slow, and large input costs."""
    symbols = Path(program("ewerd")).read_bytes()
    return b"__asan_init" in symbols


def read_line(stream, seconds, process):
    """One line of a pipe, or what is wrong: the process ended, or too much time passed."""
    deadline = time.monotonic() + seconds
    line = b""
    os.set_blocking(stream.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0, deadline - time.monotonic())):
                raise ProgramFailed(f"no ready line within {seconds} s")
            piece = os.read(stream.fileno(), 65536)
            if not piece:
                raise ProgramFailed(
                    f"ended without a ready line, code {process.wait(STOP_SECONDS)}"
                )
            line += piece
    return line.decode()


class Server:
    """One running ewerd; start() and stop() may follow each other on one store."""

    def __init__(self, mode, directory=None, arguments=(), environment=None):
        self.mode = mode
        self.directory = Path(directory) if directory else None
        self.arguments = list(arguments)
        self.environment = dict(os.environ, **(environment or {}))
        self.log_file = tempfile.NamedTemporaryFile(mode="ab", prefix="ewerd-", suffix=".log")
        self.process = None
        self.ready = None
        self.passwords = {}

    # ---- life

    def command(self):
        command = [
            program("ewerd"),
            self.mode,
            "--json",
            "--listen",
            "127.0.0.1:0",
            "--lmtp",
            "127.0.0.1:0",
        ]
        if self.directory:
            command += ["--data", str(self.directory)]
        return command + self.arguments

    def start(self):
        self.process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log_file,
            env=self.environment,
        )
        try:
            line = read_line(self.process.stdout, READY_SECONDS, self.process)
        except ProgramFailed as failure:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
            self.process.stdout.close()
            raise ProgramFailed(f"{failure}\n{self.log()}") from None
        self.ready = json.loads(line)
        for user in self.ready.get("users", []):
            self.passwords[user["address"]] = user["password"]
        return self

    def stop(self):
        """Ends the server as an administrator does; returns what else it said on stdout."""
        if self.process is None:
            return b""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
            self.process.stdout.close()
            self.process = None
            raise ProgramFailed(
                f"SIGTERM did not end ewerd within {STOP_SECONDS} s\n{self.log()}"
            ) from None
        rest = self.rest_of_stdout()
        self.process = None
        assert code == 0, f"ewerd ended with {code}\n{self.log()}"
        self.check()
        return rest

    def kill(self):
        """Ends the server as a power cut does."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        self.process = None
        self.check()

    def restart(self):
        self.stop()
        return self.start()

    def revive(self):
        """Starts a server anew that a test has brought down, without its last words, which that
        test has told."""
        if not self.is_alive() or REPORT.search(self.log()):
            self.process.kill()
            self.process.wait(STOP_SECONDS)
            self.process.stdout.close()
            self.log_file.truncate(0)
            self.start()

    def rest_of_stdout(self):
        os.set_blocking(self.process.stdout.fileno(), True)
        with self.process.stdout:
            return self.process.stdout.read()

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        return Path(self.log_file.name).read_text(errors="replace")

    def check(self):
        """No sanitizer has anything to say, and no error was logged."""
        text = self.log()
        found = REPORT.search(text) or UNEXPECTED.search(text)
        assert (
            not found
        ), f"ewerd reports:\n{text[max(0, found.start() - 400):found.start() + 6000]}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.stop()
            elif self.process is not None:
                self.process.kill()
                self.process.wait(STOP_SECONDS)
                self.process.stdout.close()
        finally:
            self.log_file.close()

    # ---- where it listens

    @property
    def url(self):
        return self.ready["ews_url"]

    @property
    def port(self):
        return urllib.parse.urlsplit(self.url).port

    @property
    def lmtp_address(self):
        host, port = self.ready["lmtp"].rsplit(":", 1)
        return host, int(port)

    # ---- what clients and administrators do

    def soap(self, address, password=None, **options):
        return Soap(
            self.url,
            address,
            password if password is not None else self.passwords[address],
            **options,
        )

    def lmtp(self, **options):
        return Lmtp(*self.lmtp_address, **options)

    def deliver(self, address, *messages):
        """Delivers by one LMTP connection; every one must be taken."""
        with self.lmtp() as session:
            session.hello()
            for message in messages:
                replies = session.deliver(message, [address])
                assert [r.code for r in replies] == [250], replies

    def ctl(self, *arguments, stdin=b"", check=True):
        return ewerctl(self.directory, *arguments, stdin=stdin, check=check)

    def add_user(self, address, password="s3cret"):
        self.ctl("user", "add", address, "--password-stdin", stdin=password.encode() + b"\n")
        self.passwords[address] = password
        return address


def ewerctl(directory, *arguments, stdin=b"", check=True):
    """Runs ewerctl; with check, it must succeed and no sanitizer may complain."""
    command = [program("ewerctl")]
    if directory is not None:
        command += ["--data", str(directory)]
    done = subprocess.run(
        command + [str(a) for a in arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=CTL_SECONDS,
        check=False,
    )
    said = done.stderr.decode(errors="replace")
    assert not REPORT.search(said), f"ewerctl reports:\n{said}"
    if check and done.returncode != 0:
        raise ProgramFailed(
            f"ewerctl {' '.join(map(str, arguments))}: code {done.returncode}\n{said}"
        )
    return done


@contextlib.contextmanager
def serving(directory=None, users=(), arguments=(), environment=None):
    """A server on a fresh store (or the one in directory) with these users."""
    own = directory is None
    directory = Path(tempfile.mkdtemp(prefix="ewer-")) / "store" if own else Path(directory)
    try:
        with Server("serve", directory, arguments, environment) as server:
            server.start()
            for user in users:
                server.add_user(user)
            yield server
    finally:
        if own:
            shutil.rmtree(directory.parent, ignore_errors=True)


@contextlib.contextmanager
def demo(arguments=()):
    """The demo server; its store is its own."""
    with Server("demo", None, arguments) as server:
        yield server.start()


def basic(address, password):
    return "Basic " + base64.b64encode(f"{address}:{password}".encode()).decode()
