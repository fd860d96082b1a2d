"""The verbs through which everything else reaches the operating system, and what each promises.

Reading only: nothing here changes a byte under the home. Errors are raised as
`StorageFailed` (the OS refused) or `NotFound` (no such file); a missing folder lists empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct


class FileIdentity(Struct, frozen=True):
    """Which file this is, whatever name it goes by."""

    device: int
    inode: int


class FileStat(Struct, frozen=True):
    """Size in bytes as stored, the time of the last change in UTC milliseconds, and which file it is."""

    size_bytes: int
    modified_at: int
    identity: FileIdentity | None = None


class FolderEntry(Struct, frozen=True):
    """One name in a folder."""

    name: str
    is_folder: bool


class ReadFile(Protocol):
    """One open file, read by position. Safe to share between threads."""

    @property
    def identity(self) -> FileIdentity: ...

    @property
    def path(self) -> str: ...

    def stat(self) -> FileStat:
        """Return the size and time of the open file now."""

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` from `offset`; fewer only at the end of the file."""

    def close(self) -> None:
        """Close it. Idempotent."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Spool(Protocol):
    """Scratch space outside the home: grows at its end, is read by position, vanishes on close."""

    @property
    def size_bytes(self) -> int: ...

    def append(self, content: bytes) -> None:
        """Add to the end. Never durable."""

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` from `offset`."""

    def close(self) -> None:
        """Give the space back. Idempotent."""


class FileSystem(Protocol):
    """The file system that holds a home."""

    def open_read(self, path: str) -> ReadFile:
        """Open a regular file for reading. Raise NotFound or StorageFailed."""

    def iter_folder(self, path: str) -> Iterator[FolderEntry]:
        """Yield the names in a folder, in no order; none when there is no such folder."""

    def find_stat(self, path: str) -> FileStat | None:
        """Return size and time of the file at `path`, or None when there is none."""

    def is_folder(self, path: str) -> bool:
        """Tell whether `path` is a folder that can be listed."""

    def spool(self) -> Spool:
        """Open scratch space; small content stays in memory."""
