"""The verbs that change the disk, and what is durable when each returns.

A byte is *appended* when the operating system has it, *durable* when a power loss cannot take
it back. Names are durable apart from bytes: only `sync_folder` makes them so. Errors are
raised as `StorageFailed`, `Conflict` or `NotFound`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from rollout.fs.api import FileIdentity, FileSystem


class AppendFile(Protocol):
    """One file open for appending and reading. One writer at a time, by lease."""

    @property
    def path(self) -> str: ...

    @property
    def identity(self) -> FileIdentity: ...

    def size_bytes(self) -> int:
        """Return how long the file is now, whoever made it so."""

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` from `offset`; fewer only at the end."""

    def append(self, content: bytes) -> None:
        """Hand `content` to the operating system, at the end of the file, in one call where it can.

        Nothing is durable yet. On StorageFailed any prefix of `content` may have been appended.
        """

    def sync(self) -> None:
        """Make every byte appended so far, and the file's size, durable.

        After StorageFailed nothing is known of any byte since the last successful sync, and
        trying again proves nothing.
        """

    def truncate(self, size_bytes: int) -> None:
        """Cut the file's end off; it is at least `size_bytes` long. Durable after the next `sync`."""

    def set_modified_at(self, modified_at: int) -> None:
        """Let the file have changed at that time, UTC milliseconds: that of the one whose place it takes."""

    def close(self) -> None:
        """Close it. Idempotent. Makes nothing durable."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Lock(Protocol):
    """A lock on a lock file, held until released or until the process ends."""

    @property
    def path(self) -> str: ...

    @property
    def is_held(self) -> bool:
        """Tell whether it is ours still: not released, and not in a child made by `fork`."""

    def release(self, *, removes_file: bool = False) -> None:
        """Let go. Idempotent; in a child made by `fork` the parent's lock stays.

        The file stays, too, unless `removes_file`; then its name goes first, if it is still its
        name. Whoever removes lock files must exclude those who open them, by another lock.
        """


@runtime_checkable
class MutableFileSystem(FileSystem, Protocol):
    """A file system that holds a home we may write to."""

    def make_folders(self, path: str) -> None:
        """Make a folder and those above it that are missing, mode 0700.

        The names of those it made are durable on return; of one that was there, nothing is known.
        """

    def create(self, path: str) -> AppendFile:
        """Create a new, empty file, mode 0600. Raise Conflict when the name is taken.

        Its name is durable after `sync_folder` of its folder, its bytes after `sync`.
        """

    def open_append(self, path: str) -> AppendFile:
        """Open an existing file. Raise NotFound when there is none."""

    def replace(self, source: str, target: str) -> None:
        """Give the file at `source` the name `target`, in place of any file there, at once.

        Durable after `sync_folder` of the target's folder. Raise NotFound when there is no source.
        """

    def remove(self, path: str) -> None:
        """Take a name away; no error when there is none. Durable after `sync_folder`."""

    def sync_folder(self, path: str) -> None:
        """Make the names in a folder durable."""

    def find_lock(self, path: str, *, shared: bool = False, wait_millis: int = 0) -> Lock | None:
        """Take a lock on a file, made (mode 0600) if missing; None when it cannot be had.

        An exclusive one excludes every other, a `shared` one only the exclusive. Tries again
        until `wait_millis` have passed. On return `path` names the very file that is locked.
        """

    def read_small(self, path: str, limit_bytes: int = 1 << 16) -> bytes | None:
        """Return a small file's content, or None when there is none. Raise StorageFailed over the limit."""
