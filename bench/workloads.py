"""What is measured. Each workload yields figures; a figure with a bar says whether it is met."""
import base64
import multiprocessing
import signal
import statistics
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import mail
import streams
from served import PASSWORD, Ews, Lmtp, Meter, Server, apart, ewerctl, start

# value met by bar: at least it ("min") or at most it ("max"); bar None: for information
Figure = namedtuple("Figure", "name value unit sense bar", defaults=(None, None))

SIZES = {"u1k": 1_000, "u10k": 10_000, "u100k": 100_000, "u1m": 1_000_000}
LMTP_USERS = [f"lmtp{n}@example.com" for n in range(8)]
IDLE_USERS = 100


def address(user):
    return f"{user}@example.com"


def add_user(data, user):
    ewerctl(data, "user", "add", user, "--password-stdin", text=f"{PASSWORD}\n")


def fill(data, scratch, sizes):
    """A store with the mailboxes; yields what the import took."""
    for user in LMTP_USERS:
        add_user(data, user)
    for user, size in sizes.items():
        add_user(data, address(user))
        mbox = Path(scratch) / f"{user}.mbox"
        mail.write_mbox(mbox, size)
        began = time.perf_counter()
        ewerctl(data, "import", address(user), mbox)
        wall = time.perf_counter() - began
        mbox.unlink()
        if size == max(sizes.values()):
            yield Figure(f"import of {size} small messages", size / wall, "messages/s")


def first_sync(server, sizes):
    for user, shape, bar in (("u10k", "IdOnly", 1e6), ("u10k", "Default", 4e5), ("u100k", "IdOnly", 1e6), ("u100k", "Default", 4e5)):
        if user not in sizes:
            continue
        rates = []
        for _ in range(6 if user == "u10k" else 3):
            ews = Ews(server, address(user), shape)
            with Meter(server) as m:
                seen = ews.sync_all()
            ews.close()
            if seen != sizes[user]:
                sys.exit(f"bench: {user} has {seen} items")
            rates.append(seen / m.cpu)
        yield Figure(f"first sync of {user[1:]}, {shape}", statistics.median(rates[1:]), "items/CPU s", "min", bar)


def no_change(server, sizes, rounds=15, requests=200):
    """The mailboxes in turn, so that what else the machine does meets them alike."""
    clients = {user: Ews(server, address(user)) for user in sizes}
    cpu, wall = {user: [] for user in sizes}, {user: [] for user in sizes}
    for ews in clients.values():
        ews.sync_all()
    for _ in range(rounds):
        for user, ews in clients.items():
            with Meter(server) as m:
                for _ in range(requests):
                    ews.request()
            cpu[user].append(m.cpu / requests * 1e6)
            wall[user].append(m.wall / requests * 1e6)
    for user in sizes:
        yield Figure(f"nothing new in {user[1:]}", statistics.median(cpu[user]), "CPU µs/request", "max", 50)
    least, most = min(sizes, key=sizes.get), max(sizes, key=sizes.get)
    ratio = statistics.median(cpu[most]) / statistics.median(cpu[least])
    yield Figure(f"nothing new, {most[1:]} to {least[1:]}", ratio, "times", "max", 1.10)
    yield Figure(f"nothing new in {most[1:]}, round trip", statistics.median(wall[most]), "µs")


def ten_new(server, sizes, rounds=60):
    """Ten deliveries, then one sync that is measured; the mailboxes in turn."""
    users = [user for user in ("u1k", "u100k") if user in sizes]
    clients = {user: Ews(server, address(user)) for user in users}
    cpu, lmtp = {user: [] for user in users}, Lmtp(server)
    for ews in clients.values():
        ews.sync_all()
    for round_ in range(rounds):
        for user, ews in clients.items():
            for n in range(10):
                lmtp.deliver(address(user), mail.usual(3_000_000 + 10 * round_ + n))
            with Meter(server) as m:
                answer = ews.request()
            cpu[user].append(m.cpu * 1e6)
            if ews.take(answer) != (10, True):
                sys.exit("bench: a sync missed new messages")
    lmtp.close()
    for user in users:
        yield Figure(f"ten new in {user[1:]}", statistics.median(cpu[user]), "CPU µs/request", "max", 200)
    if len(users) == 2:
        yield Figure("ten new, 100k to 1k", statistics.median(cpu["u100k"]) / statistics.median(cpu["u1k"]), "times", "max", 1.10)


def update_items(ids):
    changes = "".join(f'<t:ItemChange><t:ItemId Id="{i}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="message:IsRead"/><t:Message>'
                      "<t:IsRead>true</t:IsRead></t:Message></t:SetItemField></t:Updates></t:ItemChange>" for i in ids)
    return ('<m:UpdateItem MessageDisposition="SaveOnly" ConflictResolution="AlwaysOverwrite">'
            f"<m:ItemChanges>{changes}</m:ItemChanges></m:UpdateItem>")


def move_items(ids):
    return ('<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id="junkemail"/></m:ToFolderId><m:ItemIds>' +
            "".join(f'<t:ItemId Id="{i}"/>' for i in ids) + "</m:ItemIds></m:MoveItem>")


def create_items(numbers):
    items = "".join(f"<t:Message><t:MimeContent>{base64.b64encode(mail.long(n)).decode()}</t:MimeContent></t:Message>" for n in numbers)
    return ('<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:DistinguishedFolderId Id="drafts"/></m:SavedItemFolderId>'
            f"<m:Items>{items}</m:Items></m:CreateItem>")


def writing(server, sizes, created=2000):
    """Requests of one client, one after another, each durable when it is answered: one commit a request, whatever is in it. Every item of the mailbox is marked
    as read, then moved. A single creation is measured for information: what it costs is above all its commit, as with LMTP's one to one."""
    user = "u10k" if "u10k" in sizes else min(sizes, key=sizes.get)
    ews = Ews(server, address(user))
    ids, numbers = ews.item_ids(), range(6_000_000, 6_000_000 + 2 * created)
    for name, make, what, batch, bar in (("UpdateItem (IsRead)", update_items, ids, 100, 2e4),
                                         ("MoveItem", move_items, ids, 100, 2e4),
                                         ("CreateItem of 10 kB", create_items, numbers[:created], 1, None),
                                         ("CreateItem of 10 kB", create_items, numbers[created:], 10, 5e3)):
        requests = [make(what[at:at + batch]) for at in range(0, len(what), batch)]
        with Meter(server) as m:
            for request in requests:
                ews.ask(request)
        yield Figure(f"{name}, by {batch}", len(what) / m.cpu, "items/CPU s", "min", bar)
    ews.close()


def lmtp_client(server, user, first, count, barrier):
    messages = [mail.usual(first + n) for n in range(count)]
    lmtp = Lmtp(server)
    barrier.wait()
    for message in messages:
        lmtp.deliver(user, message)
    barrier.wait()
    lmtp.close()


def lmtp(server, messages=800):
    """Each 250 after an fsync. The bars are Dovecot's figures on the same machine: see `make bench PEERS=1`."""
    fork = multiprocessing.get_context("fork")
    for connections, users in ((1, 1), (8, 1), (8, 8)):
        barrier = fork.Barrier(connections + 1)
        clients = [fork.Process(target=lmtp_client, args=(server, LMTP_USERS[i % users], 5_000_000 + i * messages, messages // connections, barrier))
                   for i in range(connections)]
        for client in clients:
            client.start()
        barrier.wait()
        with Meter(server) as m:
            barrier.wait()
        for client in clients:
            client.join()
        name = f"LMTP, {connections} to {users}"
        yield Figure(name, messages / m.wall, "messages/s")
        yield Figure(name, m.cpu / messages * 1e6, "CPU µs/message")


def idle(scratch):
    data = str(Path(scratch) / "idle")
    for n in range(IDLE_USERS):
        add_user(data, f"idle{n}@example.com")
    with Server(data) as server:
        time.sleep(1)
        yield Figure(f"RSS, idle, {IDLE_USERS} mailboxes", server.memory_kb("VmRSS") / 1024, "MB", "max", 32)


def notifications(scratch):
    data = str(Path(scratch) / "streams")
    for n in range(streams.MAILBOXES + 2):
        add_user(data, streams.user(n))
    yield from streams.figures(Figure, data, scratch)


def demo(times=5):
    seconds = []
    for _ in range(times):
        process, _, took = start("demo")
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        seconds.append(took)
    yield Figure("ewerd demo, until ready", statistics.median(seconds) * 1000, "ms")


def all_figures(directory, largest):
    """Yields the figures as they come."""
    sizes = {user: size for user, size in SIZES.items() if size <= largest}
    with tempfile.TemporaryDirectory(prefix="ewer-bench-", dir=directory) as scratch:
        data = str(Path(scratch) / "store")
        yield from demo()
        yield from idle(scratch)
        yield from notifications(scratch)
        yield from fill(data, scratch, sizes)
        with Server(data) as server:
            yield from first_sync(server, sizes)
            with apart(server):
                yield from no_change(server, sizes)
                yield from ten_new(server, sizes)
                yield from writing(server, sizes)
            yield from lmtp(server)
            yield Figure("RSS at its peak (a password check takes 64)", server.memory_kb("VmHWM") / 1024, "MB")
