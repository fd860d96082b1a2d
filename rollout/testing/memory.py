"""A file system in memory, so that a test needs no disk and can tell what was touched.

It keeps the reading contract of `rollout.fs.api`. Content may be made up as it is read, so a
log of many megabytes costs nothing; every open and every read is noted down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct

from rollout.errors import NotFound, StorageFailed
from rollout.fs.api import FileIdentity, FileStat, FolderEntry, ReadFile, Spool


class Content(Protocol):
    """The bytes of a file, by position."""

    @property
    def size_bytes(self) -> int: ...

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` from `offset`; fewer only at the end."""


class Stored(Struct):
    """Content that is there."""

    content: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.content)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        return self.content[offset : offset + size_bytes]


class Stretched(Struct, frozen=True):
    """Content that is made up: `head`, then one byte `count` times, then `tail`."""

    head: bytes
    filler: bytes
    count: int
    tail: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.head) + self.count + len(self.tail)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        end = min(offset + size_bytes, self.size_bytes)
        fill_start, fill_end = len(self.head), len(self.head) + self.count
        filled = max(0, min(end, fill_end) - max(offset, fill_start))
        tail = self.tail[max(0, offset - fill_end) : max(0, end - fill_end)]
        return b"".join((self.head[offset:end], self.filler * filled, tail))


class Read(Struct, frozen=True):
    """One read that was asked of a file."""

    path: str
    offset: int
    size_bytes: int


class _MemoryFile:
    def __init__(self, fs: MemoryFileSystem, path: str, content: Content, identity: FileIdentity) -> None:
        self._fs = fs
        self._content = content
        self._is_open = True
        self.path = path
        self.identity = identity

    def stat(self) -> FileStat:
        return FileStat(self._content.size_bytes, self._fs.changed_at(self.path), self.identity)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        if not self._is_open or offset < 0 or size_bytes < 0:
            raise StorageFailed(f"reading {self.path}: closed, or no such range")
        self._fs.reads.append(Read(self.path, offset, size_bytes))
        return self._content.read_at(offset, size_bytes)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._fs.open_count -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _MemorySpool:
    def __init__(self, fs: MemoryFileSystem) -> None:
        self._fs = fs
        self._content = bytearray()
        self._is_open = True

    @property
    def size_bytes(self) -> int:
        return len(self._content)

    def append(self, content: bytes) -> None:
        self._fs.largest_spooled_bytes = max(self._fs.largest_spooled_bytes, len(content))
        self._content += content

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        return bytes(self._content[offset : offset + size_bytes])

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._fs.open_count -= 1
            self._content.clear()


class MemoryFileSystem:
    """Files by their absolute path; folders are whatever the paths imply.

    A test may look at everything that was touched, and change files while they are open:
    `put` publishes a new file under the name, `change` alters the one that is there.
    """

    def __init__(self, files: Mapping[str, bytes | Content] | None = None) -> None:
        self._files: dict[str, Content] = {}
        self._inodes: dict[str, int] = {}
        self._changed_at: dict[str, int] = {}
        self._refused: set[str] = set()
        self._ticks = 0
        self.opens: list[str] = []
        """Every path opened so far."""
        self.reads: list[Read] = []
        """Every read so far."""
        self.listed: list[str] = []
        """Every folder listed so far."""
        self.open_count = 0
        """Files and spools that are open now."""
        self.largest_spooled_bytes = 0
        """The largest piece ever appended to scratch space."""
        for path, content in (files or {}).items():
            self.put(path, content)

    @property
    def bytes_read(self) -> int:
        """Bytes asked of files so far."""
        return sum(read.size_bytes for read in self.reads)

    @property
    def largest_read_bytes(self) -> int:
        """The largest single read so far."""
        return max((read.size_bytes for read in self.reads), default=0)

    def put(self, path: str, content: bytes | Content) -> None:
        """Publish a new file at `path`, in place of any other."""
        self._inodes[path] = self._tick()
        self._files.pop(path, None)
        self._touch_folders(path)
        self.change(path, content)

    def change(self, path: str, content: bytes | Content) -> None:
        """Give the file at `path` other bytes; whoever has it open sees them."""
        known = self._files.get(path)
        if isinstance(known, Stored) and isinstance(content, bytes):
            known.content = content
        else:
            self._files[path] = Stored(content) if isinstance(content, bytes) else content
        self._changed_at[path] = self._tick()

    def remove(self, path: str) -> None:
        """Take the file at `path` away."""
        del self._files[path]
        self._touch_folders(path)

    def refuse(self, path: str) -> None:
        """Let every later use of the file or folder at `path` fail."""
        self._refused.add(path)

    def changed_at(self, path: str) -> int:
        """Return when the file or folder at `path` last changed."""
        return self._changed_at.get(path, 0)

    def open_read(self, path: str) -> ReadFile:
        """Open a file for reading. Raise NotFound or StorageFailed."""
        self._check(path, "opening")
        if path not in self._files:
            if self.is_folder(path):
                raise StorageFailed(f"opening {path}: expected a regular file, found a folder")
            raise NotFound(f"opening {path}: there is no such file")
        self.opens.append(path)
        self.open_count += 1
        return _MemoryFile(self, path, self._files[path], FileIdentity(0, self._inodes[path]))

    def iter_folder(self, path: str) -> Iterator[FolderEntry]:
        """Yield the names in a folder; none when there is no such folder."""
        self._check(path, "listing")
        self.listed.append(path)
        prefix = f"{path.rstrip('/')}/"
        seen: set[str] = set()
        for known in self._files:
            if known.startswith(prefix):
                name, slash, _ = known[len(prefix) :].partition("/")
                if name not in seen:
                    seen.add(name)
                    yield FolderEntry(name, bool(slash))

    def find_stat(self, path: str) -> FileStat | None:
        """Return size and time of the file or folder at `path`, or None when there is none."""
        self._check(path, "looking at")
        if path in self._files:
            identity = FileIdentity(0, self._inodes[path])
            return FileStat(self._files[path].size_bytes, self.changed_at(path), identity)
        return FileStat(0, self.changed_at(path)) if self.is_folder(path) else None

    def is_folder(self, path: str) -> bool:
        """Tell whether some file lies below `path`."""
        prefix = f"{path.rstrip('/')}/"
        return any(known.startswith(prefix) for known in self._files)

    def spool(self) -> Spool:
        """Open scratch space."""
        self.open_count += 1
        return _MemorySpool(self)

    def _check(self, path: str, act: str) -> None:
        if path in self._refused:
            raise StorageFailed(f"{act} {path}: Permission denied")

    def _tick(self) -> int:
        self._ticks += 1
        return self._ticks

    def _touch_folders(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        while folder:
            self._changed_at[folder] = self._tick()
            folder = folder.rpartition("/")[0]
