"""Open files and held locks of the file system that enumerates crashes."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self

from rollout.errors import StorageFailed
from rollout.fs.api import FileIdentity, FileStat
from rollout.testing.crash_images import Change, FileState, Growth, Shortening


class Perform(Protocol):
    """Do one operation, or refuse it when its turn to fail has come; note the moment after it."""

    def __call__(
        self, act: str, path: str, effect: Callable[[], None], *, refused: Callable[[int], None] = ...
    ) -> None: ...


class Node:
    """One file, whatever names it has."""

    def __init__(self, number: int, content: bytes, changed_at: int) -> None:
        self.number: Final = number
        self.content = bytearray(content)
        self.state = FileState(content)
        self.changed_at = changed_at
        self.handle_count = 0
        self.has_failed_sync = False

    def change(self, change: Change) -> None:
        if isinstance(change, Growth):
            self.content += change.content
        else:
            del self.content[change.size_bytes :]
        self.state = FileState(self.state.durable, (*self.state.changes, change))
        self.changed_at += 1

    def sync(self) -> None:
        if not self.has_failed_sync:
            self.state = FileState(bytes(self.content))

    def fail_sync(self) -> None:
        self.has_failed_sync = True


class Handle:
    """An open file, for reading and appending."""

    def __init__(self, path: str, node: Node, perform: Perform) -> None:
        self._perform = perform
        self._node = node
        self._is_open = True
        node.handle_count += 1
        self.path = path
        self.identity = FileIdentity(0, node.number)

    def stat(self) -> FileStat:
        return FileStat(self.size_bytes(), self._node.changed_at, self.identity)

    def size_bytes(self) -> int:
        self._check("looking at")
        return len(self._node.content)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        self._check("reading")
        if offset < 0 or size_bytes < 0:
            raise StorageFailed(f"reading {self.path}: no such range")
        return bytes(self._node.content[offset : offset + size_bytes])

    def append(self, content: bytes) -> None:
        self._check("appending to")

        def grow(taken: bytes) -> None:
            if taken:
                self._node.change(Growth(taken))

        self._perform(
            "appending to", self.path, lambda: grow(content), refused=lambda size: grow(content[:size])
        )

    def sync(self) -> None:
        self._check("syncing")
        self._perform("syncing", self.path, self._node.sync, refused=lambda _: self._node.fail_sync())

    def truncate(self, size_bytes: int) -> None:
        self._check("truncating")
        assert 0 <= size_bytes <= self.size_bytes(), "a file's end is cut off, never extended"
        self._perform("truncating", self.path, lambda: self._node.change(Shortening(size_bytes)))

    def set_modified_at(self, modified_at: int) -> None:
        self._check("setting the time of")

        def set_time() -> None:
            self._node.changed_at = modified_at

        self._perform("setting the time of", self.path, set_time)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._node.handle_count -= 1
            if not self._node.handle_count:
                self._node.has_failed_sync = False

    def _check(self, act: str) -> None:
        if not self._is_open:
            raise StorageFailed(f"{act} {self.path}: the file is closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class HeldLock:
    """A lock that somebody holds. `remove` takes the file's name away, if it is still its name."""

    def __init__(
        self, path: str, holders: list[HeldLock], remove: Callable[[], None], *, is_shared: bool
    ) -> None:
        self.path = path
        self.is_shared = is_shared
        self._holders = holders
        self._remove = remove
        holders.append(self)

    @property
    def is_held(self) -> bool:
        return self in self._holders

    def release(self, *, removes_file: bool = False) -> None:
        if self.is_held:
            try:
                if removes_file:
                    self._remove()
            finally:
                self._holders.remove(self)
