"""What goes wrong around subscriptions: listeners that are down, or elsewhere than they say; clients that never read;
ids and watermarks that are dead, forged or of another time. Where it takes long, the server's time goes faster.
"""
import base64
import contextlib
import itertools
import os
import shutil
import socket
import threading
import time

import pytest

import ewer
from mails import plain
from notifications import (
    PATIENCE_SECONDS,
    Listener,
    Stream,
    get_events,
    get_streaming_events,
    result,
    subscribe,
    subscribe_pull,
    subscribe_push,
    unsubscribe,
)
from soap import NS
from test_notifications import MAIL, Puller, error, subscribed

USER = "ann@example.com"
RATE = 30                       # a minute in two seconds; a request must be complete within one
FASTER = 3600                   # too fast for requests
RETRIES = (30, 60, 120, 240)    # seconds after the first failure
LATE = 25                       # seconds of that clock that a busy machine may take


def serving(directory, *lines, rate=0):
    config = directory / "ewer.conf"
    clock = ("[test]", f"clock_rate = {rate}") if rate else ()
    config.write_text("\n".join([*(lines or ("[push]", "targets = loopback")), *clock, ""]))
    return ewer.serving(directory / "store", [], ["--config", str(config)])


@pytest.fixture(name="fast", scope="module")
def fixture_fast(tmp_path_factory):
    """A server whose minutes are two seconds."""
    with serving(tmp_path_factory.mktemp("fast"), rate=RATE) as server:
        yield server


numbers = itertools.count(1)


@pytest.fixture(name="hurried")
def fixture_hurried(fast):
    """(server, client, user) of the fast server."""
    user = fast.add_user(f"hurried{next(numbers)}@example.com")
    with fast.soap(user) as client:
        yield fast, client, user


def wait_until(is_so):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it does not happen"


def is_gone(server, subscription):
    return server.ctl("sub", "show", subscription, check=False).returncode != 0


def is_failing(server, subscription):
    return "failing since" in server.ctl("sub", "show", subscription).stdout.decode()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


# ---- listeners


def test_a_listener_that_is_down_at_subscribe_hears_all_later(hurried):
    server, client, user = hurried
    port = free_port()
    push_id, mark = subscribed(client, subscribe_push(f"http://127.0.0.1:{port}/listen"))
    server.deliver(user, plain(1))
    wait_until(lambda: is_failing(server, push_id))
    with Listener(port=port) as listener:
        first = listener.next()
        assert (first.subscription, first.previous) == (push_id, mark)
        events = [e for e in first.events if e.type != "StatusEvent"]
        events += listener.events(lambda e: len(events) + len(e) >= 3) if len(events) < 3 else []
        assert [e.what for e in events] == MAIL
        wait_until(lambda: not is_failing(server, push_id))


def test_a_listener_that_goes_down_hears_all_when_it_is_back(hurried):
    server, client, user = hurried
    with Listener() as listener:
        port = listener.server.server_address[1]
        push_id, _ = subscribed(client, subscribe_push(listener.url, types=["NewMailEvent"]))
        listener.next()
        server.deliver(user, plain(1))
        (heard,) = listener.events(len)
    server.deliver(user, plain(2), plain(3))
    wait_until(lambda: is_failing(server, push_id))
    with Listener(port=port) as listener:
        again = listener.next()
        assert again.previous == heard.watermark, "what was OK is not told again"
        assert [e.id for e in again.events] == client.items()[1::-1]


def test_retries_keep_their_times_and_end_with_the_subscription(hurried):
    """StatusFrequency is 5 minutes: 30 s, 1, 2 and 4 minutes after the first failure it is tried again; 8 are too many."""
    server, client, user = hurried
    times = []

    def refuse(_):
        times.append(time.monotonic())
        return 500, {}, b""

    with Listener(refuse) as listener:
        push_id, mark = subscribed(client, subscribe_push(listener.url, minutes=5))
        server.deliver(user, plain(1))
        wait_until(lambda: is_gone(server, push_id))
        after = [(t - times[0]) * RATE for t in times[1:]]
        assert len(after) == len(RETRIES), after
        assert all(due - 1 < at < due + LATE for due, at in zip(RETRIES, after)), after
        assert {listener.next().previous for _ in times} == {mark}
        server.deliver(user, plain(2))
        assert error(client.call(unsubscribe(push_id))) == "ErrorSubscriptionNotFound"
        assert listener.pushes.empty()


def test_quiet_times_end_with_a_status(hurried):
    _, client, _ = hurried
    times = []

    def note(_):
        times.append(time.monotonic())
        return 200, {}, result("OK")

    with Listener(note) as listener:
        _, mark = subscribed(client, subscribe_push(listener.url, minutes=1))
        pushes = [listener.next() for _ in range(3)]
        assert [[e.type for e in push.events] for push in pushes] == [["StatusEvent"]] * 3
        assert [push.previous for push in pushes] == [mark, *(push.events[-1].watermark for push in pushes[:-1])]
        gaps = [(b - a) * RATE for a, b in zip(times, times[1:])]
        assert all(59 < gap < 60 + LATE for gap in gaps), gaps


def test_a_name_does_not_lead_to_forbidden_addresses(tmp_path):
    """`localhost` is allowed by its name alone: what it resolves to is this machine, which must be allowed as such."""
    with serving(tmp_path, "[push]", "targets = localhost") as server, Listener() as listener:
        with server.soap(server.add_user(USER)) as client:
            here = f"http://127.0.0.1:{listener.server.server_address[1]}/"
            assert error(client.call(subscribe_push(here))) == "ErrorInvalidPushSubscriptionUrl"
            push_id, _ = subscribed(client, subscribe_push(here.replace("127.0.0.1", "localhost")))
            wait_until(lambda: is_failing(server, push_id))
        assert listener.pushes.empty()
        assert "is not allowed" in server.log()


def test_an_answer_that_does_not_come_holds_up_nobody_else(hurried):
    """Another mailbox's listener, and this one's requests and streams, go on meanwhile."""
    server, client, user = hurried
    go_on = threading.Event()

    def hold(_):
        go_on.wait(PATIENCE_SECONDS)
        return 200, {}, result("OK")

    with Listener(hold) as slow, Listener() as quick:
        try:
            subscribed(client, subscribe_push(slow.url, types=["NewMailEvent"]))
            subscribed(client, subscribe_push(quick.url, types=["NewMailEvent"]))
            stream_id, _ = subscribed(client, subscribe("Streaming", types=["NewMailEvent"]))
            quick.next()
            with Stream(server, client, stream_id) as stream:
                stream.opened()
                server.deliver(user, plain(1))
                assert len(stream.told().events) == len(quick.events(len)) == 1
            assert slow.pushes.empty()
        finally:
            go_on.set()
        assert [e.type for e in slow.next().events] == ["StatusEvent"]
        assert len(slow.events(len)) == 1


@pytest.mark.skipif(os.environ.get("EWER_LONG") != "1", reason="a listener may take half a minute")
def test_an_ok_that_comes_too_late_is_none(hurried):
    server, client, _ = hurried
    heard, tried_again = [], threading.Event()

    def first_late(push):
        heard.append(push)
        if len(heard) == 1:
            tried_again.wait(2 * PATIENCE_SECONDS)
        else:
            tried_again.set()
        return 200, {}, result("OK")

    with Listener(first_late) as listener:
        push_id, mark = subscribed(client, subscribe_push(listener.url, minutes=1440))
        assert tried_again.wait(2 * PATIENCE_SECONDS)
        assert [push.previous for push in heard] == [mark, mark]
        wait_until(lambda: not is_failing(server, push_id))


# ---- clients


def is_open(server, subscription):
    (line,) = (line for line in server.ctl("sub", "list").stdout.decode().splitlines() if line.startswith(subscription))
    return line.split("\t")[3] == "open"


def test_who_never_reads_is_cut_off_and_loses_nothing(hurried):
    """Its buffers fill, then its two minutes pass; what it was sent in vain comes again."""
    server, client, user = hurried
    stream_id, _ = subscribed(client, subscribe("Streaming"))
    with Stream(server, client, stream_id, receive_bytes=2048):
        n = 0
        wait_until(lambda: is_open(server, stream_id))
        while is_open(server, stream_id):
            assert n < 20000
            server.deliver(user, *(plain(n + i) for i in range(200)))
            n += 200
    assert not is_gone(server, stream_id)
    with Stream(server, client, stream_id) as again:
        told = [e.id for e in again.opened().events(lambda e: len(e) >= 3 * n) if e.type == "NewMailEvent"]
    assert told == client.items()[::-1]


def test_some_of_two_hundred_ids_are_dead(server, client):
    ids = [subscribed(client, subscribe("Streaming"))[0] for _ in range(200)]
    dead = ids[::7]
    for subscription in dead:
        assert client.call(unsubscribe(subscription)).code == "NoError"
    with Stream(server, client, *ids) as stream:
        document = stream.document()
        assert (document.code, document.status, document.error_ids) == ("ErrorInvalidSubscription", "Closed", dead)
        assert stream.document() is None
    with Stream(server, client, *(i for i in ids if i not in dead)) as stream:
        stream.opened()


def test_streams_of_one_user_may_have_a_limit_of_their_own(tmp_path):
    with serving(tmp_path, "[limits]", "max_streams = 1", f"max_streams {USER} = 3") as server:
        for user, most in ((USER, 3), ("ben@example.com", 1)):
            with server.soap(server.add_user(user)) as client, contextlib.ExitStack() as streams:
                *ids, one_more = (subscribed(client, subscribe("Streaming"))[0] for _ in range(most + 1))
                for stream_id in ids:
                    streams.enter_context(Stream(server, client, stream_id)).opened()
                with Stream(server, client, one_more) as refused:
                    assert refused.document().code == "ErrorExceededConnectionCount"


# ---- tokens


def flipped(token):
    """The token with each of its bits flipped."""
    raw = base64.b64decode(token)
    for bit in range(len(raw) * 8):
        yield base64.b64encode(bytes(b ^ (0x80 >> bit % 8 if i == bit // 8 else 0) for i, b in enumerate(raw))).decode()


def test_no_bit_of_a_watermark_or_an_id_may_change(client):
    pull_id, mark = subscribed(client, subscribe_pull())
    stream_id, _ = subscribed(client, subscribe("Streaming"))
    for forged in flipped(mark):
        assert error(client.call(get_events(pull_id, forged))) == "ErrorInvalidWatermark", forged
        assert error(client.call(subscribe_pull(watermark=forged))) == "ErrorInvalidWatermark", forged
    for forged in flipped(pull_id):
        assert error(client.call(get_events(forged, mark))) == "ErrorSubscriptionNotFound", forged
        assert error(client.call(unsubscribe(forged))) == "ErrorSubscriptionNotFound", forged
    forged = list(flipped(stream_id))
    for some in (forged[i : i + 200] for i in range(0, len(forged), 200)):
        (only,) = client.call(get_streaming_events(*some), valid=False).messages
        assert [e.text for e in only.find("m:ErrorSubscriptionIds", NS)] == some
    assert client.call(get_events(pull_id, mark)).code == "NoError"


def test_marks_of_the_future_are_refused(store):
    """A store that is restored from an older copy does not know them; who began before goes on."""
    with ewer.serving(store, [USER]) as server:
        with server.soap(USER) as client:
            pull_id, old = subscribed(client, subscribe_pull())
            stream_id, _ = subscribed(client, subscribe("Streaming"))
        server.stop()
        backup = store.parent / "backup"
        shutil.copytree(store, backup)
        server.start()
        with server.soap(USER) as client:
            server.deliver(USER, *(plain(i) for i in range(5)))
            later_id, later = subscribed(client, subscribe_pull())
        server.stop()
        shutil.rmtree(store)
        backup.rename(store)
        server.start()
        with server.soap(USER) as client:
            assert error(client.call(get_events(pull_id, later))) == "ErrorInvalidWatermark"
            assert error(client.call(subscribe_pull(watermark=later))) == "ErrorInvalidWatermark"
            assert error(client.call(get_events(later_id, old))) == "ErrorSubscriptionNotFound"
            server.deliver(USER, plain(9))
            puller = Puller(client, watermark=old)
            assert puller.told() == MAIL
            with Stream(server, client, stream_id) as stream:
                assert [e.what for e in stream.opened().events(lambda e: len(e) >= 3)] == MAIL


# ---- lives


def test_what_nobody_uses_dies_at_its_time(tmp_path):
    """Pull subscriptions by their Timeout, streaming ones by the configured idle time; what listeners have stays."""
    lines = ("[push]", "targets = loopback", "[notifications]", "stream_idle_hours = 1")
    with Listener() as listener:
        with serving(tmp_path, *lines) as server:
            with server.soap(server.add_user(USER)) as client:
                short, _ = subscribed(client, subscribe_pull(minutes=10))
                stream, _ = subscribed(client, subscribe("Streaming"))
                long, _ = subscribed(client, subscribe_pull(minutes=150))
                push, _ = subscribed(client, subscribe_push(listener.url, minutes=1440))
                listener.next()
        with serving(tmp_path, *lines, rate=FASTER) as server:
            begun, died = time.monotonic(), {}

            def look():
                listed = server.ctl("sub", "list").stdout.decode()
                for subscription in (short, stream, long):
                    if subscription not in listed:
                        died.setdefault(subscription, (time.monotonic() - begun) * FASTER / 60)
                return len(died) == 3

            wait_until(look)
            assert list(died) == [short, stream, long]
            assert died[stream] >= 59 and died[long] >= 149, died
            assert not is_gone(server, push)
