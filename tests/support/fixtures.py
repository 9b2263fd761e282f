"""pytest fixtures of the wire and system suites.

One server serves all tests that need no store of their own. A new user costs two password hashes,
so a test that changes nothing takes a shared one: `reader` (an empty mailbox), `zoo_reader` (one
message of each kind) or `ten_reader` (ten plain messages). `user` and `client` are fresh for each
test.
"""
import itertools

import pytest

import ewer
import mails
import soap

ID_CHARACTERS = 40
numbers = itertools.count(1)


@pytest.fixture(scope="session", name="shared_server")
def fixture_shared_server():
    with ewer.serving() as server:
        yield server


@pytest.fixture(name="server")
def fixture_server(shared_server):
    """The shared server, which must be alive and free of reports after the test; the next test
    finds it alive again."""
    shared_server.revive()
    yield shared_server
    assert shared_server.is_alive(), f"ewerd has ended\n{shared_server.log()[-8000:]}"
    shared_server.check()


@pytest.fixture(name="new_user")
def fixture_new_user(server):
    """Makes users; the addresses are unused ones."""
    return lambda name="user": server.add_user(f"{name}{next(numbers)}@example.com")


@pytest.fixture(name="user")
def fixture_user(new_user):
    return new_user()


@pytest.fixture(name="client")
def fixture_client(server, user):
    """A SOAP client of a user with an empty mailbox."""
    with server.soap(user) as client:
        yield client


# ---- mailboxes that are only read


def filled(server, name, messages):
    user = server.add_user(f"{name}{next(numbers)}@example.com")
    server.deliver(user, *messages)
    return user


@pytest.fixture(scope="session", name="reading_user")
def fixture_reading_user(shared_server):
    return filled(shared_server, "reader", [])


@pytest.fixture(scope="session", name="zoo_user")
def fixture_zoo_user(shared_server):
    return filled(shared_server, "zoo", [message for _, message, _ in mails.zoo()])


@pytest.fixture(scope="session", name="ten_user")
def fixture_ten_user(shared_server):
    return filled(shared_server, "ten", [mails.plain(i) for i in range(10)])


@pytest.fixture(name="reader")
def fixture_reader(server, reading_user):
    with server.soap(reading_user) as client:
        yield client


@pytest.fixture(name="zoo_reader")
def fixture_zoo_reader(server, zoo_user):
    with server.soap(zoo_user) as client:
        yield client


@pytest.fixture(name="ten_reader")
def fixture_ten_reader(server, ten_user):
    with server.soap(ten_user) as client:
        yield client


@pytest.fixture(name="ten")
def fixture_ten(ten_reader):
    """The ids of the ten messages, newest first."""
    return ten_reader.items()


@pytest.fixture(name="store")
def fixture_store(tmp_path):
    """A directory for a store of the test's own."""
    return tmp_path / "store"


# ---- how the suites speak


def pytest_make_parametrize_id(config, val, argname):
    """Long values do not make names."""
    del config, argname
    return (
        f"{val[:ID_CHARACTERS]!a}-{len(val)}"
        if isinstance(val, (str, bytes)) and len(val) > ID_CHARACTERS
        else None
    )


def pytest_terminal_summary(terminalreporter):
    if soap.schema() is None:
        terminalreporter.write_line(
            f"answers were NOT held against the schema: {soap.schema_directory()} is absent"
        )
