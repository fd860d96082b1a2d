"""The real file system, for writing: what `rollout.fs.mutation` promises, on POSIX.

OS errors are translated here; each keeps the system's words and says what to do about them.
Where there are no POSIX locks (Windows) this module can be imported, and taking a lock fails.
"""

from __future__ import annotations

import errno
import os
import stat as modes
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from rollout.errors import Conflict, InvalidRequest, NotFound, StorageFailed
from rollout.fs.api import FileIdentity, FileStat, FileSystem, FolderEntry, ReadFile, Spool
from rollout.fs.mutation import AppendFile, Lock, MutableFileSystem
from rollout.fs.posix import POSIX
from rollout.fs.posix_lock import CLOSED_ON_EXEC, FILE_MODE, NO_LINK, refused, try_lock

_FOLDER_MODE: Final = 0o700
_NANOS_A_MILLI: Final = 1_000_000
_FIRST_PAUSE_SECONDS: Final = 0.001
_LONGEST_PAUSE_SECONDS: Final = 0.05


def _sync_bytes(descriptor: int) -> None:
    """Make a file's bytes and size durable: on macOS, where fsync stops at the drive's cache, with more."""
    if sys.platform == "darwin":
        import fcntl  # absent on Windows, where reading must work

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
            os.fsync(descriptor)  # a file system without the stronger call
    elif sys.platform == "win32":
        os.fsync(descriptor)
    else:
        os.fdatasync(descriptor)


class _PosixAppendFile:
    def __init__(self, path: str, descriptor: int) -> None:
        self._descriptor = descriptor
        self._path = path
        try:
            found = os.fstat(descriptor)
            if not modes.S_ISREG(found.st_mode):
                raise StorageFailed(f"opening {path}: expected a regular file, found something else")
        except OSError as error:
            os.close(descriptor)
            raise refused("looking at", path, error) from error
        except StorageFailed:
            os.close(descriptor)
            raise
        self._identity = FileIdentity(found.st_dev, found.st_ino)

    @property
    def path(self) -> str:
        return self._path

    @property
    def identity(self) -> FileIdentity:
        return self._identity

    def size_bytes(self) -> int:
        try:
            return os.lseek(self._descriptor, 0, os.SEEK_END)  # writes go to the end in any case
        except OSError as error:
            raise refused("looking at", self._path, error) from error

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        pieces = []
        try:
            while size_bytes > 0:
                piece = os.pread(self._descriptor, size_bytes, offset)
                if not piece:
                    break
                pieces.append(piece)
                offset += len(piece)
                size_bytes -= len(piece)
        except OSError as error:
            raise refused("reading", self._path, error) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def append(self, content: bytes) -> None:
        try:
            written = os.write(self._descriptor, content)
            while written < len(content):
                written += os.write(self._descriptor, memoryview(content)[written:])
        except OSError as error:
            raise refused("appending to", self._path, error) from error

    def sync(self) -> None:
        try:
            _sync_bytes(self._descriptor)
        except (OSError, ValueError) as error:
            raise refused("syncing", self._path, error) from error

    def truncate(self, size_bytes: int) -> None:
        assert 0 <= size_bytes <= self.size_bytes(), "a file's end is cut off, never extended"
        try:
            os.ftruncate(self._descriptor, size_bytes)
        except OSError as error:
            raise refused("truncating", self._path, error) from error

    def set_modified_at(self, modified_at: int) -> None:
        where = self._descriptor if os.utime in os.supports_fd else self._path
        try:
            os.utime(where, ns=(modified_at * _NANOS_A_MILLI, modified_at * _NANOS_A_MILLI))
        except (OSError, ValueError) as error:
            raise refused("setting the time of", self._path, error) from error

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1  # the number may be given out again at once
            try:
                os.close(descriptor)
            except OSError as error:
                raise refused("closing", self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PosixMutableFileSystem:
    """The file system of this machine, for reading and writing. Holds no state; safe to share."""

    def open_read(self, path: str) -> ReadFile:
        """Open a regular file for reading. Raise NotFound or StorageFailed."""
        return POSIX.open_read(path)

    def iter_folder(self, path: str) -> Iterator[FolderEntry]:
        """Yield the names in a folder, in no order; none when there is no such folder."""
        return POSIX.iter_folder(path)

    def find_stat(self, path: str) -> FileStat | None:
        """Return size and time of the file at `path`, or None when there is none."""
        return POSIX.find_stat(path)

    def is_folder(self, path: str) -> bool:
        """Tell whether `path` is a folder that can be listed."""
        return POSIX.is_folder(path)

    def spool(self) -> Spool:
        """Open scratch space."""
        return POSIX.spool()

    def make_folders(self, path: str) -> None:
        """Make a folder and those above it that are missing, and make their names durable."""
        missing = []
        while path and not self.is_folder(path):
            missing.append(path)
            path = os.path.dirname(path)  # noqa: PTH120  # paths are plain text below the store
        for folder in reversed(missing):
            try:
                os.mkdir(folder, _FOLDER_MODE)  # noqa: PTH102
            except FileExistsError as error:
                if not self.is_folder(folder):  # another writer may have been first
                    raise refused("making the folder", folder, error) from error
            except (OSError, ValueError) as error:
                raise refused("making the folder", folder, error) from error
            self.sync_folder(os.path.dirname(folder) or ".")  # noqa: PTH120

    def create(self, path: str) -> AppendFile:
        """Create a new, empty file. Raise Conflict when the name is taken."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | CLOSED_ON_EXEC | NO_LINK
        try:
            descriptor = os.open(path, flags, FILE_MODE)
        except FileExistsError as error:
            raise Conflict(f"creating {path}: there is a file of that name") from error
        except (OSError, ValueError) as error:
            raise refused("creating", path, error) from error
        return _PosixAppendFile(path, descriptor)

    def open_append(self, path: str) -> AppendFile:
        """Open an existing file. Raise NotFound when there is none."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | CLOSED_ON_EXEC)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"opening {path}: there is no such file") from error
        except (OSError, ValueError) as error:
            raise refused("opening", path, error) from error
        return _PosixAppendFile(path, descriptor)

    def replace(self, source: str, target: str) -> None:
        """Give the file at `source` the name `target`, in place of any file there."""
        try:
            os.replace(source, target)  # noqa: PTH105
        except (OSError, ValueError) as error:
            if isinstance(error, FileNotFoundError) and self.find_stat(source) is None:
                raise NotFound(f"renaming {source}: there is no such file") from error
            raise refused(f"renaming {source} to", target, error) from error

    def remove(self, path: str) -> None:
        """Take a name away; no error when there is none."""
        try:
            os.unlink(path)  # noqa: PTH108
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, ValueError) as error:
            raise refused("removing", path, error) from error

    def sync_folder(self, path: str) -> None:
        """Make the names in a folder durable."""
        if sys.platform == "win32":
            return  # folders cannot be opened there; the journal of the file system has to do
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise refused("syncing the folder", path, error) from error
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise refused("syncing the folder", path, error) from error
        finally:
            os.close(descriptor)

    def find_lock(self, path: str, *, shared: bool = False, wait_millis: int = 0) -> Lock | None:
        """Take a lock on a file by flock; None when it cannot be had within the time."""
        last_try_at = time.monotonic() + wait_millis / 1000
        pause_seconds = _FIRST_PAUSE_SECONDS
        while (lock := try_lock(path, shared=shared)) is None:
            left_seconds = last_try_at - time.monotonic()
            if left_seconds <= 0:
                return None
            time.sleep(min(pause_seconds, left_seconds))
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        return lock

    def read_small(self, path: str, limit_bytes: int = 1 << 16) -> bytes | None:
        """Return a small file's content, or None when there is none."""
        try:
            file = self.open_read(path)
        except NotFound:
            return None
        with file:
            content = file.read_at(0, limit_bytes + 1)
        if len(content) > limit_bytes:
            raise StorageFailed(f"reading {path}: expected at most {limit_bytes} bytes, found more")
        return content


POSIX_MUTABLE: Final[MutableFileSystem] = PosixMutableFileSystem()
"""The one instance; it has no state."""


def writable(fs: FileSystem, home: str) -> MutableFileSystem:
    """Return what writes where `fs` reads. Raise InvalidRequest over a file system that only reads."""
    found = POSIX_MUTABLE if fs is POSIX else fs
    if isinstance(found, MutableFileSystem):
        return found
    raise InvalidRequest(
        f"writing to {home}: the store was opened over a file system that only reads",
        hint="Open it with one that writes.",
    )


def current_pid() -> int:
    """Return the number of this process, for those who ask who holds a lease."""
    return os.getpid()
