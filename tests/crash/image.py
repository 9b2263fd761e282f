"""What a power loss leaves: the files of a store as of a log of killat.so, of which only what was synced is kept.

A file's bytes are those of its last fsync. A directory's entries are those of the directory's last fsync: a file that was made since is not there,
one that was removed since is there again. File systems keep more than this; a store that is whole here is whole on each of them.
"""
import os
from collections import namedtuple
from pathlib import Path

Step = namedtuple("Step", "op offset path new_path data")


class File:
    def __init__(self, data=b"", synced=True):
        self.data = bytearray(data)
        self.synced = bytes(data) if synced else b""

    def write(self, offset, data):
        self.data.extend(bytes(max(0, offset - len(self.data))))
        self.data[offset:offset + len(data)] = data

    def truncate(self, size):
        self.data.extend(bytes(max(0, size - len(self.data))))
        del self.data[size:]


class Directory:
    def __init__(self, entries, synced=True):
        self.entries = entries
        self.synced = dict(entries) if synced else {}


def parse_log(text):
    """The steps that a program did, in their order."""
    steps, at = [], 0
    while at < len(text):
        end = text.index(b"\n", at)
        _, op, offset, size, paths = text[at:end].decode().split(" ", 4)
        at = end + 1
        data = text[at:at + int(size)] if op == "write" else b""
        at += len(data)
        path, _, new_path = paths.partition("\t")
        steps.append(Step(op, int(offset), path.removesuffix(" (deleted)"), new_path or None, data))
    return steps


class Disk:
    """The tree below a directory, in memory; begins as the directory is, all of it synced."""

    def __init__(self, top, origin):
        self.parent, self.name = os.path.split(str(top))
        entries = {self.name: self.read(Path(origin))} if origin is not None else {}
        self.root = Directory(entries)

    def read(self, path):
        if path.is_dir():
            return Directory({entry.name: self.read(entry) for entry in path.iterdir()
                              if entry.is_dir() or entry.is_file()})
        return File(path.read_bytes())

    def find(self, path):
        node = self.root
        for name in Path(os.path.relpath(path, self.parent)).parts:
            node = node.entries.get(name) if isinstance(node, Directory) else None
        return node

    def entries_of(self, path):
        above = os.path.dirname(path)
        return self.root.entries if above == self.parent else self.find(above).entries

    def apply(self, step):
        op, offset, path, new_path, data = step
        name, node = os.path.basename(path), self.find(path)
        if op == "create":
            self.entries_of(path)[name] = File(synced=False)
        elif op == "mkdir":
            self.entries_of(path)[name] = Directory({}, synced=False)
        elif op in ("unlink", "rmdir"):
            self.entries_of(path).pop(name, None)
        elif op in ("rename", "link"):
            self.entries_of(new_path)[os.path.basename(new_path)] = node
            if op == "rename":
                del self.entries_of(path)[name]
        elif node is not None and op == "write":
            node.write(offset, data)
        elif node is not None and op == "truncate":
            node.truncate(offset)
        elif node is not None and op == "sync":
            if isinstance(node, Directory):
                node.synced = dict(node.entries)
            else:
                node.synced = bytes(node.data)

    def write_synced(self, top):
        """Makes the directory top with what is synced; without the top itself if not even that is."""
        # The directory above the store is not the store's to sync.
        node = self.root.entries.get(self.name)
        if node is not None:
            self.write_node(Path(top), node)

    def write_node(self, path, node):
        if isinstance(node, File):
            path.write_bytes(node.synced)
            return
        path.mkdir(mode=0o700)
        for name, child in node.synced.items():
            self.write_node(path / name, child)


def write_image(steps, top, origin, image):
    """The store `top` was a copy of `origin` (None: absent) before the steps; `image` becomes what a power loss would leave."""
    disk = Disk(top, origin)
    for step in steps:
        disk.apply(step)
    disk.write_synced(image)
