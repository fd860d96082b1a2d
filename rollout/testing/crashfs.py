"""A file system in memory that enumerates the disks a crash could leave, and fails where it is told to.

    scenario(fs := CrashFS(folders=["/home"]))   # the code under test; notes what it acknowledges
    for cut in fs.cuts():                        # after every operation ...
        for disk in cut.images():                # ... every disk that a crash there may leave
            kept = recover(disk)                 # a CrashFS again: recovery may be cut, too
            assert is_prefix(cut.acknowledged, kept) and is_prefix(kept, cut.begun)

It is stricter than any real disk: names are durable by `sync_folder` alone, never by syncing a
file. Of a renaming into another folder, syncing the target's folder makes the new name durable
and syncing the source's the loss of the old one. After a failed sync no later one makes the file
durable, until every handle of it has been closed: opened again, what is read is trusted.
`rollout.testing.crash_images` says what is enumerated. Not thread-safe: nobody else runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Self

from msgspec import Struct

from rollout.errors import Conflict, NotFound, StorageFailed
from rollout.fs.api import FileIdentity, FileStat, FolderEntry, ReadFile, Spool
from rollout.fs.mutation import AppendFile, Lock
from rollout.testing.crash_handles import Handle, HeldLock, Node
from rollout.testing.crash_images import (
    FOLDER,
    DiskState,
    Link,
    NameChange,
    folder_of,
    iter_disks,
)
from rollout.testing.memory import MemoryFileSystem


class Cut(Struct, frozen=True):
    """A moment at which everything may stop: after an operation, or after an acknowledgement."""

    number: int
    operation: str
    """What had just been done."""
    begun: tuple[object, ...]
    """What the scenario had announced, oldest first."""
    acknowledged: tuple[object, ...]
    """What the scenario had promised, oldest first."""
    state: DiskState

    def images(self) -> Iterator[CrashFS]:
        """Yield every disk that a crash here may leave, as a file system of its own."""
        for number, disk in enumerate(iter_disks(self.state)):
            origin = f"image {number} of cut {self.number}, {self.operation}"
            yield CrashFS(disk.files, folders=disk.folders, origin=origin)


class _Refusal(Struct, frozen=True):
    at_count: int
    errno: int
    written_bytes: int


class CrashFS:
    """A MutableFileSystem whose crashes can be looked at. `files` and `folders` are durable at the start."""

    def __init__(
        self, files: Mapping[str, bytes] | None = None, *, folders: Iterable[str] = (), origin: str = "new"
    ) -> None:
        self.origin = origin
        """Where this disk comes from, for the message of a failed test."""
        self.operation_count = 0
        """Mutating operations so far, refused ones included."""
        self._names: dict[str, int] = {"/": FOLDER}
        self._nodes: dict[int, Node] = {}
        self._locks: dict[int, list[HeldLock]] = {}
        self._ticks = 0
        self._folder_times: dict[str, int] = {}
        for path in (*folders, *(folder_of(path) for path in files or {})):
            while path not in self._names:
                self._names[path] = FOLDER
                path = folder_of(path)
        for path, content in (files or {}).items():
            self._names[path] = self._make_node(content)
        self._durable_names = dict(self._names)
        self._name_changes: tuple[NameChange, ...] = ()
        self._begun: tuple[object, ...] = ()
        self._acknowledged: tuple[object, ...] = ()
        self._refusal: _Refusal | None = None
        self._cuts: list[Cut] = []
        self._note("the start")

    def begin(self, value: object) -> None:
        """Announce what is being attempted: from now on a crash may keep it."""
        self._begun += (value,)

    def acknowledge(self, value: object) -> None:
        """Promise it: from now on a crash must keep it."""
        self._acknowledged += (value,)
        self._note(f"acknowledging {value!r}")

    def failing(self, count: int, errno: int, *, written_bytes: int = 0) -> Self:
        """Let the mutating operation number `count` from now be refused; of an append, after some bytes."""
        self._refusal = _Refusal(self.operation_count + count, errno, written_bytes)
        return self

    def cuts(self) -> Iterator[Cut]:
        """Yield every moment so far, the start included."""
        yield from tuple(self._cuts)

    def files(self) -> dict[str, bytes]:
        """Return what every file holds now, durable or not."""
        return {path: bytes(self._nodes[at].content) for path, at in self._names.items() if at != FOLDER}

    def open_read(self, path: str) -> ReadFile:
        """Open a file for reading. Raise NotFound or StorageFailed."""
        return self._open(path)

    def open_append(self, path: str) -> AppendFile:
        """Open an existing file. Raise NotFound when there is none."""
        return self._open(path)

    def iter_folder(self, path: str) -> Iterator[FolderEntry]:
        """Yield the names in a folder; none when there is no such folder."""
        for known, number in tuple(self._names.items()):
            if known != "/" and folder_of(known) == path:
                yield FolderEntry(known.rpartition("/")[2], number == FOLDER)

    def find_stat(self, path: str) -> FileStat | None:
        """Return size and time of the file or folder at `path`, or None when there is none.

        A folder's time moves when a name in it does.
        """
        number = self._names.get(path)
        if number is None or number == FOLDER:
            return None if number is None else FileStat(0, self._folder_times.get(path, 0))
        node = self._nodes[number]
        return FileStat(len(node.content), node.changed_at, FileIdentity(0, node.number))

    def is_folder(self, path: str) -> bool:
        """Tell whether `path` is a folder."""
        return self._names.get(path) == FOLDER

    def spool(self) -> Spool:
        """Open scratch space."""
        return MemoryFileSystem().spool()

    def make_folders(self, path: str) -> None:
        """Make a folder and those above it that are missing, each durable by name on return."""
        missing = []
        while not self.is_folder(path):
            if path in self._names:
                raise StorageFailed(f"making the folder {path}: there is a file of that name")
            missing.append(path)
            path = folder_of(path)
        for folder in reversed(missing):
            self._perform("making the folder", folder, partial(self._rename, Link(folder, FOLDER)))
            self.sync_folder(folder_of(folder))

    def create(self, path: str) -> AppendFile:
        """Create a new, empty file. Raise Conflict when the name is taken."""
        if path in self._names:
            raise Conflict(f"creating {path}: there is a file of that name")
        self._check_folder("creating", path)
        self._perform("creating", path, lambda: self._rename(Link(path, self._make_node(b""))))
        return self._open(path)

    def replace(self, source: str, target: str) -> None:
        """Give the file at `source` the name `target`, in place of any file there."""
        number = self._names.get(source)
        if number is None or number == FOLDER:
            raise NotFound(f"renaming {source}: there is no such file")
        self._check_folder(f"renaming {source} to", target)
        if self.is_folder(target):
            raise StorageFailed(f"renaming {source} to {target}: it is a folder")
        links = (Link(source, None), Link(target, number)) if source != target else ()
        self._perform(f"renaming {source} to", target, lambda: self._rename(*links))

    def remove(self, path: str) -> None:
        """Take a name away; no error when there is none."""
        if self.is_folder(path):
            raise StorageFailed(f"removing {path}: it is a folder")
        if path in self._names:
            self._perform("removing", path, lambda: self._rename(Link(path, None)))

    def sync_folder(self, path: str) -> None:
        """Make the names in a folder durable."""
        if not self.is_folder(path):
            raise StorageFailed(f"syncing the folder {path}: there is no such folder")
        self._perform("syncing the folder", path, lambda: self._settle(path))

    def find_lock(self, path: str, *, shared: bool = False, wait_millis: int = 0) -> Lock | None:  # noqa: ARG002
        """Take a lock on a file; None at once when it cannot be had: nobody runs who could let go."""
        if path not in self._names:
            self.create(path).close()
        number = self._names[path]
        if number == FOLDER:
            raise StorageFailed(f"locking {path}: it is a folder")
        holders = self._locks.setdefault(number, [])
        if any(not (shared and holder.is_shared) for holder in holders):
            return None

        def remove() -> None:
            if self._names.get(path) == number:
                self.remove(path)

        return HeldLock(path, holders, remove, is_shared=shared)

    def read_small(self, path: str, limit_bytes: int = 1 << 16) -> bytes | None:
        """Return a small file's content, or None when there is none."""
        if path not in self._names:
            return None
        with self._open(path) as file:
            content = file.read_at(0, limit_bytes + 1)
        if len(content) > limit_bytes:
            raise StorageFailed(f"reading {path}: expected at most {limit_bytes} bytes, found more")
        return content

    def _perform(
        self,
        act: str,
        path: str,
        effect: Callable[[], None],
        *,
        refused: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Do one operation, or refuse it when its turn to fail has come; note the moment after it."""
        self.operation_count += 1
        refusal = self._refusal
        if refusal is None or refusal.at_count != self.operation_count:
            effect()
            self._note(f"{act} {path}")
            return
        refused(refusal.written_bytes)
        self._note(f"{act} {path}, refused")
        raise StorageFailed(f"{act} {path}: {os.strerror(refusal.errno)}")

    def _note(self, operation: str) -> None:
        files = {number: node.state for number, node in self._nodes.items()}
        state = DiskState(self._durable_names, self._name_changes, files)
        self._cuts.append(Cut(len(self._cuts), f"after {operation}", self._begun, self._acknowledged, state))

    def _open(self, path: str) -> Handle:
        number = self._names.get(path)
        if number is None:
            raise NotFound(f"opening {path}: there is no such file")
        if number == FOLDER:
            raise StorageFailed(f"opening {path}: expected a regular file, found a folder")
        return Handle(path, self._nodes[number], self._perform)

    def _make_node(self, content: bytes) -> int:
        self._ticks += 1
        self._nodes[self._ticks] = Node(self._ticks, content, self._ticks)
        return self._ticks

    def _check_folder(self, act: str, path: str) -> None:
        if not self.is_folder(folder_of(path)):
            raise StorageFailed(f"{act} {path}: there is no such folder")

    def _rename(self, *links: Link) -> None:
        self._names = _linked(self._names, links)
        self._ticks += 1
        self._folder_times |= {folder_of(link.path): self._ticks for link in links}
        self._name_changes += (NameChange(links),)

    def _settle(self, folder: str) -> None:
        """Make the names of one folder durable; what the same changes did elsewhere is still open."""
        left = []
        for change in self._name_changes:
            here = [link for link in change.links if folder_of(link.path) == folder]
            self._durable_names = _linked(self._durable_names, here)
            elsewhere = tuple(link for link in change.links if link not in here)
            if elsewhere:
                left.append(NameChange(elsewhere))
        self._name_changes = tuple(left)


def _linked(names: Mapping[str, int], links: Iterable[Link]) -> dict[str, int]:
    names = dict(names)
    for link in links:
        if link.number is None:
            names.pop(link.path, None)
        else:
            names[link.path] = link.number
    return names
